"""Full-batch softmax regression: time to a given distance from the optimum, against every peer installed.

Solvers are compared at equal objective, never at equal ``tol``. LogisticRegression's lbfgs reports each iteration, and
the clock stands still meanwhile; the others run with growing budgets, skxent with 1, 2, 3, … iterations, and times
between two budgets are interpolated. skxent runs anew beside each peer, and the ratio is against that run.

    python benchmarks/softmax.py [--problems mnist brown …] [--peers NAME] [--limit SECONDS] [--plot curves.png]
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from _harness import (
    Clock,
    Curve,
    Problem,
    Recorder,
    TimeIsUp,
    budgets,
    curve,
    progress,
    stopwatch,
    time_to,
)
from _report import machine, print_table
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skxent import SoftmaxRegressor

TARGETS = (1e-3, 1e-4, 1e-5)
Points = list[tuple[float, np.ndarray, np.ndarray]]


# ------------------------------------------------------------------------------------------------- problems


def mnist(scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Training images with values up to `scale`."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
    from _mnist import load_mnist

    X, y, _, _ = load_mnist()
    return X * np.float32(scale), y


def brown() -> tuple[Any, np.ndarray]:
    """TF-IDF of the Brown corpus's sentences and their genre, or a generated stand-in."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        from nltk.corpus import brown as corpus

        sentences = [
            (" ".join(words), genre) for genre in corpus.categories() for words in corpus.sents(categories=genre)
        ]
        texts, genres = zip(*sentences, strict=True)
    except (ImportError, LookupError):
        rng = np.random.default_rng(0)
        genres = rng.integers(15, size=50_000)
        ranks = np.minimum(rng.zipf(1.2, size=(50_000, 20)), 40_000) * 17 % (30_000 + 500 * genres[:, None])
        texts = [" ".join(f"w{rank}" for rank in row) for row in ranks]
    X = TfidfVectorizer(token_pattern=r"\S+", dtype=np.float32).fit_transform(texts)
    return X, np.unique(genres, return_inverse=True)[1]


def generated(n: int, d: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian clusters, half of the features informative, 5 % of the labels wrong."""
    X, y = make_classification(
        n, d, n_informative=d // 2, n_classes=k, n_clusters_per_class=1, flip_y=0.05, random_state=0
    )
    return X.astype(np.float32), y


def problems() -> dict[str, Callable[[], Problem]]:
    """Return each problem's recipe by name."""
    return {
        "mnist": lambda: Problem("MNIST, alpha = 1/60000", *mnist(1), 1 / 60_000),
        "mnist-strong": lambda: Problem("MNIST, alpha = 1/600", *mnist(1), 1 / 600),
        "mnist-raw": lambda: Problem(
            "MNIST 0-255, alpha = 255² / 60000, the first model unscaled", *mnist(255), 255**2 / 60_000
        ),
        "brown": lambda: _with_alpha("Brown sentences, TF-IDF float32, 15 genres", *brown()),
        "classes": lambda: _with_alpha("50,000 x 200, 100 classes", *generated(50_000, 200, 100)),
        "tall": lambda: _with_alpha("500,000 x 30, 2 classes", *generated(500_000, 30, 2)),
    }


def _with_alpha(name: str, X: Any, y: np.ndarray) -> Problem:
    return Problem(name, X, y, 1 / X.shape[0])


# -------------------------------------------------------------------------------------------------- solvers


def recorded(estimator: Any, problem: Problem, limit: float, dtype: type) -> Points:
    """Fit an estimator that reports each iteration."""
    X = problem.X.astype(dtype)
    clock = Clock()
    recorder = Recorder(clock, limit)
    with suppress(TimeIsUp):
        estimator.set_callbacks(clock, recorder).fit(X, problem.y)
    return recorder.points


def budgeted(
    make: Callable[[int], Any], problem: Problem, limit: float, dtype: type, allowed: Iterable[int] | None = None
) -> Iterator[tuple[float, Any, Any]]:
    """Fit an estimator with growing budgets until the caller has seen enough or the time is up."""
    X = problem.X.astype(dtype)
    for budget in budgets() if allowed is None else allowed:
        estimator = make(budget)
        seconds = stopwatch(lambda model=estimator: model.fit(X, problem.y))
        yield seconds, estimator.coef_, estimator.intercept_
        if seconds > limit or np.max(estimator.n_iter_) < budget:
            return


def skxent(problem: Problem, limit: float) -> Iterator[tuple[float, Any, Any]]:
    """Fit with the solver of this project."""
    return budgeted(
        lambda budget: SoftmaxRegressor(alpha=problem.alpha, tol=0, max_iter=budget),
        problem,
        limit,
        problem.X.dtype.type,
        itertools.count(1),
    )


def find_optimum(problem: Problem) -> None:
    """Set the best objective known of a problem; some solver may still find a better one."""
    model = SoftmaxRegressor(alpha=problem.alpha, tol=1e-9, max_iter=2_000).fit(problem.X, problem.y)
    problem.best = problem.objective(model.coef_, model.intercept_)


def torch_lbfgs(problem: Problem, limit: float) -> Points:
    """Fit with PyTorch's L-BFGS and its strong Wolfe line search, on all cores."""
    import torch

    X, y = torch.from_numpy(np.asarray(problem.X)), torch.from_numpy(problem.y.astype(np.int64))
    model = torch.nn.Linear(X.shape[1], int(problem.y.max()) + 1, dtype=X.dtype)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    optimizer = torch.optim.LBFGS(
        model.parameters(),
        max_iter=100_000,
        max_eval=100_000,
        history_size=10,
        line_search_fn="strong_wolfe",
        tolerance_grad=0,
        tolerance_change=0,
    )
    points: Points = []
    start = time.perf_counter()

    def closure() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(X), y) + problem.alpha / 2 * model.weight.square().sum()
        loss.backward()
        elapsed = time.perf_counter() - start
        points.append((elapsed, model.weight.detach().numpy().copy(), model.bias.detach().numpy().copy()))
        if elapsed > limit:
            raise TimeIsUp
        return loss

    with suppress(TimeIsUp):
        optimizer.step(closure)
    return points


def peers(problem: Problem, limit: float) -> dict[str, Callable[[], Any]]:
    """Return each peer's run by name; those not installed are left out."""
    settings = {"C": problem.C, "tol": 1e-10}

    def logistic(solver: str, dtype: type) -> Callable[[], Any]:
        if solver == "lbfgs":
            model = LogisticRegression(**settings, max_iter=100_000)
            return lambda: recorded(model, problem, limit, dtype)
        return lambda: budgeted(
            lambda budget: LogisticRegression(**settings, solver=solver, max_iter=budget, random_state=0),
            problem,
            limit,
            dtype,
        )

    runs = {
        f"LogisticRegression {solver} {dtype.__name__}": logistic(solver, dtype)
        for solver in ("lbfgs", "newton-cg", "sag", "saga")
        for dtype in (np.float32, np.float64)
    }
    if not isinstance(problem.X, np.ndarray):
        return runs
    try:
        from sklearnex.linear_model import LogisticRegression as Accelerated

        for dtype in (np.float32, np.float64):
            runs[f"scikit-learn-intelex lbfgs {dtype.__name__}"] = lambda dtype=dtype: budgeted(
                lambda budget: Accelerated(**settings, max_iter=budget), problem, limit, dtype
            )
    except ImportError:
        pass
    try:
        import torch  # noqa: F401

        runs["PyTorch L-BFGS"] = lambda: torch_lbfgs(problem, limit)
    except ImportError:
        pass
    return runs


# ----------------------------------------------------------------------------------------------- comparison


def compare(problem: Problem, limit: float, among: str = "") -> dict[str, Curve]:
    """Run skxent before and after each peer and print the ratios; return a curve for each solver."""
    curves: dict[str, Curve] = {}
    neighbours: dict[str, list[Curve]] = {}
    warm_up(problem, among)
    find_optimum(problem)
    before = until_done(problem, skxent(problem, limit))
    for name, run in ((name, run) for name, run in peers(problem, limit).items() if among in name):
        progress(f"{problem.name}: {name}")
        curves[name] = until_done(problem, run())
        after = until_done(problem, skxent(problem, limit))
        neighbours[name] = [before, after]
        before = after
    return report(problem, curves, neighbours)


def warm_up(problem: Problem, among: str) -> None:
    """Run every solver on few of the rows, so that none loads its code on the clock."""
    few = slice(None, None, -(-len(problem.y) // 2_000))
    small = Problem(problem.name, problem.X[few], problem.y[few], problem.alpha)
    for run in [lambda: skxent(small, 0.1)] + [run for name, run in peers(small, 0.1).items() if among in name]:
        list(run())


def until_done(problem: Problem, points: Iterable[tuple[float, Any, Any]]) -> Curve:
    """Return the curve of a run; growing budgets need not grow beyond the last target."""
    if isinstance(points, list):
        return curve(problem, points)
    result: Curve = []
    for point in points:
        result += curve(problem, [point])
        if result[-1][1] <= problem.best * (1 + TARGETS[-1]):
            break
    return result


def report(problem: Problem, curves: dict[str, Curve], neighbours: dict[str, list[Curve]]) -> dict[str, Curve]:
    """Print the table of a problem; return its curves with skxent's median run."""
    runs = [run for pair in neighbours.values() for run in pair]

    def mine(target: float, among: list[Curve]) -> float:
        return float(np.median([time_to(run, problem.best, target) for run in among]))

    progress("")
    print(f"\n### {problem.name}\n\nobjective at the optimum {problem.best:.8f}\n")
    header = (
        ["seconds to a relative distance of"] + [f"{t:.0e}" for t in TARGETS] + [f"ratio at {t:.0e}" for t in TARGETS]
    )
    rows = [["**skxent**"] + [f"{mine(t, runs):.2f}" for t in TARGETS] + ["1"] * len(TARGETS)]
    fastest = [np.inf] * len(TARGETS)
    for name, its_curve in curves.items():
        seconds = [time_to(its_curve, problem.best, t) for t in TARGETS]
        beside = [mine(t, neighbours[name]) for t in TARGETS]
        ratios = [s / m if np.isfinite(m) else np.inf for s, m in zip(seconds, beside, strict=True)]
        fastest = np.minimum(fastest, ratios).tolist()
        longest = its_curve[-1][0] if its_curve else 0.0
        rows.append(
            [name]
            + [f"{s:.2f}" if np.isfinite(s) else f"> {longest:.0f}" for s in seconds]
            + [
                f"{r:.1f}" if np.isfinite(r) else f"> {longest / m:.0f}" if np.isfinite(m) else "?"
                for r, m in zip(ratios, beside, strict=True)
            ]
        )
    rows.append(
        ["**fastest peer**"]
        + [""] * len(TARGETS)
        + [f"**{r:.1f}**" if np.isfinite(r) else "none got there" for r in fastest]
    )
    print_table(header, rows)
    return {"skxent": median_curve(runs), **curves}


def median_curve(runs: list[Curve]) -> Curve:
    """Return the median times of runs that went the same way."""
    return [(float(np.median([seconds for seconds, _ in points])), points[0][1]) for points in zip(*runs, strict=False)]


def small_data(repeats: int = 30) -> None:
    """Print what a whole fit costs on small data, both estimators at their defaults."""
    rows = []
    for name, load in (("iris", load_iris), ("digits", load_digits)):
        X, y = load(return_X_y=True)
        ours, theirs = SoftmaxRegressor(), LogisticRegression(max_iter=10_000)
        pairs = [(stopwatch(lambda: ours.fit(X, y)), stopwatch(lambda: theirs.fit(X, y))) for _ in range(repeats)]  # noqa: B023
        times = np.median(pairs, axis=0) * 1e3
        ratio = np.median([theirs / ours for ours, theirs in pairs])
        rows.append([f"{name} {X.shape[0]} x {X.shape[1]}", f"{times[0]:.1f}", f"{times[1]:.1f}", f"{ratio:.1f}"])
    print("\n### Small data: milliseconds for a fit at default settings\n")
    print_table(["data", "skxent", "LogisticRegression", "ratio"], rows)


def quadratic_loss(n_starts: int = 20) -> None:
    """Print how the quadratic loss, which has no peer and is not convex, ends from random starts."""
    X, y = mnist(1)
    rng = np.random.default_rng(0)
    ends, iterations, seconds = [], [], []
    for start in range(n_starts):
        progress(f"quadratic loss, start {start + 1} of {n_starts}")
        model = SoftmaxRegressor("quadratic", alpha=1 / 60_000, max_iter=1_000)
        coef, intercept = rng.normal(0, 0.05, (10, X.shape[1])), np.zeros(10)
        seconds.append(stopwatch(lambda: model.fit(X, y, coef_init=coef, intercept_init=intercept)))  # noqa: B023
        ends.append(model.loss_curve_[-1])
        iterations.append(model.n_iter_)
    progress("")
    print(f"\n### Quadratic loss, MNIST, alpha = 1/60000, {n_starts} random starts\n")
    spread = max(ends) / min(ends) - 1
    print_table(
        ["lowest objective", "relative spread", "median spread", "iterations", "seconds"],
        [
            [
                f"{min(ends):.6f}",
                f"{spread:.1e}",
                f"{np.median(ends) / min(ends) - 1:.1e}",
                f"{min(iterations)}-{max(iterations)}",
                f"{min(seconds):.1f}-{max(seconds):.1f}",
            ]
        ],
    )


def plot(curves: dict[str, dict[str, Curve]], best: dict[str, float], path: Path) -> None:
    """Save the distance from the optimum against time, a panel for each problem."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(curves), figsize=(5.5 * len(curves) + 3, 4.5), squeeze=False, layout="constrained"
    )
    colours = plt.get_cmap("tab20").colors
    for axis, (problem, by_solver) in zip(axes[0], curves.items(), strict=True):
        for colour, (name, its_curve) in zip(("black", *colours), by_solver.items(), strict=False):
            seconds, values = np.array(its_curve).T if its_curve else ([], [])
            gaps = np.maximum(np.array(values) / best[problem] - 1, 1e-8)
            axis.loglog(seconds, gaps, lw=3 if name == "skxent" else 1.3, color=colour, label=name)
        axis.set(title=problem, xlabel="seconds", ylabel="relative distance from the optimum", ylim=(1e-6, 10))
        axis.grid(alpha=0.3)
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run the comparisons asked for."""
    recipes = problems()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="*", choices=list(recipes), default=list(recipes))
    parser.add_argument("--peers", default="", help="only peers with this in their names")
    parser.add_argument("--limit", type=float, default=30, help="seconds for one run of one solver")
    parser.add_argument("--extras", action="store_true", help="also small data and the quadratic loss")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", FutureWarning)
    print(machine())
    curves, best = {}, {}
    for name in options.problems:
        problem = recipes[name]()
        curves[problem.name] = compare(problem, options.limit, options.peers)
        best[problem.name] = problem.best
    if options.extras:
        small_data()
        quadratic_loss()
    if options.plot:
        plot(curves, best, options.plot)


if __name__ == "__main__":
    main()
