"""The features of a data set, counted against the classes a block at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from skxent._typing import Array, Integers
from skxent.feature_selection._binning import MAX_BINS, RANKED_BINS, add_up
from skxent.feature_selection._containers import DataSet, SparseData, read_data
from skxent.feature_selection._count_table import (
    CountTable,
    Entries,
    count_by_sorting,
    count_by_value,
    count_entries,
    spans_few,
)
from skxent.feature_selection._few_rows import count_together
from skxent.feature_selection._joint_tables import JointTables, MemoryTables, ranks_of_bins
from skxent.feature_selection._lazy_data import LazyData, is_lazy
from skxent.feature_selection._scored_rows import MemoryScores, ScoredRows, ScoreOf
from skxent.feature_selection._target import MIN_ROWS, Target
from skxent.feature_selection._values import as_numbers, stack_columns

__all__ = ["Features", "features_of", "read_features"]

# Columns that are counted by one task of a thread, and at most where the rows are few.
COLUMNS_PER_BLOCK, MAX_COLUMNS = 16, 256
# Rows up to which columns are counted together, which then takes less time than a call for each.
FEW_ROWS = 1 << 11
# Values, stored ones of a sparse matrix, and cells of its tables, that are counted by one task of a thread.
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
    categorical: Array
    n_rows: int

    @abstractmethod
    def blocks(self, n_classes: int) -> list[slice]:
        """Return the blocks: ranges of neighbouring features."""

    @abstractmethod
    def count(self, block: slice, target: Target, n_bins: int) -> CountTable:
        """Count the features of a block against the classes."""

    def tables(self, block: slice, target: Target, n_bins: int) -> list[CountTable]:
        """Count the features of a block, in tables that are read one by one."""
        return [self.count(block, target, n_bins)]

    @abstractmethod
    def values(self, at: int) -> Array:
        """Return the values of a feature as numbers or codes, NaN where missing, of shape (n_rows,)."""

    def joint_tables(self, edges: Sequence[Array], target: Target) -> JointTables:
        """Find the bin of every value, for counts of two features and the class."""
        return MemoryTables([_bytes(bins) for bins, _ in self._bins(edges)], target)

    def scored_rows(self, edges: Sequence[Array], target: Target, score: ScoreOf) -> ScoredRows:
        """Replace every value by the score of its bin."""
        return MemoryScores(self._bins(edges), len(edges), target, score)

    def _bins(self, edges: Sequence[Array]) -> Iterator[tuple[Integers, int]]:
        """Yield the bin of each row, and the number of bins, of each feature."""
        for at, limits in enumerate(edges):
            yield np.searchsorted(limits, self.values(at)), len(limits) + 1

    @abstractmethod
    def followed_by(self, other: Self) -> Self:
        """Return the features with the rows of another data set below those of this one."""


@dataclass(frozen=True)
class DenseFeatures(Features):
    """Features in the columns of an array or a data frame.

    Parameters
    ----------
    column : callable
        Gives the values of a column, by its position, as they are stored.
    levels : callable
        Gives the distinct values of a column and which of them each row has, or None.
    """

    column: Callable[[int], Array]
    levels: Callable[[int], tuple[Array, Integers] | None] = lambda at: None

    def blocks(self, n_classes: int) -> list[slice]:
        size = self._columns_per_block(n_classes)
        return [slice(at, at + size) for at in range(0, len(self.names), size)]

    def _columns_per_block(self, n_classes: int) -> int:
        """Return how many columns one table has: where rows and cells are few, more."""
        largest = max(self.n_rows, RANKED_BINS * n_classes)
        return int(np.clip(ENTRIES_PER_BLOCK // largest, COLUMNS_PER_BLOCK, MAX_COLUMNS))

    def count(self, block: slice, target: Target, n_bins: int) -> CountTable:
        columns = (self._numbers(at) for at in range(len(self.names))[block])
        count = self._count_few_rows if self.n_rows <= FEW_ROWS and target.weight is None else self._count_one_by_one
        return CountTable.stack(count(columns, target, n_bins))

    def values(self, at: int) -> Array:
        return self._numbers(at)[0]

    def _numbers(self, at: int) -> tuple[Array, bool]:
        """Return a column as `as_numbers` does, and whether it is categorical.

        If it has levels, they are converted, which are fewer than the rows.
        """
        coded, declared = self.levels(at), bool(self.categorical[at])
        if coded is None:
            numbers, without_order = as_numbers(self.column(at), self.names[at])
            return numbers, without_order | declared
        numbers, without_order = as_numbers(coded[0], self.names[at])
        return numbers[coded[1]], without_order | declared

    def _count_few_rows(self, columns: Iterable[tuple[Array, bool]], target: Target, n_bins: int) -> list[CountTable]:
        """Count neighbouring ordered columns of one dtype together."""
        tables = []
        for (_, categorical), group in groupby(columns, lambda column: (column[0].dtype, column[1])):
            if categorical:
                tables += self._count_one_by_one(group, target, n_bins)
            else:
                tables.append(count_together(np.stack([values for values, _ in group]), target, n_bins))
        return tables

    def _count_one_by_one(self, columns: Iterable[tuple[Array, bool]], target: Target, n_bins: int) -> list[CountTable]:
        return [self._count_column(values, categorical, target, n_bins) for values, categorical in columns]

    def _count_column(self, values: Array, categorical: bool, target: Target, n_bins: int) -> CountTable:
        if target.weight is None and spans_few(values, target):
            return count_by_value(values, target, n_bins, categorical)
        if target.weight is None and not categorical:
            return count_by_sorting(values, target, n_bins)
        weight = np.ones(self.n_rows) if target.weight is None else target.weight
        entries = Entries(np.zeros(self.n_rows, dtype=np.intp), values, target.codes, weight)
        return count_entries(entries, target, n_bins, np.array([categorical]))

    def followed_by(self, other: Self) -> Self:
        def column(at: int) -> Array:
            return stack_columns(self.column(at), other.column(at), self.names[at])

        categorical = self.categorical | other.categorical
        return type(self)(self.names, categorical, self.n_rows + other.n_rows, column)


@dataclass(frozen=True)
class WorkerFeatures(DenseFeatures):
    """Features in the columns of a Dask frame, counted by the workers.

    Parameters
    ----------
    workers : WorkerColumns or None
        The columns on the workers; None after rows that are elsewhere have followed.
    """

    workers: Any = None

    def blocks(self, n_classes: int) -> list[slice]:
        if self.workers is None:
            return super().blocks(n_classes)
        of_table = self._columns_per_block(n_classes)
        size = max(1, self.workers.together(MAX_BINS, n_classes) // of_table) * of_table
        return [slice(at, at + size) for at in range(0, len(self.names), size)]

    def tables(self, block: slice, target: Target, n_bins: int) -> list[CountTable]:
        """Count the features of a block together; the tables are those in memory, as is what is read from them."""
        if self.workers is None:
            return super().tables(block, target, n_bins)
        found = self.workers.count(range(len(self.names))[block], target, n_bins, self.categorical)
        of_table = self._columns_per_block(target.n_classes)
        return [CountTable.stack(found[at : at + of_table]) for at in range(0, len(found), of_table)]

    def joint_tables(self, edges: Sequence[Array], target: Target) -> JointTables:
        if self.workers is None:
            return super().joint_tables(edges, target)
        tables: JointTables = self._worker_bins(edges, target).joint_tables()
        return tables

    def scored_rows(self, edges: Sequence[Array], target: Target, score: ScoreOf) -> ScoredRows:
        if self.workers is None:
            return super().scored_rows(edges, target, score)
        rows: ScoredRows = self._worker_bins(edges, target).scored_rows(score)
        return rows

    def _worker_bins(self, edges: Sequence[Array], target: Target) -> Any:
        from skxent.feature_selection._worker_sets import WorkerBins  # it needs Dask

        return WorkerBins(self.workers, edges, target, self.categorical)

    def followed_by(self, other: Self) -> Self:
        below, parts = super().followed_by(other), (self.workers, getattr(other, "workers", None))
        return below if None in parts else replace(below, workers=parts[0].followed_by(parts[1]))


@dataclass(frozen=True)
class SparseFeatures(Features):
    """Features in the columns of a sparse matrix; zeros that are not stored are counted but not made.

    Parameters
    ----------
    matrix : CSC matrix or array of shape (n_rows, n_features)
        Without duplicate entries.
    """

    matrix: Any

    def blocks(self, n_classes: int) -> list[slice]:
        n_features = len(self.names)
        block_of = (self.matrix.indptr[:-1] + n_classes * np.arange(n_features)) // ENTRIES_PER_BLOCK
        starts = np.flatnonzero(np.diff(block_of, prepend=-1)).tolist()
        return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], n_features], strict=True)]

    def count(self, block: slice, target: Target, n_bins: int) -> CountTable:
        categorical = self.categorical[block]
        return count_entries(self._entries(block, target), target, n_bins, categorical)

    def values(self, at: int) -> Array:
        return np.asarray(self.matrix[:, [at]].toarray())[:, 0]

    def _entries(self, block: slice, target: Target) -> Entries:
        """Return the stored values, and for each feature and class one 0 with the weight of all that are not stored."""
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
        return Entries(feature, value, target.codes[row], target.weight[row])

    def followed_by(self, other: Self) -> Self:
        matrix = sp.vstack([self.matrix, other.matrix], format="csc")
        return type(self)(self.names, self.categorical | other.categorical, matrix.shape[0], matrix)


def _bytes(codes: Integers) -> Array:
    """Make numbers of bins fit in a byte: the rarest categories count as one."""
    ranks = ranks_of_bins(np.bincount(codes))
    return codes.astype(np.uint8) if ranks is None else ranks[codes]


def read_features(X: Any, categorical_features: Any = "from_dtype") -> Features:
    """Read a container of any kind.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_rows, n_features)
        None, NaN, NaT, pandas' NA and masked entries are missing values. Of lazy frames a few columns are in memory
        at a time.
    categorical_features : "from_dtype" or array-like of bool, int or str
        Which features are categorical beside those whose dtype says so.

    Raises
    ------
    ValueError, TypeError
        As :func:`read_data`, or if `categorical_features` does not fit X.
    """
    data = LazyData.of(X, MIN_ROWS) if is_lazy(X) else read_data(X, MIN_ROWS)
    return features_of(data, categorical_features)


def features_of(data: DataSet, categorical_features: Any = "from_dtype") -> Features:
    """Return the features of a data set that has been read."""
    categorical = _declared(categorical_features, data.names) | data.declared_categorical
    if isinstance(data, SparseData):
        return SparseFeatures(data.names, categorical, data.n_rows, data.data)
    if isinstance(data, LazyData) and data.on_workers:
        from skxent.feature_selection._worker_counts import WorkerColumns  # it needs Dask

        workers = WorkerColumns.of(data.data)
        return WorkerFeatures(data.names, categorical, data.n_rows, data.column, workers=workers)
    return DenseFeatures(data.names, categorical, data.n_rows, data.column, data.levels)


def _declared(categorical_features: Any, names: list[str]) -> Array:
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
