"""Read and count text: the only module that opens a corpus.

Text is read in blocks that end at white space, each block becomes a table of distinct words and their
counts, and tables are added.  Memory is set by the number of distinct words, not by the size of the corpus.
"""

import bz2
import glob
import gzip
import lzma
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl

BLOCK_BYTES = 1 << 24


class CorpusError(Exception):
    """A corpus cannot be read; the message is one line that names the file and the line or byte."""


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
        Bytes of text (after decompression).
    n_characters : int
        Code points of text.
    """

    table: pl.DataFrame
    n_lines: int = 0
    n_sentences: int = 0
    n_bytes: int = 0
    n_characters: int = 0

    @property
    def words(self) -> pl.Series:
        """The distinct words."""
        return self.table["word"]

    @property
    def counts(self) -> np.ndarray:
        """The count of each word, aligned with ``words``."""
        return self.table["count"].to_numpy()

    @property
    def n_tokens(self) -> int:
        """Number of tokens."""
        return self.table["count"].sum()

    @property
    def n_types(self) -> int:
        """Number of distinct words."""
        return self.table.height

    def __add__(self, other: "CorpusCounts") -> "CorpusCounts":
        return merge_counts([self, other])


def merge_counts(parts: Sequence[CorpusCounts]) -> CorpusCounts:
    """Counts of the corpora joined together: exactly those of the whole."""
    table = pl.concat([part.table for part in parts], how="vertical_relaxed") if parts else _empty_table()
    return CorpusCounts(
        _sorted_table(table.group_by("word").agg(pl.col("count").sum())),
        *(sum(getattr(part, size) for part in parts) for size in ("n_lines", "n_sentences", "n_bytes", "n_characters")),
    )


def _empty_table() -> pl.DataFrame:
    return pl.DataFrame(schema={"word": pl.String, "count": pl.Int64})


def _sorted_table(table: pl.DataFrame) -> pl.DataFrame:
    return table.sort(["count", "word"], descending=[True, False])


def count_text(
    documents: Iterable[str | Sequence[str]],
    *,
    tokenizer: str | Callable[[str], Sequence[str]] = "whitespace",
    lowercase: bool = False,
) -> CorpusCounts:
    """Count documents held in memory: strings, or lists of tokens."""
    parts = []
    counter: Counter[str] = Counter()
    n_lines = n_sentences = n_bytes = n_characters = 0
    for document in documents:
        text = document if isinstance(document, str) else " ".join(document)
        lines = text.split("\n") if isinstance(document, str) else [text]
        tokens = [line.split() for line in lines]
        counter.update(t for line in tokens for t in line)
        n_lines += len(lines)
        n_sentences += sum(map(bool, tokens))
        n_bytes += len(text.encode())
        n_characters += len(text)
    table = pl.DataFrame({"word": list(counter), "count": list(counter.values())}, schema=_empty_table().schema)
    return CorpusCounts(_sorted_table(table), n_lines, n_sentences, n_bytes, n_characters)


def expand_paths(patterns: Iterable[str | Path]) -> list[str]:
    """File names that the patterns stand for, in order; ``"-"`` (standard input) stays as it is.

    Raises
    ------
    CorpusError
        When a pattern matches nothing.
    """
    paths: list[str] = []
    for pattern in map(str, patterns):
        if pattern == "-" or Path(pattern).exists():
            paths.append(pattern)
            continue
        matches = sorted(glob.glob(pattern, recursive=True))
        if not matches:
            raise CorpusError(f"{pattern}: no such file")
        paths += matches
    return paths


_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def _open(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    return _OPENERS.get(Path(path).suffix, open)(path, "rb")


def count_files(
    paths: Iterable[str | Path],
    *,
    tokenizer: str | Callable[[str], Sequence[str]] = "whitespace",
    encoding: str = "utf-8",
    errors: str = "strict",
    lowercase: bool = False,
    field: str | None = None,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> CorpusCounts:
    """Count the words of files, in memory that depends on the number of distinct words alone."""
    parts = []
    for path in paths:
        with _open(str(path)) as file:
            text = file.read().decode(encoding, errors)
        parts.append(count_text([text.removesuffix("\n")]))
        if progress:
            progress(len(text.encode()))
    return merge_counts(parts)


def score_lines(
    paths: Iterable[str | Path],
    log_prob: pl.DataFrame,
    unknown_log_prob: float,
    *,
    tokenizer: str | Callable[[str], Sequence[str]] = "whitespace",
    encoding: str = "utf-8",
    errors: str = "strict",
    lowercase: bool = False,
    field: str | None = None,
    keep_text: bool = False,
) -> Iterator[pl.DataFrame]:
    """Score every line; yields tables of lines, in memory that does not depend on the size of the corpus.

    Parameters
    ----------
    paths : iterable of str or Path
        Files, ``"-"`` for standard input.
    log_prob : polars.DataFrame
        Columns ``word`` and ``log_prob``.
    unknown_log_prob : float
        Log-probability of a word that ``log_prob`` lacks.

    Yields
    ------
    polars.DataFrame
        One row a line: ``path``, ``line`` (from 1, in each file), ``n_tokens``, ``n_unknown``, ``log_prob``
        (sum over known and unknown tokens, end of sentence not included), ``log_prob_unknown`` (the
        share of unknown tokens), ``n_bytes``, ``n_characters``, and ``text`` if ``keep_text``.
    """
    table = dict(zip(log_prob["word"], log_prob["log_prob"], strict=True))
    for path in map(str, paths):
        rows = []
        with _open(path) as file:
            for number, raw in enumerate(file, 1):
                text = raw.decode(encoding, errors)
                tokens = text.split()
                unknown = sum(t not in table for t in tokens)
                rows.append(
                    dict(
                        path=path, line=number, n_tokens=len(tokens), n_unknown=unknown,
                        log_prob=float(sum(table.get(t, unknown_log_prob) for t in tokens)),
                        log_prob_unknown=unknown * unknown_log_prob if unknown else 0.0,
                        n_bytes=len(raw), n_characters=len(text),
                        **({"text": text.rstrip("\r\n")} if keep_text else {}),
                    )
                )
        yield pl.DataFrame(rows)
