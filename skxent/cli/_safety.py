"""No command destroys what it reads, or what is not its own to replace."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from skxent.cli._options import Options
from skxent.language_model import CorpusError, expand_paths
from skxent.language_model._arpa import check_name, is_arpa

__all__ = ["check_outputs"]


def check_outputs(options: Options) -> None:
    """Refuse at once what would only fail after all the work, and every output that is an input.

    Raises
    ------
    CorpusError
        With the name of the file, and why it is not written.
    """
    _check_names(options)
    inputs = _Inputs(options)
    _check_stdout(inputs)
    for option, path, is_own in (("--save", options.save, is_arpa), ("--plot", options.plot, _is_picture)):
        if path is not None:
            _check_place(path)
            _check_inputs(option, path, inputs)
            _check_content(option, path, is_own, options.force)
    if options.save is not None:
        check_name(options.save)
        if options.plot is not None and os.path.realpath(options.save) == os.path.realpath(options.plot):
            raise CorpusError(f"{options.save}: --save and --plot name the same file")
    if options.plot is not None:
        from skxent.cli._plot import check_picture

        check_picture(options.plot)


def _check_names(options: Options) -> None:
    """Refuse empty names, which come from variables of a shell that are not set."""
    named = {"CORPUS": options.corpus}
    for option in ("train", "compare", "target", "raw"):
        named[f"--{option}"] = getattr(options, option)
    for option in ("model", "background", "vocab", "save", "plot"):
        named[f"--{option}"] = [getattr(options, option)]
    for option, names in named.items():
        if "" in (names or ()):
            raise CorpusError(f"{option}: the name of the file is empty")


class _Inputs:
    """The files that are read, as far as they exist; folders are searched only when they are asked for."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def __iter__(self) -> Iterator[str]:
        options = self._options
        named = (options.corpus, options.train, options.compare, options.target, options.raw)
        for pattern in (path for paths in named for path in paths or ()):
            with suppress(CorpusError):  # a missing file is an error when it is read
                yield from expand_paths([pattern])
        yield from filter(None, (options.model, options.background, options.vocab))


def _check_stdout(inputs: Iterable[str]) -> None:
    """Refuse to append to a file while reading it, which would never end."""
    try:
        out = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return
    for path in inputs if stat.S_ISREG(out.st_mode) else ():
        with suppress(OSError, ValueError, AttributeError):  # what cannot be opened is an error when it is read
            if os.path.samestat(out, os.fstat(sys.stdin.fileno()) if path == "-" else os.stat(path)):
                name = "standard input" if path == "-" else path
                raise CorpusError(f"{name}: is an input and the output at once; write to another file")


def _check_place(path: str) -> None:
    if path == "-":
        raise CorpusError("-: is not the name of a file to write; /dev/stdout is standard output")
    place = Path(path)
    folder = place.absolute().parent
    if not folder.is_dir():
        raise CorpusError(f"{path}: there is no folder {folder}")
    if place.is_dir():
        raise CorpusError(f"{path}: a folder, not the name of a file")
    written = folder if place.is_file() or not place.exists() else place
    if not os.access(written, os.W_OK):
        raise CorpusError(f"{path}: {written} cannot be written to")
    if place.is_file() and not place.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise CorpusError(f"{path}: is read-only; make it writable first, or name another file")


def _check_inputs(option: str, path: str, inputs: Iterable[str]) -> None:
    for name in inputs:
        same = os.path.realpath(name) == os.path.realpath(path)
        linked = os.path.exists(name) and os.path.exists(path) and os.path.samefile(name, path)
        if name != "-" and (same or linked) and (os.path.isfile(path) or not os.path.exists(path)):
            raise CorpusError(f"{path}: {option} would replace {name}, which is an input; name another file")


def _check_content(option: str, path: str, is_own: Callable[[str], bool], force: bool) -> None:
    if force or not os.path.isfile(path) or not os.path.getsize(path) or is_own(path):
        return
    raise CorpusError(f"{path}: exists, and {option} would replace it by something else; name another file, or --force")


def _is_picture(path: str) -> bool:
    """Return whether a file begins as pictures do that matplotlib writes."""
    with open(path, "rb") as file:
        head = file.read(256)
    begins = (b"\x89PNG", b"%PDF", b"%!PS", b"\xff\xd8\xff", b"RIFF", b"II*\0", b"MM\0*", b"\x1f\x8b")
    return head.startswith(begins) or b"<svg" in head or b"<?xml" in head
