"""Count the words of documents by class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from skxent._typing import Floats, Integers
from skxent.language_model._corpus import count_tokens, map_in_order, start_workers
from skxent.language_model._documents import Text, encode_lines
from skxent.language_model._tokenizers import Tokenize, make_tokenizer
from skxent.language_model._vocabulary import Vocabulary, WordValues, number_words
from skxent.language_model._word_counts import BlockCounts, CountedWords, WordCounter, count_words

__all__ = ["ClassCounts", "count_classes"]


@dataclass(frozen=True)
class ClassCounts:
    """How often each word of a shared vocabulary occurs in each class; counts of more text add.

    Attributes
    ----------
    matrix : sparse array of shape (n_classes, n_words)
        The counts, float64.
    outside : ndarray of shape (n_classes,)
        Tokens of each class that are none of these words.
    vocabulary : Vocabulary or None
        The words, None where columns have no names.
    """

    matrix: csr_array
    outside: Floats
    vocabulary: Vocabulary | None = None

    @classmethod
    def of_words(cls, counted: Sequence[CountedWords], vocabulary: Vocabulary | None = None) -> Self:
        """Make counts from the words of each class.

        Parameters
        ----------
        counted : sequence of (WordKeys, ndarray)
            The words of each class and how often each occurs; a word may come again.
        vocabulary : Vocabulary, optional
            The words to count; by default all.
        """
        words = [listed for listed, _ in counted]
        is_closed = vocabulary is not None
        if vocabulary is None:
            distinct, columns = number_words(words, in_runs=True)
            vocabulary = Vocabulary.of(distinct)
        else:
            values = WordValues(vocabulary, np.arange(len(vocabulary)), len(vocabulary))
            columns = list(map(values.of_words, words))
        rows = np.repeat(np.arange(len(words), dtype=np.int32), list(map(len, words)))
        counts = np.concatenate([counts for _, counts in counted]).astype(np.float64)
        entries = counts, (rows, np.concatenate(columns))
        # By columns first, which sorts in time that grows with the entries alone.
        matrix = csr_array(csc_array(entries, shape=(len(words), len(vocabulary) + is_closed)))
        if is_closed:
            return cls(matrix[:, :-1], matrix[:, [-1]].toarray().ravel(), vocabulary)
        return cls(matrix, np.zeros(len(words)), vocabulary)

    @property
    def pooled(self) -> Floats:
        """Counts of the words in all classes together."""
        return np.asarray(self.matrix.sum(axis=0), dtype=np.float64)

    def row(self, k: int) -> tuple[Integers, Floats]:
        """Return the words of a class and their counts."""
        entries = slice(*self.matrix.indptr[k : k + 2])
        return self.matrix.indices[entries], self.matrix.data[entries]

    def mixed(self, weights: csr_array) -> Self:
        """Return weighted sums of the classes, a row of weights for each."""
        return type(self)(csr_array(weights @ self.matrix), weights @ self.outside, self.vocabulary)

    def __add__(self, other: Self) -> Self:
        """Add the counts of more text; the sum is exactly the counts of both texts."""
        outside = self.outside + other.outside
        own, others = self.vocabulary, other.vocabulary
        if own is None or others is None or own.equals(others):
            return type(self)(csr_array(self.matrix + other.matrix), outside, own)
        words, (first, second) = number_words([own.words, others.words])
        moved = self._over(first[np.argsort(own.columns)], len(words))
        matrix = moved + other._over(second[np.argsort(others.columns)], len(words))
        return type(self)(csr_array(matrix), outside, Vocabulary.of(words))

    def _over(self, columns: NDArray[np.int32], n_words: int) -> csr_array:
        """Return the matrix with other columns, of which there are more."""
        parts = self.matrix.data, columns[self.matrix.indices], self.matrix.indptr
        return csr_array(parts, shape=(self.matrix.shape[0], n_words))


def count_classes(
    documents: Iterable[tuple[int, Text]],
    n_classes: int,
    *,
    tokenizer: str | Tokenize = "whitespace",
    lowercase: bool = False,
    n_jobs: int | None = None,
) -> list[CountedWords]:
    """Count the words of each class.

    Parameters
    ----------
    documents : iterable of (int, bytes, str or sequence of str)
        Each document after the number of its class. Documents of a class that follow one another are counted
        together, which is faster.
    n_classes : int
        How many classes there are.
    tokenizer, lowercase, n_jobs
        As in :func:`~skxent.language_model.count_text`.

    Returns
    -------
    list of (WordKeys, ndarray)
        The words of each class and how often each occurs; a word may come again.
    """
    tokenize = make_tokenizer(tokenizer)
    counters = [WordCounter() for _ in range(n_classes)]
    with start_workers(tokenize, n_jobs) as workers:
        for label, counted in map_in_order(partial(_count_batch, tokenize, lowercase), _batches(documents), workers):
            for block in counted:
                counters[label].add(block)
    return [counter.words() for counter in counters]


_Batch = tuple[int, list[Any]]


def _batches(documents: Iterable[tuple[int, Text]]) -> Iterator[_Batch]:
    """Yield documents of one class, all of them texts or all token lists, together."""
    batch: list[Any] = []
    size, kind = 0, (0, True)
    for label, document in documents:
        kind_of_this = label, isinstance(document, bytes | str)
        if batch and (size > _BATCH_BYTES or kind_of_this != kind):
            yield kind[0], batch
            batch, size = [], 0
        kind = kind_of_this
        batch.append(document)
        size += len(document)
    if batch:
        yield kind[0], batch


def _count_batch(tokenize: Tokenize | None, lowercase: bool, batch: _Batch) -> tuple[int, list[BlockCounts]]:
    label, documents = batch
    if isinstance(documents[0], bytes | str):
        return label, count_tokens(tokenize, lowercase, b"".join(map(encode_lines, documents)), with_lines=False)
    tokens = chain.from_iterable(documents)
    return label, [count_words(map(str.lower, tokens) if lowercase else tokens)]


# Bytes of text in one task of a worker; small, since a class may have little text and all workers want some.
_BATCH_BYTES = 1 << 20
