"""Fits on a Dask cluster of this machine, beside those in memory, by dask-ml and by Spark's MLlib.

    python benchmarks/cluster.py fits [--rows 100000]
    python benchmarks/cluster.py rounds [--megabytes 1 100]
    python benchmarks/cluster.py partitions [--number 2 20 100]
    python benchmarks/cluster.py counts [--models 8]
    python benchmarks/cluster.py features [--rows 1000000]

The first fits the same rows in memory and on one and on two worker processes of one thread each, and says after how
many passes over the data and seconds the objective was within 1e-4 of its minimum. dask-ml knows two classes only: it
and skxent fit two as well, on the two workers. Peers that are not installed are named. The second times one evaluation
and that of the same rows in this process: what is more in processors' time is the cost of a round. The third does so
with many partitions. The fourth merges language models of a million types each. The fifth scores features of several
kinds and chooses a set of them.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from _report import machine, print_table, say_missing
from large_data import CLASSES, Evaluations, make_rows

from skxent import CrossEntropySelector, SoftmaxRegressor, UnigramLanguageModel, cross_entropy_classif
from skxent._parallel import worker_threads
from skxent.linear_model._objective import Objective
from skxent.linear_model._outputs import Softmax
from skxent.linear_model._problem import Problem
from skxent.losses import CrossEntropy
from skxent.rows import opened, rows_of
from skxent.solvers import LBFGS

__all__ = ["counts", "features", "fits", "partitions", "rounds"]

ALPHA = 1e-4
# Seconds and passes at which each value of the objective was known.
Curve = list[tuple[float, int, float]]


@contextmanager
def workers(n_workers: int) -> Iterator[None]:
    """Start worker processes of one thread each."""
    from distributed import Client, LocalCluster

    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with LocalCluster(n_workers=n_workers, **options) as local, Client(local):
        yield


def on_workers(n_parts: int, n_rows: int, n_columns: int) -> tuple[Any, Any]:
    """Return features and labels in partitions that the workers make."""
    import dask
    import dask.array as da

    parts = [dask.delayed(make_rows)(index, n_rows, n_columns) for index in range(n_parts)]
    X = da.concatenate([da.from_delayed(part[0], (n_rows, n_columns), np.float32) for part in parts])
    y = da.concatenate([da.from_delayed(part[1], (n_rows,), np.uint8) for part in parts])
    return X, y


# ------------------------------------------------------------------------------------------------------- whole fits


def fits(n_rows: int, n_columns: int = 100, n_parts: int = 4) -> None:
    """Fit the same rows everywhere and print the tables."""
    parts = [make_rows(index, n_rows // n_parts, n_columns) for index in range(n_parts)]
    X, y = (np.concatenate(values) for values in zip(*parts, strict=True))
    exact = SoftmaxRegressor(alpha=ALPHA, tol=1e-10)
    least = exact.fit(X.astype(np.float64), y).loss_curve_[-1]
    records, two_classes = [_record("in memory", _skxent(X, y), least)], []
    missing: dict[str, str] = {}
    for n_workers in (1, 2):
        with workers(n_workers):
            there = on_workers(n_parts, n_rows // n_parts, n_columns)
            records.append(_record(f"Dask, {n_workers} worker(s)", _skxent(*there), least))
            if n_workers == 2:
                two_classes = _two_classes(X.astype(np.float64), _halves(y), there, missing)
    try:
        records.append(_record("MLlib, 2 threads", _mllib(X, y), least))
    except ImportError as error:
        missing["MLlib"] = str(error)
    print(f"{machine()}; {n_rows} rows of {n_columns} float32 columns, {CLASSES} classes, {n_parts} partitions")
    print_table(_HEADER, records)
    print("two classes of the same rows, 2 Dask workers")
    print_table(_HEADER, two_classes)
    say_missing(missing)


_HEADER = ["fit", "passes", "passes to 1e-4", "seconds", "seconds to 1e-4", "gap"]


def _record(name: str, curve: Curve, least: float) -> list[Any]:
    seconds, passes, value = curve[-1]
    reached = next((point for point in curve if point[2] <= least * (1 + 1e-4)), None)
    to_1e4 = ("-", "-") if reached is None else (reached[1], f"{reached[0]:.2f}")
    return [name, passes, to_1e4[0], f"{seconds:.2f}", to_1e4[1], f"{value / least - 1:.1e}"]


def _skxent(X: Any, y: Any, alpha: float = ALPHA) -> Curve:
    begin = time.perf_counter()
    with Evaluations(X.shape[0]) as evaluations:
        seen: Curve = []

        class Watched(LBFGS):
            def solve(self, objective: Any, w0: Any, *, max_iter: int, tol: float, callback: Any) -> Any:
                def watch(w: Any, value: float) -> bool:
                    seen.append((time.perf_counter() - begin, evaluations.n, value))
                    return bool(callback(w, value))

                return super().solve(objective, w0, max_iter=max_iter, tol=tol, callback=watch)

        SoftmaxRegressor(alpha=alpha, solver=Watched()).fit(X, y)
        return [*seen, (time.perf_counter() - begin, evaluations.n, seen[-1][2])]


def _halves(y: Any) -> Any:
    return (y < CLASSES // 2).astype(int)


def _two_classes(X: Any, y: Any, there: tuple[Any, Any], missing: dict[str, str]) -> list[list[Any]]:
    """Fit two classes, made of the ten, by skxent and by dask-ml: each against the minimum of its own objective.

    dask-ml standardises the columns, which changes the penalty, and penalises the intercept.
    """
    ours = SoftmaxRegressor(alpha=ALPHA, tol=1e-10)
    X_there, y_there = there[0].astype(np.float64).persist(), _halves(there[1]).persist()
    records = [_record("skxent", _skxent(X_there, y_there), ours.fit(X, y).loss_curve_[-1])]
    standardised = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(y))])
    least = ours.set_params(fit_intercept=False).fit(standardised, y).loss_curve_[-1]
    try:
        records.append(_record("dask-ml, lbfgs", _dask_ml(X_there, y_there), least))
    except ImportError as error:
        missing["dask-ml"] = str(error)
    return records


def _dask_ml(X: Any, y: Any) -> Curve:
    """Fit by dask-ml, with each evaluation of its objective watched.

    Two opposite weights of half the size, as skxent has them, cost half of what one costs.
    """
    from dask_ml.linear_model import LogisticRegression

    algorithms: Any = import_module("dask_glm.algorithms")

    seen: Curve = []
    begin, n_rows, minimise = time.perf_counter(), X.shape[0], algorithms.fmin_l_bfgs_b

    def watched(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        def evaluated(*given: Any) -> Any:
            value, gradient = function(*given)
            seen.append((time.perf_counter() - begin, len(seen) + 1, float(value) / n_rows))
            return value, gradient

        return minimise(evaluated, *args, **options)

    algorithms.fmin_l_bfgs_b = watched
    try:
        LogisticRegression(solver="lbfgs", C=1 / (ALPHA / 2 * n_rows), tol=1e-6).fit(X, y)
    finally:
        algorithms.fmin_l_bfgs_b = minimise
    return seen


def _mllib(X: Any, y: Any) -> Curve:
    """Fit by Spark in two threads; its history has a value for each iteration, and seconds are spread over them."""
    import polars as pl

    parts = ["ml.classification", "ml.feature", "sql"]
    classification, feature, sql = (import_module(f"pyspark.{part}") for part in parts)
    names = [f"x{at}" for at in range(X.shape[1])]
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.driver.memory", "4g").getOrCreate()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "rows.parquet"))
        frame = pl.DataFrame(X, schema=names).with_columns(label=pl.Series(y.astype(np.int32)))
        frame.write_parquet(path, row_group_size=len(y) // 4)
        rows = feature.VectorAssembler(inputCols=names, outputCol="features").transform(spark.read.parquet(path))
        rows = rows.select("features", "label").repartition(4).cache()
        rows.count()
        begin = time.perf_counter()
        options = {"family": "multinomial", "regParam": ALPHA, "standardization": False, "tol": 1e-6}
        model = classification.LogisticRegression(**options).fit(rows)
        seconds = time.perf_counter() - begin
        history = [float(value) for value in model.summary.objectiveHistory]
    spark.stop()
    return [(seconds * (at + 1) / len(history), at + 1, value) for at, value in enumerate(history)]


# ------------------------------------------------------------------------------------------------------- one round


def rounds(megabytes: list[float], n_columns: int = 100) -> None:
    """Time an evaluation on two workers with so many MB each, and that of their rows in this process."""
    records = []
    with workers(2):
        for size in megabytes:
            there, here = _costs(int(size * 1e6 / (4 * n_columns)), n_columns)
            cells = [f"{1000 * seconds:.1f}" for seconds in (there[0], here[0], there[1], here[1])]
            records.append([f"{size:g}", *cells, f"{max(0.0, 1 - here[1] / there[1]):.0%}"])
    print(machine())
    print("ms, and ms of processors' time, of a round on two workers, and of one evaluation of the same rows here")
    print_table(["MB a worker", "round", "here", "round, CPU", "here, CPU", "overhead"], records)


def partitions(numbers: list[int], megabytes: float = 10.0, n_columns: int = 100) -> None:
    """Time an evaluation of so many partitions of 10 MB on two workers."""
    records = []
    with workers(2):
        for number in numbers:
            there, here = _costs(int(megabytes * 1e6 / (4 * n_columns)), n_columns, number)
            cells = [f"{1000 * seconds:.1f}" for seconds in (there[0], here[0], there[1], here[1])]
            records.append([number, *cells, f"{1000 * (there[1] - here[1]):.1f}"])
    print(machine())
    print(f"ms, and ms of processors' time, of a round of partitions of {megabytes:g} MB, and of the same rows here")
    print_table(["partitions", "round", "here", "round, CPU", "here, CPU", "difference"], records)


def _costs(n_rows: int, n_columns: int, n_parts: int = 2) -> list[tuple[float, float]]:
    """Return seconds and processors' seconds of an evaluation there and here, one after the other in turns."""
    parts = [make_rows(at, n_rows, n_columns) for at in range(n_parts)]
    X, y = (np.concatenate(values) for values in zip(*parts, strict=True))
    del parts
    there = on_workers(n_parts, n_rows, n_columns)
    table, labels, _ = opened(there[0]).checked(there[1])
    w = np.zeros((n_columns + 1, CLASSES), np.float32)
    with worker_threads():
        kinds = [rows_of(table, labels, None, n_outputs=CLASSES), rows_of(X, y, None, n_outputs=CLASSES)]
        objectives = [Objective(Problem(CrossEntropy(), Softmax(), ALPHA), rows) for rows in kinds]
        costs = np.array([[_cost(objective, w) for objective in objectives] for _ in range(10)])
    return [(float(seconds), float(processors)) for seconds, processors in np.median(costs[1:], axis=0)]


def _cost(objective: Objective, w: Any) -> tuple[float, float]:
    before, begin = _processors_time(), time.perf_counter()
    objective(w)
    seconds = time.perf_counter() - begin
    return seconds, _processors_time() - before


def _processors_time() -> float:
    """Return the processors' time that this process, which runs the scheduler, and the workers have had."""
    from distributed import get_client

    return time.process_time() + sum(get_client().run(time.process_time).values())


# ------------------------------------------------------------------------------------------------ text and features


def counts(n_models: int, n_types: int = 1_000_000) -> None:
    """Time one fit, the merging of models until the first score of the sum, and the fit to all text at once."""
    rng = np.random.default_rng(0)
    texts, records = [], []
    for _ in range(n_models):
        rare, frequent = rng.choice(n_types * 13 // 10, n_types, replace=False), rng.zipf(1.3, n_types) % n_types
        texts.append(" ".join(f"w{number}" for number in np.concatenate([rare, frequent]).tolist()))
    models = [UnigramLanguageModel().fit([text]) for text in texts]
    tasks: dict[str, Callable[[], Any]] = {
        "one fit": lambda: UnigramLanguageModel().fit(texts[:1]),
        f"{n_models} models merged": lambda: models[0].merge(*models[1:]),
        "one fit to all": lambda: UnigramLanguageModel().fit(texts),
    }
    for name, make in tasks.items():
        begin = time.process_time()
        model = make()
        bits = model.cross_entropy(["w1 w2"])
        seconds = time.process_time() - begin
        sizes = (len(pickle.dumps(value)) / 1e6 for value in (model, model.counts_.table))
        records.append([name, model.counts_.table.height, f"{seconds:.1f}", *(f"{size:.0f}" for size in sizes), bits])
    print(machine())
    print_table(["", "types", "CPU seconds", "MB pickled", "MB of the table", "score of two words"], records)


def features(n_rows: int) -> None:
    """Score features of several kinds in memory and on two workers, and choose a set of them."""
    import dask.dataframe as dd
    import pandas as pd

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, n_rows)
    words = np.array([f"word {number}" for number in range(5_000)], dtype=object)
    frame = pd.DataFrame(
        {
            "normal": rng.normal(size=n_rows) + y,
            "uniform": rng.random(n_rows),
            "word": words[rng.zipf(1.3, n_rows) % 5_000],
            "category": pd.Categorical((rng.integers(0, 50, n_rows) + y) % 50),
            "date": np.datetime64("2020-01-01", "s") + (rng.integers(0, 10**7, n_rows) + 10**6 * y),
        }
    )
    weight = rng.random(n_rows)
    tasks: dict[str, Callable[[Any], Any]] = {
        "scores": lambda X: cross_entropy_classif(X, y)[0],
        "scores, weighted": lambda X: cross_entropy_classif(X, y, sample_weight=weight)[0],
        "set, cmim": lambda X: CrossEntropySelector(redundancy="cmim").fit(X, y).gains_,
        "set, discriminant": lambda X: CrossEntropySelector(redundancy="discriminant").fit(X, y).gains_,
    }
    records = []
    with workers(2):
        there = dd.from_pandas(frame, npartitions=4).persist()
        for name, task in tasks.items():
            (found, seconds), (expected, seconds_here) = _timed(task, there), _timed(task, frame)
            difference = float(np.max(np.abs(found - expected), initial=0))
            records.append([name, f"{seconds:.1f}", f"{seconds_here:.1f}", f"{difference:.0e}"])
    print(f"{machine()}; {n_rows} rows")
    print_table(["", "seconds on two workers", "in memory", "largest difference"], records)


def _timed(task: Callable[[Any], Any], X: Any) -> tuple[Any, float]:
    begin = time.perf_counter()
    return task(X), time.perf_counter() - begin


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    options: dict[Callable[[Any], None], dict[str, Any]] = {
        fits: {"name": "--rows", "type": int, "default": 100_000},
        rounds: {"name": "--megabytes", "type": float, "nargs": "+", "default": [1.0, 100.0]},
        partitions: {"name": "--number", "type": int, "nargs": "+", "default": [2, 20, 100]},
        counts: {"name": "--models", "type": int, "default": 8},
        features: {"name": "--rows", "type": int, "default": 1_000_000},
    }
    for task, option in options.items():
        command = commands.add_parser(task.__name__)
        command.set_defaults(task=task)
        command.add_argument(option.pop("name"), dest="size", **option)
    arguments = parser.parse_args()
    arguments.task(arguments.size)


if __name__ == "__main__":
    main()
