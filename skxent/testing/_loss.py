"""Check of losses that users write."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skxent._typing import Array
from skxent.linear_model import SoftmaxRegressor
from skxent.linear_model._objective import Objective
from skxent.linear_model._outputs import Output, Sigmoid, Softmax
from skxent.linear_model._problem import Problem
from skxent.losses import Loss, check_shapes, resolve_loss
from skxent.rows import MemoryRows

__all__ = ["check_loss"]

# Step of the central differences, and the error against 1 + |gradient| that is allowed on top of theirs.
_STEP, _TOLERANCE = 1e-5, 1e-5


def check_loss(
    loss: str | Loss,
    *,
    n_outcomes: int | Sequence[int] = (2, 5),
    random_state: int | np.random.RandomState | None = 0,
) -> None:
    r"""Check that a loss keeps the promises of :meth:`skxent.losses.Loss.pointwise`.

    One-hot and soft targets are compared with probabilities from even to extreme. The loss must

    - return a loss for each row and a gradient for each entry, in the dtype of its inputs;
    - be finite where all probabilities are above 0;
    - leave its inputs alone and return the same for the same inputs;
    - treat each row by itself, so that a weight of 2 is the row twice and a weight of 0 no row;
    - return :math:`\partial L/\partial\log p` as central differences find it, each :math:`p_k` moving by itself;
    - do all this again after pickling, copying, :func:`sklearn.base.clone`, and made anew from its ``get_params()``;
    - stay finite, without warnings, for logits of ±10,000 in float32 behind a softmax and a sigmoid output.

    Parameters
    ----------
    loss : str or Loss
        The loss: an instance, or a registered name.
    n_outcomes : int or sequence of int, default=(2, 5)
        Numbers of outcomes to try. The sigmoid output has two, and is tried if 2 is among them.
    random_state : int, RandomState or None, default=0
        Draws targets and probabilities.

    Raises
    ------
    AssertionError
        If the loss breaks a promise.
    TypeError
        If `loss` is no loss at all.
    ValueError
        If no loss of that name is registered.

    Examples
    --------
    >>> from skxent.losses import Loss
    >>> from skxent.testing import check_loss
    >>> check_loss("cross_entropy")

    A forgotten factor comes to light:

    >>> class Squared(Loss):
    ...     def pointwise(self, y, p, log_p):
    ...         return ((p - y) ** 2).sum(axis=1), (p - y) * p
    >>> check_loss(Squared())
    Traceback (most recent call last):
        ...
    AssertionError: Squared(): the gradient is wrong. ...
    """
    loss = resolve_loss(loss)
    rng = check_random_state(random_state)
    for n in np.atleast_1d(n_outcomes).tolist():
        y, log_p = _examples(n, rng)
        _check_shapes_and_dtypes(loss, y, log_p)
        _check_finite(loss, y, log_p)
        _check_purity(loss, y, log_p)
        _check_rows(loss, y, log_p)
        _check_gradient(loss, y, log_p)
        _check_copies(loss, y, log_p)
        outputs: list[Output] = [Softmax(), Sigmoid()] if n == 2 else [Softmax()]
        for output in outputs:
            _check_weights(loss, output, n, rng)
            _check_extreme_scores(loss, output, n)
        _check_fit(loss, n)


def _examples(n_outcomes: int, rng: np.random.RandomState) -> tuple[Array, Array]:
    """Targets, one-hot and soft, and log-probabilities from even to one part in a million."""
    one_hot = np.eye(n_outcomes)[rng.randint(n_outcomes, size=6)]
    soft = rng.dirichlet(np.ones(n_outcomes), size=6)
    scores = rng.standard_normal((12, n_outcomes)) * np.tile([0, 0.5, 1, 2, 3, 4], 2)[:, np.newaxis]
    # Stored outcome by outcome, as losses get them in a fit.
    return np.asfortranarray(np.vstack([one_hot, soft])), np.asfortranarray(Softmax().log_probabilities(scores))


def _require(condition: object, loss: Loss, problem: str) -> None:
    if not condition:
        raise AssertionError(f"{loss!r}: {problem}")


def _check_shapes_and_dtypes(loss: Loss, y: Array, log_p: Array) -> None:
    try:
        check_shapes(loss, y.shape[1])
    except ValueError as error:
        hint = ". A loss for one number of outcomes is checked with n_outcomes=..." if error.__cause__ else ""
        raise AssertionError(f"{error}{hint}") from error
    for dtype in (np.float32, np.float64):
        log_p_typed = log_p.astype(dtype)
        returned = loss.pointwise(y.astype(dtype), np.exp(log_p_typed), log_p_typed)
        for name, values in zip(("loss", "gradient"), returned, strict=True):
            returned_dtype = getattr(values, "dtype", type(values).__name__)
            _require(
                returned_dtype == dtype,
                loss,
                f"the {name} has dtype {returned_dtype} for inputs of {np.dtype(dtype)}, which makes fits slow or "
                "inexact. Use Python numbers rather than NumPy scalars, and make arrays with y.dtype.",
            )


def _not_finite(value: Array, gradient: Array) -> Array:
    """Give the first row whose loss or gradient is not finite, as an array of at most one."""
    return np.flatnonzero(~(np.isfinite(value) & np.isfinite(gradient).all(axis=1)))[:1]


def _check_finite(loss: Loss, y: Array, log_p: Array) -> None:
    value, gradient = loss.pointwise(y.copy(order="F"), np.exp(log_p), log_p.copy(order="F"))
    bad = _not_finite(value, gradient)
    _require(
        not len(bad),
        loss,
        f"for y={y[bad]}, p={np.exp(log_p[bad])} the loss is {value[bad]} and its gradient {gradient[bad]}, which is "
        "not finite. Where an entropy is meant, 0 log 0 is 0: scipy.special.xlogy(y, y) rather than y * log(y).",
    )


def _check_purity(loss: Loss, y: Array, log_p: Array) -> None:
    inputs = {"y": y.copy(order="F"), "p": np.exp(log_p), "log_p": log_p.copy(order="F")}
    before = copy.deepcopy(inputs)
    value, gradient = (result.copy() for result in loss.pointwise(*inputs.values()))
    for name in inputs:
        _require(
            np.array_equal(inputs[name], before[name]),
            loss,
            f"pointwise changed its input {name}. Work on a copy.",
        )
    for name in inputs:
        inputs[name].flags.writeable = False
    try:
        again, gradient_again = loss.pointwise(*inputs.values())
    except ValueError as error:
        raise AssertionError(f"{loss!r}: pointwise writes into an input ({error}). Work on a copy.") from error
    _require(
        not np.shares_memory(gradient_again, inputs["p"]),
        loss,
        "the gradient is the input p itself or a view of it. Return a copy.",
    )
    _require(
        np.array_equal(value, again) and np.array_equal(gradient, gradient_again),
        loss,
        f"pointwise is not pure: a second call on the same inputs changed the loss by up to "
        f"{np.abs(again - value).max():.3g} and the gradient by up to {np.abs(gradient_again - gradient).max():.3g}. "
        "Keep no state and draw no random numbers.",
    )


def _check_rows(loss: Loss, y: Array, log_p: Array) -> None:
    value, gradient = loss.pointwise(y, np.exp(log_p), log_p)
    for i in range(len(y)):
        row = slice(i, i + 1)
        alone, gradient_alone = loss.pointwise(y[row], np.exp(log_p[row]), log_p[row])
        _require(
            np.shape(alone) == (1,) and np.shape(gradient_alone) == (1, y.shape[1]),
            loss,
            f"for a single row, pointwise returned shapes {np.shape(alone)} and {np.shape(gradient_alone)} rather than "
            f"(1,) and {(1, y.shape[1])}. Sum along axis=1 and do not squeeze.",
        )
        error = max(abs(alone - value[row]).max(), np.abs(gradient_alone - gradient[row]).max())
        _require(
            error <= 1e-9 * (1 + abs(value[i])),
            loss,
            f"rows are not independent: row {i} by itself differs by {error:.3g} from the same row among others. "
            "Sum along axis=1, do not average over rows.",
        )


def _check_gradient(loss: Loss, y: Array, log_p: Array) -> None:
    _, gradient = loss.pointwise(y, np.exp(log_p), log_p)
    coarse, expected = (_differences(loss, y, log_p, step) for step in (_STEP, _STEP / 2))
    error = (np.abs(gradient - expected) - np.abs(coarse - expected)) / (1 + np.abs(expected))
    i, k = divmod(int(np.argmax(error)), y.shape[1])
    _require(
        error[i, k] <= _TOLERANCE,
        loss,
        f"the gradient is wrong. For y={y[i]}, p={np.exp(log_p[i])} the derivative of the loss with respect to "
        f"log p[{k}] is {expected[i, k]:.6g} by central differences, but pointwise returned {gradient[i, k]:.6g}. "
        "Return dL/dlog p = p dL/dp, with each p[k] moving by itself.",
    )


def _differences(loss: Loss, y: Array, log_p: Array, step: float) -> Array:
    """Return the derivatives in each log-probability as central differences find them."""
    found = np.empty_like(log_p)
    for k in range(y.shape[1]):
        up, down = log_p.copy(order="F"), log_p.copy(order="F")
        up[:, k] += step
        down[:, k] -= step
        found[:, k] = (loss.pointwise(y, np.exp(up), up)[0] - loss.pointwise(y, np.exp(down), down)[0]) / (2 * step)
    return found


def _check_copies(loss: Loss, y: Array, log_p: Array) -> None:
    expected = loss.pointwise(y, np.exp(log_p), log_p)
    ways: dict[str, Callable[[Loss], Loss]] = {
        "making it from its get_params()": lambda loss: type(loss)(**loss.get_params(deep=False)),
        "pickling": lambda loss: pickle.loads(pickle.dumps(loss)),
        "copy.deepcopy": copy.deepcopy,
        "sklearn.base.clone": lambda loss: clone(SoftmaxRegressor(loss=loss)).loss,
    }
    for way, duplicate in ways.items():
        try:
            results = duplicate(loss).pointwise(y, np.exp(log_p), log_p)
        except Exception as error:
            raise AssertionError(
                f"{loss!r}: {way} failed: {error}. Define the class at the top level of a module and keep nothing but "
                "plain hyper-parameters in it."
            ) from error
        _require(
            all(np.array_equal(result, wanted) for result, wanted in zip(results, expected, strict=True)),
            loss,
            f"{way} changed its results. Keep all hyper-parameters as attributes of the instance.",
        )


def _check_weights(loss: Loss, output: Output, n_outputs: int, rng: np.random.RandomState) -> None:
    X, y = rng.standard_normal((12, 3)), rng.dirichlet(np.ones(n_outputs), size=12)
    w = rng.standard_normal((4, n_outputs))
    times = np.tile([0, 1, 2], 4)
    problem = Problem(loss, output)
    weighted = Objective(problem, MemoryRows(X, y, times.astype(float), n_outputs=n_outputs))
    repeated = Objective(
        problem, MemoryRows(np.repeat(X, times, axis=0), np.repeat(y, times, axis=0), n_outputs=n_outputs)
    )
    (value, gradient), (expected, expected_gradient) = weighted(w), repeated(w)
    error = max(abs(value - expected), np.abs(gradient - expected_gradient).max())
    _require(
        error <= 1e-9 * (1 + abs(expected)),
        loss,
        f"behind {type(output).__name__}, rows with weights 0, 1, 2 differ by {error:.3g} from rows left out, "
        "kept and repeated. The loss of a row must not depend on the other rows.",
    )


def _check_fit(loss: Loss, n_classes: int) -> None:
    """Fit classes that lie apart, eight rows of each."""
    y = np.repeat(np.arange(n_classes), 8)
    X = 3 * np.eye(n_classes)[y] + np.tile(np.linspace(-1, 1, 8), n_classes)[:, np.newaxis]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            accuracy = SoftmaxRegressor(loss, alpha=1e-2, max_iter=100).fit(X, y).score(X, y)
    except ValueError as error:
        raise AssertionError(f"{loss!r}: a fit of {n_classes} well separated classes failed: {error}") from error
    _require(
        accuracy >= 1 / n_classes,
        loss,
        f"a fit of {n_classes} well separated classes of equal size has an accuracy of {accuracy:.2f}, worse than "
        "chance. The loss must fall as the probability of the target rises: has it the wrong sign?",
    )


def _check_extreme_scores(loss: Loss, output: Output, n_outputs: int) -> None:
    scores = [(np.arange(n_outputs) == k) * scale for scale in (-1e4, -90, 30, 1e4) for k in range(n_outputs)]
    z = np.repeat(np.array(scores, dtype=np.float32), n_outputs + 1, axis=0)
    targets = np.vstack([np.eye(n_outputs), np.full(n_outputs, 1 / n_outputs)]).astype(np.float32)
    y = np.tile(targets, (len(scores), 1))
    name = type(output).__name__
    advice = "Work with log_p, which stays finite where p is 0, rather than with log(p), 1 / p or p ** negative."
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            value, gradient = output.loss_and_gradient(loss, np.asfortranarray(y), np.asfortranarray(z))
    except FloatingPointError as error:
        raise AssertionError(
            f"{loss!r}: {error} for float32 logits of up to ±10,000 behind {name}. {advice}"
        ) from error
    bad = _not_finite(value, gradient)
    _require(
        not len(bad),
        loss,
        f"for float32 logits {z[bad]} and targets {y[bad]} behind {name} the loss is {value[bad]} and its gradient "
        f"{gradient[bad]}, which is not finite. {advice}",
    )
