"""What a fit asks of the machine: threads over row blocks, BLAS kept to one thread in each, and memory that stays."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_users = 0
_limit: Any = None
_n_threads = 1
_PENDING = object()


class Maps(NamedTuple):
    """Ways to yield a function of each of some items in turn, the builtin ``map`` where one thread is all there is.

    Attributes
    ----------
    ordered : callable
        All threads work until the end; results that are not used yet wait in memory.
    ahead : callable
        Another thread computes one result while the caller uses the one before, so that no more than two are there.
    """

    ordered: Callable[..., Iterator[Any]] = map
    ahead: Callable[..., Iterator[Any]] = map


ONE_THREAD = Maps()


@cache
def _blas() -> Any:
    """Find the BLAS libraries once: looking for them costs milliseconds, a fit on small data less."""
    return ThreadpoolController().select(user_api="blas")


@cache
def _keep_freed_memory() -> None:
    """Have the C library keep the memory of a block's arrays for the next block's.

    glibc gives freed memory back to the kernel at once until the program has freed a large array, and fetching it
    page by page again can take longer than the arithmetic. So free a large one, the largest that counts, which costs
    nothing as it is never touched (``M_MMAP_THRESHOLD`` in mallopt(3)). Other C libraries do not mind.
    """
    np.empty(2**25 - 2**13, np.uint8)


def _enter() -> int:
    """Keep BLAS to one thread; return how many it was allowed.

    That number already respects the environment, ``threadpoolctl`` and joblib's inner limit. Fits may run
    at once in several threads of a process, so only the first one in changes the limit and only the last one
    out restores it.
    """
    global _users, _limit, _n_threads
    _keep_freed_memory()
    with _lock:
        if _users == 0:
            _n_threads = max((library["num_threads"] for library in _blas().info()), default=1)
            _limit = _blas().limit(limits=1)
        _users += 1
        return _n_threads


def _exit() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            _limit.restore_original_limits()


@contextmanager
def worker_threads() -> Iterator[Maps]:
    """Start as many threads as BLAS may use, keep BLAS itself to one, and yield what gives them work."""
    n_threads = _enter()
    try:
        if n_threads == 1:
            yield ONE_THREAD
        else:
            with ThreadPoolExecutor(n_threads - 1, thread_name_prefix="skxent") as pool:
                yield Maps(partial(_ordered_map, pool, n_threads - 1), partial(_ahead_map, pool))
    finally:
        _exit()


def _ahead_map(pool: ThreadPoolExecutor, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Yield the function of each item; another thread computes the next meanwhile."""
    items = iter(items)
    for result in map(function, islice(items, 1)):
        for item in items:
            following = pool.submit(function, item)
            yield result
            result = following.result()
        yield result


def _ordered_map(
    pool: ThreadPoolExecutor, n_helpers: int, function: Callable[[Any], Any], items: Iterable[Any]
) -> Iterator[Any]:
    """Yield the function of each item; the calling thread works as well, since to wake it for each result costs."""
    items = list(items)
    results = dict.fromkeys(range(len(items)), _PENDING)
    positions = iter(range(len(items)))  # each thread takes the next

    def work() -> Iterator[None]:
        try:
            for position in positions:
                results[position] = function(items[position])
                yield
        finally:
            deque(positions, maxlen=0)  # after an error in one thread the others need not go on

    helpers = [pool.submit(deque, work(), 0) for _ in range(min(n_helpers, len(items) - 1))]
    n_yielded = 0
    try:
        for _ in work():
            while results.get(n_yielded, _PENDING) is not _PENDING:
                yield results.pop(n_yielded)
                n_yielded += 1
    finally:
        errors = [helper.exception() for helper in helpers if not helper.cancel()]
    for error in filter(None, errors):
        raise error
    yield from results.values()
