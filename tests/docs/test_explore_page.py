"""The explorable page: its source, and how it behaves in a real browser."""

import itertools
import re
import time
from html.parser import HTMLParser

import pytest

from .conftest import CONTRAST

WEIGHT = 300_000  # bytes of all that the page loads
SERVED = ("index.html", "style.css", "data.js", "mathematics.js", "results.js", "words.js", "charts.js", "page.js")
LANGUAGES = ("en", "zh")
VOID = {"meta", "link", "input", "br", "wbr", "hr", "img"}


class Element:
    """An element of the page, with its children; strings are text."""

    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent, self.children = tag, dict(attributes), parent, []

    def walk(self):
        """Give this element and all below it."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def elements(self):
        return [child for child in self.children if isinstance(child, Element)]


class Tree(HTMLParser):
    """The page as elements."""

    def __init__(self, text):
        super().__init__()
        self.root = self.at = Element("root", {}, None)
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        element = Element(tag, attributes, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_endtag(self, tag):
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)


@pytest.fixture(scope="module")
def html(page):
    return (page / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tree(html):
    return Tree(html).root


# ---------------------------------------------------------------------------------------------- the source


def test_weight(page):
    assert sum((page / name).stat().st_size for name in SERVED) <= WEIGHT


def test_nothing_is_loaded_from_elsewhere(tree, page):
    """Only links that a reader may follow lead away."""
    loaded = [
        e.attributes.get("src") or e.attributes.get("href") for e in tree.walk() if e.tag in {"script", "link", "img"}
    ]
    assert sorted(loaded) == sorted(["data:,", *(name for name in SERVED if name != "index.html")])
    for name in SERVED:
        if name not in {"index.html", "data.js"}:
            source = (page / name).read_text(encoding="utf-8")
            assert not re.findall(
                r"https?://(?!www\.w3\.org/2000/svg)|fetch\(|XMLHttp|sendBeacon|localStorage|cookie", source
            )


def test_each_text_is_in_both_languages(tree):
    """An English element is followed by the Chinese one, with the same figures and formulas."""
    pairs = 0
    for element in tree.walk():
        parts = [child for child in element.elements() if child.attributes.get("lang") in LANGUAGES]
        parts = [part for part in parts if "data-language" not in part.attributes and part.tag != "html"]
        for english, chinese in zip(parts[::2], parts[1::2], strict=True):
            pairs += 1
            assert (english.attributes["lang"], chinese.attributes["lang"]) == LANGUAGES
            assert english.tag == chinese.tag
            assert figures(english) == figures(chinese)
            assert formulas(english) == formulas(chinese)
            assert re.search(r"[\u4e00-\u9fff]|softmax|Softmax", text_of(chinese))
            assert not re.search(r"[\u4e00-\u9fff]", text_of(english))
    assert pairs > 120


def figures(element):
    return sorted(
        (e.attributes["data-figure"], e.attributes["data-digits"])
        for e in element.walk()
        if "data-figure" in e.attributes
    )


def formulas(element):
    return sorted(text_of(e) for e in element.walk() if e.tag == "math")


def text_of(element):
    return "".join(child if isinstance(child, str) else text_of(child) for child in element.children)


def test_every_text_has_a_language(tree):
    """Words outside of a pair are names, code or mathematics."""
    free = {"title", "math", "script", "style", "noscript", "pre", "button", "nav", "option"}

    def check(element, spoken):
        spoken = spoken or ("lang" in element.attributes and element.tag != "html")
        if spoken or element.tag in free:
            return
        for child in element.children:
            if isinstance(child, Element):
                check(child, spoken)
            else:
                assert not re.search(r"[a-z]{3,}|[\u4e00-\u9fff]", child), child

    check(tree, False)


def test_figures_are_those_that_are_computed(tree, node):
    named = {key for key, _ in figures(tree)}
    assert named == set(node("return Object.keys(results(m, data, images))"))


def test_no_result_is_typed_by_hand(tree, page):
    """Decimals stand only in places that the page's code fills."""
    assert not re.findall(r"\d\.\d+|\.\d{2,}", text_of(tree).replace("CC BY-SA 3.0", ""))
    words = (page / "words.js").read_text(encoding="utf-8")
    assert not re.findall(r"\d\.\d", words)


def test_words_are_complete(page, node):
    """Both languages, the same places for values, no word unused and none missing."""
    source = (page / "words.js").read_text(encoding="utf-8")
    words = node(f"return (() => {{ {source}; return words; }})()")
    for key, pair in words.items():
        assert len(pair) == 2, key
        assert all(part.strip() for part in pair), key
        assert sorted(re.findall(r"\{\d\}", pair[0])) == sorted(re.findall(r"\{\d\}", pair[1])), key
    code = (page / "page.js").read_text(encoding="utf-8")
    exact = set(re.findall(r'"([a-z_.]+)"', code))
    patterns = [re.sub(r"\\\$\\\{.*?\\\}", ".+", re.escape(text)) for text in re.findall(r"word\(`([^`]+)`", code)]
    unused = [key for key in words if key not in exact and not any(re.fullmatch(p, key) for p in patterns)]
    assert unused == []
    assert {key for key in re.findall(r'word\("([a-z_.]+)"', code)} <= set(words)


# ---------------------------------------------------------------------------------------------- the browser


class Page:
    """The page in the browser."""

    def __init__(self, browser, folder):
        self.browser, self.folder = browser, folder

    def open(self, language="en", width=1280, theme="light"):
        """Open it offline and wait until all figures are there."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": theme}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.browser.execute_cdp_cmd("Network.enable", {})
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
        self.browser.get(f"{(self.folder / 'index.html').as_uri()}?lang={language}")
        self.wait("document.documentElement.dataset.ready === 'true'")
        return self

    def do(self, script, *given):
        return self.browser.execute_script(script, *given)

    def wait(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not self.do(f"return {condition}"):
            assert time.monotonic() < end, f"waited in vain for {condition}"
            time.sleep(0.05)

    def text(self, name):
        return self.do("return document.getElementById(arguments[0]).textContent", name)

    def set(self, name, value):
        """Move a control as a reader would."""
        self.do(
            "const c = document.getElementById(arguments[0]);"
            "if (c.type === 'checkbox') c.checked = arguments[1]; else c.value = arguments[1];"
            "c.dispatchEvent(new Event('input', { bubbles: true }))",
            name,
            value,
        )

    def complaints(self):
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture
def shown(browser, page):
    shown = Page(browser, page)
    yield shown
    assert shown.complaints() == []


def test_loads_offline_without_complaint(shown):
    shown.open()
    loaded = shown.do("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(name.startswith(("file:", "data:", "blob:")) for name in loaded)
    assert shown.do("return document.querySelectorAll('[data-figure]:empty').length") == 0
    assert shown.do("return [...document.querySelectorAll('.plot')].every((plot) => plot.querySelector('svg'))")


@pytest.mark.parametrize("language", LANGUAGES)
def test_speaks_one_language_at_a_time(shown, language):
    shown.open(language)
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    assert shown.do("return document.documentElement.lang") == language
    spoken = "[...document.querySelectorAll(`[lang=${arguments[0]}]:not(.always, textarea)`)]"
    visible = f"{spoken}.filter((e) => e.checkVisibility())"
    assert shown.do(f"return {visible}.length", language) > 50
    assert shown.do(f"return {visible}.length", other) == 0
    drawn = shown.do(
        "return [...document.querySelectorAll('svg text, option, #contents a')].map((e) => e.textContent).join(' ')"
    )
    assert bool(re.search(r"[\u4e00-\u9fff]", drawn)) == (language == "zh")
    assert "undefined" not in drawn
    assert not re.search(r"NaN|undefined|\{\d\}", shown.do("return document.body.innerText"))


def test_switches_language_and_theme(shown):
    shown.open("en")
    shown.do("document.querySelector('[data-language=zh]').click()")
    assert shown.do("return document.title").startswith("平方损失")
    assert shown.do("return document.querySelector('[data-language=zh]').getAttribute('aria-pressed')") == "true"
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = shown.do(paper)
    shown.do("document.getElementById('theme').click()")
    assert shown.do(paper) != light
    assert shown.do("return document.getElementById('theme').getAttribute('aria-pressed')") == "true"


def test_pictures_are_drawn_where_there_is_no_room(shown):
    """A page that is not shown, as in a window that is minimised, has no width."""
    shown.open()
    shown.do("document.body.style.display = 'none'; document.getElementById('theme').click()")
    shown.do("document.body.style.display = ''; document.getElementById('theme').click()")
    assert shown.do("return document.querySelector('#pixel-map svg').getBoundingClientRect().width") > 200


def test_neuron_shows_what_is_known(shown):
    """From 0.98 the quadratic cost ends at .2028 and cross-entropy at .0120; from 0.82 at .0940 and .0116."""
    shown.open()
    cell = "return document.querySelector(`#neuron-${arguments[0]} td`).textContent"
    for start, quadratic, cross in ((1, "0.2028", "0.0120"), (0, "0.0940", "0.0116")):
        shown.set("neuron-start", start)
        assert shown.do(cell, "quadratic") == quadratic
        assert shown.do(cell, "cross_entropy") == cross
    shown.set("neuron-rate", 0.005)
    assert shown.do(cell, "cross_entropy") == "0.4177"
    shown.set("neuron-step", 0)
    assert shown.do(cell, "cross_entropy") == "0.8176"
    shown.do("document.getElementById('neuron-run').click()")
    shown.wait("document.getElementById('neuron-step').value === '300'")


CONTROLS = [
    ("pixel-row", 3, "pixel-gain"),
    ("lm-text", "The harbour", "lm-perplexity"),
    ("lm-parameter", 1.5, "lm-cross"),
    ("lm-smoothing", "witten_bell", "lm-cross"),
    ("lm-training", "sky", "lm-cross"),
    ("logistic-w", -0.4, "logistic-cost"),
    ("logistic-b", 3, "logistic-gradient-b"),
    ("why-a", 0.5, "why-cost"),
    ("softmax-0", 2, "softmax-loss"),
    ("softmax-y", "2", "softmax-quadratic"),
    ("softmax-twice", True, "softmax-floor"),
    ("two-1", 3, "two-sigmoid"),
    ("linear-rate", 0.1, "linear-plot"),
    ("robust-share", 0.5, "robust-share-value"),
    ("race-rate-quadratic", 1, "race-rate-quadratic-value"),
]


def test_controls_move_figures(shown):
    shown.open()
    picture = "return document.getElementById(arguments[0]).innerHTML"
    for control, value, output in CONTROLS:
        before = shown.do(picture, output)
        shown.set(control, value)
        assert shown.do(picture, output) != before, (control, output)


def test_infinite_perplexity_is_said(shown):
    shown.open()
    shown.set("lm-smoothing", "mle")
    shown.set("lm-text", "the kraken")
    assert shown.text("lm-perplexity") == "∞"
    shown.set("lm-text", "")
    assert shown.text("lm-perplexity") == "–"


def test_best_line_is_found(shown):
    shown.open()
    shown.do("document.getElementById('logistic-fit').click()")
    best = shown.do("return Number(document.querySelector('[data-figure=\"logistic.best\"]').value)")
    assert float(shown.text("logistic-cost")) == pytest.approx(best, abs=6e-5)


def test_bars_can_be_dragged_and_moved_by_keys(shown, browser):
    from selenium.webdriver import ActionChains, Keys
    from selenium.webdriver.common.by import By

    shown.open()
    rain = browser.find_elements(By.CSS_SELECTOR, "#coding-q .slider")[2]
    assert rain.get_attribute("aria-valuenow") == "25"
    rain.send_keys(Keys.ARROW_UP)
    assert rain.get_attribute("aria-valuenow") == "26"
    rain.send_keys(Keys.END)
    assert shown.text("coding-cross") == "∞"
    rain.send_keys(Keys.HOME)
    assert shown.text("coding-cross") == "∞"
    shown.do("document.getElementById('coding-true').click()")
    assert (shown.text("coding-cross"), shown.text("coding-divergence")) == ("1.750", "0.000")
    ActionChains(browser).click_and_hold(rain).move_by_offset(0, -30).release().perform()
    assert float(shown.text("coding-divergence")) > 0


def test_pixel_is_chosen_by_a_tap(shown, browser):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    shown.open()
    shown.do("document.getElementById('pixel-map').scrollIntoView({ block: 'center', behavior: 'instant' })")
    ActionChains(browser).move_to_element_with_offset(
        browser.find_element(By.CSS_SELECTOR, "#pixel-map svg"), -100, -100
    ).click().perform()
    assert shown.text("pixel-row-value") != "7"
    shown.do("document.querySelector('input[name=about][value=pixel]').click()")
    marked = float(shown.text("pixel-gain"))
    assert marked == pytest.approx(float(shown.text("pixel-best")), abs=5e-4)


def test_page_is_used_by_keyboard(shown, browser):
    """Every control gets the focus in order, shows it, and starts the race."""
    from selenium.webdriver import ActionChains, Keys

    shown.open()
    seen = []
    for _ in range(150):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        name, style, width = shown.do(
            "const e = document.activeElement, s = getComputedStyle(e);"
            "return [e === document.body ? null : e.id || e.textContent.trim().slice(0, 20), s.outlineStyle,"
            " parseFloat(s.outlineWidth)]"
        )
        if name is None or name in seen[:1]:
            break
        seen.append(name)
        assert style != "none", name
        assert width >= 2, name
    wanted = shown.do(
        "return [...document.querySelectorAll('button, select, textarea, input:not([type=radio])')]"
        ".filter((e) => e.checkVisibility()).map((e) => e.id || e.textContent.trim().slice(0, 20))"
    )
    assert set(wanted) <= set(seen)
    # Once all have had the focus, since the race keeps the page busy.
    shown.do("document.getElementById('race-run').focus()")
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    shown.wait("/Pass|Done/.test(document.getElementById('race-status').textContent)")


@pytest.mark.parametrize(
    ("button", "status", "ends"),
    [("race-run", "race-status", [0.805, 0.834, 0.872]), ("robust-run", "robust-status", [0.848, 0.738])],
)
def test_races_run(shown, button, status, ends):
    """To the accuracies that the estimator reaches; another test compares all digits."""
    shown.open()
    shown.do("document.getElementById(arguments[0]).click()", button)
    shown.wait(f"document.getElementById('{status}').textContent.startsWith('Done')", seconds=180)
    assert [float(figure) for figure in re.findall(r"0\.\d+", shown.text(status))] == ends


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sideways_scrolling(shown, width, language):
    shown.open(language, width)
    assert shown.do("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_of_text(shown, theme):
    """WCAG AA: 4.5 to 1 for every text on the page, those in pictures included."""
    shown.open("en", theme=theme)
    shown.set("softmax-twice", True)
    shown.do("document.querySelector('details').open = true")
    seen, poor = shown.do(CONTRAST)
    assert seen > 500
    assert poor == []


def test_names_for_those_who_cannot_see(shown):
    shown.open()
    nameless = shown.do(
        "return [...document.querySelectorAll('svg[role=img], canvas, [role=region], [role=slider]')]"
        ".filter((e) => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')))"
        ".map((e) => e.outerHTML.slice(0, 80))"
    )
    assert nameless == []
    unlabelled = shown.do(
        "return [...document.querySelectorAll('input, select, textarea')]"
        ".filter((e) => !e.labels.length).map((e) => e.id)"
    )
    assert unlabelled == []
    levels = shown.do("return [...document.querySelectorAll('h1, h2, h3')].map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_small_targets_are_large_enough(shown):
    """WCAG 2.2 AA: 24 by 24 CSS pixels."""
    shown.open("en", 390)
    small = shown.do(
        "return [...document.querySelectorAll('button, select, input, summary')].filter((e) => e.checkVisibility())"
        ".map((e) => [e.id, (e.labels?.[0] ?? e).getBoundingClientRect()])"
        ".filter(([, b]) => b.width < 24 || b.height < 24)"
        ".map(([id]) => id)"
    )
    assert small == []
