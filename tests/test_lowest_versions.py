"""What .ci/lowest installs, and what the page on installing says."""

import importlib.machinery
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def lowest():
    loader = importlib.machinery.SourceFileLoader("lowest", str(ROOT / ".ci" / "lowest"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("lowest", loader))
    loader.exec_module(module)
    return module


def test_each_dependency_has_one_lowest_version(lowest):
    versions = dict(line.split("==") for line in lowest.lowest_versions(PROJECT))
    needed = [*PROJECT["dependencies"], *lowest.requirements(PROJECT, "test")]
    assert set(versions) == {re.match(r"[\w-]+", line)[0] for line in needed}
    assert len(needed) == len(versions)


def test_extras_that_refer_to_others_are_followed(lowest):
    project = {
        "name": "x",
        "dependencies": ["a>=1"],
        "optional-dependencies": {"test": ["x[b,c]", "d[e]>=2.5"], "b": ["f>=3"], "c": ["x[b]"]},
    }
    assert lowest.lowest_versions(project) == ["a==1", "f==3", "f==3", "d==2.5"]


def test_the_page_on_installing_names_the_same_versions():
    page = (ROOT / "docs" / "install.rst").read_text(encoding="utf-8").partition("Versions\n")[2]
    shown = {name.lower(): version for name, version in re.findall(r"\* - ([\w-]+)\n     - ([\d.]+)\n", page)}
    assert shown == dict(line.split(">=") for line in PROJECT["dependencies"])
