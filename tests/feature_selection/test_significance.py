"""p-values and corrections."""

import itertools

import numpy as np
import pytest
from scipy import stats

from skxent.feature_selection import (
    cross_entropy_classif,
)
from skxent.feature_selection._binning import auto_bins
from skxent.feature_selection._features import read_features
from skxent.feature_selection._significance import null_moments
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
        assert pvalues[0] == pytest.approx(stats.chi2_contingency(observed).pvalue, rel=0.02)

    @pytest.mark.parametrize(
        ("n", "levels"), [(100, None), (100, 50), (300, 10), (1000, None), (1000, 30), (1000, 500)]
    )
    @pytest.mark.parametrize("n_classes", [2, 10])
    def test_noise(self, n, levels, n_classes):
        rng = np.random.default_rng(0)
        y = rng.integers(0, n_classes, n)
        X = rng.random((n, 3000)) if levels is None else rng.integers(0, levels, (n, 3000))
        scores, pvalues = cross_entropy_classif(X, y, categorical_features=np.full(3000, levels is not None))
        assert 0.038 < np.mean(pvalues <= 0.05) < 0.062  # within three standard errors of 5 %
        assert np.mean(scores) < 0
        bins = levels or auto_bins(n)
        freedom = (bins - 1) * (n_classes - 1)
        if n >= 10 * bins:  # where cells are well filled, as for Akaike's criterion
            assert abs(np.mean(scores > 0) - stats.chi2.sf(2 * freedom, freedom)) < 0.025
        if n >= 300 and bins <= 30 and freedom > 7:
            assert np.mean(scores <= 0) > 0.95
