"""Data and comparisons that the tests of several modules need."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal


def _literal_bins(x, n_bins):
    """Follow the rule of `binning` as its docstring says it; -1 for missing values."""
    x = np.asarray(x, dtype=float)
    present = np.sort(x[~np.isnan(x)])
    n, bins, current, reached = len(present), {}, -1, None
    for value in np.unique(present):
        below, here = np.sum(present < value), np.sum(present == value)
        multiple = n_bins * below // n
        if multiple != reached or here * n_bins > n:
            current += 1
        bins[value], reached = current, multiple
    return np.array([-1 if np.isnan(value) else bins[value] for value in x])


def _mixed_data(rng, n=200, n_classes=3):
    """Columns of many kinds, as float, the last of them categories."""
    y = rng.integers(0, n_classes, n)
    X = np.column_stack(
        [
            rng.normal(size=n) + y,
            np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            np.where(rng.random(n) < 0.7, 0.0, rng.normal(size=n)),
            rng.integers(0, 4, n),
            rng.integers(0, 60, n),
            y ^ (rng.random(n) < 0.2),
            np.full(n, 3.0),
            np.full(n, np.nan),
            rng.permutation(n),
        ]
    )
    return X, y


def _frames():
    """Make the same data as pandas and as polars."""
    rng = np.random.default_rng(0)
    n = 400
    y = rng.choice(["no", "yes", "maybe"], n)
    city = np.where(y == "yes", rng.choice(["A", "B"], n), rng.choice(["B", "C"], n)).astype(object)
    city[:30] = None
    age = rng.normal(size=n) + (y == "no")
    age[50:80] = np.nan
    visits = [None if np.isnan(value) else round(3 * value) for value in age]
    flag = (y == "maybe") ^ (rng.random(n) < 0.2)
    days = np.where(y == "yes", 10, 0) + rng.integers(0, 20, n)
    day = np.datetime64("2024-01-01") + days.astype("timedelta64[D]")
    day[80:90] = np.datetime64("NaT", "D")
    level = rng.integers(0, 5, n)
    pandas = pd.DataFrame(
        {
            "city": city,
            "kind": pd.Categorical(city),
            "age": age,
            "visits": pd.array(visits, dtype="Int64"),
            "flag": flag,
            "day": day,
            "level": pd.Categorical(level),
        }
    )
    polars = pl.DataFrame(
        {
            "city": city.tolist(),
            "kind": pl.Series(city.tolist(), dtype=pl.Categorical),
            "age": pl.Series(age).fill_nan(None),
            "visits": visits,
            "flag": flag,
            "day": pl.Series(day),
            "level": pl.Series(level.astype(str), dtype=pl.Enum(list("01234"))),
        }
    )
    return pandas, polars, y


RESULTS = ("scores_", "scores_std_", "pvalues_", "class_scores_", "n_bins_", "target_entropy_")


def _assert_same(first, second):
    """Fitted selectors agree to the last bit."""
    for name in RESULTS:
        assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


@pytest.fixture(scope="session")
def literal_bins():
    return _literal_bins


@pytest.fixture(scope="session")
def mixed_data():
    return _mixed_data


@pytest.fixture(scope="session")
def frames():
    return _frames


@pytest.fixture(scope="session")
def assert_same():
    return _assert_same
