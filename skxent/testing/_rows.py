"""Check of rows that users write."""

from __future__ import annotations

from typing import Any

import numpy as np

from skxent.rows import Part, Rows

__all__ = ["check_rows"]


def check_rows(rows: Rows, X: Any, y: Any, weight: Any = None) -> None:
    """Check that rows keep the contract of :class:`skxent.rows.Rows`.

    Parameters
    ----------
    rows : Rows
        The rows to check; at least two.
    X : ndarray of shape (n_rows, n_features)
        The features that they hold.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Their targets.
    weight : ndarray of shape (n_rows,), optional
        Their weights.

    Raises
    ------
    AssertionError
        If a size is wrong, if a sum or a row differs, or if a verb changes its answer from one call to the next.

    Examples
    --------
    >>> import numpy as np
    >>> from skxent.rows import MemoryRows
    >>> X, y = np.eye(4), np.array([0, 1, 0, 1])
    >>> check_rows(MemoryRows(X, y, n_outputs=2), X, y)
    """
    _check_sizes(rows, X, weight)
    _check_each(rows, X, y, weight)
    _check_sum(rows, X, weight)
    _check_take(rows, X, y, weight)


def _require(condition: object, problem: str) -> None:
    if not condition:
        raise AssertionError(problem)


def _dense(part: Part) -> Any:
    return part.dense(slice(None))


def _check_sizes(rows: Rows, X: Any, weight: Any) -> None:
    expected = {"n_rows": X.shape[0], "n_features": X.shape[1], "weighted": weight is not None}
    for name, value in expected.items():
        _require(getattr(rows, name) == value, f"{name} is {getattr(rows, name)}, but the data have {value}.")
    _require(np.dtype(rows.dtype) in (np.float32, np.float64), f"dtype is {rows.dtype}; use float32 or float64.")
    _require(isinstance(rows.resident, bool), f"resident is {rows.resident!r}; say True or False.")
    per_row = rows.bytes_per_row * rows.n_rows
    _require(0 < per_row <= 1.01 * rows.nbytes + rows.n_rows, "bytes_per_row times n_rows is more than nbytes.")


def _check_each(rows: Rows, X: Any, y: Any, weight: Any) -> None:
    for max_rows in (None, 1, 7):
        parts = list(rows.each(lambda part: (_dense(part), part.y, part.weight), max_rows))
        sizes = [len(part[1]) for part in parts]
        _require(
            max_rows is None or max(sizes) <= max_rows, f"each with max_rows={max_rows} has a part of {max(sizes)}."
        )
        for position, (name, expected) in enumerate([("X", X), ("y", y), ("weight", weight)]):
            found = [part[position] for part in parts]
            same = found == [None] * len(parts) if expected is None else np.array_equal(np.concatenate(found), expected)
            _require(same, f"each with max_rows={max_rows} does not visit {name} row by row in their order.")


def _check_sum(rows: Rows, X: Any, weight: Any) -> None:
    def terms(part: Part) -> tuple[Any, ...]:
        return part.n_rows, part.weights().sum(), part.weights() @ _dense(part)

    weight = np.ones(X.shape[0]) if weight is None else np.asarray(weight, np.float64)
    first, again = rows.sum(terms), rows.sum(terms)
    names = ["the number of rows", "the weights", "the weighted features"]
    for name, total, repeated, expected in zip(
        names, first, again, [X.shape[0], weight.sum(), weight @ X], strict=True
    ):
        _require(np.array_equal(total, repeated), f"the sum of {name} has other bits in a second call.")
        tolerance = 100 * np.finfo(rows.dtype).eps * (np.abs(weight) @ np.abs(X)).max()
        _require(np.allclose(total, expected, rtol=1e-6, atol=tolerance), f"the sum of {name} is wrong.")


def _check_take(rows: Rows, X: Any, y: Any, weight: Any) -> None:
    n = X.shape[0]
    for positions in (slice(0, n), slice(1, n), np.array([n - 1, 0, 0]), np.arange(n)[::-1]):
        part = rows.take(positions)
        _require(np.array_equal(_dense(part), X[positions]), f"take({positions}) returns other features.")
        _require(np.array_equal(part.y, y[positions]), f"take({positions}) returns other targets.")
        same = weight is None if part.weight is None else np.array_equal(part.weight, weight[positions])
        _require(same, f"take({positions}) returns other weights.")
