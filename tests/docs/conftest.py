"""What the tests of the explorable page share: its modules in Node, and the examples and its data in Python."""

import importlib
import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# How many texts a page shows, and those whose contrast is too low for WCAG AA, 4.5 to 1.
CONTRAST = """
const numbers = (colour) => {
  const found = colour.match(/[\\d.]+(?:e-?\\d+)?/g).map(Number);
  const unit = colour.startsWith("rgb") ? 255 : 1;
  return { rgb: found.slice(0, 3).map((v) => v / unit), alpha: found[3] ?? 1 };
};
const luminance = (rgb) => rgb.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const over = (top, under) => top.rgb.map((v, i) => v * top.alpha + under[i] * (1 - top.alpha));
function ground(element) {
  if (!element) return [1, 1, 1];
  const colour = numbers(getComputedStyle(element).backgroundColor);
  return colour.alpha === 1 ? colour.rgb : over(colour, ground(element.parentElement));
}
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const poor = [];
let seen = 0;
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, option")) continue;
  const style = getComputedStyle(element);
  const ink = numbers(element.closest("svg") ? style.fill : style.color);
  const under = ground(element);
  const [a, b] = [luminance(over(ink, under)), luminance(under)].sort((x, y) => y - x);
  seen += 1;
  if ((a + 0.05) / (b + 0.05) < 4.5) poor.push([walker.currentNode.data.trim().slice(0, 30), (a + 0.05) / (b + 0.05)]);
}
return [seen, poor];
"""

# Runs a body with the page's modules for each line of input; numbers that JSON cannot write travel as
# {"number": "Infinity"}.
_PROGRAM = """
const load = (name) => require(process.argv[1] + name);
const m = load("mathematics.js"), data = load("data.js"), { results, settings } = load("results.js");
const written = (key, value) => typeof value === "number" && !Number.isFinite(value) ? { number: String(value) }
  : value instanceof Float64Array ? Array.from(value) : value;
const run = (body, input, images) => new Function(
  "m", "data", "results", "settings", "input", "images", body)(m, data, results, settings, input, images);
const answer = async (line) => {
  const { body, given } = JSON.parse(line);
  const images = body.includes("images") ? await m.unpackImages(data.images) : null;
  return { output: run(body, given, images) };
};
require("readline").createInterface({ input: process.stdin }).on("line", (line) =>
  answer(line).catch((error) => ({ error: error.stack }))
    .then((found) => process.stdout.write(JSON.stringify(found, written) + "\\n")));
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
    command = [program, "-e", _PROGRAM, f"{page}/"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:

        def run(body, given=None):
            process.stdin.write(json.dumps({"body": body, "given": given}) + "\n")
            process.stdin.flush()
            found = json.loads(process.stdout.readline(), object_hook=_number)
            assert "error" not in found, found["error"]
            return found.get("output")

        yield run


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
def images(module, mnist):
    """Grey levels and labels of the page's training and test images, made from the repository's MNIST."""
    make = module("make_data")
    X_train, y_train, X_test, y_test = mnist
    train = make.coarse(X_train[make.TRAIN]), y_train[make.TRAIN]
    return train, (make.coarse(X_test[make.TEST]), y_test[make.TEST])


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Start Chromium without a window."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("Chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
        "--window-size=1280,900",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield found
    found.quit()
