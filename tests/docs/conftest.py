"""What the tests of the explorable page share: its modules in Node, and the examples and its data in Python."""

import importlib
import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Runs a body with the page's modules; numbers that JSON cannot write travel as {"number": "Infinity"}.
_PROGRAM = """
const load = (name) => require({folder} + name);
const m = load("mathematics.js"), data = load("data.js"), {{ results, settings }} = load("results.js");
const written = (key, value) => typeof value === "number" && !Number.isFinite(value) ? {{ number: String(value) }}
  : value instanceof Float64Array ? Array.from(value) : value;
let given = "";
process.stdin.on("data", (part) => (given += part)).on("end", async () => {{
  const input = JSON.parse(given), images = await m.unpackImages(data.images);
  const output = await (async () => {{ {body} }})();
  process.stdout.write(JSON.stringify(output, written));
}});
"""


@pytest.fixture(scope="session")
def page():
    """Folder of the explorable page."""
    return ROOT / "docs" / "explore"


@pytest.fixture(scope="session")
def node(page):
    """Run JavaScript with the page's modules; what it is given is ``input`` there, and it returns its result."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node.js is not installed")

    def run(body, given=None):
        script = _PROGRAM.format(folder=json.dumps(f"{page}/"), body=body)
        done = subprocess.run(
            [program, "-e", script], input=json.dumps(given), capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout, object_hook=_number)

    return run


def _number(found):
    special = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
    return special[found["number"]] if set(found) == {"number"} else found


@pytest.fixture(scope="session")
def module(page):
    """Import an example, or the module that makes the page's data, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "examples")
        patch.syspath_prepend(page)
        yield importlib.import_module


@pytest.fixture(scope="session")
def data(node):
    """Return the page's data and settings."""
    return node("return { ...data, settings }")


@pytest.fixture(scope="session")
def mnist(module):
    return module("_mnist").load_mnist()


@pytest.fixture(scope="session")
def images(module, mnist):
    """Grey levels and labels of the page's training and test images, made from the repository's MNIST."""
    make = module("make_data")
    X_train, y_train, X_test, y_test = mnist
    train = make.coarse(X_train[make.TRAIN]), y_train[make.TRAIN]
    return train, (make.coarse(X_test[make.TEST]), y_test[make.TEST])
