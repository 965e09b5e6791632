"""Columns of any dtype as numbers, NaN where a value is missing, or as codes of categories."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta
from numbers import Number
from types import NoneType
from typing import Any

import numpy as np
import polars as pl

from skxent._labels import is_missing
from skxent._typing import Array, Integers
from skxent.feature_selection._containers import LARGEST_EXACT

__all__ = ["Levels", "as_numbers", "kind_of", "kind_of_all", "refuse_mixture", "stack_columns"]


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
    else:
        refuse_mixture([{kind_of(above)}, {kind_of(below)}], name)
    return np.concatenate([above, below])


def refuse_mixture(kinds: list[set[str | None]], name: str) -> None:
    """Raise an error if a column holds values of another kind in one of two data sets.

    Parameters
    ----------
    kinds : list of set
        What parts of each data set hold, as `kind_of` says; None for parts without values, which fit any other.
    name : str
        The column.
    """
    above, below = (kind_of_all(parts - {None}) for parts in kinds)
    if above and below and above != below:
        raise ValueError(f"Column {name!r} holds {above} in one data set, {below} in the other.")


def kind_of_all(kinds: set[str | None]) -> str | None:
    """Say what a column holds whose parts hold several kinds."""
    return "text" if "text" in kinds else next(iter(kinds), None) if len(kinds) < 2 else "numbers"


def _is_empty(values: Array) -> bool:
    """Whether all values of a column are missing."""
    missing = is_missing(values) if values.dtype.kind in "OT" else values != values
    return bool(np.all(missing))


def _missing_like(values: Array, n_rows: int) -> Array:
    return np.full(n_rows, "NaT", values.dtype) if values.dtype.kind in "mM" else np.full(n_rows, None)


def kind_of(values: Array) -> str:
    """Say what a column holds."""
    if _holds_text(values):
        return "text"
    times = _as_times(values) if values.dtype.kind == "O" else values
    return {"M": "dates", "m": "durations"}.get(times.dtype.kind, "numbers")


def _holds_text(values: Array) -> bool:
    """Whether a column has a string among its values."""
    kind = values.dtype.kind
    return kind in "UST" or (kind == "O" and any(isinstance(value, str | bytes) for value in values))


# What values of Python's types are, the first that fits.
_KINDS: list[tuple[type | tuple[type, ...], str]] = [
    (str, "text"),
    (bytes, "bytes"),
    ((bool, np.bool_), "booleans"),
    ((date, np.datetime64), "dates"),
    ((time, timedelta, np.timedelta64), "durations"),
    (Number, "numbers"),
]
_KIND_OF_DTYPE = {"U": "text", "T": "text", "S": "bytes", "b": "booleans", "M": "dates", "m": "durations"}


def _kinds_of(values: Array) -> set[str]:
    """Tell of which kinds the values of a column are that are not missing."""
    if values.dtype.kind != "O":
        missing = is_missing(values) if values.dtype.kind == "T" else values != values
        return set() if np.all(missing) else {_KIND_OF_DTYPE.get(values.dtype.kind, "numbers")}
    types = {*map(type, values[~is_missing(values)])}
    return {next((kind for of, kind in _KINDS if issubclass(each, of)), each.__name__) for each in types}


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
        return _microseconds(values), False
    if kind in "US":
        return np.unique(values, return_inverse=True)[1], True
    if kind not in "OT":
        raise ValueError(f"Column {name!r} has dtype {values.dtype}, which has no order and no categories.")
    if not _holds_text(values):
        try:
            numbers = np.where(is_missing(values), np.nan, values).astype(np.float64)
        except OverflowError:
            longest = max(len(str(value)) for value in values if isinstance(value, int) and abs(value) >= 2**1023)
            raise ValueError(
                f"Column {name!r} holds a whole number of {longest} digits, too large for a floating-point number. If "
                "it names something, turn the column into text."
            ) from None
        except (TypeError, ValueError):
            times = _as_times(values)
            if times.dtype.kind in "mM":
                return _microseconds(times), False
        else:
            return (_exact(values, name) if np.any(np.abs(numbers) > LARGEST_EXACT) else numbers), False
    return category_codes(values.tolist(), name), True


def _microseconds(times: Array) -> Array:
    """Turn dates, since 1970, or durations into microseconds, whatever their unit."""
    finer = np.datetime_data(times.dtype)[0] in ("ns", "ps", "fs", "as")
    whole = times if finer else times.astype(f"{times.dtype.kind}8[us]")
    unit: Any = np.datetime_data(whole.dtype)
    steps = np.timedelta64(1, "us") / np.timedelta64(1, unit)
    return np.where(np.isnat(whole), np.nan, whole.astype(np.int64) / steps)


def _as_times(values: Array) -> Array:
    """Turn objects of Python's calendar into NumPy's dates or durations; others stay what they are."""
    missing = is_missing(values)
    types = {*map(type, values[~missing])}
    if not types or not all(issubclass(each, date | time | timedelta) for each in types):
        return values
    try:
        series = pl.Series([None if gone else value for value, gone in zip(values, missing, strict=True)])
    except (TypeError, pl.exceptions.PolarsError):  # dates with a time zone beside some without: categories
        return values
    if series.dtype == pl.Time:
        series = series.cast(pl.Duration("us"))
    return np.asarray(series.to_numpy())


def _exact(values: Array, name: str) -> Array:
    """Turn objects into the widest floating-point numbers, of which some are too large for float64.

    Raises
    ------
    ValueError
        If different ones become equal.
    """
    missing = is_missing(values)
    objects = [int(value) if math.isfinite(value) and value == int(value) else value for value in values[~missing]]
    present = np.array(objects, dtype=object).astype(np.longdouble)
    if len(np.unique(present)) < len(set(objects)):
        raise ValueError(
            f"Column {name!r} holds numbers that differ only in digits that no floating-point number has here, such as "
            f"{max(objects, key=abs)}. If they name things, turn them into text; if they measure, into float64."
        )
    numbers = np.full(len(values), np.nan, dtype=np.longdouble)
    numbers[~missing] = present
    return numbers


@dataclass(frozen=True)
class Levels:
    """The bins of a column, by which the values of any other rows are found again.

    Parameters
    ----------
    edges : ndarray
        Numeric columns: the largest value of each bin. Categories: empty.
    categories : list of str or None
        The categories as text, in alphabetical order; None for numeric columns.
    kind : str
        What a numeric column holds: "numbers", "dates" or "durations". Of categories all their kinds, with " and "
        between them, or an empty string if values of any kind fit.
    """

    edges: Array
    categories: list[str] | None
    kind: str

    @classmethod
    def of(cls, values: Array, name: str, categorical: bool, edges_of: Callable[[Array], Array]) -> Levels:
        """Find the bins of a column; `edges_of` cuts numbers."""
        numbers, coded = as_numbers(values, name)
        if not (coded or categorical):
            return cls(edges_of(numbers), None, kind_of(values))
        texts = _texts(values[~_missing(values)])
        return cls(np.empty(0), sorted(set(texts)), " and ".join(sorted(_kinds_of(values))))

    @property
    def n_codes(self) -> int:
        """Number of bins, with one for missing values and one for values that were not there."""
        return (len(self.edges) if self.categories is None else len(self.categories)) + 2

    @property
    def labels(self) -> list[str]:
        """What is in each bin, in words."""
        if self.categories is not None:
            return [*self.categories, "other", "missing"]
        cuts = [f"{edge:.4g}" for edge in self.edges.astype(np.float64)]
        ranges = [f"({low}, {high}]" for low, high in zip(["−∞", *cuts], cuts, strict=False)]
        return [*ranges, f"> {cuts[-1]}" if cuts else "any", "missing"]

    def codes(self, values: Array, name: str) -> Integers:
        """Return the bin of each value.

        Raises
        ------
        ValueError
            If the column holds values of another kind.
        """
        missing = _missing(values)
        if self.categories is not None:
            self._require_kind(values, name)
            code = {text: at for at, text in enumerate(self.categories)}
            found = [code.get(text, len(code)) for text in _texts(values)]
            return np.where(missing, len(code) + 1, np.array(found, dtype=np.int64))
        numbers, coded = as_numbers(values, name)
        if (coded or kind_of(values) != self.kind) and not np.all(missing):
            raise ValueError(f"Column {name!r} holds {kind_of(values)}; in the data before it held {self.kind}.")
        return np.where(missing, len(self.edges) + 1, np.searchsorted(self.edges, numbers))

    def _require_kind(self, values: Array, name: str) -> None:
        """Refuse categories none of which can be one that is known: text of numbers, say."""
        held, holds = {*self.kind.split(" and ")} - {""}, _kinds_of(values)
        if held and holds and not held & holds:
            raise ValueError(
                f"Column {name!r} holds {' and '.join(sorted(holds))}; in the data before it held {self.kind}: none of "
                "its categories would be known. Convert one of them."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "edges": [_exact_text(edge) for edge in self.edges],
            "dtype": "longdouble" if self.edges.dtype == np.longdouble else self.edges.dtype.name,
            "categories": self.categories,
            "kind": self.kind,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Levels:
        """Restore what `to_dict` gave."""
        dtype = np.dtype(state.get("dtype", "float64"))  # states of earlier versions have float64
        edges = np.array([_from_exact_text(edge, dtype) for edge in state["edges"]], dtype=dtype)
        return cls(edges, state["categories"], state["kind"])


def _missing(values: Array) -> Array:
    """Tell which values of a column are missing."""
    return is_missing(values) if values.dtype.kind in "OT" else np.asarray(values != values)


def _texts(values: Array) -> list[str]:
    """Write categories down; dates look the same whatever their unit and type."""
    times = _as_times(values) if values.dtype.kind == "O" else values
    if times.dtype.kind == "M":
        return [str(np.datetime_as_string(value, unit="auto")) for value in times]
    if times.dtype.kind == "m":
        return [str(value) for value in times.astype("m8[us]").tolist()]
    return [_text(value) for value in values.tolist()]


def _text(value: Any) -> str:
    """Write a category down; a whole number looks the same among whole numbers and beside missing values."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _exact_text(number: Any) -> str:
    """Write a number of NumPy down with all its digits."""
    if isinstance(number, np.longdouble):
        return str(number)
    return float(number).hex() if isinstance(number, np.floating) else str(int(number))


def _from_exact_text(text: str, dtype: np.dtype[Any]) -> Any:
    """Read what `_exact_text` wrote."""
    if dtype == np.longdouble:
        return np.longdouble(text)
    return float.fromhex(text) if dtype.kind == "f" else int(text)


def category_codes(values: list[Any], name: str) -> Integers:
    """Give each distinct value a number; the missing ones share one, the last.

    The numbers follow the values as text, so that they do not depend on the order of the rows.
    """
    if {*map(type, values)} <= {str, NoneType}:
        return _ranks(values)
    try:
        distinct: list[Any] = [*set(values)]
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in values if value.__hash__ is None})
        raise TypeError(
            f"Column {name!r} holds values of type {', '.join(kinds)}; a category must be text, a number or another "
            "hashable value."
        ) from error
    order = np.lexsort((_ranks([type(value).__name__ for value in distinct]), _ranks([*map(str, distinct)])))
    missing = is_missing(distinct)
    numbers = np.empty(len(distinct), dtype=np.int64)
    numbers[order] = np.where(missing[order], np.sum(~missing), np.cumsum(~missing[order]) - 1)
    code = dict(zip(distinct, numbers.tolist(), strict=True))
    return np.fromiter(map(code.__getitem__, values), dtype=np.int64, count=len(values))


def _ranks(texts: list[str] | list[str | None]) -> Integers:
    """Give texts numbers in the order of their characters, from 0; equal ones share one, None has the last."""
    try:
        series = pl.Series(texts, dtype=pl.String)
    except UnicodeEncodeError:  # halves of characters
        series = pl.Series([text and text.encode("utf-8", "surrogatepass") for text in texts], dtype=pl.Binary)
    distinct = series.unique().drop_nulls().sort()  # only these are sorted: often they are few
    ranks = pl.DataFrame({"text": distinct, "rank": np.arange(len(distinct))})
    ranked = series.to_frame("text").join(ranks, on="text", how="left", maintain_order="left")
    return ranked["rank"].fill_null(len(distinct)).to_numpy()
