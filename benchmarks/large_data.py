"""Fits on a file larger than their memory, and on a Dask cluster of this machine.

    python benchmarks/large_data.py file [--gigabytes 4] [--kind map|parquet|memory]
    python benchmarks/large_data.py cluster [--rows 200000]
    python benchmarks/large_data.py rounds [--megabytes 1 100]

The first makes a file of that size, fits it in a process of its own, and says how long that took, how often the rows
were read and how much anonymous memory the process had at most: what is not a page of the file. With ``--drop`` the
file leaves the page cache before each pass, as a file larger than the memory would. The second fits the same rows in
memory and on one and on two worker processes of one thread each, and with dask-ml if that is installed, and says after
how many passes and seconds the objective was within 1e-4 of its minimum. The third times one evaluation.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from skxent import SoftmaxRegressor
from skxent._parallel import worker_threads
from skxent.linear_model._objective import Objective, Problem
from skxent.linear_model._outputs import Softmax
from skxent.losses import CrossEntropy
from skxent.rows import ArrayBlocks, Parquet, opened, rows_of
from skxent.solvers import LBFGS

__all__ = ["CLASSES", "Evaluations", "Memory", "cluster", "file", "make_rows", "rounds", "write_map", "write_parquet"]

CLASSES, COLUMNS, BLOCK = 10, 1_000, 20_000


def make_rows(index: int, n_rows: int, n_columns: int) -> tuple[Any, Any]:
    """Return some rows of the problem, always the same: columns of scales over 100, labels of a noisy linear model."""
    rng = np.random.default_rng([7, index])
    X = rng.standard_normal((n_rows, n_columns), np.float32)
    w = np.random.default_rng(7).standard_normal((n_columns, CLASSES)).astype(np.float32) / np.sqrt(n_columns)
    y = (X @ w + rng.gumbel(size=(n_rows, CLASSES))).argmax(axis=1)
    return X * np.logspace(-1, 1, n_columns, dtype=np.float32), y.astype(np.uint8)


def write_map(path: Path, n_rows: int, n_columns: int) -> Any:
    """Write a file of features for a memory map, and return the labels."""
    shape = n_rows, n_columns
    features = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    labels = []
    for start in range(0, n_rows, BLOCK):
        X, y = make_rows(start, min(BLOCK, n_rows - start), n_columns)
        features[start : start + len(X)] = X
        labels.append(y)
    features.flush()
    return np.concatenate(labels)


def write_parquet(path: Path, n_rows: int, n_columns: int) -> None:
    """Write a file with a row group for each few thousand rows, and the labels in a column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    group = max(1, 32_000_000 // (4 * n_columns))
    for start in range(0, n_rows, BLOCK):
        X, y = make_rows(start, min(BLOCK, n_rows - start), n_columns)
        columns = {f"x{j}": X[:, j] for j in range(n_columns)}
        table = pa.table({**columns, "label": y})
        writer = writer or pq.ParquetWriter(path, table.schema, compression="none", use_dictionary=False)
        writer.write_table(table, row_group_size=group)
    if writer is not None:
        writer.close()


class Memory:
    """The most anonymous memory of this process while a context is open, in bytes."""

    def __enter__(self) -> Memory:
        self.peak = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.done.wait(0.01):
            status = Path("/proc/self/status").read_text()
            self.peak = max(self.peak, 1024 * int(status.split("RssAnon:")[1].split()[0]))


class Evaluations:
    """How often, while a context is open, an objective of so many rows is evaluated.

    Parameters
    ----------
    n_rows : int
        Number of rows; those of samples do not count.
    """

    def __init__(self, n_rows: int) -> None:
        self.n_rows, self.n = n_rows, 0
        self.originals = {name: getattr(Objective, name) for name in ("__call__", "value", "gradient")}

    def __enter__(self) -> Evaluations:
        for name, original in self.originals.items():
            setattr(Objective, name, self._counting(original))
        return self

    def __exit__(self, *_: object) -> None:
        for name, original in self.originals.items():
            setattr(Objective, name, original)

    def _counting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def evaluate(objective: Objective, w: Any) -> Any:
            self.n += objective.rows.n_rows == self.n_rows
            return original(objective, w)

        return evaluate


def _fit_file(folder: Path, kind: str, drop: bool) -> dict[str, Any]:
    """Fit a file in this process; return what it took."""
    y = np.load(folder / "y.npy")
    n_read = 0
    if kind == "memory":
        source: Any = np.load(folder / "X.npy")
    else:
        source = (
            Parquet(folder / "X.parquet", "label")
            if kind == "parquet"
            else ArrayBlocks(np.load(folder / "X.npy", mmap_mode="r"))
        )
        read = source.read

        def counting(index: int) -> Any:
            nonlocal n_read
            n_read += source.sizes[index]
            if drop and index == 0:
                _drop(folder, source)
            return read(index)

        source.read = counting
    with Memory() as memory, Evaluations(len(y)) as evaluations:
        begin, before = time.perf_counter(), _bytes_from_disk()
        model = SoftmaxRegressor(alpha=1e-4).fit(source, None if kind == "parquet" else y)
        seconds = time.perf_counter() - begin
    return {
        "kind": kind,
        "seconds": round(seconds, 1),
        "iterations": model.n_iter_,
        "evaluations": evaluations.n,
        "reads": round(n_read / len(y), 2),
        "GB from the disk": round((_bytes_from_disk() - before) / 1e9, 1),
        "anonymous MB": memory.peak // 10**6,
        "objective": model.loss_curve_[-1],
    }


def _bytes_from_disk() -> int:
    """Return what this process has had read that was not in the page cache."""
    return int(Path("/proc/self/io").read_text().split("read_bytes:")[1].split()[0])


def _drop(folder: Path, source: Any) -> None:
    """Have the kernel forget the files: the pages that this process has mapped, and those in the cache."""
    if hasattr(source, "array"):
        source.array.base.madvise(mmap.MADV_DONTNEED)
    for path in folder.iterdir():
        with open(path, "rb") as opened_file:
            os.fsync(opened_file.fileno())
            os.posix_fadvise(opened_file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def file(gigabytes: float, kinds: list[str], drop: bool, n_columns: int = COLUMNS) -> list[dict[str, Any]]:
    """Make files, fit each in a process of its own, and return the records."""
    records = []
    n_rows = int(gigabytes * 1e9 / (4 * n_columns))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if {"map", "memory"} & set(kinds):
            np.save(folder / "y.npy", write_map(folder / "X.npy", n_rows, n_columns))
        if "parquet" in kinds:
            write_parquet(folder / "X.parquet", n_rows, n_columns)
            if not (folder / "y.npy").exists():
                parts = range(0, n_rows, BLOCK)
                labels = [make_rows(start, min(BLOCK, n_rows - start), n_columns)[1] for start in parts]
                np.save(folder / "y.npy", np.concatenate(labels))
        for kind in kinds:
            command = [sys.executable, __file__, "one", name, kind, *(["--drop"] if drop else [])]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            records.append(json.loads(output.splitlines()[-1]))
            print(records[-1], flush=True)
    return records


def cluster(n_rows: int, n_columns: int = 100, n_parts: int = 4) -> list[dict[str, Any]]:
    """Fit the same rows in memory and on workers of this machine, and return the records."""
    from distributed import Client, LocalCluster

    parts = [make_rows(index, n_rows // n_parts, n_columns) for index in range(n_parts)]
    X, y = (np.concatenate(values) for values in zip(*parts, strict=True))
    least = SoftmaxRegressor(tol=1e-10).fit(X.astype(np.float64), y).loss_curve_[-1]
    records = [_timed("memory", X, y, least)]
    for n_workers in (1, 2):
        options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None}
        with LocalCluster(n_workers=n_workers, **options) as local, Client(local):
            there = _on_workers(n_parts, n_rows // n_parts, n_columns)
            records.append(_timed(f"{n_workers} workers", *there, least))
            if n_workers == 2:
                records += _dask_ml(*there)
    for record in records:
        print(record, flush=True)
    return records


def _on_workers(n_parts: int, n_rows: int, n_columns: int) -> tuple[Any, Any]:
    """Return features and labels in partitions that the workers make."""
    import dask
    import dask.array as da

    parts = [dask.delayed(make_rows)(index, n_rows, n_columns) for index in range(n_parts)]
    X = da.concatenate([da.from_delayed(part[0], (n_rows, n_columns), np.float32) for part in parts])
    y = da.concatenate([da.from_delayed(part[1], (n_rows,), np.uint8) for part in parts])
    return X, y


def rounds(megabytes: list[float], n_columns: int = 100) -> list[dict[str, Any]]:
    """Time an evaluation on two workers with so many MB each, and that of one worker's rows in this process."""
    from distributed import Client, LocalCluster

    records = []
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with LocalCluster(n_workers=2, **options) as local, Client(local):
        for size in megabytes:
            n_rows = int(size * 1e6 / (4 * n_columns))
            X, y = make_rows(0, n_rows, n_columns)
            features, targets = _on_workers(2, n_rows, n_columns)
            table, labels = opened(features).checked(targets)
            problem = Problem(CrossEntropy(), Softmax(), 1e-4)
            w = np.zeros((n_columns + 1, CLASSES), np.float32)
            seconds = []
            with worker_threads():
                for rows in (
                    rows_of(table, labels, None, n_outputs=CLASSES),
                    rows_of(X, y, None, n_outputs=CLASSES),
                ):
                    objective = Objective(problem, rows)
                    objective(w)
                    times = []
                    for _ in range(9):
                        begin = time.perf_counter()
                        objective(w)
                        times.append(time.perf_counter() - begin)
                    seconds.append(sorted(times)[4])
            there_ms, here_ms = (round(1000 * value, 1) for value in seconds)
            records.append({"MB a worker": size, "round, ms": there_ms, "its rows here, ms": here_ms})
            print(records[-1], flush=True)
    return records


def _timed(name: str, X: Any, y: Any, least: float) -> dict[str, Any]:
    begin = time.perf_counter()
    with Evaluations(X.shape[0]) as evaluations:
        seen: list[tuple[float, int, float]] = []

        class Watched(LBFGS):
            def solve(self, objective: Any, w0: Any, *, max_iter: int, tol: float, callback: Any) -> Any:
                def watch(w: Any, value: float) -> bool:
                    seen.append((time.perf_counter() - begin, evaluations.n, value))
                    return bool(callback(w, value))

                return super().solve(objective, w0, max_iter=max_iter, tol=tol, callback=watch)

        model = SoftmaxRegressor(solver=Watched()).fit(X, y)
        seconds = time.perf_counter() - begin
    reached = next((record for record in seen if record[2] <= least * (1 + 1e-4)), seen[-1])
    return {
        "where": name,
        "seconds": round(seconds, 2),
        "iterations": model.n_iter_,
        "evaluations": evaluations.n,
        "to 1e-4: seconds": round(reached[0], 2),
        "to 1e-4: evaluations": reached[1],
        "seconds an evaluation": round(seconds / max(1, evaluations.n), 3),
    }


def _dask_ml(X: Any, y: Any) -> list[dict[str, Any]]:
    """Fit two of the classes by dask-ml, which knows no more, and by skxent."""
    try:
        from dask_ml.linear_model import LogisticRegression
    except ImportError:
        return []
    y = (y < CLASSES // 2).astype(int).persist()
    X = X.astype(np.float64).persist()
    n_rows = X.shape[0]
    local, labels = X.compute(), y.compute()

    def loss(coef: Any, intercept: Any) -> float:
        z = local @ np.ravel(coef) + intercept
        return float(np.mean(np.logaddexp(0, z) - labels * z) + 0.5 * 1e-4 * np.sum(np.square(coef)))

    records = []
    ours = SoftmaxRegressor(alpha=5e-5)  # of two opposite weights of half the size
    for name, fit in (
        ("skxent, two classes", lambda: ours.fit(X, y).to_logistic_regression()),
        ("dask-ml, two classes", lambda: LogisticRegression(solver="lbfgs", C=1 / (1e-4 * n_rows), tol=1e-6).fit(X, y)),
    ):
        begin = time.perf_counter()
        model: Any = fit()  # type: ignore[no-untyped-call]
        seconds = round(time.perf_counter() - begin, 2)
        records.append({"where": name, "seconds": seconds, "objective": loss(model.coef_, model.intercept_)})
    return records


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    on_disk = commands.add_parser("file")
    on_disk.add_argument("--gigabytes", type=float, default=4.0)
    on_disk.add_argument("--kind", choices=["map", "parquet", "memory"], action="append")
    on_disk.add_argument("--drop", action="store_true")
    one = commands.add_parser("one")
    one.add_argument("folder", type=Path)
    one.add_argument("kind")
    one.add_argument("--drop", action="store_true")
    on_workers = commands.add_parser("cluster")
    on_workers.add_argument("--rows", type=int, default=200_000)
    one_round = commands.add_parser("rounds")
    one_round.add_argument("--megabytes", type=float, nargs="+", default=[1.0, 100.0])
    arguments = parser.parse_args()
    if arguments.command == "file":
        file(arguments.gigabytes, arguments.kind or ["map", "parquet"], arguments.drop)
    elif arguments.command == "one":
        print(json.dumps(_fit_file(arguments.folder, arguments.kind, arguments.drop)))
    elif arguments.command == "rounds":
        rounds(arguments.megabytes)
    else:
        cluster(arguments.rows)


if __name__ == "__main__":
    main()
