"""Sums whose bits depend on nothing but what is summed."""

import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skxent.rows._sums import exact_sums, merged

# Below 2**-895 digits under 2**-1023 are left out.
NUMBERS = st.floats(-1e300, 1e300).filter(lambda value: value == 0 or abs(value) > 1e-269)


@given(st.lists(NUMBERS, min_size=1, max_size=30), st.randoms())
def test_the_order_and_the_grouping_do_not_matter(values, random):
    sums = [exact_sums([value]) for value in values]
    (together,) = merged(*sums).values()
    random.shuffle(sums)
    while len(sums) > 1:
        size = random.randint(2, max(2, len(sums)))
        sums = [merged(*sums[:size]), *sums[size:]]
        random.shuffle(sums)
    (otherwise,) = sums[0].values()
    assert together.tobytes() == otherwise.tobytes()
    # Three roundings, of numbers that are at most as large as the sum of the sizes.
    assert abs(together - math.fsum(values)) <= 2.0**-51 * max(map(abs, values)) * len(values)


@given(NUMBERS)
def test_a_sum_of_one_number_is_that_number(value):
    (found,) = exact_sums([value]).values()
    assert found == value


def test_what_is_lost_by_floats_is_kept():
    terms = [1.0, 1e-17, -1.0, 2.0**-64, 3e15, -3e15]
    (found,) = reduce(merged, map(exact_sums, ([term] for term in terms))).values()
    assert found == pytest.approx(1e-17 + 2.0**-64, rel=1e-3)
    assert sum(terms) == 0


def test_terms_keep_their_shapes_and_are_of_float64():
    terms = [np.float32(1.5), np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 4)), 7, True]
    found = merged(exact_sums(terms), exact_sums(terms)).values()
    assert [value.shape for value in found] == [(), (2, 3), (0, 4), (), ()]
    assert {value.dtype for value in found} == {np.dtype(np.float64)}
    for value, term in zip(found, terms, strict=True):
        np.testing.assert_array_equal(value, 2 * np.asarray(term, float))


def test_infinity_and_nan_are_what_they_are_in_any_sum():
    sums = [
        exact_sums([np.array(values)]) for values in ([np.inf, np.inf, np.nan, -np.inf], [1e308, -np.inf, 0, 1e308])
    ]
    for order in (sums, sums[::-1]):
        np.testing.assert_array_equal(merged(*order).values()[0], [np.inf, np.nan, np.nan, -np.inf])


def test_the_least_and_the_largest_floats():
    tiny, huge = np.finfo(float).smallest_normal, np.finfo(float).max
    assert exact_sums([tiny, huge, -0.0, tiny / 4]).values() == [tiny, huge, 0, 0]
    assert merged(exact_sums([huge]), exact_sums([-huge]), exact_sums([3.0])).values() == [0]
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert merged(exact_sums([huge]), exact_sums([huge])).values() == [np.inf]
