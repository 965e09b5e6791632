"""Records of files, whole and in the format in which they came: lines, JSON lines, rows of Parquet."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from skxent._polars import pl
from skxent._typing import Integers
from skxent.language_model._blocks import Block
from skxent.language_model._decompress import is_regular_file, read_chunks
from skxent.language_model._errors import CorpusError
from skxent.language_model._reader import KEEP_BAD_BYTES, file_is_parquet, is_parquet, read_pieces

__all__ = [
    "Choice",
    "Choices",
    "Lines",
    "Records",
    "are_parquet",
    "is_plain_text",
    "records_of_documents",
    "write_parts",
    "write_records",
]

# Endings of the names of files of records, and bytes of a file that show its first character.
_OF_RECORDS = {".json", ".jsonl", ".ndjson", ".parquet"}
_HEAD = 4_096


@dataclass(frozen=True)
class Choice:
    """What to do with some records that follow one another.

    Attributes
    ----------
    is_kept : ndarray of bool
        Whether a record is written.
    columns : dict of str to ndarray
        What is added to the records, by name.
    """

    is_kept: NDArray[np.bool_]
    columns: dict[str, Any]

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.is_kept)

    def __getitem__(self, records: slice) -> Choice:
        """Return the choice for some of the records."""
        return Choice(self.is_kept[records], {name: column[records] for name, column in self.columns.items()})


class Choices:
    """Gives out the choices for as many records as are asked for, one after another."""

    def __init__(self, choices: Iterable[Choice]) -> None:
        self._choices = iter(choices)
        self._rest: Choice | None = None

    def take(self, n: int) -> Iterator[Choice]:
        """Yield the choices for the next n records, in one or more pieces.

        Raises
        ------
        CorpusError
            If there are more records than choices, because a file has grown since it was read before.
        """
        while n:
            if self._rest is None or not len(self._rest):
                self._rest = next(self._choices, None)
            if self._rest is None:
                raise CorpusError("the text has changed since it was scored: there are more records than scores")
            piece, self._rest = self._rest[:n], self._rest[n:]
            n -= len(piece)
            yield piece

    def finish(self) -> None:
        """Check that no choice is left.

        Raises
        ------
        CorpusError
            If there are fewer records than choices.
        """
        if (self._rest is not None and len(self._rest)) or next(self._choices, None) is not None:
            raise CorpusError("the text has changed since it was scored: there are fewer records than scores")


def are_parquet(paths: Sequence[str]) -> bool:
    """Return whether files are Parquet.

    Raises
    ------
    CorpusError
        If some are and others are not: their records cannot be written to one file.
    """
    kinds = list(map(file_is_parquet, paths))
    if any(kinds) and not all(kinds):
        other = paths[kinds.index(False)]
        raise CorpusError(f"{other}: no Parquet file, as {paths[kinds.index(True)]} is: select from each format apart")
    return any(kinds)


def is_plain_text(path: str, encoding: str) -> bool:
    """Return whether a file holds lines of text rather than records, by its name and by its first character."""
    if not is_regular_file(path) or _OF_RECORDS & {suffix.lower() for suffix in Path(path).suffixes}:
        return False
    head = next(read_chunks(path, _HEAD, None), b"")
    text = head.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    return not (is_parquet(head) or text.startswith("{"))


def write_records(paths: Sequence[str], reading: dict[str, Any], choices: Choices, file: IO[bytes]) -> None:
    """Read files again and write the chosen records, in order.

    What is added are new columns of rows, fields at the ends of JSON objects, or before a line of plain text values
    with a tab after each.

    Parameters
    ----------
    paths : sequence of str
        The files, all of them Parquet or none.
    reading : dict
        How they are read: arguments of ``read_pieces``.
    choices : Choices
        What to do with each record.
    file : binary file
        Where to write.

    Raises
    ------
    CorpusError
        If a record already has what is to be added, files have different columns, or they have changed.
    """
    options = {**reading, "texts": reading["skip_bad_records"], "keep_records": True, "whole_lines": True}
    blocks = ((path, piece.make()) for path in paths for piece in read_pieces([path], **options))
    parts = ((part, choice) for path, block in blocks for part, choice in _chosen(_records_of(path, block), choices))
    write_parts(paths, reading["encoding"], parts, file)
    choices.finish()


def write_parts(paths: Sequence[str], encoding: str, parts: Iterable[tuple[Records, Choice]], file: IO[bytes]) -> None:
    """Write the chosen ones of records as they come, in their format; for what is added see :func:`write_records`.

    Parameters
    ----------
    paths : sequence of str
        The files that they are from, all of them Parquet or none.
    encoding : str
        How lines are encoded.
    parts : iterable of (records, Choice)
        Records that follow one another, and what to do with them.
    file : binary file
        Where to write.

    Raises
    ------
    CorpusError
        If a record already has what is to be added, or files have different columns.
    """
    if are_parquet(paths):
        _write_rows(paths[0], _of_one_schema(parts), file)
        return
    encode = _encoder(encoding)
    for records, choice in parts:
        assert not isinstance(records, Rows)
        file.write(encode(records.chosen(choice)))


def _encoder(encoding: str) -> Callable[[bytes], bytes]:
    """Put lines back into their encoding, bytes that could not be decoded included; a byte-order mark comes once."""
    if codecs.lookup(encoding).name == "utf-8":
        return bytes
    encoder = codecs.getincrementalencoder(encoding)(KEEP_BAD_BYTES)
    return lambda lines: encoder.encode(lines.decode("utf-8", "surrogatepass"))


def _records_of(path: str, block: Block) -> Records:
    if block.documents is None:
        return Lines(block.raw)
    assert block.documents.records is not None
    numbers = block.documents.numbers
    return records_of_documents(block.documents.records, lambda i: f"{path}: line {numbers[i]}", path)


def records_of_documents(records: pl.DataFrame | list[str], place: Callable[[int], str], path: str) -> Records:
    """Return the records of documents: the rows of a file, or lines of JSON, with where they are."""
    return JsonLines(records, place) if isinstance(records, list) else Rows(path, records)


def _chosen(records: Records, choices: Choices) -> Iterator[tuple[Records, Choice]]:
    """Cut records into pieces for which there is one choice each."""
    begin = 0
    for choice in choices.take(len(records)):
        yield records[begin : begin + len(choice)], choice
        begin += len(choice)


class Lines:
    """Lines of text, each with its newline."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.ends = np.flatnonzero(np.frombuffer(text, np.uint8) == 0x0A) + 1

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.ends)

    def __getitem__(self, chosen: slice) -> Lines:
        """Choose neighbouring lines."""
        begin, end, _ = chosen.indices(len(self))
        edges = np.concatenate([[0], self.ends])
        return Lines(self.text[edges[begin] : edges[end]])

    def chosen(self, choice: Choice) -> bytes:
        """Return the chosen lines, with what is added before them."""
        if not choice.columns:
            lengths = np.diff(self.ends, prepend=0)
            return np.frombuffer(self.text, np.uint8)[np.repeat(choice.is_kept, lengths)].tobytes()
        added = zip(
            *(np.asarray(column, dtype=object)[choice.is_kept] for column in choice.columns.values()), strict=True
        )
        at = np.flatnonzero(choice.is_kept)
        starts = np.concatenate([[0], self.ends])[at].tolist()
        lines = (self.text[i:j] for i, j in zip(starts, self.ends[at].tolist(), strict=True))
        prefixes = ("".join(f"{'nan' if value is None else value}\t" for value in values).encode() for values in added)
        return b"".join(prefix + line for prefix, line in zip(prefixes, lines, strict=True))


@dataclass(frozen=True)
class JsonLines:
    """Lines that are JSON objects, without their newlines; the first one's position among those that have places."""

    lines: list[str]
    place: Callable[[int], str]
    first: int = 0

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.lines)

    def __getitem__(self, chosen: slice) -> JsonLines:
        """Choose neighbouring lines."""
        return JsonLines(self.lines[chosen], self.place, self.first + chosen.indices(len(self))[0])

    def chosen(self, choice: Choice) -> bytes:
        """Return the chosen lines, with fields at their ends."""
        if not choice.is_kept.any():
            return b""
        lines = list(compress(self.lines, choice.is_kept.tolist()))
        if choice.columns:
            columns = [np.asarray(column, dtype=object)[choice.is_kept] for column in choice.columns.values()]
            self._check_names(lines, np.flatnonzero(choice.is_kept), list(choice.columns))
            rows = (dict(zip(choice.columns, row, strict=True)) for row in zip(*columns, strict=True))
            lines = list(map(_with_fields, lines, rows))
        return "\n".join([*lines, ""]).encode()

    def _check_names(self, lines: Sequence[str], positions: Integers, names: Sequence[str]) -> None:
        """Refuse to add a field that is there."""
        for name in names:
            for i in [i for i, line in enumerate(lines) if json.dumps(name) in line]:
                if name in json.loads(lines[i]):
                    raise CorpusError(f"{self.place(self.first + positions[i])}: {_exists('field', name)}")


def _with_fields(line: str, fields: dict[str, Any]) -> str:
    """Put fields at the end of an object of JSON."""
    opened = line.rstrip().removesuffix("}").rstrip()
    return f"{opened}{'' if opened.endswith('{') else ', '}{json.dumps(fields)[1:]}"


@dataclass(frozen=True)
class Rows:
    """Rows of a Parquet file."""

    path: str
    table: pl.DataFrame

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.table.height

    def __getitem__(self, chosen: slice) -> Rows:
        """Choose neighbouring rows."""
        return Rows(self.path, self.table[chosen])

    def chosen(self, choice: Choice) -> pl.DataFrame:
        """Return the chosen rows, with columns at their ends."""
        for name in choice.columns:
            if name in self.table.columns:
                raise CorpusError(f"{self.path}: {_exists('column', name)}")
        columns = (_added(name, values) for name, values in choice.columns.items())
        return self.table.with_columns(columns).filter(choice.is_kept)


def _added(name: str, values: Any) -> pl.Series:
    """Return what is added to rows; scores are numbers even where none of the rows has one."""
    column = pl.Series(name, values, strict=False)
    return column.cast(pl.Float64) if column.dtype == pl.Null else column


Records = Lines | JsonLines | Rows


def _exists(kind: str, name: str) -> str:
    return f"there is a {kind} {name!r} already; give the new one another name (--score-field; in Python score_field)"


def _of_one_schema(parts: Iterable[tuple[Records, Choice]]) -> Iterator[pl.DataFrame]:
    """Yield the chosen rows, perhaps none of a part."""
    schema: Any = None
    for records, choice in parts:
        assert isinstance(records, Rows)
        chosen = records.chosen(choice)
        schema = chosen.schema if schema is None else schema
        if chosen.schema != schema:
            raise CorpusError(f"{records.path}: its columns are not those of the files before: select from each apart")
        yield chosen


def _write_rows(path: str, frames: Iterator[pl.DataFrame], file: IO[bytes]) -> None:
    """Write tables of the same columns, one after another, as one Parquet file."""
    first = next(frames, None)
    first = pl.read_parquet(path, n_rows=0) if first is None else first

    errors = []

    def rows(with_columns: Any, predicate: Any, n_rows: Any, batch_size: Any) -> Iterator[pl.DataFrame]:
        try:
            yield from chain([first], frames)
        except CorpusError as error:
            errors.append(error)
            raise

    try:
        pl.io.plugins.register_io_source(rows, schema=first.schema).sink_parquet(file)
    except pl.exceptions.ComputeError:
        if errors:  # Polars before 2.0 raises an error of its own in place of ours.
            raise errors[0] from None
        raise
