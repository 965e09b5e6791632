"""Ranking in bounded memory against sorting."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skxent.language_model import _ranking
from skxent.language_model._ranking import Ranking


def ranking_of(values, pieces=1):
    ranking = Ranking()
    for piece in np.array_split(np.asarray(values, dtype=np.float64), pieces):
        ranking.append(piece)
    return ranking


@given(arrays(np.float64, st.integers(1, 30), elements=st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0])))
def test_nth_largest_is_that_of_sorting(values):
    ranking = ranking_of(values, 3)
    for n in range(1, len(values) + 1):
        value, n_equal = ranking.nth_largest(n)
        assert value == np.sort(values)[::-1][n - 1]
        assert n_equal == n - (values > value).sum()


def test_numbers_that_are_not_are_kept_but_have_no_rank():
    ranking = ranking_of([np.nan, 2.0, np.nan, 1.0])
    assert (len(ranking), ranking.n_ranked, ranking.nth_largest(2)) == (4, 2, (1.0, 1))
    assert np.array_equal(ranking.values(), [np.nan, 2, np.nan, 1], equal_nan=True)
    with pytest.raises(ValueError, match="no 3th of 2"):
        ranking.nth_largest(3)


def test_a_long_column_lies_on_disk():
    n, pieces = 4_000_000, 40
    tracemalloc.start()
    ranking, rng = Ranking(), np.random.default_rng(0)
    for _ in range(pieces):
        ranking.append(rng.normal(size=n // pieces))
    value, _ = ranking.nth_largest(n // 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert abs(value) < 5 / np.sqrt(n)
    assert peak < _ranking._MEMORY + 12 * _ranking._CHUNK < 8 * n
