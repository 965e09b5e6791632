"""Formulas as MathML, which browsers draw by themselves: no script, and nothing loaded from elsewhere."""

import re

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

# LaTeX that the converter does not know, and what it knows in its place.
REPLACED = {r"\lVert": r"\|", r"\rVert": r"\|", r"\tfrac": r"\frac", r"\,\|\,": r"\,\|\,"}


def to_mathml(latex, display):
    """Convert one formula."""
    for unknown, known in REPLACED.items():
        latex = latex.replace(unknown, known)
    # Thin spaces around a logarithm, as LaTeX sets them.
    latex = re.sub(r"(?<=[\w}])\s*\\(log|ln)\b", r"\\,\\\1", latex)
    latex = re.sub(r"\\(log|ln)\s+(?=[A-Za-z\\])", r"\\\1\\, ", latex)
    mathml = convert(latex, display=display)
    if "\\" in mathml:
        raise ValueError(f"MathML cannot show {latex!r}: {mathml}")
    return mathml


def visit_inline(self, node):
    """Write an inline formula."""
    self.body.append(to_mathml(node.astext(), "inline"))
    raise SkipNode


def visit_block(self, node):
    """Write a formula of its own."""
    self.body.append(f'<div class="formula">{to_mathml(_aligned(node.astext()), "block")}</div>')
    raise SkipNode


def _aligned(latex):
    """Several lines, or marks to align at, need an environment around them."""
    return rf"\begin{{aligned}}{latex}\end{{aligned}}" if "&" in latex or r"\\" in latex else latex


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", inline_renderers=(visit_inline, None), block_renderers=(visit_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
