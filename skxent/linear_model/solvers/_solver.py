"""What a solver is, and what it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, NamedTuple

from skxent._parameters import Parameters
from skxent._registry import Registry
from skxent._typing import Array

__all__ = ["SOLVERS", "STOPPED", "OtherWeights", "Result", "Solver", "checked_result", "resolve_solver"]

SOLVERS: Registry[type[Solver]] = Registry("solver")

# The message of a result that a callback asked for.
STOPPED = "stopped by a callback"


class Result(NamedTuple):
    """Outcome of a solver.

    Attributes
    ----------
    w : ndarray
        Weights found.
    n_iter : int
        Iterations or passes run.
    converged : bool
        Whether it stopped because it was done, not because `max_iter` was reached.
    message : str
        Why it stopped, and if it has not converged what to do.
    optimality : float, default=nan
        Upper bound on the distance from the optimum, relative to the objective; nan if the solver has none.
    """

    w: Array
    n_iter: int
    converged: bool
    message: str
    optimality: float = float("nan")


class Solver(Parameters, ABC):
    """A way to minimise an objective.

    A subclass implements :meth:`solve` and holds nothing but its own settings, each an argument of ``__init__`` kept
    under its name. Giving it a name, ``class Mine(Solver, name="mine")``, makes ``solver="mine"`` work as well as
    ``solver=Mine()``. Check yours with :func:`skxent.testing.check_solver`.

    Attributes
    ----------
    exact_values : bool
        Class attribute: whether the callback is told the objective at the weights, or an estimate of it that costs
        less.

    Examples
    --------
    Gradient descent with a fixed step:

    >>> from skxent import SoftmaxRegressor
    >>> from skxent.solvers import Result, Solver
    >>> class Descent(Solver):
    ...     def __init__(self, step=0.5):
    ...         self.step = step
    ...     def solve(self, objective, w0, *, max_iter, tol, callback):
    ...         w = w0
    ...         for n_iter in range(1, max_iter + 1):
    ...             value, gradient = objective(w)
    ...             w = w - self.step * gradient
    ...             if callback(w, objective.value(w)):
    ...                 return Result(w, n_iter, True, "stopped by a callback")
    ...         return Result(w, max_iter, True, "all steps taken")
    >>> model = SoftmaxRegressor(solver=Descent(step=0.1), max_iter=50).fit([[0.0], [1.0], [3.0], [4.0]], [0, 0, 1, 1])
    >>> model.predict([[0.0], [4.0]]).tolist()
    [0, 1]
    """

    exact_values: ClassVar[bool] = True

    def __init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if name is not None:
            SOLVERS.register(name)(cls)

    @abstractmethod
    def solve(
        self,
        objective: Any,
        w0: Array,
        *,
        max_iter: int,
        tol: float,
        callback: Callable[[Array, float], bool],
    ) -> Result:
        """Minimise an objective.

        Further keyword arguments of a subclass's method, such as ``batch_size``, must be named like parameters of the
        estimators, and receive their values.

        Parameters
        ----------
        objective : Objective
            Called with weights it returns value and gradient; ``objective.value(w)`` and ``objective.gradient(w)``
            return one of them. ``objective.intercept_only()`` is a better start than zero, ``objective.batches(size,
            rng)`` yields the objectives of mini-batches, and ``objective.eps`` is the relative rounding error of the
            value.
        w0 : ndarray of shape (n_features + 1, n_outputs)
            Start, with the intercepts in the last row. It is read only. Its dtype is that of the computation.
        max_iter : int
            Largest number of iterations.
        tol : float
            Relative decrease of the objective below which to stop; zero: as long as there is progress.
        callback : callable
            To be called as ``callback(w, value)`` after each iteration, with the objective at `w` or, if
            `exact_values` is false, an estimate of it. If it returns true, the solver must stop and
            return these weights with ``converged`` true and the message ``"stopped by a callback"``. A callback with an
            attribute ``sees_weights`` that is false looks only at the value; a solver may then pass any weights.

        Returns
        -------
        Result
            Weights and why it stopped.
        """

    def solve_path(self, objective: Any, alphas: Iterable[float], w0: Array, **options: Any) -> Iterator[Result]:
        """Minimise an objective for one strength of the penalty after another, each from where the last one ended.

        Parameters
        ----------
        objective : Objective
            Its method ``penalized(alpha)`` returns the objective with another penalty.
        alphas : iterable of float
            Strengths, best from the greatest to the least.
        w0 : ndarray of shape (n_features + 1, n_outputs)
            Start of the first; see :meth:`solve`.
        **options
            The other arguments of :meth:`solve`: ``max_iter``, ``tol``, ``callback`` and a subclass's own.

        Yields
        ------
        Result
            One for each strength.
        """
        for alpha in alphas:
            result = self.solve(objective.penalized(alpha), w0, **options)
            w0 = result.w
            yield result


class OtherWeights:
    """The callback of a solver that works with other weights than those that it was given.

    Parameters
    ----------
    callback : callable
        Called as ``callback(w, value)`` with the given kind of weights.
    to_given : callable
        Maps the solver's weights to the given kind. It is called only if `callback` looks at weights.
    """

    def __init__(self, callback: Callable[[Array, float], bool], to_given: Callable[[Array], Array]) -> None:
        self.callback, self.to_given = callback, to_given

    @property
    def sees_weights(self) -> bool:
        """Whether the callback looks at the weights; one that does not say so does."""
        return getattr(self.callback, "sees_weights", True)

    def __call__(self, w: Array, value: float) -> bool:
        """Report one iteration; true if the fit should stop."""
        return self.callback(self.to_given(w) if self.sees_weights else w, value)


def checked_result(solver: Any, result: Any) -> Any:
    """Return what a solver has returned; raise a TypeError if it is not like a Result."""
    missing = [name for name in Result._fields if not hasattr(result, name) and name not in Result._field_defaults]
    if missing:
        raise TypeError(
            f"{solver!r}.solve returned {type(result).__name__}, without {', '.join(missing)}; it must return a "
            "skxent.solvers.Result."
        )
    return result


def resolve_solver(solver: Any) -> Any:
    """Return the solver that a name or an object stands for.

    Parameters
    ----------
    solver : str or Solver
        A registered name, or an object with a method ``solve``.

    Returns
    -------
    Solver
        The object itself, or a new one made with the named class's defaults.

    Raises
    ------
    ValueError
        If the name is not registered.
    TypeError
        If `solver` is neither a string nor an object with a method ``solve``.
    """
    if isinstance(solver, str):
        return SOLVERS.make(solver)
    if isinstance(solver, type) or not callable(getattr(solver, "solve", None)):
        is_solver = isinstance(solver, type) and callable(getattr(solver, "solve", None))
        hint = f"an instance: {solver.__name__}()" if is_solver else "a name or an object with a method solve"
        raise TypeError(f"solver={solver!r} is not a solver; known names: {', '.join(SOLVERS)}. Pass {hint}.")
    return solver
