r"""An approximate inverse of the objective's Hessian, from a sample of the rows.

For output :math:`k` the Hessian has the diagonal block

.. math::
    H_k = \frac{1}{\sum_i w_i} \sum_i w_i\, d_{ik}\, \tilde x_i \tilde x_i^\top + \alpha D, \qquad \tilde x = (x, 1),

with :math:`D` the identity but for a 0 at the intercept, and :math:`d_{ik}` the second derivative of the row's loss
with respect to its score, :math:`p_{ik} (1 - p_{ik})` for the cross-entropy. For any loss it comes from central
differences of the gradient, with the model's own probabilities as targets: there a proper loss has its minimum, so
the curvature is not negative.

Two rows a column give a block well enough if they are the right ones: they are drawn with a chance in proportion to
:math:`w_i p_{ik} (1 - p_{ik}) \lVert\tilde x_i\rVert^2`, with the columns of the block in :math:`x`, so that no work
goes to rows of which the model is sure [1]_, and rows that decide a direction alone are not missed. Each block is
scaled to a unit diagonal and inverted by its Cholesky factor, in rectangular full packed format [2]_; kept is the
inverse, as a packed triangle, half the memory of a matrix. At first one block serves all outputs, with :math:`d_i`
averaged over them; once the probabilities have taken shape, a block for each output pays.

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
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs
from sklearn.utils import gen_batches

from skxent._parameters import Parameters
from skxent._typing import Array
from skxent.linear_model._curvature import RowCurvature
from skxent.linear_model._objective import Objective
from skxent.linear_model._outputs import logit_chunks
from skxent.linear_model._sampling import draw, sample_by_chance
from skxent.linear_model._surrogate import curved_rows

__all__ = ["Preconditioner", "SampledHessian"]

Preconditioner = Callable[[Array], Array]

# A curvature below this is none; its inverse could be too large for single precision.
_NO_CURVATURE = float(np.finfo(np.float32).tiny)
# Least mean curvature of an output, as a share of the largest.
_LEAST_CURVATURE = 1e-12
# Multiplications that take as long as the second derivatives of one logit by differences, measured with 100 classes.
# Where these need not be taken they count as well: with 100 classes one block of more rows is better than one for each.
_MULTIPLICATIONS_A_LOGIT = 1_500
# From so many outputs on one product with the unpacked inverse is faster than as many with the packed one.
_MANY_OUTPUTS = 16


@dataclass(frozen=True, repr=False)
class SampledHessian(Parameters):
    """Approximate inverse Hessians from a sample of the rows.

    The numbers were chosen on MNIST, on sparse text, on 500,000 rows of 30 columns and on 100 classes
    (``benchmarks/softmax.py``).

    Parameters
    ----------
    memory_share : float, default=0.1
        Share of the bytes of the data that the blocks may take.
    min_memory : float, default=3.2e7
        Bytes that the blocks may always take.
    max_memory : float, default=2e9
        Bytes that they may never exceed: the data may be on many machines, and the blocks are in this process.
    max_blocks : int, default=100
        With more outputs than this, all share one block.
    max_cost : float, default=8
        Time that a block for each output may cost, in evaluations of the objective; where it costs more, all share one
        block. From the second time on that it is computed again it may cost `growth` times as much.
    max_columns : int, default=256
        Largest number of columns in the blocks where memory does not allow all of them.
    rows_per_block_column : int, default=16
        Rows of the data that there must be for each column of such blocks.
    sample_rows_per_column, min_sample_rows : int, default=8, 4000
        Rows of the sample, for each column of the blocks and at least.
    drawn : int, default=2
        Rows drawn at random for each of those rows, which are then chosen among them by their curvature. With 4 the
        320 random problems of ``benchmarks/optimum.py`` took as many iterations (14,256 against 14,254).
    block_rows_per_column, min_block_rows : int, default=2, 1000
        Rows of the sample used for one block, for each of its columns and at least.
    shared_cost : float, default=0.25
        One block for all outputs takes more rows of the sample, up to all, as long as their products take no longer
        than this many evaluations of the objective.
    gather_share : float, default=0.004
        Entries of the features gathered at a time, for each byte of the data.
    min_gather, max_gather : float, default=100000, 200000
        Bounds on these entries, which fit a core's cache.
    panel_columns : int, default=128
        Columns multiplied with the others at a time, so that there is no second matrix of all columns.
    min_curvature : float, default=1e-3
        Least curvature of a row, as a share of the mean.
    n_directions : int, default=4
        Directions of the logits in which the curvature is measured where one block serves all outputs.
    precise_columns : int, default=100
        Largest number of columns whose blocks are made in double precision whatever the data: it costs little there,
        and no direction is lost in which the loss is flat.
    ridge : float, default=100
        What is added to the unit diagonal of a block, in rounding errors of products with the column: enough for
        collinear columns.
    gradient_ridge : float, default=1
        The least that is added, in rounding errors of the data's dtype. The gradient has them as well, and a step along
        which a block of higher precision shows no curvature would be made of them alone.
    noise : float, default=4.0
        A diagonal entry is raised by this many times its relative sampling variance.
    harmless_noise : float, default=0.05
        Relative raise of a diagonal entry that is not made: it would hide near-collinear columns for little.
    growth : float, default=2.0
        Ratio of the rows used to those of the time before, from the second time on that it is computed again.
    rare : float, default=0.25
        A column is rare if the sample has less than this share of its second moment.
    """

    memory_share: float = 0.1
    min_memory: float = 32_000_000
    max_memory: float = 2_000_000_000
    max_blocks: int = 100
    max_cost: float = 8
    max_columns: int = 256
    rows_per_block_column: int = 16
    sample_rows_per_column: int = 8
    min_sample_rows: int = 4_000
    drawn: int = 2
    block_rows_per_column: int = 2
    min_block_rows: int = 1_000
    shared_cost: float = 0.25
    gather_share: float = 1 / 250
    min_gather: float = 100_000
    max_gather: float = 200_000
    panel_columns: int = 128
    min_curvature: float = 1e-3
    n_directions: int = 4
    precise_columns: int = 100
    ridge: float = 100
    gradient_ridge: float = 1
    noise: float = 4.0
    harmless_noise: float = 0.05
    growth: float = 2.0
    rare: float = 0.25

    def __call__(self, objective: Objective, w: Array, *, refine: int) -> Preconditioner:
        """Return a function that multiplies a gradient by an approximate inverse Hessian.

        Parameters
        ----------
        objective : Objective
            Its data, penalty and output layer make the Hessian.
        w : ndarray of shape (n_features + 1, n_outputs)
            Where to take it.
        refine : int
            How many times it has been computed before. From the first time on there is a block for each output rather
            than one for all, where memory allows; from the second on there are ever more rows.

        Returns
        -------
        callable
            Takes and returns arrays of the shape of `w`; linear, symmetric and positive.
        """
        moments = objective.column_moments()
        n_blocks, columns = self._layout(objective, moments, refine)
        sample = _Sample(self, objective, w, n_blocks, columns, moments, self._times(refine))
        inverses, curvatures = zip(*sample.blocks(), strict=True)
        by_output = np.array(curvatures) * sample.relative_curvatures
        diagonal = None if columns is None else _inverse_diagonal(moments, by_output, objective)
        # In one block for all outputs rare ones curve too much, unless by the penalty: half way between the two.
        factors = sample.relative_curvatures.astype(objective.dtype) ** -0.25
        complete = diagonal is None and (objective.mirrored or len(inverses) == len(factors))
        return _Blocks(inverses, columns, diagonal, factors, objective.problem.output.shift_invariant, complete)

    def _layout(self, objective: Objective, moments: Array, refine: int) -> tuple[int, Array | None]:
        """Return how many blocks there are to be, and which columns are in them, None for all."""
        n_outputs = objective.rows.n_outputs
        # A mirrored pair curves alike.
        many = n_outputs if refine and n_outputs <= self.max_blocks and not objective.mirrored else 1
        allowed = self.max_cost * self._times(refine)
        for n_blocks in (many, 1) if self._cost(objective, len(moments), many) <= allowed else (1,):
            if self._affordable_columns(objective, n_blocks) >= len(moments):
                return n_blocks, None
        n_columns = min(
            self._affordable_columns(objective, many),
            self.max_columns,
            objective.n_rows // self.rows_per_block_column,
        )
        n_blocks = many if self._cost(objective, n_columns, many) <= allowed else 1
        return n_blocks, np.sort(np.argpartition(-moments, n_columns)[:n_columns])

    def _times(self, refine: int) -> float:
        """Return how many times the rows and the cost of the first blocks are allowed."""
        return self.growth ** max(refine - 1, 0)

    def _cost(self, objective: Objective, n_columns: int, n_blocks: int) -> float:
        """Return how many evaluations of the objective take as long as so many blocks of the first size."""
        n_outputs = objective.rows.n_outputs
        rows = max(self.min_block_rows, self.block_rows_per_column * n_columns)
        a_block = (rows + n_columns) * n_columns**2 / 2 + rows * n_outputs * _MULTIPLICATIONS_A_LOGIT
        return n_blocks * a_block / _multiplications(objective)

    def _block_rows(self, objective: Objective, n_columns: int, n_blocks: int, times: float) -> int:
        """Return how many rows of the sample make a block: more for one that serves all outputs, where it is cheap."""
        rows = int(times * max(self.min_block_rows, self.block_rows_per_column * n_columns))
        if n_blocks > 1:
            return rows
        return max(rows, int(self.shared_cost * _multiplications(objective) / (max(n_columns, 1) ** 2 / 2)))

    def _affordable_columns(self, objective: Objective, n_blocks: int) -> int:
        """Return how many columns so many blocks may have: packed triangles, and one in the making is two squares."""
        n_bytes = min(max(self.memory_share * objective.rows.nbytes, self.min_memory), self.max_memory)
        entries = n_bytes / objective.rows.dtype.itemsize
        return int(np.sqrt(entries / (n_blocks / 2 + 2))) - 1

    def _rows_at_a_time(self, objective: Objective, n_columns: int) -> int:
        """Return how many rows of the sample to gather at a time."""
        entries = min(max(self.gather_share * objective.rows.nbytes, self.min_gather), self.max_gather)
        entries_per_row = objective.rows.bytes_per_row / objective.rows.dtype.itemsize
        return max(1, int(entries) // max(1, n_columns, int(entries_per_row)))


def _multiplications(objective: Objective) -> float:
    """Return how many multiplications an evaluation of the objective takes."""
    entries = objective.n_rows * objective.rows.bytes_per_row / objective.rows.dtype.itemsize
    return 2 * entries * objective.rows.n_outputs


class _Blocks:
    """Multiplies by the inverse of one block for all outputs or of one for each, and of a diagonal for other columns.

    Parameters
    ----------
    inverses : sequence of _Inverse
        One, or one for each output.
    columns : ndarray of shape (n_columns,) or None
        Columns in the blocks; None for all.
    diagonal : ndarray of shape (n_features + 1, n_outputs) or None
        Inverse diagonal, for the other columns.
    factors : ndarray of shape (n_outputs,)
        Factors before and after the blocks.
    shift_invariant : bool
        Whether a constant added to all logits changes nothing.
    complete : bool
        Whether each output has a block made for it, of all columns. Then the first step has the right length.
    """

    def __init__(
        self,
        inverses: Sequence[_Inverse],
        columns: Array | None,
        diagonal: Array | None,
        factors: Array,
        shift_invariant: bool,
        complete: bool,
    ) -> None:
        self.inverses = inverses
        self.coefficients = slice(None) if columns is None else np.append(columns, -1)
        self.diagonal = diagonal
        self.factors = factors
        self.shift_invariant = shift_invariant
        self.complete = complete

    def __call__(self, gradient: Array) -> Array:
        if not self.shift_invariant:
            return self._multiply(gradient.copy())
        # The same added to all outputs of a row changes nothing but the penalty, which is least where their weights
        # have the mean 0. So all steps are without such a part: a fit would need many to undo it.
        # Raising one output lowers the others' probabilities, so that the loss curves more than one block says: twice
        # as much with two outputs.
        step = self._multiply(_centred(gradient.copy()))
        step *= 1 - 1 / gradient.shape[1]
        return _centred(step)

    def _multiply(self, gradient: Array) -> Array:
        """Return the product; the gradient is used up."""
        if self.diagonal is None:
            return self._solved(gradient)
        step: Array = self.diagonal * gradient
        step[self.coefficients] = self._solved(gradient[self.coefficients])
        return step

    def _solved(self, vectors: Array) -> Array:
        """Return the product of the blocks, which uses up the gradient."""
        vectors *= self.factors
        n_blocks = len(self.inverses)
        if n_blocks == 1 and vectors.shape[1] >= _MANY_OUTPUTS:
            vectors = self.inverses[0].together(vectors)
        else:
            for output in range(vectors.shape[1]):
                vectors[:, output] = self.inverses[output % n_blocks](vectors[:, output])
        vectors *= self.factors
        return vectors


def _centred(weights: Array) -> Array:
    """Return weights less their mean over the outputs in each row, in place."""
    # A product is four times as fast as a mean of short rows.
    mean = weights @ np.full(weights.shape[1], 1 / weights.shape[1], weights.dtype)
    weights -= mean[:, np.newaxis]
    return weights


class _Inverse:
    """Inverse of a positive semidefinite matrix, computed and kept for the matrix scaled to a unit diagonal.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        The matrix. Only its lower half counts; it is overwritten.
    ridge : ndarray of shape (n,)
        What is added to the unit diagonal; more if the matrix is not positive.
    """

    def __init__(self, matrix: Array, ridge: Array) -> None:
        diagonal = matrix.diagonal()
        self.scale = 1 / np.sqrt(np.where(diagonal > _NO_CURVATURE, diagonal, 1))
        matrix *= self.scale
        matrix *= self.scale[:, np.newaxis]
        lapack: Any = get_lapack_funcs(("trttf", "pftrf", "pftri", "tfttp"), (matrix,))
        pack, factorize, invert, unpack = lapack
        self._multiply: Any = get_blas_funcs("spmv", (matrix,))
        n, failed = len(matrix), True
        while failed:
            np.fill_diagonal(matrix, 1 + ridge)
            factor, failed = factorize(n, pack(matrix.T)[0], overwrite_a=True)
            ridge = 10 * ridge
        self.packed = unpack(n, invert(n, factor, overwrite_a=True)[0])[0]

    def __call__(self, vector: Array) -> Array:
        product: Array = self.scale * self._multiply(len(self.scale), 1.0, self.packed, self.scale * vector)
        return product

    def together(self, vectors: Array) -> Array:
        """Return the products with the columns of a matrix, which is overwritten; the inverse is unpacked meanwhile."""
        unpack: Any = get_lapack_funcs("tpttr", (self.packed,))
        multiply: Any = get_blas_funcs("symm", (self.packed,))
        scale = self.scale[:, np.newaxis]
        square = unpack(len(self.scale), self.packed)[0]
        # BLAS reads arrays column by column, where this product is one from the right, and nothing is copied.
        vectors *= scale
        product: Array = multiply(1.0, square, vectors.T, side=1).T
        product *= scale
        return product


class _Sample:
    """Rows that stand for all, and the blocks that they make.

    Parameters
    ----------
    settings : SampledHessian
        Sizes.
    objective : Objective
        What to sample.
    w : ndarray of shape (n_features + 1, n_outputs)
        Where.
    n_blocks : int
        One for all outputs, or one for each.
    columns : ndarray or None
        Columns in the blocks; None for all.
    moments : ndarray of shape (n_features,)
        Mean square of each column over all rows.
    times : float
        How many times as many rows to use as the settings say.
    """

    def __init__(
        self,
        settings: SampledHessian,
        objective: Objective,
        w: Array,
        n_blocks: int,
        columns: Array | None,
        moments: Array,
        times: float,
    ) -> None:
        self.settings = settings
        self.columns: Any = slice(None) if columns is None else columns
        self.n_columns = len(moments[self.columns])
        self.rows_at_a_time = settings._rows_at_a_time(objective, self.n_columns)
        self.n_everywhere = objective.n_rows
        size = int(times * max(settings.min_sample_rows, settings.sample_rows_per_column * self.n_columns))
        drawn = draw(objective, settings.drawn * size)
        chosen = size < drawn.n_rows
        self.objective = sample = curved_rows(drawn, w, size, columns=self.columns).together() if chosen else drawn
        self.dtype = objective.dtype if self.n_columns > settings.precise_columns else np.dtype(np.float64)
        # That of the cross-entropy is the variance.
        known = objective.curves_as_cross_entropy
        self.curvature = None if known else RowCurvature(objective.problem, objective.rows.n_outputs)
        self.block_rows = settings._block_rows(objective, self.n_columns, n_blocks, times)
        self.directions = _directions(objective.rows.n_outputs, n_blocks, settings.n_directions)
        self.logits, dtype = sample.logits_at(w), objective.rows.dtype
        # Logits of the sample, for many blocks to share; one block has those of its rows computed again.
        self.z = np.empty((sample.n_rows, n_blocks), dtype, order="F") if n_blocks > 1 else None
        self.variances = np.empty((sample.n_rows, n_blocks), dtype)
        self.weight, self.size = np.empty(sample.n_rows), np.empty(sample.n_rows, dtype)
        self.relative_curvatures = self._relative(np.sum(self._map(self._evaluate), axis=0))
        self.weight /= self.weight.sum()
        mean = self.weight @ self.variances
        # An output without any curvature left gets no steps that are rounding errors times its inverse.
        self.least_curvature = _LEAST_CURVATURE * mean.max()
        least = np.maximum(settings.min_curvature * mean, self.least_curvature) + np.finfo(dtype).tiny
        np.maximum(self.variances, least, out=self.variances)
        self.moments = self._moments(moments[self.columns])

    def blocks(self) -> Iterator[tuple[_Inverse, float]]:
        """Yield the inverse of each block, and the mean curvature of the rows."""
        return self.objective.rows.workers.map(self._block, range(len(self.directions)))

    def _map(self, function: Callable[[slice], Any]) -> list[Any]:
        chunks = gen_batches(self.objective.n_rows, self.rows_at_a_time)
        return list(self.objective.rows.workers.map(function, chunks))

    def _evaluate(self, rows: slice) -> Array:
        """Set for each block p (1 - p), the curvature of the cross-entropy, a guess at any loss's, and logits to keep.

        Returns the weighted sum of the curvature for each output.
        """
        part = self.objective.rows.take(rows)
        z = self.logits(part)
        if self.z is not None:
            self.z[rows] = z
        variances = self.objective.variances(z)
        self.variances[rows] = variances.mean(axis=1, keepdims=True) if self.variances.shape[1] == 1 else variances
        self.weight[rows] = part.weights()
        self.size[rows] = self.objective.row_sizes(part, self.columns)
        return self.weight[rows] @ variances

    def _relative(self, curvatures: Array) -> Array:
        """Return how much the loss curves along each output, as a ratio to its block."""
        if len(self.directions) > 1:
            return np.ones(len(curvatures))
        mean = curvatures.mean() + np.finfo(np.float64).tiny
        return np.maximum(curvatures / mean, self.settings.min_curvature)

    def _block(self, index: int) -> tuple[_Inverse, float]:
        rows, share = self._draw(index)
        curvature = self._curvature(rows, index)
        least = max(self.settings.min_curvature * (share @ curvature), self.least_curvature)
        curvature = np.maximum(curvature, least)
        by_variance, by_curvature = share * self.variances[rows, index], share * curvature
        matrix, seen, squares = self._sums(rows, by_variance, by_curvature)
        scale = by_curvature.sum() / by_variance.sum()
        missed = np.where(seen < self.settings.rare * self.moments[:, index], scale * self.moments[:, index], 0)
        diagonal = matrix.diagonal()[:-1]
        noise = np.divide(squares, diagonal, out=np.zeros_like(squares), where=diagonal > 0)
        noise *= self.settings.noise * (1 - len(rows) / self.n_everywhere)
        noise = np.maximum(noise - self.settings.harmless_noise * diagonal, 0)
        matrix[np.diag_indices(self.n_columns)] += missed + noise + self.objective.penalty[self.columns]
        rounding = np.append(self.objective.rounding[self.columns], 0) + np.finfo(self.dtype).eps
        least = self.settings.gradient_ridge * float(np.finfo(self.objective.dtype).eps)
        return _Inverse(matrix, np.maximum(self.settings.ridge * rounding, least)), by_curvature.sum()

    def _draw(self, index: int) -> tuple[Array, Array]:
        """Return the rows of a block, by their variance and their size, and the share that each stands for."""
        if self.block_rows >= len(self.weight):
            return np.arange(len(self.weight)), self.weight
        mass = self.weight * self.variances[:, index] * self.size
        rows, each, _ = sample_by_chance(mass, None, self.block_rows, self.settings.min_curvature)
        return rows, self.weight[rows] * each

    def _curvature(self, rows: Array, index: int) -> Array:
        """Return how much the loss of some rows curves along the outputs of a block, on average."""
        curvature = self.curvature
        if curvature is None:
            return self.variances[rows, index].astype(np.float64)

        def of_chunk(rows: Array) -> Array:
            y = self.objective.targets(self.objective.rows.without_features().take(rows))
            return curvature(y, self._logits(rows).astype(np.float64, order="F"), self.directions[index])

        return np.concatenate(
            [of_chunk(rows[chunk]) for chunk in logit_chunks(len(rows), self.objective.rows.n_outputs)]
        )

    def _logits(self, rows: Array) -> Array:
        if self.z is not None:
            kept: Array = self.z[rows]
            return kept
        chunks = gen_batches(len(rows), self.rows_at_a_time)
        return np.concatenate([self.logits(self.objective.rows.take(rows[c])) for c in chunks])

    def _sums(self, rows: Array, by_variance: Array, by_curvature: Array) -> tuple[Array, Array, Array]:
        """Return sums over some rows: half the matrix of products, the squares by column, and those of the products."""
        n, dtype = self.n_columns + 1, self.dtype
        matrix, seen, squares = np.zeros((n, n), dtype), np.zeros(n - 1), np.zeros(n - 1)
        for chunk in gen_batches(len(rows), self.rows_at_a_time):
            X = np.full((len(rows[chunk]), n), float(self.objective.problem.fit_intercept), dtype)
            X[:, :-1] = self._take(rows[chunk])
            products = np.square(X[:, :-1])
            seen += by_variance[chunk].astype(dtype) @ products
            products *= by_curvature[chunk, np.newaxis].astype(dtype)
            squares += np.einsum("ij,ij->j", products, products)
            X *= np.sqrt(by_curvature[chunk, np.newaxis]).astype(dtype)
            for columns in gen_batches(n, self.settings.panel_columns):
                panel, below = X[:, columns], slice(columns.stop, None)
                # NumPy computes half of the product of a matrix with itself.
                matrix[columns, columns] += panel.T @ panel
                matrix[below, columns] += X[:, below].T @ panel
        return matrix, seen, squares

    def _take(self, rows: slice | Array) -> Array:
        """Return the columns of the blocks in some rows."""
        return self.objective.dense(self.objective.rows.take(rows), self.columns)

    def _moments(self, everywhere: Array) -> Array:
        """Return the columns' mean squares, each row weighted by its variance, of shape (n_columns, n_blocks).

        Where the sample has hardly seen a column, they come from all rows.
        """
        weights = np.empty((len(self.weight), 1 + self.variances.shape[1]), self.variances.dtype)
        weights[:, 0] = self.weight
        np.multiply(self.weight[:, np.newaxis], self.variances, out=weights[:, 1:], casting="same_kind")
        sums = np.sum(self._map(lambda rows: weights[rows].T @ np.square(self._take(rows))), axis=0).T
        sampled, by_variance = sums[:, :1], sums[:, 1:]
        everywhere = everywhere[:, np.newaxis]
        rare = sampled < self.settings.rare * everywhere
        return np.where(rare, everywhere * weights[:, 1:].sum(axis=0), by_variance)


def _directions(n_outputs: int, n_blocks: int, n_directions: int) -> list[Array]:
    """Return for each block the directions of the logits along which the loss curves, at right angles to each other."""
    if n_blocks > 1 or n_outputs == 1:
        return list(np.eye(n_outputs)[:, np.newaxis])
    if n_outputs <= n_directions:
        return [np.eye(n_outputs)]
    gaussian = np.random.default_rng(0).standard_normal((n_outputs, n_directions))
    return [np.linalg.qr(gaussian)[0].T]


def _inverse_diagonal(moments: Array, curvatures: Array, objective: Objective) -> Array:
    """Return the inverse diagonal, taken as the column's mean square times the mean curvature, plus the penalty."""
    diagonal = np.vstack([np.outer(moments, curvatures) + objective.penalty[:, np.newaxis], curvatures])
    inverse: Array = 1 / np.maximum(diagonal, np.finfo(moments.dtype).eps * diagonal.max())
    return inverse.astype(objective.dtype)
