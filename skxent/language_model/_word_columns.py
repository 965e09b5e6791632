"""Documents as sparse matrices that count words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from skxent._typing import Floats, Integers
from skxent.language_model.corpus import Document
from skxent.language_model.reader import blocks_of_documents
from skxent.language_model.tally import WordValues, find_tokens
from skxent.language_model.tokenizers import Tokenize, make_tokenizer, tokenize_lines

__all__ = ["WordColumns"]

# Characters of a batch of documents, large enough for arrays to pay and small enough for the cache.
_BATCH = 1 << 20


class WordColumns:
    """Finds the column of each word.

    Parameters
    ----------
    words : polars.Series of str
        The word that each column counts.
    tokenizer : str or callable
        What makes tokens of a line.
    lowercase : bool
        Whether tokens are lower-cased.
    """

    def __init__(self, words: pl.Series, tokenizer: str | Tokenize, lowercase: bool) -> None:
        self.n_words = len(words)
        self.lowercase = lowercase
        self.tokenize = make_tokenizer(tokenizer)
        numbers = np.arange(self.n_words, dtype=np.float64)
        self.table = pl.DataFrame([words.alias("word"), pl.Series("column", numbers)])
        self.values = WordValues(words, numbers) if self.tokenize is None else None

    def matrices(self, documents: Iterable[Document]) -> Iterator[tuple[csr_array, Floats]]:
        """Yield, for batches of documents in order, the counts of the words and how many tokens have no column.

        A word that occurs twice may be there twice, each time with the count 1.
        """
        for batch in _batches(documents):
            is_text = isinstance(batch[0], str)
            columns, sizes = self._text_columns(batch) if is_text else self._list_columns(batch)
            yield self._matrix(columns, sizes)

    def _text_columns(self, texts: list[str]) -> tuple[Floats, Integers]:
        """Return the column of each token, NaN for those without one, and how many tokens each text has."""
        (block,) = blocks_of_documents(texts, block_bytes=_NO_LIMIT)
        n_lines = np.array([max(text.count("\n") + (not text.endswith("\n")), 1) for text in texts])
        first = np.cumsum(n_lines) - n_lines
        if self.values is None:
            lines = tokenize_lines(self.tokenize, block.data.decode())
            columns, per_line = self._columns_of(chain.from_iterable(lines)), np.array(list(map(len, lines)))
        else:
            data = block.data.decode().lower().encode() if self.lowercase else block.data
            tokens = find_tokens(data)
            columns, per_line = self.values.look_up(data, tokens), tokens.per_line[:-1]
        return columns, np.add.reduceat(per_line, first)

    def _list_columns(self, lists: list[Sequence[str]]) -> tuple[Floats, Integers]:
        return self._columns_of(chain.from_iterable(lists)), np.array(list(map(len, lists)))

    def _columns_of(self, tokens: Iterable[str]) -> Floats:
        listed = [token.lower() for token in tokens] if self.lowercase else list(tokens)
        frame = pl.DataFrame({"word": listed}, schema={"word": pl.String})
        joined = frame.join(self.table, on="word", how="left", maintain_order="left")
        return joined["column"].fill_null(np.nan).to_numpy()

    def _matrix(self, columns: Floats, sizes: Integers) -> tuple[csr_array, Floats]:
        known = ~np.isnan(columns)
        n_known_before = np.concatenate([[0], np.cumsum(known)])
        ends = np.concatenate([[0], np.cumsum(sizes)])
        indices = columns[known].astype(np.int32)
        shape = len(sizes), self.n_words
        counts = csr_array((np.ones(len(indices)), indices, n_known_before[ends].astype(np.int32)), shape=shape)
        return counts, sizes - np.diff(counts.indptr)


_NO_LIMIT = 1 << 62


def _batches(documents: Iterable[Document]) -> Iterator[list]:
    """Yield lists of texts alone or of token lists alone, in order."""
    batch: list = []
    size = 0
    for document in documents:
        if batch and (size > _BATCH or isinstance(document, str) != isinstance(batch[0], str)):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document)
    if batch:
        yield batch
