"""A limit to the processor time that a measure may take.

Some densities of SciPy cost milliseconds a value, and some quantiles seconds. Nothing here hangs: long work goes
in pieces, and between two pieces somebody looks at the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np

from skxent._typing import Array

__all__ = ["Deadline"]

# Points in the first piece of an evaluation, and how many times longer each next piece is.
_FIRST_PIECE = 32
_GROWTH = 8
# The clock of the processor is looked at after this part of the time, and then a tenth of it apart: it may cost a call
# of the operating system, the time of day does not.
_LOOK = 0.05
# A piece that took more than this part of all the time is not made longer.
_LONG_PIECE = 1 / 50


class Deadline:
    """The end of the time that a calculation may take.

    It counts the processor time of its thread, so that the outcome does not depend on what else runs.

    Parameters
    ----------
    seconds : float
        Above 0; ``math.inf`` for no limit.
    """

    def __init__(self, seconds: float) -> None:
        if not seconds > 0:
            raise ValueError(f"time_limit must be above 0 seconds, got {seconds!r}.")
        self.seconds = seconds
        self.allowed = seconds
        self._start = self._looked = time.perf_counter()
        self._used: float | None = None
        self._offset = 0.0

    def spent(self) -> float:
        """Return the processor time since the start, or slightly more; at first the time of day stands for it."""
        now = time.perf_counter()
        if now - self._start < _LOOK * self.seconds:
            return now - self._start
        if self._used is None:
            self._used = now - self._start
            self._offset = time.thread_time() - self._used
        elif now - self._looked > _LOOK / 10 * self.seconds:
            self._used = time.thread_time() - self._offset
            self._looked = now
        return self._used

    @contextmanager
    def share(self, part: float) -> Iterator[None]:
        """Grant only a part of the time that is left to what is done inside."""
        allowed, spent = self.allowed, self.spent()
        self.allowed = spent + part * max(allowed - spent, 0)
        try:
            yield
        finally:
            self.allowed = allowed

    def check(self) -> None:
        """Raise a TimeoutError after the end."""
        if self.spent() > self.allowed:
            raise TimeoutError(
                f"No result within {self.seconds:g} seconds of processor time, since SciPy takes long to evaluate "
                "a distribution; pass a larger time_limit."
            )

    def watch(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with a look at the clock before every call."""

        @wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.check()
            return function(*args, **kwargs)

        return watched

    def in_pieces(self, function: Callable[[Array], Array], x: Array) -> Array:
        """Evaluate an elementwise function, in pieces as long as the clock allows."""
        values, start, size = [], 0, _FIRST_PIECE
        while start < len(x):
            self.check()
            began = time.perf_counter()
            values.append(function(x[start : start + size]))
            start += size
            if time.perf_counter() - began < _LONG_PIECE * self.seconds:
                size *= _GROWTH
        return np.concatenate(values) if values else np.zeros(0)
