"""What a solver returns."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray


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
    """

    w: NDArray[Any]
    n_iter: int
    converged: bool
    message: str
