r"""Centred and scaled columns, without a copy of the data.

The solver works with the columns

.. math:: \tilde x_j = (x_j - \mu_j) / s_j, \qquad s_j = \sqrt{\sigma_j^2 + \alpha},

:math:`\mu_j` the weighted mean and :math:`\sigma_j` the standard deviation of column :math:`j`. This is a change of
variables: :math:`W_j = \tilde W_j / s_j`, :math:`b = \tilde b - \sum_j \mu_j W_j`, and the penalty becomes
:math:`\tfrac12 \sum_j (\alpha / s_j^2) \lVert \tilde W_j \rVert^2`. So the model and its optimum are the same, and
adding a constant to a column or multiplying it changes nothing that the solver sees. Without an intercept columns
cannot be centred; then :math:`\mu_j = 0`.

The change is made outside the sums over rows, where it costs nothing. Only where a mean is so large against its
deviation that the products would lose digits, blocks of dense rows are centred before they are multiplied, and
blocks of sparse rows are multiplied in double precision.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import get_blas_funcs

from skxent._typing import Array
from skxent.rows import Part, Rows, subset

__all__ = ["Coordinates", "deviations", "standardize"]

# Rows from which deviations are estimated, with an error of a per cent: no fit needs them more exactly. It is done
# where there are at least so many times as many rows.
_SAMPLE, _TIMES = 10_000, 8
# Standard errors that the mean of these rows may be from the mean of all. Beyond that a few rows have most of the size.
_TOO_FAR = 6
# Relative error that a product of a row may have because of the column's means.
_ROUNDING = 1e-6
# Rounding errors of a mean that a product with its column has, found where a date stands in several columns.
_ERRORS = 10
# Share of its mean below which the deviation of a sparse column is computed again, since squares have lost its digits.
_CANCELLED = 1e-3
# The same of its mean square for the square of the deviation of a dense column, where squares are in the data's dtype.
_CLOSE_TO_MEAN = 1e-2
# A column whose deviation is at most this many rounding errors of its mean is constant.
_CONSTANT = 4
# Factor between the largest sum of a column's entries that is sure to occur and the largest number of the dtype.
_ROOM = 4
# Least scale, in smallest normal numbers. Below it a weight of 400 deviations would be no finite coefficient.
_LEAST_SCALE = 100
# What leaves the range is computed again or named, so NumPy need not warn of it.
_QUIET: dict[str, Any] = {"over": "ignore", "invalid": "ignore"}


class Coordinates(NamedTuple):
    """A change of the columns.

    Attributes
    ----------
    centre : ndarray of shape (n_features,)
        What is taken off each column, in float64.
    scale : ndarray of shape (n_features,)
        What each column is divided by, in float64, but numbers of the dtype of the rows, so that weights in that dtype
        can be divided in it. Infinite for columns that get no weight: constant ones, and those that vary too little.
    variances : ndarray of shape (n_features,)
        Mean squares of the columns after the change.
    penalty : ndarray of shape (n_features,)
        Strength of the L2 penalty on each column's weights after the change.
    centre_parts : bool
        Whether parts are centred before they are multiplied.
    dtype : dtype
        Dtype of the computation.
    """

    centre: Array
    scale: Array
    variances: Array
    penalty: Array
    centre_parts: bool
    dtype: np.dtype[Any]

    def penalized(self, alpha: float) -> Coordinates:
        """Return the same change of the columns with the penalty of another strength.

        A column whose penalty would leave the range gets no weight: rounding would hide what it adds to a logit.
        """
        root = np.sqrt(alpha) / self.scale
        scale = np.where(root < np.finfo(self.dtype).max ** 0.25, self.scale, np.inf)
        return self._replace(scale=scale, penalty=(np.sqrt(alpha) / scale) ** 2)

    def original(self, w: Array) -> Array:
        """Return the weights of the columns as they were, in float64."""
        coef = w[:-1] / self.scale[:, np.newaxis]
        return np.vstack([coef, w[-1] - self.centre @ coef])

    def changed(self, w: Array) -> Array:
        """Return the weights of the changed columns that make the same model, in float64."""
        w = w.astype(np.float64)
        scale = np.where(np.isfinite(self.scale), self.scale, 0)
        return np.vstack([w[:-1] * scale[:, np.newaxis], w[-1] + self.centre @ w[:-1]])

    def cancelled(self, w: Array) -> float:
        """Return how large the terms are that cancel in a logit of the columns as they were."""
        return float(np.max((np.abs(self.centre) / self.scale) @ np.abs(w[:-1])))

    @property
    def rounding(self) -> Array:
        """Relative error that a product with each column has because of its mean, of shape (n_features,)."""
        far: Array = np.abs(self.centre) / self.scale
        return _ERRORS * float(np.finfo(self.dtype).eps) * (0 * far if self.centre_parts else far)

    def for_products(self, part: Part) -> Part:
        """Return a part as it is to be multiplied."""
        return part.less(self.centre.astype(self.dtype)) if self.centre_parts else part.of_type(self.dtype)

    def for_data(self, w: Array) -> Array:
        """Return the weights by which such a part is to be multiplied, for weights of the changed columns."""
        weights = np.empty(w.shape, self.dtype)
        np.divide(w[:-1], self.scale.astype(self.dtype)[:, np.newaxis], out=weights[:-1], casting="same_kind")
        # The coefficients as rounded, so that what they add for the mean is taken off exactly.
        weights[-1] = w[-1] if self.centre_parts else w[-1] - self.centre @ weights[:-1]
        return weights

    def feature_gradient(self, features: Array, intercept: Array, columns: slice, out: Array) -> None:
        """Write the gradient by the weights of some of the changed columns, from those by the weights of such parts.

        `features` is used up.
        """
        if not self.centre_parts:
            # Columns that are not centred before have means of a few deviations, so that this costs no digit.
            features = _less_product(features, self.centre[columns], intercept)
        scale = self.scale[columns, np.newaxis].astype(features.dtype)
        np.divide(features, scale, out=out, casting="same_kind")

    def row_squares(self, part: Part) -> Array:
        """Return the sum of the squares of each row of the changed columns."""
        if part.is_dense:
            return part._replace(X=self.dense(part, slice(None))).row_squares()
        part, shift = part.in_units(self.scale), self.centre / self.scale
        return np.maximum(part.row_squares() - 2 * (part.X @ shift) + shift @ shift, 0)

    def dense(self, part: Part, columns: slice | Array) -> Array:
        """Return some of the changed columns of a part, dense."""
        # In the dtype of the computation, which has room for the difference of the largest numbers.
        X = part.of_type(self.dtype).dense(columns)
        X = X - self.centre[columns].astype(X.dtype)
        X /= self.scale[columns].astype(X.dtype)
        return X


def _less_product(matrix: Array, left: Array, right: Array) -> Array:
    """Return a matrix less the outer product of two vectors, computed in its place."""
    if matrix.flags.c_contiguous and not matrix.flags.f_contiguous:
        return _less_product(matrix.T, right, left).T
    less_product: Any = get_blas_funcs("ger", (matrix,))
    product: Array = less_product(-1.0, left, right, a=matrix, overwrite_a=True)
    return product


def standardize(rows: Rows, total_weight: float, alpha: float, fit_intercept: bool) -> Coordinates:
    """Return the change of columns to mean 0 and, but for the penalty, deviation 1.

    Parameters
    ----------
    rows : Rows
        The columns.
    total_weight : float
        Sum of the rows' weights.
    alpha : float
        Strength of the L2 penalty.
    fit_intercept : bool
        Whether there is an intercept; if not, columns are not centred, and deviations are from 0.

    Raises
    ------
    ValueError
        If a column is so large that its sums are beyond the range of float64.

    Warns
    -----
    UserWarning
        If a column varies, but so little that it gets no weight, because its coefficient would be beyond the range.
    """
    columns = _Columns(rows, total_weight, fit_intercept)
    mean, deviation = columns.estimate() or columns.moments()
    has_room = _has_room(mean, deviation, max(rows.n_rows, total_weight), rows.dtype)
    scale = np.hypot(deviation, np.sqrt(alpha))
    varies = (deviation > 0) & ~_too_small(scale, deviation, rows.dtype)
    scale = np.where(varies, scale, np.inf).astype(rows.dtype).astype(np.float64)
    # Any number near the mean centres as well, and one that the data's type has costs no digits.
    centre = fit_intercept * mean.astype(rows.dtype).astype(np.float64)
    exact = bool((np.abs(centre) * np.finfo(rows.dtype).eps > _ROUNDING * deviation)[varies].any())
    dense = rows.take(slice(0, 1)).is_dense
    dtype = rows.dtype if has_room and (dense or not exact) else np.dtype(np.float64)
    return Coordinates(centre, scale, (deviation / scale) ** 2, (np.sqrt(alpha) / scale) ** 2, exact and dense, dtype)


def _has_room(mean: Array, deviation: Array, n_rows: float, dtype: Any) -> bool:
    """Return whether sums over the entries of a column stay in the range of a dtype; raise an error if none has it."""
    with np.errstate(**_QUIET):
        sums = _ROOM * n_rows * np.hypot(mean, deviation)
    for column in np.flatnonzero(~np.isfinite(sums))[:1]:
        raise ValueError(
            f"column {column} of X (counted from 0) is so large that its sums are beyond the range of float64: divide "
            "it by a constant."
        )
    return bool((sums < float(np.finfo(dtype).max)).all())


def _too_small(scale: Array, deviation: Array, dtype: Any) -> Array:
    """Tell which columns vary too little for a finite coefficient; warn of the first."""
    small: Array = (deviation > 0) & (scale < _LEAST_SCALE * np.finfo(dtype).tiny)
    for column in np.flatnonzero(small)[:1]:
        warnings.warn(
            f"column {column} of X (counted from 0) varies so little that its coefficient would be beyond the range of "
            f"{dtype}: it gets no weight. Multiply it by a constant, or remove it.",
            stacklevel=2,
        )
    return small


def deviations(rows: Rows, total_weight: float) -> Array:
    """Return the standard deviation of each column, 0 where it is only rounding."""
    return _Columns(rows, total_weight, True).moments()[1]


class _Columns:
    """Means and deviations of columns, in the range of float64 also where squares of the data's type are not."""

    def __init__(self, rows: Rows, total_weight: float, centred: bool) -> None:
        self.rows = rows
        self.total_weight = total_weight
        self.centred = centred
        self.pilot = self._pilot()

    @np.errstate(**_QUIET)
    def moments(self) -> tuple[Array, Array]:
        """Return the mean of each column and its standard deviation, 0 where that is only rounding."""
        mean, square = self._of_all_columns()
        lost = np.flatnonzero(~(np.isfinite(square) & (square > np.finfo(self.rows.dtype).tiny)))
        deviation = np.sqrt(np.where(np.isfinite(square), square, 0))
        if len(lost):
            # Squares that have left the range: look again, in units of the column's total size.
            (unit,) = self._sum(lambda part, share: (part.column_sizes(share > 0),), lost)
            mean[lost[unit == np.inf]] = np.inf
            known = (unit > 0) & (unit < np.inf)
            lost, unit = lost[known], unit[known]
        if len(lost):
            mean[lost], square = self._moments(lambda part: part.in_units(unit), lost)
            mean[lost] *= unit
            deviation[lost] = unit * np.sqrt(square)
        if self.centred and not self.rows.take(slice(0, 1)).is_dense:
            near = np.flatnonzero(deviation < _CANCELLED * np.abs(mean))
            deviation[near] = self._about(mean[near], near)
        mean += self.pilot
        deviation[deviation <= _CONSTANT * np.finfo(self.rows.dtype).eps * np.abs(mean)] = 0
        return mean, deviation

    def estimate(self) -> tuple[Array, Array] | None:
        """Return means and deviations of which the second are those of some random rows.

        None where they would not be quick or might be far off: if rows have weights, if the means of all are not known,
        if these rows have another mean, or if a column is constant in them.
        """
        rows = self.rows
        if rows.means is None or not self.centred or rows.weighted or rows.n_rows < _TIMES * _SAMPLE:
            return None
        ends = np.linspace(0, rows.n_rows, _SAMPLE + 1).astype(np.intp)
        sample = _Columns(subset(rows, np.random.default_rng(0).integers(ends[:-1], ends[1:])), _SAMPLE, True)
        mean, deviation = sample.moments()
        certain = np.abs(mean - rows.means) * np.sqrt(_SAMPLE) < _TOO_FAR * deviation
        return (rows.means, deviation) if certain.all() else None

    def _about(self, mean: Array, columns: Array) -> Array:
        """Return the deviations of sparse columns, the mean taken off before entries are squared."""
        if not len(columns):
            return mean

        def relative(part: Part, share: Array) -> tuple[Array, Array]:
            return part._replace(X=part.dense(slice(None)) / mean - 1).column_moments(share)

        rest, square = self._sum(relative, columns)
        deviation: Array = np.abs(mean) * np.sqrt(np.maximum(square - rest**2, 0))
        return deviation

    @np.errstate(**_QUIET)
    def _pilot(self) -> Array:
        """Return numbers near the means, or means of the first rows; 0 for sparse data and for columns not centred."""
        if self.centred and self.rows.means is not None:
            return self.rows.means.astype(self.rows.dtype).astype(np.float64)
        first = self.rows.take(slice(0, min(self.rows.n_rows, self.rows.first_rows)))
        if not self.centred or not first.is_dense:
            return np.zeros(self.rows.n_features)
        return first.column_means().astype(self.rows.dtype).astype(np.float64)

    def _of_all_columns(self) -> tuple[Array, Array]:
        """Return what :meth:`_moments` does; from the mean squares where they are known and have kept their digits."""
        squares = self.rows.mean_squares
        if squares is not None and self.rows.means is not None and self.centred:
            of_deviation = squares - self.rows.means**2
            if not (of_deviation < _CLOSE_TO_MEAN * squares).any():
                return self.rows.means - self.pilot, of_deviation
        return self._moments(lambda part: part, None)

    def _moments(self, change: Callable[[Part], Part], columns: Array | None) -> tuple[Array, Array]:
        """Return the means of columns less the pilot after a change, and their mean squares about the mean or 0."""
        mean, square = self._sum(lambda part, share: change(part).column_moments(share), columns)
        return mean, np.maximum(square - mean**2, 0) if self.centred else square

    def _sum(self, terms: Callable[[Part, Array], tuple[Any, ...]], columns: Array | None) -> list[Array]:
        """Return sums over parts less the pilot, and the share that each row of them has in the weight of all.

        The parts have all columns (None), or some only, in double precision.
        """
        dtype = self.rows.dtype if columns is None else np.dtype(np.float64)
        pilot = (self.pilot if columns is None else self.pilot[columns]).astype(dtype)

        def of_part(part: Part) -> tuple[Any, ...]:
            share = part.weights() / self.total_weight
            part = part if columns is None else part.with_columns(columns).of_type(dtype)
            with np.errstate(**_QUIET):
                if not part.is_dense:
                    # There is no pilot; means are taken off squares, which needs double precision.
                    return terms(part.of_type(np.float64), share)
                return terms(part.less(pilot), share.astype(dtype))

        return [total.astype(np.float64) for total in self.rows.sum(of_part)]
