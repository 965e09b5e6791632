"""Bootstrap over lines or files: how far a corpus figure would move on another sample of the same text.

A corpus figure is a ratio of sums (log-probability over events), so a resample needs no text: it draws units,
adds up their sums and takes the ratio again.  Units are lines or files; beyond ``max_units`` neighbours are
joined, so that memory stays constant and the dependence between neighbouring lines stays inside a unit.

References
----------
.. [1] B. Efron and R. J. Tibshirani (1993). *An Introduction to the Bootstrap*.
   :doi:`10.1201/9780429246593`
.. [2] P. Koehn (2004). "Statistical significance tests for machine translation evaluation". EMNLP.
   https://aclanthology.org/W04-3250
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Units:
    """Sums over the units of a corpus, added as the corpus streams by.

    Parameters
    ----------
    n_sums : int
        How many sums each unit has, e.g. 2 for log-probability and events.
    max_units : int, default=8192
        When twice as many units have come, neighbours are joined in pairs.

    Attributes
    ----------
    sums : ndarray of shape (n_units, n_sums)
        The sums of each unit.

    Examples
    --------
    >>> units = Units(2, max_units=2)
    >>> units.add(np.array([[-8.0, 2], [-9.0, 3], [-4.0, 1], [-6.0, 2]]))
    >>> units.sums
    array([[-17.,   5.],
           [-10.,   3.]])
    """

    def __init__(self, n_sums: int, *, max_units: int = 8192) -> None:
        self.sums: Floats = np.empty((0, n_sums))
        self._max_units = max_units
        self._lines: Floats = self.sums
        self._lines_per_unit = 1

    def add(self, lines: Floats) -> None:
        """Add lines, an array of shape (n_lines, n_sums), in the order of the text."""
        lines = np.concatenate([self._lines, lines])
        n_units, n_sums = len(lines) // self._lines_per_unit, lines.shape[1]
        n_complete = n_units * self._lines_per_unit
        complete = lines[:n_complete].reshape(n_units, self._lines_per_unit, n_sums).sum(axis=1)
        self.sums, self._lines = np.concatenate([self.sums, complete]), lines[n_complete:]
        while len(self.sums) >= 2 * self._max_units:
            n_pairs = len(self.sums) // 2
            pairs, odd = self.sums[: 2 * n_pairs], self.sums[2 * n_pairs :]
            self.sums = np.concatenate([pairs.reshape(n_pairs, 2, n_sums).sum(axis=1), odd])
            self._lines_per_unit *= 2

    def close(self) -> None:
        """Let the lines that do not fill a unit form one of their own."""
        if len(self._lines):
            self.sums = np.concatenate([self.sums, self._lines.sum(axis=0, keepdims=True)])
            self._lines = self._lines[:0]


def bootstrap(sums: Floats, statistic: Callable[[Floats], Floats], *, n_resamples: int = 2000, seed: int = 0) -> Floats:
    """Evaluate a statistic of sums on resampled units.

    Parameters
    ----------
    sums : ndarray of shape (n_units, n_sums)
        The sums of each unit.
    statistic : callable
        Takes sums of shape (n_resamples, n_sums), returns an array of shape (n_resamples,).
    n_resamples : int, default=2000
        How many resamples.
    seed : int, default=0
        The same seed gives the same resamples.

    Returns
    -------
    ndarray of shape (n_resamples,)
        The statistic of each resample.
    """
    random = np.random.default_rng(seed)
    n_units = len(sums)
    draws = (sums[random.integers(n_units, size=n_units)].sum(axis=0) for _ in range(n_resamples))
    return statistic(np.array(list(draws)))


def cross_entropy(sums: Floats) -> Floats:
    """Cross-entropy, from sums whose first column is the log-probability and the second the events."""
    return np.asarray((0.0 - sums[..., 0]) / sums[..., 1])


def cross_entropy_difference(sums: Floats) -> Floats:
    """Difference in cross-entropy, first model minus second, whose columns follow those of the first."""
    half = sums.shape[-1] // 2
    return cross_entropy(sums[..., :half]) - cross_entropy(sums[..., half:])


def interval(resampled: Floats, level: float) -> tuple[float, float]:
    """Percentile interval of the given level.

    Examples
    --------
    >>> interval(np.arange(101.0), 0.5)
    (25.0, 75.0)
    """
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def two_sided_p_value(differences: Floats) -> float:
    """Probability, under resampling, of a difference of the other sign; twice the smaller tail, at most 1.

    Examples
    --------
    >>> two_sided_p_value(np.array([0.1, 0.2, 0.3]))
    0.5
    """
    smaller_tail = min((differences <= 0).sum(), (differences >= 0).sum())
    return float(min(1.0, 2 * (1 + smaller_tail) / (1 + len(differences))))
