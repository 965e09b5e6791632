"""A classifier of texts: one smoothed unigram model a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.special import logsumexp, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags, assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from skxent._labels import plain_labels
from skxent._polars import pl
from skxent._sklearn import Estimator, Interval, StrOptions, all_or_nothing, check_sample_weight, fit_context
from skxent._typing import Array, Floats
from skxent.language_model._class_counts import ClassCounts, count_classes
from skxent.language_model._documents import DocumentReader, is_matrix, listed_words
from skxent.language_model._options import DECODE_ERRORS, LEAVE_ONE_OUT
from skxent.language_model._shared_vocabulary import BACKGROUNDS, fit_shared
from skxent.language_model._smoothing import Smoothing, make_smoothing
from skxent.language_model._tokenizers import Tokenize
from skxent.language_model._vocabulary import Vocabulary
from skxent.language_model._word_columns import WordColumns

__all__ = ["UnigramClassifier"]

# How a matrix of counts is checked.
_COUNTS: dict[str, Any] = dict(accept_sparse="csr", ensure_non_negative=True, dtype=np.float64)


class UnigramClassifier(DocumentReader, ClassifierMixin, Estimator):
    r"""Classifier of texts: the class whose unigram model, times its prior, makes the text most probable.

    All classes share one vocabulary, so that what their models say can be compared. With :math:`q_k` the smoothed
    counts of class k over the words of the vocabulary, and :math:`p_0` the probability of the *open* event, which
    stands for all words outside of it,

    .. math::
        p_k(w) = (1 - p_0)\, q_k(w), \qquad p_k(\mathrm{open}) = p_0, \qquad
        \log P(k \mid d) = \log \pi_k + \sum_{w \in d} c_d(w) \log p_k(w) + \mathrm{const}

    Each model sums to 1 over the words and the open event. :math:`p_0` is that event's smoothed probability in the
    text of all classes together. It is the same for all classes, so a word that no class has seen, or that is too
    rare for the vocabulary, says nothing about the class. With ``smoothing="laplace"`` and ``background="uniform"``
    the predictions are those of :class:`~sklearn.naive_bayes.MultinomialNB`.

    Parameters
    ----------
    smoothing : str or Smoothing, default="witten_bell"
        Name of a smoothing method, or an object of one, as in :class:`~skxent.UnigramLanguageModel`.
    smoothing_parameter : float, "leave-one-out" or None, default="leave-one-out"
        The parameter of the method; ``"leave-one-out"`` takes, for each class, the one under which every training
        token is most probable given all others, None the method's conventional one.
    background : {"pooled", "uniform"}, default="pooled"
        What a class falls back on for words that it has not seen: the smoothed text of all classes together, or
        equal probabilities.
    fit_prior : bool, default=True
        Whether the prior of a class is its share of the training documents; else all classes are equally likely.
    class_prior : array-like of shape (n_classes,), optional
        Priors, in the order of `classes_`, instead of those of the training documents. They are divided by their sum.
    vocabulary : iterable of str or mapping of str to int, optional
        Closed vocabulary. With a matrix of counts, the names of its columns.
    min_count : int, default=1
        Words that occur less often, in all classes together, are outside the vocabulary.
    input : {"content", "filename", "file"}, default="content"
        Whether documents are texts, names of files, or open files.
    encoding : str, default="utf-8"
        How bytes and files are decoded.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What to do about bytes that cannot be decoded.
    lowercase : bool, default=False
        Lower-case the tokens.
    tokenizer : str or callable, default="whitespace"
        ``"whitespace"`` is :meth:`str.split`; else a name of one of NLTK's tokenizers, or a callable that takes a line
        and returns its tokens.
    n_jobs : int, optional
        Threads, or processes for tokenizers other than white space; by default one a core.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    class_count_ : ndarray of shape (n_classes,)
        Training documents of each class, weighted.
    class_log_prior_ : ndarray of shape (n_classes,)
        Logarithms of the priors, in nats.
    vocabulary_ : ndarray of str, of shape (n_words,)
        The word of each column; None for a matrix whose columns have no names.
    feature_count_ : sparse array of shape (n_classes, n_words)
        Counts of the words in each class, weighted.
    feature_log_prob_ : ndarray of shape (n_classes, n_words)
        Log-probabilities, in nats; that of the open event for words below `min_count`.
    open_log_prob_ : float
        Log-probability of the open event, in nats.
    smoothing_parameter_ : ndarray of shape (n_classes,)
        The parameter of each class, NaN for a method without one.
    n_features_in_ : int
        Columns of the matrix of counts, if it was fitted to one.
    feature_names_in_ : ndarray of str
        Names of its columns, if it was a data frame.

    See Also
    --------
    sklearn.naive_bayes.MultinomialNB : Add-α smoothing, of count matrices alone.
    skxent.UnigramLanguageModel : The model of one text.

    References
    ----------
    Peng, F., Schuurmans, D. & Wang, S. (2004). Augmenting naive Bayes classifiers with statistical language models.
    *Information Retrieval* 7, 317-345. https://doi.org/10.1023/B:INRT.0000011209.19643.e2

    Examples
    --------
    >>> from skxent import UnigramClassifier
    >>> texts = ["the ship and the sea", "salt the soup", "a sail on the sea", "stir the soup and the salt"]
    >>> model = UnigramClassifier().fit(texts, ["sea", "kitchen", "sea", "kitchen"])
    >>> model.predict(["the sea was calm", "more salt in the soup"]).tolist()
    ['sea', 'kitchen']
    >>> model.predict_proba(["nobody has seen these words"]).round(9).tolist()
    [[0.5, 0.5]]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "smoothing": [str, Smoothing],
        "smoothing_parameter": [Interval(Real, 0, None, closed="left"), StrOptions({LEAVE_ONE_OUT}), None],
        "background": [StrOptions(set(BACKGROUNDS))],
        "fit_prior": ["boolean"],
        "class_prior": ["array-like", None],
        "vocabulary": [Iterable, None],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "input": [StrOptions({"content", "filename", "file"})],
        "encoding": [str],
        "decode_error": [StrOptions(set(DECODE_ERRORS))],
        "lowercase": ["boolean"],
        "tokenizer": [str, callable],
        "n_jobs": [Integral, None],
    }

    _counts: ClassCounts
    _columns: WordColumns | None
    class_count_: Floats

    def __init__(
        self,
        *,
        smoothing: str | Smoothing = "witten_bell",
        smoothing_parameter: float | str | None = LEAVE_ONE_OUT,
        background: str = "pooled",
        fit_prior: bool = True,
        class_prior: ArrayLike | None = None,
        vocabulary: Iterable[str] | Mapping[str, int] | None = None,
        min_count: int = 1,
        input: str = "content",
        encoding: str = "utf-8",
        decode_error: str = "strict",
        lowercase: bool = False,
        tokenizer: str | Tokenize = "whitespace",
        n_jobs: int | None = None,
    ) -> None:
        self.smoothing = smoothing
        self.smoothing_parameter = smoothing_parameter
        self.background = background
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.vocabulary = vocabulary
        self.min_count = min_count
        self.input = input
        self.encoding = encoding
        self.decode_error = decode_error
        self.lowercase = lowercase
        self.tokenizer = tokenizer
        self.n_jobs = n_jobs

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Count the words of each class and fit its model.

        Parameters
        ----------
        X : iterable of str, of sequences of str, of paths or of files; or matrix of shape (n_documents, n_words)
            Documents, as `input` says; or counts of words, as CountVectorizer makes them.
        y : array-like of shape (n_documents,)
            The class of each document.
        sample_weight : array-like of shape (n_documents,), optional
            How often each document counts.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            When there is no word, the numbers of documents and classes differ, or a parameter is out of range.
        TypeError
            When a single string is passed, or a document is neither text nor tokens.
        CorpusError
            When a document cannot be read or decoded.
        """
        labels = _checked_labels(y)
        return self._add(X, labels, np.unique(labels), sample_weight, is_first=True)

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: ArrayLike, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Add documents to those already counted, and fit the models again.

        Parameters
        ----------
        X, y
            As in :meth:`fit`.
        classes : array-like of shape (n_classes,), optional
            All classes that will ever occur. Must be given in the first call, and may be left out later.
        sample_weight
            As in :meth:`fit`.

        Returns
        -------
        self
            The estimator, exactly as if it were fitted to all documents at once.

        Raises
        ------
        ValueError
            As in :meth:`fit`, and when the classes are missing, are others than before, or lack one of `y`.
        """
        is_first = not hasattr(self, "classes_")
        if is_first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        known = np.unique(np.asarray(classes)) if is_first else self.classes_
        if classes is not None and not np.array_equal(np.unique(np.asarray(classes)), known):
            raise ValueError(f"classes={classes!r} is not the same as in the last call of partial_fit: {known!r}")
        return self._add(X, _checked_labels(y), known, sample_weight, is_first=is_first)

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each document.

        Parameters
        ----------
        X : iterable of documents, or matrix of shape (n_documents, n_words)
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_documents,)
            Classes; where two are equally probable, the first one of `classes_`.
        """
        check_is_fitted(self)
        return self.classes_[np.argmax(self.predict_joint_log_proba(X), axis=1)]

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : iterable of documents, or matrix of shape (n_documents, n_words)
            As in :meth:`fit`.
        y : array-like of shape (n_documents,)
            True class of each document.
        sample_weight : array-like of shape (n_documents,), optional
            How often each document counts.

        Returns
        -------
        float
            Share of the documents that are predicted right.
        """
        return float(super().score(X, plain_labels(y), sample_weight))

    def predict_joint_log_proba(self, X: Any) -> Floats:
        """Return the log-probability of each document together with each class, in nats.

        Returns
        -------
        ndarray of shape (n_documents, n_classes)
            The prior, all words and the open event included.
        """
        check_is_fitted(self)
        return (self._sum_over_rows(X) if is_matrix(X) else self._sum_over_texts(X)) + self.class_log_prior_

    def predict_log_proba(self, X: Any) -> Floats:
        """Return the logarithms, in nats, of what :meth:`predict_proba` returns."""
        joint = self.predict_joint_log_proba(X)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X: Any) -> Floats:
        """Return the probability of each class, given the document.

        The words of a document are taken as independent, which they are not, so that long documents get
        probabilities too close to 0 and 1.

        Returns
        -------
        ndarray of shape (n_documents, n_classes)
            Probabilities, in the order of `classes_`.
        """
        probabilities: Floats = softmax(self.predict_joint_log_proba(X), axis=1)
        return probabilities

    @property
    def vocabulary_(self) -> Array | None:
        """The word of each column; None for a matrix whose columns have no names."""
        check_is_fitted(self)
        vocabulary = self._counts.vocabulary
        return None if vocabulary is None else vocabulary.strings().to_numpy()

    @property
    def feature_log_prob_(self) -> Floats:
        """Log-probabilities of the words in each class, in nats; that of the open event for words below `min_count`."""
        check_is_fitted(self)
        return self._log_probs[:-1].T

    @property
    def open_log_prob_(self) -> float:
        """Log-probability of the open event, in nats."""
        check_is_fitted(self)
        return float(self._log_probs[-1, 0])

    @property
    def feature_count_(self) -> csr_array:
        """Counts of the words in each class, weighted."""
        check_is_fitted(self)
        return self._counts.matrix

    def _add(self, X: Any, labels: Array, classes: Array, sample_weight: ArrayLike | None, *, is_first: bool) -> Self:
        """Count documents, with those counted before unless these are the first ones, and fit the models."""
        members = _memberships(labels, classes, sample_weight)
        counts = self._count_matrix(X, members, is_first) if is_matrix(X) else self._count_texts(X, members)
        class_count = np.asarray(members.sum(axis=1))
        self._counts = counts if is_first else self._counts + counts
        self.class_count_ = class_count if is_first else self.class_count_ + class_count
        self.classes_ = classes
        return self._fit_models()

    def _count_matrix(self, X: Any, members: csr_array, is_first: bool) -> ClassCounts:
        X = validate_data(self, X, reset=is_first, **_COUNTS)
        _check_lengths(X.shape[0], members.shape[1])
        names = self._vocabulary()
        if names is None and hasattr(self, "feature_names_in_"):
            names = pl.Series("word", list(self.feature_names_in_), dtype=pl.String)
        if names is not None and len(names) != X.shape[1]:
            raise ValueError(f"vocabulary has {len(names)} words, but X has {X.shape[1]} columns")
        vocabulary = None if names is None else Vocabulary.of_strings(names)
        return ClassCounts(csr_array(members @ X), np.zeros(members.shape[0]), vocabulary)

    def _count_texts(self, X: Any, members: csr_array) -> ClassCounts:
        listed, read = self._listed(X)
        _check_lengths(len(listed), members.shape[1])
        weights = members.tocoo()
        # Documents of one class and one weight are counted together.
        pairs, group = np.unique(weights.row + 1j * weights.data, return_inverse=True)
        order = np.argsort(group, kind="stable")
        documents = ((group[i], read(listed[weights.col[i]])) for i in order)
        counted = count_classes(
            documents, len(pairs), tokenizer=self.tokenizer, lowercase=self.lowercase, n_jobs=self.n_jobs
        )
        names = self._vocabulary()
        vocabulary = None if names is None else Vocabulary.of_strings(names)
        classes, numbers = pairs.real.astype(np.int64), np.arange(len(pairs))
        mixing = csr_array((pairs.imag, (classes, numbers)), shape=(members.shape[0], len(pairs)))
        return ClassCounts.of_words(counted, vocabulary).mixed(mixing)

    def _vocabulary(self) -> pl.Series | None:
        """Return the closed vocabulary, in its order."""
        words = listed_words(self.vocabulary)
        if words is None:
            return None
        series = pl.Series("word", words, dtype=pl.String)
        if series.n_unique() < len(series):
            raise ValueError(f"vocabulary holds {series.filter(series.is_duplicated())[0]!r} twice")
        return series

    def _fit_models(self) -> Self:
        models = fit_shared(
            self._counts,
            smoothing=make_smoothing(self.smoothing),
            parameter=self.smoothing_parameter,
            background=self.background,
            min_count=self.min_count,
        )
        self._log_probs, self._columns = models.log_probs, None
        self.smoothing_parameter_ = models.parameters
        self.class_log_prior_ = self._log_priors()
        return self

    def _log_priors(self) -> Floats:
        n_classes = len(self.classes_)
        priors = self.class_count_ if self.fit_prior else np.ones(n_classes)
        if self.class_prior is not None:
            priors = np.asarray(self.class_prior, dtype=np.float64)
        if priors.shape != (n_classes,):
            raise ValueError(f"class_prior has the shape {priors.shape}, but there are {n_classes} classes")
        if not (np.isfinite(priors).all() and (priors >= 0).all() and priors.any()):
            raise ValueError(f"priors must not be negative, and not all zero; got {priors}")
        with np.errstate(divide="ignore"):
            return np.log(priors / priors.sum())

    def _sum_over_rows(self, X: Any) -> Floats:
        X = validate_data(self, X, reset=False, **_COUNTS)
        n_words = len(self._log_probs) - 1
        if X.shape[1] != n_words:
            raise ValueError(f"X has {X.shape[1]} columns, but there are {n_words} words in the vocabulary")
        return np.asarray(X @ self._log_probs[:-1])

    def _sum_over_texts(self, X: Any) -> Floats:
        sums = self._word_columns().map(partial(_times, self._log_probs), self._texts(X), self.n_jobs)
        return np.concatenate([np.empty((0, len(self.classes_))), *sums])

    def _word_columns(self) -> WordColumns:
        """Return what finds the columns of words; it takes time to make, so it is made once."""
        vocabulary, reading = self._counts.vocabulary, (self.tokenizer, self.lowercase)
        if vocabulary is None:
            raise ValueError("the model was fitted to a matrix whose columns have no names: give it such a matrix")
        if self._columns is None or self._columns.reading != reading:
            self._columns = WordColumns(vocabulary, *reading)
        return self._columns

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without what can be made again."""
        state: dict[str, Any] = super().__getstate__()
        return {**state, "_columns": None} if "_columns" in state else state

    def __sklearn_tags__(self) -> Tags:
        """Documents are strings; matrices hold counts."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.classifier_tags.poor_score = True  # on features that are no counts, as of scikit-learn's checks
        return tags


def _times(log_probs: Floats, counts: csr_array) -> Floats:
    sums: Floats = counts @ log_probs
    return sums


def _checked_labels(y: Any) -> Array:
    labels: Array = column_or_1d(plain_labels(y), warn=True)
    if not len(labels):
        raise ValueError("there are no documents to learn from: y is empty")
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    return labels


def _memberships(labels: Array, classes: Array, sample_weight: ArrayLike | None) -> csr_array:
    """Return a row a class, with the weights of its documents."""
    rows = np.searchsorted(classes, labels)
    strange = classes[np.minimum(rows, len(classes) - 1)] != labels
    if strange.any():
        raise ValueError(f"y holds {labels[strange].tolist()[0]!r}, which is not one of the classes {classes!r}")
    n = len(labels)
    weights = check_sample_weight(sample_weight, np.empty((n, 1)), dtype=np.float64, ensure_non_negative=True)
    members = csr_array((weights, (rows, np.arange(n))), shape=(len(classes), n))
    members.eliminate_zeros()
    return members


def _check_lengths(n_documents: int, n_labels: int) -> None:
    if n_documents != n_labels:
        raise ValueError(f"X has {n_documents} documents, but y has {n_labels} labels: inconsistent numbers of samples")
