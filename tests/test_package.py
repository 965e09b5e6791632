"""The package's public face: lazy names, and what importing it does not import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skxent
from skxent import language_model


@pytest.mark.parametrize("name", skxent.__all__)
def test_every_public_name_resolves(name):
    assert getattr(skxent, name) is not None


@pytest.mark.parametrize("package", [skxent, language_model])
def test_type_checkers_see_every_lazy_name(package):
    (block,) = (node for node in ast.parse(Path(package.__file__).read_text()).body if isinstance(node, ast.If))
    assert sorted(alias.name for line in block.body for alias in line.names) == sorted(package._HOME)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = skxent.nonsense


def test_import_is_lazy():
    code = "import sys, skxent; print({'numpy', 'scipy', 'sklearn', 'pandas', 'polars', 'nltk'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
