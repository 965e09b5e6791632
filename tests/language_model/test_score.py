"""Scores: parts add up to the whole, and every figure is a loop over events."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skxent.language_model import Score, count_text, fit_unigram
from skxent.language_model._corpus import counted_text

AMOUNTS = {"lines": 1, "sentences": 1, "tokens": 4, "unknown_tokens": 1, "ends": 1, "bytes": 10, "characters": 8}
SCORE = Score(**AMOUNTS, log_prob_known=-4 * math.log(4), log_prob_unknown=-math.log(16))


def test_figures_of_one_text():
    assert (SCORE.events, SCORE.known.events) == (5, 4)
    assert SCORE.cross_entropy(2) == pytest.approx((4 * 2 + 4) / 5)
    assert SCORE.perplexity == pytest.approx(2 ** (12 / 5))
    assert SCORE.known.perplexity == pytest.approx(4)
    assert SCORE.bits_per_byte == pytest.approx(12 / 10)
    assert SCORE.bits_per_character == pytest.approx(12 / 8)
    assert SCORE.under("skip") == SCORE.known
    assert SCORE.under("unk") is SCORE


@given(st.lists(st.tuples(*[st.integers(0, 1000)] * 9), min_size=1, max_size=6))
def test_parts_add_up_however_they_are_cut(rows):
    numbers = [Score(*row[:7], -float(row[7]), -float(row[8])) for row in rows]
    together = Score.from_matrix(np.array([[*row[:7], -float(row[7]), -float(row[8])] for row in rows]))
    total = sum(numbers[1:], numbers[0])
    assert together.total() == total
    assert Score.concatenate([together, together]).total() == total + total
    np.testing.assert_array_equal(Score.from_matrix(together.matrix()).tokens, together.tokens)


@given(st.integers(0, 5), st.integers(0, 5), st.floats(-50, 0))
def test_one_record_and_many_have_the_same_figures(tokens, ends, log_prob):
    one = Score(tokens=tokens, ends=ends, bytes=tokens, characters=ends, log_prob_known=log_prob)
    many = one.each(lambda amount: np.array([amount, amount]))
    for figure in ("perplexity", "bits_per_byte", "bits_per_character"):
        np.testing.assert_array_equal(getattr(many, figure), [getattr(one, figure)] * 2)
    np.testing.assert_array_equal(many.cross_entropy(10), [one.cross_entropy(10)] * 2)


def test_nothing_scored_has_no_figure_and_certainty_has_no_sign():
    assert all(math.isnan(figure) for figure in (Score().cross_entropy(), Score().perplexity, Score().bits_per_byte))
    assert str(Score(tokens=2, bytes=2).cross_entropy()) == str(Score(tokens=2, bytes=2).bits_per_byte) == "0.0"


def test_impossible_events_are_infinitely_perplexing():
    score = Score(tokens=2, unknown_tokens=1, log_prob_known=-1.0, log_prob_unknown=-math.inf)
    assert (score.perplexity, score.known.perplexity) == (math.inf, pytest.approx(math.e))
    assert Score(tokens=1, log_prob_known=-1e5).perplexity == math.inf


@given(
    st.lists(st.text("ab </s>\n", max_size=20), max_size=4),
    st.booleans(),
    st.sampled_from(["unk", "skip"]),
    st.sampled_from(["laplace", "mle"]),
)
def test_a_text_has_the_same_figures_without_strings_of_its_words(texts, end_of_sentence, oov, smoothing):
    """To the last bit, and with the same examples of impossible words."""
    model = fit_unigram(count_text(["a b a", "b a ab"]), smoothing=smoothing, end_of_sentence=end_of_sentence)
    texts = [*texts, "a c"]
    assert model.evaluate(counted_text(texts), oov=oov) == model.evaluate(count_text(texts), oov=oov)


def test_unknown_words_are_named_without_strings_too():
    with pytest.raises(ValueError, match=r"^3 tokens are unknown words, such as 'c', 'd'$"):
        fit_unigram(count_text(["a"])).evaluate(counted_text(["a c d", "c"]), oov="error")
