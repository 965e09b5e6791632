"""What a rule that chooses a set of features is given, and what it gives back."""

from __future__ import annotations

from typing import NamedTuple

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._features import Features
from skxent.feature_selection._target import Target

__all__ = ["BinnedFeatures", "ChosenFeatures"]


class BinnedFeatures(NamedTuple):
    """Features with their bins.

    Attributes
    ----------
    features : Features
        The columns.
    edges : tuple of ndarray
        The largest value of each bin of each feature; missing values have a bin behind the last.
    ordered : tuple of bool
        Whether the bins of each feature follow the order of its values, rather than being categories.
    target : Target
        The classes.
    """

    features: Features
    edges: tuple[Array, ...]
    ordered: tuple[bool, ...]
    target: Target


class ChosenFeatures(NamedTuple):
    """The features that were chosen.

    Attributes
    ----------
    order : ndarray of int of shape (n_chosen,)
        Their positions, the first that was chosen first.
    gains : ndarray of shape (n_chosen,)
        What each added, in nats.
    pvalues : ndarray of shape (n_chosen,)
        Of the hypothesis that it adds nothing; times the number of features it was chosen from.
    """

    order: Integers
    gains: Floats
    pvalues: Floats
