"""Cross-entropies and divergences that have a closed form, one class per family of distributions.

The divergence has its own formula, written so that nothing cancels when p is close to q: the difference of
cross-entropy and entropy would. ``None`` says that the formula does not hold for this pair. To add a family,
write its class and enter it in `FAMILIES`.
"""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
from scipy import special, stats

__all__ = ["FAMILIES", "Family"]

# A float, or None where the formula does not hold for the pair (SciPy's functions are untyped).
Nats = Any

_LN_2PI = np.log(2 * np.pi)


class Located(Protocol):
    """What the formulas need to know of a distribution: X = loc + scale * Z, and the shapes of Z."""

    loc: np.float64
    scale: np.float64
    shapes: tuple[np.float64, ...]


class Family(ABC):
    """The formulas of one family, in nats, for p and q in it with the support of p inside that of q."""

    @staticmethod
    @abstractmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        """Return the mean of -log q under p."""

    @staticmethod
    @abstractmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        """Return the mean of log p - log q under p."""


class _Normal(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return _LN_2PI / 2 + np.log(q.scale) + ((p.scale / q.scale) ** 2 + ((p.loc - q.loc) / q.scale) ** 2) / 2

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        wider, moved = (p.scale - q.scale) / q.scale, (p.loc - q.loc) / q.scale
        return _excess(p.scale, q.scale) + wider**2 / 2 + moved**2 / 2


class _Exponential(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return np.log(q.scale) + (p.scale + (p.loc - q.loc)) / q.scale

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        return _excess(p.scale, q.scale) + (p.loc - q.loc) / q.scale


class _Uniform(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return np.log(q.scale)

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        return _log_ratio(q.scale, p.scale)


class _Laplace(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        shift = np.abs(p.loc - q.loc)
        return np.log(2 * q.scale) + (shift + p.scale * np.exp(-shift / p.scale)) / q.scale

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        shift = np.abs(p.loc - q.loc) / p.scale
        return _excess(p.scale, q.scale) + p.scale / q.scale * _plus_expm1(shift)


class _Cauchy(Family):
    """See Chyzak & Nielsen (2019), :doi:`10.48550/arXiv.1905.10965`."""

    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return np.log(np.pi * q.scale) + 2 * np.log(np.hypot(1 + p.scale / q.scale, (p.loc - q.loc) / q.scale))

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        between = np.hypot(p.scale - q.scale, p.loc - q.loc)
        return np.log1p(between / p.scale * (between / q.scale) / 4)


class _Gamma(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        if p.loc != q.loc:
            return None
        (a,), (b,) = p.shapes, q.shapes
        mean_log = special.digamma(a) + np.log(p.scale / q.scale)
        return special.gammaln(b) + np.log(q.scale) - (b - 1) * mean_log + a * (p.scale / q.scale)

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        if p.loc != q.loc:
            return None
        (a,), (b,) = p.shapes, q.shapes
        return _gammaln_excess(b, a) + b * _excess(p.scale, q.scale) + (a - b) * (p.scale - q.scale) / q.scale


class _Lognormal(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return None if p.loc != q.loc else np.log(p.scale) + _Normal.cross_entropy(_Logarithm(p), _Logarithm(q))

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        return None if p.loc != q.loc else _Normal.kl_divergence(_Logarithm(p), _Logarithm(q))


class _Logarithm:
    """The normal distribution of log X - for X lognormal."""

    def __init__(self, lognormal: Located) -> None:
        self.loc = np.log(lognormal.scale)
        (self.scale,) = lognormal.shapes
        self.shapes: tuple[np.float64, ...] = ()


class _Beta(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        if (p.loc, p.scale) != (q.loc, q.scale):
            return None
        (a, b), (c, d) = p.shapes, q.shapes
        mean_logs = (c - 1) * special.digamma(a) + (d - 1) * special.digamma(b) - (c + d - 2) * special.digamma(a + b)
        return np.log(q.scale) + special.betaln(c, d) - mean_logs

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        if (p.loc, p.scale) != (q.loc, q.scale):
            return None
        (a, b), (c, d) = p.shapes, q.shapes
        return _gammaln_excess(c, a) + _gammaln_excess(d, b) - _gammaln_excess(c + d, a + b)


class _Poisson(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return None

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        (rate,), (believed,) = p.shapes, q.shapes
        return rate * _excess(believed, rate) if p.loc == q.loc and rate > 0 else None


class _Binomial(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return None

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        (n, success), (m, believed) = p.shapes, q.shapes
        if p.loc != q.loc or n != m or not (0 < success < 1 and 0 < believed < 1):
            return None
        failure = (1 - success) * _excess(1 - believed, 1 - success)
        return n * (success * _excess(believed, success) + failure)


FAMILIES: dict[type[Any], type[Family]] = {
    type(stats.norm): _Normal,
    type(stats.expon): _Exponential,
    type(stats.uniform): _Uniform,
    type(stats.laplace): _Laplace,
    type(stats.cauchy): _Cauchy,
    type(stats.gamma): _Gamma,
    type(stats.lognorm): _Lognormal,
    type(stats.beta): _Beta,
    type(stats.poisson): _Poisson,
    type(stats.binom): _Binomial,
}
"""The families, by the class of the SciPy distribution."""


def _log_ratio(a: np.float64, b: np.float64) -> float:
    """Compute log(a / b), exact to the last digits where a is close to b."""
    t = (a - b) / b
    return float(np.log1p(t) if abs(t) < 0.5 else np.log(a) - np.log(b))


def _excess(a: np.float64, b: np.float64) -> float:
    """Compute a/b - 1 - log(a/b) >= 0 without cancellation."""
    t = (a - b) / b
    if abs(t) > 0.5:
        return float(t - _log_ratio(a, b))
    # log(1 + t) = 2 artanh(r) with r = t / (2 + t), and t - 2 r = t r.
    r = t / (2 + t)
    k = np.arange(1, 20)
    return float(t * r - 2 * r * np.sum(r ** (2 * k) / (2 * k + 1)))


def _gammaln_excess(b: np.float64, a: np.float64) -> float:
    """Compute log Γ(b) - log Γ(a) - (b - a) ψ(a) >= 0 without cancellation."""
    step = b - a
    if abs(step) > a / 8:
        return float(special.gammaln(b) - special.gammaln(a) - step * special.digamma(a))
    k = np.arange(2, 20)
    return float(np.sum(special.zeta(k, a) * (-step) ** k / k))


def _plus_expm1(u: float) -> float:
    """Compute exp(-u) - 1 + u >= 0 for u >= 0 without cancellation."""
    if u > 0.5:
        return float(np.expm1(-u) + u)
    k = np.arange(2, 18)
    return float(np.sum((-u) ** k / special.factorial(k)))
