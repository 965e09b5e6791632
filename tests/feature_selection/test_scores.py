"""Scores: closed forms against brute force."""

import math
import pickle
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.feature_selection import f_classif, mutual_info_classif
from sklearn.metrics import mutual_info_score

from skxent.feature_selection import (
    CrossEntropySelector,
    cross_entropy_classif,
    cross_entropy_regression,
    scores,
)
from skxent.feature_selection._binning import auto_bins
from skxent.feature_selection.scores import SCORES, plugin
from skxent.information import entropy

MIXED_CATEGORICAL = [4, 5, 8]


def brute_force(bins, y):
    """Leave-one-out log-loss gain of every row, one row at a time."""
    classes, n = np.unique(y), len(y)
    gains = []
    for row in range(n):
        others = np.arange(n) != row
        prior = {k: np.sum(y[others] == k) / (n - 1) for k in classes}
        mates = others & (bins == bins[row])
        k = y[row]
        q = (np.sum(y[mates] == k) + len(classes) * prior[k]) / (np.sum(mates) + len(classes))
        gains.append(math.log(q / prior[k]) if prior[k] > 0 else 0.0)
    return np.array(gains)


class TestScore:
    """The score is what its docstring says."""

    @pytest.mark.parametrize("n_classes", [2, 5])
    @pytest.mark.parametrize("seed", range(3))
    def test_equals_brute_force_leave_one_out(self, seed, n_classes, literal_bins, mixed_data):
        X, y = mixed_data(np.random.default_rng(seed), n=150, n_classes=n_classes)
        y[0] = n_classes  # a class with a single row
        selector = CrossEntropySelector(categorical_features=MIXED_CATEGORICAL, n_bins=7).fit(X, y)
        for at, column in enumerate(X.T):
            gains = brute_force(column if at in MIXED_CATEGORICAL else literal_bins(column, 7), y)
            self.assert_same_gains(selector, at, gains, y)

    @pytest.mark.parametrize("strength", [0, 1, 4])
    def test_the_default_is_the_mean_over_numbers_of_bins(self, strength, literal_bins, mixed_data):
        X, y = mixed_data(np.random.default_rng(0), n=150, n_classes=3)
        X = np.column_stack([X, np.random.default_rng(1).normal(size=150) + strength * np.sin(y)])
        selector = CrossEntropySelector(categorical_features=MIXED_CATEGORICAL).fit(X, y)
        for at, column in enumerate(X.T):
            if at not in MIXED_CATEGORICAL:
                self.assert_same_gains(selector, at, self.mean_gains(column, y, literal_bins), y)

    @staticmethod
    def mean_gains(column, y, literal_bins):
        """Average the gains of each row as the docstring says."""
        numbers = [2, 3, 4, 6, 8, 12, 16, 24, 48]
        cuts = [literal_bins(column, n_bins) for n_bins in numbers]
        cuts += [TestScore.literal_ends(column, n_bins) for n_bins in (6, 12, 24)]
        gains = [brute_force(cut, y) for cut in cuts]
        without = [*(1 / n for n in numbers), *[1 / 6] * 3]
        weights = np.array([w * (1 + math.exp(gain.sum()) / 100) for w, gain in zip(without, gains, strict=True)])
        return weights / weights.sum() @ gains

    @staticmethod
    def literal_ends(column, n_bins):
        """Cut off the first and the last of some equal bins; a value of more than a third of the rows is alone."""
        present = column[~np.isnan(column)]

        def place(value):
            if np.isnan(value):
                return "missing"
            if 3 * np.sum(present == value) > len(present):
                return f"alone at {value}"
            multiple = n_bins * np.sum(present < value) // len(present)
            heavy = [other for other in np.unique(present) if 3 * np.sum(present == other) > len(present)]
            part = "first" if multiple == 0 else "last" if multiple == n_bins - 1 else "between"
            return part, sum(other < value for other in heavy)

        names = [str(place(value)) for value in column]
        return np.array([sorted(set(names)).index(name) for name in names])

    @staticmethod
    def assert_same_gains(selector, at, gains, y):
        assert selector.scores_[at] == pytest.approx(gains.mean(), abs=1e-12)
        assert selector.scores_std_[at] == pytest.approx(gains.std() / np.sqrt(len(y)), abs=1e-12)
        for k, label in enumerate(selector.classes_):
            assert selector.class_scores_[at, k] == pytest.approx(gains[y == label].mean(), abs=1e-12)

    def test_p_values_are_those_of_one_number_of_bins_that_the_classes_do_not_choose(self, mixed_data):
        X, y = mixed_data(np.random.default_rng(0), n=400, n_classes=3)
        alone = cross_entropy_classif(X, y, n_bins=auto_bins(np.bincount(y).astype(float)))[1]
        assert_array_equal(cross_entropy_classif(X, y)[1], alone)

    @pytest.mark.parametrize("n_intervals", [2, 6, 24])
    def test_a_strong_dependence_is_measured_in_the_bins_that_it_needs(self, n_intervals):
        x = np.random.default_rng(0).permutation(4_800)[:, None] / 4_800
        y = (x[:, 0] * n_intervals).astype(int) % 2
        assert cross_entropy_classif(x, y)[0][0] > 0.9 * entropy(np.bincount(y), normalize=True)
        assert cross_entropy_regression(x, y + np.linspace(0, 1e-3, 4_800), n_classes=2)[0][0] > 0.6

    def test_the_mean_uses_the_classes_of_a_continuous_target(self, literal_bins):
        rng = np.random.default_rng(0)
        x = rng.normal(size=120)
        target = x + rng.normal(size=120)
        found = cross_entropy_regression(x[:, None], target, n_classes=3)[0][0]
        assert found == pytest.approx(self.mean_gains(x, literal_bins(target, 3), literal_bins).mean(), abs=1e-12)

    def test_columns_of_two_values_have_the_same_score_in_any_number_of_bins(self):
        rng = np.random.default_rng(0)
        X, y = (rng.random((300, 5)) < [0.5, 0.1, 0.02, 0.9, 0.3]) * 1.0, rng.integers(0, 3, 300)
        assert_allclose(cross_entropy_classif(X, y)[0], cross_entropy_classif(X, y, n_bins=5)[0], rtol=1e-12)

    def test_class_scores_average_to_the_score(self, mixed_data):
        X, y = mixed_data(np.random.default_rng(0))
        selector = CrossEntropySelector().fit(X, y)
        assert_allclose(selector.class_scores_ @ (np.bincount(y) / len(y)), selector.scores_, atol=1e-15)

    @pytest.mark.parametrize("score", sorted(SCORES))
    @pytest.mark.parametrize("weighted", [False, True])
    def test_constant_and_unique_columns_score_nothing(self, score, weighted):
        rng = np.random.default_rng(0)
        n = 57
        y = (rng.random(n) < 0.1).astype(int) + (rng.random(n) < 0.5)
        X = np.column_stack([np.ones(n), np.full(n, np.nan), rng.permutation(n)])
        weight = rng.random(n) * 3 if weighted else None
        columns = slice(0, 2 if weighted or score != "loo" else 3)
        options = {"categorical_features": [2], "score_func": score, "sample_weight": weight}
        scores, pvalues = cross_entropy_classif(X, y, **options)
        assert_array_equal(scores[columns], 0.0)
        assert_array_equal(pvalues[columns], 1.0)

    def test_light_unique_rows_score_nothing(self):
        rng = np.random.default_rng(0)
        scores, _ = cross_entropy_classif(
            np.arange(50)[:, None],
            rng.integers(0, 2, 50),
            categorical_features=[0],
            sample_weight=rng.random(50),
        )
        assert scores[0] == pytest.approx(0.0, abs=1e-16)

    def test_feature_that_determines_the_target_scores_its_entropy(self):
        y = np.random.default_rng(0).choice(4, p=[0.1, 0.2, 0.3, 0.4], size=20_000)
        for column in (y, np.exp(-y)):
            scores, pvalues = cross_entropy_classif(column[:, None], y, base=2)
            assert scores[0] == pytest.approx(entropy(np.bincount(y), normalize=True, base=2), rel=2e-3)
            assert pvalues[0] < 1e-200
        scores, _ = cross_entropy_classif(y[:, None], y, normalize=True)
        assert scores[0] == pytest.approx(1.0, rel=2e-3)

    def test_base_and_normalize_only_change_the_unit(self, mixed_data):
        X, y = mixed_data(np.random.default_rng(0))
        nats, _ = cross_entropy_classif(X, y)
        assert_allclose(cross_entropy_classif(X, y, base=2)[0], nats / np.log(2), rtol=1e-14)
        fraction = nats / entropy(np.bincount(y), normalize=True)
        assert_allclose(cross_entropy_classif(X, y, normalize=True, base=2)[0], fraction, rtol=1e-14)

    # Some versions of scikit-learn take the bins of numbers for a target.
    @pytest.mark.filterwarnings("ignore:The number of unique classes is greater than 50%")
    def test_plugin_is_the_mutual_information_of_the_table(self, mixed_data):
        X, y = mixed_data(np.random.default_rng(0))
        everything = np.ones(X.shape[1], dtype=bool)
        scores, _ = cross_entropy_classif(X, y, score_func="plugin", categorical_features=everything)
        for score, column in zip(scores, X.T, strict=True):
            codes = np.unique(column, return_inverse=True)[1]
            assert score == pytest.approx(mutual_info_score(codes, y), abs=1e-12)

    def test_miller_madow_corrects_each_entropy(self, mixed_data):
        X, y = mixed_data(np.random.default_rng(0))
        everything = np.ones(X.shape[1], dtype=bool)
        scores, _ = cross_entropy_classif(X, y, score_func="miller_madow", categorical_features=everything)

        def corrected(codes):
            counts = np.unique(codes, return_counts=True)[1]
            return entropy(counts, normalize=True) + (len(counts) - 1) / (2 * len(codes))

        for score, column in zip(scores, X.T, strict=True):
            codes = np.unique(column, return_inverse=True)[1]
            expected = corrected(codes) + corrected(y) - corrected(codes * 10 + y)
            assert score == pytest.approx(expected, abs=1e-12)

    def test_an_estimator_of_ones_own(self, literal_bins, mixed_data):
        X, y = mixed_data(np.random.default_rng(0))
        scores, _ = cross_entropy_classif(X, y, n_bins=6, score_func=lambda table: table.bin_totals[table.bin])
        codes, n = literal_bins(X[:, 0], 6), len(y)
        assert scores[0] == pytest.approx(np.sum(np.bincount(codes) ** 2) / n)


class TestRegistry:
    """A score that a user writes is known by its name everywhere; the old name of the parameter warns."""

    @pytest.fixture
    def occupied(self):
        scores.register("occupied")(occupied)
        yield "occupied"
        del SCORES._parts["occupied"]

    def test_registered_score_is_accepted_by_name(self, occupied):
        X, y = load_iris(return_X_y=True)
        expected = cross_entropy_classif(X, y, score_func=SCORES[occupied])
        assert_array_equal(cross_entropy_classif(X, y, score_func=occupied), expected)
        assert_array_equal(CrossEntropySelector(score_func=occupied).fit(X, y).scores_, expected[0])
        assert_array_equal(cross_entropy_regression(X, y, score_func=occupied)[0], expected[0])

    def test_a_pickled_selector_brings_its_score(self, occupied):
        selector = CrossEntropySelector(score_func=occupied)
        pickled = pickle.dumps(selector)
        del SCORES._parts[occupied]
        restored = pickle.loads(pickled)
        assert restored.get_params()["score_func"] == occupied
        X, y = load_iris(return_X_y=True)
        assert restored.fit(X, y).scores_.shape == (4,)

    @pytest.mark.parametrize("score", [mutual_info_classif, f_classif, lambda X, y: X, lambda: 1])
    def test_a_score_function_of_scikit_learn_is_refused(self, score):
        X, y = load_iris(return_X_y=True)
        for fit in (partial(cross_entropy_classif, score_func=score), CrossEntropySelector(score_func=score).fit):
            with pytest.raises(TypeError, match=rf"score_func={score.__name__} must take one .*SelectKBest\("):
                fit(X, y)

    def test_a_score_may_have_optional_arguments(self):
        X, y = load_iris(return_X_y=True)
        expected = cross_entropy_classif(X, y, score_func="plugin")[0]
        for score in (partial(plugin), lambda table, scale=1.0: scale * plugin(table)):
            assert_array_equal(cross_entropy_classif(X, y, score_func=score)[0], expected)


def occupied(table):
    """Share of the class that is in the cell."""
    return table.count / table.class_totals[table.label]
