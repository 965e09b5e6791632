"""Tiny data for the benchmarks."""

import numpy as np
import problems
import pytest


def tiny_mnist(n_rows=60_000):
    """Return what stands in for MNIST: 300 small images at the most."""
    digits = problems.digits()
    return digits.X[: min(n_rows, 300)], digits.y[: min(n_rows, 300)]


@pytest.fixture
def tiny():
    """Return a problem that is solved in milliseconds."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 8)).astype(np.float32)
    y = (X[:, :3] + rng.gumbel(size=(200, 3))).argmax(axis=1)
    return problems.Problem("tiny problem", X, y, 0.01)
