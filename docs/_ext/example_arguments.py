"""What the gallery calls the examples with."""

import tempfile
from pathlib import Path

# Fewer rows than by default where an example takes long; its page shows the figures of these.
OPTIONS = {"plot_grid_search_losses.py": ["--rows=2000"], "plot_feature_importance.py": ["--rows=20000"]}


def arguments(gallery_conf, script_vars):
    """Send the picture that an example saves to a folder that is thrown away: the gallery has its own."""
    example = Path(script_vars["src_file"])
    picture = Path(tempfile.mkdtemp(prefix="skxent-gallery-")) / f"{example.stem}.png"
    return [str(picture), *OPTIONS.get(example.name, [])]
