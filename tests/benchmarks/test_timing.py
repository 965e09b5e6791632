"""The parts of the benchmarks: times and curves."""

import math

import _timing
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_time_to_is_linear_in_the_logarithm_of_the_distance():
    curve = [(1.0, 2.0), (2.0, 1.1), (4.0, 1.001)]
    assert _timing.time_to(curve, best=1.0, target=0.01) == pytest.approx(3.0)
    assert _timing.time_to(curve, best=1.0, target=5.0) == 1.0
    assert _timing.time_to(curve, best=1.0, target=1e-6) == math.inf
    assert _timing.time_to([], best=1.0, target=1.0) == math.inf


def test_thinned_keeps_the_ends():
    points = list(range(1_000))
    few = _timing.thinned(points)
    assert (few[0], few[-1]) == (0, 999)
    assert len(few) <= 60
    assert few == sorted(set(few))
    assert _timing.thinned([]) == []
    assert _timing.thinned([7]) == [7]


def test_take_turns_leaves_the_warm_up_out():
    calls, rounds = [], []
    functions = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    seconds = _timing.take_turns(functions, 3, warm_up=1, on_round=rounds.append)
    assert calls == ["a", "b"] * 4
    assert rounds == [0, 1, 2, 3]
    assert list(seconds) == ["a", "b"]
    assert seconds["a"].shape == (3,)


class FakeTime:
    """A clock that only moves when it is told to."""

    now = 0.0

    def perf_counter(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_stopwatch_and_steady(monkeypatch):
    fake = FakeTime()
    monkeypatch.setattr(_timing, "time", fake)
    assert _timing.stopwatch(lambda: fake.sleep(0.5)) == 0.5
    durations = iter([0.25, 1.0, 0.25, 5.0])
    assert _timing.steady(lambda: fake.sleep(next(durations)), at_least=1.5) == 0.25
    assert next(durations) == 5.0
    assert _timing.steady(lambda: fake.sleep(2.0), at_least=1.5) == 2.0


def test_curve_ends_at_the_last_target(tiny):
    tiny.best = tiny.objective(*optimum(tiny))
    points = [(float(i), scale * optimum(tiny)[0], optimum(tiny)[1]) for i, scale in enumerate([0, 0.9, 1, 1])]
    curve = _timing.curve(tiny, points)
    assert [seconds for seconds, _ in curve] == [0.0, 1.0, 2.0]
    assert curve[0][1] > curve[1][1] > curve[2][1]


def test_curve_remembers_a_better_optimum(tiny):
    coef, intercept = optimum(tiny)
    tiny.best = 10.0
    (_, value), *_ = _timing.curve(tiny, [(1.0, coef, intercept)])
    assert tiny.best == value < 10


def test_recorded_and_budgeted_end_at_the_same_place(tiny):
    """A fit that reports its iterations and one that is fitted again and again."""

    def make(max_iter):
        return LogisticRegression(C=tiny.C, tol=1e-10, max_iter=max_iter)

    tiny.best = tiny.objective(*optimum(tiny))
    points = list(_timing.recorded(make(1_000), tiny, limit=10, dtype=np.float64))
    assert [seconds for seconds, *_ in points] == sorted(seconds for seconds, *_ in points)
    assert tiny.objective(*points[-1][1:]) == pytest.approx(tiny.best, rel=1e-6)
    *_, (_, coef, intercept) = _timing.budgeted(make, tiny, limit=10, dtype=np.float64)
    assert tiny.objective(coef, intercept) == pytest.approx(tiny.best, rel=1e-6)


def test_a_fit_ends_at_the_limit(tiny):
    model = LogisticRegression(C=tiny.C, tol=1e-10, max_iter=1_000)
    assert len(list(_timing.recorded(model, tiny, limit=0, dtype=np.float64))) == 1


def optimum(problem):
    """Return coefficients and intercepts at the optimum, as LogisticRegression finds them."""
    model = LogisticRegression(C=problem.C, tol=1e-10, max_iter=10_000).fit(problem.X.astype(float), problem.y)
    return model.coef_, model.intercept_
