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

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skxent._typing import Array

if TYPE_CHECKING:
    from skxent.objective import Block, Objective

__all__ = ["Coordinates", "standardize"]

# Relative error that a product of a row may have because of the column's means.
_ROUNDING = 1e-6
# Deviations of so many rounding errors of the largest entries are none: the column is constant.
_CONSTANT = 4


class Coordinates(NamedTuple):
    """A change of the columns.

    Attributes
    ----------
    centre : ndarray of shape (n_features,)
        What is taken off each column; float64.
    scale : ndarray of shape (n_features,)
        What each column is divided by; float64.
    variances : ndarray of shape (n_features,)
        Mean squares of the columns after the change.
    penalty : ndarray of shape (n_features,)
        Strength of the L2 penalty on each column's weights after the change.
    exact : bool
        Whether products need care: the means are large against the deviations.
    """

    centre: Array
    scale: Array
    variances: Array
    penalty: Array
    exact: bool

    def original(self, w: Array) -> Array:
        """Return the weights of the columns as they were, in float64."""
        coef = w[:-1] / self.scale[:, np.newaxis]
        return np.vstack([coef, w[-1] - self.centre @ coef])

    def changed(self, w: Array) -> Array:
        """Return the weights of the changed columns that make the same model; the inverse of :meth:`original`."""
        w = w.astype(np.float64)
        return np.vstack([w[:-1] * self.scale[:, np.newaxis], w[-1] + self.centre @ w[:-1]])


def standardize(objective: Objective) -> Coordinates:
    """Return the change of an objective's columns to mean 0 and, but for the penalty, deviation 1."""
    pilot = _pilot(objective)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, square = _moments(objective, pilot)
    # Squares that have left the range of the data's type: look again, in units of the column's mean size.
    lost = np.flatnonzero(~(np.isfinite(square) & (square > np.finfo(objective.X.dtype).tiny)))
    deviation = np.sqrt(np.where(np.isfinite(square), square, 0))
    if len(lost):
        unit = _sizes(objective, lost, pilot)
        lost, unit = lost[unit > 0], unit[unit > 0]
        mean[lost], square = _moments(objective, pilot, lost, unit)
        mean[lost] *= unit
        deviation[lost] = unit * np.sqrt(square)
    mean += pilot
    deviation[deviation <= _CONSTANT * objective.resolution * np.abs(mean)] = 0
    return _coordinates(objective, mean, deviation)


def _coordinates(objective: Objective, mean: Array, deviation: Array) -> Coordinates:
    # A column that is constant stays so small that its rounding errors are harmless.
    scale = np.hypot(np.where(deviation > 0, deviation, np.abs(mean)), np.sqrt(objective.alpha))
    scale[scale == 0] = 1
    # Any number near the mean centres as well, and one that the data's type has costs no digits.
    centre = objective.fit_intercept * mean.astype(objective.X.dtype).astype(np.float64)
    exact = bool((np.abs(centre) * objective.resolution > _ROUNDING * deviation)[deviation > 0].any())
    return Coordinates(centre, scale, (deviation / scale) ** 2, (np.sqrt(objective.alpha) / scale) ** 2, exact)


def _pilot(objective: Objective) -> Array:
    """Return numbers near the columns' means, those of the first rows; 0 for sparse data and without an intercept."""
    X = objective.X
    if not objective.fit_intercept or not isinstance(X, np.ndarray):
        return np.zeros(X.shape[1])
    first = objective.take(slice(0, min(objective.n_rows, objective.block_size))).X
    pilot: Array = first.mean(axis=0, dtype=np.float64).astype(X.dtype).astype(np.float64)
    return pilot


def _moments(
    objective: Objective, pilot: Array, columns: Array | None = None, unit: Array | None = None
) -> tuple[Array, Array]:
    """Return the means of (some) columns less the pilot, in units, and their mean squares about the mean.

    Without an intercept about zero.
    """

    def terms(block: Block) -> tuple[Array, Array]:
        X, share = _changed_block(block, pilot, columns, unit), _shares(objective, block)
        return X.T @ share, _squares(X, share)

    mean, square = (total.astype(np.float64) for total in objective.sum_over_rows(terms))
    if objective.fit_intercept:
        square = np.maximum(square - mean**2, 0)
    return mean, square


def _sizes(objective: Objective, columns: Array, pilot: Array) -> Array:
    """Return the mean absolute values of some columns less the pilot: sums that stay in range where squares do not."""

    def terms(block: Block) -> tuple[Array]:
        return (abs(_changed_block(block, pilot, columns, None)).T @ _shares(objective, block),)

    (total,) = objective.sum_over_rows(terms)
    sizes: Array = total.astype(np.float64)
    return sizes


def _shares(objective: Objective, block: Block) -> Array:
    """Return the share that each row of a block has in the weight of all."""
    weight = np.ones(block.X.shape[0]) if block.weight is None else block.weight.astype(np.float64)
    shares: Array = (weight / objective.total_weight).astype(block.X.dtype)
    return shares


def _changed_block(block: Block, pilot: Array, columns: Array | None, unit: Array | None) -> Any:
    """Return (some) columns of a block less the pilot, in units; sparse ones, with a pilot of 0, in float64."""
    X = block.X if columns is None else block.X[:, columns]
    if not isinstance(X, np.ndarray):
        X = X.astype(np.float64)
        if unit is not None:
            X.data /= unit[X.indices]
        return X
    less = (pilot if columns is None else pilot[columns]).astype(X.dtype)
    if unit is None:
        return X - less if less.any() else X
    return (X - less) / unit


def _squares(X: Any, share: Array) -> Array:
    """Return the mean square of each column, of rows that have shares in the mean."""
    squares = X**2 if isinstance(X, np.ndarray) else type(X)((np.square(X.data), X.indices, X.indptr), shape=X.shape)
    total: Array = squares.T @ share
    return total
