"""ARPA files: the format in which language-model tools exchange models.

A file holds base-10 logarithms of probabilities, −99 standing for probability zero.  ``<s>`` is listed
because the tools expect it, with −99 because it is never scored.  The header also counts zero bigrams,
without which KenLM refuses a unigram model.
"""

import gzip
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from skxent._files import atomic_write
from skxent.language_model._model import FittedUnigram
from skxent.language_model._options import END_OF_SENTENCE, START_OF_SENTENCE, UNKNOWN
from skxent.language_model._reader import CorpusError, UndecodableError, read_blocks

__all__ = ["read_arpa", "write_arpa"]

# What stands for the logarithm of 0, and for every number below it.
_ZERO = -99.0
_DELIMITERS = " \t\r\n\0"


def write_arpa(model: FittedUnigram, path: str | Path) -> None:
    """Write a model as ARPA, compressed if the name ends with ``.gz``.

    The file is written beside its place and then renamed, so that nothing half-written is ever found there.

    Parameters
    ----------
    model : FittedUnigram
        The model.
    path : str or Path
        Where to write.

    Raises
    ------
    CorpusError
        When ARPA cannot hold a word: one with a blank in it, or a word that means the start or the end of a
        sentence.
    TypeError
        When the model is no distribution, as leave-one-out scores are not.
    """
    if not isinstance(model, FittedUnigram):
        raise TypeError(f"only a FittedUnigram is a distribution that ARPA can hold, not {model!r}")
    _check_words(model, path)
    entries = [(START_OF_SENTENCE, -math.inf), (UNKNOWN, model.log_prob_unk)]
    entries.append((END_OF_SENTENCE, -math.inf if model.log_prob_eos is None else model.log_prob_eos))
    entries += zip(model.words, model.log_probs.tolist(), strict=True)
    opener = gzip.open if Path(path).suffix == ".gz" else open
    with atomic_write(path) as part, opener(part, "wt", encoding="utf-8", newline="\n") as file:
        file.write(f"\\data\\\nngram 1={len(entries)}\nngram 2=0\n\n\\1-grams:\n")
        file.writelines(f"{_log10(log_prob):.10g}\t{word}\n" for word, log_prob in entries)
        file.write("\n\\2-grams:\n\n\\end\\\n")


def _check_words(model: FittedUnigram, path: str | Path) -> None:
    for word in model.words:
        if not word or any(delimiter in word for delimiter in _DELIMITERS):
            raise CorpusError(f"{path}: ARPA cannot hold the word {word!r}: it is empty or has a blank in it")
        if word in (START_OF_SENTENCE, END_OF_SENTENCE):
            raise CorpusError(
                f"{path}: ARPA cannot hold {word!r} as a word, it marks sentences: take it out of the text "
                "and train with end-of-sentence events"
            )


def _log10(log_prob: float) -> float:
    return _ZERO if log_prob == -math.inf else log_prob / math.log(10)


def read_arpa(path: str | Path) -> FittedUnigram:
    """Read a unigram model, plain or compressed.

    A model without ``<unk>`` gives unknown words probability zero; one whose ``</s>`` is missing or has
    probability zero has no end-of-sentence events.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    FittedUnigram

    Raises
    ------
    CorpusError
        When the file cannot be read, is no complete ARPA file, or holds a model of higher order.
    """
    lines = ((f"{path}: line {number}", line) for number, line in enumerate(_lines(path), 1))
    n_unigrams = _read_header(str(path), lines)
    log_probs = _read_unigrams(str(path), lines)
    if len(log_probs) != n_unigrams:
        raise CorpusError(f"{path}: the header counts {n_unigrams} unigrams, there are {len(log_probs)}")
    log_probs.pop(START_OF_SENTENCE, None)
    unknown = log_probs.pop(UNKNOWN, -math.inf)
    ends = log_probs.pop(END_OF_SENTENCE, -math.inf)
    words = pl.Series("word", list(log_probs), dtype=pl.String)
    values = np.array(list(log_probs.values()), dtype=np.float64)
    return FittedUnigram(words, values, unknown, None if ends == -math.inf else ends)


def _lines(path: str | Path) -> Iterator[str]:
    """Lines of the file; white space other than the newline may be part of a word."""
    try:
        for block in read_blocks(path):
            yield from block.data.decode().removesuffix("\n").split("\n")
    except UndecodableError as error:
        raise CorpusError(f"{error.problem}; convert the model to UTF-8") from None


def _read_header(path: str, lines: Iterable[tuple[str, str]]) -> int:
    n_unigrams = None
    is_header = False
    for place, line in lines:
        line = line.strip()
        if line == "\\data\\":
            is_header = True
        elif is_header and line.startswith("ngram "):
            order, count = _counted(line, place)
            if order > 1 and count > 0:
                raise CorpusError(f"{place}: a model of order {order}; only unigram models can be read")
            n_unigrams = count if order == 1 else n_unigrams
        elif line == "\\1-grams:" and n_unigrams is not None:
            return n_unigrams
    raise CorpusError(f"{path}: not an ARPA file: there is no \\data\\ with the number of unigrams, or no unigrams")


def _counted(line: str, place: str) -> tuple[int, int]:
    try:
        order, count = map(int, line.removeprefix("ngram ").split("="))
    except ValueError:
        raise CorpusError(f"{place}: expected 'ngram order=count', got {line!r}") from None
    return order, count


def _read_unigrams(path: str, lines: Iterable[tuple[str, str]]) -> dict[str, float]:
    log_probs: dict[str, float] = {}
    for place, line in lines:
        if line.startswith("\\end\\"):
            return log_probs
        if not line.strip() or line.startswith("\\2-grams:"):
            continue
        word, log_prob = _entry(line, place)
        if word in log_probs:
            raise CorpusError(f"{place}: the word {word!r} comes twice")
        log_probs[word] = log_prob
    raise CorpusError(f"{path}: the file is cut short: there is no \\end\\")


def _entry(line: str, place: str) -> tuple[str, float]:
    """Return a line's word and natural log-probability; a back-off weight may follow and is not needed."""
    fields = line.rstrip("\r").split("\t" if "\t" in line else None)
    try:
        log_prob = float(fields[0])
        word = fields[1]
    except (ValueError, IndexError):
        word = ""
    if not word:
        raise CorpusError(f"{place}: expected a log-probability and a word, got {line!r:.60}")
    if not log_prob <= 0:
        raise CorpusError(f"{place}: the log-probability of {word!r} is {log_prob:g}, not a number up to zero")
    return word, -math.inf if log_prob <= _ZERO else log_prob * math.log(10)
