"""Early stopping on what people watch: any score, data of their own, weights of any kind."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier
from sklearn.metrics import log_loss

from skxent import SigmoidRegressor, SoftmaxRegressor

BOTH = [SoftmaxRegressor, SigmoidRegressor]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.mark.filterwarnings("ignore:solver='sgd' has not converged")
@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_the_default_score_is_minus_the_log_loss(solver, digits):
    X, y = digits
    model = SoftmaxRegressor(solver=solver, early_stopping=True, random_state=0, alpha=0, max_iter=200, tol=1e-4)
    model.fit(X[:1200], y[:1200], X_val=X[1200:], y_val=y[1200:])
    best = log_loss(y[1200:], model.predict_proba(X[1200:]))
    assert -best == pytest.approx(max(model.validation_scores_), rel=1e-9)
    assert best < 0.4


def test_validation_data_without_early_stopping_are_only_recorded(digits):
    X, y = digits
    plain = SoftmaxRegressor().fit(X[:1200], y[:1200])
    watched = SoftmaxRegressor().fit(X[:1200], y[:1200], X_val=X[1200:], y_val=y[1200:])
    np.testing.assert_array_equal(plain.coef_, watched.coef_)
    curve = watched.learning_curve_
    assert curve["iteration"].tolist() == list(range(1, watched.n_iter_ + 1))
    np.testing.assert_array_equal(curve["objective"], watched.loss_curve_)
    np.testing.assert_array_equal(curve["validation_score"], watched.validation_scores_)
    assert (np.diff(curve["seconds"]) >= 0).all()
    assert np.isnan(plain.learning_curve_["validation_score"]).all()


@pytest.mark.parametrize("estimator", BOTH)
def test_validation_weights_are_frequencies(estimator, digits):
    X, y = digits
    times = np.arange(200) % 3
    options = {"scoring": None, "early_stopping": True}
    by_weight = estimator(**options).fit(X, y, X_val=X[:200], y_val=y[:200], sample_weight_val=times)
    repeated = np.repeat(np.arange(200), times)
    by_rows = estimator(**options).fit(X, y, X_val=X[repeated], y_val=y[repeated])
    np.testing.assert_allclose(by_weight.validation_scores_, by_rows.validation_scores_, rtol=1e-9)


@pytest.mark.parametrize("value", [float("nan"), None, "good"])
def test_a_score_that_is_no_number_is_refused(value, digits):
    """Rather than kept in silence until patience with the start is over."""
    model = SoftmaxRegressor(early_stopping=True, scoring=lambda model, X, y: value)
    with pytest.raises(ValueError, match=rf"scoring=.* gave {value!r} for the 180 validation rows"):
        model.fit(*digits)


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", lambda model, X, y: -model.predict_proba(X)[0, 0]])
def test_any_scorer_decides(scoring, digits):
    X, y = digits
    model = SoftmaxRegressor(early_stopping=True, scoring=scoring, random_state=0).fit(X, y)
    assert len(model.validation_scores_) == model.n_iter_
    assert model.score(X, y) > 0.5


def test_a_warm_start_is_scored_itself(digits):
    """Where no step helps the held-out rows, the weights stay those of the start."""
    X, y = digits
    good = SoftmaxRegressor().fit(X[900:], y[900:])
    model = SoftmaxRegressor(early_stopping=True, n_iter_no_change=2, random_state=0)
    start = {"coef_init": good.coef_, "intercept_init": good.intercept_}
    model.fit(X[:40], y[:40], X_val=X[900:], y_val=y[900:], **start)
    np.testing.assert_allclose(model.coef_, good.coef_)
    assert max(model.validation_scores_) < -log_loss(y[900:], good.predict_proba(X[900:]))


def test_rows_without_weight_are_not_held_out(rng):
    """So that small bagged fits, which set most weights to 0, find rows to validate on."""
    X = rng.normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    model = SoftmaxRegressor(early_stopping=True, random_state=0)
    weight = np.zeros(60)
    weight[np.flatnonzero(y == 0)[:6]] = weight[np.flatnonzero(y == 1)[:6]] = 1
    assert model.fit(X, y, weight).n_iter_ > 0
    bagged = BaggingClassifier(model, n_estimators=30, max_samples=0.4, random_state=0).fit(X, y)
    assert bagged.score(X, y) > 0.8


def test_a_class_too_small_to_hold_out_is_named(rng):
    X, y = rng.normal(size=(30, 2)), np.repeat([5, 7], [29, 1])
    with pytest.raises(ValueError, match=r"with some of each class on both sides.*(7|only 1 member)"):
        SoftmaxRegressor(early_stopping=True).fit(X, y)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": np.zeros((2, 64))}, "y_val is missing; give X_val and y_val together"),
        ({"y_val": [0, 1]}, "X_val is missing"),
        ({"X_val": np.zeros((2, 3)), "y_val": [0, 1]}, "In X_val, y_val or sample_weight_val: X has 3 features"),
        ({"X_val": np.zeros((2, 64)), "y_val": [0, 11]}, "y has labels .11. that are not among the classes"),
        ({"X_val": np.zeros((2, 64)), "y_val": [0, 1], "sample_weight_val": [-1, 1]}, "Negative values"),
    ],
)
def test_bad_validation_data_are_named(given, message, digits):
    X, y = digits
    with pytest.raises(ValueError, match=message):
        SoftmaxRegressor().fit(X, y, **given)
