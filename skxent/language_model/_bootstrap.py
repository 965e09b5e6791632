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

from skxent._typing import Floats
from skxent.language_model._score import Score

__all__ = ["Units", "bootstrap", "interval", "two_sided_p_value"]


class Units:
    """Sums over the units of a corpus, added as the corpus streams by.

    Parameters
    ----------
    shape : tuple of int
        Shape of the sums of one unit, such as ``(n_models, n_amounts)``.
    max_units : int, default=8192
        When twice as many units have come, neighbours are joined in pairs.

    Attributes
    ----------
    sums : ndarray of shape (n_units, *shape)
        The sums of each unit.

    Examples
    --------
    >>> units = Units((2,), max_units=2)
    >>> units.add(np.array([[-8.0, 2], [-9.0, 3], [-4.0, 1], [-6.0, 2]]))
    >>> units.sums
    array([[-17.,   5.],
           [-10.,   3.]])
    """

    def __init__(self, shape: tuple[int, ...], *, max_units: int = 8192) -> None:
        self.sums: Floats = np.empty((0, *shape))
        self._max_units = max_units
        self._lines: Floats = self.sums
        self._lines_per_unit = 1

    def add(self, lines: Floats) -> None:
        """Add lines, an array of shape (n_lines, *shape), in the order of the text."""
        lines = np.concatenate([self._lines, lines])
        n_complete = len(lines) // self._lines_per_unit * self._lines_per_unit
        complete, self._lines = _add_neighbours(lines[:n_complete], self._lines_per_unit), lines[n_complete:]
        self.sums = np.concatenate([self.sums, complete])
        while len(self.sums) >= 2 * self._max_units:
            n_even = len(self.sums) // 2 * 2
            self.sums = np.concatenate([_add_neighbours(self.sums[:n_even], 2), self.sums[n_even:]])
            self._lines_per_unit *= 2

    def close(self) -> None:
        """Let the lines that do not fill a unit form one of their own."""
        if len(self._lines):
            self.sums = np.concatenate([self.sums, self._lines.sum(axis=0, keepdims=True)])
            self._lines = self._lines[:0]


def _add_neighbours(sums: Floats, n: int) -> Floats:
    return sums.reshape(-1, n, *sums.shape[1:]).sum(axis=1)


def bootstrap(sums: Floats, statistic: Callable[[Score], Floats], *, n_resamples: int = 2000, seed: int = 0) -> Floats:
    """Evaluate a statistic of scores on resampled units.

    Parameters
    ----------
    sums : ndarray of shape (n_units, ..., n_amounts)
        The sums of each unit, as :meth:`Score.matrix <skxent.language_model.Score.matrix>` gives them.
    statistic : callable
        Takes a :class:`~skxent.language_model.Score` whose attributes have shape (n_resamples, ...), and returns
        an array of shape (n_resamples,).
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
    flat = sums.reshape(n_units, -1)
    draws = (np.bincount(random.integers(n_units, size=n_units), minlength=n_units) for _ in range(n_resamples))
    resampled = np.array([times_drawn @ flat for times_drawn in draws])
    return statistic(Score.from_matrix(resampled.reshape(n_resamples, *sums.shape[1:])))


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
