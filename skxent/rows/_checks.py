"""Blocks of features and targets, made numbers and checked as scikit-learn does; errors name the block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite, check_array

from skxent._labels import refuse_masked
from skxent._typing import Array

__all__ = [
    "alike",
    "as_floats",
    "bytes_of",
    "check_finite",
    "distinct_labels",
    "joined_targets",
    "numbers_of",
    "targets_of",
]

_NUMBERS = "biuf"


def numbers_of(X: Any, where: str, names: Sequence[Any] | None = None) -> Any:
    """Return the features of a block as floats.

    Parameters
    ----------
    X : array-like or sparse matrix
        Features.
    where : str
        What to call the block in an error.
    names : sequence, optional
        Names of the columns.

    Returns
    -------
    {ndarray, CSR array} of shape (n_rows, n_features)
        In float32 if they are of that type, otherwise in float64. They may be infinite or NaN.

    Raises
    ------
    ValueError
        If they are not a table of numbers; the message names the first column that is not.
    """
    if getattr(getattr(X, "dtype", None), "kind", "f") in "cmM":
        raise ValueError(f"{where} holds {X.dtype}, which is not supported; features are real numbers.")
    try:
        X = X.tocsr() if hasattr(X, "tocsr") else X  # SciPy's sparse matrices and others
        X = X.astype(np.float64).filled(np.nan) if np.ma.is_masked(X) else X
        n_dimensions = np.ndim(X)
        if n_dimensions == 2:
            return check_array(X, **_AS_GIVEN, accept_sparse="csr", dtype=[np.float64, np.float32])
    except (ValueError, TypeError) as error:
        raise ValueError(f"{error} ({_failing_column(X, names)}{where})") from error
    raise ValueError(f"{where} has {n_dimensions} dimensions; features have two.")


_AS_GIVEN: dict[str, Any] = {"ensure_all_finite": False, "ensure_min_samples": 0, "ensure_min_features": 0}


def _failing_column(X: Any, names: Sequence[Any] | None) -> str:
    """Name the first column that cannot be numbers, if there is one."""
    table = np.empty((0, 0)) if sp.issparse(X) or not hasattr(X, "shape") else np.asarray(X, dtype=object)
    for at in range(table.shape[1]):
        try:
            table[:, at].astype(np.float64)
        except (ValueError, TypeError):
            return f"column {_column_name(at, names)} of "
    return ""


def _column_name(at: int, names: Sequence[Any] | None) -> str:
    """Return what to call a column in an error: its name, or its position."""
    return str(at) if names is None else repr(names[at])


def check_finite(X: Any, where: str, names: Sequence[Any] | None = None) -> None:
    """Raise scikit-learn's error if features are not finite, with the block, the column and the row named."""
    try:
        with np.errstate(invalid="ignore"):  # the sum of huge numbers that scikit-learn looks at
            assert_all_finite(X, input_name="X")
    except ValueError as error:
        entries = X.tocoo() if sp.issparse(X) else None
        wrong = ~np.isfinite(X if entries is None else entries.data)
        rows, columns = np.nonzero(wrong) if entries is None else (entries.row[wrong], entries.col[wrong])
        at = f"column {_column_name(int(columns[0]), names)}, row {rows[0]} of the block"
        raise ValueError(f"{where}: {error} The first is in {at}.") from error


def as_floats(X: Any, dtype: Any) -> Any:
    """Return features in a dtype, dense ones row by row; they may be the same ones."""
    if isinstance(X, np.ndarray):
        return np.ascontiguousarray(X, dtype)
    return X.astype(dtype, copy=False)


def alike(X: Any, dense: bool, dtype: Any) -> Any:
    """Return features as an array or as a CSR matrix, in a dtype; they may be the same ones."""
    if dense != isinstance(X, np.ndarray):
        X = X.toarray() if dense else sp.csr_array(X)
    return as_floats(X, dtype)


def bytes_of(X: Any) -> int:
    """Return the bytes of features; sparse ones count without their row pointers."""
    return int(X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes)


def targets_of(y: Any, n_rows: int, where: str, name: str = "y") -> Array:
    """Return the targets or weights of a block as an array, finite and as many as rows.

    Raises
    ------
    ValueError
        If they are not; the message names the block.
    """
    refuse_masked(**{f"{where}: {name}": y})
    y = y.toarray() if sp.issparse(y) else y
    empty = y.isna() if hasattr(y, "isna") else False  # pandas'
    if np.any(empty):
        raise ValueError(f"{where}: Input {name} contains NaN.")
    y = np.asarray(y)
    if y.ndim == 0 or len(y) != n_rows:
        found = "one" if y.ndim == 0 else str(len(y))
        what = "targets" if name == "y" else name
        raise ValueError(
            f"{where} has {n_rows} rows but {found} {what}: inconsistent numbers of samples in X and {name}."
        )
    try:
        checked: Array = check_array(y, dtype=None, ensure_2d=False, ensure_min_samples=0, input_name=name)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    return checked


def joined_targets(parts: Sequence[Array], names: Sequence[str], what: str = "targets") -> Array:
    """Return the targets or weights of all blocks, one after the other.

    Raises
    ------
    ValueError
        If they are numbers in some blocks and text in others, or of different widths; the message names two blocks.
    """
    for part, name in zip(parts, names, strict=True):
        if _kind_of_targets(part) != _kind_of_targets(parts[0]):
            raise ValueError(
                f"the {what} of {name} are {_described(part)}, but those of {names[0]} are {_described(parts[0])}."
            )
    return np.concatenate(parts)


def distinct_labels(y: Array, where: str) -> Array:
    """Return the labels that occur, sorted.

    Raises
    ------
    TypeError
        If some are text and others numbers; the message says where.
    """
    try:
        return np.unique(y)
    except TypeError as error:
        kinds = ", ".join(sorted({type(label).__name__ for label in y.ravel()}))
        raise TypeError(f"labels of {where} are of the types {kinds}, which have no order: make them one.") from error


def _kind_of_targets(y: Array) -> tuple[bool, Any]:
    return y.dtype.kind in _NUMBERS, y.shape[1:]


def _described(y: Array) -> str:
    return f"{y.dtype}, {'one a row' if y.ndim == 1 else f'{y.shape[1]} columns'}"
