"""What every benchmark prints: the machine, tables, progress; and pictures. Imports nothing heavy by itself."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def machine() -> str:
    """Cores, memory and versions, in one line."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    packages = ("numpy", "scipy", "scikit-learn", "scikit-learn-intelex", "torch", "polars", "nltk", "skxent")
    versions = [f"{name} {found}" for name in packages if (found := _version(name))]
    return f"{os.cpu_count()} cores, {pages / 2**30:.0f} GiB, Python {platform.python_version()}, {', '.join(versions)}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def as_installed() -> dict[str, str]:
    """Return the environment for processes that are timed: Python keeps its compiled modules, as it normally does.

    An installed package has them; without them the modules of this project would be compiled at every start.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print an aligned Markdown table; the first column to the left, the others to the right."""
    lines = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    for first, *others in lines:
        cells = [first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]
        print(f"| {' | '.join(cells)} |", flush=True)


def progress(message: str) -> None:
    """Say what is running, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{message}", end="", file=sys.stderr, flush=True)


def say_missing(missing: dict[str, str]) -> None:
    """Say which peers are left out, and why."""
    for name, reason in missing.items():
        print(f"left out: {name} ({reason})", file=sys.stderr)


def read_tables(file: Path) -> dict[str, list[list[str]]]:
    """Read the tables of a file of results: the rows of cells below each heading, the header first."""
    tables: dict[str, list[list[str]]] = {}
    heading = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("|") and set(line) - set("|- :"):
            tables.setdefault(heading, []).append([cell.strip(" *") for cell in line.strip("|").split("|")])
    return tables


def panels(n: int, width: float, height: float, *, sharey: bool = False) -> tuple[Any, Sequence[Any]]:
    """Return a figure for a file, of that size in inches, and its `n` panels side by side."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.style.use("skxent.pictures")
    figure, axes = plt.subplots(1, n, figsize=(width, height), squeeze=False, sharey=sharey)
    return figure, axes[0]
