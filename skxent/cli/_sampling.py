"""``--confidence`` and ``--compare``: sums over what is independent in a text, which a bootstrap draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skxent._typing import Floats
from skxent.cli._levels import Corpus, check_unknown
from skxent.language_model import CorpusError, Score, WordScores
from skxent.language_model._bootstrap import Units, block_length, join_neighbours

__all__ = ["Sample", "TooFewUnits", "sample"]

# Sums that a score has, such as tokens and bytes.
_N_AMOUNTS = Score().matrix().shape[-1]


class TooFewUnits(CorpusError):
    """There are not two units to choose from."""


@dataclass(frozen=True)
class Sample:
    """What a bootstrap draws from.

    Attributes
    ----------
    sums : ndarray of shape (n_units, n_models, n_amounts)
        The score of each unit under each model, as a matrix.
    unit : str
        What a unit is.
    """

    sums: Floats
    unit: str


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


def _block_units(corpus: Corpus, models: Sequence[WordScores], oov: str) -> Floats:
    """Sum over as many neighbouring lines as depend on one another."""
    lines = _line_units(corpus, models, oov)
    if len(lines) < 2:
        return lines
    score = Score.from_matrix(lines).under(oov)
    if not np.isfinite(score.log_prob).all():
        return lines
    # How far each line moves the cross-entropy, or with two models the difference of their cross-entropies.
    influence = -score.log_prob - score.each(lambda amount: amount.sum(axis=0)).cross_entropy() * score.events
    moved = influence[:, 0] - (influence[:, 1] if len(models) > 1 else 0.0)
    return join_neighbours(lines, block_length(moved))


# Functions that add up the scores of the units that are drawn, by the name of the unit.
_UNITS: dict[str, Callable[[Corpus, Sequence[WordScores], str], Floats]] = {
    "block": _block_units,
    "line": _line_units,
    "file": _file_units,
}


def sample(corpus: Corpus, models: Sequence[WordScores], *, oov: str, resample: str | None) -> Sample:
    """Find the units that a bootstrap draws.

    Raises
    ------
    CorpusError
        When an event has probability zero.
    TooFewUnits
        When there are fewer than two units.
    """
    resample = resample or "block"
    sums = _UNITS[resample](corpus, models, oov)
    unit = "file" if resample == "file" else "document" if corpus.reading["field"] else "line"
    if len(sums) < 2:
        problem = f"a bootstrap over {unit}s needs at least 2 {unit}s with words, not {len(sums)}"
        raise TooFewUnits(f"{corpus.title}: {problem}")
    score = Score.from_matrix(sums).under(oov)
    if not np.isfinite(score.log_prob).all():
        raise CorpusError(f"{corpus.title}: words of probability 0 make a bootstrap meaningless; smooth the model")
    return Sample(sums, unit if resample != "block" else _name_of_blocks(score, unit))


def _name_of_blocks(score: Score, unit: str) -> str:
    """Name the units by their size."""
    n_lines = round(float(np.median(score.lines)))
    return unit if n_lines <= 1 else f"block of {n_lines:,} {unit}s"
