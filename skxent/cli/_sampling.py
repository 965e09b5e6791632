"""``--confidence`` and ``--compare``: sums over lines or files, which a bootstrap draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from skxent._typing import Floats
from skxent.cli._levels import Corpus, check_unknown
from skxent.language_model import CorpusError, Score, WordScores
from skxent.language_model._bootstrap import Units

__all__ = ["TooFewUnits", "sample"]

_N_AMOUNTS = Score().matrix().shape[-1]


class TooFewUnits(CorpusError):
    """There are not two lines or files to choose from."""


def _line_units(corpus: Corpus, models: Sequence[WordScores], oov: str) -> Floats:
    """Sum over each line with an event, or over neighbouring lines in a long text."""
    units = Units((len(models), _N_AMOUNTS))
    for scored in zip(*(corpus.score(model) for model in models), strict=True):
        check_unknown(scored[0], oov)
        sums = np.stack([_matrix(lines.score, oov) for lines in scored], axis=1)
        units.add(sums[scored[0].score.under(oov).events > 0])
    units.close()
    return units.sums


def _matrix(score: Score, oov: str) -> Floats:
    """Return the sums, without the log-probability of unknown words, which may be infinite, where it does not count."""
    return replace(score, log_prob_unknown=score.under(oov).log_prob_unknown).matrix()


def _file_units(corpus: Corpus, models: Sequence[WordScores], oov: str) -> Floats:
    """Sum over each file with an event."""
    files = [_line_units(file, models, oov) for file in corpus.files()]
    return np.array([sums.sum(axis=0) for sums in files if len(sums)])


_UNITS: dict[str, Callable[[Corpus, Sequence[WordScores], str], Floats]] = {"line": _line_units, "file": _file_units}


def sample(corpus: Corpus, models: Sequence[WordScores], *, oov: str, resample: str | None) -> Floats:
    """Find the units that a bootstrap draws.

    Returns
    -------
    ndarray of shape (n_units, n_models, n_amounts)
        The score of each unit under each model, as a matrix.

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
    if not np.isfinite(Score.from_matrix(sums).under(oov).log_prob).all():
        raise CorpusError(f"{corpus.title}: words of probability 0 make a bootstrap meaningless; smooth the model")
    return sums
