"""The shape of a cloud of points: an affine map that makes it round.

The map is that of the maximum-likelihood fit of a multivariate t distribution with one degree of freedom (Kent &
Tyler 1991, :doi:`10.1214/aos/1176348388`). It moves with every affine map of the points, as the covariance does,
but heavy tails and outliers do not rule it.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import linalg

from skxent._typing import Floats

__all__ = ["degenerate_column", "principal_axes", "whitening"]

# Steps of the fixed-point iteration; each is equivariant, so that a few suffice for what is asked here.
_STEPS = 10
# A column whose part that the others do not explain is below this share of it is taken to depend on them.
_DEPENDENT = 1e-10


def degenerate_column(points: Floats) -> int | None:
    """Return a column that is constant or a linear combination of those before it, or None."""
    centred = points - points.mean(axis=0)
    size = np.abs(centred).max(axis=0)
    constant = size <= 8 * np.finfo(float).eps * np.abs(points).max(axis=0)
    if constant.any():
        return int(np.argmax(constant))
    factor = linalg.qr(centred / size, mode="economic")[1]
    own = np.abs(np.diag(factor))
    small = own <= _DEPENDENT * linalg.norm(factor, axis=0)[: len(own)]
    if small.any() or len(own) < points.shape[1]:
        return int(np.argmax(small)) if small.any() else len(own)
    return None


def whitening(points: Floats) -> tuple[Floats, float]:
    """Return the matrix W for which the rows of ``points @ W`` are round, and log |det W|.

    The columns of `points` must be linearly independent.
    """
    # One column needs its unit only.
    size = np.abs(points - np.median(points, axis=0)).max(axis=0)
    if points.shape[1] == 1:
        return 1 / size[np.newaxis], -float(np.log(size[0]))
    scaled = (points - np.median(points, axis=0)) / size
    matrix = linalg.solve_triangular(linalg.qr(scaled - scaled.mean(axis=0), mode="economic")[1], np.eye(len(size)))
    matrix *= math.sqrt(len(points))
    mean = scaled.mean(axis=0) @ matrix
    scaled = scaled @ matrix
    step = np.eye(len(size))
    for _ in range(_STEPS):
        rows = np.einsum("ij,jk->ik", scaled - mean, step)  # threads of BLAS cost more than they bring here
        distance = np.einsum("ij,ij->i", rows, rows)
        step, mean = _step(scaled, (1 + len(size)) / (1 + distance))
    matrix = matrix @ step
    return matrix / size[:, np.newaxis], float(np.linalg.slogdet(matrix)[1] - np.log(size).sum())


def _step(points: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return a matrix that whitens the weighted scatter of the points, and their weighted mean."""
    mean = np.einsum("i,ij->j", weights, points) / weights.sum()
    rows = points - mean
    scatter = np.einsum("ij,i,ik->jk", rows, weights, rows) / len(points)
    return np.linalg.inv(np.linalg.cholesky(scatter)).T, mean


def principal_axes(points: Floats) -> Floats:
    """Return the axes of the covariance of points that are round by another measure: coordinates of the points alone.

    See Tyler, Critchley, Dümbgen & Oja (2009), "Invariant co-ordinate selection",
    :doi:`10.1111/j.1467-9868.2009.00706.x`.
    """
    axes: Floats = linalg.svd(points - points.mean(axis=0), full_matrices=False)[2].T
    return axes
