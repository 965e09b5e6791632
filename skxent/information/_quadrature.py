"""Expectations under a distribution: composite quadrature, and sums over the integers.

The line is cut at quantiles of every distribution involved, so that no density hides between two cuts, and
each tail into pieces that grow tenfold. The pieces tell what a tail does: either they shrink, and then what
lies beyond the last one can be told from them, or the expectation is infinite.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["expectation"]

Array = NDArray[np.float64]
Integrand = Callable[[Array, Array], Array]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_TOLERANCE = 1e-12
_MAX_PIECES = 2_000  # at a time; a log-density that is noisy never converges
_LONGEST_SUM = 2**13
_TAIL_CHUNK = 4
_FARTHEST = 1e300
_POWER_LAW = 8  # pieces at least, to speak of a law
_SHRINKING = 0.9999
_DECADES_LEFT = 9  # before a finite end, to tell the law from


def expectation(f: Integrand, support: tuple[float, float], cuts: Array, *, discrete: bool) -> float:
    """Integrate (or sum over the integers) the first column of f over the support.

    Parameters
    ----------
    f : callable
        Takes points and the logarithms of their weights, shape (n,), and returns shape (n, 2): the weighted
        integrand, and the weighted density that is a factor of it. (A density may underflow where its product
        with the weight does not.) Where the density does not add up to 1, the integrand was not seen in full.
    support : tuple of float
        Its end points, finite or not.
    cuts : ndarray
        Points where the densities involved have their mass.
    discrete : bool
        Sum over the integers instead of integrating.

    Returns
    -------
    float
        Infinite, with a RuntimeWarning, if a tail does not shrink.

    Raises
    ------
    ArithmeticError
        If the density does not add up to 1.
    """
    rule = _sum if discrete else _integrate
    edges = _integer_edges(support, cuts) if discrete else _real_edges(support, cuts)
    width = max(float(np.ptp(edges)), 1.0)
    total = _added(rule(f, edges))
    for start, end in zip((edges[0], edges[-1]), support, strict=True):
        tail = _tail_edges(float(start), end, width)
        if discrete:
            tail = _between_integers(tail) if math.isinf(end) else tail[:1]
        total = total + _tail_total((rule(f, chunk) for chunk in _chunks(tail)), np.abs(total))
    value, mass = total
    if not math.isclose(mass, 1, abs_tol=1e-6):
        raise ArithmeticError(
            f"The density adds up to {mass:.8g} instead of 1: either it has parts too narrow to be found, "
            "or SciPy's logarithm of it is not accurate."
        )
    return float(value)


def _real_edges(support: tuple[float, float], cuts: Array) -> Array:
    """Keep the cuts inside the support, and leave the last decades before a finite end to its tail."""
    margins = [10.0**_DECADES_LEFT * _nearest(end) for end in support]
    inner = _strictly_inside(cuts, support[0] + margins[0], support[1] - margins[1])
    return inner if len(inner) else _strictly_inside(cuts, *support)


def _strictly_inside(cuts: Array, lower: float, upper: float) -> Array:
    return np.unique(cuts[(cuts > lower) & (cuts < upper)])


def _integer_edges(support: tuple[float, float], cuts: Array) -> Array:
    """Cut between integers; a finite end of the support is the last cut, and leaves no tail."""
    lower, upper = support[0] - 0.5, support[1] + 0.5
    cuts = _between_integers(np.sort(cuts))
    ends = [end for end in (lower, upper) if math.isfinite(end)]
    return np.unique([*_strictly_inside(cuts, lower, upper), *ends])


def _between_integers(x: Array) -> Array:
    halves = np.floor(x) + 0.5
    distinct: Array = halves[np.diff(halves, prepend=np.nan) != 0]
    return distinct


def _nearest(end: float) -> float:
    """Return how close to an end point the coordinates have digits left."""
    return max(64 * float(np.spacing(abs(end))), 1 / _FARTHEST) if math.isfinite(end) else 0.0


def _tail_edges(start: float, end: float, width: float) -> Array:
    """Step from the last cut towards the end of the support: ten times as far, or as close, every time."""
    if start == end:
        return np.array([start])
    if math.isinf(end):
        steps = (10.0 ** np.arange(0, math.log10(_FARTHEST / width)) - 1) / 9
        return start + math.copysign(width, end) * steps
    decades = np.arange(0, math.log10(abs(start - end) / _nearest(end)))
    return end + (start - end) * 10.0**-decades


def _chunks(edges: Array) -> Iterator[Array]:
    for i in range(0, len(edges) - 1, _TAIL_CHUNK):
        yield edges[i : i + _TAIL_CHUNK + 1]


def _tail_total(pieces: Iterator[Array], inner: Array) -> Array:
    """Add up a tail, piece by piece outwards, until the pieces no longer matter."""
    found = visible = np.zeros((0, 2))
    negligible = np.zeros(2)
    for chunk in pieces:
        found = np.concatenate([found, chunk])
        visible = found[found[:, 1] > 0]
        negligible = 1e-16 * _scale(inner + np.abs(found).sum(axis=0))
        if not np.isfinite(found).all():
            return _infinite(found)
        if not len(visible) or np.all(np.abs(visible[-1]) <= negligible):
            return _added(found)
        if len(visible) < len(found):
            visible = visible[:-1]  # SciPy's density underflowed somewhere in the last one
            break
    return _power_law_total(visible, negligible) if len(visible) >= _POWER_LAW else _added(found)


def _power_law_total(pieces: Array, negligible: Array) -> Array:
    """Add up a tail of which the last piece still matters."""
    matters = np.abs(pieces[-1]) > negligible
    before, last = np.abs(pieces[-2:, 0])
    if matters[0] and last >= _SHRINKING * before:
        return _infinite(pieces)
    rest: Array = np.where(matters, [_remainder(*column[-3:]) for column in pieces.T], 0)
    return _added(pieces) + rest


def _added(pieces: Array) -> Array:
    total: Array = pieces.sum(axis=0)
    return total


def _infinite(pieces: Array) -> Array:
    warnings.warn(
        "The contributions of the tails do not shrink, so the result is taken to be infinite.",
        RuntimeWarning,
        stacklevel=2,
    )
    return np.array([np.inf, pieces[:, 1].sum()])


def _remainder(a: float, b: float, c: float) -> float:
    """Sum what follows a, b, c in a sequence (A + Bk) r^k: the tail of a power law, perhaps times a log."""
    if a == 0 or c == 0:
        return 0.0
    r = (b - math.copysign(math.sqrt(max(b * b - a * c, 0)), b)) / a
    slope = b / r - a
    return r**3 * ((a + 3 * slope) / (1 - r) + slope * r / (1 - r) ** 2)


def _scale(sizes: Array) -> Array:
    """Return what errors are compared with; an integrand may be nothing but rounding, the density never."""
    value, mass = sizes
    return np.array([max(value, 1e-3 * mass), mass])


def _integrate(f: Integrand, edges: Array) -> Array:
    """Integrate f over each piece, in either direction, halving until the halves agree with the whole."""
    lower, upper = edges[:-1], edges[1:]
    piece = np.arange(len(lower))
    total = np.zeros((len(lower), 2))
    whole = _gauss(f, lower, upper)
    while len(lower):
        middle = (lower + upper) / 2
        left, right = _gauss(f, lower, middle), _gauss(f, middle, upper)
        both = left + right
        scale = _scale(np.abs(total).sum(axis=0) + np.abs(both).sum(axis=0))
        with np.errstate(invalid="ignore"):
            rough = (np.abs(both - whole) > _TOLERANCE * scale).any(axis=1)
        rough &= (middle != lower) & (middle != upper) & (2 * rough.sum() < _MAX_PIECES)
        np.add.at(total, piece[~rough], both[~rough])
        lower, upper = np.r_[lower[rough], middle[rough]], np.r_[middle[rough], upper[rough]]
        piece, whole = np.r_[piece[rough], piece[rough]], np.r_[left[rough], right[rough]]
    return total


def _gauss(f: Integrand, lower: Array, upper: Array) -> Array:
    half = (upper - lower)[:, None] / 2
    points = lower[:, None] + half * (1 + _NODES)
    log_weights = np.log(np.abs(half) * _WEIGHTS)
    values = f(points.ravel(), log_weights.ravel()).reshape(*points.shape, 2)
    total: Array = values.sum(axis=1)
    return total


def _sum(f: Integrand, edges: Array) -> Array:
    """Sum f over the integers of each piece, whose edges lie between integers."""
    pieces = [_sum_piece(f, *sorted(ends)) for ends in pairwise(edges)]
    return np.array(pieces).reshape(-1, 2)


def _sum_piece(f: Integrand, lower: float, upper: float) -> Array:
    if upper - lower <= 3 * _LONGEST_SUM:
        integers = np.arange(lower + 0.5, upper)
        return _added(f(integers, np.zeros_like(integers)))
    # So long a piece changes little from one integer to the next, except near its ends.
    inner = np.array([lower + _LONGEST_SUM, upper - _LONGEST_SUM])
    ends = _sum_piece(f, lower, inner[0]) + _sum_piece(f, inner[1], upper)
    middle: Array = _integrate(lambda x, log_weights: _smooth(f, x, log_weights), inner)[0]
    return ends + middle


def _smooth(f: Integrand, x: Array, log_weights: Array) -> Array:
    """Evaluate f between integers: around each one a parabola, the mean of which is f there."""
    k = np.round(x)
    t = (x - k)[:, None]
    before, here, after = (f(k + step, log_weights) for step in (-1, 0, 1))
    bend = after - 2 * here + before
    smooth: Array = here + t * (after - before) / 2 + (t**2 / 2 - 1 / 24) * bend
    return smooth
