"""How the cost of a full-batch fit grows: with rows and columns, in memory, with threads; and prediction.

python benchmarks/scaling.py [memory threads prediction growth] [--plot scaling.png] [--largest 1000000]
python benchmarks/scaling.py --redraw benchmarks/RESULTS.md --plot scaling.png
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from threading import get_ident
from typing import Any, NamedTuple

import numpy as np
from _peak import CASES
from _report import machine, panels, print_table, progress, read_tables
from _timing import stopwatch, take_turns
from joblib import Parallel, delayed
from numpy.typing import NDArray
from problems import correlated
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from skxent import SoftmaxRegressor
from skxent._parallel import worker_threads

N_CLASSES = 5
ROWS = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
COLUMNS = (10, 30, 100, 300, 1_000, 3_000)
_HEADING = "Seconds for a fit over "


# ---------------------------------------------------------------------------------------------------- growth


class Growth(NamedTuple):
    """Median seconds of fits of growing size, their iterations, and the slope on logarithmic axes."""

    sizes: NDArray[np.int_]
    seconds: NDArray[np.float64]
    iterations: list[int]
    exponent: float


def fit_seconds(n: int, d: int) -> tuple[float, int]:
    """Median of three fits, to 1e-4 or so, and its iterations."""
    X, y = correlated(n, d, N_CLASSES)
    model = SoftmaxRegressor(tol=1e-5)
    return float(np.median([stopwatch(lambda: model.fit(X, y)) for _ in range(3)])), model.n_iter_


def measure_growth(name: str, sizes: Iterable[int], shape: Callable[[int], tuple[int, int]]) -> Growth:
    """Measure and print seconds for a fit of each size."""
    found = []
    for size in sizes:
        progress(f"{size} {name}")
        found.append((size, *fit_seconds(*shape(size))))
    progress("")
    measured, seconds = np.array([size for size, *_ in found]), np.array([seconds for _, seconds, _ in found])
    growth = Growth(measured, seconds, [n_iter for *_, n_iter in found], exponent(measured, seconds))
    print(f"\n### {_HEADING}{name}: exponent {growth.exponent:.2f}\n")
    rows = [[f"{n:,}", f"{s:.3f}", f"{i}"] for n, s, i in found]
    print_table([name.split(",")[0], "seconds", "iterations"], rows)
    return growth


def exponent(sizes: NDArray[np.int_], seconds: NDArray[np.float64]) -> float:
    """Slope of the line through the larger half of the points, on logarithmic axes."""
    half = min(len(sizes) // 2, len(sizes) - 2)
    return float(np.polyfit(np.log(sizes[half:]), np.log(seconds[half:]), 1)[0])


def growth(largest: int, plot: Path | None = None) -> None:
    """Print seconds over rows and over columns, and draw them."""
    n = min(20_000, largest)
    curves = {
        name: measure_growth(name, sizes, shape)
        for name, sizes, shape in (
            ("rows, of 50 columns", [rows for rows in ROWS if rows <= max(largest, ROWS[1])], lambda rows: (rows, 50)),
            (f"columns, of {n:,} rows", [d for d in COLUMNS if d <= n], lambda columns: (n, columns)),
        )
    }
    if plot:
        draw(curves, plot)


def recorded(results: Path) -> dict[str, Growth]:
    """Return what the tables of a file of results say."""
    curves = {}
    for heading, (_, *rows) in read_tables(results).items():
        if heading.startswith(_HEADING):
            name, _, slope = heading.removeprefix(_HEADING).partition(": exponent ")
            sizes, seconds, iterations = np.array([[float(cell.replace(",", "")) for cell in row] for row in rows]).T
            curves[name] = Growth(sizes.astype(int), seconds, [*map(int, iterations)], float(slope))
    return curves


def draw(curves: dict[str, Growth], path: Path) -> None:
    """Save the growth curves."""
    figure, axes = panels(len(curves), 11, 4.5)
    for axis, (name, curve) in zip(axes, curves.items(), strict=True):
        varied, _, fixed = name.partition(", of ")
        axis.loglog(curve.sizes, curve.seconds, "o-")
        title = f"{fixed}: slope {curve.exponent:.2f} in the larger half"
        axis.set(xlabel=varied, ylabel="seconds for a fit", title=title)
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.grid()
    figure.savefig(path)


# ---------------------------------------------------------------------------------------------------- memory


def memory(largest: int) -> None:
    """Print the peak of memory during a fit, beyond the data, as a share of the data."""
    rows = []
    for case in CASES:
        progress(case)
        command = [sys.executable, str(Path(__file__).with_name("_peak.py")), case, str(largest)]
        size, peak = map(int, subprocess.check_output(command, text=True).split())
        rows.append([case, f"{size / 1e6:.0f} MB", f"{peak / 1e6:.1f} MB", f"{peak / size:.1%}"])
    progress("")
    print("\n### Peak memory of a fit beyond the data\n")
    print_table(["data", "size", "on top", "share"], rows)


# --------------------------------------------------------------------------------------------------- threads


def threads(largest: int) -> None:
    """Print what a second thread brings, whether the result is the same, and what a grid search costs."""
    X, y = correlated(min(100_000, largest), 300, N_CLASSES)

    def fit(n_threads: int) -> SoftmaxRegressor:
        with threadpool_limits(n_threads):
            return SoftmaxRegressor().fit(X, y)

    one, two = take_turns({"1": partial(fit, 1), "2": partial(fit, 2)}, 3).values()
    same = np.array_equal(fit(1).coef_, fit(2).coef_) and np.array_equal(fit(2).coef_, fit(2).coef_)
    with Parallel(n_jobs=2) as parallel:
        inner = max(parallel(delayed(threads_of_a_fit)() for _ in range(4)))
    print("\n### Threads\n")
    print_table(
        ["seconds with 1 thread / 2", "same bits", "threads of a fit in each of 2 joblib workers"],
        [[f"{np.median(one) / np.median(two):.2f}", "yes" if same else "NO", str(inner)]],
    )


def threads_of_a_fit() -> int:
    """Return how many threads a fit would use here."""

    def busy_thread(_: int) -> int:
        time.sleep(0.05)
        return get_ident()

    with worker_threads() as workers:
        return len(set(workers.map(busy_thread, range(16))))


# ------------------------------------------------------------------------------------------------ prediction


def prediction(largest: int) -> None:
    """Print how fast predict_proba is against LogisticRegression's."""
    rows = []
    for n_rows, d, dtype in (
        (60_000, 784, np.float32),
        (60_000, 784, np.float64),
        (500_000, 30, np.float32),
        (200, 30, np.float64),
    ):
        n = min(n_rows, largest)
        X, y = correlated(n, d, N_CLASSES, dtype)
        model = SoftmaxRegressor(max_iter=3, tol=0.1).fit(X, y)
        both = {"ours": partial(model.predict_proba, X), "theirs": partial(twin_of(model).predict_proba, X)}
        ours, theirs = take_turns(both, 9).values()
        ratio = np.median(theirs / ours)
        rows.append([f"{n:,} x {d} {np.dtype(dtype).name}", f"{np.median(ours) * 1e3:.2f}", f"{ratio:.2f}"])
    print("\n### predict_proba against LogisticRegression's\n")
    print_table(["data", "milliseconds", "ratio"], rows)


def twin_of(model: Any) -> Any:
    """Return a LogisticRegression with the same coefficients."""
    twin = LogisticRegression()
    for name in ("coef_", "intercept_", "classes_", "n_features_in_"):
        setattr(twin, name, getattr(model, name))
    return twin


# ------------------------------------------------------------------------------------------------------------

PARTS: dict[str, Callable[[int], None]] = {
    "memory": memory,
    "threads": threads,
    "prediction": prediction,
    "growth": growth,
}


def main(arguments: list[str] | None = None) -> None:
    """Run the parts asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", default=list(PARTS), help=" ".join(PARTS))
    parser.add_argument("--largest", type=int, default=1_000_000, help="rows at the most")
    parser.add_argument("--plot", type=Path, help="file for the picture of the growth")
    parser.add_argument("--redraw", type=Path, metavar="RESULTS", help="draw what its tables say; measure nothing")
    options = parser.parse_args(arguments)
    if options.redraw:
        return draw(recorded(options.redraw), options.plot)
    start = time.perf_counter()
    print(machine())
    warnings.simplefilter("ignore", ConvergenceWarning)  # of models that only have to predict
    parts: dict[str, Callable[[int], None]] = {**PARTS, "growth": partial(growth, plot=options.plot)}
    for part in options.parts:
        parts[part](options.largest)
    print(f"\n{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
