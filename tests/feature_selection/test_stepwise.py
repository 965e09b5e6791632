"""Stepwise discriminant analysis."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm, rankdata

from skxent.feature_selection import CrossEntropySelector
from skxent.feature_selection._features import read_features
from skxent.feature_selection._sets import BinnedFeatures
from skxent.feature_selection._stepwise import choose_stepwise
from skxent.feature_selection._target import read_target


def choose(X, y, weight=None, k=None, alpha=None):
    """Choose from columns that are their own bins."""
    binned = BinnedFeatures(
        read_features(X), tuple(map(np.unique, X.T)), (True,) * X.shape[1], read_target(y, weight, len(X))
    )
    return choose_stepwise(binned, k, alpha)


def log_wilks(X, y):
    """Logarithm of Wilks' lambda of all columns."""
    inside = X - np.array([X[y == label].mean(axis=0) for label in np.unique(y)])[y]
    return (
        np.linalg.slogdet(inside.T @ inside)[1] - np.linalg.slogdet(np.atleast_2d(np.cov(X.T, bias=True)) * len(X))[1]
    )


def test_gains_add_up_to_wilks_lambda_of_the_normal_scores():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    X = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 5)) + rng.normal(size=(3, 5))[y]
    chosen = choose(X, y)
    scores = norm.ppf((rankdata(X, axis=0) - 0.5) / 300)
    assert sorted(chosen.order) == list(range(5))
    assert_allclose(np.sum(chosen.gains) + 5 * 2 / 600, -log_wilks(scores, y) / 2, rtol=1e-4)
    first_three = scores[:, chosen.order[:3]]
    assert_allclose(np.sum(chosen.gains[:3]) + 3 * 2 / 600, -log_wilks(first_three, y) / 2, rtol=1e-4)


def test_each_step_takes_the_column_that_lowers_lambda_most():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 4, 400)
    X = rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6)) + rng.normal(size=(4, 6))[y]
    scores = norm.ppf((rankdata(X, axis=0) - 0.5) / 400)
    expected: list[int] = []
    while len(expected) < 6:
        others = [at for at in range(6) if at not in expected]
        expected.append(min(others, key=lambda at: log_wilks(scores[:, [*expected, at]].reshape(400, -1), y)))
    assert choose(X, y).order.tolist() == expected


def test_noise_is_chosen_as_rarely_as_alpha_says():
    rng = np.random.default_rng(0)
    found = [len(choose(rng.normal(size=(100, 10)), np.arange(100) % 3, alpha=0.05).order) for _ in range(400)]
    assert np.mean(np.array(found) > 0) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_categories_that_are_noise_are_not_chosen_and_those_that_tell_are():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(25):
        y = rng.integers(0, 3, 200)
        told = (2 * y + rng.integers(0, 3, 200)) % 7
        frame = pd.DataFrame({f"c{at}": rng.integers(0, 30, 200) for at in range(8)} | {"told": told}, dtype="category")
        order = CrossEntropySelector(redundancy="discriminant").fit(frame, y).order_.tolist()
        assert order[0] == 8
        found += len(order) > 1
    assert found <= 4


def test_copies_constants_and_missing_columns_add_nothing():
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    x[:100] = np.nan
    y = (np.nan_to_num(x) + 0.5 * rng.normal(size=500) > 0).astype(int)
    X = np.column_stack([np.full(500, np.nan), x, np.ones(500), np.exp(x), -x])
    assert choose_default(X, y) in ([1], [3], [4])


def choose_default(X, y, **parameters):
    return CrossEntropySelector(redundancy="discriminant", **parameters).fit(X, y).order_.tolist()


@pytest.mark.parametrize("n_bins", [2, "auto", 400])
def test_a_monotone_map_changes_nothing(n_bins):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 500)
    X = rng.normal(size=(500, 6)) + rng.normal(size=(3, 6))[y]
    assert choose_default(X, y, n_bins=n_bins) == choose_default(np.exp(X) ** 3, y, n_bins=n_bins) != []


def test_weights_are_frequencies():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(300, 5)), rng.integers(0, 2, 300), rng.integers(0, 3, 300)
    X[:, 2] += y
    weighted, repeated = choose(X, y, weight), choose(X.repeat(weight, axis=0), y.repeat(weight))
    assert weighted.order.tolist() == repeated.order.tolist()
    assert_allclose(weighted.gains, repeated.gains, atol=1e-6)


def test_a_column_that_separates_the_classes():
    y = np.arange(200) % 2
    X = np.column_stack([np.random.default_rng(0).normal(size=200), y])
    assert choose_default(X, y) == [1]


def test_missing_values_tell():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 600)
    gone = rng.random(600) < 0.1 + 0.2 * (y == 1)
    X = np.where(gone[:, None], np.nan, rng.normal(size=(600, 2)))
    X = np.column_stack([rng.normal(size=(600, 5)), X[:, 0], X[:, 1] + y, np.where(gone, np.nan, 7.0)])
    assert choose_default(X, y)[0] == 6
    assert choose_default(X[:, :6], y) == [5]
    assert choose_default(X[:, [0, 1, 7]], y) == [2]


def test_missing_values_that_are_noise_are_not_chosen():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        X = np.where(rng.random((150, 10)) < rng.uniform(0, 0.5, 10), np.nan, rng.normal(size=(150, 10)))
        found += len(choose_default(X, np.arange(150) % 3)) > 0
    assert found / 200 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
