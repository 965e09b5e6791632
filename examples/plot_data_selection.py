"""Choosing text that looks like a target: what the scores say, and what a training text gains by it.

A raw text of the three topics of data/corpus (cooking, sailing and the night sky), with each line in it once, is to
give training text about the sea. Its lines are scored by how many bits a word the model of some wanted lines does
better than the model of the raw text. Nobody tells the models which line is about what, so the picture can:

- the scores of the lines of each topic, with the buckets head, middle and tail;
- the share of lines about the sea among the best ones, against lines taken as they come;
- the perplexity of other text about the sea under a model of the chosen lines, for more and more lines. The best 60
  teach more than as many that are not chosen, and more than all 179: what comes after them is about other things.

Run it: ``python plot_data_selection.py [picture.png]``. It takes a few seconds.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _pictures import save
from matplotlib.axes import Axes

from skxent import UnigramLanguageModel, select_texts

CORPUS = Path(__file__).parents[1] / "data" / "corpus"
TOPICS = {"kitchen": "C1", "sea": "C0", "sky": "C2"}
READING = {"tokenizer": "wordpunct", "lowercase": True}
N_WANTED = 20


def lines_of(part: str, topic: str) -> list[str]:
    """Read the lines of a topic."""
    return (CORPUS / part / f"{topic}.txt").read_text(encoding="utf-8").splitlines()


def raw_text(rng: np.random.Generator) -> tuple[list[str], np.ndarray, list[str]]:
    """Mix the lines of all topics; some of those about the sea are the target instead."""
    wanted, *others = np.split(rng.permutation(lines_of("train", "sea")), [N_WANTED])
    parts = {"kitchen": lines_of("train", "kitchen"), "sea": list(others[0]), "sky": lines_of("train", "sky")}
    topics = np.repeat(list(parts), [len(part) for part in parts.values()])
    order = rng.permutation(len(topics))
    lines = np.array([line for part in parts.values() for line in part])
    return lines[order].tolist(), topics[order], wanted.tolist()


def perplexities(train: np.ndarray, sizes: np.ndarray, test: list[str], vocabulary: list[str]) -> list[float]:
    """Perplexity of the test lines under models of the first lines, all with the same vocabulary."""
    model = UnigramLanguageModel(smoothing="witten_bell", vocabulary=vocabulary, **READING)
    return [model.fit(train[:size].tolist()).perplexity(test) for size in sizes]


def draw_scores(axes: Axes, scores: np.ndarray, topics: np.ndarray, cuts: tuple[float, ...]) -> None:
    """Draw a dot a line, and where the buckets are cut."""
    rng = np.random.default_rng(0)
    for height, (topic, colour) in enumerate(TOPICS.items()):
        own = scores[topics == topic]
        axes.scatter(own, height + rng.uniform(-0.25, 0.25, len(own)), s=14, color=colour, alpha=0.7, linewidths=0)
    for cut in cuts:
        axes.axvline(cut, color="0.5", linewidth=1)
    labels = [(cuts[0] + 0.04, "head", "left"), (sum(cuts) / 2, "middle", "center"), (cuts[1] - 0.04, "tail", "right")]
    for x, name, side in labels:
        axes.text(x, 2.62, name, ha=side, va="center", color="0.3", fontsize=9)
    axes.set(yticks=range(3), yticklabels=list(TOPICS), ylim=(-0.5, 2.85), xlabel="score, bits a word")
    axes.set_title("Each line's score")


def draw_shares(axes: Axes, best: np.ndarray, topics: np.ndarray) -> None:
    """Draw the share of lines about the sea among the first n."""
    n = np.arange(1, len(best) + 1)
    is_sea = topics == "sea"
    axes.plot(n, np.cumsum(is_sea[best]) / n, color=TOPICS["sea"], label="the best lines")
    axes.axhline(is_sea.mean(), color="C3", linestyle="--", label="lines as they come")
    axes.set(xlabel="lines taken", ylabel="share", ylim=(0, 1.04), title="Lines about the sea among those taken")
    axes.legend(loc="upper right")


def draw_perplexities(axes: Axes, sizes: np.ndarray, chosen: list[float], random: list[float]) -> None:
    """Draw the perplexities of models of chosen lines and of lines as they come."""
    axes.plot(sizes, chosen, color=TOPICS["sea"], marker="o", markersize=4, label="the best lines")
    axes.plot(sizes, random, color="C3", linestyle="--", marker="o", markersize=4, label="lines as they come")
    axes.set(xlabel="lines trained on", ylabel="perplexity", title="Other text about the sea")
    axes.legend(loc="upper right")


def main() -> None:
    """Score, print what was found, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("picture", nargs="?", default="data_selection.png", help="file to write")
    picture = parser.parse_args().picture

    raw, topics, wanted = raw_text(np.random.default_rng(0))
    selection = select_texts(wanted, raw, buckets=(30, 60), **READING)
    scores = selection.scores
    best = np.argsort(-scores, kind="stable")

    print(f"{len(raw)} lines, {np.mean(topics == 'sea'):.0%} about the sea; {len(wanted)} wanted lines")
    for bucket in ("head", "middle", "tail"):
        print(f"{bucket:<8}{np.mean(topics[selection.buckets == bucket] == 'sea'):>5.0%} about the sea")
    for position in (*best[:3], *best[-3:]):
        print(f"{scores[position]:>+7.2f}  {topics[position]:<8} {raw[position]:.72}")

    test = lines_of("test", "sea")
    vocabulary = UnigramLanguageModel(**READING).fit([*raw, *test]).vocabulary_.tolist()
    sizes = np.unique(np.geomspace(10, len(raw), 9).astype(int))
    lines = np.array(raw)
    chosen = perplexities(lines[best], sizes, test, vocabulary)
    random = perplexities(lines, sizes, test, vocabulary)
    least = int(np.argmin(chosen))
    print(f"perplexity {chosen[least]:.0f} with the best {sizes[least]} lines, {random[least]:.0f} with as many others")

    plt.style.use("skxent.pictures")
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.2))
    draw_scores(axes[0], scores, topics, selection.cuts)
    draw_shares(axes[1], best, topics)
    draw_perplexities(axes[2], sizes, chosen, random)
    save(figure, picture)


if __name__ == "__main__":
    main()
