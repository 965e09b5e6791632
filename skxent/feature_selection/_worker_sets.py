"""Bins of the rows of a Dask frame, found and kept by its workers, for sets of features.

The workers keep one byte for each value, two where a feature has more than 255 bins. Joint counts of two features and
the class add up exactly, so that what is made of them has the bits of the same data in memory. What comes back in a
round are the tables of all features given one, or one sum for each feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import dask
import numpy as np

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._joint_tables import JointTables, joint_counts, ranks_of_bins
from skxent.feature_selection._scored_rows import Direction, ScoredRows, ScoreOf
from skxent.feature_selection._target import Target
from skxent.feature_selection._values import as_numbers
from skxent.feature_selection._worker_counts import SUMS_TOGETHER, WorkerColumns, data_of, distinct_of
from skxent.rows._tasks import compute, task, tree

__all__ = ["WorkerBins"]


class Binned(NamedTuple):
    """The rows of a partition.

    Attributes
    ----------
    codes : list of ndarray of uint of shape (n_rows,)
        Bin of each row, for each feature.
    label : ndarray of uint of shape (n_rows,)
        Class of each.
    weight : ndarray of float of shape (n_rows,) or None
        How many times each counts.
    """

    codes: list[Array]
    label: Integers
    weight: Floats | None


class Known(NamedTuple):
    """How the values of a column become bins.

    Attributes
    ----------
    name : str
        The column.
    limits : ndarray
        The largest value of each bin. Missing numbers have a bin behind the last.
    dtype : dtype or None
        That of the numbers which the values become; None for values of which all are listed.
    values : ndarray or None
        These values.
    codes : ndarray of int or None
        Their bins.
    """

    name: str
    limits: Array
    dtype: Any
    values: Array | None
    codes: Integers | None


class WorkerBins:
    """Bins of the rows in the partitions of a Dask frame.

    Parameters
    ----------
    columns : WorkerColumns
        The columns.
    edges : sequence of ndarray
        The largest value of each bin of each of them.
    target : Target
        The classes.
    categorical : ndarray of bool of shape (n_features,)
        Columns whose every value is a bin of its own.
    """

    def __init__(self, columns: WorkerColumns, edges: Sequence[Array], target: Target, categorical: Array) -> None:
        self.target, self.n_bins = target, [len(limits) + 1 for limits in edges]
        rows = columns.rows_of(target)
        known = dask.delayed(_known(columns, edges, rows, target, categorical), traverse=False)
        pairs = zip(columns.partitions, rows, strict=True)
        self.parts = list(dask.persist(*(task(_binned, known, part, *row) for part, row in pairs)))

    def joint_tables(self) -> WorkerTables:
        """Return what counts two features and the class."""
        (n_rows,) = compute([tree([task(_rows_of_bins, self.n_bins, part) for part in self.parts])])
        filled = [counts[: np.flatnonzero(counts)[-1] + 1] for counts in n_rows]
        ranks = [ranks_of_bins(counts) for counts in filled]
        n_codes = [
            len(counts) if rank is None else int(rank.max()) + 1 for counts, rank in zip(filled, ranks, strict=True)
        ]
        return WorkerTables([task(_in_bytes, ranks, part) for part in self.parts], np.array(n_codes), self.target)

    def scored_rows(self, score: ScoreOf) -> WorkerScores:
        """Replace every bin by its score."""
        tables = self._counts_by_class()
        scores = [score(at, counts) for at, counts in enumerate(tables)]
        return WorkerScores(self.parts, scores, self.target.total)

    def _counts_by_class(self) -> list[Floats]:
        terms = [task(_counts, slice(None), -1, self.n_bins, self.target.n_classes, part) for part in self.parts]
        return [counts[0] for counts in compute([tree(terms)])[0]]


class WorkerTables(JointTables):
    """Joint counts made by the workers.

    Parameters
    ----------
    parts : list of Delayed
        Rows of the partitions, with bins in uint8.
    n_codes : ndarray of int of shape (n_features,)
        Number of bins of each feature.
    target : Target
        The classes.
    """

    def __init__(self, parts: list[Any], n_codes: Integers, target: Target) -> None:
        self.parts, self.n_codes, self.n_classes = list(dask.persist(*parts)), n_codes, target.n_classes

    def codes(self, feature: int) -> Array:
        return np.concatenate(compute([task(_codes, feature, part) for part in self.parts]))

    def together(self, feature: int, given: int) -> slice:
        n_given = 1 if given < 0 else int(self.n_codes[given])
        size = max(1, SUMS_TOGETHER // (int(self.n_codes.max()) * n_given * self.n_classes))
        return slice(feature // size * size, feature // size * size + size)

    def counts(self, features: slice, given: int) -> list[Floats]:
        terms = [task(_counts, features, given, self.n_codes.tolist(), self.n_classes, part) for part in self.parts]
        found: list[Floats] = compute([tree(terms)])[0]
        return found


class WorkerScores(ScoredRows):
    """Scores of the rows on the workers, which keep their bins and the scores of these; sums are in float64.

    Parameters
    ----------
    parts : list of Delayed
        Rows of the partitions.
    scores : list of ndarray
        Score of each bin, for each feature.
    total : float
        Weight of all rows.
    """

    def __init__(self, parts: list[Any], scores: list[Floats], total: float) -> None:
        self.parts, self.total = parts, total
        (self.scores,) = dask.persist(dask.delayed(scores, traverse=False))

    def cosines(self, used: Sequence[int], directions: Sequence[Direction]) -> list[Floats]:
        terms = [task(_cosines, list(used), list(directions), self.total, self.scores, part) for part in self.parts]
        found: list[Floats] = compute([tree(terms)])[0]
        return found


def _known(
    columns: WorkerColumns, edges: Sequence[Array], rows: list[Any], target: Target, categorical: Array
) -> list[Known]:
    """Say how the values of each column become bins."""
    every = range(len(edges))
    dtypes = columns.dtypes_of(every, categorical)
    listed = [at for at in every if dtypes[at] is None]
    found = dict(zip(listed, columns.distinct(listed, rows, target.n_classes) if listed else [], strict=True))
    known = []
    for at, limits in enumerate(edges):
        values = found[at][0] if at in found else None
        codes = None if values is None else np.searchsorted(limits, as_numbers(values, columns.names[at])[0])
        known.append(Known(columns.names[at], limits, dtypes[at], values, codes))
    return known


# ------------------------------------------------------------------------------------------- what runs on the workers


def _binned(known: list[Known], frame: Any, label: Integers, weight: Floats | None) -> Binned:
    """Find the bins of the rows of a partition."""
    data = data_of(frame)
    codes = (_codes_of(data, at, column) for at, column in enumerate(known))
    small = [found.astype(np.min_scalar_type(len(column.limits))) for found, column in zip(codes, known, strict=True)]
    return Binned(small, label, weight)


def _codes_of(data: Any, at: int, column: Known) -> Integers:
    if column.values is None or column.codes is None:
        numbers = as_numbers(data.column(at), column.name)[0].astype(column.dtype, copy=False)
        return np.searchsorted(column.limits, numbers)
    values, place = data.levels(at) or distinct_of(data.column(at), column.name)
    # The known values come first, so that those that are equal get their places.
    both = distinct_of(np.concatenate([column.values, values]), column.name)[1]
    return column.codes[both[len(column.values) :]][place]


def _rows_of_bins(n_bins: list[int], part: Binned) -> list[Array]:
    return [np.bincount(codes, minlength=n) for codes, n in zip(part.codes, n_bins, strict=True)]


def _in_bytes(ranks: list[Array | None], part: Binned) -> Binned:
    """Put the rarest bins together where there are too many."""
    pairs = zip(part.codes, ranks, strict=True)
    return part._replace(codes=[codes.astype(np.uint8) if rank is None else rank[codes] for codes, rank in pairs])


def _codes(feature: int, part: Binned) -> Array:
    return part.codes[feature]


def _counts(features: slice, given: int, n_codes: list[int], n_classes: int, part: Binned) -> list[Floats]:
    """Count features given another and the class, of shape (bins of `given`, bins of a feature, classes) each."""
    n_given = 1 if given < 0 else n_codes[given]
    base = part.label.astype(np.intp) + (0 if given < 0 else part.codes[given].astype(np.intp) * n_classes)
    pairs = zip(part.codes[features], n_codes[features], strict=True)
    return [joint_counts(codes, n, base, (n_given, n_classes), part.weight) for codes, n in pairs]


def _cosines(
    used: list[int], directions: list[Direction], total: float, scores: list[Floats], part: Binned
) -> list[Floats]:
    """Add up the products of all columns with combinations of some; see :meth:`ScoredRows.cosines`."""
    share = np.ones(len(part.label)) if part.weight is None else part.weight
    found = []
    for factors, offset in directions:
        combined = -offset[part.label]
        for at, factor in zip(used, factors, strict=True):
            combined += (factor * scores[at])[part.codes[at]]
        combined *= share / total
        pairs = zip(part.codes, scores, strict=True)
        found.append(np.array([np.bincount(codes, combined, len(score)) @ score for codes, score in pairs]))
    return found
