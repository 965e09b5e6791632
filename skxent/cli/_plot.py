"""The picture of ``--plot``: word ranks against frequencies, and how perplexing the lines are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skxent._files import atomic_write
from skxent._pictures import GREY, STYLE, plain_numbers
from skxent._typing import Floats, Integers
from skxent.language_model import CorpusError

__all__ = ["Histogram", "check_picture", "save_plot"]

# Width of the narrowest bar, and the last edge, both in bits of perplexity.
_STEP = 0.05
_MOST_BITS = 64.0


class Histogram:
    """Lines by their perplexity, in steps of 0.05 bits; constant memory for any number of lines."""

    def __init__(self) -> None:
        self.edges: Floats = np.arange(0, _MOST_BITS + _STEP, _STEP)
        self.n_lines: NDArray[np.intp] = np.zeros(len(self.edges) - 1, dtype=np.intp)

    def add(self, perplexity: Floats) -> None:
        """Count lines; those without words have no perplexity and are left out."""
        bits = np.log2(perplexity[~np.isnan(perplexity)])
        self.n_lines += np.histogram(np.clip(bits, 0, _MOST_BITS), self.edges)[0]

    def trimmed(self) -> tuple[NDArray[np.intp], Floats]:
        """Keep the filled part, with edges as perplexities, in steps wide enough to see a shape."""
        filled = np.flatnonzero(self.n_lines)
        if not len(filled):
            return self.n_lines[:1], 2.0 ** self.edges[:2]
        n_lines = self.n_lines[filled[0] : filled[-1] + 1]
        n_bars = min(60, 2 * math.isqrt(n_lines.sum()))
        width = -(-len(n_lines) // n_bars)
        starts = np.arange(0, len(n_lines), width)
        edges = self.edges[filled[0] + np.append(starts, starts[-1] + width)]
        return np.add.reduceat(n_lines, starts), 2.0**edges


def check_picture(path: str) -> None:
    """Make sure that a picture can be drawn and saved, before there is anything to draw.

    Raises
    ------
    CorpusError
        When matplotlib is missing or cannot write this format.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise CorpusError("--plot needs matplotlib: pip install 'skxent[examples]'") from None
    if _suffix(path) not in Figure().canvas.get_supported_filetypes():
        raise CorpusError(f"{path}: no picture format {_suffix(path)!r}; use .png, .svg or .pdf")


def _suffix(path: str) -> str:
    return Path(path).suffix.lstrip(".") or "png"


def save_plot(path: str, title: str, counts: Integers, perplexities: Iterable[Floats], corpus: float) -> None:
    """Draw the picture and save it, whole or not at all.

    Parameters
    ----------
    path : str
        The picture; its suffix says the format.
    title : str
        What was scored.
    counts : ndarray of shape (n_types,)
        How often each word occurs, the most frequent first.
    perplexities : iterable of ndarray
        The lines' perplexities, NaN for a line without events.
    corpus : float
        The perplexity of the corpus, drawn as a line.
    """
    from matplotlib import style
    from matplotlib.figure import Figure

    histogram = Histogram()
    for values in perplexities:
        histogram.add(values)
    with style.context(STYLE), atomic_write(path) as part:
        figure = Figure(figsize=(11, 4.4))
        ranks, lines = figure.subplots(1, 2)
        figure.suptitle(title)
        _draw_ranks(ranks, counts)
        _draw_lines(lines, histogram, corpus)
        figure.savefig(part, format=_suffix(path))


def _draw_ranks(axes, counts) -> None:  # type: ignore[no-untyped-def]
    rank = np.arange(1, len(counts) + 1)
    axes.loglog(rank, counts, ".", markersize=4, rasterized=True)
    axes.loglog(rank, counts[0] / rank, "--", color=GREY, linewidth=1)
    half = len(rank) // 2
    axes.annotate(
        "Zipf's law:\nfirst count / rank",
        (rank[half] ** 0.5, counts[0] / rank[half] ** 0.5),
        (-8, -8),
        textcoords="offset points",
        color=GREY,
        ha="right",
        va="top",
    )
    axes.set(xlabel="rank of the word", ylabel="times that it occurs", ylim=(0.5, None))
    axes.set_title(f"{len(counts):,} types by frequency")


def _draw_lines(axes, histogram: Histogram, corpus: float) -> None:  # type: ignore[no-untyped-def]
    from matplotlib.ticker import MaxNLocator

    n_lines, edges = histogram.trimmed()
    axes.stairs(n_lines, edges, fill=True, color="C0", alpha=0.5)
    axes.axvline(corpus, color="C1")
    axes.annotate(
        f" the corpus: {corpus:,.1f}", (corpus, 0.97), xycoords=("data", "axes fraction"), color="C1", va="top"
    )
    axes.set_xscale("log")
    plain_numbers(axes.xaxis)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="perplexity of the line", ylabel="lines", ylim=(0, 1.2 * n_lines.max()))
    axes.set_title(f"{n_lines.sum():,} lines by perplexity")
