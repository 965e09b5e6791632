"""Do what ``skxent-perplexity`` is asked: report, compare models, filter lines, or list the methods.

Each task is a module of its own, and only the one that is asked for is imported: all together take 30 ms.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress

from skxent.cli._notes import Notes
from skxent.cli._options import Options
from skxent.cli._progress import Progress
from skxent.cli._safety import check_outputs
from skxent.language_model._errors import CorpusError, UndecodableError

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
    """Import what does the task, and nothing else."""
    if options.smoothing == "list":
        from skxent.cli._smoothings import list_smoothings as task
    elif options.compare and options.words:
        from skxent.cli._key_words import print_key_words as task
    elif options.compare:
        from skxent.cli._compare import compare_models as task
    elif options.target:
        from skxent.cli._select import select_records as task
    elif "," in options.tokenizer:
        from skxent.cli._tokenizers import compare_tokenizers as task
    elif options.filters:
        from skxent.cli._filter import filter_lines as task
    else:
        from skxent.cli._report import report as task
    return task
