"""Some rows as rows of their own, of any kind of rows. Only rows in memory can do so without a copy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.utils import gen_batches

from skxent._typing import Array
from skxent.rows._memory import MemoryRows
from skxent.rows._rows import Rows

__all__ = ["batches", "reweighted", "subset"]


def subset(rows: Rows, positions: slice | Array) -> MemoryRows:
    """Return some rows, by position.

    Parameters
    ----------
    rows : Rows
        Rows to take them from.
    positions : slice or ndarray of int
        Which.

    Returns
    -------
    MemoryRows
        The rows, of which no data are copied if `rows` are in memory themselves.
    """
    if isinstance(rows, MemoryRows):
        return rows.subset(positions)
    part = rows.take(positions)
    return MemoryRows(part.X, part.y, part.weight, n_outputs=rows.n_outputs)


def reweighted(rows: Rows, positions: Array, weight: Array | None) -> MemoryRows:
    """Return some rows with other weights; None: each of them counts once. See :func:`subset`."""
    if isinstance(rows, MemoryRows):
        return rows.reweighted(positions, weight)
    part = rows.take(positions)
    return MemoryRows(part.X, part.y, weight, n_outputs=rows.n_outputs)


def batches(rows: Rows, batch_size: int, rng: np.random.RandomState | None = None) -> Iterator[MemoryRows]:
    """Yield consecutive batches of rows, in random order if `rng` is given."""
    if isinstance(rows, MemoryRows):
        yield from rows.batches(batch_size, rng)
        return
    order = None if rng is None else rng.permutation(rows.n_rows)
    for positions in gen_batches(rows.n_rows, batch_size):
        yield subset(rows, positions if order is None else order[positions])
