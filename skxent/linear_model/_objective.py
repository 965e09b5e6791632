r"""The objective: rows × output layer × loss × L2 penalty.

.. math::
    F(W, b) = \frac{1}{\sum_i w_i} \sum_i w_i\, L(y_i, W x_i + b) + \frac{\alpha}{2} \lVert W\rVert^2

Only mathematics is here: sums come from :class:`skxent.rows.Rows`. Solvers see a callable on one array of weights, of
shape (n_features + 1, n_outputs) with the intercepts in the last row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from sklearn.utils import gen_batches

from skxent._typing import Array
from skxent.linear_model._coordinates import Coordinates, standardize
from skxent.linear_model._curvature import curves_as_cross_entropy
from skxent.linear_model._outputs import logit_chunks
from skxent.linear_model._problem import Problem
from skxent.losses import Loss
from skxent.rows import Part, Rows, batches, logits_of, reweighted, subset, with_features

__all__ = ["Objective", "total_weight_of"]

# Change of the logits in central differences of their derivatives, in double precision.
_LOGIT_STEP = 1e-3
# Logits whose losses are computed at a time where they are stored row by row: there are four arrays of that size.
_LOGITS_AT_A_TIME = 32_768
# Weights whose gradients are summed at a time where there are more: each thread has an array of them.
_PANEL_WEIGHTS = 65_536


class Objective:
    """Weighted mean loss of a linear model plus its penalty, with the gradient.

    Parameters
    ----------
    problem : Problem
        Loss, output layer and penalty.
    rows : Rows
        Data; their dtype is that of the computation, unless `coordinates` have another one.
    total_weight : float, optional
        Number to divide the sum of the losses by; by default the sum of the weights.
    coordinates : Coordinates, optional
        Change of the columns; then weights are those of the changed columns. By default they are as in the rows.

    Attributes
    ----------
    dtype : dtype
        That of the computation.
    mirrored : bool
        Whether only the difference of two logits counts, so that half of the products do.
    """

    def __init__(
        self,
        problem: Problem,
        rows: Rows,
        total_weight: float | None = None,
        coordinates: Coordinates | None = None,
    ) -> None:
        self.problem = problem
        self.rows = rows
        self.total_weight = total_weight_of(rows) if total_weight is None else total_weight
        self.coordinates = coordinates
        self.dtype = rows.dtype if coordinates is None else coordinates.dtype
        self.mirrored = rows.n_outputs == 2 and problem.output.shift_invariant
        # In the type that positions of classes mostly have: to compare others takes longer.
        self._outputs = np.arange(rows.n_outputs, dtype=np.min_scalar_type(rows.n_outputs))[:, np.newaxis]
        # Columns whose gradients are summed together: few where there are many outputs.
        self._panels = list(gen_batches(rows.n_features, max(1, _PANEL_WEIGHTS // rows.n_outputs)))

    def __call__(self, w: Array) -> tuple[float, Array]:
        """Return the value and the gradient at `w`, an array of shape (n_features + 1, n_outputs)."""
        value, *gradients = self.rows.sum(partial(self._terms, self._for_data(w)))
        return self._mean_value(value, w), self._mean_gradient(w, *gradients)

    def _terms(self, w_data: Array, part: Part) -> tuple[Any, ...]:
        """Return the terms of a part in the value and in the gradient, for weights :meth:`_for_data`."""
        part = self._for_products(part)
        losses, logit_gradient = self._losses_and_logit_gradient(part, w_data)
        return losses.sum(dtype=np.float64), *self._weight_gradients(part, logit_gradient)

    def value(self, w: Array) -> float:
        """Return the value alone, at half the cost."""
        w_data = self._for_data(w)

        def terms(part: Part) -> tuple[Any, ...]:
            losses, _ = self._losses_and_logit_gradient(self._for_products(part), w_data)
            return (losses.sum(dtype=np.float64),)

        (value,) = self.rows.sum(terms)
        return self._mean_value(value, w)

    def value_at_targets(self) -> float:
        """Return the mean loss of a model whose predictions are the targets, in double precision, without a penalty."""
        output = self.problem.output

        def terms(part: Part) -> tuple[Any, ...]:
            y = self.targets(part).astype(np.float64, order="F")
            losses, _ = output.loss_and_gradient(self.problem.loss, y, output.logits(y))
            return (losses @ part.weights(),)

        (value,) = self.rows.without_features().sum(terms)
        return float(value / self.total_weight)

    def gradient(self, w: Array) -> Array:
        """Return the gradient alone; for a mini-batch the value would be a twentieth of the cost."""
        w_data = self._for_data(w)

        def terms(part: Part) -> tuple[Any, ...]:
            part = self._for_products(part)
            return self._weight_gradients(part, self._losses_and_logit_gradient(part, w_data)[1])

        return self._mean_gradient(w, *self.rows.sum(terms))

    def hessian_product(self, w: Array, direction: Array) -> tuple[Array, float]:
        """Return the Hessian at `w` times a direction, and the largest change of a logit along the direction.

        Where the loss curves like the cross-entropy its second derivatives are known; else they come from central
        differences of the first. They are in double precision.
        """
        w_data, direction_data = self._for_data(w), self._for_data(direction)
        largest = []

        def terms(part: Part) -> tuple[Any, ...]:
            part = self._for_products(part)
            curved = np.empty((part.n_rows, w.shape[1]), self.dtype, order="F")
            for rows in gen_batches(part.n_rows, max(1, _LOGITS_AT_A_TIME // w.shape[1])):
                chunk = part.rows(rows)
                z, change = self._logits(chunk, w_data), self._logits(chunk, direction_data)
                largest.append(np.abs(change).max())
                curved[rows] = self._curved(chunk, z, change)
            return self._weight_gradients(part, curved)

        return self._mean_gradient(direction, *self.rows.sum(terms)), float(np.max(largest))

    def largest_change(self, direction: Array) -> float:
        """Return the largest change of a logit along a direction."""
        direction_data = self._for_data(direction)
        changes = self.rows.each(lambda part: np.abs(self._logits(self._for_products(part), direction_data)).max())
        return float(max(changes))

    def mean_change(self, w: Array, direction: Array) -> float:
        """Return how much the logits change along a direction on average: see :meth:`Output.spread`.

        Changes count by their share in the curvature of the cross-entropy along the direction.
        """
        w_data, direction_data = self._for_data(w), self._for_data(direction)

        def terms(part: Part) -> tuple[Any, ...]:
            part = self._for_products(part)
            z, change = self._logits(part, w_data), self._logits(part, direction_data)
            total, by_size = 0.0, 0.0
            for rows in logit_chunks(*z.shape):
                both = (values[rows].astype(np.float64, order="F") for values in (z, change))
                spread, size = self.problem.output.spread(*both)
                spread *= part.weights()[rows, np.newaxis]
                total, by_size = total + spread.sum(), by_size + (spread * size).sum()
            return (total, by_size)

        total, by_size = self.rows.sum(terms)
        return float(by_size / total) if total > 0 else 0.0

    def _curved(self, part: Part, z: Array, change: Array) -> Array:
        """Return the change of the weighted derivatives with respect to the logits, in proportion to that of these."""
        output = self.problem.output
        y = None if self.curves_as_cross_entropy else self.targets(part)
        curved = np.empty(z.shape, self.dtype, order="F")
        for rows in logit_chunks(*z.shape):
            middle, way = (values[rows].astype(np.float64, order="F") for values in (z, change))
            curved[rows] = self._differences(y[rows], middle, way) if y is not None else output.curved(middle, way)
        if part.weight is not None:
            curved *= part.weight[:, np.newaxis]
        return curved

    def _differences(self, y: Array, z: Array, change: Array) -> Array:
        # Each row has a step of its own: the rounding error of one with a large change would hide that of others.
        step = _LOGIT_STEP / np.maximum(np.abs(change).max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        change *= step
        up, down = (self._loss_gradient(y, logits) for logits in (z + change, z - change))
        differences: Array = (up - down) / (2 * step)
        return differences

    def _loss_gradient(self, y: Array, z: Array) -> Array:
        return self.problem.output.loss_and_gradient(self.problem.loss, y, z)[1]

    def standardized(self) -> Objective:
        """Return the same objective of the weights of centred and scaled columns: :class:`Coordinates`."""
        coordinates = standardize(self.rows, self.total_weight, self.problem.alpha, self.problem.fit_intercept)
        return Objective(self.problem, self.rows, self.total_weight, coordinates)

    def as_given(self) -> Objective:
        """Return the same objective of the weights of the columns as in the rows, computed as predictions are."""
        return Objective(self.problem, self.rows, self.total_weight)

    def precise(self) -> Objective:
        """Return the same objective computed in double precision. It must be :meth:`standardized`."""
        assert self.coordinates is not None
        coordinates = self.coordinates._replace(dtype=np.dtype(np.float64))
        return Objective(self.problem, self.rows, self.total_weight, coordinates)

    def penalized(self, alpha: float) -> Objective:
        """Return the objective with a penalty of another strength, of the same columns as here."""
        coordinates = None if self.coordinates is None else self.coordinates.penalized(alpha)
        return Objective(replace(self.problem, alpha=alpha), self.rows, self.total_weight, coordinates)

    def with_loss(self, loss: Loss) -> Objective:
        """Return the objective with another loss."""
        return Objective(replace(self.problem, loss=loss), self.rows, self.total_weight, self.coordinates)

    def to_given(self, w: Array) -> Array:
        """Return the weights of the columns as in the rows that make the same model as `w` here."""
        return w if self.coordinates is None else self.coordinates.original(w).astype(self.rows.dtype)

    def rounding_of(self, w: Array) -> float:
        """Return the rounding error of a logit if the model `w` is written for the columns as in the rows."""
        eps = float(np.finfo(self.rows.dtype).eps)
        return 0.0 if self.coordinates is None else eps * self.coordinates.cancelled(w)

    def from_given(self, w: Array) -> Array:
        """Return the weights here that make the same model as `w` does with the columns as in the rows."""
        if self.coordinates is None:
            return w
        return self._in_dtype(self.coordinates.changed(w) if w.any() else w)

    @cached_property
    def curves_as_cross_entropy(self) -> bool:
        """Whether the second derivatives of the loss by the logits are those of the cross-entropy, which are known."""
        return curves_as_cross_entropy(self.problem, self.rows.n_outputs)

    @cached_property
    def penalty(self) -> Array:
        """Strength of the L2 penalty on the weights of each column, of shape (n_features,)."""
        return (
            np.full(self.rows.n_features, self.problem.alpha) if self.coordinates is None else self.coordinates.penalty
        )

    @property
    def rounding(self) -> Array:
        """Relative error that a product with each column has because of its mean, of shape (n_features,)."""
        return np.zeros(self.rows.n_features) if self.coordinates is None else self.coordinates.rounding

    def column_moments(self) -> Array:
        """Return the mean square of each column, of shape (n_features,)."""
        if self.coordinates is not None:
            return self.coordinates.variances.astype(self.dtype)
        (total,) = self.rows.sum(lambda part: (part.column_squares(),))
        moments: Array = total / self.total_weight
        return moments

    def dense(self, part: Part, columns: slice | Array) -> Array:
        """Return some columns of a part as a dense array."""
        return part.dense(columns) if self.coordinates is None else self.coordinates.dense(part, columns)

    def curvatures_at(self, w: Array, columns: slice | Array = slice(None)) -> Callable[[Part], Array]:
        r"""Return what computes the share of each row of a part in the trace of the Hessian, but for a factor.

        The Hessian is that of the cross-entropy at `w`. Only the weights of some columns count.

        It is :math:`(1 + \lVert\tilde x_i\rVert^2) \sum_k p_{ik} (1 - p_{ik})`: rows of which the model is sure
        have little, rows with values far from the mean have much.
        """
        logits = self.logits_at(w)

        def curvatures(part: Part) -> Array:
            return self.variances(logits(part)).sum(axis=1) * self.row_sizes(part, columns)

        return curvatures

    def variances(self, z: Array) -> Array:
        """Return how much the cross-entropy curves along each logit: see :meth:`Output.variances`.

        The logits are overwritten. With many outputs each further array of their size would count.
        """
        for rows in logit_chunks(*z.shape):
            z[rows] = self.problem.output.variances(z[rows])
        return z

    def row_sizes(self, part: Part, columns: slice | Array = slice(None)) -> Array:
        """Return the sum of the squares of some columns and of the 1 of the intercept in each row."""
        if isinstance(columns, slice):
            return 1 + (part.row_squares() if self.coordinates is None else self.coordinates.row_squares(part))
        return 1 + part._replace(X=self.dense(part, columns)).row_squares()

    def with_features(self, X: Array, alpha: float) -> Objective:
        """Return the objective of the same rows with other features, all of whose weights are penalised alike."""
        problem = replace(self.problem, alpha=alpha)
        return Objective(problem, with_features(self.rows, X), self.total_weight)

    def centred(self, w: Array) -> Array:
        """Return the weights that make the same model as `w` with the least penalty: see :meth:`Output.centred`."""
        return self.problem.output.centred(w)

    def intercept_only(self) -> Array:
        """Return the :meth:`centred` weights of a model of how often each output is on; zeros if there is no intercept.

        Where there are many outputs and few rows for each of them, the frequencies are mostly chance, and a fit takes
        steps to undo them. So they are drawn towards their mean by the share of their variance that chance is expected
        to have, as estimates of four numbers or more should be [1]_.

        References
        ----------
        .. [1] B. Efron, C. Morris, "Stein's Estimation Rule and Its Competitors", 1973,
           :doi:`10.1080/01621459.1973.10481350`
        """
        w = np.zeros((self.rows.n_features + 1, self.rows.n_outputs), self.dtype)
        if self.problem.fit_intercept:
            shares = self.mean_targets
            chance, spread = (shares * (1 - shares)).mean() / self.total_weight, shares.var()
            chance *= max(0, 1 - 3 / len(shares))
            kept = 1 - chance / spread if spread > chance else 0
            shares = shares.mean() + kept * (shares - shares.mean())
            w[-1] = self.problem.output.logits(shares.clip(self.eps, 1 - self.eps))
        return self.centred(w)

    @cached_property
    def mean_targets(self) -> Array:
        """How often each output is on, weighted, of shape (n_outputs,)."""
        n_outputs = self.rows.n_outputs
        (total,) = self.rows.without_features().sum(lambda part: (part.target_totals(n_outputs),))
        mean: Array = total / self.total_weight
        return mean

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.rows.n_rows

    @property
    def eps(self) -> float:
        """Relative rounding error of the value."""
        return float(np.finfo(self.dtype).eps)

    def subset(self, positions: slice | Array) -> Objective:
        """Return the objective of some of the rows.

        Its loss is the sum over these rows divided by their number times the mean weight of *all* rows, so that
        batches estimate the whole without bias.
        """
        return self._of_rows(subset(self.rows, positions))

    def on(self, rows: Rows, total_weight: float) -> Objective:
        """Return the objective of other rows with the same columns."""
        return Objective(self.problem, rows, total_weight, self.coordinates)

    def reweighted(self, positions: Array, weight: Array | None, total_weight: float) -> Objective:
        """Return the objective of some rows with other weights (None: each counts once) and their total."""
        return Objective(self.problem, reweighted(self.rows, positions, weight), total_weight, self.coordinates)

    def batches(self, batch_size: int, rng: np.random.RandomState | None = None) -> Iterator[Objective]:
        """Yield objectives on consecutive batches of rows, in random order if `rng` is given."""
        return map(self._of_rows, batches(self.rows, batch_size, rng))

    def _of_rows(self, rows: Rows) -> Objective:
        part = object.__new__(Objective)  # __init__ would cost a twentieth of a mini-batch
        part.__dict__.update(self.__dict__)
        part.__dict__.pop("mean_targets", None)  # all else that is kept holds for any rows of the same data
        part.rows, part.total_weight = rows, self.total_weight * rows.n_rows / self.rows.n_rows
        return part

    def logits_at(self, w: Array) -> Callable[[Part], Array]:
        """Return what computes the logits of a part at `w`, in the dtype of the data; of a mirrored pair one is zero.

        With many columns and a part of few rows, changing `w` for the data takes longer than the product.
        """
        w_data = self._for_data(w)
        return lambda part: self._logits(self._for_products(part), w_data)

    def _logits(self, part: Part, w: Array) -> Array:
        if not self.mirrored:
            return logits_of(part.X, w).astype(self.dtype, copy=False)
        difference = w[:, 1] - w[:, 0]
        z = np.zeros((part.n_rows, 2), self.dtype, order="F")
        z[:, 1] = part.X.dot(difference[:-1]) + difference[-1]
        return z

    def _for_products(self, part: Part) -> Part:
        return part if self.coordinates is None else self.coordinates.for_products(part)

    def _for_data(self, w: Array) -> Array:
        """Return the weights to multiply a part with that is :meth:`_for_products`."""
        return self._in_dtype(w) if self.coordinates is None else self.coordinates.for_data(w)

    def _in_dtype(self, w: Array) -> Array:
        return w.astype(self.dtype, copy=False)

    def _mean_value(self, total: Any, w: Array) -> float:
        if not self.problem.alpha:
            return float(total / self.total_weight)
        ones = np.ones(w.shape[1], w.dtype)
        with np.errstate(over="ignore"):
            # A product is several times as fast as a sum of short rows.
            squares = sum(self.penalty[columns] @ (np.square(w[columns]) @ ones) for columns in self._panels)
        return float(total / self.total_weight + 0.5 * squares)

    def _penalty_factor(self, columns: slice, dtype: Any) -> Any:
        """Return the penalty as a factor on the weights: a number where it is the same for all columns."""
        if self.coordinates is None:
            return self.problem.alpha
        return self.penalty[columns, np.newaxis].astype(dtype)

    def _mean_gradient(self, w: Array, intercept: Array, *features: Array) -> Array:
        gradient = np.empty(w.shape, self.dtype)
        outputs, panels = slice(1, None) if self.mirrored else slice(None), self._panels
        gradient[-1, outputs] = intercept
        for columns, of_columns in zip(panels, features, strict=True):
            out = gradient[columns, outputs]
            if self.coordinates is None:
                out[:] = of_columns
            else:
                self.coordinates.feature_gradient(of_columns, intercept, columns, out)
        if self.mirrored:
            np.negative(gradient[:, 1], out=gradient[:, 0])
        gradient /= self.total_weight
        if self.problem.alpha:
            for columns in panels:
                gradient[columns] += self._penalty_factor(columns, w.dtype) * w[columns]
        if not self.problem.fit_intercept:
            gradient[-1] = 0
        return gradient

    def _losses_and_logit_gradient(self, part: Part, w: Array) -> tuple[Array, Array]:
        """Return the loss of each row and its derivative with respect to the logits, weighted."""
        losses, gradient = self._in_chunks(part, self._logits(part, w))
        if part.weight is not None:
            losses = losses * part.weight
            gradient *= part.weight[:, np.newaxis]
        return losses, gradient

    def _in_chunks(self, part: Part, z: Array) -> tuple[Array, Array]:
        """Return losses and derivatives without weights; the logits are overwritten."""
        evaluate, loss = self.problem.output.loss_and_gradient, self.problem.loss
        if z.flags.f_contiguous:
            return evaluate(loss, self.targets(part), z, overwrite_z=True)
        losses = np.empty(len(z), z.dtype)
        for rows in gen_batches(len(z), max(1, _LOGITS_AT_A_TIME // z.shape[1])):
            targets = self.targets(part._replace(y=part.y[rows]))
            losses[rows], z[rows] = evaluate(loss, targets, z[rows], overwrite_z=True)
        return losses, z

    def _weight_gradients(self, part: Part, logit_gradient: Array) -> tuple[Any, ...]:
        """Return the gradients by the intercepts and, panel by panel, by the features' weights.

        Panels of dense columns are to be computed one after the other. Of a mirrored pair they are the second's.
        """
        if self.mirrored:
            logit_gradient = logit_gradient[:, 1:]
        intercept, panels = logit_gradient.sum(axis=0), self._panels
        if len(panels) == 1:
            return intercept, part.weighted_totals(logit_gradient)
        if part.is_dense:
            return intercept, *(partial(part.weighted_totals, logit_gradient, columns) for columns in panels)
        features = part.weighted_totals(logit_gradient)
        return intercept, *(features[columns] for columns in panels)

    def targets(self, part: Part) -> Array:
        """Return the probability of each output being on, of shape (n_rows, n_outputs)."""
        y = part.y
        return y if y.ndim == 2 else (self._outputs == y).astype(self.dtype).T


def total_weight_of(rows: Rows) -> float:
    """Return the sum of the weights of rows; raise a ValueError if it is too large or too small to divide by."""
    if not rows.weighted:
        return float(rows.n_rows)
    with np.errstate(over="ignore"):
        (total,) = rows.without_features().sum(lambda part: (part.weights().sum(),))
    limits = np.finfo(rows.dtype)
    if total and not limits.tiny <= total <= limits.max:
        raise ValueError(
            f"the weights sum to {total:g}, beyond the range of {rows.dtype}; divide sample_weight or class_weight by "
            "the largest of them."
        )
    return float(total)
