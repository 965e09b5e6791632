"""Exact blocks of the outputs' Hessian: against differences of the gradient, and how small a curvature they keep."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from skxent.linear_model._output_blocks import BlocksByColumns, BlocksByRows, added, affordable_blocks
from skxent.linear_model._outputs import Sigmoid, Softmax
from tests.helpers import objective_of


@pytest.fixture
def problem(rng):
    X = rng.normal(size=(90, 4)) * [1, 10, 1e-3, 1] + [0, 5, 0, 0]
    return X, rng.integers(0, 3, 90), 0.2 + rng.random((5, 3))


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("output", [Softmax(), Sigmoid()])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_blocks_are_those_of_the_hessian(output, container, fit_intercept, problem, rng):
    X, y, w = problem
    weight = rng.random(len(y))
    objective = objective_of(
        container(X), y, weight, output=output, alpha=0.01, fit_intercept=fit_intercept
    ).standardized()
    w[-1] *= fit_intercept
    blocks = BlocksByColumns(objective, w)
    n = len(w) - (not fit_intercept)
    for output_index in range(3):
        block = np.zeros((n, n))
        for column in range(n):
            step = np.zeros_like(w)
            step[column, output_index] = 1
            block[:, column] = objective.hessian_product(w, step)[0][:n, output_index]
        np.testing.assert_allclose(blocks.inverses[output_index, :n, :n] @ block, np.eye(n), atol=1e-6)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("output", [Softmax(), Sigmoid()])
@pytest.mark.parametrize("alpha", [1e-2, 1e-5])
@pytest.mark.parametrize("n_rows", [5, 90, 600])
def test_rows_and_columns_make_the_same_blocks(n_rows, alpha, output, container, rng):
    """600 rows by 40 columns are read in several parts."""
    X = rng.normal(size=(n_rows, 40)) * 10.0 ** rng.uniform(-2, 2, 40) + 5
    objective = objective_of(
        container(X), rng.integers(0, 3, n_rows), rng.random(n_rows), output=output, alpha=alpha
    ).standardized()
    w, vector = rng.normal(size=(2, 41, 3))
    w /= 10  # each output has rows that curve, so that no block meets its floor
    by_rows, by_columns = (kind(objective, w)(vector) for kind in (BlocksByRows, BlocksByColumns))
    np.testing.assert_allclose(by_rows, by_columns, rtol=1e-5, atol=1e-5 * np.abs(by_columns).max())


def test_rows_keep_digits_where_the_penalty_is_far_below_the_curvature(rng):
    """The directions that the rows fix have inverses a millionth of the others: they must not drown in rounding."""
    X = rng.normal(size=(8, 30)) * np.repeat([1e3, 1.0], 15)
    objective = objective_of(X, rng.integers(0, 2, 8), n_outputs=2, output=Sigmoid(), alpha=1.0).standardized()
    w = 0.1 * rng.normal(size=(31, 2))
    blocks = BlocksByRows(objective, w)
    vector = rng.normal(size=w.shape)
    vector[-1] = 0
    back = objective.hessian_product(w, blocks(vector))[0]
    np.testing.assert_allclose(back, vector, atol=1e-2)  # a billionth is added to a curvature of a millionth


@pytest.mark.parametrize("kind", [BlocksByColumns, BlocksByRows])
@pytest.mark.parametrize("output", [Softmax(), Sigmoid()])
def test_a_product_is_symmetric_and_positive(output, kind, problem, rng):
    X, y, w = problem
    blocks = kind(objective_of(X, y, output=output, alpha=0.01).standardized(), w)
    one, other = rng.normal(size=(2, *w.shape))
    assert np.vdot(one, blocks(other)) == pytest.approx(np.vdot(other, blocks(one)), rel=1e-6)
    assert np.vdot(one, blocks(one)) > 0


@pytest.mark.parametrize("output", [Softmax(), Sigmoid()])
def test_a_product_is_that_of_each_output_with_its_block(output, problem, rng):
    """But for a part that is the same for all outputs of a softmax, which changes nothing."""
    X, y, w = problem
    blocks = BlocksByColumns(objective_of(X, y, output=output, alpha=0.01).standardized(), w)
    vector = rng.normal(size=w.shape).astype(np.float32)
    given = vector - vector.mean(axis=1, keepdims=True) * output.shift_invariant
    expected = np.column_stack([blocks.inverses[k] @ given[:, k] for k in range(3)])
    expected -= expected.mean(axis=1, keepdims=True) * output.shift_invariant
    product = blocks(vector)
    assert product.dtype == np.float32
    np.testing.assert_allclose(product, expected, rtol=1e-4, atol=1e-4)


def test_small_curvature_is_kept():
    """A class whose rows are told from all others has little curvature along its own direction, and no floor is put."""
    X = np.array([[1.0], [1.1], [-1.0], [-1.1]] * 5)
    objective = objective_of(X, np.array([0, 0, 1, 1] * 5), n_outputs=2).standardized()
    for scale in (1, 5, 10):
        w = np.array([[scale, -scale], [0.0, 0.0]])
        product = objective.hessian_product(w, np.array([[1.0, 0.0], [0.0, 0.0]]))[0]
        assert BlocksByColumns(objective, w).inverses[0, 0, 0] * product[0, 0] == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("kind", [BlocksByColumns, BlocksByRows])
def test_no_curvature_at_all_leaves_the_inverse_finite(kind, rng):
    objective = objective_of(np.zeros((4, 2)), np.array([0, 1, 0, 1]), n_outputs=2).standardized()
    blocks = kind(objective, np.zeros((3, 2)))
    for vector in rng.normal(size=(5, 3, 2)):
        product = blocks(vector)
        assert np.isfinite(product).all()
        assert np.vdot(vector, product) > 0


def test_a_sum_of_inverses_is_the_sum_of_their_products():
    assert added(np.negative, lambda vector: 3 * vector)(np.arange(3)).tolist() == [0, 2, 4]


@pytest.mark.parametrize(("n_rows", "n_columns", "kind"), [(500, 5, BlocksByColumns), (20, 300, BlocksByRows)])
def test_the_smaller_side_makes_the_blocks(n_rows, n_columns, kind, rng):
    objective = objective_of(rng.normal(size=(n_rows, n_columns)), rng.integers(0, 3, n_rows)).standardized()
    w = np.zeros((n_columns + 1, 3))
    assert isinstance(affordable_blocks(objective, w, 3, 1e8), kind)
    assert affordable_blocks(objective, w, 0, 1e8) is None
    assert affordable_blocks(objective, w, 3, 0) is None


def test_blocks_by_columns_cost_more_for_more_columns():
    costs = [BlocksByColumns.n_products(1_000, n, 10) for n in (3, 30, 300, 3_000)]
    assert costs == sorted(costs)
    assert costs[0] < 0.1
    assert costs[-1] > 1_000


def test_blocks_by_rows_cost_more_for_more_rows():
    costs = [BlocksByRows.n_products(n, 1_000, 10) for n in (3, 30, 300, 3_000)]
    assert costs == sorted(costs)
    assert costs[0] < 0.2
    assert costs[-1] > 1_000
