"""What users hand over, made arrays that lose no digit and hide no missing value."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from skxent._typing import Array

__all__ = ["is_missing", "plain_labels", "refuse_complex", "refuse_masked"]


def is_missing(values: Iterable[Any]) -> Array:
    """Tell which values are None, NaN, NaT or pandas' NA.

    Examples
    --------
    >>> is_missing(["a", None, float("nan"), np.datetime64("NaT"), 0])
    array([False,  True,  True,  True, False])
    """
    na = getattr(sys.modules.get("pandas"), "NA", None)  # it refuses to be compared, as an array does
    return np.array(
        [value is None or value is na or (type(value) is not np.ndarray and value != value) for value in values],
        dtype=bool,
    )


def refuse_masked(**values: Any) -> None:
    """Raise a ValueError for masked arrays with masked entries: what lies behind a mask is no value."""
    for name, value in values.items():
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            entry = ", ".join(map(str, np.argwhere(np.ma.getmaskarray(value))[0]))
            raise ValueError(f"{name}[{entry}] is masked: fill the masked entries, or leave out their rows.")


def refuse_complex(**values: Any) -> None:
    """Raise a ValueError for arrays of complex numbers, without the array in its message."""
    for name, value in values.items():
        dtype = getattr(value, "dtype", None)
        if getattr(dtype, "kind", None) == "c":
            raise ValueError(f"Complex data not supported: {name} holds {dtype}; take real and imaginary part apart.")


def plain_labels(y: Any, name: str = "y") -> Any:
    """Return labels as an array of text, numbers or booleans; what is no column of labels comes back as it is.

    Nullable columns of pandas would become float64, where integers beyond 2**53 are no longer told apart; NumPy would
    turn the numbers in a list with text into text, and use the values behind a mask.

    Parameters
    ----------
    y : object
        A column of labels, or something else, such as a matrix or a lazy column.
    name : str, default="y"
        Name of the parameter, for messages.

    Returns
    -------
    object
        The labels.

    Raises
    ------
    ValueError
        If a label is missing, masked or complex, or if the labels are of several types, or of a type that is neither
        text nor a number of at most 64 bits.

    Examples
    --------
    >>> plain_labels(np.array([True, False], dtype=object))
    array([ True, False])
    """
    refuse_masked(**{name: y})
    values = _array_of(y, name)
    refuse_complex(**{name: values})
    if not isinstance(values, np.ndarray) or values.dtype.kind != "O" or values.size != len(values):
        return values
    return _of_one_type(values.ravel(), name).reshape(values.shape)


def _array_of(y: Any, name: str) -> Any:
    """Return an array of what is a column of objects or of a nullable type; else y."""
    if isinstance(y, list | tuple):
        types = {*map(type, y)}
        nested = any(hasattr(each, "__len__") and not issubclass(each, str | bytes) for each in types)
        return y if nested or types == {str} else np.array(y, dtype=object)
    column = y.iloc[:, 0] if hasattr(y, "iloc") and np.ndim(y) == 2 and y.shape[1] == 1 else y
    dtype = getattr(column, "dtype", None)
    plain = getattr(dtype, "numpy_dtype", None)  # of a nullable column
    if plain is not None and hasattr(column, "isna"):
        _refuse_missing(np.asarray(column.isna()), np.asarray(column, dtype=object), name)
        return column.to_numpy(dtype=plain).reshape(np.shape(y))
    return np.asarray(y) if hasattr(y, "__array__") and not hasattr(y, "__dask_graph__") else y


def _refuse_missing(missing: Array, labels: Any, name: str) -> None:
    for row in np.flatnonzero(missing)[:1]:
        raise ValueError(f"{name}[{row}] is {labels[row]}: leave out the rows that have no label.")


def _of_one_type(labels: Array, name: str) -> Array:
    """Turn objects into an array of text, numbers or booleans."""
    types = {*map(type, labels)}
    if all(issubclass(each, str) for each in types):
        return labels
    _refuse_missing(is_missing(labels), labels, name)
    if all(issubclass(each, int | float | np.number | np.bool_) for each in types):
        found = np.array(labels.tolist())
        whole = all(issubclass(each, int | np.integer | np.bool_) for each in types)
        if found.dtype.kind in ("iub" if whole else "iubf"):
            return found
    names = ", ".join(sorted(each.__name__ for each in types))
    raise ValueError(
        f"{name} holds labels of type {names}; labels are text, or numbers of at most 64 bits: turn all into text."
    )
