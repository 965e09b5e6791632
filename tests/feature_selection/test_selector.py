"""A scikit-learn citizen."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats
from sklearn import config_context
from sklearn.datasets import load_iris
from sklearn.feature_selection import SelectFdr, SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skxent.feature_selection import (
    CrossEntropySelector,
    cross_entropy_classif,
)


class TestSelector:
    """A scikit-learn citizen."""

    @pytest.mark.filterwarnings("ignore:No features were selected")
    @parametrize_with_checks([CrossEntropySelector(), CrossEntropySelector(alpha=0.5, k=3, normalize=True)])
    def test_scikit_learn_checks(self, estimator, check):
        check(estimator)

    def test_noise_is_dropped(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 10, 1000)
        X = rng.normal(size=(1000, 100))
        X[:, 7] += y
        assert_array_equal(CrossEntropySelector().fit(X, y).get_support(indices=True), [7])

    def test_xor_is_beyond_a_score_of_single_features(self):
        X = np.random.default_rng(0).integers(0, 2, (10_000, 2))
        assert np.all(cross_entropy_classif(X, X[:, 0] ^ X[:, 1])[0] < 1e-3)

    def test_missing_values_are_information(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 1000)
        x = np.where(y == 1, np.nan, rng.normal(size=1000))
        scores, _ = cross_entropy_classif(x[:, None], y, normalize=True)
        assert scores[0] == pytest.approx(1, rel=0.02)

    def test_k_threshold_and_alpha_all_hold(self):
        X, y = load_iris(return_X_y=True)
        X = np.column_stack([X, X[:, 3], np.random.default_rng(0).normal(size=(150, 5))])
        scores = CrossEntropySelector(alpha=None).fit(X, y).scores_

        def kept(**options):
            return CrossEntropySelector(**{"alpha": None, **options}).fit(X, y).get_support(indices=True).tolist()

        assert kept() == list(range(10))
        assert kept(k=1) == [3]  # 4 is the twin of 3 and comes after it
        assert kept(k=2) == [3, 4]
        assert kept(k=9, threshold=0.5) == np.flatnonzero(scores > 0.5).tolist()
        assert kept(alpha=1e-6, threshold=-np.inf) == [0, 1, 2, 3, 4]
        assert kept(alpha=1e-6, threshold=-np.inf, k=3) == [2, 3, 4]

    @pytest.mark.parametrize("correction", ["fdr_bh", "fdr_by", "bonferroni", None])
    def test_corrections(self, correction):
        X = np.random.default_rng(0).normal(size=(300, 400))
        y = (X[:, 0] > 0).astype(int)
        selector = CrossEntropySelector(alpha=0.05, correction=correction, threshold=-np.inf).fit(X, y)
        if correction in ("fdr_bh", "fdr_by"):
            adjusted = stats.false_discovery_control(selector.pvalues_, method=correction[-2:])
        else:
            adjusted = selector.pvalues_ * (400 if correction else 1)
        assert_array_equal(selector.get_support(), adjusted <= 0.05)

    def test_as_score_function(self):
        X, y = load_iris(return_X_y=True)
        assert_array_equal(SelectKBest(cross_entropy_classif, k=2).fit(X, y).get_support(indices=True), [2, 3])
        assert SelectFdr(cross_entropy_classif).fit(X, y).get_support().all()

    def test_grid_search_and_weights_in_a_pipeline(self):
        X, y = load_iris(return_X_y=True)
        weight = np.where(y == 0, 0.0, 1.0)
        with config_context(enable_metadata_routing=True):
            selector = CrossEntropySelector().set_fit_request(sample_weight=True)
            model = LogisticRegression(max_iter=1000).set_fit_request(sample_weight=False)
            scoring = get_scorer("accuracy").set_score_request(sample_weight=False)
            pipeline = make_pipeline(selector, model)
            search = GridSearchCV(pipeline, {"crossentropyselector__k": [1, 4]}, cv=3, scoring=scoring)
            search.fit(X, y, sample_weight=weight)
        assert_array_equal(search.best_estimator_[0].classes_, [1, 2])
        assert search.best_params_ == {"crossentropyselector__k": 4}

    def test_as_many_categories_as_rows(self):
        n = 20_000
        names = np.array([f"id {i}" for i in range(n)])[:, None]
        selector = CrossEntropySelector().fit(names, np.arange(n) % 500)
        assert selector.n_bins_[0] == n
        assert selector.scores_[0] == 0
        assert selector.pvalues_[0] == 1
