"""Smoothing: from the counts of events to probabilities that sum to one.

Every method has the same form.  Of the count c(w) of an event it keeps a part k(c(w)), it spends a spare
count s on a background distribution b, and divides by the sum of both:

.. math:: p(w) = \\frac{k(c(w)) + s\\, b(w)}{\\sum_v k(c(v)) + s}

so that probabilities sum to one whatever a method keeps.  The background is uniform over the V events
unless another is given.  To add a method, write one class here.
"""

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

SMOOTHINGS: dict[str, type["Smoothing"]] = {}


class SmoothingWarning(UserWarning):
    """A method does not fit the counts and another stands in for it."""


@dataclass(frozen=True)
class CountsOfCounts:
    """Distinct counts r (ascending, zero included) and the number n of events that have each."""

    r: np.ndarray
    n: np.ndarray

    @property
    def n_tokens(self) -> float:
        return float(self.r @ self.n)

    @property
    def n_types(self) -> int:
        return int(self.n[self.r > 0].sum())

    @property
    def n_vocabulary(self) -> int:
        return int(self.n.sum())

    def of(self, count: int) -> int:
        return int(self.n[self.r == count].sum())


@dataclass(frozen=True)
class SmoothedCounts:
    """Probabilities of the events, the parameter that gave them, and what had to stand in for what."""

    probability: np.ndarray
    parameter: float | None
    fallback: str | None = None


class Smoothing(ABC):
    """A smoothing method; a subclass with ``name=`` is registered."""

    name: ClassVar[str]
    parameter_range: ClassVar[tuple[float, float] | None] = None

    def __init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if name is not None:
            cls.name = name
            SMOOTHINGS[name] = cls

    @abstractmethod
    def split(self, counts: CountsOfCounts, parameter: float | None) -> tuple[np.ndarray, float]:
        """The part of each count in ``counts.r`` that is kept, and the spare count for the background."""

    def fit(self, counts: np.ndarray, *, parameter: float | str | None = "leave-one-out", background: np.ndarray | None = None) -> SmoothedCounts:
        r, inverse, n = np.unique(counts, return_inverse=True, return_counts=True)
        table = CountsOfCounts(r, n)
        theta = None if self.parameter_range is None else (0.5 if isinstance(parameter, str) or parameter is None else float(parameter))
        kept, spare = self.split(table, theta)
        b = 1 / table.n_vocabulary if background is None else background
        total = kept @ n + spare
        return SmoothedCounts((kept[inverse] + spare * b) / total, theta)


class MaximumLikelihood(Smoothing, name="mle"):
    def split(self, counts, parameter):
        return counts.r.astype(float), 0.0


class Laplace(Smoothing, name="laplace"):
    def split(self, counts, parameter):
        return counts.r.astype(float), float(counts.n_vocabulary)


class Lidstone(Smoothing, name="lidstone"):
    parameter_range = (0.0, np.inf)

    def split(self, counts, parameter):
        return counts.r.astype(float), parameter * counts.n_vocabulary


class WittenBell(Smoothing, name="witten_bell"):
    def split(self, counts, parameter):
        return counts.r.astype(float), float(counts.n_types)


def make_smoothing(smoothing: "str | Smoothing") -> Smoothing:
    """The method of that name, or the object itself."""
    if isinstance(smoothing, Smoothing):
        return smoothing
    if smoothing not in SMOOTHINGS:
        raise ValueError(f"unknown smoothing {smoothing!r}; choose from {', '.join(sorted(SMOOTHINGS))}")
    return SMOOTHINGS[smoothing]()
