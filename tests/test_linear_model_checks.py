"""scikit-learn's own checks, for every configuration."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.losses import Loss

SGD_WEIGHTS = dict.fromkeys(
    ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"),
    "mini-batches are drawn from other rows when rows are repeated or left out",
)


def expected_failures(estimator):
    return SGD_WEIGHTS if estimator.solver == "sgd" else {}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        estimator(loss=loss, solver=solver)
        for estimator in (SoftmaxRegressor, SigmoidRegressor)
        for loss in sorted(Loss.registry)
        for solver in ("lbfgs", "sgd")
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
