"""Count tables of a Dask frame, made on the workers: what travels are the classes of the rows, once, and counts.

The edges of the bins are exact. Numbers of a type have keys, whole numbers in the same order. The value at a rank is
the smallest key that so many keys are not above, and it is found digit by digit: in each round the workers count how
many keys are not above each of the next digits, for all ranks of all columns at once. Four bits a round are 16 rounds
for float64 and 8 for float32, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import dask
import numpy as np

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._count_table import CountTable, fine_bins, table_of_one
from skxent.feature_selection._target import Target
from skxent.rows._tasks import compute, task, tree

__all__ = ["WorkerColumns"]

# Bits of a key that a round finds: 15 counts for each rank. More would be fewer rounds of more bytes.
_BITS = 4
# Counts that come back in a round, 8 bytes each; so many columns are counted together.
_COUNTS_TOGETHER = 4_000_000


class Sorted(NamedTuple):
    """A column of a partition in order.

    Attributes
    ----------
    keys : ndarray of uint of shape (n_present,)
        Keys of the values that are not missing, ascending.
    label : ndarray of uint of shape (n_present,)
        Class of each.
    missing : ndarray of int of shape (n_classes,)
        Missing values of each class.
    """

    keys: Array
    label: Integers
    missing: Integers


@dataclass(frozen=True, eq=False)
class WorkerColumns:
    """Columns of numbers in the partitions of Dask frames.

    Parameters
    ----------
    partitions : list of Delayed
        Frames with the same columns.
    dtypes : list of dtype or None
        That of each column; None for columns that are not of NumPy's numbers.
    """

    partitions: list[Any]
    dtypes: list[Any]

    @classmethod
    def of(cls, frame: Any) -> WorkerColumns:
        """Look at the columns of a Dask frame; nothing is computed."""
        dtypes = [dtype if isinstance(dtype, np.dtype) and _has_keys(dtype) else None for dtype in frame.dtypes]
        return cls(list(frame.to_delayed()), dtypes)

    def followed_by(self, other: WorkerColumns) -> WorkerColumns:
        """Put the rows of other frames with the same columns below; numbers of two types become those of a wider."""
        pairs = zip(self.dtypes, other.dtypes, strict=True)
        return WorkerColumns(self.partitions + other.partitions, [_wider(*pair) for pair in pairs])

    @cached_property
    def sizes(self) -> list[int]:
        """Number of rows of each partition."""
        return compute([task(len, part) for part in self.partitions])

    def together(self, n_bins: int, n_classes: int) -> int:
        """Return how many columns are counted together."""
        return max(1, _COUNTS_TOGETHER // (fine_bins(n_bins) * max(2**_BITS, n_classes)))

    def count(self, columns: Sequence[int], target: Target, n_bins: int) -> list[CountTable]:
        """Count columns against the classes; all rows weigh the same."""
        dtypes = [self.dtypes[at] for at in columns]
        codes = target.codes.astype(np.min_scalar_type(target.n_classes))
        labels = np.split(codes, np.cumsum(self.sizes)[:-1])
        pairs = zip(self.partitions, labels, strict=True)
        parts = [task(_sorted, list(columns), dtypes, target.n_classes, *pair) for pair in pairs]
        parts = list(dask.persist(*parts))
        n_bins = min(n_bins, len(codes))
        narrow = fine_bins(n_bins)
        found = _edges(parts, dtypes, [n_bins, narrow])
        limits = [fine for _, fine in found]
        (counts,) = compute([tree([task(_counted, limits, target.n_classes, part) for part in parts])])
        tables = []
        for dtype, (wide, fine), below in zip(dtypes, found, counts, strict=True):
            in_bins = below.astype(np.int64)
            tables.append(table_of_one(in_bins, np.isin(fine, wide), _values(wide, dtype), target))
        return tables


def _edges(parts: list[Any], dtypes: list[Any], aims: list[int]) -> list[list[Array]]:
    """Return the keys of the edges of bins, for each column and number of bins; the last is a multiple of the others.

    The rule is that of :func:`skxent.feature_selection._binning.edges_of_sorted`.
    """
    (n,) = compute([tree([task(_present, part) for part in parts])])
    n = [int(count) for count in n]
    ranks = [-(-np.arange(1, aims[-1] + 1) * count // aims[-1]) if count else np.empty(0, int) for count in n]
    at_ranks = _at_ranks(parts, dtypes, ranks)
    distinct = [np.unique(keys) for keys in at_ranks]
    sums = tree([task(_around, distinct, part) for part in parts])
    before = tree([task(_before, distinct, part) for part in parts], _largest)
    around, previous = compute([sums, before])
    edges = []
    for count, keys, known, (left, right), before in zip(n, at_ranks, distinct, around, previous, strict=True):
        edges.append([_closing(count, keys, known, right - left, before, left, aim) for aim in aims])
    return edges


def _closing(n: int, keys: Array, known: Array, mass: Floats, before: Array, left: Floats, n_bins: int) -> Array:
    """Return the keys at which bins close, from those at the ranks: these, and the one before a heavy one."""
    used = np.isin(known, keys[len(keys) // n_bins - 1 :: max(1, len(keys) // n_bins)])
    heavy = used & (mass * n_bins > n) & (left > 0)
    return np.unique(np.concatenate([known[used], before[heavy]]))


def _at_ranks(parts: list[Any], dtypes: list[Any], ranks: list[Integers]) -> list[Array]:
    """Return the keys at some ranks, counted from 1, of each column."""
    kinds = [_key_dtype(dtype) for dtype in dtypes]
    keys = [np.zeros(len(rank), kind) for rank, kind in zip(ranks, kinds, strict=True)]
    for shift in range(max(8 * kind.itemsize for kind in kinds) - _BITS, -1, -_BITS):
        probes = [_probes(found, shift) for found in keys]
        (counts,) = compute([tree([task(_not_above, probes, part) for part in parts])])
        for at, (found, rank, count) in enumerate(zip(keys, ranks, counts, strict=True)):
            if shift < 8 * found.itemsize:
                digit = (count < rank[:, np.newaxis]).sum(axis=1).astype(found.dtype)
                keys[at] = found + (digit << np.array(shift, found.dtype))
    return keys


def _probes(found: Array, shift: int) -> Array:
    """Return the largest keys that begin with what is found and each digit but the last; none beyond the key's bits."""
    if shift >= 8 * found.itemsize:
        return np.empty((len(found), 0), found.dtype)
    digits = np.arange(1, 2**_BITS, dtype=found.dtype) << np.array(shift, found.dtype)
    return found[:, np.newaxis] + digits - np.array(1, found.dtype)


# ------------------------------------------------------------------------------------------- what runs on the workers


def _sorted(columns: list[int], dtypes: list[Any], n_classes: int, frame: Any, label: Integers) -> list[Sorted]:
    """Return columns of a partition in order."""
    result = []
    for at, dtype in zip(columns, dtypes, strict=True):
        values = frame.iloc[:, at].to_numpy().astype(dtype, copy=False)
        gone = values != values
        keys, of_present = (_keys(values), label) if not gone.any() else (_keys(values[~gone]), label[~gone])
        order = np.argsort(keys, kind="stable")
        result.append(Sorted(keys[order], of_present[order], np.bincount(label[gone], minlength=n_classes)))
    return result


def _present(columns: list[Sorted]) -> list[int]:
    return [len(column.keys) for column in columns]


def _not_above(probes: list[Array], columns: list[Sorted]) -> list[Integers]:
    """Count the keys that are not above each probe."""
    return [np.searchsorted(column.keys, probe, side="right") for probe, column in zip(probes, columns, strict=True)]


def _around(found: list[Array], columns: list[Sorted]) -> list[Integers]:
    """Count the keys below some, and those not above them."""
    return [
        np.stack([np.searchsorted(column.keys, keys, side) for side in ("left", "right")])
        for keys, column in zip(found, columns, strict=True)
    ]


def _before(found: list[Array], columns: list[Sorted]) -> list[Array]:
    """Return the largest key below each of some, 0 where there is none."""
    result = []
    for keys, column in zip(found, columns, strict=True):
        at = np.searchsorted(column.keys, keys, "left")
        result.append(np.where(at > 0, np.append(column.keys, np.zeros(1, keys.dtype))[at - 1], 0).astype(keys.dtype))
    return result


def _largest(*parts: list[Array]) -> list[Array]:
    return [np.maximum.reduce(keys) for keys in zip(*parts, strict=True)]


def _counted(limits: list[Array], n_classes: int, columns: list[Sorted]) -> list[Integers]:
    """Count the classes in the bins that end at the limits, and those of missing values below."""
    result = []
    for keys, column in zip(limits, columns, strict=True):
        rows = np.diff(np.searchsorted(column.keys, keys, side="right"), prepend=0)
        cell = np.repeat(np.arange(len(keys)), rows) * n_classes + column.label
        counts = np.bincount(cell, minlength=len(keys) * n_classes).reshape(-1, n_classes)
        result.append(np.concatenate([counts, column.missing[np.newaxis]]))
    return result


# ------------------------------------------------------------------------------------------------------------- keys


def _has_keys(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "biu" or dtype in (np.float32, np.float64)


def _wider(one: Any, other: Any) -> Any:
    return None if one is None or other is None else np.result_type(one, other)


def _key_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(f"u{dtype.itemsize}")


def _keys(values: Array) -> Array:
    """Return whole numbers in the order of the values, the same for the same values; none of these is missing."""
    unsigned = _key_dtype(values.dtype)
    top = np.array(1 << (8 * unsigned.itemsize - 1), unsigned)
    if values.dtype.kind in "bu":
        return values.view(unsigned)
    if values.dtype.kind == "i":
        return values.view(unsigned) ^ top
    bits = (values + values.dtype.type(0)).view(unsigned)  # 0 for -0
    return np.where(bits & top, ~bits, bits | top)


def _values(keys: Array, dtype: np.dtype[Any]) -> Array:
    """Return the values that have some keys."""
    top = np.array(1 << (8 * keys.itemsize - 1), keys.dtype)
    if dtype.kind == "i":
        keys = keys ^ top
    elif dtype.kind == "f":
        keys = np.where(keys & top, keys ^ top, ~keys)
    return keys.view(dtype)
