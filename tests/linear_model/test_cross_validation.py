"""The penalty chosen along a path: the choice of a grid search, without copies of the data."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from skxent import SigmoidRegressor, SigmoidRegressorCV, SoftmaxRegressor, SoftmaxRegressorCV
from skxent.losses import Focal, GeneralizedCrossEntropy, Quadratic
from skxent.solvers import LBFGS

PAIRS = [(SoftmaxRegressorCV, SoftmaxRegressor), (SigmoidRegressorCV, SigmoidRegressor)]
ALPHAS = np.logspace(-4, 0, 5)


@parametrize_with_checks([SoftmaxRegressorCV(cv=2, alphas=2), SigmoidRegressorCV(cv=2, alphas=2)])
def test_scikit_learns_checks(estimator, check):
    if "sample_weight" in check.func.__name__:
        pytest.skip("folds are made of rows, so that a row of weight 2 is not two rows")
    check(estimator)


@pytest.mark.parametrize(("path", "single"), PAIRS)
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer, load_digits])
def test_the_choice_is_that_of_a_grid_search(path, single, load):
    X, y = (values[:300] for values in load(return_X_y=True))
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    scorings = {"loss": minus_the_loss, "accuracy": "accuracy"}
    peer = GridSearchCV(single(tol=1e-9), {"alpha": ALPHAS}, cv=5, scoring=scorings, refit=False).fit(X, y)
    for scoring, name in ((None, "loss"), ("accuracy", "accuracy")):
        ours = path(alphas=ALPHAS, scoring=scoring, path_tol=1e-9, tol=1e-9).fit(X, y)
        found = np.array([peer.cv_results_[f"split{k}_test_{name}"] for k in range(5)]).T
        differences = np.abs(ours.scores_ - found)
        # One row may be so near a tie that rounding decides.
        assert np.sum(differences > 2e-3) <= (scoring == "accuracy")
        assert differences.max() < (2e-3 if scoring is None else 1.01 * 5 / len(y))
        best = peer.cv_results_["params"][peer.cv_results_[f"rank_test_{name}"].argmin()]
        assert {"alpha": ours.alpha_} == best
        expected = single(tol=1e-9, **best).fit(X, y).predict_proba(X)
        np.testing.assert_allclose(ours.predict_proba(X), expected, atol=1e-3)


def minus_the_loss(model, X, y):
    """Score as `scoring=None` does: a sigmoid's loss is summed over its units."""
    log_p = model._output.log_probabilities(model._logits(X))
    if isinstance(model, SoftmaxRegressor):
        return float(np.mean(log_p[np.arange(len(y)), np.searchsorted(model.classes_, y)]))
    on = (y[:, np.newaxis] == model.classes_[-log_p.shape[1] :]).astype(float)
    off = model._output.log_probabilities(-model._logits(X))
    return float((on * log_p + (1 - on) * off).sum(axis=1).mean())


@pytest.mark.parametrize(("path", "single"), PAIRS)
def test_each_fit_of_a_path_is_that_of_its_penalty_and_rows(path, single):
    X, y = load_iris(return_X_y=True)
    splits = list(KFold(3, shuffle=True, random_state=0).split(X))
    model = path(alphas=ALPHAS[::-1], cv=splits, path_tol=1e-12, max_iter=3000).fit(X, y)
    assert model.coefs_paths_.shape == (3, 5, len(model.coef_), 5)
    for fold, (train, _) in enumerate(splits):
        for position, alpha in enumerate(model.alphas_):
            alone = single(alpha=alpha, tol=1e-12, max_iter=3000).fit(X[train], y[train])
            np.testing.assert_allclose(model.coefs_paths_[fold, position, :, :-1], alone.coef_, rtol=2e-2, atol=2e-2)


def test_the_final_fit_is_that_of_the_penalty_chosen():
    X, y = load_digits(return_X_y=True)
    model = SoftmaxRegressorCV(alphas=ALPHAS, tol=1e-9).fit(X, y)
    alone = SoftmaxRegressor(alpha=model.alpha_, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), alone.predict_proba(X), atol=1e-3)
    assert model.n_iter_ == len(model.loss_curve_)


@pytest.mark.parametrize("loss", ["quadratic", Focal(gamma=1.0), Quadratic()])
def test_any_loss(loss):
    X, y = load_iris(return_X_y=True)
    model = SoftmaxRegressorCV(loss=loss, alphas=3, cv=3, solver=LBFGS(history=10)).fit(X, y)
    assert model.score(X, y) > 0.9
    assert (np.diff(np.log(model.alphas_)) < 0).all()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_threads_sparse_data_and_weights_change_nothing():
    X, y = load_digits(return_X_y=True)
    weight = 1.0 + np.arange(len(y)) % 2
    models = [
        SoftmaxRegressorCV(alphas=ALPHAS, cv=3, n_jobs=n_jobs).fit(data, y, weight)
        for n_jobs, data in [(None, X), (2, X), (None, sp.csr_array(X))]
    ]
    np.testing.assert_array_equal(models[0].scores_, models[1].scores_)
    np.testing.assert_allclose(models[0].scores_, models[2].scores_, rtol=1e-3)
    assert len({model.alpha_ for model in models}) == 1


def test_unfinished_fits_are_counted():
    X, y = load_iris(return_X_y=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        SoftmaxRegressorCV(alphas=[1e-5, 1e-6], cv=2, max_iter=2, path_tol=1e-9).fit(X, y)
    messages = [str(w.message) for w in caught if w.category is ConvergenceWarning]
    assert messages[0].startswith("4 of 4 fits of the cross-validation have not converged. The first: alpha=1e-05")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"alphas": 0}, "The 'alphas' parameter of SoftmaxRegressorCV"),
        ({"alphas": []}, "alphas is empty"),
        ({"alphas": [1.0, -1.0]}, "alphas holds -1.0; penalties are at least 0"),
        ({"alphas": [np.nan]}, "alphas contains NaN"),
        ({"cv": 1}, "The .cv. parameter of SoftmaxRegressorCV"),
        ({"loss": "hinge"}, "unknown loss 'hinge'"),
    ],
)
def test_bad_settings_are_named(setting, message):
    with pytest.raises(ValueError, match=message):
        SoftmaxRegressorCV(**setting).fit(*load_iris(return_X_y=True))


def test_there_is_no_partial_fit():
    assert not hasattr(SoftmaxRegressorCV(), "partial_fit")
    assert clone(SoftmaxRegressorCV(alphas=3)).alphas == 3


def test_folds_without_weight_do_not_choose():
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(150)
    X, y, weight = X[order], y[order], np.r_[np.ones(120), np.zeros(30)]
    with pytest.warns(UserWarning, match="1 of 5 folds have no score"):
        model = SoftmaxRegressorCV(alphas=ALPHAS, cv=KFold(5)).fit(X, y, weight)
    alone = SoftmaxRegressorCV(alphas=ALPHAS, cv=KFold(4)).fit(X[:120], y[:120])
    assert model.alpha_ == alone.alpha_
    assert np.isnan(model.scores_[:, 4]).all()
    with pytest.raises(ValueError, match="No fold has a score"):
        SoftmaxRegressorCV(alphas=ALPHAS, cv=[(np.arange(120), np.arange(120, 150))]).fit(X, y, weight)


def test_folds_without_rows_to_train_on_are_named():
    X, y = load_iris(return_X_y=True)
    model = SoftmaxRegressorCV(alphas=ALPHAS, cv=[(np.arange(100, 150), np.arange(100))])
    with pytest.raises(ValueError, match="A fold of cv has 50 rows to train on, which have no weight"):
        model.fit(X, y, sample_weight=np.arange(150) < 100)
    with pytest.raises(ValueError, match="A fold of cv has 0 rows to train on"):
        model.set_params(cv=[(np.arange(0), np.arange(100))]).fit(X, y)
    with pytest.raises(ValueError, match=r"cv=\[\] has no splits"):
        model.set_params(cv=[]).fit(X, y)


def test_folds_are_masks_or_positions_from_either_end():
    X, y = load_iris(return_X_y=True)
    test = np.arange(150) % 3 == 0
    splits = [(~test, test), (np.flatnonzero(~test), np.flatnonzero(test) - 150)]
    model = SoftmaxRegressorCV(alphas=ALPHAS, cv=splits).fit(X, y)
    np.testing.assert_array_equal(*model.scores_.T)


def test_penalties_reach_columns_beside_a_large_one(rng):
    """The default penalties go from the largest variance to far below that of most columns."""
    X, y = load_iris(return_X_y=True)
    with_time = np.c_[X, 1.7e12 + 8e7 * rng.random(150)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert SoftmaxRegressorCV().fit(with_time, y).score(with_time, y) > 0.95
    assert SoftmaxRegressorCV(alphas=3).fit(np.c_[X, np.full(150, 1.7e9 + 0.3)], y).alphas_[0] < 10


@pytest.fixture(scope="module")
def levels():
    """Ordered classes, most of them in the middle: at a strong penalty a bounded loss predicts the largest one only."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 6))
    taste = X @ rng.normal(size=6) + rng.logistic(size=500)
    return X, np.searchsorted(np.quantile(taste, [0.03, 0.1, 0.35, 0.7, 0.9, 0.98]), taste)


MANY_MINIMA = ["mean_absolute_error", "generalized_cross_entropy", GeneralizedCrossEntropy(0.9), "expected_cost"]


@pytest.mark.parametrize("loss", MANY_MINIMA, ids=str)
def test_a_path_does_not_stay_in_the_minimum_of_a_strong_penalty(loss, levels):
    X, y = levels
    alphas = [1.0, 1e-1, 1e-2, 1e-3, 1e-4]
    everywhere = np.arange(len(y))
    path = SoftmaxRegressorCV(loss, alphas=alphas, cv=[(everywhere, everywhere)], scoring="accuracy").fit(X, y)
    majority = np.bincount(y).max() / len(y)
    assert path.scores_[0, 0] <= majority + 0.02
    for alpha, score in zip(alphas, path.scores_[:, 0], strict=True):
        assert score == pytest.approx(SoftmaxRegressor(loss, alpha=alpha).fit(X, y).score(X, y), abs=0.02)
    assert path.scores_[-1, 0] > majority + 0.15


@pytest.mark.parametrize("loss", MANY_MINIMA, ids=str)
def test_the_final_fit_of_a_loss_with_many_minima_does_not_start_in_one_of_a_fold(loss, levels):
    X, y = levels
    path = SoftmaxRegressorCV(loss, alphas=[1e-1, 1e-3], cv=3).fit(X, y)
    alone = SoftmaxRegressor(loss, alpha=path.alpha_).fit(X, y)
    np.testing.assert_array_equal(path.coef_, alone.coef_)


@pytest.mark.parametrize("path", [SoftmaxRegressorCV, SigmoidRegressorCV])
def test_groups_are_held_out_whole(path):
    X, y = load_iris(return_X_y=True)
    groups = np.arange(150) % 5
    by_group = path(alphas=3, cv=GroupKFold(5)).fit(X, y, groups=groups)
    by_hand = path(alphas=3, cv=[(groups != k, groups == k) for k in range(5)]).fit(X, y)
    np.testing.assert_array_equal(np.sort(by_group.scores_, axis=1), np.sort(by_hand.scores_, axis=1))
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            path(alphas=2, cv=GroupKFold(2)).set_fit_request(groups=True), {"loss": ["quadratic"]}, cv=2
        )
        assert search.fit(X, y, groups=groups).best_estimator_.scores_.shape == (2, 2)
    with pytest.raises(ValueError, match="groups"):
        path(cv=GroupKFold(2)).fit(X, y)
