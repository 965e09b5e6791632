r"""Choose, from much text, the documents that look like a target.

A document's score is how much more probable the model of the target makes it than the model of the raw text does, in
bits a token [1]_ [2]_:

.. math:: s(d) = \frac{1}{N_d} \sum_{w \in d} c_d(w) \log_2 \frac{p_\mathrm{target}(w)}{p_\mathrm{raw}(w)}

Both models are over the same words. The best documents are taken, or a sample in which each document is as likely as
its importance weight :math:`2^{N_d s(d)}` says, without replacement, by adding Gumbel noise to the logarithms of the
weights [3]_.

References
----------
.. [1] Moore, R. C. & Lewis, W. (2010). Intelligent selection of language model training data. *ACL 2010 Short Papers*,
   220-224. https://aclanthology.org/P10-2041
.. [2] Axelrod, A., He, X. & Gao, J. (2011). Domain adaptation via pseudo in-domain data selection. *EMNLP 2011*,
   355-362. https://aclanthology.org/D11-1033
.. [3] Xie, S. M., Santurkar, S., Ma, T. & Liang, P. (2023). Data selection for language models via importance
   resampling. *NeurIPS 36*. https://doi.org/10.48550/arXiv.2302.03169
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skxent._files import atomic_write
from skxent._typing import Floats, Integers
from skxent.language_model._corpus import CorpusCounts, counted_files, counted_text
from skxent.language_model._decompress import is_regular_file
from skxent.language_model._errors import CorpusError
from skxent.language_model._model import WordScores
from skxent.language_model._options import LEAVE_ONE_OUT
from skxent.language_model._ranking import Ranking
from skxent.language_model._reader import expand_paths
from skxent.language_model._records import Choice, Choices, are_parquet, is_plain_text, write_records
from skxent.language_model._score import Score
from skxent.language_model._scoring import LineScorer, score_text, scored_lines
from skxent.language_model._shared_vocabulary import TextCounts, fit_shared
from skxent.language_model._smoothing import Smoothing, make_smoothing
from skxent.language_model._token_values import TokenValues
from skxent.language_model._tokenizers import Tokenize
from skxent.language_model._vocabulary import Vocabulary, WordValues, number_words
from skxent.language_model._word_counts import CountedWords
from skxent.language_model._word_keys import WordKeys, pack_words

__all__ = ["BUCKETS", "DEFAULT_CUTS", "Selection", "log_ratio", "select_texts"]

# Names of the buckets, the best documents first, and the percentages at which CCNet cuts them.
BUCKETS = ("head", "middle", "tail")
DEFAULT_CUTS = (30.0, 60.0)


def log_ratio(
    target: CorpusCounts,
    raw: CorpusCounts,
    *,
    smoothing: str | Smoothing = "witten_bell",
    smoothing_parameter: float | str | None = LEAVE_ONE_OUT,
    background: str = "uniform",
) -> WordScores:
    """Say for each word how much more probable it is in the target than in the raw text.

    Both models are over the words of both texts and one event for all other words, to which both give the same
    probability, see :class:`~skxent.UnigramClassifier`.

    Parameters
    ----------
    target, raw : CorpusCounts
        The two texts.
    smoothing : str or Smoothing, default="witten_bell"
        The smoothing method of both models.
    smoothing_parameter : float, "leave-one-out" or None, default="leave-one-out"
        Its parameter.
    background : {"uniform", "pooled"}, default="uniform"
        What a model falls back on for words that its text lacks: equal probabilities, or both texts together.

    Returns
    -------
    WordScores
        Natural logarithms of the ratio of the probabilities, where log-probabilities would be.

    Examples
    --------
    >>> from skxent.language_model import count_text
    >>> ratio = log_ratio(count_text(["a a b"]), count_text(["a b b c"]), smoothing="laplace")
    >>> sorted(zip(ratio.words, np.exp(ratio.log_probs).round(3).tolist()))
    [('a', 1.75), ('b', 0.778), ('c', 0.583)]
    """
    both = ((pack_words(text.words), text.counts) for text in (target, raw))
    first, second = ([(packed.words, counts[packed.positions])] for packed, counts in both)
    words, ratios = _ratios(first, second, smoothing, smoothing_parameter, background)
    return WordScores(Vocabulary.of(words), ratios, 0.0, None)


def _ratios(
    target: Sequence[CountedWords],
    raw: Sequence[CountedWords],
    smoothing: str | Smoothing,
    parameter: float | str | None,
    background: str,
) -> tuple[WordKeys, Floats]:
    """Return the words of both texts, and for each the logarithm of the ratio of its probabilities."""
    words, numbers = number_words([listed for listed, _ in (*target, *raw)], in_runs=True)
    pairs = zip(numbers, (count for _, count in (*target, *raw)), strict=True)
    sums = [np.bincount(number, count, len(words)) for number, count in pairs]
    counts = TextCounts(np.array([sum(sums[: len(target)]), sum(sums[len(target) :])], dtype=np.float64))
    models = fit_shared(counts, smoothing=make_smoothing(smoothing), parameter=parameter, background=background)
    return words, models.log_probs[:-1, 0] - models.log_probs[:-1, 1]


# Told of a pass over files and the files; what it returns is told of the bytes read.
StartTask = Callable[[str, list[str]], Callable[[int], None]]


class _Documents(Protocol):
    """Documents that can be read again and again."""

    def count(self) -> list[CountedWords]:
        """Count their words."""

    def score(self, vocabulary: Vocabulary, ratios: Floats) -> Iterator[tuple[Score, tuple[str, ...]]]:
        """Score them in order, some at a time; say what is wrong with those that are left out."""

    def error(self, problem: str) -> Exception:
        """Make an error about them."""


@dataclass(frozen=True)
class _Texts:
    """Documents in memory."""

    documents: Sequence[Any]
    tokenizer: str | Tokenize
    lowercase: bool
    n_jobs: int | None

    def count(self) -> list[CountedWords]:
        reading: dict[str, Any] = dict(tokenizer=self.tokenizer, lowercase=self.lowercase, n_jobs=self.n_jobs)
        return [counted_text(self.documents, **reading).words.words()]

    def score(self, vocabulary: Vocabulary, ratios: Floats) -> Iterator[tuple[Score, tuple[str, ...]]]:
        values = TokenValues(WordValues(vocabulary, ratios, np.nan), self.tokenizer, self.lowercase)
        yield score_text(self.documents, LineScorer(values, 0.0), self.n_jobs), ()

    def error(self, problem: str) -> Exception:
        return ValueError(problem)


@dataclass(frozen=True)
class _Files:
    """Documents in files."""

    paths: list[str]
    reading: dict[str, Any]
    progress: StartTask | None

    @property
    def reading_of_records(self) -> dict[str, Any]:
        names = ("encoding", "errors", "field", "skip_bad_records")
        return {name: self.reading[name] for name in names}

    def count(self) -> list[CountedWords]:
        return [counted_files(self.paths, **self.reading, progress=self._start("counting")).words.words()]

    def score(self, vocabulary: Vocabulary, ratios: Floats) -> Iterator[tuple[Score, tuple[str, ...]]]:
        values = TokenValues(
            WordValues(vocabulary, ratios, np.nan), self.reading["tokenizer"], self.reading["lowercase"]
        )
        reading = {**self.reading_of_records, "n_jobs": self.reading["n_jobs"]}
        lines = scored_lines(self.paths, LineScorer(values, 0.0), **reading, progress=self._start("scoring"))
        return ((part.score, part.problems) for part in lines)

    def error(self, problem: str) -> Exception:
        title = ", ".join(self.paths) if len(self.paths) <= 3 else f"{len(self.paths)} files"
        return CorpusError(f"{title}: {problem}")

    def _start(self, task: str) -> Callable[[int], None] | None:
        return None if self.progress is None else self.progress(task, self.paths)


class _TargetFiles(_Files):
    """Files of which those of plain text are read line by line, whatever the field of the others."""

    def count(self) -> list[CountedWords]:
        if self.reading["field"] is None:
            return super().count()
        plain = {path: is_plain_text(path, self.reading["encoding"]) for path in self.paths}
        texts, records = ([path for path in self.paths if plain[path] == kind] for kind in (True, False))
        groups = (replace(self, paths=records), _Files(texts, {**self.reading, "field": None}, self.progress))
        return [part for group in groups if group.paths for part in _Files.count(group)]


@dataclass(frozen=True)
class Selection:
    """The scores of documents, and which of them are selected.

    Scores are kept on disk, 8 or 16 bytes a document, and read where they are needed.

    Attributes
    ----------
    n_documents : int
        Documents of the raw text.
    problems : tuple of str
        What is wrong with records that were left out, if that was asked for.
    n_empty : int
        Those among them without a token; they have no score and are never selected.
    n_selected : int
        Documents that are selected: all where only scores were asked for.
    threshold : float
        The score, in bits a token, of the worst document that is selected; NaN for a sample, whose noise is no score.
    cuts : tuple of float
        Scores of the worst document of the head and of the middle, if there are buckets.
    """

    n_documents: int
    n_empty: int
    n_selected: int
    threshold: float
    cuts: tuple[float, ...]
    problems: tuple[str, ...]
    _scores: Ranking = field(repr=False)
    _keys: Ranking = field(repr=False)
    _last: tuple[float, int] | None = field(repr=False)
    _files: _Files | None = field(default=None, repr=False)

    @property
    def summary(self) -> str:
        """How many documents are selected, of how many, in one line."""
        worst = "" if math.isnan(self.threshold) else f", scores of {self.threshold:.4f} bits a token and more"
        empty = f" ({self.n_empty:,} without a word)" if self.n_empty else ""
        return f"selected {self.n_selected:,} of {self.n_documents:,} documents{empty}{worst}"

    @property
    def scores(self) -> Floats:
        """Bits a token by which the target's model is better, NaN for a document without a token."""
        return self._scores.values()

    @property
    def is_selected(self) -> NDArray[np.bool_]:
        """Whether each document is selected."""
        return np.concatenate([np.empty(0, np.bool_), *self._masks()])

    @property
    def indices(self) -> Integers:
        """Numbers of the selected documents, from 0, in order."""
        return np.flatnonzero(self.is_selected)

    @property
    def buckets(self) -> NDArray[Any]:
        """The bucket of each document, ``""`` for a document without a token.

        Raises
        ------
        ValueError
            If no buckets were asked for.
        """
        if not self.cuts:
            raise ValueError("there are no buckets: select with buckets=(30, 60)")
        return np.concatenate([np.empty(0, "<U6"), *map(self._buckets_of, self._scores.chunks())])

    def write(self, output: str | Path | IO[bytes], *, with_score: bool = True, score_field: str = "score") -> None:
        """Write the selected records, whole and in the format in which they came, in the order of the raw text.

        A record of JSON lines or Parquet gets its score, and its bucket if there are buckets, as fields or columns at
        its end. They come before a line of plain text, each with a tab after it. A record without a token has no score:
        null, and before a line of plain text ``nan``.

        Parameters
        ----------
        output : str, Path or binary file
            Where to write; a file appears only when it is complete.
        with_score : bool, default=True
            Whether to add the scores.
        score_field : str, default="score"
            Name of the field with the score.

        Raises
        ------
        ValueError
            If the raw text was not in files.
        CorpusError
            If the records have that field already, or a file has changed since it was scored.
        """
        if self._files is None:
            raise ValueError("the raw text was in memory, so there are no records to write: use indices")
        paths, reading = self._files.paths, self._files.reading_of_records
        choices = Choices(self._choices(score_field if with_score else None))
        if not isinstance(output, str | Path):
            write_records(paths, reading, choices, output)
            return
        with atomic_write(output) as part, open(part, "wb") as file:
            write_records(paths, reading, choices, file)

    def _choices(self, score_field: str | None) -> Iterator[Choice]:
        for scores, mask in zip(self._scores.chunks(), self._masks(), strict=True):
            columns: dict[str, Any] = {}
            if score_field is not None:
                columns[score_field] = [None if math.isnan(s) else s for s in np.round(scores, _DECIMALS).tolist()]
            if self.cuts:
                columns["bucket"] = self._buckets_of(scores).tolist()
            yield Choice(mask, columns)

    def _masks(self) -> Iterator[NDArray[np.bool_]]:
        """Yield, in pieces, whether documents are selected; of those equal to the last one, the first ones are."""
        last, n_equal = (-np.inf, self.n_documents) if self._last is None else self._last
        for keys in self._keys.chunks():
            is_equal = keys == last
            is_taken = is_equal & (np.cumsum(is_equal) <= n_equal)
            n_equal -= int(np.count_nonzero(is_taken))
            yield np.ones(len(keys), np.bool_) if self._last is None else (keys > last) | is_taken

    def _buckets_of(self, scores: Floats) -> NDArray[Any]:
        n_worse_than = np.sum([scores < cut for cut in self.cuts], axis=0)
        return np.where(np.isnan(scores), "", np.array(BUCKETS)[n_worse_than])


# Decimals of the scores that are written.
_DECIMALS = 6


def select_texts(
    target: Any,
    raw: Any,
    *,
    top: float | None = None,
    sample: int | None = None,
    buckets: Sequence[float] | None = None,
    seed: int | None = None,
    input: str = "content",
    field: str | None = None,
    tokenizer: str | Tokenize = "whitespace",
    lowercase: bool = False,
    encoding: str = "utf-8",
    decode_error: str = "strict",
    skip_bad_records: bool = False,
    smoothing: str | Smoothing = "witten_bell",
    smoothing_parameter: float | str | None = LEAVE_ONE_OUT,
    background: str = "uniform",
    n_jobs: int | None = None,
    progress: StartTask | None = None,
) -> Selection:
    """Choose the documents of a raw text that look like a target.

    The raw text is read twice, once to count its words and once to score its documents, and a third time if the
    selected records are written. What is in memory is set by the number of distinct words, not of documents.

    Parameters
    ----------
    target : iterable of documents, or of names of files
        Text of the kind that is wanted.
    raw : sequence of documents, or of names of files
        Text to choose from.
    top : float or int, optional
        Take the documents with the best scores: a share of those with a token if it is less than 1, else so many.
    sample : int, optional
        Draw so many documents by importance resampling instead. By default all documents are selected.
    buckets : sequence of float, optional
        Name each document's bucket, head, middle or tail: two increasing percentages, CCNet's are 30 and 60.
    seed : int, optional
        Of the noise of a sample.
    input : {"content", "filename"}, default="content"
        Whether documents are texts or lists of tokens in memory, or names of files are given, plain or compressed,
        with globs: a document is then a line, or with `field` an object of JSON lines or a row of Parquet.
    field : str, optional
        The field that holds the text. Target files of plain text (whose first character is no brace) are read line by
        line all the same.
    tokenizer, lowercase, encoding, n_jobs
        As in :func:`~skxent.language_model.count_files`. ``tokenizer="wordpunct", lowercase=True`` makes the tokens
        of DSIR.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What to do about bytes that cannot be decoded.
    skip_bad_records : bool, default=False
        Leave out lines that are no JSON objects with text in the field, instead of an error.
    smoothing, smoothing_parameter, background
        Of the two models, see :func:`log_ratio`.
    progress : callable, optional
        Called with the name of each pass over files, ``"counting"`` or ``"scoring"``, and the files; it returns what
        is called with the number of bytes read since the last call.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        If a parameter is out of range, or a text has no words.
    TypeError
        If the raw text in memory cannot be read twice.
    CorpusError
        If a file cannot be read or decoded, or lacks the field.

    Examples
    --------
    >>> wanted = ["the ship sails the sea", "a storm at sea"]
    >>> crawl = ["buy a cheap ship model", "the sea was calm and the ship slow", "win a prize today", "calm sea"]
    >>> selection = select_texts(wanted, crawl, top=2)
    >>> selection.indices.tolist()
    [1, 3]
    """
    if top is not None and sample is not None:
        raise ValueError("top and sample are two ways to select: give one of them")
    cuts = _checked_cuts(buckets)
    reading: dict[str, Any] = dict(tokenizer=tokenizer, lowercase=lowercase, n_jobs=n_jobs)
    if input == "filename":
        reading |= dict(encoding=encoding, errors=decode_error, field=field, skip_bad_records=skip_bad_records)
        files = _Files(_checked_paths(raw), reading, progress)
        documents: _Documents = files
        wanted: _Documents = _TargetFiles(expand_paths(_listed(target)), reading, progress)
        are_parquet(files.paths)  # an error if only some are
    elif input == "content":
        files = None
        documents, wanted = (_Texts(_listed(texts), **reading) for texts in (raw, target))
    else:
        raise ValueError(f"input={input!r}; choose from content, filename")
    counted = _count(wanted, "target"), _count(documents, "raw text")
    words, ratios = _ratios(*counted, smoothing, smoothing_parameter, background)
    noise = None if sample is None else np.random.default_rng(seed)
    scores, keys, problems = _score(documents.score(Vocabulary.of(words), ratios), noise)
    n_wanted = sample if sample is not None else _number(top, scores.n_ranked)
    last = None if n_wanted is None else keys.nth_largest(_checked_number(n_wanted, scores.n_ranked))
    return Selection(
        n_documents=len(scores),
        n_empty=len(scores) - scores.n_ranked,
        n_selected=len(scores) if n_wanted is None else n_wanted,
        threshold=math.nan if last is None or sample is not None else last[0],
        cuts=tuple(scores.nth_largest(max(math.ceil(cut / 100 * scores.n_ranked), 1))[0] for cut in cuts),
        problems=problems,
        _scores=scores,
        _keys=keys,
        _last=last,
        _files=files,
    )


def _listed(documents: Any) -> list[Any]:
    if isinstance(documents, str | bytes | Path) or hasattr(documents, "read"):
        raise TypeError(f"expected a list, got a single {type(documents).__name__}; put it in a list: [X]")
    return list(documents)


def _checked_paths(patterns: Any) -> list[str]:
    paths = expand_paths(_listed(patterns))
    for path in paths:
        if os.path.isdir(path):
            raise CorpusError(f"{path}: is a directory; name its files, such as {os.path.join(path, '*')}")
        if not is_regular_file(path):
            raise CorpusError(f"{path}: the raw text is read twice, so it must be a file: save it to one first")
    return paths


def _checked_cuts(percentages: Sequence[float] | None) -> tuple[float, ...]:
    if percentages is None:
        return ()
    try:
        cuts = tuple(map(float, percentages))
    except (TypeError, ValueError):
        cuts = ()
    if len(cuts) != len(BUCKETS) - 1 or not 0 < cuts[0] < cuts[1] < 100:
        raise ValueError(f"buckets={percentages!r}: expected two increasing percentages, such as 30 and 60")
    return cuts


def _count(documents: _Documents, name: str) -> list[CountedWords]:
    parts = documents.count()
    if not any(counts.any() for _, counts in parts):
        raise documents.error(f"there are no words in the {name}")
    return parts


def _score(
    scored: Iterable[tuple[Score, tuple[str, ...]]], noise: np.random.Generator | None
) -> tuple[Ranking, Ranking, tuple[str, ...]]:
    """Score documents in bits a token; and what they are ranked by, which for a sample is the noisy weight in nats."""
    scores = Ranking()
    keys = scores if noise is None else Ranking()
    problems: list[str] = []
    for score, found in scored:
        problems += found
        tokens = np.asarray(score.tokens, dtype=np.float64)
        n_tokens = np.where(tokens > 0, tokens, np.nan)
        total = np.asarray(score.log_prob)
        scores.append(total / (n_tokens * math.log(2)))
        if noise is not None:
            keys.append(np.where(tokens > 0, total + noise.gumbel(size=len(tokens)), np.nan))
    return scores, keys, tuple(problems)


def _number(top: float | None, n_documents: int) -> int | None:
    """Return how many documents the best ones are."""
    if top is None:
        return None
    is_number = isinstance(top, Real)
    if is_number and top >= 1 and top == int(top):
        return int(top)
    if not (is_number and 0 < top < 1):
        raise ValueError(f"top={top!r}: expected a share between 0 and 1, or a whole number of documents")
    return max(round(top * n_documents), 1)


def _checked_number(n_wanted: int, n_documents: int) -> int:
    if n_wanted < 1:
        raise ValueError(f"expected at least one document to select, got {n_wanted}")
    if n_wanted > n_documents:
        raise ValueError(f"there are {n_documents} documents with a word to select from, fewer than {n_wanted}")
    return n_wanted
