"""Counts of a corpus made by the workers of a Dask cluster, and added as a tree.

Counts add up exactly, so that a model of them is the model of the whole text. A worker counts its part with one
thread and sends a table of words; what comes back is one table. Nothing here imports scikit-learn.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skxent.language_model._corpus import CorpusCounts, count_files, merge_counts

__all__ = ["count_files_on_workers", "count_on_workers", "is_distributed"]

# Tables added by a task.
_TABLES_TOGETHER = 8
# Bytes of files counted by a task: some seconds of work, against milliseconds that a task costs.
_BYTES_TOGETHER = 64_000_000
# Seconds to wait for the first worker, as long as for the scheduler.
_SECONDS_FOR_WORKERS = 30


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
    counts: CorpusCounts = _added(
        [dask.delayed(_count_listed)(count, part) for part in documents.to_delayed()]
    ).compute()
    return counts


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
    ValueError
        If the address is none.
    OSError
        If there is no scheduler at the address, if it has no workers, or if a worker cannot read a file or finds
        another one under its name.
    """
    try:
        import dask
    except ImportError as error:
        raise ImportError("counting on a cluster needs Dask: pip install 'skxent[dask]'.") from error
    absolute = [os.path.abspath(path) for path in paths]
    with _connected(address) as client:
        parts = [dask.delayed(_count_named)(group, options) for group in _groups(absolute)]
        counts: CorpusCounts = client.compute(_added(parts)).result()
        return counts


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Connect to a scheduler that has workers; errors say what is missing at which address."""
    from distributed import Client

    try:
        client = Client(address, set_as_default=False)  # one that fails would stay the default
    except ValueError as error:
        raise ValueError(f"{address!r} is no address of a scheduler: {error}. One is tcp://10.0.0.1:8786.") from error
    except OSError as error:
        problem = f"no scheduler of Dask answers: {error}. Is the address right, and does it run (dask scheduler)?"
        raise OSError(errno.EHOSTUNREACH, problem, address) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS_FOR_WORKERS)
        except TimeoutError as error:
            problem = (
                f"the scheduler has no workers after {_SECONDS_FOR_WORKERS} s; start some (dask worker {address})."
            )
            raise OSError(errno.EHOSTUNREACH, problem, address) from error
        yield client


def _groups(paths: Sequence[str]) -> Iterator[list[tuple[str, int]]]:
    """Put small files together, in their order, with their sizes."""
    group: list[tuple[str, int]] = []
    n_bytes = 0
    for path in paths:
        size = os.path.getsize(path)
        group.append((path, size))
        n_bytes += size
        if n_bytes >= _BYTES_TOGETHER:
            yield group
            group, n_bytes = [], 0
    if group:
        yield group


def _added(parts: list[Any]) -> Any:
    """Return the task that adds counts, as a tree."""
    import dask

    while len(parts) > 1:
        groups = [parts[i : i + _TABLES_TOGETHER] for i in range(0, len(parts), _TABLES_TOGETHER)]
        parts = [dask.delayed(merge_counts)(group) for group in groups]
    return parts[0]


def _count_listed(count: Callable[[Iterable[Any]], CorpusCounts], documents: Iterable[Any]) -> CorpusCounts:
    return count(list(documents))


def _count_named(files: list[tuple[str, int]], options: dict[str, Any]) -> CorpusCounts:
    """Count files on a worker, where they must be those that were named, of the same sizes."""
    for path, size in files:
        _require_file(path, size)
    return count_files([path for path, _ in files], **options, n_jobs=1)


def _require_file(path: str, size: int) -> None:
    try:
        with open(path, "rb"):
            found = os.path.getsize(path)
        problem = f"it has {found} bytes there and {size} here"
    except OSError as error:
        found, problem = None, f"{error.strerror}"
    if found != size:
        from socket import gethostname  # it takes time to import, which every command would spend

        advice = "files must be on storage that all workers share, under the same names."
        raise OSError(errno.ENOENT, f"a worker ({gethostname()}) cannot read this file: {problem}; {advice}", path)
