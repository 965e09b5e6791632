"""Do what ``skxent-perplexity`` is asked: report, compare models, filter lines, or list the methods."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress

from skxent.cli._compare import compare_models
from skxent.cli._filter import filter_lines
from skxent.cli._key_words import print_key_words
from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.cli._report import report
from skxent.cli._safety import check_outputs
from skxent.cli._select import select_records
from skxent.cli._tokenizers import compare_tokenizers
from skxent.language_model import SMOOTHINGS, CorpusError
from skxent.language_model._errors import UndecodableError

__all__ = ["run"]


def run(options: Options) -> int:
    """Do what the options ask; returns the exit code, after a line on standard error unless it is 0."""
    try:
        with Progress(enabled=sys.stderr.isatty() and not options.quiet) as progress:
            check_outputs(options)
            notes = Notes(options.quiet)
            _task(options)(options, progress, notes)
            sys.stdout.flush()
            notes.finish()
    except BrokenPipeError:
        raise
    except UndecodableError as error:
        return _fail(1, f"{error.problem}; give its --encoding, or have such bytes replaced with --errors replace")
    except (CorpusError, ImportError) as error:
        return _fail(1, str(error))
    except MemoryError:
        return _fail(1, "not enough memory: use fewer --jobs, or --min-count and less text at a time")
    except OSError as error:
        return _fail(1, f"{error.filename or _outputs(options)}: {error.strerror or error}")
    except ValueError as error:
        return _fail(2, str(error))
    return 0


def _outputs(options: Options) -> str:
    """Name what is written, for errors that do not."""
    return " or ".join(filter(None, (options.save, options.plot, "standard output")))


def _fail(code: int, message: str) -> int:
    with suppress(OSError):
        sys.stdout.flush()
    print(f"skxent-perplexity: {' '.join(message.split())}", file=sys.stderr)
    return code


def _task(options: Options) -> Callable[[Options, Progress, Notes], None]:
    if options.smoothing == "list":
        return _list_smoothings
    if options.compare:
        return print_key_words if options.words else compare_models
    if options.target:
        return select_records
    if "," in options.tokenizer:
        return compare_tokenizers
    return filter_lines if options.filters else report


def _list_smoothings(options: Options, progress: Progress, notes: Notes) -> None:
    """Print each method's name and what it is."""
    for name in SMOOTHINGS:
        print(f"{name:<22}{_plain((inspect.getdoc(SMOOTHINGS[name]) or '').partition(chr(10))[0])}")


def _plain(text: str) -> str:
    """Write the formulas of a docstring for a terminal."""
    for marked_up, plain in _PLAIN.items():
        text = text.replace(marked_up, plain)
    return text


_PLAIN = {
    ":math:": "",
    "`": "",
    "\\,": "",
    "\\max": "max",
    "\\delta": "δ",
    "\\gamma": "γ",
    "\\lambda": "λ",
    "\\mu": "μ",
}
