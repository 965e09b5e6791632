"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["atomic_write"]


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a file beside the place; it is renamed to the place in the end, and removed if anything went wrong.

    A link stays a link. What is not a regular file, such as a pipe or ``/dev/stdout``, is written directly.

    Yields
    ------
    Path
        The file to write, in the same folder, with another name.

    Raises
    ------
    OSError
        If it cannot be written. It names the place.
    """
    place = Path(path)
    if place.exists() and not place.is_file():
        yield place
        return
    place = Path(os.path.realpath(place)) if place.is_symlink() else place
    part = place.with_name(f"{place.name}.{os.getpid()}.part")
    try:
        yield part
        if place.exists():
            shutil.copymode(place, part)
        os.replace(part, place)
    except OSError as error:
        if str(error.filename) == str(part):
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
