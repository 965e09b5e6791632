"""Each display shows the numbers that it says it shows."""

import builtins

import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skxent import SigmoidRegressor, SoftmaxRegressor, UnigramLanguageModel
from skxent.inspection import (
    CoefficientDisplay,
    LinePerplexityDisplay,
    LossCurveDisplay,
    RankFrequencyDisplay,
    ReliabilityDisplay,
)

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    mpl.pyplot.close("all")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.fixture(scope="module")
def model(digits):
    return SoftmaxRegressor(alpha=1e-2).fit(*digits)


def test_loss_curve(model):
    display = LossCurveDisplay.from_estimator(model, name="one")
    (line,) = display.lines_
    assert_allclose(line.get_ydata(), model.loss_curve_)
    assert_allclose(line.get_xdata(), np.arange(1, model.n_iter_ + 1))
    again = LossCurveDisplay.from_estimator(model, name="two", ax=display.ax_)
    assert len(again.ax_[0].lines) == 2
    assert again.figure_ is display.figure_


def test_loss_curve_with_rows_held_out(digits):
    model = SoftmaxRegressor(solver="sgd", early_stopping=True, max_iter=5, tol=0, random_state=0).fit(*digits)
    display = LossCurveDisplay.from_estimator(model)
    assert_allclose(display.lines_[1].get_ydata(), model.validation_scores_)
    with pytest.raises(ValueError, match="LossCurveDisplay needs 2 axes here; ax has 1"):
        LossCurveDisplay.from_estimator(model, ax=display.ax_[0])


def test_coefficients_as_images(model):
    display = CoefficientDisplay.from_estimator(model, image_shape=(8, 8))
    for image, coefficients in zip(display.ax_.images, model.coef_, strict=True):
        assert_allclose(image.get_array().ravel(), coefficients)
        assert image.get_clim() == pytest.approx((-abs(model.coef_).max(), abs(model.coef_).max()))
    assert [text.get_text() for text in display.ax_.texts] == [str(digit) for digit in range(10)]
    with pytest.raises(ValueError, match=r"image_shape=\(7, 7\) does not fit 64 features"):
        CoefficientDisplay.from_estimator(model, image_shape=(7, 7))


def test_coefficients_as_table(model):
    display = CoefficientDisplay.from_estimator(model, n_features=7)
    largest = np.argsort(-abs(model.coef_).max(axis=0), kind="stable")[:7]
    assert display.features_.tolist() == largest.tolist()
    assert_allclose(display.ax_.images[0].get_array(), model.coef_[:, largest].T)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == [f"x{j}" for j in largest]


def test_coefficients_of_one_unit_as_bars():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    scaled = StandardScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaled, SigmoidRegressor()).fit(X, y.map({0: "malignant", 1: "benign"}))
    display = CoefficientDisplay.from_estimator(pipeline, n_features=5)
    assert_allclose([bar.get_width() for bar in display.ax_.patches], pipeline[-1].coef_[0, display.features_])
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == X.columns[display.features_].tolist()
    assert "malignant" in display.ax_.get_xlabel()


def test_reliability_by_hand():
    confidence = [0.6, 0.6, 0.6, 0.9, 0.9, 0.9, 0.9]
    display = ReliabilityDisplay(confidence, [1, 0, 1, 1, 1, 1, 0], n_bins=2)
    assert display.count.tolist() == [4, 3]
    assert_allclose(display.confidence, [(0.6 * 3 + 0.9) / 4, 0.9])
    assert_allclose(display.accuracy, [3 / 4, 2 / 3])
    assert display.calibration_error == pytest.approx((4 * abs(0.75 - 0.675) + 3 * abs(2 / 3 - 0.9)) / 7)


def test_reliability_intervals_are_wilsons():
    from scipy.stats import binomtest

    display = ReliabilityDisplay(np.linspace(0.5, 1, 40), np.arange(40) % 3 > 0, n_bins=4)
    for interval, accuracy, count in zip(display.intervals(), display.accuracy, display.count, strict=True):
        expected = binomtest(round(accuracy * count), count).proportion_ci(method="wilson")
        assert_allclose(interval, expected, atol=1e-6)


def test_reliability_of_an_honest_and_a_boastful_model(digits):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 20_000)
    y = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
    honest = ReliabilityDisplay.from_predictions(y, p, [0, 1, 2])
    sharp = p**3 / (p**3).sum(axis=1, keepdims=True)
    boastful = ReliabilityDisplay.from_predictions(y, sharp, [0, 1, 2], ax=honest.ax_, name="boastful")
    assert honest.calibration_error < 0.02
    assert boastful.calibration_error > 0.1
    assert "boastful" in boastful.ax_.get_legend().get_texts()[1].get_text()


def test_labels_that_are_no_class_are_no_wrong_predictions():
    with pytest.raises(ValueError, match=r"y holds 5, which is none of the classes, \[0, 1\]"):
        ReliabilityDisplay.from_predictions([0, 5], [[0.9, 0.1], [0.2, 0.8]], [0, 1])


def test_reliability_from_estimator(digits, model):
    X, y = digits
    display = ReliabilityDisplay.from_estimator(model, X, y)
    assert np.average(display.accuracy, weights=display.count) == pytest.approx(model.score(X, y))
    with pytest.raises(NotFittedError):
        ReliabilityDisplay.from_estimator(make_pipeline(MinMaxScaler(), SoftmaxRegressor()), X, y)


def test_rank_and_frequency():
    model = UnigramLanguageModel().fit(["the cat and the dog", "the end"])
    display = RankFrequencyDisplay.from_estimator(model, name="text")
    assert_allclose(display.line_.get_ydata(), [3, 1, 1, 1, 1])
    assert display.ax_.get_xscale() == display.ax_.get_yscale() == "log"


@pytest.mark.parametrize("base", [2, np.e, 10])
def test_perplexities_of_lines(base):
    model = UnigramLanguageModel(smoothing="witten_bell", base=base).fit(["the cat and the dog", "the end"])
    lines = ["the cat", "", "a dog", "the end of the day"]
    display = LinePerplexityDisplay.from_estimator(model, lines)
    assert_allclose(display.perplexities, [model.perplexity([line]) for line in lines if line])
    assert display.perplexity == pytest.approx(model.perplexity(lines))
    assert sum(bar.get_height() for bar in display.ax_.patches) == 3


def test_infinite_lines_are_counted():
    model = UnigramLanguageModel(smoothing="mle").fit(["the cat and the dog"])
    display = LinePerplexityDisplay.from_estimator(model, ["the cat", "the cow", "dog"])
    assert display.perplexity == np.inf
    assert "infinite: 1 lines" in display.ax_.get_title(loc="left")


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ImportError, match="LossCurveDisplay draws with matplotlib: pip install matplotlib"):
        LossCurveDisplay([3.0, 2.0]).plot()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReliabilityDisplay([], []), r"shapes \(0,\) and \(0,\); both need one number for each row"),
        (lambda: ReliabilityDisplay([[0.5]], [True]), r"shapes \(1, 1\) and \(1,\)"),
        (lambda: ReliabilityDisplay([0.5, np.nan], [1, 0]), "confidence of row 1 is nan"),
        (lambda: ReliabilityDisplay([0.5, 1.5], [1, 0]), "confidence of row 1 is 1.5"),
        (lambda: ReliabilityDisplay([0.5], [1], n_bins=0), "n_bins=0 must be at least 1"),
        (lambda: ReliabilityDisplay.from_predictions([0], [[0.2, 0.3, 0.5]], [0, 1]), "there are 2 classes"),
        (lambda: ReliabilityDisplay.from_predictions(np.eye(2), np.eye(2), [0, 1]), r"y \(2, 2\)"),
        (lambda: LinePerplexityDisplay([], []), "some line needs a token"),
        (lambda: LinePerplexityDisplay([1.0, 2.0], [3]), r"shape \(2,\) and n_tokens \(1,\)"),
        (lambda: CoefficientDisplay(np.ones((3, 2)), ["a"]), "classes has 1 names; coef has 3 rows"),
        (lambda: CoefficientDisplay(np.ones((1, 2)), ["a", "b", "c"]), "classes has 3 names; coef has 1 rows"),
    ],
)
def test_what_cannot_be_drawn_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_lines_that_are_all_infinite():
    display = LinePerplexityDisplay([np.inf, np.inf], [1, 2]).plot()
    assert display.ax_.get_title(loc="left").endswith("infinite: 2 lines")
    assert not display.ax_.patches


def test_the_last_step_of_a_pipeline(digits):
    X, y = digits
    pipeline = make_pipeline(MinMaxScaler(), SoftmaxRegressor(max_iter=5, tol=0)).fit(X, y)
    assert len(LossCurveDisplay.from_estimator(pipeline).loss_curve) == 5
