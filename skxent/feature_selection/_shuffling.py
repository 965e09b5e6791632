"""The distribution of G, 2N × the plug-in information, when the classes of a sparse table are shuffled.

Rows and columns of a table play the same part. In what follows the *drawn* side is that of which the largest group is
left out: to shuffle is to draw, for each row outside that group, a group of the other side without putting back.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincc, xlogy
from scipy.stats import binom

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._large_tables import large_table_cumulants

__all__ = ["ENOUGH", "Margins", "gamma_tail", "shuffled_tails"]

Totals = tuple[int, ...]
CumulantsOf = Callable[[Floats, Floats], Floats]

# Finest and coarsest step of the grid of G in the exact distribution. The part of each cell is rounded to it.
FINEST, COARSEST = 1e-4, 0.02
# Values of G from which on the exact distribution is summed up; its tail is then below 1e-30.
LARGEST = 160.0
# Rows that a cell must expect for the cumulants of its part of G to be those of a Poisson variable.
ENOUGH = 5.0
# Products of the groups' possible counts up to which all tables are listed.
ENUMERATED = 100_000
# Additions in an exact distribution that are worth it: some hundredths of a second.
EXACT_WORK = 1e7
# Shuffles of a table of many cells, of other tables, and at most of those whose p-value is below LIKELY or in which one
# side has two groups, for which all margins are shuffled at once.
FEWEST, FEW, MANY = 400, 2_000, 20_000
LIKELY = 0.1
# Rows to draw and cells to fill in all shuffles of a table: some hundredths of a second.
DRAWS = 2_000_000
# The fewest rows that are drawn, which cost little.
LEAST_DRAWN = 64
# Rows to draw beyond which shuffling takes too long.
MAX_DRAWN = 2_048
# Shuffles that must reach a value for its p-value to be their share; beyond, the tail of a gamma distribution.
REACHED = 50
# Part of a value of G, or of 1, by which equal ones differ after rounding.
ROUNDING = 1e-9


class Margins(NamedTuple):
    """Rows of the bins and of the classes of a table."""

    bins: Totals
    classes: Totals


def shuffled_tails(
    margins: Margins, statistics: Floats, spread: Callable[[int], Integers], cumulants: CumulantsOf
) -> Floats:
    """Probability that G of a table with shuffled classes is at least that of each of some tables.

    Parameters
    ----------
    margins : Margins
        The rows of each bin and each class, the same for all tables.
    statistics : ndarray of shape (n_tables,)
        Their G.
    spread : callable
        Tells how the rows of the smallest bin (0) or class (1) of each table are spread over the groups of the other
        side, in the order of the margins: an array of shape (n_tables, n_groups). It is asked for one with two groups.
    cumulants : callable
        Gives the first three cumulants of G for bins and classes in whose cells there are enough rows.

    Returns
    -------
    pvalues : ndarray of shape (n_tables,)
        The probabilities; of large tables by the cumulants of :mod:`._large_tables`.
    """
    if len(margins.bins) == 1 or len(margins.classes) == 1:
        return np.ones(len(statistics))
    for two, other in ((0, 1), (1, 0)):
        drawn = min(margins[two])
        if len(margins[two]) == 2 and _exact_step(drawn, margins[other]) <= COARSEST:
            return _exact_tails(drawn, margins[other], spread(two))
    few, many, dense = _split(margins)
    if sum(few) - few[-1] > MAX_DRAWN:
        return gamma_tail(statistics, large_table_cumulants(*margins)[:, None])
    rest = np.asarray(cumulants(np.array(dense, dtype=np.float64), np.array(many, dtype=np.float64)))
    work = _rows_drawn(few) + len(few) * len(many)
    more = min(MANY, DRAWS // work)
    n_shuffles = max(more if len(few) == 2 else min(more, FEW), FEWEST)
    pvalues = _sampled_tails(few, many, n_shuffles, statistics, rest)
    near = (pvalues > 1e-12) & (pvalues < LIKELY)
    if near.any() and more > n_shuffles:
        pvalues[near] = _sampled_tails(few, many, more, statistics[near], rest)
    return pvalues


def _split(margins: Margins) -> tuple[Totals, Totals, Totals]:
    """Choose which side is drawn.

    Returns
    -------
    few : tuple of int
        The groups of that side, those in whose cells there are enough rows put together; the largest is the last.
    many : tuple of int
        The groups of the other side.
    dense : tuple of int
        The groups that were put together.
    """
    choices = []
    for one, other in (margins, margins[::-1]):
        enough = ENOUGH * sum(other) / min(other)
        dense = tuple(sorted(total for total in one if total >= enough))
        sparse = [total for total in one if total < enough]
        few = tuple(sorted([*sparse, sum(dense)] if dense else sparse))
        choices.append((sum(few) - few[-1], few, tuple(sorted(other)), dense))
    return min(choice for choice in choices if len(choice[1]) > 1)[1:]


@lru_cache(maxsize=512)
def _exact_step(drawn: int, groups: Totals) -> float:
    """Step of the grid with which the exact distribution takes `EXACT_WORK`."""
    sizes = np.asarray(groups, dtype=np.float64)
    largest = LARGEST + drawn * _slope(drawn, float(sizes.max()) * drawn / sizes.sum())
    additions = float(np.minimum(sizes + 1, drawn + 1).sum()) * (drawn + 1)
    return max(FINEST, largest * additions / EXACT_WORK)


def _slope(drawn: int, mean: float) -> float:
    """Return at least what the part of G of a group that expects `mean` drawn rows falls below 0, for each row."""
    return 2 + 2 * max(np.log(mean), 0.0) if drawn else 0.0


def _exact_tails(drawn: int, groups: Totals, observed: Integers) -> Floats:
    """Tails where one side has two groups: `observed` says how the rows of its smaller group are spread."""
    ordered = tuple(sorted(groups))
    if np.prod(np.minimum(groups, drawn) + 1.0) <= ENUMERATED:
        share = drawn / sum(groups)
        values, chances = _all_tables(drawn, ordered)
        parts = [_parts(min(group, drawn), group, share, 0.0) for group in groups]
        value = sum(part[n] for part, n in zip(parts, observed.T, strict=True))
        return np.asarray(chances[np.minimum(np.searchsorted(values, value - 1e-7), len(values) - 1)])
    tail, steps = _exact(drawn, ordered)
    at = sum(steps[group][n] for group, n in zip(groups, observed.T, strict=True))
    rounding = int(np.ceil(np.sqrt(min(drawn, len(groups)))))  # steps: tables with the same G count as equal
    return np.asarray(tail[np.clip(at - rounding, 0, len(tail) - 1)])


@lru_cache(maxsize=512)
def _all_tables(drawn: int, groups: Totals) -> tuple[Floats, Floats]:
    """Values of G of all tables with two groups on one side, ascending, and the probability of that value or more."""
    share = drawn / sum(groups)
    values = [np.zeros(1), *[np.empty(0)] * drawn]
    chances = [np.ones(1), *[np.empty(0)] * drawn]
    for group in groups:
        most = min(group, drawn)
        parts, ways = _parts(most, group, share, 0.0), binom.pmf(np.arange(most + 1), group, share)
        pairs = [[(n, m - n) for n in range(min(m, most) + 1)] for m in range(drawn + 1)]
        values = [np.concatenate([values[rest] + parts[n] for n, rest in pair]) for pair in pairs]
        chances = [np.concatenate([chances[rest] * ways[n] for n, rest in pair]) for pair in pairs]
    order = np.argsort(values[drawn])
    tail = np.cumsum(chances[drawn][order][::-1])[::-1]
    return values[drawn][order], tail / tail[0]


@lru_cache(maxsize=512)
def _exact(drawn: int, groups: Totals) -> tuple[Floats, dict[int, Integers]]:
    """Tail of the rounded G, and the steps that n drawn rows in a group of some size add to it."""
    share = drawn / sum(groups)
    slope = _slope(drawn, max(groups) * share)
    step = _exact_step(drawn, groups)
    steps = {group: np.rint(_parts(min(group, drawn), group, share, slope) / step) for group in set(groups)}
    steps = {group: step_of_n.clip(0).astype(np.int64) for group, step_of_n in steps.items()}
    ways = {group: binom.pmf(np.arange(min(group, drawn) + 1), group, share) for group in set(groups)}
    chance = np.zeros((drawn + 1, int((LARGEST + drawn * slope) / step) + 1))
    chance[0, 0] = 1.0
    for group in groups:
        chance = _add_group(chance, steps[group], ways[group])
    last = chance[drawn]
    return np.minimum(np.cumsum(last[::-1])[::-1] / last.sum(), 1.0), steps


def _parts(most: int, group: int, share: float, slope: float) -> Floats:
    """Parts of G, at least 0, for 0, 1, … drawn rows in a group.

    `slope` for each drawn row is added, which is the same in sum for every table.
    """
    n = np.arange(most + 1.0)
    rest = group - n
    deviance = xlogy(n, n / (group * share)) + xlogy(rest, rest / (group * (1 - share)))
    return np.asarray(2 * (deviance + group * np.log1p(-share)) + slope * n)


def _add_group(chance: Floats, steps: Integers, ways: Floats) -> Floats:
    """Add a group to the joint distribution of drawn rows and steps; what lies beyond the grid is in its last place."""
    n_rows, width = chance.shape
    result = np.zeros_like(chance)
    for n, (step, way) in enumerate(zip(steps.tolist(), ways.tolist(), strict=True)):
        inside = max(width - step, 0)
        result[n:, width - inside :] += way * chance[: n_rows - n, :inside]
        result[n:, -1] += way * chance[: n_rows - n, inside:].sum(axis=1)
    return result


class _Shuffles(NamedTuple):
    """The values of G of shuffled tables.

    Attributes
    ----------
    values : ndarray of shape (n_values,)
        Those that differ by more than rounding, ascending; there are often far fewer than shuffles.
    n_shuffles : ndarray of int of shape (n_values,)
        How many shuffles have each.
    cumulants : ndarray of shape (3,)
        Their first three cumulants.
    """

    values: Floats
    n_shuffles: Integers
    cumulants: Floats

    @property
    def n_reached(self) -> Integers:
        """How many shuffles have each value or more."""
        return np.cumsum(self.n_shuffles[::-1])[::-1]


@lru_cache(maxsize=2048)
def _sampled(few: Totals, many: Totals, n_shuffles: int) -> _Shuffles:
    """Shuffle: draw groups of `many` for the rows outside the largest group of `few`."""
    values = np.sort(_values_of_two(few, many, n_shuffles) if len(few) == 2 else _values(few, many, n_shuffles))
    centred = values - values.mean()
    squares = centred * centred
    cumulants = np.array([values.mean(), squares.mean(), centred @ squares / n_shuffles])
    first = np.flatnonzero(np.diff(values, prepend=-np.inf) > ROUNDING * np.maximum(1.0, values))
    return _Shuffles(values[first], np.diff(first, append=n_shuffles), cumulants)


def _values(few: Totals, many: Totals, n_shuffles: int) -> Floats:
    """Values of G of shuffled tables."""
    n_drawn = sum(few[:-1])
    labels = _draw_labels(many, min(_rows_drawn(few), sum(many)), n_shuffles)[:, :n_drawn]
    at_once = max(1, DRAWS // max(n_drawn, len(few) * len(many)))
    parts = [labels[start : start + at_once] for start in range(0, n_shuffles, at_once)]
    return np.concatenate([_shuffle(few, many, part) for part in parts])


def _values_of_two(few: Totals, many: Totals, n_shuffles: int) -> Floats:
    """Do as `_values` where one side has two groups."""
    n_drawn, total = few[0], sum(many)
    in_cells = _in_cells(many, min(_rows_drawn(few), total), n_shuffles)[n_drawn]
    return np.asarray(2 * (in_cells + xlogy(total, total) - xlogy(few, few).sum()))


@lru_cache(maxsize=2)
def _in_cells(many: Totals, most: int, n_shuffles: int) -> Floats:
    """Sum of n log n over the cells, less that of `many`, when 0, 1, … up to `most` rows have been drawn.

    A row that is drawn changes two cells, so that all these numbers of rows take the time of one. The shape is
    (most + 1, n_shuffles).
    """
    labels = np.ascontiguousarray(_draw_labels(many, most, n_shuffles).T)
    n, group = np.arange(most + 1.0), np.array(many)[:, None]
    changes = np.diff(xlogy(n, n) + xlogy(group - n, np.maximum(group - n, 1.0)), axis=1)
    drawn = np.zeros((n_shuffles, len(many)), dtype=np.int64)
    shuffle = np.arange(n_shuffles)
    sums = np.zeros((most + 1, n_shuffles))
    for at, label in enumerate(labels):
        so_far = drawn[shuffle, label]
        sums[at + 1] = sums[at] + changes[label, so_far]
        drawn[shuffle, label] = so_far + 1
    return sums


def _rows_drawn(few: Totals) -> int:
    """Return how many rows are drawn: a power of two, so that margins of about the same size share their draws."""
    return max(LEAST_DRAWN, 1 << (sum(few[:-1]) - 1).bit_length())


@lru_cache(maxsize=16)
def _draw_labels(many: Totals, n_drawn: int, n_shuffles: int) -> Array:
    """Draw groups of rows one after the other, of shape (n_shuffles, n_drawn). The seed is always the same.

    All rows, or as many as are needed, are shuffled and cut into the draws that they give, again and again.
    """
    rng = np.random.default_rng(0)
    n_rows = min(sum(many), n_drawn * n_shuffles)
    left, places, rows = n_rows, sum(many), []
    for total in many:
        places -= total
        rows.append(int(rng.hypergeometric(total, places, left)) if places else left)
        left -= rows[-1]
    groups = np.repeat(np.arange(len(many), dtype=np.min_scalar_type(len(many))), rows)
    draws = n_rows // n_drawn
    shuffled = rng.permuted(np.tile(groups, (-(-n_shuffles // draws), 1)), axis=1)
    return shuffled[:, : draws * n_drawn].reshape(-1, n_drawn)[:n_shuffles]


def _shuffle(few: Totals, many: Totals, labels: Array) -> Floats:
    """Values of G when the rows outside the largest group of `few` have these groups of `many`."""
    size, n_groups = len(labels), len(many)
    row = np.repeat(np.arange(len(few) - 1) * n_groups, few[:-1])
    cell = (np.arange(size) * ((len(few) - 1) * n_groups))[:, None] + row + labels
    counts = np.bincount(cell.ravel(), minlength=size * (len(few) - 1) * n_groups).reshape(size, -1, n_groups)
    in_cells = _sum_x_log_x(counts.reshape(size, -1)) + _sum_x_log_x(np.array(many) - counts.sum(axis=1))
    constant = xlogy(sum(few), sum(few)) - xlogy(few, few).sum() - xlogy(many, many).sum()
    return np.asarray(2 * (in_cells + constant))


def _sum_x_log_x(counts: Array) -> Floats:
    """Sum of n log n over the rows of a matrix of counts."""
    values = np.arange(counts.max() + 1.0)
    total: Floats = xlogy(values, values)[counts].sum(axis=1)
    return total


def _sampled_tails(few: Totals, many: Totals, n_shuffles: int, statistics: Floats, rest: Floats) -> Floats:
    """Tails of the sum of a shuffled G and of an independent gamma variable with the cumulants `rest`.

    Without that: the share of the shuffles that reach the statistic; where few do, from the last that many on the tail
    of the gamma distribution with the cumulants of the shuffled values.
    """
    shuffles = _sampled(few, many, n_shuffles)
    if rest[1] > 0:
        return np.array([_with_rest(shuffles, statistic, rest) for statistic in statistics])
    values, reached = shuffles.values, np.append(shuffles.n_reached, 0)
    n_reached = reached[np.searchsorted(values, statistics - 1e-7 * np.maximum(1.0, np.abs(statistics)))]
    if len(values) == 1:
        return n_reached / n_shuffles
    pvalues = n_reached / n_shuffles
    beyond = n_reached < REACHED
    start = values[np.flatnonzero(reached >= REACHED)[-1]]
    pvalues[beyond] = REACHED / n_shuffles * _fall(start, statistics[beyond], shuffles.cumulants)
    return pvalues


def _fall(start: float, statistics: Floats, cumulants: Floats) -> Floats:
    """Return the ratio of the tail of a gamma distribution with these cumulants to that from `start` on."""
    if not len(statistics):
        return np.empty(0)
    within, beyond = (gamma_tail(at, cumulants[:, None]) for at in (np.array([start]), statistics))
    return np.minimum(beyond / within if within > 0 else np.exp(-(statistics - start) / 2), 1.0)


def _with_rest(shuffles: _Shuffles, statistic: float, rest: Floats) -> float:
    """Tail of the sum of one of the values and of an independent gamma variable with the cumulants `rest`."""
    chances = gamma_tail(statistic - shuffles.values, rest[:, None])
    largest = float(chances.max())
    relative = chances / largest if largest > 0 else np.ones_like(chances)
    expected = float(shuffles.n_shuffles @ relative)
    sampled = largest * expected / float(shuffles.n_shuffles.sum())
    if expected**2 >= REACHED * float(shuffles.n_shuffles @ relative**2):
        return sampled
    return max(sampled, float(gamma_tail(np.array(statistic), shuffles.cumulants + rest)))


def gamma_tail(statistic: Floats, cumulants: Floats) -> Floats:
    """Tail of a shifted gamma distribution with three given cumulants; its scale is at least that of χ², 2.

    With that scale the tail is never lighter than exp(−G/2), the rate at which the tail of G falls.
    """
    first, second, third = cumulants
    varies = second > 1e-9
    scale = np.maximum(np.divide(third, 2 * second, out=np.full_like(first, 2.0), where=varies), 2.0)
    shape = np.where(varies, second, 1.0) / scale**2
    excess = np.maximum(statistic - first + shape * scale, 0.0)
    return np.where(varies, gammaincc(shape, excess / scale), 1.0)
