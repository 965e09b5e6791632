"""Count the words of a corpus, and score its lines, in memory set by the number of distinct words.

The corpus comes in blocks (:mod:`~skxent.language_model.reader`).  Threads find white space and count words
on arrays of bytes (:mod:`~skxent.language_model.tally`); other tokenizers run line by line in processes.  A
corpus then is a table of words and counts: tables are added, and everything else is computed from them.
"""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from skxent.language_model.reader import (
    BLOCK_BYTES,
    Block,
    CorpusError,
    blocks_of_documents,
    closed,
    expand_paths,
    read_blocks,
)
from skxent.language_model.tally import BlockTally, WordTally, WordValues, find_tokens, tally_block
from skxent.language_model.tokenizers import WHITESPACE, Tokenize, make_tokenizer, tokenize_lines

__all__ = [
    "CorpusCounts",
    "CorpusError",
    "count_files",
    "count_text",
    "expand_paths",
    "score_lines",
    "score_text",
]

Document = str | Sequence[str]
Floats = NDArray[np.float64]
_Result = TypeVar("_Result")

_TOKENIZER_BLOCK_BYTES = 1 << 18
_SCHEMA = {"word": pl.String, "count": pl.Int64}
_SIZES = ("n_lines", "n_sentences", "n_bytes", "n_characters")


@dataclass(frozen=True)
class CorpusCounts:
    """How often each word occurs in a corpus, and how large the corpus is.

    Attributes
    ----------
    table : polars.DataFrame
        Columns ``word`` (String) and ``count`` (Int64, or Float64 when documents carry fractional
        weights); the most frequent word first, ties in the order of the words' code points.
    n_lines : int
        Lines, the last one included whether or not it ends with a newline.
    n_sentences : int
        Lines that hold at least one token; each closes with one end-of-sentence event.
    n_bytes : int
        Size of the text in bytes of UTF-8, after decompression.
    n_characters : int
        Code points of text.

    Examples
    --------
    >>> counts = count_text(["a b a", "b a c"])
    >>> dict(zip(counts.words, counts.counts.tolist()))
    {'a': 3, 'b': 2, 'c': 1}
    >>> counts.n_tokens, counts.n_types, counts.n_lines
    (6, 3, 2)
    """

    table: pl.DataFrame
    n_lines: float = 0
    n_sentences: float = 0
    n_bytes: float = 0
    n_characters: float = 0

    @classmethod
    def from_table(cls, table: pl.DataFrame, **sizes: float) -> "CorpusCounts":
        """Make counts from rows in any order, in which a word may occur more than once."""
        summed = table.group_by("word").agg(pl.col("count").sum()).filter(pl.col("count") > 0)
        return cls(summed.sort(["count", "word"], descending=[True, False]), **sizes)

    @property
    def words(self) -> pl.Series:
        """The distinct words."""
        return self.table["word"]

    @property
    def counts(self) -> NDArray[Any]:
        """The count of each word, aligned with ``words``."""
        return self.table["count"].to_numpy()

    @property
    def n_tokens(self) -> float:
        """Number of tokens."""
        return self.counts.sum().item()

    @property
    def n_types(self) -> int:
        """Number of distinct words."""
        return self.table.height

    def __add__(self, other: "CorpusCounts") -> "CorpusCounts":
        """Add the counts of two corpora."""
        if not isinstance(other, CorpusCounts):
            return NotImplemented
        return merge_counts([self, other])

    def scaled(self, weight: float) -> "CorpusCounts":
        """Return the counts as if all text occurred ``weight`` times."""
        factor = int(weight) if float(weight).is_integer() else float(weight)
        table = self.table.with_columns(pl.col("count") * factor).filter(pl.col("count") > 0)
        return CorpusCounts(table, **{size: getattr(self, size) * factor for size in _SIZES})


def merge_counts(parts: Sequence[CorpusCounts]) -> CorpusCounts:
    """Add the counts of several corpora; the sum is exactly the counts of the whole."""
    tables = [pl.DataFrame(schema=_SCHEMA), *(part.table for part in parts)]
    sizes = {size: sum(getattr(part, size) for part in parts) for size in _SIZES}
    return CorpusCounts.from_table(pl.concat(tables, how="vertical_relaxed"), **sizes)


def count_text(
    documents: Iterable[Document],
    *,
    tokenizer: str | Tokenize = "whitespace",
    lowercase: bool = False,
    n_jobs: int | None = None,
) -> CorpusCounts:
    """Count documents held in memory.

    Parameters
    ----------
    documents : iterable of str or of sequences of str
        A string is tokenized line by line; a sequence is taken as the tokens of one line, and its size in
        bytes is that of the tokens joined by blanks.
    tokenizer, lowercase, n_jobs
        As in :func:`count_files`.

    Returns
    -------
    CorpusCounts

    Raises
    ------
    TypeError
        When a single string is passed, whose letters would be counted, or a document is neither kind.
    """
    lists = _TokenLists()
    blocks = blocks_of_documents(lists.set_aside(documents), _block_options(tokenizer)["block_bytes"])
    return merge_counts([_count_blocks(blocks, tokenizer, lowercase, n_jobs), lists.counts(lowercase)])


def count_files(
    paths: Iterable[str | Path],
    *,
    tokenizer: str | Tokenize = "whitespace",
    encoding: str = "utf-8",
    errors: str = "strict",
    lowercase: bool = False,
    field: str | None = None,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> CorpusCounts:
    """Count the words of files, in memory that depends on the number of distinct words alone.

    Parameters
    ----------
    paths : iterable of str or Path
        Files, plain or compressed with gzip, bzip2, xz or zstd (the last in UTF-8 alone), as
        :func:`expand_paths` gives them; ``"-"`` is standard input.
    tokenizer : str or callable, default="whitespace"
        ``"whitespace"`` is :meth:`str.split`; else the name of one of NLTK's tokenizers, or a callable that
        takes a line and returns its tokens.
    encoding, errors : str
        As in :func:`open`.
    lowercase : bool, default=False
        Lower-case the tokens.
    field : str, optional
        The column (Parquet) or the key (JSON lines) that holds the text.
    n_jobs : int, optional
        Threads, or processes for tokenizers other than white space; by default one a core.
    progress : callable, optional
        Called with the number of bytes read since the last call.

    Returns
    -------
    CorpusCounts

    Raises
    ------
    CorpusError
        When a file cannot be read or decoded.
    """
    options = dict(encoding=encoding, errors=errors, field=field, progress=progress, **_block_options(tokenizer))
    blocks = (block for path in paths for block in read_blocks(path, **options))
    return _count_blocks(blocks, tokenizer, lowercase, n_jobs)


def _block_options(tokenizer: str | Tokenize) -> dict[str, Any]:
    """Blocks that suit the tokenizer: only white space may be found in pieces of a line."""
    if tokenizer == WHITESPACE:
        return {"block_bytes": BLOCK_BYTES}
    return {"block_bytes": _TOKENIZER_BLOCK_BYTES, "whole_lines": True}


def _count_blocks(
    blocks: Iterable[Block], tokenizer: str | Tokenize, lowercase: bool, n_jobs: int | None
) -> CorpusCounts:
    tokenize = make_tokenizer(tokenizer)
    sizes = dict.fromkeys(_SIZES, 0)
    tally = WordTally()
    with _workers(tokenize, n_jobs) as workers:
        count = partial(_count_block, tokenize)
        for block, counted in _map_in_order(count, blocks, workers):
            tally.add(counted)
            for name, size in zip(
                _SIZES, (counted.n_lines, counted.n_sentences, block.n_bytes, block.n_characters), strict=True
            ):
                sizes[name] += size
    return CorpusCounts.from_table(_lowered(tally.table()) if lowercase else tally.table(), **sizes)


def _count_block(tokenize: Tokenize | None, block: Block) -> BlockTally:
    if tokenize is None:
        return tally_block(block.data)
    lines = tokenize_lines(tokenize, block.data.decode())
    words = Counter(token.encode("utf-8", "replace") for tokens in lines for token in tokens)
    return BlockTally([], words, len(lines), sum(map(bool, lines)))


def _lowered(table: pl.DataFrame) -> pl.DataFrame:
    """Lower-case the words of a table, which is the same as lower-casing the text, and sooner done."""
    words = [word.lower() for word in table["word"]]
    return table.with_columns(pl.Series("word", words, dtype=pl.String))


class _TokenLists:
    """Counts documents that are lists of tokens, and lets those that are strings pass."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.sizes = dict.fromkeys(_SIZES, 0)

    def set_aside(self, documents: Iterable[Document]) -> Iterator[str]:
        for document in checked_documents(documents):
            if isinstance(document, str):
                yield document
            else:
                self._add(document)

    def _add(self, tokens: Sequence[str]) -> None:
        self.words.update(tokens)
        for size, value in zip(_SIZES, (1, bool(len(tokens)), *_joined_size(tokens)), strict=True):
            self.sizes[size] += value

    def counts(self, lowercase: bool) -> CorpusCounts:
        table = pl.DataFrame({"word": list(self.words), "count": list(self.words.values())}, schema=_SCHEMA)
        return CorpusCounts.from_table(_lowered(table) if lowercase else table, **self.sizes)


def _joined_size(tokens: Sequence[str]) -> tuple[int, int]:
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
                "expected a string or a list of tokens, which are strings"
            )
        yield document


def _is_token_list(document: Any) -> bool:
    is_sequence = isinstance(document, Sequence | np.ndarray) and not isinstance(document, bytes | bytearray)
    return is_sequence and all(isinstance(token, str) for token in document)


@contextmanager
def _workers(tokenize: Tokenize | None, n_jobs: int | None) -> Iterator[tuple[Executor | None, int]]:
    """Threads for white space, whose work is in NumPy; processes for tokenizers, which are Python."""
    n = n_jobs if n_jobs is not None and n_jobs > 0 else os.cpu_count() or 1
    if n == 1:
        yield None, n
    elif tokenize is None:
        with ThreadPoolExecutor(n) as threads:
            yield threads, n
    else:
        # Not joblib's shared pool, whose owner sets it up differently; but like it in pickling any callable.
        from joblib.externals.loky import ProcessPoolExecutor

        with ProcessPoolExecutor(n) as processes:
            yield processes, n


def _map_in_order(
    function: Callable[[Block], _Result], blocks: Iterable[Block], workers: tuple[Executor | None, int]
) -> Iterator[tuple[Block, _Result]]:
    """Results in the order of the blocks, a few blocks ahead; a lone block is not worth a worker."""
    executor, n = workers
    pending: deque[tuple[Block, Future[_Result]]] = deque()
    blocks = iter(blocks)
    first = list(islice(blocks, 2))
    if executor is None or len(first) < 2:
        yield from ((block, function(block)) for block in chain(first, blocks))
        return
    try:
        for block in chain(first, blocks):
            pending.append((block, executor.submit(function, block)))
            if len(pending) > n:
                done, result = pending.popleft()
                yield done, result.result()
        for done, result in pending:
            yield done, result.result()
    finally:
        for _, result in pending:
            result.cancel()


class LineScorer:
    """Log-probabilities of the tokens of blocks, summed over lines.

    Parameters
    ----------
    log_prob : polars.DataFrame
        Columns ``word`` and ``log_prob``.
    unknown_log_prob : float
        Log-probability of a word that ``log_prob`` lacks.
    tokenizer, lowercase
        As in :func:`count_files`.
    """

    def __init__(
        self, log_prob: pl.DataFrame, unknown_log_prob: float, tokenizer: str | Tokenize, lowercase: bool
    ) -> None:
        self.log_prob = log_prob
        self.unknown = unknown_log_prob
        self.lowercase = lowercase
        self.tokenizer = tokenizer
        self.tokenize = make_tokenizer(tokenizer)
        if self.tokenize is None:
            self.values = WordValues(log_prob["word"], log_prob["log_prob"].to_numpy())

    def lines(self, block: Block) -> pl.DataFrame:
        """One row a line, the line that goes on in the next block included."""
        values, per_line = self._tokens(block)
        return self._sum_over_lines(values, per_line)

    def token_lists(self, documents: Sequence[Sequence[str]]) -> pl.DataFrame:
        """One row a list of tokens."""
        per_line = np.array([len(tokens) for tokens in documents], dtype=np.int64)
        sizes = np.array([_joined_size(tokens) for tokens in documents], dtype=np.int64).reshape(-1, 2)
        scored = self._sum_over_lines(self.word_values(chain.from_iterable(documents)), per_line)
        return scored.with_columns(n_bytes=pl.Series(sizes[:, 0]), n_characters=pl.Series(sizes[:, 1]))

    def word_values(self, words: Iterable[str]) -> Floats:
        """Return the log-probability of each word, NaN for the unknown."""
        listed = [word.lower() for word in words] if self.lowercase else list(words)
        frame = pl.DataFrame({"word": listed}, schema={"word": pl.String})
        joined = frame.join(self.log_prob, on="word", how="left", maintain_order="left")
        return joined["log_prob"].fill_null(np.nan).to_numpy()

    def _tokens(self, block: Block) -> tuple[Floats, NDArray[np.int64]]:
        if self.tokenize is None:
            data = block.data.decode().lower().encode() if self.lowercase else block.data
            tokens = find_tokens(data)
            return self.values.look_up(data, tokens), tokens.per_line[: -1 if block.ends_line else None]
        lines = tokenize_lines(self.tokenize, block.data.decode())
        return self.word_values(chain.from_iterable(lines)), np.array([len(line) for line in lines], np.int64)

    def _sum_over_lines(self, values: Floats, per_line: NDArray[np.int64]) -> pl.DataFrame:
        line = np.repeat(np.arange(len(per_line)), per_line)
        is_unknown = np.isnan(values)
        n_unknown = np.bincount(line[is_unknown], minlength=len(per_line))
        unknown = np.zeros(len(per_line))
        np.multiply(n_unknown, self.unknown, out=unknown, where=n_unknown > 0)
        known = np.bincount(line, weights=np.where(is_unknown, 0.0, values), minlength=len(per_line))
        return pl.DataFrame(
            {
                "n_sentences": (per_line > 0).astype(np.int64),
                "n_tokens": per_line,
                "n_unknown": n_unknown,
                "log_prob": known + unknown,
                "log_prob_unknown": unknown,
            }
        )


def _sizes_of_lines(block: Block) -> list[pl.Series]:
    text = np.frombuffer(block.data, dtype=np.uint8)[: block.n_bytes]
    ends = np.flatnonzero(text == 0x0A) + 1
    if len(ends) == 0 or ends[-1] < block.n_bytes:
        ends = np.append(ends, block.n_bytes)
    characters = ends
    if not block.data.isascii():
        characters = np.cumsum((text & 0xC0) != 0x80)[ends - 1]
    return [
        pl.Series("n_bytes", np.diff(ends, prepend=0)),
        pl.Series("n_characters", np.diff(characters, prepend=0)),
    ]


def _sizes_of_documents(documents: Sequence[str]) -> list[pl.Series]:
    n_bytes = [len(document.encode("utf-8", "replace")) for document in documents]
    return [pl.Series("n_bytes", n_bytes), pl.Series("n_characters", list(map(len, documents)))]


def score_lines(
    paths: Iterable[str | Path],
    log_prob: pl.DataFrame,
    unknown_log_prob: float,
    *,
    tokenizer: str | Tokenize = "whitespace",
    encoding: str = "utf-8",
    errors: str = "strict",
    lowercase: bool = False,
    field: str | None = None,
    keep_text: bool = False,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """Score every line; yields tables of lines, in memory that does not depend on the size of the corpus.

    Parameters
    ----------
    paths : iterable of str or Path
        As in :func:`count_files`, like the other parameters that are not listed here.
    log_prob : polars.DataFrame
        Columns ``word`` and ``log_prob``.
    unknown_log_prob : float
        Log-probability of a word that ``log_prob`` lacks.
    keep_text : bool, default=False
        Also yield the text of each line.

    Yields
    ------
    polars.DataFrame
        One row a line (with ``field``: a document): ``path``, ``line`` (from 1 in each file), ``n_sentences``
        (lines with a token), ``n_tokens``, ``n_unknown``, ``log_prob`` (sum over known and unknown tokens,
        without any end of sentence), ``log_prob_unknown`` (the share of the unknown tokens), ``n_bytes``,
        ``n_characters``, and ``text`` (without its newline) if ``keep_text``.

    Raises
    ------
    CorpusError
        When a file cannot be read or decoded.
    """
    scorer = LineScorer(log_prob, unknown_log_prob, tokenizer, lowercase)
    score = partial(_score_block, scorer, keep_text)
    options = dict(encoding=encoding, errors=errors, field=field, progress=progress, **_block_options(tokenizer))
    with _workers(scorer.tokenize, n_jobs) as workers:
        for path in map(str, paths):
            blocks = read_blocks(path, **options)
            n_before = 0
            for table in _join_cut_lines(_map_in_order(score, blocks, workers)):
                numbers = np.arange(n_before + 1, n_before + table.height + 1)
                yield table.select(pl.lit(path).alias("path"), pl.Series("line", numbers), pl.all())
                n_before += table.height


def _score_block(scorer: LineScorer, keep_text: bool, block: Block) -> pl.DataFrame:
    """One row a line, or a document if the block is made of documents."""
    lines = scorer.lines(block)
    if block.documents is None:
        texts = block.data.decode().split("\n")[: lines.height] if keep_text else []
        table = lines.with_columns(_sizes_of_lines(block))
    else:
        texts = block.documents
        n_lines = np.array([closed(document).count("\n") for document in texts])
        first = np.cumsum(n_lines) - n_lines
        summed = [pl.Series(column.name, np.add.reduceat(column.to_numpy(), first)) for column in lines]
        table = pl.DataFrame(summed).with_columns(_sizes_of_documents(texts))
    return table.with_columns(pl.Series("text", texts)) if keep_text else table


def _join_cut_lines(scored: Iterable[tuple[Block, pl.DataFrame]]) -> Iterator[pl.DataFrame]:
    """Put the pieces of a line that is longer than a block together."""
    cut: pl.DataFrame | None = None
    for block, table in scored:
        if cut is not None:
            joined = (cut + table[:1]).with_columns((pl.col("n_tokens") > 0).cast(pl.Int64).alias("n_sentences"))
            table = pl.concat([joined, table[1:]])
        cut = None if block.ends_line else table[-1:]
        yield table if block.ends_line else table[:-1]


def score_text(documents: Iterable[Document], scorer: LineScorer, n_jobs: int | None = None) -> pl.DataFrame:
    """Score documents held in memory; one row each, as of :func:`score_lines` but for path and line."""
    listed = list(checked_documents(documents))
    is_text = np.array([isinstance(document, str) for document in listed], dtype=np.bool_)
    texts = [document for document in listed if isinstance(document, str)]
    lists = [document for document in listed if not isinstance(document, str)]
    blocks = blocks_of_documents(texts, _block_options(scorer.tokenizer)["block_bytes"])
    with _workers(scorer.tokenize, n_jobs) as workers:
        scored = _map_in_order(partial(_score_block, scorer, False), blocks, workers)
        tables = [scorer.token_lists(lists), *(table for _, table in scored)]
    order = np.argsort(np.concatenate([np.flatnonzero(~is_text), np.flatnonzero(is_text)]))
    return pl.concat(tables)[order]
