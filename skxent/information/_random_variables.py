"""Univariate distributions of SciPy in one form: a log-density, a support, and where to cut the line.

Each kind of distribution is a class here, and `random_variable` chooses it: SciPy's families, mixtures,
kernel density estimates and histograms.
"""

from __future__ import annotations

import bisect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special, stats

from skxent._typing import Array, Floats
from skxent.information._compression import compressed
from skxent.information._deadline import Deadline
from skxent.information._log_densities import LOG_DENSITIES

__all__ = ["Histogram", "RandomVariable", "SciPyVariable", "random_variable"]


class RandomVariable(ABC):
    """X = loc + scale * Z, where Z has a standard form.

    Attributes
    ----------
    name : str
        What SciPy calls it.
    loc, scale : float
        A discrete distribution has scale 1.
    discrete : bool
        Whether it has probabilities instead of a density.
    """

    name: str
    loc: np.float64
    scale: np.float64
    discrete: bool

    @abstractmethod
    def seen_from(self, loc: np.float64, scale: np.float64) -> RandomVariable:
        """Return the variable (X - loc) / scale."""

    @abstractmethod
    def log_density(self, x: Floats) -> Floats:
        """Return the logarithm of the density or probability at x, -inf where there is none."""

    @abstractmethod
    def support(self) -> tuple[float, float]:
        """Return the end points of the support."""

    @abstractmethod
    def cuts(self) -> Floats:
        """Return points that show where the mass is and where the density has corners."""

    def is_in_range(self) -> bool:
        """Return whether location and scale are doubles: seen from another variable they may be too large or small."""
        return bool(np.isfinite(self.loc) and 0 < self.scale < math.inf)

    def atoms(self) -> Floats | None:
        """Return the values that a discrete distribution was built from, if it was."""
        return None

    def knows_zeros(self) -> bool:
        """Return whether a probability of 0 beside a large one is no underflow."""
        return True

    def covers(self, other: RandomVariable) -> bool:
        """Return whether the support of the other one lies within this one's, but for rounding."""
        (a, b), (c, d) = other.support(), self.support()
        return c - self._rounding(c) <= a and b <= d + self._rounding(d)

    def _rounding(self, end: float) -> float:
        """Bound the rounding error of an end point of the support."""
        sizes = [1.0, float(abs(self.loc)), abs(end - float(self.loc)) if math.isfinite(end) else 0.0]
        return 8 * float(np.finfo(float).eps) * max(sizes)


@dataclass(frozen=True)
class SciPyVariable(RandomVariable):
    """A distribution of one of SciPy's families.

    Attributes
    ----------
    standard : frozen distribution or random-variable object
        The distribution of Z.
    family : type
        The class of the SciPy distribution.
    shapes : tuple of float
        The other parameters.
    deadline : Deadline
        When evaluations must be done.
    """

    name: str
    standard: Any
    family: type
    loc: np.float64
    scale: np.float64
    shapes: tuple[Any, ...]
    discrete: bool
    deadline: Deadline

    def seen_from(self, loc: np.float64, scale: np.float64) -> SciPyVariable:
        """Return the variable (X - loc) / scale."""
        return replace(self, loc=(self.loc - loc) / scale, scale=self.scale / scale)

    def log_density(self, x: Floats) -> Floats:
        """Return the logarithm of the density or probability at x, -inf where there is none."""
        z = (x - self.loc) / self.scale
        if self.atoms() is not None:
            return self._listed(z)
        evaluate: Callable[[Array], Array] = self._own if self.family in LOG_DENSITIES else self._scipy
        return self.deadline.in_pieces(evaluate, z) - np.log(self.scale)

    def _listed(self, z: Floats) -> Floats:
        """Look the probabilities up, which SciPy compares with all values."""
        values, chances = (np.ravel(part).astype(np.float64) for part in (self.standard.dist.xk, self.standard.dist.pk))
        order = np.argsort(values, kind="stable")
        at = np.minimum(np.searchsorted(values[order], z), len(values) - 1)
        return np.log(np.where(values[order][at] == z, chances[order][at], 0.0))

    def _scipy(self, z: Floats) -> Floats:
        log: Array = self.standard.logpmf(z) if self.discrete else self.standard.logpdf(z)
        return log

    def _own(self, z: Floats) -> Floats:
        lower, upper = self.standard.support()
        inside = (z >= lower) & (z <= upper) & ((z == np.floor(z)) if self.discrete else True)
        log = np.full(z.shape, -np.inf)
        log[inside] = LOG_DENSITIES[self.family](z[inside], *self.shapes)
        return log

    def support(self) -> tuple[float, float]:
        """Return the end points of the support."""
        lower, upper = _SUPPORTS[self.family] if self.family in _SUPPORTS else self.standard.support()
        # An end at 0 or infinity stays there whatever the scale, which may have left the range of doubles.
        first, last = (self.loc + (self.scale * end if 0 < abs(end) < math.inf else end) for end in (lower, upper))
        return float(first), float(last)

    def covers(self, other: RandomVariable) -> bool:
        """Return whether the support of the other one lies within this one's, but for rounding."""
        if self.family not in _SUPPORTS:
            return super().covers(other)
        (a, b), (c, d) = other.support(), self.support()
        if b - a <= (d - c) * (1 + 1e-12):
            return True
        raise ValueError(f"{self.name} lives on a circle, on which {other.name} goes round more than once.")

    def cuts(self) -> Floats:
        """Return quantiles, or for a discrete distribution points that spread from where the mass may be."""
        z = _spread(self.standard, self.family) if self.discrete else _quantiles(self.standard, self.deadline)
        corners: Callable[..., list[Any]] = _CORNERS.get(self.family, _none)
        found: Array = self.loc + self.scale * np.concatenate([z, corners(*self.shapes)])
        finite = found[np.isfinite(found)]
        return finite if len(finite) else self.loc + self.scale * np.array([-1.0, 0.0, 1.0])

    def atoms(self) -> Floats | None:
        """Return the values that a discrete distribution was built from, if it was."""
        values = getattr(getattr(self.standard, "dist", None), "xk", None)
        return None if values is None else self.loc + np.asarray(values, dtype=np.float64)

    def knows_zeros(self) -> bool:
        """Return whether a probability of 0 beside a large one is no underflow."""
        # SciPy sets probabilities of some discrete families to 0 that are far above the smallest double.
        return not self.discrete or self.family in LOG_DENSITIES or self.atoms() is not None


# Families on a circle, with one turn of it. Their densities repeat.
_SUPPORTS: dict[type, tuple[float, float]] = {type(stats.vonmises): (-math.pi, math.pi)}


def _none(*shapes: Any) -> list[float]:
    return []


# Where the standard density has a corner or a jump inside its support.
_CORNERS: dict[type, Callable[..., list[Any]]] = {
    type(stats.crystalball): lambda beta, m: [-beta],
    type(stats.dgamma): lambda a: [0.0],
    type(stats.dweibull): lambda c: [0.0],
    type(stats.gennorm): lambda beta: [0.0],
    type(stats.laplace): lambda: [0.0],
    type(stats.laplace_asymmetric): lambda kappa: [0.0],
    type(stats.loglaplace): lambda c: [1.0],
    type(stats.skewcauchy): lambda a: [0.0],
    type(stats.trapezoid): lambda c, d: [c, d],
    type(stats.triang): lambda c: [c],
}

# Levels of the quantiles, and of their complements, from the middle outwards.
_LEVELS = [0.5, 0.25, 0.4, 0.1, 0.05, 0.01, 1e-3, 1e-6, 1e-9, 1e-12, 1e-15]
# Part of the time that the quantiles may take; the rest is for the integral.
_QUANTILES_SHARE = 0.25


def _quantiles(standard: Any, deadline: Deadline) -> Floats:
    """Return those quantiles of Z that SciPy finds in time."""
    new = hasattr(standard, "icdf")
    lower, upper = (standard.icdf, standard.iccdf) if new else (standard.ppf, standard.isf)
    found: list[float] = []
    with deadline.share(_QUANTILES_SHARE):
        for level in _LEVELS:
            for inverse in (lower, upper):
                try:
                    deadline.check()
                    found.append(float(inverse(level)))
                except TimeoutError:
                    return np.array(found)
                except (ArithmeticError, RuntimeError, ValueError):
                    continue  # SciPy's root finder gives up; the other quantiles remain
    return np.array(found)


# Factor between the distances of cuts of a discrete distribution from where they spread.
_SPREAD = 8.0
# Where cuts of a discrete distribution of unknown moments end, in integers from a finite end.
_FIRST_INTEGERS = 2.0**15


def _spread(standard: Any, family: type) -> Floats:
    """Return integers that spread from the ends of the support and from the mean."""
    lower, upper = (float(end) for end in standard.support())
    mean, deviation = _moments(standard, family)
    reach = mean + _SPREAD**2 * deviation if math.isfinite(mean + deviation) else _FIRST_INTEGERS
    far = min((upper - lower) / 2, max(reach - lower, _FIRST_INTEGERS))
    ends = [end for end in (lower, upper) if math.isfinite(end)]
    far = far if math.isfinite(far) else _FIRST_INTEGERS
    steps = _SPREAD ** np.arange(0, math.log(max(far, 1), _SPREAD) + 1) if len(ends) else np.zeros(0)
    around = deviation * _SPREAD ** (np.arange(-2.0, 5.0) / 2)
    points = [*(lower + steps), *(upper - steps), mean, *(mean - around), *(mean + around), 0.0]
    return np.array([x for x in np.floor(points) if lower <= x <= upper])


# Families whose moments SciPy adds up over the whole support.
_SLOW_MOMENTS = {type(stats.zipfian)}


def _moments(standard: Any, family: type) -> tuple[float, float]:
    """Return mean and standard deviation where SciPy has formulas, else not-a-numbers."""
    if hasattr(standard, "icdf"):
        return float(standard.mean()), float(standard.standard_deviation())
    if getattr(family, "_stats", None) is stats.rv_discrete._stats or family in _SLOW_MOMENTS:
        return math.nan, math.nan
    mean, variance = standard.stats("mv")
    return float(mean), math.sqrt(float(variance)) if variance >= 0 else math.nan


@dataclass(frozen=True)
class Mixture(RandomVariable):
    """A mixture of other variables."""

    components: tuple[RandomVariable, ...]
    log_weights: Floats
    name: str = "Mixture"

    @property
    def loc(self) -> np.float64:  # type: ignore[override]
        """The location of the first component."""
        return self.components[0].loc

    @property
    def scale(self) -> np.float64:  # type: ignore[override]
        """The largest scale of a component."""
        return max(component.scale for component in self.components)

    @property
    def discrete(self) -> bool:  # type: ignore[override]
        """Whether the components have probabilities instead of densities."""
        return self.components[0].discrete

    def seen_from(self, loc: np.float64, scale: np.float64) -> Mixture:
        """Return the variable (X - loc) / scale."""
        return replace(self, components=tuple(part.seen_from(loc, scale) for part in self.components))

    def is_in_range(self) -> bool:
        """Return whether location and scale of all components are doubles."""
        return all(part.is_in_range() for part in self.components)

    def log_density(self, x: Floats) -> Floats:
        """Return the logarithm of the density at x."""
        logs = [log + part.log_density(x) for log, part in zip(self.log_weights, self.components, strict=True)]
        total: Array = special.logsumexp(logs, axis=0)
        return total

    def support(self) -> tuple[float, float]:
        """Return the end points of the support."""
        ends = [part.support() for part in self.components]
        return min(lower for lower, _ in ends), max(upper for _, upper in ends)

    def cuts(self) -> Floats:
        """Return those of all components that are not close to another one, and the ends of their supports."""
        ends = np.array([end for part in self.components for end in part.support()])
        return np.concatenate([np.unique(ends[np.isfinite(ends)]), _apart([part.cuts() for part in self.components])])


# A cut is left out if one of another component is nearer than this part of the distance to its own neighbours.
_BESIDE = 0.25


def _apart(cuts: list[Floats]) -> Floats:
    """Return all cuts but those close to one that is already kept; cuts of narrow components are kept first."""
    finite = [np.unique(part[np.isfinite(part)]) for part in cuts]
    reach = np.concatenate([_BESIDE * _distance(part) for part in finite])
    points = np.concatenate(finite)
    kept: list[float] = []
    for at in np.argsort(reach, kind="stable"):
        place = bisect.bisect_left(kept, points[at])
        if all(abs(other - points[at]) > reach[at] for other in kept[max(place - 1, 0) : place + 1]):
            kept.insert(place, points[at])
    return np.array(kept)


def _distance(points: Floats) -> Floats:
    """Return the distance of ascending points to the nearer neighbour, 0 where there is none."""
    gaps = np.diff(points)
    return np.minimum(np.append(gaps, gaps[-1:]), np.insert(gaps, 0, gaps[:1])) if len(gaps) else np.zeros(len(points))


@dataclass(frozen=True)
class KernelDensity(RandomVariable):
    """A mixture of normal distributions of equal width: SciPy's gaussian_kde of one variable."""

    centres: Floats
    width: np.float64
    log_weights: Floats
    deadline: Deadline
    name: str = "gaussian_kde"
    discrete: bool = False

    @property
    def loc(self) -> np.float64:  # type: ignore[override]
        """The middle centre."""
        return np.float64(self.centres[len(self.centres) // 2])

    @property
    def scale(self) -> np.float64:  # type: ignore[override]
        """The width of a kernel."""
        return self.width

    def seen_from(self, loc: np.float64, scale: np.float64) -> KernelDensity:
        """Return the variable (X - loc) / scale."""
        return replace(self, centres=(self.centres - loc) / scale, width=self.width / scale)

    def log_density(self, x: Floats) -> Floats:
        """Return the logarithm of the density at x."""
        rows = max(_KERNELS_AT_ONCE // len(self.centres), 1)
        parts = [self.deadline.in_pieces(self._few, x[i : i + rows]) for i in range(0, len(x), rows)]
        return np.concatenate(parts)

    def _few(self, x: Floats) -> Floats:
        z = (x[:, np.newaxis] - self.centres) / self.width
        log: Array = special.logsumexp(self.log_weights - z**2 / 2, axis=1)
        return log - np.log(self.width) - math.log(2 * math.pi) / 2

    def support(self) -> tuple[float, float]:
        """Return the whole line."""
        return -math.inf, math.inf

    def cuts(self) -> Floats:
        """Return some of the centres, and points around each group of centres that stands alone."""
        apart = np.flatnonzero(np.diff(self.centres) > 2 * _KERNEL_REACH * self.width)
        first = self.centres[np.r_[0, apart + 1]]
        last = self.centres[np.r_[apart, len(self.centres) - 1]]
        ends = [first - _KERNEL_REACH * self.width, first, last, last + _KERNEL_REACH * self.width]
        return np.concatenate([*ends, self.centres[:: max(len(self.centres) // 50, 1)]])


# Values of a kernel that are computed at a time, to bound the memory: 8 MB.
_KERNELS_AT_ONCE = 2**20
# How far from its centre a kernel matters, in widths.
_KERNEL_REACH = 8


@dataclass(frozen=True)
class Histogram(RandomVariable):
    """A density that is constant between edges; a constant of 0 at either end is cut off."""

    edges: Floats
    log_heights: Floats
    name: str = "rv_histogram"
    discrete: bool = False

    @property
    def loc(self) -> np.float64:  # type: ignore[override]
        """The first edge."""
        return np.float64(self.edges[0])

    @property
    def scale(self) -> np.float64:  # type: ignore[override]
        """The distance from the first edge to the last."""
        return np.float64(np.ptp(self.edges))

    def seen_from(self, loc: np.float64, scale: np.float64) -> Histogram:
        """Return the variable (X - loc) / scale."""
        return replace(self, edges=(self.edges - loc) / scale, log_heights=self.log_heights + np.log(scale))

    def log_density(self, x: Floats) -> Floats:
        """Return the logarithm of the density at x."""
        padded = np.concatenate([[-np.inf], self.log_heights, [-np.inf]])
        return padded[np.searchsorted(self.edges, x, side="right")]

    def support(self) -> tuple[float, float]:
        """Return the first edge and the last."""
        return float(self.edges[0]), float(self.edges[-1])

    def cuts(self) -> Floats:
        """Return the edges."""
        return self.edges


def random_variable(name: str, given: Any, deadline: Deadline) -> RandomVariable:
    """Read a univariate distribution of SciPy: frozen or not, or of the newer kind, or a kernel density.

    Raises
    ------
    TypeError
        If it is none, or lacks its parameters.
    ValueError
        If its parameters are out of their domain.
    """
    if isinstance(given, stats.gaussian_kde):
        return _from_kernel_density(name, given, deadline)
    rv = _frozen(name, given)
    for kind, frozen in _AS_FROZEN.items():
        rv = frozen(rv) if isinstance(rv, kind) else rv
    if not hasattr(rv, "support") or not hasattr(rv, "cdf"):
        raise TypeError(
            f"{name} must be a univariate distribution of scipy.stats, multivariate_normal or gaussian_kde, not "
            f"{type(given).__name__}. Probabilities in an array are compared with those of another array."
        )
    if isinstance(rv, stats.Mixture):
        return _from_mixture(name, rv, deadline)
    read = _from_object if hasattr(rv, "icdf") else _from_frozen
    with np.errstate(all="ignore"):
        if np.ndim(rv.support()[0]) > 0:
            raise ValueError(
                f"{name} holds an array of distributions; only frozen ones may, such as stats.norm([0, 1])."
            )
        if np.any(np.isnan(rv.support())):
            raise ValueError(f"SciPy finds no support for {name}; are its parameters within their domain?")
        return read(rv, deadline)


def _frozen(name: str, given: Any) -> Any:
    """Freeze a distribution without parameters; complain where some are missing."""
    if isinstance(given, type):
        raise TypeError(f"{name} is the class {given.__name__}; pass a distribution, such as {given.__name__}(...).")
    if not hasattr(given, "freeze"):
        return given
    try:
        return given.freeze()
    except TypeError as error:
        call = f"scipy.stats.{given.name}({given.shapes or '...'})"
        raise TypeError(f"{name} is a family of distributions; give its parameters: {call}.") from error


# Objects of the newer kind whose parameters say where they lie, so that closed forms apply.
_AS_FROZEN: dict[type, Callable[[Any], Any]] = {
    stats.Normal: lambda rv: stats.norm(rv.mu, rv.sigma),
    stats.Uniform: lambda rv: stats.uniform(rv.a, rv.b - rv.a),
}
if hasattr(stats, "Binomial"):  # since SciPy 1.16
    _AS_FROZEN[stats.Binomial] = lambda rv: stats.binom(rv.n, rv.p)


# Families that are others by another name, which have closed forms: from location, scale and shapes.
_OTHER_NAMES: dict[type, Callable[..., Any]] = {
    type(stats.chi2): lambda loc, scale, df: stats.gamma(df / 2, loc, scale * 2),
    type(stats.erlang): lambda loc, scale, a: stats.gamma(a, loc, scale),
    type(stats.rdist): lambda loc, scale, c: stats.beta(c / 2, c / 2, loc - scale, scale * 2),
}


def _from_frozen(rv: Any, deadline: Deadline) -> RandomVariable:
    names = (rv.dist.shapes or "").replace(",", " ").split()
    given = {"loc": 0, "scale": 1, **dict(zip([*names, "loc", "scale"], rv.args, strict=False)), **rv.kwds}
    loc, scale = np.float64(given["loc"]), np.float64(given["scale"])
    if type(rv.dist) in _OTHER_NAMES:
        return _from_frozen(_OTHER_NAMES[type(rv.dist)](loc, scale, *(given[name] for name in names)), deadline)
    standard = rv.dist(*(given[name] for name in names))
    if isinstance(rv.dist, stats.rv_histogram):
        return _from_histogram(standard, loc, scale)
    for method in ("_pdf", "_logpdf", "_cdf", "_sf", "_pmf", "_logpmf"):
        if hasattr(standard.dist, method):
            setattr(standard.dist, method, deadline.watch(getattr(standard.dist, method)))
    return SciPyVariable(
        name=rv.dist.name or type(rv.dist).__name__,
        standard=standard,
        family=type(rv.dist),
        loc=loc,
        scale=scale,
        shapes=tuple(np.asarray(given[name], dtype=np.float64)[()] for name in names),
        discrete=not hasattr(rv, "logpdf"),
        deadline=deadline,
    )


def _from_histogram(standard: Any, loc: np.float64, scale: np.float64) -> Histogram:
    edges = np.asarray(standard.dist._hbins, dtype=np.float64)
    with np.errstate(divide="ignore"):
        log_heights = np.log(standard.pdf((edges[:-1] + edges[1:]) / 2)) - np.log(scale)
    first, last = np.flatnonzero(np.isfinite(log_heights))[[0, -1]]
    return Histogram(loc + scale * edges[first : last + 2], log_heights[first : last + 1])


def _from_object(rv: Any, deadline: Deadline) -> SciPyVariable:
    loc, scale = np.float64(getattr(rv, "loc", 0)), np.abs(np.float64(getattr(rv, "scale", 1)))
    located = hasattr(rv, "loc") and hasattr(rv, "scale")
    return SciPyVariable(
        name=type(rv).__name__,
        standard=(rv - loc) / scale if located else rv,
        family=type(rv),
        loc=loc if located else np.float64(0),
        scale=scale if located else np.float64(1),
        shapes=(),
        discrete=bool(np.isposinf(rv.logpdf(rv.icdf(0.3)))),
        deadline=deadline,
    )


def _from_mixture(name: str, rv: Any, deadline: Deadline) -> Mixture:
    weights = np.asarray(rv.weights, dtype=np.float64)
    parts = [part for part, weight in zip(rv.components, weights, strict=True) if weight > 0]
    components = tuple(random_variable(name, part, deadline) for part in parts)
    return Mixture(components, np.log(weights[weights > 0]))


def _from_kernel_density(name: str, kde: Any, deadline: Deadline) -> KernelDensity:
    if kde.d != 1:
        raise TypeError(
            f"{name} is a kernel density of {kde.d} variables, and its integrals have no formula; estimate them "
            "from samples: skxent.information.entropy_from_samples and its relatives."
        )
    order = np.argsort(kde.dataset[0])
    width = np.sqrt(np.float64(kde.covariance[0, 0]))
    counts = kde.weights[order] > 0
    centres, weights = compressed(kde.dataset[0][order][counts] / width, kde.weights[order][counts])
    return KernelDensity(centres * width, width, np.log(weights), deadline)
