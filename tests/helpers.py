"""What the tests of several modules share."""

from skxent.linear_model._objective import Objective, Problem
from skxent.linear_model._outputs import Softmax
from skxent.losses import CrossEntropy
from skxent.rows import MemoryRows

__all__ = ["objective_of"]


def objective_of(
    X, y, sample_weight=None, *, loss=None, output=None, n_outputs=3, alpha=0.0, fit_intercept=True, **rows
):
    """Return the objective of an array or CSR matrix in memory; `rows` are options of its rows."""
    problem = Problem(loss or CrossEntropy(), output or Softmax(), alpha, fit_intercept)
    return Objective(problem, MemoryRows(X, y, sample_weight, n_outputs=n_outputs, **rows))
