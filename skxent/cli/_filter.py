"""Print the lines or records of a corpus that a model finds neither too easy nor too hard."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skxent.cli._levels import Corpus, check_unknown
from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.cli._scorer import Scorer, find_scorer
from skxent.language_model._records import Choice, Lines, Records, records_of_documents, write_parts

__all__ = ["filter_lines"]


def filter_lines(options: Options, progress: Progress, notes: Notes) -> None:
    """Print the lines or records whose perplexity lies between the bounds, whole and in the format they came in."""
    corpus, scorer = find_scorer(options, progress, notes)
    n_kept = n_lines = 0

    def counted() -> Iterator[tuple[Records, Choice]]:
        nonlocal n_kept, n_lines
        for records, choice in _chosen(corpus, scorer, options, notes):
            progress.wipe()
            n_lines, n_kept = n_lines + len(choice), n_kept + int(np.count_nonzero(choice.is_kept))
            yield records, choice

    write_parts(corpus.paths, options.encoding, counted(), sys.stdout.buffer)
    notes.say(f"kept {n_kept:,} of {n_lines:,} lines ({scorer.evaluated})")


def _chosen(corpus: Corpus, scorer: Scorer, options: Options, notes: Notes) -> Iterator[tuple[Records, Choice]]:
    for lines in corpus.score(scorer.scores, keep="records"):
        check_unknown(lines, options.oov)
        notes.skipped(lines.problems)
        perplexity = lines.score.under(options.oov).perplexity
        added = {"perplexity": _finite(perplexity)} if options.add_score else {}
        choice = Choice(_is_between(perplexity, options), added)
        if lines.records is None:
            yield Lines(lines.text), choice
        else:
            yield records_of_documents(lines.records, lines.place, lines.paths[0]), choice


def _finite(perplexity: Any) -> list[float | None]:
    """Return what JSON can say: null for an infinite perplexity."""
    return [value if math.isfinite(value) else None for value in perplexity.tolist()]


def _is_between(perplexity: Any, options: Options) -> NDArray[np.bool_]:
    """Find the lines between the bounds; a line without events has no perplexity and is left out."""
    low, high = options.min_perplexity or 0.0, options.max_perplexity or math.inf
    return np.asarray((low <= perplexity) & (perplexity <= high))
