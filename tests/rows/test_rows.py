"""The contract of rows, on those in memory and on a class of another kind; and a fit on the latter."""

import threading
import time
import tracemalloc
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from skxent._parallel import worker_threads
from skxent.linear_model._objective import Objective
from skxent.linear_model._outputs import Sigmoid, Softmax
from skxent.linear_model._problem import Problem
from skxent.losses import CrossEntropy
from skxent.rows import BlockSizes, MemoryRows, Part, Rows, _part, batches, reweighted, subset
from skxent.rows._part import fingerprints, logits_of
from skxent.solvers import LBFGS, SGD
from skxent.testing import check_rows


class ListRows(Rows):
    """Rows held as a list of arrays, as a file read chunk by chunk would be."""

    resident = False

    def __init__(self, parts, n_outputs):
        self.parts = [Part(*part) for part in parts]
        self.n_outputs = n_outputs
        self.n_rows = sum(part.n_rows for part in self.parts)
        self.n_features = self.parts[0].X.shape[1]
        self.dtype = self.parts[0].X.dtype
        self.nbytes = sum(part.X.nbytes for part in self.parts)
        self.bytes_per_row = self.nbytes / self.n_rows
        self.weighted = self.parts[0].weight is not None
        self.n_passes = 0

    def sum(self, function):
        self.n_passes += 1
        terms = zip(*(function(part) for part in self.parts), strict=True)
        return [np.sum([np.asarray(value, np.float64) for value in values], axis=0) for values in terms]

    def each(self, function, max_rows=None):
        for part in self.parts:
            size = max_rows or part.n_rows
            for start in range(0, part.n_rows, size):
                yield function(Part(*(None if v is None else v[start : start + size] for v in part)))

    def take(self, rows):
        whole = [None if values[0] is None else np.concatenate(values) for values in zip(*self.parts, strict=True)]
        return Part(*(None if values is None else values[rows] for values in whole))


def make_data(rng, n_rows=40, weighted=False, soft=False):
    X = rng.normal(size=(n_rows, 5))
    y = rng.dirichlet(np.ones(3), n_rows) if soft else rng.integers(3, size=n_rows)
    return X, y, rng.random(n_rows) if weighted else None


def as_list(X, y, weight, cuts=(7, 8, 30)):
    split = [np.split(values, cuts) if values is not None else [None] * (len(cuts) + 1) for values in (X, y, weight)]
    return ListRows(zip(*split, strict=True), n_outputs=3)


TINY = BlockSizes(logits_share=0, min_logits=9, max_logits=9, min_rows=1)
KINDS = {
    "array": lambda X, y, w: MemoryRows(X, y, w, n_outputs=3),
    "CSR": lambda X, y, w: MemoryRows(sp.csr_array(X), y, w, n_outputs=3),
    "small blocks": lambda X, y, w: MemoryRows(X, y, w, n_outputs=3, sizes=TINY),
    "list": as_list,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("soft", [False, True])
def test_every_kind_keeps_the_contract(kind, weighted, soft, rng):
    X, y, weight = make_data(rng, weighted=weighted, soft=soft)
    check_rows(KINDS[kind](X, y, weight), X, y, weight)


@pytest.mark.parametrize("kind", KINDS)
def test_a_subset_keeps_the_contract(kind, rng):
    X, y, weight = make_data(rng, weighted=True)
    rows = KINDS[kind](X, y, weight)
    for positions in (slice(3, 31), rng.permutation(40)[:25]):
        part = subset(rows, positions)
        check_rows(part, X[positions], y[positions], weight[positions])
        check_rows(subset(part, slice(2, 20)), X[positions][2:20], y[positions][2:20], weight[positions][2:20])
        other = rng.random(len(y[positions]))
        check_rows(reweighted(rows, np.arange(40)[positions], other), X[positions], y[positions], other)
        check_rows(reweighted(rows, np.arange(40)[positions], None), X[positions], y[positions])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_every_row_once(kind, shuffle, rng):
    X, y, weight = make_data(rng, weighted=True)
    draws = np.random.RandomState(3) if shuffle else None
    parts = list(batches(KINDS[kind](X, y, weight), 16, draws))
    order = np.random.RandomState(3).permutation(40) if shuffle else np.arange(40)
    assert [part.n_rows for part in parts] == [16, 16, 8]
    for part, positions in zip(parts, np.split(order, [16, 32]), strict=True):
        check_rows(part, X[positions], y[positions], weight[positions])


class Shifted(ListRows):
    def take(self, rows):
        return super().take(np.arange(self.n_rows)[rows] - 1)


class Unordered(ListRows):
    def each(self, function, max_rows=None):
        yield from reversed(list(super().each(function, max_rows)))


class Forgetful(ListRows):
    def sum(self, function):
        self.parts = self.parts[:-1] or self.parts
        return super().sum(function)


@pytest.mark.parametrize(
    ("kind", "message"),
    [(Shifted, "take.* returns other features"), (Unordered, "row by row in their order"), (Forgetful, "the sum of")],
)
def test_what_breaks_the_contract_is_named(kind, message, rng):
    X, y, _ = make_data(rng)
    rows = kind([(X[:9], y[:9], None), (X[9:], y[9:], None)], n_outputs=3)
    with pytest.raises(AssertionError, match=message):
        check_rows(rows, X, y)


def fit(rows, output, solver=None, tol=1e-14, **options):
    objective = Objective(Problem(CrossEntropy(), output, alpha=1e-2), rows)
    start = np.zeros((rows.n_features + 1, rows.n_outputs))
    solver = solver or LBFGS()
    return solver.solve(objective, start, max_iter=300, tol=tol, callback=lambda w, value: False, **options).w


@pytest.mark.parametrize("output", [Softmax(), Sigmoid()])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_fit_on_a_list_of_arrays_is_the_fit_on_one_array(output, weighted, rng):
    """With a start on a sample, and without steps on a surrogate, for which rows are read again and again."""
    X, y, weight = make_data(rng, 24_000, weighted)
    y = (X[:, :3] + rng.gumbel(size=(24_000, 3))).argmax(axis=1)
    listed = as_list(X, y, weight, cuts=(100, 9_000, 9_001))
    in_memory = fit(MemoryRows(X, y, weight, n_outputs=3), output)
    np.testing.assert_allclose(fit(listed, output), in_memory, atol=1e-6)
    assert listed.n_passes < 100


def test_passes_over_a_list_of_arrays_are_those_over_one_array(rng):
    X, y, weight = make_data(rng, weighted=True)
    options = {"batch_size": 7, "learning_rate": 0.1, "shuffle": True, "n_iter_no_change": 2, "tol": 0}
    found = [
        fit(rows, Softmax(), SGD(), **options, random_state=np.random.RandomState(0))
        for rows in (as_list(X, y, weight), MemoryRows(X, y, weight, n_outputs=3))
    ]
    np.testing.assert_allclose(*found, rtol=1e-10)


@pytest.mark.parametrize("positions", [[3, 4, 5, 6], [3, 5, 4, 6], [6, 5, 4, 3], [2], [], [4, 4], [0, 2, 3]])
def test_rows_in_a_row_are_not_copied(positions):
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10)
    rows = MemoryRows(X, y, y.astype(float), n_outputs=10).subset(np.array(positions, dtype=np.intp))
    part = rows.take(slice(0, len(positions)))
    np.testing.assert_array_equal(part.X, X[positions])
    np.testing.assert_array_equal(part.y, positions)
    np.testing.assert_array_equal(part.weight, positions)
    assert np.shares_memory(part.X, X) == (positions == [3, 4, 5, 6])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fingerprints_are_those_of_the_row(dtype, rng):
    X = rng.integers(-2, 3, size=(500, 6)).astype(dtype)
    X[X == 0] *= -1  # some zeros with a minus sign
    found = fingerprints(X)
    distinct, positions = np.unique(X + 0, axis=0, return_inverse=True)
    assert len(np.unique(found)) == len(distinct)
    positions = positions.ravel()  # NumPy 2.0 returns a column
    assert all(len(set(found[positions == k])) == 1 for k in range(len(distinct)))
    np.testing.assert_array_equal(fingerprints(sp.csr_array(X)), found)
    np.testing.assert_array_equal(fingerprints(X[::-1])[::-1], found)
    np.testing.assert_array_equal(fingerprints(X.astype(np.float64)), found)
    part = Part(X, np.arange(500) % 3, None)
    np.testing.assert_array_equal(part.target_fingerprints(3), Part(X, np.eye(3)[part.y], None).target_fingerprints(3))


@pytest.mark.parametrize("small_products", [False, True])
@pytest.mark.parametrize("n_outputs", [1, 3, 10])
@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sp.csr_array])
def test_logits_are_the_same_in_small_products(container, n_outputs, small_products, rng, monkeypatch):
    monkeypatch.setattr(_part, "has_small_products", lambda: small_products)
    monkeypatch.setattr(_part, "_SMALL_PRODUCT", 1_600)
    X, w = rng.normal(size=(100, 20)).astype(np.float32), rng.normal(size=(21, n_outputs))
    z = logits_of(container(X), w)
    np.testing.assert_allclose(z, X @ w[:-1] + w[-1], rtol=1e-12, atol=1e-12)
    assert z.flags.f_contiguous


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_weighted_totals_are_products_with_the_transpose(container, rng):
    X, factors = rng.normal(size=(100, 20)), np.asfortranarray(rng.normal(size=(100, 3)))
    part = Part(container(X), np.zeros(100, int), None)
    np.testing.assert_allclose(part.weighted_totals(factors), X.T @ factors, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n_outputs", [3, 30])
@pytest.mark.parametrize("weighted", [False, True])
def test_target_totals_are_those_of_the_targets_as_a_matrix(weighted, n_outputs, rng):
    y, weight = rng.integers(n_outputs - 1, size=500), rng.random(500) if weighted else None
    X = np.empty((500, 0))
    expected = Part(X, np.eye(n_outputs)[y], weight).target_totals(n_outputs)
    found = Part(X, y, weight).target_totals(n_outputs)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found.dtype == np.float64


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_sums_tell_that_all_is_finite(container, rng):
    X = rng.normal(size=(50_000, 40)) + np.arange(40)
    y = np.zeros(50_000, int)
    rows = MemoryRows(container(X), y, n_outputs=2)
    assert rows.surely_finite()
    if container is np.asarray:
        np.testing.assert_allclose(subset(rows, slice(3, 9)).means, X.mean(axis=0), rtol=1e-9)
        np.testing.assert_allclose(rows.mean_squares, (X**2).mean(axis=0), rtol=1e-9)
        assert subset(rows, slice(3, 9)).mean_squares is None
    for row in (0, 31_234, -1):
        assert not MemoryRows(container(changed(X, row, np.nan)), y, n_outputs=2).surely_finite()
        assert not MemoryRows(container(changed(X, row, -np.inf)), y, n_outputs=2).surely_finite()


def test_sums_of_huge_numbers_say_nothing(rng):
    X = np.full((50, 2), 1e308)
    rows = MemoryRows(X, np.zeros(50, int), n_outputs=2)
    assert not rows.surely_finite()
    assert rows.means is None


def changed(X, row, value):
    X = X.copy()
    X[row, 7] = value
    return X


# ------------------------------------------------------------------------------------------ sums by threads


def block_sums(function, n_threads, n_rows=60):
    X = np.random.default_rng(0).normal(size=(n_rows, 5)).astype(np.float32)
    with threadpool_limits(n_threads, user_api="blas"), worker_threads() as workers:
        rows = MemoryRows(X, np.zeros(n_rows, np.intp), n_outputs=3, workers=workers, sizes=TINY)
        return rows.sum(function)


def test_blocks_are_added_in_the_same_order_however_long_they_take(rng):
    delays = iter(rng.random(1_000) * 2e-3)

    def slow_squares(part):
        time.sleep(next(delays))
        return part.X.T @ part.X, part.X.sum()

    alone = block_sums(lambda part: (part.X.T @ part.X, part.X.sum()), 1)
    for n_threads in (2, 4):
        for found, expected in zip(block_sums(slow_squares, n_threads), alone, strict=True):
            assert found.dtype == np.float64
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n_rows", [1, 60], ids=["one block", "blocks"])
def test_terms_may_be_computed_late(n_rows):
    """Functions without arguments count as what they return, with the same bits for any number of threads."""

    def late(part, column):
        return part.X[:, column] @ part.X

    def terms(part):
        return part.X.sum(), *(partial(late, part, column) for column in range(5))

    expected = block_sums(lambda part: (part.X.sum(), *(part.X.T @ part.X)), 1, n_rows)
    alone = block_sums(terms, 1, n_rows)
    for found, known in zip(alone, expected, strict=True):
        np.testing.assert_allclose(found, known, rtol=1e-5, atol=1e-6)
    for n_threads in (2, 4):
        for found, known in zip(block_sums(terms, n_threads, n_rows), alone, strict=True):
            np.testing.assert_array_equal(found, known)


@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_an_error_in_a_block_ends_the_sum(n_threads):
    lock, calls = threading.Lock(), []

    def fails_once(part):
        with lock:
            calls.append(None)
            if len(calls) == 3:
                raise ZeroDivisionError
        time.sleep(1e-3)
        return (part.X.sum(),)

    with pytest.raises(ZeroDivisionError):
        block_sums(fails_once, n_threads)
    assert len(calls) <= 3 + n_threads


def test_sums_take_little_more_memory_than_two_terms(rng):
    """Many blocks whose terms are large, as the gradients of many outputs are."""
    n_bytes = 8 * 200_000

    def terms(part):
        return (np.full(200_000, part.X[0, 0], np.float64),)

    block_sums(terms, 1)
    tracemalloc.start()
    block_sums(terms, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * n_bytes
