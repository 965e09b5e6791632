"""A grid search over losses, with right labels and with every fifth label wrong.

A scikit-learn pipeline with ``SoftmaxRegressor`` at its end, searched like any other: the loss is a
parameter. The grid is loss x alpha, alpha being the strength of the L2 penalty, on the first images of
MNIST. The search runs twice, on the labels as they are, and on labels of which 20 % were replaced by other
digits drawn at random.

With right labels the two losses end about level. Wrong labels hurt the cross-entropy more: its loss for an
image grows without bound as the probability of the given label falls, so the model pays any price to give a
mislabelled image some probability for its wrong label, and only a strong penalty keeps it from it. The
quadratic loss is bounded: beyond some point it lets a hopeless image go. That is the same property that
makes it slow to learn when it is wrong for lack of training.

The search chooses alpha by cross-validation on the labels it is given, wrong ones included, since in
practice nobody knows which are wrong: validation accuracy cannot rise far above 0.8 then. Accuracy on test
images with right labels is recorded beside it, and plays no part in the choice.

Run it: ``python plot_grid_search_losses.py [picture.png]``
"""

import argparse
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from _mnist import load_mnist
from _pictures import label_ends, save
from sklearn.callback import ProgressBar
from sklearn.feature_selection import VarianceThreshold
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skxent import SoftmaxRegressor

LOSSES = {"cross_entropy": "C2", "quadratic": "C0"}
ALPHAS = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2]
WRONG = 0.2


def with_wrong_labels(y, share, rng):
    """Return the digits with that share of them replaced by other digits."""
    wrong = rng.permutation(len(y))[: round(share * len(y))]
    y = y.copy()
    y[wrong] = (y[wrong] + rng.integers(1, 10, len(wrong))) % 10
    return y


def search(X, y, X_test, y_test, alphas):
    """Search the grid; return the accuracies in validation and on test images, by loss and alpha."""
    pipeline = make_pipeline(VarianceThreshold(), SoftmaxRegressor(max_iter=1000))

    def accuracies(model, X_validation, y_validation):
        return {"validation": model.score(X_validation, y_validation), "test": model.score(X_test, y_test)}

    grid_search = GridSearchCV(
        pipeline,
        {"softmaxregressor__loss": list(LOSSES), "softmaxregressor__alpha": alphas},
        scoring=accuracies,
        refit=False,
        cv=3,
        n_jobs=2,
    )
    on_terminal = [ProgressBar(max_propagation_depth=0)] if sys.stdout.isatty() else []
    results = pd.DataFrame(grid_search.set_callbacks(*on_terminal).fit(X, y).cv_results_)
    names = {
        "param_softmaxregressor__loss": "loss",
        "param_softmaxregressor__alpha": "alpha",
        "mean_test_validation": "validation",
        "mean_test_test": "test",
    }
    return results.rename(columns=names)[[*names.values()]].set_index(["loss", "alpha"]).sort_index()


def chosen(searches):
    """Return the alpha that the validation chooses for each loss, with its accuracies."""
    rows = {}
    for labels, results in searches.items():
        for loss in LOSSES:
            alpha = results.loc[loss, "validation"].idxmax()
            rows[loss, labels] = {"alpha": alpha, **results.loc[loss, alpha]}
    return pd.DataFrame.from_dict(rows, orient="index").sort_index()


def draw(searches, picture):
    """Draw the accuracy on test images against alpha, the choices marked."""
    plt.style.use("skxent.pictures")
    figure, all_axes = plt.subplots(1, len(searches), figsize=(11, 4.8), sharey=True)
    figure.suptitle("Accuracy by strength of the L2 penalty (dots: chosen by validation)")
    best = chosen(searches)
    for axes, (labels, results) in zip(all_axes, searches.items(), strict=True):
        lines = {}
        for loss, colour in LOSSES.items():
            test = results.loc[loss, "test"]
            (lines[loss.replace("_", "-")],) = axes.semilogx(test, color=colour)
            axes.semilogx(*best.loc[(loss, labels), ["alpha", "test"]], "o", color=colour, ms=9)
        axes.set_title(labels)
        axes.set_xlabel("alpha, strength of the penalty")
        label_ends(axes, lines)
    all_axes[0].set_ylabel("accuracy on test images")
    save(figure, picture)


def main():
    """Search with right and with wrong labels, print the tables, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", default="grid_search_losses.png", help="where to save the picture")
    parser.add_argument("--rows", type=int, default=6_000, help="training images, up to 60,000")
    parser.add_argument("--alphas", nargs="*", type=float, default=ALPHAS, help="penalties to try")
    options = parser.parse_args()

    X, y, X_test, y_test = load_mnist(options.rows)
    wrong = with_wrong_labels(y, WRONG, np.random.default_rng(0))
    searches = {
        labels: search(X, given, X_test, y_test, options.alphas)
        for labels, given in (("right labels", y), (f"{WRONG:.0%} wrong labels", wrong))
    }
    print(f"Accuracy with {options.rows:,} training images, in 3-fold validation and on 10,000 test images\n")
    print(pd.concat(searches, axis=1).to_string(float_format="{:.4f}".format), end="\n\n")
    best = chosen(searches)
    print("Chosen by validation\n")
    print(best.to_string(formatters={"alpha": "{:g}".format}, float_format="{:.4f}".format), end="\n\n")
    for loss in LOSSES:
        right, wrong = best.loc[loss, "test"].loc[list(searches)]
        print(f"Wrong labels cost {loss} {right - wrong:.4f} of its accuracy on test images.")
    draw(searches, options.picture)


if __name__ == "__main__":
    main()
