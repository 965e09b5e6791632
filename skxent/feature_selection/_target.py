"""What is to be predicted: the class and the weight of every row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length

from skxent._labels import plain_labels, refuse_masked
from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._binning import add_up
from skxent.feature_selection._containers import LARGEST_EXACT
from skxent.feature_selection._lazy_data import in_memory

__all__ = ["MIN_ROWS", "Target", "checked", "read_frequencies", "read_target"]

# Rows: with fewer the null distribution of the p-value has no variance.
MIN_ROWS = 4


@dataclass(frozen=True)
class Target:
    """Classes as codes, with the frequencies of the rows.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels, sorted.
    codes : ndarray of int of shape (n_rows,)
        Which of `classes` each row has.
    weight : ndarray of float of shape (n_rows,) or None
        How many times each row counts, as :func:`read_frequencies` gives it; None where every row counts once.
    ordered : bool
        Whether the order of the classes means something.
    merged : ndarray of int of shape (n_classes,) or None
        Which of the classes that are predicted each class is part of, in their order; None if they are the same.
    """

    classes: Array
    codes: Integers
    weight: Floats | None = None
    ordered: bool = False
    merged: Integers | None = None

    @property
    def n_classes(self) -> int:
        """K, the number of classes."""
        return len(self.classes)

    @cached_property
    def by_class(self) -> Integers:
        """The rows, class after class."""
        return np.argsort(self.codes, kind="stable")

    @cached_property
    def rows_of_class(self) -> Integers:
        """Number of rows of each class, of shape (n_classes,); rows of weight zero are none."""
        counted = self.codes if self.weight is None else self.codes[self.weight > 0]
        return np.bincount(counted, minlength=self.n_classes)

    @cached_property
    def first_of_class(self) -> Integers:
        """Where each class starts in `by_class`, of shape (n_classes,)."""
        return np.searchsorted(self.codes[self.by_class], np.arange(self.n_classes))

    @cached_property
    def totals(self) -> Floats:
        """Total weight of each class, of shape (n_classes,)."""
        if self.weight is None:
            return self.rows_of_class.astype(np.float64)
        return add_up(self.codes, self.weight, self.n_classes)

    @property
    def merged_totals(self) -> Floats:
        """Total weight of each class that is predicted."""
        return self.totals if self.merged is None else add_up(self.merged, self.totals)

    @cached_property
    def total(self) -> float:
        """N, the total weight of the rows."""
        return float(np.cumsum(self.totals)[-1])


def read_target(y: ArrayLike, sample_weight: ArrayLike | None, n_rows: int) -> Target:
    """Check labels and weights.

    Raises
    ------
    ValueError
        If y is continuous or has missing values, one class only, or another length than X; if a weight is
        negative or not finite, or if the weights, which are frequencies, sum to less than four rows.
    """
    labels = column_or_1d(plain_labels(in_memory(y)), warn=True)
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    encoder = LabelEncoder()
    codes = encoder.fit_transform(labels)
    weight = None if sample_weight is None else read_frequencies(sample_weight, n_rows)
    check_consistent_length(codes, np.empty(n_rows), weight)
    return checked(Target(encoder.classes_, codes, weight))


def read_frequencies(sample_weight: ArrayLike, n_rows: int) -> Floats:
    """Weights as one float64 per row; a single number is the weight of every row.

    They are rounded so that their sums are exact, and so the same in any order of the rows and however they are cut:
    to multiples of a power of two that is at most 2**-51 of the sum of all.
    """
    refuse_masked(sample_weight=sample_weight)
    try:
        weight = np.asarray(in_memory(sample_weight), dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"sample_weight must hold one number for each row of X: {error}.") from None
    if weight.ndim == 0:
        weight = np.full(n_rows, weight)
    if weight.shape != (n_rows,):
        raise ValueError(f"sample_weight has shape {weight.shape}, but X has {n_rows} rows: ({n_rows},) is needed.")
    wrong = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if len(wrong):
        raise ValueError(
            f"sample_weight[{wrong[0]}] is {weight[wrong[0]]}: weights are the number of times a row counts, "
            "finite and not negative."
        )
    unit = np.ldexp(1.0, min(0, int(np.frexp(np.sort(weight).sum())[1]) - 52))
    return np.asarray(np.rint(weight / unit) * unit)


def checked(target: Target) -> Target:
    """Forget empty classes, and refuse a target for which nothing can be computed."""
    check_total(target)
    return check_classes(drop_empty_classes(target))


def drop_empty_classes(target: Target) -> Target:
    """Forget the classes that only rows of weight zero have."""
    filled = target.totals > 0
    if filled.all():
        return target
    assert target.weight is not None
    codes = np.where(filled[target.codes], (np.cumsum(filled) - 1)[target.codes], 0)
    return Target(target.classes[filled], codes, target.weight, target.ordered)


def check_total(target: Target) -> None:
    """Refuse too few rows, and too many."""
    if target.total < MIN_ROWS:
        raise ValueError(
            f"sample_weight sums to {target.total:g}, too few rows to judge a feature: at least {MIN_ROWS} "
            "are needed, and a row of weight zero counts as none. Weights say how often a row was seen: "
            "scale them to sum to the number of rows."
        )
    if target.total > LARGEST_EXACT:
        raise ValueError(
            f"sample_weight sums to {target.total:g}, more rows than can be counted exactly: at most {LARGEST_EXACT}. "
            "Weights say how often a row was seen: scale them to sum to the number of rows."
        )


def check_classes(target: Target) -> Target:
    """Refuse a target about which no feature could tell anything."""
    if target.n_classes < 2:
        raise ValueError(
            f"y has a single class, {target.classes.tolist()}: there is nothing to predict; at least 2 are needed."
        )
    return target
