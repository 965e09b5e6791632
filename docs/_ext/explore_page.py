"""Copy the explorable page into the site, with all that it loads and nothing else."""

import shutil
from pathlib import Path

SERVED = {".html", ".css", ".js"}


def copy_page(app, error):
    """Copy it once the other pages are there."""
    if error is not None or app.builder.format != "html":
        return
    target = Path(app.outdir) / "explore"
    target.mkdir(exist_ok=True)
    for file in (Path(app.srcdir) / "explore").iterdir():
        if file.suffix in SERVED:
            shutil.copy2(file, target)


def setup(app):
    """Run before the checks of the built site."""
    app.connect("build-finished", copy_page, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
