"""Wrong labels: every loss and noise correction against cleanlab and scikit-learn, on data whose labels we spoil.

    python benchmarks/label_noise.py [--data digits wine] [--seeds 0 1] [--records label_noise.jsonl] > tables.md
    python benchmarks/label_noise.py --report  # the tables of what has been recorded so far

Each training set is spoilt in a known way; the test set keeps its labels. A method's penalty is the one of `ALPHAS`
with the best accuracy on a fifth of the *spoilt* training data, the same for all, as a user must choose it; then it is
fitted on all. skxent's `SoftmaxRegressorCV` walks along the penalties; the others are fitted once for each, as
`GridSearchCV` does. Times are of the choice and the last fit together, in seconds of processor time, which other work
on the machine hardly changes; beside them are those of a fit at the penalty chosen.

Results go to the records as they come, one line for each data set, kind of noise and seed; lines that are there
already are not computed again, so that a run can be interrupted. A full run takes half an hour of one core. A ± is
followed by the standard deviation over the seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _report import machine, print_table
from numpy.typing import NDArray
from problems import ROOT, mnist_split
from scipy.special import softmax
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skxent import SoftmaxRegressor, SoftmaxRegressorCV
from skxent.label_noise import label_quality
from skxent.losses import LOSSES, ForwardCorrection

Array = NDArray[Any]

_NAN = float("nan")
# Of two that are as good the stronger one is chosen.
ALPHAS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
# Tolerance of skxent's fits that only serve the choice.
PATH_TOL = 1e-2
CLEAN_LEARNING = "CleanLearning (cleanlab)"
# The same with the penalty that is best without it, which saves most of the fits.
CLEAN_LEARNING_AFTER = "CleanLearning, penalty of LogisticRegression"
# Without it its rows and the tables that compare with it are missing.
CLEANLAB = find_spec("cleanlab") is not None
# Share of CleanLearning's time that we want to take at most.
QUARTER = 0.25
PEERS = (CLEAN_LEARNING, CLEAN_LEARNING_AFTER, "LogisticRegression")

# --- Data ---


class Data(NamedTuple):
    """Training data with true labels 0, 1, …, and test data."""

    X: Array
    y: Array
    X_test: Array
    y_test: Array


def halves(X: Array, y: Array, seed: int) -> Data:
    """Return a random half to train on and the other to test, scaled by the first."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=seed, stratify=y)
    scaler = StandardScaler().fit(X_train)
    return Data(scaler.transform(X_train), y_train, scaler.transform(X_test), y_test)


def digits(seed: int) -> Data:
    """Return 1,797 images of 8 × 8 pixels, 10 classes."""
    X, y = load_digits(return_X_y=True)
    return halves(X, y, seed)


def wine(seed: int) -> Data:
    """Return 178 wines with 13 measurements, 3 classes."""
    X, y = load_wine(return_X_y=True)
    return halves(X, y, seed)


def cancer(seed: int) -> Data:
    """Return 569 tumours with 30 measurements, 2 classes."""
    X, y = load_breast_cancer(return_X_y=True)
    return halves(X, y, seed)


_mnist = cache(mnist_split)


def mnist(seed: int) -> Data:
    """Return 1,000 images of 14 × 14 pixels to train on, others for each seed, and 10,000 to test; 10 classes."""
    X, y, X_test, y_test = _mnist()
    rows = np.random.default_rng(seed).choice(len(X), 1_000, replace=False)
    return Data(_halved(X[rows]), y[rows], _halved(X_test), y_test)


def _halved(images: Array) -> Array:
    """Return images of 28 × 28 pixels at half the resolution."""
    halved: Array = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(images), -1)
    return halved


def topics(seed: int) -> Data:
    """Return 259 lines on three topics as weights of their words, three quarters of them to train on."""
    parts = [(path, k) for k, name in enumerate(("kitchen", "sea", "sky")) for path in _corpus(name)]
    lines = [(line, k) for path, k in parts for line in path.read_text().splitlines()]
    texts, labels = [line for line, _ in lines], np.array([k for _, k in lines])
    train, test, y, y_test = train_test_split(texts, labels, test_size=0.25, random_state=seed, stratify=labels)
    words = TfidfVectorizer(sublinear_tf=True).fit(train)
    return Data(words.transform(train).toarray(), y, words.transform(test).toarray(), y_test)


def _corpus(name: str) -> list[Path]:
    return [ROOT / "data" / "corpus" / part / f"{name}.txt" for part in ("train", "test")]


def clouds(seed: int) -> Data:
    """Return 3,000 points in 20 dimensions, 5 classes of several clouds each: no linear model is right."""
    X, y = make_classification(
        3_000, 20, n_informative=8, n_redundant=4, n_classes=5, n_clusters_per_class=2, class_sep=1.5, random_state=seed
    )
    return halves(X, y, seed)


def ratings(seed: int) -> Data:
    """Return 3,000 rows with 11 features and a rating of 7 levels, most of them in the middle, as wines are rated."""
    rng = np.random.default_rng(seed)
    X = rng.standard_t(5, size=(3_000, 11))
    taste = X @ rng.normal(size=11) + rng.logistic(size=len(X))
    y = np.searchsorted(np.quantile(taste, [0.03, 0.1, 0.35, 0.7, 0.9, 0.98]), taste)
    return halves(X, y, seed)


def many(seed: int) -> Data:
    """Return 2,000 points in 50 dimensions, 20 classes that a linear model can tell apart but for noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(20, size=2_000)
    X = rng.normal(size=(len(y), 50)) + rng.normal(size=(20, 50))[y] * 0.6
    return halves(X, y, seed)


DATA: dict[str, Callable[[int], Data]] = {
    make.__name__: make for make in (digits, mnist, wine, cancer, topics, clouds, ratings, many)
}

# --- Noise ---


class Spoilt(NamedTuple):
    """Labels given, and the matrix of how often each class was labelled as each."""

    labels: Array
    transition: Array


def by_matrix(transition: Array, data: Data, rng: np.random.Generator) -> Spoilt:
    """Draw labels from the rows of a matrix."""
    draws = rng.random(len(data.y))[:, np.newaxis]
    labels = (draws > transition[data.y].cumsum(axis=1)).sum(axis=1).clip(max=len(transition) - 1)
    return Spoilt(labels, transition)


def symmetric(rate: float, data: Data, rng: np.random.Generator) -> Spoilt:
    """Replace a share of the labels by any of the others."""
    n = data.y.max() + 1
    return by_matrix((1 - rate) * np.eye(n) + rate * (1 - np.eye(n)) / (n - 1), data, rng)


def pairs(rate: float, data: Data, rng: np.random.Generator) -> Spoilt:
    """Replace a share of the labels by the next class."""
    eye = np.eye(data.y.max() + 1)
    return by_matrix((1 - rate) * eye + rate * np.roll(eye, 1, axis=1), data, rng)


def by_class(rate: float, data: Data, rng: np.random.Generator) -> Spoilt:
    """Replace labels at a rate of each class's own, up to twice `rate`, mostly by a few others, never by most."""
    n = data.y.max() + 1
    transition = np.eye(n)
    for k in range(n):
        wrong = rng.uniform(0, min(2 * rate, 0.48))
        transition[k] = np.insert(wrong * rng.dirichlet(np.full(n - 1, 0.5)), k, 1 - wrong)
    return by_matrix(transition, data, rng)


def by_features(rate: float, data: Data, rng: np.random.Generator) -> Spoilt:
    """Replace labels by the class most like it, the more often the less clear the row is to a model of the truth."""
    n = data.y.max() + 1
    p = LogisticRegression(C=0.1, max_iter=2_000).fit(data.X, data.y).predict_proba(data.X)
    own = p[np.arange(len(p)), data.y]
    rank = own.argsort().argsort() / len(p)
    p[np.arange(len(p)), data.y] = -1
    spoilt = rng.random(len(p)) < 2 * rate * (1 - rank)
    labels = np.where(spoilt, p.argmax(axis=1), data.y)
    counts = np.zeros((n, n))
    np.add.at(counts, (data.y, labels), 1)
    return Spoilt(labels, counts / counts.sum(axis=1, keepdims=True))


NOISES: dict[str, Callable[[Data, np.random.Generator], Spoilt]] = {
    "none": lambda data, rng: symmetric(0, data, rng),
    "symmetric 20 %": lambda data, rng: symmetric(0.2, data, rng),
    "symmetric 40 %": lambda data, rng: symmetric(0.4, data, rng),
    "pairs 20 %": lambda data, rng: pairs(0.2, data, rng),
    "pairs 40 %": lambda data, rng: pairs(0.4, data, rng),
    "by class": lambda data, rng: by_class(0.3, data, rng),
    "by features": lambda data, rng: by_features(0.3, data, rng),
}

# --- Methods ---


class Fitted(NamedTuple):
    """A classifier with its penalty chosen, fitted to all rows, and what it said of the validation rows before that.

    `last` is the seconds of processor time of a fit at the penalty chosen. `given` are probabilities of the labels as
    they are given, wrong ones included.
    """

    model: Any
    alpha: float
    last: float
    predicted: Array
    given: Array


# From training data, spoilt labels, and the rows to fit and to validate while the penalty is chosen.
Method = Callable[[Array, Spoilt, Array, Array], Fitted]


def with_loss(loss_of: Callable[[Array], Any]) -> Method:
    """Return softmax regression with a loss, which may depend on the true matrix."""

    def fit(X: Array, spoilt: Spoilt, train: Array, validation: Array) -> Fitted:
        search = SoftmaxRegressorCV(
            loss_of(spoilt.transition),
            alphas=ALPHAS,
            cv=[(train, validation)],
            scoring="accuracy",
            path_tol=PATH_TOL,
        ).fit(X, spoilt.labels)
        w = search.coefs_paths_[0, list(search.alphas_).index(search.alpha_)]
        p = softmax(X[validation] @ w[:, :-1].T + w[:, -1], axis=1)
        return Fitted(search, search.alpha_, _NAN, search.classes_[p.argmax(axis=1)], p @ _matrix(search, len(p.T)))

    return fit


def _matrix(model: Any, n_classes: int) -> Array:
    return np.asarray(getattr(model, "transition_", np.eye(n_classes)))


def by_grid(make: Callable[[float, int, int], Any], judge: Callable[[float, int, int], Any] | None = None) -> Method:
    """Return a classifier that is made from a penalty, the number of rows and that of classes; `judge` is scored."""

    def fit(X: Array, spoilt: Spoilt, train: Array, validation: Array) -> Fitted:
        n_classes = len(spoilt.transition)
        tried = {}
        for alpha in ALPHAS:
            model = (judge or make)(alpha, len(train), n_classes).fit(X[train], spoilt.labels[train])
            tried[alpha] = model, float(np.mean(model.predict(X[validation]) == spoilt.labels[validation]))
        alpha = max(ALPHAS, key=lambda a: tried[a][1])
        start = time.process_time()
        model = make(alpha, len(X), n_classes).fit(X, spoilt.labels)
        last = time.process_time() - start
        judged = tried[alpha][0]
        return Fitted(model, alpha, last, judged.predict(X[validation]), judged.predict_proba(X[validation]))

    return fit


def logistic_regression(alpha: float, n: int, k: int) -> Any:
    """Return the same model as skxent's with cross-entropy; with two classes scikit-learn counts the penalty half."""
    return LogisticRegression(C=(2 if k == 2 else 1) / (alpha * n), max_iter=2_000)


def clean_learning(alpha: float, n: int, k: int) -> Any:
    """Return cleanlab's: rows pruned by cross-validation, then a fit on the others.

    With one process, as several take longer to start than to work on data of these sizes.
    """
    from cleanlab.classification import CleanLearning

    return CleanLearning(logistic_regression(alpha, n, k), seed=0, find_label_issues_kwargs={"n_jobs": 1})


# A name or an instance for each of ours; a user does not have the true matrix.
LOSSES_OF_OURS: dict[str, Any] = {
    **{name: name for name in LOSSES if name != "expected_cost"},
    "forward, estimated": ForwardCorrection(),
    "forward, estimated, generalised": ForwardCorrection(loss="generalized_cross_entropy"),
}
METHODS: dict[str, Method] = {
    **{name: with_loss(lambda _, loss=loss: loss) for name, loss in LOSSES_OF_OURS.items()},  # type: ignore[misc]
    "forward, true matrix": with_loss(ForwardCorrection),
    "LogisticRegression": by_grid(logistic_regression),
}
if CLEANLAB:
    METHODS[CLEAN_LEARNING] = by_grid(clean_learning)
    METHODS[CLEAN_LEARNING_AFTER] = by_grid(clean_learning, judge=logistic_regression)
# Its default cost is the distance of classes in their order, which only ratings have.
ORDINAL: dict[str, dict[str, Method]] = {"ratings": {"expected_cost": with_loss(lambda _: "expected_cost")}}
OURS = list(LOSSES_OF_OURS)
DETECTORS = ("LogisticRegression", "generalized_cross_entropy", "forward, estimated, generalised")


class Result(NamedTuple):
    """What a method came to in a cell: on the true labels of the test data, and on spoilt ones before."""

    accuracy: float
    distance: float
    log_loss: float
    seconds: float
    wall: float
    last: float
    alpha: float
    validation: float
    validation_log_loss: float


FAILED = Result(_NAN, _NAN, _NAN, _NAN, _NAN, _NAN, _NAN, validation=-1.0, validation_log_loss=np.inf)


def evaluate(method: Method, data: Data, spoilt: Spoilt, train: Array, validation: Array) -> Result:
    """Choose the penalty on spoilt validation data, fit on all, and test on true labels."""
    start = time.process_time(), time.perf_counter()
    fitted = method(data.X, spoilt, train, validation)
    seconds, wall = time.process_time() - start[0], time.perf_counter() - start[1]
    names = np.arange(len(spoilt.transition))
    loss = log_loss(data.y_test, fitted.model.predict_proba(data.X_test), labels=names)
    distance = np.abs(fitted.model.predict(data.X_test) - data.y_test)
    given = spoilt.labels[validation]
    return Result(
        accuracy=float(np.mean(distance == 0)),
        distance=float(distance.mean()),
        log_loss=float(loss),
        seconds=seconds,
        wall=wall,
        last=fitted.last if np.isfinite(fitted.last) else seconds_again(fitted.model, data.X, spoilt.labels),
        alpha=float(fitted.alpha),
        validation=float(np.mean(fitted.predicted == given)),
        validation_log_loss=float(log_loss(given, fitted.given, labels=names)),
    )


def seconds_again(search: Any, X: Array, y: Array) -> float:
    """Return the processor time of a fit at the penalty that a search has found."""
    start = time.process_time()
    SoftmaxRegressor(search.loss, alpha=search.alpha_).fit(X, y)
    return time.process_time() - start


def detection(data: Data, spoilt: Spoilt, alphas: dict[str, float]) -> dict[str, float]:
    """Return how well each detector ranks wrong labels first: the area under its ROC curve."""
    right = data.y == spoilt.labels
    found = {}
    for name in DETECTORS:
        if name == "LogisticRegression":
            model = logistic_regression(alphas[name], len(data.y), len(spoilt.transition))
        else:
            model = SoftmaxRegressor(LOSSES_OF_OURS[name], alpha=alphas[name])
        found[f"label_quality, {name}"] = float(
            roc_auc_score(right, label_quality(model, data.X, spoilt.labels).probability)
        )
    return found | (cleanlab_detection(data, spoilt, alphas, right) if CLEANLAB else {})


def cleanlab_detection(data: Data, spoilt: Spoilt, alphas: dict[str, float], right: Array) -> dict[str, float]:
    """Return the same for cleanlab's scores of cross-validated predictions."""
    from cleanlab.rank import get_label_quality_scores

    model = logistic_regression(alphas["LogisticRegression"], len(data.y), len(spoilt.transition))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    p = cross_val_predict(model, data.X, spoilt.labels, cv=folds, method="predict_proba")
    return {
        f"cleanlab, LogisticRegression, {score}": float(
            roc_auc_score(right, get_label_quality_scores(spoilt.labels, p, method=score))
        )
        for score in ("self_confidence", "normalized_margin")
    }


def run_cell(data_name: str, noise_name: str, seed: int) -> dict[str, Any]:
    """Return the results of all methods on one data set, spoilt in one way."""
    data = DATA[data_name](seed)
    spoilt = NOISES[noise_name](data, np.random.default_rng(1_000 + seed))
    train, validation = train_test_split(
        np.arange(len(data.y)), test_size=0.2, random_state=seed, stratify=spoilt.labels
    )
    results = {}
    for name, method in (METHODS | ORDINAL.get(data_name, {})).items():
        try:
            results[name] = evaluate(method, data, spoilt, train, validation)
        except ValueError as error:
            print(f"{data_name}, {noise_name}, seed {seed}, {name}: {error}", file=sys.stderr)
            results[name] = FAILED
    usable = all(np.isfinite(results[name].alpha) for name in DETECTORS)
    alphas = {name: result.alpha for name, result in results.items()}
    return {
        "data": data_name,
        "noise": noise_name,
        "seed": seed,
        "wrong": float(np.mean(data.y != spoilt.labels)),
        "results": {name: result._asdict() for name, result in results.items()},
        "detection": detection(data, spoilt, alphas) if usable and noise_name != "none" else {},
    }


# --- Tables ---

Cells = dict[tuple[str, str], list[dict[str, Any]]]


def of(records: Iterable[dict[str, Any]], method: str, field: str) -> list[float]:
    """Return a field of a method's results, one number for each record."""
    return [record["results"][method][field] for record in records]


def mean(values: Iterable[float]) -> float:
    """Return the mean of the numbers that are finite; NaN if there are none."""
    finite = [value for value in values if np.isfinite(value)]
    return statistics.fmean(finite) if finite else float("nan")


def spread(values: Iterable[float]) -> str:
    """Return mean ± standard deviation."""
    finite = [value for value in values if np.isfinite(value)]
    return f"{mean(finite):.3f} ± {statistics.stdev(finite):.3f}" if len(finite) > 1 else f"{mean(finite):.3f}"


# A name for each record of a cell: how a method is chosen.
Choice = Callable[[list[dict[str, Any]]], list[str]]


def by_accuracy(record: dict[str, Any]) -> str:
    """Return the method of ours with the best accuracy on spoilt validation data, as a user can choose it."""
    return max(OURS, key=lambda name: record["results"][name]["validation"])


def by_log_loss(record: dict[str, Any]) -> str:
    """Return the method of ours with the least log-loss of spoilt validation labels."""
    return min(OURS, key=lambda name: record["results"][name]["validation_log_loss"])


def value_of(cell: list[dict[str, Any]], names: list[str], field: str) -> float:
    """Return the mean of a field over a cell, of the method chosen for each record."""
    return mean(record["results"][name][field] for record, name in zip(cell, names, strict=True))


def choices(noisy: list[list[dict[str, Any]]]) -> dict[str, Choice]:
    """Return the ways to choose a method that are compared."""
    single = max(OURS, key=lambda name: sum(gain(cell, name) >= 0 for cell in noisy))

    def quick(cell: list[dict[str, Any]]) -> list[str]:
        return [name for name in OURS if time_share(cell, name) <= QUARTER]

    return {
        "the best of ours in each cell": lambda cell: [most_accurate(cell, OURS)] * len(cell),
        "the best of those that take a quarter of its time at most": lambda cell: (
            [most_accurate(cell, quick(cell))] * len(cell)
        ),
        f"always {single}": lambda cell: [single] * len(cell),
        "the best of ours by accuracy on spoilt validation data": lambda cell: [by_accuracy(r) for r in cell],
        "the best of ours by log-loss on spoilt validation data": lambda cell: [by_log_loss(r) for r in cell],
    }


def accuracy_table(cells: Cells, field: str) -> None:
    """Print each method's mean over the data sets, for each kind of noise."""
    rows = []
    for method in METHODS:
        row = [mean(of(cell, method, field)) for cell in cells.values()]
        by_noise = [
            mean(value for (_, kind), value in zip(cells, row, strict=True) if kind == noise) for noise in NOISES
        ]
        rows.append([method, *(f"{value:.3f}" for value in by_noise), f"{mean(by_noise[1:]):.3f}"])
    rows.sort(key=lambda row: row[-1], reverse=field == "accuracy")
    print_table(["", *NOISES, "mean of noisy"], rows)


def win_table(cells: Cells) -> None:
    """Print in how many noisy cells each method is at least as accurate as CleanLearning, and its share of the time."""
    noisy = [cell for (_, noise), cell in cells.items() if noise != "none"]
    clean = [cell for (_, noise), cell in cells.items() if noise == "none"]
    rows = []
    for method in METHODS:
        wins = [gain(cell, method) >= 0 for cell in noisy]
        firsts = sum(gain(cell, method) >= max(gain(cell, name) for name in METHODS) for cell in noisy)
        shares = [time_share(cell, method) for cell in noisy]
        fits = [mean(of(cell, method, "last")) / mean(of(cell, CLEAN_LEARNING, "last")) for cell in noisy]
        lost = mean(
            mean(of(cell, "LogisticRegression", "accuracy")) - mean(of(cell, method, "accuracy")) for cell in clean
        )
        failures = sum(not np.isfinite(value) for cell in cells.values() for value in of(cell, method, "accuracy"))
        rows.append(
            [
                method,
                f"{sum(wins)} of {len(wins)}",
                firsts,
                f"{statistics.median(shares):.2f}",
                f"{statistics.median(fits):.2f}",
                f"{lost:+.4f}",
                failures,
            ]
        )
    rows.sort(key=lambda row: -int(str(row[1]).split()[0]))
    header = [
        "",
        "cells ≥ CleanLearning",
        "first of all",
        "share of its time",
        "a fit alone: share of its time",
        "accuracy lost on clean labels",
        "failed",
    ]
    print_table(header, rows)


def goal_table(cells: Cells) -> None:
    """Print in how many noisy cells ours is at least as accurate as CleanLearning, and its share of the time."""
    noisy = [cell for (_, noise), cell in cells.items() if noise != "none"]
    rows = []
    for name, choice in choices(noisy).items():
        row = [name]
        for peer in (CLEAN_LEARNING, CLEAN_LEARNING_AFTER):
            gains = [
                above(value_of(cell, choice(cell), "accuracy"), mean(of(cell, peer, "accuracy"))) for cell in noisy
            ]
            shares = [value_of(cell, choice(cell), "seconds") / mean(of(cell, peer, "seconds")) for cell in noisy]
            wins = sum(value >= 0 for value in gains)
            row += [f"{wins} of {len(gains)} ({wins / len(gains):.0%})", f"{mean(gains):+.3f}"]
            row.append(f"{statistics.median(shares):.2f}")
        fits = [value_of(cell, choice(cell), "last") / mean(of(cell, CLEAN_LEARNING, "last")) for cell in noisy]
        rows.append([*row, f"{statistics.median(fits):.2f}"])
    header = ["", "cells ≥ CleanLearning", "mean gain", "share of its time"]
    quicker = ["cells ≥ it with LogisticRegression's penalty", "mean gain", "share of its time"]
    print_table([*header, *quicker, "a fit alone: share of its time"], rows)


def choice_table(cells: Cells) -> None:
    """Print the mean accuracy of each way to choose a method, for each kind of noise."""
    kinds = list(dict.fromkeys(noise for _, noise in cells))
    rows = []
    for name, choice in choices([cell for (_, noise), cell in cells.items() if noise != "none"]).items():
        by_kind = [
            mean(value_of(cell, choice(cell), "accuracy") for (_, noise), cell in cells.items() if noise == kind)
            for kind in kinds
        ]
        rows.append([name, *(f"{value:.3f}" for value in by_kind)])
    print_table(["", *kinds], rows)


def most_accurate(cell: list[dict[str, Any]], names: Iterable[str]) -> str:
    """Return the method with the best mean accuracy; the plain one if there is none to choose from."""
    return max(names, key=lambda name: mean(of(cell, name, "accuracy")), default="cross_entropy")


def lost_table(cells: Cells) -> None:
    """Print the noisy cells in which no method of ours is as accurate as CleanLearning."""
    rows = []
    for (data, noise), cell in cells.items():
        name = most_accurate(cell, OURS)
        if noise != "none" and gain(cell, name) < 0:
            pair = (spread(of(cell, method, "accuracy")) for method in (name, CLEAN_LEARNING))
            rows.append([f"{data}, {noise}", name, *pair])
    print_table(["", "best of ours", "its accuracy", CLEAN_LEARNING], rows)


def gain(cell: list[dict[str, Any]], name: str) -> float:
    """Return how much more accurate a method is than CleanLearning, on average."""
    return above(mean(of(cell, name, "accuracy")), mean(of(cell, CLEAN_LEARNING, "accuracy")))


def above(accuracy: float, other: float) -> float:
    """Return a difference of means, 0 where only rounding makes one."""
    return round(accuracy - other, 9)


def time_share(cell: list[dict[str, Any]], name: str) -> float:
    """Return a method's time divided by that of CleanLearning."""
    return mean(of(cell, name, "seconds")) / mean(of(cell, CLEAN_LEARNING, "seconds"))


def data_tables(cells: Cells, field: str) -> None:
    """Print mean and standard deviation of each method on each data set."""
    for data in dict.fromkeys(name for name, _ in cells):
        print(f"\n### {data}: {DATA[data].__doc__.removeprefix('Return ')}\n")  # type: ignore[union-attr]
        kinds = [noise for noise in NOISES if (data, noise) in cells]
        methods = METHODS | ORDINAL.get(data, {})
        print_table(
            ["", *kinds], [[name, *(spread(of(cells[data, kind], name, field)) for kind in kinds)] for name in methods]
        )


def which_table(cells: Cells) -> None:
    """Print for each kind of noise the three methods of ours with the best mean accuracy and the best log-loss."""
    rows = []
    for noise in dict.fromkeys(kind for _, kind in cells):
        of_kind = [cell for (_, kind), cell in cells.items() if kind == noise]
        row = [noise]
        for field, sign in (("accuracy", -1), ("log_loss", 1)):
            means = {name: mean(mean(of(cell, name, field)) for cell in of_kind) for name in OURS}
            best = sorted(means, key=lambda name, sign=sign, means=means: sign * means[name])[:3]  # type: ignore[misc]
            row.append("; ".join(f"{name} {means[name]:.3f}" for name in best))
        rows.append(row)
    print_table(["noise", "accuracy", "log-loss"], rows)


def distance_table(cells: Cells) -> None:
    """Print how far the predicted level is from the true one, on average, for each kind of noise."""
    ratings = {noise: cell for (data, noise), cell in cells.items() if data == "ratings"}
    rows = []
    for method in METHODS | ORDINAL["ratings"] if ratings else {}:
        means = [mean(of(cell, method, "distance")) for cell in ratings.values()]
        rows.append([method, *(f"{value:.3f}" for value in means), f"{mean(means[1:]):.3f}"])
    rows.sort(key=lambda row: row[-1])
    print_table(["", *ratings, "mean of noisy"], rows)


def detection_table(cells: Cells) -> None:
    """Print the mean area under the ROC curve of each detector, for each kind of noise."""
    found = (record["detection"] for cell in cells.values() for record in cell if record["detection"])
    names: dict[str, float] = next(found, {})
    kinds = [noise for noise in NOISES if noise != "none"]
    rows = []
    for name in names:
        areas: dict[str, list[float]] = defaultdict(list)
        for (_, noise), cell in cells.items():
            areas[noise] += [record["detection"][name] for record in cell if record["detection"]]
        means = [mean(areas[kind]) for kind in kinds]
        rows.append([name, *(f"{value:.3f}" for value in means), f"{mean(means):.3f}"])
    print_table(["", *kinds, "mean"], rows)


def report(records: list[dict[str, Any]]) -> None:
    """Print all tables."""
    cells: Cells = defaultdict(list)
    for record in records:
        cells[record["data"], record["noise"]].append(record)
    print(f"{machine()}\n\n## Accuracy, mean over data sets\n")
    accuracy_table(cells, "accuracy")
    print("\n## Log-loss of the true labels, mean over data sets\n")
    accuracy_table(cells, "log_loss")
    if CLEANLAB and any(noise != "none" for _, noise in cells):
        print("\n## Against CleanLearning\n")
        goal_table(cells)
        print("\n## Choosing the method: accuracy, mean over data sets\n")
        choice_table(cells)
        print()
        win_table(cells)
        print("\n## Where it loses\n")
        lost_table(cells)
    print("\n## Which loss when\n")
    which_table(cells)
    print("\n## Wrong labels found: area under the ROC curve\n")
    detection_table(cells)
    print("\n## Ratings: mean distance from the true level\n")
    distance_table(cells)
    print("\n## Accuracy on each data set")
    data_tables(cells, "accuracy")


def main() -> None:
    """Compute what the records lack, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="*", default=list(DATA), choices=list(DATA), metavar="NAME")
    parser.add_argument("--noise", nargs="*", default=list(NOISES), choices=list(NOISES), metavar="KIND")
    parser.add_argument("--seeds", type=int, nargs="*", default=list(range(5)), metavar="SEED")
    parser.add_argument("--records", type=Path, default=Path("label_noise.jsonl"))
    parser.add_argument("--report", action="store_true", help="compute nothing more")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # rare classes in folds, and fits that end at max_iter
    lines = options.records.read_text().splitlines() if options.records.exists() else []
    done = {(r["data"], r["noise"], r["seed"]): r for r in map(json.loads, lines)}
    wanted = [(d, noise, s) for s in options.seeds for d in options.data for noise in options.noise]
    for key in wanted:
        if key not in done and not options.report:
            with threadpool_limits(1):  # threads that wait would count as processor time
                done[key] = run_cell(*key)
            with options.records.open("a") as file:
                file.write(json.dumps(done[key]) + "\n")
    report([done[key] for key in wanted if key in done])


if __name__ == "__main__":
    main()
