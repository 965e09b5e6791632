"""Report the figures of a corpus, its files, its lines or its words."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from skxent.cli._formats import FORMATS, Report
from skxent.cli._levels import (
    Corpus,
    Records,
    corpus_records,
    figures,
    file_records,
    line_records,
    remedy,
    rows_of_figures,
    word_figures,
    word_records,
)
from skxent.cli._names import hide_bytes
from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.cli._sampling import TooFewUnits, sample
from skxent.cli._scorer import EXPLAINED, Scorer, find_scorer
from skxent.language_model import CorpusError
from skxent.language_model._bootstrap import bootstrap, interval
from skxent.language_model._options import LEAVE_ONE_OUT

__all__ = ["report"]


def report(options: Options, progress: Progress, notes: Notes) -> None:
    """Print the figures of the corpus, its files, its lines or its words; draw them if asked for."""
    print_records = FORMATS[options.format]
    corpus, scorer = find_scorer(options, progress, notes)
    records_of, figures_of = _LEVELS[options.per]
    constants: dict[str, Any] = {
        "smoothing": scorer.scores.smoothing,
        "smoothing_parameter": scorer.scores.smoothing_parameter,
        "evaluated": scorer.evaluated,
        "confidence": options.confidence,
    }
    printed = Report(
        title=corpus.title,
        level=options.per,
        base=options.base,
        unit=options.unit,
        figures=partial(figures_of, options=options, **constants),
        rows=partial(rows_of_figures, options=options, **constants),
        about=_about(scorer, options),
        bold=sys.stdout.isatty() and "NO_COLOR" not in os.environ,
        hides_bytes=any(hide_bytes(path) != path for path in corpus.paths if not path.isascii()),
    )
    records = records_of(corpus, scorer, options, notes)
    print_records(_check_records(records, corpus, options, progress, notes), printed)
    if options.plot:
        _draw(corpus, scorer, options)


def _about(scorer: Scorer, options: Options) -> dict[str, str]:
    """Describe the model, for the foot of the sheet."""
    scores = scorer.scores
    value = scores.smoothing_parameter
    parameter = "" if value is None else f", parameter {value:.6g}"
    if value is not None and options.smoothing_parameter in (None, LEAVE_ONE_OUT) and not options.model:
        edge = "" if 1e-8 < value < 1e8 else ", at the edge: too little text to tell words apart"
        parameter += f" ({LEAVE_ONE_OUT} optimum{edge})"
    tokens = f"{options.tokenizer} tokens" + (", lower-cased" if options.lowercase else "")
    ends = "no end-of-sentence events" if scores.log_prob_eos is None else "one end-of-sentence event a line with words"
    smoothing = scores.smoothing + parameter + (f"; {scores.fallback}" if scores.fallback else "")
    return {
        "model": f"{len(scores.log_probs):,} words from {scorer.source}",
        **({} if options.model else {"smoothing": smoothing}),
        "evaluated": EXPLAINED[scorer.evaluated],
        "counted": f"{tokens}, {ends}",
        "unknown words": _OOV[options.oov],
    }


_OOV = {
    "unk": "scored as one unknown-word event",
    "skip": "left out of every figure",
    "error": "refused",
}


def _whole(corpus: Corpus, scorer: Scorer, options: Options, notes: Notes) -> Iterator[Records]:
    records = corpus_records(corpus, scorer.scores, options, scorer.own_counts)
    if not records.score.tokens[0]:
        raise CorpusError(_nothing_in(corpus))
    records = records.with_columns(in_sample_entropy=scorer.in_sample_entropy(options.base))
    yield _with_interval(records, corpus, scorer, options, notes)


def _by_file(corpus: Corpus, scorer: Scorer, options: Options, notes: Notes) -> Iterator[Records]:
    if corpus.dask is None and options.confidence is None:
        yield from file_records(corpus, scorer.scores, options)
        return
    for file in corpus.files():
        records = corpus_records(file, scorer.scores, options).with_columns(file=hide_bytes(file.paths[0]))
        yield _with_interval(records, file, scorer, options, notes)


def _by_line(corpus: Corpus, scorer: Scorer, options: Options, notes: Notes) -> Iterator[Records]:
    return line_records(corpus, scorer.scores, options)


def _by_word(corpus: Corpus, scorer: Scorer, options: Options, notes: Notes) -> Iterator[Records]:
    return word_records(corpus, scorer.scores, options)


_LEVELS = {
    "corpus": (_whole, figures),
    "file": (_by_file, figures),
    "line": (_by_line, figures),
    "word": (_by_word, word_figures),
}


def _with_interval(records: Records, corpus: Corpus, scorer: Scorer, options: Options, notes: Notes) -> Records:
    if options.confidence is None:
        return records
    try:
        drawn = sample(corpus, [scorer.scores], oov=options.oov, resample=options.resample)
    except TooFewUnits:
        if options.per == "corpus":
            raise
        return records.with_columns(cross_entropy_low=None, cross_entropy_high=None)
    notes.few_units(len(drawn.sums))
    resampled = bootstrap(drawn.sums, lambda score: score.under(options.oov).cross_entropy(options.base)[:, 0])
    low, high = interval(resampled, options.confidence, len(drawn.sums))
    return records.with_columns(cross_entropy_low=low, cross_entropy_high=high, resampled=drawn.unit)


def _check_records(
    records: Iterable[Records], corpus: Corpus, options: Options, progress: Progress, notes: Notes
) -> Iterator[Records]:
    """Take the bar off the screen while records are printed; complain at the end if some had no figures."""
    n_tokens = n_impossible = 0
    for several in records:
        progress.wipe()
        yield several
        notes.unknown(several.score)
        notes.skipped(several.problems)
        n_tokens += int(several.score.tokens.sum())
        n_impossible += int(np.count_nonzero(several.score.under(options.oov).log_prob == -np.inf))
    if not n_tokens:
        raise CorpusError(_nothing_in(corpus))
    if n_impossible:
        raise CorpusError(f"{corpus.title}: {n_impossible:,} {options.per}s have probability 0; {remedy(options)}")


def _nothing_in(corpus: Corpus) -> str:
    return f"{corpus.title}: the corpus is empty: there are no words to score"


def _draw(corpus: Corpus, scorer: Scorer, options: Options) -> None:
    """Save the picture of ``--plot``."""
    from skxent.cli._plot import save_plot

    assert options.plot is not None
    counts = scorer.own_counts or corpus.count()
    (whole,) = corpus_records(corpus, scorer.scores, options, counts).score.under(options.oov).perplexity
    if np.isnan(whole):
        raise CorpusError(f"{corpus.title}: no picture: all words are unknown, and --oov skip leaves them out")
    lines = line_records(corpus, scorer.scores, options)
    perplexities = (records.score.under(options.oov).perplexity for records in lines)
    save_plot(options.plot, corpus.short_title, np.sort(counts.counts)[::-1], perplexities, whole)
