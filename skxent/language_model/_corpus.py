"""Count the words of a corpus, in memory set by the number of distinct words.

The corpus comes in blocks (``_reader``).  Threads find white space and count words on arrays of bytes
(``_word_counts``); other tokenizers run line by line in processes.  A corpus then is a table of words and
counts: tables are added, and everything else is computed from them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from skxent._parallel import keep_freed_memory, prefetch
from skxent._polars import pl
from skxent._typing import Array, Integers
from skxent.language_model._blocks import BLOCK_BYTES, Block, Piece, pieces_of_texts
from skxent.language_model._errors import CorpusError
from skxent.language_model._reader import read_pieces
from skxent.language_model._tokenizers import Tokenize, make_tokenizer, space_tokens, tokenize_block, works_on_arrays
from skxent.language_model._vocabulary import Vocabulary
from skxent.language_model._word_counts import BlockCounts, WordCounter, count_block, count_words
from skxent.language_model._word_keys import cut_at_spaces

__all__ = [
    "CorpusCounts",
    "Counted",
    "CountedPiece",
    "Document",
    "block_options",
    "checked_documents",
    "count_files",
    "count_text",
    "count_tokens",
    "count_whole_block",
    "counted_files",
    "counted_text",
    "joined_size",
    "map_in_order",
    "map_pieces",
    "merge_counts",
    "start_workers",
]

Document = str | Sequence[str]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Bytes of text in one task of a worker process: with NLTK's tokenizers about 0.1 to 1 s of work.
_TOKENIZER_BLOCK_BYTES = 1 << 18
_SIZES = ("n_lines", "n_sentences", "n_bytes", "n_characters")


class CorpusCounts:
    """How often each word occurs in a corpus, and how large the corpus is.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns ``word`` (String) and ``count`` (Int64, or Float64 when documents carry fractional weights); each
        word once, in any order.
    n_lines : int
        Lines, the last one included whether or not it ends with a newline.
    n_sentences : int
        Lines that hold at least one token; each closes with one end-of-sentence event.
    n_bytes : int
        Size of the text in bytes of UTF-8, after decompression. A byte that cannot be decoded is one byte.
    n_characters : int
        Code points of text.

    Attributes
    ----------
    vocabulary : Vocabulary
        The distinct words, as strings or as keys.
    counts : ndarray of shape (n_types,)
        The count of each word, aligned with ``words``.

    Examples
    --------
    >>> counts = count_text(["a b a", "b a c"])
    >>> counts.table.rows()
    [('a', 3), ('b', 2), ('c', 1)]
    >>> counts.n_tokens, counts.n_types, counts.n_lines
    (6, 3, 2)
    """

    def __init__(
        self,
        rows: pl.DataFrame,
        n_lines: float = 0,
        n_sentences: float = 0,
        n_bytes: float = 0,
        n_characters: float = 0,
    ) -> None:
        self.vocabulary, self.counts = Vocabulary.of_strings(rows["word"]), rows["count"].to_numpy()
        self.n_lines, self.n_sentences, self.n_bytes, self.n_characters = n_lines, n_sentences, n_bytes, n_characters

    @classmethod
    def of_vocabulary(cls, vocabulary: Vocabulary, counts: Array, **sizes: float) -> CorpusCounts:
        """Make counts of distinct words that need not be strings yet."""
        made = cls.__new__(cls)
        made.vocabulary, made.counts = vocabulary, counts
        vars(made).update(dict.fromkeys(_SIZES, 0) | sizes)
        return made

    @classmethod
    def from_table(cls, table: pl.DataFrame, **sizes: float) -> CorpusCounts:
        """Make counts from rows in any order, in which a word may occur more than once."""
        summed = table.group_by("word", maintain_order=True).agg(pl.col("count").sum())
        return cls(summed.filter(pl.col("count") > 0), **sizes)

    def __repr__(self) -> str:
        """Say what it is in one line, however many words there are."""
        return f"<CorpusCounts: {self.n_tokens:,} tokens, {self.n_types:,} types, {self.n_lines:,} lines>"

    @property
    def words(self) -> pl.Series:
        """The distinct words."""
        return self.vocabulary.strings()

    @property
    def rows(self) -> pl.DataFrame:
        """Columns ``word`` and ``count``; words that were counted here become strings when these are asked for."""
        return pl.DataFrame([self.words.alias("word"), pl.Series("count", self.counts)])

    @property
    def table(self) -> pl.DataFrame:
        """The rows, the most frequent word first, ties in the order of the words' code points."""
        return self.rows.sort(["count", "word"], descending=[True, False])

    def sorted(self) -> CorpusCounts:
        """Return the same counts with the rows in the order of :attr:`table`."""
        return CorpusCounts(self.table, **_sizes_of(self))

    @property
    def n_tokens(self) -> float:
        """Number of tokens."""
        return self.counts.sum().item()

    @property
    def n_types(self) -> int:
        """Number of distinct words."""
        return len(self.counts)

    def __add__(self, other: CorpusCounts) -> CorpusCounts:
        """Add the counts of two corpora."""
        if not isinstance(other, CorpusCounts):
            return NotImplemented
        return merge_counts([self, other])

    def scaled(self, weight: float) -> CorpusCounts:
        """Return the counts as if all text occurred ``weight`` times."""
        factor = int(weight) if float(weight).is_integer() else float(weight)
        rows = self.rows.with_columns(pl.col("count") * factor).filter(pl.col("count") > 0)
        return CorpusCounts(rows, **{name: size * factor for name, size in _sizes_of(self).items()})


def _sizes_of(counts: CorpusCounts | Counted) -> dict[str, float]:
    return {size: getattr(counts, size) for size in _SIZES}


def merge_counts(parts: Sequence[CorpusCounts]) -> CorpusCounts:
    """Add the counts of several corpora; the sum is exactly the counts of the whole."""
    sizes = {size: sum(getattr(part, size) for part in parts) for size in _SIZES}
    filled = [part for part in parts if part.n_types]
    if len(filled) == 1:
        return CorpusCounts.of_vocabulary(filled[0].vocabulary, filled[0].counts, **sizes)
    tables = [pl.DataFrame(schema={"word": pl.String, "count": pl.Int64}), *(part.rows for part in filled)]
    return CorpusCounts.from_table(pl.concat(tables, how="vertical_relaxed"), **sizes)


def count_text(
    documents: Iterable[Document],
    *,
    tokenizer: str | Tokenize = "whitespace",
    lowercase: bool = False,
    n_jobs: int | None = None,
    block_bytes: int | None = None,
) -> CorpusCounts:
    """Count documents held in memory.

    Parameters
    ----------
    documents : iterable of str or of sequences of str
        A string is tokenized line by line; a sequence is taken as the tokens of one line, and its size in
        bytes is that of the tokens joined by blanks.
    tokenizer, lowercase, n_jobs, block_bytes
        As in :func:`count_files`.

    Returns
    -------
    CorpusCounts

    Raises
    ------
    TypeError
        When a single string is passed, whose letters would be counted, or a document is neither kind.
    """
    return counted_text(
        documents, tokenizer=tokenizer, lowercase=lowercase, n_jobs=n_jobs, block_bytes=block_bytes
    ).corpus()


def counted_text(
    documents: Iterable[Document],
    *,
    tokenizer: str | Tokenize = "whitespace",
    lowercase: bool = False,
    n_jobs: int | None = None,
    block_bytes: int | None = None,
) -> Counted:
    """Count documents held in memory as :func:`count_text`, without making strings of the words."""
    lists = _TokenLists()
    options = block_options(tokenizer, block_bytes)
    pieces = pieces_of_texts(lists.set_aside(documents), options["block_bytes"])
    counted = _count_pieces(pieces, tokenizer, lowercase, n_jobs)
    lists.add_to(counted, lowercase)
    return counted


def count_files(
    paths: Iterable[str | Path],
    *,
    tokenizer: str | Tokenize = "whitespace",
    encoding: str = "utf-8",
    errors: str = "strict",
    lowercase: bool = False,
    field: str | None = None,
    skip_bad_records: bool = False,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
    block_bytes: int | None = None,
) -> CorpusCounts:
    """Count the words of files, in memory that depends on the number of distinct words alone.

    Parameters
    ----------
    paths : iterable of str or Path
        Files, plain or compressed with gzip, bzip2, xz or zstd (the last in UTF-8 alone), by their
        contents; ``"-"`` is standard input.
    tokenizer : str or callable, default="whitespace"
        ``"whitespace"`` is :meth:`str.split`; else the name of one of NLTK's tokenizers, or a callable that
        takes a line and returns its tokens.
    encoding, errors : str
        As in :func:`open`.
    lowercase : bool, default=False
        Lower-case the tokens.
    field : str, optional
        The column (Parquet) or the key (JSON lines) that holds the text; of a key that a record has twice, the first.
    skip_bad_records : bool, default=False
        Leave out lines that are no JSON objects with text in the field, instead of an error.
    n_jobs : int, optional
        Threads, or processes for tokenizers other than white space; by default one a core.
    progress : callable, optional
        Called with the number of bytes read since the last call.
    block_bytes : int, optional
        Bytes of text that a worker takes at a time; by default 2 MiB, and 256 KiB for tokenizers other than white
        space. It changes memory and speed, never the counts.

    Returns
    -------
    CorpusCounts

    Raises
    ------
    CorpusError
        When a file cannot be read or decoded.
    """
    return counted_files(
        paths,
        tokenizer=tokenizer,
        encoding=encoding,
        errors=errors,
        lowercase=lowercase,
        field=field,
        skip_bad_records=skip_bad_records,
        n_jobs=n_jobs,
        progress=progress,
        block_bytes=block_bytes,
    ).corpus()


def counted_files(
    paths: Iterable[str | Path],
    *,
    tokenizer: str | Tokenize = "whitespace",
    lowercase: bool = False,
    n_jobs: int | None = None,
    block_bytes: int | None = None,
    **reading: Any,
) -> Counted:
    """Count the words of files as :func:`count_files`, without making strings of the words."""
    options = {**reading, **block_options(tokenizer, block_bytes)}
    return _count_pieces(read_pieces(paths, **options), tokenizer, lowercase, n_jobs)


def block_options(tokenizer: str | Tokenize, block_bytes: int | None) -> dict[str, Any]:
    """Choose blocks that suit the tokenizer: only white space may be found in pieces of a line."""
    if works_on_arrays(make_tokenizer(tokenizer)):
        return {"block_bytes": block_bytes or BLOCK_BYTES}
    return {"block_bytes": block_bytes or _TOKENIZER_BLOCK_BYTES, "whole_lines": True}


@dataclass
class Counted:
    """Words that were counted, and the size of their text.

    Attributes
    ----------
    words : WordCounter
        The words and the lines.
    n_bytes, n_characters : int
        Size of the text.
    """

    words: WordCounter
    n_bytes: int = 0
    n_characters: int = 0

    def add(self, blocks: Iterable[BlockCounts], n_bytes: int, n_characters: int) -> None:
        """Add the words and the size of more text."""
        for block in blocks:
            self.words.add(block)
        self.n_bytes += n_bytes
        self.n_characters += n_characters

    @property
    def counts(self) -> Integers:
        """The count of each distinct word."""
        return self.words.merged()[1]

    @property
    def n_tokens(self) -> int:
        """Number of tokens."""
        return int(self.counts.sum())

    @property
    def n_types(self) -> int:
        """Number of distinct words."""
        return len(self.counts)

    @property
    def n_lines(self) -> int:
        """Number of lines."""
        return self.words.n_lines

    @property
    def n_sentences(self) -> int:
        """Number of lines with a token."""
        return self.words.n_sentences

    def corpus(self) -> CorpusCounts:
        """Return the words with their counts; they become strings when they are asked for."""
        words, counts = self.words.merged()
        return CorpusCounts.of_vocabulary(Vocabulary.of(words), counts, **_sizes_of(self))


def _count_pieces(pieces: Iterable[Piece], tokenizer: str | Tokenize, lowercase: bool, n_jobs: int | None) -> Counted:
    tokenize = make_tokenizer(tokenizer)
    counted = Counted(WordCounter())
    with start_workers(tokenize, n_jobs) as workers:
        for blocks_and_size in map_pieces(partial(_count_piece, tokenize, lowercase), pieces, workers):
            counted.add(*blocks_and_size)
    return counted


# The words of a piece, its bytes and its characters.
CountedPiece = tuple[list[BlockCounts], int, int]


def _count_piece(tokenize: Tokenize | None, lowercase: bool, piece: Piece) -> CountedPiece:
    return count_whole_block(tokenize, lowercase, piece.make())


def count_whole_block(tokenize: Tokenize | None, lowercase: bool, block: Block) -> CountedPiece:
    """Count a block, whatever files it is of."""
    return count_tokens(tokenize, lowercase, block.data), block.n_bytes, block.n_characters


def count_tokens(
    tokenize: Tokenize | None, lowercase: bool, data: bytes, *, with_lines: bool = True
) -> list[BlockCounts]:
    """Count, part by part, the tokens of a text in UTF-8 that ends with white space, and its lines if needed."""
    if works_on_arrays(tokenize):
        parts = (space_tokens(tokenize, part, lowercase) for part in cut_at_spaces(data))
        return [count_block(part, with_lines=with_lines) for part in parts]
    assert tokenize is not None
    lines = tokenize_block(tokenize, data)
    tokens = chain.from_iterable(lines)
    return [count_words(map(str.lower, tokens) if lowercase else tokens, len(lines), sum(map(bool, lines)))]


class _TokenLists:
    """Count tokenized documents; yield the untokenized ones."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.sizes = np.zeros(len(_SIZES), dtype=np.int64)

    def set_aside(self, documents: Iterable[Document]) -> Iterator[str]:
        for document in checked_documents(documents):
            if isinstance(document, str):
                yield document
            else:
                self.words.update(document)
                self.sizes += 1, len(document) > 0, *joined_size(document)

    def add_to(self, counted: Counted, lowercase: bool) -> None:
        n_lines, n_sentences, n_bytes, n_characters = self.sizes.tolist()
        words = self.words
        if lowercase:
            words = Counter()
            for word, count in self.words.items():
                words[word.lower()] += count
        counted.add([count_words(words, n_lines, n_sentences)], n_bytes, n_characters)


def joined_size(tokens: Sequence[str]) -> tuple[int, int]:
    """Bytes and characters of the tokens joined by blanks."""
    text = " ".join(tokens)
    return len(text.encode("utf-8", "replace")), len(text)


def checked_documents(documents: Iterable[Any]) -> Iterator[Document]:
    """Pass the documents on one by one, refusing whatever would be counted letter by letter.

    Raises
    ------
    TypeError
        When ``documents`` is one string, or a document is neither a string nor a sequence of strings.
    """
    if isinstance(documents, str | bytes | os.PathLike | Mapping):
        raise TypeError(
            f"expected an iterable of documents, got a single {type(documents).__name__}; "
            "put one document in a list: [text]"
        )
    for number, document in enumerate(documents):
        if not isinstance(document, str) and not _is_token_list(document):
            raise TypeError(
                f"document {number} is {document!r:.60} ({type(document).__name__}); "
                f"expected a string or a list of tokens, which are strings{_advice(document)}"
            )
        yield document


def _advice(document: Any) -> str:
    """Say how an estimator reads what is no text but leads to one."""
    kind = "file" if hasattr(document, "read") else "filename" if isinstance(document, os.PathLike) else None
    return f"; estimators read it with input={kind!r}" if kind else ""


def _is_token_list(document: Any) -> bool:
    is_sequence = isinstance(document, Sequence | np.ndarray) and not isinstance(document, bytes | bytearray)
    return is_sequence and all(isinstance(token, str) for token in document)


@contextmanager
def start_workers(tokenize: Tokenize | None, n_jobs: int | None) -> Iterator[tuple[Executor | None, int]]:
    """Start threads for white space, whose work is in NumPy, or processes for tokenizers, which are Python.

    Yields
    ------
    tuple of (Executor or None, int)
        The workers, None for the calling thread alone, and how many they are.
    """
    keep_freed_memory()
    n = n_jobs if n_jobs is not None and n_jobs > 0 else os.cpu_count() or 1
    if n == 1:
        yield None, n
        return
    with ThreadPoolExecutor(n) if works_on_arrays(tokenize) else _start_processes(n) as workers:
        yield workers, n


def _start_processes(n: int) -> Executor:
    """Not joblib's shared processes, which their owner sets up differently; but like them they take any callable."""
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(n)


def map_in_order(
    function: Callable[[_Item], _Result], items: Iterable[_Item], workers: tuple[Executor | None, int]
) -> Iterator[_Result]:
    """Yield the result of each item, in order; as many items as there are workers are on their way."""
    executor, n = workers
    return map(function, items) if executor is None else prefetch(executor, n, function, items)


def map_pieces(
    function: Callable[[Piece], _Result], pieces: Iterable[Piece], workers: tuple[Executor | None, int]
) -> Iterator[_Result]:
    """Yield the result of each piece, in order; of a piece with a damaged file, those of the files before it.

    Raises
    ------
    CorpusError
        At the first file that cannot be used, when the results of all before it were taken.
    """
    for results, error in map_in_order(partial(_results_up_to_error, function), pieces, workers):
        yield from results
        if error is not None:
            raise error


def _results_up_to_error(
    function: Callable[[Piece], _Result], piece: Piece
) -> tuple[list[_Result], CorpusError | None]:
    """Return the result of a piece; if there is an error, those of its files one by one up to it, and the error."""
    try:
        return [function(piece)], None
    except CorpusError as error:
        results, unusable = [], error
    for file in piece.files():
        of_file, error_of_file = _results_up_to_error(function, file)
        results += of_file
        if error_of_file is not None:
            return results, error_of_file
    return results, unusable
