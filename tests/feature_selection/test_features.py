"""Counting: what must not change the result does not change a bit of it; containers; memory."""

import copy
import datetime as dt
import math
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skxent.feature_selection import (
    BinEncoder,
    CrossEntropySelector,
    cross_entropy_classif,
)
from skxent.feature_selection._containers import read_data
from skxent.feature_selection._count_table import Entries, count_by_value, count_entries, spans_few
from skxent.feature_selection._features import read_features
from skxent.feature_selection._target import read_target

MIXED_CATEGORICAL = [4, 5, 8]


class TestInvariance:
    """What must not change the result does not change a bit of it."""

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    def test_row_order_and_threads(self, weighted, container, mixed_data, assert_same):
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

    def test_weight_two_is_the_row_twice(self, mixed_data, assert_same):
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

    def test_class_that_only_empty_rows_have(self, mixed_data, assert_same):
        X, y = mixed_data(np.random.default_rng(0))
        for data in (X, sp.csc_array(X)):
            selector = CrossEntropySelector().fit(data, y, (y != 1).astype(float))
            assert_array_equal(selector.classes_, [0, 2])
            assert_same(selector, CrossEntropySelector().fit(X[y != 1], y[y != 1]))

    @settings(max_examples=60)
    @given(seed=st.integers(0, 10**6), n=st.integers(6, 80), density=st.floats(0, 1))
    def test_sparse_equals_dense(self, seed, n, density, assert_same):
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
        monkeypatch.setattr("skxent.feature_selection._features.ENTRIES_PER_BLOCK", 100)
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
    def test_temporaries_are_less_than_three_columns(self, dtype):
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
        assert peak < 2.7 * X[:, 0].nbytes


class TestContainers:
    """Data frames, objects, dates."""

    def test_pandas_polars_and_objects_agree(self, frames, assert_same):
        pandas, polars, y = frames()
        expected = CrossEntropySelector().fit(pandas, y)
        assert_same(CrossEntropySelector().fit(polars, y), expected)
        objects = pandas[["city", "age", "flag"]].to_numpy(dtype=object)
        assert_array_equal(cross_entropy_classif(objects, y)[0], expected.scores_[[0, 2, 4]])
        assert_array_equal(expected.scores_[0], expected.scores_[1])
        assert_array_equal(expected.n_bins_[[0, 1, 2, 4, 5, 6]], [4, 4, 7, 2, 7, 5])
        assert np.all(expected.scores_[:6] > 0.09)
        assert expected.scores_[6] < 0

    @pytest.mark.parametrize(
        "missing", [None, math.nan, np.float32("nan"), np.datetime64("NaT", "s"), pd.NaT, pd.NA], ids=repr
    )
    def test_missing_objects_of_any_kind(self, missing, assert_same):
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

    def test_numbers_beside_text_in_lists_are_numbers(self, assert_same):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 200)
        rows = [[x, word] for x, word in zip(rng.normal(size=200) + y, np.array(["no", "yes"])[y], strict=True)]
        assert_same(CrossEntropySelector().fit(rows, y), CrossEntropySelector().fit(pd.DataFrame(rows), y))

    def test_names_and_output(self, frames):
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

    def test_categorical_features_by_name_mask_and_position(self, frames):
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
    def test_labels_of_any_type(self, relabel, mixed_data):
        X, y = mixed_data(np.random.default_rng(0))
        assert_array_equal(cross_entropy_classif(X, relabel(y)), cross_entropy_classif(X, y))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8, np.uint8, np.int64, bool, np.longdouble])
    def test_dtypes(self, dtype):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 300)
        X = ((rng.random((300, 2)) < 0.3) ^ y[:, None].astype(bool)).astype(dtype)
        assert_array_equal(cross_entropy_classif(X, y), cross_entropy_classif(X.astype(float), y))

    @pytest.mark.parametrize(
        "make",
        [
            lambda days: [dt.date(2020, 1, 1) + dt.timedelta(day) for day in days],
            lambda days: [dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(day) for day in days],
            lambda days: [pd.Timestamp("2020-01-01") + pd.Timedelta(day, "D") for day in days],
            lambda days: [dt.timedelta(day) for day in days],
            lambda days: [dt.time(day // 60, day % 60) for day in days],
            lambda days: [np.datetime64("2020-01-01") + np.timedelta64(day, "D") for day in days],
        ],
    )
    def test_dates_and_times_have_an_order(self, make):
        rng = np.random.default_rng(0)
        y, days = rng.integers(0, 2, 200), rng.integers(0, 300, 200).tolist()
        objects = np.empty((200, 1), dtype=object)
        objects[:, 0] = make(days)
        objects[:7, 0] = None
        expected = cross_entropy_classif(np.where(np.arange(200) < 7, np.nan, days)[:, None], y)
        assert_array_equal(cross_entropy_classif(objects, y), expected)
        if not isinstance(objects[-1, 0], np.datetime64):
            assert_array_equal(cross_entropy_classif(pl.DataFrame({"a": objects[:, 0].tolist()}), y), expected)

    def test_units_of_dates_do_not_matter(self):
        days = np.arange(200).astype("M8[D]")[:, None]
        encoder = BinEncoder(encode="index").fit(days, np.arange(200) > 120)
        for unit in ("s", "ms", "ns"):
            assert_array_equal(encoder.transform(days.astype(f"M8[{unit}]")), encoder.transform(days))

    def test_infinite_values_are_the_ends_of_the_order(self):
        x = np.linspace(0, 1, 100)
        ends = np.where(x < 0.1, -np.inf, np.where(x > 0.9, np.inf, x))
        plain = np.where(x < 0.1, -9, np.where(x > 0.9, 9, x))
        assert_array_equal(
            cross_entropy_classif(ends[:, None], x > 0.5), cross_entropy_classif(plain[:, None], x > 0.5)
        )

    @pytest.mark.parametrize("dtype", [np.float32, np.int64])
    def test_masked_entries_are_missing(self, dtype):
        rng = np.random.default_rng(0)
        y, gap = rng.integers(0, 2, 200), rng.random((200, 1)) < 0.3
        X = (10 * rng.normal(size=(200, 1)) + y[:, None]).astype(dtype)
        expected = cross_entropy_classif(np.where(gap, np.nan, X.astype(float)), y)
        assert_array_equal(cross_entropy_classif(np.ma.masked_array(X, gap), y), expected)

    def test_lazy_frames_are_not_computed_silently(self):
        with pytest.raises(TypeError, match=r"pass X\.collect"):
            read_data(pl.DataFrame({"a": range(10)}).lazy())

    @pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double holds no 64-bit integers here")
    @pytest.mark.parametrize("declared", ["from_dtype", [0]])
    def test_identifiers_beyond_float64_are_exact(self, declared):
        y = np.random.default_rng(0).integers(0, 2, 200)
        identifiers = (2**60 + np.arange(200) % 4 // 2 + 2 * y).tolist()
        identifiers[7] = None
        small = pd.DataFrame({"a": [None if i is None else i - 2**60 for i in identifiers]})
        expected = cross_entropy_classif(small, y, categorical_features=declared)
        for data in (
            pd.DataFrame({"a": pd.array(identifiers, dtype="Int64")}),
            pl.DataFrame({"a": pl.Series(identifiers, dtype=pl.Int64)}),
            pl.DataFrame({"a": pl.Series(identifiers, dtype=pl.UInt64)}),
            pl.DataFrame({"a": pl.Series(identifiers, dtype=pl.Int128)}),
            pl.DataFrame({"a": pl.Series(identifiers).cast(pl.Decimal(30, 0))}),
            np.array(identifiers, dtype=object)[:, None],
        ):
            assert_array_equal(cross_entropy_classif(data, y, categorical_features=declared), expected)
        assert expected[0] > 0.5

    @pytest.mark.parametrize("dtype", [pl.Int128, pl.UInt128, pl.Decimal(38, 0)])
    def test_digits_that_no_number_has_are_not_lost_silently(self, dtype):
        y = np.arange(20) % 2
        for data in (
            pl.DataFrame({"id": pl.Series((2**100 + y.astype(object)).tolist(), dtype=dtype)}),
            pl.DataFrame({"id": pl.Series([None, *(2**100 + y[1:].astype(object))], dtype=dtype)}),
        ):
            with pytest.raises(ValueError, match=r"'id' holds numbers that differ only in digits .* 12676506002282294"):
                cross_entropy_classif(data, y)
            with pytest.raises(ValueError, match=r"'id' holds numbers that differ only"):
                cross_entropy_classif(data, y, categorical_features=[0])

    @pytest.mark.parametrize(
        "make",
        [
            lambda values: pd.DataFrame({"a": values}),
            lambda values: pd.DataFrame({"a": pd.Categorical(values, categories=["never", *"zyxcba"])}),
            lambda values: pl.DataFrame({"a": values}),
            lambda values: pl.DataFrame({"a": pl.Series(values, dtype=pl.Categorical)}),
            lambda values: pl.DataFrame({"a": pl.Series(values, dtype=pl.Enum(["never", *"zyxcba"]))}),
        ],
    )
    @pytest.mark.parametrize("with_missing", [False, True])
    def test_codes_of_categories_change_nothing(self, make, with_missing):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 3, 200)
        values = [letter if with_missing or letter else "c" for letter in rng.choice(["a", "b", "x", "z", None], 200)]
        expected = CrossEntropySelector().fit(np.array(values, dtype=object)[:, None], y)
        fitted = CrossEntropySelector().fit(make(values), y)
        for attribute in ("scores_", "pvalues_", "n_bins_", "bin_edges_"):
            assert_array_equal(getattr(fitted, attribute), getattr(expected, attribute))

    @pytest.mark.parametrize("categories", [[3, 1, 2], [True, False], [1.5, -2.0], [("a", 1), ("b", 2)]])
    def test_categories_that_are_no_text_keep_their_values(self, categories):
        rng = np.random.default_rng(0)
        y, codes = rng.integers(0, 2, 100), rng.integers(-1, len(categories), 100)
        column = pd.Categorical.from_codes(codes, pd.Index(categories, tupleize_cols=False))
        objects = np.empty((100, 1), dtype=object)
        objects[:, 0] = [None if code < 0 else categories[code] for code in codes]
        fitted = CrossEntropySelector().fit(pd.DataFrame({"a": column}), y)
        expected = CrossEntropySelector(categorical_features=[0]).fit(objects, y)
        assert_array_equal(fitted.scores_, expected.scores_)
        assert_array_equal(fitted.bin_edges_[0], expected.bin_edges_[0])

    def test_text_of_any_characters_is_counted(self):
        y = np.arange(20) % 2
        texts = np.array(["\ud800" if label else "\U0001f600" for label in y], dtype=object)
        numbers = np.where(texts == "\ud800", 1, 0)
        texts[3], numbers[3] = "a\0", 2
        texts[4], numbers[4] = "a", 3
        expected = cross_entropy_classif(numbers[:, None], y, categorical_features=[0])
        assert_array_equal(cross_entropy_classif(texts[:, None], y), expected)

    @given(
        st.integers(0, 2**32 - 1), st.sampled_from([np.int8, np.uint8, np.int16, np.int64, np.uint64]), st.booleans()
    )
    @settings(max_examples=40, deadline=None)
    def test_counting_by_value_equals_sorting(self, seed, dtype, categorical):
        rng = np.random.default_rng(seed)
        ends = np.iinfo(dtype)
        least = [ends.min, 0, ends.max - 99, ends.max - 99][rng.integers(4)]
        steps = rng.integers(0, rng.integers(2, 100), 120)
        values = np.array([int(least) + int(step) for step in steps], dtype=dtype)
        target = read_target(rng.integers(0, 3, 120) % 3, None, 120)
        assert spans_few(values, target) or steps.max() - steps.min() > 100
        table = count_by_value(values, target, 5, categorical)
        entries = Entries(np.zeros(120, dtype=np.intp), values, target.codes, np.ones(120))
        expected = count_entries(entries, target, 5, np.array([categorical]))
        for name in ("bin", "label", "count", "feature_of_bin", "ordered"):
            assert_array_equal(getattr(table, name), getattr(expected, name))
        assert_array_equal(table.edges[0], expected.edges[0])
        assert table.edges[0].dtype == values.dtype
