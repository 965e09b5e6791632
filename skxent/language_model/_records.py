"""Records of files, whole and in the format in which they came: lines, JSON lines, rows of Parquet."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from skxent._typing import Integers
from skxent.language_model._errors import CorpusError
from skxent.language_model._reader import JSON_LINE, Block, read_pieces

__all__ = ["Choice", "Choices", "are_parquet", "write_records"]

# The first bytes of a Parquet file.
_PARQUET = b"PAR1"


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
    kinds = list(map(_is_parquet, paths))
    if any(kinds) and not all(kinds):
        other = paths[kinds.index(False)]
        raise CorpusError(f"{other}: no Parquet file, as {paths[kinds.index(True)]} is: select from each format apart")
    return any(kinds)


def _is_parquet(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(_PARQUET)) == _PARQUET
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror or error}") from None


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
    blocks = ((path, piece.make()) for path in paths for piece in read_pieces(path, **reading, **_WHOLE))
    if are_parquet(paths):
        _write_rows(_chosen_rows(blocks, choices), file)
    else:
        encode = _encoder(reading["encoding"])
        for lines in _chosen_lines(blocks, choices):
            file.write(encode(lines))
    choices.finish()


_WHOLE: dict[str, Any] = {"keep_records": True, "whole_lines": True}


def _encoder(encoding: str) -> Callable[[bytes], bytes]:
    """Put lines back into their encoding; a byte-order mark comes once."""
    if codecs.lookup(encoding).name == "utf-8":
        return bytes
    encoder = codecs.getincrementalencoder(encoding)()
    return lambda lines: encoder.encode(lines.decode())


def _chosen_lines(blocks: Iterable[tuple[str, Block]], choices: Choices) -> Iterator[bytes]:
    """Yield the chosen lines of each block, with newlines."""
    for path, block in blocks:
        records = _Lines(block.raw) if block.documents is None else _JsonLines(path, block)
        chosen = (records.chosen(choice) for choice in choices.take(len(records)))
        yield b"".join(line + b"\n" for line in chain.from_iterable(chosen))


class _Lines:
    """Lines of text, taken one after another."""

    def __init__(self, raw: bytes) -> None:
        self.lines = raw.split(b"\n")[:-1]
        self.n_taken = 0

    def __len__(self) -> int:
        return len(self.lines)

    def chosen(self, choice: Choice) -> Iterator[bytes]:
        """Yield the chosen ones of the next lines, with what is added to them."""
        for i in np.flatnonzero(choice.is_kept).tolist():
            added = {name: column[i] for name, column in choice.columns.items()}
            yield self.line(self.n_taken + i, added)
        self.n_taken += len(choice)

    def line(self, i: int, added: dict[str, Any]) -> bytes:
        """Return a line with values before it."""
        return "".join(f"{value}\t" for value in added.values()).encode() + self.lines[i]


class _JsonLines(_Lines):
    """Lines that are JSON objects."""

    def __init__(self, path: str, block: Block) -> None:
        assert block.documents is not None
        assert block.documents.records is not None
        self.lines = [line.encode() for line in block.documents.records[JSON_LINE]]
        self.numbers: Integers = block.documents.numbers
        self.path = path
        self.n_taken = 0

    def line(self, i: int, added: dict[str, Any]) -> bytes:
        """Return a line with fields at its end."""
        line = self.lines[i]
        for name in added:
            if json.dumps(name).encode() in line and name in json.loads(line):
                raise CorpusError(f"{self.path}: line {self.numbers[i]}: {_exists('field', name)}")
        if not added:
            return line
        return line.rstrip()[:-1].rstrip() + b", " + json.dumps(added)[1:].encode()


def _exists(kind: str, name: str) -> str:
    return f"there is a {kind} {name!r} already; give the new one another name (--score-field; in Python score_field)"


def _chosen_rows(blocks: Iterable[tuple[str, Block]], choices: Choices) -> Iterator[pl.DataFrame]:
    """Yield the chosen rows, perhaps none of a block."""
    schema: Any = None
    for path, block in blocks:
        assert block.documents is not None
        assert block.documents.records is not None
        rows = block.documents.records
        for choice in choices.take(rows.height):
            chosen = _with_columns(rows[: len(choice)], choice.columns, path).filter(choice.is_kept)
            rows = rows[len(choice) :]
            schema = chosen.schema if schema is None else schema
            if chosen.schema != schema:
                raise CorpusError(f"{path}: its columns are not those of the files before: select from each apart")
            yield chosen


def _with_columns(rows: pl.DataFrame, columns: dict[str, Any], path: str) -> pl.DataFrame:
    for name in columns:
        if name in rows.columns:
            raise CorpusError(f"{path}: {_exists('column', name)}")
    return rows.with_columns(pl.Series(name, values) for name, values in columns.items())


def _write_rows(frames: Iterator[pl.DataFrame], file: IO[bytes]) -> None:
    """Write tables of the same columns, one after another, as one Parquet file."""
    first = next(frames)

    def rows(with_columns: Any, predicate: Any, n_rows: Any, batch_size: Any) -> Iterator[pl.DataFrame]:
        yield from chain([first], frames)

    pl.io.plugins.register_io_source(rows, schema=first.schema).sink_parquet(file)
