"""Pages of results, made from the benchmarks' own files, with the links between them turned to the site."""

import re
from pathlib import Path

# RESULTS.md is about the classifiers; each other file says in its name what it is about.
CLASSIFIERS = "softmax"


def page_name(file):
    """Name the page of a file of results."""
    return file.stem.removeprefix("RESULTS").strip("_") or CLASSIFIERS


def write_pages(app):
    """Write one page for each file of results."""
    folder = Path(app.srcdir) / "results"
    folder.mkdir(exist_ok=True)
    files = sorted((Path(app.srcdir).parent / "benchmarks").glob("RESULTS*.md"))
    names = {file.name: f"{page_name(file)}.md" for file in files}
    for file in files:
        text = file.read_text(encoding="utf-8")
        text = re.sub(r"\]\((RESULTS\w*\.md)", lambda link: f"]({names[link[1]]}", text)
        text = re.sub(r"!\[([^\]]*)\]\((?!https?:)", r"![\1](../../benchmarks/", text)
        page = folder / names[file.name]
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def setup(app):
    """Write the pages before Sphinx looks for its sources."""
    app.connect("builder-inited", write_pages, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
