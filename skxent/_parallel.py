"""Threads over row blocks, one BLAS thread each, and reuse of freed memory."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

import numpy as np

__all__ = [
    "ONE_THREAD",
    "Workers",
    "has_small_products",
    "keep_freed_memory",
    "prefetch",
    "read_ahead",
    "worker_threads",
]

Item = TypeVar("Item")
Value = TypeVar("Value")

_lock = threading.Lock()
_users = 0
_limit: Any = None
_n_threads = 1
_PENDING = object()
# OpenBLAS's names of processors with AVX-512.
_WITH_SMALL_PRODUCTS = ("SkylakeX", "Cooperlake", "SapphireRapids")
# Bytes of the largest array whose memory is kept; glibc allows no more.
_MOST_KEPT = 2**25
# Numbers of the options of glibc's mallopt.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


class Workers(NamedTuple):
    """Two ways to apply a function to items and get the results in order; with one thread both are ``map``.

    Attributes
    ----------
    map : callable
        All threads work until the end; results that are not used yet wait in memory.
    prefetch : callable
        Another thread computes one result while the caller uses the one before, so that no more than two are there.
    n_threads : int
        Number of threads at work in `map`.
    """

    map: Callable[..., Iterator[Any]] = map
    prefetch: Callable[..., Iterator[Any]] = map
    n_threads: int = 1


ONE_THREAD = Workers()


@cache
def _blas() -> Any:
    """Find the BLAS libraries once: looking for them costs milliseconds, a fit on small data less."""
    from threadpoolctl import ThreadpoolController  # not for those who only need prefetch

    return ThreadpoolController().select(user_api="blas")


@cache
def has_small_products() -> bool:
    """Return whether BLAS multiplies small matrices as they lie, without a copy in the order of its kernels.

    OpenBLAS does on processors with AVX-512, for up to a million multiplications.
    """
    return any(library.get("architecture") in _WITH_SMALL_PRODUCTS for library in _blas().info())


def _take_control() -> None:
    """Let any thread set the next limit.

    From version 3.7 on threadpoolctl ignores all threads but the one that set a limit first, for as long as that lives.
    """
    for library in _blas().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


@cache
def keep_freed_memory() -> None:
    """Have the C library keep the memory of a block's arrays for the next block's.

    glibc gives freed memory back to the kernel at once until the program has freed a large array, and fetching it
    page by page again can take longer than the arithmetic. So free a large one, the largest that counts, which costs
    nothing as it is never touched (``M_MMAP_THRESHOLD`` in mallopt(3)). Other C libraries do not mind. Where a limit is
    set in the environment, as for the workers of Dask, glibc does not learn from that and must be told.
    """
    np.empty(_MOST_KEPT - 2**13, np.uint8)
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        _tell_c_library()


def _tell_c_library() -> None:
    """Set what :func:`keep_freed_memory` sets by example."""
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MOST_KEPT)
        mallopt(_M_TRIM_THRESHOLD, 2 * _MOST_KEPT)


def _enter() -> int:
    """Keep BLAS to one thread; return how many it was allowed.

    That number already respects the environment, ``threadpoolctl`` and joblib's inner limit. Fits may run
    at once in several threads of a process, so only the first one in changes the limit and only the last one
    out restores it.
    """
    global _users, _limit, _n_threads
    keep_freed_memory()
    with _lock:
        if _users == 0:
            _n_threads = max((library["num_threads"] for library in _blas().info()), default=1)
            _take_control()
            _limit = _blas().limit(limits=1)
        _users += 1
        return _n_threads


def _exit() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            _take_control()
            _limit.restore_original_limits()
            _take_control()  # and leave it to others


@contextmanager
def worker_threads() -> Iterator[Workers]:
    """Start as many threads as BLAS may use, keep BLAS itself to one, and yield what gives them work."""
    n_threads = _enter()
    try:
        if n_threads == 1:
            yield ONE_THREAD
        else:
            with ThreadPoolExecutor(n_threads - 1, thread_name_prefix="skxent") as pool:
                yield Workers(partial(_ordered_map, pool, n_threads - 1), partial(prefetch, pool, 1), n_threads)
    finally:
        _exit()


def prefetch(pool: Executor, n_ahead: int, function: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Value]:
    """Yield the function of each item in order, while a pool computes the next ones.

    Parameters
    ----------
    pool : Executor
        Threads or processes. A single item is not worth them: the caller computes it.
    n_ahead : int
        How many results may be computed before they are asked for.
    function : callable
        What to apply; from processes it must be picklable.
    items : iterable
        Items, taken only as they are needed.

    Yields
    ------
    object
        Results.
    """
    items = iter(items)
    first = list(islice(items, 2))
    if len(first) < 2:
        yield from map(function, first)
        return
    items = chain(first, items)
    pending: deque[Future[Value]] = deque(pool.submit(function, item) for item in islice(items, n_ahead))
    try:
        for item in items:
            result = pending.popleft().result()
            pending.append(pool.submit(function, item))
            yield result
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def read_ahead(function: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Value]:
    """Yield the function of each item in order, while a thread of its own computes the next one.

    It waits for a disk or a network, so that it is worth a thread wherever there is one core only.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="skxent-read") as pool:
        yield from prefetch(pool, 1, function, items)


def _ordered_map(
    pool: ThreadPoolExecutor, n_helpers: int, function: Callable[[Any], Any], items: Iterable[Any]
) -> Iterator[Any]:
    """Yield the function of each item; the calling thread works as well, since to wake it for each result costs.

    It takes the first item: what that leaves to all others is then in the same thread's memory every time.
    """
    items = list(items)
    results = dict.fromkeys(range(len(items)), _PENDING)
    positions = iter(range(1, len(items)))  # each thread takes the next

    def work(*first: int) -> Iterator[None]:
        try:
            for position in chain(first, positions):
                results[position] = function(items[position])
                yield
        finally:
            deque(positions, maxlen=0)  # after an error in one thread the others need not go on

    helpers = [pool.submit(deque, work(), 0) for _ in range(min(n_helpers, len(items) - 1))]
    n_yielded = 0
    try:
        for _ in work(*range(len(items))[:1]):
            while results.get(n_yielded, _PENDING) is not _PENDING:
                yield results.pop(n_yielded)
                n_yielded += 1
    finally:
        errors = [helper.exception() for helper in helpers if not helper.cancel()]
    for error in filter(None, errors):
        raise error
    yield from results.values()
