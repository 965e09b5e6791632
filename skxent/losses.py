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

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from skxent._parameters import Parameters
from skxent._registry import Registry
from skxent._typing import Array

__all__ = ["LOSSES", "CrossEntropy", "Loss", "Quadratic", "check_shapes", "resolve_loss"]

LOSSES: Registry[type[Loss]] = Registry("loss")


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

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`-\sum_k y_k \log p_k` and :math:`-y`; see :meth:`Loss.pointwise`."""
        gradient = -y
        return (gradient * log_p).sum(axis=1), gradient


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

    def pointwise(self, y: Array, p: Array, log_p: Array) -> tuple[Array, Array]:
        r"""Return :math:`\tfrac12\sum_k (p_k-y_k)^2` and :math:`(p-y)p`; see :meth:`Loss.pointwise`."""
        error = p - y
        return 0.5 * (error * error).sum(axis=1), error * p


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
    return LOSSES[loss]()


def check_shapes(loss: Loss, n_outcomes: int) -> None:
    """Check that a loss returns what :meth:`Loss.pointwise` promises.

    Parameters
    ----------
    loss : Loss
        The loss to try on three rows.
    n_outcomes : int
        Outcomes of each row.

    Raises
    ------
    ValueError
        If the shapes of what it returns are wrong.
    """
    y = np.eye(3, n_outcomes)
    p = np.full_like(y, 1 / n_outcomes)
    try:
        value, gradient = loss.pointwise(y, p, np.log(p))
        shapes = np.shape(value), np.shape(gradient)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{loss!r}.pointwise(y, p, log_p) failed on arrays of shape {y.shape}: {error}") from error
    if shapes != ((3,), y.shape):
        raise ValueError(
            f"{loss!r}.pointwise(y, p, log_p) returned shapes {shapes} for inputs of shape {y.shape}; "
            f"it must return the loss of each row, (3,), and the gradient, {y.shape}."
        )
