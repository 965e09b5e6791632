"""What users hand over as data, told apart: only here does the type of X decide where rows are read and summed."""

from __future__ import annotations

from typing import Any

import numpy as np

from skxent._parallel import ONE_THREAD, Workers
from skxent._typing import Array
from skxent.rows._disk import DiskRows
from skxent.rows._memory import MemoryRows
from skxent.rows._rows import SAMPLE_BYTES, Rows
from skxent.rows._source import Source

__all__ = ["opened", "refuse_lazy", "rows_of"]

# Methods of collections that are computed on demand; to make an array of one may take all the memory there is.
_LAZY = ("compute", "collect", "execute", "toPandas")


def opened(X: Any, y: Any = None, *, maps: bool = True) -> Any:
    """Return the source of data that are not in memory, or None if they are.

    Parameters
    ----------
    X : object
        Features: a source, a lazy frame, a memory map of more than 256 MB, or an array in chunks, such as Zarr's.
    y : object, optional
        Targets. A string is the name of the target's column.
    maps : bool, default=True
        Whether memory maps count as data outside memory.

    Returns
    -------
    Source or None
        The source.

    Raises
    ------
    ValueError
        If `y` is the name of a column and the data have no named columns.
    """
    source = _source(X, maps)
    if not isinstance(y, str):
        return source
    if not hasattr(source, "with_target"):
        raise ValueError(
            f"y={y!r} names a column, but X, a {_type_name(X)}, has no named columns outside memory. Pass the targets."
        )
    return source.with_target(y)


def _source(X: Any, maps: bool) -> Any:
    if isinstance(X, Source):
        return X
    if isinstance(X, np.ndarray):
        large = maps and isinstance(X, np.memmap) and X.filename is not None and X.nbytes > SAMPLE_BYTES
        return _readers().ArrayBlocks(X) if large and X.ndim == 2 and X.dtype.kind != "O" else None
    if type(X).__name__ == "LazyFrame" and type(X).__module__.startswith("polars."):
        return _readers().FrameBlocks(X)
    if all(hasattr(type(X), name) for name in ("shape", "dtype", "chunks", "__getitem__")):
        return _readers().ArrayBlocks(X)
    return None


def _readers() -> Any:
    from skxent.rows import _readers

    return _readers


def refuse_lazy(**values: Any) -> None:
    """Raise an error for values that are computed on demand, rather than make arrays of them.

    Parameters
    ----------
    **values : object
        Arguments by name.

    Raises
    ------
    TypeError
        If one is a lazy collection or a source; the message names it.
    """
    for name, value in values.items():
        if isinstance(value, Source) or any(hasattr(type(value), method) for method in _LAZY):
            raise TypeError(
                f"{name} is a {_type_name(value)}, which is not in memory, and is not read as a whole without being "
                "asked. Make an array of it if it is small. skxent.rows has readers for features that are not in "
                "memory; their targets come with them or are arrays."
            )


def _type_name(value: Any) -> str:
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__qualname__}"


def rows_of(X: Any, y: Array, weight: Array | None, *, n_outputs: int, workers: Workers = ONE_THREAD) -> Rows:
    """Return rows of features in memory or of a source; see :class:`MemoryRows` and :class:`DiskRows`."""
    kind: Any = DiskRows if isinstance(X, Source) else MemoryRows
    rows: Rows = kind(X, y, weight, n_outputs=n_outputs, workers=workers)
    return rows
