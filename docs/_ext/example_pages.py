"""How the gallery runs the examples, and the titles of their pages."""

import ast
import re
import tempfile
from pathlib import Path

# Fewer or smaller data than by default where an example takes long; its page shows the figures of these.
OPTIONS = {
    "plot_feature_importance.py": ["--rows=10000"],
    "plot_grid_search_losses.py": ["--rows=800"],
    "plot_wrong_labels.py": ["--rows=10000", "--side=14"],
}


def arguments(gallery_conf, script_vars):
    """Send the picture that an example saves to a folder that is thrown away: the gallery has its own.

    The example is also told its file and its docstring, as Python does when it runs a script.
    """
    example = Path(script_vars["src_file"]).resolve()
    docstring = ast.get_docstring(ast.parse(example.read_text(encoding="utf-8")))
    script_vars["example_globals"].update(__file__=str(example), __doc__=docstring)
    picture = Path(tempfile.mkdtemp(prefix="skxent-gallery-")) / f"{example.stem}.png"
    return [str(picture), *OPTIONS.get(example.name, [])]


def finish_page(app, page, source):
    """Make the first line of an example's docstring the title of its page; leave out where the picture was saved."""
    if not page.startswith("gallery/plot_"):
        return

    def underlined(found):
        title = found[2].rstrip(".")
        return f"{found[1]}{title}\n{'=' * len(title)}\n"

    source[0] = re.sub(r"(\.\. _sphx_glr_gallery_\w+\.py:\n\s*\n)([^\n]+)\n(?!=)", underlined, source[0], count=1)
    source[0] = re.sub(r"\n *Picture: .*", "", source[0])


def setup(app):
    """Work on the pages as they are read."""
    app.connect("source-read", finish_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
