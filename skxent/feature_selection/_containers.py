"""Arrays, data frames and sparse matrices behind one interface: a data set as named columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import narwhals as nw
import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from skxent._labels import is_missing, refuse_complex
from skxent._typing import Array, Integers

__all__ = ["LARGEST_EXACT", "ArrayData", "DataSet", "FrameData", "SparseData", "read_data"]


# Integers up to this are float64 numbers.
LARGEST_EXACT = 2**53


@dataclass(frozen=True)
class DataSet(ABC):
    """The named columns of a container of any kind.

    Parameters
    ----------
    data : array, narwhals.DataFrame or CSC matrix of shape (n_rows, n_features)
        The container.
    names : list of str
        The columns' names; ``x0, x1, …`` where the container has none.
    """

    data: Any
    names: list[str]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.data.shape[0])

    @property
    def native(self) -> Any:
        """The data in the container that the user knows."""
        return self.data

    @property
    def declared_categorical(self) -> Array:
        """Which columns have a categorical dtype, of shape (n_features,)."""
        return np.zeros(len(self.names), dtype=bool)

    @abstractmethod
    def column(self, at: int) -> Array:
        """Return the values of a column as they are stored."""

    def levels(self, at: int) -> tuple[Array, Integers] | None:
        """Return the distinct values of a column and which of them each row has, where the container stores it so."""
        return None

    @abstractmethod
    def select(self, columns: list[int]) -> Self:
        """Return some of the columns, in the given order."""

    @abstractmethod
    def shuffle_columns(self, columns: list[int], order: Integers) -> Self:
        """Return a copy in which some columns have their values from other rows."""

    def positions(self, columns: Sequence[int | str] | int | str, where: str) -> list[int]:
        """Turn names or positions of columns into positions, each once.

        Raises
        ------
        ValueError
            If there is no such column; `where` begins the message.
        """
        given: list[int | str] = [columns] if isinstance(columns, str | int | np.integer) else [*columns]
        known: dict[int | str, int] = {at: at for at in range(len(self.names))}
        known.update({name: at for at, name in enumerate(self.names)})
        unknown = [column for column in given if column not in known]
        if unknown:
            raise ValueError(f"{where} has columns {unknown}, which X does not have.")
        return [*dict.fromkeys(known[column] for column in given)]


class ArrayData(DataSet):
    """Columns of a NumPy array."""

    def column(self, at: int) -> Array:
        return np.asarray(self.data[:, at])

    def select(self, columns: list[int]) -> Self:
        return type(self)(self.data[:, columns], [self.names[at] for at in columns])

    def shuffle_columns(self, columns: list[int], order: Integers) -> Self:
        result = self.data.copy()
        result[:, columns] = self.data[np.ix_(order, np.asarray(columns, dtype=np.intp))]
        return type(self)(result, self.names)


class FrameData(DataSet):
    """Columns of a data frame."""

    @property
    def native(self) -> Any:
        return self.data.to_native()

    @property
    def declared_categorical(self) -> Array:
        return np.array([dtype in (nw.Categorical, nw.Enum) for dtype in self.data.schema.values()], dtype=bool)

    def column(self, at: int) -> Array:
        series = self.data[:, at]
        wide = series.dtype in (nw.Int128, nw.UInt128)  # NumPy has no such numbers
        if wide or (series.dtype.is_integer() and series.null_count() and _is_large(series)):
            return np.array(series.to_list(), dtype=object)  # float64, which missing values lead to, would round them
        return np.asarray(series.to_numpy())

    def levels(self, at: int) -> tuple[Array, Integers] | None:
        series = self.data[:, at]
        if series.dtype not in (nw.Categorical, nw.Enum):
            return None
        native = series.to_native()
        if hasattr(native, "to_physical"):  # Polars
            levels = native.unique()
            codes, code_of_level = (part.to_physical().cast(int).fill_null(-1).to_numpy() for part in (native, levels))
            order = np.argsort(code_of_level)
            return np.array(levels.to_list(), dtype=object)[order], np.searchsorted(code_of_level[order], codes)
        if hasattr(native, "cat"):  # pandas
            place = native.cat.codes.to_numpy().astype(np.intp) + 1
            levels = np.array([None, *native.cat.categories], dtype=object)
            used = np.bincount(place, minlength=len(levels)) > 0
            return levels[used], (np.cumsum(used) - 1)[place]
        return None

    def select(self, columns: list[int]) -> Self:
        return type(self)(self.data[:, columns], [self.names[at] for at in columns])

    def shuffle_columns(self, columns: list[int], order: Integers) -> Self:
        return type(self)(self.data.with_columns(*(self.data[:, at][order] for at in columns)), self.names)


class SparseData(DataSet):
    """Columns of a CSC matrix without duplicate entries."""

    def column(self, at: int) -> Array:
        return np.asarray(self.data[:, [at]].toarray())[:, 0]

    def select(self, columns: list[int]) -> Self:
        return type(self)(self.data[:, columns], [self.names[at] for at in columns])

    def shuffle_columns(self, columns: list[int], order: Integers) -> Self:
        others = np.setdiff1d(np.arange(len(self.names)), columns)
        parts = sp.hstack([self.data[:, others], self.data[:, columns][order]], format="csc")
        return type(self)(parts[:, np.argsort(np.concatenate([others, columns]))], self.names)


def read_data(X: Any, min_rows: int = 1) -> DataSet:
    """Wrap a container of any kind.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_rows, n_features)
        None, NaN, NaT, pandas' NA and masked entries are missing values.
    min_rows : int, default=1
        How many rows are needed.

    Raises
    ------
    ValueError
        If X is not two-dimensional, has too few rows or is complex.
    TypeError
        If X is a data frame that is not computed yet.
    """
    refuse_complex(X=X)
    if sp.issparse(X):
        return _read_sparse(X, min_rows)
    frame = nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise TypeError("X is a lazy data frame, whose rows are not there yet: pass X.collect().")
    if isinstance(frame, nw.DataFrame):
        return _read_frame(frame, min_rows)
    X = _fill_masked(X) if isinstance(X, np.ma.MaskedArray) else X
    array = check_array(X, dtype=None, ensure_all_finite=False, ensure_min_samples=min_rows)
    if array.dtype.kind in "US" and not hasattr(X, "dtype"):  # NumPy turns the numbers of mixed rows into text
        array = check_array(X, dtype=object, ensure_all_finite=False, ensure_min_samples=min_rows)
    return ArrayData(array, _numbered(array.shape[1]))


def _read_sparse(X: Any, min_rows: int) -> SparseData:
    matrix = check_array(X, accept_sparse="csc", dtype=None, ensure_all_finite=False, ensure_min_samples=min_rows)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return SparseData(matrix, _numbered(matrix.shape[1]))


def _read_frame(frame: nw.DataFrame[Any], min_rows: int) -> FrameData:
    names = [str(name) for name in frame.columns]
    if len(frame) < min_rows or not names:
        raise ValueError(
            f"Found a data frame of {len(frame)} row(s) and {len(names)} column(s) where {min_rows} rows and "
            "one column are needed."
        )
    return FrameData(frame, names)


def _fill_masked(array: np.ma.MaskedArray[Any, Any]) -> Array:
    """Make masked entries missing values."""
    if array.dtype.kind == "f":
        return np.asarray(array.filled(np.nan))
    values = array.data.astype(object)
    values[np.ma.getmaskarray(array)] = None
    return values


def _is_large(series: nw.Series[Any]) -> bool:
    """Whether integers are beyond those that float64 holds exactly."""
    ends = np.array([series.min(), series.max()], dtype=object)
    return any(abs(int(end)) > LARGEST_EXACT for end in ends[~is_missing(ends)])


def _numbered(n_features: int) -> list[str]:
    return [f"x{at}" for at in range(n_features)]
