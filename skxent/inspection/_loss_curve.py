"""The picture of a fit: the objective, and the score of validation data, after each iteration."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skxent._pictures import axes_for
from skxent._typing import Floats

__all__ = ["LossCurveDisplay"]


class LossCurveDisplay:
    """Objective after each iteration or pass of a fit, and the score of validation data if there were any.

    Parameters
    ----------
    loss_curve : array-like of shape (n_iter,)
        Objective after each iteration, in nats for the cross-entropy.
    validation_scores : array-like of shape (n_iter,), optional
        Scores of validation data; greater is better.
    name : str, optional
        Name of the lines, for a legend.

    Attributes
    ----------
    ax_ : ndarray of Axes
        One, or two with validation scores, after :meth:`plot`.
    figure_ : Figure
        The figure.
    lines_ : list of Line2D
        The lines.

    Examples
    --------
    Two losses in one picture:

    >>> from sklearn.datasets import load_iris
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.inspection import LossCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = LossCurveDisplay.from_estimator(SoftmaxRegressor().fit(X, y), name="cross-entropy")
    >>> other = SoftmaxRegressor("quadratic").fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(other, name="quadratic", ax=display.ax_)
    >>> len(display.ax_[0].lines)
    2
    """

    def __init__(
        self, loss_curve: ArrayLike, validation_scores: ArrayLike | None = None, *, name: str | None = None
    ) -> None:
        self.loss_curve: Floats = np.asarray(loss_curve, dtype=np.float64)
        self.validation_scores = None if validation_scores is None else np.asarray(validation_scores, dtype=np.float64)
        self.name = name

    @classmethod
    def from_estimator(cls, estimator: Any, *, name: str | None = None, ax: Any = None, **line: Any) -> Self:
        """Plot the record of a fitted classifier.

        Parameters
        ----------
        estimator : SoftmaxRegressor or SigmoidRegressor
            Fitted; or anything with ``loss_curve_`` and perhaps ``validation_scores_``, as
            :class:`sklearn.neural_network.MLPClassifier`. Of a pipeline, its last step.
        name : str, optional
            Name of the lines.
        ax : Axes or array-like of Axes, optional
            Where to plot.
        **line : dict
            Arguments of matplotlib's ``plot``.

        Returns
        -------
        LossCurveDisplay
            The display, plotted.
        """
        estimator = estimator[-1] if hasattr(estimator, "steps") else estimator
        check_is_fitted(estimator, "loss_curve_")
        scores = getattr(estimator, "validation_scores_", None)
        return cls(estimator.loss_curve_, scores, name=name).plot(ax=ax, **line)

    def plot(self, *, ax: Any = None, **line: Any) -> Self:
        """Plot.

        Parameters
        ----------
        ax : Axes or array-like of Axes, optional
            Where to plot: one, or two with validation scores. A new figure by default.
        **line : dict
            Arguments of matplotlib's ``plot``.

        Returns
        -------
        LossCurveDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `ax` has more or fewer axes than there are panels.
        """
        panels = [("objective", self.loss_curve)]
        if self.validation_scores is not None:
            panels.append(("validation score", self.validation_scores))
        self.ax_ = axes_for(self, ax, len(panels))
        self.figure_ = self.ax_[0].figure
        self.lines_ = []
        for axes, (label, values) in zip(self.ax_, panels, strict=True):
            self.lines_ += axes.plot(np.arange(1, len(values) + 1), values, label=self.name, **line)
            axes.set(xlabel="iteration", ylabel=label)
            axes.xaxis.get_major_locator().set_params(integer=True)
            if self.name is not None:
                axes.legend(frameon=False)
        return self
