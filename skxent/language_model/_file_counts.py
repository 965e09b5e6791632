"""Count and score the words of each file, those of many small files at once.

A small file is a group of tokens, as a line is. Pairs of a file and a word are counted all at once, and what follows
from the counts is summed by file, so that a file costs what its text costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skxent._typing import Array, Floats, Integers
from skxent.language_model._blocks import Block, Piece, sums_of_runs
from skxent.language_model._corpus import (
    CorpusCounts,
    Counted,
    CountedPiece,
    block_options,
    count_whole_block,
    map_pieces,
    start_workers,
)
from skxent.language_model._efficiency import DEFAULT_ORDER, efficiency_of_sums
from skxent.language_model._model import WordScores
from skxent.language_model._reader import read_pieces
from skxent.language_model._score import Score
from skxent.language_model._scoring import sizes_of_lines
from skxent.language_model._tokenizers import Tokenize, make_tokenizer, space_tokens, tokenize_block, works_on_arrays
from skxent.language_model._vocabulary import Vocabulary, WordValues
from skxent.language_model._word_counts import WordCounter, distinct_words
from skxent.language_model._word_keys import PackedWords, WordKeys, as_strings, find_tokens, pack, pack_words

__all__ = ["FileCounts", "FileScores", "counted_apart", "score_apart"]


class FileCounts(NamedTuple):
    """The words of several files, each counted by itself.

    Attributes
    ----------
    paths : list of str
        The files.
    words : WordKeys
        The distinct words of all of them.
    file, word, times : ndarray of shape (n_pairs,)
        The position of a file, that of a word, and how often it occurs there; in the order of these positions.
    n_lines, n_sentences, n_bytes, n_characters : ndarray of shape (n_files,)
        Size of each file, as in :class:`~skxent.language_model.CorpusCounts`.
    """

    paths: list[str]
    words: WordKeys
    file: Integers
    word: Integers
    times: Integers
    n_lines: Integers
    n_sentences: Integers
    n_bytes: Integers
    n_characters: Integers

    def of_file(self, i: int) -> CorpusCounts:
        """Return the counts of one file."""
        own = slice(*np.searchsorted(self.file, [i, i + 1]))
        is_there = np.zeros(len(self.words), dtype=np.bool_)
        is_there[self.word[own]] = True
        sizes = {size: getattr(self, size)[i].item() for size in ("n_lines", "n_sentences", "n_bytes", "n_characters")}
        return CorpusCounts.of_vocabulary(Vocabulary.of(self.words).where(is_there), self.times[own], **sizes)


class FileScores(NamedTuple):
    """What a model says of several files.

    Attributes
    ----------
    score : Score
        Sums, one entry for each file.
    types, unknown_types : ndarray of shape (n_files,)
        Distinct words, and those of them that the model does not know.
    efficiency : ndarray of shape (n_files,)
        Rényi efficiency, NaN where there are fewer than two words.
    """

    score: Score
    types: Integers
    unknown_types: Integers
    efficiency: Floats


def counted_apart(
    paths: Iterable[str | Path],
    *,
    tokenizer: str | Tokenize = "whitespace",
    lowercase: bool = False,
    n_jobs: int | None = None,
    block_bytes: int | None = None,
    **reading: Any,
) -> Iterator[FileCounts | tuple[str, Counted]]:
    """Count the words of each file; for the parameters see :func:`~skxent.language_model.count_files`.

    Yields
    ------
    FileCounts or tuple of (str, Counted)
        The words of some small files, or the name and the words of one file, in the order of the paths.

    Raises
    ------
    CorpusError
        When a file cannot be read or decoded.
    """
    tokenize = make_tokenizer(tokenizer)
    pieces = read_pieces(paths, **reading, **block_options(tokenizer, block_bytes))
    large: tuple[str, Counted] | None = None
    with start_workers(tokenize, n_jobs) as workers:
        for found in map_pieces(partial(_count_apart, tokenize, lowercase), pieces, workers):
            if large is not None and (isinstance(found, FileCounts) or not found[1]):
                yield large
                large = None
            if isinstance(found, FileCounts):
                yield found
                continue
            path, number, counted = found
            large = large or (path, Counted(WordCounter()))
            large[1].add(*counted)
            if number is None:
                yield large
                large = None
    if large is not None:
        yield large


def _count_apart(
    tokenize: Tokenize | None, lowercase: bool, piece: Piece
) -> FileCounts | tuple[str, int | None, CountedPiece]:
    """Count the files of a piece; one alone, which may be a part of a large one, with the number of the part."""
    block = piece.make()
    if len(piece.paths) > 1:
        return _count_files(tokenize, lowercase, piece.paths, block)
    return piece.paths[0], piece.number, count_whole_block(tokenize, lowercase, block)


def _count_files(tokenize: Tokenize | None, lowercase: bool, paths: list[str], block: Block) -> FileCounts:
    packed, per_line = _pack_lines(tokenize, lowercase, block.data)
    words = distinct_words(packed.words)
    word = WordValues(Vocabulary.of(words), np.arange(len(words)), -1).of_words(packed.words)
    n_lines, n_records = block.lines_per_file(), block.records_per_file()
    file = np.repeat(np.repeat(np.arange(len(paths)), n_lines), per_line)[packed.positions]
    pairs, times = np.unique(file * max(len(words), 1) + word, return_counts=True)
    documents = block.documents
    sizes = sizes_of_lines(block).values() if documents is None else (documents.n_bytes, documents.n_characters)
    n_sentences = sums_of_runs(per_line > 0, n_lines)
    n_bytes, n_characters = (sums_of_runs(size, n_records) for size in sizes)
    pair = np.divmod(pairs, max(len(words), 1))
    return FileCounts(paths, words, *pair, times, n_lines, n_sentences, n_bytes, n_characters)


def _pack_lines(tokenize: Tokenize | None, lowercase: bool, data: bytes) -> tuple[PackedWords, Integers]:
    """Return the words of lines as keys, and how many each line has."""
    if works_on_arrays(tokenize):
        spaced = space_tokens(tokenize, data, lowercase)
        tokens = find_tokens(spaced)
        return pack(spaced, tokens), tokens.per_line()[:-1]
    assert tokenize is not None
    lines = tokenize_block(tokenize, data)
    words = chain.from_iterable(lines)
    packed = pack_words(as_strings(list(map(str.lower, words) if lowercase else words)))
    return packed, np.array([*map(len, lines)], dtype=np.int64)


def score_apart(scores: WordScores, counted: FileCounts) -> FileScores:
    """Score files that were counted each by itself; the sums are those of :meth:`WordScores.score` to the last bit."""
    n_files = len(counted.paths)
    log_probs = scores.values.of_words(counted.words)
    is_unknown = np.isnan(log_probs)[counted.word]
    log_prob = counted.times * np.where(is_unknown, scores.log_prob_unk, log_probs[counted.word])
    n_ends = np.zeros_like(counted.n_lines)
    if scores.log_prob_eos is not None:
        n_ends = counted.n_lines if scores.blank_lines else counted.n_sentences
    with_ends = np.flatnonzero(n_ends)
    known = np.concatenate([counted.file[~is_unknown], with_ends])
    of_known = np.concatenate([log_prob[~is_unknown], n_ends[with_ends] * (scores.log_prob_eos or 0.0)])
    order = np.argsort(known, kind="stable")
    unknown = counted.file[is_unknown]
    score = Score(
        lines=counted.n_lines,
        sentences=counted.n_sentences,
        tokens=_sums(counted.file, counted.times, n_files),
        unknown_tokens=_sums(unknown, counted.times[is_unknown], n_files),
        ends=n_ends,
        bytes=counted.n_bytes,
        characters=counted.n_characters,
        log_prob_known=_sums(known[order], of_known[order], n_files),
        log_prob_unknown=_sums(unknown, log_prob[is_unknown], n_files),
    )
    types, unknown_types = (np.bincount(file, minlength=n_files) for file in (counted.file, unknown))
    return FileScores(score, types, unknown_types, _efficiencies(counted, types))


def _sums(file: Integers, amounts: Array, n_files: int) -> Array:
    """Sum the amounts of each file, in their order, as ``ndarray.sum`` does: it begins with a zero."""
    starts = np.searchsorted(file, np.arange(n_files))
    summed: Array = np.add.reduceat(np.insert(amounts, starts, 0), starts + np.arange(n_files))
    return summed


def _efficiencies(counted: FileCounts, types: Integers) -> Floats:
    """Return the Rényi efficiency of each file."""
    n_files = len(types)
    p = counted.times / _sums(counted.file, counted.times, n_files)[counted.file]
    largest = np.zeros(n_files)
    largest[types > 0] = np.maximum.reduceat(p, (np.cumsum(types) - types)[types > 0])
    powers = _sums(counted.file, (p / largest[counted.file]) ** DEFAULT_ORDER, n_files)
    sums = zip(largest.tolist(), powers.tolist(), types.tolist(), strict=True)
    return np.array([efficiency_of_sums(DEFAULT_ORDER, *of_file) for of_file in sums])
