"""``--smoothing list``: the methods."""

from __future__ import annotations

import inspect

from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.language_model import SMOOTHINGS

__all__ = ["list_smoothings"]


def list_smoothings(options: Options, progress: Progress, notes: Notes) -> None:
    """Print each method's name and what it is."""
    for name in SMOOTHINGS:
        print(f"{name:<22}{_plain((inspect.getdoc(SMOOTHINGS[name]) or '').partition(chr(10))[0])}")


def _plain(text: str) -> str:
    """Write the formulas of a docstring for a terminal."""
    for marked_up, plain in _PLAIN.items():
        text = text.replace(marked_up, plain)
    return text


_PLAIN = {
    ":math:": "",
    "`": "",
    "\\,": "",
    "\\max": "max",
    "\\delta": "δ",
    "\\gamma": "γ",
    "\\lambda": "λ",
    "\\mu": "μ",
}
