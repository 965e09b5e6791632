"""Count tables of a Dask frame, made on the workers: what travels are the classes of the rows, once, and counts.

The edges of the bins are exact. Numbers of a type have keys, whole numbers in the same order. The value at which so
much weight is reached is the smallest key that so much is not above, and it is found digit by digit: in each round the
workers add up the weight of the keys not above each of the next digits, for all edges of all columns at once. Four bits
a round are 16 rounds for float64 and 8 for float32, whatever the number of rows. Of categories, and of values without
keys, the distinct ones come here, with their counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import dask
import narwhals as nw
import numpy as np
import pandas as pd

from skxent._labels import is_missing
from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._binning import multiples_reached
from skxent.feature_selection._containers import LARGEST_EXACT, FrameData
from skxent.feature_selection._count_table import CountTable, Entries, count_entries, fine_bins, table_of_one
from skxent.feature_selection._target import Target
from skxent.feature_selection._values import Levels, as_numbers, kind_of, kind_of_all, refuse_mixture
from skxent.rows._tasks import compute, task, tree

__all__ = ["SUMS_TOGETHER", "WorkerColumns", "data_of", "distinct_of"]

# Bits of a key that a round finds: 15 sums for each edge. More would be fewer rounds of more bytes.
_BITS = 4
# Sums that come back in a round, 8 bytes each; so many columns are counted together.
SUMS_TOGETHER = 4_000_000


class Sorted(NamedTuple):
    """A column of a partition in order.

    Attributes
    ----------
    keys : ndarray of uint of shape (n_present,)
        Keys of the values that are not missing, ascending; rows of no weight are left out.
    label : ndarray of uint of shape (n_present,)
        Class of each.
    weight : ndarray of float of shape (n_present,) or None
        Weight of each.
    below : ndarray of shape (n_present + 1,)
        Weight of those before each, and of all.
    missing : ndarray of shape (n_classes,)
        Weight of the missing values of each class.
    """

    keys: Array
    label: Integers
    weight: Floats | None
    below: Array
    missing: Array

    def weight_below(self, keys: Array, side: Any) -> Array:
        """Return the weight of the keys below some, or not above them."""
        return self.below[np.searchsorted(self.keys, keys, side)]


class Contents(NamedTuple):
    """What a column of a partition that has rows holds.

    Attributes
    ----------
    kind : str or None
        As :func:`kind_of` says; None if all values are missing.
    dtype : dtype or None
        Dtype of the numbers that the values become; None for values without order.
    large : bool
        Whether some are whole numbers that float64 would round.
    """

    kind: str | None
    dtype: Any
    large: bool


@dataclass(frozen=True, eq=False)
class WorkerColumns:
    """Columns in the partitions of Dask frames.

    Parameters
    ----------
    partitions : list of Delayed
        Frames with the same columns.
    names : list of str
        The columns' names.
    dtypes : list of dtype or None
        That of each column; None for columns that are not of NumPy's numbers.
    data_set : list of int
        Number of the data set that each partition belongs to.
    """

    partitions: list[Any]
    names: list[str]
    dtypes: list[Any]
    data_set: list[int]

    @classmethod
    def of(cls, frame: Any) -> WorkerColumns:
        """Look at the columns of a Dask frame; nothing is computed."""
        dtypes = [dtype if isinstance(dtype, np.dtype) and _has_keys(dtype) else None for dtype in frame.dtypes]
        partitions = list(frame.to_delayed())
        return cls(partitions, [str(name) for name in frame.columns], dtypes, [0] * len(partitions))

    def followed_by(self, other: WorkerColumns) -> WorkerColumns:
        """Put the rows of another data set with the same columns below; of two types of numbers the wider counts."""
        dtypes = [_wider(*pair) for pair in zip(self.dtypes, other.dtypes, strict=True)]
        data_set = self.data_set + [1] * len(other.partitions)
        return WorkerColumns(self.partitions + other.partitions, self.names, dtypes, data_set)

    @cached_property
    def sizes(self) -> list[int]:
        """Number of rows of each partition."""
        return compute([task(len, part) for part in self.partitions])

    def together(self, n_bins: int, n_classes: int) -> int:
        """Return how many columns are counted together."""
        return max(1, SUMS_TOGETHER // (fine_bins(n_bins) * max(2**_BITS, n_classes)))

    def count(self, columns: Sequence[int], target: Target, n_bins: int, categorical: Array) -> list[CountTable]:
        """Count columns against the classes.

        Parameters
        ----------
        columns : sequence of int
            Their positions.
        target : Target
            Classes and weights of the rows.
        n_bins : int
            The number of bins to aim for.
        categorical : ndarray of bool of shape (n_columns,)
            Columns, of all, whose every value is a bin of its own.
        """
        dtypes = self.dtypes_of(columns, categorical)
        ordered = [at for at in columns if dtypes[at] is not None]
        others = [at for at in columns if dtypes[at] is None]
        rows = self.rows_of(target)
        tables: dict[int, CountTable] = {}
        if ordered:
            kinds = [dtypes[at] for at in ordered]
            tables |= zip(ordered, self._count_ordered(ordered, kinds, rows, target, n_bins), strict=True)
        if others:
            tables |= zip(others, self._count_levels(others, rows, target, n_bins, categorical), strict=True)
        return [tables[at] for at in columns]

    def cut(self, columns: Sequence[int], n_bins: int, categorical: Array) -> dict[int, Array]:
        """Return the limits between quantile bins, by position, of those columns whose values have an order."""
        rows = Target(np.array([0]), np.zeros(sum(self.sizes), dtype=np.int64))
        tables = zip(columns, self.count(columns, rows, n_bins, categorical), strict=True)
        return {at: table.edges[0][:-1] for at, table in tables if table.ordered[0]}

    def categories(self, columns: Sequence[int]) -> dict[int, list[str]]:
        """Return the distinct values of columns as text, sorted, by position."""
        target = Target(np.array([0]), np.zeros(sum(self.sizes), dtype=np.int64))
        found = self.distinct(columns, self.rows_of(target), 1) if columns else []
        texts = ([str(value) for value in values[~is_missing(values.tolist())].tolist()] for values, _ in found)
        return {at: sorted(set(of_column)) for at, of_column in zip(columns, texts, strict=True)}

    def kinds(self, columns: Sequence[int], categorical: Array) -> dict[int, str]:
        """Return what columns hold, by position."""
        contents = self._contents(columns, categorical)
        kinds = {at: kind_of_all({part.kind for _, part in contents[at]} - {None}) for at in contents}
        return {at: kinds.get(at) or "numbers" for at in columns}

    def count_in(self, levels: list[Levels]) -> list[Floats]:
        """Count the rows of both data sets in bins that are known.

        Parameters
        ----------
        levels : list of Levels
            The bins of each column.

        Returns
        -------
        list of ndarray of shape (n_codes, 2)
            One for each column.
        """
        terms = [task(_in_bins, levels, *part) for part in zip(self.data_set, self.partitions, strict=True)]
        counts: list[Floats] = compute([tree(terms)])[0]
        return counts

    def rows_of(self, target: Target) -> list[tuple[Any, Any]]:
        """Return the classes of the rows of each partition, and their weights or None."""
        cuts = np.cumsum(self.sizes)[:-1]
        labels = np.split(target.codes.astype(np.min_scalar_type(target.n_classes)), cuts)
        weights = [None] * len(labels) if target.weight is None else np.split(target.weight, cuts)
        return list(zip(labels, weights, strict=True))

    def dtypes_of(self, columns: Sequence[int], categorical: Array) -> dict[int, Any]:
        """Return the dtype of the numbers in each column; None for one whose distinct values are counted."""
        dtypes = {at: None if categorical[at] else self.dtypes[at] for at in columns}
        for at, pairs in self._contents(columns, categorical).items():
            parts = [part for _, part in pairs]
            dtypes[at] = None if categorical[at] else self._dtype_of(parts)
        return dtypes

    def _contents(self, columns: Sequence[int], categorical: Array) -> dict[int, list[tuple[int, Contents]]]:
        """Look at columns that are not of NumPy's numbers: data set and contents of each partition that has rows."""
        unknown = [at for at in columns if self.dtypes[at] is None]
        names, coded = [self.names[at] for at in unknown], categorical[unknown].tolist()
        found = compute([task(_contents, unknown, names, coded, part) for part in self.partitions]) if unknown else []
        contents = {}
        for at, *parts in zip(unknown, *found, strict=True):
            pairs = [(of, part) for of, part in zip(self.data_set, parts, strict=True) if part is not None]
            refuse_mixture([{part.kind for of, part in pairs if of == data_set} for data_set in (0, 1)], self.names[at])
            contents[at] = pairs
        return contents

    def _dtype_of(self, parts: list[Contents]) -> Any:
        """Return the dtype of the numbers in a column, if all its parts hold such with keys."""
        if not parts or None in [part.dtype for part in parts] or len({part.kind for part in parts} - {None}) > 1:
            return None
        dtype = np.result_type(*(part.dtype for part in parts))
        rounded = dtype.kind == "f" and any(part.large for part in parts)
        return dtype if _has_keys(dtype) and not rounded else None

    def _count_ordered(
        self, columns: list[int], dtypes: list[Any], rows: list[Any], target: Target, n_bins: int
    ) -> list[CountTable]:
        names = [self.names[at] for at in columns]
        pairs = zip(self.partitions, rows, strict=True)
        parts = [task(_sorted, columns, names, dtypes, target.n_classes, part, *row) for part, row in pairs]
        parts = list(dask.persist(*parts))
        n_bins = min(n_bins, sum(self.sizes))
        found = _edges(parts, dtypes, n_bins, fine_bins(n_bins))
        limits = [fine for _, fine in found]
        (counts,) = compute([tree([task(_counted, limits, target.n_classes, part) for part in parts])])
        return [
            table_of_one(in_bins, np.isin(fine, wide), _values(wide, dtype), target)
            for dtype, (wide, fine), in_bins in zip(dtypes, found, counts, strict=True)
        ]

    def _count_levels(
        self, columns: list[int], rows: list[Any], target: Target, n_bins: int, categorical: Array
    ) -> list[CountTable]:
        found = self.distinct(columns, rows, target.n_classes)
        tables = []
        for at, (values, counts) in zip(columns, found, strict=True):
            numbers, coded = as_numbers(values, self.names[at])
            level, label = np.nonzero(counts)
            entries = Entries(np.zeros(len(level), dtype=np.intp), numbers[level], label, counts[level, label])
            tables.append(count_entries(entries, target, n_bins, np.array([coded or bool(categorical[at])])))
        return tables

    def distinct(self, columns: Sequence[int], rows: list[Any], n_classes: int) -> list[tuple[Array, Floats]]:
        """Return the distinct values of columns, and how much of each class each has."""
        columns, names = list(columns), [self.names[at] for at in columns]
        pairs = zip(self.partitions, rows, strict=True)
        terms = [task(_levels, columns, names, n_classes, part, *row) for part, row in pairs]
        found: list[tuple[Array, Floats]] = compute([tree(terms, _joined_levels)])[0]
        return found


def _edges(parts: list[Any], dtypes: list[Any], n_bins: int, n_narrow: int) -> list[tuple[Array, Array]]:
    """Return the keys of the edges of bins and of narrower ones, into each of which some of these go, for each column.

    The rule is that of :mod:`skxent.feature_selection._binning`.
    """
    (totals,) = compute([tree([task(_present, part) for part in parts])])
    # The multiples of the narrow bins' share at which one closes; the last one closes where nothing is left.
    multiples = np.append(np.arange(1.0, n_narrow + 1), np.inf)
    aims = [multiples if total > 0 else np.empty(0) for total in totals]
    at_multiples = _at_multiples(parts, dtypes, totals, aims, n_narrow)
    distinct = [np.unique(keys) for keys in at_multiples]
    sums = tree([task(_around, distinct, part) for part in parts])
    before = tree([task(_before, distinct, part) for part in parts], _largest)
    around, previous = compute([sums, before])
    edges = []
    narrower = n_narrow // n_bins
    for total, keys, known, (left, right), before in zip(totals, at_multiples, distinct, around, previous, strict=True):
        heavy = [(right - left) * aim > total for aim in (n_bins, n_narrow)]
        used = np.isin(known, np.append(keys[:-1][narrower - 1 :: narrower], keys[-1:]))
        wide = np.concatenate([known[used], before[heavy[0] & (left > 0)]])
        narrow = np.concatenate([known, before[heavy[1] & (left > 0)]])
        edges.append((np.unique(wide), np.unique(narrow)))
    return edges


def _at_multiples(
    parts: list[Any], dtypes: list[Any], totals: list[Any], aims: list[Floats], n_bins: int
) -> list[Array]:
    """Return the smallest keys with which some multiples of a bin's share are reached, of each column."""
    kinds = [_key_dtype(dtype) for dtype in dtypes]
    keys = [np.zeros(len(aim), kind) for aim, kind in zip(aims, kinds, strict=True)]
    for shift in range(max(8 * kind.itemsize for kind in kinds) - _BITS, -1, -_BITS):
        probes = [_probes(found, shift) for found in keys]
        (sums,) = compute([tree([task(_not_above, probes, part) for part in parts])])
        for at, (found, aim, mass, total) in enumerate(zip(keys, aims, sums, totals, strict=True)):
            if shift < 8 * found.itemsize:
                below = (multiples_reached(mass, total, n_bins) < aim[:, np.newaxis]) & (mass < total)
                keys[at] = found + (below.sum(axis=1).astype(found.dtype) << np.array(shift, found.dtype))
    return keys


def _probes(found: Array, shift: int) -> Array:
    """Return the largest keys that begin with what is found and each digit but the last; none beyond the key's bits."""
    if shift >= 8 * found.itemsize:
        return np.empty((len(found), 0), found.dtype)
    digits = np.arange(1, 2**_BITS, dtype=found.dtype) << np.array(shift, found.dtype)
    return found[:, np.newaxis] + digits - np.array(1, found.dtype)


# ------------------------------------------------------------------------------------------- what runs on the workers


def data_of(frame: Any) -> FrameData:
    return FrameData(nw.from_native(frame, eager_only=True), [str(name) for name in frame.columns])


def _contents(columns: list[int], names: list[str], coded: list[bool], frame: Any) -> list[Contents | None]:
    """Say what columns of a partition hold; None if it has no rows."""
    if not len(frame):
        return [None] * len(columns)
    data = data_of(frame)
    return [_contents_of(data, *column) for column in zip(columns, names, coded, strict=True)]


def _contents_of(data: FrameData, at: int, name: str, coded: bool) -> Contents:
    levels = data.levels(at) if coded else None
    values = data.column(at) if levels is None else levels[0]
    kind = None if np.all(is_missing(values) if values.dtype.kind in "OT" else values != values) else kind_of(values)
    if coded or kind == "text":
        return Contents(kind, None, False)
    numbers, without_order = as_numbers(values, name)
    large = values.dtype.kind in "iu" and bool(np.any(np.abs(numbers.astype(np.float64)) > LARGEST_EXACT))
    return Contents(kind, None if without_order else numbers.dtype, large)


def _sorted(
    columns: list[int],
    names: list[str],
    dtypes: list[Any],
    n_classes: int,
    frame: Any,
    label: Integers,
    weight: Floats | None,
) -> list[Sorted]:
    """Return columns of a partition in order."""
    data = data_of(frame)
    numbers = (
        as_numbers(data.column(at), name)[0].astype(dtype, copy=False)
        for at, name, dtype in zip(columns, names, dtypes, strict=True)
    )
    return [_sorted_one(values, n_classes, label, weight) for values in numbers]


def _sorted_one(values: Array, n_classes: int, label: Integers, weight: Floats | None) -> Sorted:
    gone = values != values
    missing = np.bincount(label[gone], None if weight is None else weight[gone], n_classes)
    kept = np.flatnonzero(~gone if weight is None else ~gone & (weight > 0))
    keys = _keys(values[kept])
    order = np.argsort(keys, kind="stable")
    of_kept = None if weight is None else weight[kept[order]]
    below = np.arange(len(kept) + 1) if of_kept is None else np.concatenate([[0.0], np.cumsum(of_kept)])
    return Sorted(keys[order], label[kept[order]], of_kept, below, missing)


def _present(columns: list[Sorted]) -> list[Any]:
    return [column.below[-1] for column in columns]


def _not_above(probes: list[Array], columns: list[Sorted]) -> list[Array]:
    """Add up the weight of the keys that are not above each probe."""
    return [column.weight_below(probe, "right") for probe, column in zip(probes, columns, strict=True)]


def _around(found: list[Array], columns: list[Sorted]) -> list[Array]:
    """Add up the weight of the keys below some, and of those not above them."""
    return [
        np.stack([column.weight_below(keys, side) for side in ("left", "right")])
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


def _counted(limits: list[Array], n_classes: int, columns: list[Sorted]) -> list[Array]:
    """Add up the weight of each class in the bins that end at the limits, and that of missing values below."""
    result = []
    for keys, column in zip(limits, columns, strict=True):
        rows = np.diff(np.searchsorted(column.keys, keys, side="right"), prepend=0)
        cell = np.repeat(np.arange(len(keys)), rows) * n_classes + column.label
        counts = np.bincount(cell, column.weight, len(keys) * n_classes).reshape(-1, n_classes)
        result.append(np.concatenate([counts, column.missing[np.newaxis]]))
    return result


def _levels(
    columns: list[int], names: list[str], n_classes: int, frame: Any, label: Integers, weight: Floats | None
) -> list[tuple[Array, Floats]]:
    """Return the distinct values of columns of a partition, and how much of each class each has."""
    data, result = data_of(frame), []
    for at, name in zip(columns, names, strict=True):
        values, place = data.levels(at) or distinct_of(data.column(at), name)
        cell = place * n_classes + label
        counts = np.bincount(cell, weight, len(values) * n_classes).astype(np.float64)
        result.append((values, counts.reshape(-1, n_classes)))
    return result


def _joined_levels(*parts: list[tuple[Array, Floats]]) -> list[tuple[Array, Floats]]:
    """Put the distinct values of several partitions together."""
    result = []
    for columns in zip(*parts, strict=True):
        values, counts = (np.concatenate(of_parts) for of_parts in zip(*columns, strict=True))
        values, place = distinct_of(values, "")
        summed = np.zeros((len(values), counts.shape[1]))
        np.add.at(summed, place, counts)
        result.append((values, summed))
    return result


def _in_bins(levels: list[Levels], data_set: int, frame: Any) -> list[Floats]:
    """Count the rows of a partition in bins that are known, of shape (n_codes, 2) for each column."""
    data, result = data_of(frame), []
    for at, level in enumerate(levels):
        counts = np.zeros((level.n_codes, 2))
        if len(frame):
            counts[:, data_set] = np.bincount(level.codes(data.column(at), data.names[at]), minlength=level.n_codes)
        result.append(counts)
    return result


def distinct_of(values: Array, name: str) -> tuple[Array, Integers]:
    """Return distinct values and which of them each row has; the missing ones are one of them."""
    if values.dtype.kind not in "OT":
        return np.unique(values, return_inverse=True)
    try:
        place, distinct = pd.factorize(values.astype(object))
    except TypeError:
        as_numbers(values, name)  # names the column
        raise
    distinct = np.array([*distinct, None], dtype=object)[: len(distinct) + bool(np.any(place < 0))]
    return distinct, np.where(place < 0, len(distinct) - 1, place)


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
