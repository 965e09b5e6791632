"""Wrong labels: losses that survive them, the noise they come from, and the real ones of MNIST.

Cross-entropy believes its labels: a row whose label the model finds improbable pulls hardest. If labels are wrong these
are the wrong ones, and the model bends to them. This example spoils the labels of MNIST's training images, fits softmax
regressions with several losses, and counts how many of 10,000 test images they get right:

generalised cross-entropy
    Multiplies the gradient by p^0.7, so that improbable labels pull little. One fit, nothing else to choose.

forward correction
    Cross-entropy of the labels *given*, whose probabilities are those of the true digits times a matrix: how often each
    digit is labelled as each. The matrix is estimated in the fit.

quadratic
    Half the Brier score, the bounded loss that everybody knows.

The second picture is the matrix that forward correction finds where 40 % of the images of each digit carry the label of
the next one. It is given nothing but images and labels.

Then nothing is spoilt. ``label_quality`` fits on four fifths of the real training images, judges the labels of the last
fifth, and so on: at the top of its ranking are images that look wrong to us as well, or that nobody can read. It takes
any classifier. Here the images go through random features first: a softmax regression of plain pixels is wrong on 8 %
of the images, and takes much unusual handwriting for a wrong label.

Run it: ``python plot_wrong_labels.py [picture.png]``. All 60,000 images take some minutes; ``--rows`` takes fewer, and
``--side 14`` takes them at half the resolution.
"""

import argparse

import numpy as np
from _mnist import load_mnist
from _pictures import label_ends, save
from matplotlib import pyplot as plt
from sklearn.kernel_approximation import Nystroem
from sklearn.pipeline import make_pipeline

from skxent import SoftmaxRegressor
from skxent.label_noise import LabelNoiseDisplay, label_quality
from skxent.losses import ForwardCorrection, GeneralizedCrossEntropy

SIDE = 28
SHARES = (0.0, 0.2, 0.4, 0.6)
LOSSES = {
    "generalised cross-entropy": (GeneralizedCrossEntropy(), "C1"),
    "forward correction": (ForwardCorrection(), "C2"),
    "quadratic": ("quadratic", "C0"),
    "cross-entropy": ("cross_entropy", "C3"),
}
SUSPECTS = 16


def resized(X, side):
    """Return images of `side` × `side` pixels, each the mean of those that it stands for."""
    factor = SIDE // side
    return X.reshape(-1, side, factor, side, factor).mean(axis=(2, 4)).reshape(len(X), -1)


def spoil(y, share, rng):
    """Return labels of which a share is replaced by any of the other digits."""
    others = (y + rng.integers(1, 10, size=len(y))) % 10
    return np.where(rng.random(len(y)) < share, others, y)


def spoil_pairs(y, share, rng):
    """Return labels of which a share is replaced by the next digit."""
    return np.where(rng.random(len(y)) < share, (y + 1) % 10, y)


def accuracies(X, y, X_test, y_test):
    """Return the test accuracy of each loss for each share of wrong labels."""
    rng = np.random.default_rng(0)
    labels = {share: spoil(y, share, rng) for share in SHARES}
    return {
        name: [SoftmaxRegressor(loss, alpha=1e-3).fit(X, labels[share]).score(X_test, y_test) for share in SHARES]
        for name, (loss, _) in LOSSES.items()
    }


def print_accuracies(curves):
    """Print the table behind the first picture."""
    print(f"{'wrong labels':30}" + "".join(f"{share:>8.0%}" for share in SHARES))
    for name, values in curves.items():
        print(f"{name:30}" + "".join(f"{value:8.4f}" for value in values))


def print_pairs(labels, models, X_test, y_test):
    """Print what the losses make of labels of which 40 % are the next digit."""
    print("\n40 % of each digit labelled as the next")
    for name, model in models.items():
        print(f"{name:30}{model.score(X_test, y_test):8.4f}")
    found = models["forward correction"].transition_
    off = np.abs(found - 0.6 * np.eye(10) - 0.4 * np.roll(np.eye(10), 1, axis=1)).max()
    print(f"largest error of the estimated matrix: {off:.3f}")


def judge(X, y):
    """Return the quality of the real labels, by a model of random features of the images."""
    model = make_pipeline(
        Nystroem(gamma=0.02, n_components=min(500, len(X) // 4), random_state=0),
        SoftmaxRegressor(GeneralizedCrossEntropy(), alpha=1e-5),
    )
    return label_quality(model, X, y)


def draw(curves, matrix, quality, images, picture):
    """Draw the four pictures and save them."""
    plt.style.use("skxent.pictures")
    figure, axes = plt.subplots(2, 2, figsize=(12, 11.5))
    draw_curves(axes[0, 0], curves)
    axes[0, 1].imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    axes[0, 1].set(xlabel="label given", ylabel="true digit", xticks=range(10), yticks=range(10))
    for i, j in np.argwhere(matrix > 0.05):
        axes[0, 1].text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize="small")
    axes[0, 1].set_title("Found: 40 % labelled as the next digit")
    display = LabelNoiseDisplay(quality).plot(ax=axes[1], images=images, n_rows=SUSPECTS, values_format=".3f")
    for text in display.text_.ravel():
        text.set_fontsize(7)
    display.ax_[0].set_title("Matrix of MNIST as it is")
    display.ax_[1].set_title("MNIST's most suspicious training labels")
    save(figure, picture)


def draw_curves(axes, curves):
    """Draw the accuracy against the share of wrong labels."""
    lines = {name: axes.plot(SHARES, values, "o-", color=LOSSES[name][1])[0] for name, values in curves.items()}
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xticks(SHARES)
    axes.set_xlabel("labels replaced by another digit")
    axes.set_ylabel("accuracy")
    axes.set_title("Test images with right labels")
    label_ends(axes, lines)


def main():
    """Spoil labels, fit, judge the real ones; print the tables and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", default="wrong_labels.png", help="where to save the picture")
    parser.add_argument("--rows", type=int, default=60_000, help="training images, up to 60,000")
    parser.add_argument("--side", type=int, default=SIDE, choices=(7, 14, SIDE), help="pixels along an edge")
    options = parser.parse_args()

    X, y, X_test, y_test = load_mnist(options.rows)
    X, X_test = resized(X, options.side), resized(X_test, options.side)
    print(f"{len(X):,} training images; accuracy on 10,000 others\n")
    curves = accuracies(X, y, X_test, y_test)
    print_accuracies(curves)

    labels = spoil_pairs(y, 0.4, np.random.default_rng(1))
    models = {name: SoftmaxRegressor(loss, alpha=1e-3).fit(X, labels) for name, (loss, _) in LOSSES.items()}
    print_pairs(labels, models, X_test, y_test)

    quality = judge(X, y)
    print(f"\nReal labels: {quality.noise_rate:.2%} estimated to be wrong; the most suspicious\n")
    print(quality.suspects(SUSPECTS).to_string(float_format="{:.4f}".format))
    images = X.reshape(-1, options.side, options.side)
    draw(curves, models["forward correction"].transition_, quality, images, options.picture)


if __name__ == "__main__":
    main()
