"""Do what ``skxent-perplexity`` is asked: report, compare models, filter lines, or list the methods."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path

from skxent.cli._compare import compare_models
from skxent.cli._filter import filter_lines
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.cli._report import report
from skxent.cli._select import select_records
from skxent.language_model import SMOOTHINGS, CorpusError
from skxent.language_model._reader import UndecodableError

__all__ = ["run"]


def run(options: Options) -> int:
    """Do what the options ask; returns the exit code, after a line on standard error unless it is 0."""
    try:
        with Progress(enabled=sys.stderr.isatty() and not options.quiet) as progress:
            _check_outputs(options)
            _task(options)(options, progress)
    except BrokenPipeError:
        raise
    except UndecodableError as error:
        return _fail(1, f"{error.problem}; give its --encoding, or have such bytes replaced with --errors replace")
    except (CorpusError, ImportError) as error:
        return _fail(1, str(error))
    except OSError as error:
        return _fail(1, f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except ValueError as error:
        return _fail(2, str(error))
    return 0


def _check_outputs(options: Options) -> None:
    """Refuse at once what would only fail after all the work."""
    for path in filter(None, (options.save, options.plot)):
        place = Path(path)
        folder = place.absolute().parent
        if not folder.is_dir():
            raise CorpusError(f"{path}: there is no folder {folder}")
        if place.is_dir():
            raise CorpusError(f"{path}: a folder, not the name of a file")
        written = folder if place.is_file() or not place.exists() else place
        if not os.access(written, os.W_OK):
            raise CorpusError(f"{path}: {written} cannot be written to")
    if options.plot:
        from skxent.cli._plot import check_picture

        check_picture(options.plot)


def _fail(code: int, message: str) -> int:
    sys.stdout.flush()
    print(f"skxent-perplexity: {' '.join(message.split())}", file=sys.stderr)
    return code


def _task(options: Options) -> Callable[[Options, Progress], None]:
    if options.smoothing == "list":
        return _list_smoothings
    if options.compare:
        return compare_models
    if options.target:
        return select_records
    return filter_lines if options.filters else report


def _list_smoothings(options: Options, progress: Progress) -> None:
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
