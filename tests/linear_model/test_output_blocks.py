"""Exact blocks of the outputs' Hessian: against differences of the gradient, and how small a curvature they keep."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from skxent.linear_model._output_blocks import OutputBlocks, added, block_products
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
    blocks = OutputBlocks(objective, w)
    n = len(w) - (not fit_intercept)
    for output_index in range(3):
        block = np.zeros((n, n))
        for column in range(n):
            step = np.zeros_like(w)
            step[column, output_index] = 1
            block[:, column] = objective.hessian_product(w, step)[0][:n, output_index]
        np.testing.assert_allclose(blocks.inverses[output_index, :n, :n] @ block, np.eye(n), atol=1e-6)


@pytest.mark.parametrize("output", [Softmax(), Sigmoid()])
def test_a_product_is_that_of_each_output_with_its_block(output, problem, rng):
    """But for a part that is the same for all outputs of a softmax, which changes nothing."""
    X, y, w = problem
    blocks = OutputBlocks(objective_of(X, y, output=output, alpha=0.01).standardized(), w)
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
        assert OutputBlocks(objective, w).inverses[0, 0, 0] * product[0, 0] == pytest.approx(1, rel=1e-4)


def test_no_curvature_at_all_leaves_the_inverse_finite():
    objective = objective_of(np.zeros((4, 2)), np.array([0, 1, 0, 1]), n_outputs=2).standardized()
    blocks = OutputBlocks(objective, np.zeros((3, 2)))
    assert np.isfinite(blocks.inverses).all()
    assert (np.linalg.eigvalsh(blocks.inverses) > 0).all()


def test_a_sum_of_inverses_is_the_sum_of_their_products():
    assert added(np.negative, lambda vector: 3 * vector)(np.arange(3)).tolist() == [0, 2, 4]


def test_blocks_cost_more_for_more_columns():
    costs = [block_products(1_000, n, 10) for n in (3, 30, 300, 3_000)]
    assert costs == sorted(costs)
    assert costs[0] < 0.1
    assert costs[-1] > 1_000
