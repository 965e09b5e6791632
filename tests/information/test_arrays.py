"""Information measures of arrays of probabilities."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

from skxent.information import (
    conditional_entropy,
    cross_entropy,
    entropy,
    jensen_shannon,
    kl_divergence,
    mutual_information,
    perplexity,
)

MEASURES_OF_TWO = [cross_entropy, kl_divergence, jensen_shannon, perplexity]
LN2 = np.log(2)


def weights(shape):
    """Weights, exact zeros among them, that can be normalized."""
    positive = hnp.arrays(float, shape, elements=st.floats(1e-6, 1) | st.just(0.0))
    return positive.filter(lambda w: np.all(w.sum(axis=-1) > 0))


def probabilities(shape=5):
    return weights(shape).map(lambda w: w / w.sum(axis=-1, keepdims=True))


def dirichlet(*shape, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), size=shape[:-1])


# --- known values


@pytest.mark.parametrize("n", [1, 2, 10, 1000])
def test_uniform_entropy_is_log_n(n):
    assert_allclose(entropy(np.full(n, 1 / n)), np.log(n), atol=1e-14)
    assert_allclose(perplexity(np.full(n, 1 / n)), n)


def test_certainty_has_no_entropy_and_it_is_not_minus_zero():
    h = entropy([0.0, 1.0, 0.0])
    assert h == 0
    assert not np.signbit(h)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [(cross_entropy, 2.0), (kl_divergence, 0.25), (perplexity, 4.0)],
)
def test_code_for_the_wrong_distribution(measure, expected):
    options = {} if measure is perplexity else {"base": 2}
    assert_allclose(measure([1 / 2, 1 / 4, 1 / 8, 1 / 8], [1 / 4] * 4, **options), expected)


def test_impossible_beliefs_are_infinite_and_impossible_truths_free():
    p, q = [[0.5, 0.5], [1.0, 0.0]], [1.0, 0.0]
    assert_array_equal(cross_entropy(p, q), [np.inf, 0])
    assert_array_equal(kl_divergence(p, q), [np.inf, 0])
    assert_array_equal(perplexity(p, q), [np.inf, 1])
    assert_array_equal(jensen_shannon(np.eye(2), np.eye(2)[::-1]), [LN2, LN2])


# --- an oracle, and a loop


def test_against_scipy_where_rows_sum_to_one():
    p, q = dirichlet(50, 7), dirichlet(50, 7, seed=1)
    assert_allclose(entropy(p), stats.entropy(p, axis=1), rtol=1e-12)
    assert_allclose(kl_divergence(p, q, base=2), stats.entropy(p, q, axis=1, base=2), rtol=1e-12)
    assert_allclose(jensen_shannon(p, q), jensenshannon(p, q, axis=1) ** 2, rtol=1e-10)
    assert_allclose(cross_entropy(p, q), -special.xlogy(p, q).sum(axis=1), rtol=1e-12)


def test_axis_and_broadcasting_against_a_loop():
    p, q = dirichlet(3, 4, 5), dirichlet(4, 5, seed=1)
    expected = [[cross_entropy(p[i, j], q[j]) for j in range(4)] for i in range(3)]
    assert_allclose(cross_entropy(p, q), expected)
    assert_allclose(cross_entropy(np.moveaxis(p, 2, 0), q.T, axis=0), expected)
    assert_allclose(cross_entropy(p, q[0]), [[cross_entropy(row, q[0]) for row in rows] for rows in p])
    assert kl_divergence(q[0], p).shape == (3, 4)


def test_outcomes_of_the_first_axis_broadcast_by_their_other_dimensions():
    p, q = dirichlet(4), dirichlet(3, 4, seed=1)
    assert_allclose(cross_entropy(p, q.T, axis=0), cross_entropy(p, q))


def test_no_rows_give_no_values():
    assert entropy(np.zeros((0, 3))).shape == (0,)


# --- properties


@given(probabilities(), probabilities())
def test_gibbs_inequality_and_chain(p, q):
    assert cross_entropy(p, q) >= entropy(p) - 1e-12
    assert kl_divergence(p, q) >= 0
    assert_allclose(cross_entropy(p, q), entropy(p) + kl_divergence(p, q), rtol=1e-12, atol=1e-12)


@given(probabilities(), probabilities())
def test_jensen_shannon_is_symmetric_bounded_and_a_mean_of_divergences(p, q):
    js = jensen_shannon(p, q)
    assert js == jensen_shannon(q, p)
    assert 0 <= js <= LN2
    m = (p + q) / 2
    assert_allclose(js, (kl_divergence(p, m) + kl_divergence(q, m)) / 2, atol=1e-14)


@given(probabilities())
def test_a_distribution_does_not_differ_from_itself(p):
    assert kl_divergence(p, p) == 0
    assert jensen_shannon(p, p) == 0
    assert cross_entropy(p, p) == entropy(p)
    assert perplexity(p, p) == perplexity(p)


@given(probabilities(), probabilities(), st.sampled_from([2, 10, 1.5]))
def test_base_divides_by_its_logarithm(p, q, base):
    assert_allclose(entropy(p, base=base), entropy(p) / np.log(base))
    for measure in (cross_entropy, kl_divergence, jensen_shannon):
        assert_allclose(measure(p, q, base=base), measure(p, q) / np.log(base))


@given(probabilities(), probabilities(), st.permutations(range(5)))
def test_names_of_outcomes_do_not_matter(p, q, order):
    assert_allclose(entropy(p[order]), entropy(p), atol=1e-14)
    for measure in MEASURES_OF_TWO:
        assert_allclose(measure(p[order], q[order]), measure(p, q), rtol=1e-12, atol=1e-14)


@given(weights((3, 4)), weights((3, 4)))
def test_normalize_is_division_by_the_sum(v, w):
    p, q = v / v.sum(axis=1, keepdims=True), w / w.sum(axis=1, keepdims=True)
    for measure in MEASURES_OF_TWO:
        assert_allclose(measure(7 * v, 3 * w, normalize=True), measure(p, q), rtol=1e-10, atol=1e-13)


@given(probabilities((2, 4)), probabilities((2, 4)))
def test_logarithms_in_place_of_probabilities(p, q):
    with np.errstate(divide="ignore"):
        log_p, log_q = np.log(p), np.log(q)
    assert_allclose(entropy(log_p=log_p), entropy(p), rtol=1e-12)
    assert_allclose(cross_entropy(p, log_q=log_q), cross_entropy(p, q), rtol=1e-12)
    assert_allclose(kl_divergence(log_p=log_p, log_q=log_q), kl_divergence(p, q), rtol=1e-10, atol=1e-13)
    assert_allclose(perplexity(p, log_q=log_q), perplexity(p, q), rtol=1e-12)
    assert_allclose(entropy(log_p=log_p + 800, normalize=True), entropy(p), rtol=1e-10, atol=1e-13)


# --- numbers at the edge


def test_log_q_keeps_what_would_underflow():
    log_q = special.log_softmax([0.0, -2000.0])
    assert cross_entropy([0.5, 0.5], log_q=log_q) == 1000
    assert cross_entropy([0.5, 0.5], np.exp(log_q)) == np.inf


def test_ratios_beyond_the_largest_number():
    assert_allclose(kl_divergence([0.5, 0.5], [1.0, 5e-324]), 0.5 * np.log(0.25) - 0.5 * np.log(5e-324))
    assert_allclose(jensen_shannon([5e-324, 1], [0, 1]), 0, atol=1e-300)


def test_float32_stays_and_integers_follow():
    p = dirichlet(4, 3).astype(np.float32)
    labels = np.eye(3, dtype=int)[[0, 1, 2, 0]]
    assert entropy(p).dtype == np.float32
    for measure in MEASURES_OF_TWO:
        assert measure(p, p[::-1]).dtype == np.float32
    assert cross_entropy(labels, p).dtype == np.float32
    assert cross_entropy(labels, p.astype(float)).dtype == np.float64
    assert entropy(labels).dtype == np.float64
    assert entropy(np.float16([0.5, 0.5])).dtype == np.float32
    assert_allclose(cross_entropy(labels, p), -np.log(p[np.arange(4), [0, 1, 2, 0]]), rtol=1e-6)


def test_inputs_are_left_alone():
    p = np.array([[2.0, 2.0], [1.0, 3.0]])
    p.flags.writeable = False
    entropy(p, normalize=True)
    assert_array_equal(p, [[2, 2], [1, 3]])


# --- bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: entropy([[0.5, 0.5], [0.5, 0.4]]), ValueError, r"p\[1, :\] .* sum to 0.9, not 1"),
        (lambda: entropy([[0.5, 0.4], [0.5, 0.5]], axis=0), ValueError, r"p\[:, 1\] .* sum to 0.9"),
        (lambda: cross_entropy([0.5, 0.5], [0.3, 0.3]), ValueError, r"q\[:\] .*normalize=True"),
        (lambda: cross_entropy([0.5, 0.5], log_q=[0.0, 0.0]), ValueError, r"log_q\[:\] .* sum to 2"),
        (lambda: entropy([[1, 0], [2, -1]]), ValueError, r"p\[1, 1\] is -1"),
        (lambda: entropy(np.array([[1, 0, 2], [0, 1, -1]]), axis=0), ValueError, r"p\[1, 2\] is -1"),
        (lambda: entropy([-1, 2], normalize=True), ValueError, r"p\[0\] is -1"),
        (lambda: entropy([0.5, np.nan]), ValueError, "sum to nan"),
        (lambda: entropy([1, np.inf], normalize=True), ValueError, "sum to inf"),
        (lambda: entropy([[1, 1], [0, 0]], normalize=True), ValueError, r"p\[1, :\] .* sum to 0"),
        (lambda: entropy(log_p=[-np.inf, -np.inf], normalize=True), ValueError, "sum to 0"),
        (lambda: entropy([]), ValueError, "sum to 0"),
        (lambda: entropy(0.5), ValueError, "single number"),
        (lambda: entropy(["a", "b"]), TypeError, "p must hold real numbers"),
        (lambda: entropy([0.5j, 0.5]), TypeError, "complex"),
        (lambda: entropy(), TypeError, "p or log_p"),
        (lambda: cross_entropy([1.0], [1.0], log_q=[0.0]), TypeError, "q or log_q"),
        (lambda: cross_entropy([0.5, 0.5], [1, 0, 0]), ValueError, r"p \(2,\) and q \(3,\)"),
        (lambda: cross_entropy(np.ones((3, 1)), np.ones((2, 1))), ValueError, "do not fit"),
        (lambda: cross_entropy([[1.0]], [0.5, 0.5]), ValueError, "do not fit"),
        (lambda: entropy([0.5, 0.5], axis=1), np.exceptions.AxisError, "axis 1"),
        (lambda: entropy([0.5, 0.5], base=1), ValueError, "base must be above 1"),
        (lambda: entropy([0.5, 0.5], base=-2), ValueError, "base must be above 1"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_import_needs_numpy_alone():
    code = "import sys, skxent.information; print({'scipy', 'sklearn', 'polars'} & {*sys.modules})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


# --- two outcomes


def test_mutual_information_is_a_divergence_and_a_difference_of_entropies():
    joint = dirichlet(5, 12).reshape(5, 3, 4)
    rows, columns = joint.sum(axis=2), joint.sum(axis=1)
    independent = (rows[:, :, None] * columns[:, None, :]).reshape(5, 12)
    information = mutual_information(joint)
    assert_allclose(information, kl_divergence(joint.reshape(5, 12), independent), rtol=1e-10)
    assert_allclose(conditional_entropy(joint), entropy(columns) - information, rtol=1e-12)
    assert_allclose(conditional_entropy(joint, axis=1, given=2), entropy(rows) - information, rtol=1e-12)
    assert_allclose(mutual_information(np.moveaxis(joint, 0, 1), axis=(0, 2)), information)
    assert_allclose(mutual_information(7 * joint, base=2, normalize=True), information / LN2)


def test_independent_and_determined_outcomes():
    p, q = dirichlet(4), dirichlet(3, seed=1)
    assert_allclose(mutual_information(np.outer(p, q)), 0, atol=1e-15)
    assert_allclose(mutual_information(np.diag(p)), entropy(p))
    assert conditional_entropy(np.diag(p)) == 0
    assert mutual_information(np.float32([[0.5, 0], [0, 0.5]])).dtype == np.float32


@pytest.mark.parametrize(
    ("joint", "message"),
    [
        ([[0.5, 0.2], [0.1, 0.1]], "sum to 0.9"),
        ([[0.5, 0.7], [-0.1, -0.1]], "joint holds -0.1"),
        (np.ma.masked_less([[0.5, 0.5], [0, 0]], 0.1), "joint is a masked array"),
    ],
)
def test_bad_joint_probabilities(joint, message):
    with pytest.raises(ValueError, match=message):
        mutual_information(joint)


def test_masked_probabilities_are_refused():
    with pytest.raises(ValueError, match="p is a masked array"):
        entropy(np.ma.masked_equal([0.5, 0.5, 0.0], 0.0))
    assert entropy(np.ma.array([0.5, 0.5]), base=2) == 1


def test_two_samples_are_told_where_to_go():
    x = np.random.default_rng(0).normal(size=(2, 50))
    with pytest.raises(ValueError, match="kl_divergence_from_samples"):
        kl_divergence(x[0], x[1])


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9, 1e-12, 1e-15])
def test_nothing_cancels_where_probabilities_are_close(step):
    """With p = (1 ± d) / 2 and q = 1 / 2 the divergence is d² / 2, and the others have their own series."""
    d = (0.5 + step) * 2 - 1
    p, q = [(1 + d) / 2, (1 - d) / 2], [0.5, 0.5]
    assert_allclose(kl_divergence(p, q), d**2 / 2 + d**4 / 12, rtol=1e-9)
    assert_allclose(kl_divergence(q, p), d**2 / 2 + d**4 / 4, rtol=1e-9)
    assert_allclose(jensen_shannon(p, q), d**2 / 8 + 7 * d**4 / 192, rtol=1e-9)
    joint = np.array([[1 + d, 1 - d], [1 - d, 1 + d]]) / 4
    assert_allclose(mutual_information(joint), d**2 / 2 + d**4 / 12, rtol=1e-9)


def test_weights_whose_sum_is_beyond_the_largest_double():
    assert entropy([1.7e308, 1.7e308], normalize=True) == pytest.approx(LN2)
    assert entropy(np.full((2, 4), 3e38, np.float32), normalize=True) == pytest.approx(2 * LN2)
    with pytest.raises(ValueError, match="p holds a whole number that is too large"):
        entropy([10**400, 1], normalize=True)


def test_messages_of_joint_probabilities_and_bases():
    with pytest.raises(ValueError, match=r"joint has 1 dimension\(s\)"):
        mutual_information([0.5, 0.5])
    with pytest.raises(ValueError, match="base must be above 1, such as 2 for bits, or None for nats; got '2'"):
        entropy([0.5, 0.5], base="2")
