r"""Unigram models of several classes over one vocabulary, so that what they say about a text can be compared.

Models with vocabularies of their own cannot be compared: all words outside a small vocabulary are one event, which is
likely, so that the model that knows least wins. Here all models have the same events, the words of the shared
vocabulary and one *open* event for all words outside of it, and the open event is equally likely under all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from skxent._typing import Array, Floats
from skxent.language_model.smoothing import Smoothing

__all__ = ["BACKGROUNDS", "SharedModels", "fit_shared"]

# What a class falls back on for the words that it has not seen.
BACKGROUNDS = ("pooled", "uniform")

# A probability of zero counts as this one, so that a text that is impossible under all models still has a best one:
# the model under which the fewest of its words are impossible.
_LEAST_PROBABILITY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class SharedModels:
    """Log-probabilities of words under several models, in nats.

    Attributes
    ----------
    log_probs : ndarray of shape (n_models, n_words)
        Those of the words of the shared vocabulary. Under each model they and the open event sum to 1.
    log_prob_open : float
        That of the open event, any word outside the vocabulary, under every model; −inf where the smoothing method
        leaves it nothing.
    parameters : ndarray of shape (n_models,)
        Smoothing parameter of each model, NaN for a method that has none.
    """

    log_probs: Floats
    log_prob_open: float
    parameters: Floats


def fit_shared(
    counts: Iterable[Array],
    pooled: Array,
    outside: float,
    *,
    smoothing: Smoothing,
    parameter: float | str | None,
    background: str = "pooled",
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
    counts : iterable of ndarray of shape (n_words,)
        Counts of the words in each class.
    pooled : ndarray of shape (n_words,)
        Counts of the words in all classes.
    outside : float
        Tokens, in all classes, that are outside the vocabulary.
    smoothing : Smoothing
        The method.
    parameter : float, "leave-one-out" or None
        Its parameter, see :meth:`Smoothing.fit <skxent.language_model.Smoothing.fit>`.
    background : {"pooled", "uniform"}, default="pooled"
        What a class falls back on.

    Returns
    -------
    SharedModels

    Raises
    ------
    ValueError
        If the vocabulary is empty, or the parameter is out of range.

    Examples
    --------
    >>> from skxent.language_model.smoothing import make_smoothing
    >>> counts = np.array([[3.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    >>> models = fit_shared(counts, counts.sum(0), 0, smoothing=make_smoothing("laplace"), parameter=None)
    >>> (np.exp(models.log_probs).sum(axis=1) + np.exp(models.log_prob_open)).round(12).tolist()
    [1.0, 1.0]
    """
    if not len(pooled):
        raise ValueError("the vocabulary is empty: there is no word to tell classes apart by")
    events = np.append(pooled, outside).astype(np.float64)
    everything, _ = _smoothed(events, smoothing, parameter, np.full(len(events), 1 / len(events)))
    shares = everything[:-1]
    if background == "uniform" or not shares.any():
        shares = np.ones(len(pooled))
    fallback = shares / shares.sum()
    fitted = [_smoothed(np.asarray(own, dtype=np.float64), smoothing, parameter, fallback) for own in counts]
    p_open = float(everything[-1])
    with np.errstate(divide="ignore"):
        log_open = float(np.log(p_open))
    log_probs = np.array([np.log(np.maximum((1 - p_open) * q, _LEAST_PROBABILITY)) for q, _ in fitted])
    return SharedModels(log_probs, log_open, np.array([theta for _, theta in fitted]))


def _smoothed(
    events: Floats, smoothing: Smoothing, parameter: float | str | None, background: Floats
) -> tuple[Floats, float]:
    """Return the probabilities of the events and the method's parameter; without a token, the background."""
    if not events.any():
        return background, np.nan
    smoothed = smoothing.fit(events, parameter=parameter, background=background)
    return smoothed.probability, np.nan if smoothed.parameter is None else smoothed.parameter
