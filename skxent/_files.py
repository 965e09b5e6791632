"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """Give a file beside the place; it is renamed to the place in the end, and removed if anything went wrong.

    Yields
    ------
    Path
        The file to write, in the same folder, with another name.
    """
    place = Path(path)
    part = place.with_name(f"{place.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, place)
    finally:
        part.unlink(missing_ok=True)
