"""Count the words of documents by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Self

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from skxent._typing import Floats
from skxent.language_model._corpus import _count_block, _lowered, map_in_order, start_workers
from skxent.language_model._documents import Text, encode_lines
from skxent.language_model._reader import Block
from skxent.language_model._tokenizers import Tokenize, make_tokenizer
from skxent.language_model._word_counts import BlockCounts, WordCounter

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
    words : polars.Series of str, or None
        The words, None where columns have no names.
    """

    matrix: csr_array
    outside: Floats
    words: pl.Series | None = None

    @classmethod
    def from_tables(cls, tables: Sequence[pl.DataFrame], vocabulary: pl.Series | None = None) -> Self:
        """Make counts from a table a class, with the columns ``word`` and ``count``, in which a word may come again.

        Parameters
        ----------
        tables : sequence of polars.DataFrame
            The tables.
        vocabulary : polars.Series of str, optional
            The words to count; by default all, in the order in which they come.
        """
        rows = pl.concat([t.select("word", pl.col("count").cast(pl.Float64), row=k) for k, t in enumerate(tables)])
        words = rows["word"].unique(maintain_order=True) if vocabulary is None else vocabulary
        placed = rows.join(_numbered(words), on="word", how="left")
        known = placed.filter(pl.col("column").is_not_null())
        entries = known["count"].to_numpy(), (known["row"].to_numpy(), known["column"].to_numpy())
        others = placed.filter(pl.col("column").is_null())
        outside = np.bincount(others["row"], others["count"], len(tables)).astype(np.float64)
        return cls(csr_array(entries, shape=(len(tables), len(words))), outside, words)

    @property
    def pooled(self) -> Floats:
        """Counts of the words in all classes together."""
        return np.asarray(self.matrix.sum(axis=0), dtype=np.float64)

    def row(self, k: int) -> Floats:
        """Return the counts of a class."""
        return np.asarray(self.matrix[[k]].toarray().ravel(), dtype=np.float64)

    def mixed(self, weights: csr_array) -> Self:
        """Return weighted sums of the classes, a row of weights for each."""
        return type(self)(csr_array(weights @ self.matrix), weights @ self.outside, self.words)

    def __add__(self, other: Self) -> Self:
        """Add the counts of more text; the sum is exactly the counts of both texts."""
        outside = self.outside + other.outside
        if self.words is None or other.words is None or self.words.equals(other.words):
            return type(self)(csr_array(self.matrix + other.matrix), outside, self.words)
        words = pl.concat([self.words, other.words]).unique(maintain_order=True)
        return type(self)(csr_array(self._over(words) + other._over(words)), outside, words)

    def _over(self, words: pl.Series) -> csr_array:
        """Return the matrix with a column for each of these words, which are these and more."""
        own = pl.DataFrame({"word": self.words})
        at = own.join(_numbered(words), on="word", how="left", maintain_order="left")["column"]
        entries = self.matrix.tocoo()
        columns = at.to_numpy()[entries.col]
        return csr_array((entries.data, (entries.row, columns)), shape=(self.matrix.shape[0], len(words)))


def _numbered(words: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"word": words, "column": np.arange(len(words))})


def count_classes(
    documents: Iterable[tuple[int, Text]],
    n_classes: int,
    *,
    tokenizer: str | Tokenize = "whitespace",
    lowercase: bool = False,
    n_jobs: int | None = None,
) -> list[pl.DataFrame]:
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
    list of polars.DataFrame
        One table a class, with the columns ``word`` and ``count``.
    """
    tokenize = make_tokenizer(tokenizer)
    counters = [WordCounter() for _ in range(n_classes)]
    with start_workers(tokenize, n_jobs) as workers:
        for label, counted in map_in_order(partial(_count_batch, tokenize), _batches(documents), workers):
            counters[label].add(counted)
    tables = [counter.table() for counter in counters]
    return list(map(_lowered, tables)) if lowercase else tables


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


def _count_batch(tokenize: Tokenize | None, batch: _Batch) -> tuple[int, BlockCounts]:
    label, documents = batch
    if isinstance(documents[0], bytes | str):
        data = b"".join(map(encode_lines, documents))
        return label, _count_block(tokenize, Block(data, data, len(data), 0))
    words = Counter(token.encode("utf-8", "replace") for token in chain.from_iterable(documents))
    return label, BlockCounts([], words, 0, 0)


# Bytes of text in one task of a worker; small, since a class may have little text and all workers want some.
_BATCH_BYTES = 1 << 20
