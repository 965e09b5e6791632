"""The picture of a linear model's coefficients: as images, as a table, or as bars."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skxent._pictures import FIRST, SECOND, axes_for
from skxent._typing import Array, Floats, Integers

__all__ = ["CoefficientDisplay"]

# The gap between two images, and the room for the name above one, as shares of an image's width.
_GAP, _NAME = 0.1, 0.3


class CoefficientDisplay:
    """Coefficients of a linear classifier: what speaks for each class, and what against it.

    Parameters
    ----------
    coef : array-like of shape (n_outputs, n_features)
        Coefficients.
    classes : array-like of shape (n_classes,), optional
        Names of the outputs; of two classes with one output, the output is for the second.
    feature_names : array-like of str of shape (n_features,), optional
        Names of the features; x0, x1, … by default.

    Attributes
    ----------
    ax_ : Axes
        Where it is plotted, after :meth:`plot`.
    figure_ : Figure
        The figure.
    features_ : ndarray of int, or None
        Positions of the features shown, those with the largest coefficients first; None for images.

    Raises
    ------
    ValueError
        If there is not a name for each output or each feature.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.inspection import CoefficientDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = SoftmaxRegressor(alpha=1e-2).fit(X / 16, y)
    >>> display = CoefficientDisplay.from_estimator(model, image_shape=(8, 8))
    >>> len(display.ax_.images)
    10
    """

    def __init__(
        self, coef: ArrayLike, classes: ArrayLike | None = None, *, feature_names: ArrayLike | None = None
    ) -> None:
        self.coef: Floats = np.atleast_2d(np.asarray(coef, dtype=np.float64))
        n_outputs, n_features = self.coef.shape
        names = np.arange(n_outputs) if classes is None else np.asarray(classes)
        if len(names) not in ({1, 2} if n_outputs == 1 else {n_outputs}):
            raise ValueError(f"classes has {len(names)} names; coef has {n_outputs} rows.")
        self.classes: Array = names[-n_outputs:]
        self.feature_names: Array = (
            np.array([f"x{j}" for j in range(n_features)]) if feature_names is None else np.asarray(feature_names)
        )
        if len(self.feature_names) != n_features:
            raise ValueError(f"feature_names has {len(self.feature_names)} names; coef has {n_features} columns.")

    @classmethod
    def from_estimator(cls, estimator: Any, *, feature_names: ArrayLike | None = None, **plot: Any) -> Self:
        """Plot the coefficients of a fitted linear classifier.

        Parameters
        ----------
        estimator : classifier with ``coef_``
            Fitted; of a pipeline, its last step.
        feature_names : array-like of str, optional
            Names; by default those that the estimator was fitted with.
        **plot : dict
            Arguments of :meth:`plot`.

        Returns
        -------
        CoefficientDisplay
            The display, plotted.
        """
        check_is_fitted(estimator)
        model = estimator[-1] if hasattr(estimator, "steps") else estimator
        names = getattr(model, "feature_names_in_", None) if feature_names is None else feature_names
        return cls(model.coef_, model.classes_, feature_names=names).plot(**plot)

    def plot(
        self, *, ax: Any = None, image_shape: tuple[int, int] | None = None, n_features: int = 20, cmap: Any = "RdBu"
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : Axes, optional
            Where to plot; a new figure by default.
        image_shape : tuple of int, optional
            Height and width, if the features are the pixels of an image: then there is one image for each output.
        n_features : int, default=20
            Otherwise, how many features to show: those with the largest coefficients of any output.
        cmap : str or Colormap, default="RdBu"
            Colours, with zero in their middle.

        Returns
        -------
        CoefficientDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `image_shape` does not have as many pixels as there are features.
        """
        if image_shape is not None and np.prod(image_shape) != self.coef.shape[1]:
            raise ValueError(f"image_shape={image_shape} does not fit {self.coef.shape[1]} features.")
        (self.ax_,) = axes_for(self, ax, size=(8.0, 5.0))
        self.figure_ = self.ax_.figure
        self.features_ = None if image_shape is not None else self._largest(n_features)
        if image_shape is not None:
            self._plot_images(image_shape, cmap)
        elif len(self.coef) == 1:
            self._plot_bars()
        else:
            self._plot_table(cmap)
        return self

    def _largest(self, n_features: int) -> Integers:
        return np.argsort(-np.abs(self.coef).max(axis=0), kind="stable")[:n_features]

    def _plot_images(self, shape: tuple[int, int], cmap: Any) -> None:
        height, width = shape
        n_columns = min(5, len(self.coef))
        step_x, step_y = (1 + _GAP) * width, height + _NAME * width
        largest = np.abs(self.coef).max()
        for k, (name, image) in enumerate(zip(self.classes, self.coef.reshape(-1, *shape), strict=True)):
            left, top = k % n_columns * step_x, k // n_columns * step_y
            extent = (left, left + width, top + height, top)
            shown = self.ax_.imshow(image, cmap=cmap, vmin=-largest, vmax=largest, extent=extent)
            self.ax_.text(left, top - 0.04 * width, str(name), va="bottom")
        n_lines = -(-len(self.coef) // n_columns)
        self.ax_.set(xlim=(0, n_columns * step_x - _GAP * width), ylim=(n_lines * step_y - _NAME * width, -0.2 * width))
        self.ax_.set_axis_off()
        self._add_scale(shown)

    def _plot_table(self, cmap: Any) -> None:
        shown = self.coef[:, self.features_].T
        largest = np.abs(shown).max()
        image = self.ax_.imshow(shown, cmap=cmap, vmin=-largest, vmax=largest, aspect="auto")
        self.ax_.set_xticks(range(len(self.classes)), self.classes)
        self.ax_.set_yticks(range(len(shown)), self.feature_names[self.features_])
        self.ax_.set_xlabel("class")
        self._add_scale(image)

    def _add_scale(self, image: Any) -> None:
        scale = self.figure_.colorbar(image, ax=self.ax_, shrink=0.7)
        scale.ax.set_title("coefficient", fontsize="small", loc="left")

    def _plot_bars(self) -> None:
        shown = self.coef[0, self.features_]
        colours = np.where(shown > 0, FIRST, SECOND)
        self.ax_.barh(self.feature_names[self.features_], shown, color=colours)
        self.ax_.invert_yaxis()
        self.ax_.axvline(0, color="0.5", lw=1)
        self.ax_.set_xlabel(f"coefficient: against and for {self.classes[0]}")
