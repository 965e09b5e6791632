"""Models of different vocabularies over the same events."""

import math

import numpy as np
import polars as pl
import pytest

from skxent import UnigramLanguageModel
from skxent.language_model import comparable, compare, count_text, fit_unigram

SMALL = fit_unigram(count_text(["qq rr ss the"]), smoothing="laplace")
LARGE = fit_unigram(count_text(["the cat sat on the mat"]), smoothing="witten_bell")


@pytest.mark.parametrize("vocab_pad", [None, 50])
def test_every_model_is_a_distribution_over_the_same_words(vocab_pad):
    union = {*SMALL.words, *LARGE.words}
    n_words = vocab_pad or len(union) + 1
    for model in comparable([SMALL, LARGE], vocab_pad=vocab_pad):
        n_lacking = n_words - len(model.words)
        assert np.exp(model.log_probs).sum() + n_lacking * math.exp(model.log_prob_unk) == pytest.approx(1, abs=1e-12)


def test_skipping_leaves_the_words_that_all_know():
    first, second = comparable([SMALL, LARGE], oov="skip")
    assert first.words.to_list() == second.words.to_list() == ["the"]
    assert [e.events for e in compare([SMALL, LARGE], ["the cat qq the"], oov="skip")] == [2, 2]
    assert SMALL.log_probs[SMALL.words.to_list().index("the")] == first.log_probs[0]


def test_the_model_that_knows_the_text_wins():
    tiny, real = (UnigramLanguageModel().fit(X) for X in (["qq rr", "ss the"], ["the dog barks", "a dog sleeps"]))
    text = ["the dog sleeps", "a cat barks"]
    unfair = [model.cross_entropy(text) for model in (tiny, real)]
    fair = [evaluation.cross_entropy for evaluation in compare([tiny, real], text)]
    assert unfair[0] < unfair[1]
    assert fair[0] > fair[1]
    assert compare([tiny, real], count_text(text))[0].cross_entropy == fair[0]


def test_models_of_one_vocabulary_stay_as_they_are():
    X = ["a b c", "c a"]
    first, second = (fit_unigram(count_text(X), smoothing=name) for name in ("laplace", "witten_bell"))
    for evaluation, model in zip(compare([first, second], X), (first, second), strict=True):
        assert evaluation.cross_entropy == model.evaluate(count_text(X)).cross_entropy


def test_only_some_with_ends_of_sentences():
    ends = fit_unigram(count_text(["a"]), end_of_sentence=True)
    with pytest.raises(ValueError, match="only one of the models has end-of-sentence events"):
        compare([ends, SMALL], ["a"])


def test_order_of_words_does_not_matter():
    shuffled = fit_unigram(count_text(["mat the on sat cat the"]), smoothing="witten_bell")
    assert compare([SMALL, shuffled], ["the cat"])[1].cross_entropy == pytest.approx(
        compare([SMALL, LARGE], ["the cat"])[1].cross_entropy
    )
    assert isinstance(shuffled.words, pl.Series)


def test_a_vocabulary_smaller_than_the_union_is_refused():
    with pytest.raises(ValueError, match="the models together have"):
        comparable([SMALL, LARGE], vocab_pad=len(LARGE.words))
    with pytest.raises(ValueError, match="at least 1 word"):
        SMALL.share_unknown(0)


def test_a_text_is_cut_as_the_estimators_cut_it():
    models = [UnigramLanguageModel(tokenizer="wordpunct", lowercase=True).fit(text) for text in (["A b. c"], ["c, d"])]
    text = ["a.b C"]
    assert compare(models, text) == compare(models, count_text(text, tokenizer="wordpunct", lowercase=True))
    assert compare(models, text)[0].unknown_tokens == 0


@pytest.mark.parametrize("other", [{"tokenizer": "wordpunct"}, {"lowercase": True}])
def test_models_of_other_tokens_do_not_go_together(other):
    models = [UnigramLanguageModel().fit(["a"]), UnigramLanguageModel(**other).fit(["a"])]
    for call in (lambda: compare(models, ["a"]), lambda: models[0].merge(models[1]), lambda: models[0] + models[1]):
        with pytest.raises(ValueError, match=rf"another {next(iter(other))}=.*: they cut text into different tokens"):
            call()


@pytest.mark.parametrize(
    ("models", "error", "message"),
    [
        ([], ValueError, "there is no model"),
        ([SMALL, 5], TypeError, r"models\[1\] is 5 \(int\), which is no fitted model"),
        ([UnigramLanguageModel()], TypeError, r"models\[0\] is UnigramLanguageModel\(\) .* no fitted model"),
    ],
)
def test_what_is_no_model_is_named(models, error, message):
    with pytest.raises(error, match=message):
        compare(models, ["the"])
