"""How an ordered feature is cut into bins.

The rule, for N present values and B bins: going up the sorted values, a bin closes at the first value that
reaches the next multiple of N/B, and a value that alone holds more than N/B rows has a bin of its own. Equal
values always share a bin. Only the order of the values counts, so a strictly increasing map changes nothing.

The rule is written three times: for sorted rows, where it takes B binary searches; for distinct values with
weights, many features at once; and, in :mod:`._few_rows`, for the sorted rows of many features at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skxent._typing import Array, Floats, Integers

__all__ = [
    "AUTO_BINS",
    "MAX_BINS",
    "RANKED_BINS",
    "Cuts",
    "add_up",
    "auto_bins",
    "edges_of_rows",
    "edges_of_sorted",
    "multiples_reached",
    "sort_present",
]

# Numbers of bins fit in a byte.
MAX_BINS = 255
# Bins in which the values are ranked at least, and the numbers of bins into which they can be put together.
RANKED_BINS = 48
AUTO_BINS = tuple(n_bins for n_bins in range(2, RANKED_BINS + 1) if RANKED_BINS % n_bins == 0)
# The fewest bins that "auto" takes for a table.
MIN_BINS = 4
# Runs are merged where their number to this power is below that of the values: then it is faster than NumPy's quicksort
# with AVX-512, measured for 1,000 to 1,000,000 values; without it merging is faster for more runs, too.
RUNS_EXPONENT = 3


def add_up(index: Integers, values: Floats, size: int = 0) -> Floats:
    """Sum the values that share an index, one after the other in the order in which they come."""
    return np.bincount(index, values, minlength=size).astype(np.float64, copy=False)


def auto_bins(class_totals: Floats) -> int:
    r"""Return the number of bins for classes of these sizes.

    The divisor of 48, from 4 on, whose ratio to :math:`2 m^{1/5}` is nearest to 1, where
    :math:`m = N (1 - \sum \pi_k^2) / (K - 1)` is the size of a class if all have the same, and about twice that of the
    rarer one of two. So a rare class among many rows has as few bins as it would have among a few: it is the rows of
    the classes that fill the cells, and each cell more adds noise.

    Examples
    --------
    >>> [auto_bins(np.array(totals)) for totals in ([50.0, 50.0], [500.0, 500.0], [99_900.0, 100.0], [6000.0] * 10)]
    [4, 8, 6, 12]
    """
    total = class_totals.sum()
    size = total * (1 - np.sum((class_totals / total) ** 2)) / max(len(class_totals) - 1, 1)
    choices = np.array([n_bins for n_bins in AUTO_BINS if n_bins >= MIN_BINS])
    return int(choices[np.argmin(np.abs(np.log(choices / (2 * max(size, 1.0) ** 0.2))))])


def edges_of_rows(values: Array, n_bins: int) -> Array:
    """Largest value of every bin, where all rows weigh the same.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        In any order, NaN where missing.
    n_bins : int
        B, the number of bins to aim for.

    Returns
    -------
    edges : ndarray of shape (n_filled_bins,)
        Ascending; bin b holds the values in ``(edges[b - 1], edges[b]]``.
    """
    return edges_of_sorted(sort_present(values), n_bins)


def sort_present(values: Array, n_runs: int | None = None) -> Array:
    """Sort the values that are not missing; `n_runs` says of how many ascending runs they consist, if that is known.

    Few runs are merged, by the algorithm that NumPy calls "stable".
    """
    merge = n_runs is not None and n_runs**RUNS_EXPONENT < len(values)
    ordered = np.sort(values, kind="stable" if merge else None)
    if ordered.dtype.kind == "f":
        ordered = ordered[: np.searchsorted(ordered, ordered.dtype.type(np.nan))]  # of another dtype it copies
    return ordered


def edges_of_sorted(ordered: Array, n_bins: int) -> Array:
    """Do as `edges_of_rows` for values that ascend, none of them missing."""
    n = len(ordered)
    if n == 0:
        return ordered
    n_bins = min(n_bins, n)
    at_multiples = ordered[-(-np.arange(1, n_bins + 1) * n // n_bins) - 1]
    right = np.searchsorted(ordered, at_multiples, side="right")
    left = np.searchsorted(ordered, at_multiples, side="left")
    heavy = (right - left) * n_bins > n
    ends = np.unique(np.concatenate([right, left[heavy]]))
    return np.asarray(ordered[ends[ends > 0] - 1])


class Cuts(NamedTuple):
    """Where the distinct values of some features can be cut into bins.

    Attributes
    ----------
    multiple : ndarray of int of shape (n_values,)
        How many multiples of the share of a narrowest bin the values below have.
    mass, total : ndarray of float of shape (n_values,)
        Weight of the rows that have the value, and of those in which its feature is present.
    always : ndarray of bool of shape (n_values,)
        Whether the value is the first of its feature, or NaN.
    most : int
        Number of the narrowest bins.
    """

    multiple: Integers
    mass: Floats
    total: Floats
    always: Array
    most: int

    @classmethod
    def of(cls, feature: Integers, mass: Floats, missing: Array, most: int) -> Cuts:
        """Prepare the values.

        Parameters
        ----------
        feature : ndarray of int of shape (n_values,)
            Which feature the value belongs to, ascending from 0 without gaps; within a feature the values ascend,
            NaN last.
        mass : ndarray of float of shape (n_values,)
            Total weight of the rows that have the value.
        missing : ndarray of bool of shape (n_values,)
            True for NaN, which has a bin of its own.
        most : int
            The largest number of bins that will be asked for.
        """
        present = np.where(missing, 0.0, mass)
        below = np.concatenate([[0.0], np.cumsum(present)[:-1]])
        new_feature = np.diff(feature, prepend=-1) != 0
        below -= below[new_feature][feature]
        total = add_up(feature, present)[feature]
        multiple = multiples_reached(below, total, most).astype(np.int64)
        return cls(multiple, mass, total, new_feature | missing, most)

    def starts(self, n_bins: int) -> Array:
        """Whether a value is the first of its bin; `n_bins` divides the largest number."""
        crosses = np.diff(self.multiple // (self.most // n_bins), prepend=-1) != 0
        return np.asarray(self.always | crosses | (n_bins * self.mass > self.total))

    def starts_of_ends(self, n_bins: int) -> Array:
        """Do as `starts` for the first of the bins, the last, and all between as one."""
        at = self.multiple // (self.most // n_bins)
        crosses = np.diff(np.minimum(at, 1) + (at == n_bins - 1), prepend=-1) != 0
        alone = 3 * self.mass > self.total
        return np.asarray(self.always | crosses | alone | np.append(False, alone[:-1]))


def multiples_reached(below: Floats, total: Floats | float, n_bins: int) -> Floats:
    """Return how many multiples of the share of a bin a cumulative weight has reached; 0 where there is none at all."""
    reached: Floats = np.floor_divide(n_bins * below, total, out=np.zeros_like(below), where=np.asarray(total) > 0)
    return reached
