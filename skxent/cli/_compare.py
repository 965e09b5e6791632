"""Compare two models on the same lines, with a paired bootstrap of the difference."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from skxent._polars import pl
from skxent._registry import Registry
from skxent._typing import Floats
from skxent.cli._levels import read_corpus
from skxent.cli._names import hide_bytes, show_bytes, show_escapes
from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.cli._sampling import sample
from skxent.language_model import CorpusError, Score, WordScores, comparable, read_arpa
from skxent.language_model._bootstrap import bootstrap, interval, two_sided_p_value

__all__ = ["DEFAULT_LEVEL", "compare_models", "read_models"]

# Level of the interval where --confidence does not say.
DEFAULT_LEVEL = 0.95

_FORMATS: Registry[Callable[[dict[str, Any], str], None]] = Registry("format of a comparison")


def compare_models(options: Options, progress: Progress, notes: Notes) -> None:
    """Print both models' figures and what the bootstrap says about the difference."""
    assert options.compare is not None
    print_record = _FORMATS[options.format]
    corpus = read_corpus(options.corpus, options, progress, notes)
    models = read_models(options)
    drawn = sample(corpus, models, oov=options.oov, resample=options.resample)
    sums = drawn.sums
    progress.wipe()
    totals = Score.from_matrix(sums.sum(axis=0))
    scored = totals.under(options.oov)
    entropies, perplexities = scored.cross_entropy(options.base).tolist(), scored.perplexity.tolist()

    def difference(resampled: Score) -> Floats:
        first, second = resampled.under(options.oov).cross_entropy(options.base).T
        return first - second

    differences = bootstrap(sums, difference)
    notes.few_units(len(sums))
    level = options.confidence or DEFAULT_LEVEL
    low, high = interval(differences, level, len(sums))
    record = {
        **{f"model_{i}": path for i, path in enumerate(options.compare, 1)},
        **{f"unknown_tokens_{i}": int(n) for i, n in enumerate(totals.unknown_tokens, 1)},
        **{f"cross_entropy_{i}": h for i, h in enumerate(entropies, 1)},
        **{f"perplexity_{i}": value for i, value in enumerate(perplexities, 1)},
        "unit": options.unit,
        "difference": entropies[0] - entropies[1],
        "difference_low": low,
        "difference_high": high,
        "confidence": level,
        "p_value": two_sided_p_value(differences),
        "events": int(scored.events[0]),
        "resampled": drawn.unit,
        "resampled_units": len(sums),
    }
    for path, score in zip(options.compare, _each(totals), strict=True):
        notes.unknown_under(path, score)
    print_record(record, corpus.title)


def read_models(options: Options) -> list[WordScores]:
    """Read the models that are compared, and let them score the same events."""
    fitted = [replace(read_arpa(path), blank_lines=options.blank_lines) for path in options.compare or ()]
    try:
        return comparable(fitted, vocab_pad=options.vocab_pad, oov=options.oov)
    except ValueError as error:
        raise CorpusError(str(error)) from None


def _each(totals: Score) -> list[Score]:
    return [totals.each(partial(np.take, indices=i)) for i in range(len(totals))]


@_FORMATS.register("text")
def _print_text(record: dict[str, Any], title: str) -> None:
    width = max(len(record["model_1"]), len(record["model_2"]), 10)
    print(f"{title}: {record['events']:,} events", "", sep="\n")
    print(f"{'model':<{width}}{record['unit'] + '/token':>14}{'perplexity':>14}{'unknown':>12}")
    for i in (1, 2):
        print(
            f"{record[f'model_{i}']:<{width}}{record[f'cross_entropy_{i}']:>14.4f}"
            f"{record[f'perplexity_{i}']:>14,.2f}{record[f'unknown_tokens_{i}']:>12,}"
        )
    print(f"{'difference':<{width}}{record['difference']:>+14.4f}")
    print()
    low, high = (f"{record[f'difference_{end}']:+.4f}" for end in ("low", "high"))
    level, p_value = 100 * record["confidence"], record["p_value"]
    print(f"{level:g} % interval of the difference: {low} to {high}; p = {p_value:.2g}")
    print(f"(paired bootstrap over {record['resampled_units']:,} units: each a {record['resampled']})")
    print(_verdict(record))


def _verdict(record: dict[str, Any]) -> str:
    if record["difference_low"] <= 0 <= record["difference_high"]:
        return "The interval holds zero: this text does not tell the models apart."
    better = record["model_1"] if record["difference"] < 0 else record["model_2"]
    return f"{better} predicts this text better."


@_FORMATS.register("json")
def _print_json(record: dict[str, Any], title: str) -> None:
    sys.stdout.write(show_escapes(_table(record).write_ndjson()))


@_FORMATS.register("csv")
def _print_csv(record: dict[str, Any], title: str) -> None:
    sys.stdout.write(show_bytes(_table(record).write_csv()))


def _table(record: dict[str, Any]) -> pl.DataFrame:
    hidden = {name: hide_bytes(value) if isinstance(value, str) else value for name, value in record.items()}
    return pl.select(pl.lit(value).alias(name) for name, value in hidden.items())
