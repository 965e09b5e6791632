r"""Stepwise discriminant analysis: each feature is chosen for what it adds to all that are chosen, in a linear model.

Values are replaced by scores. In the model in which the scores of a class are normal, with the same covariances in each
class, what a feature f adds to a set S is half the logarithm of a ratio of variances,

.. math:: I(f; Y \mid S) = \frac12 \log \frac{t_{f \cdot S}}{w_{f \cdot S}},

that which a regression on S leaves of f, and what it leaves of f within the classes. The sum over the chosen features
is :math:`-\frac12 \log \Lambda` of the set, with Wilks' lambda; the p-value is that of M. S. Bartlett, "Further aspects
of the theory of multiple regression", Mathematical Proceedings of the Cambridge Philosophical Society 34 (1938),
doi:10.1017/S0305004100019897.

The scores of numbers are those of a normal distribution at the ranks of their bins. The scores of categories, among
which a missing one counts, are the ones that tell most of the classes (the first axis of a correspondence analysis),
and so is the score of missing numbers. As these are fitted, they are charged with the degrees of freedom they have.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincc

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._binning import add_up
from skxent.feature_selection._ranks import normal_scores
from skxent.feature_selection._sets import BinnedFeatures, ChosenFeatures
from skxent.feature_selection._target import Target

__all__ = ["choose_stepwise"]

# Share of its variance below which what is left of a feature is rounding, or adds too little to be told from it.
LEAST_LEFT = 1e-3
# Variance of scores, as a share of the largest square, that is only rounding.
ROUNDING = 1e-12


def choose_stepwise(binned: BinnedFeatures, k: int | None, alpha: float | None) -> ChosenFeatures:
    """Choose features by what they add to all that are chosen; see :class:`~skxent.feature_selection._sets.Chooser`."""
    target = binned.target
    columns, freedom = _score_columns(binned)
    overall, within = (_Residuals(columns, target, by_class) for by_class in (False, True))
    chosen: list[int] = []
    steps: list[tuple[float, float]] = []
    while len(chosen) < min(k or len(columns), len(columns)):
        left = overall.variances > LEAST_LEFT
        left[chosen] = False
        if not left.any():
            break
        ratio = np.maximum(overall.variances, LEAST_LEFT) / np.maximum(within.variances, LEAST_LEFT**2)
        gains = np.where(left, np.log(ratio) / 2 - freedom / (2 * target.total), -np.inf)
        best = int(np.argmax(gains))
        rows = target.total - 1 - len(chosen) - (1 + target.n_classes) / 2
        pvalue = min(_bartlett(float(ratio[best]), freedom[best], rows) * (len(columns) - len(chosen)), 1.0)
        if alpha is not None and pvalue > alpha:
            break
        for residuals in (overall, within):
            residuals.add(best, chosen)
        chosen.append(best)
        steps.append((float(gains[best]), pvalue))
    found = np.array(steps).reshape(-1, 2)
    return ChosenFeatures(np.array(chosen, dtype=np.int64), found[:, 0], found[:, 1])


def _bartlett(ratio: float, freedom: float, rows: float) -> float:
    """p-value of a ratio of variances, where so many rows are free."""
    return float(gammaincc(freedom / 2, max(rows, 0.0) * max(np.log(ratio), 0.0) / 2))


class _Residuals:
    """Variances that a regression on the chosen columns leaves of all columns, within the classes or overall.

    Parameters
    ----------
    columns : ndarray of float32 of shape (n_features, n_rows)
        Scores times the root of the row's share of the weight; mean 0 and variance 1.
    target : Target
        The classes.
    by_class : bool
        Whether the means of the classes are taken off.
    """

    def __init__(self, columns: Array, target: Target, by_class: bool) -> None:
        self.columns = columns
        self.root = _roots_of_shares(target)
        self.codes = target.codes
        self.means = np.zeros((len(columns), target.n_classes))
        self.variances = np.array([float(column @ column) for column in columns])
        if by_class:
            shares = target.totals / target.total
            self.means = np.array([add_up(self.codes, self.root * column, len(shares)) for column in columns]) / shares
            self.variances -= self.means**2 @ shares
        self.cosines = np.empty((0, len(columns)))
        self.basis = np.empty((0, 0))

    def add(self, new: int, chosen: list[int]) -> None:
        """Put a column behind those that are chosen."""
        own = np.append(-self.cosines[:, new] @ self.basis, 1.0) / np.sqrt(max(self.variances[new], LEAST_LEFT**2))
        used = [*chosen, new]
        direction = own.astype(np.float32) @ self.columns[used]
        direction -= (self.root * (own @ self.means[used])[self.codes]).astype(np.float32)
        cosines = (self.columns @ direction).astype(np.float64)
        self.variances = self.variances - cosines**2
        self.cosines = np.vstack([self.cosines, cosines])
        self.basis = np.vstack([np.pad(self.basis, ((0, 0), (0, 1))), own])


def _roots_of_shares(target: Target) -> Floats:
    """Root of each row's share of the weight."""
    weight = np.ones(len(target.codes)) if target.weight is None else target.weight
    return np.asarray(np.sqrt(weight / target.total))


def _score_columns(binned: BinnedFeatures) -> tuple[Array, Floats]:
    """Return the columns of scores, as `_Residuals` takes them, and the degrees of freedom of each feature."""
    target, root = binned.target, _roots_of_shares(binned.target)
    columns = np.empty((len(binned.edges), len(root)), dtype=np.float32)
    freedom = np.full(len(columns), target.n_classes - 1.0)
    for at, (edges, ordered) in enumerate(zip(binned.edges, binned.ordered, strict=True)):
        codes = np.searchsorted(edges, binned.features.values(at))
        counts = _counts(codes, len(edges) + 1, target)
        scores, fitted = _of_numbers(counts) if ordered else _of_categories(counts)
        freedom[at] *= max(fitted, 1)
        columns[at] = root * _standardized(scores, counts.sum(axis=1))[codes]
    return columns, freedom


def _counts(codes: Integers, n_bins: int, target: Target) -> Floats:
    """Return the weight of each bin and class."""
    cell = codes * target.n_classes + target.codes
    counts = np.bincount(cell, target.weight, minlength=n_bins * target.n_classes)
    return counts.reshape(n_bins, -1).astype(np.float64)


def _of_numbers(counts: Floats) -> tuple[Floats, int]:
    """Scores of bins in order and of the missing values, which are the last, and how many numbers are fitted."""
    rows = counts.sum(axis=1)
    present = rows[:-1]
    scores = normal_scores(np.cumsum(present) - present, present, max(float(present.sum()), 1.0))
    scores = np.append(scores - present @ scores / max(present.sum(), 1.0), 0.0)
    if rows[-1] == 0 or not present.any():
        return scores, 1
    missing = np.arange(len(rows)) == len(present)
    basis = np.stack([scores, missing - rows[-1] / rows.sum()])
    sums = basis @ counts
    between = (sums / counts.sum(axis=0)) @ sums.T
    values, axes = np.linalg.eig(np.linalg.pinv(basis * rows @ basis.T) @ between)
    return np.real(axes[:, np.argmax(np.real(values))]) @ basis, int(np.count_nonzero(present) > 1) + 1


def _of_categories(counts: Floats) -> tuple[Floats, int]:
    """Scores of categories that are most different between the classes, and how many of them are fitted."""
    rows, classes = counts.sum(axis=1), counts.sum(axis=0)
    expected = np.outer(rows, classes) / rows.sum()
    scale = np.sqrt(np.where(expected > 0, expected, 1.0))
    axes = np.linalg.svd((counts - expected) / scale, full_matrices=False)[0]
    return axes[:, 0] / np.sqrt(np.where(rows > 0, rows, 1.0)), int(np.count_nonzero(rows)) - 1


def _standardized(scores: Floats, rows: Floats) -> Array:
    """Scores of mean 0 and variance 1; a constant becomes 0."""
    centred = scores - rows @ scores / rows.sum()
    variance = rows @ centred**2 / rows.sum()
    return centred / np.sqrt(variance) if variance > ROUNDING * np.max(scores**2) else np.zeros_like(scores)
