"""Find the model that scores: read from a file, trained on other text, or trained on the corpus itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skxent.cli._levels import Corpus, read_corpus
from skxent.cli._notes import Notes
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
from skxent.language_model._arpa import not_in_arpa
from skxent.language_model._blocks import BLOCK_BYTES
from skxent.language_model._decompress import read_chunks
from skxent.language_model._options import END_OF_SENTENCE, LEAVE_ONE_OUT
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

    @property
    def n_ends(self) -> float:
        """Number of end-of-sentence events in the training text."""
        if self.own_counts is None or self.scores.log_prob_eos is None:
            return 0
        return self.own_counts.n_lines if self.scores.blank_lines else self.own_counts.n_sentences

    def in_sample_entropy(self, base: float) -> float | None:
        """Entropy of the word frequencies, in units of ``base``, when the model was trained on the corpus."""
        if self.own_counts is None:
            return None
        ends = [self.n_ends] if self.n_ends else []
        counts = np.concatenate([self.own_counts.counts, ends])
        total = counts.sum()
        return float((np.log(total) - counts @ np.log(counts) / total) / math.log(base)) + 0.0


def find_scorer(options: Options, progress: Progress, notes: Notes) -> tuple[Corpus, Scorer]:
    """Find the corpus, and read or train the model that scores it; save it if asked for.

    Raises
    ------
    CorpusError
        When a file cannot be used, or there is nothing to train on.
    ValueError
        When an option of training has no such value.
    """
    corpus = read_corpus(options.corpus or options.train or (), options, progress, notes)
    if options.model:
        return corpus, Scorer(_prepared(read_arpa(options.model), options), HELD_OUT, options.model)
    is_held_out = bool(options.train and options.corpus)
    training = read_corpus(options.train or (), options, progress, notes) if is_held_out else corpus
    if options.train and len(options.train) > 1 and not options.corpus:
        notes.say("note: all files are training text, and scored by leave-one-out; '--' ends the list of --train")
    how = _how_to_train(options)
    counts = training.count()
    if not counts.n_tokens:
        raise CorpusError(f"{training.title}: the corpus is empty: there are no words to train on")
    model = _train(counts, how, options, notes)
    if options.save:
        write_arpa(model, options.save)
    if is_held_out:
        return corpus, Scorer(_prepared(model, options), HELD_OUT, training.title)
    left_out = model.leave_one_out_scores()
    if left_out.evaluate(counts).zero_probability_tokens:
        return corpus, Scorer(_prepared(model, options), IN_SAMPLE, training.title, counts)
    return corpus, Scorer(_prepared(left_out, options), LEAVE_ONE_OUT, training.title, counts)


def _prepared(scores: WordScores, options: Options) -> WordScores:
    """Apply what the options say of scoring."""
    blank_lines = options.blank_lines or options.format == "kenlm"
    if blank_lines != scores.blank_lines:
        scores = replace(scores, blank_lines=blank_lines)
    if options.vocab_pad is None:
        return scores
    n_known = len(scores.log_probs)
    if options.vocab_pad <= n_known:
        raise ValueError(
            f"--vocab-pad {options.vocab_pad}: the model alone has {n_known:,} words; give more than these"
        )
    return scores.share_unknown(options.vocab_pad - n_known)


def _how_to_train(options: Options) -> dict[str, Any]:
    """Find the method and read its files, so that a mistake in them shows before the text is counted."""
    return {
        "smoothing": make_smoothing(options.smoothing or "lidstone"),
        "parameter": LEAVE_ONE_OUT if options.smoothing_parameter is None else options.smoothing_parameter,
        "vocabulary": _read_vocabulary(options.vocab) if options.vocab else None,
        "min_count": options.min_count or 1,
        "end_of_sentence": options.eos or options.blank_lines,
        "blank_lines": options.blank_lines or options.format == "kenlm",
        "background": read_arpa(options.background) if options.background else None,
    }


def _train(counts: CorpusCounts, how: dict[str, Any], options: Options, notes: Notes) -> FittedUnigram:
    bad: Sequence[str] = not_in_arpa(counts.words).to_list() if options.save else ()
    if options.eos:
        bad = [word for word in bad if word != END_OF_SENTENCE]
    if bad:
        notes.say(f"note: an ARPA file cannot hold {len(bad):,} words, such as {bad[0]!r}: they are unknown words here")
    with notes.of_warnings():
        return fit_unigram(counts, **how, exclude=bad)


def _read_vocabulary(path: str) -> list[str]:
    """Words of a vocabulary file, one a line.

    Raises
    ------
    CorpusError
        When the file cannot be read, is not UTF-8, has no words, or a line has more than one.
    """
    try:
        lines = b"".join(read_chunks(path, BLOCK_BYTES, None)).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: byte {error.start}: not valid utf-8") from None
    words = [line.split() for line in lines]
    for number, parts in enumerate(words, 1):
        if len(parts) > 1:
            raise CorpusError(f"{path}: line {number}: expected one word a line, got {len(parts)}")
    if not any(words):
        raise CorpusError(f"{path}: no words in the vocabulary")
    return [word for parts in words for word in parts]
