"""The bins of the selector as a transformer: weights of evidence or numbers of bins."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skxent._sklearn import Estimator, Interval, StrOptions, fit_context
from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._binning import auto_bins
from skxent.feature_selection._containers import DataSet, read_data
from skxent.feature_selection._features import features_of
from skxent.feature_selection._target import MIN_ROWS, Target, read_target
from skxent.feature_selection._univariate import CategoricalFeatures
from skxent.feature_selection._values import Levels

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BinEncoder"]


class BinEncoder(TransformerMixin, Estimator):
    r"""Replace each value by the weight of evidence of its bin, or by the bin's number.

    With :math:`n_{bk}` rows of class k in bin b and a the `smoothing`, the weight of evidence for class k is the
    logarithm of how many times more often the bin comes in class k than in the other classes,

    .. math:: w_{bk} = \log \frac{(n_{bk} + a) / (n_k + a B)}{(n_b - n_{bk} + a) / (N - n_k + a B)}.

    Parameters
    ----------
    encode : {"woe", "index"}, default="woe"
        Weights of evidence, of the second class where there are two, else one column for each class; or the number
        of the bin.
    n_bins : int or "auto", default="auto"
        Number of quantile bins of the numeric features; see `cross_entropy_classif`.
    categorical_features : "from_dtype" or array-like of bool, int or str, default="from_dtype"
        Features whose every value is a bin of its own.
    smoothing : float, default=0.5
        Rows that are added to each bin of each class.

    Attributes
    ----------
    information_value_ : ndarray of shape (n_features_in_, n_classes)
        :math:`\sum_b (p_{b|k} - p_{b|\text{other}}) w_{bk}` in nats: the Jeffreys divergence of class k and the rest.
        With two classes both columns are equal.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X had names that are all strings.

    See Also
    --------
    BinningDisplay : Pictures of the bins.

    Notes
    -----
    Missing values have a bin of their own. A category, or a missing value, that was not there during fit has weight 0;
    numbers below and above those seen are in the first and the last bin.
    The weights of rows that a model is then fitted on know these rows' labels: for features with many bins of few
    rows, cross-fit.

    References
    ----------
    I. J. Good, "Weight of evidence: a brief survey", Bayesian Statistics 2 (1985).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skxent.feature_selection import BinEncoder
    >>> X, y = load_breast_cancer(as_frame=True, return_X_y=True)
    >>> encoder = BinEncoder(n_bins=4).fit(X, y)
    >>> encoder.table("worst area")[["bin", "rows", "woe"]].round(1)
                  bin  rows  woe
    0     (−∞, 515.3]   143  3.5
    1  (515.3, 686.5]   142  2.9
    2   (686.5, 1084]   142 -0.3
    3          > 1084   142 -5.1
    >>> round(make_pipeline(encoder, LogisticRegression()).fit(X, y).score(X, y), 2)
    0.98
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "encode": [StrOptions({"woe", "index"})],
        "n_bins": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like"],
        "smoothing": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        encode: Literal["woe", "index"] = "woe",
        n_bins: int | Literal["auto"] = "auto",
        categorical_features: CategoricalFeatures = "from_dtype",
        smoothing: float = 0.5,
    ) -> None:
        self.encode = encode
        self.n_bins = n_bins
        self.categorical_features = categorical_features
        self.smoothing = smoothing

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find the bins and their weights of evidence.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_rows, n_features)
            Numbers, categories, text, booleans and dates.
        y : array-like of shape (n_rows,)
            Class labels.
        sample_weight : array-like of shape (n_rows,), default=None
            How many times each row counts.

        Returns
        -------
        self : BinEncoder
            The encoder.

        Raises
        ------
        ValueError, TypeError
            As `cross_entropy_classif`.
        """
        validate_data(self, X, y, skip_check_array=True)
        data = read_data(X, MIN_ROWS)
        target = read_target(y, sample_weight, data.n_rows)
        features = features_of(data, self.categorical_features)
        aim = auto_bins(target.totals) if isinstance(self.n_bins, str) else self.n_bins
        self._names = data.names
        self._levels = [
            Levels.of(
                data.column(at),
                name,
                bool(features.categorical[at]),
                lambda values, at=at: features.count(slice(at, at + 1), target, aim).edges[0][:-1],  # type: ignore[misc]
            )
            for at, name in enumerate(data.names)
        ]
        self.classes_ = target.classes
        self._counts = [_count(codes, level.n_codes, target) for codes, level in self._coded(data)]
        self._woe = [self._weights_of_evidence(counts) for counts in self._counts]
        self.information_value_ = np.array(
            [self._information_value(counts, woe) for counts, woe in zip(self._counts, self._woe, strict=True)]
        )
        return self

    def transform(self, X: Any) -> Array:
        """Encode rows.

        Parameters
        ----------
        X : array-like, data frame or sparse matrix of shape (n_rows, n_features)
            The rows, with the columns seen during fit.

        Returns
        -------
        ndarray of shape (n_rows, n_features_out)
            Weights of evidence as float64, or bins as int64.

        Raises
        ------
        ValueError
            If a column holds values of another kind than during fit, such as numbers where there was text.
        """
        check_is_fitted(self)
        data = read_data(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        if self.encode == "index":
            return np.column_stack([codes for codes, _ in self._coded(data)])
        columns = self._columns
        return np.hstack([self._woe[at][codes][:, columns] for at, (codes, _) in enumerate(self._coded(data))])

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Return the names of the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; None for those seen during fit.

        Returns
        -------
        ndarray of str
            The features' names, with ``_class`` where there is a column for each class.
        """
        check_is_fitted(self)
        names = self._names if input_features is None else [str(name) for name in np.asarray(input_features).tolist()]
        if len(names) != len(self._names):
            raise ValueError(f"input_features has {len(names)} names for {len(self._names)} features.")
        if self.encode == "index" or len(self.classes_) == 2:
            return np.array(names, dtype=object)
        return np.array([f"{name}_{label}" for name in names for label in self.classes_], dtype=object)

    def table(self, feature: str | int) -> pd.DataFrame:
        """Return the bins of a feature, as a table from numbers of bins back to values.

        Parameters
        ----------
        feature : str or int
            Name or position.

        Returns
        -------
        pandas.DataFrame
            One row for each bin that has rows: ``code``, ``bin`` in words, ``rows``, ``share`` of the rows, the
            frequency of each class in it (one column ``p(class)`` each), ``woe`` (``woe(class)`` with more classes).
        """
        import pandas as pd

        check_is_fitted(self)
        at = self._position(feature)
        counts, level = self._counts[at], self._levels[at]
        filled = np.flatnonzero(counts.sum(axis=1))
        rows = counts[filled].sum(axis=1)
        columns: dict[str, Any] = {
            "code": filled,
            "bin": [level.labels[code] for code in filled],
            "rows": rows if np.any(rows % 1) else rows.astype(np.int64),
            "share": rows / rows.sum(),
        }
        for k, label in enumerate(self.classes_.tolist()):
            columns[f"p({label})"] = counts[filled, k] / rows
        for k in self._columns:
            columns["woe" if len(self.classes_) == 2 else f"woe({self.classes_[k]})"] = self._woe[at][filled, k]
        return pd.DataFrame(columns)

    @property
    def _columns(self) -> list[int]:
        """The classes that have a column of weights of evidence."""
        return [1] if len(self.classes_) == 2 else list(range(len(self.classes_)))

    def _position(self, feature: str | int) -> int:
        known: dict[str | int, int] = {at: at for at in range(len(self._names))}
        known.update({name: at for at, name in enumerate(self._names)})
        if feature not in known:
            raise ValueError(f"there is no feature {feature!r}; known: {', '.join(self._names)}.")
        return known[feature]

    def _coded(self, data: DataSet) -> list[tuple[Integers, Levels]]:
        """Bin of each value, with the bins, by column."""
        return [(level.codes(data.column(at), data.names[at]), level) for at, level in enumerate(self._levels)]

    def _weights_of_evidence(self, counts: Floats) -> Floats:
        """Weights of evidence of shape (n_bins, n_classes), 0 for bins without rows."""
        filled = counts.sum(axis=1, keepdims=True) > 0
        inside, outside = self._frequencies(counts)
        return np.where(filled, np.log(inside / outside), 0.0)

    def _frequencies(self, counts: Floats) -> tuple[Floats, Floats]:
        """Smoothed frequency of each bin in a class and in all other classes."""
        filled = counts.sum(axis=1, keepdims=True) > 0
        inside = (counts + self.smoothing) * filled
        outside = (counts.sum(axis=1, keepdims=True) - counts + self.smoothing) * filled
        frequencies = inside / inside.sum(axis=0), outside / outside.sum(axis=0)
        return tuple(np.where(filled, frequency, 1.0) for frequency in frequencies)  # type: ignore[return-value]

    def _information_value(self, counts: Floats, woe: Floats) -> Floats:
        inside, outside = self._frequencies(counts)
        return np.asarray(np.sum((inside - outside) * woe, axis=0))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = []
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _count(codes: Integers, n_codes: int, target: Target) -> Floats:
    """Rows of each bin and class."""
    cell = codes * target.n_classes + target.codes
    counts = np.bincount(cell, target.weight, minlength=n_codes * target.n_classes)
    return counts.astype(np.float64).reshape(n_codes, target.n_classes)
