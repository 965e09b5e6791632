"""Losses of any kind: curvature that is not negative, and minima no worse than those of another solver."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.preprocessing import scale

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.linear_model._curvature import RowCurvature, curves_as_cross_entropy, is_proper
from skxent.linear_model._outputs import Sigmoid, Softmax
from skxent.linear_model._problem import Problem
from skxent.linear_model.solvers._proxy_start import WeightedCrossEntropy
from skxent.losses import LOSSES, CrossEntropy, LabelSmoothing, Loss, Quadratic
from skxent.testing import check_loss
from tests.helpers import objective_of


class AbsoluteError(Loss):
    """1 - p of the target: bounded, linear in p."""

    def pointwise(self, y, p, log_p):
        return (y * (1 - p)).sum(axis=1), -y * p


class ExpectedCost(Loss):
    """The expected distance of a drawn class from the target, the first class costing more."""

    def pointwise(self, y, p, log_p):
        k = np.arange(y.shape[1])
        costs = y @ (abs(k - k[:, np.newaxis]) * np.where(k == 0, 5, 1)[:, np.newaxis]).astype(y.dtype)
        return (costs * p).sum(axis=1), costs * p


class Welsch(Loss):
    """Flat wherever the model is wrong."""

    def pointwise(self, y, p, log_p):
        surprise = -(y * log_p).sum(axis=1)
        weight = np.exp(-surprise * surprise / 2)
        return 1 - weight, -y * (weight * surprise)[:, np.newaxis]


IMPROPER = [AbsoluteError(), ExpectedCost()]
OUTPUTS = [Softmax(), Sigmoid()]


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("n_outputs", [2, 3, 7])
def test_proper_scoring_rules_are_known(output, n_outputs):
    for loss in (CrossEntropy(), Quadratic()):
        assert is_proper(Problem(loss, output), n_outputs)
    for loss in IMPROPER:
        assert not is_proper(Problem(loss, output), n_outputs)


def test_curvature_of_the_cross_entropy_is_the_variance(rng):
    z = 3 * rng.normal(size=(20, 4))
    y = np.eye(4)[rng.integers(4, size=20)]
    p = Softmax().probabilities(z)
    for k, direction in enumerate(np.eye(4)):
        found = RowCurvature(Problem(CrossEntropy(), Softmax()), z.shape[1])(y, z, direction[np.newaxis])
        np.testing.assert_allclose(found, (p * (1 - p))[:, k], atol=1e-6)


class Weighted(Loss):
    """The cross-entropy in other units."""

    def pointwise(self, y, p, log_p):
        return -1.01 * (y * log_p).sum(axis=1), -1.01 * y


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("n_outputs", [2, 3, 7, 300])
def test_losses_that_curve_as_the_cross_entropy_are_known(output, n_outputs):
    for loss in (CrossEntropy(), LabelSmoothing()):
        assert curves_as_cross_entropy(Problem(loss, output), n_outputs)
    for name in set(LOSSES) - {"cross_entropy", "label_smoothing"}:
        assert not curves_as_cross_entropy(Problem(LOSSES[name](), output), n_outputs)
    assert not curves_as_cross_entropy(Problem(Weighted(), output), n_outputs)


def weighted_by(factors):
    """Return a loss that is the cross-entropy times a factor for each row and outcome."""

    class Factors(Loss):
        def pointwise(self, y, p, log_p):
            weighted = factors(y, p) * y
            return -(weighted * log_p).sum(axis=1), -weighted

    return Factors()


BY_OUTCOME = {
    "last": lambda y, p: np.where(np.arange(y.shape[1]) == y.shape[1] - 1, 3.0, 1.0),
    "rare": lambda y, p: np.where(np.arange(y.shape[1]) == 70, 20.0, 1.0),
    "soft": lambda y, p: y.max(axis=1, keepdims=True),
    "hard": lambda y, p: (y * p).sum(axis=1, keepdims=True) < 0.9,
}


@pytest.mark.parametrize(
    ("factors", "output", "n_outputs"),
    [
        ("last", Sigmoid(), 1),
        ("last", Sigmoid(), 100),
        ("last", Softmax(), 100),
        ("rare", Softmax(), 100),
        ("soft", Softmax(), 3),
        ("soft", Softmax(), 300),
        ("soft", Sigmoid(), 1),
        ("hard", Softmax(), 300),
        ("hard", Sigmoid(), 1),
    ],
)
def test_losses_that_curve_as_the_cross_entropy_for_some_targets_only_are_told_apart(factors, output, n_outputs):
    """Costs of a class, rows that count less with soft targets, rows that no longer count when they are right."""
    assert not curves_as_cross_entropy(Problem(weighted_by(BY_OUTCOME[factors]), output), n_outputs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_optimality_of_a_sigmoid_unit_whose_outcomes_have_costs():
    X, y = load_breast_cancer(return_X_y=True)
    loss = weighted_by(lambda y, p: np.array([1.0, 1e-3]))
    model, best = (
        SigmoidRegressor(loss, alpha=1e-3, max_iter=max_iter, tol=1e-9).fit(scale(X), y) for max_iter in (15, 1000)
    )
    value, least = model.loss_curve_[-1], best.loss_curve_[-1]
    assert 1e-4 < (value - least) / value <= model.optimality_


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("loss", IMPROPER, ids=repr)
def test_curvature_is_never_negative_and_limits_steps(output, loss, rng):
    z = np.asfortranarray(5 * rng.normal(size=(200, 3)))
    y = np.asfortranarray(np.eye(3)[rng.integers(3, size=200)])
    slope = output.loss_and_gradient(loss, y, z)[1][:, 0]
    found = RowCurvature(Problem(loss, output), 3)(y, z, np.eye(3)[:1])
    assert (found >= 0).all()
    assert (abs(slope) <= 2 * found + 1e-12).all()


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("name", LOSSES)
def test_curvature_is_above_zero_where_a_loss_is_flat(output, name):
    z = np.asfortranarray([[40.0, 0.0], [400.0, 0.0]])
    for y in (np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])):
        found = RowCurvature(Problem(LOSSES[name](), output), 2)(y, z, np.eye(2)[:1])
        assert (found > 0).all()
        assert np.isfinite(1 / found**2).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_features", [5, 80], ids=["tall", "wide"])
def test_units_that_are_never_or_always_on(loss, n_features, rng):
    """The best intercept is at infinity, where many losses are flat."""
    X, on = rng.normal(size=(40, n_features)), np.arange(40) % 2
    y = np.column_stack([on, 0 * on, 0 * on + 1])
    predicted = SigmoidRegressor(loss).fit(X, y).predict(X)
    assert (predicted[:, 1:] == [0, 1]).all()


def test_the_weighted_cross_entropy_of_the_absolute_error_is_the_cross_entropy(rng):
    y, p = np.eye(3)[[0, 1, 2]], rng.dirichlet(np.ones(3), size=3)
    loss, gradient = WeightedCrossEntropy(AbsoluteError(), y.shape[1]).pointwise(y, p, np.log(p))
    expected, expected_gradient = CrossEntropy().pointwise(y, p, np.log(p))
    np.testing.assert_allclose(loss / expected, loss[0] / expected[0])
    np.testing.assert_allclose(gradient, loss[0] / expected[0] * expected_gradient, atol=1e-12)


def best_of_scipy(X, y, loss, output, n_outputs):
    """Return the least objective from zero and from five random starts."""
    objective = objective_of(X, y, loss=loss, output=output, n_outputs=n_outputs, alpha=1e-4)
    shape = (X.shape[1] + 1, n_outputs)

    def flat(w):
        value, gradient = objective(w.reshape(shape))
        return value, gradient.ravel()

    rng = np.random.default_rng(1)
    starts = [np.zeros(shape), *rng.normal(size=(5, *shape))]
    return min(minimize(flat, w.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 300}).fun for w in starts)


def excess(X, y, loss, estimator, dtype):
    """Return how far the objective of a fit is above the best of six fits by SciPy."""
    sigmoid = estimator is SigmoidRegressor
    model = estimator(loss, alpha=1e-4).fit(X.astype(dtype), y)
    targets = y.astype(float)[:, np.newaxis] if sigmoid and y.max() == 1 else y
    n_outputs = 1 if targets.ndim == 2 else int(y.max()) + 1
    return model.loss_curve_[-1] - best_of_scipy(X, targets, loss, Sigmoid() if sigmoid else Softmax(), n_outputs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_nearly_all_minima_are_no_worse_than_the_best_of_six(one_blas_thread):
    found = {}
    for loss in (*IMPROPER, Welsch()):
        check_loss(loss)
        for load in (load_iris, load_wine, load_breast_cancer):
            X, y = load(return_X_y=True)
            for estimator, dtype in ((SoftmaxRegressor, float), (SigmoidRegressor, np.float32)):
                found[repr(loss), load.__name__, estimator.__name__] = excess(scale(X), y, loss, estimator, dtype)
    assert np.mean([value <= 1e-3 for value in found.values()]) >= 0.94, found
