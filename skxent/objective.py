r"""The objective: data × output layer × loss × L2 penalty.

.. math::
    F(W, b) = \frac{1}{\sum_i w_i} \sum_i w_i\, L(y_i, W x_i + b) + \frac{\alpha}{2} \lVert W\rVert^2

Its sum over row blocks is the only place that knows where the data lives. Solvers see a callable on
one array of weights, of shape (n_features + 1, n_outputs) with the intercepts in the last row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import gen_batches, gen_even_slices

from skxent._parallel import ONE_THREAD, Workers
from skxent._typing import Array
from skxent.activations import Activation
from skxent.coordinates import Coordinates, standardize
from skxent.losses import Loss
from skxent.near import Near, near
from skxent.preconditioner import Preconditioner, precondition

__all__ = ["Block", "Objective", "linear_scores"]

# Bytes of X in a block: what a core keeps in its cache between the two matrix products. For each byte of the data, at
# the least and at the most, since rows that do not lie together are gathered.
_BLOCK_BYTES = 1 / 20, 1_000_000, 2_000_000
# Scores in a block where rows are short, likewise: they and their like must fit as well, and take little memory against
# the data. No fewer, since threads wait for each other to take turns at the interpreter.
_BLOCK_SCORES = 1 / 500, 40_000, 131_072
# Bytes of mini-batches that a thread gathers at a time: they stay in the cache, and last so long that threads hardly
# wait for each other. From data of this size on; less is gathered sooner than threads are set to work.
_GATHER, _GATHER_WORTH = 4_000_000, 80_000_000
# Stored entries for each column in a block of sparse rows, so that its gradient, which is dense, is little work to add.
_BLOCK_ENTRIES = 6
# Change of the scores for central differences.
_SCORE_STEP = 1e-3
# Targets counted at a time.
_CHUNK = 65_536
# Independent partial sums. Fixed, so that the result does not depend on the number of threads.
_N_PARTS = 16
# A sample has for each column so many rows of the rarest outcome, at the least so many rows, and at the most this
# share of all.
_SAMPLE_ROWS, _SAMPLE_MIN, _SAMPLE_SHARE = 2, 5_000, 0.25
# With fewer rows of the rarest outcome for each column a sample would lead astray.
_SAMPLE_WORTH = 0.5


class Block(NamedTuple):
    """Data of some rows: ``X``, targets ``y``, and their weights or None."""

    X: Any
    y: Array
    weight: Array | None


class Objective:
    """Weighted mean loss of a linear model plus its penalty, with the gradient.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_rows, n_features)
        Data; its dtype is that of the computation. Sums over more than a few blocks of rows are kept in float64.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Index of the one output that is on in each row, or the probability of each.
    loss : Loss
        Loss between the observed and the predicted distribution of a row.
    activation : Activation
        Output layer.
    n_outputs : int
        Number of scores a row has.
    alpha : float, default=0.0
        Strength of the L2 penalty, which leaves the intercepts alone.
    sample_weight : ndarray of shape (n_rows,), optional
        How often each row counts.
    fit_intercept : bool, default=True
        Whether the last row of the weights is free; if not, its gradient is zero.
    workers : Workers, optional
        What gives work to threads; by default there is one.
    """

    def __init__(
        self,
        X: Any,
        y: Any,
        *,
        loss: Loss,
        activation: Activation,
        n_outputs: int,
        alpha: float = 0.0,
        sample_weight: Array | None = None,
        fit_intercept: bool = True,
        workers: Workers = ONE_THREAD,
    ) -> None:
        self.X = X
        self.y = y
        self.loss = loss
        self.activation = activation
        self.n_outputs = n_outputs
        self.alpha = alpha
        self.sample_weight = _scaled_to_mean_one(sample_weight, X.dtype)
        self.fit_intercept = fit_intercept
        self.workers = workers
        self.coordinates: Coordinates | None = None
        self.rows: slice | Array = slice(0, X.shape[0])
        self.block_size = self._rows_in_a_block()
        self.total_weight = float(X.shape[0] if self.sample_weight is None else self.sample_weight.sum(dtype=np.float64))

    def __call__(self, w: Array) -> tuple[float, Array]:
        """Return the value and the gradient at `w`, an array of shape (n_features + 1, n_outputs)."""
        w_data = self._for_data(w)

        def terms(block: Block) -> tuple[Any, ...]:
            block = block._replace(X=self._columns(block.X))
            losses, score_gradient = self._losses_and_score_gradient(block, w_data)
            return losses.sum(dtype=np.float64), *self._weight_gradients(block, score_gradient)

        value, *gradients = self.sum_over_rows(terms)
        return self._mean_value(value, w), self._mean_gradient(w, *gradients)

    def value(self, w: Array) -> float:
        """Return the value alone, at half the cost."""
        w_data = self._for_data(w)

        def terms(block: Block) -> tuple[Any, ...]:
            block = block._replace(X=self._columns(block.X))
            return (self._losses_and_score_gradient(block, w_data)[0].sum(dtype=np.float64),)

        (value,) = self.sum_over_rows(terms)
        return self._mean_value(value, w)

    def gradient(self, w: Array) -> Array:
        """Return the gradient alone; for a mini-batch the value would be a twentieth of the cost."""
        w_data = self._for_data(w)

        def terms(block: Block) -> tuple[Any, ...]:
            block = block._replace(X=self._columns(block.X))
            return self._weight_gradients(block, self._losses_and_score_gradient(block, w_data)[1])

        gradients = self.sum_over_rows(terms)
        return self._mean_gradient(w, *gradients)

    def hessian_product(self, w: Array, direction: Array) -> tuple[Array, float]:
        """Return the Hessian at `w` times a direction, and the largest change of a score along it.

        By central differences of the derivatives with respect to the scores, in double precision.
        """
        w_data, along = self._for_data(w), self._for_data(direction)

        def terms(block: Block) -> tuple[Any, ...]:
            block = block._replace(X=self._columns(block.X))
            z, change = (self._scores(block.X, v).astype(np.float64, order="F") for v in (w_data, along))
            y, largest = self._targets(block.y), np.abs(change).max()
            step = _SCORE_STEP / max(largest, np.finfo(np.float64).tiny)
            up, down = (
                self.activation.loss_and_gradient(self.loss, y, z + sign * step * change)[1] for sign in (1, -1)
            )
            curved = ((up - down) / (2 * step)).astype(self.X.dtype)
            if block.weight is not None:
                curved *= block.weight[:, np.newaxis]
            return largest, *self._weight_gradients(block, curved)

        largest, *products = self.sum_over_rows(terms)
        return self._mean_gradient(direction, *products), float(largest)

    def without_features(self) -> Array:
        """Return the weights of the model that knows but the mean of the targets, or nothing without an intercept."""
        w = np.zeros((self.X.shape[1] + 1, self.n_outputs), self.X.dtype)
        if self.fit_intercept:
            w[-1] = self.activation.scores(self.mean_targets.clip(self.resolution, 1 - self.resolution))
        return w

    @cached_property
    def mean_targets(self) -> Array:
        """How often each output is on, weighted."""
        y = self.y[self.rows]
        weight = None if self.sample_weight is None else self.sample_weight[self.rows]
        total: Array = np.zeros(self.n_outputs)
        for rows in gen_batches(len(y), _CHUNK):
            w = None if weight is None else weight[rows]
            if y.ndim == 1:
                total += np.bincount(y[rows], w, self.n_outputs)
            else:
                total += y[rows].sum(axis=0, dtype=np.float64) if w is None else w @ y[rows]
        return total / self.total_weight

    @property
    def n_rows(self) -> int:
        """Number of rows summed over."""
        return self.rows.stop - self.rows.start if isinstance(self.rows, slice) else len(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of the data, of sparse data without its row pointers."""
        X = self.X
        return int(X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes)

    def scaled(self, per_byte: float, least: float, most: float) -> float:
        """Return a number in proportion to the bytes of the data, within bounds."""
        return min(max(per_byte * self.nbytes, least), most)

    @property
    def _bytes_per_row(self) -> float:
        return max(1, self.nbytes / self.X.shape[0])

    @property
    def resolution(self) -> float:
        """Relative rounding error of the value."""
        return float(np.finfo(self.X.dtype).eps)

    @cached_property
    def penalty(self) -> Array:
        """Strength of the L2 penalty on the weights of each column."""
        if self.coordinates is None:
            return np.full(self.X.shape[1], self.alpha)
        return self.coordinates.penalty

    def standardized(self) -> Objective:
        """Return the same objective of the weights of centred and scaled columns; see :mod:`skxent.coordinates`."""
        part = self.subset(slice(0, self.n_rows))
        part.coordinates = standardize(self)
        part.__dict__.pop("penalty", None)
        return part

    def changed(self, w: Array) -> Array:
        """Return the weights of the columns as they are here, for those of the columns as they were given."""
        return w if self.coordinates is None else self._as_data(self.coordinates.changed(w))

    def original(self, w: Array) -> Array:
        """Return the weights of the columns as they were given, for those of the columns as they are here."""
        return w if self.coordinates is None else self._as_data(self.coordinates.original(w))

    def subset(self, rows: slice | Array) -> Objective:
        """Return the objective of some of the rows, given as a slice or as indices.

        Its loss is the sum over these rows divided by their number times the mean weight of *all* rows, so that
        batches estimate the whole without bias. No data is copied before it is used.
        """
        part = object.__new__(Objective)  # copy.copy would cost a tenth of a mini-batch
        part.__dict__.update(self.__dict__)
        part.__dict__.pop("mean_targets", None)
        part.rows = self._positions(rows)
        part.total_weight = self.total_weight * part.n_rows / self.n_rows
        return part

    def gathered(self, rows: slice) -> Objective:
        """Return what :meth:`subset` returns, on a copy of the rows' data."""
        part = self.subset(rows)
        part.X, part.y, part.sample_weight = part.take(slice(0, part.n_rows))
        part.rows = slice(0, part.n_rows)
        return part

    def weighted(self, rows: Array, weights: Array) -> Objective:
        """Return the objective of some of the rows with weights of their own, which add up to about those of all."""
        part = self.subset(rows)
        part.sample_weight = np.zeros(self.X.shape[0], self.X.dtype)
        part.sample_weight[part.rows] = weights
        part.total_weight = self.total_weight
        return part

    def sample(self) -> tuple[Objective, Objective] | None:
        """Return the objectives of two random parts of the rows, one to fit and one, a fourth of it, held out.

        They are always the same ones; None if there are too few rows.
        """
        most = int(_SAMPLE_SHARE * self.n_rows)
        if most < _SAMPLE_MIN:
            return None
        shares = self.mean_targets
        rarest = min(shares.min(), 1 - shares.max())
        per_column = most * rarest / self.X.shape[1]
        if per_column < _SAMPLE_WORTH:
            return None
        drawn = self.draw(int(min(max(_SAMPLE_MIN, most * _SAMPLE_ROWS / per_column), most)))
        held_out = np.arange(drawn.n_rows) % 5 == 0
        return drawn.subset(np.flatnonzero(~held_out)), drawn.subset(np.flatnonzero(held_out))

    def draw(self, size: int) -> Objective:
        """Return the objective of some random rows, always the same ones; itself if it has no more rows than that.

        A row is drawn as often as its weight says and then counts once, so that rows of large weight are not missed
        and rows of no weight not met.
        """
        if size >= self.n_rows:
            return self
        weighted = self.sample_weight is not None
        chance = self.weights() / self.weights().sum() if weighted else None
        rows = np.random.default_rng(0).choice(self.n_rows, size, replace=weighted, p=chance)
        part = self.subset(np.sort(rows))
        part.sample_weight, part.total_weight = None, float(size)
        return part

    def batches(self, batch_size: int, rng: np.random.RandomState | None = None) -> Iterator[Objective]:
        """Yield objectives on consecutive batches of rows, in random order if `rng` is given."""
        ordered = self if rng is None else self.subset(rng.permutation(self.n_rows))
        for part in ordered._parts(batch_size):
            for rows in gen_batches(part.n_rows, batch_size):
                yield part.subset(rows)

    def preconditioner(self, w: Array, *, refine: bool, rows: float = 1) -> Preconditioner:
        """Return an approximation of the inverse Hessian at `w`; see :mod:`skxent.preconditioner`."""
        return precondition(self, w, refine=refine, rows=rows)

    def near(self, w: Array, value: float, gradient: Array) -> Near | None:
        """Return an estimate near `w`, where value and gradient are known, or None; see :mod:`skxent.near`."""
        return near(self, w, value, gradient)

    def take(self, rows: slice | Array) -> Block:
        """Return the data of some of the rows."""
        rows = self._positions(rows)
        weight = None if self.sample_weight is None else _some_rows(self.sample_weight, rows)
        return Block(_some_rows(self.X, rows), _some_rows(self.y, rows), weight)

    def weights(self) -> Array:
        """Return the weights of the rows, in float64."""
        if self.sample_weight is None:
            return np.ones(self.n_rows)
        return self.sample_weight[self.rows].astype(np.float64)

    def sum_over_rows(self, terms: Callable[[Block], tuple[Any, ...]]) -> list[Any]:
        """Add up the terms that a function returns for each block of rows, always in the same order."""
        n_rows, size = self.n_rows, self.block_size
        if n_rows <= size:
            return list(terms(self.take(slice(0, n_rows))))
        blocks = list(gen_even_slices(n_rows, -(-n_rows // size)))
        parts = [blocks[start::_N_PARTS] for start in range(min(_N_PARTS, len(blocks)))]
        return _total(
            self.workers.map(lambda part: _total((terms(self.take(rows)) for rows in part), np.float64), parts)
        )

    def _positions(self, rows: slice | Array) -> slice | Array:
        """Translate rows of this objective into rows of X."""
        if not isinstance(self.rows, slice):
            return self.rows[rows]
        if isinstance(rows, slice):
            return slice(self.rows.start + rows.start, self.rows.start + rows.stop)
        return self.rows.start + rows if self.rows.start else rows

    def _parts(self, batch_size: int) -> Iterable[Objective]:
        """Return what has some batches each: itself, or rows that another thread gathers while others are in use."""
        n_batches = int(_GATHER / self._bytes_per_row / batch_size)
        if isinstance(self.rows, slice) or n_batches == 0 or self.nbytes < _GATHER_WORTH:
            return [self]
        return self.workers.prefetch(self.gathered, gen_batches(self.n_rows, n_batches * batch_size))

    def _rows_in_a_block(self) -> int:
        n_rows, n_features = self.X.shape
        least = 1.0
        if not isinstance(self.X, np.ndarray):
            least = _BLOCK_ENTRIES * n_features / max(1, self.X.nnz / n_rows)
        most = min(self.scaled(*_BLOCK_BYTES) / self._bytes_per_row, self.scaled(*_BLOCK_SCORES) / self.n_outputs)
        return int(max(least, most))

    def scores(self, rows: slice | Array, w: Array) -> Array:
        """Return the scores of some rows at `w`, in the dtype of the data; of a mirrored pair one is zero."""
        return self._scores(self._columns(self.take(rows).X), self._for_data(w))

    def columns(self, rows: slice | Array, columns: Any) -> Array:
        """Return some of the columns in some rows, dense, as they are here."""
        X = self.take(rows).X[:, columns]
        X = X if isinstance(X, np.ndarray) else X.toarray()
        if self.coordinates is None:
            return X
        centre, scale = self.coordinates.centre[columns], self.coordinates.scale[columns]
        X = X - centre.astype(X.dtype)
        X /= scale.astype(X.dtype)
        return X

    def _columns(self, X: Any) -> Any:
        """Return a block of the data as it is to be multiplied; see :mod:`skxent.coordinates`."""
        if self.coordinates is None or not self.coordinates.exact:
            return X
        return X - self.coordinates.centre.astype(X.dtype) if isinstance(X, np.ndarray) else X.astype(np.float64)

    @property
    def _implicit_centre(self) -> Array | None:
        """What the columns of a block still have to be centred by."""
        exact_blocks = self.coordinates is not None and self.coordinates.exact and isinstance(self.X, np.ndarray)
        return None if self.coordinates is None or exact_blocks else self.coordinates.centre

    def _for_data(self, w: Array) -> Array:
        """Return weights for the columns of a block."""
        if self.coordinates is None:
            return self._as_data(w)
        dtype = np.float64 if self.coordinates.exact and not isinstance(self.X, np.ndarray) else self.X.dtype
        changed = np.empty(w.shape, dtype)
        changed[:-1] = w[:-1] / self.coordinates.scale[:, np.newaxis]
        centre = self._implicit_centre
        # The weights as rounded, so that what they add for the mean is taken off exactly.
        changed[-1] = w[-1] if centre is None else w[-1] - centre @ changed[:-1]
        return changed

    def _scores(self, X: Any, w: Array) -> Array:
        if not self._mirrored:
            return linear_scores(X, w).astype(self.X.dtype, copy=False)
        difference = w[:, 1] - w[:, 0]
        z = np.zeros((X.shape[0], 2), self.X.dtype, order="F")
        z[:, 1] = X.dot(difference[:-1]) + difference[-1]
        return z

    @property
    def _mirrored(self) -> bool:
        """Whether only the difference of two scores counts, so that half of the products do."""
        return self.n_outputs == 2 and self.activation.shift_invariant

    def _as_data(self, w: Array) -> Array:
        return w.astype(self.X.dtype, copy=False)

    def _mean_value(self, total: Any, w: Array) -> float:
        if not self.alpha:
            return float(total / self.total_weight)
        # Adds in pairs, where vdot would lose five digits of so long a sum in single precision.
        with np.errstate(over="ignore"):
            squares = np.square(w[:-1]).sum(axis=1, dtype=np.float64)
        return float(total / self.total_weight + 0.5 * (self.penalty @ squares))

    def _mean_gradient(self, w: Array, features: Array, intercept: Array) -> Array:
        gradient = np.empty(w.shape, self.X.dtype)
        outputs = slice(1, None) if self._mirrored else slice(None)
        if self.coordinates is not None:
            centre = self._implicit_centre
            if centre is not None:
                features = features - centre[:, np.newaxis] * intercept
            features = features / self.coordinates.scale[:, np.newaxis]
        gradient[:-1, outputs] = features
        gradient[-1, outputs] = intercept
        if self._mirrored:
            np.negative(gradient[:, 1], out=gradient[:, 0])
        gradient /= self.total_weight
        if self.alpha:
            gradient[:-1] += self.penalty.astype(w.dtype)[:, np.newaxis] * w[:-1]
        if not self.fit_intercept:
            gradient[-1] = 0
        return gradient

    def _losses_and_score_gradient(self, block: Block, w: Array) -> tuple[Array, Array]:
        """Return the loss of each row and its derivative with respect to the scores, weighted."""
        z = self._scores(block.X, w)
        losses, gradient = self.activation.loss_and_gradient(self.loss, self._targets(block.y), z)
        if block.weight is not None:
            losses = losses * block.weight
            gradient *= block.weight[:, np.newaxis]
        return losses, gradient

    def _weight_gradients(self, block: Block, score_gradient: Array) -> tuple[Array, Array]:
        """Return the gradients by the features' weights and by the intercepts, of a mirrored pair the second's."""
        if self._mirrored:
            score_gradient = score_gradient[:, 1:]
        # Unlike @, dot lets other threads go on however small the result is.
        return block.X.T.dot(score_gradient), score_gradient.sum(axis=0)

    def _targets(self, y: Array) -> Array:
        if y.ndim == 2:
            return y
        outputs = np.arange(self.n_outputs, dtype=y.dtype)
        return (outputs[:, np.newaxis] == y).astype(self.X.dtype).T


def _scaled_to_mean_one(weight: Array | None, dtype: Any) -> Array | None:
    """Return weights whose sums and products stay in the range of a type, whatever their unit."""
    if weight is None:
        return None
    mean = weight.mean(dtype=np.float64)
    return (weight / mean if mean > 0 else weight).astype(dtype, copy=False)


def _some_rows(values: Any, rows: slice | Array) -> Any:
    if isinstance(values, np.ndarray):
        # Taking is several times faster than an index where rows are short.
        return values[rows] if isinstance(rows, slice) else values.take(rows, axis=0)
    if not isinstance(rows, slice):
        return values[rows]
    # Several times faster than a slice of sparse data.
    bounds = values.indptr[rows.start : rows.stop + 1]
    stored = slice(bounds[0], bounds[-1])
    parts = values.data[stored], values.indices[stored], bounds - bounds[0]
    return type(values)(parts, shape=(len(bounds) - 1, values.shape[1]))


def linear_scores(X: Any, w: Array) -> Array:
    """Return ``X @ w[:-1] + w[-1]``, stored output by output."""
    z = np.asfortranarray(X @ w[:-1])
    z += w[-1]
    return z


def _total(rows_of_terms: Iterable[Sequence[Any]], dtype: Any = None) -> list[Any]:
    """Add up tuples of terms one by one, in a dtype or in their own; a tuple that is alone stays as it is.

    The first tuple's arrays may be overwritten.
    """
    iterator = iter(rows_of_terms)
    total = [np.asarray(term) for term in next(iterator)]
    for terms in iterator:
        for i, term in enumerate(terms):
            precision = np.result_type(total[i], term) if dtype is None else dtype
            total[i] = np.add(total[i], term, out=total[i] if total[i].dtype == precision else None, dtype=precision)
    return total
