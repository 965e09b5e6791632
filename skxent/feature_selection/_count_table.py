"""The table of counts n[bin, class], from which every score and p-value is read, and how it is filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress, pairwise
from typing import Self

import numpy as np

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._binning import RANKED_BINS, Cuts, add_up, edges_of_sorted, sort_present
from skxent.feature_selection._target import Target

__all__ = [
    "CountTable",
    "Entries",
    "FineCounts",
    "count_by_sorting",
    "count_by_value",
    "count_entries",
    "fine_bins",
    "spans_few",
    "starts_of_bins",
    "table_of_one",
]

# Cells that a table of all values from the least to the largest may have, for each row.
CELLS_PER_ROW = 4
# Cells for each that is filled beyond which a table is not written down.
SPARSE = 4
# Rows whose cells are written down at once, for which there is always memory.
ROWS_AT_ONCE = 1 << 13


@dataclass(frozen=True)
class FineCounts:
    """Counts in narrower bins, from which values are ranked.

    Parameters
    ----------
    bin, label, count, feature_of_bin
        As those of `CountTable`.
    missing : ndarray of bool of shape (n_bins,)
        Whether a bin is that of missing values.
    n_classes : int
        Number of classes, which may be narrower as well.
    merged : ndarray of int of shape (n_classes,) or None
        Which of the table's classes each class is part of; None if they are the same.
    """

    bin: Integers
    label: Integers
    count: Floats
    feature_of_bin: Integers
    missing: Array
    n_classes: int
    merged: Integers | None = None

    @classmethod
    def stack(cls, parts: Sequence[FineCounts], first_feature: Integers) -> FineCounts:
        """Put the features of several tables one after the other."""
        first_bin = np.cumsum([0, *(len(part.missing) for part in parts[:-1])])
        return cls(
            np.concatenate([part.bin + at for part, at in zip(parts, first_bin, strict=True)]),
            np.concatenate([part.label for part in parts]),
            np.concatenate([part.count for part in parts]),
            np.concatenate([part.feature_of_bin + at for part, at in zip(parts, first_feature, strict=True)]),
            np.concatenate([part.missing for part in parts]),
            parts[0].n_classes,
            parts[0].merged,
        )

    def take(self, features: Array) -> FineCounts:
        """Give some of the features, by a mask."""
        if features.all():
            return self
        bins = features[self.feature_of_bin]
        cells = bins[self.bin]
        return FineCounts(
            (np.cumsum(bins) - 1)[self.bin[cells]],
            self.label[cells],
            self.count[cells],
            (np.cumsum(features) - 1)[self.feature_of_bin[bins]],
            self.missing[bins],
            self.n_classes,
            self.merged,
        )

    def merge(self, opens: Array) -> tuple[Integers, Integers, Floats]:
        """Return the cells of wider bins; `opens` says which bins are the first of one."""
        if opens.all():
            return self.bin, self.label, self.count
        return sum_by_cell((np.cumsum(opens) - 1)[self.bin], self.label, self.count, self.n_classes)


def fine_bins(n_bins: int, ranked: int = RANKED_BINS) -> int:
    """Return the number of narrower bins, a multiple of the number of bins and at least `ranked`."""
    return n_bins * -(-ranked // n_bins)


def starts_of_bins(
    feature: Integers, mass: Floats, missing: Array, n_bins: int, ranked: int = RANKED_BINS
) -> tuple[Array, Array]:
    """Whether distinct values are the first of a bin, and of a narrower one; parameters as of `Cuts.of`."""
    cuts = Cuts.of(feature, mass, missing, fine_bins(n_bins, ranked))
    return cuts.starts(n_bins), cuts.starts(cuts.most)


@dataclass(frozen=True)
class CountTable:
    """Counts n[bin, class] of one or several features, as the list of the cells that are not empty.

    A feature with 60,000 categories against 1,000 classes fills at most one cell a row, so the list of cells
    never outgrows the data.

    Parameters
    ----------
    bin, label : ndarray of int of shape (n_cells,)
        Row and column of each cell, in ascending order; the bins of all features are numbered through.
    count : ndarray of float of shape (n_cells,)
        Total weight in each cell, above 0.
    feature_of_bin : ndarray of int of shape (n_bins,)
        Which feature each bin belongs to, ascending; every feature has at least one bin.
    class_totals : ndarray of float of shape (n_classes,)
        Total weight of each class, the same for every feature.
    edges : tuple of ndarray
        One array for each feature: the largest value of each bin, without the bin of missing values; empty where the
        table is one of several numbers of bins.
    ordered : tuple of bool
        Whether the bins of each feature follow the order of its values, rather than being categories.
    ordered_classes : bool
        Whether the classes are in an order, like those of a continuous target.
    fine : FineCounts or None
        Counts in narrower bins of the same features; None where there are none.
    """

    bin: Integers
    label: Integers
    count: Floats
    feature_of_bin: Integers
    class_totals: Floats
    edges: tuple[Array, ...]
    ordered: tuple[bool, ...] = ()
    ordered_classes: bool = False
    fine: FineCounts | None = None

    @property
    def n_features(self) -> int:
        """Number of features in the table."""
        return len(self.edges)

    @property
    def n_classes(self) -> int:
        """K, the number of classes."""
        return len(self.class_totals)

    @cached_property
    def total(self) -> float:
        """N, the total weight of the rows, added class after class as a bin's total is."""
        return float(np.cumsum(self.class_totals)[-1])

    @cached_property
    def bin_totals(self) -> Floats:
        """Total weight of each bin, of shape (n_bins,)."""
        return add_up(self.bin, self.count, len(self.feature_of_bin))

    @cached_property
    def bins_per_feature(self) -> Integers:
        """Number of filled bins, of shape (n_features,)."""
        return np.bincount(self.feature_of_bin, minlength=self.n_features)

    @cached_property
    def feature(self) -> Integers:
        """Feature of each cell, of shape (n_cells,)."""
        return self.feature_of_bin[self.bin]

    def sum_cells(self, values: Floats) -> Floats:
        """Sum of one value for each cell, by feature: shape (n_features,)."""
        return add_up(self.feature, values, self.n_features)

    def mean_rows(self, values: Floats) -> Floats:
        """Mean over the rows of one value for each cell, by feature: shape (n_features,)."""
        return self.sum_cells(self.count * values) / self.total

    def mean_rows_by_class(self, values: Floats) -> Floats:
        """Mean over the rows of each class of one value for each cell: shape (n_features, n_classes)."""
        shape = (self.n_features, self.n_classes)
        cell = self.feature * self.n_classes + self.label
        return add_up(cell, self.count * values, shape[0] * shape[1]).reshape(shape) / self.class_totals

    def merge_classes(self, class_of: Integers) -> Self:
        """Return the table of wider classes; `class_of` says to which each class belongs, in their order."""
        n_classes = int(class_of[-1]) + 1
        bins, label, count = sum_by_cell(self.bin, class_of[self.label], self.count, n_classes)
        totals = add_up(class_of, self.class_totals, n_classes)
        fine = self.fine and replace(self.fine, merged=class_of)
        return replace(self, bin=bins, label=label, count=count, class_totals=totals, fine=fine)

    def in_narrow_bins(self, features: Array) -> Self:
        """Return the table of the narrower bins of some features, by a mask."""
        assert self.fine is not None
        fine = self.fine.take(features)
        bins, label, count = fine.bin, fine.label, fine.count
        if fine.merged is not None:
            bins, label, count = sum_by_cell(bins, fine.merged[label], count, self.n_classes)
        ordered = tuple(compress(self.ordered, features))
        return replace(
            self,
            bin=bins,
            label=label,
            count=count,
            feature_of_bin=fine.feature_of_bin,
            edges=(np.empty(0),) * len(ordered),
            ordered=ordered,
            fine=None,
        )

    def take(self, features: Array) -> Self:
        """Return the table of some features, by a mask, without their narrower bins."""
        if features.all():
            return self
        bins = features[self.feature_of_bin]
        cells = bins[self.bin]
        return replace(
            self,
            bin=(np.cumsum(bins) - 1)[self.bin[cells]],
            label=self.label[cells],
            count=self.count[cells],
            feature_of_bin=(np.cumsum(features) - 1)[self.feature_of_bin[bins]],
            edges=tuple(compress(self.edges, features)),
            ordered=tuple(compress(self.ordered, features)),
            fine=None,
        )

    def with_wider_bins(self, opens: Array) -> tuple[Self, Integers]:
        """Return the table of wider bins, and which of its cells each cell is part of.

        `opens` says which bins are the first of one.
        """
        if opens.all():
            return self, np.arange(len(self.count))
        bins, label, place = distinct_cells((np.cumsum(opens) - 1)[self.bin], self.label, self.n_classes)
        count = add_up(place, self.count, len(bins))
        return replace(self, bin=bins, label=label, count=count, feature_of_bin=self.feature_of_bin[opens]), place

    @classmethod
    def stack(cls, tables: Sequence[Self]) -> Self:
        """Put the features of several tables into one."""
        first_bin = np.cumsum([0, *(len(table.feature_of_bin) for table in tables[:-1])])
        first_feature = np.cumsum([0, *(table.n_features for table in tables[:-1])])
        fine = [table.fine for table in tables if table.fine is not None]
        return cls(
            np.concatenate([table.bin + at for table, at in zip(tables, first_bin, strict=True)]),
            np.concatenate([table.label for table in tables]),
            np.concatenate([table.count for table in tables]),
            np.concatenate([table.feature_of_bin + at for table, at in zip(tables, first_feature, strict=True)]),
            tables[0].class_totals,
            tuple(edges for table in tables for edges in table.edges),
            tuple(ordered for table in tables for ordered in table.ordered),
            tables[0].ordered_classes,
            FineCounts.stack(fine, first_feature) if len(fine) == len(tables) else None,
        )


def count_by_sorting(values: Array, target: Target, n_bins: int) -> CountTable:
    """Count one ordered feature whose rows all weigh the same.

    No code is written for any row: sorted class by class, each count is the distance between two binary searches;
    these sorted parts are merged to find the edges. There are two copies of the column at a time.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Numbers, NaN where missing.
    target : Target
        The classes; without weights.
    n_bins : int
        The number of bins to aim for.
    """
    by_class = np.ascontiguousarray(values)[target.by_class]  # rows that lie apart are fetched in their order
    parts = np.split(by_class, target.first_of_class[1:])
    for of_class in parts:
        of_class.sort()
    ordered = sort_present(by_class, n_runs=len(parts))
    edges, limits = edges_of_sorted(ordered, n_bins), edges_of_sorted(ordered, fine_bins(n_bins))
    below = np.zeros((len(limits) + 2, target.n_classes), dtype=np.intp)
    below[-1] = target.rows_of_class
    for label, of_class in enumerate(parts):
        below[1:-1, label] = np.searchsorted(of_class, limits, side="right")
    return table_of_one(np.diff(below, axis=0), np.isin(limits, edges), edges, target)


def table_of_one(counts: Integers, closes: Array, edges: Array, target: Target) -> CountTable:
    """Make a table of one ordered feature.

    Parameters
    ----------
    counts : ndarray of int of shape (n_narrow_bins + 1, n_classes)
        Rows of each class in narrow bins, and, in the last row, those of missing values.
    closes : ndarray of bool of shape (n_narrow_bins,)
        Whether a bin of the table ends with a narrow one.
    edges : ndarray
        The largest value of each bin.
    target : Target
        The classes; without weights.
    """
    counts = counts[: len(closes) + counts[-1].any()]
    missing = np.arange(len(counts)) == len(closes)
    opens = np.concatenate([[True], closes, missing[-1:]])[: len(counts)] if len(closes) else missing
    return _table_of_one(counts, missing, opens, edges, True, target)


def _table_of_one(
    counts: Integers, missing: Array, opens: Array, edges: Array, ordered: bool, target: Target
) -> CountTable:
    """Make a table of one feature from its counts in narrow bins, of shape (bins, classes)."""
    bins, label = np.nonzero(counts)
    of_feature = np.zeros(len(counts), dtype=np.intp)
    fine = FineCounts(bins, label, counts[bins, label].astype(np.float64), of_feature, missing, target.n_classes)
    cells = fine.merge(opens)
    return CountTable(*cells, of_feature[opens], target.totals, (edges,), (ordered,), target.ordered, fine)


def spans_few(values: Array, target: Target) -> bool:
    """Whether whole numbers lie close enough together for all between the least and the largest to be counted."""
    if values.dtype.kind not in "biu":
        return False
    span = int(values.max()) - int(values.min()) + 1
    return span * target.n_classes <= CELLS_PER_ROW * len(values)


def count_by_value(values: Array, target: Target, n_bins: int, categorical: bool) -> CountTable:
    """Count one feature of whole numbers without sorting it, where all rows weigh the same.

    Parameters
    ----------
    values : ndarray of int or bool of shape (n_rows,)
        Numbers or codes that lie close together.
    target : Target
        The classes; without weights.
    n_bins : int
        The number of bins to aim for.
    categorical : bool
        Whether every value is a bin of its own.
    """
    least = values.min()
    counts = np.zeros((int(values.max()) - int(least) + 1, target.n_classes), dtype=np.int64)
    n_rows = max(ROWS_AT_ONCE, counts.size)
    for start in range(0, len(values), n_rows):
        cell = values[start : start + n_rows].astype(np.int64)
        cell -= least.astype(np.int64)
        cell *= target.n_classes
        cell += target.codes[start : start + n_rows]
        counts += np.bincount(cell, minlength=counts.size).reshape(counts.shape)
    filled = np.flatnonzero(counts.any(axis=1))
    counts = counts[filled]
    of_feature, missing = np.zeros(len(filled), dtype=np.intp), np.zeros(len(filled), dtype=bool)
    rows = counts.sum(axis=1).astype(np.float64)
    opens, narrow = (categorical | starts for starts in starts_of_bins(of_feature, rows, missing, n_bins))
    edges = least + filled[np.append(opens[1:], True)].astype(values.dtype)
    in_bins = np.add.reduceat(counts, np.flatnonzero(narrow))
    return _table_of_one(in_bins, missing[narrow], opens[narrow], edges, not categorical, target)


@dataclass(frozen=True)
class Entries:
    """Values with the class and the weight of their row; any number of features, in any order.

    Parameters
    ----------
    feature : ndarray of int of shape (n_entries,)
        Number of the feature, from 0; every feature has an entry.
    value : ndarray of shape (n_entries,)
        Numbers, NaN where missing.
    label : ndarray of int of shape (n_entries,)
        Code of the class.
    weight : ndarray of float of shape (n_entries,)
        How many rows the entry stands for.
    """

    feature: Integers
    value: Array
    label: Integers
    weight: Floats

    def take(self, index: Integers) -> Entries:
        """Give some of the entries."""
        return Entries(self.feature[index], self.value[index], self.label[index], self.weight[index])

    def in_order(self) -> Entries:
        """Sort by feature and value; NaN comes last, entries of no weight go."""
        entries = self if self.weight.all() else self.take(np.flatnonzero(self.weight))
        return entries.take(np.lexsort((entries.value, entries.feature)))


def count_entries(entries: Entries, target: Target, n_bins: int, categorical: Array) -> CountTable:
    """Count features of any kind.

    Parameters
    ----------
    entries : Entries
        The values.
    target : Target
        The classes.
    n_bins : int
        The number of bins to aim for.
    categorical : ndarray of bool of shape (n_features,)
        Features whose every value is a bin of its own.
    """
    entries = entries.in_order()
    missing = entries.value != entries.value
    same = (entries.value[1:] == entries.value[:-1]) | (missing[1:] & missing[:-1])
    new_value = np.concatenate([[True], ~same | (np.diff(entries.feature) != 0)])
    value = np.cumsum(new_value) - 1
    first = np.flatnonzero(new_value)
    feature = entries.feature[first]
    mass = add_up(value, entries.weight)
    opens, narrow = (categorical[feature] | starts for starts in starts_of_bins(feature, mass, missing[first], n_bins))
    bin_of_entry = (np.cumsum(narrow) - 1)[value]
    cells = sum_by_cell(bin_of_entry, entries.label, entries.weight, target.n_classes)
    fine = FineCounts(*cells, feature[narrow], missing[first[narrow]], target.n_classes)
    closes = np.concatenate([opens[1:], [True]]) & ~missing[first]
    largest = entries.value[first[closes]]
    ends = np.searchsorted(feature[closes], np.arange(len(categorical) + 1)).tolist()
    return CountTable(
        *fine.merge(opens[narrow]),
        feature[opens],
        target.totals,
        tuple(largest[start:end] for start, end in pairwise(ends)),
        tuple((~categorical).tolist()),
        target.ordered,
        fine,
    )


def sum_by_cell(row: Integers, column: Integers, weight: Floats, n_columns: int) -> tuple[Integers, Integers, Floats]:
    """Add the weights that fall into the same cell; the cells come out sorted by row and column.

    `row` ascends. Weights are added in the order in which they come.
    """
    cell = row * n_columns + column
    size = (int(row[-1]) + 1) * n_columns
    if size > SPARSE * len(cell):
        filled, cell = np.unique(cell, return_inverse=True)
        return *np.divmod(filled, n_columns), add_up(cell, weight)
    sums = add_up(cell, weight, size)
    filled = np.flatnonzero(sums)
    return *np.divmod(filled, n_columns), sums[filled]


def distinct_cells(row: Integers, column: Integers, n_columns: int) -> tuple[Integers, Integers, Integers]:
    """Return rows and columns of the cells that occur, sorted, and which of them each is; `row` ascends."""
    cell = row * n_columns + column
    size = (int(row[-1]) + 1) * n_columns
    if size > SPARSE * len(cell):
        occurs, place = np.unique(cell, return_inverse=True)
    else:
        filled = np.zeros(size, dtype=bool)
        filled[cell] = True
        occurs, place = np.flatnonzero(filled), (np.cumsum(filled) - 1)[cell]
    return *np.divmod(occurs, n_columns), place
