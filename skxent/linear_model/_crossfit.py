"""Predictions of models for rows that they have not been fitted on, for losses that look at the data first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skxent._typing import Array, Floats
from skxent.linear_model._objective import Objective, Problem
from skxent.rows import Part, Rows, subset

__all__ = ["crossfit"]


def crossfit(problem: Problem, rows: Rows, minimise: Callable[[Objective], Array]) -> tuple[Floats, Floats]:
    """Fit on each half of the rows and predict the other.

    Parameters
    ----------
    problem : Problem
        Loss, output layer and penalty.
    rows : Rows
        Data. Rows without weight are left out; the halves are random, and always the same.
    minimise : callable
        Maps an objective to its best weights.

    Returns
    -------
    y : ndarray of shape (n, n_outcomes)
        Observed distributions as the loss sees them, times the weights of the rows.
    p : ndarray of shape (n, n_outcomes)
        Predicted ones.

    Raises
    ------
    ValueError
        If there are fewer than two rows with weight.
    """
    counting = np.flatnonzero(np.concatenate(list(rows.without_features().each(Part.weights))))
    if len(counting) < 2:
        raise ValueError("The loss needs models of both halves of the rows, but fewer than two rows have weight.")
    order = np.random.default_rng(0).permutation(counting)
    halves = [np.sort(half) for half in np.array_split(order, 2)]
    results = [
        _outcomes(problem, subset(rows, test), minimise(Objective(problem, subset(rows, train))))
        for train, test in (halves, halves[::-1])
    ]
    y, p = (np.concatenate(arrays) for arrays in zip(*results, strict=True))
    return y, p


def _outcomes(problem: Problem, rows: Rows, w: Array) -> tuple[Floats, Floats]:
    objective = Objective(problem, rows)

    def terms(part: Part) -> tuple[Floats, Floats]:
        y, p = problem.output.outcomes(objective.targets(part), objective.logits(part, w))
        weights = np.tile(part.weights(), len(y) // part.n_rows)
        return y * weights[:, np.newaxis], p.astype(np.float64)

    y, p = (np.concatenate(arrays) for arrays in zip(*rows.each(terms), strict=True))
    return y, p
