"""Each example runs alone, from any directory, prints its table and saves its picture."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

# Options, the picture that they lead to, and what must be printed.
RUNS = {
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
        ["--rows=400"],
        "grid_search_losses.png",
        ["right labels", "20% wrong labels", "Chosen by validation", "Wrong labels cost quadratic"],
    ),
}


def run(script, *options, directory):
    return subprocess.run([sys.executable, EXAMPLES / script, *options], cwd=directory, capture_output=True, text=True)


def test_every_example_is_tested():
    assert sorted(path.name for path in EXAMPLES.glob("plot_*.py")) == sorted(RUNS)


@pytest.mark.parametrize("script", RUNS)
def test_example(script, tmp_path):
    options, picture, printed = RUNS[script]
    result = run(script, *options, directory=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    for text in printed:
        assert text in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == [picture]
    assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_too_many_rows_is_a_clear_error(tmp_path):
    result = run("plot_mnist_losses.py", "--rows=60000", directory=tmp_path)
    assert "n_train=65000: MNIST has 60000 training images" in result.stderr
    assert not [*tmp_path.iterdir()]
