"""Check of solvers that users write."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone

from skxent._typing import Array
from skxent.linear_model import SoftmaxRegressor
from skxent.linear_model._objective import Objective
from skxent.linear_model._outputs import Softmax
from skxent.linear_model._problem import Problem
from skxent.linear_model.solvers import Result, resolve_solver
from skxent.linear_model.solvers._solver import checked_result
from skxent.losses import CrossEntropy
from skxent.rows import MemoryRows

__all__ = ["check_solver"]


def check_solver(solver: Any, *, max_iter: int = 500, tol: float = 1e-9, excess: float = 1e-3) -> None:
    """Check that a solver keeps the contract of :meth:`skxent.solvers.Solver.solve`.

    It is run on a softmax regression with a penalty, which has one optimum. The solver must

    - come down to the optimum;
    - call back once for each iteration, with the weights and their value (unless it says that its values are not
      exact), and return the last weights or the best ones;
    - stop at once when the callback says so, with ``converged`` true and the message ``"stopped by a callback"``;
    - run at most `max_iter` iterations, and report how many;
    - start where it is told to, and leave the start as it was;
    - return the same weights for the same inputs, in their dtype;
    - do all this after pickling and :func:`sklearn.base.clone`, and inside an estimator.

    Parameters
    ----------
    solver : str or Solver
        The solver: an object, or a registered name.
    max_iter : int, default=500
        Iterations that it may take to the optimum.
    tol : float, default=1e-9
        Tolerance that it is given for that.
    excess : float, default=1e-3
        Relative excess over the optimum that is accepted.

    Raises
    ------
    AssertionError
        If the solver breaks the contract; the message says where and by how much.

    Examples
    --------
    >>> from skxent.solvers import LBFGS
    >>> from skxent.testing import check_solver
    >>> check_solver(LBFGS(history=5))
    """
    solver = resolve_solver(solver)
    run = _Run(solver)
    _check_optimum(run, max_iter, tol, excess)
    _check_callback(run)
    _check_stop(run)
    _check_limit(run)
    _check_start(run)
    _check_repeats(run)
    _check_copies(run)


def _require(condition: object, solver: Any, problem: str) -> None:
    if not condition:
        raise AssertionError(f"{solver!r}: {problem}")


class _Record:
    """A callback that keeps what it is told, and stops after a number of calls."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.calls: list[tuple[Array, float]] = []

    def __call__(self, w: Array, value: float) -> bool:
        self.calls.append((np.array(w), float(value)))
        return len(self.calls) == self.stop_after


class _Run:
    """A solver with a problem to run it on."""

    def __init__(self, solver: Any) -> None:
        self.solver = solver
        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((120, 4))
        logits = self.X @ rng.standard_normal((4, 3)) + rng.gumbel(size=(120, 3))
        self.y = logits.argmax(axis=1)
        self.zeros = np.zeros((5, 3))

    def objective(self, dtype: Any = np.float64) -> Objective:
        rows = MemoryRows(self.X.astype(dtype), self.y, n_outputs=3)
        return Objective(Problem(CrossEntropy(), Softmax(), alpha=0.1), rows)

    def __call__(
        self,
        callback: Callable[[Array, float], bool],
        *,
        solver: Any = None,
        w0: Array | None = None,
        max_iter: int = 5,
        tol: float = 0.0,
        dtype: Any = np.float64,
    ) -> Result:
        solver = solver or self.solver
        w0 = (self.zeros if w0 is None else w0).astype(dtype)
        w0.flags.writeable = False
        parameters = {**SoftmaxRegressor().get_params(deep=False), "random_state": np.random.RandomState(0)}
        names = inspect.signature(solver.solve).parameters
        options = {name: value for name, value in parameters.items() if name in names} | {
            "max_iter": max_iter,
            "tol": tol,
        }
        try:
            solved = solver.solve(self.objective(dtype), w0, callback=callback, **options)
        except ValueError as error:
            if "read-only" in str(error):
                raise AssertionError(f"{solver!r}: it writes into w0. Work on a copy.") from error
            raise
        try:
            result: Result = checked_result(solver, solved)
        except TypeError as error:
            raise AssertionError(str(error)) from error
        return result


def _check_optimum(run: _Run, max_iter: int, tol: float, excess: float) -> None:
    objective = run.objective()
    w = objective.intercept_only()
    # Newton's method by finite differences of the gradient is exact on so small a problem.
    for _ in range(20):
        w = w - _newton_step(objective, w)
    optimum = objective.value(w)
    result = run(_Record(), max_iter=max_iter, tol=tol)
    found = objective.value(result.w)
    _require(
        found <= optimum * (1 + excess),
        run.solver,
        f"after {result.n_iter} of {max_iter} iterations the objective is {found:.6g}; its optimum is {optimum:.6g}.",
    )
    _require(result.converged, run.solver, f"it is at the optimum but says it has not converged: {result.message}")


def _newton_step(objective: Objective, w: Array, h: float = 1e-5) -> Array:
    hessian = np.empty((w.size, w.size))
    for column, index in enumerate(np.ndindex(w.shape)):
        step = np.zeros_like(w)
        step[index] = h
        hessian[:, column] = (objective.gradient(w + step) - objective.gradient(w - step)).ravel() / (2 * h)
    solution, *_ = np.linalg.lstsq(hessian, objective.gradient(w).ravel(), rcond=1e-8)
    return solution.reshape(w.shape)


def _check_callback(run: _Run) -> None:
    record, objective = _Record(), run.objective()
    result = run(record)
    _require(
        len(record.calls) == result.n_iter > 0,
        run.solver,
        f"it reports {result.n_iter} iterations and called back {len(record.calls)} times; once for each is right.",
    )
    for n_iter, (w, value) in enumerate(record.calls, 1):
        error = abs(objective.value(w) - value)
        _require(
            not getattr(run.solver, "exact_values", True) or error <= 1e-9 * (1 + abs(value)),
            run.solver,
            f"in iteration {n_iter} the callback got a value that is {error:.3g} off the objective at its weights.",
        )
    best = min(value for _, value in record.calls)
    is_last, is_best = np.array_equal(result.w, record.calls[-1][0]), objective.value(result.w) <= best * (1 + 1e-9)
    _require(is_last or is_best, run.solver, "it returns neither the last weights that the callback saw nor the best.")


def _check_stop(run: _Run) -> None:
    for stop_after in (1, 3):
        record = _Record(stop_after)
        result = run(record, max_iter=20)
        _require(
            len(record.calls) == result.n_iter == stop_after,
            run.solver,
            f"the callback asked to stop after {stop_after} iterations; it ran {result.n_iter}.",
        )
        _require(
            result.converged and result.message == "stopped by a callback",
            run.solver,
            f"after a callback's stop it returns converged={result.converged} and {result.message!r}.",
        )
        _require(
            np.array_equal(result.w, record.calls[-1][0]), run.solver, "it goes on after the callback asked to stop."
        )


def _check_limit(run: _Run) -> None:
    for max_iter in (1, 4):
        result = run(_Record(), max_iter=max_iter)
        _require(result.n_iter <= max_iter, run.solver, f"with max_iter={max_iter} it ran {result.n_iter} iterations.")


def _check_start(run: _Run) -> None:
    w0 = np.random.default_rng(1).standard_normal(run.zeros.shape)
    result, objective = run(_Record(), w0=w0, max_iter=3), run.objective()
    lower = objective.value(result.w) < objective.value(w0)
    _require(lower, run.solver, "from random weights it does not lower the objective.")
    from_zero = run(_Record(), max_iter=3)
    _require(not np.array_equal(result.w, from_zero.w), run.solver, "it ignores w0.")


def _check_repeats(run: _Run) -> None:
    first, second = run(_Record()).w, run(_Record()).w
    _require(np.array_equal(first, second), run.solver, "two runs on the same inputs differ in their bits.")
    for dtype in (np.float32, np.float64):
        found = run(_Record(), w0=run.zeros + 0.1, dtype=dtype).w.dtype
        _require(found == dtype, run.solver, f"from weights of {np.dtype(dtype)} it returns {found}.")


def _check_copies(run: _Run) -> None:
    expected = run(_Record()).w
    ways: dict[str, Callable[[], Any]] = {
        "pickling": lambda: pickle.loads(pickle.dumps(run.solver)),
        "sklearn.base.clone": lambda: clone(SoftmaxRegressor(solver=run.solver)).solver,
    }
    for way, copied in ways.items():
        _require(np.array_equal(run(_Record(), solver=copied()).w, expected), run.solver, f"{way} changes its results.")
    model = SoftmaxRegressor(solver=run.solver, tol=1e-6, random_state=0).fit(run.X, run.y)
    _require(model.score(run.X, run.y) > 0.5, run.solver, "an estimator with it does not learn.")
