"""Rows on the workers of a Dask cluster, or in the partitions of a Dask collection on this machine.

Partitions stay where they are: a sum sends its function to them, in one task for each thread of the workers, which
takes the partitions that lie there one after the other. Sums are exact, so that they have the same bits whatever the
number of workers and whoever has which partitions. Partitions are computed once and kept by the workers, with the graph
they came from: those of a worker that is lost are computed again by the others. Neighbours that are small are put
together, so that few arrays are named in each task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy as shallow_copy
from functools import partial, reduce
from itertools import chain
from types import SimpleNamespace
from typing import Any, NamedTuple

import dask
import dask.array as da
import narwhals as nw
import numpy as np
import scipy.sparse as sp

from skxent._parallel import ONE_THREAD, Workers, worker_threads
from skxent._sklearn import check_sample_weight
from skxent._typing import Array
from skxent.rows._checks import (
    alike,
    as_floats,
    bytes_of,
    check_finite,
    distinct_labels,
    joined_targets,
    numbers_of,
    targets_of,
)
from skxent.rows._memory import MemoryRows
from skxent.rows._part import Part, joined, select
from skxent.rows._rows import SAMPLE_BYTES, Rows
from skxent.rows._source import refuse_lazy
from skxent.rows._sums import ExactSums, exact_sums, merged
from skxent.rows._tasks import bundles, call, compute, has_client, packed, task, tree, unpacked

__all__ = ["DaskColumn", "DaskRows", "DaskTable"]

# Bytes of a partition from which on work on some rows only is worth a round, which takes some 50 ms.
_WORTH_A_ROUND = 50_000_000
# Bytes of neighbouring partitions that are put together: to work on them takes about as long as what a task costs.
_BYTES_OF_A_TASK = 8_000_000


def _memory() -> float:
    """Return the bytes of features that may be held in this process."""
    return float(dask.config.get("skxent.memory", SAMPLE_BYTES))


class DaskColumn:
    """Values of the rows of a table: labels, weights or a matrix of targets, one part for each partition.

    Parameters
    ----------
    parts : sequence of Delayed
        The values in each partition.
    sizes : sequence of int
        Number of rows of each partition.
    width : int or None
        Number of columns of a matrix; None for one value a row.
    names : sequence of str, optional
        What to call the parts in an error.
    """

    def __init__(
        self, parts: Sequence[Any], sizes: Sequence[int], width: int | None = None, names: Sequence[str] = ()
    ) -> None:
        self.parts, self.sizes, self.width, self.names = list(parts), list(sizes), width, list(names)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all parts together."""
        return (sum(self.sizes),) if self.width is None else (sum(self.sizes), self.width)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def map(self, function: Callable[..., Any], *others: Any) -> DaskColumn:
        """Return a function of each part of this column and of others, which may be None; it is kept by the workers."""
        columns = [[None] * len(self.parts) if other is None else other.parts for other in others]
        function = partial(call, packed(function))
        parts = dask.persist(*(task(function, *part) for part in zip(self.parts, *columns, strict=True)))
        return DaskColumn(parts, self.sizes, names=self.names)

    def distinct(self) -> Array:
        """Return the values that occur, sorted."""
        found = compute([task(distinct_labels, *pair) for pair in zip(self.parts, self.names, strict=True)])
        return distinct_labels(joined_targets(found, self.names), "y")

    def add(self, function: Callable[..., Any], *others: Any) -> Array:
        """Return the sum of a function of each part of this column and of others, which may be None."""
        columns = [[None] * len(self.parts) if other is None else other.parts for other in others]
        function = partial(call, packed(lambda *part: (function(*part),)))
        terms = [task(function, *part) for part in zip(self.parts, *columns, strict=True)]
        summed: Array = compute([tree(terms)])[0][0]
        return summed

    def any(self) -> bool:
        """Return whether a value is not 0."""
        return bool(self.add(np.any) > 0)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        """Bring all values here."""
        return np.asarray(np.concatenate(compute(self.parts)), dtype)

    def __getitem__(self, rows: Any) -> Any:
        """Bring some values here."""
        return np.asarray(self)[rows]

    def flat(self) -> DaskColumn:
        """Return a matrix of one column as one value a row."""
        return self.map(np.ravel)


class DaskTable:
    """The features of a Dask array or frame, and what belongs to them; what a fit is given.

    Parameters
    ----------
    X : dask.array.Array or dask.dataframe.DataFrame
        Features.
    target, weight : dask.dataframe.Series, optional
        Targets and weights that come with them.
    """

    def __init__(self, X: Any, target: Any = None, weight: Any = None) -> None:
        self.X, self.target, self.weight = X, target, weight
        self.parts: list[Any] = []
        self.bundles: list[list[int]] = []
        self.is_frame = hasattr(type(X), "map_partitions") and hasattr(type(X), "columns")
        if not (self.is_frame or isinstance(X, da.Array)):
            raise TypeError(
                f"X is a {type(X).__module__}.{type(X).__qualname__}; of Dask's collections only arrays and frames are "
                "tables of features."
            )
        if X.ndim != 2:
            raise ValueError(f"X has {X.ndim} dimensions; features have two.")
        self.names = list(map(str, X.columns)) if self.is_frame else None
        self.n_features = X.shape[1]
        if not self.n_features > 0:
            problem = "no columns" if self.n_features == 0 else "a number of columns that is not known"
            raise ValueError(f"X has {problem}; at least one feature is required. X.compute_chunk_sizes() counts them.")

    def with_columns(self, target: str | None = None, weight: str | None = None) -> DaskTable:
        """Return the table without the columns that hold the targets and the weights."""
        given = {"target": target, "weight": weight}
        names = {role: name for role, name in given.items() if name is not None}
        for name in names.values():
            if not self.is_frame or name not in self.X.columns:
                known = ", ".join(map(str, self.X.columns)) if self.is_frame else "none, since X is an array"
                raise ValueError(f"X has no column {name!r}; its columns: {known}.")
        features = self.X.drop(columns=list(dict.fromkeys(names.values())))
        return DaskTable(features, **{role: self.X[name] for role, name in names.items()})

    def header(self) -> Any:
        """Return a table without rows whose columns are those of the features."""
        return self.X._meta if self.is_frame else np.empty((0, self.n_features))

    def map(self, function: Callable[[Any], Any]) -> Any:
        """Return a Dask array of a function of the features of each partition; nothing is computed."""
        self._check_columns()
        example = function(np.zeros((1, self.n_features)))
        meta = np.empty((0,) * example.ndim, example.dtype)
        if self.is_frame:
            return self.X.map_partitions(partial(_of_frame, function, self.names), meta=example[:0])
        X = self.X.rechunk({1: -1})
        function = partial(_of_rows, function, example[:0])
        if example.ndim == 1:
            return X.map_blocks(function, dtype=example.dtype, drop_axis=1, meta=meta)
        return X.map_blocks(function, dtype=example.dtype, chunks=(X.chunks[0], (example.shape[1],)), meta=meta)

    def mean(self, function: Callable[..., float], y: Any, sample_weight: Any = None) -> float:
        """Return the mean of a function of features, targets and weights, weighted."""
        X, y, weight = self.checked(y, sample_weight)
        if y is None:
            raise ValueError("X has no targets; pass y.")
        y = y.flat() if y.width == 1 else y
        weights = [None] * len(X.parts) if weight is None else weight.parts
        terms = [task(partial(_scored, function), *part) for part in zip(X.parts, y.parts, weights, strict=True)]
        score, n = compute([tree(terms)])[0]
        if not n:
            raise ValueError("all weights are 0, so that no row counts; check sample_weight.")
        return float(score / n)

    def checked(self, y: Any = None, sample_weight: Any = None) -> tuple[Any, Any, Any]:
        """Have the workers make arrays of the partitions and check that they are finite numbers.

        Parameters
        ----------
        y, sample_weight : object or None
            Targets and weights, if they do not come with the features.

        Returns
        -------
        X : DaskTable
            The same rows, with known sizes.
        y : DaskColumn or None
            The targets.
        sample_weight : DaskColumn or None
            The weights.
        """
        self._check_columns()
        given = {"y": self.target if y is None else y}
        given["sample_weight"] = self.weight if sample_weight is None else sample_weight
        parts = {"X": [task(_features, index, self.names, part) for index, part in enumerate(self._partitions())]}
        # They may be of the same files, which are then read once.
        parts |= {name: _parts_of(values) for name, values in given.items() if self._is_cut_alike(values)}
        keep = has_client()
        if keep:
            parts = dict(zip(parts, dask.persist(*parts.values()), strict=True))
        self._describe(compute([task(_described, part) for part in parts["X"]]), parts.pop("X"))
        if keep or self.nbytes <= _memory():
            self.parts = list(dask.persist(*self.parts))
        y, weight = (
            None if values is None else self.column(values, name, parts.get(name, ())) for name, values in given.items()
        )
        self.bundles = bundles(self.parts, self.sizes)
        return self, y, weight

    def astype(self, dtype: Any, copy: bool = False) -> DaskTable:
        """Return the same rows in another dtype."""
        other = shallow_copy(self)
        other.dtype = np.dtype(dtype)
        other.parts = [task(as_floats, part, other.dtype) for part in self.parts]
        return other

    def _is_cut_alike(self, values: Any) -> bool:
        """Return whether a collection may have the same partitions, as far as is known."""
        if not isinstance(values, da.Array) or np.isnan(values.shape[0]):
            return dask.is_dask_collection(values)
        return not self.is_frame and values.chunks[0] == self.X.chunks[0]

    def _partitions(self) -> list[Any]:
        if self.is_frame:
            return list(self.X.to_delayed())
        X = self.X.rechunk({1: -1})
        return [part for (part,) in X.to_delayed(optimize_graph=True)]

    def _describe(self, found: list[_Description], parts: list[Any]) -> None:
        """Keep the parts that have rows, and what they are like."""
        self.all_sizes = [part.n_rows for part in found]
        self.kept = [index for index, n_rows in enumerate(self.all_sizes) if n_rows]
        if not self.kept:
            raise ValueError("Found array with 0 sample(s): no partition of X has rows.")
        for index in self.kept:
            if found[index].n_features != self.n_features:
                raise ValueError(
                    f"partition {index} of X has {found[index].n_features} columns, not {self.n_features}."
                )
        self.kept_sizes = [self.all_sizes[index] for index in self.kept]
        self.groups = _neighbours([found[index].n_bytes for index in self.kept])
        self.sizes = [sum(self.kept_sizes[group]) for group in self.groups]
        self.shape = sum(self.sizes), self.n_features
        self.nbytes = sum(part.n_bytes for part in found)
        chosen = [parts[index] for index in self.kept]
        kinds = {(found[index].dense, found[index].dtype) for index in self.kept}
        self.dtype = np.result_type(*(dtype for _, dtype in kinds))
        dense = found[self.kept[0]].dense
        chosen = chosen if len(kinds) == 1 else [task(alike, part, dense, self.dtype) for part in chosen]
        self.parts = [_one_or(_stacked, chosen[group]) for group in self.groups]

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def column(self, values: Any, name: str, parts: Sequence[Any] = ()) -> DaskColumn:
        """Return values of the rows, given as a Dask collection or an array, checked.

        Raises
        ------
        TypeError
            If they are another collection, or no array.
        ValueError
            If there are not as many as rows, in all or in a partition.
        """
        parts = self._aligned(values, name, parts) if dask.is_dask_collection(values) else self._cut(values, name)
        places = zip(self.kept, self.kept_sizes, parts, strict=True)
        checked = [task(_values, name, index, n_rows, part) for index, n_rows, part in places]
        names = [f"partition {index} of {name}" for index in self.kept]
        joined = [_one_or(partial(_joined_values, names[group], name), checked[group]) for group in self.groups]
        joined = list(dask.persist(*joined))
        shapes = compute([task(np.shape, part) for part in joined])
        width = shapes[0][1] if len(shapes[0]) == 2 else None
        return DaskColumn(joined, self.sizes, width, [names[group.start] for group in self.groups])

    def _cut(self, values: Any, name: str) -> list[Any]:
        """Return the values of each partition from those of all."""
        refuse_lazy(**{name: values})
        values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
        if not values.ndim and name == "sample_weight":
            values = np.full(len(self), values)
        if not values.ndim:
            raise TypeError(f"{name} is {values.item()!r}, not one value for each row.")
        self._require_rows(len(values), name)
        return np.split(values, np.cumsum(self.kept_sizes)[:-1])

    def _aligned(self, values: Any, name: str, parts: Sequence[Any]) -> list[Any]:
        """Return the parts of a collection that belong to the partitions; arrays of known sizes are cut there."""
        if not parts and isinstance(values, da.Array) and not np.isnan(values.shape[0]):
            self._require_rows(values.shape[0], name)
            return _parts_of(values.rechunk({0: tuple(self.kept_sizes)}))
        found = list(parts) or _parts_of(values)
        if len(found) != len(self.all_sizes):
            raise ValueError(
                f"X has {len(self.all_sizes)} partitions and {name} has {len(found)}, of sizes that are not known. "
                f"Make {name} of the same partitions, or an array with {name}.compute_chunk_sizes()."
            )
        return [found[index] for index in self.kept]

    def _require_rows(self, n_rows: int, name: str) -> None:
        if n_rows != len(self):
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: {len(self)} in X and {n_rows} in {name}."
            )

    def _check_columns(self) -> None:
        if not self.is_frame:
            return
        for name, dtype in nw.from_native(self.X._meta, eager_only=True).schema.items():
            # What objects are the workers find out.
            if not (dtype.is_numeric() or dtype == nw.Boolean or self.X.dtypes[name] == np.dtype(object)):
                first = self.X[name].head(1).tolist()
                raise ValueError(
                    f"could not convert string to float: {str(*first)!r} (column {name!r} of X holds "
                    f"{self.X.dtypes[name]}; encode it or leave it out)"
                )


def _neighbours(n_bytes: Sequence[int]) -> list[slice]:
    """Return which partitions are put together; it depends on nothing but their sizes, so that sums do not either."""
    groups, start, held = [], 0, 0
    for index, size in enumerate(n_bytes):
        if index > start and held + size > _BYTES_OF_A_TASK:
            groups.append(slice(start, index))
            start, held = index, 0
        held += size
    return [*groups, slice(start, len(n_bytes))]


def _one_or(join: Callable[..., Any], parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else task(join, *parts)


def _stacked(*parts: Any) -> Any:
    return sp.vstack(parts, format="csr") if sp.issparse(parts[0]) else np.concatenate(parts)


def _joined_values(names: Sequence[str], name: str, *parts: Array) -> Array:
    return joined_targets(parts, names, "targets" if name == "y" else name)


def _parts_of(values: Any) -> list[Any]:
    """Return the partitions of an array or a frame of Dask as tasks."""
    if isinstance(values, da.Array):
        values = values.rechunk({1: -1}) if values.ndim == 2 else values
        return list(values.to_delayed().ravel().tolist())
    if not hasattr(type(values), "map_partitions") or not hasattr(type(values), "divisions"):
        raise TypeError(
            f"{type(values).__module__}.{type(values).__qualname__} is no array, series or frame of Dask; targets and "
            "weights are."
        )
    return list(values.to_delayed())


def _features(index: int, names: Sequence[str] | None, part: Any) -> Any:
    """Return the features of a partition as an array or a CSR matrix of finite floats."""
    X = numbers_of(part, f"partition {index} of X", names)
    check_finite(X, f"partition {index} of X", names)
    return X if sp.issparse(X) else np.ascontiguousarray(X)


class _Description(NamedTuple):
    """What a partition is like."""

    n_rows: int
    n_features: int
    n_bytes: int
    dtype: np.dtype[Any]
    dense: bool


def _described(X: Any) -> _Description:
    return _Description(X.shape[0], X.shape[1], bytes_of(X), X.dtype, isinstance(X, np.ndarray))


def _values(name: str, index: int, n_rows: int, part: Any) -> Array:
    """Return the targets or weights of a partition as an array, checked."""
    return targets_of(part, n_rows, f"partition {index} of X", name)


def _of_frame(function: Callable[[Any], Any], names: Sequence[str] | None, frame: Any) -> Any:
    X = numbers_of(frame, "a partition of X", names)
    return _of_rows(function, function(np.zeros((1, X.shape[1])))[:0], X)


def _of_rows(function: Callable[[Any], Any], none: Any, X: Any) -> Any:
    return function(X) if X.shape[0] else none


def _scored(function: Callable[..., float], X: Any, y: Array, weight: Array | None) -> tuple[float, float]:
    if weight is not None:
        weight = check_sample_weight(weight, y, ensure_non_negative=True, allow_all_zero_weights=True)
    n = float(len(y) if weight is None else weight.sum())
    return (n * function(X, y, weight) if n else 0.0), n


def _rows_of_part(
    n_outputs: int, dtype: Any, X: Any, y: Array, weight: Array | None, positions: Array | None
) -> MemoryRows:
    X = np.empty((len(y), 0), dtype) if X is None else X
    rows = MemoryRows(X, y, None if positions is not None else weight, n_outputs=n_outputs)
    return rows if positions is None else rows.reweighted(positions, weight)


def _in_parts(function: Callable[..., Any], n_outputs: int, dtype: Any, n_parts: int, *given: Any) -> Iterator[Any]:
    """Yield a function of the rows of some parts, and of what else there is for each, from the values part by part.

    Dask takes several times as long to look through tuples of values.
    """
    width = len(given) // n_parts
    with worker_threads():
        for start in range(0, len(given), width):
            X, y, weight, positions, *others = given[start : start + width]
            yield function(_rows_of_part(n_outputs, dtype, X, y, weight, positions), *others)


def _sum_of_parts(sent: bytes, *parts: Any) -> ExactSums:
    function = unpacked(sent)
    return reduce(merged, _in_parts(lambda rows: exact_sums(rows.sum(function)), *parts))


def _each_of_parts(sent: bytes, max_rows: int | None, *parts: Any) -> list[list[Any]]:
    function = unpacked(sent)
    return list(_in_parts(lambda rows: list(rows.each(function, max_rows)), *parts))


def _taken_from_parts(*parts: Any) -> list[Part]:
    return list(_in_parts(MemoryRows.take, *parts))


def _places(positions: Array | None, chosen: Array) -> Array:
    return chosen if positions is None else positions[chosen]


def _outline(n_features: int, n_outputs: int, dtype: Any) -> SimpleNamespace:
    """Return what functions of parts may ask of the rows that they are a part of."""
    return SimpleNamespace(n_features=n_features, n_outputs=n_outputs, dtype=dtype)


def _filtered(bundles: Sequence[Sequence[int]], kept: Sequence[int]) -> list[list[int]]:
    """Return what bundles have of some parts, without bundles that have none of them."""
    chosen = set(kept)
    found = ([index for index in bundle if index in chosen] for bundle in bundles)
    return [bundle for bundle in found if bundle]


def _in_order(bundles: Sequence[Sequence[int]], results: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the results of the parts in bundles, in the order of the parts."""
    pairs = zip(chain.from_iterable(bundles), chain.from_iterable(results), strict=True)
    return [result for _, result in sorted(pairs, key=lambda pair: pair[0])]


class DaskRows(Rows):
    """Rows in the partitions of a Dask collection.

    Parameters
    ----------
    table : DaskTable
        Features.
    y, weight : DaskColumn
        As in :class:`MemoryRows`; the weights are optional.
    n_outputs, workers
        As in :class:`MemoryRows`. The threads are those of this process, for work on samples.
    """

    resident = False

    def __init__(
        self,
        table: DaskTable,
        y: DaskColumn,
        weight: DaskColumn | None = None,
        *,
        n_outputs: int,
        workers: Workers = ONE_THREAD,
    ) -> None:
        self.X, self.y = list(table.parts), list(y.parts)
        self.weight = [None] * len(self.X) if weight is None else list(weight.parts)
        self.positions: list[Any] = [None] * len(self.X)
        self.sizes, self.bundles = list(table.sizes), table.bundles
        self.n_outputs, self.workers = n_outputs, workers
        self.n_rows, self.n_features = table.shape
        self.dtype, self.nbytes = table.dtype, table.nbytes
        self.bytes_per_row = max(1.0, self.nbytes / self.n_rows)
        self.weighted = weight is not None
        self.selectable = self.nbytes / len(self.X) >= _WORTH_A_ROUND
        self.sample_bytes = _memory()
        self._first: Part | None = None

    def __reduce__(self) -> Any:
        """Pickle the outline alone: functions of parts name the rows, and must not take them along."""
        return _outline, (self.n_features, self.n_outputs, self.dtype)

    def _task(self, function: Callable[..., Any], bundle: Sequence[int], *given: Any, **others: Sequence[Any]) -> Any:
        """Return the task of a function of :func:`_in_parts` for the parts of a bundle."""
        columns = [self.X, self.y, self.weight, self.positions, *others.values()]
        values = (column[index] for index in bundle for column in columns)
        return task(function, *given, self.n_outputs, self.dtype, len(bundle), *values)

    def sum(self, function: Callable[[Part], tuple[Any, ...]]) -> list[Any]:
        """Return the sum over all rows of a function of a part; see :meth:`Rows.sum`."""
        sent = dask.delayed(packed(function), pure=False)
        terms = [self._task(_sum_of_parts, bundle, sent) for bundle in self.bundles]
        found: ExactSums = compute([tree(terms, merged)])[0]
        return list(found.values())

    def each(self, function: Callable[[Part], Any], max_rows: int | None = None) -> Iterator[Any]:
        """Yield a function of each part; see :meth:`Rows.each`."""
        sent = dask.delayed(packed(function), pure=False)
        terms = [self._task(_each_of_parts, bundle, sent, max_rows) for bundle in self.bundles]
        return chain.from_iterable(_in_order(self.bundles, compute(terms)))

    def take(self, rows: slice | Array) -> Part:
        """Return some rows; see :meth:`Rows.take`. Only these are sent."""
        if isinstance(rows, slice) and rows.stop <= self.first_rows:
            if self._first is None:
                self._first = self._taken(np.arange(min(self.first_rows, self.n_rows)))
            X, y, weight = self._first
            return Part(X[rows], y[rows], None if weight is None else weight[rows])
        return self._taken(rows)

    def _taken(self, rows: slice | Array) -> Part:
        positions = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else np.asarray(rows)
        order = np.argsort(positions, kind="stable")
        local = self._local(positions[order])
        chosen = _filtered(self.bundles, [index for index, rows in enumerate(local) if len(rows)])
        terms = [self._task(_taken_from_parts, bundle, rows=local) for bundle in chosen]
        together = joined(_in_order(chosen, compute(terms)))
        if (np.diff(positions) >= 0).all():
            return together
        back = np.argsort(order, kind="stable")
        X, y, weight = together
        return Part(select(X, back), y[back], None if weight is None else weight[back])

    def _local(self, positions: Array) -> list[Array]:
        """Return sorted positions by partition, counted from its first row."""
        ends = np.cumsum([0, *self.sizes])
        cuts = np.searchsorted(positions, ends)
        return [positions[cuts[i] : cuts[i + 1]] - ends[i] for i in range(len(self.sizes))]

    def without_features(self) -> DaskRows:
        """Return rows with the same targets and weights; see :meth:`Rows.without_features`."""
        return self._with(X=[None] * len(self.X), n_features=0)

    def pieces(self) -> list[slice]:
        """Return the partitions; see :meth:`Rows.pieces`."""
        ends = np.cumsum([0, *self.sizes]).tolist()
        return list(map(slice, ends[:-1], ends[1:]))

    def selected(self, positions: Array) -> DaskRows:
        """Return some rows, which stay where they are; see :meth:`Rows.selected`."""
        found = self._local(positions)
        kept = [index for index, local in enumerate(found) if len(local)]
        chosen = {name: [getattr(self, name)[index] for index in kept] for name in ("X", "y", "weight", "positions")}
        local = [found[index] for index in kept]
        places = [task(_places, *pair) for pair in zip(chosen["positions"], local, strict=True)]
        weights = [task(select, *pair) for pair in zip(chosen["weight"], local, strict=True)] if self.weighted else []
        tasks = dask.persist(*places, *weights)
        chosen["positions"] = list(tasks[: len(kept)])
        chosen["weight"] = list(tasks[len(kept) :]) if self.weighted else [None] * len(kept)
        numbers = {index: number for number, index in enumerate(kept)}
        bundles = [[numbers[index] for index in bundle] for bundle in _filtered(self.bundles, kept)]
        return self._with(**chosen, sizes=[len(part) for part in local], n_rows=len(positions), bundles=bundles)

    def reweighted(self, positions: Array, weight: Array | None) -> DaskRows:
        """Return some rows with other weights; see :meth:`Rows.reweighted`."""
        rows = self.selected(positions)
        parts: list[Any] = [None] * len(rows.sizes)
        if weight is not None:
            parts = list(dask.persist(*map(dask.delayed, np.split(weight, np.cumsum(rows.sizes)[:-1]))))
        return rows._with(weight=parts, weighted=weight is not None)

    def _with(self, **attributes: Any) -> DaskRows:
        rows = object.__new__(DaskRows)
        rows.__dict__.update({**self.__dict__, "sample": None, "_first": None, **attributes})
        return rows
