"""Feature importance by cross-entropy: how much of the target's log-loss a feature removes.

Every score is read off one table of counts, n[bin, class], which each feature fills once. From the ground up:

- ``_containers``: arrays, data frames and sparse matrices as named columns; what counts as missing;
- ``_values``: columns of any dtype as numbers or codes;
- ``_target``: the classes and the weights of the rows;
- ``_binning``: the rule that cuts an ordered feature into bins;
- ``_count_table``: the table and the counting; ``_features``: the columns of a data set, counted in blocks;
- :mod:`~skxent.feature_selection.scores`: from a table to a score; the place of scores of your own;
- ``_significance``: from a table to a p-value, and corrections for many tests;
- ``_shuffling``: the distribution of the plug-in information under shuffling, for sparse tables;
- ``_sets``, ``_redundancy``, ``_stepwise``: sets of features, by joint counts or by a linear model;
- ``_univariate``, ``_selector``, ``_shift``, ``_monitor``, ``_encoder``, ``_permutation``, ``_displays``: what users
  call.
"""

from skxent.feature_selection import scores
from skxent.feature_selection._count_table import CountTable
from skxent.feature_selection._displays import BinningDisplay, FeatureScoresDisplay, ShiftDisplay
from skxent.feature_selection._encoder import BinEncoder
from skxent.feature_selection._monitor import ShiftMonitor
from skxent.feature_selection._permutation import permutation_cross_entropy
from skxent.feature_selection._selector import CrossEntropySelector
from skxent.feature_selection._shift import distribution_shift
from skxent.feature_selection._univariate import cross_entropy_classif, cross_entropy_regression

__all__ = [
    "BinEncoder",
    "BinningDisplay",
    "CountTable",
    "CrossEntropySelector",
    "FeatureScoresDisplay",
    "ShiftDisplay",
    "ShiftMonitor",
    "cross_entropy_classif",
    "cross_entropy_regression",
    "distribution_shift",
    "permutation_cross_entropy",
    "scores",
]
