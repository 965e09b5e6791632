"""A score of features of your own, from the table of counts."""

import numpy as np

from skxent import CrossEntropySelector
from skxent.feature_selection import scores


@scores.register("lift")
def lift(table):
    """Gain of the rows in a cell that is fuller than chance would make it, in nats; nothing for other rows."""
    expected = table.bin_totals[table.bin] * table.class_totals[table.label] / table.total
    return np.maximum(np.log(table.count / expected), 0)


selector = CrossEntropySelector(score_func="lift")
