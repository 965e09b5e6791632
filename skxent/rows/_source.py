"""Data outside memory as a user hands them over: features in blocks of rows, and maybe the targets with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from copy import copy as shallow_copy
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array, check_consistent_length

from skxent._labels import plain_labels, refuse_complex, refuse_masked
from skxent._parallel import read_ahead
from skxent._sklearn import check_sample_weight
from skxent._typing import Array
from skxent.rows._checks import alike, as_floats, bytes_of, check_finite, joined_targets, numbers_of, targets_of
from skxent.rows._part import fingerprints, select
from skxent.rows._rows import SAMPLE_BYTES, Rows

__all__ = ["Blocks", "Source", "refuse_lazy"]

# Rows of a block that are compared with those of the first pass.
_ROWS_COMPARED = 8
# Methods of futures and of collections that are computed on demand; an array of one may take all the memory there is.
_LAZY = ("compute", "collect", "execute", "toPandas", "result")


def refuse_lazy(**values: Any) -> None:
    """Raise an error for values computed on demand, masked ones and complex ones, of which no real array can be made.

    Parameters
    ----------
    **values : object
        Arguments by name.

    Raises
    ------
    TypeError
        If one is a lazy collection or a source; the message names it.
    ValueError
        If one is a masked array with masked entries, or complex.
    """
    refuse_masked(**values)
    refuse_complex(**values)
    for name, value in values.items():
        kinds = {type(value)} if not isinstance(value, list | tuple) else {*map(type, value)}
        for kind in filter(_is_lazy, kinds):
            what = "is" if kind is type(value) else "holds"
            raise TypeError(
                f"{name} {what} a {kind.__module__.partition('.')[0]}.{kind.__qualname__}, which is not in memory, and "
                "is not read as a whole without being asked. Make an array of it if it is small. "
                "skxent.rows has readers for features that are not in memory; their targets come with them or are "
                "arrays."
            )


def _is_lazy(kind: type) -> bool:
    return issubclass(kind, Source) or any(hasattr(kind, method) for method in _LAZY)


class Source(ABC):
    """Rows in blocks that are read when they are needed; what a ``fit`` takes as `X`.

    A subclass says how many rows each block has and implements :meth:`read`. It should raise an error that names a file
    that has changed since the source was made.

    Parameters
    ----------
    sizes : sequence of int
        Number of rows of each block; it may be 0. A block is in memory as a whole, with the next one: some 10 MB is a
        good size.
    memory : float
        Bytes of features that may be held in memory as a sample of the rows. Data of fewer bytes are read once and
        held. A fit takes at most this and 300 MB.

    Attributes
    ----------
    shape : tuple of int
        Numbers of rows and of features.
    dtype : dtype
        float32 if all blocks that have been read are of that type, otherwise float64.
    feature_names : list of str or None
        Names of the columns.
    """

    feature_names: list[str] | None = None

    def __init__(self, sizes: Sequence[int], memory: float = SAMPLE_BYTES) -> None:
        self.sizes = [int(size) for size in sizes]
        self.memory = memory
        self._read_before: dict[int, Any] = {}
        self._seen: dict[int, Array] = {}
        if min(self.sizes, default=0) < 0:
            raise ValueError(f"{self} has a block of {min(self.sizes)} rows.")
        self._filled = np.flatnonzero(self.sizes).tolist()
        if not self._filled:
            raise ValueError(f"Found array with 0 sample(s): {self} has no rows.")

    @abstractmethod
    def read(self, index: int) -> tuple[Any, ...]:
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
        sample_weight : ndarray of shape (n_rows,), optional
            Weights, if they come with the features, too; otherwise there may be two values only.
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
        index = self._filled[0]
        self._read_before[index] = self.read(index)
        X = self._numbers(index, self._read_before[index][0])
        named = X.shape[1] if self.feature_names is None else len(self.feature_names)
        if X.shape[1] != named or not named:
            raise ValueError(f"{self.name_of_block(index)} has {X.shape[1]} feature(s), but {named or 'one'} must be.")
        return X[: Rows.first_rows].copy(), X.dtype, bytes_of(X) / self.sizes[index]

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
        """Bytes of the features of a row: the mean, or that in the first block before all have been read."""
        return max(1.0, float(self._first[2]))

    @property
    def nbytes(self) -> int:
        """Bytes of the features, if all rows are like those of the first block."""
        return int(self.bytes_per_row * self.n_rows)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.n_rows

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        """Refuse to be read as a whole, which others, such as GridSearchCV, would do without asking.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(
            f"{self} is not in memory, and is not read as a whole without being asked. The estimators of skxent take "
            "it in fit, score and predict; SoftmaxRegressorCV chooses alpha on it."
        )

    def first_rows(self) -> Any:
        """Return the first rows of the first block, which are not read again."""
        return as_floats(self._first[0], self.dtype)

    def load(self, index: int) -> Any:
        """Return the features of a block; they must be those that were checked.

        Raises
        ------
        ValueError
            If they are not.
        """
        X = self._read(index)
        if index in self._seen and not np.array_equal(self._seen[index], _some_fingerprints(X)):
            raise ValueError(
                f"{self.name_of_block(index)} has other rows than when it was first read. It must have the same in "
                "each pass."
            )
        return X

    def _read(self, index: int) -> Any:
        """Return the features of a block, of the shape and the kind that they must have."""
        X = self._sized(index, self._block(index)[0])
        return alike(X, isinstance(self._first[0], np.ndarray), self.dtype)

    def _block(self, index: int) -> tuple[Any, ...]:
        """Return a block; the first one that has rows has been read already, to see what all are like."""
        self.first_rows()
        return self._read_before.pop(index, None) or self.read(index)

    def _sized(self, index: int, X: Any) -> Any:
        X = self._numbers(index, X)
        expected = self.sizes[index], self.shape[1]
        if X.shape != expected:
            raise ValueError(
                f"{self.name_of_block(index)} has shape {X.shape}; it must have {expected}. Has it changed?"
            )
        return X

    def _numbers(self, index: int, X: Any) -> Any:
        return numbers_of(X, self.name_of_block(index), self.feature_names)

    def checked(self, y: Any = None, sample_weight: Any = None) -> tuple[Any, Any, Any]:
        """Read all once and check that the features are finite numbers.

        Parameters
        ----------
        y, sample_weight : array-like, optional
            Targets and weights, instead of those that come with the features.

        Returns
        -------
        X : {Source, ndarray, CSR array}
            The features, in memory if they have no more than `memory` bytes; otherwise this source.
        y : {ndarray, sparse matrix} or None
            The targets, if there are any.
        sample_weight : array-like or None
            The weights, if there are any.
        """
        refuse_lazy(y=y, sample_weight=sample_weight)
        if self.memory < self.bytes_per_row:
            raise ValueError(f"memory={self.memory} bytes do not hold a row of {self}: {self.bytes_per_row:.0f} bytes.")
        kept: list[Any] = []
        targets: list[Any] = []
        weights: list[Any] = []
        dtypes: set[Any] = set()
        n_bytes = 0
        small = self.nbytes <= self.memory
        for X, found, weight in read_ahead(self._check, self._filled):
            n_bytes, dtypes = n_bytes + bytes_of(X), dtypes | {X.dtype}
            small = small and n_bytes <= self.memory
            kept = [*kept, X] if small else []
            targets, weights = [*targets, found], [*weights, weight]
        self.__dict__["_first"] = self._first[0], np.result_type(*dtypes), n_bytes / self.n_rows
        return (
            self._stacked(kept) if small else self,
            self._of_all(targets, "targets") if y is None else self._given(y),
            self._of_all(weights, "weights") if sample_weight is None else sample_weight,
        )

    def _stacked(self, blocks: list[Any]) -> Any:
        blocks = [alike(X, isinstance(self._first[0], np.ndarray), self.dtype) for X in blocks]
        return np.concatenate(blocks) if isinstance(blocks[0], np.ndarray) else sp.vstack(blocks, format="csr")

    def _given(self, y: Any) -> Any:
        y = check_array(plain_labels(y), accept_sparse="csr", dtype=None, ensure_2d=False, input_name="y")
        check_consistent_length(self, y)
        return y

    def _of_all(self, found: list[Any], what: str) -> Array | None:
        """Return the targets or weights of all blocks, if they come with them."""
        missing = [index for index, values in zip(self._filled, found, strict=True) if values is None]
        if len(missing) == len(found):
            return None
        if missing:
            raise ValueError(f"{self.name_of_block(missing[0])} has no {what}, but other blocks have.")
        return joined_targets(found, [self.name_of_block(index) for index in self._filled], what)

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

    def _check(self, index: int) -> tuple[Any, Any, Any]:
        X, y, *weights = self._block(index)
        X, where, n_rows = self._sized(index, X), self.name_of_block(index), self.sizes[index]
        check_finite(X, where, self.feature_names)
        self._seen[index] = _some_fingerprints(X)
        targets = None if y is None else _small(targets_of(y, n_rows, where))
        given = [targets_of(weight, n_rows, where, "sample_weight") for weight in weights if weight is not None]
        return X, targets, given[0] if given else None

    def map(self, function: Callable[[Any], Any]) -> Iterator[Any]:
        """Yield a function of the features of each block; the next one is read while this one is used."""
        return map(function, read_ahead(self._read, self._filled))

    def mean(self, function: Callable[..., float], y: Any, weight: Any = None) -> float:
        """Return the mean of a function of features, targets and weights over the blocks, weighted.

        Raises
        ------
        TypeError
            If targets or weights are not in memory.
        ValueError
            If there are no targets, or not as many as rows, or if no row has weight.
        """
        refuse_lazy(y=y, sample_weight=weight)
        y = None if y is None else self._given(y)
        if weight is not None:
            weight = check_sample_weight(weight, self, ensure_non_negative=True)
        ends = np.cumsum([0, *self.sizes])
        total = mass = 0.0
        for index, (X, found, shares) in zip(self._filled, read_ahead(self._check, self._filled), strict=True):
            rows = slice(ends[index], ends[index + 1])
            targets, shares = found if y is None else select(y, rows), shares if weight is None else weight[rows]
            if targets is None:
                raise ValueError(f"{self.name_of_block(index)} has no targets; pass y.")
            shares = (
                None
                if shares is None
                else check_sample_weight(shares, X, ensure_non_negative=True, allow_all_zero_weights=True)
            )
            n = float(X.shape[0] if shares is None else shares.sum())
            total += n * function(X, targets, shares) if n else 0.0
            mass += n
        if not mass:
            raise ValueError("all weights are 0, so that no row counts; check sample_weight.")
        return total / mass


def _some_fingerprints(X: Any) -> Array:
    """Return whole numbers that tell whether some rows have changed."""
    return fingerprints(X[:: -(-X.shape[0] // _ROWS_COMPARED)])


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
        the targets, and the weights if there are any. It is called in another thread, again in every pass, and must
        return the same each time.
    sizes : sequence of int
        Number of rows of each block; it may be 0. A block is in memory as a whole, with the next one: some 10 MB is a
        good size.
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

    def read(self, index: int) -> tuple[Any, ...]:
        """Return a block; see :meth:`Source.read`."""
        try:
            loaded = self.function(index)
        except Exception as error:
            error.add_note(f"The function of {self.name_of_block(index)} raised it.")
            raise
        if not isinstance(loaded, tuple):
            return loaded, None
        if len(loaded) not in (2, 3):
            raise ValueError(
                f"{self.name_of_block(index)}: the function returned {len(loaded)} values; it must return the "
                "features, or the features and the targets, or these and the weights."
            )
        return loaded
