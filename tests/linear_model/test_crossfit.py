"""Losses that look at the data: cross-fitted predictions, and the noise matrix estimated from them."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.linear_model._crossfit import _halves, crossfit
from skxent.linear_model._outputs import Sigmoid, Softmax
from skxent.linear_model._problem import Problem
from skxent.losses import CrossEntropy, ForwardCorrection, GeneralizedCrossEntropy, Loss
from skxent.rows import MemoryRows

NOISE = np.array([[0.9, 0.1, 0.0], [0.0, 0.7, 0.3], [0.0, 0.2, 0.8]])


def noisy(noise, n=3000, seed=0):
    """Return three groups of points, the class of each row and a label that is wrong as the matrix says."""
    rng = np.random.default_rng(seed)
    true = rng.integers(len(noise), size=n)
    X = rng.normal(size=(n, 4))
    X[np.arange(n), true] += 3
    given = (rng.random(n)[:, np.newaxis] > noise[true].cumsum(axis=1)).sum(axis=1)
    return X, true, given


@pytest.mark.parametrize("kind", ["dense", "sparse", "float32"])
def test_the_matrix_is_found(kind):
    X, true, given = noisy(NOISE)
    X = {"dense": X, "sparse": sparse.csr_array(X), "float32": X.astype(np.float32)}[kind]
    model = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3).fit(X, given)
    assert np.abs(model.transition_ - NOISE).max() < 0.06
    assert model.coef_.dtype == X.dtype
    plain = SoftmaxRegressor(alpha=1e-3).fit(X, given)
    assert model.score(X, true) > plain.score(X, true)
    # Log-loss of the true classes: the probabilities are theirs.
    log_loss = [-m.predict_log_proba(X)[np.arange(len(true)), true].mean() for m in (model, plain)]
    assert log_loss[0] < 0.6 * log_loss[1]


def test_clean_labels_stay_clean():
    X, true, _ = noisy(NOISE)
    model = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3).fit(X, true)
    assert np.diag(model.transition_).min() > 0.97
    assert model.score(X, true) >= SoftmaxRegressor(alpha=1e-3).fit(X, true).score(X, true) - 0.003


def test_the_matrix_of_a_given_loss_is_shown_and_others_have_none():
    X, _, given = noisy(NOISE, 300)
    np.testing.assert_array_equal(SoftmaxRegressor(ForwardCorrection(NOISE)).fit(X, given).transition_, NOISE)
    plain = SoftmaxRegressor().fit(X, given)
    assert not hasattr(plain, "transition_")
    with pytest.raises(AttributeError, match=r"CrossEntropy\(\) has no noise matrix"):
        plain.transition_  # noqa: B018
    assert isinstance(plain.loss_, CrossEntropy)


def test_the_parameter_stays_as_it_was_given():
    X, _, given = noisy(NOISE, 300)
    loss = ForwardCorrection()
    model = SoftmaxRegressor(loss).fit(X, given)
    assert model.loss is loss
    assert loss.transition == "estimate"
    assert model.loss_.transition.shape == (3, 3)
    assert clone(model).loss.transition == "estimate"


def test_labels_may_be_strings_and_the_matrix_follows_their_order():
    X, _, given = noisy(NOISE, 1000)
    names = np.array(["c", "b", "a"])[given]
    by_name = SoftmaxRegressor(ForwardCorrection()).fit(X, names)
    by_number = SoftmaxRegressor(ForwardCorrection()).fit(X, given)
    np.testing.assert_allclose(by_name.transition_, by_number.transition_[::-1, ::-1], atol=0.01)


def test_two_classes_behind_a_sigmoid():
    """The unit's outcomes are on, the second class, and off."""
    noise = np.array([[0.95, 0.05], [0.3, 0.7]])
    X, true, given = noisy(noise)
    unit = SigmoidRegressor(ForwardCorrection(), alpha=1e-3).fit(X, given)
    assert np.abs(unit.transition_[::-1, ::-1] - noise).max() < 0.05
    assert unit.score(X, true) > SigmoidRegressor(alpha=1e-3).fit(X, given).score(X, true)


def test_a_weight_is_a_repetition():
    """In the matrix too, whatever the order of the rows."""
    X, _, given = noisy(NOISE, 1000)
    weight = np.random.default_rng(1).integers(4, size=1000)
    weighted = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3).fit(X, given, sample_weight=weight)
    repeated = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3)
    order = np.random.default_rng(2).permutation(np.repeat(np.arange(1000), weight))
    repeated.fit(X[order], given[order])
    np.testing.assert_allclose(weighted.transition_, repeated.transition_, atol=1e-5)


def test_only_the_ratios_of_small_weights_count():
    """Weights that sum to 1 would otherwise leave nothing but the row that each class counts more."""
    X, _, given = noisy(NOISE, 600)
    weight = np.random.default_rng(1).uniform(0.5, 1.5, 600)
    model = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3)
    tiny, small = (model.fit(X, given, sample_weight=scale * weight).transition_ for scale in (1e-6, 1e-2))
    np.testing.assert_allclose(tiny, small, atol=1e-4)
    np.testing.assert_allclose(tiny, model.fit(X, given, sample_weight=weight).transition_, atol=0.02)


def test_the_matrix_does_not_depend_on_container_or_dtype():
    X, _, given = noisy(NOISE, 600)
    X[X < 0.5] = 0
    X = X.astype(np.float32)
    model = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3)
    dense = model.fit(X, given).transition_
    for other in (X.astype(np.float64), sparse.csr_array(X)):
        np.testing.assert_allclose(model.fit(other, given).transition_, dense, atol=1e-3)


def test_few_distinct_rows_are_in_both_halves():
    """Each of four rows comes with all labels many times: a half without one of them could not predict it."""
    X = np.eye(4)[np.arange(4000) % 4]
    rng = np.random.default_rng(0)
    noise = np.array([[0.9, 0.1], [0.3, 0.7]])
    given = (rng.random(4000) < noise[np.arange(4000) % 4 // 2, 1]).astype(int)
    found = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3).fit(X, given).transition_
    assert np.abs(found - noise).max() < 0.1


@pytest.mark.parametrize("labels", [[0, 1], [0, 0, 1], [0, 0, 0, 0, 1]])
def test_too_few_rows_for_two_halves(labels):
    X = np.arange(len(labels), dtype=float)[:, np.newaxis]
    with pytest.raises(ValueError, match="in each half rows of two classes"):
        SoftmaxRegressor(ForwardCorrection()).fit(X, labels)


def test_rows_of_each_class_alternate_between_the_halves():
    X, _, given = noisy(NOISE, 300)
    for n, classes in ((300, given), (297, given[:297])):
        rows = MemoryRows(X[:n], classes.astype(np.uint8), n_outputs=3)
        halves = _halves(rows)
        counts = [np.bincount(half.take(slice(0, half.n_rows)).y, minlength=3) for half in halves]
        assert np.abs(counts[0] - counts[1]).max() <= 1
        assert np.abs(halves[0].n_rows - halves[1].n_rows) <= 1
        positions = np.concatenate([half.positions for half in halves])
        assert (np.sort(positions) == np.arange(n)).all()


def test_rows_without_weight_do_not_count():
    X, _, given = noisy(NOISE, 1000)
    weight = np.r_[np.ones(1000), np.zeros(500)]
    padded = np.r_[X, np.full((500, 4), 1e3)], np.r_[given, np.zeros(500, int)]
    weighted = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3, tol=1e-9).fit(*padded, sample_weight=weight)
    alone = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3, tol=1e-9).fit(X, given)
    np.testing.assert_allclose(weighted.transition_, alone.transition_, atol=1e-4)
    with pytest.raises(ValueError, match="in each half rows of two classes"):
        SoftmaxRegressor(ForwardCorrection()).fit(X, given, sample_weight=np.r_[1, np.zeros(999)])


def test_soft_labels_are_distributions_of_the_label():
    """Each row once for each class, weighted, is the same as its soft label."""
    X, _, given = noisy(NOISE, 600)
    soft = 0.9 * np.eye(3)[given] + 0.1 / 3
    model = SoftmaxRegressor(ForwardCorrection(NOISE), tol=1e-10).fit(X, soft)
    copies = SoftmaxRegressor(ForwardCorrection(NOISE), tol=1e-10)
    copies.fit(np.repeat(X, 3, axis=0), np.tile([0, 1, 2], 600), sample_weight=soft.ravel())
    np.testing.assert_allclose(model.predict_proba(X), copies.predict_proba(X), atol=1e-3)
    estimated = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3).fit(X, np.eye(3)[given])
    by_label = SoftmaxRegressor(ForwardCorrection(), alpha=1e-3).fit(X, given)
    np.testing.assert_allclose(estimated.transition_, by_label.transition_, atol=1e-5)


@pytest.mark.parametrize(("output", "n_outputs"), [(Softmax(), 3), (Sigmoid(), 3)], ids=["softmax", "sigmoid"])
def test_crossfit_returns_what_the_loss_sees(output, n_outputs):
    X, _, given = noisy(NOISE, 101)
    weight = np.arange(101) % 3.0
    rows = MemoryRows(X, given.astype(np.uint8), weight, n_outputs=n_outputs)
    weights_by_half = iter([np.full((5, 3), 0.1), np.full((5, 3), 0.2)])
    sizes = []

    def minimise(objective):
        sizes.append(objective.rows.n_rows)
        return next(weights_by_half)

    y, p = crossfit(Problem(CrossEntropy(), output), rows, minimise)
    n_seen = int((weight > 0).sum())
    assert sorted(sizes) == [n_seen // 2, n_seen - n_seen // 2]
    if isinstance(output, Softmax):
        totals = np.bincount(given, weight, 3)
        np.testing.assert_allclose(y.sum(axis=0), totals)
        np.testing.assert_allclose(p, 1 / 3)
        assert y.shape == p.shape == (n_seen, 3)
    else:
        assert y.shape == p.shape == (3 * n_seen, 2)
        np.testing.assert_allclose(y.sum(axis=0), [weight.sum(), 2 * weight.sum()])
    np.testing.assert_allclose(p.sum(axis=1), 1)


class Recording(Loss):
    """Sees how well models that have not seen the rows predict them."""

    def __init__(self):
        self.hits = None

    def adapted(self, crossfit):
        y, p = crossfit(CrossEntropy())
        new = Recording()
        new.hits = (y.argmax(axis=1) == p.argmax(axis=1)).mean()
        return new

    def pointwise(self, y, p, log_p):
        return CrossEntropy().pointwise(y, p, log_p)


def test_predictions_are_for_rows_that_the_model_has_not_seen():
    """Random labels cannot be predicted, though a fit of more columns than rows learns them by heart."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 300)), rng.integers(2, size=200)
    model = SoftmaxRegressor(Recording(), alpha=1e-4).fit(X, y)
    assert model.score(X, y) == 1
    assert 0.4 < model.loss_.hits < 0.6


def test_a_grid_search_sets_parameters_of_the_inner_loss():
    X, _, given = noisy(NOISE, 300)
    grid = {"loss__loss__q": [0.3, 0.7], "loss__transition": [NOISE, "estimate"]}
    loss = ForwardCorrection(NOISE, GeneralizedCrossEntropy())
    search = GridSearchCV(SoftmaxRegressor(loss, alpha=1e-2), grid, cv=2).fit(X, given)
    assert search.best_estimator_.loss_.loss.q in (0.3, 0.7)


def test_a_loss_that_looks_at_all_rows_has_no_partial_fit():
    X, _, given = noisy(NOISE, 300)
    for loss in (ForwardCorrection(), Recording()):
        assert not hasattr(SoftmaxRegressor(loss), "partial_fit")
        with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as error:
            SoftmaxRegressor(loss).partial_fit(X, given, classes=[0, 1, 2])
        assert "looks at all rows before the fit" in str(error.value.__cause__)
    with pytest.raises(ValueError, match="unknown loss 'none'"):
        SoftmaxRegressor("none").partial_fit(X, given, classes=[0, 1, 2])


def test_bad_input_of_forward_correction():
    X, _, given = noisy(NOISE, 300)
    with pytest.raises(ValueError, match=r"transition has shape \(3, 3\), but there are 2 outcomes"):
        SigmoidRegressor(ForwardCorrection(NOISE)).fit(X, given)
    partial = SoftmaxRegressor(ForwardCorrection(NOISE)).partial_fit(X, given, classes=[0, 1, 2])
    np.testing.assert_array_equal(partial.transition_, NOISE)
