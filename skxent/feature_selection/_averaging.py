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

import numpy as np

from skxent._typing import Array, Floats
from skxent.feature_selection._binning import AUTO_BINS, RANKED_BINS, add_up, starts_bin
from skxent.feature_selection._count_table import CountTable
from skxent.feature_selection.scores import Score, checked_gain, leave_one_out

__all__ = ["average_gain", "finer_features"]

# Ratio of likelihoods beyond which the rows decide between the numbers of bins.
CLEAR = 100.0


def finer_features(table: CountTable) -> Array:
    """Tell which features have other bins if they are cut into fewer or more, of shape (n_features,)."""
    if table.fine is None:
        return np.zeros(table.n_features, dtype=bool)
    fine = table.fine
    rows = add_up(fine.bin, fine.count, len(fine.missing))
    fewest = starts_bin(fine.feature_of_bin, rows, fine.missing, AUTO_BINS[0], RANKED_BINS // AUTO_BINS[0])
    wider = np.bincount(fine.feature_of_bin, ~fewest, minlength=table.n_features)
    return np.asarray(table.ordered) & (wider > 0)


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
    missing = table.fine.take(features).missing
    gain, before = np.zeros(len(narrow.count)), np.zeros(len(missing), dtype=bool)
    gains, evidence = [], [np.zeros(narrow.n_features)]
    for n_bins in AUTO_BINS:
        opens = starts_bin(narrow.feature_of_bin, narrow.bin_totals, missing, n_bins, RANKED_BINS // n_bins)
        other = np.bincount(narrow.feature_of_bin, opens != before, narrow.n_features) > 0
        gain, of_bins, before = gain.copy(), evidence[-1].copy(), opens
        if other.any():
            gain[other[narrow.feature]], of_bins[other] = _gain_in(
                narrow.take(other), opens[other[narrow.feature_of_bin]], score
            )
        gains.append(gain)
        evidence.append(of_bins)
    weights = _weights(np.array(evidence[1:]))
    return narrow, np.asarray(sum(weight[narrow.feature] * gain for weight, gain in zip(weights, gains, strict=True)))


def _gain_in(narrow: CountTable, opens: Array, score: Score) -> tuple[Floats, Floats]:
    """Gain of the rows of each cell in wider bins, and the sum of the leave-one-out gains of each feature."""
    wide, place = narrow.with_wider_bins(opens)
    gain = checked_gain(score, wide)
    left_out = gain if score is leave_one_out else leave_one_out(wide)
    return gain[place], wide.sum_cells(wide.count * left_out)


def _weights(evidence: Floats) -> Floats:
    """Return the weight of each number of bins, of the same shape (n_numbers, n_features)."""
    logs = np.logaddexp(0.0, evidence - np.log(CLEAR)) - np.log(AUTO_BINS)[:, None]
    weights = np.exp(logs - logs.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0))
