"""Imports point one way, containers live in one package, and what is public is said."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.cli import lint_imports

import skxent

ROOT = Path(skxent.__file__).parents[1]
MODULES = [module.name for module in pkgutil.walk_packages(skxent.__path__, "skxent.") if "__main__" not in module.name]


@pytest.fixture(scope="module")
def graph():
    """Return the imports of skxent, those for type checkers and within functions included."""
    return grimp.build_graph("skxent", cache_dir=None)


def test_layers_are_kept(monkeypatch):
    """As pyproject.toml lists them; the contract counts imports for type checkers."""
    monkeypatch.chdir(ROOT)
    assert read_configuration("pyproject.toml")["contracts_options"]
    assert lint_imports(cache_dir=None) == 0


def cycles(graph):
    """Return a pair of modules for each cycle."""
    reach = {module: graph.find_upstream_modules(module) for module in graph.modules}
    return [(a, b) for a in reach for b in reach[a] if a < b and a in reach[b]]


def test_there_is_no_cycle(graph):
    assert len(graph.modules) > 50
    assert cycles(graph) == []


def test_a_cycle_would_be_found(graph):
    imported = next(iter(sorted(graph.find_modules_directly_imported_by("skxent.linear_model._objective"))))
    graph.add_import(importer=imported, imported="skxent.linear_model._objective")
    assert cycles(graph)
    graph.remove_import(importer=imported, imported="skxent.linear_model._objective")


def test_the_command_imports_no_scikit_learn():
    code = "import sys, skxent.cli; skxent.cli.main(['--help'])"
    check = "import atexit; atexit.register(lambda: print({'sklearn', 'scipy', 'matplotlib'} & set(sys.modules)))"
    output = subprocess.check_output([sys.executable, "-c", f"import sys; {check}; {code}"], text=True)
    assert output.splitlines()[-1] == "set()"


def test_optional_packages_are_imported_when_they_are_needed():
    names = "linear_model, feature_selection, information, language_model, losses, rows, solvers, testing"
    optional = {"dask", "distributed", "pyarrow.parquet", "zarr"}
    code = f"import sys; from skxent import {names}; print({optional} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def names_of_containers(path):
    """Return the lines of a module that ask what kind of array something is."""
    words = {"csr_array", "csr_matrix", "issparse", "nnz", "indptr"}
    for node in ast.walk(ast.parse(path.read_text())):
        is_array_check = (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") == "isinstance"
            and "ndarray" in ast.unparse(node.args[1])
        )
        if is_array_check or (isinstance(node, ast.Attribute) and node.attr in words):
            yield f"{path.name}:{node.lineno}"


def test_only_rows_know_containers():
    linear_model = sorted((ROOT / "skxent" / "linear_model").rglob("*.py"))
    assert len(linear_model) > 10
    assert [line for path in linear_model for line in names_of_containers(path)] == []
    assert list(names_of_containers(ROOT / "skxent" / "rows" / "_memory.py"))


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_offers(name):
    module = importlib.import_module(name)
    assert [public for public in module.__all__ if not hasattr(module, public)] == []
    assert len(module.__all__) == len(set(module.__all__))


@pytest.mark.parametrize("name", [name for name in MODULES if "._" not in name and ".cli" not in name])
def test_public_names_are_complete(name):
    """What a public module defines and does not hide is in its ``__all__``."""
    module = importlib.import_module(name)
    source = ast.parse(Path(module.__file__).read_text()).body
    defined = {node.name for node in source if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert {public for public in defined if not public.startswith("_")} <= set(module.__all__)


@pytest.mark.parametrize(
    "name",
    [
        "feature_selection",
        "information",
        "label_noise",
        "language_model",
        "linear_model",
        "losses",
        "rows",
        "solvers",
        "testing",
    ],
)
def test_subpackages_are_attributes(name):
    assert getattr(skxent, name) is importlib.import_module(f"skxent.{name}")


def signatures():
    """Yield the name and the signature of every public function, class and method."""
    for module in (name for name in MODULES if "._" not in name and ".cli" not in name):
        for name in importlib.import_module(module).__all__:
            public = getattr(importlib.import_module(module), name)
            members = vars(public).items() if inspect.isclass(public) else ()
            methods = [(f"{name}.{key}", value) for key, value in members if not key.startswith("_")]
            for label, function in [(name, public), *methods]:
                described = inspect.isclass(function) and not issubclass(function, Exception)
                if inspect.isfunction(function) or described:
                    yield f"{module}.{label}", str(inspect.signature(function))


def test_signatures_can_be_read_in_help():
    """Annotations are shown as they are written, not as the unions that they stand for."""
    found = dict(signatures())
    assert len(found) > 200
    assert {name: text for name, text in found.items() if "numpy._typing" in text or "Union[" in text} == {}
