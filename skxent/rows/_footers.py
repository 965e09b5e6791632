"""What Parquet files say about their row groups, one group at a time.

PyArrow makes objects of all that the end of a file says, 1 kB for each column of each row group: 154 MB for 154 groups
of 1,001 columns, which are 14 MB in the file. Here only the places of the groups are kept, and PyArrow is given an end
that names one group. To find them it is enough to know how long each value is. The encoding is Thrift's compact
protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), and the structure is
``FileMetaData`` in https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

__all__ = ["Footer", "import_parquet"]

# Kinds of values in Thrift's compact protocol.
_STOP, _BYTE, _NUMBERS, _DOUBLE, _STRING, _LISTS, _MAP, _STRUCT = 0, 3, (4, 5, 6), 7, 8, (9, 10), 11, 12
# Number of the field of FileMetaData that lists the row groups.
_ROW_GROUPS = 4
# A list of this many structs, as it begins: the number in the high bits, the kind in the low ones.
_LIST_OF_NONE, _LIST_OF_ONE = b"\x0c", b"\x1c"
_MAGIC = b"PAR1"


class Footer:
    """The places of what a Parquet file says about its row groups.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    Exception
        That of PyArrow if the file is not Parquet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        size = os.path.getsize(path)
        end = _read(path, max(0, size - 8), size)
        self.start = size - 8 - int.from_bytes(end[:4], "little")
        if end[4:] != _MAGIC or self.start < len(_MAGIC):
            import_parquet().read_metadata(path)  # says what is wrong
            raise ValueError("its end is not that of a Parquet file")
        self.stop = size - 8
        self.list_at, self.cuts = _places(_read(path, self.start, self.stop))

    @property
    def n_groups(self) -> int:
        """Number of row groups."""
        return len(self.cuts) - 1

    def metadata(self, group: int | None = None) -> Any:
        """Return what the file says about itself and about one row group, which is the only one there; or about none.

        Returns
        -------
        pyarrow.parquet.FileMetaData
            Its number of rows is that of the whole file.
        """
        parquet = import_parquet()
        before = _read(self.path, self.start, self.start + self.list_at)
        after = _read(self.path, self.start + self.cuts[-1], self.stop)
        listed = _LIST_OF_NONE
        if group is not None:
            listed = _LIST_OF_ONE + _read(self.path, *(self.start + at for at in self.cuts[group : group + 2]))
        footer = before + listed + after
        import pyarrow as pa

        file = pa.BufferReader(_MAGIC + footer + len(footer).to_bytes(4, "little") + _MAGIC)
        return parquet.read_metadata(file)


def import_parquet() -> Any:
    """Import the module of PyArrow that reads and writes Parquet, or say how to install it."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("Parquet files need PyArrow: pip install 'skxent[dask]' or pip install pyarrow.") from error
    return pyarrow.parquet


def _read(path: Path, start: int, stop: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(stop - start)


def _places(data: bytes) -> tuple[int, list[int]]:
    """Return where the list of row groups begins, and where each of them does, and where the last one ends."""
    at = number = 0
    while data[at] != _STOP:
        kind, number, at = _field(data, at, number)
        if number == _ROW_GROUPS:
            n_groups, _, first = _list(data, at)
            cuts = [first]
            for _ in range(n_groups):
                cuts.append(_after(data, cuts[-1], _STRUCT))
            return at, cuts
        at = _after(data, at, kind)
    raise ValueError("it lists no row groups")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number, seven bits a byte with the low ones first, and where it ends."""
    number = shift = 0
    while data[at] >= 128:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return number | data[at] << shift, at + 1


def _field(data: bytes, at: int, number: int) -> tuple[int, int, int]:
    """Return the kind of a field, its number, often given as a step from the last one, and where its value begins."""
    step, kind = divmod(data[at], 16)
    if step:
        return kind, number + step, at + 1
    given, at = _varint(data, at + 1)
    return kind, given // 2, at


def _list(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the length of a list, the kind of its values, and where they begin."""
    length, kind = divmod(data[at], 16)
    at += 1
    if length == 15:
        length, at = _length(data, at)
    return length, kind, at


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return how many values follow, each of which has at least a byte, and where they begin."""
    length, at = _varint(data, at)
    if length > len(data) - at:
        raise ValueError("its end names more than the file has")
    return length, at


def _after(data: bytes, at: int, kind: int) -> int:
    """Return where a value ends."""
    if kind == _STRUCT:
        return _after_struct(data, at)
    if kind in _NUMBERS:
        return _varint(data, at)[1]
    if kind == _STRING:
        length, at = _length(data, at)
        return at + length
    if kind in _LISTS:
        length, kind, at = _list(data, at)
        return _after_all(data, at, [kind] * length)
    if kind == _MAP:
        length, at = _length(data, at)
        return _after_all(data, at + 1, [*divmod(data[at], 16)] * length) if length else at
    return at + (8 if kind == _DOUBLE else 1)


def _after_all(data: bytes, at: int, kinds: list[int]) -> int:
    for kind in kinds:
        at = _after(data, at, kind)
    return at


def _after_struct(data: bytes, at: int) -> int:
    """Return where a struct ends; this is nearly all of the work."""
    while data[at] != _STOP:
        field = data[at]
        at += 1
        if field < 16:  # the number follows
            at = _varint(data, at)[1]
        field &= 15
        if field in _NUMBERS:
            while data[at] >= 128:
                at += 1
            at += 1
        elif field >= _BYTE:  # what is below is true and false, without a value
            at = _after(data, at, field)
    return at + 1
