"""Shuffled tables are drawn from the hypergeometric distribution, however they are made."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_hypergeom

from skxent.feature_selection._shuffling import _draw_labels, _values, _values_of_two


@pytest.mark.parametrize("many", [(3, 4, 5), (20, 30, 50), (100, 400, 9_500), (10**5, 9 * 10**5)])
@pytest.mark.parametrize("n_drawn", [2, 12])
def test_draws_have_the_moments_of_drawing_without_putting_back(many, n_drawn):
    n_shuffles = 20_000
    labels = _draw_labels(many, n_drawn, n_shuffles)
    assert labels.shape == (n_shuffles, n_drawn)
    counts = np.stack([np.sum(labels == group, axis=1) for group in range(len(many))], axis=1)
    expected = multivariate_hypergeom(many, n_drawn)
    spread = np.sqrt(np.diag(expected.cov()))
    assert_allclose(counts.mean(axis=0), expected.mean(), atol=5 * spread.max() / np.sqrt(n_shuffles) + 1e-12)
    assert_allclose(np.cov(counts.T, bias=True), expected.cov(), atol=0.05 * spread.max() ** 2 + 1e-12)
    of_first = np.mean(labels[:, 0] == len(many) - 1)  # a draw is in no order
    share = many[-1] / sum(many)
    assert abs(of_first - share) < 5 * np.sqrt(share * (1 - share) / n_shuffles)


@pytest.mark.parametrize(
    ("few", "many"), [((5, 995), (100, 400, 500)), ((60, 440), (40, 60, 100, 300)), ((3, 3), (2, 2, 2))]
)
def test_two_groups_have_the_values_of_any_number(few, many):
    assert_allclose(_values_of_two(few, many, 500), _values(few, many, 500), rtol=1e-12, atol=1e-10)
