"""Score the lines or documents of a corpus, block by block, in memory that its size does not change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from skxent._polars import pl
from skxent._typing import Floats, Integers
from skxent.language_model._blocks import Block, Piece, pieces_of_texts
from skxent.language_model._corpus import (
    Document,
    block_options,
    checked_documents,
    joined_size,
    map_pieces,
    start_workers,
)
from skxent.language_model._model import WordScores
from skxent.language_model._reader import BAD_BYTE, MARK_BYTES, read_pieces
from skxent.language_model._score import Score
from skxent.language_model._token_values import TokenValues
from skxent.language_model._tokenizers import Tokenize, works_on_arrays
from skxent.language_model._word_keys import cut_at_spaces

__all__ = ["LineScorer", "ScoredLines", "score_lines", "score_text", "scored_lines", "sizes_of_lines"]


@dataclass(frozen=True)
class ScoredLines:
    """Neighbouring lines or documents of a corpus with their scores.

    Attributes
    ----------
    paths : list of str
        Files that they come from.
    path_of : ndarray of shape (n_records,)
        The position of each record's file in ``paths``.
    numbers : ndarray of shape (n_records,)
        The number of each line, or of the line or row that holds the document, from 1 in each file.
    score : Score
        One record for each line or document.
    text : bytes
        The lines or documents in UTF-8, each with a newline, if they were asked for.
    lengths : ndarray of shape (n_records,)
        Bytes of each record in ``text``.
    records : polars.DataFrame, list of str or None
        The whole records of documents, if they were asked for: rows, or lines of JSON.
    problems : tuple of str
        What is wrong with records that were left out.
    is_open : bool
        Whether the last line goes on in what follows; only if long lines are not joined.
    """

    paths: list[str]
    path_of: Integers
    numbers: Integers
    score: Score
    text: bytes = b""
    lengths: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    records: pl.DataFrame | list[str] | None = None
    problems: tuple[str, ...] = ()
    is_open: bool = False

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.numbers)

    def __getitem__(self, chosen: slice) -> ScoredLines:
        """Choose neighbouring records."""
        start, stop, _ = chosen.indices(len(self))
        return replace(
            self,
            path_of=self.path_of[chosen],
            numbers=self.numbers[chosen],
            score=self.score.each(lambda amount: amount[chosen]),
            text=self.text[int(self.lengths[:start].sum()) : int(self.lengths[:stop].sum())],
            lengths=self.lengths[chosen],
            records=None if self.records is None else self.records[start:stop],
        )

    def place(self, position: int) -> str:
        """Say which file and line a record is."""
        return f"{self.paths[self.path_of[position]]}: line {self.numbers[position]}"

    def texts(self) -> list[str]:
        """Return the text of each record without the newline at its end."""
        ends = np.cumsum(self.lengths).tolist()
        starts = [0, *ends][:-1]
        return [self.text[i:j].decode().removesuffix("\n") for i, j in zip(starts, ends, strict=True)]


class LineScorer:
    """Scores of the lines of blocks.

    Parameters
    ----------
    values : TokenValues
        The log-probability of each word, NaN for unknown words.
    log_prob_unk, log_prob_eos, blank_lines
        As in :class:`~skxent.language_model.WordScores`.
    """

    def __init__(
        self, values: TokenValues, log_prob_unk: float, log_prob_eos: float | None = None, blank_lines: bool = False
    ) -> None:
        self.values = values
        self.log_prob_unk = log_prob_unk
        self.log_prob_eos = log_prob_eos
        self.blank_lines = blank_lines

    @classmethod
    def of(cls, scores: WordScores, tokenizer: str | Tokenize = "whitespace", lowercase: bool = False) -> LineScorer:
        """Make the scorer of a model; for the tokens see :func:`~skxent.language_model.count_files`."""
        return cls(
            TokenValues(scores.values, tokenizer, lowercase),
            scores.log_prob_unk,
            scores.log_prob_eos,
            scores.blank_lines,
        )

    @property
    def tokenize(self) -> Tokenize | None:
        """What makes tokens of a line, None for white space."""
        return self.values.tokenize

    def block(self, block: Block) -> Score:
        """Score each line or document of a block, without the ends of sentences."""
        lines = self._sum_over_parts(block.data, block.ends_line)
        documents = block.documents
        if documents is None:
            return replace(lines, **sizes_of_lines(block))
        first = np.cumsum(documents.n_lines) - documents.n_lines
        summed = lines.each(lambda amount: np.add.reduceat(amount, first)) if len(first) else lines
        ones = np.ones_like(first)
        return replace(summed, lines=ones, bytes=documents.n_bytes, characters=documents.n_characters)

    def token_lists(self, documents: Sequence[Sequence[str]]) -> Score:
        """Score each list of tokens, without the ends of sentences."""
        per_line = np.array([len(tokens) for tokens in documents], dtype=np.int64)
        sizes = np.array([joined_size(tokens) for tokens in documents], dtype=np.int64).reshape(-1, 2)
        scored = self._sum_over_lines(self.values.of_words(chain.from_iterable(documents)), per_line)
        return replace(scored, bytes=sizes[:, 0], characters=sizes[:, 1])

    def with_ends(self, score: Score) -> Score:
        """Add the end-of-sentence events, one for each line with a token, if the model has them."""
        if self.log_prob_eos is None:
            return score
        ends = score.sentences
        log_prob = score.log_prob_known + _times(ends, self.log_prob_eos)
        return replace(score, ends=ends, log_prob_known=log_prob)

    def _sum_over_parts(self, data: bytes, ends_line: bool) -> Score:
        """Score the lines of a text, a long one part by part, so that its arrays are those of a part."""
        parts = list(cut_at_spaces(data)) if works_on_arrays(self.tokenize) else [data]
        ends = [*(False for _ in parts[1:]), ends_line]
        pairs = zip(parts, ends, strict=True)
        return _join_parts([self._sum_over_lines(*self.values.of_text(part, end)) for part, end in pairs])

    def _sum_over_lines(self, values: Floats, per_line: Integers) -> Score:
        """Add up the values of each line's tokens, NaN for unknown ones, which become 0."""
        line = np.repeat(np.arange(len(per_line)), per_line)
        unknown = np.flatnonzero(np.isnan(values))
        n_unknown = np.bincount(line[unknown], minlength=len(per_line))
        values[unknown] = 0
        known = np.bincount(line, weights=values, minlength=len(per_line))
        return Score.of_records(
            lines=1,
            sentences=((per_line > 0) | self.blank_lines).astype(np.int64),
            tokens=per_line,
            unknown_tokens=n_unknown,
            log_prob_known=known,
            log_prob_unknown=_times(n_unknown, self.log_prob_unk),
        )


def _join_parts(parts: Sequence[Score]) -> Score:
    """Put the lines of parts together, of which each but the first goes on with the last line of the one before."""
    if len(parts) == 1:
        return parts[0]
    cut = Score.concatenate(parts)
    starts = np.delete(np.arange(len(cut)), np.cumsum([len(part) for part in parts[:-1]]))
    whole = cut.each(lambda amount: np.add.reduceat(amount, starts))
    return replace(whole, lines=np.ones_like(starts), sentences=np.minimum(whole.sentences, 1))


def _times(count: Any, log_prob: float) -> Floats:
    """Log-probability of ``count`` equal events; that of none is 0, even where one is impossible."""
    return np.multiply(count, log_prob, out=np.zeros(len(count)), where=count > 0)


def sizes_of_lines(block: Block) -> dict[str, Integers]:
    """Return the bytes and the characters of each line of a block, by these names."""
    n_bytes = _lengths_of_lines(block.raw)
    in_data = n_bytes if block.data is block.raw else _lengths_of_lines(block.data)
    sizes = {"bytes": n_bytes, "characters": _characters_of_lines(block.data, in_data)}
    if block.has_marks:
        sizes["bytes"] = n_bytes - (MARK_BYTES - 1) * _marks_in_lines(block.raw, n_bytes)
    open_lines = np.searchsorted(np.cumsum(n_bytes), np.array(block.given, dtype=np.int64) + 1)
    for size in sizes.values():
        size[open_lines] -= 1
    return sizes


def _marks_in_lines(data: bytes, lengths: Integers) -> Integers:
    """How many marks of bad bytes each line has."""
    at = [match.start() for match in BAD_BYTE.finditer(data)]
    return np.bincount(np.searchsorted(np.cumsum(lengths), at, side="right"), minlength=len(lengths))


def _lengths_of_lines(data: bytes) -> Integers:
    """Bytes of each line, its newline included, and of what follows the last."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 0x0A) + 1
    if data and not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    return np.diff(ends, prepend=0)


def _characters_of_lines(data: bytes, n_bytes: Integers) -> Integers:
    """Code points of each line: its bytes but those that continue one in UTF-8."""
    if data.isascii():
        return n_bytes.copy()
    continuing = np.flatnonzero((np.frombuffer(data, dtype=np.uint8) & 0xC0) == 0x80)
    return n_bytes - np.diff(np.searchsorted(continuing, np.cumsum(n_bytes)), prepend=0)


def score_lines(
    paths: Iterable[str | Path],
    scores: WordScores,
    *,
    tokenizer: str | Tokenize = "whitespace",
    encoding: str = "utf-8",
    errors: str = "strict",
    lowercase: bool = False,
    field: str | None = None,
    skip_bad_records: bool = False,
    keep: str | None = None,
    join: bool = True,
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
    tokenizer, encoding, errors, lowercase, field, skip_bad_records, n_jobs, progress, block_bytes
        See :func:`~skxent.language_model.count_files`.
    keep : {"text", "records"} or None
        Also yield the text of each line or document, or the whole record as the file has it.
    join : bool, default=True
        Whether a line that is longer than a block is one record, or one for each of its pieces.

    Yields
    ------
    ScoredLines
        The lines of a block.

    Raises
    ------
    CorpusError
        When a file cannot be read or decoded.
    """
    return scored_lines(
        paths,
        LineScorer.of(scores, tokenizer, lowercase),
        encoding=encoding,
        errors=errors,
        field=field,
        skip_bad_records=skip_bad_records,
        keep=keep,
        join=join,
        n_jobs=n_jobs,
        progress=progress,
        block_bytes=block_bytes,
    )


def scored_lines(
    paths: Iterable[str | Path],
    scorer: LineScorer,
    *,
    keep: str | None = None,
    join: bool = True,
    n_jobs: int | None = None,
    block_bytes: int | None = None,
    **reading: Any,
) -> Iterator[ScoredLines]:
    """Score every line or document as :func:`score_lines`, with a scorer that is there."""
    options = {**reading, "keep_records": keep == "records"}
    options |= block_options(scorer.values.tokenizer, block_bytes)
    pieces = read_pieces(paths, **options)
    with start_workers(scorer.tokenize, n_jobs) as workers:
        scored = map_pieces(partial(_score_piece, scorer, keep), pieces, workers)
        for lines in _join_cut_lines(scored) if join else (replace(lines, is_open=not ends) for lines, ends in scored):
            yield replace(lines, score=scorer.with_ends(lines.score))


# Scored lines, and whether the last one ends with them.
_Scored = tuple[ScoredLines, bool]


def _score_piece(scorer: LineScorer, keep: str | None, piece: Piece) -> _Scored:
    """Score a piece; say whether it ends its line."""
    block = piece.make()
    score, documents = scorer.block(block), block.documents
    n_records = block.records_per_file()
    path_of = np.repeat(np.arange(len(n_records)), n_records)
    numbers = np.arange(len(path_of)) - (np.cumsum(n_records) - n_records)[path_of] + piece.first
    lines = ScoredLines(piece.paths, path_of, numbers, score)
    if documents is not None:
        lines = replace(lines, numbers=documents.numbers, records=documents.records, problems=documents.problems)
    if keep == "text" or (keep == "records" and documents is None):
        text = block.data if keep == "text" else block.raw
        lengths = _lengths_of_lines(text)
        if documents is not None and len(lengths):
            lengths = np.add.reduceat(lengths, np.cumsum(documents.n_lines) - documents.n_lines)
        lines = replace(lines, text=text, lengths=lengths)
    return lines, block.ends_line


def _join_cut_lines(scored: Iterable[_Scored]) -> Iterator[ScoredLines]:
    """Put the pieces of a line that is longer than a block together."""
    pieces: list[ScoredLines] = []
    for lines, ends_line in scored:
        if pieces:
            pieces.append(lines[:1])
            if len(lines) == 1 and not ends_line:
                continue
            yield _join(pieces)
            lines = lines[1:]
        pieces = [] if ends_line else [lines[-1:]]
        whole_lines = lines if ends_line else lines[:-1]
        if len(whole_lines) or whole_lines.problems:
            yield whole_lines


def _join(pieces: Sequence[ScoredLines]) -> ScoredLines:
    """Make one line of its pieces."""
    score = Score.concatenate(piece.score for piece in pieces).each(lambda amount: amount.sum(keepdims=True))
    one_line = replace(score, lines=np.ones(1, np.int64), sentences=np.minimum(score.sentences, 1))
    text = b"".join(piece.text for piece in pieces)
    return replace(pieces[0], score=one_line, text=text, lengths=np.array([len(text)]))


def score_text(
    documents: Iterable[Document], scorer: LineScorer, n_jobs: int | None = None, block_bytes: int | None = None
) -> Score:
    """Score documents held in memory, one record for each, in their order."""
    listed = list(checked_documents(documents))
    is_text = np.array([isinstance(document, str) for document in listed], dtype=np.bool_)
    texts = [document for document in listed if isinstance(document, str)]
    lists = [document for document in listed if not isinstance(document, str)]
    pieces = pieces_of_texts(texts, block_options(scorer.values.tokenizer, block_bytes)["block_bytes"])
    with start_workers(scorer.tokenize, n_jobs) as workers:
        scored = list(map_pieces(partial(_score_texts, scorer), pieces, workers))
    together = Score.concatenate([scorer.token_lists(lists), *scored])
    order = np.argsort(np.concatenate([np.flatnonzero(~is_text), np.flatnonzero(is_text)]))
    return scorer.with_ends(together.each(lambda amount: amount[order]))


def _score_texts(scorer: LineScorer, piece: Piece) -> Score:
    return scorer.block(piece.make())
