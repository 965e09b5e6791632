"""Other implementations to compare with: one file each, found by being here.

A file registers what it can do by one of two decorators:

    @full_batch("MyLibrary L-BFGS")
    def fit(problem: Problem, limit: float) -> Points: ...

    @one_pass("MyLibrary SGD")
    def prepare(data: MiniBatches) -> Callable[[], Any]: ...

A file whose library is not installed is left out, and :data:`MISSING` says so.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from peers._peer import FULL_BATCH, ONE_PASS, FullBatch, full_batch, one_pass

__all__ = ["FULL_BATCH", "MISSING", "ONE_PASS", "FullBatch", "full_batch", "one_pass", "solvers_for"]

# Files left out, and why.
MISSING: dict[str, str] = {}

for module in sorted(found.name for found in iter_modules(__path__) if not found.name.startswith("_")):
    try:
        import_module(f"peers.{module}")
    except ImportError as error:
        MISSING[module] = str(error)


def solvers_for(*, sparse: bool, among: str = "") -> dict[str, FullBatch]:
    """Return the peers that fit to the optimum, by name; `among` must be in the name."""
    return {name: peer for name, peer in FULL_BATCH.items() if among in name and (peer.takes_sparse or not sparse)}
