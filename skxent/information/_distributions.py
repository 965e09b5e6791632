"""The information measures of ``scipy.stats`` distributions.

Each is the mean, under p, of a function of log p and log q: in closed form where the family has one, else by
quadrature or summation, in coordinates in which p has location 0 and scale 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from skxent._typing import Array, Floats
from skxent.information import _multivariate
from skxent.information._deadline import Deadline
from skxent.information._families import ENTROPIES, FAMILIES
from skxent.information._quadrature import expectation
from skxent.information._random_variables import Histogram, RandomVariable, SciPyVariable, random_variable
from skxent.information._units import TIME_LIMIT, in_base

__all__ = ["cross_entropy", "entropy", "jensen_shannon", "kl_divergence", "perplexity"]

# A function of log p(x) and log q(x).
Contribution = Callable[[Array, Array], Array]
# A measure of two random variables, in nats.
Measure = Callable[[RandomVariable, RandomVariable], float]


def entropy(p: Any, *, base: float | None = None, time_limit: float = TIME_LIMIT) -> Any:
    """Entropy of a distribution: :func:`skxent.information.entropy`."""
    return cross_entropy(p, p, base=base, time_limit=time_limit)


def cross_entropy(p: Any, q: Any, *, base: float | None = None, time_limit: float = TIME_LIMIT) -> Any:
    """Cross-entropy of two distributions: :func:`skxent.information.cross_entropy`."""
    if _multivariate.is_normal(p) or _multivariate.is_normal(q):
        return in_base(_multivariate.cross_entropy(p, q), base)
    return in_base(_each(_cross_entropy, p, q, time_limit), base)


def kl_divergence(p: Any, q: Any, *, base: float | None = None, time_limit: float = TIME_LIMIT) -> Any:
    """Kullback–Leibler divergence of two distributions: :func:`skxent.information.kl_divergence`."""
    if _multivariate.is_normal(p) or _multivariate.is_normal(q):
        return in_base(_multivariate.kl_divergence(p, q), base)
    return in_base(_each(_kl_divergence, p, q, time_limit), base)


def jensen_shannon(p: Any, q: Any, *, base: float | None = None, time_limit: float = TIME_LIMIT) -> Any:
    """Jensen–Shannon divergence of two distributions: :func:`skxent.information.jensen_shannon`."""
    if _multivariate.is_normal(p) or _multivariate.is_normal(q):
        raise TypeError("The Jensen–Shannon divergence of multivariate normals has no closed form.")
    return in_base(_each(_jensen_shannon, p, q, time_limit), base)


def perplexity(p: Any, q: Any = None, *, time_limit: float = TIME_LIMIT) -> Any:
    """Exponential of the (cross-)entropy of distributions: :func:`skxent.information.perplexity`."""
    with np.errstate(over="ignore"):
        return np.exp(cross_entropy(p, p if q is None else q, time_limit=time_limit))


def _each(measure: Measure, p: Any, q: Any, time_limit: float) -> Any:
    """Take the measure of two distributions, or of each pair where their parameters are arrays."""
    first, second = _Array(p), _Array(q)
    shape = np.broadcast_shapes(first.shape, second.shape)
    values = np.empty(shape)
    for index in np.ndindex(shape):
        given = (first.at(index, shape), second.at(index, shape))
        values[index] = measure(*_pair(*given, Deadline(time_limit)))
    return values if shape else float(values[()])


class _Array:
    """A distribution whose parameters may be arrays."""

    def __init__(self, given: Any) -> None:
        self.given = given
        vector = isinstance(getattr(given, "dist", None), type(stats.poisson_binom))
        self.parameters = [] if vector else [*getattr(given, "args", ()), *getattr(given, "kwds", {}).values()]
        self.shape = np.broadcast_shapes(*(np.shape(value) for value in self.parameters))

    def at(self, index: tuple[int, ...], shape: tuple[int, ...]) -> Any:
        """Return one distribution of the array, broadcast to a shape."""
        if not self.shape:
            return self.given
        values = [np.broadcast_to(value, shape)[index] for value in self.parameters]
        n = len(self.given.args)
        return self.given.dist(*values[:n], **dict(zip(self.given.kwds, values[n:], strict=True)))


def _pair(p: Any, q: Any, deadline: Deadline) -> tuple[RandomVariable, RandomVariable]:
    first = random_variable("p", p, deadline)
    second = first if q is p else random_variable("q", q, deadline)
    if first.discrete != second.discrete:
        kinds = ["discrete" if rv.discrete else "continuous" for rv in (first, second)]
        raise TypeError(f"p is {kinds[0]} and q is {kinds[1]}: probabilities and densities do not compare.")
    return first, second


def _cross_entropy(p: RandomVariable, q: RandomVariable) -> float:
    log_scale = np.log(p.scale)
    return _relative("cross_entropy", p, q, lambda log_p, log_q: log_scale - log_q)


def _kl_divergence(p: RandomVariable, q: RandomVariable) -> float:
    if p is q:
        return 0.0
    return max(_relative("kl_divergence", p, q, lambda log_p, log_q: log_p - log_q), 0.0)


def _jensen_shannon(p: RandomVariable, q: RandomVariable) -> float:
    def from_mixture(log_p: Array, log_q: Array) -> Array:
        return math.log(2) + log_p - np.logaddexp(log_p, log_q)

    nats = (_mean(p, q, from_mixture) + _mean(q, p, from_mixture)) / 2
    return min(max(nats, 0.0), math.log(2))


def _relative(measure: str, p: RandomVariable, q: RandomVariable, contribution: Contribution) -> float:
    """Take the mean of a contribution that is infinite where q rules out what p allows."""
    with np.errstate(all="ignore"):
        if not q.seen_from(p.loc, p.scale).covers(p.seen_from(p.loc, p.scale)):
            return math.inf
        closed = _closed_form(measure, p, q)
    if closed is None:
        return _mean(p, q, contribution)
    if not math.isfinite(closed):
        raise OverflowError(f"The {measure} exceeds the largest double, or its formula does.")
    return float(closed)


def _closed_form(measure: str, p: RandomVariable, q: RandomVariable) -> Any:
    if not isinstance(p, SciPyVariable) or not isinstance(q, SciPyVariable) or p.family is not q.family:
        return None
    if p is q and p.family in ENTROPIES:
        standard = ENTROPIES[p.family](*p.shapes)
        return None if standard is None else np.log(p.scale) + standard
    return getattr(FAMILIES[p.family], measure)(p, q) if p.family in FAMILIES else None


class _RuledOut(Exception):
    """Raised where q has no density although p has: the measure is infinite."""


def _mean(p: RandomVariable, q: RandomVariable, contribution: Contribution) -> float:
    """Take the mean under p of a contribution."""
    origin, same = (p.loc, p.scale), q is p
    with np.errstate(all="ignore"):
        p, q = p.seen_from(*origin), q.seen_from(*origin)
    if not (p.is_in_range() and q.is_in_range()):
        raise OverflowError(
            "The scales or locations of p and q lie further apart than doubles reach, in units of the scale of one of "
            "them, and no formula for the pair is known."
        )

    def weighted(x: Floats, log_weights: Floats) -> Floats:
        log_p = p.log_density(x)
        log_q = log_p if same else q.log_density(x)
        density = np.exp(log_p + log_weights)
        values = np.where(density > 0, density * contribution(log_p, log_q), 0)
        if np.isposinf(values).any():
            _judge(q, float(x[np.isposinf(values)][0]), origin)
        return np.stack([values, density], axis=1)

    with np.errstate(all="ignore"):
        try:
            return _total(weighted, p, q)
        except _RuledOut:
            return math.inf


def _total(weighted: Callable[[Floats, Floats], Floats], p: RandomVariable, q: RandomVariable) -> float:
    atoms = p.atoms()
    if atoms is not None:
        return float(weighted(atoms, np.zeros_like(atoms))[:, 0].sum())
    if isinstance(p, Histogram) and isinstance(q, Histogram):
        edges = np.union1d(p.edges, q.edges)
        middles = (edges[:-1] + edges[1:]) / 2
        return float(weighted(middles, np.log(np.diff(edges)))[:, 0].sum())
    lower, upper = p.support()
    ends = np.array([end for end in q.support() if lower < end < upper])
    return expectation(weighted, (lower, upper), np.concatenate([p.cuts(), q.cuts(), ends]), discrete=p.discrete)


# A log-density above this beside a place without density is a jump, not an underflow.
_JUMP = -20.0
# A log-density below this beside such a place has run out of the range of doubles itself.
_RUN_OUT = -1e100


def _judge(q: RandomVariable, hole: float, origin: tuple[np.float64, np.float64]) -> None:
    """Tell a place without density, which makes a measure infinite, from a density that underflows."""
    edge = _last_density(q.seen_from(q.loc, q.scale), float((hole - q.loc) / q.scale))
    if edge > _JUMP and q.knows_zeros():
        raise _RuledOut
    if edge > _RUN_OUT:
        raise ArithmeticError(
            f"SciPy's density of {q.name} underflows at {origin[0] + hole * origin[1]:.6g}, where p still has density: "
            "no right value is known."
        )


def _last_density(q: RandomVariable, hole: float) -> float:
    """Return the log-density of q, of scale 1, next to a point without, on the side where its mass is."""
    cuts = q.cuts()
    logs = q.log_density(cuts)
    finite = cuts[np.isfinite(logs)]
    if not len(finite):
        return -math.inf
    there = float(finite[np.argmin(np.abs(finite - hole))])
    halve = np.floor if q.discrete else float
    while (middle := float(halve((there + hole) / 2))) not in (there, hole):
        if np.isfinite(q.log_density(np.array([middle]))[0]):
            there = middle
        else:
            hole = middle
    return float(q.log_density(np.array([there]))[0])
