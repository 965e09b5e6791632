"""Bad input: an error that says what was wrong and what to do, and an earlier fit left as it was."""

import re
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.utils._param_validation import InvalidParameterError

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.losses import CrossEntropy, ExpectedCost, ForwardCorrection, Loss
from skxent.solvers import SOLVERS

BOTH = [SoftmaxRegressor, SigmoidRegressor]
X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
ONES = np.ones(150)
ONE_HOT = np.eye(3)[y]


def changed(values, index, value):
    values = np.array(values, dtype=float)
    values[index] = value
    return values


class WrongGradient(CrossEntropy):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return -loss, gradient


class WrongShape(CrossEntropy):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss.mean(), gradient


class NoResult(CrossEntropy):
    def pointwise(self, y, p, log_p):
        return None


class NotANumber(CrossEntropy):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss, gradient * y.dtype.type(np.nan)


class Duck:
    def pointwise(self, y, p, log_p):
        return CrossEntropy().pointwise(y, p, log_p)


BAD_DATA = {
    "nan in X": ({"X": changed(X, (3, 1), np.nan)}, ValueError, "Input X contains NaN"),
    "infinity in X": ({"X": changed(X, (3, 1), np.inf)}, ValueError, "Input X contains infinity"),
    "infinities in X": (
        {"X": changed(changed(X, (3, 1), np.inf), (4, 1), -np.inf)},
        ValueError,
        "Input X contains infinity",
    ),
    "nan in the last row": ({"X": changed(X.astype(np.float32), (-1, -1), np.nan)}, ValueError, "Input X contains NaN"),
    "nan in sparse X": ({"X": sp.csr_array(changed(X, (3, 1), np.nan))}, ValueError, "Input X contains NaN"),
    "text in X": ({"X": np.full((150, 4), "a")}, ValueError, "could not convert string to float"),
    "flat X": ({"X": X[:, 0]}, ValueError, "Expected 2D array, got 1D array instead"),
    "no rows": ({"X": X[:0], "y": y[:0]}, ValueError, "0 sample"),
    "no columns": ({"X": X[:, :0]}, ValueError, "0 feature"),
    "short y": ({"y": y[:-1]}, ValueError, r"inconsistent numbers of samples: \[150, 149\]"),
    "no y": ({"y": None}, ValueError, "requires y to be passed, but the target y is None"),
    "nan in y": ({"y": changed(y, 3, np.nan)}, ValueError, "Input y contains NaN"),
    "continuous y": ({"y": X[:, 0]}, ValueError, "Unknown label type: continuous"),
    "one class": ({"y": 0 * y}, ValueError, r"needs at least two classes; y has only one class, 0\."),
    "one named class": ({"y": np.full(150, "a")}, ValueError, r"y has only one class, 'a'\."),
    "negative soft label": (
        {"y": changed(ONE_HOT, (5, slice(None)), [-0.5, 0.5, 1])},
        ValueError,
        r"Row 5 of y, \[-0\.5  0\.5  1\. \], is not made of probabilities between 0 and 1;",
    ),
    "soft label above one": ({"y": changed(ONE_HOT, (5, 1), 2)}, ValueError, "Row 5 of y, .* between 0 and 1"),
    "nan in soft labels": ({"y": changed(ONE_HOT, (5, 1), np.nan)}, ValueError, "Input y contains NaN"),
    "matrix of names": (
        {"y": np.full((150, 2), "a")},
        ValueError,
        r"y is a matrix but not of numbers.*MultiOutputClassifier",
    ),
    "cube of targets": ({"y": np.ones((150, 2, 2))}, ValueError, "Found array with dim 3"),
    "negative weight": ({"sample_weight": changed(ONES, 3, -1)}, ValueError, "Negative values.* `sample_weight`"),
    "no weight at all": ({"sample_weight": 0 * ONES}, ValueError, "at least one non-zero number"),
    "short weights": ({"sample_weight": ONES[:-1]}, ValueError, r"sample_weight.shape == \(149,\), expected \(150,\)"),
    "nan in weights": ({"sample_weight": changed(ONES, 3, np.nan)}, ValueError, "Input sample_weight contains NaN"),
    "matrix of weights": ({"sample_weight": np.ones((150, 3))}, ValueError, "Sample weights must be 1D"),
}
BAD_SETTINGS = {
    "unknown loss": ({"loss": "hinge"}, ValueError, "unknown loss 'hinge'; known: cross_entropy, "),
    "class of losses": ({"loss": CrossEntropy}, TypeError, r"is not a loss; pass an instance: CrossEntropy\(\)"),
    "no loss": ({"loss": None}, TypeError, "loss=None is not a loss; pass a name or a Loss instance"),
    "duck": ({"loss": Duck()}, TypeError, "is not a loss; pass a name or a Loss instance"),
    "loss of wrong shape": (
        {"loss": WrongShape()},
        ValueError,
        r"WrongShape\(\).* returned shapes \(\(\), \(3, \d\)\)",
    ),
    "loss without result": ({"loss": NoResult()}, ValueError, r"NoResult\(\)\.pointwise.* failed on arrays of shape"),
    "noise of five classes": (
        {"loss": ForwardCorrection(np.eye(5))},
        ValueError,
        r"^transition has shape \(5, 5\), but",
    ),
    "costs of five classes": (
        {"loss": ExpectedCost(np.eye(5))},
        ValueError,
        r"^cost has shape \(5, 5\), but there are",
    ),
    "unknown solver": ({"solver": "newton"}, ValueError, f"unknown solver 'newton'; known: {', '.join(SOLVERS)}"),
    "unknown class_weight": (
        {"class_weight": "even"},
        InvalidParameterError,
        r"class_weight.* a str among \{'balanced'\}",
    ),
    "class_weight of no class": ({"class_weight": {7: 2}}, ValueError, r"classes, \[.*\], are not in class_weight"),
    **{
        f"{name}={value!r}": ({name: value}, InvalidParameterError, f"The '{name}' parameter of .* must be")
        for name, value in [
            ("alpha", -1e-9),
            ("alpha", "1"),
            ("alpha", np.nan),
            ("max_iter", 0),
            ("tol", -1),
            ("batch_size", 0),
            ("batch_size", 1.5),
            ("learning_rate", 0),
            ("shuffle", "yes"),
            ("fit_intercept", None),
            ("early_stopping", None),
            ("validation_fraction", 1),
            ("validation_fraction", 0),
            ("n_iter_no_change", 0),
            ("warm_start", "no"),
            ("random_state", "seed"),
        ]
    },
}


def unchanged(model, action, error, message):
    """Assert that an action fails with this error and leaves no trace in the model."""
    before = dict(vars(model))
    copies = {name: np.copy(value) for name, value in before.items() if name.endswith("_")}
    with pytest.raises(error, match=message):
        action()
    assert vars(model) == before
    for name, value in copies.items():
        np.testing.assert_array_equal(getattr(model, name), value)


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("loss", ["cross_entropy", "quadratic"])
@pytest.mark.parametrize("as_data", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
@pytest.mark.parametrize("weight", [0, 1])
def test_a_pass_meets_what_is_not_finite(estimator, loss, as_data, value, name, weight):
    """There is no check before: the weights tell."""
    model = estimator(loss).partial_fit(X, y, classes=[0, 1, 2])
    before = model.coef_
    with pytest.raises(ValueError, match=f"Input X contains {name}"):
        model.partial_fit(as_data(changed(X, (149, 2), value)), y, sample_weight=changed(ONES, 149, weight))
    assert model.coef_ is before
    with pytest.raises(ValueError, match="diverged: with learning_rate=1e"):
        estimator(loss, learning_rate=1e300, alpha=1.0).partial_fit(X, y, classes=[0, 1, 2])


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(("bad", "error", "message"), BAD_DATA.values(), ids=BAD_DATA)
def test_bad_data(estimator, fitted, bad, error, message):
    model = estimator()
    if fitted:
        model.fit(X[:, :2], y > 0)
    unchanged(model, lambda: model.fit(**{"X": X, "y": y, **bad}), error, message)


# A pass may meet a single class.
BAD_PASSES = {name: case for name, case in BAD_DATA.items() if not name.startswith("one ")}


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize(("bad", "error", "message"), BAD_PASSES.values(), ids=BAD_PASSES)
def test_bad_data_of_partial_fit(estimator, bad, error, message):
    model = estimator().partial_fit(X, y, classes=[0, 1, 2])
    unchanged(model, lambda: model.partial_fit(**{"X": X, "y": y, **bad}), error, message)


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("bad", "error", "message"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_bad_settings(estimator, method, bad, error, message):
    model = estimator(**bad)
    arguments = {"fit": {}, "partial_fit": {"classes": [0, 1, 2]}}[method]
    unchanged(model, lambda: getattr(model, method)(X, y, **arguments), error, message)
    model.set_params(**{name: getattr(estimator(), name) for name in bad}).fit(X, y)
    model.set_params(**bad)
    unchanged(model, lambda: model.fit(X[:, :2], y > 0), error, message)


@pytest.mark.parametrize("total", [0.9, 1.1])
def test_soft_labels_that_do_not_sum_to_one(total):
    soft = changed(ONE_HOT, (7, slice(None)), [total - 0.5, 0.25, 0.25])
    with pytest.raises(
        ValueError, match=rf"Row 7 of y sums to {total}; .* For independent labels use SigmoidRegressor"
    ):
        SoftmaxRegressor().fit(X, soft)
    assert SigmoidRegressor().fit(X, soft).predict(X).shape == (150, 3)


def test_soft_labels_may_miss_one_by_rounding():
    soft = np.full((150, 3), 1 / 3, dtype=np.float32)
    assert SoftmaxRegressor().fit(X.astype(np.float32), soft).predict_proba(X) == pytest.approx(1 / 3)


def test_multilabel_targets_of_a_softmax():
    data, targets = make_multilabel_classification(50, 4, random_state=0)
    with pytest.raises(ValueError, match=r"Row \d+ of y sums to .* use SigmoidRegressor"):
        SoftmaxRegressor().fit(data, targets)


@pytest.mark.parametrize("estimator", BOTH)
def test_class_weights_of_a_matrix(estimator):
    with pytest.raises(ValueError, match=r"class_weight needs class labels in y; for a matrix .* use sample_weight"):
        estimator(class_weight="balanced").fit(X, ONE_HOT)


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("as_data", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "decision_function"])
def test_other_features_in_prediction(estimator, as_data, method):
    model = estimator().fit(X, y)
    with pytest.raises(ValueError, match=f"X has 3 features, but {estimator.__name__} is expecting 4 features"):
        getattr(model, method)(as_data(X[:, :3]))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        getattr(model, method)(changed(X, (0, 0), np.nan))


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("coef_init", np.zeros((4, 3)), r"coef_init has shape \(4, 3\); this model needs \(3, 4\)"),
        ("coef_init", np.zeros(4), r"coef_init has shape \(4,\); this model needs \(3, 4\)"),
        ("coef_init", np.full((3, 4), np.nan), "Input coef_init contains NaN"),
        ("intercept_init", np.zeros(2), r"intercept_init has shape \(2,\); this model needs \(3,\)"),
        ("intercept_init", [np.inf, 0, 0], "Input intercept_init contains infinity"),
    ],
)
def test_bad_starts(estimator, name, value, message):
    with pytest.raises(ValueError, match=message):
        estimator().fit(X, y, **{name: value})


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (X[:, :2], y, r"The earlier fit had 4 features and classes \[0 1 2\]; this one has 2 and \[0 1 2\]"),
        (X, y + 1, r"this one has 4 and \[1 2 3\]\. Fit a new estimator, or set warm_start=False"),
        (X, y > 0, r"this one has 4 and \[False  True\]"),
        (X, np.array(["a", "b", "c"])[y], r"this one has 4 and \['a' 'b' 'c'\]"),
    ],
)
def test_warm_start_with_another_problem(estimator, data, labels, message):
    model = estimator(warm_start=True).fit(X, y)
    unchanged(model, lambda: model.fit(data, labels), ValueError, message)


# ------------------------------------------------------------------------------------------------ partial_fit


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (None, r"first call to partial_fit needs classes: all labels that will ever come\."),
        ([0, 1], r"y has labels \[2\] that are not among the classes of the fit, \[0 1\]"),
        (["0", "1", "2"], r"y has labels \[0 1 2\] that are not among the classes of the fit"),
        ([0], r"y has labels \[1 2\] that are not among"),
    ],
)
def test_bad_classes_in_the_first_partial_fit(estimator, classes, message):
    model = estimator()
    unchanged(model, lambda: model.partial_fit(X, y, classes=classes), ValueError, message)


@pytest.mark.parametrize("classes", [[0, "1", 2], [0, None, 2]])
def test_classes_of_several_types_are_named(classes):
    with pytest.raises(ValueError, match=r"classes holds labels of type int, str|classes\[1\] is None"):
        SoftmaxRegressor().partial_fit(X, y, classes=classes)


@pytest.mark.parametrize("targets", [y, np.eye(3)[y]], ids=["labels", "matrix"])
@pytest.mark.parametrize("weight", [-np.ones(len(y)), np.zeros(len(y)), np.ones(len(y) - 1)], ids=["-1", "0", "short"])
def test_bad_weights_of_a_score(targets, weight):
    model = SoftmaxRegressor().fit(X, targets)
    with pytest.raises(ValueError, match=r"Negative|non-zero|sample_weight\.shape"):
        model.score(X, targets, sample_weight=weight)


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (y + 1, None, r"y has labels \[3\] that are not among the classes of the fit, \[0 1 2\]"),
        (np.array(["a", "b", "c"])[y], None, r"y has labels \['a' 'b' 'c'\] that are not among"),
        (y, [0, 1, 2, 3], r"classes=\[0 1 2 3\] differs from the first call's, \[0 1 2\]"),
        (np.eye(4)[y], None, r"this one has 4 and \[0 1 2 3\]"),
    ],
)
def test_bad_classes_in_later_partial_fits(estimator, labels, classes, message):
    model = estimator().partial_fit(X, y, classes=[0, 1, 2])
    unchanged(model, lambda: model.partial_fit(X, labels, classes=classes), ValueError, message)


@pytest.mark.parametrize("estimator", BOTH)
def test_other_features_in_partial_fit(estimator):
    model = estimator().partial_fit(X, y, classes=[0, 1, 2])
    message = f"X has 3 features, but {estimator.__name__} is expecting 4 features as input"
    unchanged(model, lambda: model.partial_fit(X[:, :3], y), ValueError, message)


@pytest.mark.parametrize("estimator", BOTH)
def test_only_one_class_for_ever(estimator):
    with pytest.raises(ValueError, match=r"needs at least two classes"):
        estimator().partial_fit(X[:10], y[:10], classes=[0])
    assert estimator().partial_fit(X[:10], y[:10], classes=[0, 1]).coef_.any()


# ------------------------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_divergence_raises_with_advice(estimator, method):
    model = estimator(alpha=1.0, learning_rate=1e300, solver="sgd", batch_size=1, max_iter=5, tol=0, random_state=0)
    model.learning_rate = 0.1
    model.fit(X, y)
    model.learning_rate = 1e300
    message = r"diverged: with learning_rate=1e\+300 .*\. Lower learning_rate, scale the features \(StandardScaler\)"
    unchanged(model, lambda: getattr(model, method)(X, y), ValueError, message)


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("options", [{"tol": 0, "max_iter": 20}, {"max_iter": 200}])
def test_steps_that_only_harm_warn_with_advice(estimator, options):
    with pytest.warns(ConvergenceWarning, match="not lowered the objective, so learning_rate is too large"):
        model = estimator(solver="sgd", learning_rate=1e6, random_state=0, **options).fit(1000 * X, y)
    assert np.isfinite(model.coef_).all()


class NoNumber(CrossEntropy):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return np.nan * loss, gradient


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("tol", [0, 1e-6])
def test_a_loss_that_is_no_number_is_never_silent(estimator, tol):
    """Whatever its gradient is."""
    with pytest.raises(ValueError, match="the loss is not a number"):
        estimator(NoNumber(), solver="sgd", max_iter=5, random_state=0, tol=tol).fit(X, y)


@pytest.mark.parametrize("estimator", BOTH)
def test_a_wrong_gradient_is_never_silent(estimator):
    message = r"no step lowers the objective .*optimality_=inf.* Check the loss with skxent\.testing"
    with pytest.warns(ConvergenceWarning, match=message):
        model = estimator(WrongGradient()).fit(X, y)
    assert model.optimality_ == np.inf


@pytest.mark.parametrize("seed", range(8))
def test_what_single_precision_hides_is_found_in_double(seed):
    """Columns that are nearly the same, without a penalty: the loss is never to blame."""
    r = np.random.default_rng(seed)
    one, other = r.normal(size=(30, 1)), r.normal(size=(1, 30))
    columns = (r.normal(size=(150, 30)) @ (np.eye(30) + 1e6 * one * other)).astype(np.float32)
    classes = (columns @ r.normal(size=(30, 4)) / 2e6 + r.gumbel(size=(150, 4))).argmax(axis=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        single, double = (SoftmaxRegressor(alpha=0).fit(X, classes) for X in (columns, columns.astype(float)))
    assert single.loss_curve_[-1] == pytest.approx(double.loss_curve_[-1], rel=2e-4, abs=2e-6)
    messages = [str(warning.message) for warning in caught]
    assert all("float32 cannot hold this model" in text for text in messages)
    # What is said of the fit is said of its coefficients, which are rounded.
    rounded = log_loss(classes, single.predict_proba(columns))
    assert messages or rounded == pytest.approx(double.loss_curve_[-1], abs=2e-4)


def test_iterations_in_double_count_up_to_the_limit():
    X, y = load_iris(return_X_y=True)
    nearly_equal = np.hstack([X, 1e4 * X + 1e-2 * X[::-1]]).astype(np.float32)
    with pytest.warns(ConvergenceWarning, match="max_iter=12 reached"):
        model = SoftmaxRegressor(alpha=0, max_iter=12).fit(nearly_equal, y)
    assert model.n_iter_ == len(model.loss_curve_) == 12


def test_rest_on_a_plateau_warns_with_advice():
    """Large steps on raw digits switch all units off for good: the bounded loss then has no slope left."""
    X, y = load_digits(return_X_y=True)
    model = SigmoidRegressor("quadratic", solver="sgd", alpha=0, random_state=0)
    with pytest.warns(ConvergenceWarning, match="above the objective of a model without features, so learning_rate"):
        model.fit(X, y)
    assert model.n_iter_ < model.max_iter
    assert model.set_params(learning_rate=0.005, max_iter=20, tol=0).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_a_loss_that_is_not_a_number_is_never_silent(estimator, solver):
    model = estimator(NotANumber(), solver=solver)
    with pytest.raises(ValueError, match="diverged"):
        model.fit(X, y)
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize("estimator", BOTH)
def test_too_few_rows_for_early_stopping(estimator):
    message = re.escape("early_stopping=True cannot hold out validation_fraction=0.1 of 6 rows")
    with pytest.raises(ValueError, match=rf"{message}.* or set early_stopping=False"):
        estimator(early_stopping=True).fit(X[::25], y[::25])


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("data", [1e200 * X, (1e30 * X).astype(np.float32)], ids=["float64", "float32"])
def test_data_too_large_to_square_are_fitted(estimator, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert estimator().fit(data, y).score(data, y) > 0.95


def test_losses_are_tried_on_the_outcomes_that_they_will_see():
    class Costs(CrossEntropy):
        def __init__(self, costs):
            self.costs = costs

        def pointwise(self, y, p, log_p):
            return super().pointwise(y * self.costs, p, log_p)

    assert SigmoidRegressor(Costs([1.0, 2.0])).fit(X, y).coef_.shape == (3, 4)
    assert SoftmaxRegressor(Costs([1.0, 2.0, 3.0])).fit(X, y).coef_.shape == (3, 4)
    for estimator, costs, shape in (
        (SigmoidRegressor, [1.0, 2.0, 3.0], (3, 2)),
        (SoftmaxRegressor, [1.0, 2.0], (3, 3)),
    ):
        with pytest.raises(ValueError, match=re.escape(f"failed on arrays of shape {shape}: operands could not")):
            estimator(Costs(costs)).fit(X, y)


def test_errors_of_a_users_loss_come_through():
    class Picky(Loss):
        def pointwise(self, y, p, log_p):
            raise RuntimeError("needs a licence")

    with pytest.raises(RuntimeError, match="needs a licence"):
        SoftmaxRegressor(Picky()).fit(X, y)
