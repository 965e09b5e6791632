"""Tests by ranks: against all permutations, SciPy's tests, and classes shuffled."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.feature_selection import f_regression

from skxent.feature_selection import cross_entropy_regression
from skxent.feature_selection._features import read_features
from skxent.feature_selection._ranks import _between_groups, _excess, _second_moment, rank_pvalues
from skxent.feature_selection._target import read_target


def table_of(x, y, ordered=False, n_bins=8):
    target = replace(read_target(y, None, len(y)), ordered=ordered)
    return read_features(np.asarray(x, dtype=float)[:, None]).count(slice(0, 1), target, n_bins)


@pytest.mark.parametrize("groups", [[0, 0, 1, 1, 2, 2, 2, 3], [0, 0, 0, 0, 0, 0, 0, 1], [0, 1, 1, 1, 1, 2, 2, 2]])
def test_second_moment_over_all_permutations(groups):
    scores = np.array([0.0, 1, 1, 2, 5, 6, 7, 7]) - 29 / 8
    scores /= np.sqrt(np.sum(scores**2))
    sizes = np.bincount(groups).astype(float)
    shares = [
        np.sum(np.bincount(groups, scores[list(order)]) ** 2 / sizes) ** 2 for order in itertools.permutations(range(8))
    ]
    sizes = np.append(sizes, 0.0)[None]
    found = _second_moment(sizes, sizes > 0, np.array([8.0]), np.array([np.sum(scores**4)]))
    assert_allclose(found, np.mean(shares), rtol=1e-10)


def test_fourth_moment_of_the_correlation_over_all_permutations():
    x, y = np.array([0.0, 0, 1, 3, 4, 9, 9]), np.array([1.0, 2, 2, 2, 3, 3, 8])
    x, y = ((v - v.mean()) / np.sqrt(np.sum((v - v.mean()) ** 2)) for v in (x, y))
    fourth = np.mean([(x @ y[list(order)]) ** 4 for order in itertools.permutations(range(7))])
    excess = [_excess(np.array(7.0), np.array(1.0), np.array(np.sum(v**4))) for v in (x, y)]
    assert_allclose(3 / 48 * (1 + 5 * 4 / (3 * 7 * 36) * excess[0] * excess[1]), fourth, rtol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_normal_scores_against_analysis_of_variance(n_classes):
    rng = np.random.default_rng(0)
    y = rng.integers(0, n_classes, 3000)
    x = rng.normal(size=3000) + 0.03 * y
    (pvalues,) = rank_pvalues(table_of(np.exp(x), y, n_bins=32))
    assert_allclose(np.log(pvalues), np.log(stats.f_oneway(*(x[y == k] for k in range(n_classes))).pvalue), atol=0.5)


def test_correlation_and_missing_values():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 6, 2000)
    x = np.where(rng.random(2000) < 0.2, np.nan, rng.normal(size=2000) + 0.03 * y)
    pvalues, _ = rank_pvalues(table_of(x, y, ordered=True))
    present = ~np.isnan(x)
    assert_allclose(np.log(pvalues), np.log(stats.pearsonr(x[present], y[present]).pvalue), atol=0.5)


@pytest.mark.parametrize("sizes", [(990, 10), (500, 300, 194, 3, 3), (12, *[1] * 10), (100,) * 10])
def test_level_with_small_groups(sizes):
    rng = np.random.default_rng(0)
    n, groups = sum(sizes), np.repeat(np.arange(len(sizes)), sizes)
    scores = stats.norm.ppf((np.arange(n) + 0.5) / n)
    sums = np.array([np.bincount(groups, rng.permutation(scores)) for _ in range(4000)])
    second, fourth = (np.full(4000, np.sum(scores**power)) for power in (2, 4))
    pvalues = _between_groups(sums, np.tile(np.array(sizes, dtype=float), (4000, 1)), second, fourth)
    for alpha in (0.05, 0.01):
        assert np.mean(pvalues <= alpha) <= alpha + 4 * np.sqrt(alpha / 4000)


def test_continuous_target_keeps_most_of_what_the_correlation_finds():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 40))
    y = 0.3 * X[:, :20].sum(axis=1) + rng.normal(size=1000)
    found = cross_entropy_regression(X, y)[1] <= 0.001
    by_correlation = np.array([stats.pearsonr(x, y).pvalue <= 0.001 for x in X.T])
    assert found[:20].sum() >= 0.9 * by_correlation[:20].sum() > 15
    assert not found[20:].any()


def test_categories_against_a_continuous_target():
    rng = np.random.default_rng(0)
    x, noise = rng.integers(0, 30, (2, 600))
    y = np.sin(x) + 3 * rng.normal(size=600)
    pvalues = cross_entropy_regression(np.column_stack([x, noise]), y, categorical_features=[0, 1])[1]
    assert pvalues[0] < 1e-3 < pvalues[1]


def test_a_weak_trend_of_a_target_in_few_rows_is_found_as_by_the_f_test():
    """The target is ranked in narrower classes than those that are predicted."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(60, 300))
    x = rng.normal(size=(60, 300)) + 0.2 * y
    ours, theirs = (
        np.concatenate([test(column[:, None], target)[1] for column, target in zip(x, y, strict=True)])
        for test in (cross_entropy_regression, f_regression)
    )
    assert np.exp(np.mean(np.log(ours / theirs))) < 2  # 5/3 is the price of the other tests


@pytest.mark.parametrize("n", [12, 15, 20])
def test_perfect_order_is_no_less_likely_than_one_of_all_orders(n):
    x = np.arange(float(n))[:, None]
    pvalue = cross_entropy_regression(x, x[:, 0], n_classes=n)[1][0]
    assert 1 / math.factorial(n) < pvalue < 10 / math.factorial(n)
    one_swap = np.r_[1.0, 0.0, np.arange(2.0, n)]
    assert pvalue <= cross_entropy_regression(x, one_swap, n_classes=n)[1][0] < 1e5 / math.factorial(n)


def test_order_of_a_target_with_as_many_values_as_rows_and_with_weights():
    x, y = np.arange(12.0)[:, None], np.arange(12.0) ** 3
    weight = np.where(np.arange(12) % 3 > 0, 2, 0)
    expected = cross_entropy_regression(x.repeat(weight, axis=0), y.repeat(weight))
    assert_allclose(cross_entropy_regression(x, y, sample_weight=weight), expected, rtol=1e-12)
    assert expected[1][0] < 1e-3
