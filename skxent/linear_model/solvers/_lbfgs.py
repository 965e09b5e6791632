r"""Preconditioned limited-memory BFGS, full batch.

The quasi-Newton direction is :math:`-H g` with :math:`H` built by the two-loop recursion [1]_ from the last
pairs :math:`s = w^+ - w`, :math:`y = g^+ - g` and an initial matrix :math:`\gamma P`. Plain L-BFGS takes
:math:`P = I`; here :math:`P` comes from a preconditioner, :class:`~skxent.solvers.SampledHessian`, an approximation of
the inverse Hessian, and

.. math:: \gamma = \frac{s^\top y}{y^\top P y}

(at most `max_scaling`) rescales it at every step to the curvature just seen. This is L-BFGS in variables in which the
problem is nearly round, so badly scaled and correlated columns cost little.

From a zero start the solver begins at the best model without features. On much data the first steps run on a sample of
the rows [2]_, until they no longer help on held-out rows; together they count as the first iteration
(:class:`~skxent.solvers.SampleStart`). Then the preconditioner is computed again in finer detail, and again at
iterations in a growing distance. The pairs stay valid.

Where many iterations are needed, most of the work is done on a surrogate: an estimate of the objective, made from value
and gradient at one point and the curvature of a part of the rows [3]_ (:class:`~skxent.solvers.SubsampledSurrogate`). A
surrogate step is one iteration that takes some dozen steps on the estimate. It ends early where the estimate becomes
too rough, and is undone if the objective itself falls by much less than the estimate promised; then the next is tried
after twice as many iterations.

The step length satisfies the weak Wolfe conditions (:class:`~skxent.solvers.WolfeSearch`). Values are in double
precision, weights and all vectors like them in that of the data.

References
----------
.. [1] J. Nocedal, "Updating Quasi-Newton Matrices with Limited Storage", 1980, :doi:`10.2307/2006193`
.. [2] R. H. Byrd, G. M. Chin, J. Nocedal, Y. Wu, "Sample Size Selection in Optimization Methods for Machine
   Learning", 2012, :doi:`10.1007/s10107-012-0572-5`
.. [3] O. Shamir, N. Srebro, T. Zhang, "Communication-Efficient Distributed Optimization using an Approximate
   Newton-type Method", 2014, :doi:`10.48550/arXiv.1312.7853`
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import get_blas_funcs

from skxent._sklearn import Interval, validate_parameter_constraints
from skxent._typing import Array
from skxent.linear_model._optimality import Bound, NewtonBound, above_targets
from skxent.linear_model._preconditioner import Preconditioner, SampledHessian
from skxent.linear_model._row_space import RowSpace, in_row_space
from skxent.linear_model._sampling import draw
from skxent.linear_model._surrogate import SubsampledSurrogate, Surrogate
from skxent.linear_model.solvers._proxy_start import ProxyStart
from skxent.linear_model.solvers._sample_start import SampleStart
from skxent.linear_model.solvers._solver import STOPPED, OtherWeights, Result, Solver
from skxent.linear_model.solvers._wolfe_search import WolfeSearch

__all__ = ["LBFGS"]

Callback = Callable[[Array, float], bool]

# Pairs kept whatever memory they take, and arrays of the size of the weights that steps on a surrogate take on top.
_LEAST_PAIRS, _SURROGATE_ARRAYS = 2, 5
# After a failed check the gain must be smaller before the next check, by a factor of at most this.
_STRICTEST = 64
# Value of `refine` where a preconditioner is computed again along a path of penalties. Measured on MNIST: with 0 the
# fits took half as many evaluations again.
_AS_IN_A_LONG_FIT = 2
_TINY = float(np.finfo(float).tiny)
_CANNOT_HOLD = (
    "{} cannot hold this model: rounding its coefficients and predictions to that costs {:.1e} of the objective, "
    "because means of columns are large against their deviations, or because products are so large that they cancel. {}"
)
_HIDDEN = (
    "rounding to {} hides the way down, because means of columns are large against their deviations, so that how far "
    "the objective is above the optimum is not known (optimality_=inf). {}"
)
_FOR_SINGLE = "Pass float64 data, raise alpha, or subtract the means before the data become float32."
_FOR_DOUBLE = "Subtract the means, raise alpha, or leave out columns that nearly are combinations of others."
_WRONG_GRADIENT = (
    "no step lowers the objective as its gradient promises, so that how far it is above the optimum is not known "
    "(optimality_=inf). Check the loss with skxent.testing.check_loss, or scale the features (StandardScaler)."
)


@dataclass(frozen=True, repr=False)
class LBFGS(Solver, name="lbfgs"):
    """Preconditioned limited-memory BFGS on the full data.

    Its parts can be replaced, and None switches one off where it is allowed. What they do is in the module's text. The
    numbers were chosen on the problems of ``benchmarks/softmax.py``.

    Parameters
    ----------
    preconditioner : callable or None, default=SampledHessian()
        Called as ``preconditioner(objective, w, refine=...)`` it returns a function that multiplies a gradient by an
        approximate inverse Hessian. Without one this is plain L-BFGS.
    surrogate : SubsampledSurrogate or None, default=SubsampledSurrogate()
        Called as ``surrogate(objective, w, value, gradient)`` it returns an estimate of the objective near `w` or None.
    bound : NewtonBound or None, default=NewtonBound()
        Called as ``bound(objective, w, gradient, precondition, enough, n_iter)`` it returns an upper bound on what is
        left to gain, and a Newton step. Without one, a fit that makes no more progress counts as converged.
    start : callable or None, default=SampleStart()
        Called as ``start(objective, w, minimize)`` it returns better weights to start from or None. It is asked where
        the start would be zero.
    proxy : callable or None, default=ProxyStart()
        Called like `start` and asked before it: a start for losses that are neither proper scoring rules nor convex.
    line_search : callable, default=WolfeSearch()
        Called as ``line_search(objective, w, value, direction, slope)`` it returns weights further down along a
        direction, with their value and gradient, or None.
    standardize : bool, default=True
        Whether to work with centred and scaled columns; no data are copied.
    row_space : int, default=2000
        With fewer rows than columns, and at most so many, an orthonormal basis of the rows takes the place of the
        columns, in double precision, unless that would lose digits.
    history : int, default=100
        Largest number of pairs (step, change of the gradient) kept.
    memory_share : float, default=0.05
        Share of the bytes of the data that pairs may take; two are always kept. Where it has no room for two and for
        the five arrays of a surrogate, no steps are taken on surrogates, and the pairs go before a bound is computed.
    min_memory : float, default=1e7
        Bytes that they may always take.
    first_rows : int or None, default=4000
        Rows whose curvature along the first step says how long that is to be. On text, where the preconditioner knows
        no correlations of rare words, it would be twice as long as is best. None: as the preconditioner has it, which
        is also done where that has an attribute ``complete`` that is true: a block of all columns for each output.
    first_share : float, default=0.1
        Share of all rows that these may be at most.
    refresh_at : int, default=20
        Iteration at which the preconditioner is computed again.
    refresh_ratio : float, default=1.5
        Ratio of each further such iteration to the one before.
    stale : float, default=4
        A fit that makes no more progress has its preconditioner computed again if the objective has fallen by this
        factor since: so has the curvature of rows that are fitted by now.
    refresh_penalty : float, default=10
        Along a path of penalties the preconditioner is computed again where the penalty has fallen by this factor.
    negligible : float, default=0.01
        Share of the starting value below which the value is not used as the scale of `tol`. Otherwise a fit of
        separable classes would not end.
    certified : float, default=100
        A fit counts as converged if it is proved to be within so many times `tol` of the optimum.
    max_rounding : float, default=1e-4
        Error of a logit, from rounding the weights of columns with large means, above which what this costs is
        evaluated. A fit is not converged if that is more than the distance from the optimum that counts as none.
    max_checks : int, default=10
        Bounds computed in a fit at most.
    hidden_decrease : float, default=1e-3
        Predicted decrease, relative to the value, that rounding may hide. If a larger one does not come, the gradient
        is wrong.
    max_scaling : float, default=1.5
        Largest factor on the preconditioner. If the loss is flat, only the penalty has curvature and the preconditioner
        is already exact, and a large factor would amplify rounding errors.

    Notes
    -----
    With many outputs the memory of a fit is arrays of the size of the weights, (n_features + 1) × n_outputs in the type
    of the data. While the objective is evaluated at a step there are nine: the weights and their gradient, the step,
    the trial and the trial for the columns as given; the pairs but for the oldest, which is one pair where weights are
    large; and the sum of the rows' gradients in double precision, which counts twice. A bound takes as many. Steps on
    a surrogate take five more, and keep the pairs from before. In each thread about three arrays of the logits of a
    block, mostly of 256 rows, come on top. ``benchmarks/RESULTS.md`` has what less memory costs.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.solvers import LBFGS
    >>> X, y = load_iris(return_X_y=True)
    >>> plain = LBFGS(preconditioner=None, history=10)
    >>> SoftmaxRegressor(solver=plain).fit(X, y).n_iter_ > SoftmaxRegressor().fit(X, y).n_iter_
    True
    """

    preconditioner: Any = SampledHessian()
    surrogate: SubsampledSurrogate | None = SubsampledSurrogate()
    bound: NewtonBound | None = NewtonBound()
    start: Any = SampleStart()
    proxy: Any = ProxyStart()
    line_search: Any = WolfeSearch()
    standardize: bool = True
    row_space: int = 2_000
    history: int = 100
    memory_share: float = 0.05
    min_memory: float = 10_000_000
    first_rows: int | None = 4_000
    first_share: float = 0.1
    refresh_at: int = 20
    refresh_ratio: float = 1.5
    stale: float = 4
    refresh_penalty: float = 10
    negligible: float = 0.01
    certified: float = 100
    max_rounding: float = 1e-4
    max_checks: int = 10
    hidden_decrease: float = 1e-3
    max_scaling: float = 1.5

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "preconditioner": [callable, None],
        "surrogate": [callable, None],
        "bound": [callable, None],
        "start": [callable, None],
        "proxy": [callable, None],
        "line_search": [callable],
        "standardize": ["boolean"],
        "row_space": [Interval(Integral, 0, None, closed="left")],
        "history": [Interval(Integral, 1, None, closed="left")],
        "memory_share": [Interval(Real, 0, None, closed="left")],
        "min_memory": [Interval(Real, 0, None, closed="left")],
        "first_rows": [Interval(Integral, 1, None, closed="left"), None],
        "first_share": [Interval(Real, 0, 1, closed="both")],
        "refresh_at": [Interval(Integral, 1, None, closed="left")],
        "refresh_ratio": [Interval(Real, 1, None, closed="neither")],
        "stale": [Interval(Real, 1, None, closed="left")],
        "refresh_penalty": [Interval(Real, 1, None, closed="left")],
        "negligible": [Interval(Real, 0, 1, closed="both")],
        "certified": [Interval(Real, 1, None, closed="left")],
        "max_rounding": [Interval(Real, 0, None, closed="neither")],
        "max_checks": [Interval(Integral, 1, None, closed="left")],
        "hidden_decrease": [Interval(Real, 0, None, closed="left")],
        "max_scaling": [Interval(Real, 1, None, closed="left")],
    }

    def __post_init__(self) -> None:
        """Check the values."""
        validate_parameter_constraints(self._parameter_constraints, self.get_params(deep=False), "LBFGS")

    def solve(self, objective: Any, w0: Array, *, max_iter: int, tol: float, callback: Callback) -> Result:
        """Minimise an objective; see :meth:`Solver.solve`.

        Parameters
        ----------
        objective : Objective
            See :meth:`Solver.solve`. From zero weights the start is ``objective.intercept_only()``.
        w0 : ndarray
            Start.
        max_iter : int
            Largest number of iterations.
        tol : float
            Stop when the decrease of the last step, and the one that the quadratic model had predicted for it, are both
            at most `tol` times the value, or times a hundredth of the starting value if that is more. Zero: go on until
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
        w0 = objective.centred(w0)
        if not self.standardize:
            return self._solve(objective, w0, max_iter, tol, callback, self.bound)
        objective = objective.standardized()
        report = OtherWeights(callback, objective.to_given)
        w = objective.from_given(w0)
        basis = self._row_space(objective)
        if basis is None:
            result = self._solve(objective, w, max_iter, tol, report, self.bound)
            result = self._in_double(objective, result, max_iter=max_iter, tol=tol, callback=report)
        else:
            within = replace(self, row_space=0)
            result = within.solve(
                basis.objective,
                basis.from_given(w),
                max_iter=max_iter,
                tol=tol,
                callback=OtherWeights(report, basis.to_given),
            )
            value = basis.objective.value(result.w)
            result = result._replace(w=basis.to_given(result.w))
            result = self._checked(objective, w, result, value, max_iter=max_iter, tol=tol, callback=report)
        return self._for_given_columns(objective, result, tol)

    def _in_double(self, objective: Any, result: Result, *, max_iter: int, tol: float, callback: Callback) -> Result:
        """Return a result that has not converged in single precision after further iterations in double precision."""
        if result.converged or objective.dtype == np.float64 or not self.standardize:
            return result
        return self._go_on(objective.precise(), result, max_iter, tol, callback)

    def _go_on(self, objective: Any, result: Result, max_iter: int, tol: float, callback: Callback) -> Result:
        """Return the result after further iterations on another objective, from the same weights."""
        left = max_iter - result.n_iter
        if left <= 0:
            return result
        further = self._solve(objective, result.w.astype(objective.dtype), left, tol, callback, self.bound)
        if further.n_iter == left and not further.converged:
            further = further._replace(message=_limit_reached(max_iter, further.optimality))
        return further._replace(n_iter=result.n_iter + further.n_iter)

    def _checked(
        self, objective: Any, w: Array, result: Result, value: float, *, max_iter: int, tol: float, callback: Callback
    ) -> Result:
        """Return a result found in the row space, with `value` there; solved again from `w` if rounding loses it.

        Rows that nearly are combinations of others may ask for weights so large that their products cancel.
        """
        lost = objective.precise().value(result.w) - value
        if lost <= (accepted := self._accepted(objective, tol)) * abs(value) or result.n_iter >= max_iter:
            return result
        if lost <= accepted * self.negligible * abs(objective.value(objective.intercept_only())):
            return result
        return self._go_on(objective.precise(), result._replace(w=w), max_iter, tol, callback)

    def _accepted(self, objective: Any, tol: float) -> float:
        """Return the distance from the optimum that counts as none."""
        return max(self.certified * tol, 100 * float(objective.eps))

    def _row_space(self, objective: Any) -> RowSpace | None:
        few = objective.n_rows <= min(objective.rows.n_features, self.row_space)
        return in_row_space(objective) if few and objective.rows.resident else None

    def _for_given_columns(self, objective: Any, result: Result, tol: float) -> Result:
        """Return the result for the columns as in the rows, not converged if their dtype cannot hold it."""
        # Centred after they are rounded, large coefficients would be rounded twice.
        given = objective.to_given(objective.centred(result.w.astype(np.float64)))
        if objective.rounding_of(result.w) > self.max_rounding or result.w.dtype != objective.dtype:
            precise = objective.precise()
            value, least = (abs(precise.value(w)) for w in (result.w, precise.intercept_only()))
            # Products that are rounded may also seem to gain: in other blocks of rows they lose as much.
            rounded = (objective.as_given().value(given), precise.value(precise.from_given(given)))
            lost = max(abs(abs(of_given) - value) for of_given in rounded) / max(value, self.negligible * least)
            result = result._replace(optimality=result.optimality + lost)
            if lost > self._accepted(objective, tol):
                result = result._replace(converged=False, message=_rounded(_CANNOT_HOLD, objective.rows.dtype, lost))
        return result._replace(w=given)

    def solve_path(self, objective: Any, alphas: Iterable[float], w0: Array, **options: Any) -> Iterator[Result]:
        """Minimise an objective for one strength of the penalty after another; see :meth:`Solver.solve_path`.

        What is known of the curvature is kept from one to the next, and the start is what the last two ends foretell.
        A loss with many local minima starts each time where a convex one in its place leads, which starts where it was.
        """
        alphas, w0 = list(alphas), objective.centred(w0)
        here = objective.penalized(min(alphas))
        here = here.standardized() if self.standardize else here
        basis = self._row_space(here) if self.standardize and min(alphas) > 0 else None
        if basis is not None:
            # There the penalty is the same for all columns: 1 for the weakest of the path.
            ratios, within = [alpha / min(alphas) for alpha in alphas], replace(self, row_space=0)
            start = here.from_given(w0)
            path = within.solve_path(basis.objective, ratios, basis.from_given(start), **options)
            for alpha, ratio, result in zip(alphas, ratios, path, strict=True):
                value = basis.objective.penalized(ratio).value(result.w)
                mapped = result._replace(w=basis.to_given(result.w))
                checked = self._checked(here.penalized(alpha), start, mapped, value, **options)
                yield self._for_given_columns(here, checked, options["tol"])
            return
        first = here.penalized(alphas[0])
        guide = self._guide(first, here.from_given(np.zeros_like(w0)))
        w = here.from_given(w0) if w0.any() else self._start(first, guide)[0]
        descent = self._descent(first, w)
        # A bound tells nothing of other minima, which may be lower.
        bound = self.bound if guide is None else None
        ends: list[tuple[float, Array]] = []
        known_at = alphas[0]
        for alpha in alphas:
            if ends:
                descent.penalize(here.penalized(alpha))
                guide = None if guide is None else self._guide(descent.objective, guide)
                if guide is None:
                    descent.foretell(ends, alpha)
                else:
                    descent = self._descent(descent.objective, guide)
            if alpha < known_at / self.refresh_penalty:
                known_at = alpha
                descent.precondition = self._precondition(descent.objective, descent.w, refine=_AS_IN_A_LONG_FIT)
            result = self._run(descent, 1, bound=bound, reference=descent.value, **options)
            ends = [*ends[-1:], (alpha, descent.w)]
            result = self._in_double(descent.objective, result, **options)
            yield self._for_given_columns(here, result, options["tol"])

    def _solve(
        self,
        objective: Any,
        w0: Array,
        max_iter: int,
        tol: float,
        callback: Callback,
        bound: NewtonBound | None = None,
    ) -> Result:
        if w0.any():
            result = self._descend(objective, w0, max_iter, tol, callback, given=True, bound=bound)
            if result.n_iter or result.converged:
                return result
            # So far off that rounding hides the way down.
        # Nothing here names the start, which is as large as all weights: it would be kept to the end.
        descent, started = self._started(objective, self._guide(objective, np.zeros_like(w0)))
        return self._run(descent, 1 + started, max_iter, tol, callback, bound, descent.value)

    def _started(self, objective: Any, guide: Array | None) -> tuple[_Descent, bool]:
        """Return a descent from the start, and whether that comes from steps that count as an iteration."""
        w, started = self._start(objective, guide)
        return self._descent(objective, w, refine=started), started

    def _start(self, objective: Any, guide: Array | None) -> tuple[Array, bool]:
        """Return the weights to start from, and whether they come from steps that count as an iteration."""
        w = objective.intercept_only()
        better = guide
        if better is None and self.start is not None:
            better = self.start(objective, w, self._descend)
        return (w, False) if better is None else (better, True)

    def _guide(self, objective: Any, w: Array) -> Array | None:
        """Return where a convex loss in place of the objective's leads from `w`, or None if there is none."""
        if self.proxy is None:
            return None
        guide: Array | None = self.proxy(objective, w, self._solve)
        return guide

    def _descent(self, objective: Any, w: Array, *, refine: int = 0) -> _Descent:
        value, gradient = objective(w)
        descent = _Descent(self, objective, w, value, gradient, self._precondition(objective, w, refine=refine))
        n_arrays = self._affordable_arrays(objective, w)
        descent.pairs = deque(maxlen=min(max(n_arrays // 2, _LEAST_PAIRS), self.history))
        descent.has_room = n_arrays >= 2 * _LEAST_PAIRS + _SURROGATE_ARRAYS
        descent.first_length = self._first_length(descent)
        return descent

    def _affordable_arrays(self, objective: Any, w: Array) -> int:
        """Return how many arrays of the size of the weights the memory has room for."""
        rows = getattr(objective, "rows", None)  # a mere function has none
        n_bytes = 0 if rows is None else rows.nbytes if rows.resident else min(rows.nbytes, rows.sample_bytes)
        return int(max(self.memory_share * n_bytes, self.min_memory) // w.nbytes)

    def _first_length(self, descent: _Descent) -> float:
        """Return the length of the first step that is best by the curvature of some rows, at most `max_scaling`."""
        objective = descent.objective
        if self.first_rows is None or self.first_rows > self.first_share * objective.n_rows:
            return 1.0
        if getattr(descent.precondition, "complete", False):
            return 1.0
        direction = descent.multiply(-descent.gradient)
        product, _ = draw(objective, self.first_rows).hessian_product(descent.w, direction)
        slope, curvature = (float(np.vdot(vector, direction)) for vector in (descent.gradient, product))
        return min(-slope / curvature, self.max_scaling) if slope < 0 < curvature else 1.0

    def _descend(
        self,
        objective: Any,
        w: Array,
        max_iter: int,
        tol: float,
        callback: Callback,
        *,
        given: bool = False,
        bound: NewtonBound | None = None,
    ) -> Result:
        """Iterate from `w`; see :meth:`solve`."""
        descent = self._descent(objective, w)
        reference = descent.value
        if given:  # it may be worse than no model at all
            reference = min(reference, objective(objective.intercept_only())[0])
        return self._run(descent, 1, max_iter, tol, callback, bound, reference)

    def _run(
        self,
        descent: _Descent,
        first: int,
        max_iter: int,
        tol: float,
        callback: Callback,
        bound: NewtonBound | None,
        reference: float,
    ) -> Result:
        """Iterate, from the iteration `first` on; the reference is the value whose share `negligible` is.

        A start on a sample counts as the first iteration.
        """
        objective = descent.objective
        if first > 1 and callback(descent.w, descent.value):
            return Result(descent.w, 1, True, STOPPED)
        schedule, check = _Schedule(self, descent), _Check(self, bound, tol, reference)
        at_rest = False
        for n_iter in range(first, max_iter + 1):
            if schedule.refreshes(n_iter, descent.value, at_rest):
                del descent.precondition  # frees its memory for the new one
                descent.precondition = self._precondition(objective, descent.w, refine=schedule.n_refreshes)
            gain, moved = schedule.step(descent, n_iter, check.enough(descent))
            if not moved and gain > self.hidden_decrease * (max(abs(descent.value), check.scale) + objective.eps):
                return check.no_way_down(descent, n_iter - 1)
            if moved and callback(descent.w, descent.value):
                return Result(descent.w, n_iter, True, STOPPED)
            at_rest = not moved or (gain <= check.enough(descent) and n_iter >= check.next_at)
            if at_rest and not schedule.is_stale(descent.value):
                result = check(descent, n_iter if moved else n_iter - 1, moved)
                if result is not None:
                    return result if result.n_iter or not result.converged else _after_one(result, descent, callback)
        return check.at_the_limit(descent, max_iter)

    def _precondition(self, objective: Any, w: Array, *, refine: int) -> Preconditioner:
        if self.preconditioner is None:
            return np.copy
        product: Preconditioner = self.preconditioner(objective, w, refine=refine)
        return product


class _Schedule:
    """When the preconditioner is computed again, and when steps on a surrogate are tried."""

    def __init__(self, settings: LBFGS, descent: _Descent) -> None:
        self.settings, self.surrogate = settings, settings.surrogate if descent.has_room else None
        self.refresh_at: float = settings.refresh_at if settings.preconditioner is not None else np.inf
        self.n_refreshes = 0
        self.stale_value = descent.value / settings.stale if settings.preconditioner is not None else -np.inf
        self.surrogate_at: float = np.inf
        if self.surrogate is not None:
            self.surrogate_at, self.n_steps = self.surrogate.first_iteration, self.surrogate.min_steps

    def is_stale(self, value: float) -> bool:
        """Return whether the objective has fallen far since the preconditioner was computed."""
        return 0 < value < self.stale_value

    def refreshes(self, n_iter: int, value: float, at_rest: bool) -> bool:
        """Return whether the preconditioner is computed again at this iteration."""
        if n_iter < self.refresh_at and not (at_rest and self.is_stale(value)):
            return False
        self.stale_value = value / self.settings.stale
        self.n_refreshes += 1
        if n_iter < self.refresh_at:
            return True
        self.refresh_at = int(self.settings.refresh_ratio * n_iter)
        return True

    def step(self, descent: _Descent, n_iter: int, enough: float) -> tuple[float, bool]:
        """Take steps on a surrogate if it is time and they help, else one step; see :meth:`_Descent.step`."""
        if self.surrogate is not None and n_iter >= self.surrogate_at:
            estimate = self.surrogate(descent.objective, descent.w, descent.value, descent.gradient)
            gain = None if estimate is None else descent.surrogate_step(self.surrogate, estimate, self.n_steps, enough)
            if gain is not None:
                self.n_steps = min(2 * self.n_steps, self.surrogate.max_steps)
                return gain, True
            self.surrogate_at, self.n_steps = 2 * n_iter, self.surrogate.min_steps
        return descent.step()


class _Check:
    """Whether a fit that makes no more progress is at the optimum; if not, the way on."""

    def __init__(self, settings: LBFGS, bound: NewtonBound | None, tol: float, start_value: float) -> None:
        self.settings, self.bound, self.tol = settings, bound, tol
        self.scale = settings.negligible * abs(start_value)
        self.stricter = 1.0
        self.n_checks = self.next_at = 0
        self.optimality = float("nan")

    def enough(self, descent: _Descent) -> float:
        """Return the gain of a step that is little enough to look whether the optimum is reached."""
        return self.tol / self.stricter * max(abs(descent.value), self.scale)

    def __call__(self, descent: _Descent, n_iter: int, moved: bool) -> Result | None:
        """Return the result, or None having gone a Newton step further because the optimum may be far."""
        why = "tolerance reached" if moved else "rounding allows no further decrease"
        step, accepted = self._compute(descent, n_iter), self.settings._accepted(descent.objective, self.tol)
        if step is None or self.optimality <= accepted:
            return Result(descent.w, n_iter, True, why, self.optimality)
        self.n_checks += 1
        self.stricter = min(float(np.clip(self.optimality / accepted / 4, 1, 4)) * self.stricter, _STRICTEST)
        self.next_at = n_iter + self.n_checks
        if self.n_checks < self.settings.max_checks and descent.go(step):
            return None
        return Result(descent.w, n_iter, False, f"{why}, but {_far(self.optimality, descent.w.dtype)}", self.optimality)

    def no_way_down(self, descent: _Descent, n_iter: int) -> Result:
        """Return the result where no step lowers the objective as promised.

        It is at the optimum up to rounding, or its gradient is wrong, or rounded too coarsely.
        """
        above = above_targets(descent.objective, descent.w) / max(abs(descent.value), self.scale, _TINY)
        if above <= self.settings._accepted(descent.objective, self.tol):
            return Result(descent.w, n_iter, True, "rounding allows no further decrease", above)
        if descent.w.dtype != np.float64 and self.settings.standardize:
            # The fit goes on in double precision.
            return Result(descent.w, n_iter, False, "float32 hides the way down", self.optimality)
        if self.settings.standardize and descent.objective.rounding_of(descent.w) > self.settings.max_rounding:
            message = _rounded(_HIDDEN, descent.objective.rows.dtype)
            return Result(descent.w, n_iter, False, message, np.inf)
        return Result(descent.w, n_iter, False, _WRONG_GRADIENT, np.inf)

    def at_the_limit(self, descent: _Descent, max_iter: int) -> Result:
        """Return the result where no more iterations are allowed."""
        if self.bound is not None and self.tol > 0:
            bound = self.bound.in_passing(max_iter)
            self._bounded(bound, descent, descent.objective, descent.gradient, max_iter)
        return Result(descent.w, max_iter, self.tol == 0, _limit_reached(max_iter, self.optimality), self.optimality)

    def _compute(self, descent: _Descent, n_iter: int) -> Array | None:
        """Set the optimality; return a Newton step, or None where there is no bound or none is asked for."""
        if self.bound is None or self.tol == 0:
            return None
        bound = self._bounded(self.bound, descent, descent.objective, descent.gradient, n_iter)
        if descent.w.dtype != np.float64 and self.settings.standardize and self._is_unsure(descent, bound):
            objective, small = descent.objective.precise(), bound.blocks is not None
            del bound  # its step is as large as the weights
            gradient = objective.gradient(descent.w)
            if not small:
                # Only the gradient is lost in rounding; vectors in double precision would be twice as large.
                objective, gradient = descent.objective, gradient.astype(descent.w.dtype)
            bound = self._bounded(self.bound, descent, objective, gradient, n_iter)
        descent.blocks = bound.blocks
        return bound.step.astype(descent.w.dtype, copy=False)

    def _is_unsure(self, descent: _Descent, bound: Bound) -> bool:
        """Return whether rounding in single precision may be what a bound says, or hide what it does not say."""
        accepted = self.settings._accepted(descent.objective, self.tol)
        # Where rows are fitted well, the rounding of their probabilities is as large as what is left to gain.
        small = accepted * abs(descent.value) < descent.objective.eps
        return small or self.optimality > accepted or (bound.blocks is not None and bound.blocks.hides)

    def _bounded(self, bound: NewtonBound, descent: _Descent, objective: Any, gradient: Array, n_iter: int) -> Bound:
        """Return a bound by an objective and its gradient, and set the optimality."""
        if not descent.has_room:
            descent.pairs.clear()
        scale = max(abs(descent.value), self.scale, _TINY)
        enough = self.settings._accepted(descent.objective, self.tol) * scale
        found = bound(
            objective, descent.w.astype(gradient.dtype, copy=False), gradient, descent.multiply, enough, n_iter
        )
        self.optimality = found.excess / scale
        return found


def _after_one(result: Result, descent: _Descent, callback: Callback) -> Result:
    """Return a result whose only iteration found nothing better than the start."""
    callback(descent.w, descent.value)
    return result._replace(n_iter=1)


def _limit_reached(max_iter: int, optimality: float) -> str:
    known = f"; optimality_={optimality:.1e}" if np.isfinite(optimality) else ""
    return f"max_iter={max_iter} reached{known}. Raise max_iter or tol."


def _far(optimality: float, dtype: Any) -> str:
    precise = "" if dtype == np.float64 else "pass float64 data, "
    if np.isinf(optimality):
        return (
            "the objective curves downwards along some direction, so that how far it is above a minimum is not known "
            f"(optimality_=inf). Raise alpha, start elsewhere (coef_init), {precise}or use a convex loss."
        )
    return (
        f"the objective may be up to optimality_={optimality:.1e} of itself above the optimum. Raise alpha, {precise}"
        "or accept it with a larger tol."
    )


def _rounded(message: str, dtype: Any, *figures: float) -> str:
    """Return a message about the rounding of data to a dtype, with what to do."""
    return message.format(dtype, *figures, _FOR_DOUBLE if dtype == np.float64 else _FOR_SINGLE)


class _Descent:
    """Where a minimisation stands: weights, value and gradient there, and what is known of the curvature.

    `has_room` is whether there is memory for steps on a surrogate.
    """

    def __init__(
        self, settings: LBFGS, objective: Any, w: Array, value: float, gradient: Array, precondition: Preconditioner
    ) -> None:
        self.settings = settings
        self.objective = objective
        self.w, self.value, self.gradient = w, value, gradient
        self.precondition = precondition
        self.first_length = 1.0
        self.blocks: Preconditioner | None = None
        self.add_multiple: Any = get_blas_funcs("axpy", (w,))
        self.pairs: deque[_Pair] = deque(maxlen=settings.history)
        self.has_room = True

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
        trial = None
        if len(self.pairs) == self.pairs.maxlen:
            self.pairs.popleft()  # the next pair takes its place
        if slope < 0:
            trial = self.settings.line_search(self.objective, self.w, self.value, direction, slope)
        if trial is None:
            return -0.5 * slope, False
        gain = max(self.value - trial[1], -0.5 * slope)
        return gain, self._move(*trial)

    def penalize(self, objective: Any) -> None:
        """Go over to the same objective with another penalty; nothing is evaluated."""
        change = (objective.penalty - self.objective.penalty).astype(self.w.dtype)[:, np.newaxis]
        shift = np.vstack([change * self.w[:-1], np.zeros_like(self.w[-1:])])
        self.objective = objective
        self.value += 0.5 * float(np.vdot(shift, self.w))
        self.gradient = self.gradient + shift
        pairs = (pair.penalized(change, self.w.shape) for pair in self.pairs)
        self.pairs = deque((pair for pair in pairs if pair.sy > 0), maxlen=self.pairs.maxlen)

    def foretell(self, ends: list[tuple[float, Array]], alpha: float) -> None:
        """Go where the way on leads, a line through the last two ends over log alpha, if that is further down."""
        if len(ends) < 2 or not ends[0][0] > ends[1][0] > alpha > 0:
            return
        (before, w_before), (last, w_last) = ends
        w = w_last + np.log(last / alpha) / np.log(before / last) * (w_last - w_before)
        value, gradient = self.objective(w)
        if value < self.value:
            self._move(w, value, gradient)

    def go(self, direction: Array) -> bool:
        """Go along a direction, down; return whether there was a way down."""
        slope = float(np.vdot(self.gradient, direction))
        if not -np.inf < slope < 0:
            return False
        trial = self.settings.line_search(self.objective, self.w, self.value, direction, slope)
        if trial is None:
            return False
        if not self._move(*trial):
            # Downwards curvature: a way out of a saddle, but no pair.
            self.w, self.value, self.gradient = trial
        return True

    def surrogate_step(
        self, rules: SubsampledSurrogate, surrogate: Surrogate, max_steps: int, enough: float
    ) -> float | None:
        """Take steps on an estimate of the objective near here, up to one that gains enough or less; return its gain.

        None, having gone nowhere, if the estimate is too rough for some steps or does not keep its promise.
        """
        ahead = _Descent(self.settings, surrogate, self.w, self.value, self.gradient, self.precondition)
        ahead.pairs, before = self.pairs, self.pairs.copy()
        gain, n_steps, going = 0.0, 0, True
        while going and n_steps < max_steps:
            gain, moved = ahead.step()
            n_steps += moved
            going = moved and gain > enough and not surrogate.noise_dominates(ahead.gradient, self.precondition)
        if n_steps >= rules.few_steps or gain <= enough:
            value, gradient = self.objective(ahead.w)
            kept = self.value - value >= rules.kept_decrease * (self.value - ahead.value) > 0
            if kept and self._move(ahead.w, value, gradient):
                return gain
        self.pairs = before
        return None

    def _move(self, w: Array, value: float, gradient: Array) -> bool:
        """Go there, unless the curvature on the way is not positive: a bad estimate, or only rounding."""
        pair = _Pair(w - self.w, gradient - self.gradient)
        if pair.sy <= 0:
            return False
        self.w, self.value, self.gradient = w, value, gradient
        self.pairs.append(pair)
        return True

    def _direction(self) -> Array:
        """Return the quasi-Newton direction."""
        direction = self.multiply(self.gradient)
        direction *= -1 if self.pairs else -self.first_length
        return direction

    def multiply(self, vector: Array) -> Array:
        """Return the product with the approximate inverse Hessian, by the two-loop recursion."""
        shape, add = vector.shape, self.add_multiple
        # Before the copy, which would be one more array at a time.
        scaling = self._scaling(self.pairs[-1], shape) if self.pairs else 1.0
        q = vector.ravel().copy()
        projections = []
        for pair in reversed(self.pairs):
            projections.append(float(np.vdot(pair.s, q)) / pair.sy)
            q = add(pair.y, q, a=-projections[-1])
        direction = self._initial(q.reshape(shape)).ravel()
        del q
        direction *= scaling
        for pair, projection in zip(self.pairs, reversed(projections), strict=True):
            direction = add(pair.s, direction, a=projection - float(np.vdot(pair.y, direction)) / pair.sy)
        return direction.reshape(shape)

    def _initial(self, vector: Array) -> Array:
        """Return the product with the preconditioner, and with the blocks that a bound has made."""
        product: Array = self.precondition(vector)
        return product if self.blocks is None else product + self.blocks(vector)

    def _scaling(self, last: _Pair, shape: tuple[int, ...]) -> float:
        """Return the factor on the preconditioner that gives it the curvature of the last step."""
        most = self.settings.max_scaling if self.settings.preconditioner is not None else np.inf
        # In single precision it can underflow where classes are separable and nothing is left to gain.
        curvature = float(np.vdot(last.y, self._initial(last.y.reshape(shape))))
        return min(last.sy / curvature, most) if curvature > 0 else self.settings.max_scaling


class _Pair:
    """A step and the change of the gradient along it, flat."""

    def __init__(self, s: Array, y: Array) -> None:
        self.sy = float(np.vdot(s, y))
        self.s, self.y = s.ravel(), y.ravel()

    def penalized(self, change: Array, shape: tuple[int, ...]) -> _Pair:
        """Return the pair of the same step with a penalty that has changed, by column."""
        s, y = self.s.reshape(shape), self.y.reshape(shape).copy()
        y[:-1] += change * s[:-1]
        return _Pair(s, y)
