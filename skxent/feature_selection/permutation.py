"""What a fitted classifier loses when a feature, or a group of features, is shuffled."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss
from sklearn.utils import Bunch

from skxent.information._units import nats_per_unit

Columns = Sequence[int] | Sequence[str] | int | str
Replace = Callable[[Any, list[int], NDArray[np.int32]], Any]


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
    data, names, replace = _opened(X)
    members = {name: [name] for name in names} if groups is None else groups
    positions = [_positions(group, columns, names) for group, columns in members.items()]
    identity = np.arange(data.shape[0], dtype=np.int32)
    unit = nats_per_unit(base)

    def negative_log_loss(estimator: Any, orders: NDArray[np.int32], y: Any, sample_weight: Any = None) -> float:
        shuffled = data
        for columns, order in zip(positions, orders.T, strict=True):
            if not np.array_equal(order, identity):
                shuffled = replace(shuffled, columns, order)
        proba = estimator.predict_proba(nw.to_native(shuffled, pass_through=True))
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


def _opened(X: Any) -> tuple[Any, list[str], Replace]:
    """Give the data, the names of its columns, and how to take some columns from other rows."""
    if sp.issparse(X):
        return X.tocsc(), [f"x{at}" for at in range(X.shape[1])], _replace_sparse
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        return frame, frame.columns, _replace_in_frame
    array = np.asarray(X)
    if array.ndim != 2:
        raise ValueError(f"X has shape {array.shape} where (n_rows, n_features) is needed.")
    return array, [f"x{at}" for at in range(array.shape[1])], _replace_in_array


def _replace_in_array(array: Any, columns: list[int], order: NDArray[np.int32]) -> Any:
    result = array.copy()
    result[:, columns] = array[np.ix_(order, np.asarray(columns, dtype=np.int32))]
    return result


def _replace_in_frame(frame: Any, columns: list[int], order: NDArray[np.int32]) -> Any:
    return frame.with_columns(*(frame[:, at][order] for at in columns))


def _replace_sparse(matrix: Any, columns: list[int], order: NDArray[np.int32]) -> Any:
    others = np.setdiff1d(np.arange(matrix.shape[1]), columns)
    parts = sp.hstack([matrix[:, others], matrix[:, columns][order]], format="csc")
    return parts[:, np.argsort(np.concatenate([others, columns]))]


def _positions(group: str, columns: Columns, names: list[str]) -> list[int]:
    given: list[str | int] = [columns] if isinstance(columns, str | int | np.integer) else [*columns]
    known: dict[str | int, int] = {at: at for at in range(len(names))}
    known.update({name: at for at, name in enumerate(names)})
    unknown = [column for column in given if column not in known]
    if unknown:
        raise ValueError(f"Group {group!r} has columns {unknown}, which X does not have.")
    return [*dict.fromkeys(known[column] for column in given)]
