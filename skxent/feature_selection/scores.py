"""Scores of a feature: functions from a table of counts to what each row gains, registered by name.

To add one, write a function that takes a :class:`CountTable` and returns one number for each cell, and register it:

>>> from skxent.feature_selection import scores
>>> @scores.register("hits")
... def hits(table):
...     \"\"\"Return how much more often than by chance a row of the cell has its class in its bin.\"\"\"
...     return table.count / table.bin_totals[table.bin] - table.class_totals[table.label] / table.total

Its name, like the function itself, is then a value of the parameter ``score_func`` of every function and estimator of
:mod:`skxent.feature_selection`.

>>> from skxent.feature_selection import cross_entropy_classif
>>> gains, pvalues = cross_entropy_classif([[0.0], [0.0], [1.0], [1.0]], ["a", "a", "b", "b"], score_func="hits")
>>> gains
array([0.5])
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from skxent._registry import Registry
from skxent._typing import Floats
from skxent.feature_selection._binning import add_up
from skxent.feature_selection._count_table import CountTable

__all__ = [
    "SCORES",
    "CountTable",
    "Score",
    "checked_gain",
    "gain_by_chance",
    "leave_one_out",
    "miller_madow",
    "plugin",
    "register",
    "resolve_score",
]

Score = Callable[[CountTable], Floats]
# Mean score of features that tell nothing, for each feature of a table.
ByChance = Callable[[CountTable], Floats]

SCORES: Registry[Score] = Registry("score")


def register(name: str, by_chance: ByChance | None = None) -> Callable[[Score], Score]:
    """Make a score known by a name.

    A score takes a `CountTable` and gives, for each cell, the log-loss in nats that a row of the cell
    saves when its class is predicted from the feature instead of from the frequencies of the classes alone.
    The score of a feature is the mean over the rows.

    Parameters
    ----------
    name : str
        The name; an earlier score of that name is replaced.
    by_chance : callable, default=None
        Takes a table too and gives the mean score of features that tell nothing, of shape (n_features,); None stands
        for 0. With ``n_bins="auto"`` it is what keeps a score from depending on how many bins suit the feature. It
        becomes the attribute ``by_chance`` of the score.

    Returns
    -------
    callable
        A decorator.
    """

    def remember(score: Score) -> Score:
        if by_chance is not None:
            score.by_chance = by_chance  # type: ignore[attr-defined]
        return SCORES.register(name)(score)

    return remember


def resolve_score(score: str | Score) -> Score:
    """Return the score of that name, or the function itself.

    Raises
    ------
    ValueError
        If there is no score of that name.
    TypeError
        If the function cannot be called with a table alone, like the score functions of scikit-learn's selectors.
    """
    function = SCORES[score] if isinstance(score, str) else score
    if not _takes_one(function):
        name = getattr(function, "__name__", repr(function))
        raise TypeError(
            f"score_func={name} must take one argument, a CountTable, and return the gain of the rows of each cell. "
            f"A function of X and y is for scikit-learn's selectors, as in SelectKBest({name})."
        )
    return function


def _takes_one(function: Callable[..., object]) -> bool:
    """Whether a function can be called with one argument; True where its signature is not known."""
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:  # a function written in C
        return True
    return True


def checked_gain(score: Score, table: CountTable) -> Floats:
    """Return what a score gives for a table.

    Raises
    ------
    ValueError
        If it is not one finite number for each cell.
    """
    gain = np.asarray(score(table))
    if gain.shape != table.count.shape:
        raise ValueError(f"The score gave an array of shape {gain.shape} for a table of {len(table.count)} cells.")
    if not np.all(np.isfinite(gain)):
        at = int(np.flatnonzero(~np.isfinite(gain))[0])
        raise ValueError(f"The score gave {gain[at]} for a cell of {table.count[at]:g} rows: it must be finite.")
    return gain


def gain_by_chance(score: Score, table: CountTable) -> Floats:
    """Mean score of features that tell nothing, as far as it is known, else 0: shape (n_features,)."""
    known: ByChance | None = getattr(score, "by_chance", None)
    return np.zeros(table.n_features) if known is None else known(table)


def _left_out_by_chance(table: CountTable) -> Floats:
    r"""Mean of `leave_one_out` for a feature that tells nothing, to the second order of q / π - 1.

    That ratio has the mean 1 if classes are shuffled, and its variance is that of a hypergeometric variable:

    .. math:: -\frac{1}{2N} \sum_b \frac{n_b (n_b - 1)}{(n_b - 1 + K)^2} \frac{N - n_b}{N - 2}
              \sum_k \frac{n_k}{N} \frac{1 - \pi_k}{\pi_k}
    """
    n, n_k, total = np.maximum(table.bin_totals, 1.0), table.class_totals, table.total
    n_k = n_k[n_k > 1]
    of_classes = np.sum(n_k / total * (total - n_k) / (n_k - 1))
    of_bins = n * (n - 1) / (n - 1 + table.n_classes) ** 2 * (total - n) / max(total - 2, 1.0)
    return -add_up(table.feature_of_bin, of_bins, table.n_features) * of_classes / (2 * total)


def _plugin_by_chance(table: CountTable) -> Floats:
    """Mean of `plugin` for a feature that tells nothing, by the number of filled cells."""
    cells = np.bincount(table.feature, minlength=table.n_features)
    bias: Floats = (cells - table.bins_per_feature - table.n_classes + 1) / (2 * table.total)
    return bias


@register("loo", by_chance=_left_out_by_chance)
def leave_one_out(table: CountTable) -> Floats:
    r"""Log-loss gain of a row that is left out, in closed form.

    The class frequencies without the row, :math:`\pi_k = (n_k - 1)/(N - 1)`, are what is known without the
    feature; the row's bin, without the row, is smoothed towards them with the weight of K rows:

    .. math:: \log \frac{q_{bk}}{\pi_k}, \qquad q_{bk} = \frac{n_{bk} - 1 + K \pi_k}{n_b - 1 + K}

    A feature with one bin has :math:`q = \pi`, and so has a bin with one row: both gain exactly 0. A row
    whose class has no other row gains 0, because neither prediction allows the class. Where weights are
    fractions and a cell weighs less than one row, the whole cell is left out.
    """
    out = np.minimum(table.count, 1.0)
    cell = table.count - out
    of_bin = table.bin_totals[table.bin] - out
    of_class = table.class_totals[table.label] - out
    # q/π - 1 over one denominator, so that equal products cancel to an exact 0.
    numerator = cell * (table.total - out) - of_bin * of_class
    denominator = of_class * (of_bin + table.n_classes)
    return np.log1p(np.divide(numerator, denominator, out=np.zeros_like(out), where=of_class > 0))


@register("plugin", by_chance=_plugin_by_chance)
def plugin(table: CountTable) -> Floats:
    r"""Pointwise mutual information of the observed frequencies, :math:`\log (n_{bk} N / n_b n_k)`.

    Its mean, the plug-in mutual information, is never negative: noise scores about
    :math:`(B - 1)(K - 1) / 2N`.
    """
    independent = table.bin_totals[table.bin] * table.class_totals[table.label]
    gain: Floats = np.log(table.count * table.total / independent)
    return gain


@register("miller_madow")
def miller_madow(table: CountTable) -> Floats:
    r"""Plug-in mutual information less its bias, by the number of filled cells.

    .. math:: \hat I - \frac{\#\{n_{bk} > 0\} - B - K + 1}{2N}

    See G. A. Miller, "Note on the bias of information estimates", in *Information Theory in Psychology*,
    1955.
    """
    corrected: Floats = plugin(table) - _plugin_by_chance(table)[table.feature]
    return corrected
