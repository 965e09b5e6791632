r"""An estimate of the objective near a point, from a part of the rows: a surrogate.

Rows of which the model is sure hardly curve the objective, and where their gradient is known they need not be visited
again and again. Near :math:`w_0` the objective is therefore estimated by

.. math::
    \hat F(w) &= F_S(w) - F_S(w_0) + F(w_0) + (\nabla F(w_0) - \nabla F_S(w_0))^\top (w - w_0) \\
    F_S(w) &= \frac{1}{\sum_i w_i} \sum_{i \in S} \frac{w_i}{\pi_i} L(y_i, W x_i + b)
    + \frac{\alpha}{2} \lVert W\rVert^2,

whose value and gradient at :math:`w_0` are exact and whose curvature is a sample's [1]_. Row :math:`i` is in the sample
:math:`S` with a chance :math:`\pi_i` in proportion to its share in the trace of the Hessian,
:math:`w_i (1 + \lVert\tilde x_i\rVert^2) \sum_k p_{ik} (1 - p_{ik})`, at most 1 [2]_.

The sample comes in two halves. The difference of their gradients says how wrong their mean is, and so how far the
estimate may be followed [3]_.

References
----------
.. [1] O. Shamir, N. Srebro, T. Zhang, "Communication-Efficient Distributed Optimization using an Approximate
   Newton-type Method", 2014, :doi:`10.48550/arXiv.1312.7853`
.. [2] P. Xu, J. Yang, F. Roosta-Khorasani, C. Ré, M. W. Mahoney, "Sub-sampled Newton Methods with Non-uniform
   Sampling", 2016, :doi:`10.48550/arXiv.1607.00559`
.. [3] R. H. Byrd, G. M. Chin, J. Nocedal, Y. Wu, "Sample Size Selection in Optimization Methods for Machine
   Learning", 2012, :doi:`10.1007/s10107-012-0572-5`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skxent._parameters import Parameters
from skxent._typing import Array
from skxent.linear_model._objective import Objective
from skxent.linear_model._sampling import draw, sample_by_chance
from skxent.rows import Part

__all__ = ["SubsampledSurrogate", "Surrogate", "curved_rows"]

# Rows whose curvature is computed at a time, and entries of their features, of which there is a copy: they fit a
# core's cache.
_ROWS_AT_A_TIME, _ENTRIES_AT_A_TIME = 2_048, 100_000


@dataclass(frozen=True, repr=False)
class SubsampledSurrogate(Parameters):
    """Estimates of an objective from some of its rows, and how far a solver follows them.

    The numbers were chosen on MNIST and on 500,000 rows of 30 columns (``benchmarks/softmax.py``).

    Parameters
    ----------
    share : float, default=0.25
        Share of the rows in the sample.
    min_rows : int, default=5000
        Least number of rows in a sample; of fewer rows there is no estimate.
    rows_per_column : int, default=8
        Least number of rows in a sample for each column.
    min_curvature : float, default=0.05
        Least curvature of a row as a share of the mean, so that every row has a chance.
    max_noise : float, default=2.0
        The estimate is followed until the noise of its gradient is so many times the gradient.
    first_iteration : int, default=15
        First iteration of the solver that may use an estimate.
    min_steps, max_steps : int, default=10, 40
        Steps taken on an estimate, at first and at most; they double while estimates hold.
    few_steps : int, default=5
        An estimate that allows fewer steps than this is dropped.
    kept_decrease : float, default=0.5
        Share of the promised decrease that the objective itself must show; otherwise the steps are undone.
    """

    share: float = 0.25
    min_rows: int = 5_000
    rows_per_column: int = 8
    min_curvature: float = 0.05
    max_noise: float = 2.0
    first_iteration: int = 15
    min_steps: int = 10
    max_steps: int = 40
    few_steps: int = 5
    kept_decrease: float = 0.5

    def __call__(self, objective: Objective, w: Array, value: float, gradient: Array) -> Surrogate | None:
        """Return an estimate of an objective near a point.

        Parameters
        ----------
        objective : Objective
            What to estimate.
        w : ndarray of shape (n_features + 1, n_outputs)
            The point.
        value : float
            Value of the objective there.
        gradient : ndarray of the shape of `w`
            Its gradient there.

        Returns
        -------
        Surrogate or None
            None if there are too few rows to sample, or if so many can neither be summed over where they are nor be
            held here.
        """
        size = int(self.share * objective.n_rows)
        if size < max(self.min_rows, self.rows_per_column * len(w)):
            return None
        drawn = objective if objective.rows.selectable else draw(objective, objective.n_rows)
        if drawn.n_rows < size:
            return None
        halves = curved_rows(drawn, w, size, self.min_curvature, drawn.n_rows / objective.n_rows)
        return Surrogate(halves, objective.eps, w, value, gradient, self.max_noise)


def curved_rows(
    objective: Objective,
    w: Array,
    size: int,
    min_curvature: float = 0.05,
    drawn: float = 1.0,
    columns: slice | Array = slice(None),
) -> _Halves:
    """Return two halves of a sample of the rows, drawn in proportion to their curvature.

    Parameters
    ----------
    objective : Objective
        Objective of all rows.
    w : ndarray of shape (n_features + 1, n_outputs)
        Where.
    size : int
        Rows of both halves.
    min_curvature : float, default=0.05
        Least curvature of a row as a share of the mean, so that every row has a chance.
    drawn : float, default=1.0
        Share of the rows that the objective has already been drawn from at random.
    columns : slice or ndarray of int, default=slice(None)
        Columns whose weights' curvature counts.
    """
    curvatures_of = objective.curvatures_at(w, columns)

    def curvature(part: Part) -> tuple[Array, Any]:
        return curvatures_of(part), part.weight

    entries_per_row = objective.rows.bytes_per_row / objective.rows.dtype.itemsize
    rows_at_a_time = max(1, min(_ROWS_AT_A_TIME, int(_ENTRIES_AT_A_TIME / entries_per_row)))
    curvatures, weights = zip(*objective.rows.each(curvature, rows_at_a_time), strict=True)
    weight = np.concatenate(weights) if objective.rows.weighted else None
    sample, each, chances = sample_by_chance(np.concatenate(curvatures), weight, size, min_curvature)
    if weight is not None:
        each *= weight[sample]
    # Rows that are sure to be in the sample add to the difference of the halves, but not to the error.
    return _Halves(objective, sample, each, float(np.sqrt(np.mean(1 - drawn * chances))))


@dataclass(frozen=True)
class _Halves:
    """A sample of the rows: positions, weights, and the share of the difference of its halves that is error."""

    objective: Objective
    positions: Array
    weight: Array
    share_of_error: float

    def parts(self) -> list[Objective]:
        """Return the objectives of the halves, each of the scale of the whole."""
        return [self._of(slice(half, None, 2), 2) for half in (0, 1)]

    def together(self) -> Objective:
        """Return the objective of the sample."""
        return self._of(slice(None), 1)

    def _of(self, rows: slice, times: float) -> Objective:
        weight = (times * self.weight[rows]).astype(self.weight.dtype)
        return self.objective.reweighted(self.positions[rows], weight, self.objective.total_weight)


class Surrogate:
    """An estimate of an objective near a point; called, it returns value and gradient.

    Parameters
    ----------
    halves : _Halves
        The sample.
    eps : float
        Relative rounding error of the value.
    w : ndarray of shape (n_features + 1, n_outputs)
        The point.
    value, gradient : float, ndarray
        Value and gradient of the objective there.
    max_noise : float
        See :class:`SubsampledSurrogate`.
    """

    def __init__(self, halves: _Halves, eps: float, w: Array, value: float, gradient: Array, max_noise: float) -> None:
        self.halves, self.share_of_error = halves.parts(), halves.share_of_error
        self.eps = eps
        self.w = w
        self.max_noise = max_noise
        self.value_offset = 0.0
        self.gradient_offset = self.error_offset = self.error = np.zeros_like(gradient)
        sampled_value, sampled_gradient = self(w)
        self.value_offset, self.gradient_offset = value - sampled_value, gradient - sampled_gradient
        self.error_offset = self.error

    def __call__(self, w: Array) -> tuple[float, Array]:
        """Return value and gradient at `w`."""
        self.error = self.error_offset  # frees the array of the last call
        (value, gradient), (other_value, other) = (half(w) for half in self.halves)
        value = (value + other_value) / 2 + self.value_offset + float(np.vdot(self.gradient_offset, w - self.w))
        # In place: arrays of the size of the weights are most of the memory where there are many outputs.
        other -= gradient
        other /= 2
        gradient += other
        gradient += self.gradient_offset
        other *= self.share_of_error
        other -= self.error_offset
        self.error = other
        return value, gradient

    def noise_dominates(self, gradient: Array, precondition: Callable[[Array], Array]) -> bool:
        """Return whether the gradient of the latest call is small against its noise, in the preconditioner's norm."""
        noise, signal = (float(np.vdot(vector, precondition(vector))) for vector in (self.error, gradient))
        return noise > self.max_noise**2 * signal
