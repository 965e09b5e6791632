"""The equivalence with LogisticRegression, for two classes and more."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skxent import SigmoidRegressor, SoftmaxRegressor

PRECISE = {"tol": 1e-13, "max_iter": 2000}
DATA = {load.__name__: load for load in (load_iris, load_wine, load_breast_cancer)}


def scaled(name):
    X, y = DATA[name](return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("alpha", [1e-3, 1e-1])
def test_the_penalty_is_that_of_logistic_regression(name, alpha):
    """C = 1 / (alpha n) from three classes on, and 2 / (alpha n) for two."""
    X, y = scaled(name)
    n_classes = len(np.unique(y))
    C = (2 if n_classes == 2 else 1) / (alpha * len(y))
    peer = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y)
    ours = SoftmaxRegressor(alpha=alpha, **PRECISE).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=1e-5)


def test_a_sigmoid_unit_has_the_penalty_of_logistic_regression():
    X, y = scaled("load_breast_cancer")
    peer = LogisticRegression(C=1 / (1e-3 * len(y)), tol=1e-10, max_iter=10_000).fit(X, y)
    ours = SigmoidRegressor(alpha=1e-3, **PRECISE).fit(X, y)
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=1e-4)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("alpha", [1e-4, 1e-2])
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_softmax_coefficients_sum_to_zero_over_the_classes(name, alpha, start, rng):
    X, y = DATA[name](return_X_y=True)
    shape = len(np.unique(y)), X.shape[1]
    model = SoftmaxRegressor(alpha=alpha).fit(X, y, coef_init=start * rng.normal(size=shape) * 1e-3)
    size = np.abs(model.coef_).max()
    assert np.abs(model.coef_.sum(axis=0)).max() <= 1e-6 * size * shape[0]
    assert np.abs(model.intercept_.sum()) <= 1e-6 * max(size, np.abs(model.intercept_).max()) * shape[0]


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
@pytest.mark.parametrize("labels", [np.asarray, lambda y: np.array(["a", "b", "c"])[y]])
def test_a_logistic_regression_with_the_same_predictions(name, estimator, labels):
    X, y = scaled(name)
    model = estimator(loss="quadratic", alpha=1e-3).fit(X, labels(y))
    if estimator is SigmoidRegressor and len(model.classes_) > 2:
        with pytest.raises(ValueError, match="sigmoid units for more than two classes"):
            model.to_logistic_regression()
        return
    copied = model.to_logistic_regression()
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    np.testing.assert_allclose(copied.predict_proba(X), model.predict_proba(X), atol=1e-12)
    np.testing.assert_allclose(copied.decision_function(X), model.decision_function(X), atol=1e-9)
    assert copied.n_features_in_ == model.n_features_in_


def test_no_logistic_regression_predicts_a_matrix():
    X, y = scaled("load_iris")
    with pytest.raises(ValueError, match="a matrix of targets"):
        SoftmaxRegressor().fit(X, np.eye(3)[y]).to_logistic_regression()


def test_through_onnx():
    skl2onnx = pytest.importorskip("skl2onnx")
    runtime = pytest.importorskip("onnxruntime")
    X, y = scaled("load_wine")
    model = SoftmaxRegressor().fit(X.astype(np.float32), y)
    exported = skl2onnx.to_onnx(model.to_logistic_regression(), X[:1].astype(np.float32), options={"zipmap": False})
    session = runtime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])
    labels, probabilities = session.run(None, {"X": X.astype(np.float32)})
    np.testing.assert_array_equal(labels, model.predict(X.astype(np.float32)))
    np.testing.assert_allclose(probabilities, model.predict_proba(X.astype(np.float32)), atol=1e-5)


@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
def test_predictions_have_the_same_bits_for_any_number_of_threads(estimator, rng):
    from threadpoolctl import threadpool_limits

    X = rng.normal(size=(5_000, 300))
    model = estimator().fit(X[:200], rng.integers(7, size=200))
    found = []
    for n_threads in (1, 2, 4):
        with threadpool_limits(n_threads, user_api="blas"):
            found.append(model.predict_proba(X))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
