"""Tasks of Dask and sums of what they return, in an order that depends on nothing but the partitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dask
import numpy as np
from dask.base import get_scheduler

from skxent.rows._memory import total

__all__ = ["add", "call", "compute", "has_client", "packed", "task", "tree", "unpacked"]

# Sums that a task adds. More would be added in one place after the other's end; fewer would be more tasks.
_SUMS_TOGETHER = 8


def task(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the task of a function, which runs where its arguments are."""
    return dask.delayed(function, pure=False, traverse=False)(*arguments)


def compute(tasks: Sequence[Any]) -> list[Any]:
    """Return the results of tasks, computed by the current client or the local scheduler."""
    try:
        return list(dask.compute(*tasks, optimize_graph=False, traverse=False))
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


def has_client() -> bool:
    """Return whether tasks run on the workers of a client rather than in this process."""
    owner = getattr(get_scheduler(), "__self__", None)
    return type(owner).__module__.startswith("distributed.")


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
