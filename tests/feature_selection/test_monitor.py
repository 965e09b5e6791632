"""Drift that is watched."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skxent.feature_selection import ShiftDisplay, ShiftMonitor
from skxent.feature_selection._containers import read_data
from skxent.feature_selection._monitor import _e_bh


def kinds(rng, n):
    """Make columns of numbers, counts with ties, and numbers with gaps."""
    numbers, gaps = rng.normal(size=(2, n, 40))
    return np.column_stack([numbers, rng.poisson(1, (n, 40)), np.where(rng.random((n, 40)) < 0.3, np.nan, gaps)])


def test_false_alarms_at_any_look():
    rng = np.random.default_rng(0)
    monitor = ShiftMonitor().fit(kinds(rng, 100))
    largest = np.zeros(120)
    for _ in range(100):
        monitor.partial_fit(kinds(rng, 5))
        largest = np.maximum(largest, monitor.log_e_values_)
    assert np.mean(largest > np.log(20)) <= 0.05


def test_pvalues_are_uniform_whatever_the_batches():
    rng = np.random.default_rng(0)
    monitor = ShiftMonitor().fit(kinds(rng, 50))
    pvalues = np.concatenate(
        [monitor._rank(np.stack(monitor._codes(read_data(kinds(rng, n))))) for n in (1, 100, 7)], axis=1
    )
    assert np.abs(np.histogram(pvalues, 10, (0, 1))[0] / pvalues.size - 0.1).max() < 0.01


@pytest.mark.parametrize("change", [lambda X: X + 0.5, lambda X: X - 0.5, lambda X: 2 * X, lambda X: X * np.nan])
@pytest.mark.parametrize("earlier", [0, 500])
def test_changes_are_found(change, earlier):
    rng = np.random.default_rng(0)
    monitor = ShiftMonitor().fit(rng.normal(size=(2000, 30)))
    for _ in range(earlier // 50):
        monitor.partial_fit(rng.normal(size=(50, 30)))
    for _ in range(4):
        X = rng.normal(size=(50, 30))
        X[:, :10] = change(X[:, :10])
        monitor.partial_fit(X)
    assert np.mean(monitor.alarms_[:10]) >= 0.5
    assert np.mean(monitor.alarms_[10:]) <= 0.05


def test_state_is_json_and_goes_on_as_before():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=90), "city": rng.choice(["A", "B", None], 90)})
    monitor = ShiftMonitor(alpha=0.1).fit(frame[:50]).partial_fit(frame[50:70])
    text = monitor.to_json()
    json.loads(text, parse_constant=pytest.fail)
    restored = ShiftMonitor.from_json(text)
    for each in (monitor, restored):
        each.partial_fit(pl.DataFrame({name: frame[name][70:].tolist() for name in ("city", "x")}, strict=False))
    assert_array_equal(restored.log_e_values_, monitor.log_e_values_)
    assert restored.to_json() == monitor.to_json()
    assert restored.get_params() == monitor.get_params() == clone(monitor).get_params()
    with pytest.raises(ValueError, match="is no state of a ShiftMonitor"):
        ShiftMonitor.from_json("[]")


@pytest.mark.parametrize(
    "column",
    [
        2**62 + np.arange(40) % 2,
        pd.array([2**62 + at % 2 if at % 3 else None for at in range(40)], dtype="Int64"),
        np.array([2**64 - 1 - at % 2 for at in range(40)], dtype=np.uint64),
        np.arange(40) % 2 == 0,
        (np.arange(40) % 7 / 7).astype(np.float32),
        np.datetime64("2026-11-26") + np.arange(40) % 5,
        np.where(np.arange(40) % 2, np.inf, -np.inf),
    ],
    ids=["int64", "Int64 with gaps", "uint64", "bool", "float32", "dates", "infinite"],
)
def test_state_keeps_every_digit(column):
    X = pd.DataFrame({"a": column})
    monitor = ShiftMonitor().fit(X)
    restored = ShiftMonitor.from_json(monitor.to_json())
    for each in (monitor, restored):
        each.partial_fit(X)
    assert_array_equal(restored.log_e_values_, monitor.log_e_values_)


def test_new_categories_are_a_change():
    reference = pd.DataFrame({"city": ["A", "B"] * 200})
    monitor = ShiftMonitor().fit(reference).partial_fit(pd.DataFrame({"city": ["C"] * 40}))
    assert monitor.alarms_.all()
    table = monitor.table()
    assert table.index.tolist() == ["city"]
    assert table["largest"].item() >= table["e_value"].item() > 20


def test_messages():
    with pytest.raises(ValueError, match="no state of a ShiftMonitor: it is no JSON"):
        ShiftMonitor.from_json("reference")
    monitor = ShiftMonitor().fit(pd.DataFrame({"a": range(9)}))
    with pytest.raises(ValueError, match=r"The reference has columns \['a'\], which X does not have"):
        monitor.partial_fit(pd.DataFrame({"b": range(9)}))
    with pytest.raises(ValueError, match="Column 'a' holds text; in the data before it held numbers"):
        monitor.partial_fit(pd.DataFrame({"a": list("xyz")}))
    with pytest.raises(ValueError, match="has seen no new rows"):
        ShiftDisplay.from_estimator(monitor)


def test_e_bh():
    log_e = np.log([100.0, 30.0, 1.0, 1.0])
    assert_array_equal(_e_bh(log_e, 0.05), [True, False, False, False])
    assert_array_equal(_e_bh(np.log([100.0, 45.0, 1.0, 1.0]), 0.05), [True, True, False, False])
    assert not _e_bh(np.log([70.0, 30.0, 1.0, 1.0]), 0.05).any()


def test_picture():
    rng = np.random.default_rng(0)
    monitor = ShiftMonitor().fit(rng.normal(size=(100, 8)))
    for _ in range(3):
        monitor.partial_fit(rng.normal(size=(10, 8)))
    display = ShiftDisplay.from_estimator(monitor, max_columns=3)
    *columns, limit = (text.get_text() for text in display.ax_.get_legend().get_texts())
    assert len(columns) == 3
    assert limit == "alarm of one alone: 160"
    (least,) = {float(y) for line in display.ax_.lines for y in line.get_ydata() if line.get_linestyle() == "--"}
    assert not _e_bh(np.log([0.999 * 10**least, *[1.0] * 7]), monitor.alpha).any()
    assert _e_bh(np.log([1.001 * 10**least, *[1.0] * 7]), monitor.alpha)[0]
    plt.close(display.figure_)


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("names", ["a"], "do not fit"),
        ("counts", [[1, 2]], "counts do not fit"),
        ("counts", "x", "damaged"),
        ("rows", [5, 5, 1], "counts do not fit"),
        ("history", [[5, [1.0]]], r"history\[0\] do not fit"),
        ("parameters", {"alpha": 5}, "alpha"),
        ("parameters", {"size": 5}, "size"),
        ("levels", [{}], "damaged"),
        ("random", {}, "damaged"),
        ("alarms", None, "alarms"),
    ],
)
def test_a_damaged_state_is_refused(part, value, message):
    rng = np.random.default_rng(0)
    state = json.loads(ShiftMonitor().fit(rng.normal(size=(50, 2))).partial_fit(rng.normal(size=(9, 2))).to_json())
    with pytest.raises(ValueError, match=f"damaged: .*{message}" if message != "damaged" else message):
        ShiftMonitor.from_json(json.dumps({**state, part: value}))
    del state[part]
    with pytest.raises(ValueError, match=f"damaged: KeyError: '{part}'"):
        ShiftMonitor.from_json(json.dumps(state))


def test_tags_say_that_columns_of_any_kind_are_taken():
    tags = ShiftMonitor().__sklearn_tags__().input_tags
    assert tags.allow_nan
    assert tags.categorical
    assert tags.string
