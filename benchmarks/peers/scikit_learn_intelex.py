"""scikit-learn-intelex: LogisticRegression on Intel's libraries, in single and in double precision."""

from __future__ import annotations

import numpy as np
from _timing import Points, budgeted
from problems import Problem
from sklearnex.linear_model import LogisticRegression

from peers._peer import full_batch


def _register(dtype: type) -> None:
    @full_batch(f"scikit-learn-intelex lbfgs {dtype.__name__}")
    def fit(problem: Problem, limit: float) -> Points:
        def make(max_iter: int) -> LogisticRegression:
            return LogisticRegression(C=problem.C, tol=1e-10, max_iter=max_iter)

        return budgeted(make, problem, limit, dtype)


for _dtype in (np.float32, np.float64):
    _register(_dtype)
