"""skxent itself, by its public interface alone, so that any version of it can be measured."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from _timing import Points, budgeted, recorded
from problems import MiniBatches, Problem

from skxent import SigmoidRegressor, SoftmaxRegressor


def model(problem: Problem, max_iter: int, tol: float = 0.0) -> Any:
    """Return the estimator for a problem; without a tolerance it uses all iterations that it may."""
    return SoftmaxRegressor(alpha=problem.alpha, tol=tol, max_iter=max_iter)


def fits(problem: Problem, limit: float) -> Points:
    """Fit with 1, 2, 3, … iterations, or once where that would take too long."""
    if problem.long:
        return recorded(model(problem, 2_000), problem, limit, problem.X.dtype.type)
    return budgeted(lambda max_iter: model(problem, max_iter), problem, limit, problem.X.dtype.type, itertools.count(1))


def find_optimum(problem: Problem) -> None:
    """Set the best objective known of a problem; some solver may still find a better one."""
    goal = (300, 0.0) if problem.long else (2_000, 1e-9)
    fitted = model(problem, *goal).fit(problem.X, problem.y)
    problem.best = problem.objective(fitted.coef_, fitted.intercept_)


def pass_over(data: MiniBatches, loss: str = "cross_entropy", *, sigmoid: bool = False) -> Callable[[], Any]:
    """Return a pass of mini-batches of a new estimator."""
    settings: dict[str, Any] = {"alpha": 0, "batch_size": data.batch_size, "learning_rate": data.rate}
    estimator: Any = SigmoidRegressor if sigmoid else SoftmaxRegressor
    classes = data.classes
    return lambda: estimator(loss, random_state=0, **settings).partial_fit(data.X, data.y, classes=classes)
