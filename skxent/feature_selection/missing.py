"""What counts as a missing value among Python objects."""

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def missing_in(values: Iterable[Any]) -> NDArray[np.bool_]:
    """Tell which values are None, NaN, NaT or pandas' NA.

    Examples
    --------
    >>> missing_in(["a", None, float("nan"), np.datetime64("NaT"), 0])
    array([False,  True,  True,  True, False])
    """
    na = getattr(sys.modules.get("pandas"), "NA", None)  # it refuses to be compared, as an array does
    return np.array(
        [value is None or value is na or (type(value) is not np.ndarray and value != value) for value in values],
        dtype=bool,
    )
