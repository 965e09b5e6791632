"""Checks for the parts that users write: losses, solvers, smoothing methods, and rows.

Each raises an :class:`AssertionError` that names what failed, by how much, and what to do about it.
"""

from skxent.testing._loss import check_loss
from skxent.testing._rows import check_rows
from skxent.testing._smoothing import check_smoothing
from skxent.testing._solver import check_solver

__all__ = ["check_loss", "check_rows", "check_smoothing", "check_solver"]
