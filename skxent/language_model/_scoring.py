"""Score the lines or documents of a corpus, block by block, in memory that its size does not change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from skxent._typing import Floats, Integers
from skxent.language_model._corpus import (
    Document,
    block_options,
    checked_documents,
    joined_size,
    map_blocks,
    start_workers,
)
from skxent.language_model._model import WordScores
from skxent.language_model._reader import Block, blocks_of_documents, ensure_newline, read_blocks
from skxent.language_model._score import Score
from skxent.language_model._tokenizers import Tokenize, make_tokenizer, space_tokens, tokenize_lines, works_on_arrays
from skxent.language_model._word_counts import WordValues, find_tokens

__all__ = ["LineScorer", "ScoredLines", "score_lines", "score_text"]


@dataclass(frozen=True)
class ScoredLines:
    """Neighbouring lines or documents of one file with their scores.

    Attributes
    ----------
    path : str
        The file.
    first : int
        Number of the first line or document, from 1.
    score : Score
        One record for each line or document.
    texts : list of str
        The lines without their newlines, or the documents, if they were asked for.
    """

    path: str
    first: int
    score: Score
    texts: list[str]

    @property
    def numbers(self) -> Integers:
        """The number of each line or document."""
        return np.arange(self.first, self.first + len(self.score))


class LineScorer:
    """Scores of the lines of blocks.

    Parameters
    ----------
    scores : WordScores
        The model.
    tokenizer, lowercase
        As in :func:`~skxent.language_model.count_files`.
    """

    def __init__(self, scores: WordScores, tokenizer: str | Tokenize = "whitespace", lowercase: bool = False) -> None:
        self.log_prob_unk = scores.log_prob_unk
        self.log_prob_eos = scores.log_prob_eos
        self.table = scores.table
        self.lowercase = lowercase
        self.tokenizer = tokenizer
        self.tokenize = make_tokenizer(tokenizer)
        if works_on_arrays(self.tokenize):
            self.values = WordValues(self.table["word"], self.table["log_prob"].to_numpy())

    def block(self, block: Block) -> Score:
        """Score each line or document of a block, without the ends of sentences."""
        values, per_line = self._tokens(block)
        lines = self._sum_over_lines(values, per_line)
        if block.documents is None:
            return replace(lines, **_sizes_of_lines(block))
        n_lines = np.array([ensure_newline(document).count("\n") for document in block.documents])
        first = np.cumsum(n_lines) - n_lines
        documents = lines.each(lambda amount: np.add.reduceat(amount, first))
        return replace(documents, lines=np.ones_like(first), **_sizes_of_documents(block.documents))

    def token_lists(self, documents: Sequence[Sequence[str]]) -> Score:
        """Score each list of tokens, without the ends of sentences."""
        per_line = np.array([len(tokens) for tokens in documents], dtype=np.int64)
        sizes = np.array([joined_size(tokens) for tokens in documents], dtype=np.int64).reshape(-1, 2)
        scored = self._sum_over_lines(self.word_values(chain.from_iterable(documents)), per_line)
        return replace(scored, bytes=sizes[:, 0], characters=sizes[:, 1])

    def word_values(self, words: Iterable[str]) -> Floats:
        """Return the log-probability of each word, NaN for the unknown."""
        listed = [word.lower() for word in words] if self.lowercase else list(words)
        frame = pl.DataFrame({"word": listed}, schema={"word": pl.String})
        joined = frame.join(self.table, on="word", how="left", maintain_order="left")
        return joined["log_prob"].fill_null(np.nan).to_numpy()

    def with_ends(self, score: Score) -> Score:
        """Add the end-of-sentence events, one for each line with a token, if the model has them."""
        if self.log_prob_eos is None:
            return score
        ends = score.sentences
        log_prob = score.log_prob_known + _times(ends, self.log_prob_eos)
        return replace(score, ends=ends, log_prob_known=log_prob)

    def _tokens(self, block: Block) -> tuple[Floats, Integers]:
        if works_on_arrays(self.tokenize):
            data = space_tokens(self.tokenize, block.data)
            data = data.decode().lower().encode() if self.lowercase else data
            tokens = find_tokens(data)
            return self.values.look_up(data, tokens), tokens.per_line[: -1 if block.ends_line else None]
        assert self.tokenize is not None
        lines = tokenize_lines(self.tokenize, block.data.decode())
        return self.word_values(chain.from_iterable(lines)), np.array([len(line) for line in lines], np.int64)

    def _sum_over_lines(self, values: Floats, per_line: Integers) -> Score:
        line = np.repeat(np.arange(len(per_line)), per_line)
        is_unknown = np.isnan(values)
        n_unknown = np.bincount(line[is_unknown], minlength=len(per_line))
        known = np.bincount(line, weights=np.where(is_unknown, 0.0, values), minlength=len(per_line))
        return Score.of_records(
            lines=1,
            sentences=(per_line > 0).astype(np.int64),
            tokens=per_line,
            unknown_tokens=n_unknown,
            log_prob_known=known,
            log_prob_unknown=_times(n_unknown, self.log_prob_unk),
        )


def _times(count: Any, log_prob: float) -> Floats:
    """Log-probability of ``count`` equal events; that of none is 0, even where one is impossible."""
    return np.multiply(count, log_prob, out=np.zeros(len(count)), where=count > 0)


def _sizes_of_lines(block: Block) -> dict[str, Integers]:
    text = np.frombuffer(block.data, dtype=np.uint8)[: block.n_bytes]
    ends = np.flatnonzero(text == 0x0A) + 1
    if len(ends) == 0 or ends[-1] < block.n_bytes:
        ends = np.append(ends, block.n_bytes)
    characters = ends
    if not block.data.isascii():
        characters = np.cumsum((text & 0xC0) != 0x80)[ends - 1]
    return {"bytes": np.diff(ends, prepend=0), "characters": np.diff(characters, prepend=0)}


def _sizes_of_documents(documents: Sequence[str]) -> dict[str, Integers]:
    n_bytes = np.array([len(document.encode("utf-8", "replace")) for document in documents], np.int64)
    return {"bytes": n_bytes, "characters": np.array(list(map(len, documents)), np.int64)}


def score_lines(
    paths: Iterable[str | Path],
    scores: WordScores,
    *,
    tokenizer: str | Tokenize = "whitespace",
    encoding: str = "utf-8",
    errors: str = "strict",
    lowercase: bool = False,
    field: str | None = None,
    keep_text: bool = False,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
    block_bytes: int | None = None,
) -> Iterator[ScoredLines]:
    """Score every line, or with ``field`` every document, in memory that does not depend on the corpus's size.

    Parameters
    ----------
    paths : iterable of str or Path
        As in :func:`~skxent.language_model.count_files`, like the parameters that are not listed here.
    scores : WordScores
        The model, or its leave-one-out scores.
    tokenizer, encoding, errors, lowercase, field, n_jobs, progress, block_bytes
        See :func:`~skxent.language_model.count_files`.
    keep_text : bool, default=False
        Also yield the text of each line.

    Yields
    ------
    ScoredLines
        The lines of a block.

    Raises
    ------
    CorpusError
        When a file cannot be read or decoded.
    """
    scorer = LineScorer(scores, tokenizer, lowercase)
    score = partial(_score_block, scorer, keep_text)
    options: dict[str, Any] = dict(encoding=encoding, errors=errors, field=field, progress=progress)
    options |= block_options(tokenizer, block_bytes)
    with start_workers(scorer.tokenize, n_jobs) as workers:
        for path in map(str, paths):
            first = 1
            blocks = read_blocks(path, **options)
            for part in _join_cut_lines(map_blocks(score, blocks, workers)):
                yield ScoredLines(path, first, scorer.with_ends(part.score), part.texts)
                first += len(part.score)


@dataclass(frozen=True)
class _ScoredBlock:
    score: Score
    texts: list[str]

    def __getitem__(self, records: slice) -> _ScoredBlock:
        return _ScoredBlock(self.score.each(lambda amount: amount[records]), self.texts[records])

    def __len__(self) -> int:
        return len(self.score)


def _score_block(scorer: LineScorer, keep_text: bool, block: Block) -> _ScoredBlock:
    score = scorer.block(block)
    if not keep_text:
        return _ScoredBlock(score, [])
    if block.documents is not None:
        return _ScoredBlock(score, block.documents)
    return _ScoredBlock(score, block.data.decode().split("\n")[: len(score)])


def _join_cut_lines(scored: Iterable[tuple[Block, _ScoredBlock]]) -> Iterator[_ScoredBlock]:
    """Put the pieces of a line that is longer than a block together."""
    pieces: list[_ScoredBlock] = []
    for block, part in scored:
        if pieces:
            pieces.append(part[:1])
            if len(part) == 1 and not block.ends_line:
                continue
            yield _join(pieces)
            part = part[1:]
        pieces = [] if block.ends_line else [part[-1:]]
        whole_lines = part if block.ends_line else part[:-1]
        if len(whole_lines):
            yield whole_lines


def _join(pieces: Sequence[_ScoredBlock]) -> _ScoredBlock:
    """Make one line of its pieces."""
    score = Score.concatenate(piece.score for piece in pieces).each(lambda amount: amount.sum(keepdims=True))
    one_line = replace(score, lines=np.ones(1, np.int64), sentences=(score.tokens > 0).astype(np.int64))
    texts = [text for piece in pieces for text in piece.texts]
    return _ScoredBlock(one_line, ["".join(texts)] if texts else [])


def score_text(
    documents: Iterable[Document], scorer: LineScorer, n_jobs: int | None = None, block_bytes: int | None = None
) -> Score:
    """Score documents held in memory, one record for each, in their order."""
    listed = list(checked_documents(documents))
    is_text = np.array([isinstance(document, str) for document in listed], dtype=np.bool_)
    texts = [document for document in listed if isinstance(document, str)]
    lists = [document for document in listed if not isinstance(document, str)]
    blocks = blocks_of_documents(texts, block_options(scorer.tokenizer, block_bytes)["block_bytes"])
    with start_workers(scorer.tokenize, n_jobs) as workers:
        scored = [score for _, score in map_blocks(scorer.block, blocks, workers)]
    together = Score.concatenate([scorer.token_lists(lists), *scored])
    order = np.argsort(np.concatenate([np.flatnonzero(~is_text), np.flatnonzero(is_text)]))
    return scorer.with_ends(together.each(lambda amount: amount[order]))
