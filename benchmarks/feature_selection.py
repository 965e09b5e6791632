"""Feature selection by cross-entropy: level of noise, ranking against peers, speed, memory.

Prints the tables of RESULTS_feature_selection.md; a full run takes about an hour, half of it for `selected`.

    python benchmarks/feature_selection.py [part ...]
"""

import argparse
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from _report import machine, print_table
from _timing import take_turns
from problems import mnist
from scipy import stats
from sklearn.feature_selection import chi2, f_classif, f_regression, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from skxent.feature_selection import (
    CountTable,
    CrossEntropySelector,
    ShiftMonitor,
    cross_entropy_classif,
    cross_entropy_regression,
)
from skxent.feature_selection._averaging import average_gain
from skxent.feature_selection._binning import Cuts, auto_bins
from skxent.feature_selection._count_table import FineCounts
from skxent.feature_selection._features import read_features
from skxent.feature_selection._significance import CORRECTIONS, adjust_pvalues, independence_pvalues
from skxent.feature_selection._target import read_target
from skxent.feature_selection.scores import leave_one_out

NEIGHBOURS = (1, 3, 10, 30)

Rng = np.random.Generator
Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


# --- Noise ---


def null_tables(rng: Rng, bin_totals: Array, class_totals: Array, repetitions: int) -> Integers:
    """Draw the tables of a feature that is independent of y, of shape (repetitions, bins, classes).

    The tables are drawn from their distribution when classes are shuffled, rather than shuffled row by row.
    """
    free = np.tile(bin_totals, (repetitions, 1))
    counts = np.empty((repetitions, len(bin_totals), len(class_totals)), dtype=np.int64)
    for k, total in enumerate(class_totals[:-1]):
        left, places = np.full(repetitions, total), free.sum(axis=1)
        for b in range(len(bin_totals)):
            places -= free[:, b]
            counts[:, b, k] = rng.hypergeometric(free[:, b], places, left)
            left -= counts[:, b, k]
        free -= counts[:, :, k]
    counts[:, :, -1] = free
    return counts


def noise_tables(rng: Rng, class_totals: Array, bins: int, even: bool, repetitions: int) -> Integers:
    """Draw the tables of features with even quantile bins, or with categories whose numbers of rows are random."""
    if even:
        n = class_totals.sum()
        return null_tables(rng, np.diff(-(-np.arange(bins + 1) * n // bins)), class_totals, repetitions)
    uniform = np.full(bins, 1 / bins)
    return np.stack([rng.multinomial(total, uniform, size=repetitions) for total in class_totals], axis=2)


def as_count_table(counts: Integers, class_totals: Array, ordered: bool = False) -> CountTable:
    """Make each repetition a feature of one table."""
    feature, row, label = np.nonzero(counts)
    first = np.append(True, (np.diff(row) != 0) | (np.diff(feature) != 0))
    filled = counts[feature, row, label].astype(float)
    of_bin = feature[first]
    edges = tuple(np.arange(n_bins) for n_bins in np.bincount(of_bin, minlength=len(counts)))
    totals = class_totals.astype(float)
    return CountTable(np.cumsum(first) - 1, label, filled, of_bin, totals, edges, (ordered,) * len(counts))


def null_count_table(rng: Rng, column: CountTable, repetitions: int) -> CountTable:
    """Draw tables of a column with shuffled classes, each a feature of one table; all have the column's bins."""
    assert column.fine is not None
    fine = column.fine
    rows = np.bincount(fine.bin, fine.count).astype(np.int64)
    counts = null_tables(rng, rows, column.class_totals.astype(np.int64), repetitions)
    repetition, row, label = np.nonzero(counts)
    narrow = FineCounts(
        repetition * len(rows) + row,
        label,
        counts[repetition, row, label].astype(float),
        np.repeat(np.arange(repetitions), len(rows)),
        np.tile(fine.missing, repetitions),
        fine.n_classes,
    )
    ends = np.isin(np.cumsum(rows), np.cumsum(column.bin_totals))
    cells = narrow.merge(np.tile(np.append(True, ends[:-1]), repetitions))
    of_bin = np.repeat(np.arange(repetitions), len(column.feature_of_bin))
    return CountTable(
        *cells,
        of_bin,
        column.class_totals,
        column.edges * repetitions,
        column.ordered * repetitions,
        column.ordered_classes,
        narrow,
    )


def noise(repetitions: int = 1_000) -> None:
    """Share of noise features that score at most 0, and share that the p-value calls significant."""
    rng = np.random.default_rng(0)
    rows: list[Sequence[object]] = []
    not_above: list[float] = []
    rejected: list[float] = []
    for n in (100, 1_000, 100_000):
        for n_classes in (2, 10):
            for levels in (None, 2, 3, 5, 10, 30, 100, 300, 1000):
                bins = levels or auto_bins(np.full(n_classes, n / n_classes))
                scores, pvalues = noise_scores(rng, n, bins, n_classes, levels is None, repetitions)
                freedom = (bins - 1) * (n_classes - 1)
                not_above.append(float(np.mean(scores <= 0)))
                rejected.append(float(np.mean(pvalues <= 0.05)))
                rows.append(
                    (
                        f"{n:,}",
                        n_classes,
                        levels or f"numeric ({bins} bins)",
                        f"{freedom:,}",
                        f"{scores.mean() * 2 * n / freedom:+.2f}",
                        f"{100 * not_above[-1]:.1f} %",
                        f"{100 * stats.chi2.cdf(2 * freedom, freedom):.1f} %",
                        f"{100 * np.mean((scores <= 0) | (pvalues > 0.05)):.1f} %",
                        f"{100 * rejected[-1]:.1f} %",
                    )
                )
    header = ("n", "classes", "levels", "d", "mean·2n/d", "score ≤ 0", "P(χ² ≤ 2d)", "… or p > 5 %", "p ≤ 5 %")
    print_table(header, rows)
    print(
        f"\nAll settings together: score ≤ 0 in {100 * np.mean(not_above):.1f} %; "
        f"≥ 95 % in {np.sum(np.array(not_above) >= 0.95)} of {len(rows)} settings. "
        f"p ≤ 5 % in {100 * np.mean(rejected):.2f} %, "
        f"from {100 * min(rejected):.1f} % to {100 * max(rejected):.1f} %.\n"
    )


def noise_scores(rng: Rng, n: int, bins: int, n_classes: int, even: bool, repetitions: int) -> tuple[Floats, Floats]:
    """Scores and p-values of noise features with `bins` bins, against classes of about the same size."""
    scores, pvalues = [], []
    class_totals = rng.multinomial(n, np.full(n_classes, 1 / n_classes))
    at_once = max(1, 1_000_000 // (bins * n_classes))
    for start in range(0, repetitions, at_once):
        counts = noise_tables(rng, class_totals, bins, even, min(at_once, repetitions - start))
        table = as_count_table(counts, class_totals, ordered=even)
        scores.append(table.mean_rows(leave_one_out(table)))
        pvalues.append(independence_pvalues(table))
    return np.concatenate(scores), np.concatenate(pvalues)


# --- Anything selected ---

CLASSES = {
    "2": [0.5, 0.5],
    "2, 10 %": [0.9, 0.1],
    "2, 1 %": [0.99, 0.01],
    "10": [0.1] * 10,
    "10, 1.4 to 50 %": [0.5, 0.3, 0.1, *[0.1 / 7] * 7],
}
# Columns of a data set, and cells of the tables that are drawn at once.
COLUMNS, CELLS = 20, 4_000_000


def rare_flags(rng: Rng, n: int) -> Array:
    """Draw flags that 2 of n to 30 % of the rows have."""
    return (rng.random((n, COLUMNS)) < np.exp(rng.uniform(np.log(2 / n), np.log(0.3), COLUMNS))) * 1.0


def zero_inflated(rng: Rng, n: int) -> Array:
    """Draw numbers of which half to nearly all are 0, the others log-normal."""
    return np.where(rng.random((n, COLUMNS)) < rng.uniform(0.02, 0.5, COLUMNS), rng.lognormal(0, 2, (n, COLUMNS)), 0.0)


def heavy_tailed(rng: Rng, n: int) -> Array:
    """Draw Cauchy numbers."""
    return rng.standard_cauchy((n, COLUMNS))


def levels(rng: Rng, n: int) -> Array:
    """Draw categories, 2 to 1,000, equally frequent or by Zipf's law."""
    numbers = np.array([2, 3, 5, 10, 20, 50, 100, 200, 500, 1000])
    shares = [weight / weight.sum() for k in numbers for weight in (np.ones(k), 1 / np.arange(1.0, k + 1))]
    return np.column_stack([rng.choice(len(share), n, p=share) for share in shares])


def class_sizes(n: int, shares: Sequence[float]) -> Array:
    """Rows of each class; at least one."""
    sizes = np.maximum(np.floor(n * np.array(shares)), 1).astype(np.int64)
    sizes[0] += n - sizes.sum()
    return sizes


def shuffled_pvalues(rng: Rng, X: Array, sizes: Array, categorical: bool, runs: int, seconds: float) -> Floats:
    """p-values of each column with classes shuffled anew in each run, of shape (runs, columns), until time is up."""
    y = np.repeat(np.arange(len(sizes)), sizes)
    target = read_target(y, None, len(X))
    columns = []
    for values in X.T:
        features = read_features(values[:, None], [categorical])
        columns.append(features.count(slice(0, 1), target, auto_bins(target.totals)))
    n_cells = len(sizes) * sum(len(column.fine.missing) for column in columns if column.fine is not None)
    at_once = max(10, min(runs, CELLS // n_cells))
    found: list[Floats] = []
    start = time.perf_counter()
    while len(found) * at_once < runs and (not found or time.perf_counter() - start < seconds):
        pvalues = [independence_pvalues(null_count_table(rng, column, at_once)) for column in columns]
        found.append(np.column_stack(pvalues))
    return np.concatenate(found)


def permuted_pvalues(rng: Rng, X: Any, sizes: Array, runs: int, seconds: float) -> Iterator[Floats]:
    """p-values of all columns with the classes of the rows shuffled, run after run, until time is up."""
    y = np.repeat(np.arange(len(sizes)), sizes)
    start = time.perf_counter()
    for _ in range(runs):
        yield cross_entropy_classif(X, rng.permutation(y))[1]
        if time.perf_counter() - start > seconds:
            return


def brown_words() -> Any:
    """Return which of Brown's 500 documents have which words, of those that five documents or more have."""
    from nltk.corpus import brown

    vocabulary: dict[str, int] = {}
    document: list[int] = []
    word: list[int] = []
    for at, name in enumerate(brown.fileids()):
        present = {token.lower() for token in brown.words(name)}
        document += [at] * len(present)
        word += [vocabulary.setdefault(each, len(vocabulary)) for each in present]
    return in_five(sp.coo_array((np.ones(len(word)), (document, word))))


def zipf_words(rng: Rng, n: int, length: int = 100) -> Any:
    """Draw which of n documents have which words, by Zipf's law, of those that five documents or more have."""
    word = np.minimum(rng.zipf(1.3, size=n * length), 100_000)
    document = np.repeat(np.arange(n), length)
    matrix = sp.coo_array((np.ones(len(word)), (document, word))).tocsc()
    matrix.data[:] = 1
    return in_five(matrix)


def in_five(matrix: Any) -> Any:
    """Keep the words that five documents or more have."""
    columns = matrix.tocsc()
    return columns[:, np.flatnonzero(np.diff(columns.indptr) >= 5)]


def word_sets(rng: Rng) -> Iterator[tuple[str, Any]]:
    """Yield matrices of words with their names."""
    for n in (500, 5_000):
        yield f"words by Zipf's law, {n:,} rows", zipf_words(rng, n)
    try:
        yield "words of Brown, 500 rows", brown_words()
    except (ImportError, LookupError):
        print("(Brown's corpus is not there)")


def selected_row(name: str, n_columns: int, classes: str, pvalues: Sequence[Floats] | Floats) -> tuple[object, ...]:
    """Say in how many runs anything is selected."""
    found = [[np.any(adjust_pvalues(run, name) <= 0.05) for name in CORRECTIONS] for run in pvalues]
    shares = [f"{100 * share:.1f} %" for share in np.mean(found, axis=0)]
    below = f"{100 * np.mean([np.mean(run <= 0.05) for run in pvalues]):.1f} %"
    return name, f"{n_columns:,}", classes, f"{len(pvalues):,}", *shares, below


def selected(runs: int = 1_000, seconds_each: float = 30, seconds_words: float = 90) -> None:
    """Share of runs with shuffled labels in which anything is selected at .05."""
    rng = np.random.default_rng(0)
    rows: list[Sequence[object]] = []
    for make in (rare_flags, zero_inflated, heavy_tailed, levels):
        for n in (100, 1_000, 10_000, 100_000):
            X = make(rng, n)
            for classes, shares in CLASSES.items():
                sizes = class_sizes(n, shares)
                pvalues = shuffled_pvalues(rng, X, sizes, make is levels, runs, seconds_each)
                rows.append(selected_row(f"{make.__name__}, {n:,} rows", COLUMNS, classes, pvalues))
    for name, words_of in word_sets(rng):
        for classes, shares in CLASSES.items():
            sizes = class_sizes(words_of.shape[0], shares)
            found = [*permuted_pvalues(rng, words_of, sizes, runs, seconds_words)]
            rows.append(selected_row(name, words_of.shape[1], classes, found))
    print_table(("columns", "", "classes", "runs", *CORRECTIONS, "p ≤ 5 %"), rows)


# --- Power ---

# A design draws the informative columns and the target; `strength` is n times the share of a column's variance.
Design = Callable[[Rng, int, float], tuple[Array, Array]]


def class_means(shares: Sequence[float]) -> Design:
    """Columns whose mean depends on the class in any way."""

    def draw(rng: Rng, n: int, strength: float) -> tuple[Array, Array]:
        y = rng.choice(len(shares), n, p=shares)
        means = rng.normal(size=(len(shares), INFORMATIVE))
        return rng.normal(size=(n, INFORMATIVE)) + scaled(means[y], strength / n), y

    return draw


def class_slope(n_classes: int) -> Design:
    """Columns whose mean grows from class to class."""

    def draw(rng: Rng, n: int, strength: float) -> tuple[Array, Array]:
        y = rng.integers(0, n_classes, n)
        return rng.normal(size=(n, INFORMATIVE)) + scaled(y[:, None] * 1.0, strength / n), y

    return draw


def class_spread(n_classes: int) -> Design:
    """Columns whose spread grows from class to class."""

    def draw(rng: Rng, n: int, strength: float) -> tuple[Array, Array]:
        y = rng.integers(0, n_classes, n)
        return rng.normal(size=(n, INFORMATIVE)) * np.exp(scaled(y[:, None] * 1.0, strength / n)), y

    return draw


def regression(shape: Callable[[Array], Array], noise_of: Callable[[Rng, int], Array]) -> Design:
    """Return a target that is the sum of a function of each column, and noise."""

    def draw(rng: Rng, n: int, strength: float) -> tuple[Array, Array]:
        X = rng.normal(size=(n, INFORMATIVE))
        return X, scaled(shape(X), strength / n).sum(axis=1) + noise_of(rng, n)

    return draw


def scaled(values: Array, variance: float) -> Array:
    """Columns of mean zero and this variance."""
    centred = values - values.mean(axis=0)
    return np.asarray(centred * np.sqrt(variance) / centred.std(axis=0))


def gaussian(rng: Rng, n: int) -> Array:
    """Noise that the F-test is made for."""
    return rng.normal(size=n)


def student(rng: Rng, n: int) -> Array:
    """Noise with heavy tails."""
    return rng.standard_t(2, size=n)


LINEAR: dict[str, Design] = {
    **{f"means of {k} classes": class_means([1 / k] * k) for k in (2, 5, 10, 30)},
    "means of 2 classes, 10 %": class_means([0.9, 0.1]),
    "means of 10 classes, 1.4 to 50 %": class_means(CLASSES["10, 1.4 to 50 %"]),
    "means in the order of 5 classes": class_slope(5),
    "means in the order of 20 classes": class_slope(20),
    "regression, linear": regression(np.asarray, gaussian),
}
OTHERS: dict[str, Design] = {
    "spread of 2 classes": class_spread(2),
    "spread of 10 classes": class_spread(10),
    "regression, square": regression(np.square, gaussian),
    "regression, sine": regression(lambda X: np.sin(3 * X), gaussian),
    "regression, linear, noise of Student's t(2)": regression(np.asarray, student),
}


def kept_by_both(design: Design, n: int, strength: float, seed: int) -> list[float]:
    """Share of the informative columns that skxent and the F-test keep."""
    rng = np.random.default_rng(seed)
    signal, y = design(rng, n, strength)
    X = np.column_stack([signal, rng.normal(size=(n, NOISE))])
    ours, theirs = (
        (cross_entropy_regression, f_regression) if y.dtype.kind == "f" else (cross_entropy_classif, f_classif)
    )
    pvalues = ours(X, y)[1], theirs(X, y)[1]
    return [float(np.mean(adjust_pvalues(p, "fdr_bh")[:INFORMATIVE] <= 0.05)) for p in pvalues]


def power(repetitions: int = 40) -> None:
    """Share of informative columns that are kept at an error of 5 %, beside 40 of noise."""
    rows: list[Sequence[object]] = []
    for name, design in {**LINEAR, **OTHERS}.items():
        for n in (300, 1_000, 5_000):
            cells = []
            for strength in (15, 30):
                runs = [kept_by_both(design, n, strength, seed) for seed in range(repetitions)]
                cells += [f"{100 * share:.0f}" for share in np.mean(runs, axis=0)]
            rows.append((name, f"{n:,}", *cells))
    header = [f"{method}, {strength}" for strength in (15, 30) for method in ("skxent", "F")]
    print_table(("design", "n", *header), rows)


# --- Number of bins ---

# The narrowest bins, and the numbers of bins into which they can be put together that are tried.
NARROW_BINS = 240
FIXED_BINS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 30, 40, 48)
# Columns of each kind, informative and noise.
OF_KIND = 25
# The weights of the cuts were chosen by five shapes with the first six sizes of classes; the others were kept back.
CLASS_SIZES = {"2": [0.5, 0.5], "2, 5 %": [0.95, 0.05], "10": [0.1] * 10}
OTHER_SIZES = {"2, 20 %": [0.8, 0.2], "5": [0.2] * 5, "10, 1.4 to 50 %": CLASSES["10, 1.4 to 50 %"]}
_GROWING = np.geomspace(0.02, 0.4, 7)
LATER_SIZES = {"2, 30 %": [0.7, 0.3], "3": [1 / 3] * 3, "7, growing": (_GROWING / _GROWING.sum()).tolist()}
_ZIPF = 1 / np.arange(1.0, 13)
FOURTH_SIZES = {"2, 10 %": [0.9, 0.1], "4": [0.25] * 4, "12, by Zipf's law": (_ZIPF / _ZIPF.sum()).tolist()}
FIFTH_SIZES = {"2, 40 %": [0.6, 0.4], "2, 3 %": [0.97, 0.03], "6, uneven": [0.35, 0.25, 0.15, 0.12, 0.08, 0.05]}

# A shape draws columns for classes y, of which a part of the variance, or of the rows, depends on the class.
Shape = Callable[[Rng, Array, float], Array]


def class_effects(rng: Rng, y: Array, strength: float) -> Array:
    """Return an effect of each class on each column, of this variance over the rows times their number."""
    of_class = rng.normal(size=(y.max() + 1, OF_KIND)) if y.max() > 1 else np.outer([0, 1], np.ones(OF_KIND))
    return scaled(of_class[y], strength / len(y))


def moved_means(rng: Rng, y: Array, strength: float) -> Array:
    """Draw normal numbers whose mean depends on the class."""
    return rng.normal(size=(len(y), OF_KIND)) + class_effects(rng, y, strength)


def moved_spreads(rng: Rng, y: Array, strength: float) -> Array:
    """Draw normal numbers whose spread depends on the class."""
    return rng.normal(size=(len(y), OF_KIND)) * np.exp(class_effects(rng, y, 1.3 * strength))


def in_interval(rng: Rng, y: Array, strength: float, width: float, at: Array) -> Array:
    """Draw uniform numbers, some of the last class from a narrow interval."""
    last = y == y.max()
    share = min(1.0, np.sqrt(2.6 * strength / len(y) * width / last.mean()))
    moved = last[:, None] & (rng.random((len(y), OF_KIND)) < share)
    return np.where(moved, at + width * rng.random((len(y), OF_KIND)), rng.random((len(y), OF_KIND)))


def one_peak(rng: Rng, y: Array, strength: float) -> Array:
    """Draw uniform numbers, some of the last class from a tenth of the range anywhere."""
    return in_interval(rng, y, strength, 0.1, rng.uniform(0.1, 0.8, OF_KIND))


def tail(rng: Rng, y: Array, strength: float) -> Array:
    """Draw uniform numbers, some of the last class from the uppermost twentieth."""
    return in_interval(rng, y, strength, 0.05, np.full(OF_KIND, 0.95))


def two_peaks(rng: Rng, y: Array, strength: float) -> Array:
    """Draw uniform numbers, some of the last class from one of two tenths."""
    at = np.where(rng.random((len(y), OF_KIND)) < 0.5, rng.uniform(0, 0.4, OF_KIND), rng.uniform(0.5, 0.9, OF_KIND))
    return in_interval(rng, y, 2 * strength, 0.1, at)


def both_ends(rng: Rng, y: Array, strength: float) -> Array:
    """Draw uniform numbers, some of the last class from the two outermost sixteenths."""
    last = y == y.max()
    share = min(1.0, np.sqrt(2.6 * strength / len(y) * 0.12 / last.mean()))
    numbers = rng.random((len(y), OF_KIND))
    outer = 0.06 * rng.random(numbers.shape)
    outer = np.where(rng.random(numbers.shape) < 0.5, outer, 1 - outer)
    return np.where(last[:, None] & (rng.random(numbers.shape) < share), outer, numbers)


def lowest_third(rng: Rng, y: Array, strength: float) -> Array:
    """Draw uniform numbers, some of the last class from the lowest third."""
    return in_interval(rng, y, strength, 1 / 3, np.zeros(OF_KIND))


def rounded_means(rng: Rng, y: Array, strength: float) -> Array:
    """Draw whole numbers, about seven of them, whose mean depends on the class."""
    return np.asarray(np.round(1.5 * moved_means(rng, y, strength)))


def waves(rng: Rng, y: Array, strength: float) -> Array:
    """Draw numbers whose density has three waves, of a height that depends on the class."""
    numbers = rng.random((len(y), OF_KIND))
    height = np.clip(class_effects(rng, y, 1.8 * strength) * np.sin(6 * np.pi * numbers), -1, 1)
    return np.where(rng.random(numbers.shape) < (1 + height) / 2, numbers, (numbers + 1 / 6) % 1)


def exponentials(rng: Rng, y: Array, strength: float) -> Array:
    """Draw exponential numbers whose mean depends on the class, with a little noise."""
    numbers = rng.exponential(size=(len(y), OF_KIND)) * np.exp(class_effects(rng, y, strength))
    return np.asarray(numbers + 0.05 * rng.normal(size=numbers.shape))


def dip(rng: Rng, y: Array, strength: float) -> Array:
    """Draw uniform numbers; some of the last class leave a fifth of the range that lies anywhere."""
    last = y == y.max()
    share = min(1.0, np.sqrt(2.6 * strength / len(y) / 0.2 * 0.8 / last.mean()))
    at, numbers = rng.uniform(0, 0.8, OF_KIND), rng.random((len(y), OF_KIND))
    leaves = last[:, None] & (numbers > at) & (numbers < at + 0.2) & (rng.random(numbers.shape) < share)
    return np.where(leaves, (at + 0.2 + 0.8 * rng.random(numbers.shape)) % 1, numbers)


def middle(rng: Rng, y: Array, strength: float) -> Array:
    """Draw uniform numbers, some of the last class from the fourth in the middle."""
    return in_interval(rng, y, strength, 0.25, np.full(OF_KIND, 0.375))


def some_waves(rng: Rng, y: Array, strength: float) -> Array:
    """Draw numbers whose density has one to four waves, of any phase, of a height that depends on the class."""
    numbers, waves_of = rng.random((len(y), OF_KIND)), rng.integers(1, 5, OF_KIND)
    wave = np.sin(2 * np.pi * (waves_of * numbers + rng.random(OF_KIND)))
    height = np.clip(class_effects(rng, y, 1.8 * strength) * wave, -1, 1)
    return np.where(rng.random(numbers.shape) < (1 + height) / 2, numbers, (numbers + 0.5 / waves_of) % 1)


def zeros_and_means(rng: Rng, y: Array, strength: float) -> Array:
    """Draw 0 in 40 % of the rows, else log-normal numbers whose median depends on the class."""
    numbers = np.exp(rng.normal(size=(len(y), OF_KIND)) + class_effects(rng, y, 1.6 * strength))
    return np.where(rng.random(numbers.shape) < 0.4, 0.0, numbers)


def mean_and_spread(rng: Rng, y: Array, strength: float) -> Array:
    """Draw from Student's t(3); both the mean and the spread depend on the class."""
    numbers = rng.standard_t(3, size=(len(y), OF_KIND)) * np.exp(class_effects(rng, y, 0.9 * strength))
    return np.asarray(numbers + class_effects(rng, y, 0.9 * strength))


def two_modes(rng: Rng, y: Array, strength: float) -> Array:
    """Draw normal numbers, about a third of them shifted by three deviations; how many depends on the class."""
    shifted_ones = rng.random((len(y), OF_KIND)) < np.clip(1 / 3 + class_effects(rng, y, 0.25 * strength), 0, 1)
    return rng.normal(size=shifted_ones.shape) + 3 * shifted_ones


def extremes(rng: Rng, y: Array, strength: float) -> Array:
    """Draw positive numbers, some of the last class from the lowest hundredth, or for other columns the highest."""
    at = np.where(rng.random(OF_KIND) < 0.5, 0.0, 0.985)
    return np.asarray(np.exp(3 * in_interval(rng, y, 1.5 * strength, 0.015, at)))


def upper_half(rng: Rng, y: Array, strength: float) -> Array:
    """Draw normal numbers; those above 0 have a spread that depends on the class."""
    numbers = rng.normal(size=(len(y), OF_KIND))
    return np.where(numbers > 0, numbers * np.exp(class_effects(rng, y, 2.5 * strength)), numbers)


def five_waves(rng: Rng, y: Array, strength: float) -> Array:
    """Draw numbers whose density has five waves, of a height that depends on the class."""
    numbers = rng.random((len(y), OF_KIND))
    height = np.clip(class_effects(rng, y, 2.2 * strength) * np.sin(10 * np.pi * numbers), -1, 1)
    return np.where(rng.random(numbers.shape) < (1 + height) / 2, numbers, (numbers + 0.1) % 1)


def half(rng: Rng, y: Array, strength: float) -> Array:
    """Draw uniform numbers, some of the last class from half of the range anywhere."""
    return in_interval(rng, y, strength, 0.5, rng.uniform(0, 0.5, OF_KIND))


def heavier(rng: Rng, y: Array, strength: float) -> Array:
    """Draw normal numbers, about 30 % of them three times as spread; how many depends on the class."""
    wide = rng.random((len(y), OF_KIND)) < np.clip(0.3 + 1.2 * class_effects(rng, y, strength), 0, 1)
    return rng.normal(size=wide.shape) * np.where(wide, 3.0, 1.0)


def bins_designs() -> Iterator[tuple[str, Shape, str, Sequence[float], int]]:
    """Yield the designs: two sets by which the weights were chosen, then three that were made up afterwards."""
    chosen_by: tuple[Shape, ...] = (moved_means, moved_spreads, one_peak)
    later: tuple[Shape, ...] = (both_ends, lowest_third, rounded_means, waves, exponentials)
    fourth: tuple[Shape, ...] = (dip, middle, some_waves, zeros_and_means, mean_and_spread, two_modes, extremes)
    fifth: tuple[Shape, ...] = (upper_half, five_waves, half, heavier)
    for name, shapes, classes_of, rows in (
        ("first", chosen_by, CLASS_SIZES, (300, 1_000, 10_000)),
        ("second", (*chosen_by, tail, two_peaks), OTHER_SIZES, (500, 3_000)),
        ("third", later, LATER_SIZES, (400, 2_000)),
        ("fourth", fourth, FOURTH_SIZES, (250, 1_500)),
        ("fifth", fifth, FIFTH_SIZES, (300, 1_200)),
    ):
        for shape, (classes, shares), n in product(shapes, classes_of.items(), rows):
            yield name, shape, classes, shares, n


def areas(shape: Shape, shares: Sequence[float], n: int, seed: int) -> list[float]:
    """Areas under the ROC curve with each fixed number of bins, and with the default, the last."""
    rng = np.random.default_rng([seed, n])
    y = np.repeat(np.arange(len(shares)), class_sizes(n, shares))
    strength = 6.0 if len(shares) == 2 else 6 + len(shares)
    X = np.column_stack([shape(rng, y, strength), shape(rng, y, 0.0)])
    features, target = read_features(X), read_target(y, None, n)
    informative = np.arange(2 * OF_KIND) < OF_KIND
    narrow, found = features.count(slice(0, 2 * OF_KIND), target, NARROW_BINS), []
    none = np.zeros(len(narrow.feature_of_bin), dtype=bool)
    cuts = Cuts.of(narrow.feature_of_bin, narrow.bin_totals, none, NARROW_BINS)
    for n_bins in FIXED_BINS:
        table = narrow.with_wider_bins(cuts.starts(n_bins))[0]
        found.append(table.mean_rows(leave_one_out(table)))
    table = features.count(slice(0, 2 * OF_KIND), target, auto_bins(target.totals))
    averaged, gain = average_gain(table, np.full(2 * OF_KIND, True), leave_one_out)
    found.append(averaged.mean_rows(gain))
    return [float(roc_auc_score(informative, values)) for values in found]


def bins(repetitions: int = 40) -> None:
    """Area under the ROC curve with the best fixed number of bins, found with other draws, and with the default."""
    rows: list[Sequence[object]] = []
    gaps: dict[str, list[float]] = {}
    for use, shape, classes, shares, n in bins_designs():
        first, second = (
            np.array([areas(shape, shares, n, start + seed) for seed in range(repetitions)]) for start in (0, 10_000)
        )
        best = int(np.argmax(first[:, :-1].mean(axis=0)))
        gap = second[:, best] - second[:, -1]
        gaps.setdefault(use, []).append(float(gap.mean()))
        error = gap.std(ddof=1) / np.sqrt(repetitions)
        cells = f"{second[:, best].mean():.3f}", f"{second[:, -1].mean():.3f}", f"{gap.mean():+.3f} ± {error:.3f}"
        rows.append((use, shape.__name__, classes, f"{n:,}", FIXED_BINS[best], *cells))
    print_table(("", "shape", "classes", "n", "best number", "its area", "default", "gap"), rows)
    for use, of_use in gaps.items():
        within = f"{np.sum(np.array(of_use) <= 0.02)} of {len(of_use)} within .02"
        print(f"\n{use}: mean gap {np.mean(of_use):+.4f}, largest {max(of_use):+.3f}, {within}")


# --- Ranking ---

INFORMATIVE, NOISE = 10, 40

# Informative features, noise features, classes, and which features are discrete.
Sample = tuple[Array, Array, Array, bool | Array]


def shifted(rng: Rng, n: int, y: Array, size: float) -> Array:
    """Draw normal features whose mean depends on the class."""
    return rng.normal(size=(n, INFORMATIVE)) + size * y[:, None]


def categories_for(rng: Rng, n: int, y: Array, levels: int, strength: float) -> Array:
    """Categories of which each prefers a class, more or less."""
    preferred = rng.integers(0, 2, (levels, INFORMATIVE))
    first = rng.integers(0, levels, (n, INFORMATIVE))
    second = rng.integers(0, levels, (n, INFORMATIVE))
    agrees = np.take_along_axis(preferred, first, axis=0) == y[:, None]
    return np.where(agrees | (rng.random((n, INFORMATIVE)) > strength), first, second).astype(float)


def weak_shift(rng: Rng, n: int) -> Sample:
    """Gaussian, the mean shifts by 0.25."""
    y = rng.integers(0, 2, n)
    return shifted(rng, n, y, 0.25), rng.normal(size=(n, NOISE)), y, False


def non_monotone(rng: Rng, n: int) -> Sample:
    """Gaussian, only the spread differs: by a factor 1.4."""
    y = rng.integers(0, 2, n)
    return (
        rng.normal(size=(n, INFORMATIVE)) * np.where(y, 1.4, 1.0)[:, None],
        rng.normal(size=(n, NOISE)),
        y,
        False,
    )


def heavy_tails(rng: Rng, n: int) -> Sample:
    """Log-Cauchy, the logarithm shifts by 0.5."""
    y = rng.integers(0, 2, n)
    signal = rng.standard_cauchy((n, INFORMATIVE)) + 0.5 * y[:, None]
    both = np.exp(np.clip(np.column_stack([signal, rng.standard_cauchy((n, NOISE))]), -30, 30))
    return both[:, :INFORMATIVE], both[:, INFORMATIVE:], y, False


def categorical(rng: Rng, n: int) -> Sample:
    """Codes of 5 to 50 categories; noise features of 2 to 50."""
    y = rng.integers(0, 2, n)
    signal = np.column_stack([categories_for(rng, n, y, levels, 0.35)[:, :2] for levels in (5, 10, 20, 30, 50)])
    noise_features = np.column_stack([rng.integers(0, levels, n) for levels in rng.integers(2, 51, NOISE)])
    return signal, noise_features, y, True


def mixed(rng: Rng, n: int) -> Sample:
    """Shifts, spreads, categories and values missing by class, beside numeric and categorical noise."""
    y = rng.integers(0, 2, n)
    missing = np.where(rng.random((n, INFORMATIVE)) < 0.1 + 0.1 * y[:, None], -1.0, rng.random((n, INFORMATIVE)))
    spread = rng.normal(size=(n, INFORMATIVE)) * np.where(y, 1.5, 1.0)[:, None]
    parts = shifted(rng, n, y, 0.35), spread, categories_for(rng, n, y, 20, 0.35), missing
    signal = np.column_stack([part[:, :3] for part in parts])[:, :INFORMATIVE]
    noise_features = np.column_stack([rng.normal(size=(n, NOISE // 2)), rng.integers(0, 30, (n, NOISE // 2))])
    discrete = np.isin(np.arange(INFORMATIVE + NOISE), [6, 7, 8, *range(INFORMATIVE + NOISE // 2, INFORMATIVE + NOISE)])
    return signal, noise_features, y, discrete


def counts(rng: Rng, n: int) -> Sample:
    """Word counts: Poisson, the rate of 0.3 grows by a half."""
    y = rng.integers(0, 2, n)
    rate = 0.3 * np.where(y, 1.5, 1.0)[:, None]
    return rng.poisson(rate, (n, INFORMATIVE)), rng.poisson(0.3, (n, NOISE)), y, True


def parity(rng: Rng, n: int) -> Sample:
    """XOR: pairs of bits whose parity is the class."""
    y = rng.integers(0, 2, n)
    first = rng.integers(0, 2, (n, INFORMATIVE // 2))
    return np.column_stack([first, first ^ y[:, None]]), rng.integers(0, 2, (n, NOISE)), y, True


DATA_SETS: tuple[Callable[[Rng, int], Sample], ...] = (
    mixed,
    categorical,
    non_monotone,
    heavy_tails,
    counts,
    weak_shift,
    parity,
)


def one_ranking(data_set: Callable[[Rng, int], Sample], seed: int, n: int) -> dict[str, float]:
    """AUC of informative against noise features, for each method."""
    rng = np.random.default_rng(seed)
    signal, noise_features, y, discrete = data_set(rng, n)
    X = np.column_stack([signal, noise_features]).astype(float)
    informative = np.arange(X.shape[1]) < signal.shape[1]
    discrete = np.broadcast_to(np.asarray(discrete), informative.shape)
    categorical_features = discrete & (data_set is not counts)  # counts are discrete, but ordered
    scored = {"skxent": cross_entropy_classif(X, y, categorical_features=categorical_features)[0]}
    for k in NEIGHBOURS:
        scored[f"mutual_info k={k}"] = mutual_info_classif(
            X, y, discrete_features=discrete, n_neighbors=k, random_state=seed
        )
    scored["f_classif"] = f_classif(X, y)[0]
    scored["chi2"] = chi2(X - X.min(axis=0), y)[0]
    return {name: roc_auc_score(informative, values) for name, values in scored.items()}


def ranking(repetitions: int = 20, n: int = 500) -> None:
    """AUC of informative against noise features, mean over data sets drawn anew."""
    rows: list[Sequence[object]] = []
    for data_set in DATA_SETS:
        runs = [one_ranking(data_set, seed, n) for seed in range(repetitions)]
        mean = {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}
        neighbours = {k: mean[f"mutual_info k={k}"] for k in NEIGHBOURS}
        best = max(neighbours, key=lambda k: neighbours[k])
        error = np.std([run["skxent"] - run[f"mutual_info k={best}"] for run in runs]) / np.sqrt(repetitions)
        rows.append(
            (
                f"{data_set.__name__}: {(data_set.__doc__ or '').rstrip('.')}",
                f"{mean['skxent']:.3f}",
                f"{neighbours[best]:.3f} (k = {best})",
                f"{mean['skxent'] - neighbours[best]:+.3f} ± {error:.3f}",
                f"{mean['f_classif']:.3f}",
                f"{mean['chi2']:.3f}",
            )
        )
    print_table(("data", "skxent", "mutual_info, best k", "difference", "f_classif", "chi2"), rows)


def strength(n: int = 5_000, repetitions: int = 10) -> None:
    """Estimated information of one Gaussian feature against the truth, ever stronger separated."""
    rows: list[Sequence[object]] = []
    for shift in (0.0, 0.5, 1.0, 2.0, 4.0, 6.0):
        grid = np.linspace(-10, 10 + shift, 200_001)
        densities = np.array([stats.norm.pdf(grid), stats.norm.pdf(grid, shift)]) / 2
        both = densities.sum(axis=0)
        terms = [d * (np.log(d, where=d > 0, out=np.zeros_like(d)) - np.log(both / 2)) for d in densities]
        truth = np.trapezoid(np.sum(terms, axis=0), grid)
        found: dict[str, list[float]] = {"skxent": [], "mutual_info": []}
        for seed in range(repetitions):
            rng = np.random.default_rng(seed)
            y = rng.integers(0, 2, n)
            x = rng.normal(size=(n, 1)) + shift * y[:, None]
            found["skxent"].append(cross_entropy_classif(x, y)[0][0])
            found["mutual_info"].append(mutual_info_classif(x, y, random_state=0)[0])
        rows.append((f"{shift:g}", f"{truth:.4f}", *(f"{np.mean(v):.4f} ± {np.std(v):.4f}" for v in found.values())))
    print_table(("shift", "true information, nats", "skxent", "mutual_info k=3"), rows)


# --- Sets and drift ---


def photographs(rng: Rng, n: int = 30_000, size: int = 16) -> tuple[Array, Array]:
    """Patches of 16 × 16 pixels in three colours; the class is the quarter of the two photographs it comes from."""
    from sklearn.datasets import load_sample_images

    images = [image.astype(np.float32) / 255 for image in load_sample_images().images]
    photograph = rng.integers(0, len(images), n)
    corner = [rng.integers(0, images[0].shape[axis] - size, n) for axis in (0, 1)]
    patches = [images[p][i : i + size, j : j + size].ravel() for p, i, j in zip(photograph, *corner, strict=True)]
    quarter = [place * 2 // (images[0].shape[axis] - size) for axis, place in enumerate(corner)]
    return np.array(patches), photograph * 4 + quarter[0] * 2 + quarter[1]


def small_digits() -> tuple[Array, Array]:
    """Return the digits of scikit-learn: 8 × 8 pixels."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order], y[order]


def sets(rows_to_fit: int = 10_000) -> None:
    """Test accuracy of logistic regression with the first k pixels that each method chooses, and the time."""
    rows: list[Sequence[object]] = []
    for name, (X, y), ks in (
        ("MNIST", mnist(), (10, 30, 100)),
        ("patches of photographs", photographs(np.random.default_rng(0)), (10, 30, 100)),
        ("digits, 8 × 8", small_digits(), (10, 30)),
    ):
        n_test = len(y) // 6
        chosen = slice(0, len(y) - n_test)
        orders = {
            **{rule: chosen_order(name, X[chosen], y[chosen], rule, max(ks)) for rule in ("discriminant", "cmim")},
            "score alone": np.argsort(-cross_entropy_classif(X[chosen], y[chosen])[0]),
            "f_classif": np.argsort(-np.nan_to_num(f_classif(X[chosen], y[chosen])[0])),
            "random, mean of 5": None,
        }
        for method, pixels in orders.items():
            draws = [np.random.default_rng(seed).permutation(X.shape[1]) for seed in range(5)]
            several = draws if pixels is None else [pixels]
            accuracies = [np.mean([accuracy_with(X, y, each[:k], rows_to_fit, n_test) for each in several]) for k in ks]
            rows.append((name, method, *(f"{value:.3f}" for value in accuracies), *[""] * (3 - len(ks))))
    print_table(("", "", "k = 10", "30", "100"), rows)


def chosen_order(name: str, X: Array, y: Array, rule: str, k: int) -> Array:
    """Columns that a rule chooses one after the other; the time is printed."""
    start = time.process_time()
    order = CrossEntropySelector(redundancy=rule, k=k).fit(X, y).order_
    print(f"{name}, {rule}: {len(order)} of {X.shape[1]} columns in {time.process_time() - start:.1f} s of processor\n")
    return order


def accuracy_with(X: Array, y: Array, columns: Array, rows_to_fit: int, n_test: int) -> float:
    """Share of the last rows that logistic regression classifies rightly with some of the columns."""
    train, test = slice(0, min(rows_to_fit, len(y) - n_test)), slice(len(y) - n_test, None)
    scale = np.maximum(X[train][:, columns].std(axis=0), 1e-9)
    model = LogisticRegression(max_iter=60, tol=1e-2).fit(X[train][:, columns] / scale, y[train])
    return float(model.score(X[test][:, columns] / scale, y[test]))


def drift(columns: int = 200) -> None:
    """Rows until a change is found, and false alarms within 1,000 looks."""
    rng = np.random.default_rng(0)
    rows: list[Sequence[object]] = []
    for size in (0.25, 0.5, 1.0):
        monitor, found = ShiftMonitor().fit(rng.normal(size=(2_000, columns))), np.full(columns, np.inf)
        for seen in range(1, 600):
            monitor.partial_fit(rng.normal(size=(1, columns)) + size)
            found[(monitor.log_e_values_ >= np.log(20)) & np.isinf(found)] = seen
        rows.append((f"shift of {size} σ, looked at after each row", f"found in {np.median(found):.0f} rows (median)"))
    draws: dict[str, Callable[[int], Array]] = {
        "numbers": lambda n: rng.normal(size=(n, columns)),
        "categories": lambda n: rng.zipf(1.7, (n, columns)).clip(0, 20) * 1.0,
        "30 % missing": lambda n: np.where(rng.random((n, columns)) < 0.3, np.nan, rng.normal(size=(n, columns))),
    }
    for name, draw in draws.items():
        monitor, largest = ShiftMonitor().fit(draw(300)), np.zeros(columns)
        for _ in range(1_000):
            largest = np.maximum(largest, monitor.partial_fit(draw(3)).log_e_values_)
        rows.append((f"{name}, 1,000 looks", f"{100 * np.mean(largest >= np.log(20)):.1f} % of columns above 1/.05"))
    print_table(("", ""), rows)


# --- Speed and memory ---


def interleaved(contenders: Mapping[str, Callable[[], Any]], repetitions: int) -> dict[str, float]:
    """Median seconds for each, taking turns."""
    return {name: float(np.median(seconds)) for name, seconds in take_turns(contenders, repetitions).items()}


def speed(repetitions: int = 3) -> None:
    """All 784 pixels of 60,000 images; the slow peers on a few of the columns, and per column."""
    X, y = mnist()
    used = np.flatnonzero(X.any(axis=0))
    few, some = (np.random.default_rng(0).choice(used, size, replace=False) for size in (6, 24))
    rows: list[Sequence[object]] = []
    for jobs in (1, 2):
        by_neighbours = partial(mutual_info_classif, X[:, few], y, discrete_features=False, n_jobs=jobs)
        discrete = partial(mutual_info_classif, X[:, some], y, discrete_features=True, n_jobs=jobs)
        contenders: dict[str, tuple[int, Callable[[], Any]]] = {
            "skxent": (784, partial(cross_entropy_classif, X, y, n_jobs=jobs)),
            "mutual_info_classif": (len(few), by_neighbours),
            "mutual_info_classif, discrete": (len(some), discrete),
            "f_classif": (784, partial(f_classif, X, y)),
            "chi2": (784, partial(chi2, X, y)),
        }
        times = interleaved({name: function for name, (_, function) in contenders.items()}, repetitions)
        own = times["skxent"] / 784
        for name, (columns, _) in contenders.items():
            column = times[name] / columns
            rows.append((jobs, name, columns, f"{times[name]:.2f}", f"{1e3 * column:.2f}", f"{column / own:.1f}"))
    print_table(("jobs", "", "columns timed", "seconds", "ms a column", "ratio to skxent"), rows)


def categories(n: int = 1_000_000, repetitions: int = 3) -> None:
    """Time of a column of categories, and of numbers of several types, in a million rows."""
    import pandas as pd
    import polars as pl

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    few = pd.Categorical.from_codes(rng.integers(0, 1_000, n), [f"name{at}" for at in range(1_000)])
    each = np.array([f"user{at}" for at in rng.permutation(n)], dtype=object)
    bytes_ = rng.integers(0, 256, (n, 8))
    columns: dict[str, Any] = {
        "1,000 levels, pandas' Categorical": pd.DataFrame({"a": few}),
        "1,000 levels, Polars' Categorical": pl.DataFrame({"a": pl.Series(few.tolist(), dtype=pl.Categorical)}),
        "1,000 levels, Polars' Enum": pl.DataFrame({"a": pl.Series(few.tolist(), dtype=pl.Enum(few.categories))}),
        "1,000 levels, text of Polars": pl.DataFrame({"a": few.tolist()}),
        "1,000,000 levels, objects": each[:, None],
        "1,000,000 levels, text of pandas": pd.DataFrame({"a": each}),
        "1,000,000 levels, pandas' Categorical": pd.DataFrame({"a": pd.Categorical(each)}),
        "1,000,000 levels, Polars' Categorical": pl.DataFrame({"a": pl.Series(each.tolist(), dtype=pl.Categorical)}),
        **{f"8 columns, {kind.__name__}": bytes_.astype(kind) for kind in (np.uint8, np.int64, np.float32, np.float64)},
    }
    contenders: dict[str, Callable[[], Any]] = {
        "1,000 levels, pandas.crosstab alone": partial(pd.crosstab, few, y),
        **{name: partial(cross_entropy_classif, X, y) for name, X in columns.items()},
    }
    times = interleaved(contenders, repetitions)
    print_table(("", "seconds"), [(name, f"{seconds:.2f}") for name, seconds in times.items()])


def words(rng: Rng, n_documents: int, n_words: int, length: int) -> tuple[Any, Array]:
    """Draw counts of words by Zipf's law, in documents of 20 classes."""
    rank = rng.zipf(1.2, size=n_documents * length)
    word = rank[rank < n_words]
    document = rng.integers(0, n_documents, len(word))
    matrix = sp.coo_array((np.ones(len(word)), (document, word)), shape=(n_documents, n_words)).tocsr()
    matrix.sum_duplicates()
    return matrix, rng.integers(0, 20, n_documents)


def sparse(repetitions: int = 3) -> None:
    """50,000 columns of text: time against the number of stored values."""
    rng = np.random.default_rng(0)
    rows: list[Sequence[object]] = []
    for n_documents in (10_000, 20_000, 40_000, 80_000):
        X, y = words(rng, n_documents, 50_000, 150)
        few = X[:, rng.choice(50_000, 200, replace=False)]
        contenders = {
            "skxent": partial(cross_entropy_classif, X, y),
            "chi2": partial(chi2, X, y),
            "f_classif": partial(f_classif, X, y),
            "mutual_info": partial(mutual_info_classif, few, y, discrete_features=True),
        }
        times = interleaved(contenders, repetitions)
        times["mutual_info"] *= 50_000 / 200
        rows.append(
            (
                f"{n_documents:,}",
                f"{X.nnz:,}",
                f"{times['skxent']:.2f}",
                f"{1e9 * times['skxent'] / X.nnz:.0f}",
                *(f"{times[name] / times['skxent']:.2f}" for name in ("mutual_info", "f_classif", "chi2")),
            )
        )
    header = (
        "documents",
        "stored",
        "skxent, s",
        "ns a stored value",
        "mutual_info ×",
        "f_classif ×",
        "chi2 ×",
    )
    print_table(header, rows)


def peak(function: Callable[[], Any]) -> int:
    """Bytes that a call holds at its peak beyond what was there before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def counting_peak(X: Array, y: Array) -> int:
    """Peak of counting all columns, once the classes and the order of the rows are known."""
    features, target = read_features(X), read_target(y, None, len(y))
    blocks = features.blocks(target.n_classes)
    features.count(blocks[0], target, auto_bins(target.totals))

    def count_all() -> None:
        for block in blocks:
            features.count(block, target, auto_bins(target.totals))

    return peak(count_all)


def memory() -> None:
    """Peak of what a call allocates."""
    X, y = mnist()
    G = np.random.default_rng(0).normal(size=(60_000, 100))
    W, labels = words(np.random.default_rng(0), 20_000, 50_000, 150)
    rows: list[Sequence[object]] = []
    calls: list[tuple[str, Array, Callable[..., Any]]] = [
        ("MNIST, float32", X, cross_entropy_classif),
        ("MNIST, two threads", X, partial(cross_entropy_classif, n_jobs=2)),
        ("Gaussian, float64", G, cross_entropy_classif),
        ("mutual_info_classif, two pixels", X[:, 400:402], mutual_info_classif),
        ("f_classif, MNIST", X, f_classif),
        ("chi2, MNIST", X, chi2),
    ]
    for name, data, function in calls:
        column = data.itemsize * len(data)
        ours = name.startswith(("MNIST, float32", "Gaussian"))
        counting = f"{counting_peak(data, y) / column:.2f} columns" if ours else "-"
        used = peak(partial(function, data, y)) / 1e6
        size = f"{data.size * data.itemsize / 1e6:.1f}"
        rows.append((name, data.shape[1], size, f"{column / 1e6:.2f}", f"{used:.2f}", counting))
    stored = f"{(W.data.nbytes + W.indices.nbytes) / 1e6:.1f}"
    used = peak(partial(cross_entropy_classif, W, labels)) / 1e6
    rows.append(("sparse text", W.shape[1], stored, "-", f"{used:.2f}", "-"))
    print_table(("", "columns", "data, MB", "one column, MB", "peak of the call, MB", "of counting alone"), rows)


PARTS: dict[str, Callable[[], None]] = {
    part.__name__: part
    for part in (
        noise,
        selected,
        power,
        bins,
        ranking,
        strength,
        sets,
        drift,
        categories,
        speed,
        sparse,
        memory,
    )
}


def main() -> None:
    """Run the parts that the command line names, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=" ".join(PARTS))
    print(machine(), end="\n\n")
    for name in parser.parse_args().parts:
        start = time.perf_counter()
        print(f"## {name}: {PARTS[name].__doc__}\n")
        PARTS[name]()
        print(f"\n({time.perf_counter() - start:.0f} s)\n", flush=True)


if __name__ == "__main__":
    main()
