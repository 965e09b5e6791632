"""A line search: how far to go along a direction of descent."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Protocol

import numpy as np

from skxent._parameters import Parameters
from skxent._sklearn import Interval, validate_parameter_constraints
from skxent._typing import Array

__all__ = ["WolfeSearch"]


class _Function(Protocol):
    def __call__(self, w: Array) -> tuple[float, Array]: ...

    @property
    def eps(self) -> float:
        """Relative rounding error of the value."""


@dataclass(frozen=True, repr=False)
class WolfeSearch(Parameters):
    r"""A step that satisfies the weak Wolfe conditions, by bracketing with safeguarded interpolation.

    A step of length :math:`t` along :math:`d` from :math:`w` is taken if

    .. math::

        f(w + t d) \le f(w) + c_1 t\, g^\top d, \qquad g(w + t d)^\top d \ge c_2\, g^\top d

    with the gradient :math:`g`. Near the optimum the value is lost in rounding before the slope is. So where the value
    has not risen by more than its rounding error, the first condition may be met by the slope alone,
    :math:`g(w + t d)^\top d \le (2 c_1 - 1)\, g^\top d`: the approximate Wolfe condition of [1]_.

    Parameters
    ----------
    sufficient_decrease : float, default=1e-4
        :math:`c_1`, the share of the decrease promised by the slope that a step must show.
    curvature : float, default=0.9
        :math:`c_2`, the share of the slope that may remain after a step.
    max_trials : int, default=30
        Step lengths tried at most. The first is 1.

    References
    ----------
    .. [1] W. W. Hager, H. Zhang, "A New Conjugate Gradient Method with Guaranteed Descent and an Efficient Line
       Search", 2005, :doi:`10.1137/030601880`

    Examples
    --------
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.solvers import LBFGS, WolfeSearch
    >>> exact = LBFGS(line_search=WolfeSearch(curvature=0.1))
    >>> SoftmaxRegressor(solver=exact).fit([[0.0], [1.0], [3.0], [4.0]], [0, 0, 1, 1]).predict([[0.0], [4.0]])
    array([0, 1])
    """

    sufficient_decrease: float = 1e-4
    curvature: float = 0.9
    max_trials: int = 30

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "sufficient_decrease": [Interval(Real, 0, 0.5, closed="neither")],
        "curvature": [Interval(Real, 0, 1, closed="neither")],
        "max_trials": [Interval(Integral, 1, None, closed="left")],
    }

    def __post_init__(self) -> None:
        """Check the values."""
        validate_parameter_constraints(self._parameter_constraints, self.get_params(deep=False), "WolfeSearch")

    def __call__(
        self, objective: _Function, w: Array, value: float, direction: Array, slope: float
    ) -> tuple[Array, float, Array] | None:
        """Return weights along a direction with their value and gradient, or None if no trial met the conditions.

        Parameters
        ----------
        objective : callable
            Returns value and gradient at weights; its ``eps`` is the relative rounding error of the value.
        w : ndarray
            Where to start.
        value : float
            Value there.
        direction : ndarray
            Direction, of the shape of `w`.
        slope : float
            Product of the gradient at `w` and the direction, below 0.

        Returns
        -------
        tuple or None
            Weights, value, gradient.
        """
        low, high, step = 0.0, np.inf, 1.0
        decrease, blur = self.sufficient_decrease, objective.eps * abs(value)
        for _ in range(self.max_trials):
            trial = step * direction
            trial += w
            new_value, gradient = objective(trial)
            new_slope = float(np.vdot(gradient, direction))
            flat = new_value <= value + blur and new_slope <= (2 * decrease - 1) * slope
            if not (new_value <= value + decrease * step * slope or flat):
                high = step
            elif new_slope < self.curvature * slope:
                low = step
            else:
                return trial, new_value, gradient
            step = _next_step(step, low, high, slope, new_value - value, new_slope)
            del trial, gradient  # as large as the weights
        return None


def _next_step(step: float, low: float, high: float, slope: float, change: float, new_slope: float) -> float:
    """Return the next trial: beyond the step while it is too short, then inside the bracket."""
    if high == np.inf:
        root = slope / (slope - new_slope) if new_slope > slope else np.inf
        return step * float(np.clip(root, 1.5, 10))
    if low > 0 or not np.isfinite(change):
        return low + (0.5 if low > 0 else 0.1) * (high - low)
    minimum = slope * step / (2 * (slope * step - change))
    return step * float(np.clip(minimum, 0.1, 0.5))
