"""Output layers: against SciPy, against finite differences, and at the extremes."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_expit, log_softmax, softmax

from skxent.linear_model._outputs import Sigmoid, Softmax
from skxent.losses import LOSSES, CrossEntropy, Quadratic

OUTPUTS = [Softmax(), Sigmoid()]
PEERS = [
    (Softmax(), partial(softmax, axis=1), partial(log_softmax, axis=1)),
    (Sigmoid(), expit, log_expit),
]
EVERY_LOSS = [LOSSES[name]() for name in LOSSES]
EXTREMES = np.array([-1e4, -1e3, -104, -90, -17, -1e-8, 0, 1e-8, 17, 90, 104, 1e3, 1e4])


def grid(dtype, scores=EXTREMES):
    """All triples of scores."""
    return np.stack(np.meshgrid(scores, scores, scores), axis=-1).reshape(-1, 3).astype(dtype)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("output", "probabilities", "log_probabilities"), PEERS)
def test_outputs_are_those_of_scipy(output, probabilities, log_probabilities, order, rng):
    z = np.asarray(rng.normal(scale=5, size=(40, 6)), order=order)
    np.testing.assert_allclose(output.probabilities(z), probabilities(z), rtol=1e-13)
    np.testing.assert_allclose(output.log_probabilities(z), log_probabilities(z), rtol=1e-13)


@pytest.mark.parametrize(("output", "probabilities", "log_probabilities"), PEERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_of_extreme_scores(output, probabilities, log_probabilities, dtype):
    z = grid(dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        p, log_p = output.probabilities(z), output.log_probabilities(z)
    assert p.dtype == log_p.dtype == dtype
    assert np.isfinite(log_p).all()
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    np.testing.assert_allclose(p, probabilities(z.astype(float)), rtol=200 * eps, atol=tiny)
    np.testing.assert_allclose(log_p, log_probabilities(z.astype(float)), rtol=8 * eps, atol=8 * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_limits_are_exact(dtype):
    z = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype=dtype)
    for output in OUTPUTS:
        np.testing.assert_array_equal(output.probabilities(z), [[1, 0], [0, 1]])
    np.testing.assert_array_equal(Softmax().log_probabilities(z), [[0, -2e4], [-2e4, 0]])
    np.testing.assert_array_equal(Sigmoid().log_probabilities(z), [[0, -1e4], [-1e4, 0]])


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_of_extreme_scores(output, loss, dtype):
    z = grid(dtype)
    for target in (*np.eye(3), np.full(3, 1 / 3)):
        y = np.tile(target.astype(dtype), (len(z), 1))
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            value, gradient = output.loss_and_gradient(loss, y, z)
        assert value.dtype == gradient.dtype == dtype
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()
        double_value, double_gradient = output.loss_and_gradient(loss, y.astype(float), z.astype(float))
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(value, double_value, rtol=8 * eps, atol=8 * eps)
        np.testing.assert_allclose(gradient, double_gradient, rtol=8 * eps, atol=200 * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_saturated_outputs_are_exact(dtype):
    """Right and certain: no slope. Wrong and certain: the full error for cross-entropy, none for the quadratic loss."""
    z = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype=dtype)
    y = np.array([[1, 0], [1, 0]], dtype=dtype)
    for output in OUTPUTS:
        _, gradient = output.loss_and_gradient(CrossEntropy(), y, z)
        np.testing.assert_array_equal(gradient, [[0, 0], [-1, 1]])
        _, gradient = output.loss_and_gradient(Quadratic(), y, z)
        np.testing.assert_array_equal(gradient, [[0, 0], [0, 0]])


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
@pytest.mark.parametrize("order", ["C", "F"])
def test_gradient_by_finite_differences(output, loss, order, rng):
    z = np.asarray(rng.normal(scale=2, size=(30, 5)), order=order)
    y = np.asarray(np.vstack([np.eye(5), rng.dirichlet(np.ones(5), 25)]), order=order)
    _, gradient = output.loss_and_gradient(loss, y, z)
    h = 1e-6
    for k, shift in enumerate(h * np.eye(5)):
        up, down = (output.loss_and_gradient(loss, y, z + s)[0] for s in (shift, -shift))
        np.testing.assert_allclose(gradient[:, k], (up - down) / (2 * h), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
def test_scores_and_targets_are_left_alone(output, loss, rng):
    z, y = rng.normal(size=(6, 3)), rng.dirichlet(np.ones(3), 6)
    z.flags.writeable = y.flags.writeable = False
    output.loss_and_gradient(loss, y, z)
    output.probabilities(z)
    output.log_probabilities(z)


@pytest.mark.parametrize(("output", "probabilities"), [peer[:2] for peer in PEERS])
def test_cross_entropy_gradient_is_the_error(output, probabilities, rng):
    z, y = rng.normal(scale=3, size=(20, 4)), rng.dirichlet(np.ones(4), 20)
    _, gradient = output.loss_and_gradient(CrossEntropy(), y, z)
    np.testing.assert_allclose(gradient, probabilities(z) - y, atol=1e-15)


def test_quadratic_softmax_gradient_is_jacobian_times_error(rng):
    z, y = rng.normal(scale=3, size=(20, 4)), rng.dirichlet(np.ones(4), 20)
    _, gradient = Softmax().loss_and_gradient(Quadratic(), y, z)
    for row, p, target in zip(gradient, softmax(z, axis=1), y, strict=True):
        jacobian = np.diag(p) - np.outer(p, p)
        np.testing.assert_allclose(row, jacobian @ (p - target), atol=1e-15)


def test_quadratic_sigmoid_gradient_carries_the_slope(rng):
    """The two outcomes of a unit make (a - y)^2, twice the textbooks' half square."""
    z, y = rng.normal(scale=3, size=(20, 4)), rng.random((20, 4))
    a = expit(z)
    value, gradient = Sigmoid().loss_and_gradient(Quadratic(), y, z)
    np.testing.assert_allclose(value, ((a - y) ** 2).sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(gradient, 2 * (a - y) * a * (1 - a), atol=1e-15)


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
def test_two_class_softmax_is_a_sigmoid(loss, rng):
    z, t = rng.normal(scale=3, size=(40, 2)), rng.random(40)
    value, gradient = Softmax().loss_and_gradient(loss, np.column_stack([1 - t, t]), z)
    unit_value, unit_gradient = Sigmoid().loss_and_gradient(loss, t[:, np.newaxis], z[:, 1:] - z[:, :1])
    np.testing.assert_allclose(value, unit_value, rtol=1e-12)
    np.testing.assert_allclose(gradient, unit_gradient * [-1, 1], atol=1e-14)


def test_sigmoid_cross_entropy_is_that_of_logistic_regression(rng):
    z, y = rng.normal(scale=3, size=(40, 3)), rng.random((40, 3))
    a = expit(z)
    value, _ = Sigmoid().loss_and_gradient(CrossEntropy(), y, z)
    np.testing.assert_allclose(value, -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=1), rtol=1e-12)


scores = arrays(np.float32, (4, 3), elements=st.floats(-1e4, 1e4, width=32))


@given(scores)
def test_softmax_rows_are_distributions(z):
    p = Softmax().probabilities(z)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.exp(Softmax().log_probabilities(z)), p, rtol=3e-3, atol=1e-30)


@given(scores, st.integers(-100, 100))
def test_softmax_ignores_a_shift_and_its_gradients_sum_to_zero(z, shift):
    z = np.round(z)
    y = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    np.testing.assert_array_equal(Softmax().probabilities(z), Softmax().probabilities(z + np.float32(shift)))
    for loss in EVERY_LOSS:
        _, gradient = Softmax().loss_and_gradient(loss, y, z)
        np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-6)


@given(scores)
def test_sigmoid_is_symmetric(z):
    np.testing.assert_allclose(Sigmoid().probabilities(z) + Sigmoid().probabilities(-z), 1, rtol=1e-6)
