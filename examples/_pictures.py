"""What the examples' pictures share: names beside lines, in place of a legend, and how a picture is saved."""

from pathlib import Path

import numpy as np

# In points: between the middles of two names, and how near the ends of two lines are if their names may overlap.
GAP, NEAR = 15, 150


def label_ends(axes, lines):
    """Write a name beside the right end of each line, in the line's colour; names that would overlap are moved up.

    Parameters
    ----------
    axes : Axes
        Where the lines are. All of it must be drawn already.
    lines : dict of str to Line2D
        The lines by name.
    """
    ends = np.array([line.get_xydata()[-1] for line in lines.values()])
    places = axes.transData.transform(ends) * 72 / axes.figure.dpi
    for (name, line), end, shift in zip(lines.items(), ends, _raised(places) - places[:, 1], strict=True):
        place = {"xytext": (8, shift), "textcoords": "offset points", "va": "center", "annotation_clip": False}
        axes.annotate(name, end, color=line.get_color(), **place)


def _raised(places):
    """Return heights at which names do not overlap, from below to above."""
    raised = places[:, 1].copy()
    order = np.argsort(raised)
    for position, at in enumerate(order):
        below = [other for other in order[:position] if abs(places[at, 0] - places[other, 0]) < NEAR]
        raised[at] = max([raised[at], *(raised[below] + GAP)])
    return raised


def save(figure, picture):
    """Save a figure as a file and print where it is."""
    figure.savefig(picture)
    print(f"Picture: {Path(picture).resolve()}")
