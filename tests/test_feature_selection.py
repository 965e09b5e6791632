"""Feature selection: closed forms against brute force, invariances, noise, containers, messages."""

import copy
import itertools
import math
import sys
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn import config_context
from sklearn.datasets import load_iris
from sklearn.feature_selection import SelectFdr, SelectKBest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, mutual_info_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import skxent
from skxent.feature_selection import (
    CrossEntropySelector,
    cross_entropy_classif,
    cross_entropy_regression,
    distribution_shift,
    permutation_cross_entropy,
)
from skxent.feature_selection.binning import auto_bins, edges_of_rows
from skxent.feature_selection.columns import read_features
from skxent.feature_selection.estimators import ESTIMATORS
from skxent.feature_selection.significance import null_moments
from skxent.feature_selection.target import read_target
from skxent.information import entropy, jensen_shannon


def literal_bins(x, n_bins):
    """Follow the rule of `binning` as its docstring says it; -1 for missing values."""
    x = np.asarray(x, dtype=float)
    present = np.sort(x[~np.isnan(x)])
    n, bins, current, reached = len(present), {}, -1, None
    for value in np.unique(present):
        below, here = np.sum(present < value), np.sum(present == value)
        multiple = n_bins * below // n
        if multiple != reached or here * n_bins > n:
            current += 1
        bins[value], reached = current, multiple
    return np.array([-1 if np.isnan(value) else bins[value] for value in x])


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


def mixed_data(rng, n=200, n_classes=3):
    """Columns of many kinds, as float, the last of them categories."""
    y = rng.integers(0, n_classes, n)
    X = np.column_stack(
        [
            rng.normal(size=n) + y,
            np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            np.where(rng.random(n) < 0.7, 0.0, rng.normal(size=n)),
            rng.integers(0, 4, n),
            rng.integers(0, 60, n),
            y ^ (rng.random(n) < 0.2),
            np.full(n, 3.0),
            np.full(n, np.nan),
            rng.permutation(n),
        ]
    )
    return X, y


MIXED_CATEGORICAL = [4, 5, 8]


class TestScore:
    """The score is what its docstring says."""

    @pytest.mark.parametrize("n_classes", [2, 5])
    @pytest.mark.parametrize("seed", range(3))
    def test_equals_brute_force_leave_one_out(self, seed, n_classes):
        X, y = mixed_data(np.random.default_rng(seed), n=150, n_classes=n_classes)
        y[0] = n_classes  # a class with a single row
        selector = CrossEntropySelector(categorical_features=MIXED_CATEGORICAL).fit(X, y)
        for at, column in enumerate(X.T):
            bins = column if at in MIXED_CATEGORICAL else literal_bins(column, auto_bins(len(y)))
            gains = brute_force(np.nan_to_num(bins, nan=-1), y)
            assert selector.scores_[at] == pytest.approx(gains.mean(), abs=1e-12)
            assert selector.scores_std_[at] == pytest.approx(gains.std() / np.sqrt(len(y)), abs=1e-12)
            for k, label in enumerate(selector.classes_):
                assert selector.class_scores_[at, k] == pytest.approx(gains[y == label].mean(), abs=1e-12)

    def test_class_scores_average_to_the_score(self):
        X, y = mixed_data(np.random.default_rng(0))
        selector = CrossEntropySelector().fit(X, y)
        assert_allclose(selector.class_scores_ @ (np.bincount(y) / len(y)), selector.scores_, atol=1e-15)

    @pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
    @pytest.mark.parametrize("weighted", [False, True])
    def test_constant_and_unique_columns_score_nothing(self, estimator, weighted):
        rng = np.random.default_rng(0)
        n = 57
        y = (rng.random(n) < 0.1).astype(int) + (rng.random(n) < 0.5)
        X = np.column_stack([np.ones(n), np.full(n, np.nan), rng.permutation(n)])
        weight = rng.random(n) * 3 if weighted else None
        columns = slice(0, 2 if weighted or estimator != "loo" else 3)
        options = {"categorical_features": [2], "estimator": estimator, "sample_weight": weight}
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
            assert pvalues[0] == 0.0
        scores, _ = cross_entropy_classif(y[:, None], y, normalize=True)
        assert scores[0] == pytest.approx(1.0, rel=2e-3)

    def test_base_and_normalize_only_change_the_unit(self):
        X, y = mixed_data(np.random.default_rng(0))
        nats, _ = cross_entropy_classif(X, y)
        assert_allclose(cross_entropy_classif(X, y, base=2)[0], nats / np.log(2), rtol=1e-14)
        fraction = nats / entropy(np.bincount(y), normalize=True)
        assert_allclose(cross_entropy_classif(X, y, normalize=True, base=2)[0], fraction, rtol=1e-14)

    def test_plugin_is_the_mutual_information_of_the_table(self):
        X, y = mixed_data(np.random.default_rng(0))
        everything = np.ones(X.shape[1], dtype=bool)
        scores, _ = cross_entropy_classif(X, y, estimator="plugin", categorical_features=everything)
        for score, column in zip(scores, X.T, strict=True):
            codes = np.unique(column, return_inverse=True)[1]
            assert score == pytest.approx(mutual_info_score(codes, y), abs=1e-12)

    def test_miller_madow_corrects_each_entropy(self):
        X, y = mixed_data(np.random.default_rng(0))
        everything = np.ones(X.shape[1], dtype=bool)
        scores, _ = cross_entropy_classif(X, y, estimator="miller_madow", categorical_features=everything)

        def corrected(codes):
            counts = np.unique(codes, return_counts=True)[1]
            return entropy(counts, normalize=True) + (len(counts) - 1) / (2 * len(codes))

        for score, column in zip(scores, X.T, strict=True):
            codes = np.unique(column, return_inverse=True)[1]
            expected = corrected(codes) + corrected(y) - corrected(codes * 10 + y)
            assert score == pytest.approx(expected, abs=1e-12)

    def test_an_estimator_of_ones_own(self):
        X, y = mixed_data(np.random.default_rng(0))
        scores, _ = cross_entropy_classif(X, y, estimator=lambda table: table.bin_totals[table.bin])
        codes, n = literal_bins(X[:, 0], auto_bins(len(y))), len(y)
        assert scores[0] == pytest.approx(np.sum(np.bincount(codes) ** 2) / n)


class TestBins:
    """The two implementations of the rule, and the rule as its docstring says it."""

    @settings(max_examples=200)
    @given(
        values=st.lists(st.one_of(st.integers(-3, 3), st.floats(-5, 5), st.just(math.nan)), min_size=4, max_size=60),
        n_bins=st.integers(2, 20),
    )
    def test_rule(self, values, n_bins):
        x = np.array(values, dtype=float)
        y = np.arange(len(x)) % 2
        expected = literal_bins(x, n_bins)
        edges = edges_of_rows(x, n_bins)
        codes = np.where(np.isnan(x), -1, np.searchsorted(edges, x))
        assert_array_equal(codes, expected)
        by_sorting = CrossEntropySelector(n_bins=n_bins).fit(x[:, None], y)
        by_entries = CrossEntropySelector(n_bins=n_bins).fit(x[:, None], y, np.ones(len(x)))
        for selector in (by_sorting, by_entries):
            assert_array_equal(selector.bin_edges_[0], edges)
            assert selector.n_bins_[0] == len(np.unique(expected))

    def test_continuous_values_fill_bins_evenly(self):
        x = np.random.default_rng(0).normal(size=60_000)
        edges = edges_of_rows(x, auto_bins(60_000))
        assert set(np.bincount(np.searchsorted(edges, x))) == {1500}

    def test_heavy_value_is_alone(self):
        x = np.concatenate([np.zeros(700), np.linspace(-1, -0.1, 150), np.linspace(0.1, 1, 150)])
        edges = edges_of_rows(x, 10)
        assert_array_equal(edges[(edges >= -0.1) & (edges <= 0)], [-0.1, 0.0])


RESULTS = ("scores_", "scores_std_", "pvalues_", "class_scores_", "n_bins_", "target_entropy_")


def assert_same(first, second):
    """Fitted selectors agree to the last bit."""
    for name in RESULTS:
        assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


class TestInvariance:
    """What must not change the result does not change a bit of it."""

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    def test_row_order_and_threads(self, weighted, container):
        rng = np.random.default_rng(0)
        X, y = mixed_data(rng, n=500)
        X = np.tile(X, 5)
        weight = rng.random(500) * 3 if weighted else None
        declared = np.tile(np.isin(np.arange(9), MIXED_CATEGORICAL), 5)
        order = rng.permutation(500)
        first = CrossEntropySelector(categorical_features=declared).fit(container(X), y, weight)
        moved = CrossEntropySelector(categorical_features=declared, n_jobs=3)
        moved.fit(container(X[order]), y[order], weight[order] if weighted else None)
        assert_same(first, moved)

    @pytest.mark.parametrize("increasing", [np.exp, np.cbrt, lambda x: 5 * x**3 - 7, np.float32])
    def test_strictly_increasing_maps(self, increasing):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 3, 1000)
        X = (rng.normal(size=(1000, 3)) + y[:, None] / 2).round(3)
        for weight in (None, rng.random(1000) * 2):
            assert_array_equal(
                cross_entropy_classif(increasing(X), y, sample_weight=weight),
                cross_entropy_classif(X, y, sample_weight=weight),
            )

    def test_weight_two_is_the_row_twice(self):
        rng = np.random.default_rng(0)
        X, y = mixed_data(rng)
        weight = rng.integers(0, 4, len(y))
        rows = np.repeat(np.arange(len(y)), weight)
        text = pd.DataFrame(X).assign(text=[f"level {value}" for value in X[:, 4]])
        text.columns = text.columns.astype(str)
        for data, repeated, declared in (
            (X, X[rows], MIXED_CATEGORICAL),
            (sp.csc_array(X), sp.csc_array(X[rows]), MIXED_CATEGORICAL),
            (text, text.iloc[rows], "from_dtype"),
        ):
            weighted = CrossEntropySelector(categorical_features=declared).fit(data, y, weight)
            assert_same(weighted, CrossEntropySelector(categorical_features=declared).fit(repeated, y[rows]))

    def test_class_that_only_empty_rows_have(self):
        X, y = mixed_data(np.random.default_rng(0))
        for data in (X, sp.csc_array(X)):
            selector = CrossEntropySelector().fit(data, y, (y != 1).astype(float))
            assert_array_equal(selector.classes_, [0, 2])
            assert_same(selector, CrossEntropySelector().fit(X[y != 1], y[y != 1]))

    @settings(max_examples=60)
    @given(seed=st.integers(0, 10**6), n=st.integers(6, 80), density=st.floats(0, 1))
    def test_sparse_equals_dense(self, seed, n, density):
        rng = np.random.default_rng(seed)
        X = np.where(rng.random((n, 6)) < density, rng.integers(-2, 4, (n, 6)), 0.0)
        X[rng.random((n, 6)) < 0.05] = np.nan
        y = np.append(rng.integers(0, 3, n - 2), [0, 1])
        weight = rng.integers(1, 3, n) if seed % 2 else None
        dense = CrossEntropySelector(categorical_features=[0, 1]).fit(X, y, weight)
        sparse = CrossEntropySelector(categorical_features=[0, 1]).fit(sp.csr_array(X), y, weight)
        assert_same(dense, sparse)
        for dense_edges, sparse_edges in zip(dense.bin_edges_, sparse.bin_edges_, strict=True):
            assert_array_equal(dense_edges, sparse_edges)

    def test_sparse_blocks_do_not_matter(self, monkeypatch):
        rng = np.random.default_rng(0)
        X = sp.random_array((200, 50), density=0.2, rng=rng, format="coo")
        y = rng.integers(0, 3, 200)
        at_once = cross_entropy_classif(X, y)
        monkeypatch.setattr("skxent.feature_selection.columns.ENTRIES_PER_BLOCK", 100)
        assert len(read_features(X).blocks(3)) > 10
        assert_array_equal(cross_entropy_classif(X, y, n_jobs=2), at_once)

    def test_duplicate_sparse_entries_are_added_in_a_copy(self):
        half = sp.csc_array((np.ones(20), np.tile(np.arange(10), 2), [0, 20]), shape=(10, 1))
        assert not half.has_canonical_format
        scores, _ = cross_entropy_classif(half, np.arange(10) % 2)
        assert_array_equal(scores, 0.0)  # a column of twos
        assert half.nnz == 20

    def test_sparse_is_never_written_out(self):
        X = sp.random_array((20_000, 50_000), density=1e-4, rng=np.random.default_rng(0), format="csc")
        y = np.arange(20_000) % 2
        tracemalloc.start()
        try:
            cross_entropy_classif(X, y)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 0.1 * 20_000 * 50_000

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
    def test_temporaries_are_less_than_two_columns(self, dtype):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 100_000)
        target = read_target(y, None, len(y))
        X = (100 * rng.normal(size=(100_000, 20))).astype(dtype)
        features = read_features(X)
        features.count(slice(0, 1), target, 37)  # what belongs to the target is made once
        tracemalloc.start()
        try:
            for block in features.blocks(2):
                features.count(block, target, 37)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 1.6 * X[:, 0].nbytes


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
        scores = CrossEntropySelector().fit(X, y).scores_

        def kept(**options):
            return CrossEntropySelector(**options).fit(X, y).get_support(indices=True).tolist()

        assert kept(threshold=-np.inf) == list(range(10))
        assert kept(k=1) == [3]  # 4 is its twin and comes second
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


def frames():
    """Make the same data as pandas and as polars."""
    rng = np.random.default_rng(0)
    n = 400
    y = rng.choice(["no", "yes", "maybe"], n)
    city = np.where(y == "yes", rng.choice(["A", "B"], n), rng.choice(["B", "C"], n)).astype(object)
    city[:30] = None
    age = rng.normal(size=n) + (y == "no")
    age[50:80] = np.nan
    visits = [None if np.isnan(value) else round(3 * value) for value in age]
    flag = (y == "maybe") ^ (rng.random(n) < 0.2)
    day = np.datetime64("2024-01-01") + np.where(y == "yes", 10, 0) + rng.integers(0, 20, n)
    day[80:90] = np.datetime64("NaT")
    level = rng.integers(0, 5, n)
    pandas = pd.DataFrame(
        {
            "city": city,
            "kind": pd.Categorical(city),
            "age": age,
            "visits": pd.array(visits, dtype="Int64"),
            "flag": flag,
            "day": day,
            "level": pd.Categorical(level),
        }
    )
    polars = pl.DataFrame(
        {
            "city": city.tolist(),
            "kind": pl.Series(city.tolist(), dtype=pl.Categorical),
            "age": pl.Series(age).fill_nan(None),
            "visits": visits,
            "flag": flag,
            "day": pl.Series(day),
            "level": pl.Series(level.astype(str), dtype=pl.Enum(list("01234"))),
        }
    )
    return pandas, polars, y


class TestContainers:
    """Data frames, objects, dates."""

    def test_pandas_polars_and_objects_agree(self):
        pandas, polars, y = frames()
        expected = CrossEntropySelector().fit(pandas, y)
        assert_same(CrossEntropySelector().fit(polars, y), expected)
        objects = pandas[["city", "age", "flag"]].to_numpy(dtype=object)
        assert_array_equal(cross_entropy_classif(objects, y)[0], expected.scores_[[0, 2, 4]])
        assert_array_equal(expected.scores_[0], expected.scores_[1])
        assert_array_equal(expected.n_bins_[[0, 1, 2, 4, 5, 6]], [4, 4, 9, 2, 9, 5])
        assert np.all(expected.scores_[:6] > 0.09)
        assert expected.scores_[6] < 0

    @pytest.mark.parametrize(
        "missing", [None, math.nan, np.float32("nan"), np.datetime64("NaT"), pd.NaT, pd.NA], ids=repr
    )
    def test_missing_objects_of_any_kind(self, missing):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 200)
        gap = rng.random(200) < 0.3
        numbers, text = (rng.normal(size=200) + y).round(1), rng.choice(["a", "b"], 200)
        objects = np.empty((200, 2), dtype=object)
        for row in range(200):  # as many objects as rows: a NaN is not even identical to another one
            objects[row] = [copy.copy(missing)] * 2 if gap[row] else [numbers[row], text[row]]
        expected = pd.DataFrame({"number": np.where(gap, np.nan, numbers), "text": np.where(gap, None, text)})
        selector = CrossEntropySelector().fit(objects, y)
        assert_same(selector, CrossEntropySelector().fit(expected, y))
        assert_array_equal(selector.bin_edges_[1], [0, 1, 2])  # "a", "b" and what is missing

    def test_numbers_beside_text_in_lists_are_numbers(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 200)
        rows = [[x, word] for x, word in zip(rng.normal(size=200) + y, np.array(["no", "yes"])[y], strict=True)]
        assert_same(CrossEntropySelector().fit(rows, y), CrossEntropySelector().fit(pd.DataFrame(rows), y))

    def test_names_and_output(self):
        pandas, polars, y = frames()
        for X, output in ((pandas, "pandas"), (polars, "polars")):
            selector = CrossEntropySelector(k=3).set_output(transform=output)
            result = selector.fit_transform(X, y)
            assert list(selector.get_feature_names_out()) == ["city", "kind", "day"]
            assert isinstance(result, type(X))
            assert list(result.dtypes) == list(X[["city", "kind", "day"]].dtypes)
        with pytest.raises(ValueError, match="feature names should match"):
            selector.transform(polars[:, ::-1])
        with pytest.warns(UserWarning, match="No features were selected"):
            CrossEntropySelector(threshold=9).set_output(transform="polars").fit_transform(polars, y)

    def test_categorical_features_by_name_mask_and_position(self):
        pandas, _, y = frames()
        numbers = pandas[["visits", "age"]]
        expected = CrossEntropySelector(categorical_features=["visits"]).fit(numbers, y).n_bins_
        assert expected[0] == pandas["visits"].nunique(dropna=False)
        for declared in ([0], [True, False], np.array([-2]), ("visits",)):
            selector = CrossEntropySelector(categorical_features=declared).fit(numbers, y)
            assert_array_equal(selector.n_bins_, expected)
        assert CrossEntropySelector(categorical_features=[]).fit(numbers, y).n_bins_[0] < expected[0]

    @pytest.mark.parametrize(
        "relabel",
        [
            lambda y: np.array(["b", "c", "d"])[y],
            lambda y: pd.Series(y, dtype="category"),
            pl.Series,
            lambda y: (y - 7).tolist(),
            lambda y: y * 1.0,
        ],
    )
    def test_labels_of_any_type(self, relabel):
        X, y = mixed_data(np.random.default_rng(0))
        assert_array_equal(cross_entropy_classif(X, relabel(y)), cross_entropy_classif(X, y))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8, np.uint8, np.int64, bool, np.longdouble])
    def test_dtypes(self, dtype):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 300)
        X = ((rng.random((300, 2)) < 0.3) ^ y[:, None].astype(bool)).astype(dtype)
        assert_array_equal(cross_entropy_classif(X, y), cross_entropy_classif(X.astype(float), y))

    def test_infinite_values_are_the_ends_of_the_order(self):
        x = np.linspace(0, 1, 100)
        ends = np.where(x < 0.1, -np.inf, np.where(x > 0.9, np.inf, x))
        plain = np.where(x < 0.1, -9, np.where(x > 0.9, 9, x))
        assert_array_equal(
            cross_entropy_classif(ends[:, None], x > 0.5), cross_entropy_classif(plain[:, None], x > 0.5)
        )


class TestRegression:
    """Continuous targets."""

    def test_quantile_classes(self):
        X = np.random.default_rng(0).normal(size=(1000, 3))
        y = X[:, 0] ** 2
        scores, pvalues = cross_entropy_regression(X, y)
        assert scores[0] > 1
        assert np.all(scores[1:] < 0)
        assert pvalues[0] < 1e-100
        deciles = np.searchsorted(np.sort(y), y) // 100
        assert_array_equal((scores, pvalues), cross_entropy_classif(X, deciles))

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
        with pytest.raises(ValueError, match=r"X has shape \(150,\) where"):
            permutation_cross_entropy(model, X[:, 0], y)

    def test_unknown_column(self, iris):
        with pytest.raises(ValueError, match=r"Group 'mine' has columns \[7, 'height'\]"):
            permutation_cross_entropy(*iris, groups={"mine": [0, 7, "height"]})


class TestShift:
    """Reference against new data."""

    def test_table(self):
        rng = np.random.default_rng(0)
        reference = pd.DataFrame({"same": rng.normal(size=800), "city": rng.choice(["A", "B"], 800)})
        new = pd.DataFrame({"city": rng.choice(["A", "B", "C"], 600), "same": rng.normal(size=600)})
        table = distribution_shift(reference, new, base=2)
        assert table.index.tolist() == ["same", "city"]
        assert table.columns.tolist() == ["js", "p_value", "p_adjusted", "n_bins"]
        levels = [[np.sum(frame["city"] == city) for city in "ABC"] for frame in (reference, new)]
        assert table.loc["city", "js"] == pytest.approx(jensen_shannon(*levels, base=2, normalize=True))
        assert table.loc["city", "p_value"] < 1e-20
        assert table.loc["same", "p_value"] > 0.05
        assert_allclose(table["p_adjusted"], stats.false_discovery_control(table["p_value"]))
        polars = [pl.from_dict(frame.to_dict("list")) for frame in (reference, new)]
        pd.testing.assert_frame_equal(distribution_shift(*polars, base=2, n_jobs=2), table)

    @pytest.mark.parametrize("base", [None, 2])
    def test_metrics(self, base):
        reference, new = np.repeat([0, 1, 2], [50, 30, 20]), np.repeat([0, 1, 3], [10, 30, 40])
        r = (np.array([50, 30, 20, 0]) + 0.5) / 102
        p = (np.array([10, 30, 0, 40]) + 0.5) / 82
        expected = {
            "kl": np.sum(p * np.log(p / r)),
            "psi": np.sum((p - r) * np.log(p / r)),
            "cross_entropy": -np.sum(p * np.log(r)),
        }
        for metric, value in expected.items():
            table = distribution_shift(
                reference[:, None], new[:, None], metric=metric, categorical_features=[0], base=base
            )
            assert table[metric].item() == pytest.approx(value / np.log(base or np.e))

    @pytest.mark.parametrize("metric", ["js", "psi"])
    def test_sparse_equals_dense(self, metric):
        rng = np.random.default_rng(0)
        data = rng.poisson(0.3, (200, 5)), rng.poisson([0.3, 0.3, 0.6, 0.3, 3], (300, 5))
        sparse = map(sp.csr_array, data)
        pd.testing.assert_frame_equal(
            distribution_shift(*data, metric=metric), distribution_shift(*sparse, metric=metric)
        )

    def test_no_drift_is_called_at_the_rate_it_should(self):
        rng = np.random.default_rng(0)
        reference, new = rng.normal(size=(100, 2000)), rng.normal(size=(100, 2000))
        table = distribution_shift(reference, new, metric="psi", n_bins=10)
        assert 0.035 < np.mean(table["p_value"] <= 0.05) < 0.065
        assert np.mean(table["psi"] > 0.1) > 0.5  # the customary limit cries wolf

    def test_different_columns_are_named(self):
        frame = pd.DataFrame({"a": range(5), "b": range(5)})
        with pytest.raises(ValueError, match=r"X_new lacks \['b'\], and X_reference lacks \['c', 'd'\]"):
            distribution_shift(frame, frame.rename(columns={"b": "c"}).assign(d=1))
        with pytest.raises(ValueError, match=r"X_new lacks \['x2'\], and X_reference lacks none"):
            distribution_shift(np.zeros((5, 3)), np.zeros((5, 2)))
        with pytest.raises(ValueError, match="Column 'b' holds numbers in one data set, text in the other"):
            distribution_shift(frame, frame.assign(b=list("abcde")))
        with pytest.raises(TypeError, match="is sparse, the other is not"):
            distribution_shift(np.zeros((5, 2)), sp.csr_array((5, 2)))

    @pytest.mark.parametrize("values", [list("ab") * 10, [1.5, 2.0] * 10, [True, False] * 10, "dates", "durations"])
    @pytest.mark.parametrize("missing", [None, math.nan, pd.NaT, pd.NA])
    def test_column_without_a_value_in_one_data_set(self, values, missing):
        if isinstance(values, str):
            days = np.datetime64("2024-01-01") + np.arange(20)
            values = days if values == "dates" else days - days[0]
        full = pd.DataFrame({"a": values})
        frames = full, pd.DataFrame({"a": [missing] * 20}), pd.DataFrame({"a": [None] * 20})
        n_bins = CrossEntropySelector().fit(pd.concat([full] * 2), np.arange(40) % 2).n_bins_[0]
        for reference, new in itertools.permutations(frames, 2):
            table = distribution_shift(reference, new, base=2)
            gone = full is not reference and full is not new
            assert table["n_bins"].item() == (1 if gone else n_bins + 1)
            assert table["js"].item() == pytest.approx(0 if gone else 1)

    def test_dates_are_no_numbers(self):
        days = np.datetime64("2024-01-01") + np.arange(20)
        with pytest.raises(ValueError, match="Column 'a' holds dates in one data set, numbers in the other"):
            distribution_shift(pd.DataFrame({"a": days}), pd.DataFrame({"a": range(20)}))
        with pytest.raises(ValueError, match="Column 'x0' holds durations in one data set, dates in the other"):
            distribution_shift((days - days[0])[:, None], days[:, None])

    def test_columns_are_matched_by_name_whatever_its_type(self):
        frame = pd.DataFrame({0: range(10), 1: np.arange(10) % 2})
        table = distribution_shift(frame, frame[[1, 0]], categorical_features=["1"])
        assert table.index.tolist() == ["0", "1"]
        assert_array_equal(table["js"], 0.0)

    def test_without_pandas(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(ImportError, match="pip install pandas"):
            distribution_shift(np.zeros((5, 3)), np.zeros((5, 3)))


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
            ([1.0, 0.0] * 5, r"y has a single class, \[0\]"),
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

    def test_all_missing_column_is_no_error(self):
        assert_array_equal(cross_entropy_classif(np.full((10, 1), np.nan), self.y), [[0.0], [1.0]])

    def test_parameters(self):
        with pytest.raises(ValueError, match="The 'estimator' parameter of CrossEntropySelector"):
            CrossEntropySelector(estimator="median").fit(self.X, self.y)
        with pytest.raises(ValueError, match="The 'n_bins' parameter of cross_entropy_classif"):
            cross_entropy_classif(self.X, self.y, n_bins=1)
        with pytest.raises(ValueError, match="The 'metric' parameter of distribution_shift"):
            distribution_shift(self.X, self.X, metric="emd")

    def test_public_names(self):
        assert skxent.CrossEntropySelector is CrossEntropySelector
        assert skxent.cross_entropy_classif is cross_entropy_classif
