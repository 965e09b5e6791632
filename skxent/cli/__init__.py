"""The command ``skxent-perplexity``: cross-entropy and perplexity of text under a unigram model.

``_options`` says what can be asked and ``_command`` does it: it reports, filters or compares.  ``_levels``
scores the corpus, its files, lines or words, and ``_formats`` prints them.  This module turns whatever happens
into an exit code and imports nothing heavy, so that ``--help`` and usage errors answer at once.
"""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from skxent.cli._options import parse_arguments

__all__ = ["main"]

# Exit code after Ctrl-C: 128 and the number of the signal, as shells have it.
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        0 when all went well; 1 when the data stood in the way and 2 when the value of an option did (one line
        on standard error says how); 130 after Ctrl-C.

    Raises
    ------
    SystemExit
        With code 2 when the arguments make no sense, and with code 0 after ``--help`` and ``--version``.
    """
    try:
        options = parse_arguments(argv)
        _prepare(options.jobs)
        from skxent.cli._command import run

        code = run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return 0
    return code


def _prepare(n_jobs: int | None) -> None:
    """Write UTF-8 whatever the locale, and tell Polars how many cores it may use before it is imported."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    if n_jobs is not None:
        os.environ.setdefault("POLARS_MAX_THREADS", str(n_jobs))


def _silence_stdout() -> None:
    """Send what is left in the buffer nowhere, or Python would complain about the closed pipe at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
