"""Resampling: sums survive joining, and intervals cover as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skxent.language_model import Score
from skxent.language_model._bootstrap import (
    Units,
    block_length,
    bootstrap,
    interval,
    join_neighbours,
    two_sided_p_value,
)


def sums_of(log_prob, tokens):
    return Score.of_records(log_prob_known=log_prob, tokens=tokens).matrix()


def cross_entropy(score):
    return score.cross_entropy()


def difference(score):
    first, second = score.cross_entropy().T
    return first - second


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 6))
def test_units_keep_every_line_and_stay_few(chunk_sizes, max_units):
    units = Units((2,), max_units=max_units)
    lines = np.arange(2.0 * sum(chunk_sizes)).reshape(-1, 2)
    for chunk in np.split(lines, np.cumsum(chunk_sizes)[:-1] if chunk_sizes else []):
        units.add(chunk)
        assert len(units.sums) < 2 * max_units
    units.close()
    np.testing.assert_allclose(units.sums.sum(axis=0), lines.sum(axis=0))


def test_units_are_lines_until_there_are_too_many():
    units = Units((1,), max_units=4)
    units.add(np.ones((7, 1)))
    assert units.sums.ravel().tolist() == [1] * 7
    units.add(np.ones((3, 1)))
    assert units.sums.ravel().tolist() == [2] * 5
    units.add(np.ones((1, 1)))
    units.close()
    assert units.sums.ravel().tolist() == [2] * 5 + [1]


def test_interval_of_a_cross_entropy_covers_the_truth():
    """Lines of 10 fair coins and lines of 10 certain events: 0.5 nats·log 2 on average; a 90 % interval."""
    random = np.random.default_rng(0)
    truth, hits = 0.5 * np.log(2), 0
    for seed in range(200):
        surprising = random.integers(0, 2, size=60)
        sums = sums_of(-10 * np.log(2) * surprising, 10)
        low, high = interval(bootstrap(sums, cross_entropy, n_resamples=400, seed=seed), 0.9)
        hits += low <= truth <= high
    assert 0.82 <= hits / 200 <= 0.96


def test_same_seed_same_resamples():
    sums = sums_of(-np.arange(1.0, 9), 1)
    first, second, other = (bootstrap(sums, cross_entropy, n_resamples=5, seed=seed) for seed in (1, 1, 2))
    assert first.tolist() == second.tolist() != other.tolist()


def test_paired_difference_of_a_model_with_itself_is_zero():
    sums = sums_of(-np.arange(1.0, 9), 1)
    differences = bootstrap(np.stack([sums, sums], axis=1), difference)
    assert not differences.any()
    assert two_sided_p_value(differences) == 1


@pytest.mark.parametrize("sign", [1, -1])
def test_p_value_is_small_only_when_all_resamples_agree(sign):
    assert two_sided_p_value(sign * np.ones(1999)) == pytest.approx(0.001)
    assert two_sided_p_value(sign * np.r_[np.ones(1000), -np.ones(999)]) > 0.99


def test_independent_units_are_drawn_one_by_one_and_dependent_ones_together():
    rng = np.random.default_rng(0)
    assert [block_length(rng.normal(size=500)) for _ in range(40)].count(1) >= 26
    articles = np.repeat(rng.normal(size=40), 25) + 0.3 * rng.normal(size=1000)
    assert 25 <= block_length(articles) <= 200
    assert block_length(np.ones(50)) == block_length(np.arange(5.0)) == block_length(np.empty(0)) == 1
    assert block_length(np.r_[np.ones(5), -np.ones(5)]) == 2


def test_many_small_correlations_are_seen():
    """Lines of a document share a seventh of their variance: no single lag of 800 lines stands out."""
    rng = np.random.default_rng(0)
    lengths = [block_length(np.repeat(rng.normal(0, 0.2, 40), 20) + rng.normal(0, 0.5, 800)) for _ in range(40)]
    assert sum(length >= 10 for length in lengths) >= 36


@pytest.mark.parametrize(
    ("n_documents", "shared", "own", "least", "most"),
    [(10, 0.5, 0.3, 0.85, 1), (10, 0.2, 0.5, 0.8, 1), (40, 0.2, 0.5, 0.9, 0.99), (500, 0.0, 0.5, 0.91, 0.99)],
)
def test_coverage_of_an_interval_over_documents(n_documents, shared, own, least, most):
    """What the documentation says of 95 % intervals: about 90 with 10 documents of 20 lines, 95 with 40."""
    hits, n_lines = 0, 20 if shared else 1
    for seed in range(150):
        rng = np.random.default_rng(seed)
        difficulty = np.repeat(rng.normal(0, shared, n_documents), n_lines)
        bits, sizes = 2 + difficulty + rng.normal(0, own, len(difficulty)), rng.integers(5, 20, len(difficulty))
        sums = sums_of(-bits * sizes, sizes.astype(float))
        influence = bits * sizes - (bits @ sizes) / sizes.sum() * sizes
        blocks = join_neighbours(sums, block_length(influence))
        low, high = interval(bootstrap(blocks, cross_entropy, n_resamples=300, seed=seed), 0.95, len(blocks))
        hits += low <= 2.0 <= high
    assert least <= hits / 150 <= most


def test_neighbours_add_up():
    sums = np.arange(14.0).reshape(7, 2)
    np.testing.assert_array_equal(join_neighbours(sums, 3), [sums[:3].sum(0), sums[3:6].sum(0), sums[6]])


def test_the_interval_of_dependent_lines_covers_the_truth():
    """Articles of 20 lines that share most of their difficulty: drawn one by one, lines cover 95 % far too seldom."""
    rng = np.random.default_rng(0)
    truth, hits, naive = 2.0, 0, 0
    for seed in range(150):
        bits = 2 + np.repeat(rng.normal(0, 0.5, 40), 20) + rng.normal(0, 0.3, 800)
        sums = sums_of(-10 * bits, 10.0)
        blocks = join_neighbours(sums, block_length(bits))
        low, high = interval(bootstrap(blocks, cross_entropy, n_resamples=300, seed=seed), 0.95, len(blocks))
        hits += low <= truth <= high
        low, high = interval(bootstrap(sums, cross_entropy, n_resamples=300, seed=seed), 0.95)
        naive += low <= truth <= high
    assert naive < 90
    assert hits >= 132


def test_few_units_widen_the_interval_as_students_t_does():
    """Five units: t of 4 degrees of freedom is 2.776, against 1.960; and the variance has its n/(n - 1)."""
    resampled = np.random.default_rng(0).normal(size=20_001)
    (low, high), (low_5, high_5) = interval(resampled, 0.95), interval(resampled, 0.95, 5)
    assert (high_5 - low_5) / (high - low) == pytest.approx(2.776 / 1.960 * np.sqrt(5 / 4), rel=0.02)
