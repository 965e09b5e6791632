"""scikit-learn's own checks, for every loss and for every solver.

Losses and solvers know nothing of each other, so that each loss is checked with one solver, and each solver with two
losses. Losses know nothing of the arrays that hold the data, and nothing of parameters and attributes either, so that
most of them do without the checks of these.
"""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.losses import LOSSES, ForwardCorrection
from skxent.solvers import SOLVERS

WITH_ALL_CHECKS = ("cross_entropy", "quadratic")
CONFIGURATIONS = [(loss, "lbfgs") for loss in LOSSES]
CONFIGURATIONS += [(loss, solver) for loss in WITH_ALL_CHECKS for solver in SOLVERS if solver != "lbfgs"]
ESTIMATORS = [
    *(
        estimator(loss=loss, solver=solver, max_iter=100 if solver == "lbfgs" else 30)
        for estimator in (SoftmaxRegressor, SigmoidRegressor)
        for loss, solver in CONFIGURATIONS
    ),
    SoftmaxRegressor("generalized_cross_entropy", calibrated=True),
    SoftmaxRegressor(ForwardCorrection(), max_iter=20),
]
# Checks of how data are given and what is refused, before a loss sees any number.
OF_CONTAINERS = {
    "check_classifier_data_not_an_array",
    "check_complex_data",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_empty_data_messages",
    "check_estimators_nan_inf",
    "check_f_contiguous_array_estimator",
    "check_fit1d",
    "check_fit2d_predict1d",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
    "check_sample_weights_list",
    "check_sample_weights_not_an_array",
    "check_sample_weights_pandas_series",
    "check_sample_weights_shape",
    "check_supervised_y_2d",
    "check_supervised_y_no_nan",
}
# Checks of parameters, attributes and copies, which are the same code for each loss with a name.
OF_THE_ESTIMATOR = {
    "check_dict_unchanged",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_dont_overwrite_parameters",
    "check_estimators_fit_returns_self",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_fit_check_is_fitted",
    "check_fit_score_takes_y",
    "check_get_params_invariance",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
}


def is_the_same_for_each_loss(check):
    name = check.func.__name__
    return name in OF_CONTAINERS | OF_THE_ESTIMATOR or check.keywords.get("readonly_memmap", False)


def checks():
    """Yield estimators with their checks; objects, such as ForwardCorrection(), look at rows themselves."""
    for estimator in ESTIMATORS:
        for _, check in estimator_checks_generator(estimator):
            named = isinstance(estimator.loss, str) and estimator.loss not in WITH_ALL_CHECKS
            if not (named and is_the_same_for_each_loss(check)):
                yield pytest.param(estimator, check, id=f"{estimator}-{check.func.__name__}")


def test_names_of_checks_are_known():
    known = {check.func.__name__ for estimator in ESTIMATORS for _, check in estimator_checks_generator(estimator)}
    assert known >= OF_CONTAINERS | OF_THE_ESTIMATOR


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn_check(estimator, check):
    check(estimator)
