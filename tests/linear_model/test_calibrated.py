"""`calibrated=True`: probabilities of the classes from losses that are not proper, and from weighted classes."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_iris

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.losses import (
    ExpectedCost,
    Focal,
    ForwardCorrection,
    GeneralizedCrossEntropy,
    LabelSmoothing,
    Poly1,
    SymmetricCrossEntropy,
)

# Probabilities of three classes in each of four groups of rows, which a model with a column for each group can match.
TRUTH = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.15, 0.75], [0.4, 0.3, 0.3]])
GROUPS = np.eye(4)


def draw(truth, n, seed=0):
    """Return the group of each row as columns, and a label from its distribution."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % len(truth)
    y = (rng.random(n)[:, np.newaxis] > truth[group].cumsum(axis=1)).sum(axis=1)
    return GROUPS[group, : len(truth)], y


@pytest.fixture(scope="module")
def sample():
    """100,000 rows: a frequency is off by at most 0.003 from the truth, one standard deviation."""
    return draw(TRUTH, 100_000)


LOSSES = [
    LabelSmoothing(0.2),
    GeneralizedCrossEntropy(0.5),
    Focal(2.0),
    Poly1(2.0),
    SymmetricCrossEntropy(alpha=1.0, beta=0.5),
]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_true_probabilities_come_back(loss, sample):
    model = SoftmaxRegressor(loss, alpha=1e-7, tol=1e-10, calibrated=True).fit(*sample)
    assert np.abs(model.predict_proba(GROUPS) - TRUTH).max() < 0.01
    np.testing.assert_allclose(np.exp(model.predict_log_proba(GROUPS)), model.predict_proba(GROUPS), rtol=1e-12)
    model.calibrated = False
    assert np.abs(model.predict_proba(GROUPS) - TRUTH).max() > 0.04


@pytest.mark.parametrize("loss", ["cross_entropy", "quadratic", "spherical", *LOSSES], ids=repr)
@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 1: 1.0, 2: 0.5}], ids=["balanced", "dict"])
def test_weighted_classes_come_back(loss, class_weight, sample):
    model = SoftmaxRegressor(loss, alpha=1e-7, tol=1e-10, class_weight=class_weight, calibrated=True).fit(*sample)
    assert np.abs(model.predict_proba(GROUPS) - TRUTH).max() < 0.01
    weights = model.class_weight_ * TRUTH
    assert (model.predict(GROUPS) == weights.argmax(axis=1)).all()


@pytest.mark.parametrize("class_weight", [None, {0: 0.2, 1: 2.0}])
@pytest.mark.parametrize("loss", ["cross_entropy", *LOSSES], ids=repr)
def test_one_sigmoid_unit(loss, class_weight):
    truth = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    model = SigmoidRegressor(loss, alpha=1e-7, tol=1e-10, class_weight=class_weight, calibrated=True)
    model.fit(*draw(truth, 100_000))
    assert np.abs(model.predict_proba(GROUPS[:3, :3]) - truth).max() < 0.01


@pytest.mark.parametrize("loss", [LabelSmoothing(0.2), GeneralizedCrossEntropy(0.5)], ids=repr)
def test_sigmoid_units_of_three_classes(loss, sample):
    model = SigmoidRegressor(loss, alpha=1e-7, tol=1e-10, class_weight="balanced", calibrated=True).fit(*sample)
    assert np.abs(model.predict_proba(GROUPS) - TRUTH).max() < 0.01


def test_multilabel_units():
    rng = np.random.default_rng(0)
    truth = np.array([[0.9, 0.2], [0.4, 0.6]])
    group = np.arange(100_000) % 2
    y = (rng.random((100_000, 2)) < truth[group]).astype(int)
    model = SigmoidRegressor(GeneralizedCrossEntropy(0.5), alpha=1e-7, tol=1e-10, calibrated=True)
    model.fit(np.eye(2)[group], y)
    assert np.abs(model.predict_proba(np.eye(2)) - truth).max() < 0.01


def test_forward_correction_of_a_loss_that_is_not_proper(sample):
    X, y = sample
    noise = np.array([[0.8, 0.2, 0.0], [0.0, 0.8, 0.2], [0.2, 0.0, 0.8]])
    rng = np.random.default_rng(1)
    given = (rng.random(len(y))[:, np.newaxis] > noise[y].cumsum(axis=1)).sum(axis=1)
    for loss in ("cross_entropy", LabelSmoothing(0.1)):
        model = SoftmaxRegressor(ForwardCorrection(noise, loss), alpha=1e-7, tol=1e-10, calibrated=True).fit(X, given)
        # The noise makes the standard errors about twice as large.
        assert np.abs(model.predict_proba(GROUPS) - TRUTH).max() < 0.02


def test_rare_classes_keep_their_prior():
    """The complaint about weighted classes: a class of 2 % is said to have 50 %."""
    X, y = draw(np.array([[0.99, 0.01], [0.97, 0.03]]), 100_000)
    weighted = SoftmaxRegressor(class_weight="balanced", alpha=1e-7).fit(X, y)
    assert weighted.predict_proba(X)[:, 1].mean() > 0.4
    weighted.set_params(calibrated=True)
    assert weighted.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=2e-3)
    assert weighted.predict(X).mean() == pytest.approx(0.5)


def test_a_class_that_smoothing_leaves_no_probability_has_the_logarithm_minus_infinity():
    X, y = np.eye(2)[[0] * 50 + [1] * 50], np.array([0] * 50 + [1] * 50)
    model = SoftmaxRegressor(LabelSmoothing(0.2), alpha=1e-3, calibrated=True).fit(X, y)
    model.coef_ *= 10
    log_p = model.predict_log_proba(np.eye(2))
    np.testing.assert_array_equal(log_p, [[0, -np.inf], [-np.inf, 0]])


@pytest.mark.parametrize(
    ("loss", "options", "message"),
    [
        ("mean_absolute_error", {}, "MeanAbsoluteError.. has no known way back"),
        (ExpectedCost(), {}, "ExpectedCost.. has no known way back"),
        (GeneralizedCrossEntropy(1), {}, "has no known way back"),
        ("cross_entropy", {"class_weight": {0: 1, 1: 0, 2: 1}}, "cannot undo the class_weight of 1, which is 0"),
        (ForwardCorrection(np.eye(3)), {"class_weight": "balanced"}, "the weights are those of the labels given"),
        (ForwardCorrection([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]], "focal"), {}, "transition is singular"),
    ],
    ids=repr,
)
def test_what_cannot_be_undone_is_refused_before_the_fit(loss, options, message):
    X, y = draw(TRUTH, 400)
    with pytest.raises(ValueError, match=message):
        SoftmaxRegressor(loss, calibrated=True, **options).fit(X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["label_smoothing", "generalized_cross_entropy", "focal", "cross_entropy"])
def test_units_that_are_all_off_still_make_a_distribution(loss, dtype):
    """Far away, or where label smoothing leaves each unit less than it adds, all calibrated probabilities are 0."""
    X, y = load_iris(return_X_y=True)
    X = X.astype(dtype)
    model = SigmoidRegressor(loss, alpha=1e-3, calibrated=True, class_weight={0: 1, 1: 2, 2: 3}).fit(X, y)
    for rows in (X, 1e6 * X, -1e6 * X, X * [1, -1, 1, -1], np.zeros((1, 4))):
        p = model.predict_proba(rows.astype(dtype))
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        assert p.min() >= 0


def test_how_near_a_linear_model_comes_to_a_softmax_of_the_features():
    """Each row stands there once for each class, with its probability as weight: no noise of a sample."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3))
    truth = softmax(X @ rng.normal(size=(3, 3)), axis=1)
    rows = {"X": np.repeat(X, 3, axis=0), "y": np.tile(np.arange(3), 1000), "sample_weight": truth.ravel()}

    def distance(loss):
        model = SoftmaxRegressor(loss, alpha=0, calibrated=True, tol=1e-9).fit(**rows)
        return np.abs(model.predict_proba(X) - truth).max()

    assert distance("generalized_cross_entropy") < 1e-3
    near = [distance(loss) for loss in ("poly1", "label_smoothing", "focal")]
    assert 0.01 < min(near) < max(near) < 0.15
    assert distance("symmetric_cross_entropy") > max(near)
