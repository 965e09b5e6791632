"""The command ``skxent-perplexity``: cross-entropy and perplexity of text under a unigram model.

``_options`` says what can be asked and ``_command`` does it: it reports, filters or compares.  ``_levels``
scores the corpus, its files, lines or words, and ``_formats`` prints them.  This module turns whatever happens
into an exit code and imports nothing heavy, so that ``--help`` and usage errors answer at once.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper

from skxent.cli._options import Options, parse_arguments

__all__ = ["main"]


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
        on standard error says how); 128 and the number of the signal that stopped it, such as 130 after Ctrl-C.

    Raises
    ------
    SystemExit
        With code 2 when the arguments make no sense, and with code 0 after ``--help`` and ``--version``.
    """
    stdout_is_closed = _open_missing_streams()
    stopped: list[int] = []
    with _signals(stopped):
        try:
            options = _parse(argv, stdout_is_closed)
            if options is None:
                return 1
            _prepare(options.jobs)
            from skxent.cli._command import run

            code = run(options)
            _write_rest()
        except KeyboardInterrupt:
            stopped = stopped or [signal.SIGINT]
            code = 0
        except BrokenPipeError:
            _silence_stdout()
            return 0
    # A signal counts even if some library took its exception for another.
    return 128 + stopped[0] if stopped else code


def _parse(argv: Sequence[str] | None, stdout_is_closed: bool) -> Options | None:
    """Parse the arguments; None, after a line that says why, if nothing can be written."""
    why = " is closed"
    try:
        options = parse_arguments(argv)
        if not stdout_is_closed:
            return options
    except SystemExit as end:
        if end.code or not stdout_is_closed:
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        why = f": {error.strerror}"
        _silence_stdout()
    print(f"skxent-perplexity: standard output{why}", file=sys.stderr)
    return None


def _open_missing_streams() -> bool:
    """Put /dev/null where a standard stream is closed, lest a file take its number; say if output is closed."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    is_closed = sys.stdout is None
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    return is_closed


@contextmanager
def _signals(stopped: list[int]) -> Iterator[None]:
    """Let what ends a process end it by an exception, so that nothing half-written is left behind."""

    def stop(number: int, frame: object) -> None:
        stopped.append(number)
        raise KeyboardInterrupt

    before = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            with suppress(ValueError):  # in another thread than the main one
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _prepare(n_jobs: int | None) -> None:
    """Write UTF-8 whatever the locale, and tell Polars how many cores it may use before it is imported."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    if n_jobs is not None:
        os.environ.setdefault("POLARS_MAX_THREADS", str(n_jobs))


def _write_rest() -> None:
    """Write what is in the buffer, unless it cannot be written, which was an error that has been said."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        _silence_stdout()


def _silence_stdout() -> None:
    """Send what is left in the buffer nowhere, or Python would complain about the closed pipe at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
