"""Data outside memory as a user hands them over: features in blocks of rows, and maybe the targets with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from copy import copy as shallow_copy
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite, check_array, check_consistent_length

from skxent._parallel import read_ahead
from skxent._typing import Array
from skxent.rows._rows import SAMPLE_BYTES

__all__ = ["Blocks", "Source", "as_floats"]


# First rows that are kept, since a fit looks at them for what all are like.
_FIRST_ROWS = 1_000


class Source(ABC):
    """Rows in blocks that are read when they are needed; what a ``fit`` takes as `X`.

    A subclass says how many rows each block has and implements :meth:`read`. It should raise an error that names a file
    that has changed since the source was made.

    Parameters
    ----------
    sizes : sequence of int
        Number of rows of each block. A block is in memory as a whole, with the next one: some 10 MB is a good size.
    memory : float
        Bytes of features that may be held in memory as a sample of the rows. Data of fewer bytes are read once and
        held. A fit takes at most this and 300 MB.

    Attributes
    ----------
    shape : tuple of int
        Numbers of rows and of features.
    dtype : dtype
        float32 if the first block is of that type, otherwise float64.
    feature_names : list of str or None
        Names of the columns.
    """

    feature_names: list[str] | None = None

    def __init__(self, sizes: Sequence[int], memory: float = SAMPLE_BYTES) -> None:
        self.sizes = [int(size) for size in sizes]
        self.memory = memory
        self._read_before: Any = None
        if not self.sizes or min(self.sizes) < 1:
            raise ValueError(f"{self} needs blocks with at least one row each; their sizes are {self.sizes}.")

    @abstractmethod
    def read(self, index: int) -> tuple[Any, Any]:
        """Return a block.

        Parameters
        ----------
        index : int
            Its position.

        Returns
        -------
        X : {ndarray, CSR array} of shape (n_rows, n_features)
            Features.
        y : ndarray of shape (n_rows,) or (n_rows, n_outputs), or None
            Targets, if they come with the features.
        """

    def __str__(self) -> str:
        """Name the source in an error."""
        return type(self).__name__

    def name_of_block(self, index: int) -> str:
        """Name a block in an error."""
        first = sum(self.sizes[:index])
        return f"{self}, block {index} (rows {first} to {first + self.sizes[index] - 1})"

    @cached_property
    def _first(self) -> Any:
        """The first rows of the features, which say what all are like; their dtype, and the bytes of a row."""
        self._read_before = self.read(0)
        X = self._features_of(0, self._read_before[0])
        n_bytes = X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes
        X = X[:_FIRST_ROWS].copy()
        dtype = X.dtype if X.dtype == np.float32 else np.dtype(np.float64)
        return X, dtype, n_bytes / self.sizes[0]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return sum(self.sizes)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and of features."""
        return self.n_rows, self._first[0].shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the computation."""
        dtype: np.dtype[Any] = self._first[1]
        return dtype

    @property
    def bytes_per_row(self) -> float:
        """Bytes of the features of a row, as it is in the first block."""
        return max(1.0, float(self._first[2]))

    @property
    def nbytes(self) -> int:
        """Bytes of the features, if all rows are like those of the first block."""
        return int(self.bytes_per_row * self.n_rows)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.n_rows

    def first_rows(self) -> Any:
        """Return the first rows of the first block, which are not read again."""
        return as_floats(self._first[0], self.dtype)

    def load(self, index: int) -> Any:
        """Return the features of a block, of the shape and the dtype that they must have."""
        return self._checked(index, self.read(index)[0])

    def _checked(self, index: int, X: Any) -> Any:
        X = self._features_of(index, X)
        expected = self.sizes[index], self.shape[1]
        if X.shape != expected:
            raise ValueError(
                f"{self.name_of_block(index)} has shape {X.shape}; it must have {expected}. Has it changed?"
            )
        return as_floats(X, self.dtype)

    def _features_of(self, index: int, X: Any) -> Any:
        if sp.issparse(X):
            return X.tocsr()
        X = np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"{self.name_of_block(index)} has {X.ndim} dimensions; features have two.")
        if X.dtype.kind in "bf" or X.dtype.kind in "iu":
            return X if X.dtype in (np.float32, np.float64) else X.astype(np.float64)
        return self._converted(index, X)

    def _converted(self, index: int, X: Array) -> Array:
        """Return columns of other types as numbers, or raise scikit-learn's error with the column's name."""
        converted = np.empty(X.shape)
        for column in range(X.shape[1]):
            try:
                converted[:, column] = X[:, column].astype(np.float64)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{error} (column {self._name(column)} of {self.name_of_block(index)})") from error
        return converted

    def _name(self, column: int) -> str:
        return str(column) if self.feature_names is None else repr(self.feature_names[column])

    def checked(self, y: Any = None) -> tuple[Any, Any]:
        """Read all once and check that the features are finite numbers.

        Parameters
        ----------
        y : array-like, optional
            Targets, instead of those that come with the features.

        Returns
        -------
        X : {Source, ndarray, CSR array}
            The features, in memory if they have no more than `memory` bytes; otherwise this source.
        y : {ndarray, sparse matrix} or None
            The targets, if there are any.
        """
        kept, targets = [], []
        small = self.nbytes <= self.memory
        for X, found in read_ahead(self._check, range(len(self.sizes))):
            kept += [X] if small else []
            targets += [] if found is None else [found]
        if y is not None:
            y = check_array(y, accept_sparse="csr", dtype=None, ensure_2d=False, input_name="y")
            check_consistent_length(self, y)
        elif len(targets) == len(self.sizes):
            y = np.concatenate(targets)
        return _stacked(kept) if small else self, y

    def header(self) -> Any:
        """Return a table without rows whose columns are those of the features."""
        if self.feature_names is None:
            return np.empty((0, self.shape[1]))
        import polars as pl

        return pl.DataFrame(schema=dict.fromkeys(self.feature_names, pl.Float64))

    def astype(self, dtype: Any, copy: bool = False) -> Source:
        """Return the same rows in another dtype; none are read."""
        X, _, n_bytes = self._first
        other = shallow_copy(self)
        other.__dict__["_first"] = X, np.dtype(dtype), n_bytes
        return other

    def _check(self, index: int) -> tuple[Any, Any]:
        # The first block has been read already, to see what it is like.
        before = self._read_before if index == 0 else None
        self._read_before = None if index == 0 else self._read_before
        X, y = self.read(index) if before is None else before
        X = self._checked(index, X)
        try:
            assert_all_finite(X, input_name="X")
        except ValueError as error:
            raise ValueError(f"{self.name_of_block(index)}: {error}") from error
        if y is None:
            return X, None
        y = np.asarray(y)
        if len(y) != self.sizes[index]:
            raise ValueError(f"{self.name_of_block(index)} has {self.sizes[index]} rows but {len(y)} targets.")
        return X, _small(y)

    def map(self, function: Callable[[Any], Any]) -> Iterator[Any]:
        """Yield a function of the features of each block; the next one is read while this one is used."""
        return map(function, read_ahead(self.load, range(len(self.sizes))))

    def mean(self, function: Callable[..., float], y: Any, weight: Any = None) -> float:
        """Return the mean of a function of features, targets and weights over the blocks, weighted.

        Raises
        ------
        ValueError
            If there are no targets, or not as many as rows.
        """
        for name, values in (("targets", y), ("weights", weight)):
            if values is not None and len(values) != self.n_rows:
                raise ValueError(f"{self} has {self.n_rows} rows, but there are {len(values)} {name}.")
        y, weight = (None if values is None else np.asarray(values) for values in (y, weight))
        ends = np.cumsum([0, *self.sizes])
        total = mass = 0.0
        for index, (X, found) in enumerate(read_ahead(self._check, range(len(self.sizes)))):
            rows = slice(ends[index], ends[index + 1])
            targets, shares = found if y is None else y[rows], None if weight is None else weight[rows]
            if targets is None:
                raise ValueError(f"{self} has no targets; pass y.")
            n = float(len(targets) if shares is None else shares.sum())
            total += n * function(X, targets, shares) if n else 0.0
            mass += n
        return total / mass


def as_floats(X: Any, dtype: Any) -> Any:
    """Return features in a dtype, dense ones row by row; they may be the same ones."""
    if isinstance(X, np.ndarray):
        return np.ascontiguousarray(X, dtype)
    return X.astype(dtype, copy=False)


def _stacked(blocks: list[Any]) -> Any:
    return np.concatenate(blocks) if isinstance(blocks[0], np.ndarray) else sp.vstack(blocks, format="csr")


def _small(y: Array) -> Array:
    """Return labels in as few bytes as their values need."""
    if y.dtype.kind not in "iu":
        return y
    low, high = np.min_scalar_type(y.min()), np.min_scalar_type(y.max())
    return y.astype(np.promote_types(low, high), copy=False)


class Blocks(Source):
    """Rows that a function of yours loads, block by block.

    Parameters
    ----------
    load : callable
        Called with 0, 1, … it returns the features of a block, an array or a CSR matrix; or a tuple of the features and
        the targets. It is called in another thread, again in every pass, and must return the same each time.
    sizes : sequence of int
        Number of rows of each block. A block is in memory as a whole, with the next one: some 10 MB is a good size.
    feature_names : list of str, optional
        Names of the columns.
    memory : float, default=256e6
        Bytes of features that may be held in memory as a sample of the rows. Data of fewer bytes are read once and
        held.

    Examples
    --------
    >>> import numpy as np
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.rows import Blocks
    >>> def load(index):
    ...     X = np.random.default_rng(index).normal(size=(100, 3))
    ...     return X, X[:, 0] > 0
    >>> model = SoftmaxRegressor().fit(Blocks(load, [100] * 5))
    >>> model.predict([[2.0, 0.0, 0.0]])
    array([ True])
    """

    def __init__(
        self,
        load: Callable[[int], Any],
        sizes: Sequence[int],
        *,
        feature_names: Sequence[str] | None = None,
        memory: float = SAMPLE_BYTES,
    ) -> None:
        super().__init__(sizes, memory)
        self.function = load
        self.feature_names = None if feature_names is None else list(feature_names)

    def read(self, index: int) -> tuple[Any, Any]:
        """Return a block; see :meth:`Source.read`."""
        loaded = self.function(index)
        return loaded if isinstance(loaded, tuple) else (loaded, None)
