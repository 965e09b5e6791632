"""Print the lines of a corpus that a model finds neither too easy nor too hard."""

import math
import sys
from argparse import Namespace
from functools import partial

from skxent.cli.levels import line_sums, read_corpus, scored
from skxent.cli.progress import Progress
from skxent.cli.scorer import find_scorer


def filter_lines(options: Namespace, progress: Progress) -> None:
    """Print the lines whose perplexity lies between the bounds, as they were."""
    corpus = read_corpus(options.corpus, options, progress)
    scorer = find_scorer(options, corpus, partial(read_corpus, options=options, progress=progress))
    low, high = options.min_perplexity or 0.0, options.max_perplexity or math.inf
    log_prob, events = scored(options.oov)
    n_lines = n_kept = 0
    for sums in line_sums(corpus, scorer.model, options.oov, keep_text=True):
        progress.wipe()
        kept = sums.filter((events > 0) & (-log_prob / events).exp().is_between(low, high))["text"]
        n_lines, n_kept = n_lines + sums.height, n_kept + len(kept)
        sys.stdout.buffer.write("".join(f"{text}\n" for text in kept).encode(options.encoding, "replace"))
    if not options.quiet:
        print(
            f"skxent-perplexity: kept {n_kept:,} of {n_lines:,} lines ({scorer.evaluated})", file=sys.stderr
        )
