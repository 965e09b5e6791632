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
COLUMNS = ("log_prob", "events", "unknown")


class TooFewUnits(CorpusError):
    """There are not two lines or files to choose from."""


def line_units(corpus: Corpus, models: Sequence[FittedUnigram], oov: str) -> Sums:
    """Sum over each line, or over neighbours in a long text: ``COLUMNS`` for each model."""
    units = Units(len(COLUMNS) * len(models))
    for tables in zip(*(line_sums(corpus, model, oov) for model in models), strict=True):
        lines = np.hstack([table.select(_columns(oov)).to_numpy() for table in tables])
        units.add(lines[lines[:, 1] > 0])
    units.close()
    return units.sums


def file_units(corpus: Corpus, models: Sequence[FittedUnigram], oov: str) -> Sums:
    """Sum over each file: ``COLUMNS`` for each model."""
    files = (line_units(replace(corpus, paths=[path]), models, oov).sum(axis=0) for path in corpus.paths)
    return np.array([sums for sums in files if sums[1] > 0])


def _columns(oov: str) -> list[pl.Expr]:
    columns = (*scored(oov), pl.col("unknown_tokens"))
    return [column.cast(pl.Float64).alias(name) for name, column in zip(COLUMNS, columns, strict=True)]


_UNITS: dict[str, Callable[[Corpus, Sequence[FittedUnigram], str], Sums]] = {
    "line": line_units,
    "file": file_units,
}


def sample(corpus: Corpus, models: Sequence[FittedUnigram], *, oov: str, resample: str | None) -> Sums:
    """Find the units that a bootstrap draws.

    Raises
    ------
    CorpusError
        When an event has probability zero.
    TooFewUnits
        When there are fewer than two units.
    """
    resample = resample or "line"
    sums = _UNITS[resample](corpus, models, oov)
    if len(sums) < 2:
        raise TooFewUnits(f"a bootstrap over {resample}s needs at least 2 {resample}s with words, not {len(sums)}")
    if not np.isfinite(sums).all():
        raise CorpusError(f"{corpus.title}: words of probability 0 make a bootstrap meaningless; smooth the model")
    return sums
