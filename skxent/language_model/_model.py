"""The fitted unigram model: a table of words and log-probabilities, and how it scores a table of counts.

No loop runs over tokens: to evaluate a corpus is to join two tables of words.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxent._polars import pl
from skxent._typing import Array, Floats
from skxent.language_model._corpus import CorpusCounts, Counted
from skxent.language_model._options import END_OF_SENTENCE, LEAVE_ONE_OUT, OOV, UNKNOWN, unit_of
from skxent.language_model._score import Score
from skxent.language_model._smoothing import Smoothing, make_smoothing
from skxent.language_model._vocabulary import Vocabulary, WordValues
from skxent.language_model._word_keys import pack_words

__all__ = ["Evaluation", "FittedUnigram", "WordScores", "fit_unigram"]

# Words that a message or an evaluation names as examples.
_N_EXAMPLES = 5


@dataclass(frozen=True)
class Evaluation:
    """What a model says about a corpus.

    Attributes
    ----------
    tokens, types, lines, sentences, bytes, characters : int
        Size of the corpus: words without end-of-sentence events, distinct words, lines, lines with a word,
        bytes of UTF-8, code points.
    events : int
        What the cross-entropy is a mean over: the tokens (without unknown ones if they are skipped), and the
        sentences if the model has end-of-sentence events.
    unknown_tokens, unknown_types : int
        Words that the model does not know.
    log_probability, log_probability_unknown : float
        Of all events, and of the unknown words alone, in ``unit``.
    cross_entropy : float
        Mean of −log-probability over the events, in ``unit``.
    unit : str
        ``"bits"``, ``"nats"``, ``"hartleys"`` or the base.
    perplexity : float
        The base raised to the cross-entropy.
    perplexity_known : float
        Perplexity without the unknown words.  It falls when the vocabulary shrinks, so compare it between
        models of one vocabulary alone.
    bits_per_byte, bits_per_character : float
        Bits of all events over the size of the text: comparable between tokenizers.
    smoothing : str
        Name of the smoothing method.
    smoothing_parameter : float or None
        Its parameter.
    oov : str
        How unknown words were treated.
    zero_probability_tokens : int
        Tokens with probability zero, which make the perplexity infinite.
    zero_probability_words : tuple of str
        The most frequent of them.
    score : Score
        The sums that the figures follow from, unknown words included.
    """

    tokens: float
    types: int
    lines: float
    sentences: float
    bytes: float
    characters: float
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
    score: Score = field(default_factory=Score, repr=False)


@dataclass(frozen=True)
class Training:
    """What a model was fitted to.

    Attributes
    ----------
    counts : CorpusCounts
        The training corpus.
    events : ndarray
        Counts in the order of the words, then of unknown words, then of the end of a sentence.
    others : CorpusCounts
        The words of the counts that are unknown to the model.
    background : ndarray or None
        Probabilities of the same events.
    method : Smoothing
        The smoothing.
    """

    counts: CorpusCounts
    events: Floats
    others: CorpusCounts
    background: Floats | None
    method: Smoothing

    def __getstate__(self) -> dict[str, Any]:
        """Return the state, with only the last events if the others are the counts themselves."""
        state = dict(vars(self))
        n = self.counts.n_types
        if len(self.events) - n <= 2 and np.array_equal(self.events[:n], self.counts.counts):
            state["events"] = {"last": self.events[n:]}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        if isinstance(state["events"], dict):
            known = state["counts"].counts.astype(np.float64)
            state = {**state, "events": np.concatenate([known, state["events"]["last"]])}
        self.__dict__.update(state)

    @property
    def unknown_types(self) -> int:
        """Words of the training text that are unknown to the model."""
        return int(np.count_nonzero(~self.others.vocabulary.are_among([UNKNOWN, END_OF_SENTENCE])))


class _Events(NamedTuple):
    """The distinct events of a text: how often each occurs, its log-probability in nats, and whether it is unknown."""

    counts: Array
    log_probs: Floats
    is_unknown: NDArray[np.bool_]


@dataclass(frozen=True, repr=False)
class WordScores:
    """A natural log-probability for each word, one for all unknown words and one for the ends of sentences.

    Attributes
    ----------
    vocabulary : Vocabulary
        The words, as strings or as keys, without the unknown word and the end of a sentence.
    log_probs : ndarray of shape (n_words,)
        Natural logarithms of the probabilities of ``words``, which are the vocabulary as strings.
    log_prob_unk : float
        That of the one event that stands for every word outside the vocabulary.
    log_prob_eos : float or None
        That of the end of a sentence; None for a model without such events.
    smoothing : str
        Name of the smoothing method.
    smoothing_parameter : float or None
        Its parameter.
    fallback : str or None
        What was used instead of the method where it did not fit the counts.
    blank_lines : bool
        Whether a line without a word ends with an end-of-sentence event as well, as in KenLM.
    training : Training or None
        What the model was fitted to; None if it was read from a file.
    """

    vocabulary: Vocabulary
    log_probs: Floats
    log_prob_unk: float
    log_prob_eos: float | None
    smoothing: str = "unknown"
    smoothing_parameter: float | None = None
    fallback: str | None = None
    blank_lines: bool = False
    training: Training | None = None

    @property
    def words(self) -> pl.Series:
        """The vocabulary as strings, which are made when they are first asked for."""
        return self.vocabulary.strings()

    def __repr__(self) -> str:
        """Say what it is in one line, however many words there are."""
        parameter = "" if self.smoothing_parameter is None else f"({self.smoothing_parameter:.4g})"
        ends = "" if self.log_prob_eos is None else ", end-of-sentence events"
        return f"<{type(self).__name__}: {len(self.log_probs):,} words, smoothing {self.smoothing}{parameter}{ends}>"

    @property
    def table(self) -> pl.DataFrame:
        """Columns ``word`` and ``log_prob``; with the end of a sentence as ``</s>`` if the model has one."""
        table = pl.DataFrame([self.words.alias("word"), pl.Series("log_prob", self.log_probs, pl.Float64)])
        if self.log_prob_eos is None:
            return table
        return pl.concat([table, pl.DataFrame({"word": [END_OF_SENTENCE], "log_prob": [self.log_prob_eos]})])

    def share_unknown(self, n_words: int) -> WordScores:
        r"""Share the probability of the unknown event equally among words that the model does not know.

        Each of them has the probability :math:`p(unk)/n`, so that the probabilities of the model's own words, of
        the n other words and of the end of a sentence sum to 1. With one n for each model, chosen so that all have the
        same number of words, models of different vocabularies can be compared.

        Parameters
        ----------
        n_words : int
            n, at least 1.

        Raises
        ------
        ValueError
            If n is less than 1.
        """
        if n_words < 1:
            raise ValueError(f"n_words={n_words}: the probability of unknown words needs at least 1 word to go to")
        log_prob_unk = self.log_prob_unk - math.log(n_words)
        about = self.smoothing, self.smoothing_parameter, self.fallback, self.blank_lines, self.training
        return WordScores(self.vocabulary, self.log_probs, log_prob_unk, self.log_prob_eos, *about)

    def score(self, counts: CorpusCounts | Counted) -> Score:
        """Sum over the events of a corpus; an empty corpus has sums of 0."""
        return self._sum(self._events(counts), counts)

    def evaluate(self, counts: CorpusCounts | Counted, *, oov: str = "unk", base: float = 2) -> Evaluation:
        """Cross-entropy of a corpus and all that follows from it.

        Parameters
        ----------
        counts : CorpusCounts
            The corpus.
        oov : {"unk", "skip", "error"}, default="unk"
            Score unknown words as the one unknown event, leave them out, or refuse them.
        base : float, default=2
            Base of the logarithms in the result.

        Returns
        -------
        Evaluation

        Raises
        ------
        ValueError
            When there is nothing to score, or a word is unknown and ``oov="error"``.
        """
        if oov not in OOV:
            raise ValueError(f"oov={oov!r}; choose from {', '.join(OOV)}")
        if not counts.n_tokens:
            raise ValueError("the corpus is empty: there are no words to score")
        events = self._events(counts)
        whole, is_unknown = self._sum(events, counts), events.is_unknown
        if oov == "error" and is_unknown.any():
            examples = ", ".join(map(repr, self._examples(counts, is_unknown)))
            raise ValueError(f"{whole.unknown_tokens} tokens are unknown words, such as {examples}")
        is_impossible = (events.log_probs == -np.inf) & ~(is_unknown & (oov == "skip"))
        score = whole.under(oov)
        return Evaluation(
            tokens=counts.n_tokens,
            types=counts.n_types,
            lines=counts.n_lines,
            sentences=counts.n_sentences,
            bytes=counts.n_bytes,
            characters=counts.n_characters,
            events=score.events,
            unknown_tokens=whole.unknown_tokens,
            unknown_types=int(np.count_nonzero(is_unknown)),
            log_probability=score.log_prob / math.log(base),
            log_probability_unknown=whole.log_prob_unknown / math.log(base),
            cross_entropy=score.cross_entropy(base),
            unit=unit_of(base),
            perplexity=score.perplexity,
            perplexity_known=whole.known.perplexity,
            bits_per_byte=score.bits_per_byte,
            bits_per_character=score.bits_per_character,
            smoothing=self.smoothing,
            smoothing_parameter=self.smoothing_parameter,
            oov=oov,
            zero_probability_tokens=events.counts[is_impossible].sum().item(),
            zero_probability_words=self._examples(counts, is_impossible),
            score=whole,
        )

    def _sum(self, events: _Events, counts: CorpusCounts | Counted) -> Score:
        count, log_probs, is_unknown = events
        with np.errstate(invalid="ignore"):
            log_prob = count * log_probs
        return Score(
            lines=counts.n_lines,
            sentences=counts.n_sentences,
            tokens=counts.n_tokens,
            unknown_tokens=count[is_unknown].sum().item(),
            ends=self._n_ends(counts),
            bytes=counts.n_bytes,
            characters=counts.n_characters,
            log_prob_known=float(log_prob[~is_unknown].sum()),
            log_prob_unknown=float(log_prob[is_unknown].sum()),
        )

    def _examples(self, counts: CorpusCounts | Counted, chosen: Array) -> tuple[str, ...]:
        """Name a few of the chosen events' words, the most frequent ones."""
        if not chosen.any():
            return ()
        rows = self.events(counts if isinstance(counts, CorpusCounts) else counts.corpus()).filter(chosen)
        return tuple(rows.sort(["count", "word"], descending=[True, False])["word"].head(_N_EXAMPLES))

    def _n_ends(self, counts: CorpusCounts | Counted) -> float:
        if self.log_prob_eos is None:
            return 0
        return counts.n_lines if self.blank_lines else counts.n_sentences

    def _events(self, counts: CorpusCounts | Counted) -> _Events:
        """Find the events of a corpus, in the order of :meth:`events`."""
        if self.training is not None and counts is self.training.counts:
            count, log_probs, is_unknown = self._training_events(self.training)
            occurs = count > 0
            return _Events(count[occurs], log_probs[occurs], is_unknown[occurs])
        if isinstance(counts, CorpusCounts):
            rows = self.events(counts)
            return _Events(*(rows[name].to_numpy() for name in ("count", "log_prob", "unknown")))
        words, count = counts.words.merged()
        n_ends = self._n_ends(counts)
        log_probs = np.append(self.values.of_words(words), [self.log_prob_eos] * (n_ends > 0)).astype(np.float64)
        is_unknown = np.isnan(log_probs)
        return _Events(
            np.append(count, [n_ends] * (n_ends > 0)).astype(np.int64),
            np.where(is_unknown, self.log_prob_unk, log_probs),
            is_unknown,
        )

    def events(self, counts: CorpusCounts) -> pl.DataFrame:
        """Return a row for each event of a corpus: ``word``, ``count``, ``log_prob`` in nats, ``unknown``."""
        if self.training is not None and counts is self.training.counts:
            return self._training_rows(self.training)
        rows = counts.rows
        n_ends = self._n_ends(counts)
        if n_ends:
            ends = pl.DataFrame({"word": [END_OF_SENTENCE], "count": [n_ends]})
            rows = pl.concat([rows, ends], how="vertical_relaxed")
        joined = rows.with_columns(log_prob=self._look_up(rows["word"]))
        return joined.with_columns(
            pl.col("log_prob").is_null().alias("unknown"), pl.col("log_prob").fill_null(self.log_prob_unk)
        )

    def _look_up(self, words: pl.Series) -> pl.Series:
        """Return the log-probability of each word, null for the unknown."""
        return pl.Series(self.values.of_packed(pack_words(words))).fill_nan(None)

    @cached_property
    def values(self) -> WordValues:
        """Finds log-probabilities, that of the end of a sentence included; NaN for unknown words."""
        if self.log_prob_eos is None:
            return WordValues(self.vocabulary, self.log_probs, np.nan)
        vocabulary = self.vocabulary.with_word(END_OF_SENTENCE.encode())
        return WordValues(vocabulary, np.append(self.log_probs, self.log_prob_eos), np.nan)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without what can be made again, and the words once if they are those of the counts."""
        state = {name: value for name, value in vars(self).items() if name != "values"}
        if self.training is not None and self._has_words_of(self.training.counts):
            state["vocabulary"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        if state["vocabulary"] is None:
            state = {**state, "vocabulary": state["training"].counts.vocabulary}
        self.__dict__.update(state)

    def _has_words_of(self, counts: CorpusCounts) -> bool:
        return self.vocabulary is counts.vocabulary or self.words.equals(counts.words)

    def _training_events(self, training: Training) -> _Events:
        """Return the words of the model, the end of a sentence and the unknown words, as the training text has them."""
        n, unknown = len(self.log_probs), training.others.counts
        ends = [] if self.log_prob_eos is None else [self.log_prob_eos]
        count = np.concatenate([training.events[:n], training.events[n + 1 :], unknown])
        return _Events(
            count.astype(training.counts.counts.dtype),
            np.concatenate([self.log_probs, ends, np.full(len(unknown), self.log_prob_unk)]),
            np.repeat([False, True], [n + len(ends), len(unknown)]),
        )

    def _training_rows(self, training: Training) -> pl.DataFrame:
        """Return the events of the training text as :meth:`events` does."""
        ends = pl.Series([] if self.log_prob_eos is None else [END_OF_SENTENCE], dtype=pl.String)
        words = pl.concat([self.words.alias("word"), ends, training.others.words])
        columns = dict(zip(("count", "log_prob", "unknown"), self._training_events(training), strict=True))
        return pl.DataFrame({"word": words, **columns}).filter(pl.col("count") > 0)


@dataclass(frozen=True, repr=False)
class FittedUnigram(WordScores):
    """A unigram model: word scores that are the logarithms of one distribution. For its attributes see the base."""

    @property
    def n_vocabulary(self) -> int:
        """Number of events: the words, the unknown word, and the end of a sentence if on."""
        return len(self.log_probs) + 1 + (self.log_prob_eos is not None)

    def leave_one_out_scores(self) -> WordScores:
        """Score each word given all training tokens but one of its own.

        Scored this way, the training text is as good as unseen. These scores are no distribution, so they cannot
        be saved as a model. Words that the training text lacks keep their probability.

        Raises
        ------
        ValueError
            When the model was not fitted but read from a file.
        """
        if self.training is None:
            raise ValueError("leave-one-out needs the counts that the model was fitted to; ARPA files hold none")
        events, method = self.training.events, self.training.method
        log_probs = _log(method.leave_one_out(events, self.smoothing_parameter, self.training.background))
        log_probs = np.where(events > 0, log_probs, self._log_probs_of_events())
        n = len(self.log_probs)
        eos = None if self.log_prob_eos is None else float(log_probs[n + 1])
        about = self.smoothing, self.smoothing_parameter, self.fallback, self.blank_lines, self.training
        return WordScores(self.vocabulary, log_probs[:n], float(log_probs[n]), eos, *about)

    def _log_probs_of_events(self) -> Floats:
        ends = [] if self.log_prob_eos is None else [self.log_prob_eos]
        return np.concatenate([self.log_probs, [self.log_prob_unk], ends])


def _log(probability: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(probability)


def fit_unigram(
    counts: CorpusCounts,
    *,
    smoothing: str | Smoothing = "lidstone",
    parameter: float | str | None = LEAVE_ONE_OUT,
    vocabulary: Iterable[str] | None = None,
    min_count: float = 1,
    end_of_sentence: bool = False,
    blank_lines: bool = False,
    background: FittedUnigram | None = None,
    exclude: Iterable[str] = (),
) -> FittedUnigram:
    """Fit a unigram model to the counts of a corpus.

    Parameters
    ----------
    counts : CorpusCounts
        The training corpus.
    smoothing : str or Smoothing, default="lidstone"
        The method.
    parameter : float, "leave-one-out" or None, default="leave-one-out"
        Its parameter, see :meth:`Smoothing.fit <skxent.language_model.Smoothing.fit>`.
    vocabulary : iterable of str, optional
        A closed vocabulary: all other words are unknown.  By default, the words of the corpus, and of the
        background.
    min_count : float, default=1
        Words that occur less often are unknown.
    end_of_sentence : bool, default=False
        Whether every line with a word ends with an event of its own, as in SRILM.
    blank_lines : bool, default=False
        Whether lines without a word end with that event as well, as in KenLM.
    background : FittedUnigram, optional
        Model of other text that the method falls back on.  What it gives to events outside this vocabulary is
        shared equally by the events that it does not know, the unknown word among them.
    exclude : iterable of str, optional
        Words that count as unknown, such as ``"<s>"``, which an ARPA file cannot hold.

    Returns
    -------
    FittedUnigram

    Raises
    ------
    ValueError
        When the corpus is empty, a parameter is out of range, or both vocabulary and min_count are given.

    Examples
    --------
    >>> from skxent.language_model import count_text
    >>> model = fit_unigram(count_text(["a b a", "b a c"]), smoothing="laplace", end_of_sentence=True)
    >>> evaluation = model.evaluate(count_text(["a b d"]))
    >>> print(f"{evaluation.cross_entropy:.6f} {evaluation.unit}, perplexity {evaluation.perplexity:.6f}")
    2.407958 bits, perplexity 5.307228
    """
    if vocabulary is not None and min_count > 1:
        raise ValueError("min_count chooses a vocabulary, so it cannot be given together with one")
    method = make_smoothing(smoothing)
    words, known, others = _split_events(
        counts, vocabulary, min_count, background, {UNKNOWN, *exclude, *([END_OF_SENTENCE] if end_of_sentence else [])}
    )
    n_words = len(words)
    ends = []
    if end_of_sentence:
        is_end = others.vocabulary.are_among([END_OF_SENTENCE])
        ends = [(counts.n_lines if blank_lines else counts.n_sentences) + others.counts[is_end].sum()]
        others = _words_of(others, ~is_end)
    events = np.concatenate([known, [others.counts.sum()], ends]).astype(np.float64)
    b = None if background is None else _background_of(words.strings(), end_of_sentence, background)
    smoothed = method.fit(events, parameter=parameter, background=b)
    log_probs = _log(smoothed.probability)
    return FittedUnigram(
        words,
        log_probs[:n_words],
        float(log_probs[n_words]),
        float(log_probs[n_words + 1]) if end_of_sentence else None,
        method.name,
        smoothed.parameter,
        smoothed.fallback,
        blank_lines,
        Training(counts, events, others, b, method),
    )


def _split_events(
    counts: CorpusCounts,
    vocabulary: Iterable[str] | None,
    min_count: float,
    background: FittedUnigram | None,
    special: Collection[str],
) -> tuple[Vocabulary, Array, CorpusCounts]:
    """Choose the words that are events of their own; return them, their counts, and all other words."""
    if vocabulary is None and background is None:
        is_event = (counts.counts >= min_count) & ~counts.vocabulary.are_among(special)
        events = _words_of(counts, is_event)
        return events.vocabulary, events.counts, _words_of(counts, ~is_event)
    words = _vocabulary(counts, vocabulary, min_count, background)
    words = words.filter(~words.is_in(list(special))).unique(maintain_order=True)
    in_words = counts.rows.join(words.to_frame(), on="word", how="right", maintain_order="right")
    others = counts.rows.join(words.to_frame(), on="word", how="anti")
    return Vocabulary.of_strings(words), in_words["count"].fill_null(0).to_numpy(), CorpusCounts(others)


def _words_of(counts: CorpusCounts, is_chosen: NDArray[np.bool_]) -> CorpusCounts:
    """Return some of the words of a corpus and their counts."""
    return CorpusCounts.of_vocabulary(counts.vocabulary.where(is_chosen), counts.counts[is_chosen])


def _vocabulary(
    counts: CorpusCounts, vocabulary: Iterable[str] | None, min_count: float, background: FittedUnigram | None
) -> pl.Series:
    """List the words of a closed vocabulary, or those of the corpus and then those of the background."""
    if vocabulary is not None:
        return pl.Series("word", list(vocabulary), dtype=pl.String)
    words = counts.rows.filter(pl.col("count") >= min_count)["word"]
    return words if background is None else pl.concat([words, background.words.alias("word")])


def _background_of(words: pl.Series, end_of_sentence: bool, background: FittedUnigram) -> Floats:
    """Give each event its background probability; events unknown to it share what is left."""
    events = [words, pl.Series("word", [UNKNOWN, END_OF_SENTENCE] if end_of_sentence else [UNKNOWN])]
    table = background.table.filter(pl.col("word") != UNKNOWN)
    joined = pl.concat(events).to_frame().join(table, on="word", how="left", maintain_order="left")
    probability: Floats = np.exp(joined["log_prob"].fill_null(-math.inf).to_numpy())
    is_new = joined["log_prob"].is_null().to_numpy()
    probability[is_new] = max(1 - probability.sum(), 0.0) / is_new.sum()
    return probability
