"""Solvers of the linear models, and the parts that they are given.

:class:`LBFGS` finds the optimum from the full data. Its collaborators can be replaced, or switched off with None::

    SoftmaxRegressor(solver=LBFGS(history=20, surrogate=None))

:class:`SGD` takes plain steps on mini-batches. To write a solver, derive from :class:`Solver`.
"""

from skxent.linear_model._optimality import NewtonBound
from skxent.linear_model._preconditioner import SampledHessian
from skxent.linear_model._surrogate import SubsampledSurrogate
from skxent.linear_model.solvers import LBFGS, SGD, SOLVERS, ProxyStart, Result, SampleStart, Solver, WolfeSearch

__all__ = [
    "LBFGS",
    "SGD",
    "SOLVERS",
    "NewtonBound",
    "ProxyStart",
    "Result",
    "SampleStart",
    "SampledHessian",
    "Solver",
    "SubsampledSurrogate",
    "WolfeSearch",
]
