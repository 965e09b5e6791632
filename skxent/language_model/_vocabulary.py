"""Distinct words as keys: number them, and find their numbers again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from skxent._typing import Integers
from skxent.language_model._word_keys import (
    LONGEST_KEY,
    Keys,
    PackedWords,
    Tokens,
    WordKeys,
    are_first,
    hash_keys,
    order_keys,
    pack,
    pack_words,
)

__all__ = ["Vocabulary", "WordIndex", "WordValues", "number_words"]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


def number_words(parts: Sequence[WordKeys]) -> tuple[WordKeys, list[Integers]]:
    """Give each distinct word of all parts a number, from 0.

    Parameters
    ----------
    parts : sequence of WordKeys
        Words; one may come in several parts, and in one part again.

    Returns
    -------
    tuple of (WordKeys, list of ndarray)
        The distinct words in the order of their numbers; and for each part the number of each of its words.
    """
    keys: list[Keys] = []
    numbers: list[list[Integers]] = [[] for _ in parts]
    n_before = 0
    for m in range(LONGEST_KEY):
        joined = [np.concatenate([part.keys[m][i] for part in parts]) for i in range(m + 1)]
        distinct, numbered = _number_keys(joined)
        numbered += n_before
        n_before += len(distinct[0])
        keys.append(distinct)
        ends = np.cumsum([len(part.keys[m][0]) for part in parts])[:-1]
        for listed, piece in zip(numbers, np.split(numbered, ends), strict=True):
            listed.append(piece)
    long = {word: n_before + i for i, word in enumerate(dict.fromkeys(chain.from_iterable(p.long for p in parts)))}
    for listed, part in zip(numbers, parts, strict=True):
        listed.append(np.array([long[word] for word in part.long], dtype=np.int64))
    return WordKeys(keys, list(long)), list(map(np.concatenate, numbers))


def _number_keys(keys: Keys) -> tuple[Keys, Integers]:
    """Return the distinct keys, and the number of each key among them."""
    order = order_keys(keys)
    keys = [key[order] for key in keys]
    is_first = are_first(keys)
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(is_first) - 1
    return [key[is_first] for key in keys], numbers


@dataclass(frozen=True)
class Vocabulary:
    """Distinct words and the column of each.

    Attributes
    ----------
    words : WordKeys
        The words.
    columns : ndarray of shape (n_words,)
        The column of each word.
    """

    words: WordKeys
    columns: Integers

    @classmethod
    def of(cls, words: WordKeys) -> Vocabulary:
        """Make a vocabulary whose columns are in the order of the words."""
        return cls(words, np.arange(len(words)))

    @classmethod
    def of_strings(cls, strings: pl.Series) -> Vocabulary:
        """Make a vocabulary of strings, in their order."""
        packed = pack_words(strings)
        return cls(packed.words, packed.positions)

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self.columns)

    def strings(self) -> pl.Series:
        """Return the words in the order of the columns."""
        return self.words.strings().gather(np.argsort(self.columns))

    def equals(self, other: Vocabulary) -> bool:
        """Whether both have the same words in the same columns."""
        return self.words.equals(other.words) and np.array_equal(self.columns, other.columns)


class _KeyIndex:
    """Finds keys by open addressing, all at once: each round probes the next slot for those not settled."""

    def __init__(self, keys: Keys) -> None:
        n = len(keys[0])
        self.keys = keys
        self.bits = max((2 * n).bit_length(), 1)
        self.slots = np.full(1 << self.bits, -1, dtype=np.int32)
        pending, slot = np.arange(n, dtype=np.int32), self._home(keys)
        while len(pending):
            is_free = self.slots[slot] < 0
            self.slots[slot[is_free]] = pending[is_free]
            lost = self.slots[slot] != pending
            pending, slot = pending[lost], self._next(slot[lost])

    def _home(self, keys: Keys) -> Integers:
        mixed = hash_keys(keys)
        mixed = (mixed ^ mixed >> _HALF) * _MULTIPLIER
        return (mixed >> np.uint64(64 - self.bits)).astype(np.int64)

    def _next(self, slot: Integers) -> Integers:
        return (slot + 1) & (len(self.slots) - 1)

    def find(self, keys: Keys) -> NDArray[np.int32]:
        """Return the position of each key, −1 for those that are not there."""
        slot = self._home(keys)
        position, is_it, pending = self._probe(slot, keys)
        found: NDArray[np.int32] = np.where(is_it, position, np.int32(-1))
        at = pending
        while len(pending):
            slot, keys = self._next(slot[pending]), [key[pending] for key in keys]
            position, is_it, pending = self._probe(slot, keys)
            found[at[is_it]] = position[is_it]
            at = at[pending]
        return found

    def _probe(self, slot: Integers, keys: Keys) -> tuple[NDArray[np.int32], NDArray[np.bool_], Integers]:
        """Look at one slot for each key: what position it has, whether that is the key's, and which keys go on."""
        position = self.slots[slot]
        is_filled = position >= 0
        is_it = is_filled.copy()
        if len(self.keys[0]):
            for own, key in zip(self.keys, keys, strict=True):
                is_it &= own[position] == key
        return position, is_it, np.flatnonzero(is_filled & ~is_it)


class WordIndex:
    """Finds words.

    Parameters
    ----------
    words : WordKeys
        Distinct words.
    """

    def __init__(self, words: WordKeys) -> None:
        sizes = words.sizes
        self._n_words = sum(sizes)
        self._first = np.cumsum([0, *sizes]).tolist()
        self._indices = list(map(_KeyIndex, words.keys))
        self._long = dict(zip(words.long, range(self._first[LONGEST_KEY], self._n_words), strict=True))

    def find(self, words: WordKeys) -> Integers:
        """Return the number of each word, and the number of all words for one that is not there."""
        found = [np.empty(0, np.int64)]
        for index, keys, first in zip(self._indices, words.keys, self._first, strict=False):
            at = index.find(keys)
            found.append(np.where(at < 0, self._n_words, at + first))
        found.append(np.array([self._long.get(word, self._n_words) for word in words.long], dtype=np.int64))
        return np.concatenate(found)


class WordValues:
    """A value for each of many words, to be looked up for the tokens of a text.

    Parameters
    ----------
    vocabulary : Vocabulary
        The words.
    values : ndarray of shape (n_words,)
        Their values, in the order of the columns.
    missing : number
        The value of all other words.
    """

    def __init__(self, vocabulary: Vocabulary, values: NDArray[Any], missing: float) -> None:
        self._index = WordIndex(vocabulary.words)
        self._values = np.append(values[vocabulary.columns], np.asarray(missing, values.dtype))

    def look_up(self, data: bytes, tokens: Tokens) -> NDArray[Any]:
        """Return the value of each token of a text."""
        return self.of_packed(pack(data, tokens))

    def of_packed(self, packed: PackedWords) -> NDArray[Any]:
        """Return the value of each word, in the order of the positions."""
        found = np.empty(len(packed.positions), self._values.dtype)
        found[packed.positions] = self.of_words(packed.words)
        return found

    def of_words(self, words: WordKeys) -> NDArray[Any]:
        """Return the value of each word."""
        values: NDArray[Any] = self._values[self._index.find(words)]
        return values
