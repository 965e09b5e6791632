"""Checks of the built site.

Every link within it leads somewhere, every public name is described, and nothing is loaded from elsewhere.
"""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from api_pages import public_names
from sphinx.errors import SphinxError

# What a page loads by itself, as against what a reader may follow.
LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}


class BrokenSiteError(SphinxError):
    """The built site has a fault."""

    category = "Built site"


class Page(HTMLParser):
    """Links and anchors of one page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors, self.foreign = [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Collect what points somewhere and what can be pointed at."""
        found = dict(attributes)
        self.anchors.update(found[key] for key in ("id", "name") if found.get(key))
        for key in ("href", "src"):
            if not (link := found.get(key)):
                continue
            self.links.append(link)
            if (tag, key) in LOADED and urlsplit(link).netloc and found.get("rel") != "canonical":
                self.foreign.append(link)


def broken_links(folder):
    """Say which links within the site lead nowhere, and what is loaded from elsewhere."""
    # The theme keeps templates among its static files.
    paths = [path for path in sorted(folder.rglob("*.html")) if path.relative_to(folder).parts[0] != "_static"]
    pages = {path.resolve(): Page(path) for path in paths}
    faults = []
    for path, page in pages.items():
        here = path.relative_to(folder.resolve())
        faults += [f"{here} loads {link}" for link in page.foreign]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                faults.append(f"{here} links to {link}, which is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                faults.append(f"{here} links to {link}, and that page has no such anchor")
    return faults


def undescribed_names(app):
    """Say which public names have no entry in the index of the site."""
    described = {name for name, *_ in app.env.get_domain("py").get_objects()}
    return [f"{name.path} has no page" for name in public_names() if name.path not in described]


def check(app, error):
    """Fail the build where the site has a fault."""
    if error is not None or app.builder.name != "html":
        return
    faults = [*undescribed_names(app), *broken_links(Path(app.outdir))]
    if faults:
        raise BrokenSiteError("\n".join([f"{len(faults)} faults:", *faults[:40]]))


def read_all_again(app, env, added, changed, removed):
    """Name all pages as changed: those that are not read again lose their index entries in the search."""
    return sorted(env.found_docs)


def setup(app):
    """Read all pages in each build, and check after all else has been written."""
    app.connect("env-get-outdated", read_all_again)
    app.connect("build-finished", check, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
