"""Centred and scaled columns: the same model and the same work whatever is added to columns or multiplies them."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from skxent import SigmoidRegressor, SoftmaxRegressor, SoftmaxRegressorCV
from skxent.linear_model._coordinates import standardize
from skxent.linear_model._outputs import Sigmoid, Softmax
from skxent.rows import Blocks, MemoryRows
from skxent.solvers import LBFGS, SampledHessian
from tests.helpers import objective_of

CONTAINERS = [np.asarray, csr_array]
DTYPES = [np.float32, np.float64]


def problem(rng, n_rows=300, n_features=4, n_outputs=3):
    X = rng.normal(size=(n_rows, n_features))
    logits = 2 * X @ rng.normal(size=(n_features, n_outputs)) + rng.gumbel(size=(n_rows, n_outputs))
    return X, logits.argmax(axis=1)


def coordinates_of(X, weight=None, *, alpha=0.0, fit_intercept=True):
    rows = MemoryRows(X, np.zeros(len(weight) if weight is not None else X.shape[0], int), weight, n_outputs=2)
    total = float(X.shape[0] if weight is None else weight.sum(dtype=float))
    return standardize(rows, total, alpha, fit_intercept)


# ------------------------------------------------------------------------------------------- means and scales


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("unit", [1e-25, 1.0, 1e25])
def test_means_of_many_deviations_cost_no_digits(dtype, unit, rng):
    """Also where squares leave the range of the type, and where the first rows are unlike the others."""
    noise = rng.normal(size=(20_000, 4))
    noise[:, 3] += 1e4 * (np.arange(20_000) > 2_000)
    X = ((noise + np.array([0, 9, 1e4, 0])) * unit).astype(dtype)
    expected = X.astype(np.float64) / unit
    coordinates = coordinates_of(X)
    np.testing.assert_allclose(coordinates.scale, expected.std(axis=0) * unit, rtol=1e-3)
    assert np.all(np.abs(coordinates.centre / unit - expected.mean(axis=0)) < 1e-2 * expected.std(axis=0))


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_rows", [50, 9_000])
def test_means_and_deviations_are_those_of_the_columns(container, dtype, weighted, n_rows, rng):
    X = (rng.normal(size=(n_rows, 40)) * np.logspace(-3, 3, 40) + np.linspace(-5, 5, 40)).astype(dtype)
    weight = rng.pareto(1, n_rows).astype(dtype) if weighted else None
    found = coordinates_of(container(X), weight)
    mean = np.average(X.astype(float), axis=0, weights=weight)
    deviation = np.sqrt(np.average((X.astype(float) - mean) ** 2, axis=0, weights=weight))
    np.testing.assert_allclose(found.centre, mean, rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-4)
    np.testing.assert_allclose(found.scale, deviation, rtol=1e-3 if dtype == np.float32 else 1e-6)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("dtype", "scale"), [(np.float32, 1e30), (np.float32, 1e-30), (np.float64, 1e300), (np.float64, 1e-300)]
)
def test_squares_out_of_range_are_no_trouble(container, dtype, scale, rng):
    X = np.c_[scale * rng.normal(size=200), rng.normal(size=200), np.zeros(200)].astype(dtype)
    with np.errstate(all="raise", under="ignore"):
        found = coordinates_of(container(X))
    np.testing.assert_allclose(found.scale[:2], [scale * (X[:, 0] / dtype(scale)).std(), X[:, 1].std()], rtol=1e-4)
    assert found.scale[2] == np.inf


def looked_at(X):
    rows = MemoryRows(X, np.zeros(len(X), int), n_outputs=2)
    assert rows.surely_finite()
    return rows


@pytest.mark.parametrize("mean", [0, 3, 1e4])
def test_squares_that_are_known_say_how_far_columns_deviate(mean, rng):
    X = (rng.normal(size=(50_000, 3)) * [1e-3, 1, 1e3]).astype(np.float32)
    X[:, 1] += np.float32(mean)
    rows = looked_at(X)
    passes = counted(rows)
    found = standardize(rows, len(X), 0.0, True)
    np.testing.assert_allclose(found.scale, X.std(axis=0, dtype=np.float64), rtol=1e-4)
    assert (len(passes) == 0) == (mean < 10)


def counted(rows):
    """Return a list that grows with each sum over the rows."""
    passes, add_up = [], rows.sum
    rows.sum = lambda function: passes.append(1) or add_up(function)
    return passes


def test_many_rows_are_scaled_by_some_of_them(rng):
    X = (rng.normal(size=(160_000, 3)) * [1e-6, 1, 1e6] + [1, 0, -1e7]).astype(np.float64)
    found = standardize(looked_at(X), len(X), 0.0, True)
    np.testing.assert_allclose(found.centre, X.mean(axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.scale, X.std(axis=0), rtol=0.03)
    assert (found.scale != X.std(axis=0)).all()


@pytest.mark.parametrize("odd", ["huge", "constant but for some", "constant"])
def test_where_some_rows_say_little_all_of_them_count(odd, rng):
    X = rng.normal(size=(160_000, 2))
    X[:, 1] = {
        "huge": np.where(np.arange(160_000) == 77_777, 1e9, X[:, 1]),
        "constant but for some": np.arange(160_000) == 4_321,
        "constant": 0.1,
    }[odd]
    found = standardize(looked_at(X), len(X), 0.0, True)
    np.testing.assert_allclose(found.scale, [X[:, 0].std(), np.inf if odd == "constant" else X[:, 1].std()], rtol=1e-6)


def test_the_penalty_is_part_of_the_scale(rng):
    X = rng.normal(size=(100, 2))
    found = coordinates_of(X, alpha=0.25)
    np.testing.assert_allclose(found.scale, np.sqrt(X.var(axis=0) + 0.25))
    np.testing.assert_allclose(found.penalty, 0.25 / (X.var(axis=0) + 0.25))
    np.testing.assert_allclose(found.variances + found.penalty, 1)


def test_without_an_intercept_columns_are_scaled_but_not_centred(rng):
    X = rng.normal(size=(100, 2)) + 3
    found = coordinates_of(X, fit_intercept=False)
    np.testing.assert_array_equal(found.centre, 0)
    np.testing.assert_allclose(found.scale, np.sqrt((X**2).mean(axis=0)))


@pytest.mark.parametrize("value", [0.0, 1e6, 0.1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_column_gets_no_weight(value, dtype, rng):
    X, y = problem(rng)
    X = np.c_[X, np.full(len(X), value)].astype(dtype)
    assert not SoftmaxRegressor().fit(X, y).coef_[:, -1].any()


# --------------------------------------------------------------------------------------------- the same objective


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("output", [Softmax(), Sigmoid()])
@pytest.mark.parametrize("n_outputs", [2, 3])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("offset", [0, 1e3])
def test_value_and_gradient_are_those_of_the_columns_as_given(container, output, n_outputs, fit_intercept, offset, rng):
    X, y = problem(rng, n_outputs=n_outputs)
    X = X * [1e-3, 1, 1e3, 1] + offset
    given = objective_of(container(X), y, output=output, n_outputs=n_outputs, alpha=0.1, fit_intercept=fit_intercept)
    changed = given.standardized()
    w = rng.normal(size=(5, n_outputs))
    w[-1] *= fit_intercept
    value, gradient = changed(w)
    assert value == pytest.approx(given.value(changed.to_given(w)), rel=1e-10)
    np.testing.assert_allclose(changed.from_given(changed.to_given(w)), w, rtol=1e-6, atol=1e-6)
    step = 1e-5
    for index in np.ndindex(w.shape):
        up, down = w.copy(), w.copy()
        up[index] += step
        down[index] -= step
        slope = (changed.value(up) - changed.value(down)) / (2 * step)
        expected = slope if fit_intercept or index[0] < 4 else 0
        assert gradient[index] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("container", CONTAINERS)
def test_single_precision_is_centred_before_it_is_multiplied(container, rng):
    X, y = problem(rng)
    single = (X + 1e4).astype(np.float32)
    objective = objective_of(container(single), y, alpha=0.1).standardized()
    w = rng.normal(size=(5, 3)).astype(np.float32)
    value, gradient = objective(w)
    expected, expected_gradient = objective.precise()(w)
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, atol=2e-5)
    given = objective_of(single.astype(float), y, alpha=0.1)
    assert expected == pytest.approx(given.value(objective.coordinates.original(w)), rel=1e-6)


def test_hessian_products_are_differences_of_gradients(rng):
    X, y = problem(rng)
    objective = objective_of(X, y, alpha=0.1, sample_weight=rng.random(len(X))).standardized()
    w, direction = rng.normal(size=(2, 5, 3))
    product, logit_change = objective.hessian_product(w, direction)
    step = 1e-5
    expected = (objective.gradient(w + step * direction) - objective.gradient(w - step * direction)) / (2 * step)
    np.testing.assert_allclose(product, expected, atol=1e-8)
    z = np.c_[(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))] @ direction
    assert logit_change == pytest.approx(np.abs(z).max(), rel=0.2)


# ----------------------------------------------------------------------------------------------- whole fits


@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("dtype", "offset", "scale"),
    [(float, 1e6, 1.0), (float, 0.0, 1e9), (float, 1.7e12, 1e7), (float, 0.0, 1e-9), (np.float32, 1e3, 1.0)],
)
def test_shifts_and_scales_change_neither_model_nor_work(estimator, container, dtype, offset, scale, rng):
    """Without a penalty, which stays on the coefficients as they are for the columns as given."""
    X, y = problem(rng)
    moved = (X * scale + offset).astype(dtype)
    plain = estimator(alpha=0).fit((moved.astype(float) - offset) / scale, y)
    model = estimator(alpha=0).fit(container(moved), y)
    assert abs(model.n_iter_ - plain.n_iter_) <= 3
    assert model.loss_curve_[-1] == pytest.approx(plain.loss_curve_[-1], rel=1e-5)
    np.testing.assert_allclose(model.coef_ * scale, plain.coef_, rtol=2e-2, atol=2e-2)
    expected = plain.predict_proba((moved.astype(float) - offset) / scale)
    np.testing.assert_allclose(model.predict_proba(container(moved)), expected, atol=2e-2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_of_any_unit_are_the_same(dtype, rng):
    X, y = problem(rng)
    weight = rng.random(len(X))
    fits = [SoftmaxRegressor().fit(X.astype(dtype), y, unit * weight) for unit in (1, 1e30)]
    np.testing.assert_allclose(fits[0].coef_, fits[1].coef_, rtol=1e-3)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_a_model_that_single_precision_cannot_hold_is_named(make, rng):
    """The intercept takes back what the means add to the logits, and has seven digits."""
    X, _ = problem(rng)
    column = (X[:, 0] * 8 + 1.5e7).astype(np.float32)
    with pytest.warns(ConvergenceWarning, match="float32 cannot hold this model.*Pass float64"):
        SoftmaxRegressor(alpha=0).fit(make(column[:, None]), (X[:, 0] > 0).astype(int) ^ (rng.random(len(X)) < 0.1))


@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
@pytest.mark.parametrize("unit", [1e-9, 1e-10])
def test_rounding_in_double_precision_is_not_blamed_on_the_loss_or_on_float32(estimator, unit):
    """A column that is another one in small units beside a large mean: the difference of the two is rounding alone."""
    texts = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(500, 5))
        y = X[:, 0] + X[:, 1] + rng.logistic(size=len(X)) > 0
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator(alpha=0).fit(np.c_[X, 1 + unit * X[:, 0]], y)
        texts += [str(warning.message) for warning in caught]
    assert texts
    assert not [text for text in texts if "check_loss" in text or "float32" in text or "pass float64" in text]
    assert unit == 1e-9 or any("float64 cannot hold this model" in text for text in texts)


@pytest.mark.parametrize("coretype", ["", "Haswell"])
def test_rounding_that_seems_to_gain_is_named_as_well(coretype):
    """Means a million times the deviations: products are rounded differently in a fit and for a few rows.

    Another kernel is another order of the sums; the draws are so many that in some of them luck hides the loss.
    """
    program = """if True:
        import warnings
        import numpy as np
        from sklearn.metrics import log_loss
        from skxent import SoftmaxRegressor
        silent = []
        for seed in range(40):
            r = np.random.default_rng(seed)
            Z = r.normal(size=(300, 5))
            y = (Z @ r.normal(size=(5, 2)) + r.gumbel(size=(300, 2))).argmax(axis=1)
            X = (Z * 1e-3 + 1e3).astype(np.float32)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model = SoftmaxRegressor(alpha=0).fit(X, y)
            X_precise = X.astype(float) - X.astype(float).mean(axis=0)
            best = SoftmaxRegressor(alpha=0).fit(X_precise, y).loss_curve_[-1]
            found = log_loss(y, model.predict_proba(X))
            if not caught and found > best * (1 + 1e-3):
                silent.append((seed, found / best - 1))
        print(silent)
    """
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | ({"OPENBLAS_CORETYPE": coretype} if coretype else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]", found.stdout


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_centred_before_they_are_rounded(n_classes, rng):
    """Intercepts that are large in single precision would lose more digits if their mean were taken off afterwards."""
    X = (rng.standard_normal((300, 4)) + 1e4).astype(np.float32)
    y = rng.integers(0, n_classes, 300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        single = SoftmaxRegressor(alpha=1e-3).fit(X, y)
    double = SoftmaxRegressor(alpha=1e-3).fit(X.astype(np.float64), y)
    largest = np.abs(single.intercept_).max()
    assert largest > 100
    assert abs(single.intercept_.astype(np.float64).mean()) <= n_classes * np.finfo(np.float32).eps * largest
    np.testing.assert_allclose(single.predict_proba(X), double.predict_proba(X), atol=2e-3)


@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("mean", [3e4, 1e6])
@pytest.mark.parametrize("alpha", [0, 1e-8])
def test_one_date_in_several_units(estimator, container, mean, alpha):
    """Rounding of the large means is no way down, so that neither the fit nor the loss is to blame."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, y = problem(rng, n_rows=2_000, n_outputs=2)
        date = X[:, :1] + mean
        several = np.hstack([X, date, 1_000 * date + 5, (date - 32) / 1.8])
        plain, model = estimator(alpha=alpha).fit(X, y), estimator(alpha=alpha).fit(container(several), y)
        assert model.loss_curve_[-1] == pytest.approx(plain.loss_curve_[-1], rel=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sparse_data_are_only_read(dtype, rng):
    """Entries in any order within a row, as text has them, stay in it."""
    X = sp.random_array((400, 30), density=0.2, format="csr", dtype=dtype, rng=rng)
    X.data, X.indices = X.data[::-1].copy(), X.indices[::-1].copy()
    X = csr_array((X.data, X.indices, X.indptr), shape=X.shape)
    before = X.indices.copy()
    for values in (X.data, X.indices, X.indptr):
        values.flags.writeable = False
    SoftmaxRegressor(max_iter=100).fit(X, rng.integers(3, size=400))
    np.testing.assert_array_equal(X.indices, before)


def test_first_step_on_rare_words_is_as_long_as_is_best(rng):
    """Each row has a dozen words that are too rare to be in blocks, each of which would explain the row alone."""
    n_rows, n_words, in_a_row = 3_000, 6_000, 12
    y = rng.integers(3, size=n_rows)
    words = 3 * rng.integers(n_words // 3, size=(n_rows, in_a_row)) + y[:, np.newaxis]
    X = csr_array((np.ones(words.size), words.ravel(), in_a_row * np.arange(n_rows + 1)), shape=(n_rows, n_words))
    fits = []
    for first_rows in (None, 300):
        solver = LBFGS(first_rows=first_rows, preconditioner=SampledHessian(max_columns=10, min_memory=0))
        fits.append(SoftmaxRegressor(alpha=1e-4, solver=solver, max_iter=1, tol=0).fit(X, y).loss_curve_[-1])
    assert fits[1] < 0.5 * fits[0]


def test_a_sparse_column_is_constant_if_its_entries_are_equal(rng):
    """Its mean square less the square of its mean is rounding, which would count as a small deviation."""
    X = np.c_[np.full(582, 0.01598963120228381), rng.normal(size=582), 1e3 + 1e-4 * rng.normal(size=582)]
    scale = coordinates_of(csr_array(X)).scale
    assert scale[0] == np.inf
    np.testing.assert_allclose(scale[1:], X[:, 1:].std(axis=0), rtol=1e-6)


# ------------------------------------------------------------------------------------- edges of the number range

ESTIMATORS = [SoftmaxRegressor, SigmoidRegressor]


def with_first_column_times(rng, exponent, dtype, n_rows=200):
    """Return two columns, the first of which tells the class, before and after it is multiplied by 10**exponent."""
    X = rng.normal(size=(n_rows, 2)).clip(-1.7, 1.7).astype(dtype)
    y = (X[:, 0] + 0.5 * rng.normal(size=n_rows) > 0).astype(int)
    huge = X.astype(np.longdouble)
    huge[:, 0] *= np.longdouble(10) ** exponent
    return X, huge.astype(dtype), y


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("dtype", "exponent"),
    [(np.float64, 305), (np.float64, -304), (np.float32, 37), (np.float32, 38), (np.float32, -34)],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_columns_near_the_end_of_the_range_make_the_same_model(container, estimator, dtype, exponent, weighted, rng):
    X, huge, y = with_first_column_times(rng, exponent, dtype)
    how = {"sample_weight": rng.exponential(size=200)} if weighted else {}
    expected = estimator(alpha=0).fit(X, y, **how).predict_proba(X)
    found = estimator(alpha=0).fit(container(huge), y, **how).predict_proba(container(huge))
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("n_rows", [100, 20_000])
def test_single_precision_holds_columns_of_its_largest_numbers(container, n_rows, rng):
    flag = rng.random(n_rows) < 0.2
    X = np.c_[np.where(flag, -1, 1) * 3.4e38, rng.normal(size=n_rows)].astype(np.float32)
    y = flag ^ (rng.random(n_rows) < 0.2)
    found = SoftmaxRegressor(alpha=0).fit(container(X), y).predict_proba(container(X))
    np.testing.assert_allclose(found[flag].mean(axis=0), [1 - y[flag].mean(), y[flag].mean()], atol=1e-4)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("n_rows", [200, 20_000])
@pytest.mark.parametrize("estimator", [*ESTIMATORS, SoftmaxRegressorCV])
def test_columns_whose_sums_leave_the_range_are_named(container, n_rows, estimator, rng):
    _, huge, y = with_first_column_times(rng, 307, np.float64, n_rows)
    with pytest.raises(ValueError, match=r"column 1 of X \(counted from 0\) is so large.*divide it by a constant"):
        estimator().fit(container(huge[:, ::-1]), y)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("dtype", "exponent"), [(np.float64, -307), (np.float64, -320), (np.float32, -37), (np.float32, -44)]
)
@pytest.mark.parametrize("n_rows", [200, 20_000])
def test_columns_too_small_for_a_coefficient_are_named(container, estimator, dtype, exponent, n_rows, rng):
    _, tiny, y = with_first_column_times(rng, exponent, dtype, n_rows)
    with pytest.warns(UserWarning, match=r"column 0 of X \(counted from 0\) varies so little.*Multiply it") as caught:
        model = estimator(alpha=0).fit(container(tiny), y)
    assert len(caught) == 1
    np.testing.assert_array_equal(model.coef_[:, 0], 0)
    tiny[:, 0] = 0
    np.testing.assert_allclose(model.coef_, estimator(alpha=0).fit(container(tiny), y).coef_, atol=1e-3)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("dtype", "exponent"), [(np.float64, 200), (np.float64, -200), (np.float32, 30), (np.float32, -30)]
)
@pytest.mark.parametrize("alphas", [4, [0.0, 1e-3]])
def test_penalties_may_leave_the_range_of_a_column(container, dtype, exponent, alphas, rng):
    _, odd, y = with_first_column_times(rng, exponent, dtype)
    model = SoftmaxRegressorCV(alphas=alphas).fit(container(odd), y)
    learns = exponent > 0 or alphas != 4  # the penalties tried are those for columns of this size
    assert (model.score(container(odd), y) > 0.7) == learns
    assert np.isfinite(model.coef_).all()


def in_blocks(X, y):
    return Blocks(lambda i: (X[100 * i : 100 * (i + 1)], y[100 * i : 100 * (i + 1)]), [100] * (len(y) // 100)), None


def on_workers(X, y):
    array = pytest.importorskip("dask.array")
    return array.from_array(X, chunks=(100, -1)), array.from_array(y, chunks=100)


@pytest.mark.parametrize("elsewhere", [in_blocks, on_workers])
def test_edges_of_the_range_are_the_same_in_blocks(elsewhere, rng):
    _, tiny, y = with_first_column_times(rng, -320, np.float64)
    with pytest.warns(UserWarning, match=r"column 0 of X .* varies so little"):
        SoftmaxRegressor(alpha=0).fit(*elsewhere(tiny, y))
    _, huge, y = with_first_column_times(rng, 307, np.float64)
    with pytest.raises(ValueError, match=r"column 0 of X .* is so large"):
        SoftmaxRegressor().fit(*elsewhere(huge, y))
    _, large, y = with_first_column_times(rng, 38, np.float32)
    assert SoftmaxRegressor(alpha=0).fit(*elsewhere(large, y)).score(large, y) > 0.7
