"""The information measures of multivariate normal distributions, which have closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import linalg, stats

from skxent._typing import Floats
from skxent.information._special import excess_of

__all__ = ["cross_entropy", "is_normal", "kl_divergence"]

# The class of distributions with parameters, which SciPy does not name in public.
_Frozen = type(stats.multivariate_normal([0.0]))


def is_normal(given: Any) -> bool:
    """Return whether this is a multivariate normal distribution of SciPy, with its parameters or without."""
    return isinstance(given, _Frozen | type(stats.multivariate_normal))


def cross_entropy(p: Any, q: Any) -> float:
    """Return the cross-entropy, in nats."""
    mean, factor = _read("p", p)
    dimension = len(mean)
    size = dimension * (np.log(2 * np.pi) + 1) / 2 + np.sum(np.log(np.diag(factor)))
    return float(size) + kl_divergence(p, q)


def kl_divergence(p: Any, q: Any) -> float:
    """Return the divergence, in nats: the part of the covariances and the part of the means."""
    (mean, factor), (other_mean, root) = _read("p", p), _read("q", q)
    if len(mean) != len(other_mean):
        raise ValueError(f"p has {len(mean)} dimensions and q has {len(other_mean)}; they must agree.")
    if p is q:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        moved = linalg.solve_triangular(root, mean - other_mean, lower=True, check_finite=False)
        roots = linalg.svdvals(linalg.solve_triangular(root, factor, lower=True))[::-1]
        steps = np.where(np.abs(roots - 1) < 0.25, _steps(factor, root), roots**2 - 1)
        nats = float(np.sum(excess_of(steps, lambda: 2 * np.log(roots))) / 2 + moved @ moved / 2)
    if not math.isfinite(nats):
        raise OverflowError("The kl_divergence exceeds the largest double, or its formula does.")
    return nats


def _steps(factor: Floats, root: Floats) -> Floats:
    """Return the eigenvalues of the ratio of the covariances, less 1, the smallest first; NaN beyond all doubles.

    They are computed from the difference of the covariances, so that they keep their digits when p is close to q. Small
    ratios lose theirs.
    """
    difference = factor @ factor.T - root @ root.T
    half = linalg.solve_triangular(root, difference, lower=True, check_finite=False)
    whole = linalg.solve_triangular(root, half.T, lower=True, check_finite=False)
    steps: Floats = linalg.eigvalsh(whole) if np.isfinite(whole).all() else np.full(len(whole), np.nan)
    return steps


def _read(name: str, given: Any) -> tuple[Floats, Floats]:
    """Return the mean, and the Cholesky factor of the covariance."""
    if not isinstance(given, _Frozen):
        if is_normal(given):
            raise TypeError(f"{name} has no parameters; pass multivariate_normal(mean, cov).")
        raise TypeError(
            f"{name} is {type(given).__name__}, but a multivariate normal can be compared only with another one."
        )
    covariance = np.atleast_2d(np.asarray(given.cov, dtype=np.float64))
    try:
        return np.atleast_1d(np.asarray(given.mean, dtype=np.float64)), linalg.cholesky(covariance, lower=True)
    except linalg.LinAlgError as error:
        raise ValueError(
            f"The covariance of {name} is singular: it has no density, and its differential entropy is minus infinity."
        ) from error
