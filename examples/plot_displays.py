"""Look at a fitted model: its coefficients, its fit, its honesty; and at a language model's text.

Five pictures in scikit-learn's habit. Two models learn 10,000 images of MNIST, with cross-entropy and with the
quadratic loss.

1. The coefficients of each pixel, as one image for each digit: blue speaks for the digit, red against it.
2. The objective after each iteration, and the accuracy on 10,000 other images. The two losses have different units, so
   compare the shapes of the objectives, not their heights.
3. Reliability on the other images: of the images for which a model says "90 %", are 90 % right? Points
   above the line: the model is right more often than it says. The penalty makes both models so, and weighs more
   against the smaller gradients of the quadratic loss.
4. How often words occur against their rank, in the texts that come with the repository: nearly a line.
5. The perplexity of each line of a test text. The perplexity of all lines together is not their mean.

Run it: ``python plot_displays.py [picture.png]``. It takes some ten seconds.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from _mnist import load_mnist
from _pictures import save

from skxent import SoftmaxRegressor, UnigramLanguageModel
from skxent.inspection import (
    CoefficientDisplay,
    LinePerplexityDisplay,
    LossCurveDisplay,
    RankFrequencyDisplay,
    ReliabilityDisplay,
)

CORPUS = Path(__file__).parents[1] / "data" / "corpus"
LOSSES = {"cross_entropy": "C2", "quadratic": "C0"}


def lines_of(part):
    """Read the lines of all topics."""
    paths = sorted((CORPUS / part).glob("*.txt"))
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def draw(models, X_test, y_test, language_model, lines, picture):
    """Draw the five displays, print what they come to, and save the picture."""
    plt.style.use("skxent.pictures")
    figure = plt.figure(figsize=(11, 17))
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, 2.4])
    axes = lower.subplot_mosaic([["curve", "validation"], ["reliability", "reliability"], ["ranks", "lines"]])
    coefficients = upper.subplots()
    CoefficientDisplay.from_estimator(models["cross_entropy"], image_shape=(28, 28), ax=coefficients)
    upper.suptitle("What speaks for each digit, and what against it")
    for name, model in models.items():
        style = {"name": name.replace("_", "-"), "color": LOSSES[name]}
        curve = LossCurveDisplay.from_estimator(model, ax=[axes["curve"], axes["validation"]], **style)
        reliability = ReliabilityDisplay.from_estimator(model, X_test, y_test, ax=axes["reliability"], **style)
        print(
            f"{style['name']:<14} iterations {len(curve.loss_curve):>3}   "
            f"test accuracy {model.score(X_test, y_test):.4f}   "
            f"calibration error {reliability.calibration_error:.4f}"
        )
    ranks = RankFrequencyDisplay.from_estimator(language_model, ax=axes["ranks"], color=LOSSES["quadratic"])
    perplexities = LinePerplexityDisplay.from_estimator(language_model, lines, ax=axes["lines"])
    print(f"{len(ranks.counts):,} words; perplexity of the test lines together {perplexities.perplexity:.1f}", end=", ")
    print(f"mean of theirs {perplexities.perplexities.mean():.1f}")
    for title, name in (
        ("Objective after each iteration", "curve"),
        ("Accuracy on other images", "validation"),
        ("Is it right as often as it says?", "reliability"),
        ("Words by rank", "ranks"),
    ):
        axes[name].set_title(title)
    save(figure, picture)


def main():
    """Fit, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", default="displays.png", help="where to save the picture")
    parser.add_argument("--rows", type=int, default=10_000, help="training images, up to 60,000")
    options = parser.parse_args()

    X_train, y_train, X_test, y_test = load_mnist(options.rows)
    models = {
        loss: SoftmaxRegressor(loss, alpha=1e-3, scoring="accuracy").fit(X_train, y_train, X_val=X_test, y_val=y_test)
        for loss in LOSSES
    }
    language_model = UnigramLanguageModel(lowercase=True).fit(lines_of("train"))
    draw(models, X_test, y_test, language_model, lines_of("test"), options.picture)


if __name__ == "__main__":
    main()
