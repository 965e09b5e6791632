"""scikit-learn's SGDClassifier: one row at a time, one class against the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from problems import MiniBatches
from sklearn.linear_model import SGDClassifier

from peers._peer import one_pass


@one_pass("SGDClassifier(loss='log_loss')")
def prepare(data: MiniBatches) -> Callable[[], Any]:
    """Return a pass of a new classifier."""
    classes = data.classes
    return lambda: SGDClassifier(loss="log_loss", max_iter=1, tol=None).partial_fit(data.X, data.y, classes=classes)
