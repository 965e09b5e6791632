"""Distinct words as keys: number them, and find their numbers again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain, compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxent._polars import pl
from skxent._typing import Integers
from skxent.language_model._word_keys import (
    KEY_BYTES,
    LONGEST_KEY,
    Keys,
    PackedWords,
    Tokens,
    WordKeys,
    are_equal,
    are_first,
    hash_keys,
    key_of,
    order_keys,
    pack,
    pack_words,
)

__all__ = ["Vocabulary", "WordIndex", "WordValues", "number_words"]


def number_words(parts: Sequence[WordKeys], *, in_runs: bool = False) -> tuple[WordKeys, list[NDArray[np.int32]]]:
    """Give each distinct word of all parts a number, from 0.

    Parameters
    ----------
    parts : sequence of WordKeys
        Words; one may come in several parts, and in one part again.
    in_runs : bool, default=False
        Whether the words come as they were counted, see :func:`order_keys`.

    Returns
    -------
    tuple of (WordKeys, list of ndarray)
        The distinct words in the order of their numbers; and for each part the number of each of its words.
    """
    keys: list[Keys] = []
    numbers: list[list[NDArray[np.int32]]] = [[] for _ in parts]
    n_before = 0
    for m in range(LONGEST_KEY):
        joined = [np.concatenate([part.keys[m][i] for part in parts]) for i in range(m + 1)]
        distinct, numbered = _number_keys(joined, in_runs)
        numbered += n_before
        n_before += len(distinct[0])
        keys.append(distinct)
        ends = np.cumsum([len(part.keys[m][0]) for part in parts])[:-1]
        for listed, piece in zip(numbers, np.split(numbered, ends), strict=True):
            listed.append(piece)
    long = {word: n_before + i for i, word in enumerate(dict.fromkeys(chain.from_iterable(p.long for p in parts)))}
    for listed, part in zip(numbers, parts, strict=True):
        listed.append(np.array([long[word] for word in part.long], dtype=np.int32))
    return WordKeys(keys, list(long)), list(map(np.concatenate, numbers))


def _number_keys(keys: Keys, in_runs: bool) -> tuple[Keys, NDArray[np.int32]]:
    """Return the distinct keys, and the number of each key among them."""
    order = order_keys(keys, in_runs=in_runs)
    keys = [key[order] for key in keys]
    is_first = are_first(keys)
    numbers = np.empty(len(order), dtype=np.int32)  # as positions in an index are
    numbers[order] = np.cumsum(is_first, dtype=np.int32) - np.int32(1)
    return [key[is_first] for key in keys], numbers


class Vocabulary:
    """Distinct words and the column of each, as strings or as keys; each form is made when it is first asked for.

    Parameters
    ----------
    packed : PackedWords, optional
        The words as keys, and the column of each.
    strings : polars.Series, optional
        The words in the order of their columns. One of both forms is needed.
    """

    def __init__(self, packed: PackedWords | None = None, strings: pl.Series | None = None) -> None:
        self._packed, self._strings = packed, strings

    @classmethod
    def of(cls, words: WordKeys) -> Vocabulary:
        """Make a vocabulary whose columns are in the order of the words."""
        return cls(PackedWords(np.arange(len(words)), words))

    @classmethod
    def of_strings(cls, strings: pl.Series) -> Vocabulary:
        """Make a vocabulary of strings, in their order."""
        return cls(strings=strings)

    @property
    def packed(self) -> PackedWords:
        """The words as keys, and the column of each."""
        if self._packed is None:
            assert self._strings is not None
            self._packed = pack_words(self._strings)
        return self._packed

    @property
    def words(self) -> WordKeys:
        """The words as keys."""
        return self.packed.words

    @property
    def columns(self) -> Integers:
        """The column of each word of ``words``."""
        return self.packed.positions

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self.columns) if self._strings is None else len(self._strings)

    def strings(self) -> pl.Series:
        """Return the words in the order of the columns."""
        if self._strings is None:
            strings = self.words.strings()
            in_order = bool((np.diff(self.columns) > 0).all())
            self._strings = strings if in_order else strings.gather(np.argsort(self.columns))
        return self._strings

    def find(self, word: bytes) -> int | None:
        """Return the column of a word of up to 8 bytes, None if it is not there."""
        at = np.flatnonzero(self.words.keys[0][0] == key_of(word))
        return int(self.columns[at[0]]) if len(at) else None

    def are_among(self, words: Collection[str]) -> NDArray[np.bool_]:
        """Say of the word of each column whether it is one of these words."""
        encoded = [word.encode("utf-8", "replace") for word in words]
        if self._strings is not None or any(len(word) > KEY_BYTES or b"\0" in word for word in encoded):
            return self.strings().is_in(list(words)).to_numpy()
        found = np.zeros(len(self), dtype=np.bool_)
        for word in encoded:
            found[[column for column in [self.find(word)] if column is not None]] = True
        return found

    def where(self, is_chosen: NDArray[np.bool_]) -> Vocabulary:
        """Return the vocabulary of the words of some columns, in their order."""
        if is_chosen.all():
            return self
        if self._packed is None:
            return Vocabulary.of_strings(self.strings().filter(is_chosen))
        if not is_chosen.any():
            return Vocabulary.of(WordKeys.none())
        chosen = is_chosen[self.columns]
        *of_keys, of_long = np.split(chosen, np.cumsum(self.words.sizes)[:-1])
        keys = [[key[kept] for key in keys] for keys, kept in zip(self.words.keys, of_keys, strict=True)]
        new_columns = np.cumsum(is_chosen) - 1
        words = WordKeys(keys, list(compress(self.words.long, of_long)))
        return Vocabulary(PackedWords(new_columns[self.columns[chosen]], words))

    def without(self, columns: Sequence[int]) -> Vocabulary:
        """Return the vocabulary without the words of some columns."""
        is_kept = np.ones(len(self), dtype=np.bool_)
        is_kept[list(columns)] = False
        return self.where(is_kept)

    def with_word(self, word: bytes) -> Vocabulary:
        """Return the vocabulary with one more word, of up to 8 bytes, in the last column."""
        keys = [[np.append(self.words.keys[0][0], key_of(word))], *self.words.keys[1:]]
        n_first = len(self.words.keys[0][0])
        columns = np.insert(self.columns, n_first, len(self))
        return Vocabulary(PackedWords(columns, WordKeys(keys, self.words.long)))

    def equals(self, other: Vocabulary) -> bool:
        """Whether both have the same words in the same columns."""
        return self.words.equals(other.words) and np.array_equal(self.columns, other.columns)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state, with one form of the words."""
        return {"_packed": self._packed, "_strings": None if self._packed is not None else self._strings}


class _KeyIndex:
    """Finds keys by open addressing, all at once: each round probes the next slot for those not settled."""

    def __init__(self, keys: Keys) -> None:
        n = len(keys[0])
        self.keys = keys
        self.has_repeats = False
        self.bits = max((4 * n).bit_length(), 1)
        self.slots = np.full(1 << self.bits, -1, dtype=np.int32)
        pending, slot = np.arange(n, dtype=np.int32), self._home(keys)
        while len(pending):
            is_free = self.slots[slot] < 0
            self.slots[slot[is_free]] = pending[is_free]
            lost = self.slots[slot] != pending
            pending, slot = pending[lost], slot[lost]
            self.has_repeats |= bool(
                are_equal([key[self.slots[slot]] for key in keys], [key[pending] for key in keys]).any()
            )
            slot = self._next(slot)

    def _home(self, keys: Keys) -> Integers:
        return (hash_keys(keys) >> np.uint64(64 - self.bits)).view(np.int64)

    def _next(self, slot: Integers) -> Integers:
        return (slot + 1) & (len(self.slots) - 1)

    def find(self, keys: Keys) -> NDArray[np.int32]:
        """Return the position of each key, −1 for those that are not there."""
        if not len(keys[0]):
            return np.empty(0, np.int32)
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
        is_it = is_filled & are_equal([own[position] for own in self.keys], keys) if len(self.keys[0]) else is_filled
        return position, is_it, np.flatnonzero(is_filled & ~is_it)


class WordIndex:
    """Finds words.

    Parameters
    ----------
    words : WordKeys
        Words.

    Attributes
    ----------
    has_repeats : bool
        Whether some of the words are the same; those should be distinct that are to be found.
    """

    def __init__(self, words: WordKeys) -> None:
        self._indices = list(map(_KeyIndex, words.keys))
        self._long = {word: i for i, word in enumerate(words.long)}
        self.has_repeats = any(i.has_repeats for i in self._indices) or len(self._long) < len(words.long)

    def find(self, words: WordKeys) -> list[NDArray[np.signedinteger[Any]]]:
        """Return, for the words of each kind, where they are among those of their kind; −1 for those not there."""
        found = (index.find(keys) for index, keys in zip(self._indices, words.keys, strict=True))
        return [*found, np.array([self._long.get(word, -1) for word in words.long], dtype=np.int64)]


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
        of_kinds = np.split(values[vocabulary.columns], np.cumsum(vocabulary.words.sizes)[:-1])
        # The value of words that are not there comes last, where position −1 is.
        self._values = [np.append(of_kind, np.asarray(missing, values.dtype)) for of_kind in of_kinds]
        self._dtype = values.dtype

    def look_up(self, data: bytes, tokens: Tokens) -> NDArray[Any]:
        """Return the value of each token of a text."""
        return self.of_packed(pack(data, tokens))

    def of_packed(self, packed: PackedWords) -> NDArray[Any]:
        """Return the value of each word, in the order of the positions."""
        found = np.empty(len(packed.positions), self._dtype)
        found[packed.positions] = self.of_words(packed.words)
        return found

    def of_words(self, words: WordKeys) -> NDArray[Any]:
        """Return the value of each word."""
        found = self._index.find(words)
        return np.concatenate([values[at] for values, at in zip(self._values, found, strict=True)])
