"""LabelNoiseDisplay draws what label_quality found."""

import re
import sys

import numpy as np
import pytest

from skxent import SoftmaxRegressor
from skxent.label_noise import LabelNoiseDisplay, LabelQuality

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def quality():
    """Ten rows; the third is labelled "b" and is an "a"."""
    posterior = np.tile([0.9, 0.1], (10, 1))
    posterior[5:] = [0.2, 0.8]
    labels = np.array([0, 0, 1, 0, 0, 1, 1, 1, 1, 1])
    return LabelQuality(np.array(["a", "b"]), labels, np.array([[0.8, 0.2], [0.05, 0.95]]), posterior)


def test_matrix_and_curve(quality):
    display = LabelNoiseDisplay(quality).plot()
    np.testing.assert_array_equal(display.im_.get_array(), quality.transition)
    assert [[text.get_text() for text in row] for row in display.text_] == [["0.80", "0.20"], ["0.05", "0.95"]]
    matrix, curve = display.ax_
    assert [label.get_text() for label in matrix.get_yticklabels()] == ["a", "b"]
    assert curve.get_title(loc="left") == "1 of 10 labels are more probably wrong than right"
    np.testing.assert_array_equal(curve.lines[0].get_ydata(), np.sort(quality.probability))


def test_images_come_with_both_labels(quality):
    images = np.arange(10)[:, np.newaxis, np.newaxis] * np.ones((1, 4, 3))
    display = LabelNoiseDisplay(quality).plot(images=images, n_rows=5)
    shown = display.ax_[1].images
    assert [int(image.get_array()[0, 0]) for image in shown] == quality.ranking(5).tolist()
    assert [text.get_text() for text in display.ax_[1].texts] == ["b, rather a", "b", "b", "b", "b"]
    colour = LabelNoiseDisplay(quality).plot(images=np.zeros((10, 4, 3, 3)), n_rows=100)
    assert len(colour.ax_[1].images) == 10


def test_axes_and_options(quality):
    figure, axes = plt.subplots(2)
    display = LabelNoiseDisplay(quality).plot(ax=axes, include_values=False)
    assert display.figure_ is figure
    assert display.text_ is None
    display.plot(values_format=".0%")
    assert display.text_[0, 0].get_text() == "80%"


def test_from_estimator():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=60)
    X = y[:, np.newaxis] + 0.1 * rng.normal(size=(60, 2))
    y[0] = 1 - y[0]
    display = LabelNoiseDisplay.from_estimator(
        SoftmaxRegressor("generalized_cross_entropy"), X, y, cv=3, images=X.reshape(60, 1, 2), n_rows=1
    )
    assert display.quality.ranking(1).tolist() == [0]
    assert len(display.ax_[1].images) == 1


@pytest.mark.parametrize("shape", [(9, 4, 4), (10, 4), (10, 4, 4, 2)])
def test_images_of_the_wrong_shape(quality, shape):
    with pytest.raises(ValueError, match=re.escape(f"images has shape {shape}; it must be (10, height, width")):
        LabelNoiseDisplay(quality).plot(images=np.zeros(shape))


@pytest.mark.parametrize("n_rows", [0, -1, 2.5])
def test_a_number_of_images_that_is_none(quality, n_rows):
    with pytest.raises(ValueError, match=f"n_rows={n_rows} must be at least 1, and a whole number"):
        LabelNoiseDisplay(quality).plot(images=np.zeros((10, 4, 4)), n_rows=n_rows)


@pytest.mark.parametrize("ax", [[1, 2], "two", 3], ids=repr)
def test_what_is_not_two_axes(quality, ax):
    with pytest.raises(ValueError, match="LabelNoiseDisplay needs 2 axes of matplotlib here; ax is "):
        LabelNoiseDisplay(quality).plot(ax=ax)
    with pytest.raises(ValueError, match="LabelNoiseDisplay needs 2 axes here; ax has 1"):
        LabelNoiseDisplay(quality).plot(ax=plt.subplots()[1])


def test_what_is_no_label_quality():
    with pytest.raises(TypeError, match=r"shows what label_quality returned; quality=\[0\.5\] is not"):
        LabelNoiseDisplay([0.5]).plot()


def test_a_single_class():
    with pytest.raises(ValueError, match="y has only one class"):
        LabelNoiseDisplay.from_estimator(SoftmaxRegressor(), np.eye(4), [1, 1, 1, 1])


def test_without_matplotlib(quality, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="LabelNoiseDisplay draws with matplotlib"):
        LabelNoiseDisplay(quality).plot()


def test_without_pandas(quality, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        quality.suspects()
    assert quality.ranking(1).tolist() == [2]
