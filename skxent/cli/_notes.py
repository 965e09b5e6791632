"""What is said on standard error besides errors: one line each, and nothing with ``--quiet``."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from skxent.language_model import CorpusError, Score
from skxent.language_model._decompress import is_regular_file, read_chunks

__all__ = ["Notes"]

# Share of unknown tokens above which figures say more about the one unknown-word event than about the text.
_MANY_UNKNOWN = 0.2
# Units of a bootstrap below which its intervals cover too seldom: measured with documents of 20 lines.
_FEW_UNITS = 20
# Share of NUL bytes that no text in UTF-8 has; half of ASCII's bytes are NUL in UTF-16.
_MANY_NULS = 0.2
# Bytes of a file that are looked at to see what it is; a longer line of JSON is looked at up to its end.
_HEAD_BYTES = 1 << 16


class Notes:
    """Prints notes, and counts what is noted once at the end.

    Parameters
    ----------
    quiet : bool
        Whether to print nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._n_problems = 0
        self._first_problem = ""
        self._tokens = self._unknown = 0
        self._said_few_units = False

    def say(self, text: str) -> None:
        """Print a line."""
        if not self._quiet:
            print(f"skxent-perplexity: {' '.join(text.split())}", file=sys.stderr)

    @contextmanager
    def of_warnings(self) -> Iterator[None]:
        """Print as notes what is warned of in the meantime."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        for warning in caught:
            self.say(f"note: {warning.message}")

    def skipped(self, problems: tuple[str, ...]) -> None:
        """Remember records that were left out."""
        if problems and not self._n_problems:
            self._first_problem = problems[0]
        self._n_problems += len(problems)

    def unknown(self, score: Score) -> None:
        """Remember how many words of a text are unknown."""
        self._tokens += int(np.sum(score.tokens))
        self._unknown += int(np.sum(score.unknown_tokens))

    def strange_text(self, paths: Sequence[str]) -> None:
        """Say if a file that is read as plain text in UTF-8 looks like something else."""
        for path in paths[:1] if paths and is_regular_file(paths[0]) else ():
            try:
                head = next(read_chunks(path, _HEAD_BYTES, None), b"")
            except CorpusError:
                return  # which is an error when it is read
            kind = _json_kind(head)
            if kind is not None:
                self.say(f"note: {path} looks like {kind}, and is read as plain text: name the text's --field")
            if b"\r" in head.strip() and b"\n" not in head:
                self.say(
                    f"note: {path} has carriage returns and no line feeds, so that all of it is one line: "
                    "turn one into the other, e.g. tr '\\r' '\\n' < FILE"
                )
            if head.count(b"\0") > len(head) * _MANY_NULS:
                self.say(f"note: {path} has NUL bytes as UTF-16 has them: name its --encoding, such as utf-16-le")

    def unknown_under(self, name: str, score: Score) -> None:
        """Say at once if many words are unknown to a model that is compared."""
        if score.unknown_tokens > _MANY_UNKNOWN * score.tokens:
            share = 100 * score.unknown_tokens / score.tokens
            self.say(f"note: {share:.0f} % of the tokens are unknown words under {name}")

    def few_units(self, n_units: int) -> None:
        """Say, once, that an interval comes from few independent parts."""
        if n_units < _FEW_UNITS and not self._said_few_units:
            self._said_few_units = True
            self.say(
                f"note: an interval from {n_units} independent parts of a text holds the truth more seldom than its "
                "level says: about 90 % of the time instead of 95 with 10 documents"
            )

    def finish(self) -> None:
        """Print what was counted."""
        if self._n_problems:
            records = "record" if self._n_problems == 1 else "records"
            self.say(f"note: left out {self._n_problems:,} {records}, such as {self._first_problem}")
        if self._unknown > _MANY_UNKNOWN * self._tokens:
            self.say(
                f"note: {100 * self._unknown / self._tokens:.0f} % of the tokens are unknown words, which all have the "
                "probability of one event: do not compare these figures, nor bits per byte, with those of another "
                "vocabulary; --vocab-pad N spreads that probability over N words"
            )


def _json_kind(head: bytes) -> str | None:
    """Say what JSON a file looks like by its first line: an object, an array of objects, or the bracket of one."""
    line = head.partition(b"\n")[0].strip()
    try:
        record = {} if line == b"{" else [{}] if line == b"[" else json.loads(line)
    except ValueError:
        return None
    if isinstance(record, dict):
        return "JSON lines"
    is_array = isinstance(record, list) and record and isinstance(record[0], dict)
    return "JSON, an array and not one object a line" if is_array else None
