"""Make models of different vocabularies comparable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from skxent._polars import pl
from skxent.language_model._corpus import CorpusCounts, count_text
from skxent.language_model._documents import DocumentReader, check_same_tokens
from skxent.language_model._model import Evaluation, WordScores

__all__ = ["comparable", "compare"]


def comparable(models: Sequence[WordScores], *, vocab_pad: int | None = None, oov: str = "unk") -> list[WordScores]:
    r"""Score with every model over the same events.

    A model gives one probability to all words that it does not know together. The fewer words it knows, the more it
    gains by that. So the unknown probability of each model is shared among the words that it lacks: let
    :math:`U` be the union of the vocabularies :math:`V_k`. Model k gives

    .. math:: p_k(w) = \frac{p_k(unk)}{|U \setminus V_k| + 1}

    to each word of :math:`U` that it lacks, and the same to one event that stands for all words outside
    :math:`U`. Over :math:`U`, that event and the end of a sentence the probabilities of each model sum to 1.

    Parameters
    ----------
    models : sequence of WordScores
        Models, all with end-of-sentence events or none.
    vocab_pad : int, optional
        Take this number of words N instead of the union: each word that model k lacks has
        :math:`p_k(unk)/(N-|V_k|)`.
    oov : {"unk", "skip", "error"}, default="unk"
        With ``"skip"`` only words that all models know are scored.

    Returns
    -------
    list of WordScores

    Raises
    ------
    ValueError
        If only some models have end-of-sentence events, or `vocab_pad` is not more than all words of the models.
    """
    if len({model.log_prob_eos is None for model in models}) > 1:
        raise ValueError("only one of the models has end-of-sentence events: the figures cannot be compared")
    if oov == "skip":
        return _restricted(models)
    n_union = pl.concat([model.words.alias("word") for model in models]).n_unique()
    n_words = n_union + 1 if vocab_pad is None else vocab_pad
    if n_words <= n_union:
        raise ValueError(f"vocab_pad={vocab_pad}: the models together have {n_union:,} words; give more than these")
    return [model.share_unknown(n_words - len(model.words)) for model in models]


def _restricted(models: Sequence[WordScores]) -> list[WordScores]:
    """Let each model know only the words that all models know."""
    shared = models[0].words
    for model in models[1:]:
        shared = shared.filter(shared.is_in(model.words.implode()))
    chosen = [model.words.is_in(shared.implode()).to_numpy() for model in models]
    return [
        replace(
            model.share_unknown(1),
            vocabulary=model.vocabulary.where(is_shared),
            log_probs=model.log_probs[is_shared],
            training=None,
        )
        for model, is_shared in zip(models, chosen, strict=True)
    ]


def compare(
    models: Sequence[Any], X: Any, *, vocab_pad: int | None = None, oov: str = "unk", base: float = 2
) -> list[Evaluation]:
    """Evaluate models on the same text, over the union of their vocabularies; see :func:`comparable`.

    Parameters
    ----------
    models : sequence of UnigramLanguageModel or of FittedUnigram
        Fitted models.
    X : CorpusCounts, or iterable of str or of sequences of str
        The text. It is cut into tokens as the estimators do, and at white space if there is none among the models.
    vocab_pad : int, optional
        Number of words of an open vocabulary, instead of the union.
    oov : {"unk", "skip", "error"}, default="unk"
        With ``"skip"`` only words that all models know are scored.
    base : float, default=2
        Base of the logarithms.

    Returns
    -------
    list of Evaluation
        One for each model.

    Raises
    ------
    TypeError
        If something is no model.
    ValueError
        If there is no model, or if the estimators cut text into different tokens.

    Examples
    --------
    >>> from skxent.language_model import count_text, fit_unigram
    >>> small = fit_unigram(count_text(["rain"]), smoothing="laplace")
    >>> large = fit_unigram(count_text(["the cat sat on the mat"]), smoothing="laplace")
    >>> [round(e.cross_entropy, 2) for e in compare([small, large], ["the dog sat"])]
    [4.17, 3.06]
    """
    fitted = [_scores_of(number, model) for number, model in enumerate(models)]
    if not fitted:
        raise ValueError("there is no model to evaluate")
    counts = X if isinstance(X, CorpusCounts) else _count(models, X)
    return [scores.evaluate(counts, oov=oov, base=base) for scores in comparable(fitted, vocab_pad=vocab_pad, oov=oov)]


def _scores_of(number: int, model: Any) -> WordScores:
    scores = getattr(model, "model_", model)
    if not isinstance(scores, WordScores):
        raise TypeError(f"models[{number}] is {model!r:.60} ({type(model).__name__}), which is no fitted model")
    return scores


def _count(models: Sequence[Any], X: Any) -> CorpusCounts:
    """Count a text as the models read it that say how they do."""
    readers: list[Any] = [model for model in models if isinstance(model, DocumentReader)]
    if not readers:
        return count_text(X)
    check_same_tokens(readers)
    counts: CorpusCounts = readers[0]._count(X, None)
    return counts
