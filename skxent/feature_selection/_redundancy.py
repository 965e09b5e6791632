r"""Sets of features: each is chosen for what it adds to those that are already chosen.

The gain of a feature f given a chosen one s is the conditional information of their joint counts,
:math:`I(f; Y \mid s) = \frac1N \sum n_{sfk} \log \frac{n_{sfk} n_s}{n_{sf} n_{sk}}`, less half its degrees of
freedom, which it has in noise. How the gains given all chosen features become one number is the *redundancy* rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincc, xlogy

from skxent._registry import Registry
from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._joint_tables import JointTables, joint_counts
from skxent.feature_selection._sets import BinnedFeatures, Chooser, ChosenFeatures
from skxent.feature_selection._shuffling import gamma_tail
from skxent.feature_selection._stepwise import choose_stepwise
from skxent.feature_selection._target import Target

__all__ = ["REDUNDANCIES", "choose_by_counts"]

# Rows for each cell of the joint counts with which G is close to χ².
ROWS_PER_CELL = 10
# Shuffles within the bins of the chosen feature where there are fewer.
SHUFFLES = 100


class Rule(NamedTuple):
    """How conditional gains become one number.

    Attributes
    ----------
    start : callable
        From the joint counts to the gain of every feature before anything is chosen, and the feature given which it
        has that gain, −1 for none.
    lazy : bool
        Whether the number is the smallest of the gains, so that it can only fall; otherwise it is their mean.
    """

    start: Callable[[JointCounts], tuple[Floats, Integers]]
    lazy: bool


REDUNDANCIES: Registry[Chooser] = Registry("redundancy")


@dataclass(frozen=True)
class JointCounts:
    """Conditional information of each feature given another, from the counts of the two and the class.

    Parameters
    ----------
    tables : JointTables
        What counts.
    target : Target
        The classes.
    """

    tables: JointTables
    target: Target
    _gains: dict[int, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, binned: BinnedFeatures) -> JointCounts:
        """Find the bin of every value, where the values are."""
        return cls(binned.features.joint_tables(binned.edges, binned.target), binned.target)

    @property
    def n_features(self) -> int:
        """Number of features."""
        return len(self.tables.n_codes)

    def counts(self, feature: int, given: int = -1) -> Floats:
        """Return counts of shape (bins of `given`, bins of `feature`, classes); −1 stands for no feature."""
        return self.tables.counts(slice(feature, feature + 1), given)[0]

    def gain(self, feature: int, given: int = -1) -> float:
        """Conditional information of a feature and the class, less its bias, in nats."""
        known = self._gains.setdefault(given, np.full(self.n_features, np.nan))
        if np.isnan(known[feature]):
            together = self.tables.together(feature, given)
            known[together] = [self._gain_in(counts) for counts in self.tables.counts(together, given)]
        return float(known[feature])

    def _gain_in(self, counts: Floats) -> float:
        information, freedom = _information(counts)
        return (information - freedom / 2) / self.target.total

    def pvalue(self, feature: int, given: int = -1) -> float:
        """Probability of as much conditional information if classes are shuffled within the bins of `given`."""
        counts = self.counts(feature, given)
        information, freedom = _information(counts)
        if freedom <= 0:
            return 1.0
        if self.target.total >= ROWS_PER_CELL * np.count_nonzero(counts.sum(axis=(1, 2))) * counts[0].size:
            return float(gammaincc(freedom / 2, information))
        values = self._shuffled(feature, given, counts.shape)
        third = np.mean((values - values.mean()) ** 3)
        return float(gamma_tail(np.array(2 * information), np.array([values.mean(), values.var(), third])))

    def _shuffled(self, feature: int, given: int, shape: tuple[int, ...]) -> Floats:
        """G of tables of a shape with the classes shuffled within the bins of `given`."""
        n_given, n_codes, n_classes = shape
        codes, target = self.tables.codes(feature), self.target
        bins = np.zeros(len(codes), dtype=np.uint8) if given < 0 else self.tables.codes(given)
        place = np.argsort(bins, kind="stable")
        base, shuffled = bins.astype(np.intp) * n_classes + target.codes, np.empty(len(codes), dtype=np.intp)
        values = []
        for seed in range(SHUFFLES):
            order = np.random.default_rng(seed).permutation(len(codes))
            shuffled[place] = base[order[np.argsort(bins[order], kind="stable")]]
            counts = joint_counts(codes, n_codes, shuffled, (n_given, n_classes), target.weight)
            values.append(2 * _information(counts)[0])
        return np.array(values)


def _information(counts: Floats) -> tuple[float, float]:
    """N × the conditional plug-in information of counts n[given, feature, class], and its degrees of freedom."""
    of_feature, of_class = counts.sum(axis=2), counts.sum(axis=1)
    of_given = of_feature.sum(axis=1)
    terms = [xlogy(part, part).sum() for part in (counts, of_feature, of_class, of_given)]
    freedom = np.sum((np.sum(of_feature > 0, axis=1) - 1) * (np.sum(of_class > 0, axis=1) - 1) * (of_given > 0))
    return float(terms[0] - terms[1] - terms[2] + terms[3]), float(freedom)


def _alone(joint: JointCounts) -> tuple[Floats, Integers]:
    """Begin with the information of each feature alone."""
    gains = np.array([joint.gain(feature) for feature in range(joint.n_features)])
    return gains, np.full(len(gains), -1)


def _with_best_partner(joint: JointCounts) -> tuple[Floats, Integers]:
    """Begin with the largest information that any other feature gives each, which finds features that need another."""
    n_features = joint.n_features
    gains, partners = _alone(joint)
    for given in range(n_features):
        for feature in range(n_features):
            gain = joint.gain(feature, given) if feature != given else -np.inf
            if gain > gains[feature]:
                gains[feature], partners[feature] = gain, given
    return gains, partners


def choose_by_counts(rule: Rule, binned: BinnedFeatures, k: int | None, alpha: float | None) -> ChosenFeatures:
    """Choose features by what a rule makes of their gains; see :class:`~skxent.feature_selection._sets.Chooser`.

    Parameters
    ----------
    rule : Rule
        How gains are put together.
    binned, k, alpha : BinnedFeatures, int or None, float or None
        As of every chooser.
    """
    joint = JointCounts.of(binned)
    gains, given = rule.start(joint)
    gains, given, n_seen = gains.copy(), given.copy(), np.zeros(len(gains), dtype=np.int64)
    order: list[int] = []
    steps: list[tuple[float, float]] = []
    left = np.ones(len(gains), dtype=bool)
    while left.any() and len(order) < (k or len(gains)):
        best = _best(joint, rule, gains, given, n_seen, order, left)
        pvalue = min(joint.pvalue(best, int(given[best])) * int(left.sum()), 1.0)
        if alpha is not None and pvalue > alpha:
            break
        order.append(best)
        steps.append((float(gains[best]), pvalue))
        left[best] = False
    columns = np.array(steps).reshape(-1, 2)
    return ChosenFeatures(np.array(order, dtype=np.int64), columns[:, 0], columns[:, 1])


def _best(
    joint: JointCounts, rule: Rule, gains: Floats, given: Integers, n_seen: Integers, order: list[int], left: Array
) -> int:
    """Bring gains up to date, and return the feature that is left with the largest.

    Where they only fall, those below the best that is up to date need not be (Fleuret's fast algorithm).
    """
    best, largest = -1, -np.inf
    for feature in np.argsort(-np.where(left, gains, -np.inf), kind="stable")[: int(left.sum())].tolist():
        if rule.lazy and gains[feature] <= largest:
            break
        while n_seen[feature] < len(order) and not (rule.lazy and gains[feature] <= largest):
            chosen = order[n_seen[feature]]
            gain = joint.gain(feature, chosen)
            if rule.lazy and gain < gains[feature]:
                gains[feature], given[feature] = gain, chosen
            elif not rule.lazy:
                n = n_seen[feature]
                gains[feature] = gain if n == 0 else (gains[feature] * n + gain) / (n + 1)
                given[feature] = chosen
            n_seen[feature] += 1
        if gains[feature] > largest:
            best, largest = feature, float(gains[feature])
    return best


REDUNDANCIES.register("cmim")(partial(choose_by_counts, Rule(_alone, lazy=True)))
REDUNDANCIES.register("jmi")(partial(choose_by_counts, Rule(_alone, lazy=False)))
REDUNDANCIES.register("pairs")(partial(choose_by_counts, Rule(_with_best_partner, lazy=True)))
REDUNDANCIES.register("discriminant")(choose_stepwise)
