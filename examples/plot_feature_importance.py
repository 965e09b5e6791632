"""Which pixels tell the digits apart, how many of them it takes, and whether the data have changed.

Coding the digit of an image takes H(Y) = 3.32 bits; when one pixel is known, a little less. The difference is
the pixel's importance: the log-loss that it removes, counted by leaving out one image at a time, so that a
pixel which tells nothing scores 0 or less. It takes no model, and a second or so for all 784 pixels of 60,000
images.

1. The importance of every pixel, over all digits and for the images of each digit alone. For a digit it is
   the mean gain in bits over the images of that digit: what the pixel contributes to its being recognised.
2. The selector in a pipeline before softmax regression: test accuracy against the number of pixels kept,
   beside as many pixels drawn at random. A pixel is judged alone, so neighbours that say the same are all
   kept. That is why random pixels catch up when there are many: they lie apart.
3. A table for watching data in production. A few figures describe each image: how much ink, how wide, how
   slanted. They are compared between two random halves of the training images (nothing has changed), with the
   test images (other writers), and with test images from a scanner that has gone one tenth darker. The
   p-values, corrected for the number of figures, tell a change from chance; the divergence tells how large it
   is. With 10,000 images even a small change is certain, so look at both.

Run it: ``python plot_feature_importance.py [picture.png]``. It takes a minute or two.
"""

import argparse
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from _mnist import load_mnist
from _pictures import save
from matplotlib.colors import Normalize, PowerNorm
from rich.progress import track
from sklearn.pipeline import make_pipeline

from skxent import CrossEntropySelector, SoftmaxRegressor
from skxent.feature_selection import distribution_shift

SIDE = 28
KEPT = (10, 20, 40, 80, 160, 320)
BLUE, ORANGE, GREY = "C0", "C1", "C3"
CERTAIN = 0.001


def progress(items, title):
    """Show a progress bar, on a terminal only."""
    return track(items, description=title, transient=True, disable=not sys.stdout.isatty())


def importance_table(selector):
    """Return what the pixels are worth, in words and numbers."""
    row, column = divmod(int(np.argmax(selector.scores_)), SIDE)
    best = selector.scores_.max()
    rows = {
        "entropy of the digit, bits": f"{selector.target_entropy_:.3f}",
        "best pixel": f"row {row}, column {column}",
        "its importance, bits": f"{best:.3f} ± {selector.scores_std_[np.argmax(selector.scores_)]:.3f}",
        "pixels above 0": f"{np.sum(selector.scores_ > 0)} of {SIDE**2}",
        "pixels that never vary": f"{np.sum(selector.n_bins_ == 1)}",
    }
    return pd.Series(rows).to_string()


def digit_table(selector):
    """Return the most telling pixel of each digit."""
    best = selector.class_scores_.argmax(axis=0)
    return pd.DataFrame(
        {
            "digit": selector.classes_,
            "row": best // SIDE,
            "column": best % SIDE,
            "bits": selector.class_scores_.max(axis=0).round(3),
        }
    ).to_string(index=False)


def accuracy_table(X_train, y_train, X_test, y_test, alpha):
    """Return test accuracies with the best pixels, and with random ones."""
    shuffled = np.random.default_rng(0).permutation(X_train.shape[1])
    rows = []
    for k in progress(KEPT, "softmax regression on fewer pixels"):
        best = make_pipeline(CrossEntropySelector(k=k), SoftmaxRegressor(alpha=alpha)).fit(X_train, y_train)
        some = shuffled[:k]
        chance = SoftmaxRegressor(alpha=alpha).fit(X_train[:, some], y_train)
        rows.append((k, best.score(X_test, y_test), chance.score(X_test[:, some], y_test)))
    everything = SoftmaxRegressor(alpha=alpha).fit(X_train, y_train).score(X_test, y_test)
    rows.append((X_train.shape[1], everything, everything))
    return pd.DataFrame(rows, columns=["pixels", "best", "random"]).set_index("pixels")


def describe(images):
    """Describe each image by a few figures, as a data frame."""
    pixels = images.reshape(-1, SIDE, SIDE)
    ink = pixels.sum(axis=(1, 2))
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    middle_down, middle_across = ((pixels * place).sum(axis=(1, 2)) / ink for place in (down, across))
    from_middle_down = down - middle_down[:, None, None]
    from_middle_across = across - middle_across[:, None, None]
    covariance = (pixels * from_middle_down * from_middle_across).sum(axis=(1, 2))
    dark = pixels > 0.5
    return pd.DataFrame(
        {
            "ink": ink,
            "darkest pixel": pixels.max(axis=(1, 2)),
            "width": dark.any(axis=1).sum(axis=1),
            "height": dark.any(axis=2).sum(axis=1),
            "slant": -covariance / (pixels * from_middle_down**2).sum(axis=(1, 2)),
            "middle, across": middle_across,
            "middle, down": middle_down,
        }
    )


def drift_tables(X_train, y_train, X_test, y_test):
    """Compare descriptions of images: reference data against what arrives later."""

    def data(X, y):
        return describe(X).assign(digit=pd.Categorical(y))

    half = np.random.default_rng(0).permutation(len(X_train)) % 2 == 0
    reference = data(X_train[half], y_train[half])
    arriving = {
        "other half": data(X_train[~half], y_train[~half]),
        "other writers": data(X_test, y_test),
        "darker scanner": data(np.minimum(1.1 * X_test, 1), y_test),
    }
    return {name: distribution_shift(reference, new, base=2) for name, new in arriving.items()}


def drift_summary(tables):
    """Set the comparisons side by side; a star is a change that is certain."""
    columns = {}
    for name, table in tables.items():
        columns[name, "JS, millibit"] = (1000 * table["js"]).map("{:.2f}".format)
        columns[name, "p"] = table["p_adjusted"].map("{:.0e}".format)
        columns[name, ""] = np.where(table["p_adjusted"] < CERTAIN, "*", "")
    return pd.DataFrame(columns).rename_axis(index=None)


def draw_pixels(axes, scores, title, norm):
    """Draw the importance of the pixels as a picture."""
    image = axes.imshow(scores.reshape(SIDE, SIDE), cmap="magma", norm=norm)
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([])
    return image


def draw_digits(figure, selector):
    """Draw the importance for each digit, on one scale that shows small values too."""
    axes = figure.subplots(2, 5)
    norm = PowerNorm(0.5, 0, selector.class_scores_.max(), clip=True)
    for label, scores, panel in zip(selector.classes_, selector.class_scores_.T, axes.flat, strict=True):
        image = draw_pixels(panel, scores, f"{label}", norm)
    figure.colorbar(image, ax=axes, label="bits", shrink=0.8, ticks=[0, 0.1, 0.5, 1, 1.5])
    figure.suptitle("… from the images of each digit")


def draw_accuracy(axes, accuracies):
    """Draw accuracy against the number of pixels."""
    for name, colour in (("best", BLUE), ("random", ORANGE)):
        axes.plot(accuracies.index, accuracies[name], "o-", color=colour, ms=5)
        axes.annotate(
            f"{name} pixels",
            (accuracies.index[2], accuracies[name].iloc[2]),
            xytext=(0, 10) if name == "best" else (6, -14),
            textcoords="offset points",
            color=colour,
            ha="right" if name == "best" else "left",
        )
    axes.set_xscale("log")
    axes.set_xticks(accuracies.index, [str(k) for k in accuracies.index])
    axes.minorticks_off()
    axes.set_xlabel("pixels kept")
    axes.set_ylabel("accuracy on test images")
    axes.set_title("Softmax regression on fewer pixels")


def draw_drift(axes, tables):
    """Draw the divergences; full circles are certain."""
    styles = zip(tables.items(), (GREY, BLUE, ORANGE), (-0.2, 0.0, 0.2), strict=True)
    for (name, table), colour, offset in styles:
        faces = np.where(table["p_adjusted"] < CERTAIN, colour, "white")
        places = np.arange(len(table)) + offset
        axes.scatter(1000 * table["js"], places, s=55, color=faces, edgecolors=colour, linewidths=1.5, zorder=3)
        axes.plot([], [], "s", color=colour, label=name)
    axes.set_xscale("log")
    axes.set_yticks(range(len(table)), table.index)
    axes.invert_yaxis()
    axes.grid(axis="y")
    axes.set_xlabel(f"Jensen–Shannon divergence, millibit (full circle: p < {CERTAIN})")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, handletextpad=0, borderpad=0)
    axes.set_title("What has changed?", pad=26)


def draw(selector, accuracies, tables, picture):
    """Draw everything and save it."""
    plt.style.use("skxent.pictures")
    figure = plt.figure(figsize=(13, 9.5))
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.05, 1])
    left, right = upper.subfigures(1, 2, width_ratios=[1, 1.7])
    axes = left.subplots()
    image = draw_pixels(axes, selector.scores_, "Log-loss that a pixel removes", Normalize(0, selector.scores_.max()))
    left.colorbar(image, ax=axes, label="bits", shrink=0.8)
    draw_digits(right, selector)
    accuracy, drift = lower.subplots(1, 2)
    draw_accuracy(accuracy, accuracies)
    draw_drift(drift, tables)
    save(figure, picture)


def main():
    """Score, fit, compare; print the tables and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", default="feature_importance.png", help="where to save the picture")
    parser.add_argument("--rows", type=int, default=60_000, help="training images, up to 60,000")
    options = parser.parse_args()

    X_train, y_train, X_test, y_test = load_mnist(options.rows)
    start = time.perf_counter()
    selector = CrossEntropySelector(base=2).fit(X_train, y_train)
    elapsed = time.perf_counter() - start
    print(f"The importance of {SIDE**2} pixels, from {options.rows:,} images in {elapsed:.1f} s\n")
    print(importance_table(selector), end="\n\n")
    print(digit_table(selector), end="\n\n")

    accuracies = accuracy_table(X_train, y_train, X_test, y_test, alpha=1 / options.rows)
    print("Test accuracy of softmax regression on the pixels kept\n")
    print(accuracies.reset_index().to_string(index=False, float_format="{:.4f}".format), end="\n\n")

    tables = drift_tables(X_train, y_train, X_test, y_test)
    print(f"Half of the training images against later ones (*: corrected p < {CERTAIN})\n")
    print(drift_summary(tables).to_string())
    draw(selector, accuracies, tables, options.picture)


if __name__ == "__main__":
    main()
