"""The package's public face: lazy names, and what importing it does not import."""

import subprocess
import sys

import pytest

import skxent


@pytest.mark.parametrize("name", skxent.__all__)
def test_every_public_name_resolves(name):
    assert getattr(skxent, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = skxent.nonsense


def test_import_is_lazy():
    code = "import sys, skxent; print({'numpy', 'scipy', 'sklearn', 'pandas', 'polars', 'nltk'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
