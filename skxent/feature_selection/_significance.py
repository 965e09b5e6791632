r"""Is it more than chance? p-values from the same table, and corrections for testing many features.

The statistic is the plug-in information of the table in the units of χ²,
:math:`G = 2 N \hat I = 2 \sum n_{bk} \log (n_{bk} N / n_b n_k)`, and the p-value is the probability that shuffled
classes reach it. Its tail is light however few rows a cell has: a cell of Poisson mean λ adds about as much as a χ²
with one degree of freedom. (Pearson's :math:`X^2` is not like that: a rare class in a rare bin adds thousands to it.)

How the distribution under shuffling is found depends on the table:

- two bins, two classes: the hypergeometric distribution, as in Fisher's exact test;
- cells expect enough rows, by Cochran's rule, or G is far beyond what any shuffling reaches: its first three cumulants;
- few rows on one side, two groups on the other or so: exactly, by adding group after group (:mod:`._shuffling`);
- else: from shuffled classes, and beyond what they reach by the tail of a gamma distribution;
- too many rows to be shuffled: its cumulants, from draws of the groups (:mod:`._large_tables`).

Where values or classes have an order, they are also tested by their ranks (:mod:`._ranks`), and the p-values are
combined as Cauchy variables.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property, partial

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import gammaincc, gammaln, xlogy
from scipy.stats import false_discovery_control, poisson

from skxent._registry import Registry
from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._binning import add_up
from skxent.feature_selection._count_table import CountTable
from skxent.feature_selection._ranks import rank_pvalues
from skxent.feature_selection._shuffling import ENOUGH, Margins, gamma_tail, shuffled_tails

__all__ = ["CORRECTIONS", "adjust_pvalues", "independence_pvalues", "null_moments"]

CORRECTIONS: Registry[Callable[[Floats], Floats]] = Registry("correction")

# Cochran's rule: the cumulants are used where no cell expects fewer rows than LEAST, and few cells fewer than ENOUGH.
LEAST, FEW_CELLS = 1.0, 0.2
# A larger p-value is combined as this one: a Cauchy variable that is nearly −∞ would hide the other.
LARGEST_COMBINED = 0.99
# Weights of the test of the information, of that by ranks, and of the second one by ranks where classes are in order:
# trends are what is looked for most often. With equal weights 5 % fewer of the columns that the F-test finds are kept.
WEIGHTS = (1.0, 3.0, 1.0)
# Logarithm of the p-value below which its exact value does not matter.
CERTAIN = -100.0
# Poisson means between which the cumulants of a cell's part of G are interpolated; above they are those of χ².
LOW, HIGH = 1e-8, 3e3


def independence_pvalues(table: CountTable) -> Floats:
    r"""p-value of each feature: of the hypothesis that classes do not depend on bins.

    Parameters
    ----------
    table : CountTable
        The counts. Counts that are not whole numbers, from fractional weights, are judged by the moments of
        Pearson's X² where a cell expects fewer than five rows.

    Returns
    -------
    pvalues : ndarray of shape (n_features,)
        1 where shuffling changes nothing: a single bin, or every row its own bin.

    References
    ----------
    R. A. Fisher, "The logic of inductive inference", Journal of the Royal Statistical Society 98 (1935),
    doi:10.2307/2342435.

    D. A. Williams, "Improved likelihood ratio tests for complete contingency tables", Biometrika 63 (1976),
    doi:10.1093/biomet/63.1.33.
    """
    return _combine([_information_pvalues(table), *rank_pvalues(table)])


def _information_pvalues(table: CountTable) -> Floats:
    """p-values of G."""
    statistic = _statistics(table)
    whole = not np.any(table.count % 1)
    four = whole & (table.bins_per_feature == 2) & (table.n_classes == 2)
    dense = ~four & (_is_dense(table) | (_log_tables(table) - statistic / 2 < CERTAIN))
    pvalues = np.ones(table.n_features)
    pvalues[four] = _fisher_pvalues(table, np.flatnonzero(four))
    if dense.any():
        pvalues[dense] = gamma_tail(statistic[dense], _cumulants_of_features(table)[:, dense])
    if np.all(dense | four):
        return pvalues
    if not whole:
        pvalues[~dense] = _pvalues_from_moments(table)[~dense]
        return pvalues
    classes = tuple(table.class_totals.astype(np.int64).tolist())
    rare = _RareGroups(table)
    for bins, features in rare.by_bins(np.flatnonzero(~dense & ~four)):
        spread = partial(rare.spread, features)
        pvalues[features] = shuffled_tails(Margins(bins, classes), statistic[features], spread, _cumulants)
    return pvalues


class _RareGroups:
    """How the rows of each feature's smallest bin, or of the smallest class, are spread over the other side."""

    def __init__(self, table: CountTable) -> None:
        self.table = table
        self.first_bin = np.cumsum(table.bins_per_feature) - table.bins_per_feature
        self.by_rows = np.lexsort((table.bin_totals, table.feature_of_bin))

    def by_bins(self, features: Integers) -> list[tuple[tuple[int, ...], Integers]]:
        """Put features together whose bins have the same numbers of rows, in any order."""
        totals = self.table.bin_totals[self.by_rows].astype(np.int64)
        n_bins_of = self.table.bins_per_feature[features]
        found = []
        for n_bins in np.unique(n_bins_of).tolist():
            members = features[n_bins_of == n_bins]
            rows = totals[self.first_bin[members, None] + np.arange(n_bins)]
            order = np.lexsort(rows[:, : n_bins - 1].T) if n_bins > 1 else np.arange(len(members))
            first = np.flatnonzero(np.diff(rows[order], axis=0).any(axis=1)) + 1
            found += [(tuple(rows[group[0]].tolist()), members[group]) for group in np.split(order, first)]
        return found

    @cached_property
    def of_bin(self) -> Integers:
        """Rows of each class in the smallest bin, of shape (n_features, n_classes)."""
        table = self.table
        smallest = self.by_rows[self.first_bin]
        cells = np.flatnonzero(table.bin == smallest[table.feature])
        counts = np.zeros((table.n_features, table.n_classes), dtype=np.int64)
        counts[table.feature[cells], table.label[cells]] = table.count[cells]
        return counts

    @cached_property
    def of_class(self) -> Integers:
        """Rows of the smallest class in each bin, the bins of a feature by their number of rows."""
        table = self.table
        counts = np.zeros(len(table.feature_of_bin), dtype=np.int64)
        cells = np.flatnonzero(table.label == np.argmin(table.class_totals))
        counts[table.bin[cells]] = table.count[cells]
        return counts[self.by_rows]

    def spread(self, features: Integers, side: int) -> Integers:
        """Give the rows of some features, which have the same number of bins, as `shuffled_tails` asks for them."""
        if side == 0:
            return self.of_bin[features]
        n_bins = self.table.bins_per_feature[features[0]]
        return self.of_class[self.first_bin[features, None] + np.arange(n_bins)]


def _is_dense(table: CountTable) -> Array:
    """Whether the cells of a feature expect enough rows, by Cochran's rule."""
    shares = np.sort(table.class_totals) / table.total
    too_few, few = (np.searchsorted(shares, bound / table.bin_totals).astype(np.float64) for bound in (LEAST, ENOUGH))
    sparse = add_up(table.feature_of_bin, few, table.n_features) / (table.bins_per_feature * table.n_classes)
    return (add_up(table.feature_of_bin, too_few, table.n_features) == 0) & (sparse <= FEW_CELLS)


def _log_tables(table: CountTable) -> Floats:
    """Logarithm of a number that the tables with the same margins do not exceed.

    A table has a probability of about exp(−G/2), so that all with at least that G have together no more than their
    number times that.
    """
    n, k = table.bin_totals, table.n_classes
    ways = gammaln(n + k) - gammaln(k) - gammaln(n + 1)
    return add_up(table.feature_of_bin, ways, table.n_features)


def _combine(parts: list[Floats]) -> Floats:
    """Combine p-values of one feature, however they depend on each other; NaN stands for none.

    Y. Liu and J. Xie, "Cauchy combination test", Journal of the American Statistical Association 115 (2020),
    doi:10.1080/01621459.2018.1554485.
    """
    if len(parts) == 1:
        return parts[0]
    pvalues = np.array(parts)
    weight = np.where(np.isfinite(pvalues), np.array(WEIGHTS[: len(parts)])[:, None], 0.0)
    cauchy = 1 / np.tan(np.pi * np.clip(np.where(weight > 0, pvalues, 0.5), 1e-300, LARGEST_COMBINED))
    combined = np.arctan2(1.0, np.sum(weight * cauchy, axis=0) / weight.sum(axis=0)) / np.pi
    return np.where(weight[1:].any(axis=0), combined, parts[0])


def _statistics(table: CountTable) -> Floats:
    """G of each feature."""
    independent = table.bin_totals[table.bin] * (table.class_totals[table.label] / table.total)
    return 2 * table.sum_cells(table.count * np.log(table.count / independent))


def _cumulants_of_features(table: CountTable) -> Floats:
    r"""First three cumulants of G, of shape (3, n_features).

    Cells are taken as Poisson variables with mean λ, of which the margins are then fixed. As the deviances of the
    margins are parts of the sum over the cells, and nearly independent of G, cumulants subtract:
    :math:`\kappa = \sum_{bk} c(\lambda_{bk}) - \sum_b c(n_b) - \sum_k c(n_k) + c(N)`.
    """
    sizes, size_of_bin = np.unique(table.bin_totals, return_inverse=True)
    of_size = -_deviance_cumulants(sizes)
    for total in table.class_totals:
        of_size += _deviance_cumulants(sizes * (total / table.total))
    margin = _deviance_cumulants(np.array([table.total])) - _deviance_cumulants(table.class_totals).sum(
        1, keepdims=True
    )
    return np.stack([add_up(table.feature_of_bin, row[size_of_bin], table.n_features) for row in of_size]) + margin


def _cumulants(bins: Floats, classes: Floats) -> Floats:
    """First three cumulants of G of one table, where the classes are in `classes` shares of the rows of `bins`."""
    if len(bins) < 2:
        return np.zeros(3)
    total, shares = bins.sum(), classes / classes.sum()
    cells = _deviance_cumulants(np.outer(bins, shares).ravel()).sum(axis=1)
    margins = [_deviance_cumulants(margin).sum(axis=1) for margin in (bins, total * shares, np.array([total]))]
    return np.asarray(cells - margins[0] - margins[1] + margins[2])


def _deviance_cumulants(mean: Floats) -> Floats:
    """First three cumulants of 2 (n log(n / λ) − n + λ) for a Poisson variable n: shape (3, len(mean))."""
    values: Floats = _deviance_spline()(np.log(np.clip(mean, LOW, HIGH))).T
    return values


@cache
def _deviance_spline() -> CubicSpline:
    logs = np.linspace(np.log(LOW), np.log(HIGH), 300)  # twelve points for each factor e: errors below 1e-4
    values = np.array([_sum_deviance(mean) for mean in np.exp(logs)])
    return CubicSpline(logs, values)


def _sum_deviance(mean: float) -> tuple[float, float, float]:
    width = 14 * np.sqrt(mean) + 60
    n = np.arange(max(0, int(mean - width)), int(mean + width))
    chance = poisson.pmf(n, mean)
    deviance = 2 * (xlogy(n, n / mean) - (n - mean))
    first = float(chance @ deviance)
    central = deviance - first
    return first, float(chance @ central**2), float(chance @ central**3)


def _fisher_pvalues(table: CountTable, features: Integers) -> Floats:
    """Two-sided p-values of Fisher's exact test, of features with two bins, for two classes."""
    if not len(features):
        return np.empty(0)
    first_bin = np.searchsorted(table.feature_of_bin, features)
    bins = np.stack([table.bin_totals[first_bin], table.bin_totals[first_bin + 1]])
    in_cell = np.zeros(len(table.feature_of_bin))
    of_first_class = table.label == 0
    in_cell[table.bin[of_first_class]] = table.count[of_first_class]
    rare_bin = first_bin + (bins[1] < bins[0])
    observed = in_cell[rare_bin]
    drawn = bins.min(axis=0)
    different, which = np.unique(drawn + 1j * observed, return_inverse=True)  # columns of text repeat each other
    marked = np.full(len(different), table.class_totals[0])
    return _hypergeometric_two_sided(different.imag, table.total, marked, different.real)[which]


def _hypergeometric_two_sided(observed: Floats, total: float, marked: Floats, drawn: Floats) -> Floats:
    """Probability of all outcomes that are no more probable than the observed one.

    Outcomes further than 40 standard deviations from the mean and 200 rows are left out.
    """
    low, high = np.maximum(0.0, drawn + marked - total), np.minimum(drawn, marked)
    mean = drawn * marked / total
    variance = mean * (1 - marked / total) * (total - drawn) / (total - 1)
    reach = np.ceil(40 * np.sqrt(variance) + 200) + np.abs(observed - mean)
    start = np.maximum(low, np.floor(mean - reach))
    length = (np.minimum(high, np.ceil(mean + reach)) - start + 1).astype(np.int64)
    test = np.repeat(np.arange(len(observed)), length)
    n = np.arange(len(test)) - np.repeat(np.cumsum(length) - length, length) + start[test]
    log_chance = _log_ways(n, total, marked[test], drawn[test])
    of_observed = _log_ways(observed, total, marked, drawn)
    largest = np.maximum.reduceat(log_chance, np.cumsum(length) - length)
    chance = np.exp(log_chance - largest[test])
    # As SciPy and R: probabilities that differ in their last digits are equal.
    rare = log_chance <= of_observed[test] + 1e-7
    return add_up(test, chance * rare, len(observed)) / add_up(test, chance, len(observed))


def _log_ways(n: Floats, total: float, marked: Floats, drawn: Floats) -> Array:
    """Logarithm of a hypergeometric probability, but for a term that does not depend on n."""
    terms: Array = gammaln(n + 1) + gammaln(marked - n + 1) + gammaln(drawn - n + 1)
    return -(terms + gammaln(total - marked - drawn + n + 1))


def _pvalues_from_moments(table: CountTable) -> Floats:
    r"""Pearson's X² against a gamma distribution with the mean and variance it has when classes are shuffled.

    J. B. S. Haldane, "The mean and variance of χ², when used as a test of homogeneity, when expectations are
    small", Biometrika 31 (1940), doi:10.1093/biomet/31.3-4.346.
    """
    fraction = table.count / table.bin_totals[table.bin] * (table.count / table.class_totals[table.label])
    statistic = table.total * (table.sum_cells(fraction) - 1)
    mean, variance = null_moments(table)
    varies = variance > 1e-12 * np.maximum(mean, 1)
    scale = np.divide(variance, mean, out=np.ones_like(mean), where=varies)
    pvalues = gammaincc(np.where(varies, mean, 1) / scale, np.maximum(statistic, 0) / scale)
    return np.where(varies, pvalues, 1.0)


def null_moments(table: CountTable) -> tuple[Floats, Floats]:
    """Mean and variance of X² over all ways to shuffle the classes, each of shape (n_features,)."""
    n = table.total
    reciprocals = add_up(table.feature_of_bin, 1 / table.bin_totals, table.n_features)
    bins, classes = table.bins_per_feature.astype(np.float64), float(table.n_classes)
    v_bins, w_bins = _margin_moments(n, bins, reciprocals)
    v_classes, w_classes = _margin_moments(n, np.array(classes), np.sum(1 / table.class_totals, keepdims=True))
    mean = n * (bins - 1) * (classes - 1) / (n - 1)
    variance = 2 * n / (n - 3) * (v_bins - w_bins) * (v_classes - w_classes) + n**2 / (n - 1) * w_bins * w_classes
    return mean, variance


def _margin_moments(n: float, groups: Floats, reciprocals: Floats) -> tuple[Floats, Floats]:
    """Give Haldane's v and w for one margin, from its number of groups and the sum of 1 / group total."""
    return (groups - 1) * (n - groups) / (n - 1), (n * reciprocals - groups**2) / (n - 2)


@CORRECTIONS.register("bonferroni")
def _bonferroni(pvalues: Floats) -> Floats:
    return np.minimum(pvalues * len(pvalues), 1.0)


@CORRECTIONS.register("fdr_bh")
def _benjamini_hochberg(pvalues: Floats) -> Floats:
    adjusted: Floats = false_discovery_control(pvalues, method="bh")
    return adjusted


@CORRECTIONS.register("fdr_by")
def _benjamini_yekutieli(pvalues: Floats) -> Floats:
    adjusted: Floats = false_discovery_control(pvalues, method="by")
    return adjusted


def adjust_pvalues(pvalues: Floats, correction: str | None) -> Floats:
    """Correct p-values for the number of features; None leaves them as they are.

    Raises
    ------
    ValueError
        If there is no correction of that name.
    """
    return pvalues if correction is None else CORRECTIONS[correction](pvalues)
