"""Rows in memory: a NumPy array or a CSR matrix, summed block by block in threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from threading import Condition
from typing import Any

import numpy as np
from sklearn.utils import gen_batches, gen_even_slices

from skxent._parallel import ONE_THREAD, Workers
from skxent._typing import Array
from skxent.rows._part import Part, select
from skxent.rows._rows import Rows

__all__ = ["BlockSizes", "MemoryRows", "total"]


@dataclass(frozen=True)
class BlockSizes:
    """How many rows are worked on at a time.

    The numbers were measured on two cores with 2 MB of cache each, on MNIST, on 500,000 rows of 30 columns and on
    sparse text; blocks in proportion to the data keep the memory on top of small data small.

    Attributes
    ----------
    bytes_share : float
        Bytes of the features in a block, for each byte of the data.
    min_bytes, max_bytes : float
        Bounds on these bytes. With smaller blocks two threads wait for each other more often: 500,000 rows of 30
        columns took 7.0 ms rather than 5.9 in blocks of 2 MB.
    logits_share : float
        Logits in a block, for each byte of the data. They count where rows are short.
    min_logits, max_logits : float
        Bounds on these logits. With fewer, threads wait for each other to take turns at the interpreter.
    min_rows : int
        Least number of rows for which logits are the limit. With 1,000 outputs and 40 rows adding up the blocks'
        gradients took a third of the time.
    entries_per_column : float
        Least number of stored entries for each column in a block of sparse rows, so that adding the block's gradient,
        which is dense, is little work.
    few_blocks : int
        Number of blocks up to which sums over them are in the dtype of the terms; of more, in double precision. Sparse
        data with many columns make few blocks, whose sums are large.
    few_rows : int
        Number of rows below which the squares of columns are summed along with them. Of more rows a sample tells the
        deviations sooner.
    batch_bytes : float
        Bytes of mini-batches that a thread gathers at a time. They stay in the cache, and threads hardly wait.
    min_bytes_for_batches : float
        Bytes of data from which on a thread gathers mini-batches ahead. Less data is gathered sooner than that.
    """

    bytes_share: float = 1 / 20
    min_bytes: float = 1_000_000
    max_bytes: float = 3_000_000
    logits_share: float = 1 / 500
    min_logits: float = 40_000
    max_logits: float = 131_072
    min_rows: int = 256
    entries_per_column: float = 6
    few_blocks: int = 16
    few_rows: int = 80_000
    batch_bytes: float = 4_000_000
    min_bytes_for_batches: float = 80_000_000

    def rows_in_block(self, rows: Rows, n_stored: int) -> int:
        """Return the number of rows of a block of data with so many stored entries."""
        n_bytes = min(max(self.bytes_share * rows.nbytes, self.min_bytes), self.max_bytes)
        n_logits = min(max(self.logits_share * rows.nbytes, self.min_logits), self.max_logits)
        least = 1.0
        if n_stored < rows.n_rows * rows.n_features:
            least = self.entries_per_column * rows.n_features / max(1, n_stored / rows.n_rows)
        return int(max(least, min(n_bytes / rows.bytes_per_row, max(n_logits / rows.n_outputs, self.min_rows))))


class MemoryRows(Rows):
    """Rows of an array or a CSR matrix, or some of them by position. No data are copied before they are used.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_rows, n_features)
        Features.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Index of the one output that is on in each row, or the probability of each.
    weight : ndarray of shape (n_rows,), optional
        How often each row counts.
    n_outputs : int
        Number of outputs.
    workers : Workers, optional
        Threads; by default there is one.
    sizes : BlockSizes, optional
        How many rows are worked on at a time.
    """

    resident = True
    sizes = BlockSizes()

    def __init__(
        self,
        X: Any,
        y: Array,
        weight: Array | None = None,
        *,
        n_outputs: int,
        workers: Workers = ONE_THREAD,
        sizes: BlockSizes | None = None,
    ) -> None:
        self.X = X
        self.y = y
        self.weight = weight
        self.n_outputs = n_outputs
        self.workers = workers
        if sizes is not None:
            self.sizes = sizes
        self.positions: slice | Array = slice(0, X.shape[0])
        self.n_rows, self.n_features = X.shape
        self.weighted = weight is not None
        self.dtype = X.dtype
        dense = isinstance(X, np.ndarray)
        # Sparse data count without their row pointers.
        self.nbytes = int(X.nbytes if dense else X.data.nbytes + X.indices.nbytes)
        self.bytes_per_row = max(1, self.nbytes / self.n_rows)
        self.block_rows = self.sizes.rows_in_block(self, X.size if dense else X.nnz)

    def sum(self, function: Callable[[Part], tuple[Any, ...]]) -> list[Any]:
        """Return the sum over all rows of a function of a part; see :meth:`Rows.sum`."""
        if self.n_rows <= self.block_rows:
            return [term() if callable(term) else term for term in function(self.take(slice(0, self.n_rows)))]
        n_blocks = -(-self.n_rows // self.block_rows)
        dtype = np.float64 if n_blocks > self.sizes.few_blocks else None
        sums = _OrderedSums(lambda rows: function(self.take(rows)), dtype, self.workers.n_threads - 1)
        deque(self.workers.map(sums.add, enumerate(gen_even_slices(self.n_rows, n_blocks))), maxlen=0)
        return list(chain.from_iterable(group.total for group in sums.groups))

    def each(self, function: Callable[[Part], Any], max_rows: int | None = None) -> Iterator[Any]:
        """Yield a function of each part; see :meth:`Rows.each`."""
        size = self.block_rows if max_rows is None else max_rows
        return self.workers.map(lambda rows: function(self.take(rows)), gen_batches(self.n_rows, size))

    def take(self, rows: slice | Array) -> Part:
        """Return some rows; see :meth:`Rows.take`."""
        positions = _without_gaps(self._positions_of(rows))
        weight = None if self.weight is None else select(self.weight, rows)
        return Part(select(self.X, positions), select(self.y, positions), weight)

    def subset(self, rows: slice | Array) -> MemoryRows:
        """Return some rows; their data stay where they are."""
        return self.reweighted(rows, None if self.weight is None else select(self.weight, rows))

    def reweighted(self, rows: slice | Array, weight: Array | None) -> MemoryRows:
        """Return some rows with other weights; their data stay where they are."""
        part = object.__new__(MemoryRows)  # copy.copy would cost a tenth of a mini-batch
        part.__dict__.update(self.__dict__)
        part.positions = positions = self._positions_of(rows)
        part.n_rows = positions.stop - positions.start if isinstance(positions, slice) else len(positions)
        part.weight, part.weighted, part.mean_squares = weight, weight is not None, None
        return part

    def surely_finite(self) -> bool:
        """Return whether the sums of the columns are finite, as they are of finite numbers that are not huge.

        The means of dense columns are kept, and of unweighted rows that are not many the mean squares.
        """
        squares = not self.weighted and self.n_rows < self.sizes.few_rows

        def terms(part: Part) -> tuple[Any, ...]:
            return (part.column_totals(), part.column_squares()) if squares else (part.column_totals(),)

        with np.errstate(over="ignore", invalid="ignore"):
            if not isinstance(self.X, np.ndarray):
                return bool(np.isfinite(self.X.data.sum()))
            total, *total_of_squares = self.sum(terms)
        if not np.isfinite(total).all():
            return False
        self.means = total / self.n_rows
        for total in total_of_squares:
            self.mean_squares = total / self.n_rows
        return True

    def without_features(self) -> MemoryRows:
        """Return rows with the same targets and weights; see :meth:`Rows.without_features`."""
        bare = self.subset(slice(0, self.n_rows))
        bare.X, bare.n_features = np.empty((self.X.shape[0], 0), self.dtype), 0
        return bare

    def batches(self, batch_size: int, rng: np.random.RandomState | None = None) -> Iterator[MemoryRows]:
        """Yield consecutive batches of rows, in random order if `rng` is given."""
        ordered = self if rng is None else self.subset(rng.permutation(self.n_rows))
        for together in ordered._gathered(batch_size):
            for rows in gen_batches(together.n_rows, batch_size):
                yield together.subset(rows)

    def _gathered(self, batch_size: int) -> Iterable[MemoryRows]:
        """Return what has some batches each: itself, or rows that another thread gathers while others are in use."""
        n_batches = int(self.sizes.batch_bytes / self.bytes_per_row / batch_size)
        if isinstance(self.positions, slice) or n_batches == 0 or self.nbytes < self.sizes.min_bytes_for_batches:
            return [self]
        return self.workers.prefetch(self._copy, gen_batches(self.n_rows, n_batches * batch_size))

    def _copy(self, rows: slice) -> MemoryRows:
        """Return some rows with their data copied together."""
        copied = self.subset(rows)
        copied.X, copied.y, copied.weight = copied.take(slice(0, copied.n_rows))
        copied.positions = slice(0, copied.n_rows)
        return copied

    def _positions_of(self, rows: slice | Array) -> slice | Array:
        """Translate positions among these rows into positions in X."""
        if not isinstance(self.positions, slice):
            return self.positions[rows]
        if isinstance(rows, slice):
            return slice(self.positions.start + rows.start, self.positions.start + rows.stop)
        return self.positions.start + rows if self.positions.start else rows


def _without_gaps(positions: slice | Array) -> slice | Array:
    """Return positions as a slice where each is the one after the last: then no rows are copied.

    Most blocks of the training rows of a fold are such.
    """
    if isinstance(positions, slice) or len(positions) < 2 or positions[-1] - positions[0] != len(positions) - 1:
        return positions
    return slice(int(positions[0]), int(positions[-1]) + 1) if (np.diff(positions) == 1).all() else positions


def _groups(terms: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield the terms that are there already, then each late one, computed only then."""
    there: list[Any] = []
    late: list[Callable[[], Any]] = []
    for term in terms:
        (late if callable(term) else there).append(term)
    yield there
    for compute in late:
        yield [compute()]


@dataclass
class _Group:
    """Sums of terms that are added together: what there is, which block is the next, and terms that wait for it."""

    total: list[Any] = field(default_factory=list)
    next: int = 0
    early: dict[int, Sequence[Any]] = field(default_factory=dict)


class _OrderedSums:
    """Sums of a function's terms; each thread adds what it computes.

    The order is always the same, so that results do not depend on the number of threads.

    Parameters
    ----------
    function : callable
        Maps rows to terms: see :meth:`Rows.sum`.
    dtype : dtype or None
        That of the sums; None for that of the terms.
    n_early : int
        Groups of terms that may wait for those of a block before them, while their threads go on. A thread with a
        further one waits itself.
    """

    def __init__(self, function: Callable[[slice], Iterable[Any]], dtype: Any, n_early: int) -> None:
        self.function, self.dtype, self.n_early = function, dtype, n_early
        self.groups: list[_Group] = []
        self.failed = False
        self.turn = Condition()

    def add(self, numbered: tuple[int, slice]) -> None:
        """Add the terms of some rows, after those of all lower numbers."""
        number, rows = numbered
        try:
            for position, terms in enumerate(_groups(self.function(rows))):
                self._add(position, number, terms)
        except BaseException:
            with self.turn:
                self.failed = True  # nobody shall wait for these terms
                self.turn.notify_all()
            raise

    def _add(self, position: int, number: int, terms: Sequence[Any]) -> None:
        with self.turn:
            if position == len(self.groups):
                self.groups.append(_Group())
            group = self.groups[position]
            self.turn.wait_for(lambda: number == group.next or len(group.early) < self.n_early or self.failed)
            group.early[number] = terms
            while group.next in group.early:
                group.total = _added(group.total, group.early.pop(group.next), self.dtype)
                group.next += 1
            self.turn.notify_all()


def total(tuples: Iterable[Sequence[Any]], dtype: Any = None) -> list[Any]:
    """Add up tuples of terms one by one, in a dtype or in their own; a tuple that is alone stays as it is.

    The first tuple's arrays may be overwritten.
    """
    sums: list[Any] = []
    for terms in tuples:
        sums = _added(sums, terms, dtype)
    return sums


def _added(sums: list[Any], terms: Sequence[Any], dtype: Any) -> list[Any]:
    """Return sums with further terms, in place where they have the dtype; the terms themselves if there are no sums."""
    if not sums:
        return [np.asarray(term, dtype) for term in terms]
    for i, term in enumerate(terms):
        precision = np.result_type(sums[i], term) if dtype is None else dtype
        out = sums[i] if sums[i].dtype == precision else None
        sums[i] = np.asarray(np.add(sums[i], term, out=out, dtype=precision))
    return sums
