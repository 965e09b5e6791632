"""Pictures of fitted models, in scikit-learn's habit: ``from_estimator``, ``plot``, ``ax=``.

They draw with matplotlib, which is imported when something is plotted.
"""

from skxent.inspection._coefficients import CoefficientDisplay
from skxent.inspection._loss_curve import LossCurveDisplay
from skxent.inspection._reliability import ReliabilityDisplay
from skxent.inspection._text import LinePerplexityDisplay, RankFrequencyDisplay

__all__ = [
    "CoefficientDisplay",
    "LinePerplexityDisplay",
    "LossCurveDisplay",
    "RankFrequencyDisplay",
    "ReliabilityDisplay",
]
