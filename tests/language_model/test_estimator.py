"""The estimator and the model under it: worked cases, NLTK, SRILM's arithmetic, Brown, scikit-learn."""

import gzip
import io
import math
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

from skxent import UnigramClassifier, UnigramLanguageModel
from skxent.language_model import (
    SMOOTHINGS,
    CorpusCounts,
    CorpusError,
    FittedUnigram,
    GoodTuring,
    WittenBell,
    WordScores,
    count_text,
    fit_unigram,
)
from skxent.language_model._vocabulary import Vocabulary

quiet = pytest.mark.filterwarnings("ignore::skxent.language_model.SmoothingWarning")

TRAIN = ["a b a", "b a c"]
WORDS = st.text(st.sampled_from("abcdé \n€"), max_size=30)
CORPORA = st.lists(WORDS, min_size=1, max_size=6)


# Hand-worked figures.


@pytest.mark.parametrize(
    ("smoothing", "parameter", "bits", "perplexity"),
    [
        ("laplace", None, 2.407958, 5.307228),
        ("witten_bell", None, 2.441231, 5.431050),
        ("absolute_discounting", 0.5, 2.483469, 5.592406),
        ("jelinek_mercer", 0.5, 2.356075, 5.119756),
    ],
)
def test_hand_cases(smoothing, parameter, bits, perplexity):
    model = UnigramLanguageModel(smoothing=smoothing, smoothing_parameter=parameter, end_of_sentence=True).fit(TRAIN)
    assert model.model_.n_vocabulary == 5
    assert model.cross_entropy(["a b d"]) == pytest.approx(bits, abs=5e-7)
    assert model.perplexity(["a b d"]) == pytest.approx(perplexity, abs=5e-7)


def test_hand_case_to_the_last_digit():
    evaluation = UnigramLanguageModel(smoothing="laplace", end_of_sentence=True).fit(TRAIN).evaluate(["a b d"])
    expected = -math.log2(4 / 13 * 3 / 13 * 1 / 13 * 3 / 13) / 4
    assert evaluation.cross_entropy == pytest.approx(expected, rel=1e-12)
    assert evaluation.perplexity == pytest.approx(2**expected, rel=1e-12)
    assert evaluation.perplexity_known == pytest.approx((4 / 13 * 3 / 13 * 3 / 13) ** (-1 / 3), rel=1e-12)
    assert evaluation.log_probability_unknown == pytest.approx(-math.log2(13))
    assert evaluation.bits_per_byte == evaluation.bits_per_character == pytest.approx(expected * 4 / 5)
    assert (evaluation.tokens, evaluation.events, evaluation.sentences, evaluation.types) == (3, 4, 1, 3)
    assert (evaluation.unknown_tokens, evaluation.unknown_types, evaluation.unit) == (1, 1, "bits")


# The cases of nltk.test.unit.lm: `<s>` and `</s>` are words there.
NLTK_TRAIN = [["<s>", *"abcd", "</s>"], ["<s>", *"egadbe", "</s>"]]
NLTK_TEXT = [["<s>", "a", "c", "-", "d", "c", "</s>"]]
NLTK_WORDS = ["a", "b", "c", "d", "z", "<s>", "</s>"]


@pytest.mark.parametrize(
    ("smoothing", "parameter", "a", "z", "unseen"),
    [
        ("mle", None, 2 / 14, 0, 3 / 14),
        ("lidstone", 0.1, 2.1 / 14.8, 0.1 / 14.8, 3.1 / 14.8),
        ("laplace", None, 3 / 22, 1 / 22, 4 / 22),
    ],
)
def test_cases_of_nltk(smoothing, parameter, a, z, unseen):
    model = UnigramLanguageModel(smoothing=smoothing, smoothing_parameter=parameter, vocabulary=NLTK_WORDS)
    model.fit(NLTK_TRAIN)
    (scores,) = model.token_log_proba([["a", "z", "unseen"]])
    np.testing.assert_allclose(np.exp2(scores), [a, z, unseen], rtol=1e-12)


def test_entropy_of_nltk():
    model = UnigramLanguageModel(smoothing="mle", vocabulary=NLTK_WORDS).fit(NLTK_TRAIN)
    assert model.cross_entropy(NLTK_TEXT) == pytest.approx(3.009503136240297, rel=1e-12)
    assert model.perplexity(NLTK_TEXT) == pytest.approx(8.05287051651469, rel=1e-12)


@settings(max_examples=40)
@given(train=CORPORA, test=CORPORA, gamma=st.floats(0.01, 10))
def test_nltk_agrees_on_random_corpora(train, test, gamma):
    lm = pytest.importorskip("nltk.lm")
    train, test = ([text.split() for text in corpus] for corpus in (train, test))
    if not any(train) or not any(test):
        return
    peer = lm.Lidstone(gamma, 1)
    peer.fit(
        [[(token,) for token in tokens] for tokens in train],
        vocabulary_text=[t for line in train for t in line],
    )
    model = UnigramLanguageModel(smoothing_parameter=gamma).fit(train)
    tokens = [(token,) for line in test for token in line]
    assert model.cross_entropy(test) == pytest.approx(peer.entropy(tokens), rel=1e-9)
    assert model.perplexity(test) == pytest.approx(peer.perplexity(tokens), rel=1e-9)


def test_arithmetic_of_srilm():
    """The worked example in SRILM's FAQ: words without unknown ones, plus sentences."""
    known, unknown, sentences, log10_prob = 1_000_015 - 34_153, 34_153, 61_031, -3.20177e6
    share = log10_prob * math.log(10) / (known + sentences)
    model = FittedUnigram(Vocabulary.of_strings(pl.Series(["w"])), np.array([share]), -math.inf, share)
    table = pl.DataFrame({"word": ["w", "oov"], "count": [known, unknown]})
    evaluation = model.evaluate(CorpusCounts(table, sentences, sentences, 1, 1), oov="skip", base=10)
    # The log-probability is known to six digits, the perplexities therefore to one part in 10^5.
    assert evaluation.perplexity == pytest.approx(1311.97, rel=1.2e-5)
    assert evaluation.log_probability == pytest.approx(log10_prob)
    assert 10 ** (-evaluation.log_probability / known) == pytest.approx(2065.09, rel=1.2e-5)


def test_brown():
    data = pytest.importorskip("nltk.data")
    try:
        data.find("corpora/brown.zip")
    except LookupError:
        pytest.skip("the Brown corpus is not in NLTK's data")
    brown = pytest.importorskip("nltk.corpus").brown
    words = list(brown.words())
    model = UnigramLanguageModel(smoothing="mle").fit([words])
    evaluation = model.evaluate([words])
    assert (evaluation.tokens, evaluation.types) == (1_161_192, 56_057)
    assert evaluation.cross_entropy == pytest.approx(10.336542, abs=5e-7)
    lowered = UnigramLanguageModel(smoothing="mle", lowercase=True).fit([words])
    assert lowered.cross_entropy([words]) == pytest.approx(10.101386, abs=5e-7)


# Figures of a corpus are sums over its tokens.


@quiet
@settings(max_examples=25)
@pytest.mark.parametrize("smoothing", sorted(SMOOTHINGS))
@given(train=CORPORA, test=CORPORA, eos=st.booleans())
def test_figures_are_a_loop_over_tokens(smoothing, train, test, eos):
    if not any(text.split() for text in train) or not any(text.split() for text in test):
        return
    model = UnigramLanguageModel(smoothing=smoothing, end_of_sentence=eos).fit(train)
    p = dict(zip(model.vocabulary_, np.exp(model.model_.log_probs), strict=True))
    p_unknown, p_end = np.exp(model.model_.log_prob_unk), np.exp(model.model_.log_prob_eos or 0)
    assert abs(sum(p.values()) + p_unknown + eos * p_end - 1) < 1e-12
    with np.errstate(divide="ignore"):
        expected = [
            [
                np.log2(q)
                for line in text.split("\n")
                if line.split()
                for q in _probabilities(line, p, p_unknown, p_end, eos)
            ]
            for text in test
        ]
    flat = [x for scores in expected for x in scores]
    assert model.cross_entropy(test) == pytest.approx(-np.mean(flat), rel=1e-9)
    assert model.score(test) == -model.cross_entropy(test)
    np.testing.assert_allclose(model.score_samples(test), [sum(s) for s in expected], rtol=1e-9)
    for ours, theirs in zip(model.token_log_proba(test), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def _probabilities(line, p, p_unknown, p_end, eos):
    return [*(p.get(token, p_unknown) for token in line.split()), *([p_end] if eos else [])]


def test_certainty_is_zero_without_a_minus():
    certain = UnigramLanguageModel(smoothing="mle").fit(["a a"]).evaluate(["a"])
    figures = [certain.cross_entropy, certain.bits_per_byte, certain.bits_per_character]
    assert [str(figure) for figure in figures] == ["0.0"] * 3


def test_corpus_perplexity_is_not_a_mean_of_perplexities():
    model = UnigramLanguageModel(smoothing="laplace").fit(TRAIN)
    texts = ["a", "d d d d d d d"]
    per_text = [model.perplexity([text]) for text in texts]
    assert model.perplexity(texts) == pytest.approx((per_text[0] * per_text[1] ** 7) ** (1 / 8))


@pytest.mark.parametrize(("base", "unit"), [(2, "bits"), (math.e, "nats"), (10, "hartleys"), (4, "log base 4")])
def test_base(base, unit):
    model = UnigramLanguageModel(smoothing="laplace", base=base).fit(TRAIN)
    in_bits = UnigramLanguageModel(smoothing="laplace").fit(TRAIN)
    evaluation = model.evaluate(["a b d"])
    assert evaluation.unit == unit
    assert evaluation.cross_entropy == pytest.approx(in_bits.cross_entropy(["a b d"]) / math.log2(base))
    assert evaluation.perplexity == pytest.approx(in_bits.perplexity(["a b d"]))
    assert evaluation.bits_per_byte == pytest.approx(in_bits.evaluate(["a b d"]).bits_per_byte)


# Unknown words.


def test_literal_unk_is_the_unknown_word():
    model = UnigramLanguageModel(smoothing="mle").fit(["a <unk> a <unk> b"])
    assert "<unk>" not in model.vocabulary_
    (scores,) = model.token_log_proba([["<unk>", "never-seen", "a"]])
    np.testing.assert_allclose(np.exp2(scores), [0.4, 0.4, 0.4])
    assert model.evaluate(["<unk> zzz"]).unknown_tokens == 2


def test_literal_end_of_sentence_is_the_event():
    model = UnigramLanguageModel(smoothing="mle", end_of_sentence=True).fit(["a </s>", "a"])
    assert math.exp(model.model_.log_prob_eos) == pytest.approx(3 / 5)
    assert model.evaluate(["a </s>"]).unknown_tokens == 0


def test_rare_words_are_unknown():
    model = UnigramLanguageModel(smoothing="mle", min_count=2).fit(TRAIN)
    assert sorted(model.vocabulary_) == ["a", "b"]
    assert math.exp(model.model_.log_prob_unk) == pytest.approx(1 / 6)


def test_closed_vocabulary():
    model = UnigramLanguageModel(smoothing="laplace", vocabulary=["z", "a", "a", "<unk>"]).fit(TRAIN)
    assert model.vocabulary_.tolist() == ["z", "a"]
    (scores,) = model.token_log_proba([["z", "a", "b"]])
    np.testing.assert_allclose(np.exp2(scores), [1 / 9, 4 / 9, 4 / 9])


def test_unknown_words_can_be_skipped_or_refused():
    model = UnigramLanguageModel(smoothing="mle").fit(TRAIN)
    evaluation = model.evaluate(["a d d e"])
    assert evaluation.perplexity == math.inf
    assert (evaluation.zero_probability_tokens, evaluation.zero_probability_words) == (3, ("d", "e"))
    skipped = model.evaluate(["a d d e"], oov="skip")
    assert (skipped.perplexity, skipped.events, skipped.zero_probability_tokens) == (2, 1, 0)
    assert evaluation.perplexity_known == skipped.perplexity
    with pytest.raises(ValueError, match="3 tokens are unknown words, such as 'd', 'e'"):
        model.evaluate(["a d d e"], oov="error")
    with pytest.raises(ValueError, match="oov='drop'; choose from unk, skip, error"):
        model.evaluate(["a"], oov="drop")


def test_zero_probability_of_known_words():
    model = UnigramLanguageModel(smoothing="mle", vocabulary=["a", "z"]).fit(["a"])
    evaluation = model.evaluate(["a z z"], oov="skip")
    assert (evaluation.zero_probability_tokens, evaluation.zero_probability_words) == (2, ("z",))
    np.testing.assert_array_equal(model.score_samples(["a", "a z"]), [0, -math.inf])


# A background.


def test_background():
    background = UnigramLanguageModel(smoothing="laplace").fit(["a x x"])  # a 2/6, x 3/6, unknown 1/6
    model = UnigramLanguageModel(smoothing="dirichlet", smoothing_parameter=6, background=background).fit(TRAIN)
    (scores,) = model.token_log_proba([["a", "x", "b", "c", "zzz"]])
    np.testing.assert_allclose(np.exp2(scores) * 12, [3 + 2, 3, 2 + 1 / 3, 1 + 1 / 3, 1 / 3])
    same = UnigramLanguageModel(smoothing="dirichlet", smoothing_parameter=6, background=background.model_).fit(TRAIN)
    np.testing.assert_array_equal(same.model_.log_probs, model.model_.log_probs)


def test_background_with_other_events():
    background = UnigramLanguageModel(smoothing="laplace", end_of_sentence=True).fit(["a x x"])
    for eos in (True, False):
        for vocabulary in (None, ["a", "q"]):
            model = UnigramLanguageModel(
                smoothing="jelinek_mercer", background=background, end_of_sentence=eos, vocabulary=vocabulary
            ).fit(TRAIN)
            total = np.exp([*model.model_.log_probs, model.model_.log_prob_unk]).sum()
            assert total + eos * math.exp(model.model_.log_prob_eos or 0) == pytest.approx(1, abs=1e-12)


def test_background_must_be_fitted():
    with pytest.raises(ValueError, match="background must be a fitted model"):
        UnigramLanguageModel(background=UnigramLanguageModel()).fit(TRAIN)


# Leave-one-out.


@pytest.mark.parametrize("eos", [True, False])
def test_leave_one_out_is_a_loop_over_tokens(eos):
    model = UnigramLanguageModel(smoothing="absolute_discounting", smoothing_parameter=0.4, end_of_sentence=eos)
    model.fit(["a b a c", "b a d a"])
    vocabulary = ["a", "b", "c", "d"]
    tokens = [*"abac", *(["</s>"] * eos), *"bada", *(["</s>"] * eos)]
    bits = 0.0
    for i, token in enumerate(tokens):
        rest = Counter(tokens[:i] + tokens[i + 1 :])
        events = [rest[word] for word in [*vocabulary, "<unk>", *(["</s>"] * eos)]]
        p = SMOOTHINGS["absolute_discounting"]().fit(events, parameter=0.4).probability
        bits -= math.log2(p[[*vocabulary, "<unk>", "</s>"].index(token)])
    assert model.evaluate_leave_one_out().cross_entropy == pytest.approx(bits / len(tokens), rel=1e-12)


def test_leave_one_out_needs_counts(tmp_path):
    UnigramLanguageModel().fit(TRAIN).to_arpa(tmp_path / "m.arpa")
    model = UnigramLanguageModel.from_arpa(tmp_path / "m.arpa", base=10)
    assert model.evaluate(["a"]).unit == "hartleys"
    with pytest.raises(ValueError, match="leave-one-out needs the counts"):
        model.model_.leave_one_out_scores()


def test_nothing_is_added_to_a_model_without_counts(tmp_path):
    trained = UnigramLanguageModel().fit(TRAIN)
    trained.to_arpa(tmp_path / "m.arpa")
    read = UnigramLanguageModel.from_arpa(tmp_path / "m.arpa")
    for add in (lambda: read.partial_fit(TRAIN), lambda: read + trained, lambda: trained + read):
        with pytest.raises(ValueError, match="read from an ARPA file holds no counts to add to"):
            add()


# Parts and the whole.


@settings(max_examples=30)
@given(CORPORA, CORPORA)
def test_models_of_parts_merge_into_the_model_of_the_whole(first, second):
    for texts in (first, second):
        texts.append("a b")
    parameters = dict(smoothing="absolute_discounting", min_count=2, end_of_sentence=True)
    whole = UnigramLanguageModel(**parameters).fit(first + second)
    merged = UnigramLanguageModel(**parameters).fit(first) + UnigramLanguageModel(**parameters).fit(second)
    grown = UnigramLanguageModel(**parameters).partial_fit(first).partial_fit(second)
    for other in (merged, grown):
        assert other.vocabulary_.tolist() == whole.vocabulary_.tolist()
        assert other.smoothing_parameter_ == whole.smoothing_parameter_
        np.testing.assert_array_equal(other.model_.log_probs, whole.model_.log_probs)
        assert other.model_.log_prob_eos == whole.model_.log_prob_eos
        assert other.counts_.n_bytes == whole.counts_.n_bytes


def test_only_models_are_added():
    with pytest.raises(TypeError, match="unsupported operand"):
        UnigramLanguageModel().fit(TRAIN) + 1
    with pytest.raises(NotFittedError):
        UnigramLanguageModel().fit(TRAIN) + UnigramLanguageModel()


@pytest.mark.parametrize("weights", [[2, 1, 0], [0.5, 1.25, 3]])
def test_weights_are_repetitions(weights):
    texts = ["a b a", "b a c\nc", "d"]
    model = UnigramLanguageModel(smoothing="witten_bell", end_of_sentence=True).fit(texts, sample_weight=weights)
    expected = Counter()
    for text, weight in zip(texts, weights, strict=True):
        for token in text.split():
            expected[token] += weight
    assert dict(model.counts_.table.rows()) == {w: c for w, c in expected.items() if c}
    repeated = [text for text, w in zip(texts, np.array(weights) * 4, strict=True) for _ in range(int(w))]
    assert model.cross_entropy(texts, sample_weight=weights) == pytest.approx(model.cross_entropy(repeated))


# What a document is.


@pytest.mark.parametrize("method", ["fit", "score", "score_samples", "partial_fit", "token_log_proba"])
@pytest.mark.parametrize("X", ["a b", b"a b", {"a": 1}])
def test_a_single_string_is_refused(method, X):
    with pytest.raises(TypeError, match=r"got a single \w+; put it in a list: \[X\]"):
        getattr(UnigramLanguageModel().fit(TRAIN), method)(X)


@pytest.mark.parametrize(("document", "wanted"), [(io.StringIO("a b"), "file"), (Path("a.txt"), "filename")])
def test_what_leads_to_a_text_is_named(document, wanted):
    with pytest.raises(TypeError, match=f"which are strings; estimators read it with input='{wanted}'"):
        UnigramLanguageModel().fit([document])
    other = {"file": "filename", "filename": "file"}[wanted]
    with pytest.raises(TypeError, match=f"input='{other}' expects"):
        UnigramLanguageModel(input=other).fit([document])


@pytest.mark.parametrize("X", [[1, 2], [None], [["a", 1]], [[["a"]]], [{"a"}]])
def test_documents_are_text_or_tokens(X):
    with pytest.raises(TypeError, match="expected a string or a list of tokens"):
        UnigramLanguageModel().fit(X)


@pytest.mark.parametrize(
    "kind",
    [
        list,
        tuple,
        iter,
        np.array,
        pl.Series,
        lambda X: [x.encode() for x in X],
        lambda X: [x.split() for x in X],
    ],
)
def test_any_iterable_of_documents(kind):
    texts = ["a b a", "b a c"]
    model = UnigramLanguageModel().fit(kind(texts))
    np.testing.assert_array_equal(model.model_.log_probs, UnigramLanguageModel().fit(texts).model_.log_probs)
    np.testing.assert_allclose(model.score_samples(kind(texts)), model.score_samples(texts))


def test_pandas_series():
    pandas = pytest.importorskip("pandas")
    assert UnigramLanguageModel().fit(pandas.Series(TRAIN)).counts_.n_tokens == 6


def test_mixed_documents_keep_their_order():
    model = UnigramLanguageModel(end_of_sentence=True).fit(TRAIN)
    alone = [model.score_samples([X])[0] for X in (["a", "b"], "a", [], "", ["d"], "c\nb")]
    np.testing.assert_allclose(model.score_samples([["a", "b"], "a", [], "", ["d"], "c\nb"]), alone)
    assert alone[2] == alone[3] == 0


def test_files(tmp_path):
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path, text in zip(paths, ["a b é\n", "b a c"], strict=True):
        path.write_bytes(text.encode("latin-1"))
    by_content = UnigramLanguageModel(lowercase=True).fit(["a b é\n", "b a c"])
    by_name = UnigramLanguageModel(input="filename", encoding="latin-1").fit(paths)
    by_file = UnigramLanguageModel(input="file", encoding="latin-1").fit(
        io.BytesIO(path.read_bytes()) for path in paths
    )
    for model, X in ((by_name, paths), (by_file, [io.BytesIO(path.read_bytes()) for path in paths])):
        np.testing.assert_array_equal(model.model_.log_probs, by_content.model_.log_probs)
        np.testing.assert_allclose(model.score_samples(X), by_content.score_samples(["a b é\n", "b a c"]))
    assert len(by_name.token_log_proba(paths)) == 2
    with pytest.raises(CorpusError, match="not valid utf-8"):
        UnigramLanguageModel(input="filename").fit(paths)
    with pytest.raises(TypeError, match="put it in a list"):
        UnigramLanguageModel(input="filename").fit(paths[0])
    with pytest.raises(TypeError, match="put it in a list"):
        UnigramLanguageModel(input="file").fit(io.StringIO("a"))


@pytest.mark.parametrize("change", [lambda data: data, gzip.compress, lambda data: b"\xef\xbb\xbf" + data])
def test_tokens_of_files_are_those_that_are_counted(tmp_path, change):
    (tmp_path / "t").write_bytes(change(b"a b a\r\nb a c"))
    model = UnigramLanguageModel(input="filename", end_of_sentence=True).fit([tmp_path / "t"])
    (log_prob,) = model.token_log_proba([tmp_path / "t"])
    assert len(log_prob) == model.evaluate([tmp_path / "t"]).events == 8
    assert log_prob.sum() == pytest.approx(model.score_samples([tmp_path / "t"])[0])
    with pytest.raises(CorpusError, match="nowhere: No such file"):
        model.token_log_proba([tmp_path / "nowhere"])


def test_a_byte_order_mark_is_no_text():
    marked = b"\xef\xbb\xbfa b"
    assert UnigramLanguageModel().fit([marked]).vocabulary_.tolist() == ["a", "b"]
    assert UnigramLanguageModel(input="file").fit([io.BytesIO(marked)]).vocabulary_.tolist() == ["a", "b"]


@pytest.mark.parametrize("X", [[], [""], ["  \n"], [[]]])
def test_empty_corpora_are_named(X):
    with pytest.raises(ValueError, match="there is no token to fit a model to"):
        UnigramLanguageModel().fit(X)
    with pytest.raises(ValueError, match="the corpus is empty"):
        UnigramLanguageModel().fit(TRAIN).score(X)


def test_one_score_a_document_from_many_blocks():
    """The documents fill more than one block of 2 MiB."""
    texts = [f"a b{i % 7} c." * 40_000 for i in range(8)]
    model = UnigramLanguageModel(n_jobs=2).fit(texts)
    alone = [model.score_samples([text])[0] for text in texts]
    np.testing.assert_allclose(model.score_samples(texts), alone)


def test_nltk_tokenizer():
    pytest.importorskip("nltk")
    model = UnigramLanguageModel(tokenizer="wordpunct", end_of_sentence=True).fit(["Don't!\nA b."])
    assert dict(model.counts_.table.rows()) == {w: 1 for w in ["Don", "'", "t", "!", "A", "b", "."]}
    assert len(model.token_log_proba(["Don't!\nA b."])[0]) == 9
    assert model.score_samples(["Don't!"])[0] == pytest.approx(model.token_log_proba(["Don't!"])[0].sum())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"smoothing": "kneser"}, "unknown smoothing 'kneser'"),
        ({"smoothing": "jelinek_mercer", "smoothing_parameter": 2}, "a number from 0 to 1; got 2"),
        ({"smoothing": "laplace", "smoothing_parameter": 2}, "has no parameter"),
        ({"vocabulary": "abc"}, "not one string"),
        ({"vocabulary": ["a"], "min_count": 2}, "cannot be given together"),
        ({"min_count": 0}, "'min_count' parameter"),
        ({"base": 1}, "'base' parameter"),
        ({"input": "url"}, "'input' parameter"),
        ({"tokenizer": "mwe"}, "unknown tokenizer 'mwe'"),
        ({"encoding": "utf-9", "input": "filename"}, "encoding 'utf-9' is unknown"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        UnigramLanguageModel(**parameters).fit(TRAIN)


# scikit-learn.


@quiet
@pytest.mark.parametrize("smoothing", sorted(SMOOTHINGS))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_estimator_checks(smoothing):
    check_estimator(UnigramLanguageModel(smoothing=smoothing))


def test_counts_of_a_vectorizer():
    texts = ["a b a", "b a c", "", "d"]
    vectorizer = CountVectorizer(token_pattern=r"\S+")
    X = vectorizer.fit_transform(texts)
    by_text = UnigramLanguageModel(end_of_sentence=True).fit(texts)
    for names in (vectorizer.get_feature_names_out(), vectorizer.vocabulary_):
        model = UnigramLanguageModel(vocabulary=names, end_of_sentence=True).fit(X)
        assert model.counts_.table.equals(by_text.counts_.table)
        for size in ("n_lines", "n_sentences", "n_bytes", "n_characters"):
            assert getattr(model.counts_, size) == getattr(by_text.counts_, size)
        np.testing.assert_allclose(model.score_samples(X), by_text.score_samples(texts))
        assert model.cross_entropy(X) == pytest.approx(by_text.cross_entropy(texts))
        assert model.cross_entropy(["a zzz"]) == pytest.approx(by_text.cross_entropy(["a zzz"]))
    with pytest.raises(ValueError, match="vocabulary has 2 words, but X has 4 columns"):
        UnigramLanguageModel(vocabulary=["a", "b"]).fit(X)


def test_columns_of_a_matrix_keep_their_case():
    """Text is lower-cased before it is counted; what is counted already is a word as it stands."""
    X = np.array([[5, 1, 0], [0, 2, 3]])
    model = UnigramLanguageModel(smoothing="laplace", lowercase=True, vocabulary=["The", "the", "cat"]).fit(X)
    assert model.score_samples(X).sum() == pytest.approx(model.evaluate(X).log_probability, rel=1e-12)


def test_bytes_that_cannot_be_decoded_are_named_with_their_document():
    for weights in (None, [1, 2]):
        with pytest.raises(CorpusError, match=r"document 1, byte 4: not valid utf-8 .*, or decode_error='replace'"):
            UnigramLanguageModel().fit([b"fine", b"bad \xff"], sample_weight=weights)


def test_impossible_words_of_a_matrix():
    model = UnigramLanguageModel(smoothing="mle", vocabulary=["a", "b"]).fit(csr_array([[2, 0]]))
    np.testing.assert_array_equal(model.score_samples(csr_array([[3, 0], [1, 1]])), [0, -math.inf])


def test_data_frame_columns_are_words():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"a": [2, 1], "b": [1, 1]})
    model = UnigramLanguageModel(smoothing="mle").fit(X)
    assert dict(model.counts_.table.rows()) == {"a": 3, "b": 2}
    assert model.feature_names_in_.tolist() == ["a", "b"]


def test_pipelines():
    X = ["a b a", "b a c", "a d"]
    model = make_pipeline(CountVectorizer(token_pattern=r"\S+"), UnigramLanguageModel(smoothing="laplace")).fit(X)
    assert model.score(X) == pytest.approx(UnigramLanguageModel(smoothing="laplace").fit(X).score(X))
    upper = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    assert make_pipeline(upper, UnigramLanguageModel()).fit(X)[-1].vocabulary_.tolist() == [
        "A",
        "B",
        "C",
        "D",
    ]


def test_searches_and_cross_validation():
    X = np.random.default_rng(0).choice(["a b", "a a c", "b d e", "f a"], 40).tolist()
    grid = {"smoothing": ["laplace", "witten_bell", "lidstone"], "min_count": [1, 2]}
    search = GridSearchCV(UnigramLanguageModel(), grid, cv=4).fit(X)
    assert search.best_score_ == max(search.cv_results_["mean_test_score"])
    assert (cross_val_score(UnigramLanguageModel(), X, cv=4) < 0).all()


@quiet
def test_parameters_of_a_smoothing_can_be_searched():
    X = np.random.default_rng(0).choice(["a b", "a a c", "b d e", "f a"], 40).tolist()
    search = GridSearchCV(UnigramLanguageModel(smoothing=GoodTuring()), {"smoothing__confidence": [0.5, 1.65]}, cv=2)
    assert search.fit(X).best_params_["smoothing__confidence"] in (0.5, 1.65)
    with pytest.raises(ValueError, match=r"smoothing='good_turing' is only a name. Pass an instance"):
        UnigramLanguageModel(smoothing="good_turing").set_params(smoothing__confidence=1)


def test_leave_one_out_scores_are_no_distribution():
    model = fit_unigram(count_text(TRAIN), smoothing="witten_bell")
    left_out = model.leave_one_out_scores()
    assert (type(left_out), isinstance(model, WordScores)) == (WordScores, True)
    assert np.exp(left_out.log_probs).sum() + np.exp(left_out.log_prob_unk) < 0.9


def test_a_model_of_many_words_is_shown_in_one_line():
    model = fit_unigram(count_text([" ".join(map(str, range(5000)))]), smoothing="lidstone", parameter=0.5)
    assert repr(model) == "<FittedUnigram: 5,000 words, smoothing lidstone(0.5)>"


@pytest.mark.parametrize("smoothing", ["lidstone", WittenBell()], ids=["name", "object"])
def test_clone_and_pickle(smoothing):
    model = UnigramLanguageModel(smoothing=smoothing, min_count=2).fit(TRAIN)
    again = pickle.loads(pickle.dumps(model))
    assert again.cross_entropy(["a d"]) == model.cross_entropy(["a d"])
    assert again.partial_fit(["d d"]).cross_entropy(["a d"]) != model.cross_entropy(["a d"])
    assert not hasattr(clone(model), "model_")
    assert clone(model).get_params()["min_count"] == 2


def test_fit_unigram_agrees_with_the_estimator():
    counts = count_text(TRAIN)
    plain = fit_unigram(counts, smoothing="witten_bell")
    estimated = UnigramLanguageModel(smoothing="witten_bell").fit(TRAIN).model_
    assert dict(plain.table.rows()) == dict(estimated.table.rows())


# Many words and many models.


@pytest.mark.parametrize("min_count", [1, 2])
@pytest.mark.parametrize("end_of_sentence", [False, True])
def test_counted_words_need_not_be_strings(min_count, end_of_sentence):
    counted = count_text(["a </s> b a", "", "<unk> b c\0 a", f"{'x' * 70} </s> b <unk>"])
    as_table = CorpusCounts(counted.rows, counted.n_lines, counted.n_sentences, counted.n_bytes, counted.n_characters)
    models = []
    for counts in (counted, as_table):
        model = fit_unigram(counts, min_count=min_count, end_of_sentence=end_of_sentence, smoothing="witten_bell")
        models += [(model, counts), (pickle.loads(pickle.dumps(model)), counts)]
    first, _ = models[0]
    expected = first.events(counted)
    assert expected.filter("unknown")["word"].sort().to_list() == sorted(
        word
        for word, n in counted.rows.rows()
        if n < min_count or word in ["<unk>", "</s>"][: 1 + end_of_sentence]
        if not (end_of_sentence and word == "</s>")
    )
    for model, counts in models:
        assert model.words.to_list() == first.words.to_list()
        assert model.log_probs.tolist() == first.log_probs.tolist()
        assert model.training.unknown_types == first.training.unknown_types
        assert model.evaluate(counts) == first.evaluate(counted)
        assert model.events(model.training.counts).equals(expected)
        assert model.leave_one_out_scores().evaluate(counts) == first.leave_one_out_scores().evaluate(as_table)


def test_a_model_pickles_what_it_holds_once():
    words = [f"word{i}" for i in range(20_000)]
    model = UnigramLanguageModel().fit([words])
    rows = len(pickle.dumps(model.counts_))
    assert len(pickle.dumps(model)) < rows + 8 * 20_000 + 20_000
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.model_.training.events, model.model_.training.events)
    assert again.vocabulary_.tolist() == model.vocabulary_.tolist()


@pytest.mark.parametrize("parameters", [{"vocabulary": ["z", "b", "a"]}, {"min_count": 2}, {"end_of_sentence": True}])
def test_every_kind_of_model_survives_a_pickle(parameters):
    model = UnigramLanguageModel(**parameters).fit(["a b a", "b c"])
    again = pickle.loads(pickle.dumps(model))
    assert again.evaluate(["a c d"]) == model.evaluate(["a c d"])
    assert again.evaluate_leave_one_out() == model.evaluate_leave_one_out()


def test_a_sum_of_models_is_fitted_once(monkeypatch):
    models = [UnigramLanguageModel().fit([f"a b{i}"]) for i in range(5)]
    fits = []
    monkeypatch.setattr(
        "skxent.language_model._estimator.fit_unigram", lambda *a, **k: fits.append(1) or fit_unigram(*a, **k)
    )
    total = sum(models[1:], models[0])
    assert fits == []
    whole = UnigramLanguageModel().fit([f"a b{i}" for i in range(5)])
    assert total.cross_entropy(["a b1 c"]) == whole.cross_entropy(["a b1 c"])
    assert models[0].merge(*models[1:]).vocabulary_.tolist() == whole.vocabulary_.tolist()
    assert len(fits) == 3


def test_figures_of_each_document():
    model = UnigramLanguageModel(smoothing="laplace", end_of_sentence=True).fit(TRAIN)
    X = ["a b d", "", "c\nc"]
    entropies, perplexities = model.cross_entropy_samples(X), model.perplexity_samples(X)
    for i in (0, 2):
        assert entropies[i] == pytest.approx(model.cross_entropy([X[i]]))
        assert perplexities[i] == pytest.approx(model.perplexity([X[i]]))
    assert np.isnan(entropies[1])
    assert np.isnan(perplexities[1])


def test_to_know_less_is_no_advantage_in_a_search():
    """A model that knows no word at all has one event, which is certain: cross-entropy 0, and yet no good model."""
    rng = np.random.default_rng(0)
    X = [" ".join(f"w{i}" for i in rng.zipf(1.3, 200) % 2000) for _ in range(60)]
    ignorant = UnigramLanguageModel(min_count=10**6).fit(X)
    assert ignorant.cross_entropy(X) == 0
    assert ignorant.score(X) == pytest.approx(-math.log2(ignorant.counts_.n_types + 1))
    search = GridSearchCV(UnigramLanguageModel(), {"min_count": [1, 10**6]}, cv=3).fit(X)
    assert search.best_params_ == {"min_count": 1}


def test_a_file_or_a_path_is_told_how_to_be_read(tmp_path):
    with pytest.raises(TypeError, match=r"read it with input='file' and \[X\]"):
        UnigramLanguageModel().fit(io.StringIO("a b"))
    with pytest.raises(TypeError, match=r"read it with input='filename' and \[X\]"):
        UnigramLanguageModel().fit(tmp_path / "a.txt")


def test_a_few_words_are_looked_up_as_many_are():
    model = fit_unigram(count_text([" ".join(f"w{i}" for i in range(1000))]), smoothing="laplace")
    few = count_text(["w1 w1 w2 zzz"])
    many = count_text([" ".join([*(f"w{i}" for i in range(500)), "zzz"])])
    assert model.score(few).log_prob == pytest.approx(4 * math.log(1 / 2001) + 3 * math.log(2), rel=1e-12)
    assert model.score(many).unknown_tokens == 1
    spaced = CorpusCounts(pl.DataFrame({"word": ["w1 w2", "w3"], "count": [2, 1]}), 1, 1, 1, 1)
    assert model.score(spaced).unknown_tokens == 2


@pytest.mark.parametrize("documents", [pa.array(TRAIN), pa.chunked_array([TRAIN[:1], TRAIN[1:]])])
def test_columns_of_arrow_are_documents(documents):
    model = UnigramLanguageModel().fit(documents)
    assert model.perplexity(documents) == UnigramLanguageModel().fit(TRAIN).perplexity(TRAIN)


@pytest.mark.parametrize("nothing", [None, 5])
def test_what_holds_no_documents_is_named(nothing):
    with pytest.raises(TypeError, match=rf"expected an iterable of documents, got {nothing}"):
        UnigramLanguageModel().fit(nothing)


@pytest.mark.parametrize("estimator", [UnigramLanguageModel, UnigramClassifier])
def test_words_that_are_no_strings_are_named(estimator):
    with pytest.raises(TypeError, match=r"vocabulary holds 1 \(int\); words are strings"):
        estimator(vocabulary=["a", 1]).fit(["a", "b"], [0, 1])
