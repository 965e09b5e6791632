"""Fixtures of several modules.

Hypothesis tries the same examples in every run; `pytest --hypothesis-profile=search` looks for new ones. A test that
sets its own number of examples, since each takes long, keeps it.
"""

import importlib
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from threadpoolctl import ThreadpoolController

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile("fixed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs):
    """Share the cores among the processes that run tests, and those that they start.

    BLAS threads that wait keep a core busy, so more threads than cores cost many times the work. What needs two threads
    asks for them with ``threadpool_limits``.
    """
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // len(specs))))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each process a stretch of the tests and the last ones of a slower one, so that few make the same fixture."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.fixture
def rng():
    """Return the same random numbers for every test."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def libraries():
    """Return what sets the threads of the libraries that are loaded; to find them takes longer than many a test."""
    importlib.import_module("scipy.linalg")
    return ThreadpoolController()


@pytest.fixture
def one_blas_thread(libraries):
    """On matrices this small, BLAS threads only get in each other's way."""
    with libraries.limit(limits=1, user_api="blas"):
        yield


@pytest.fixture(scope="session")
def mnist_file(tmp_path_factory):
    """Return a file with MNIST as the examples read it; the first process that needs it makes it, in seconds."""
    folder = tmp_path_factory.getbasetemp()
    path = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "mnist.npz"
    if not path.exists():
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(Path(__file__).resolve().parents[1] / "examples")
            np.savez(folder / "read.npz", *importlib.import_module("_mnist").load_mnist())
        (folder / "read.npz").replace(path)
    return path


@pytest.fixture(scope="session")
def mnist(mnist_file):
    """Return the images and digits of MNIST: the 60,000 to train with, and the 10,000 to test with."""
    with np.load(mnist_file) as file:
        return tuple(file.values())
