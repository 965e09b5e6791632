"""Information of columns of categories, against tables, scikit-learn and identities."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.metrics import mutual_info_score

from skxent.information import (
    conditional_entropy,
    conditional_entropy_from_columns,
    entropy,
    mutual_information,
    mutual_information_from_columns,
)

columns = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=40)


@given(columns)
def test_against_the_table_and_scikit_learn(pairs):
    x, y = np.array(pairs).T
    table = np.zeros((5, 4))
    np.add.at(table, (x, y), 1)
    information = mutual_information_from_columns(x, y)
    assert_allclose(information, mutual_info_score(x, y), atol=1e-12)
    assert_allclose(information, mutual_information(table, normalize=True), atol=1e-12)
    left = conditional_entropy_from_columns(y, x)
    assert_allclose(left, conditional_entropy(table, normalize=True), atol=1e-12)
    assert_allclose(left + information, entropy(table.sum(axis=0), normalize=True), atol=1e-12)


def test_values_of_any_kind_and_several_columns():
    numbers = np.array([0, 0, 1, 1, 2, 2])
    mixed = np.array(["a", "a", None, np.nan, 3.5, 3.5], dtype=object)
    assert_allclose(mutual_information_from_columns(numbers, mixed), np.log(3))
    missing = np.where(numbers == 1, np.nan, numbers)
    assert_allclose(mutual_information_from_columns(missing, numbers), np.log(3))
    both = np.column_stack([numbers // 2, numbers % 2])
    assert_allclose(conditional_entropy_from_columns(numbers, both), 0, atol=1e-15)
    assert_allclose(mutual_information_from_columns(both, numbers, base=2), np.log2(3))


def test_identifiers_beyond_doubles_stay_apart():
    x = 2**60 + np.arange(4)
    assert_allclose(mutual_information_from_columns(x, x, base=2), 2)


def test_the_bias_is_as_documented():
    x, y = np.random.default_rng(0).integers(0, 10, size=(2, 20_000))
    assert_allclose(mutual_information_from_columns(x, y), 81 / 40_000, rtol=0.4)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2], [1], "have 2 and 1 rows"),
        ([], [], r"x must have shape .* got \(0,\)"),
        ([1, 2], np.ma.masked_equal([1, 2], 2), "y is a masked array"),
    ],
)
def test_bad_input(x, y, message):
    with pytest.raises(ValueError, match=message):
        mutual_information_from_columns(x, y)


def test_missing_values_of_pandas_are_one_value():
    y = np.arange(12) % 2
    expected = mutual_information_from_columns(y, y)
    for column in (pd.array([True if at else None for at in y], dtype="boolean"), [1 if at else pd.NA for at in y]):
        assert mutual_information_from_columns(pd.Series(column), y) == pytest.approx(expected)
