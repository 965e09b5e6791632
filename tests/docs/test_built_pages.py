"""The pages of the built site in a real browser: on a phone, in the light and in the dark."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import quote

import pytest

from .conftest import CONTRAST, ROOT

SITE = ROOT / "build" / "site"
# Pages of the reference are made alike; these have the longest names and signatures.
REFERENCE = ("index", "skxent.SoftmaxRegressor", "skxent.CrossEntropySelector", "skxent.language_model.SMOOTHINGS")

# What the theme says of a reader who has not chosen one.
NO_THEME_YET = "Got invalid theme mode"

# Texts that end beyond the window, but for those that scroll by themselves.
BEYOND = """
const texts = document.querySelectorAll("main :is(h1, h2, p, dt, dd, li, td, th), .bd-sidebar-secondary a");
return [...texts].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)
  .filter((e) => !e.closest("pre, .formula, .pst-scrollable-table-container"))
  .map((e) => e.textContent.trim().slice(0, 40));
"""


def pages():
    """Name the pages that are looked at."""
    found = [
        *SITE.glob("*.html"),
        *SITE.glob("guide/*.html"),
        *SITE.glob("gallery/*.html"),
        *SITE.glob("results/*.html"),
    ]
    return sorted({*found, *(SITE / "api" / f"{name}.html" for name in REFERENCE)})


# Colours that are on their way from one theme to the other are neither.
AT_ONCE = "document.head.appendChild(document.createElement('style')).textContent = '* { transition: none !important }'"


@pytest.fixture
def look(browser):
    """Open a page at a width."""

    def open_page(page, width):
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get(page.as_uri())
        browser.execute_script(AT_ONCE)

    return open_page


@pytest.mark.skipif(
    not (SITE / "index.html").exists(), reason="the site is not built: python -m sphinx docs build/site"
)
def test_pages_fit_a_phone_and_are_legible(look, browser):
    faults = []
    for page in pages():
        look(page, 320)
        faults += [(page.name, "beyond the window", text) for text in browser.execute_script(BEYOND)[:3]]
        look(page, 1280)
        for theme in ("light", "dark"):
            browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
            _, poor = browser.execute_script(CONTRAST)
            # A sign between two keys, which the theme writes to the reader's eye only.
            faults += [(page.name, theme, *found) for found in poor[:3] if found[0] != "+"]
        errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        faults += [(page.name, error) for error in errors if NO_THEME_YET not in error]
    assert faults == []


# What a first-time reader looks for, and the page that answers.
QUESTIONS = {
    "p-value features": "rank_features",
    "feature importance": "rank_features",
    "perplexity of a file": "command",
    "calibrated probabilities": "choose_a_loss",
    "class weights": "classify",
    "imbalanced classes": "classify",
    "export to ONNX": "export",
    "early stopping": "monitoring",
    "large data parquet": "large_data",
    "drift": "drift",
    "KL divergence": "measures",
    "custom loss": "add_a_loss",
    "noisy labels": "wrong_labels",
}


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and does not speak of it."""

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def served():
    """Serve the site: results of a search show pieces of the pages, which a browser does not read from files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.skipif(
    not (SITE / "index.html").exists(), reason="the site is not built: python -m sphinx docs build/site"
)
def test_search_finds_the_page_that_answers(browser, served):
    wait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait(browser, 30)
    found = {}
    for question, page in QUESTIONS.items():
        browser.get(f"{served}/search.html?q={quote(question)}")
        links = wait.until(lambda driver: driver.find_elements("css selector", "#search-results li > a"))
        found[question, page] = [link.get_attribute("href") for link in links[:3]]
    browser.get_log("browser")  # the theme's remarks, which are not the next test's
    missed = {key: links for key, links in found.items() if not any(f"guide/{key[1]}.html" in link for link in links)}
    assert missed == {}
