"""Matrices over the classes, checked."""
from __future__ import annotations
from typing import Any
import numpy as np
from skxent._typing import Array, Floats
__all__ = ["check_size", "check_square", "check_transition"]


def check_square(name: str, matrix: Any) -> Floats:
    """Return a square matrix of finite numbers."""
    try:
        values = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}={matrix!r} is not a matrix of numbers.") from None
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise ValueError(f"{name} has shape {values.shape}; it must be square, a row and a column for each class.")
    row, column = next(zip(*np.nonzero(~np.isfinite(values)), strict=True), (None, None))
    if row is not None:
        raise ValueError(f"{name}[{row}, {column}] is {values[row, column]}, which is not finite.")
    return values


def check_size(name: str, matrix: Floats, n_outcomes: int) -> Floats:
    if len(matrix) != n_outcomes:
        raise ValueError(f"{name} has shape {matrix.shape}, but there are {n_outcomes} outcomes.")
    return matrix
