"""Smoothing: sums to one for any counts, exact leave-one-out optima, published figures, NLTK."""

import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from skxent.language_model._smoothing import (
    SMOOTHINGS,
    AbsoluteDiscounting,
    CountsOfCounts,
    CountwiseSmoothing,
    Dirichlet,
    GoodTuring,
    JelinekMercer,
    KneserNey,
    Lidstone,
    MaximumLikelihood,
    Smoothing,
    SmoothingWarning,
    WittenBell,
    make_smoothing,
)
from skxent.testing import check_smoothing

NAMES = sorted(SMOOTHINGS)
TUNED = sorted(name for name in SMOOTHINGS if SMOOTHINGS[name].parameter_range)

quiet = pytest.mark.filterwarnings("ignore::skxent.language_model.SmoothingWarning")
any_counts = st.lists(st.integers(0, 6) | st.integers(0, 10**6), min_size=1, max_size=60).filter(any)


@pytest.fixture
def zipf():
    """Make counts such as words have."""
    return np.append(np.bincount(np.random.default_rng(0).zipf(1.4, 4000) % 2000)[1:], 0)


@pytest.mark.parametrize("name", NAMES)
def test_public_check_passes(name):
    check_smoothing(SMOOTHINGS[name]())


@quiet
@settings(max_examples=50)
@pytest.mark.parametrize("name", NAMES)
@given(counts=any_counts, parameter=st.sampled_from(["leave-one-out", None]), data=st.data())
@example(counts=[1], parameter="leave-one-out", data=None)
@example(counts=[1, 0], parameter="leave-one-out", data=None)
@example(counts=[1, 1, 1, 1], parameter="leave-one-out", data=None)
@example(counts=[9, 0, 0], parameter="leave-one-out", data=None)
def test_probabilities_sum_to_one_for_any_counts(name, counts, parameter, data):
    background = None
    if data is not None and data.draw(st.booleans()):
        weights = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(counts), max_size=len(counts))))
        background = weights / weights.sum() if weights.any() else None
    fitted = SMOOTHINGS[name]().fit(counts, parameter=parameter, background=background)
    assert abs(fitted.probability.sum() - 1) < 1e-12
    assert fitted.probability.min() >= 0
    left_out = SMOOTHINGS[name]().leave_one_out(counts, fitted.parameter, background)
    seen = np.array(counts) > 0
    assert np.isnan(left_out[~seen]).all()
    assert (left_out[seen] >= 0).all()
    assert (left_out[seen] <= 1 + 1e-12).all()


@quiet
@settings(max_examples=50)
@pytest.mark.parametrize("name", NAMES)
@given(counts=st.lists(st.floats(0, 1e6), min_size=1, max_size=20).filter(lambda c: sum(c) > 1e-3))
@example(counts=[1.0, 1.2e-308, 5e-324])
def test_fractional_counts_are_accepted(name, counts):
    assert abs(SMOOTHINGS[name]().fit(counts).probability.sum() - 1) < 1e-12


# Table of the hand-worked case: a 3, b 2, c 1, unknown 0, end of sentence 2.
HAND = [3, 2, 1, 0, 2]


@pytest.mark.parametrize(
    ("name", "parameter", "a", "b", "unknown"),
    [
        ("mle", None, 3 / 8, 2 / 8, 0),
        ("laplace", None, 4 / 13, 3 / 13, 1 / 13),
        ("lidstone", 0.1, 3.1 / 8.5, 2.1 / 8.5, 0.1 / 8.5),
        ("dirichlet", 5, 4 / 13, 3 / 13, 1 / 13),
        ("witten_bell", None, 19 / 60, 7 / 30, 1 / 15),
        ("absolute_discounting", 0.5, 29 / 80, 19 / 80, 1 / 20),
        ("absolute_discounting", None, (3 - 0.2 + 0.16) / 8, (2 - 0.2 + 0.16) / 8, 0.16 / 8),
        ("jelinek_mercer", 0.5, 23 / 80, 9 / 40, 1 / 10),
    ],
)
def test_hand_case(name, parameter, a, b, unknown):
    p = SMOOTHINGS[name]().fit(HAND, parameter=parameter).probability
    np.testing.assert_allclose(p[[0, 1, 4, 3]], [a, b, b, unknown], rtol=1e-12)


@pytest.mark.parametrize("counts", [[3, 1, 1, 0, 2], [3, 1, 9, 0, 2], [0.5, 1, 1, 2, 2], [1, 1, 1, 1], [0, 0]])
def test_counts_of_counts_are_those_of_numpy(counts):
    events = np.array(counts, dtype=np.float64)
    table = CountsOfCounts.of_events(counts)
    r, at, n = np.unique(events, return_inverse=True, return_counts=True)
    assert (table.r.tolist(), table.n.tolist()) == (r.tolist(), n.tolist())
    assert table.positions(events).tolist() == at.tolist()


def test_conventional_parameters():
    table = CountsOfCounts.of_events(HAND)
    assert Lidstone().conventional_parameter(table) == JelinekMercer().conventional_parameter(table) == 0.5
    assert Dirichlet().conventional_parameter(table) == 2000
    assert AbsoluteDiscounting().conventional_parameter(table) == 1 / (1 + 2 * 2)
    assert AbsoluteDiscounting().conventional_parameter(CountsOfCounts.of_events([5, 0])) == 0.5


def test_probability_zero_is_exact_under_mle():
    assert MaximumLikelihood().fit([1, 10**9, 3, 0]).probability[-1] == 0


def test_tiny_additions_keep_their_precision():
    p = Lidstone().fit([10**9, 1, 0], parameter=1e-9).probability
    assert p[-1] == pytest.approx(1e-9 / (10**9 + 1), rel=1e-12)


# Leave-one-out.


def brute_force_left_out(method, counts, parameter, background=None):
    """Fit to the rest, for every event."""
    counts = np.asarray(counts, dtype=float)
    return np.array(
        [
            method.fit(counts - (np.arange(len(counts)) == i), parameter=parameter, background=background).probability[
                i
            ]
            if count
            else np.nan
            for i, count in enumerate(counts)
        ]
    )


@quiet
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "background",
    [None, np.arange(1, 9) / 36, np.arange(7, -1, -1) / 28, np.array([1, 1, 1, 1, 1, 1, 0, 0]) / 6],
    ids=["uniform", "background", "unseen is impossible", "unseen and rare are impossible"],
)
def test_left_out_is_a_fit_to_the_rest(name, background):
    counts = [5, 3, 2, 2, 1, 1, 1, 0]
    method = SMOOTHINGS[name]()
    parameter = 0.3 if method.parameter_range else None
    expected = brute_force_left_out(method, counts, parameter, background)
    np.testing.assert_allclose(method.leave_one_out(counts, parameter, background), expected, rtol=1e-12)


@pytest.mark.parametrize("name", TUNED)
@pytest.mark.parametrize("kind", ["uniform", "background"])
def test_the_optimum_is_the_optimum(name, kind, zipf):
    """SciPy finds no better parameter for the brute-force leave-one-out cross-entropy."""
    counts = zipf[-300:] + np.array([40, 20, 10] + [0] * 297)
    background = None if kind == "uniform" else np.linspace(1, 2, 300) / np.linspace(1, 2, 300).sum()
    method = SMOOTHINGS[name]()
    seen = counts > 0

    def loss(parameter):
        with np.errstate(divide="ignore"):
            return -(counts[seen] @ np.log(brute_force_left_out(method, counts, parameter, background)[seen]))

    found = method.fit(counts, background=background).parameter
    low, high = max(found / 3, 1e-9), min(found * 3, method.parameter_range[1])
    best = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6 * found})
    assert loss(found) <= best.fun + 1e-9 * best.fun
    assert all(loss(found) <= loss(x) + 1e-9 for x in np.linspace(low, high, 10))


@given(counts=any_counts)
def test_lidstone_optimum_is_a_root_of_its_derivative(counts):
    counts = np.array([*counts, 0], dtype=float)
    delta = Lidstone().fit(counts).parameter
    seen, n, v = counts[counts > 0], counts.sum(), len(counts)
    slope = (seen / (seen - 1 + delta)).sum() - n * v / (n - 1 + delta * v)
    inside = 2e-9 < delta < 5e8
    assert not inside or abs(slope) * delta < 1e-5 * n


def test_dirichlet_with_uniform_background_is_lidstone(zipf):
    dirichlet, lidstone = Dirichlet().fit(zipf), Lidstone().fit(zipf)
    assert dirichlet.parameter == pytest.approx(lidstone.parameter * len(zipf), rel=1e-5)
    np.testing.assert_allclose(dirichlet.probability, lidstone.probability, rtol=1e-6)


# Kneser-Ney.


def test_kneser_ney_discounts():
    counts = [1] * 40 + [2] * 12 + [3] * 6 + [4] * 4 + [9] * 2 + [0]
    y = 40 / (40 + 24)
    d1, d2, d3 = 1 - 2 * y * 12 / 40, 2 - 3 * y * 6 / 12, 3 - 4 * y * 4 / 6
    n, gamma = sum(counts), 40 * d1 + 12 * d2 + 12 * d3
    p = KneserNey().fit(counts).probability
    v = len(counts)
    expected = [(1 - d1 + gamma / v) / n, (2 - d2 + gamma / v) / n, (9 - d3 + gamma / v) / n, gamma / v / n]
    np.testing.assert_allclose(p[[0, 40, -2, -1]], expected, rtol=1e-12)


@pytest.mark.parametrize("counts", [[1, 1, 1, 0], [5, 0], [1] * 10 + [2, 3, 3, 3, 0]])
def test_kneser_ney_falls_back_with_a_warning(counts):
    with pytest.warns(SmoothingWarning, match="kneser_ney: the counts of counts allow no discounts"):
        fitted = KneserNey().fit(counts)
    assert "0.5, 1 and 1.5" in fitted.fallback
    r = np.array(counts)
    discount = np.select([r >= 3, r == 2, r == 1], [1.5, 1.0, 0.5], 0)
    np.testing.assert_allclose(fitted.probability, (r - discount + discount.sum() / len(r)) / r.sum())


# Good-Turing: the prosody example of Gale & Sampson (1995), counts and their numbers of events.
PROSODY = """1 120 2 40 3 24 4 13 5 15 6 5 7 11 8 2 9 2 10 1 12 3 14 2 15 1 16 1 17 3 19 1 20 3 21 2 23 3 24 3
25 3 26 2 27 2 28 1 31 2 32 2 33 1 34 2 36 2 41 3 43 1 45 3 46 1 47 1 50 1 71 1 84 1 101 1 105 1 121 1
124 1 146 1
162 1 193 1 199 1 224 1 226 1 254 1 257 1 339 1 421 1 456 1 481 1 483 1 1140 1 1256 1 1322 1 1530 1 2131 1
2395 1 6925 1 7846 1"""


def test_simple_good_turing_figures_of_the_paper():
    r, n = np.array(PROSODY.split(), dtype=int).reshape(-1, 2).T
    fitted = GoodTuring().fit(np.append(np.repeat(r, n), 0))
    assert fitted.fallback is None
    assert fitted.probability[-1] == pytest.approx(120 / 30902, rel=1e-12)
    adjusted = fitted.probability * 30902
    np.testing.assert_allclose(adjusted[[0, 120, 160]], [0.7628, 1.706, 2.680], atol=6e-4)
    assert adjusted[-2] == pytest.approx(7839, abs=0.5)


@pytest.mark.parametrize("counts", [[1, 1, 1, 0], [5, 0], [2, 3, 4, 0], [1, 2, 2, 2, 3, 3, 3, 3, 3, 0]])
def test_good_turing_falls_back_with_a_warning(counts):
    with pytest.warns(SmoothingWarning, match="good_turing: the counts of counts allow no estimate"):
        fitted = GoodTuring().fit(counts)
    kept = np.array(counts) - 0.5 * (np.array(counts) > 0)
    spare = 0.5 * np.count_nonzero(counts)
    np.testing.assert_allclose(fitted.probability, np.where(np.array(counts) > 0, kept, spare) / sum(counts))


def test_good_turing_gives_the_unseen_mass_to_unseen_events_alone():
    counts = np.append(np.repeat([1, 2, 3, 4, 5, 6], [64, 24, 12, 6, 3, 2]), [0, 0])
    p = GoodTuring().fit(counts).probability
    np.testing.assert_allclose(p[-2:], 64 / counts.sum() / 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weighted = GoodTuring().fit(counts, background=np.append(np.zeros(len(counts) - 2), [0.75, 0.25])).probability
        none_left = GoodTuring().fit(counts, background=np.append(np.ones(len(counts) - 2), [0, 0])).probability
    np.testing.assert_allclose(weighted[-2:], 64 / counts.sum() * np.array([0.75, 0.25]))
    np.testing.assert_allclose(none_left, p)


@pytest.mark.parametrize(
    ("nltk_name", "name", "parameter"),
    [
        ("WittenBellProbDist", "witten_bell", None),
        ("LidstoneProbDist", "lidstone", 0.3),
        ("MLEProbDist", "mle", None),
    ],
)
def test_nltk_agrees(nltk_name, name, parameter, zipf):
    probability = pytest.importorskip("nltk.probability")
    counts = np.append(zipf[zipf > 0][:50], 0)
    table = probability.FreqDist({i: int(c) for i, c in enumerate(counts) if c})
    arguments = {"witten_bell": [len(counts)], "lidstone": [parameter, len(counts)], "mle": []}[name]
    peer = getattr(probability, nltk_name)(table, *arguments)
    ours = SMOOTHINGS[name]().fit(counts, parameter=parameter).probability
    theirs = np.array([peer.prob(i) for i in range(len(counts))])
    if name == "witten_bell":  # NLTK's spends the mass of new words on unseen ones alone.
        theirs[:-1] += theirs[-1] / len(counts)
        theirs[-1] /= len(counts)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


# Names, parameters and methods of one's own.


def test_unknown_method():
    with pytest.raises(ValueError, match="unknown smoothing 'lapplace'; known: absolute_discounting"):
        make_smoothing("lapplace")


def test_objects_pass():
    method = WittenBell()
    assert make_smoothing(method) is method


@pytest.mark.parametrize(
    ("method", "parameter", "message"),
    [
        (JelinekMercer(), 1.5, "a number from 0 to 1; got 1.5"),
        (Lidstone(), -1, r"a number from 0 to 1e\+100; got -1"),
        (Lidstone(), "loo", "takes 'leave-one-out', None or a number"),
        (WittenBell(), 0.5, "smoothing 'witten_bell' has no parameter; got 0.5"),
    ],
)
def test_bad_parameters(method, parameter, message):
    with pytest.raises(ValueError, match=message):
        method.fit(HAND, parameter=parameter)


@pytest.mark.parametrize("counts", [[], [0], [0, 0]])
def test_no_tokens(counts):
    with pytest.raises(ValueError, match="there is no token"):
        Lidstone().fit(counts)


def test_a_method_of_ones_own_needs_no_more_than_a_class():
    class AddTwo(CountwiseSmoothing):
        def kept(self, r, parameter):
            return r

        def spare(self, n_tokens, n_types, n_vocabulary, parameter):
            return 2.0 * n_vocabulary + 0.0 * n_tokens

    check_smoothing(AddTwo())
    np.testing.assert_allclose(AddTwo().fit(HAND).probability, (np.array(HAND) + 2) / 18)
    with pytest.raises(NotImplementedError, match="custom has no conventional parameter"):
        AddTwo().conventional_parameter(CountsOfCounts.of_events(HAND))


class Leaky(Smoothing):
    def split(self, counts, parameter):
        kept, spare, _ = Lidstone().split(counts, 1.0)
        return type(Lidstone().split(counts, 1.0))(kept - 5, spare)


class Forgetful(MaximumLikelihood):
    def spare(self, n_tokens, n_types, n_vocabulary, parameter):
        return float(np.max(n_types)) + 0.0 * n_tokens


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (Leaky(), r"a probability is outside \[0, 1\]"),
        (Forgetful(), "leaving one token out gives"),
        (3, "not an instance"),
    ],
)
def test_the_public_check_finds_mistakes(method, message):
    with pytest.raises(AssertionError, match=message):
        check_smoothing(method)
