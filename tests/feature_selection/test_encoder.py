"""Bins as a transformer."""

from datetime import date

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from skxent.feature_selection import (
    BinEncoder,
    BinningDisplay,
    CrossEntropySelector,
    FeatureScoresDisplay,
    ShiftMonitor,
)


@parametrize_with_checks([BinEncoder(), BinEncoder(encode="index", n_bins=3)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_weights_of_evidence_are_the_formula():
    x, y = np.repeat([0, 1, 2], [50, 30, 20]), np.zeros(100, dtype=int)
    y[[*range(10), *range(50, 65), *range(80, 100)]] = 1  # 10 of 50, 15 of 30, 20 of 20
    encoder = BinEncoder(categorical_features=[0], smoothing=0.5).fit(x[:, None], y)
    one, zero = np.array([10, 15, 20]) + 0.5, np.array([40, 15, 0]) + 0.5
    woe = np.log((one / one.sum()) / (zero / zero.sum()))
    assert_allclose(encoder.transform(x[:, None])[:, 0], woe[x])
    assert_allclose(encoder.information_value_[0], np.sum((one / one.sum() - zero / zero.sum()) * woe))
    assert_array_equal(encoder.table(0)["rows"], [50, 30, 20])
    assert_allclose(encoder.table("x0")["p(1)"], [0.2, 0.5, 1.0])
    assert_allclose(encoder.transform([[7], [np.nan]]), 0.0)  # what was not there during fit


def test_table_of_a_column_without_values():
    table = BinEncoder().fit(pd.DataFrame({"a": [None] * 10}), np.arange(10) % 2).table("a")
    assert table["bin"].tolist() == ["missing"]
    assert table["rows"].tolist() == [10]


def test_bins_are_those_of_the_selector():
    X, y = load_iris(return_X_y=True)
    encoder, selector = BinEncoder(encode="index").fit(X, y), CrossEntropySelector().fit(X, y)
    codes = encoder.transform(X)
    for at, edges in enumerate(selector.bin_edges_):
        assert_array_equal(codes[:, at], np.searchsorted(edges, X[:, at]))


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_frames_with_text_and_gaps(library):
    rng = np.random.default_rng(0)
    y = rng.choice(["no", "yes", "maybe"], 300)
    data = {"age": rng.normal(size=300), "city": [None if label == "no" else "B" for label in y]}
    encoder = BinEncoder().fit(library(data), y)
    assert encoder.get_feature_names_out().tolist() == [
        f"{name}_{label}" for name in ("age", "city") for label in ("maybe", "no", "yes")
    ]
    assert encoder.transform(library(data)).shape == (300, 6)
    assert encoder.table("city")["bin"].tolist() == ["B", "missing"]
    assert encoder.table("city")["woe(no)"].iloc[1] > 2
    with pytest.raises(ValueError, match="there is no feature 'height'; known: age, city"):
        encoder.table("height")


def test_sparse_equals_dense_and_weights_are_frequencies():
    rng = np.random.default_rng(0)
    X, y, weight = rng.poisson(0.4, (200, 3)).astype(float), rng.integers(0, 2, 200), rng.integers(1, 3, 200)
    dense = BinEncoder(n_bins=3).fit(X, y)
    assert_allclose(BinEncoder(n_bins=3).fit(sp.csr_array(X), y).transform(sp.csr_array(X)), dense.transform(X))
    categorical = BinEncoder(categorical_features=[0, 1, 2])
    repeated = categorical.fit(X.repeat(weight, axis=0), y.repeat(weight)).transform(X)
    assert_allclose(categorical.fit(X, y, weight).transform(X), repeated)


def test_pictures():
    X, y = load_iris(as_frame=True, return_X_y=True)
    figure, (left, right) = plt.subplots(1, 2)
    scores = FeatureScoresDisplay.from_estimator(CrossEntropySelector(k=2, base=2).fit(X, y), ax=left)
    assert "bits" in scores.ax_.get_xlabel()
    bins = BinningDisplay.from_estimator(BinEncoder().fit(X, y), "petal width (cm)", label=0, ax=right)
    assert bins.ax_ is right
    assert_allclose(bins.share.sum(), 1)
    with pytest.raises(ValueError, match="there is no class 7; known: 0, 1, 2"):
        BinningDisplay.from_estimator(BinEncoder().fit(X, y), 0, label=7)
    plt.close(figure)


def test_numbers_beyond_those_seen_are_in_the_outer_bins():
    x, y = np.arange(100.0)[:, None], np.arange(100) >= 50
    encoder = BinEncoder().fit(x, y)
    outside = encoder.transform([[-1e9], [-np.inf], [1e9], [np.inf]])
    assert_array_equal(outside, encoder.transform([[0.0], [0.0], [99.0], [99.0]]))
    assert outside[0, 0] < 0 < outside[2, 0]
    assert encoder.table(0)["bin"].iloc[-1].startswith("> ")


def test_whole_numbers_that_are_categories_are_found_again_beside_missing_values():
    x, y = np.arange(60) % 3, np.arange(60) % 3 == 0
    encoder = BinEncoder(categorical_features=[0], encode="index").fit(x[:, None], y)
    expected = encoder.transform(np.array([[0], [1], [2]]))
    for values in (np.array([[0.0], [1.0], [2.0], [np.nan]]), np.array([[0], [1], [2], [None]], dtype=object)):
        assert_array_equal(encoder.transform(values)[:3], expected)
    assert len({*expected.ravel().tolist()}) == 3


DAYS = pd.to_datetime(["2020-01-01", "2021-01-01"])


class TestKinds:
    """Categories of another kind than those that were fitted are refused; the same ones in another type are found."""

    @staticmethod
    def codes(fitted, given):
        encoder = BinEncoder(encode="index", categorical_features=[0]).fit(
            pd.DataFrame({"c": [*fitted] * 5}), [0, 1] * 5
        )
        return encoder.transform(pd.DataFrame({"c": given}))[:, 0].tolist()

    @pytest.mark.parametrize(
        ("fitted", "given", "held", "holds"),
        [
            (["1", "2"], [1, 2], "text", "numbers"),
            ([1, 2], ["1", "2"], "numbers", "text"),
            ([1, 2], ["1", None], "numbers", "text"),
            ([True, False], ["True", "False"], "booleans", "text"),
            ([True, False], [1, 0], "booleans", "numbers"),
            (DAYS, DAYS.astype(str), "dates", "text"),
            (DAYS.astype(str), DAYS, "text", "dates"),
            ([b"a", b"b"], ["a", "b"], "bytes", "text"),
            (["a", 1], [True, False], "numbers and text", "booleans"),
        ],
    )
    def test_another_kind_is_refused(self, fitted, given, held, holds):
        with pytest.raises(ValueError, match=f"Column 'c' holds {holds}; in the data before it held {held}"):
            self.codes(fitted, given)

    @pytest.mark.parametrize(
        ("fitted", "given", "codes"),
        [
            ([1, 2], [1.0, np.nan], [0, 3]),
            ([1, 2], pd.array([2, None], dtype="Int64"), [1, 3]),
            ([True, False], [False, None], [0, 3]),
            (DAYS, DAYS.astype("M8[s]"), [0, 1]),
            (DAYS, DAYS.astype("M8[ns]"), [0, 1]),
            (DAYS, [date(2021, 1, 1), None], [1, 3]),
            (["a", 1], [1, 1], [0, 0]),
            (["a", "b"], [np.nan, np.nan], [3, 3]),
            (["a", "b"], ["c", "b"], [2, 1]),
        ],
    )
    def test_the_same_category_in_another_type_is_found(self, fitted, given, codes):
        assert self.codes(fitted, given) == codes

    def test_the_monitor_refuses_them_after_it_was_saved_too(self):
        monitor = ShiftMonitor().fit(pd.DataFrame({"c": ["1", "2"] * 50}))
        for each in (monitor, ShiftMonitor.from_json(monitor.to_json())):
            with pytest.raises(ValueError, match="Column 'c' holds numbers; in the data before it held text"):
                each.partial_fit(pd.DataFrame({"c": [1, 2]}))
