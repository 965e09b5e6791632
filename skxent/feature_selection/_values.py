"""Columns of any dtype as numbers, NaN where a value is missing, or as codes of categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from skxent._typing import Array, Integers
from skxent.feature_selection._containers import is_missing

__all__ = ["as_numbers", "stack_columns"]


def stack_columns(above: Array, below: Array, name: str) -> Array:
    """Put one column below another; where one has nothing but missing values, it fits any other.

    Raises
    ------
    ValueError
        If they hold values of different kinds; the column is named.
    """
    if _is_empty(above):
        above = _missing_like(below, len(above))
    elif _is_empty(below):
        below = _missing_like(above, len(below))
    elif kind_of(above) != kind_of(below):
        raise ValueError(f"Column {name!r} holds {kind_of(above)} in one data set, {kind_of(below)} in the other.")
    return np.concatenate([above, below])


def _is_empty(values: Array) -> bool:
    """Whether all values of a column are missing."""
    missing = is_missing(values) if values.dtype.kind in "OT" else values != values
    return bool(np.all(missing))


def _missing_like(values: Array, n_rows: int) -> Array:
    return np.full(n_rows, "NaT", values.dtype) if values.dtype.kind in "mM" else np.full(n_rows, None)


def kind_of(values: Array) -> str:
    """Say what a column holds."""
    of_dtype = {"M": "dates", "m": "durations"}
    return "text" if _holds_text(values) else of_dtype.get(values.dtype.kind, "numbers")


def _holds_text(values: Array) -> bool:
    """Whether a column has a string among its values."""
    kind = values.dtype.kind
    return kind in "UST" or (kind == "O" and any(isinstance(value, str | bytes) for value in values))


def as_numbers(values: Array, name: str) -> tuple[Array, bool]:
    """Turn a column of any dtype into numbers, NaN where missing.

    Returns
    -------
    numbers : ndarray of shape (n_rows,)
        The column itself where it is numeric, dates as float64, codes where the values have no order.
    coded : bool
        Whether they are codes.

    Raises
    ------
    ValueError, TypeError
        If the values are neither numbers, dates, text nor hashable objects; the column is named.
    """
    if values.ndim > 1:
        raise TypeError(f"Column {name!r} holds several values in each row; split it into columns of single values.")
    kind = values.dtype.kind
    if kind in "biuf":
        return values, False
    if kind in "mM":
        return np.where(np.isnat(values), np.nan, values.astype(np.int64).astype(np.float64)), False
    if kind in "US":
        return np.unique(values, return_inverse=True)[1], True
    if kind not in "OT":
        raise ValueError(f"Column {name!r} has dtype {values.dtype}, which has no order and no categories.")
    if not _holds_text(values):
        try:
            return np.where(is_missing(values), np.nan, values).astype(np.float64), False
        except (TypeError, ValueError):
            pass  # objects that are not numbers: categories
    return category_codes(values.tolist(), name), True


def category_codes(values: list[Any], name: str) -> Integers:
    """Give each distinct value a number; the missing ones share one, the last.

    The numbers follow the values as text, so that they do not depend on the order of the rows.
    """
    try:
        distinct: list[Any] = [*set(values)]
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in values if value.__hash__ is None})
        raise TypeError(
            f"Column {name!r} holds values of type {', '.join(kinds)}; a category given as argument must be "
            "a string, a number or another hashable value."
        ) from error
    distinct.sort(key=lambda value: (str(value), type(value).__name__))
    missing = is_missing(distinct)
    numbers = np.where(missing, np.sum(~missing), np.cumsum(~missing) - 1)
    code = dict(zip(distinct, numbers, strict=True))
    return np.fromiter(map(code.__getitem__, values), dtype=np.int64, count=len(values))
