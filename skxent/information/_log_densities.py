"""Logarithms of the densities of SciPy's distributions, where SciPy's own are not right.

SciPy takes the logarithm of a density for many families; the density underflows far from the middle, and the
logarithm is -inf although the distribution goes on. Other formulas of SciPy overflow on their way. These here
are right as far as a logarithm can be written down. Each is that of the standard distribution, at an array of
points, with the shapes as numbers. To add one, write it and enter it in `LOG_DENSITIES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special, stats

from skxent._typing import Array
from skxent.information._special import binet, excess, log_bessel_i, log_gamma_ratio, log_sum_from_zero

__all__ = ["LOG_DENSITIES"]

LogDensity = Callable[..., Array]

_HALF_LN_2PI = math.log(2 * math.pi) / 2
_LN_2 = math.log(2)


def _normal(z: Array) -> Array:
    return -(z**2) / 2 - _HALF_LN_2PI


def _log_one_plus_square(z: Array) -> Array:
    """Compute log(1 + z^2) for z of any size."""
    log: Array = 2 * np.log(np.hypot(1, z))
    return np.where(np.abs(z) < 1, np.log1p(np.minimum(np.abs(z), 1) ** 2), log)


def _cauchy(z: Array) -> Array:
    return -math.log(math.pi) - _log_one_plus_square(z)


def _t(z: Array, df: Any) -> Array:
    if np.isinf(df):
        return _normal(z)
    constant = np.log(special.poch(df / 2, 0.5)) - (np.log(df) + math.log(math.pi)) / 2
    return constant - (df + 1) / 2 * _log_one_plus_square(z / np.sqrt(df))


def _halfcauchy(z: Array) -> Array:
    return _LN_2 + _cauchy(z)


def _foldcauchy(z: Array, c: Any) -> Array:
    return np.logaddexp(_cauchy(z - c), _cauchy(z + c))


def _skewcauchy(z: Array, a: Any) -> Array:
    return _cauchy(z / (1 + a * np.sign(z)))


def _foldnorm(z: Array, c: Any) -> Array:
    return _normal(z - c) + np.log1p(np.exp(-2 * c * z))


def _laplace(z: Array) -> Array:
    return -np.abs(z) - _LN_2


def _loglaplace(z: Array, c: Any) -> Array:
    log = np.log(z)
    return np.log(c / 2) - log - c * np.abs(log)


def _hypsecant(z: Array) -> Array:
    return math.log(2 / math.pi) - np.logaddexp(z, -z)


def _gausshyper(z: Array, a: Any, b: Any, c: Any, shift: Any) -> Array:
    log = special.xlogy(a - 1, z) + special.xlog1py(b - 1, -z) - c * np.log1p(shift * z)
    return log - special.betaln(a, b) - np.log(special.hyp2f1(c, a, a + b, -shift))


def _genhalflogistic(z: Array, c: Any) -> Array:
    log = np.log1p(-c * z)
    return _LN_2 + log / c - log - 2 * log_sum_from_zero(log / c)


def _invweibull(z: Array, c: Any) -> Array:
    return np.log(c) - (c + 1) * np.log(z) - z**-c


def _irwinhall(z: Array, n: Any) -> Array:
    edge = np.minimum(z, n - z)
    power = (n - 1) * np.log(edge) - special.gammaln(n)
    return np.where(edge < 1, power, np.log(stats.irwinhall._pdf(z, int(n))))


def _jf_skew_t(z: Array, a: Any, b: Any) -> Array:
    root = np.hypot(z, np.sqrt(a + b))
    # 1 + |z| / root, and 1 - |z| / root without cancellation.
    toward = np.log1p(np.abs(z) / root)
    away = np.log(a + b) - np.log(root) - np.log(root + np.abs(z))
    logs = np.where(z > 0, (a + 0.5) * toward + (b + 0.5) * away, (a + 0.5) * away + (b + 0.5) * toward)
    return logs - (a + b - 1) * _LN_2 - special.betaln(a, b) - np.log(a + b) / 2


def _johnsonsb(z: Array, a: Any, b: Any) -> Array:
    return np.log(b) - np.log(z) - np.log1p(-z) + _normal(a + b * special.logit(z))


def _johnsonsu(z: Array, a: Any, b: Any) -> Array:
    return np.log(b) - np.log(np.hypot(1, z)) + _normal(a + b * np.arcsinh(z))


def _kappa3(z: Array, a: Any) -> Array:
    return np.log(a) - (1 / a + 1) * np.logaddexp(np.log(a), a * np.log(z))


def _kappa4(z: Array, h: Any, k: Any) -> Array:
    t = np.log1p(-k * z) / k if k != 0 else -z
    rest = -np.exp(t) if h == 0 else (1 / h - 1) * _log_one_minus(h, t)
    return (1 - k) * t + rest


def _log_one_minus(h: Any, t: Array) -> Array:
    """Compute log(1 - h exp(t))."""
    return np.log1p(-h * np.exp(t)) if h > 0 else log_sum_from_zero(np.log(-h) + t)


def _kstwobign(z: Array) -> Array:
    """Return the limit law of Kolmogorov's statistic, by the series that converges fast on each side."""
    z = z[..., np.newaxis]
    low, high = np.minimum(z, 1), np.maximum(z, 1)
    odd = 2 * np.arange(1, 8) - 1
    terms = (odd**2 * math.pi**2 / (4 * low**4) - 1 / low**2) * np.exp((1 - odd**2) * math.pi**2 / (8 * low**2))
    left = -(math.pi**2) / (8 * low[..., 0] ** 2) + _HALF_LN_2PI + np.log(terms.sum(axis=-1))
    k = np.arange(1, 8)
    alternating = -((-1.0) ** k) * k**2 * np.exp(2 * (1 - k**2) * high**2)
    right = np.log(8 * high[..., 0]) - 2 * high[..., 0] ** 2 + np.log(alternating.sum(axis=-1))
    return np.where(z[..., 0] < 1, left, right)


# Coefficients of the saddle-point series of Landau's density on its left, in powers of u = exp(x + 1).
_LANDAU = [
    *(1, 1 / 24, -23 / 1152, 11237 / 414720, -2482411 / 39813120, 272785979 / 1337720832),
    *(-4175309343349 / 4815794995200, 525035501918789 / 115579079884800),
]
# Below this x the series is exact to 4e-12; SciPy's density underflows further left.
_LANDAU_BELOW = -4.5
# Above this x the density is 1 / x^2 to the last digit, and SciPy's is not a number in the end.
_LANDAU_ABOVE = 1e20


def _landau(z: Array) -> Array:
    # SciPy's scale is that of a stable law, on which Landau's own x is this.
    x = math.pi / 2 * z + math.log(math.pi / 2)
    log_u = np.minimum(x, _LANDAU_BELOW) + 1
    series = np.polynomial.polynomial.polyval(np.exp(log_u), _LANDAU)
    left = -np.exp(-log_u) - log_u / 2 - _HALF_LN_2PI + np.log(series)
    middle = np.log(stats.landau._pdf(z)) - math.log(math.pi / 2)
    right = -2 * np.log(np.abs(x))
    return np.where(x < _LANDAU_BELOW, left, np.where(x > _LANDAU_ABOVE, right, middle)) + math.log(math.pi / 2)


def _levy(z: Array) -> Array:
    return -_HALF_LN_2PI - 1.5 * np.log(z) - 0.5 / z


def _levy_l(z: Array) -> Array:
    return _levy(-z)


def _moyal(z: Array) -> Array:
    return -(z + np.exp(-z)) / 2 - _HALF_LN_2PI


def _ncf(z: Array, dfn: Any, dfd: Any, nc: Any) -> Array:
    central = stats.f._logpdf(z, dfn, dfd)
    ratio = special.hyp1f1((dfn + dfd) / 2, dfn / 2, nc / 2 * (dfn * z / (dfd + dfn * z)))
    log = central - nc / 2 + np.log(ratio)
    return np.where(np.isfinite(log), log, np.log(stats.ncf._pdf(z, dfn, dfd, nc)))


def _norminvgauss(z: Array, a: Any, b: Any) -> Array:
    root = np.hypot(1, z)
    exponent = b * z - a * root + np.sqrt((a - b) * (a + b))
    return np.log(a / math.pi) + np.log(special.k1e(a * root)) + exponent - np.log(root)


def _pareto(z: Array, b: Any) -> Array:
    return np.log(b) - (b + 1) * np.log(z)


def _rel_breitwigner(z: Array, rho: Any) -> Array:
    root = np.hypot(1, 1 / rho)
    constant = np.log(2 * np.sqrt(2 * root**2 / (1 + root)) / math.pi)
    return constant - _log_one_plus_square((z - rho) * ((z + rho) / rho))


def _rice(z: Array, b: Any) -> Array:
    return np.log(z) - (z - b) ** 2 / 2 + np.log(special.i0e(z * b))


def _tukeylambda(z: Array, lam: Any) -> Array:
    """Return the density where the quantile function is z: it is the inverse of its slope."""
    log_u, far = np.full_like(z, -745.0), -np.abs(z)
    step = np.full_like(z, (745.0 - _LN_2) / 2)
    for _ in range(60):
        middle = log_u + step
        log_u = np.where(_tukey_quantile(middle, lam) < far, middle, log_u)
        step = step / 2
    return -np.logaddexp((lam - 1) * log_u, (lam - 1) * np.log1p(-np.exp(log_u)))


def _tukey_quantile(log_u: Array, lam: Any) -> Array:
    quantile: Array = special.boxcox(np.exp(log_u), lam) - special.boxcox1p(-np.exp(log_u), lam)
    return quantile


def _burr(z: Array, c: Any, d: Any) -> Array:
    log = np.log(z)
    return np.log(c) + np.log(d) - (c + 1) * log - (d + 1) * log_sum_from_zero(-c * log)


def _burr12(z: Array, c: Any, d: Any) -> Array:
    log = np.log(z)
    return np.log(c) + np.log(d) + (c - 1) * log - (d + 1) * log_sum_from_zero(c * log)


def _fisk(z: Array, c: Any) -> Array:
    return _burr(z, c, 1.0)


def _mielke(z: Array, k: Any, s: Any) -> Array:
    log = np.log(z)
    return np.log(k) + (k - 1) * log - (1 + k / s) * log_sum_from_zero(s * log)


def _exponweib(z: Array, a: Any, c: Any) -> Array:
    log = c * np.log(z)
    power = np.exp(log)
    within = np.where(log < -37, log, np.log(-np.expm1(-power)))
    return np.log(a) + np.log(c) + special.xlogy(c - 1, z) + (a - 1) * within - power


def _truncweibull_min(z: Array, c: Any, a: Any, b: Any) -> Array:
    mass = np.log(-np.expm1(a**c - b**c))
    return np.log(c) + special.xlogy(c - 1, z) - (z**c - a**c) - mass


def _pearson3(z: Array, skew: Any) -> Array:
    return _normal(z) if abs(skew) < 1.6e-5 else stats.pearson3._logpdf(z, np.full_like(z, skew))


def _ncx2(z: Array, df: Any, nc: Any) -> Array:
    if nc == 0:
        return _chi2(z, df)
    order, root = df / 2 - 1, np.sqrt(z * nc)
    return order / 2 * np.log(z / nc) - (z + nc) / 2 - _LN_2 + log_bessel_i(order, root)


def _gamma(z: Array, a: Any) -> Array:
    if a <= 1:
        return (a - 1) * np.log(z) - z - special.gammaln(a)
    return np.log(a) / 2 - np.log(z) - _HALF_LN_2PI - a * excess(z, a) - binet(a)


def _chi2(z: Array, df: Any) -> Array:
    return _gamma(z / 2, df / 2) - _LN_2


def _poisson(k: Array, mu: Any) -> Array:
    if mu == 0:
        return np.where(k == 0, 0.0, -np.inf)
    count = np.maximum(k, 1)
    log = -(np.log(count) / 2) - _HALF_LN_2PI - count * excess(mu, count) - binet(count)
    return np.where(k == 0, -mu, log)


def _binom(k: Array, n: Any, p: Any) -> Array:
    if not 0 < p < 1:
        return np.where(k == n * p, 0.0, -np.inf)
    inner, inner_rest = np.clip(k, 1, None), np.clip(n - k, 1, None)
    size = (np.log(n) - np.log(inner) - np.log(inner_rest)) / 2 - _HALF_LN_2PI
    stirling = binet(n) - binet(inner) - binet(inner_rest)
    deviance = inner * excess(n * p, inner) + inner_rest * excess(n * (1 - p), inner_rest)
    ends = np.where(k == 0, n * np.log1p(-p), n * np.log(p))
    return np.where((k == 0) | (k == n), ends, size + stirling - deviance)


def _hypergeom(k: Array, total: Any, good: Any, drawn: Any) -> Array:
    share = drawn / total
    return _binom(k, good, share) + _binom(drawn - k, total - good, share) - _binom(np.array(drawn), total, share)


def _betabinom(k: Array, n: Any, a: Any, b: Any) -> Array:
    rises = log_gamma_ratio(k + 1, a - 1) + log_gamma_ratio(n - k + 1, b - 1) - log_gamma_ratio(n + 1, a + b - 1)
    return rises - special.betaln(a, b)


def _nhypergeom(k: Array, total: Any, good: Any, bad: Any) -> Array:
    return _betabinom(k, good, bad, total - good - bad + 1)


def _betanbinom(k: Array, n: Any, a: Any, b: Any) -> Array:
    rises = log_gamma_ratio(k + 1, n - 1) + log_gamma_ratio(n, a) - log_gamma_ratio(b + k, a + n)
    return rises - special.betaln(a, b)


def _yulesimon(k: Array, alpha: Any) -> Array:
    return np.log(alpha) + special.gammaln(alpha + 1) - log_gamma_ratio(k, alpha + 1)


def _nbinom(k: Array, n: Any, p: Any) -> Array:
    return np.log(n / (n + k)) + _negative_binomial(k, n, p)


def _negative_binomial(k: Array, n: Any, p: Any) -> Array:
    """Return the probability that k of k + n are failures, for n that need not be whole."""
    count, total = np.maximum(k, 1), np.maximum(k, 1) + n
    size = (np.log(total) - np.log(count) - np.log(n)) / 2 - _HALF_LN_2PI
    stirling = binet(total) - binet(count) - binet(n)
    deviance = count * excess(total * (1 - p), count) + n * excess(total * p, n)
    return np.where(k == 0, n * np.log(p), size + stirling - deviance)


def _boltzmann(k: Array, rate: Any, n: Any) -> Array:
    return np.log(-np.expm1(-rate)) - np.log(-np.expm1(-rate * n)) - rate * k


def _dlaplace(k: Array, a: Any) -> Array:
    return np.log(np.tanh(a / 2)) - a * np.abs(k)


def _logser(k: Array, p: Any) -> Array:
    return k * np.log(p) - np.log(k) - np.log(-np.log1p(-p))


def _planck(k: Array, rate: Any) -> Array:
    return np.log(-np.expm1(-rate)) - rate * k


def _zipf(k: Array, a: Any) -> Array:
    return -a * np.log(k) - np.log(special.zeta(a))


def _zipfian(k: Array, a: Any, n: Any) -> Array:
    return -a * np.log(k) - np.log(_harmonic(float(n), float(a)))


# Terms of a harmonic number that are added up one by one, before the Euler-Maclaurin formula takes over.
_HARMONIC_TERMS = 1000.0


def _harmonic(n: float, a: float) -> float:
    """Return the sum of k^-a for k from 1 to n."""
    first = min(n, _HARMONIC_TERMS)
    total = float(np.sum(np.arange(1.0, first) ** -a))
    integral = special.boxcox(n / first, 1 - a) * first ** (1 - a)
    ends = (first**-a + n**-a) / 2 + a * (first ** (-a - 1) - n ** (-a - 1)) / 12
    return float(total + integral + ends - a * (a + 1) * (a + 2) * (first ** (-a - 3) - n ** (-a - 3)) / 720)


def _skellam(k: Array, mu1: Any, mu2: Any) -> Array:
    between = (np.sqrt(mu1) - np.sqrt(mu2)) ** 2
    root = 2 * np.sqrt(mu1 * mu2)
    return k / 2 * np.log(mu1 / mu2) - between - root + log_bessel_i(np.abs(k), root)


_OWN: list[LogDensity] = [
    *(_cauchy, _t, _halfcauchy, _foldcauchy, _skewcauchy, _foldnorm, _laplace, _loglaplace, _hypsecant),
    *(_gausshyper, _genhalflogistic, _invweibull, _irwinhall, _jf_skew_t, _johnsonsb, _johnsonsu, _kappa3),
    *(_kappa4, _kstwobign, _landau, _levy, _levy_l, _moyal, _ncf, _norminvgauss, _pareto, _rel_breitwigner),
    *(_rice, _tukeylambda, _burr, _burr12, _fisk, _mielke, _exponweib, _truncweibull_min, _pearson3),
    *(_ncx2, _gamma, _poisson, _binom, _nbinom, _boltzmann, _dlaplace, _logser, _planck, _zipf),
    *(_zipfian, _skellam, _hypergeom, _nhypergeom, _betabinom, _betanbinom, _yulesimon),
]
LOG_DENSITIES: dict[type[Any], LogDensity] = {type(getattr(stats, own.__name__[1:])): own for own in _OWN}
"""The log-densities, by the class of the SciPy distribution that each is named after."""
