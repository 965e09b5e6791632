"""Open a file as the bytes of its text: plain, gzip, bzip2, xz or zstd, told apart by their first bytes."""

from __future__ import annotations

import bz2
import importlib
import io
import lzma
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from skxent._polars import pl
from skxent.language_model._errors import CorpusError

__all__ = ["is_compressed", "is_regular_file", "open_text", "read_chunks"]

# Bytes that are read of a file to see what it is; a small one is read by that.
_BEGIN_BYTES = 1 << 16
_DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError)
# Bytes of a compressed file that are decompressed at a time. Few, since they may be a thousand times as many then.
_COMPRESSED_BYTES = 1 << 13
# A zstd file may need a window of up to 2 GB (zstd --long=31).
_ZSTD_WINDOW = 1 << 31

# How files are opened: on Windows newlines would be changed otherwise.
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)

Progress = Callable[[int], None]


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


def is_regular_file(path: str) -> bool:
    """Return whether a file can be read again; ``"-"`` cannot, which is standard input even if a file has that name."""
    return path != "-" and os.path.isfile(path)


def read_chunks(path: str, size: int, progress: Progress | None) -> Iterator[bytes]:
    """Read the decompressed file in pieces of about `size` bytes, up to the end of a line unless it is very long.

    Parameters
    ----------
    path : str
        A file, or ``"-"`` for standard input.
    size : int
        Bytes to read at a time.
    progress : callable or None
        Called with the number of bytes of the file that were read since the last call.

    Raises
    ------
    CorpusError
        When the file cannot be read, or not to its end.
    """
    begin, rest = open_text(path, size, progress)
    if rest is not None:
        yield from rest
    elif begin:
        yield begin


def open_text(path: str, size: int, progress: Progress | None) -> tuple[bytes, Iterator[bytes] | None]:
    """Open a file as :func:`read_chunks`, without a generator for small ones.

    Returns
    -------
    tuple of (bytes, iterator of bytes or None)
        The whole of a small file that is not compressed, and None; or the first bytes as they lie on disk, and the
        decompressed file in pieces.
    """
    n = min(size, _BEGIN_BYTES)
    try:
        # The calls of the operating system alone: a file object takes as long as they do.
        file = None if path == "-" else os.open(path, _READ)
        begin = _standard_input().read(n) if file is None else _read_begin(file, n)
        if len(begin) == n or is_compressed(begin):
            raw = _standard_input() if file is None else io.FileIO(file)
            return begin, _rest(path, raw, begin, size, progress)
        if file is not None:
            os.close(file)
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror or error}") from None
    if progress:
        progress(len(begin))
    return begin, None


def _read_begin(file: int, size: int) -> bytes:
    """Read so many bytes, or all that there are; a pipe gives less than is asked for before its end."""
    try:
        begin = os.read(file, size)
        while begin and len(begin) < size and (more := os.read(file, size - len(begin))):
            begin += more
    except BaseException:
        os.close(file)
        raise
    return begin


def _rest(path: str, raw: Any, begin: bytes, size: int, progress: Progress | None) -> Iterator[bytes]:
    """Decompress a file whose first bytes were read."""
    n_before = 0
    try:
        raw = _from_the_start(raw, begin)
        file = _decompressed(path, raw, begin)
        while chunk := _read(path, file, size):
            if progress:
                n_read = raw.tell() if file is not raw and raw.seekable() else n_before + len(chunk)
                progress(n_read - n_before)
                n_before = n_read
            yield chunk
    finally:
        if path != "-":
            raw.close()


def _read(path: str, file: _Readable, size: int) -> bytes:
    try:
        chunk = file.read(size)
        return chunk if chunk.endswith(b"\n") or len(chunk) < size else chunk + file.readline(size // 16)
    except _DAMAGE as error:
        raise CorpusError(f"{path}: cannot be read, it is damaged or cut short: {error}") from None
    except Exception as error:  # of zstandard and Polars, which may not be imported
        if "zstd" not in type(error).__name__.lower() and not isinstance(error, pl.exceptions.PolarsError):
            raise
        advice = _ADVICE if isinstance(error, pl.exceptions.PolarsError) else ""
        raise CorpusError(f"{path}: cannot be read as zstd: {str(error).splitlines()[0]}{advice}") from None


_ADVICE = "; if the file is whole, try: pip install zstandard"


def _standard_input() -> Any:
    if sys.stdin is None or sys.stdin.closed:
        raise CorpusError("-: standard input is closed")
    return sys.stdin.buffer


def _from_the_start(raw: Any, begin: bytes) -> Any:
    """Return a file with a buffer that begins with its first bytes again, which were read to see what it is."""
    file = io.BufferedReader(raw) if isinstance(raw, io.RawIOBase) else raw
    if file.seekable():
        file.seek(-len(begin), io.SEEK_CUR)
        return file
    return io.BufferedReader(_Rejoined(begin, file))


class _Rejoined(io.RawIOBase):
    """A stream with the bytes in front that were read from it."""

    def __init__(self, head: bytes, rest: Any) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the first bytes, then the rest as it comes."""
        data = self._head[: len(buffer)] or self._rest.read1(len(buffer))
        self._head = self._head[len(data) :] if self._head else b""
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the stream, unless it is standard input."""
        if self._rest is not getattr(sys.stdin, "buffer", None):
            self._rest.close()
        super().close()


def is_compressed(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of a compressed one."""
    return _COMPRESSED.match(head) is not None


def _decompressed(path: str, raw: Any, head: bytes) -> _Readable:
    openers = (opener for magic, opener in _FORMATS if magic.match(head))
    file: _Readable = next(openers)(path, raw) if is_compressed(head) else raw
    return file


def _open_zstd(path: str, raw: Any) -> _Readable:
    """Through the standard library (Python 3.14), the package zstandard, or else Polars."""
    for name, starter in (("compression.zstd", _start_standard_library), ("zstandard", _start_zstandard)):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return _read_frames(starter(module))(path, raw)
    return _ZstdLines(path)


def _start_standard_library(module: Any) -> Callable[[], Any]:
    options = {module.DecompressionParameter.window_log_max: _ZSTD_WINDOW.bit_length() - 1}
    return lambda: module.ZstdDecompressor(options=options)


def _start_zstandard(module: Any) -> Callable[[], Any]:
    return lambda: module.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()


class _Decompressor(Protocol):
    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, /) -> bytes: ...


class _Frames(io.RawIOBase):
    """Reads compressed frames, or members or streams, one after the other.

    An error says that the last frame is cut short, or that something else follows the frames. Zeros between and behind
    them are skipped, as they pad files on tapes and in xz.

    Parameters
    ----------
    raw : file object
        The compressed file.
    start : callable
        Makes what decompresses one frame.
    """

    def __init__(self, raw: Any, start: Callable[[], _Decompressor]) -> None:
        self._raw, self._start = raw, start
        self._frame: _Decompressor | None = None
        self._n_frames = 0
        self._output = memoryview(b"")

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Decompress some bytes."""
        while not self._output:
            data = self._raw.read(_COMPRESSED_BYTES)
            if not data:
                if self._frame is not None:
                    raise EOFError("the compressed data do not end")
                return 0
            self._output = memoryview(b"".join(self._decompress(data)))
        given = self._output[: len(buffer)]
        self._output = self._output[len(given) :]
        buffer[: len(given)] = given
        return len(given)

    def _decompress(self, data: bytes) -> Iterator[bytes]:
        while data := data if self._frame else data.lstrip(b"\0"):
            is_new = self._frame is None
            self._frame = self._frame or self._start()
            try:
                yield self._frame.decompress(data)
            except Exception as error:
                if is_new and self._n_frames:
                    raise EOFError("something else follows the compressed data") from error
                raise
            data = self._frame.unused_data
            if self._frame.eof:
                self._frame, self._n_frames = None, self._n_frames + 1


def _read_frames(start: Callable[[], Any]) -> Callable[[str, Any], _Readable]:
    return lambda path, raw: io.BufferedReader(_Frames(raw, start))


class _ZstdLines:
    """Reads zstd through Polars, whose lines have lost their carriage returns."""

    def __init__(self, path: str) -> None:
        if path == "-":
            raise CorpusError("-: zstd on standard input needs the package zstandard: pip install zstandard")
        self.batches = pl.scan_lines(path, glob=False).collect_batches()

    def read(self, size: int) -> bytes:
        """Read the next batch of lines, whatever its size."""
        batch = next(iter(self.batches), None)
        return b"" if batch is None else ("\n".join(batch["line"]) + "\n").encode()

    def readline(self, size: int) -> bytes:
        """Read nothing: batches end with a line."""
        return b""


def _refuse(name: str, command: str) -> Callable[[str, Any], _Readable]:
    def refuse(path: str, raw: Any) -> _Readable:
        raise CorpusError(f"{path}: {name} cannot be read; unpack it, e.g. {command} FILE | skxent-perplexity ... -")

    return refuse


_FORMATS: list[tuple[re.Pattern[bytes], Callable[[str, Any], Any]]] = [
    (re.compile(rb"\x1f\x8b\x08"), _read_frames(lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS))),
    (re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), _read_frames(bz2.BZ2Decompressor)),
    (re.compile(rb"\xfd7zXZ\x00"), _read_frames(lzma.LZMADecompressor)),
    # What came before xz: properties, the size of a window, and the size of the text or that it is not known.
    (re.compile(rb"\x5d\x00\x00..(\xff{8}|.{5}\x00{3})", re.DOTALL), _read_frames(lzma.LZMADecompressor)),
    # A frame of data, or one to be skipped, which pzstd puts first.
    (re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), _open_zstd),
    (re.compile(rb"\x04\x22\x4d\x18"), _refuse("lz4", "lz4cat")),
    (re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"), _refuse("a zip archive", "unzip -p")),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), _refuse("a 7z archive", "7z x -so")),
    (re.compile(rb"\x1f\x9d"), _refuse("a file of compress", "uncompress -c")),
    (re.compile(rb"LZIP\x01"), _refuse("lzip", "lzip -dc")),
    (re.compile(rb"\xff\x06\x00\x00sNaPpY"), _refuse("snappy", "snzip -dc")),
]
_COMPRESSED = re.compile(b"|".join(magic.pattern for magic, _ in _FORMATS), re.DOTALL)
