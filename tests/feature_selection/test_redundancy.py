"""Sets of features."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import xlogy

from skxent.feature_selection import CrossEntropySelector
from skxent.feature_selection._features import read_features
from skxent.feature_selection._redundancy import JointCounts, _information
from skxent.feature_selection._sets import BinnedFeatures
from skxent.feature_selection._target import read_target


def brute_force(f, y, s):
    """Conditional information times N, one triple of values at a time."""
    total = 0.0
    for value in np.unique(s):
        inside = s == value
        for a in np.unique(f):
            for k in np.unique(y):
                n = np.sum(inside & (f == a) & (y == k))
                total += xlogy(n, n * np.sum(inside) / max(np.sum(inside & (f == a)) * np.sum(inside & (y == k)), 1))
    return total


def test_conditional_information_is_the_definition():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 4, (200, 3)).astype(float), rng.integers(0, 3, 200)
    selector = CrossEntropySelector(categorical_features=[0, 1, 2]).fit(X, y)
    binned = BinnedFeatures(read_features(X), tuple(selector.bin_edges_), (False,) * 3, read_target(y, None, 200))
    joint = JointCounts.of(binned)
    information, freedom = _information(joint.counts(0, 1))
    assert information == pytest.approx(brute_force(X[:, 0], y, X[:, 1]))
    assert freedom == 4 * 3 * 2
    assert joint.gain(0, 1) == pytest.approx((information - 12) / 200)
    assert_allclose(joint.counts(2, -1)[0].sum(axis=0), np.bincount(y))


@pytest.mark.parametrize("rule", ["cmim", "jmi", "discriminant"])
def test_true_columns_come_before_their_duplicates_and_noise(rule):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        true = rng.normal(size=(2000, 10))
        y = true.sum(axis=1) + rng.normal(size=2000) > 0
        X = np.column_stack([true, true, true, rng.normal(size=(2000, 20))])
        order = CrossEntropySelector(redundancy=rule, k=10, alpha=None).fit(X, y).order_
        assert rule == "jmi" or sorted(order % 10) == list(range(10))
        assert order.max() < 30


def test_selection_stops_when_nothing_is_left_to_tell():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(1000, 3))
    X, y = np.column_stack([true, true, rng.normal(size=(1000, 30))]), true.sum(axis=1) > 0
    selector = CrossEntropySelector(redundancy="cmim").fit(X, y)
    assert sorted(selector.order_ % 3) == [0, 1, 2]
    assert len(selector.gains_) == 3
    assert selector.transform(X).shape == (1000, 3)


def test_noise_is_not_selected():
    rng = np.random.default_rng(0)
    chosen = [
        len(CrossEntropySelector(redundancy="cmim").fit(rng.normal(size=(150, 20)), np.arange(150) % 3).order_)
        for _ in range(20)
    ]
    assert np.count_nonzero(chosen) <= 4


def test_pairs_find_what_is_told_only_together():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 12))
    y = (X[:, 3] > 0) ^ (X[:, 5] > 0)
    assert sorted(CrossEntropySelector(redundancy="pairs").fit(X, y).order_) == [3, 5]
    with pytest.warns(UserWarning, match="No features were selected"):
        CrossEntropySelector(redundancy="cmim").fit(X, y).transform(X)


def test_weights_are_frequencies():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(300, 5)), rng.integers(0, 2, 300), rng.integers(0, 3, 300)
    X[:, 2] += y
    weighted = CrossEntropySelector(redundancy="cmim", k=4, alpha=None).fit(X, y, weight)
    repeated = CrossEntropySelector(redundancy="cmim", k=4, alpha=None).fit(X.repeat(weight, axis=0), y.repeat(weight))
    assert weighted.order_.tolist() == repeated.order_.tolist()
    assert_allclose(weighted.gains_, repeated.gains_)


def test_unknown_rule():
    with pytest.raises(ValueError, match="unknown redundancy 'mrmr'; known: cmim, discriminant, jmi, pairs"):
        CrossEntropySelector(redundancy="mrmr").fit(np.eye(6), np.arange(6) % 2)
