"""Linear classifiers with a softmax or a sigmoid output and any loss."""

from __future__ import annotations

import copy
import functools
import inspect
import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_random_state,
    column_or_1d,
    compute_class_weight,
    gen_batches,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from skxent import solvers
from skxent._monitor import Monitor, Validation
from skxent._parallel import Workers, worker_threads
from skxent._typing import Array
from skxent.activations import Activation, Sigmoid, Softmax
from skxent.losses import Loss, check_shapes, resolve_loss
from skxent.objective import Objective, linear_scores
from skxent.solvers import sgd

__all__ = ["SigmoidRegressor", "SoftmaxRegressor"]

# Labels looked up at a time.
_CHUNK = 65_536


def _all_or_nothing(method: Callable[..., Any]) -> Callable[..., Any]:
    """Make a method leave its object as it was if it fails or is interrupted."""

    @functools.wraps(method)
    def all_or_nothing(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = vars(self).copy()
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return all_or_nothing


class _Targets(NamedTuple):
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


class _LinearClassifier(ClassifierMixin, CallbackSupportMixin, BaseEstimator):
    """What the two regressors share: everything but the targets and the predictions."""

    _activation: ClassVar[Activation]

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "loss": "no_validation",
        "alpha": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "solver": "no_validation",
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "shuffle": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        loss: str | Loss = "cross_entropy",
        *,
        alpha: float = 1e-4,
        fit_intercept: bool = True,
        solver: str = "lbfgs",
        max_iter: int = 1000,
        tol: float = 1e-6,
        batch_size: int = 100,
        learning_rate: float = 0.2,
        shuffle: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.shuffle = shuffle
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    # ---------------------------------------------------------------------------------------------- fitting

    @_all_or_nothing
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        coef_init: Any = None,
        intercept_init: Any = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. C-ordered float32 or float64 arrays and CSR matrices are used as they are, anything
            else is copied once.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels of any type, or a matrix: see the class.
        sample_weight : array-like of shape (n_samples,), optional
            How often each row counts.
        coef_init : array-like of shape (n_outputs, n_features), optional
            Coefficients to start from; zero by default, or the last fit's with `warm_start`.
        intercept_init : array-like of shape (n_outputs,), optional
            Intercepts to start from.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data, targets, weights, loss or solver cannot be used, or if the solver diverged; the message says
            what to do.
        """
        as_given = X
        X, y = self._validate(X, y, reset=True)
        targets = self._encode(y, X.dtype)
        solve, loss = self._resolve(targets)
        weight = self._weights(sample_weight, X, targets)
        w0 = self._start(X, targets, coef_init, intercept_init)
        rng = check_random_state(self.random_state)

        def attributes(w: Array) -> dict[str, Any]:
            return _fitted_attributes(w, targets, X.dtype)

        train, validation = self._hold_out(X, y, weight, targets, rng, w0, attributes)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        # Callbacks predict on X, so they get it with its feature names.
        fit_data = {"X": as_given, "y": y, "metadata": metadata}
        context = self._init_callback_context(max_subtasks=self.max_iter)
        context.call_on_fit_task_begin(estimator=self, **fit_data)
        monitor = Monitor(self, context, fit_data, attributes, validation)
        with worker_threads() as workers:
            objective = self._objective(
                _rows(X, train), _rows(targets.y, train), targets, _rows(weight, train), loss, workers
            )
            monitor.begin(w0)
            result = solve(objective, w0, callback=monitor, **self._options(solve, rng))
            monitor.close()
        self._warn_unless_converged(result)
        self.__dict__.update(attributes(result.w if validation is None else validation.best_w))
        self.n_iter_ = result.n_iter
        self.loss_curve_ = monitor.loss_curve
        self.validation_scores_ = None if validation is None else validation.scores
        context.call_on_fit_task_end(estimator=self, reconstruction_attributes={}, **fit_data)
        return self

    @_all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Take one pass of mini-batch gradient descent over these rows, whatever `solver` is.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, as in :meth:`fit`.
        classes : array-like of shape (n_classes,), optional
            All labels that will ever come. Needed in the first call, unless `y` is a matrix.
        sample_weight : array-like of shape (n_samples,), optional
            How often each row counts.

        Returns
        -------
        self : estimator
            The estimator after the pass.

        Raises
        ------
        ValueError
            If `classes` is missing at the first call or differs from the first call's, if `y` has
            labels outside it, if `X` is not finite, or if the weights diverged (they then stay as they were).
        """
        first = not hasattr(self, "coef_")
        X, y = self._validate(X, y, reset=first, check_finite=False)
        targets = self._encode(y, X.dtype, self._known_classes(classes, y, first))
        _, loss = self._resolve(targets)
        weight = self._weights(sample_weight, X, targets)
        w = self._zeros(X, targets) if first else self._current_weights(X, targets)
        if not hasattr(self, "_rng"):
            self._rng = check_random_state(self.random_state)
        with worker_threads() as workers:
            w = sgd.one_pass(
                self._objective(X, targets.y, targets, weight, loss, workers),
                w,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                rng=self._rng if self.shuffle else None,
            )
        if not np.isfinite(w).all():
            # A row that is not finite leaves no weights finite, so that a search for it before would only cost time.
            assert_all_finite(X, estimator_name=type(self).__name__, input_name="X")
            raise sgd.diverged(self.learning_rate)
        self.__dict__.update(_fitted_attributes(w, targets, w.dtype))
        self.n_iter_ = 1 if first else self.n_iter_ + 1
        return self

    def _validate(self, X: Any, y: Any, *, reset: bool, check_finite: bool = True) -> tuple[Any, Any]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            order="C",
            multi_output=True,
            ensure_all_finite=check_finite,
            reset=reset,
        )
        y = y.toarray() if hasattr(y, "toarray") else y
        return X, column_or_1d(y, warn=True) if y.ndim == 1 or y.shape[1] == 1 else y

    def _encode(self, y: Array, dtype: Any, classes: Array | None = None) -> _Targets:
        """Return the targets; with `classes` given, no others may occur."""
        if y.ndim == 2:
            return self._encode_matrix(_as_probabilities(y, dtype))
        found, labels = _classes_and_positions(y)
        if classes is None:
            classes = found
        else:
            labels = _positions(found, classes)[labels]
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes; y has only one class, {classes.tolist()[0]!r}."
            )
        return self._encode_labels(classes, labels, dtype)

    def _encode_matrix(self, y: Array) -> _Targets:
        raise NotImplementedError

    def _encode_labels(self, classes: Array, labels: Array, dtype: Any) -> _Targets:
        raise NotImplementedError

    def _resolve(self, targets: _Targets) -> tuple[Any, Loss]:
        """Return the solver and the loss, checked."""
        if self.solver not in solvers.available():
            raise ValueError(f"Unknown solver {self.solver!r}; known solvers: {', '.join(solvers.available())}.")
        loss = resolve_loss(self.loss)
        check_shapes(loss, self._activation.n_outcomes(targets.n_outputs))
        return solvers.load(self.solver), loss

    def _options(self, solve: Any, rng: np.random.RandomState) -> dict[str, Any]:
        """Return those of the estimator's parameters that the solver takes."""
        parameters = {**self.get_params(deep=False), "random_state": rng}
        return {name: parameters[name] for name in inspect.signature(solve).parameters if name in parameters}

    def _weights(self, sample_weight: Any, X: Any, targets: _Targets) -> Array | None:
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        if self.class_weight is None:
            return sample_weight
        if targets.labels is None:
            raise ValueError("class_weight needs class labels in y; for a matrix of targets use sample_weight.")
        by_class = compute_class_weight(
            self.class_weight,
            classes=targets.classes,
            y=targets.classes[targets.labels],
            sample_weight=sample_weight,
        )
        weight = by_class.astype(X.dtype)[targets.labels]
        return weight if sample_weight is None else weight * sample_weight

    def _zeros(self, X: Any, targets: _Targets) -> Array:
        return np.zeros((X.shape[1] + 1, targets.n_outputs), X.dtype)

    def _current_weights(self, X: Any, targets: _Targets) -> Array:
        """Return the weights of the last fit, if it was of the same problem."""
        w = np.vstack([self.coef_.T, self.intercept_]).astype(X.dtype)
        if w.shape != (X.shape[1] + 1, targets.n_outputs) or not np.array_equal(self.classes_, targets.classes):
            raise ValueError(
                f"The earlier fit had {w.shape[0] - 1} features and classes {self.classes_}; this one has "
                f"{X.shape[1]} and {targets.classes}. Fit a new estimator, or set warm_start=False."
            )
        return w

    def _start(self, X: Any, targets: _Targets, coef_init: Any, intercept_init: Any) -> Array:
        warm = self.warm_start and hasattr(self, "coef_")
        w = self._current_weights(X, targets) if warm else self._zeros(X, targets)
        for name, init, part in (
            ("coef_init", coef_init, w[:-1].T),
            ("intercept_init", intercept_init, w[-1]),
        ):
            if init is not None:
                init = check_array(init, dtype=w.dtype, ensure_2d=False, input_name=name)
                if init.shape != part.shape:
                    raise ValueError(f"{name} has shape {init.shape}; this model needs {part.shape}.")
                part[...] = init
        if not self.fit_intercept:
            w[-1] = 0
        return w

    def _hold_out(
        self, X: Any, y: Array, weight: Array | None, targets: _Targets, rng: Any, w0: Array, attributes: Any
    ) -> tuple[Any, Validation | None]:
        """Return the rows to train on, and the validation of the others if there is to be any."""
        if not self.early_stopping:
            return None, None
        try:
            train, test = train_test_split(
                np.arange(X.shape[0]),
                test_size=self.validation_fraction,
                stratify=targets.labels,
                random_state=rng,
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping=True cannot hold out validation_fraction={self.validation_fraction} of {X.shape[0]} "
                f"rows with some of each class on both sides: {error}. Change validation_fraction, add rows, or set "
                "early_stopping=False."
            ) from error
        X_test, y_test, test_weight = X[test], y[test], _rows(weight, test)
        probe = copy.copy(self)
        # The held-out rows are a plain array by now.
        probe.__dict__.pop("feature_names_in_", None)

        def score(w: Array) -> float:
            probe.__dict__.update(attributes(w))
            return float(probe.score(X_test, y_test, test_weight))

        return np.sort(train), Validation(score, self.n_iter_no_change, self.tol, w0)

    def _objective(
        self, X: Any, y: Array, targets: _Targets, weight: Array | None, loss: Loss, workers: Workers
    ) -> Objective:
        return Objective(
            X,
            y,
            loss=loss,
            activation=self._activation,
            n_outputs=targets.n_outputs,
            alpha=self.alpha,
            sample_weight=weight,
            fit_intercept=self.fit_intercept,
            workers=workers,
        )

    def _warn_unless_converged(self, result: Any) -> None:
        if not result.converged:
            warnings.warn(
                f"solver={self.solver!r} has not converged: {result.message}",
                ConvergenceWarning,
                stacklevel=6,
            )

    def _known_classes(self, classes: Any, y: Array, first: bool) -> Array | None:
        """Return the labels that `partial_fit` may meet; None where a matrix of targets says it."""
        if classes is not None:
            classes = np.unique(classes)
        if not first:
            if classes is not None and not np.array_equal(classes, self.classes_):
                raise ValueError(f"classes={classes} differs from the first call's, {self.classes_}.")
            return np.asarray(self.classes_)
        if classes is None and y.ndim == 1:
            raise ValueError("The first call to partial_fit needs classes: all labels that will ever come.")
        return classes

    # ------------------------------------------------------------------------------------------- predicting

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        winners = self._winners(X)
        predicted: Array = self.classes_[winners]
        return predicted

    def _winners(self, X: Any) -> Array:
        """Return the position of the most probable class of each row."""
        raise NotImplementedError

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True labels, or a matrix of targets as in :meth:`fit`.
        sample_weight : array-like of shape (n_samples,), optional
            How often each row counts.

        Returns
        -------
        float
            Share of the rows predicted right, with several units on all of them; its expectation where the targets
            are probabilities.
        """
        if np.ndim(y) < 2 or np.shape(y)[1] == 1:
            return float(super().score(X, y, sample_weight))
        check_is_fitted(self)
        if np.shape(y)[1] != len(self.classes_):
            raise ValueError(f"y has {np.shape(y)[1]} columns; this model has {len(self.classes_)} classes.")
        return float(np.average(self._chance_of_hit(X, np.asarray(y)), weights=sample_weight))

    def _chance_of_hit(self, X: Any, y: Array) -> Array:
        """Return the probability of each prediction being right if the targets are drawn from the rows of `y`."""
        chance: Array = np.take_along_axis(y, self._winners(X)[:, np.newaxis], axis=1)[:, 0]
        return chance

    def _scores(self, X: Any) -> Array:
        """Return the scores, of shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        w = np.vstack([self.coef_.T, self.intercept_])
        return linear_scores(X, w.astype(np.result_type(X.dtype, w.dtype), copy=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _rows(values: Any, rows: Array | None) -> Any:
    """Return some of the rows of an array, or all, without a copy, if `rows` is None."""
    return values if values is None or rows is None else values[rows]


def _fitted_attributes(w: Array, targets: _Targets, dtype: Any) -> dict[str, Any]:
    """Return what a fit that ends with weights `w` leaves behind."""
    return {
        "coef_": np.ascontiguousarray(w[:-1].T, dtype=dtype),
        "intercept_": w[-1].astype(dtype),
        "classes_": targets.classes,
        "_matrix_targets": targets.labels is None,
    }


def _as_probabilities(y: Array, dtype: Any) -> Array:
    """Return a matrix of targets as floats, checked to lie between 0 and 1."""
    try:
        y = np.asarray(y).astype(dtype)
    except ValueError:
        raise ValueError("y is a matrix but not of numbers; a matrix holds probabilities or 0 and 1.") from None
    outside = np.flatnonzero(((y < 0) | (y > 1)).any(axis=1))
    if len(outside):
        raise ValueError(f"Row {outside[0]} of y, {y[outside[0]]}, is not made of probabilities between 0 and 1.")
    return y


def _classes_and_positions(y: Array) -> tuple[Array, Array]:
    """Return the distinct labels, sorted, and the position of each row's among them."""
    position: Callable[[Array], Array]
    if y.dtype.kind in "iu" and int(y.max()) - int(y.min()) < len(y) // 2:
        classes, position = _tabulated(y)
    else:
        check_classification_targets(y)
        classes = np.unique(y)  # asking it for the inverse as well would take twice the memory
        position = classes.searchsorted
    positions = np.empty(len(y), _index_type(classes))
    for rows in gen_batches(len(y), _CHUNK):
        positions[rows] = position(y[rows])
    return classes, positions


def _tabulated(y: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Return distinct integers and a function from them to their positions; faster than sorting if they lie close."""
    low, high = y.min(), y.max()

    def offsets(labels: Array) -> Array:
        return np.subtract(labels, low, dtype=np.intp, casting="unsafe")

    present = np.zeros(int(high) - int(low) + 1, bool)
    for rows in gen_batches(len(y), _CHUNK):
        present[offsets(y[rows])] = True
    positions = np.cumsum(present) - 1
    return np.flatnonzero(present).astype(y.dtype) + low, lambda labels: positions[offsets(labels)]


def _positions(found: Array, classes: Array) -> Array:
    """Return the position of each of the labels found in the sorted `classes`."""
    positions = np.searchsorted(classes, found).clip(max=len(classes) - 1)
    unseen = found[classes[positions] != found]
    if len(unseen):
        raise ValueError(f"y has labels {unseen} that are not among the classes of the first call, {classes}.")
    return positions.astype(_index_type(classes))


def _index_type(classes: Array) -> np.dtype[Any]:
    """Return the smallest type of the positions of classes: eight bytes a row can be a fifth of narrow data."""
    return np.min_scalar_type(len(classes))


class SoftmaxRegressor(_LinearClassifier):
    r"""Softmax regression: a linear classifier with a softmax output and any loss.

    Minimises

    .. math::
        F(W, b) = \frac{1}{\sum_i w_i} \sum_i w_i\, L(y_i, \operatorname{softmax}(W x_i + b))
        + \frac{\alpha}{2} \lVert W \rVert^2 .

    With the cross-entropy this is multinomial logistic regression, the same model as
    :class:`sklearn.linear_model.LogisticRegression` with ``C = 1 / (alpha * n_samples)``.

    Parameters
    ----------
    loss : str or Loss, default="cross_entropy"
        ``"cross_entropy"``, ``"quadratic"``, the name of any registered :class:`~skxent.losses.Loss`, or an instance.
    alpha : float, default=1e-4
        Strength of the L2 penalty on the coefficients, relative to the mean loss: :math:`1/(C n)`.
    fit_intercept : bool, default=True
        Whether the scores have intercepts.
    solver : {"lbfgs", "sgd"}, default="lbfgs"
        ``"lbfgs"`` finds the optimum from the full data (:mod:`skxent.solvers.lbfgs`); ``"sgd"`` takes
        plain steps on mini-batches (:mod:`skxent.solvers.sgd`).
    max_iter : int, default=1000
        Iterations, or passes over the data with ``"sgd"``, at the most.
    tol : float, default=1e-6
        ``"lbfgs"`` stops when the last decrease and the one predicted for it are at most `tol` times the objective
        (or a hundredth of its start, if that is more, as with separable classes and no penalty);
        ``"sgd"`` when `n_iter_no_change` passes in a row have not lowered it by as much, in spite of shorter steps.
        With ``tol=0`` neither stops early, and steps keep their length.
    batch_size : int, default=100
        Rows in a mini-batch; at most all. Only for ``"sgd"`` and :meth:`partial_fit`.
    learning_rate : float, default=0.2
        Step length. Only for ``"sgd"`` and :meth:`partial_fit`. It suits features in [0, 1].
    shuffle : bool, default=True
        Whether to draw the mini-batches anew for each pass. Only for ``"sgd"`` and :meth:`partial_fit`.
    class_weight : dict, "balanced" or None, default=None
        Factors on the sample weights by class.
    early_stopping : bool, default=False
        Whether to hold out part of the rows, score it after each iteration, stop when that no longer improves, and keep
        the best weights.
    validation_fraction : float, default=0.1
        Share of the rows held out. Only with `early_stopping`.
    n_iter_no_change : int, default=5
        Iterations without progress that end the fit. Only for ``"sgd"`` or with `early_stopping`.
    warm_start : bool, default=False
        Whether to start from the last fit's weights.
    random_state : int, RandomState or None, default=None
        Draws mini-batches and held-out rows. ``"lbfgs"`` alone has no randomness.
    verbose : int, default=0
        Whether to print the objective after each iteration.

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_features)
        Coefficients, in the dtype of the data, float32 or float64.
    intercept_ : ndarray of shape (n_classes,)
        Intercepts.
    classes_ : ndarray of shape (n_classes,)
        Class labels; 0, 1, … for a matrix of targets.
    n_iter_ : int
        Iterations or passes run. On much data the first iteration of ``"lbfgs"`` is a start on a sample of the rows,
        and later ones may be leaps of some dozen steps each.
    loss_curve_ : list of float
        Objective after each iteration or pass, in nats for the cross-entropy.
    validation_scores_ : list of float or None
        Accuracy on the held-out rows after each iteration or pass.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if they had any.

    See Also
    --------
    SigmoidRegressor : One sigmoid unit for each class.

    Notes
    -----
    A matrix `y` of shape (n_samples, n_classes) holds soft labels: each row a distribution over the classes. It fits
    as if each row stood there once for each class with that weight.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skxent import SoftmaxRegressor
    >>> X, y = load_digits(return_X_y=True)
    >>> model = SoftmaxRegressor(alpha=1e-3).fit(X, y)
    >>> round(model.score(X, y), 2)
    1.0
    """

    _activation = Softmax()

    def _encode_matrix(self, y: Array) -> _Targets:
        off = np.flatnonzero(np.abs(y.sum(axis=1) - 1) > 1e-5)
        if len(off):
            raise ValueError(
                f"Row {off[0]} of y sums to {y[off[0]].sum():.6g}; soft labels are distributions and sum to 1. "
                "For independent labels use SigmoidRegressor."
            )
        return _Targets(np.arange(y.shape[1]), y, y.shape[1], None)

    def _encode_labels(self, classes: Array, labels: Array, dtype: Any) -> _Targets:
        return _Targets(classes, labels, len(classes), labels)

    def decision_function(self, X: Any) -> Array:
        """Return the scores.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Scores; for two classes the second's minus the first's, the log-odds of the second class.
        """
        z = self._scores(X)
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z

    def _winners(self, X: Any) -> Array:
        winners: Array = self._scores(X).argmax(axis=1)
        return winners

    def predict_log_proba(self, X: Any) -> Array:
        """Return the log-probabilities of the classes, in nats.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities, accurate also where a probability underflows.
        """
        return self._activation.log_probabilities(self._scores(X))

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities; each row sums to 1.
        """
        return self._activation.probabilities(self._scores(X))


class SigmoidRegressor(_LinearClassifier):
    r"""One sigmoid unit for each class, each its own two-outcome problem, with any loss.

    Minimises

    .. math::
        F(W, b) = \frac{1}{\sum_i w_i} \sum_i w_i \sum_k L\bigl((y_{ik}, 1 - y_{ik}), (a_{ik}, 1 - a_{ik})\bigr)
        + \frac{\alpha}{2} \lVert W \rVert^2, \qquad a_{ik} = \sigma(W_k x_i + b_k) .

    A unit's output :math:`a` is one of the two probabilities that the loss sees, so that the quadratic loss of a unit
    is :math:`(a - y)^2`, twice the :math:`\tfrac12 (a - y)^2` of some textbooks: halve their learning rate.

    Parameters
    ----------
    loss : str or Loss, default="cross_entropy"
        As in :class:`SoftmaxRegressor`, like all further parameters.

    Attributes
    ----------
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients. Two classes share one unit, that of the second; otherwise each class has its own.
    intercept_ : ndarray of shape (n_outputs,)
        Intercepts.
    classes_ : ndarray of shape (n_classes,)
        Class labels; 0, 1, … for a matrix of targets.

    See Also
    --------
    SoftmaxRegressor : One distribution over all classes; describes all parameters and attributes.

    Notes
    -----
    A matrix `y` of shape (n_samples, n_outputs) holds the targets of each unit, 0 and 1 for multilabel problems or any
    probabilities between. Predictions then are such a matrix as well, and the probabilities are those of the units.
    With three or more classes the units' outputs are divided by their sum to make a distribution.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skxent import SigmoidRegressor
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = SigmoidRegressor().fit(X, y)
    >>> model.coef_.shape
    (1, 30)
    """

    _activation = Sigmoid()

    def _encode_matrix(self, y: Array) -> _Targets:
        return _Targets(np.arange(y.shape[1]), y, y.shape[1], None)

    def _encode_labels(self, classes: Array, labels: Array, dtype: Any) -> _Targets:
        if len(classes) == 2:
            return _Targets(classes, labels.astype(dtype)[:, np.newaxis], 1, labels)
        return _Targets(classes, labels, len(classes), labels)

    def decision_function(self, X: Any) -> Array:
        """Return the scores, the log-odds of each unit.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), or (n_samples,) for two classes
            Scores.
        """
        z = self._scores(X)
        return z if self._matrix_targets or z.shape[1] > 1 else z[:, 0]

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row, or which units are on.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_outputs) after a fit on a matrix
            Class labels, or 0 and 1.
        """
        check_is_fitted(self)
        if self._matrix_targets:
            return (self._scores(X) > 0).astype(int)
        return super().predict(X)

    def _winners(self, X: Any) -> Array:
        z = self._scores(X)
        winners: Array = z.argmax(axis=1) if z.shape[1] > 1 else (z[:, 0] > 0).astype(int)
        return winners

    def _chance_of_hit(self, X: Any, y: Array) -> Array:
        if not self._matrix_targets:
            return super()._chance_of_hit(X, y)
        chance: Array = np.where(self._scores(X) > 0, y, 1 - y).prod(axis=1)
        return chance

    def predict_log_proba(self, X: Any) -> Array:
        """Return the log-probabilities of the classes, in nats.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities, accurate also where a probability underflows.
        """
        z = self._scores(X)
        if z.shape[1] == 1 and not self._matrix_targets:
            return self._activation.log_probabilities(np.hstack([-z, z]))
        log_a = self._activation.log_probabilities(z)
        return log_a if self._matrix_targets else Softmax().log_probabilities(log_a)

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities; each row sums to 1 except after a fit on a matrix.
        """
        return np.exp(self.predict_log_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
