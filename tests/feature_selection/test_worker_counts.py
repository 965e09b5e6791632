"""Counts made on the workers of Dask: the tables in memory, a fixed number of rounds, and counts alone travel."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytest.importorskip("distributed", reason="the extra dask is not installed")

import dask

from skxent import CrossEntropySelector, cross_entropy_classif
from skxent.feature_selection import _worker_counts, _worker_sets, distribution_shift
from skxent.feature_selection._binning import edges_of_sorted, sort_present
from skxent.feature_selection._count_table import Entries, count_by_sorting, count_entries
from skxent.feature_selection._target import Target, read_frequencies
from skxent.feature_selection._worker_counts import WorkerColumns, _keys, _values

dd = pytest.importorskip("dask.dataframe")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

DTYPES = ["f8", "f4", "i8", "i2", "u8", "u1", "?"]


def workers_of(columns, n_parts):
    frame = pd.DataFrame(columns)
    cuts = np.linspace(0, len(frame), n_parts + 1).astype(int)
    parts = [dask.delayed(frame.iloc[a:b]) for a, b in pairwise(cuts)]
    return WorkerColumns(parts, [*frame.columns], [*frame.dtypes], [0] * n_parts)


def count_numbers(workers, columns, target, n_bins):
    return workers.count(columns, target, n_bins, np.zeros(len(workers.names), bool))


def assert_same_table(found, expected):
    for name in ("bin", "label", "count", "feature_of_bin", "class_totals"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_array_equal(found.edges[0], expected.edges[0])
    assert found.edges[0].dtype == expected.edges[0].dtype
    for name in ("bin", "label", "count", "feature_of_bin", "missing"):
        np.testing.assert_array_equal(getattr(found.fine, name), getattr(expected.fine, name))


@given(data=st.data(), dtype=st.sampled_from(DTYPES))
@settings(max_examples=200, deadline=None)
def test_keys_have_the_order_of_the_values_and_come_back(data, dtype):
    values = data.draw(hnp.arrays(dtype, 12, elements={"allow_nan": False} if "f" in dtype else None))
    keys = _keys(values)
    np.testing.assert_array_equal(_values(keys, values.dtype), values)
    np.testing.assert_array_equal(keys[:, np.newaxis] < keys, values[:, np.newaxis] < values)


@given(data=st.data(), dtype=st.sampled_from(DTYPES), n_bins=st.sampled_from([1, 2, 4, 5, 32, 40]))
@settings(max_examples=60, deadline=None)
def test_tables_are_those_in_memory(data, dtype, n_bins):
    """With many equal values and missing ones, empty partitions and constants."""
    n_rows = data.draw(st.integers(4, 40))
    values = data.draw(hnp.arrays(dtype, n_rows))
    values = values[data.draw(hnp.arrays(int, n_rows, elements=st.integers(0, n_rows - 1)))]
    codes = data.draw(hnp.arrays(int, n_rows, elements=st.integers(0, 2)))
    codes[:3] = [0, 1, 2]
    target = Target(np.arange(3), codes)
    workers = workers_of({"a": values, "b": np.arange(n_rows)}, data.draw(st.integers(1, 5)))
    with dask.config.set(scheduler="synchronous"):
        found = count_numbers(workers, [0, 1], target, n_bins)
    for table, column in zip(found, (values, np.arange(n_rows)), strict=True):
        assert_same_table(table, count_by_sorting(column, target, n_bins))


@given(data=st.data(), dtype=st.sampled_from(DTYPES), n_bins=st.sampled_from([1, 2, 5, 7, 40]))
@settings(max_examples=30, deadline=None)
def test_tables_of_weighted_rows_are_those_in_memory(data, dtype, n_bins):
    """To the last bit, with weights that add up to multiples of a bin's share, and some of 0."""
    n_rows = data.draw(st.integers(8, 40))
    values = data.draw(hnp.arrays(dtype, n_rows))
    values = values[data.draw(hnp.arrays(int, n_rows, elements=st.integers(0, n_rows - 1)))]
    codes = data.draw(hnp.arrays(int, n_rows, elements=st.integers(0, 2)))
    codes[:3] = [0, 1, 2]
    weights = st.sampled_from([0.0, 0.1, 0.3, 1.0, 1 / 3, 7.5]) | st.floats(0, 1e3)
    weight = data.draw(hnp.arrays(float, n_rows, elements=weights))
    weight[:3] += 1
    target = Target(np.arange(3), codes, read_frequencies(weight, n_rows))
    workers = workers_of({"a": values, "b": values}, data.draw(st.integers(1, 5)))
    with dask.config.set(scheduler="synchronous"):
        found = workers.count([0, 1], target, n_bins, np.array([False, True]))
    entries = Entries(np.zeros(n_rows, int), values, codes, target.weight)
    for table, categorical in zip(found, (False, True), strict=True):
        assert_same_table(table, count_entries(entries, target, n_bins, np.array([categorical])))
        assert table.ordered == (not categorical,)


def test_edges_of_heavy_values():
    """A value with more than a bin's share has a bin of its own, and the one before it closes one, too."""
    values = np.repeat([1.0, 2.0, 3.0, 7.0, np.nan], [3, 1, 60, 36, 9])
    target = Target(np.arange(2), np.arange(len(values)) % 2)
    with dask.config.set(scheduler="synchronous"):
        (table,) = count_numbers(workers_of({"a": values}, 4), [0], target, 4)
    np.testing.assert_array_equal(table.edges[0], edges_of_sorted(sort_present(values), 4))
    assert 2.0 in table.edges[0]


@pytest.fixture(scope="module")
def client():
    options = {"threads_per_worker": 1, "dashboard_address": ":0", "processes": False, "protocol": "inproc"}
    with distributed.LocalCluster(n_workers=2, **options) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n = 3000
    y = rng.integers(0, 3, n)
    columns = {
        "number": y + rng.normal(size=n),
        "single": rng.normal(size=n).astype(np.float32),
        "whole": rng.integers(-5, 5, n) * (rng.random(n) < 0.5) + y,
        "wide": rng.integers(-(2**60), 2**60, n),
        "mark": rng.random(n) < 0.3,
        "missing": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        "none": np.full(n, np.nan),
        "constant": np.ones(n),
        "text": np.array(["x", "y", "z"])[y],
        "words": np.where(rng.random(n) < 0.1, None, np.array(["q", "r"])[y % 2].astype(object)),
        "levels": pd.Categorical(np.array(["u", "v"])[y % 2]),
        "grades": pd.Categorical(rng.integers(0, 9, n) - y, categories=np.arange(9, -4, -1)),
        "integer": pd.array(np.where(rng.random(n) < 0.1, None, y), dtype="Int64"),
        "decimal": pd.array(np.where(rng.random(n) < 0.1, None, y / 8), dtype="Float64"),
        "large": pd.array(np.where(np.arange(n) == 7, None, 2**60 + rng.integers(0, 99, n)), dtype="Int64"),
        "date": np.where(rng.random(n) < 0.1, np.datetime64("NaT"), np.datetime64("2020-01-01", "ns") + 3600 * y),
        "zone": pd.date_range("2020-01-01", periods=n, freq="h", tz="Europe/Berlin"),
        "span": pd.to_timedelta(rng.integers(0, 50, n) + y, unit="s"),
        "arrow": pd.array(np.where(rng.random(n) < 0.1, None, y / 2), dtype="float32[pyarrow]"),
        "empty": pd.array([None] * n, dtype="Int64"),
        "late": pd.array([None] * (n // 2) + (y[n // 2 :] + 0.5).tolist(), dtype="Float64"),
    }
    return pd.DataFrame(columns), y


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_bins": 40, "score_func": "plugin"},
        {"categorical_features": ["whole", "missing"], "n_jobs": 2},
        {"sample_weight": np.random.default_rng(1).random(3000).round(2) + 0.1 * (np.arange(3000) % 3)},
    ],
)
def test_scores_are_those_in_memory_and_no_column_is_collected(options, client, frame, monkeypatch):
    X, y = frame
    there = dd.from_pandas(X, npartitions=4)
    expected = cross_entropy_classif(X, y, **options)
    monkeypatch.setattr("skxent.feature_selection._lazy_data.LazyData.column", None)
    np.testing.assert_array_equal(cross_entropy_classif(there, y, **options), expected)


def test_a_selector_is_that_in_memory(client, frame, rng):
    X, y = frame
    weight = rng.random(len(y))
    there = dd.from_pandas(X, npartitions=3)
    selector, local = (CrossEntropySelector(k=3).fit(data, y, sample_weight=weight) for data in (there, X))
    assert selector.get_feature_names_out().tolist() == local.get_feature_names_out().tolist()
    np.testing.assert_array_equal(selector.scores_std_, local.scores_std_)
    for found, expected in zip(selector.bin_edges_, local.bin_edges_, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_categories_in_another_order_in_each_partition(client, frame):
    y = frame[1][:900]
    words = pd.Series(np.array(["a", "b", "c", None], dtype=object)[np.arange(900) % 7 % 4])
    kinds = [["c", "b", "a"], ["a", "b", "c", "unused"], ["b", "a", "c"]]
    parts = [
        pd.DataFrame({"w": pd.Categorical(part, categories=kind)})
        for part, kind in zip(np.split(words.to_numpy(), 3), kinds, strict=True)
    ]
    meta = pd.DataFrame({"w": pd.Categorical([], categories=["__UNKNOWN_CATEGORIES__"])})
    there = dd.from_delayed([dask.delayed(part) for part in parts], meta=meta, verify_meta=False)
    expected = cross_entropy_classif(pd.DataFrame({"w": words.astype("category")}), y)
    np.testing.assert_array_equal(cross_entropy_classif(there, y), expected)


def test_sparse_chunks_are_refused(client, frame):
    there = da.from_array(np.eye(8), chunks=4).map_blocks(sp.csr_matrix)
    with pytest.raises(TypeError, match=r"X is a Dask array of csr_matrix chunks; .* part\.toarray"):
        cross_entropy_classif(there, np.arange(8) % 2)


def test_a_column_of_lists_is_named(client):
    parts = [pd.DataFrame({"a": np.arange(4), "tags": [[1], [2], [3], None]})] * 2
    with dask.config.set({"dataframe.convert-string": False}):
        there = dd.from_delayed([dask.delayed(part) for part in parts], meta=parts[0][:0])
    with pytest.raises(TypeError, match="Column 'tags' holds values of type list"):
        cross_entropy_classif(there, np.arange(8) % 2)


def test_scores_of_an_array_and_weights(client, frame, rng):
    X, y = frame[0][["number", "missing"]].to_numpy(), frame[1]
    there, weight = da.from_array(X, chunks=(800, 1)), rng.random(len(y)) + 0.5
    for options in ({}, {"sample_weight": weight}):
        np.testing.assert_array_equal(
            cross_entropy_classif(there, y, **options), cross_entropy_classif(X, y, **options)
        )


def shifted(frame):
    old, new = frame[:1500].reset_index(drop=True), frame[1500:].reset_index(drop=True)
    new["number"] += 1
    new["single"] = new["single"].astype(np.float64)
    new["whole"] = new["whole"].astype(np.int8)
    new["text"] = new["text"].astype("category")
    return old, new


OPTIONS_OF_SHIFT = [
    {},
    {"metric": "psi", "categorical_features": ["whole"]},
    {"quantiles": "reference", "n_bins": 7, "categorical_features": ["mark"]},
    {"edges": {"number": [0.5, 1, 1], "span": [1e7], "whole": [0.5], "text": [1]}},
]


@pytest.mark.parametrize("options", OPTIONS_OF_SHIFT)
def test_shift_is_that_in_memory_and_no_column_is_collected(options, client, frame, monkeypatch):
    old, new = shifted(frame[0])
    expected = distribution_shift(old, new, **options)
    monkeypatch.setattr("skxent.feature_selection._lazy_data.LazyData.column", None)
    there = dd.from_pandas(old, npartitions=3), dd.from_pandas(new, npartitions=2)
    pd.testing.assert_frame_equal(distribution_shift(*there, **options), expected)


@pytest.mark.parametrize("options", OPTIONS_OF_SHIFT)
def test_shift_of_data_on_workers_and_here(options, client, frame):
    old, new = shifted(frame[0])
    expected = distribution_shift(old, new, **options)
    pd.testing.assert_frame_equal(distribution_shift(dd.from_pandas(old, npartitions=3), new, **options), expected)


def test_columns_of_other_kinds_are_refused(client, frame):
    old = frame[0][["date", "number", "text"]]
    for column, kind in (("number", "text"), ("text", "number"), ("date", "number")):
        new = dd.from_pandas(old.assign(**{column: old[kind]}), npartitions=2)
        with pytest.raises(ValueError, match=f"Column '{column}' holds .* in one data set, .* in the other"):
            distribution_shift(dd.from_pandas(old, npartitions=2), new)


@pytest.mark.parametrize(("dtype", "rounds_of_search"), [("f8", 16), ("f4", 8), ("i2", 4), ("?", 2)])
@pytest.mark.parametrize("n_rows", [2_000, 20_000])
def test_rounds_and_bytes_depend_on_the_type_and_not_on_the_rows(n_rows, dtype, rounds_of_search, monkeypatch):
    """Four rounds more: for the sizes, for the values there are, for what lies around the edges, and for the table."""
    sent = []
    compute = _worker_counts.compute
    monkeypatch.setattr(
        _worker_counts, "compute", lambda tasks: sent.append(len(pickle.dumps(found := compute(tasks)))) or found
    )
    rng = np.random.default_rng(0)
    X = {name: rng.normal(size=n_rows).astype(dtype) for name in "abcd"}
    target = Target(np.arange(2), np.arange(n_rows) % 2)
    with dask.config.set(scheduler="synchronous"):
        count_numbers(workers_of(X, 5), range(4), target, 8)
    n_narrow = 48
    assert len(sent) == 1 + 1 + rounds_of_search + 1 + 1
    assert max(sent) < 4 * n_narrow * 15 * 8 + 2000


# ---------------------------------------------------------------------------------------------- sets of features


@pytest.fixture(scope="module")
def table(frame):
    """Return columns of all kinds, two of them with more than 255 categories, and a copy of one."""
    X, y = frame
    rng = np.random.default_rng(2)
    more = {
        "many": pd.Categorical(rng.integers(0, 300, len(y))),
        "names": np.array([f"n{i}" for i in rng.integers(0, 260, len(y)) + y], dtype=object),
        "copy": X["number"],
    }
    return X.drop(columns="text").assign(**more), y


@pytest.mark.parametrize(
    "options",
    [
        {"redundancy": "cmim"},
        {"redundancy": "jmi", "k": 5, "n_bins": 300},
        {"redundancy": "pairs", "k": 4, "categorical_features": ["whole", "missing"]},
        {"redundancy": "cmim", "alpha": None, "k": 8, "sample_weight": True},
        {"redundancy": "discriminant", "alpha": None},
        {"redundancy": "discriminant", "sample_weight": True, "categorical_features": ["whole"]},
    ],
)
def test_sets_are_those_in_memory_and_no_column_is_collected(options, client, table, monkeypatch):
    X, y = table
    weight = np.random.default_rng(1).integers(0, 3, len(y)) / 4 if options.get("sample_weight") else None
    options = {name: value for name, value in options.items() if name != "sample_weight"}
    local = CrossEntropySelector(**options).fit(X, y, weight)
    monkeypatch.setattr("skxent.feature_selection._lazy_data.LazyData.column", None)
    found = CrossEntropySelector(**options).fit(dd.from_pandas(X, npartitions=4), y, weight)
    assert found.order_.tolist() == local.order_.tolist()
    assert len(local.order_) > 2
    # By counts to the last bit; the sums of stepwise discriminant analysis are in float32 in memory.
    atol = 1e-5 if options["redundancy"] == "discriminant" else 0
    np.testing.assert_allclose(found.gains_, local.gains_, rtol=0, atol=atol)


def test_a_chosen_feature_is_a_round_or_two(client, table, monkeypatch):
    """One for the counts of all features given it, and one for its own p-value."""
    X, y = table
    rounds = []
    compute = _worker_sets.compute
    monkeypatch.setattr(_worker_sets, "compute", lambda tasks: (rounds.append(len(tasks)), compute(tasks))[1])
    there = dd.from_pandas(X[["number", "single", "whole", "copy"]], npartitions=3)
    for rule, n_rounds in (("cmim", 1 + 1 + 2 * 3), ("discriminant", 1 + 3)):
        rounds.clear()
        selector = CrossEntropySelector(redundancy=rule, k=3, alpha=None).fit(there, y)
        assert len(selector.order_) == 3
        assert len(rounds) <= n_rounds
