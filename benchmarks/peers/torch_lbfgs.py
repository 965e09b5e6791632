"""PyTorch's L-BFGS with its strong Wolfe line search, on all cores."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from _timing import Points, TimeIsUp, thinned
from problems import Problem

from peers._peer import full_batch


@full_batch("PyTorch L-BFGS")
def fit(problem: Problem, limit: float) -> Points:
    """Fit a linear layer; each evaluation is a point."""
    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y.astype(np.int64))
    model = torch.nn.Linear(X.shape[1], int(problem.y.max()) + 1, dtype=X.dtype)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    optimizer = torch.optim.LBFGS(
        model.parameters(),
        max_iter=100_000,
        max_eval=100_000,
        history_size=10,
        line_search_fn="strong_wolfe",
        tolerance_grad=0,
        tolerance_change=0,
    )
    points: list[Any] = []
    start = time.perf_counter()

    def closure() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(X), y) + problem.alpha / 2 * model.weight.square().sum()
        loss.backward()
        elapsed = time.perf_counter() - start
        points.append((elapsed, model.weight.detach().numpy().copy(), model.bias.detach().numpy().copy()))
        if elapsed > limit:
            raise TimeIsUp
        return loss

    with suppress(TimeIsUp):
        optimizer.step(closure)
    return thinned(points)
