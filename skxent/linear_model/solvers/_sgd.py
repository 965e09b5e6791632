r"""Mini-batch stochastic gradient descent with plain steps.

.. math:: w \leftarrow w - \eta\, \nabla F_B(w)

for consecutive batches :math:`B` of the rows, in a new random order for each pass. The step :math:`\eta` is constant
while the passes make progress. With a constant step the weights keep moving around the optimum, so when progress ends
the solver goes back to the best weights and goes on with a fifth of the step, at most three times.

Steps that are too large can end on a plateau where all outputs are saturated and nothing moves, most of all with a loss
that is bounded. The solver has converged only if it ends no higher than a model without features.

References
----------
.. [1] L. Bottou, F. E. Curtis, J. Nocedal, "Optimization Methods for Large-Scale Machine Learning", 2018,
   :doi:`10.1137/16M1080173`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from skxent._sklearn import Interval, validate_parameter_constraints
from skxent._typing import Array
from skxent.linear_model._objective import Objective
from skxent.linear_model.solvers._solver import STOPPED, Result, Solver

__all__ = ["SGD", "divergence_error", "one_pass"]

_TOO_LARGE = "so learning_rate is too large for these features. Lower it, or scale them (StandardScaler)."
_TOO_SMALL = (
    "the passes came to rest, but a longer step would lower the objective much more, so learning_rate is too small. "
    "Raise it, or scale the features (StandardScaler)."
)
_MORE = "Raise max_iter or tol, try another learning_rate, or set tol=0 for a fixed number of passes."
_HARM = f"the passes have not lowered the objective, {_TOO_LARGE}"

# To see whether the learning rate is too small, steps of 10, 100, … times it are tried, below 10 to this power.
_MAX_EXPONENT = 20
# Number of such steps taken.
_LONGER_STEPS = 25


@dataclass(frozen=True, repr=False)
class SGD(Solver, name="sgd"):
    """Mini-batch stochastic gradient descent with plain steps.

    Batch size, step length and patience are parameters of the estimator, since ``partial_fit`` uses them too. What the
    callback is told is the mean objective of the batches of a pass, each before its step: it costs next to nothing,
    where the objective of all rows would cost half a pass.

    Parameters
    ----------
    max_cuts : int, default=3
        How often the step is shortened before the fit ends.
    cut : float, default=0.2
        Factor on the step each time.
    slack : float, default=0.01
        Relative slack above the intercept-only model before a converged fit counts as failed.
    missed_share : float, default=0.3
        A converged fit counts as failed, too, if a few longer steps along the gradient would lower the objective by
        this share of its starting value: then the learning rate is far too small.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.solvers import SGD
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SoftmaxRegressor(solver=SGD(max_cuts=1), learning_rate=0.05, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """

    exact_values: ClassVar[bool] = False

    max_cuts: int = 3
    cut: float = 0.2
    slack: float = 0.01
    missed_share: float = 0.3

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "max_cuts": [Interval(Integral, 0, None, closed="left")],
        "cut": [Interval(Real, 0, 1, closed="neither")],
        "slack": [Interval(Real, 0, None, closed="left")],
        "missed_share": [Interval(Real, 0, None, closed="neither")],
    }

    def __post_init__(self) -> None:
        """Check the values."""
        validate_parameter_constraints(self._parameter_constraints, self.get_params(deep=False), "SGD")

    def solve(  # type: ignore[override]  # further arguments are filled from the estimator's parameters
        self,
        objective: Objective,
        w0: Array,
        *,
        max_iter: int,
        tol: float,
        callback: Callable[[Array, float], bool],
        batch_size: int,
        learning_rate: float,
        shuffle: bool,
        n_iter_no_change: int,
        random_state: np.random.RandomState,
    ) -> Result:
        """Minimise an objective by passes over its rows; see :meth:`Solver.solve`.

        Parameters
        ----------
        objective : Objective
            See :meth:`Solver.solve`.
        w0 : ndarray
            Start. Its dtype is that of the computation.
        max_iter : int
            Largest number of passes.
        tol : float
            Progress has ended when `n_iter_no_change` passes in a row have each failed to lower the best value by `tol`
            times itself. Zero: run all passes at full step.
        callback : callable
            Called as ``callback(w, value)`` after each pass; true stops.
        batch_size : int
            Rows in a batch; the last batch of a pass may be smaller.
        learning_rate : float
            Step length.
        shuffle : bool
            Whether to draw new batches for each pass.
        n_iter_no_change : int
            Patience, in passes.
        random_state : RandomState
            Draws the batches.

        Returns
        -------
        Result
            Weights and why it stopped.

        Raises
        ------
        ValueError
            If the weights diverge, or if the loss is not a number.
        """
        w = best_w = np.array(w0)
        rng = random_state if shuffle else None
        start = best = objective.value(w)
        idle, cuts = 0, 0
        for n_iter in range(1, max_iter + 1):
            rate = learning_rate * self.cut**cuts
            values: list[float] = []
            w = one_pass(objective, w, batch_size=batch_size, learning_rate=rate, rng=rng, values=values)
            value = sum(values)
            if not np.isfinite(w).all():
                raise divergence_error(rate)
            if np.isnan(value):
                raise ValueError("the loss is not a number; check it with skxent.testing.check_loss.")
            if callback(w, value):
                return Result(w, n_iter, True, STOPPED)
            if tol == 0:
                continue
            idle = 0 if value < best - tol * abs(best) else idle + 1
            if value < best:
                best, best_w = value, w
            if idle >= n_iter_no_change:
                if cuts == self.max_cuts:
                    problem = self._problem_at_rest(objective, best_w, start, learning_rate)
                    message = problem or f"no progress in {n_iter_no_change} passes"
                    return Result(best_w, n_iter, problem is None, message)
                w, idle, cuts = best_w, 0, cuts + 1
        if tol == 0:
            harmful = objective.value(w) > start
            return Result(w, max_iter, not harmful, _HARM if harmful else "all passes run")
        return Result(w, max_iter, False, f"max_iter={max_iter} reached. {_MORE}")

    def _problem_at_rest(self, objective: Objective, w: Array, start: float, learning_rate: float) -> str | None:
        """Say what is wrong with weights that the passes no longer improve; None if they may be the optimum."""
        value = objective.value(w)
        if _value_after_longer_steps(objective, w, learning_rate) < value - self.missed_share * abs(start):
            return _TOO_SMALL
        if value >= start:
            return _HARM
        featureless = objective.value(objective.intercept_only())
        if value > featureless + self.slack * abs(featureless):
            return f"the passes came to rest above the objective of a model without features, {_TOO_LARGE}"
        return None


def _value_after_longer_steps(objective: Objective, w: Array, step: float) -> float:
    """Return the value after a few steps along the gradient, each about the best power of ten times `step` long."""
    reached, exponents = np.inf, range(1, _MAX_EXPONENT)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(_LONGER_STEPS):
            gradient, best = objective.gradient(w), (np.inf, 0)
            for exponent in exponents:
                value = objective.value(w - step * 10.0**exponent * gradient)
                if not value <= best[0]:
                    break
                best = value, exponent
            value, exponent = best
            if value >= reached:
                break
            reached, w = value, w - step * 10.0**exponent * gradient
            exponents = range(max(1, exponent - 1), exponent + 2)
    return reached


def one_pass(
    objective: Objective,
    w: Array,
    *,
    batch_size: int,
    learning_rate: float,
    rng: np.random.RandomState | None,
    values: list[float] | None = None,
) -> Array:
    """Return new weights after one step for each batch, which need not be finite.

    The list `values`, if given, receives the value of each batch before its step times the batch's share of the rows.
    """
    w = w.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        for batch in objective.batches(batch_size, rng):
            if values is None:
                gradient = batch.gradient(w)
            else:
                value, gradient = batch(w)
                values.append(value * batch.n_rows / objective.n_rows)
            gradient *= learning_rate
            w -= gradient
    return w


def divergence_error(learning_rate: float) -> ValueError:
    """Return the error to raise where weights are no longer finite."""
    return ValueError(
        f"Gradient descent diverged: with learning_rate={learning_rate} the weights grew beyond all bounds. "
        "Lower learning_rate, scale the features (StandardScaler), or use solver='lbfgs'."
    )
