"""Documents as sparse matrices that count words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from skxent._typing import Floats, Integers
from skxent.language_model._corpus import map_in_order, start_workers
from skxent.language_model._documents import Text, encode_lines
from skxent.language_model._tokenizers import Tokenize, make_tokenizer, space_tokens, tokenize_lines, works_on_arrays
from skxent.language_model._word_counts import WordValues, find_tokens

__all__ = ["WordColumns"]

Result = TypeVar("Result")

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
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.tokenize = make_tokenizer(tokenizer)
        numbers = np.arange(self.n_words, dtype=np.float64)
        self.table = pl.DataFrame([words.alias("word"), pl.Series("column", numbers)])
        self.values = WordValues(words, numbers) if works_on_arrays(self.tokenize) else None

    def map(
        self, function: Callable[[csr_array], Result], documents: Iterable[Text], n_jobs: int | None = None
    ) -> Iterator[Result]:
        """Yield the function of the counts of batches of documents, in order.

        Parameters
        ----------
        function : callable
            It takes a sparse array with a row a document, and a column a word and one more for all tokens that are
            none of these words. A word that occurs twice may be there twice, each time with the count 1.
        documents : iterable of bytes, str or sequences of str
            The documents.
        n_jobs : int, optional
            Threads, or processes for tokenizers other than white space; by default one a core.
        """
        with start_workers(self.tokenize, n_jobs) as workers:
            yield from map_in_order(partial(self._apply, function), _batches(documents), workers)

    def _apply(self, function: Callable[[csr_array], Result], batch: list[Any]) -> Result:
        columns, sizes = self._text_columns(batch) if isinstance(batch[0], bytes | str) else self._list_columns(batch)
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        shape = len(sizes), self.n_words + 1
        return function(csr_array((np.ones(len(columns)), columns.astype(np.int32), starts), shape=shape))

    def _text_columns(self, texts: list[bytes | str]) -> tuple[Floats, Integers]:
        """Return the column of each token and how many tokens each text has."""
        encoded = list(map(encode_lines, texts))
        n_lines = np.array([text.count(b"\n") for text in encoded])
        first, data = np.cumsum(n_lines) - n_lines, b"".join(encoded)
        if self.values is None:
            assert self.tokenize is not None
            lines = tokenize_lines(self.tokenize, data.decode())
            columns, per_line = self._columns_of(chain.from_iterable(lines)), np.array(list(map(len, lines)))
        else:
            data = space_tokens(self.tokenize, data)
            data = data.decode().lower().encode() if self.lowercase else data
            tokens = find_tokens(data)
            columns, per_line = self.values.look_up(data, tokens), tokens.per_line[:-1]
            columns[np.isnan(columns)] = self.n_words
        return columns, np.add.reduceat(per_line, first)

    def _list_columns(self, lists: list[Sequence[str]]) -> tuple[Floats, Integers]:
        return self._columns_of(chain.from_iterable(lists)), np.array(list(map(len, lists)))

    def _columns_of(self, tokens: Iterable[str]) -> Floats:
        listed = [token.lower() for token in tokens] if self.lowercase else list(tokens)
        frame = pl.DataFrame({"word": listed}, schema={"word": pl.String})
        joined = frame.join(self.table, on="word", how="left", maintain_order="left")
        return joined["column"].fill_null(self.n_words).to_numpy()


def _batches(documents: Iterable[Text]) -> Iterator[list[Any]]:
    """Yield lists of texts alone or of token lists alone, in order."""
    batch: list[Any] = []
    size = 0
    for document in documents:
        if batch and (size > _BATCH or isinstance(document, bytes | str) != isinstance(batch[0], bytes | str)):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document)
    if batch:
        yield batch
