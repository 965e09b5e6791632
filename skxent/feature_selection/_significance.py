"""Is it more than chance? p-values from the same table, and corrections for testing many features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import gammaincc
from scipy.stats import false_discovery_control

from skxent._registry import Registry
from skxent._typing import Floats
from skxent.feature_selection._binning import add_up
from skxent.feature_selection._count_table import CountTable

__all__ = ["CORRECTIONS", "adjust_pvalues", "independence_pvalues"]

CORRECTIONS: Registry[Callable[[Floats], Floats]] = Registry("correction")


def independence_pvalues(table: CountTable) -> Floats:
    r"""p-value of each feature: of the hypothesis that classes do not depend on bins.

    Pearson's :math:`X^2 = N (\sum n_{bk}^2 / n_b n_k - 1)` against a gamma distribution with the exact mean
    and variance that it has when the classes are shuffled over the rows. Unlike the χ² distribution with (B
    − 1)(K − 1) degrees of freedom, this also holds for hundreds of categories with a handful of rows each.

    Returns
    -------
    pvalues : ndarray of shape (n_features,)
        1 where shuffling changes nothing: a single bin, or every row its own bin.

    References
    ----------
    J. B. S. Haldane, "The mean and variance of χ², when used as a test of homogeneity, when expectations are
    small", Biometrika 31 (1940), doi:10.1093/biomet/31.3-4.346.
    """
    fraction = table.count / table.bin_totals[table.bin] * (table.count / table.class_totals[table.label])
    statistic = table.total * (table.sum_cells(fraction) - 1)
    mean, variance = null_moments(table)
    varies = variance > 1e-12 * np.maximum(mean, 1)
    scale = np.divide(variance, mean, out=np.ones_like(mean), where=varies)
    pvalues = gammaincc(np.where(varies, mean, 1) / scale, np.maximum(statistic, 0) / scale)
    return np.where(varies, pvalues, 1.0)


def null_moments(table: CountTable) -> tuple[Floats, Floats]:
    """Mean and variance of X² over all ways to shuffle the classes, each of shape (n_features,)."""
    n = table.total
    reciprocals = add_up(table.feature_of_bin, 1 / table.bin_totals, table.n_features)
    bins, classes = table.bins_per_feature.astype(np.float64), float(table.n_classes)
    v_bins, w_bins = _margin_moments(n, bins, reciprocals)
    v_classes, w_classes = _margin_moments(n, np.array(classes), np.sum(1 / table.class_totals, keepdims=True))
    mean = n * (bins - 1) * (classes - 1) / (n - 1)
    variance = 2 * n / (n - 3) * (v_bins - w_bins) * (v_classes - w_classes) + n**2 / (n - 1) * w_bins * w_classes
    return mean, variance


def _margin_moments(n: float, groups: Floats, reciprocals: Floats) -> tuple[Floats, Floats]:
    """Give Haldane's v and w for one margin, from its number of groups and the sum of 1 / group total."""
    return (groups - 1) * (n - groups) / (n - 1), (n * reciprocals - groups**2) / (n - 2)


@CORRECTIONS.register("bonferroni")
def _bonferroni(pvalues: Floats) -> Floats:
    return np.minimum(pvalues * len(pvalues), 1.0)


@CORRECTIONS.register("fdr_bh")
def _benjamini_hochberg(pvalues: Floats) -> Floats:
    adjusted: Floats = false_discovery_control(pvalues, method="bh")
    return adjusted


@CORRECTIONS.register("fdr_by")
def _benjamini_yekutieli(pvalues: Floats) -> Floats:
    adjusted: Floats = false_discovery_control(pvalues, method="by")
    return adjusted


def adjust_pvalues(pvalues: Floats, correction: str | None) -> Floats:
    """Correct p-values for the number of features; None leaves them as they are.

    Raises
    ------
    ValueError
        If there is no correction of that name.
    """
    return pvalues if correction is None else CORRECTIONS[correction](pvalues)
