"""Find the text in lines of JSON, by Polars where that reads them as JSON means them, else one by one."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import compress, islice
from typing import Any, cast

import numpy as np

from skxent._polars import pl
from skxent._typing import Integers
from skxent.language_model._blocks import Block, Documents, Part, Repair, block_of_documents, count_newlines
from skxent.language_model._errors import CorpusError

__all__ = ["JsonLines"]

# Bytes a line, on average over a block, from which on Python's json reads the lines instead of Polars. That takes as
# long with records of 3 kB (and twice as long with those of 64 bytes), and saves the import of Polars.
_LONG_LINE = 1_000
# JSON that Polars may read in another way than JSON means it: texts made of numbers or objects; besides these, halves
# of surrogate pairs, see _half_pairs.
_NO_TEXT = r"^\s*(?:[-\d\[{]|true|false|NaN|Infinity)"
# Whether a byte, after the d of an escaped surrogate, makes it the first or the second of a pair.
_FIRST, _SECOND = (np.isin(np.arange(256), list(digits)) for digits in (b"89abAB", b"cdefCDEF"))
# Bytes of an escaped surrogate.
_ESCAPE_BYTES = 6


@dataclass(frozen=True)
class JsonLines:
    """Finds the text in lines of JSON."""

    path: str
    field: str
    repair: Repair
    keep_records: bool
    skip_bad_records: bool
    texts: bool
    bad_bytes: str

    def block(self, part: Part) -> Block:
        """Make a block of the documents of some lines."""
        raw, n_lines = part.raw, part.n_lines
        data = self.repair(part)
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
        documents = Documents(nothing, nothing, nothing, numbers, lines)
        return Block(data, data, len(data), 0, np.array([len(data)]), documents=documents)

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
        return block_of_documents(cast("pl.Series | list[str]", texts), numbers, records, tuple(problems))

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
