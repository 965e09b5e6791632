"""Records of files, whole and in the format in which they came: lines, JSON lines, rows of Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from skxent.language_model._reader import BLOCK_BYTES, CorpusError, _Decoder, _read_chunks

__all__ = ["Choice", "Choices", "JsonRecords", "LineRecords", "ParquetRecords", "RecordFormat", "format_of"]


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


class RecordFormat:
    """How records of a kind are read again and written."""

    def write(self, paths: Sequence[str], choices: Choices, file: IO[bytes]) -> None:
        """Write the chosen records of files, in order, to a binary file."""
        raise NotImplementedError


@dataclass(frozen=True)
class LineRecords(RecordFormat):
    """Lines of text; what is added comes before a line, each value with a tab after it.

    Attributes
    ----------
    encoding : str
        Encoding of the text. If a newline is more than one byte in it, UTF-8 is written.
    """

    encoding: str = "utf-8"

    def write(self, paths: Sequence[str], choices: Choices, file: IO[bytes]) -> None:
        """Write the chosen lines."""
        for path in paths:
            for lines in self._batches(path):
                numbered = iter(lines)
                for choice in choices.take(len(lines)):
                    file.write(b"".join(self._chosen(path, numbered, choice)))

    def _batches(self, path: str) -> Iterator[list[tuple[int, bytes]]]:
        """Yield the records with the numbers of their lines."""
        number = 1
        for lines in _lines(path, self.encoding):
            yield [(i, line) for i, line in enumerate(lines, number) if self._is_record(line)]
            number += len(lines)

    def _chosen(self, path: str, lines: Iterator[tuple[int, bytes]], choice: Choice) -> Iterator[bytes]:
        values = zip(*choice.columns.values(), strict=True) if choice.columns else ((),) * len(choice)
        for is_kept, added in zip(choice.is_kept.tolist(), values, strict=True):
            number, line = next(lines)
            if is_kept:
                yield self._with(line, dict(zip(choice.columns, added, strict=True)), f"{path}: line {number}") + b"\n"

    def _is_record(self, line: bytes) -> bool:
        return True

    def _with(self, line: bytes, added: dict[str, Any], place: str) -> bytes:
        return b"".join(f"{value}\t".encode() for value in added.values()) + line


class JsonRecords(LineRecords):
    """Objects, one a line; what is added are fields at their ends."""

    def _is_record(self, line: bytes) -> bool:
        return line[:1] == b"{" or bool(line.decode(self.encoding, "replace").strip())

    def _with(self, line: bytes, added: dict[str, Any], place: str) -> bytes:
        for name in added:
            if json.dumps(name).encode() in line and name in json.loads(line):
                raise CorpusError(f"{place}: there is a field {name!r} already; give the new field another name")
        body = line.rstrip()
        if not added or not body.endswith(b"}"):
            return line
        fields = json.dumps(added, ensure_ascii=False)[1:-1].encode(self.encoding)
        return body[:-1].rstrip() + b", " + fields + b"}"


def _lines(path: str, encoding: str) -> Iterator[list[bytes]]:
    """Yield the lines of a file, without their newlines."""
    chunks: Iterable[bytes] = _read_chunks(path, BLOCK_BYTES, None)
    if "\n".encode(encoding) != b"\n":
        chunks = (text.encode() for text in _Decoder(path, encoding, "strict").decode(chunks))
    begun: list[bytes] = []  # the pieces of a line that goes on in the next chunk
    for i, chunk in enumerate(chunks):
        first, *lines = (chunk.removeprefix(b"\xef\xbb\xbf") if i == 0 else chunk).split(b"\n")
        begun.append(first)
        if lines:
            last = lines.pop()
            yield [b"".join(begun), *lines]
            begun = [last]
    if line := b"".join(begun):
        yield [line]


class ParquetRecords(RecordFormat):
    """Rows of Parquet; what is added are columns."""

    def write(self, paths: Sequence[str], choices: Choices, file: IO[bytes]) -> None:
        """Write the chosen rows as one Parquet file."""
        frames = self._chosen(paths, choices)
        first = next(frames)
        schema = first.schema

        def rows(with_columns: Any, predicate: Any, n_rows: Any, batch_size: Any) -> Iterator[pl.DataFrame]:
            yield first
            yield from frames

        pl.io.plugins.register_io_source(rows, schema=schema).sink_parquet(file)

    def _chosen(self, paths: Sequence[str], choices: Choices) -> Iterator[pl.DataFrame]:
        """Yield the chosen rows; an empty table first, so that there is a schema."""
        schema: Any = None
        for path in paths:
            for batch in _parquet_batches(path):
                for choice in choices.take(batch.height):
                    rows, batch = batch[: len(choice)], batch[len(choice) :]
                    rows = _with_columns(rows, choice.columns, path)
                    schema = rows.schema if schema is None else schema
                    if rows.schema != schema:
                        raise CorpusError(f"{path}: its columns are not those of {paths[0]}: select from each apart")
                    yield rows.filter(choice.is_kept)


def _with_columns(rows: pl.DataFrame, columns: dict[str, Any], path: str) -> pl.DataFrame:
    for name in columns:
        if name in rows.columns:
            raise CorpusError(f"{path}: there is a column {name!r} already; give the new one another name")
    return rows.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def _parquet_batches(path: str) -> Iterator[pl.DataFrame]:
    try:
        yield from pl.scan_parquet(path, glob=False).collect_batches()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CorpusError(f"{path}: {str(error).splitlines()[0]}") from None


def format_of(paths: Sequence[str], field: str | None, encoding: str) -> RecordFormat:
    """Return the format of the records of files.

    Raises
    ------
    CorpusError
        If some are Parquet and others are not: their records cannot be written to one file.
    """
    is_parquet = [path.endswith(".parquet") for path in paths]
    if any(is_parquet):
        if not all(is_parquet):
            other = paths[is_parquet.index(False)]
            raise CorpusError(f"{other}: not Parquet, as other files are: select from the formats one after the other")
        return ParquetRecords()
    return LineRecords(encoding) if field is None else JsonRecords(encoding)
