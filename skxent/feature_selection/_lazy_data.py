"""Lazy data frames, of Dask and Polars: their columns are collected when they are looked at, a few at a time.

Every score of a feature looks at one column and the target. So what must fit in memory is one column, not the data; and
the scores are those of the same data in memory, since the same code computes them. Where Dask has a client, columns are
not collected but counted by its workers: see :mod:`skxent.feature_selection._worker_counts`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, NoReturn, Self

import narwhals as nw
import numpy as np
import polars as pl

from skxent._typing import Array, Integers
from skxent.feature_selection._containers import DataSet, FrameData

__all__ = ["LazyData", "header", "in_memory", "is_lazy", "selected"]

# Bytes of columns collected together: one by one, each would cost a round to a cluster or a search in a file.
_BYTES_TOGETHER = 64_000_000
# Bytes of a value, as an estimate: a float64 or a number in place of a word.
_BYTES_PER_VALUE = 8


def is_lazy(X: Any) -> bool:
    """Return whether something is an array or a frame of Dask, or a lazy frame of Polars."""
    if _is_dask(X):
        return hasattr(X, "chunks") or hasattr(X, "columns")
    return type(X).__name__ == "LazyFrame" and type(X).__module__.startswith("polars.")


def _is_dask(X: Any) -> bool:
    return hasattr(type(X), "__dask_graph__")


def header(X: Any) -> Any:
    """Return a table without rows and with the columns of X if that is lazy; else X."""
    if not is_lazy(X):
        return X
    return X._meta if _is_dask(X) else X.head(0).collect()


def selected(X: Any, keep: Array) -> Any:
    """Return some columns of lazy data, as lazy as they were."""
    if hasattr(X, "chunks"):
        return X[:, np.flatnonzero(keep)]
    names = np.array(header(X).columns, dtype=object)[keep].tolist()
    return X[names] if _is_dask(X) else X.select(names)


def in_memory(values: Any) -> Any:
    """Return labels or weights, brought here if they are a collection of Dask: they are one value a row."""
    return values.compute() if _is_dask(values) else values


class _Held:
    """The columns collected last, for threads that ask for their neighbours."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.first = 0
        self.columns: FrameData | None = None


@dataclass(frozen=True)
class LazyData(DataSet):
    """Columns of a lazy data frame.

    Parameters
    ----------
    data : dask.dataframe.DataFrame or polars.LazyFrame
        The frame. It must have the same rows in the same order whenever it is collected.
    names : list of str
        The columns' names.
    """

    _held: _Held = field(default_factory=_Held, repr=False, compare=False)

    @classmethod
    def of(cls, X: Any, min_rows: int) -> Self:
        """Wrap an array or a frame of Dask, or a lazy frame of Polars.

        Raises
        ------
        ValueError
            If it has too few rows, no columns, or is not two-dimensional.
        """
        if hasattr(X, "chunks"):
            import dask.dataframe as dd

            if X.ndim != 2:
                raise ValueError(f"Expected 2D array, got an array of {X.ndim} dimension(s) instead.")
            if not isinstance(X._meta, np.ndarray):
                raise TypeError(
                    f"X is a Dask array of {type(X._meta).__name__} chunks; counted are dense chunks, which "
                    "X.map_blocks(lambda part: part.toarray()) makes, or in a sparse matrix in memory."
                )
            X = dd.from_dask_array(X.rechunk({1: -1}), columns=[f"x{at}" for at in range(X.shape[1])])
        data = cls(X, [str(name) for name in header(X).columns])
        if data.n_rows < min_rows or not data.names:
            raise ValueError(
                f"Found a data frame of {data.n_rows} row(s) and {len(data.names)} column(s) where {min_rows} rows and "
                "one column are needed."
            )
        return data

    @cached_property
    def n_rows(self) -> int:  # counted once
        """Number of rows."""
        return len(self.data) if _is_dask(self.data) else int(self.data.select(pl.len()).collect().item())

    @property
    def on_workers(self) -> bool:
        """Whether the columns are on the workers of a client of Dask."""
        if not _is_dask(self.data):
            return False
        from skxent.rows._tasks import has_client  # it needs Dask

        return has_client()

    @property
    def declared_categorical(self) -> Array:
        dtypes = nw.from_native(header(self.data), eager_only=True).schema.values()
        return np.array([dtype in (nw.Categorical, nw.Enum) for dtype in dtypes], dtype=bool)

    def column(self, at: int) -> Array:
        with self._held.lock:
            held = self._held.columns
            if held is None or not self._held.first <= at < self._held.first + len(held.names):
                self._held.columns = None  # frees its memory for the new ones
                self._held.first, self._held.columns = at, self._collected(at)
            assert self._held.columns is not None
            return self._held.columns.column(at - self._held.first)

    def _collected(self, first: int) -> FrameData:
        size = max(1, _BYTES_TOGETHER // (_BYTES_PER_VALUE * self.n_rows))
        chosen = self.select([*range(first, min(first + size, len(self.names)))])
        frame = chosen.data.compute() if _is_dask(self.data) else chosen.data.collect()
        return FrameData(nw.from_native(frame, eager_only=True), chosen.names)

    def select(self, columns: list[int]) -> Self:
        keep = [header(self.data).columns[at] for at in columns]
        data = self.data[keep] if _is_dask(self.data) else self.data.select(keep)
        return type(self)(data, [self.names[at] for at in columns])

    def shuffle_columns(self, columns: list[int], order: Integers) -> NoReturn:
        raise TypeError("columns are shuffled in memory only: collect X first.")
