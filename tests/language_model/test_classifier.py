"""The classifier against Bayes' rule by hand, scikit-learn's naive Bayes, and itself cut into parts."""

import gzip
import pickle
import re
import warnings
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csc_matrix, csr_array
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skxent import UnigramClassifier, UnigramLanguageModel
from skxent.language_model import SMOOTHINGS, CorpusError, Lidstone
from skxent.language_model._smoothing import SmoothingWarning

BUNDLED = Path(__file__).parents[2] / "data" / "corpus"
TEXTS = ["the ship and the sea", "salt the soup", "a sail on the sea", "stir the soup and the salt"]
LABELS = np.array(["sea", "kitchen", "sea", "kitchen"])


def bundled(part):
    lines = [(p.read_text(encoding="utf-8").splitlines(), p.stem) for p in sorted((BUNDLED / part).glob("*.txt"))]
    return [line for found, _ in lines for line in found], np.repeat([t for _, t in lines], [len(f) for f, _ in lines])


def generated(n_documents, *, n_classes=20, n_words=5000, seed=0):
    """Documents of groups that share most of their words, each with some of its own, as newsgroups do."""
    rng = np.random.default_rng(seed)
    common = 1 / np.arange(1, n_words + 1)
    topics = [common * rng.gamma(0.3, size=n_words) for _ in range(n_classes)]
    shares = [0.85 * common / common.sum() + 0.15 * topic / topic.sum() for topic in topics]
    labels = rng.integers(n_classes, size=n_documents)
    lengths = rng.lognormal(4, 0.8, size=n_documents).astype(int) + 3
    words = np.array([f"w{i}" for i in range(n_words)])
    texts = [" ".join(rng.choice(words, size=n, p=shares[k])) for k, n in zip(labels, lengths, strict=True)]
    return texts, labels


@parametrize_with_checks([UnigramClassifier(), UnigramClassifier(smoothing="lidstone", background="uniform")])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_bayes_rule_by_hand():
    model = UnigramClassifier(smoothing="laplace", background="uniform").fit(["a a b", "b c", "c c"], [0, 0, 1])
    # Class 0: a 2, b 2, c 1 and one each, of 8; class 1: c 2, of 5; priors 2/3 and 1/3.
    joint = np.array([2 / 3 * (3 / 8) * (2 / 8), 1 / 3 * (1 / 5) * (3 / 5)])
    assert model.predict_proba(["a c unseen"])[0] == pytest.approx(joint / joint.sum())
    p_open = 1 / (7 + 4)
    expected = joint * (1 - p_open) ** 2 * p_open
    assert np.exp(model.predict_joint_log_proba(["a c unseen"])[0]) == pytest.approx(expected)
    assert model.class_log_prior_ == pytest.approx(np.log([2 / 3, 1 / 3]))


def test_laplace_on_a_uniform_background_is_multinomial_naive_bayes():
    rng = np.random.default_rng(0)
    X, y, weights = rng.poisson(1, (60, 9)), rng.integers(3, size=60), rng.integers(1, 4, size=60)
    ours = UnigramClassifier(smoothing="laplace", background="uniform").fit(X, y, sample_weight=weights)
    theirs = MultinomialNB().fit(X, y, sample_weight=weights)
    assert ours.predict_log_proba(X) == pytest.approx(theirs.predict_log_proba(X))
    assert ours.feature_count_.toarray() == pytest.approx(theirs.feature_count_)
    assert ours.class_count_ == pytest.approx(theirs.class_count_)


@pytest.mark.parametrize("smoothing", list(SMOOTHINGS))
def test_every_smoothing_tells_topics_apart(smoothing):
    X, y = bundled("train")
    test, topics = bundled("test")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmoothingWarning)
        model = UnigramClassifier(smoothing=smoothing, tokenizer="wordpunct", lowercase=True).fit(X, y)
    assert np.exp(model.feature_log_prob_).sum(axis=1) + np.exp(model.open_log_prob_) == pytest.approx(1)
    assert model.score(test, topics) > 0.7


def test_accuracy_is_at_least_that_of_naive_bayes():
    X, y = bundled("train")
    test, topics = bundled("test")
    words = re.compile(r"\w+").findall
    ours = UnigramClassifier(tokenizer=words, lowercase=True, n_jobs=1).fit(X, y)
    theirs = make_pipeline(CountVectorizer(token_pattern=r"\w+"), MultinomialNB()).fit(X, y)
    assert ours.score(test, topics) >= theirs.score(test, topics)
    X, y = generated(900)
    ours = cross_val_score(UnigramClassifier(), X, y, cv=3).mean()
    theirs = cross_val_score(make_pipeline(CountVectorizer(token_pattern=r"\S+"), MultinomialNB()), X, y, cv=3).mean()
    assert ours > theirs


def test_a_class_with_little_text_does_not_take_everything():
    X, y = bundled("train")
    X, y = [*X, "qq", "rr", "ss tt the"], np.append(y, ["tiny"] * 3)
    test, topics = bundled("test")
    for smoothing in ("lidstone", "witten_bell", "good_turing"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SmoothingWarning)
            model = UnigramClassifier(smoothing=smoothing, lowercase=True, fit_prior=False).fit(X, y)
        assert (model.predict(test) == "tiny").mean() < 0.05
        assert model.score(test, topics) > 0.6
        assert model.predict_proba(["zz yy unseen"])[0] == pytest.approx(0.25)


@pytest.mark.parametrize("make", [np.asarray, csr_array, csc_matrix, pd.DataFrame])
def test_matrices_of_all_kinds_agree_with_texts(make):
    vectorizer = CountVectorizer(token_pattern=r"\S+", lowercase=False)
    counts = vectorizer.fit_transform(TEXTS).toarray()
    names = vectorizer.get_feature_names_out()
    X = pd.DataFrame(counts, columns=names) if make is pd.DataFrame else make(counts)
    of_counts = UnigramClassifier(vocabulary=names).fit(X, LABELS)
    of_texts = UnigramClassifier().fit(TEXTS, LABELS)
    assert of_counts.predict_proba(X) == pytest.approx(of_texts.predict_proba(TEXTS))
    assert of_counts.predict_proba(TEXTS) == pytest.approx(of_texts.predict_proba(TEXTS))


def test_lists_of_tokens_files_and_bytes_agree_with_texts(tmp_path):
    expected = UnigramClassifier().fit(TEXTS, LABELS)
    tokens = [text.split() for text in TEXTS]
    mixed = [tokens[0], TEXTS[1].encode(), tokens[2], TEXTS[3]]
    paths = [tmp_path / f"{i}.txt" for i in range(4)]
    for path, text in zip(paths, TEXTS, strict=True):
        path.write_bytes(gzip.compress(text.encode()) if path.stem == "2" else text.encode())
    for input, X in [("content", tokens), ("content", mixed), ("filename", paths)]:
        model = UnigramClassifier(input=input).fit(X, LABELS)
        assert model.predict_proba(X) == pytest.approx(expected.predict_proba(TEXTS))
    with paths[0].open() as first, paths[1].open("rb") as second:
        model = UnigramClassifier(input="file").fit([first, second], ["sea", "kitchen"])
    assert model.feature_count_.sum() == 8


def test_lines_of_a_document_are_one_document():
    X = ["a b\n\nc\n", "", "\n", "c c\r\nd", "e"]
    model = UnigramClassifier().fit(X, [0, 0, 1, 1, 1])
    assert dict(zip(model.vocabulary_, model.feature_count_.toarray().T.tolist(), strict=True)) == {
        "a": [1, 0], "b": [1, 0], "c": [1, 2], "d": [0, 1], "e": [0, 1]
    }  # fmt: skip
    assert model.predict_proba(["", "\n\n"]) == pytest.approx(np.array([[0.4, 0.6]] * 2))
    assert model.predict_joint_log_proba(X).shape == (5, 2)


@pytest.mark.parametrize("options", [{}, {"min_count": 2}, {"vocabulary": ["sea", "soup", "the", "never"]}])
def test_parts_give_what_the_whole_gives(options):
    whole = UnigramClassifier(**options).fit(TEXTS, LABELS)
    parts = UnigramClassifier(**options)
    for i in (3, 0, 2, 1):
        parts.partial_fit(TEXTS[i : i + 1], LABELS[i : i + 1], classes=["sea", "kitchen"])
    X = [*TEXTS, "the unseen soup of the sea"]
    assert parts.predict_joint_log_proba(X) == pytest.approx(whole.predict_joint_log_proba(X))
    assert parts.class_count_.tolist() == [2, 2]
    matrix = np.random.default_rng(0).poisson(1, (20, 5))
    labels = np.arange(20) % 2
    halves = UnigramClassifier().partial_fit(matrix[:9], labels[:9], classes=[0, 1]).partial_fit(matrix[9:], labels[9:])
    assert halves.predict_proba(matrix) == pytest.approx(UnigramClassifier().fit(matrix, labels).predict_proba(matrix))


@pytest.mark.parametrize("as_matrix", [False, True])
def test_weights_are_repetitions(as_matrix):
    weights = np.array([3, 1, 0, 2])
    X = CountVectorizer().fit_transform(TEXTS) if as_matrix else np.array(TEXTS)
    weighted = UnigramClassifier().fit(X, LABELS, sample_weight=weights)
    repeated = UnigramClassifier().fit(X[np.repeat(np.arange(4), weights)], np.repeat(LABELS, weights))
    assert weighted.predict_proba(X) == pytest.approx(repeated.predict_proba(X))
    assert weighted.class_count_.tolist() == [3, 3]


def test_fractional_weights():
    model = UnigramClassifier().fit(TEXTS, LABELS, sample_weight=[0.5, 1, 0.25, 1])
    assert model.class_count_.tolist() == [2, 0.75]
    assert model.feature_count_.sum() == pytest.approx(0.5 * 5 + 3 + 0.25 * 5 + 6)


def test_priors():
    even = UnigramClassifier(fit_prior=False).fit(TEXTS[:3], LABELS[:3])
    assert even.predict_proba([""])[0] == pytest.approx(0.5)
    given = UnigramClassifier(class_prior=[3, 1]).fit(TEXTS, LABELS)
    assert given.predict_proba([""])[0] == pytest.approx([0.75, 0.25])
    with pytest.raises(ValueError, match="there are 2 classes"):
        UnigramClassifier(class_prior=[1, 1, 1]).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="not be negative"):
        UnigramClassifier(class_prior=[1, -1]).fit(TEXTS, LABELS)


def test_min_count_and_vocabulary_leave_words_out():
    model = UnigramClassifier(min_count=2).fit(TEXTS, LABELS)
    assert model.predict_proba(["ship ship ship sail unseen"])[0] == pytest.approx(0.5)
    closed = UnigramClassifier(vocabulary={"soup": 1, "sea": 0}).fit(TEXTS, LABELS)
    assert closed.vocabulary_.tolist() == ["sea", "soup"]
    assert closed.predict_proba(["the ship"])[0] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="'a' twice"):
        UnigramClassifier(vocabulary=["a", "b", "a"]).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="not one string"):
        UnigramClassifier(vocabulary="sea").fit(TEXTS, LABELS)


def test_tokenizers_and_lower_case():
    X = ["Salt, soup.", "SEA; sail!", "soup?", "sea..."]
    model = UnigramClassifier(tokenizer="wordpunct", lowercase=True).fit(X, [0, 1, 0, 1])
    assert model.predict(["Soup;", "sail", "SALT"]).tolist() == [0, 1, 0]
    letters = UnigramClassifier(tokenizer=list, n_jobs=1).fit(["aab", "bcc"], [0, 1])
    assert letters.predict(["a", "c"]).tolist() == [0, 1]
    assert letters.set_params(lowercase=True).predict(["A", "C"]).tolist() == [0, 1]


def test_many_documents_are_the_same_in_one_thread_and_in_several():
    X, y = generated(400, n_words=800)
    X = [text * 30 for text in X]
    one, two = (UnigramClassifier(n_jobs=n).fit(X, y).predict_joint_log_proba(X) for n in (1, 2))
    assert np.array_equal(one, two)


def test_grid_search_and_clone_and_pickle():
    X, y = bundled("train")
    search = GridSearchCV(UnigramClassifier(), {"smoothing": ["laplace", Lidstone()], "background": ["uniform"]}, cv=2)
    model = search.fit(X, y).best_estimator_
    expected = model.predict_proba(X)
    data = pickle.dumps(model)
    assert pickle.loads(data).predict_proba(X) == pytest.approx(expected)
    assert len(data) < 3 * model.feature_log_prob_.nbytes + 100_000
    assert clone(model).get_params().keys() == model.get_params().keys()


def test_a_failed_fit_changes_nothing(tmp_path):
    model = UnigramClassifier().fit(TEXTS, LABELS)
    before = model.predict_proba(TEXTS)
    with pytest.raises(TypeError):
        model.partial_fit(["fine", 3], ["sea", "sea"])
    with pytest.raises(ValueError, match="'moon'"):
        model.partial_fit(["fine"], ["moon"])
    assert np.array_equal(model.predict_proba(TEXTS), before)


BAD = [
    (TypeError, r"single str.*put it in a list", "one text", ["a"]),
    (TypeError, r"document 1 is 3", ["a", 3], [0, 1]),
    (ValueError, "X has 2 documents, but y has 3", ["a", "b"], [0, 1, 0]),
    (ValueError, "vocabulary is empty", ["", " \n"], [0, 1]),
    (ValueError, "Negative values", np.array([[1, -1], [2, 0]]), [0, 1]),
]


@pytest.mark.parametrize(("error", "message", "X", "y"), BAD)
def test_bad_input(error, message, X, y):
    with pytest.raises(error, match=message):
        UnigramClassifier().fit(X, y)


@pytest.mark.parametrize("estimator", [UnigramClassifier(), UnigramLanguageModel()])
@pytest.mark.parametrize(
    "make", [np.array, lambda rows: pl.DataFrame(rows, orient="row"), lambda rows: np.array(rows, dtype=object)]
)
def test_a_table_of_text_is_refused_by_name(estimator, make):
    with pytest.raises(TypeError, match=r"table of text of shape \(2, 1\); pass one column"):
        estimator.fit(make([["a b"], ["c d"]]), ["x", "y"])
    with pytest.raises(TypeError, match="table of text"):
        clone(estimator).fit(["a b", "c d"], ["x", "y"]).score(make([["a b"], ["c d"]]), ["x", "y"])


def test_bad_input_is_named(tmp_path):
    with pytest.raises(CorpusError, match="document 1, byte 2: not valid utf-8"):
        UnigramClassifier().fit([b"fine", b"no\xff"], [0, 1])
    path = tmp_path / "bad.txt"
    path.write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(CorpusError, match=r"bad\.txt: line 2, byte 8: not valid utf-8"):
        UnigramClassifier(input="filename").fit([path], [0])
    with pytest.raises(CorpusError, match=r"missing\.txt"):
        UnigramClassifier(input="filename").fit([tmp_path / "missing.txt"], [0])
    with pytest.raises(TypeError, match="input='filename' expects names of files, got StringIO"):
        UnigramClassifier(input="filename").fit([StringIO("text")], [0])
    with pytest.raises(TypeError, match="input='file' expects open files"):
        UnigramClassifier(input="file").fit(["text"], [0])
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        UnigramClassifier().partial_fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="not the same as in the last call"):
        UnigramClassifier().partial_fit(TEXTS, LABELS, ["kitchen", "sea"]).partial_fit(TEXTS, LABELS, ["sea"])
    with pytest.raises(ValueError, match="columns have no names"):
        UnigramClassifier().fit(np.ones((2, 2)), [0, 1]).predict(["a"])
    with pytest.raises(ValueError, match="vocabulary has 1 words, but X has 2 columns"):
        UnigramClassifier(vocabulary=["a"]).fit(np.ones((2, 2)), [0, 1])
    with pytest.raises(ValueError, match="X has 3 columns, but there are"):
        UnigramClassifier().fit(TEXTS, LABELS).predict(np.ones((1, 3)))


@pytest.mark.parametrize("documents", [[], np.empty((0, 2))])
def test_no_documents_are_refused_by_name(documents):
    with pytest.raises(ValueError, match="no documents to learn from"):
        UnigramClassifier().fit(documents, [])


@pytest.mark.parametrize("labels", [[True, False], [3, 2**60], ["x", "y"]])
@pytest.mark.parametrize("of_objects", [False, True])
def test_score_takes_the_labels_that_fit_takes(labels, of_objects):
    model = UnigramClassifier().fit(["a b", "c d"], labels)
    y = np.array(labels, dtype=object) if of_objects else labels
    assert model.score(["a", "c", "c"], [*y, y[0]]) == pytest.approx(2 / 3)
    assert model.score(["a", "c", "c"], [*y, y[0]], sample_weight=[1, 1, 0]) == 1


def test_score_names_missing_and_mixed_labels():
    model = UnigramClassifier().fit(["a b", "c d"], [True, False])
    with pytest.raises(ValueError, match=r"y\[1\] is None: leave out"):
        model.score(["a", "c"], [True, None])
    with pytest.raises(ValueError, match="y holds labels of type bool, str"):
        model.score(["a", "c"], [True, "x"])
