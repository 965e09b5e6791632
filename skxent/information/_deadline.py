"""A limit to the processor time that a measure may take.

Some densities of SciPy cost milliseconds a value, and some quantiles seconds. Nothing here hangs: long work goes
in pieces, and between two pieces somebody looks at the clock.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np

from skxent._typing import Array

__all__ = ["Deadline"]

# Points in the first piece of an evaluation, and how much longer each next piece is.
_FIRST_PIECE = 32
_GROWTH = 8
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
        self.end = time.thread_time() + seconds

    @contextmanager
    def share(self, part: float) -> Iterator[None]:
        """Grant only a part of the time that is left to what is done inside."""
        end = self.end
        self.end -= (1 - part) * max(end - time.thread_time(), 0)
        try:
            yield
        finally:
            self.end = end

    def check(self) -> None:
        """Raise a TimeoutError after the end."""
        if time.thread_time() > self.end:
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
            began = time.thread_time()
            values.append(function(x[start : start + size]))
            start += size
            if time.thread_time() - began < _LONG_PIECE * self.seconds:
                size *= _GROWTH
        return np.concatenate(values) if values else np.zeros(0)
