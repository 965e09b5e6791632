"""What a release needs says the same everywhere: versions, dependencies, modules, commands."""

import pkgutil
import tomllib
from pathlib import Path

import pytest

import skxent

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def load():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return lambda path: yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def recipe(load):
    return load("recipe/recipe.yaml")


def test_versions_are_the_same(project, load, recipe):
    assert project["version"] == skxent.__version__
    assert str(load("CITATION.cff")["version"]) == skxent.__version__
    assert recipe["context"]["version"] == skxent.__version__
    assert f"## {skxent.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_recipe_asks_for_what_the_package_needs(project, recipe):
    needed = [requirement.replace(" ", "") for requirement in recipe["requirements"]["run"]]
    assert needed == ["python>=${{python_min}}", *project["dependencies"]]
    assert recipe["about"]["summary"] == project["description"]
    assert recipe["about"]["license"] == project["license"]
    assert recipe["about"]["license_file"] in project["license-files"]


def test_recipe_tries_each_public_module_and_command(project, recipe):
    public = [f"skxent.{info.name}" for info in pkgutil.iter_modules(skxent.__path__) if not info.name.startswith("_")]
    assert recipe["tests"][0]["python"]["imports"] == ["skxent", *(name for name in public if name != "skxent.cli")]
    scripts = project["scripts"]
    assert recipe["build"]["python"]["entry_points"] == [f"{name} = {target}" for name, target in scripts.items()]
    assert recipe["tests"][1]["script"] == [f"{name} --version" for name in scripts]


def test_only_the_job_that_publishes_may_sign(load):
    """The tag is checked and built without any right; the index gets the files from a job that runs no code of ours."""
    workflow = load(".github/workflows/release.yml")
    assert workflow["permissions"] == {}
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    assert build["permissions"] == {"contents": "read"}
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["needs"] == "build"
    assert publish["environment"] == "pypi"
    assert not any("run" in step for step in publish["steps"])
    assert ".ci/release" in [step.get("run") for step in build["steps"]]
    assert (ROOT / ".ci" / "release").stat().st_mode & 0o111
