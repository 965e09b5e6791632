"""Pictures of text under a unigram model: how frequent words are by rank, and how surprising lines are."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skxent._pictures import FIRST, SECOND, axes_for, plain_numbers
from skxent._typing import Floats

__all__ = ["LinePerplexityDisplay", "RankFrequencyDisplay"]


class RankFrequencyDisplay:
    """How often words occur, against their rank: nearly a straight line in natural text, after Zipf [1]_.

    Parameters
    ----------
    counts : array-like of shape (n_words,)
        How often each word occurs; in any order.
    name : str, optional
        Name of the line, for a legend.

    Attributes
    ----------
    counts : ndarray of shape (n_words,)
        The counts, the largest first.
    ax_ : Axes
        Where it is plotted, after :meth:`plot`.
    figure_ : Figure
        The figure.
    line_ : Line2D
        The line.

    References
    ----------
    .. [1] S. T. Piantadosi, "Zipf's Word Frequency Law in Natural Language: A Critical Review and Future Directions",
       2014, :doi:`10.3758/s13423-014-0585-6`

    Examples
    --------
    >>> from skxent import UnigramLanguageModel
    >>> from skxent.inspection import RankFrequencyDisplay
    >>> model = UnigramLanguageModel().fit(["a b a", "a c"])
    >>> RankFrequencyDisplay.from_estimator(model).counts.tolist()
    [3.0, 1.0, 1.0]
    """

    def __init__(self, counts: ArrayLike, *, name: str | None = None) -> None:
        self.counts: Floats = -np.sort(-np.asarray(counts, dtype=np.float64))
        self.name = name

    @classmethod
    def from_estimator(cls, estimator: Any, *, name: str | None = None, **plot: Any) -> Self:
        """Plot the words that a language model has counted.

        Parameters
        ----------
        estimator : UnigramLanguageModel
            Fitted to text.
        name : str, optional
            Name of the line.
        **plot : dict
            Arguments of :meth:`plot`.

        Returns
        -------
        RankFrequencyDisplay
            The display, plotted.
        """
        check_is_fitted(estimator, "counts_")
        return cls(estimator.counts_.counts, name=name).plot(**plot)

    def plot(self, *, ax: Any = None, **line: Any) -> Self:
        """Plot.

        Parameters
        ----------
        ax : Axes, optional
            Where to plot; a new figure by default.
        **line : dict
            Arguments of matplotlib's ``loglog``.

        Returns
        -------
        RankFrequencyDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        (self.ax_,) = axes_for(self, ax)
        self.figure_ = self.ax_.figure
        (self.line_,) = self.ax_.loglog(np.arange(1, len(self.counts) + 1), self.counts, label=self.name, **line)
        self.ax_.set(xlabel="rank of the word", ylabel="times that it occurs")
        if self.name is not None:
            self.ax_.legend(frameon=False)
        return self


class LinePerplexityDisplay:
    """How many lines have which perplexity, and the perplexity of all lines together.

    Parameters
    ----------
    cross_entropies : array-like of shape (n_lines,)
        Cross-entropy of each line, in bits a token.
    n_tokens : array-like of shape (n_lines,)
        Tokens of each line, the weights of the mean.

    Attributes
    ----------
    perplexities : ndarray of shape (n_lines,)
        Of the lines; lines without a token are left out.
    perplexity : float
        Of all lines together, which is no mean of the lines'.
    ax_ : Axes
        Where it is plotted, after :meth:`plot`.
    figure_ : Figure
        The figure.

    Raises
    ------
    ValueError
        If there is no line with a token, or not one number of tokens for each line.

    Examples
    --------
    >>> from skxent import UnigramLanguageModel
    >>> from skxent.inspection import LinePerplexityDisplay
    >>> model = UnigramLanguageModel(smoothing="laplace").fit(["a b a", "a c"])
    >>> display = LinePerplexityDisplay.from_estimator(model, ["a a", "b c d"])
    >>> display.perplexities.round(2).tolist(), round(display.perplexity, 2)
    ([2.25, 5.67], 3.92)
    """

    def __init__(self, cross_entropies: ArrayLike, n_tokens: ArrayLike) -> None:
        bits, weight = np.asarray(cross_entropies, dtype=np.float64), np.asarray(n_tokens, dtype=np.float64)
        if bits.shape != weight.shape or not (weight > 0).any():
            raise ValueError(
                f"cross_entropies has shape {bits.shape} and n_tokens {weight.shape}; they are one for each line, and "
                "some line needs a token."
            )
        self.perplexities: Floats = 2.0 ** bits[weight > 0]
        self.perplexity = float(2.0 ** np.average(bits[weight > 0], weights=weight[weight > 0]))

    @classmethod
    def from_estimator(cls, estimator: Any, lines: Any, **plot: Any) -> Self:
        """Score lines with a fitted language model, and plot.

        Parameters
        ----------
        estimator : UnigramLanguageModel
            Fitted.
        lines : iterable of str
            The lines.
        **plot : dict
            Arguments of :meth:`plot`.

        Returns
        -------
        LinePerplexityDisplay
            The display, plotted.
        """
        check_is_fitted(estimator)
        scored = [-np.log2(estimator.base) * line for line in estimator.token_log_proba(list(lines))]
        bits = [line.mean() if len(line) else 0.0 for line in scored]
        return cls(bits, [len(line) for line in scored]).plot(**plot)

    def plot(self, *, ax: Any = None, n_bins: int = 40) -> Self:
        """Plot.

        Parameters
        ----------
        ax : Axes, optional
            Where to plot; a new figure by default.
        n_bins : int, default=40
            Bars, of equal width on the logarithmic scale.

        Returns
        -------
        LinePerplexityDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        (self.ax_,) = axes_for(self, ax)
        self.figure_ = self.ax_.figure
        finite = self.perplexities[np.isfinite(self.perplexities)]
        if len(finite):
            edges = np.geomspace(finite.min() / 1.01, finite.max() * 1.01, n_bins + 1)
            self.ax_.hist(finite, bins=edges, color=FIRST)
        self.ax_.set_xscale("log")
        plain_numbers(self.ax_.xaxis)
        self.ax_.set(xlabel="perplexity of a line", ylabel="lines")
        title = f"Perplexity of lines; of all together {self.perplexity:,.1f}"
        n_infinite = len(self.perplexities) - len(finite)
        self.ax_.set_title(title + (f"; infinite: {n_infinite:,} lines" if n_infinite else ""), loc="left")
        if np.isfinite(self.perplexity):
            self.ax_.axvline(self.perplexity, color=SECOND, lw=2)
        return self
