"""Documents as scikit-learn's text classes take them: texts, lists of tokens, names of files, or open files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from numbers import Number
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skxent.language_model._corpus import Document, checked_documents
from skxent.language_model._decompress import is_compressed
from skxent.language_model._distributed import is_distributed
from skxent.language_model._errors import CorpusError
from skxent.language_model._reader import read_pieces
from skxent.language_model._tokenizers import Tokenize

__all__ = ["DocumentReader", "Text", "check_same_tokens", "encode_lines", "is_matrix", "listed_words"]

# A document: UTF-8, a string, or tokens.
Text = bytes | Document


class DocumentReader:
    """Mixin of estimators that read documents, as their parameters say.

    Attributes
    ----------
    input : {"content", "filename", "file"}
        Whether documents are texts, names of files, or open files.
    encoding, decode_error : str
        How bytes and files are decoded.
    lowercase : bool
        Whether tokens are lower-cased.
    tokenizer : str or callable
        What makes tokens of a line.
    n_jobs : int or None
        Threads, or processes for tokenizers other than white space.
    """

    input: str
    encoding: str
    decode_error: str
    lowercase: bool
    tokenizer: str | Tokenize
    n_jobs: int | None

    def _sources(self, X: Any) -> Any:
        """Return documents, names or files, whichever `input` says; refuse what is a single one of them."""
        if is_distributed(X):
            raise TypeError(
                f"X is a {type(X).__module__}.{type(X).__qualname__}, whose documents are not read here. A language "
                "model's fit and evaluate take it; for figures of each document map its partitions: "
                "bag.map_partitions(lambda texts: model.score_samples(list(texts)))."
            )
        if hasattr(X, "read") or isinstance(X, str | bytes | PathLike | Mapping):
            wanted = "file" if hasattr(X, "read") else "filename" if isinstance(X, PathLike) else self.input
            advice = "put it in a list: [X]" if self.input == wanted else f"read it with input={wanted!r} and [X]"
            raise TypeError(f"expected an iterable of documents, got a single {type(X).__name__}; {advice}")
        if not isinstance(X, Iterable):
            raise TypeError(f"expected an iterable of documents, got {X!r:.60} ({type(X).__name__})")
        X = X.to_pylist() if hasattr(X, "to_pylist") else X  # columns of Arrow hold no strings, but scalars of its own
        return map(_checked_name, X) if self.input == "filename" else X

    def _documents(self, X: Any) -> Iterator[Document]:
        """Yield texts and lists of tokens, of what is no name of a file."""
        read = _text_of_open_file if self.input == "file" else _as_it_is
        sources = enumerate(self._sources(X))
        return checked_documents(self._decoded(read(source), number) for number, source in sources)

    def _listed(self, X: Any) -> tuple[list[Any], Callable[[Any], Text]]:
        """Return what makes documents, and how: names of files, whose texts need not all be in memory, or documents."""
        if self.input == "filename":
            return list(self._sources(X)), self._read_file
        return list(self._documents(X)), _as_it_is

    def _texts(self, X: Any) -> Iterator[Text]:
        """Yield documents in UTF-8, as strings, or as lists of tokens, whichever takes the least work."""
        return map(self._read_file, self._sources(X)) if self.input == "filename" else self._documents(X)

    def _read_file(self, path: str | Path) -> bytes:
        """Read a file as UTF-8; a plain one in one go, which matters where there are many small ones."""
        try:
            data = _whole_file(path)
            if not is_compressed(data):
                is_ascii = data.isascii() and self.encoding == "utf-8"
                return data if is_ascii else _as_utf8(data, self.encoding, self.decode_error)
        except (OSError, UnicodeError):
            pass  # reading it in blocks says what is wrong, and where
        pieces = read_pieces([path], encoding=self.encoding, errors=self.decode_error)
        return b"".join(piece.make().data for piece in pieces)

    def _decoded(self, source: Any, number: int) -> Any:
        if not isinstance(source, bytes):
            return source
        try:
            return source.decode(self.encoding, self.decode_error).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"document {number}, byte {error.start}: not valid {self.encoding} ({error.reason}); give its "
                "encoding, or decode_error='replace'"
            ) from None


def check_same_tokens(readers: Sequence[Any]) -> None:
    """Raise a ValueError if one estimator cuts text into other tokens than another."""
    for name in ("tokenizer", "lowercase"):
        first, *others = (getattr(reader, name) for reader in readers)
        for other in others:
            if other != first:
                raise ValueError(
                    f"one model has {name}={first!r}, another {name}={other!r}: they cut text into different tokens, "
                    "so that their counts and figures do not go together"
                )


def listed_words(vocabulary: Any) -> list[str] | None:
    """Return the words of a closed vocabulary, those of a mapping in the order of its values; None if there is none.

    Raises
    ------
    ValueError
        If it is a single string.
    TypeError
        If one of the words is no string.
    """
    if vocabulary is None:
        return None
    if isinstance(vocabulary, str):
        raise ValueError("vocabulary must be an iterable of words, not one string")
    is_numbered = isinstance(vocabulary, Mapping)
    words = sorted(vocabulary, key=vocabulary.__getitem__) if is_numbered else list(vocabulary)
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"vocabulary holds {word!r:.60} ({type(word).__name__}); words are strings")
    return words


def _checked_name(source: Any) -> Any:
    if not isinstance(source, str | bytes | PathLike):
        raise TypeError(f"input='filename' expects names of files, got {type(source).__name__} {source!r:.60}")
    return os.fsdecode(source) if isinstance(source, bytes) else source


def _whole_file(path: str | Path) -> bytes:
    """Read a file without the layers of a file object, which take as long as a small file does."""
    descriptor = os.open(path, _FLAGS)
    try:
        parts = [os.read(descriptor, _READ_BYTES)]
        while data := os.read(descriptor, _READ_BYTES):
            parts.append(data)
    finally:
        os.close(descriptor)
    return parts[0] if len(parts) == 1 else b"".join(parts)


# Bytes that are read at a time.
_READ_BYTES = 1 << 20
# How files are opened; only Windows has O_BINARY, and not every system O_CLOEXEC.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def _as_utf8(data: bytes, encoding: str, errors: str) -> bytes:
    return data.decode(encoding, errors).removeprefix("\ufeff").encode("utf-8", "replace")


def _as_it_is(source: Any) -> Any:
    return source


def _text_of_open_file(file: Any) -> Any:
    if not hasattr(file, "read"):
        raise TypeError(f"input='file' expects open files, got {type(file).__name__} {file!r:.60}")
    return file.read()


def encode_lines(text: bytes | str) -> bytes:
    """Return a text as UTF-8 with a newline at its end."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return data if data.endswith(b"\n") else data + b"\n"


def is_matrix(X: Any) -> bool:
    """Return whether X holds counts rather than documents: it is two-dimensional, or made of numbers.

    Raises
    ------
    TypeError
        If it is a table of text.
    """
    if issparse(X):
        return True
    if isinstance(X, list | tuple):
        return bool(len(X)) and isinstance(X[0], list | tuple | np.ndarray) and _starts_with_number(X[0])
    if not hasattr(X, "__array__"):
        return False
    array = np.asarray(X)
    if array.ndim > 1 and array.size and isinstance(array.flat[0], str | bytes):
        raise TypeError(
            f"documents come in one dimension, but X is a table of text of shape {array.shape}; pass one column, such "
            "as X[:, 0] or frame['text']. A ColumnTransformer passes one for 'text', a table for ['text']."
        )
    return array.ndim != 1 or array.dtype.kind in "biufc"


def _starts_with_number(row: Any) -> bool:
    return len(row) > 0 and isinstance(row[0], Number)
