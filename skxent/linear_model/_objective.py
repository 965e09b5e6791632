r"""The objective: rows × output layer × loss × L2 penalty.

.. math::
    F(W, b) = \frac{1}{\sum_i w_i} \sum_i w_i\, L(y_i, W x_i + b) + \frac{\alpha}{2} \lVert W\rVert^2

Only mathematics is here: sums come from :class:`skxent.rows.Rows`. Solvers see a callable on one array of weights, of
shape (n_features + 1, n_outputs) with the intercepts in the last row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from skxent._typing import Array
from skxent.linear_model._outputs import Output
from skxent.losses import Loss
from skxent.rows import Part, Rows, batches, logits_of, reweighted, subset

__all__ = ["Objective", "Problem"]


@dataclass(frozen=True)
class Problem:
    """What a linear model minimises, whatever the rows.

    Attributes
    ----------
    loss : Loss
        Loss between the observed and the predicted distribution of a row.
    output : Output
        Output layer.
    alpha : float, default=0.0
        Strength of the L2 penalty, which leaves the intercepts alone.
    fit_intercept : bool, default=True
        Whether the last row of the weights is free; if not, its gradient is zero.
    """

    loss: Loss
    output: Output
    alpha: float = 0.0
    fit_intercept: bool = True


class Objective:
    """Weighted mean loss of a linear model plus its penalty, with the gradient.

    Parameters
    ----------
    problem : Problem
        Loss, output layer and penalty.
    rows : Rows
        Data; their dtype is that of the computation.
    total_weight : float, optional
        Number to divide the sum of the losses by; by default the sum of the weights.
    """

    def __init__(self, problem: Problem, rows: Rows, total_weight: float | None = None) -> None:
        self.problem = problem
        self.rows = rows
        self.total_weight = _total_weight(rows) if total_weight is None else total_weight

    def __call__(self, w: Array) -> tuple[float, Array]:
        """Return the value and the gradient at `w`, an array of shape (n_features + 1, n_outputs)."""
        w_data = self._in_dtype(w)

        def terms(part: Part) -> tuple[Any, ...]:
            losses, logit_gradient = self._losses_and_logit_gradient(part, w_data)
            return losses.sum(dtype=np.float64), *self._weight_gradients(part, logit_gradient)

        value, *gradients = self.rows.sum(terms)
        return self._mean_value(value, w), self._mean_gradient(w, *gradients)

    def value(self, w: Array) -> float:
        """Return the value alone, at half the cost."""
        w_data = self._in_dtype(w)
        (value,) = self.rows.sum(lambda part: (self._losses_and_logit_gradient(part, w_data)[0].sum(dtype=np.float64),))
        return self._mean_value(value, w)

    def gradient(self, w: Array) -> Array:
        """Return the gradient alone; for a mini-batch the value would be a twentieth of the cost."""
        w_data = self._in_dtype(w)
        gradients = self.rows.sum(
            lambda part: self._weight_gradients(part, self._losses_and_logit_gradient(part, w_data)[1])
        )
        return self._mean_gradient(w, *gradients)

    def intercept_only(self) -> Array:
        """Return the weights of the best model without features; zeros if there is no intercept."""
        w = np.zeros((self.rows.n_features + 1, self.rows.n_outputs), self.rows.dtype)
        if self.problem.fit_intercept:
            w[-1] = self.problem.output.logits(self.mean_targets().clip(self.eps, 1 - self.eps))
        return w

    def mean_targets(self) -> Array:
        """Return how often each output is on, weighted, of shape (n_outputs,)."""
        (total,) = self.rows.sum(lambda part: (part.target_totals(self.rows.n_outputs),))
        mean: Array = total / self.total_weight
        return mean

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.rows.n_rows

    @property
    def eps(self) -> float:
        """Relative rounding error of the value."""
        return float(np.finfo(self.rows.dtype).eps)

    def subset(self, positions: slice | Array) -> Objective:
        """Return the objective of some of the rows.

        Its loss is the sum over these rows divided by their number times the mean weight of *all* rows, so that
        batches estimate the whole without bias.
        """
        return self._of_rows(subset(self.rows, positions))

    def reweighted(self, positions: Array, weight: Array | None, total_weight: float) -> Objective:
        """Return the objective of some rows with other weights (None: each counts once) and their total."""
        return Objective(self.problem, reweighted(self.rows, positions, weight), total_weight)

    def batches(self, batch_size: int, rng: np.random.RandomState | None = None) -> Iterator[Objective]:
        """Yield objectives on consecutive batches of rows, in random order if `rng` is given."""
        return map(self._of_rows, batches(self.rows, batch_size, rng))

    def _of_rows(self, rows: Rows) -> Objective:
        return Objective(self.problem, rows, self.total_weight * rows.n_rows / self.rows.n_rows)

    def logits(self, part: Part, w: Array) -> Array:
        """Return the logits of a part at `w`, in the dtype of the data; of a mirrored pair one is zero."""
        w = self._in_dtype(w)
        if not self._mirrored:
            return logits_of(part.X, w)
        difference = w[:, 1] - w[:, 0]
        z = np.zeros((part.n_rows, 2), w.dtype, order="F")
        z[:, 1] = part.X.dot(difference[:-1]) + difference[-1]
        return z

    @property
    def _mirrored(self) -> bool:
        """Whether only the difference of two logits counts, so that half of the products do."""
        return self.rows.n_outputs == 2 and self.problem.output.shift_invariant

    def _in_dtype(self, w: Array) -> Array:
        return w.astype(self.rows.dtype, copy=False)

    def _mean_value(self, total: Any, w: Array) -> float:
        if not self.problem.alpha:
            return float(total / self.total_weight)
        # Adds in pairs, where vdot would lose five digits of so long a sum in single precision.
        with np.errstate(over="ignore"):
            penalty = np.square(w[:-1]).sum()
        return float(total / self.total_weight + 0.5 * self.problem.alpha * penalty)

    def _mean_gradient(self, w: Array, features: Array, intercept: Array) -> Array:
        gradient = np.empty(w.shape, self.rows.dtype)
        outputs = slice(1, None) if self._mirrored else slice(None)
        gradient[:-1, outputs] = features
        gradient[-1, outputs] = intercept
        if self._mirrored:
            np.negative(gradient[:, 1], out=gradient[:, 0])
        gradient /= self.total_weight
        if self.problem.alpha:
            gradient[:-1] += self.problem.alpha * w[:-1]
        if not self.problem.fit_intercept:
            gradient[-1] = 0
        return gradient

    def _losses_and_logit_gradient(self, part: Part, w: Array) -> tuple[Array, Array]:
        """Return the loss of each row and its derivative with respect to the logits, weighted."""
        z = self.logits(part, w)
        losses, gradient = self.problem.output.loss_and_gradient(self.problem.loss, self.targets(part), z)
        if part.weight is not None:
            losses = losses * part.weight
            gradient *= part.weight[:, np.newaxis]
        return losses, gradient

    def _weight_gradients(self, part: Part, logit_gradient: Array) -> tuple[Array, Array]:
        """Return the gradients by the features' weights and by the intercepts, of a mirrored pair the second's."""
        if self._mirrored:
            logit_gradient = logit_gradient[:, 1:]
        # Unlike @, dot lets other threads go on however small the result is.
        return part.X.T.dot(logit_gradient), logit_gradient.sum(axis=0)

    def targets(self, part: Part) -> Array:
        """Return the probability of each output being on, of shape (n_rows, n_outputs)."""
        y = part.y
        if y.ndim == 2:
            return y
        outputs = np.arange(self.rows.n_outputs, dtype=y.dtype)
        return (outputs[:, np.newaxis] == y).astype(self.rows.dtype).T


def _total_weight(rows: Rows) -> float:
    if not rows.weighted:
        return float(rows.n_rows)
    (total,) = rows.sum(lambda part: (part.weights().sum(),))
    return float(total)
