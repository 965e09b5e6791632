"""A solver of your own: gradient descent that halves its step until the objective falls enough."""

from skxent.solvers import Result, Solver
from skxent.testing import check_solver


class Backtracking(Solver, name="backtracking"):
    """Gradient descent; `armijo` is the share of the promised decrease that a step must bring."""

    def __init__(self, armijo=0.1):
        self.armijo = armijo

    def solve(self, objective, w0, *, max_iter, tol, callback):
        """Minimise an objective; see :meth:`skxent.solvers.Solver.solve`."""
        w, step = w0, 1.0
        value, gradient = objective(w)
        for n_iter in range(1, max_iter + 1):
            slope = (gradient * gradient).sum()
            step *= 2
            while objective.value(w - step * gradient) > value - self.armijo * step * slope and step > 1e-12:
                step /= 2
            before, w = value, w - step * gradient
            value, gradient = objective(w)
            if callback(w, value):
                return Result(w, n_iter, True, "stopped by a callback")
            if before - value <= tol * abs(before):
                return Result(w, n_iter, True, "the objective no longer falls")
        return Result(w, max_iter, False, f"max_iter={max_iter} reached. Raise max_iter or tol.")


check_solver(Backtracking(), max_iter=5000)
