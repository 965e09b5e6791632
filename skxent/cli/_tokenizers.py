"""``--tokenizer A,B,...``: the same text cut into tokens in several ways, side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable

from skxent._polars import pl
from skxent._registry import Registry
from skxent.cli._cells import aligned, joined
from skxent.cli._levels import corpus_records, figures
from skxent.cli._names import show_bytes
from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.cli._scorer import EXPLAINED, find_scorer
from skxent.language_model import CorpusError
from skxent.language_model._efficiency import DEFAULT_ORDER, renyi_entropy
from skxent.language_model._tokenizers import make_tokenizer

__all__ = ["compare_tokenizers"]

_FORMATS: Registry[Callable[[pl.DataFrame, str], None]] = Registry("format of a comparison of tokenizers")

# What is printed of each tokenizer, with the title, width and digits of its column in the table for people.
_COLUMNS = {
    "tokens": ("tokens", 13, 0),
    "types": ("types", 11, 0),
    "bytes_per_token": ("bytes/token", 13, 3),
    "entropy": ("entropy", 10, 4),
    "renyi_efficiency": ("efficiency", 12, 4),
    "cross_entropy": ("{unit}/token", 14, 4),
    "bits_per_byte": ("bits/byte", 11, 4),
    "bits_per_character": ("bits/char", 11, 4),
}


def compare_tokenizers(options: Options, progress: Progress, notes: Notes) -> None:
    """Print a line a tokenizer: how evenly it uses its tokens, and what the text costs in them."""
    print_table = _FORMATS[options.format]
    names = options.tokenizer.split(",")
    for name in names:
        make_tokenizer(name)  # an unknown one is an error before any text is read
    table = pl.concat([_row(options._replace(tokenizer=name), progress, notes) for name in names])
    progress.wipe()
    print_table(table, options.unit)


def _row(options: Options, progress: Progress, notes: Notes) -> pl.DataFrame:
    corpus, scorer = find_scorer(options, progress, notes)
    counts = scorer.own_counts or corpus.count()
    if not counts.n_tokens:
        raise CorpusError(f"{corpus.title}: the corpus is empty: there are no words to score")
    records = corpus_records(corpus, scorer.scores, options, counts)
    notes.unknown_under(f"--tokenizer {options.tokenizer}", records.score.total())
    columns = {
        "tokenizer": options.tokenizer,
        "bytes_per_token": counts.n_bytes / counts.n_tokens,
        "entropy": renyi_entropy(counts, 1, base=options.base),
        "evaluated": scorer.evaluated,
    }
    named = figures(records, options).with_columns(pl.lit(value).alias(name) for name, value in columns.items())
    return named.select("tokenizer", *_COLUMNS, "unit", "evaluated")


@_FORMATS.register("text")
def _print_text(table: pl.DataFrame, unit: str) -> None:
    print("".join(f"{title.format(unit=unit):>{width}}" for title, width, _ in _COLUMNS.values()) + "  tokenizer")
    cells = [aligned(table[name], width, digits) for name, (_, width, digits) in _COLUMNS.items()]
    for cell, name in zip(joined(cells).decode().splitlines(), table["tokenizer"], strict=True):
        print(f"{cell}  {name}")
    print(
        f"\nentropy: of the frequencies of the tokens, in {unit}; efficiency: Rényi's, of order {DEFAULT_ORDER}\n"
        f"{unit}/token and bits/byte: {EXPLAINED[table['evaluated'][0]]}\n"
        "Bits per byte can be compared between tokenizers, figures per token cannot."
    )


@_FORMATS.register("json")
def _print_json(table: pl.DataFrame, unit: str) -> None:
    sys.stdout.write(table.write_ndjson())


@_FORMATS.register("csv")
def _print_csv(table: pl.DataFrame, unit: str) -> None:
    sys.stdout.write(show_bytes(table.write_csv()))
