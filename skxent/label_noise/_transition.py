"""The noise matrix: how often a label of one true class is given as that of another; checked, estimated and undone."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from skxent._sklearn import Interval
from skxent._typing import Array, Floats

__all__ = ["WrongSize", "check_size", "check_square", "check_transition", "estimate_transition", "posterior"]

# How far the sum of a row may be from 1, and an entry below 0: so far as numbers printed with six digits are off.
_SUM_TOLERANCE = 1e-5
# Largest number of steps of an estimate: all later ones together would change no entry by a thousandth.
_MAX_STEPS = 200
# An estimate ends with a step that changes no entry by more than this.
_CHANGE = 1e-4


class WrongSize(ValueError):
    """A matrix of a loss has not a row for each outcome."""


def check_square(name: str, matrix: Any) -> Floats:
    """Return a square matrix of finite numbers, a copy.

    Raises
    ------
    ValueError
        If it is something else; the message names the entry.
    """
    values = _numbers(name, matrix)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:
        raise ValueError(f"{name} has shape {values.shape}; it must be square, with a row and a column for each class.")
    for row, column in np.argwhere(~np.isfinite(values))[:1]:
        raise ValueError(f"{name}[{row}, {column}] is {values[row, column]}; all entries must be finite.")
    return values


def _numbers(name: str, matrix: Any) -> Floats:
    """Return numbers as an array of float64, a copy; a sparse matrix as a dense one."""
    try:
        values = np.array(matrix.toarray() if hasattr(matrix, "toarray") else matrix)
        if not values.ndim or values.dtype.kind in "cSU" or np.ma.is_masked(matrix):
            raise TypeError
        return values.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}={matrix!r} is not a matrix of real numbers.") from None


def check_size(name: str, matrix: Floats, n_outcomes: int) -> Floats:
    """Return a square matrix if it has a row for each outcome."""
    if len(matrix) != n_outcomes:
        raise WrongSize(
            f"{name} has shape {matrix.shape}, but there are {n_outcomes} outcomes: the classes in y, or on and off "
            "for a unit of SigmoidRegressor."
        )
    return matrix


def check_transition(name: str, matrix: Any) -> Floats:
    """Return a matrix whose rows are distributions and whose columns are not empty.

    Raises
    ------
    ValueError
        If it is something else; the message names the row or the column.
    """
    values = check_square(name, matrix)
    for row, column in np.argwhere(values < -_SUM_TOLERANCE)[:1]:
        raise ValueError(f"{name}[{row}, {column}] is {values[row, column]:.6g}; probabilities are not negative.")
    values = np.maximum(values, 0)
    sums = values.sum(axis=1)
    for row in np.flatnonzero(np.abs(sums - 1) > _SUM_TOLERANCE)[:1]:
        columns = np.abs(values.sum(axis=0) - 1).max() <= _SUM_TOLERANCE
        hint = " Its columns sum to 1: transpose it." if columns else ""
        raise ValueError(
            f"Row {row} of {name} sums to {sums[row]:.6g}; entry [i, j] is the probability that a row of true class i "
            f"is labelled j, so that each row sums to 1.{hint}"
        )
    for column in np.flatnonzero(~values.any(axis=0))[:1]:
        raise ValueError(f"Column {column} of {name} is all 0, as if no row could be labelled {column}.")
    return values / sums[:, np.newaxis]


def estimate_transition(y: Array, p: Array, *, prior: float = 1.0) -> Floats:
    r"""Estimate how often rows of each true class are labelled as each class, by maximum likelihood.

    Labels are drawn from :math:`p T` if :math:`p` are the probabilities of the true classes, so that the matrix is the
    one with the largest :math:`\sum_{ij} y_{ij} \log (p T)_{ij}`. That is concave in :math:`T`, and each step of
    expectation–maximisation [1]_ raises it: a row belongs to true class :math:`i` with the probability that its label
    leaves to that class.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_classes)
        Given labels as distributions, times the weights of the rows.
    p : ndarray of shape (n_rows, n_classes)
        Probabilities of the true classes, by a model that has not seen the row.
    prior : float, default=1.0
        Rows that each true class counts more, half of them right and half spread evenly over all labels. Above 0, so
        that no entry of the matrix is 0; the larger, the steadier the estimate, and the nearer to these.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        Entry [i, j] is the estimated probability that a row of true class i is labelled j.

    Raises
    ------
    ValueError
        If the arrays are not of one shape, or hold something else than finite numbers that are not negative, or
        `prior` is not above 0.

    References
    ----------
    .. [1] A. P. Dempster, N. M. Laird, D. B. Rubin, "Maximum Likelihood from Incomplete Data via the EM Algorithm",
       1977, :doi:`10.1111/j.2517-6161.1977.tb01600.x`

    Examples
    --------
    >>> import numpy as np
    >>> true, given = np.repeat([0, 1], 500), np.repeat([0, 1, 0, 1], [400, 100, 50, 450])
    >>> estimate_transition(np.eye(2)[given], np.eye(2)[true]).round(2)
    array([[0.8, 0.2],
           [0.1, 0.9]])
    """
    y, p = _check_pair(y, p)
    if not Interval(Real, 0, None, closed="neither").is_satisfied_by(prior):
        raise ValueError(f"prior={prior!r} must be a finite number above 0.")
    n_classes = p.shape[1]
    start = (np.eye(n_classes) + 1 / n_classes) / 2
    # For each label, the rows that may have it. Where each row has one label, all of these together are as large as p.
    by_label = [(p[rows], y[rows, j]) for j, rows in enumerate(map(_rows_with, y.T))]
    transition = start
    for _ in range(_MAX_STEPS):
        shares = [part.T @ (weight / (part @ transition[:, j])) for j, (part, weight) in enumerate(by_label)]
        before, counts = transition, prior * start + transition * np.stack(shares, axis=1)
        transition = counts / counts.sum(axis=1, keepdims=True)
        if np.abs(transition - before).max() <= _CHANGE:
            break
    return transition


def _check_pair(y: Array, p: Array) -> tuple[Floats, Floats]:
    """Return labels and probabilities as matrices of one shape, in float64, no probability being 0."""
    y, p = _numbers("y", y), _numbers("p", p)
    if y.ndim != 2 or y.shape != p.shape or not y.shape[1]:
        raise ValueError(f"y has shape {y.shape} and p {p.shape}; both must be (n_rows, n_classes).")
    for name, values in (("y", y), ("p", p)):
        for row, column in np.argwhere(~((values >= 0) & (values < np.inf)))[:1]:
            raise ValueError(f"{name}[{row}, {column}] is {values[row, column]}; it must be finite and not negative.")
    return y, np.maximum(p, np.finfo(np.float64).tiny)


def _rows_with(weights: Array) -> slice | Array:
    """Return the rows that have a weight; a slice, which copies nothing, if all do."""
    return slice(None) if weights.all() else np.flatnonzero(weights)


def posterior(p: Array, transition: Floats, labels: Array) -> Floats:
    r"""Return the probabilities of the true classes once the labels are known, :math:`p_i T_{ij} / (p T)_j`.

    Parameters
    ----------
    p : ndarray of shape (n_rows, n_classes)
        Probabilities of the true classes by the features alone.
    transition : ndarray of shape (n_classes, n_classes)
        Noise matrix without zeros.
    labels : ndarray of shape (n_rows,)
        Positions of the given labels.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        Distributions over the true classes.
    """
    joint: Floats = p * transition[:, labels].T
    return joint / joint.sum(axis=1, keepdims=True)
