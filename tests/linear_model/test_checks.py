"""scikit-learn's own checks, for every configuration, without a single expected failure."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.losses import LOSSES


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        estimator(loss=loss, solver=solver)
        for estimator in (SoftmaxRegressor, SigmoidRegressor)
        for loss in LOSSES
        for solver in ("lbfgs", "sgd")
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
