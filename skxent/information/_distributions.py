"""The information measures of ``scipy.stats`` distributions.

Each is the mean, under p, of a function of log p and log q: in closed form where the family has one, else by
quadrature or summation, in coordinates in which p has location 0 and scale 1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from skxent.information._families import FAMILIES
from skxent.information._quadrature import Array, expectation

__all__ = ["RandomVariable", "cross_entropy", "entropy", "jensen_shannon", "kl_divergence", "perplexity"]
from skxent.information._units import nats_per_unit

# A function of log p(x) and log q(x).
Contribution = Callable[[Array, Array], Array]


def entropy(p: Any, *, base: float | None = None) -> float:
    """Entropy of a distribution: :func:`skxent.information.entropy`."""
    return cross_entropy(p, p, base=base)


def cross_entropy(p: Any, q: Any, *, base: float | None = None) -> float:
    """Cross-entropy of two distributions: :func:`skxent.information.cross_entropy`."""
    unit = nats_per_unit(base)
    truth, belief = _pair(p, q)
    log_scale = np.log(truth.scale)
    return _relative("cross_entropy", truth, belief, lambda log_p, log_q: log_scale - log_q) / unit


def kl_divergence(p: Any, q: Any, *, base: float | None = None) -> float:
    """Kullback–Leibler divergence of two distributions: :func:`skxent.information.kl_divergence`."""
    unit = nats_per_unit(base)
    truth, belief = _pair(p, q)
    return max(_relative("kl_divergence", truth, belief, lambda log_p, log_q: log_p - log_q), 0.0) / unit


def jensen_shannon(p: Any, q: Any, *, base: float | None = None) -> float:
    """Jensen–Shannon divergence of two distributions: :func:`skxent.information.jensen_shannon`."""
    unit = nats_per_unit(base)
    first, second = _pair(p, q)

    def from_mixture(log_p: Array, log_q: Array) -> Array:
        return math.log(2) + log_p - np.logaddexp(log_p, log_q)

    nats = (_mean(first, second, from_mixture) + _mean(second, first, from_mixture)) / 2
    return min(max(nats, 0.0), math.log(2)) / unit


def perplexity(p: Any, q: Any = None) -> float:
    """Exponential of the (cross-)entropy of distributions: :func:`skxent.information.perplexity`."""
    with np.errstate(over="ignore"):
        return float(np.exp(cross_entropy(p, p if q is None else q)))


@dataclass(frozen=True)
class RandomVariable:
    """X = loc + scale * Z, where Z is a distribution of SciPy.

    Attributes
    ----------
    standard : frozen distribution or random-variable object
        The distribution of Z.
    family : type
        The class of the SciPy distribution.
    loc, scale : float
        A discrete distribution has scale 1.
    shapes : tuple of float
        The other parameters.
    discrete : bool
        Whether it has probabilities instead of a density.
    """

    standard: Any
    family: type
    loc: np.float64
    scale: np.float64
    shapes: tuple[np.float64, ...]
    discrete: bool

    def seen_from(self, origin: "RandomVariable") -> "RandomVariable":
        """Return the same variable in the coordinates of the Z of another one."""
        return replace(self, loc=(self.loc - origin.loc) / origin.scale, scale=self.scale / origin.scale)

    def log_density(self, x: Array) -> Array:
        """Return the logarithm of the density or probability at x, -inf where there is none."""
        z = (x - self.loc) / self.scale
        scipy_log = self.standard.logpmf if self.discrete else self.standard.logpdf
        log: Array = _LOG_DENSITIES.get(self.family, scipy_log)(z) - np.log(self.scale)
        return log

    def support(self) -> tuple[float, float]:
        """Return the end points of the support."""
        lower, upper = self.standard.support()
        return float(self.loc + self.scale * lower), float(self.loc + self.scale * upper)

    def covers(self, other: "RandomVariable") -> bool:
        """Tell whether the support of the other one lies within this one's, but for rounding."""
        (a, b), (c, d) = other.support(), self.support()
        lower, upper = self.standard.support()
        return c - self._rounding(lower) <= a and b <= d + self._rounding(upper)

    def _rounding(self, end: float) -> float:
        """Bound the rounding error of an end point, given as one of Z."""
        sizes = [1.0, float(abs(self.loc)), float(abs(self.scale * end)) if math.isfinite(end) else 0.0]
        return 8 * float(np.finfo(float).eps) * max(sizes)

    def quantiles(self) -> Array:
        """Return quantiles that show where the mass is, as far as SciPy finds them."""
        found = self.loc + self.scale * _quantiles(self)
        return found[np.isfinite(found)]

    def atoms(self) -> Array | None:
        """Return the values that a discrete distribution was built from, if it was."""
        values = getattr(getattr(self.standard, "dist", None), "xk", None)
        return None if values is None else self.loc + np.asarray(values, dtype=np.float64)


_LEVELS = np.array([1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 0.01, 0.05, 0.1, 0.25, 0.4, 0.5])


def _quantiles(rv: RandomVariable) -> Array:
    """Return quantiles of Z at `_LEVELS` and at their complements."""
    complements = 1 - _LEVELS
    if hasattr(rv.standard, "icdf"):
        # SciPy's inverse of the complementary distribution function fails for some discrete objects.
        upper = rv.standard.icdf(complements) if rv.discrete else rv.standard.iccdf(_LEVELS)
        return np.concatenate([rv.standard.icdf(_LEVELS), upper])
    if getattr(rv.family, "_cdf", None) is stats.rv_discrete._cdf:
        # SciPy would add up the probabilities one by one, as far as the farthest quantile. Stop earlier.
        k = rv.standard.support()[0] + np.arange(2.0**16)
        reached = np.searchsorted(np.cumsum(rv.standard.pmf(k)), np.concatenate([_LEVELS, complements]))
        return np.asarray(k[reached.clip(max=len(k) - 1)])
    return np.concatenate([rv.standard.ppf(_LEVELS), rv.standard.isf(_LEVELS)])


def _log_laplace(z: Array) -> Array:
    return -np.abs(z) - math.log(2)


def _log_hypsecant(z: Array) -> Array:
    return math.log(2 / math.pi) - np.logaddexp(z, -z)


# Where SciPy takes the logarithm of a density that underflows.
_LOG_DENSITIES: dict[type, Callable[[Array], Array]] = {
    type(stats.laplace): _log_laplace,
    type(stats.hypsecant): _log_hypsecant,
}


def _pair(p: Any, q: Any) -> tuple[RandomVariable, RandomVariable]:
    first, second = _random_variable("p", p), _random_variable("q", q)
    if first.discrete != second.discrete:
        kinds = ["discrete" if rv.discrete else "continuous" for rv in (first, second)]
        raise TypeError(f"p is {kinds[0]} and q is {kinds[1]}: probabilities and densities do not compare.")
    return first, second


def _random_variable(name: str, given: Any) -> RandomVariable:
    """Read a univariate distribution of SciPy, frozen or not, or of the newer kind."""
    rv = given.freeze() if hasattr(given, "freeze") else given
    for kind, frozen in _AS_FROZEN.items():
        rv = frozen(rv) if isinstance(rv, kind) else rv
    quantile = getattr(rv, "icdf", getattr(rv, "ppf", None))
    if quantile is None:
        raise TypeError(
            f"{name} must be an array of probabilities or a univariate distribution of scipy.stats, "
            f"not {type(given).__name__}."
        )
    median = quantile(0.5)
    if np.ndim(median) > 0:
        raise ValueError(f"{name} holds an array of {np.size(median)} distributions; pass them one at a time.")
    if not np.isfinite(median):
        raise ValueError(f"SciPy finds no median for {name}; are its parameters within their domain?")
    return _from_object(rv) if hasattr(rv, "icdf") else _from_frozen(rv)


# Objects whose parameters say where they lie, so that closed forms and relative coordinates apply.
_AS_FROZEN: dict[type, Callable[[Any], Any]] = {
    stats.Normal: lambda rv: stats.norm(rv.mu, rv.sigma),
    stats.Uniform: lambda rv: stats.uniform(rv.a, rv.b - rv.a),
}


def _from_frozen(rv: Any) -> RandomVariable:
    names = (rv.dist.shapes or "").replace(",", " ").split()
    given = {"loc": 0, "scale": 1, **dict(zip([*names, "loc", "scale"], rv.args, strict=False)), **rv.kwds}
    shapes = tuple(np.float64(given[name]) for name in names)
    return RandomVariable(
        standard=rv.dist(*shapes),
        family=type(rv.dist),
        loc=np.float64(given["loc"]),
        scale=np.float64(given["scale"]),
        shapes=shapes,
        discrete=not hasattr(rv, "logpdf"),
    )


def _from_object(rv: Any) -> RandomVariable:
    loc, scale = np.float64(getattr(rv, "loc", 0)), np.abs(np.float64(getattr(rv, "scale", 1)))
    located = hasattr(rv, "loc") and hasattr(rv, "scale")
    return RandomVariable(
        standard=(rv - loc) / scale if located else rv,
        family=type(rv),
        loc=loc if located else np.float64(0),
        scale=scale if located else np.float64(1),
        shapes=(),
        discrete=bool(np.isposinf(rv.logpdf(rv.icdf(0.3)))),
    )


def _relative(measure: str, p: RandomVariable, q: RandomVariable, contribution: Contribution) -> float:
    """Take the mean of a contribution that is infinite where q rules out what p allows."""
    with np.errstate(all="ignore"):
        if not q.seen_from(p).covers(p.seen_from(p)):
            return math.inf
        family = FAMILIES.get(p.family) if p.family is q.family else None
        closed = getattr(family, measure)(p, q) if family else None
    return _mean(p, q, contribution) if closed is None else float(closed)


def _mean(p: RandomVariable, q: RandomVariable, contribution: Contribution) -> float:
    p, q = p.seen_from(p), q.seen_from(p)

    def weighted(x: Array, log_weights: Array) -> Array:
        log_p, log_q = p.log_density(x), q.log_density(x)
        density = np.exp(log_p + log_weights)
        values = np.where(density > 0, density * contribution(log_p, log_q), 0)
        return np.stack([values, density], axis=1)

    with np.errstate(all="ignore"):
        atoms = p.atoms()
        if atoms is not None:
            return float(weighted(atoms, np.zeros_like(atoms))[:, 0].sum())
        cuts = np.concatenate([p.quantiles(), q.quantiles()])
        return expectation(weighted, p.support(), cuts, discrete=p.discrete)
