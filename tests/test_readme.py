"""The README's Python runs, and its two lines are where .ci/run looks for them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_python_blocks_run(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 5
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "softmaxregressor__loss" in done.stdout


@pytest.mark.parametrize("job", ["pytest", "examples/plot_mnist_losses.py"])
def test_each_line_makes_what_it_needs(job):
    (line,) = re.findall(rf"^python3 -m venv .*{job}.*$", README, flags=re.MULTILINE)
    assert "pip install" in line


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(path):
    assert (Path(__file__).parents[1] / path).exists()
