"""What happens after each iteration: loss curve, validation scores, callbacks, early stopping."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from skxent._typing import Array

__all__ = ["Monitor", "Validation"]


class Validation:
    """Scores on held-out rows, and the best weights they have seen.

    Parameters
    ----------
    score : callable
        Maps weights to a score; larger is better.
    n_iter_no_change : int
        Iterations in a row that may fail to improve on the best score; infinite to go on whatever the scores are.
    tol : float
        What counts as an improvement.
    w0 : ndarray
        Weights to fall back on. They are scored too unless they are all zero.
    """

    def __init__(self, score: Callable[[Array], float], n_iter_no_change: float, tol: float, w0: Array) -> None:
        self.score = score
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scores: list[float] = []
        self.best_score = score(w0) if w0.any() else -np.inf
        self.best_w = w0
        self.idle = 0

    def __call__(self, w: Array) -> bool:
        """Record the score of `w`; true once patience is over."""
        score = self.score(w)
        self.scores.append(score)
        self.idle = 0 if score > self.best_score + self.tol else self.idle + 1
        if score > self.best_score:
            self.best_score, self.best_w = score, w.copy()
        return self.idle >= self.n_iter_no_change


class Monitor:
    """The callback that an estimator hands to its solver.

    Runs scikit-learn's callbacks with one task for each iteration. The task of the next iteration
    begins when the last one ends, since a solver reports only ends.

    Parameters
    ----------
    estimator : estimator
        The estimator being fitted.
    context : CallbackContext
        Its root task.
    fit_data : dict
        ``X``, ``y`` and ``metadata`` as the callbacks shall see them.
    attributes : callable
        Maps weights to the fitted attributes of an estimator that stopped there.
    validation : Validation or None
        Held-out rows.
    """

    def __init__(
        self,
        estimator: Any,
        context: Any,
        fit_data: dict[str, Any],
        attributes: Callable[[Array], dict[str, Any]],
        validation: Validation | None,
    ) -> None:
        self.estimator = estimator
        self.context = context
        self.fit_data = fit_data
        self.attributes = attributes
        self.validation = validation
        self.loss_curve: list[float] = []
        self.seconds: list[float] = []
        self._start = perf_counter()
        self._task: Any = None

    @property
    def sees_weights(self) -> bool:
        """Whether the weights of the next iteration are looked at, or only its value."""
        return self.validation is not None or self._task is not None

    def begin(self, w: Array) -> None:
        """Begin the task of the next iteration, if anybody listens."""
        if hasattr(self.estimator, "_skl_callbacks"):
            self._task = self.context.subcontext(task_name="iteration")
            self._task.call_on_fit_task_begin(
                estimator=self.estimator,
                reconstruction_attributes=lambda: self.attributes(w),
                **self.fit_data,
            )

    def __call__(self, w: Array, value: float) -> bool:
        """Record one iteration; true if the fit should stop."""
        self.loss_curve.append(float(value))
        self.seconds.append(perf_counter() - self._start)
        if self.estimator.verbose:
            print(f"{type(self.estimator).__name__}: iteration {len(self.loss_curve)}, objective {value:.6f}")
        stop = self.validation is not None and self.validation(w)
        if self._task is None:
            return stop
        stop |= self._task.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=lambda: self.attributes(w), **self.fit_data
        )
        self._task = None
        if not stop and len(self.loss_curve) < self.estimator.max_iter:
            self.begin(w)
        return stop

    def learning_curve(self) -> dict[str, Array]:
        """Return the record of the iterations."""
        n_iter = len(self.loss_curve)
        return {
            "iteration": np.arange(1, n_iter + 1),
            "objective": np.array(self.loss_curve),
            "validation_score": np.full(n_iter, np.nan)
            if self.validation is None
            else np.array(self.validation.scores),
            "seconds": np.array(self.seconds),
        }

    def close(self) -> None:
        """End the task of an iteration that did not take place."""
        if self._task is not None:
            self._task.call_on_fit_task_end(estimator=self.estimator)
