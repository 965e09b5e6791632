"""The plain training loop of a PyTorch tutorial, on one thread, where it is fastest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from problems import MiniBatches

from peers._peer import one_pass


@one_pass("PyTorch loop")
def prepare(data: MiniBatches) -> Callable[[], Any]:
    """Return a pass over a linear layer."""
    torch.set_num_threads(1)
    X, y = torch.from_numpy(data.X), torch.from_numpy(data.y.astype(np.int64))
    model = torch.nn.Linear(X.shape[1], len(data.classes), dtype=X.dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=data.rate)

    def run() -> None:
        order = torch.randperm(len(X))
        for start in range(0, len(X), data.batch_size):
            rows = order[start : start + data.batch_size]
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()

    return run
