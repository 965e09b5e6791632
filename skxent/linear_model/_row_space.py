r"""Fewer rows than columns: the same problem with as many columns as there are rows.

With a penalty, and without one at no loss, the weights of the optimum are a combination of the rows [1]_. Let
:math:`X` be the centred rows and :math:`X X^\top = L L^\top` by Cholesky's method. Then :math:`X = L Q^\top` with
orthonormal columns in :math:`Q`, and weights :math:`W = Q V` give

.. math:: X W = L V, \qquad \lVert W \rVert = \lVert V \rVert ,

so that :math:`L`, which has the size of the rows, takes the place of :math:`X`. Rows are pivoted, so that those which
are combinations of others add no column.

References
----------
.. [1] T. Hastie, R. Tibshirani, "Efficient Quadratic Regularization for Expression Arrays", 2004,
   :doi:`10.1093/biostatistics/kxh010`
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.linalg import get_lapack_funcs, solve_triangular
from sklearn.utils import gen_batches

from skxent._typing import Array
from skxent.linear_model._objective import Objective

__all__ = ["RowSpace", "in_row_space"]

# Columns made dense at a time.
_COLUMNS_AT_A_TIME = 256
# Without a penalty: largest ratio of the variances of two columns. Their products keep eight digits of the one that
# varies least.
_MAX_RATIO = 1e8
# With a penalty: largest ratio of what two rows have that is no combination of others. The least keeps four digits, and
# the result is checked with the columns themselves.
_MAX_RATIO_OF_ROWS = 1e12


class RowSpace:
    """The objective of an orthonormal basis of the rows, and the way to it and back.

    Parameters
    ----------
    objective : Objective
        A standardised objective of rows that can be read again at will.

    Attributes
    ----------
    objective : Objective
        The same objective, of weights of the basis, in double precision.
    """

    def __init__(self, objective: Objective) -> None:
        assert objective.coordinates is not None
        self.given, coordinates = objective, objective.coordinates
        self.part = objective.rows.take(slice(0, objective.n_rows))
        # In these units the penalty is the same for all columns.
        self.units = np.where(objective.penalty > 0, np.sqrt(objective.penalty), 1)
        self.factors = 1 / (coordinates.scale * self.units)
        factor, self.pivots = _pivoted_cholesky(self._products())
        self.triangle = factor[self.pivots]
        self.objective = objective.with_features(factor, float(objective.problem.alpha > 0))

    def to_given(self, v: Array) -> Array:
        """Return the weights of the columns that make the same model as `v`."""
        rows = np.zeros((self.given.n_rows, v.shape[1]))
        rows[self.pivots] = solve_triangular(self.triangle, v[:-1], trans=1, lower=True, check_finite=False)
        w = np.empty((len(self.units) + 1, v.shape[1]), self.given.dtype)
        for columns, X in self._chunks():
            w[columns] = X.T @ rows * (self.factors / self.units)[columns, np.newaxis]
        w[-1] = v[-1]
        return w

    def from_given(self, w: Array) -> Array:
        """Return the weights here that make of these rows what `w` makes of them."""
        products = np.zeros((len(self.pivots), w.shape[1]))
        for columns, X in self._chunks():
            products += X[self.pivots] @ (w[columns] * (self.factors * self.units)[columns, np.newaxis])
        return np.vstack([solve_triangular(self.triangle, products, lower=True), w[-1]])

    def keeps_digits(self) -> bool:
        """Return whether no row is nearly a combination of others, but for one because rows are centred."""
        sizes = np.diag(self.triangle) ** 2
        n_kept = np.count_nonzero(sizes * _MAX_RATIO_OF_ROWS >= sizes.max(initial=0))
        return bool(n_kept >= self.given.n_rows - self.given.problem.fit_intercept)

    def _products(self) -> Array:
        products = np.zeros((self.given.n_rows, self.given.n_rows))
        for columns, X in self._chunks():
            X *= self.factors[columns]
            products += X @ X.T
        return products

    def _chunks(self) -> Iterator[tuple[slice, Array]]:
        """Yield some columns after the other, dense and centred, in double precision.

        Rows that nearly are combinations of others get large factors, so that rounding in single precision would count.
        """
        assert self.given.coordinates is not None
        for columns in gen_batches(len(self.units), _COLUMNS_AT_A_TIME):
            X = self.part.dense(columns).astype(np.float64)
            X -= self.given.coordinates.centre[columns]
            yield columns, X


def in_row_space(objective: Objective) -> RowSpace | None:
    """Return the problem with the rows in place of the columns, or None if that would lose digits.

    With a penalty columns may vary as differently as they like, as long as the rows stay apart: what columns of small
    numbers add to the products of rows is lost in rounding only where the others count for much more than they do.

    Parameters
    ----------
    objective : Objective
        A standardised objective.
    """
    assert objective.coordinates is not None
    variances = objective.coordinates.variances
    if objective.problem.alpha:
        variances = variances / np.where(objective.penalty > 0, objective.penalty, 1)
    varying = variances[variances > 0]
    alike = len(varying) and varying.max() <= _MAX_RATIO * varying.min()
    if not alike and not objective.problem.alpha:
        return None
    basis = RowSpace(objective)
    return basis if alike or basis.keeps_digits() else None


def _pivoted_cholesky(matrix: Array) -> tuple[Array, Array]:
    """Return L of n rows and r columns with ``matrix = L L'``, and the r rows of it that are a lower triangle."""
    pivoted: Any = get_lapack_funcs("pstrf", (matrix,))
    packed, pivots, rank, _ = pivoted(matrix, lower=1)
    order = pivots - 1
    factor = np.empty((len(matrix), rank))
    factor[order] = np.tril(packed)[:, :rank]
    return factor, order[:rank]
