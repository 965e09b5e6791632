"""One line on a terminal that says how far the reading has come."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from types import TracebackType
from typing import TextIO

from skxent.language_model._decompress import is_regular_file

__all__ = ["Progress", "progress_line"]

# Characters of the bar.
_BAR = 24


class Progress:
    """Draws a bar once the work has taken ``delay`` seconds, and wipes it when the block ends.

    Parameters
    ----------
    enabled : bool
        Whether to draw at all.
    stream : file object, default=sys.stderr
        Where to draw.
    delay : float, default=1.5
        Seconds before the first drawing.
    interval : float, default=0.1
        Seconds between drawings.
    """

    def __init__(
        self, enabled: bool, *, stream: TextIO | None = None, delay: float = 1.5, interval: float = 0.1
    ) -> None:
        self._enabled = enabled
        self._stream = stream or sys.stderr
        self._begin = time.monotonic()
        self._next = self._begin + delay
        self._interval = interval
        self._drawn = False

    def __enter__(self) -> Progress:
        """Begin the work."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, well or not."""
        self.wipe()

    def start(self, task: str, paths: list[str]) -> Callable[[int], None]:
        """Begin a task on some files; the function returned is told of the bytes read, piece by piece."""
        total = cache(partial(_total_bytes, paths))  # asked for when it is drawn: it looks at every file
        begin, done = time.monotonic(), 0

        def advance(n_bytes: int) -> None:
            nonlocal done
            done += n_bytes
            if self._enabled and (now := time.monotonic()) >= self._next:
                self._next = now + self._interval
                self._draw(progress_line(task, done, total(), now - begin))

        return advance

    def wipe(self) -> None:
        """Remove the bar from the screen."""
        if self._drawn:
            self._drawn = False
            self._write("")

    def _draw(self, text: str) -> None:
        self._drawn = True
        self._write(text)

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\033[K{text}")
        self._stream.flush()


def progress_line(task: str, done: int, total: int | None, seconds: float) -> str:
    """Say how much is done, at what speed, and if the total is known how long the rest takes.

    Examples
    --------
    >>> progress_line("counting", 680_000_000, 2_000_000_000, 8.0)
    'counting [########................]  34 %   680 MB of 2,000 MB   85 MB/s   16 s left'
    >>> progress_line("counting", 20_000_000, 2_000_000_000, 8.0)
    'counting [........................]   1 %   20 MB of 2,000 MB   2 MB/s   13 min left'
    >>> progress_line("counting", 680_000_000, None, 8.0)
    'counting   680 MB   85 MB/s'
    """
    speed = done / max(seconds, 1e-9)
    if total is None or done > total:
        return f"{task}   {done / 1e6:,.0f} MB   {speed / 1e6:,.0f} MB/s"
    part = done / total
    bar = f"[{'#' * int(part * _BAR):.<{_BAR}}]"
    left = (total - done) / max(speed, 1e-9)
    rest = f"{left:,.0f} s" if left < 120 else f"{left / 60:,.0f} min"
    amount = f"{done / 1e6:,.0f} MB of {total / 1e6:,.0f} MB"
    return f"{task} {bar} {part:4.0%}   {amount}   {speed / 1e6:,.0f} MB/s   {rest} left".replace("%", " %")


def _total_bytes(paths: list[str]) -> int | None:
    """Bytes of the files, unless one of them is a stream."""
    return sum(map(os.path.getsize, paths)) if all(map(is_regular_file, paths)) else None
