"""Print the lines or records of a corpus that a model finds neither too easy nor too hard."""

from __future__ import annotations

import codecs
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from skxent.cli._levels import check_unknown
from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.cli._scorer import find_scorer
from skxent.language_model._reader import JSON_LINE

__all__ = ["filter_lines"]

Mask = NDArray[np.bool_]


def filter_lines(options: Options, progress: Progress, notes: Notes) -> None:
    """Print the lines whose perplexity lies between the bounds as they were, or the whole records of documents."""
    corpus, scorer = find_scorer(options, progress, notes)
    encode = _encoder(options)
    n_lines = n_kept = 0
    for lines in corpus.score(scorer.scores, keep="records"):
        progress.wipe()
        check_unknown(lines, options.oov)
        notes.skipped(lines.problems)
        perplexity = lines.score.under(options.oov).perplexity
        is_kept = _is_between(perplexity, options)
        n_lines, n_kept = n_lines + len(lines), n_kept + int(np.count_nonzero(is_kept))
        if lines.records is None:
            text = np.frombuffer(lines.text, np.uint8)[np.repeat(is_kept, lines.lengths)].tobytes()
        else:
            added = pl.Series("perplexity", perplexity) if options.add_score else None
            text = _records(lines.records, is_kept, added)
        sys.stdout.buffer.write(encode(text))
    notes.say(f"kept {n_kept:,} of {n_lines:,} lines ({scorer.evaluated})")


def _is_between(perplexity: Any, options: Options) -> Mask:
    """Find the lines between the bounds; a line without events has no perplexity and is left out."""
    low, high = options.min_perplexity or 0.0, options.max_perplexity or math.inf
    return np.asarray((low <= perplexity) & (perplexity <= high))


def _records(records: pl.DataFrame, is_kept: Mask, added: pl.Series | None) -> bytes:
    """Return the kept records, lines of JSON as they are and rows of Parquet as lines of JSON."""
    if records.columns != [JSON_LINE]:
        frame = records if added is None else records.with_columns(added)
        return frame.filter(is_kept).write_ndjson().encode()
    lines = records[JSON_LINE]
    if added is not None:
        opened = lines.str.strip_chars_end().str.strip_suffix("}").str.strip_chars_end()
        lines = pl.select(opened + ', "perplexity": ' + added.cast(pl.String) + "}").to_series()
    return ("\n".join(lines.filter(is_kept)) + "\n").encode() if is_kept.any() else b""


def _encoder(options: Options) -> Callable[[bytes], bytes]:
    """Put kept text back into its encoding; a byte-order mark comes once."""
    if codecs.lookup(options.encoding).name == "utf-8":
        return bytes
    encoder = codecs.getincrementalencoder(options.encoding)(options.errors)
    return lambda text: encoder.encode(text.decode())
