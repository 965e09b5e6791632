"""Entropy, cross-entropy and divergence of unknown continuous distributions, estimated from samples.

The distance to the k-th nearest neighbour tells the density around a point: a ball that holds k of n points
has a probability of about k / n. No bins, no bandwidth; every region gets the resolution that it allows.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxent.information._units import nats_per_unit

__all__ = ["cross_entropy_from_samples", "entropy_from_samples", "kl_divergence_from_samples"]

Points = NDArray[np.float64]


def entropy_from_samples(x: ArrayLike, *, k: int = 3, base: float | None = None) -> float:
    r"""Differential entropy of the continuous distribution that a sample was drawn from.

    .. math:: \hat H = \psi(n) - \psi(k) + \log c_d + \frac dn \sum_i \log \rho_i

    where :math:`\rho_i` is the distance from point i to its k-th nearest neighbour, :math:`c_d` the volume of
    the unit ball in d dimensions and :math:`\psi` the digamma function.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d)
        The sample. All points are distinct, as those of a continuous distribution are.
    k : int, default=3
        Number of neighbours. More lower the variance and raise the bias.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.

    Returns
    -------
    float
        The estimate; its standard deviation is about
        :math:`\sqrt{(\operatorname{Var}[\log p(X)] + \psi'(k)) / n}`.

    Raises
    ------
    ValueError
        If points coincide, are too few or not finite.

    See Also
    --------
    skxent.entropy : From probabilities or counts, hence for discrete data too.

    References
    ----------
    Kozachenko & Leonenko (1987), "Sample estimate of the entropy of a random vector", Problems of Information
    Transmission 23(2). Kraskov, Stögbauer & Grassberger (2004), "Estimating mutual information",
    :doi:`10.1103/PhysRevE.69.066138`, equation 20.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import stats
    >>> from skxent import entropy
    >>> from skxent.information import entropy_from_samples
    >>> x = np.random.default_rng(6).normal(size=10_000)
    >>> round(entropy_from_samples(x), 2), round(entropy(stats.norm()), 2)
    (1.42, 1.42)
    """
    unit = nats_per_unit(base)
    points = _points("x", x)
    _refuse_repetitions("x", points)
    return _mean_surprise(points, None, k) / unit


def cross_entropy_from_samples(x: ArrayLike, y: ArrayLike, *, k: int = 3, base: float | None = None) -> float:
    r"""Cross-entropy H(p, q) of the continuous distributions that two samples were drawn from.

    .. math:: \hat H = \psi(m + 1) - \psi(k) + \log c_d + \frac dn \sum_i \log \nu_i

    where :math:`\nu_i` is the distance from point i of x to its k-th nearest neighbour among the m of y.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d)
        The sample of p, the truth.
    y : array-like of shape (m,) or (m, d)
        The sample of q, the belief. No point of it is repeated, or a point of `x`.
    k : int, default=3
        Number of neighbours.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.

    Returns
    -------
    float
        The estimate, always finite: where q has no point near, no sample can tell rare from impossible.

    Raises
    ------
    ValueError
        If points coincide, are too few or not finite, or the samples have different dimensions.

    References
    ----------
    Leonenko, Pronzato & Savani (2008), "A class of Rényi information estimators for multidimensional
    densities", :doi:`10.1214/07-AOS539`.

    Examples
    --------
    >>> import numpy as np
    >>> from skxent.information import cross_entropy_from_samples
    >>> rng = np.random.default_rng(6)
    >>> x, y = rng.normal(0, 1, 10_000), rng.normal(1, 2, 10_000)
    >>> round(cross_entropy_from_samples(x, y), 2)  # the truth is 1.862
    1.86
    """
    unit = nats_per_unit(base)
    return _mean_surprise(*_two_samples(x, y), k) / unit


def kl_divergence_from_samples(x: ArrayLike, y: ArrayLike, *, k: int = 3, base: float | None = None) -> float:
    r"""Kullback–Leibler divergence of the continuous distributions that two samples were drawn from.

    .. math:: \widehat{\mathrm{KL}} = \frac dn \sum_i \log \frac{\nu_i}{\rho_i} + \psi(m + 1) - \psi(n)

    with the distances from point i of x to its k-th nearest neighbour in y, :math:`\nu_i`, and among the
    other points of x, :math:`\rho_i`.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d)
        The sample of p, the truth.
    y : array-like of shape (m,) or (m, d)
        The sample of q, the belief. No point of it is repeated, or a point of `x`.
    k : int, default=3
        Number of neighbours.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.

    Returns
    -------
    float
        The estimate. It scatters around the truth, so it may be negative where p is close to q.

    Raises
    ------
    ValueError
        If points coincide, are too few or not finite, or the samples have different dimensions.

    References
    ----------
    Wang, Kulkarni & Verdú (2009), "Divergence estimation for multidimensional densities via
    k-nearest-neighbor distances", :doi:`10.1109/TIT.2009.2016060`.

    Examples
    --------
    >>> import numpy as np
    >>> from skxent.information import kl_divergence_from_samples
    >>> rng = np.random.default_rng(6)
    >>> x, y = rng.normal(0, 1, 10_000), rng.normal(1, 2, 10_000)
    >>> round(kl_divergence_from_samples(x, y), 2)  # the truth is 0.443
    0.44
    """
    unit = nats_per_unit(base)
    truth, belief = _two_samples(x, y)
    return (_mean_surprise(truth, belief, k) - _mean_surprise(truth, None, k)) / unit


def _two_samples(x: ArrayLike, y: ArrayLike) -> tuple[Points, Points]:
    truth, belief = _points("x", x), _points("y", y)
    if truth.shape[1] != belief.shape[1]:
        raise ValueError(f"x has {truth.shape[1]} dimensions and y has {belief.shape[1]}; they must agree.")
    _refuse_repetitions("x", truth)
    _refuse_repetitions("y", belief)
    return truth, belief


def _points(name: str, values: Any) -> Points:
    points = np.asarray(values, dtype=np.float64)
    points = points[:, np.newaxis] if points.ndim == 1 else points
    if points.ndim != 2 or points.size == 0:
        raise ValueError(
            f"{name} must have shape (n,) or (n, d), a row per point and one at least; got {np.shape(values)}."
        )
    bad = ~np.isfinite(points).all(axis=1)
    if bad.any():
        raise ValueError(f"Row {np.flatnonzero(bad)[0]} of {name} is not finite: {points[bad][0]}.")
    return points


def _refuse_repetitions(name: str, points: Points) -> None:
    _, first, count = np.unique(points, axis=0, return_index=True, return_counts=True)
    if len(first) < len(points):
        row = first[count > 1].min()
        repeated = f"{len(points) - len(first)} of the {len(points)} points of {name} repeat others"
        raise _tie(f"{repeated}, the first in row {row}")


def _tie(what: str) -> ValueError:
    return ValueError(
        f"{what}. Points of continuous distributions never coincide, so their distances would mislead. "
        "For discrete or rounded data count the values, and pass the counts to entropy(..., normalize=True) "
        "or its relatives."
    )


def _mean_surprise(x: Points, y: Points | None, k: int) -> float:
    """Return the mean over x of -log density, as y tells it, or for each point of x the others."""
    from scipy.spatial import cKDTree
    from scipy.special import digamma, gammaln

    others, n_others = (x, len(x) - 1) if y is None else (y, len(y))
    if k not in range(1, n_others + 1):
        raise ValueError(f"k={k} is not a whole number from 1 to {n_others}, the number of possible neighbours.")
    dimension = x.shape[1]
    scale = float(np.ptp(others, axis=0).max()) or 1.0  # so that no distance underflows when squared
    distances, _ = cKDTree(others / scale).query(x / scale, k=[1, k] if y is not None else [2, k + 1])
    coincides = np.flatnonzero(distances[:, 0] == 0)
    if len(coincides):
        raise _tie(f"Row {coincides[0]} of x coincides with a point of {'x' if y is None else 'y'}")
    log_unit_ball = dimension / 2 * math.log(math.pi) - gammaln(dimension / 2 + 1)
    mean_log_distance = np.log(distances[:, 1]).mean() + math.log(scale)
    return float(digamma(n_others + 1) - digamma(k) + log_unit_ball + dimension * mean_log_distance)
