"""Labels keep their digits, and missing ones are named, in every container and by whatever is fitted on them."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from skxent import CrossEntropySelector, SoftmaxRegressor, UnigramClassifier, cross_entropy_classif
from skxent._labels import plain_labels
from skxent.feature_selection import cross_entropy_regression
from skxent.label_noise import label_quality

KIND = np.arange(60) % 3
X = np.c_[KIND == 0, KIND == 1, np.arange(60) / 60].astype(float)
DOCUMENTS = np.array(["a b", "c d", "e f"])[KIND]
# As float64 the first two are one number.
BIG = 2**53 + KIND

COLUMNS = {
    "Int64": pd.Series(BIG, dtype="Int64"),
    "Int64, not a Series": pd.array(BIG, dtype="Int64"),
    "Arrow in pandas": pd.Series(BIG, dtype="int64[pyarrow]"),
    "UInt64": pd.Series(BIG, dtype="UInt64"),
    "frame": pd.DataFrame({"y": pd.Series(BIG, dtype="Int64")}),
    "Arrow": pa.array(BIG),
    "Polars": pl.Series(BIG),
    "objects": BIG.astype(object),
    "list": BIG.tolist(),
    "mask of nothing": np.ma.masked_array(BIG, mask=False),
}


@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
@pytest.mark.parametrize("kind", COLUMNS)
def test_integers_keep_their_digits(kind):
    y = COLUMNS[kind]
    for model, features in ((SoftmaxRegressor(alpha=1e-3), X), (UnigramClassifier(), DOCUMENTS)):
        model.fit(features, y)
        assert_array_equal(model.classes_, [2**53, 2**53 + 1, 2**53 + 2])
        assert model.classes_.dtype.kind in "iu"
        assert_array_equal(model.predict(features), BIG)
    expected = cross_entropy_classif(X, KIND)[0]
    assert_array_equal(cross_entropy_classif(X, y)[0], expected)
    assert_array_equal(CrossEntropySelector().fit(X, y).scores_, expected)
    assert len(label_quality(SoftmaxRegressor(), X, y).ranking(60)) == 60


@pytest.mark.parametrize("y", [pd.Series(KIND > 0, dtype="boolean"), (KIND > 0).astype(object), pa.array(KIND > 0)])
def test_booleans_stay_booleans(y):
    model = SoftmaxRegressor().fit(X, y)
    assert model.classes_.dtype == bool
    assert model.score(X, y) == 1


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (pd.Series([None, *BIG[1:]], dtype="Int64"), r"y\[0\] is <NA>: leave out"),
        (pd.Series(np.r_[BIG[:-1], 0], dtype="Int64").replace(0, pd.NA), r"y\[59\] is <NA>"),
        (pd.Series([*DOCUMENTS[:5], None, *DOCUMENTS[6:]], dtype="string"), r"y\[5\] is <NA>"),
        ([*DOCUMENTS[:5], np.nan, *DOCUMENTS[6:]], r"y\[5\] is nan"),
        (np.array([None, *DOCUMENTS[1:]], dtype=object), r"y\[0\] is None"),
        (np.ma.masked_equal(KIND, 1), r"y\[1\] is masked"),
        ([1, *DOCUMENTS[1:]], "labels of type int, str.*turn all into text"),
        ([Decimal(int(kind)) for kind in KIND], "labels of type Decimal"),
        (np.array([date(2020, 1, 1 + int(kind)) for kind in KIND], dtype=object), "labels of type date"),
        ([2**70 + int(kind) for kind in KIND], "at most 64 bits"),
        ([-1, *(2**63 + KIND[1:].astype(object))], "at most 64 bits"),
    ],
)
def test_what_is_no_label_is_named(y, message):
    fits = (
        lambda: SoftmaxRegressor().fit(X, y),
        lambda: SoftmaxRegressor().fit(X, KIND).score(X, y),
        lambda: UnigramClassifier().fit(DOCUMENTS, y),
        lambda: cross_entropy_classif(X, y),
        lambda: label_quality(SoftmaxRegressor(), X, y),
    )
    for fit in fits:
        with pytest.raises(ValueError, match=message):
            fit()


def test_masked_features_and_weights_are_refused():
    """What lies behind a mask is no value."""
    masked = np.ma.masked_array(X, mask=np.zeros_like(X))
    masked[7, 2] = np.ma.masked
    model = SoftmaxRegressor().fit(X, KIND)
    for call in (lambda: model.fit(masked, KIND), lambda: model.predict(masked), lambda: model.score(masked, KIND)):
        with pytest.raises(ValueError, match=r"X\[7, 2\] is masked"):
            call()
    weight = np.ma.masked_equal(np.arange(60.0), 3)
    for call in (model.fit, cross_entropy_classif):
        with pytest.raises(ValueError, match=r"sample_weight\[3\] is masked"):
            call(X, KIND, sample_weight=weight)
    with pytest.raises(ValueError, match=r"y\[3\] is masked"):
        cross_entropy_regression(X, weight)


def test_a_column_called_mask_masks_nothing():
    frame = pd.DataFrame(X, columns=["a", "_mask", "c"])
    assert SoftmaxRegressor().fit(frame, KIND).score(frame, KIND) == 1


def test_matrices_and_nothing_pass():
    soft = np.full((4, 3), 1 / 3)
    assert plain_labels(soft) is soft
    assert plain_labels(None) is None
    assert plain_labels([[0, 1], [1, 0]]) == [[0, 1], [1, 0]]


@pytest.mark.parametrize("fit", [SoftmaxRegressor().fit, CrossEntropySelector().fit, cross_entropy_classif])
def test_complex_numbers_are_refused_in_one_line(fit):
    for name, given in (("X", (X * 1j, KIND)), ("y", (X, KIND * 1j))):
        with pytest.raises(ValueError, match=f"^Complex data not supported: {name} holds complex128; [^\n]*$"):
            fit(*given)
