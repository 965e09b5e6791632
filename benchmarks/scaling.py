"""How the cost of a full-batch fit grows: with rows and columns, in memory, with threads; and prediction.

python benchmarks/scaling.py [--plot scaling.png] [--largest 1000000]
"""

from __future__ import annotations

# ruff: noqa: B023  (the timed lambdas run before their loop goes on)
import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
from _harness import progress, stopwatch
from _report import machine, print_table
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from skxent import SoftmaxRegressor
from skxent._parallel import worker_threads

N_CLASSES = 5


def data(n: int, d: int, dtype: Any = np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Correlated Gaussian columns and labels drawn from a softmax model, so that no fit is trivial."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), dtype=np.float32)
    X[:, 1:] += 0.5 * X[:, :-1]
    scores = X @ (rng.standard_normal((d, N_CLASSES)) / np.sqrt(d)).astype(np.float32)
    y = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return X.astype(dtype, copy=False), y


def fit_seconds(n: int, d: int) -> tuple[float, int]:
    """Median of three fits, to 1e-4 or so, and its iterations."""
    X, y = data(n, d)
    model = SoftmaxRegressor(tol=1e-5)
    return float(np.median([stopwatch(lambda: model.fit(X, y)) for _ in range(3)])), model.n_iter_


def exponent(sizes: np.ndarray, seconds: np.ndarray) -> float:
    """Slope of the line through the larger half of the points, on logarithmic axes."""
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[half:]), np.log(seconds[half:]), 1)[0])


def growth(largest: int) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Measure and print seconds over rows and over columns."""
    rows = np.array([n for n in (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000) if n <= largest])
    columns = np.array([10, 30, 100, 300, 1_000, 3_000])
    curves = {}
    for name, sizes, measure in (
        ("rows, of 50 columns", rows, lambda n: fit_seconds(n, 50)),
        ("columns, of 20,000 rows", columns, lambda d: fit_seconds(20_000, d)),
    ):
        found = []
        for size in sizes:
            progress(f"{size} {name}")
            found.append(measure(int(size)))
        seconds = np.array([s for s, _ in found])
        curves[name] = sizes, seconds, exponent(sizes, seconds)
        progress("")
        print(f"\n### Seconds for a fit over {name}: exponent {curves[name][2]:.2f}\n")
        print_table(
            [name.split(",")[0], "seconds", "iterations"],
            [[f"{n:,}", f"{s:.3f}", f"{i}"] for n, (s, i) in zip(sizes, found, strict=True)],
        )
    return curves


_PEAK = """
import ctypes, sys
sys.path.insert(0, {here!r})
import numpy as np
from scaling import MEMORY_CASES
from skxent import SoftmaxRegressor
make, method, options = MEMORY_CASES[{case!r}]
X, y = make()
def run(X, y):
    getattr(SoftmaxRegressor(random_state=0), method)(X, y, **options)
size = X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
run(X[:2000], y[:2000])  # what is loaded, threads, and buffers of BLAS are not the memory of a fit
ctypes.CDLL(None).malloc_trim(0)  # all that is freed is given back
open("/proc/self/clear_refs", "w").write("5")  # reset the peak
def status(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key)) * 1024
before = status("VmRSS")
run(X, y)
print(size, status("VmHWM") - before)
"""


def narrow(n_rows: int, n_columns: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian float32 rows; the class is the largest of the first columns."""
    X = np.random.default_rng(0).standard_normal((n_rows, n_columns), np.float32)
    return X, X[:, :n_classes].argmax(axis=1)


def mnist(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first images of MNIST."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
    from _mnist import load_mnist

    X, y, _, _ = load_mnist()
    return X[:n_rows].copy(), y[:n_rows]


def sparse_data() -> tuple[Any, np.ndarray]:
    """Rows with 40 random entries each."""
    X = sparse.random(400_000, 2_000, density=0.02, format="csr", dtype=np.float32, random_state=0)
    return X, np.random.default_rng(0).integers(N_CLASSES, size=X.shape[0])


_PASS = "partial_fit", {"classes": range(10)}
_FIT: tuple[str, dict[str, Any]] = "fit", {}
MEMORY_CASES: dict[str, tuple[Callable[[], tuple[Any, np.ndarray]], str, dict[str, Any]]] = {
    "200,000 x 400 float32, 5 classes": (lambda: data(200_000, 400), *_FIT),
    "100,000 x 400 float64, 5 classes": (lambda: data(100_000, 400, np.float64), *_FIT),
    "400,000 x 2,000 CSR float32, 5 classes": (sparse_data, *_FIT),
    "500,000 x 30 float32, 2 classes": (lambda: narrow(500_000, 30, 2), *_FIT),
    "200,000 x 30 float32, 10 classes": (lambda: narrow(200_000, 30, 10), *_FIT),
    "500,000 x 10 float32, 2 classes": (lambda: narrow(500_000, 10, 2), *_FIT),
    "20,000 x 300 float32, 3 classes": (lambda: narrow(20_000, 300, 3), *_FIT),
    "50,000 x 200 float32, 100 classes": (lambda: narrow(50_000, 200, 100), *_FIT),
    "MNIST, 60,000 x 784 float32": (lambda: mnist(60_000), *_FIT),
    "MNIST, 10,000 x 784 float32": (lambda: mnist(10_000), *_FIT),
    "MNIST, 60,000 x 784 float32, one SGD pass": (lambda: mnist(60_000), *_PASS),
    "MNIST, 10,000 x 784 float32, one SGD pass": (lambda: mnist(10_000), *_PASS),
}


def memory() -> None:
    """Print the peak of memory during a fit, beyond the data, as a share of the data."""
    rows = []
    for case in MEMORY_CASES:
        code = _PEAK.format(here=str(Path(__file__).parent), case=case)
        size, peak = map(int, subprocess.check_output([sys.executable, "-c", code], text=True).split())
        rows.append([case, f"{size / 1e6:.0f} MB", f"{peak / 1e6:.1f} MB", f"{peak / size:.1%}"])
    print("\n### Peak memory of a fit beyond the data\n")
    print_table(["data", "size", "on top", "share"], rows)


def threads() -> None:
    """Print what a second thread brings, whether the result is the same, and what a grid search costs."""
    X, y = data(100_000, 300)

    def fit(n_threads: int) -> SoftmaxRegressor:
        with threadpool_limits(n_threads):
            return SoftmaxRegressor().fit(X, y)

    seconds = {n: np.median([stopwatch(lambda n=n: fit(n)) for _ in range(3)]) for n in (1, 2)}
    same = np.array_equal(fit(1).coef_, fit(2).coef_) and np.array_equal(fit(2).coef_, fit(2).coef_)
    with Parallel(n_jobs=2) as parallel:
        inner = max(parallel(delayed(threads_of_a_fit)() for _ in range(4)))
    print("\n### Threads\n")
    print_table(
        ["seconds with 1 thread / 2", "same bits", "threads of a fit in each of 2 joblib workers"],
        [[f"{seconds[1] / seconds[2]:.2f}", "yes" if same else "NO", str(inner)]],
    )


def threads_of_a_fit() -> int:
    """Return how many threads a fit would use here."""
    with worker_threads() as workers:
        return len(set(workers.map(lambda _: (time.sleep(0.05), get_ident())[1], range(16))))


def prediction() -> None:
    """Print how fast predict_proba is against LogisticRegression's."""
    rows = []
    for n, d, dtype in (
        (60_000, 784, np.float32),
        (60_000, 784, np.float64),
        (500_000, 30, np.float32),
        (200, 30, np.float64),
    ):
        X, y = data(n, d, dtype)
        ours = SoftmaxRegressor(max_iter=3, tol=0.1).fit(X, y)
        theirs = LogisticRegression(max_iter=1)
        theirs.coef_, theirs.intercept_, theirs.classes_, theirs.n_features_in_ = (
            ours.coef_,
            ours.intercept_,
            ours.classes_,
            d,
        )
        pairs = [
            (stopwatch(lambda: ours.predict_proba(X)), stopwatch(lambda: theirs.predict_proba(X))) for _ in range(9)
        ]
        ratio = np.median([b / a for a, b in pairs])
        rows.append(
            [f"{n:,} x {d} {np.dtype(dtype).name}", f"{np.median([a for a, _ in pairs]) * 1e3:.2f}", f"{ratio:.2f}"]
        )
    print("\n### predict_proba against LogisticRegression's\n")
    print_table(["data", "milliseconds", "ratio"], rows)


def plot(curves: dict[str, tuple[np.ndarray, np.ndarray, float]], path: Path) -> None:
    """Save the growth curves."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(curves), figsize=(11, 4.5), layout="constrained")
    for axis, (name, (sizes, seconds, slope)) in zip(axes, curves.items(), strict=True):
        axis.loglog(sizes, seconds, "o-", lw=2)
        axis.set(xlabel=name, ylabel="seconds for a fit", title=f"exponent {slope:.2f} in the upper half")
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=1_000_000, help="rows at the most")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    start = time.perf_counter()
    print(machine())
    memory()
    threads()
    prediction()
    curves = growth(options.largest)
    if options.plot:
        plot(curves, options.plot)
    print(f"\n{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
