"""Weights and streams: classes without weight, rows that come alone, targets of one column."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.utils import compute_class_weight

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.losses import LOSSES

BOTH = [SoftmaxRegressor, SigmoidRegressor]
X, y = load_iris(return_X_y=True)


@pytest.mark.parametrize("estimator", BOTH)
def test_balanced_weights_leave_out_classes_without_weight(estimator):
    weight = np.where(y == 2, 0.0, 1.0)
    balanced = estimator(class_weight="balanced").fit(X, y, weight)
    plain = estimator().fit(X, y, weight)
    np.testing.assert_allclose(balanced.coef_, plain.coef_, atol=1e-4)
    assert balanced.class_weight_.tolist() == [1, 1, 0]


def test_balanced_weights_are_scikit_learns(rng):
    labels = rng.choice(4, 200, p=[0.6, 0.3, 0.08, 0.02])
    weight = rng.random(200)
    model = SoftmaxRegressor(class_weight="balanced").fit(rng.normal(size=(200, 2)), labels, weight)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels, sample_weight=weight)
    np.testing.assert_allclose(model.class_weight_, expected)


def test_bagging_with_a_rare_class(rng):
    features, labels = rng.normal(size=(90, 3)), np.repeat([0, 1, 2], [60, 28, 2])
    bagged = BaggingClassifier(SoftmaxRegressor(class_weight="balanced"), n_estimators=20, random_state=0)
    assert np.isfinite(bagged.fit(features, labels).predict_proba(features)).all()


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: -1}, "class_weight of 0 is -1.0; weights are at least 0 and finite"),
        ({1: np.nan}, "class_weight of 1 is nan"),
        ({2: np.inf}, "class_weight of 2 is inf"),
        ({0: 0, 1: 0, 2: 0}, "all weights are 0, so that no row counts"),
    ],
)
def test_bad_class_weights_are_named(estimator, method, class_weight, message):
    options = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    with pytest.raises(ValueError, match=message):
        getattr(estimator(class_weight=class_weight), method)(X, y, **options)


def test_all_zero_sample_weights_are_named():
    with pytest.raises(ValueError, match="at least one non-zero"):
        SoftmaxRegressor().fit(X, y, np.zeros(150))


@pytest.mark.parametrize("class_weight", [None, {0: 3.0}])
def test_weights_scale_the_steps_of_single_rows(class_weight, rng):
    """As SGDClassifier's do."""
    labels, weights = (y[:100] == 1).astype(int), rng.random(100)
    ours = SigmoidRegressor(alpha=0, learning_rate=0.01, class_weight=class_weight)
    peer = SGDClassifier("log_loss", alpha=0, learning_rate="constant", eta0=0.01, class_weight=class_weight)
    for row in range(100):
        one = slice(row, row + 1)
        for model in (ours, peer):
            model.partial_fit(X[one], labels[one], classes=[0, 1], sample_weight=weights[one])
    np.testing.assert_allclose(ours.coef_, peer.coef_, rtol=1e-9)
    np.testing.assert_allclose(ours.intercept_, peer.intercept_, rtol=1e-9)


@pytest.mark.parametrize("estimator", BOTH)
def test_a_weight_of_two_is_a_step_of_two(estimator):
    once = estimator(alpha=0, learning_rate=0.02, batch_size=200).partial_fit(X, y, classes=[0, 1, 2])
    twice = estimator(alpha=0, learning_rate=0.01, batch_size=200)
    twice.partial_fit(X, y, classes=[0, 1, 2], sample_weight=np.full(150, 2.0))
    np.testing.assert_allclose(twice.coef_, once.coef_, rtol=1e-9)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"early_stopping": True}, "early_stopping=True is not supported by partial_fit"),
        ({"class_weight": "balanced"}, "class_weight='balanced' is not supported by partial_fit"),
    ],
)
def test_what_needs_all_rows_is_refused_by_partial_fit(setting, message):
    with pytest.raises(ValueError, match=message):
        SoftmaxRegressor(**setting).partial_fit(X, y, classes=[0, 1, 2])


def test_a_stream_with_other_columns_gets_advice_that_applies():
    model = SoftmaxRegressor().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="Use a new estimator") as caught:
        model.partial_fit(X, np.eye(4)[np.append(y[:-1], 3)])
    assert "warm_start" not in str(caught.value)


def test_soft_targets_of_one_unit_are_a_column(rng):
    p = rng.random((150, 1))
    model = SigmoidRegressor().fit(X, p)
    two = SoftmaxRegressor(alpha=2e-4).fit(X, np.hstack([1 - p, p]))
    assert model.coef_.shape == (1, 4)
    np.testing.assert_allclose(model.predict_proba(X)[:, 0], two.predict_proba(X)[:, 1], atol=1e-3)
    hits = np.where(model.predict_proba(X) > 0.5, p, 1 - p)
    assert model.score(X, p) == pytest.approx(hits.mean())


def test_sparse_targets_are_scored_as_they_are_fitted(rng):
    Y = (rng.random((150, 3)) < 0.4).astype(float)
    model = SigmoidRegressor().fit(X, sp.csr_array(Y))
    assert model.score(X, sp.csr_array(Y)) == model.score(X, Y)


@pytest.mark.parametrize(
    ("Y", "weight", "message"),
    [
        (np.eye(3)[y[:9]], None, "inconsistent numbers of samples"),
        (np.where(np.eye(3)[y] > 0, np.nan, 0), None, "y contains NaN"),
        (2 * np.eye(3)[y], None, "is not made of probabilities"),
        (np.eye(2)[np.minimum(y, 1)], None, "y has 2 columns; this model has 3 outputs"),
        (np.eye(3)[y], np.zeros(150), "at least one non-zero"),
        (np.eye(3)[y], -np.ones(150), "Negative values"),
    ],
)
def test_bad_matrices_are_not_scored(Y, weight, message):
    with pytest.raises(ValueError, match=message.replace("contains", "contains|Input y contains")):
        SoftmaxRegressor().fit(X, np.eye(3)[y]).score(X, Y, weight)


def test_tiny_steps_are_called_so():
    for learning_rate in (1e-12, 1e-9):
        with pytest.warns(UserWarning, match="learning_rate is too small"):
            SoftmaxRegressor(solver="sgd", learning_rate=learning_rate, random_state=0).fit(X, y)


def test_errors_about_arguments_name_the_class():
    for estimator in BOTH:
        with pytest.raises(TypeError, match=f"{estimator.__name__}.*'C'"):
            estimator(C=1)


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_class_with_weight_is_predicted(estimator, loss, dtype, rng):
    """Bagging hands over such rows; the best model is at infinity, and any way there predicts the class."""
    X, y = rng.normal(size=(40, 3)).astype(dtype), np.arange(40) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = estimator(loss).fit(X, y, sample_weight=(y == 1).astype(float))
    assert (model.predict(X) == 1).all()
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("other", [0.0, 1e-30])
@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
def test_a_single_class_with_weight_is_learned_perfectly(estimator, other, dtype, rng):
    """Where the objective is zero but for rounding no gradient is blamed, and no columns."""
    X = rng.normal(size=(100, 4)).astype(dtype)
    y = np.arange(100) % 2
    model = estimator().fit(X, y, sample_weight=np.where(y == 1, 1, other))
    assert model.loss_curve_[-1] < 1e-6
    assert model.optimality_ <= 100 * model.tol


@pytest.mark.parametrize(("dtype", "unit"), [(np.float32, 1e38), (np.float32, 1e-42), (np.float64, 1e308)])
def test_weights_beyond_the_range_of_the_data_are_named(dtype, unit, rng):
    X = rng.normal(size=(100, 4)).astype(dtype)
    with pytest.raises(ValueError, match=r"the weights sum to .*, beyond the range of float.*divide sample_weight"):
        SoftmaxRegressor().fit(X, X[:, 0] > 0, sample_weight=np.full(100, unit))
