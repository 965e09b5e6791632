"""Information measures estimated from samples, against closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import polygamma

from skxent import cross_entropy, entropy, kl_divergence
from skxent.information import cross_entropy_from_samples, entropy_from_samples, kl_divergence_from_samples

N, K = 4000, 3
DISTRIBUTIONS = [stats.norm(3, 2), stats.expon(), stats.uniform(-1, 5), stats.gamma(3), stats.laplace()]


def tolerance(distribution, other=None):
    """Five standard deviations, from the variances of log p(X) and of the logarithm of a k-neighbour ball."""
    x = distribution.rvs(N, random_state=7)
    logs = [distribution.logpdf(x)] + ([] if other is None else [other.logpdf(x)])
    return 5 * np.sqrt(sum(np.var(log) + 2 * polygamma(1, K) for log in logs) / N)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: d.dist.name)
def test_entropy(distribution):
    x = distribution.rvs(N, random_state=0)
    assert_allclose(entropy_from_samples(x, k=K), entropy(distribution), atol=tolerance(distribution))


@pytest.mark.parametrize("q", [stats.norm(0.5, 1.5), stats.laplace(0, 2)], ids=lambda d: d.dist.name)
def test_cross_entropy_and_divergence(q):
    p = stats.norm(0, 1)
    x, y = p.rvs(N, random_state=0), q.rvs(2 * N, random_state=1)
    assert_allclose(cross_entropy_from_samples(x, y, k=K), cross_entropy(p, q), atol=tolerance(p, q))
    assert_allclose(kl_divergence_from_samples(x, y, k=K), kl_divergence(p, q), atol=tolerance(p, q))


def test_estimates_are_unbiased():
    """The mean of many small samples, within four of its own standard errors."""
    p, q = stats.norm(0, 1), stats.norm(1, 2)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        x, y = p.rvs(500, random_state=rng), q.rvs(800, random_state=rng)
        found.append([f(x, y) for f in (cross_entropy_from_samples, kl_divergence_from_samples)])
    error = np.mean(found, axis=0) - [cross_entropy(p, q), kl_divergence(p, q)]
    assert np.all(np.abs(error) < 4 * np.std(found, axis=0) / np.sqrt(300))


def test_several_dimensions():
    covariance = np.array([[2.0, 0.6, 0], [0.6, 1, 0], [0, 0, 0.5]])
    p, q = (
        stats.multivariate_normal(np.zeros(3), covariance),
        stats.multivariate_normal(np.zeros(3), np.eye(3)),
    )
    x, y = p.rvs(N, random_state=0), q.rvs(N, random_state=1)
    divergence = (np.trace(covariance) - 3 - np.log(np.linalg.det(covariance))) / 2
    assert_allclose(entropy_from_samples(x), p.entropy(), atol=tolerance(p) + 0.03)
    assert_allclose(kl_divergence_from_samples(x, y), divergence, atol=tolerance(p, q) + 0.03)


@pytest.mark.parametrize("scale", [1e-200, 1e-6, 1e100])
def test_scale_moves_the_entropy_by_its_logarithm(scale):
    x = np.random.default_rng(0).normal(size=(500, 2))
    assert_allclose(entropy_from_samples(scale * x), entropy_from_samples(x) + 2 * np.log(scale))
    assert_allclose(kl_divergence_from_samples(scale * x, scale * (x + 0.1)), kl_divergence_from_samples(x, x + 0.1))


def test_chain_and_base_and_order():
    x, y = np.random.default_rng(0).normal(size=(2, 300))
    total = entropy_from_samples(x) + kl_divergence_from_samples(x, y)
    assert_allclose(cross_entropy_from_samples(x, y), total)
    assert_allclose(entropy_from_samples(x, base=2), entropy_from_samples(x) / np.log(2))
    assert_allclose(entropy_from_samples(x[::-1]), entropy_from_samples(x))
    assert_allclose(entropy_from_samples(x[:, np.newaxis]), entropy_from_samples(x))


def test_neighbours_against_a_loop():
    x, y = np.random.default_rng(0).normal(size=(2, 20, 2))
    distance = np.linalg.norm(x[:, None] - y[None], axis=2)
    fourth = np.sort(distance, axis=1)[:, 3]
    # psi(21) - psi(4) = 1/4 + ... + 1/20, and the unit disc measures pi.
    expected = sum(1 / i for i in range(4, 21)) + np.log(np.pi) + 2 * np.log(fourth).mean()
    assert_allclose(cross_entropy_from_samples(x, y, k=4), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x: entropy_from_samples([*x, x[17]]),
            "1 of the 31 points of x repeat others, the first in row 17",
        ),
        (lambda x: entropy_from_samples(x.round(1)), "normalize=True"),
        (lambda x: cross_entropy_from_samples(x, [*x[:3], 9.0]), "Row 0 of x coincides with a point of y"),
        (lambda x: kl_divergence_from_samples(x, [1.0, 2, 2, 3]), "of y repeat others, the first in row 1"),
        (lambda x: kl_divergence_from_samples(x, x), "Row 0 of x coincides"),
        (lambda x: entropy_from_samples(x, k=30), "k=30 is not a whole number from 1 to 29"),
        (lambda x: entropy_from_samples(x, k=3.5), r"k=3\.5 is not a whole number"),
        (lambda x: entropy_from_samples(x, k=0), "k=0"),
        (lambda x: entropy_from_samples(x[:3]), "k=3 is not a whole number from 1 to 2"),
        (lambda x: entropy_from_samples([]), r"x must have shape .* got \(0,\)"),
        (lambda x: cross_entropy_from_samples([], x), r"x must have shape .* got \(0,\)"),
        (lambda x: kl_divergence_from_samples(x, np.ones((0, 1))), r"y must have shape .* got \(0, 1\)"),
        (lambda x: entropy_from_samples([1.0, np.nan, 2]), "Row 1 of x is not finite"),
        (lambda x: entropy_from_samples(np.ones((2, 2, 2))), r"x must have shape .* got \(2, 2, 2\)"),
        (lambda x: cross_entropy_from_samples(x, np.ones((4, 2))), "x has 1 dimensions and y has 2"),
        (lambda x: entropy_from_samples(x, base=0.5), "base must be above 1"),
    ],
)
def test_bad_input(call, message):
    x = np.random.default_rng(0).normal(size=30)
    with pytest.raises(ValueError, match=message):
        call(x)
