"""What a wrong belief costs: H(p, q) = H(p) + KL(p‖q).

A source sends the letters a, b, c, d with probabilities p. A code made for probabilities q gives a letter
-log2 q bits. If q = p, a letter takes H(p) bits on average, and no code does better. Any other q takes
H(p, q) bits, and what it takes more is KL(p‖q). The table compares the formula with a message of 100,000
letters.

The second picture does the same for a continuous quantity: p is a normal distribution of standard deviation
1, and q a normal distribution of another width, centred rightly or wrongly. Too narrow a belief is punished
harder than too wide a one, and who is wrong about the centre does best to admit a larger spread.

Run it: ``python plot_information.py [picture.png]``. It takes a few seconds.
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
from _pictures import save
from scipy import stats

from skxent import cross_entropy, entropy, kl_divergence

LETTERS = np.array(list("abcd"))
TRUTH = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])
BELIEFS = {
    "the truth": TRUTH,
    "nearly the truth": np.array([0.45, 0.3, 0.15, 0.1]),
    "all alike": np.full(4, 1 / 4),
    "reversed": TRUTH[::-1],
    "d all the time": np.array([0.01, 0.01, 0.01, 0.97]),
}


def print_table() -> None:
    """Print the bits per letter of every code, by formula and by counting."""
    message = np.random.default_rng(0).choice(len(LETTERS), p=TRUTH, size=100_000)
    print(f"{'code made for':<18}{'H(p)':>8}{'KL(p‖q)':>9}{'H(p, q)':>9}{'counted':>9}   bits for a, b, c, d")
    for name, q in BELIEFS.items():
        bits = -np.log2(q)
        print(
            f"{name:<18}{entropy(TRUTH, base=2):8.3f}{kl_divergence(TRUTH, q, base=2):9.3f}"
            f"{cross_entropy(TRUTH, q, base=2):9.3f}{bits[message].mean():9.3f}   "
            + " ".join(f"{b:5.2f}" for b in bits)
        )


def plot_codes(ax: plt.Axes) -> None:
    """Draw the two parts of the cross-entropy of every code."""
    names = list(BELIEFS)[::-1]
    needed = entropy(TRUTH, base=2)
    wasted = [kl_divergence(TRUTH, BELIEFS[name], base=2) for name in names]
    ax.barh(names, needed, color="C0", label="H(p), needed")
    ax.barh(names, wasted, left=needed, color="C1", label="KL(p‖q), wasted")
    for row, more in enumerate(wasted):
        ax.text(needed + more + 0.05, row, f"{needed + more:.2f}", va="center")
    ax.set(xlabel="H(p, q), bits", title="Bits per letter, with a code made for ...")
    ax.margins(x=0.12)
    ax.legend(loc="upper right")


def plot_widths(ax: plt.Axes) -> None:
    """Draw the cross-entropy against the width of a normal belief."""
    p = stats.norm(0, 1)
    widths = np.geomspace(0.35, 6, 200)
    for centre, colour in ((0, "C0"), (1, "C1")):
        cost = np.array([cross_entropy(p, stats.norm(centre, width), base=2) for width in widths])
        ax.plot(widths, cost, color=colour, label=f"q centred at {centre}")
        ax.plot(widths[cost.argmin()], cost.min(), "o", color=colour)
    ax.axhline(entropy(p, base=2), color="0.4", linestyle="--", label="H(p)")
    ax.set(
        xscale="log",
        xticks=[0.5, 1, 2, 5],
        xticklabels=["0.5", "1", "2", "5"],
        ylim=(1.5, 6),
        xlabel="standard deviation of q",
        ylabel="H(p, q), bits",
        title="A narrow belief costs more than a wide one",
    )
    ax.minorticks_off()
    ax.legend()


def main() -> None:
    """Print the table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", default="information.png", help="where to save the picture")
    picture = parser.parse_args().picture
    print_table()
    plt.style.use("skxent.pictures")
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2))
    plot_codes(axes[0])
    plot_widths(axes[1])
    save(figure, picture)


if __name__ == "__main__":
    main()
