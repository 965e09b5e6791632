"""Score the corpus, each file, each line or each word: tables of sums, and the figures that follow from them.

A level is a generator of Polars tables, one row a record.  All levels yield the same sums, in natural
logarithms, and :func:`figures` turns them into what people read; so the same text has the same figures at
every level.
"""

import math
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import polars as pl

from skxent.cli.progress import Progress
from skxent.language_model.corpus import CorpusCounts, CorpusError, count_files, expand_paths, score_lines
from skxent.language_model.model import Evaluation, FittedUnigram
from skxent.language_model.tokenizers import Tokenize, make_tokenizer, tokenize_lines

BASES = {"2": (2.0, "bits"), "e": (math.e, "nats"), "10": (10.0, "hartleys")}

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
    "cross_entropy_low",
    "cross_entropy_high",
    "confidence",
    "characters",
    "sentences",
    "log_probability",
    "oov",
)


@dataclass(frozen=True)
class Corpus:
    """Where the text is, how it is read, and whom to tell how far the reading has come."""

    paths: list[str]
    reading: dict[str, Any]
    n_jobs: int | None
    progress: Callable[[str, list[str]], Callable[[int], None]]

    @property
    def title(self) -> str:
        """The files, or how many there are."""
        if len(self.paths) > 3:
            return f"{len(self.paths)} files"
        return ", ".join("standard input" if path == "-" else path for path in self.paths)

    def count(self) -> CorpusCounts:
        """Count the words."""
        progress = self.progress("counting", self.paths)
        return count_files(self.paths, **self.reading, n_jobs=self.n_jobs, progress=progress)

    def score(self, model: FittedUnigram, *, keep_text: bool = False) -> Iterator[pl.DataFrame]:
        """Score each line; the probability of unknown words is left to add."""
        return score_lines(
            self.paths,
            model.table,
            0.0,
            **self.reading,
            keep_text=keep_text,
            n_jobs=self.n_jobs,
            progress=self.progress("scoring", self.paths),
        )


def read_corpus(patterns: Sequence[str], options: Namespace, progress: Progress) -> Corpus:
    """Find the files, and note how to read them."""
    reading = {name: getattr(options, name) for name in ("tokenizer", "encoding", "errors", "lowercase", "field")}
    return Corpus(expand_paths(patterns), reading, options.jobs, progress.start)


def corpus_sums(corpus: Corpus, model: FittedUnigram, oov: str, counts: CorpusCounts | None = None) -> pl.DataFrame:
    """Sum over the whole corpus, in one row.

    Raises
    ------
    CorpusError
        When a word has probability zero, or one is unknown and must not be.
    """
    counts = counts or corpus.count()
    sums = {
        "tokens": counts.n_tokens,
        "types": counts.n_types,
        "lines": counts.n_lines,
        "sentences": counts.n_sentences,
        "bytes": counts.n_bytes,
        "characters": counts.n_characters,
        "unknown_tokens": 0,
        "unknown_types": 0,
        "log_prob_known": 0.0,
    }
    if counts.n_tokens:
        evaluation = _evaluate(corpus.title, counts, model, oov)
        sums["unknown_tokens"] = evaluation.unknown_tokens
        sums["unknown_types"] = evaluation.unknown_types
        unknown = 0.0 if oov == "skip" else evaluation.log_probability_unknown
        sums["log_prob_known"] = evaluation.log_probability - unknown
    return _with_unknown(pl.DataFrame(sums), model)


def _evaluate(title: str, counts: CorpusCounts, model: FittedUnigram, oov: str) -> Evaluation:
    try:
        evaluation = model.evaluate(counts, oov=oov, base=math.e)
    except ValueError as error:
        raise CorpusError(f"{title}: {error}") from None
    n_tokens = evaluation.zero_probability_tokens
    if n_tokens:
        examples = ", ".join(map(repr, evaluation.zero_probability_words))
        name = "the model" if model.training is None else model.smoothing
        problem = f"{n_tokens:,} tokens have probability 0 under {name}, such as {examples}"
        raise CorpusError(f"{title}: {problem}; {remedy(oov, model)}")
    return evaluation


def remedy(oov: str, model: FittedUnigram) -> str:
    """Say what to do about words of probability zero."""
    other = "a smoothed model" if model.training is None else "another --smoothing"
    return f"use {other}" if oov == "skip" else f"use --oov skip, or {other}"


def file_sums(corpus: Corpus, model: FittedUnigram, oov: str) -> Iterator[pl.DataFrame]:
    """Sum over each file."""
    for path in corpus.paths:
        sums = corpus_sums(replace(corpus, paths=[path]), model, oov)
        yield sums.select(pl.lit(path).alias("file"), pl.all())


def line_sums(corpus: Corpus, model: FittedUnigram, oov: str, *, keep_text: bool = False) -> Iterator[pl.DataFrame]:
    """Sum over each line, and add its text if asked for.

    Raises
    ------
    CorpusError
        At the first line with an unknown word when ``oov="error"``.
    """
    for chunk in corpus.score(model, keep_text=keep_text):
        if oov == "error":
            _refuse_unknown_lines(chunk)
        sums = chunk.select(
            pl.col("path").alias("file"),
            "line",
            pl.col("n_tokens").alias("tokens"),
            pl.lit(1).alias("lines"),
            pl.col("n_sentences").alias("sentences"),
            pl.col("n_bytes").alias("bytes"),
            pl.col("n_characters").alias("characters"),
            pl.col("n_unknown").alias("unknown_tokens"),
            (pl.col("log_prob") + _times(pl.col("n_sentences"), model.log_prob_eos or 0.0)).alias("log_prob_known"),
            *(["text"] if keep_text else []),
        )
        yield _with_unknown(sums, model)


def _refuse_unknown_lines(chunk: pl.DataFrame) -> None:
    for row in chunk.filter(pl.col("n_unknown") > 0).head(1).iter_rows(named=True):
        raise CorpusError(f"{row['path']}: line {row['line']}: {row['n_unknown']} unknown words (--oov error)")


def _with_unknown(sums: pl.DataFrame, model: FittedUnigram) -> pl.DataFrame:
    """Add the unknown words' part, and how many ends of sentences were scored."""
    return sums.with_columns(
        _times(pl.col("unknown_tokens"), model.log_prob_unk).alias("log_prob_unknown"),
        (pl.col("sentences") * (model.log_prob_eos is not None)).alias("ends"),
    )


def _times(count: pl.Expr, log_prob: float) -> pl.Expr:
    """Log-probability of ``count`` events; none of them costs nothing, even where one is impossible."""
    return pl.when(count > 0).then(count * log_prob).otherwise(0.0)


def scored(oov: str) -> tuple[pl.Expr, pl.Expr]:
    """Log-probability and number of the events that count, of sums."""
    log_prob, events = pl.col("log_prob_known"), pl.col("tokens") + pl.col("ends")
    if oov == "skip":
        return log_prob, events - pl.col("unknown_tokens")
    return log_prob + pl.col("log_prob_unknown"), events


def figures(sums: pl.DataFrame, *, oov: str, base: str, constants: dict[str, Any]) -> pl.DataFrame:
    """Work out what people read from sums; a record without events has no cross-entropy (null).

    ``constants`` holds what is the same for every record, such as the smoothing.
    """
    log_prob, events = scored(oov)
    known_log_prob, known_events = scored("skip")
    nats = log_prob.abs()  # rather than -log_prob, which is -0.0 on an empty line and where all is certain
    bits = nats / math.log(2)
    number, unit = BASES[base]
    table = sums.with_columns(
        (nats / events / math.log(number)).alias("cross_entropy"),
        (nats / events).exp().alias("perplexity"),
        (-known_log_prob / known_events).exp().alias("perplexity_known"),
        (bits / pl.col("bytes")).alias("bits_per_byte"),
        (bits / pl.col("characters")).alias("bits_per_character"),
        (log_prob / math.log(number)).alias("log_probability"),
        **{name: pl.lit(value) for name, value in {"unit": unit, "oov": oov, **constants}.items()},
    )
    return table.select(name for name in PUBLISHED if name in table.columns).with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


def _tokens(text: str, tokenize: Tokenize, lowercase: bool) -> list[str]:
    tokens = chain.from_iterable(tokenize_lines(tokenize, text))
    return [token.lower() for token in tokens] if lowercase else list(tokens)


def word_sums(corpus: Corpus, model: FittedUnigram, oov: str) -> Iterator[pl.DataFrame]:
    """Sum over each word of the text in its order: one token each."""
    tokenize = make_tokenizer(corpus.reading["tokenizer"]) or str.split
    lowercase = corpus.reading["lowercase"]
    for chunk in corpus.score(model, keep_text=True):
        if oov == "error":
            _refuse_unknown_lines(chunk)
        tokens = [_tokens(text, tokenize, lowercase) for text in chunk["text"]]
        words = pl.Series("word", tokens, dtype=pl.List(pl.String))
        rows = chunk.select(pl.col("path").alias("file"), "line", words).explode("word").drop_nulls("word")
        joined = rows.join(model.table, on="word", how="left", maintain_order="left")
        sums = joined.with_columns(
            pl.lit(1).alias("tokens"),
            pl.lit(0).alias("sentences"),
            pl.col("log_prob").is_null().cast(pl.Int64).alias("unknown_tokens"),
            pl.col("log_prob").fill_null(0.0).alias("log_prob_known"),
        )
        yield _with_unknown(sums, model)


def word_figures(sums: pl.DataFrame, *, oov: str, base: str, constants: dict[str, Any]) -> pl.DataFrame:
    """Work out what people read of words; a word that is left out has no log-probability (null)."""
    log_prob, events = scored(oov)
    number, unit = BASES[base]
    return sums.select(
        "file",
        "line",
        "word",
        (log_prob / events / math.log(number)).fill_nan(None).alias("log_probability"),
        pl.lit(unit).alias("unit"),
        (pl.col("unknown_tokens") > 0).alias("unknown"),
    )
