"""What a fitted classifier loses when a feature, or a group of features, is shuffled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss
from sklearn.utils import Bunch

from skxent._typing import Integers
from skxent.feature_selection._containers import read_data
from skxent.information._units import nats_per_unit

__all__ = ["permutation_cross_entropy"]

Columns = Sequence[int] | Sequence[str] | int | str


def permutation_cross_entropy(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    groups: Mapping[str, Columns] | None = None,
    n_repeats: int = 5,
    base: float | None = None,
    sample_weight: ArrayLike | None = None,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> Bunch:
    """Increase of a classifier's log-loss when the values of a feature are shuffled over the rows.

    This is scikit-learn's `permutation_importance` with the log-loss as the score, where the columns of a
    group are shuffled together: one-hot columns of one category, pixels of one region, features that repeat
    each other and would each seem needless alone. Use rows that the classifier was not fitted on.

    Parameters
    ----------
    estimator : object
        A fitted classifier with `predict_proba` and `classes_`.
    X : array, data frame or sparse matrix of shape (n_rows, n_features)
        Rows to judge on.
    y : array-like of shape (n_rows,)
        Their labels; classes may be absent.
    groups : dict of str to list of column names or positions, default=None
        Columns that are shuffled together. Columns in no group stay as they are. None shuffles each column
        alone.
    n_repeats : int, default=5
        How many times to shuffle each.
    base : float, default=None
        Base of the logarithm: 2 for bits; None for nats.
    sample_weight : array-like of shape (n_rows,), default=None
        Weights of the rows in the log-loss.
    random_state : int, RandomState or None, default=None
        Fixes the shuffles.
    n_jobs : int, default=None
        Number of jobs, passed to `permutation_importance`.

    Returns
    -------
    result : Bunch
        ``importances_mean`` and ``importances_std`` of shape (n_groups,), ``importances`` of shape
        (n_groups, n_repeats), the increase of the mean log-loss; ``names`` of the groups or features; and
        ``log_loss``, that of the rows as they are.

    Raises
    ------
    ValueError
        If a group names columns that X does not have, X is not two-dimensional, or `base` is not above 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skxent.feature_selection import permutation_cross_entropy
    >>> rng = np.random.default_rng(0)
    >>> twin = rng.normal(size=1000)
    >>> X = np.column_stack([twin, twin, rng.normal(size=1000)])
    >>> y = twin + 0.5 * rng.normal(size=1000) > 0
    >>> model = LogisticRegression().fit(X[:500], y[:500])
    >>> groups = {"twins": [0, 1], "noise": [2]}
    >>> result = permutation_cross_entropy(model, X[500:], y[500:], groups=groups, random_state=0)
    >>> result.names, (result.importances_mean > 0.01).tolist()
    (['twins', 'noise'], [True, False])
    """
    data = read_data(X)
    members = {name: [name] for name in data.names} if groups is None else groups
    positions = [data.positions(columns, f"Group {group!r}") for group, columns in members.items()]
    identity = np.arange(data.n_rows)
    unit = nats_per_unit(base)

    def negative_log_loss(estimator: Any, orders: Integers, y: Any, sample_weight: Any = None) -> float:
        shuffled = data
        for columns, order in zip(positions, orders.T, strict=True):
            if not np.array_equal(order, identity):
                shuffled = shuffled.shuffle_columns(columns, order)
        proba = estimator.predict_proba(shuffled.native)
        loss = log_loss(y, proba, labels=estimator.classes_, sample_weight=sample_weight)
        return float(-loss / unit)

    # What scikit-learn shuffles is a matrix of row numbers, with one column for each group.
    orders = np.broadcast_to(identity[:, None], (len(identity), len(positions)))
    result = permutation_importance(
        estimator,
        orders,
        y,
        scoring=negative_log_loss,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        random_state=random_state,
        sample_weight=sample_weight,
    )
    result.names = list(members)
    result.log_loss = -negative_log_loss(estimator, orders, y, sample_weight)
    return result
