"""What the benchmarks of the linear models share: trajectories, and the time to a target."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skxent._parallel import worker_threads
from skxent.linear_model._objective import Objective
from skxent.linear_model._objective import Problem as LinearProblem
from skxent.linear_model._outputs import Softmax
from skxent.losses import CrossEntropy
from skxent.rows import MemoryRows


@dataclass
class Problem:
    """A softmax regression to fit.

    Attributes
    ----------
    name : str
        Shown in tables.
    X, y : array
        Data and integer labels.
    alpha : float
        Strength of the penalty on the mean loss.
    """

    name: str
    X: Any
    y: np.ndarray
    alpha: float
    best: float = field(default=np.inf)

    @property
    def C(self) -> float:
        """The same penalty as LogisticRegression counts it; with two classes it has one vector where we have two."""
        return (2 if self.y.max() == 1 else 1) / (self.alpha * self.X.shape[0])

    def objective(self, coef: np.ndarray, intercept: np.ndarray) -> float:
        """Evaluate the objective, its sums in float64."""
        if len(coef) == 1:  # LogisticRegression's binary coefficients, whose penalty counts half for each class
            coef, intercept = np.vstack([-coef, coef]) / 2, np.hstack([-intercept, intercept]) / 2
        with worker_threads() as workers:
            rows = MemoryRows(self.X, self.y, n_outputs=len(coef), workers=workers)
            objective = Objective(LinearProblem(CrossEntropy(), Softmax(), self.alpha), rows)
            return objective.value(np.vstack([coef.T, intercept]).astype(np.float64))


class TimeIsUp(Exception):
    """Raised from a callback to end a fit at the time limit."""


class _Callback:
    """What scikit-learn asks of a callback."""

    def setup(self, estimator: Any, context: Any) -> None:
        """Nothing to set up."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing to tear down."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing to record at a beginning."""


class Clock(_Callback):
    """Notes when an iteration ends, before its weights are put together for a recorder."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.end = self.start

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Note the time."""
        self.end = time.perf_counter()
        return False


class Recorder(_Callback):
    """Keeps the seconds since its clock started and the weights after each iteration; meanwhile the clock stands still.

    Solvers that report nothing on the way do not pay for their report either.
    """

    def __init__(self, clock: Clock, limit: float) -> None:
        self.clock = clock
        self.limit = limit
        self.points: list[tuple[float, np.ndarray, np.ndarray]] = []

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any = None) -> bool:
        """Record an iteration."""
        if context.parent is None or fitted_estimator is None:
            return False
        elapsed = self.clock.end - self.clock.start
        self.points.append((elapsed, fitted_estimator.coef_.copy(), fitted_estimator.intercept_.copy()))
        if elapsed > self.limit:
            raise TimeIsUp
        self.clock.start += time.perf_counter() - self.clock.end
        return False


Curve = list[tuple[float, float]]


def curve(problem: Problem, points: Iterable[tuple[float, np.ndarray, np.ndarray]]) -> Curve:
    """Turn times and weights into times and objectives, about 60 at the most; remember the best objective seen."""
    points = list(points)
    chosen = sorted({round(i) for i in np.geomspace(1, len(points), min(60, len(points)))}) if points else []
    result = [(points[i - 1][0], problem.objective(*points[i - 1][1:])) for i in chosen]
    problem.best = min([problem.best, *(value for _, value in result)])
    return result


def time_to(curve: Curve, best: float, target: float) -> float:
    """Seconds until the objective is within `target`, relative, of the best: log-linear between points."""
    gaps = [(seconds, max(value / best - 1, 1e-12)) for seconds, value in curve]
    for i, (seconds, gap) in enumerate(gaps):
        if gap <= target:
            if i == 0:
                return seconds
            before_seconds, before_gap = gaps[i - 1]
            share = np.log(before_gap / target) / np.log(before_gap / gap)
            return float(before_seconds + share * (seconds - before_seconds))
    return np.inf


def budgets(limit: int = 4_000, ratio: float = 1.7, start: int = 4) -> Iterator[int]:
    """Yield iteration budgets for solvers that report nothing on the way."""
    budget = float(start)
    while budget < limit:
        yield round(budget)
        budget *= ratio


def median(values: Iterable[float]) -> float:
    """Median, for ratios that may be infinite."""
    return statistics.median(values)


def stopwatch(function: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def progress(message: str) -> None:
    """Say what is running, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{message}", end="", file=sys.stderr, flush=True)
