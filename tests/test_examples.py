"""Each example runs alone, from any directory, prints its table and saves its picture."""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

# Options, the picture that they lead to, and what must be printed.
RUNS = {
    "plot_displays.py": (
        ["--rows=1000"],
        "displays.png",
        ["cross-entropy", "quadratic", "calibration error", "perplexity of the test lines together"],
    ),
    "plot_linear_probe.py": (
        ["--rows=200", "--penalties=4"],
        "linear_probe.png",
        ["200 training images", "pixels              784", "random network      784", "gradients           392"],
    ),
    "plot_mnist_losses.py": (
        ["here.png", "--rows=2000", "--passes=2"],
        "here.png",
        ["cross-entropy", "double softmax", "first pass >= 0.9", "not yet", "0.8286", "deviation"],
    ),
    "plot_neuron_saturation.py": (
        [],
        "neuron_saturation.png",
        ["0.9334", "0.0940", "0.2028", "0.0116", "0.0120", "56.6 times as steep"],
    ),
    "plot_grid_search_losses.py": (
        ["--rows=500", "--alphas", "0.001", "0.01"],
        "grid_search_losses.png",
        ["right labels", "20% wrong labels", "Chosen by validation", "Wrong labels cost quadratic"],
    ),
    "plot_feature_importance.py": (
        ["--rows=1000"],
        "feature_importance.png",
        ["1,000 images", "entropy of the digit, bits", "pixels that never vary", "random", "darker scanner"],
    ),
    "plot_feature_displays.py": (
        [],
        "feature_displays.png",
        ["worst radius              0.656 bits", "mean concavity            0.162 bits", "alarm", "True"],
    ),
    "plot_information.py": (
        ["bits.png"],
        "bits.png",
        ["the truth            1.750    0.000    1.750", "reversed             1.750    0.875    2.625"],
    ),
    "plot_data_selection.py": (
        [],
        "data_selection.png",
        ["179 lines, 25% about the sea", "head      44% about the sea", "perplexity 264 with the best 60 lines, 280"],
    ),
    "plot_wrong_labels.py": (
        ["--rows=200", "--side=7"],
        "wrong_labels.png",
        ["200 training images", "generalised cross-entropy", "labelled as the next", "Real labels: ", "suggested"],
    ),
    "plot_perplexity.py": (
        [],
        "perplexity.png",
        ["kneser_ney", "bits a word", "(99 of 1010 test tokens are unknown)"],
    ),
}


# Runs each script that a line names in a process of its own, forked from one that has imported what takes long, but
# not skxent, and has read MNIST, and answers with its exit code. Output goes to files. Processes of joblib's would
# import all of it again, so there are threads in their place.
SERVER = """
import json, os, runpy, sys
import joblib, matplotlib.pyplot, numpy, pandas, sklearn.model_selection
sys.path[0] = sys.argv[1]
import _mnist
X_train, y_train, X_test, y_test = numpy.load(sys.argv[2]).values()
load_mnist = _mnist.load_mnist
_mnist.load_mnist = lambda n: (X_train[:n], y_train[:n], X_test, y_test) if n <= len(X_train) else load_mnist(n)
joblib.parallel_config("threading")
for line in sys.stdin:
    argv, directory, outputs = json.loads(line)
    if os.fork() == 0:
        break
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
else:
    sys.exit()
for number, output in enumerate(outputs, 1):
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), number)
os.chdir(directory)
sys.argv = argv
assert "skxent" not in sys.modules
runpy.run_path(argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory, mnist_file):
    """Run an example with options in a directory; return its exit code and its output."""
    if not hasattr(os, "fork"):
        pytest.skip("processes are not forked here")
    command = [sys.executable, "-c", SERVER, str(EXAMPLES), str(mnist_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:

        def run_in(directory, script, *options):
            outputs = [tmp_path_factory.mktemp("output") / name for name in ("stdout", "stderr")]
            job = [str(EXAMPLES / script), *options], str(directory), [str(path) for path in outputs]
            server.stdin.write(json.dumps(job).encode() + b"\n")
            server.stdin.flush()
            code = int(server.stdout.readline())
            stdout, stderr = (path.read_text(encoding="utf-8") for path in outputs)
            return SimpleNamespace(returncode=code, stdout=stdout, stderr=stderr)

        yield run_in


@pytest.fixture(scope="module")
def finish(run, tmp_path_factory):
    """Run an example, once for all tests; return its result and the directory where it ran."""

    @cache
    def run_once(script):
        if "sklearn.callback" in (EXAMPLES / script).read_text(encoding="utf-8"):
            pytest.importorskip("sklearn.callback", reason="the example needs scikit-learn 1.9, for callbacks")
        directory = tmp_path_factory.mktemp("example")
        return run(directory, script, *RUNS[script][0]), directory

    return run_once


def test_every_example_is_tested():
    assert sorted(path.name for path in EXAMPLES.glob("plot_*.py")) == sorted(RUNS)


@pytest.mark.parametrize("script", RUNS)
def test_example(script, finish):
    _, picture, printed = RUNS[script]
    result, directory = finish(script)
    assert result.returncode == 0, result.stderr
    assert "ConvergenceWarning" not in result.stderr
    for text in printed:
        assert text in result.stdout
    assert f"\nPicture: {(directory / picture).resolve()}\n" in result.stdout
    assert [path.name for path in directory.iterdir()] == [picture]
    assert (directory / picture).read_bytes().startswith(b"\x89PNG")


def test_wrong_labels_cost_cross_entropy_more(finish):
    """What the example's text says is what it prints."""
    result, _ = finish("plot_grid_search_losses.py")
    cost = {loss: float(lost) for loss, lost in re.findall(r"cost (\w+) (\d\.\d+)", result.stdout)}
    assert cost["cross_entropy"] > cost["quadratic"] + 0.01


def test_topics_are_told_apart(finish):
    result, _ = finish("plot_perplexity.py")
    right, lines = map(int, re.search(r"(\d+) of (\d+) lines go to their own topic", result.stdout).groups())
    assert lines == 60
    assert right >= 54


def test_too_many_rows_is_a_clear_error(run, tmp_path):
    pytest.importorskip("sklearn.callback", reason="the example needs scikit-learn 1.9, for callbacks")
    result = run(tmp_path, "plot_mnist_losses.py", "--rows=60000")
    assert result.returncode == 1
    assert "n_train=65000: MNIST has 60000 training images" in result.stderr
    assert not [*tmp_path.iterdir()]
