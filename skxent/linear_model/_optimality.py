r"""How far from its minimum an objective may be: an upper bound from gradient and Hessian.

With :math:`g` the gradient and :math:`H` the Hessian at :math:`w`, a Newton step lowers the quadratic model by

.. math:: \tfrac12\, g^\top H^{-1} g .

For a convex loss of logits such as the cross-entropy no point lies lower than :math:`F(w) - c(R)\, g^\top H^{-1} g`,

.. math:: c(R) = \frac{R^2 / 2}{e^{-R} - 1 + R} \cdot \tfrac12,

where the way to the minimum changes the difference of two logits of a row by :math:`R` at the most [1]_.

The product is bounded by preconditioned conjugate gradients, which need nothing but products :math:`H v`. After
:math:`k` of them :math:`g^\top H^{-1} g = \sum_{j<k} a_j\, r_j^\top P r_j + r_k^\top H^{-1} r_k`, all terms of the sum
known and the rest at the most :math:`r_k^\top P r_k / \theta`, with :math:`\theta` the least eigenvalue of
:math:`P H`, taken as the least Ritz value [2]_.

On much data :math:`H` comes from a part of the rows, drawn without bias. Since the inverse is convex, the expectation of
:math:`g^\top \hat H^{-1} g` is at least :math:`g^\top H^{-1} g`.

References
----------
.. [1] F. Bach, "Self-concordant Analysis for Logistic Regression", 2010, :doi:`10.1214/09-EJS521`
.. [2] G. H. Golub, G. Meurant, "Matrices, Moments and Quadrature II", 1997, :doi:`10.1007/BF02510247`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skxent._typing import Array

__all__ = ["Certificate", "certify"]

# Share of the bound that may be a guess.
_REST = 0.2


class Certificate(NamedTuple):
    """What is known of the way to the minimum.

    Attributes
    ----------
    bound : float
        How far above the minimum the objective is at the most; infinite where it curves downwards.
    step : ndarray
        A Newton step, or a direction along which the objective curves downwards.
    """

    bound: float
    step: Array


def certify(
    gradient: Array,
    product: Callable[[Array], tuple[Array, float]],
    precondition: Callable[[Array], Array],
    *,
    enough: float,
    max_products: int,
) -> Certificate:
    """Bound the distance from the minimum.

    Parameters
    ----------
    gradient : ndarray
        Gradient of the objective.
    product : callable
        Multiplies the Hessian by a vector; returns also the largest change of a logit along it.
    precondition : callable
        Multiplies by an approximation of the inverse of the Hessian, symmetric and positive.
    enough : float
        A bound below this needs not be sharper.
    max_products : int
        Products at the most.

    Returns
    -------
    Certificate
        The bound and the step.
    """
    step, rest = np.zeros_like(gradient), gradient
    direction = solved = precondition(rest)
    size = float(np.vdot(rest, solved))
    sure, reach, bound = 0.0, 0.0, np.inf
    lanczos = _Lanczos()
    for _ in range(max_products):
        if size <= 0:
            break
        changed, logits = product(direction)
        curvature = float(np.vdot(direction, changed))
        if not curvature > 0:
            return Certificate(bound, step if step.any() else -direction)
        length = size / curvature
        sure += length * size
        reach += 2 * length * logits
        step = step - length * direction
        rest = rest - length * changed
        solved = precondition(rest)
        size, before = float(np.vdot(rest, solved)), size
        least = lanczos.least(length, size / before)
        guess = max(size, 0) / least
        bound = _factor(reach) * (sure + guess)
        if bound <= enough or guess <= _REST * sure:
            break
        direction = solved + size / before * direction
    return Certificate(bound if sure else 0.0, step)


class _Lanczos:
    """The tridiagonal matrix that conjugate gradients leave behind."""

    def __init__(self) -> None:
        self.lengths: list[float] = []
        self.ratios: list[float] = []

    def least(self, length: float, ratio: float) -> float:
        """Take in a step; return the least Ritz value."""
        self.lengths.append(length)
        self.ratios.append(max(ratio, 0))
        inverse, ratios = 1 / np.array(self.lengths), np.array(self.ratios)
        diagonal = inverse.copy()
        diagonal[1:] += ratios[:-1] * inverse[:-1]
        beside = np.sqrt(ratios[:-1]) * inverse[:-1]
        matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        return float(max(np.linalg.eigvalsh(matrix)[0], np.finfo(float).tiny))


def _factor(reach: float) -> float:
    """Return the factor that turns the decrement into a bound; a half where logits hardly change."""
    if reach < 1e-3:
        return 0.5
    return 0.25 * reach**2 / (np.expm1(-reach) + reach)
