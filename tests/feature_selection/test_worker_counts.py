"""Counts made on the workers of Dask: the tables in memory, a fixed number of rounds, and counts alone travel."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytest.importorskip("distributed", reason="the extra dask is not installed")

import dask

from skxent import CrossEntropySelector, cross_entropy_classif
from skxent.feature_selection import _worker_counts, distribution_shift
from skxent.feature_selection._binning import edges_of_sorted, sort_present
from skxent.feature_selection._count_table import count_by_sorting
from skxent.feature_selection._target import Target
from skxent.feature_selection._worker_counts import WorkerColumns, _keys, _values

dd = pytest.importorskip("dask.dataframe")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

DTYPES = ["f8", "f4", "i8", "i2", "u8", "u1", "?"]


def workers_of(columns, n_parts):
    frame = pd.DataFrame(columns)
    cuts = np.linspace(0, len(frame), n_parts + 1).astype(int)
    parts = [dask.delayed(frame.iloc[a:b]) for a, b in pairwise(cuts)]
    return WorkerColumns(parts, [*frame.dtypes])


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
        found = workers.count([0, 1], target, n_bins)
    for table, column in zip(found, (values, np.arange(n_rows)), strict=True):
        assert_same_table(table, count_by_sorting(column, target, n_bins))


def test_edges_of_heavy_values():
    """A value with more than a bin's share has a bin of its own, and the one before it closes one, too."""
    values = np.repeat([1.0, 2.0, 3.0, 7.0, np.nan], [3, 1, 60, 36, 9])
    target = Target(np.arange(2), np.arange(len(values)) % 2)
    with dask.config.set(scheduler="synchronous"):
        (table,) = workers_of({"a": values}, 4).count([0], target, 4)
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
        "levels": pd.Categorical(np.array(["u", "v"])[y % 2]),
        "integer": pd.array(np.where(rng.random(n) < 0.1, None, y), dtype="Int64"),
    }
    return pd.DataFrame(columns), y


def test_scores_are_those_in_memory(client, frame):
    X, y = frame
    there = dd.from_pandas(X, npartitions=7)
    for options in ({}, {"n_bins": 40, "score_func": "plugin"}, {"categorical_features": ["whole"], "n_jobs": 2}):
        for found, expected in zip(
            cross_entropy_classif(there, y, **options), cross_entropy_classif(X, y, **options), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
    selector, local = (CrossEntropySelector(k=3).fit(data, y) for data in (there, X))
    assert selector.get_feature_names_out().tolist() == local.get_feature_names_out().tolist()
    np.testing.assert_array_equal(selector.scores_std_, local.scores_std_)
    for found, expected in zip(selector.bin_edges_, local.bin_edges_, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_columns_of_numbers_are_not_collected(client, frame, monkeypatch):
    X, y = frame[0][["number", "single", "whole", "wide", "mark", "missing"]], frame[1]
    monkeypatch.setattr("skxent.feature_selection._lazy_data.LazyData.column", None)
    there = dd.from_pandas(X, npartitions=7)
    np.testing.assert_array_equal(cross_entropy_classif(there, y), cross_entropy_classif(X, y))
    halves = [part.reset_index(drop=True) for part in (X[:1000], X[1000:])]
    found = distribution_shift(*(dd.from_pandas(half, npartitions=2) for half in halves))
    pd.testing.assert_frame_equal(found, distribution_shift(*halves))


def test_scores_of_an_array_and_weights(client, frame, rng):
    X, y = frame[0][["number", "missing"]].to_numpy(), frame[1]
    there, weight = da.from_array(X, chunks=(800, 1)), rng.random(len(y)) + 0.5
    for options in ({}, {"sample_weight": weight}):
        np.testing.assert_array_equal(
            cross_entropy_classif(there, y, **options), cross_entropy_classif(X, y, **options)
        )


@pytest.mark.parametrize("options", [{}, {"quantiles": "reference"}])
def test_shift_is_that_in_memory(options, client, frame):
    old, new = frame[0][:1500].reset_index(drop=True), frame[0][1500:].reset_index(drop=True)
    new["number"] += 1
    new["single"] = new["single"].astype(np.float64)
    new["whole"] = new["whole"].astype(np.int8)
    there = (dd.from_pandas(old, npartitions=3), dd.from_pandas(new, npartitions=2))
    expected = distribution_shift(old, new, **options)
    pd.testing.assert_frame_equal(distribution_shift(*there, **options), expected)
    pd.testing.assert_frame_equal(distribution_shift(there[0], new, **options), expected)


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
        workers_of(X, 5).count(range(4), target, 8)
    n_narrow = 32
    assert len(sent) == 1 + 1 + rounds_of_search + 1 + 1
    assert max(sent) < 4 * n_narrow * 15 * 8 + 2000
