"""How the loss changes learning: softmax regression on MNIST.

The same model, the same data, the same mini-batches; only the loss differs. Softmax regression turns ten
scores for an image into a distribution p over the ten digits, and learns from 55,000 images (the first
5,000 are left out) in batches of 100, starting from zero, for 21 passes. After each pass we count how many
of 10,000 other images it gets right. A published comparison of two losses is set beside ours:

quadratic
    ``1/2 sum (p - y)^2``, y being 1 for the right digit and 0 for the others. Its gradient in the scores is
    ``J (p - y)`` with the softmax Jacobian ``J = diag(p) - p p'``, which vanishes where the model is sure of
    itself, be it right or wrong. The published code takes the mean over images *and* over the K = 10 digits
    and leaves out the 1/2, so its learning rate of 0.2 is 0.2 * 2 / K = 0.04 here.

double softmax
    What the published table calls "cross-entropy" is this. That code first computes p = softmax(scores), and
    then hands p to a cross-entropy operation that expects *scores* and so applies softmax once more:
    ``L = -ln softmax(p)_y``. As p lies between 0 and 1, the second softmax can never be sure: with ten digits
    the loss cannot fall below ln(1 + 9/e) = 1.461 even for a perfect prediction, and the gradient passes
    through the softmax Jacobian, so it vanishes just like that of the quadratic loss. It still learns faster
    than the quadratic loss at these settings, which is all that the published comparison shows.

    A loss of your own is a class of ten lines: see ``DoubleSoftmax`` below.

cross-entropy
    The real thing, ``-ln p_y``. Its gradient in the scores is ``p - y``: the larger the error, the larger the
    step. The published comparison thus understates what cross-entropy gains.

What the comparison does not show: that the quadratic loss is bad at this. The losses have gradients of
different sizes, so the same learning rate is not the same length of step. With steps of 1.0 instead of 0.04
the quadratic loss passes 0.9 in its first pass as well and ends at 0.930, which cross-entropy does not
reach at 0.2 (0.925) nor at 1.0 (0.923, for its steps are then too long). Change ``learning_rate`` in
``RUNS`` and see. What remains is that cross-entropy learns fast with no such care, and that its gradient
does not vanish where the model is sure and wrong.

Run it: ``python plot_mnist_losses.py [picture.png]``. Another seed moves a figure by some thousandths
(after the very first pass of the double softmax by up to 0.04) and the crossing of 0.9 by one pass.
"""

import argparse
import sys
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from _mnist import load_mnist
from _pictures import label_ends, save
from sklearn.callback import ProgressBar, ScoringMonitor

from skxent import SoftmaxRegressor
from skxent.losses import Loss

LEFT_OUT = 5_000
PASSES = 21
GOAL = 0.9
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]


class DoubleSoftmax(Loss):
    """Cross-entropy with the probabilities taken for scores: ``L = -ln softmax(p)_y``."""

    def pointwise(self, y, p, log_p):
        """Return the loss of each row and ``dL/dlog p = p * dL/dp``, where ``dL/dp = softmax(p) - y``."""
        q = np.exp(p)
        q /= q.sum(axis=1, keepdims=True)
        return -(y * np.log(q)).sum(axis=1), p * (q - y)


class Run(NamedTuple):
    """One way to train, and the test accuracy that was published for it after each pass."""

    name: str
    loss: str | Loss
    learning_rate: float
    published: tuple[float, ...]
    colour: str


# fmt: off
RUNS = (
    Run("quadratic", "quadratic", 0.2 * 2 / 10, (
        .8286, .8717, .8816, .8884, .8950, .8966, .8983, .9013, .9031, .9048, .9062,
        .9073, .9080, .9094, .9098, .9106, .9118, .9121, .9132, .9132, .9139), "C0"),
    Run("double softmax", DoubleSoftmax(), 0.2, (
        .8249, .8942, .9020, .9058, .9084, .9102, .9127, .9135, .9153, .9159, .9170,
        .9187, .9193, .9200, .9208, .9203, .9205, .9205, .9220, .9216, .9220), "C1"),
    Run("cross-entropy", "cross_entropy", 0.2, (), "C2"),
)
# fmt: on


def accuracy_per_pass(run, X_train, y_train, X_test, y_test, passes=PASSES):
    """Train and return the test accuracy after each pass.

    The scoring of scikit-learn's ScoringMonitor gets the model as it is after each pass and the training
    data; we let it look at the test data instead.
    """
    monitor = ScoringMonitor(scoring=lambda model, X, y: {"accuracy": model.score(X_test, y_test)})
    model = SoftmaxRegressor(
        run.loss,
        solver="sgd",
        alpha=0,
        batch_size=100,
        learning_rate=run.learning_rate,
        max_iter=passes,
        tol=0,
        random_state=0,
    )
    on_terminal = [ProgressBar()] if sys.stdout.isatty() else []
    model.set_callbacks(monitor, *on_terminal).fit(X_train, y_train)
    return [entry["accuracy"] for entry in monitor.get_logs().data if entry["task_name"] == "iteration"]


def first_pass_at_goal(accuracies):
    """Return the first pass, counted from 0, with an accuracy of at least GOAL; None if there is none."""
    return next((i for i, accuracy in enumerate(accuracies) if accuracy >= GOAL), None)


def in_words(index):
    """Say which pass has this index, counted from 0."""
    if index is None:
        return "not yet"
    return f"in the {ORDINALS[index]}" if index < len(ORDINALS) else f"in number {index + 1}"


def table(curves):
    """Return the accuracies after each pass, the published ones beside ours."""
    columns = {}
    for run, ours in curves.items():
        if run.published:
            published = run.published[: len(ours)]
            columns[run.name, "published"] = published
            columns[run.name, "ours"] = ours
            columns[run.name, "deviation"] = [f"{a - b:+.4f}" for a, b in zip(ours, published, strict=True)]
        else:
            columns[run.name, "ours"] = ours
    return pd.DataFrame(columns).rename_axis(index="pass")


def summary(curves):
    """Return what the curves come to: when they reach GOAL, and where they end."""
    rows = {}
    for run, ours in curves.items():
        for origin, accuracies in ("published", run.published[: len(ours)]), ("ours", ours):
            if accuracies:
                index = first_pass_at_goal(accuracies)
                rows[run.name, origin] = {
                    f"first pass >= {GOAL}": "-" if index is None else index,
                    "in words": in_words(index),
                    f"accuracy after {len(ours)}": f"{accuracies[-1]:.4f}",
                }
    return pd.DataFrame.from_dict(rows, orient="index")


def draw(curves, n_rows, picture):
    """Draw the curves and save them."""
    plt.style.use("skxent.pictures")
    figure, axes = plt.subplots(figsize=(9.5, 5.5))
    lines = {}
    for run, ours in curves.items():
        (lines[f"{run.name} {ours[-1]:.4f}"],) = axes.plot(ours, color=run.colour)
        axes.plot(run.published[: len(ours)], "o", color=run.colour, mfc="none")
    axes.axhline(GOAL, color="0.75", lw=1, zorder=0)
    label_ends(axes, lines)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(f"pass over {n_rows:,} training images, counted from 0")
    axes.set_ylabel("accuracy on 10,000 test images")
    axes.set_title("MNIST after each pass, by loss (circles: published)")
    save(figure, picture)


def main():
    """Train with each loss, print the tables, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", default="mnist_losses.png", help="where to save the picture")
    parser.add_argument("--rows", type=int, default=60_000 - LEFT_OUT, help="training images, up to 55,000")
    parser.add_argument(
        "--passes", type=int, default=PASSES, choices=range(1, PASSES + 1), metavar="N", help="up to 21"
    )
    options = parser.parse_args()

    X_train, y_train, X_test, y_test = load_mnist(LEFT_OUT + options.rows)
    curves = {}
    for run in RUNS:
        print(f"{options.passes} passes over {options.rows:,} images, loss: {run.name}", flush=True)
        curves[run] = accuracy_per_pass(run, X_train[LEFT_OUT:], y_train[LEFT_OUT:], X_test, y_test, options.passes)
    print("\nTest accuracy after each pass, passes counted from 0\n")
    print(table(curves).to_string(float_format="{:.4f}".format), end="\n\n")
    print(summary(curves).to_string())
    draw(curves, options.rows, options.picture)


if __name__ == "__main__":
    main()
