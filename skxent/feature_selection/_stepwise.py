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

from skxent._typing import Floats
from skxent.feature_selection._ranks import normal_scores
from skxent.feature_selection._scored_rows import Direction
from skxent.feature_selection._sets import BinnedFeatures, ChosenFeatures
from skxent.feature_selection._target import Target

__all__ = ["choose_stepwise"]

# Share of its variance below which what is left of a feature is rounding, or adds too little to be told from it.
LEAST_LEFT = 1e-3
# Variance of scores, as a share of the largest square, that is only rounding.
ROUNDING = 1e-12
# Difference of gains, in nats, that may be the rounding of sums in float32: of such features the first is taken.
TIE = 1e-6


def choose_stepwise(binned: BinnedFeatures, k: int | None, alpha: float | None) -> ChosenFeatures:
    """Choose features by what they add to all that are chosen; see :class:`~skxent.feature_selection._sets.Chooser`."""
    target, scores = binned.target, _Scores(binned)
    rows = binned.features.scored_rows(binned.edges, target, scores)
    n_features, freedom = len(binned.edges), scores.freedom
    overall, within = _Residuals(scores, target, by_class=False), _Residuals(scores, target, by_class=True)
    chosen: list[int] = []
    steps: list[tuple[float, float]] = []
    while len(chosen) < min(k or n_features, n_features):
        left = overall.variances > LEAST_LEFT
        left[chosen] = False
        if not left.any():
            break
        ratio = np.maximum(overall.variances, LEAST_LEFT) / np.maximum(within.variances, LEAST_LEFT**2)
        gains = np.where(left, np.log(ratio) / 2 - freedom / (2 * target.total), -np.inf)
        best = int(np.argmax(gains > gains.max() - TIE))
        n_rows = target.total - 1 - len(chosen) - (1 + target.n_classes) / 2
        pvalue = min(_bartlett(float(ratio[best]), freedom[best], n_rows) * (n_features - len(chosen)), 1.0)
        if alpha is not None and pvalue > alpha:
            break
        chosen.append(best)
        steps.append((float(gains[best]), pvalue))
        directions = [residuals.direction(chosen) for residuals in (overall, within)]
        for residuals, cosines in zip((overall, within), rows.cosines(chosen, directions), strict=True):
            residuals.put_behind(cosines)
    found = np.array(steps).reshape(-1, 2)
    return ChosenFeatures(np.array(chosen, dtype=np.int64), found[:, 0], found[:, 1])


def _bartlett(ratio: float, freedom: float, rows: float) -> float:
    """p-value of a ratio of variances, where so many rows are free."""
    return float(gammaincc(freedom / 2, max(rows, 0.0) * max(np.log(ratio), 0.0) / 2))


class _Scores:
    """The scores of the bins of each feature, and what their counts alone tell.

    Parameters
    ----------
    binned : BinnedFeatures
        The features.

    Attributes
    ----------
    freedom : ndarray of shape (n_features,)
        Degrees of freedom of each feature.
    variances : ndarray of shape (n_features,)
        Variance of the scores: 1, or 0 of a constant.
    means : ndarray of shape (n_features, n_classes)
        Mean of the scores of the rows of each class.
    """

    def __init__(self, binned: BinnedFeatures) -> None:
        n_features, self.ordered = len(binned.edges), binned.ordered
        self.freedom = np.full(n_features, binned.target.n_classes - 1.0)
        self.variances = np.zeros(n_features)
        self.means = np.zeros((n_features, binned.target.n_classes))

    def __call__(self, at: int, counts: Floats) -> Floats:
        """Return the score of each bin of a feature, from the weight in each bin and class."""
        scores, fitted = _of_numbers(counts) if self.ordered[at] else _of_categories(counts)
        scores = _standardized(scores, counts.sum(axis=1))
        self.freedom[at] *= max(fitted, 1)
        self.variances[at] = counts.sum(axis=1) @ scores**2 / counts.sum()
        self.means[at] = scores @ counts / counts.sum(axis=0)
        return scores


class _Residuals:
    """Variances that a regression on the chosen columns leaves of all columns, within the classes or overall.

    Parameters
    ----------
    scores : _Scores
        What is known of the columns, which have mean 0 and variance 1.
    target : Target
        The classes.
    by_class : bool
        Whether the means of the classes are taken off.
    """

    def __init__(self, scores: _Scores, target: Target, by_class: bool) -> None:
        self.means = scores.means if by_class else np.zeros_like(scores.means)
        self.variances = scores.variances - self.means**2 @ (target.totals / target.total)
        self.cosines = np.empty((0, len(self.variances)))
        self.basis = np.empty((0, 0))

    def direction(self, chosen: list[int]) -> Direction:
        """Return what the last of the chosen columns adds to the others, as a combination of them all."""
        new = chosen[-1]
        own = np.append(-self.cosines[:, new] @ self.basis, 1.0) / np.sqrt(max(self.variances[new], LEAST_LEFT**2))
        self.basis = np.vstack([np.pad(self.basis, ((0, 0), (0, 1))), own])
        return own, own @ self.means[chosen]

    def put_behind(self, cosines: Floats) -> None:
        """Take what lies in the last direction off all columns, whose products with it are given."""
        self.variances = self.variances - cosines**2
        self.cosines = np.vstack([self.cosines, cosines])


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


def _standardized(scores: Floats, rows: Floats) -> Floats:
    """Scores of mean 0 and variance 1; a constant becomes 0."""
    centred = scores - rows @ scores / rows.sum()
    variance = rows @ centred**2 / rows.sum()
    return centred / np.sqrt(variance) if variance > ROUNDING * np.max(scores**2) else np.zeros_like(scores)
