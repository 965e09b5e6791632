"""The scikit-learn estimator around the counts, the model and ARPA files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import accumulate, chain
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skxent._polars import pl
from skxent._registry import Registry
from skxent._sklearn import Estimator, Interval, NamedParts, StrOptions, check_sample_weight, fit_context
from skxent._typing import Array, Floats
from skxent.language_model._arpa import read_arpa, write_arpa
from skxent.language_model._corpus import (
    CorpusCounts,
    Document,
    count_files,
    count_text,
    merge_counts,
)
from skxent.language_model._distributed import count_on_workers, is_distributed
from skxent.language_model._documents import DocumentReader, check_same_tokens, is_matrix, listed_words
from skxent.language_model._model import Evaluation, FittedUnigram, fit_unigram
from skxent.language_model._options import DECODE_ERRORS, END_OF_SENTENCE, LEAVE_ONE_OUT
from skxent.language_model._score import Score
from skxent.language_model._scoring import LineScorer, score_text
from skxent.language_model._smoothing import SMOOTHINGS, Smoothing
from skxent.language_model._tokenizers import Tokenize, make_tokenizer, tokenize_lines

__all__ = ["UnigramLanguageModel"]


class UnigramLanguageModel(NamedParts, DocumentReader, Estimator):
    r"""Unigram language model: cross-entropy and perplexity of text.

    The probability of a text is the product over its tokens of :math:`p(w)`, which a smoothing method
    estimates from the counts of words. The cross-entropy of a corpus of N tokens under the model is

    .. math:: H = -\frac{1}{N} \sum_w c(w) \log p(w)

    and its perplexity is the base of the logarithm to the power H, both weighted by tokens over the whole
    corpus. One event stands for all unknown words, and a literal ``<unk>`` in a text is that event.

    Parameters
    ----------
    smoothing : str or Smoothing, default="lidstone"
        ``"mle"``, ``"laplace"``, ``"lidstone"``, ``"dirichlet"``, ``"jelinek_mercer"``, ``"witten_bell"``,
        ``"absolute_discounting"``, ``"kneser_ney"``, ``"good_turing"``, or an object of a class of your
        own, see :class:`~skxent.language_model.Smoothing`. The parameters of an object can be searched over,
        such as ``smoothing__confidence`` for ``smoothing=GoodTuring()``.
    smoothing_parameter : float, "leave-one-out" or None, default="leave-one-out"
        The parameter of the method (δ, μ, λ or D); ``"leave-one-out"`` takes the one under which every
        training token is most probable given all others, None the method's conventional one.
    vocabulary : iterable of str or mapping of str to int, optional
        Closed vocabulary: all other words are unknown. With a matrix of counts, the names of its columns,
        such as ``CountVectorizer.get_feature_names_out()`` or ``vocabulary_``.
    min_count : int, default=1
        Words that occur less often in training are unknown.
    end_of_sentence : bool, default=False
        Whether every line with a token (every list of tokens) closes with an event of its own.
    input : {"content", "filename", "file"}, default="content"
        Whether documents are texts, names of files, or open files.
    encoding : str, default="utf-8"
        How bytes and files are decoded.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What to do about bytes that cannot be decoded.
    lowercase : bool, default=False
        Lower-case the tokens.
    tokenizer : str or callable, default="whitespace"
        ``"whitespace"`` is :meth:`str.split`; else a name of one of NLTK's tokenizers, such as
        ``"treebank"``, ``"wordpunct"``, ``"toktok"`` or ``"tweet"``, or a callable that takes a line and
        returns its tokens.
    base : float, default=2
        Base of all logarithms: 2 for bits, ``math.e`` for nats, 10 for hartleys.
    background : UnigramLanguageModel or FittedUnigram, optional
        Fitted model of other text, which the smoothing falls back on instead of the uniform distribution.
    n_jobs : int, optional
        Threads that count, or processes for tokenizers other than white space; by default one a core.

    Attributes
    ----------
    counts_ : CorpusCounts
        Words and counts of all text seen, before any word was made unknown.
    model_ : FittedUnigram
        Words and their log-probabilities.
    vocabulary_ : ndarray of str
        The words that have events of their own, the most frequent first.
    smoothing_parameter_ : float or None
        The parameter that was used.
    n_features_in_ : int
        Columns of the matrix of counts, if it was fitted to one.
    feature_names_in_ : ndarray of str
        Names of its columns, if it was a data frame.

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : Counts words of each document.

    Examples
    --------
    >>> from skxent import UnigramLanguageModel
    >>> model = UnigramLanguageModel(smoothing="laplace", end_of_sentence=True).fit(["a b a", "b a c"])
    >>> print(f"{model.cross_entropy(['a b d']):.6f} bits, perplexity {model.perplexity(['a b d']):.6f}")
    2.407958 bits, perplexity 5.307228
    """

    _parts: ClassVar[dict[str, Registry[Any]]] = {"smoothing": SMOOTHINGS}
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "smoothing": [str, Smoothing],
        "smoothing_parameter": [Interval(Real, 0, None, closed="left"), StrOptions({LEAVE_ONE_OUT}), None],
        "vocabulary": [Iterable, None],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "end_of_sentence": ["boolean"],
        "input": [StrOptions({"content", "filename", "file"})],
        "encoding": [str],
        "decode_error": [StrOptions(set(DECODE_ERRORS))],
        "lowercase": ["boolean"],
        "tokenizer": [str, callable],
        "base": [Interval(Real, 1, None, closed="neither")],
        "background": "no_validation",
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        smoothing: str | Smoothing = "lidstone",
        smoothing_parameter: float | str | None = LEAVE_ONE_OUT,
        vocabulary: Iterable[str] | Mapping[str, int] | None = None,
        min_count: int = 1,
        end_of_sentence: bool = False,
        input: str = "content",
        encoding: str = "utf-8",
        decode_error: str = "strict",
        lowercase: bool = False,
        tokenizer: str | Tokenize = "whitespace",
        base: float = 2,
        background: UnigramLanguageModel | FittedUnigram | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.smoothing = smoothing
        self.smoothing_parameter = smoothing_parameter
        self.vocabulary = vocabulary
        self.min_count = min_count
        self.end_of_sentence = end_of_sentence
        self.input = input
        self.encoding = encoding
        self.decode_error = decode_error
        self.lowercase = lowercase
        self.tokenizer = tokenizer
        self.base = base
        self.background = background
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> UnigramLanguageModel:
        """Count the words of the documents and fit the model.

        Parameters
        ----------
        X : iterable of str, of sequences of str, of paths or of files; or matrix of shape (n_documents, n_words)
            Documents, as ``input`` says; or counts of words, as CountVectorizer makes them. A bag of Dask holds
            documents or names of files, which its workers count.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_documents,), optional
            How often each document counts.

        Returns
        -------
        UnigramLanguageModel
            The fitted estimator.

        Raises
        ------
        ValueError
            When there is no token, or a parameter is out of range.
        TypeError
            When a single string is passed, or a document is neither text nor tokens.
        CorpusError
            When a document cannot be read or decoded.
        """
        return self._fit_counts(self._count(X, sample_weight, reset=True))

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> UnigramLanguageModel:
        """Add documents to those already counted; parameters as in :meth:`fit`.

        Returns
        -------
        UnigramLanguageModel
            The estimator, exactly as if it were fitted to all documents at once.
        """
        if not {"counts_", "model_"} & vars(self).keys():
            return self._fit_counts(self._count(X, sample_weight, reset=True))
        return self._fit_counts(self._own_counts() + self._count(X, sample_weight))

    def merge(self, *others: UnigramLanguageModel) -> UnigramLanguageModel:
        """Make a model, with this one's parameters, of the text of all; the same as ``model + other + ...``.

        Parameters
        ----------
        *others : UnigramLanguageModel
            Fitted models.

        Returns
        -------
        UnigramLanguageModel
            Exactly what one fit to all text would have given. The smoothing is fitted when it is first used, so that
            a sum of many models is fitted once.

        Raises
        ------
        ValueError
            If the models cut text into different tokens, or if one was read from an ARPA file and has no counts.
        """
        models = (self, *others)
        for model in models:
            check_is_fitted(model)
        check_same_tokens(models)
        merged: UnigramLanguageModel = clone(self)
        merged.counts_ = merge_counts([model._own_counts() for model in models])
        return merged

    def __add__(self, other: Any) -> UnigramLanguageModel:
        """See :meth:`merge`."""
        return self.merge(other) if isinstance(other, UnigramLanguageModel) else NotImplemented

    def __getattr__(self, name: str) -> Any:
        """Fit the smoothing to merged counts when the model is first asked for."""
        if name in ("model_", "smoothing_parameter_") and "counts_" in vars(self):
            self._fit_counts(self.counts_)
            return vars(self)[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def vocabulary_(self) -> Array:
        """The words that have events of their own, the most frequent first."""
        return self.model_.words.to_numpy()

    def evaluate(self, X: Any, sample_weight: ArrayLike | None = None, *, oov: str = "unk") -> Evaluation:
        """All figures of a corpus in one record.

        Parameters
        ----------
        X, sample_weight
            As in :meth:`fit`.
        oov : {"unk", "skip", "error"}, default="unk"
            Score unknown words as the one unknown event, leave them out, or refuse them.

        Returns
        -------
        Evaluation
            Tokens, types, unknown words, cross-entropy, perplexity, bits per byte and more.

        Raises
        ------
        ValueError
            When there is nothing to score, or a word is unknown and ``oov="error"``.
        """
        check_is_fitted(self)
        return self.model_.evaluate(self._count(X, sample_weight), oov=oov, base=self.base)

    def evaluate_leave_one_out(self) -> Evaluation:
        """Evaluate the training text itself, each token as if it were not in the training counts."""
        check_is_fitted(self)
        return self.model_.leave_one_out_scores().evaluate(self.counts_, base=self.base)

    def cross_entropy(self, X: Any, sample_weight: ArrayLike | None = None) -> float:
        """Mean of −log p over the tokens of all documents, in units of ``base``."""
        return self.evaluate(X, sample_weight).cross_entropy

    def perplexity(self, X: Any, sample_weight: ArrayLike | None = None) -> float:
        """Perplexity of all documents together, which is no mean of the documents' perplexities."""
        return self.evaluate(X, sample_weight).perplexity

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Minus the cross-entropy, so that greater is better.

        Words of the training text that the model does not know share the probability of the unknown event with one
        event for all other words. So models with different ``min_count`` or ``vocabulary`` can be compared, and
        knowing less is no advantage.
        """
        check_is_fitted(self)
        training = self.model_.training
        model = self.model_ if training is None else self.model_.share_unknown(training.unknown_types + 1)
        return -model.evaluate(self._count(X, sample_weight), base=self.base).cross_entropy

    def cross_entropy_samples(self, X: Any) -> Floats:
        """Cross-entropy of each document, in units of ``base``; NaN for one without tokens.

        Returns
        -------
        ndarray of shape (n_documents,)
        """
        check_is_fitted(self)
        return np.asarray(self._scores(X).cross_entropy(self.base))

    def perplexity_samples(self, X: Any) -> Floats:
        """Perplexity of each document; NaN for one without tokens.

        Returns
        -------
        ndarray of shape (n_documents,)
        """
        check_is_fitted(self)
        return np.asarray(self._scores(X).perplexity)

    def score_samples(self, X: Any) -> Floats:
        """Log-probability of each document, in units of ``base``.

        Returns
        -------
        ndarray of shape (n_documents,)
        """
        check_is_fitted(self)
        return np.asarray(self._scores(X).log_prob) / math.log(self.base)

    def _scores(self, X: Any) -> Score:
        if is_matrix(X):
            return self._score_matrix(validate_data(self, X, reset=False, **_COUNTS))
        if self.input == "filename":
            return self._score_files(X)
        return score_text(self._documents(X), self._scorer(), self.n_jobs)

    def token_log_proba(self, X: Any) -> list[Floats]:
        """Log-probability of each token of each document, in units of ``base``.

        Returns
        -------
        list of ndarray
            One array a document, with the ends of its sentences where the model has them.
        """
        check_is_fitted(self)
        tokens = [self._tokens(text.decode() if isinstance(text, bytes) else text) for text in self._texts(X)]
        log_prob = self._scorer().values.of_words(chain.from_iterable(tokens))
        log_prob = np.where(np.isnan(log_prob), self.model_.log_prob_unk, log_prob) / math.log(self.base)
        return np.split(log_prob, list(accumulate(map(len, tokens)))[:-1]) if tokens else []

    def to_arpa(self, path: str | Path) -> None:
        """Write the model as an ARPA file, see :func:`~skxent.language_model.write_arpa`."""
        check_is_fitted(self)
        write_arpa(self.model_, path)

    @classmethod
    def from_arpa(cls, path: str | Path, **parameters: Any) -> UnigramLanguageModel:
        """Read a fitted estimator from an ARPA file; it can score, and holds no counts to add to.

        Parameters
        ----------
        path : str or Path
            The file, see :func:`~skxent.language_model.read_arpa`.
        **parameters
            How to read documents: parameters of the estimator.
        """
        model = read_arpa(path)
        estimator = cls(end_of_sentence=model.log_prob_eos is not None, **parameters)
        return estimator._set_model(model)

    def _own_counts(self) -> CorpusCounts:
        if "counts_" not in vars(self):
            raise ValueError("a model that was read from an ARPA file holds no counts to add to")
        return self.counts_

    def _fit_counts(self, counts: CorpusCounts) -> UnigramLanguageModel:
        background = getattr(self.background, "model_", self.background)
        if not isinstance(background, FittedUnigram | None):
            raise ValueError(f"background must be a fitted model, got {self.background!r}")
        counts = counts.sorted()
        model = fit_unigram(
            counts,
            smoothing=self.smoothing,
            parameter=self.smoothing_parameter,
            vocabulary=listed_words(self.vocabulary),
            min_count=self.min_count,
            end_of_sentence=self.end_of_sentence,
            background=background,
        )
        self.counts_ = counts
        return self._set_model(model)

    def _set_model(self, model: FittedUnigram) -> UnigramLanguageModel:
        self.model_ = model
        self.smoothing_parameter_ = model.smoothing_parameter
        return self

    def _count(self, X: Any, sample_weight: ArrayLike | None, reset: bool = False) -> CorpusCounts:
        if is_distributed(X):
            return self._count_on_workers(X, sample_weight)
        if is_matrix(X):
            return self._count_matrix(validate_data(self, X, reset=reset, **_COUNTS), sample_weight)
        if sample_weight is None:
            return self._count_documents(self._countable(X))
        documents = list(self._countable(X))
        weights = check_sample_weight(sample_weight, np.empty((len(documents), 1)), ensure_non_negative=True)
        groups = {weight: [documents[i] for i in np.flatnonzero(weights == weight)] for weight in np.unique(weights)}
        return merge_counts([self._count_documents(group).scaled(weight) for weight, group in groups.items()])

    def _count_on_workers(self, X: Any, sample_weight: ArrayLike | None) -> CorpusCounts:
        if sample_weight is not None:
            raise ValueError("sample_weight is not supported where X is a bag of Dask; repeat documents instead.")
        counter = clone(self).set_params(n_jobs=1, background=None, vocabulary=None)
        return count_on_workers(partial(counter._count, sample_weight=None), X)

    def _countable(self, X: Any) -> Any:
        """Names of files, which need not be in memory to be counted, or documents."""
        return self._sources(X) if self.input == "filename" else self._documents(X)

    def _count_documents(self, documents: Iterable[Any]) -> CorpusCounts:
        options: dict[str, Any] = dict(tokenizer=self.tokenizer, lowercase=self.lowercase, n_jobs=self.n_jobs)
        if self.input == "filename":
            return count_files(documents, encoding=self.encoding, errors=self.decode_error, **options)
        return count_text(documents, **options)

    def _tokens(self, document: Document) -> list[str]:
        tokenize = make_tokenizer(self.tokenizer) or str.split
        lines = tokenize_lines(tokenize, document) if isinstance(document, str) else [document]
        ends = [END_OF_SENTENCE] * (self.model_.log_prob_eos is not None)
        return [token for line in lines if len(line) for token in (*line, *ends)]

    def _scorer(self) -> LineScorer:
        return LineScorer.of(self.model_, self.tokenizer, self.lowercase)

    def _score_files(self, X: Any) -> Score:
        scores = [self.model_.score(self._count_documents([path])) for path in self._sources(X)]
        return (
            Score.concatenate(score.each(np.atleast_1d) for score in scores) if scores else Score.of_records(tokens=[])
        )

    def _column_words(self, n_columns: int) -> pl.Series:
        """Name the word that each column of a matrix counts."""
        names = listed_words(self.vocabulary)
        if names is None:
            names = list(getattr(self, "feature_names_in_", [f"x{j}" for j in range(n_columns)]))
        if len(names) != n_columns:
            raise ValueError(f"vocabulary has {len(names)} words, but X has {n_columns} columns")
        return pl.Series("word", names, dtype=pl.String)

    def _count_matrix(self, X: Any, sample_weight: ArrayLike | None) -> CorpusCounts:
        X = csr_array(X)
        weights = check_sample_weight(sample_weight, X, ensure_non_negative=True)
        words = self._column_words(X.shape[1])
        tokens, is_filled = X.sum(axis=1), np.asarray(X.sum(axis=1) > 0)
        counts, blanks = weights @ X, weights @ np.maximum(tokens - 1, 0)
        table = pl.DataFrame([words, pl.Series("count", _whole(counts))])
        return CorpusCounts.from_table(
            table,
            n_lines=_whole(weights.sum()).item(),
            n_sentences=_whole(weights @ is_filled).item(),
            n_bytes=float(counts @ words.str.len_bytes().to_numpy() + blanks),
            n_characters=float(counts @ words.str.len_chars().to_numpy() + blanks),
        )

    def _score_matrix(self, X: Any) -> Score:
        X = csr_array(X)
        log_prob = LineScorer.of(self.model_).values.of_words(self._column_words(X.shape[1]))
        is_unknown = np.isnan(log_prob)
        tokens, unknown = X.sum(axis=1), X @ is_unknown
        is_possible = np.isfinite(log_prob)
        known = X @ np.where(is_possible, log_prob, 0.0)
        known = np.where(X @ ~(is_possible | is_unknown) > 0, -np.inf, known)
        sentences = (tokens > 0).astype(np.int64)
        log_prob_unk = np.zeros(len(tokens))
        np.multiply(unknown, self.model_.log_prob_unk, out=log_prob_unk, where=unknown > 0)
        score = Score.of_records(
            lines=1,
            sentences=sentences,
            tokens=tokens,
            unknown_tokens=unknown,
            log_prob_known=known,
            log_prob_unknown=log_prob_unk,
        )
        return self._scorer().with_ends(score)

    def __sklearn_tags__(self) -> Tags:
        """Documents are strings; matrices hold counts."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        return tags


# How a matrix of counts is checked.
_COUNTS: dict[str, Any] = dict(accept_sparse="csr", ensure_non_negative=True, dtype=np.float64)


def _whole(values: Any) -> Array:
    """As integers where all are whole."""
    array = np.asarray(values)
    rounded = np.rint(array).astype(np.int64)
    return rounded if (rounded == array).all() else array
