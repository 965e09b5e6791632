"""scikit-learn's own checks, for every configuration, without a single expected failure."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.losses import ForwardCorrection

# Two losses with every output and solver; other losses differ in what test_losses.py and test_solvers.py check.
BOTH_LOSSES = ("cross_entropy", "quadratic")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        *(
            estimator(loss=loss, solver=solver)
            for estimator in (SoftmaxRegressor, SigmoidRegressor)
            for loss in BOTH_LOSSES
            for solver in ("lbfgs", "sgd")
        ),
        SoftmaxRegressor("generalized_cross_entropy", calibrated=True),
        SoftmaxRegressor(ForwardCorrection()),
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
