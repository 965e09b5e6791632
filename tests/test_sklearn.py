"""What all estimators share with scikit-learn: the link from their picture in a notebook to their page."""

import sys
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_html_repr

import skxent
from skxent import _sklearn, feature_selection, language_model, linear_model

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "https://docs.example.org/skxent/stable"


def estimators():
    """Give each public estimator, by the path under which the reference describes it."""
    found = {}
    for module in (skxent, linear_model, language_model, feature_selection):
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, type) and issubclass(value, BaseEstimator):
                found.setdefault(value, f"{module.__name__}.{name}")
    return found


@pytest.fixture
def package_with_urls(monkeypatch):
    """Make the package's metadata name addresses."""

    def install(*urls):
        class Metadata:
            def get_all(self, name):
                return list(urls) if name == "Project-URL" else None

        monkeypatch.setattr(_sklearn, "metadata", lambda name: Metadata())
        _sklearn.documentation_address.cache_clear()

    yield install
    _sklearn.documentation_address.cache_clear()


@pytest.mark.parametrize(("estimator", "path"), estimators().items(), ids=lambda value: getattr(value, "__name__", ""))
def test_picture_of_an_estimator_links_to_its_page(package_with_urls, estimator, path):
    package_with_urls("Source, https://code.example.org/skxent", f"Documentation, {ADDRESS}/")
    assert f'href="{ADDRESS}/api/{path}.html"' in estimator_html_repr(estimator())


def test_pages_that_are_linked_to_are_those_of_the_reference(monkeypatch):
    pytest.importorskip("sphinx", reason="Sphinx is not installed")
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")
    import api_pages

    monkeypatch.delitem(sys.modules, "api_pages")
    assert set(estimators().values()) <= {name.path for name in api_pages.public_names()}


@pytest.mark.parametrize("urls", [(), ("Source, https://code.example.org/skxent",)])
def test_without_an_address_there_is_no_link(package_with_urls, urls):
    package_with_urls(*urls)
    assert "href=" not in estimator_html_repr(skxent.SoftmaxRegressor()).partition("</style>")[2]


def test_a_users_class_is_not_linked(package_with_urls):
    package_with_urls(f"Documentation, {ADDRESS}")

    class Mine(skxent.SoftmaxRegressor):
        pass

    assert ADDRESS not in estimator_html_repr(Mine())
