"""Read a corpus in blocks of whole words; every error names the file and the place.

A corpus is made of lines, or of documents: the records of JSON lines or Parquet that have the text in one field.
"""

from __future__ import annotations

import codecs
import glob
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from skxent._polars import pl
from skxent._typing import Integers
from skxent.language_model._blocks import BLOCK_BYTES, Block, Piece, block_of_documents, count_newlines
from skxent.language_model._decompress import is_compressed, is_regular_file, read_chunks
from skxent.language_model._errors import CorpusError, UndecodableError
from skxent.language_model._json_lines import JsonLines, Repair
from skxent.language_model._options import DECODE_ERRORS
from skxent.language_model._utf8 import check_utf8
from skxent.language_model._word_keys import SPACES

__all__ = [
    "BAD_BYTE",
    "KEEP_BAD_BYTES",
    "MARK_BYTES",
    "expand_paths",
    "file_is_parquet",
    "is_parquet",
    "read_pieces",
]

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
    repair: Repair = partial(_valid_utf8, path, errors) if is_utf8 else partial(_without_bad_bytes, errors)
    has_marks = not is_utf8 and errors != "strict"
    parts = _cut(encoded, whole_lines or field is not None, n_left_out)
    if field is None:
        return (Piece(path, len(p[0]), partial(_text_block, repair, has_marks, *p), p[1], p[3] + 1) for p in parts)
    # Each bad byte becomes half of a surrogate pair; in other encodings than UTF-8 it is one already.
    bad_bytes = "surrogateescape" if is_utf8 else "surrogatepass"
    json_lines = JsonLines(path, field, repair, keep_records, skip_bad_records, texts, bad_bytes)
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
    for chunk, following in pairwise(chain(chunks, [None])):
        assert chunk is not None
        # The last chunk is not cut, so that a small file is one part.
        end = len(chunk) if following is None else chunk.rfind(b"\n") + 1
        cut = end or (0 if whole_lines else _end_of_space(chunk))
        if not cut:
            pending.append(chunk)
            continue
        part = b"".join([*pending, chunk[:cut]])
        is_ended, pending = bool(end), [chunk[cut:]]
        del chunk  # whose memory is not needed while the part is worked on
        yield part, is_ended, n_bytes, n_lines
        if following is None:
            return
        n_bytes, n_lines = n_bytes + len(part), n_lines + count_newlines(part)
    last = b"".join(pending)
    if last or not is_ended:
        yield last, True, n_bytes, n_lines


def _end_of_space(chunk: bytes) -> int:
    """Where the last white space ends; 0 if there is none."""
    return max((chunk.rfind(space) + len(space) for space in SPACES if space in chunk), default=0)


def _text_block(repair: Repair, has_marks: bool, raw: bytes, ends_line: bool, n_bytes: int, n_lines: int) -> Block:
    data = repair(raw, n_bytes, n_lines)
    n_characters = len(data) if data.isascii() else _n_characters(data)
    is_open = ends_line and not raw.endswith(b"\n")
    newline, places = (b"\n", (len(raw),)) if is_open else (b"", ())
    given = raw + newline
    size = len(raw) - (MARK_BYTES - 1) * (len(BAD_BYTE.findall(raw)) if has_marks else 0)
    text = given if data is raw else data + newline
    return Block(text, given, size, n_characters, ends_line, has_marks=has_marks, given=places)


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
    return block_of_documents(texts, numbers, rows if keep_records else None)
