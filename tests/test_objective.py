"""The objective against a loop over rows, finite differences, and itself on rearranged data."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import expit, log_expit, log_softmax
from threadpoolctl import threadpool_limits

from skxent._parallel import Workers, worker_threads
from skxent.activations import Sigmoid, Softmax
from skxent.losses import LOSSES, CrossEntropy, Quadratic
from skxent.objective import Objective

EVERY_LOSS = [LOSSES[name]() for name in LOSSES]
ACTIVATIONS = [Softmax(), Sigmoid()]
N_FEATURES, N_OUTPUTS = 5, 3


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def make_objective(
    rng, n_rows=40, *, loss=EVERY_LOSS[0], activation=ACTIVATIONS[0], dtype=float, n_outputs=N_OUTPUTS, **options
):
    X = rng.normal(size=(n_rows, N_FEATURES)).astype(dtype)
    y = rng.dirichlet(np.ones(n_outputs), n_rows).astype(dtype)
    return Objective(X, y, loss=loss, activation=activation, n_outputs=n_outputs, **options)


def with_data(objective, X, y, sample_weight=None, **options):
    """Return the same objective on other data."""
    settings = {name: getattr(objective, name) for name in ("loss", "activation", "n_outputs", "alpha")}
    return Objective(X, y, sample_weight=sample_weight, **{**settings, **options})


def weights(rng, scale=1.0, n_outputs=N_OUTPUTS):
    return scale * rng.normal(size=(N_FEATURES + 1, n_outputs))


def softmax_cross_entropy(y, z):
    return -(y * log_softmax(z)).sum()


def softmax_quadratic(y, z):
    return 0.5 * ((np.exp(log_softmax(z)) - y) ** 2).sum()


def sigmoid_cross_entropy(y, z):
    return -(y * log_expit(z) + (1 - y) * log_expit(-z)).sum()


def sigmoid_quadratic(y, z):
    return ((expit(z) - y) ** 2).sum()


@pytest.mark.parametrize(
    ("activation", "loss", "row_loss"),
    [
        (Softmax(), CrossEntropy(), softmax_cross_entropy),
        (Softmax(), Quadratic(), softmax_quadratic),
        (Sigmoid(), CrossEntropy(), sigmoid_cross_entropy),
        (Sigmoid(), Quadratic(), sigmoid_quadratic),
    ],
)
@pytest.mark.parametrize("n_outputs", [2, N_OUTPUTS])
def test_value_is_the_equation(activation, loss, row_loss, n_outputs, rng):
    frequency = rng.random(40)
    objective = make_objective(
        rng, loss=loss, activation=activation, alpha=0.3, sample_weight=frequency, n_outputs=n_outputs
    )
    w = weights(rng, n_outputs=n_outputs)
    rows = [f * row_loss(y, x @ w[:-1] + w[-1]) for f, x, y in zip(frequency, objective.X, objective.y, strict=True)]
    expected = sum(rows) / frequency.sum() + 0.15 * (w[:-1] ** 2).sum()
    assert objective(w)[0] == pytest.approx(expected, rel=1e-13)
    assert objective.value(w) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_outputs", [2, N_OUTPUTS])
def test_gradient_by_finite_differences(activation, loss, fit_intercept, n_outputs, rng):
    options = {"alpha": 0.1, "sample_weight": rng.random(40), "fit_intercept": fit_intercept, "n_outputs": n_outputs}
    objective = make_objective(rng, loss=loss, activation=activation, **options)
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
    by_label = with_data(objective, objective.X, labels)
    one_hot = with_data(objective, objective.X, np.eye(n_outputs)[labels])
    assert by_label(w)[0] == one_hot(w)[0]
    np.testing.assert_array_equal(by_label(w)[1], one_hot(w)[1])


def test_intercept_gradient_is_the_mean_error(rng):
    """dC/db = a - y, on average over the rows."""
    for activation in ACTIVATIONS:
        objective, w = make_objective(rng, activation=activation, alpha=0.5), weights(rng)
        p = activation.probabilities(objective.X @ w[:-1] + w[-1])
        np.testing.assert_allclose(objective(w)[1][-1], (p - objective.y).mean(axis=0), atol=1e-15)


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_weights_are_frequencies(activation, loss, rng):
    objective, w = make_objective(rng, loss=loss, activation=activation, alpha=0.1), weights(rng)
    times = rng.integers(0, 4, size=40)
    weighted = with_data(objective, objective.X, objective.y, times.astype(float))
    repeated = with_data(objective, np.repeat(objective.X, times, axis=0), np.repeat(objective.y, times, axis=0))
    assert weighted(w)[0] == pytest.approx(repeated(w)[0], rel=1e-13)
    np.testing.assert_allclose(weighted(w)[1], repeated(w)[1], atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_outputs", [2, N_OUTPUTS])
def test_sparse_data_are_dense_data(activation, dtype, n_outputs, rng):
    objective = make_objective(rng, activation=activation, dtype=dtype, alpha=0.1, n_outputs=n_outputs)
    w = weights(rng, n_outputs=n_outputs)
    X = objective.X * (rng.random(objective.X.shape) < 0.4)
    dense, sparse = (with_data(objective, data, objective.y) for data in (X, sp.csr_array(X)))
    eps = float(np.finfo(dtype).eps)
    assert dense(w)[0] == pytest.approx(sparse(w)[0], rel=8 * eps)
    np.testing.assert_allclose(dense(w)[1], sparse(w)[1], atol=8 * eps)


def test_single_precision_is_summed_in_double(rng):
    """A million rows of float32 lose nothing in the sum: the error stays that of one row."""
    n_rows, w = 1_000_000, weights(rng, 0.1)
    single = make_objective(rng, n_rows, dtype=np.float32)
    double = with_data(single, single.X.astype(float), single.y.astype(float))
    (value, gradient), (expected, expected_gradient) = single(w), double(w)
    assert value == pytest.approx(expected, rel=1e-7)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-7)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 500 rows or so, so that 30,000 make more of them than there are partial sums."""
    monkeypatch.setattr("skxent.objective._BLOCK_SCORES", (0, 500 * N_OUTPUTS, 500 * N_OUTPUTS))


@pytest.mark.parametrize("make_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.usefixtures("small_blocks")
def test_many_blocks_are_one(make_data, rng):
    n_rows, w = 30_000, weights(rng)
    objective = make_objective(rng, n_rows)
    objective.X[rng.random(n_rows) < 0.3] = 0
    whole = with_data(objective, make_data(objective.X), objective.y)
    parts = [
        with_data(objective, make_data(objective.X[rows]), objective.y[rows])
        for rows in np.array_split(np.arange(n_rows), 100)
    ]
    assert whole(w)[0] == pytest.approx(np.mean([part(w)[0] for part in parts]), rel=1e-12)
    np.testing.assert_allclose(whole(w)[1], np.mean([part(w)[1] for part in parts], axis=0), atol=1e-13)


@pytest.mark.parametrize("n_rows", [1, 2, 4_097, 30_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("small_blocks")
def test_threads_change_no_bit(n_rows, dtype, rng):
    w = weights(rng)
    objective = make_objective(rng, n_rows, dtype=dtype, sample_weight=rng.random(n_rows).astype(dtype))
    value, gradient = objective(w)
    for n_threads in (1, 2, 5):
        with ThreadPoolExecutor(n_threads) as pool:
            objective.workers = Workers(map=pool.map)
            again, gradient_again = objective(w)
        assert again == value
        np.testing.assert_array_equal(gradient_again, gradient)


@pytest.mark.parametrize("n_outputs", [2, N_OUTPUTS])
@pytest.mark.parametrize("make_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_inputs_are_left_alone(make_data, n_outputs, rng):
    objective = make_objective(rng, sample_weight=rng.random(40), alpha=0.1, n_outputs=n_outputs)
    objective.X, w = make_data(objective.X), weights(rng, n_outputs=n_outputs)
    data = [objective.X] if make_data is np.asarray else [objective.X.data, objective.X.indices, objective.X.indptr]
    for values in (*data, objective.y, objective.sample_weight, w):
        values.flags.writeable = False
    objective(w)
    objective.value(w)
    objective.preconditioner(w, refine=True)(objective(w)[1])
    for batch in objective.batches(7):
        batch.gradient(w)


@pytest.mark.parametrize("sample_weight", [None, np.arange(40.0)])
def test_targets_are_counted_in_chunks(sample_weight, rng, monkeypatch):
    objective = make_objective(rng, sample_weight=sample_weight)
    labels = with_data(objective, objective.X, np.arange(40) % N_OUTPUTS, sample_weight)
    monkeypatch.setattr("skxent.objective._CHUNK", 7)
    np.testing.assert_allclose(objective.mean_targets, np.average(objective.y, 0, sample_weight))
    np.testing.assert_allclose(labels.mean_targets, np.average(np.eye(N_OUTPUTS)[labels.y], 0, sample_weight))


def test_the_mean_targets_of_a_subset_are_its_own(rng):
    objective = make_objective(rng)
    np.testing.assert_allclose(objective.mean_targets, objective.y.mean(axis=0))
    np.testing.assert_allclose(objective.subset(slice(3, 9)).mean_targets, objective.y[3:9].mean(axis=0))


@pytest.mark.parametrize("refine", [False, True])
def test_panels_of_a_preconditioner_change_nothing_but_rounding(refine, rng, monkeypatch):
    objective = make_objective(rng, alpha=1e-3)
    w, gradient = weights(rng), weights(rng)
    whole = objective.preconditioner(w, refine=refine)(gradient)
    monkeypatch.setattr("skxent.preconditioner._PANEL", 2)
    in_panels = objective.preconditioner(w, refine=refine)(gradient)
    np.testing.assert_allclose(in_panels, whole, rtol=1e-9)


# --------------------------------------------------------------------------------------------------- batches


def rows_of(batch):
    """Return the rows in a batch of an objective whose row i is the i-th unit vector: those that the gradient shows."""
    _, gradient = batch(np.zeros((batch.X.shape[1] + 1, batch.n_outputs)))
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
def test_batches_gathered_together_are_the_same(make_data, shuffle, make_rows, n_together, rng, monkeypatch):
    objective = make_objective(rng)
    objective = with_data(objective, make_data(objective.X), objective.y, rng.random(40)).subset(make_rows(40))
    w = weights(rng)

    def gradients():
        return [batch.gradient(w) for batch in objective.batches(4, np.random.RandomState(3) if shuffle else None)]

    one_by_one = gradients()
    assert len(one_by_one) == -(-objective.n_rows // 4)
    monkeypatch.setattr("skxent.objective._GATHER", (4 * n_together + 1) * objective.nbytes / 40)
    monkeypatch.setattr("skxent.objective._GATHER_WORTH", 0)
    with threadpool_limits(2, user_api="blas"), worker_threads() as objective.workers:
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


def test_a_draw_is_always_the_same_rows_once_each(rng):
    objective = numbered(rng)
    rows = rows_of(objective.draw(10))
    assert len(rows) == 10
    assert rows == rows_of(objective.draw(10))
    assert objective.draw(40) is objective
    assert objective.draw(10).total_weight == 10


def test_a_draw_meets_rows_by_their_weight(rng):
    """Its expectation is the whole, whatever the weights; rows that do not count do not come."""
    weight = np.r_[np.zeros(20), 1.0, 9.0]
    X, y, w = rng.normal(size=(22, N_FEATURES)), np.arange(22) % N_OUTPUTS, weights(rng)
    times = 500
    objective = with_data(
        make_objective(rng, alpha=0.1), np.tile(X, (times, 1)), np.tile(y, times), np.tile(weight, times)
    )
    drawn = objective.draw(5000)
    assert drawn(w)[0] == pytest.approx(objective(w)[0], rel=0.05)
    np.testing.assert_allclose(drawn(w)[1], objective(w)[1], atol=0.02)


def test_a_sample_and_its_held_out_rows_are_apart(rng):
    objective = make_objective(rng, 30_000)
    sample, held_out = objective.sample()
    assert sample.n_rows + held_out.n_rows == 5000
    assert held_out.n_rows == 1000
    assert not np.intersect1d(sample.rows, held_out.rows).size
    assert sample.total_weight == sample.n_rows


@pytest.mark.parametrize(("n_rows", "n_rare"), [(19_000, 9_000), (30_000, 3)])
def test_no_sample_of_few_rows_or_few_of_an_outcome(n_rows, n_rare, rng):
    objective = make_objective(rng, n_rows)
    objective.y = np.repeat([0, 1, 2], [n_rare, n_rare, n_rows - 2 * n_rare])
    assert objective.sample() is None


# -------------------------------------------------------------------------------------------- preconditioner


def hessian(objective, w, h=1e-5):
    """Hessian by central differences of the gradient."""
    columns = []
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = h
        columns.append((objective(w + step)[1] - objective(w - step)[1]).ravel() / (2 * h))
    return np.array(columns)


def possible(objective, gradient):
    """Return the nearest array that can be a gradient: a softmax does not feel its intercepts move together."""
    gradient = gradient.copy()
    if objective.activation.shift_invariant:
        gradient[-1] -= gradient[-1].mean()
    return gradient


def as_matrix(objective, w, refine):
    """Return the matrix of the preconditioner, on what can be a gradient."""
    preconditioner = objective.preconditioner(w, refine=refine)
    units = np.eye(w.size).reshape(-1, *w.shape)
    return np.column_stack([preconditioner(possible(objective, unit)).ravel() for unit in units])


@pytest.fixture(params=[None, 2], ids=["all columns", "heavy columns"])
def affordable(request, monkeypatch):
    """Let blocks have all columns, or so few that the others get a diagonal."""
    if request.param is not None:
        monkeypatch.setattr("skxent.preconditioner._affordable_columns", lambda objective, n_blocks: request.param)
    return request.param


@pytest.mark.parametrize("refine", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
@pytest.mark.parametrize("make_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.usefixtures("affordable")
def test_preconditioner_is_linear_symmetric_and_positive(activation, loss, refine, make_data, rng):
    objective, w = make_objective(rng, loss=loss, activation=activation, alpha=1e-2), weights(rng)
    objective = with_data(objective, make_data(objective.X), objective.y)
    P, g = as_matrix(objective, w, refine), possible(objective, weights(rng))
    step = objective.preconditioner(w, refine=refine)(g)
    np.testing.assert_allclose(step.ravel(), P @ g.ravel(), atol=1e-10 * np.abs(P).max())
    np.testing.assert_allclose(P, P.T, atol=1e-10 * np.abs(P).max())
    eigenvalues = np.linalg.eigvalsh(P)
    assert eigenvalues[0] > -1e-10 * eigenvalues[-1]
    # At most the direction that a softmax does not feel may be left out.
    assert (eigenvalues > 1e-8 * eigenvalues[-1]).sum() >= w.size - 1


def test_refined_preconditioner_of_sigmoid_units_inverts_the_hessian(rng):
    """The units do not interact, so that their blocks are all there is."""
    objective, w = make_objective(rng, 200, activation=Sigmoid(), alpha=1e-2), weights(rng)
    product = as_matrix(objective, w, refine=True) @ hessian(objective, w)
    np.testing.assert_allclose(product, np.eye(w.size), atol=0.05)


@pytest.mark.parametrize("n_outputs", [2, 3, 10])
def test_preconditioner_inverts_the_hessian_of_a_softmax_that_knows_nothing(n_outputs, rng):
    """There one block serves all outputs, and they fall alike as one rises."""
    X, y = rng.normal(size=(500, N_FEATURES)), rng.integers(n_outputs, size=500)
    objective = Objective(X, y, loss=CrossEntropy(), activation=Softmax(), n_outputs=n_outputs, alpha=1e-4)
    w = np.zeros((N_FEATURES + 1, n_outputs))
    v = rng.normal(size=w.shape)
    v -= v.mean(axis=1, keepdims=True)
    product = (hessian(objective, w) @ v.ravel()).reshape(w.shape)
    np.testing.assert_allclose(objective.preconditioner(w, refine=False)(product), v, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("make_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_heavy_columns_get_blocks_and_light_ones_a_diagonal(make_data, rng, monkeypatch):
    """Correlations among the heavy columns are undone, and the scales of all."""
    monkeypatch.setattr("skxent.preconditioner._affordable_columns", lambda objective, n_blocks: 2)
    objective, w = make_objective(rng, 300, activation=Sigmoid()), weights(rng, 0)
    X = objective.X.copy()
    X[:, 1] = X[:, 0] + 0.1 * X[:, 1]
    X *= np.r_[100, 100, np.logspace(0, -2, N_FEATURES - 2)]
    objective = with_data(objective, make_data(X), objective.y)
    H, P = hessian(objective, w), as_matrix(objective, w, refine=False)
    values = np.sort(np.linalg.eigvals(P @ H).real)
    assert np.linalg.cond(H) > 1e7
    assert values[-1] / values[0] < 4


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("refine", [False, True])
def test_preconditioner_undoes_scales_and_correlations(activation, refine, rng):
    objective, w = make_objective(rng, 300, activation=activation), weights(rng, 0)
    correlated = objective.X @ (np.eye(N_FEATURES) + 0.9)
    objective = with_data(objective, correlated * np.logspace(-2, 3, N_FEATURES), objective.y)
    H, P = hessian(objective, w), as_matrix(objective, w, refine)
    # A softmax does not feel the scores of all outputs move together.
    n_flat = len(w) if activation.shift_invariant else 0

    def condition(matrix):
        values = np.sort(np.abs(np.linalg.eigvals(matrix)))[n_flat:]
        return values[-1] / values[0]

    assert condition(H) > 1e9
    assert condition(P @ H) < 4


@pytest.mark.parametrize("X", [np.zeros((30, 2)), np.ones((30, 2)), np.repeat(np.eye(30)[:, :1], 2, axis=1)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_preconditioner_of_singular_data_is_finite(X, activation):
    objective = Objective(
        X, np.arange(30) % 3, loss=CrossEntropy(), activation=activation, n_outputs=3, fit_intercept=False
    )
    for refine in (False, True):
        step = objective.preconditioner(np.zeros((3, 3)), refine=refine)(np.ones((3, 3)))
        assert np.isfinite(step).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sample_weight", [None, np.arange(40.0)])
def test_without_features_the_intercepts_are_optimal(activation, sample_weight, rng):
    """A proper loss is least where the probabilities are the mean of the targets."""
    objective = make_objective(rng, activation=activation, alpha=0.1, sample_weight=sample_weight)
    value = objective.value(objective.without_features())
    objective.X = np.zeros_like(objective.X)
    w = np.zeros((N_FEATURES + 1, N_OUTPUTS))
    for _ in range(500):
        w -= objective(w)[1]
    assert value == pytest.approx(objective.value(w), rel=1e-9)
    objective.fit_intercept = False
    assert not objective.without_features().any()
