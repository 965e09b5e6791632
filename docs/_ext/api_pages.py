"""Pages of the API reference, made from what each public module lists in ``__all__``.

Nothing is listed by hand, so that a new public name has its page at the next build. A name that several modules
export is described once, under its shortest path; the others refer to it.
"""

import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from sphinx.util.docutils import SphinxDirective

from skxent._registry import Registry

PACKAGE = "skxent"
# The command; its options are on a page of the guide.
NOT_A_LIBRARY = {"cli"}
# Classes of Python whose members need no description here.
PYTHON = "tuple, dict, Exception"


class Name(NamedTuple):
    """A public name: where it is exported, where it is described, and what it is."""

    module: str
    name: str
    path: str
    value: object


def public_modules():
    """Give the package and its public modules, by name, those nearer to the package first."""
    package = importlib.import_module(PACKAGE)
    found = [info.name for info in pkgutil.walk_packages(package.__path__, f"{PACKAGE}.")]
    paths = [PACKAGE, *(path for path in found if _is_public(path))]
    modules = [importlib.import_module(path) for path in sorted(paths, key=lambda path: (path.count("."), path))]
    return {module.__name__: module for module in modules if hasattr(module, "__all__")}


def _is_public(path):
    _, *parts = path.split(".")
    return parts[0] not in NOT_A_LIBRARY and not any(part.startswith("_") for part in parts)


def public_names():
    """Give every name that a public module exports; modules have no page of their own."""
    names, homes = [], {}
    for module in public_modules().values():
        for name in sorted(module.__all__, key=str.lower):
            value = getattr(module, name)
            if inspect.ismodule(value):
                continue
            path = f"{module.__name__}.{name}"
            # Numbers and strings that are equal are not the same thing.
            if not isinstance(value, str | int | float | tuple):
                path = homes.setdefault(id(value), path)
            names.append(Name(module.__name__, name, path, value))
    return names


def page_of(name):
    """Write the page of one name."""
    module, _, short = name.path.rpartition(".")
    title = f"{short}\n{'=' * len(short)}\n"
    head = f"{title}\n.. currentmodule:: {module}\n\n"
    if inspect.isclass(name.value):
        body = f".. autoclass:: {short}\n   :members:\n   :inherited-members: {PYTHON}\n"
        if foreign := _methods_of_scikit_learn(name.value):
            body += f"\nFrom scikit-learn: {', '.join(f'``{method}``' for method in foreign)}.\n"
    elif inspect.isroutine(name.value):
        body = f".. autofunction:: {short}\n"
    elif isinstance(name.value, Registry):
        body = f".. py:data:: {short}\n\n   Parts that are known by a name:\n\n   .. registered:: {name.path}\n"
    else:
        body = f".. py:data:: {short}\n\n   ``{_plain(name.value)}``\n"
    return f"{head}{body}\n.. minigallery:: {name.path}\n   :add-heading: Examples with {short}\n   :heading-level: -\n"


def _methods_of_scikit_learn(cls):
    """Name the methods that a class has from there; its own documentation describes them."""
    methods = inspect.getmembers(cls, inspect.isroutine)
    return [name for name, method in methods if not name.startswith("_") and _is_foreign(method)]


def _is_foreign(member):
    return str(getattr(member, "__module__", "")).startswith("sklearn.")


class Registered(SphinxDirective):
    """A table of the parts that a registry knows by name: ``.. registered:: skxent.losses.LOSSES``."""

    required_arguments = 1

    def run(self):
        """Make the table."""
        module, _, name = self.arguments[0].rpartition(".")
        registry = getattr(importlib.import_module(module), name)
        lines = [".. list-table::", "   :class: names", "   :header-rows: 1", "   :widths: 1 3", ""]
        lines += ["   * - name", "     - part"]
        for key in sorted(registry):
            lines += [f"   * - ``{key}``", f"     - {_in_words(registry[key])}"]
        return self.parse_text_to_nodes("\n".join(lines))


def _in_words(part):
    """Name a part, with a link if it has a page, and say what it is."""
    paths = {id(name.value): name.path for name in public_names()}
    name = getattr(part, "__name__", type(part).__name__)
    named = f":py:obj:`~{paths[id(part)]}`" if id(part) in paths else f"``{name}``"
    return f"{named}: {_summary(part)}"


def _summary(value):
    """Return the first sentence of a docstring, on one line."""
    first = (inspect.getdoc(value) or "").partition("\n\n")[0]
    # References are listed on the page of the object itself.
    return " ".join(re.sub(r"\s*\[\d+\]_", "", first).split())


def _in_short(value):
    """Say what a public name is; what is no class or function has no docstring of its own."""
    if inspect.isclass(value) or inspect.isroutine(value):
        return _summary(value)
    if isinstance(value, Registry):
        return f"Each {value.kind} that is known by a name: {', '.join(f'``{name}``' for name in value)}."
    return f"``{_plain(value)}``"


def _plain(value):
    """Write a value without the modules of the types in it."""
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z])", "", repr(value))


def index(names):
    """Write the first page of the reference: a table for each module."""
    lines = ["API reference", "=============", "", "Every public name, by the module that it is imported from.", ""]
    for module in public_modules().values():
        own = [name for name in names if name.module == module.__name__]
        if not any(name.path.startswith(f"{module.__name__}.{name.name}") for name in own):
            continue
        title = module.__name__
        lines += [f".. _api-{title}:", "", title, "-" * len(title), "", _summary(module), ""]
        lines += [".. list-table::", "   :widths: 1 2", "   :class: api names", ""]
        for name in own:
            lines += [f"   * - :py:obj:`~{name.path}`", f"     - {_in_short(name.value)}"]
        lines += [""]
    pages = sorted({name.path for name in names}, key=lambda path: path.rpartition(".")[2].lower().lstrip("_"))
    lines += [".. toctree::", "   :hidden:", "", *(f"   {path}" for path in pages), ""]
    return "\n".join(lines)


def command_help():
    """Give what the command says about its options, in lines of 100 characters."""
    command = [sys.executable, "-m", f"{PACKAGE}.cli", "--help"]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def write_pages(app):
    """Write all pages; those that have not changed stay untouched, and others go."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    names = public_names()
    pages = {f"{name.path}.rst": page_of(name) for name in names} | {"index.rst": index(names)}
    pages["command.txt"] = command_help()
    for old in folder.iterdir():
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        file = folder / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def skip_foreign(app, what, name, value, skip, options):
    """Leave out the methods of scikit-learn, whose texts point into its own documentation."""
    return True if _is_foreign(value) or name.endswith("_request") else None


def protect_names(app, what, name, value, options, lines):
    """Keep the ``_`` at the end of an attribute's name in a shape, which would be a link, as it is."""
    for i, line in enumerate(lines):
        if re.match(r"\w+(, \w+)* : ", line):
            lines[i] = re.sub(r"(?<=[(, ])(\w+)_(?=[,)])", r"\1\\_", line)


def setup(app):
    """Write the pages before Sphinx looks for its sources."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("registered", Registered)
    app.connect("builder-inited", write_pages, priority=100)
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("autodoc-process-docstring", protect_names, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
