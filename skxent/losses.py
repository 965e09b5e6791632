"""Losses: how far predicted distributions are from the observed ones.

A loss is one pure function of the observed distribution ``y`` and the predicted one, ``p``, row by
row. The objective adds the data, the weights, the output layer and the penalty, so that a new loss is
about ten lines::

    class Focal(Loss, name="focal"):
        def __init__(self, gamma=2.0):
            self.gamma = gamma

        def pointwise(self, y, p, log_p):
            q = 1 - p
            loss = -(y * q**self.gamma * log_p).sum(axis=1)
            gradient = y * (self.gamma * p * q ** (self.gamma - 1) * log_p - q**self.gamma)
            return loss, gradient

Check yours with :func:`skxent.testing.check_loss`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy.special import logsumexp, softmax

from skxent._parameters import Parameters
from skxent._registry import Registry
from skxent._sklearn import Interval
from skxent._typing import Array
from skxent.label_noise._transition import WrongSize, check_size, check_square, check_transition, estimate_transition

__all__ = [
    "LOSSES",
    "CrossEntropy",
    "CrossFit",
    "ExpectedCost",
    "Focal",
    "ForwardCorrection",
    "GeneralizedCrossEntropy",
    "LabelSmoothing",
    "Loss",
    "MeanAbsoluteError",
    "Poly1",
    "Quadratic",
    "Spherical",
    "SymmetricCrossEntropy",
    "check_purity",
    "check_shapes",
    "has_way_back",
    "log_of",
    "normalized",
    "resolve_loss",
]

LOSSES: Registry[type[Loss]] = Registry("loss")

CrossFit = Callable[["Loss"], tuple[Array, Array]]


def _checked(name: str, value: float, allowed: Interval) -> float:
    """Return a parameter in its range as a Python number, which leaves arrays in their dtype."""
    if not allowed.is_satisfied_by(value):
        raise ValueError(f"{name}={value!r} must be {allowed}.")
    return float(value)


def log_of(values: Array) -> Array:
    """Return logarithms; that of 0 is minus infinity."""
    return np.log(values, out=np.full_like(values, -np.inf), where=values > 0)


def normalized(weights: Array) -> Array:
    """Return rows divided by their sums."""
    return weights / weights.sum(axis=1, keepdims=True)


class Loss(Parameters, ABC):
    """A loss between an observed and a predicted distribution over the same outcomes.

    Subclasses implement :meth:`pointwise` and hold nothing but their own hyper-parameters, each an argument of
    ``__init__`` kept under its name: then ``get_params`` and ``set_params`` work, and a grid search can set
    ``loss__gamma``. Giving the subclass a name, ``class MyLoss(Loss, name="mine")``, makes ``loss="mine"`` work as
    well as ``loss=MyLoss()``.
    """

    def __init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if name is not None:
            LOSSES.register(name)(cls)

    proper: ClassVar[bool] = False

    @abstractmethod
    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Loss of each row and its derivative with respect to the log-probabilities.

        Parameters
        ----------
        y : ndarray of shape (n_rows, n_outcomes)
            Observed distributions: one-hot rows for hard labels. Read only.
        p : ndarray of shape (n_rows, n_outcomes)
            Predicted probabilities, exact zeros and ones included. Read only.
        log_p : ndarray of shape (n_rows, n_outcomes)
            Their natural logarithms, finite and accurate also where `p` underflows. Read only.

        Returns
        -------
        loss : ndarray of shape (n_rows,)
            Loss of each row, in nats where it is an entropy.
        gradient : ndarray of shape (n_rows, n_outcomes)
            Partial derivatives of the row's loss, each :math:`\partial L/\partial\\log p_k` taken as
            if the :math:`p_k` could move freely; the output layer adds the constraint that they sum to 1.
        """

    @property
    def needs_all_rows(self) -> bool:
        """Whether the loss looks at all rows before the fit; by default, whether a subclass has its own `adapted`.

        Estimators have no ``partial_fit`` then.
        """
        return type(self).adapted is not Loss.adapted

    def adapted(self, crossfit: CrossFit) -> Loss:
        """Return the loss to fit with, for losses that need a look at the data first; by default the loss itself.

        Parameters
        ----------
        crossfit : callable
            Takes a loss and returns `y` and `p` as :meth:`pointwise` gets them, in float64: the observed distributions
            times the weights of their rows, and probabilities by models fitted with that loss on other rows.

        Returns
        -------
        Loss
            What the estimator fits with and keeps as ``loss_``.
        """
        return self

    def true_probabilities(self, p: Array) -> Array:
        r"""Return the true probabilities of the outcomes, given the prediction that minimises the expected loss.

        Parameters
        ----------
        p : ndarray of shape (n_rows, n_outcomes)
            Predicted probabilities.

        Returns
        -------
        ndarray of shape (n_rows, n_outcomes)
            The probabilities :math:`\eta` for which :math:`p` minimises :math:`\sum_k \eta_k L(e_k, p)`; `p` itself
            for a proper scoring rule.

        Raises
        ------
        ValueError
            If the loss has no such map, as different :math:`\eta` have the same minimiser, or none is known.
        """
        if not self.proper:
            raise ValueError(
                f"{self!r} has no known way back from its predictions to the true probabilities. Use a proper scoring "
                "rule, such as 'cross_entropy', or a loss that implements true_probabilities."
            )
        return p


class CrossEntropy(Loss, name="cross_entropy"):
    r"""Cross-entropy :math:`H(y, p) = -\sum_k y_k \log p_k`, the negative log-likelihood, in nats.

    Its gradient with respect to the scores of a softmax or sigmoid output is :math:`p - y`: the larger
    the error, the larger the step, however saturated the output.

    References
    ----------
    .. [1] C. E. Shannon, "A Mathematical Theory of Communication", 1948,
       :doi:`10.1002/j.1538-7305.1948.tb01338.x`

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.25, 0.75]])
    >>> loss, _ = CrossEntropy().pointwise(np.array([[0.0, 1.0]]), p, np.log(p))
    >>> bool(loss[0] == -np.log(0.75))
    True
    """

    proper = True

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`-\sum_k y_k \log p_k` and :math:`-y`; see :meth:`Loss.pointwise`."""
        gradient = -y
        return np.einsum("ij,ij->i", gradient, log_p), gradient


class Quadratic(Loss, name="quadratic"):
    r"""Quadratic loss :math:`\tfrac12\sum_k (p_k - y_k)^2`, half the Brier score.

    Bounded, so robust to wrong labels, and not convex in the scores. Its gradient carries the
    derivative of the output layer and vanishes where the model is confidently wrong.

    For one sigmoid unit with output :math:`a` and target :math:`y` the two outcomes have probabilities
    :math:`a` and :math:`1-a`, so that the loss is :math:`(a-y)^2`.

    References
    ----------
    .. [1] G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", 1950,
       :doi:`10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2`

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.25, 0.75]])
    >>> Quadratic().pointwise(np.array([[0.0, 1.0]]), p, np.log(p))[0]
    array([0.0625])
    """

    proper = True

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`\tfrac12\sum_k (p_k-y_k)^2` and :math:`(p-y)p`; see :meth:`Loss.pointwise`."""
        error = p - y
        return 0.5 * (error * error).sum(axis=1), error * p


class MeanAbsoluteError(Loss, name="mean_absolute_error"):
    r"""Mean absolute error :math:`1 - \sum_k y_k p_k`, half of :math:`\sum_k |y_k - p_k|` for a hard label.

    It is the probability that a label drawn from :math:`p` is not the one observed. A soft label counts as a draw of
    hard ones, so that the loss is linear in :math:`y`.

    - Range: 0 to 1.
    - Not a proper scoring rule: its minimiser puts all probability on the most probable class, so that the
      probabilities mean nothing and only the ranking of the classes does.
    - Wrong labels: symmetric, :math:`\sum_k L(k, p) = K - 1` whatever :math:`p` is. Labels that are wrong with the same
      probability below :math:`1 - 1/K` in all rows, and then take each other class equally often, leave its minimiser
      over all classifiers as it is [1]_.
    - Not convex, and flat where the model is sure: a fit can end far from the optimum.

    References
    ----------
    .. [1] A. Ghosh, H. Kumar, P. S. Sastry, "Robust Loss Functions under Label Noise for Deep Neural Networks", 2017,
       :doi:`10.1609/aaai.v31i1.10894`

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.25, 0.75]])
    >>> MeanAbsoluteError().pointwise(np.array([[0.0, 1.0]]), p, np.log(p))[0]
    array([0.25])
    """

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`1 - \sum_k y_k p_k` and :math:`-y p`; see :meth:`Loss.pointwise`."""
        gradient = -y * p
        return 1 + gradient.sum(axis=1), gradient


class GeneralizedCrossEntropy(Loss, name="generalized_cross_entropy"):
    r"""Generalised cross-entropy :math:`\sum_k y_k (1 - p_k^q) / q`, between cross-entropy and absolute error.

    Its gradient is that of the cross-entropy times :math:`p_k^q`, so that rows whose label the model finds improbable
    count little. The limit of small `q` is the cross-entropy, ``q=1`` the mean absolute error.

    - Range: 0 to :math:`1/q`.
    - Not a proper scoring rule: its minimiser is :math:`p_k \propto \eta_k^{1/(1-q)}` for true probabilities
      :math:`\eta`, too sure. :meth:`true_probabilities` undoes that for ``q < 1``.
    - Wrong labels: bounded. :math:`\sum_k L(k, p)` varies by no more than :math:`(K^{1-q} - 1)/q`, which bounds what
      uniformly wrong labels change in the minimum [1]_.
    - Not convex in the logits.

    Parameters
    ----------
    q : float, default=0.7
        From above 0 to 1. The larger, the less a wrong label counts, and the harder the fit.

    References
    ----------
    .. [1] Z. Zhang, M. R. Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy
       Labels", 2018, :doi:`10.48550/arXiv.1805.07836`

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.25, 0.75]])
    >>> GeneralizedCrossEntropy(q=0.5).pointwise(np.array([[1.0, 0.0]]), p, np.log(p))[0]
    array([1.])
    >>> GeneralizedCrossEntropy(q=0.5).true_probabilities(np.array([[0.1, 0.9]])).round(3)
    array([[0.25, 0.75]])
    """

    def __init__(self, q: float = 0.7) -> None:
        self.q = _checked("q", q, Interval(Real, 0, 1, closed="right"))

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`\sum_k y_k (1-p_k^q)/q` and :math:`-y p^q`; see :meth:`Loss.pointwise`."""
        power = np.expm1(self.q * log_p)
        return -(y * power).sum(axis=1) / self.q, -y * (power + 1)

    def true_probabilities(self, p: Array) -> Array:
        r"""Return :math:`\eta_k \propto p_k^{1-q}`; see :meth:`Loss.true_probabilities`."""
        if self.q == 1:
            return super().true_probabilities(p)
        return normalized(p ** (1 - self.q))


class SymmetricCrossEntropy(Loss, name="symmetric_cross_entropy"):
    r"""Symmetric cross-entropy :math:`\alpha H(y, p) + \beta H(p, y)`, with :math:`\log 0 = A` in the second term.

    For a hard label :math:`j` it is :math:`-\alpha \log p_j - \beta A (1 - p_j)`: cross-entropy, which learns fast,
    plus the mean absolute error, which wrong labels hardly change. That is :math:`\alpha` times the poly-1 loss with
    :math:`\epsilon = -\beta A/\alpha`.

    - Range: 0 to infinity for hard labels.
    - Not a proper scoring rule. Of hard labels with true probabilities :math:`\eta` its minimiser has
      :math:`\eta_k \propto p_k / (\alpha - \beta A p_k)`, which :meth:`true_probabilities` returns.
    - Wrong labels: the second term is symmetric, the first is not; the smaller :math:`\alpha / \beta |A|`, the less
      they count [1]_.
    - Not convex in the logits.

    Parameters
    ----------
    alpha : float, default=0.1
        Weight of the cross-entropy, above 0.
    beta : float, default=1.0
        Weight of the reverse cross-entropy, at least 0.
    log_zero : float, default=-4.0
        What :math:`\log y_k` is where it is less, for :math:`y_k = 0` above all. Below 0.

    References
    ----------
    .. [1] Y. Wang et al., "Symmetric Cross Entropy for Robust Learning with Noisy Labels", 2019,
       :doi:`10.1109/ICCV.2019.00041`

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.25, 0.75]])
    >>> loss, _ = SymmetricCrossEntropy(alpha=1.0).pointwise(np.array([[0.0, 1.0]]), p, np.log(p))
    >>> bool(loss[0] == -np.log(0.75) + 4 * 0.25)
    True
    """

    def __init__(self, alpha: float = 0.1, beta: float = 1.0, log_zero: float = -4.0) -> None:
        self.alpha = _checked("alpha", alpha, Interval(Real, 0, None, closed="neither"))
        self.beta = _checked("beta", beta, Interval(Real, 0, None, closed="left"))
        self.log_zero = _checked("log_zero", log_zero, Interval(Real, None, 0, closed="neither"))

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`-\sum_k (\alpha y_k \log p_k + \beta p_k \log y_k)` and its derivative."""
        # A probability of exp(log_zero) and a true 0 have the same logarithm.
        reverse = -self.beta * p * np.log(np.maximum(y, math.exp(self.log_zero)))
        forward = -self.alpha * y
        return (forward * log_p + reverse).sum(axis=1), forward + reverse

    def true_probabilities(self, p: Array) -> Array:
        r"""Return :math:`\eta_k \propto p_k / (\alpha - \beta A p_k)`; see :meth:`Loss.true_probabilities`."""
        return normalized(p / (self.alpha - self.beta * self.log_zero * p))


class Focal(Loss, name="focal"):
    r"""Focal loss :math:`-\sum_k y_k (1 - p_k)^\gamma \log p_k`: cross-entropy in which easy rows count less.

    - Range: 0 to infinity.
    - Not a proper scoring rule unless ``gamma=0``: its minimiser is not sure enough. It has
      :math:`\eta_k \propto p_k / ((1-p_k)^\gamma - \gamma p_k (1-p_k)^{\gamma-1} \log p_k)` for true
      probabilities :math:`\eta` [2]_, which :meth:`true_probabilities` returns.
    - Wrong labels: made for rare classes, not for these; a label that the model finds improbable counts in full.

    Parameters
    ----------
    gamma : float, default=2.0
        At least 0, the cross-entropy. The larger, the less the easy rows count.

    References
    ----------
    .. [1] T.-Y. Lin et al., "Focal Loss for Dense Object Detection", 2017, :doi:`10.1109/ICCV.2017.324`
    .. [2] N. Charoenphakdee et al., "On Focal Loss for Class-Posterior Probability Estimation: A Theoretical
       Perspective", 2021, :doi:`10.1109/CVPR46437.2021.00516`

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.25, 0.75]])
    >>> loss, _ = Focal().pointwise(np.array([[0.0, 1.0]]), p, np.log(p))
    >>> bool(np.isclose(loss[0], -(0.25**2) * np.log(0.75)))
    True
    """

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = _checked("gamma", gamma, Interval(Real, 0, None, closed="left"))

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`-\sum_k y_k (1-p_k)^\gamma \log p_k` and its derivative; see :meth:`Loss.pointwise`."""
        rest, slope = self._parts(p, log_p)
        factor = rest**self.gamma
        return -(y * factor * log_p).sum(axis=1), -y * factor * slope

    def true_probabilities(self, p: Array) -> Array:
        r"""Return :math:`\eta_k \propto p_k / s_k`, where :math:`-y_k s_k` is the derivative."""
        # In logarithms, as the derivative underflows where p is nearly 1.
        least = np.finfo(p.dtype).tiny
        log_p = np.log(np.maximum(p, least))
        rest, slope = self._parts(p, log_p)
        return softmax(log_p - self.gamma * np.log(np.maximum(rest, least)) - np.log(slope), axis=1)

    def _parts(self, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`1-p` and :math:`1 - \gamma p \log p / (1-p)`."""
        rest = np.maximum(-np.expm1(log_p), 0)
        # log p / (1 - p) tends to -1 where p tends to 1.
        ratio = np.divide(log_p, rest, out=np.full_like(log_p, -1), where=rest > 0)
        return rest, 1 - self.gamma * p * ratio


class Poly1(Loss, name="poly1"):
    r"""Poly-1 loss :math:`\sum_k y_k (-\log p_k + \epsilon (1 - p_k))`: cross-entropy, its first term changed.

    In :math:`-\log p = (1-p) + (1-p)^2/2 + \dots` it puts :math:`1 + \epsilon` before the first term.

    - Range: 0 to infinity.
    - Not a proper scoring rule unless ``epsilon=0``: for ``epsilon > 0`` its minimiser is too sure. It has
      :math:`\eta_k \propto p_k / (1 + \epsilon p_k)` for true probabilities :math:`\eta`, which
      :meth:`true_probabilities` returns.
    - Wrong labels: the term that is added is the mean absolute error, so that a large `epsilon` makes them count less,
      relatively.
    - Not convex in the logits.

    Parameters
    ----------
    epsilon : float, default=1.0
        Above -1.

    References
    ----------
    .. [1] Z. Leng et al., "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions", 2022,
       :doi:`10.48550/arXiv.2204.12511`

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.25, 0.75]])
    >>> loss, _ = Poly1().pointwise(np.array([[0.0, 1.0]]), p, np.log(p))
    >>> bool(loss[0] == -np.log(0.75) + 0.25)
    True
    """

    def __init__(self, epsilon: float = 1.0) -> None:
        self.epsilon = _checked("epsilon", epsilon, Interval(Real, -1, None, closed="neither"))

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return the loss and :math:`-y (1 + \epsilon p)`; see :meth:`Loss.pointwise`."""
        return (y * (self.epsilon * (1 - p) - log_p)).sum(axis=1), -y * (1 + self.epsilon * p)

    def true_probabilities(self, p: Array) -> Array:
        r"""Return :math:`\eta_k \propto p_k / (1 + \epsilon p_k)`; see :meth:`Loss.true_probabilities`."""
        return normalized(p / (1 + self.epsilon * p))


class LabelSmoothing(Loss, name="label_smoothing"):
    r"""Cross-entropy with smoothed labels, :math:`-\sum_k ((1-\epsilon) y_k + \epsilon/K) \log p_k`.

    - Range: from the entropy of the smoothed label to infinity.
    - Not a proper scoring rule unless ``epsilon=0``: its minimiser is :math:`(1-\epsilon)\eta + \epsilon/K` for true
      probabilities :math:`\eta`. :meth:`true_probabilities` undoes that.
    - Wrong labels: not bounded, but no logit pays for being large, which acts as a penalty on the weights [2]_. Labels
      that are wrong with probability :math:`\epsilon (K-1)/K`, uniformly, give the same minimiser by themselves.
    - Convex in the logits.

    Parameters
    ----------
    epsilon : float, default=0.1
        What is taken from the label and spread evenly over all classes, from 0 to below 1.

    References
    ----------
    .. [1] C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016,
       :doi:`10.1109/CVPR.2016.308`
    .. [2] M. Lukasik et al., "Does Label Smoothing Mitigate Label Noise?", 2020, :doi:`10.48550/arXiv.2003.02819`

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.05, 0.95]])
    >>> LabelSmoothing(epsilon=0.1).true_probabilities(p).round(12)
    array([[0., 1.]])
    """

    def __init__(self, epsilon: float = 0.1) -> None:
        self.epsilon = _checked("epsilon", epsilon, Interval(Real, 0, 1, closed="left"))

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return the cross-entropy of the smoothed labels and their negatives; see :meth:`Loss.pointwise`."""
        gradient = (self.epsilon - 1) * y - self.epsilon / y.shape[1]
        return (gradient * log_p).sum(axis=1), gradient

    def true_probabilities(self, p: Array) -> Array:
        r"""Return :math:`(p - \epsilon/K)/(1-\epsilon)`, where negative 0; see :meth:`Loss.true_probabilities`."""
        return normalized(np.maximum(p - self.epsilon / p.shape[1], 0))


class ExpectedCost(Loss, name="expected_cost"):
    r"""Expected cost :math:`\sum_{jk} y_j C_{jk} p_k` of deciding for class :math:`k` with probability :math:`p_k`.

    - Range: from the least to the largest entry of :math:`C`.
    - Not a proper scoring rule: its minimiser decides for the class of least expected cost, with probability 1. So
      :meth:`~skxent.SoftmaxRegressor.predict` is the decision, and the probabilities mean nothing.
    - Wrong labels: robust to uniformly wrong ones if the columns of :math:`C` have equal sums, as those of
      :math:`1 - I` have, the mean absolute error.
    - Not convex, and flat where the model is sure: a fit can end far from the optimum.

    Parameters
    ----------
    cost : array-like of shape (n_outcomes, n_outcomes), optional
        Entry [j, k] is the cost of deciding for k where j is true. By default :math:`|j - k|`, for classes that are
        ordered. The order is that of ``classes_``. A unit of :class:`~skxent.SigmoidRegressor` has two outcomes, on
        and then off: with two classes, the second class and then the first.

    References
    ----------
    .. [1] P. Domingos, "MetaCost: A General Method for Making Classifiers Cost-Sensitive", 1999,
       :doi:`10.1145/312129.312220`

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.5, 0.25, 0.25]])
    >>> ExpectedCost().pointwise(np.array([[1.0, 0.0, 0.0]]), p, np.log(p))[0]
    array([0.75])
    """

    def __init__(self, cost: Any = None) -> None:
        self.cost = None if cost is None else check_square("cost", cost)

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`\sum_{jk} y_j C_{jk} p_k` and :math:`p_k \sum_j y_j C_{jk}`; see :meth:`Loss.pointwise`."""
        gradient = y @ self._cost(y.shape[1]).astype(y.dtype) * p
        return gradient.sum(axis=1), gradient

    def _cost(self, n_outcomes: int) -> Array:
        if self.cost is None:
            positions = np.arange(n_outcomes)
            return np.abs(positions[:, np.newaxis] - positions)
        return check_size("cost", self.cost, n_outcomes)


class Spherical(Loss, name="spherical"):
    r"""Spherical loss :math:`1 - \sum_k y_k p_k / \lVert p \rVert`.

    - Range: 0 to 1.
    - A strictly proper scoring rule: the predicted probabilities are those of the classes.
    - Wrong labels: bounded, so that a row whose label the model finds improbable counts little.
    - Not convex in the logits.

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", 2007,
       :doi:`10.1198/016214506000001437`

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[0.6, 0.8]]) / 1.4
    >>> Spherical().pointwise(np.array([[0.0, 1.0]]), p, np.log(p))[0].round(12)
    array([0.2])
    """

    proper = True

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`1 - y \cdot s` and :math:`s^2 (y \cdot s) - y s` with :math:`s = p/\lVert p \rVert`."""
        s = p / np.sqrt((p * p).sum(axis=1, keepdims=True))
        hit = y * s
        total = hit.sum(axis=1, keepdims=True)
        return 1 - total[:, 0], s * s * total - hit


_LABELS, _PILOT = CrossEntropy(), GeneralizedCrossEntropy()
# Models without a noise matrix must predict the labels better by this many standard errors; then none is used.
_SURE = 2


class ForwardCorrection(Loss):
    r"""A loss of the given labels, which are wrong as a noise matrix says: :math:`L(y, p\,T)`.

    The model's :math:`p` are probabilities of the *true* class. Entry :math:`T_{ij}` is the probability that a row of
    true class :math:`i` is labelled :math:`j`, so that :math:`p\,T` are those of the label, which `loss` compares with
    the labels given [1]_. Soft labels are distributions of the label given, not of the true class.

    - Range: that of `loss`.
    - With a proper `loss` the minimiser is the true class's distribution, whatever the noise, as long as
      :math:`T` is right and can be inverted. With another, :math:`p\,T` is the minimiser of `loss` where there is a
      :math:`p` for it.
    - Not convex in the logits unless :math:`T` is the identity.
    - What the model cannot fit looks like wrong labels to an estimate: it needs features with which a linear model
      could nearly tell the true classes, and some dozen rows of each class.

    Parameters
    ----------
    transition : array-like of shape (n_outcomes, n_outcomes) or "estimate", default="estimate"
        The noise matrix: each row sums to 1, no column is all 0. The order is that of ``classes_``. A unit of
        :class:`~skxent.SigmoidRegressor` has two outcomes, on and then off: with two classes, the second class and then
        the first. ``"estimate"`` finds it in the fit; see the notes.
    loss : str or Loss, default=CrossEntropy()
        The loss of the labels.
    pilot : str or Loss, default=GeneralizedCrossEntropy()
        The loss of the first models behind an estimate: one that wrong labels change little.

    Attributes
    ----------
    transition : ndarray of shape (n_outcomes, n_outcomes) or str
        As given; fitted estimators show the matrix, given or found, as ``transition_``.

    Notes
    -----
    An estimate takes three steps:

    1. Models fitted with `pilot` on one half of the rows predict the other half, and the other way round. The matrix is
       the most probable one for these probabilities and the labels [2]_.
    2. The same once more, with this loss and the matrix found.
    3. If `loss` is a proper scoring rule, models without a matrix predict each half as well. If their mean log-loss is
       smaller, by more than two standard errors, labels are taken for right, and the matrix is the identity.

    The halves depend on nothing but what is in the rows. Each must have rows of two classes. Estimators have no
    ``partial_fit`` with an estimate, as all rows are needed at once.

    References
    ----------
    .. [1] G. Patrini et al., "Making Deep Neural Networks Robust to Label Noise: A Loss Correction Approach", 2017,
       :doi:`10.1109/CVPR.2017.240`
    .. [2] J. Bootkrajang, A. Kabán, "Label-Noise Robust Logistic Regression and Its Applications", 2012,
       :doi:`10.1007/978-3-642-33460-3_15`

    Examples
    --------
    >>> import numpy as np
    >>> from skxent import SoftmaxRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 2))
    >>> truth = (X[:, 0] > 0).astype(int)
    >>> y = np.where(rng.random(2000) < 0.3 * truth, 0, truth)  # 30 % of the ones are labelled 0
    >>> model = SoftmaxRegressor(ForwardCorrection()).fit(X, y)
    >>> model.transition_.round(1)
    array([[1. , 0. ],
           [0.3, 0.7]])
    >>> model.score(X, truth) > SoftmaxRegressor().fit(X, y).score(X, truth)
    True
    """

    def __init__(
        self,
        transition: Any = "estimate",
        loss: str | Loss = _LABELS,
        pilot: str | Loss = _PILOT,
    ) -> None:
        if isinstance(transition, str) and transition != "estimate":
            raise ValueError(f"transition={transition!r} must be a matrix or 'estimate'.")
        self.transition = transition if isinstance(transition, str) else check_transition("transition", transition)
        self.loss = _without_look("loss", loss)
        self.pilot = _without_look("pilot", pilot)

    @property
    def needs_all_rows(self) -> bool:
        """Whether the matrix is to be estimated; see :meth:`Loss.needs_all_rows`."""
        return isinstance(self.transition, str)

    def adapted(self, crossfit: CrossFit) -> Loss:
        """Return the loss with the matrix that it estimates; see :meth:`Loss.adapted`."""
        if not isinstance(self.transition, str):
            return self
        rough = self._estimated(*crossfit(self.pilot))
        y, p = crossfit(rough)
        found = self._estimated(y, p)
        if self.loss.proper and _surely_better(y, crossfit(self.loss)[1], p @ found.transition):
            return ForwardCorrection(np.eye(p.shape[1]), self.loss, self.pilot)
        return found

    def _estimated(self, y: Array, p: Array) -> ForwardCorrection:
        return ForwardCorrection(estimate_transition(y, p), self.loss, self.pilot)

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return the loss at :math:`p\,T` and its derivative by way of it; see :meth:`Loss.pointwise`."""
        transition = self._matrix(p)
        q = p @ transition
        # Below this the quotients by q could overflow. The sums are then made of logarithms.
        tiny = q < math.sqrt(np.finfo(q.dtype).tiny)
        log_q = np.log(q, out=np.zeros_like(q), where=~tiny)
        deep = tiny.any(axis=1)
        if deep.any():
            terms = log_p[deep][:, :, np.newaxis] + log_of(transition)
            log_q[deep] = np.where(tiny[deep], logsumexp(terms, axis=1), log_q[deep])
        value, by_label = self.loss.pointwise(y, q, log_q)
        gradient = p * (np.divide(by_label, q, out=np.zeros_like(q), where=~tiny) @ transition.T)
        if deep.any():
            share = np.exp(terms - log_q[deep][:, np.newaxis])
            gradient[deep] += (share @ (by_label * tiny)[deep][:, :, np.newaxis])[:, :, 0]
        return value, gradient

    def true_probabilities(self, p: Array) -> Array:
        """Return `p` if `loss` is proper; otherwise its way back from the labels' probabilities, the matrix undone.

        Raises
        ------
        ValueError
            If the matrix is singular; see also :meth:`Loss.true_probabilities`.
        """
        transition = self._matrix(p)
        if np.linalg.matrix_rank(transition) < len(transition):
            raise ValueError(
                f"transition is singular, so that the labels do not tell the true probabilities:\n{transition}\n"
                "Pass a matrix whose rows are linearly independent, or set calibrated=False."
            )
        if self.loss.proper:
            return p
        labels = self.loss.true_probabilities(p @ transition)
        return normalized(np.maximum(np.linalg.solve(transition.T, labels.T).T, 0))

    def _matrix(self, p: Array) -> Array:
        if isinstance(self.transition, str):
            raise ValueError("transition='estimate' is found by fit from all rows at once; elsewhere pass a matrix.")
        return check_size("transition", self.transition, p.shape[1]).astype(p.dtype)


def _surely_better(y: Array, p: Array, q: Array) -> bool:
    """Return whether labels times weights have a smaller mean log-loss under `p` than under `q`, and not by chance."""
    least, weight = np.finfo(np.float64).tiny, y.sum(axis=1)
    gain = (y * np.log(np.maximum(p, least) / np.maximum(q, least))).sum(axis=1) / weight
    mean = np.average(gain, weights=weight)
    variance = np.average(np.square(gain - mean), weights=weight)
    return bool(mean > _SURE * np.sqrt(variance / weight.sum()))


def _without_look(name: str, loss: Any) -> Loss:
    """Return a loss that may be a part of another: one that needs no look at the data."""
    resolved = resolve_loss(loss)
    if resolved.needs_all_rows:
        raise ValueError(f"{name}={resolved!r} looks at the data before the fit, which a part of a loss cannot.")
    return resolved


def resolve_loss(loss: Any) -> Loss:
    """Return the loss that a name or an instance stands for.

    Parameters
    ----------
    loss : str or Loss
        A registered name or an instance of a :class:`Loss` subclass.

    Returns
    -------
    Loss
        The instance itself, or a new one made with the named class's defaults.

    Raises
    ------
    ValueError
        If the name is not registered.
    TypeError
        If `loss` is neither a string nor a :class:`Loss` instance.
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        is_class = isinstance(loss, type) and issubclass(loss, Loss)
        hint = f"an instance: {loss.__name__}()" if is_class else "a name or a Loss instance"
        raise TypeError(f"loss={loss!r} is not a loss; pass {hint}.")
    return LOSSES.make(loss)


def has_way_back(loss: Loss, n_outcomes: int) -> bool:
    """Return whether a loss's predictions tell the true probabilities; see :meth:`Loss.true_probabilities`."""
    try:
        loss.true_probabilities(np.full((1, n_outcomes), 1 / n_outcomes))
    except ValueError:
        return False
    return True


def check_shapes(loss: Loss, n_outcomes: int) -> None:
    """Check that a loss returns arrays of the shapes that :meth:`Loss.pointwise` promises.

    Parameters
    ----------
    loss : Loss
        The loss to try on a few rows.
    n_outcomes : int
        Outcomes of each row.

    Raises
    ------
    ValueError
        If what it returns are not two arrays of real numbers, or if their shapes are wrong.
    """
    y, p = _few_rows(n_outcomes)
    called = f"{loss!r}.pointwise(y, p, log_p)"
    try:
        returned: Any = loss.pointwise(y, p, np.log(p))
    except WrongSize:
        raise
    except (TypeError, ValueError) as error:
        raise ValueError(f"{called} failed on arrays of shape {y.shape}: {error}") from error
    if not (isinstance(returned, tuple | list) and len(returned) == 2):
        raise ValueError(
            f"{called} failed on arrays of shape {y.shape}: it returned {type(returned).__name__} rather than two "
            "arrays, the loss of each row and the gradient."
        )
    shapes = tuple(np.shape(values) for values in returned)
    if shapes != (y.shape[:1], y.shape):
        raise ValueError(
            f"{called} returned shapes {shapes} for inputs of shape {y.shape}; "
            f"it must return the loss of each row, {y.shape[:1]}, and the gradient, {y.shape}."
        )
    for name, values in zip(("loss", "gradient"), returned, strict=True):
        dtype = getattr(values, "dtype", type(values).__name__)
        if not (isinstance(dtype, np.dtype) and dtype.kind in "fiu"):
            raise ValueError(f"{called}: the {name} has dtype {dtype}; it must be an array of real numbers.")


def check_purity(loss: Loss, n_outcomes: int) -> None:
    """Check that a loss leaves its inputs alone and looks at each row by itself.

    Parameters
    ----------
    loss : Loss
        The loss to try on a few rows; :func:`check_shapes` has passed it.
    n_outcomes : int
        Outcomes of each row.

    Raises
    ------
    ValueError
        If it writes into an input, or if the loss of a row depends on other rows or on chance. A sum over the wrong
        axis is found here where there are as many outcomes as rows.
    """
    rows = (*(inputs := _few_rows(n_outcomes)), np.log(inputs[1]))
    for values in rows:
        values.flags.writeable = False
    try:
        together = loss.pointwise(*rows)
    except ValueError as error:
        raise ValueError(f"{loss!r}.pointwise must not write into its inputs; work on a copy ({error}).") from error
    try:
        alone = loss.pointwise(*(values[:1] for values in rows))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{loss!r}.pointwise failed on a single row: {error}") from error
    shapes = tuple(np.shape(values) for values in alone)
    if shapes != ((1,), (1, n_outcomes)):
        raise ValueError(
            f"{loss!r}.pointwise returned shapes {shapes} for a single row rather than (1,) and (1, {n_outcomes}). "
            "Sum along axis=1, and do not squeeze or transpose."
        )
    if not all(np.allclose(one, several[:1], equal_nan=True) for one, several in zip(alone, together, strict=True)):
        raise ValueError(
            f"{loss!r}.pointwise returns other values for a row by itself than for the same row among others. "
            "Sum along axis=1, do not average over rows, and draw no random numbers."
        )


def _few_rows(n_outcomes: int) -> tuple[Array, Array]:
    """Return targets and even probabilities."""
    y = np.eye(3, n_outcomes)
    return y, np.full_like(y, 1 / n_outcomes)
