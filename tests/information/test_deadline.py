"""The limit to the processor time of a measure."""

import math
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skxent.information._deadline import Deadline


def busy(x):
    """Take a millisecond a point."""
    end = time.thread_time() + len(x) / 1000
    while time.thread_time() < end:
        pass
    return 2 * x


def test_pieces_make_the_whole():
    x = np.arange(10_000.0)
    assert_array_equal(Deadline(math.inf).in_pieces(np.square, x), x**2)
    assert Deadline(1).in_pieces(np.square, x[:0]).shape == (0,)


def test_long_work_stops_soon_after_the_end():
    start = time.thread_time()
    with pytest.raises(TimeoutError, match=r"within 0\.1 seconds of processor time"):
        Deadline(0.1).in_pieces(busy, np.arange(10_000.0))
    assert time.thread_time() - start < 1


def test_sleep_is_not_counted():
    deadline = Deadline(0.4)
    deadline.check()
    time.sleep(0.03)
    deadline.spent()
    time.sleep(0.5)
    deadline.check()


def test_a_share_ends_earlier_and_gives_the_rest_back():
    deadline = Deadline(1000)
    with deadline.share(0.25):
        assert 240 < deadline.allowed < 260
    assert deadline.allowed == 1000


def test_a_watched_function_is_not_called_after_the_end():
    calls = []
    watched = Deadline(1e-9).watch(calls.append)
    with pytest.raises(TimeoutError):
        watched(1)
    assert calls == []


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
def test_bad_limits(seconds):
    with pytest.raises(ValueError, match="time_limit must be above 0"):
        Deadline(seconds)
