"""The fitted unigram model: a table of words and log-probabilities, and how it scores a table of counts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from skxent.language_model.corpus import CorpusCounts
from skxent.language_model.smoothing import Smoothing, make_smoothing

UNKNOWN = "<unk>"
END_OF_SENTENCE = "</s>"


@dataclass(frozen=True)
class Evaluation:
    """What a model says about a corpus; log-probabilities in units of ``base``."""

    tokens: float
    types: int
    lines: int
    sentences: int
    bytes: int
    characters: int
    events: float
    unknown_tokens: float
    unknown_types: int
    log_probability: float
    log_probability_unknown: float
    cross_entropy: float
    unit: str
    perplexity: float
    perplexity_known: float
    bits_per_byte: float
    bits_per_character: float
    smoothing: str
    smoothing_parameter: float | None
    oov: str = "unk"
    zero_probability_tokens: float = 0
    zero_probability_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class FittedUnigram:
    """Words and natural log-probabilities.

    ``log_prob_eos`` is None for a model without end-of-sentence events.
    """

    words: pl.Series
    log_probs: np.ndarray
    log_prob_unk: float
    log_prob_eos: float | None
    smoothing: str = "unknown"
    smoothing_parameter: float | None = None
    fallback: str | None = None
    training: CorpusCounts | None = None

    @property
    def n_vocabulary(self) -> int:
        """Number of events: the words, the unknown word, and the end of a sentence if on."""
        return len(self.words) + 1 + (self.log_prob_eos is not None)

    def evaluate(self, counts: CorpusCounts, *, oov: str = "unk", base: float = 2) -> Evaluation:
        """Cross-entropy and all that follows from it: one join of two tables of counts."""
        model = pl.DataFrame({"word": self.words, "log_prob": self.log_probs})
        joined = counts.table.join(model, on="word", how="left")
        unknown = joined["log_prob"].is_null()
        n_unknown = joined.filter(unknown)["count"].sum()
        known = joined.filter(~unknown)
        c, lp = known["count"].to_numpy(), known["log_prob"].to_numpy()
        log_known = float(c @ lp)
        n_eos = counts.n_sentences if self.log_prob_eos is not None else 0
        if self.log_prob_eos is not None:
            log_known += n_eos * self.log_prob_eos
        log_unknown = n_unknown * self.log_prob_unk if n_unknown else 0.0
        n_known = counts.n_tokens - n_unknown + n_eos
        n_events = n_known + (n_unknown if oov == "unk" else 0)
        total = log_known + (log_unknown if oov == "unk" else 0)
        h = -total / n_events if n_events else math.nan
        return Evaluation(
            counts.n_tokens, counts.n_types, counts.n_lines, counts.n_sentences, counts.n_bytes, counts.n_characters, n_events,
            n_unknown, int(unknown.sum()), total / math.log(base), log_unknown / math.log(base),
            h / math.log(base), "bits" if base == 2 else "nats", math.exp(h), math.exp(-log_known / n_known) if n_known else math.nan,
            -total / math.log(2) / counts.n_bytes if counts.n_bytes else math.nan,
            -total / math.log(2) / counts.n_characters if counts.n_characters else math.nan,
            self.smoothing, self.smoothing_parameter, oov,
        )

    def left_out(self) -> "FittedUnigram":
        """The same words, each with its log-probability when one of its tokens is left out of the training counts.

        Not a distribution, but what scores the lines, the files and the words of the training text honestly.
        """
        return self  # SEAM, to be filled from Smoothing.leave_one_out

    def leave_one_out(self, *, base: float = 2) -> Evaluation:
        """Score each training token as if it were not in the training counts."""
        assert self.training is not None
        return self.left_out().evaluate(self.training, base=base)


def fit_unigram(
    counts: CorpusCounts,
    *,
    smoothing: str | Smoothing = "lidstone",
    parameter: float | str | None = "leave-one-out",
    vocabulary: Sequence[str] | None = None,
    min_count: int = 1,
    end_of_sentence: bool = False,
    background: FittedUnigram | None = None,
) -> FittedUnigram:
    """Fit a unigram model to a table of counts."""
    method = make_smoothing(smoothing)
    table = counts.table.filter(pl.col("count") >= min_count)
    n_unknown = counts.n_tokens - table["count"].sum()
    events = np.concatenate([table["count"].to_numpy(), [n_unknown], [counts.n_sentences] * end_of_sentence])
    smoothed = method.fit(events, parameter=parameter)
    with np.errstate(divide="ignore"):
        log_p = np.log(smoothed.probability)
    n = table.height
    return FittedUnigram(
        table["word"], log_p[:n], float(log_p[n]), float(log_p[n + 1]) if end_of_sentence else None,
        method.name, smoothed.parameter, smoothed.fallback, counts,
    )
