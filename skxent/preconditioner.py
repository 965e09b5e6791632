r"""An approximate inverse of the objective's Hessian, from a sample of the rows.

For output :math:`k` the Hessian has the diagonal block

.. math::
    H_k = \frac{1}{\sum_i w_i} \sum_i w_i\, d_{ik}\, \tilde x_i \tilde x_i^\top + \alpha D, \qquad \tilde x = (x, 1),

with :math:`D` the identity but for a 0 at the intercept, and :math:`d_{ik}` the second derivative of the row's loss
with respect to its score, :math:`p_{ik} (1 - p_{ik})` for the cross-entropy. For any loss it comes from central
differences of the gradient, with the model's own probabilities as targets: there a proper loss has its minimum, so
the curvature is not negative.

Two rows a column give a block well enough if they are the right ones: they are drawn with a chance in proportion to
:math:`w_i p_{ik} (1 - p_{ik})`, so that no work goes to rows of which the model is sure [1]_. Each block is scaled to a
unit diagonal and inverted by its Cholesky factor, in rectangular full packed format [2]_; kept is the inverse, as a
packed triangle, half the memory of a matrix. At first one block serves all outputs, with :math:`d_i` averaged over
them; once the probabilities have taken shape, a block for each output pays.

Where blocks of all columns would be large against the data (wide or sparse data), the columns with the largest second
moments get them, and the others a diagonal. In text that is most of the way: frequent words are
correlated and curve the loss, rare words hardly meet and feel the penalty more than the loss.

Three details matter, or some steps would be far too long. A column that the sample has hardly seen takes its second
moment from all rows. The diagonal is raised by its relative sampling variance, since columns on which only a few of the
drawn rows bear look collinear for no other reason. And every row counts with some curvature, however sure the model is
of it.

References
----------
.. [1] P. Xu, J. Yang, F. Roosta-Khorasani, C. Ré, M. W. Mahoney, "Sub-sampled Newton Methods with Non-uniform
   Sampling", 2016, :doi:`10.48550/arXiv.1607.00559`
.. [2] F. G. Gustavson et al., "Rectangular Full Packed Format for Cholesky's Algorithm", 2010,
   :doi:`10.1145/1731022.1731028`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, get_blas_funcs, get_lapack_funcs
from sklearn.utils import gen_batches

from skxent._typing import Array

if TYPE_CHECKING:
    from skxent.objective import Block, Objective

__all__ = ["Preconditioner", "precondition"]

Preconditioner = Callable[[Array], Array]

# Blocks may take this share of the data's memory, or what no machine misses.
_MEMORY_SHARE = 0.1
_MEMORY_FREE = 4_000_000
# Columns in the blocks where not all can be, at the most, the rows that each needs there, and outputs with own blocks.
_MAX_HEAVY, _HEAVY_ROWS = 256, 16
_MAX_BLOCKS = 100
# Rows for each column, and at the least: in the sample, and in a block.
_SAMPLE_ROWS, _SAMPLE_MIN = 8, 4_000
_BLOCK_ROWS, _BLOCK_MIN = 2, 1_000
# Entries gathered at a time: for each byte of the data, at the least and at the most. They fit a cache.
_GATHER = 1 / 250, 100_000, 200_000
# Columns multiplied with the others at a time, so that there is no second matrix.
_PANEL = 256
# Scores bent at a time, in double precision and with several arrays like them.
_SCORES = 16_000
# Step of the central differences in the scores, and the least curvature of a row against the mean.
_STEP = 1e-3
_FLAT = 1e-3
# Directions that stand for all outputs.
_DIRECTIONS = 4
# Added to the unit diagonal, in rounding errors: enough for collinear columns.
_RIDGE = 100
# How many times its relative sampling variance raises a diagonal entry.
_NOISE = 4
# Rows, where there are fewer of them than columns, up to which the blocks are inverted in the space of the rows.
_DUAL_ROWS = 1_000
# Least penalty there, against the mean curvature: leaves half the digits.
_DUAL_RIDGE = 1e-8
# Relative sampling variance, times that, which does no harm.
_NOISE_FREE = 0.05
# A column is rare if the sample has less than this share of its second moment.
_RARE = 0.25


def precondition(objective: Objective, w: Array, *, refine: bool, rows: float = 1) -> Preconditioner:
    """Return a function that multiplies a gradient by an approximate inverse Hessian.

    Parameters
    ----------
    objective : Objective
        Its data, penalty and output layer make the Hessian.
    w : ndarray of shape (n_features + 1, n_outputs)
        Where to take it.
    refine : bool
        Whether to use a block for each output rather than one for all, where memory allows.
    rows : float, default=1
        How many times as many rows to use as at first.

    Returns
    -------
    callable
        Takes and returns arrays of the shape of `w`; linear, symmetric and positive.
    """
    moments = _column_moments(objective)
    if objective.n_rows <= min(len(moments), _DUAL_ROWS):
        return _Dual(objective, w, refine=refine)
    n_blocks, heavy = _layout(objective, moments, refine)
    sample = _Sample(objective, w, n_blocks, heavy, moments, rows)
    inverses, curvatures = zip(*objective.workers.map(sample.block, range(n_blocks)), strict=True)
    light = None if heavy is None else _inverse_diagonal(moments, np.array(curvatures), objective)
    return _Blocks(inverses, heavy, light, objective.activation.shift_invariant)


class _Blocks:
    """Multiplies by the inverse of one block for all outputs or of one for each, and of a diagonal for light columns.

    Parameters
    ----------
    inverses : sequence of _Inverse
        One, or one for each output.
    heavy : ndarray of shape (n_heavy,) or None
        Columns in the blocks; None for all.
    light : ndarray of shape (n_features + 1, n_blocks) or None
        Inverse diagonal, for the other columns.
    shift_invariant : bool
        Whether a constant added to all scores changes nothing.
    """

    def __init__(
        self, inverses: Sequence[_Inverse], heavy: Array | None, light: Array | None, shift_invariant: bool
    ) -> None:
        self.inverses = inverses
        self.rows = slice(None) if heavy is None else np.append(heavy, -1)
        self.light = light
        self.shift_invariant = shift_invariant

    def __call__(self, gradient: Array) -> Array:
        heavy = gradient[self.rows]
        solved = np.empty_like(heavy)
        for output in range(heavy.shape[1]):
            solved[:, output] = self.inverses[output % len(self.inverses)](heavy[:, output])
        if self.shift_invariant:
            # Adding a constant to every score changes nothing: intercepts need not drift that way.
            solved[-1] -= solved[-1].mean()
        step: Array = solved
        if self.light is not None:
            step = self.light * gradient
            step[self.rows] = solved
        if self.shift_invariant:
            # The other outputs fall as one rises, so that the loss curves more than a block says; for two by twice.
            step *= 1 - 1 / gradient.shape[1]
        return step


class _Dual:
    r"""Multiplies by the inverse of one block for all outputs or of one for each, where there are fewer rows than columns.

    With :math:`\Lambda` the penalty and :math:`D` the rows' weights times their curvature,

    .. math::
        (X^\top D X + \Lambda)^{-1} = \Lambda^{-1} - \Lambda^{-1} X^\top D^{1/2}
        (I + D^{1/2} X \Lambda^{-1} X^\top D^{1/2})^{-1} D^{1/2} X \Lambda^{-1},

    so that what is inverted has the size of the rows. All in double precision, since the difference may be small.
    """

    def __init__(self, objective: Objective, w: Array, *, refine: bool) -> None:
        self.objective = objective
        everything = slice(0, objective.n_rows)
        z = objective.scores(everything, w)
        n_blocks = objective.n_outputs if refine and objective.n_outputs <= _MAX_BLOCKS else 1
        weight = objective.weights()
        weight /= weight.sum()
        curvatures = np.empty((objective.n_rows, n_blocks))
        for block, directions in enumerate(_directions(objective.n_outputs, n_blocks)):
            curvatures[:, block] = _curvature(objective, z, directions)
        means = weight @ np.abs(curvatures)
        np.maximum(curvatures, _FLAT * means + np.finfo(np.float64).tiny, out=curvatures)
        self.roots = np.sqrt(weight[:, np.newaxis] * curvatures)
        mean = float((weight @ curvatures).mean())
        self.penalty = np.maximum(objective.penalty, _DUAL_RIDGE * mean)
        self.intercept_penalty = _FLAT * mean
        gram = self._gram()
        self.factors = [self._factor(gram, root) for root in self.roots.T]

    def __call__(self, gradient: Array) -> Array:
        solved = gradient.astype(np.float64)
        self._divide(solved)
        inner = self._rows(solved)
        for output in range(inner.shape[1]):
            block = output % len(self.factors)
            root = self.roots[:, block]
            inner[:, output] = root * cho_solve(self.factors[block], root * inner[:, output])
        taken = self._back(inner)
        self._divide(taken)
        solved -= taken
        if self.objective.activation.shift_invariant:
            solved[-1] -= solved[-1].mean()
            solved *= 1 - 1 / gradient.shape[1]
        step: Array = solved.astype(gradient.dtype)
        return step

    def _divide(self, w: Array) -> None:
        w[:-1] /= self.penalty[:, np.newaxis]
        w[-1] /= self.intercept_penalty

    def _factor(self, gram: Array, root: Array) -> Any:
        matrix = root[:, np.newaxis] * gram * root
        matrix[np.diag_indices(len(root))] += 1
        return cho_factor(matrix, lower=True, overwrite_a=True)

    def _chunks(self) -> Iterator[tuple[slice, Array]]:
        """Yield columns, as they are here, in double precision."""
        everything = slice(0, self.objective.n_rows)
        for columns in gen_batches(len(self.penalty), _PANEL):
            yield columns, self.objective.columns(everything, columns).astype(np.float64)

    def _gram(self) -> Array:
        n_rows = self.objective.n_rows
        gram = np.full((n_rows, n_rows), self.objective.fit_intercept / self.intercept_penalty)
        for columns, X in self._chunks():
            X /= np.sqrt(self.penalty[columns])
            gram += X @ X.T
        return gram

    def _rows(self, w: Array) -> Array:
        product = np.tile(w[-1] * self.objective.fit_intercept, (self.objective.n_rows, 1))
        for columns, X in self._chunks():
            product += X @ w[columns.start : columns.stop]
        return product

    def _back(self, rows: Array) -> Array:
        w = np.empty((len(self.penalty) + 1, rows.shape[1]))
        for columns, X in self._chunks():
            w[columns.start : columns.stop] = X.T @ rows
        w[-1] = rows.sum(axis=0) * self.objective.fit_intercept
        return w


class _Inverse:
    """Inverse of a positive semidefinite matrix, computed and kept for the matrix scaled to a unit diagonal.

    Only its lower half counts; it is overwritten.
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
            factor, failed = factorize(n, pack(matrix.T)[0], overwrite_a=True)
            ridge *= 10
        self.packed = unpack(n, invert(n, factor, overwrite_a=True)[0])[0]

    def __call__(self, vector: Array) -> Array:
        product: Array = self.scale * self._multiply(len(self.scale), 1.0, self.packed, self.scale * vector)
        return product


class _Sample:
    """Rows that stand for all, and the blocks that they make.

    Parameters
    ----------
    objective : Objective
        What to sample.
    w : ndarray of shape (n_features + 1, n_outputs)
        Where.
    n_blocks : int
        One for all outputs, or one for each.
    heavy : ndarray or None
        Columns in the blocks; None for all.
    moments : ndarray of shape (n_features,)
        Mean square of each column over all rows.
    times : float
        How many times as many rows to use as at first.
    """

    def __init__(
        self, objective: Objective, w: Array, n_blocks: int, heavy: Array | None, moments: Array, times: float
    ) -> None:
        self.times = times
        self.columns: Any = slice(None) if heavy is None else heavy
        self.n_columns = len(moments[self.columns])
        entries_per_row = objective.nbytes // (objective.X.shape[0] * objective.X.dtype.itemsize)
        self.gather = max(1, int(objective.scaled(*_GATHER)) // max(1, self.n_columns, entries_per_row))
        self.n_everywhere = objective.n_rows
        self.rows = objective.draw(int(times * max(_SAMPLE_MIN, _SAMPLE_ROWS * self.n_columns)))
        self.directions = _directions(objective.n_outputs, n_blocks)
        weight = self.rows.weights()
        self.weight = weight / weight.sum()
        self.z = np.empty((self.rows.n_rows, objective.n_outputs), objective.X.dtype, order="F")
        self.spread = np.empty((self.rows.n_rows, n_blocks), objective.X.dtype)
        self._map(lambda rows: self._score(rows, w))
        np.maximum(self.spread, _FLAT * (self.weight @ self.spread) + np.finfo(self.z.dtype).tiny, out=self.spread)
        self.moments = self._moments(moments[self.columns])

    def block(self, index: int) -> tuple[_Inverse, float]:
        """Return the inverse of a block, and the mean curvature of the rows."""
        rows, share = self._draw(index)
        chunks = gen_batches(len(rows), max(1, _SCORES // self.z.shape[1]))
        curvature = np.concatenate([_curvature(self.rows, self.z[rows[c]], self.directions[index]) for c in chunks])
        curvature = np.maximum(curvature, _FLAT * (share @ curvature))
        by_spread, by_curvature = share * self.spread[rows, index], share * curvature
        matrix, seen, squares = self._sums(rows, by_spread, by_curvature)
        scale = by_curvature.sum() / by_spread.sum()
        missed = np.where(seen < _RARE * self.moments[:, index], scale * self.moments[:, index], 0)
        diagonal = matrix.diagonal()[:-1]
        noise = np.divide(squares, diagonal, out=np.zeros_like(squares), where=diagonal > 0)
        noise *= _NOISE * (1 - len(rows) / self.n_everywhere)
        noise = np.maximum(noise - _NOISE_FREE * diagonal, 0)
        matrix[np.diag_indices(self.n_columns)] += missed + noise + self.rows.penalty[self.columns]
        return _Inverse(matrix), by_curvature.sum()

    def _sums(self, rows: Array, by_spread: Array, by_curvature: Array) -> tuple[Array, Array, Array]:
        """Return sums over some rows: half the matrix of products, the squares by column, and those of the products."""
        n, dtype = self.n_columns + 1, self.z.dtype
        matrix, seen, squares = np.zeros((n, n), dtype), np.zeros(n - 1), np.zeros(n - 1)
        for chunk in gen_batches(len(rows), self.gather):
            X = np.full((len(rows[chunk]), n), float(self.rows.fit_intercept), dtype)
            X[:, :-1] = self._take(rows[chunk])
            seen += by_spread[chunk].astype(dtype) @ np.square(X[:, :-1])
            X *= np.sqrt(by_curvature[chunk, np.newaxis]).astype(dtype)
            squares += np.square(np.square(X[:, :-1])).sum(axis=0)
            for columns in gen_batches(n, _PANEL):
                matrix[columns.start :, columns] += X[:, columns.start :].T @ X[:, columns]
        return matrix, seen, squares

    def _map(self, function: Callable[[slice], Any]) -> list[Any]:
        return list(self.rows.workers.map(function, gen_batches(self.rows.n_rows, self.gather)))

    def _take(self, rows: slice | Array) -> Array:
        """Return the columns of the blocks in some rows."""
        return self.rows.columns(rows, self.columns)

    def _score(self, rows: slice, w: Array) -> None:
        """Set the scores, and for each block p (1 - p): the curvature of the cross-entropy, a guess at any loss's."""
        self.z[rows] = z = self.rows.scores(rows, w)
        spread = self.rows.activation.variances(z)
        self.spread[rows] = spread.mean(axis=1, keepdims=True) if self.spread.shape[1] == 1 else spread

    def _moments(self, everywhere: Array) -> Array:
        """Return the columns' mean squares, each row weighted by its spread, of shape (n_columns, n_blocks).

        Where the sample has hardly seen a column, they come from all rows.
        """
        weights = np.empty((len(self.z), 1 + self.spread.shape[1]), self.z.dtype)
        weights[:, 0] = self.weight
        np.multiply(self.weight[:, np.newaxis], self.spread, out=weights[:, 1:], casting="same_kind")
        sums = np.sum(self._map(lambda rows: np.square(self._take(rows)).T @ weights[rows]), axis=0)
        sampled, by_spread = sums[:, :1], sums[:, 1:]
        everywhere = everywhere[:, np.newaxis]
        return np.where(sampled < _RARE * everywhere, everywhere * weights[:, 1:].sum(axis=0), by_spread)

    def _draw(self, index: int) -> tuple[Array, Array]:
        """Return the rows of a block, and the share that each stands for in a mean over all.

        The rows lie evenly spaced along the cumulative weighted spread: importance sampling with little noise.
        """
        size = int(self.times * max(_BLOCK_MIN, _BLOCK_ROWS * self.n_columns))
        if size >= len(self.z):
            return np.arange(len(self.z)), self.weight
        ends = np.cumsum(self.weight * self.spread[:, index])
        spacing = ends[-1] / size
        rows = np.searchsorted(ends, spacing * (np.arange(size) + 0.5))
        return rows, spacing / self.spread[rows, index]


def _layout(objective: Objective, moments: Array, refine: bool) -> tuple[int, Array | None]:
    """Return how many blocks there are to be, and which columns are in them, None for all."""
    many = objective.n_outputs if refine and objective.n_outputs <= _MAX_BLOCKS else 1
    for n_blocks in (many, 1):
        if _affordable_columns(objective, n_blocks) >= len(moments):
            return n_blocks, None
    n_heavy = min(_affordable_columns(objective, many), _MAX_HEAVY, objective.n_rows // _HEAVY_ROWS)
    return many, np.sort(np.argpartition(-moments, n_heavy)[:n_heavy])


def _affordable_columns(objective: Objective, n_blocks: int) -> int:
    """Return how many columns so many blocks may have: they are kept packed, and one in the making is two squares."""
    entries = max(_MEMORY_SHARE * objective.nbytes, _MEMORY_FREE) / objective.X.dtype.itemsize
    return int(np.sqrt(entries / (n_blocks / 2 + 2))) - 1


def _directions(n_outputs: int, n_blocks: int) -> list[Array]:
    """Return for each block the directions of the scores along which the loss curves, at right angles to each other."""
    units = np.eye(n_outputs)
    if n_blocks > 1 or n_outputs == 1:
        return list(units[:, np.newaxis])
    if n_outputs <= _DIRECTIONS:
        return [units]
    gaussian = np.random.default_rng(0).standard_normal((n_outputs, _DIRECTIONS))
    return [np.linalg.qr(gaussian)[0].T]


def _curvature(objective: Objective, z: Array, directions: Array) -> Array:
    """Second derivative of each row's loss with respect to its scores, the mean over some directions.

    By central differences of the gradient with the model's own probabilities as targets, where any proper loss is
    convex.
    """
    z = z.astype(np.float64, order="F")
    target = objective.activation.probabilities(z)
    total = np.zeros(len(z))
    for direction in directions:
        for step in (_STEP, -_STEP):
            _, gradient = objective.activation.loss_and_gradient(objective.loss, target, z + step * direction)
            total += gradient @ direction / (2 * step)
    return total / len(directions)


def _column_moments(objective: Objective) -> Array:
    """Mean square of each column."""
    if objective.coordinates is not None:
        return objective.coordinates.variances.astype(objective.X.dtype)
    (total,) = objective.sum_over_rows(lambda block: (_squares(block),))
    moments: Array = total / objective.total_weight
    return moments


def _squares(block: Block) -> Array:
    X, weight = block.X, block.weight
    if isinstance(X, np.ndarray):
        return np.einsum("ij,ij->j", X, X if weight is None else X * weight[:, np.newaxis])
    squares = type(X)((np.square(X.data), X.indices, X.indptr), shape=X.shape)
    total: Array = squares.T @ (np.ones(X.shape[0], X.dtype) if weight is None else weight)
    return total


def _inverse_diagonal(moments: Array, curvatures: Array, objective: Objective) -> Array:
    """Return the inverse diagonal, taken as the column's mean square times the mean curvature, plus the penalty."""
    diagonal = np.vstack([np.outer(moments, curvatures) + objective.penalty[:, np.newaxis], curvatures])
    inverse: Array = 1 / np.maximum(diagonal, np.finfo(moments.dtype).eps * diagonal.max())
    return inverse.astype(objective.X.dtype)
