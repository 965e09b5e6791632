"""How records are printed: one function a format, found by name in ``FORMATS``.

A format takes the tables of sums of a level as they come, and a :class:`Report` that says what they are about
and turns sums into figures; it writes to standard output.
"""

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from skxent.cli.levels import BASES


@dataclass(frozen=True)
class Report:
    """What a format needs to know besides the sums."""

    title: str
    level: str
    unit: str
    figures: Callable[[pl.DataFrame], pl.DataFrame]
    about: dict[str, str] = field(default_factory=dict)
    bold: bool = False


Format = Callable[[Iterable[pl.DataFrame], Report], None]
FORMATS: dict[str, Format] = {}


def _format(function: Format) -> Format:
    FORMATS[function.__name__.removeprefix("print_")] = function
    return function


def _rows(tables: Iterable[pl.DataFrame]) -> Iterator[dict[str, Any]]:
    for table in tables:
        yield from table.iter_rows(named=True)


@_format
def print_json(tables: Iterable[pl.DataFrame], report: Report) -> None:
    """Print one object a line; what JSON cannot say (an infinite perplexity) is null."""
    number = pl.col(pl.Float64)
    for table in tables:
        sys.stdout.write(report.figures(table).with_columns(pl.when(number.is_finite()).then(number)).write_ndjson())


@_format
def print_csv(tables: Iterable[pl.DataFrame], report: Report) -> None:
    """Print a header and one row a record."""
    for number, table in enumerate(tables):
        sys.stdout.write(report.figures(table).write_csv(include_header=number == 0))


@_format
def print_srilm(tables: Iterable[pl.DataFrame], report: Report) -> None:
    """Print the two lines of SRILM's ``ngram -ppl``; a model without ends of sentences scored 0 sentences."""
    for row in _rows(tables):
        print(f"file {row.get('file', report.title)}:", end=" ")
        print(srilm_summary(row["ends"], row["tokens"], row["unknown_tokens"], row["log_prob_known"] / math.log(10)))


def srilm_summary(n_sentences: int, n_words: int, n_unknown: int, log10_prob: float) -> str:
    """SRILM's figures: unknown words are left out, and ``ppl1`` leaves out the ends of sentences too."""
    n_known = n_words - n_unknown
    ppl, ppl1 = _perplexity(log10_prob, n_known + n_sentences), _perplexity(log10_prob, n_known)
    counts = f"{n_sentences} sentences, {n_words} words, {n_unknown} OOVs"
    return f"{counts}\n0 zeroprobs, logprob= {log10_prob:g} ppl= {ppl} ppl1= {ppl1}"


@_format
def print_kenlm(tables: Iterable[pl.DataFrame], report: Report) -> None:
    """Print the summary of KenLM's ``query``: tokens are words and the ends of sentences that were scored."""
    for row in _rows(tables):
        n_tokens = row["tokens"] + row["ends"]
        known, unknown = (row[f"log_prob_{part}"] / math.log(10) for part in ("known", "unknown"))
        print(f"Perplexity including OOVs:\t{_perplexity(known + unknown, n_tokens)}")
        print(f"Perplexity excluding OOVs:\t{_perplexity(known, n_tokens - row['unknown_tokens'])}")
        print(f"OOVs:\t{row['unknown_tokens']}")
        print(f"Tokens:\t{n_tokens}")


def _perplexity(log10_prob: float, n_events: int) -> str:
    if not n_events:
        return "undefined"
    exponent = -log10_prob / n_events
    return f"{10**exponent:g}" if exponent < 308 else "inf"


@_format
def print_text(tables: Iterable[pl.DataFrame], report: Report) -> None:
    """Print for people: a sheet for the corpus, an aligned table for everything else, that of files with a total."""
    _TEXT[report.level](tables, report)


def _print_sheet(tables: Iterable[pl.DataFrame], report: Report) -> None:
    for row in _rows(map(report.figures, tables)):
        print(report.title, "", sep="\n")
        for name in ("tokens", "types", "lines", "bytes"):
            print(f"{name:<21}{row[name]:>15,}")
        for name in ("tokens", "types"):
            unknown, total = row[f"unknown_{name}"], row[name]
            print(f"{'unknown ' + name:<21}{unknown:>15,}   {_percent(unknown, total)}")
        print()
        for label, value, remark, is_main in _measures(row, report.unit):
            line = f"{label:<21}{_number(value, 4):>15}   {remark}".rstrip()
            print(f"\033[1m{line}\033[0m" if is_main and report.bold else line)
        print()
        for label, text in report.about.items():
            print(f"{label:<21}   {text}")


def _measures(row: dict[str, Any], unit: str) -> Iterator[tuple[str, float | None, str, bool]]:
    yield "cross-entropy", row["cross_entropy"], f"{unit} per token{_between(row, lambda h: h)}", True
    yield (
        "perplexity",
        row["perplexity"],
        _between(row, lambda h: _BASE_OF[unit] ** h).removeprefix(", "),
        True,
    )
    yield "perplexity, known", row["perplexity_known"], "without unknown words", False
    yield "bits per byte", row["bits_per_byte"], "", False
    yield "bits per character", row["bits_per_character"], "", False
    if row.get("in_sample_entropy") is not None:
        remark = f"{unit} per token: of the word frequencies themselves, not a test figure"
        yield "in-sample entropy", row["in_sample_entropy"], remark, False


_BASE_OF = {unit: base for base, unit in BASES.values()}


def _between(row: dict[str, Any], scale: Callable[[float], float]) -> str:
    if row.get("cross_entropy_low") is None:
        return ""
    low, high = (_number(scale(row[f"cross_entropy_{end}"]), 4) for end in ("low", "high"))
    return f", {100 * row['confidence']:.4g} % interval {low} to {high}"


_COLUMNS = {
    "tokens": ("tokens", 11, 0),
    "unknown_tokens": ("unknown", 9, 0),
    "cross_entropy": ("{unit}/token", 14, 4),
    "cross_entropy_low": ("low", 10, 4),
    "cross_entropy_high": ("high", 10, 4),
    "perplexity": ("perplexity", 14, 2),
    "perplexity_known": ("known only", 14, 2),
    "bits_per_byte": ("bits/byte", 11, 4),
}


def _print_files(tables: Iterable[pl.DataFrame], report: Report) -> None:
    _print_table(_then_total(tables), report)


def _then_total(tables: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Pass the sums of files on; if there are several files, what they add up to follows."""
    passed = []
    for table in tables:
        passed.append(table)
        yield table
    if len(passed) > 1:
        sums = pl.concat(passed, how="vertical_relaxed")
        nothing = [pl.lit(None, sums.schema[name]).alias(name) for name in _NOT_ADDITIVE if name in sums.columns]
        yield sums.drop("file").sum().with_columns(pl.lit("total").alias("file"), *nothing)


_NOT_ADDITIVE = ("types", "unknown_types", "cross_entropy_low", "cross_entropy_high")


def _print_table(tables: Iterable[pl.DataFrame], report: Report) -> None:
    for number, table in enumerate(map(report.figures, tables)):
        columns = {name: column for name, column in _COLUMNS.items() if name in table.columns}
        if number == 0:
            head = "".join(f"{title.format(unit=report.unit):>{width}}" for title, width, _ in columns.values())
            print(f"{head}  {report.level}")
        cells = [(f"{{:>{width},.{digits}f}}", f"{'-':>{width}}") for _, width, digits in columns.values()]
        full = "".join(cell for cell, _ in cells)
        for *values, place in table.select(*columns, _place(table)).iter_rows():
            row = _with_gaps(values, cells) if None in values else full.format(*values)
            sys.stdout.write(f"{row}  {place}\n")


def _with_gaps(values: list[float | None], cells: list[tuple[str, str]]) -> str:
    """Fill a row of cells, each a format and what stands where there is no value."""
    filled = zip(values, cells, strict=True)
    return "".join(gap if value is None else cell.format(value) for value, (cell, gap) in filled)


def _place(table: pl.DataFrame) -> pl.Expr:
    return pl.format("{}:{}", "file", "line") if "line" in table.columns else pl.col("file")


def _print_words(tables: Iterable[pl.DataFrame], report: Report) -> None:
    for number, table in enumerate(map(report.figures, tables)):
        if number == 0:
            print(f"{'log-probability':>15}  {'word':<24}  line ({report.unit}; * marks unknown words)")
        for log_probability, unknown, word, place in table.select(
            "log_probability", "unknown", "word", _place(table)
        ).iter_rows():
            print(f"{_number(log_probability, 4):>15} {' *'[unknown]}{word:<24}  {place}")


_TEXT = {"corpus": _print_sheet, "file": _print_files, "line": _print_table, "word": _print_words}


def _number(value: float | None, digits: int) -> str:
    """Format a number so that it lines up: '-' where there is none, powers of ten where it would not fit."""
    if value is None:
        return "-"
    return f"{value:.4g}" if abs(value) >= 1e9 and digits else f"{value:,.{digits}f}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"
