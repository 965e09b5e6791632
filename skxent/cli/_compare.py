"""Compare two models on the same lines, with a paired bootstrap of the difference."""

import math
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import polars as pl

from skxent.cli.levels import BASES, read_corpus
from skxent.cli.progress import Progress
from skxent.cli.sampling import sample
from skxent.language_model.arpa import read_arpa
from skxent.language_model.bootstrap import (
    bootstrap,
    cross_entropy,
    cross_entropy_difference,
    interval,
    two_sided_p_value,
)
from skxent.language_model.corpus import CorpusError

DEFAULT_LEVEL = 0.95


def compare_models(options: Namespace, progress: Progress) -> None:
    """Print both models' figures and what the bootstrap says about the difference."""
    corpus = read_corpus(options.corpus, options, progress)
    models = [read_arpa(path) for path in options.compare]
    if len({model.log_prob_eos is None for model in models}) > 1:
        raise CorpusError("only one of the models has end-of-sentence events: the figures cannot be compared")
    sums = sample(corpus, models, oov=options.oov, resample=options.resample)
    progress.wipe()
    number, unit = BASES[options.base]
    totals = sums.sum(axis=0).reshape(2, -1)
    entropies = cross_entropy(totals).tolist()
    differences = bootstrap(sums, cross_entropy_difference) / math.log(number)
    level = options.confidence or DEFAULT_LEVEL
    low, high = interval(differences, level)
    record = {
        **{f"model_{i}": path for i, path in enumerate(options.compare, 1)},
        **{f"unknown_tokens_{i}": int(total[2]) for i, total in enumerate(totals, 1)},
        **{f"cross_entropy_{i}": h / math.log(number) for i, h in enumerate(entropies, 1)},
        **{f"perplexity_{i}": math.exp(h) for i, h in enumerate(entropies, 1)},
        "unit": unit,
        "difference": (entropies[0] - entropies[1]) / math.log(number),
        "difference_low": low,
        "difference_high": high,
        "confidence": level,
        "p_value": two_sided_p_value(differences),
        "events": int(totals[0, 1]),
        "resampled": options.resample or "line",
        "resampled_units": len(sums),
    }
    _FORMATS[options.format](record, corpus.title)


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
    print(f"(paired bootstrap over {record['resampled_units']:,} {record['resampled']}s)")
    print(_verdict(record))


def _verdict(record: dict[str, Any]) -> str:
    if record["difference_low"] <= 0 <= record["difference_high"]:
        return "The interval holds zero: this text does not tell the models apart."
    better = record["model_1"] if record["difference"] < 0 else record["model_2"]
    return f"{better} predicts this text better."


def _print_json(record: dict[str, Any], title: str) -> None:
    sys.stdout.write(_table(record).write_ndjson())


def _print_csv(record: dict[str, Any], title: str) -> None:
    sys.stdout.write(_table(record).write_csv())


def _table(record: dict[str, Any]) -> pl.DataFrame:
    return pl.select(pl.lit(value).alias(name) for name, value in record.items())


_FORMATS: dict[str, Callable[[dict[str, Any], str], None]] = {
    "text": _print_text,
    "json": _print_json,
    "csv": _print_csv,
}
