"""The two classifiers with a penalty chosen by cross-validation along a path of penalties."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv
from sklearn.utils import check_array, check_random_state

from skxent._parallel import ONE_THREAD, worker_threads
from skxent._sklearn import Interval, all_or_nothing, fit_context
from skxent._typing import Array
from skxent.linear_model._classifier import fitted_attributes
from skxent.linear_model._coordinates import deviations
from skxent.linear_model._curvature import is_proper
from skxent.linear_model._estimators import SigmoidRegressor, SoftmaxRegressor
from skxent.linear_model._objective import Objective, total_weight_of
from skxent.linear_model._problem import Problem
from skxent.linear_model.solvers import Solver
from skxent.losses import Loss
from skxent.rows import Rows, rows_of, subset

__all__ = ["SigmoidRegressorCV", "SoftmaxRegressorCV"]

# Powers of ten between the median variance of a column and the least penalty of a path.
_DECADES = 6


class _Path(NamedTuple):
    """What one fold says of each penalty.

    Attributes
    ----------
    weights : ndarray of shape (n_alphas, n_features + 1, n_outputs)
        Weights found on the rows to train on.
    scores : ndarray of shape (n_alphas,)
        Scores on the held-out rows.
    messages : list of str
        Messages of fits that have not converged.
    """

    weights: Array
    scores: Array
    messages: list[str]


class _CrossValidated:
    """Mixin that puts a choice of `alpha` before the fit."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **{
            name: constraint
            for name, constraint in SoftmaxRegressor._parameter_constraints.items()
            if name not in ("alpha", "early_stopping", "validation_fraction", "warm_start")
        },
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "cv": ["cv_object"],
        "path_tol": [*SoftmaxRegressor._parameter_constraints["tol"]],
        "n_jobs": [Integral, None],
    }

    early_stopping = False
    warm_start = False

    def __init__(
        self,
        loss: str | Loss = "cross_entropy",
        *,
        alphas: Any = 10,
        cv: Any = None,
        scoring: Any = None,
        path_tol: float = 1e-4,
        fit_intercept: bool = True,
        solver: Any = "lbfgs",
        max_iter: int = 1000,
        tol: float = 1e-6,
        batch_size: int = 100,
        learning_rate: float = 0.2,
        shuffle: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        calibrated: bool = False,
        n_iter_no_change: int = 5,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.alphas = alphas
        self.cv = cv
        self.scoring = scoring
        self.path_tol = path_tol
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.shuffle = shuffle
        self.class_weight = class_weight
        self.calibrated = calibrated
        self.n_iter_no_change = n_iter_no_change
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _penalty(self) -> float:
        return self.alpha_

    @property
    def partial_fit(self) -> Any:
        """There is no choice of a penalty on a stream."""
        raise AttributeError(f"{type(self).__name__} has no partial_fit: choosing alpha needs all rows at once.")

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Choose the penalty by cross-validation, then fit the model with it to all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, as of :class:`SoftmaxRegressor`.
        sample_weight : array-like of shape (n_samples,) or str, optional
            How often each row counts, in the fits and in the scores.
        groups : array-like of shape (n_samples,), optional
            Which rows belong together, such as those of one person, for a `cv` that asks for it:
            :class:`~sklearn.model_selection.GroupKFold` holds out whole groups.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data, targets, weights, loss, solver, penalties or splits cannot be used.
        """
        as_given = X, y, sample_weight
        model: Any = self
        X, y, sample_weight = model._validate(X, y, sample_weight, reset=True)
        targets = model._encode(y, X.dtype)
        solver, loss = model._resolve(targets)
        weight = model._weights(sample_weight, X, targets)
        labels = None if targets.labels is None else targets.classes[np.asarray(targets.labels)]
        # Splitters look at the number of rows only, and do not know what is not in memory.
        table = X if hasattr(X, "__getitem__") else np.empty((X.shape[0], 0))
        folds = list(check_cv(self.cv, labels, classifier=labels is not None).split(table, labels, groups))
        if not folds:
            raise ValueError(f"cv={self.cv!r} has no splits.")
        with worker_threads() as workers:
            rows = rows_of(X, targets.y, weight, n_outputs=targets.n_outputs, workers=workers)
            self.alphas_ = _penalties(self.alphas, rows)
            if self.n_jobs not in (None, 1):
                rows.workers = ONE_THREAD
            # A loss that looks at the data does so once before the choice, at the penalty in the middle.
            self.alpha_ = float(np.median(self.alphas_))
            loss = model._adapted(loss, rows, targets, solver, check_random_state(self.random_state))

            def score_of(held_out: tuple[Rows, Array]) -> Callable[[Array], float]:
                zeros = model._zeros(X, targets)
                scored: Callable[[Array], float] = model._validation(
                    loss, held_out, zeros, lambda w: fitted_attributes(w, targets, X.dtype)
                ).score
                return scored

            fit_fold = _Fold(model, solver, loss, rows, y, self.alphas_, score_of)
            paths = Parallel(n_jobs=self.n_jobs, prefer="threads")(delayed(fit_fold)(*fold) for fold in folds)
        self._warn_of(paths)
        best = self._choose(paths)
        start = {}
        if is_proper(model._problem(loss), targets.n_outputs):  # other losses may be stuck in a minimum of a fold's
            w = np.mean([path.weights[best] for path in paths], axis=0)
            start = {"coef_init": w[:-1].T, "intercept_init": w[-1]}
        fitted: Self = super().fit(*as_given, **start)  # type: ignore[misc]
        return fitted

    def _choose(self, paths: list[_Path]) -> int:
        """Keep what the folds say and choose the penalty; return its position."""
        self.scores_ = np.column_stack([path.scores for path in paths])
        self.coefs_paths_ = np.stack([path.weights for path in paths]).swapaxes(2, 3)
        counting = ~np.isnan(self.scores_).all(axis=0)
        if not counting.all():
            self._warn_of_empty_folds(counting)
        best = int(np.argmax(self.scores_[:, counting].mean(axis=1)))
        self.alpha_ = float(self.alphas_[best])
        return best

    def _warn_of_empty_folds(self, counting: Array) -> None:
        if not counting.any():
            raise ValueError("No fold has a score: their held-out rows have no weight. Check cv and sample_weight.")
        warnings.warn(
            f"{np.sum(~counting)} of {len(counting)} folds have no score, since their held-out rows have no weight; "
            "the others choose the penalty.",
            stacklevel=5,
        )

    def _warn_of(self, paths: list[_Path]) -> None:
        messages = [message for path in paths for message in path.messages]
        if messages:
            warnings.warn(
                f"{len(messages)} of {sum(len(path.scores) for path in paths)} fits of the cross-validation have not "
                f"converged. The first: {messages[0]}",
                ConvergenceWarning,
                stacklevel=4,
            )


class _Fold:
    """Fits of one fold, from the strongest penalty to the weakest, each from where the last one ended."""

    def __init__(self, model: Any, solver: Any, loss: Loss, rows: Rows, y: Array, alphas: Array, score_of: Any) -> None:
        self.model, self.solver, self.loss = model, solver, loss
        self.rows, self.y, self.alphas = rows, y, alphas
        self.score_of = score_of

    def __call__(self, train: Array, test: Array) -> _Path:
        model, rng = self.model, check_random_state(self.model.random_state)
        options = {**model._options(self.solver, rng), "tol": model.path_tol}
        everywhere = np.arange(self.rows.n_rows)
        train, test = (np.sort(everywhere[part]) for part in (train, test))  # masks and positions from the end, too
        rows = subset(self.rows, train)
        if not total_weight_of(rows) > 0:
            raise ValueError(
                f"A fold of cv has {len(train)} rows to train on, which have no weight. Check cv and sample_weight."
            )
        held_out = subset(self.rows, test)
        score = self.score_of((held_out, self.y[test])) if total_weight_of(held_out) > 0 else _no_score
        w = np.zeros((rows.n_features + 1, rows.n_outputs), rows.dtype)
        objective = Objective(Problem(self.loss, model._output, 0.0, model.fit_intercept), rows)
        order = np.argsort(-self.alphas, kind="stable")
        path = getattr(self.solver, "solve_path", partial(Solver.solve_path, self.solver))
        found, messages = {}, []
        for position, result in zip(
            order, path(objective, self.alphas[order], w, callback=_never, **options), strict=True
        ):
            if not result.converged:
                messages.append(f"alpha={self.alphas[position]:.3g}: {result.message}")
            found[position] = model._output.centred(result.w)
        weights = np.stack([found[position] for position in range(len(self.alphas))])
        return _Path(weights, np.array([score(w) for w in weights]), messages)


def _never(w: Array, value: float) -> bool:
    return False


def _no_score(w: Array) -> float:
    return float("nan")


def _penalties(alphas: Any, rows: Rows) -> Array:
    """Return the penalties to try, the largest first if only their number is given."""
    if isinstance(alphas, Integral):
        # A penalty whose square is in the range is strong enough for any column.
        variances = np.minimum(deviations(rows, total_weight_of(rows)), np.finfo(np.float64).max ** 0.25) ** 2
        varying = variances[variances > 0]
        if not len(varying):
            return np.logspace(0, -_DECADES, int(alphas))
        bottom = np.median(varying) * 10.0**-_DECADES
        return np.geomspace(varying.max(), min(bottom, varying.max()), int(alphas))
    checked = check_array(alphas, ensure_2d=False, ensure_min_samples=0, dtype=np.float64, input_name="alphas").ravel()
    if not len(checked):
        raise ValueError("alphas is empty; give at least one penalty, or how many.")
    if (checked < 0).any():
        raise ValueError(f"alphas holds {checked[checked < 0][0]}; penalties are at least 0.")
    return checked


class SoftmaxRegressorCV(_CrossValidated, SoftmaxRegressor):
    r"""Softmax regression with the strength of its penalty chosen by cross-validation.

    In each fold the model is fitted for one penalty after the other, from the strongest to the weakest, each from where
    the last one ended; for a loss with many minima, where a convex one in its place leads. The penalty with the best
    mean score wins, and the model is fitted with it to all rows. The data are not copied.

    Parameters
    ----------
    loss : str or Loss, default="cross_entropy"
        As in :class:`SoftmaxRegressor`, like all parameters that are not described here. A loss that looks at the data
        first, as ``ForwardCorrection()`` does, looks twice: at the median of `alphas` for the choice of the penalty,
        and at the penalty chosen for the last fit.
    alphas : int or array-like of shape (n_alphas,), default=10
        Penalties to try; or how many, spaced evenly on a logarithmic scale from the largest variance of a column down
        to a millionth of the median.
    cv : int, cross-validation generator or iterable, default=None
        How to split; see :func:`sklearn.model_selection.check_cv`. None: five folds, stratified by label.
    scoring : str, callable or None, default=None
        What to choose by, greater is better. None: minus the mean loss of the held-out rows, for the cross-entropy
        the log-loss in nats.
    path_tol : float, default=1e-4
        Tolerance of the fits that are only scored; that of the final fit is `tol`.
    n_jobs : int or None, default=None
        Folds fitted at a time, each with one thread. None: one, with all threads.

    Attributes
    ----------
    alpha_ : float
        Penalty chosen.
    alphas_ : ndarray of shape (n_alphas,)
        Penalties tried.
    scores_ : ndarray of shape (n_alphas, n_folds)
        Score of each penalty on the held-out rows of each fold.
    coefs_paths_ : ndarray of shape (n_folds, n_alphas, n_outputs, n_features + 1)
        Coefficients of each fit, the intercept last.
    coef_, intercept_, classes_, n_iter_, loss_curve_, ...
        Of the final fit, as in :class:`SoftmaxRegressor`.

    See Also
    --------
    SoftmaxRegressor : The model for one penalty.
    sklearn.model_selection.GridSearchCV : Chooses any parameter, with a fit of its own for each.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skxent import SoftmaxRegressorCV
    >>> X, y = load_digits(return_X_y=True)
    >>> model = SoftmaxRegressorCV(alphas=[1e-4, 1e-2, 1.0]).fit(X, y)
    >>> bool(model.alpha_ == model.alphas_[model.scores_.mean(axis=1).argmax()]), model.scores_.shape
    (True, (3, 5))
    """


class SigmoidRegressorCV(_CrossValidated, SigmoidRegressor):
    """Sigmoid units with the strength of their penalty chosen by cross-validation.

    Parameters
    ----------
    loss : str or Loss, default="cross_entropy"
        As in :class:`SoftmaxRegressorCV`, like all further parameters.

    See Also
    --------
    SoftmaxRegressorCV : Describes all parameters and attributes.
    SigmoidRegressor : The model for one penalty.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skxent import SigmoidRegressorCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = SigmoidRegressorCV(alphas=5).fit(X, y)
    >>> model.coef_.shape, model.coefs_paths_.shape
    ((1, 30), (5, 5, 1, 31))
    """
