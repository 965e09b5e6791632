"""check_loss passes right losses and finds each kind of wrong one."""

import itertools
from functools import partial

import numpy as np
import pytest
from helpers import Focal

from skxent.losses import CrossEntropy, Loss, Quadratic
from skxent.testing import check_loss
from skxent.testing._loss import _check_gradient, _examples


class CostSensitive(Loss):
    """Has a hyper-parameter for each outcome."""

    def __init__(self, costs):
        self.costs = costs

    def pointwise(self, y, p, log_p):
        weighted = y * np.asarray(self.costs, dtype=y.dtype)
        return -(weighted * log_p).sum(axis=1), -weighted


@pytest.mark.parametrize("loss", ["cross_entropy", "quadratic", CrossEntropy(), Quadratic(), Focal(), Focal(1.5)])
def test_right_losses_pass(loss):
    check_loss(loss)


class OtherNames(Loss):
    """Cross-entropy whose author names the arguments differently, as a fit allows."""

    def pointwise(self, target, _, logs):
        return -(target * logs).sum(axis=1), -target


def test_arguments_may_have_any_names():
    check_loss(OtherNames())


def test_n_outcomes_can_be_one_number():
    check_loss(CostSensitive([1.0, 2.0, 0.5]), n_outcomes=3)
    with pytest.raises(AssertionError, match=r"failed on arrays of shape \(3, 2\).* checked with n_outcomes"):
        check_loss(CostSensitive([1.0, 2.0, 0.5]))


def test_other_draws_can_be_had():
    check_loss(Focal(), random_state=np.random.RandomState(7))
    check_loss(Focal(), random_state=None)


def test_what_is_no_loss():
    with pytest.raises(ValueError, match=r"known: .*cross_entropy"):
        check_loss("nonsense")
    with pytest.raises(TypeError, match=r"pass an instance: Focal\(\)"):
        check_loss(Focal)


class Broken(CrossEntropy):
    """Right but for what a subclass spoils."""

    def __repr__(self):
        return "the loss"


class WrongFactor(Broken):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss, 1.001 * gradient


class GradientOfTheScores(Broken):
    def pointwise(self, y, p, log_p):
        return super().pointwise(y, p, log_p)[0], p - y


class WrongForSoftTargets(Broken):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss, np.where(y == 1, gradient, 0).astype(y.dtype)


class MeanOverRows(Broken):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return np.broadcast_to(loss.mean(), loss.shape).copy(), gradient / np.array(len(y), y.dtype)


class Scalar(Broken):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss.sum(), gradient


class ColumnOfLosses(Broken):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss[:, np.newaxis], gradient


class OnlyTheLoss(Broken):
    def pointwise(self, y, p, log_p):
        return super().pointwise(y, p, log_p)[0]


class Squeezed(Broken):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss.squeeze(), gradient


class Doubles(Broken):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss, np.float64(1.0) * gradient


class Lists(Broken):
    def pointwise(self, y, p, log_p):
        return [part.tolist() for part in super().pointwise(y, p, log_p)]


class ChangesTargets(Broken):
    def pointwise(self, y, p, log_p):
        result = super().pointwise(y, p, log_p)
        y *= 0.5
        return result


class ChangesLogProbabilities(Broken):
    def pointwise(self, y, p, log_p):
        result = super().pointwise(y, p, log_p)
        np.maximum(log_p, -1, out=log_p)
        return result


class ReturnsItsInput(Broken):
    def pointwise(self, y, p, log_p):
        return p.sum(axis=1), p


class Noisy(Broken):
    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss + np.random.default_rng().random(len(y)).astype(y.dtype), gradient


class Counting(Broken):
    calls = itertools.count()

    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss + next(self.calls), gradient


class EntropyOfOneHotTargets(Broken):
    """The divergence of the targets, where log 0 is met."""

    def pointwise(self, y, p, log_p):
        with np.errstate(all="ignore"):
            return (y * (np.log(y) - log_p)).sum(axis=1), -y


class LogOfZero(Broken):
    def pointwise(self, y, p, log_p):
        return -(y * np.log(p)).sum(axis=1), -y


class SilentNan(Broken):
    def pointwise(self, y, p, log_p):
        with np.errstate(all="ignore"):
            return -(y * np.log(p)).sum(axis=1), -y


class PowerOfZero(Broken):
    """The generalised cross-entropy (1 - p^q) / q, its gradient by the textbook."""

    def pointwise(self, y, p, log_p):
        with np.errstate(all="ignore"):
            return (y * (1 - p**0.7) / 0.7).sum(axis=1), -y * p**-0.3 * p


class Unpicklable(Broken):
    def __init__(self):
        self.scale = lambda gradient: gradient

    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return loss, self.scale(gradient)


class ForgetsWhenPickled(Broken):
    def __init__(self, scale=1.0):
        self.scale = scale

    def __getstate__(self):
        return {"scale": 1.0}

    def pointwise(self, y, p, log_p):
        loss, gradient = super().pointwise(y, p, log_p)
        return self.scale * loss, self.scale * gradient


class WritesWhatIsThere(Broken):
    def pointwise(self, y, p, log_p):
        return super().pointwise(y, np.maximum(p, 0, out=p), log_p)


class DoublesItsParameter(Focal):
    def __init__(self, gamma=1.0):
        super().__init__(2 * gamma)


class KeepsItUnderAnotherName(Broken):
    def __init__(self, scale=1.0):
        self.factor = scale


class HidesItsParameters(Broken):
    def __init__(self, **settings):
        self.settings = settings

    def pointwise(self, y, p, log_p):
        return tuple(self.settings.get("scale", 1.0) * part for part in super().pointwise(y, p, log_p))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (WritesWhatIsThere, r"writes into an input .* Work on a copy"),
        (DoublesItsParameter, r"making it from its get_params\(\) changed its results"),
        (KeepsItUnderAnotherName, r"get_params\(\) failed: .* has no attribute 'scale'"),
        (partial(HidesItsParameters, scale=2.0), r"making it from its get_params\(\) changed its results"),
        (WrongFactor, r"the loss: the gradient is wrong\. .* is -1 by central differences, .* returned -1\.001"),
        (GradientOfTheScores, "gradient is wrong"),
        (WrongForSoftTargets, "gradient is wrong"),
        (MeanOverRows, "rows are not independent: row 0 by itself differs by .* axis=1"),
        (Scalar, r"returned shapes \(\(\), \(3, 2\)\)"),
        (ColumnOfLosses, r"returned shapes \(\(3, 1\), \(3, 2\)\)"),
        (OnlyTheLoss, "failed on arrays of shape"),
        (Squeezed, r"for a single row, .* shapes \(\) and \(1, 2\) .* do not squeeze"),
        (Doubles, "the gradient has dtype float64 for inputs of float32"),
        (Lists, "the loss has dtype list"),
        (ChangesTargets, "changed its input y"),
        (ChangesLogProbabilities, "changed its input log_p"),
        (ReturnsItsInput, "is the input p itself"),
        (Noisy, "not pure: a second call .* changed the loss by up to 0"),
        (Counting, "not pure: a second call .* changed the loss by up to 1 "),
        (EntropyOfOneHotTargets, r"for y=.* the loss is \[nan\] .* not finite\. .*xlogy"),
        (LogOfZero, "divide by zero .* behind Softmax. Work with log_p"),
        (SilentNan, r"the loss is \[inf\] .* not finite\. Work with log_p"),
        (PowerOfZero, "gradient .*nan.* not finite"),
        (Unpicklable, "pickling failed: .* top level of a module"),
        (partial(ForgetsWhenPickled, 2.0), "pickling changed its results"),
    ],
)
def test_wrong_losses_are_named(make, message):
    with pytest.raises(AssertionError, match=rf"(?s){message}"):
        check_loss(make())


class SteepNearOne(Loss):
    """Binary cross-entropy of the second outcome by 1 - p, whose derivatives near p = 1 differences find badly."""

    def pointwise(self, y, p, log_p):
        on, off = y[:, 1], 1 - y[:, 1]
        gradient = np.zeros_like(p)
        gradient[:, 1] = off * p[:, 1] / (1 - p[:, 1]) - on
        return -on * log_p[:, 1] - off * np.log1p(-p[:, 1]), gradient


def test_a_right_gradient_is_not_blamed_for_rounding():
    y, log_p = _examples(2, np.random.RandomState(0))
    _check_gradient(SteepNearOne(), y, log_p)
    with pytest.raises(AssertionError, match="gradient is wrong"):
        _check_gradient(WrongFactor(), y, log_p)


class Reward(Loss):
    """The cross-entropy with the wrong sign."""

    def pointwise(self, y, p, log_p):
        return (y * log_p).sum(axis=1), y.copy()


class BoundedReward(Loss):
    """The probability of the target, which a loss must not be."""

    def pointwise(self, y, p, log_p):
        return (y * p).sum(axis=1), y * p


@pytest.mark.parametrize("loss", [Reward(), BoundedReward()])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_of_the_wrong_sign_is_refused(loss):
    with pytest.raises(AssertionError, match=r"wrong sign|well separated classes failed"):
        check_loss(loss)
