"""Predictions in a Parquet file: those in memory, in bounded memory, whole or not at all."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.rows import ArrayBlocks, Blocks, write_predictions

pytest.importorskip("pyarrow", reason="Parquet needs the extra dask")

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3)).astype(np.float32)
    return X, (X + rng.gumbel(size=X.shape)).argmax(axis=1)


def targets(y):
    return {"text": np.array(["no", "perhaps", "yes"])[y], "two": y == 0, "soft": np.eye(3)[y] * 0.7 + 0.1}


def blocks_of(X, n_rows=150):
    return Blocks(lambda index: X[n_rows * index : n_rows * (index + 1)], [n_rows] * (len(X) // n_rows), memory=1000)


@pytest.mark.parametrize("kind", ["text", "two", "soft"])
@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
@pytest.mark.parametrize("method", METHODS)
def test_the_file_holds_what_is_predicted_in_memory(method, estimator, kind, data, tmp_path):
    X, y = data
    model = estimator().fit(X, targets(y)[kind])
    expected = getattr(model, method)(X)
    write_predictions(model, blocks_of(X), tmp_path / "p.parquet", method=method)
    frame = pl.read_parquet(tmp_path / "p.parquet")
    assert frame.columns == ([method] if expected.ndim == 1 else [str(name) for name in model.classes_])
    found = frame.to_numpy()
    found = found[:, 0] if expected.ndim == 1 else found
    if expected.dtype.kind == "f":  # products of other numbers of rows round otherwise
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    else:
        np.testing.assert_array_equal(found, expected)
    assert expected.dtype.kind in "OU" or frame.to_numpy().dtype == expected.dtype
    assert list(tmp_path.iterdir()) == [tmp_path / "p.parquet"]


def test_every_kind_of_data_is_predicted(data, tmp_path):
    X, y = data
    names = ["a", "b", "c"]
    model = SoftmaxRegressor().fit(pd.DataFrame(X, columns=names), y)
    expected = model.predict_proba(pd.DataFrame(X, columns=names))
    pl.DataFrame(X, schema=names).write_parquet(tmp_path / "x.parquet", row_group_size=100)
    kinds = [pl.scan_parquet(tmp_path / "x.parquet"), pd.DataFrame(X, columns=names)]
    dd = pytest.importorskip("dask.dataframe", reason="the extra dask is not installed")
    for rows in (*kinds, dd.from_pandas(kinds[1], npartitions=3)):
        write_predictions(model, rows, tmp_path / "p.parquet")
        np.testing.assert_array_equal(pl.read_parquet(tmp_path / "p.parquet").to_numpy(), expected)


def test_a_file_is_written_whole_or_not_at_all(data, tmp_path):
    X, y = data
    model = SoftmaxRegressor().fit(X, y)
    path = tmp_path / "p.parquet"
    write_predictions(model, blocks_of(X), path)
    before = path.read_bytes()
    broken = Blocks(lambda index: X[:150] if index < 2 else 1 / 0, [150] * 4, memory=1000)
    with pytest.raises(ZeroDivisionError):
        write_predictions(model, broken, path)
    with pytest.raises(AttributeError):
        write_predictions(model, blocks_of(X), path, method="transform")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_memory_is_that_of_some_blocks(tmp_path):
    X = np.random.default_rng(0).normal(size=(100_000, 20))
    model = SoftmaxRegressor(max_iter=3, tol=1e-2).fit(X[:1000], np.arange(1000) % 10)
    np.save(tmp_path / "X.npy", X)
    del X
    source = ArrayBlocks(np.load(tmp_path / "X.npy", mmap_mode="r"), memory=1e6, block_bytes=400_000)
    tracemalloc.start()
    write_predictions(model, source, tmp_path / "p.parquet")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pl.scan_parquet(tmp_path / "p.parquet").select(pl.len()).collect().item() == 100_000
    assert peak < 3e6  # of 16 MB of features and 8 MB of predictions
