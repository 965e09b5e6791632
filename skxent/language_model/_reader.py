"""Read a corpus in blocks of whole words; every error names the file and the place.

A corpus is made of lines, or of documents: the records of JSON lines or Parquet that have the text in one field.
"""

from __future__ import annotations

import codecs
import glob
import operator
import os.path
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from skxent._polars import pl
from skxent._typing import Integers
from skxent.language_model._blocks import (
    BLOCK_BYTES,
    Block,
    Part,
    Piece,
    Repair,
    block_of_documents,
    count_newlines,
    join_blocks,
)
from skxent.language_model._decompress import is_compressed, is_regular_file, open_text
from skxent.language_model._errors import CorpusError, UndecodableError
from skxent.language_model._json_lines import JsonLines
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
        # What pathlib says counts, such as that a folder may not be searched; to ask os.path takes a third of the time.
        exact = pattern == "-" or os.path.exists(pattern) or Path(pattern).exists()
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
    paths: Iterable[str | Path],
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
    """Read files in blocks, small files together.

    Parameters
    ----------
    paths : iterable of str or Path
        Files; ``"-"`` is standard input.
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
        Called with the number of bytes of a file that were read since the last call.

    Yields
    ------
    Piece

    Raises
    ------
    CorpusError
        When a file is missing, unreadable, damaged, cut short, or cannot be decoded, or lacks the field; some of it
        only when a block is made.
    """
    is_utf8 = _is_utf8(encoding, errors)
    repair: Repair = partial(_valid_utf8, errors) if is_utf8 else partial(_without_bad_bytes, errors)
    make_block: Callable[[list[Part]], Block]
    if field is None:
        make_block = partial(_text_block, repair, not is_utf8 and errors != "strict")
    else:
        # Each bad byte becomes half of a surrogate pair; in other encodings than UTF-8 it is one already.
        bad_bytes = "surrogateescape" if is_utf8 else "surrogatepass"
        settings = field, repair, keep_records, skip_bad_records, texts, bad_bytes
        make_block = partial(_json_block, settings)
    decode = None if is_utf8 else partial(_decode, encoding, errors)
    read_rows = partial(_parquet_pieces, field, keep_records, block_bytes)
    parts = _parts(paths, decode, read_rows, whole_lines or field is not None, block_bytes, progress)
    return _together(parts, make_block, block_bytes)


# Decodes the bytes of a file, and encodes them as UTF-8.
_Decode = Callable[[str, Iterable[bytes]], Iterator[bytes]]


def _parts(
    paths: Iterable[str | Path],
    decode: _Decode | None,
    read_rows: Callable[[str], Iterator[Piece]],
    whole_lines: bool,
    block_bytes: int,
    progress: Callable[[int], None] | None,
) -> Iterator[Part | Piece]:
    """Read text in parts, and files of Parquet in pieces."""
    for path in map(str, paths):
        first, rest = open_text(path, block_bytes, progress)
        if rest is not None:
            first = next(rest, b"")
            if is_compressed(first):
                raise CorpusError(f"{path}: is compressed twice; unpack it once")
        if is_parquet(first):
            _check_parquet(path)
            yield from read_rows(path)
            continue
        if first[_TAR_PLACE : _TAR_PLACE + len(_TAR)] == _TAR:
            advice = "unpack it, e.g. tar -xOf FILE | skxent-perplexity ... -"
            raise CorpusError(f"{path}: a tar archive cannot be read; {advice}")
        n_left_out = len(codecs.BOM_UTF8) if decode is None and first.startswith(codecs.BOM_UTF8) else 0
        if rest is None and decode is None:
            yield Part(path, first[n_left_out:], n_left_out)
            continue
        chunks = chain([first[n_left_out:]], rest or ())
        del first  # whose memory is not needed while the rest is worked on
        yield from _cut(path, chunks if decode is None else decode(path, chunks), whole_lines, n_left_out)


def _together(parts: Iterable[Part | Piece], make_block: Callable[[list[Part]], Block], size: int) -> Iterator[Piece]:
    """Make pieces of parts: whole files of about so many bytes, or one part of a large file.

    What cannot be read is a piece as well, so that the error comes after all that was read before.
    """
    group: list[Part] = []
    n_bytes = 0
    try:
        for part in parts:
            is_small = isinstance(part, Part) and part.number is None and n_bytes + len(part.raw) <= size
            if group and (group[-1].number is not None or not is_small):
                piece, group, n_bytes = _piece(make_block, group), [], 0
                yield piece
            if isinstance(part, Part):
                group.append(part)
                n_bytes += len(part.raw)
            else:
                yield part
        unread = None
    except CorpusError as error:
        unread = error.with_traceback(None)  # which would keep the file open
    if group:
        yield _piece(make_block, group)
    if unread is not None:
        yield Piece([], partial(_raise, unread))


def _raise(error: CorpusError) -> Block:
    raise error


def _piece(make_block: Callable[[list[Part]], Block], parts: list[Part]) -> Piece:
    first, last = parts[0], parts[-1]
    paths = [part.path for part in parts]
    files = partial(_pieces_of_files, make_block, parts if len(parts) > 1 else [])
    return Piece(paths, partial(make_block, parts), last.ends_line, first.n_lines + 1, first.number, files)


def _pieces_of_files(make_block: Callable[[list[Part]], Block], parts: list[Part]) -> list[Piece]:
    return [_piece(make_block, [part]) for part in parts]


def _check_parquet(path: str) -> None:
    if not is_regular_file(path):
        raise CorpusError(f"{path}: Parquet cannot be read from a stream: save it to a file first")
    if not file_is_parquet(path):
        raise CorpusError(f"{path}: a compressed Parquet file cannot be read; unpack it")


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


def _without_bad_bytes(errors: str, part: Part) -> bytes:
    """Put what the error handler says in the places of marks."""
    return part.raw if errors == "strict" else _ERROR.sub(_REPLACEMENTS[errors], part.raw)


def _decode(encoding: str, errors: str, path: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Make UTF-8 of another encoding, without its byte-order mark."""
    return _as_utf8(_decoded(encoding, errors, path, chunks), errors)


def _decoded(encoding: str, errors: str, path: str, chunks: Iterable[bytes]) -> Iterator[str]:
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


def _cut(path: str, chunks: Iterable[bytes], whole_lines: bool, n_bytes: int) -> Iterator[Part]:
    """Cut behind a newline, or in a long line behind other white space; ``n_bytes`` come before it all."""
    pending: list[bytes] = []
    n_lines = number = 0
    for chunk, following in pairwise(chain(filter(None, chunks), [None])):
        assert chunk is not None
        # The last chunk is not cut, so that a small file is one part.
        end = len(chunk) if following is None else chunk.rfind(b"\n") + 1
        cut = end or (0 if whole_lines else _end_of_space(chunk))
        if not cut:
            pending.append(chunk)
            continue
        raw = b"".join([*pending, chunk[:cut]])
        pending = [chunk[cut:]]
        del chunk  # whose memory is not needed while the part is worked on
        is_whole = number == 0 and following is None
        yield Part(path, raw, n_bytes, n_lines, None if is_whole else number, bool(end))
        n_bytes, n_lines, number = n_bytes + len(raw), n_lines + count_newlines(raw), number + 1
    if number == 0:
        yield Part(path, b"", n_bytes)


def _end_of_space(chunk: bytes) -> int:
    """Where the last white space ends; 0 if there is none."""
    return max((chunk.rfind(space) + len(space) for space in SPACES if space in chunk), default=0)


def _text_block(repair: Repair, has_marks: bool, parts: list[Part]) -> Block:
    """Make one block of the parts of texts, of which all but the last end their line."""
    raws = [part.raw for part in parts]
    is_open = [part.ends_line and part.raw != b"" and not part.raw.endswith(b"\n") for part in parts]
    raw = _joined(raws, is_open)
    data = raw
    if len(parts) == 1 or not _is_valid(raw):
        repaired = list(map(repair, parts))
        data = raw if all(map(operator.is_, repaired, raws)) else _joined(repaired, is_open)
    ends = np.cumsum(np.array([*map(len, raws)]) + is_open)
    given = ends[is_open] - 1
    n_characters = (len(data) if data.isascii() else _n_characters(data)) - len(given)
    size = len(raw) - len(given) - (MARK_BYTES - 1) * (len(BAD_BYTE.findall(raw)) if has_marks else 0)
    return Block(data, raw, size, n_characters, ends, parts[-1].ends_line, has_marks=has_marks, given=given)


def _joined(texts: Sequence[bytes], is_open: Sequence[bool]) -> bytes:
    """Join texts, with a newline behind those that lack one."""
    return b"".join([text + b"\n" if lacks else text for text, lacks in zip(texts, is_open, strict=True)])


def _is_valid(data: bytes) -> bool:
    try:
        check_utf8(data)
    except UnicodeDecodeError:
        return False
    return True


def _json_block(settings: tuple[Any, ...], parts: list[Part]) -> Block:
    """Make one block of the documents in parts; the settings are those of :class:`JsonLines`, without the path."""
    return join_blocks([JsonLines(part.path, *settings).block(part) for part in parts])


def _n_characters(data: bytes) -> int:
    return int(np.count_nonzero((np.frombuffer(data, np.uint8) & 0xC0) != 0x80))


def _valid_utf8(errors: str, part: Part) -> bytes:
    """Return the bytes themselves if they are UTF-8, else with what the error handler makes of them."""
    path, raw, n_bytes, n_lines, *_ = part
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


def _parquet_pieces(field: str | None, keep_records: bool, block_bytes: int, path: str) -> Iterator[Piece]:
    """Read the rows of a file; one without rows is one piece."""
    if field is None:
        raise CorpusError(f"{path}: name the column that holds the text (field)")
    n_rows = number = 0
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
                yield Piece([path], partial(_parquet_block, rows, field, numbers, keep_records), number=number)
                number += 1
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
