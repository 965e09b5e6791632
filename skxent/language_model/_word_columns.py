"""Documents as sparse matrices that count words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from scipy.sparse import csr_array

from skxent._typing import Integers
from skxent.language_model._corpus import map_in_order, start_workers
from skxent.language_model._documents import Text, encode_lines
from skxent.language_model._token_values import TokenValues
from skxent.language_model._tokenizers import Tokenize
from skxent.language_model._vocabulary import Vocabulary, WordValues

__all__ = ["WordColumns"]

Result = TypeVar("Result")

# Characters of a batch of documents, large enough for arrays to pay and small enough for the cache.
_BATCH = 1 << 20


class WordColumns:
    """Finds the column of each word.

    Parameters
    ----------
    vocabulary : Vocabulary
        The word that each column counts.
    tokenizer : str or callable
        What makes tokens of a line.
    lowercase : bool
        Whether tokens are lower-cased.
    """

    def __init__(self, vocabulary: Vocabulary, tokenizer: str | Tokenize, lowercase: bool) -> None:
        self.n_words = len(vocabulary)
        self.reading = tokenizer, lowercase
        columns = np.arange(self.n_words, dtype=np.int32)
        self.values = TokenValues(WordValues(vocabulary, columns, self.n_words), tokenizer, lowercase)

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
        with start_workers(self.values.tokenize, n_jobs) as workers:
            yield from map_in_order(partial(self._apply, function), _batches(documents), workers)

    def _apply(self, function: Callable[[csr_array], Result], batch: list[Any]) -> Result:
        columns, sizes = self._text_columns(batch) if isinstance(batch[0], bytes | str) else self._list_columns(batch)
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        shape = len(sizes), self.n_words + 1
        return function(csr_array((np.ones(len(columns)), columns, starts), shape=shape))

    def _text_columns(self, texts: list[bytes | str]) -> tuple[Integers, Integers]:
        """Return the column of each token and how many tokens each text has."""
        encoded = list(map(encode_lines, texts))
        n_lines = np.array([text.count(b"\n") for text in encoded])
        columns, per_line = self.values.of_text(b"".join(encoded))
        return columns, np.add.reduceat(per_line, np.cumsum(n_lines) - n_lines)

    def _list_columns(self, lists: list[Sequence[str]]) -> tuple[Integers, Integers]:
        return self.values.of_words(chain.from_iterable(lists)), np.array(list(map(len, lists)))


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
