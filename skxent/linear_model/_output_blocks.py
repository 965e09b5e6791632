r"""The blocks of the Hessian that belong to one output each, exact and inverted.

Block :math:`k` is :math:`\frac{1}{\sum_i w_i} \sum_i w_i\, p_{ik} (1 - p_{ik})\, \tilde x_i \tilde x_i^\top + \alpha D`
with :math:`\tilde x = (x, 1)`: that of the cross-entropy, a guess at any loss's. Unlike
:class:`~skxent.solvers.SampledHessian`, which makes steps, these blocks make no step shorter to be safe: every row
counts with the curvature it has. So directions along which the objective hardly curves keep their small curvature,
however small. A class of a few rows that can be told from all others has such directions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils import gen_batches

from skxent._typing import Array, Floats
from skxent.linear_model._objective import Objective
from skxent.rows import Part

__all__ = ["OutputBlocks", "added", "block_bytes", "block_products"]

# What a logit costs in a product by the Hessian, whose derivatives are differences in double precision: so much, and so
# much more for each column, where the blocks cost 1 for each pair of columns. Measured with 2 to 255 outputs.
_A_LOGIT, _A_COLUMN = 400, 3
# Logits that take as long as what a product costs however few there are.
_CALL = 6_000
# What an eigenvalue decomposition costs for the cube of the columns, in the same unit.
_DECOMPOSITION = 20
# Entries of the features held at a time, dense and in double precision: they fit a core's cache.
_ENTRIES_AT_A_TIME = 50_000
# Least eigenvalue of a block, as a share of the largest of all, and at least a rounding error of the data's type: a
# larger inverse would make directions of the rounding errors of products.
_LEAST_CURVATURE = 1e-9


def block_products(n_rows: int, n_columns: int, n_outputs: int) -> float:
    """Return how many products by the Hessian take as long as the blocks."""
    blocks = n_outputs * n_columns**2 * (n_rows + _DECOMPOSITION * n_columns)
    return blocks / ((n_rows * n_outputs + _CALL) * (_A_LOGIT + _A_COLUMN * n_columns))


def block_bytes(n_columns: int, n_outputs: int) -> int:
    """Return how many bytes the blocks take."""
    return 8 * n_columns**2 * n_outputs


def added(first: Callable[[Array], Array], second: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return the sum of two approximate inverses: large wherever one of them is."""
    return lambda vector: first(vector) + second(vector)


class OutputBlocks:
    """Multiplies by the inverses of the blocks.

    Parameters
    ----------
    objective : Objective
        Its data, penalty and output layer make the blocks.
    w : ndarray of shape (n_features + 1, n_outputs)
        Where to take them.
    """

    def __init__(self, objective: Objective, w: Array) -> None:
        self.shift_invariant = objective.problem.output.shift_invariant
        least = max(_LEAST_CURVATURE, float(np.finfo(objective.dtype).eps))
        self.inverses = _inverses(_matrices(objective, w), least)

    def __call__(self, vector: Array) -> Array:
        """Return the product with an array of the shape of the weights."""
        product: Array = self._multiply(vector.astype(np.float64)).astype(vector.dtype)
        return product

    def _multiply(self, vector: Array) -> Array:
        # The same added to all outputs of a softmax changes nothing, so that only rounding errors would go that way.
        if self.shift_invariant:
            vector = vector - vector.mean(axis=1, keepdims=True)
        product: Array = (self.inverses @ vector.T[:, :, np.newaxis])[:, :, 0].T
        return product - product.mean(axis=1, keepdims=True) if self.shift_invariant else product


def _matrices(objective: Objective, w: Array) -> Floats:
    """Return the blocks, of shape (n_outputs, n_features + 1, n_features + 1)."""
    n = len(w)

    def terms(part: Part) -> tuple[Any, ...]:
        variances = objective.problem.output.variances(objective.logits(part, w).astype(np.float64, order="F"))
        variances *= part.weights()[:, np.newaxis]
        total = np.zeros((w.shape[1], n, n))
        for rows in gen_batches(part.n_rows, max(1, _ENTRIES_AT_A_TIME // n)):
            X = np.full((rows.stop - rows.start, n), float(objective.problem.fit_intercept), order="F")
            X[:, :-1] = objective.dense(part._replace(X=part.X[rows]), slice(None))
            for column in range(n):
                total[:, column, column:] += variances[rows].T @ (X[:, column:] * X[:, column, np.newaxis])
        return (total,)

    (upper,) = objective.rows.sum(terms)
    upper /= objective.total_weight
    matrices: Floats = np.triu(upper) + np.triu(upper, 1).transpose(0, 2, 1)
    features = np.arange(n - 1)
    matrices[:, features, features] += objective.penalty
    return matrices


def _inverses(matrices: Floats, least: float) -> Floats:
    """Return the inverses of positive semidefinite matrices, eigenvalues no less than a share of the largest."""
    values, vectors = np.linalg.eigh(matrices)
    values = np.maximum(values, least * values.max() + np.finfo(np.float64).tiny)
    inverses: Floats = (vectors / values[:, np.newaxis]) @ vectors.transpose(0, 2, 1)
    return inverses
