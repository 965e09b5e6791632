"""Print the lines of a corpus that a model finds neither too easy nor too hard."""

import codecs
import math
import sys
from argparse import Namespace

import polars as pl

from skxent.cli.levels import line_sums, scored
from skxent.cli.progress import Progress
from skxent.cli.scorer import find_scorer


def filter_lines(options: Namespace, progress: Progress) -> None:
    """Print the lines whose perplexity lies between the bounds, as they were, or documents as JSON lines."""
    corpus, scorer = find_scorer(options, progress)
    low, high = options.min_perplexity or 0.0, options.max_perplexity or math.inf
    log_prob, events = scored(options.oov)
    encoder = codecs.getincrementalencoder(options.encoding if options.field is None else "utf-8")(options.errors)
    n_lines = n_kept = 0
    for sums in line_sums(corpus, scorer.model, options.oov, keep_text=True):
        progress.wipe()
        kept = sums.filter((events > 0) & (-log_prob / events).exp().is_between(low, high))
        n_lines, n_kept = n_lines + sums.height, n_kept + kept.height
        text = _lines(kept) if options.field is None else _documents(kept, options.field)
        sys.stdout.buffer.write(encoder.encode(text))
    if not options.quiet:
        print(f"skxent-perplexity: kept {n_kept:,} of {n_lines:,} lines ({scorer.evaluated})", file=sys.stderr)


def _lines(kept: pl.DataFrame) -> str:
    return "".join(f"{text}\n" for text in kept["text"])


def _documents(kept: pl.DataFrame, field: str) -> str:
    return kept.select("file", "line", pl.col("text").alias(field)).write_ndjson()
