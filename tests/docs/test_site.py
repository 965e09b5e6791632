"""What the site is made from: every public name gets a page, and what the checks of the built site find."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import skxent

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def extension():
    """Import an extension of the site by name."""
    pytest.importorskip("sphinx", reason="Sphinx is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs" / "_ext")
        yield importlib.import_module


@pytest.fixture(scope="module")
def pages(extension):
    """Name of each page of the reference, and its text."""
    api = extension("api_pages")
    return {name.path: api.page_of(name) for name in api.public_names()}


def public_objects():
    """Give what each public module exports, found anew."""
    for info in [None, *pkgutil.walk_packages(skxent.__path__, "skxent.")]:
        path = "skxent" if info is None else info.name
        if "._" in path or path.startswith("skxent.cli"):
            continue
        module = importlib.import_module(path)
        for name in getattr(module, "__all__", []):
            yield path, name, getattr(module, name)


def test_every_public_name_has_a_page(pages, extension):
    known = {(name.module, name.name): name.path for name in extension("api_pages").public_names()}
    for module, name, value in public_objects():
        if inspect.ismodule(value):
            continue
        path = known[module, name]
        assert path in pages
        home, _, short = path.rpartition(".")
        assert getattr(importlib.import_module(home), short) is value


def test_every_page_is_in_the_index(pages, extension):
    api = extension("api_pages")
    index = api.index(api.public_names())
    for path in pages:
        assert f"   {path}\n" in index
        assert f":py:obj:`~{path}`" in index


def test_each_object_has_one_page(extension):
    """A class that two modules export is described once, under the shorter path."""
    names = extension("api_pages").public_names()
    paths = [name.path for name in names if name.name == "SoftmaxRegressor"]
    assert len(paths) > 1
    assert set(paths) == {"skxent.SoftmaxRegressor"}


def test_broken_links_are_found(extension, tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here"></a><a href="b.html#gone"></a><a href="c.html"></a><a href="https://example.org"></a>'
        '<script src="https://example.org/x.js"></script><a href="#top"></a><p id="top"></p>',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text('<p id="here"></p>', encoding="utf-8")
    faults = extension("built_site").broken_links(tmp_path)
    assert len(faults) == 3
    assert all(any(part in fault for fault in faults) for part in ("#gone", "c.html", "loads https://example.org/x.js"))


@pytest.mark.parametrize(
    "latex",
    [
        r"H(p, q) = -\sum_k p_k \log q_k",
        r"\tfrac12 \lVert p - y \rVert^2",
        r"\operatorname{softmax}(z)",
        r"\frac{q_{bk}}{\pi_k} \qquad \mathrm{KL}(p \| q)",
    ],
)
def test_formulas_become_mathml(extension, latex):
    pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
    mathml = extension("mathml").to_mathml(latex, "inline")
    assert mathml.startswith("<math")
    assert "\\" not in mathml


def test_citation_names_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {skxent.__version__}\n" in text
    assert "license: BSD-3-Clause\n" in text
