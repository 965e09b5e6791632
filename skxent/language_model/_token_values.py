"""A number for each of many words, found for the tokens of a text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxent._typing import Integers
from skxent.language_model._tokenizers import Tokenize, make_tokenizer, space_tokens, tokenize_block, works_on_arrays
from skxent.language_model._vocabulary import WordValues
from skxent.language_model._word_keys import as_strings, cut_at_spaces, find_tokens, pack_words

__all__ = ["TokenValues"]


class TokenValues:
    """Finds the values of tokens.

    Parameters
    ----------
    values : WordValues
        The values of words.
    tokenizer : str or callable, default="whitespace"
        What makes tokens of a line.
    lowercase : bool, default=False
        Whether tokens are lower-cased.
    """

    def __init__(self, values: WordValues, tokenizer: str | Tokenize = "whitespace", lowercase: bool = False) -> None:
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.tokenize = make_tokenizer(tokenizer)
        self._values = values

    def of_text(self, data: bytes, ends_line: bool = True) -> tuple[NDArray[Any], Integers]:
        """Return the value of each token of a text in UTF-8, and how many tokens a line has.

        Parameters
        ----------
        data : bytes
            The text, which ends with white space.
        ends_line : bool, default=True
            Whether the last line ends with it; else what follows the last newline counts as a line.
        """
        if works_on_arrays(self.tokenize):
            values, per_line = self._of_parts(cut_at_spaces(data))
            return values, per_line[: -1 if ends_line else None]
        assert self.tokenize is not None
        lines = tokenize_block(self.tokenize, data)
        return self.of_words(chain.from_iterable(lines)), np.array([len(line) for line in lines], np.int64)

    def _of_parts(self, parts: Iterable[bytes]) -> tuple[NDArray[Any], Integers]:
        """Return the values of tokens, and how many each line has, and last how many follow the last newline."""
        values, per_line = [], []
        n_open = 0
        for part in parts:
            data = space_tokens(self.tokenize, part, self.lowercase)
            tokens = find_tokens(data)
            values.append(self._values.look_up(data, tokens))
            n_tokens = tokens.per_line()
            n_tokens[0] += n_open
            n_open = n_tokens[-1]
            per_line.append(n_tokens[:-1])
        return _joined(values), np.append(_joined(per_line), n_open)

    def of_words(self, words: Iterable[str]) -> NDArray[Any]:
        """Return the value of each word."""
        listed = [word.lower() for word in words] if self.lowercase else list(words)
        return self._values.of_packed(pack_words(as_strings(listed)))


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
