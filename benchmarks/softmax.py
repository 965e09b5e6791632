"""Full-batch softmax regression: time to a given distance from the optimum, against every peer installed.

Solvers are compared at equal objective, never at equal ``tol``. LogisticRegression's lbfgs reports each iteration, and
the clock stands still meanwhile; the others run with growing budgets, skxent with 1, 2, 3, … iterations, and times
between two budgets are interpolated. skxent runs again beside each peer, and the ratio is against that run.

    python benchmarks/softmax.py [--problems mnist brown …] [--peers NAME] [--limit SECONDS] [--plot times.png]
    python benchmarks/softmax.py --problems mnist mnist-strong --redraw benchmarks/RESULTS.md --plot times.png
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _ours import find_optimum, fits
from _report import machine, panels, print_table, progress, read_tables, say_missing
from _timing import TARGETS, Curve, curve, median_curve, stopwatch, take_turns, time_to
from peers import MISSING, FullBatch, solvers_for
from problems import DEFAULT, PROBLEMS, Problem, mnist_strong, mnist_weak
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skxent import SoftmaxRegressor
from skxent.solvers import LBFGS

# Rows of the fit that each solver makes before, untimed, and its seconds.
_WARM_UP_ROWS, _WARM_UP_LIMIT = 2_000, 0.1

# Seconds that are drawn at the least: less is written as 0.00, which has no place on a logarithmic axis.
_LEAST = 0.005
# The mark of each target in the picture, the nearest to the optimum last.
_MARKS = ("o", "D", "s")
_XLABEL = "seconds to a relative distance from the optimum of  ● 1e-3   ◆ 1e-4   ■ 1e-5   (▷ not reached)"

# For each solver what the tables and the picture show: seconds to each target, or "> 9" where the run was ended before.
Cells = dict[str, list[str]]

SMALL = {"iris": load_iris, "digits": load_digits}


def compare(problem: Problem, limit: float, among: str = "") -> dict[str, Curve]:
    """Run skxent before and after each peer and print the ratios; return a curve for each solver."""
    peers = solvers_for(sparse=problem.is_sparse, among=among)
    curves: dict[str, Curve] = {}
    neighbours: dict[str, list[Curve]] = {}
    warm_up(problem.few(_WARM_UP_ROWS), peers)
    find_optimum(problem)
    before = curve(problem, fits(problem, limit))
    for name, peer in peers.items():
        progress(f"{problem.name}: {name}")
        curves[name] = curve(problem, peer.run(problem, limit))
        after = curve(problem, fits(problem, limit))
        neighbours[name] = [before, after]
        before = after
    progress("")
    runs = [run for pair in neighbours.values() for run in pair] or [before]
    report(problem, runs, curves, neighbours)
    return {"skxent": median_curve(runs), **curves}


def warm_up(small: Problem, peers: dict[str, FullBatch]) -> None:
    """Run every solver on few of the rows, so that none loads its code on the clock."""
    for run in (fits, *(peer.run for peer in peers.values())):
        list(run(small, _WARM_UP_LIMIT))


def report(problem: Problem, runs: list[Curve], curves: dict[str, Curve], neighbours: dict[str, list[Curve]]) -> None:
    """Print the table of a problem: seconds to each target, and the ratios to the runs of skxent beside each peer."""

    def ours(among: list[Curve]) -> list[float]:
        return [statistics.median(time_to(run, problem.best, target) for run in among) for target in TARGETS]

    rows = [["**skxent**", *(f"{seconds:.2f}" for seconds in ours(runs)), *("1" for _ in TARGETS)]]
    # The least ratio at each target, and whether that peer got there: one whose run was ended may be faster.
    fastest = [(np.inf, True) for _ in TARGETS]
    for name, its_curve in curves.items():
        seconds = [time_to(its_curve, problem.best, target) for target in TARGETS]
        longest = its_curve[-1][0] if its_curve else 0.0
        beside = ours(neighbours[name])
        rows.append(
            [name, *(_seconds(s, longest) for s in seconds), *map(_ratio, seconds, beside, [longest] * len(beside))]
        )
        ratios = [min(s, longest) / m if np.isfinite(m) else np.inf for s, m in zip(seconds, beside, strict=True)]
        least = zip(ratios, map(bool, np.isfinite(seconds)), strict=True)
        fastest = [min(pair) for pair in zip(fastest, least, strict=True)]
    best = [f"**{ratio:.1f}**" if there else f"**> {ratio:.0f}**" for ratio, there in fastest]
    rows.append(["**fastest peer**", *("" for _ in TARGETS), *best])
    print(f"\n### {problem.name}\n\nobjective at the optimum {problem.best:.8f}\n")
    print_table(
        [
            "seconds to a relative distance of",
            *(f"{target:.0e}" for target in TARGETS),
            *(f"ratio at {target:.0e}" for target in TARGETS),
        ],
        rows,
    )


def _seconds(seconds: float, longest: float) -> str:
    return f"{seconds:.2f}" if np.isfinite(seconds) else f"> {longest:.0f}"


def _ratio(theirs: float, ours: float, longest: float) -> str:
    if not np.isfinite(ours):
        return "?"
    return f"{theirs / ours:.1f}" if np.isfinite(theirs) else f"> {longest / ours:.0f}"


def small_data(repeats: int = 30) -> None:
    """Print what a whole fit costs on small data, both estimators at their defaults."""
    rows = []
    for name, load in SMALL.items():
        X, y = load(return_X_y=True)
        models = {"ours": SoftmaxRegressor(), "theirs": LogisticRegression(max_iter=10_000)}
        fits_by_name = {name: lambda model=model: model.fit(X, y) for name, model in models.items()}  # noqa: B023
        ours, theirs = take_turns(fits_by_name, repeats).values()
        milliseconds = [f"{np.median(seconds) * 1e3:.1f}" for seconds in (ours, theirs)]
        rows.append([f"{name} {X.shape[0]} x {X.shape[1]}", *milliseconds, f"{np.median(theirs / ours):.1f}"])
    print("\n### Small data: milliseconds for a fit at default settings\n")
    print_table(["data", "skxent", "LogisticRegression", "ratio"], rows)


def parts_of_the_solver(problem: Problem) -> None:
    """Print what a fit at the default tolerance costs without each part of the solver, and without all three."""
    parts: dict[str, Any] = {"preconditioner": None, "surrogate": None, "start": None}
    without: list[dict[str, Any]] = [{}, *({name: None} for name in parts), parts]
    print(f"\n### What the parts of the solver gain: {problem.name}\n")
    rows = []
    for arguments in without:
        solver = LBFGS(**arguments)
        progress(repr(solver))
        model = SoftmaxRegressor(alpha=problem.alpha, solver=solver)
        begin = time.process_time()
        model.fit(problem.X, problem.y)
        rows.append(
            [f"`{solver!r}`", str(model.n_iter_), f"{time.process_time() - begin:.1f}", f"{model.optimality_:.0e}"]
        )
    progress("")
    print_table(["solver", "iterations", "processor seconds", "optimality_"], rows)


def quadratic_loss(problem: Problem, n_starts: int = 20) -> None:
    """Print how the quadratic loss, which has no peer and is not convex, ends from random starts."""
    rng = np.random.default_rng(0)
    shape = int(problem.y.max()) + 1, problem.X.shape[1]
    ends, iterations, seconds = [], [], []
    for start in range(n_starts):
        progress(f"quadratic loss, start {start + 1} of {n_starts}")
        model = SoftmaxRegressor("quadratic", alpha=problem.alpha, max_iter=1_000)
        begin = {"coef_init": rng.normal(0, 0.05, shape), "intercept_init": np.zeros(shape[0])}
        seconds.append(stopwatch(lambda: model.fit(problem.X, problem.y, **begin)))  # noqa: B023
        ends.append(model.loss_curve_[-1])
        iterations.append(model.n_iter_)
    progress("")
    print(f"\n### Quadratic loss, {problem.name}, {n_starts} random starts\n")
    spread, middle = max(ends) / min(ends) - 1, statistics.median(ends) / min(ends) - 1
    print_table(
        ["lowest objective", "relative spread", "median spread", "iterations", "seconds"],
        [
            [
                f"{min(ends):.6f}",
                f"{spread:.1e}",
                f"{middle:.1e}",
                f"{min(iterations)}-{max(iterations)}",
                f"{min(seconds):.1f}-{max(seconds):.1f}",
            ]
        ],
    )


def cells(curves: dict[str, Curve], best: float) -> Cells:
    """Return the seconds of each solver to each target, as the tables have them."""
    return {
        name: [_seconds(time_to(run, best, target), run[-1][0] if run else 0.0) for target in TARGETS]
        for name, run in curves.items()
    }


def recorded(problem: str, results: Path) -> Cells:
    """Return what the table of a problem says in a file of results."""
    _, *rows = read_tables(results)[problem]
    return {name: seconds[: len(TARGETS)] for name, *seconds in rows if name != "fastest peer"}


def plot(by_problem: dict[str, Cells], path: Path) -> None:
    """Save the seconds to each target, a panel for each problem and a line for each solver."""
    from matplotlib.ticker import LogLocator

    longest = max(by_problem.values(), key=len)
    names = list(longest)
    figure, axes = panels(len(by_problem), 3 + 4.5 * len(by_problem), 1.5 + 0.33 * len(names), sharey=True)
    for axis, (problem, solvers) in zip(axes, by_problem.items(), strict=True):
        for place, name in enumerate(names):
            _draw_solver(axis, place, name, solvers.get(name, []))
        axis.set(title=problem, xscale="log")
        axis.set_yticks(range(len(names)), names)
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(lambda *_: "")
        axis.grid(axis="x")
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    figure.supxlabel(_XLABEL, fontsize="medium")
    figure.savefig(path)


def _draw_solver(axis: Any, place: int, name: str, seconds: list[str]) -> None:
    """Draw the marks of a solver, and an arrow where its run was ended before it got to a target."""
    colour = "C0" if name == "skxent" else "C3"
    ends = [max(float(cell.removeprefix("> ")), _LEAST) for cell in seconds]
    axis.plot(ends, [place] * len(ends), color=colour, lw=1)
    for cell, end, mark in zip(seconds, ends, _MARKS, strict=False):
        reached = not cell.startswith(">")
        axis.plot(end, place, mark if reached else ">", color=colour, mfc=colour if reached else "white", ms=6)


def main(arguments: list[str] | None = None) -> None:
    """Run the comparisons asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="*", choices=list(PROBLEMS), default=DEFAULT)
    parser.add_argument("--peers", default="", help="only peers with this in their names")
    parser.add_argument("--limit", type=float, default=30, help="seconds for one run of one solver")
    parser.add_argument(
        "--extras", action="store_true", help="also small data, the parts of the solver and the quadratic loss"
    )
    parser.add_argument("--plot", type=Path, help="file for the picture of the times")
    parser.add_argument("--redraw", type=Path, metavar="RESULTS", help="draw what its tables say; measure nothing")
    options = parser.parse_args(arguments)
    if options.redraw:
        named = [PROBLEMS[name]().name for name in options.problems]
        return plot({name: recorded(name, options.redraw) for name in named}, options.plot)
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", FutureWarning)
    warnings.filterwarnings("ignore", ".*line search")  # of newton-cg, near the optimum
    print(machine())
    say_missing(MISSING)
    times: dict[str, Cells] = {}
    for name in options.problems:
        problem = PROBLEMS[name]()
        times[problem.name] = cells(compare(problem, options.limit, options.peers), problem.best)
    if options.extras:
        small_data()
        parts_of_the_solver(mnist_weak())
        parts_of_the_solver(mnist_strong())
        quadratic_loss(mnist_weak())
    if options.plot:
        plot(times, options.plot)


if __name__ == "__main__":
    main()
