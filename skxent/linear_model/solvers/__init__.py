"""Solvers: each file holds one recursion and its schedule, and nothing about data."""

from skxent.linear_model.solvers._lbfgs import LBFGS
from skxent.linear_model.solvers._proxy_start import ProxyStart
from skxent.linear_model.solvers._sample_start import SampleStart
from skxent.linear_model.solvers._sgd import SGD
from skxent.linear_model.solvers._solver import SOLVERS, Result, Solver, resolve_solver
from skxent.linear_model.solvers._wolfe_search import WolfeSearch

__all__ = [
    "LBFGS",
    "SGD",
    "SOLVERS",
    "ProxyStart",
    "Result",
    "SampleStart",
    "Solver",
    "WolfeSearch",
    "resolve_solver",
]
