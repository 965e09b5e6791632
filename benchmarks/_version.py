"""One version of skxent, asked for one figure at a time by ``compare.py``.

    PYTHONPATH=FOLDER python benchmarks/_version.py FOLDER

Each line of the input is a JSON list, the name of a method of :class:`Measured` and its arguments; each line of the
output is the answer.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from _ours import find_optimum, model, pass_over
from _timing import steady, time_to
from problems import PROBLEMS, MiniBatches, Problem
from sklearn.exceptions import ConvergenceWarning

import skxent

# Iterations at the most on the way to a target.
_MOST_ITERATIONS = 2_000

# Length of a step in a pass: short enough for any of the problems, and its size makes no difference to the time.
_RATE = 1e-3


class Measured:
    """The answers: the problem in hand, and what was found out about it."""

    def __init__(self) -> None:
        self.problem = Problem("none", np.zeros((0, 0)), np.zeros(0), 0.0)
        self.values: dict[int, float] = {}

    def load(self, name: str) -> str:
        """Take a problem in hand; return its title."""
        self.problem, self.values = PROBLEMS[name](), {}
        return self.problem.name

    def optimum(self) -> float:
        """Return the lowest objective found with a tight tolerance."""
        find_optimum(self.problem)
        return self.problem.best

    def iterations_to(self, best: float, target: float) -> int:
        """Return the least number of iterations that come within `target`, relative, of the best objective."""
        within = (n for n in range(1, _MOST_ITERATIONS) if self.value_after(n) <= best * (1 + target))
        return next(within, _MOST_ITERATIONS)

    def value_after(self, n_iter: int) -> float:
        """Return the objective after so many iterations."""
        if n_iter not in self.values:
            fitted = model(self.problem, n_iter).fit(self.problem.X, self.problem.y)
            self.values[n_iter] = self.problem.objective(fitted.coef_, fitted.intercept_)
        return self.values[n_iter]

    def seconds_to(self, best: float, target: float, n_iter: int) -> float:
        """Return the seconds to a distance that is reached in iteration `n_iter`, interpolated."""
        budgets = [n for n in (n_iter - 1, n_iter) if n > 0]
        curve = [(self.seconds_of_a_fit(n), self.value_after(n)) for n in budgets]
        return time_to(curve, best, target)

    def seconds_of_a_fit(self, n_iter: int) -> float:
        """Return the seconds of a fit with so many iterations."""
        return steady(lambda: model(self.problem, n_iter).fit(self.problem.X, self.problem.y))

    def seconds_of_a_pass(self) -> float:
        """Return the seconds of a pass of mini-batches."""
        return steady(pass_over(MiniBatches(self.problem.X, self.problem.y, batch_size=100, rate=_RATE)))


def main(folder: str) -> None:
    """Answer questions until there are no more."""
    if not Path(skxent.__file__).is_relative_to(folder):
        raise SystemExit(f"skxent was imported from {skxent.__file__}, not from {folder}")
    warnings.simplefilter("ignore", ConvergenceWarning)
    measured = Measured()
    for line in sys.stdin:
        question, *arguments = json.loads(line)
        print(json.dumps(getattr(measured, question)(*arguments)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
