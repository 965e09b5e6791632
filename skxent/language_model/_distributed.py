"""Counts of a corpus made by the workers of a Dask cluster, and added as a tree.

Counts add up exactly, so that a model of them is the model of the whole text. A worker counts its part with one
thread and sends a table of words; what comes back is one table. Nothing here imports scikit-learn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from skxent.language_model._corpus import CorpusCounts, count_files, merge_counts

__all__ = ["count_files_on_workers", "count_on_workers", "is_distributed"]

# Tables added by a task.
_TABLES_TOGETHER = 8
# Bytes of files counted by a task: some seconds of work, against milliseconds that a task costs.
_BYTES_TOGETHER = 64_000_000


def is_distributed(X: Any) -> bool:
    """Return whether documents are a collection of Dask."""
    return hasattr(X, "__dask_graph__")


def count_on_workers(count: Callable[[Iterable[Any]], CorpusCounts], documents: Any) -> CorpusCounts:
    """Count the documents of a bag where its partitions are.

    Parameters
    ----------
    count : callable
        Counts a list of documents. It is sent to the workers.
    documents : dask.bag.Bag
        Documents.

    Returns
    -------
    CorpusCounts
        Exactly those of all documents.

    Raises
    ------
    TypeError
        If the collection is not a bag.
    """
    import dask.bag

    if not isinstance(documents, dask.bag.Bag):
        raise TypeError(
            f"X is a {type(documents).__module__}.{type(documents).__qualname__}; of Dask's collections only a bag "
            "holds documents: dask.bag.from_sequence(paths), or frame['text'].to_bag()."
        )
    return _added([dask.delayed(_count_listed)(count, part) for part in documents.to_delayed()])


def count_files_on_workers(paths: Sequence[str | Path], address: str, **options: Any) -> CorpusCounts:
    """Count files that the workers of a cluster can read, like :func:`count_files`.

    Parameters
    ----------
    paths : sequence of str or Path
        Files under the same names here and there, such as those of shared storage.
    address : str
        Address of the cluster's scheduler, such as ``"tcp://10.0.0.1:8786"``.
    **options
        Of :func:`count_files`, but for `n_jobs` and `progress`.

    Returns
    -------
    CorpusCounts
        Exactly those of one process.

    Raises
    ------
    ImportError
        If Dask is not installed.
    OSError
        If there is no cluster at the address.
    """
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise ImportError("counting on a cluster needs Dask: pip install 'skxent[dask]'.") from error
    absolute = [os.path.abspath(path) for path in paths]
    with Client(address):
        return _added([dask.delayed(_count_named)(group, options) for group in _groups(absolute)])


def _groups(paths: Sequence[str]) -> Iterator[list[str]]:
    """Put small files together, in their order."""
    group: list[str] = []
    n_bytes = 0
    for path in paths:
        group.append(path)
        n_bytes += os.path.getsize(path)
        if n_bytes >= _BYTES_TOGETHER:
            yield group
            group, n_bytes = [], 0
    if group:
        yield group


def _added(parts: list[Any]) -> CorpusCounts:
    import dask

    while len(parts) > 1:
        groups = [parts[i : i + _TABLES_TOGETHER] for i in range(0, len(parts), _TABLES_TOGETHER)]
        parts = [dask.delayed(merge_counts)(group) for group in groups]
    counts: CorpusCounts = parts[0].compute()
    return counts


def _count_listed(count: Callable[[Iterable[Any]], CorpusCounts], documents: Iterable[Any]) -> CorpusCounts:
    return count(list(documents))


def _count_named(paths: list[str], options: dict[str, Any]) -> CorpusCounts:
    return count_files(paths, **options, n_jobs=1)
