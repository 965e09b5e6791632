"""The picture of wrong labels."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np

from skxent._pictures import axes_for
from skxent._sklearn import Interval
from skxent._typing import Array, Integers
from skxent.label_noise._quality import LabelQuality, label_quality

__all__ = ["LabelNoiseDisplay"]


class LabelNoiseDisplay:
    """Picture of wrong labels: the noise matrix, and the labels in the order of suspicion.

    Parameters
    ----------
    quality : LabelQuality
        What :func:`label_quality` returned.

    Attributes
    ----------
    quality : LabelQuality
        As given.
    ax_ : ndarray of 2 Axes
        The matrix's and the ranking's, after :meth:`plot`.
    figure_ : Figure
        The figure.
    im_ : AxesImage
        The matrix.
    text_ : ndarray of Text of shape (n_classes, n_classes), or None
        The numbers in it.

    See Also
    --------
    label_quality : The numbers behind the picture.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.label_noise import LabelNoiseDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = LabelNoiseDisplay.from_estimator(SoftmaxRegressor(), X, y)
    >>> display.figure_.savefig("label_noise.png")  # doctest: +SKIP
    """

    def __init__(self, quality: LabelQuality) -> None:
        self.quality = quality

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        cv: Any = 5,
        groups: Any = None,
        prior: float = 10.0,
        params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        **plot: Any,
    ) -> Self:
        """Judge the labels by an estimator, and plot.

        Parameters
        ----------
        estimator, X, y, cv, groups, prior, params, n_jobs
            As in :func:`label_quality`.
        **plot : dict
            Arguments of :meth:`plot`.

        Returns
        -------
        LabelNoiseDisplay
            The display, plotted.
        """
        quality = label_quality(estimator, X, y, cv=cv, groups=groups, prior=prior, params=params, n_jobs=n_jobs)
        return cls(quality).plot(**plot)

    def plot(
        self,
        *,
        ax: Any = None,
        images: Any = None,
        n_rows: int = 16,
        include_values: bool = True,
        values_format: str = ".2f",
        cmap: Any = "Blues",
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : array-like of 2 Axes, optional
            Where to plot matrix and ranking; a new figure by default.
        images : array-like of shape (n_samples, height, width) or (n_samples, height, width, n_channels), optional
            The rows as images: then the ranking shows those of the most suspicious rows, each with the label given and
            the one suggested, rather than a curve.
        n_rows : int, default=16
            How many images.
        include_values : bool, default=True
            Whether to write the numbers into the matrix.
        values_format : str, default=".2f"
            Their format.
        cmap : str or Colormap, default="Blues"
            Colours of the matrix, from 0 to 1.

        Returns
        -------
        LabelNoiseDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `quality` is not what :func:`label_quality` returned.
        ValueError
            If there are not two axes, `images` has not one image for each row, or `n_rows` is not a whole number above
            0.
        """
        if not isinstance(self.quality, LabelQuality):
            raise TypeError(f"LabelNoiseDisplay shows what label_quality returned; quality={self.quality!r} is not.")
        if not Interval(Integral, 1, None, closed="left").is_satisfied_by(n_rows):
            raise ValueError(f"n_rows={n_rows!r} must be at least 1, and a whole number.")
        images = None if images is None else self._checked_images(images)
        self.ax_ = axes_for(self, ax, 2, size=(5.5, 5.0))
        self.figure_ = self.ax_[0].figure
        self._plot_matrix(self.ax_[0], values_format if include_values else None, cmap)
        if images is None:
            self._plot_curve(self.ax_[1])
        else:
            self._plot_images(self.ax_[1], images, self.quality.ranking(n_rows))
        return self

    def _checked_images(self, images: Any) -> Array:
        images, n_samples = np.asarray(images), len(self.quality.labels)
        if images.ndim not in (3, 4) or len(images) != n_samples or images.shape[3:] not in ((), (1,), (3,), (4,)):
            raise ValueError(
                f"images has shape {images.shape}; it must be ({n_samples}, height, width[, n_channels]), "
                "with 1, 3 or 4 channels."
            )
        return images

    def _plot_matrix(self, ax: Any, values_format: str | None, cmap: Any) -> None:
        matrix, names = self.quality.transition, self.quality.classes
        self.im_ = ax.imshow(matrix, cmap=cmap, vmin=0, vmax=1)
        positions = range(len(names))
        ax.set(xlabel="label given", ylabel="true class", xticks=positions, yticks=positions)
        ax.set_xticklabels(names)
        ax.set_yticklabels(names)
        ax.set_title("How often each class is labelled as each", loc="left")
        self.text_ = None
        if values_format is not None:
            self.text_ = np.array(
                [[_number(ax, self.im_, matrix, i, j, values_format) for j in positions] for i in positions]
            )

    def _plot_curve(self, ax: Any) -> None:
        probability = np.sort(self.quality.probability)
        ax.plot(np.arange(1, len(probability) + 1), probability, lw=2)
        ax.axhline(0.5, color="0.75", lw=1, zorder=0)
        ax.set(
            xlabel="rows, the most suspicious first", ylabel="probability that the label is right", ylim=(-0.02, 1.02)
        )
        n_wrong = int(np.searchsorted(probability, 0.5))
        ax.set_title(f"{n_wrong:,} of {len(probability):,} labels are more probably wrong than right", loc="left")

    def _plot_images(self, ax: Any, images: Array, rows: Integers) -> None:
        n_columns = int(np.ceil(np.sqrt(len(rows))))
        height, width = images.shape[1:3]
        step_x, step_y = 1.15 * width, height + 0.35 * width
        for k, (row, caption) in enumerate(zip(rows, self._captions(rows), strict=True)):
            left, top = k % n_columns * step_x, k // n_columns * step_y
            ax.imshow(images[row], cmap="gray_r", extent=(left, left + width, top + height, top))
            ax.text(left + width / 2, top + height, caption, ha="center", va="top", fontsize="small")
        n_lines = -(-len(rows) // n_columns)
        ax.set(xlim=(0, n_columns * step_x - 0.15 * width), ylim=(n_lines * step_y, 0))
        ax.set_axis_off()
        ax.set_title("The most suspicious labels, and what is more probable", loc="left")

    def _captions(self, rows: Integers) -> list[str]:
        """Return the label of each row, and the class that is more probable, if there is one."""
        given = self.quality.labels[rows]
        best = self.quality.best[rows]
        names = [str(name) for name in self.quality.classes]
        return [names[i] if i == j else f"{names[i]}, rather {names[j]}" for i, j in zip(given, best, strict=True)]


def _number(ax: Any, image: Any, matrix: Array, row: int, column: int, values_format: str) -> Any:
    """Write a number into the matrix, in a colour that can be read there."""
    colour = image.cmap(0.0 if matrix[row, column] > 0.5 else 1.0)
    text = format(matrix[row, column], values_format)
    return ax.text(column, row, text, ha="center", va="center", color=colour, fontsize="small")
