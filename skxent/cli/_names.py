"""Names of files that are not UTF-8, which Polars cannot hold, on their way through a table.

Python has such bytes as lone surrogates. Here they pass as characters of a private area of Unicode, and become what
they were when they are printed: bytes, or in JSON the escapes that Python reads back as the same name.
"""

from __future__ import annotations

import re

__all__ = ["hide_bytes", "show_bytes", "show_escapes"]

# Bytes that are not ASCII; how they are hidden, shown as Python has them, and written in JSON.
_BYTES = range(0x80, 0x100)
_HIDE = {0xDC00 + byte: 0x10FE00 + byte for byte in _BYTES}
_SHOW = {0x10FE00 + byte: 0xDC00 + byte for byte in _BYTES}
_ESCAPE = {0x10FE00 + byte: f"\\udc{byte:02x}" for byte in _BYTES}
# Any hidden byte.
_HIDDEN = re.compile(f"[{chr(0x10FE80)}-{chr(0x10FEFF)}]")


def hide_bytes(name: str) -> str:
    r"""Replace the bytes of a name that are not UTF-8.

    Examples
    --------
    >>> show_bytes(hide_bytes("caf\udce9")) == "caf\udce9"
    True
    """
    return name if name.isascii() else name.translate(_HIDE)


def show_bytes(text: str) -> str:
    """Put the bytes back, for standard output."""
    return text.translate(_SHOW) if _may_hide(text) else text


def show_escapes(text: str) -> str:
    r"""Put the bytes back as escapes of JSON.

    Examples
    --------
    >>> print(show_escapes(hide_bytes("caf\udce9")))
    caf\udce9
    """
    return text.translate(_ESCAPE) if _may_hide(text) else text


def _may_hide(text: str) -> bool:
    """Return whether any character is so high, which costs little to ask."""
    return not text.isascii() and _HIDDEN.search(text) is not None
