"""Checks for the parts that users write: losses and smoothing methods.

Each raises an :class:`AssertionError` that names what failed, by how much, and what to do about it.
"""

from skxent.testing._smoothing import check_smoothing
from skxent.testing.losses import check_loss

__all__ = ["check_loss", "check_smoothing"]
