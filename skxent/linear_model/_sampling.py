"""Samples of rows: at random by their weight, and evenly spaced along a cumulative chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from skxent._typing import Array
from skxent.linear_model._objective import Objective
from skxent.rows import Part, Rows, reweighted, subset

__all__ = ["draw", "importance_sample", "sample_by_chance", "sampling_chances"]

# Rounds of rescaling the chances, cut at 1, until they sum to the size of the sample.
_PASSES = 10


def draw(objective: Objective, size: int) -> Objective:
    """Return the objective of some random rows, always the same ones; of all if there are no more than that.

    A row is drawn as often as its weight says and then counts once, so that rows of large weight are not missed and
    rows of no weight not met. The rows drawn can be read again at will. Where the rows themselves cannot, they are
    drawn once for all, as many as may be copied, and every further draw is one from these.
    """
    rows = objective.rows
    if not rows.resident:
        return _draw_from_sample(objective, size)
    if size >= rows.n_rows:
        return objective
    return objective.reweighted(_random_positions(rows, size), None, float(size))


def _draw_from_sample(objective: Objective, size: int) -> Objective:
    rows = objective.rows
    most = int(rows.sample_bytes / rows.bytes_per_row)
    if most >= rows.n_rows:
        if rows.sample is None:
            rows.sample = subset(rows, slice(0, rows.n_rows))
        return draw(objective.on(rows.sample, objective.total_weight), size)
    if rows.sample is None:
        rows.sample = reweighted(rows, _random_positions(rows, most), None)
    return draw(objective.on(rows.sample, float(rows.sample.n_rows)), size)


def _random_positions(rows: Rows, size: int) -> Array:
    """Return sorted positions of random rows, drawn as often as their weights say."""
    chance = None
    if rows.weighted:
        chance = np.concatenate(list(rows.without_features().each(Part.weights)))
        chance /= chance.sum()
    positions: Array = np.random.default_rng(0).choice(
        rows.n_rows, size, replace=chance is not None, p=chance, shuffle=False
    )
    return np.sort(positions)


def importance_sample(mass: Array, size: int) -> tuple[Array, float]:
    """Return positions evenly spaced along a cumulative mass, and the mass between two of them.

    A systematic sample: it has little noise and is always the same.

    Parameters
    ----------
    mass : ndarray of shape (n_rows,)
        Chance of each row, up to a factor.
    size : int
        Number of positions.

    Returns
    -------
    positions : ndarray of int of shape (size,)
        Sorted; a row whose mass is more than the spacing occurs more than once.
    spacing : float
        The sum of the masses divided by `size`. A row stands for ``spacing / mass[row]`` rows.
    """
    ends = np.cumsum(mass, dtype=np.float64)
    spacing = ends[-1] / size
    return np.searchsorted(ends, spacing * (np.arange(size) + 0.5)), spacing


def sampling_chances(curvature: Array, weight: Array | None, size: int, min_share: float) -> Array:
    """Return the chance of each row to be in a sample, at most 1, in proportion to its weighted curvature.

    Parameters
    ----------
    curvature : ndarray of shape (n_rows,)
        Curvature of each row; it is overwritten.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows.
    size : int
        Number of rows that the sample is to have.
    min_share : float
        Least curvature of a row, as a share of the mean.

    Returns
    -------
    ndarray of shape (n_rows,)
        Chances that sum to about `size`.
    """
    least: Any = min_share * curvature.mean() + np.finfo(np.float32).tiny
    np.maximum(curvature, least, out=curvature)
    if weight is not None:
        curvature *= weight
    scale = size / curvature.sum(dtype=np.float64)
    for _ in range(_PASSES):
        scale *= size / np.minimum(1, scale * curvature).sum(dtype=np.float64)
    curvature *= scale
    return np.minimum(1, curvature, out=curvature)


def sample_by_chance(curvature: Array, weight: Array | None, size: int, min_share: float) -> tuple[Array, Array, Array]:
    """Return positions of about `size` rows, how many rows each stands for, and the chance that it had.

    The parameters are those of :func:`sampling_chances`.
    """
    chances = sampling_chances(curvature, weight, size, min_share)
    # The spacing is then at least 1, so that no row is in the sample twice.
    positions, spacing = importance_sample(chances, int(chances.sum(dtype=np.float64)))
    return positions, spacing / chances[positions], chances[positions]
