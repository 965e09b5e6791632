"""The problems that solvers are compared on."""

import numpy as np
import problems
import pytest
from helpers import objective_of
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from skxent import SoftmaxRegressor


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_objective_is_that_of_skxent(tiny, container, rng):
    coef, intercept = rng.standard_normal((3, 8)), rng.standard_normal(3)
    problem = problems.Problem("tiny", container(tiny.X), tiny.y, 0.1)
    expected = objective_of(tiny.X.astype(float), tiny.y, alpha=0.1).value(np.vstack([coef.T, intercept]))
    assert problem.objective(coef, intercept) == pytest.approx(expected, rel=1e-6)


def test_objective_in_blocks(tiny, rng, monkeypatch):
    coef, intercept = rng.standard_normal((3, 8)), rng.standard_normal(3)
    whole = tiny.objective(coef, intercept)
    monkeypatch.setattr(problems, "_BLOCK", 7)
    assert tiny.objective(coef, intercept) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("k", [2, 3])
def test_penalties_of_both_libraries_are_the_same(tiny, k):
    """LogisticRegression at ``C`` and skxent at ``alpha`` meet at one optimum, with two classes as well."""
    problem = problems.Problem("tiny", tiny.X.astype(float), tiny.y % k, 0.01)
    theirs = LogisticRegression(C=problem.C, tol=1e-8, max_iter=10_000).fit(problem.X, problem.y)
    ours = SoftmaxRegressor(alpha=problem.alpha, tol=1e-10).fit(problem.X, problem.y)
    assert problem.objective(theirs.coef_, theirs.intercept_) == pytest.approx(
        problem.objective(ours.coef_, ours.intercept_), rel=1e-7
    )


def test_few_rows(tiny):
    few = tiny.few(30)
    assert few.X.shape == (29, 8)
    assert np.array_equal(few.y, tiny.y[::7])


def test_data_sets_are_the_same_each_time():
    for make in (lambda: problems.clusters(300, 10, 3), lambda: problems.correlated(300, 10, 3)):
        (X, y), (X_again, y_again) = make(), make()
        assert X.dtype == np.float32
        assert np.array_equal(X, X_again)
        assert np.array_equal(y, y_again)
        assert set(y.tolist()) == {0, 1, 2}


def test_generated_sentences():
    texts, genres = problems.generated_sentences(500)
    assert len(texts) == len(genres) == 500
    assert set(genres.tolist()) == set(range(15))
    assert all(len(text.split()) == 20 for text in texts)


def test_mnist_is_read_from_the_repository():
    X, y = problems.mnist(100)
    assert X.shape == (100, 784)
    assert X.dtype == np.float32
    assert 0 <= X.min() < X.max() == 1
    assert y[:5].tolist() == [5, 0, 4, 1, 9]


def test_default_problems():
    assert problems.DEFAULT == ["mnist", "mnist-strong", "mnist-raw", "brown", "classes", "tall"]
    assert "digits" in problems.PROBLEMS
