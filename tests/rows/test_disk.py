"""Rows outside memory: the contract, the same fit as in memory, how often data are read, and what goes wrong."""

import signal
import threading
import tracemalloc

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skxent import SigmoidRegressor, SoftmaxRegressor, SoftmaxRegressorCV
from skxent.linear_model._objective import Objective
from skxent.linear_model._outputs import Softmax
from skxent.linear_model._problem import Problem
from skxent.losses import CrossEntropy, GeneralizedCrossEntropy
from skxent.rows import (
    ArrayBlocks,
    ArrayFiles,
    Blocks,
    DiskRows,
    FrameBlocks,
    MemoryRows,
    Parquet,
    Source,
    reweighted,
    subset,
)
from skxent.solvers import LBFGS, SampledHessian
from skxent.testing import check_rows

N_ROWS, N_FEATURES = 24_000, 5
NAMES = [f"column {i}" for i in range(N_FEATURES)]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, N_FEATURES)) * 10.0 ** np.arange(N_FEATURES)
    y = (X[:, :3] / [1, 10, 100] + rng.gumbel(size=(N_ROWS, 3))).argmax(axis=1)
    return X, y, rng.random(N_ROWS)


def frame_of(X, y):
    return pl.DataFrame(X, schema=NAMES).with_columns(label=pl.Series(y).cast(pl.String))


class Counting(Source):
    """Blocks of an array that count the rows read."""

    def __init__(self, X, y, sizes, memory):
        super().__init__(sizes, memory)
        self.X, self.y, self.n_read, self.read_blocks = X, y, 0, []
        self.ends = np.cumsum([0, *sizes])

    def read(self, index):
        self.n_read += self.sizes[index]
        self.read_blocks.append(index)
        rows = slice(self.ends[index], self.ends[index + 1])
        return self.X[rows], None if self.y is None else self.y[rows]


def counting(X, y=None, memory=250_000, size=1_000):
    return Counting(X, y, [size] * (X.shape[0] // size), memory)


def as_map(folder, X, **options):
    np.save(folder / "X.npy", X)
    return ArrayBlocks(np.load(folder / "X.npy", mmap_mode="r"), **options)


def as_files(folder, X, y, **options):
    paths = [folder / f"part{i}.npz" for i in range(7)]
    for path, rows in zip(paths, np.array_split(np.arange(len(X)), 7), strict=True):
        np.savez(path, X=X[rows], y=y[rows])
    return ArrayFiles(paths, **options)


def as_array_files(folder, X, y, **options):
    names = [(folder / f"X{i}.npy", folder / f"y{i}.npy") for i in range(3)]
    for paths, rows in zip(names, np.array_split(np.arange(len(X)), 3), strict=True):
        for path, values in zip(paths, (X, y), strict=True):
            np.save(path, values[rows])
    return ArrayFiles(*zip(*names, strict=True), **options)


def as_parquet(folder, X, y, **options):
    pytest.importorskip("pyarrow", reason="Parquet needs the extra dask")
    frame = frame_of(X, y)
    frame[:1000].write_parquet(folder / "1.parquet")
    frame[1000:].write_parquet(folder / "2.parquet", row_group_size=5000)
    return Parquet(folder / "*.parquet", "label", **options)


def as_lazy(folder, X, y, **options):
    frame_of(X, y).write_parquet(folder / "frame.parquet")
    return FrameBlocks(pl.scan_parquet(folder / "frame.parquet"), "label", block_rows=3000, **options)


def as_zarr(folder, X, y, **options):
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    array = zarr.create_array(store=folder / "X.zarr", shape=X.shape, chunks=(700, 2), dtype=X.dtype)
    array[:] = X
    return ArrayBlocks(array, block_bytes=100_000, **options)


KINDS = {
    "counting": lambda folder, X, y, **options: counting(X, y, **options),
    "map": lambda folder, X, y, **options: as_map(folder, X, block_bytes=100_000, **options),
    "npz": as_files,
    "npy": as_array_files,
    "parquet": as_parquet,
    "lazy": as_lazy,
    "zarr": as_zarr,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_reader_keeps_the_contract(kind, data, tmp_path):
    X, y, weight = (values[:2000] for values in data)
    source = KINDS[kind](tmp_path, X, y, memory=1000)
    check_rows(DiskRows(source, y, n_outputs=3), X, y)
    check_rows(DiskRows(source, np.eye(3)[y], weight, n_outputs=3), X, np.eye(3)[y], weight)
    assert source.shape == X.shape
    assert len(source) == len(X)


def test_sparse_blocks_keep_the_contract(data):
    X, y, weight = (values[:2000] for values in data)
    source = counting(sp.csr_array(X * (np.abs(X) > 1)), y, memory=1000)
    check_rows(DiskRows(source, y, weight, n_outputs=3), X * (np.abs(X) > 1), y, weight)


def test_a_selection_keeps_the_contract(data, rng):
    X, y, weight = (values[:2000] for values in data)
    rows = DiskRows(counting(X, memory=1000, size=100), y, weight, n_outputs=3)
    positions = np.sort(rng.permutation(2000)[:1500])
    chosen = subset(rows, positions)
    assert isinstance(chosen, DiskRows)
    check_rows(chosen, X[positions], y[positions], weight[positions])
    again = subset(chosen, np.arange(200, 1400))
    assert isinstance(again, DiskRows)
    positions = positions[200:1400]
    check_rows(again, X[positions], y[positions], weight[positions])
    assert isinstance(subset(chosen, np.arange(10)), MemoryRows)
    other = rng.random(len(positions))
    chosen = reweighted(rows, positions, other)
    assert isinstance(chosen, DiskRows)
    check_rows(chosen, X[positions], y[positions], other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_is_the_fit_in_memory(kind, data, tmp_path):
    """The labels come as strings from tables."""
    X, y, _ = data
    source = KINDS[kind](tmp_path, X, y, memory=250_000)
    named = source.feature_names is not None
    targets = None if source.read(0)[1] is not None else y
    model = SoftmaxRegressor(tol=1e-14).fit(source, targets)
    local = SoftmaxRegressor(tol=1e-14).fit(X, y.astype(str) if named else y)
    scale = X.std(axis=0)
    np.testing.assert_allclose(model.coef_ * scale, local.coef_ * scale, atol=1e-6)
    assert model.classes_.tolist() == local.classes_.tolist()
    if named:
        assert model.feature_names_in_.tolist() == NAMES
    assert model.score(source, None if targets is None else y) == local.score(X, local.classes_[y])
    np.testing.assert_array_equal(np.concatenate(list(model.predict(source))), local.predict(X))
    blocks = list(model.predict_proba(source))
    assert [len(block) for block in blocks] == source.sizes
    np.testing.assert_allclose(np.concatenate(blocks), local.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_weight": "balanced"},
        {"fit_intercept": False},
        {"loss": "quadratic"},
        {"loss": GeneralizedCrossEntropy()},
    ],
)
@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
def test_options_work_as_in_memory(estimator, options, data):
    X, y, weight = data
    fitted = [estimator(tol=1e-15, **options).fit(rows, y, weight) for rows in (counting(X), X)]
    found, expected = (model.predict_proba(X) for model in fitted)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_small_data_are_read_once_and_held(data):
    X, y, _ = data
    source = counting(X, y, memory=1e9)
    model = SoftmaxRegressor().fit(source)
    assert source.n_read == len(X)
    np.testing.assert_array_equal(model.coef_, SoftmaxRegressor().fit(X, y).coef_)


@pytest.fixture
def evaluations(monkeypatch):
    """Return a list that gets an entry for each evaluation of an objective of rows that are not in memory."""
    found = []
    for name in ("__call__", "value", "gradient"):
        original = getattr(Objective, name)

        def counted(self, w, original=original):
            found.extend([1] if not self.rows.resident else [])
            return original(self, w)

        monkeypatch.setattr(Objective, name, counted)
    return found


@pytest.mark.parametrize("weighted", [False, True])
def test_data_are_read_three_times_more_than_they_are_evaluated(weighted, data, evaluations):
    X, y, weight = data
    source = counting(X, y)
    SoftmaxRegressor(tol=1e-12).fit(source, sample_weight=weight if weighted else None)
    assert len(evaluations) > 5
    assert source.n_read <= (len(evaluations) + 3) * len(X)


def test_a_pass_of_mini_batches_reads_the_data_once_in_order_within_blocks(data):
    X, y, _ = data
    source = counting(StandardScaler().fit_transform(X), y, size=1_500)
    options = {"solver": "sgd", "tol": 0, "learning_rate": 1e-2, "batch_size": 64, "random_state": 0}
    n_read = [source.n_read]
    for max_iter in (1, 2, 7):
        SoftmaxRegressor(**options, max_iter=max_iter).fit(source)
        n_read.append(source.n_read)
    few, more = np.diff(n_read)[1:]
    assert more - few == 5 * len(X)
    assert source.read_blocks[-32:-16] != sorted(source.read_blocks[-32:-16])


def test_mini_batches_learn_as_well_as_in_memory(data):
    X, y, _ = data
    X = StandardScaler().fit_transform(X)
    options = {"solver": "sgd", "tol": 0, "max_iter": 10, "learning_rate": 0.05, "random_state": 0}
    scores = [SoftmaxRegressor(**options).fit(rows, y).score(X, y) for rows in (counting(X), X)]
    assert scores[0] == pytest.approx(scores[1], abs=0.005)


def test_early_stopping_copies_nothing_but_a_sample(data, tmp_path):
    """The rows to train on stay where they are."""
    X, y, _ = data
    X = np.tile(X, (1, 10))
    source = as_map(tmp_path, X, memory=1e6, block_bytes=200_000)
    model = SoftmaxRegressor(early_stopping=True, random_state=0, tol=1e-9)
    model.fit(source, y)
    tracemalloc.start()
    model.fit(source, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.6 * X.nbytes
    local = SoftmaxRegressor(early_stopping=True, random_state=0, tol=1e-9).fit(X, y)
    assert model.score(X, y) == pytest.approx(local.score(X, y), abs=0.002)


def test_a_fit_holds_a_sample_and_three_blocks(rng, tmp_path):
    X = rng.normal(size=(100_000, 50))
    y = X[:, 0] > rng.normal(size=100_000)
    source = as_map(tmp_path, X, memory=2e6, block_bytes=500_000)
    del X
    SoftmaxRegressor(max_iter=5, tol=1e-3).fit(source, y)
    tracemalloc.start()
    SoftmaxRegressor(max_iter=5, tol=1e-3).fit(source, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 14e6  # of 40 MB


def test_partial_fit_takes_a_pass_over_a_source(data):
    X, y, _ = data
    X = StandardScaler().fit_transform(X)
    model = SoftmaxRegressor(learning_rate=0.05, random_state=0)
    for _ in range(3):
        model.partial_fit(counting(X, y), classes=[0, 1, 2])
    assert model.n_iter_ == 3
    assert model.score(X, y) > 0.6


def test_a_penalty_is_chosen_on_a_source(data):
    X, y, _ = data
    models = [SoftmaxRegressorCV(alphas=[1e-3, 1.0], cv=3, tol=1e-9).fit(rows, y) for rows in (counting(X), X)]
    assert models[0].alpha_ == models[1].alpha_
    np.testing.assert_allclose(models[0].scores_, models[1].scores_, rtol=1e-3)


def test_validation_data_may_be_a_source(data):
    X, y, _ = data
    model = SoftmaxRegressor().fit(X[:9000], y[:9000], X_val=counting(X, memory=1000), y_val=y)
    assert len(model.validation_scores_) == model.n_iter_


# --------------------------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("change", ["truncate", "rewrite"])
def test_a_file_that_changes_is_named(change, data, tmp_path):
    X, y, _ = data
    source = as_map(tmp_path, X, memory=1000)
    if change == "truncate":
        with open(tmp_path / "X.npy", "r+b") as file:
            file.truncate(1000)
    else:
        np.save(tmp_path / "X.npy", X + 1)
    with pytest.raises(OSError, match=r"X\.npy has changed while it was read"):
        SoftmaxRegressor().fit(source, y)


def test_a_file_that_changes_during_a_fit_leaves_the_model_as_it_was(data, tmp_path):
    X, y, _ = data

    class Spoils(LBFGS):
        def solve(self, objective, w0, *, max_iter, tol, callback):
            np.save(tmp_path / "X.npy", X[:10])
            return super().solve(objective, w0, max_iter=max_iter, tol=tol, callback=callback)

    model = SoftmaxRegressor(solver=Spoils())
    with pytest.raises(OSError, match=r"X\.npy has changed"):
        model.fit(as_map(tmp_path, X, memory=1000), y)
    assert not hasattr(model, "coef_")


def test_an_interrupt_while_a_block_is_read_leaves_the_model_as_it_was(data):
    X, y, _ = data
    source = counting(X, y)
    read = source.read

    def interrupted(index):
        if source.n_read > 5 * len(X):
            raise KeyboardInterrupt
        return read(index)

    source.read = interrupted
    model = SoftmaxRegressor()
    with pytest.raises(KeyboardInterrupt):
        model.fit(source)
    assert not hasattr(model, "coef_")


def test_blocks_of_the_preconditioner_are_limited_by_this_process(data):
    """Not by the data, which may be on many machines."""
    X, y, _ = data
    rows = DiskRows(counting(X), y, n_outputs=3)
    rows.nbytes = 10**14
    objective = Objective(Problem(CrossEntropy(), Softmax()), rows)
    assert SampledHessian()._affordable_columns(objective, 100) < np.sqrt(2e9 / 8 / 50)


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.parquet"])
def test_a_file_that_cannot_be_read_is_named(name, tmp_path):
    (tmp_path / name).write_bytes(b"PK\x03\x04 not at all")
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="Parquet needs the extra dask")
    with pytest.raises(OSError, match=f"cannot read .*{name}"):
        (Parquet if name.endswith("parquet") else lambda path: ArrayFiles([path]))(tmp_path / name)


def test_a_file_without_features_is_named(tmp_path):
    np.savez(tmp_path / "a.npz", Z=np.zeros(3))
    with pytest.raises(OSError, match=r"a\.npz: it has no array named X; it has Z"):
        ArrayFiles([tmp_path / "a.npz"])


@pytest.mark.parametrize("kind", ["parquet", "lazy"])
def test_a_column_of_strings_is_named(kind, data, tmp_path):
    X, y, _ = (values[:2000] for values in data)
    source = KINDS[kind](tmp_path, X, y).with_columns(NAMES[0])
    with pytest.raises(ValueError, match=r"could not convert string to float: '[012]' .column 'label' of "):
        SoftmaxRegressor().fit(source)


def test_strings_in_a_block_are_named(data):
    X, y, _ = data
    X = X[:3000].astype(object)
    X[2500, 3] = "red"
    with pytest.raises(ValueError, match=r"could not convert string to float: 'red' .column 3 of Counting, block 2"):
        SoftmaxRegressor().fit(counting(X, y))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_named_with_their_block(value, data):
    X, y, _ = data
    X = X[:3000].copy()
    X[2500, 3] = value
    with pytest.raises(ValueError, match=r"Counting, block 2 \(rows 2000 to 2999\): Input X contains"):
        SoftmaxRegressor().fit(counting(X, y))


def test_blocks_of_another_size_are_named(data):
    X, y, _ = data
    with pytest.raises(ValueError, match=r"Blocks, block 1 .* has shape \(10, 5\); it must have \(11, 5\)"):
        SoftmaxRegressor().fit(Blocks(lambda i: (X[:10], y[:10]), [10, 11]))
    with pytest.raises(ValueError, match="has 10 rows but 9 targets"):
        SoftmaxRegressor().fit(Blocks(lambda i: (X[:10], y[:9]), [10]))
    with pytest.raises(ValueError, match=r"0 sample.*Blocks has no rows"):
        Blocks(lambda i: X, [])


def test_targets_that_are_missing_are_asked_for(data, tmp_path):
    X, y, _ = data
    with pytest.raises(ValueError, match=r"requires y to be passed.*Counting has none"):
        SoftmaxRegressor().fit(counting(X))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SoftmaxRegressor().fit(counting(X), y[:-1])
    with pytest.raises(ValueError, match=r"y='label' names a column, but X, a numpy\.ndarray"):
        SoftmaxRegressor().fit(X, "label")
    with pytest.raises(ValueError, match="has no column 'size'; its columns: column 0"):
        SoftmaxRegressor().fit(pl.LazyFrame(X, schema=NAMES), y="size")


def test_other_columns_than_in_the_fit_are_named(data):
    X, y, _ = data
    frame = frame_of(X, y)
    model = SoftmaxRegressor().fit(frame.lazy(), y="label")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.lazy())
    assert model.score(frame.lazy(), y="label") > 0.5
    np.testing.assert_array_equal(
        np.concatenate(list(model.predict(frame.lazy().select(NAMES)))), model.predict(frame.select(NAMES))
    )


class Unknown:
    """A collection computed on demand, of a library that nobody knows."""

    shape = (4, 2)

    def compute(self):
        raise AssertionError("nobody asked for it")

    def __array__(self, *args, **kwargs):
        raise AssertionError("nobody asked for it")


def test_collections_that_are_not_handled_are_refused_by_name(data):
    X, y, _ = data
    for arguments in ((Unknown(), y), (X, Unknown()), (X, y, Unknown()), (X, pl.LazyFrame({"y": y}))):
        with pytest.raises(TypeError, match=r"(X|y|sample_weight) is a .*(Unknown|LazyFrame), which is not in memory"):
            SoftmaxRegressor().fit(*arguments)
    model = SoftmaxRegressor().fit(X, y)
    for method, arguments in (("predict", [Unknown()]), ("predict_proba", [Unknown()]), ("score", [X, Unknown()])):
        with pytest.raises(TypeError, match="Unknown, which is not in memory"):
            getattr(model, method)(*arguments)


# --------------------------------------------------------------------------------------- blocks that are not alike


def as_dense(X):
    return X


def as_single(X):
    return X.astype(np.float32)


@pytest.mark.parametrize("memory", [50_000, 1e9])
@pytest.mark.parametrize(
    "kinds",
    [
        [as_dense, sp.csr_array, as_dense],
        [sp.csr_matrix, as_dense, sp.coo_array],
        [as_single, as_dense, as_single],
        [lambda X: pl.DataFrame(X), sp.csc_array, lambda X: X.tolist()],
    ],
)
def test_blocks_of_several_kinds_are_fitted_like_one(kinds, memory, data):
    X, y = (values[:3000] for values in data[:2])
    X = StandardScaler().fit_transform(X)
    blocks = [kind(part) for kind, part in zip(kinds, np.split(X, 3), strict=True)]
    source = Blocks(lambda index: (blocks[index], y[1000 * index : 1000 * index + 1000]), [1000] * 3, memory=memory)
    model = SoftmaxRegressor(tol=1e-12).fit(source)
    assert model.coef_.dtype == np.float64
    np.testing.assert_allclose(model.coef_, SoftmaxRegressor(tol=1e-12).fit(X, y).coef_, atol=2e-5)
    assert model.score(source) == model.score(X, y)


def test_blocks_may_be_empty(data):
    X, y = (values[:3000] for values in data[:2])
    cuts = [0, 0, 1000, 1000, 3000, 3000]
    source = Blocks(lambda i: (X[cuts[i] : cuts[i + 1]], y[cuts[i] : cuts[i + 1]]), np.diff(cuts), memory=50_000)
    check_rows(DiskRows(source, y, n_outputs=3), X, y)
    model = SoftmaxRegressor(early_stopping=True, random_state=0).fit(source)
    np.testing.assert_array_equal(np.concatenate(list(model.predict(source))), model.predict(X))


def test_data_that_are_larger_than_their_first_block_says_are_not_held(data):
    X = data[0][:3000]
    parts = [sp.csr_array((1000, N_FEATURES)), X[1000:2000], X[2000:]]
    source = Blocks(lambda index: parts[index], [1000] * 3, memory=30_000)
    assert source.nbytes < 30_000
    assert source.checked()[0] is source
    assert source.nbytes > 30_000


def test_one_class_in_a_block_and_others_later(data):
    X, y = (values[:3000] for values in data[:2])
    order = np.argsort(y, kind="stable")
    names = np.array(["a", "bb", "a long one"])[y[order]]
    source = Blocks(
        lambda i: (X[order[100 * i : 100 * i + 100]], np.array(names[100 * i : 100 * i + 100].tolist())),
        [100] * 30,
        memory=50_000,
    )
    assert SoftmaxRegressor().fit(source).classes_.tolist() == ["a", "a long one", "bb"]


def test_blocks_that_change_from_pass_to_pass_are_named():
    rng = np.random.default_rng(0)
    source = Blocks(lambda i: (rng.normal(size=(200, 3)), np.arange(200) % 2), [200] * 5, memory=1000)
    with pytest.raises(ValueError, match=r"Blocks, block \d.* has other rows than when it was first read"):
        SoftmaxRegressor().fit(source)


@pytest.mark.parametrize("memory", [100, 1e9])
@pytest.mark.parametrize(
    ("load", "error", "message"),
    [
        (lambda i: (np.eye(3)[:, : 3 - i], [0, 1, 0]), ValueError, r"block 1 .* has shape \(3, 2\)"),
        (lambda i: (np.eye(3), [0, 1, 0], np.ones(3), 1), ValueError, "block 0 .* returned 4 values"),
        (lambda i: (np.eye(3), [0, 1, 0], np.ones(2)), ValueError, "block 0 .* has 3 rows but 2 sample_weight"),
        (
            lambda i: (np.eye(3), [0, 1, 0], *([np.ones(3)] if i else [])),
            ValueError,
            "block 0 .* has no weights, but other",
        ),
        (lambda i: (np.eye(3), [0, 1, 0]) if i else np.eye(3), ValueError, "block 0 .* has no targets, but other"),
        (lambda i: (np.eye(3), ["a", "b", "a"] if i else [0, 1, 0]), ValueError, "targets of Blocks, block 1"),
        (lambda i: (np.eye(3), np.eye(3 + i)[:3]), ValueError, "targets of Blocks, block 1 .* 4 columns"),
        (lambda i: (np.eye(3), [0, np.nan, 1]), ValueError, "block 0 .*: Input y contains NaN"),
        (lambda i: (np.eye(3), [1, 1, 1]), ValueError, "y has only one class, 1"),
        (lambda i: (np.empty((3, 0)), [0, 1, 1]), ValueError, r"block 0 .* has 0 feature"),
        (lambda i: {}["key"], KeyError, "key"),
    ],
)
def test_blocks_that_cannot_be_used_are_refused(load, error, message, memory):
    with pytest.raises(error, match=message) as caught:
        SoftmaxRegressor().fit(Blocks(load, [3, 3], memory=memory))
    if error is KeyError:
        assert caught.value.__notes__ == ["The function of Blocks, block 0 (rows 0 to 2) raised it."]


def test_names_and_sizes_must_fit():
    with pytest.raises(ValueError, match=r"3 feature.*2 must be"):
        SoftmaxRegressor().fit(Blocks(lambda i: (np.eye(3), [0, 1, 0]), [3], feature_names=["a", "b"]))
    with pytest.raises(ValueError, match="has a block of -3 rows"):
        Blocks(lambda i: np.eye(3), [3, -3])
    with pytest.raises(ValueError, match="memory=10 bytes do not hold a row"):
        SoftmaxRegressor().fit(Blocks(lambda i: (np.eye(3), [0, 1, 0]), [3], memory=10))


@pytest.mark.parametrize("memory", [1000, 1e9])
def test_targets_and_weights_that_are_lazy_are_refused_beside_a_source(memory, data):
    X, y, weight = (values[:2000] for values in data)
    source = counting(X, memory=memory)
    for lazy in (pl.LazyFrame({"y": y}), counting(y[:, np.newaxis]), Unknown()):
        with pytest.raises(TypeError, match=r"y is a .*, which is not in memory"):
            SoftmaxRegressor().fit(source, lazy)
        with pytest.raises(TypeError, match=r"sample_weight is a .*, which is not in memory"):
            SoftmaxRegressor().fit(source, y, lazy)
        with pytest.raises(TypeError, match=r"y is a .*, which is not in memory"):
            SoftmaxRegressor().fit(X, y).score(source, lazy)
    for values in (pl.Series(y), y.tolist()):
        SoftmaxRegressor().fit(source, values, pl.Series(weight))


def test_weights_of_a_score_are_checked(data):
    X, y, _ = (values[:2000] for values in data)
    model = SoftmaxRegressor().fit(X, y)
    for weight, message in ((np.zeros(2000), "at least one non-zero"), (-np.ones(2000), "Negative values")):
        with pytest.raises(ValueError, match=message):
            model.score(counting(X, y), sample_weight=weight)


# -------------------------------------------------------------------------------------------------- Parquet's edges


@pytest.fixture
def two_files(tmp_path):
    """Return a function that fits two files of which the second is another frame."""
    pytest.importorskip("pyarrow", reason="Parquet needs the extra dask")
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(rng.normal(size=(90, 3)), schema=["a", "b", "c"]).with_columns(y=pl.Series(np.arange(90) % 2))

    def fit(change, **options):
        frame.write_parquet(tmp_path / "1.parquet", row_group_size=40)
        change(frame).write_parquet(tmp_path / "2.parquet", row_group_size=40)
        return SoftmaxRegressor().fit(Parquet(tmp_path, memory=500, **options), y="y")

    return fit


def entry(value, dtype=None, column="b"):
    """Return the function that changes an entry of a frame."""
    other = pl.lit(value, dtype=dtype)
    return lambda frame: frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 50).then(other).otherwise(column).alias(column)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (entry(None), r"2\.parquet, row group 1: Input X contains NaN. The first is in column 'b', row 10"),
        (entry(float("nan")), r"2\.parquet, row group 1: Input X contains NaN. The first is in column 'b', row 10"),
        (entry(float("inf")), r"2\.parquet, row group 1: Input X contains inf.*column 'b', row 10"),
        (entry(None, column="y"), r"y contains NaN: column 'y' of .*2\.parquet, row group 1"),
        (lambda frame: frame.drop("b"), r"2\.parquet has no column 'b'; its columns: a, c, y"),
        (lambda frame: frame.drop("y"), r"2\.parquet has no column 'y'"),
        (
            lambda frame: frame.with_columns(b=pl.lit("red")),
            r"'red' .column 'b' of .*2\.parquet, row group 0 holds Str",
        ),
        (
            lambda frame: frame.with_columns(b=pl.lit("red").cast(pl.Categorical)),
            r"'red' .column 'b' of .*2\.parquet, row group 0 holds Categorical",
        ),
        (
            lambda frame: frame.with_columns(b=pl.date(2020, 1, 1)),
            r"column 'b' of .*2\.parquet, row group 0 holds Date",
        ),
        (
            lambda frame: frame.with_columns(pl.col("y").cast(pl.String)),
            r"targets of .*2\.parquet, row group 0 are obj",
        ),
    ],
)
def test_a_file_that_is_not_like_the_first_is_named(change, message, two_files):
    with pytest.raises(ValueError, match=message):
        two_files(change)


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.select("y", "c", "b", "a"),
        lambda frame: frame.with_columns(d=pl.lit("ignored")),
        lambda frame: frame.with_columns(pl.col("a").cast(pl.Float32), pl.col("b").cast(pl.Decimal(20, 10))),
        lambda frame: frame.head(0),
    ],
)
def test_files_may_differ_in_what_does_not_matter(change, two_files):
    assert two_files(change).feature_names_in_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("dtypes", [[np.float32] * 5, [np.float64] * 5, [np.float32, np.int8, bool, np.float32, "f8"]])
def test_columns_of_a_row_group_are_read_a_few_at_a_time(dtypes, tmp_path, monkeypatch):
    pq = pytest.importorskip("pyarrow.parquet")
    X = np.random.default_rng(0).normal(size=(90, 5)) * 3
    columns = {name: X[:, at].astype(dtype) for at, (name, dtype) in enumerate(zip(NAMES, dtypes, strict=True))}
    pl.DataFrame(columns).with_columns(label=pl.lit("a")).write_parquet(tmp_path / "a.parquet", row_group_size=30)
    expected = np.stack([column.astype(np.result_type(*dtypes)) for column in columns.values()], axis=1)
    read = pq.ParquetFile.read_row_group
    asked = []
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_group", lambda *args, **kw: asked.append(kw["columns"]) or read(*args, **kw)
    )
    for n_bytes, n_pieces in ((1, 5), (2 * 30 * expected.itemsize, 3), (10**6, 1)):
        monkeypatch.setattr("skxent.rows._readers._PIECE_BYTES", n_bytes)
        asked.clear()
        found, y = Parquet(tmp_path, "label").read(1)
        assert found.dtype == (np.float32 if set(dtypes) == {np.float32} else np.float64)
        np.testing.assert_array_equal(found, expected[30:60])
        assert y.tolist() == ["a"] * 30
        assert len(asked) == n_pieces + 1


def test_columns_of_parquet_are_checked(two_files):
    with pytest.raises(ValueError, match=r"different names.*'a', 'a'"):
        two_files(lambda frame: frame, columns=["a", "a"])
    with pytest.raises(ValueError, match="at least one; they are"):
        two_files(lambda frame: frame, columns=["y"])
    assert two_files(lambda frame: frame, columns=["a", "y"]).feature_names_in_.tolist() == ["a"]
    with pytest.raises(ValueError, match="there are no paths"):
        Parquet([])


def test_soft_targets_in_a_column_of_lists(two_files):
    def soft(frame):
        return frame.with_columns(y=pl.concat_list(pl.lit(0.25), pl.lit(0.75)))

    with pytest.raises(ValueError, match=r"targets of .*2\.parquet, row group 0 are float64, 2 columns"):
        two_files(soft)
    frame = soft(pl.DataFrame(np.random.default_rng(0).normal(size=(90, 2)), schema=["a", "b"]))
    np.testing.assert_allclose(
        SoftmaxRegressor().fit(frame.lazy(), y="y").predict_proba(frame[:1, :2]), [[0.25, 0.75]], atol=1e-6
    )


@pytest.mark.parametrize("change", ["truncate", "rewrite"])
def test_a_file_of_a_lazy_frame_that_changes_is_named(change, data, tmp_path):
    X, y, _ = (values[:2000] for values in data)
    source = as_lazy(tmp_path, X, y, memory=1000)
    if change == "truncate":
        (tmp_path / "frame.parquet").write_bytes((tmp_path / "frame.parquet").read_bytes()[:500])
    else:
        frame_of(X[::-1], y).write_parquet(tmp_path / "frame.parquet")
    with pytest.raises(OSError, match=r"frame\.parquet has changed while it was read"):
        SoftmaxRegressor().fit(source)


def test_an_interrupt_ends_the_thread_that_reads(data):
    X, y, _ = data

    def load(index):
        if index == 20:
            signal.raise_signal(signal.SIGINT)
        return X[1000 * index : 1000 * index + 1000], y[1000 * index : 1000 * index + 1000]

    model = SoftmaxRegressor()
    with pytest.raises(KeyboardInterrupt):
        model.fit(Blocks(load, [1000] * 24, memory=1000))
    assert not hasattr(model, "coef_")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("skxent")]


# ------------------------------------------------------------------------------------ weights that come with the rows


@pytest.fixture(scope="module")
def labelled(data):
    """Return a frame with labels and weights, and the model of these rows in memory."""
    X, y, weight = (values[:6000] for values in data)
    X = X / X.std(axis=0)
    frame = frame_of(X, y).with_columns(weight=weight)
    return frame, SoftmaxRegressor(tol=1e-12).fit(X, y.astype(str), weight), X


def parquet_of(folder, frame, **options):
    pytest.importorskip("pyarrow", reason="Parquet needs the extra dask")
    frame.write_parquet(folder / "rows.parquet", row_group_size=1000)
    return Parquet(folder / "rows.parquet", **options)


def lazy_of(folder, frame, **options):
    frame.write_parquet(folder / "rows.parquet")
    return FrameBlocks(pl.scan_parquet(folder / "rows.parquet"), block_rows=1000, **options)


@pytest.fixture(params=[parquet_of, lazy_of])
def named(request, labelled, tmp_path):
    """Return a function that opens the frame anew."""
    return lambda memory=100_000: request.param(tmp_path, labelled[0], memory=memory)


@pytest.mark.parametrize("memory", [100_000, 256e6])
def test_weights_are_a_column_of_the_source(memory, named, labelled):
    _, local, _ = labelled
    model = SoftmaxRegressor(tol=1e-12).fit(named(memory), y="label", sample_weight="weight")
    assert model.feature_names_in_.tolist() == NAMES
    np.testing.assert_allclose(model.coef_, local.coef_, atol=1e-6)
    again = SoftmaxRegressor(tol=1e-12).fit(named(memory).with_columns("label", "weight"))
    np.testing.assert_array_equal(again.coef_, model.coef_)
    chosen = SoftmaxRegressorCV(alphas=[1e-4], cv=2, tol=1e-12).fit(named(memory), "label", "weight")
    np.testing.assert_allclose(chosen.coef_, local.coef_, atol=1e-6)


def test_a_lazy_frame_has_its_weights_by_name(labelled):
    frame, local, _ = labelled
    model = SoftmaxRegressor(tol=1e-12).fit(frame.lazy(), "label", sample_weight="weight")
    np.testing.assert_allclose(model.coef_, local.coef_, atol=1e-6)
    assert model.score(frame.lazy(), "label", "weight") == pytest.approx(
        local.score(frame.select(NAMES).to_numpy(), frame["label"], frame["weight"]), abs=1e-12
    )


def test_scores_of_a_source_that_was_not_read_before(named, labelled):
    """Its first block is read to see what all are like, and counts once, as all others do."""
    frame, local, X = labelled
    y, weight = frame["label"].to_numpy(), frame["weight"].to_numpy()
    model = SoftmaxRegressor().fit(frame.select(NAMES), y)
    expected, weighted = model.score(frame.select(NAMES), y), model.score(frame.select(NAMES), y, weight)
    assert model.score(named().with_columns("label", "weight")) == pytest.approx(weighted, abs=1e-12)
    assert model.score(named(), "label", "weight") == pytest.approx(weighted, abs=1e-12)
    features = Parquet(named().files.states, "label", NAMES) if hasattr(named(), "groups") else None
    assert features is None or model.score(features) == pytest.approx(expected, abs=1e-12)
    source = counting(X, y, size=500)
    assert local.score(source) == pytest.approx(local.score(X, y), abs=1e-12)
    assert sorted(source.read_blocks) == list(range(12))


def test_named_weights_in_streams_and_validation_data(named, labelled):
    frame, _, X = labelled
    y, weight = frame["label"].to_numpy(), frame["weight"].to_numpy()
    model = SoftmaxRegressor(shuffle=False).partial_fit(named(), "label", np.unique(y), sample_weight="weight")
    local = SoftmaxRegressor(shuffle=False).partial_fit(X, y, np.unique(y), sample_weight=weight)
    np.testing.assert_allclose(model.coef_, local.coef_, atol=1e-9)
    frame = frame.select(NAMES)
    model = SoftmaxRegressor().fit(frame, y, X_val=named(), y_val="label", sample_weight_val="weight")
    local = SoftmaxRegressor().fit(frame, y, X_val=frame, y_val=y, sample_weight_val=weight)
    np.testing.assert_allclose(model.validation_scores_, local.validation_scores_)


def test_blocks_may_bring_their_weights(labelled):
    frame, local, X = labelled
    y, weight = frame["label"].to_numpy(), frame["weight"].to_numpy()
    rows = [slice(at, at + 1000) for at in range(0, 6000, 1000)]
    source = Blocks(lambda index: (X[rows[index]], y[rows[index]], weight[rows[index]]), [1000] * 6, memory=1e5)
    np.testing.assert_allclose(SoftmaxRegressor(tol=1e-12).fit(source).coef_, local.coef_, atol=1e-6)
    other = SoftmaxRegressor(tol=1e-12).fit(source, sample_weight=np.ones(6000))
    np.testing.assert_allclose(other.coef_, SoftmaxRegressor(tol=1e-12).fit(X, y).coef_, atol=1e-6)
    assert local.score(source) == pytest.approx(local.score(X, y, weight), abs=1e-12)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda f: f.drop("weight"), ValueError, "has no column 'weight'; its columns: column 0"),
        (lambda f: f.with_columns(weight=-pl.col("weight")), ValueError, "Negative values"),
        (lambda f: f.with_columns(weight=pl.lit(0.0)), ValueError, "zero"),
        (lambda f: f.with_columns(weight=pl.lit("a")), ValueError, "sample_weight: column 'weight' of .* holds String"),
        (
            lambda f: f.with_columns(weight=pl.when(pl.col("weight") > 0.5).then(pl.col("weight"))),
            ValueError,
            "Input sample_weight contains NaN: column 'weight' of",
        ),
    ],
)
@pytest.mark.parametrize("memory", [100_000, 256e6])
@pytest.mark.parametrize("open_frame", [parquet_of, lazy_of])
def test_columns_of_weights_that_cannot_be_are_refused(open_frame, memory, change, error, message, labelled, tmp_path):
    source = open_frame(tmp_path, change(labelled[0]), memory=memory)
    with pytest.raises(error, match=message):
        SoftmaxRegressor().fit(source, "label", "weight")


def test_a_name_of_weights_needs_named_columns(data):
    X, y, _ = (values[:2000] for values in data)
    for rows in (X, counting(X, y)):
        with pytest.raises(ValueError, match=r"sample_weight='weight' names a column, but X, .* Pass the weights"):
            SoftmaxRegressor().fit(rows, y, "weight")


# --------------------------------------------------------------------------------------- arrays and files of any kind


class Chunked:
    """An array with chunks of its own, which counts the rows that are asked for at a time."""

    def __init__(self, X, chunks):
        self.X, self.chunks, self.n_rows = X, chunks, []
        self.shape, self.dtype = X.shape, X.dtype

    def __getitem__(self, rows):
        self.n_rows.append(len(self.X[rows]))
        return self.X[rows]

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("the whole array was read")


@pytest.mark.parametrize(
    "chunks",
    [
        (700, 2),
        (np.int64(700), np.int64(5)),
        ((500, 100, 1400), (2, 3)),
        ((np.nan, np.nan), (5,)),
        (),
        None,
        500,
        "auto",
        (2000, 1),
    ],
)
def test_chunks_are_said_in_many_ways(chunks, data):
    X, y = data[0][:2000] / data[0].std(axis=0), data[1][:2000]
    array = Chunked(X, chunks)
    model = SoftmaxRegressor(tol=1e-13).fit(ArrayBlocks(array, memory=30_000, block_bytes=10_000), y)
    local = SoftmaxRegressor(tol=1e-13).fit(X, y)
    np.testing.assert_allclose(model.coef_, local.coef_, atol=2e-6)
    assert max(array.n_rows) <= 30_000 / 40
    if chunks is not None:
        np.testing.assert_allclose(SoftmaxRegressor(tol=1e-13).fit(array, y).coef_, local.coef_, atol=1e-9)


@pytest.mark.parametrize(
    "convert",
    [
        lambda X: (10 * X).astype(np.int8),
        lambda X: X > 0,
        lambda X: X.astype(np.float16),
        lambda X: X.astype(">f8"),
        lambda X: X.astype(">f4"),
        np.asfortranarray,
        lambda X: np.abs(100 * X).astype(np.uint64),
        lambda X: X.astype(np.longdouble),
    ],
)
def test_numbers_of_any_kind_in_files(convert, data, tmp_path):
    y = data[1][:2000]
    X = convert(data[0][:2000] / data[0].std(axis=0))
    for index, part in enumerate(np.split(X, 4)):
        np.save(tmp_path / f"part{index}.npy", np.asfortranarray(part) if X.flags.f_contiguous else part)
    np.save(tmp_path / "whole", X)
    local = SoftmaxRegressor(tol=1e-14).fit(X.astype(np.float64), y)
    memory_map = np.load(tmp_path / "whole.npy", mmap_mode="r")
    for source in (
        ArrayFiles(tmp_path / "part*.npy", memory=10_000),
        ArrayFiles(tmp_path / "part*.npy"),
        ArrayBlocks(memory_map, memory=10_000, block_bytes=10_000),
    ):
        # The precision of the data is that of the fit.
        atol = 2e-3 if source.dtype == np.float32 else 2e-6
        np.testing.assert_allclose(SoftmaxRegressor(tol=1e-14).fit(source, y).coef_, local.coef_, atol=atol)


def test_files_are_named_by_one_path_a_pattern_or_a_folder(data, tmp_path):
    X, y = data[0][:900], data[1][:900]
    for index, rows in enumerate(np.split(np.arange(900), 3)):
        np.savez(tmp_path / f"{index}.npz", X=X[rows], y=y[rows])
    local = SoftmaxRegressor().fit(X, y).coef_
    for paths in (tmp_path, str(tmp_path), tmp_path / "*.npz", sorted(tmp_path.iterdir())):
        np.testing.assert_array_equal(SoftmaxRegressor().fit(ArrayFiles(paths)).coef_, local)
    assert ArrayFiles(tmp_path / "1.npz").sizes == [300]
    for paths in (tmp_path / "*.npy", tmp_path / "nothing"):
        with pytest.raises(FileNotFoundError):
            ArrayFiles(paths)


def test_a_later_file_with_other_columns_is_named(data, tmp_path):
    X, y = data[0][:200], data[1][:200]
    for name, part in (("a", X[:100]), ("b", X[100:, :3])):
        np.save(tmp_path / f"{name}.npy", part)
    message = r"b\.npy has shape \(100, 3\); it must have \(100, 5\)"
    with pytest.raises(ValueError, match=message):
        SoftmaxRegressor().fit(ArrayFiles(tmp_path), y)
    model = SoftmaxRegressor().fit(X, y)
    with pytest.raises(ValueError, match=message):
        list(model.predict_proba(ArrayFiles(tmp_path)))


def test_masked_entries_are_missing(data):
    X, y = np.ma.masked_greater(data[0][:200], 1), data[1][:200]
    with pytest.raises(ValueError, match=r"block 0 .* Input X contains NaN"):
        SoftmaxRegressor().fit(counting(X, y, size=100), y)


def test_lists_of_lazy_data_are_refused(data):
    X, y = data[0][:200], data[1][:200]
    lazy = pl.LazyFrame(X)
    for arguments in (([lazy, lazy], y), (X, [lazy]), (X, y, (lazy,))):
        with pytest.raises(TypeError, match=r"holds a polars\.LazyFrame, which is not in memory"):
            SoftmaxRegressor().fit(*arguments)
    with pytest.raises(TypeError, match="X holds a"):
        SoftmaxRegressor().fit(X, y).predict([lazy])


def test_a_source_does_not_become_an_array(data):
    X, y = data[0][:200], data[1][:200]
    for use in (np.asarray, lambda rows: GridSearchCV(SoftmaxRegressor(), {"alpha": [1, 2]}).fit(rows, y)):
        with pytest.raises(TypeError, match="Counting is not in memory, and is not read as a whole"):
            use(counting(X, y, size=100))


@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SoftmaxRegressorCV])
def test_labels_held_in_few_bytes_are_predicted_in_eight(estimator):
    """In one byte ``predicted - 1`` would be 255."""
    X = np.random.default_rng(0).normal(size=(100, 2))
    y = (X[:, 0] > 0).astype(np.int64)
    predicted = estimator().fit(Blocks(lambda index: (X, y), [100])).predict(X)
    assert predicted.dtype == np.int64
    assert (predicted - 1).min() == -1


def test_masked_targets_of_a_block_are_refused():
    X = np.random.default_rng(0).normal(size=(100, 2))
    with pytest.raises(ValueError, match=r"block 0 .*: y\[1\] is masked"):
        SoftmaxRegressor().fit(Blocks(lambda index: (X, np.ma.masked_equal(np.arange(100) % 2, 1)), [100]))
