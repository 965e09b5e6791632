"""Names and numbers that the command shares with the library; imports nothing that takes time."""

from __future__ import annotations

import math

__all__ = [
    "BASES",
    "DECODE_ERRORS",
    "END_OF_SENTENCE",
    "LEAVE_ONE_OUT",
    "OOV",
    "START_OF_SENTENCE",
    "UNKNOWN",
    "WHITESPACE",
    "unit_of",
]

UNKNOWN = "<unk>"
START_OF_SENTENCE = "<s>"
END_OF_SENTENCE = "</s>"
LEAVE_ONE_OUT = "leave-one-out"
WHITESPACE = "whitespace"

# What may be done with words that the model does not know, and with bytes that are no text.
OOV = ("unk", "skip", "error")
DECODE_ERRORS = ("strict", "replace", "ignore")

# Bases of logarithms by the name that the command line has for them.
BASES = {"2": 2.0, "e": math.e, "10": 10.0}
# Names of the units of logarithms, by their base.
_UNITS = {2.0: "bits", math.e: "nats", 10.0: "hartleys"}


def unit_of(base: float) -> str:
    """Name the unit of logarithms to this base.

    Examples
    --------
    >>> unit_of(2), unit_of(4)
    ('bits', 'log base 4')
    """
    return _UNITS.get(base, f"log base {base:g}")
