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
from skxent.feature_selection._count_table import CountTable

__all__ = [
    "SCORES",
    "CountTable",
    "Score",
    "checked_gain",
    "leave_one_out",
    "miller_madow",
    "plugin",
    "register",
    "resolve_score",
]

Score = Callable[[CountTable], Floats]

SCORES: Registry[Score] = Registry("score")


def register(name: str) -> Callable[[Score], Score]:
    """Make a score known by a name.

    A score takes a `CountTable` and gives, for each cell, the log-loss in nats that a row of the cell
    saves when its class is predicted from the feature instead of from the frequencies of the classes alone.
    The score of a feature is the mean over the rows.

    Parameters
    ----------
    name : str
        The name; an earlier score of that name is replaced.

    Returns
    -------
    callable
        A decorator.
    """
    return SCORES.register(name)


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
    """Return whether a function can be called with one argument; True where its signature is not known."""
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


@register("loo")
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


@register("plugin")
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
    cells = np.bincount(table.feature, minlength=table.n_features)
    bias = (cells - table.bins_per_feature - table.n_classes + 1) / (2 * table.total)
    corrected: Floats = plugin(table) - bias[table.feature]
    return corrected
