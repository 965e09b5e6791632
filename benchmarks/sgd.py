"""One pass of mini-batch gradient descent: seconds, and the ratio to the floor, against every peer installed.

The floor is what any implementation must do: gather each batch's rows and multiply them twice, forward and back.
All runs are interleaved; figures are medians, ratios are medians of ratios within a round.

    python benchmarks/sgd.py [--rounds 7] [--batch-size 100] [--rows 55000]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from _ours import pass_over
from _report import machine, print_table, progress, say_missing
from _timing import take_turns
from peers import MISSING, ONE_PASS
from problems import MiniBatches, mnist
from threadpoolctl import threadpool_limits

OURS, FLOOR = "skxent SoftmaxRegressor, cross-entropy", "floor: gather and two products"


def floor(data: MiniBatches) -> Callable[[], Any]:
    """Row gather and the two matrix products, on one thread."""
    order = np.random.RandomState(0).permutation(len(data.X))
    w = np.zeros((data.X.shape[1], len(data.classes)), data.X.dtype)

    def run() -> None:
        with threadpool_limits(1):
            for start in range(0, len(data.X), data.batch_size):
                batch = data.X.take(order[start : start + data.batch_size], axis=0)
                _ = batch.T @ (batch @ w)

    return run


def passes(data: MiniBatches) -> dict[str, Callable[[], Any]]:
    """Return one pass of each implementation by name."""
    return {
        OURS: pass_over(data),
        FLOOR: floor(data),
        "skxent SoftmaxRegressor, quadratic": pass_over(data, "quadratic"),
        "skxent SigmoidRegressor, cross-entropy": pass_over(data, sigmoid=True),
        **{name: prepare(data) for name, prepare in ONE_PASS.items()},
    }


def main(arguments: list[str] | None = None) -> None:
    """Run all in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--rows", type=int, default=55_000, help="the last so many of MNIST's training images")
    options = parser.parse_args(arguments)
    X, y = mnist()
    data = MiniBatches(np.ascontiguousarray(X[-options.rows :]), y[-options.rows :], options.batch_size, rate=0.2)
    seconds = take_turns(
        passes(data),
        options.rounds,
        warm_up=1,
        on_round=lambda index: progress(f"round {index} of {options.rounds}"),
    )
    progress("")
    print(machine())
    say_missing(MISSING)
    rows, columns = data.X.shape
    print(f"\n### One pass over {rows:,} x {columns} {data.X.dtype}, batches of {options.batch_size}\n")
    print_table(
        ["implementation", "seconds", "ratio to skxent", "ratio to the floor"],
        [
            [
                name,
                f"{np.median(own):.3f}",
                f"{np.median(own / seconds[OURS]):.1f}",
                f"{np.median(own / seconds[FLOOR]):.1f}",
            ]
            for name, own in seconds.items()
        ],
    )


if __name__ == "__main__":
    main()
