"""How probable it is that each label is right."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d, indexable
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed

from skxent._labels import plain_labels
from skxent._sklearn import Interval, check_method_params, safe_split
from skxent._typing import Array, Floats, Integers
from skxent.label_noise._transition import estimate_transition, posterior
from skxent.rows import refuse_lazy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LabelQuality", "label_quality"]

# Positions of the rows to fit and of those to judge.
Fold = tuple[Integers, Integers]

# Smallest probability of a class that counts, so that a model that is too sure can still be contradicted.
_LEAST = 1e-12


@dataclass(frozen=True, repr=False)
class LabelQuality:
    """What :func:`label_quality` finds.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The labels there are, sorted.
    labels : ndarray of shape (n_samples,)
        Position of each row's label among them.
    transition : ndarray of shape (n_classes, n_classes)
        The noise matrix: entry [i, j] is the estimated probability that a row of true class i is labelled j.
    posterior : ndarray of shape (n_samples, n_classes)
        Probability of each true class, by a model that has not seen the row, and by its label.
    """

    classes: Array
    labels: Integers
    transition: Floats
    posterior: Floats

    def __repr__(self) -> str:
        """Show sizes and the share of wrong labels rather than the arrays."""
        n_samples, n_classes = self.posterior.shape
        return f"LabelQuality({n_samples} labels of {n_classes} classes, noise_rate={self.noise_rate:.3g})"

    @property
    def probability(self) -> Floats:
        """Probability that each label is right, of shape (n_samples,)."""
        return self.posterior[np.arange(len(self.labels)), self.labels]

    @property
    def best(self) -> Integers:
        """Position of the most probable true class of each row, of shape (n_samples,)."""
        return self.posterior.argmax(axis=1)

    @property
    def noise_rate(self) -> float:
        """Estimated share of wrong labels: the mean probability of a label being wrong."""
        return float(1 - self.probability.mean())

    def ranking(self, n_rows: int | None = None) -> Integers:
        """Return positions of the rows, the most suspicious first.

        Parameters
        ----------
        n_rows : int, optional
            How many; all by default.

        Returns
        -------
        ndarray of shape (n_rows,)
            Positions, by the probability that the label is right.

        Raises
        ------
        ValueError
            If `n_rows` is not a whole number, or negative.
        """
        if n_rows is not None and not Interval(Integral, 0, None, closed="left").is_satisfied_by(n_rows):
            raise ValueError(f"n_rows={n_rows!r} must be at least 0, and a whole number.")
        return np.argsort(self.probability, kind="stable")[:n_rows]

    def suspects(self, n_rows: int = 20) -> pd.DataFrame:
        """Return the most suspicious rows as a table.

        Parameters
        ----------
        n_rows : int, default=20
            How many.

        Returns
        -------
        pandas.DataFrame
            For each row, its position in the data as index, the label ``given``, the ``probability`` that it is right,
            the most probable true class, ``suggested``, and the probability of that one.

        Raises
        ------
        ImportError
            If pandas is not installed; :meth:`ranking` needs none.
        """
        pandas = _import_pandas()
        rows = self.ranking(n_rows)
        best = self.best[rows]
        return pandas.DataFrame(
            {
                "given": self.classes[self.labels[rows]],
                "probability": self.probability[rows],
                "suggested": self.classes[best],
                "probability of suggested": self.posterior[rows, best],
            },
            index=pandas.Index(rows, name="row"),
        )


def label_quality(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    groups: Any = None,
    prior: float = 10.0,
    params: dict[str, Any] | None = None,
    n_jobs: int | None = None,
) -> LabelQuality:
    r"""Estimate how probable it is that each label is right.

    Clones of the estimator predict :math:`p`, the probabilities of the classes, for rows that they have not been fitted
    on. The noise matrix :math:`T` is the most probable one for these and the labels given, and by Bayes' rule the
    label :math:`j` of a row is right with probability

    .. math:: \frac{p_j\,T_{jj}}{\sum_i p_i\,T_{ij}} .

    That holds if :math:`p` are probabilities of the true classes. An ordinary classifier that is fitted on wrong labels
    spreads its probabilities; ``SoftmaxRegressor(ForwardCorrection())`` corrects that, and the generalised
    cross-entropy nearly does.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``
        Any one of scikit-learn's kind. It is cloned, not fitted itself, and each clone is fitted on the labels as
        given. A :class:`sklearn.frozen.FrozenEstimator` is not fitted again: it must not have seen these rows.
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Data.
    y : array-like of shape (n_samples,)
        Labels given, at least two of each class.
    cv : int, cross-validation generator or iterable, default=5
        An integer is a number of shuffled, stratified folds; None is 5. Each row must be in one test fold, and each
        fold must leave rows of all classes to fit on.
    groups : array-like of shape (n_samples,), optional
        Group of each row, such as the patient or the page. No group is in both parts of a fold, if `cv` is an integer
        or a splitter that takes groups, such as :class:`sklearn.model_selection.GroupKFold`.
    prior : float, default=10.0
        Rows that each class counts more in the noise matrix, half of them right and half spread evenly. With few rows,
        or a model that fits badly, ten find more wrong labels than one.
    params : dict, optional
        Further arguments of ``fit``, such as ``sample_weight``.
    n_jobs : int, optional
        Folds at a time, each in a process of its own; None is one, -1 as many as there are processors.

    Returns
    -------
    LabelQuality
        Probabilities, noise matrix and a table of the most suspicious rows.

    Raises
    ------
    ValueError
        If `y` is not one label for each row, or a class has a single one; if folds judge a row never, twice or by a
        model that has seen it, or leave no row of a class to fit on; if a model has other classes than `y`, or its
        ``predict_proba`` returns something else than numbers that are not negative, one for each class.
    TypeError
        If `estimator` is no classifier with ``predict_proba``, or if data are not in memory.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang, I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021,
       :doi:`10.1613/jair.1.12125`

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.label_noise import label_quality
    >>> from skxent.losses import GeneralizedCrossEntropy
    >>> X, y = load_digits(return_X_y=True)
    >>> y[:3] = [8, 8, 8]  # they are 0, 1 and 2
    >>> quality = label_quality(SoftmaxRegressor(GeneralizedCrossEntropy(), alpha=1e-2), X, y)
    >>> set(range(3)) <= set(quality.ranking(20).tolist())
    True
    >>> quality.transition.shape
    (10, 10)
    """
    if isinstance(estimator, type) or not hasattr(estimator, "predict_proba") or not is_classifier(estimator):
        raise TypeError(f"label_quality needs a classifier with predict_proba; {estimator!r} is none.")
    refuse_lazy(X=X, y=y)
    check_consistent_length(X, y)
    classes, labels = _check_labels(y)
    (X,) = indexable(X)
    folds = _folds(cv, X, classes, labels, groups)
    judged = Parallel(n_jobs=n_jobs)(
        delayed(_judged)(estimator, X, classes[labels], fold, params or {}, classes) for fold in folds
    )
    p = np.empty((len(labels), len(classes)))
    for (_, judge), part in zip(folds, judged, strict=True):
        p[judge] = part
    p = np.maximum(_checked_probabilities(estimator, p), _LEAST)
    p /= p.sum(axis=1, keepdims=True)
    transition = estimate_transition(np.eye(len(classes))[labels], p, prior=prior)
    return LabelQuality(classes, labels, transition, posterior(p, transition, labels))


def _judged(estimator: Any, X: Any, y: Array, fold: Fold, params: dict[str, Any], classes: Array) -> Array:
    """Return the probabilities of the classes of the rows to judge, by a model of those to fit."""
    fit, judge = fold
    model = clone(estimator)
    X_fit, y_fit = safe_split(model, X, y, fit)
    model.fit(X_fit, y_fit, **check_method_params(X, params, fit))
    p = np.asarray(model.predict_proba(safe_split(model, X, y, judge, fit)[0]))
    if not np.array_equal(model.classes_, classes):
        raise ValueError(f"{estimator!r} has the classes {model.classes_}, and y {classes}.")
    if p.shape != (len(judge), len(classes)):
        raise ValueError(f"{estimator!r}.predict_proba returned shape {p.shape} for {len(classes)} classes.")
    return p


def _folds(cv: Any, X: Any, classes: Array, labels: Integers, groups: Any) -> list[Fold]:
    """Return the rows to fit and those to judge of each fold, by position."""
    cv = 5 if cv is None else cv
    if isinstance(cv, Integral):
        splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = splitter(int(cv), shuffle=True, random_state=0)
    everywhere = np.arange(len(labels))
    # Masks and positions from the end are positions afterwards.
    splits = check_cv(cv, labels, classifier=True).split(X, labels, groups)
    folds = [(everywhere[fit], everywhere[judge]) for fit, judge in splits]
    times = np.bincount(np.concatenate([everywhere[:0], *(judge for _, judge in folds)]), minlength=len(labels))
    for row in np.flatnonzero(times != 1)[:1]:
        raise ValueError(f"cv has row {row} in {times[row]} test folds; each row must be in one, as with KFold.")
    for number, (fit, judge) in enumerate(folds):
        _check_fold(number, fit, judge, classes[np.bincount(labels[fit], minlength=len(classes)) == 0])
    return folds


def _check_fold(number: int, fit: Integers, judge: Integers, missing: Array) -> None:
    for row in np.intersect1d(fit, judge)[:1]:
        raise ValueError(f"Fold {number} of cv judges row {row} by a model fitted on it; no row may be in both parts.")
    for name in missing[:1].tolist():
        raise ValueError(
            f"Fold {number} of cv has no row of class {name!r} to fit on, so that its model does not know the class. "
            "Use stratified folds, such as cv=5, or add rows."
        )


def _checked_probabilities(estimator: Any, p: Array) -> Array:
    for row, column in np.argwhere(~((p >= 0) & (p < np.inf)))[:1]:
        raise ValueError(
            f"{estimator!r}.predict_proba returned {p[row, column]} for row {row} and class {column}; "
            "probabilities are finite and not negative."
        )
    return p


def _check_labels(y: Any) -> tuple[Array, Integers]:
    """Return the classes and the position of each row's among them."""
    if np.ndim(y) == 2 and np.shape(y)[1] > 1:
        raise ValueError(
            f"y has shape {np.shape(y)}; label_quality judges one label for each row, not soft labels or several."
        )
    y = column_or_1d(plain_labels(y), warn=True)
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    classes, labels, counts = np.unique(y, return_inverse=True, return_counts=True)
    if not len(classes):
        raise ValueError("y has no rows; label_quality needs at least two of each class.")
    if len(classes) < 2:
        raise ValueError(f"y has only one class, {classes.tolist()[0]!r}; label_quality needs at least two.")
    for rare in classes[counts < 2][:1].tolist():
        raise ValueError(
            f"Class {rare!r} has a single row, which no model that has not seen it can know. Leave it out or add rows."
        )
    return classes, labels


def _import_pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("suspects() returns a pandas table: pip install pandas; ranking() needs none.") from error
    return pandas
