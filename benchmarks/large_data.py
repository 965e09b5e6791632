"""Fits on a file larger than their memory.

    python benchmarks/large_data.py file [--gigabytes 4] [--kind map|parquet|memory] [--drop]

It makes a file of that size, fits it in a process of its own, and says how long that took, how often the rows were read
and how much anonymous memory the process had at most: what is not a page of the file. With ``--drop`` the file leaves
the page cache before each pass, as a file larger than the memory would.
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
from skxent.linear_model._objective import Objective
from skxent.rows import ArrayBlocks, Parquet

__all__ = ["CLASSES", "Evaluations", "Memory", "file", "make_rows", "write_map", "write_parquet"]

CLASSES, COLUMNS, BLOCK = 10, 1_000, 20_000
TOL = 1e-6


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


def _fit_file(folder: Path, kind: str, drop: bool, tol: float) -> dict[str, Any]:
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
        model = SoftmaxRegressor(alpha=1e-4, tol=tol).fit(source, None if kind == "parquet" else y)
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


def file(
    gigabytes: float, kinds: list[str], drop: bool, tol: float = TOL, n_columns: int = COLUMNS
) -> list[dict[str, Any]]:
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
            command = [sys.executable, __file__, "one", name, kind, "--tol", str(tol), *(["--drop"] if drop else [])]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            records.append(json.loads(output.splitlines()[-1]))
            print(records[-1], flush=True)
    return records


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    on_disk = commands.add_parser("file")
    on_disk.add_argument("--gigabytes", type=float, default=4.0)
    on_disk.add_argument("--kind", choices=["map", "parquet", "memory"], action="append")
    on_disk.add_argument("--drop", action="store_true")
    on_disk.add_argument("--tol", type=float, default=TOL)
    one = commands.add_parser("one")
    one.add_argument("folder", type=Path)
    one.add_argument("kind")
    one.add_argument("--drop", action="store_true")
    one.add_argument("--tol", type=float, default=TOL)
    arguments = parser.parse_args()
    if arguments.command == "file":
        file(arguments.gigabytes, arguments.kind or ["map", "parquet"], arguments.drop, arguments.tol)
    else:
        print(json.dumps(_fit_file(arguments.folder, arguments.kind, arguments.drop, arguments.tol)))


if __name__ == "__main__":
    main()
