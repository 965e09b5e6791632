"""Arrays, data frames and sparse matrices behind one interface: features that can be counted."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Self

import narwhals as nw
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_array

from skxent.feature_selection.binning import add_up
from skxent.feature_selection.count_table import CountTable, Entries, count_by_sorting, count_entries
from skxent.feature_selection.missing import missing_in
from skxent.feature_selection.target import MIN_ROWS, Target

COLUMNS_PER_BLOCK = 16
ENTRIES_PER_BLOCK = 1 << 18


@dataclass(frozen=True)
class Features(ABC):
    """The features of a data set, counted a block at a time.

    The blocks are the same however many threads work on them.

    Parameters
    ----------
    names : list of str
        The columns' names; ``x0, x1, …`` where the container has none.
    categorical : ndarray of bool of shape (n_features,)
        Features whose values have no order, though they may be numbers.
    n_rows : int
        Number of rows.
    """

    names: list[str]
    categorical: NDArray[np.bool_]
    n_rows: int

    @abstractmethod
    def blocks(self, n_classes: int) -> list[slice]:
        """Split the features into neighbours to be counted together."""

    @abstractmethod
    def count(self, block: slice, target: Target, n_bins: int) -> CountTable:
        """Count the features of a block against the classes."""

    @abstractmethod
    def followed_by(self, other: Self) -> Self:
        """Put the rows of another data set with the same features below."""


@dataclass(frozen=True)
class DenseFeatures(Features):
    """Features in the columns of an array or a data frame.

    Parameters
    ----------
    column : callable
        Gives the values of a column, by its position, as they are stored.
    """

    column: Callable[[int], NDArray[Any]]

    def blocks(self, n_classes: int) -> list[slice]:  # noqa: D102
        return [slice(at, at + COLUMNS_PER_BLOCK) for at in range(0, len(self.names), COLUMNS_PER_BLOCK)]

    def count(self, block: slice, target: Target, n_bins: int) -> CountTable:  # noqa: D102
        columns = range(len(self.names))[block]
        return CountTable.stack([self._count_column(column, target, n_bins) for column in columns])

    def _count_column(self, column: int, target: Target, n_bins: int) -> CountTable:
        values, categorical = as_numbers(self.column(column), self.names[column])
        categorical |= bool(self.categorical[column])
        if target.weight is None and not categorical:
            return count_by_sorting(values, target, n_bins)
        weight = np.ones(self.n_rows) if target.weight is None else target.weight
        entries = Entries(np.zeros(self.n_rows, dtype=np.intp), values, target.codes, weight)
        return count_entries(entries, target, n_bins, np.array([categorical]))

    def followed_by(self, other: Self) -> Self:  # noqa: D102
        def column(at: int) -> NDArray[Any]:
            return concatenated(self.column(at), other.column(at), self.names[at])

        categorical = self.categorical | other.categorical
        return type(self)(self.names, categorical, self.n_rows + other.n_rows, column)


@dataclass(frozen=True)
class SparseFeatures(Features):
    """Features in the columns of a sparse matrix; zeros that are not stored are counted, never written down.

    Parameters
    ----------
    matrix : CSC matrix or array of shape (n_rows, n_features)
        Without duplicate entries.
    """

    matrix: Any

    def blocks(self, n_classes: int) -> list[slice]:  # noqa: D102
        n_features = len(self.names)
        block_of = (self.matrix.indptr[:-1] + n_classes * np.arange(n_features)) // ENTRIES_PER_BLOCK
        starts = np.flatnonzero(np.diff(block_of, prepend=-1)).tolist()
        return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], n_features], strict=True)]

    def count(self, block: slice, target: Target, n_bins: int) -> CountTable:  # noqa: D102
        categorical = self.categorical[block]
        return count_entries(self._entries(block, target), target, n_bins, categorical)

    def _entries(self, block: slice, target: Target) -> Entries:
        """Give the stored values, and for each feature and class one zero for those that are not stored."""
        stored = self._stored(block, target)
        shape = (len(self.names[block]), target.n_classes)
        cell = stored.feature * target.n_classes + stored.label
        n_stored = np.bincount(cell, stored.weight > 0, minlength=shape[0] * shape[1]).reshape(shape)
        weight = target.totals - add_up(cell, stored.weight, shape[0] * shape[1]).reshape(shape)
        feature, label = np.nonzero(n_stored < target.rows_of_class)
        return Entries(
            np.concatenate([stored.feature, feature]),
            np.concatenate([stored.value, np.zeros(len(feature), dtype=stored.value.dtype)]),
            np.concatenate([stored.label, label]),
            np.concatenate([stored.weight, np.maximum(weight[feature, label], 0.0)]),
        )

    def _stored(self, block: slice, target: Target) -> Entries:
        indptr = self.matrix.indptr[block.start : block.stop + 1]
        span = slice(indptr[0], indptr[-1])
        feature = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        row, value = self.matrix.indices[span], self.matrix.data[span]
        if target.weight is None:
            return Entries(feature, value, target.codes[row], np.ones(len(row)))
        entries = Entries(feature, value, target.codes[row], target.weight[row])
        return entries.take(np.argsort(entries.weight))  # sums of fractions are the same in any order of rows

    def followed_by(self, other: Self) -> Self:  # noqa: D102
        matrix = sp.vstack([self.matrix, other.matrix], format="csc")
        return type(self)(self.names, self.categorical | other.categorical, matrix.shape[0], matrix)


def read_features(X: Any, categorical_features: Any = "from_dtype") -> Features:
    """Wrap a container of any kind.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_rows, n_features)
        None, NaN, NaT and pandas' NA are missing values.
    categorical_features : "from_dtype" or array-like of bool, int or str
        Which features are categorical beside those whose dtype says so.

    Raises
    ------
    ValueError
        If X is not two-dimensional, has too few rows, is complex, or if `categorical_features` does not fit
        it.
    """
    if sp.issparse(X):
        matrix = check_array(X, accept_sparse="csc", dtype=None, ensure_all_finite=False, ensure_min_samples=MIN_ROWS)
        return _read_sparse(matrix, categorical_features)
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        return _read_frame(frame, categorical_features)
    array = check_array(X, dtype=None, ensure_all_finite=False, ensure_min_samples=MIN_ROWS)
    if array.dtype.kind in "US" and not hasattr(X, "dtype"):  # NumPy turns the numbers of mixed rows into text
        array = check_array(X, dtype=object, ensure_all_finite=False, ensure_min_samples=MIN_ROWS)
    names = _numbered(array.shape[1])
    return DenseFeatures(names, _declared(categorical_features, names), len(array), lambda at: array[:, at])


def _read_sparse(matrix: Any, categorical_features: Any) -> Features:
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    names = _numbered(matrix.shape[1])
    return SparseFeatures(names, _declared(categorical_features, names), matrix.shape[0], matrix)


def _read_frame(frame: nw.DataFrame[Any], categorical_features: Any) -> Features:
    names = [str(name) for name in frame.columns]
    if len(frame) < MIN_ROWS or not names:
        raise ValueError(
            f"Found a data frame of {len(frame)} row(s) and {len(names)} column(s) where {MIN_ROWS} rows and "
            "one column are needed."
        )
    from_dtype = np.array([dtype in (nw.Categorical, nw.Enum) for dtype in frame.schema.values()])
    declared = _declared(categorical_features, names)
    return DenseFeatures(names, declared | from_dtype, len(frame), lambda at: frame[:, at].to_numpy())


def _numbered(n_features: int) -> list[str]:
    return [f"x{at}" for at in range(n_features)]


def _declared(categorical_features: Any, names: list[str]) -> NDArray[np.bool_]:
    """Turn the parameter `categorical_features` into a mask."""
    mask = np.zeros(len(names), dtype=bool)
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        return mask
    given = np.asarray(categorical_features)
    if given.dtype.kind == "b" and given.shape != mask.shape:
        raise ValueError(f"categorical_features is a mask of shape {given.shape} for {len(names)} features.")
    if given.dtype.kind in "UO":
        unknown = [name for name in given.tolist() if name not in names]
        if unknown:
            raise ValueError(f"categorical_features names columns that X does not have: {unknown}.")
        given = np.array([names.index(name) for name in given.tolist()], dtype=np.intp)
    if given.size == 0:
        return mask
    if given.ndim != 1 or given.dtype.kind not in "bui":
        raise ValueError(
            "categorical_features must be 'from_dtype', a mask, or a list of positions or names; "
            f"got {categorical_features!r}."
        )
    outside = [] if given.dtype.kind == "b" else given[(given < -len(names)) | (given >= len(names))].tolist()
    if outside:
        raise ValueError(f"categorical_features has positions {outside}, but X has {len(names)} features.")
    mask[given] = True
    return mask


def holds_text(values: NDArray[Any]) -> bool:
    """Whether a column has a string among its values."""
    kind = values.dtype.kind
    return kind in "UST" or (kind == "O" and any(isinstance(value, str | bytes) for value in values))


def concatenated(above: NDArray[Any], below: NDArray[Any], name: str) -> NDArray[Any]:
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
    elif _kind(above) != _kind(below):
        raise ValueError(f"Column {name!r} holds {_kind(above)} in one data set, {_kind(below)} in the other.")
    return np.concatenate([above, below])


def _is_empty(values: NDArray[Any]) -> bool:
    """Whether all values of a column are missing."""
    missing = missing_in(values) if values.dtype.kind in "OT" else values != values
    return bool(np.all(missing))


def _missing_like(values: NDArray[Any], n_rows: int) -> NDArray[Any]:
    return np.full(n_rows, "NaT", values.dtype) if values.dtype.kind in "mM" else np.full(n_rows, None)


def _kind(values: NDArray[Any]) -> str:
    """Say what a column holds."""
    of_dtype = {"M": "dates", "m": "durations"}
    return "text" if holds_text(values) else of_dtype.get(values.dtype.kind, "numbers")


def as_numbers(values: NDArray[Any], name: str) -> tuple[NDArray[Any], bool]:
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
    if not holds_text(values):
        try:
            return np.where(missing_in(values), np.nan, values).astype(np.float64), False
        except (TypeError, ValueError):
            pass  # objects that are not numbers: categories
    return category_codes(values.tolist(), name), True


def category_codes(values: list[Hashable], name: str) -> NDArray[np.intp]:
    """Give each distinct value a number; the missing ones share one, the last.

    The numbers follow the values as text, so that they do not depend on the order of the rows.
    """
    try:
        distinct = [*set(values)]
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in values if value.__hash__ is None})
        raise TypeError(
            f"Column {name!r} holds values of type {', '.join(kinds)}; a category given as argument must be "
            "a string, a number or another hashable value."
        ) from error
    distinct.sort(key=lambda value: (str(value), type(value).__name__))
    missing = missing_in(distinct)
    numbers = np.where(missing, np.sum(~missing), np.cumsum(~missing) - 1)
    code = dict(zip(distinct, numbers, strict=True))
    return np.fromiter(map(code.__getitem__, values), dtype=np.intp, count=len(values))
