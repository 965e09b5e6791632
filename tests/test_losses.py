"""The losses: closed forms, other people's implementations, and the registry of names."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import log_softmax, rel_entr, softmax
from sklearn.datasets import load_wine
from sklearn.metrics import brier_score_loss, log_loss

from skxent import SigmoidRegressor, SoftmaxRegressor
from skxent.losses import (
    LOSSES,
    CrossEntropy,
    ExpectedCost,
    Focal,
    ForwardCorrection,
    GeneralizedCrossEntropy,
    LabelSmoothing,
    Loss,
    MeanAbsoluteError,
    Poly1,
    Quadratic,
    Spherical,
    SymmetricCrossEntropy,
    _surely_better,
    check_shapes,
    resolve_loss,
)
from skxent.testing import check_loss


@pytest.fixture
def problem(rng):
    """Labels, their one-hot rows, soft targets and log-probabilities."""
    labels = rng.integers(4, size=50)
    return labels, np.eye(4)[labels], rng.dirichlet(np.ones(4), 50), log_softmax(rng.normal(size=(50, 4)), axis=1)


def values(loss, y, log_p):
    return loss.pointwise(y, np.exp(log_p), log_p)[0]


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_keeps_its_promises(name):
    check_loss(name)


def test_cross_entropy_is_log_loss(problem):
    labels, one_hot, _, log_p = problem
    assert values(CrossEntropy(), one_hot, log_p).mean() == pytest.approx(log_loss(labels, np.exp(log_p)), rel=1e-12)


def test_cross_entropy_of_soft_targets_is_entropy_plus_divergence(problem):
    _, _, soft, log_p = problem
    entropy = -(soft * np.log(soft)).sum(axis=1)
    np.testing.assert_allclose(
        values(CrossEntropy(), soft, log_p), entropy + rel_entr(soft, np.exp(log_p)).sum(axis=1), rtol=1e-12
    )


def test_cross_entropy_is_the_information_measure(problem):
    information = pytest.importorskip("skxent.information")
    _, one_hot, soft, log_p = problem
    for y in (one_hot, soft):
        np.testing.assert_allclose(
            values(CrossEntropy(), y, log_p), information.cross_entropy(y, np.exp(log_p)), rtol=1e-12
        )


def test_quadratic_is_half_the_brier_score(problem):
    labels, one_hot, _, log_p = problem
    brier = brier_score_loss(labels, np.exp(log_p), scale_by_half=True)
    assert values(Quadratic(), one_hot, log_p).mean() == pytest.approx(brier, rel=1e-12)


def test_exact_limits():
    certain, log_certain = np.array([[0.0, 1.0]]), np.array([[-1e4, 0.0]])
    right, wrong = np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])
    assert CrossEntropy().pointwise(right, certain, log_certain)[0] == [0]
    assert CrossEntropy().pointwise(wrong, certain, log_certain)[0] == [1e4]
    assert Quadratic().pointwise(right, certain, log_certain)[0] == [0]
    assert Quadratic().pointwise(wrong, certain, log_certain)[0] == [1]


def test_a_name_or_an_instance_is_resolved():
    loss = Quadratic()
    assert resolve_loss(loss) is loss
    assert isinstance(resolve_loss("cross_entropy"), CrossEntropy)
    assert isinstance(resolve_loss("quadratic"), Quadratic)


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(LOSSES, "_parts", dict(LOSSES._parts))
    return LOSSES


def test_a_subclass_with_a_name_registers_itself(registry):
    class Mine(CrossEntropy, name="mine"):
        pass

    class Unnamed(CrossEntropy):
        pass

    assert registry["mine"] is Mine
    assert Unnamed not in [registry[name] for name in registry]
    assert isinstance(resolve_loss("mine"), Mine)


class Mine(Loss):
    def __init__(self, gamma=2.0):
        self.gamma = gamma

    def pointwise(self, y, p, log_p):
        raise NotImplementedError


def test_hyper_parameters_are_read_and_set_by_name():
    loss = Mine(gamma=1.0)
    assert loss.get_params() == {"gamma": 1.0}
    assert loss.set_params(gamma=3.0) is loss
    assert loss.gamma == 3.0
    assert repr(loss) == "Mine(gamma=3.0)"
    assert CrossEntropy().get_params() == {}
    with pytest.raises(ValueError, match="Mine has no parameter 'alpha'; its parameters: gamma"):
        loss.set_params(alpha=1)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(
        ValueError,
        match=r"^unknown loss 'hinge'; known: cross_entropy, .*, quadratic, spherical, symmetric_cross_entropy\.$",
    ):
        resolve_loss("hinge")


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (Quadratic, r"<class .*Quadratic'> is not a loss; pass an instance: Quadratic\(\)\."),
        (None, r"loss=None is not a loss; pass a name or a Loss instance\."),
        (dict, r"<class 'dict'> is not a loss; pass a name or a Loss instance\."),
        (abs, "is not a loss; pass a name or a Loss instance"),
    ],
)
def test_what_is_no_loss(loss, message):
    with pytest.raises(TypeError, match=message):
        resolve_loss(loss)


def test_a_loss_without_pointwise_is_abstract():
    class Empty(Loss):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Empty()


class Tempered(CrossEntropy):
    def __init__(self, temperature=1.0, base="e"):
        self.temperature = temperature
        self.base = base


def test_repr_shows_the_settings():
    assert repr(CrossEntropy()) == "CrossEntropy()"
    assert repr(Tempered(2.0)) == "Tempered(temperature=2.0)"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))])
def test_copies_keep_the_settings(duplicate):
    assert repr(duplicate(Tempered(3.0))) == repr(Tempered(3.0))


def test_check_shapes_names_what_came_back():
    class Transposed(CrossEntropy):
        def pointwise(self, y, p, log_p):
            loss, gradient = super().pointwise(y, p, log_p)
            return loss, gradient.T

    with pytest.raises(ValueError, match=r"Transposed\(\)\.pointwise.* returned shapes \(\(3,\), \(5, 3\)\)"):
        check_shapes(Transposed(), 5)


def test_check_shapes_names_what_went_wrong():
    class NeedsThree(CrossEntropy):
        def pointwise(self, y, p, log_p):
            return super().pointwise(y * np.ones(3), p, log_p)

    with pytest.raises(ValueError, match=r"failed on arrays of shape \(3, 5\): operands could not be broadcast"):
        check_shapes(NeedsThree(), 5)
    check_shapes(NeedsThree(), 3)


class Returning(CrossEntropy):
    """Cross-entropy of which a function makes something else."""

    def __init__(self, change):
        self.change = change

    def pointwise(self, y, p, log_p):
        return self.change(y, p, log_p)


def overwritten(y, p, log_p):
    p -= y
    return (p**2).sum(axis=1), 2 * p * (p + y)


@pytest.mark.parametrize("estimator", [SoftmaxRegressor, SigmoidRegressor])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y, p, log_p: -(y * log_p).sum(axis=1), "it returned ndarray rather than two arrays"),
        (lambda y, p, log_p: None, "it returned NoneType rather than two arrays"),
        (lambda y, p, log_p: ((y * -log_p).sum(axis=1).tolist(), -y), "the loss has dtype list"),
        (lambda y, p, log_p: (-(y * log_p).sum(axis=1) + 0j, -y), "the loss has dtype complex128"),
        (lambda y, p, log_p: (-(y * log_p).sum(axis=0), -y), "returned shapes"),
        (lambda y, p, log_p: (-(y * log_p).sum(axis=1), -y.T), "returned shapes"),
        (overwritten, "must not write into its inputs"),
        (lambda y, p, log_p: (-(y * log_p).sum(axis=1) / len(y), -y / len(y)), "do not average over rows"),
        (lambda y, p, log_p: (-(y * log_p).sum(axis=1), -y / len(y)), "do not average over rows"),
        (lambda y, p, log_p: (np.split(y, 3) and -(y * log_p).sum(axis=1), -y), "failed on a single row"),
    ],
)
def test_a_fit_names_what_is_wrong_with_a_loss(change, message, estimator):
    """With three classes, too, where a sum over three rows has the shape of one over classes."""
    with pytest.raises(ValueError, match=message):
        estimator(Returning(change)).fit(np.eye(6), [0, 0, 1, 1, 2, 2])


def test_a_name_does_not_stand_for_a_loss_that_needs_parameters(monkeypatch):
    monkeypatch.setattr(LOSSES, "_parts", {**LOSSES._parts, "returning": Returning})
    with pytest.raises(
        TypeError, match=r"loss 'returning' has parameters without a default; .* Returning\(change=...\)"
    ):
        resolve_loss("returning")


def test_a_loss_that_does_not_keep_its_parameter_can_be_shown():
    class Forgets(CrossEntropy):
        def __init__(self, scale=1.0):
            self.factor = scale

    assert repr(Forgets()) == "Forgets()"


INVERTIBLE = [
    CrossEntropy(),
    Quadratic(),
    Spherical(),
    LabelSmoothing(0.2),
    GeneralizedCrossEntropy(0.3),
    GeneralizedCrossEntropy(0.7),
    SymmetricCrossEntropy(),
    SymmetricCrossEntropy(alpha=2.0, beta=0.5, log_zero=-8.0),
    Focal(0.5),
    Focal(2.0),
    Focal(5.0),
    Poly1(1.0),
    Poly1(-0.9),
    ForwardCorrection([[0.8, 0.2, 0.0], [0.1, 0.7, 0.2], [0.1, 0.1, 0.8]]),
    ForwardCorrection([[0.8, 0.2, 0.0], [0.1, 0.7, 0.2], [0.1, 0.1, 0.8]], GeneralizedCrossEntropy(0.5)),
]


def label_distribution(loss, truth):
    """Return the distribution of the labels that a loss sees if the truth is this."""
    return truth @ loss.transition if isinstance(loss, ForwardCorrection) else truth


def minimiser(loss, labels):
    """Return the prediction of least expected loss over labels drawn from a distribution, by brute force."""
    n = len(labels)

    def expected(z):
        log_p = np.tile(log_softmax(z), (n, 1))
        return labels @ values(loss, np.eye(n), log_p)

    starts = [np.log(labels), np.zeros(n), 2 * np.log(labels)]
    best = min((minimize(expected, z, tol=1e-14, method="BFGS") for z in starts), key=lambda result: result.fun)
    return softmax(best.x)


@pytest.mark.parametrize("loss", INVERTIBLE, ids=repr)
@pytest.mark.parametrize("truth", [(0.5, 0.3, 0.2), (0.1, 0.8, 0.1), (0.34, 0.33, 0.33)])
def test_true_probabilities_undo_the_minimiser(loss, truth):
    truth = np.array(truth)
    if isinstance(loss, ForwardCorrection):  # near a corner no prediction has the labels' minimiser
        truth = (truth + 1) / 4
    p = minimiser(loss, label_distribution(loss, truth))
    np.testing.assert_allclose(loss.true_probabilities(p[np.newaxis])[0], truth, atol=2e-5)


@given(arrays(float, (1, 4), elements=st.floats(0, 1)))
def test_true_probabilities_are_distributions_that_keep_the_order(weights):
    """Also where some probabilities are 0 or 1."""
    weights[0, 0] += 0.01
    p = weights / weights.sum()
    for loss in INVERTIBLE[:-2]:
        q = loss.true_probabilities(p)
        assert q.min() >= 0
        assert q.sum() == pytest.approx(1)
        assert (np.diff(q[0, p[0].argsort()]) >= -1e-9).all()


@pytest.mark.parametrize("p", [[0.0, 1.0], [1.0, 0.0], [1e-300, 1.0], [0.5, 0.5]])
@pytest.mark.parametrize("loss", [loss for loss in INVERTIBLE if not isinstance(loss, ForwardCorrection)], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_true_probabilities_of_certainty_and_of_a_tie(loss, p, dtype):
    p = np.array([p], dtype)
    q = loss.true_probabilities(p)
    assert q.dtype == dtype
    np.testing.assert_allclose(q, p, atol=1e-6)


@pytest.mark.parametrize("loss", [MeanAbsoluteError(), ExpectedCost(), GeneralizedCrossEntropy(1), Mine()], ids=repr)
def test_a_loss_without_a_way_back_says_so(loss):
    with pytest.raises(ValueError, match="no known way back from its predictions"):
        loss.true_probabilities(np.array([[0.5, 0.5]]))


@pytest.mark.parametrize("name", [name for name in LOSSES if LOSSES[name].proper])
@given(weights=arrays(float, (2, 3), elements=st.floats(0.01, 1)))
def test_a_loss_that_says_it_is_proper_is(name, weights):
    """On average over draws from the truth no other prediction is better."""
    truth, other = weights / weights.sum(axis=1, keepdims=True)
    loss = resolve_loss(name)
    risk = [truth @ values(loss, np.eye(3), np.tile(np.log(p), (3, 1))) for p in (truth, other)]
    assert risk[0] <= risk[1] + 1e-12


@pytest.mark.parametrize("name", [name for name in LOSSES if not LOSSES[name].proper])
def test_a_loss_that_says_it_is_not_proper_is_not(name):
    truth = np.array([0.5, 0.3, 0.2])
    loss = resolve_loss(name)
    risk = [
        truth @ values(loss, np.eye(3), np.tile(np.log(p), (3, 1)))
        for p in (truth, *np.random.default_rng(0).dirichlet(50 * truth, 200))
    ]
    assert min(risk[1:]) < risk[0] - 1e-6


def by_hand(loss, label, p):
    """Return the loss of a hard label as its source writes it."""
    formulas = {
        MeanAbsoluteError: lambda: 0.5 * np.abs(p - np.eye(len(p))[label]).sum(),
        GeneralizedCrossEntropy: lambda: (1 - p[label] ** loss.q) / loss.q,
        SymmetricCrossEntropy: lambda: -loss.alpha * np.log(p[label]) - loss.beta * loss.log_zero * (1 - p[label]),
        Focal: lambda: -((1 - p[label]) ** loss.gamma) * np.log(p[label]),
        Poly1: lambda: -np.log(p[label]) + loss.epsilon * (1 - p[label]),
        LabelSmoothing: lambda: -(1 - loss.epsilon) * np.log(p[label]) - loss.epsilon * np.log(p).mean(),
        ExpectedCost: lambda: sum(abs(label - k) * p[k] for k in range(len(p))),
        Spherical: lambda: 1 - p[label] / np.linalg.norm(p),
    }
    return formulas[type(loss)]()


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"cross_entropy", "quadratic"}))
def test_losses_are_those_of_their_sources(name, problem):
    labels, one_hot, _, log_p = problem
    loss = resolve_loss(name)
    expected = [by_hand(loss, label, p) for label, p in zip(labels, np.exp(log_p), strict=True)]
    np.testing.assert_allclose(values(loss, one_hot, log_p), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "limit", "tolerance"),
    [
        (GeneralizedCrossEntropy(1e-6), CrossEntropy(), 1e-4),
        (GeneralizedCrossEntropy(1), MeanAbsoluteError(), 1e-12),
        (Focal(0), CrossEntropy(), 1e-12),
        (Poly1(0), CrossEntropy(), 1e-12),
        (LabelSmoothing(0), CrossEntropy(), 1e-12),
        (SymmetricCrossEntropy(alpha=1, beta=0), CrossEntropy(), 1e-12),
        (ForwardCorrection(np.eye(4)), CrossEntropy(), 1e-12),
        (ForwardCorrection(np.eye(4), Focal()), Focal(), 1e-12),
    ],
    ids=repr,
)
def test_limits_are_other_losses(loss, limit, tolerance, problem):
    _, one_hot, soft, log_p = problem
    for y in (one_hot, soft):
        for got, wanted in zip(
            loss.pointwise(y, np.exp(log_p), log_p), limit.pointwise(y, np.exp(log_p), log_p), strict=True
        ):
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def test_costs_that_are_all_one_are_the_absolute_error(problem):
    _, one_hot, soft, log_p = problem
    for y in (one_hot, soft):
        (value, gradient), (expected, expected_gradient) = (
            loss.pointwise(y, np.exp(log_p), log_p) for loss in (ExpectedCost(1 - np.eye(4)), MeanAbsoluteError())
        )
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        # They differ by a multiple of p, which a distribution cannot follow.
        ratio = (gradient - expected_gradient) / np.exp(log_p)
        np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], ratio.shape), rtol=1e-12)


def test_symmetric_cross_entropy_of_hard_labels_is_poly1(problem):
    _, one_hot, _, log_p = problem
    loss = SymmetricCrossEntropy(alpha=0.5, beta=2.0, log_zero=-3.0)
    np.testing.assert_allclose(values(loss, one_hot, log_p), 0.5 * values(Poly1(12.0), one_hot, log_p), rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GeneralizedCrossEntropy(0), r"q=0 must be a float in the range \(0"),
        (lambda: GeneralizedCrossEntropy(1.2), r"q=1\.2 must be a float in the range"),
        (lambda: GeneralizedCrossEntropy(np.nan), "q=nan must be"),
        (lambda: GeneralizedCrossEntropy("much"), "q='much' must be"),
        (lambda: GeneralizedCrossEntropy().set_params(q=-1), "q=-1 must be"),
        (lambda: LabelSmoothing(1), r"epsilon=1 must be a float in the range \[0"),
        (lambda: LabelSmoothing(-0.1), "epsilon=-0.1 must be"),
        (lambda: Focal(-1), "gamma=-1 must be"),
        (lambda: Focal(np.inf), "gamma=inf must be"),
        (lambda: Poly1(-1), "epsilon=-1 must be"),
        (lambda: SymmetricCrossEntropy(alpha=0), "alpha=0 must be"),
        (lambda: SymmetricCrossEntropy(log_zero=0), "log_zero=0 must be"),
        (lambda: ExpectedCost([[0, 1, 2], [1, 0, 1]]), r"cost has shape \(2, 3\); it must be square"),
        (lambda: ExpectedCost([0, 1]), r"cost has shape \(2,\); it must be square"),
        (lambda: ExpectedCost([[0, 1], [np.nan, 0]]), r"cost\[1, 0\] is nan"),
        (lambda: ExpectedCost([[0, 1], [2]]), "is not a matrix of real numbers"),
        (lambda: ExpectedCost("ordinal"), "cost='ordinal' is not a matrix of real numbers"),
        (lambda: ExpectedCost(3), "cost=3 is not a matrix of real numbers"),
        (lambda: ExpectedCost(1j * np.eye(2)), "is not a matrix of real numbers"),
        (lambda: ExpectedCost([["0", "1"], ["1", "0"]]), "is not a matrix of real numbers"),
        (lambda: ExpectedCost(np.ma.masked_equal(np.eye(2), 0)), "is not a matrix of real numbers"),
        (lambda: ForwardCorrection("guess"), "transition='guess' must be a matrix or 'estimate'"),
        (lambda: ForwardCorrection(pilot=ForwardCorrection()), "pilot=.* looks at the data before the fit"),
        (lambda: ForwardCorrection(np.eye(2), ForwardCorrection()), "loss=.* looks at the data before the fit"),
        (lambda: ForwardCorrection([[0.9, 0.1], [0.3, 0.6]]), r"Row 1 of transition sums to 0\.9;"),
        (lambda: ForwardCorrection([[0.9, 0.3], [0.1, 0.7]]), r"Row 0 of transition sums to 1\.2; .* transpose it"),
        (lambda: ForwardCorrection([[1.1, -0.1], [0, 1]]), r"transition\[0, 1\] is -0\.1; probabilities are not neg"),
        (lambda: ForwardCorrection([[1, 0], [1, 0]]), "Column 1 of transition is all 0"),
        (lambda: ForwardCorrection([[0.9, 0.1]]), r"transition has shape \(1, 2\); it must be square"),
        (lambda: ForwardCorrection(loss="nonsense"), "unknown loss 'nonsense'"),
    ],
)
def test_bad_parameters_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_matrices_of_another_size_are_named():
    for loss, name in ((ExpectedCost(np.eye(3)), "cost"), (ForwardCorrection(np.eye(3)), "transition")):
        with pytest.raises(ValueError, match=rf"{name} has shape \(3, 3\), but there are 5 outcomes"):
            check_shapes(loss, 5)


def test_numpy_parameters_leave_float32_alone():
    check_loss(GeneralizedCrossEntropy(np.float64(0.5)))
    check_loss(Focal(np.float32(1.5)))
    check_loss(ExpectedCost(np.arange(4).reshape(2, 2)), n_outcomes=2)


# ------------------------------------------------------------------------------------------ forward correction

PAIRS = 0.6 * np.eye(3) + 0.4 * np.roll(np.eye(3), 1, axis=1)
EVEN = 0.7 * np.eye(3) + 0.1


@pytest.mark.parametrize("transition", [PAIRS, EVEN, np.eye(3)], ids=["pairs", "even", "none"])
@pytest.mark.parametrize("name", [name for name in LOSSES if name != "expected_cost"])
def test_forward_correction_keeps_the_promises_of_a_loss(transition, name):
    check_loss(ForwardCorrection(transition, name), n_outcomes=3)


def test_forward_correction_is_the_loss_of_the_mixed_probabilities(problem):
    _, one_hot, _, log_p = problem
    transition = 0.5 * np.eye(4) + 0.125
    mixed = np.exp(log_p) @ transition
    np.testing.assert_allclose(
        values(ForwardCorrection(transition), one_hot, log_p), -np.log((mixed * one_hot).sum(axis=1)), rtol=1e-12
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forward_correction_is_exact_where_all_ways_to_a_label_underflow(dtype):
    """A label of class 1 comes from true class 0 or 1, whose probabilities are exp(-1000) and exp(-1001)."""
    log_p = np.array([[-1000.0, -1001.0, 0.0]], dtype)
    y = np.array([[0, 1, 0]], dtype)
    value, gradient = ForwardCorrection(PAIRS).pointwise(y, np.exp(log_p), log_p)
    expected = np.logaddexp(-1000 + np.log(0.4), -1001 + np.log(0.6))
    assert value[0] == pytest.approx(-expected, rel=1e-6)
    shares = np.exp([-1000 + np.log(0.4) - expected, -1001 + np.log(0.6) - expected])
    np.testing.assert_allclose(gradient[0], [-shares[0], -shares[1], 0], rtol=1e-3 if dtype == np.float32 else 1e-9)


def test_forward_correction_shows_what_differs_from_its_defaults():
    assert repr(ForwardCorrection()) == "ForwardCorrection()"
    changed = ForwardCorrection(loss="focal").set_params(pilot__q=0.3)
    assert repr(changed) == "ForwardCorrection(loss=Focal(), pilot=GeneralizedCrossEntropy(q=0.3))"
    assert repr(ForwardCorrection()) == "ForwardCorrection()"


def test_matrices_may_come_in_many_containers():
    pandas = pytest.importorskip("pandas")
    matrix = [[1, 0], [0, 1]]
    containers = [np.array, list, sparse.csr_array, pandas.DataFrame, lambda rows: np.array(rows, dtype=bool)]
    for container in containers:
        np.testing.assert_array_equal(ForwardCorrection(container(matrix)).transition, np.eye(2))
        np.testing.assert_array_equal(ExpectedCost(container(matrix)).cost, np.eye(2))


def test_rounding_below_zero_is_zero():
    np.testing.assert_array_equal(ForwardCorrection([[1, -1e-17], [0.25, 0.75]]).transition, [[1, 0], [0.25, 0.75]])


def test_a_singular_matrix_is_said_where_it_must_be_inverted():
    p = np.array([[0.2, 0.3, 0.5]])
    singular = [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    for loss in ("cross_entropy", "focal"):
        with pytest.raises(ValueError, match="transition is singular"):
            ForwardCorrection(singular, loss).true_probabilities(p)


def test_an_estimate_outside_a_fit_is_refused():
    with pytest.raises(ValueError, match="found by fit from all rows at once; elsewhere pass a matrix"):
        check_shapes(ForwardCorrection(), 3)


def test_an_estimate_asks_for_models_of_the_pilot_and_then_of_itself():
    rng = np.random.default_rng(0)
    true = rng.integers(3, size=3000)
    given = (rng.random(3000)[:, np.newaxis] > PAIRS[true].cumsum(axis=1)).sum(axis=1)
    asked = []

    def crossfit(loss):
        asked.append(loss)
        return np.eye(3)[given], np.eye(3)[true] * 0.9 + 1 / 30

    adapted = ForwardCorrection(loss="quadratic", pilot="focal").adapted(crossfit)
    assert isinstance(asked[0], Focal)
    assert isinstance(asked[1], ForwardCorrection)
    assert isinstance(asked[1].loss, Quadratic)
    np.testing.assert_allclose(adapted.transition, PAIRS, atol=0.07)
    assert isinstance(asked[2], Quadratic)
    given_loss = ForwardCorrection(PAIRS)
    assert given_loss.adapted(crossfit) is given_loss
    assert len(asked) == 3


def test_there_is_no_matrix_where_labels_are_predicted_better_without():
    X, y = load_wine(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    spoilt = np.where(np.random.default_rng(0).random(len(y)) < 0.4, (y + 1) % 3, y)
    for labels, loss, right in (
        (y, "cross_entropy", True),
        (spoilt, "cross_entropy", False),
        (y, "generalized_cross_entropy", False),
    ):
        found = SoftmaxRegressor(ForwardCorrection(loss=loss), alpha=1e-2).fit(X, labels).transition_
        assert (found == np.eye(3)).all() == right


@pytest.mark.parametrize("dtype", [float, np.float32])
def test_surely_better_is_by_two_standard_errors(dtype):
    rng = np.random.default_rng(0)
    weight = rng.integers(1, 4, size=500)
    y, p = np.eye(2)[rng.integers(2, size=500)] * weight[:, np.newaxis], np.full((500, 2), 0.5, dtype)
    noise = rng.normal(size=500) * 0.3
    noise = (noise - np.average(noise, weights=weight)) / np.sqrt(np.cov(noise, fweights=weight, ddof=0))
    for errors, sure in ((1.9, False), (2.1, True), (-2.1, False)):
        gain = 0.01 * (noise + errors / np.sqrt(weight.sum()))
        q = (p / np.exp(gain)[:, np.newaxis]).astype(dtype)
        assert _surely_better(y, p, q) == sure
        assert (
            _surely_better(
                np.repeat(y / weight[:, np.newaxis], weight, axis=0),
                *(np.repeat(part, weight, axis=0) for part in (p, q)),
            )
            == sure
        )
    assert not _surely_better(y, p, p)


def test_inner_losses_have_parameters():
    loss = ForwardCorrection(PAIRS, "generalized_cross_entropy")
    assert loss.get_params()["loss__q"] == 0.7
    assert loss.set_params(loss__q=0.2, transition="estimate").loss.q == 0.2
    with pytest.raises(ValueError, match=r"loss__q|q=3"):
        loss.set_params(loss__q=3)
