"""Samples of rows: the same for the same data, without bias, and along a cumulative chance."""

import numpy as np
import pytest
from helpers import N_FEATURES, N_OUTPUTS, make_objective, weights, with_data

from skxent.linear_model._sampling import draw, importance_sample, sampling_chances
from skxent.linear_model.solvers import SampleStart


def rows_of(batch):
    """Return the rows in a batch of an objective whose row i is the i-th unit vector: those that the gradient shows."""
    _, gradient = batch(np.zeros((batch.rows.n_features + 1, batch.rows.n_outputs)))
    return np.flatnonzero(gradient[:-1].any(axis=1)).tolist()


def numbered(rng, n_rows=40):
    return with_data(make_objective(rng), np.eye(n_rows), np.arange(n_rows) % N_OUTPUTS)


def test_a_draw_is_always_the_same_rows_once_each(rng):
    objective = numbered(rng)
    rows = rows_of(draw(objective, 10))
    assert len(rows) == 10
    assert rows == rows_of(draw(objective, 10))
    assert draw(objective, 40) is objective
    assert draw(objective, 10).total_weight == 10


def test_a_draw_meets_rows_by_their_weight(rng):
    """Its expectation is the whole, whatever the weights; rows that do not count do not come."""
    weight = np.r_[np.zeros(20), 1.0, 9.0]
    X, y, w = rng.normal(size=(22, N_FEATURES)), np.arange(22) % N_OUTPUTS, weights(rng)
    times = 500
    objective = with_data(
        make_objective(rng, alpha=0.1), np.tile(X, (times, 1)), np.tile(y, times), np.tile(weight, times)
    )
    drawn = draw(objective, 5000)
    assert drawn(w)[0] == pytest.approx(objective(w)[0], rel=0.05)
    np.testing.assert_allclose(drawn(w)[1], objective(w)[1], atol=0.02)


def test_a_sample_and_its_held_out_rows_are_apart(rng):
    objective = make_objective(rng, 30_000)
    sample, held_out = SampleStart().split(objective)
    assert sample.n_rows + held_out.n_rows == 5000
    assert held_out.n_rows == 1000
    assert not np.intersect1d(sample.rows.positions, held_out.rows.positions).size
    assert sample.total_weight == sample.n_rows


@pytest.mark.parametrize(("n_rows", "n_rare"), [(19_000, 9_000), (30_000, 3)])
def test_no_sample_of_few_rows_or_few_of_an_outcome(n_rows, n_rare, rng):
    objective = make_objective(rng, n_rows)
    labels = np.repeat([0, 1, 2], [n_rare, n_rare, n_rows - 2 * n_rare])
    objective = with_data(objective, objective.rows.X, labels)
    assert SampleStart().split(objective) is None


def test_an_importance_sample_is_evenly_spaced(rng):
    mass = rng.pareto(1, 1_000)
    positions, spacing = importance_sample(mass, 300)
    times = np.bincount(positions, minlength=1_000)
    assert len(positions) == 300
    assert (np.abs(times - mass / spacing) < 1 + 1e-9).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_chances_are_in_proportion_to_the_curvature_and_sum_to_the_size(weighted, rng):
    curvature, weight = rng.pareto(1, 1_000), rng.random(1_000) if weighted else None
    chances = sampling_chances(curvature.copy(), weight, 200, min_share=1e-9)
    assert chances.max() <= 1
    assert chances.sum() == pytest.approx(200, rel=1e-3)
    ratio = (chances / (curvature if weight is None else curvature * weight))[chances < 1]
    assert ratio.max() == pytest.approx(ratio.min())
