"""Expectations under a distribution: composite quadrature, and sums over the integers.

The line is cut at quantiles of every distribution involved, so that no density hides between two cuts; a long
piece beside a short one is cut again, ever closer to the short one; and each tail is cut into pieces that grow
tenfold. The pieces tell what a tail does: either they shrink, and then what lies beyond the last one can be told
from them, or the expectation is infinite.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from skxent._typing import Array, Floats

__all__ = ["expectation"]

Integrand = Callable[[Floats, Floats], Floats]

# Gauss-Legendre nodes and weights of one piece.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
# Two halves of a piece and the whole agree to this part of the integral, or the piece is halved again.
_TOLERANCE = 1e-12
# Pieces that are halved at a time: the logarithm of a noisy density never agrees.
_MAX_PIECES = 2_000
# Integers that are added up one by one at each end of a long piece; a smooth function integrates the rest.
_LONGEST_SUM = 2**13
# Pieces of a tail that are integrated at a time.
_TAIL_CHUNK = 4
# Largest distance and smallest one, inverted, that a tail reaches.
_FARTHEST = 1e300
# Pieces of a tail that must be seen before its rest is taken to follow a power law.
_POWER_LAW = 8
# Pieces with less mass have lost digits to underflow.
_VISIBLE = 1e-290
# A last piece of a tail above this part of the piece before does not shrink.
_SHRINKING = 0.9999
# How close to a finite end a tail goes, in units of the last place there.
_ULPS_LEFT = 64
# Last pieces before a finite end in which rounding of the points moves a singular density by up to 1 %.
_ROUNDED = 7
# Ratio of the masses of neighbouring pieces before a finite end above which the density is singular there.
_SINGULAR = 0.36
# Decades before a finite end that are left to the tail there.
_DECADES_LEFT = 8
# How far the density may add up to another number than 1.
_MASS_TOLERANCE = 1e-8
# Factor between the lengths of neighbouring pieces.
_GRADE = 10.0


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
    OverflowError
        If the expectation exceeds the largest double.
    ArithmeticError
        If the density does not add up to 1.
    """
    rule = _sum if discrete else _integrate
    edges = _integer_edges(support, cuts) if discrete else _real_edges(support, cuts)
    width = max(float(np.ptp(edges)), 1.0)
    total = _added(rule(f, edges))
    if np.isinf(total[1]):
        raise ArithmeticError("The density exceeds the largest double near a point: no right value is known.")
    if np.isinf(total[0]):
        raise OverflowError("The result exceeds the largest double.")
    for start, end in zip((edges[0], edges[-1]), support, strict=True):
        tail = _tail_edges(float(start), end, width)
        if discrete:
            tail = _between_integers(tail) if math.isinf(end) else tail[:1]
        pieces = (rule(f, chunk) for chunk in _chunks(tail))
        total = total + _tail_total(pieces, np.abs(total), _ROUNDED if math.isfinite(end) else 0)
    value, mass = total
    if math.isnan(value):
        raise ArithmeticError("A logarithm of a density is not a number somewhere.")
    if not math.isclose(mass, 1, abs_tol=_MASS_TOLERANCE):
        raise ArithmeticError(
            f"The density adds up to {mass:.10g} instead of 1: either it has parts too narrow to be found, "
            "or SciPy's logarithm of it is not accurate."
        )
    return float(value)


def _real_edges(support: tuple[float, float], cuts: Array) -> Array:
    """Keep the cuts inside the support, and leave the last decades before a finite end to its tail."""
    margins = [10.0**_DECADES_LEFT * _nearest(end) for end in support]
    inner = _strictly_inside(cuts, support[0] + margins[0], support[1] - margins[1])
    return _graded(inner if len(inner) else _strictly_inside(cuts, *support))


def _graded(edges: Array) -> Array:
    """Cut pieces that are far longer than a neighbour, in lengths that grow tenfold from the neighbour's on."""
    widths = np.diff(edges)
    if len(widths) < 2:
        return edges
    more = [edges]
    for i, width in enumerate(widths):
        if i > 0:
            more.append(edges[i] + _growing(widths[i - 1], width))
        if i + 1 < len(widths):
            more.append(edges[i + 1] - _growing(widths[i + 1], width))
    return np.unique(np.concatenate(more))


def _growing(first: float, whole: float) -> Array:
    steps = math.ceil(math.log(whole / first, _GRADE)) if whole > first * _GRADE else 0
    return first * _GRADE ** np.arange(steps)


def _strictly_inside(cuts: Array, lower: float, upper: float) -> Array:
    return np.unique(cuts[(cuts > lower) & (cuts < upper)])


def _integer_edges(support: tuple[float, float], cuts: Array) -> Array:
    """Cut between integers; a finite end of the support is the last cut, and leaves no tail."""
    lower, upper = support[0] - 0.5, support[1] + 0.5
    cuts = _between_integers(np.unique(cuts))
    ends = [end for end in (lower, upper) if math.isfinite(end)]
    return np.unique([*_strictly_inside(cuts, lower, upper), *ends])


def _between_integers(x: Array) -> Array:
    halves = np.floor(x) + 0.5
    distinct: Array = halves[np.diff(halves, prepend=np.nan) != 0]
    return distinct


def _nearest(end: float) -> float:
    """Return how close to an end point the coordinates have digits left."""
    return max(_ULPS_LEFT * float(np.spacing(abs(end))), 1 / _FARTHEST) if math.isfinite(end) else 0.0


def _tail_edges(start: float, end: float, width: float) -> Array:
    """Step from the last cut towards the end of the support: ten times as far, or √10 times as close, every time."""
    if start == end:
        return np.array([start])
    if math.isinf(end):
        steps = (10.0 ** np.arange(0, math.log10(_FARTHEST / width)) - 1) / 9
        return start + math.copysign(width, end) * steps
    steps = np.arange(0, 2 * (math.log10(abs(start - end)) - math.log10(_nearest(end))))
    return end + (start - end) * 10.0 ** (-steps / 2)


def _chunks(edges: Array) -> Iterator[Array]:
    for i in range(0, len(edges) - 1, _TAIL_CHUNK):
        yield edges[i : i + _TAIL_CHUNK + 1]


def _tail_total(pieces: Iterator[Array], inner: Array, n_rounded: int) -> Array:
    """Add up a tail, piece by piece outwards, until the pieces no longer matter."""
    found = visible = np.zeros((0, 2))
    negligible = np.zeros(2)
    for chunk in pieces:
        found = np.concatenate([found, chunk])
        visible = _visible(found)
        negligible = 1e-16 * _scale(inner + np.abs(visible).sum(axis=0))
        if len(visible) < len(found):
            break
        if np.all(np.abs(visible[-1]) <= negligible):
            return _added(found)
    if len(visible) >= _POWER_LAW and not np.all(np.abs(visible[-1]) <= negligible):
        return _power_law_total(_without_rounded(visible, n_rounded), negligible)
    return _added(found) if np.isfinite(found).all() else _infinite(found)


def _visible(pieces: Array) -> Array:
    """Return the pieces before the first in which the density underflows or the integrand overflows."""
    good = (pieces[:, 1] > _VISIBLE) & np.isfinite(pieces).all(axis=1)
    count = int(np.argmin([*good, False]))
    underflow = count < len(pieces) and math.isfinite(pieces[count, 0])
    # Somewhere in the last piece before an underflow the density is too small already.
    return pieces[: max(count - underflow, 0)]


def _without_rounded(pieces: Array, n_rounded: int) -> Array:
    """Leave out the last pieces before a singular end, which a power law tells better."""
    masses = pieces[: len(pieces) - n_rounded, 1]
    singular = len(masses) >= _POWER_LAW and masses[-1] > _SINGULAR * masses[-2]
    return pieces[: len(masses)] if singular else pieces


def _power_law_total(pieces: Array, negligible: Array) -> Array:
    """Add up a tail of which the last piece still matters."""
    matters = np.abs(pieces[-1]) > negligible
    before, last = np.abs(pieces[-2:, 0])
    if matters[0] and last >= _SHRINKING * before:
        return _infinite(pieces)
    ratio = float(pieces[-1, 1] / pieces[-2, 1])
    rest: Array = np.where(matters, [_remainder(column[-3:], ratio) for column in pieces.T], 0)
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


def _remainder(last: Array, ratio: float) -> float:
    """Sum what follows three terms of a sequence (A + Bk) r^k: the tail of a power law, perhaps times a log.

    Of the two possible r it is the one that is nearer to a ratio of the density's: terms may change their sign.
    """
    a, b, c = last.tolist()
    if a == 0 or c == 0:
        return 0.0
    root = math.sqrt(max(b * b - a * c, 0))
    r = min((b - root) / a, (b + root) / a, key=lambda each: abs(each - ratio))
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
    pieces = [sorted(ends) for ends in pairwise(edges)]
    short = [upper - lower <= 3 * _LONGEST_SUM for lower, upper in pieces]
    sums = np.zeros((len(pieces), 2))
    sums[short] = _sum_short(f, [piece for piece, is_short in zip(pieces, short, strict=True) if is_short])
    for i in np.flatnonzero(np.logical_not(short)):
        sums[i] = _sum_long(f, *pieces[i])
    return sums


def _sum_short(f: Integrand, pieces: list[list[float]]) -> Array:
    if not pieces:
        return np.zeros((0, 2))
    integers = [np.arange(lower + 0.5, upper) for lower, upper in pieces]
    joined = np.concatenate(integers)
    sums = np.concatenate([np.zeros((1, 2)), np.cumsum(f(joined, np.zeros_like(joined)), axis=0)])
    return np.diff(sums[np.cumsum([0, *(len(some) for some in integers)])], axis=0)


def _sum_long(f: Integrand, lower: float, upper: float) -> Array:
    """Add up the integers near the ends, and integrate between, where little changes from one to the next."""
    inner = np.array([lower + _LONGEST_SUM, upper - _LONGEST_SUM])
    ends = _sum_short(f, [[lower, inner[0]], [inner[1], upper]])
    middle: Array = _integrate(partial(_smooth, f), inner)[0]
    return _added(ends) + middle


def _smooth(f: Integrand, x: Array, log_weights: Array) -> Array:
    """Evaluate f between integers: around each one a parabola, the mean of which is f there."""
    k = np.asarray(np.round(x), dtype=np.float64)
    t = (x - k)[:, None]
    before, here, after = (f(k + step, log_weights) for step in (-1, 0, 1))
    bend = after - 2 * here + before
    smooth: Array = here + t * (after - before) / 2 + (t**2 / 2 - 1 / 24) * bend
    return smooth
