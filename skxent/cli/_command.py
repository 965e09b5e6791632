"""Do what ``skxent-perplexity`` is asked: report, compare models, filter lines, or list the methods."""

import inspect
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from skxent.cli.comparing import compare_models
from skxent.cli.filtering import filter_lines
from skxent.cli.progress import Progress
from skxent.cli.reporting import report
from skxent.language_model.corpus import CorpusError
from skxent.language_model.smoothing import SMOOTHINGS


def run(options: Namespace) -> int:
    """Do what the options ask; returns the exit code, after a line on standard error unless it is 0."""
    try:
        with Progress(enabled=sys.stderr.isatty() and not options.quiet) as progress:
            _check_outputs(options)
            _task(options)(options, progress)
    except BrokenPipeError:
        raise
    except (CorpusError, ImportError) as error:
        return _fail(1, str(error))
    except OSError as error:
        return _fail(1, f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except ValueError as error:
        return _fail(2, str(error))
    return 0


def _check_outputs(options: Namespace) -> None:
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
        from skxent.cli.plot import check_picture

        check_picture(options.plot)


def _fail(code: int, message: str) -> int:
    sys.stdout.flush()
    print(f"skxent-perplexity: {' '.join(message.split())}", file=sys.stderr)
    return code


def _task(options: Namespace) -> Callable[[Namespace, Progress], None]:
    if options.smoothing == "list":
        return list_smoothings
    if options.compare:
        return compare_models
    return filter_lines if options.filters else report


def list_smoothings(options: Namespace, progress: Progress) -> None:
    """Print each method's name and what it is."""
    for name, method in sorted(SMOOTHINGS.items()):
        print(f"{name:<22}{_plain((inspect.getdoc(method) or '').partition(chr(10))[0])}")


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
