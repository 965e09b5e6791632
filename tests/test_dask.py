"""Fits on a Dask cluster: the local result, the same bits with any number of workers and after one is killed."""

import os
import pickle
import signal
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.model_selection import GridSearchCV

from skxent import (
    CrossEntropySelector,
    SigmoidRegressor,
    SoftmaxRegressor,
    SoftmaxRegressorCV,
    UnigramLanguageModel,
    cli,
    cross_entropy_classif,
)
from skxent.label_noise import label_quality
from skxent.linear_model._objective import Objective
from skxent.linear_model._outputs import Softmax
from skxent.linear_model._problem import Problem
from skxent.linear_model._sampling import draw
from skxent.losses import CrossEntropy, Loss
from skxent.rows import MemoryRows
from skxent.solvers import LBFGS, SubsampledSurrogate
from skxent.testing import check_rows

dask = pytest.importorskip("dask", reason="the extra dask is not installed")
distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pytest.importorskip("dask.bag")
_dask = pytest.importorskip("skxent.rows._dask")
_tasks = pytest.importorskip("skxent.rows._tasks")
_worker_counts = pytest.importorskip("skxent.feature_selection._worker_counts")
_worker_sets = pytest.importorskip("skxent.feature_selection._worker_sets")
_distributed = pytest.importorskip("skxent.language_model._distributed")

pytestmark = pytest.mark.filterwarnings("default")

N_FEATURES, N_CLASSES = 6, 3
NAMES = [f"column {i}" for i in range(N_FEATURES)]
BOTH = [SoftmaxRegressor, SigmoidRegressor]


@pytest.fixture(autouse=True)
def _time_limit():
    """Dask waits rather than fails."""

    def stop(*_):
        raise TimeoutError("the test took more than two minutes")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def _small_partitions_stay_apart(request, monkeypatch):
    if "put_together" not in request.node.name:
        monkeypatch.setattr(_dask, "_BYTES_OF_A_TASK", 0)


@contextmanager
def cluster(n_workers, processes, n_threads=1):
    """Start workers; processes are forked from one that has imported what they need."""
    options = {"threads_per_worker": n_threads, "dashboard_address": ":0", "processes": processes, "protocol": None}
    options["protocol"] = "tcp" if processes else "inproc"
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        distributed.utils.get_mp_context().set_forkserver_preload(
            ["distributed", "skxent.linear_model", _dask.__name__]
        )
        with distributed.LocalCluster(n_workers=n_workers, **options) as local, distributed.Client(local) as client:
            yield client


@pytest.fixture(scope="module")
def processes():
    """Return the client of two worker processes."""
    with cluster(2, True) as client:
        yield client


@pytest.fixture
def here():
    """Run with threads of this process."""
    with dask.config.set(scheduler="threads"):
        yield


@pytest.fixture(params=["threads of this process", "two processes"])
def anywhere(request):
    """Run with the local scheduler, and on a cluster."""
    if request.param == "two processes":
        client = request.getfixturevalue("processes")
        with client.as_current():
            yield client
    else:
        with dask.config.set(scheduler="threads"):
            yield None


@pytest.fixture(scope="module")
def much():
    """Return features, labels and weights: enough rows for a start on a sample and steps on a surrogate."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(21_000, N_FEATURES)) * 10.0 ** np.arange(N_FEATURES)
    logits = X[:, :3] / [1, 10, 100] + rng.gumbel(size=(len(X), N_CLASSES))
    return X, logits.argmax(axis=1), rng.random(len(X))


@pytest.fixture(scope="module")
def data(much):
    return [values[:3000] for values in much]


def on_dask(*arrays, n_parts=3):
    size = -(-len(arrays[0]) // n_parts)
    return [da.from_array(values, chunks=(size, *([2] * (values.ndim - 1)))) for values in arrays]


def as_frame(X, y, n_parts=3):
    frame = pd.DataFrame(X, columns=NAMES)
    frame["label"] = np.array(["no", "perhaps", "yes"])[y]
    return dd.from_pandas(frame, npartitions=n_parts)


# ---------------------------------------------------------------------------------------------- the same result


def rows_on_dask(X, y, weight=None, n_parts=7):
    size = -(-len(X) // n_parts)
    parts = [None if values is None else da.from_array(values, chunks=size) for values in (X, y, weight)]
    table, labels, weight = _dask.DaskTable(parts[0]).checked(*parts[1:])
    return _dask.DaskRows(table, labels, weight, n_outputs=3)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_keep_the_contract(weighted, data):
    X, y, weight = (values[:500] for values in data)
    weight = weight if weighted else None
    rows = rows_on_dask(X, y, weight)
    check_rows(rows, X, y, weight)
    positions = np.flatnonzero(np.random.default_rng(0).random(500) < 0.7)
    chosen = rows.selected(positions)
    check_rows(chosen, X[positions], y[positions], None if weight is None else weight[positions])
    positions = positions[20:200]
    twice = chosen.selected(np.arange(20, 200))
    check_rows(twice, X[positions], y[positions], None if weight is None else weight[positions])
    other = np.random.default_rng(1).random(180)
    check_rows(chosen.reweighted(np.arange(20, 200), other), X[positions], y[positions], other)


@pytest.mark.parametrize(
    ("estimator", "options"),
    [
        (SoftmaxRegressor, {}),
        (SoftmaxRegressor, {"loss": "quadratic"}),
        (SigmoidRegressor, {"class_weight": "balanced", "fit_intercept": False}),
    ],
)
def test_a_fit_is_the_local_fit(estimator, options, much, anywhere):
    X, y, weight = much
    model = estimator(tol=1e-14, **options).fit(*on_dask(X, y), sample_weight=on_dask(weight)[0])
    local = estimator(tol=1e-14, **options).fit(X, y, weight)
    scale = X.std(axis=0)
    np.testing.assert_allclose(model.coef_ * scale, local.coef_ * scale, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, local.intercept_, atol=1e-6)
    assert model.n_iter_ <= local.n_iter_ + 2
    assert type(model.coef_) is np.ndarray


def test_soft_labels_and_float32(data, anywhere):
    X, y, _ = data
    X, soft = X.astype(np.float32), (0.9 * np.eye(3)[y] + 0.1 / 3).astype(np.float32)
    model = SoftmaxRegressor().fit(*on_dask(X, soft))
    local = SoftmaxRegressor().fit(X, soft)
    assert model.coef_.dtype == np.float32
    np.testing.assert_allclose(model.predict_proba(X), local.predict_proba(X), atol=1e-3)


def test_a_frame_with_its_target(data, anywhere):
    X, y, _ = data
    frame = as_frame(X, y)
    model = SoftmaxRegressor(tol=1e-14).fit(frame, y="label")
    local = SoftmaxRegressor(tol=1e-14).fit(X, y)
    scale = X.std(axis=0)
    np.testing.assert_allclose(model.coef_ * scale, local.coef_ * scale, atol=1e-6)
    assert model.classes_.tolist() == ["no", "perhaps", "yes"]
    assert model.feature_names_in_.tolist() == NAMES
    again = SoftmaxRegressor(tol=1e-14).fit(frame[NAMES], frame["label"])
    np.testing.assert_allclose(again.coef_, model.coef_, rtol=1e-9, atol=1e-12)
    assert model.score(frame, "label") == pytest.approx(local.score(X, y))


def test_a_frame_with_its_weights(data, anywhere):
    X, y, weight = data
    frame = as_frame(X, y).assign(weight=lambda f: f["column 0"].abs() + 0.1)
    weight = np.abs(X[:, 0]) + 0.1
    model = SoftmaxRegressor(tol=1e-14).fit(frame, y="label", sample_weight="weight")
    local = SoftmaxRegressor(tol=1e-14).fit(X, y, weight)
    scale = X.std(axis=0)
    np.testing.assert_allclose(model.coef_ * scale, local.coef_ * scale, atol=1e-6)
    assert model.feature_names_in_.tolist() == NAMES
    assert model.score(frame, "label", "weight") == pytest.approx(local.score(X, y, weight))
    with pytest.raises(ValueError, match="X has no column 'mass'; its columns: column 0"):
        model.fit(frame, "label", "mass")
    with pytest.raises(ValueError, match="X has no column 'w'; its columns: none, since X is an array"):
        model.fit(on_dask(X)[0], y, "w")
    with pytest.raises(ValueError, match="Negative values"):
        model.score(frame.assign(weight=-1.0), "label", "weight")


class Interrupted(LBFGS):
    """The solver, during which the user presses Ctrl-C."""

    def solve(self, objective, w0, *, max_iter, tol, callback):
        def watched(w, value):
            signal.raise_signal(signal.SIGINT)
            return callback(w, value)

        return super().solve(objective, w0, max_iter=max_iter, tol=tol, callback=watched)


def test_an_interrupt_leaves_the_model_as_it_was(data, anywhere):
    X, y, _ = data
    model = SoftmaxRegressor().fit(*on_dask(X, y))
    before = model.coef_.copy()
    with pytest.raises(KeyboardInterrupt):
        model.set_params(solver=Interrupted()).fit(*on_dask(X, y[::-1].copy()))
    np.testing.assert_array_equal(model.coef_, before)
    model.set_params(solver="lbfgs").fit(*on_dask(X, y))
    np.testing.assert_array_equal(model.coef_, before)


@pytest.mark.usefixtures("here")
def test_one_weight_for_all_rows(data):
    X, y, _ = data
    model, local = (SoftmaxRegressor(tol=1e-12).fit(rows, y, 2.0) for rows in (on_dask(X)[0], X))
    np.testing.assert_allclose(model.coef_, local.coef_, rtol=1e-5, atol=1e-8)


@pytest.mark.usefixtures("here")
def test_the_same_partition_twice_and_one_that_is_not_what_it_says(data):
    X, y, _ = (values[:600] for values in data)
    X = X / X.std(axis=0)
    part = da.from_delayed(dask.delayed(X), X.shape, X.dtype)
    twice = SoftmaxRegressor(tol=1e-13).fit(da.concatenate([part, part]), np.r_[y, y])
    local = SoftmaxRegressor(tol=1e-13).fit(np.r_[X, X], np.r_[y, y])
    np.testing.assert_allclose(twice.coef_, local.coef_, atol=1e-6)
    short = da.from_delayed(dask.delayed(X[:500]), X.shape, X.dtype)
    with pytest.raises(ValueError, match="1100 in X and 1200 in y"):
        SoftmaxRegressor().fit(da.concatenate([part, short]), np.r_[y, y])
    missing = da.from_delayed(dask.delayed(None), X.shape, X.dtype)
    with pytest.raises(ValueError, match="partition 1 of X has 0 dimensions"):
        SoftmaxRegressor().fit(da.concatenate([part, missing]), np.r_[y, y])


def test_futures_and_lists_of_collections_are_refused(data, processes):
    X, y, _ = (values[:300] for values in data)
    with processes.as_current():
        future = processes.submit(np.eye, 3)
        for arguments in ((future, y), (on_dask(X)[0], future), (X, y, future), ([future], y), (on_dask(X), y)):
            with pytest.raises(TypeError, match=r"a (distributed\.Future|dask\.Array), which is not in memory"):
                SoftmaxRegressor().fit(*arguments)


def test_odd_partitions(data, anywhere):
    """Some are empty, one has one class, sizes are unknown, and rows are sparse."""
    X, y, _ = data
    order = np.argsort(y, kind="stable")
    X, y = X[order] * (np.abs(X[order]) > 1), y[order]
    cuts = [0, 0, 5, 5, 1200, 3000]
    X_parts = [dask.delayed(sp.csr_matrix)(X[a:b]) for a, b in pairwise(cuts)]
    blocks = [da.from_delayed(part, (np.nan, N_FEATURES), meta=sp.csr_matrix((0, 0))) for part in X_parts]
    targets = [da.from_delayed(dask.delayed(y[a:b]), (np.nan,), int) for a, b in pairwise(cuts)]
    model = SoftmaxRegressor(tol=1e-13).fit(
        da.concatenate(blocks, allow_unknown_chunksizes=True), da.concatenate(targets)
    )
    local = SoftmaxRegressor(tol=1e-13).fit(sp.csr_array(X), y)
    np.testing.assert_allclose(model.predict_proba(X), local.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("estimator", BOTH)
def test_predictions_are_lazy_and_the_local_ones(estimator, data, anywhere):
    X, y, weight = data
    model = estimator().fit(X, y)
    X_there, y_there, weight_there = on_dask(X, y, weight)
    frame, named = as_frame(X, y)[NAMES], estimator().fit(pd.DataFrame(X, columns=NAMES), y)
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        expected = getattr(model, name)(X)
        for fitted, collection in ((model, X_there), (named, frame)):
            found = getattr(fitted, name)(collection)
            assert dask.is_dask_collection(found)
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found.compute(), expected, rtol=1e-9)
    assert model.score(X_there, y_there) == pytest.approx(model.score(X, y), abs=1e-12)
    assert model.score(X_there, y_there, weight_there) == pytest.approx(model.score(X, y, weight), abs=1e-12)


# ------------------------------------------------------------------------------- bits, rounds, tasks and bytes


def test_the_same_bits_with_any_number_of_workers(much, processes):
    X, y, _ = much
    found = []
    with processes.as_current():
        found.append(SoftmaxRegressor().fit(*on_dask(X, y)).coef_)
    for n_workers in (1, 3):
        with cluster(n_workers, False):
            found.append(SoftmaxRegressor().fit(*on_dask(X, y)).coef_)
    with dask.config.set(scheduler="threads"):
        found.append(SoftmaxRegressor().fit(*on_dask(X, y)).coef_)
    for coef in found[1:]:
        np.testing.assert_array_equal(coef, found[0])


class Kills(LBFGS):
    """The solver, with a worker that is killed in its third iteration."""

    victims = ()

    def solve(self, objective, w0, *, max_iter, tol, callback):
        n_calls = 0

        def with_a_murder(w, value):
            nonlocal n_calls
            n_calls += 1
            if n_calls == 3:
                for pid in self.victims:
                    os.kill(pid, signal.SIGKILL)
            return callback(w, value)

        return super().solve(objective, w0, max_iter=max_iter, tol=tol, callback=with_a_murder)


@pytest.mark.parametrize("n_parts", [3, 30])
def test_a_worker_that_is_killed_loses_nothing(n_parts, data, processes):
    X, y, _ = data
    with dask.config.set(scheduler="threads"):
        expected = SoftmaxRegressor(tol=1e-12).fit(*on_dask(X, y, n_parts=n_parts))
    with processes.as_current():
        victim, _ = processes.run(os.getpid).values()
        solver = Kills()
        vars(solver)["victims"] = (victim,)
        model = SoftmaxRegressor(tol=1e-12, solver=solver).fit(*on_dask(X, y, n_parts=n_parts))
        processes.wait_for_workers(2)
        assert victim not in processes.run(os.getpid).values()
    assert expected.n_iter_ > 4
    np.testing.assert_array_equal(model.coef_, expected.coef_)


def dies_in_round(n, client, module, monkeypatch):
    """Kill a worker in one of the rounds of a module, and return the list of their numbers of tasks."""
    compute, rounds = module.compute, []

    def with_a_murder(tasks):
        rounds.append(len(tasks))
        if len(rounds) == n:
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        return compute(tasks)

    monkeypatch.setattr(module, "compute", with_a_murder)
    return rounds


def test_a_worker_killed_while_features_are_counted_loses_nothing(data, processes, monkeypatch):
    X, y, _ = (values[:1000] for values in data)
    frame = pd.DataFrame(X, columns=NAMES)
    rounds = dies_in_round(5, processes, _worker_counts, monkeypatch)
    with processes.as_current():
        found = cross_entropy_classif(dd.from_pandas(frame, npartitions=3), y)
        processes.wait_for_workers(2)
    assert len(rounds) == 20
    np.testing.assert_array_equal(found, cross_entropy_classif(frame, y))


def test_a_worker_killed_while_a_set_of_features_is_chosen_loses_nothing(data, processes, monkeypatch):
    X, y, _ = (values[:1000] for values in data)
    frame = pd.DataFrame(X, columns=NAMES)
    rounds = dies_in_round(4, processes, _worker_sets, monkeypatch)
    selector, local = (CrossEntropySelector(redundancy="jmi", k=4, alpha=None) for _ in range(2))
    with processes.as_current():
        selector.fit(dd.from_pandas(frame, npartitions=3), y)
        processes.wait_for_workers(2)
    assert len(rounds) > 4
    assert selector.order_.tolist() == local.fit(frame, y).order_.tolist()
    np.testing.assert_array_equal(selector.gains_, local.gains_)


@pytest.fixture
def counted(monkeypatch):
    """Return a list of the rounds and tasks from now on."""
    found = []
    for module, name in ((_dask, "task"), (_dask, "compute"), (_tasks, "task")):
        original = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *args, name=name, original=original: (found.append(name), original(*args))[1]
        )
    return found


def evaluated(X, y, n_parts, counted):
    """Return the gradient of an objective, checked, and the numbers of rounds and tasks that it took."""
    rows = rows_on_dask(X, y, n_parts=n_parts)
    objective = Objective(Problem(CrossEntropy(), Softmax(), 0.1), rows)
    counted.clear()
    value, gradient = objective(np.ones((N_FEATURES + 1, 3)))
    rounds, tasks = counted.count("compute"), counted.count("task")
    local = Objective(objective.problem, MemoryRows(X, y, n_outputs=3))(np.ones((N_FEATURES + 1, 3)))
    assert value == pytest.approx(local[0])
    np.testing.assert_allclose(gradient, local[1])
    return gradient, rounds, tasks


def test_a_sum_is_one_round_of_a_task_for_each_thread_and_a_tree(data, counted, processes):
    """Without a client of a task for each of 20 partitions, 3 that add up to 8 each, and one that adds these."""
    X, y, _ = (values[:2000] for values in data)
    with dask.config.set(scheduler="threads"):
        expected, rounds, tasks = evaluated(X, y, 20, counted)
        assert (rounds, tasks) == (1, 20 + 3 + 1)
    with processes.as_current():
        gradient, rounds, tasks = evaluated(X, y, 20, counted)
        assert (rounds, tasks) == (1, 2 + 1)
    np.testing.assert_array_equal(gradient, expected)


def test_the_partitions_of_a_worker_are_divided_among_its_threads():
    X = [np.zeros(n) for n in (1, 1, 1, 5, 1, 1, 1, 1, 4, 8)]
    with cluster(1, False, n_threads=3):
        parts = dask.persist(*(_tasks.task(np.asarray, part) for part in X))
        assert _tasks.bundles(parts, [len(part) for part in X]) == [[0, 1, 2, 3], [4, 5, 6, 7, 8], [9]]
        assert _tasks.bundles(parts[:2], [1, 1]) == [[0], [1]]
    with cluster(3, False, n_threads=2) as client:
        parts = dask.persist(*(_tasks.task(np.asarray, part) for part in X))
        found = _tasks.bundles(parts, [1] * len(X))
        assert len(found) <= 6
        assert sorted(index for bundle in found for index in bundle) == list(range(len(X)))
        held = client.who_has(distributed.futures_of(list(parts)))
        client.replicate(distributed.futures_of(list(parts)))
        assert sorted(map(len, _tasks.bundles(parts, [1] * len(X)))) == [1, 1, 2, 2, 2, 2]
        for bundle in found:
            assert len({tuple(held[parts[index].key]) for index in bundle}) == 1


def test_what_a_task_returns_is_25_bytes_for_each_weight(data):
    """Whatever the number of its partitions."""
    rows = [np.ones((40, 500)), np.zeros(40, int), None, None]
    objective = Objective(Problem(CrossEntropy(), Softmax(), 0.1), MemoryRows(*rows[:2], n_outputs=3))
    sent, add = [], MemoryRows.sum
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            MemoryRows, "sum", lambda rows, function: (sent.append(_tasks.packed(function)), add(rows, function))[1]
        )
        objective(np.ones((501, 3)))
    sizes = [len(pickle.dumps(_dask._sum_of_parts(sent[0], 3, np.float64, n, *rows * n))) for n in (1, 5)]
    assert sizes[0] == sizes[1] < 25 * 501 * 3 + 1000


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_small_neighbours_are_put_together(kind, data, anywhere, monkeypatch):
    """So that there are not more tasks than work, and labels, weights and errors are still those of the partitions."""
    X, y, weight = data
    X = X / X.std(axis=0)
    there, labels, weights = (da.from_array(values, chunks=250) for values in (X, y, weight))
    there = there.rechunk({1: -1}).map_blocks(kind)
    n_bytes = _dask.bytes_of(kind(X[:250]))
    monkeypatch.setattr(_dask, "_BYTES_OF_A_TASK", 5 * n_bytes)
    table, column, _ = _dask.DaskTable(there).checked(labels, weights)
    assert len(table.parts) == len(column.parts) == len(table.sizes) == 3
    assert sum(table.sizes) == len(X)
    model = SoftmaxRegressor(tol=1e-13).fit(there, labels, weights)
    local = SoftmaxRegressor(tol=1e-13).fit(kind(X), y, weight)
    np.testing.assert_allclose(model.coef_, local.coef_, atol=1e-6)
    assert model.score(there, labels, weights) == pytest.approx(local.score(X, y, weight), abs=1e-12)
    with pytest.raises(ValueError, match="partition 7 of X: Input sample_weight contains NaN"):
        SoftmaxRegressor().fit(there, y, np.where(np.arange(len(X)) == 1800, np.nan, 1.0))
    monkeypatch.setattr(_dask, "_BYTES_OF_A_TASK", 8 * n_bytes)
    assert _dask._neighbours([n_bytes] * 20 + [9 * n_bytes] * 2 + [1, 1]) == [
        slice(0, 8), slice(8, 16), slice(16, 20), slice(20, 21), slice(21, 22), slice(22, 24)
    ]  # fmt: skip


def test_mixed_labels_are_not_put_together(data, here):
    X = on_dask(data[0])[0]
    with pytest.raises(ValueError, match="partition 1 of y are <U1, one a row, but those of partition 0 of y are fl"):
        SoftmaxRegressor().fit(X, mixed_labels())


def test_a_fit_is_a_round_for_each_evaluation_and_ten_more(much, monkeypatch):
    """For checks, labels, means and the sample."""
    X, y, _ = much
    rounds, evaluations = [], []
    compute, evaluate = _dask.compute, Objective.__call__

    def counted(objective, w):
        evaluations.extend([1] * (objective.rows.n_rows == len(X)))
        return evaluate(objective, w)

    monkeypatch.setattr(_dask, "compute", lambda tasks: (rounds.append(len(tasks)), compute(tasks))[1])
    monkeypatch.setattr(Objective, "__call__", counted)
    with dask.config.set(scheduler="threads"):
        SoftmaxRegressor().fit(*on_dask(X, y))
    assert len(evaluations) > 3
    assert len(rounds) <= len(evaluations) + 10


@pytest.mark.usefixtures("here")
def test_what_is_sent_for_a_sum_is_the_weights_and_little_more(data, monkeypatch):
    X, y, _ = (values[:200] for values in data)
    sizes = []
    original = _dask.packed

    def measured(function):
        sizes.append(len(original(function)))
        return original(function)

    monkeypatch.setattr(_dask, "packed", measured)
    found = []
    for times in (1, 500):
        rows = rows_on_dask(np.tile(X, (1, times)), y)
        Objective(Problem(CrossEntropy(), Softmax(), 0.1), rows)(np.ones((rows.n_features + 1, 3)))
        found.append(sizes[-1])
    assert found[0] < 10_000
    assert found[1] - found[0] <= 1.1 * 499 * N_FEATURES * 3 * 8


@pytest.mark.usefixtures("here")
def test_steps_on_a_surrogate_run_on_the_workers(much, monkeypatch):
    """Where partitions are large, and samples too large to be held here."""
    X, y, _ = much
    monkeypatch.setattr(_dask, "_WORTH_A_ROUND", 1)
    rows = rows_on_dask(X, y, n_parts=3)
    rows.sample_bytes = 100_000
    objectives = [
        Objective(Problem(CrossEntropy(), Softmax(), 1e-4), kind) for kind in (rows, MemoryRows(X, y, n_outputs=3))
    ]
    found = []
    for objective in objectives:
        w = np.zeros((N_FEATURES + 1, 3))
        estimate = SubsampledSurrogate()(objective, w, *objective(w))
        assert estimate.halves[0].rows.resident == objective.rows.resident
        found.append(estimate(w + 1e-6))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-9, atol=1e-9)


# --------------------------------------------------------------------------------- what else works on a cluster


@pytest.mark.usefixtures("here")
def test_the_sample_has_the_size_that_the_configuration_says(data):
    rows = rows_on_dask(*data[:2])
    assert rows.sample_bytes == 256_000_000
    with dask.config.set({"skxent.memory": 50_000}):
        rows = rows_on_dask(*data[:2])
        objective = Objective(Problem(CrossEntropy(), Softmax(), 0.1), rows)
        assert draw(objective, 10_000).rows.n_rows == 50_000 // (8 * N_FEATURES)


def test_small_data_are_kept_without_a_client(data):
    n_made = []

    def make(part):
        n_made.append(1)
        return part

    X, y, _ = data
    for memory, least, most in ((1e9, 3, 6), (1000, 9, np.inf)):
        n_made.clear()
        with dask.config.set({"scheduler": "threads", "skxent.memory": memory}):
            there = da.from_array(X, chunks=1000).map_blocks(make, dtype=X.dtype, meta=np.empty((0, 0)))
            SoftmaxRegressor(max_iter=3, tol=1).fit(there, y)
        assert least <= len(n_made) <= most


class Mine(Loss):
    """A loss that no worker has heard of."""

    def pointwise(self, y, p, log_p):
        return -(y * log_p).sum(axis=1), -y


def test_a_loss_of_ones_own_travels(data, processes):
    X, y, _ = data
    with processes.as_current():
        model = SoftmaxRegressor(Mine()).fit(*on_dask(X, y))
    np.testing.assert_allclose(model.coef_, SoftmaxRegressor().fit(X, y).coef_, rtol=1e-3, atol=1e-4)


def test_a_module_that_workers_lack_is_said_to_be_sent():
    def missing():
        import a_module_that_nobody_has  # noqa: F401

    with dask.config.set(scheduler="threads"), pytest.raises(ModuleNotFoundError) as caught:
        _tasks.compute([_tasks.task(missing)])
    assert "client.upload_file" in caught.value.__notes__[0]


def test_early_stopping(data, anywhere):
    X, y, _ = data
    model, local = (
        SoftmaxRegressor(early_stopping=True, random_state=0).fit(*given) for given in (on_dask(X, y), (X, y))
    )
    np.testing.assert_allclose(model.validation_scores_, local.validation_scores_, rtol=1e-6)


def test_a_penalty_is_chosen_as_locally(data, processes):
    X, y, _ = data
    with processes.as_current():
        model = SoftmaxRegressorCV(alphas=[1e-3, 1.0], cv=2).fit(*on_dask(X, y))
    local = SoftmaxRegressorCV(alphas=[1e-3, 1.0], cv=2).fit(X, y)
    np.testing.assert_allclose(model.scores_, local.scores_, rtol=1e-5)


def test_partial_fit_takes_a_pass_over_the_partitions(data, anywhere):
    X, y, _ = data
    X = X / X.std(axis=0)
    model = SoftmaxRegressor(learning_rate=0.05, random_state=0)
    for _ in range(2):
        model.partial_fit(*on_dask(X, y), classes=[0, 1, 2])
    assert model.n_iter_ == 2
    assert model.score(X, y) > 0.95 * SoftmaxRegressor().fit(X, y).score(X, y)


def test_incremental_of_dask_ml(data, processes):
    wrappers = pytest.importorskip("dask_ml.wrappers", reason="dask-ml is not installed")
    X, y, _ = data
    X = X / X.std(axis=0)
    there = on_dask(X)[0].rechunk({1: -1}), on_dask(y)[0]
    with processes.as_current():
        model = wrappers.Incremental(SoftmaxRegressor(learning_rate=0.05, random_state=0), shuffle_blocks=False)
        model.fit(*there, classes=[0, 1, 2])
        assert dask.is_dask_collection(model.predict(there[0]))
        score = model.score(*there)
    assert score == pytest.approx(model.estimator_.score(X, y))
    local = SoftmaxRegressor(learning_rate=0.05, random_state=0)
    for start in range(0, 3000, 1000):
        local.partial_fit(X[start : start + 1000], y[start : start + 1000], classes=[0, 1, 2])
    np.testing.assert_allclose(model.estimator_.coef_, local.coef_, rtol=1e-12)


def test_a_grid_search_on_a_cluster_is_the_local_one(data, processes):
    X, y, _ = data
    searches = [GridSearchCV(SoftmaxRegressor(), {"alpha": [1e-4, 1.0]}, cv=3) for _ in range(2)]
    with processes.as_current(), joblib.parallel_config("dask"):
        searches[0].fit(X, y)
    searches[1].fit(X, y)
    np.testing.assert_allclose(*(search.cv_results_["mean_test_score"] for search in searches))


# --------------------------------------------------------------------------------------------- what goes wrong


@pytest.mark.usefixtures("here")
def test_a_column_of_strings_is_named(data):
    X, y, _ = (values[:100] for values in data)
    with pytest.raises(ValueError, match=r"could not convert string to float: '(no|yes|perhaps)' .column 'label'"):
        SoftmaxRegressor().fit(as_frame(X, y, 2), y)


@pytest.mark.usefixtures("here")
def test_what_cannot_be_is_said(data):
    X, y, weight = (values[:100] for values in data)
    there = da.from_array(X, chunks=50)
    with pytest.raises(ValueError, match=r"partition 1 of X: Input X contains NaN. .* column 0, row 20"):
        SoftmaxRegressor().fit(da.from_array(np.where(np.arange(100)[:, np.newaxis] == 70, np.nan, X), chunks=50), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples: 100 in X and 99 in y"):
        SoftmaxRegressor().fit(there, y[:99])
    with pytest.raises(ValueError, match="Negative values"):
        SoftmaxRegressor().fit(there, y, sample_weight=-weight)
    with pytest.raises(ValueError, match="y has only one class"):
        SoftmaxRegressor().fit(there, da.zeros(100, chunks=50))
    with pytest.raises(ValueError, match="requires y to be passed"):
        SoftmaxRegressor().fit(there)
    with pytest.raises(ValueError, match="X has no column 'label'"):
        SoftmaxRegressor().fit(there, "label")
    with pytest.raises(TypeError, match=r"y is a dask\.Array, which is not in memory"):
        SoftmaxRegressor().fit(X, da.from_array(y))
    with pytest.raises(TypeError, match=r"dask.*only arrays and frames"):
        SoftmaxRegressor().fit(dask.delayed(X), y)
    with pytest.raises(ValueError, match="3 features"):
        SoftmaxRegressor().fit(X, y).predict(there[:, :3])


# ------------------------------------------------------------------------------------------- partitions at the edges


@pytest.mark.usefixtures("here")
def test_targets_and_weights_in_other_chunks(data):
    X, y, weight = data
    expected = SoftmaxRegressor().fit(*on_dask(X, y), on_dask(weight)[0])
    there = on_dask(X)[0]
    mask = there[:, 0] > -np.inf
    others = da.from_array(y, chunks=700), da.from_array(weight, chunks=450)
    for features in (there, da.from_array(X, chunks=(1000, 2)), there[mask]):
        np.testing.assert_array_equal(SoftmaxRegressor().fit(features, *others).coef_, expected.coef_)
    model = SoftmaxRegressor().fit(there, pd.Series(y), weight.tolist())
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert expected.score(there, da.from_array(y, chunks=450)) == pytest.approx(expected.score(X, y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples: 3000 in X and 2999 in y"):
        SoftmaxRegressor().fit(there, da.from_array(y[:-1], chunks=450))
    with pytest.raises(ValueError, match=r"X has 3 partitions and y has 7, of sizes that are not known"):
        SoftmaxRegressor().fit(there, da.from_array(y, chunks=450)[da.from_array(y, chunks=450) >= 0])


def of_parts(*parts):
    """Return an array of partitions that say nothing about their sizes and kinds."""
    blocks = [da.from_delayed(dask.delayed(part, traverse=False), (np.nan, N_FEATURES), float) for part in parts]
    return da.concatenate(blocks, allow_unknown_chunksizes=True)


@pytest.mark.usefixtures("here")
def test_partitions_of_several_kinds(data):
    X, y = data[0] / data[0].std(axis=0), data[1]
    for kinds in ((np.asarray, sp.csr_array, np.float32), (sp.csr_matrix, np.asarray, sp.coo_array)):
        there = of_parts(*(kind(part) for kind, part in zip(kinds, np.split(X, 3), strict=True)))
        model = SoftmaxRegressor(tol=1e-12).fit(there, y)
        assert model.coef_.dtype == np.float64
        np.testing.assert_allclose(model.coef_, SoftmaxRegressor(tol=1e-12).fit(X, y).coef_, atol=2e-5)


@pytest.mark.usefixtures("here")
def test_columns_that_hold_numbers_in_other_ways(data):
    """Numbers as objects, decimals, PyArrow's and pandas' own."""
    pyarrow = pytest.importorskip("pyarrow")
    X, y = np.round(data[0][:600] / data[0][:600].std(axis=0), 3), data[1][:600]
    frame = pd.DataFrame(X, columns=NAMES)
    expected = SoftmaxRegressor(tol=1e-12).fit(X, y)
    decimals = [Decimal(f"{value:.3f}") for value in X[:, 0]]
    with dask.config.set({"dataframe.convert-string": False}):
        for column in (
            X[:, 0].astype(object),
            pd.array(X[:, 0], dtype="Float64"),
            pd.array(X[:, 0], dtype="double[pyarrow]"),
            pd.array(decimals, dtype=pd.ArrowDtype(pyarrow.decimal128(12, 3))),
        ):
            there = dd.from_pandas(frame.assign(**{NAMES[0]: column}), npartitions=3)
            model = SoftmaxRegressor(tol=1e-12).fit(there, y)
            np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-7)


@pytest.mark.usefixtures("here")
def test_sparse_arrays_that_are_not_of_scipy(data):
    sparse = pytest.importorskip("sparse")
    X, y = data[0] / data[0].std(axis=0), data[1]
    there = on_dask(X)[0].map_blocks(lambda part: sparse.COO(part * (np.abs(part) > 1)))
    local = SoftmaxRegressor(tol=1e-12).fit(sp.csr_array(X * (np.abs(X) > 1)), y)
    np.testing.assert_allclose(SoftmaxRegressor(tol=1e-12).fit(there, y).coef_, local.coef_, atol=1e-6)


@pytest.mark.usefixtures("here")
def test_validation_data_on_workers(data):
    X, y, weight = data
    local = SoftmaxRegressor(scoring="accuracy").fit(X, y, X_val=X, y_val=y, sample_weight_val=weight)
    there = on_dask(X, y, weight)
    model = SoftmaxRegressor(scoring="accuracy").fit(X, y, X_val=there[0], y_val=there[1], sample_weight_val=there[2])
    np.testing.assert_array_equal(model.validation_scores_, local.validation_scores_)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("estimator", BOTH)
def test_one_column_of_labels(estimator, data):
    X, y, _ = data
    expected, frame = estimator().fit(*on_dask(X, y)), as_frame(X, y)
    for labels in (y[:, np.newaxis], da.from_array(y[:, np.newaxis], chunks=700)):
        found = estimator().fit(on_dask(X)[0], labels)
        np.testing.assert_array_equal(found.coef_, expected.coef_)
        assert found.score(on_dask(X)[0], labels) == pytest.approx(expected.score(X, y))
    assert estimator().fit(frame[NAMES], frame[["label"]]).classes_.tolist() == ["no", "perhaps", "yes"]


@pytest.mark.usefixtures("here")
def test_one_column_of_probabilities(data):
    X, _, weight = data
    model, local = (
        SigmoidRegressor().fit(*given) for given in (on_dask(X, weight[:, np.newaxis]), (X, weight[:, np.newaxis]))
    )
    np.testing.assert_allclose(model.predict_proba(X), local.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X: X[:, X[0] > 0], ValueError, "number of columns that is not known"),
        (lambda X: X[:, :0], ValueError, "X has no columns"),
        (lambda X: X + 1j, ValueError, r"partition \d of X holds complex128"),
        (lambda X: X.astype("M8[s]"), ValueError, r"partition \d of X holds datetime64"),
        (
            lambda X: X.astype(object).map_blocks(lambda part: np.where(part > 3, "red", part)),
            ValueError,
            "column .* of part",
        ),
        (lambda X: X[X[:, 0] > np.inf], ValueError, "no partition of X has rows"),
        (lambda X: of_parts(np.eye(N_FEATURES), np.eye(3)), ValueError, "partition 1 of X has 3 columns, not 6"),
        (lambda X: X[:, 0], ValueError, "X has 1 dimensions"),
    ],
)
def test_features_that_cannot_be_are_refused(change, error, message, data):
    X, y = on_dask(*data[:2])
    with dask.config.set(scheduler="threads"), pytest.raises(error, match=message):
        SoftmaxRegressor().fit(change(X), y)


def mixed_labels():
    parts = [dask.delayed(np.full(1000, value)) for value in (0.0, "a", "a")]
    return da.concatenate([da.from_delayed(part, (1000,), object) for part in parts])


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (lambda y: dask.delayed(y), TypeError, "is no array, series or frame of Dask"),
        (lambda y: dask.bag.from_sequence(y.tolist(), npartitions=3), TypeError, "Bag is no array, series or frame"),
        (lambda y: pl.LazyFrame({"y": y}), TypeError, r"y is a polars\.LazyFrame, which is not in memory"),
        (lambda y: "label", ValueError, "X has no column 'label'"),
        (
            lambda y: da.from_array(np.where(np.arange(3000) % 2, y, y.astype(str).astype(object)), chunks=1000),
            TypeError,
            r"labels of partition \d of y are of the types int, str, which have no order",
        ),
        (
            lambda y: da.from_array(np.where(np.arange(3000) < 1000, y, y.astype(str).astype(object)), chunks=1000),
            TypeError,
            "labels of y are of the types int, str, which have no order",
        ),
        (
            lambda y: da.from_array(np.where(y == 2, np.nan, y), chunks=1000),
            ValueError,
            r"partition \d of X: Input y cont",
        ),
        (lambda y: da.from_array(np.eye(3)[y] / 2, chunks=(1000, 1)), ValueError, "sums to 0.5"),
        (
            lambda y: mixed_labels(),
            ValueError,
            "partition 1 of y are <U1, one a row, but those of partition 0 of y are fl",
        ),
    ],
)
def test_targets_that_cannot_be_are_refused(y, error, message, data):
    with dask.config.set(scheduler="threads"), pytest.raises(error, match=message):
        SoftmaxRegressor().fit(on_dask(data[0])[0], y(data[1]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: f.assign(b=pd.array([None, *[1] * 89], dtype="Int64")),
            "partition 0 of X: Input X contains NaN.*'b', row 0",
        ),
        (lambda f: f.assign(b=np.inf), r"partition \d of X: Input X contains infinity.*'b', row 0"),
        (lambda f: f.assign(b=pd.Categorical(["u"] * 90)), "column 'b' of X holds category"),
        (lambda f: f.assign(b=pd.Timestamp("2020-01-01")), "column 'b' of X holds datetime64"),
        (lambda f: f.assign(y=pd.array([None, *[1] * 89], dtype="Int64")), "partition 0 of X: Input y contains NaN"),
        (lambda f: f.assign(y=pd.array([None, *["u"] * 89], dtype="string")), "partition 0 of X: Input y contains NaN"),
        (lambda f: f.rename(columns={"b": "a"}), "Expected unique column names"),
        (lambda f: f[["y"]], "X has no columns"),
        (lambda f: f.drop(columns="y"), "X has no column 'y'; its columns: a, b"),
    ],
)
def test_frames_that_cannot_be_are_refused(change, message):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(90, 2)), columns=["a", "b"]).assign(y=np.arange(90) % 2)
    with dask.config.set(scheduler="threads"), pytest.raises(ValueError, match=message):
        SoftmaxRegressor().fit(dd.from_pandas(change(frame), npartitions=3), y="y")


def test_the_index_of_a_frame_does_not_matter(data):
    X, y, weight = (values[:300] for values in data)
    frame = pd.DataFrame(X, columns=NAMES).assign(label=y, weight=weight)
    expected = SoftmaxRegressor().fit(X, y, weight).coef_
    with dask.config.set(scheduler="threads"):
        for index in (np.arange(300)[::-1], np.zeros(300, int), np.random.default_rng(0).permutation(300)):
            there = dd.from_pandas(frame.set_index(index), npartitions=3, sort=False)
            model = SoftmaxRegressor().fit(there[NAMES], there["label"], there["weight"])
            np.testing.assert_allclose(model.coef_, expected, rtol=1e-4, atol=1e-6)


def test_scores_of_collections_are_checked(data):
    X, y, _ = (values[:300] for values in data)
    model, there = SoftmaxRegressor().fit(X, y), on_dask(X, y)
    with dask.config.set(scheduler="threads"):
        with pytest.raises(ValueError, match="all weights are 0"):
            model.score(*there, np.zeros(300))
        with pytest.raises(ValueError, match="X has no targets; pass y"):
            model.score(there[0])
        with pytest.raises(TypeError, match=r"sample_weight is a polars\.LazyFrame"):
            model.score(*there, pl.LazyFrame({"weight": y}))


def test_frames_that_cannot_be_predicted_are_refused(data):
    X, y, _ = (values[:90] for values in data)
    frame = pd.DataFrame(X, columns=NAMES)
    model = SoftmaxRegressor().fit(frame, y)
    with dask.config.set(scheduler="threads"):
        with pytest.raises(ValueError, match=r"'red' .column 'column 1' of X holds string"):
            model.predict(dd.from_pandas(frame.assign(**{NAMES[1]: "red"}), npartitions=2))
        empty = frame.assign(**{NAMES[1]: pd.array([None] * 90, dtype="Int64")})
        with pytest.raises(ValueError, match="Input X contains NaN"):
            model.predict(dd.from_pandas(empty, npartitions=2)).compute()
        whole = frame.assign(**{NAMES[1]: pd.array([1] * 90, dtype="Int64")})
        np.testing.assert_array_equal(model.predict(dd.from_pandas(whole, npartitions=2)), model.predict(whole))


def test_wrong_labels_are_not_looked_for_on_workers(data):
    with pytest.raises(TypeError, match=r"X is a dask\.Array, which is not in memory"):
        label_quality(SoftmaxRegressor(), *on_dask(*data[:2]))


def test_scattered_data_are_said_to_be_lost(data, processes):
    """Their worker was closed, and nobody knows how to make them again."""
    X, y, _ = data
    with processes.as_current():
        address, pid = next(iter(processes.run(os.getpid).items()))
        future = processes.scatter(X, workers=[address])
        there = da.from_delayed(dask.delayed(future), X.shape, X.dtype)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(RuntimeError, match="they were scattered"):
            SoftmaxRegressor().fit(there, y)


# -------------------------------------------------------------------------------------------------------- text


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(300)])
    return [" ".join(words[rng.zipf(1.5, 50) % 300]) for _ in range(40)]


def test_a_bag_of_documents_is_counted_by_the_workers(texts, anywhere):
    bag = dask.bag.from_sequence(texts, npartitions=10)
    model = UnigramLanguageModel().fit(bag)
    local = UnigramLanguageModel().fit(texts)
    assert model.counts_.table.equals(local.counts_.table)
    # Words are added up in another order.
    assert model.cross_entropy(bag) == pytest.approx(local.cross_entropy(texts), rel=1e-14)
    model.partial_fit(bag)
    assert model.counts_.n_tokens == 2 * local.counts_.n_tokens
    with pytest.raises(TypeError, match=r"dask.*Bag, whose documents are not read here"):
        model.score_samples(bag)
    with pytest.raises(ValueError, match="sample_weight is not supported"):
        model.fit(bag, sample_weight=np.ones(40))
    with pytest.raises(TypeError, match="only a bag holds documents"):
        model.fit(da.zeros(3))


def test_a_bag_of_files(texts, tmp_path, anywhere):
    paths = [tmp_path / f"{i}.txt" for i in range(8)]
    for i, path in enumerate(paths):
        path.write_text("\n".join(texts[5 * i : 5 * i + 5]))
    model = UnigramLanguageModel(input="filename", smoothing="kneser_ney").fit(dask.bag.from_sequence(paths))
    local = UnigramLanguageModel(input="filename", smoothing="kneser_ney").fit(paths)
    assert model.smoothing_parameter_ == local.smoothing_parameter_
    assert model.evaluate(paths[:3]) == local.evaluate(paths[:3])


@pytest.mark.parametrize("options", [[], ["--per", "file", "--format", "csv"], ["--eos", "--smoothing", "witten_bell"]])
def test_the_command_says_the_same_with_a_cluster(options, texts, tmp_path, processes, capsys, monkeypatch):
    monkeypatch.setattr("skxent.language_model._distributed._BYTES_TOGETHER", 3000)
    for i in range(8):
        (tmp_path / f"{i}.txt").write_text("\n".join(texts[5 * i : 5 * i + 5]) + "\n")
    arguments = ["--quiet", *options, str(tmp_path / "*.txt")]
    printed = []
    for more in ([], ["--dask", processes.scheduler.address]):
        assert cli.main([*more, *arguments]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "perplexity" in printed[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--per", "line", "a.txt"], "a figure for each line looks at lines"),
        (["--confidence", "0.9", "a.txt"], "--confidence looks at lines"),
        (["-"], "cannot read standard input"),
    ],
)
def test_what_a_cluster_cannot_do_is_said(options, message, capsys):
    with pytest.raises(SystemExit):
        cli.main(["--dask", "tcp://127.0.0.1:1", *options])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "code", "message"),
    [
        ("tcp://127.0.0.1:1", 1, "tcp://127.0.0.1:1: no scheduler of Dask answers"),
        ("nowhere", 2, "'nowhere' is no address of a scheduler"),
        ("post://127.0.0.1:1", 2, "'post://127.0.0.1:1' is no address of a scheduler"),
    ],
)
def test_an_address_without_a_scheduler_is_named(address, code, message, tmp_path, capsys):
    (tmp_path / "a.txt").write_text("a b\n")
    with dask.config.set({"distributed.comm.timeouts.connect": "200ms", "scheduler": "threads"}):
        assert cli.main(["--dask", address, str(tmp_path / "a.txt")]) == code
        assert dask.config.get("scheduler") == "threads"
    assert message in capsys.readouterr().err


def test_a_scheduler_without_workers_is_not_waited_for(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("skxent.language_model._distributed._SECONDS_FOR_WORKERS", 0.1)
    (tmp_path / "a.txt").write_text("a b\n")
    with distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp", dashboard_address=":0") as empty:
        assert cli.main(["--dask", empty.scheduler_address, str(tmp_path / "a.txt")]) == 1
    assert "the scheduler has no workers after 0.1 s" in capsys.readouterr().err


def test_files_that_workers_do_not_see_or_see_otherwise_are_named(tmp_path, processes, capsys, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("a b\n")
    monkeypatch.setattr("os.path.getsize", lambda _: 5)
    assert cli.main(["--dask", processes.scheduler.address, str(path)]) == 1
    message = capsys.readouterr().err
    assert f"{path}: a worker (" in message
    assert "it has 4 bytes there and 5 here; files must be on storage that all workers share" in message
    monkeypatch.undo()
    with pytest.raises(OSError, match="No such file or directory; files must be on storage that all workers share"):
        _distributed._count_named([(str(tmp_path / "b.txt"), 4)], {})


def test_gradients_of_many_outputs_in_panels(here, rng):
    """So many weights that their gradients are summed a panel of columns at a time.

    Partitions have few rows of each class; that is nothing to warn of, as no warning may come here.
    """
    X, y = rng.normal(size=(900, 170)).astype(np.float32), np.arange(900) % 400
    local = SoftmaxRegressor(alpha=1e-2, max_iter=4, tol=0).fit(X, y)
    far = SoftmaxRegressor(alpha=1e-2, max_iter=4, tol=0).fit(
        da.from_array(X, chunks=(450, 170)), da.from_array(y, 450)
    )
    assert far.loss_curve_[-1] == pytest.approx(local.loss_curve_[-1], rel=1e-5)
