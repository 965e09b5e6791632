"""One pass of mini-batch gradient descent: seconds, and the ratio to the floor, against every peer installed.

The floor is what any implementation must do: gather each batch's rows and multiply them twice, forward and back.
All runs are interleaved; figures are medians, ratios are medians of ratios within a round.

    python benchmarks/sgd.py [--rounds 7] [--batch-size 100]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from _harness import progress, stopwatch
from _report import machine, print_table
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skxent import SigmoidRegressor, SoftmaxRegressor

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

RATE = 0.2


def floor(X: np.ndarray, n_classes: int, batch_size: int) -> Callable[[], Any]:
    """Row gather and the two matrix products, on one thread."""
    order = np.random.RandomState(0).permutation(len(X))
    w = np.zeros((X.shape[1], n_classes), X.dtype)

    def run() -> None:
        with threadpool_limits(1):
            for start in range(0, len(X), batch_size):
                batch = X.take(order[start : start + batch_size], axis=0)
                _ = batch.T @ (batch @ w)

    return run


def torch_loop(X: np.ndarray, y: np.ndarray, n_classes: int, batch_size: int) -> Callable[[], Any]:
    """Return the plain training loop of a PyTorch tutorial, on one thread, where it is fastest."""
    import torch

    torch.set_num_threads(1)
    data, labels = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))
    model = torch.nn.Linear(X.shape[1], n_classes)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def run() -> None:
        order = torch.randperm(len(data))
        for start in range(0, len(data), batch_size):
            rows = order[start : start + batch_size]
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(model(data[rows]), labels[rows]).backward()
            optimizer.step()

    return run


def runs(X: np.ndarray, y: np.ndarray, batch_size: int) -> dict[str, Callable[[], Any]]:
    """Return one pass of each implementation by name."""
    classes = np.unique(y)

    def ours(estimator: type, loss: str) -> Callable[[], Any]:
        return lambda: estimator(loss, alpha=0, batch_size=batch_size, learning_rate=RATE, random_state=0).partial_fit(
            X, y, classes=classes
        )

    def perceptron() -> Any:
        model = MLPClassifier((), solver="sgd", learning_rate_init=RATE, momentum=0, alpha=0, batch_size=batch_size)
        return model.set_params(max_iter=1, random_state=0).partial_fit(X, y, classes=classes)

    def perceptron_on_one_thread() -> Any:
        with threadpool_limits(1):
            return perceptron()

    found = {
        "skxent SoftmaxRegressor, cross-entropy": ours(SoftmaxRegressor, "cross_entropy"),
        "floor: gather and two products": floor(X, len(classes), batch_size),
        "skxent SoftmaxRegressor, quadratic": ours(SoftmaxRegressor, "quadratic"),
        "skxent SigmoidRegressor, cross-entropy": ours(SigmoidRegressor, "cross_entropy"),
        "MLPClassifier(hidden_layer_sizes=())": perceptron,
        "the same, BLAS on one thread": perceptron_on_one_thread,
        "SGDClassifier(loss='log_loss')": lambda: SGDClassifier(loss="log_loss", max_iter=1, tol=None).partial_fit(
            X, y, classes=classes
        ),
    }
    with suppress(ImportError):
        found["PyTorch loop"] = torch_loop(X, y, len(classes), batch_size)
    return found


def main() -> None:
    """Run all in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=100)
    options = parser.parse_args()
    from _mnist import load_mnist

    X, y, _, _ = load_mnist()
    X, y = np.ascontiguousarray(X[5_000:]), y[5_000:]
    by_name = runs(X, y, options.batch_size)
    rounds = []
    for index in range(options.rounds + 1):
        progress(f"round {index} of {options.rounds}")
        rounds.append([stopwatch(run) for run in by_name.values()])
    seconds = np.array(rounds[1:])  # the first round warms up
    progress("")
    print(machine())
    print(f"\n### One pass over {X.shape[0]:,} x {X.shape[1]} {X.dtype}, batches of {options.batch_size}\n")
    print_table(
        ["implementation", "seconds", "ratio to skxent", "ratio to the floor"],
        [
            [
                name,
                f"{np.median(own):.3f}",
                f"{np.median(own / seconds[:, 0]):.1f}",
                f"{np.median(own / seconds[:, 1]):.1f}",
            ]
            for name, own in zip(by_name, seconds.T, strict=True)
        ],
    )


if __name__ == "__main__":
    main()
