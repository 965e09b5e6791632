"""The two regressors: against scikit-learn's logistic regression, and as citizens of its world."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from helpers import Focal, objective_of
from scipy.special import log_expit, log_softmax, softmax
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from skxent import SigmoidRegressor, SoftmaxRegressor, solvers
from skxent.losses import LOSSES, CrossEntropy, Quadratic
from skxent.rows import BlockSizes, MemoryRows
from skxent.solvers import LBFGS, SampledHessian

pytestmark = pytest.mark.usefixtures("one_blas_thread")

BOTH = [SoftmaxRegressor, SigmoidRegressor]
EVERY_LOSS = list(LOSSES)
SOLVERS = list(solvers.SOLVERS)
PRECISE = {"tol": 1e-14, "max_iter": 2000}
FIXED_PASSES = {"solver": "sgd", "tol": 0, "max_iter": 4, "random_state": 0}


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="module")
def multilabel():
    return make_multilabel_classification(200, 6, n_classes=4, random_state=0)


def same_model(a, b, **tolerance):
    np.testing.assert_allclose(a.coef_, b.coef_, **tolerance)
    np.testing.assert_allclose(a.intercept_, b.intercept_, **tolerance)


def identical(a, b):
    return np.array_equal(a.coef_, b.coef_) and np.array_equal(a.intercept_, b.intercept_)


def state(estimator):
    """All that a fit leaves behind, to compare before and after."""
    return pickle.dumps(vars(estimator))


# ------------------------------------------------------------------------------------ logistic regression


@pytest.mark.parametrize("load", [load_iris, load_wine])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_softmax_is_multinomial_logistic_regression(load, C, fit_intercept):
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    ours = SoftmaxRegressor(alpha=1 / (C * len(X)), fit_intercept=fit_intercept, **PRECISE).fit(X, y)
    theirs = LogisticRegression(C=C, fit_intercept=fit_intercept, solver="newton-cg", tol=1e-10, max_iter=1000)
    theirs.fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(
        ours.intercept_ - ours.intercept_.mean(), theirs.intercept_ - theirs.intercept_.mean(), atol=1e-5
    )
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_softmax_of_two_classes_is_logistic_regression_at_half_the_penalty(cancer):
    """The scores' difference has coefficients w from rows w/2 and -w/2, whose penalty is half of w's."""
    X, y = cancer
    theirs = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10).fit(X, y)
    ours = SoftmaxRegressor(alpha=2 / len(X), **PRECISE).fit(X, y)
    assert ours.coef_.shape == (2, 30)
    np.testing.assert_allclose(ours.coef_[1] - ours.coef_[0], theirs.coef_[0], atol=1e-5)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-5)


def test_binary_sigmoid_is_logistic_regression(cancer):
    X, y = cancer
    theirs = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10).fit(X, y)
    ours = SigmoidRegressor(alpha=1 / len(X), **PRECISE).fit(X, y)
    same_model(ours, theirs, atol=1e-5)
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_allclose(getattr(ours, method)(X), getattr(theirs, method)(X), atol=1e-4)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def one_vs_rest(X, Y):
    return OneVsRestClassifier(LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10)).fit(X, Y)


def test_multiclass_sigmoid_is_one_vs_rest(iris):
    X, y = iris
    ours, theirs = SigmoidRegressor(alpha=1 / len(X), **PRECISE).fit(X, y), one_vs_rest(X, y)
    np.testing.assert_allclose(ours.coef_, [unit.coef_[0] for unit in theirs.estimators_], atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_multilabel_sigmoid_is_one_vs_rest(multilabel):
    X, Y = multilabel
    ours, theirs = SigmoidRegressor(alpha=1 / len(X), **PRECISE).fit(X, Y), one_vs_rest(X, Y)
    np.testing.assert_allclose(ours.coef_, [unit.coef_[0] for unit in theirs.estimators_], atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.score(X, Y) == accuracy_score(Y, ours.predict(X))


def test_two_class_softmax_is_the_sigmoid(cancer):
    X, y = cancer
    for loss in EVERY_LOSS:
        softmax = SoftmaxRegressor(loss, alpha=2e-2, **PRECISE).fit(X, y)
        sigmoid = SigmoidRegressor(loss, alpha=1e-2, **PRECISE).fit(X, y)
        np.testing.assert_allclose(softmax.predict_proba(X), sigmoid.predict_proba(X), atol=1e-5)


def test_class_weights_are_those_of_logistic_regression(iris):
    X, y = iris[0][:120], iris[1][:120]
    for class_weight in ("balanced", {0: 1.0, 1: 2.0, 2: 5.0}):
        ours = SoftmaxRegressor(alpha=1e-2, class_weight=class_weight, **PRECISE).fit(X, y)
        total = sklearn.utils.compute_sample_weight(class_weight, y).sum()
        theirs = LogisticRegression(C=1 / (1e-2 * total), class_weight=class_weight, solver="newton-cg", tol=1e-10)
        np.testing.assert_allclose(ours.coef_, theirs.fit(X, y).coef_, atol=1e-5)


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("loss", EVERY_LOSS)
@pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
def test_defaults_need_no_scaling_and_give_no_warning(load, estimator, loss, scale):
    X, y = load(return_X_y=True)
    # Sigmoid units with smoothed labels get 0.9 on iris, whose middle class no line separates from the others.
    assert estimator(loss, alpha=1e-4 * scale**2).fit(scale * X, y).score(scale * X, y) > 0.89


# ------------------------------------------------------------------------------------------------ predictions


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_agree_with_each_other(estimator, n_classes, iris):
    X, y = iris[0][iris[1] < n_classes], iris[1][iris[1] < n_classes]
    model = estimator().fit(X, y)
    p, scores = model.predict_proba(X), model.decision_function(X)
    assert p.shape == (len(X), n_classes)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(np.log(p), model.predict_log_proba(X), atol=1e-12)
    np.testing.assert_array_equal(model.predict(X), p.argmax(axis=1))
    if n_classes == 2:
        assert scores.shape == (len(X),)
        np.testing.assert_allclose(scores, np.log(p[:, 1] / p[:, 0]), atol=1e-8)
    else:
        np.testing.assert_array_equal(model.predict(X), scores.argmax(axis=1))
    assert model.score(X, y) == accuracy_score(y, model.predict(X))


@pytest.mark.parametrize("estimator", BOTH)
def test_log_probabilities_survive_where_probabilities_underflow(estimator, iris):
    X, y = iris
    model = estimator().fit(X, y)
    far = np.array([[1e6, 0, 0, 0], [-1e6, 0, 0, 0]])
    assert (model.predict_proba(far) == 0).any()
    assert np.isfinite(model.predict_log_proba(far)).all()
    np.testing.assert_array_equal(model.predict(far), model.classes_[model.predict_log_proba(far).argmax(axis=1)])


def test_scores_are_linear_and_probabilities_their_softmax(iris):
    X, y = iris
    model = SoftmaxRegressor().fit(X, y)
    assert (model.coef_.shape, model.intercept_.shape) == ((3, 4), (3,))
    z = X @ model.coef_.T + model.intercept_
    np.testing.assert_allclose(model.decision_function(X), z)
    np.testing.assert_allclose(model.predict_proba(X), softmax(z, axis=1))


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize(
    "names",
    [[-7, 3, 10], ["rose", "iris", "tulip"], [True, False], [2.0, -1.0, 0.0], [2**62, 0]],
    ids=str,
)
def test_labels_of_any_type(estimator, names, iris):
    X, y = iris[0][iris[1] < len(names)], np.array(names)[iris[1][iris[1] < len(names)]]
    model = estimator().fit(X, y)
    np.testing.assert_array_equal(model.classes_, np.unique(names))
    assert model.predict(X).dtype == y.dtype
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize(
    ("names", "dtype"),
    [
        ([-128, 0, 127], np.int8),
        ([0, 7, 255], np.uint8),
        ([5, 6, 8], np.int32),
        ([-(2**63), 9 - 2**63], np.int64),
        ([2**64 - 300, 2**64 - 1], np.uint64),
        ([-(2**63), 0, 2**63 - 1], np.int64),
    ],
)
def test_integer_labels_from_a_table_or_sorted(names, dtype, monkeypatch):
    monkeypatch.setattr("skxent.linear_model._targets._LABELS_AT_A_TIME", 128)
    y = np.repeat(np.array(names, dtype), 300)[::-1]
    model = SoftmaxRegressor().fit(y[:, np.newaxis] == np.array(names, dtype), y)
    assert model.classes_.dtype == dtype
    assert model.classes_.tolist() == names
    np.testing.assert_array_equal(model.predict(y[:, np.newaxis] == np.array(names, dtype)), y)


@pytest.mark.parametrize(
    ("n_classes", "as_labels"),
    [
        (255, np.asarray),
        (256, np.asarray),
        (300, np.asarray),
        (300, lambda y: y.astype(str)),
        (300, lambda y: 1_000_000 * y),
    ],
)
def test_more_classes_than_a_byte_holds(n_classes, as_labels, rng):
    y = as_labels(rng.permutation(np.arange(2 * n_classes) % n_classes))
    X = np.unique(y, return_inverse=True)[1][:, np.newaxis] == np.arange(n_classes)
    model = SoftmaxRegressor().fit(X, y)
    np.testing.assert_array_equal(model.predict(X), y)
    by_passes = SoftmaxRegressor(learning_rate=5.0, alpha=0)
    for _ in range(20):
        by_passes.partial_fit(X, y, classes=y)
    np.testing.assert_array_equal(by_passes.predict(X), y)


@pytest.mark.parametrize(
    ("n_rows", "n_features", "n_classes", "most"),
    [
        (200_000, 30, 10, 5_000_000),
        (500_000, 10, 2, 5_000_000),
        (5_000, 2_000, 5, 12_500_000),
        (20_000, 300, 3, 6_400_000),
        (100_000, 20, 30, 5_000_000),
    ],
)
def test_a_fit_takes_little_memory_beyond_the_data(n_rows, n_features, n_classes, most):
    X = np.random.default_rng(0).standard_normal((n_rows, n_features), np.float32)
    y = X[:, :n_classes].argmax(axis=1)
    model = SoftmaxRegressor(tol=1e-3)
    with threadpool_limits(2, user_api="blas"):
        model.fit(X[:1_000], y[:1_000])
        tracemalloc.start()
        model.fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < most


@pytest.mark.parametrize(
    ("n_rows", "n_features", "batch_size", "most"),
    [(200_000, 30, 100, 2_400_000), (25_000, 800, 100, 13_000_000), (25_000, 800, 25_000, 9_600_000)],
)
def test_a_pass_takes_little_memory_beyond_the_data(n_rows, n_features, batch_size, most):
    """Some batches, not the data in another order."""
    X = np.random.default_rng(0).standard_normal((n_rows, n_features), np.float32)
    y = X[:, :3].argmax(axis=1)
    model = SoftmaxRegressor(batch_size=batch_size)
    with threadpool_limits(2, user_api="blas"):
        model.partial_fit(X[:1_000], y[:1_000], classes=range(3))
        tracemalloc.start()
        model.partial_fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < most


@pytest.mark.parametrize("estimator", BOTH)
def test_labels_as_objects_and_columns(estimator, iris):
    X, y = iris
    named = np.array(["a", "b", "c"], dtype=object)[y]
    assert estimator().fit(X, named).predict(X).dtype == object
    assert set(estimator().fit(X, named.tolist()).predict(X)) == {"a", "b", "c"}
    with pytest.warns(DataConversionWarning):
        assert estimator().fit(X, named[:, np.newaxis]).predict(X).shape == (150,)


# ------------------------------------------------------------------------------------------- soft labels


@pytest.mark.parametrize("loss", ["cross_entropy", "quadratic"])
@pytest.mark.parametrize("weighted", [False, True])
def test_soft_labels_are_duplicated_rows_with_weights(loss, weighted, iris, rng):
    """Exactly so for the cross-entropy; the quadratic loss of soft labels differs by a constant, not in its minimum."""
    X, y = iris
    soft = 0.7 * np.eye(3)[y] + 0.3 * rng.dirichlet(np.ones(3), len(X))
    weight = rng.random(len(X)) if weighted else np.ones(len(X))
    ours = SoftmaxRegressor(loss, alpha=1e-2, **PRECISE).fit(X, soft, weight)
    duplicated = SoftmaxRegressor(loss, alpha=1e-2, **PRECISE).fit(
        np.repeat(X, 3, axis=0), np.tile([0, 1, 2], len(X)), (weight[:, np.newaxis] * soft).ravel()
    )
    same_model(ours, duplicated, atol=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("as_type", [np.asarray, lambda y: y.astype(int), lambda y: y.astype(bool), sp.csr_array])
def test_one_hot_rows_are_labels(solver, as_type, iris):
    X, y = iris
    options = {"random_state": 0, "solver": solver, "tol": 0, "max_iter": 5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        by_label = SoftmaxRegressor(**options).fit(X, y)
        one_hot = SoftmaxRegressor(**options).fit(X, as_type(np.eye(3)[y]))
    assert identical(by_label, one_hot)
    np.testing.assert_array_equal(one_hot.classes_, [0, 1, 2])
    np.testing.assert_array_equal(one_hot.predict(X), by_label.predict(X))


def test_score_of_soft_labels_is_the_expected_accuracy(iris, rng):
    X, y = iris
    soft, weight = 0.7 * np.eye(3)[y] + 0.3 * rng.dirichlet(np.ones(3), len(X)), rng.random(150)
    for model in (SoftmaxRegressor().fit(X, soft), SoftmaxRegressor().fit(X, y), SigmoidRegressor().fit(X, y)):
        expected = np.average(soft[np.arange(150), model.predict(X)], weights=weight)
        assert model.score(X, soft, weight) == pytest.approx(expected)
        assert model.score(X, np.eye(3)[y]) == pytest.approx(model.score(X, y))
        assert model.score(X, pd.DataFrame(np.eye(3)[y])) == model.score(X, np.eye(3)[y])


def test_score_of_soft_multilabel_targets_is_the_expected_accuracy(multilabel, rng):
    X, Y = multilabel
    soft = np.clip(0.8 * Y + 0.2 * rng.random(Y.shape), 0, 1)
    model = SigmoidRegressor().fit(X, soft)
    draws = rng.random((2000, *soft.shape)) < soft
    assert model.score(X, soft) == pytest.approx((draws == model.predict(X)).all(axis=2).mean(), abs=0.005)
    assert model.score(X, Y) == pytest.approx(accuracy_score(Y, model.predict(X)))


@pytest.mark.parametrize("estimator", BOTH)
def test_score_needs_matching_columns(estimator, iris):
    model = estimator().fit(*iris)
    with pytest.raises(ValueError, match="y has 2 columns; this model has 3 outputs"):
        model.score(iris[0], np.full((150, 2), 0.5))
    with pytest.raises(NotFittedError):
        estimator().score(iris[0], np.eye(3)[iris[1]])


def test_soft_units(rng):
    """Soft targets of independent units: the fit of each unit is that of duplicated rows with weights."""
    X, soft = rng.normal(size=(60, 3)), rng.random((60, 2))
    ours = SigmoidRegressor(alpha=1e-2, **PRECISE).fit(X, soft)
    for k in range(2):
        unit = SigmoidRegressor(alpha=1e-2, **PRECISE).fit(
            np.vstack([X, X]), np.repeat([0, 1], 60), np.r_[1 - soft[:, k], soft[:, k]]
        )
        np.testing.assert_allclose(ours.coef_[k], unit.coef_[0], atol=1e-6)
    assert ours.predict(X).shape == ours.decision_function(X).shape == ours.predict_proba(X).shape == (60, 2)


# --------------------------------------------------------------------------------------- kinds of data


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("make_sparse", [sp.csr_array, sp.csr_matrix, sp.csc_array, sp.coo_array])
def test_sparse_is_dense(estimator, make_sparse, iris):
    X, y = iris
    X = np.where(np.abs(X) > 1, X, 0)
    dense, sparse = (estimator(alpha=1e-2, **PRECISE).fit(data, y) for data in (X, make_sparse(X)))
    same_model(dense, sparse, atol=1e-6)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_allclose(getattr(dense, method)(make_sparse(X)), getattr(dense, method)(X), atol=1e-12)
    passes = [estimator(**FIXED_PASSES).fit(data, y) for data in (X, make_sparse(X))]
    same_model(*passes, atol=1e-10)


class Spy(CrossEntropy):
    """Keeps the dtypes that the computation uses."""

    def __init__(self, seen):
        self.seen = seen

    def __deepcopy__(self, memo):
        return self

    def pointwise(self, y, p, log_p):
        self.seen.update({values.dtype for values in (y, p, log_p) if len(y) > 50})
        return super().pointwise(y, p, log_p)


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("as_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("weighted", [False, True])
def test_single_precision_is_kept(estimator, solver, as_data, weighted, iris):
    X, y = iris
    seen = set()
    model = estimator(Spy(seen), solver=solver, max_iter=100, tol=1e-2, batch_size=60)
    model.fit(as_data(X.astype(np.float32)), y, np.ones(150) if weighted else None)
    assert np.dtype(np.float32) in seen
    for values in (model.coef_, model.intercept_, model.predict_proba(X.astype(np.float32))):
        assert values.dtype == np.float32
    assert model.predict_log_proba(as_data(X.astype(np.float32))).dtype == np.float32
    if solver == "sgd":
        assert seen == {np.dtype(np.float32)}


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("dtype", [np.float64, np.float16, int, np.uint8])
def test_other_numbers_are_double_precision(estimator, dtype, iris):
    model = estimator(max_iter=1000).fit((10 * (iris[0] + 5)).astype(dtype), iris[1])
    assert model.coef_.dtype == model.intercept_.dtype == np.float64


@pytest.mark.parametrize("estimator", BOTH)
def test_single_precision_finds_the_same_model(estimator, iris):
    X, y = iris
    single, double = (estimator(alpha=1e-2, tol=1e-9).fit(X.astype(dtype), y) for dtype in (np.float32, np.float64))
    same_model(single, double, atol=1e-3)


@pytest.mark.parametrize("make_frame", [pd.DataFrame, lambda data: pl.DataFrame(data)], ids=["pandas", "polars"])
@pytest.mark.parametrize("estimator", BOTH)
def test_frames_and_their_names(make_frame, estimator, iris):
    X, y = iris
    frame = make_frame({f"x{k}": column for k, column in enumerate(X.T)})
    model = estimator().fit(frame, y)
    assert identical(model, estimator().fit(X, y))
    assert model.n_features_in_ == 4
    assert model.feature_names_in_.tolist() == ["x0", "x1", "x2", "x3"]
    np.testing.assert_array_equal(model.predict(frame), estimator().fit(X, y).predict(X))
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        model.predict(frame[["x1", "x0", "x2", "x3"]])
    assert not hasattr(model.fit(X, y), "feature_names_in_")


@pytest.mark.parametrize("make_series", [pd.Series, pl.Series])
def test_labels_in_series(make_series, iris):
    X, y = iris
    names = np.array(["a", "b", "c"])[y]
    model = SoftmaxRegressor().fit(X, make_series(names.tolist()))
    assert model.classes_.tolist() == ["a", "b", "c"]
    soft = pd.DataFrame if make_series is pd.Series else (lambda rows: pl.DataFrame(rows, schema=["a", "b", "c"]))
    assert identical(SoftmaxRegressor().fit(X, soft(np.eye(3)[y])), SoftmaxRegressor().fit(X, y))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_data_are_left_alone(order, solver, iris):
    X, y = np.array(iris[0], order=order), np.eye(3)[iris[1]]
    weight = np.ones(150)
    for values in (X, y, weight):
        values.flags.writeable = False
    model = SoftmaxRegressor(solver=solver, random_state=0, tol=1e-2).fit(X, y, weight)
    assert model.coef_.flags.c_contiguous
    assert model.score(X, y) > 0.9


# ----------------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("loss", EVERY_LOSS)
def test_sample_weights_are_frequencies(estimator, loss, iris, rng):
    X, y = iris
    times = rng.integers(0, 4, size=150)
    weighted = estimator(loss, alpha=1e-2, **PRECISE).fit(X, y, sample_weight=times)
    repeated = estimator(loss, alpha=1e-2, **PRECISE).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    same_model(weighted, repeated, atol=1e-5)
    scaled = estimator(loss, alpha=1e-2, **PRECISE).fit(X, y, sample_weight=1000.0 * times)
    same_model(weighted, scaled, atol=1e-6)


@pytest.mark.parametrize("estimator", BOTH)
def test_a_few_rows_that_count_among_many_that_do_not(estimator, rng):
    X, y = rng.normal(size=(100_000, 5)), rng.integers(3, size=100_000)
    weight = np.zeros(100_000)
    weight[-50:] = 1
    masked = estimator(alpha=1e-2, **PRECISE).fit(X, y, weight)
    alone = estimator(alpha=1e-2, **PRECISE).fit(X[-50:], y[-50:])
    same_model(masked, alone, atol=1e-5)
    assert masked.n_iter_ <= 4 * alone.n_iter_


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("solver", SOLVERS)
def test_class_weights_are_sample_weights(estimator, solver, iris):
    X, y = iris[0][:120], np.array(["a", "b", "c"])[iris[1][:120]]
    model = estimator(solver=solver, random_state=0, tol=1e-2, class_weight={"a": 1, "b": 2, "c": 0.5})
    by_hand = clone(model).set_params(class_weight=None).fit(X, y, np.select([y == "a", y == "b"], [1, 2], 0.5))
    assert identical(model.fit(X, y), by_hand)
    balanced = clone(model).set_params(class_weight="balanced").fit(X, y)
    by_hand.fit(X, y, 120 / 3 / np.select([y == "a", y == "b"], [50, 50], 20))
    same_model(balanced, by_hand, atol=1e-9)


def test_class_weights_multiply_sample_weights(iris, rng):
    X, y = iris
    weight = rng.random(150)
    model = SoftmaxRegressor(class_weight={0: 1, 1: 2, 2: 3}, **PRECISE).fit(X, y, weight)
    same_model(model, SoftmaxRegressor(**PRECISE).fit(X, y, weight * (y + 1)), atol=1e-8)


def test_metadata_routing(iris, rng):
    X, y = iris
    weight = rng.random(150)
    with sklearn.config_context(enable_metadata_routing=True):
        model = SoftmaxRegressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        model.set_partial_fit_request(sample_weight=True, classes=True)
        folds = StratifiedKFold(3)
        routed = cross_validate(model, X, y, cv=folds, params={"sample_weight": weight}, return_estimator=True)
        for (train, test), fitted, score in zip(
            folds.split(X, y), routed["estimator"], routed["test_score"], strict=True
        ):
            by_hand = SoftmaxRegressor().fit(X[train], y[train], weight[train])
            assert identical(fitted, by_hand)
            assert score == by_hand.score(X[test], y[test], weight[test])
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError):
            cross_validate(SoftmaxRegressor(), X, y, params={"sample_weight": weight})


# ------------------------------------------------------------------------------------ starting and stopping


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_start_can_be_given(estimator, solver, iris):
    X, y = iris
    options = {"solver": solver, "random_state": 0, "learning_rate": 1e-9, "tol": 0, "max_iter": 1}
    coef, intercept = np.arange(12.0).reshape(3, 4) / 10, np.array([3.0, 2.0, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = estimator(**options).fit(X, y, coef_init=coef, intercept_init=intercept)
    before = objective_of(X, y, output=model._output, alpha=model.alpha).value(np.vstack([coef.T, intercept]))
    if solver == "sgd":
        # A softmax does not feel what its coefficients have in common, and the penalty is least without it.
        centre = coef.mean(axis=0) if estimator is SoftmaxRegressor else 0
        np.testing.assert_allclose(model.coef_, coef - centre, atol=1e-6)
        np.testing.assert_allclose(np.ptp(model.intercept_), np.ptp(intercept), atol=1e-6)
        assert model.loss_curve_[0] == pytest.approx(before)
    else:
        assert model.loss_curve_[0] < before


def test_a_start_at_the_optimum_is_the_end(iris):
    X, y = iris
    first = SoftmaxRegressor(alpha=1e-2, **PRECISE).fit(X, y)
    again = SoftmaxRegressor(alpha=1e-2).fit(X, y, coef_init=first.coef_, intercept_init=first.intercept_)
    assert again.n_iter_ <= 1
    same_model(first, again, atol=1e-5)


@pytest.mark.parametrize("estimator", BOTH)
def test_warm_start_goes_on(estimator, iris):
    X, y = iris
    options = {"solver": "sgd", "shuffle": False, "tol": 0, "max_iter": 3}
    warm = estimator(warm_start=True, **options).fit(X, y)
    assert identical(warm, estimator(**options).fit(X, y))
    warm.fit(X, y)
    same_model(warm, estimator(**{**options, "max_iter": 6}).fit(X, y), atol=1e-14)
    assert warm.n_iter_ == 3
    assert len(warm.loss_curve_) == 3
    cold = estimator(warm_start=False, **options).fit(X, y)
    assert identical(cold.fit(X, y), estimator(**options).fit(X, y))
    lbfgs = estimator(warm_start=True).fit(X, y)
    assert lbfgs.fit(X, y).n_iter_ <= 2
    given = clone(warm).fit(X, y).fit(X, y, coef_init=np.zeros((3, 4)), intercept_init=np.zeros(3))
    assert identical(given, estimator(**options).fit(X, y))


def test_no_intercept(iris):
    X, y = iris
    for solver in SOLVERS:
        model = SoftmaxRegressor(fit_intercept=False, solver=solver, tol=1e-2, random_state=0)
        assert not model.fit(X, y, intercept_init=np.ones(3)).intercept_.any()
        assert model.score(X, y) > 0.8


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("loss", EVERY_LOSS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_loss_curve_is_the_objective_after_each_iteration(estimator, loss, solver, iris):
    """The fit stopped after k iterations has the k-th value."""
    X, y = iris
    options = {"loss": loss, "solver": solver, "tol": 0, "random_state": 0, "alpha": 0.01}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        models = [estimator(max_iter=k, **options).fit(X, y) for k in (1, 2, 5)]
    objective = objective_of(X, y, loss=LOSSES[loss](), output=estimator._output, alpha=0.01)
    for model in models:
        assert isinstance(model.n_iter_, int)
        assert len(model.loss_curve_) == model.n_iter_
        if solver != "sgd":
            value = objective.value(np.vstack([model.coef_.T, model.intercept_]))
            # The coefficients are centred in the end, which may lower the penalty a little.
            assert model.loss_curve_[-1] == pytest.approx(value, rel=1e-6)
        assert models[-1].loss_curve_[: model.n_iter_] == model.loss_curve_
        assert model.validation_scores_ is None


def test_loss_curve_by_the_book(iris, rng):
    """Mean log-likelihood of the rows, in nats, plus half alpha times the squared coefficients."""
    X, y = iris
    weight = rng.random(150)
    model = SoftmaxRegressor(alpha=0.1).fit(X, y, weight)
    penalty = 0.05 * (model.coef_**2).sum()
    expected = log_loss(y, model.predict_proba(X), sample_weight=weight) + penalty
    assert model.loss_curve_[-1] == pytest.approx(expected, rel=1e-12)


def test_tolerance_zero_never_stops_early(iris):
    X, y = iris
    model = SoftmaxRegressor(solver="sgd", tol=0, max_iter=50, random_state=0, n_iter_no_change=1).fit(X, y)
    assert model.n_iter_ == 50
    loose, tight, none = (SoftmaxRegressor(tol=tol, max_iter=1000).fit(X, y) for tol in (1e-3, 1e-6, 0))
    assert loose.n_iter_ < tight.n_iter_ < none.n_iter_
    assert loose.loss_curve_[-1] > tight.loss_curve_[-1] >= none.loss_curve_[-1]


@pytest.mark.parametrize("solver", SOLVERS)
def test_unfinished_fits_warn_where_they_are_called(solver, iris):
    with pytest.warns(ConvergenceWarning, match=r"has not converged: max_iter=2 reached.* Raise max_iter") as caught:
        SoftmaxRegressor(solver=solver, max_iter=2, tol=1e-9, random_state=0).fit(*iris)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("solver", SOLVERS)
def test_early_stopping_keeps_the_best_weights(estimator, solver, rng):
    """On noise the first iterations validate best, and the weights are theirs again in the end."""
    X, y = rng.normal(size=(200, 30)), rng.integers(3, size=200)
    options = {"solver": solver, "early_stopping": True, "validation_fraction": 0.25, "random_state": 0, "tol": 0}
    model = estimator(n_iter_no_change=8, max_iter=100, **options).fit(X, y)
    scores = model.validation_scores_
    best = int(np.argmax(scores))
    assert len(scores) == len(model.loss_curve_) == model.n_iter_ < 100
    assert model.n_iter_ >= best + 1 + 8 or model.n_iter_ >= 8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        cut = estimator(n_iter_no_change=1000, max_iter=best + 1, **options).fit(X, y)
    assert cut.validation_scores_ == scores[: best + 1]
    assert identical(model, cut)


def test_early_stopping_scores_are_the_accuracy_on_held_out_rows(iris):
    X, y = pd.DataFrame(iris[0], columns=list("abcd")), np.array(["x", "y", "z"])[iris[1]]
    options = {"scoring": "accuracy", "validation_fraction": 0.2}
    model = SoftmaxRegressor(early_stopping=True, random_state=0, **options).fit(X, y)
    hits = np.array(model.validation_scores_) * 30
    np.testing.assert_allclose(hits, np.round(hits), atol=1e-9)
    assert max(hits) >= 25
    assert model.feature_names_in_.tolist() == list("abcd")


@pytest.mark.parametrize("estimator", BOTH)
def test_early_stopping_with_matrices_and_weights(estimator, iris, rng):
    X, y = iris
    soft = 0.8 * np.eye(3)[y] + 0.2 / 3
    model = estimator(early_stopping=True, random_state=0).fit(X, soft, rng.random(150))
    entropy = -(soft[0] * np.log(soft[0])).sum()
    assert -entropy > max(model.validation_scores_) > -4 * entropy


@pytest.mark.parametrize("estimator", BOTH)
def test_early_stopping_where_nothing_is_better_keeps_the_start(estimator):
    model = estimator(early_stopping=True, random_state=0).fit(np.zeros((40, 2)), np.arange(40) % 2)
    assert model.n_iter_ == 1
    np.testing.assert_allclose(model.validation_scores_, [-np.log(2)])
    assert not model.coef_.any()


def test_verbose_prints_the_objective(iris, capsys):
    model = SoftmaxRegressor(verbose=1).fit(*iris)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_
    assert lines[0] == f"SoftmaxRegressor: iteration 1, objective {model.loss_curve_[0]:.6f}"


# ------------------------------------------------------------------------------------------- partial_fit


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("loss", EVERY_LOSS)
@pytest.mark.parametrize("shuffle", [True, False])
def test_partial_fit_is_one_pass_of_sgd(estimator, loss, shuffle, iris):
    X, y = iris
    options = {"loss": loss, "batch_size": 16, "learning_rate": 0.1, "alpha": 0.01, "shuffle": shuffle}
    passes = estimator(solver="sgd", tol=0, max_iter=3, random_state=7, **options).fit(X, y)
    partial = estimator(random_state=7, **options)
    for n_iter in (1, 2, 3):
        assert partial.partial_fit(X, y, classes=[0, 1, 2]).n_iter_ == n_iter
    assert identical(partial, passes)


def test_partial_fit_in_pieces(iris):
    """Without shuffling, the pieces of the data are the data, in order of the classes even."""
    X, y = iris
    whole = SoftmaxRegressor(shuffle=False, batch_size=25).partial_fit(X, y, classes=[2, 0, 1])
    pieces = SoftmaxRegressor(shuffle=False, batch_size=25)
    for k, rows in enumerate(np.split(np.arange(150), 3)):
        pieces.partial_fit(X[rows], y[rows], classes=[0, 1, 2] if k == 0 else None)
    assert identical(whole, pieces)
    np.testing.assert_array_equal(pieces.classes_, [0, 1, 2])


@pytest.mark.parametrize("dtype", [int, float, str])
@pytest.mark.parametrize("step", [1, 9])
def test_a_batch_may_have_few_rows_of_each_class(step, dtype, rng):
    """The classes are known, so that nothing looks like a regression: a warning would be an error here."""
    X, y = rng.normal(size=(30, 4)), (step * np.arange(30)).astype(dtype)
    model = SoftmaxRegressor().partial_fit(X, y, classes=y)
    assert model.partial_fit(X[:21], y[:21]).coef_.shape == (30, 4)


def test_partial_fit_of_matrices_needs_no_classes(iris, multilabel):
    X, y = iris
    soft = SoftmaxRegressor(random_state=0).partial_fit(X, np.eye(3)[y])
    assert identical(soft, SoftmaxRegressor(random_state=0).partial_fit(X, y, classes=[0, 1, 2]))
    assert SigmoidRegressor().partial_fit(*multilabel).coef_.shape == (4, 6)


def test_partial_fit_goes_on_after_fit(iris):
    X, y = iris
    model = SoftmaxRegressor().fit(X, y)
    before = model.coef_.copy()
    model.partial_fit(X, y)
    assert not np.array_equal(before, model.coef_)
    np.testing.assert_allclose(before, model.coef_, atol=1)


def test_partial_fit_weights(iris):
    X, y = iris
    weighted = SoftmaxRegressor(class_weight={0: 1, 1: 2, 2: 3}, random_state=0)
    weighted.partial_fit(X, y, classes=[0, 1, 2], sample_weight=np.full(150, 0.5))
    by_hand = SoftmaxRegressor(random_state=0).partial_fit(X, y, [0, 1, 2], 0.5 * (y + 1))
    same_model(weighted, by_hand, atol=1e-12)


def test_batches_larger_than_the_data_are_the_data(iris):
    X, y = iris
    options = {"solver": "sgd", "tol": 0, "max_iter": 3, "random_state": 0}
    models = [SoftmaxRegressor(batch_size=size, **options).fit(X, y) for size in (150, 10**9)]
    assert identical(*models)


@pytest.mark.parametrize("n_rows", [50, 300_000])
def test_separable_classes_end_where_single_precision_does(n_rows):
    """There the curvature underflows."""
    X, y = np.repeat(np.float32([[-1], [1]]), n_rows // 2, axis=0), np.repeat([0, 1], n_rows // 2)
    model = SoftmaxRegressor(alpha=0, tol=0).fit(X, y)
    assert model.loss_curve_[-1] == 0
    assert model.score(X, y) == 1


@pytest.mark.parametrize("estimator", BOTH)
def test_a_start_on_a_sample_is_the_first_iteration(estimator, rng):
    X = rng.normal(size=(24_000, 4))
    y = (X @ rng.normal(size=(4, 3)) + rng.gumbel(size=(24_000, 3))).argmax(axis=1)
    fitted = []
    for max_iter in (1, 2, 4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.append(estimator(max_iter=max_iter, tol=1e-12).fit(X, y))
    curve = fitted[-1].loss_curve_
    for model in fitted:
        assert len(model.loss_curve_) == model.n_iter_ == model.max_iter
        assert model.loss_curve_ == curve[: model.n_iter_]
        p = model.predict_proba(X)[np.arange(len(y)), y]
        if estimator is SoftmaxRegressor:
            loss = -np.log(p).mean() + 0.5 * model.alpha * (model.coef_**2).sum()
            assert loss == pytest.approx(model.loss_curve_[-1], rel=1e-6)
    assert curve[0] < 1.01 * curve[-1]
    stopped = estimator(early_stopping=True, n_iter_no_change=1, tol=1e-9).fit(X, y)
    assert stopped.n_iter_ == len(stopped.loss_curve_) == len(stopped.validation_scores_) > 1


# --------------------------------------------------------------------------------- threads and processes


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("as_data", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_threads_change_no_bit(estimator, solver, as_data, n_classes, rng, monkeypatch):
    # Many blocks, many pieces, and a refined preconditioner.
    n_logits = 300 * n_classes
    sizes = BlockSizes(
        logits_share=0, min_logits=n_logits, max_logits=n_logits, batch_bytes=30_000, min_bytes_for_batches=0
    )
    monkeypatch.setattr(MemoryRows, "sizes", sizes)
    if solver == "lbfgs":
        solver = LBFGS(refresh_at=2, preconditioner=SampledHessian(gather_share=0, min_gather=4_000, max_gather=4_000))
    X = rng.normal(size=(9_000, 8)).astype(np.float32)
    y = (X @ rng.normal(size=(8, n_classes)) + rng.gumbel(size=(9_000, n_classes))).argmax(axis=1)
    model = estimator(solver=solver, random_state=0, max_iter=3, tol=0)
    fitted, passed = [], []
    for n_threads in (1, 2, 2):
        with threadpool_limits(n_threads, user_api="blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.append(clone(model).fit(as_data(X), y))
            passed.append(clone(model).partial_fit(as_data(X), y, classes=range(n_classes)))
    assert identical(passed[0], passed[1])
    assert identical(passed[0], passed[2])
    assert identical(fitted[0], fitted[1])
    assert identical(fitted[0], fitted[2])
    assert fitted[0].loss_curve_ == fitted[1].loss_curve_


def test_processes(iris):
    """Losses and estimators travel to other processes and back, losses of a class defined anywhere too."""

    class Tempered(CrossEntropy):
        def __init__(self, temperature=1.0):
            self.temperature = temperature

        def pointwise(self, y, p, log_p):
            loss, gradient = super().pointwise(y, p, log_p)
            return loss / self.temperature, gradient / self.temperature

    X, y = iris
    grid = {"loss": ["cross_entropy", "quadratic", Quadratic(), Tempered(2.0)]}
    here, elsewhere = (
        GridSearchCV(SigmoidRegressor(), grid, cv=3, n_jobs=n_jobs, return_train_score=True).fit(X, y)
        for n_jobs in (None, 2)
    )
    for scores in ("mean_train_score", "mean_test_score"):
        np.testing.assert_array_equal(elsewhere.cv_results_[scores], here.cv_results_[scores])
    same_model(here.best_estimator_, elsewhere.best_estimator_, atol=1e-12)
    fitted = Parallel(n_jobs=2)(delayed(SoftmaxRegressor(loss).fit)(X, y) for loss in grid["loss"])
    for loss, model in zip(grid["loss"], fitted, strict=True):
        same_model(model, SoftmaxRegressor(loss).fit(X, y), atol=1e-12)


# --------------------------------------------------------------------------- scikit-learn's tools and places


def test_grid_search_over_losses(iris):
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), SoftmaxRegressor())
    grid = {
        "softmaxregressor__loss": ["cross_entropy", "quadratic", Focal(), Focal(1.0)],
        "softmaxregressor__alpha": [1e-4, 1.0],
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.best_score_ > 0.9
    assert len(search.cv_results_["params"]) == 8
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    tried = [repr(loss) for loss in search.cv_results_["param_softmaxregressor__loss"][:4]]
    assert tried == ["'cross_entropy'", "'quadratic'", "Focal()", "Focal(gamma=1.0)"]


@pytest.mark.parametrize("estimator", BOTH)
def test_cross_validation_and_calibration(estimator, iris):
    X, y = iris
    assert cross_val_score(estimator(), X, y, cv=3).mean() > 0.9
    assert cross_val_score(estimator(), X, y, cv=3, scoring="neg_log_loss").mean() > -0.3
    for method in ("sigmoid", "isotonic"):
        calibrated = CalibratedClassifierCV(estimator("quadratic"), method=method, cv=3).fit(X, y)
        assert calibrated.score(X, y) > 0.9


def test_cross_validation_of_multilabel_targets(multilabel):
    X, Y = multilabel
    assert cross_val_score(SigmoidRegressor(), X, Y, cv=3, scoring="f1_macro", error_score="raise").mean() > 0.5


@pytest.mark.parametrize("loss", ["quadratic", Quadratic(), Focal(1.5)])
def test_clone_and_pickle(loss, iris):
    X, y = iris
    model = SoftmaxRegressor(loss, alpha=0.01).fit(X, y)
    copy = clone(model)
    assert not hasattr(copy, "coef_")
    assert repr(copy.loss) == repr(loss)
    assert identical(copy.fit(X, y), model)
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(back.predict_proba(X), model.predict_proba(X))


def test_partial_fit_goes_on_after_pickling(iris):
    X, y = iris
    model = SoftmaxRegressor(random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    back = pickle.loads(pickle.dumps(model))
    assert identical(back.partial_fit(X, y), model.partial_fit(X, y))


@pytest.mark.parametrize("estimator", BOTH)
def test_random_state_makes_runs_repeat(estimator, iris):
    X, y = iris
    models = [estimator(**FIXED_PASSES).fit(X, y) for _ in range(2)]
    other = estimator(**{**FIXED_PASSES, "random_state": 1}).fit(X, y)
    assert identical(*models)
    assert not identical(models[0], other)


def test_log_probabilities_of_units(iris, cancer, multilabel):
    """Normalised over the classes, those of both outcomes of one unit, and each unit's own."""
    X, y = iris
    model = SigmoidRegressor().fit(X, y)
    np.testing.assert_allclose(
        model.predict_log_proba(X), log_softmax(log_expit(model.decision_function(X)), axis=1), atol=1e-12
    )
    model = SigmoidRegressor().fit(*cancer)
    z = model.decision_function(cancer[0])
    np.testing.assert_allclose(model.predict_log_proba(cancer[0]), np.column_stack([log_expit(-z), log_expit(z)]))
    model = SigmoidRegressor().fit(*multilabel)
    z = model.decision_function(multilabel[0])
    np.testing.assert_allclose(model.predict_log_proba(multilabel[0]), log_expit(z))


@pytest.mark.parametrize("shift", [1e4, 1e6])
def test_a_start_that_is_worse_than_none_is_not_used(shift):
    X, y = load_iris(return_X_y=True)
    model = SoftmaxRegressor(warm_start=True).fit(X, y)
    assert model.fit(X + shift, y).score(X + shift, y) > 0.95
    far = SoftmaxRegressor().fit(X, y, coef_init=1e3 * np.random.default_rng(0).normal(size=(3, 4)))
    assert far.loss_curve_[-1] == pytest.approx(SoftmaxRegressor().fit(X, y).loss_curve_[-1], rel=1e-4)


@pytest.mark.parametrize("n_classes", [3, 10])
def test_nothing_to_learn_is_an_optimum(n_classes):
    model = SoftmaxRegressor().fit(np.ones((30, 1)), np.arange(30) % n_classes)
    assert (model.n_iter_, model.optimality_) == (1, 0)
    np.testing.assert_allclose(model.loss_curve_, [np.log(n_classes)])
