r"""Unigram models of several classes over one vocabulary, so that what they say about a text can be compared.

Models with vocabularies of their own cannot be compared: all words outside a small vocabulary are one event, which is
likely, so that the model that knows least wins. Here all models have the same events, the words of the shared
vocabulary and one *open* event for all words outside of it, and the open event is equally likely under all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skxent._typing import Floats, Integers
from skxent.language_model._options import LEAVE_ONE_OUT
from skxent.language_model._smoothing import SmoothedSeen, Smoothing

__all__ = ["BACKGROUNDS", "Counts", "SharedModels", "TextCounts", "fit_shared"]

# What a class falls back on for the words that it has not seen.
BACKGROUNDS = ("pooled", "uniform")

# A probability of zero counts as this one, so that a text that is impossible under all models still has a best one:
# the model under which the fewest of its words are impossible.
_LEAST_PROBABILITY = np.finfo(np.float64).tiny


class Counts(Protocol):
    """Counts of words in several classes."""

    @property
    def outside(self) -> Floats:
        """Tokens of each class that are outside the vocabulary."""

    @property
    def pooled(self) -> Floats:
        """Counts of the words in all classes together."""

    def row(self, k: int) -> tuple[Integers, Floats]:
        """Return the words that a class has, and how often."""


@dataclass(frozen=True)
class TextCounts:
    """Counts of words in a few texts, as an array of shape (n_texts, n_words)."""

    counts: Floats

    @property
    def outside(self) -> Floats:
        """No token of any text."""
        return np.zeros(len(self.counts))

    @property
    def pooled(self) -> Floats:
        """Counts of the words in all texts together."""
        return np.asarray(self.counts.sum(axis=0))

    def row(self, k: int) -> tuple[Integers, Floats]:
        """Return the words that a text has, and how often."""
        words = np.flatnonzero(self.counts[k])
        return words, self.counts[k, words]


@dataclass(frozen=True)
class SharedModels:
    """Log-probabilities of words under several models, in nats.

    Attributes
    ----------
    log_probs : ndarray of shape (n_words + 1, n_models)
        Those of the words, and last that of the open event: any word outside the vocabulary.
    is_outside : ndarray of shape (n_words,)
        Whether a word is too rare for the vocabulary, so that its log-probability is that of the open event.
    parameters : ndarray of shape (n_models,)
        Smoothing parameter of each model, NaN for a method that has none.
    """

    log_probs: Floats
    is_outside: NDArray[np.bool_]
    parameters: Floats


def fit_shared(
    counts: Counts,
    *,
    smoothing: Smoothing,
    parameter: float | str | None = LEAVE_ONE_OUT,
    background: str = "pooled",
    min_count: float = 1,
) -> SharedModels:
    r"""Fit one model a class over a vocabulary that all classes share.

    The pooled counts of all classes, with those of the words outside the vocabulary as the count of the open event,
    are smoothed on a uniform background over all events. That gives the open event its probability :math:`p_0`, and
    each word its share :math:`b(w)` of the rest. Class k then has the probabilities

    .. math:: p_k(w) = (1 - p_0)\, q_k(w), \qquad p_k(\mathrm{open}) = p_0

    with :math:`q_k` the class's own counts, smoothed over the words of the vocabulary alone, on the background b
    ("pooled") or a uniform one. A class without a token has its background. So each model sums to 1, and words that
    no class has seen say nothing about the class.

    Parameters
    ----------
    counts : ClassCounts or TextCounts
        The counts of each class.
    smoothing : Smoothing
        The method.
    parameter : float, "leave-one-out" or None, default="leave-one-out"
        Its parameter, see :meth:`Smoothing.fit <skxent.language_model.Smoothing.fit>`.
    background : {"pooled", "uniform"}, default="pooled"
        What a class falls back on.
    min_count : float, default=1
        Words that occur less often, in all classes together, are outside the vocabulary.

    Returns
    -------
    SharedModels

    Raises
    ------
    ValueError
        If the vocabulary is empty, or the parameter is out of range.

    Examples
    --------
    >>> from skxent.language_model._smoothing import make_smoothing
    >>> counts = TextCounts(np.array([[3.0, 1.0, 0.0], [0.0, 1.0, 1.0]]))
    >>> models = fit_shared(counts, smoothing=make_smoothing("laplace"))
    >>> np.exp(models.log_probs).sum(axis=0).round(12).tolist()
    [1.0, 1.0]
    """
    pooled = counts.pooled
    is_outside = pooled < min_count if min_count > 1 else np.zeros(len(pooled), dtype=np.bool_)
    kept = np.flatnonzero(~is_outside)
    events = np.append(pooled[kept], counts.outside.sum() + pooled[is_outside].sum())
    if not len(kept):
        raise ValueError("the vocabulary is empty: there is no word to tell classes apart by")
    everything = smoothing.fit(events, parameter=parameter).probability
    shares, p_open = everything[:-1], float(everything[-1])
    if background == "uniform" or not shares.any():
        shares = np.ones(len(shares))
    fallback = np.zeros(len(pooled))
    fallback[kept] = shares / shares.sum()
    rows = map(counts.row, range(len(counts.outside)))
    classes = [_fit_class(row, fallback, is_outside, smoothing, parameter) for row in rows]
    log_probs = _log_probs(classes, fallback, fallback[kept].min(), p_open)
    log_probs[np.append(is_outside, True)] = _log(p_open)
    return SharedModels(log_probs, is_outside, np.array([q.parameter for _, q in classes], dtype=np.float64))


# The words that a class has, and the smoothed probabilities.
_Class = tuple[Integers, SmoothedSeen]


def _fit_class(
    row: tuple[Integers, Floats],
    fallback: Floats,
    is_outside: NDArray[np.bool_],
    smoothing: Smoothing,
    parameter: float | str | None,
) -> _Class:
    """Smooth the words of a class that are in the vocabulary; a class without a token has the fallback."""
    is_in = ~is_outside[row[0]] & (row[1] > 0)
    words, seen = row[0][is_in], row[1][is_in]
    if not len(words):
        return words, SmoothedSeen(np.empty(0), 0.0, 1.0, None)
    of_unseen = fallback.copy()
    of_unseen[words] = 0
    return words, smoothing.fit_seen(
        seen,
        len(fallback) - int(np.count_nonzero(is_outside)) - len(words),
        parameter=parameter,
        background=fallback[words],
        background_of_unseen=float(of_unseen.sum()),
    )


def _log_probs(classes: Sequence[_Class], fallback: Floats, least: float, p_open: float) -> Floats:
    """Return a row a word, and one more for the open event, with a column a class.

    A class usually gives the words that it has not seen a share of the fallback, so that their logarithms are sums.
    """
    shares = np.array([(1 - p_open) * q.share for _, q in classes])
    log_probs = np.empty((len(fallback) + 1, len(classes)))
    np.add.outer(_log(np.append(fallback, p_open)), _log(shares), out=log_probs)
    for k, (words, q) in enumerate(classes):
        if q.base or not shares[k] * least > _LEAST_PROBABILITY:
            log_probs[:-1, k] = _log((1 - p_open) * q.unseen(fallback))
        log_probs[words, k] = _log((1 - p_open) * q.probability)
    return log_probs


def _log(probability: Any) -> Any:
    return np.log(np.maximum(probability, _LEAST_PROBABILITY))
