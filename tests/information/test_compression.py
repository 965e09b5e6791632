"""Kernel densities with fewer kernels: against the sum over all."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import logsumexp

from skxent.information import cross_entropy, entropy
from skxent.information._compression import compressed

SAMPLES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "two far apart": lambda rng, n: np.where(rng.random(n) < 0.3, rng.normal(size=n), 1e3 + rng.normal(size=n)),
    "many repeated": lambda rng, n: np.round(rng.normal(size=n), 2),
    "nearly repeated": lambda rng, n: rng.integers(0, 20, n) + 1e-9 * rng.random(n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "Cauchy": lambda rng, n: rng.standard_cauchy(n),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("width", [0.02, 0.2])
@pytest.mark.parametrize("name", SAMPLES)
def test_log_density_is_that_of_all_kernels(name, width, weighted):
    rng = np.random.default_rng(0)
    centres = np.sort(SAMPLES[name](rng, 4_000)) / width
    weights = rng.exponential(size=4_000) if weighted else np.ones(4_000)
    few, of_few = compressed(centres, weights)
    assert np.all(np.diff(few) >= 0)
    assert np.all(of_few > 0)
    assert of_few.sum() == pytest.approx(weights.sum())
    ends = centres[[0, -1]]
    x = np.concatenate([ends[0] - np.geomspace(1e-3, 1e3, 50), rng.choice(centres, 50), rng.uniform(*ends, 100)])
    x = np.concatenate([x, ends[1] + np.geomspace(1e-3, 1e3, 50)])
    found, expected = (
        logsumexp(-((x[:, None] - points) ** 2) / 2, b=parts, axis=1)
        for points, parts in ((few, of_few), (centres, weights))
    )
    assert_allclose(found, expected, rtol=1e-12, atol=1e-10)


def test_equal_centres_are_one():
    found = compressed(np.array([0.0, 0.0, 1.0, 30.0, 30.0]), np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert_allclose(found, [[0, 1, 30], [3, 3, 9]])


def test_a_hundred_thousand_points_are_in_time():
    sample = np.random.default_rng(0).normal(size=100_000)
    density = stats.gaussian_kde(sample)
    assert len(compressed(np.sort(sample) / np.sqrt(density.covariance[0, 0]), density.weights)[0]) < 2_000
    width = float(density.covariance[0, 0])
    found = cross_entropy(density, stats.norm())
    assert found == pytest.approx(np.log(2 * np.pi) / 2 + (np.mean(sample**2) + width) / 2, rel=1e-12)
    assert entropy(density) < stats.norm(scale=np.sqrt(np.var(sample) + width)).entropy()
