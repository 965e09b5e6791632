"""Find the words of UTF-8 text and make them numbers, at the speed of arrays.

A word of up to 8·m bytes is m unsigned integers of 64 bits, its *key*, so that words are compared, sorted and found
as numbers.  Words longer than ``LONGEST_KEY`` integers, and those that hold NUL (which pads the keys), stay byte
strings.

White space is that of :meth:`str.split`: in ASCII the bytes 9-13 and 28-32, and the Unicode spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxent._polars import pl
from skxent._typing import Integers

__all__ = [
    "KEY_BYTES",
    "LONGEST_KEY",
    "SPACES",
    "Keys",
    "PackedWords",
    "Tokens",
    "WordKeys",
    "are_equal",
    "are_first",
    "as_strings",
    "cut_at_spaces",
    "find_tokens",
    "hash_keys",
    "join_packed",
    "key_of",
    "order_keys",
    "pack",
    "pack_words",
    "padded",
]

# Longest key in integers of 8 bytes: 64 bytes hold nearly all words of natural text.
LONGEST_KEY = 8
# Bytes of one integer.
KEY_BYTES = 8

Keys = list[NDArray[np.uint64]]

# What keeps the first n bytes of a key, by n; and the constants of the hash: Fibonacci hashing, and half of 64 bits.
_KEEP = np.array([(1 << 8 * n) - 1 for n in range(9)], dtype=np.uint64)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
# White space as str.split has it, by code point.
_ASCII_SPACES = [*range(9, 14), *range(28, 33)]
_OTHER_SPACES = [0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
# Every white space, in UTF-8.
SPACES = [chr(space).encode() for space in (*_ASCII_SPACES, *_OTHER_SPACES)]
_NO_SPACES = np.zeros(0, np.uint8)
# Bytes of text of which arrays are made at a time. Blocks are smaller, so that only a line or a document that is longer
# than a block is cut; the arrays take up to 20 times as much memory.
_PART_BYTES = 1 << 22
_SPACE = re.compile(b"|".join(map(re.escape, SPACES)))
# The bytes of the spaces outside ASCII, those of two bytes and those of three.
_UNICODE_SPACES = [np.array([list(s) for s in SPACES if len(s) == size], np.uint8) for size in (2, 3)]


class Tokens(NamedTuple):
    """Where the tokens of a text are.

    Attributes
    ----------
    text : ndarray of uint8
        The bytes, with 8 zeros behind them.
    starts, lengths : ndarray of shape (n_tokens,)
        The first byte of each token, and how many bytes it has.
    spaces : ndarray of uint8
        Each white-space byte in order.
    has_token : ndarray of bool or None
        Whether a token ends at each of them, None if one does at all.
    """

    text: NDArray[np.uint8]
    starts: Integers
    lengths: Integers
    spaces: NDArray[np.uint8] = _NO_SPACES
    has_token: NDArray[np.bool_] | None = None

    def per_line(self) -> Integers:
        """Count the tokens of each line, and last those after the last newline."""
        newlines = np.flatnonzero(self.spaces == 0x0A)
        n_before = newlines + 1 if self.has_token is None else np.cumsum(self.has_token, dtype=np.int32)[newlines]
        return np.diff(n_before, prepend=0, append=len(self.starts))


@dataclass(frozen=True)
class WordKeys:
    """Words as keys; those of short keys come first, those without a key last.

    Attributes
    ----------
    keys : list of Keys
        The words of one integer, of two, and so on.
    long : list of bytes
        The words without a key.
    """

    keys: list[Keys]
    long: list[bytes]

    @classmethod
    def none(cls) -> WordKeys:
        """Return no words."""
        return cls([[np.empty(0, np.uint64)] * m for m in range(1, LONGEST_KEY + 1)], [])

    @property
    def sizes(self) -> list[int]:
        """Number of words of each kind."""
        return [*(len(keys[0]) for keys in self.keys), len(self.long)]

    def __len__(self) -> int:
        """Return the number of words."""
        return sum(self.sizes)

    def strings(self) -> pl.Series:
        """Return the words as strings."""
        parts = [np.column_stack(keys).view(f"S{8 * len(keys)}").ravel().tolist() for keys in self.keys]
        return pl.concat([pl.Series("word", part, dtype=pl.Binary) for part in (*parts, self.long)]).cast(pl.String)

    @classmethod
    def concatenate(cls, several: Sequence[WordKeys]) -> WordKeys:
        """Put lists of words together, those of each length in order."""
        keys = [
            list(map(np.concatenate, zip(*lists, strict=True)))
            for lists in zip(*(w.keys for w in several), strict=True)
        ]
        return cls(keys, list(chain.from_iterable(words.long for words in several)))

    def equals(self, other: WordKeys) -> bool:
        """Whether both are the same words in the same order."""
        pairs = zip(self.keys, other.keys, strict=True)
        return self.long == other.long and all(np.array_equal(own, others) for own, others in pairs)


class PackedWords(NamedTuple):
    """The words of a text as keys, and the position that each has in the text."""

    positions: Integers
    words: WordKeys


def cut_at_spaces(data: bytes) -> Iterator[bytes]:
    """Cut a long text behind white space; a short one is the only part."""
    begin = 0
    while len(data) - begin > _PART_BYTES and (space := _SPACE.search(data, begin + _PART_BYTES)):
        yield data[begin : space.end()]
        begin = space.end()
    if begin < len(data) or not data:
        yield data[begin:]


def padded(data: bytes) -> NDArray[np.uint8]:
    """Return the bytes with 8 zeros behind them, so that 8 bytes can be taken from any place."""
    text = np.zeros(len(data) + 8, dtype=np.uint8)
    text[:-8] = np.frombuffer(data, dtype=np.uint8)
    return text


def find_tokens(data: bytes) -> Tokens:
    """Tokens of valid UTF-8 that ends with white space."""
    text = padded(data)
    if not data.isascii():
        _blank_unicode_spaces(text)
    ends = np.flatnonzero(text[:-8] <= 0x20)
    byte = text[ends]
    control = (byte < 9) | ((byte > 13) & (byte < 28))
    if control.any():
        ends, byte = ends[~control], byte[~control]
    starts = np.zeros_like(ends)
    np.add(ends[:-1], 1, out=starts[1:])
    lengths = np.subtract(ends, starts, out=ends)
    is_filled = lengths > 0
    if is_filled.all():
        return Tokens(text, starts, lengths, byte)
    filled = np.flatnonzero(is_filled)
    return Tokens(text, starts[filled], lengths[filled], byte, is_filled)


def _blank_unicode_spaces(text: NDArray[np.uint8]) -> None:
    """Overwrite every white-space character outside ASCII with blanks."""
    for spaces in _UNICODE_SPACES:
        first = spaces[:, 0]
        # A byte below the first of the range becomes a large one.
        at = np.flatnonzero(text[:-8] - first.min() <= first.max() - first.min())
        # Most letters fall out at their second byte.
        at = at[_membership(spaces[:, 1])[text[at + 1]]]
        positions = [at + j for j in range(spaces.shape[1])]
        codes = _code([text[position] for position in positions])
        is_space = (codes[:, None] == _code(list(spaces.T))).any(axis=1)
        for position in positions:
            text[position[is_space]] = 0x20


def _membership(values: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tabulate which bytes are among the values."""
    table = np.zeros(256, dtype=np.bool_)
    table[values] = True
    return table


def _code(columns: Sequence[NDArray[np.uint8]]) -> Integers:
    """Join columns of bytes to integers."""
    code = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        code = code << 8 | column
    return code


def pack(data: bytes, tokens: Tokens) -> PackedWords:
    """Make the tokens of a text keys."""
    # Integers in the keys, in one byte, which is compared fastest; a word of no bytes has one as well.
    size = np.clip(tokens.lengths + 7 >> 3, 1, LONGEST_KEY + 1).astype(np.uint8)
    if b"\0" in data:
        nul = np.flatnonzero(tokens.text[: len(data)] == 0)
        size[np.searchsorted(tokens.starts, nul, side="right") - 1] = LONGEST_KEY + 1
    # One window more than bytes, for a word of no bytes at the end.
    window: NDArray[np.uint64] = np.ndarray(len(data) + 1, dtype="<u8", buffer=tokens.text, strides=(1,))
    at = [np.flatnonzero(size == m) for m in range(1, LONGEST_KEY + 1)]
    keys = [_keys(window, tokens.starts[index], tokens.lengths[index], m) for m, index in enumerate(at, 1)]
    index = np.flatnonzero(size > LONGEST_KEY)
    begin = tokens.starts[index]
    slices = zip(begin.tolist(), (begin + tokens.lengths[index]).tolist(), strict=True)
    return PackedWords(np.concatenate([*at, index]), WordKeys(keys, [data[i:j] for i, j in slices]))


def join_packed(several: Sequence[PackedWords]) -> PackedWords:
    """Put the words of texts together; their positions go on from text to text."""
    n_before = np.cumsum([0, *(len(positions) for positions, _ in several)])
    kinds = (
        np.split(packed.positions + n, np.cumsum(packed.words.sizes)[:-1])
        for packed, n in zip(several, n_before, strict=False)
    )
    positions = np.concatenate([piece for of_kind in zip(*kinds, strict=True) for piece in of_kind])
    return PackedWords(positions, WordKeys.concatenate([packed.words for packed in several]))


def as_strings(words: list[str]) -> pl.Series:
    """Make a series; half of a surrogate pair, which UTF-8 cannot hold, becomes a question mark."""
    try:
        return pl.Series(words, dtype=pl.String)
    except UnicodeEncodeError:
        return pl.Series([word.encode("utf-8", "replace").decode() for word in words], dtype=pl.String)


def pack_words(words: pl.Series) -> PackedWords:
    """Make words keys, whatever they hold, white space and nothing included."""
    lengths = words.str.len_bytes().cast(pl.Int64).to_numpy()
    data = words.str.join("").cast(pl.Binary).item() or b""
    text = padded(data)
    return pack(data, Tokens(text, np.cumsum(lengths) - lengths, lengths))


def _keys(window: NDArray[np.uint64], at: Integers, lengths: Integers, m: int) -> Keys:
    """Gather the m integers of every word; bytes of the last one that belong to other words become zero."""
    keys = [window[at]]
    for _ in range(m - 1):
        at += 8
        keys.append(window[at])
    lengths -= 8 * (m - 1)
    keys[-1] &= _KEEP[lengths]
    return keys


def key_of(word: bytes) -> np.uint64:
    """Return the key of a word of up to 8 bytes."""
    return np.uint64(int.from_bytes(word, "little"))


def _mix(key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter integers, so that the upper bits of the results are a hash."""
    mixed: NDArray[np.uint64] = (key ^ key >> _HALF) * _MULTIPLIER
    return mixed


def hash_keys(keys: Keys) -> NDArray[np.uint64]:
    """Mix the integers of each key to one, whose upper bits are a hash; keys of one integer never get the same."""
    mixed = _mix(keys[0])
    for key in keys[1:]:
        mixed = _mix(mixed ^ key)
    return mixed


def order_keys(keys: Keys, exact: bool = True, in_runs: bool = False) -> Integers:
    """Return an order in which equal keys are neighbours.

    It is that of a hash.  Should different keys have one hash, equal keys may be apart, unless all integers of the
    keys are ordered, which ``exact`` does then.  With ``in_runs`` it is faster where the keys are a few lists in that
    order already, one after the other.
    """
    hashed = hash_keys(keys)
    order: Integers = np.argsort(hashed, kind="stable" if in_runs else "quicksort")
    if exact and len(keys) > 1 and _collide(hashed[order], [key[order] for key in keys]):
        order = np.lexsort(keys)
    return order


def _collide(hashed: NDArray[np.uint64], keys: Keys) -> bool:
    """Whether neighbours of one hash have different keys."""
    same = np.flatnonzero(hashed[1:] == hashed[:-1])
    return any(bool((key[same] != key[same + 1]).any()) for key in keys)


def are_equal(keys: Keys, others: Keys) -> NDArray[np.bool_]:
    """Whether each key is equal to the other one at its place."""
    equal: NDArray[np.bool_] = keys[0] == others[0]
    for own, other in zip(keys[1:], others[1:], strict=True):
        equal &= own == other
    return equal


def are_first(keys: Keys) -> NDArray[np.bool_]:
    """Whether each key is another one than the key before."""
    is_first = np.ones(len(keys[0]), dtype=np.bool_)
    is_first[1:] = keys[0][1:] != keys[0][:-1]
    for key in keys[1:]:
        is_first[1:] |= key[1:] != key[:-1]
    return is_first
