"""What a model says about text, as sums that add, and every figure that follows from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from skxent._typing import Floats

__all__ = ["Score"]

# A number, or an array with one entry for each record (line, file, word, resample).
Amount = Any


@dataclass(frozen=True)
class Score:
    """Sums over the events of a text, or over those of each of many records.

    Each attribute is a number, or an array with one entry for each record. Scores of parts add up to the score of
    the whole, so the same figures follow for a word, a line, a file and a corpus.

    Attributes
    ----------
    lines : float or ndarray
        Lines, or documents where the corpus is made of documents.
    sentences : float or ndarray
        Lines with at least one token.
    tokens : float or ndarray
        Words, the unknown ones included and end-of-sentence events not.
    unknown_tokens : float or ndarray
        Words that the model does not know.
    ends : float or ndarray
        End-of-sentence events that were scored: 0 for a model without such events.
    bytes, characters : float or ndarray
        Size of the text in bytes and in code points.
    log_prob_known : float or ndarray
        Log-probability of the known words and the end-of-sentence events, in nats.
    log_prob_unknown : float or ndarray
        Log-probability of the unknown words, in nats.

    Examples
    --------
    >>> first = Score(tokens=3, log_prob_known=-3 * math.log(8))
    >>> second = Score(tokens=1, log_prob_known=-math.log(2))
    >>> print(f"{(first + second).cross_entropy(base=2):.6f} bits")
    2.500000 bits
    >>> Score(tokens=np.array([3, 1]), log_prob_known=np.log([1 / 512, 1 / 2])).perplexity
    array([8., 2.])
    """

    lines: Amount = 0
    sentences: Amount = 0
    tokens: Amount = 0
    unknown_tokens: Amount = 0
    ends: Amount = 0
    bytes: Amount = 0
    characters: Amount = 0
    log_prob_known: Amount = 0.0
    log_prob_unknown: Amount = 0.0

    def __add__(self, other: Score) -> Score:
        """Add the sums of two texts, record by record."""
        if not isinstance(other, Score):
            return NotImplemented
        return Score(*(a + b for a, b in zip(self._amounts(), other._amounts(), strict=True)))

    @classmethod
    def of_records(cls, **amounts: Amount) -> Score:
        """Make a score of many records; what is one number holds for each of them."""
        return cls(*np.broadcast_arrays(*cls(**amounts)._amounts()))

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.tokens)

    def _amounts(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))

    def each(self, function: Callable[[Any], Any]) -> Score:
        """Apply a function to each attribute: to choose records, or to add some of them up."""
        return Score(*map(function, self._amounts()))

    def total(self) -> Score:
        """Add all records up.

        Examples
        --------
        >>> Score(tokens=np.array([3, 1])).total().tokens
        4
        """
        return self.each(lambda amount: np.sum(amount).item())

    @classmethod
    def concatenate(cls, scores: Iterable[Score]) -> Score:
        """Put the records of several scores, whose attributes are arrays, one after the other."""
        return cls(*map(np.concatenate, zip(*(score._amounts() for score in scores), strict=True)))

    @classmethod
    def from_matrix(cls, sums: Floats) -> Score:
        """Make a score of an array of shape (..., n_attributes), as :meth:`matrix` gives it."""
        return cls(*np.moveaxis(sums, -1, 0))

    def matrix(self) -> Floats:
        """Return an array of shape (n_records, n_attributes)."""
        return np.stack(np.broadcast_arrays(*self._amounts()), axis=-1).astype(np.float64)

    @property
    def known(self) -> Score:
        """The same text, with its unknown words left out of the events."""
        nothing = self.unknown_tokens * 0
        return replace(
            self, tokens=self.tokens - self.unknown_tokens, unknown_tokens=nothing, log_prob_unknown=nothing * 0.0
        )

    def under(self, oov: str) -> Score:
        """Return the sums that figures are made of: without the unknown words if ``oov`` is ``"skip"``."""
        return self.known if oov == "skip" else self

    @property
    def events(self) -> Amount:
        """Number of events that were scored."""
        return self.tokens + self.ends

    @property
    def log_prob(self) -> Amount:
        """Log-probability of all events, in nats."""
        return self.log_prob_known + self.log_prob_unknown

    def cross_entropy(self, base: float = math.e) -> Any:
        """Mean of −log-probability over the events; NaN where there is none.

        Parameters
        ----------
        base : float, default=e
            Base of the logarithm: 2 for bits.
        """
        return _ratio(self.log_prob, self.events) / math.log(base)

    @property
    def perplexity(self) -> Any:
        """The exponential of the cross-entropy; infinite where an event is impossible, NaN without events."""
        with np.errstate(over="ignore"):
            return _plain(np.exp(self.cross_entropy()))

    @property
    def bits_per_byte(self) -> Any:
        """Bits of all events over the bytes of the text."""
        return _ratio(self.log_prob, self.bytes) / math.log(2)

    @property
    def bits_per_character(self) -> Any:
        """Bits of all events over the code points of the text."""
        return _ratio(self.log_prob, self.characters) / math.log(2)


def _ratio(log_prob: Amount, size: Amount) -> Any:
    """Divide −log-probability by a size; NaN where the size is 0. The sign of 0 is plus."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.divide(np.subtract(0.0, log_prob), size)
        return _plain(np.where(np.equal(size, 0), np.nan, ratio))


def _plain(value: Any) -> Any:
    """Return a Python number where there is only one."""
    return value.item() if np.ndim(value) == 0 else value
