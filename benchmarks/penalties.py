"""A penalty chosen by cross-validation: `SoftmaxRegressorCV` against `GridSearchCV` and `LogisticRegressionCV`.

    python benchmarks/penalties.py [--rows 10000] [--penalties 10] [--folds 3]

All get the same images of MNIST, the same penalties from 1e-1 to 1e-5, the same folds and the log-loss as score, and
then fit all rows with the penalty chosen. Processor time is of all threads. `LogisticRegressionCV` stops after
`--most` iterations of each fit; its folds are scored where it stands then.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
from _report import machine, print_table, progress
from problems import mnist_split
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skxent import SoftmaxRegressor, SoftmaxRegressorCV


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--penalties", type=int, default=10)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--most", type=int, default=300, help="iterations of a fit of LogisticRegressionCV")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", FutureWarning)
    X, y, X_test, y_test = mnist_split(options.rows)
    alphas = np.logspace(-1, -5, options.penalties)
    folds = list(StratifiedKFold(options.folds, shuffle=True, random_state=0).split(X, y))
    fitted_rows = len(y) * (1 - 1 / options.folds)
    print(machine(), f"\n{len(y):,} images, {options.penalties} penalties, {options.folds} folds\n", sep="\n")
    rows: list[list[str]] = []
    first: tuple[float, float] | None = None
    for name, search in searches(alphas, folds, fitted_rows, options.most).items():
        progress(name)
        wall, processor = time.perf_counter(), time.process_time()
        model = search.fit(X, y)
        seconds = time.perf_counter() - wall, time.process_time() - processor
        first = first or seconds
        loss = log_loss(y_test, model.predict_proba(X_test))
        rows.append(
            [
                name,
                *(f"{value:.1f}" for value in seconds),
                *(f"{value / ours:.1f}" for value, ours in zip(seconds, first, strict=True)),
                f"{penalty_of(model, fitted_rows):.1e}",
                f"{loss:.4f}",
                f"{accuracy(model, X_test, y_test):.4f}",
            ]
        )
    print_table(
        ["", "seconds", "of processor", "ratio", "of processor", "penalty chosen", "test log-loss", "test accuracy"],
        rows,
    )


def searches(alphas: Any, folds: list[Any], fitted_rows: float, max_iter: int) -> dict[str, Any]:
    """Return what chooses a penalty, by name."""
    return {
        "SoftmaxRegressorCV": SoftmaxRegressorCV(alphas=alphas, cv=folds),
        "GridSearchCV(SoftmaxRegressor)": GridSearchCV(
            SoftmaxRegressor(max_iter=1_000), {"alpha": alphas}, cv=folds, scoring="neg_log_loss"
        ),
        "LogisticRegressionCV": LogisticRegressionCV(
            Cs=1 / (alphas * fitted_rows), cv=folds, scoring="neg_log_loss", max_iter=max_iter
        ),
    }


def penalty_of(model: Any, fitted_rows: float) -> float:
    """Return the penalty that a search has chosen."""
    if hasattr(model, "best_params_"):
        return float(model.best_params_["alpha"])
    return float(model.alpha_ if hasattr(model, "alpha_") else 1 / (np.ravel(model.C_)[0] * fitted_rows))


def accuracy(model: Any, X: Any, y: Any) -> float:
    """Return the share of labels predicted."""
    return float(np.mean(model.predict(X) == y))


if __name__ == "__main__":
    main()
