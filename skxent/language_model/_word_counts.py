"""Count the words of UTF-8 text at the speed of arrays.

Words are counted as keys (``_word_keys``) and become strings only once, when all text is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from skxent._polars import pl
from skxent._typing import Integers
from skxent.language_model._word_keys import (
    LONGEST_KEY,
    Keys,
    WordKeys,
    are_equal,
    are_first,
    as_strings,
    find_tokens,
    hash_keys,
    order_keys,
    pack,
    pack_words,
)

__all__ = ["BlockCounts", "CountedWords", "WordCounter", "count_block", "count_words", "distinct_words"]

# Bits of the largest table in which the words of a block are counted: 512 KiB, and a third of the time that sorting the
# words takes, with 14 to 17 bits, on three kinds of text.
_LARGEST_TABLE_BITS = 16
# Words and how often each occurs; a word may come again.
CountedWords = tuple[WordKeys, Integers]


def _count(keys: Keys) -> tuple[Keys, Integers]:
    """Count keys: those that get a slot of a hash table in it, all at once, and sort the few others.

    Distinct keys are returned in the order of their hash, first those of the table, then the others. Of those a key
    may be there twice, see :func:`order_keys`.
    """
    if not len(keys[0]):
        return keys, np.empty(0, np.int64)
    hashed = hash_keys(keys)
    bits = min(len(hashed).bit_length(), _LARGEST_TABLE_BITS)
    slot = (hashed >> np.uint64(64 - bits)).view(np.int64)
    tables = [np.empty(1 << bits, np.uint64) for _ in keys]
    for table, key in zip(tables, keys, strict=True):
        table[slot] = key
    lost = np.flatnonzero(~are_equal([table[slot] for table in tables], keys))
    n = np.bincount(slot, minlength=1 << bits)
    n -= np.bincount(slot[lost], minlength=1 << bits)
    used = np.flatnonzero(n)
    others, n_others = _add_up([key[lost] for key in keys], np.ones(len(lost), np.int64), exact=False)
    pairs = zip(tables, others, strict=True)
    return [np.concatenate([table[used], other]) for table, other in pairs], np.concatenate([n[used], n_others])


def _add_up(keys: Keys, counts: Integers, *, exact: bool = True) -> tuple[Keys, Integers]:
    """Add up the counts of equal keys; unless ``exact``, a key may be in two rows, see :func:`order_keys`."""
    if len(counts) < 2:
        return keys, counts
    order = order_keys(keys, exact, in_runs=exact)
    keys = [key[order] for key in keys]
    first = np.flatnonzero(are_first(keys))
    return [key[first] for key in keys], np.add.reduceat(counts[order], first)


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


def count_block(data: bytes, *, with_lines: bool = True) -> BlockCounts:
    """Count one block; without its lines if they are not needed."""
    tokens = find_tokens(data)
    lines = _lines_of(tokens.per_line()) if with_lines else (0, 0)
    words = pack(data, tokens).words
    return BlockCounts(list(map(_count, words.keys)), Counter(words.long), *lines)


def distinct_words(words: WordKeys) -> WordKeys:
    """Return each of the words once, in an order that the words alone decide, but for the long ones."""
    counter = WordCounter()
    counter.add(BlockCounts(list(map(_count, words.keys)), Counter(words.long), 0, 0))
    return counter.merged()[0]


def _lines_of(per_line: Integers) -> tuple[int, int, bool, bool]:
    """Say of a block's lines what :class:`BlockCounts` does."""
    whole_lines = per_line[:-1]
    return len(whole_lines), int(np.count_nonzero(whole_lines)), bool(per_line[0]), bool(per_line[-1])


def count_words(tokens: Iterable[str], n_lines: int = 0, n_sentences: int = 0) -> BlockCounts:
    """Count tokens that are strings; a Counter of them is taken as it is."""
    counted = tokens if isinstance(tokens, Counter) else Counter(tokens)
    positions, words = pack_words(as_strings(list(counted)))
    counts = np.array(list(counted.values()), dtype=np.int64)[positions]
    *of_keys, of_long = np.split(counts, np.cumsum(words.sizes)[:-1])
    long: Counter[bytes] = Counter()
    for word, count in zip(words.long, of_long.tolist(), strict=True):
        long[word] += count
    return BlockCounts(list(zip(words.keys, of_keys, strict=True)), long, n_lines, n_sentences)


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
        self._is_merged = [True] * LONGEST_KEY
        self._long: Counter[bytes] = Counter()
        self._merged_words: CountedWords | None = None
        self._line_is_filled = False
        self.n_lines = 0
        self.n_sentences = 0

    def add(self, block: BlockCounts) -> None:
        """Add the words and lines of a block; a line may go on from the block before."""
        self._add_lines(block)
        self._merged_words = None
        self._long.update(block.long)
        for m, part in enumerate(block.keys):
            self._parts[m].append(part)
            self._is_merged[m] = False
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
        self._parts[m] = [_add_up([np.concatenate(column) for column in columns], counts)]
        self._merged_rows[m] = self._rows[m] = len(self._parts[m][0][1])
        self._is_merged[m] = True

    def words(self) -> CountedWords:
        """Return the words, of which some may come again, and their counts."""
        keys, counts = [], []
        for m, parts in enumerate(self._parts):
            listed = [([np.empty(0, np.uint64)] * (m + 1), np.empty(0, np.int64)), *parts]
            keys.append([np.concatenate(column) for column in zip(*(keys for keys, _ in listed), strict=True)])
            counts += [count for _, count in listed]
        long = np.array(list(self._long.values()), dtype=np.int64)
        return WordKeys(keys, list(self._long)), np.concatenate([*counts, long])

    def merged(self) -> CountedWords:
        """Return the words, each once, in an order that the text alone decides, and their counts."""
        if self._merged_words is None:
            for m, parts in enumerate(self._parts):
                if parts and not self._is_merged[m]:
                    self._merge(m)
            self._merged_words = self.words()
        return self._merged_words

    def table(self) -> pl.DataFrame:
        """Return columns ``word`` and ``count``, each word once, in an order that the text alone decides."""
        words, counts = self.merged()
        return pl.DataFrame([words.strings(), pl.Series("count", counts, dtype=pl.Int64)])
