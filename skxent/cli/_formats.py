"""How records are printed: one function a format.

A format takes the records of a level as they come, and a :class:`Report` that says what they are about and turns
sums into figures; it writes to standard output.
"""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from skxent._polars import pl
from skxent._registry import Registry
from skxent.cli._cells import Cells, aligned, joined, text_cells, whole_numbers
from skxent.cli._levels import Records
from skxent.cli._names import show_bytes, show_escapes
from skxent.language_model import Score
from skxent.language_model._efficiency import DEFAULT_ORDER

__all__ = ["FORMATS", "Report", "srilm_summary"]


@dataclass(frozen=True)
class Report:
    """What a format needs to know besides the records.

    Attributes
    ----------
    title : str
        What was scored.
    level : str
        What a record is about.
    base : float
        Base of the logarithms.
    unit : str
        Name of their unit.
    figures : callable
        Makes a table of figures of records.
    rows : callable
        Makes a dictionary of the figures of each record, of all levels but that of words.
    about : dict of str to str
        Lines at the foot of the sheet.
    bold : bool
        Whether the main figures are bold.
    hides_bytes : bool
        Whether names of files have bytes hidden, see ``_names``.
    """

    title: str
    level: str
    base: float
    unit: str
    figures: Callable[[Records], pl.DataFrame]
    rows: Callable[[Records], Iterator[dict[str, Any]]]
    about: dict[str, str] = field(default_factory=dict)
    bold: bool = False
    hides_bytes: bool = False


FORMATS: Registry[Callable[[Iterable[Records], Report], None]] = Registry("format")


@FORMATS.register("json")
def _print_json(records: Iterable[Records], report: Report) -> None:
    """Print one object a line; what JSON cannot say (an infinite perplexity) is null."""
    _JSON[report.level](records, report)


def _print_objects(records: Iterable[Records], report: Report) -> None:
    for row in chain.from_iterable(map(report.rows, records)):
        finite = {name: None if value in (math.inf, -math.inf) else value for name, value in row.items()}
        line = json.dumps(finite, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.write(f"{show_escapes(line)}\n")


def _print_json_tables(records: Iterable[Records], report: Report) -> None:
    number = pl.col(pl.Float64)
    for table in map(report.figures, records):
        finite = table.with_columns(pl.when(number.is_finite()).then(number))
        _put(finite.write_ndjson, show_escapes if report.hides_bytes else None)


_JSON = {"corpus": _print_objects, "file": _print_objects, "line": _print_json_tables, "word": _print_json_tables}


@FORMATS.register("csv")
def _print_csv(records: Iterable[Records], report: Report) -> None:
    """Print a header and one row a record."""
    for number, table in enumerate(map(report.figures, records)):
        _put(partial(table.write_csv, include_header=number == 0), show_bytes if report.hides_bytes else None)


def _put(write: Callable[[Any], object], show: Callable[[str], str] | None) -> None:
    """Let Polars write a table to standard output, without a copy in memory unless hidden bytes are to be shown."""
    if show is None and hasattr(sys.stdout, "buffer"):
        output = _Output()
        try:
            write(output)
        finally:
            if output.error is not None:
                raise output.error
        return
    written = io.BytesIO()
    write(written)
    text = str(written.getbuffer(), "utf-8")
    _put_bytes((show(text) if show else text).encode("utf-8", "surrogateescape"))


class _Output:
    """Standard output for Polars, which is not given the file itself: some versions say nothing of a full disk.

    Attributes
    ----------
    error : OSError or None
        Why something could not be written.
    """

    def __init__(self) -> None:
        self.error: OSError | None = None
        sys.stdout.flush()

    def write(self, data: bytes) -> int:
        """Write bytes; after an error nothing more."""
        left = memoryview(data)
        while left and self.error is None:
            try:
                left = left[sys.stdout.buffer.write(left) :]
            except OSError as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is in the buffer is written at the end."""


def _put_bytes(data: bytes | memoryview) -> None:
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    else:  # a stand-in that takes strings alone, such as io.StringIO
        sys.stdout.write(str(data, "utf-8", "surrogateescape"))


@FORMATS.register("srilm")
def _print_srilm(records: Iterable[Records], report: Report) -> None:
    """Print the two lines of SRILM's ``ngram -ppl``; a model without ends of sentences scored 0 sentences."""
    for title, score in _one_by_one(records, report.title):
        print(f"file {show_bytes(title)}:", end=" ")
        print(srilm_summary(score))


def srilm_summary(score: Score) -> str:
    """SRILM's figures: unknown words are left out, and ``ppl1`` leaves out the ends of sentences too."""
    known = score.known
    counts = f"{score.ends} sentences, {score.tokens} words, {score.unknown_tokens} OOVs"
    log10_prob = known.log_prob / math.log(10)
    ppl, ppl1 = _perplexity(known.perplexity), _perplexity(replace(known, ends=0).perplexity)
    return f"{counts}\n0 zeroprobs, logprob= {log10_prob:g} ppl= {ppl} ppl1= {ppl1}"


@FORMATS.register("kenlm")
def _print_kenlm(records: Iterable[Records], report: Report) -> None:
    """Print the summary of KenLM's ``query``: tokens are words and the ends of sentences that were scored."""
    for _, score in _one_by_one(records, report.title):
        print(f"Perplexity including OOVs:\t{_perplexity(score.perplexity)}")
        print(f"Perplexity excluding OOVs:\t{_perplexity(score.known.perplexity)}")
        print(f"OOVs:\t{score.unknown_tokens}")
        print(f"Tokens:\t{score.events}")


def _one_by_one(records: Iterable[Records], title: str) -> Iterator[tuple[str, Score]]:
    """Take the records one by one, each with the file that it is from, or the title."""
    for several in records:
        files = several.columns.get("file", title)
        for i in range(len(several.score)):
            yield files if isinstance(files, str) else files[i], several.score.each(partial(_item, i))


def _item(position: int, amount: Any) -> Any:
    return amount[position].item()


def _perplexity(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:g}"


@FORMATS.register("text")
def _print_text(records: Iterable[Records], report: Report) -> None:
    """Print for people: a sheet for the corpus, an aligned table for everything else, that of files with a total."""
    _TEXT[report.level](records, report)


def _print_sheet(records: Iterable[Records], report: Report) -> None:
    for row in chain.from_iterable(map(report.rows, records)):
        print(report.title, "", sep="\n")
        for name in ("tokens", "types", "lines", "bytes"):
            print(f"{name:<21}{row[name]:>15,}")
        for name in ("tokens", "types"):
            unknown, total = row[f"unknown_{name}"], row[name]
            print(f"{'unknown ' + name:<21}{unknown:>15,}   {_percent(unknown, total)}")
        print()
        for label, value, remark, is_main in _measures(row, report):
            line = f"{label:<21}{_number(value, 4):>15}   {remark}".rstrip()
            print(f"\033[1m{line}\033[0m" if is_main and report.bold else line)
        print()
        for label, text in report.about.items():
            print(f"{label:<21}   {text}")


def _measures(row: dict[str, Any], report: Report) -> Iterator[tuple[str, float | None, str, bool]]:
    unit = report.unit
    yield "cross-entropy", row["cross_entropy"], f"{unit} per token{_between(row, lambda h: h)}", True
    yield (
        "perplexity",
        row["perplexity"],
        _between(row, lambda h: report.base**h).removeprefix(", "),
        True,
    )
    yield "perplexity, known", row["perplexity_known"], "without unknown words", False
    yield "bits per byte", row["bits_per_byte"], "", False
    yield "bits per character", row["bits_per_character"], "", False
    if row.get("in_sample_entropy") is not None:
        remark = f"{unit} per token: of the word frequencies themselves, not a test figure"
        yield "in-sample entropy", row["in_sample_entropy"], remark, False
    remark = f"of order {DEFAULT_ORDER}: how evenly the tokens are used, 1 if all alike"
    yield "Rényi efficiency", row["renyi_efficiency"], remark, False


def _between(row: dict[str, Any], scale: Callable[[float], float]) -> str:
    if row.get("cross_entropy_low") is None:
        return ""
    low, high = (_number(scale(row[f"cross_entropy_{end}"]), 4) for end in ("low", "high"))
    return f", {100 * row['confidence']:.4g} % interval {low} to {high} (bootstrap, drawn: {row['resampled']})"


# Columns of the table, by the name of the figure: heading, width, and digits behind the point.
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


def _print_files(records: Iterable[Records], report: Report) -> None:
    _print_table(_then_total(records), report)


def _then_total(records: Iterable[Records]) -> Iterator[Records]:
    """Pass the records of files on; if there are several files, what they add up to follows."""
    n_files, total, last = 0, Score(), None
    for last in records:
        n_files, total = n_files + len(last.score), total + last.score.total()
        yield last
    if n_files > 1 and last is not None:
        columns: dict[str, Any] = dict.fromkeys(last.columns)
        yield Records(total.each(np.atleast_1d), {**columns, "file": "total"})


def _print_table(records: Iterable[Records], report: Report) -> None:
    for number, table in enumerate(map(report.figures, records)):
        columns = {name: column for name, column in _COLUMNS.items() if name in table.columns}
        if number == 0:
            head = "".join(f"{title.format(unit=report.unit):>{width}}" for title, width, _ in columns.values())
            print(f"{head}  {report.level}")
        cells = [aligned(table[name], width, digits) for name, (_, width, digits) in columns.items()]
        if table.height:
            _put_bytes(joined([*cells, b"  ", *_place_cells(table)]))


def _place_cells(table: pl.DataFrame) -> list[Cells | bytes]:
    line: list[Cells | bytes] = [b":", whole_numbers(table["line"])] if "line" in table.columns else []
    return [text_cells(table["file"]), *line]


def _place(table: pl.DataFrame) -> pl.Expr:
    return pl.format("{}:{}", "file", "line") if "line" in table.columns else pl.col("file")


def _print_words(records: Iterable[Records], report: Report) -> None:
    for number, table in enumerate(map(report.figures, records)):
        if number == 0:
            print(f"{'log-probability':>15}  {'word':<24}  line ({report.unit}; * marks unknown words)")
        for log_probability, unknown, word, place in table.select(
            "log_probability", "unknown", "word", _place(table)
        ).iter_rows():
            print(f"{_number(log_probability, 4):>15} {' *'[unknown]}{word:<24}  {show_bytes(place)}")


_TEXT = {"corpus": _print_sheet, "file": _print_files, "line": _print_table, "word": _print_words}


def _number(value: float | None, digits: int) -> str:
    """Format a number so that it lines up: '-' where there is none, powers of ten where it would not fit."""
    if value is None:
        return "-"
    return f"{value:.4g}" if abs(value) >= 1e9 and digits else f"{value:,.{digits}f}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"
