"""Solvers as objects: known by name, cloned, pickled, searched over, replaced by one's own."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
from helpers import Focal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.losses import LOSSES, CrossEntropy
from skxent.solvers import (
    LBFGS,
    SGD,
    SOLVERS,
    NewtonBound,
    ProxyStart,
    Result,
    SampledHessian,
    SampleStart,
    Solver,
    SubsampledSurrogate,
    WolfeSearch,
)
from skxent.testing import check_solver

X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
KNOWN = ", ".join(SOLVERS)
PARTS = [
    LBFGS(),
    SGD(),
    SampledHessian(),
    SubsampledSurrogate(),
    SampleStart(),
    NewtonBound(),
    ProxyStart(),
    WolfeSearch(),
]


class Descent(Solver):
    """Gradient descent with steps that halve until they help."""

    def __init__(self, step=1.0):
        self.step = step

    def solve(self, objective, w0, *, max_iter, tol, callback):
        w, value = w0, objective.value(w0)
        for n_iter in range(1, max_iter + 1):
            step, gradient, before = self.step, objective.gradient(w), value
            while objective.value(w - step * gradient) > value and step > 1e-12:
                step /= 2
            w = w - step * gradient
            value = objective.value(w)
            if callback(w, value):
                return Result(w, n_iter, True, "stopped by a callback")
            if before - value <= tol * value:
                return Result(w, n_iter, True, "tolerance reached")
        return Result(w, max_iter, tol == 0, "max_iter reached")


@pytest.mark.parametrize("solver", [*SOLVERS, LBFGS(history=3, surrogate=None), LBFGS(preconditioner=None), Descent()])
def test_solvers_keep_the_contract(solver):
    check_solver(solver, max_iter=3000)


class Deaf(Descent):
    def solve(self, objective, w0, *, max_iter, tol, callback):
        def heard(w, value):
            callback(w, value)
            return False

        return super().solve(objective, w0, max_iter=max_iter, tol=tol, callback=heard)


class Stubborn(Descent):
    def solve(self, objective, w0, **options):
        return super().solve(objective, np.zeros_like(w0), **options)


class Lazy(Descent):
    def solve(self, objective, w0, *, max_iter, tol, callback):
        return super().solve(objective, w0, max_iter=min(2, max_iter), tol=tol, callback=callback)


class Destructive(Descent):
    def solve(self, objective, w0, **options):
        w0 += 1
        return super().solve(objective, w0, **options)


class Boastful(Descent):
    def solve(self, objective, w0, *, max_iter, tol, callback):
        def heard(w, value):
            return callback(w, value / 2)

        return super().solve(objective, w0, max_iter=max_iter, tol=tol, callback=heard)


class OnlyWeights(Descent):
    def solve(self, objective, w0, *, max_iter, tol, callback):
        return super().solve(objective, w0, max_iter=max_iter, tol=tol, callback=callback).w


class Nothing(Descent):
    def solve(self, objective, w0, **options):
        return None


@pytest.mark.parametrize("solver", [OnlyWeights(), Nothing()])
def test_what_is_no_result_is_named(solver):
    message = r"solve returned (ndarray|NoneType), without w, n_iter, converged, message; it must return a skxent"
    with pytest.raises(TypeError, match=message):
        SoftmaxRegressor(solver=solver).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(AssertionError, match=message):
        check_solver(solver)


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (Deaf(), "asked to stop after 1"),
        (Stubborn(), "from random weights|ignores w0"),
        (Lazy(), "its optimum is"),
        (Destructive(), "writes into w0"),
        (Boastful(), "off the objective"),
    ],
)
def test_what_breaks_the_contract_is_named(solver, message):
    with pytest.raises(AssertionError, match=message):
        check_solver(solver, max_iter=3000)


@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
@pytest.mark.parametrize("solver", [LBFGS(history=20, surrogate=None), Descent(step=0.5)], ids=repr)
def test_an_object_works_where_a_name_does(estimator, solver):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = estimator(solver=solver, max_iter=200).fit(X, y)
        again = pickle.loads(pickle.dumps(clone(model))).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.solver is solver
    np.testing.assert_array_equal(model.coef_, again.coef_)


def test_the_named_solver_is_the_object_with_default_settings():
    np.testing.assert_array_equal(SoftmaxRegressor(solver=LBFGS()).fit(X, y).coef_, SoftmaxRegressor().fit(X, y).coef_)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_settings_are_read_set_and_shown(part):
    for name, value in part.get_params(deep=False).items():
        copied = clone(part)
        assert copied == part
        assert copied.set_params(**{name: value}) is copied
        assert copied == part
    assert repr(part) == f"{type(part).__name__}()"
    with pytest.raises(ValueError, match=f"{type(part).__name__} has no parameter 'nonsense'; its parameters: "):
        clone(part).set_params(nonsense=1)
    with pytest.raises((AttributeError, TypeError)):
        part.nonsense = 1


def test_settings_of_settings_leave_the_shared_default_alone():
    solver = LBFGS().set_params(preconditioner__memory_share=0.5)
    assert solver.preconditioner.memory_share == 0.5
    assert LBFGS().preconditioner.memory_share == SampledHessian().memory_share != 0.5
    assert repr(solver) == "LBFGS(preconditioner=SampledHessian(memory_share=0.5))"
    with pytest.raises(ValueError, match="cannot set share of surrogate=None, which has no parameters"):
        LBFGS(surrogate=None).set_params(surrogate__share=0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LBFGS(history=0), r"The 'history' parameter of LBFGS must be an int in the range \[1, inf\)"),
        (lambda: LBFGS(preconditioner="yes"), "The 'preconditioner' parameter of LBFGS must be a callable or None"),
        (lambda: LBFGS().set_params(line_search__curvature=2.0), "The 'curvature' parameter of WolfeSearch"),
        (lambda: SGD(cut=1), "The 'cut' parameter of SGD must be a float in the range"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (LBFGS, rf"known names: {KNOWN}. Pass an instance: LBFGS\(\)"),
        (3, f"solver=3 is not a solver; known names: {KNOWN}. Pass a name or an object with a method solve"),
    ],
)
def test_what_is_no_solver_is_refused(solver, message):
    with pytest.raises(TypeError, match=message):
        SoftmaxRegressor(solver=solver).fit(X, y)


def test_grid_search_over_settings_of_solver_and_loss():
    pipeline = make_pipeline(StandardScaler(), SoftmaxRegressor(loss=Focal(), solver=LBFGS()))
    grid = {
        "softmaxregressor__loss__gamma": [1.0, 2.0],
        "softmaxregressor__solver__history": [2, 50],
        "softmaxregressor__solver__preconditioner__ridge": [100, 1000],
    }
    search = GridSearchCV(pipeline, grid, cv=3, refit=True).fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    best = search.best_estimator_[-1]
    assert best.loss.gamma == search.best_params_["softmaxregressor__loss__gamma"]
    assert best.solver.history == search.best_params_["softmaxregressor__solver__history"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"loss__gamma": 1}, r"cannot set loss__gamma: loss='quadratic' is only a name\. Pass an instance, loss=Quad"),
        ({"solver__history": 1}, r"cannot set solver__history: solver='lbfgs' is only a name.*solver=LBFGS\(\)"),
    ],
)
def test_settings_of_a_name_are_a_clear_error(setting, message):
    with pytest.raises(ValueError, match=message):
        SoftmaxRegressor(loss="quadratic").set_params(**setting)
    model = SoftmaxRegressor(loss="quadratic").set_params(loss=Focal(), loss__gamma=1.5)
    assert model.loss.gamma == 1.5


def test_a_registered_name_travels_to_other_processes(monkeypatch):
    """Where nobody has registered it, the state of the estimator brings it along."""
    monkeypatch.setattr(LOSSES, "_parts", dict(LOSSES._parts))

    class Mine(CrossEntropy, name="mine"):
        pass

    state = SoftmaxRegressor("mine").__getstate__()
    search = GridSearchCV(SoftmaxRegressor("mine"), {"alpha": [1e-3, 1e-2]}, cv=2, n_jobs=2, error_score="raise")
    assert search.fit(X, y).best_score_ > 0.8
    del LOSSES._parts["mine"]
    unknown_here = SoftmaxRegressor.__new__(SoftmaxRegressor)
    unknown_here.__setstate__(state)
    assert "mine" in LOSSES
    assert unknown_here.fit(X, y).score(X, y) > 0.9
    assert "_named_parts" not in vars(unknown_here)


EARLY_SURROGATE = SubsampledSurrogate(first_iteration=3, min_rows=100, rows_per_column=1, max_steps=8, few_steps=1)


@pytest.mark.parametrize(
    ("n_arrays", "bound", "most"),
    [(0, None, 13.7), (9, None, 32), (0, NewtonBound(), 16.5), (9, NewtonBound(), 32)],
    ids=["steps", "surrogate", "bound", "surrogate and bound"],
)
def test_memory_of_many_outputs(n_arrays, bound, most, rng):
    """Arrays of the size of the weights at the peak, logits of a block included, on one thread.

    Room for nine is room for two pairs and a surrogate; with less there is none.
    """
    X, y = rng.standard_normal((2_000, 300), np.float32), rng.integers(200, size=2_000)
    room = {"memory_share": 0, "min_memory": n_arrays * 4 * 301 * 200}
    solver = LBFGS(**room, preconditioner=None, surrogate=EARLY_SURROGATE, bound=bound)
    model = SoftmaxRegressor(alpha=1e-3, max_iter=8, tol=1e-9, solver=solver)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X[:1_000], y[:1_000])
        tracemalloc.start()
        model.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak / (4 * 301 * 200) < most
