"""What users hand over as data, told apart: only here does the type of X decide where rows are read and summed."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getattr_static
from typing import Any

import numpy as np

from skxent._parallel import ONE_THREAD, Workers
from skxent._typing import Array
from skxent.rows._disk import DiskRows
from skxent.rows._memory import MemoryRows
from skxent.rows._rows import SAMPLE_BYTES, Rows
from skxent.rows._source import Source

__all__ = ["label_counts", "on_parts", "opened", "rows_of"]


def opened(X: Any, y: Any = None, sample_weight: Any = None, *, maps: bool = True) -> Any:
    """Return a source of data that are not in memory, or None if they are.

    Parameters
    ----------
    X : object
        Features: a source, a lazy frame, a memory map of more than 256 MB, an array in chunks, such as Zarr's, or an
        array or a frame of Dask.
    y : object, optional
        Targets. A string is the name of the target's column.
    sample_weight : object, optional
        Weights. A string is the name of their column.
    maps : bool, default=True
        Whether memory maps count as data outside memory.

    Returns
    -------
    Source, DaskTable or None
        What offers ``header``, ``checked``, ``map`` and ``mean``.

    Raises
    ------
    ValueError
        If `y` or `sample_weight` is the name of a column and the data have no named columns, or not this one.
    """
    source = _source(X, maps)
    names = {name: value for name, value in (("y", y), ("sample_weight", sample_weight)) if isinstance(value, str)}
    for name, column in names.items():
        if not hasattr(source, "with_columns"):
            raise ValueError(
                f"{name}={column!r} names a column, but X, a {_type_name(X)}, has no named columns outside memory. "
                f"Pass the {'targets' if name == 'y' else 'weights'}."
            )
    return source.with_columns(names.get("y"), names.get("sample_weight")) if names else source


def _source(X: Any, maps: bool) -> Any:
    if isinstance(X, Source):
        return X
    if hasattr(X, "__dask_graph__"):
        return _dask().DaskTable(X)
    if isinstance(X, np.ndarray):
        large = maps and isinstance(X, np.memmap) and X.filename is not None and X.nbytes > SAMPLE_BYTES
        return _readers().ArrayBlocks(X) if large and X.ndim == 2 and X.dtype.kind != "O" else None
    if type(X).__name__ == "LazyFrame" and type(X).__module__.startswith("polars."):
        return _readers().FrameBlocks(X)
    # A column of a frame is no attribute in this sense.
    if all(getattr_static(X, name, None) is not None for name in ("shape", "dtype", "chunks", "__getitem__")):
        return _readers().ArrayBlocks(X)
    return None


def _readers() -> Any:
    from skxent.rows import _readers

    return _readers


def _dask() -> Any:
    """Import the module that imports Dask, which is there if one of its collections is."""
    from skxent.rows import _dask

    return _dask


def _type_name(value: Any) -> str:
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__qualname__}"


def rows_of(X: Any, y: Array, weight: Array | None, *, n_outputs: int, workers: Workers = ONE_THREAD) -> Rows:
    """Return rows of features in memory, of a source or of a table that :func:`opened` has returned."""
    kind: Any = MemoryRows
    if isinstance(X, Source):
        kind = DiskRows
    elif hasattr(X, "parts"):
        kind = _dask().DaskRows
    rows: Rows = kind(X, y, weight, n_outputs=n_outputs, workers=workers)
    return rows


def on_parts(function: Callable[..., Any], values: Any, *others: Any) -> Any:
    """Return a function of arrays, or of each part of columns that lie elsewhere; one of them may be None."""
    return values.map(function, *others) if hasattr(values, "map") else function(values, *others)


def label_counts(labels: Any, weight: Any, n_classes: int) -> Array:
    """Return how often each label occurs, weighted, of arrays or of columns that lie elsewhere."""

    def count(labels: Array, weight: Array | None) -> Array:
        return np.bincount(labels, weight, n_classes).astype(np.float64)

    return labels.add(count, weight) if hasattr(labels, "add") else count(labels, weight)
