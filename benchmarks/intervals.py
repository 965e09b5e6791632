"""How often intervals of 95 % cover the truth, in simulations where the truth is known.

    python benchmarks/intervals.py lines      the cross-entropy of a text, as --confidence and --compare give it
    python benchmarks/intervals.py words      the share of a word in the difference of two texts, as --words gives it

Lines: a text has documents of some lines; lines of one document share a part of their difficulty ("shared", its
standard deviation in bits; that of a line's own part is "own"). Words: two texts of documents from the same source, in
which rare words come in some documents many times and in most not at all; the true share of every word is 0.
"""

from __future__ import annotations

import argparse

import numpy as np
from _report import machine, print_table

from skxent.language_model import keyness
from skxent.language_model._bootstrap import block_length, interval, join_neighbours, resample

# Documents, lines of a document, and the standard deviations of the shared and of the own part.
TEXTS = [
    (10, 20, 0.5, 0.3),
    (10, 20, 0.2, 0.5),
    (20, 20, 0.5, 0.3),
    (20, 20, 0.2, 0.5),
    (40, 20, 0.5, 0.3),
    (40, 20, 0.2, 0.5),
    (50, 1, 0.0, 0.5),
    (500, 1, 0.0, 0.5),
]
TRUTH = 2.0


def covers(n_documents: int, n_lines: int, shared: float, own: float, seed: int) -> bool:
    """Whether the interval of one text holds the truth."""
    rng = np.random.default_rng(seed)
    lengths = (
        rng.integers(n_lines // 2, n_lines * 3 // 2 + 1, n_documents) if n_lines > 1 else np.ones(n_documents, int)
    )
    difficulty = np.repeat(rng.normal(0, shared, n_documents), lengths)
    bits = TRUTH + difficulty + rng.normal(0, own, len(difficulty))
    sizes = rng.integers(5, 20, len(bits)).astype(float)
    sums = np.column_stack([bits * sizes, sizes])
    influence = (bits - sums[:, 0].sum() / sizes.sum()) * sizes
    blocks = join_neighbours(sums, block_length(influence))
    drawn = resample(blocks, n_resamples=1000, seed=seed)
    low, high = interval(drawn[:, 0] / drawn[:, 1], 0.95, len(blocks))
    return low <= TRUTH <= high


def lines(repetitions: int) -> None:
    """Simulate texts of documents and of independent lines."""
    rows = []
    for n_documents, n_lines, shared, own in TEXTS:
        hits = [covers(n_documents, n_lines, shared, own, seed) for seed in range(repetitions)]
        rows.append([n_documents, n_lines, shared, own, f"{np.mean(hits):.1%}"])
    print_table(["documents", "lines of each, on average", "shared", "own", "intervals that cover"], rows)


def documents(n_documents: int, rng: np.random.Generator) -> list[list[str]]:
    """Documents of 100 tokens: half of the words of a document are its own choice of the rare ones."""
    frequent = 1 / np.arange(1, 101)
    written = []
    for _ in range(n_documents):
        chosen = rng.integers(1000, 1400, 4)
        words = [*rng.choice(100, 80, p=frequent / frequent.sum()), *rng.choice(chosen, 20)]
        written.append([str(word) for word in words])
    return written


def words(repetitions: int) -> None:
    """Simulate pairs of texts that do not differ."""
    rows = []
    for n_documents in (10, 20, 40, 100):
        cases: dict[str, list[bool]] = {"in both texts": [], "in one text only": [], "the 20 largest shares": []}
        for seed in range(repetitions):
            rng = np.random.default_rng(seed)
            found = keyness(documents(n_documents, rng), documents(n_documents, rng), n_words=600).table
            rows_of_words = found.select("count_1", "count_2", "low", "high").rows()
            cases["the 20 largest shares"] += [low <= 0 <= high for _, _, low, high in rows_of_words[:20]]
            for one, two, low, high in rows_of_words:
                if one + two >= 3:
                    cases["in both texts" if one and two else "in one text only"].append(low <= 0 <= high)
        rows += [[n_documents, case, f"{len(hits):,}", f"{np.mean(hits):.1%}"] for case, hits in cases.items()]
    print_table(["documents of each text", "words of three tokens or more", "words", "intervals that cover"], rows)


SIMULATIONS = {"lines": lines, "words": words}


def main() -> None:
    """Run one simulation, or both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("simulation", nargs="*", metavar="SIMULATION", help="lines or words (default: both)")
    parser.add_argument("--repetitions", type=int, help="texts or pairs of texts (default 400 and 20)")
    options = parser.parse_args()
    print(machine())
    for name in options.simulation or SIMULATIONS:
        print(f"\n{name}\n")
        SIMULATIONS[name](options.repetitions or {"lines": 400, "words": 20}[name])


if __name__ == "__main__":
    main()
