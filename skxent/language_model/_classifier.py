"""A classifier of texts: one smoothed unigram model a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, vstack
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from skxent._sklearn import Interval, StrOptions, all_or_nothing, check_sample_weight, fit_context
from skxent._typing import Array, Floats, Integers
from skxent.language_model._documents import DocumentReader, is_matrix
from skxent.language_model._shared_vocabulary import BACKGROUNDS, fit_shared
from skxent.language_model._word_columns import WordColumns
from skxent.language_model.corpus import CorpusCounts, merge_counts
from skxent.language_model.reader import DECODE_ERRORS
from skxent.language_model.smoothing import LEAVE_ONE_OUT, Smoothing, make_smoothing
from skxent.language_model.tokenizers import Tokenize

__all__ = ["UnigramClassifier"]

_COUNTS: dict[str, Any] = dict(accept_sparse="csr", ensure_non_negative=True, dtype=np.float64)


class UnigramClassifier(DocumentReader, ClassifierMixin, BaseEstimator):
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
        Priors, in the order of `classes_`, instead of those of the training documents.
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
    >>> model.predict_proba(["nobody has seen these words"]).tolist()
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
