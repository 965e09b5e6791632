"""Labels, soft labels and multilabel matrices as targets of the outputs, and the rows held out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import compute_class_weight, gen_batches
from sklearn.utils.multiclass import check_classification_targets

from skxent._typing import Array
from skxent.rows import label_counts

__all__ = [
    "Targets",
    "as_probabilities",
    "class_weights",
    "classes_and_positions",
    "hold_out",
    "positions_in",
    "soft_labels",
    "widened",
]

# Labels looked up at a time: few temporaries, and still much work for each call.
_LABELS_AT_A_TIME = 65_536
_SEVERAL_LABELS = (
    "a matrix holds probabilities or 0 and 1. For several columns of labels use "
    "sklearn.multioutput.MultiOutputClassifier."
)


class Targets(NamedTuple):
    """Targets as the objective wants them.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels, in the order of the outputs.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Index of the output that is on, or the probability of each.
    n_outputs : int
        Number of outputs.
    labels : ndarray of shape (n_rows,) or None
        Index of the class of each row, if the rows have one.
    """

    classes: Array
    y: Array
    n_outputs: int
    labels: Array | None


def soft_labels(y: Array) -> Targets:
    """Return targets from a matrix of probabilities, one column for each output."""
    return Targets(np.arange(y.shape[1]), y, y.shape[1], None)


def class_weights(class_weight: Any, targets: Targets, sample_weight: Array | None) -> Array:
    """Return the factor of each class on the weights of its rows.

    Parameters
    ----------
    class_weight : dict or "balanced"
        Factors by label, 1 for those it does not name; or factors that give all classes the same total weight.
    targets : Targets
        Targets with labels.
    sample_weight : ndarray of shape (n_rows,) or None
        Weights of the rows.

    Returns
    -------
    ndarray of shape (n_classes,)
        Factors, in float64. A class without rows or weight does not count when classes are balanced; its factor is 0.

    Raises
    ------
    ValueError
        If there are no labels, or if a factor is negative or not finite.
    """
    if targets.labels is None:
        raise ValueError("class_weight needs class labels in y; for a matrix of targets use sample_weight.")
    if isinstance(class_weight, dict):
        factors = compute_class_weight(class_weight, classes=targets.classes, y=targets.classes)
    else:
        totals = label_counts(targets.labels, sample_weight, len(targets.classes))
        present = np.count_nonzero(totals)
        factors = np.divide(totals.sum(), present * totals, out=np.zeros(len(totals)), where=totals > 0)
    wrong = np.flatnonzero(~((factors >= 0) & np.isfinite(factors)))
    if len(wrong):
        label = targets.classes[wrong[:1]].tolist()[0]
        raise ValueError(f"class_weight of {label!r} is {factors[wrong[0]]}; weights are at least 0 and finite.")
    return np.asarray(factors, dtype=np.float64)


def hold_out(targets: Targets, weight: Array | None, n_rows: int, fraction: float, rng: Any) -> tuple[Array, Array]:
    """Return the positions of the rows to train on, sorted, and of those held out; both have rows of each class.

    Rows without weight are not held out, since they could not say anything about a fit.

    Raises
    ------
    ValueError
        If that is impossible; the message says what to do.
    """
    counting = np.arange(n_rows) if weight is None else np.flatnonzero(weight)
    labels = None if targets.labels is None else targets.classes[targets.labels[counting]]
    try:
        _, test = train_test_split(counting, test_size=fraction, stratify=labels, random_state=rng)
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True cannot hold out validation_fraction={fraction} of {n_rows} "
            f"rows with some of each class on both sides: {str(error).rstrip('.')}. "
            "Change validation_fraction, add rows, or set early_stopping=False."
        ) from error
    train = np.ones(n_rows, bool)
    train[test] = False
    return np.flatnonzero(train), np.sort(test)


def as_probabilities(y: Array, dtype: Any) -> Array:
    """Return a matrix of targets as floats, checked to lie between 0 and 1."""
    try:
        y = np.asarray(y).astype(dtype)
    except ValueError:
        raise ValueError(f"y is a matrix but not of numbers; {_SEVERAL_LABELS}") from None
    outside = np.flatnonzero(((y < 0) | (y > 1)).any(axis=1))
    if len(outside):
        raise ValueError(
            f"Row {outside[0]} of y, {y[outside[0]]}, is not made of probabilities between 0 and 1; {_SEVERAL_LABELS}"
        )
    return y


def classes_and_positions(y: Array, *, known: bool = False) -> tuple[Array, Array]:
    """Return the distinct labels, sorted, and the position of each row's among them.

    Labels that look like measured values are refused. Unless the classes are known, many for the rows are warned of.
    """
    position: Callable[[Array], Array]
    if y.dtype.kind in "iu" and int(y.max()) - int(y.min()) < len(y) // 2:
        classes, position = _tabulated(y)
    else:
        classes = np.unique(y)  # asking it for the inverse as well would take twice the memory
        # Two rows of each class are no reason for a warning.
        check_classification_targets(np.repeat(classes, 2) if known else y)
        position = classes.searchsorted
    positions = np.empty(len(y), _index_type(classes))
    for rows in gen_batches(len(y), _LABELS_AT_A_TIME):
        positions[rows] = position(y[rows])
    return classes, positions


def _tabulated(y: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Return distinct integers and a function from them to their positions; faster than sorting if they lie close."""
    low, high = y.min(), y.max()

    def offsets(labels: Array) -> Array:
        return np.subtract(labels, low, dtype=np.intp, casting="unsafe")

    present = np.zeros(int(high) - int(low) + 1, bool)
    for rows in gen_batches(len(y), _LABELS_AT_A_TIME):
        present[offsets(y[rows])] = True
    positions = np.cumsum(present) - 1
    return np.flatnonzero(present).astype(y.dtype) + low, lambda labels: positions[offsets(labels)]


def positions_in(found: Array, classes: Array) -> Array:
    """Return the position of each of the labels found in the sorted `classes` of a fit, or of its first call."""
    positions = np.searchsorted(classes, found).clip(max=len(classes) - 1)
    unseen = found[classes[positions] != found]
    if len(unseen):
        raise ValueError(f"y has labels {unseen} that are not among the classes of the fit, {classes}.")
    return positions.astype(_index_type(classes))


def widened(targets: Targets) -> Targets:
    """Return targets whose classes are int64, if they are integers: those read in blocks are in as few bytes as can be.

    Predictions in one byte would overflow where a user computes with them.
    """
    classes = targets.classes
    fits = classes.dtype.kind in "iu" and classes.max() <= np.iinfo(np.int64).max
    return targets._replace(classes=classes.astype(np.int64)) if fits else targets


def _index_type(classes: Array) -> np.dtype[Any]:
    """Return the smallest type of the positions of classes: eight bytes a row can be a fifth of narrow data."""
    return np.min_scalar_type(len(classes))
