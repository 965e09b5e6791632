r"""Put blanks between words and punctuation, so that white space alone separates the tokens of ``\w+|[^\w\s]+``.

Those are the tokens of NLTK's WordPunctTokenizer and of DSIR, here at the speed of arrays. What belongs to a word is
what Unicode recommends [1]_ for ``\w``: letters, the marks on them, digits, the underscore and its like. (Python's own
``re`` leaves the marks out, and so cuts words of many scripts of Asia apart.) White space is that of :meth:`str.split`.

References
----------
.. [1] Unicode Technical Standard 18, Unicode Regular Expressions, Annex C. https://www.unicode.org/reports/tr18/
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from skxent._typing import Array

__all__ = ["SpacedTokenizer", "space_words"]

_SPACE, _WORD, _OTHER = 0, 1, 2

# Unicode's general categories of what words are made of.
_WORD_CATEGORIES = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"}
# Where the planes of Unicode begin that have any of them; the others are empty or for private use.
_PLANES = (0, 0x10000, 0x20000, 0x30000, 0xE0000)
# Characters of other categories that words are made of too: joiners, and letters in circles and squares.
_MORE_LETTERS = ((0x200C, 0x200D), (0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))


class SpacedTokenizer:
    """A tokenizer that puts blanks between the tokens of a whole text, which takes much less time than line by line.

    Parameters
    ----------
    space : callable
        It takes UTF-8 and returns UTF-8 with the same lines, in which white space separates the tokens.

    Examples
    --------
    >>> SpacedTokenizer(space_words)("Isn't it?")
    ['Isn', "'", 't', 'it', '?']
    """

    def __init__(self, space: Callable[[bytes], bytes]) -> None:
        self.space = space

    def __call__(self, line: str) -> list[str]:
        """Return the tokens of a line."""
        return self.space(line.encode("utf-8", "replace")).decode().split()


def space_words(data: bytes) -> bytes:
    r"""Put a blank wherever a word meets something that is neither a word nor white space.

    Parameters
    ----------
    data : bytes
        Valid UTF-8.

    Returns
    -------
    bytes
        UTF-8 with the same lines, in which white space separates all tokens.

    Examples
    --------
    >>> space_words(b"Isn't it 3.5%?\n")
    b"Isn ' t it 3 . 5 %?\n"
    """
    if data.isascii():
        characters = np.frombuffer(data, dtype=np.uint8)
        return _spaced(characters, _class_of_characters(0x80)[characters]).tobytes()
    wide = np.frombuffer(data.decode().encode("utf-32-le"), dtype=np.uint32)
    return _spaced(wide, _class_of_characters(0x110000)[wide]).tobytes().decode("utf-32-le").encode()


def _spaced(characters: Array, kind: NDArray[np.uint8]) -> Array:
    meets = kind[1:] != kind[:-1]
    meets &= kind[1:] != _SPACE
    meets &= kind[:-1] != _SPACE
    at = np.flatnonzero(meets) + 1
    is_kept = np.ones(len(characters) + len(at), dtype=np.bool_)
    is_kept[at + np.arange(len(at))] = False
    spaced = np.full(len(is_kept), 0x20, dtype=characters.dtype)
    spaced[is_kept] = characters
    return spaced


@cache
def _class_of_characters(n: int) -> NDArray[np.uint8]:
    """Tabulate what the first n code points are to regular expressions."""
    kinds = np.full(n, _OTHER, dtype=np.uint8)
    for code in (code for plane in _PLANES for code in range(plane, min(plane + 0x10000, n))):
        character = chr(code)
        if character.isspace():
            kinds[code] = _SPACE
        elif category(character) in _WORD_CATEGORIES:
            kinds[code] = _WORD
    for first, last in _MORE_LETTERS:
        kinds[first : last + 1] = _WORD
    return kinds
