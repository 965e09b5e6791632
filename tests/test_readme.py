"""The README's blocks run with nothing but what ``pip install .`` brings, and its two lines are where .ci/run looks."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from skxent.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

# Brought by extras: as if they were not installed.
OPTIONAL = ("dask", "distributed", "matplotlib", "nltk", "pandas", "pyarrow", "rich", "zstandard")
WITHOUT = f"""
import sys
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NotInstalled())
"""


def test_python_blocks_run(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 5
    script = tmp_path / "readme.py"
    script.write_text(WITHOUT + "\n".join(blocks), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "softmaxregressor__loss" in done.stdout


def test_the_command_prints_what_is_shown(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    (block,) = re.findall(r"```\n\$ (skxent-perplexity .*?)```", README, flags=re.DOTALL)
    line, *shown = block.splitlines()
    _, *words = shlex.split(line)
    arguments = [str(path) for word in words for path in (sorted(Path().glob(word)) if "*" in word else [word])]
    assert main(arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [text for text in shown if text != "..." and text not in printed] == []


@pytest.mark.parametrize("job", ["pytest", "examples/plot_mnist_losses.py"])
def test_each_line_makes_what_it_needs(job):
    (line,) = re.findall(rf"^python3 -m venv .*{job}.*$", README, flags=re.MULTILINE)
    assert "pip install" in line


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^):]+)\)", README))))
def test_links_lead_somewhere(link):
    path, _, anchor = link.partition("#")
    text = (ROOT / path).read_bytes()
    if anchor:
        headings = re.findall(r"^#+ (.*)$", text.decode(), flags=re.MULTILINE)
        assert anchor in [heading.lower().replace(" ", "-") for heading in headings]
