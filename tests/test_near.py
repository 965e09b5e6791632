"""The estimate near a point against the objective itself."""

import numpy as np
import pytest

from skxent import near as near_module
from skxent.activations import Sigmoid, Softmax
from skxent.losses import CrossEntropy, Quadratic
from skxent.objective import Objective

N_ROWS, N_FEATURES, N_OUTPUTS = 24_000, 6, 3


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def make_objective(rng, n_rows=N_ROWS, *, loss=None, activation=None, **options):
    X = rng.normal(size=(n_rows, N_FEATURES)) * np.arange(1, N_FEATURES + 1)
    truth = rng.normal(size=(N_FEATURES, N_OUTPUTS))
    y = (X @ truth + rng.gumbel(size=(n_rows, N_OUTPUTS))).argmax(axis=1)
    settings = {"loss": loss or CrossEntropy(), "activation": activation or Softmax(), "alpha": 1e-3, **options}
    return Objective(X, y, n_outputs=N_OUTPUTS, **settings), np.vstack([truth, np.zeros(N_OUTPUTS)])


def estimate(objective, w):
    return objective.near(w, *objective(w))


@pytest.mark.parametrize("activation", [Softmax(), Sigmoid()])
@pytest.mark.parametrize("loss", [CrossEntropy(), Quadratic()])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_value_and_gradient_are_exact_at_the_point(activation, loss, weighted, fit_intercept, rng):
    weight = rng.pareto(2, N_ROWS) if weighted else None
    objective, w = make_objective(
        rng, loss=loss, activation=activation, sample_weight=weight, fit_intercept=fit_intercept
    )
    w *= 0.5
    value, gradient = objective(w)
    near_value, near_gradient = estimate(objective, w)(w)
    assert near_value == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(near_gradient, gradient, rtol=0, atol=1e-12)


def test_of_all_rows_it_is_the_objective(rng, monkeypatch):
    monkeypatch.setattr(near_module, "_SHARE", 1.0)
    monkeypatch.setattr(near_module, "_FLAT", 10)
    objective, w = make_objective(rng)
    near = estimate(objective, 0.5 * w)
    for scale in (0, 0.3, 1):
        value, gradient = objective(scale * w)
        near_value, near_gradient = near(scale * w)
        assert near_value == pytest.approx(value, rel=1e-10)
        np.testing.assert_allclose(near_gradient, gradient, rtol=0, atol=1e-10)
        np.testing.assert_allclose(near.error, 0, atol=1e-10)


def gradient_errors(rng, weighted):
    """Return norms: of the estimate's error, of what it takes it for, of random rows' error, and of the change."""
    objective, w = make_objective(rng, sample_weight=rng.pareto(2, N_ROWS) if weighted else None)
    near = estimate(objective, w)
    uniform = objective.draw(sum(half.n_rows for half in near.halves))
    there = w + 0.1 * rng.normal(size=w.shape)
    change = objective(there)[1] - objective(w)[1]
    error = near(there)[1] - objective(there)[1]
    uniform_error = uniform(there)[1] - uniform(w)[1] - change
    return [np.linalg.norm(vector) for vector in (error, near.error, uniform_error, change)]


@pytest.mark.parametrize("weighted", [False, True])
def test_it_follows_the_objective_better_than_as_many_random_rows(weighted):
    errors = [gradient_errors(np.random.default_rng(seed), weighted) for seed in range(12)]
    error, estimated, uniform, change = np.sqrt(np.mean(np.square(errors), axis=0))
    assert error < 0.06 * change
    assert error < 0.6 * uniform
    assert estimated / 2 < error < 2 * estimated


def test_rows_that_curve_are_drawn_and_rows_of_no_weight_never(rng):
    weight = (rng.random(N_ROWS) < 0.5) * rng.pareto(2, N_ROWS)
    objective, w = make_objective(rng, sample_weight=weight)
    near = estimate(objective, w)
    drawn = np.concatenate([half.rows for half in near.halves])
    assert len(np.unique(drawn)) == len(drawn)
    assert weight[drawn].min() > 0
    curvature = weight * objective.activation.variances(objective.X @ w[:-1]).sum(axis=1)
    assert curvature[drawn].mean() > 2 * curvature.mean()
    represented = sum(half.weights().sum() for half in near.halves) / 2
    assert represented == pytest.approx(objective.total_weight, rel=0.1)


def test_a_gradient_is_lost_in_noise_once_it_is_small_against_the_error(rng):
    objective, w = make_objective(rng)
    near = estimate(objective, 0.5 * w)
    near(0.9 * w)
    size = np.linalg.norm(near.error)
    direction = rng.normal(size=w.shape)
    direction /= np.linalg.norm(direction)
    assert not near.lost_in_noise(size * direction, np.copy)
    assert near.lost_in_noise(0.2 * size * direction, np.copy)
    near(0.5 * w)
    assert not near.lost_in_noise(1e-6 * direction, np.copy)


def test_few_rows_are_not_sampled(rng):
    objective, w = make_objective(rng, 15_000)
    assert estimate(objective, w) is None
