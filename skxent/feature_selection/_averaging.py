r"""The gain of a row, averaged over several numbers of bins.

No number of bins suits all: a shift is seen best in two or three, a change of the spread in six to twelve, a peak in as
many as it takes. So an ordered feature is cut into :math:`B = 2, 3, 4, 6, 8, 12, 16, 24` and 48 bins, and the gain of a
row is the mean of its gains in all of them, with the weights

.. math:: w_B \propto \frac1B \left(1 + \frac{e^{N s_B}}{100}\right),

where :math:`s_B` is the leave-one-out gain with B bins. Without clear evidence for any of them the weights are 1/B,
whether the feature is noise or tells a little; the more likely the classes become in B bins, beyond a hundred times,
the more does that number decide alone, so that strong dependences are measured in the bins that they need.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._binning import AUTO_BINS, RANKED_BINS, Cuts, add_up
from skxent.feature_selection._count_table import CountTable
from skxent.feature_selection.scores import Score, checked_gain, leave_one_out

__all__ = ["average_gain", "finer_features"]

# Ratio of likelihoods beyond which the rows decide between the numbers of bins.
CLEAR = 100.0
# For each number of bins the smallest of which it is a divisor, so that its bins consist of those; 0 for the largest.
_FINER = {
    n_bins: min((finer for finer in AUTO_BINS if finer > n_bins and finer % n_bins == 0), default=0)
    for n_bins in AUTO_BINS
}


def finer_features(table: CountTable) -> Array:
    """Tell which features have other bins if they are cut into fewer or more, of shape (n_features,)."""
    if table.fine is None:
        return np.zeros(table.n_features, dtype=bool)
    present = np.bincount(table.fine.feature_of_bin, ~table.fine.missing, table.n_features)
    finer = np.asarray(table.ordered) & (present > AUTO_BINS[0])
    if finer.any():
        fine = table.fine.take(finer)
        rows = add_up(fine.bin, fine.count, len(fine.missing))
        fewest = Cuts.of(fine.feature_of_bin, rows, fine.missing, RANKED_BINS).starts(AUTO_BINS[0])
        finer[finer] = np.bincount(fine.feature_of_bin, ~fewest) > 0
    return finer


def average_gain(table: CountTable, features: Array, score: Score) -> tuple[CountTable, Floats]:
    """Return some features in their narrow bins, and the mean gain of the rows of each cell.

    Parameters
    ----------
    table : CountTable
        All features, of which narrower bins are known.
    features : ndarray of bool of shape (n_features,)
        Which are asked for.
    score : callable
        Gives the gains in one number of bins.
    """
    assert table.fine is not None
    narrow = table.in_narrow_bins(features)
    cuts = Cuts.of(narrow.feature_of_bin, narrow.bin_totals, table.fine.take(features).missing, RANKED_BINS)
    levels: dict[int, _Level] = {}
    for n_bins in reversed(AUTO_BINS):
        levels[n_bins] = _Level.of(narrow, cuts.starts(n_bins), levels.get(_FINER[n_bins]), score)
    weights = _weights(np.array([levels[n_bins].evidence for n_bins in AUTO_BINS]))
    gains = {
        n_bins: weight[levels[n_bins].table.feature] * levels[n_bins].gain
        for n_bins, weight in zip(AUTO_BINS, weights, strict=True)
    }
    for n_bins in AUTO_BINS[:-1]:
        gains[_FINER[n_bins]] += gains[n_bins][levels[n_bins].place]
    return narrow, gains[RANKED_BINS]


class _Level(NamedTuple):
    """Features in one number of bins.

    Attributes
    ----------
    table : CountTable
        Their counts.
    opens : ndarray of bool of shape (n_narrow_bins,)
        Which of the narrowest bins are the first of one of these.
    place : ndarray of int
        In which of the cells each cell of the next finer bins is.
    gain : ndarray of shape (n_cells,)
        Of the rows of each cell.
    evidence : ndarray of shape (n_features,)
        Sum of the leave-one-out gains of the rows.
    """

    table: CountTable
    opens: Array
    place: Integers
    gain: Floats
    evidence: Floats

    @classmethod
    def of(cls, narrow: CountTable, opens: Array, finer: _Level | None, score: Score) -> _Level:
        """Put finer bins together, the narrowest if none are given."""
        table, within = (narrow, opens) if finer is None else (finer.table, opens[finer.opens])
        wide, place = table.with_wider_bins(within)
        gain = checked_gain(score, wide)
        left_out = gain if score is leave_one_out else leave_one_out(wide)
        return cls(wide, opens, place, gain, wide.sum_cells(wide.count * left_out))


def _weights(evidence: Floats) -> Floats:
    """Return the weight of each number of bins, of the same shape (n_numbers, n_features)."""
    logs = np.logaddexp(0.0, evidence - np.log(CLEAR)) - np.log(AUTO_BINS)[:, None]
    weights = np.exp(logs - logs.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0))
