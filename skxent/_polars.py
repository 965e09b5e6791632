"""Polars, imported when it is first used: that takes longer than to import NumPy, and many runs can do without."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["pl"]


class _Polars:
    """Stands for the module until one of its names is asked for."""

    def __getattr__(self, name: str) -> Any:
        """Import Polars, and keep the name, so that this is asked once."""
        value = getattr(importlib.import_module("polars"), name)
        setattr(self, name, value)
        return value


if TYPE_CHECKING:
    import polars as pl
else:
    pl = _Polars()
