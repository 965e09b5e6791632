"""Lazy frames, of Polars and Dask: the scores of the same data in memory, a few columns at a time."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skxent import CrossEntropySelector, cross_entropy_classif
from skxent.feature_selection import BinEncoder, distribution_shift, permutation_cross_entropy
from skxent.feature_selection._lazy_data import LazyData

N_ROWS = 600


@pytest.fixture
def frame(rng):
    """Return columns of many kinds, which the classes in ``y`` depend on or not."""
    y = rng.integers(0, 3, N_ROWS)
    columns = {
        "number": y + rng.normal(size=N_ROWS),
        "text": np.array(["x", "y", "z"])[(y + (rng.random(N_ROWS) < 0.3)) % 3],
        "levels": pd.Categorical(np.array(["u", "v"])[y % 2]),
        "missing": np.where(rng.random(N_ROWS) < 0.1, np.nan, rng.normal(size=N_ROWS)),
        "count": rng.integers(0, 5, N_ROWS),
    }
    return pd.DataFrame(columns), y


def as_polars(frame):
    return pl.from_pandas(frame).lazy()


def as_dask(frame):
    dd = pytest.importorskip("dask.dataframe", reason="the extra dask is not installed")
    return dd.from_pandas(frame, npartitions=4)


KINDS = {"polars": as_polars, "dask": as_dask}


@pytest.fixture(params=[1, 10**9], ids=["one column at a time", "all columns together"])
def at_a_time(request, monkeypatch):
    monkeypatch.setattr("skxent.feature_selection._lazy_data._BYTES_TOGETHER", request.param)


@pytest.mark.usefixtures("at_a_time")
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_in_memory(kind, frame, rng):
    frame, y = frame
    weight = rng.random(N_ROWS) + 0.5
    eager = pl.from_pandas(frame) if kind == "polars" else frame
    for options in ({}, {"sample_weight": weight, "score_func": "plugin", "n_jobs": 2}):
        expected = cross_entropy_classif(eager, y, **options)
        found = cross_entropy_classif(KINDS[kind](frame), y, **options)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_labels_and_weights_of_dask_are_brought_here(frame, rng):
    da = pytest.importorskip("dask.array", reason="the extra dask is not installed")
    _, y = frame
    X, weight = rng.normal(size=(N_ROWS, 4)) + y[:, np.newaxis] * [1, 0, 0.1, 0], rng.random(N_ROWS) + 0.5
    there = [da.from_array(values, chunks=chunks) for values, chunks in ((X, (100, 2)), (y, 150), (weight, 70))]
    expected = cross_entropy_classif(X, y, sample_weight=weight)
    found = cross_entropy_classif(*there[:2], sample_weight=there[2])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_selector_takes_and_gives_lazy_data(kind, frame):
    frame, y = frame
    lazy = KINDS[kind](frame)
    selector = CrossEntropySelector(k=2).fit(lazy, y)
    assert selector.feature_names_in_.tolist() == list(frame.columns)
    kept = selector.transform(lazy)
    assert type(kept) is type(lazy)
    names = kept.collect_schema().names() if kind == "polars" else list(kept.columns)
    assert names == selector.get_feature_names_out().tolist()
    with pytest.raises(ValueError, match="feature names"):
        selector.transform(lazy[["text", "number"]] if kind == "dask" else lazy.select("text", "number"))


def test_a_selector_of_an_array_of_dask(rng):
    da = pytest.importorskip("dask.array", reason="the extra dask is not installed")
    y = rng.integers(0, 2, N_ROWS)
    X = rng.normal(size=(N_ROWS, 5))
    X[:, 3] += y
    kept = CrossEntropySelector(k=1).fit(da.from_array(X, chunks=100), y).transform(da.from_array(X, chunks=100))
    np.testing.assert_array_equal(kept.compute(), X[:, [3]])


@pytest.mark.parametrize("kind", KINDS)
def test_shift_between_lazy_data(kind, frame):
    frame, _ = frame
    old, new = frame[:300].reset_index(drop=True), frame[300:].reset_index(drop=True)
    new["number"] += 1
    if kind == "polars":
        expected = distribution_shift(pl.from_pandas(old), pl.from_pandas(new))
    else:
        expected = distribution_shift(old, new)
    pd.testing.assert_frame_equal(distribution_shift(KINDS[kind](old), KINDS[kind](new)), expected)


def test_columns_are_collected_together_and_once(frame, monkeypatch):
    frame, _ = frame
    data = LazyData.of(as_polars(frame), 4)
    collected = []
    original = LazyData._collected
    monkeypatch.setattr(LazyData, "_collected", lambda self, at: (collected.append(at), original(self, at))[1])
    for at in range(5):
        data.column(at)
    assert collected == [0]
    monkeypatch.setattr("skxent.feature_selection._lazy_data._BYTES_TOGETHER", 2 * 8 * N_ROWS)
    data = LazyData.of(as_polars(frame), 4)
    for at in range(5):
        data.column(at)
    assert collected == [0, 0, 2, 4]


def test_what_cannot_be_is_said(frame):
    frame, y = frame
    with pytest.raises(ValueError, match=r"0 row.s. and 5 column"):
        cross_entropy_classif(as_polars(frame).head(0), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        cross_entropy_classif(as_polars(frame), y[:-1])
    for call in (lambda X: BinEncoder().fit(X, y), lambda X: permutation_cross_entropy(None, X, y)):
        with pytest.raises(Exception, match=r"lazy|estimator"):
            call(as_polars(frame))
