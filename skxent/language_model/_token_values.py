"""A number for each of many words, found for the tokens of a text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import numpy as np
import polars as pl

from skxent._typing import Floats, Integers
from skxent.language_model._tokenizers import Tokenize, make_tokenizer, space_tokens, tokenize_lines, works_on_arrays
from skxent.language_model._word_counts import WordValues, find_tokens

__all__ = ["TokenValues"]


class TokenValues:
    """Finds the values of tokens.

    Parameters
    ----------
    words : polars.Series of str
        Distinct words.
    values : ndarray of shape (n_words,)
        Their values.
    tokenizer : str or callable, default="whitespace"
        What makes tokens of a line.
    lowercase : bool, default=False
        Whether tokens are lower-cased.
    """

    def __init__(
        self, words: pl.Series, values: Floats, tokenizer: str | Tokenize = "whitespace", lowercase: bool = False
    ) -> None:
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.tokenize = make_tokenizer(tokenizer)
        self._table = pl.DataFrame([words.alias("word"), pl.Series("value", values, dtype=pl.Float64)])
        if works_on_arrays(self.tokenize):
            self._index = WordValues(words, np.asarray(values, dtype=np.float64))

    def of_text(self, data: bytes, ends_line: bool = True) -> tuple[Floats, Integers]:
        """Return the value of each token of a text in UTF-8, NaN for other words, and how many tokens a line has.

        Parameters
        ----------
        data : bytes
            The text, which ends with white space.
        ends_line : bool, default=True
            Whether the last line ends with it; else what follows the last newline counts as a line.
        """
        if works_on_arrays(self.tokenize):
            data = space_tokens(self.tokenize, data)
            data = data.decode().lower().encode() if self.lowercase else data
            tokens = find_tokens(data)
            return self._index.look_up(data, tokens), tokens.per_line[: -1 if ends_line else None]
        assert self.tokenize is not None
        lines = tokenize_lines(self.tokenize, data.decode())
        return self.of_words(chain.from_iterable(lines)), np.array([len(line) for line in lines], np.int64)

    def of_words(self, words: Iterable[str]) -> Floats:
        """Return the value of each word, NaN for other words."""
        listed = [word.lower() for word in words] if self.lowercase else list(words)
        frame = pl.DataFrame({"word": listed}, schema={"word": pl.String})
        joined = frame.join(self._table, on="word", how="left", maintain_order="left")
        return joined["value"].fill_null(np.nan).to_numpy()
