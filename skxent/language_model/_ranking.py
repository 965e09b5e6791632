"""Numbers of very many documents, kept on disk and ranked in memory that does not grow with them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

import numpy as np
from numpy.typing import NDArray

from skxent._typing import Floats

__all__ = ["Ranking"]

_MEMORY = 1 << 22  # bytes of numbers that stay in memory; more go to a temporary file
_CHUNK = 1 << 20  # bytes read at a time
_DIGIT = 16  # bits of a number that one pass looks at

_SIGN = np.uint64(1 << 63)


class Ranking:
    """A long column of float64, written once from its beginning to its end and then read in order.

    Examples
    --------
    >>> ranking = Ranking()
    >>> ranking.append(np.array([3.0, 1.0, np.nan, 2.0, 2.0]))
    >>> ranking.nth_largest(2), ranking.n_ranked, len(ranking)
    ((2.0, 1), 4, 5)
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115  # it lives as long as the object
        weakref.finalize(self, self._file.close)
        self._n = self.n_ranked = 0

    def __len__(self) -> int:
        """Return how many numbers there are."""
        return self._n

    def append(self, values: Floats) -> None:
        """Add numbers at the end; NaN has no rank."""
        self._file.write(np.ascontiguousarray(values, dtype=np.float64).tobytes())
        self._n += len(values)
        self.n_ranked += int(np.count_nonzero(~np.isnan(values)))

    def chunks(self) -> Iterator[Floats]:
        """Yield all numbers, in order, in pieces."""
        position = 0
        while position < 8 * self._n:
            self._file.seek(position)
            chunk = self._file.read(_CHUNK)
            position += len(chunk)
            yield np.frombuffer(chunk, dtype=np.float64)
        self._file.seek(8 * self._n)

    def values(self) -> Floats:
        """Return all numbers in memory."""
        return np.concatenate([np.empty(0), *self.chunks()])

    def nth_largest(self, n: int) -> tuple[float, int]:
        """Return the n-th largest number, n from 1, and how many of the numbers equal to it are among the n largest.

        The bits of a number are its digits in base 65,536: one pass counts the first digits, which leaves the numbers
        with the digit of the n-th largest, the next pass counts their second digits, and so on.

        Raises
        ------
        ValueError
            If there are fewer numbers than n.
        """
        if not 1 <= n <= self.n_ranked:
            raise ValueError(f"there is no {n}th of {self.n_ranked} numbers")
        prefix = 0
        for shift in range(64 - _DIGIT, -1, -_DIGIT):
            counts = self._digits(prefix, shift)
            n_from = np.cumsum(counts[::-1])
            rank = int(np.searchsorted(n_from, n))
            n -= int(n_from[rank - 1]) if rank else 0
            prefix = prefix << _DIGIT | (len(counts) - 1 - rank)
        return float(_from_bits(np.array([prefix], dtype=np.uint64))[0]), n

    def _digits(self, prefix: int, shift: int) -> NDArray[np.int64]:
        """Count the digits at a place, of the numbers that begin with the digits of the prefix."""
        counts = np.zeros(1 << _DIGIT, dtype=np.int64)
        for chunk in self.chunks():
            bits = _to_bits(chunk[~np.isnan(chunk)])
            if shift + _DIGIT < 64:
                bits = bits[bits >> np.uint64(shift + _DIGIT) == prefix]
            digits = (bits >> np.uint64(shift) & np.uint64((1 << _DIGIT) - 1)).astype(np.int64)
            counts += np.bincount(digits, minlength=len(counts))
        return counts


def _to_bits(values: Floats) -> NDArray[np.uint64]:
    """Return unsigned integers in the order of the numbers."""
    bits = (values + 0.0).view(np.uint64)  # + 0.0 makes -0.0 equal to 0.0
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _from_bits(bits: NDArray[np.uint64]) -> Floats:
    return np.where(bits & _SIGN, bits ^ _SIGN, ~bits).view(np.float64)
