"""Score the corpus, each file, each line or each word: records of sums, and the figures that follow from them.

A level is a generator of :class:`Records`.  All levels give the same sums, a
:class:`~skxent.language_model.Score`, and :func:`figures` turns them into what people read; so the same text has
the same figures at every level.
"""

from __future__ import annotations

import math
import os.path
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skxent._polars import pl
from skxent._typing import Floats
from skxent.cli._names import hide_bytes
from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.language_model import CorpusCounts, CorpusError, Evaluation, Score, WordScores, expand_paths
from skxent.language_model._corpus import Counted, counted_files
from skxent.language_model._distributed import count_files_on_workers
from skxent.language_model._efficiency import renyi_efficiency
from skxent.language_model._file_counts import FileCounts, counted_apart, score_apart
from skxent.language_model._options import END_OF_SENTENCE
from skxent.language_model._scoring import ScoredLines, score_lines
from skxent.language_model._tokenizers import make_tokenizer, tokenize_lines

if TYPE_CHECKING:
    from skxent.language_model._keyness import Occurrences  # it takes time to import, and few runs need it

__all__ = [
    "Corpus",
    "Records",
    "check_unknown",
    "corpus_records",
    "evaluate",
    "figures",
    "file_records",
    "line_records",
    "read_corpus",
    "remedy",
    "rows_of_figures",
    "word_figures",
    "word_records",
]

# What is printed of a record, in this order, as far as its level has it.
PUBLISHED = (
    "file",
    "line",
    "tokens",
    "types",
    "lines",
    "bytes",
    "unknown_tokens",
    "unknown_types",
    "cross_entropy",
    "unit",
    "perplexity",
    "perplexity_known",
    "bits_per_byte",
    "bits_per_character",
    "smoothing",
    "smoothing_parameter",
    "evaluated",
    "in_sample_entropy",
    "renyi_efficiency",
    "cross_entropy_low",
    "cross_entropy_high",
    "confidence",
    "resampled",
    "characters",
    "sentences",
    "log_probability",
    "oov",
)


@dataclass(frozen=True)
class Records:
    """Some records of a level.

    Attributes
    ----------
    score : Score
        Sums, one entry for each record.
    columns : dict of str to object
        What else is known of the records, by the name under which it is published: an array, list or Series with
        one entry for each record, or one value for all of them.
    problems : tuple of str
        What is wrong with records that were left out.
    """

    score: Score
    columns: dict[str, Any]
    problems: tuple[str, ...] = ()

    def with_columns(self, **columns: Any) -> Records:
        """Add columns."""
        return replace(self, columns={**self.columns, **columns})


@dataclass(frozen=True)
class Corpus:
    """Where the text is, how it is read, and whom to tell how far the reading has come."""

    paths: list[str]
    reading: dict[str, Any]
    n_jobs: int | None
    progress: Callable[[str, list[str]], Callable[[int], None]]
    dask: str | None = None

    @property
    def title(self) -> str:
        """The files, or how many there are."""
        return self._title(str)

    @property
    def short_title(self) -> str:
        """The files without their folders, or how many there are."""
        return self._title(os.path.basename)

    def _title(self, name: Callable[[str], str]) -> str:
        if len(self.paths) > 3:
            return f"{len(self.paths)} files"
        return ", ".join("standard input" if path == "-" else name(path) for path in self.paths)

    def count(self) -> CorpusCounts:
        """Count the words, here or on a cluster."""
        counted = self.counted()
        return counted if isinstance(counted, CorpusCounts) else counted.corpus()

    def counted(self) -> CorpusCounts | Counted:
        """Count the words, without making strings of them if they are counted here."""
        if self.dask is not None:
            return count_files_on_workers(self.paths, self.dask, **self.reading)
        progress = self.progress("counting", self.paths)
        return counted_files(self.paths, **self.reading, n_jobs=self.n_jobs, progress=progress)

    def score(self, scores: WordScores, *, keep: str | None = None, join: bool = True) -> Iterator[ScoredLines]:
        """Score each line."""
        progress = self.progress("scoring", self.paths)
        options: dict[str, Any] = {**self.reading, "keep": keep, "join": join, "progress": progress}
        return score_lines(self.paths, scores, **options, n_jobs=self.n_jobs)

    def occurrences(self, found: Occurrences) -> Floats:
        """Count some words in each line, or in neighbouring lines."""
        names = ("encoding", "errors", "field", "skip_bad_records")
        reading = {name: self.reading[name] for name in names}
        return found.in_files(self.paths, **reading, progress=self.progress("counting", self.paths))

    def counted_apart(self) -> Iterator[FileCounts | tuple[str, Counted]]:
        """Count the words of each file, here."""
        progress = self.progress("counting", self.paths)
        return counted_apart(self.paths, **self.reading, n_jobs=self.n_jobs, progress=progress)

    def files(self) -> Iterator[Corpus]:
        """Take each file as a corpus of its own."""
        return (replace(self, paths=[path]) for path in self.paths)


def read_corpus(patterns: Sequence[str], options: Options, progress: Progress, notes: Notes) -> Corpus:
    """Find the files, and keep how to read them."""
    reading = {name: getattr(options, name) for name in ("tokenizer", "encoding", "errors", "lowercase", "field")}
    reading["skip_bad_records"] = options.skip_bad
    paths = expand_paths(patterns)
    if options.field is None and options.encoding == "utf-8":
        notes.strange_text(paths)
    return Corpus(paths, reading, options.jobs, progress.start, options.dask)


def corpus_records(
    corpus: Corpus, scores: WordScores, options: Options, known_counts: CorpusCounts | Counted | None = None
) -> Records:
    """Sum over the whole corpus, in one record.

    Raises
    ------
    CorpusError
        When a word has probability zero, or one is unknown and must not be.
    """
    counts = known_counts or corpus.counted()
    if not counts.n_tokens:
        return Records(
            scores.score(counts).each(np.atleast_1d), {"types": 0, "unknown_types": 0, "renyi_efficiency": None}
        )
    evaluation = evaluate(corpus.title, counts, scores, options)
    columns = {
        "types": counts.n_types,
        "unknown_types": evaluation.unknown_types,
        "renyi_efficiency": renyi_efficiency(counts.counts),
    }
    return Records(evaluation.score.each(np.atleast_1d), columns)


def evaluate(title: str, counts: CorpusCounts | Counted, scores: WordScores, options: Options) -> Evaluation:
    """Evaluate a corpus.

    Raises
    ------
    CorpusError
        When a word has probability zero, or one is unknown and must not be.
    """
    try:
        evaluation = scores.evaluate(counts, oov=options.oov)
    except ValueError as error:
        raise CorpusError(f"{title}: {error}") from None
    n_tokens = evaluation.zero_probability_tokens
    if n_tokens:
        examples = ", ".join(map(repr, evaluation.zero_probability_words))
        name = "the model" if options.model else scores.smoothing
        problem = f"{n_tokens:,} tokens have probability 0 under {name}, such as {examples}"
        raise CorpusError(f"{title}: {problem}; {remedy(options)}")
    return evaluation


def remedy(options: Options) -> str:
    """Say what to do about words of probability zero."""
    other = "a smoothed model" if options.model else "another --smoothing"
    return f"use {other}" if options.oov == "skip" else f"use --oov skip, or {other}"


def file_records(corpus: Corpus, scores: WordScores, options: Options) -> Iterator[Records]:
    """Sum over each file, counted here.

    Raises
    ------
    CorpusError
        At the first file in which a word has probability zero, or one is unknown and must not be.
    """
    for counted in corpus.counted_apart():
        if isinstance(counted, FileCounts):
            yield from _records_of_files(corpus, counted, scores, options)
        else:
            path, counts = counted
            file = replace(corpus, paths=[path])
            yield corpus_records(file, scores, options, counts).with_columns(file=hide_bytes(path))


def _records_of_files(corpus: Corpus, counted: FileCounts, scores: WordScores, options: Options) -> Iterator[Records]:
    """Sum over each of several files, up to the first that is refused."""
    whole, types, unknown_types, efficiency = score_apart(scores, counted)
    is_refused = np.isneginf(whole.under(options.oov).log_prob) & (whole.tokens > 0)
    if options.oov == "error":
        is_refused |= whole.unknown_tokens > 0
    refused = np.flatnonzero(is_refused)[:1].tolist()
    before = slice(*refused or [len(whole)])
    columns = {
        "types": types[before],
        "unknown_types": unknown_types[before],
        "renyi_efficiency": efficiency[before],
        "file": list(map(hide_bytes, counted.paths[before])),
    }
    yield Records(whole.each(lambda amount: amount[before]), columns)
    for i in refused:
        evaluate(replace(corpus, paths=[counted.paths[i]]).title, counted.of_file(i), scores, options)


def line_records(corpus: Corpus, scores: WordScores, options: Options) -> Iterator[Records]:
    """Sum over each line.

    Raises
    ------
    CorpusError
        At the first line with an unknown word if they are refused.
    """
    for lines in corpus.score(scores):
        check_unknown(lines, options.oov)
        yield Records(lines.score, {"file": files_of(lines), "line": lines.numbers}, lines.problems)


def files_of(lines: ScoredLines) -> Any:
    """Return the file of each line, or the one file of all."""
    names = list(map(hide_bytes, lines.paths))
    return names[0] if len(set(names)) == 1 else pl.Series(names).gather(lines.path_of)


def check_unknown(lines: ScoredLines, oov: str) -> None:
    """Raise an error at the first line with an unknown word, if they are refused."""
    for i in np.flatnonzero(lines.score.unknown_tokens)[:1] if oov == "error" else []:
        raise CorpusError(f"{lines.place(i)}: {lines.score.unknown_tokens[i]} unknown words (--oov error)")


def figures(records: Records, options: Options, **constants: Any) -> pl.DataFrame:
    """Work out what people read from sums; a record without events has no cross-entropy (null).

    ``constants`` holds what is the same for every record, such as the smoothing.
    """
    columns = _named_figures(records, options, constants)
    return pl.DataFrame([_column(name, value, len(records.score)) for name, value in columns.items()])


def rows_of_figures(records: Records, options: Options, **constants: Any) -> Iterator[dict[str, Any]]:
    """Work out the :func:`figures` of records one by one, which needs no table."""
    columns = _named_figures(records, options, constants)
    cells = (_cells(value, len(records.score)) for value in columns.values())
    return (dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True))


def _named_figures(records: Records, options: Options, constants: dict[str, Any]) -> dict[str, Any]:
    """Return an array with an entry for each record, or one value for all of them, by name and in order."""
    whole = records.score
    score = whole.under(options.oov)
    columns = {
        "tokens": whole.tokens,
        "lines": whole.lines,
        "sentences": whole.sentences,
        "bytes": whole.bytes,
        "characters": whole.characters,
        "unknown_tokens": whole.unknown_tokens,
        "cross_entropy": score.cross_entropy(options.base),
        "perplexity": score.perplexity,
        "perplexity_known": whole.known.perplexity,
        "bits_per_byte": score.bits_per_byte,
        "bits_per_character": score.bits_per_character,
        "log_probability": score.log_prob / math.log(options.base),
        "unit": options.unit,
        "oov": options.oov,
    }
    columns |= records.columns | constants
    return {name: columns[name] for name in PUBLISHED if name in columns}


def _column(name: str, value: Any, n_records: int) -> pl.Series:
    """Make a column of an array, of which NaN is null, or of one value, which Polars alone repeats less quickly."""
    if isinstance(value, np.ndarray | pl.Series | list):
        return pl.Series(name, value, nan_to_null=True)
    return pl.Series(name, _cells(value, 1)).new_from_index(0, n_records)


def _cells(value: Any, n_records: int) -> list[Any]:
    """List the entry of each record; None instead of NaN."""
    listed = value if isinstance(value, list) else value.tolist() if isinstance(value, np.ndarray) else None
    cells = [value] * n_records if listed is None else listed
    return [None if cell != cell else cell for cell in cells]


class _Words:
    """The words of scored lines, with a mark where a sentence ends, also if a line comes in pieces."""

    def __init__(self, scores: WordScores, options: Options) -> None:
        self._tokenize = make_tokenizer(options.tokenizer) or str.split
        self._lowercase = options.lowercase
        self._has_ends, self._blank_lines = scores.log_prob_eos is not None, scores.blank_lines
        self._is_filled = False

    def of(self, lines: ScoredLines) -> list[list[str]]:
        """List the words of each line or document."""
        texts = lines.texts()
        return [self._of_text(text, lines.is_open and i == len(texts) - 1) for i, text in enumerate(texts)]

    def _of_text(self, text: str, is_open: bool) -> list[str]:
        words: list[str] = []
        tokenized = tokenize_lines(self._tokenize, text)
        for i, tokens in enumerate(tokenized):
            words += [token.lower() for token in tokens] if self._lowercase else tokens
            self._is_filled |= bool(len(tokens))
            if not is_open or i < len(tokenized) - 1:
                ends = self._has_ends and (self._is_filled or self._blank_lines)
                words += [END_OF_SENTENCE] * ends
                self._is_filled = False
        return words


def word_records(corpus: Corpus, scores: WordScores, options: Options) -> Iterator[Records]:
    """Sum over each word of the text in its order: one token each."""
    words = _Words(scores, options)
    for lines in corpus.score(scores, keep="text", join=False):
        check_unknown(lines, options.oov)
        listed = pl.Series("word", words.of(lines), dtype=pl.List(pl.String))
        file = _column("file", files_of(lines), len(lines))
        frame = pl.DataFrame([file, pl.Series("line", lines.numbers), listed])
        rows = frame.explode("word", empty_as_null=False).drop_nulls("word")
        joined = rows.join(scores.table, on="word", how="left", maintain_order="left")
        is_unknown = joined["log_prob"].is_null()
        score = Score.of_records(
            tokens=1,
            unknown_tokens=is_unknown.cast(pl.Int64).to_numpy(),
            log_prob_known=joined["log_prob"].fill_null(0.0).to_numpy(),
            log_prob_unknown=np.where(is_unknown, scores.log_prob_unk, 0.0),
        )
        yield Records(score, {name: joined[name] for name in ("file", "line", "word")}, lines.problems)


def word_figures(records: Records, options: Options, **constants: Any) -> pl.DataFrame:
    """Work out what people read of words; a word that is left out has no log-probability (null)."""
    log_probability = 0.0 - records.score.under(options.oov).cross_entropy(options.base)
    columns = {
        "file": records.columns["file"],
        "line": records.columns["line"],
        "word": records.columns["word"],
        "log_probability": log_probability,
        "unit": options.unit,
        "unknown": records.score.unknown_tokens > 0,
    }
    return pl.DataFrame(columns, nan_to_null=True)
