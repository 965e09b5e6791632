"""label_quality finds wrong labels and says how sure it is."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit, RepeatedStratifiedKFold

from skxent import SoftmaxRegressor
from skxent.label_noise import estimate_transition, label_quality
from skxent.label_noise._transition import posterior
from skxent.losses import ForwardCorrection, GeneralizedCrossEntropy

NOISE = np.array([[0.9, 0.1, 0.0], [0.0, 0.7, 0.3], [0.0, 0.2, 0.8]])


@pytest.fixture(scope="module")
def noisy():
    """Three overlapping groups of points, the class of each and a label that is wrong as the matrix says."""
    rng = np.random.default_rng(0)
    true = rng.integers(3, size=3000)
    X = rng.normal(size=(3000, 4))
    X[np.arange(3000), true] += 2.5
    given = (rng.random(3000)[:, np.newaxis] > NOISE[true].cumsum(axis=1)).sum(axis=1)
    return X, true, given


@pytest.fixture(scope="module")
def quality(noisy):
    X, _, given = noisy
    return label_quality(SoftmaxRegressor(ForwardCorrection(), alpha=1e-3), X, given)


def test_wrong_labels_are_found(noisy, quality):
    _, true, given = noisy
    assert roc_auc_score(true == given, quality.probability) > 0.93
    wrong = (true != given)[quality.ranking(200)]
    assert wrong.mean() > 0.9


def test_the_noise_matrix_and_the_rate_are_those_of_the_noise(noisy, quality):
    _, true, given = noisy
    assert np.abs(quality.transition - NOISE).max() < 0.06
    assert quality.noise_rate == pytest.approx((true != given).mean(), abs=0.03)


def test_what_is_shown(quality):
    assert repr(quality) == f"LabelQuality(3000 labels of 3 classes, noise_rate={quality.noise_rate:.3g})"


def test_the_probabilities_are_probabilities(noisy, quality):
    """Among labels said to be right with probability p, a share of about p is right."""
    _, true, given = noisy
    np.testing.assert_allclose(quality.posterior.sum(axis=1), 1)
    bins = np.minimum((quality.probability * 5).astype(int), 4)
    said, right, rows = (np.bincount(bins, values) for values in (quality.probability, true == given, np.ones(3000)))
    assert rows.min() > 30
    assert np.abs(right - said).sum() / 3000 < 0.02
    assert (np.diff(right / rows) > 0).all()


def test_the_suggested_class_is_mostly_the_true_one(noisy, quality):
    _, true, given = noisy
    table = quality.suspects(100)
    assert list(table.columns) == ["given", "probability", "suggested", "probability of suggested"]
    assert table["probability"].is_monotonic_increasing
    assert (table["given"].to_numpy() == given[table.index]).all()
    assert (table["suggested"].to_numpy() == true[table.index]).mean() > 0.9
    assert (table.index == quality.ranking(100)).all()
    assert len(quality.suspects()) == 20
    for n_rows in (-1, 2.5, "all"):
        with pytest.raises(ValueError, match=f"n_rows={n_rows!r} must be at least 0, and a whole number"):
            quality.suspects(n_rows)


@pytest.mark.parametrize("estimator", [LogisticRegression(), SoftmaxRegressor(GeneralizedCrossEntropy())], ids=repr)
def test_any_classifier_will_do(noisy, estimator):
    X, true, given = noisy
    quality = label_quality(estimator, X, given, cv=3)
    assert roc_auc_score(true == given, quality.probability) > 0.85
    assert not hasattr(estimator, "coef_")


def test_labels_and_containers_of_other_kinds(noisy):
    pandas = pytest.importorskip("pandas")
    X, _, given = (part[:300] for part in noisy)
    model = SoftmaxRegressor(GeneralizedCrossEntropy(), alpha=1e-3)
    plain = label_quality(model, X, given)
    names = np.array(["cat", "dog", "eel"])[given]
    for container in (sparse.csr_array(X), pandas.DataFrame(X), X.tolist()):
        other = label_quality(model, container, names.tolist())
        np.testing.assert_allclose(other.probability, plain.probability, atol=1e-3)
    assert set(other.suspects(5)["given"]) <= {"cat", "dog", "eel"}
    np.testing.assert_allclose(label_quality(model, X, names[:, np.newaxis][:, 0]).transition, plain.transition)


def test_folds_are_the_same_each_time_and_may_be_given(noisy):
    X, _, given = (part[:300] for part in noisy)
    model = SoftmaxRegressor("generalized_cross_entropy", alpha=1e-3)
    np.testing.assert_array_equal(label_quality(model, X, given).posterior, label_quality(model, X, given).posterior)
    own = label_quality(model, X, given, cv=PredefinedSplit(np.arange(300) % 2))
    assert np.corrcoef(own.probability, label_quality(model, X, given).probability)[0, 1] > 0.9


def test_no_model_judges_a_row_that_it_has_seen():
    """Random labels, which a fit of more columns than rows learns by heart, are not found right in rows not seen."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 300)), rng.integers(2, size=200)
    model = SoftmaxRegressor(alpha=1e-4)
    assert model.fit(X, y).predict_proba(X)[np.arange(200), y].min() > 0.9
    quality = label_quality(model, X, y)
    assert 0.3 < (quality.probability > 0.5).mean() < 0.7


def test_weights_reach_the_fits(noisy):
    X, _, given = (part[:300] for part in noisy)
    weight = np.where(given == 0, 100.0, 1.0)
    model = SoftmaxRegressor(alpha=1e-2)
    weighted = label_quality(model, X, given, params={"sample_weight": weight})
    assert weighted.posterior[:, 0].mean() > label_quality(model, X, given).posterior[:, 0].mean() + 0.1


@pytest.mark.parametrize("names", [np.array(["cat", "dog", "eel"]), np.array([1, 2, 3]), np.array([30, 10, 20])])
def test_the_estimator_sees_the_labels_as_given(noisy, names):
    """A dict of class weights names the labels, not their positions."""
    X, _, given = (part[:300] for part in noisy)
    weights = dict(zip(names.tolist(), (20.0, 1.0, 1.0), strict=True))
    for make in (LogisticRegression, SoftmaxRegressor):
        quality = label_quality(make(class_weight=weights), X, names[given])
        assert quality.classes.tolist() == sorted(names.tolist())
        expected = label_quality(make(), X, names[given], params={"sample_weight": np.where(given == 0, 20.0, 1.0)})
        np.testing.assert_allclose(quality.posterior, expected.posterior, atol=1e-3)


@pytest.mark.parametrize("cv", [3, GroupKFold(3)], ids=repr)
def test_no_group_is_in_both_parts_of_a_fold(noisy, cv):
    X, _, given = (part[:300] for part in noisy)
    groups = np.arange(300) // 10

    class Remembers(LogisticRegression):
        def fit(self, X, y):
            self.seen_ = set(X[:, -1])
            return super().fit(X, y)

        def predict_proba(self, X):
            assert not self.seen_ & set(X[:, -1])
            return super().predict_proba(X)

    X = np.c_[X, groups]
    assert label_quality(Remembers(), X, given, cv=cv, groups=groups).posterior.shape == (300, 3)
    with pytest.raises(AssertionError):
        label_quality(Remembers(), X, given, cv=3)


def test_a_frozen_estimator_judges_as_it_is(noisy):
    X, _, given = noisy
    model = FrozenEstimator(LogisticRegression().fit(X[300:], given[300:]))
    quality = label_quality(model, X[:300], given[:300])
    expected = model.predict_proba(X[:300])
    transition = estimate_transition(np.eye(3)[given[:300]], expected, prior=10)
    np.testing.assert_allclose(quality.posterior, posterior(expected, transition, given[:300]))
    with pytest.raises(ValueError, match=r"has the classes \[0 1 2\], and y \['a' 'b' 'c'\]"):
        label_quality(model, X[:300], np.array(["a", "b", "c"])[given[:300]])


def test_a_precomputed_kernel_is_cut_along_both_axes(noisy):
    X, _, given = (part[:120] for part in noisy)
    by_kernel = label_quality(KernelClassifier(), X @ X.T, given)
    np.testing.assert_allclose(by_kernel.posterior.sum(axis=1), 1)


class KernelClassifier(LogisticRegression):
    """Takes the similarities to the training rows as features."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = True
        return tags

    def fit(self, X, y):
        assert X.shape[0] == X.shape[1]
        return super().fit(X, y)


def test_folds_run_in_processes(noisy):
    X, _, given = (part[:300] for part in noisy)
    model = SoftmaxRegressor(alpha=1e-2)
    one, two = (label_quality(model, X, given, n_jobs=n_jobs).posterior for n_jobs in (1, 2))
    np.testing.assert_allclose(one, two)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.eye(3)[[0, 1, 2] * 4], ValueError, r"y has shape \(12, 3\); .* not soft labels"),
        (np.zeros(12), ValueError, "only one class, 0.0"),
        (["a"] * 6 + ["b"] * 5 + ["z"], ValueError, "Class 'z' has a single row"),
        (np.linspace(0, 1, 12), ValueError, "continuous"),
        ([0, 1] * 5, ValueError, "inconsistent numbers of samples"),
        (np.r_[np.nan, np.arange(11) % 2], ValueError, "NaN"),
        (["a", None] * 6, ValueError, r"y\[1\] is None"),
        (np.array([None, *"abc" * 3, *"ab"], object), ValueError, r"y\[0\] is None"),
    ],
)
def test_labels_that_cannot_be_judged(y, error, message):
    with pytest.raises(error, match=message):
        label_quality(SoftmaxRegressor(), np.arange(24.0).reshape(12, 2), y)


@pytest.mark.parametrize(
    "estimator", [LinearRegression(), SGDClassifier(loss="hinge"), SoftmaxRegressor, None], ids=repr
)
def test_what_is_no_classifier_with_probabilities(estimator):
    with pytest.raises(TypeError, match="needs a classifier with predict_proba"):
        label_quality(estimator, np.eye(4), [0, 1, 0, 1])


HALVES = np.arange(12) % 2


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        ([], "row 0 in 0 test folds"),
        ([(HALVES == 0, HALVES == 1)], "row 0 in 0 test folds"),
        ([(HALVES == 0, HALVES == 1), (HALVES == 1, np.r_[np.flatnonzero(HALVES == 0), 3])], "row 3 in 2 test folds"),
        (RepeatedStratifiedKFold(n_splits=2, n_repeats=3), "row 0 in 3 test folds"),
        ([(HALVES == 0, HALVES == 1), (HALVES < 2, HALVES == 0)], "Fold 1 of cv judges row 0 by a model fitted on it"),
        (KFold(2), "Fold 0 of cv has no row of class 'a' to fit on"),
        (1, "n_splits=1"),
        (7, "n_splits=7 cannot be greater"),
    ],
    ids=repr,
)
def test_folds_that_cannot_judge(cv, message):
    with pytest.raises(ValueError, match=message):
        label_quality(SoftmaxRegressor(), np.arange(24.0).reshape(12, 2), ["a"] * 6 + ["b"] * 6, cv=cv)


def test_a_number_of_folds_may_be_of_any_integer_type(noisy):
    X, _, given = (part[:300] for part in noisy)
    expected = label_quality(LogisticRegression(), X, given).probability
    for cv in (np.int64(5), None):
        np.testing.assert_array_equal(label_quality(LogisticRegression(), X, given, cv=cv).probability, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p * np.nan, "returned nan for row 0 and class 0"),
        (lambda p: p - 1, "probabilities are finite and not negative"),
        (lambda p: p[:, :2], r"returned shape \(15, 2\) for 3 classes"),
    ],
)
def test_probabilities_that_are_none(change, message):
    class Wrong(LogisticRegression):
        def predict_proba(self, X):
            return change(super().predict_proba(X))

    with pytest.raises(ValueError, match=message):
        label_quality(Wrong(), np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 3, cv=2)


def test_no_rows():
    with pytest.raises(ValueError, match="y has no rows"):
        label_quality(SoftmaxRegressor(), np.empty((0, 2)), [])


# ------------------------------------------------------------------------------------------ the matrix itself


def test_the_estimate_is_the_most_probable_matrix():
    """No other matrix gives the labels a larger probability, but for the row that each class counts more."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3) / 2, 5000)
    labels = (rng.random(5000)[:, np.newaxis] > (p @ NOISE).cumsum(axis=1)).sum(axis=1)
    y = np.eye(3)[labels]
    estimate = estimate_transition(y, p)

    def log_likelihood(transition):
        return np.log((p @ transition)[np.arange(5000), labels]).sum()

    others = [np.abs(estimate + 0.02 * rng.normal(size=(3, 3))) for _ in range(200)]
    best = max(log_likelihood(other / other.sum(axis=1, keepdims=True)) for other in others)
    assert log_likelihood(estimate) > best - 0.5
    assert np.abs(estimate - NOISE).max() < 0.05


def test_one_step_of_the_estimate_by_the_book(monkeypatch):
    """Soft labels and hard ones: expected counts of true and given classes, by loops."""
    monkeypatch.setattr("skxent.label_noise._transition._MAX_STEPS", 1)
    rng = np.random.default_rng(2)
    p = rng.dirichlet(np.ones(3), 20)
    start = (np.eye(3) + 1 / 3) / 2
    for y in (rng.dirichlet(np.ones(3), 20), np.eye(3)[rng.integers(3, size=20)]):
        counts = start.copy()
        for row_y, row_p in zip(y, p, strict=True):
            for i in range(3):
                for j in range(3):
                    counts[i, j] += row_y[j] * row_p[i] * start[i, j] / (row_p @ start[:, j])
        expected = counts / counts.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(estimate_transition(y, p), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([0, 1], np.eye(2), r"y has shape \(2,\) and p \(2, 2\)"),
        (np.eye(3), np.eye(3)[:, :2], r"y has shape \(3, 3\) and p \(3, 2\)"),
        (np.eye(2), [[1, 0], [np.nan, 1]], r"p\[1, 0\] is nan; it must be finite"),
        ([[1, 0], [-1, 2]], np.eye(2), r"y\[1, 0\] is -1\.0; it must be finite and not negative"),
        (np.empty((0, 0)), np.empty((0, 0)), r"y has shape \(0, 0\)"),
        (1j * np.eye(2), np.eye(2), r"(?s)y=.* is not a matrix of real numbers"),
        (np.eye(2), [["a", "b"], ["b", "a"]], r"(?s)p=.* is not a matrix of real numbers"),
    ],
)
def test_bad_input_of_an_estimate(y, p, message):
    with pytest.raises(ValueError, match=message):
        estimate_transition(y, p)


@pytest.mark.parametrize("prior", [0, -1, np.nan, np.inf, "much", None])
def test_bad_prior_of_an_estimate(prior):
    with pytest.raises(ValueError, match=r"prior=.* must be a finite number above 0"):
        estimate_transition(np.eye(2), np.eye(2), prior=prior)


def test_weights_of_labels_count_in_the_estimate():
    rng = np.random.default_rng(1)
    p, labels, weight = rng.dirichlet(np.ones(3), 200), rng.integers(3, size=200), rng.integers(3, size=200)
    y = np.eye(3)[labels]
    np.testing.assert_allclose(
        estimate_transition(y * weight[:, np.newaxis], p),
        estimate_transition(np.repeat(y, weight, axis=0), np.repeat(p, weight, axis=0)),
        rtol=1e-9,
    )


def test_a_class_that_never_is_true_keeps_its_prior_row():
    p = np.tile([1.0, 0.0], (10, 1))
    estimate = estimate_transition(np.eye(2)[[0] * 10], p)
    np.testing.assert_allclose(estimate, [[10.75 / 11, 0.25 / 11], [0.25, 0.75]])
    more = estimate_transition(np.eye(2)[[0] * 10], p, prior=10)
    np.testing.assert_allclose(more, [[17.5 / 20, 2.5 / 20], [0.25, 0.75]])
    with pytest.raises(ValueError, match="prior=0 must be a finite number above 0"):
        estimate_transition(np.eye(2), np.eye(2), prior=0)
    np.testing.assert_allclose(estimate.sum(axis=1), 1)
    assert estimate.min() > 0


def test_posterior_is_bayes_rule():
    p = np.array([[0.5, 0.3, 0.2]])
    result = posterior(p, NOISE, np.array([2]))
    np.testing.assert_allclose(result, [[0, 0.09 / 0.25, 0.16 / 0.25]])


def test_losses_load_without_model_selection():
    code = "import sys, skxent.losses; print('sklearn.model_selection' in sys.modules, 'matplotlib' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["False", "False"]
