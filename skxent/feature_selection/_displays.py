"""Pictures of scores, drift and bins, in the habit of scikit-learn's displays."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skxent._pictures import FIRST, GREY, SECOND, axes_for
from skxent.feature_selection._encoder import BinEncoder
from skxent.feature_selection._monitor import ShiftMonitor
from skxent.feature_selection._selector import CrossEntropySelector

__all__ = ["BinningDisplay", "FeatureScoresDisplay", "ShiftDisplay"]


class FeatureScoresDisplay:
    """The scores of features, the best on top; kept ones are blue.

    Parameters
    ----------
    names : list of str
        Names of the features.
    scores, errors : ndarray of shape (n_features,)
        Scores and their standard errors.
    kept : ndarray of bool of shape (n_features,)
        The selected features.
    unit : str, default="nats"
        Unit of the scores.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        After `plot`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skxent.feature_selection import CrossEntropySelector, FeatureScoresDisplay
    >>> X, y = load_iris(as_frame=True, return_X_y=True)
    >>> display = FeatureScoresDisplay.from_estimator(CrossEntropySelector(k=2).fit(X, y))
    >>> [label.get_text() for label in display.ax_.get_yticklabels()][0]
    'petal width (cm)'
    """

    def __init__(
        self, *, names: list[str], scores: ArrayLike, errors: ArrayLike, kept: ArrayLike, unit: str = "nats"
    ) -> None:
        self.names = names
        self.scores = np.asarray(scores)
        self.errors = np.asarray(errors)
        self.kept = np.asarray(kept)
        self.unit = unit

    @classmethod
    def from_estimator(cls, estimator: CrossEntropySelector, *, max_features: int = 20, ax: Any = None) -> Self:
        """Draw the scores of a fitted selector.

        Parameters
        ----------
        estimator : CrossEntropySelector
            Fitted.
        max_features : int, default=20
            How many features are drawn, the best.
        ax : Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        FeatureScoresDisplay
            The picture.
        """
        check_is_fitted(estimator)
        names = getattr(estimator, "feature_names_in_", [f"x{at}" for at in range(len(estimator.scores_))])
        unit = "share of H(y)" if estimator.normalize else {None: "nats", 2.0: "bits"}.get(estimator.base, "gain")
        display = cls(
            names=[str(name) for name in names],
            scores=estimator.scores_,
            errors=estimator.scores_std_,
            kept=estimator.get_support(),
            unit=unit,
        )
        return display.plot(max_features=max_features, ax=ax)

    def plot(self, *, max_features: int = 20, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        max_features : int, default=20
            How many features are drawn, the best.
        ax : Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        FeatureScoresDisplay
            The object itself.
        """
        best = np.argsort(-self.scores, kind="stable")[:max_features]
        (self.ax_,) = (ax,) = axes_for(self, ax, size=(7, 1.2 + 0.28 * len(best)))
        self.figure_ = ax.figure
        places = np.arange(len(best))
        colours = [FIRST if kept else GREY for kept in self.kept[best]]
        ax.barh(places, self.scores[best], color=colours, xerr=2 * self.errors[best], error_kw={"lw": 1})
        ax.set_yticks(places, [self.names[at] for at in best])
        ax.invert_yaxis()
        ax.axvline(0, color="black", lw=0.8)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_xlabel(f"log-loss removed ({self.unit}; bars: two standard errors)")
        ax.barh([0], [0], color=FIRST, label="kept")
        ax.barh([0], [0], color=GREY, label="not kept")
        ax.legend(frameon=False, loc="lower right")
        return self


class ShiftDisplay:
    """The evidence that columns have changed, over the rows seen.

    Parameters
    ----------
    names : list of str
        Names of the columns.
    rows : ndarray of shape (n_looks,)
        New rows at each look.
    log_e_values : ndarray of shape (n_looks, n_columns)
        Logarithm of the e-values.
    alarms : ndarray of bool of shape (n_columns,)
        The columns that have alarmed.
    alpha : float
        Level.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        After `plot`.
    """

    def __init__(
        self, *, names: list[str], rows: ArrayLike, log_e_values: ArrayLike, alarms: ArrayLike, alpha: float
    ) -> None:
        self.names = names
        self.rows = np.asarray(rows)
        self.log_e_values = np.asarray(log_e_values)
        self.alarms = np.asarray(alarms)
        self.alpha = alpha

    @classmethod
    def from_estimator(cls, estimator: ShiftMonitor, *, max_columns: int = 6, ax: Any = None) -> Self:
        """Draw the history of a monitor.

        Parameters
        ----------
        estimator : ShiftMonitor
            With at least one batch seen.
        max_columns : int, default=6
            How many columns have a name and a colour: those with the most evidence. The others are grey.
        ax : Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ShiftDisplay
            The picture.

        Raises
        ------
        ValueError
            If the monitor has seen no rows.
        """
        check_is_fitted(estimator)
        if not estimator.history_:
            raise ValueError("the monitor has seen no new rows: call partial_fit first.")
        rows, values = zip(*estimator.history_, strict=True)
        display = cls(
            names=estimator.names_, rows=rows, log_e_values=values, alarms=estimator.alarms_, alpha=estimator.alpha
        )
        return display.plot(max_columns=max_columns, ax=ax)

    def plot(self, *, max_columns: int = 6, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        max_columns : int, default=6
            How many columns have a name and a colour.
        ax : Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ShiftDisplay
            The object itself.
        """
        (self.ax_,) = (ax,) = axes_for(self, ax, size=(8, 4.5))
        self.figure_ = ax.figure
        rows = np.concatenate([[0], self.rows])
        values = np.vstack([np.zeros(len(self.names)), self.log_e_values]) / np.log(10)
        most_first = np.argsort(-values.max(axis=0), kind="stable")
        for at in most_first[max_columns:]:
            ax.plot(rows, values[:, at], color="0.8", lw=1, zorder=1)
        for at in most_first[:max_columns][::-1]:
            label = f"{self.names[at]}{' (alarm)' if self.alarms[at] else ''}"
            ax.plot(rows, values[:, at], lw=2, ls="-" if self.alarms[at] else ":", label=label, zorder=2)
        # By the e-BH procedure: k columns alarm together from a k-th of this on.
        least = len(self.names) / self.alpha
        ax.axhline(np.log10(least), color="black", lw=0.8, ls="--", label=f"alarm of one alone: {least:g}")
        ax.set_xlabel("new rows")
        ax.set_ylabel("evidence of change, log10 of the e-value")
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        return self


class BinningDisplay:
    """The bins of a feature: their rows as bars, their weight of evidence as points.

    Parameters
    ----------
    feature : str
        Name of the feature.
    bins : list of str
        The bins in words.
    share : ndarray of shape (n_bins,)
        Share of the rows in each bin.
    woe : ndarray of shape (n_bins,)
        Weight of evidence for `label`.
    label : object
        The class.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        After `plot`.
    """

    def __init__(self, *, feature: str, bins: list[str], share: ArrayLike, woe: ArrayLike, label: Any) -> None:
        self.feature = feature
        self.bins = bins
        self.share = np.asarray(share)
        self.woe = np.asarray(woe)
        self.label = label

    @classmethod
    def from_estimator(cls, estimator: BinEncoder, feature: str | int, *, label: Any = None, ax: Any = None) -> Self:
        """Draw the bins of one feature of a fitted encoder.

        Parameters
        ----------
        estimator : BinEncoder
            Fitted.
        feature : str or int
            Name or position.
        label : object, default=None
            The class whose weights of evidence are drawn; None for the last.
        ax : Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        BinningDisplay
            The picture.

        Raises
        ------
        ValueError
            If there is no such feature or class.
        """
        table = estimator.table(feature)
        classes = estimator.classes_.tolist()
        label = classes[-1] if label is None else label
        if label not in classes:
            raise ValueError(f"there is no class {label!r}; known: {', '.join(map(str, classes))}.")
        woe = estimator._woe[estimator._position(feature)][table["code"], classes.index(label)]
        name = estimator._names[estimator._position(feature)]
        return cls(feature=name, bins=list(table["bin"]), share=table["share"], woe=woe, label=label).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        BinningDisplay
            The object itself.
        """
        (self.ax_,) = (ax,) = axes_for(self, ax, size=(max(5.0, 1.5 + 0.7 * len(self.bins)), 4))
        self.figure_ = ax.figure
        places = np.arange(len(self.bins))
        ax.bar(places, 100 * self.share, color="0.85", width=0.9)
        ax.set_ylabel("rows, %")
        long = max(map(len, self.bins)) > 8
        ax.set_xticks(places, self.bins, rotation=35 if long else 0, ha="right" if long else "center")
        ax.set_xlabel(self.feature)
        right = ax.twinx()
        right.axhline(0, color="black", lw=0.8)
        right.plot(places, self.woe, "o-", color=SECOND)
        right.set_ylabel(f"weight of evidence for {self.label}, nats", color=SECOND)
        for axes in (ax, right):
            axes.spines["top"].set_visible(False)
        return self
