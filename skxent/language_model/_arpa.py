"""ARPA files: the format in which language-model tools exchange models.

A file holds base-10 logarithms of probabilities, −99 standing for probability zero.  ``<s>`` is listed
because the tools expect it, with −99 because it is never scored.  The header also counts zero bigrams,
without which KenLM refuses a unigram model.

Files of SRILM, KenLM, CMU's and other tools are read: fields are parted by tabs or blanks, a back-off weight may
follow or not, the unknown word and the ends of sentences may be in capitals, and sections of higher order may be
there if they are empty.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxent._files import atomic_write
from skxent._parallel import keep_freed_memory
from skxent._polars import pl
from skxent._typing import Floats, Integers
from skxent.language_model._blocks import BLOCK_BYTES
from skxent.language_model._decompress import read_chunks
from skxent.language_model._errors import CorpusError
from skxent.language_model._model import FittedUnigram
from skxent.language_model._options import END_OF_SENTENCE, START_OF_SENTENCE, UNKNOWN
from skxent.language_model._utf8 import check_utf8
from skxent.language_model._vocabulary import Vocabulary, WordIndex
from skxent.language_model._word_keys import PackedWords, Tokens, are_first, join_packed, pack, padded

__all__ = ["check_name", "is_arpa", "not_in_arpa", "read_arpa", "write_arpa"]

# What stands for the logarithm of 0, and for every number below it.
_ZERO = -99.0
# Characters that separate the fields of a line, and so cannot be in a word.
_DELIMITERS = " \t\r\n\0"
# Functions that open a compressed file, by its ending; and endings of compressed files that are not written.
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_NOT_WRITTEN = (".zst", ".lz4", ".zip", ".7z")
# What comes before and after the unigrams in a file as most tools write it.
_HEAD = re.compile(rb"\s*\\data\\\nngram 1=(\d+)\n(?:ngram [2-9]=0\n)*\n*\\1-grams:\n")
_TAIL = re.compile(rb"\n+(?:\\[2-9]-grams:\n+)*\\end\\\s*")
# Whether a byte can be in a number, or behind it in its key.
_OF_NUMBERS = np.array([byte in b"\0+-.0123456789eEinf" for byte in range(256)])
# Bytes at the end of a file in which the tail must be.
_TAIL_BYTES = 1 << 12
# Bytes that are read at a time.
_CHUNK = 1 << 22


def write_arpa(model: FittedUnigram, path: str | Path) -> None:
    """Write a model as ARPA, compressed if the name ends with ``.gz``, ``.bz2`` or ``.xz``.

    The file is written beside its place and then renamed, so that nothing half-written is ever found there.

    Parameters
    ----------
    model : FittedUnigram
        The model.
    path : str or Path
        Where to write.

    Raises
    ------
    CorpusError
        When ARPA cannot hold a word: one with a blank or NUL in it, or a word that means the start or the end of a
        sentence.
    TypeError
        When the model is no distribution, as leave-one-out scores are not.
    """
    if not isinstance(model, FittedUnigram):
        raise TypeError(f"only a FittedUnigram is a distribution that ARPA can hold, not {model!r}")
    check_name(path)
    for word in not_in_arpa(model.words).head(1):
        marks = word in (START_OF_SENTENCE, END_OF_SENTENCE)
        why = "it marks sentences" if marks else "it is empty or has a blank or NUL in it"
        raise CorpusError(f"{path}: ARPA cannot hold {word!r} as a word, {why}: make it unknown (exclude=[{word!r}])")
    special = {START_OF_SENTENCE: None, UNKNOWN: model.log_prob_unk, END_OF_SENTENCE: model.log_prob_eos}
    log_probs = [-math.inf if value is None else value for value in special.values()]
    table = pl.DataFrame([model.words.alias("word"), pl.Series("log_prob", model.log_probs, pl.Float64)])
    table = table.sort(["log_prob", "word"], descending=[True, False])
    entries = zip([*special, *table["word"]], [*log_probs, *table["log_prob"].to_list()], strict=True)
    opener = _OPENERS.get(Path(path).suffix, open)
    with atomic_write(path) as part, opener(part, "wt", encoding="utf-8", newline="\n") as file:
        file.write(f"\\data\\\nngram 1={len(model.words) + len(special)}\nngram 2=0\n\n\\1-grams:\n")
        file.writelines(f"{_log10(log_prob):.10g}\t{word}\n" for word, log_prob in entries)
        file.write("\n\\2-grams:\n\n\\end\\\n")


def check_name(path: str | Path) -> None:
    """Refuse a name that promises a compression which cannot be written."""
    if Path(path).suffix in _NOT_WRITTEN:
        raise CorpusError(f"{path}: cannot be compressed this way; use .gz, .bz2, .xz or no compression")


def not_in_arpa(words: pl.Series) -> pl.Series:
    """Return the words that an ARPA file cannot hold."""
    is_bad = words.str.contains(f"[{_DELIMITERS}]") | (words == "") | words.is_in([START_OF_SENTENCE, END_OF_SENTENCE])
    return words.filter(is_bad)


def _log10(log_prob: float) -> float:
    return _ZERO if log_prob == -math.inf else log_prob / math.log(10)


def is_arpa(path: str | Path) -> bool:
    """Return whether a file begins as an ARPA file does, within its first 4 MB."""
    try:
        first = next(read_chunks(str(path), _CHUNK, None), b"")
    except CorpusError:
        return False
    return re.search(rb"^[ \t]*\\data\\[ \t\r]*$", first, re.MULTILINE) is not None


def read_arpa(path: str | Path) -> FittedUnigram:
    """Read a unigram model, plain or compressed.

    A model without ``<unk>`` (or ``<UNK>``) gives unknown words probability zero; one whose ``</s>`` is missing or
    has probability zero has no end-of-sentence events.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    FittedUnigram

    Raises
    ------
    CorpusError
        When the file cannot be read, is no complete ARPA file, or holds a model of higher order.
    """
    keep_freed_memory()
    chunks = list(read_chunks(str(path), BLOCK_BYTES, None))
    chunks[:1] = [chunk.removeprefix(b"\xef\xbb\xbf") for chunk in chunks[:1]]
    vocabulary, log_probs = _read_columns(chunks) or _read_fields(str(path), b"".join(chunks))
    special = {name: _special(vocabulary, name) for name in (START_OF_SENTENCE, UNKNOWN, END_OF_SENTENCE)}
    unknown, ends = (
        -math.inf if special[name] is None else float(log_probs[special[name]]) for name in (UNKNOWN, END_OF_SENTENCE)
    )
    places = [place for place in special.values() if place is not None]
    words, log_probs = vocabulary.without(places), np.delete(log_probs, places)
    return FittedUnigram(words, log_probs, unknown, None if ends == -math.inf else ends)


def _special(vocabulary: Vocabulary, name: str) -> int | None:
    """Where a word with a meaning of its own is, or else the same in capitals."""
    for spelling in (name, name.upper()):
        position = vocabulary.find(spelling.encode())
        if position is not None:
            return position
    return None


_Unigrams = tuple[Vocabulary, Floats]


def _read_columns(chunks: Sequence[bytes]) -> _Unigrams | None:
    """Read a file as most tools write it, its fields parted by single tabs; None for any other file."""
    n_unigrams, bodies = _bodies(chunks)
    columns = []
    for found in map(_columns, bodies):
        if found is None:
            return None
        columns.append(found)
    if sum(len(log10) for _, log10 in columns) != n_unigrams:
        return None
    words = join_packed([packed for packed, _ in columns])
    if WordIndex(words.words).has_repeats:
        return None
    return Vocabulary(words), _natural(np.concatenate([log10 for _, log10 in columns]))


def _bodies(chunks: Sequence[bytes]) -> tuple[int, list[bytes]]:
    """Return how many unigrams the header promises, and their lines; none of them where the file is of another kind."""
    parts = [*chunks[:-2], b"".join(chunks[-2:])]  # the end of the file may be in two chunks
    head = _HEAD.match(parts[0])
    parts[0] = parts[0][head.end() :] if head else b""
    end = parts[-1].find(b"\n\\", max(len(parts[-1]) - _TAIL_BYTES, 0))
    if head is None or end < 0 or not _TAIL.fullmatch(parts[-1], end):
        return -1, []
    parts[-1] = parts[-1][:end].rstrip(b"\n") + b"\n"
    return int(head[1]), [part for part in parts if part]


def _columns(body: bytes) -> tuple[PackedWords, Floats] | None:
    """Read the words and the base-10 logarithms of some lines; None if one has other fields."""
    if any(odd in body for odd in (b" ", b"\r", b"\0")) or not body.endswith(b"\n") or not _is_utf8(body):
        return None
    text = padded(body)
    breaks = np.flatnonzero((text[:-8] == 0x09) | (text[:-8] == 0x0A))
    last = np.flatnonzero(text[breaks] == 0x0A)  # the place of each line's newline among the breaks
    first = np.append(0, last[:-1] + 1)
    has_backoff = last - first == 2
    if not (has_backoff | (last - first == 1)).all():
        return None
    starts, tabs, stops = np.append(0, breaks[last[:-1]] + 1), breaks[first], breaks[first + 1]
    log10 = _numbers(body, text, starts, tabs)
    backoffs = _numbers(body, text, stops[has_backoff] + 1, breaks[last[has_backoff]])
    if log10 is None or backoffs is None or (log10 > 0).any() or (stops == tabs + 1).any():
        return None
    return pack(body, Tokens(text, tabs + 1, stops - tabs - 1)), log10


def _is_utf8(data: bytes) -> bool:
    try:
        check_utf8(data)
    except UnicodeDecodeError:
        return False
    return True


def _numbers(body: bytes, text: NDArray[np.uint8], starts: Integers, stops: Integers) -> Floats | None:
    """Read the numbers in some fields, neighbours that are the same once; None if something else is among them."""
    positions, words = pack(body, Tokens(text, starts, stops - starts))
    parts = [np.empty(0)]
    for keys in words.keys:
        is_new = are_first(keys)
        texts = np.column_stack([key[is_new] for key in keys]).view(np.uint8)
        if words.long or not _OF_NUMBERS[texts].all():
            return None
        try:
            numbers = texts.view(f"S{8 * len(keys)}").ravel().astype(np.float64)
        except ValueError:
            return None
        parts.append(numbers[np.cumsum(is_new) - 1])
    values = np.empty(len(positions))
    values[positions] = np.concatenate(parts)
    return values


def _read_fields(path: str, data: bytes) -> _Unigrams:
    """Read unigrams whose fields are parted by tabs or blanks, line by line."""
    body, n_unigrams = _unigram_lines(path, _lines_of(path, data))
    words, log_probs = _parse_unigrams(path, body)
    if len(words) != n_unigrams:
        raise CorpusError(f"{path}: the header counts {n_unigrams} unigrams, there are {len(words)}")
    return Vocabulary.of_strings(words), log_probs


def _natural(log10: Floats) -> Floats:
    return np.where(log10 <= _ZERO, -np.inf, log10 * math.log(10))


def _lines_of(path: str, data: bytes) -> pl.Series:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CorpusError(
            f"{path}: line {line}, byte {error.start}: not valid utf-8 ({error.reason}); convert the model to UTF-8"
        ) from None
    return pl.Series("line", [text]).str.split("\n").explode(empty_as_null=False).str.strip_chars(" \t\r")


def _unigram_lines(path: str, lines: pl.Series) -> tuple[pl.DataFrame, int]:
    """Find the lines of the unigrams, with their numbers, and how many the header promises."""
    numbered = lines.to_frame().with_row_index("number", 1)
    marks = numbered.filter(pl.col("line").str.contains(r"^\\(?:data\\|end\\|\d+-grams:)$"))
    for number, mark in marks.filter(~pl.col("line").is_first_distinct()).head(1).rows():
        raise CorpusError(f"{path}: line {number}: {mark} comes twice; a file holds one model")
    places = dict(zip(marks["line"], marks["number"], strict=True))
    begin, end = places.get("\\1-grams:"), places.get("\\end\\")
    header = numbered.filter((pl.col("number") > places.get("\\data\\", math.inf)) & (pl.col("line") != ""))
    n_unigrams = _read_header(path, header.filter(pl.col("number") < (begin or math.inf)))
    if begin is None or n_unigrams is None:
        raise CorpusError(
            f"{path}: not an ARPA file: there is no \\data\\ with the number of unigrams, or no unigrams; "
            "a model of a text is made with skxent-perplexity --train TEXT --save MODEL"
        )
    if end is None:
        raise CorpusError(f"{path}: the file is cut short: there is no \\end\\")
    filled = numbered.filter((pl.col("line") != "") & pl.col("number").is_between(begin, end, closed="none"))
    higher = min((number for mark, number in places.items() if begin < number < end), default=end)
    for number, line in filled.filter((pl.col("number") > higher) & ~pl.col("line").is_in(places)).head(1).rows():
        raise CorpusError(
            f"{path}: line {number}: a model of higher order; only unigrams can be read, got {line!r:.60}"
        )
    return filled.filter(pl.col("number") < higher), n_unigrams


def _read_header(path: str, header: pl.DataFrame) -> int | None:
    n_unigrams = None
    for number, line in header.filter(pl.col("line").str.contains(r"^ngram[ \t]")).rows():
        try:
            order, count = map(int, line.removeprefix("ngram").split("="))
        except ValueError:
            raise CorpusError(f"{path}: line {number}: expected 'ngram order=count', got {line!r}") from None
        if order > 1 and count > 0:
            raise CorpusError(f"{path}: line {number}: a model of order {order}; only unigram models can be read")
        n_unigrams = count if order == 1 else n_unigrams
    return n_unigrams


def _parse_unigrams(path: str, body: pl.DataFrame) -> tuple[pl.Series, Floats]:
    """Return words and natural log-probabilities; a back-off weight may follow and is not needed."""
    fields = body["line"].str.extract_groups(r"^(\S+)[ \t]+([^ \t]+)(?:[ \t]+(\S+))?$").struct.unnest()
    log10, word, backoff = (fields[name] for name in fields.columns)
    number = log10.cast(pl.Float64, strict=False)
    is_backoff = backoff.is_null() | backoff.cast(pl.Float64, strict=False).is_not_null()
    wrong = (number.is_null() | ~is_backoff).arg_true()
    if len(wrong):
        place, line = f"{path}: line {body['number'][wrong[0]]}", body["line"][wrong[0]]
        raise CorpusError(f"{place}: expected a log-probability, a word and perhaps a back-off, got {line!r:.60}")
    positive = (~(number <= 0) | number.is_nan()).arg_true()
    if len(positive):
        place, value = f"{path}: line {body['number'][positive[0]]}", number[positive[0]]
        raise CorpusError(
            f"{place}: the log-probability of {word[positive[0]]!r} is {value:g}, not a number up to zero"
        )
    twice = (~word.is_first_distinct()).arg_true()
    if len(twice):
        raise CorpusError(f"{path}: line {body['number'][twice[0]]}: the word {word[twice[0]]!r} comes twice")
    return word.alias("word"), _natural(number.to_numpy())
