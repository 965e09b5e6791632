r"""The objective near a point, from a part of the rows.

Rows of which the model is sure hardly curve the objective, and where their gradient is known they need not be visited
again and again. Near :math:`w_0` the objective is therefore estimated by

.. math::
    \hat F(w) &= F_S(w) - F_S(w_0) + F(w_0) + (\nabla F(w_0) - \nabla F_S(w_0))^\top (w - w_0) \\
    F_S(w) &= \frac{1}{\sum_i w_i} \sum_{i \in S} \frac{w_i}{\pi_i} L(y_i, W x_i + b)
    + \frac{\alpha}{2} \lVert W\rVert^2,

whose value and gradient at :math:`w_0` are exact and whose curvature is a sample's [1]_. Row :math:`i` is in the sample
:math:`S` with a chance :math:`\pi_i` in proportion to :math:`w_i \sum_k p_{ik} (1 - p_{ik})`, at the most 1 [2]_.

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
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import gen_batches

from skxent._typing import Array

if TYPE_CHECKING:
    from skxent.objective import Objective

__all__ = ["Near", "near"]

# Share of the rows in a sample, and how many it must have, at the least and for each column.
_SHARE, _MIN_ROWS, _ROWS_PER_COLUMN = 0.25, 5_000, 8
# Least chance of a row against the mean.
_FLAT = 0.05
# Passes that bring the sum of the chances, each at most 1, to the sample's size.
_PASSES = 10
# The gradient is lost in the sample's noise when that is so many times larger.
_NOISE = 2
# Rows scored at a time.
_CHUNK = 2_048


def near(objective: Objective, w: Array, value: float, gradient: Array) -> Near | None:
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
    Near or None
        None if there are too few rows to sample.
    """
    size = int(_SHARE * objective.n_rows)
    if size < max(_MIN_ROWS, _ROWS_PER_COLUMN * len(w)):
        return None
    return Near(objective, w, value, gradient, size)


class Near:
    """An estimate of an objective near a point; called, it returns value and gradient.

    Parameters
    ----------
    objective, w, value, gradient
        See :func:`near`.
    size : int
        Number of rows to sample.

    Attributes
    ----------
    resolution : float
        Relative rounding error of the value.
    """

    def __init__(self, objective: Objective, w: Array, value: float, gradient: Array, size: int) -> None:
        rows, chances = _draw(objective, w, size)
        weights = 2 * objective.weights()[rows] / chances
        self.halves = [objective.weighted(rows[half::2], weights[half::2]) for half in (0, 1)]
        # Rows that are sure to be in the sample add to the difference of the halves, but not to the error.
        self.share_of_error = np.sqrt(np.mean(1 - chances))
        self.resolution = objective.resolution
        self.w = w
        self.value_offset = 0.0
        self.gradient_offset = self.error_offset = np.zeros_like(gradient)
        sampled_value, sampled_gradient = self(w)
        self.value_offset, self.gradient_offset = value - sampled_value, gradient - sampled_gradient
        self.error_offset = self.error

    def __call__(self, w: Array) -> tuple[float, Array]:
        """Return value and gradient at `w`."""
        (value, gradient), (other_value, other) = (half(w) for half in self.halves)
        value = (value + other_value) / 2 + self.value_offset + float(np.vdot(self.gradient_offset, w - self.w))
        self.error = self.share_of_error * (gradient - other) / 2 - self.error_offset
        return value, (gradient + other) / 2 + self.gradient_offset

    def lost_in_noise(self, gradient: Array, precondition: Callable[[Array], Array]) -> bool:
        """Return whether the gradient of the latest call says less than the two halves differ."""
        noise, signal = (float(np.vdot(vector, precondition(vector))) for vector in (self.error, gradient))
        return noise > _NOISE**2 * signal


def _draw(objective: Objective, w: Array, size: int) -> tuple[Array, Array]:
    """Return the rows of a sample, and the chance that each had.

    They lie evenly spaced along the cumulative chances: a sample with little noise, always the same.
    """
    chances = _chances(objective, w, size)
    ends = np.cumsum(chances, dtype=np.float64)
    rows = np.searchsorted(ends, np.arange(0.5, ends[-1]))
    return rows, chances[rows]


def _chances(objective: Objective, w: Array, size: int) -> Array:
    """Return the chance of each row, in proportion to its weighted curvature where that is less than 1."""

    def spread(rows: slice) -> Array:
        total: Array = objective.activation.variances(objective.scores(rows, w)).sum(axis=1)
        return total

    curvature = np.concatenate(list(objective.workers.map(spread, gen_batches(objective.n_rows, _CHUNK))))
    np.maximum(curvature, _FLAT * curvature.mean() + np.finfo(np.float32).tiny, out=curvature)
    if objective.sample_weight is not None:
        curvature *= objective.weights()
    scale = size / curvature.sum(dtype=np.float64)
    for _ in range(_PASSES):
        scale *= size / np.minimum(1, scale * curvature).sum(dtype=np.float64)
    curvature *= scale
    return np.minimum(1, curvature, out=curvature)
