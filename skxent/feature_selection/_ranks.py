r"""Tests that use the order of a feature's values, or that of the classes: they find weak trends sooner.

All are of one kind. Rows have scores, the quantiles of a normal distribution at their ranks, and are in groups; the
statistic is the share of the scores' variance that lies between the groups,
:math:`\eta^2 = \sum_g S_g^2 / n_g / \sum_i a_i^2`. Under shuffling its mean and variance have a closed form, and a beta
distribution with these two is close to it. Normal scores lose nothing to the F-test where that is at its best
(B. L. van der Waerden, "Order tests for the two-sample problem and their power", Indagationes Mathematicae 14, 1952).

- Ordered feature: the scores of its values, in groups by class.
- Ordered classes: the scores of the classes, in groups by bin.
- Both: the correlation of the scores, :math:`r^2` in place of :math:`\eta^2`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, gammaln, ndtri

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._binning import add_up
from skxent.feature_selection._count_table import CountTable, FineCounts

__all__ = ["normal_scores", "rank_pvalues"]

# Kurtosis of the scores up to which the beta distribution holds far out in the tail. Without equal values it is 3.
LARGEST_KURTOSIS = 4.0
# The fewest rows outside the largest group, and bins with values, for which the tests are made.
FEWEST_ROWS, FEWEST_BINS = 10, 3


def rank_pvalues(table: CountTable) -> list[Floats]:
    """p-values of each feature by each test, NaN where the test is not made."""
    if not (any(table.ordered) or table.ordered_classes):
        return []
    by_values = np.full(table.n_features, np.nan)
    ordered = np.asarray(table.ordered) & (table.bins_per_feature >= FEWEST_BINS)
    if ordered.any():
        by_values[ordered] = _by_values((table.fine or _own_counts(table)).take(ordered), table.ordered_classes)
    return [by_values, _classes_between_bins(table)] if table.ordered_classes else [by_values]


def _by_values(fine: FineCounts, ordered_classes: bool) -> Floats:
    """p-values of the scores of the values."""
    n_features = int(fine.feature_of_bin[-1]) + 1
    rows, scores = _scores_of_bins(fine, n_features)
    cell = fine.feature_of_bin[fine.bin] * fine.n_classes + fine.label
    count = np.where(fine.missing[fine.bin], 0.0, fine.count)
    sums, sizes = (
        add_up(cell, values, n_features * fine.n_classes).reshape(-1, fine.n_classes)
        for values in (count * scores[fine.bin], count)
    )
    second, fourth = (add_up(fine.feature_of_bin, rows * scores**power, n_features) for power in (2, 4))
    pvalues = (_correlation if ordered_classes else _between_groups)(sums, sizes, second, fourth)
    pvalues = np.maximum(pvalues, _chance(fine.feature_of_bin, rows, fine.feature_of_bin[fine.bin], count, sizes))
    return np.where(np.bincount(fine.feature_of_bin, rows > 0, n_features) >= FEWEST_BINS, pvalues, np.nan)


def _chance(of_bin: Integers, rows: Floats, of_cell: Integers, count: Floats, sizes: Floats) -> Floats:
    """Return the chance of the table itself under shuffling, below which no p-value can be.

    Parameters
    ----------
    of_bin, of_cell : ndarray of int of shape (n_bins,) or (n_cells,)
        Feature of each bin and each cell.
    rows, count : ndarray of the same shapes
        Their rows.
    sizes : ndarray of shape (n_features, n_classes)
        Rows of each class.
    """
    n_features = len(sizes)
    ways = gammaln(sizes + 1).sum(axis=1) - gammaln(sizes.sum(axis=1) + 1)
    ways += add_up(of_bin, gammaln(rows + 1), n_features) - add_up(of_cell, gammaln(count + 1), n_features)
    return np.asarray(np.exp(np.minimum(ways, 0.0)))


def _own_counts(table: CountTable) -> FineCounts:
    """Take the bins of a table themselves, the last of which may be that of the missing values."""
    last = np.append(table.feature_of_bin[1:] != table.feature_of_bin[:-1], True)
    missing = last.copy()
    missing[last] = np.array([len(edges) for edges in table.edges]) < table.bins_per_feature
    return FineCounts(table.bin, table.label, table.count, table.feature_of_bin, missing, table.n_classes)


def _scores_of_bins(fine: FineCounts, n_features: int) -> tuple[Floats, Floats]:
    """Rows with a value in each bin, and the score of their values."""
    rows = np.where(fine.missing, 0.0, add_up(fine.bin, fine.count, len(fine.feature_of_bin)))
    present = add_up(fine.feature_of_bin, rows, n_features)
    first = np.searchsorted(fine.feature_of_bin, np.arange(n_features))
    below = np.cumsum(rows) - rows
    below -= below[first][fine.feature_of_bin]
    present = np.where(present > 0, present, 1.0)
    scores = normal_scores(below, rows, present[fine.feature_of_bin])
    return rows, scores - (add_up(fine.feature_of_bin, rows * scores, n_features) / present)[fine.feature_of_bin]


def normal_scores(below: Floats, rows: Floats, total: Floats | float) -> Floats:
    """Quantile of the normal distribution at the mean rank of rows that are equal."""
    return np.asarray(ndtri(np.where(rows > 0, (below + rows / 2) / total, 0.5)))


def _classes_between_bins(table: CountTable) -> Floats:
    """p-values of the scores of the classes, in groups by bin."""
    n = table.class_totals
    scores = normal_scores(np.cumsum(n) - n, n, table.total)
    scores -= n @ scores / table.total
    second, fourth = (np.full(table.n_features, np.sum(n * scores**power)) for power in (2, 4))
    most = int(table.bins_per_feature.max())
    shape = (table.n_features, most)
    first = np.cumsum(table.bins_per_feature) - table.bins_per_feature
    place = table.feature_of_bin * most + np.arange(len(table.feature_of_bin)) - first[table.feature_of_bin]
    sums, sizes = (
        add_up(place[table.bin], values, shape[0] * shape[1]).reshape(shape)
        for values in (table.count * scores[table.label], table.count)
    )
    totals = np.tile(n, (table.n_features, 1))
    least = _chance(table.feature_of_bin, table.bin_totals, table.feature, table.count, totals)
    return np.maximum(_between_groups(sums, sizes, second, fourth), least)


def _between_groups(sums: Floats, sizes: Floats, second: Floats, fourth: Floats) -> Floats:
    """p-values of the variance between groups.

    Parameters
    ----------
    sums, sizes : ndarray of shape (n_features, n_groups)
        Sum of the scores, and number of rows, of each group; groups without rows do not count.
    second, fourth : ndarray of shape (n_features,)
        Sums of the squares and of the fourth powers of all scores.

    Returns
    -------
    pvalues : ndarray of shape (n_features,)
        NaN where rows are few, or scores far from the others.
    """
    filled = sizes > 0
    groups = filled.sum(axis=1)
    share = np.divide(sums**2, sizes, out=np.zeros_like(sums), where=filled).sum(axis=1)
    n = sizes.sum(axis=1)
    testable = (n - sizes.max(axis=1) >= FEWEST_ROWS) & (groups < n - 1) & (second > 0)
    testable &= fourth * n <= LARGEST_KURTOSIS * second**2
    n, second = np.where(testable, n, 100.0), np.where(testable, second, 1.0)
    mean = (groups - 1) / (n - 1)
    variance = _second_moment(sizes, filled, n, fourth / second**2) - mean**2
    return _beta_tail(share / second, mean, variance, testable)


def _second_moment(sizes: Floats, filled: Array, n: Floats, fourth: Floats) -> Floats:
    """Mean of the square of the share between groups over all ways to shuffle, for scores whose squares add up to 1.

    Sums over different rows of products of their scores follow from the sum of the fourth powers; a group takes part
    in them as often as it has different rows to offer.
    """
    pairs, triples, quadruples = n * (n - 1), n * (n - 1) * (n - 2), n * (n - 1) * (n - 2) * (n - 3)
    one_pair, both_pairs = -fourth / pairs, (1 - fourth) / pairs
    pair_and_two, four = (2 * fourth - 1) / triples, (3 - 6 * fourth) / quadruples
    groups = filled.sum(axis=1).astype(np.float64)
    inverse = np.divide(1.0, sizes, out=np.zeros_like(sizes), where=filled).sum(axis=1)
    others = n - groups  # sum of n_g - 1
    squares = np.sum(np.where(filled, (sizes - 1) ** 2, 0.0), axis=1)
    # Σ (n_g - 1)(n_g - 2) / n_g and Σ (n_g - 1)(n_g - 2)(n_g - 3) / n_g
    two_left = n - 3 * groups + 2 * inverse
    three_left = np.sum(np.where(filled, sizes**2, 0.0), axis=1) - 6 * n + 11 * groups - 6 * inverse
    within = inverse * fourth / n + (groups - inverse) * (4 * one_pair + 3 * both_pairs)
    within += 6 * two_left * pair_and_two + three_left * four
    between = groups * (groups - 1) * both_pairs + 2 * (groups - 1) * others * pair_and_two
    return np.asarray(within + between + (others**2 - squares) * four)


def _correlation(sums: Floats, sizes: Floats, second: Floats, fourth: Floats) -> Floats:
    """p-values of the correlation of the values' scores with those of the classes.

    The moments are those of E. J. G. Pitman, "Significance tests which may be applied to samples from any populations:
    II. The correlation coefficient test", Supplement to the Journal of the Royal Statistical Society 4 (1937),
    doi:10.2307/2983647.
    """
    n = sizes.sum(axis=1)
    rows = np.where(n > 0, n, 1.0)[:, None]
    scores = normal_scores(np.cumsum(sizes, axis=1) - sizes, sizes, rows)
    scores -= np.sum(sizes * scores, axis=1, keepdims=True) / rows
    of_classes = [np.sum(sizes * scores**power, axis=1) for power in (2, 4)]
    testable = (n - sizes.max(axis=1) >= FEWEST_ROWS) & (second > 0) & (of_classes[0] > 0)
    for squares, powers in ((second, fourth), of_classes):
        testable &= powers * n <= LARGEST_KURTOSIS * squares**2
    n = np.where(testable, n, 100.0)
    excess = [
        _excess(n, np.where(testable, squares, 1.0), np.where(testable, powers, 0.0))
        for squares, powers in ((second, fourth), of_classes)
    ]
    explained = np.where(testable, second * of_classes[0], 1.0)
    square = np.sum(sums * scores, axis=1) ** 2 / explained
    fourth_moment = 3 / (n**2 - 1) * (1 + (n - 2) * (n - 3) / (3 * n * (n - 1) ** 2) * excess[0] * excess[1])
    mean = 1 / (n - 1)
    return _beta_tail(square, mean, fourth_moment - mean**2, testable)


def _excess(n: Floats, second: Floats, fourth: Floats) -> Floats:
    """Fisher's k-statistic of the fourth order, divided by the square of that of the second."""
    fourth_k = n * (n + 1) * fourth - 3 * (n - 1) * second**2
    return np.asarray(fourth_k / ((n - 1) * (n - 2) * (n - 3)) / (second / (n - 1)) ** 2)


def _beta_tail(share: Floats, mean: Floats, variance: Floats, testable: Array) -> Floats:
    """Tail of a beta distribution with this mean and variance; NaN where it is not asked for."""
    testable = testable & (variance > 1e-12 * mean**2) & (variance < mean * (1 - mean))
    rows = mean * (1 - mean) / np.where(testable, variance, 1.0) - 1
    shapes = np.where(testable, mean * rows, 1.0), np.where(testable, (1 - mean) * rows, 1.0)
    return np.where(testable, betainc(shapes[1], shapes[0], np.clip(1 - share, 0.0, 1.0)), np.nan)
