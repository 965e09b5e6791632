"""Linear classifiers with a softmax or a sigmoid output and any loss.

Each module knows only those before it:

- ``_outputs``: logits to probabilities, and the chain rule back;
- ``_objective``: value and gradient, from sums over :class:`skxent.rows.Rows`;
- ``_sampling``: samples of rows;
- ``_preconditioner``, ``_surrogate``: the curvature, and an estimate of the objective, from a sample;
- ``solvers``: what minimises an objective;
- ``_targets``, ``_monitor``: labels and callbacks;
- ``_classifier``, ``_estimators``: what the classifiers share, and the two of them;
- ``_cross_validation``: the same with a penalty chosen along a path.
"""

from skxent.linear_model._cross_validation import SigmoidRegressorCV, SoftmaxRegressorCV
from skxent.linear_model._estimators import SigmoidRegressor, SoftmaxRegressor

__all__ = ["SigmoidRegressor", "SigmoidRegressorCV", "SoftmaxRegressor", "SoftmaxRegressorCV"]
