"""Models over one vocabulary: each is a distribution, and words that no class knows say nothing."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

from skxent.language_model import SMOOTHINGS
from skxent.language_model._class_counts import ClassCounts
from skxent.language_model._shared_vocabulary import BACKGROUNDS, fit_shared
from skxent.language_model._smoothing import SmoothingWarning, make_smoothing


def fitted(counts, outside=0.0, smoothing="witten_bell", **options):
    counts = np.asarray(counts, dtype=np.float64)
    outsides = np.zeros(len(counts))
    outsides[0] = outside
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmoothingWarning)
        return fit_shared(ClassCounts(csr_array(counts), outsides), smoothing=make_smoothing(smoothing), **options)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("smoothing", list(SMOOTHINGS))
@pytest.mark.parametrize("outside", [0.0, 3.0])
@settings(max_examples=8)
@given(counts=arrays(np.float64, (3, 6), elements=st.integers(0, 9)))
def test_each_model_sums_to_one(smoothing, background, outside, counts):
    counts[0, 0] += 1
    models = fitted(counts, outside, smoothing, background=background)
    assert np.exp(models.log_probs).sum(axis=0) == pytest.approx(1, abs=1e-12)
    assert len(set(models.log_probs[-1])) == 1


@pytest.mark.parametrize("smoothing", list(SMOOTHINGS))
def test_rare_words_are_outside_and_the_rest_sums_to_one(smoothing):
    models = fitted([[5, 1, 0, 2], [0, 0, 1, 4]], 0.0, smoothing, min_count=2)
    assert models.is_outside.tolist() == [False, True, True, False]
    assert np.exp(models.log_probs[[0, 3, 4]]).sum(axis=0) == pytest.approx(1)
    assert (models.log_probs[[1, 2]] == models.log_probs[-1]).all()


def test_by_hand():
    # Pooled 3 2 1 and one open event, add one: 4 3 2 1 of 10. Class 1: 3 1 0, add one of three words: 4 2 1 of 7.
    models = fitted([[3, 1, 0], [0, 1, 1]], smoothing="laplace", background="uniform")
    assert np.exp(models.log_probs[:, 0]) == pytest.approx([0.9 * 4 / 7, 0.9 * 2 / 7, 0.9 / 7, 0.1])
    # With what all classes say as the background: (c + 3 b) / (4 + 3), b = 4/9, 3/9, 2/9.
    pooled = fitted([[3, 1, 0], [0, 1, 1]], smoothing="laplace")
    assert np.exp(pooled.log_probs[:3, 0]) == pytest.approx(0.9 * np.array([3 + 12 / 9, 1 + 1, 6 / 9]) / 7)


def test_a_class_without_text_has_the_background():
    models = fitted([[3, 1, 0], [0, 0, 0]])
    # Witten-Bell of all text: (c + 2/4) / (4 + 2) for the three words and the open event.
    assert np.exp(models.log_probs[:, 1]) == pytest.approx([3.5 / 6, 1.5 / 6, 0.5 / 6, 0.5 / 6])


def test_impossible_words_cost_much_but_not_everything():
    models = fitted([[3, 1, 0], [0, 0, 2]], smoothing="mle", background="uniform")
    assert np.isfinite(models.log_probs).all()
    assert models.log_probs[0, 1] < -700


def test_no_word_is_an_error():
    with pytest.raises(ValueError, match="vocabulary is empty"):
        fitted(np.zeros((2, 0)))
    with pytest.raises(ValueError, match="vocabulary is empty"):
        fitted([[1, 1], [0, 0]], min_count=5)
