"""The two classifiers: softmax regression and sigmoid units."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skxent._typing import Array
from skxent.linear_model._classifier import LinearClassifier, by_blocks
from skxent.linear_model._outputs import Sigmoid, Softmax
from skxent.linear_model._targets import Targets, soft_labels
from skxent.losses import log_of

__all__ = ["SigmoidRegressor", "SoftmaxRegressor"]


class SoftmaxRegressor(LinearClassifier):
    r"""Softmax regression: a linear classifier with a softmax output and any loss.

    Minimises

    .. math::
        F(W, b) = \frac{1}{\sum_i w_i} \sum_i w_i\, L(y_i, \operatorname{softmax}(W x_i + b))
        + \frac{\alpha}{2} \lVert W \rVert^2 .

    With the cross-entropy this is multinomial logistic regression. From three classes on it is the same model as
    :class:`sklearn.linear_model.LogisticRegression` with ``C = 1 / (alpha * n_samples)``. With two classes that
    estimator has one vector of coefficients where a softmax has two, of opposite sign and half the size, whose penalty
    is half as large: there ``C = 2 / (alpha * n_samples)``. The coefficients of a softmax sum to 0 over the classes.

    Parameters
    ----------
    loss : str or Loss, default="cross_entropy"
        ``"cross_entropy"``, ``"quadratic"``, ``"generalized_cross_entropy"`` or another registered name of
        :mod:`skxent.losses`, or an instance, such as ``Focal(gamma=1)`` or ``ForwardCorrection()``.
    alpha : float, default=1e-4
        Strength of the L2 penalty on the coefficients, relative to the mean loss: :math:`1/(C n)`.
    fit_intercept : bool, default=True
        Whether the logits have intercepts.
    solver : str or Solver, default="lbfgs"
        ``"lbfgs"`` finds the optimum from the full data (:class:`skxent.solvers.LBFGS`); ``"sgd"`` takes
        plain steps on mini-batches (:class:`skxent.solvers.SGD`). An object of these classes, such as
        ``LBFGS(history=20)``, or of your own :class:`skxent.solvers.Solver` works as well.
    max_iter : int, default=1000
        Largest number of iterations, or of passes over the data with ``"sgd"``.
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
        Whether to draw new mini-batches for each pass. Only for ``"sgd"`` and :meth:`partial_fit`.
    class_weight : dict, "balanced" or None, default=None
        Factors on the sample weights by class.
    calibrated : bool, default=False
        Whether :meth:`predict_proba` returns the probabilities of the classes in the data. Without it, they are those
        that minimise the loss: `class_weight` shifts them as if the classes were that frequent, and a loss that is not
        a proper scoring rule makes them too sure or not sure enough. With it, both are undone
        (:meth:`skxent.losses.Loss.true_probabilities`). Predicted labels stay those of the weighted problem. What is
        undone is the effect on the best prediction of all, which a linear model may not reach: where the true classes
        follow a softmax of the features, calibrated generalised cross-entropy finds it, calibrated poly1, label
        smoothing and focal loss come near it, and symmetric cross-entropy stays furthest away.
    early_stopping : bool, default=False
        Whether to hold out part of the rows, score it after each iteration, stop when that no longer improves, and keep
        the best weights.
    scoring : str, callable or None, default=None
        What to score validation data by, greater is better: a scorer's name, such as ``"accuracy"``, or a scorer of
        :mod:`sklearn.metrics`. None: minus the mean loss, for the cross-entropy the log-loss in nats.
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
    loss_ : Loss
        The loss fitted with.
    transition_ : ndarray of shape (n_outcomes, n_outcomes)
        Its noise matrix, given or estimated. Only with :class:`~skxent.losses.ForwardCorrection`.
    class_weight_ : ndarray of shape (n_classes,)
        Factors on the weights by class, 1 without `class_weight`.
    optimality_ : float
        Estimate of an upper bound on how far the objective is above its minimum, relative to itself (or to a
        hundredth of its start if that is more): :math:`c(\rho)\, g^\top H^{-1} g` with gradient and Hessian, where
        :math:`c` is 1/2 close to the minimum and grows with :math:`\rho`, how much a Newton step changes logits
        (:doi:`10.1214/09-EJS521`). Conjugate gradients sum it up; the rest of the sum rests on a guess at the least
        eigenvalue of the Hessian, so that it is no proof (:ref:`converged`). Above 100 `tol` a fit warns. For losses
        that are not convex it is that of the nearest minimum, and inf where the objective curves downwards, rounding
        hides the way down or the gradient of the loss is wrong. nan if the solver has no bound, or with ``tol=0``.
    n_iter_ : int
        Iterations or passes run. On much data the first iteration of ``"lbfgs"`` is a start on a sample of the rows,
        and later ones may take some dozen steps each on an estimate of the objective.
    loss_curve_ : list of float
        Objective after each iteration, in nats for the cross-entropy. With ``"sgd"`` it is the mean over the
        mini-batches of a pass, each before its step.
    validation_scores_ : list of float or None
        Score of the validation data after each iteration or pass; see `scoring`.
    learning_curve_ : dict of ndarray
        A record for a picture: ``"iteration"``, ``"objective"`` (as `loss_curve_`), ``"validation_score"`` (NaN without
        validation data) and ``"seconds"`` since the start of the iterations.
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

    _output = Softmax()

    def _encode_matrix(self, y: Array) -> Targets:
        off = np.flatnonzero(np.abs(y.sum(axis=1) - 1) > 1e-5)
        if len(off):
            raise ValueError(
                f"Row {off[0]} of y sums to {y[off[0]].sum():.6g}; soft labels are distributions and sum to 1. "
                "For independent labels use SigmoidRegressor."
            )
        return soft_labels(y)

    def _encode_labels(self, classes: Array, labels: Array, dtype: Any) -> Targets:
        return Targets(classes, labels, len(classes), labels)

    @by_blocks
    def decision_function(self, X: Any) -> Array:
        """Return the logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Logits; for two classes the second's minus the first's, the log-odds of the second class.
        """
        z = self._logits(X)
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z

    def _winners(self, X: Any) -> Array:
        winners: Array = self._logits(X).argmax(axis=1)
        return winners

    @by_blocks
    def predict_log_proba(self, X: Any) -> Array:
        """Return the log-probabilities of the classes, in nats.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities, accurate also where a probability underflows; logarithms of :meth:`predict_proba` if
            `calibrated`, minus infinity for 0.
        """
        if self.calibrated:
            return log_of(self.predict_proba(X))
        return self._output.log_probabilities(self._logits(X))

    @by_blocks
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
        p = self._output.probabilities(self._logits(X))
        return self._without_class_weight(self._output.true_probabilities(self.loss_, p)) if self.calibrated else p

    def _two_class_coefficients(self) -> tuple[Array, Array]:
        return self.coef_[1:] - self.coef_[:1], self.intercept_[1:] - self.intercept_[:1]


class SigmoidRegressor(LinearClassifier):
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

    _output = Sigmoid()

    def _encode_matrix(self, y: Array) -> Targets:
        return soft_labels(y)

    def _is_matrix(self, y: Array) -> bool:
        """Return whether targets are a matrix; one column of numbers that are not whole is one of probabilities."""
        return super()._is_matrix(y) or (y.ndim == 2 and y.dtype.kind == "f" and bool((y % 1 != 0).any()))

    def _encode_labels(self, classes: Array, labels: Array, dtype: Any) -> Targets:
        if len(classes) == 2:
            return Targets(classes, labels.astype(dtype)[:, np.newaxis], 1, labels)
        return Targets(classes, labels, len(classes), labels)

    @by_blocks
    def decision_function(self, X: Any) -> Array:
        """Return the logits, the log-odds of each unit.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), or (n_samples,) for two classes
            Logits.
        """
        z = self._logits(X)
        return z if self._matrix_targets or z.shape[1] > 1 else z[:, 0]

    @by_blocks
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
            return (self._logits(X) > 0).astype(int)
        return super().predict(X)

    def _winners(self, X: Any) -> Array:
        z = self._logits(X)
        winners: Array = z.argmax(axis=1) if z.shape[1] > 1 else (z[:, 0] > 0).astype(int)
        return winners

    def _chance_of_hit(self, X: Any, y: Array) -> Array:
        if not self._matrix_targets:
            return super()._chance_of_hit(X, y)
        chance: Array = np.where(self._logits(X) > 0, y, 1 - y).prod(axis=1)
        return chance

    @by_blocks
    def predict_log_proba(self, X: Any) -> Array:
        """Return the log-probabilities of the classes, in nats.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities, accurate also where a probability underflows; logarithms of :meth:`predict_proba` if
            `calibrated`, minus infinity for 0.
        """
        if self.calibrated:
            return log_of(self.predict_proba(X))
        z = self._logits(X)
        if z.shape[1] == 1 and not self._matrix_targets:
            return self._output.log_probabilities(np.hstack([-z, z]))
        log_a = self._output.log_probabilities(z)
        return log_a if self._matrix_targets else Softmax().log_probabilities(log_a)

    @by_blocks
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
        return self._calibrated_proba(X) if self.calibrated else np.exp(self.predict_log_proba(X))

    def _two_class_coefficients(self) -> tuple[Array, Array]:
        return self.coef_, self.intercept_

    def _check_logistic(self) -> None:
        super()._check_logistic()
        if len(self.classes_) > 2:
            raise ValueError("no LogisticRegression has the predictions of sigmoid units for more than two classes.")

    def _calibrated_proba(self, X: Any) -> Array:
        z = self._logits(X)
        a = self._output.true_probabilities(self.loss_, self._output.probabilities(z))
        if self._matrix_targets:
            return a
        if a.shape[1] == 1:
            return self._without_class_weight(np.hstack([1 - a, a]))
        off = ~a.any(axis=1)  # as far as a float can say: then their order is that of the logits
        a[off] = Softmax().probabilities(self._output.log_probabilities(z[off]))
        return self._without_class_weight(a)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
