"""Information that columns of categories have about each other, from the counts of their values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skxent._typing import Array, Integers
from skxent.information._units import in_base

__all__ = ["conditional_entropy_from_columns", "mutual_information_from_columns"]


def mutual_information_from_columns(x: ArrayLike, y: ArrayLike, *, base: float | None = None) -> float:
    r"""Mutual information of two columns of categories: what a value of one tells about the other, on average.

    .. math:: I = \sum_{ij} \frac{n_{ij}}n \log \frac{n \, n_{ij}}{n_i n_j}

    Parameters
    ----------
    x, y : array-like of shape (n,) or (n, d)
        Values of any kind: numbers, strings, missing ones. With several columns, a row is one value. Row i of
        both belongs together.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.

    Returns
    -------
    float
        At least 0. For independent columns of r and c values it is about (r - 1)(c - 1) / 2n nats above the
        truth, which is 0, so columns of many values need many rows.

    Raises
    ------
    ValueError
        If x and y differ in length, or are empty or masked.

    See Also
    --------
    skxent.information.mutual_information : From joint probabilities or a table of counts.
    skxent.information.mutual_information_from_samples : For continuous quantities.

    References
    ----------
    Miller (1955), "Note on the bias of information estimates", in Information Theory in Psychology.

    Examples
    --------
    >>> from skxent.information import mutual_information_from_columns
    >>> weather = ["sun", "sun", "rain", "rain"]
    >>> mutual_information_from_columns(weather, ["out", "out", "in", "in"], base=2)
    1.0
    >>> mutual_information_from_columns(weather, [1, 2, 1, 2], base=2)
    0.0
    """
    counts, first, second = _counts(x, y)
    n = counts.sum()
    nats = np.sum(counts / n * (np.log(counts) - np.log(first) - (np.log(second) - np.log(n))))
    return float(in_base(max(nats, 0.0), base))


def conditional_entropy_from_columns(y: ArrayLike, given: ArrayLike, *, base: float | None = None) -> float:
    r"""Entropy that is left of a column of categories when another is known.

    .. math:: H(Y \mid X) = -\sum_{ij} \frac{n_{ij}}n \log \frac{n_{ij}}{n_i}

    Parameters
    ----------
    y : array-like of shape (n,) or (n, d)
        The column. Values of any kind; with several columns, a row is one value.
    given : array-like of shape (n,) or (n, d)
        What is known, X. Row i of both belongs together.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.

    Returns
    -------
    float
        At least 0. Where values of `given` occur in few rows it is far below the truth.

    Raises
    ------
    ValueError
        If the columns differ in length, or are empty or masked.

    Examples
    --------
    >>> from skxent.information import conditional_entropy_from_columns
    >>> conditional_entropy_from_columns(["a", "b", "a", "a"], [0, 0, 1, 1], base=2)
    0.5
    """
    counts, known, _ = _counts(given, y)
    nats = -np.sum(counts / counts.sum() * (np.log(counts) - np.log(known)))
    return float(in_base(max(nats, 0.0), base))


def _counts(x: Any, y: Any) -> tuple[Array, Array, Array]:
    """Count the pairs of values, and for each pair the values of x and of y in it."""
    first, second = _codes("x", x), _codes("y", y)
    if len(first) != len(second):
        raise ValueError(f"The columns have {len(first)} and {len(second)} rows; each row of both belongs together.")
    width = int(second.max()) + 1
    pairs, counts = np.unique(first * width + second, return_counts=True)
    totals = np.bincount(first)[pairs // width], np.bincount(second)[pairs % width]
    return counts, *totals


def _codes(name: str, values: Any) -> Integers:
    """Return a number for each value of a column, or each row of several."""
    if np.ma.is_masked(values):
        raise ValueError(f"{name} is a masked array with masked values; fill them with a value of their own.")
    array = np.asarray(values)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"{name} must have shape (n,) or (n, d) and a row at least; got {array.shape}.")
    codes = np.zeros(len(array), dtype=np.int64)
    for column in array.reshape(len(array), -1).T:
        own = _column_codes(column)
        codes = np.unique(codes * (own.max() + 1) + own, return_inverse=True)[1].astype(np.int64)
    return codes


def _column_codes(column: Array) -> Integers:
    if column.dtype.kind != "O":
        return np.unique(column, return_inverse=True)[1].astype(np.int64)
    # Values of different types have no order; a value that differs from itself is a missing one.
    known: dict[Any, int] = {}
    return np.array([known.setdefault(None if _is_missing(value) else value, len(known)) for value in column])


def _is_missing(value: Any) -> bool:
    """Whether a value is None or differs from itself; pandas' NA says neither yes nor no."""
    differs = value != value
    return value is None or not isinstance(differs, bool | np.bool_) or bool(differs)
