"""What the tests of several modules share."""

import numpy as np

from skxent.linear_model._objective import Objective
from skxent.linear_model._outputs import Softmax
from skxent.linear_model._problem import Problem
from skxent.losses import CrossEntropy, Loss
from skxent.rows import MemoryRows

__all__ = ["N_FEATURES", "N_OUTPUTS", "Focal", "make_objective", "objective_of", "weights", "with_data"]

N_FEATURES, N_OUTPUTS = 5, 3


class Focal(Loss):
    """A user's own loss, with a parameter."""

    def __init__(self, gamma=2.0):
        self.gamma = gamma

    def pointwise(self, y, p, log_p):
        q = 1 - p
        loss = -(y * q**self.gamma * log_p).sum(axis=1)
        return loss, y * (self.gamma * p * q ** (self.gamma - 1) * log_p - q**self.gamma)


def objective_of(
    X, y, sample_weight=None, *, loss=None, output=None, n_outputs=3, alpha=0.0, fit_intercept=True, **rows
):
    """Return the objective of an array or CSR matrix in memory; `rows` are options of its rows."""
    problem = Problem(loss or CrossEntropy(), output or Softmax(), alpha, fit_intercept)
    return Objective(problem, MemoryRows(X, y, sample_weight, n_outputs=n_outputs, **rows))


def make_objective(rng, n_rows=40, *, dtype=float, n_outputs=N_OUTPUTS, **options):
    """Return the objective of random rows and soft labels."""
    X = rng.normal(size=(n_rows, N_FEATURES)).astype(dtype)
    y = rng.dirichlet(np.ones(n_outputs), n_rows).astype(dtype)
    return objective_of(X, y, n_outputs=n_outputs, **options)


def with_data(objective, X, y, sample_weight=None, **options):
    """Return the same objective on other data."""
    settings = {name: getattr(objective.problem, name) for name in ("loss", "output", "alpha")}
    settings |= {"n_outputs": objective.rows.n_outputs, "sizes": objective.rows.sizes}
    return objective_of(X, y, sample_weight, **{**settings, **options})


def weights(rng, scale=1.0, n_outputs=N_OUTPUTS):
    """Return random weights for such objectives."""
    return scale * rng.normal(size=(N_FEATURES + 1, n_outputs))
