r"""Smoothing: from the counts of events to probabilities that sum to one.

Every method has the same form.  Of the count :math:`c(w)` of an event it keeps a part :math:`k(c(w))`, it
spends a spare count :math:`s` on a background distribution :math:`b`, and divides by all of it:

.. math:: p(w) = \frac{k(c(w)) + s\, b(w)}{\sum_v k(c(v)) + s}

so that probabilities sum to one whatever a method keeps.  N is the number of tokens, T the number of events
that were seen, V the number of all events, :math:`n_r` the number of events seen r times, and the
background is
uniform, :math:`b(w) = 1/V`, unless another is given.  To add a method, write one class here.

References
----------
Chen, S. F. & Goodman, J. (1999). An empirical study of smoothing techniques for language modeling.
*Computer Speech & Language* 13(4), 359-394. https://doi.org/10.1006/csla.1999.0128
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxent._parameters import Parameters
from skxent._registry import Registry
from skxent._typing import Floats
from skxent.language_model._options import LEAVE_ONE_OUT

__all__ = [
    "SMOOTHINGS",
    "AbsoluteDiscounting",
    "CountsOfCounts",
    "CountwiseSmoothing",
    "Dirichlet",
    "GoodTuring",
    "JelinekMercer",
    "KneserNey",
    "Laplace",
    "Lidstone",
    "MaximumLikelihood",
    "SmoothedCounts",
    "SmoothedSeen",
    "Smoothing",
    "SmoothingWarning",
    "Split",
    "WittenBell",
    "make_smoothing",
]

SMOOTHINGS: Registry[type[Smoothing]] = Registry("smoothing")

# Smallest and largest parameter that a search over an open range tries.
_SMALLEST = 1e-9
_LARGEST = 1e9
# Largest parameter that is accepted: times any number of words it is still a number.
_HIGHEST = 1e100
# Smallest normal number: a divisor in place of 0, for a quotient that is then not used.
_TINY = np.finfo(np.float64).tiny


class SmoothingWarning(UserWarning):
    """A smoothing method does not fit the counts, and a simpler one is used instead."""


@dataclass(frozen=True)
class CountsOfCounts:
    """How many events were seen how often.

    Attributes
    ----------
    r : ndarray of float
        The distinct counts, ascending, zero included when an event was never seen.
    n : ndarray of int
        The number of events that have each count.

    Examples
    --------
    >>> table = CountsOfCounts.of_events([3, 1, 1, 0])
    >>> table.r.tolist(), table.n.tolist()
    ([0.0, 1.0, 3.0], [1, 2, 1])
    >>> table.n_tokens, table.n_types, table.n_vocabulary, table.having(1)
    (5.0, 3, 4, 2)
    """

    r: Floats
    n: NDArray[np.int64]

    @classmethod
    def of_events(cls, counts: ArrayLike) -> CountsOfCounts:
        """Tabulate the counts of single events."""
        events = np.asarray(counts, dtype=np.float64)
        seen = events[events > 0]
        return cls.of_seen(seen, len(events) - len(seen))

    @classmethod
    def of_seen(cls, seen: Floats, n_unseen: int) -> CountsOfCounts:
        """Tabulate the counts of events that were seen, and say how many were not."""
        if _index_a_short_table(seen, len(seen)):
            of_each = np.bincount(seen.astype(np.intp))
            whole = np.flatnonzero(of_each)
            r, n = whole.astype(np.float64), of_each[whole]
        else:
            r, n = np.unique(seen, return_counts=True)
        return cls(np.append(0.0, r), np.append(n_unseen, n)) if n_unseen else cls(r, n)

    @property
    def n_tokens(self) -> float:
        """N, the number of tokens."""
        return float(self.r @ self.n)

    @property
    def n_types(self) -> int:
        """T, the number of events that were seen."""
        return int(self.n[self.r > 0].sum())

    @property
    def n_vocabulary(self) -> int:
        """V, the number of events."""
        return int(self.n.sum())

    def positions(self, counts: Floats) -> NDArray[np.intp]:
        """Return where each of some counts, all of which are in the table, is in it."""
        if not _index_a_short_table(self.r, len(counts)):
            return np.searchsorted(self.r, counts)
        at = np.zeros(int(self.r[-1]) + 1, np.intp)
        at[self.r.astype(np.intp)] = np.arange(len(self.r))
        return at[counts.astype(np.intp)]

    def having(self, count: int) -> int:
        """Return how many events were seen ``count`` times."""
        return int(self.n[self.r == count].sum())

    def without_one_of(self, count: float) -> CountsOfCounts:
        """Return the table after one token of an event of that count is taken away."""
        r, inverse = np.unique(np.append(self.r, max(count - 1, 0.0)), return_inverse=True)
        n = np.bincount(inverse, np.append(self.n - (self.r == count), 1)).astype(np.int64)
        return CountsOfCounts(r[n > 0], n[n > 0])


def _index_a_short_table(counts: Floats, n: int) -> bool:
    """Whether the counts are whole numbers that index a table of no more than n cells."""
    return len(counts) > 0 and bool(counts.max() < n) and bool((counts == np.floor(counts)).all())


class Split(NamedTuple):
    """What is kept of every count, the spare count, and what is used instead of a method that does not fit."""

    kept: Floats
    spare: float
    fallback: str | None = None


@dataclass(frozen=True)
class SmoothedCounts:
    """Probabilities of the events, the parameter that gave them, and what was used instead of the method, if any."""

    probability: Floats
    parameter: float | None
    fallback: str | None = None


@dataclass(frozen=True)
class SmoothedSeen:
    """Probabilities of the events that were seen, and what gives those of the others.

    Attributes
    ----------
    probability : ndarray of shape (n_seen,)
        Of each event that was seen.
    base, share : float
        An event that was not seen, with the background b, has the probability base + share · b.
    parameter : float or None
        The parameter that gave them.
    fallback : str or None
        What was used instead of the method, if it did not fit.
    """

    probability: Floats
    base: float
    share: float
    parameter: float | None
    fallback: str | None = None

    def unseen(self, background: Floats) -> Floats:
        """Return the probabilities of events that were not seen."""
        return self.base + self.share * background


class Smoothing(Parameters, ABC):
    """A smoothing method.

    A subclass says in :meth:`split` what it keeps and spares, and is registered when its definition gives a
    ``name``, as in ``class Lidstone(Smoothing, name="lidstone")``.  A method whose kept part depends on
    the count alone is better a :class:`CountwiseSmoothing`, which is tuned in closed form.  What a method
    lets its users choose are arguments of ``__init__`` kept under their names, so that ``get_params`` and a grid
    search over ``smoothing__...`` find them.  Check yours with :func:`skxent.testing.check_smoothing`.

    Attributes
    ----------
    parameter_range : tuple of float, optional
        Smallest and largest parameter; None for a method without a parameter.
    only_unseen : bool
        Whether the spare count goes to the events that were never seen, rather than to all.
    """

    name: ClassVar[str] = "custom"
    parameter_range: ClassVar[tuple[float, float] | None] = None
    only_unseen: ClassVar[bool] = False

    def __init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        """Register the class under its name."""
        super().__init_subclass__(**kwargs)
        if name is not None:
            cls.name = name
            SMOOTHINGS.register(name)(cls)

    @abstractmethod
    def split(self, counts: CountsOfCounts, parameter: float) -> Split:
        """Split the counts ``counts.r`` into what is kept of each and what is spared of all."""

    def conventional_parameter(self, counts: CountsOfCounts) -> float:
        """Return the parameter that is used when none is asked for."""
        raise NotImplementedError(f"{self.name} has no conventional parameter; give one")

    def fit(
        self,
        counts: ArrayLike,
        *,
        parameter: float | str | None = LEAVE_ONE_OUT,
        background: ArrayLike | None = None,
    ) -> SmoothedCounts:
        """Estimate the probabilities of events.

        Parameters
        ----------
        counts : array-like of shape (n_events,)
            How often each event was seen; unseen events of the vocabulary have 0.
        parameter : float, "leave-one-out" or None, default="leave-one-out"
            The parameter of the method; ``"leave-one-out"`` takes the one under which every token is most
            probable given all others; None takes the conventional one.  A method without a parameter
            accepts ``"leave-one-out"`` and None.
        background : array-like of shape (n_events,), optional
            Distribution that the spare count is spent on; uniform by default.

        Returns
        -------
        SmoothedCounts

        Raises
        ------
        ValueError
            When there is no token, or the parameter is out of range.

        Warns
        -----
        SmoothingWarning
            When the counts of counts do not allow the method.

        Examples
        --------
        >>> Laplace().fit([3, 2, 1, 2, 0]).probability * 13
        array([4., 3., 2., 3., 1.])
        """
        events = np.asarray(counts, dtype=np.float64)
        seen = np.flatnonzero(events)
        shares = None if background is None else _normalised(background)
        part = self.fit_seen(
            events[seen],
            len(events) - len(seen),
            parameter=parameter,
            background=None if shares is None else shares[seen],
            background_of_unseen=0.0 if shares is None else float(shares[events == 0].sum()),
        )
        probability = part.unseen(np.full(len(events), 1 / max(len(events), 1)) if shares is None else shares)
        probability[seen] = part.probability
        return SmoothedCounts(probability, part.parameter, part.fallback)

    def fit_seen(
        self,
        seen: Floats,
        n_unseen: int,
        *,
        parameter: float | str | None = LEAVE_ONE_OUT,
        background: Floats | None = None,
        background_of_unseen: float = 0.0,
    ) -> SmoothedSeen:
        """Estimate the probabilities from the events that were seen alone, which may be few among many.

        Parameters
        ----------
        seen : ndarray of shape (n_seen,)
            How often each event that was seen was seen.
        n_unseen : int
            How many events were not.
        parameter : float, "leave-one-out" or None, default="leave-one-out"
            As in :meth:`fit`.
        background : ndarray of shape (n_seen,), optional
            The background of each of the events that were seen; by default it is uniform over all events.
        background_of_unseen : float, default=0
            The sum of the background over the events that were not seen; with the others it makes 1.

        Returns
        -------
        SmoothedSeen

        Raises
        ------
        ValueError
            As :meth:`fit`.
        """
        table = CountsOfCounts.of_seen(seen, n_unseen)
        if not table.n_tokens > 0:
            raise ValueError("there is no token to fit a model to")
        b, b_unseen = background, background_of_unseen
        theta = self._parameter(seen, table, parameter, b, b_unseen)
        kept, spare, fallback = self.split(table, np.nan if theta is None else theta)
        if fallback is not None:
            warnings.warn(f"{self.name}: {fallback}", SmoothingWarning, stacklevel=3)
        if b is None:
            b, b_unseen = np.full(len(seen), 1 / table.n_vocabulary), n_unseen / table.n_vocabulary
        of_seen, of_unseen = kept[table.positions(seen)], float(kept[0]) if n_unseen else 0.0
        total = float(kept @ table.n + spare)
        if not (self.only_unseen and n_unseen):
            return SmoothedSeen((of_seen + spare * b) / total, of_unseen / total, spare / total, theta, fallback)
        if b_unseen > 0:
            return SmoothedSeen(of_seen / total, of_unseen / total, spare / b_unseen / total, theta, fallback)
        return SmoothedSeen(of_seen / total, (of_unseen + spare / n_unseen) / total, 0.0, theta, fallback)

    def leave_one_out(
        self, counts: ArrayLike, parameter: float | None = None, background: ArrayLike | None = None
    ) -> Floats:
        """Score one token of each event, given all other tokens.

        The events and the background stay; only the counts change.

        Returns
        -------
        ndarray of shape (n_events,)
            NaN for events that were never seen.
        """
        events = np.asarray(counts, dtype=np.float64)
        b = _background(background, len(events))
        table = CountsOfCounts.of_events(events)
        theta = np.nan if parameter is None else parameter
        return np.where(events > 0, self._left_out(events, b, float(b[events == 0].sum()), table, theta), np.nan)

    def _left_out(self, c: Floats, b: Floats, b_unseen: float, table: CountsOfCounts, parameter: float) -> Floats:
        """Score a token of events with counts c and backgrounds b after it is taken out of the table."""
        at = table.positions(c)
        kept, spare = self._shares_without_one(table, parameter)
        if self.only_unseen:
            n_unseen, total = table.having(0), b_unseen + b
            share = np.where(total > 0, b / np.maximum(total, _TINY), 1 / (n_unseen + 1))
            b = np.where((c > 0) & (c <= 1), share, 0.0 if n_unseen else b)
        return kept[at] + spare[at] * b

    def _shares_without_one(self, counts: CountsOfCounts, parameter: float) -> tuple[Floats, Floats]:
        """Return the kept and the spare share of probability after a token of each count is taken away."""
        shares = np.empty((2, len(counts.r)))
        for i, r in enumerate(counts.r):
            rest = counts.without_one_of(r)
            kept, spare, _ = self.split(rest, parameter)
            left = kept[rest.r == max(r - 1, 0.0)][0]
            shares[:, i] = _shares(left, spare, kept @ rest.n + spare)
        return shares[0], shares[1]

    def _parameter(
        self, seen: Floats, table: CountsOfCounts, parameter: float | str | None, b: Floats | None, b_unseen: float
    ) -> float | None:
        if self.parameter_range is None:
            if parameter not in (None, LEAVE_ONE_OUT):
                raise ValueError(f"smoothing {self.name!r} has no parameter; got {parameter!r}")
            return None
        if parameter is None:
            return self.conventional_parameter(table)
        if parameter == LEAVE_ONE_OUT:
            return self._best_left_out(_cells(seen, table, b, b_unseen), table)
        low, high = np.minimum(self.parameter_range, _HIGHEST)
        if isinstance(parameter, str) or not low <= parameter <= high:
            raise ValueError(
                f"smoothing {self.name!r} takes {LEAVE_ONE_OUT!r}, None or a number from {low:g} to {high:g}"
                f"; got {parameter!r}"
            )
        return float(parameter)

    def _best_left_out(self, cells: tuple[Floats, Floats, Floats, float], table: CountsOfCounts) -> float:
        c, b_seen, n, b_unseen = cells

        def cross_entropy(parameter: float) -> float:
            with np.errstate(divide="ignore"):
                return -float((c * n) @ np.log(self._left_out(c, b_seen, b_unseen, table, parameter)))

        assert self.parameter_range is not None
        return _minimize(cross_entropy, *self.parameter_range)


def _cells(
    seen: Floats, table: CountsOfCounts, b: Floats | None, b_unseen: float
) -> tuple[Floats, Floats, Floats, float]:
    """Gather events that score alike: return their counts, backgrounds and number, and the background of the unseen."""
    if b is None:
        is_seen = table.r > 0
        uniform = 1 / table.n_vocabulary
        n = table.n[is_seen].astype(np.float64)
        return table.r[is_seen], np.full(len(n), uniform), n, table.having(0) * uniform
    cells, n_alike = np.unique(seen + 1j * b, return_counts=True)
    return cells.real, cells.imag, n_alike.astype(np.float64), b_unseen


def _normalised(background: ArrayLike) -> Floats:
    b: Floats = np.asarray(background, dtype=np.float64)
    return b / b.sum()


def _background(background: ArrayLike | None, n_events: int) -> Floats:
    return np.full(n_events, 1 / max(n_events, 1)) if background is None else np.asarray(background, np.float64)


def _shares(kept: Any, spare: Any, total: Any) -> tuple[Any, Any]:
    """Divide by the total; where no count is left, all probability comes from the background."""
    empty = total <= 0
    divisor = np.where(empty, 1.0, total)
    return np.where(empty, 0.0, kept / divisor), np.where(empty, 1.0, spare / divisor)


def _minimize(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of one positive variable is least: a grid, then golden sections around its best point.

    An unbounded range is searched in the logarithm, up to the smallest and largest numbers worth trying.
    """
    low, bounded = max(low, _SMALLEST), np.isfinite(high)
    to, back = (float, float) if bounded else (np.log, np.exp)
    grid = np.linspace(to(low), to(high if bounded else _LARGEST), 65)
    best = int(np.argmin([function(float(back(x))) for x in grid]))
    a, d = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    golden = (np.sqrt(5) - 1) / 2
    while d - a > 1e-10 * max(1.0, abs(a)):
        b, c = d - golden * (d - a), a + golden * (d - a)
        if function(float(back(b))) <= function(float(back(c))):
            d = c
        else:
            a = b
    return float(back((a + d) / 2))


class CountwiseSmoothing(Smoothing):
    """A method whose kept part depends on the count alone, and its spare count on N, T and V."""

    @abstractmethod
    def kept(self, r: Floats, parameter: float) -> Floats:
        """Return what is kept of the counts ``r``."""

    @abstractmethod
    def spare(self, n_tokens: Any, n_types: Any, n_vocabulary: int, parameter: float) -> Any:
        """Return the spare count; N and T may be arrays."""

    def split(self, counts: CountsOfCounts, parameter: float) -> Split:
        """Split the counts ``counts.r`` into what is kept of each and what is spared of all."""
        spare = self.spare(counts.n_tokens, counts.n_types, counts.n_vocabulary, parameter)
        return Split(self.kept(counts.r, parameter), float(spare))

    def _shares_without_one(self, counts: CountsOfCounts, parameter: float) -> tuple[Floats, Floats]:
        rest = np.maximum(counts.r - 1, 0.0)
        kept, left = self.kept(counts.r, parameter), self.kept(rest, parameter)
        n_tokens, n_types = counts.n_tokens - (counts.r - rest), counts.n_types - (rest == 0)
        spare = self.spare(n_tokens, n_types, counts.n_vocabulary, parameter)
        return _shares(left, spare, kept @ counts.n - kept + left + spare)


class MaximumLikelihood(CountwiseSmoothing, name="mle"):
    r"""Relative frequencies, :math:`c/N`: an unseen event has probability zero."""

    def kept(self, r: Floats, parameter: float) -> Floats:
        """Keep all of it."""
        return r

    def spare(self, n_tokens: Any, n_types: Any, n_vocabulary: int, parameter: float) -> Any:
        """Spare nothing."""
        return 0.0 * n_tokens


class Lidstone(MaximumLikelihood, name="lidstone"):
    r"""Additive smoothing, :math:`(c + \delta) / (N + \delta V)`; conventionally :math:`\delta = 1/2`."""

    parameter_range = (0.0, np.inf)

    def conventional_parameter(self, counts: CountsOfCounts) -> float:
        """Return 1/2, expected likelihood estimation (Jeffreys' prior)."""
        return 0.5

    def spare(self, n_tokens: Any, n_types: Any, n_vocabulary: int, parameter: float) -> Any:
        """Spare δ for every event."""
        return parameter * n_vocabulary + 0.0 * n_tokens


class Laplace(MaximumLikelihood, name="laplace"):
    r"""Add-one smoothing, :math:`(c + 1) / (N + V)`."""

    def spare(self, n_tokens: Any, n_types: Any, n_vocabulary: int, parameter: float) -> Any:
        """Spare one for every event."""
        return n_vocabulary + 0.0 * n_tokens


class Dirichlet(MaximumLikelihood, name="dirichlet"):
    r"""A Dirichlet prior around the background, :math:`(c + \mu b) / (N + \mu)`.

    Conventionally, :math:`\mu = 2000`.

    References
    ----------
    Zhai, C. & Lafferty, J. (2004). A study of smoothing methods for language models applied to information
    retrieval. *ACM TOIS* 22(2), 179-214. https://doi.org/10.1145/984321.984322
    """

    parameter_range = (0.0, np.inf)

    def conventional_parameter(self, counts: CountsOfCounts) -> float:
        """Return 2000, usual in information retrieval."""
        return 2000.0

    def spare(self, n_tokens: Any, n_types: Any, n_vocabulary: int, parameter: float) -> Any:
        """Spare as many tokens as the prior is worth."""
        return parameter + 0.0 * n_tokens


class JelinekMercer(CountwiseSmoothing, name="jelinek_mercer"):
    r"""Linear interpolation, :math:`\lambda c/N + (1 - \lambda) b`; conventionally :math:`\lambda = 1/2`."""

    parameter_range = (0.0, 1.0)

    def conventional_parameter(self, counts: CountsOfCounts) -> float:
        """Return 1/2."""
        return 0.5

    def kept(self, r: Floats, parameter: float) -> Floats:
        """Keep the same share of every count."""
        return parameter * r

    def spare(self, n_tokens: Any, n_types: Any, n_vocabulary: int, parameter: float) -> Any:
        """Spare the other share of all tokens."""
        return (1.0 - parameter) * n_tokens


class WittenBell(MaximumLikelihood, name="witten_bell"):
    r"""Every type was new once: :math:`(c + T b) / (N + T)`.

    References
    ----------
    Witten, I. H. & Bell, T. C. (1991). The zero-frequency problem. *IEEE Transactions on Information Theory*
    37(4), 1085-1094. https://doi.org/10.1109/18.87000
    """

    def spare(self, n_tokens: Any, n_types: Any, n_vocabulary: int, parameter: float) -> Any:
        """Spare one for every type."""
        return n_types + 0.0 * n_tokens


class AbsoluteDiscounting(CountwiseSmoothing, name="absolute_discounting"):
    r"""The same discount from every count, :math:`(\max(c - D, 0) + D T b) / N`.

    The conventional discount is :math:`n_1 / (n_1 + 2 n_2)`.

    References
    ----------
    Ney, H., Essen, U. & Kneser, R. (1994). On structuring probabilistic dependences in stochastic language
    modelling. *Computer Speech & Language* 8(1), 1-38. https://doi.org/10.1006/csla.1994.1001
    """

    parameter_range = (0.0, 1.0)

    def conventional_parameter(self, counts: CountsOfCounts) -> float:
        """Return Ney's bound of the optimum, or 1/2 when no event was seen once."""
        n1, n2 = counts.having(1), counts.having(2)
        return n1 / (n1 + 2 * n2) if n1 else 0.5

    def kept(self, r: Floats, parameter: float) -> Floats:
        """Keep what is left after the discount."""
        return np.maximum(r - parameter, 0.0)

    def spare(self, n_tokens: Any, n_types: Any, n_vocabulary: int, parameter: float) -> Any:
        """Spare all discounts."""
        return parameter * n_types + 0.0 * n_tokens


class KneserNey(Smoothing, name="kneser_ney"):
    r"""Modified Kneser-Ney at order one: three discounts, :math:`(c - D_c + \gamma b) / N`.

    .. math:: D_r = r - (r + 1)\, Y\, n_{r+1} / n_r, \quad Y = n_1 / (n_1 + 2 n_2), \quad r = 1, 2, 3+

    with :math:`\gamma` the sum of all discounts.  Where the counts of counts give no discount within 0 and r,
    the fallback discounts are used.

    Parameters
    ----------
    fallback_discounts : tuple of float, default=(0.5, 1, 1.5)
        Discounts of counts of 1, 2, and 3 or more, as ``lmplz --discount_fallback`` has them.
    """

    def __init__(self, fallback_discounts: tuple[float, float, float] = (0.5, 1.0, 1.5)) -> None:
        self.fallback_discounts = fallback_discounts

    def split(self, counts: CountsOfCounts, parameter: float) -> Split:
        """Keep what is left after the discounts, and spare them."""
        estimated = self._discounts(*(counts.having(r) for r in (1, 2, 3, 4)))
        d1, d2, d3 = self.fallback_discounts
        fallback = None if estimated else f"the counts of counts allow no discounts; {d1:g}, {d2:g} and {d3:g} are used"
        first, second, third = estimated or self.fallback_discounts
        r = counts.r
        discount = np.minimum(np.select([r >= 3, r >= 2], [third, second], first), r)
        return Split(r - discount, float(discount @ counts.n), fallback)

    @staticmethod
    def _discounts(n1: int, n2: int, n3: int, n4: int) -> tuple[float, float, float] | None:
        if not (n1 and n2 and n3):
            return None
        y = n1 / (n1 + 2 * n2)
        discounts = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        return discounts if all(d >= 0 for d in discounts) else None


class GoodTuring(Smoothing, name="good_turing"):
    r"""Simple Good-Turing: :math:`c^* = (c + 1)\, n_{c+1} / n_c` while that is reliable.

    Above, where :math:`n_r` is sparse, a line through :math:`\log n_r` takes its place.  Unseen events
    share :math:`n_1/N`, and nothing of it goes to seen ones; where the unknown word is the one unseen event
    it has all of it, so that figures with many unknown words look better than under the other methods.
    Where the counts of counts allow no estimate (no event seen once, all events seen equally often, a line
    that does not fall fast enough), 1/2 is discounted from every count.

    Parameters
    ----------
    confidence : float, default=1.65
        Turing's estimate is used up to the first count at which it differs from the line's by no more than so
        many standard deviations; 1.65, the paper's, is 90 % of a normal distribution.

    References
    ----------
    Gale, W. A. & Sampson, G. (1995). Good-Turing frequency estimation without tears. *Journal of Quantitative
    Linguistics* 2(3), 217-237. https://doi.org/10.1080/09296179508590051
    """

    only_unseen = True

    def __init__(self, confidence: float = 1.65) -> None:
        self.confidence = confidence

    def split(self, counts: CountsOfCounts, parameter: float) -> Split:
        """Keep the adjusted counts, and spare as much as events were seen once."""
        seen = counts.r > 0
        r, n = counts.r[seen], counts.n[seen]
        adjusted = self._adjusted(r, n) if counts.having(1) and len(r) > 1 else None
        if adjusted is None:
            kept = np.where(seen, np.maximum(counts.r - 0.5, counts.r / 2), 0.0)
            fallback = "the counts of counts allow no estimate; 0.5 is discounted from every count"
            return Split(kept, float((counts.r - kept) @ counts.n), fallback)
        kept = np.zeros_like(counts.r)
        kept[seen] = adjusted * ((counts.n_tokens - counts.having(1)) / (adjusted @ n))
        return Split(kept, float(counts.having(1)))

    def _adjusted(self, r: Floats, n: NDArray[np.int64]) -> Floats | None:
        """Take Turing's estimates up to the first that does not differ from the line's, then the line's."""
        before, after = np.append(0.0, r[:-1]), np.append(r[1:], 2 * r[-1] - r[-2])
        # In logarithms throughout: counts that are fractions may be tiny.
        slope = np.polyfit(np.log(r), np.log(2 * n) - np.log(after - before), 1)[0]
        if slope >= -1:
            return None
        line = r * np.exp((slope + 1) * (np.log1p(r) - np.log(r)))
        n_next = np.where(np.append(r[1:], 0.0) == r + 1, np.append(n[1:], 0), 0)
        turing = (r + 1) * n_next / n
        spread = (r + 1) * np.sqrt(n_next * (1 + n_next / n)) / n
        unreliable = (n_next == 0) | (np.abs(turing - line) <= self.confidence * spread)
        switch = int(np.argmax(unreliable))
        return np.append(turing[:switch], line[switch:])


def make_smoothing(smoothing: str | Smoothing) -> Smoothing:
    """Return the method of that name, or the object itself.

    Raises
    ------
    ValueError
        When no method has that name.

    Examples
    --------
    >>> make_smoothing("laplace").name
    'laplace'
    """
    if isinstance(smoothing, Smoothing):
        return smoothing
    return SMOOTHINGS.make(smoothing)
