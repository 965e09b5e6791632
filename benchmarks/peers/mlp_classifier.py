"""scikit-learn's MLPClassifier without hidden layers, with BLAS on all threads and on one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from problems import MiniBatches
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from peers._peer import one_pass


@one_pass("MLPClassifier(hidden_layer_sizes=())")
def prepare(data: MiniBatches) -> Callable[[], Any]:
    """Return a pass of a new classifier."""
    settings = {"learning_rate_init": data.rate, "batch_size": data.batch_size, "alpha": 0, "momentum": 0}
    classes = data.classes

    def run() -> Any:
        model = MLPClassifier((), solver="sgd", max_iter=1, random_state=0, **settings)
        return model.partial_fit(data.X, data.y, classes=classes)

    return run


@one_pass("the same, BLAS on one thread")
def prepare_on_one_thread(data: MiniBatches) -> Callable[[], Any]:
    """Return the same pass; threads do not pay for products as small as a mini-batch's."""
    run = prepare(data)

    def run_on_one_thread() -> Any:
        with threadpool_limits(1):
            return run()

    return run_on_one_thread
