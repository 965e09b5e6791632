"""Tokenizers other than white space: NLTK's by name, or any callable."""

import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any

WHITESPACE = "whitespace"

# They take tokens rather than text, or find sentences rather than words, or are what "whitespace" already is.
_NOT_FOR_WORDS = {"blankline", "line", "mwe", "punkt", "punktsentence", "texttiling", WHITESPACE}

Tokenize = Callable[[str], Sequence[str]]


def make_tokenizer(tokenizer: str | Tokenize) -> Tokenize | None:
    """Find the callable behind a name, or the callable itself; None for white space, which needs none.

    Parameters
    ----------
    tokenizer : str or callable
        ``"whitespace"``; the name of one of NLTK's tokenizers in lower case and without "Tokenizer" or
        "WordTokenizer", such as ``"treebank"``, ``"wordpunct"``, ``"toktok"`` or ``"tweet"``; or a callable
        that takes a line of text and returns its tokens.

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
    known = _nltk_tokenizers(tokenizer)
    if tokenizer not in known:
        raise ValueError(f"unknown tokenizer {tokenizer!r}; choose from {', '.join([WHITESPACE, *sorted(known)])}")
    tokenize: Tokenize = known[tokenizer]().tokenize
    return tokenize


def _nltk_tokenizers(wanted: str) -> dict[str, Any]:
    """NLTK's tokenizers that need no argument, by their short names."""
    try:
        module = importlib.import_module("nltk.tokenize")
    except ImportError:
        raise ImportError(f"tokenizer={wanted!r} needs NLTK: pip install nltk") from None
    base = importlib.import_module("nltk.tokenize.api").TokenizerI
    found = {
        name.removesuffix("Tokenizer").removesuffix("Word").lower(): cls
        for name, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, base) and name.endswith("Tokenizer") and _needs_no_argument(cls)
    }
    return {name: cls for name, cls in found.items() if name not in _NOT_FOR_WORDS}


def _needs_no_argument(cls: Any) -> bool:
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in variadic for p in parameters)


def tokenize_lines(tokenize: Tokenize, text: str) -> list[Sequence[str]]:
    """Tokenize a text line by line; the tokenizer sees no line ends.

    Raises
    ------
    TypeError
        When the tokenizer returns anything but a sequence of strings.
    """
    return [_checked(tokenize(line.removesuffix("\r"))) for line in text.removesuffix("\n").split("\n")]


def _checked(tokens: Any) -> Sequence[str]:
    """Refuse what would be counted letter by letter."""
    if isinstance(tokens, str | bytes) or not all(isinstance(token, str) for token in tokens):
        raise TypeError(f"the tokenizer must return a list of strings, not {tokens!r:.80}")
    checked: Sequence[str] = tokens
    return checked
