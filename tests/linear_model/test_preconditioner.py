"""The preconditioner against the Hessian by finite differences."""

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import N_FEATURES, N_OUTPUTS, make_objective, objective_of, weights, with_data

from skxent import SoftmaxRegressor
from skxent.linear_model._outputs import Sigmoid, Softmax
from skxent.linear_model._preconditioner import SampledHessian
from skxent.losses import LOSSES

EVERY_LOSS = [LOSSES[name]() for name in LOSSES]
OUTPUTS = [Softmax(), Sigmoid()]


@pytest.mark.parametrize("refine", [False, True])
def test_panels_of_a_preconditioner_change_nothing_but_rounding(refine, rng):
    objective = make_objective(rng, alpha=1e-3)
    w, gradient = weights(rng), weights(rng)
    whole = SampledHessian()(objective, w, refine=refine)(gradient)
    in_panels = SampledHessian(panel_columns=2)(objective, w, refine=refine)(gradient)
    np.testing.assert_allclose(in_panels, whole, rtol=1e-9)


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
    if objective.problem.output.shift_invariant:
        gradient[-1] -= gradient[-1].mean()
    return gradient


def as_matrix(objective, w, refine, method=SampledHessian()):
    """Return the matrix of the preconditioner, on what can be a gradient."""
    preconditioner = method(objective, w, refine=refine)
    units = np.eye(w.size).reshape(-1, *w.shape)
    return np.column_stack([preconditioner(possible(objective, unit)).ravel() for unit in units])


# Memory for blocks of two columns of float64: nine entries for each block and the two squares in the making of one.
TWO_COLUMNS = SampledHessian(memory_share=0, min_memory=9 * (N_OUTPUTS / 2 + 2) * 8)


@pytest.mark.parametrize("method", [SampledHessian(), TWO_COLUMNS], ids=["all columns", "two columns"])
@pytest.mark.parametrize("refine", [False, True])
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
@pytest.mark.parametrize("make_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_preconditioner_is_linear_symmetric_and_positive(method, output, loss, refine, make_data, rng):
    objective, w = make_objective(rng, loss=loss, output=output, alpha=1e-2), weights(rng)
    objective = with_data(objective, make_data(objective.rows.X), objective.rows.y)
    P, g = as_matrix(objective, w, refine, method), possible(objective, weights(rng))
    step = method(objective, w, refine=refine)(g)
    np.testing.assert_allclose(step.ravel(), P @ g.ravel(), atol=1e-10 * np.abs(P).max())
    np.testing.assert_allclose(P, P.T, atol=1e-10 * np.abs(P).max())
    eigenvalues = np.linalg.eigvalsh(P)
    assert eigenvalues[0] > -1e-10 * eigenvalues[-1]
    # The same added to all outputs of a row is left out where a softmax does not feel it.
    left_out = len(w) if output.shift_invariant else 0
    assert (eigenvalues > 1e-8 * eigenvalues[-1]).sum() == w.size - left_out


def test_refined_preconditioner_of_sigmoid_units_inverts_the_hessian(rng):
    """The units do not interact, so that their blocks are all there is."""
    objective, w = make_objective(rng, 200, output=Sigmoid(), alpha=1e-2), weights(rng)
    product = as_matrix(objective, w, True, SampledHessian(max_cost=np.inf)) @ hessian(objective, w)
    np.testing.assert_allclose(product, np.eye(w.size), atol=0.05)


@pytest.mark.parametrize("n_outputs", [2, 3, 10])
def test_preconditioner_inverts_the_hessian_of_a_softmax_that_knows_nothing(n_outputs, rng):
    """There one block serves all outputs, and they fall alike as one rises."""
    X, y = rng.normal(size=(500, N_FEATURES)), rng.integers(n_outputs, size=500)
    objective = objective_of(X, y, n_outputs=n_outputs, alpha=1e-4)
    w = np.zeros((N_FEATURES + 1, n_outputs))
    v = rng.normal(size=w.shape)
    v -= v.mean(axis=1, keepdims=True)
    product = (hessian(objective, w) @ v.ravel()).reshape(w.shape)
    np.testing.assert_allclose(SampledHessian()(objective, w, refine=False)(product), v, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("make_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_columns_with_large_moments_get_blocks_and_the_others_a_diagonal(make_data, rng):
    """Correlations among the columns of the blocks are undone, and the scales of all."""
    objective, w = make_objective(rng, 300, output=Sigmoid()), weights(rng, 0)
    X = objective.rows.X.copy()
    X[:, 1] = X[:, 0] + 0.1 * X[:, 1]
    X *= np.r_[100, 100, np.logspace(0, -2, N_FEATURES - 2)]
    objective = with_data(objective, make_data(X), objective.rows.y)
    H, P = hessian(objective, w), as_matrix(objective, w, False, TWO_COLUMNS)
    values = np.sort(np.linalg.eigvals(P @ H).real)
    assert np.linalg.cond(H) > 1e7
    assert values[-1] / values[0] < 4


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("refine", [False, True])
def test_preconditioner_undoes_scales_and_correlations(output, refine, rng):
    objective, w = make_objective(rng, 300, output=output), weights(rng, 0)
    correlated = objective.rows.X @ (np.eye(N_FEATURES) + 0.9)
    objective = with_data(objective, correlated * np.logspace(-2, 3, N_FEATURES), objective.rows.y)
    H, P = hessian(objective, w), as_matrix(objective, w, refine)
    # A softmax does not feel the scores of all outputs move together.
    n_flat = len(w) if output.shift_invariant else 0

    def condition(matrix):
        values = np.sort(np.abs(np.linalg.eigvals(matrix)))[n_flat:]
        return values[-1] / values[0]

    assert condition(H) > 1e9
    assert condition(P @ H) < 4


@pytest.mark.parametrize("X", [np.zeros((30, 2)), np.ones((30, 2)), np.repeat(np.eye(30)[:, :1], 2, axis=1)])
@pytest.mark.parametrize("output", OUTPUTS)
def test_preconditioner_of_singular_data_is_finite(X, output):
    objective = objective_of(X, np.arange(30) % 3, output=output, fit_intercept=False)
    for refine in (False, True):
        step = SampledHessian()(objective, np.zeros((3, 3)), refine=refine)(np.ones((3, 3)))
        assert np.isfinite(step).all()


def test_a_block_for_each_output_where_that_is_cheap(rng):
    """A shared block costs a hundredth where there are a hundred outputs; with ever more iterations more is allowed."""
    objective, w = make_objective(rng, 2_000, alpha=1e-2), weights(rng)
    counts = [len(SampledHessian(max_cost=cost)(objective, w, refine=3).inverses) for cost in (0, 100)]
    assert counts == [1, N_OUTPUTS]
    method = SampledHessian(max_cost=1.5 * SampledHessian()._cost(objective, N_FEATURES, N_OUTPUTS) / 2)
    assert [len(method(objective, w, refine=k).inverses) for k in (0, 1, 2, 3)] == [1, 1, N_OUTPUTS, N_OUTPUTS]


def test_one_block_for_all_outputs_knows_which_of_them_are_rare(rng):
    frequencies = np.array([0.9, 0.09, 0.01])
    X, y = rng.normal(size=(3_000, 4)), rng.choice(3, 3_000, p=frequencies)
    objective = objective_of(X, y, output=Sigmoid(), alpha=1e-4)
    w = objective.intercept_only()
    exact = hessian(objective, w)
    steps = as_matrix(objective, w, refine=False).reshape(-1, 3, 5, 3)
    found = np.array([np.trace(steps[:, output].reshape(5, 5, 3)[..., output]) for output in range(3)])
    blocks = exact.reshape(5, 3, 5, 3)
    best = np.array([np.trace(np.linalg.inv(blocks[:, output, :, output])) for output in range(3)])
    # Half way, on a logarithmic scale, from the same for all to what is best for each.
    np.testing.assert_allclose(np.ptp(np.log(found)), np.ptp(np.log(best)) / 2, rtol=0.05)


def test_one_block_for_all_outputs_takes_more_rows_where_that_is_cheap(rng):
    """Columns without any correlation: the fewer rows there are, the more the sample seems to have."""
    X, y = rng.normal(size=(8_000, 40)).astype(np.float32), np.arange(8_000) % 200
    objective = objective_of(X, y, n_outputs=200, alpha=1e-4)
    w = objective.intercept_only()

    def spread(shared_cost):
        product = SampledHessian(block_rows_per_column=1, min_block_rows=100, shared_cost=shared_cost)
        block = product(objective, w, refine=0).inverses[0]
        values = np.linalg.eigvalsh(np.column_stack([block(unit) for unit in np.eye(41, dtype=np.float32)]))
        return values[-1] / values[0]

    assert spread(0) > 5
    assert spread(0.25) < 2


def dependent_columns(rng):
    """Columns of float32 that depend on one another or on the intercept, exactly."""
    X = rng.normal(size=(1500, 5))
    four, three = np.eye(4)[rng.integers(4, size=1500)], np.eye(3)[rng.integers(3, size=1500)]
    return {"twice": np.c_[X, X], "one-hot": np.c_[X, four], "two one-hot": np.c_[X, four, three]}


@pytest.mark.parametrize("kind", ["twice", "one-hot", "two one-hot"])
@pytest.mark.parametrize("seed", range(4))
def test_dependent_columns_without_a_penalty_get_no_steps_of_rounding(kind, seed):
    """A block in double precision has no curvature along them, where the gradient of float32 data is not quite zero."""
    rng = np.random.default_rng(seed)
    X = dependent_columns(rng)[kind].astype(np.float32)
    y = (X[:, :5] @ rng.normal(size=(5, 3)) + rng.gumbel(size=(1500, 3))).argmax(axis=1)
    model = SoftmaxRegressor(alpha=0).fit(X, y)
    precise = SoftmaxRegressor(alpha=0).fit(X.astype(np.float64), y)
    assert abs(model.coef_).max() < 1e3
    assert model.loss_curve_[-1] == pytest.approx(precise.loss_curve_[-1], rel=1e-5)


@pytest.mark.parametrize("refine", [0, 1])
def test_one_block_serves_two_outputs_that_mirror_each_other(refine, rng):
    objective = make_objective(rng, 200, n_outputs=2, alpha=1e-5)
    w = weights(rng, n_outputs=2)
    preconditioner = SampledHessian(noise=0)(objective, w, refine=refine)
    assert len(preconditioner.inverses) == 1
    assert preconditioner.complete
    steps = rng.normal(size=(5, len(w), 1)) * [[-1, 1]]
    gradients = steps.reshape(5, -1) @ hessian(objective, w)
    back = [preconditioner(gradient.reshape(w.shape)) for gradient in gradients]
    np.testing.assert_allclose(back, steps, atol=0.01)
