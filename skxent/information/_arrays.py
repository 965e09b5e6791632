"""Entropy, cross-entropy and their relatives for arrays of probabilities, in nats. It imports NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skxent._typing import Array

__all__ = [
    "Probabilities",
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "jensen_shannon",
    "kl_divergence",
    "mutual_information",
    "read_joint",
    "read_probabilities",
]


# What to do with observations instead of probabilities.
_SAMPLES = (
    "A sample of observations goes to entropy_from_samples, cross_entropy_from_samples or kl_divergence_from_samples."
)


class Probabilities:
    """Probabilities along the last axis, checked, with their logarithms on demand.

    Parameters
    ----------
    name : str
        What the caller calls `values`: with "log_" in front they are logarithms.
    values : ndarray
        Probabilities or, to be normalized, weights.
    dtype : dtype
        The precision to compute in. How far from 1 a row may sum depends on that of `values`.
    """

    def __init__(self, name: str, values: Array, *, axis: int, normalize: bool, dtype: np.dtype[Any]) -> None:
        self.name = name
        logs = name.startswith("log_")
        self.axis = np.lib.array_utils.normalize_axis_index(axis, values.ndim)
        tolerance = _tolerance(values.dtype)
        values = np.moveaxis(values, self.axis, -1).astype(dtype, copy=False)
        with np.errstate(all="ignore"):
            if logs:
                self.log = values - _finite_maximum(values) if normalize else values
                self.p = np.exp(self.log)
            else:
                self._check_signs(values)
                self.p = values / _largest_beyond_half(values) if normalize else values
            total = self.p.sum(axis=-1, keepdims=True)
            if normalize:
                self._check_totals(total[..., 0], (total > 0) & np.isfinite(total))
                self.p = self.p / total
                if logs:
                    self.log = self.log - np.log(total)
            else:
                self._check_totals(total[..., 0], np.abs(total - 1) <= tolerance)

    @cached_property
    def log(self) -> Array:
        """The natural logarithms, -inf of 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.p)

    def _check_signs(self, values: Array) -> None:
        if np.any(values < 0):
            *row, entry = np.argwhere(values < 0)[0]
            raise ValueError(
                f"{self._where(row, entry)} is {values[*row, entry]:g}, but a probability is never negative. {_SAMPLES}"
            )

    def _check_totals(self, totals: Array, good: NDArray[np.bool_]) -> None:
        if good.all():
            return
        row = tuple(np.argwhere(~good[..., 0])[0])
        raise ValueError(
            f"{self._where(row, ':')} is not a row of probabilities: they sum to {totals[row]:.10g}, not 1. "
            f"For counts or other weights pass normalize=True; they must be finite and not all zero. {_SAMPLES}"
        )

    def _where(self, row: Sequence[int], entry: object) -> str:
        """Write an index the way the caller would, whose outcomes lie along another axis than ours."""
        index = [str(i) for i in row]
        index.insert(self.axis, str(entry))
        return f"{self.name}[{', '.join(index)}]"


def read_probabilities(
    given: Mapping[str, tuple[ArrayLike | None, ArrayLike | None]], axis: int, normalize: bool
) -> list[Probabilities]:
    """Check the arrays, each given as itself or as its logarithm, and that they fit each other."""
    arrays: dict[str, Array] = {}
    for name, (p, log_p) in given.items():
        if (p is None) == (log_p is None):
            raise TypeError(f"Give {name} or log_{name}, one of the two.")
        label, values = (name, p) if log_p is None else (f"log_{name}", log_p)
        arrays[label] = _real_array(label, values)
    dtype = _float_dtype(arrays.values())
    rows = [Probabilities(label, array, axis=axis, normalize=normalize, dtype=dtype) for label, array in arrays.items()]
    _check_shapes(arrays, rows)
    return rows


def entropy(p: Probabilities) -> Array:
    """Return -sum p log p."""
    return -_sum_products(p.p, p.log)


def cross_entropy(p: Probabilities, q: Probabilities) -> Array:
    """Return -sum p log q."""
    return -_sum_products(p.p, q.log)


def kl_divergence(p: Probabilities, q: Probabilities) -> Array:
    """Return sum p log(p / q)."""
    divergence: Array = _excesses(p.p, q.p, p.log, q.log).sum(axis=-1)
    return divergence


def jensen_shannon(p: Probabilities, q: Probabilities) -> Array:
    """Return the mean divergence of p and of q from their mean, (p + q) / 2."""
    both = p.p + q.p
    share = np.divide(p.p - q.p, both, out=np.zeros_like(both), where=both > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = (1 + share) * np.log1p(share) + (1 - share) * np.log1p(-share)
    direct = np.where(np.abs(share) == 1, 2 * math.log(2), direct)
    k = np.arange(1, 26)
    small = np.where(np.abs(share) < 0.5, share, 0)
    series = np.polynomial.polynomial.polyval(small**2, [0, *(1 / (k * (2 * k - 1)))])
    halves = both / 4 * np.where(np.abs(share) < 0.5, series, direct)
    divergence: Array = np.clip(halves.sum(axis=-1), 0, math.log(2)).astype(both.dtype, copy=False)
    return divergence


def read_joint(name: str, values: ArrayLike, axes: tuple[int, int], normalize: bool) -> Array:
    """Check joint probabilities and move the two axes to the end."""
    array = _real_array(name, values)
    if array.ndim < 2:
        raise ValueError(
            f"{name} has {array.ndim} dimension(s); joint probabilities of two variables have two or more."
        )
    array = np.moveaxis(array, axes, (-2, -1))
    if (array < 0).any():
        raise ValueError(f"{name} holds {array.min():g}, but a probability is never negative.")
    flat = array.reshape(*array.shape[:-2], -1)
    rows = Probabilities(name, flat, axis=-1, normalize=normalize, dtype=_float_dtype([array]))
    return rows.p.reshape(array.shape)


def mutual_information(joint: Array) -> Array:
    """Return sum p(x, y) log(p(x, y) / p(x) p(y)) over the last two axes."""
    marginals = [joint.sum(axis=axis, keepdims=True) for axis in (-1, -2)]
    with np.errstate(divide="ignore"):
        logs = np.log(joint), np.log(marginals[0]) + np.log(marginals[1])
    information: Array = _excesses(joint, marginals[0] * marginals[1], *logs).sum(axis=(-2, -1))
    return information


def conditional_entropy(joint: Array) -> Array:
    """Return -sum p(x, y) log p(y | x), where x lies along the axis before the last and y along the last."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(joint) - np.log(joint.sum(axis=-1, keepdims=True))
    return -_sum_products(joint, logs).sum(axis=-1)


def _real_array(name: str, values: Any) -> Array:
    if np.ma.is_masked(values):
        raise ValueError(f"{name} is a masked array with masked values; fill them, such as with 0, first.")
    array = np.asarray(values)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except OverflowError as error:
            raise ValueError(f"{name} holds a whole number that is too large for a floating-point number.") from error
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{name} must be an array of probabilities or a distribution of scipy.stats, not "
                f"{type(values).__name__}."
            ) from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, but its dtype is {array.dtype}.")
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number; the probabilities of all outcomes are needed.")
    return array


def _float_dtype(arrays: Iterable[Array]) -> np.dtype[Any]:
    """Return the precision to work in: integers (one-hot labels, counts) take that of the other array."""
    floating = [array.dtype for array in arrays if array.dtype.kind == "f"]
    return np.result_type(np.float32, *floating) if floating else np.dtype(np.float64)


def _tolerance(dtype: np.dtype[Any]) -> float:
    """Return how far from 1 a sum may lie: doubles are often converted floats."""
    return max(1e-6, math.sqrt(np.finfo(dtype).eps)) if dtype.kind == "f" else 0.0


def _check_shapes(arrays: Mapping[str, Array], rows: Sequence[Probabilities]) -> None:
    shapes = [r.p.shape for r in rows]
    try:
        np.broadcast_shapes(*(shape[:-1] for shape in shapes))
        fits = len({shape[-1] for shape in shapes}) == 1
    except ValueError:
        fits = False
    if not fits:
        described = " and ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(
            f"The shapes do not fit: {described}. The number of outcomes along the axis must be the same, "
            "and the other dimensions must broadcast."
        )


def _largest_beyond_half(values: Array) -> Array:
    """Return the largest weight of rows whose sum may exceed the largest number, 1 for others."""
    top = values.max(axis=-1, keepdims=True, initial=0)
    beyond = np.isfinite(top) & (top > np.finfo(values.dtype).max / max(values.shape[-1], 1))
    return np.where(beyond, top, np.ones((), values.dtype))


def _finite_maximum(values: Array) -> Array:
    top = values.max(axis=-1, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0)


def _sum_products(p: Array, log_q: Array) -> Array:
    """Sum p * log q over the last axis, where 0 * log 0 = 0."""
    products = np.zeros(np.broadcast_shapes(p.shape, log_q.shape), np.result_type(p, log_q))
    np.multiply(p, log_q, where=p > 0, out=products)
    total: Array = products.sum(axis=-1)
    return total


def _excesses(p: Array, q: Array, log_p: Array, log_q: Array) -> Array:
    """Compute p log(p / q) - p + q.

    It is never negative, so that no digits are lost where p is close to q, and the sum is that of p log(p / q), as both
    add up to 1.
    """
    with np.errstate(all="ignore"):
        step = np.where(p > 0, (q - p) / p, np.inf)
        near = np.abs(step) <= 0.5
        # log(1 + t) = 2 artanh(r) with r = t / (2 + t), and t - 2 r = t r.
        t = np.where(near, step, 0)
        r = t / (2 + t)
        series = np.polynomial.polynomial.polyval(r**2, [0, *(1 / (2 * np.arange(1, 20) + 1))])
        far = np.where(p > 0, p * (log_p - log_q) + (q - p), q)
        excesses = np.where(near, p * (t * r - 2 * r * series), far)
    return excesses.astype(np.result_type(log_p, log_q), copy=False)
