r"""The blocks of the Hessian that belong to one output each, exact and inverted.

Block :math:`k` is :math:`\tilde X^\top V_k \tilde X + \alpha D` with rows :math:`\tilde x = (x, 1)` and
:math:`V_k = \operatorname{diag}(w_i\, p_{ik} (1 - p_{ik})) / \sum_i w_i`: that of the cross-entropy, a guess at any
loss's. Unlike :class:`~skxent.solvers.SampledHessian`, which makes steps, these blocks make no step shorter to be safe:
every row counts with the curvature it has. So directions along which the objective hardly curves keep their small
curvature, however small. A class of a few rows that can be told from all others has such directions. With fewer rows
than columns, so have columns of large numbers: what the rows leave open has the curvature of the penalty alone.

With fewer rows than columns the inverse takes matrices of the size of the rows. With :math:`A` the diagonal of the
penalties and :math:`M_k = V_k^{1/2} \tilde X A^{-1/2}`

.. math:: (A + \tilde X^\top V_k \tilde X)^{-1} = A^{-1/2} (I - Z_k^\top Z_k) A^{-1/2}, \qquad
   Z_k = L_k^{-1} M_k, \quad L_k L_k^\top = I + M_k M_k^\top ,

by Woodbury's formula [1]_. With the triangle on both sides, rounding stays small where the curvature of the data is far
above that of the penalty; with the inverse of :math:`I + M_k M_k^\top` between two factors :math:`M_k` it would not.

References
----------
.. [1] W. W. Hager, "Updating the Inverse of a Matrix", 1989, :doi:`10.1137/1031049`
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from sklearn.utils import gen_batches

from skxent._typing import Array, Floats
from skxent.linear_model._objective import Objective
from skxent.rows import Part

__all__ = ["BlocksByColumns", "BlocksByRows", "OutputBlocks", "added", "affordable_blocks"]

# What a logit costs in a product by the Hessian, whose derivatives are differences in double precision: so much, and so
# much more for each column, where the blocks cost 1 for each pair of columns. Measured with 2 to 255 outputs.
_A_LOGIT, _A_COLUMN = 400, 3
# Logits that take as long as what a product costs however few there are. With many columns and few rows it is less, so
# that there the blocks are given up to some ten milliseconds more than said.
_CALL = 6_000
# What an inverse costs for the cube of the columns, in the same unit.
_INVERSE = 4
# What blocks by rows cost for each row, further row or column, and output, in the same unit: so much for each row, and
# for so many more, which stand for the rest. Measured with 60 to 300 rows.
_A_ROW, _MORE_ROWS = 1.5, 50
# Entries of the features held at a time, dense and in double precision: they fit a core's cache.
_ENTRIES_AT_A_TIME = 50_000
# What the eigenvalues of a block are raised by, as a share of the largest entry of all, and at least a rounding error
# of the data's type: a larger inverse would make directions of the rounding errors of products.
_LEAST_CURVATURE = 1e-9
# The same for columns with large means, in rounding errors of products with them.
_ROUNDINGS = 1_000
# Share of a raised curvature that may come from raising it.
_MUCH = 0.1


def affordable_blocks(objective: Objective, w: Array, most_products: float, most_bytes: float) -> OutputBlocks | None:
    """Return the blocks by columns or by rows, whichever are made sooner, or None if that takes too much.

    Parameters
    ----------
    objective : Objective
        Its data, penalty and output layer make the blocks.
    w : ndarray of shape (n_features + 1, n_outputs)
        Where to take them.
    most_products : float
        Products by the Hessian that may take as long.
    most_bytes : float
        Bytes that they may take.
    """
    size = (objective.n_rows, *w.shape)
    kinds = [kind for kind in (BlocksByColumns, BlocksByRows) if kind.n_bytes(*size) <= most_bytes]
    quickest = min(kinds, key=lambda kind: kind.n_products(*size), default=None)
    return quickest(objective, w) if quickest and quickest.n_products(*size) <= most_products else None


def added(first: Callable[[Array], Array], second: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return the sum of two approximate inverses: large wherever one of them is."""
    return lambda vector: first(vector) + second(vector)


class OutputBlocks(ABC):
    """Multiplies by the inverses of the blocks.

    Parameters
    ----------
    objective : Objective
        Its data, penalty and output layer make the blocks.
    w : ndarray of shape (n_features + 1, n_outputs)
        Where to take them.

    Attributes
    ----------
    hides : bool
        Whether what curvatures are raised by, because of rounding, is much of some of them.
    """

    hides: bool

    def __init__(self, objective: Objective, w: Array) -> None:
        self.shift_invariant = objective.problem.output.shift_invariant
        least = max(_LEAST_CURVATURE, float(np.finfo(objective.dtype).eps))
        self._invert(objective, w, np.append(np.maximum(least, _ROUNDINGS * objective.rounding), least))

    def __call__(self, vector: Array) -> Array:
        """Return the product with an array of the shape of the weights."""
        return self._centred(self._multiply(self._centred(vector.astype(np.float64)))).astype(vector.dtype)

    @classmethod
    def n_products(cls, n_rows: int, n_columns: int, n_outputs: int) -> float:
        """Return how many products by the Hessian take as long as making the blocks."""
        a_product = (n_rows * n_outputs + _CALL) * (_A_LOGIT + _A_COLUMN * n_columns)
        return cls._cost(n_rows, n_columns, n_outputs) / a_product

    @staticmethod
    @abstractmethod
    def n_bytes(n_rows: int, n_columns: int, n_outputs: int) -> int:
        """Return how many bytes the blocks take."""

    @staticmethod
    @abstractmethod
    def _cost(n_rows: int, n_columns: int, n_outputs: int) -> float:
        """Return what making the blocks costs: 1 for each row, pair of columns and output by columns."""

    @abstractmethod
    def _invert(self, objective: Objective, w: Array, least: Array) -> None:
        """Make the inverses of the blocks, diagonals raised by `least` times the largest entry of all."""

    @abstractmethod
    def _multiply(self, vector: Floats) -> Floats:
        """Return the products of each output's weights with its inverse."""

    def _centred(self, vector: Floats) -> Floats:
        """Return what is left without the part that is the same for all outputs of a softmax.

        That changes nothing, so that only rounding errors would go that way.
        """
        return vector - vector.mean(axis=1, keepdims=True) if self.shift_invariant else vector


class BlocksByColumns(OutputBlocks):
    """Inverses of matrices of the size of the columns, in `inverses` of shape (n_outputs, n_columns, n_columns)."""

    @staticmethod
    def n_bytes(n_rows: int, n_columns: int, n_outputs: int) -> int:
        """Return the bytes of the inverses."""
        return 8 * n_columns**2 * n_outputs

    @staticmethod
    def _cost(n_rows: int, n_columns: int, n_outputs: int) -> float:
        return n_outputs * n_columns**2 * (n_rows + _INVERSE * n_columns)

    def _invert(self, objective: Objective, w: Array, least: Array) -> None:
        matrices = _matrices(objective, w)
        diagonal = np.arange(len(w))
        raised = least * matrices[:, diagonal, diagonal].max() + np.finfo(np.float64).tiny
        matrices[:, diagonal, diagonal] += raised
        triangles = np.linalg.inv(np.linalg.cholesky(matrices))
        self.inverses: Floats = triangles.transpose(0, 2, 1) @ triangles
        self.hides = bool((self.inverses[:, diagonal, diagonal] * raised).max() > _MUCH)

    def _multiply(self, vector: Floats) -> Floats:
        product: Floats = (self.inverses @ vector.T[:, :, np.newaxis])[:, :, 0].T
        return product


class BlocksByRows(OutputBlocks):
    """Woodbury's formula: the factors Z in `factors` of shape (n_outputs, n_rows, n_columns)."""

    @staticmethod
    def n_bytes(n_rows: int, n_columns: int, n_outputs: int) -> int:
        """Return the bytes of the factors."""
        return 8 * n_rows * n_columns * n_outputs

    @staticmethod
    def _cost(n_rows: int, n_columns: int, n_outputs: int) -> float:
        return _A_ROW * n_outputs * n_rows * (n_rows + _MORE_ROWS) * (n_rows + n_columns)

    def _invert(self, objective: Objective, w: Array, least: Array) -> None:
        X, variances = (np.concatenate(parts) for parts in zip(*_rows(objective, w), strict=True))
        penalty = np.append(objective.penalty, 0)
        largest = (variances.T @ X**2 + penalty).max()
        raised = least * largest + np.finfo(np.float64).tiny
        self.roots: Floats = np.sqrt(penalty + raised)[:, np.newaxis]
        self.hides = bool((raised > _MUCH * penalty)[:-1].any())
        X /= self.roots.T
        self.factors: Floats = np.array([_factor(np.sqrt(of_output)[:, np.newaxis] * X) for of_output in variances.T])

    def _multiply(self, vector: Floats) -> Floats:
        whole = (vector / self.roots).T[:, :, np.newaxis]
        product: Floats = (whole - self.factors.transpose(0, 2, 1) @ (self.factors @ whole))[:, :, 0].T
        return product / self.roots


def _factor(scaled: Floats) -> Floats:
    """Return Z with ``inv(I + M'M) = I - Z'Z`` for a matrix M."""
    triangle = cholesky(np.eye(len(scaled)) + scaled @ scaled.T, lower=True)
    factor: Floats = solve_triangular(triangle, scaled, lower=True)
    return factor


def _rows(objective: Objective, w: Array) -> list[tuple[Floats, Floats]]:
    """Return the rows with a 1 for the intercept, dense, and the curvature of each by output, part by part."""
    curvatures = _curvatures_at(objective, w)
    return list(objective.rows.each(lambda part: (_with_ones(objective, part), curvatures(part))))


def _with_ones(objective: Objective, part: Part) -> Floats:
    n_rows, n_features = part.X.shape
    X = np.full((n_rows, n_features + 1), float(objective.problem.fit_intercept), order="F")
    X[:, :-1] = objective.dense(part, slice(None))
    return X


def _curvatures_at(objective: Objective, w: Array) -> Callable[[Part], Floats]:
    """Return what computes how much each row adds to the curvature along each output's logit, by row and output."""
    logits = objective.logits_at(w)

    def curvatures(part: Part) -> Floats:
        variances: Floats = objective.problem.output.variances(logits(part).astype(np.float64, order="F"))
        return variances * (part.weights()[:, np.newaxis] / objective.total_weight)

    return curvatures


def _matrices(objective: Objective, w: Array) -> Floats:
    """Return the blocks, of shape (n_outputs, n_features + 1, n_features + 1)."""
    n = len(w)
    curvatures_of = _curvatures_at(objective, w)

    def terms(part: Part) -> tuple[Any, ...]:
        curvatures = curvatures_of(part)
        total = np.zeros((w.shape[1], n, n))
        for rows in gen_batches(part.n_rows, max(1, _ENTRIES_AT_A_TIME // n)):
            X = _with_ones(objective, part._replace(X=part.X[rows]))
            for column in range(n):
                total[:, column, column:] += curvatures[rows].T @ (X[:, column:] * X[:, column, np.newaxis])
        return (total,)

    (upper,) = objective.rows.sum(terms)
    matrices: Floats = np.triu(upper) + np.triu(upper, 1).transpose(0, 2, 1)
    features = np.arange(n - 1)
    matrices[:, features, features] += objective.penalty
    return matrices
