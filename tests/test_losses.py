"""The losses: closed forms, other people's implementations, and the registry of names."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, rel_entr
from sklearn.metrics import brier_score_loss, log_loss

from skxent.losses import LOSSES, CrossEntropy, Loss, Quadratic, check_shapes, resolve_loss
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


@given(arrays(float, (2, 3), elements=st.floats(0.01, 1)))
def test_the_truth_minimises_a_proper_loss(weights):
    """On average over draws from the truth no other prediction is better."""
    truth, other = weights / weights.sum(axis=1, keepdims=True)
    for loss in (CrossEntropy(), Quadratic()):
        risk = [truth @ values(loss, np.eye(3), np.tile(np.log(p), (3, 1))) for p in (truth, other)]
        assert risk[0] <= risk[1] + 1e-12


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
    assert registry.name_of(Unnamed) is None
    assert isinstance(resolve_loss("mine"), Mine)


class Focal(Loss):
    def __init__(self, gamma=2.0):
        self.gamma = gamma

    def pointwise(self, y, p, log_p):
        raise NotImplementedError


def test_hyper_parameters_are_read_and_set_by_name():
    loss = Focal(gamma=1.0)
    assert loss.get_params() == {"gamma": 1.0}
    assert loss.set_params(gamma=3.0) is loss
    assert loss.gamma == 3.0
    assert repr(loss) == "Focal(gamma=3.0)"
    assert CrossEntropy().get_params() == {}
    with pytest.raises(ValueError, match="Focal has no parameter 'alpha'; its parameters: gamma"):
        loss.set_params(alpha=1)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"^unknown loss 'hinge'; known: cross_entropy, quadratic\.$"):
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
    assert repr(Tempered(2.0)) == "Tempered(temperature=2.0, base='e')"


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

    check_shapes(NeedsThree(), 3)
    with pytest.raises(ValueError, match=r"failed on arrays of shape \(3, 5\): operands could not be broadcast"):
        check_shapes(NeedsThree(), 5)
