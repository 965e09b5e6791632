"""Continuous targets, and messages."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression

import skxent
from skxent.feature_selection import (
    CrossEntropySelector,
    cross_entropy_classif,
    cross_entropy_regression,
    distribution_shift,
)


class TestRegression:
    """Continuous targets."""

    def test_quantile_classes(self):
        X = np.random.default_rng(0).normal(size=(1000, 3))
        y = X[:, 0] ** 2
        scores, pvalues = cross_entropy_regression(X, y)
        assert scores[0] > 0.8
        assert np.all(scores[1:] < 0)
        assert pvalues[0] < 1e-100
        deciles = np.searchsorted(np.sort(y), y) // 100
        assert_array_equal(scores, cross_entropy_classif(X, deciles)[0])

    def test_weight_two_is_the_row_twice(self):
        rng = np.random.default_rng(0)
        X, y, weight = rng.normal(size=(200, 2)), rng.poisson(3, 200), rng.integers(0, 3, 200)
        assert_array_equal(
            cross_entropy_regression(X, y, sample_weight=weight, n_classes=4),
            cross_entropy_regression(X.repeat(weight, axis=0), y.repeat(weight), n_classes=4),
        )

    def test_messages(self):
        X = np.zeros((10, 1))
        with pytest.raises(ValueError, match=r"y is 3\.0 in every row"):
            cross_entropy_regression(X, np.full(10, 3.0))
        with pytest.raises(ValueError, match="Input y contains NaN"):
            cross_entropy_regression(X, np.full(10, np.nan))
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            cross_entropy_regression(X, np.arange(9), sample_weight=np.ones(10))
        with pytest.raises(ValueError, match="The 'n_classes' parameter"):
            cross_entropy_regression(X, np.arange(10), n_classes=1)


@pytest.mark.parametrize("kind", ["sorted", "by value", "sparse", "weighted"])
def test_more_bins_than_rows_are_as_many_as_rows(kind):
    rng = np.random.default_rng(0)
    X, y = rng.permutation(60).reshape(30, 2) / (1 if kind == "by value" else 7), np.arange(30) % 2
    X = sp.csr_array(X) if kind == "sparse" else X.astype(int) if kind == "by value" else X
    weight = np.ones(30) if kind == "weighted" else None
    few, many = (cross_entropy_classif(X, y, n_bins=n_bins, sample_weight=weight) for n_bins in (30, 10**12))
    assert_array_equal(few, many)


def test_objects_that_are_numbers_or_booleans_are_labels():
    X = np.arange(20.0).reshape(10, 2)
    expected = cross_entropy_classif(X, np.arange(10) % 2)
    for labels in ([0, 1], [False, True], [np.int8(0), 1.0]):
        assert_array_equal(cross_entropy_classif(X, np.array(labels * 5, dtype=object)), expected)


def test_targets_whose_sum_has_no_number():
    X = np.arange(20.0).reshape(10, 2)
    scores, _ = cross_entropy_regression(X, np.where(np.arange(10) < 5, 1e308, -1e308), n_classes=2)
    assert np.all(scores > 0)


class TestMessages:
    """Bad input is told what is wrong with it."""

    X = np.arange(20.0).reshape(10, 2)
    y = np.arange(10) % 2

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (np.linspace(0, 1, 10), "continuous"),
            (np.zeros(10), r"y has a single class, \[0\.0\]: there is nothing to predict"),
            (np.where(np.arange(10) == 3, np.nan, 1.0), "Input y contains NaN"),
            (["a", "b", None, "a", "b"] * 2, r"y\[2\] is None: leave out the rows that have no label"),
            ([1, 0, None, 1, 0] * 2, r"y\[2\] is None"),
            (pl.Series(["a", "b", None, "a", "b"] * 2), r"y\[2\] is None"),
            (pd.Series(["a", "b", None, "a", "b"] * 2, dtype="string"), r"y\[2\] is <NA>"),
            (np.arange(9) % 2, "inconsistent numbers of samples"),
            (np.eye(10), "y should be a 1d array"),
            (np.array(["a", 1] * 5, dtype=object), "y holds labels of type int, str; labels are text, or numbers"),
            (np.array([10**30, 7] * 5, dtype=object), "y holds labels of type int; labels are text, or numbers"),
        ],
    )
    def test_target(self, y, message):
        with pytest.raises(ValueError, match=message):
            cross_entropy_classif(self.X, y)

    @pytest.mark.parametrize(
        ("weight", "message"),
        [
            ([1.0] * 9, r"sample_weight has shape \(9,\), but X has 10 rows"),
            ([1.0] * 4 + [-1.0] * 6, r"sample_weight\[4\] is -1\.0"),
            ([1.0] * 9 + [np.nan], r"sample_weight\[9\] is nan"),
            ([0.1] * 10, "sample_weight sums to 1, too few rows"),
            (0.0, "sample_weight sums to 0, too few rows"),
            (1e300, r"sample_weight sums to 1e\+301, more rows than can be counted"),
            ([1.0, 0.0] * 5, r"y has a single class, \[0\]"),
            (["a"] * 10, "sample_weight must hold one number for each row of X: could not convert"),
        ],
    )
    def test_weights(self, weight, message):
        with pytest.raises(ValueError, match=message):
            cross_entropy_classif(self.X, self.y, sample_weight=weight)

    @pytest.mark.parametrize(
        ("declared", "message"),
        [
            ([True], r"mask of shape \(1,\) for 2 features"),
            ([0, 2], r"positions \[2\], but X has 2 features"),
            (["x0", "age"], r"columns that X does not have: \['age'\]"),
            ([0.5], "must be 'from_dtype', a mask, or a list"),
        ],
    )
    def test_categorical_features(self, declared, message):
        with pytest.raises(ValueError, match=message):
            cross_entropy_classif(self.X, self.y, categorical_features=declared)

    def test_data(self):
        with pytest.raises(ValueError, match="minimum of 4 is required"):
            cross_entropy_classif(self.X[:3], self.y[:3])
        with pytest.raises(ValueError, match=r"data frame of 3 row\(s\) and 1 column\(s\)"):
            cross_entropy_classif(pl.DataFrame({"a": [1, 2, 3]}), self.y[:3])
        with pytest.raises(ValueError, match="Complex data not supported"):
            cross_entropy_classif(self.X * 1j, self.y)
        with pytest.raises(ValueError, match="Column 'c' has dtype complex128"):
            cross_entropy_classif(pd.DataFrame({"c": np.arange(10) * 1j}), self.y)
        with pytest.raises(TypeError, match=r"Column 'tags' holds values of type list; .* hashable"):
            cross_entropy_classif(pd.DataFrame({"tags": [["a"]] * 10}), self.y)
        with pytest.raises(TypeError, match="Column 'place' holds several values in each row"):
            cross_entropy_classif(pl.DataFrame({"place": [{"x": 1.0, "y": 2.0}] * 10}), self.y)

    @pytest.mark.parametrize("other", [0, None, np.inf])
    def test_whole_numbers_beyond_all_floating_point_numbers(self, other):
        X = np.array([[10**400], [other]] * 5, dtype=object)
        with pytest.raises(ValueError, match="Column 'x0' holds a whole number of 401 digits, too large"):
            cross_entropy_classif(X, self.y)

    def test_scores_of_ones_own(self):
        with pytest.raises(ValueError, match=r"an array of shape \(1,\) for a table of 8 cells"):
            cross_entropy_classif(self.X, self.y, score_func=lambda table: np.ones(1), n_bins=2)
        with pytest.raises(ValueError, match="The score gave nan for a cell of 3 rows"):
            cross_entropy_classif(self.X, self.y, score_func=lambda table: np.nan * table.count, n_bins=2)

    def test_all_missing_column_is_no_error(self):
        assert_array_equal(cross_entropy_classif(np.full((10, 1), np.nan), self.y), [[0.0], [1.0]])

    def test_parameters(self):
        with pytest.raises(ValueError, match=r"unknown score 'median'; known: .*loo, .*plugin"):
            CrossEntropySelector(score_func="median").fit(self.X, self.y)
        with pytest.raises(ValueError, match="unknown correction 'holm'; known: bonferroni, fdr_bh, fdr_by"):
            CrossEntropySelector(alpha=0.1, correction="holm").fit(self.X, self.y)
        with pytest.raises(ValueError, match="The 'score_func' parameter of cross_entropy_classif"):
            cross_entropy_classif(self.X, self.y, score_func=LogisticRegression())
        with pytest.raises(ValueError, match="The 'n_bins' parameter of cross_entropy_classif"):
            cross_entropy_classif(self.X, self.y, n_bins=1)
        with pytest.raises(ValueError, match="unknown metric 'emd'; known: cross_entropy, js, kl, psi"):
            distribution_shift(self.X, self.X, metric="emd")
        with pytest.raises(ValueError, match="unknown correction 'holm'"):
            distribution_shift(self.X, self.X, correction="holm")

    def test_public_names(self):
        assert skxent.CrossEntropySelector is CrossEntropySelector
        assert skxent.cross_entropy_classif is cross_entropy_classif
