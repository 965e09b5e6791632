"""``--confidence`` and ``--compare``: figures of lines or files, resampled."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from skxent.cli.levels import Corpus, line_sums, scored
from skxent.language_model.bootstrap import Units
from skxent.language_model.corpus import CorpusError
from skxent.language_model.model import FittedUnigram

Sums = NDArray[np.float64]


def line_units(corpus: Corpus, models: Sequence[FittedUnigram], oov: str) -> Sums:
    """Log-probability and events of each line (or of neighbours, in a long text), two columns a model."""
    units = Units(2 * len(models))
    for tables in zip(*(line_sums(corpus, model, oov) for model in models), strict=True):
        columns = [table.select(*_named(scored(oov=oov))).to_numpy() for table in tables]
        lines = np.hstack(columns).astype(float)
        units.add(lines[lines[:, 1] > 0])
    units.close()
    return units.sums


def file_units(corpus: Corpus, models: Sequence[FittedUnigram], oov: str) -> Sums:
    """Log-probability and events of each file, two columns a model."""
    files = (line_units(replace(corpus, paths=[path]), models, oov).sum(axis=0) for path in corpus.paths)
    return np.array([sums for sums in files if sums[1] > 0])


def _named(events: tuple[pl.Expr, pl.Expr]) -> tuple[pl.Expr, pl.Expr]:
    return events[0].alias("log_prob"), events[1].cast(pl.Float64).alias("events")


_UNITS: dict[str, Callable[[Corpus, Sequence[FittedUnigram], str], Sums]] = {
    "line": line_units,
    "file": file_units,
}


def sample(corpus: Corpus, models: Sequence[FittedUnigram], *, oov: str, resample: str) -> Sums:
    """Find the units that a bootstrap draws.

    Raises
    ------
    CorpusError
        When there are fewer than two units, or an event has probability zero.
    """
    sums = _UNITS[resample](corpus, models, oov)
    if len(sums) < 2:
        raise CorpusError(
            f"a bootstrap over {resample}s needs at least 2 {resample}s with words, not {len(sums)}"
        )
    if not np.isfinite(sums).all():
        raise CorpusError(
            "words of probability 0 make a bootstrap meaningless; use --oov skip or another --smoothing"
        )
    return sums
