"""A start for a solver: where a few steps on a sample of the rows lead.

On much data a part of the rows points the way as well as all of them, far from the optimum [1]_.

References
----------
.. [1] R. H. Byrd, G. M. Chin, J. Nocedal, Y. Wu, "Sample Size Selection in Optimization Methods for Machine
   Learning", 2012, :doi:`10.1007/s10107-012-0572-5`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skxent._parameters import Parameters
from skxent._typing import Array
from skxent.linear_model._objective import Objective
from skxent.linear_model._sampling import draw

__all__ = ["SampleStart"]

Minimize = Callable[[Objective, Array, int, float, Callable[[Array, float], bool]], Any]


@dataclass(frozen=True, repr=False)
class SampleStart(Parameters):
    """A start from a sample of the rows, a fifth of which are held out to say when to stop.

    The numbers were chosen on MNIST and on 500,000 rows of 30 columns (``benchmarks/softmax.py``).

    Parameters
    ----------
    max_iter : int, default=12
        Largest number of iterations on the sample.
    tol : float, default=1e-3
        Tolerance there.
    max_share : float, default=0.25
        Largest share of the rows in the sample.
    min_rows : int, default=5000
        Least number of rows in the sample. With so few rows that this is more than the share there is no sample.
    rows_per_column : float, default=2.0
        Rows of the rarest class in the sample, for each column.
    min_rows_per_column : float, default=0.5
        Below this number of rows per column (of the rarest class) the sample's optimum is not useful, and there is no
        sample.
    max_overfit : float, default=2.5
        Ratio of the value on the rows held out to that on the others above which the sample is left as well: on raw
        MNIST steps from there took ten times as many iterations as steps from zero.
    """

    max_iter: int = 12
    tol: float = 1e-3
    max_share: float = 0.25
    min_rows: int = 5_000
    rows_per_column: float = 2.0
    min_rows_per_column: float = 0.5
    max_overfit: float = 2.5

    def __call__(self, objective: Objective, w: Array, minimize: Minimize) -> Array | None:
        """Return better weights than `w`, or None if there are too few rows for a sample that says much.

        Parameters
        ----------
        objective : Objective
            Objective of all rows.
        w : ndarray of shape (n_features + 1, n_outputs)
            Start of the start.
        minimize : callable
            Called as ``minimize(objective, w, max_iter, tol, callback)``.

        Returns
        -------
        ndarray or None
            The best weights on the rows held out.
        """
        parts = self.split(objective)
        if parts is None:
            return None
        sample, held_out = parts
        best = _Best(held_out, w, self.max_overfit)
        minimize(sample, w, self.max_iter, self.tol, best)
        return best.w

    def split(self, objective: Objective) -> tuple[Objective, Objective] | None:
        """Return the objectives of two random parts of the rows, one to fit and one, a fourth of it, held out.

        They are always the same ones; None if there are too few rows.
        """
        most = int(self.max_share * objective.n_rows)
        if most < self.min_rows:
            return None
        shares = objective.mean_targets
        rarest = min(shares.min(), 1 - shares.max())
        per_column = most * rarest / objective.rows.n_features
        if per_column < self.min_rows_per_column:
            return None
        sample = draw(objective, int(min(max(self.min_rows, most * self.rows_per_column / per_column), most)))
        held_out = np.arange(sample.n_rows) % 5 == 0
        return sample.subset(np.flatnonzero(~held_out)), sample.subset(np.flatnonzero(held_out))


class _Best:
    """A callback that keeps the weights with the least value on held-out rows, and stops when they get no better.

    It keeps nothing where the sample is fitted so much better than the rows held out that its optimum says little.
    """

    def __init__(self, held_out: Objective, w: Array, max_overfit: float) -> None:
        self.held_out, self.max_overfit = held_out, max_overfit
        self.w: Array | None = w
        self.value = held_out.value(w)

    def __call__(self, w: Array, value: float) -> bool:
        held_out = self.held_out.value(w)
        if 0 < self.max_overfit * value < held_out:
            self.w = None
        elif held_out < self.value:
            self.w, self.value = w, held_out
            return False
        return True
