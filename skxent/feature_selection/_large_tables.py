r"""Cumulants of G, 2N × the plug-in information, of a sparse table too large to be shuffled often.

When the classes are shuffled, the groups of the side that has more of them are nearly independent draws from the
frequencies π of the other side, but for the totals of that other side, which are fixed. So each group's part of G,
:math:`h = 2 \sum_k x_k \log x_k`, is freed of what the totals say by regression, :math:`r = h - \beta x`, and the
cumulants of the r, from draws for each size of a group, add up. The mean is exact: that of each cell's part under the
hypergeometric distribution.

The variance is that of C. Morris, "Central limit theorems for multinomial sums", Annals of Statistics 3 (1975),
doi:10.1214/aos/1176343006.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import gammaln, xlogy

from skxent._typing import Floats, Integers

__all__ = ["large_table_cumulants"]

# Cells to draw for one table: some hundredths of a second.
CELLS_DRAWN = 500_000
# Draws for each size of a group: at least, and at most.
FEWEST_DRAWS, MOST_DRAWS = 100, 20_000
# Standard deviations, and rows, from the mean of a cell beyond which its probability does not matter.
REACH, REACH_ROWS = 12, 40


@lru_cache(maxsize=512)
def large_table_cumulants(one: tuple[int, ...], other: tuple[int, ...]) -> Floats:
    """First three cumulants of G of a table with these margins, of shape (3,)."""
    groups, totals = sorted((np.array(one), np.array(other)), key=len, reverse=True)
    sizes, n_groups = np.unique(groups, return_counts=True)
    constant = xlogy(groups, groups).sum() + xlogy(totals, totals).sum() - xlogy(totals.sum(), totals.sum())
    mean = 2 * (n_groups @ _mean_parts(sizes, totals) - constant)
    return np.array([mean, *_spread(sizes, n_groups, totals)])


def _mean_parts(sizes: Integers, totals: Integers) -> Floats:
    """Mean of the sum of x log x over the cells of a group of each size."""
    n = float(totals.sum())
    size, total = (margin.ravel().astype(np.float64) for margin in np.meshgrid(sizes, totals, indexing="ij"))
    mean = size * total / n
    reach = np.ceil(REACH * np.sqrt(mean * (1 - total / n) * (n - size) / (n - 1)) + REACH_ROWS)
    start = np.maximum(np.maximum(0.0, size + total - n), np.floor(mean - reach))
    length = (np.minimum(np.minimum(size, total), np.ceil(mean + reach)) - start + 1).astype(np.int64)
    first = np.cumsum(length) - length
    cell = np.repeat(np.arange(len(size)), length)
    x = np.arange(len(cell)) - first[cell] + start[cell]
    ways = gammaln(x + 1) + gammaln(total[cell] - x + 1) + gammaln(size[cell] - x + 1)
    log_chance = -(ways + gammaln(n - total[cell] - size[cell] + x + 1))
    chance = np.exp(log_chance - np.maximum.reduceat(log_chance, first)[cell])
    means = np.add.reduceat(chance * xlogy(x, x), first) / np.add.reduceat(chance, first)
    return np.asarray(means.reshape(len(sizes), -1).sum(axis=1))


def _spread(sizes: Integers, n_groups: Integers, totals: Integers) -> tuple[float, float]:
    """Second and third cumulant."""
    shares = totals / totals.sum()
    n_draws = int(np.clip(CELLS_DRAWN // (len(sizes) * len(totals)), FEWEST_DRAWS, MOST_DRAWS))
    with_totals, parts = np.zeros(len(totals)), np.empty((len(sizes), n_draws))
    for at, (size, count) in enumerate(zip(sizes, n_groups, strict=True)):
        x = _draws(int(size), shares, n_draws)
        parts[at] = 2 * xlogy(x, x).sum(axis=1)
        with_totals += count * ((parts[at] - parts[at].mean()) @ x) / n_draws
    slope = with_totals / totals  # up to a constant, which does not matter as the rows of a group are fixed
    for at, size in enumerate(sizes):
        parts[at] -= _draws(int(size), shares, n_draws) @ slope
    parts -= parts.mean(axis=1, keepdims=True)
    return float(n_groups @ np.mean(parts**2, axis=1)), float(n_groups @ np.mean(parts**3, axis=1))


def _draws(size: int, shares: Floats, n_draws: int) -> Integers:
    """Draw groups of a size, the same ones whenever asked."""
    return np.random.default_rng(size).multinomial(size, shares, size=n_draws)
