"""Read a corpus in blocks of whole words; every error names the file and the place.

A corpus is made of lines, or of documents: the records of JSON lines or Parquet that have the text in one field.
"""

from __future__ import annotations

import codecs
import glob
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import chain, compress, islice
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from skxent._polars import pl
from skxent._typing import Integers
from skxent.language_model._decompress import is_compressed, is_regular_file, read_chunks
from skxent.language_model._errors import CorpusError, UndecodableError
from skxent.language_model._options import DECODE_ERRORS
from skxent.language_model._utf8 import check_utf8
from skxent.language_model._word_keys import SPACES

__all__ = [
    "BAD_BYTE",
    "BLOCK_BYTES",
    "KEEP_BAD_BYTES",
    "MARK_BYTES",
    "Block",
    "Documents",
    "Piece",
    "count_newlines",
    "expand_paths",
    "file_is_parquet",
    "is_parquet",
    "join_blocks",
    "pieces_of_texts",
    "read_pieces",
]

# Bytes that are read and counted at a time: the arrays of a block, about 20 times as large, stay below 100 MB.
BLOCK_BYTES = 1 << 21
# Bytes a line, on average over a block, from which on Python's json reads the lines instead of Polars. That takes as
# long with records of 3 kB (and twice as long with those of 64 bytes), and saves the import of Polars.
_LONG_LINE = 1_000
# Bytes of a text below which bytes.count is quicker than NumPy, which takes some microseconds to begin.
_FEW_BYTES = 1 << 12
# A byte that could not be decoded from another encoding than UTF-8: half of a surrogate pair, which no text holds.
BAD_BYTE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
# The mark of a byte 0 at the place of an error, and of one that goes on with an error.
_FIRST_MARK, _NEXT_MARK = 0xDC00, 0xDD00
# Bytes of the units of encodings whose units are larger than a byte; there is no writing half of a unit.
_UNIT_BYTES = {"utf-16": 2, "utf-32": 4}
# Name of the error handler that makes such marks, and bytes again of them.
KEEP_BAD_BYTES = "skxent-keep-bad-bytes"
# Bytes of a mark.
MARK_BYTES = 3
# The bytes of one error: the first one's mark, and those of the others.
_ERROR = re.compile(rb"\xed[\xa0-\xb3][\x80-\xbf](?:\xed[\xb4-\xbf][\x80-\xbf])*")
# What each way to treat errors makes of one.
_REPLACEMENTS = {"replace": "\ufffd".encode(), "ignore": b""}
# The first bytes of a Parquet file: its name, and what no text has there.
_PARQUET = re.compile(rb"PAR1[\x00-\x08\x0e-\x1f]")
_PARQUET_BYTES = 5
# What a tar archive has at this byte.
_TAR, _TAR_PLACE = b"ustar", 257
# JSON that Polars may read in another way than JSON means it: texts made of numbers or objects; besides these, halves
# of surrogate pairs, see _half_pairs.
_NO_TEXT = r"^\s*(?:[-\d\[{]|true|false|NaN|Infinity)"
# Whether a byte, after the d of an escaped surrogate, makes it the first or the second of a pair.
_FIRST, _SECOND = (np.isin(np.arange(256), list(digits)) for digits in (b"89abAB", b"cdefCDEF"))
# Bytes of an escaped surrogate.
_ESCAPE_BYTES = 6


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
    ends_line : bool
        False when the next block goes on with the same line.
    documents : Documents, optional
        The documents that the block is made of, when the corpus is made of documents and not of lines.
    has_marks : bool
        Whether bytes that could not be decoded are in ``raw`` as marks, see ``BAD_BYTE``.
    """

    data: bytes
    raw: bytes
    n_bytes: int
    n_characters: int
    ends_line: bool = True
    documents: Documents | None = None
    has_marks: bool = False


class Piece(NamedTuple):
    """A block that is still to be made, which is work that another thread or process can do.

    Attributes
    ----------
    path : str
        The file.
    size : int
        About how many bytes it has.
    make : callable
        Returns the :class:`Block`.
    ends_line : bool
        Whether the block ends its line.
    first : int
        Number of its first line in the file, from 1.
    """

    path: str
    size: int
    make: Callable[[], Block]
    ends_line: bool = True
    first: int = 1


def join_blocks(blocks: Sequence[Block]) -> Block:
    """Make one block of several, of which all but the last end their line."""
    if len(blocks) == 1:
        return blocks[0]
    listed = [block.documents for block in blocks if block.documents is not None]
    return Block(
        b"".join(block.data for block in blocks),
        b"".join(block.raw for block in blocks),
        sum(block.n_bytes for block in blocks),
        sum(block.n_characters for block in blocks),
        blocks[-1].ends_line,
        _join_documents(listed) if listed else None,
        any(block.has_marks for block in blocks),
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


def expand_paths(patterns: Iterable[str | Path]) -> list[str]:
    """File names that the patterns stand for, in order; ``"-"`` (standard input) stays as it is.

    Raises
    ------
    CorpusError
        When a pattern matches nothing.

    Examples
    --------
    >>> expand_paths(["-"])
    ['-']
    """
    paths: list[str] = []
    for pattern in map(str, patterns):
        exact = pattern == "-" or Path(pattern).exists()
        matches = [pattern] if exact else sorted(glob.glob(pattern, recursive=True))
        if not matches:
            raise CorpusError(f"{pattern}: no such file")
        paths += matches
    return paths


@cache
def _is_utf8(encoding: str, errors: str) -> bool:
    """Say if an encoding is UTF-8; refuse one that does not exist or is none of text, and an unknown error handler."""
    try:
        for handler in ("strict", KEEP_BAD_BYTES):
            with suppress(UnicodeDecodeError, UnicodeEncodeError):
                b"a".decode(encoding, handler)
    except (LookupError, UnicodeError) as error:
        is_unknown = isinstance(error, LookupError) and "text encoding" not in str(error)
        reason = "is unknown" if is_unknown else "is not an encoding of text"
        raise ValueError(f"encoding {encoding!r} {reason}") from None
    if errors not in DECODE_ERRORS:
        raise ValueError(f"errors={errors!r}; choose from {', '.join(DECODE_ERRORS)}")
    return codecs.lookup(encoding).name == "utf-8"


def read_pieces(
    path: str | Path,
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    field: str | None = None,
    keep_records: bool = False,
    skip_bad_records: bool = False,
    texts: bool = True,
    block_bytes: int = BLOCK_BYTES,
    whole_lines: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Piece]:
    """Read one file in blocks.

    Parameters
    ----------
    path : str or Path
        A file, or ``"-"`` for standard input.
    encoding, errors : str
        As in :func:`open`; a byte-order mark is dropped.
    field : str, optional
        The column of a Parquet file, or the key in a file of JSON lines, that holds the text.
    keep_records : bool, default=False
        Whether the blocks of documents have their whole records.
    skip_bad_records : bool, default=False
        Whether a line that is no JSON object with text in the field is left out and noted; else it is an error.
    texts : bool, default=True
        False if only the lines of JSON are needed, all of which are known to be records.
    block_bytes : int
        Bytes to read at a time.
    whole_lines : bool, default=False
        Cut no line, however long.
    progress : callable, optional
        Called with the number of bytes of the file that were read since the last call.

    Yields
    ------
    Piece

    Raises
    ------
    CorpusError
        When the file is missing, unreadable, damaged, cut short, or cannot be decoded, or lacks the field; some of it
        only when a block is made.
    """
    is_utf8 = _is_utf8(encoding, errors)
    path = str(path)
    chunks = read_chunks(path, block_bytes, progress)
    first = next(chunks, b"")
    if is_parquet(first):
        if not is_regular_file(path):
            raise CorpusError(f"{path}: Parquet cannot be read from a stream: save it to a file first")
        if not file_is_parquet(path):
            raise CorpusError(f"{path}: a compressed Parquet file cannot be read; unpack it")
        return _parquet_pieces(path, field, keep_records, block_bytes)
    if first[_TAR_PLACE : _TAR_PLACE + len(_TAR)] == _TAR:
        raise CorpusError(
            f"{path}: a tar archive cannot be read; unpack it, e.g. tar -xOf FILE | skxent-perplexity ... -"
        )
    if is_compressed(first):
        raise CorpusError(f"{path}: is compressed twice; unpack it once")
    n_left_out = len(codecs.BOM_UTF8) if is_utf8 and first.startswith(codecs.BOM_UTF8) else 0
    chunks = chain([first[n_left_out:]], chunks)
    encoded = chunks if is_utf8 else _as_utf8(_decode(path, encoding, errors, chunks), errors)
    repair: _Repair = partial(_valid_utf8, path, errors) if is_utf8 else partial(_without_bad_bytes, errors)
    has_marks = not is_utf8 and errors != "strict"
    parts = _cut(encoded, whole_lines or field is not None, n_left_out)
    if field is None:
        return (Piece(path, len(p[0]), partial(_text_block, repair, has_marks, *p), p[1], p[3] + 1) for p in parts)
    # Each bad byte becomes half of a surrogate pair; in other encodings than UTF-8 it is one already.
    bad_bytes = "surrogateescape" if is_utf8 else "surrogatepass"
    json_lines = _JsonLines(path, field, repair, keep_records, skip_bad_records, texts, bad_bytes)
    return (Piece(path, len(p[0]), partial(json_lines.block, *p)) for p in parts)


def is_parquet(head: bytes) -> bool:
    """Return whether a file is Parquet, by its first bytes."""
    return _PARQUET.match(head) is not None


def file_is_parquet(path: str) -> bool:
    """Return whether a file is Parquet; a pipe is none, whose first bytes are not to be taken from it.

    Raises
    ------
    CorpusError
        When it cannot be read.
    """
    if not is_regular_file(path):
        return False
    try:
        with open(path, "rb") as file:
            return is_parquet(file.read(_PARQUET_BYTES))
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror or error}") from None


def _keep_bad_bytes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Decode each bad byte as half of a surrogate pair, its mark, and encode marks as the bytes that they were."""
    if isinstance(error, UnicodeDecodeError):
        first, *others = error.object[error.start : error.end]
        return "".join(map(chr, [_FIRST_MARK + first, *(_NEXT_MARK + byte for byte in others)])), error.end
    if isinstance(error, UnicodeEncodeError) and _FIRST_MARK <= ord(error.object[error.start]) < _NEXT_MARK + 256:
        end = error.start + 1
        while end < len(error.object) and _NEXT_MARK <= ord(error.object[end]) < _NEXT_MARK + 256:
            end += 1
        bad = bytes(ord(mark) % 256 for mark in error.object[error.start : end])
        is_whole = len(bad) % _UNIT_BYTES.get(error.encoding[:6], 1) == 0
        return bad if is_whole else "?", end
    raise error


codecs.register_error(KEEP_BAD_BYTES, _keep_bad_bytes)


def _as_utf8(texts: Iterable[str], errors: str) -> Iterator[bytes]:
    """Encode a text, the marks of bad bytes included if there may be any."""
    return (text.encode("utf-8", "replace" if errors == "strict" else "surrogatepass") for text in texts)


def _without_bad_bytes(errors: str, raw: bytes, n_bytes: int, n_lines: int) -> bytes:
    """Put what the error handler says in the places of marks."""
    return raw if errors == "strict" else _ERROR.sub(_REPLACEMENTS[errors], raw)


def _decode(path: str, encoding: str, errors: str, chunks: Iterable[bytes]) -> Iterator[str]:
    """Decode another encoding than UTF-8, without its byte-order mark."""
    decoder = codecs.getincrementaldecoder(encoding)("strict" if errors == "strict" else KEEP_BAD_BYTES)
    n_bytes = n_lines = 0
    is_first = True
    for chunk in chain(chunks, [b""]):
        n_pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, not chunk)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(encoding, "replace")
            line, byte = n_lines + good.count("\n") + 1, n_bytes - n_pending + error.start
            raise UndecodableError(f"{path}: line {line}, byte {byte}: not valid {encoding} ({error.reason})") from None
        except UnicodeError as error:
            problem = f"{path}: not valid {encoding} ({error})"
            unmarked = codecs.lookup(encoding).name
            if unmarked in _UNIT_BYTES:  # without a byte-order mark
                raise CorpusError(f"{problem}; name the order of its bytes: {unmarked}-le or {unmarked}-be") from None
            raise UndecodableError(problem) from None
        yield text.removeprefix("\ufeff") if is_first else text
        is_first = is_first and not text
        n_bytes, n_lines = n_bytes + len(chunk), n_lines + text.count("\n")


def _cut(chunks: Iterable[bytes], whole_lines: bool, n_bytes: int) -> Iterator[tuple[bytes, bool, int, int]]:
    """Cut behind a newline, or in a long line behind other white space; ``n_bytes`` come before it all.

    Yields
    ------
    tuple of (bytes, bool, int, int)
        The part, whether a line ends with it, and how many bytes and lines come before it.
    """
    pending: list[bytes] = []
    n_lines = 0
    is_ended = True
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        cut = end or (0 if whole_lines else _end_of_space(chunk))
        if not cut:
            pending.append(chunk)
            continue
        part = b"".join([*pending, chunk[:cut]])
        yield part, bool(end), n_bytes, n_lines
        n_bytes, n_lines = n_bytes + len(part), n_lines + count_newlines(part)
        is_ended, pending = bool(end), [chunk[cut:]]
    last = b"".join(pending)
    if last or not is_ended:
        yield last, True, n_bytes, n_lines


def _end_of_space(chunk: bytes) -> int:
    """Where the last white space ends; 0 if there is none."""
    return max((chunk.rfind(space) + len(space) for space in SPACES if space in chunk), default=0)


# Makes valid UTF-8 of bytes; it is told how many bytes and lines come before them.
_Repair = Callable[[bytes, int, int], bytes]


def _text_block(repair: _Repair, has_marks: bool, raw: bytes, ends_line: bool, n_bytes: int, n_lines: int) -> Block:
    data = repair(raw, n_bytes, n_lines)
    n_characters = len(data) if data.isascii() else _n_characters(data)
    newline = b"\n" if ends_line and not raw.endswith(b"\n") else b""
    given = raw + newline
    size = len(raw) - (MARK_BYTES - 1) * (len(BAD_BYTE.findall(raw)) if has_marks else 0)
    return Block(given if data is raw else data + newline, given, size, n_characters, ends_line, has_marks=has_marks)


def _n_characters(data: bytes) -> int:
    return int(np.count_nonzero((np.frombuffer(data, np.uint8) & 0xC0) != 0x80))


def _valid_utf8(path: str, errors: str, raw: bytes, n_bytes: int, n_lines: int) -> bytes:
    """Return the bytes themselves if they are UTF-8, else with what the error handler makes of them."""
    try:
        check_utf8(raw)
    except UnicodeDecodeError as error:
        if errors != "strict":
            return raw.decode("utf-8", errors).encode()
        line = n_lines + raw[: error.start].count(b"\n") + 1
        is_utf16 = n_bytes == 0 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        reason = "it begins as utf-16 does" if is_utf16 else error.reason
        raise UndecodableError(
            f"{path}: line {line}, byte {n_bytes + error.start}: not valid utf-8 ({reason})"
        ) from None
    return raw


def pieces_of_texts(texts: Iterable[str], block_bytes: int = BLOCK_BYTES) -> Iterator[Piece]:
    """Blocks of documents held as strings; a document is at least one line."""
    batch: list[str] = []
    size = n_before = 0
    for text in texts:
        batch.append(text)
        size += len(text) + 1
        if size >= block_bytes:
            yield Piece("", size, partial(_block_of_list, batch, n_before))
            n_before += len(batch)
            batch, size = [], 0
    if batch:
        yield Piece("", size, partial(_block_of_list, batch, n_before))


def _block_of_list(texts: list[str], n_before: int) -> Block:
    return _block_of_documents(texts, np.arange(n_before + 1, n_before + len(texts) + 1))


def _block_of_documents(
    texts: pl.Series | list[str],
    numbers: Integers,
    records: pl.DataFrame | list[str] | None = None,
    problems: tuple[str, ...] = (),
) -> Block:
    data, n_bytes, n_characters, is_open = _ended_list(texts) if isinstance(texts, list) else _ended_column(texts)
    newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == 0x0A)
    n_lines = np.diff(np.searchsorted(newlines, np.cumsum(n_bytes + is_open)), prepend=0)
    documents = Documents(n_bytes, n_characters, n_lines, numbers, records, problems)
    return Block(data, data, int(n_bytes.sum()), int(n_characters.sum()), documents=documents)


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


def _lines_of(data: bytes) -> list[str]:
    return data.removesuffix(b"\n").decode().split("\n")


def _lines_at(data: bytes, at: Integers) -> list[str]:
    """Return the lines at some positions."""
    if not len(at):
        return []
    ends = np.append(np.flatnonzero(np.frombuffer(data, np.uint8) == 0x0A), len(data))
    starts = np.append(0, ends[:-1] + 1)
    return [data[i:j].decode() for i, j in zip(starts[at].tolist(), ends[at].tolist(), strict=True)]


def _doubtful(texts: pl.Series, data: bytes) -> Integers:
    """Return the positions of texts that are to be read again one by one, out of their lines."""
    at = (
        texts.to_frame("text")
        .select(pl.col("text").str.contains(_NO_TEXT).fill_null(True).arg_true())["text"]
        .to_numpy()
    )
    halves = _half_pairs(data)
    if not len(halves):
        return at
    newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == 0x0A)
    return np.union1d(at, np.searchsorted(newlines, halves))


def _half_pairs(data: bytes) -> Integers:
    r"""Return where escaped surrogates such as ``\ud83d`` may be without the other half of their pair.

    One after another backslash may be no escape, so that it is no half of a pair either.
    """
    text = np.frombuffer(data, np.uint8)
    is_escape = (text[:-3] == 0x5C) & (text[1:-2] == 0x75) & (text[2:-1] | 0x20 == 0x64)
    at = np.flatnonzero(is_escape)
    first, second = at[_FIRST[text[at + 3]]], at[_SECOND[text[at + 3]]]
    halves = np.concatenate([first, second])
    has_other = np.concatenate([np.isin(first + _ESCAPE_BYTES, second), np.isin(second - _ESCAPE_BYTES, first)])
    return halves[~has_other | (halves > 0) & (text[halves - 1] == 0x5C)]


def count_newlines(data: bytes) -> int:
    """Count newlines, in a sixth of the time that ``bytes.count`` takes where lines are short and many."""
    if len(data) < _FEW_BYTES:
        return data.count(b"\n")
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == 0x0A))


@dataclass(frozen=True)
class _JsonLines:
    """Finds the text in lines of JSON."""

    path: str
    field: str
    repair: _Repair
    keep_records: bool
    skip_bad_records: bool
    texts: bool
    bad_bytes: str

    def block(self, raw: bytes, ends_line: bool, n_bytes: int, n_lines: int) -> Block:
        """Make a block of the documents of some lines."""
        data = self.repair(raw, n_bytes, n_lines)
        if not self.texts:
            return self._lines_alone(data, n_lines)
        block = self._documents_in(data, n_lines)
        return block if data is raw or data == raw else self._with_bad_bytes(block, raw, data, n_lines)

    def _documents_in(self, data: bytes, n_lines: int) -> Block:
        """Make a block of lines that can all be decoded."""
        n_records = count_newlines(data) + (not data.endswith(b"\n"))
        if len(data) >= _LONG_LINE * n_records:
            lines, numbers = self._records_in(data, n_lines)
            return self._block_of(*self._texts_one_by_one(lines, numbers), numbers, lines)
        texts = self._texts_at_once(data)
        if texts is None or len(texts) != n_records:
            return self._checked_block(data, n_lines)
        at = _doubtful(texts, data)
        mended, problems = self._mended(texts, at, _lines_at(data, at), at + n_lines + 1)
        lines = _lines_of(data) if self.keep_records else []
        return self._block_of(mended, problems, np.arange(n_lines + 1, n_lines + n_records + 1), lines)

    def _with_bad_bytes(self, block: Block, raw: bytes, data: bytes, n_lines: int) -> Block:
        """Count each byte that could not be decoded as one byte, whatever was put in its place."""
        documents = block.documents
        assert documents is not None
        pairs = enumerate(zip(raw.split(b"\n"), data.split(b"\n"), strict=True), n_lines + 1)
        lines = {number: line for number, (line, repaired) in pairs if line != repaired}
        n_bytes = documents.n_bytes.copy()
        for i in np.flatnonzero(np.isin(documents.numbers, list(lines))).tolist():
            with suppress(ValueError):  # what could not be decoded was not in the text
                line = lines[documents.numbers[i]].decode("utf-8", self.bad_bytes)
                n_bytes[i] = len(_json_text(line, self.field).encode())
        return replace(block, n_bytes=int(n_bytes.sum()), documents=replace(documents, n_bytes=n_bytes))

    def _lines_alone(self, data: bytes, n_lines: int) -> Block:
        """Make a block of whole lines whose texts are not needed."""
        lines, numbers = self._records_in(data, n_lines)
        nothing = np.zeros(len(lines), dtype=np.int64)
        return Block(data, data, len(data), 0, True, Documents(nothing, nothing, nothing, numbers, lines))

    def _checked_block(self, data: bytes, n_lines: int) -> Block:
        """Make a block of lines of which some may be blank, no records, or other than what Polars reads."""
        lines, numbers = self._records_in(data, n_lines)
        data = "\n".join(lines).encode()
        texts = self._texts_at_once(data)
        if texts is None or len(texts) != len(lines):
            return self._block_of(*self._texts_one_by_one(lines, numbers), numbers, lines)
        at = _doubtful(texts, data)
        mended, problems = self._mended(texts, at, [lines[i] for i in at], numbers[at])
        return self._block_of(mended, problems, numbers, lines)

    def _mended(
        self, texts: pl.Series, at: Integers, lines: list[str], numbers: Integers
    ) -> tuple[pl.Series, list[str]]:
        """Read the lines of the doubtful texts again; null, and a word about it, for what is wrong."""
        if not len(at):
            return texts, []
        checked, problems = self._texts_one_by_one(lines, numbers)
        was_right = texts.gather(at).to_list() == checked
        return texts if was_right else texts.scatter(at, checked), problems

    def _block_of(
        self, texts: pl.Series | list[str | None], problems: list[str], numbers: Integers, lines: list[str]
    ) -> Block:
        """Make a block of the documents that have a text."""
        if problems:
            is_good = [text is not None for text in texts]
            texts, numbers, lines = list(compress(texts, is_good)), numbers[is_good], list(compress(lines, is_good))
        records = lines if self.keep_records else None
        return _block_of_documents(cast("pl.Series | list[str]", texts), numbers, records, tuple(problems))

    def _records_in(self, data: bytes, n_lines: int) -> tuple[list[str], Integers]:
        """Return the lines that are not blank, and their numbers."""
        lines = _lines_of(data)
        is_record = [not line.isspace() and line != "" for line in lines]
        return list(compress(lines, is_record)), n_lines + 1 + np.flatnonzero(is_record)

    def _texts_at_once(self, data: bytes) -> pl.Series | None:
        """Read all lines by Polars, if it can."""
        try:
            return pl.read_ndjson(io.BytesIO(data), schema={self.field: pl.String})[self.field]
        except pl.exceptions.PolarsError:
            return None

    def _texts_one_by_one(self, lines: list[str], numbers: Integers) -> tuple[list[str | None], list[str]]:
        """Read line by line; null, and a word about it, for what is wrong."""
        texts: list[str | None] = []
        problems = []
        for line, number in zip(lines, numbers.tolist(), strict=True):
            try:
                texts.append(_json_text(line, self.field))
            except ValueError as error:
                problems.append(f"{self.path}: line {number}: {error}")
                texts.append(None)
        if problems and not self.skip_bad_records:
            raise CorpusError(problems[0])
        return texts, problems


def _json_text(line: str, field: str) -> str:
    """Return the text; null is an empty document, and half of a surrogate pair a question mark."""
    record = _json_value(line)
    if not isinstance(record, dict):
        raise ValueError(f"no field {field!r}: it is {_JSON_KINDS[type(record)]}; expected one object a line")
    if field not in record:
        raise ValueError(f"no field {field!r}" + (f"; there is {_names(record)}" if record else ": it is empty"))
    text = record[field]
    if not isinstance(text, str | None):
        raise ValueError(f"field {field!r} is {_JSON_KINDS[type(text)]}, not text")
    return text if text and text.isascii() else (text or "").encode("utf-8", "replace").decode()


def _names(record: dict[str, Any]) -> str:
    names = ", ".join(map(repr, islice(reversed(record), _NAMES_SHOWN)))
    return names + ", ..." * (len(record) > _NAMES_SHOWN)


def _json_value(line: str) -> Any:
    try:
        return _DECODER.decode(line)
    except RecursionError:
        raise ValueError("not valid JSON for this reader: nested too deeply") from None
    except json.JSONDecodeError as error:
        if line.startswith("\ufeff"):
            raise ValueError("it begins with a byte-order mark, which only a file may have") from None
        if line.lstrip().startswith("["):
            raise ValueError("an array that goes on in other lines; expected one object a line") from None
        advice = "" if line.lstrip()[:1] in '{["' else "; a file of plain text is read without a field"
        raise ValueError(
            f"not valid JSON: {error.msg.removesuffix(' at')} at character {error.colno}{advice}"
        ) from None


# What JSON calls the types that Python makes of its values, and the most fields that an error names.
_JSON_KINDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}
_NAMES_SHOWN = 8


def _first_ones(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; of a key that comes twice the first value counts, as Polars has it."""
    return dict(reversed(pairs))


# What numbers are does not matter, and those of very many digits would be an error.
_DECODER = json.JSONDecoder(parse_int=len, object_pairs_hook=_first_ones)


def _parquet_pieces(path: str, field: str | None, keep_records: bool, block_bytes: int) -> Iterator[Piece]:
    if field is None:
        raise CorpusError(f"{path}: name the column that holds the text (field)")
    n_rows = 0
    try:
        frame = pl.scan_parquet(path, glob=False)
        schema = frame.collect_schema()
        if schema.get(field) not in (pl.String, pl.Categorical, pl.Enum):
            kinds = ", ".join(f"{name} ({kind})" for name, kind in schema.items())
            raise CorpusError(f"{path}: no text column {field!r}; its columns are {kinds}")
        columns = pl.all() if keep_records else pl.col(field)
        for batch in frame.select(columns).collect_batches():
            for rows in _slices(batch, field, block_bytes):
                numbers = np.arange(n_rows + 1, n_rows + rows.height + 1)
                n_rows += rows.height
                yield Piece(path, block_bytes, partial(_parquet_block, rows, field, numbers, keep_records))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CorpusError(f"{path}: {str(error).splitlines()[0]}") from None


def _slices(batch: pl.DataFrame, field: str, block_bytes: int) -> Iterator[pl.DataFrame]:
    """Cut a batch so that the texts of each slice are about the size of a block."""
    size = int(batch[field].cast(pl.String).str.len_bytes().sum() or 0)
    n_rows = max(1, -(-batch.height * block_bytes // max(size, 1)))
    return batch.iter_slices(n_rows)


def _parquet_block(rows: pl.DataFrame, field: str, numbers: Integers, keep_records: bool) -> Block:
    texts = rows[field].cast(pl.String).fill_null("")
    return _block_of_documents(texts, numbers, rows if keep_records else None)
