"""Blocks of every kind become numbers, or are refused with the block and the column named."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from skxent.rows._checks import alike, check_finite, joined_targets, numbers_of, targets_of

NUMBERS = np.array([[1, 2], [0, 3]])
MARKS = NUMBERS > 0


@pytest.mark.parametrize(
    "X",
    [
        NUMBERS,
        NUMBERS.tolist(),
        MARKS,
        NUMBERS.astype(np.float16),
        NUMBERS.astype(np.longdouble),
        NUMBERS.astype(object),
        NUMBERS.astype(str),
        pd.DataFrame(NUMBERS).astype("Int64"),
        pl.DataFrame(NUMBERS),
        sp.coo_array(NUMBERS),
        sp.csc_matrix(NUMBERS),
    ],
)
def test_numbers_of_any_kind_become_floats(X):
    found = numbers_of(X, "block 3")
    assert found.dtype == np.float64
    expected = NUMBERS > 0 if X is MARKS else NUMBERS
    np.testing.assert_array_equal(found.toarray() if sp.issparse(found) else found, expected)
    assert not sp.issparse(found) or found.format == "csr"


def test_single_precision_stays():
    assert numbers_of(NUMBERS.astype(np.float32), "").dtype == np.float32


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (NUMBERS + 1j, "block 3 holds complex128"),
        (sp.csr_array(NUMBERS + 1j), "block 3 holds complex128"),
        (NUMBERS.astype("M8[s]"), r"block 3 holds datetime64\[s\]"),
        (NUMBERS[0], "block 3 has 1 dimensions"),
        (None, "block 3 has 0 dimensions"),
        ([[1, 2], [3]], "block 3"),
        (np.array([[1, "red"]], dtype=object), "'red' .column 'size' of block 3"),
        (np.array([["1", "red"]]), "red.* .column 'size' of block 3"),
        (pd.DataFrame({"a": [1], "size": pd.Categorical(["red"])}), "'red' .column 'size' of block 3"),
        (pd.DataFrame({"a": [1], "size": [pd.Timestamp("2020-01-01")]}), "column 'size' of block 3"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        numbers_of(X, "block 3", ["a", "size"])


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_the_first_number_that_is_not_finite_is_named(kind, value):
    X = np.arange(12.0).reshape(4, 3)
    X[2, 1] = value
    with pytest.raises(ValueError, match=r"block 3: Input X contains .*column 'b', row 2 of the block"):
        check_finite(kind(X), "block 3", ["a", "b", "c"])


def test_blocks_are_made_alike():
    for X in (NUMBERS, sp.csr_array(NUMBERS)):
        assert alike(X, True, np.float32).dtype == np.float32
        np.testing.assert_array_equal(alike(X, True, np.float32), NUMBERS)
        np.testing.assert_array_equal(alike(X, False, np.float64).toarray(), NUMBERS)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, np.nan], "block 3: Input y contains NaN"),
        (np.array(["a", np.nan], dtype=object), "block 3: Input.* contains NaN"),
        (pd.Series(["a", pd.NA], dtype="string"), "block 3: Input y contains NaN"),
        (pd.Series([1, None], dtype="Int64"), "block 3: Input y contains NaN"),
        ([1.0, np.inf], "block 3: Input y contains infinity"),
        ([1, 2, 3], "block 3 has 2 rows but 3 targets"),
        (1, "block 3 has 2 rows but one targets"),
    ],
)
def test_targets_that_cannot_be_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        targets_of(y, 2, "block 3")


def test_targets_of_other_kinds_are_not_joined():
    joined = joined_targets([np.array([True]), np.array([2]), np.array([0.5])], ["a", "b", "c"])
    np.testing.assert_array_equal(joined, [1, 2, 0.5])
    assert joined_targets([np.array(["a"]), np.array(["bbb"], dtype=object)], ["a", "b"]).tolist() == ["a", "bbb"]
    with pytest.raises(ValueError, match=r"targets of b are <U1, one a row, but those of a are int64, one a row"):
        joined_targets([np.array([1]), np.array(["x"])], ["a", "b"])
    with pytest.raises(ValueError, match=r"targets of b are float64, 3 columns, but those of a are float64, 2"):
        joined_targets([np.eye(2), np.eye(3)], ["a", "b"])
