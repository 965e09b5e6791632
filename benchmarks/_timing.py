"""Time: of a call, of calls that take turns, and until a fit has come near the optimum.

A run of a solver is a series of points: seconds since its start, coefficients, intercepts. A solver that reports each
iteration gives them by itself (:func:`recorded`); one that does not is fitted again and again with larger budgets of
iterations (:func:`budgeted`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from problems import Problem

Points = Iterable[tuple[float, NDArray[Any], NDArray[Any]]]
Curve = list[tuple[float, float]]

# Relative distances from the optimum that are asked for.
TARGETS = (1e-3, 1e-4, 1e-5)

# Points of one run whose objective is evaluated, at the most.
_MOST_POINTS = 60


# ------------------------------------------------------------------------------------------------- calls


def stopwatch(function: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def steady(function: Callable[[], Any], at_least: float = 0.5) -> float:
    """Median seconds of as many calls as take `at_least` seconds together, and of one call if it takes longer."""
    seconds: list[float] = []
    while sum(seconds) < at_least:
        seconds.append(stopwatch(function))
    return statistics.median(seconds)


def take_turns(
    functions: Mapping[str, Callable[[], Any]],
    rounds: int,
    *,
    warm_up: int = 0,
    on_round: Callable[[int], None] = lambda index: None,
) -> dict[str, NDArray[np.float64]]:
    """Time functions that take turns.

    Parameters
    ----------
    functions : mapping of str to callable
        Functions by name.
    rounds : int
        How often each is called and timed.
    warm_up : int, default=0
        Rounds before, which do not count.
    on_round : callable, optional
        Called with the number of each round before it, from 1; 0 and less are rounds that do not count.

    Returns
    -------
    dict of str to ndarray of shape (rounds,)
        Seconds by name.
    """
    seconds = []
    for index in range(1 - warm_up, rounds + 1):
        on_round(index)
        seconds.append([stopwatch(function) for function in functions.values()])
    return dict(zip(functions, np.array(seconds[warm_up:]).T, strict=True))


# -------------------------------------------------------------------------------------------------- runs


class TimeIsUp(Exception):
    """Raised from within a fit to end it at the time limit."""


class _Callback:
    """What scikit-learn asks of a callback."""

    def setup(self, estimator: Any, context: Any) -> None:
        """Nothing to set up."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing to tear down."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing to record at a beginning."""


class _Clock(_Callback):
    """Notes when an iteration ends, before its weights are put together for a recorder."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.end = self.start

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Note the time."""
        self.end = time.perf_counter()
        return False


class _Recorder(_Callback):
    """Keeps the seconds since its clock started and the weights after each iteration; meanwhile the clock stands still.

    Solvers that report nothing on the way do not pay for their report either.
    """

    def __init__(self, clock: _Clock, limit: float) -> None:
        self.clock = clock
        self.limit = limit
        self.points: list[tuple[float, NDArray[Any], NDArray[Any]]] = []

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


def recorded(estimator: Any, problem: Problem, limit: float, dtype: Any) -> Points:
    """Fit an estimator that reports each iteration to scikit-learn's callbacks."""
    X = problem.X.astype(dtype)
    clock = _Clock()
    recorder = _Recorder(clock, limit)
    with suppress(TimeIsUp):
        estimator.set_callbacks(clock, recorder).fit(X, problem.y)
    return thinned(recorder.points)


def thinned(points: list[Any]) -> list[Any]:
    """Return some of the points, ever further apart, with the first and the last among them."""
    n = len(points)
    return [points[i - 1] for i in sorted({round(i) for i in np.geomspace(1, n, min(n, _MOST_POINTS))})] if n else []


def budgeted(
    make: Callable[[int], Any], problem: Problem, limit: float, dtype: Any, budgets: Iterable[int] | None = None
) -> Points:
    """Fit an estimator with growing budgets until the caller has seen enough or the time is up.

    Parameters
    ----------
    make : callable
        Returns the estimator with a limit of iterations.
    problem : Problem
        What to fit it to.
    limit : float
        Seconds that a fit may take.
    dtype : dtype
        Precision of the data.
    budgets : iterable of int, optional
        Limits of iterations; 4, 7, 12, … by default.

    Yields
    ------
    tuple
        Seconds, coefficients and intercepts of each fit.
    """
    X = problem.X.astype(dtype)
    for budget in growing() if budgets is None else budgets:
        estimator = make(budget)
        seconds = stopwatch(lambda model=estimator: model.fit(X, problem.y))  # type: ignore[misc]
        yield seconds, estimator.coef_, estimator.intercept_
        if seconds > limit or np.max(estimator.n_iter_) < budget:
            return


def growing(limit: int = 4_000, ratio: float = 1.7, start: int = 4) -> Iterator[int]:
    """Yield budgets of iterations for solvers that report nothing on the way."""
    budget = float(start)
    while budget < limit:
        yield round(budget)
        budget *= ratio


# ------------------------------------------------------------------------------------------------- curves


def curve(problem: Problem, points: Points) -> Curve:
    """Turn times and weights into times and objectives, up to the last target; remember the best objective seen."""
    result: Curve = []
    for seconds, coef, intercept in points:
        value = problem.objective(coef, intercept)
        problem.best = min(problem.best, value)
        result.append((seconds, value))
        if value <= problem.best * (1 + TARGETS[-1]):
            break
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


def median_curve(curves: Iterable[Curve]) -> Curve:
    """Return the median times of runs that went the same way."""
    return [
        (statistics.median(seconds for seconds, _ in points), points[0][1]) for points in zip(*curves, strict=False)
    ]
