"""Counts of many ordered features of few rows, all at once: one by one, calls of NumPy would take most of the time."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from skxent._typing import Array, Integers
from skxent.feature_selection._count_table import CountTable, FineCounts, fine_bins
from skxent.feature_selection._target import Target

__all__ = ["count_together"]


def count_together(values: Array, target: Target, n_bins: int) -> CountTable:
    """Count ordered features whose rows all weigh the same; the table is that of `count_by_sorting`.

    Parameters
    ----------
    values : ndarray of shape (n_features, n_rows)
        Numbers, NaN where missing.
    target : Target
        The classes; without weights.
    n_bins : int
        The number of bins to aim for.
    """
    order = np.argsort(values, axis=1)
    rows = _SortedRows.of(np.take_along_axis(values, order, axis=1))
    closes_wide, closes = rows.closes(n_bins), rows.closes(fine_bins(n_bins))
    closes[rows.missing_last] = True
    end = np.flatnonzero(closes)
    feature = end // values.shape[1]
    missing = end % values.shape[1] >= rows.present[feature]
    cell = (np.cumsum(closes) - closes) * target.n_classes + target.codes[order].ravel()
    counts = np.bincount(cell)
    filled = np.flatnonzero(counts)
    bins, label = np.divmod(filled, target.n_classes)
    fine = FineCounts(bins, label, counts[filled].astype(np.float64), feature, missing, target.n_classes)
    opens = np.append(True, (closes_wide[end] | missing)[:-1])
    largest = np.flatnonzero(closes_wide)
    first = np.searchsorted(largest, np.arange(len(values) + 1) * values.shape[1]).tolist()
    edges = rows.values.ravel()[largest]
    return CountTable(
        *fine.merge(opens),
        feature[opens],
        target.totals,
        tuple(edges[start:stop] for start, stop in pairwise(first)),
        (True,) * len(values),
        target.ordered,
        fine,
    )


class _SortedRows(NamedTuple):
    """Rows of several features, each sorted.

    Attributes
    ----------
    values : ndarray of shape (n_features, n_rows)
        Ascending along each feature, NaN last.
    present : ndarray of int of shape (n_features,)
        How many are not missing.
    run : ndarray of int of shape (n_features * n_rows,)
        Numbers the distinct values of all features through.
    start : ndarray of int of shape (n_distinct + 1,)
        The first row of each distinct value, and the number of all rows.
    """

    values: Array
    present: Integers
    run: Integers
    start: Integers

    @classmethod
    def of(cls, values: Array) -> _SortedRows:
        """Find the distinct values."""
        missing = values != values
        new = np.ones(values.shape, dtype=bool)
        new[:, 1:] = (values[:, 1:] != values[:, :-1]) & ~missing[:, :-1]
        start = np.append(np.flatnonzero(new), values.size)
        return cls(values, values.shape[1] - missing.sum(axis=1), np.cumsum(new) - 1, start)

    @property
    def missing_last(self) -> Integers:
        """The last rows of the features that have missing values."""
        n_rows = self.values.shape[1]
        return np.flatnonzero(self.present < n_rows) * n_rows + n_rows - 1

    def closes(self, n_bins: int) -> Array:
        """Whether a row is the last of its bin, by the rule of :mod:`._binning`, of shape (n_features * n_rows,)."""
        some = np.flatnonzero(self.present)
        first, n = (some * self.values.shape[1])[:, None], self.present[some, None]
        bins = np.minimum(n_bins, n)
        multiple = np.minimum(np.arange(1, min(n_bins, self.values.shape[1]) + 1), bins)
        run = self.run[first - (-multiple * n // bins) - 1]
        left, right = self.start[run], self.start[run + 1]
        heavy = ((right - left) * bins > n) & (left > first)
        closes = np.zeros(self.values.size, dtype=bool)
        closes[right - 1] = True
        closes[left[heavy] - 1] = True
        return closes
