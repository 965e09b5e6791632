"""Rows in place of columns: the same problem, and the same model."""

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import objective_of

from skxent import SigmoidRegressor, SigmoidRegressorCV, SoftmaxRegressor, SoftmaxRegressorCV
from skxent.linear_model._row_space import RowSpace, in_row_space
from skxent.solvers import LBFGS


def data(rng, n_rows=12, n_features=40, n_classes=3):
    X = rng.normal(size=(n_rows, n_features)) * rng.uniform(0.1, 10, n_features) + rng.normal(size=n_features)
    return X, np.arange(n_rows) % n_classes


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_values_and_weights_are_the_same(make, alpha, fit_intercept, rng):
    X, y = data(rng)
    X[7] = X[3]
    X[:, 5] = 2.0
    weight = rng.uniform(0, 2, len(y))
    given = objective_of(make(X), y, weight, n_outputs=3, alpha=alpha, fit_intercept=fit_intercept).standardized()
    basis = RowSpace(given)
    assert basis.objective.rows.n_features < len(X)  # a row that is there twice adds no column
    v = rng.normal(size=(basis.objective.rows.n_features + 1, 3))
    w = basis.to_given(v)
    assert given.value(w) == pytest.approx(basis.objective.value(v), rel=1e-9)
    np.testing.assert_allclose(basis.from_given(w), v, atol=1e-8)


@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_the_model_is_that_of_the_columns(estimator, dtype, make, rng):
    X, y = data(rng, 60, 200, 4)
    X = make(X.astype(dtype))
    ours, plain = (estimator(alpha=0.1, tol=1e-9, solver=LBFGS(row_space=n)).fit(X, y) for n in (2_000, 0))
    assert ours.loss_curve_[-1] == pytest.approx(plain.loss_curve_[-1], rel=1e-6)
    # The objective is known to its rounding error, and coefficients to the square root of that.
    error = {np.float32: 4 * np.sqrt(np.finfo(np.float32).eps), np.float64: 1e-4}[dtype]
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=error * np.abs(plain.coef_).max())
    assert ours.coef_.dtype == dtype


def test_callbacks_and_warm_starts_see_weights_of_the_columns(rng):
    X, y = data(rng, 60, 200)
    once = SoftmaxRegressor(alpha=0.1, early_stopping=True, n_iter_no_change=50).fit(X, y)
    assert once.coef_.shape == (3, 200)
    again = SoftmaxRegressor(alpha=0.1).fit(X, y)
    assert SoftmaxRegressor(alpha=0.1).fit(X, y, None, again.coef_, again.intercept_).n_iter_ <= 3


@pytest.mark.parametrize("estimator", [SoftmaxRegressorCV, SigmoidRegressorCV])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_a_path_of_penalties_is_that_of_the_columns(estimator, make, rng, monkeypatch):
    X, y = data(rng, 60, 200, 3)
    spaces, original = [], RowSpace.__init__
    monkeypatch.setattr(RowSpace, "__init__", lambda space, given: (spaces.append(given), original(space, given))[1])
    options = {"alphas": [1.0, 1e-2, 1e-4], "cv": 3, "tol": 1e-10, "path_tol": 1e-10}
    ours, plain = (estimator(solver=LBFGS(row_space=n), **options).fit(make(X), y) for n in (2_000, 0))
    assert len(spaces) == 3 + 1  # the folds, and all rows with the penalty chosen
    np.testing.assert_allclose(ours.coefs_paths_, plain.coefs_paths_, atol=1e-3 * np.abs(plain.coefs_paths_).max())
    np.testing.assert_allclose(ours.scores_, plain.scores_, rtol=1e-3)
    assert ours.alpha_ == plain.alpha_


@pytest.mark.parametrize("looks", [False, True])
def test_weights_are_mapped_back_only_where_they_are_looked_at(looks, rng, monkeypatch):
    X, y = data(rng, 60, 200)
    mapped, original = [], RowSpace.to_given
    monkeypatch.setattr(RowSpace, "to_given", lambda space, v: (mapped.append(v), original(space, v))[1])
    model = SoftmaxRegressor(alpha=0.1, early_stopping=looks, n_iter_no_change=50).fit(X, y)
    assert model.n_iter_ > 1
    assert len(mapped) == 1 + looks * model.n_iter_


def test_a_callback_that_says_nothing_sees_weights_of_the_columns(rng):
    X, y = data(rng, 60, 200)
    given = objective_of(X, y, n_outputs=3, alpha=0.1)
    seen = []

    def callback(w, value):
        seen.append((given.value(w), value))
        return False

    LBFGS().solve(given, np.zeros((201, 3)), max_iter=100, tol=1e-9, callback=callback)
    np.testing.assert_allclose(*np.transpose(seen), rtol=1e-9)


def test_columns_of_very_different_sizes_stay(rng):
    """Products of rows would lose the small column: it decides here."""
    X, y = data(rng, 30, 50, 2)
    X[:, 0] *= 1e9
    X[:, 1] = 1e-3 * y
    assert in_row_space(objective_of(X, y, n_outputs=2, alpha=1e-9).standardized()) is None
    assert SoftmaxRegressor(alpha=1e-9).fit(X, y).score(X, y) == 1


@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_columns_of_any_units_with_a_penalty(estimator, fit_intercept, rng):
    """Variances over 24 orders of magnitude: the rows stay apart, and the model is the same."""
    X, y = rng.normal(size=(40, 300)) * 10.0 ** rng.uniform(-6, 6, 300), np.arange(40) % 3
    options = {"alpha": 1e-2, "fit_intercept": fit_intercept, "max_iter": 3_000}
    ours, plain = (estimator(solver=LBFGS(row_space=n), **options).fit(X, y) for n in (2_000, 0))
    assert ours.n_iter_ <= plain.n_iter_
    assert ours.loss_curve_[-1] <= plain.loss_curve_[-1] * (1 + 1e-6)


@pytest.mark.parametrize(
    ("alpha", "same_rows", "kept"), [(1e-2, False, True), (0.0, False, False), (1e-2, True, False)]
)
def test_columns_of_any_units_only_where_no_digits_are_lost(alpha, same_rows, kept, rng):
    X = rng.normal(size=(20, 100)) * 10.0 ** rng.uniform(-6, 6, 100)
    X[11] = X[3] if same_rows else X[11]
    objective = objective_of(X, np.arange(20) % 2, n_outputs=2, alpha=1e-2).standardized()
    assert (in_row_space(objective) is None) == same_rows
