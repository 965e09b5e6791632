"""Feature importance by cross-entropy: how much of the target's log-loss a feature removes.

Every score is read off one table of counts, n[bin, class], which each feature fills once:

- `columns`: arrays, data frames and sparse matrices, read a column at a time;
- `missing`: what counts as a missing value;
- `target`: the classes and the weights of the rows;
- `binning`: the rule that cuts an ordered feature into bins;
- `count_table`: the table and the counting;
- `estimators`: from a table to a score (leave-one-out, plug-in, Miller–Madow); add one here;
- `significance`: from a table to a p-value, and corrections for many tests;
- `ranking`, `selector`, `shift`, `permutation`: what users call.
"""

from skxent.feature_selection.permutation import permutation_cross_entropy
from skxent.feature_selection.ranking import cross_entropy_classif, cross_entropy_regression
from skxent.feature_selection.selector import CrossEntropySelector
from skxent.feature_selection.shift import distribution_shift

__all__ = [
    "CrossEntropySelector",
    "cross_entropy_classif",
    "cross_entropy_regression",
    "distribution_shift",
    "permutation_cross_entropy",
]
