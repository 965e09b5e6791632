"""scikit-learn's LogisticRegression: four solvers, in single and in double precision."""

from __future__ import annotations

import numpy as np
from _timing import Points, budgeted, recorded
from problems import Problem
from sklearn.linear_model import LogisticRegression

from peers._peer import full_batch


def _register(solver: str, dtype: type) -> None:
    @full_batch(f"LogisticRegression {solver} {dtype.__name__}", takes_sparse=True)
    def fit(problem: Problem, limit: float) -> Points:
        def make(max_iter: int) -> LogisticRegression:
            return LogisticRegression(C=problem.C, tol=1e-10, solver=solver, max_iter=max_iter, random_state=0)

        if solver == "lbfgs":  # the only one that reports its iterations
            return recorded(make(100_000), problem, limit, dtype)
        return budgeted(make, problem, limit, dtype)


for _solver in ("lbfgs", "newton-cg", "sag", "saga"):
    for _dtype in (np.float32, np.float64):
        _register(_solver, _dtype)
