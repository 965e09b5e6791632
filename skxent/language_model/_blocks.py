"""Blocks of a corpus: the text that is counted or scored at a time, and the documents that it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skxent._polars import pl
from skxent._typing import Integers

__all__ = [
    "BLOCK_BYTES",
    "Block",
    "Documents",
    "Part",
    "Piece",
    "Repair",
    "block_of_documents",
    "count_newlines",
    "join_blocks",
    "pieces_of_texts",
    "sums_of_runs",
]

# Bytes that are read and counted at a time: the arrays of a block, about 20 times as large, stay below 100 MB.
BLOCK_BYTES = 1 << 21
# Bytes of a text below which bytes.count is quicker than NumPy, which takes some microseconds to begin.
_FEW_BYTES = 1 << 12


@dataclass(frozen=True)
class Documents:
    """The documents of a block; what is counted is their texts, each closed by a newline.

    Attributes
    ----------
    n_bytes, n_characters : ndarray of shape (n_documents,)
        Size of each text, in bytes of UTF-8 and in code points.
    n_lines : ndarray of shape (n_documents,)
        Lines of each text; an empty one has one.
    numbers : ndarray of shape (n_documents,)
        Number of the line or row of the file that holds the document, from 1.
    records : polars.DataFrame, list of str or None
        The whole record of each document, if it was asked for: rows, or lines of JSON.
    problems : tuple of str
        What is wrong with records that were left out.
    """

    n_bytes: Integers
    n_characters: Integers
    n_lines: Integers
    numbers: Integers
    records: pl.DataFrame | list[str] | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """A piece of a corpus: whole words, and whole lines unless one line alone is longer than a block.

    Attributes
    ----------
    data : bytes
        UTF-8 that ends with white space; a last line without its newline is given one.
    raw : bytes
        ``data`` before bytes were replaced or left out; has the same lines.
    n_bytes, n_characters : int
        Size of the text itself, without a newline that was given: bytes of the file if it is UTF-8, else those that
        it would take in UTF-8. A byte that cannot be decoded is one byte.
    ends : ndarray of shape (n_files,)
        Where in ``raw`` the text of each file ends.
    ends_line : bool
        False when the next block goes on with the same line.
    documents : Documents, optional
        The documents that the block is made of, when the corpus is made of documents and not of lines.
    has_marks : bool
        Whether bytes that could not be decoded are in ``raw`` as marks, see ``BAD_BYTE`` of ``_reader``.
    given : ndarray or empty tuple
        Where in ``raw`` the newlines are that were given to last lines of files.
    """

    data: bytes
    raw: bytes
    n_bytes: int
    n_characters: int
    ends: Integers
    ends_line: bool = True
    documents: Documents | None = None
    has_marks: bool = False
    given: Integers | tuple[()] = ()

    def lines_per_file(self) -> Integers:
        """Count the lines that are counted of each file."""
        newlines = np.flatnonzero(np.frombuffer(self.raw, np.uint8) == 0x0A)
        n_before = np.searchsorted(newlines, self.ends)
        n_before[-1] += len(self.raw) > 0 and not self.raw.endswith(b"\n")
        return np.diff(n_before, prepend=0)

    def records_per_file(self) -> Integers:
        """Count the lines of each file, or the documents if it is made of these."""
        n_lines = self.lines_per_file()
        if self.documents is None:
            return n_lines
        n_before = np.searchsorted(np.cumsum(self.documents.n_lines), np.cumsum(n_lines), side="right")
        return np.diff(n_before, prepend=0)


def sums_of_runs(amounts: Integers | NDArray[np.bool_], lengths: Integers) -> Integers:
    """Sum the amounts of runs of neighbours, which have these lengths; that of no amounts is 0."""
    return np.diff(np.append(0, np.cumsum(amounts))[np.cumsum(lengths)], prepend=0)


class Part(NamedTuple):
    """Neighbouring bytes of a file: a whole small one, or so much of a large one as is counted at a time.

    Attributes
    ----------
    path : str
        The file.
    raw : bytes
        The bytes, decompressed.
    n_bytes, n_lines : int
        How many bytes and lines of the file come before.
    number : int or None
        The number of the part in the file, from 0; None if it is all of it.
    ends_line : bool
        Whether a line ends with it.
    """

    path: str
    raw: bytes
    n_bytes: int = 0
    n_lines: int = 0
    number: int | None = None
    ends_line: bool = True


# Makes valid UTF-8 of a part.
Repair = Callable[[Part], bytes]


class Piece(NamedTuple):
    """A block that is still to be made, which is work that another thread or process can do.

    Attributes
    ----------
    paths : list of str
        The files that it is of.
    make : callable
        Returns the :class:`Block`.
    ends_line : bool
        Whether the block ends its line.
    first : int
        Number of its first line in its first file, from 1.
    number : int or None
        The number of the piece in its one file, from 0; None if its files are whole.
    files : callable
        Returns a piece for each of several files, and none if there is one file.
    """

    paths: list[str]
    make: Callable[[], Block]
    ends_line: bool = True
    first: int = 1
    number: int | None = None
    files: Callable[[], list[Piece]] = list


def join_blocks(blocks: Sequence[Block]) -> Block:
    """Make one block of several of documents."""
    if len(blocks) == 1:
        return blocks[0]
    data = b"".join(block.data for block in blocks)
    return Block(
        data,
        data,
        sum(block.n_bytes for block in blocks),
        sum(block.n_characters for block in blocks),
        np.cumsum([len(block.data) for block in blocks]),
        documents=_join_documents([block.documents for block in blocks if block.documents is not None]),
    )


def _join_documents(several: Sequence[Documents]) -> Documents:
    return Documents(
        np.concatenate([d.n_bytes for d in several]),
        np.concatenate([d.n_characters for d in several]),
        np.concatenate([d.n_lines for d in several]),
        np.concatenate([d.numbers for d in several]),
        _join_records([d.records for d in several if d.records is not None]),
        tuple(problem for d in several for problem in d.problems),
    )


def _join_records(several: Sequence[Any]) -> pl.DataFrame | list[str] | None:
    if not several or isinstance(several[0], list):
        return list(chain.from_iterable(several)) if several else None
    return pl.concat(several, how="diagonal_relaxed")


def count_newlines(data: bytes) -> int:
    """Count newlines, in a sixth of the time that ``bytes.count`` takes where lines are short and many."""
    if len(data) < _FEW_BYTES:
        return data.count(b"\n")
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == 0x0A))


def pieces_of_texts(texts: Iterable[str], block_bytes: int = BLOCK_BYTES) -> Iterator[Piece]:
    """Blocks of documents held as strings; a document is at least one line."""
    batch: list[str] = []
    size = n_before = 0
    for text in texts:
        batch.append(text)
        size += len(text) + 1
        if size >= block_bytes:
            yield Piece([""], partial(_block_of_list, batch, n_before))
            n_before += len(batch)
            batch, size = [], 0
    if batch:
        yield Piece([""], partial(_block_of_list, batch, n_before))


def _block_of_list(texts: list[str], n_before: int) -> Block:
    return block_of_documents(texts, np.arange(n_before + 1, n_before + len(texts) + 1))


def block_of_documents(
    texts: pl.Series | list[str],
    numbers: Integers,
    records: pl.DataFrame | list[str] | None = None,
    problems: tuple[str, ...] = (),
) -> Block:
    """Make a block of texts; ``numbers`` are those of their lines or rows."""
    data, n_bytes, n_characters, is_open = _ended_list(texts) if isinstance(texts, list) else _ended_column(texts)
    newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == 0x0A)
    n_lines = np.diff(np.searchsorted(newlines, np.cumsum(n_bytes + is_open)), prepend=0)
    documents = Documents(n_bytes, n_characters, n_lines, numbers, records, problems)
    return Block(data, data, int(n_bytes.sum()), int(n_characters.sum()), np.array([len(data)]), documents=documents)


# Texts, each with one newline at its end; the bytes and the characters of each, and whether it had no such newline.
_Ended = tuple[bytes, Integers, Integers, NDArray[np.bool_]]


def _ended_column(texts: pl.Series) -> _Ended:
    text = pl.col("text")
    table = texts.to_frame("text").select(
        n_bytes=text.str.len_bytes().cast(pl.Int64),
        n_characters=text.str.len_chars().cast(pl.Int64),
        is_open=~text.str.ends_with("\n"),
        text=text.str.strip_suffix("\n"),
    )
    n_bytes, n_characters, is_open = (table[name].to_numpy() for name in ("n_bytes", "n_characters", "is_open"))
    ended = table["text"].extend_constant("", 1)
    data = ended.str.join("\n").cast(pl.Binary).item() if len(texts) else b""
    return data, n_bytes, n_characters, is_open


def _ended_list(texts: list[str]) -> _Ended:
    n_characters = _lengths(texts)
    if all(map(str.isascii, texts)):
        n_bytes, data = n_characters, "\n".join([*texts, ""]).encode()
    else:
        encoded = [text.encode("utf-8", "replace") for text in texts]
        n_bytes, data = _lengths(encoded), b"\n".join([*encoded, b""])
    last = np.cumsum(n_bytes) + np.arange(len(texts)) - 1
    is_open = (n_bytes == 0) | (np.frombuffer(data, np.uint8)[last] != 0x0A)
    if not is_open.all():
        stripped = [text.removesuffix("\n").encode("utf-8", "replace") for text in texts]
        data = b"\n".join([*stripped, b""])
    return data, n_bytes, n_characters, is_open


def _lengths(texts: Sequence[str] | Sequence[bytes]) -> Integers:
    return np.fromiter(map(len, texts), np.int64, len(texts))
