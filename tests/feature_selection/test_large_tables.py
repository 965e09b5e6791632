"""Cumulants of G of large sparse tables."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import xlogy

from skxent.feature_selection._large_tables import _mean_parts, large_table_cumulants
from skxent.feature_selection._shuffling import Margins, shuffled_tails


def statistic_of(counts, bins, classes):
    return 2 * (xlogy(counts, counts).sum() - xlogy(bins, bins).sum() - xlogy(classes, classes).sum())


@pytest.mark.parametrize("totals", [(3, 20, 500), (1000, 200_000), (1, 1, 1)])
def test_mean_of_a_cell_is_that_of_the_hypergeometric_distribution(totals):
    n = sum(totals)
    sizes = np.array([1, 2, min(n - 1, 700)])
    pairs = [[(size, total, np.arange(min(size, total) + 1)) for total in totals] for size in sizes]
    expected = [
        sum(stats.hypergeom.pmf(x, n, total, size) @ xlogy(x, x) for size, total, x in of_size) for of_size in pairs
    ]
    assert_allclose(_mean_parts(sizes, np.array(totals)), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.95, 0.05], [0.5, 0.3, 0.1, 0.05, 0.05]])
@pytest.mark.parametrize("even", [True, False])
def test_cumulants_against_shuffled_classes(shares, even):
    rng = np.random.default_rng(0)
    weight = np.ones(400) if even else 1 / np.arange(1.0, 401)
    bins = np.bincount(rng.choice(400, 3000, p=weight / weight.sum()))
    bins, classes = bins[bins > 0], np.rint(3000 * np.array(shares)).astype(int)
    row, label = np.repeat(np.arange(len(bins)), bins), np.repeat(np.arange(len(classes)), classes)
    values = []
    for _ in range(600):
        counts = np.bincount(row * len(classes) + rng.permutation(label))
        values.append(statistic_of(counts, bins, classes) + 2 * xlogy(3000, 3000))
    mean, variance, third = large_table_cumulants(tuple(bins.tolist()), tuple(classes.tolist()))
    assert mean == pytest.approx(np.mean(values), abs=4 * np.std(values) / np.sqrt(600))
    assert variance == pytest.approx(np.var(values), rel=0.25)
    assert -1 < third / variance**1.5 < 1


def test_many_levels_and_classes_hold_their_level():
    rng = np.random.default_rng(1)
    bins = np.unique(rng.integers(0, 900, 6000), return_counts=True)[1]
    classes = (3000, 1500, 900, 540, 60)
    row, label = np.repeat(np.arange(len(bins)), bins), np.repeat(np.arange(5), classes)
    margins, statistics = Margins(tuple(bins.tolist()), classes), []
    for _ in range(400):
        counts = np.bincount(row * 5 + rng.permutation(label), minlength=len(bins) * 5)
        statistics.append(statistic_of(counts, bins, classes) + 2 * xlogy(6000, 6000))
    pvalues = shuffled_tails(margins, np.array(statistics), None, lambda bins, classes: np.zeros(3))
    assert stats.kstest(pvalues, "uniform").pvalue > 0.001
