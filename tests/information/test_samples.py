"""Information measures estimated from samples, against closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import digamma, polygamma

from skxent import cross_entropy, entropy, kl_divergence
from skxent.information import (
    conditional_entropy_from_samples,
    cross_entropy_from_samples,
    entropy_from_samples,
    kl_divergence_from_samples,
    mutual_information_from_samples,
)
from skxent.information._scatter import principal_axes, whitening

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
    matrix, log_volume = whitening(y)
    distance = np.linalg.norm((x[:, None] - y[None]) @ matrix, axis=2)
    fourth = np.sort(distance, axis=1)[:, 3]
    # psi(21) - psi(4) = 1/4 + ... + 1/20, and the unit disc measures pi.
    expected = sum(1 / i for i in range(4, 21)) + np.log(np.pi) + 2 * np.log(fourth).mean() - log_volume
    assert_allclose(cross_entropy_from_samples(x, y, k=4), expected)


def test_lines_against_a_tree():
    """In one column neighbours are found by sorting; a column of almost nothing beside it changes little."""
    x, y = np.random.default_rng(0).normal(size=(2, 60))
    for k in (1, 4):
        distance = np.sort(np.abs(x[:, None] - y), axis=1)[:, k - 1]
        expected = sum(1 / i for i in range(k, 61)) + np.log(2) + np.log(distance).mean()
        assert_allclose(cross_entropy_from_samples(x, y, k=k), expected)
    distance = np.sort(np.abs(x[:, None] - x), axis=1)[:, 4]
    assert_allclose(entropy_from_samples(x, k=4), sum(1 / i for i in range(4, 60)) + np.log(2 * distance).mean())


def correlated(n, seed=0, dimension=3):
    rng = np.random.default_rng(seed)
    return rng.standard_t(3, size=(n, dimension)) @ rng.normal(size=(dimension, dimension))


MAPS = [np.diag([1.0, 1e6, 1e-9]), np.array([[1, 2, 3], [0, 1, 1e4], [1e-3, 0, 1]]), np.eye(3)[[2, 0, 1]]]


@pytest.mark.parametrize("matrix", MAPS)
def test_affine_maps_of_the_columns_change_nothing_but_the_volume(matrix):
    x, y = correlated(300), correlated(400, seed=1) + 0.5
    moved, believed = x @ matrix + [1, -2, 3], y @ matrix + [1, -2, 3]
    volume = np.linalg.slogdet(matrix)[1]
    assert_allclose(entropy_from_samples(moved), entropy_from_samples(x) + volume, atol=1e-5)
    assert_allclose(kl_divergence_from_samples(moved, believed), kl_divergence_from_samples(x, y), atol=1e-6)
    shared = mutual_information_from_samples(x[:, :2], y[:300])
    assert_allclose(mutual_information_from_samples(x[:, :2] @ [[1, 5], [0, 1e5]], believed[:300]), shared, atol=3e-3)


def test_age_and_income():
    """The truth, two normal columns of different units, is 2."""
    rng = np.random.default_rng(0)
    x = rng.normal([40, 30_000], [10, 9_000], size=(N, 2))
    y = rng.normal([60, 30_000], [10, 9_000], size=(N, 2))
    assert_allclose(kl_divergence_from_samples(x, y), 2, atol=0.25)


def test_an_outlier_or_a_heavy_tail_in_one_column_does_not_spoil_the_other():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.standard_cauchy(N), rng.normal(size=N)])
    assert_allclose(entropy_from_samples(x), entropy(stats.cauchy()) + entropy(stats.norm()), atol=0.15)


@pytest.mark.parametrize(
    "x",
    [
        np.column_stack([np.arange(20.0), np.full(20, 3.0)]),
        np.column_stack([np.arange(20.0) ** 2, 3 - 2 * np.arange(20.0) ** 2]),
        np.column_stack([correlated(20), correlated(20).sum(axis=1)]),
        correlated(3),
    ],
)
def test_columns_without_a_density_are_named(x):
    with pytest.raises(ValueError, match=f"Column {x.shape[1] - 1} of x is constant or a linear combination"):
        entropy_from_samples(x, k=1)


def test_few_repetitions_are_rounding():
    x = np.random.default_rng(0).normal(size=5000)
    assert_allclose(entropy_from_samples([*x, x[17]]), entropy_from_samples(x), atol=1e-3)
    assert_allclose(entropy_from_samples(x.round(5)), entropy_from_samples(x), atol=1e-3)
    with pytest.raises(ValueError, match="Row 0 of x coincides with 3 points"):
        entropy_from_samples([x[0], x[0], x[0], *x])


@pytest.mark.parametrize("correlation", [0, 0.5, 0.9])
def test_mutual_information_of_normals(correlation):
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, N))
    y = correlation * x + np.sqrt(1 - correlation**2) * noise
    expected = -np.log1p(-(correlation**2)) / 2
    assert_allclose(mutual_information_from_samples(x, y), expected, atol=0.05)
    assert_allclose(mutual_information_from_samples(y, x), mutual_information_from_samples(x, y))
    left = entropy(stats.norm()) - expected
    assert_allclose(conditional_entropy_from_samples(y, x), left, atol=0.08)


def test_mutual_information_against_a_loop():
    x, y = np.random.default_rng(0).normal(size=(2, 40))
    u, v = x * whitening(x[:, None])[0].item(), y * whitening(y[:, None])[0].item()
    near = [np.abs(w[:, None] - w) for w in (u, v)]
    radius = np.sort(np.maximum(*near), axis=1)[:, 3]
    counts = [(distance < radius[:, None]).sum(axis=1) for distance in near]
    expected = digamma(3) + digamma(40) - np.mean(digamma(counts[0]) + digamma(counts[1]))
    assert_allclose(mutual_information_from_samples(x, y), expected)


def test_mutual_information_of_several_columns_against_a_loop():
    x, y = correlated(30), correlated(30, seed=1, dimension=2)
    u, v = (round_points @ principal_axes(round_points) for round_points in (x @ whitening(x)[0], y @ whitening(y)[0]))
    near = [np.abs(w[:, None] - w).max(axis=2) for w in (u, v)]
    radius = np.sort(np.maximum(*near), axis=1)[:, 3]
    counts = [(distance < radius[:, None]).sum(axis=1) for distance in near]
    expected = digamma(3) + digamma(30) - np.mean(digamma(counts[0]) + digamma(counts[1]))
    assert_allclose(mutual_information_from_samples(x, y), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x: entropy_from_samples([*x, x[17], x[20]]),
            "2 of the 32 points of x repeat others, the first in row 17",
        ),
        (lambda x: entropy_from_samples(x.round(1)), "normalize=True"),
        (
            lambda x: cross_entropy_from_samples(x, [*x[:3], 9.0]),
            "3 of the 30 points of x coincide with points of y, the first in row 0",
        ),
        (lambda x: kl_divergence_from_samples(x, [1.0, 2, 2, 3]), "of y repeat others, the first in row 1"),
        (lambda x: kl_divergence_from_samples(x, x), "30 of the 30 points of x coincide"),
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
        (lambda x: mutual_information_from_samples(x, x[:20]), "x has 30 rows and y has 20"),
        (lambda x: mutual_information_from_samples(x, np.ones(30)), "Column 0 of y is constant"),
        (lambda x: mutual_information_from_samples(x.round(0), x.round(0)), "points of x and y repeat"),
        (lambda x: entropy_from_samples(np.ma.masked_greater(x, 0.5)), "x is a masked array"),
        (lambda x: entropy_from_samples(x, base=0.5), "base must be above 1"),
    ],
)
def test_bad_input(call, message):
    x = np.random.default_rng(0).normal(size=30)
    with pytest.raises(ValueError, match=message):
        call(x)


def test_numbers_that_cannot_be_measured():
    x = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(ValueError, match="Column 1 of x has numbers too small to have all digits"):
        entropy_from_samples(x * [1, 1e-320])
    with pytest.raises(ValueError, match="x must hold numbers: could not convert"):
        entropy_from_samples([["a"]] * 9)


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="x must hold real numbers"):
        entropy_from_samples(np.arange(20) * 1j)


class TestLargeIntegers:
    """Whole numbers that float64 would round are the same sample as the small ones with the same differences."""

    X, Y = (np.random.default_rng(0).choice(10**6, (2, 1000), replace=False) * np.array([[1], [2]])).astype(np.int64)

    @pytest.mark.parametrize(
        "far",
        [
            lambda x: x.astype(np.uint64) + np.uint64(2**63),
            lambda x: x - 2**62,
            lambda x: x.astype(object) + 2**70,
            lambda x: [int(value) + 2**63 for value in x],
        ],
        ids=["uint64", "int64", "objects", "list"],
    )
    def test_all_measures(self, far):
        x, y = far(self.X), far(self.Y)
        both = np.column_stack([self.X, self.Y]), np.column_stack([np.array(each, dtype=object) for each in (x, y)])
        for measure, near, there in (
            (entropy_from_samples, (self.X,), (x,)),
            (entropy_from_samples, both[:1], both[1:]),
            (cross_entropy_from_samples, (self.X, self.Y), (x, y)),
            (kl_divergence_from_samples, (self.Y, self.X), (y, x)),
            (mutual_information_from_samples, (self.X, self.Y), (x, y)),
        ):
            assert_allclose(measure(*there), measure(*near), rtol=1e-12)

    @pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no floating-point number has 64 digits here")
    def test_neighbours_at_a_distance_of_one_across_the_whole_range(self):
        start = np.random.default_rng(0).choice(2**40, 500, replace=False).astype(np.uint64) << np.uint64(24)
        x = np.concatenate([start + np.uint64(step) for step in (0, 1, 3)])
        # The nearest two of each are 1 and 3, 1 and 2, 2 and 3 away: k = 2.
        expected = digamma(len(x)) - digamma(2) + np.log(2) + np.mean(np.log([3, 2, 3]))
        assert_allclose(entropy_from_samples(x, k=2), expected)

    def test_true_repetitions_are_found(self):
        x = np.repeat(self.X.astype(np.uint64) + np.uint64(2**63), 2)
        with pytest.raises(ValueError, match="1000 of the 2000 points of x repeat others"):
            entropy_from_samples(x)

    def test_beside_numbers_with_a_fraction_they_are_rounded(self):
        assert kl_divergence_from_samples(self.X * 2**40, np.linspace(0.5, 2.0**61, 1000)) > 0
