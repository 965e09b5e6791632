"""What an objective asks of data, wherever they lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.utils import gen_batches

from skxent._parallel import ONE_THREAD, Workers
from skxent._typing import Array
from skxent.rows._part import Part

__all__ = ["SAMPLE_BYTES", "Rows"]

# Bytes of features that a fit may copy from outside memory. The samples of MNIST take 100 MB.
SAMPLE_BYTES = 256_000_000
# Bytes of rows that lie together and are read at a time for mini-batches: a disk or a network reads such pieces at
# nearly full speed, whatever their order.
_PIECE_BYTES = 8_000_000


class Rows(ABC):
    """Rows of features, targets and weights.

    A subclass says how many rows there are and offers three verbs. Functions that it is given depend on nothing but
    their part, so that parts may be worked on in any order and place; results come in the order of the rows and do not
    depend on the number of workers.

    Attributes
    ----------
    n_rows, n_features, n_outputs : int
        Sizes. The number of outputs is the number of classes or target columns.
    dtype : dtype
        Dtype of the features, float32 or float64; that of the computation.
    nbytes : int
        Bytes of the features; of a subset, of the data that it was taken from.
    bytes_per_row : float
        Bytes of the features of a row, on average.
    weighted : bool
        Whether rows have weights.
    resident : bool
        Whether rows can be read again at will, at no more cost than their share. It is so in memory, not on a disk.
    workers : Workers
        Threads of this process that may help with other work on the same data; by default there is one.
    first_rows : int
        So many rows at the beginning are kept in memory wherever the others are: a fit looks at them for what all are
        like.
    selectable : bool
        Whether some rows can be summed over at no more cost than their share, though not in this process.
    sample_bytes : float
        Bytes of features that may be copied into this process's memory from a place outside it: a sample, or rows held
        out. Rows in memory are never copied.
    means : ndarray of shape (n_features,) or None
        Means of the columns, without weights, of all the data that these rows are from; None where nobody has looked.
    mean_squares : ndarray of shape (n_features,) or None
        Mean squares of the columns of just these rows, as rough as the dtype of the features makes them; None where
        nobody has looked.
    sample : Rows or None
        Random rows copied into memory, for rows that are not resident; see :func:`skxent.linear_model._sampling.draw`.
    """

    n_rows: int
    n_features: int
    n_outputs: int
    dtype: np.dtype[Any]
    nbytes: int
    bytes_per_row: float
    weighted: bool
    resident: bool
    workers: Workers = ONE_THREAD
    sample_bytes: float = SAMPLE_BYTES
    first_rows: int = 1_000
    selectable: bool = False
    means: Array | None = None
    mean_squares: Array | None = None
    sample: Any = None

    @abstractmethod
    def sum(self, function: Callable[[Part], tuple[Any, ...]]) -> list[Any]:
        """Return the sum over all rows of a function of a part.

        Parameters
        ----------
        function : callable
            Maps a part to a tuple of numbers and arrays, each of them a sum over its rows. The last ones may be
            functions without arguments that return them, called one after the other: then no two of them need be
            in memory at a time.

        Returns
        -------
        list
            The sums, added in a fixed order, and in float64 where there are more than a few parts.
        """

    @abstractmethod
    def each(self, function: Callable[[Part], Any], max_rows: int | None = None) -> Iterator[Any]:
        """Yield a function of each part, in the order of the rows.

        Parameters
        ----------
        function : callable
            Maps a part to anything.
        max_rows : int, optional
            Largest number of rows of a part.
        """

    @abstractmethod
    def take(self, rows: slice | Array) -> Part:
        """Return some rows, by position, in memory.

        Parameters
        ----------
        rows : slice or ndarray of int
            Positions; an index may occur more than once.
        """

    def surely_finite(self) -> bool:
        """Return whether the features are known to be finite; if not, they may be finite all the same.

        Data from outside memory are looked at block by block before they become rows.
        """
        return True

    def without_features(self) -> Rows:
        """Return rows with the same targets and weights, which may lack all features, to sum over at little cost."""
        return self

    def pieces(self) -> list[slice]:
        """Return rows that are read together, in their order: each row is in one piece."""
        return list(gen_batches(self.n_rows, max(1, int(_PIECE_BYTES / self.bytes_per_row))))

    def selected(self, positions: Array) -> Rows | None:
        """Return some rows, by sorted position, without a copy; None where that is not possible."""
        return None

    def reweighted(self, positions: Array, weight: Array | None) -> Rows | None:
        """Return some rows, by sorted position, with other weights and without a copy; None if that is not possible."""
        return None
