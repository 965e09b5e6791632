"""Sums of floats that have the same bits in any order and grouping: reproducible summation.

The binary digits of each number are cut into fields of 32 at fixed places, and each field is added up as whole numbers,
which is exact. Of a sum the highest three fields are kept: at least 65 digits of the largest summand, where a float has
53. Which three that are depends on the largest summand alone, and a sum of fewer numbers keeps all digits that the sum
of more has in them, so that the order and the grouping do not matter. The idea, with other fields, is that of J. Demmel
and H. D. Nguyen, "Parallel Reproducible Summation", IEEE Transactions on Computers 64 (2015),
:doi:`10.1109/TC.2014.2345391`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from skxent._typing import Array

__all__ = ["ExactSums", "exact_sums", "merged"]

# Binary digits of a field. Float64 holds whole numbers up to 2**53, so that 2**21 summands fit.
_DIGITS = 32
_FIELDS = 3
# The value of a 1 in each field that can be the highest: that of the first of the numbers with 32 exponents of float64.
_UNITS = np.ldexp(1.0, _DIGITS * np.arange(64) - 1023)


class ExactSums(NamedTuple):
    """Sums of lists of terms.

    Attributes
    ----------
    shapes : list of tuple of int
        Shapes of the terms. Their entries follow each other in the other attributes.
    top : ndarray of uint8 of shape (n_entries,)
        Number of the highest field that a summand can have digits in.
    fields : ndarray of float64 of shape (3, n_entries)
        Sums of that field and of the two below it, which are whole numbers.
    """

    shapes: list[tuple[int, ...]]
    top: Array
    fields: Array

    def values(self) -> list[Array]:
        """Return the sums in float64, one array for each term."""
        high, middle, low = self.fields
        entries = (low * 2.0 ** (-2 * _DIGITS) + middle * 2.0**-_DIGITS + high) * _UNITS[self.top]
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        return [part.reshape(shape) for part, shape in zip(np.split(entries, ends[:-1]), self.shapes, strict=True)]


def exact_sums(terms: Sequence[Any]) -> ExactSums:
    """Return the sums of a single list of terms.

    Parameters
    ----------
    terms : sequence of array_like
        Numbers. What they have below 2**-1023 does not count. A sum with infinity or NaN is what it is for floats.
    """
    entries = np.concatenate([np.ravel(term) for term in terms], dtype=np.float64)
    exponents = (entries.view(np.uint64) >> np.uint64(52)) & np.uint64(2047)
    # Below the lowest two there is no place for two more.
    top = np.maximum(exponents // _DIGITS, _FIELDS - 1).astype(np.uint8)
    fields = np.empty((_FIELDS, len(entries)))
    left = entries / _UNITS[top]
    with np.errstate(invalid="ignore"):  # infinity less infinity
        for field in fields:
            np.trunc(left, out=field)
            left -= field
            left *= 2.0**_DIGITS
    fields[1:, ~np.isfinite(entries)] = 0
    return ExactSums([np.shape(term) for term in terms], top, fields)


def merged(*sums: ExactSums) -> ExactSums:
    """Return the sums of all that some sums hold.

    Parameters
    ----------
    *sums : ExactSums
        Sums of terms of the same shapes, in any order.
    """
    top = np.max([one.top for one in sums], axis=0)
    fields = np.zeros((_FIELDS, len(top)))
    with np.errstate(invalid="ignore"):  # infinity less infinity
        for one in sums:
            fields += _lowered(one.fields, top - one.top)
    return ExactSums(sums[0].shapes, top, fields)


def _lowered(fields: Array, places: Array) -> Array:
    """Return fields so many places further down; what leaves at the bottom is lost."""
    if not places.any():
        return fields
    padded = np.concatenate([fields, np.zeros((1, len(places)))])
    # A place above the first and one below the last are both the row of zeros.
    sources = np.arange(_FIELDS)[:, np.newaxis] - places.astype(np.intp)
    return np.take_along_axis(padded, np.maximum(sources, -1), axis=0)
