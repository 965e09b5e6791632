"""What a linear model minimises: loss, output layer and penalty."""

from __future__ import annotations

from dataclasses import dataclass

from skxent.linear_model._outputs import Output
from skxent.losses import Loss

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """What a linear model minimises, whatever the rows.

    Attributes
    ----------
    loss : Loss
        Loss between the observed and the predicted distribution of a row.
    output : Output
        Output layer.
    alpha : float, default=0.0
        Strength of the L2 penalty, which leaves the intercepts alone.
    fit_intercept : bool, default=True
        Whether the last row of the weights is free; if not, its gradient is zero.
    """

    loss: Loss
    output: Output
    alpha: float = 0.0
    fit_intercept: bool = True
