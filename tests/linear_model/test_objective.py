"""The objective against a loop over rows, finite differences, and itself on rearranged data."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import N_FEATURES, N_OUTPUTS, make_objective, objective_of, weights, with_data
from scipy.special import expit, log_expit, log_softmax, softmax
from threadpoolctl import threadpool_limits

from skxent._parallel import Workers, worker_threads
from skxent.linear_model._outputs import Sigmoid, Softmax
from skxent.linear_model._preconditioner import SampledHessian
from skxent.losses import LOSSES, CrossEntropy, Quadratic
from skxent.rows import BlockSizes

EVERY_LOSS = [LOSSES[name]() for name in LOSSES]
OUTPUTS = [Softmax(), Sigmoid()]


def softmax_cross_entropy(y, z):
    return -(y * log_softmax(z)).sum()


def softmax_quadratic(y, z):
    return 0.5 * ((np.exp(log_softmax(z)) - y) ** 2).sum()


def sigmoid_cross_entropy(y, z):
    return -(y * log_expit(z) + (1 - y) * log_expit(-z)).sum()


def sigmoid_quadratic(y, z):
    return ((expit(z) - y) ** 2).sum()


@pytest.mark.parametrize(
    ("output", "loss", "row_loss"),
    [
        (Softmax(), CrossEntropy(), softmax_cross_entropy),
        (Softmax(), Quadratic(), softmax_quadratic),
        (Sigmoid(), CrossEntropy(), sigmoid_cross_entropy),
        (Sigmoid(), Quadratic(), sigmoid_quadratic),
    ],
)
@pytest.mark.parametrize("n_outputs", [2, N_OUTPUTS])
def test_value_is_the_equation(output, loss, row_loss, n_outputs, rng):
    frequency = rng.random(40)
    objective = make_objective(rng, loss=loss, output=output, alpha=0.3, sample_weight=frequency, n_outputs=n_outputs)
    w = weights(rng, n_outputs=n_outputs)
    rows = [
        f * row_loss(y, x @ w[:-1] + w[-1])
        for f, x, y in zip(frequency, objective.rows.X, objective.rows.y, strict=True)
    ]
    expected = sum(rows) / frequency.sum() + 0.15 * (w[:-1] ** 2).sum()
    assert objective(w)[0] == pytest.approx(expected, rel=1e-13)
    assert objective.value(w) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_outputs", [2, N_OUTPUTS])
def test_gradient_by_finite_differences(output, loss, fit_intercept, n_outputs, rng):
    options = {"alpha": 0.1, "sample_weight": rng.random(40), "fit_intercept": fit_intercept, "n_outputs": n_outputs}
    objective = make_objective(rng, loss=loss, output=output, **options)
    w, h = weights(rng, n_outputs=n_outputs), 1e-6
    expected = np.empty_like(w)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = h
        expected[index] = (objective.value(w + step) - objective.value(w - step)) / (2 * h)
    if not fit_intercept:
        expected[-1] = 0
    np.testing.assert_allclose(objective(w)[1], expected, atol=1e-9)
    np.testing.assert_array_equal(objective.gradient(w), objective(w)[1])


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
@pytest.mark.parametrize("n_outputs", [2, N_OUTPUTS])
def test_labels_are_one_hot_rows(loss, n_outputs, rng):
    objective = make_objective(rng, loss=loss, n_outputs=n_outputs)
    labels, w = rng.integers(n_outputs, size=40), weights(rng, n_outputs=n_outputs)
    by_label = with_data(objective, objective.rows.X, labels)
    one_hot = with_data(objective, objective.rows.X, np.eye(n_outputs)[labels])
    assert by_label(w)[0] == one_hot(w)[0]
    np.testing.assert_array_equal(by_label(w)[1], one_hot(w)[1])


def test_intercept_gradient_is_the_mean_error(rng):
    """dC/db = a - y, on average over the rows."""
    for output in OUTPUTS:
        objective, w = make_objective(rng, output=output, alpha=0.5), weights(rng)
        p = output.probabilities(objective.rows.X @ w[:-1] + w[-1])
        np.testing.assert_allclose(objective(w)[1][-1], (p - objective.rows.y).mean(axis=0), atol=1e-15)


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
@pytest.mark.parametrize("output", OUTPUTS)
def test_weights_are_frequencies(output, loss, rng):
    objective, w = make_objective(rng, loss=loss, output=output, alpha=0.1), weights(rng)
    times = rng.integers(0, 4, size=40)
    weighted = with_data(objective, objective.rows.X, objective.rows.y, times.astype(float))
    repeated = with_data(
        objective, np.repeat(objective.rows.X, times, axis=0), np.repeat(objective.rows.y, times, axis=0)
    )
    assert weighted(w)[0] == pytest.approx(repeated(w)[0], rel=1e-13)
    np.testing.assert_allclose(weighted(w)[1], repeated(w)[1], atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("n_outputs", [2, N_OUTPUTS])
def test_sparse_data_are_dense_data(output, dtype, n_outputs, rng):
    objective = make_objective(rng, output=output, dtype=dtype, alpha=0.1, n_outputs=n_outputs)
    w = weights(rng, n_outputs=n_outputs)
    X = objective.rows.X * (rng.random(objective.rows.X.shape) < 0.4)
    dense, sparse = (with_data(objective, data, objective.rows.y) for data in (X, sp.csr_array(X)))
    eps = float(np.finfo(dtype).eps)
    assert dense(w)[0] == pytest.approx(sparse(w)[0], rel=8 * eps)
    np.testing.assert_allclose(dense(w)[1], sparse(w)[1], atol=8 * eps)


def test_single_precision_is_summed_in_double(rng):
    """A million rows of float32 lose nothing in the sum: the error stays that of one row."""
    n_rows, w = 1_000_000, weights(rng, 0.1)
    single = make_objective(rng, n_rows, dtype=np.float32)
    double = with_data(single, single.rows.X.astype(float), single.rows.y.astype(float))
    (value, gradient), (expected, expected_gradient) = single(w), double(w)
    assert value == pytest.approx(expected, rel=1e-7)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-7)


# Blocks of 500 rows or so, so that 30,000 make more of them than there are partial sums.
SMALL_BLOCKS = BlockSizes(logits_share=0, min_logits=500 * N_OUTPUTS, max_logits=500 * N_OUTPUTS)


@pytest.mark.parametrize("make_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_many_blocks_are_one(make_data, rng):
    n_rows, w = 30_000, weights(rng)
    objective = make_objective(rng, n_rows, sizes=SMALL_BLOCKS)
    objective.rows.X[rng.random(n_rows) < 0.3] = 0
    whole = with_data(objective, make_data(objective.rows.X), objective.rows.y)
    parts = [
        with_data(objective, make_data(objective.rows.X[rows]), objective.rows.y[rows])
        for rows in np.array_split(np.arange(n_rows), 100)
    ]
    assert whole(w)[0] == pytest.approx(np.mean([part(w)[0] for part in parts]), rel=1e-12)
    np.testing.assert_allclose(whole(w)[1], np.mean([part(w)[1] for part in parts], axis=0), atol=1e-13)


@pytest.mark.parametrize("n_rows", [1, 2, 4_097, 30_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_no_bit(n_rows, dtype, rng):
    w = weights(rng)
    weight = rng.random(n_rows).astype(dtype)
    objective = make_objective(rng, n_rows, dtype=dtype, sample_weight=weight, sizes=SMALL_BLOCKS)
    value, gradient = objective(w)
    for n_threads in (1, 2, 5):
        with ThreadPoolExecutor(n_threads) as pool:
            objective.rows.workers = Workers(map=pool.map)
            again, gradient_again = objective(w)
        assert again == value
        np.testing.assert_array_equal(gradient_again, gradient)


@pytest.mark.parametrize("n_outputs", [2, N_OUTPUTS])
@pytest.mark.parametrize("make_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_inputs_are_left_alone(make_data, n_outputs, rng):
    objective = make_objective(rng, sample_weight=rng.random(40), alpha=0.1, n_outputs=n_outputs)
    objective = with_data(objective, make_data(objective.rows.X), objective.rows.y, objective.rows.weight)
    w = weights(rng, n_outputs=n_outputs)
    data = (
        [objective.rows.X]
        if make_data is np.asarray
        else [objective.rows.X.data, objective.rows.X.indices, objective.rows.X.indptr]
    )
    for values in (*data, objective.rows.y, objective.rows.weight, w):
        values.flags.writeable = False
    objective(w)
    objective.value(w)
    SampledHessian()(objective, w, refine=True)(objective(w)[1])
    for batch in objective.batches(7):
        batch.gradient(w)


@pytest.mark.parametrize("sample_weight", [None, np.arange(40.0)])
def test_targets_are_counted_block_by_block(sample_weight, rng):
    tiny = BlockSizes(logits_share=0, min_logits=7 * N_OUTPUTS, max_logits=7 * N_OUTPUTS, min_rows=1)
    objective = make_objective(rng, sample_weight=sample_weight, sizes=tiny)
    assert objective.rows.block_rows == 7
    labels = with_data(objective, objective.rows.X, np.arange(40) % N_OUTPUTS, sample_weight)
    np.testing.assert_allclose(objective.mean_targets, np.average(objective.rows.y, 0, sample_weight))
    np.testing.assert_allclose(labels.mean_targets, np.average(np.eye(N_OUTPUTS)[labels.rows.y], 0, sample_weight))


def test_the_mean_targets_of_a_subset_are_its_own(rng):
    objective = make_objective(rng)
    np.testing.assert_allclose(objective.mean_targets, objective.rows.y.mean(axis=0))
    np.testing.assert_allclose(objective.subset(slice(3, 9)).mean_targets, objective.rows.y[3:9].mean(axis=0))


# --------------------------------------------------------------------------------------------------- batches


def rows_of(batch):
    """Return the rows in a batch of an objective whose row i is the i-th unit vector: those that the gradient shows."""
    _, gradient = batch(np.zeros((batch.rows.n_features + 1, batch.rows.n_outputs)))
    return np.flatnonzero(gradient[:-1].any(axis=1)).tolist()


def numbered(rng, n_rows=40):
    return with_data(make_objective(rng), np.eye(n_rows), np.arange(n_rows) % N_OUTPUTS)


def test_batches_are_consecutive(rng):
    batches = list(numbered(rng).batches(16))
    assert [rows_of(batch) for batch in batches] == [list(range(16)), list(range(16, 32)), list(range(32, 40))]
    assert [batch.total_weight for batch in batches] == [16, 16, 8]


@pytest.mark.parametrize("batch_size", [40, 41, 10**9])
def test_batches_as_large_as_the_data_are_the_data(batch_size, rng):
    (batch,) = numbered(rng).batches(batch_size)
    assert rows_of(batch) == list(range(40))


def test_batches_are_drawn_anew_for_each_pass(rng):
    objective, draws = numbered(rng), np.random.RandomState(3)
    first, second = ([rows_of(batch) for batch in objective.batches(16, draws)] for _ in range(2))
    for batches in (first, second):
        assert [len(rows) for rows in batches] == [16, 16, 8]
        assert sorted(row for rows in batches for row in rows) == list(range(40))
    assert first != second
    assert first == [rows_of(batch) for batch in objective.batches(16, np.random.RandomState(3))]


@pytest.mark.parametrize("make_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("make_rows", [lambda n: slice(3, n), lambda n: np.arange(n)[::-2]], ids=["slice", "indices"])
@pytest.mark.parametrize("n_together", [1, 2, 3, 100])
def test_batches_gathered_together_are_the_same(make_data, shuffle, make_rows, n_together, rng):
    objective = make_objective(rng)
    whole = with_data(objective, make_data(objective.rows.X), objective.rows.y, rng.random(40))
    objective, w = whole.subset(make_rows(40)), weights(rng)

    def gradients():
        return [batch.gradient(w) for batch in objective.batches(4, np.random.RandomState(3) if shuffle else None)]

    one_by_one = gradients()
    assert len(one_by_one) == -(-objective.n_rows // 4)
    rows = objective.rows
    rows.sizes = BlockSizes(batch_bytes=(4 * n_together + 1) * rows.bytes_per_row, min_bytes_for_batches=0)
    with threadpool_limits(2, user_api="blas"), worker_threads() as objective.rows.workers:
        np.testing.assert_allclose(gradients(), one_by_one, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_average_to_the_whole(weighted, shuffle, rng):
    """The mean of the batches, by their number of rows, is the objective: each is an unbiased estimate."""
    objective = make_objective(rng, alpha=0.2, sample_weight=rng.random(40) if weighted else None)
    w = weights(rng)
    values, gradients = zip(
        *(batch(w) for batch in objective.batches(16, np.random.RandomState(3) if shuffle else None)), strict=True
    )
    share = np.array([16, 16, 8]) / 40
    assert share @ values == pytest.approx(objective(w)[0], rel=1e-13)
    np.testing.assert_allclose(np.tensordot(share, gradients, 1), objective(w)[1], atol=1e-14)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("weighted", [False, True])
def test_intercept_only_is_the_best_model_without_features(output, weighted, rng):
    """A proper loss is least where the probabilities are the mean of the targets."""
    y = rng.choice(N_OUTPUTS, 5_000, p=[0.6, 0.3, 0.1])
    weight = rng.random(len(y)) if weighted else None
    objective = objective_of(np.zeros((len(y), N_FEATURES)), y, weight, output=output, alpha=0.1, n_outputs=N_OUTPUTS)
    w = np.zeros((N_FEATURES + 1, N_OUTPUTS))
    for _ in range(500):
        w -= objective(w)[1]
    assert objective.value(objective.intercept_only()) == pytest.approx(objective.value(w), rel=1e-6)
    without = with_data(objective, objective.rows.X, objective.rows.y, fit_intercept=False)
    assert not without.intercept_only().any()


@pytest.mark.parametrize(
    ("counts", "kept"), [([1, 2, 3, 4, 5], 0.5467), ([1000, 2000, 3000, 4000, 5000], 0.9995), ([3, 3, 2, 4, 3], 0)]
)
def test_frequencies_of_many_outputs_count_as_far_as_they_are_no_chance(counts, kept):
    """Two fifths of the variance of a draw from one in five are taken off: with five outputs two are left to say so."""
    shares = np.array(counts) / sum(counts)
    y = np.repeat(np.arange(5), counts)
    found = softmax(objective_of(np.zeros((len(y), 1)), y, n_outputs=5).intercept_only()[-1])
    np.testing.assert_allclose(found, 1 / 5 + kept * (shares - 1 / 5), atol=1e-5)
