"""The code in CONTRIBUTING.md is that of the files in docs/extend, and it runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PARTS = ["loss", "solver", "smoothing", "score"]

# How each part is used by its name, and what must then hold.
USES = {
    "loss": """
from sklearn.datasets import load_iris
from skxent import SoftmaxRegressor
X, y = load_iris(return_X_y=True)
assert SoftmaxRegressor("hellinger").fit(X, y).score(X, y) > 0.95
""",
    "solver": """
X, y = [[0.0], [1.0], [3.0], [4.0]], [0, 0, 1, 1]
theirs, ours = (SoftmaxRegressor(solver=solver, alpha=0.1, tol=1e-9).fit(X, y) for solver in ("lbfgs", "backtracking"))
np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)
""",
    "smoothing": """
from skxent import UnigramLanguageModel
model = UnigramLanguageModel(smoothing="add_one_tenth").fit(["a b a"])
np.testing.assert_allclose(2 ** model.score_samples(["a"])[0], 2.1 / 3.3)
""",
    "score": """
chosen = selector.set_params(k=1).fit(10 * [[0, 1], [0, 0], [1, 1], [1, 0]], 10 * ["a", "a", "b", "b"])
assert chosen.get_support().tolist() == [True, False]
""",
}


def path_of(part):
    return ROOT / "docs" / "extend" / f"add_{part}.py"


def blocks():
    return dict(re.findall(r"^## Add a (\w+)$.*?^```python\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE))


def test_every_part_is_shown():
    assert list(blocks()) == PARTS
    assert sorted(path_of(part).name for part in PARTS) == sorted(
        path.name for path in path_of("loss").parent.glob("*.py")
    )


@pytest.mark.parametrize("part", PARTS)
def test_code_is_that_of_the_file(part):
    expected = path_of(part).read_text(encoding="utf-8")
    assert blocks()[part] == expected, f"copy {path_of(part)} into the section 'Add a {part}' of CONTRIBUTING.md"


def test_parts_keep_their_promises_and_work_by_name(tmp_path):
    """In a process of its own, since they stay in the registries."""
    script = tmp_path / "parts.py"
    script.write_text("\n".join(blocks()[part] + USES[part] for part in PARTS), encoding="utf-8")
    done = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:skxent|tests|benchmarks|docs)/[\w/.]*|\.ci/run)`", TEXT)))
)
def test_paths_exist(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("command", ["ruff check", "ruff format", "mypy", "lint-imports", "pytest"])
def test_ci_runs_what_contributors_are_told_to_run(command):
    assert command in TEXT
    assert command in (ROOT / ".ci" / "run").read_text()
