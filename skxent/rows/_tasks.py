"""Tasks of Dask, which of them take several partitions, and sums of what they return in a fixed order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dask
import numpy as np
from dask.base import get_scheduler

from skxent.rows._memory import total

__all__ = ["add", "bundles", "call", "compute", "has_client", "packed", "task", "tree", "unpacked"]

# Sums that a task adds. More would be added in one place after the other's end; fewer would be more tasks.
_SUMS_TOGETHER = 8


def task(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the task of a function, which runs where its arguments are."""
    return dask.delayed(function, pure=False, traverse=False)(*arguments)


def compute(tasks: Sequence[Any]) -> list[Any]:
    """Return the results of tasks, computed by the current client or the local scheduler."""
    with _explained():
        return list(dask.compute(*tasks, optimize_graph=False, traverse=False))


@contextmanager
def _explained() -> Iterator[None]:
    """Say what to do about errors that come from the workers."""
    try:
        yield
    except ModuleNotFoundError as error:
        error.add_note(
            "The workers lack this module, in which a loss, a solver or another object of yours is defined. Send it to "
            "them with client.upload_file, or by value with cloudpickle.register_pickle_by_value."
        )
        raise
    except Exception as error:
        if "Cancelled" not in type(error).__name__:
            raise
        raise RuntimeError(
            "data that a worker held are lost, and Dask does not know how to make them again: they were scattered, or "
            "their client has closed. Build the collection from files or arrays, not with client.scatter."
        ) from error


def _client() -> Any:
    """Return the client whose workers run tasks, or None if this process does."""
    owner = getattr(get_scheduler(), "__self__", None)
    return owner if type(owner).__module__.startswith("distributed.") else None


def has_client() -> bool:
    """Return whether tasks run on the workers of a client rather than in this process."""
    return _client() is not None


def bundles(parts: Sequence[Any], sizes: Sequence[int]) -> list[list[int]]:
    """Return which parts one task takes: those of a worker are divided among its threads.

    Parameters
    ----------
    parts : sequence of Delayed
        Parts that the workers keep.
    sizes : sequence of int
        How much work each part is.

    Returns
    -------
    list of list of int
        Sorted positions of the parts of each bundle. Without a client each part is on its own.
    """
    client = _client()
    if client is None:
        return [[index] for index in range(len(parts))]
    from distributed import futures_of, wait

    with _explained():
        futures = futures_of(list(parts))
        wait(futures)
        found = {str(key): sorted(workers) for key, workers in client.who_has(futures).items()}
    n_threads, held = client.nthreads(), _holders([found.get(str(part.key), []) for part in parts], sizes)
    workers = {worker: [index for index, other in enumerate(held) if other == worker] for worker in sorted({*held})}
    shares = (_shares(chosen, sizes, n_threads.get(worker, 1)) for worker, chosen in workers.items())
    return [bundle for bundles_of_worker in shares for bundle in bundles_of_worker]


def _holders(found: Sequence[Sequence[str]], sizes: Sequence[int]) -> list[str]:
    """Return a worker that holds each part, of several the one that has the least to do so far."""
    load: Counter[str] = Counter()
    chosen = []
    for workers, size in zip(found, sizes, strict=True):
        worker = min(workers, key=load.__getitem__, default="")
        load[worker] += size
        chosen.append(worker)
    return chosen


def _shares(found: list[int], sizes: Sequence[int], n_shares: int) -> list[list[int]]:
    """Divide parts into shares of about the same size."""
    chosen = np.array([sizes[index] for index in found], dtype=float)
    middles = np.cumsum(chosen) - chosen / 2
    share = (middles / chosen.sum() * n_shares).astype(int)
    return [np.array(found)[share == number].tolist() for number in range(n_shares) if (share == number).any()]


def tree(terms: list[Any], join: Callable[..., Any] | None = None) -> Any:
    """Return the task that adds the results of others, or joins them, in their order and by a tree of fixed shape."""
    while len(terms) > 1:
        groups = (terms[i : i + _SUMS_TOGETHER] for i in range(0, len(terms), _SUMS_TOGETHER))
        terms = [task(join or add, *group) for group in groups]
    return terms[0]


def add(*terms: Sequence[Any]) -> list[Any]:
    """Return the sums of lists of terms, in float64."""
    # A copy of the first, which adding overwrites and which the worker may keep for another task.
    first, *others = terms
    return total([[np.array(value) for value in first], *others], np.float64)


def packed(function: Callable[..., Any]) -> bytes:
    """Return a function as bytes, also one defined within another; what it names in skxent is not copied."""
    import cloudpickle

    sent: bytes = cloudpickle.dumps(function)
    return sent


def unpacked(sent: bytes) -> Any:
    """Return what :func:`packed` was given."""
    import cloudpickle

    return cloudpickle.loads(sent)


def call(sent: bytes, *arguments: Any) -> Any:
    """Call a function that has been packed."""
    return unpacked(sent)(*arguments)
