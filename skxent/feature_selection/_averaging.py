r"""The gain of a row, averaged over several ways to cut an ordered feature.

No number of bins suits all: a shift is seen best in two or three, a change of the spread in six to twelve, a peak in as
many as it takes, what happens to the largest values only in a bin of their own. So an ordered feature is cut into
:math:`B = 2, 3, 4, 6, 8, 12, 16, 24` and 48 bins of equal size, and into three, of which the first and the last are
those of 6, 12 and 24 equal ones. The gain of a row is the mean of its gains in all of them, with the weights

.. math:: w \propto v \left(1 + \frac{e^{N s}}{100}\right),

where s is the leave-one-out gain in these bins, v = 1/B for equal bins and 1/6 for each of the others, half of what
three equal bins have. Without clear evidence for any of them the weights are v, whether the feature is noise or tells a
little; the more likely the classes become in some bins, beyond a hundred times, the more do those decide alone, so
that strong dependences are measured in the bins that they need.
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
# Numbers of equal bins of which the first and the last are set apart from all between.
ENDS = (6, 12, 24)


class _Cut(NamedTuple):
    """A way to cut a feature.

    Attributes
    ----------
    n_bins : int
        Number of equal bins.
    ends : bool
        Whether all between the first and the last of them are one.
    """

    n_bins: int
    ends: bool = False

    @property
    def weight(self) -> float:
        """Weight without evidence."""
        return 1 / 6 if self.ends else 1 / self.n_bins

    @property
    def finer(self) -> _Cut | None:
        """The coarsest other cut of equal bins whose bins these are made of; None for the narrowest."""
        if self.ends:
            return _Cut(self.n_bins)
        multiples = [n_bins for n_bins in AUTO_BINS if n_bins > self.n_bins and n_bins % self.n_bins == 0]
        return _Cut(multiples[0]) if multiples else None

    def starts(self, cuts: Cuts) -> Array:
        """Whether values are the first of a bin."""
        return cuts.starts_of_ends(self.n_bins) if self.ends else cuts.starts(self.n_bins)


# Each before the finer one that it is made of.
_CUTS = (*(_Cut(n_bins, ends=True) for n_bins in ENDS), *map(_Cut, AUTO_BINS))


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
    levels: dict[_Cut | None, _Level] = {}
    for cut in reversed(_CUTS):
        levels[cut] = _Level.of(narrow, cut.starts(cuts), levels.get(cut.finer), score)
    weights = _weights(np.array([levels[cut].evidence for cut in _CUTS]))
    gains: dict[_Cut | None, Floats] = {
        cut: weight[levels[cut].table.feature] * levels[cut].gain for cut, weight in zip(_CUTS, weights, strict=True)
    }
    for cut in _CUTS[:-1]:
        gains[cut.finer] += gains[cut][levels[cut].place]
    return narrow, gains[_CUTS[-1]]


class _Level(NamedTuple):
    """Features cut in one way.

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
    """Return the weight of each cut, of the same shape (n_cuts, n_features)."""
    without = np.array([cut.weight for cut in _CUTS])
    logs = np.logaddexp(0.0, evidence - np.log(CLEAR)) + np.log(without)[:, None]
    weights = np.exp(logs - logs.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0))
