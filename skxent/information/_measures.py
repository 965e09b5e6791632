"""The public measures, which send each call to the world of its arguments.

Arrays of probabilities go to `_arrays`, which needs NumPy alone. Distributions of ``scipy.stats`` go to
`_distributions`, which is imported only then, so that measures of arrays never import SciPy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from skxent.information import _arrays
from skxent.information._arrays import read_probabilities as _read
from skxent.information._units import TIME_LIMIT, in_base

__all__ = [
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "jensen_shannon",
    "kl_divergence",
    "mutual_information",
    "perplexity",
]

P = ParamSpec("P")
R = TypeVar("R")


def _by_type(measure: Callable[P, R]) -> Callable[P, R]:
    """Send a call that holds a distribution to the function of the same name for distributions."""

    @wraps(measure)
    def dispatch(*args: P.args, **kwargs: P.kwargs) -> R:
        if not any(map(_is_distribution, (*args, *kwargs.values()))):
            return measure(*args, **kwargs)
        from skxent.information import _distributions

        result: R = getattr(_distributions, measure.__name__)(*args, **kwargs)
        return result

    return dispatch


def _is_distribution(value: object) -> bool:
    return any(callable(getattr(value, method, None)) for method in ("cdf", "logpdf", "logpmf"))


@_by_type
def entropy(
    p: ArrayLike | None = None,
    *,
    log_p: ArrayLike | None = None,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
    time_limit: float = TIME_LIMIT,
) -> Any:
    r"""Entropy: the surprise to expect from p, or the bits a perfect code spends on one outcome.

    .. math:: H(p) = -\sum_i p_i \log p_i, \qquad 0 \log 0 = 0

    For a continuous distribution the sum is an integral over its density (the differential entropy).

    Parameters
    ----------
    p : array-like of float, or a scipy.stats distribution
        Probabilities that sum to 1 (to 1e-6) along `axis`; any shape. Or a distribution of ``scipy.stats``:
        frozen or a random-variable object, discrete or continuous, a mixture, an ``rv_histogram``, a
        ``gaussian_kde`` of one variable, or a ``multivariate_normal``. Then `base` and `time_limit` are the
        only options. Parameters that are arrays make an array of results.
    log_p : array-like of float, optional
        Natural logarithms of the probabilities, in place of `p`.
    axis : int, default=-1
        The axis along which the outcomes lie.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.
    normalize : bool, default=False
        Divide by the sum along `axis` first, so that counts may be passed.
    time_limit : float, default=2
        Seconds of processor time that a distribution may take; ``math.inf`` for no limit. Arrays ignore it.

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
    return in_base(_arrays.entropy(*_read({"p": (p, log_p)}, axis, normalize)), base)


@_by_type
def cross_entropy(
    p: ArrayLike,
    q: ArrayLike | None = None,
    *,
    log_q: ArrayLike | None = None,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
    time_limit: float = TIME_LIMIT,
) -> Any:
    r"""Cross-entropy: the bits spent per outcome when p is the truth and the code was made for q.

    .. math:: H(p, q) = -\sum_i p_i \log q_i = H(p) + \mathrm{KL}(p \| q) \ge H(p)

    It is infinite where q rules out what p allows.

    Parameters
    ----------
    p : array-like of float, or a scipy.stats distribution
        The true probabilities; they sum to 1 along `axis`. Or a distribution of ``scipy.stats``, frozen or a
        random-variable object; then `q` is one too, and `base` and
        `time_limit` are the only options. See :func:`entropy` for the kinds.
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
    time_limit : float, default=2
        Seconds of processor time that a distribution may take; ``math.inf`` for no limit. Arrays ignore it.

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
        If SciPy's log-density of a distribution cannot be integrated, underflows where p still has density, or if
        the result exceeds the largest double.
    TimeoutError
        If SciPy takes longer than `time_limit` to evaluate a distribution.

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
    return in_base(_arrays.cross_entropy(*_read({"p": (p, None), "q": (q, log_q)}, axis, normalize)), base)


@_by_type
def kl_divergence(
    p: ArrayLike | None = None,
    q: ArrayLike | None = None,
    *,
    log_p: ArrayLike | None = None,
    log_q: ArrayLike | None = None,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
    time_limit: float = TIME_LIMIT,
) -> Any:
    r"""Kullback–Leibler divergence: the extra bits per outcome that coding p with a code for q costs.

    .. math:: \mathrm{KL}(p \| q) = \sum_i p_i \log \frac{p_i}{q_i} \ge 0

    It is 0 if and only if p = q, and infinite where q rules out what p allows.

    Parameters
    ----------
    p : array-like of float, or a scipy.stats distribution
        The true probabilities; they sum to 1 along `axis`. Or a distribution of ``scipy.stats``, frozen or a
        random-variable object; then `q` is one too, and `base` and
        `time_limit` are the only options. See :func:`entropy` for the kinds.
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
    time_limit : float, default=2
        Seconds of processor time that a distribution may take; ``math.inf`` for no limit. Arrays ignore it.

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
        If SciPy's log-density of a distribution cannot be integrated, underflows where p still has density, or if
        the result exceeds the largest double.
    TimeoutError
        If SciPy takes longer than `time_limit` to evaluate a distribution.

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
    return in_base(_arrays.kl_divergence(*_read({"p": (p, log_p), "q": (q, log_q)}, axis, normalize)), base)


@_by_type
def jensen_shannon(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
    time_limit: float = TIME_LIMIT,
) -> Any:
    r"""Jensen–Shannon divergence: symmetric, never infinite, between 0 (equal) and ln 2 (disjoint).

    .. math:: \mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p \| m) + \tfrac12 \mathrm{KL}(q \| m),
              \qquad m = \tfrac12 (p + q)

    It is the information, at most one bit, that one draw gives about which of the two made it.

    Parameters
    ----------
    p, q : array-like of float, or scipy.stats distributions
        Probabilities that sum to 1 along `axis`; the other dimensions broadcast. Or two distributions of
        ``scipy.stats``, frozen or random-variable objects; then `base` and `time_limit` are the only options.
    axis : int, default=-1
        The axis along which the outcomes lie, in each array.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.
    normalize : bool, default=False
        Divide each array by its sum along `axis` first, so that counts may be passed.
    time_limit : float, default=2
        Seconds of processor time that a distribution may take; ``math.inf`` for no limit. Arrays ignore it.

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
    return in_base(_arrays.jensen_shannon(*_read({"p": (p, None), "q": (q, None)}, axis, normalize)), base)


@_by_type
def perplexity(
    p: ArrayLike,
    q: ArrayLike | None = None,
    *,
    log_q: ArrayLike | None = None,
    axis: int = -1,
    normalize: bool = False,
    time_limit: float = TIME_LIMIT,
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
    time_limit : float, default=2
        Seconds of processor time that a distribution may take; ``math.inf`` for no limit. Arrays ignore it.

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


def mutual_information(
    joint: ArrayLike, *, axis: tuple[int, int] = (-2, -1), base: float | None = None, normalize: bool = False
) -> Any:
    r"""Mutual information: what one of two outcomes tells about the other, on average.

    .. math:: I(X; Y) = \sum_{xy} p(x, y) \log \frac{p(x, y)}{p(x) \, p(y)} = H(Y) - H(Y \mid X) \ge 0

    It is 0 if and only if the two are independent.

    Parameters
    ----------
    joint : array-like of float
        Joint probabilities, which sum to 1 (to 1e-6) over both axes; any other dimensions.
    axis : tuple of int, default=(-2, -1)
        The two axes along which the outcomes lie.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.
    normalize : bool, default=False
        Divide by the sum over both axes first, so that a table of counts may be passed.

    Returns
    -------
    float or ndarray
        One value per table, at least 0. Float32 in, float32 out.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, or a table does not sum to 1.

    See Also
    --------
    skxent.information.mutual_information_from_columns : From two columns of categories.
    skxent.information.mutual_information_from_samples : From observations of continuous quantities.

    References
    ----------
    Shannon (1948), "A mathematical theory of communication", :doi:`10.1002/j.1538-7305.1948.tb01338.x`.

    Examples
    --------
    A channel that flips one bit in ten carries 0.531 bits:

    >>> from skxent.information import mutual_information
    >>> mutual_information([[0.45, 0.05], [0.05, 0.45]], base=2).round(3)
    np.float64(0.531)

    Counts, on request:

    >>> round(float(mutual_information([[2, 0], [0, 2]], base=2, normalize=True)), 12)
    1.0
    """
    return in_base(_arrays.mutual_information(_arrays.read_joint("joint", joint, axis, normalize)), base)


def conditional_entropy(
    joint: ArrayLike, *, axis: int = -1, given: int = -2, base: float | None = None, normalize: bool = False
) -> Any:
    r"""Conditional entropy: the surprise that is left in one of two outcomes when the other is known.

    .. math:: H(Y \mid X) = -\sum_{xy} p(x, y) \log p(y \mid x) = H(X, Y) - H(X)

    Parameters
    ----------
    joint : array-like of float
        Joint probabilities, which sum to 1 (to 1e-6) over both axes; any other dimensions.
    axis : int, default=-1
        The axis along which the outcomes of Y lie, whose entropy is asked.
    given : int, default=-2
        The axis along which the outcomes of X lie, which is known.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.
    normalize : bool, default=False
        Divide by the sum over both axes first, so that a table of counts may be passed.

    Returns
    -------
    float or ndarray
        One value per table, from 0 (Y is a function of X) to the entropy of Y (independent). Float32 in,
        float32 out.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, or a table does not sum to 1.

    See Also
    --------
    skxent.information.conditional_entropy_from_columns : From two columns of categories.
    skxent.information.conditional_entropy_from_samples : From observations of continuous quantities.

    References
    ----------
    Cover & Thomas (2006), "Elements of Information Theory", section 2.2, :doi:`10.1002/047174882X`.

    Examples
    --------
    Rows are the weather, columns what people do. In the sun all go out; in the rain half of them do:

    >>> from skxent.information import conditional_entropy
    >>> float(conditional_entropy([[0.5, 0.0], [0.25, 0.25]], base=2))
    0.5
    """
    return in_base(_arrays.conditional_entropy(_arrays.read_joint("joint", joint, (given, axis), normalize)), base)
