"""``--compare A B --words N``: the words that carry most of the difference of two models, or of two texts."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skxent._polars import pl
from skxent._registry import Registry
from skxent._typing import Floats
from skxent.cli._cells import aligned, joined
from skxent.cli._compare import DEFAULT_LEVEL, read_models
from skxent.cli._levels import Corpus, evaluate, read_corpus
from skxent.cli._names import show_bytes
from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.language_model import CorpusCounts, CorpusError
from skxent.language_model._arpa import is_arpa
from skxent.language_model._keyness import (
    Occurrences,
    Shares,
    model_shares,
    shares_of_models,
    shares_of_texts,
    text_shares,
    with_intervals,
)

__all__ = ["print_key_words"]


@dataclass(frozen=True)
class _KeyWords:
    """Words with their shares of a difference, and what is said above and below them."""

    table: pl.DataFrame
    head: str
    foot: str


_FORMATS: Registry[Callable[[_KeyWords], None]] = Registry("format of a comparison")


def print_key_words(options: Options, progress: Progress, notes: Notes) -> None:
    """Print the words with the largest shares of the difference, each with an interval of a bootstrap."""
    print_words = _FORMATS[options.format]
    found = _find(options)(options, progress, notes)
    progress.wipe()
    print_words(found)


def _find(options: Options) -> Callable[[Options, Progress, Notes], _KeyWords]:
    if options.corpus:
        return _between_models_on_text
    models = [path for path in options.compare or () if path != "-" and is_arpa(path)]
    if len(models) == 1:
        raise CorpusError(f"{models[0]} is a model, and the other file is none: compare two models, or two texts")
    return _between_models if models else _between_texts


def _between_models_on_text(options: Options, progress: Progress, notes: Notes) -> _KeyWords:
    """Find the words of a text that make one model better than the other."""
    corpus = read_corpus(options.corpus, options, progress, notes)
    models = read_models(options)
    counts = _counts(corpus)
    for path, model in zip(options.compare or (), models, strict=True):
        notes.unknown_under(path, evaluate(corpus.title, counts, model, options).score)
    shares = model_shares(models, counts, oov=options.oov)
    total = float(shares["share"].sum()) / math.log2(options.base)
    chosen = shares.head(options.words or 0)
    ends = None if models[0].log_prob_eos is None else "lines" if models[0].blank_lines else "sentences"
    gain = chosen["gain"].to_numpy()
    first, second = options.compare or ()
    return _with_intervals(
        chosen.drop("gain"),
        [_units(corpus, chosen["word"], options, ends)],
        lambda rates: gain * rates,
        f"{corpus.title}: cross-entropy under {first} less that under {second}: {total:+.4f} {options.unit} a token",
        f"share: positive where {first} makes the word less probable",
        options,
    )


def _between_texts(options: Options, progress: Progress, notes: Notes) -> _KeyWords:
    """Find the words that tell two texts apart."""
    texts = [read_corpus([path], options, progress, notes) for path in options.compare or ()]
    shares = shares_of_texts(*map(_counts, texts))
    chosen = shares.head(options.words or 0)
    return _with_intervals(
        chosen,
        [_units(text, chosen["word"], options) for text in texts],
        text_shares,
        _divergence(shares, texts[0].title, texts[1].title, options),
        f"share: positive where {texts[0].title} has the word more often",
        options,
    )


def _between_models(options: Options, progress: Progress, notes: Notes) -> _KeyWords:
    """Find the words that tell two models apart."""
    shares = shares_of_models(read_models(options))
    first, second = options.compare or ()
    notes.say("note: models hold no counts to resample, so there are no intervals: compare texts, or name a CORPUS")
    return _with_intervals(
        shares.head(options.words or 0),
        [np.empty((0, 1))],
        text_shares,
        _divergence(shares, first, second, options),
        f"share: positive where {first} makes the word more probable",
        options,
    )


def _divergence(shares: pl.DataFrame, first: str, second: str, options: Options) -> str:
    total = float(shares["share"].abs().sum()) / math.log2(options.base)
    return f"{first} and {second}: Jensen-Shannon divergence {total:.4f} {options.unit}"


def _counts(corpus: Corpus) -> CorpusCounts:
    counts = corpus.count()
    if not counts.n_tokens:
        raise CorpusError(f"{corpus.title}: the corpus is empty: there are no words to compare")
    return counts


def _units(corpus: Corpus, words: pl.Series, options: Options, ends: str | None = None) -> Floats:
    """Count the words in what the bootstrap draws."""
    found = Occurrences(words, options.tokenizer, options.lowercase, options.jobs, ends)
    parts = corpus.files() if options.resample == "file" else [corpus]
    sums = [part.occurrences(found) for part in parts]
    return np.array([s.sum(axis=0) for s in sums if len(s)]) if options.resample == "file" else sums[0]


def _with_intervals(
    chosen: pl.DataFrame, units: Sequence[Floats], shares: Shares, head: str, foot: str, options: Options
) -> _KeyWords:
    level = options.confidence or DEFAULT_LEVEL
    in_blocks = options.resample in (None, "block")
    table = with_intervals(chosen, units, shares, level, in_blocks=in_blocks)
    unit = math.log2(options.base)
    first = ("word", "share", "low", "high", "unit", "confidence")
    scaled = table.with_columns(
        *(pl.col(name) / unit for name in ("share", "low", "high")),
        pl.lit(options.unit).alias("unit"),
        pl.lit(level).alias("confidence"),
    )
    drawn = " and ".join(f"{len(sums):,}" for sums in units)
    name = "files" if options.resample == "file" else "documents" if options.field else "lines"
    how = f"{100 * level:g} % intervals: bootstrap of {drawn} {'blocks of ' if in_blocks else ''}{name}"
    return _KeyWords(scaled.select(*first, pl.exclude(first)), head, f"{foot}\n{how}" if len(units[0]) else foot)


@_FORMATS.register("text")
def _print_text(found: _KeyWords) -> None:
    table = found.table
    columns = {"share": ("share", 4), "low": ("low", 4), "high": ("high", 4)}
    columns |= {name: (name.replace("_", " "), 0) for name in table.columns if name.startswith("count")}
    columns |= {name: (name.replace("_", " "), 6) for name in table.columns if name.startswith("probability")}
    cells = [aligned(table[name], 16 if digits == 6 else 12, digits) for name, (_, digits) in columns.items()]
    print(found.head, "", sep="\n")
    print("".join(f"{title:>{16 if digits == 6 else 12}}" for title, digits in columns.values()) + "  word")
    for cell, word in zip(joined(cells).decode().splitlines(), table["word"], strict=True):
        print(f"{cell}  {word}")
    print("", found.foot, sep="\n")


@_FORMATS.register("json")
def _print_json(found: _KeyWords) -> None:
    sys.stdout.write(found.table.write_ndjson())


@_FORMATS.register("csv")
def _print_csv(found: _KeyWords) -> None:
    sys.stdout.write(show_bytes(found.table.write_csv()))
