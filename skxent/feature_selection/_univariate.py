"""Score features: the engine, and the score functions that scikit-learn's selectors accept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from numbers import Integral, Real
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length

from skxent._labels import refuse_complex, refuse_masked
from skxent._sklearn import Interval, StrOptions, validate_params
from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._averaging import average_gain, finer_features
from skxent.feature_selection._binning import add_up, auto_bins
from skxent.feature_selection._count_table import CountTable, starts_of_bins
from skxent.feature_selection._features import Features, read_features
from skxent.feature_selection._significance import independence_pvalues
from skxent.feature_selection._target import Target, checked, read_frequencies, read_target
from skxent.feature_selection.scores import Score, checked_gain, resolve_score
from skxent.information import entropy
from skxent.information._units import nats_per_unit

__all__ = [
    "BASE_CONSTRAINT",
    "SCORE_CONSTRAINTS",
    "TABLE_CONSTRAINTS",
    "CategoricalFeatures",
    "FeatureScores",
    "count_features",
    "cross_entropy_classif",
    "cross_entropy_regression",
    "score_features",
]

Result = TypeVar("Result")

CategoricalFeatures = Literal["from_dtype"] | Sequence[bool] | Sequence[int] | Sequence[str]

# The most quantile classes that "auto" makes of a continuous target, and the fewest in which it is ranked.
MAX_TARGET_CLASSES, RANKED_CLASSES = 10, 32

TABLE_CONSTRAINTS: dict[str, list[Any]] = {
    "categorical_features": [StrOptions({"from_dtype"}), "array-like"],
    "n_bins": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
    "n_jobs": [Integral, None],
}
BASE_CONSTRAINT: list[Any] = [Interval(Real, 1, None, closed="neither"), None]
SCORE_CONSTRAINTS: dict[str, list[Any]] = {
    **TABLE_CONSTRAINTS,
    "score_func": [str, callable],
    "normalize": ["boolean"],
    "base": BASE_CONSTRAINT,
}


@dataclass(frozen=True)
class FeatureScores:
    """What a table tells about its features.

    Parameters
    ----------
    scores, stds : ndarray of shape (n_features,)
        Mean gain of the rows, and its standard error.
    by_class : ndarray of shape (n_features, n_classes)
        Mean gain of the rows of each class.
    pvalues : ndarray of shape (n_features,)
        Of the hypothesis that feature and class are independent.
    n_bins : ndarray of int of shape (n_features,)
        Filled bins, that of the missing values included.
    edges : tuple of ndarray
        The largest value of each bin, for each feature.
    ordered : tuple of bool
        Whether the bins of each feature follow the order of its values, rather than being categories.
    """

    scores: Floats
    stds: Floats
    by_class: Floats
    pvalues: Floats
    n_bins: Integers
    edges: tuple[Array, ...]
    ordered: tuple[bool, ...]

    @classmethod
    def joined(cls, parts: Sequence[FeatureScores]) -> FeatureScores:
        """Put the features of several tables one after the other."""
        return cls(
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.stds for part in parts]),
            np.concatenate([part.by_class for part in parts]),
            np.concatenate([part.pvalues for part in parts]),
            np.concatenate([part.n_bins for part in parts]),
            tuple(edges for part in parts for edges in part.edges),
            tuple(ordered for part in parts for ordered in part.ordered),
        )

    @classmethod
    def of(cls, table: CountTable, score: Score, unit: float, averaged: bool = False) -> FeatureScores:
        """Read everything off a table; gains are divided by `unit`, in nats, and averaged over several numbers of bins.

        p-values are always those of the table: its bins do not depend on the classes.
        """
        means = _means(table, checked_gain(score, table) / unit)
        finer = finer_features(table) & averaged
        if finer.any():
            narrow, gain = average_gain(table, finer, score)
            for values, of_finer in zip(means, _means(narrow, gain / unit), strict=True):
                values[finer] = of_finer
        pvalues = independence_pvalues(table)
        return cls(*means, pvalues, table.bins_per_feature, table.edges, table.ordered)


def _means(table: CountTable, gain: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean gain of the rows of each feature, its standard error, and the mean gain of the rows of each class."""
    scores = table.mean_rows(gain)
    variance = table.mean_rows((gain - scores[table.feature]) ** 2)
    return scores, np.sqrt(variance / table.total), table.mean_rows_by_class(gain)


def count_features(
    features: Features, target: Target, n_bins: int | str, n_jobs: int | None, read: Callable[[CountTable], Result]
) -> list[Result]:
    """Count block after block, in threads, and apply `read` to each table."""
    aim = auto_bins(target.merged_totals) if isinstance(n_bins, str) else n_bins

    def work(block: slice) -> list[Result]:
        tables = features.tables(block, target, aim)
        return [read(table if target.merged is None else table.merge_classes(target.merged)) for table in tables]

    result: list[list[Result]] = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(work)(block) for block in features.blocks(target.n_classes)
    )
    return [*chain.from_iterable(result)]


def score_features(
    features: Features,
    target: Target,
    *,
    n_bins: int | str = "auto",
    score_func: str | Score = "loo",
    normalize: bool = False,
    base: float | None = None,
    n_jobs: int | None = None,
) -> FeatureScores:
    """Score all features; the parameters are those of `cross_entropy_classif`."""
    unit = float(entropy(target.merged_totals, normalize=True)) if normalize else nats_per_unit(base)
    gain_of = resolve_score(score_func)
    averaged = isinstance(n_bins, str)
    parts = count_features(
        features, target, n_bins, n_jobs, lambda table: FeatureScores.of(table, gain_of, unit, averaged)
    )
    return FeatureScores.joined(parts)


@validate_params({**SCORE_CONSTRAINTS, "sample_weight": ["array-like", Real, None]}, prefer_skip_nested_validation=True)
def cross_entropy_classif(
    X: Any,
    y: ArrayLike,
    *,
    categorical_features: CategoricalFeatures = "from_dtype",
    n_bins: int | Literal["auto"] = "auto",
    score_func: str | Score = "loo",
    normalize: bool = False,
    base: float | None = None,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
) -> tuple[Floats, Floats]:
    r"""Score each feature by the log-loss it alone removes from the prediction of y.

    Each feature is cut into bins, and the class of each row is predicted twice from all the other rows: from
    the frequencies of the classes, :math:`\pi`, and from those in the row's bin, :math:`q`. The score is the
    mean difference of the log-losses,

    .. math:: s = \frac1N \sum_{b,k} n_{bk} \log \frac{q_{bk}}{\pi_k}, \qquad
              \pi_k = \frac{n_k - 1}{N - 1}, \qquad q_{bk} = \frac{n_{bk} - 1 + K \pi_k}{n_b - 1 + K},

    an estimate of the mutual information :math:`I(X; Y) = H(Y) - \min_q H(Y, q(\cdot \mid X))` from which
    what chance alone would give has been taken. Nothing is fitted at random: the leave-one-out sum has this
    closed form.

    Use it as a `score_func` of scikit-learn's ``SelectKBest``, ``SelectFdr``, ``SelectFpr``, ….

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_rows, n_features)
        Numbers, categories, text, booleans and dates; missing values have a bin of their own. Of arrays and frames of
        Dask and of lazy frames of Polars a few columns are in memory at a time, and none if Dask has a client, whose
        workers count them. The scores are the same.
    y : array-like of shape (n_rows,)
        Class labels, all text or all numbers, booleans or dates.
    categorical_features : "from_dtype" or array-like of bool, int or str, default="from_dtype"
        Features whose every value is a bin of its own. Text, and columns with a categorical dtype, always
        are.
    n_bins : int or "auto", default="auto"
        Number of bins of the other features: quantiles, where a value that holds more than one bin's share
        of the rows has its own. With "auto" the score is the mean over 2, 3, 4, 6, 8, 12, 16, 24 and 48 bins, and over
        three with small ones at the ends; few count more, unless the rows clearly speak for others: see Notes. The
        p-value and everything else that
        has one number of bins then has the divisor of 48, from 4 on, that is nearest to
        :math:`2 (N (1 - \sum \pi_k^2) / (K - 1))^{1/5}`, the fifth root of the size of the classes.
    score_func : {"loo", "plugin", "miller_madow"}, another registered name, or callable, default="loo"
        How the gain is estimated: "loo" leaves out one row at a time, as above; "plugin" is the mutual
        information of the table itself, about :math:`(B - 1)(K - 1)/2N` under pure noise; "miller_madow" takes
        an estimate of this bias off. A callable takes a `CountTable` and gives the gain in nats of the rows of
        each cell; it is called for each number of bins. See :mod:`skxent.feature_selection.scores`.
    normalize : bool, default=False
        Divide by H(y): the fraction of the log-loss that is removed (Theil's U).
    base : float, default=None
        Base of the logarithm: 2 for bits; None for nats. Cancels out if `normalize`.
    sample_weight : array-like of shape (n_rows,), default=None
        How many times each row counts: weight 2 is the same as the row twice. N is the sum of the weights,
        for the p-values too.
    n_jobs : int, default=None
        Number of threads; None is 1 unless in a ``joblib.parallel_config`` context. The results do not
        depend on it.

    Returns
    -------
    scores : ndarray of shape (n_features,)
        Log-loss removed for each row, in nats unless `base` or `normalize`. Noise scores about
        :math:`-(B - 1)(K - 1)/2N`.
    pvalues : ndarray of shape (n_features,)
        Of the hypothesis that the feature tells nothing; see Notes.

    Raises
    ------
    ValueError
        If y is continuous or has one class; if there is no score of that name; if there are fewer than four
        rows; if a weight is negative; if columns that `categorical_features` names are missing.
    TypeError
        If a column holds values that are no categories, like lists; the column is named.

    See Also
    --------
    CrossEntropySelector : Selects features by this score.
    cross_entropy_regression : For a continuous y.

    Notes
    -----
    - "Score above 0" asks for an improvement beyond what fitting noise costs, as Akaike's criterion does.
      For a table with d = (B − 1)(K − 1) degrees of freedom the chance that noise passes is about
      :math:`P(\chi^2_d > 2d)`: 16 % for d = 1, 9 % for d = 4, 5 % for d = 7, 0.1 % for d = 30. It is higher
      again where most bins hold a row or two, like hundreds of categories in 100 rows. Where few noise
      features should pass, ask for a small p-value too.
    - With ``n_bins="auto"`` the gain of a row is the mean of its gains with B bins, with weights in proportion to
      :math:`(1 + e^{N s_B} / 100) / B`, where :math:`s_B` is the leave-one-out score with B bins. Three bins count half
      as much if the first and the last have a sixth, twelfth or twenty-fourth of the rows. So features that tell little
      are compared by few bins and by many, which ranks them about as well as the best number of bins for
      their kind, while a strong dependence is measured in the bins that show it best. Weak features that need one
      particular number, such as several waves along the range, are ranked better with that `n_bins`. The bins of the
      p-value do not depend on the classes, so that it keeps its meaning.
    - The p-value is the chance that shuffled classes have as much plug-in information; two bins and two classes give
      that of Fisher's exact test. Sparse tables, such as rare words and rare classes, are counted exactly, or shuffled.
      For an ordered feature with three bins or more it is combined with that of a test of its normal scores, which
      finds weak trends about as soon as the F-test (the Cauchy combination, with three times the weight).
    - Only one feature is looked at at a time: a feature that tells something only together with others (XOR)
      scores 0. Binning understates a very strong dependence on a continuous feature.

    References
    ----------
    M. Stone, "An asymptotic equivalence of choice of model by cross-validation and Akaike's criterion",
    Journal of the Royal Statistical Society B 39 (1977), doi:10.1111/j.2517-6161.1977.tb01603.x.

    Examples
    --------
    >>> import numpy as np
    >>> from skxent import cross_entropy_classif
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 1000)
    >>> X = np.column_stack([y == 1, (y == 1) ^ (rng.random(1000) < 0.1), rng.random(1000)])
    >>> scores, pvalues = cross_entropy_classif(X, y, base=2)
    >>> scores.round(2)
    array([ 0.99,  0.51, -0.  ])
    >>> pvalues[2] > 0.05
    np.True_
    """
    features = read_features(X, categorical_features)
    target = read_target(y, sample_weight, features.n_rows)
    result = score_features(
        features, target, n_bins=n_bins, score_func=score_func, normalize=normalize, base=base, n_jobs=n_jobs
    )
    return result.scores, result.pvalues


@validate_params(
    {
        **SCORE_CONSTRAINTS,
        "n_classes": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "sample_weight": ["array-like", Real, None],
    },
    prefer_skip_nested_validation=True,
)
def cross_entropy_regression(
    X: Any,
    y: ArrayLike,
    *,
    n_classes: int | Literal["auto"] = "auto",
    categorical_features: CategoricalFeatures = "from_dtype",
    n_bins: int | Literal["auto"] = "auto",
    score_func: str | Score = "loo",
    normalize: bool = False,
    base: float | None = None,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
) -> tuple[Floats, Floats]:
    """Score features for a continuous target: `cross_entropy_classif` on the quantile classes of y.

    The p-value uses the order of the classes too: see Notes.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_rows, n_features)
        As for `cross_entropy_classif`.
    y : array-like of float of shape (n_rows,)
        The target; finite.
    n_classes : int or "auto", default="auto"
        Number of quantile classes; equal values of y always share one. "auto" is the cube root of the number
        of rows, between 2 and 10.
    categorical_features, n_bins, score_func, normalize, base
        As for `cross_entropy_classif`.
    sample_weight : array-like of shape (n_rows,), default=None
        How many times each row counts.
    n_jobs
        As for `cross_entropy_classif`.

    Returns
    -------
    scores, pvalues : ndarray of shape (n_features,)
        As for `cross_entropy_classif`. A feature that determines y scores at most the logarithm of the
        number of classes.

    Raises
    ------
    ValueError
        If y is constant or has missing values; and as for `cross_entropy_classif`.

    Notes
    -----
    The p-value combines three tests (as Cauchy variables): of the information, of the correlation of the normal scores
    of an ordered feature with those of y, and of the difference of the mean scores of y between the bins. For the
    correlation y is ranked in narrower classes than those that are predicted, of which there are 32 or more.

    Examples
    --------
    >>> import numpy as np
    >>> from skxent.feature_selection import cross_entropy_regression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 2))
    >>> scores, pvalues = cross_entropy_regression(X, X[:, 0] ** 2)
    >>> scores > 0
    array([ True, False])
    """
    refuse_masked(y=y)
    refuse_complex(y=y)
    with np.errstate(invalid="ignore"):  # scikit-learn adds all values up
        values = column_or_1d(check_array(y, ensure_2d=False, dtype="numeric", input_name="y"), warn=True)
    check_consistent_length(X, values)
    features = read_features(X, categorical_features)
    target = _quantile_classes(values, sample_weight, n_classes)
    result = score_features(
        features, target, n_bins=n_bins, score_func=score_func, normalize=normalize, base=base, n_jobs=n_jobs
    )
    return result.scores, result.pvalues


def _quantile_classes(y: Array, sample_weight: ArrayLike | None, n_classes: int | str) -> Target:
    """Cut a continuous target into classes, and these into the narrower ones that are counted."""
    weight = None if sample_weight is None else read_frequencies(sample_weight, len(y))
    distinct, value = np.unique(y, return_inverse=True)
    if len(distinct) < 2:
        raise ValueError(f"y is {distinct[0]} in every row: there is nothing to predict.")
    mass = add_up(value, np.ones(len(y)) if weight is None else weight)
    auto = int(np.clip(np.ceil(np.cbrt(mass.sum())), 2, MAX_TARGET_CLASSES))
    whole, none = np.zeros(len(mass), dtype=np.int64), np.zeros(len(mass), dtype=bool)
    aim = auto if isinstance(n_classes, str) else n_classes
    opens = starts_of_bins(whole, mass, none, aim, RANKED_CLASSES)
    wide, narrow = (np.cumsum(starts) - 1 for starts in opens)
    target = checked(Target(np.arange(narrow[-1] + 1), narrow[value], weight, ordered=True))
    class_of = wide[opens[1]][target.classes]
    return replace(target, merged=np.unique(class_of, return_inverse=True)[1])
