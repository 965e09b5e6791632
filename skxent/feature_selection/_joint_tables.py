"""Bins of all features for every row, and the counts of two features and the class that are made of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._target import Target

__all__ = ["JointTables", "MemoryTables", "joint_counts", "ranks_of_bins"]

# Bins of a feature in joint counts; the rarer categories of one that has more count as one.
MOST_BINS = 255
# Features given which the classes of all rows are kept.
_GIVEN_KEPT = 8


class JointTables(ABC):
    """Bins of all features for every row, from which the counts of two features and the class are made.

    Attributes
    ----------
    n_codes : ndarray of int of shape (n_features,)
        Number of bins of each feature.
    """

    n_codes: Integers

    @abstractmethod
    def codes(self, feature: int) -> Array:
        """Return the bin of each row, in uint8."""

    @abstractmethod
    def together(self, feature: int, given: int) -> slice:
        """Return the features, this one among them, that are counted together given another one."""

    @abstractmethod
    def counts(self, features: slice, given: int) -> Sequence[Floats]:
        """Return counts of shape (bins of `given`, bins of a feature, classes) of each; −1 stands for no feature."""


class MemoryTables(JointTables):
    """Bins in the memory of this process.

    Parameters
    ----------
    codes : list of ndarray of int
        Bin of each row, for each feature; those of features with more than 255 bins are put together.
    target : Target
        The classes.
    """

    def __init__(self, codes: list[Array], target: Target) -> None:
        self._codes, self.target = codes, target
        self.n_codes = np.array([int(code.max()) + 1 for code in codes])
        self._given: dict[int, Array] = {}

    def codes(self, feature: int) -> Array:
        return self._codes[feature]

    def together(self, feature: int, given: int) -> slice:
        return slice(feature, feature + 1)

    def counts(self, features: slice, given: int) -> list[Floats]:
        n_given = 1 if given < 0 else int(self.n_codes[given])
        base = self._class_given(given)
        return [
            joint_counts(
                self._codes[at], int(self.n_codes[at]), base, (n_given, self.target.n_classes), self.target.weight
            )
            for at in range(len(self._codes))[features]
        ]

    def _class_given(self, given: int) -> Array:
        """Bin of the feature `given` and class, as one number for each row."""
        if given not in self._given:
            if len(self._given) > _GIVEN_KEPT:
                self._given.clear()
            bins = 0 if given < 0 else self._codes[given].astype(np.intp) * self.target.n_classes
            self._given[given] = bins + self.target.codes
        return self._given[given]


def joint_counts(codes: Array, n_codes: int, base: Array, shape: tuple[int, int], weight: Floats | None) -> Floats:
    """Count bins of a feature within groups of rows.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows,)
        Bin of each row.
    n_codes : int
        Number of bins.
    base : ndarray of int of shape (n_rows,)
        Bin of another feature and class of each row, as one number.
    shape : tuple of int
        Number of bins of the other feature, and of classes.
    weight : ndarray of shape (n_rows,) or None
        How many times each row counts.

    Returns
    -------
    ndarray of shape (shape[0], n_codes, shape[1])
        The counts.
    """
    n_groups = shape[0] * shape[1]
    cell = codes.astype(np.intp) * n_groups
    cell += base
    counts = np.bincount(cell, weight, minlength=n_codes * n_groups).astype(np.float64)
    # Sums over them are rounded as they lie in memory, which must be the same wherever they were made.
    return np.ascontiguousarray(counts.reshape(-1, *shape).transpose(1, 0, 2))


def ranks_of_bins(n_rows: Integers) -> Array | None:
    """Return the number in uint8 that each bin gets where the rarest are put together; None where all keep theirs.

    Parameters
    ----------
    n_rows : ndarray of int of shape (n_bins,)
        Rows in each bin; the last has some.
    """
    if len(n_rows) <= MOST_BINS:
        return None
    rank = np.empty(len(n_rows), dtype=np.intp)
    rank[np.argsort(-n_rows, kind="stable")] = np.arange(len(n_rows))
    return np.minimum(rank, MOST_BINS - 1).astype(np.uint8)
