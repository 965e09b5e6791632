"""Predictions of models for rows that they have not been fitted on, for losses that look at the data first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skxent._typing import Array, Floats
from skxent.linear_model._objective import Objective
from skxent.linear_model._problem import Problem
from skxent.rows import Part, Rows, reweighted, subset

__all__ = ["crossfit"]

# Mark of rows that are in both halves.
_BOTH = 2


def crossfit(problem: Problem, rows: Rows, minimise: Callable[[Objective], Array]) -> tuple[Floats, Floats]:
    """Fit on each half of the rows and predict the other.

    Parameters
    ----------
    problem : Problem
        Loss, output layer and penalty.
    rows : Rows
        Data. Rows without weight are left out. The halves depend on nothing but what is in the rows, and have as
        many different rows of each class as the other, or one more. Equal rows are in the same half, so that a weight
        of 2 is the row twice; if they have different labels, they are in both, with half their weight.
    minimise : callable
        Maps an objective to its best weights.

    Returns
    -------
    y : ndarray of shape (n, n_outcomes)
        Observed distributions as the loss sees them, times the weights of the rows: counts. Where a typical weight is
        below 1, as in weights that sum to 1, all are multiplied so that it is 1.
    p : ndarray of shape (n, n_outcomes)
        Predicted ones.

    Raises
    ------
    ValueError
        If a half has rows of one class only.
    """
    halves = _halves(rows)
    results = [_outcomes(problem, test, minimise(Objective(problem, train))) for train, test in (halves, halves[::-1])]
    y, p = (np.concatenate(arrays) for arrays in zip(*results, strict=True))
    return y, p


def _halves(rows: Rows) -> list[Rows]:
    weight = _of_each(rows.without_features(), Part.weights)
    counting = np.flatnonzero(weight)
    weight = weight[counting]
    targets = _of_each(rows, lambda part: part.target_fingerprints(rows.n_outputs))[counting]
    half = _half_of_each(_of_each(rows, Part.fingerprints)[counting], targets)
    factor = np.where(half == _BOTH, 0.5, 1) / min(1, weight @ weight / weight.sum())
    chosen = [np.flatnonzero((half == side) | (half == _BOTH)) for side in range(2)]
    if min(len(np.unique(targets[part])) for part in chosen) < 2:
        raise ValueError(
            "The loss needs models of both halves of the rows, and in each half rows of two classes. Add rows, or "
            "choose a loss that needs no such models, such as ForwardCorrection with a given matrix."
        )
    if (factor == 1).all():  # rows outside memory stay where they are
        return [subset(rows, counting[part]) for part in chosen]
    weight = (weight * factor).astype(rows.dtype)
    return [reweighted(rows, counting[part], weight[part]) for part in chosen]


def _half_of_each(features: Array, targets: Array) -> Array:
    """Return 0, 1 or _BOTH for each row, given the fingerprints of its features and of its target.

    Distinct rows with the same target alternate, in the order of their fingerprints, which is as good as a random one.
    """
    _, first, distinct = np.unique(features, return_index=True, return_inverse=True)
    half = np.zeros(len(first), int)
    half[distinct[targets != targets[first][distinct]]] = _BOTH
    alternating = np.argsort(targets[first], kind="stable")
    alternating = alternating[half[alternating] != _BOTH]
    half[alternating] = np.arange(len(alternating)) % 2
    by_row: Array = half[distinct]
    return by_row


def _of_each(rows: Rows, function: Callable[[Part], Array]) -> Array:
    return np.concatenate(list(rows.each(function)))


def _outcomes(problem: Problem, rows: Rows, w: Array) -> tuple[Floats, Floats]:
    objective = Objective(problem, rows)
    logits = objective.logits_at(w)

    def terms(part: Part) -> tuple[Floats, Floats]:
        y, p = problem.output.outcomes(objective.targets(part), logits(part))
        weights = np.tile(part.weights(), len(y) // part.n_rows)
        return y * weights[:, np.newaxis], p.astype(np.float64)

    y, p = (np.concatenate(arrays) for arrays in zip(*rows.each(terms), strict=True))
    return y, p
