r"""An approximate inverse of the objective's Hessian, from a sample of the rows.

For output :math:`k` the Hessian has the diagonal block

.. math::
    H_k = \frac{1}{\sum_i w_i} \sum_i w_i\, d_{ik}\, \tilde x_i \tilde x_i^\top + \alpha D, \qquad \tilde x = (x, 1),

with :math:`D` the identity but for a 0 at the intercept, and :math:`d_{ik}` the second derivative of the row's loss
with respect to its score, :math:`p_{ik} (1 - p_{ik})` for the cross-entropy. For any loss it comes from central
differences of the gradient, with the model's own probabilities as targets: there a proper loss has its minimum, so
the curvature is not negative.

A few thousand rows, drawn as often as their weights say, give the blocks well enough. Each block is scaled to a unit
diagonal and inverted by its Cholesky factor, in rectangular full packed format [1]_; kept is the inverse, as a packed
triangle, half the memory of a matrix. At first one block serves all outputs, with
:math:`d_i` averaged over them, which costs as much as a few gradients; once the probabilities have taken shape, a block
for each output pays. Where the blocks would be large against the data (wide or sparse data), only the diagonal is
used.

Two details matter. A column that the sample has hardly seen takes its second moment from all rows, or the step along
it would be far too long. And every row counts with some curvature, however sure the model is of it.

References
----------
.. [1] F. G. Gustavson et al., "Rectangular Full Packed Format for Cholesky's Algorithm", 2010,
   :doi:`10.1145/1731022.1731028`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs

from skxent.losses import Array

if TYPE_CHECKING:
    from skxent.objective import Block, Objective

__all__ = ["Preconditioner", "precondition"]

Preconditioner = Callable[[Array], Array]

# Blocks may take this share of the data's memory, or what no machine misses.
_MEMORY_SHARE = 0.1
_MEMORY_FREE = 8_000_000
# Sampled rows for each column, and at the least.
_ROWS_PER_COLUMN = 8
_MIN_ROWS = 4_000
# Sampled rows for the outputs' mean curvatures, where columns have none of their own.
_DIAGONAL_ROWS = 1_000
# Rows gathered at a time.
_GATHER = 512
# Step of the central differences in the scores, and the least curvature of a row against the mean.
_STEP = 1e-3
_FLAT = 1e-3
# Directions that stand for all outputs.
_DIRECTIONS = 4
# Added to the unit diagonal, in rounding errors: enough for collinear columns.
_RIDGE = 100
# A column is rare if the sample has less than this share of its second moment.
_RARE = 0.25


def precondition(objective: Objective, w: Array, *, refine: bool) -> Preconditioner:
    """Return a function that multiplies a gradient by an approximate inverse Hessian.

    Parameters
    ----------
    objective : Objective
        Its data, penalty and output layer make the Hessian.
    w : ndarray of shape (n_features + 1, n_outputs)
        Where to take it.
    refine : bool
        Whether to use a block for each output rather than one for all, where memory allows.

    Returns
    -------
    callable
        Takes and returns arrays of the shape of `w`; linear, symmetric and positive.
    """
    wanted = (objective.n_outputs, 1) if refine else (1,)
    n_blocks = next((n for n in wanted if _affordable(objective, n)), None)
    if n_blocks is None:
        return _diagonal(objective, w)
    sample = _sample(objective)
    curvature = _curvature(sample, w, n_blocks)
    rare = _rare_moments(objective, sample)
    inverses = objective.ordered_map(lambda d: _inverse(sample, d, rare), curvature.T)
    return _Blocks(list(inverses), objective.activation.shift_invariant)


class _Blocks:
    """Multiplies by the inverse of one block for all outputs, or of one for each."""

    def __init__(self, inverses: list[_Inverse], shift_invariant: bool) -> None:
        self.inverses = inverses
        self.shift_invariant = shift_invariant

    def __call__(self, gradient: Array) -> Array:
        n_blocks, n_outputs = len(self.inverses), gradient.shape[1]
        step = np.empty_like(gradient)
        for output in range(n_outputs):
            step[:, output] = self.inverses[output % n_blocks](gradient[:, output])
        if self.shift_invariant:
            # Adding a constant to every score changes nothing: intercepts need not drift that way.
            step[-1] -= step[-1].mean()
        return step


class _Inverse:
    """Inverse of a positive semidefinite matrix, computed and kept for the matrix scaled to a unit diagonal.

    The matrix comes as its upper triangle in Fortran order, and is overwritten.
    """

    def __init__(self, matrix: Array) -> None:
        diagonal = matrix.diagonal()
        self.scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))
        matrix *= self.scale
        matrix *= self.scale[:, np.newaxis]
        lapack: Any = get_lapack_funcs(("trttf", "pftrf", "pftri", "tfttp"), (matrix,))
        pack, factorize, invert, unpack = lapack
        self._multiply: Any = get_blas_funcs("spmv", (matrix,))
        n, ridge, failed = len(matrix), _RIDGE * np.finfo(matrix.dtype).eps, True
        while failed:
            np.fill_diagonal(matrix, 1 + ridge)
            factor, failed = factorize(n, pack(matrix)[0], overwrite_a=True)
            ridge *= 10
        self.packed = unpack(n, invert(n, factor, overwrite_a=True)[0])[0]

    def __call__(self, vector: Array) -> Array:
        product: Array = self.scale * self._multiply(len(self.scale), 1.0, self.packed, self.scale * vector)
        return product


def _affordable(objective: Objective, n_blocks: int) -> bool:
    X = objective.X
    stored = X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes
    square = (X.shape[1] + 1) ** 2 * X.dtype.itemsize
    peak = n_blocks * square / 2 + 1.5 * square  # those kept, in packed form, and one in the making
    return bool(peak <= max(_MEMORY_SHARE * stored, _MEMORY_FREE))


def _sample(objective: Objective) -> Objective:
    """Return the objective of the rows that stand for all."""
    return objective.draw(max(_MIN_ROWS, _ROWS_PER_COLUMN * objective.X.shape[1]))


def _chunks(sample: Objective) -> list[slice]:
    """Cut a sample into pieces that fit a cache, since its rows need not be in memory all at once."""
    n_rows = sample.n_rows
    return [slice(start, min(start + _GATHER, n_rows)) for start in range(0, n_rows, _GATHER)]


def _curvature(sample: Objective, w: Array, n_blocks: int) -> Array:
    """Curvature of each sampled row, of shape (n_rows, n_blocks), weighted to add up to a mean over all rows.

    By central differences of the gradient with the model's own probabilities as targets, where any proper loss is
    convex. For one block it is the mean over the outputs, by a few directions at right angles if there are many.
    """
    z = np.vstack([sample.scores(sample.take(chunk), w) for chunk in _chunks(sample)]).astype(np.float64, order="F")
    directions = np.eye(sample.n_outputs)
    if n_blocks == 1 and sample.n_outputs > _DIRECTIONS:
        gaussian = np.random.default_rng(0).standard_normal((sample.n_outputs, _DIRECTIONS))
        directions = np.linalg.qr(gaussian)[0].T
    by_direction = sample.ordered_map(lambda direction: _second_difference(sample, z, direction), directions)
    curvature = np.stack(list(by_direction), axis=1)
    if n_blocks == 1:
        curvature = curvature.mean(axis=1, keepdims=True)
    weight = sample.weights()
    weight /= weight.sum()
    curvature = np.maximum(curvature, _FLAT * (weight @ curvature))
    return (weight[:, np.newaxis] * curvature).astype(sample.X.dtype)


def _second_difference(objective: Objective, z: Array, direction: Array) -> Array:
    """Second derivative of each row's loss along a direction of its scores."""
    target = objective.activation.probabilities(z)
    slopes = [
        (objective.activation.loss_and_gradient(objective.loss, target, z + h * direction)[1] * direction).sum(axis=1)
        for h in (_STEP, -_STEP)
    ]
    difference: Array = (slopes[0] - slopes[1]) / (2 * _STEP)
    return difference


def _column_moments(objective: Objective) -> Array:
    """Mean square of each column."""
    (total,) = objective.sum_over_rows(lambda block: (_squares(block),))
    moments: Array = total / objective.total_weight
    return moments


def _squares(block: Block) -> Array:
    X, weight = block.X, block.weight
    if isinstance(X, np.ndarray):
        return np.einsum("ij,ij->j", X, X if weight is None else X * weight[:, np.newaxis])
    return np.asarray(X.power(2).T @ (np.ones(X.shape[0]) if weight is None else weight))


def _inverse(sample: Objective, curvature: Array, rare: Array) -> _Inverse:
    """Return the inverse of the block with this curvature of the rows."""
    n, dtype = sample.X.shape[1] + 1, sample.X.dtype
    block = np.zeros((n, n), dtype, order="F")
    add_products: Any = get_blas_funcs("syrk", (block,))
    root = np.sqrt(curvature)[:, np.newaxis]
    for chunk in _chunks(sample):
        X = sample.take(chunk).X
        rows = np.full((X.shape[0], n), float(sample.fit_intercept), dtype)
        rows[:, :-1] = X if isinstance(X, np.ndarray) else X.toarray()
        rows *= root[chunk]
        block = add_products(1.0, rows.T, beta=1.0, c=block, overwrite_c=True)
    block[np.diag_indices(n - 1)] += curvature.sum() * rare + sample.alpha
    return _Inverse(block)


def _rare_moments(objective: Objective, sample: Objective) -> Array:
    """Second moments of the columns that the sample has hardly seen, zero for the others."""
    if sample is objective:
        return np.zeros(objective.X.shape[1])
    everywhere, sampled = _column_moments(objective), _column_moments(sample)
    return np.where(sampled < _RARE * everywhere, everywhere, 0)


def _diagonal(objective: Objective, w: Array) -> Preconditioner:
    """Divide by the diagonal, taken as the column's mean square times the output's mean curvature."""
    moments = _column_moments(objective)
    curvature = _curvature(objective.draw(_DIAGONAL_ROWS), w, objective.n_outputs).sum(axis=0)
    diagonal = np.vstack([np.outer(moments, curvature) + objective.alpha, curvature])
    inverse = 1 / np.maximum(diagonal, np.finfo(w.dtype).eps * diagonal.max())
    return lambda gradient: inverse * gradient
