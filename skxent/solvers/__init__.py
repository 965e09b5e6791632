"""Solvers: plain functions that see only the objective.

A solver is a module of this package with a function
``solve(objective, w0, *, max_iter, tol, callback, ...) -> Result``. Its further keyword arguments are
those parameters of the estimators that it uses. Adding a solver is adding its file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

__all__ = ["available", "load"]


def available() -> list[str]:
    """Return the names of the solvers."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str) -> Callable[..., Any]:
    """Return the ``solve`` function of the solver with this name."""
    solve: Callable[..., Any] = importlib.import_module(f"{__name__}.{name}").solve
    return solve
