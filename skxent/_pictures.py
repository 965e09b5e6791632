"""Axes that displays draw on, and their colours, which are those of the style in use."""

from __future__ import annotations

from typing import Any

import numpy as np

from skxent._typing import Array

__all__ = ["FIRST", "GREY", "SECOND", "STYLE", "axes_for", "plain_numbers"]

# The style of the project's own pictures, as matplotlib finds it: ``pictures.mplstyle`` in this package.
STYLE = "skxent.pictures"

# Displays keep to the reader's style, and so to its first two colours.
FIRST, SECOND = "C0", "C1"

# The colour of what is drawn only to compare with.
GREY = "0.45"


def axes_for(display: Any, ax: Any, n_axes: int = 1, size: tuple[float, float] = (6.0, 4.5)) -> Array:
    """Return the axes given, or those of a new figure.

    Parameters
    ----------
    display : object
        The display that draws; messages name its class.
    ax : Axes, array-like of Axes, or None
        What the user gave.
    n_axes : int, default=1
        How many it needs.
    size : tuple of float, default=(6.0, 4.5)
        Width and height of each in inches, for a new figure.

    Returns
    -------
    ndarray of Axes, of shape (n_axes,)
        Where to draw.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there are more or fewer axes than needed, or these are none.
    """
    name = type(display).__name__
    if ax is None:
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError(f"{name} draws with matplotlib: pip install matplotlib") from error
        _, ax = plt.subplots(1, n_axes, figsize=(n_axes * size[0], size[1]), layout="constrained")
    axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
    if not all(hasattr(one, "plot") for one in axes):
        raise ValueError(f"{name} needs {n_axes} axes of matplotlib here; ax is {ax!r}.")
    if len(axes) != n_axes:
        raise ValueError(f"{name} needs {n_axes} axes here; ax has {len(axes)}.")
    return axes


def plain_numbers(axis: Any) -> None:
    """Label a logarithmic axis at 1, 2 and 5 times each power of ten, without exponents."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:,.0f}")
    axis.set_minor_formatter(NullFormatter())
