"""Tokenizers other than white space: NLTK's by name, or any callable."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from skxent._registry import Registry
from skxent.language_model._options import WHITESPACE
from skxent.language_model._spacing import SpacedTokenizer, space_words

__all__ = [
    "TOKENIZERS",
    "Tokenize",
    "make_tokenizer",
    "space_tokens",
    "tokenize_block",
    "tokenize_lines",
    "works_on_arrays",
]

Tokenize = Callable[[str], Sequence[str]]

# What makes the tokenizer of a name. A tokenizer that NLTK has joins them when its name is first used.
TOKENIZERS: Registry[Callable[[], Tokenize]] = Registry("tokenizer")

# NLTK's that take tokens rather than text, or find sentences rather than words, or do what "whitespace" does.
_NOT_FOR_WORDS = {"blankline", "line", "mwe", "punkt", "punktsentence", "texttiling", WHITESPACE}


@TOKENIZERS.register(WHITESPACE)
def _whitespace() -> Tokenize:
    return str.split


@TOKENIZERS.register("wordpunct")
def _wordpunct() -> Tokenize:
    return SpacedTokenizer(space_words)


def make_tokenizer(tokenizer: str | Tokenize) -> Tokenize | None:
    """Find the callable behind a name, or the callable itself; None for white space, which needs none.

    Parameters
    ----------
    tokenizer : str or callable
        ``"whitespace"``; the name of one of NLTK's tokenizers in lower case and without "Tokenizer" or
        "WordTokenizer", such as ``"treebank"``, ``"wordpunct"``, ``"toktok"`` or ``"tweet"``; a name of your
        own, see ``TOKENIZERS``; or a callable that takes a line of text and returns its tokens.

    Raises
    ------
    ValueError
        When no tokenizer has that name.
    ImportError
        When NLTK is asked for and missing.
    """
    if callable(tokenizer):
        return tokenizer
    if tokenizer == WHITESPACE:
        return None
    if tokenizer not in TOKENIZERS:
        _register_nltk(tokenizer)
    return TOKENIZERS[tokenizer]()


@cache
def _register_nltk(wanted: str) -> None:
    """Register NLTK's tokenizers that need no argument, by their short names."""
    try:
        module = importlib.import_module("nltk.tokenize")
    except ImportError:
        raise ImportError(f"tokenizer={wanted!r} needs NLTK: pip install nltk") from None
    base = importlib.import_module("nltk.tokenize.api").TokenizerI
    for name, cls in inspect.getmembers(module, inspect.isclass):
        short = name.removesuffix("Tokenizer").removesuffix("Word").lower()
        suits = issubclass(cls, base) and name.endswith("Tokenizer") and _needs_no_argument(cls)
        if suits and short not in _NOT_FOR_WORDS and short not in TOKENIZERS:
            TOKENIZERS.register(short)(_maker(cls))


def _maker(cls: Any) -> Callable[[], Tokenize]:
    return lambda: cls().tokenize


def _needs_no_argument(cls: Any) -> bool:
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in variadic for p in parameters)


def works_on_arrays(tokenize: Tokenize | None) -> bool:
    """Return whether a tokenizer splits whole blocks of text, rather than one line after another."""
    return tokenize is None or isinstance(tokenize, SpacedTokenizer)


def space_tokens(tokenize: Tokenize | None, data: bytes, lowercase: bool = False) -> bytes:
    """Return the text with white space between its tokens, for a tokenizer that works on arrays."""
    data = tokenize.space(data) if isinstance(tokenize, SpacedTokenizer) else data
    return _lowered(data) if lowercase else data


def _lowered(data: bytes) -> bytes:
    """Lower-case UTF-8, which does the same to every token as white space is no part of any letter's surroundings."""
    return data.lower() if data.isascii() else data.decode().lower().encode()


def tokenize_lines(tokenize: Tokenize, text: str) -> list[Sequence[str]]:
    """Tokenize a text line by line; the tokenizer sees no line ends.

    Raises
    ------
    TypeError
        When the tokenizer returns anything but a sequence of strings.
    """
    return [_checked(tokenize(line.removesuffix("\r"))) for line in text.removesuffix("\n").split("\n")]


def tokenize_block(tokenize: Tokenize, data: bytes) -> list[Sequence[str]]:
    """Tokenize the lines of a block, each of which ends with a newline, so that there is none without data."""
    return tokenize_lines(tokenize, data.decode()) if data else []


def _checked(tokens: Any) -> Sequence[str]:
    """Refuse what would be counted letter by letter."""
    listed: Any = tokens if isinstance(tokens, Iterable) and not isinstance(tokens, str | bytes) else [None]
    if not all(isinstance(token, str) for token in listed):
        raise TypeError(f"the tokenizer must return a list of strings, not {tokens!r:.80}")
    checked: Sequence[str] = listed
    return checked
