"""A transformer that keeps the features which remove log-loss."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import narwhals as nw
import numpy as np
from numpy.typing import ArrayLike
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skxent._registry import Registry
from skxent._sklearn import Estimator, Interval, NamedParts, fit_context, get_output_config
from skxent._typing import Array
from skxent.feature_selection._features import read_features
from skxent.feature_selection._lazy_data import header, is_lazy, selected
from skxent.feature_selection._redundancy import REDUNDANCIES
from skxent.feature_selection._sets import BinnedFeatures
from skxent.feature_selection._significance import CORRECTIONS, adjust_pvalues
from skxent.feature_selection._target import read_target
from skxent.feature_selection._univariate import (
    SCORE_CONSTRAINTS,
    CategoricalFeatures,
    score_features,
)
from skxent.feature_selection.scores import SCORES, Score
from skxent.information import entropy
from skxent.information._units import nats_per_unit

__all__ = ["CrossEntropySelector"]


class CrossEntropySelector(NamedParts, SelectorMixin, Estimator):
    r"""Keep the features that remove log-loss from the prediction of y.

    A feature is kept if it is significant at `alpha`, if its score is above `threshold` (when given), and if
    it is among the `k` best of those (when given). By default at most 5 % of the kept features are noise in
    expectation, and where all features are noise nothing is kept in 95 % of cases.

    Parameters
    ----------
    k : int, default=None
        Keep at most this many, the best; of equal scores the first.
    threshold : float, default=None
        Keep only scores above it. In the score, the leave-one-out log-loss gain of `cross_entropy_classif`, noise is
        below 0 on average; but so are weak features with many classes.
    alpha : float, default=0.05
        Keep only features whose corrected p-value is at most this; None keeps all.
    correction : {"fdr_bh", "fdr_by", "bonferroni"} or None, default="fdr_bh"
        What `alpha` limits: the expected share of noise among the features found (Benjamini and Hochberg's,
        or Benjamini and Yekutieli's where features depend on each other in any way), the chance of finding
        any noise, or, with None, the chance for each noise feature to be found.
    redundancy : {"discriminant", "cmim", "jmi", "pairs"}, another registered name, or None, default=None
        None judges each feature alone. Otherwise features are chosen one after the other, each for what it adds to
        those that are chosen, until its p-value times the number of features that are left is above `alpha`, or
        there are `k`; `threshold` and `correction` play no part.

        - "discriminant", the one to begin with, stepwise discriminant analysis: what f adds to *all* chosen features in
          a linear model of the values' normal scores, :math:`\frac12 \log` of the ratio of the variances that the
          chosen features leave of f, overall and within the classes. It sees no feature whose spread alone depends on
          the class. It needs four bytes for each value, the zeros of sparse data included; one, on the workers, if Dask
          has a client.

        The others need no model, but compare f with one chosen feature s at a time, by the information
        :math:`I(f; Y \mid s)` that it adds to it. Where all features tell about the same and only many together tell
        more, like the pixels of photographs, they choose no better than chance beyond the first ten or so:

        - "cmim", the smallest of them [1]_: a feature that repeats a chosen one adds nothing;
        - "jmi", their mean, which ranks as the joint mutual information [2]_ does;
        - "pairs", the smallest, but to begin with the largest :math:`I(f; Y \mid g)` over all other features g:
          also finds features that tell something only together. Its time grows with the square of the number of
          features.
    categorical_features : "from_dtype" or array-like of bool, int or str, default="from_dtype"
        Features whose every value is a bin of its own. Text, and columns with a categorical dtype, always
        are.
    n_bins : int or "auto", default="auto"
        Number of quantile bins of the other features. With "auto" the scores are means over several numbers of bins,
        and all else has a number that grows with the fifth root of the size of the classes; see
        `cross_entropy_classif`.
    score_func : {"loo", "plugin", "miller_madow"}, another registered name, or callable, default="loo"
        How the score is estimated; see `cross_entropy_classif`.
    normalize : bool, default=False
        Divide the scores by H(y).
    base : float, default=None
        Base of the logarithm of the scores: 2 for bits; None for nats.
    n_jobs : int, default=None
        Number of threads.

    Attributes
    ----------
    scores_ : ndarray of shape (n_features_in_,)
        Log-loss removed for each row, in nats unless `base` or `normalize`.
    scores_std_ : ndarray of shape (n_features_in_,)
        Standard error of `scores_`: how much they would vary with other rows.
    pvalues_ : ndarray of shape (n_features_in_,)
        Of the hypothesis that the feature tells nothing; not corrected.
    class_scores_ : ndarray of shape (n_features_in_, n_classes)
        Log-loss removed from the rows of each class; weighted with the frequencies of the classes they add
        up to `scores_`.
    n_bins_ : ndarray of int of shape (n_features_in_,)
        Number of filled bins, that of the missing values included, in which p-values are computed; with a given
        `n_bins` the scores too.
    bin_edges_ : list of ndarray
        The largest value of each bin of each feature, ascending. For categories these are the values; for
        text, their numbers in alphabetical order.
    order_ : ndarray of int of shape (n_selected,)
        Only with `redundancy`: the chosen features, the first that was chosen first.
    gains_ : ndarray of shape (n_selected,)
        Only with `redundancy`: what each added when it was chosen, in nats unless `base`.
    target_entropy_ : float
        H(y), the log-loss there is to remove, in nats unless `base`.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X had names that are all strings.

    See Also
    --------
    cross_entropy_classif : The score, its p-value and their limits.

    References
    ----------
    .. [1] F. Fleuret, "Fast binary feature selection with conditional mutual information", Journal of Machine Learning
       Research 5 (2004).
    .. [2] G. Brown, A. Pocock, M.-J. Zhao and M. Luján, "Conditional likelihood maximisation: a unifying framework for
       information theoretic feature selection", Journal of Machine Learning Research 13 (2012).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skxent import CrossEntropySelector
    >>> X, y = load_iris(as_frame=True, return_X_y=True)
    >>> selector = CrossEntropySelector(k=2, base=2).fit(X, y)
    >>> list(selector.get_feature_names_out())
    ['petal length (cm)', 'petal width (cm)']
    >>> selector.scores_.round(2), round(selector.target_entropy_, 2)
    (array([0.62, 0.32, 1.29, 1.33]), 1.58)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "k": [Interval(Integral, 1, None, closed="left"), None],
        "threshold": [Interval(Real, None, None, closed="both"), None],
        "alpha": [Interval(Real, 0, 1, closed="right"), None],
        "correction": [str, None],
        "redundancy": [str, None],
        **SCORE_CONSTRAINTS,
    }
    _parts: ClassVar[dict[str, Registry[Any]]] = {"score_func": SCORES, "correction": CORRECTIONS}

    def __init__(
        self,
        *,
        k: int | None = None,
        threshold: float | None = None,
        alpha: float | None = 0.05,
        correction: str | None = "fdr_bh",
        redundancy: str | None = None,
        categorical_features: CategoricalFeatures = "from_dtype",
        n_bins: int | Literal["auto"] = "auto",
        score_func: str | Score = "loo",
        normalize: bool = False,
        base: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.k = k
        self.threshold = threshold
        self.alpha = alpha
        self.correction = correction
        self.redundancy = redundancy
        self.categorical_features = categorical_features
        self.n_bins = n_bins
        self.score_func = score_func  # an attribute "score" would be called as the method of that name
        self.normalize = normalize
        self.base = base
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Score the features.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_rows, n_features)
            Numbers, categories, text, booleans and dates; missing values have a bin of their own.
        y : array-like of shape (n_rows,)
            Class labels, all text or all numbers, booleans or dates.
        sample_weight : array-like of shape (n_rows,), default=None
            How many times each row counts.

        Returns
        -------
        self : CrossEntropySelector
            The fitted selector.

        Raises
        ------
        ValueError, TypeError
            As `cross_entropy_classif`.
        """
        adjust_pvalues(np.ones(1), self.correction)  # an unknown name is refused before the work
        rule = None if self.redundancy is None else REDUNDANCIES[self.redundancy]
        validate_data(self, header(X), y, skip_check_array=True)
        features = read_features(X, self.categorical_features)
        target = read_target(y, sample_weight, features.n_rows)
        result = score_features(
            features,
            target,
            n_bins=self.n_bins,
            score_func=self.score_func,
            normalize=self.normalize,
            base=self.base,
            n_jobs=self.n_jobs,
        )
        self.scores_ = result.scores
        self.scores_std_ = result.stds
        self.pvalues_ = result.pvalues
        self.class_scores_ = result.by_class
        self.n_bins_ = result.n_bins
        self.bin_edges_ = list(result.edges)
        self.classes_ = target.classes
        self.target_entropy_ = float(entropy(target.totals, normalize=True, base=self.base))
        if rule is not None:
            chosen = rule(BinnedFeatures(features, result.edges, result.ordered, target), self.k, self.alpha)
            self.order_, self.gains_ = chosen.order, chosen.gains / nats_per_unit(self.base)
        return self

    def transform(self, X: Any) -> Any:
        """Reduce X to the selected features.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_rows, n_features)
            The rows, with the columns seen during fit.

        Returns
        -------
        X_selected : array, data frame or sparse matrix of shape (n_rows, n_selected_features)
            As ``set_output`` says; of lazy data, as lazy as they were. A data frame of the configured library keeps
            the dtypes of its columns.
        """
        check_is_fitted(self)
        if is_lazy(X):
            validate_data(self, header(X), reset=False, skip_check_array=True)
            return selected(X, self.get_support())
        configured = get_output_config("transform", estimator=self)["dense"]
        frame = nw.from_native(X, eager_only=True, pass_through=True)
        native = isinstance(frame, nw.DataFrame) and nw.get_native_namespace(frame).__name__ == configured
        if not (native and self.get_support().any()):
            return super().transform(X)
        return self._transform(validate_data(self, X, reset=False, skip_check_array=True))

    def _get_support_mask(self) -> Array:
        check_is_fitted(self)
        if self.redundancy is not None:
            return np.isin(np.arange(len(self.scores_)), self.order_)
        keep: Array = np.ones(len(self.scores_), dtype=bool)
        if self.threshold is not None:
            keep &= self.scores_ > self.threshold
        if self.alpha is not None:
            keep &= adjust_pvalues(self.pvalues_, self.correction) <= self.alpha
        if self.k is not None:
            best_first = np.argsort(-np.where(keep, self.scores_, -np.inf), kind="stable")
            keep[best_first[self.k :]] = False
        return keep

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
