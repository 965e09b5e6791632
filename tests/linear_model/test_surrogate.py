"""The estimate near a point against the objective itself."""

import numpy as np
import pytest
from helpers import objective_of

from skxent.linear_model._outputs import Sigmoid, Softmax
from skxent.linear_model._sampling import draw
from skxent.linear_model._surrogate import SubsampledSurrogate
from skxent.losses import CrossEntropy, Quadratic

N_ROWS, N_FEATURES, N_OUTPUTS = 24_000, 6, 3


def make_objective(rng, n_rows=N_ROWS, *, loss=None, output=None, **options):
    X = rng.normal(size=(n_rows, N_FEATURES)) * np.arange(1, N_FEATURES + 1)
    truth = rng.normal(size=(N_FEATURES, N_OUTPUTS))
    y = (X @ truth + rng.gumbel(size=(n_rows, N_OUTPUTS))).argmax(axis=1)
    settings = {"loss": loss or CrossEntropy(), "output": output or Softmax(), "alpha": 1e-3, **options}
    return objective_of(X, y, n_outputs=N_OUTPUTS, **settings), np.vstack([truth, np.zeros(N_OUTPUTS)])


def estimate(objective, w, **settings):
    return SubsampledSurrogate(**settings)(objective, w, *objective(w))


@pytest.mark.parametrize("output", [Softmax(), Sigmoid()])
@pytest.mark.parametrize("loss", [CrossEntropy(), Quadratic()])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_value_and_gradient_are_exact_at_the_point(output, loss, weighted, fit_intercept, rng):
    weight = rng.pareto(2, N_ROWS) if weighted else None
    objective, w = make_objective(rng, loss=loss, output=output, sample_weight=weight, fit_intercept=fit_intercept)
    w *= 0.5
    value, gradient = objective(w)
    surrogate_value, surrogate_gradient = estimate(objective, w)(w)
    assert surrogate_value == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(surrogate_gradient, gradient, rtol=0, atol=1e-12)


def test_of_all_rows_it_is_the_objective(rng):
    objective, w = make_objective(rng)
    surrogate = estimate(objective, 0.5 * w, share=1.0, min_curvature=10)
    for scale in (0, 0.3, 1):
        value, gradient = objective(scale * w)
        surrogate_value, surrogate_gradient = surrogate(scale * w)
        assert surrogate_value == pytest.approx(value, rel=1e-10)
        np.testing.assert_allclose(surrogate_gradient, gradient, rtol=0, atol=1e-10)
        np.testing.assert_allclose(surrogate.error, 0, atol=1e-10)


def gradient_errors(rng, weighted):
    """Return norms: of the estimate's error, of what it takes it for, of random rows' error, and of the change."""
    objective, w = make_objective(rng, sample_weight=rng.pareto(2, N_ROWS) if weighted else None)
    surrogate = estimate(objective, w)
    uniform = draw(objective, sum(half.n_rows for half in surrogate.halves))
    there = w + 0.1 * rng.normal(size=w.shape)
    change = objective(there)[1] - objective(w)[1]
    error = surrogate(there)[1] - objective(there)[1]
    uniform_error = uniform(there)[1] - uniform(w)[1] - change
    return [np.linalg.norm(vector) for vector in (error, surrogate.error, uniform_error, change)]


@pytest.mark.parametrize("weighted", [False, True])
def test_it_follows_the_objective_better_than_as_many_random_rows(weighted):
    errors = [gradient_errors(np.random.default_rng(seed), weighted) for seed in range(12)]
    error, estimated, uniform, change = np.sqrt(np.mean(np.square(errors), axis=0))
    assert error < 0.06 * change
    assert error < 0.6 * uniform
    assert estimated / 3 < error < 2 * estimated


def test_rows_that_curve_are_drawn_and_rows_of_no_weight_never(rng):
    weight = (rng.random(N_ROWS) < 0.5) * rng.pareto(2, N_ROWS)
    objective, w = make_objective(rng, sample_weight=weight)
    surrogate = estimate(objective, w)
    drawn = np.concatenate([half.rows.positions for half in surrogate.halves])
    assert len(np.unique(drawn)) == len(drawn)
    assert weight[drawn].min() > 0
    curvature = weight * objective.problem.output.variances(objective.rows.X @ w[:-1]).sum(axis=1)
    assert curvature[drawn].mean() > 2 * curvature.mean()
    represented = sum(half.rows.weight.sum() for half in surrogate.halves) / 2
    assert represented == pytest.approx(objective.total_weight, rel=0.1)


def test_a_gradient_is_noise_dominates_once_it_is_small_against_the_error(rng):
    objective, w = make_objective(rng)
    surrogate = estimate(objective, 0.5 * w)
    surrogate(0.9 * w)
    size = np.linalg.norm(surrogate.error)
    direction = rng.normal(size=w.shape)
    direction /= np.linalg.norm(direction)
    assert not surrogate.noise_dominates(size * direction, np.copy)
    assert surrogate.noise_dominates(0.2 * size * direction, np.copy)
    surrogate(0.5 * w)
    assert not surrogate.noise_dominates(1e-6 * direction, np.copy)


def test_few_rows_are_not_sampled(rng):
    objective, w = make_objective(rng, 15_000)
    assert estimate(objective, w) is None
