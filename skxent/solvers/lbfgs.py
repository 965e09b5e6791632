r"""Preconditioned limited-memory BFGS, full batch.

The quasi-Newton direction is :math:`-H g` with :math:`H` built by the two-loop recursion [1]_ from the last
pairs :math:`s = w^+ - w`, :math:`y = g^+ - g` and an initial matrix :math:`\gamma P`. Plain L-BFGS takes
:math:`P = I`; here :math:`P` is the objective's own preconditioner, an approximation of the
inverse Hessian, and

.. math:: \gamma = \frac{s^\top y}{y^\top P y}

(at most 3/2) rescales it at every step to the curvature just seen. This is L-BFGS in variables in which the problem is
nearly round, so badly scaled and correlated columns cost little.

From a zero start the solver begins at the model without features. On much data, a part of the rows then points the
way as well as all of them, so that the first steps run on a sample [3]_, until they no longer help on held-out rows;
together they count as the first iteration. Where they have led, the preconditioner is taken anew in finer detail, and
again at iterations ever further apart. The pairs stay valid.

Where the way is long, most of it is gone in leaps. A leap is an iteration that goes to where some dozen steps on an
estimate of the objective lead, made from value and gradient here and the curvature of a part of the rows [4]_; see
:mod:`skxent.near`. It ends early where the estimate gets too rough, and is taken back if the objective itself falls by
much less than the estimate promised; then the next is tried after twice as many iterations.

The step length satisfies the weak Wolfe conditions, found by bracketing with safeguarded interpolation. Near the
optimum the objective's value is lost in rounding before its slope is, so that the decrease is then judged by the
slope alone, the approximate Wolfe condition of [2]_. Values are in double precision, weights and all vectors like them
in that of the data.

References
----------
.. [1] J. Nocedal, "Updating Quasi-Newton Matrices with Limited Storage", 1980, :doi:`10.2307/2006193`
.. [2] W. W. Hager, H. Zhang, "A New Conjugate Gradient Method with Guaranteed Descent and an Efficient Line
   Search", 2005, :doi:`10.1137/030601880`
.. [3] R. H. Byrd, G. M. Chin, J. Nocedal, Y. Wu, "Sample Size Selection in Optimization Methods for Machine
   Learning", 2012, :doi:`10.1007/s10107-012-0572-5`
.. [4] O. Shamir, N. Srebro, T. Zhang, "Communication-Efficient Distributed Optimization using an Approximate
   Newton-type Method", 2014, :doi:`10.48550/arXiv.1312.7853`
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_blas_funcs

from skxent.solvers._result import Result

__all__ = ["solve"]

Array = NDArray[Any]

# Pairs kept, at the least and at the most, and the bytes that they may take.
_MEMORY_MIN, _MEMORY_MAX, _MEMORY_BYTES = 2, 100, 10_000_000
# First iteration at which the preconditioner is taken anew, and the ratio of each further one to the one before.
_REFINE_AT, _REFINE_RATIO = 20, 1.5
# Ratio of the rows that it uses to those of the time before.
_REFINE_ROWS = 2
# Iterations on a sample of the rows at the most, and the tolerance there.
_SAMPLE_ITER, _SAMPLE_TOL = 12, 1e-3
# First iteration that may be a leap, and its steps: allowed at first, at the most, and fewer that are not worth it.
_LEAP_AT, _LEAP_MIN, _LEAP_MAX, _LEAP_WORTH = 15, 10, 40, 5
# Share of a leap's promised decrease that must come.
_LEAP_KEPT = 0.5
# Share of the starting value below which the objective is too small to be its own scale: separable classes.
_NEGLIGIBLE = 0.01
# Wolfe conditions: sufficient decrease and curvature.
_DECREASE, _CURVATURE = 1e-4, 0.9
_MAX_TRIALS = 30
# A predicted decrease that rounding may hide, against the value. A larger one that does not come is a wrong gradient's.
_LOST_IN_ROUNDING = 1e-3
_WRONG_GRADIENT = (
    "no step lowers the objective as its gradient promises. Check the loss with skxent.testing.check_loss, or scale "
    "the features (StandardScaler)."
)
# Where nothing but the penalty curves the preconditioner is exact; a factor of 2 on it would make rounding errors grow.
_MAX_STRETCH = 1.5


class _Function(Protocol):
    def __call__(self, w: Array) -> tuple[float, Array]: ...

    @property
    def resolution(self) -> float:
        """Relative rounding error of the value."""


class _Near(_Function, Protocol):
    def lost_in_noise(self, gradient: Array, precondition: Callable[[Array], Array]) -> bool: ...


class _Objective(_Function, Protocol):
    def preconditioner(self, w: Array, *, refine: bool) -> Callable[[Array], Array]: ...

    def value(self, w: Array) -> float: ...

    def sample(self) -> tuple[_Objective, _Objective] | None: ...

    def near(self, w: Array, value: float, gradient: Array) -> _Near | None: ...

    def without_features(self) -> Array: ...


def solve(
    objective: _Objective,
    w0: Array,
    *,
    max_iter: int,
    tol: float,
    callback: Callable[[Array, float], bool],
) -> Result:
    """Minimise an objective.

    Parameters
    ----------
    objective : callable
        Maps weights to value and gradient; has methods ``value(w)``, ``without_features()`` for a start,
        ``preconditioner(w, refine=...)``, ``sample()``, the objectives of a part of the rows and of others held out
        or None, and ``near(w, value, gradient)``, an estimate near `w` or None, and an attribute ``resolution``, its
        value's relative rounding error.
    w0 : ndarray
        Start. Its dtype is that of the computation; from zero it is that of ``without_features()``.
    max_iter : int
        Iterations at the most.
    tol : float
        Stop when the decrease of the last step, and the one that the quadratic model had predicted for it, are both at
        most `tol` times the value, or times a hundredth of the starting value if that is more. Zero: go on until
        rounding allows no more decrease.
    callback : callable
        Called as ``callback(w, value)`` after each iteration; true stops.

    Returns
    -------
    Result
        Weights and why it stopped.

    Raises
    ------
    ValueError
        If the objective or its gradient is not finite.
    """
    objective = objective.standardized()

    def report(w: Array, value: float) -> bool:
        return callback(objective.original(w), value)

    result = _solve(objective, objective.changed(w0), max_iter, tol, report)
    return result._replace(w=objective.original(result.w))


def _solve(
    objective: _Objective, w0: Array, max_iter: int, tol: float, callback: Callable[[Array, float], bool]
) -> Result:
    """Minimise from a start, or from the best known; see :func:`solve`."""
    if w0.any():
        return _descend(objective, w0, max_iter, tol, callback)
    w = objective.without_features()
    parts = objective.sample()
    if parts is None:
        return _descend(objective, w, max_iter, tol, callback)
    sample, held_out = parts
    best = _Best(held_out, w)
    _descend(sample, w, _SAMPLE_ITER, _SAMPLE_TOL, best)
    return _descend(objective, best.w, max_iter, tol, callback, started=True)


class _Best:
    """A callback that keeps the weights with the least value on held-out rows, and stops when they get no better."""

    def __init__(self, held_out: _Objective, w: Array) -> None:
        self.held_out = held_out
        self.w, self.value = w, held_out.value(w)

    def __call__(self, w: Array, value: float) -> bool:
        value = self.held_out.value(w)
        if value < self.value:
            self.w, self.value = w, value
            return False
        return True


def _descend(
    objective: _Objective,
    w: Array,
    max_iter: int,
    tol: float,
    callback: Callable[[Array, float], bool],
    *,
    started: bool = False,
) -> Result:
    """Iterate; see :func:`solve`. A start on a sample counts as the first iteration."""
    value, gradient = objective(w)
    if started and callback(w, value):
        return Result(w, 1, True, "stopped by a callback")
    descent = _Descent(objective, w, value, gradient, objective.preconditioner(w, refine=started))
    scale = _NEGLIGIBLE * abs(value)
    refine_at, leap_at, leap_steps, rows = _REFINE_AT, _LEAP_AT, _LEAP_MIN, 1.0
    for n_iter in range(1 + started, max_iter + 1):
        if n_iter >= refine_at:
            del descent.precondition  # frees its memory for the new one
            descent.precondition = objective.preconditioner(descent.w, refine=True, rows=rows)
            rows *= _REFINE_ROWS
            refine_at = int(_REFINE_RATIO * n_iter)
        enough = tol * max(abs(descent.value), scale)
        near = objective.near(descent.w, descent.value, descent.gradient) if n_iter >= leap_at else None
        gain = None if near is None else descent.leap(near, leap_steps, enough)
        if gain is not None:
            leap_steps = min(2 * leap_steps, _LEAP_MAX)
        else:
            if n_iter >= leap_at:
                leap_at, leap_steps = 2 * n_iter, _LEAP_MIN
            gain, moved = descent.step()
            if not moved and gain > _LOST_IN_ROUNDING * (abs(descent.value) + objective.resolution):
                return Result(descent.w, n_iter - 1, False, _WRONG_GRADIENT)
            if not moved:
                return Result(descent.w, n_iter - 1, True, "rounding allows no further decrease")
        if callback(descent.w, descent.value):
            return Result(descent.w, n_iter, True, "stopped by a callback")
        if gain <= enough:
            return Result(descent.w, n_iter, True, "tolerance reached")
    return Result(descent.w, max_iter, tol == 0, f"max_iter={max_iter} reached. Raise max_iter or tol.")


class _Descent:
    """Where a minimisation stands: weights, value and gradient there, and what is known of the curvature."""

    def __init__(
        self,
        objective: _Function,
        w: Array,
        value: float,
        gradient: Array,
        precondition: Callable[[Array], Array],
        pairs: Iterable[_Pair] = (),
    ) -> None:
        self.objective = objective
        self.w, self.value, self.gradient = w, value, gradient
        self.precondition = precondition
        self.add_multiple: Any = get_blas_funcs("axpy", (w,))
        memory = int(np.clip(_MEMORY_BYTES // (2 * w.nbytes), _MEMORY_MIN, _MEMORY_MAX))
        self.pairs = deque(pairs, maxlen=memory)

    def step(self) -> tuple[float, bool]:
        """Take a quasi-Newton step; return its gain, and whether there was one.

        The gain is the decrease made, or the one that the quadratic model had promised if that is more.
        """
        direction = self._direction()
        slope = float(np.vdot(self.gradient, direction))
        if not np.isfinite([self.value, slope]).all():
            raise ValueError(
                "L-BFGS diverged: the objective or its gradient is not finite. Scale the features (StandardScaler), "
                "raise alpha, or check the loss with skxent.testing.check_loss."
            )
        trial = _line_search(self.objective, self.w, self.value, direction, slope) if slope < 0 else None
        if trial is None:
            return -0.5 * slope, False
        gain = max(self.value - trial[1], -0.5 * slope)
        return gain, self._move(*trial, self.pairs)

    def leap(self, near: _Near, max_steps: int, enough: float) -> float | None:
        """Take steps on an estimate of the objective near here, up to one that gains enough or less; return its gain.

        None, having gone nowhere, if the estimate is too rough for some steps or does not keep its promise.
        """
        ahead = _Descent(near, self.w, self.value, self.gradient, self.precondition, self.pairs)
        gain, n_steps, going = 0.0, 0, True
        while going and n_steps < max_steps:
            gain, moved = ahead.step()
            n_steps += moved
            going = moved and gain > enough and not near.lost_in_noise(ahead.gradient, self.precondition)
        if n_steps < _LEAP_WORTH and gain > enough:
            return None
        value, gradient = self.objective(ahead.w)
        kept = self.value - value >= _LEAP_KEPT * (self.value - ahead.value) > 0
        return gain if kept and self._move(ahead.w, value, gradient, ahead.pairs) else None

    def _move(self, w: Array, value: float, gradient: Array, pairs: deque[_Pair]) -> bool:
        """Go there, unless the objective bends down on the way: a leap's, or one that is but rounding."""
        pair = _Pair(w - self.w, gradient - self.gradient)
        if pair.sy <= 0:
            return False
        self.w, self.value, self.gradient, self.pairs = w, value, gradient, pairs
        self.pairs.append(pair)
        return True

    def _direction(self) -> Array:
        """Return the quasi-Newton direction by the two-loop recursion."""
        shape, add = self.gradient.shape, self.add_multiple
        q = -self.gradient.ravel()
        projections = []
        for pair in reversed(self.pairs):
            projections.append(float(np.vdot(pair.s, q)) / pair.sy)
            q = add(pair.y, q, a=-projections[-1])
        direction = self.precondition(q.reshape(shape)).ravel()
        if self.pairs:
            last = self.pairs[-1]
            # In single precision it can underflow where classes are separable and nothing is left to gain.
            curvature = float(np.vdot(last.y, self.precondition(last.y.reshape(shape))))
            direction *= min(last.sy / curvature, _MAX_STRETCH) if curvature > 0 else _MAX_STRETCH
        for pair, projection in zip(self.pairs, reversed(projections), strict=True):
            direction = add(pair.s, direction, a=projection - float(np.vdot(pair.y, direction)) / pair.sy)
        return direction.reshape(shape)


class _Pair:
    """A step and the change of the gradient along it, flat."""

    def __init__(self, s: Array, y: Array) -> None:
        self.sy = float(np.vdot(s, y))
        self.s, self.y = s.ravel(), y.ravel()


def _line_search(
    objective: _Function, w: Array, value: float, direction: Array, slope: float
) -> tuple[Array, float, Array] | None:
    """Return weights with their value and gradient, or None if no trial met the Wolfe conditions."""
    low, high, step = 0.0, np.inf, 1.0
    blur = objective.resolution * abs(value)
    for _ in range(_MAX_TRIALS):
        trial = w + step * direction
        new_value, gradient = objective(trial)
        new_slope = float(np.vdot(gradient, direction))
        flat = new_value <= value + blur and new_slope <= (2 * _DECREASE - 1) * slope
        if not (new_value <= value + _DECREASE * step * slope or flat):
            high = step
        elif new_slope < _CURVATURE * slope:
            low = step
        else:
            return trial, new_value, gradient
        step = _next_step(step, low, high, slope, new_value - value, new_slope)
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
