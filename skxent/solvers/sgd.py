r"""Mini-batch stochastic gradient descent with plain steps.

.. math:: w \leftarrow w - \eta\, \nabla F_B(w)

for consecutive batches :math:`B` of the rows, shuffled anew for each pass. The step :math:`\eta` is constant while the
passes make progress. A constant step cannot come to rest, so when progress ends the solver goes back to the best
weights and goes on with a fifth of the step, three times at the most.

Steps that are too large can end on a plateau where all outputs are saturated and nothing moves, most of all with a loss
that is bounded. The solver has converged only if it ends no higher than a model without features.

References
----------
.. [1] L. Bottou, F. E. Curtis, J. Nocedal, "Optimization Methods for Large-Scale Machine Learning", 2018,
   :doi:`10.1137/16M1080173`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skxent.solvers._result import Result

__all__ = ["diverged", "one_pass", "solve"]

# How often the step is cut, and by how much.
_CUTS, _CUT = 3, 0.2
# How far above a model without features, relatively, the noise of the steps may leave a fit that has come to rest.
_LEEWAY = 0.01
_TOO_LARGE = "so learning_rate is too large for these features. Lower it, or scale them (StandardScaler)."
_MORE = "Raise max_iter or tol, try another learning_rate, or set tol=0 for a fixed number of passes."
_HARM = f"the passes have not lowered the objective, {_TOO_LARGE}"

Array = NDArray[Any]


class _Objective(Protocol):
    def value(self, w: Array) -> float: ...

    def gradient(self, w: Array) -> Array: ...

    def without_features(self) -> Array: ...

    def batches(self, batch_size: int, rng: np.random.RandomState | None) -> Iterator[_Objective]: ...


def solve(
    objective: _Objective,
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
    """Minimise an objective by passes over its rows.

    Parameters
    ----------
    objective : Objective
        Has methods ``value(w)``, ``gradient(w)``, ``without_features()`` and ``batches(batch_size, rng)``, the
        objectives of some of the rows each.
    w0 : ndarray
        Start. Its dtype is that of the computation.
    max_iter : int
        Passes at the most.
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
        Whether to draw the batches anew for each pass.
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
        If the weights diverge.
    """
    w = best_w = np.array(w0)
    rng = random_state if shuffle else None
    start = best = objective.value(w)
    idle, cuts = 0, 0
    for n_iter in range(1, max_iter + 1):
        w = one_pass(objective, w, batch_size=batch_size, learning_rate=learning_rate * _CUT**cuts, rng=rng)
        if not np.isfinite(w).all():
            raise diverged(learning_rate * _CUT**cuts)
        value = objective.value(w)
        if callback(w, value):
            return Result(w, n_iter, True, "stopped by a callback")
        if tol == 0:
            continue
        idle = 0 if value < best - tol * abs(best) else idle + 1
        if value < best:
            best, best_w = value, w
        if idle >= n_iter_no_change:
            if cuts == _CUTS:
                problem = _problem_at_rest(objective, best, start)
                return Result(best_w, n_iter, problem is None, problem or f"no progress in {n_iter_no_change} passes")
            w, idle, cuts = best_w, 0, cuts + 1
    if tol == 0 and value > start:
        return Result(w, max_iter, False, _HARM)
    if tol == 0:
        return Result(w, max_iter, True, "all passes run")
    return Result(w, max_iter, False, f"max_iter={max_iter} reached. {_MORE}")


def _problem_at_rest(objective: _Objective, value: float, start: float) -> str | None:
    """Say what is wrong with a value that the passes no longer lower; None if it may be the optimum."""
    if value >= start:
        return _HARM
    featureless = objective.value(objective.without_features())
    if value > featureless + _LEEWAY * abs(featureless):
        return f"the passes came to rest above the objective of a model without features, {_TOO_LARGE}"
    return None


def one_pass(
    objective: _Objective,
    w: Array,
    *,
    batch_size: int,
    learning_rate: float,
    rng: np.random.RandomState | None,
) -> Array:
    """Return new weights after one step for each batch, which need not be finite; see :func:`solve`."""
    w = w.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        for batch in objective.batches(batch_size, rng):
            gradient = batch.gradient(w)
            gradient *= learning_rate
            w -= gradient
    return w


def diverged(learning_rate: float) -> ValueError:
    """Return the error to raise where weights are no longer finite."""
    return ValueError(
        f"Gradient descent diverged: with learning_rate={learning_rate} the weights grew beyond all bounds. "
        "Lower learning_rate, scale the features (StandardScaler), or use solver='lbfgs'."
    )
