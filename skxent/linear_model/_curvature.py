"""How much the loss of a row curves with its logits, for any loss."""

from __future__ import annotations

import numpy as np

from skxent._typing import Array
from skxent.linear_model._problem import Problem

__all__ = ["RowCurvature", "curves_as_cross_entropy", "is_convex", "is_proper", "rests_at_targets"]

# Step of the central differences in the logits, in double precision.
_STEP = 1e-3
# Rows tried to see whether a loss is proper, and the size of their logits.
_N_TRIED, _LOGITS = 64, 2.0
# Directions of the logits tried.
_N_DIRECTIONS = 4
# Least curvature: its inverse and the square of that are finite. Where a loss is flat its differences are exactly 0.
_LEAST = float(np.sqrt(np.finfo(np.float64).tiny))
# A slope below this share of the largest one counts as zero.
_NONE = 1e-7
# Error of second derivatives by differences, as a share of the largest.
_DIFFERENCES = 1e-4


class RowCurvature:
    """A curvature of each row's loss along its logits that is above 0, the mean over some directions.

    A loss that is a proper scoring rule is least where the prediction is the target, and curves upwards there: this is
    the curvature taken, at the model's own probabilities as targets. Other losses may curve downwards there. For them
    it is at least the mean of the sizes of the second and of the first derivative at the target, so that a Newton step
    for a row alone changes its logits by 2 at most.

    Parameters
    ----------
    problem : Problem
        Loss and output layer.
    n_outputs : int
        Number of logits of a row.
    """

    def __init__(self, problem: Problem, n_outputs: int) -> None:
        self.problem = problem
        self.is_proper = is_proper(problem, n_outputs)

    def __call__(self, y: Array, z: Array, directions: Array) -> Array:
        """Return the curvatures.

        Parameters
        ----------
        y, z : ndarray of shape (n_rows, n_outputs)
            Targets and logits, in float64.
        directions : ndarray of shape (n_directions, n_outputs)
            Directions of the logits, at right angles to each other.

        Returns
        -------
        ndarray of shape (n_rows,)
            Curvatures.
        """
        proper = np.maximum(_second(self.problem, self.problem.output.probabilities(z), z, directions), _LEAST)
        if self.is_proper:
            return proper
        _, slope = self.problem.output.loss_and_gradient(self.problem.loss, y, z)
        total: Array = np.zeros(len(z))
        for direction in directions:
            total += abs(_second(self.problem, y, z, direction[np.newaxis])) + abs(slope @ direction)
        return np.maximum(proper, 0.5 * total / len(directions))


def is_proper(problem: Problem, n_outputs: int) -> bool:
    """Return whether a loss is stationary where predictions are targets, as proper scoring rules are, or is convex."""
    return rests_at_targets(problem, n_outputs) or is_convex(problem, n_outputs)


def rests_at_targets(problem: Problem, n_outputs: int) -> bool:
    """Return whether a loss is stationary where predictions are targets, in some random logits."""
    z = _tried(n_outputs)
    p = problem.output.probabilities(z)
    hits = _hits(n_outputs)
    at_target, elsewhere = (problem.output.loss_and_gradient(problem.loss, y, z)[1] for y in (p, hits))
    return bool(np.abs(at_target).max() <= _NONE * np.abs(elsewhere).max())


def is_convex(problem: Problem, n_outputs: int) -> bool:
    """Return whether a loss curves upwards in some random logits along some random directions."""
    z = _tried(n_outputs)
    hits = _hits(n_outputs)
    curvatures = np.array([_second(problem, hits, z, u[np.newaxis]) for u in _tried(n_outputs)[:_N_DIRECTIONS]])
    return bool(curvatures.min() >= -_NONE * np.abs(curvatures).max())


def curves_as_cross_entropy(problem: Problem, n_outputs: int) -> bool:
    """Return whether a loss has the second derivatives of the cross-entropy, in some random logits and directions.

    A third of the rows has soft targets. In another third the output that is on has about as much probability as all
    others together: random logits of many outputs alone give it hardly any.
    """
    z, y = _tried(n_outputs), _hits(n_outputs)
    directions = z[::-1].copy()  # one for each row, as random as its logits
    soft, even = slice(0, _N_TRIED // 3), slice(_N_TRIED // 3, 2 * _N_TRIED // 3)
    y[soft] = problem.output.probabilities(directions)[soft]
    z[even] += (np.log(n_outputs) + _LOGITS**2 / 2) * y[even]
    known = problem.output.curved(z, directions)
    error = np.abs(_change(problem, y, z, directions) - known)
    return bool(error.max() <= _DIFFERENCES * np.abs(known).max())


def _tried(n_outputs: int) -> Array:
    return np.asfortranarray(_LOGITS * np.random.default_rng(0).standard_normal((_N_TRIED, n_outputs)))


def _hits(n_outputs: int) -> Array:
    """Return targets of the rows tried: in each one output is on, in turn; a single output is on and off in turn."""
    return (np.arange(n_outputs)[:, np.newaxis] == np.arange(_N_TRIED) % max(n_outputs, 2)).astype(np.float64).T


def _second(problem: Problem, y: Array, z: Array, directions: Array) -> Array:
    """Return second derivatives by central differences of the first, the mean over some directions."""
    total: Array = np.zeros(len(z))
    for direction in directions:
        total += _change(problem, y, z, direction) @ direction
    return total / len(directions)


def _change(problem: Problem, y: Array, z: Array, directions: Array) -> Array:
    """Return how fast the first derivatives change along a direction, or one for each row, by central differences."""
    up, down = (problem.output.loss_and_gradient(problem.loss, y, z + step * directions)[1] for step in (_STEP, -_STEP))
    change: Array = (up - down) / (2 * _STEP)
    return change
