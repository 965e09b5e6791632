"""Find the model that scores: read from a file, trained on other text, or trained on the corpus itself."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skxent.cli._levels import Corpus, read_corpus
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.language_model import (
    CorpusCounts,
    CorpusError,
    FittedUnigram,
    WordScores,
    fit_unigram,
    read_arpa,
    write_arpa,
)
from skxent.language_model._options import LEAVE_ONE_OUT
from skxent.language_model._smoothing import make_smoothing

__all__ = ["EXPLAINED", "Scorer", "find_scorer"]

HELD_OUT = "held-out"
IN_SAMPLE = "in-sample"

EXPLAINED = {
    HELD_OUT: "held-out text, unless it is part of the training text",
    LEAVE_ONE_OUT: "leave-one-out: each token as if it had not been in the training counts",
    IN_SAMPLE: "IN SAMPLE: the model has seen this text, so this is no test figure",
}


@dataclass(frozen=True)
class Scorer:
    """The model that scores.

    Attributes
    ----------
    scores : WordScores
        Words and log-probabilities.
    evaluated : str
        How far the figures are from the training text, a key of ``EXPLAINED``.
    source : str
        Where the model comes from.
    own_counts : CorpusCounts, optional
        The corpus's own counts, when the model was trained on them.
    """

    scores: WordScores
    evaluated: str
    source: str
    own_counts: CorpusCounts | None = None

    def in_sample_entropy(self, base: float) -> float | None:
        """Entropy of the word frequencies, in units of ``base``, when the model was trained on the corpus."""
        if self.own_counts is None:
            return None
        frequencies = fit_unigram(
            self.own_counts, smoothing="mle", end_of_sentence=self.scores.log_prob_eos is not None
        )
        return frequencies.evaluate(self.own_counts, base=base).cross_entropy


def find_scorer(options: Options, progress: Progress) -> tuple[Corpus, Scorer]:
    """Find the corpus, and read or train the model that scores it; save it if asked for.

    Raises
    ------
    CorpusError
        When a file cannot be used, or there is nothing to train on.
    ValueError
        When an option of training has no such value.
    """
    corpus = read_corpus(options.corpus or options.train or (), options, progress)
    if options.model:
        return corpus, Scorer(read_arpa(options.model), HELD_OUT, options.model)
    is_held_out = bool(options.train and options.corpus)
    training = read_corpus(options.train or (), options, progress) if is_held_out else corpus
    how = _how_to_train(options)
    counts = training.count()
    if not counts.n_tokens:
        raise CorpusError(f"{training.title}: the corpus is empty: there are no words to train on")
    model = _train(counts, how, quiet=options.quiet)
    if options.save:
        write_arpa(model, options.save)
    if is_held_out:
        return corpus, Scorer(model, HELD_OUT, training.title)
    return corpus, _scorer_of_itself(model, counts, training.title)


def _how_to_train(options: Options) -> dict[str, Any]:
    """Find the method and read its files, so that a mistake in them shows before the text is counted."""
    return {
        "smoothing": make_smoothing(options.smoothing or "lidstone"),
        "parameter": LEAVE_ONE_OUT if options.smoothing_parameter is None else options.smoothing_parameter,
        "vocabulary": _read_vocabulary(options.vocab) if options.vocab else None,
        "min_count": options.min_count or 1,
        "end_of_sentence": options.eos,
        "background": read_arpa(options.background) if options.background else None,
    }


def _train(counts: CorpusCounts, how: dict[str, Any], *, quiet: bool) -> FittedUnigram:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = fit_unigram(counts, **how)
    for warning in caught if not quiet else []:
        print(f"skxent-perplexity: note: {warning.message}", file=sys.stderr)
    return model


def _scorer_of_itself(model: FittedUnigram, counts: CorpusCounts, source: str) -> Scorer:
    left_out = model.leave_one_out_scores()
    if left_out.evaluate(counts).zero_probability_tokens:
        return Scorer(model, IN_SAMPLE, source, counts)
    return Scorer(left_out, LEAVE_ONE_OUT, source, counts)


def _read_vocabulary(path: str) -> list[str]:
    """Words of a vocabulary file, one a line.

    Raises
    ------
    CorpusError
        When the file is not UTF-8, has no words, or a line has more than one.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: byte {error.start}: not valid utf-8") from None
    words = [line.split() for line in lines]
    for number, parts in enumerate(words, 1):
        if len(parts) > 1:
            raise CorpusError(f"{path}: line {number}: expected one word a line, got {len(parts)}")
    if not any(words):
        raise CorpusError(f"{path}: no words in the vocabulary")
    return [word for parts in words for word in parts]
