"""p-values and corrections."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats
from scipy.special import xlogy

from skxent.feature_selection import (
    CountTable,
    cross_entropy_classif,
)
from skxent.feature_selection._binning import auto_bins
from skxent.feature_selection._features import read_features
from skxent.feature_selection._shuffling import _Shuffles, _with_rest
from skxent.feature_selection._significance import adjust_pvalues, independence_pvalues, null_moments
from skxent.feature_selection._target import read_target


class TestSignificance:
    """p-values."""

    @pytest.mark.parametrize(
        ("bins", "y"),
        [
            ([0, 0, 0, 1, 1, 1, 2], [0, 0, 1, 1, 1, 0, 0]),
            ([0, 0, 1, 2, 3, 4, 4], [0, 1, 2, 0, 1, 2, 0]),
            ([0, 1, 1, 1, 1, 1], [0, 1, 2, 2, 1, 0]),
        ],
    )
    def test_moments_over_all_permutations(self, bins, y):
        features = read_features(np.array(bins)[:, None], [0])
        target = read_target(y, None, len(y))
        mean, variance = null_moments(features.count(slice(0, 1), target, 2))
        expected = np.outer(np.bincount(bins), np.bincount(y)) / len(y)
        statistics = []
        for shuffled in itertools.permutations(y):
            observed = np.zeros_like(expected)
            np.add.at(observed, (bins, shuffled), 1)
            statistics.append(np.sum((observed - expected) ** 2 / expected))
        assert mean[0] == pytest.approx(np.mean(statistics), rel=1e-12)
        assert variance[0] == pytest.approx(np.var(statistics), rel=1e-10)

    def test_chi_squared_where_counts_are_large(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 3, 20_000)
        x = np.where(rng.random(20_000) < 0.02, y, rng.integers(0, 4, 20_000))
        _, pvalues = cross_entropy_classif(x[:, None], y, categorical_features=[0])
        observed = np.zeros((4, 3))
        np.add.at(observed, (x, y), 1)
        assert pvalues[0] == pytest.approx(stats.chi2_contingency(observed, lambda_="log-likelihood").pvalue, rel=0.02)

    @pytest.mark.parametrize("n", [4, 10, 57, 1000, 100_000])
    def test_fisher(self, n):
        rng = np.random.default_rng(n)
        for _ in range(20):
            marked, drawn = (int(np.exp(rng.uniform(0, np.log(n - 1)))) for _ in range(2))
            low, high = max(0, marked + drawn - n), min(marked, drawn)
            spread = np.sqrt(marked * drawn / n) + 1
            both = int(np.clip(marked * drawn / n + spread * rng.uniform(-5, 5), low, high))
            counts = np.array([[both, drawn - both], [marked - both, n - drawn - marked + both]])
            expected = stats.fisher_exact(counts).pvalue
            assert independence_pvalues(count_table(counts))[0] == pytest.approx(expected, rel=1e-6)

    @pytest.mark.parametrize("seed", range(6))
    def test_two_groups_against_all_permutations(self, seed):
        """Each choice of the three rows of the first class stands for as many permutations, 3! 5!."""
        rng = np.random.default_rng(seed)
        bins, y = rng.integers(0, 4, 8), rng.permutation([0, 0, 0, 1, 1, 1, 1, 1])
        values = []
        for first_class in itertools.combinations(range(8), 3):
            table = np.zeros((4, 2))
            np.add.at(table, (bins, [int(row not in first_class) for row in range(8)]), 1)
            values.append(information(table))
        for one, other in ((bins, y), (y, bins)):
            counts = np.zeros((one.max() + 1, other.max() + 1))
            np.add.at(counts, (one, other), 1)
            counts = counts[counts.sum(1) > 0][:, counts.sum(0) > 0]
            expected = np.mean(np.array(values) >= information(counts) - 1e-9)
            assert independence_pvalues(count_table(counts))[0] == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize("seed", range(6))
    def test_sparse_tables_against_permutations(self, seed):
        rng = np.random.default_rng(seed)
        x, y = rng.choice(5, 60, p=[0.6, 0.2, 0.1, 0.05, 0.05]), rng.choice(3, 60, p=[0.7, 0.2, 0.1])
        y = np.where(rng.random(60) < 0.2, np.minimum(x, 2), y)
        counts = np.zeros((5, 3))
        np.add.at(counts, (x, y), 1)
        shuffled = rng.permuted(np.tile(y, (20_000, 1)), axis=1)
        cells = 15 * np.arange(20_000)[:, None] + 3 * x + shuffled
        tables = np.bincount(cells.ravel(), minlength=15 * 20_000).reshape(20_000, 15)
        reached = np.sum(xlogy(tables, tables).sum(axis=1) >= information(counts) - 1e-9)
        expected, found = reached / 20_000, independence_pvalues(count_table(counts))[0]
        # Three standard errors of both samplings: p-values above a tenth are found from 2,000 shuffles.
        error = np.sqrt(expected * (1 - expected) * (1 / 20_000 + 1 / (2_000 if expected > 0.1 else 20_000)))
        assert abs(found - expected) < 3 * error + 1e-4

    def test_rare_class_and_rare_value(self):
        counts = np.array([[4, 6], [16, 974]])
        assert independence_pvalues(count_table(counts))[0] == pytest.approx(2.273e-5, rel=1e-3)

    @pytest.mark.parametrize("n_classes", [2, 10])
    def test_nothing_is_selected_by_chance_among_rare_flags(self, n_classes):
        rng = np.random.default_rng(0)
        X = sp.csc_array((rng.random((500, 2000)) < rng.uniform(0.004, 0.05, 2000)).astype(float))
        y = np.minimum(np.arange(500) // 5, n_classes - 1)  # one class has most of the rows
        found = [
            np.any(adjust_pvalues(cross_entropy_classif(X, rng.permutation(y))[1], "fdr_bh") < 0.05) for _ in range(20)
        ]
        assert np.sum(found) <= 4  # of 20 at 5 %: more once in 400 times

    @pytest.mark.parametrize("n_classes", [2, 7])
    def test_a_column_is_judged_as_if_it_were_alone(self, n_classes):
        rng = np.random.default_rng(0)
        y = rng.geometric(0.3, 300) % n_classes
        flags = rng.random((300, 12)) < [0.01, 0.01, 0.02, 0.02, 0.3, 0.3, 0.5, 0.5, 0.9, 0.9, 0, 1]
        X = sp.csc_array(np.column_stack([flags, flags[:, :4], rng.poisson(1, (300, 3)), rng.normal(size=(300, 2))]))
        alone = [cross_entropy_classif(X[:, [at]], y)[1][0] for at in range(X.shape[1])]
        assert np.array_equal(cross_entropy_classif(X, y)[1], alone)

    def test_tail_of_a_shuffled_table_and_a_rest_far_out(self):
        """The chances of the shuffles are so small that their squares are 0."""
        shuffles = _Shuffles(np.array([0.0, 2.0]), np.array([300, 100]), np.array([0.5, 0.75, 0.75]))
        expected = (0.75 * stats.chi2.sf(900, 3) + 0.25 * stats.chi2.sf(898, 3), 0.0)
        for statistic, tail in zip((900.0, 9000.0), expected, strict=True):
            assert _with_rest(shuffles, statistic, np.array([3.0, 6.0, 24.0])) == pytest.approx(tail, rel=1e-9)

    def test_shift_of_an_ordered_feature(self):
        x, y = np.random.default_rng(0).normal(size=(500, 60)), np.arange(500) % 2
        x += 0.25 * y[:, None]
        kruskal = np.array([stats.kruskal(column[y == 0], column[y == 1]).pvalue for column in x.T])
        ordered = cross_entropy_classif(x, y)[1]
        unordered = cross_entropy_classif(np.floor(3 * x), y, categorical_features=np.ones(60, dtype=bool))[1]
        assert np.mean(ordered < 0.05) > 0.9 * np.mean(kruskal < 0.05)
        assert np.mean(ordered < 0.05) > np.mean(unordered < 0.05)

    @pytest.mark.parametrize(("n", "levels"), [(100, None), (100, 20), (300, 10), (1000, None), (1000, 30)])
    @pytest.mark.parametrize("n_classes", [2, 10])
    def test_noise(self, n, levels, n_classes):
        rng = np.random.default_rng(0)
        y = rng.integers(0, n_classes, n)
        X = rng.random((n, 400)) if levels is None else rng.integers(0, levels, (n, 120))
        scores, pvalues = cross_entropy_classif(X, y, categorical_features=np.full(X.shape[1], levels is not None))
        error = np.sqrt(0.05 * 0.95 / X.shape[1])
        assert np.mean(pvalues <= 0.05) < 0.05 + 3 * error
        assert np.mean(pvalues <= 0.2) > 0.05  # not much too large either
        assert np.mean(scores) < 2 * np.std(scores) / 20
        bins = levels or auto_bins(np.bincount(y).astype(float))
        freedom = (bins - 1) * (n_classes - 1)
        if n >= 10 * bins:  # where cells are well filled, as for Akaike's criterion
            assert abs(np.mean(scores > 0) - stats.chi2.sf(2 * freedom, freedom)) < 0.1
        if n >= 300 and bins <= 30 and freedom > 7:
            assert np.mean(scores <= 0) > 0.95


def count_table(counts):
    """Make a table of one feature of counts of shape (n_bins, n_classes)."""
    row, label = np.nonzero(counts)
    count, bins = counts[row, label].astype(float), np.zeros(len(counts), dtype=int)
    return CountTable(row, label, count, bins, counts.sum(axis=0).astype(float), (np.empty(0),), (False,))


def information(counts):
    """Plug-in information times N, but for what the margins fix."""
    return np.sum(xlogy(counts, counts))
