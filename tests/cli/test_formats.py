"""How numbers are written in tables."""

import math

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skxent.cli._formats import aligned

NUMBERS = st.floats(-1e15, 1e15) | st.floats(-10, 10) | st.integers(-(10**6), 10**6).map(lambda n: n / 32)


@given(st.lists(NUMBERS.map(lambda value: value + 0.0), min_size=1), st.sampled_from([0, 2, 4, 6]))
@example([0.5, 1.5, -0.5, 2.5, 0.03125, 0.09375, -0.00001, 999.995, 999.99499999, 1e9, 123456789.125], 2)
@example([0.00005, 0.00015, 2.00005, 0.0, -0.25], 4)
def test_numbers_are_rounded_as_python_rounds_them(values, digits):
    written = aligned(pl.Series(values), 30, digits).to_list()
    assert written == [f"{value:>30,.{digits}f}" for value in values]


@pytest.mark.parametrize("digits", [0, 2])
def test_what_is_no_number_is_written_too(digits):
    values = pl.Series([None, math.inf, 1234.0], dtype=pl.Float64)
    assert aligned(values, 9, digits).str.strip_chars().to_list() == ["-", "inf", f"{1234:,.{digits}f}"]
