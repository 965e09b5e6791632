"""scikit-learn's own checks, for every loss and for every solver.

Losses and solvers know nothing of each other, so that each loss is checked with one solver, and each solver with two
losses.
"""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.losses import LOSSES, ForwardCorrection
from skxent.solvers import SOLVERS

CONFIGURATIONS = [(loss, "lbfgs") for loss in LOSSES]
CONFIGURATIONS += [(loss, solver) for loss in ("cross_entropy", "quadratic") for solver in SOLVERS if solver != "lbfgs"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        estimator(loss=loss, solver=solver, max_iter=100)
        for estimator in (SoftmaxRegressor, SigmoidRegressor)
        for loss, solver in CONFIGURATIONS
    ]
    + [
        SoftmaxRegressor("generalized_cross_entropy", calibrated=True),
        SoftmaxRegressor(ForwardCorrection(), max_iter=100),
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
