"""Units of information, nats, bits or those of any other base, and of effort."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["TIME_LIMIT", "in_base", "nats_per_unit"]

# Seconds of processor time for one value of a distribution, unless the caller says otherwise.
TIME_LIMIT = 2.0


def in_base(nats: Any, base: float | None) -> Any:
    """Convert nats, a float or an array, to the unit of `base`, and turn -0.0 into 0.0."""
    return nats / nats_per_unit(base) + 0.0


def nats_per_unit(base: float | None) -> float:
    """Return the natural logarithm of `base`, 1 for None.

    Raises
    ------
    ValueError
        If `base` is not above 1.
    """
    if base is None:
        return 1.0
    try:
        proper = 1 < base < math.inf
    except TypeError:  # a text, say
        proper = False
    if not proper:
        raise ValueError(f"base must be above 1, such as 2 for bits, or None for nats; got {base!r}.")
    return math.log(base)
