"""Rows outside memory, read block by block in each sum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from skxent._parallel import ONE_THREAD, Workers, read_ahead
from skxent._typing import Array
from skxent.rows._memory import MemoryRows, total
from skxent.rows._part import Part, joined, select
from skxent.rows._rows import Rows
from skxent.rows._source import Source

__all__ = ["DiskRows"]


class DiskRows(Rows):
    """Rows of a source, or some of them. Targets and weights are in memory; features are read in each sum.

    Parameters
    ----------
    source : Source
        Features.
    y, weight, n_outputs, workers
        As in :class:`MemoryRows`.
    positions : ndarray of int, optional
        Sorted positions of the rows of the source that these are; by default all. `y` and `weight` have only those.
    """

    resident = False

    def __init__(
        self,
        source: Source,
        y: Array,
        weight: Array | None = None,
        *,
        n_outputs: int,
        workers: Workers = ONE_THREAD,
        positions: Array | None = None,
    ) -> None:
        self.source, self.y, self.weight = source, y, weight
        self.n_outputs, self.workers = n_outputs, workers
        self.positions = positions
        ends = np.cumsum([0, *source.sizes])
        self.bounds = ends if positions is None else np.searchsorted(positions, ends)
        self.ends = ends
        self.n_rows, self.n_features = len(y), source.shape[1]
        self.dtype, self.nbytes, self.bytes_per_row = source.dtype, source.nbytes, source.bytes_per_row
        self.weighted = weight is not None
        self.sample_bytes = source.memory

    def sum(self, function: Callable[[Part], tuple[Any, ...]]) -> list[Any]:
        """Return the sum over all rows of a function of a part; see :meth:`Rows.sum`."""
        return total((block.sum(function) for block in self._blocks()), np.float64)

    def each(self, function: Callable[[Part], Any], max_rows: int | None = None) -> Iterator[Any]:
        """Yield a function of each part; see :meth:`Rows.each`."""
        for block in self._blocks():
            yield from block.each(function, max_rows)

    def take(self, rows: slice | Array) -> Part:
        """Return some rows; see :meth:`Rows.take`. A block is read once if it has any of them."""
        positions = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else np.asarray(rows)
        order = np.argsort(positions, kind="stable")
        cuts = np.searchsorted(positions[order], self.bounds)
        found = [index for index in range(len(self.source.sizes)) if cuts[index] < cuts[index + 1]]
        local = [positions[order[cuts[index] : cuts[index + 1]]] - self.bounds[index] for index in found]
        weight = None if self.weight is None else self.weight[positions]
        return Part(self._features(found, local, order), self.y[positions], weight)

    def _features(self, found: list[int], local: list[Array], order: Array) -> Any:
        """Return some rows of some blocks, in another order."""
        first_rows = self.source.first_rows()
        if found == [0] and self.positions is None and local[0][-1] < first_rows.shape[0]:
            return select(first_rows, local[0][np.argsort(order, kind="stable")])
        pieces = (select(X, rows) for X, rows in zip(read_ahead(self._load, found), local, strict=True))
        first = next(pieces)
        if not isinstance(first, np.ndarray):
            X = joined([Part(piece, np.zeros(0), None) for piece in (first, *pieces)]).X
            return X[np.argsort(order, kind="stable")]
        X, start = np.empty((len(order), self.n_features), self.dtype), 0
        for piece in chain([first], pieces):
            X[order[start : start + len(piece)]] = piece
            start += len(piece)
        return X

    def without_features(self) -> Rows:
        """Return rows with the same targets and weights, in memory; see :meth:`Rows.without_features`."""
        return MemoryRows(np.empty((self.n_rows, 0), self.dtype), self.y, self.weight, n_outputs=self.n_outputs)

    def pieces(self) -> list[slice]:
        """Return the blocks; see :meth:`Rows.pieces`."""
        return [slice(a, b) for a, b in zip(self.bounds[:-1].tolist(), self.bounds[1:].tolist(), strict=True) if a < b]

    def selected(self, positions: Array) -> DiskRows:
        """Return some rows, which are read with the others; see :meth:`Rows.selected`."""
        return self._chosen(positions, None if self.weight is None else self.weight[positions])

    def reweighted(self, positions: Array, weight: Array | None) -> DiskRows | None:
        """Return some rows with other weights; see :meth:`Rows.reweighted`. None of them may occur twice."""
        return self._chosen(positions, weight) if (np.diff(positions) > 0).all() else None

    def _chosen(self, positions: Array, weight: Array | None) -> DiskRows:
        return DiskRows(
            self.source,
            self.y[positions],
            weight,
            n_outputs=self.n_outputs,
            workers=self.workers,
            positions=positions if self.positions is None else self.positions[positions],
        )

    def _blocks(self) -> Iterator[MemoryRows]:
        """Yield the rows of each block; the next one is read while this one is used."""
        indices = np.flatnonzero(np.diff(self.bounds)).tolist()
        for index, X in zip(indices, read_ahead(self._load, indices), strict=True):
            rows = slice(self.bounds[index], self.bounds[index + 1])
            weight = None if self.weight is None else self.weight[rows]
            yield MemoryRows(X, self.y[rows], weight, n_outputs=self.n_outputs, workers=self.workers)

    def _load(self, index: int) -> Any:
        X = self.source.load(index)
        if self.positions is None or self.bounds[index + 1] - self.bounds[index] == self.source.sizes[index]:
            return X
        return select(X, self.positions[self.bounds[index] : self.bounds[index + 1]] - self.ends[index])
