"""What a peer is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from _timing import Points
from problems import MiniBatches, Problem

__all__ = ["FULL_BATCH", "ONE_PASS", "FullBatch", "full_batch", "one_pass"]


@dataclass(frozen=True)
class FullBatch:
    """A solver that goes to the optimum.

    Attributes
    ----------
    run : callable
        From a problem and a limit in seconds to the points of a run.
    takes_sparse : bool
        Whether it takes sparse matrices.
    """

    run: Callable[[Problem, float], Points]
    takes_sparse: bool = False


Prepare = Callable[[MiniBatches], Callable[[], Any]]

FULL_BATCH: dict[str, FullBatch] = {}
ONE_PASS: dict[str, Prepare] = {}


def full_batch(name: str, *, takes_sparse: bool = False) -> Callable[[Callable[[Problem, float], Points]], Any]:
    """Return a decorator for a function from a problem and a limit in seconds to the points of a run."""

    def remember(run: Callable[[Problem, float], Points]) -> Callable[[Problem, float], Points]:
        FULL_BATCH[name] = FullBatch(run, takes_sparse)
        return run

    return remember


def one_pass(name: str) -> Callable[[Prepare], Prepare]:
    """Return a decorator for a function that prepares a pass, untimed, and returns a function that makes it."""

    def remember(prepare: Prepare) -> Prepare:
        ONE_PASS[name] = prepare
        return prepare

    return remember
