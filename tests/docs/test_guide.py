"""The pages of the guide: their examples run, and the parts that they show are what they say."""

import doctest
import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from _report import read_tables
from sklearn.datasets import load_breast_cancer, load_digits

from skxent import CrossEntropySelector, SoftmaxRegressor, UnigramLanguageModel, cross_entropy_classif
from skxent.feature_selection.scores import SCORES
from skxent.language_model import SMOOTHINGS
from skxent.losses import LOSSES
from skxent.solvers import SOLVERS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.rst") if ">>>" in page.read_text(encoding="utf-8"))
mpl.use("Agg")
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.fixture(autouse=True)
def names_known_before(monkeypatch):
    """Forget the names that a test registers."""
    for registry in (LOSSES, SOLVERS, SMOOTHINGS, SCORES):
        monkeypatch.setattr(registry, "_parts", dict(registry._parts))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_examples_of_a_page(page):
    if "sklearn.callback" in page.read_text(encoding="utf-8"):
        pytest.importorskip("sklearn.callback", reason="this scikit-learn has no callbacks")
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=FLAGS)
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize(
    ("program", "libraries"),
    [
        ("to_onnx", ["skl2onnx", "onnxruntime"]),
        ("to_skops", ["skops"]),
        ("to_mlflow", ["mlflow"]),
        ("to_shap", ["shap"]),
    ],
)
def test_export(program, libraries, tmp_path):
    for library in libraries:
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    command = [sys.executable, DOCS / "export" / f"{program}.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_program_of_the_page_on_export_is_run_and_shown():
    page = (DOCS / "guide" / "export.rst").read_text(encoding="utf-8")
    (mark,) = (mark for mark in test_export.pytestmark if mark.name == "parametrize")
    programs = {path.stem for path in (DOCS / "export").glob("*.py")}
    assert programs == {program for program, _ in mark.args[1]} == set(re.findall(r"export/(\w+)\.py", page))


def part(name):
    return runpy.run_path(str(DOCS / "extend" / f"add_{name}.py"))


def test_loss_of_the_guide():
    loss = part("loss")["Hellinger"]()
    p = np.array([[0.25, 0.75], [1.0, 0.0]])
    y = np.array([[0.0, 1.0], [1.0, 0.0]])
    value, _ = loss.pointwise(y, p, np.log(np.maximum(p, 1e-300)))
    np.testing.assert_allclose(value, [1 - np.sqrt(0.75), 0])
    X, y = load_digits(return_X_y=True)
    assert SoftmaxRegressor("hellinger", alpha=1e-3).fit(X / 16, y).score(X / 16, y) > 0.95


def test_solver_of_the_guide():
    solver = part("solver")["Backtracking"](armijo=0.1)
    X, y = load_digits(return_X_y=True)
    ours = SoftmaxRegressor(solver=solver, alpha=0.01, tol=1e-12, max_iter=5000).fit(X / 16, y)
    best = SoftmaxRegressor(alpha=0.01, tol=1e-12).fit(X / 16, y)
    np.testing.assert_allclose(ours.coef_, best.coef_, atol=1e-4)
    with pytest.warns(UserWarning, match="Raise max_iter"):
        SoftmaxRegressor(solver="backtracking", max_iter=2).fit(X / 16, y)


def test_smoothing_of_the_guide():
    part("smoothing")
    model = UnigramLanguageModel(smoothing="add_one_tenth").fit(["a b a"])
    assert 2 ** model.score_samples(["a"])[0] == pytest.approx(2.1 / 3.3)


def test_score_of_the_guide():
    selector = part("score")["selector"].set_params(k=3)
    X, y = load_breast_cancer(return_X_y=True)
    assert isinstance(selector, CrossEntropySelector)
    chosen = selector.fit(X, y).get_support(indices=True)
    best = np.argsort(-cross_entropy_classif(X, y)[0])[:8]
    assert set(chosen) <= set(best)


# The guide's words for the methods and the noise of the study of wrong labels.
METHODS = {
    "absolute error": "mean_absolute_error",
    "forward correction": "forward, estimated",
    "forward correction of the generalised cross-entropy": "forward, estimated, generalised",
    "forward correction of the latter": "forward, estimated, generalised",
    "generalised cross-entropy": "generalized_cross_entropy",
}
NOISE = {
    "nothing": "none",
    "20 %, any other class": "symmetric 20 %",
    "40 %, any other class": "symmetric 40 %",
    "20 %, the next class": "pairs 20 %",
    "40 %, the next class": "pairs 40 %",
    "each class at its own rate": "by class",
    "rows that are not clear, taken for the class most like them": "by features",
}
PEERS = ("forward, true matrix", "CleanLearning", "LogisticRegression")


def test_figures_on_wrong_labels_are_those_of_the_study():
    """The guide names three methods for each kind of noise: they are the most accurate ones of the results."""
    (header, *lines) = read_tables(ROOT / "benchmarks" / "RESULTS_label_noise.md")["Accuracy, mean over data sets"]
    study = {name: dict(zip(header[1:], cells, strict=True)) for name, *cells in lines}
    page = (DOCS / "guide" / "wrong_labels.rst").read_text(encoding="utf-8")
    rows = re.findall(r"   \* - (.+)\n     - (.+)\n     - (0\.\d+)\n     - (0\.\d+)\n", page)
    assert [row[0] for row in rows] == list(NOISE)
    for noise, best, cross_entropy, clean_learning in rows:
        measured = {name: cells[NOISE[noise]] for name, cells in study.items()}
        assert measured["cross_entropy"] == cross_entropy
        assert measured["CleanLearning (cleanlab)"] == clean_learning
        named = dict(re.fullmatch(r"(.+) (0\.\d+)", part).groups() for part in best.split(", "))
        ours = sorted((figure for name, figure in measured.items() if not name.startswith(PEERS)), reverse=True)
        assert list(named.values()) == ours[:3]
        for name, figure in named.items():
            assert measured[METHODS.get(name, name.replace(" ", "_").replace("-", "_"))] == figure
