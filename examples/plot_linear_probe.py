"""Probe features: how much of the digit a linear model can read from them, and with how strong a penalty.

A linear probe is a softmax regression on features that something else has made; its log-loss says how much of
the target can be read from them by a weighted sum. How good it looks depends on the penalty, which must be chosen
for each set of features. ``SoftmaxRegressorCV`` does so along a path of penalties, from the strongest to the
weakest, each fit from where the last one ended.

Three sets of features of the same images are probed:

- the 784 pixels;
- a random network: 784 units max(0, a · pixels + b) with weights drawn at random, learned from nothing;
- gradients: how strong the edges are in each of eight directions, in each of 7 x 7 squares of the image
  (392 features, a histogram of oriented gradients).

The curves are means over five folds; the dots are the penalties chosen, and the crosses what the model with that
penalty makes of 10,000 images by other writers. The two pictures need not choose the same penalty: log-loss also
counts how sure the model is.

Run it: ``python plot_linear_probe.py [picture.png]``. It takes a minute.
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
from _mnist import load_mnist
from _pictures import label_ends, save
from sklearn.metrics import log_loss

from skxent import SoftmaxRegressorCV

SIDE, SQUARE, N_DIRECTIONS = 28, 4, 8
STRONGEST, WEAKEST = 1e1, 1e-6
TITLES = {"log-loss, nats": "Log-loss of held-out images", "accuracy": "Accuracy on held-out images"}
COLOURS = {"pixels": "C3", "random network": "C1", "gradients": "C0"}


def random_network(images):
    """Return the activities of units with random weights."""
    rng = np.random.default_rng(0)
    n_pixels = images.shape[1]
    weights = rng.normal(size=(n_pixels, n_pixels)).astype(np.float32) / np.sqrt(n_pixels)
    return np.maximum(images @ weights + 0.1 * rng.normal(size=n_pixels).astype(np.float32), 0)


def gradients(images):
    """Return the strength of the edges in each direction, in each square of each image."""
    down, across = np.gradient(images.reshape(-1, SIDE, SIDE), axis=(1, 2))
    strength = np.hypot(down, across)
    direction = np.floor((np.arctan2(down, across) / (2 * np.pi) % 1) * N_DIRECTIONS).astype(int) % N_DIRECTIONS
    n_squares = SIDE // SQUARE
    by_square = [
        np.where(direction == k, strength, 0).reshape(-1, n_squares, SQUARE, n_squares, SQUARE).sum(axis=(2, 4))
        for k in range(N_DIRECTIONS)
    ]
    return np.stack(by_square, axis=-1).reshape(len(images), -1)


FEATURES = {"pixels": lambda images: images, "random network": random_network, "gradients": gradients}


def probe(make, alphas, X, y, X_test, y_test):
    """Return two models that read the digit from features: the penalty chosen by log-loss, and by accuracy."""
    X, X_test = make(X), make(X_test)
    models = {
        "log-loss, nats": SoftmaxRegressorCV(alphas=alphas).fit(X, y),
        "accuracy": SoftmaxRegressorCV(alphas=alphas, scoring="accuracy").fit(X, y),
    }
    tested = {
        "log-loss, nats": log_loss(y_test, models["log-loss, nats"].predict_proba(X_test)),
        "accuracy": models["accuracy"].score(X_test, y_test),
    }
    return models, tested


def draw(results, picture):
    """Draw both measures against the penalty and save the picture."""
    plt.style.use("skxent.pictures")
    figure, both = plt.subplots(1, 2, figsize=(11.5, 4.8))
    for axes, measure in zip(both, ("log-loss, nats", "accuracy"), strict=True):
        lines = {}
        for name, (models, tested) in results.items():
            model = models[measure]
            sign = -1 if "loss" in measure else 1
            mean = sign * model.scores_.mean(axis=1)
            best = np.argmax(sign * mean)
            (lines[name],) = axes.semilogx(model.alphas_, mean, color=COLOURS[name])
            axes.semilogx(model.alphas_[best], mean[best], "o", color=COLOURS[name], ms=8)
            axes.semilogx(model.alphas_[best], tested[measure], "x", color=COLOURS[name], ms=9, mew=2)
        axes.set_title(TITLES[measure])
        axes.set(xlabel="alpha, strength of the penalty", ylabel=measure)
    both[0].set_yscale("log")
    both[0].set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
    both[0].minorticks_off()
    label_ends(both[1], lines)
    figure.suptitle("Dots: the penalty chosen by five folds; crosses: its model on the test images")
    save(figure, picture)


def main():
    """Probe, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", default="linear_probe.png", help="where to save the picture")
    parser.add_argument("--rows", type=int, default=5_000, help="training images, up to 60,000")
    parser.add_argument("--penalties", type=int, default=15, help="how many penalties to try")
    options = parser.parse_args()

    data = load_mnist(options.rows)
    alphas = np.geomspace(WEAKEST, STRONGEST, options.penalties)
    results = {name: probe(make, alphas, *data) for name, make in FEATURES.items()}
    print(f"{options.rows:,} training images, five folds; then 10,000 test images\n")
    print(
        f"{'features':<16}{'number':>7}{'alpha':>10}{'log-loss':>10}{'test':>8}{'alpha':>12}{'accuracy':>10}{'test':>8}"
    )
    for name, (models, tested) in results.items():
        by_loss, by_accuracy = models.values()
        print(
            f"{name:<16}{by_loss.n_features_in_:>7}"
            f"{by_loss.alpha_:>10.1e}{-by_loss.scores_.mean(axis=1).max():>10.4f}{tested['log-loss, nats']:>8.4f}"
            f"{by_accuracy.alpha_:>12.1e}{by_accuracy.scores_.mean(axis=1).max():>10.4f}{tested['accuracy']:>8.4f}"
        )
    draw(results, options.picture)


if __name__ == "__main__":
    main()
