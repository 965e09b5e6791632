r"""How far above its minimum an objective may be: an upper bound from gradient and Hessian.

With :math:`g` the gradient and :math:`H` the Hessian at :math:`w`, a Newton step lowers the quadratic model by
:math:`\tfrac12 g^\top H^{-1} g`. The objective itself may fall further, because its curvature falls as well. If the
loss is convex in the logits as the cross-entropy is,

.. math:: F(w) - F^* \lesssim c(\rho)\, g^\top H^{-1} g, \qquad
   c(\rho) = \frac{\rho + (1 - \rho) \ln(1 - \rho)}{\rho^2} \text{ below 1, } \rho^3 \text{ from 1 on,}

where :math:`\rho` is how much the Newton step changes logits, on average over rows and outputs, each with its share in
the curvature along the step; :math:`c(0) = \tfrac12`. Along a step of length :math:`t` a share whose logit changes
by :math:`u t` falls no faster than :math:`e^{-u t}` [1]_, so that all together fall no faster than
:math:`e^{-\rho t}`, and the least value along the step follows. From 1 on that leaves no bound: there the minimum may
be at infinity, as for classes that can be told apart without a penalty. A single row of such a class has
:math:`\rho = 1`, and the product is exactly what it still can lose. Of a few rows whose weights differ by twelve orders
of magnitude :math:`\rho` was from 2 to 3 and what was left up to 7 times :math:`\rho` times the product, hence the
third power, a guess. Logits that hardly matter to the probabilities may
change at will. For other losses the figure is that of the quadratic model near a local minimum, with twice the largest
change of a logit for :math:`\rho`, and infinite where the objective curves downwards along the way.

Preconditioned conjugate gradients bound the product from nothing but products :math:`H v`. After :math:`k` of them

.. math:: g^\top H^{-1} g = \sum_{j < k} a_j\, r_j^\top P r_j + r_k^\top H^{-1} r_k
   \le \sum_{j < k} a_j\, r_j^\top P r_j + \varphi_k\, r_k^\top P r_k / \theta ,

where :math:`\theta` is the least eigenvalue of :math:`P H` and :math:`\varphi_k \le 1` is the share of the last
residual in the last direction: :math:`\varphi_0 = 1`, :math:`1 / \varphi_k = 1 + r_k^\top P r_k / (r_{k-1}^\top P
r_{k-1} \varphi_{k-1})` [2]_. For :math:`\theta` stands the least Ritz value [3]_, with a factor of safety that is the
larger the faster these values fall. That is the one guess in this sum; a power of :math:`\varphi_k` below 1 allows for
it. With the power .65 it was, on quadratics whose eigenvalues are spread evenly on a logarithmic scale, all with the
same share in what is left, between .99 of the truth and 1.8 times as much over four decades, between .93 and 7.8 times
over five.

The guess is wrong where :math:`P` is blind to directions along which the objective hardly curves: a residual along
them is small in the norm of :math:`P`, however much is left to gain there. The blocks of a preconditioner that makes
steps are blind to them on purpose, lest steps are too long. So the exact blocks of the outputs are added to it
(:class:`~skxent.linear_model._output_blocks.OutputBlocks`) where that takes little of the time of the fit: one
or two products then nearly give the sum.

No model is below the one whose predictions are the targets, if the loss is convex and stationary there. So the figure
is no more than the distance from that: with targets 0 and 1 the cross-entropy itself. This counts where the data can
be fitted exactly, without a penalty: there the curvature grows again towards soft targets, and the quadratic model
promises far too much.

With a penalty :math:`\alpha` the gap between the objective and its dual is a bound without a guess. With the model's
own probabilities for the dual variables it is the same as :math:`\lVert g \rVert^2 / (2 \alpha)`, and after :math:`k`
products the sum above with :math:`\lVert r_k \rVert^2 / \alpha` for the rest. It is not used, because as long as fits
end it says nothing: on scaled breast cancer data it is 3 times the truth for :math:`\alpha = 10^{-2}`, 200 times for
:math:`10^{-4}`, 10,000 times for :math:`10^{-6}`.

On much data :math:`H` comes from a part of the rows, drawn with chances in proportion to their curvature and weighted
without bias. The inverse of a matrix is convex, so that :math:`g^\top \hat H^{-1} g` is on average no less than
:math:`g^\top H^{-1} g`. With a loss that is not convex a few rows may curve downwards where all do not. So
more rows are asked, at last all, before it is said that nothing is known.

References
----------
.. [1] F. Bach, "Self-concordant Analysis for Logistic Regression", 2010, :doi:`10.1214/09-EJS521`; more generally
   T. Sun, Q. Tran-Dinh, "Generalized Self-concordant Functions", 2019, :doi:`10.1007/s10107-018-1282-4`
.. [2] G. Meurant, P. Tichý, "Approximating the Extreme Ritz Values and Upper Bounds for the A-norm of the Error in
   CG", 2019, :doi:`10.1007/s11075-018-0634-8`
.. [3] G. H. Golub, G. Meurant, "Matrices, Moments and Quadrature II", 1997, :doi:`10.1007/BF02510247`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from skxent._parameters import Parameters
from skxent._typing import Array
from skxent.linear_model._curvature import is_convex, rests_at_targets
from skxent.linear_model._output_blocks import OutputBlocks, added, affordable_blocks
from skxent.linear_model._sampling import draw
from skxent.linear_model._surrogate import curved_rows

__all__ = ["Bound", "NewtonBound", "above_targets"]

# Largest entry of a gradient that is zero but for rounding, in columns of deviation 1.
_ZERO = 10 * float(np.finfo(np.float64).eps)
# Rounding errors of the objective that it may be below the least value there is.
_BELOW = 100
# Share of the first residual's size that is rounding: the Newton step is found.
_SOLVED = 1e-12
# Least eigenvalue of a preconditioned Hessian that is reckoned with, as a share of the largest.
_UNSEEN = 1e-8
# Share of the sum known so far that the rest may be where there are so few weights that all can be known.
_WHOLE = 1e-4
# Ratio of two least Ritz values beyond which the rest is unknown anyway: its powers stay finite.
_STEEPEST = 1e9


class Bound(NamedTuple):
    """What is known of the way to the minimum.

    Attributes
    ----------
    excess : float
        How far above the minimum the objective is at most; infinite where it curves downwards.
    step : ndarray
        A Newton step, or a direction along which the objective curves downwards.
    blocks : OutputBlocks or None, default=None
        Multiplies by the inverses of the exact blocks of the outputs, if they were made: added to a preconditioner,
        they show it the directions that it is blind to.
    """

    excess: float
    step: Array
    blocks: OutputBlocks | None = None


@dataclass(frozen=True, repr=False)
class NewtonBound(Parameters):
    """Upper bounds on the distance from the minimum.

    Parameters
    ----------
    rows_per_column, min_rows : int, default=8, 4000
        Rows that make the Hessian, for each column and at least; all if there are no more.
    drawn : int, default=4
        Rows drawn at random for each of those rows, which are then chosen among them by their curvature.
    more_rows : int, default=4
        If these rows curve downwards somewhere, so many times as many are taken, at last all: with a loss that is not
        convex a part of the rows can curve downwards where all together do not.
    max_products : int, default=30
        Largest number of products by the Hessian. Where there are no more weights than that, they go on until hardly
        anything is unknown.
    min_products : int, default=3
        Least number: with fewer the least Ritz value says little.
    iterations_per_product : int, default=16
        A fit that took many iterations has directions that are hard to find: there is at least one product for so many
        iterations, and at most two.
    safety : float, default=4.0
        Factor on the rest, since the least Ritz value is above the least eigenvalue.
    trend : float, default=6.0
        Power of the ratio of the last two least Ritz values that is a factor on the rest if it is more: while they
        fall, the least eigenvalue is far below. Measured on MNIST, where they fall to the end.
    sharpness : float, default=0.55
        Power of the share of the last residual in the last direction that is a factor on the rest: with 1 the bound is
        as sharp as it can be, with the least eigenvalue known. Of random problems (``benchmarks/optimum.py``) two of
        440 were further than 1e-4 from the optimum and than the bound allowed with 1, one of 740 with 0.75, two of 250
        with this. Exact blocks of the outputs mended these; with them and this it was two of 1,300, both with fewer
        rows than columns in different units, which the row space mended.
    unknown : float, default=0.1
        Share of the sum known so far that the rest may be at the end.
    iterations_per_block_product : int, default=4
        Exact blocks of the outputs may take as long as one product for so many iterations, and at least as long as the
        least number of products. So may the bound of a fit that ends for want of iterations.
    doubt : float, default=10
        A bound that is enough, but by no more than this factor, is computed again with exact blocks of the outputs, if
        they take no longer than one product for each iteration of the fit.
    memory_share : float, default=0.1
        Share of the bytes of the data that exact blocks of the outputs may take.
    min_memory : float, default=3.2e7
        Bytes that they may always take.
    """

    rows_per_column: int = 8
    min_rows: int = 4_000
    drawn: int = 4
    more_rows: int = 4
    max_products: int = 30
    min_products: int = 3
    iterations_per_product: int = 16
    safety: float = 4.0
    trend: float = 6.0
    sharpness: float = 0.55
    unknown: float = 0.1
    iterations_per_block_product: int = 4
    doubt: float = 10.0
    memory_share: float = 0.1
    min_memory: float = 32_000_000

    def in_passing(self, n_iter: int) -> NewtonBound:
        """Return rules for a fit cut off after so many iterations, which needs no sharp bound: few products."""
        most = max(self.min_products, n_iter // self.iterations_per_block_product)
        return replace(self, max_products=min(most, self.max_products))

    def __call__(
        self,
        objective: Any,
        w: Array,
        gradient: Array,
        precondition: Callable[[Array], Array],
        enough: float,
        n_iter: int = 0,
    ) -> Bound:
        """Bound the distance of an objective from its minimum.

        Parameters
        ----------
        objective : Objective
            The objective.
        w : ndarray of shape (n_features + 1, n_outputs)
            Where.
        gradient : ndarray of the shape of `w`
            Gradient there.
        precondition : callable
            Multiplies by an approximate inverse Hessian, symmetric and positive.
        enough : float
            A bound below this need not be sharper.
        n_iter : int, default=0
            Iterations that the fit took.
        """
        least = max(self.min_products, n_iter // self.iterations_per_product)
        if np.abs(gradient).max() <= _ZERO:
            return Bound(0.0, np.zeros_like(gradient))
        # A Hessian with directions that are hard to find needs more rows, too.
        size = int(max(self.min_rows, self.rows_per_column * len(w)) * least / self.min_products)
        while True:
            drawn = draw(objective, self.drawn * size)
            part = curved_rows(drawn, w, size).together() if size < drawn.n_rows else drawn
            blocks = self._blocks(part, w, max(least, n_iter // self.iterations_per_block_product))
            bound = self._with_blocks(blocks, part, w, gradient, precondition, enough, least)
            if blocks is None and bound.excess <= enough < self.doubt * bound.excess:
                blocks = self._blocks(part, w, n_iter)
                if blocks is not None:
                    bound = self._with_blocks(blocks, part, w, gradient, precondition, enough, least)
            if np.isfinite(bound.excess) or part is drawn:
                excess = bound.excess if bound.excess <= enough else min(bound.excess, above_targets(objective, w))
                return bound._replace(excess=excess)
            size *= self.more_rows

    def _blocks(self, objective: Any, w: Array, most_products: int) -> OutputBlocks | None:
        """Return the exact blocks of the outputs where they take no longer than so many products, or None."""
        most_bytes = max(self.memory_share * objective.rows.nbytes, self.min_memory)
        return affordable_blocks(objective, w, most_products, most_bytes)

    def _with_blocks(
        self,
        blocks: OutputBlocks | None,
        objective: Any,
        w: Array,
        gradient: Array,
        precondition: Callable[[Array], Array],
        enough: float,
        least: int,
    ) -> Bound:
        """Return the bound by the Hessian of an objective, the blocks added to the preconditioner."""
        inverse = precondition if blocks is None else added(precondition, blocks)
        bound = self._within(objective, w, _ConjugateGradients(gradient, inverse, self), enough, least)
        return bound._replace(blocks=blocks)

    def _within(self, objective: Any, w: Array, search: _ConjugateGradients, enough: float, least: int) -> Bound:
        """Return the bound by the Hessian of an objective, after at least so many products."""
        most = max(self.max_products, 2 * least)
        few = w.size <= self.max_products
        unknown = _WHOLE if few else self.unknown
        with np.errstate(over="ignore", invalid="ignore"):  # far from the minimum there may be no bound
            while search.goes_on and search.n_products < most:
                search.advance(partial(objective.hessian_product, w))
                sharp = (search.excess <= enough and not few) or search.rest <= unknown * search.known
                if (sharp and search.n_products >= least) or search.most <= enough:
                    break
            if search.excess > enough and np.isfinite(search.step).all():
                # The sum of the largest changes along the way is more than the change in all.
                search.reach = min(search.reach, _reach(objective, w, search.step))
            return Bound(np.inf if np.isnan(search.excess) else search.excess, search.step)


class _ConjugateGradients:
    """Conjugate gradients for a Newton step, and what they say of its length."""

    def __init__(self, gradient: Array, precondition: Callable[[Array], Array], rules: NewtonBound) -> None:
        self.rules = rules
        self.precondition = precondition
        self.residual = gradient.copy()
        self.direction = precondition(gradient).astype(gradient.dtype, copy=False)
        self.size = float(np.vdot(gradient, self.direction))
        self.first_size = self.size
        self.step = np.zeros_like(gradient)
        self.known, self.rest, self.most, self.reach = 0.0, np.inf, np.inf, 0.0
        self.least = np.inf
        self.turned = 1.0  # share of the residual in the direction
        self.lengths: list[float] = []
        self.ratios: list[float] = []
        self.goes_on = self.size > 0

    @property
    def n_products(self) -> int:
        """Number of products used."""
        return len(self.lengths)

    @property
    def excess(self) -> float:
        """Bound on the distance from the minimum."""
        if not self.residual.any():
            return _factor(self.reach) * self.known
        return _factor(self.reach) * (self.known + self.rest)

    def advance(self, multiply: Callable[[Array], tuple[Array, float]]) -> None:
        """Take in the product of the Hessian and the direction, and how much a logit changes along it."""
        product, logit_change = multiply(self.direction)
        curvature = float(np.vdot(self.direction, product))
        if not curvature > 0:
            self.goes_on = False
            if self.size > _SOLVED * self.first_size:
                self.rest, self.step = np.inf, -self.direction
            return
        length = self.size / curvature
        self.known += length * self.size
        self.reach += 2 * length * logit_change
        self.step -= length * self.direction
        product *= length
        self.residual -= product
        del product  # as large as the weights
        solved = self.precondition(self.residual)
        size = max(float(np.vdot(self.residual, solved)), 0.0)
        self.lengths.append(length)
        self.ratios.append(size / self.size)
        self.direction *= self.ratios[-1]
        self.direction += solved
        self.size = size
        (least, largest), before = self._ritz_values(), self.least
        self.most = size / (_UNSEEN * largest)
        self.turned /= self.turned + self.ratios[-1]
        factor = max(self.rules.safety, min(before / least, _STEEPEST) ** self.rules.trend)
        self.rest = min(self.turned**self.rules.sharpness * size / least * factor, self.most)
        self.least = least
        self.goes_on = size > _SOLVED * self.first_size

    def _ritz_values(self) -> tuple[float, float]:
        """Return the least and the largest eigenvalue of the tridiagonal matrix of these conjugate gradients."""
        inverse, ratios = 1 / np.array(self.lengths), np.array(self.ratios[:-1])
        diagonal = inverse.copy()
        diagonal[1:] += ratios * inverse[:-1]
        beside = np.sqrt(ratios) * inverse[:-1]
        matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        values = np.maximum(np.linalg.eigvalsh(matrix), np.finfo(float).tiny)
        return float(values[0]), float(values[-1])


def _reach(objective: Any, w: Array, step: Array) -> float:
    """Return how far logits go along a step, where the loss is not convex the farthest two from one another at most."""
    if is_convex(objective.problem, objective.rows.n_outputs):
        return float(objective.mean_change(w, step))
    return float(2 * objective.largest_change(step))


def above_targets(objective: Any, w: Array) -> float:
    """Return how far an objective is above the value that no model goes below, infinite if none is known."""
    if not (rests_at_targets(objective.problem, w.shape[1]) and is_convex(objective.problem, w.shape[1])):
        return np.inf
    value = objective.value(w)
    rounding = float(objective.eps * abs(value))
    above = float(value - objective.value_at_targets())
    # Below it the gradient is that of another loss.
    return max(above, rounding) if above > -_BELOW * rounding else np.inf


def _factor(reach: float) -> float:
    """Return what turns the product into a bound: a half if logits hardly change."""
    if reach < 1e-3:
        return 0.5
    if reach >= 1:
        return reach * reach * reach  # a power would raise an OverflowError
    return float((reach + (1 - reach) * np.log1p(-reach)) / reach**2)
