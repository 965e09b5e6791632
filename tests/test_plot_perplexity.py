"""The example runs alone, from any folder, and finds the topics."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "plot_perplexity.py"


def test_example_tells_topics_apart(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    command = [sys.executable, str(EXAMPLE), "picture.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    n_right, n_lines = map(int, re.search(r"(\d+) of (\d+) lines go to their own topic", done.stdout).groups())
    assert n_lines == 60
    assert n_right >= 54
    assert done.stderr == ""
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
