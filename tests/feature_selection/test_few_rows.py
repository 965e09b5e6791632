"""Columns counted together have the table that they have one by one."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skxent.feature_selection import CountTable, CrossEntropySelector
from skxent.feature_selection import _features as features_module
from skxent.feature_selection._count_table import count_by_sorting, count_by_value
from skxent.feature_selection._few_rows import count_together
from skxent.feature_selection._target import read_target


def assert_same(found, expected):
    """Compare all fields, those of the narrow bins too, with their dtypes."""
    for field in fields(expected):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if field.name == "fine":
            assert_same(one, other)
        elif field.name == "edges":
            assert len(one) == len(other)
            for left, right in zip(one, other, strict=True):
                assert left.dtype == right.dtype
                assert_array_equal(left, right)
        elif isinstance(other, np.ndarray):
            assert one.dtype == other.dtype, field.name
            assert_array_equal(one, other)
        else:
            assert one == other, field.name


def labels(rng, n_rows, n_classes=3):
    """Every class has a row."""
    return np.append(np.arange(n_classes), rng.integers(0, n_classes, n_rows - n_classes))


class TestCountTogether:
    @settings(max_examples=150, deadline=None)
    @given(
        seed=st.integers(0, 10_000),
        n_rows=st.integers(4, 120),
        decimals=st.integers(0, 6),
        missing=st.sampled_from([0.0, 0.1, 0.9, 1.0]),
        n_bins=st.sampled_from([2, 3, 4, 8, 24, 48, 100]),
        dtype=st.sampled_from([np.float32, np.float64]),
    )
    def test_numbers(self, seed, n_rows, decimals, missing, n_bins, dtype):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(4, n_rows)).round(decimals).astype(dtype)
        X[rng.random(X.shape) < 0.05] = np.inf
        X[rng.random(X.shape) < missing] = np.nan
        target = read_target(labels(rng, n_rows), None, n_rows)
        expected = CountTable.stack([count_by_sorting(column, target, n_bins) for column in X])
        assert_same(count_together(X, target, n_bins), expected)

    @settings(max_examples=50, deadline=None)
    @given(seed=st.integers(0, 10_000), n_rows=st.integers(4, 120), span=st.integers(1, 60), n_bins=st.integers(2, 60))
    def test_whole_numbers(self, seed, n_rows, span, n_bins):
        rng = np.random.default_rng(seed)
        X = rng.integers(-span, span, (3, n_rows)).astype(np.int16)
        target = read_target(labels(rng, n_rows), None, n_rows)
        expected = CountTable.stack([count_by_value(column, target, n_bins, False) for column in X])
        assert_same(count_together(X, target, n_bins), expected)

    def test_columns_of_several_dtypes_stay_in_their_order(self, monkeypatch):
        pd = pytest.importorskip("pandas")
        rng = np.random.default_rng(0)
        X = pd.DataFrame(
            {
                "a": rng.normal(size=90),
                "b": rng.integers(0, 9, 90),
                "c": rng.choice(["x", "y"], 90),
                "d": rng.normal(size=90).astype(np.float32),
                "e": rng.random(90) < 0.5,
                "f": rng.normal(size=90).astype(np.float32),
            }
        )
        y = labels(rng, 90)
        together = CrossEntropySelector().fit(X, y)
        monkeypatch.setattr(features_module, "FEW_ROWS", 0)
        one_by_one = CrossEntropySelector().fit(X, y)
        for name in ("scores_", "scores_std_", "pvalues_", "class_scores_", "n_bins_"):
            assert_array_equal(getattr(together, name), getattr(one_by_one, name))
        for left, right in zip(together.bin_edges_, one_by_one.bin_edges_, strict=True):
            assert_array_equal(left, right)
