"""Reference against new data."""

import itertools
import math
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skxent.feature_selection import (
    CrossEntropySelector,
    distribution_shift,
)
from skxent.information import jensen_shannon


class TestShift:
    """Reference against new data."""

    def test_table(self):
        rng = np.random.default_rng(0)
        reference = pd.DataFrame({"same": rng.normal(size=800), "city": rng.choice(["A", "B"], 800)})
        new = pd.DataFrame({"city": rng.choice(["A", "B", "C"], 600), "same": rng.normal(size=600)})
        table = distribution_shift(reference, new, base=2)
        assert table.index.tolist() == ["same", "city"]
        assert table.columns.tolist() == ["js", "p_value", "p_adjusted", "n_bins"]
        levels = [[np.sum(frame["city"] == city) for city in "ABC"] for frame in (reference, new)]
        assert table.loc["city", "js"] == pytest.approx(jensen_shannon(*levels, base=2, normalize=True))
        assert table.loc["city", "p_value"] < 1e-20
        assert table.loc["same", "p_value"] > 0.05
        assert_allclose(table["p_adjusted"], stats.false_discovery_control(table["p_value"]))
        polars = [pl.from_dict(frame.to_dict("list")) for frame in (reference, new)]
        pd.testing.assert_frame_equal(distribution_shift(*polars, base=2, n_jobs=2), table)

    @pytest.mark.parametrize("base", [None, 2])
    def test_metrics(self, base):
        reference, new = np.repeat([0, 1, 2], [50, 30, 20]), np.repeat([0, 1, 3], [10, 30, 40])
        r = (np.array([50, 30, 20, 0]) + 0.5) / 102
        p = (np.array([10, 30, 0, 40]) + 0.5) / 82
        expected = {
            "kl": np.sum(p * np.log(p / r)),
            "psi": np.sum((p - r) * np.log(p / r)),
            "cross_entropy": -np.sum(p * np.log(r)),
        }
        for metric, value in expected.items():
            table = distribution_shift(
                reference[:, None], new[:, None], metric=metric, categorical_features=[0], base=base
            )
            assert table[metric].item() == pytest.approx(value / np.log(base or np.e))

    @pytest.mark.parametrize("metric", ["js", "psi"])
    def test_sparse_equals_dense(self, metric):
        rng = np.random.default_rng(0)
        data = rng.poisson(0.3, (200, 5)), rng.poisson([0.3, 0.3, 0.6, 0.3, 3], (300, 5))
        sparse = map(sp.csr_array, data)
        pd.testing.assert_frame_equal(
            distribution_shift(*data, metric=metric), distribution_shift(*sparse, metric=metric)
        )

    def test_no_drift_is_called_at_the_rate_it_should(self):
        rng = np.random.default_rng(0)
        reference, new = rng.normal(size=(100, 2000)), rng.normal(size=(100, 2000))
        table = distribution_shift(reference, new, metric="psi", n_bins=10)
        assert 0.035 < np.mean(table["p_value"] <= 0.05) < 0.065
        assert np.mean(table["psi"] > 0.1) > 0.5  # the customary limit cries wolf

    def test_different_columns_are_named(self):
        frame = pd.DataFrame({"a": range(5), "b": range(5)})
        with pytest.raises(ValueError, match=r"X_new lacks \['b'\], and X_reference lacks \['c', 'd'\]"):
            distribution_shift(frame, frame.rename(columns={"b": "c"}).assign(d=1))
        with pytest.raises(ValueError, match=r"X_new lacks \['x2'\], and X_reference lacks none"):
            distribution_shift(np.zeros((5, 3)), np.zeros((5, 2)))
        with pytest.raises(ValueError, match="Column 'b' holds numbers in one data set, text in the other"):
            distribution_shift(frame, frame.assign(b=list("abcde")))
        with pytest.raises(TypeError, match="is sparse, the other is not"):
            distribution_shift(np.zeros((5, 2)), sp.csr_array((5, 2)))

    @pytest.mark.parametrize("values", [list("ab") * 10, [1.5, 2.0] * 10, [True, False] * 10, "dates", "durations"])
    @pytest.mark.parametrize("missing", [None, math.nan, pd.NaT, pd.NA])
    def test_column_without_a_value_in_one_data_set(self, values, missing):
        if isinstance(values, str):
            days = np.datetime64("2024-01-01") + np.arange(20).astype("timedelta64[D]")
            values = days if values == "dates" else days - days[0]
        full = pd.DataFrame({"a": values})
        frames = full, pd.DataFrame({"a": [missing] * 20}), pd.DataFrame({"a": [None] * 20})
        n_bins = CrossEntropySelector().fit(pd.concat([full] * 2), np.arange(40) % 2).n_bins_[0]
        for reference, new in itertools.permutations(frames, 2):
            table = distribution_shift(reference, new, base=2)
            gone = full is not reference and full is not new
            assert table["n_bins"].item() == (1 if gone else n_bins + 1)
            assert table["js"].item() == pytest.approx(0 if gone else 1)

    def test_dates_are_no_numbers(self):
        days = np.datetime64("2024-01-01") + np.arange(20).astype("timedelta64[D]")
        with pytest.raises(ValueError, match="Column 'a' holds dates in one data set, numbers in the other"):
            distribution_shift(pd.DataFrame({"a": days}), pd.DataFrame({"a": range(20)}))
        with pytest.raises(ValueError, match="Column 'x0' holds durations in one data set, dates in the other"):
            distribution_shift((days - days[0])[:, None], days[:, None])

    def test_columns_are_matched_by_name_whatever_its_type(self):
        frame = pd.DataFrame({0: range(10), 1: np.arange(10) % 2})
        table = distribution_shift(frame, frame[[1, 0]], categorical_features=["1"])
        assert table.index.tolist() == ["0", "1"]
        assert_array_equal(table["js"], 0.0)

    def test_without_pandas(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(ImportError, match="pip install pandas"):
            distribution_shift(np.zeros((5, 3)), np.zeros((5, 3)))

    @pytest.mark.parametrize("quantiles", ["both", "reference"])
    def test_psi_of_other_tools(self, quantiles):
        rng = np.random.default_rng(0)
        reference, new = rng.normal(size=(1000, 2)), rng.normal(size=(500, 2)) + np.array([0, 0.3])
        cuts = np.quantile(reference[:, 1], np.arange(1, 10) / 10, method="inverted_cdf")
        ends = np.nextafter(np.concatenate([[-np.inf], cuts, [np.inf]]), np.inf)
        r, p = (np.histogram(data[:, 1], ends)[0] / len(data) for data in (reference, new))
        options = {"edges": {"x1": cuts}} if quantiles == "both" else {"n_bins": 10, "quantiles": "reference"}
        table = distribution_shift(reference, new, metric="psi", smoothing=0, **options)
        assert table.loc["x1", "psi"] == pytest.approx(np.sum((p - r) * np.log(p / r)))

    def test_bins_of_the_reference_for_all_kinds_of_columns(self):
        rng = np.random.default_rng(0)
        frame = pd.DataFrame(
            {
                "x": np.where(rng.random(200) < 0.2, np.nan, rng.normal(size=200)),
                "city": rng.choice(["A", "B", None], 200),
                "day": np.datetime64("2024-01-01") + rng.integers(0, 30, 200).astype("timedelta64[D]"),
            }
        )
        same = distribution_shift(frame, frame, quantiles="reference", n_bins=5)
        assert_allclose(same["js"], 0, atol=1e-12)
        assert same["n_bins"].tolist() == [6, 3, 5]
        with pytest.raises(ValueError, match=r"edges names columns that the data sets do not have: \['age'\]"):
            distribution_shift(frame, frame, edges={"age": [1]})

    def test_a_shift_of_a_small_batch(self):
        rng = np.random.default_rng(0)
        reference, new = rng.normal(size=(20_000, 100)), rng.normal(size=(200, 100)) + 0.2
        found = distribution_shift(reference, new, correction=None)["p_adjusted"] < 0.05
        kolmogorov = [stats.ks_2samp(*columns).pvalue < 0.05 for columns in zip(reference.T, new.T, strict=True)]
        assert np.mean(found) >= np.mean(kolmogorov) - 0.05


def test_edges_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match=r"edges\['x0'\] holds a value that is not a number"):
        distribution_shift(np.arange(9.0)[:, None], np.arange(9.0)[:, None], edges={"x0": [0, np.nan]})
