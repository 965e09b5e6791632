"""Sphinx configuration: ``python -m sphinx -W docs build/site`` makes the site in ``build/site``."""

import sys
from pathlib import Path

import skxent

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

project = "skxent"
author = "the skxent developers"
project_copyright = "2026, the skxent developers"
version = release = skxent.__version__

extensions = [
    "api_pages",
    "built_site",
    "example_pages",
    "explore_page",
    "mathml",
    "results_pages",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["explore", "export", "extend", "_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
default_role = "literal"
templates_path: list[str] = []
nitpicky = False
# Beside a page: fit(), not SoftmaxRegressor.fit(), which is cut at most widths.
toc_object_entries_show_parents = "hide"

# ---------------------------------------------------------------------------------------------- docstrings

autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
extlinks = {"doi": ("https://doi.org/%s", "doi:%s")}
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# The changelog and the results begin with the title that their page on GitHub has.
suppress_warnings = ["myst.header"]

# ---------------------------------------------------------------------------------------------- pictures

sphinx_gallery_conf = {
    "examples_dirs": [str(HERE.parent / "examples")],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(^|/)_\w+\.py$",
    "reset_argv": "example_pages.arguments",
    "backreferences_dir": "gallery/uses",
    "doc_module": ("skxent",),
    "abort_on_example_error": True,
    "min_reported_time": 0,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "remove_config_comments": True,
    "write_computation_times": False,
    "plot_gallery": "True",
}

# ---------------------------------------------------------------------------------------------- pages

html_theme = "pydata_sphinx_theme"
html_title = "skxent"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "skxent"},
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "show_toc_level": 2,
    "navigation_with_keys": False,
}
html_sidebars = {"index": [], "install": [], "quick_start": [], "results": [], "glossary": [], "changelog": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
