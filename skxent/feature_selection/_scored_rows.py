"""Columns of scores, one for each bin of a feature, and their products with a combination of some of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._target import Target

__all__ = ["Direction", "MemoryScores", "ScoreOf", "ScoredRows"]

# From the position of a feature and the weight in each of its bins and each class, to the score of each bin.
ScoreOf = Callable[[int, Floats], Floats]
# Factors of the columns that are combined, and what is taken off in the rows of each class.
Direction = tuple[Floats, Floats]


class ScoredRows(ABC):
    """Rows whose values have been replaced by the scores of their bins."""

    @abstractmethod
    def cosines(self, used: Sequence[int], directions: Sequence[Direction]) -> list[Floats]:
        """Return the mean products of all columns with combinations of some of them, weighted.

        Parameters
        ----------
        used : sequence of int
            The columns that are combined.
        directions : sequence of (ndarray of shape (n_used,), ndarray of shape (n_classes,))
            Factors of these columns, and what is taken off in the rows of each class.

        Returns
        -------
        list of ndarray of shape (n_features,)
            The means, of each direction.
        """


class MemoryScores(ScoredRows):
    """Scores in the memory of this process, in float32.

    Parameters
    ----------
    codes : iterable of (ndarray of int of shape (n_rows,), int)
        Bin of each row, and the number of bins, of each feature.
    n_features : int
        Number of features.
    target : Target
        The classes.
    score : callable
        Gives the scores.
    """

    def __init__(self, codes: Iterable[tuple[Integers, int]], n_features: int, target: Target, score: ScoreOf) -> None:
        self.label = target.codes
        weight = np.ones(len(self.label)) if target.weight is None else target.weight
        self.root = np.sqrt(weight / target.total)
        self.columns = np.empty((n_features, len(self.label)), dtype=np.float32)
        for at, (bins, n_bins) in enumerate(codes):
            self.columns[at] = self.root * score(at, counts_by_class(bins, n_bins, target))[bins]

    def cosines(self, used: Sequence[int], directions: Sequence[Direction]) -> list[Floats]:
        return [(self.columns @ self._combined(used, *direction)).astype(np.float64) for direction in directions]

    def _combined(self, used: Sequence[int], factors: Floats, offset: Floats) -> Array:
        combined: Array = factors.astype(np.float32) @ self.columns[used]
        combined -= (self.root * offset[self.label]).astype(np.float32)
        return combined


def counts_by_class(codes: Integers, n_bins: int, target: Target) -> Floats:
    """Return the weight of each bin and class."""
    cell = codes * target.n_classes + target.codes
    counts = np.bincount(cell, target.weight, minlength=n_bins * target.n_classes)
    return counts.reshape(n_bins, -1).astype(np.float64)
