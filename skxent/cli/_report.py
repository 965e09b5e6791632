"""Report the figures of a corpus, its files, its lines or its words."""

import math
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import polars as pl

from skxent.cli.arguments import LEAVE_ONE_OUT
from skxent.cli.formats import FORMATS, Report
from skxent.cli.levels import (
    BASES,
    Corpus,
    corpus_sums,
    figures,
    file_sums,
    line_sums,
    remedy,
    scored,
    word_figures,
    word_sums,
)
from skxent.cli.progress import Progress
from skxent.cli.sampling import TooFewUnits, sample
from skxent.cli.scorer import EXPLAINED, Scorer, find_scorer
from skxent.language_model.bootstrap import bootstrap, cross_entropy, interval
from skxent.language_model.corpus import CorpusError


def report(options: Namespace, progress: Progress) -> None:
    """Print the figures of the corpus, its files, its lines or its words; draw them if asked for."""
    corpus, scorer = find_scorer(options, progress)
    model = scorer.model
    constants = {
        "smoothing": model.smoothing,
        "smoothing_parameter": model.smoothing_parameter,
        "evaluated": scorer.evaluated,
        "confidence": options.confidence,
    }
    tables, to_figures = _LEVELS[options.per]
    printed = Report(
        title=corpus.title,
        level=options.per,
        unit=BASES[options.base][1],
        figures=partial(to_figures, oov=options.oov, base=options.base, constants=constants),
        about=_about(scorer, options),
        bold=sys.stdout.isatty() and "NO_COLOR" not in os.environ,
    )
    hint = remedy(options.oov, model)
    FORMATS[options.format](_checked(tables(corpus, scorer, options), corpus, options, hint, progress), printed)
    if options.plot:
        draw(corpus, scorer, options)


def _about(scorer: Scorer, options: Namespace) -> dict[str, str]:
    """Describe the model, for the foot of the sheet."""
    model = scorer.model
    value = model.smoothing_parameter
    parameter = "" if value is None else f", parameter {value:.6g}"
    if value is not None and options.smoothing_parameter in (None, LEAVE_ONE_OUT) and not options.model:
        edge = "" if 1e-8 < value < 1e8 else ", at the edge: too little text to tell words apart"
        parameter += f" ({LEAVE_ONE_OUT} optimum{edge})"
    tokens = f"{options.tokenizer} tokens" + (", lower-cased" if options.lowercase else "")
    ends = "no end-of-sentence events" if model.log_prob_eos is None else "one end-of-sentence event a line with words"
    smoothing = model.smoothing + parameter + (f"; {model.fallback}" if model.fallback else "")
    return {
        "model": f"{len(model.words):,} words from {scorer.source}",
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


def _whole(corpus: Corpus, scorer: Scorer, options: Namespace) -> Iterator[pl.DataFrame]:
    sums = corpus_sums(corpus, scorer.model, options.oov, scorer.own_counts)
    if not sums["tokens"][0]:
        raise CorpusError(_nothing_in(corpus))
    entropy = pl.lit(scorer.in_sample_entropy(options.base), dtype=pl.Float64)
    yield _with_interval(sums.with_columns(in_sample_entropy=entropy), corpus, scorer, options)


def _by_file(corpus: Corpus, scorer: Scorer, options: Namespace) -> Iterator[pl.DataFrame]:
    for path, sums in zip(corpus.paths, file_sums(corpus, scorer.model, options.oov), strict=True):
        yield _with_interval(sums, replace(corpus, paths=[path]), scorer, options)


def _by_line(corpus: Corpus, scorer: Scorer, options: Namespace) -> Iterator[pl.DataFrame]:
    return line_sums(corpus, scorer.model, options.oov)


def _by_word(corpus: Corpus, scorer: Scorer, options: Namespace) -> Iterator[pl.DataFrame]:
    return word_sums(corpus, scorer.model, options.oov)


_LEVELS = {
    "corpus": (_whole, figures),
    "file": (_by_file, figures),
    "line": (_by_line, figures),
    "word": (_by_word, word_figures),
}


def _with_interval(sums: pl.DataFrame, corpus: Corpus, scorer: Scorer, options: Namespace) -> pl.DataFrame:
    if options.confidence is None:
        return sums
    try:
        drawn = sample(corpus, [scorer.model], oov=options.oov, resample=options.resample)
    except TooFewUnits:
        if options.per == "corpus":
            raise
        return sums.with_columns(pl.lit(None, pl.Float64).alias(f"cross_entropy_{end}") for end in ("low", "high"))
    unit = math.log(BASES[options.base][0])
    low, high = interval(bootstrap(drawn, cross_entropy) / unit, options.confidence)
    return sums.with_columns(cross_entropy_low=low, cross_entropy_high=high)


def _checked(
    tables: Iterable[pl.DataFrame], corpus: Corpus, options: Namespace, hint: str, progress: Progress
) -> Iterator[pl.DataFrame]:
    """Take the bar off the screen while records are printed; complain at the end if some had no figures."""
    n_tokens = n_impossible = 0
    impossible = scored(options.oov)[0] == -math.inf
    for table in tables:
        progress.wipe()
        yield table
        n_tokens += int(table["tokens"].sum())
        n_impossible += table.filter(impossible).height
    if not n_tokens:
        raise CorpusError(_nothing_in(corpus))
    if n_impossible:
        raise CorpusError(f"{corpus.title}: {n_impossible:,} {options.per}s have probability 0; {hint}")


def _nothing_in(corpus: Corpus) -> str:
    return f"{corpus.title}: the corpus is empty: there are no words to score"


def draw(corpus: Corpus, scorer: Scorer, options: Namespace) -> None:
    """Save the picture of ``--plot``."""
    from skxent.cli.plot import save_plot

    counts = scorer.own_counts or corpus.count()
    to_figures = partial(figures, oov=options.oov, base=options.base, constants={})
    whole = to_figures(corpus_sums(corpus, scorer.model, options.oov, counts))["perplexity"][0]
    if whole is None:
        raise CorpusError(f"{corpus.title}: no picture: all words are unknown, and --oov skip leaves them out")
    lines = (to_figures(sums)["perplexity"] for sums in line_sums(corpus, scorer.model, options.oov))
    save_plot(options.plot, corpus.title, counts.counts, lines, whole)
