"""Entropy, cross-entropy and their relatives for arrays of probabilities.

The public functions live here. Each also takes ``scipy.stats`` distributions, which it hands to the function
of the same name in :mod:`skxent.information.distributions`; SciPy is imported only then.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

P = ParamSpec("P")
R = TypeVar("R")
Floats = NDArray[np.floating[Any]]


def _also_for_distributions(measure: Callable[P, R]) -> Callable[P, R]:
    """Send a call that holds a distribution to the function of the same name for distributions."""

    @wraps(measure)
    def dispatch(*args: P.args, **kwargs: P.kwargs) -> R:
        if not any(callable(getattr(value, "cdf", None)) for value in (*args, *kwargs.values())):
            return measure(*args, **kwargs)
        from skxent.information import distributions

        result: R = getattr(distributions, measure.__name__)(*args, **kwargs)
        return result

    return dispatch


@_also_for_distributions
def entropy(
    p: ArrayLike | None = None,
    *,
    log_p: ArrayLike | None = None,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
) -> Any:
    r"""Entropy: the surprise to expect from p, or the bits a perfect code spends on one outcome.

    .. math:: H(p) = -\sum_i p_i \log p_i, \qquad 0 \log 0 = 0

    For a continuous distribution the sum is an integral over its density (the differential entropy).

    Parameters
    ----------
    p : array-like of float, or a scipy.stats distribution
        Probabilities that sum to 1 (to 1e-6) along `axis`; any shape. Or one distribution of
        ``scipy.stats``, frozen or a random-variable object, discrete or continuous; then `base` is the only
        option.
    log_p : array-like of float, optional
        Natural logarithms of the probabilities, in place of `p`.
    axis : int, default=-1
        The axis along which the outcomes lie.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.
    normalize : bool, default=False
        Divide by the sum along `axis` first, so that counts may be passed.

    Returns
    -------
    float or ndarray
        One value per row, at least 0 (a differential entropy may be negative). Float32 in, float32 out.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, or a row does not sum to 1; the message names the row.

    See Also
    --------
    skxent.information.entropy_from_samples : The entropy of what drew a sample.

    Notes
    -----
    ``scipy.stats.entropy`` divides by the sum silently. This function does so when told to.

    References
    ----------
    Shannon (1948), "A mathematical theory of communication", :doi:`10.1002/j.1538-7305.1948.tb01338.x`.

    Examples
    --------
    A fair coin is worth one bit, a bent one less, a coin with two heads nothing:

    >>> from skxent import entropy
    >>> entropy([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]], base=2).round(3)
    array([1.   , 0.469, 0.   ])

    Counts, on request:

    >>> float(entropy([2, 1, 1], base=2, normalize=True))
    1.5
    """
    (rows,) = _rows({"p": (p, log_p)}, axis, normalize)
    return _in_base(-_sum_products(rows.p, rows.log), base)


@_also_for_distributions
def cross_entropy(
    p: ArrayLike,
    q: ArrayLike | None = None,
    *,
    log_q: ArrayLike | None = None,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
) -> Any:
    r"""Cross-entropy: the bits spent per outcome when p is the truth and the code was made for q.

    .. math:: H(p, q) = -\sum_i p_i \log q_i = H(p) + \mathrm{KL}(p \| q) \ge H(p)

    It is infinite where q rules out what p allows.

    Parameters
    ----------
    p : array-like of float, or a scipy.stats distribution
        The true probabilities; they sum to 1 along `axis`. Or a distribution of ``scipy.stats``, frozen or a
        random-variable object; then `q` is one too, and `base` is the only option.
    q : array-like of float, or a scipy.stats distribution
        The believed probabilities. Their number along `axis` is that of `p`; the other dimensions broadcast.
    log_q : array-like of float, optional
        Natural logarithms of the believed probabilities, in place of `q`: the way to keep beliefs that would
        underflow, such as a log-softmax.
    axis : int, default=-1
        The axis along which the outcomes lie, in each array.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.
    normalize : bool, default=False
        Divide each array by its sum along `axis` first, so that counts may be passed.

    Returns
    -------
    float or ndarray
        One value per pair of rows, ``inf`` where some ``p > 0 = q``. Float32 in, float32 out.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, a row does not sum to 1 (the message names the row), or the
        shapes do not fit.
    ArithmeticError
        If SciPy's log-density of a distribution cannot be integrated.

    Warns
    -----
    RuntimeWarning
        If an integral or sum is taken to be infinite because the contributions of the tails do not shrink.

    See Also
    --------
    skxent.information.cross_entropy_from_samples : From a sample of p and one of q.

    References
    ----------
    Cover & Thomas (2006), "Elements of Information Theory", theorem 5.4.3 (coding with the wrong
    distribution), :doi:`10.1002/047174882X`.

    Examples
    --------
    Four letters occur with the probabilities p. The best code gives them words of 1, 2, 3 and 3 bits and so
    spends H(p) = 1.75 bits per letter. A code made for equally likely letters, 2 bits each, spends H(p, q):

    >>> from skxent import cross_entropy, entropy, kl_divergence
    >>> p = [1/2, 1/4, 1/8, 1/8]
    >>> q = [1/4, 1/4, 1/4, 1/4]
    >>> float(entropy(p, base=2)), float(cross_entropy(p, q, base=2))
    (1.75, 2.0)

    The quarter of a bit wasted is the divergence, H(p, q) = H(p) + KL(p‖q):

    >>> round(float(kl_divergence(p, q, base=2)), 12)
    0.25

    A letter that the code left out costs an infinity:

    >>> float(cross_entropy(p, [1/2, 1/4, 1/4, 0], base=2))
    inf

    A classifier's mean log-loss is the cross-entropy of one-hot labels and its log-probabilities:

    >>> import numpy as np
    >>> labels = np.eye(3)[[0, 2]]
    >>> log_q = np.log([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    >>> cross_entropy(labels, log_q=log_q).mean().round(4)
    np.float64(0.2899)

    Two normal distributions; the integral has a closed form:

    >>> from scipy import stats
    >>> cross_entropy(stats.norm(0, 1), stats.norm(1, 2))
    1.862...
    """
    truth, belief = _rows({"p": (p, None), "q": (q, log_q)}, axis, normalize)
    return _in_base(-_sum_products(truth.p, belief.log), base)


@_also_for_distributions
def kl_divergence(
    p: ArrayLike | None = None,
    q: ArrayLike | None = None,
    *,
    log_p: ArrayLike | None = None,
    log_q: ArrayLike | None = None,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
) -> Any:
    r"""Kullback–Leibler divergence: the extra bits per outcome that coding p with a code for q costs.

    .. math:: \mathrm{KL}(p \| q) = \sum_i p_i \log \frac{p_i}{q_i} \ge 0

    It is 0 if and only if p = q, and infinite where q rules out what p allows.

    Parameters
    ----------
    p : array-like of float, or a scipy.stats distribution
        The true probabilities; they sum to 1 along `axis`. Or a distribution of ``scipy.stats``, frozen or a
        random-variable object; then `q` is one too, and `base` is the only option.
    q : array-like of float, or a scipy.stats distribution
        The believed probabilities. Their number along `axis` is that of `p`; the other dimensions broadcast.
    log_p, log_q : array-like of float, optional
        Natural logarithms of the probabilities, in place of `p` or `q`.
    axis : int, default=-1
        The axis along which the outcomes lie, in each array.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.
    normalize : bool, default=False
        Divide each array by its sum along `axis` first, so that counts may be passed.

    Returns
    -------
    float or ndarray
        One value per pair of rows, never negative, ``inf`` where some ``p > 0 = q``.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, a row does not sum to 1 (the message names the row), or the
        shapes do not fit.
    ArithmeticError
        If SciPy's log-density of a distribution cannot be integrated.

    Warns
    -----
    RuntimeWarning
        If an integral or sum is taken to be infinite because the contributions of the tails do not shrink.

    See Also
    --------
    skxent.information.kl_divergence_from_samples : From a sample of p and one of q.

    References
    ----------
    Kullback & Leibler (1951), "On information and sufficiency", :doi:`10.1214/aoms/1177729694`.

    Examples
    --------
    >>> from skxent import cross_entropy, entropy, kl_divergence
    >>> p, q = [0.5, 0.5, 0.0], [0.8, 0.1, 0.1]
    >>> kl_divergence(p, q).round(6), (cross_entropy(p, q) - entropy(p)).round(6)
    (np.float64(0.569717), np.float64(0.569717))

    Two Laplace distributions, and two uniform ones of which the second rules out what the first allows:

    >>> from scipy import stats
    >>> kl_divergence(stats.laplace(0, 1), stats.laplace(1, 2))
    0.377...
    >>> kl_divergence(stats.uniform(0, 2), stats.uniform(0, 1))
    inf
    """
    truth, belief = _rows({"p": (p, log_p), "q": (q, log_q)}, axis, normalize)
    return _in_base(np.maximum(_sum_products(truth.p, _log_ratio(truth.log, belief.log)), 0), base)


@_also_for_distributions
def jensen_shannon(
    p: ArrayLike, q: ArrayLike, *, axis: int = -1, base: float | None = None, normalize: bool = False
) -> Any:
    r"""Jensen–Shannon divergence: symmetric, never infinite, between 0 (equal) and ln 2 (disjoint).

    .. math:: \mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p \| m) + \tfrac12 \mathrm{KL}(q \| m),
              \qquad m = \tfrac12 (p + q)

    It is the information, at most one bit, that one draw gives about which of the two made it.

    Parameters
    ----------
    p, q : array-like of float, or scipy.stats distributions
        Probabilities that sum to 1 along `axis`; the other dimensions broadcast. Or two distributions of
        ``scipy.stats``, frozen or random-variable objects; then `base` is the only option.
    axis : int, default=-1
        The axis along which the outcomes lie, in each array.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.
    normalize : bool, default=False
        Divide each array by its sum along `axis` first, so that counts may be passed.

    Returns
    -------
    float or ndarray
        One value per pair of rows.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, a row does not sum to 1 (the message names the row), or the
        shapes do not fit.

    Notes
    -----
    ``scipy.spatial.distance.jensenshannon`` returns the square root of this, which is a metric.

    References
    ----------
    Lin (1991), "Divergence measures based on the Shannon entropy", :doi:`10.1109/18.61115`.

    Examples
    --------
    >>> from skxent import jensen_shannon
    >>> float(jensen_shannon([1, 0], [0, 1], base=2))
    1.0
    >>> jensen_shannon([0.5, 0.5], [0.9, 0.1], base=2).round(4)
    np.float64(0.1468)
    """
    first, second = _rows({"p": (p, None), "q": (q, None)}, axis, normalize)
    with np.errstate(divide="ignore"):
        log_total = np.log(first.p + second.p)
        # log 2p - log(p + q) is exactly 0 where p = q, and no mean underflows.
        logs = [_log_ratio(np.log(2 * rows.p), log_total) for rows in (first, second)]
    halves = [_sum_products(rows.p, log) / 2 for rows, log in zip((first, second), logs, strict=True)]
    return _in_base(np.clip(halves[0] + halves[1], 0, math.log(2)), base)


@_also_for_distributions
def perplexity(
    p: ArrayLike,
    q: ArrayLike | None = None,
    *,
    log_q: ArrayLike | None = None,
    axis: int = -1,
    normalize: bool = False,
) -> Any:
    r"""Perplexity: how many equally likely outcomes would be as hard to guess.

    .. math:: \mathrm{PP}(p) = e^{H(p)}, \qquad \mathrm{PP}(p, q) = e^{H(p, q)}

    It is the same number whatever the base of the logarithm, so there is no base to choose.

    Parameters
    ----------
    p : array-like of float, or a scipy.stats distribution
        The true probabilities; they sum to 1 along `axis`.
    q : array-like of float, or a scipy.stats distribution, optional
        The believed probabilities; `p` itself when left out.
    log_q : array-like of float, optional
        Natural logarithms of the believed probabilities, in place of `q`.
    axis : int, default=-1
        The axis along which the outcomes lie, in each array.
    normalize : bool, default=False
        Divide each array by its sum along `axis` first, so that counts may be passed.

    Returns
    -------
    float or ndarray
        One value per (pair of) rows: at least 1, ``inf`` where some ``p > 0 = q``.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, a row does not sum to 1 (the message names the row), or the
        shapes do not fit.

    References
    ----------
    Jelinek, Mercer, Bahl & Baker (1977), "Perplexity — a measure of the difficulty of speech recognition
    tasks", :doi:`10.1121/1.2016299`.

    Examples
    --------
    >>> from skxent import perplexity
    >>> perplexity([1/6] * 6).round(12)
    np.float64(6.0)
    >>> perplexity([1/2, 1/2], [1/4, 3/4]).round(4)
    np.float64(2.3094)
    """
    if q is None and log_q is None:
        nats = entropy(p, axis=axis, normalize=normalize)
    else:
        nats = cross_entropy(p, q, log_q=log_q, axis=axis, normalize=normalize)
    with np.errstate(over="ignore"):
        return np.exp(nats)


class _Rows:
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

    def __init__(self, name: str, values: NDArray[Any], *, axis: int, normalize: bool, dtype: np.dtype[Any]) -> None:
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
                self.p = values
            total = self.p.sum(axis=-1, keepdims=True)
            if normalize:
                self._check_totals(total[..., 0], (total > 0) & np.isfinite(total))
                self.p = self.p / total
                if logs:
                    self.log = self.log - np.log(total)
            else:
                self._check_totals(total[..., 0], np.abs(total - 1) <= tolerance)

    @cached_property
    def log(self) -> Floats:
        """The natural logarithms, -inf of 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.p)

    def _check_signs(self, values: Floats) -> None:
        if np.any(values < 0):
            *row, entry = np.argwhere(values < 0)[0]
            raise ValueError(
                f"{self._where(row, entry)} is {values[*row, entry]:g}, but a probability is never negative."
            )

    def _check_totals(self, totals: Floats, good: NDArray[np.bool_]) -> None:
        if good.all():
            return
        row = tuple(np.argwhere(~good[..., 0])[0])
        raise ValueError(
            f"{self._where(row, ':')} is not a row of probabilities: they sum to {totals[row]:.10g}, not 1. "
            "For counts or other weights pass normalize=True; they must be finite and not all zero."
        )

    def _where(self, row: Sequence[int], entry: object) -> str:
        """Write an index the way the caller would, whose outcomes lie along another axis than ours."""
        index = [str(i) for i in row]
        index.insert(self.axis, str(entry))
        return f"{self.name}[{', '.join(index)}]"


def _rows(given: Mapping[str, tuple[ArrayLike | None, ArrayLike | None]], axis: int, normalize: bool) -> list[_Rows]:
    """Check the arrays, each given as itself or as its logarithm, and that they fit each other."""
    arrays: dict[str, Floats] = {}
    for name, (p, log_p) in given.items():
        if (p is None) == (log_p is None):
            raise TypeError(f"Give {name} or log_{name}, one of the two.")
        label, values = (name, p) if log_p is None else (f"log_{name}", log_p)
        arrays[label] = _real_array(label, values)
    dtype = _float_dtype(arrays.values())
    rows = [_Rows(label, array, axis=axis, normalize=normalize, dtype=dtype) for label, array in arrays.items()]
    _check_shapes(arrays, rows)
    return rows


def _real_array(name: str, values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            what = f"{name} must be an array of probabilities or a univariate distribution of scipy.stats"
            raise TypeError(f"{what}, not {type(values).__name__}.") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, but its dtype is {array.dtype}.")
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number; the probabilities of all outcomes are needed.")
    return array


def _float_dtype(arrays: Iterable[NDArray[Any]]) -> np.dtype[Any]:
    """Return the precision to work in: integers (one-hot labels, counts) take that of the other array."""
    floating = [array.dtype for array in arrays if array.dtype.kind == "f"]
    return np.result_type(np.float32, *floating) if floating else np.dtype(np.float64)


def _tolerance(dtype: np.dtype[Any]) -> float:
    """Return how far from 1 a sum may lie: doubles are often converted floats."""
    return max(1e-6, math.sqrt(np.finfo(dtype).eps)) if dtype.kind == "f" else 0.0


def _check_shapes(arrays: Mapping[str, NDArray[Any]], rows: Sequence[_Rows]) -> None:
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


def _finite_maximum(values: Floats) -> Floats:
    top = values.max(axis=-1, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0)


def _sum_products(p: Floats, log_q: Floats) -> Floats:
    """Sum p * log q over the last axis, where 0 * log 0 = 0."""
    products = np.zeros(np.broadcast_shapes(p.shape, log_q.shape), np.result_type(p, log_q))
    np.multiply(p, log_q, where=p > 0, out=products)
    total: Floats = products.sum(axis=-1)
    return total


def _log_ratio(log_p: Floats, log_q: Floats) -> Floats:
    with np.errstate(invalid="ignore"):  # -inf - -inf, where p = q = 0: its weight is 0
        return log_p - log_q


def _in_base(nats: Floats, base: float | None) -> Any:
    """Convert nats, and turn -0.0 into 0.0."""
    return nats / nats_per_unit(base) + nats.dtype.type(0)


def nats_per_unit(base: float | None) -> float:
    """Return the natural logarithm of `base`, 1 for None.

    Raises
    ------
    ValueError
        If `base` is not above 1.
    """
    if base is None:
        return 1.0
    if not 1 < base < math.inf:
        raise ValueError(f"base must be above 1, such as 2 for bits, or None for nats; got {base!r}.")
    return math.log(base)
