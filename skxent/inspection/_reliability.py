"""The picture of a classifier's honesty: how often it is right, by how sure it is."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skxent._pictures import FIRST, axes_for
from skxent._sklearn import Interval
from skxent._typing import Floats

__all__ = ["ReliabilityDisplay"]

# How far above 1 rounding may put a probability.
_ROUNDING = 1e-6
# Standard deviations on either side of a 95 % interval.
_Z = 1.959964


class ReliabilityDisplay:
    r"""How often the predicted class is right, against the probability that it was given.

    The rows are cut into bins of equal size by the largest probability of each. With :math:`n_b` rows, mean
    probability :math:`p_b` and share of right predictions :math:`a_b` in bin b, the expected calibration error is
    :math:`\sum_b \frac{n_b}{n} |a_b - p_b|` [1]_. The bars are 95 % intervals of the shares, by Wilson's formula [2]_.

    Parameters
    ----------
    confidence : array-like of shape (n_rows,)
        Probability of the predicted class of each row.
    right : array-like of bool of shape (n_rows,)
        Whether it was right.
    n_bins : int, default=10
        Number of bins, at most one for each row.
    name : str, optional
        Name of the line, for a legend.

    Attributes
    ----------
    confidence, accuracy : ndarray of shape (n_bins,)
        Mean probability and share of right predictions in each bin.
    count : ndarray of int of shape (n_bins,)
        Rows in each.
    calibration_error : float
        Expected calibration error, from 0 to 1.
    ax_ : Axes
        Where it is plotted, after :meth:`plot`.
    figure_ : Figure
        The figure.

    Raises
    ------
    ValueError
        If there are no rows, not one number for each, a probability that is none, or no bin.

    References
    ----------
    .. [1] M. P. Naeini, G. Cooper, M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning",
       2015, :doi:`10.1609/aaai.v29i1.9602`
    .. [2] E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927,
       :doi:`10.1080/01621459.1927.10502953`

    Examples
    --------
    >>> import numpy as np
    >>> from skxent.inspection import ReliabilityDisplay
    >>> display = ReliabilityDisplay([0.5, 0.5, 1.0, 1.0], [True, False, True, False], n_bins=2)
    >>> display.accuracy.tolist(), display.calibration_error
    ([0.5, 0.5], 0.25)
    """

    def __init__(self, confidence: ArrayLike, right: ArrayLike, *, n_bins: int = 10, name: str | None = None) -> None:
        check_consistent_length(confidence, right)
        sure, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
        if sure.ndim != 1 or hit.ndim != 1 or not len(sure):
            raise ValueError(
                f"confidence and right have shapes {sure.shape} and {hit.shape}; both need one number for each row, "
                "and at least one row."
            )
        for row in np.flatnonzero(~((sure >= 0) & (sure <= 1 + _ROUNDING)))[:1]:
            raise ValueError(f"confidence of row {row} is {sure[row]}; probabilities are between 0 and 1.")
        if not Interval(Integral, 1, None, closed="left").is_satisfied_by(n_bins):
            raise ValueError(f"n_bins={n_bins!r} must be at least 1, and a whole number.")
        parts = [part for part in np.array_split(np.argsort(sure, kind="stable"), n_bins) if len(part)]
        self.confidence: Floats = np.array([sure[part].mean() for part in parts])
        self.accuracy: Floats = np.array([hit[part].mean() for part in parts])
        self.count = np.array([len(part) for part in parts])
        self.calibration_error = float(np.average(np.abs(self.accuracy - self.confidence), weights=self.count))
        self.name = name

    @classmethod
    def from_predictions(
        cls, y: ArrayLike, proba: ArrayLike, classes: ArrayLike, *, n_bins: int = 10, **plot: Any
    ) -> Self:
        """Plot predictions.

        Parameters
        ----------
        y : array-like of shape (n_rows,)
            True labels.
        proba : array-like of shape (n_rows, n_classes)
            Probabilities of the classes.
        classes : array-like of shape (n_classes,)
            The classes, in the order of the columns.
        n_bins : int, default=10
            Number of bins.
        **plot : dict
            ``name``, and arguments of :meth:`plot`.

        Returns
        -------
        ReliabilityDisplay
            The display, plotted.

        Raises
        ------
        ValueError
            If `proba` has not a column for each class, or `y` is not one label for each row, or has one that is none
            of the classes.
        """
        p, names, labels = np.asarray(proba), np.asarray(classes), np.asarray(y)
        if p.ndim != 2 or p.shape[1] != len(names) or labels.shape != p.shape[:1]:
            raise ValueError(
                f"proba has shape {p.shape}, y {labels.shape}, and there are {len(names)} classes; it needs one label "
                "for each row and one column for each class."
            )
        for stranger in labels[~np.isin(labels, names)][:1].tolist():
            raise ValueError(f"y holds {stranger!r}, which is none of the classes, {names.tolist()}.")
        right = names[p.argmax(axis=1)] == labels
        return cls(p.max(axis=1), right, n_bins=n_bins, name=plot.pop("name", None)).plot(**plot)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: ArrayLike, *, n_bins: int = 10, **plot: Any) -> Self:
        """Plot the predictions of a fitted classifier, for rows that it was not fitted on.

        Parameters
        ----------
        estimator : classifier with ``predict_proba``
            Fitted.
        X : array-like, sparse matrix or data frame of shape (n_rows, n_features)
            Rows to judge on.
        y : array-like of shape (n_rows,)
            Their labels.
        n_bins : int, default=10
            Number of bins.
        **plot : dict
            ``name``, and arguments of :meth:`plot`.

        Returns
        -------
        ReliabilityDisplay
            The display, plotted.
        """
        check_is_fitted(estimator)
        return cls.from_predictions(y, estimator.predict_proba(X), estimator.classes_, n_bins=n_bins, **plot)

    def intervals(self) -> Floats:
        """Return the 95 % interval of the share of right predictions in each bin, of shape (n_bins, 2)."""
        z2n = _Z**2 / self.count
        middle = (self.accuracy + z2n / 2) / (1 + z2n)
        half = _Z * np.sqrt(self.accuracy * (1 - self.accuracy) / self.count + z2n / (4 * self.count)) / (1 + z2n)
        return np.column_stack([middle - half, middle + half])

    def plot(self, *, ax: Any = None, **line: Any) -> Self:
        """Plot.

        Parameters
        ----------
        ax : Axes, optional
            Where to plot; a new figure by default.
        **line : dict
            Arguments of matplotlib's ``errorbar``.

        Returns
        -------
        ReliabilityDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        (self.ax_,) = axes_for(self, ax, size=(5.5, 5.0))
        self.figure_ = self.ax_.figure
        error = np.abs(self.intervals() - self.accuracy[:, np.newaxis]).T
        label = f"{self.name or 'model'}, calibration error {self.calibration_error:.3f}"
        # A second model in the same picture gets the next colour.
        style = {"fmt": "o-", "capsize": 3, **({} if self.ax_.lines else {"color": FIRST}), **line}
        if not self.ax_.lines:
            self.ax_.plot([0, 1], [0, 1], color="0.6", lw=1, zorder=0)
        self.ax_.errorbar(self.confidence, self.accuracy, yerr=error, label=label, **style)
        self.ax_.set(xlabel="probability of the predicted class", ylabel="share that is right")
        self.ax_.legend(frameon=False, loc="upper left")
        return self
