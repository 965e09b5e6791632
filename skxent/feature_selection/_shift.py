"""Has the data changed? The same table, with the data set as the class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from skxent._registry import Registry
from skxent._sklearn import Interval, StrOptions, validate_params
from skxent._typing import Array, Floats, Integers
from skxent.feature_selection._binning import auto_bins, edges_of_rows
from skxent.feature_selection._containers import DataSet, SparseData, read_data
from skxent.feature_selection._count_table import CountTable
from skxent.feature_selection._features import features_of
from skxent.feature_selection._lazy_data import LazyData, is_lazy
from skxent.feature_selection._significance import adjust_pvalues, independence_pvalues
from skxent.feature_selection._target import MIN_ROWS, Target
from skxent.feature_selection._univariate import (
    BASE_CONSTRAINT,
    TABLE_CONSTRAINTS,
    CategoricalFeatures,
    count_features,
)
from skxent.feature_selection._values import Levels, kind_of, stack_columns
from skxent.information import cross_entropy, jensen_shannon, kl_divergence
from skxent.information._units import nats_per_unit

if TYPE_CHECKING:
    import pandas as pd

    from skxent.feature_selection._worker_counts import WorkerColumns  # it needs Dask

__all__ = ["METRICS", "distribution_shift"]

# Counts of both data sets, of shape (n_features, n_bins), to one number for each feature, in nats.
Metric = Callable[[Floats, Floats], Floats]

METRICS: Registry[Metric] = Registry("metric")

REFERENCE, NEW = 0, 1


@METRICS.register("js")
def _js(reference: Floats, new: Floats) -> Floats:
    return np.asarray(jensen_shannon(reference, new, normalize=True))


@METRICS.register("kl")
def _kl(reference: Floats, new: Floats) -> Floats:
    return np.asarray(kl_divergence(new, reference, normalize=True))


@METRICS.register("psi")
def _psi(reference: Floats, new: Floats) -> Floats:
    return _kl(reference, new) + _kl(new, reference)


@METRICS.register("cross_entropy")
def _cross_entropy(reference: Floats, new: Floats) -> Floats:
    return np.asarray(cross_entropy(new, reference, normalize=True))


@validate_params(
    {
        **TABLE_CONSTRAINTS,
        "metric": [str],
        "quantiles": [StrOptions({"both", "reference"})],
        "edges": [Mapping, None],
        "smoothing": [Interval(Real, 0, None, closed="left")],
        "correction": [str, None],
        "base": BASE_CONSTRAINT,
    },
    prefer_skip_nested_validation=True,
)
def distribution_shift(
    X_reference: Any,
    X_new: Any,
    *,
    metric: str = "js",
    categorical_features: CategoricalFeatures = "from_dtype",
    n_bins: int | Literal["auto"] = "auto",
    quantiles: Literal["both", "reference"] = "both",
    edges: Mapping[str, ArrayLike] | None = None,
    smoothing: float = 0.5,
    base: float | None = None,
    correction: str | None = "fdr_bh",
    n_jobs: int | None = None,
) -> pd.DataFrame:
    r"""Compare, feature by feature, the distribution of new data with that of reference data.

    Both are counted in the same bins: quantiles of the two data sets together, categories, and one bin for
    missing values.

    Parameters
    ----------
    X_reference, X_new : array-like, data frame or sparse matrix of shape (n_rows, n_features)
        Data frames are matched by the names of their columns, in any order.
    metric : {"js", "kl", "psi", "cross_entropy"}, default="js"
        With p the distribution of the new data and r that of the reference:

        - "js", the Jensen–Shannon divergence: between 0 and ln 2, or 1 bit;
        - "kl", :math:`\mathrm{KL}(p \| r)`: what coding the new data with a code for the reference costs
          extra;
        - "psi", the population stability index, which is :math:`\mathrm{KL}(p \| r) + \mathrm{KL}(r \| p)`;
        - "cross_entropy", :math:`H(p, r)`: what that code costs in all.

        All but "js" add `smoothing` to each bin.
    categorical_features : "from_dtype" or array-like of bool, int or str, default="from_dtype"
        Features whose every value is a bin of its own. Text, and columns with a categorical dtype, always
        are.
    n_bins : int or "auto", default="auto"
        Number of quantile bins; "auto" grows with the fifth root of the rows of the smaller data set, from 4.
    quantiles : {"both", "reference"}, default="both"
        Whether the bins are quantiles of both data sets together or of the reference alone.
    edges : dict of str to array-like of float, default=None
        Limits between bins of one's own for some numeric columns, ascending; a limit belongs to the bin below it.
    smoothing : float, default=0.5
        Rows that "kl", "psi" and "cross_entropy" add to each bin of each data set. 0 gives the plain formula, as
        other tools print it, which is infinite where a bin is empty in one data set.
    base : float, default=None
        Base of the logarithm: 2 for bits; None for nats.
    correction : {"fdr_bh", "fdr_by", "bonferroni"} or None, default="fdr_bh"
        How the p-values are corrected for the number of features.
    n_jobs : int, default=None
        Number of threads.

    Returns
    -------
    table : pandas.DataFrame
        One row for each feature, in the order of `X_reference`, with the columns `metric`, ``p_value`` (of
        the hypothesis that nothing changed), ``p_adjusted`` and ``n_bins``.

    Raises
    ------
    ImportError
        If pandas is not installed.
    ValueError
        If one data set lacks columns of the other (they are named), or if a column holds text, numbers, dates
        or durations in one and another of these in the other. A column without any value fits all of them.
    TypeError
        If one data set is sparse and the other is not.

    Notes
    -----
    Judge by the p-value, not by a fixed limit: all four measures are above 0 when nothing has changed, by an
    amount that depends on the number of rows and bins. The customary limits of 0.1 and 0.25 for "psi" give
    false alarms in small samples and miss changes in large ones.

    Examples
    --------
    >>> import numpy as np
    >>> from skxent.feature_selection import distribution_shift
    >>> rng = np.random.default_rng(0)
    >>> reference, new = rng.normal(size=(2, 500, 3))
    >>> new[:, 1] += 1
    >>> table = distribution_shift(reference, new, base=2)
    >>> table["js"].round(2).tolist()
    [0.0, 0.14, 0.0]
    >>> table.index[table["p_adjusted"] < 0.05].tolist()
    ['x1']
    """
    pd = _import_pandas()
    divergence_of = METRICS[metric]
    data = match_columns(X_reference, X_new)
    reference, new = (features_of(part, categorical_features) for part in data)
    codes = np.repeat([REFERENCE, NEW], [reference.n_rows, new.n_rows])
    target = Target(np.array(["reference", "new"]), codes)

    def compare(table: CountTable) -> tuple[Floats, Floats, Integers]:
        divergence = _divergences(table, divergence_of, 0.0 if metric == "js" else smoothing) / nats_per_unit(base)
        return divergence, independence_pvalues(table), table.bins_per_feature

    if quantiles == "both" and not edges:
        parts = count_features(reference.followed_by(new), target, n_bins, n_jobs, compare)
    else:
        aim = auto_bins(target.totals) if isinstance(n_bins, str) else n_bins
        categorical = reference.categorical | new.categorical
        _require_columns(edges or {}, reference.names)
        workers: list[Any] = [getattr(part, "workers", None) for part in (reference, new)]
        count = partial(_in_fixed_bins, data) if None in workers else partial(_on_workers, workers[0], workers[1])
        parts = [compare(table) for table in count(target, categorical, aim, quantiles, edges or {})]
    divergence, pvalues, bins = (np.concatenate(column) for column in zip(*parts, strict=True))
    columns = {
        metric: divergence,
        "p_value": pvalues,
        "p_adjusted": adjust_pvalues(pvalues, correction),
        "n_bins": bins,
    }
    return pd.DataFrame(columns, index=pd.Index(reference.names, name="feature"))


def _import_pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("distribution_shift returns a pandas table: pip install pandas") from error
    return pandas


def match_columns(X_reference: Any, X_new: Any) -> tuple[DataSet, DataSet]:
    """Read both data sets; the columns of named ones are put into the same order.

    Raises
    ------
    ValueError
        If one lacks columns of the other.
    TypeError
        If one is sparse and the other is not.
    """
    reference, new = (LazyData.of(X, MIN_ROWS) if is_lazy(X) else read_data(X, MIN_ROWS) for X in (X_reference, X_new))
    if isinstance(reference, SparseData) != isinstance(new, SparseData):
        raise TypeError("One of X_reference and X_new is sparse, the other is not: convert one of them.")
    missing = [name for name in reference.names if name not in set(new.names)]
    extra = [name for name in new.names if name not in set(reference.names)]
    if missing or extra:
        raise ValueError(
            f"The data sets have different columns: X_new lacks {missing or 'none'}, "
            f"and X_reference lacks {extra or 'none'}."
        )
    if new.names != reference.names:
        new = new.select([new.names.index(name) for name in reference.names])
    return reference, new


def _in_fixed_bins(
    data: tuple[DataSet, DataSet],
    target: Target,
    categorical: Array,
    n_bins: int,
    quantiles: str,
    edges: Mapping[str, ArrayLike],
) -> Iterator[CountTable]:
    """Count both data sets in bins that the reference, or the user, gives."""
    reference, new = data
    for at, name in enumerate(reference.names):
        columns = reference.column(at), new.column(at)
        both = stack_columns(*columns, name)
        whole = quantiles == "both" or categorical[at] or kind_of(both) == "text"
        own = _own_edges(edges, name)

        def limits_of(values: Array, own: Array | None = own) -> Array:
            return edges_of_rows(values, n_bins)[:-1] if own is None else own

        levels = Levels.of(both if whole else columns[0], name, bool(categorical[at]), limits_of)
        codes = levels.codes(both, name)
        counts = np.bincount(codes * 2 + target.codes, minlength=levels.n_codes * 2).reshape(-1, 2).astype(np.float64)
        yield _table_of(levels, counts, target)


def _on_workers(
    reference: WorkerColumns,
    new: WorkerColumns,
    target: Target,
    categorical: Array,
    n_bins: int,
    quantiles: str,
    edges: Mapping[str, ArrayLike],
) -> Iterator[CountTable]:
    """Do as :func:`_in_fixed_bins` where the data sets are; what comes here are limits, categories and counts."""
    both, names = reference.followed_by(new), reference.names
    columns = range(len(names))
    kinds = both.kinds(columns, categorical)
    maybe_ordered = [at for at in columns if kinds[at] != "text" and not categorical[at]]
    limits = (both if quantiles == "both" else reference).cut(maybe_ordered, n_bins, categorical)
    categories = both.categories([at for at in columns if at not in limits])
    levels = []
    for at in columns:
        own = _own_edges(edges, names[at])
        cuts = limits.get(at, np.empty(0)) if own is None or at not in limits else own
        levels.append(Levels(cuts, categories.get(at), "" if at in categories else kinds[at]))
    for level, counts in zip(levels, both.count_in(levels), strict=True):
        yield _table_of(level, counts, target)


def _require_columns(edges: Mapping[str, ArrayLike], names: list[str]) -> None:
    unknown = [name for name in edges if name not in names]
    if unknown:
        raise ValueError(f"edges names columns that the data sets do not have: {unknown}.")


def _own_edges(edges: Mapping[str, ArrayLike], name: str) -> Array | None:
    """Return the limits between bins that the user gives, if there are any for a column."""
    if name not in edges:
        return None
    own = np.unique(np.asarray(edges[name], dtype=np.float64))
    if np.isnan(own).any():
        raise ValueError(f"edges[{name!r}] holds a value that is not a number.")
    return own


def _table_of(levels: Levels, counts: Floats, target: Target) -> CountTable:
    """Return the table of one feature from the rows of both data sets in each bin."""
    filled = counts[counts.sum(axis=1) > 0]
    bins, label = np.nonzero(filled)
    limits = np.arange(len(filled) - int(counts[-1].any()))  # the bin of missing values has no limit
    of_feature = np.zeros(len(filled), dtype=np.int64)
    return CountTable(
        bins, label, filled[bins, label], of_feature, target.totals, (limits,), (levels.categories is None,)
    )


def _divergences(table: CountTable, metric: Metric, smoothing: float) -> Floats:
    """Apply a metric to all features with the same number of bins at once."""
    counts = np.zeros((len(table.feature_of_bin), 2))
    counts[table.bin, table.label] = table.count
    first_bin = np.cumsum(table.bins_per_feature) - table.bins_per_feature
    result = np.empty(table.n_features)
    for n_bins in np.unique(table.bins_per_feature):
        features = np.flatnonzero(table.bins_per_feature == n_bins)
        pair = counts[first_bin[features, None] + np.arange(n_bins)]
        result[features] = metric(pair[..., REFERENCE] + smoothing, pair[..., NEW] + smoothing)
    return result
