"""Output layers: logits to probabilities, and the chain rule back.

Arrays are stored outcome by outcome (Fortran order), so that sums over the few outcomes of a row run
along contiguous memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from scipy.special import log_expit
from sklearn.utils import gen_batches

from skxent._typing import Array
from skxent.losses import Loss

__all__ = ["Output", "Sigmoid", "Softmax", "logit_chunks"]

# Logits of which derivatives are taken at a time, in double precision with several temporaries.
_LOGITS_AT_A_TIME = 16_000
# Rounding errors of weights that a mean of zero may be from zero.
_ROUNDINGS = 8


class Output(ABC):
    """Turns logits into distributions, stably for logits of any size, and derivatives back.

    Attributes
    ----------
    shift_invariant : bool
        Whether adding a constant to all logits of a row leaves its probabilities as they are.
    """

    shift_invariant: ClassVar[bool] = False

    def n_outcomes(self, n_outputs: int) -> int:
        """Return the number of outcomes of the distributions that the loss sees."""
        return n_outputs

    @abstractmethod
    def log_probabilities(self, z: Array) -> Array:
        """Log-probabilities of logits `z`, both of shape (n_rows, n_outputs), in nats."""

    def probabilities(self, z: Array) -> Array:
        """Probabilities of logits `z`, both of shape (n_rows, n_outputs)."""
        return np.exp(self.log_probabilities(z))

    def variances(self, z: Array) -> Array:
        """Variance of each output being on, p (1 - p): how much the cross-entropy curves there."""
        p = self.probabilities(z)
        variances: Array = 1 - p
        variances *= p
        return variances

    @abstractmethod
    def curved(self, z: Array, change: Array) -> Array:
        """Return the second derivatives of the cross-entropy times a change of the logits, of the shape of `z`."""

    @abstractmethod
    def spread(self, z: Array, change: Array) -> tuple[Array, Array]:
        """Return the curvature of the cross-entropy along a change of the logits, and the size of the change.

        Both of the shape of `z`: the first sums to the curvature of each row, the second is how fast the share of an
        output in it falls at most, at first.
        """

    @abstractmethod
    def logits(self, p: Array) -> Array:
        """Logits that have the probabilities `p`; finite, and as good as sure, where these are 0 or 1."""

    def centred(self, w: Array) -> Array:
        """Return weights with the same probabilities and the least penalty: a softmax's sum to 0 over the outputs.

        Where their mean is 0 but for rounding they are returned as they are.
        """
        mean = w.mean(axis=1, keepdims=True)
        if not self.shift_invariant or np.abs(mean).max() <= _ROUNDINGS * np.finfo(w.dtype).eps * np.abs(w).max():
            return w
        return w - mean

    def outcomes(self, y: Array, z: Array) -> tuple[Array, Array]:
        """Observed and predicted distributions as a loss sees them, given targets `y` and logits `z`."""
        return y, self.probabilities(z)

    def true_probabilities(self, loss: Loss, p: Array) -> Array:
        """Probabilities of the outputs being on, given those predicted by the minimiser of a loss."""
        return loss.true_probabilities(p)

    @abstractmethod
    def loss_and_gradient(self, loss: Loss, y: Array, z: Array, *, overwrite_z: bool = False) -> tuple[Array, Array]:
        r"""Loss of each row and :math:`\partial L/\partial z`.

        Parameters
        ----------
        loss : Loss
            The loss between distributions.
        y : ndarray of shape (n_rows, n_outputs)
            Targets: the probability of each output being on.
        z : ndarray of shape (n_rows, n_outputs)
            Logits.
        overwrite_z : bool, default=False
            Whether the logits may be lost, which saves an array of their size.

        Returns
        -------
        loss : ndarray of shape (n_rows,)
            Loss of each row.
        gradient : ndarray of shape (n_rows, n_outputs)
            Its derivative with respect to the row's logits.
        """


class Softmax(Output):
    r"""One distribution a row: :math:`p_k = e^{z_k} / \sum_j e^{z_j}`.

    With :math:`g = \partial L/\partial\log p` the chain rule gives
    :math:`\partial L/\partial z = g - p \sum_k g_k`.
    """

    shift_invariant = True

    def probabilities(self, z: Array) -> Array:
        p: Array = z - z.max(axis=1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(axis=1, keepdims=True)
        return p

    def log_probabilities(self, z: Array) -> Array:
        shifted = z - z.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def curved(self, z: Array, change: Array) -> Array:
        p = self.probabilities(z)
        curved = change - np.einsum("ij,ij->i", p, change)[:, np.newaxis]
        curved *= p
        return curved

    def spread(self, z: Array, change: Array) -> tuple[Array, Array]:
        p = self.probabilities(z)
        size = np.abs(change - (p * change).sum(axis=1, keepdims=True))
        return p * size**2, size

    def logits(self, p: Array) -> Array:
        return _log(p)

    def loss_and_gradient(self, loss: Loss, y: Array, z: Array, *, overwrite_z: bool = False) -> tuple[Array, Array]:
        log_p = np.subtract(z, z.max(axis=1, keepdims=True), out=z if overwrite_z else None)
        p = np.exp(log_p)
        total = p.sum(axis=1, keepdims=True)
        p /= total
        log_p -= np.log(total)
        value, gradient = loss.pointwise(y, p, log_p)
        p *= gradient.sum(axis=1, keepdims=True)
        return value, np.subtract(gradient, p, out=p)


class Sigmoid(Output):
    r"""One two-outcome distribution a unit: :math:`a = 1/(1+e^{-z})` against :math:`1-a`.

    The loss of a row is the sum over its units. With :math:`g_1, g_0` the derivatives with respect to
    :math:`\log a` and :math:`\log(1-a)`, the chain rule gives
    :math:`\partial L/\partial z = g_1 (1-a) - g_0\,a`.
    """

    def n_outcomes(self, n_outputs: int) -> int:
        return 2

    def log_probabilities(self, z: Array) -> Array:
        return log_expit(z)

    def curved(self, z: Array, change: Array) -> Array:
        return self.variances(z) * change

    def spread(self, z: Array, change: Array) -> tuple[Array, Array]:
        return self.variances(z) * change**2, np.abs(change)

    def logits(self, p: Array) -> Array:
        return _log(p) - _log(1 - p)

    def outcomes(self, y: Array, z: Array) -> tuple[Array, Array]:
        return _on_and_off(y), _on_and_off(self.probabilities(z))

    def true_probabilities(self, loss: Loss, p: Array) -> Array:
        on: Array = loss.true_probabilities(_on_and_off(p))[:, 0]
        return on.reshape(p.shape[::-1]).T

    def loss_and_gradient(self, loss: Loss, y: Array, z: Array, *, overwrite_z: bool = False) -> tuple[Array, Array]:
        log_p = log_expit(np.stack([z.T.ravel(), -z.T.ravel()]))
        p = np.exp(log_p)
        value, gradient = loss.pointwise(_on_and_off(y), p.T, log_p.T)
        logit_gradient = gradient[:, 0] * p[1] - gradient[:, 1] * p[0]
        by_unit = z.shape[::-1]
        return value.reshape(by_unit).sum(axis=0), logit_gradient.reshape(by_unit).T


def _log(p: Array) -> Array:
    """Return logarithms, finite also of 0."""
    logarithms: Array = np.log(np.maximum(p, np.finfo(p.dtype).tiny))
    return logarithms


def _on_and_off(p: Array) -> Array:
    """Return the two outcomes of each unit as a row, unit by unit, of shape (n_units * n_rows, 2)."""
    on = p.T.ravel()
    return np.stack([on, 1 - on]).T


def logit_chunks(n_rows: int, n_outputs: int) -> Iterator[slice]:
    """Cut rows into slices whose temporaries are small when derivatives in the logits are taken."""
    chunks: Iterator[slice] = gen_batches(n_rows, max(1, _LOGITS_AT_A_TIME // n_outputs))
    return chunks
