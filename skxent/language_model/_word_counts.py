"""Find and count the words of UTF-8 text at the speed of arrays.

A word of up to 8·m bytes is m unsigned integers of 64 bits, its *key*, so that words are compared and
counted as numbers and become strings only once, when all text is counted.  Words longer than
``LONGEST_KEY`` integers, and those that hold NUL (which pads the keys), are counted as byte strings.

White space is that of :meth:`str.split`: in ASCII the bytes 9-13 and 28-32, and the Unicode spaces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from skxent._typing import Integers

__all__ = ["SPACES", "BlockCounts", "Tokens", "WordCounter", "WordValues", "count_block", "find_tokens", "pack"]

# Longest key in integers of 8 bytes: 32 bytes hold nearly all words of natural text.
LONGEST_KEY = 4

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
# The bytes of the spaces outside ASCII, those of two bytes and those of three.
_UNICODE_SPACES = [np.array([list(s) for s in SPACES if len(s) == size], np.uint8) for size in (2, 3)]


class Tokens(NamedTuple):
    """Where the tokens of a text are; ``per_line`` ends with the tokens after the last newline."""

    text: NDArray[np.uint8]
    starts: Integers
    lengths: Integers
    per_line: Integers


class PackedWords(NamedTuple):
    """Words as keys, by the number of integers in the key, and those that have none; each with their positions."""

    keys: list[tuple[Integers, Keys]]
    long: tuple[Integers, list[bytes]]


def find_tokens(data: bytes) -> Tokens:
    """Tokens of valid UTF-8 that ends with white space."""
    text = np.zeros(len(data) + 8, dtype=np.uint8)
    text[:-8] = np.frombuffer(data, dtype=np.uint8)
    if not data.isascii():
        _blank_unicode_spaces(text)
    ends = np.flatnonzero(text[:-8] <= 0x20)
    byte = text[ends]
    control = (byte < 9) | ((byte > 13) & (byte < 28))
    if control.any():
        ends, byte = ends[~control], byte[~control]
    newlines = np.flatnonzero(byte == 0x0A)
    starts = np.zeros_like(ends)
    np.add(ends[:-1], 1, out=starts[1:])
    lengths = np.subtract(ends, starts, out=ends)
    n_before = newlines + 1
    if not lengths.all():
        filled = np.flatnonzero(lengths)
        n_before = np.searchsorted(filled, newlines, side="right")
        starts, lengths = starts[filled], lengths[filled]
    return Tokens(text, starts, lengths, np.diff(n_before, prepend=0, append=len(starts)))


def _blank_unicode_spaces(text: NDArray[np.uint8]) -> None:
    """Overwrite every white-space character outside ASCII with blanks."""
    for spaces in _UNICODE_SPACES:
        first = spaces[:, 0]
        at = np.flatnonzero((text[:-8] >= first.min()) & (text[:-8] <= first.max()))
        # Most letters fall out at their second byte.
        at = at[_membership(spaces[:, 1])[text[at + 1]]]
        positions = [at + j for j in range(spaces.shape[1])]
        is_space = np.isin(_code([text[position] for position in positions]), _code(list(spaces.T)))
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
    """Make the tokens keys."""
    size = tokens.lengths + 7
    size >>= 3
    if b"\0" in data:
        nul = np.flatnonzero(tokens.text[: len(data)] == 0)
        size[np.searchsorted(tokens.starts, nul, side="right") - 1] = LONGEST_KEY + 1
    window: NDArray[np.uint64] = np.ndarray(len(data), dtype="<u8", buffer=tokens.text, strides=(1,))
    keys = []
    for m in range(1, LONGEST_KEY + 1):
        index = np.flatnonzero(size == m)
        keys.append((index, _keys(window, tokens.starts[index], tokens.lengths[index], m)))
    index = np.flatnonzero(size > LONGEST_KEY)
    begin = tokens.starts[index]
    slices = zip(begin.tolist(), (begin + tokens.lengths[index]).tolist(), strict=True)
    return PackedWords(keys, (index, [data[i:j] for i, j in slices]))


def _keys(window: NDArray[np.uint64], at: Integers, lengths: Integers, m: int) -> Keys:
    """Gather the m integers of every word; bytes of the last one that belong to other words become zero."""
    keys = [window[at]]
    for _ in range(m - 1):
        at += 8
        keys.append(window[at])
    lengths -= 8 * (m - 1)
    keys[-1] &= _KEEP[lengths]
    return keys


def _collapse(keys: Keys, counts: Integers | None = None, exact: bool = False) -> tuple[Keys, Integers]:
    """Distinct keys and how often each occurs.

    A hash brings equal keys together and the keys themselves are compared. Should different keys have one hash, a
    key may be in two rows, unless all integers of the keys are ordered, which ``exact`` does then.
    """
    n = len(keys[0])
    if counts is None and len(keys) == 1:
        keys = [np.sort(keys[0])]
    else:
        hashed = _hash(keys)
        order = np.argsort(hashed)
        if exact and len(keys) > 1 and _collide(hashed[order], [key[order] for key in keys]):
            order = np.lexsort(keys)
        keys = [key[order] for key in keys]
        counts = None if counts is None else counts[order]
    is_first = np.ones(n, dtype=np.bool_)
    is_first[1:] = keys[0][1:] != keys[0][:-1]
    for key in keys[1:]:
        is_first[1:] |= key[1:] != key[:-1]
    first = np.flatnonzero(is_first)
    totals = np.diff(first, append=n) if counts is None else np.add.reduceat(counts, first)
    return [key[first] for key in keys], totals


def _collide(hashed: NDArray[np.uint64], keys: Keys) -> bool:
    """Whether neighbours of one hash have different keys."""
    same = np.flatnonzero(hashed[1:] == hashed[:-1])
    return any(bool((key[same] != key[same + 1]).any()) for key in keys)


def _hash(keys: Keys) -> NDArray[np.uint64]:
    mixed = keys[0]
    for key in keys[1:]:
        mixed = (mixed ^ mixed >> _HALF) * _MULTIPLIER ^ key
    return mixed


class BlockCounts(NamedTuple):
    """The distinct words of one block, and its lines.

    Attributes
    ----------
    keys, long
        Words by the number of integers in their keys, and those without keys, with their counts.
    n_lines, n_sentences : int
        Lines that end in the block, and those of them with a word in the block.
    first_is_filled, last_is_filled : bool
        Whether there is a word before the first newline, and after the last.
    """

    keys: list[tuple[Keys, Integers]]
    long: Counter[bytes]
    n_lines: int
    n_sentences: int
    first_is_filled: bool = False
    last_is_filled: bool = False


def count_block(data: bytes) -> BlockCounts:
    """Count one block."""
    tokens = find_tokens(data)
    packed = pack(data, tokens)
    whole_lines = tokens.per_line[:-1]
    return BlockCounts(
        [_collapse(keys) for _, keys in packed.keys],
        Counter(packed.long[1]),
        len(whole_lines),
        int(np.count_nonzero(whole_lines)),
        bool(tokens.per_line[0]),
        bool(tokens.per_line[-1]),
    )


class WordCounter:
    """Adds up blocks; memory is set by the number of distinct words.

    Parameters
    ----------
    merge_rows : int
        Parts are merged when their rows are more than this and twice the merged ones. 2**18 rows are about 8 MB.
    """

    def __init__(self, merge_rows: int = 1 << 18) -> None:
        self._merge_rows = merge_rows
        self._parts: list[list[tuple[Keys, Integers]]] = [[] for _ in range(LONGEST_KEY)]
        self._merged_rows = [0] * LONGEST_KEY
        self._rows = [0] * LONGEST_KEY
        self._long: Counter[bytes] = Counter()
        self._line_is_filled = False
        self.n_lines = 0
        self.n_sentences = 0

    def add(self, block: BlockCounts) -> None:
        """Add the words and lines of a block; a line may go on from the block before."""
        self._add_lines(block)
        self._long.update(block.long)
        for m, part in enumerate(block.keys):
            self._parts[m].append(part)
            self._rows[m] += len(part[1])
            if self._rows[m] > 2 * self._merged_rows[m] + self._merge_rows:
                self._merge(m)

    def _add_lines(self, block: BlockCounts) -> None:
        self.n_lines += block.n_lines
        self.n_sentences += block.n_sentences
        if block.n_lines:
            self.n_sentences += self._line_is_filled and not block.first_is_filled
            self._line_is_filled = False
        self._line_is_filled |= block.last_is_filled

    def _merge(self, m: int) -> None:
        columns = zip(*(keys for keys, _ in self._parts[m]), strict=True)
        counts = np.concatenate([counts for _, counts in self._parts[m]])
        self._parts[m] = [_collapse([np.concatenate(column) for column in columns], counts, exact=True)]
        self._merged_rows[m] = self._rows[m] = len(self._parts[m][0][1])

    def table(self) -> pl.DataFrame:
        """Return the words and their counts, each word once, in an order that the text alone decides."""
        tables = [_table(list(self._long), list(self._long.values()))]
        for m, parts in enumerate(self._parts):
            if parts:
                self._merge(m)
                keys, counts = self._parts[m][0]
                tables.append(_table(np.column_stack(keys).view(f"S{8 * (m + 1)}").ravel().tolist(), counts))
        return pl.concat(tables)


def _table(words: list[bytes], counts: Any) -> pl.DataFrame:
    word = pl.Series("word", words, dtype=pl.Binary).cast(pl.String)
    return pl.DataFrame([word, pl.Series("count", counts, dtype=pl.Int64)])


class _KeyIndex:
    """Finds keys by open addressing, all at once: each round probes the next slot for those not settled."""

    def __init__(self, keys: Keys) -> None:
        n = len(keys[0])
        self.keys = keys
        self.bits = max((2 * n).bit_length(), 1)
        self.slots = np.full(1 << self.bits, -1, dtype=np.int64)
        pending, slot = np.arange(n), self._home(keys)
        while len(pending):
            is_free = self.slots[slot] < 0
            self.slots[slot[is_free]] = pending[is_free]
            lost = self.slots[slot] != pending
            pending, slot = pending[lost], self._next(slot[lost])

    def _home(self, keys: Keys) -> Integers:
        mixed = _hash(keys)
        mixed = (mixed ^ mixed >> _HALF) * _MULTIPLIER
        return (mixed >> np.uint64(64 - self.bits)).astype(np.int64)

    def _next(self, slot: Integers) -> Integers:
        return (slot + 1) & (len(self.slots) - 1)

    def find(self, keys: Keys) -> Integers:
        """Return the position of each key, −1 for those that are not there."""
        found = np.full(len(keys[0]), -1)
        pending, slot = np.arange(len(found)), self._home(keys)
        while len(pending) and len(self.keys[0]):
            position = self.slots[slot]
            is_it = position >= 0
            goes_on = is_it.copy()
            for own, key in zip(self.keys, keys, strict=True):
                is_it &= own[position] == key[pending]
            found[pending[is_it]] = position[is_it]
            goes_on &= ~is_it
            pending, slot = pending[goes_on], self._next(slot[goes_on])
        return found


class WordValues:
    """A value for each of many words, to be looked up for the tokens of a text.

    Parameters
    ----------
    words : polars.Series of str
        Distinct words; those that hold white space are never found.
    values : ndarray of shape (n_words,)
        Their values.
    """

    def __init__(self, words: pl.Series, values: NDArray[np.float64]) -> None:
        is_token = ~words.str.contains(r"[\s\x1c-\x1f]") & (words != "")
        column = values[is_token.to_numpy()]
        data = (words.filter(is_token).str.join("\n").cast(pl.Binary).item() or b"") + b"\n"
        packed = pack(data, find_tokens(data))
        self._indices = [_KeyIndex(keys) for _, keys in packed.keys]
        # One more value, at position −1, for the words that are not there.
        self._values = [np.append(column[index], np.nan) for index, _ in packed.keys]
        index, long = packed.long
        self._long = dict(zip(long, column[index].tolist(), strict=True))

    def look_up(self, data: bytes, tokens: Tokens) -> NDArray[np.float64]:
        """Return the value of each token, NaN for a word without one."""
        found = np.empty(len(tokens.starts))
        packed = pack(data, tokens)
        for (at, keys), index, values in zip(packed.keys, self._indices, self._values, strict=True):
            found[at] = values[index.find(keys)]
        at, long = packed.long
        found[at] = [self._long.get(word, np.nan) for word in long]
        return found
