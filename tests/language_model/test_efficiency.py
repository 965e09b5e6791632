"""Rényi entropy and efficiency: by hand, against SciPy, and at the ends of the range."""

import math

import numpy as np
import pytest
from scipy.stats import entropy

from skxent.language_model import count_text, renyi_efficiency, renyi_entropy


@pytest.mark.parametrize(("order", "bits"), [(0, math.log2(3)), (1, 1.5), (2, -math.log2(0.375)), (math.inf, 1.0)])
def test_by_hand(order, bits):
    assert renyi_entropy([2, 1, 1, 0], order) == pytest.approx(bits, rel=1e-12)
    assert renyi_entropy([2, 1, 1, 0], order, base=math.e) == pytest.approx(bits * math.log(2), rel=1e-12)


def test_order_one_is_the_limit_and_shannons():
    counts = np.random.default_rng(0).integers(1, 1000, 50)
    assert renyi_entropy(counts, 1) == pytest.approx(entropy(counts, base=2), rel=1e-12)
    assert renyi_entropy(counts, 1 + 1e-7) == pytest.approx(entropy(counts, base=2), rel=1e-5)
    assert renyi_entropy(counts, 500) == pytest.approx(renyi_entropy(counts, math.inf), rel=1e-2)


def test_entropy_falls_with_the_order():
    counts = [1000, 100, 10, 1]
    values = [renyi_entropy(counts, order) for order in (0, 0.5, 1, 2.5, 10, 700, 1e6, math.inf)]
    assert values == sorted(values, reverse=True)


def test_a_uniform_vocabulary_is_used_fully_at_every_order():
    for order in (0, 0.5, 1, 2.5, math.inf):
        assert renyi_efficiency([7] * 16, order) == pytest.approx(1.0, rel=1e-12)


def test_efficiency_is_that_of_the_definition():
    """Half of the tokens one type, the rest two types, of a vocabulary of 8."""
    by_hand = math.log2(0.5**2.5 + 2 * 0.25**2.5) / (1 - 2.5)
    counts = count_text(["a b a c"])
    assert renyi_efficiency(counts) == pytest.approx(by_hand / math.log2(3), rel=1e-12)
    assert renyi_efficiency(counts, vocabulary_size=8) == pytest.approx(by_hand / 3, rel=1e-12)


def test_one_type_has_no_efficiency():
    assert renyi_entropy([5]) == 0
    assert math.isnan(renyi_efficiency([5]))


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ([], {}, "at least one token"),
        ([0, 0], {}, "at least one token"),
        ([-1, 2], {}, "not negative"),
        ([math.nan, 1], {}, "not negative"),
        ([1], {"order": -1}, "order=-1"),
        ([1], {"order": math.nan}, "order=nan"),
        ([1, 2, 3], {"vocabulary_size": 2}, "3 tokens occur"),
    ],
)
def test_what_has_no_efficiency(counts, options, message):
    with pytest.raises(ValueError, match=message):
        renyi_efficiency(counts, **options)
