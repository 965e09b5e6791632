"""Special functions written so that no digits cancel, for arrays.

SciPy has the functions themselves. Information measures need differences of their values, which are here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from skxent._typing import Array

__all__ = [
    "binet",
    "binet_slope",
    "bregman_binet",
    "bregman_gammaln",
    "digamma_rise",
    "excess",
    "log_bessel_i",
    "log_gamma_ratio",
    "log_ratio",
    "log_sum_from_zero",
]

# Bernoulli numbers B_2k / (2k (2k - 1)): the coefficients of x^(1 - 2k) in Stirling's series.
_STIRLING = np.array([1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400])
# From this argument on eight terms of Stirling's series are exact to the last digit of a double.
_STIRLING_FROM = 10.0
# Below this argument differences of log Γ keep their digits, and Stirling's formula is not needed.
_STIRLING_UNTIL = 20.0
# From this order on six terms of Debye's expansion of a Bessel function are exact to about 1e-12.
_DEBYE_FROM = 100.0


def log_ratio(a: Any, b: Any) -> Any:
    """Compute log(a / b), exact to the last digits where a is close to b."""
    t = (a - b) / b
    return np.where(np.abs(t) < 0.5, np.log1p(np.where(np.abs(t) < 0.5, t, 0)), np.log(a) - np.log(b))


def excess(a: Any, b: Any) -> Any:
    """Compute a/b - 1 - log(a/b) >= 0 without cancellation."""
    return excess_of((np.asarray(a) - b) / b, lambda: np.log(a) - np.log(b))


def excess_of(t: Any, log: Any) -> Any:
    """Compute t - log(1 + t) >= 0, where log() gives log(1 + t) for t that are not small."""
    small = np.abs(t) <= 0.5
    # log(1 + t) = 2 artanh(r) with r = t / (2 + t), and t - 2 r = t r.
    safe = np.where(small, t, 0)
    r = safe / (2 + safe)
    series = np.polynomial.polynomial.polyval(r**2, [0, *(1 / (2 * np.arange(1, 20) + 1))])
    return np.where(small, safe * r - 2 * r * series, t - log())


def binet(x: Any) -> Any:
    """Compute Binet's function log Γ(x) - (x - 1/2) log x + x - log(2π) / 2, the error of Stirling's formula."""
    x = np.asarray(x, dtype=np.float64)
    large = np.maximum(x, _STIRLING_FROM)
    series = np.polynomial.polynomial.polyval(large**-2.0, _STIRLING) / large
    small = np.minimum(x, _STIRLING_FROM)
    direct = special.gammaln(small) - (small - 0.5) * np.log(small) + small - math.log(2 * math.pi) / 2
    return np.where(x >= _STIRLING_FROM, series, direct)


def binet_slope(x: Any) -> Any:
    """Compute the derivative of Binet's function, ψ(x) - log x + 1 / (2x)."""
    x = np.asarray(x, dtype=np.float64)
    large = np.maximum(x, _STIRLING_FROM)
    powers = -(2 * np.arange(len(_STIRLING)) + 1)
    series = np.polynomial.polynomial.polyval(large**-2.0, _STIRLING * powers) / large**2
    small = np.minimum(x, _STIRLING_FROM)
    return np.where(x >= _STIRLING_FROM, series, special.digamma(small) - np.log(small) + 0.5 / small)


def bregman_binet(b: float, a: float) -> float:
    """Compute R(b) - R(a) - (b - a) R'(a) >= 0 for Binet's function R."""
    if min(a, b) >= _STIRLING_FROM:
        terms = [_bregman_power(b, a, n) for n in range(1, 2 * len(_STIRLING), 2)]
        return float(np.dot(_STIRLING, terms))
    if max(a, b) < _STIRLING_UNTIL:
        return float(bregman_gammaln(b, a) - b * excess(a, b) - excess(b, a) / 2)
    return float(binet(b) - binet(a) - (b - a) * binet_slope(a))


def _bregman_power(b: float, a: float, n: int) -> float:
    """Compute b^-n - a^-n + n (b - a) a^(-n - 1) for a and b of at least 1.

    With t = b / a it is a^-n (t - 1)^2 times the sum of k t^(k - n - 1) for k = 1 ... n.
    """
    k = np.arange(1.0, n + 1)
    return float(((b - a) / a) ** 2 * np.sum(k * b ** (k - n - 1) * a ** (1 - k)))


def bregman_gammaln(b: float, a: float) -> float:
    """Compute log Γ(b) - log Γ(a) - (b - a) ψ(a) >= 0."""
    if max(a, b) >= _STIRLING_UNTIL:
        return float(b * excess(a, b) + excess(b, a) / 2 + bregman_binet(b, a))
    step = b - a
    if abs(step) > a / 8:
        return float(special.gammaln(b) - special.gammaln(a) - step * special.digamma(a))
    # zeta(k, a) = a^-k + zeta(k, a + 1), of which the first part may exceed the largest double.
    k = np.arange(2, 20)
    return float(np.sum(((-step / a) ** k + special.zeta(k, a + 1) * (-step) ** k) / k))


def digamma_rise(x: Any, h: Any) -> Any:
    """Compute ψ(x + h) - ψ(x) for x > 0 and h >= 0, which may be far smaller than x."""
    if h > x / 8:
        return special.digamma(x + h) - special.digamma(x)
    # zeta(k + 1, x) = x^-(k + 1) + zeta(k + 1, x + 1), of which the first part may exceed the largest double.
    k = np.arange(1, 20)
    return -np.sum((-h / x) ** k / x + special.zeta(k + 1, x + 1) * (-h) ** k)


def log_gamma_ratio(x: Any, h: Any) -> Any:
    """Compute log Γ(x + h) - log Γ(x) for x > 0, where x may be far larger than h."""
    return (x - 0.5) * np.log1p(h / x) + h * np.log(x + h) - h + binet(x + h) - binet(x)


def log_sum_from_zero(t: Any) -> Any:
    """Compute log(1 + exp(t)) for any t."""
    return np.logaddexp(0, t)


def log_bessel_i(order: Any, z: Any) -> Array:
    """Compute the logarithm of the modified Bessel function of the first kind, for orders > -1 and z > 0."""
    order, z = np.broadcast_arrays(np.asarray(order, dtype=np.float64), np.asarray(z, dtype=np.float64))
    direct = np.log(special.ive(order, z)) + z
    # Few terms of the power series matter where the function is too small for SciPy.
    j = np.arange(1, 20)
    factors = np.minimum(z, _DEBYE_FROM)[..., np.newaxis] ** 2 / 4 / (j * (order[..., np.newaxis] + j))
    series = order * np.log(z / 2) - special.gammaln(order + 1) + np.log1p(np.cumprod(factors, axis=-1).sum(axis=-1))
    low = np.where(np.isfinite(direct), direct, series)
    log: Array = np.where(order >= _DEBYE_FROM, _debye(np.maximum(order, _DEBYE_FROM), z), low)
    return log


# Debye's polynomials U_1 ... U_6 in powers of t (NIST Digital Library of Mathematical Functions 10.41.9).
_DEBYE = [np.polynomial.Polynomial([1.0])]
for _ in range(6):
    _u, _t2 = _DEBYE[-1], np.polynomial.Polynomial([0, 0, 1])
    _DEBYE.append(_t2 * (1 - _t2) * _u.deriv() / 2 + ((1 - 5 * _t2) * _u / 8).integ())


def _debye(order: Array, z: Array) -> Array:
    """Compute log I by Debye's expansion, for large orders."""
    ratio = z / order
    root = np.hypot(1, ratio)
    exponent = order * (root + np.log(ratio) - np.log1p(root))
    terms = sum(u(1 / root) / order**k for k, u in enumerate(_DEBYE))
    log: Array = exponent - np.log(2 * np.pi * order * root) / 2 + np.log(terms)
    return log
