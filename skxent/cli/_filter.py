"""Print the lines of a corpus that a model finds neither too easy nor too hard."""

from __future__ import annotations

import codecs
import math
import sys
from collections.abc import Sequence

import numpy as np
import polars as pl

from skxent.cli._levels import check_unknown
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.cli._scorer import find_scorer
from skxent.language_model._scoring import ScoredLines

__all__ = ["filter_lines"]


def filter_lines(options: Options, progress: Progress) -> None:
    """Print the lines whose perplexity lies between the bounds, as they were, or documents as JSON lines."""
    corpus, scorer = find_scorer(options, progress)
    encoder = codecs.getincrementalencoder(options.encoding if options.field is None else "utf-8")(options.errors)
    n_lines = n_kept = 0
    for lines in corpus.score(scorer.scores, keep_text=True):
        progress.wipe()
        check_unknown(lines, options.oov)
        kept = _kept(lines, options)
        n_lines, n_kept = n_lines + len(lines.score), n_kept + len(kept)
        text = _lines(lines, kept) if options.field is None else _documents(lines, kept, options.field)
        sys.stdout.buffer.write(encoder.encode(text))
    if not options.quiet:
        print(f"skxent-perplexity: kept {n_kept:,} of {n_lines:,} lines ({scorer.evaluated})", file=sys.stderr)


def _kept(lines: ScoredLines, options: Options) -> list[int]:
    """Positions of the lines between the bounds; a line without events has no perplexity and is left out."""
    low, high = options.min_perplexity or 0.0, options.max_perplexity or math.inf
    perplexity = lines.score.under(options.oov).perplexity
    kept: list[int] = np.flatnonzero((low <= perplexity) & (perplexity <= high)).tolist()
    return kept


def _lines(lines: ScoredLines, kept: Sequence[int]) -> str:
    return "".join(f"{lines.texts[i]}\n" for i in kept)


def _documents(lines: ScoredLines, kept: Sequence[int], field: str) -> str:
    columns = {"line": lines.numbers[list(kept)], field: [lines.texts[i] for i in kept]}
    return pl.DataFrame(columns).select(pl.lit(lines.path).alias("file"), pl.all()).write_ndjson()
