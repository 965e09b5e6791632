"""Write tables of numbers at the speed of arrays.

A column of a table is an array of bytes, a row for each row of the table. NUL stands for no character, where one row
has fewer of them than another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxent._polars import pl
from skxent._typing import Floats
from skxent.cli._names import show_bytes

__all__ = ["Cells", "aligned", "joined", "text_cells", "whole_numbers"]

Cells = NDArray[np.uint8]

_NOTHING, _BLANK, _COMMA, _POINT, _ZERO = b"\0 ,.0"
_TEN = np.uint32(10)
# Numbers are rounded as integers of their last digit where that cannot go wrong: their error is below 2e-7, so it
# cannot where they are no nearer than this to the middle of two integers.
_LARGEST_PLAIN, _NEAR_MIDDLE = 1e9, 1e-6


def aligned(column: pl.Series, width: int, digits: int) -> Cells:
    """Write the numbers of a column with so many digits, separators of thousands, and '-' where there is none.

    Parameters
    ----------
    column : polars.Series
        Numbers or null.
    width : int
        Characters of a cell; a longer number takes more.
    digits : int
        Digits behind the point.

    Returns
    -------
    ndarray of shape (n_rows, n_characters)

    Examples
    --------
    >>> print(joined([aligned(pl.Series([1234.567, None]), 10, 2)]).decode(), end="")
      1,234.57
             -
    """
    values = column.cast(pl.Float64).to_numpy()
    is_plain = (values >= 0) & (values < _LARGEST_PLAIN / 10.0**digits)
    scaled = np.where(is_plain, values, 0) * 10.0**digits
    is_plain &= np.abs(scaled - np.floor(scaled) - 0.5) > _NEAR_MIDDLE
    cells = _written(np.rint(scaled).astype(np.uint32), width, digits)
    others = np.flatnonzero(~is_plain)
    return _with_rows(cells, others, _written_one_by_one(values[others], width, digits)) if len(others) else cells


def whole_numbers(column: pl.Series) -> Cells:
    """Write numbers from 0 on as they are, without anything before or between their digits."""
    numbers = column.to_numpy()
    narrow = np.uint32 if numbers.max(initial=0) < 2**32 else np.uint64  # the first are divided in a third of the time
    return _written(numbers.astype(narrow), 0, 0, separator=False)


def text_cells(column: pl.Series) -> Cells:
    """Write texts without NUL, which cost little where neighbours are the same."""
    runs = column.rle().struct.unnest()
    texts = np.array([show_bytes(text).encode("utf-8", "surrogateescape") for text in runs["value"]], dtype=np.bytes_)
    return np.repeat(texts.view(np.uint8).reshape(len(texts), -1), runs["len"].to_numpy(), axis=0)


def joined(columns: Sequence[Cells | bytes]) -> bytes:
    """Put columns side by side, each row on a line of its own; bytes are a column that is the same in every row."""
    parts = [np.frombuffer(part, np.uint8)[None] if isinstance(part, bytes) else part for part in (*columns, b"\n")]
    ends = np.cumsum([part.shape[1] for part in parts])
    table = np.empty((*np.broadcast_shapes(*((len(part),) for part in parts)), ends[-1]), np.uint8)
    for part, end in zip(parts, ends.tolist(), strict=True):
        table[:, end - part.shape[1] : end] = part
    has_gaps = table.min(initial=_BLANK) == _NOTHING  # seldom, and to close them takes longest
    return (table[table != _NOTHING] if has_gaps else table).tobytes()


def _written(numbers: NDArray[np.unsignedinteger[Any]], width: int, digits: int, *, separator: bool = True) -> Cells:
    """Write whole numbers with a point before their last digits, digit by digit from the right."""
    n_digits = max(len(str(numbers.max(initial=0))), digits + 1)
    n_characters = n_digits + (digits > 0) + separator * ((n_digits - digits - 1) // 3)
    cells = np.full((max(width, n_characters), len(numbers)), _BLANK, np.uint8)
    cells[: len(cells) - width] = _NOTHING
    places = iter(cells[::-1])
    for i in range(n_digits):
        if digits and i == digits:
            next(places)[:] = _POINT
        if separator and i > digits and (i - digits) % 3 == 0:
            np.copyto(next(places), _COMMA, where=numbers > 0)
        rest = numbers // _TEN
        digit = (numbers - rest * _TEN).astype(np.uint8) + _ZERO
        np.copyto(next(places), digit, where=True if i <= digits else numbers > 0)
        numbers = rest
    return cells.T


def _written_one_by_one(values: Floats, width: int, digits: int) -> Cells:
    """Write any numbers, equal ones once; '-' where there is none."""
    distinct, which = np.unique(values, return_inverse=True)
    texts = [("-" if np.isnan(x) else f"{x:,.{digits}f}").rjust(width) for x in distinct.tolist()]
    longest = max(map(len, texts))
    cells = np.array([list(text.rjust(longest, "\0").encode()) for text in texts], np.uint8)
    return cells[which]


def _with_rows(cells: Cells, at: NDArray[np.intp], rows: Cells) -> Cells:
    """Replace some rows, flush right, by others that may be wider."""
    wider = np.pad(cells, ((0, 0), (max(rows.shape[1] - cells.shape[1], 0), 0)), constant_values=_NOTHING)
    wider[at] = np.pad(rows, ((0, 0), (wider.shape[1] - rows.shape[1], 0)), constant_values=_NOTHING)
    return wider
