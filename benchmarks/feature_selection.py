"""Feature selection by cross-entropy: level of noise, ranking against peers, speed, memory.

Prints the tables of RESULTS_feature_selection.md; a full run takes about five minutes.

    python benchmarks/feature_selection.py [noise selected ranking strength sets drift speed sparse memory]
"""

import argparse
import time
import tracemalloc
from functools import partial

import numpy as np
import scipy.sparse as sp
from _report import machine, print_table
from _timing import take_turns
from problems import mnist
from scipy import stats
from sklearn.feature_selection import chi2, f_classif, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from skxent.feature_selection import CountTable, CrossEntropySelector, ShiftMonitor, cross_entropy_classif
from skxent.feature_selection._binning import auto_bins
from skxent.feature_selection._features import read_features
from skxent.feature_selection._significance import CORRECTIONS, adjust_pvalues, independence_pvalues
from skxent.feature_selection._target import read_target
from skxent.feature_selection.scores import leave_one_out

NEIGHBOURS = (1, 3, 10, 30)


# --- Noise ---


def noise_tables(rng, class_totals, bins, even, repetitions):
    """Draw the tables of features that are independent of y, of shape (repetitions, bins, classes).

    The tables are drawn from their distribution, rather than n rows from theirs. `even` is for quantile bins:
    they have the same number of rows, and shuffled classes fill them. A category's number of rows is random.
    """
    if not even:
        uniform = np.full(bins, 1 / bins)
        return np.stack([rng.multinomial(total, uniform, size=repetitions) for total in class_totals], axis=2)
    n = class_totals.sum()
    free = np.tile(np.diff(-(-np.arange(bins + 1) * n // bins)), (repetitions, 1))
    counts = np.empty((repetitions, bins, len(class_totals)), dtype=np.int64)
    for k, total in enumerate(class_totals):
        left, places = np.full(repetitions, total), free.sum(axis=1)
        for b in range(bins):
            places -= free[:, b]
            counts[:, b, k] = rng.hypergeometric(free[:, b], places, left)
            left -= counts[:, b, k]
        free -= counts[:, :, k]
    return counts


def as_count_table(counts, class_totals):
    """Make each repetition a feature of one table."""
    feature, row, label = np.nonzero(counts)
    first = np.append(True, (np.diff(row) != 0) | (np.diff(feature) != 0))
    filled = counts[feature, row, label].astype(float)
    edges = (np.empty(0),) * len(counts)
    return CountTable(np.cumsum(first) - 1, label, filled, feature[first], class_totals.astype(float), edges)


def noise(repetitions=1_000):
    """Share of noise features that score at most 0, and share that the p-value calls significant."""
    rng = np.random.default_rng(0)
    rows, not_above, rejected = [], [], []
    for n in (100, 1_000, 100_000):
        for n_classes in (2, 10):
            for levels in (None, 2, 3, 5, 10, 30, 100, 300, 1000):
                bins = levels or auto_bins(np.full(n_classes, n / n_classes))
                scores, pvalues = noise_scores(rng, n, bins, n_classes, levels is None, repetitions)
                freedom = (bins - 1) * (n_classes - 1)
                not_above.append(np.mean(scores <= 0))
                rejected.append(np.mean(pvalues <= 0.05))
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
    header = (
        "n",
        "classes",
        "levels",
        "d",
        "mean·2n/d",
        "score ≤ 0",
        "P(χ² ≤ 2d)",
        "… or p > 5 %",
        "p ≤ 5 %",
    )
    print_table(header, rows)
    print(
        f"\nAll settings together: score ≤ 0 in {100 * np.mean(not_above):.1f} %; "
        f"≥ 95 % in {np.sum(np.array(not_above) >= 0.95)} of {len(rows)} settings. "
        f"p ≤ 5 % in {100 * np.mean(rejected):.2f} %, "
        f"from {100 * min(rejected):.1f} % to {100 * max(rejected):.1f} %.\n"
    )


def noise_scores(rng, n, bins, n_classes, even, repetitions):
    """Scores and p-values of noise features with `bins` bins, against classes of about the same size."""
    scores, pvalues = [], []
    class_totals = rng.multinomial(n, np.full(n_classes, 1 / n_classes))
    at_once = max(1, 1_000_000 // (bins * n_classes))
    for start in range(0, repetitions, at_once):
        counts = noise_tables(rng, class_totals, bins, even, min(at_once, repetitions - start))
        table = as_count_table(counts, class_totals)
        scores.append(table.mean_rows(leave_one_out(table)))
        pvalues.append(independence_pvalues(table))
    return np.concatenate(scores), np.concatenate(pvalues)


def brown_words():
    """Return which of Brown's 500 documents have which words, of those that five documents or more have."""
    from nltk.corpus import brown

    vocabulary, document, word = {}, [], []
    for at, name in enumerate(brown.fileids()):
        present = {token.lower() for token in brown.words(name)}
        document += [at] * len(present)
        word += [vocabulary.setdefault(each, len(vocabulary)) for each in present]
    matrix = sp.coo_array((np.ones(len(word)), (document, word))).tocsc()
    return matrix[:, np.flatnonzero(np.diff(matrix.indptr) >= 5)]


def rare_flags(rng, n, columns=100):
    """Draw flags that 2 of n to 30 % of the rows have."""
    return sp.csc_array((rng.random((n, columns)) < np.exp(rng.uniform(np.log(2 / n), np.log(0.3), columns))) * 1.0)


def zero_inflated(rng, n, columns=100):
    """Draw numbers of which half to nearly all are 0, the others log-normal."""
    return np.where(rng.random((n, columns)) < rng.uniform(0.02, 0.5, columns), rng.lognormal(0, 2, (n, columns)), 0.0)


def heavy_tailed(rng, n, columns=100):
    """Draw Cauchy numbers."""
    return rng.standard_cauchy((n, columns))


CLASSES = {
    "2": [0.5, 0.5],
    "2, 1 %": [0.99, 0.01],
    "10": [0.1] * 10,
    "10, 1.4 to 50 %": [0.5, 0.3, 0.1, *[0.1 / 7] * 7],
}


def selected(runs=1000, seconds_each=60):
    """Share of runs with shuffled labels in which anything is selected at .05."""
    rng = np.random.default_rng(0)
    sets = {
        f"{make.__name__}, {n:,} rows": make(rng, n)
        for make in (rare_flags, zero_inflated, heavy_tailed)
        for n in (100, 1_000, 10_000)
    }
    try:
        sets["words of Brown, 500 rows"] = brown_words()
    except LookupError:
        print("(Brown's corpus is not there)")
    rows = []
    for name, X in sets.items():
        for classes, shares in CLASSES.items():
            y = np.repeat(np.arange(len(shares)), np.ceil(X.shape[0] * np.array(shares)).astype(int))[-X.shape[0] :]
            found, below, start = [], [], time.perf_counter()
            while len(found) < runs and time.perf_counter() - start < seconds_each:
                pvalues = cross_entropy_classif(X, rng.permutation(y))[1]
                found.append([np.any(adjust_pvalues(pvalues, name) <= 0.05) for name in CORRECTIONS])
                below.append(np.mean(pvalues <= 0.05))
            shares = [f"{100 * share:.1f} %" for share in np.mean(found, axis=0)]
            rows.append((name, X.shape[1], classes, len(found), *shares, f"{100 * np.mean(below):.1f} %"))
    print_table(("columns", "", "classes", "runs", *CORRECTIONS, "p ≤ 5 %"), rows)


# --- Ranking ---

INFORMATIVE, NOISE = 10, 40


def shifted(rng, n, y, size):
    """Draw normal features whose mean depends on the class."""
    return rng.normal(size=(n, INFORMATIVE)) + size * y[:, None]


def categories(rng, n, y, levels, strength):
    """Categories of which each prefers a class, more or less."""
    preferred = rng.integers(0, 2, (levels, INFORMATIVE))
    first = rng.integers(0, levels, (n, INFORMATIVE))
    second = rng.integers(0, levels, (n, INFORMATIVE))
    agrees = np.take_along_axis(preferred, first, axis=0) == y[:, None]
    return np.where(agrees | (rng.random((n, INFORMATIVE)) > strength), first, second).astype(float)


def weak_shift(rng, n):
    """Gaussian, the mean shifts by 0.25."""
    y = rng.integers(0, 2, n)
    return shifted(rng, n, y, 0.25), rng.normal(size=(n, NOISE)), y, False


def non_monotone(rng, n):
    """Gaussian, only the spread differs: by a factor 1.4."""
    y = rng.integers(0, 2, n)
    return (
        rng.normal(size=(n, INFORMATIVE)) * np.where(y, 1.4, 1.0)[:, None],
        rng.normal(size=(n, NOISE)),
        y,
        False,
    )


def heavy_tails(rng, n):
    """Log-Cauchy, the logarithm shifts by 0.5."""
    y = rng.integers(0, 2, n)
    signal = rng.standard_cauchy((n, INFORMATIVE)) + 0.5 * y[:, None]
    both = np.exp(np.clip(np.column_stack([signal, rng.standard_cauchy((n, NOISE))]), -30, 30))
    return both[:, :INFORMATIVE], both[:, INFORMATIVE:], y, False


def categorical(rng, n):
    """Codes of 5 to 50 categories; noise features of 2 to 50."""
    y = rng.integers(0, 2, n)
    signal = np.column_stack([categories(rng, n, y, levels, 0.35)[:, :2] for levels in (5, 10, 20, 30, 50)])
    noise_features = np.column_stack([rng.integers(0, levels, n) for levels in rng.integers(2, 51, NOISE)])
    return signal, noise_features, y, True


def mixed(rng, n):
    """Shifts, spreads, categories and values missing by class, beside numeric and categorical noise."""
    y = rng.integers(0, 2, n)
    missing = np.where(rng.random((n, INFORMATIVE)) < 0.1 + 0.1 * y[:, None], -1.0, rng.random((n, INFORMATIVE)))
    spread = rng.normal(size=(n, INFORMATIVE)) * np.where(y, 1.5, 1.0)[:, None]
    parts = shifted(rng, n, y, 0.35), spread, categories(rng, n, y, 20, 0.35), missing
    signal = np.column_stack([part[:, :3] for part in parts])[:, :INFORMATIVE]
    noise_features = np.column_stack([rng.normal(size=(n, NOISE // 2)), rng.integers(0, 30, (n, NOISE // 2))])
    discrete = np.isin(np.arange(INFORMATIVE + NOISE), [6, 7, 8, *range(INFORMATIVE + NOISE // 2, INFORMATIVE + NOISE)])
    return signal, noise_features, y, discrete


def counts(rng, n):
    """Word counts: Poisson, the rate of 0.3 grows by a half."""
    y = rng.integers(0, 2, n)
    rate = 0.3 * np.where(y, 1.5, 1.0)[:, None]
    return rng.poisson(rate, (n, INFORMATIVE)), rng.poisson(0.3, (n, NOISE)), y, True


def parity(rng, n):
    """XOR: pairs of bits whose parity is the class."""
    y = rng.integers(0, 2, n)
    first = rng.integers(0, 2, (n, INFORMATIVE // 2))
    return np.column_stack([first, first ^ y[:, None]]), rng.integers(0, 2, (n, NOISE)), y, True


DATA_SETS = (mixed, categorical, non_monotone, heavy_tails, counts, weak_shift, parity)


def one_ranking(data_set, seed, n):
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


def ranking(repetitions=20, n=500):
    """AUC of informative against noise features, mean over data sets drawn anew."""
    rows = []
    for data_set in DATA_SETS:
        runs = [one_ranking(data_set, seed, n) for seed in range(repetitions)]
        mean = {name: np.mean([run[name] for run in runs]) for name in runs[0]}
        neighbours = {k: mean[f"mutual_info k={k}"] for k in NEIGHBOURS}
        best = max(neighbours, key=neighbours.get)
        error = np.std([run["skxent"] - run[f"mutual_info k={best}"] for run in runs]) / np.sqrt(repetitions)
        rows.append(
            (
                f"{data_set.__name__}: {data_set.__doc__.rstrip('.')}",
                f"{mean['skxent']:.3f}",
                f"{neighbours[best]:.3f} (k = {best})",
                f"{mean['skxent'] - neighbours[best]:+.3f} ± {error:.3f}",
                f"{mean['f_classif']:.3f}",
                f"{mean['chi2']:.3f}",
            )
        )
    print_table(("data", "skxent", "mutual_info, best k", "difference", "f_classif", "chi2"), rows)


def strength(n=5_000, repetitions=10):
    """Estimated information of one Gaussian feature against the truth, ever stronger separated."""
    rows = []
    for shift in (0.0, 0.5, 1.0, 2.0, 4.0, 6.0):
        grid = np.linspace(-10, 10 + shift, 200_001)
        densities = np.array([stats.norm.pdf(grid), stats.norm.pdf(grid, shift)]) / 2
        both = densities.sum(axis=0)
        terms = [d * (np.log(d, where=d > 0, out=np.zeros_like(d)) - np.log(both / 2)) for d in densities]
        truth = np.trapezoid(np.sum(terms, axis=0), grid)
        found = {"skxent": [], "mutual_info": []}
        for seed in range(repetitions):
            rng = np.random.default_rng(seed)
            y = rng.integers(0, 2, n)
            x = rng.normal(size=(n, 1)) + shift * y[:, None]
            found["skxent"].append(cross_entropy_classif(x, y)[0][0])
            found["mutual_info"].append(mutual_info_classif(x, y, random_state=0)[0])
        rows.append((f"{shift:g}", f"{truth:.4f}", *(f"{np.mean(v):.4f} ± {np.std(v):.4f}" for v in found.values())))
    print_table(("shift", "true information, nats", "skxent", "mutual_info k=3"), rows)


# --- Sets and drift ---


def sets(rows_to_fit=10_000):
    """Test accuracy of logistic regression with the first k pixels that each method chooses, and the time."""
    X, y = mnist()
    start = time.perf_counter()
    order = CrossEntropySelector(redundancy="cmim", k=100).fit(X, y).order_
    print(f"100 of 784 pixels chosen in {time.perf_counter() - start:.1f} s\n")
    train, test = slice(0, rows_to_fit), slice(50_000, 60_000)
    orders = {
        "cmim": order,
        "score alone": np.argsort(-cross_entropy_classif(X, y)[0]),
        "f_classif": np.argsort(-np.nan_to_num(f_classif(X, y)[0])),
        "random": np.random.default_rng(0).permutation(X.shape[1]),
    }
    rows = []
    for name, pixels in orders.items():
        accuracies = []
        for k in (10, 30, 100):
            model = LogisticRegression(max_iter=60, tol=1e-2).fit(X[train][:, pixels[:k]], y[train])
            accuracies.append(f"{model.score(X[test][:, pixels[:k]], y[test]):.3f}")
        rows.append((name, *accuracies))
    print_table(("", "k = 10", "30", "100"), rows)


def drift(columns=200):
    """Rows until a change is found, and false alarms within 1,000 looks."""
    rng = np.random.default_rng(0)
    rows = []
    for size in (0.25, 0.5, 1.0):
        monitor, found = ShiftMonitor().fit(rng.normal(size=(2_000, columns))), np.full(columns, np.inf)
        for seen in range(1, 600):
            monitor.partial_fit(rng.normal(size=(1, columns)) + size)
            found[(monitor.log_e_values_ >= np.log(20)) & np.isinf(found)] = seen
        rows.append((f"shift of {size} σ, looked at after each row", f"found in {np.median(found):.0f} rows (median)"))
    for name, draw in {
        "numbers": lambda n: rng.normal(size=(n, columns)),
        "categories": lambda n: rng.zipf(1.7, (n, columns)).clip(0, 20) * 1.0,
        "30 % missing": lambda n: np.where(rng.random((n, columns)) < 0.3, np.nan, rng.normal(size=(n, columns))),
    }.items():
        monitor, largest = ShiftMonitor().fit(draw(300)), np.zeros(columns)
        for _ in range(1_000):
            largest = np.maximum(largest, monitor.partial_fit(draw(3)).log_e_values_)
        rows.append((f"{name}, 1,000 looks", f"{100 * np.mean(largest >= np.log(20)):.1f} % of columns above 1/.05"))
    print_table(("", ""), rows)


# --- Speed and memory ---


def interleaved(contenders, repetitions):
    """Median seconds for each, taking turns."""
    return {name: np.median(seconds) for name, seconds in take_turns(contenders, repetitions).items()}


def speed(repetitions=3):
    """All 784 pixels of 60,000 images; the slow peers on a few of the columns, and per column."""
    X, y = mnist()
    used = np.flatnonzero(X.any(axis=0))
    few, some = (np.random.default_rng(0).choice(used, size, replace=False) for size in (6, 24))
    rows = []
    for jobs in (1, 2):
        contenders = {
            "skxent": (784, lambda jobs=jobs: cross_entropy_classif(X, y, n_jobs=jobs)),
            "mutual_info_classif": (
                len(few),
                lambda jobs=jobs: mutual_info_classif(X[:, few], y, discrete_features=False, n_jobs=jobs),
            ),
            "mutual_info_classif, discrete": (
                len(some),
                lambda jobs=jobs: mutual_info_classif(X[:, some], y, discrete_features=True, n_jobs=jobs),
            ),
            "f_classif": (784, lambda: f_classif(X, y)),
            "chi2": (784, lambda: chi2(X, y)),
        }
        times = interleaved({name: function for name, (_, function) in contenders.items()}, repetitions)
        own = times["skxent"] / 784
        for name, (columns, _) in contenders.items():
            column = times[name] / columns
            rows.append((jobs, name, columns, f"{times[name]:.2f}", f"{1e3 * column:.2f}", f"{column / own:.1f}"))
    print_table(("jobs", "", "columns timed", "seconds", "ms a column", "ratio to skxent"), rows)


def words(rng, n_documents, n_words, length):
    """Draw counts of words by Zipf's law, in documents of 20 classes."""
    rank = rng.zipf(1.2, size=n_documents * length)
    word = rank[rank < n_words]
    document = rng.integers(0, n_documents, len(word))
    matrix = sp.coo_array((np.ones(len(word)), (document, word)), shape=(n_documents, n_words)).tocsr()
    matrix.sum_duplicates()
    return matrix, rng.integers(0, 20, n_documents)


def sparse(repetitions=3):
    """50,000 columns of text: time against the number of stored values."""
    rng = np.random.default_rng(0)
    rows = []
    for n_documents in (10_000, 20_000, 40_000, 80_000):
        X, y = words(rng, n_documents, 50_000, 150)
        few = X[:, rng.choice(50_000, 200, replace=False)]
        contenders = {
            "skxent": lambda X=X, y=y: cross_entropy_classif(X, y),
            "chi2": lambda X=X, y=y: chi2(X, y),
            "f_classif": lambda X=X, y=y: f_classif(X, y),
            "mutual_info": lambda X=few, y=y: mutual_info_classif(X, y, discrete_features=True),
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


def peak(function):
    """Bytes that a call holds at its peak beyond what was there before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def counting_peak(X, y):
    """Peak of counting all columns, once the classes and the order of the rows are known."""
    features, target = read_features(X), read_target(y, None, len(y))
    blocks = features.blocks(target.n_classes)
    features.count(blocks[0], target, auto_bins(target.totals))
    return peak(lambda: [features.count(block, target, auto_bins(target.totals)) and None for block in blocks])


def memory():
    """Peak of what a call allocates."""
    X, y = mnist()
    G = np.random.default_rng(0).normal(size=(60_000, 100))
    W, labels = words(np.random.default_rng(0), 20_000, 50_000, 150)
    rows = []
    for name, data, function in (
        ("MNIST, float32", X, cross_entropy_classif),
        ("MNIST, two threads", X, partial(cross_entropy_classif, n_jobs=2)),
        ("Gaussian, float64", G, cross_entropy_classif),
        ("mutual_info_classif, two pixels", X[:, 400:402], mutual_info_classif),
        ("f_classif, MNIST", X, f_classif),
        ("chi2, MNIST", X, chi2),
    ):
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


PARTS = {part.__name__: part for part in (noise, selected, ranking, strength, sets, drift, speed, sparse, memory)}


def main():
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
