"""What a rule that chooses a set of features is given, and what it gives back."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._features import Features
from skxent.feature_selection._target import Target

__all__ = ["BinnedFeatures", "Chooser", "ChosenFeatures"]


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


class Chooser(Protocol):
    """A rule that chooses a set of features."""

    def __call__(self, binned: BinnedFeatures, k: int | None, alpha: float | None) -> ChosenFeatures:
        """Choose features one after the other.

        Parameters
        ----------
        binned : BinnedFeatures
            The features.
        k : int or None
            How many features at most.
        alpha : float or None
            Stop at a feature whose p-value, times the number of features that were left, is above it.

        Returns
        -------
        ChosenFeatures
            The choice.
        """
