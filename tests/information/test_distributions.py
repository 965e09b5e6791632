"""Information measures of SciPy's distributions: closed forms, infinities, what naive integration misses."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import integrate, special, stats

from skxent import cross_entropy, entropy, jensen_shannon, kl_divergence, perplexity
from skxent.information import _distributions, _families, _log_densities, _quadrature

LN2, LN_2PI = np.log(2), np.log(2 * np.pi)
EXTREMES = [(0, 1), (1e6, 1e-6), (-1e9, 1e3), (3, 1e-150), (0, 1e150)]
# The shapes that SciPy's own tests use.
# fmt: off
EXAMPLES = {
    "cauchy": (), "t": (2.743351,), "halfcauchy": (), "foldcauchy": (4.716467,), "skewcauchy": (0.5,),
    "foldnorm": (1.952125,), "laplace": (), "loglaplace": (3.250593,), "hypsecant": (), "gausshyper":
    (13.763772, 3.118964, 2.514598, 5.181165), "genhalflogistic": (0.772747,), "invweibull": (10.58,),
    "irwinhall": (10,), "jf_skew_t": (8, 4), "johnsonsb": (4.317268, 3.183778), "johnsonsu": (2.554396,
    2.248228), "kappa3": (1,), "kappa4": (0, 0), "kstwobign": (), "landau": (), "levy": (), "levy_l": (),
    "moyal": (), "ncf": (27, 27, 0.415784), "norminvgauss": (1.25, 0.5), "pareto": (2.621717,),
    "rel_breitwigner": (36.545207,), "rice": (0.774973,), "tukeylambda": (3.132148,), "burr": (10.5, 4.3),
    "burr12": (10, 4), "fisk": (3.085755,), "mielke": (10.4, 4.6), "exponweib": (2.892395, 1.950529),
    "truncweibull_min": (2.5, 0.25, 1.75), "pearson3": (0.1,), "ncx2": (21, 1.056047), "gamma":
    (1.993231,), "poisson": (0.6,), "binom": (5, 0.4), "nbinom": (0.4, 0.4), "boltzmann": (1.4, 19), "dlaplace":
    (0.8,), "logser": (0.6,), "planck": (0.51,), "zipf": (6.6,), "zipfian": (0.75, 15), "skellam": (15, 8),
    "hypergeom": (30, 12, 6), "nhypergeom": (20, 7, 1), "betabinom": (5, 2.3, 0.63), "betanbinom": (5, 9.3, 1),
    "yulesimon": (11,),
}
# fmt: on
locations = st.floats(-5, 5)
scales = st.floats(-2, 2).map(lambda x: 10**x)


def by_quadrature(measure, p, q, monkeypatch):
    monkeypatch.setattr(_distributions, "FAMILIES", {})
    monkeypatch.setattr(_distributions, "ENTROPIES", {})
    return measure(p) if q is None else measure(p, q)


# --- closed forms


def test_normal_far_away():
    p, q = stats.norm(1000, 0.01), stats.norm(0, 1)
    assert_allclose(cross_entropy(p, q), 500000.919, atol=5e-4)
    assert_allclose(kl_divergence(p, q), np.log(100) + (1e-4 + 1e6 - 1) / 2, rtol=1e-14)


def test_laplace():
    p, q = stats.laplace(0, 1), stats.laplace(1, 2)
    assert_allclose(cross_entropy(p, q), 2.07023, atol=5e-6)
    assert_allclose(kl_divergence(p, q), cross_entropy(p, q) - 1 - LN2, rtol=1e-12)


@pytest.mark.parametrize(("loc", "scale"), EXTREMES)
def test_formulas_over_extreme_locations_and_scales(loc, scale):
    """The values are for a standard p, and q moved by 1/2 and twice as wide."""
    expected = {
        "norm": ((LN_2PI + np.log(4)) / 2 + (1 + 0.25) / 8, LN2 + (1 + 0.25) / 8 - 0.5),
        "laplace": (np.log(4) + (0.5 + np.exp(-0.5)) / 2, LN2 + (0.5 + np.exp(-0.5)) / 2 - 1),
        "cauchy": (np.log(np.pi * (9 + 0.25) / 2), np.log((9 + 0.25) / 8)),
        "logistic": (None, None),
    }
    standard = {name: (getattr(stats, name)(0, 1), getattr(stats, name)(0.5, 2)) for name in expected}
    for name, (ce, kl) in expected.items():
        p, q = getattr(stats, name)(0, scale), getattr(stats, name)(scale / 2, 2 * scale)
        assert_allclose(kl_divergence(p, q), kl or kl_divergence(*standard[name]), rtol=1e-12)
        assert_allclose(cross_entropy(p, q), (ce or cross_entropy(*standard[name])) + np.log(scale), rtol=1e-12)
        at = getattr(stats, name)(loc, scale)
        assert_allclose(entropy(at), entropy(standard[name][0]) + np.log(scale), rtol=1e-12)


@pytest.mark.parametrize(("loc", "scale"), EXTREMES)
def test_half_open_and_bounded_families_over_extremes(loc, scale):
    assert_allclose(cross_entropy(stats.expon(loc, scale), stats.expon(loc, 2 * scale)), np.log(2 * scale) + 0.5)
    assert_allclose(kl_divergence(stats.expon(loc, scale), stats.expon(loc, 2 * scale)), LN2 - 0.5)
    assert_allclose(kl_divergence(stats.uniform(loc, scale), stats.uniform(loc, 2 * scale)), LN2)
    assert_allclose(cross_entropy(stats.uniform(loc, scale), stats.uniform(loc, 2 * scale)), np.log(2 * scale))


PAIRS = {
    "norm": (stats.norm(1, 2), stats.norm(-1, 3)),
    "expon": (stats.expon(1, 2), stats.expon(0.5, 3)),
    "uniform": (stats.uniform(1, 2), stats.uniform(0.5, 3)),
    "laplace": (stats.laplace(1, 2), stats.laplace(-1, 3)),
    "cauchy": (stats.cauchy(1, 2), stats.cauchy(-1, 3)),
    "gamma": (stats.gamma(0.3, 1, 2), stats.gamma(2.5, 1, 3)),
    "gamma moved": (stats.gamma(2.5, 2, 2), stats.gamma(1.5, 1, 3)),
    "lognorm": (stats.lognorm(0.5, 1, 2), stats.lognorm(1.5, 1, 3)),
    "lognorm moved": (stats.lognorm(0.5, 2, 2), stats.lognorm(1.5, 1, 3)),
    "beta": (stats.beta(2, 3, 1, 2), stats.beta(0.5, 4, 1, 2)),
    "beta narrower": (stats.beta(2, 3, 1, 1), stats.beta(1.5, 4, 0, 3)),
    "poisson": (stats.poisson(3), stats.poisson(7)),
    "poisson moved": (stats.poisson(3, loc=2), stats.poisson(7)),
    "binom": (stats.binom(10, 0.3), stats.binom(10, 0.6)),
    "vonmises": (stats.vonmises(2, 1, 2), stats.vonmises(0.5, -1, 2)),
    "vonmises of another scale": (stats.vonmises(2, 1, 2), stats.vonmises(0.5, -1, 3)),
    "randint": (stats.randint(3, 9, loc=2), stats.randint(-5, 20)),
    "binom fewer": (stats.binom(9, 0.3), stats.binom(10, 0.6)),
}


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("measure", [cross_entropy, kl_divergence])
def test_closed_forms_agree_with_quadrature(measure, pair, monkeypatch):
    closed = measure(*PAIRS[pair])
    assert_allclose(closed, by_quadrature(measure, *PAIRS[pair], monkeypatch), rtol=1e-10)


def test_every_family_is_tested():
    assert {type(p.dist) for p, _ in PAIRS.values()} == set(_families.FAMILIES)


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9])
def test_tiny_divergences_keep_their_digits(step):
    """KL is half the Fisher information times the step squared."""
    for near, information in [
        (stats.norm(0, 1 + step), 2),
        (stats.expon(0, 1 + step), 1),
        (stats.cauchy(0, 1 + step), 0.5),
        (stats.laplace(0, 1 + step), 1),
        (stats.laplace(step, 1), 1),
    ]:
        divergence = kl_divergence(getattr(stats, near.dist.name)(0, 1), near)
        assert_allclose(divergence, information * step**2 / 2, rtol=3 * step + 2e-7)


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9])
def test_tiny_divergences_between_shapes_keep_their_digits(step):
    for p, near, information in [
        (stats.gamma(5), stats.gamma(5 + step), special.polygamma(1, 5)),
        (stats.beta(2, 3), stats.beta(2 + step, 3), special.polygamma(1, 2) - special.polygamma(1, 5)),
        (stats.gamma(1e8), stats.gamma(1e8 + 1e8 * step), 1e8),
    ]:
        assert_allclose(kl_divergence(p, near), information * step**2 / 2, rtol=3 * step + 2e-7)


@given(locations, scales, locations, scales)
def test_gibbs_inequality_and_chain(a, s, b, t):
    for family in (stats.norm, stats.laplace, stats.cauchy):
        p, q = family(a, s), family(b, t)
        assert kl_divergence(p, q) >= 0
        assert_allclose(cross_entropy(p, q), entropy(p) + kl_divergence(p, q), rtol=1e-9, atol=1e-9)


# --- quadrature, against formulas of its own


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        (stats.logistic(1e6, 1e-6), 2 + np.log(1e-6)),
        (stats.gumbel_r(), 1 + np.euler_gamma),
        (stats.weibull_min(0.3), np.euler_gamma * (1 - 1 / 0.3) + np.log(1 / 0.3) + 1),
        (stats.pareto(0.1), np.log(10) + 1 + 10),
        (stats.t(1), np.log(4 * np.pi)),
        (
            stats.t(0.5),
            0.75 * (special.digamma(0.75) - special.digamma(0.25)) + np.log(special.beta(0.25, 0.5) / 2**0.5),
        ),
        (stats.arcsine(), np.log(np.pi / 4)),
        (stats.powerlaw(1e6), 1 - 1e-6 - np.log(1e6)),
        (stats.triang(0.3), 0.5 - LN2),
        (stats.gamma(1e-2), 1e-2 + special.gammaln(1e-2) + 0.99 * special.digamma(1e-2)),
        (
            stats.rv_histogram(([1, 2, 0, 3], [0, 1, 2, 3, 4]), density=False),
            entropy([1, 2, 3], normalize=True),
        ),
        (stats.Mixture([stats.Normal(), stats.Normal(mu=60)], weights=[0.5, 0.5]), (LN_2PI + 1) / 2 + LN2),
    ],
    ids=lambda x: getattr(getattr(x, "dist", x), "name", None),
)
def test_entropy_by_quadrature(distribution, expected, monkeypatch):
    monkeypatch.setattr(_distributions, "FAMILIES", {})
    monkeypatch.setattr(_distributions, "ENTROPIES", {})
    assert_allclose(entropy(distribution), expected, rtol=2e-8 if distribution.support()[1] == 1 else 1e-9)


@pytest.mark.parametrize(
    "p",
    [
        stats.burr(0.7, 1.5),
        stats.burr(5, 0.2),
        stats.burr12(0.7, 5),
        stats.dweibull(1.7),
        stats.pearson3(-1.3),
        stats.wrapcauchy(0.4),
    ],
    ids=lambda p: p.dist.name,
)
def test_entropy_is_the_mean_over_the_quantiles(p):
    lower, upper = (
        integrate.quad(lambda u, at=at: -p.logpdf(at(u)), 0, 0.5, limit=500, points=[1e-8, 1e-4])[0]
        for at in (p.ppf, p.isf)
    )
    assert_allclose(entropy(p), lower + upper, rtol=1e-7)


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (stats.dweibull(0.02), LN2 + 1 + np.euler_gamma * (1 - 50) + np.log(50)),
        (stats.pearson3(0), (LN_2PI + 1) / 2),
        (stats.pearson3(1e-6), (LN_2PI + 1) / 2),
        (stats.pearson3(50), entropy(stats.gamma(4 / 2500)) + np.log(25)),
        (stats.wrapcauchy(1 - 1e-9), np.log(4 * np.pi) + np.log(1e-9)),
        (stats.burr12(1e-2, 1), 2 + np.log(100)),
    ],
    ids=lambda x: getattr(getattr(x, "dist", x), "name", None),
)
def test_entropy_at_the_ends_of_the_parameters(p, expected):
    assert_allclose(entropy(p), expected, rtol=1e-8)


@pytest.mark.parametrize(
    ("shapes", "same"),
    [((2, 0.3), stats.norm(1, 5 * 2**0.5)), ((1, 0), stats.cauchy(1, 5)), ((0.5, -1), stats.levy(1, 5))],
)
def test_stable_distributions_with_other_names(shapes, same):
    assert_allclose(entropy(stats.levy_stable(*shapes, 1, 5)), entropy(same), rtol=1e-14)


def test_scales_whose_ratio_is_no_double():
    wide, narrow = stats.norm(0, 1e300), stats.norm(0, 1e-300)
    with pytest.raises(OverflowError, match="exceeds the largest double"):
        kl_divergence(wide, narrow)
    for family, rest in ((stats.norm, -0.5), (stats.expon, -1.0), (stats.laplace, -1.0)):
        found = kl_divergence(family(scale=1e-300), family(scale=1e300))
        assert_allclose(found, 600 * np.log(10) + rest)


@pytest.mark.parametrize("measure", [cross_entropy, kl_divergence, jensen_shannon])
@pytest.mark.parametrize("family", [stats.logistic, stats.t(3).dist, stats.halfnorm, stats.gumbel_r, stats.moyal])
def test_what_is_out_of_the_range_of_doubles_without_a_formula_is_said(measure, family):
    shapes = [3] * family.numargs
    for ends in ((1e300, 1e-300), (1e-300, 1e300)):
        with pytest.raises(OverflowError, match=r"further apart than doubles reach, .* no formula"):
            measure(*(family(*shapes, scale=scale) for scale in ends))
    mixture = stats.Mixture([stats.Normal(), stats.Normal(sigma=1e300)])
    with pytest.raises(OverflowError, match="further apart"):
        measure(stats.norm(scale=1e-300), mixture)


@pytest.mark.parametrize("family", [stats.halfnorm, stats.maxwell, stats.rayleigh, stats.chi(3).dist])
def test_a_place_so_far_away_that_neighbouring_doubles_jump_over_all_the_mass(family):
    """The divergence is about 1e600 / 2: no double, but not infinite."""
    shapes = [3] * family.numargs
    with pytest.raises(OverflowError, match="exceeds the largest double"):
        kl_divergence(family(*shapes), family(*shapes, loc=-1e300))


def test_a_density_beyond_the_largest_double_is_said(monkeypatch):
    monkeypatch.setattr(_distributions, "ENTROPIES", {})
    with pytest.raises(ArithmeticError, match="density exceeds the largest double"):
        entropy(stats.dweibull(0.02))


def naive_mean(p, function):
    """Good enough for a standard p with moderate tails."""
    return integrate.quad(lambda x: p.pdf(x) * function(x), -np.inf, np.inf, epsabs=1e-13, limit=200)[0]


LOGARITHM_OF_COSH = naive_mean(stats.t(3), lambda x: np.logaddexp(x, -x))


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        (stats.t(2.01), stats.norm(), LN_2PI / 2 + 201 / 2),
        (stats.t(3), stats.laplace(), LN2 + 2 * 3**0.5 / np.pi),
        (stats.t(3), stats.hypsecant(), np.log(np.pi / 2) + LOGARITHM_OF_COSH),
        (stats.lognorm(20), stats.expon(), np.exp(200)),
        (stats.uniform(), stats.norm(), LN_2PI / 2 + 1 / 6),
        (stats.expon(), stats.gamma(3), LN2 + 2 * np.euler_gamma + 1),
        (stats.logistic(5, 1e-3), stats.norm(), LN_2PI / 2 + (25 + np.pi**2 / 3e6) / 2),
        (stats.norm(), stats.cauchy(), np.log(np.pi) + naive_mean(stats.norm(), lambda x: np.log1p(x * x))),
        (stats.cauchy(), stats.logistic(scale=1e9), None),
    ],
)
def test_cross_entropy_between_families(p, q, expected):
    if expected is None:
        with pytest.warns(RuntimeWarning, match="tails do not shrink"):
            assert cross_entropy(p, q) == np.inf
    else:
        assert_allclose(cross_entropy(p, q), expected, rtol=1e-9)


@pytest.mark.parametrize("measure", [cross_entropy, kl_divergence])
@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.cauchy(), stats.norm()),
        (stats.cauchy(), stats.laplace()),
        (stats.t(2), stats.norm()),
        (stats.uniform(), stats.invgamma(1)),
        (stats.zipf(2), stats.geom(0.5)),
    ],
)
def test_tails_that_do_not_shrink_are_infinite_with_a_warning(measure, p, q):
    with pytest.warns(RuntimeWarning, match="tails do not shrink"):
        assert measure(p, q) == np.inf


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.norm(), stats.uniform(-50, 100)),
        (stats.norm(), stats.expon()),
        (stats.uniform(0, 2), stats.uniform(0, 1)),
        (stats.expon(0), stats.expon(1e-3)),
        (stats.uniform(0, 1e-12), stats.uniform(1e-16, 1)),
        (stats.randint(0, 10), stats.randint(0, 9)),
        (stats.poisson(3), stats.poisson(3, loc=1)),
        (
            stats.rv_histogram(([1, 2, 1], [0, 1, 2, 3]), density=False),
            stats.rv_histogram(([1, 0, 1], [0, 1, 2, 3]), density=False),
        ),
    ],
)
def test_what_q_rules_out_is_infinite_without_a_warning(p, q):
    assert cross_entropy(p, q) == np.inf
    assert kl_divergence(p, q) == np.inf
    assert perplexity(p, q) == np.inf
    assert 0 < jensen_shannon(p, q) < LN2


def test_nested_but_for_rounding():
    """0.1 + 0.2 lies above 0.3 by one unit in the last place, which nobody meant."""
    assert_allclose(kl_divergence(stats.uniform(0.1, 0.2), stats.uniform(0, 0.3)), np.log(1.5))
    assert_allclose(kl_divergence(stats.uniform(0.3, 1), stats.uniform(0.1 + 0.2, 2)), LN2)


# --- discrete


def test_discrete_sums_against_sums():
    p, q = stats.binom(20, 0.3), stats.betabinom(20, 2, 3)
    k = np.arange(21)
    assert_allclose(entropy(p), entropy(p.pmf(k)))
    for measure in (cross_entropy, kl_divergence, jensen_shannon):
        assert_allclose(measure(p, q), measure(p.pmf(k), q.pmf(k)), rtol=1e-12)
    assert_allclose(perplexity(p, q), perplexity(p.pmf(k), q.pmf(k)))


@pytest.mark.parametrize("a", [1.5, 2, 4])
def test_zipf_tail_is_summed_to_infinity(a):
    # H = log zeta(a) - a zeta'(a) / zeta(a)
    slope = {1.5: -3.9322397374311, 2: -0.9375482543158, 4: -0.0689112658961}[a]
    assert_allclose(entropy(stats.zipf(a)), np.log(special.zeta(a)) - a * slope / special.zeta(a), rtol=1e-10)


# In 40 digits, with mpmath's derivative of the zeta function.
@pytest.mark.parametrize(
    ("a", "expected"),
    [
        (1 + 1e-12, 999911107348.3237),
        (1 + 1e-6, 1000014.2383773474),
        (1.01, 105.02983417222106),
        (6.6, 0.06419475265202816),
        (50, 3.167009687007549e-14),
        (200, 8.689161141640442e-59),
    ],
)
def test_zipf_of_any_shape(a, expected):
    assert_allclose(entropy(stats.zipf(a)), expected, rtol=1e-14)


def test_zipf_is_what_a_sum_finds(monkeypatch):
    p = stats.zipf(2.3, loc=-4)
    assert_allclose(entropy(p), by_quadrature(entropy, p, None, monkeypatch), rtol=1e-10)


def test_equally_probable_integers_however_many():
    p, q = stats.randint(-(2**62), 2**62), stats.randint(-(2**61), 2**61)
    assert_allclose(entropy(p), 63 * LN2, rtol=1e-15)
    assert_allclose(cross_entropy(q, p), 63 * LN2, rtol=1e-15)
    assert_allclose(kl_divergence(q, p), LN2, rtol=1e-13)
    assert kl_divergence(p, q) == np.inf
    assert kl_divergence(p, p) == 0


@pytest.mark.parametrize("success", [0.5, 1e-4, 1e-9])
def test_geometric_however_long(success):
    expected = -np.log(success) - (1 - success) / success * np.log1p(-success)
    assert_allclose(entropy(stats.geom(success)), expected, rtol=1e-10)
    assert_allclose(entropy(stats.randint(0, 10**9)), np.log(10**9))


def test_long_sums_are_integrals_of_parabolas_whose_means_are_the_terms():
    def cubes(x, log_weights):
        return np.stack([x**3, x], axis=1) * np.exp(log_weights)[:, None]

    total = _quadrature._integrate(lambda x, w: _quadrature._smooth(cubes, x, w), np.array([0.5, 9.5]))
    assert_allclose(total, [[(9 * 10 / 2) ** 2, 9 * 10 / 2]])


def test_poisson_that_is_always_zero():
    nothing, p = stats.poisson(0), stats.poisson(2)
    assert_allclose(kl_divergence(nothing, p), 2)
    assert kl_divergence(nothing, nothing) == 0
    assert kl_divergence(p, nothing) == np.inf


def test_wide_poisson():
    assert_allclose(entropy(stats.poisson(1e6)), 0.5 * np.log(2 * np.pi * np.e * 1e6) - 1 / 12e6, rtol=1e-9)
    # Seen from a skellam, sums run to both infinities.
    assert_allclose(entropy(stats.skellam(2, 3)), entropy(stats.skellam.pmf(np.arange(-60, 60), 2, 3)), rtol=1e-9)


def test_values_that_are_no_integers():
    p = stats.rv_discrete(values=([0.5, 1.5, 4], [0.2, 0.3, 0.5]))
    assert_allclose(entropy(p), entropy([0.2, 0.3, 0.5]))
    assert_allclose(entropy(p(loc=3)), entropy([0.2, 0.3, 0.5]))


# --- any kind of distribution object


def test_random_variable_objects_are_what_frozen_distributions_are():
    exponential = stats.make_distribution(stats.expon)()
    for rv, frozen in [
        (stats.Normal(mu=1e6, sigma=1e-6), stats.norm(1e6, 1e-6)),
        (stats.Uniform(a=-1, b=3), stats.uniform(-1, 4)),
        (stats.make_distribution(stats.logistic)(), stats.logistic()),
        (1e-6 * exponential + 1e6, stats.expon(1e6, 1e-6)),
        (stats.Normal() * -2 + 1, stats.norm(1, 2)),
        (stats.make_distribution(stats.gamma)(a=2.5), stats.gamma(2.5)),
        (stats.exp(stats.Normal()), stats.lognorm(1)),
        (stats.truncate(stats.Normal(), lb=0), stats.halfnorm()),
    ]:
        assert_same(rv, frozen)


@pytest.mark.skipif(not hasattr(stats, "Binomial"), reason="SciPy has such objects since 1.16")
def test_discrete_random_variable_objects_are_what_frozen_distributions_are():
    assert_same(stats.Binomial(n=10, p=0.3), stats.binom(10, 0.3))
    assert_same(stats.make_distribution(stats.poisson)(mu=3.0), stats.poisson(3))


def assert_same(rv, frozen):
    assert_allclose(entropy(rv), entropy(frozen), rtol=1e-10)
    assert_allclose(kl_divergence(rv, frozen), 0, atol=1e-9)
    assert_allclose(jensen_shannon(frozen, rv), 0, atol=1e-9)


def test_distributions_that_are_not_frozen():
    assert entropy(stats.norm) == entropy(stats.norm())


def test_keywords_and_base_and_perplexity():
    p = stats.gamma(a=2, loc=1, scale=3)
    assert entropy(p) == entropy(stats.gamma(2, 1, 3))
    assert_allclose(entropy(p, base=2), entropy(p) / LN2)
    assert_allclose(perplexity(stats.randint(0, 6)), 6)
    assert_allclose(perplexity(p=stats.uniform(0, 3), q=stats.uniform(0, 5)), 5)


# --- Jensen-Shannon


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.norm(), stats.cauchy()),
        (stats.norm(0, 1), stats.norm(0.3, 1e-3)),
        (stats.uniform(), stats.expon(0.5)),
        (stats.poisson(3), stats.geom(0.2)),
    ],
)
def test_jensen_shannon_is_symmetric(p, q):
    assert 0 < jensen_shannon(p, q) < LN2
    assert_allclose(jensen_shannon(p, q), jensen_shannon(q, p), rtol=1e-9)


def test_jensen_shannon_at_its_ends():
    assert jensen_shannon(stats.t(3), stats.t(3)) == 0
    assert_allclose(jensen_shannon(stats.norm(), stats.norm(1000, 1e-3), base=2), 1)
    for far in 10.0 ** np.arange(2, 305, 30):
        assert_allclose(jensen_shannon(stats.norm(), stats.norm(far, 3)), LN2, rtol=1e-12)
    # Half of each lies where the other is too: JS = ln 2 / 2.
    assert_allclose(jensen_shannon(stats.uniform(0, 2), stats.uniform(1, 2)), LN2 / 2)


# --- densities that underflow in SciPy


@pytest.mark.parametrize(
    ("measure", "p", "q", "expected"),
    [
        (kl_divergence, stats.moyal(0, 1), stats.moyal(1, 1), (np.e - 2) / 2),
        (cross_entropy, stats.poisson(5), stats.skellam(3, 4), 4.803319040919852),
        (cross_entropy, stats.expon(), stats.foldnorm(2), 1.757899403285083),
        (cross_entropy, stats.gamma(2), stats.rice(1), 2.1174157479903677),
        (kl_divergence, stats.pareto(1), stats.pareto(400), 399 - np.log(400)),
        (kl_divergence, stats.zipf(1.1), stats.zipf(2), 6.635247251),
        (cross_entropy, stats.norm(), stats.landau(), 1.8760236599),
        (cross_entropy, stats.uniform(-40, 80), stats.hypsecant(), 20 + np.log(np.pi / 2) + np.pi**2 / 24 / 40),
        (cross_entropy, stats.norm(-1000), stats.johnsonsu(1, 1), None),
        (cross_entropy, stats.uniform(0.1, 2000), stats.kstwobign(), None),
    ],
    ids=lambda x: getattr(getattr(x, "dist", None), "name", None),
)
def test_densities_that_underflow(measure, p, q, expected):
    """Values by mpmath or by hand; where there is none, it is finite and not below the entropy of p."""
    if expected is None:
        assert entropy(p) < measure(p, q) < np.inf
    else:
        assert_allclose(measure(p, q), expected, rtol=2e-9)


class Narrow(stats.rv_continuous):
    """A density that falls like exp(-x^2) and underflows where a wider one goes on."""

    def _pdf(self, x):
        return np.exp(-(x**2)) / np.sqrt(np.pi)

    def _ppf(self, u):
        return special.ndtri(u) / np.sqrt(2)

    def _isf(self, u):
        return -special.ndtri(u) / np.sqrt(2)


class Gap(stats.rv_continuous):
    """A density that is 0 between -1 and 1: a true gap."""

    def _pdf(self, x):
        return np.where(np.abs(x) > 1, stats.norm.pdf(x) / (2 * stats.norm.sf(1)), 0)

    def _ppf(self, u):
        return np.sign(u - 0.5) * stats.norm.isf(2 * stats.norm.sf(1) * np.minimum(u, 1 - u))

    def _isf(self, u):
        return -self._ppf(u)


def test_an_unknown_density_that_underflows_is_told_from_a_gap():
    with pytest.raises(ArithmeticError, match=r"density of Narrow underflows at -?\d") as error:
        kl_divergence(stats.uniform(-60, 120), Narrow(name="Narrow")())
    where = float(re.search(r"underflows at (\S+),", str(error.value))[1])
    assert 25 < abs(where) <= 60
    assert kl_divergence(stats.norm(), Gap()()) == np.inf
    assert np.isfinite(kl_divergence(Gap()(), stats.norm()))


def test_probabilities_that_scipy_sets_to_zero_are_no_gaps():
    p, q = stats.nchypergeom_wallenius(140, 80, 60, 0.5), stats.nchypergeom_wallenius(154, 88, 66, 0.55)
    with pytest.raises(ArithmeticError, match="nchypergeom_wallenius underflows"):
        kl_divergence(p, q)


def test_the_largest_double_is_no_infinity():
    with pytest.raises(OverflowError, match="largest double"):
        cross_entropy(stats.norm(1e200), stats.norm())


def test_every_log_density_is_tested():
    assert {type(getattr(stats, name)) for name in EXAMPLES} == set(_log_densities.LOG_DENSITIES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_own_log_densities_are_scipys_where_that_does_not_underflow(name):
    shapes = EXAMPLES[name]
    rv = getattr(stats, name)(*shapes)
    x = np.array([rv.ppf(u) for u in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)])
    expected = rv.logpdf(x) if hasattr(rv.dist, "pdf") else rv.logpmf(x)
    own = _log_densities.LOG_DENSITIES[type(rv.dist)](x, *map(float, shapes))
    # SciPy's own values of kstwobign are right to 2e-8 only.
    assert_allclose(own, expected, rtol=1e-10, atol=3e-8 if name == "kstwobign" else 1e-9)


# --- closed forms over the whole range of parameters; values by mpmath with 60 digits


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (stats.gamma(1e16), 19.83961927715704),
        (stats.gamma(1e10), 12.931863998141568),
        (stats.gamma(1e-5), -99988.06426375078),
        (stats.beta(2, 1e20), -44.47448619497938),
        (stats.beta(1e20, 1e20), -22.6466331675757),
        (stats.gamma(1e-120), -1e120),
        (stats.loggamma(1e-30), 70.07755278982137),
        (stats.burr(1e68, 1e-22), -104.9189142777261),
        (stats.burr12(1e68, 1e-22), -104.9189142777261),
        (stats.chi2(2e10), 12.931863998141568 + LN2),
        (stats.invgamma(1e10), 12.931863998141568 - 2 * special.digamma(1e10)),
        (stats.genextreme(-3), 1 + 4 * np.euler_gamma),
        (stats.genpareto(20), 21),
        (stats.genhalflogistic(2.188907100165919), -1.7276167505353),
        (stats.vonmises(3.99), 0.8102998309544325),
        (stats.betabinom(10**7, 2, 3), 15.883189251),
        (stats.zipf(1.01), 105.029834172),
        (stats.skellam(1e6, 1), 8.326694226554611),
    ],
    ids=lambda x: getattr(getattr(x, "dist", None), "name", None),
)
def test_entropies_far_out(p, expected):
    assert_allclose(entropy(p), expected, rtol=1e-9)


GAMMA_PAIRS = [(2.0, 3.0, 5.0, 0.1), (1e10, 1.0, 2e10, 0.5), (1e16, 2.0, 1e16 + 1e6, 2.0), (1e-8, 1.0, 1e3, 1e-11)]
GAMMA_DIVERGENCES = [42.903713916741765, 0.15342640972419402, 4.999999999833333e-05, 99999982134.57936]
BETA_PAIRS = [(1.0, 1e-12, 2.0, 1e-12), (1e10, 1.0, 2e10, 1.0), (1e20, 1e20, 2e20, 2e20), (2.0, 3.0, 2.001, 3.0)]
BETA_DIVERGENCES = [6.449340668475244e-13, 0.3068528194400547, 0.15342640972002736, 2.1174635455721335e-07]


def test_divergences_far_out():
    """The pairs are (a, scale, b, scale) and (a, b, c, d)."""
    found = [kl_divergence(stats.gamma(a, scale=s), stats.gamma(b, scale=t)) for a, s, b, t in GAMMA_PAIRS]
    assert_allclose(found, GAMMA_DIVERGENCES, rtol=1e-11)
    found = [kl_divergence(stats.beta(a, b), stats.beta(c, d)) for a, b, c, d in BETA_PAIRS]
    assert_allclose(found, BETA_DIVERGENCES, rtol=1e-11)


@pytest.mark.parametrize(
    ("measure", "p", "q", "expected"),
    [
        (cross_entropy, stats.gamma(1e-20, scale=2), stats.gamma(1, scale=3), np.log(3)),
        (cross_entropy, stats.gamma(1e27, scale=7), stats.gamma(26323, scale=7.5), 9.3333333333333335e26),
        (cross_entropy, stats.beta(1e-14, 2.5), stats.beta(1, 0.5), 0.69314718055994286),
        (cross_entropy, stats.beta(0.9, 1e10), stats.beta(1e10, 1e20), 6549269465.0407489),
        (kl_divergence, stats.gamma(6e-19, scale=3), stats.gamma(6.00000001e-19, scale=3e-5), 5.9993881133672529e-14),
        (
            kl_divergence,
            stats.lognorm(1e-12, scale=0.5),
            stats.lognorm(1e-12, scale=0.500000000001),
            1.9999115140942553,
        ),
    ],
)
def test_shapes_near_zero_and_far_apart(measure, p, q, expected):
    """Entropy and divergence, or the terms of a formula, are up to 1e27 times as large as their sum."""
    assert_allclose(measure(p, q), expected, rtol=1e-12)


@given(st.tuples(*[st.floats(-20, 14)] * 4))
@settings(max_examples=30)
def test_cross_entropies_against_mpmath(powers):
    mpmath = pytest.importorskip("mpmath")
    a, b, c, d = (10.0**power for power in powers)
    with mpmath.workdps(80):
        x, y, u, v = map(mpmath.mpf, (a, b, c, d))
        beta = mpmath.loggamma(u) + mpmath.loggamma(v) - mpmath.loggamma(u + v)
        beta -= (u - 1) * (mpmath.digamma(x) - mpmath.digamma(x + y))
        beta -= (v - 1) * (mpmath.digamma(y) - mpmath.digamma(x + y))
        gamma = mpmath.loggamma(u) + mpmath.log(v) - (u - 1) * (mpmath.digamma(x) + mpmath.log(y / v)) + x * y / v
    found = [
        cross_entropy(stats.beta(a, b), stats.beta(c, d)),
        cross_entropy(stats.gamma(a, scale=b), stats.gamma(c, scale=d)),
    ]
    assert_allclose(found, [float(beta), float(gamma)], rtol=1e-9, atol=1e-9)


@given(st.tuples(*[st.floats(-10, 14)] * 4), st.floats(-8, 0), st.booleans())
@settings(max_examples=30)
def test_divergences_against_mpmath(powers, step, near):
    mpmath = pytest.importorskip("mpmath")
    a, b, c, d = (10.0**power for power in powers)
    if near:
        c, d = a * (1 + 10**step), b * (1 - 10**step / 3)
    with mpmath.workdps(60):
        x, y, u, v = map(mpmath.mpf, (a, b, c, d))
        beta = mpmath.loggamma(u) + mpmath.loggamma(v) - mpmath.loggamma(u + v) - mpmath.loggamma(x)
        beta += mpmath.loggamma(x + y) - mpmath.loggamma(y) + (x - u) * mpmath.digamma(x)
        beta += (y - v) * mpmath.digamma(y) + (u + v - x - y) * mpmath.digamma(x + y)
        gamma = (x - u) * mpmath.digamma(x) - mpmath.loggamma(x) + mpmath.loggamma(u) + u * mpmath.log(v / y)
        gamma += x * (y - v) / v
    assert_allclose(kl_divergence(stats.beta(a, b), stats.beta(c, d)), float(beta), rtol=1e-9, atol=1e-50)
    assert_allclose(
        kl_divergence(stats.gamma(a, scale=b), stats.gamma(c, scale=d)), float(gamma), rtol=1e-9, atol=1e-50
    )


# --- histograms, mixtures, kernel densities, arrays, several variables


def test_histograms_have_closed_forms():
    x, y = np.random.default_rng(2).exponential(size=(2, 1000))
    p = stats.rv_histogram(np.histogram(x, 40, range=(0, 9)))
    q = stats.rv_histogram(np.histogram([*y, *np.linspace(-1, 10, 300)], 23, range=(-1, 10)))
    middles = np.unique(np.concatenate([np.linspace(0, 9, 41), np.linspace(-1, 10, 24)]))
    width, middles = np.diff(middles), (middles[:-1] + middles[1:]) / 2
    mass = p.pdf(middles) * width
    inside = mass > 0
    expected = np.sum(mass[inside] * np.log(p.pdf(middles[inside]) / q.pdf(middles[inside])))
    assert_allclose(kl_divergence(p, q), expected, rtol=1e-12)
    assert_allclose(entropy(p), -np.sum(mass[inside] * np.log(p.pdf(middles[inside]))), rtol=1e-12)
    assert 0 < jensen_shannon(p, q) < LN2
    normal = stats.norm(1, 2)
    ends = np.linspace(0, 9, 41)
    squares = np.diff((ends - 1) ** 3) / 3 / np.diff(ends)
    expected = LN_2PI / 2 + LN2 + np.sum(np.histogram(x, 40, range=(0, 9))[0] / (x < 9).sum() * squares) / 8
    assert_allclose(cross_entropy(p, normal), expected, rtol=1e-10)
    assert_allclose(entropy(p(loc=3, scale=5)), entropy(p) + np.log(5))


def test_a_tiny_mass_far_away_counts():
    share = 5e-7
    far = stats.Mixture([stats.Normal(), stats.Normal(mu=1e4, sigma=1e-3)], weights=[1 - share, share])
    expected = share * (1e8 / 2 + LN_2PI / 2 - (LN_2PI + 1) / 2 + np.log(1e3) + np.log(share)) - share
    assert_allclose(kl_divergence(far, stats.norm()), expected, rtol=1e-9)


@pytest.mark.parametrize("distance", [60, 1e4, 1e12])
def test_components_far_apart(distance):
    p = stats.Mixture([stats.Normal(), stats.Normal(mu=distance, sigma=3)], weights=[0.5, 0.5])
    assert_allclose(entropy(p), (LN_2PI + 1) / 2 + LN2 + np.log(3) / 2, rtol=2e-9)


@pytest.mark.parametrize("narrowest", [0.05, 0.2])
def test_two_hundred_components(narrowest):
    rng = np.random.default_rng(0)
    means, widths = rng.normal(0, 5, 200), np.geomspace(narrowest, 1.5, 200)
    p = stats.Mixture(
        [stats.Normal(mu=m, sigma=s) for m, s in zip(means, widths, strict=True)], weights=[1 / 200] * 200
    )
    expected = LN_2PI / 2 + np.mean(means**2 + widths**2) / 2
    assert_allclose(cross_entropy(p, stats.norm(), time_limit=10), expected, rtol=1e-10)
    around = means[:, None] + widths[:, None] * np.linspace(-8, 8, 9)
    edges = np.unique(np.append(np.linspace(-30, 30, 400), around))
    nodes, parts = np.polynomial.legendre.leggauss(12)
    half = np.diff(edges)[:, None] / 2
    x = (edges[:-1, None] + half * (1 + nodes)).ravel()
    log = np.logaddexp.reduce([stats.norm.logpdf(x, m, s) for m, s in zip(means, widths, strict=True)]) - np.log(200)
    assert_allclose(entropy(p, time_limit=10), -np.sum((half * parts).ravel() * np.exp(log) * log), rtol=1e-10)


def test_kernel_densities_are_mixtures():
    x = np.array([0.0, 0.1, 2.0, 50.0])
    kde = stats.gaussian_kde(x, weights=[1, 1, 2, 1e-3])
    width = float(np.sqrt(kde.covariance[0, 0]))
    parts = [stats.Normal(mu=centre, sigma=width) for centre in x]
    mixture = stats.Mixture(parts, weights=kde.weights / kde.weights.sum())
    assert_allclose(entropy(kde), entropy(mixture), rtol=1e-10)
    assert_allclose(cross_entropy(stats.norm(1, 3), kde), cross_entropy(stats.norm(1, 3), mixture), rtol=1e-10)
    assert_allclose(kl_divergence(kde, mixture), 0, atol=1e-10)
    with pytest.raises(TypeError, match=r"kernel density of 2 variables.*entropy_from_samples"):
        entropy(stats.gaussian_kde(np.random.default_rng(0).normal(size=(2, 20))))


def test_parameters_that_are_arrays():
    scales = np.array([1.0, 2.0, 4.0])
    assert_allclose(entropy(stats.norm(0, scales)), (LN_2PI + 1) / 2 + np.log(scales))
    found = kl_divergence(stats.norm([[0.0], [1.0]], 1), stats.norm(0, scales))
    assert found.shape == (2, 3)
    assert_allclose(found[1, 2], kl_divergence(stats.norm(1), stats.norm(0, 4)))
    assert_allclose(perplexity(stats.randint(0, np.array([2, 6]))), [2, 6])


def test_the_time_limit_is_kept_and_named():
    slow = stats.studentized_range(3, 10)
    with pytest.raises(TimeoutError, match=r"within 0\.2 seconds .* larger time_limit"):
        entropy(slow, time_limit=0.2)


def test_circles():
    p, q = stats.vonmises(2, 1), stats.vonmises(0.5, -1)
    assert_allclose(kl_divergence(p, q), kl_divergence(stats.vonmises(2, 2), stats.vonmises(0.5)), rtol=1e-12)
    assert_allclose(
        cross_entropy(stats.uniform(0, 1), stats.vonmises(1)), np.log(2 * np.pi * special.i0(1)) - np.sin(1)
    )
    with pytest.raises(ValueError, match="vonmises lives on a circle"):
        cross_entropy(stats.norm(), p)


@pytest.mark.parametrize(
    ("c", "expected"),  # by mpmath
    [(0.05, -34.001833204243016), (0.208, -5.230438850940840), (0.56, -0.4122401862869716), (1.5, 0.6593158941752569)],
)
@pytest.mark.parametrize("scale", [1.0, 1e8, 1e-200])
def test_densities_that_are_infinite_at_both_ends(c, expected, scale):
    assert_allclose(entropy(stats.rdist(c, 3 * scale, scale)), expected + np.log(scale), rtol=1e-12)


@pytest.mark.parametrize(("first", "slope"), [(2.0, 0.5), (-3.0, 1.0), (5.0, -1.5), (1.0, 0.0)])
@pytest.mark.parametrize("ratio", [0.3, 0.9])
def test_the_rest_of_a_tail_whose_terms_may_change_their_sign(first, slope, ratio):
    k = np.arange(4_000)
    terms = (first + slope * k) * ratio**k
    rest = _quadrature._remainder(terms[:3], ratio * 1.01)
    assert_allclose(rest, terms[3:].sum(), rtol=1e-7, atol=1e-7)


def test_listed_values_are_looked_up():
    rng = np.random.default_rng(0)
    w, v = (weights / weights.sum() for weights in rng.random((2, 50_000)))
    p, q = (stats.rv_discrete(values=(np.arange(50_000), weights)) for weights in (w, v))
    assert_allclose(entropy(p), -np.sum(w * np.log(w)), rtol=1e-12)
    assert_allclose(kl_divergence(p, q), np.sum(w * np.log(w / v)), rtol=1e-12)
    two, three = (stats.rv_discrete(values=values) for values in (([5, 1], [0.5, 0.5]), ([7, 1, 5], [0.5, 0.25, 0.25])))
    assert_allclose(kl_divergence(two(loc=2), three(loc=2)), np.log(2), rtol=1e-15)
    assert kl_divergence(three, two) == np.inf


# --- bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: entropy(stats.norm(0, -1)), ValueError, "no support for p"),
        (
            lambda: kl_divergence(stats.norm(), stats.poisson(2)),
            TypeError,
            "p is continuous and q is discrete",
        ),
        (lambda: kl_divergence(stats.norm(), [0.5, 0.5]), TypeError, "q must be a univariate distribution .* not list"),
        (lambda: entropy(stats.gamma), TypeError, r"p is a family .* scipy.stats.gamma\(a\)"),
        (lambda: entropy(stats.Normal), TypeError, r"p is the class Normal; .* Normal\(\.\.\.\)"),
        (lambda: entropy(stats.dirichlet([1, 2])), TypeError, "univariate .* dirichlet"),
        (lambda: entropy(stats.norm(), time_limit=0), ValueError, "time_limit must be above 0"),
        (lambda: entropy(stats.norm(), axis=0), TypeError, "axis"),
        (lambda: jensen_shannon(stats.norm(), stats.norm(), normalize=True), TypeError, "normalize"),
        (lambda: entropy(stats.norm(), base=1), ValueError, "base must be above 1"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


class Halved(stats.rv_continuous):
    """A density that integrates to a half."""

    def _pdf(self, x):
        return np.exp(-(x**2)) / np.sqrt(np.pi) / 2

    def _ppf(self, u):
        return special.ndtri(u)

    def _isf(self, u):
        return -special.ndtri(u)


def test_a_density_that_is_none_is_refused():
    with pytest.raises(ArithmeticError, match=r"adds up to 0\.5 instead of 1"):
        entropy(Halved()())
