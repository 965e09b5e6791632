"""How numbers are written in tables."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skxent.cli._cells import aligned, joined, text_cells, whole_numbers
from skxent.cli._names import hide_bytes

NUMBERS = st.floats(-1e15, 1e15) | st.floats(-10, 10) | st.integers(-(10**6), 10**6).map(lambda n: n / 32)


def written(*columns):
    return joined(columns).decode().split("\n")[:-1]


@given(
    st.lists(NUMBERS.map(lambda value: value + 0.0), min_size=1),
    st.sampled_from([0, 2, 4, 6]),
    st.sampled_from([4, 30]),
)
@example([0.5, 1.5, -0.5, 2.5, 0.03125, 0.09375, -0.00001, 999.995, 999.99499999, 1e9, 123456789.125], 2, 30)
@example([0.00005, 0.00015, 2.00005, 0.0, -0.25], 4, 30)
@example([1e7, 9999999.99, 4294967295.0, 1e300, 0.0], 2, 4)
def test_numbers_are_rounded_as_python_rounds_them(values, digits, width):
    assert written(aligned(pl.Series(values), width, digits)) == [f"{value:>{width},.{digits}f}" for value in values]


@pytest.mark.parametrize("digits", [0, 2])
@pytest.mark.parametrize("width", [1, 9])
def test_what_is_no_number_is_written_too(digits, width):
    values = pl.Series([None, math.inf, 1234.0, math.nan, -math.inf], dtype=pl.Float64)
    expected = ["-", "inf", f"{1234:,.{digits}f}", "-", "-inf"]
    assert written(aligned(values, width, digits)) == [text.rjust(width) for text in expected]


def test_columns_side_by_side_take_what_they_need_in_each_row():
    names = pl.Series(["a.txt", "a.txt", "é", hide_bytes("caf\udce9")])
    numbers = pl.Series([1, 10, 4_294_967_295, 0])
    lines = joined([aligned(numbers, 6, 0), b"  ", text_cells(names), b":", whole_numbers(numbers)])
    expected = ["     1  a.txt:1", "    10  a.txt:10", "4,294,967,295  é:4294967295", "     0  caf\udce9:0"]
    assert lines.decode("utf-8", "surrogateescape").split("\n")[:-1] == expected


def test_a_table_without_rows_has_no_lines():
    assert joined([aligned(pl.Series([], dtype=pl.Float64), 6, 2), b"  "]) == b""


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_counts_may_be_of_any_type(dtype):
    assert written(aligned(pl.Series(np.array([0, 12_345], dtype)), 3, 0)) == ["  0", "12,345"]


@pytest.mark.parametrize("largest", [9, 2**32 - 1, 2**32, 2**53])
def test_whole_numbers_of_any_size(largest):
    numbers = [1, 10, largest]
    assert joined([whole_numbers(pl.Series(numbers))]).decode().split() == [str(number) for number in numbers]


@given(st.lists(st.integers(0, 10**7), min_size=1), st.booleans())
def test_rows_are_joined_whether_or_not_cells_are_of_one_width(numbers, are_of_one_width):
    numbers = [10**8 + n for n in numbers] if are_of_one_width else numbers
    assert written(b"<", whole_numbers(pl.Series(numbers)), b">") == [f"<{n}>" for n in numbers]
