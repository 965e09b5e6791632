"""What the two classifiers share: parameters, validation, the fit; nothing about their outputs."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable
from functools import partial, wraps
from numbers import Integral, Real
from types import FunctionType
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import check_scoring
from sklearn.utils import assert_all_finite, check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from skxent._labels import plain_labels
from skxent._parallel import worker_threads
from skxent._sklearn import (
    CallbackSupportMixin,
    Estimator,
    Interval,
    NamedParts,
    StrOptions,
    all_or_nothing,
    check_sample_weight,
    fit_context,
    with_callbacks,
)
from skxent._typing import Array
from skxent.linear_model._crossfit import crossfit
from skxent.linear_model._monitor import Monitor, Validation
from skxent.linear_model._objective import Objective
from skxent.linear_model._outputs import Output
from skxent.linear_model._problem import Problem
from skxent.linear_model._targets import (
    Targets,
    as_probabilities,
    class_weights,
    classes_and_positions,
    hold_out,
    positions_in,
    widened,
)
from skxent.linear_model.solvers import SOLVERS, Solver, resolve_solver
from skxent.linear_model.solvers._sgd import divergence_error, one_pass
from skxent.linear_model.solvers._solver import checked_result
from skxent.losses import LOSSES, Loss, check_purity, check_shapes, normalized, resolve_loss
from skxent.rows import Part, Rows, logits_in_blocks, on_parts, opened, refuse_lazy, rows_of, subset

__all__ = ["LinearClassifier", "by_blocks", "fitted_attributes"]

# Tolerance of fits that only predict other rows, as the `path_tol` of a cross-validation.
_CROSSFIT_TOL = 1e-3


def by_blocks(method: Callable[[Any, Any], Array]) -> Callable[[Any, Any], Any]:
    """Make a method that maps rows to predictions map data that are not in memory to those of their blocks."""

    @wraps(method)
    def mapped(self: Any, X: Any) -> Any:
        source = opened(X, maps=False)
        if source is None:
            refuse_lazy(X=X)
            return method(self, X)
        source, model = self._for_blocks(source)
        return source.map(getattr(model, method.__name__))

    return mapped


class LinearClassifier(NamedParts, ClassifierMixin, CallbackSupportMixin, Estimator):
    """What the two regressors share: everything but the targets and the predictions."""

    _output: ClassVar[Output]
    _parts: ClassVar[dict[str, Any]] = {"loss": LOSSES, "solver": SOLVERS}

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
        "calibrated": ["boolean"],
        "early_stopping": ["boolean"],
        "scoring": [str, callable, None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" not in vars(cls):
            # A copy under the subclass's name, so that errors about its arguments name the class that was called.
            init: Any = cls.__init__
            copied = FunctionType(init.__code__, init.__globals__, "__init__", init.__defaults__, init.__closure__)
            copied.__kwdefaults__ = init.__kwdefaults__
            copied.__annotations__ = init.__annotations__
            copied.__qualname__ = f"{cls.__qualname__}.__init__"
            cls.__init__ = copied  # type: ignore[method-assign]

    def __init__(
        self,
        loss: str | Loss = "cross_entropy",
        *,
        alpha: float = 1e-4,
        fit_intercept: bool = True,
        solver: str | Solver = "lbfgs",
        max_iter: int = 1000,
        tol: float = 1e-6,
        batch_size: int = 100,
        learning_rate: float = 0.2,
        shuffle: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        calibrated: bool = False,
        early_stopping: bool = False,
        scoring: Any = None,
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
        self.calibrated = calibrated
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    # ---------------------------------------------------------------------------------------------- fitting

    @all_or_nothing
    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        coef_init: Any = None,
        intercept_init: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix, source} of shape (n_samples, n_features)
            Training data. C-ordered float32 or float64 arrays and CSR matrices are used as they are, anything
            else is copied once. Memory maps, Zarr arrays, lazy frames and the sources of :mod:`skxent.rows` are read
            block by block in each pass, if they have more than 256 MB. Arrays and frames of Dask stay on its workers,
            and `y` and `sample_weight` may be Dask's, too.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or str
            Class labels, all text or all numbers, booleans or dates; or a matrix: see the class. Of a source with named
            columns, the name of one; None if the source has the targets itself.
        sample_weight : array-like of shape (n_samples,) or str, optional
            How often each row counts. Of a source with named columns, the name of one.
        coef_init : array-like of shape (n_outputs, n_features), optional
            Coefficients to start from; zero by default, or the last fit's with `warm_start`.
        intercept_init : array-like of shape (n_outputs,), optional
            Intercepts to start from.
        X_val : {array-like, sparse matrix} of shape (n_validation_samples, n_features), optional
            Validation data, scored after each iteration. With `early_stopping` they are used instead of rows held out
            from `X`; without it they are only recorded.
        y_val : array-like of shape (n_validation_samples,) or (n_validation_samples, n_outputs), optional
            Their targets, as `y`.
        sample_weight_val : array-like of shape (n_validation_samples,), optional
            Their weights.

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
        as_given, in_blocks = X, y is None or isinstance(y, str)
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=True, check_finite=False)
        targets = self._encode(y, X.dtype)
        targets = widened(targets) if in_blocks else targets
        solver, loss = self._resolve(targets)
        weight = self._weights(sample_weight, X, targets)
        w0 = self._start(X, targets, coef_init, intercept_init)
        rng = check_random_state(self.random_state)

        def attributes(w: Array) -> dict[str, Any]:
            return fitted_attributes(self._output.centred(w), targets, X.dtype)

        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        # Callbacks predict on X, so they get it with its feature names.
        fit_data = {"X": as_given, "y": y, "metadata": metadata}
        context = self._init_callback_context(max_subtasks=self.max_iter)
        with worker_threads() as workers:
            rows = rows_of(X, targets.y, weight, n_outputs=targets.n_outputs, workers=workers)
            if not rows.surely_finite():
                self._check_finite(X)
            train, validation_rows = self._split(rows, y, targets, rng, (X_val, y_val, sample_weight_val))
            context.call_on_fit_task_begin(estimator=self, **fit_data)
            loss = self._adapted(loss, train, targets, solver, rng)
            validation = self._validation(loss, validation_rows, w0, attributes)
            monitor = Monitor(self, context, fit_data, attributes, validation)
            monitor.begin(w0)
            objective = Objective(self._problem(loss), train)
            solved = solver.solve(objective, w0, callback=monitor, **self._options(solver, rng))
            result = checked_result(solver, solved)
            monitor.close()
        self._warn_unless_converged(result)
        w = result.w if validation is None or not self.early_stopping else validation.best_w
        self.__dict__.update(attributes(w))
        self.loss_ = loss
        self.n_iter_ = result.n_iter
        self.optimality_ = getattr(result, "optimality", float("nan"))
        self.loss_curve_ = monitor.loss_curve
        self.validation_scores_ = None if validation is None else validation.scores
        self.learning_curve_ = monitor.learning_curve()
        context.call_on_fit_task_end(estimator=self, reconstruction_attributes={}, **fit_data)
        return self

    def _may_stream(self) -> bool:
        """Return whether rows may come bit by bit; raise the reason if not, so that there is no `partial_fit`."""
        try:
            loss = resolve_loss(self.loss)
        except (TypeError, ValueError):
            return True  # partial_fit says what is wrong
        if loss.needs_all_rows:
            raise AttributeError(
                f"{type(self).__name__} has no partial_fit with loss={loss!r}, which looks at all rows before the fit. "
                "Use fit, or a loss that needs no such look, such as ForwardCorrection with a given matrix."
            )
        return True

    @available_if(_may_stream)
    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, sample_weight: Any = None) -> Self:
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
            labels outside it, if `X` is not finite, if the weights diverged (they then stay as they were), or if
            `early_stopping` or ``class_weight="balanced"`` is set, which need all rows at once.

        Notes
        -----
        A row's weight scales its step: a batch's gradient is the sum of the weighted gradients of its rows divided by
        their number. So a weight counts for a row that comes alone, too. In :meth:`fit` weights are relative.
        """
        self._check_streaming()
        first = not hasattr(self, "coef_")
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=first, check_finite=False)
        targets = self._encode(y, X.dtype, self._known_classes(classes, y, first))
        _, loss = self._resolve(targets)
        weight = self._weights(sample_weight, X, targets)
        self._check_loss(loss, targets)
        w = self._zeros(X, targets) if first else self._current_weights(X, targets, "Use a new estimator.")
        if not hasattr(self, "_rng"):
            self._rng = check_random_state(self.random_state)
        with worker_threads() as workers:
            rows = rows_of(X, targets.y, weight, n_outputs=targets.n_outputs, workers=workers)
            w = one_pass(
                Objective(self._problem(loss), rows, total_weight=float(rows.n_rows)),
                w,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                rng=self._rng if self.shuffle else None,
            )
        if not np.isfinite(w).all():
            # A row that is not finite makes the weights so too. It is searched for only then, which saves time.
            self._check_finite(X)
            raise divergence_error(self.learning_rate)
        self.__dict__.update(fitted_attributes(w, targets, w.dtype))
        self.loss_ = loss
        self.n_iter_ = 1 if first else self.n_iter_ + 1
        return self

    def _check_streaming(self) -> None:
        """Check that no parameter is set that needs all rows at once."""
        if self.early_stopping:
            raise ValueError(
                "early_stopping=True is not supported by partial_fit, which sees no data to hold out. Score held-out "
                "rows yourself between calls, or use fit."
            )
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported by partial_fit, which does not know how frequent the classes "
                "are. Compute it on a large sample (sklearn.utils.class_weight.compute_class_weight) and pass the dict."
            )

    def _validate(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool, check_finite: bool = True
    ) -> tuple[Any, Any, Any]:
        source = opened(X, y, sample_weight)
        if source is not None:
            return self._validate_source(source, _unless_named(y), _unless_named(sample_weight), reset=reset)
        refuse_lazy(X=X, y=y)
        with np.errstate(invalid="ignore"):  # the sum of huge numbers that scikit-learn looks at
            X, y = validate_data(
                self,
                X,
                plain_labels(y),
                accept_sparse="csr",
                dtype=[np.float64, np.float32],
                order="C",
                multi_output=True,
                ensure_all_finite=check_finite,
                reset=reset,
            )
        return X, self._dense_targets(y), sample_weight

    def _check_finite(self, X: Any) -> None:
        """Check each entry. It takes as long as an evaluation of narrow data, so sums are looked at first."""
        with np.errstate(invalid="ignore"):
            assert_all_finite(X, estimator_name=type(self).__name__, input_name="X")

    def _validate_source(self, source: Any, y: Any, sample_weight: Any, *, reset: bool) -> tuple[Any, Any, Any]:
        """Return data that are not in memory, or were not, with their targets and weights."""
        validate_data(self, source.header(), reset=reset, skip_check_array=True)
        X, y, sample_weight = source.checked(y, sample_weight)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None, and {source} has none."
            )
        return X, self._dense_targets(y), sample_weight

    def _dense_targets(self, y: Any) -> Any:
        y = y.toarray() if hasattr(y, "toarray") else y
        if hasattr(y, "distinct"):  # on workers, which have checked it
            return y.flat() if y.width == 1 and not y.add(self._is_matrix) else y
        return y if self._is_matrix(y) else column_or_1d(y, warn=True)

    def to_logistic_regression(self) -> LogisticRegression:
        """Return a fitted :class:`sklearn.linear_model.LogisticRegression` with the same predictions.

        For tools that know scikit-learn's own classes, such as converters to ONNX or PMML and SHAP. Only its
        predictions are meant to be used: its `C` is the default one.

        Returns
        -------
        LogisticRegression
            Its ``predict``, ``predict_proba`` and ``decision_function`` are those of this model, up to rounding.

        Raises
        ------
        ValueError
            If the model was fitted on a matrix of targets, has `calibrated` set, or is of sigmoid units for more than
            two classes: no LogisticRegression has these predictions.
        """
        check_is_fitted(self)
        self._check_logistic()
        coef, intercept = self._two_class_coefficients() if len(self.classes_) == 2 else (self.coef_, self.intercept_)
        copied = LogisticRegression(fit_intercept=self.fit_intercept, max_iter=self.max_iter, tol=self.tol)
        copied.classes_ = self.classes_.copy()
        copied.coef_, copied.intercept_ = coef.copy(), intercept.copy()
        copied.n_iter_ = np.array([self.n_iter_], np.int32)
        copied.n_features_in_ = self.n_features_in_
        if hasattr(self, "feature_names_in_"):
            copied.feature_names_in_ = self.feature_names_in_
        return copied

    def _two_class_coefficients(self) -> tuple[Array, Array]:
        """Return the coefficients and the intercept of the log-odds of the second of two classes."""
        raise NotImplementedError

    def _check_logistic(self) -> None:
        """Check that a LogisticRegression can have the same predictions."""
        if self._matrix_targets or self.calibrated:
            what = "calibrated=True" if self.calibrated else "a matrix of targets"
            raise ValueError(f"no LogisticRegression has the predictions of a model with {what}.")

    def _is_matrix(self, y: Array) -> bool:
        """Return whether targets are a matrix of probabilities rather than labels, of which a column is accepted."""
        return y.ndim == 2 and y.shape[1] > 1

    def _encode(self, y: Array, dtype: Any, classes: Array | None = None) -> Targets:
        """Return the targets; with `classes` given, no others may occur."""
        if hasattr(y, "distinct"):
            return self._encode_on_workers(y, dtype, classes)
        if y.ndim == 2:
            return self._encode_matrix(as_probabilities(y, dtype))
        found, labels = classes_and_positions(y, known=classes is not None)
        if classes is None:
            classes = found
        else:
            labels = positions_in(found, classes)[labels]
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes; y has only one class, {classes.tolist()[0]!r}."
            )
        return self._encode_labels(classes, labels, dtype)

    def _encode_on_workers(self, y: Any, dtype: Any, classes: Array | None) -> Targets:
        """Return targets that stay where they are."""
        if y.ndim == 1 and classes is None:
            classes = y.distinct()
        # Two rows of each class, to learn the shape of the targets, or to raise the error about a single class. Of one
        # row of each scikit-learn would warn.
        alike = self._encode(np.eye(y.shape[1]) if y.ndim == 2 else np.repeat(np.asarray(classes), 2), dtype)
        encode, labels = clone(self)._encode, None
        if alike.labels is not None:
            labels = y.map(lambda part: encode(part, dtype, classes).labels)
        return Targets(alike.classes, y.map(lambda part: encode(part, dtype, classes).y), alike.n_outputs, labels)

    def _encode_matrix(self, y: Array) -> Targets:
        raise NotImplementedError

    def _encode_labels(self, classes: Array, labels: Array, dtype: Any) -> Targets:
        raise NotImplementedError

    def _resolve(self, targets: Targets) -> tuple[Any, Loss]:
        """Return the solver and the loss."""
        return resolve_solver(self.solver), resolve_loss(self.loss)

    def _check_loss(self, loss: Loss, targets: Targets) -> None:
        n_outcomes = self._output.n_outcomes(targets.n_outputs)
        check_shapes(loss, n_outcomes)
        check_purity(loss, n_outcomes)
        if self.calibrated:
            loss.true_probabilities(np.full((1, n_outcomes), 1 / n_outcomes))
            self._check_class_weight(loss, targets.classes)

    def _check_class_weight(self, loss: Loss, classes: Array) -> None:
        """Check that predictions can be corrected for the weights of the classes."""
        if self.class_weight is not None and hasattr(loss, "transition"):
            raise ValueError(
                "calibrated=True cannot undo class_weight with a loss that corrects labels: the weights are those "
                "of the labels given, not of the true ones. Set class_weight=None."
            )
        for lost in classes[self.class_weight_ == 0][:1].tolist():
            raise ValueError(f"calibrated=True cannot undo the class_weight of {lost!r}, which is 0.")

    def _adapted(self, loss: Loss, rows: Rows, targets: Targets, solver: Any, rng: np.random.RandomState) -> Loss:
        """Return the loss to fit with, checked, after its look at the data if it takes one."""

        def minimise(objective: Objective) -> Array:
            w0 = np.zeros((rows.n_features + 1, rows.n_outputs), rows.dtype)
            options = {**self._options(solver, rng), "tol": max(self.tol, _CROSSFIT_TOL)}
            result = checked_result(solver, solver.solve(objective, w0, callback=lambda w, value: False, **options))
            self._warn_unless_converged(result)
            w: Array = result.w
            return w

        def crossfit_with(other: Loss) -> tuple[Array, Array]:
            self._check_loss(other, targets)
            return crossfit(self._problem(other), rows, minimise)

        loss = loss.adapted(crossfit_with)
        self._check_loss(loss, targets)
        return loss

    def _problem(self, loss: Loss) -> Problem:
        return Problem(loss, self._output, self._penalty(), self.fit_intercept)

    def _penalty(self) -> float:
        """Return the strength of the penalty."""
        return self.alpha

    def _options(self, solver: Any, rng: np.random.RandomState) -> dict[str, Any]:
        """Return those of the estimator's parameters that the solver takes."""
        parameters = {**self.get_params(deep=False), "random_state": rng}
        return {name: parameters[name] for name in inspect.signature(solver.solve).parameters if name in parameters}

    def _weights(self, sample_weight: Any, X: Any, targets: Targets) -> Array | None:
        if sample_weight is not None:
            sample_weight = _checked_weight(sample_weight, X)
        self.class_weight_ = np.ones(len(targets.classes))
        weight = sample_weight
        if self.class_weight is not None:
            self.class_weight_ = class_weights(self.class_weight, targets, sample_weight)
            factors = self.class_weight_.astype(X.dtype)
            weight = on_parts(partial(_weight_by_class, factors), targets.labels, sample_weight)
        if weight is not None and not weight.any():
            raise ValueError("all weights are 0, so that no row counts; check sample_weight and class_weight.")
        return weight

    def _zeros(self, X: Any, targets: Targets) -> Array:
        return np.zeros((X.shape[1] + 1, targets.n_outputs), X.dtype)

    def _current_weights(self, X: Any, targets: Targets, advice: str) -> Array:
        """Return the weights of the last fit, if it was of the same problem."""
        w = np.vstack([self.coef_.T, self.intercept_]).astype(X.dtype)
        if w.shape != (X.shape[1] + 1, targets.n_outputs) or not np.array_equal(self.classes_, targets.classes):
            raise ValueError(
                f"The earlier fit had {w.shape[0] - 1} features and classes {self.classes_}; this one has "
                f"{X.shape[1]} and {targets.classes}. {advice}"
            )
        return w

    def _start(self, X: Any, targets: Targets, coef_init: Any, intercept_init: Any) -> Array:
        warm = self.warm_start and hasattr(self, "coef_")
        advice = "Fit a new estimator, or set warm_start=False."
        w = self._current_weights(X, targets, advice) if warm else self._zeros(X, targets)
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

    def _split(
        self, rows: Rows, y: Array, targets: Targets, rng: Any, given: tuple[Any, Any, Any]
    ) -> tuple[Rows, tuple[Rows, Array] | None]:
        """Return the rows to train on; and those to validate on with their targets as the user has them, or None."""
        if any(part is not None for part in given):
            return rows, self._given_validation(rows, targets, *given)
        if not self.early_stopping:
            return rows, None
        weight = np.concatenate(list(rows.without_features().each(Part.weights))) if rows.weighted else None
        train, test = hold_out(targets, weight, rows.n_rows, self.validation_fraction, rng)
        return subset(rows, train), (subset(rows, test), y[test])

    def _given_validation(self, rows: Rows, targets: Targets, X: Any, y: Any, sample_weight: Any) -> tuple[Rows, Array]:
        """Return validation data given by the user."""
        if X is None or y is None:
            raise ValueError(f"{'X_val' if X is None else 'y_val'} is missing; give X_val and y_val together.")
        try:
            X, y, sample_weight = self._validate(X, y, sample_weight, reset=False)
            X = X.astype(rows.dtype, copy=False)
            encoded = self._encode(y, X.dtype, None if targets.labels is None else targets.classes)
            sample_weight = None if sample_weight is None else _checked_weight(sample_weight, X)
        except ValueError as error:
            raise ValueError(f"In X_val, y_val or sample_weight_val: {error}") from error
        if encoded.n_outputs != targets.n_outputs:
            raise ValueError(f"y_val has {encoded.n_outputs} outputs; y has {targets.n_outputs}.")
        return rows_of(X, encoded.y, sample_weight, n_outputs=encoded.n_outputs, workers=rows.workers), y

    def _validation(
        self, loss: Loss, held_out: tuple[Rows, Array] | None, w0: Array, attributes: Any
    ) -> Validation | None:
        """Return what scores the weights after each iteration on held-out rows, if there are any."""
        if held_out is None:
            return None
        rows, y = held_out
        patience = self.n_iter_no_change if self.early_stopping else np.inf
        if self.scoring is None:
            objective = Objective(Problem(loss, self._output), rows)
            return Validation(lambda w: -objective.value(w), patience, self.tol, w0)
        if rows.n_rows * rows.bytes_per_row > rows.sample_bytes and not rows.resident:
            raise ValueError(
                f"scoring={self.scoring!r} needs the {rows.n_rows} rows held out in memory, which is more than "
                f"{rows.sample_bytes:.0f} bytes. Lower validation_fraction, or use scoring=None."
            )
        part = rows.take(slice(0, rows.n_rows))
        weight = {} if part.weight is None else {"sample_weight": part.weight}
        probe = copy.copy(self)
        # The held-out rows are a plain array by now.
        probe.__dict__.pop("feature_names_in_", None)
        probe.loss_ = loss
        scorer = check_scoring(probe, self.scoring)

        def score(w: Array) -> float:
            probe.__dict__.update(attributes(w))
            value = scorer(probe, part.X, y, **weight)
            if not isinstance(value, Real) or np.isnan(float(value)):
                raise ValueError(
                    f"scoring={self.scoring!r} gave {value!r} for the {rows.n_rows} validation rows; it must give a "
                    "number. Some scores need rows of each class: give X_val and y_val, or raise validation_fraction."
                )
            return float(value)

        return Validation(score, patience, self.tol, w0)

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
            classes = np.unique(plain_labels(classes, "classes"))
        if not first:
            if classes is not None and not np.array_equal(classes, self.classes_):
                raise ValueError(f"classes={classes} differs from the first call's, {self.classes_}.")
            return np.asarray(self.classes_)
        if classes is None and y.ndim == 1:
            raise ValueError("The first call to partial_fit needs classes: all labels that will ever come.")
        return classes

    # ------------------------------------------------------------------------------------------- predicting

    @by_blocks
    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, source} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels. Of a source, an iterator over those of its blocks.
        """
        winners = self._winners(X)
        predicted: Array = self.classes_[winners]
        return predicted

    def _winners(self, X: Any) -> Array:
        """Return the position of the most probable class of each row."""
        raise NotImplementedError

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or str
            True labels, or a matrix of targets as in :meth:`fit`.
        sample_weight : array-like of shape (n_samples,) or str, optional
            How often each row counts; as in :meth:`fit`.

        Returns
        -------
        float
            Share of the rows predicted right, with several units on all of them; its expectation where the targets
            are probabilities.
        """
        check_is_fitted(self)
        source = opened(X, y, sample_weight, maps=False)
        if source is not None:
            return self._score_of_blocks(source, _unless_named(y), _unless_named(sample_weight))
        refuse_lazy(X=X, y=y, sample_weight=sample_weight)
        y = y.toarray() if hasattr(y, "toarray") else plain_labels(y)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, y, ensure_non_negative=True)
        if not self._is_matrix(np.asarray(y)):
            return float(super().score(X, y, sample_weight))
        y = as_probabilities(check_array(y, input_name="y"), np.float64)
        check_consistent_length(X, y)
        if y.shape[1] != self.coef_.shape[0]:
            raise ValueError(f"y has {y.shape[1]} columns; this model has {self.coef_.shape[0]} outputs.")
        return float(np.average(self._chance_of_hit(X, y), weights=sample_weight))

    def _score_of_blocks(self, source: Any, y: Any, sample_weight: Any) -> float:
        """Return the accuracy on data that are not in memory."""
        source, model = self._for_blocks(source)
        return float(source.mean(model.score, y, sample_weight))

    def _for_blocks(self, source: Any) -> tuple[Any, Self]:
        """Return a source and a model to predict its blocks, which are arrays without names, having checked both."""
        check_is_fitted(self)
        validate_data(self, source.header(), reset=False, skip_check_array=True)
        model = copy.copy(self)
        model.__dict__.pop("feature_names_in_", None)
        return source, model

    def _chance_of_hit(self, X: Any, y: Array) -> Array:
        """Return the probability of each prediction being right if the targets are drawn from the rows of `y`."""
        chance: Array = np.take_along_axis(y, self._winners(X)[:, np.newaxis], axis=1)[:, 0]
        return chance

    @property
    def transition_(self) -> Array:
        """Noise matrix of the loss fitted with, given or estimated, if it has one."""
        check_is_fitted(self)
        if not hasattr(self.loss_, "transition"):
            raise AttributeError(f"loss={self.loss_!r} has no noise matrix; ForwardCorrection has one.")
        transition: Array = self.loss_.transition
        return transition

    def _without_class_weight(self, p: Array) -> Array:
        """Return the probabilities of the classes in data in which each counts once."""
        return normalized(p / self.class_weight_.astype(p.dtype))

    def _logits(self, X: Any) -> Array:
        """Return the logits, of shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        with np.errstate(invalid="ignore"):  # the sum of huge numbers that scikit-learn looks at
            X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        w = np.vstack([self.coef_.T, self.intercept_])
        with worker_threads() as workers:
            return logits_in_blocks(X, w.astype(np.result_type(X.dtype, w.dtype), copy=False), workers)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _unless_named(values: Any) -> Any:
    """Return targets or weights that are not the name of a column."""
    return None if isinstance(values, str) else values


def _checked_weight(sample_weight: Any, X: Any) -> Any:
    """Return the weights of the rows of X, in its dtype and where it is."""
    check = partial(check_sample_weight, dtype=X.dtype, ensure_non_negative=True)
    if hasattr(X, "column"):
        check_part = partial(check, allow_all_zero_weights=True)
        return sample_weight.map(lambda weight: check_part(weight, weight))
    refuse_lazy(sample_weight=sample_weight)
    return check(sample_weight, X)


def _weight_by_class(factors: Array, labels: Array, sample_weight: Array | None) -> Array:
    return factors[labels] if sample_weight is None else factors[labels] * sample_weight


def fitted_attributes(w: Array, targets: Targets, dtype: Any) -> dict[str, Any]:
    """Return what a fit that ends with weights `w` leaves behind."""
    return {
        "coef_": np.ascontiguousarray(w[:-1].T, dtype=dtype),
        "intercept_": w[-1].astype(dtype),
        "classes_": targets.classes,
        "_matrix_targets": targets.labels is None,
    }
