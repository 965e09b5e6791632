"""Multivariate normal distributions, against SciPy, one dimension and identities."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from skxent.information import cross_entropy, entropy, jensen_shannon, kl_divergence, perplexity


def normal(seed, dimension=3):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(dimension, dimension))
    return stats.multivariate_normal(rng.normal(size=dimension), root @ root.T + 0.1 * np.eye(dimension))


def test_against_scipy_and_the_textbook():
    p, q = normal(0), normal(1)
    inverse, moved = np.linalg.inv(q.cov), q.mean - p.mean
    logs = np.linalg.slogdet(q.cov)[1] - np.linalg.slogdet(p.cov)[1]
    expected = (np.trace(inverse @ p.cov) + moved @ inverse @ moved - 3 + logs) / 2
    assert_allclose(entropy(p), p.entropy())
    assert_allclose(kl_divergence(p, q), expected)
    assert_allclose(cross_entropy(p, q, base=2), (p.entropy() + expected) / np.log(2))
    assert_allclose(perplexity(p), np.exp(p.entropy()))
    assert kl_divergence(p, p) == 0


@pytest.mark.parametrize("variance", [1e-300, 0.3, 1 + 1e-9, 5.0, 1e300])
def test_one_dimension(variance):
    p, q = stats.multivariate_normal([0.5], [[variance]]), stats.multivariate_normal([0.5], [[1.0]])
    expected = kl_divergence(stats.norm(0, np.sqrt(variance)), stats.norm())
    assert_allclose(kl_divergence(p, q), expected, rtol=1e-6 if abs(variance - 1) < 1e-3 else 1e-12)


def test_covariances_whose_ratio_is_no_double():
    narrow, wide = (stats.multivariate_normal([0, 0], np.eye(2) * variance) for variance in (1e-200, 1e200))
    assert_allclose(kl_divergence(narrow, wide), 400 * np.log(10) - 1)
    far = stats.multivariate_normal([1e200, 0], np.eye(2))
    for p, q in ((wide, narrow), (far, stats.multivariate_normal([0, 0], np.eye(2)))):
        with pytest.raises(OverflowError, match="exceeds the largest double"):
            kl_divergence(p, q)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: kl_divergence(p, normal(0, 2)), ValueError, "p has 3 dimensions and q has 2"),
        (lambda p: kl_divergence(p, stats.norm()), TypeError, "can be compared only with another one"),
        (lambda p: entropy(stats.multivariate_normal), TypeError, "p has no parameters"),
        (lambda p: jensen_shannon(p, p), TypeError, "no closed form"),
        (
            lambda p: entropy(stats.multivariate_normal([0, 0], np.ones((2, 2)), allow_singular=True)),
            ValueError,
            "covariance of p is singular",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(normal(0))
