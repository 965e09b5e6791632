"""Information measures of unknown continuous distributions, estimated from samples.

The distance to the k-th nearest neighbour tells the density around a point: a ball that holds k of n points
has a probability of about k / n. No bins, no bandwidth; every region gets the resolution that it allows.

Distances are taken after an affine map that makes the cloud of points round, so that no estimate depends on the
units of the columns, or on any other affine map of them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skxent._typing import Array, Floats
from skxent.information._units import nats_per_unit

__all__ = [
    "conditional_entropy_from_samples",
    "cross_entropy_from_samples",
    "entropy_from_samples",
    "kl_divergence_from_samples",
    "mutual_information_from_samples",
]

# Part of the rows that may repeat others. So few repetitions come from rounding to steps far smaller than the
# distances that count: where n points of density p are rounded to steps d, about n p d of them repeat another,
# and the distance to the k-th neighbour is about k / (2 n p), so that d is below 2 * 0.05 / k of it.
_MOST_REPEATED = 0.05
# Whole numbers up to this are float64 numbers.
_LARGEST_EXACT = 2**53


def entropy_from_samples(x: ArrayLike, *, k: int = 3, base: float | None = None) -> float:
    r"""Differential entropy of the continuous distribution that a sample was drawn from.

    .. math:: \hat H = \psi(n) - \psi(k) + \log c_d + \frac dn \sum_i \log \rho_i

    where :math:`\rho_i` is the distance from point i to its k-th nearest neighbour, :math:`c_d` the volume of
    the unit ball in d dimensions and :math:`\psi` the digamma function.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d)
        The sample. Whole numbers of any size keep their differences, from one to the next and across the range.
        Rows that repeat others are taken for rounding as long as they are at most 5 % of the sample and
        no point has `k` copies.
    k : int, default=3
        Number of neighbours. More lower the variance and raise the bias.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.

    Returns
    -------
    float
        The estimate; its standard deviation is about
        :math:`\sqrt{(\operatorname{Var}[\log p(X)] + \psi'(k)) / n}`.

    Raises
    ------
    ValueError
        If too many points coincide, or points are too few or not finite, or if a column is constant or a
        linear combination of others: such a distribution has no density.

    See Also
    --------
    skxent.entropy : From probabilities or counts, hence for discrete data too.

    References
    ----------
    Kozachenko & Leonenko (1987), "Sample estimate of the entropy of a random vector", Problems of Information
    Transmission 23(2). Kraskov, Stögbauer & Grassberger (2004), "Estimating mutual information",
    :doi:`10.1103/PhysRevE.69.066138`, equation 20.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import stats
    >>> from skxent import entropy
    >>> from skxent.information import entropy_from_samples
    >>> x = np.random.default_rng(6).normal(size=10_000)
    >>> round(entropy_from_samples(x), 2), round(entropy(stats.norm()), 2)
    (1.42, 1.42)
    """
    unit = nats_per_unit(base)
    points = _points("x", x)
    _refuse_repetitions("x", points)
    return _mean_surprise(points, None, k) / unit


def cross_entropy_from_samples(x: ArrayLike, y: ArrayLike, *, k: int = 3, base: float | None = None) -> float:
    r"""Cross-entropy H(p, q) of the continuous distributions that two samples were drawn from.

    .. math:: \hat H = \psi(m + 1) - \psi(k) + \log c_d + \frac dn \sum_i \log \nu_i

    where :math:`\nu_i` is the distance from point i of x to its k-th nearest neighbour among the m of y.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d)
        The sample of p, the truth.
    y : array-like of shape (m,) or (m, d)
        The sample of q, the belief.
        Rows that repeat others are taken for rounding as long as they are at most 5 % of the sample and
        no point has `k` copies.
    k : int, default=3
        Number of neighbours.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.

    Returns
    -------
    float
        The estimate, always finite: where q has no point near, no sample can tell rare from impossible.

    Raises
    ------
    ValueError
        If too many points coincide, or points are too few or not finite, if a column is constant or a linear
        combination of others, or if the samples have different dimensions.

    References
    ----------
    Leonenko, Pronzato & Savani (2008), "A class of Rényi information estimators for multidimensional
    densities", :doi:`10.1214/07-AOS539`.

    Examples
    --------
    >>> import numpy as np
    >>> from skxent.information import cross_entropy_from_samples
    >>> rng = np.random.default_rng(6)
    >>> x, y = rng.normal(0, 1, 10_000), rng.normal(1, 2, 10_000)
    >>> round(cross_entropy_from_samples(x, y), 2)  # the truth is 1.862
    1.86
    """
    unit = nats_per_unit(base)
    return _mean_surprise(*_two_samples(x, y), k) / unit


def kl_divergence_from_samples(x: ArrayLike, y: ArrayLike, *, k: int = 3, base: float | None = None) -> float:
    r"""Kullback–Leibler divergence of the continuous distributions that two samples were drawn from.

    .. math:: \widehat{\mathrm{KL}} = \frac dn \sum_i \log \frac{\nu_i}{\rho_i} + \psi(m + 1) - \psi(n)

    with the distances from point i of x to its k-th nearest neighbour in y, :math:`\nu_i`, and among the
    other points of x, :math:`\rho_i`.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d)
        The sample of p, the truth.
    y : array-like of shape (m,) or (m, d)
        The sample of q, the belief.
        Rows that repeat others are taken for rounding as long as they are at most 5 % of the sample and
        no point has `k` copies.
    k : int, default=3
        Number of neighbours.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.

    Returns
    -------
    float
        The estimate. It scatters around the truth, so it may be negative where p is close to q.

    Raises
    ------
    ValueError
        If too many points coincide, or points are too few or not finite, if a column is constant or a linear
        combination of others, or if the samples have different dimensions.

    References
    ----------
    Wang, Kulkarni & Verdú (2009), "Divergence estimation for multidimensional densities via
    k-nearest-neighbor distances", :doi:`10.1109/TIT.2009.2016060`.

    Examples
    --------
    >>> import numpy as np
    >>> from skxent.information import kl_divergence_from_samples
    >>> rng = np.random.default_rng(6)
    >>> x, y = rng.normal(0, 1, 10_000), rng.normal(1, 2, 10_000)
    >>> round(kl_divergence_from_samples(x, y), 2)  # the truth is 0.443
    0.44
    """
    unit = nats_per_unit(base)
    truth, belief = _two_samples(x, y)
    return (_mean_surprise(truth, belief, k) - _mean_surprise(truth, None, k)) / unit


def mutual_information_from_samples(x: ArrayLike, y: ArrayLike, *, k: int = 3, base: float | None = None) -> float:
    r"""Mutual information of two continuous quantities that were observed together.

    .. math:: \hat I = \psi(k) + \psi(n) - \frac1n \sum_i [\psi(n_x(i) + 1) + \psi(n_y(i) + 1)]

    where :math:`n_x(i)` counts the points whose x is nearer to that of point i than its k-th nearest neighbour is
    in the larger of the two distances, and :math:`n_y(i)` likewise.

    Parameters
    ----------
    x, y : array-like of shape (n,) or (n, d)
        The observations; row i of both belongs together. Rows of both together that repeat others are taken for
        rounding as long as they are at most 5 % and no point has `k` copies.
    k : int, default=3
        Number of neighbours.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.

    Returns
    -------
    float
        The estimate. It scatters around the truth, so it may be negative where x and y are independent. It grows
        with the logarithm of n where one quantity is a function of the other, and the truth is infinite.

    Raises
    ------
    ValueError
        If x and y differ in length, points are too few or not finite, a column is constant or a linear
        combination of others of the same argument, or too many rows repeat others.

    See Also
    --------
    skxent.information.mutual_information : From joint probabilities.
    skxent.information.mutual_information_from_columns : From columns of categories.

    References
    ----------
    Kraskov, Stögbauer & Grassberger (2004), "Estimating mutual information", :doi:`10.1103/PhysRevE.69.066138`,
    equation 8.

    Examples
    --------
    Two normal quantities of correlation 0.8 share -log(1 - 0.8²) / 2 = 0.51 nats, in whatever units:

    >>> import numpy as np
    >>> from skxent.information import mutual_information_from_samples
    >>> x, noise = np.random.default_rng(0).normal(size=(2, 5000))
    >>> round(mutual_information_from_samples(x, 1000 * (0.8 * x + 0.6 * noise)), 2)
    0.5...
    """
    from scipy.special import digamma

    unit = nats_per_unit(base)
    first, second = _observed_together(x, y)
    _check_neighbours(k, len(first) - 1)
    first, second = _round(first), _round(second)
    radius = _joint_distances(first, second, k)
    counts = [_count_within(points, radius) for points in (first, second)]
    nats = digamma(k) + digamma(len(first)) - sum(digamma(count).mean() for count in counts)
    return float(nats) / unit


def conditional_entropy_from_samples(y: ArrayLike, given: ArrayLike, *, k: int = 3, base: float | None = None) -> float:
    r"""Differential entropy that is left of one continuous quantity when another is known.

    .. math:: H(Y \mid X) = H(Y) - I(X; Y)

    Parameters
    ----------
    y : array-like of shape (n,) or (n, d)
        The observations of the quantity.
    given : array-like of shape (n,) or (n, d)
        The observations of what is known, X; row i of both belongs together.
    k : int, default=3
        Number of neighbours.
    base : float, optional
        Base of the logarithm of the result: 2 for bits, None for nats.

    Returns
    -------
    float
        The estimate: :func:`entropy_from_samples` less :func:`mutual_information_from_samples`.

    Raises
    ------
    ValueError
        As of the two functions.

    Examples
    --------
    What is left is noise of standard deviation 0.6, of entropy log(0.6 √(2πe)) = 0.91:

    >>> import numpy as np
    >>> from skxent.information import conditional_entropy_from_samples
    >>> x, noise = np.random.default_rng(0).normal(size=(2, 5000))
    >>> round(conditional_entropy_from_samples(0.8 * x + 0.6 * noise, x), 1)
    0.9
    """
    return entropy_from_samples(y, k=k, base=base) - mutual_information_from_samples(given, y, k=k, base=base)


def _two_samples(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    truth, belief = _numbers("x", x), _numbers("y", y)
    if truth.shape[1] != belief.shape[1]:
        raise ValueError(f"x has {truth.shape[1]} dimensions and y has {belief.shape[1]}; they must agree.")
    truth, belief = _near_zero(truth, belief)
    _refuse_repetitions("x", truth)
    _refuse_repetitions("y", belief)
    _refuse_shared(truth, belief)
    return truth, belief


def _observed_together(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    first, second = _points("x", x), _points("y", y)
    if len(first) != len(second):
        raise ValueError(f"x has {len(first)} rows and y has {len(second)}; each row of both belongs together.")
    _refuse_repetitions("x and y", np.concatenate([first, second], axis=1))
    _refuse_degenerate("x", first)
    _refuse_degenerate("y", second)
    return first.astype(np.float64, copy=False), second.astype(np.float64, copy=False)


def _points(name: str, values: Any) -> Floats:
    """Return a sample as numbers, a row for each point; large whole numbers keep their distances."""
    return _near_zero(_numbers(name, values))[0]


def _numbers(name: str, values: Any) -> Array:
    """Check a sample; whole numbers that float64 would round are returned as objects."""
    if np.ma.is_masked(values):
        raise ValueError(f"{name} is a masked array with masked values; drop those rows first.")
    if np.iscomplexobj(values):
        raise ValueError(f"{name} must hold real numbers; give real and imaginary part as two columns.")
    try:
        points = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must hold numbers: {error}.") from None
    if points.ndim not in (1, 2) or points.size == 0:
        raise ValueError(
            f"{name} must have shape (n,) or (n, d), a row per point and one at least; got {np.shape(values)}."
        )
    points, given = (array.reshape(len(array), -1) for array in (points, _large_integers(values, points)))
    bad = ~np.isfinite(points).all(axis=1)
    if bad.any():
        raise ValueError(f"Row {np.flatnonzero(bad)[0]} of {name} is not finite: {points[bad][0]}.")
    tiny = np.abs(points).max(axis=0) < np.finfo(np.float64).tiny / np.finfo(np.float64).eps
    if np.any(tiny & (points != 0).any(axis=0)):
        raise ValueError(f"Column {np.argmax(tiny)} of {name} has numbers too small to have all digits: scale it up.")
    return given


def _large_integers(values: Any, points: Floats) -> Array:
    """Return the points, or as objects of Python whole numbers among which some are rounded."""
    if not np.any(np.abs(points) >= _LARGEST_EXACT):
        return points
    given = np.asarray(values) if hasattr(values, "dtype") else np.asarray(values, dtype=object)
    if given.dtype.kind in "iu":
        return given.astype(object)
    whole = given.dtype.kind == "O" and all(isinstance(value, int | np.integer) for value in given.ravel())
    return np.vectorize(int, otypes=[object])(given) if whole else points


def _near_zero(*samples: Array) -> list[Floats]:
    """Move samples of large whole numbers, all by the same, so that their differences are exact.

    Where the largest difference of whole numbers has more digits than float64, the widest floating-point numbers hold
    them. Beside numbers with a fraction they are rounded.
    """
    if all(points.dtype.kind == "f" for points in samples):
        return [*samples]
    if any(points.dtype.kind == "f" and np.any(points % 1) for points in samples):
        return [points.astype(np.float64) for points in samples]
    whole = [points if points.dtype == object else np.vectorize(int, otypes=[object])(points) for points in samples]
    least = np.min([points.min(axis=0) for points in whole], axis=0)
    moved = [points - least for points in whole]
    wide = max(points.max() for points in moved) > _LARGEST_EXACT
    return [points.astype(np.longdouble if wide else np.float64) for points in moved]


def _refuse_repetitions(name: str, points: Floats) -> None:
    n_repeated = len(points) - _count_distinct(points)
    if n_repeated > _MOST_REPEATED * len(points):
        labels = _labels(points)
        row = np.argmax(np.bincount(labels)[labels] > 1)
        raise _tie(f"{n_repeated} of the {len(points)} points of {name} repeat others, the first in row {row}")


def _refuse_shared(x: Floats, y: Floats) -> None:
    labels = _labels(np.concatenate([x, y]))
    shared = np.isin(labels[: len(x)], labels[len(x) :])
    if shared.sum() > _MOST_REPEATED * len(x):
        row = np.argmax(shared)
        raise _tie(f"{shared.sum()} of the {len(x)} points of x coincide with points of y, the first in row {row}")


def _count_distinct(points: Floats) -> int:
    if points.shape[1] > 1:
        return int(_labels(points).max()) + 1
    return 1 + int(np.count_nonzero(np.diff(np.sort(points[:, 0]))))


def _labels(points: Floats) -> Array:
    """Return a number for each point, the same for equal points."""
    order = np.lexsort(points.T)
    new = (np.diff(points[order], axis=0) != 0).any(axis=1)
    labels = np.empty(len(points), dtype=np.int64)
    labels[order] = np.concatenate([[0], np.cumsum(new)])
    return labels


def _refuse_degenerate(name: str, points: Floats) -> None:
    from skxent.information._scatter import degenerate_column

    column = degenerate_column(points.astype(np.float64, copy=False)) if len(points) > 1 else None
    if column is not None:
        raise ValueError(
            f"Column {column} of {name} is constant or a linear combination of the columns before it. The points "
            "lie in a plane of fewer dimensions, and there is no density: the differential entropy is minus infinity."
        )


def _tie(what: str) -> ValueError:
    return ValueError(
        f"{what}. Points of continuous distributions never coincide, so their distances would mislead. "
        "For discrete or rounded data count the values, and pass the counts to entropy(..., normalize=True) "
        "or its relatives."
    )


def _check_neighbours(k: int, n_others: int) -> None:
    if k not in range(1, n_others + 1):
        raise ValueError(f"k={k} is not a whole number from 1 to {n_others}, the number of possible neighbours.")


def _mean_surprise(x: Floats, y: Floats | None, k: int) -> float:
    """Return the mean over x of -log density, as y tells it, or for each point of x the others."""
    from scipy.special import digamma, gammaln

    from skxent.information._scatter import whitening

    others, n_others = (x, len(x) - 1) if y is None else (y, len(y))
    _check_neighbours(k, n_others)
    _refuse_degenerate("x" if y is None else "y", others)
    dimension = x.shape[1]
    given, x = x, np.sort(x, axis=0) if dimension == 1 else x  # the mean asks for no order
    others = others.astype(np.float64, copy=False)
    matrix, log_volume = _power_of_two(others) if dimension == 1 else whitening(others)
    distances = _neighbour_distances(x @ matrix, None if y is None else y @ matrix, k)
    if not distances.all():
        row = np.argmax((given == x[np.argmin(distances)]).all(axis=1))
        raise _tie(f"Row {row} of x coincides with {k} points of {'x' if y is None else 'y'}")
    log_unit_ball = dimension / 2 * math.log(math.pi) - gammaln(dimension / 2 + 1)
    mean_log_distance = np.log(distances).mean()
    return float(digamma(n_others + 1) - digamma(k) + log_unit_ball + dimension * mean_log_distance - log_volume)


def _power_of_two(points: Floats) -> tuple[Floats, float]:
    """Scale one column to a size of about 1 without rounding it; return what `whitening` does."""
    power = np.frexp(np.abs(points - np.median(points, axis=0)).max(axis=0))[1]
    return np.ldexp(1.0, -power)[np.newaxis], -float(power[0] * np.log(2))


def _neighbour_distances(x: Floats, y: Floats | None, k: int) -> Floats:
    """Return the distance from each point of x to its k-th nearest in y, or among the other points of x."""
    if x.shape[1] == 1:
        return _neighbour_distances_on_a_line(x[:, 0], None if y is None else y[:, 0], k)
    from scipy.spatial import cKDTree

    nearest = [k] if y is not None else [k + 1]
    distances, _ = cKDTree(x if y is None else y).query(x, k=nearest)
    found: Floats = distances[:, 0]
    return found


def _neighbour_distances_on_a_line(x: Floats, y: Floats | None, k: int) -> Floats:
    """Find the neighbours of sorted points: the k nearest are a run of k, some of them below and the rest above."""
    line = x if y is None else np.sort(y)
    # The nearest one of a point among all is the point itself.
    k, place = (k + 1, np.arange(len(x))) if y is None else (k, np.searchsorted(line, x))
    padded = np.concatenate([np.full(k, -np.inf), line, np.full(k, np.inf)])
    nearest = np.full(len(x), np.inf)
    for below in range(k + 1):
        first, last = padded[place - below + k], padded[place - below + 2 * k - 1]
        np.minimum(nearest, np.maximum(np.abs(x - first), np.abs(last - x)), out=nearest)
    return nearest


def _round(points: Floats) -> Floats:
    """Map the points to coordinates that no affine map of them changes, but for signs and the order of columns."""
    from skxent.information._scatter import principal_axes, whitening

    rounded = points @ whitening(points)[0]
    axes: Floats = rounded @ principal_axes(rounded)
    return axes


def _joint_distances(x: Floats, y: Floats, k: int) -> Floats:
    """Return the distance to the k-th nearest neighbour, where a distance is the larger one of x and of y."""
    from scipy.spatial import cKDTree

    joint = np.concatenate([x, y], axis=1)
    distances, _ = cKDTree(joint).query(joint, k=[k + 1], p=np.inf)
    if not distances.all():
        raise _tie(f"Row {np.argmin(distances)} of x and y coincides with {k} others")
    found: Floats = distances[:, 0]
    return found


def _count_within(points: Floats, radius: Floats) -> Array:
    """Count the points strictly nearer than the radius, in the largest distance of a column, with the point itself."""
    # The neighbour that the radius reaches is not counted, whichever way its distance was rounded.
    inner = radius - 8 * np.finfo(float).eps * np.abs(points).max()
    if points.shape[1] == 1:
        line, values = np.sort(points[:, 0]), points[:, 0]
        return np.searchsorted(line, values + inner, "right") - np.searchsorted(line, values - inner, "left")
    from scipy.spatial import cKDTree

    count: Array = cKDTree(points).query_ball_point(points, inner, p=np.inf, return_length=True)
    return count
