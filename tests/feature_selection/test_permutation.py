"""Model-based importance."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression

from skxent.feature_selection import (
    permutation_cross_entropy,
)


class TestPermutation:
    """Model-based importance."""

    @pytest.fixture
    def iris(self):
        X, y = load_iris(return_X_y=True)
        return LogisticRegression(max_iter=1000).fit(X, y), X, y

    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    def test_single_columns_are_scikit_learns(self, iris, container):
        model, X, y = iris
        expected = permutation_importance(model, X, y, scoring="neg_log_loss", random_state=0)
        result = permutation_cross_entropy(model, container(X), y, random_state=0, base=2)
        assert_allclose(result.importances, expected.importances / np.log(2), rtol=1e-9)
        assert result.names == ["x0", "x1", "x2", "x3"]

    def test_a_group_is_shuffled_together(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 2000)
        other = rng.normal(size=2000)
        pandas = pd.DataFrame({"a": other + y, "noise": rng.normal(size=2000), "b": other}, index=rng.permutation(2000))
        groups = {"pair": ["a", "b"], "noise": "noise"}
        positions = {"pair": [0, 2], "noise": 1}
        array = pandas.to_numpy()
        model = LogisticRegression().fit(array, y)  # a - b tells y, neither does alone
        result = permutation_cross_entropy(model, array, y, groups=positions, random_state=0)
        for frame in (pandas, pl.from_dict(pandas.to_dict("list"))):
            of_frame = permutation_cross_entropy(
                LogisticRegression().fit(frame, y), frame, y, groups=groups, random_state=0
            )
            assert_allclose(of_frame.importances, result.importances, rtol=1e-6)
            assert of_frame.names == ["pair", "noise"]
        alone = permutation_cross_entropy(model, array, y, random_state=0).importances_mean
        pair, noise = result.importances_mean
        assert noise < 0.01 < pair < alone[0] < alone[0] + alone[2]

    def test_log_loss_of_the_rows_as_they_are(self, iris):
        model, X, y = iris
        weight = np.random.default_rng(0).random(100)  # of rows in which a class is absent
        result = permutation_cross_entropy(model, X[:100], y[:100], sample_weight=weight, random_state=0)
        own = -np.log(model.predict_proba(X[:100])[np.arange(100), y[:100]])
        assert result.log_loss == pytest.approx(np.average(own, weights=weight))

    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array, pd.DataFrame])
    def test_a_column_counts_once_however_it_is_given(self, iris, container):
        model, X, y = iris
        expected = permutation_cross_entropy(model, X, y, groups={"a": [2], "b": [0]}, random_state=0)
        twice = {"a": np.int64(2), "b": np.array([0, 0])}
        result = permutation_cross_entropy(model, container(X), y, groups=twice, random_state=0)
        assert_allclose(result.importances, expected.importances, rtol=1e-12)

    @pytest.mark.parametrize("base", [0, 1, -2, 0.5])
    def test_base_is_above_1(self, iris, base):
        with pytest.raises(ValueError, match="base must be above 1"):
            permutation_cross_entropy(*iris, base=base)

    def test_a_single_column_is_no_matrix(self, iris):
        model, X, y = iris
        with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
            permutation_cross_entropy(model, X[:, 0], y)

    def test_unknown_column(self, iris):
        with pytest.raises(ValueError, match=r"Group 'mine' has columns \[7, 'height'\]"):
            permutation_cross_entropy(*iris, groups={"mine": [0, 7, "height"]})
