"""Has the data changed? The same table, with the data set as the class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skxent._registry import Registry
from skxent._sklearn import validate_params
from skxent._typing import Floats, Integers
from skxent.feature_selection._containers import DataSet, SparseData, read_data
from skxent.feature_selection._count_table import CountTable
from skxent.feature_selection._features import features_of
from skxent.feature_selection._significance import adjust_pvalues, independence_pvalues
from skxent.feature_selection._target import MIN_ROWS, Target
from skxent.feature_selection._univariate import (
    BASE_CONSTRAINT,
    TABLE_CONSTRAINTS,
    CategoricalFeatures,
    count_features,
)
from skxent.information import cross_entropy, jensen_shannon, kl_divergence
from skxent.information._units import nats_per_unit

if TYPE_CHECKING:
    import pandas as pd

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
    return np.asarray(kl_divergence(new + 0.5, reference + 0.5, normalize=True))


@METRICS.register("psi")
def _psi(reference: Floats, new: Floats) -> Floats:
    return _kl(reference, new) + _kl(new, reference)


@METRICS.register("cross_entropy")
def _cross_entropy(reference: Floats, new: Floats) -> Floats:
    return np.asarray(cross_entropy(new + 0.5, reference + 0.5, normalize=True))


@validate_params(
    {
        **TABLE_CONSTRAINTS,
        "metric": [str],
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

        All but "js" add half a row to each bin, so that a bin which is empty in one data set does not make
        them infinite.
    categorical_features : "from_dtype" or array-like of bool, int or str, default="from_dtype"
        Features whose every value is a bin of its own. Text, and columns with a categorical dtype, always
        are.
    n_bins : int or "auto", default="auto"
        Number of quantile bins; "auto" is the cube root of the number of rows of both, between 2 and 255.
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
    [0.0, 0.13, 0.0]
    >>> table.index[table["p_adjusted"] < 0.05].tolist()
    ['x1']
    """
    pd = _import_pandas()
    divergence_of = METRICS[metric]
    reference, new = (features_of(data, categorical_features) for data in match_columns(X_reference, X_new))
    codes = np.repeat([REFERENCE, NEW], [reference.n_rows, new.n_rows])
    target = Target(np.array(["reference", "new"]), codes)

    def compare(table: CountTable) -> tuple[Floats, Floats, Integers]:
        divergence = _divergences(table, divergence_of) / nats_per_unit(base)
        return divergence, independence_pvalues(table), table.bins_per_feature

    parts = count_features(reference.followed_by(new), target, n_bins, n_jobs, compare)
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
    reference, new = read_data(X_reference, MIN_ROWS), read_data(X_new, MIN_ROWS)
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


def _divergences(table: CountTable, metric: Metric) -> Floats:
    """Apply a metric to all features with the same number of bins at once."""
    counts = np.zeros((len(table.feature_of_bin), 2))
    counts[table.bin, table.label] = table.count
    first_bin = np.cumsum(table.bins_per_feature) - table.bins_per_feature
    result = np.empty(table.n_features)
    for n_bins in np.unique(table.bins_per_feature):
        features = np.flatnonzero(table.bins_per_feature == n_bins)
        pair = counts[first_bin[features, None] + np.arange(n_bins)]
        result[features] = metric(pair[..., REFERENCE], pair[..., NEW])
    return result
