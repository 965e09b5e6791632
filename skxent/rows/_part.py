"""Some rows in memory, and the products with them that a linear model needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.utils import gen_batches

from skxent._parallel import Workers, has_small_products
from skxent._typing import Array

__all__ = ["Part", "fingerprints", "joined", "logits_in_blocks", "logits_of", "select"]

# Entries of the features in a block of a prediction: what fits a core's cache in float64.
_ENTRIES_AT_A_TIME = 250_000
# Outputs up to which counting those that are on one by one takes less time than np.bincount, which copies the labels.
_FEW_OUTPUTS = 8
# Multiplications in a small product of matrices, the outputs for which some of these take less time than a large one,
# and the least rows of one: by a third to a half with 3 to 30 outputs, not with 2 or with 100.
_SMALL_PRODUCT, _OUTPUTS, _LEAST_ROWS = 1_000_000, range(3, 33), 8
# From so many outputs on, what is computed for the outputs of a row is as quick where they lie side by side, as a
# product has them.
_MANY_OUTPUTS = 400


class Part(NamedTuple):
    """Data of some rows, in memory.

    Attributes
    ----------
    X : ndarray or CSR array of shape (n_rows, n_features)
        Features.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Index of the one output that is on in each row, or the probability of each.
    weight : ndarray of shape (n_rows,) or None
        How often each row counts; None if each counts once.
    """

    X: Any
    y: Array
    weight: Array | None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    def rows(self, rows: slice) -> Part:
        """Return some of the rows."""
        return Part(select(self.X, rows), self.y[rows], None if self.weight is None else self.weight[rows])

    def weights(self) -> Array:
        """Return the weights of the rows, in float64."""
        return np.ones(len(self.y)) if self.weight is None else self.weight.astype(np.float64)

    def target_totals(self, n_outputs: int) -> Array:
        """Return how often each output is on, weighted, in float64, of shape (n_outputs,)."""
        if self.y.ndim == 1 and self.weight is None and n_outputs <= _FEW_OUTPUTS:
            return np.array([np.count_nonzero(self.y == output) for output in range(n_outputs)], np.float64)
        if self.y.ndim == 1:
            return np.bincount(self.y, self.weight, n_outputs).astype(np.float64, copy=False)
        if self.weight is None:
            total: Array = self.y.sum(axis=0, dtype=np.float64)
            return total
        return np.asarray(self.weight.astype(np.float64) @ self.y)

    def column_squares(self) -> Array:
        """Return the weighted sum of squares of each column, of shape (n_features,)."""
        X, weight = self.X, self.weight
        if isinstance(X, np.ndarray):
            return np.einsum("ij,ij->j", X, X if weight is None else X * weight[:, np.newaxis])
        total: Array = _squared(X).T @ (np.ones(X.shape[0], X.dtype) if weight is None else weight)
        return total

    def row_squares(self) -> Array:
        """Return the sum of the squares of each row, of shape (n_rows,)."""
        if isinstance(self.X, np.ndarray):
            return np.einsum("ij,ij->i", self.X, self.X)
        return np.asarray(_squared(self.X) @ np.ones(self.X.shape[1], self.X.dtype))

    @property
    def is_dense(self) -> bool:
        """Whether all entries of the features are stored."""
        return isinstance(self.X, np.ndarray)

    def less(self, centre: Array) -> Part:
        """Return these rows with a number taken off each column, which must be dense."""
        return self._replace(X=self.X - centre)

    def of_type(self, dtype: Any) -> Part:
        """Return these rows with their features in another dtype."""
        return self if self.X.dtype == dtype else self._replace(X=_mapped(lambda values: values.astype(dtype), self.X))

    def with_columns(self, columns: Array) -> Part:
        """Return these rows with some columns only."""
        return self._replace(X=self.X[:, columns])

    def in_units(self, unit: Array) -> Part:
        """Return these rows with each column divided by its unit."""
        if isinstance(self.X, np.ndarray):
            return self._replace(X=self.X / unit)
        X = self.X
        return self._replace(X=type(X)((X.data / unit[X.indices], X.indices, X.indptr), shape=X.shape))

    def column_means(self) -> Array:
        """Return the mean of each column without weights, in float64."""
        return np.asarray(self.X.mean(axis=0, dtype=np.float64))

    def column_totals(self) -> Array:
        """Return the sum of each column without weights, in the dtype of the features, whose range it may leave."""
        with np.errstate(over="ignore", invalid="ignore"):
            # Unlike @, dot lets other threads go on however small the result is.
            return np.asarray(self.X.T.dot(np.ones(self.n_rows, self.X.dtype)))

    def weighted_totals(self, factors: Array, columns: slice = slice(None)) -> Array:
        """Return the sum of each column, each row times its factors, of shape (n_features, n_factors).

        Of dense features, those of some columns can be had.
        """
        # Unlike @, dot lets other threads go on however small the result is. With the features on the right BLAS takes
        # them as they lie, up to twice as fast where there are few factors.
        product: Array = factors.T.dot(self.X[:, columns]).T if self.is_dense else self.X.T.dot(factors)
        return product

    def column_moments(self, share: Array) -> tuple[Array, Array]:
        """Return the sum of each column and that of its squares, each row times its share."""
        return self.X.T.dot(share), _squared(self.X).T.dot(share)

    def column_sizes(self, share: Array) -> Array:
        """Return the sum of the absolute values of each column, each row times its share.

        Values that are not 0 count as a normal number at least: sums that are exact in any order leave out others.
        """
        return np.asarray(_mapped(_sizes, self.X).T @ share)

    def fingerprints(self) -> Array:
        """Return a whole number for each row: the same for equal rows, and hardly ever for others."""
        return fingerprints(self.X)

    def target_fingerprints(self, n_outputs: int) -> Array:
        """Return a whole number for the target of each row, as :meth:`fingerprints` does for the features."""
        return fingerprints(self.y) if self.y.ndim == 2 else fingerprints(np.eye(n_outputs))[self.y]

    def dense(self, columns: slice | Array) -> Array:
        """Return some columns as a dense array."""
        X = self.X[:, columns]
        return X if isinstance(X, np.ndarray) else X.toarray()


def fingerprints(X: Any) -> Array:
    """Return a whole number for each row, the same for equal rows whatever their place, container and dtype.

    It is a sum of products of the entries' bits, modulo 2**64: whole numbers add up to the same in any order.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_rows, n_columns)
        Numbers.

    Returns
    -------
    ndarray of shape (n_rows,)
        Numbers in uint64. Two rows that differ have the same with a chance of about 2**-44.
    """
    factors = np.random.default_rng(0).integers(2**63, size=X.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    products: Array = _mapped(_mixed_bits, X) @ factors
    return products


def _mixed_bits(values: Array) -> Array:
    """Return the bits of numbers as whole numbers, 0 for 0, the high ones mixed into the low ones.

    The low bits of round numbers are all 0, which would leave few different products.
    """
    bits = (values.astype(np.float64) + 0.0).view(np.uint64)  # adding 0 turns -0 into 0
    return bits ^ (bits >> np.uint64(32))


def _mapped(function: Callable[[Array], Array], X: Any) -> Any:
    """Return a function, which maps 0 to 0, of each entry.

    SciPy's own methods would sort the entries of each row first, in place.
    """
    if isinstance(X, np.ndarray):
        return function(X)
    return type(X)((function(X.data), X.indices, X.indptr), shape=X.shape)


def _sizes(values: Array) -> Array:
    return np.where(values, np.maximum(np.abs(values), np.finfo(values.dtype).tiny), 0)


def _squared(X: Any) -> Any:
    return _mapped(np.square, X)


def joined(parts: Sequence[Part]) -> Part:
    """Return the rows of some parts, one after the other; of one part itself."""
    if len(parts) == 1:
        return parts[0]
    X, y, weight = zip(*parts, strict=True)
    dense = isinstance(X[0], np.ndarray)
    return Part(
        np.concatenate(X) if dense else sp.vstack(X, format="csr"),
        np.concatenate(y),
        None if weight[0] is None else np.concatenate(weight),
    )


def logits_of(X: Any, w: Array) -> Array:
    """Return ``X @ w[:-1] + w[-1]``, stored output by output, or row by row where there are many outputs.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_rows, n_features)
        Features.
    w : ndarray of shape (n_features + 1, n_outputs)
        Weights; the last row holds the intercepts.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
        Logits.
    """
    z = _product(X, w[:-1])
    z += w[-1]
    return z


def _product(X: Any, coef: Array) -> Array:
    """Return ``X @ coef``, stored column by column, or row by row where there are many columns."""
    if coef.shape[1] >= _MANY_OUTPUTS:
        product: Array = X @ coef
        return product
    n_at_a_time = _SMALL_PRODUCT // max(1, coef.size)
    worth_it = coef.shape[1] in _OUTPUTS and _LEAST_ROWS <= n_at_a_time < X.shape[0]
    if not (worth_it and isinstance(X, np.ndarray) and has_small_products()):
        return np.asfortranarray(X @ coef)
    product = np.empty((len(X), coef.shape[1]), np.result_type(X, coef), order="F")
    for start in range(0, len(X), n_at_a_time):
        rows = slice(start, start + n_at_a_time)
        np.matmul(coef.T, X[rows].T, out=product.T[:, rows])
    return product


def logits_in_blocks(X: Any, w: Array, workers: Workers) -> Array:
    """Return what :func:`logits_of` returns, computed in blocks of rows by several threads.

    The blocks do not depend on the number of threads, and so the result does not.
    """
    n_rows, n_features = X.shape
    z = np.empty((n_rows, w.shape[1]), w.dtype, order="F")

    def fill(rows: slice) -> None:
        z[rows] = logits_of(X[rows], w)

    blocks = gen_batches(n_rows, max(1, _ENTRIES_AT_A_TIME // max(1, n_features)))
    deque(workers.map(fill, blocks), maxlen=0)
    return z


def select(values: Any, rows: slice | Array) -> Any:
    """Return some rows of an array or a CSR matrix: a view for a slice of an array, a copy for indices."""
    if isinstance(values, np.ndarray):
        # Taking is several times faster than an index where rows are short.
        return values[rows] if isinstance(rows, slice) else values.take(rows, axis=0)
    if not isinstance(rows, slice):
        return values[rows]
    # Several times faster than a slice of sparse data.
    bounds = values.indptr[rows.start : rows.stop + 1]
    stored = slice(bounds[0], bounds[-1])
    parts = values.data[stored], values.indices[stored], bounds - bounds[0]
    return type(values)(parts, shape=(len(bounds) - 1, values.shape[1]))
