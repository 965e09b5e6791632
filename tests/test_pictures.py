"""The one style of the project's pictures."""

import re
from pathlib import Path

import pytest

from skxent._pictures import STYLE

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("plot_*.py"))


def luminance(colour):
    """Return the relative luminance that WCAG defines."""
    colors = pytest.importorskip("matplotlib.colors")
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colors.to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_are_seen_on_white():
    style = pytest.importorskip("matplotlib.style")
    mpl = pytest.importorskip("matplotlib")
    with style.context(STYLE):
        colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
        assert not mpl.rcParams["axes.spines.top"]
    assert len(colours) == 4
    for colour in colours:
        assert 1.05 / (luminance(colour) + 0.05) >= 3


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_use_the_style_and_no_colours_of_their_own(example):
    text = example.read_text(encoding="utf-8")
    assert f'style.use("{STYLE}")' in text
    assert re.findall(r'"(?:#[0-9A-Fa-f]{6}|tab:\w+)"', text) == []
