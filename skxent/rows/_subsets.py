"""Some rows as rows of their own, of any kind of rows. Rows in memory are never copied."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.utils import gen_batches

from skxent._parallel import read_ahead
from skxent._typing import Array
from skxent.rows._memory import MemoryRows
from skxent.rows._part import Part, joined
from skxent.rows._rows import Rows

__all__ = ["batches", "reweighted", "subset", "with_features"]

# Bytes of rows whose order is shuffled together, where rows are read in pieces.
_SHUFFLED_BYTES = 32_000_000


def subset(rows: Rows, positions: slice | Array) -> Rows:
    """Return some rows, by position.

    Parameters
    ----------
    rows : Rows
        Rows to take them from.
    positions : slice or ndarray of int
        Which.

    Returns
    -------
    Rows
        The rows. No data are copied if `rows` are in memory, or if they are elsewhere and the positions are sorted and
        too many for a copy of ``rows.sample_bytes``.
    """
    if isinstance(rows, MemoryRows):
        return rows.subset(positions)
    if isinstance(positions, slice):
        positions = np.arange(positions.start, positions.stop)
    if len(positions) * rows.bytes_per_row > rows.sample_bytes and (np.diff(positions) > 0).all():
        selected = rows.selected(positions)
        if selected is not None:
            return selected
    return _in_memory(rows, rows.take(positions))


def reweighted(rows: Rows, positions: Array, weight: Array | None) -> Rows:
    """Return some rows with other weights; None: each of them counts once. See :func:`subset`."""
    if isinstance(rows, MemoryRows):
        return rows.reweighted(positions, weight)
    if len(positions) * rows.bytes_per_row > rows.sample_bytes:
        chosen = rows.reweighted(positions, weight)
        if chosen is not None:
            return chosen
    return _in_memory(rows, rows.take(positions)._replace(weight=weight))


def with_features(rows: Rows, X: Array) -> MemoryRows:
    """Return all rows in memory with other features."""
    return _in_memory(rows, rows.take(slice(0, rows.n_rows))._replace(X=X))


def batches(rows: Rows, batch_size: int, rng: np.random.RandomState | None = None) -> Iterator[Rows]:
    """Yield consecutive batches of rows, in random order if `rng` is given.

    Rows that are not in memory are read in large pieces that lie together, in random order, and rows are shuffled among
    a few pieces. So one pass reads the data once. All batches but the last have the same size.
    """
    if isinstance(rows, MemoryRows):
        yield from rows.batches(batch_size, rng)
        return
    left: list[Part] = []
    for part in read_ahead(lambda pieces: joined([rows.take(piece) for piece in pieces]), _windows(rows, rng)):
        together = _in_memory(rows, joined([*left, part]))
        order = np.arange(together.n_rows) if rng is None else rng.permutation(together.n_rows)
        whole = together.n_rows - together.n_rows % batch_size
        for chosen in gen_batches(whole, batch_size):
            yield together.subset(order[chosen])
        left = [together.take(order[whole:])] if whole < together.n_rows else []
    if left:
        yield _in_memory(rows, left[0])


def _windows(rows: Rows, rng: np.random.RandomState | None) -> Iterator[list[slice]]:
    """Yield the pieces whose rows are shuffled together."""
    pieces = rows.pieces()
    if rng is not None and len(pieces) > 1:
        pieces = [pieces[i] for i in rng.permutation(len(pieces))]
    n_rows = _SHUFFLED_BYTES / rows.bytes_per_row
    window: list[slice] = []
    for piece in pieces:
        window.append(piece)
        if sum(piece.stop - piece.start for piece in window) >= n_rows:
            yield window
            window = []
    if window:
        yield window


def _in_memory(rows: Rows, part: Part) -> MemoryRows:
    return MemoryRows(*part, n_outputs=rows.n_outputs, workers=rows.workers)
