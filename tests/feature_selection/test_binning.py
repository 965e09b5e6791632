"""The two implementations of the rule of bins, and the rule as its docstring says it."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skxent.feature_selection import (
    CrossEntropySelector,
)
from skxent.feature_selection._binning import edges_of_rows, sort_present


class TestBins:
    """The implementations of the rule, and the rule as its docstring says it."""

    @settings(max_examples=200)
    @given(
        values=st.lists(st.one_of(st.integers(-3, 3), st.floats(-5, 5), st.just(math.nan)), min_size=4, max_size=60),
        n_bins=st.integers(2, 20),
    )
    def test_rule(self, values, n_bins, literal_bins):
        x = np.array(values, dtype=float)
        y = np.arange(len(x)) % 2
        expected = literal_bins(x, n_bins)
        edges = edges_of_rows(x, n_bins)
        codes = np.where(np.isnan(x), -1, np.searchsorted(edges, x))
        assert_array_equal(codes, expected)
        by_sorting = CrossEntropySelector(n_bins=n_bins).fit(x[:, None], y)
        by_entries = CrossEntropySelector(n_bins=n_bins).fit(x[:, None], y, np.ones(len(x)))
        for selector in (by_sorting, by_entries):
            assert_array_equal(selector.bin_edges_[0], edges)
            assert selector.n_bins_[0] == len(np.unique(expected))

    def test_continuous_values_fill_bins_evenly(self):
        x = np.random.default_rng(0).normal(size=60_000)
        edges = edges_of_rows(x, 40)
        assert set(np.bincount(np.searchsorted(edges, x))) == {1500}

    def test_heavy_value_is_alone(self):
        x = np.concatenate([np.zeros(700), np.linspace(-1, -0.1, 150), np.linspace(0.1, 1, 150)])
        edges = edges_of_rows(x, 10)
        assert_array_equal(edges[(edges >= -0.1) & (edges <= 0)], [-0.1, 0.0])

    @settings(max_examples=100)
    @given(
        runs=st.lists(st.lists(st.one_of(st.floats(width=32), st.just(math.nan)), min_size=1), min_size=1, max_size=4),
        n_runs=st.sampled_from([1, 2, 1_000]),
    )
    def test_runs_are_sorted_whether_they_are_merged_or_not(self, runs, n_runs):
        x = np.array([value for run in runs for value in np.sort(run)], dtype=np.float32)
        assert_array_equal(sort_present(x, n_runs), np.sort(x[~np.isnan(x)]))
