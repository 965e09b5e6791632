"""Entropies, cross-entropies and divergences that have a closed form, one class per family of distributions.

Every formula is written so that nothing cancels: neither for large parameters, nor when p is close to q, where
the difference of cross-entropy and entropy would lose its digits. ``None`` says that the formula does not hold
for this pair. To add a family, write its class and enter it in `FAMILIES`; where only the entropy is known,
enter that in `ENTROPIES`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from scipy import special, stats

from skxent._typing import Array, Floats
from skxent.information._special import (
    binet,
    binet_slope,
    bregman_binet,
    digamma_rise,
    excess,
    excess_of,
    log_ratio,
)

__all__ = ["ENTROPIES", "FAMILIES", "Family", "Located"]

# A float, or None where the formula does not hold for the pair (SciPy's functions are untyped).
Nats = Any

_LN_2PI = math.log(2 * math.pi)
# From this shape on, where log-densities are concave, the cross-entropy of gamma and beta distributions is the sum of
# entropy and divergence. Below it these two nearly cancel, and above it the terms of the direct formula do.
_CONCAVE = 1.0


class Located(Protocol):
    """What the formulas need to know of a distribution: X = loc + scale * Z, and the shapes of Z."""

    @property
    def loc(self) -> np.float64:
        """The location."""

    @property
    def scale(self) -> np.float64:
        """The scale."""

    @property
    def shapes(self) -> tuple[np.float64, ...]:
        """The other parameters, in SciPy's order."""


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
        return excess(p.scale, q.scale) + wider**2 / 2 + moved**2 / 2


class _Exponential(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return np.log(q.scale) + (p.scale + (p.loc - q.loc)) / q.scale

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        return excess(p.scale, q.scale) + (p.loc - q.loc) / q.scale


class _Uniform(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return np.log(q.scale)

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        return log_ratio(q.scale, p.scale)


class _Laplace(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        shift = np.abs(p.loc - q.loc)
        return np.log(2 * q.scale) + (shift + p.scale * np.exp(-shift / p.scale)) / q.scale

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        shift = np.abs(p.loc - q.loc) / p.scale
        return excess(p.scale, q.scale) + p.scale / q.scale * _plus_expm1(shift)


class _Cauchy(Family):
    """See Chyzak & Nielsen (2019), :doi:`10.48550/arXiv.1905.10965`."""

    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return np.log(np.pi) - np.log(q.scale) + 2 * np.log(np.hypot(p.scale + q.scale, p.loc - q.loc))

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        between = np.hypot(p.scale - q.scale, p.loc - q.loc)
        ratio = between / p.scale * (between / q.scale) / 4
        if ratio < 1:
            return np.log1p(ratio)
        return 2 * np.log(np.hypot(p.scale + q.scale, p.loc - q.loc) / 2) - np.log(p.scale) - np.log(q.scale)


class _Gamma(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        if p.loc != q.loc:
            return None
        (a,), (b,) = p.shapes, q.shapes
        if a >= _CONCAVE:
            return np.log(p.scale) + _gamma_entropy(a) + _Gamma.kl_divergence(p, q)
        mean_log = special.digamma(a) + log_ratio(p.scale, q.scale)
        return np.log(q.scale) + special.gammaln(b) - (b - 1) * mean_log + a * (p.scale / q.scale)

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        if p.loc != q.loc:
            return None
        (a,), (b,) = p.shapes, q.shapes
        # The means differ, and then, with equal means, the shapes. (1 + u) (1 + v) is the ratio of the means.
        u, v = (p.scale - q.scale) / q.scale, (a - b) / b
        step = u + v + u * v if max(abs(u), abs(v)) < 0.5 else p.scale / q.scale * (a / b) - 1
        mean = excess_of(step, lambda: np.log(p.scale) - np.log(q.scale) + np.log(a) - np.log(b))
        return b * mean + excess(b, a) / 2 + bregman_binet(b, a)


class _Lognormal(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return None if p.loc != q.loc else np.log(p.scale) + _Normal.cross_entropy(_Logarithm(p, p), _Logarithm(q, p))

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        return None if p.loc != q.loc else _Normal.kl_divergence(_Logarithm(p, p), _Logarithm(q, p))


class _Logarithm:
    """The normal distribution of log X, for X lognormal in units of another one."""

    def __init__(self, lognormal: Located, unit: Located) -> None:
        self.loc = log_ratio(lognormal.scale, unit.scale)
        (self.scale,) = lognormal.shapes
        self.shapes: tuple[np.float64, ...] = ()


class _Beta(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        if (p.loc, p.scale) != (q.loc, q.scale):
            return None
        (a, b), (c, d) = p.shapes, q.shapes
        if min(a, b) >= _CONCAVE:
            return np.log(p.scale) + _beta_entropy(a, b) + _Beta.kl_divergence(p, q)
        return np.log(p.scale) + special.betaln(c, d) + (c - 1) * digamma_rise(a, b) + (d - 1) * digamma_rise(b, a)

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        if (p.loc, p.scale) != (q.loc, q.scale):
            return None
        return _beta_divergence(np.array(p.shapes), np.array(q.shapes))


class _Poisson(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return None

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        (rate,), (believed,) = p.shapes, q.shapes
        return rate * excess(believed, rate) if p.loc == q.loc and rate > 0 and believed > 0 else None


class _Binomial(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        return None

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        (n, success), (m, believed) = p.shapes, q.shapes
        if p.loc != q.loc or n != m or not (0 < success < 1 and 0 < believed < 1):
            return None
        failure = (1 - success) * excess_of(
            (success - believed) / (1 - success), lambda: np.log1p(-believed) - np.log1p(-success)
        )
        return n * (success * excess(believed, success) + failure)


class _Randint(Family):
    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        size = _n_integers(*q.shapes)
        return np.log(size) if size else None

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        size, believed = _n_integers(*p.shapes), _n_integers(*q.shapes)
        return log_ratio(believed, size) if size and believed else None


class _VonMises(Family):
    """The same circle: equal scales, any two directions."""

    @staticmethod
    def cross_entropy(p: Located, q: Located) -> Nats:
        if p.scale != q.scale:
            return None
        (a,), (b,) = p.shapes, q.shapes
        angle = (p.loc - q.loc) / p.scale
        # b (1 - A cos) = b (1 - A) + b A (1 - cos), where A = I1 / I0 is the length of the mean direction.
        length = special.ive(1, a) / special.ive(0, a)
        spread = b * (_one_minus_length(a) - length * special.cosm1(angle))
        return np.log(q.scale) + _LN_2PI + np.log(special.ive(0, b)) + spread

    @staticmethod
    def kl_divergence(p: Located, q: Located) -> Nats:
        if p.scale != q.scale:
            return None
        (a,), (b,) = p.shapes, q.shapes
        return _von_mises_divergence(a, b, (p.loc - q.loc) / p.scale)


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
    type(stats.randint): _Randint,
    type(stats.vonmises): _VonMises,
}
"""The families, by the class of the SciPy distribution."""


def _n_integers(low: Any, high: Any) -> Any:
    """Return how many whole numbers there are from low to below high, or 0 if rounding of the two hides it."""
    size = high - low
    return size if size > 1e12 * np.finfo(np.float64).eps * max(abs(low), abs(high)) else 0


def _gamma_entropy(a: Any) -> Any:
    return (_LN_2PI + np.log(a) + 1 - 1 / a) / 2 + binet(a) + (1 - a) * binet_slope(a)


def _pearson3_entropy(skew: Any) -> Any:
    """Entropy of a gamma distribution in units of its standard deviation; of the normal one for tiny skews."""
    return (_LN_2PI + 1) / 2 if skew < 1e-9 else _gamma_entropy(4 / skew**2) + np.log(skew / 2)


def _stable_entropy(alpha: Any, beta: Any) -> Any:
    """Entropy of the stable distributions that are a normal, a Cauchy or a Lévy distribution."""
    if alpha == 2:
        return (_LN_2PI + 1 + math.log(2)) / 2
    if alpha == 1 and beta == 0:
        return math.log(4 * math.pi)
    return ENTROPIES[type(stats.levy)]() if alpha == 0.5 and abs(beta) == 1 else None


def _loggamma_entropy(c: Any) -> Any:
    return (_LN_2PI + 1 - np.log(c)) / 2 + binet(c) - c * binet_slope(c)


def _burr_entropy(c: Any, d: Any, sign: int) -> Any:
    """Entropy of the third (sign -1) and the twelfth (sign 1) of Burr's distributions."""
    logs, harmonic = np.log(c) + np.log(d), special.digamma(1 + d) - special.digamma(1)
    return 1 - logs + sign / c / d + (1 - sign / c) * harmonic


def _beta_entropy(a: Any, b: Any) -> Any:
    s = a + b
    normal = (_LN_2PI + 1 + np.log(a) + np.log(b) - 3 * np.log(s)) / 2
    stirling = binet(a) + binet(b) - binet(s) - 1 / (2 * a) - 1 / (2 * b) + 1 / s
    slopes = (a - 1) * binet_slope(a) + (b - 1) * binet_slope(b) - (s - 2) * binet_slope(s)
    return normal + stirling - slopes


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


def _beta_divergence(p: Floats, q: Floats) -> float:
    """Integrate the Fisher information along the segment from p to q: no term of it is negative.

    KL = integral from 0 to 1 of (1 - t) D' F(p + t D) D, where D = q - p, as for every exponential family.
    """
    step = q - p
    if not step.any():
        return 0.0
    with np.errstate(divide="ignore"):
        near_p, near_q = (_graded(np.min(end / np.abs(step))) for end in (p, q))
    first = _fisher(p[:, None] + near_p[0] * step[:, None], step) * (1 - near_p[0]) * near_p[1]
    second = _fisher(q[:, None] - near_q[0] * step[:, None], step) * near_q[0] * near_q[1]
    return float(np.sum(first) + np.sum(second))


def _graded(scale: float) -> tuple[Floats, Floats]:
    """Return nodes and weights of a quadrature from 0 to 1/2 in pieces that grow fourfold from `scale` on."""
    count = max(math.ceil(math.log(0.5 / scale, 4)), 0) if scale < 0.5 else 0
    edges = np.unique([0.0, *np.minimum(scale * 4.0 ** np.arange(count), 0.5), 0.5])
    width = np.diff(edges)[:, None]
    return (edges[:-1, None] + width * _NODES).ravel(), (width * _WEIGHTS).ravel()


def _fisher(parameters: Floats, step: Floats) -> Array:
    """Return the variance of step[0] log X + step[1] log(1 - X) for X of beta distributions."""
    (a, b), (u, v) = parameters, step
    s = a + b
    large = np.minimum(a, b) >= 10
    leading = (b * u - a * v) ** 2 / (a * b) / s
    rest = u**2 * _trigamma_rest(a) + v**2 * _trigamma_rest(b) - (u + v) ** 2 * _trigamma_rest(s)
    direct = u**2 * _trigamma_fall(a, b) + v**2 * _trigamma_fall(b, a) - 2 * u * v * special.polygamma(1, s)
    return np.where(large, leading + rest, direct)


# Coefficients of x^-2, x^-3, ... in the asymptotic series of ψ'(x) - 1/x.
_TRIGAMMA = [1 / 2, 1 / 6, 0, -1 / 30, 0, 1 / 42, 0, -1 / 30, 0, 5 / 66, 0, -691 / 2730, 0, 7 / 6]


def _trigamma_rest(x: Floats) -> Any:
    """Compute ψ'(x) - 1/x for x of at least 10."""
    inverse = 1 / np.maximum(x, 10)
    return inverse**2 * np.polynomial.polynomial.polyval(inverse, _TRIGAMMA)


def _trigamma_fall(x: Floats, h: Floats) -> Any:
    """Compute ψ'(x) - ψ'(x + h) >= 0, for h that may be far smaller than x."""
    near = h < x / 8
    k = np.arange(1, 20)[:, None]
    small = np.where(near, h, 0)
    series = -np.sum((-1.0) ** k * (k + 1) * special.zeta(k + 2, x) * small**k, axis=0)
    return np.where(near, series, special.polygamma(1, x) - special.polygamma(1, x + h))


def _one_minus_length(kappa: Any) -> Any:
    """Compute 1 - I1(κ) / I0(κ) without cancellation for large κ."""
    if kappa < 1e4:
        return 1 - special.ive(1, kappa) / special.ive(0, kappa)
    return np.polynomial.polynomial.polyval(1 / kappa, [0, 1 / 2, 1 / 8, 1 / 8, 25 / 128, 13 / 32])


def _von_mises_divergence(a: Any, b: Any, angle: Any) -> Any:
    """Integrate the variance of the cosine between the concentrations, and add the turn."""
    length = special.ive(1, a) / special.ive(0, a)
    turn = -b * length * special.cosm1(angle)
    step = b - a
    if step == 0:
        return turn
    (near_a, weight_a), (near_b, weight_b) = (_graded(max(end, 1.0) / abs(step)) for end in (a, b))
    first = np.sum(_cosine_variance(a + near_a * step) * (1 - near_a) * weight_a)
    second = np.sum(_cosine_variance(b - near_b * step) * near_b * weight_b)
    return turn + step**2 * (first + second)


def _cosine_variance(kappa: Floats) -> Any:
    """Return the variance of cos X for X of von Mises distributions of mean direction 0."""
    small = np.minimum(kappa, 200)
    length = special.ive(1, small) / special.ive(0, small)
    tiny = np.minimum(kappa, 1e-2)
    ratio = np.where(kappa < 1e-2, 1 / 2 - tiny**2 / 16 + tiny**4 / 96, length / np.maximum(small, 1e-2))
    large = np.maximum(kappa, 200)
    series = [0, 0, 1 / 2, 1 / 4, 3 / 8, 25 / 32, 65 / 32, 3219 / 512]
    return np.where(kappa < 200, 1 - ratio - length**2, np.polynomial.polynomial.polyval(1 / large, series))


ENTROPIES: dict[type[Any], Callable[..., Any]] = {
    type(stats.genextreme): lambda c: 1 + np.euler_gamma * (1 - c),
    type(stats.genpareto): lambda c: 1 + c,
    type(stats.gumbel_r): lambda: 1 + np.euler_gamma,
    type(stats.gumbel_l): lambda: 1 + np.euler_gamma,
    type(stats.weibull_min): lambda c: 1 + np.euler_gamma * (1 - 1 / c) - np.log(c),
    type(stats.weibull_max): lambda c: 1 + np.euler_gamma * (1 - 1 / c) - np.log(c),
    type(stats.invweibull): lambda c: 1 + np.euler_gamma * (1 + 1 / c) - np.log(c),
    type(stats.rayleigh): lambda: 1 + np.euler_gamma / 2 - np.log(2) / 2,
    type(stats.pareto): lambda b: 1 + 1 / b - np.log(b),
    type(stats.lomax): lambda c: 1 + 1 / c - np.log(c),
    type(stats.powerlaw): lambda a: 1 - 1 / a - np.log(a),
    type(stats.logistic): lambda: 2.0,
    type(stats.fisk): lambda c: 2 - np.log(c),
    type(stats.levy_stable): lambda alpha, beta: _stable_entropy(alpha, beta),
    type(stats.levy): lambda: (1 + 3 * np.euler_gamma + math.log(16 * math.pi)) / 2,
    type(stats.levy_l): lambda: (1 + 3 * np.euler_gamma + math.log(16 * math.pi)) / 2,
    type(stats.arcsine): lambda: math.log(math.pi / 4),
    type(stats.triang): lambda c: 0.5 - math.log(2),
    type(stats.trapezoid): lambda c, d: (1 - (d - c)) / (1 + (d - c)) / 2 + np.log((1 + (d - c)) / 2),
    type(stats.loguniform): lambda a, b: np.log(a) / 2 + np.log(b) / 2 + np.log(log_ratio(b, a)),
    type(stats.reciprocal): lambda a, b: np.log(a) / 2 + np.log(b) / 2 + np.log(log_ratio(b, a)),
    type(stats.genhalflogistic): lambda c: 2 - (1 + 2 * c) * math.log(2),
    type(stats.halfnorm): lambda: (_LN_2PI + 1) / 2 - math.log(2),
    type(stats.invgamma): lambda a: _gamma_entropy(a) - 2 * special.digamma(a),
    type(stats.loggamma): lambda c: _loggamma_entropy(c),
    type(stats.chi): lambda df: _gamma_entropy(df / 2) - (math.log(2) + special.digamma(df / 2)) / 2,
    type(stats.dgamma): lambda a: math.log(2) + _gamma_entropy(a),
    type(stats.dweibull): lambda c: math.log(2) + 1 + np.euler_gamma * (1 - 1 / c) - np.log(c),
    type(stats.pearson3): lambda skew: _pearson3_entropy(abs(skew)),
    type(stats.burr): lambda c, d: _burr_entropy(c, d, -1),
    type(stats.burr12): lambda c, d: _burr_entropy(c, d, 1),
    type(stats.wrapcauchy): lambda c: _LN_2PI + np.log1p(-c) + np.log1p(c),
    type(stats.geom): lambda p: -np.log(p) - special.xlog1py((1 - p) / p, -p),
    type(stats.zipf): lambda a: _zipf_entropy(a),
}
"""The entropies of the standard distributions of other families, as functions of their shapes; None where unknown."""


def _zipf_entropy(a: Any) -> Any:
    """Entropy log zeta(a) - a zeta'(a) / zeta(a).

    The derivative is minus the sum of log(k) / k**a. The terms from 1,000 on are added up by the Euler-Maclaurin
    formula (NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov/2.10#E1).
    """
    n = 1000
    k, log_n = np.arange(2, n), math.log(n)
    tail = n ** (1 - a) * (log_n + 1 / (a - 1)) / (a - 1) + n**-a * (log_n / 2 + (a * log_n - 1) / (12 * n))
    others = special.zeta(a, 2)
    return np.log1p(others) + a * (np.sum(np.log(k) * k**-a) + tail) / (1 + others)


def _plus_expm1(u: Any) -> Any:
    """Compute exp(-u) - 1 + u >= 0 for u >= 0 without cancellation."""
    k = np.arange(2, 18)
    small = min(u, 0.5)
    return np.expm1(-u) + u if u > small else np.sum((-small) ** k / special.factorial(k))
