"""Open a corpus and read it in blocks of whole words; every error names the file and the place.

Plain, gzip, bzip2, xz and zstd are told apart by their first bytes, so standard input may be any but zstd.
"""

import bz2
import codecs
import glob
import gzip
import json
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from skxent.language_model._options import DECODE_ERRORS

__all__ = [
    "BLOCK_BYTES",
    "Block",
    "CorpusError",
    "UndecodableError",
    "blocks_of_documents",
    "ensure_newline",
    "expand_paths",
    "read_blocks",
]

# Bytes that are read and counted at a time: the arrays of a block, about 20 times as large, stay below 100 MB.
BLOCK_BYTES = 1 << 21

_FORMATS: list[tuple[re.Pattern[bytes], Callable[..., Any]]] = [
    (re.compile(rb"\x1f\x8b\x08"), lambda raw: gzip.GzipFile(fileobj=raw)),
    (re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), bz2.BZ2File),
    (re.compile(rb"\xfd7zXZ\x00"), lzma.LZMAFile),
]
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd")
_DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError)


class CorpusError(Exception):
    """A corpus cannot be read; the message is one line that names the file and the line or byte."""


class UndecodableError(CorpusError):
    """Bytes that are no text in the encoding; ``problem`` says so without the advice that follows."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem}; give the encoding of the text, or have such bytes replaced (errors='replace'; of an "
            "estimator, decode_error='replace')"
        )
        self.problem = problem


@dataclass(frozen=True)
class Block:
    """A piece of a corpus: whole words, and whole lines unless one line alone is longer than a block.

    Attributes
    ----------
    data : bytes
        UTF-8 that ends with white space; a last line without its newline is given one.
    n_bytes, n_characters : int
        Size of the text itself, without a newline that was given.
    ends_line : bool
        False when the next block goes on with the same line, and then at a word.
    documents : list of str, optional
        The documents that the block is made of, when the corpus is made of documents and not of lines.
    """

    data: bytes
    n_bytes: int
    n_characters: int
    ends_line: bool = True
    documents: list[str] | None = None


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


def _check_encoding(encoding: str, errors: str) -> None:
    """Refuse an encoding or an error handler that does not exist.

    Raises
    ------
    ValueError
        With the name that is wrong.
    """
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise ValueError(f"unknown encoding {encoding!r}") from None
    if errors not in DECODE_ERRORS:
        raise ValueError(f"errors={errors!r}; choose from {', '.join(DECODE_ERRORS)}")


def read_blocks(
    path: str | Path,
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    field: str | None = None,
    block_bytes: int = BLOCK_BYTES,
    whole_lines: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Block]:
    """Read one file in blocks.

    Parameters
    ----------
    path : str or Path
        A file, or ``"-"`` for standard input.
    encoding, errors : str
        As in :func:`open`; a byte-order mark is dropped.
    field : str, optional
        The column of a Parquet file (by its suffix ``.parquet``), or the key in a file of JSON lines, that
        holds the text.
    block_bytes : int
        Bytes to read at a time.
    whole_lines : bool, default=False
        Cut no line, however long.
    progress : callable, optional
        Called with the number of bytes of the file that were read since the last call.

    Yields
    ------
    Block

    Raises
    ------
    CorpusError
        When the file is missing, unreadable, damaged, cut short, or cannot be decoded, or lacks the field.
    """
    _check_encoding(encoding, errors)
    path = str(path)
    if path.endswith(".parquet"):
        batches = _parquet_documents(path, field)
        yield from (block for documents in batches for block in blocks_of_documents(documents, block_bytes))
        return
    texts = _Decoder(path, encoding, errors).decode(_read_chunks(path, block_bytes, progress))
    if field is None:
        yield from _cut_into_blocks(texts, whole_lines)
    else:
        yield from blocks_of_documents(_json_documents(path, field, texts), block_bytes)


def blocks_of_documents(documents: Iterable[str], block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Blocks of whole documents held as strings; a document is at least one line."""
    batch: list[str] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document) + 1
        if size >= block_bytes:
            yield _block_of_documents(batch)
            batch, size = [], 0
    if batch:
        yield _block_of_documents(batch)


def _block_of_documents(documents: list[str]) -> Block:
    data = "".join(map(ensure_newline, documents)).encode("utf-8", "replace")
    n_given = sum(document != ensure_newline(document) for document in documents)
    return Block(data, len(data) - n_given, sum(map(len, documents)), documents=documents)


def ensure_newline(document: str) -> str:
    """Put a newline at the end of a document that has none."""
    return document if document.endswith("\n") else document + "\n"


def _cut_into_blocks(texts: Iterable[str], whole_lines: bool) -> Iterator[Block]:
    pending: list[str] = []
    for text in texts:
        cut = _end_of_whole_lines(text) or (0 if whole_lines else _end_of_whole_words(text))
        if not cut:
            pending.append(text)
            continue
        yield _block("".join([*pending, text[:cut]]))
        pending = [text[cut:]]
    last = "".join(pending)
    if last:
        yield _block(last, newline="" if last.endswith("\n") else "\n")


def _block(text: str, newline: str = "") -> Block:
    data = text.encode("utf-8", "replace")
    ends_line = text.endswith("\n") or bool(newline)
    return Block(data + newline.encode(), len(data), len(text), ends_line)


def _end_of_whole_lines(text: str) -> int:
    return text.rfind("\n") + 1


def _end_of_whole_words(text: str) -> int:
    """Where the last of two words or more begins: both sides of this cut hold a word of the line."""
    words = text.rstrip()
    last = words.rsplit(None, 1)[1:]
    return len(words) - len(last[0]) if last else 0


class _Decoder:
    """Decodes chunks of bytes, and knows where it is when a byte is wrong."""

    def __init__(self, path: str, encoding: str, errors: str) -> None:
        self.path, self.encoding = path, encoding
        self.decoder = codecs.getincrementaldecoder(encoding)(errors)
        self.n_bytes = 0
        self.n_lines = 0

    def decode(self, chunks: Iterable[bytes]) -> Iterator[str]:
        """Texts, the byte-order mark left out."""
        first = True
        for chunk in chunks:
            text = self._decode(chunk)
            yield text.removeprefix("\ufeff") if first else text
            first = first and not text
        yield self._decode(b"", final=True)

    def _decode(self, chunk: bytes, final: bool = False) -> str:
        n_pending = len(self.decoder.getstate()[0])
        try:
            text = self.decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            byte = self.n_bytes - n_pending + error.start
            good = error.object[: error.start].decode(self.encoding, "replace")
            raise UndecodableError(
                f"{self.path}: line {self.n_lines + good.count(chr(10)) + 1}, byte {byte}: not valid "
                f"{self.encoding} ({error.reason})"
            ) from None
        except UnicodeError as error:  # such as UTF-16 and UTF-32 without a byte-order mark
            raise UndecodableError(f"{self.path}: not valid {self.encoding} ({error})") from None
        self.n_bytes += len(chunk)
        self.n_lines += int(np.count_nonzero(np.frombuffer(chunk, dtype=np.uint8) == 0x0A))
        return text


def _read_chunks(path: str, size: int, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    """Read the decompressed file."""
    n_before = 0
    with _open_file(path) as (raw, file):
        while chunk := _read(path, file, size):
            if progress:
                n_read = raw.tell() if raw.seekable() else n_before + len(chunk)
                progress(n_read - n_before)
                n_before = n_read
            yield chunk


def _read(path: str, file: IO[bytes], size: int) -> bytes:
    """About ``size`` bytes, up to the end of a line unless it is very long."""
    try:
        return file.read(size) + file.readline(size)
    except _DAMAGE as error:
        raise CorpusError(f"{path}: cannot be read, it is damaged or cut short: {error}") from None
    except pl.exceptions.PolarsError as error:
        raise CorpusError(f"{path}: cannot be read as zstd with UTF-8 text: {error}") from None


@contextmanager
def _open_file(path: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Open a file, as it lies on disk and as the bytes of its text."""
    try:
        raw: Any = sys.stdin.buffer if path == "-" else open(path, "rb")  # noqa: SIM115
        head: bytes = raw.peek(16)
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror or error}") from None
    try:
        yield raw, _decompressor_of(path, raw, head)
    finally:
        if path != "-":
            raw.close()


def _decompressor_of(path: str, raw: Any, head: bytes) -> Any:
    if _ZSTD.match(head):
        return _ZstdLines(path)
    for magic, opener in _FORMATS:
        if magic.match(head):
            return opener(raw)
    return raw


class _ZstdLines:
    """Reads zstd through Polars, whose lines have lost their carriage returns."""

    def __init__(self, path: str) -> None:
        if path == "-":
            raise CorpusError("-: zstd on standard input is not supported; use zstdcat")
        self.batches = pl.scan_lines(path, glob=False).collect_batches()

    def read(self, size: int) -> bytes:
        """Read the next batch of lines, whatever its size."""
        batch = next(iter(self.batches), None)
        return b"" if batch is None else ("\n".join(batch["line"]) + "\n").encode()

    def readline(self, size: int) -> bytes:
        """Read nothing: batches end with a line."""
        return b""


def _json_documents(path: str, field: str, texts: Iterable[str]) -> Iterator[str]:
    number = 0
    for block in _cut_into_blocks(texts, whole_lines=True):
        for line in block.data.decode().split("\n"):
            number += 1
            if line.strip():
                yield _json_field(line, field, f"{path}: line {number}")
        number -= 1


def _json_field(line: str, field: str, place: str) -> str:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{place}: not valid JSON: {error}") from None
    if not isinstance(record, dict) or field not in record:
        raise CorpusError(f"{place}: no field {field!r}")
    return _as_text(record[field], field, place)


def _as_text(value: object, field: str, place: str) -> str:
    """Check that a field is text; null is an empty document, and half of a surrogate pair a question mark."""
    if not isinstance(value, str | None):
        raise CorpusError(f"{place}: field {field!r} is {type(value).__name__}, not text")
    return (value or "").encode("utf-8", "replace").decode()


def _parquet_documents(path: str, field: str | None) -> Iterator[list[str]]:
    if field is None:
        raise CorpusError(f"{path}: name the column that holds the text (field)")
    try:
        frame = pl.scan_parquet(path, glob=False)
        schema = frame.collect_schema()
        if schema.get(field) not in (pl.String, pl.Categorical):
            raise CorpusError(f"{path}: no text column {field!r}; its columns are {', '.join(schema)}")
        for batch in frame.select(pl.col(field).cast(pl.String).fill_null("")).collect_batches():
            yield batch[field].to_list()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CorpusError(f"{path}: {str(error).splitlines()[0]}") from None
