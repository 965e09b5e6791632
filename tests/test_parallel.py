"""Threads: as many as BLAS was allowed, none left limited, in any nesting."""

import os
import platform
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.datasets import load_iris
from threadpoolctl import threadpool_info, threadpool_limits

from skxent import SoftmaxRegressor
from skxent._parallel import worker_threads


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_one_thread_is_the_builtin_map():
    with threadpool_limits(1, user_api="blas"), worker_threads() as workers:
        assert workers == (map, map, 1)


def test_results_come_in_order_from_several_threads():
    both_there = threading.Barrier(2, timeout=30)

    def work(item):
        both_there.wait()
        return item, blas_threads()

    with threadpool_limits(2, user_api="blas"):
        with worker_threads() as workers:
            assert list(workers.map(work, range(6))) == [(k, {1}) for k in range(6)]
        assert blas_threads() == {2}


def test_results_of_a_slow_thread_are_waited_for():
    caller, slow = threading.get_ident(), []

    def work(item):
        if threading.get_ident() != caller:
            time.sleep(0.2)
            slow.append(item)
        else:
            time.sleep(0.01)
        return item

    with threadpool_limits(2, user_api="blas"), worker_threads() as workers:
        assert list(workers.map(work, range(8))) == list(range(8))
    assert 0 < len(slow) < 8


@pytest.mark.parametrize("fails_in_caller", [False, True])
def test_an_error_in_one_thread_ends_the_work_of_all(fails_in_caller):
    caller, seen = threading.get_ident(), []
    both_there = threading.Barrier(2, timeout=30)

    def work(item):
        seen.append(item)
        if len(seen) <= 2:
            both_there.wait()
            if (threading.get_ident() == caller) == fails_in_caller:
                raise ZeroDivisionError
            time.sleep(0.1)
        return item

    with threadpool_limits(2, user_api="blas"), worker_threads() as workers:
        with pytest.raises(ZeroDivisionError):
            list(workers.map(work, range(100)))
        assert len(seen) == 2
        assert list(workers.map(abs, [-1, 2])) == [1, 2]
        assert list(workers.map(abs, [])) == []


def test_another_thread_is_one_result_ahead():
    seen = []

    def work(item):
        seen.append((item, threading.get_ident()))
        return item

    with threadpool_limits(2, user_api="blas"), worker_threads() as workers:
        results = workers.prefetch(work, range(5))
        assert seen == []
        for expected, result in enumerate(results):
            time.sleep(0.05)
            assert result == expected
            assert [item for item, _ in seen] == list(range(min(expected + 2, 5)))
    assert threading.get_ident() not in [caller for _, caller in seen]


@pytest.mark.parametrize("fails_at", [0, 1, 3])
def test_an_error_ahead_comes_in_its_turn(fails_at):
    seen = []

    def work(item):
        seen.append(item)
        if item == fails_at:
            raise ZeroDivisionError
        return item

    with threadpool_limits(2, user_api="blas"), worker_threads() as workers:
        with pytest.raises(ZeroDivisionError):
            list(workers.prefetch(work, range(6)))
        assert seen in (list(range(fails_at + 1)), list(range(fails_at + 2)))
        assert list(workers.prefetch(abs, [-1])) == [1]
        assert list(workers.prefetch(abs, [])) == []
        assert next(workers.prefetch(abs, [-1, -2, -3])) == 1  # and is left there


def test_limits_come_back_after_errors_and_nesting():
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ZeroDivisionError), worker_threads(), worker_threads() as inner:
            list(inner.map(lambda x: 1 / x, [1, 0]))
        assert blas_threads() == {2}


def test_the_first_thread_in_need_not_be_the_last_one_out():
    """Though threadpoolctl lets one thread alone set limits; nor does one of ours stay the one."""
    first, second = worker_threads(), worker_threads()
    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        one.submit(first.__enter__).result()
        other.submit(second.__enter__).result()
        assert blas_threads() == {1}
        one.submit(first.__exit__, None, None, None).result()
        assert blas_threads() == {1}
        other.submit(second.__exit__, None, None, None).result()
        assert blas_threads() == {2}
        with threadpool_limits(1, user_api="blas"):
            assert blas_threads() == {1}


def test_fits_in_many_threads_at_once():
    X, y = load_iris(return_X_y=True)
    alone = SoftmaxRegressor().fit(X, y)
    with threadpool_limits(2, user_api="blas"):
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda _: SoftmaxRegressor().fit(X, y), range(12)))
        assert blas_threads() == {2}
    for model in together:
        np.testing.assert_array_equal(model.coef_, alone.coef_)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep freed memory in their own ways")
@pytest.mark.parametrize("limits", [{}, {"MALLOC_TRIM_THRESHOLD_": "65536"}])
def test_freed_memory_is_kept(limits):
    """Once a fit has run, arrays of a block's size are not fetched from the kernel page by page each time.

    Also where the environment sets a limit, as Dask does for its workers.
    """
    code = """
import resource, numpy as np
from skxent._parallel import worker_threads

def page_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(12):
        [np.ones(100_000) for _ in range(5)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = page_faults()
with worker_threads():
    pass
page_faults()
print(before, page_faults())
"""
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ | limits
    ).stdout
    before, after = map(int, output.split())
    assert before > 2_000
    assert after < 100
