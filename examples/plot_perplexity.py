"""What a language model finds surprising: smoothing methods compared, and the topic of a line.

Sixty sentences about cooking, sailing and the night sky are scored by unigram models of other sentences
about the same topics (data/corpus). Every word that a model has not seen is one event, "unknown".

The first table compares smoothing methods, trained on all topics together. The perplexity by leaving one
token out needs no test text, and yet it ranks the methods, and finds their parameters, nearly as the test
text does. Good-Turing is a case of its own: it sets the share of words seen once aside for all unseen
words together, which here are a single event. That flatters it where a fresh word is that event, most of
all where one is left out.

The second table asks which topic a line is about: each topic has a model, which falls back on that of all
topics, and the one that spends the fewest bits on the line wins. The difference of two cross-entropies
says how many bits a word one topic explains better than the other.

Run it: ``python plot_perplexity.py [picture.png]``. It takes a few seconds.
"""

import argparse
import re
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _pictures import save
from matplotlib.axes import Axes

from skxent import UnigramLanguageModel
from skxent.language_model import SMOOTHINGS, SmoothingWarning

CORPUS = Path(__file__).parents[1] / "data" / "corpus"
TOPICS = {"kitchen": "C1", "sea": "C0", "sky": "C2"}
TRAIN_COLOUR, TEST_COLOUR = "C3", "C0"
READING = {"lowercase": True, "tokenizer": re.compile(r"\w+").findall}


def lines_of(part: str) -> dict[str, list[str]]:
    """Read the lines of each topic."""
    paths = {topic: CORPUS / part / f"{topic}.txt" for topic in TOPICS}
    return {topic: path.read_text(encoding="utf-8").splitlines() for topic, path in paths.items()}


def compare_methods(train: list[str], test: list[str]) -> dict[str, tuple[float, float]]:
    """Print the perplexities of every smoothing method, and return those that are finite."""
    print(f"{'smoothing':<22}{'parameter':>10}{'leave-one-out':>15}{'test':>10}   perplexity")
    perplexities = {}
    for name in SMOOTHINGS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SmoothingWarning)
            model = UnigramLanguageModel(smoothing=name, **READING).fit(train)
        left_out, tested = model.evaluate_leave_one_out(), model.evaluate(test)
        perplexities[name] = left_out.perplexity, tested.perplexity
        parameter = model.smoothing_parameter_
        shown = "-" if parameter is None else f"{parameter:.4g}"
        print(f"{name:<22}{shown:>10}{left_out.perplexity:>15.1f}{tested.perplexity:>10.1f}")
    print(f"({tested.unknown_tokens} of {tested.tokens} test tokens are unknown)\n")
    return {name: pair for name, pair in perplexities.items() if np.isfinite(pair).all()}


def bits_a_word(train: dict[str, list[str]], lines: list[str]) -> np.ndarray:
    """Cross-entropy of each line under the model of each topic, in bits a word."""
    background = UnigramLanguageModel(**READING).fit([line for topic in train.values() for line in topic])
    n_words = np.array([len(READING["tokenizer"](line)) for line in lines])
    experts = [
        UnigramLanguageModel(smoothing="dirichlet", background=background, **READING).fit(topic)
        for topic in train.values()
    ]
    return np.column_stack([-expert.score_samples(lines) / n_words for expert in experts])


def print_topics(bits: np.ndarray, truth: np.ndarray, lines: list[str]) -> None:
    """Print two lines of each topic, and the lines that were taken for another."""
    guess = bits.argmin(axis=1)
    print(f"{'bits a word':<34}" + "".join(f"{topic:>9} " for topic in TOPICS) + "  best")
    first_two = [index for k in range(len(TOPICS)) for index in np.flatnonzero(truth == k)[:2]]
    for index in [*first_two, *np.flatnonzero(guess != truth)]:
        cells = "".join(f"{h:>9.2f} " for h in bits[index])
        best = list(TOPICS)[guess[index]]
        verdict = best if guess[index] == truth[index] else f"{best}, wrong: {list(TOPICS)[truth[index]]}"
        print(f"{lines[index][:28] + ' ...':<34}{cells}  {verdict}")
    print(f"{(guess == truth).sum()} of {len(truth)} lines go to their own topic")


def plot_methods(ax: Axes, perplexities: dict[str, tuple[float, float]]) -> None:
    """Draw the first table."""
    rows = np.arange(len(perplexities))
    columns = zip(*perplexities.values(), strict=True)
    labels = ("training text, one token left out", "test text")
    for values, label, colour, shift in zip(columns, labels, (TRAIN_COLOUR, TEST_COLOUR), (-0.2, 0.2), strict=True):
        bars = ax.barh(rows + shift, values, height=0.38, color=colour, label=label)
        ax.bar_label(bars, fmt="{:.0f}", padding=3, fontsize=8)
    ax.set(yticks=rows, yticklabels=perplexities, xlabel="perplexity", title="Smoothing methods (mle: infinite)")
    ax.invert_yaxis()
    ax.margins(x=0.12)


def plot_tuning(ax: Axes, train: list[str], test: list[str]) -> None:
    """Draw the perplexity of both texts against the parameter, and what leaving one out chooses."""
    deltas = np.geomspace(0.02, 20, 40)
    models = [UnigramLanguageModel(smoothing_parameter=delta, **READING).fit(train) for delta in deltas]
    ax.semilogx(deltas, [m.evaluate_leave_one_out().perplexity for m in models], color=TRAIN_COLOUR)
    ax.semilogx(deltas, [m.perplexity(test) for m in models], color=TEST_COLOUR)
    best = UnigramLanguageModel(**READING).fit(train).smoothing_parameter_
    ax.axvline(best, color="0.3", lw=1, ls="--")
    ax.text(best * 0.9, ax.get_ylim()[1] * 0.98, f"leave-one-out\nchose {best:.2f}", ha="right", va="top")
    ax.set(xlabel="δ of lidstone, (c + δ) / (N + δV)", ylabel="perplexity", title="Tuned without a test text")


def plot_topics(ax: Axes, bits: np.ndarray, truth: np.ndarray) -> None:
    """Draw each line by its differences in cross-entropy; the borders are where two topics draw."""
    for k, (topic, colour) in enumerate(TOPICS.items()):
        kitchen, sea, sky = bits[truth == k].T
        ax.scatter(kitchen - sea, sky - sea, color=colour, s=36, label=topic)
    reach = 1.1 * max(map(abs, (*ax.get_xlim(), *ax.get_ylim())))
    for end in ((0, reach), (reach, 0), (-reach, -reach)):
        ax.plot([0, end[0]], [0, end[1]], color="0.3", lw=1)
    ax.set(xlabel="bits a word: kitchen − sea", ylabel="bits a word: sky − sea", title="Topic of each test line")
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
    ax.legend()


def main() -> None:
    """Print the tables and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", default="perplexity.png", help="where to save the picture")
    picture = parser.parse_args().picture
    train, test = lines_of("train"), lines_of("test")
    train_lines, test_lines = ([line for lines in part.values() for line in lines] for part in (train, test))
    perplexities = compare_methods(train_lines, test_lines)
    bits = bits_a_word(train, test_lines)
    truth = np.repeat(np.arange(len(TOPICS)), [len(lines) for lines in test.values()])
    print_topics(bits, truth, test_lines)
    plt.style.use("skxent.pictures")
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.8))
    plot_methods(axes[0], perplexities)
    plot_tuning(axes[1], train_lines, test_lines)
    plot_topics(axes[2], bits, truth)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    save(figure, picture)


if __name__ == "__main__":
    main()
