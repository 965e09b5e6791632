"""The peak memory of one fit beyond its data, measured in a process of its own; ``scaling.py`` runs it for each case.

    python benchmarks/_peak.py CASE LARGEST

prints the bytes of the data and the bytes on top. A fit of few rows comes first, since what is loaded, threads and the
buffers of BLAS are not the memory of a fit. Linux only: it reads and resets the peak in ``/proc/self``.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from problems import correlated, mnist
from scipy import sparse

from skxent import SoftmaxRegressor

Data = tuple[Any, NDArray[Any]]
Fit = Callable[[Any, NDArray[Any]], Any]

_WARM_UP_ROWS = 2_000


def narrow(n: int, d: int, k: int) -> Data:
    """Gaussian float32 rows; the class is the largest of the first columns."""
    X = np.random.default_rng(0).standard_normal((n, d), np.float32)
    return X, X[:, :k].argmax(axis=1)


def sparse_rows(n: int, k: int) -> Data:
    """Rows with 40 random entries each."""
    X = sparse.random(n, 2_000, density=0.02, format="csr", dtype=np.float32, random_state=0)
    return X, np.random.default_rng(0).integers(k, size=n)


def first_images(n: int) -> Data:
    """Return the first images of MNIST, without the others behind them."""
    X, y = mnist(n)
    return X.copy(), y


def fit(X: Any, y: NDArray[Any]) -> Any:
    """Fit at default settings."""
    return SoftmaxRegressor(random_state=0).fit(X, y)


def one_pass(X: Any, y: NDArray[Any]) -> Any:
    """Take one pass of mini-batches at default settings."""
    return SoftmaxRegressor(random_state=0).partial_fit(X, y, classes=range(10))


# Rows at the most, the data with so many rows, and what is measured.
CASES: dict[str, tuple[int, Callable[[int], Data], Fit]] = {
    "200,000 x 400 float32, 5 classes": (200_000, lambda n: correlated(n, 400, 5), fit),
    "100,000 x 400 float64, 5 classes": (100_000, lambda n: correlated(n, 400, 5, np.float64), fit),
    "400,000 x 2,000 CSR float32, 5 classes": (400_000, lambda n: sparse_rows(n, 5), fit),
    "500,000 x 30 float32, 2 classes": (500_000, lambda n: narrow(n, 30, 2), fit),
    "200,000 x 30 float32, 10 classes": (200_000, lambda n: narrow(n, 30, 10), fit),
    "500,000 x 10 float32, 2 classes": (500_000, lambda n: narrow(n, 10, 2), fit),
    "20,000 x 300 float32, 3 classes": (20_000, lambda n: narrow(n, 300, 3), fit),
    "50,000 x 200 float32, 100 classes": (50_000, lambda n: narrow(n, 200, 100), fit),
    "100,000 x 512 float32, 100 classes": (100_000, lambda n: correlated(n, 512, n // 1_000), fit),
    "100,000 x 512 float32, 1,000 classes": (100_000, lambda n: correlated(n, 512, n // 100), fit),
    "10,000 x 256 float32, 1,000 classes": (10_000, lambda n: correlated(n, 256, n // 10), fit),
    "MNIST, 60,000 x 784 float32": (60_000, first_images, fit),
    "MNIST, 10,000 x 784 float32": (10_000, first_images, fit),
    "MNIST, 60,000 x 784 float32, one SGD pass": (60_000, first_images, one_pass),
    "MNIST, 10,000 x 784 float32, one SGD pass": (10_000, first_images, one_pass),
}


def size_of(X: Any) -> int:
    """Bytes of an array or a CSR matrix."""
    return int(X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)


def status(key: str) -> int:
    """Bytes of an entry of this process's status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024


def peak(run: Fit, X: Any, y: NDArray[Any]) -> int:
    """Bytes that a run takes at its peak beyond what was there before."""
    run(X[:_WARM_UP_ROWS], y[:_WARM_UP_ROWS])
    ctypes.CDLL(None).malloc_trim(0)  # all that is freed is given back
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = status("VmRSS")
    run(X, y)
    return status("VmHWM") - before


def main(case: str, largest: str) -> None:
    """Measure one case, with no more rows than `largest`."""
    n_rows, make, run = CASES[case]
    X, y = make(min(n_rows, int(largest)))
    print(size_of(X), peak(run, X, y))


if __name__ == "__main__":
    main(*sys.argv[1:])
