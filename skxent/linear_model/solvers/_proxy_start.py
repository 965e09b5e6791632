"""Starts for losses that may curve downwards: zero, and where a weighted cross-entropy leads.

A loss that is bounded or linear in the probabilities is nearly flat in most places and has many local minima. A
cross-entropy in which each outcome weighs as much as the loss gains by predicting it rather than the worst one is
convex, and its minimum lies near a good one of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from skxent._parameters import Parameters
from skxent._typing import Array
from skxent.linear_model._curvature import is_proper
from skxent.linear_model._objective import Objective
from skxent.losses import CrossEntropy, Loss, has_way_back

__all__ = ["ProxyStart"]


# Probability of an outcome that is as good as predicted.
_NEARLY_SURE = 0.99


class WeightedCrossEntropy(Loss):
    r"""A convex stand-in for a loss :math:`L`: :math:`-\sum_k (\max_j L(y, e_j) - L(y, e_k)) \log p_k`.

    Parameters
    ----------
    loss : Loss
        The loss, evaluated at distributions :math:`e_k` that are nearly sure of an outcome.
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        """Return loss and gradient; see :meth:`Loss.pointwise`."""
        costs = self._costs(y)
        gradient = costs - costs.max(axis=1, keepdims=True)
        return (gradient * log_p).sum(axis=1), gradient

    def _costs(self, y: Array) -> Array:
        """Return the loss of each row if an outcome is predicted, for each outcome."""
        n_outcomes = y.shape[1]
        costs = np.empty_like(y)
        for outcome in range(n_outcomes):
            p = np.full_like(y, (1 - _NEARLY_SURE) / (n_outcomes - 1))
            p[:, outcome] = _NEARLY_SURE
            costs[:, outcome] = self.loss.pointwise(y, p, np.log(p))[0]
        return costs


@dataclass(frozen=True, repr=False)
class ProxyStart(Parameters):
    """Further starts for losses whose predictions do not tell the true probabilities.

    Parameters
    ----------
    max_iter : int, default=100
        Largest number of iterations on the weighted cross-entropy, and on the loss from each start.
    tol : float, default=1e-4
        Tolerance there.
    max_outcomes : int, default=32
        With more outcomes than this the cross-entropy is not weighted: the weights take a loss for each outcome.
    """

    max_iter: int = 100
    tol: float = 1e-4
    max_outcomes: int = 32

    def __call__(self, objective: Objective, w: Array, minimize: Callable[..., Any]) -> Array | None:
        """Return better weights than `w`, or None if the loss needs no further starts.

        Parameters
        ----------
        objective : Objective
            The objective.
        w : ndarray of shape (n_features + 1, n_outputs)
            Start of the start.
        minimize : callable
            Called as ``minimize(objective, w, max_iter, tol, callback)``.
        """
        problem, n_outputs = objective.problem, objective.rows.n_outputs
        # Where every row has some gradient, other starts did not help: one ended within 1 % of the best of three.
        if is_proper(problem, n_outputs) or has_way_back(problem.loss, problem.output.n_outcomes(n_outputs)):
            return None
        starts = self._starts(objective, w, minimize)
        ends = [minimize(objective, start, self.max_iter, self.tol, _go_on).w for start in starts]
        return objective.problem.output.centred(min(ends, key=objective.value))

    def _starts(self, objective: Objective, w: Array, minimize: Callable[..., Any]) -> Iterator[Array]:
        yield w
        yield np.zeros_like(w)
        few = objective.rows.n_outputs <= self.max_outcomes
        proxy = objective.with_loss(WeightedCrossEntropy(objective.problem.loss) if few else CrossEntropy())
        yield minimize(proxy, w, self.max_iter, self.tol, _go_on).w


def _go_on(w: Array, value: float) -> bool:
    return False
