"""Names beside lines, in place of a legend."""

from itertools import pairwise

import numpy as np

GAP = 15  # points between the middles of two names


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
    heights = axes.transData.transform(ends)[:, 1] * 72 / axes.figure.dpi
    for (name, line), end, shift in zip(lines.items(), ends, _spread(heights) - heights, strict=True):
        place = {"xytext": (8, shift), "textcoords": "offset points", "va": "center", "annotation_clip": False}
        axes.annotate(name, end, color=line.get_color(), **place)


def _spread(heights):
    raised = np.array(heights)
    for lower, upper in pairwise(np.argsort(heights)):
        raised[upper] = max(raised[upper], raised[lower] + GAP)
    return raised
