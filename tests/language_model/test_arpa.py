"""ARPA files: round trips, other tools' habits, damage, and KenLM as a reader."""

import gzip
import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skxent.language_model import CorpusError, count_text, fit_unigram, read_arpa, write_arpa
from skxent.language_model._arpa import _read_columns, _read_fields

L = math.log(10)
TRAIN = ["a b a", "b a c é", "", "a <unk> 日本"]
TEST = ["a b d", "c 日本 é", "", "d <unk>"]


@pytest.fixture(params=["lidstone", "mle", "kneser_ney", "good_turing"])
def model(request):
    return fit_unigram(count_text(TRAIN), smoothing=request.param, end_of_sentence=True)


@pytest.mark.parametrize("name", ["m.arpa", "m.arpa.gz"])
def test_a_model_read_again_scores_the_same(model, tmp_path, name):
    write_arpa(model, tmp_path / name)
    again = read_arpa(tmp_path / name)
    ours, theirs = model.evaluate(count_text(TEST)), again.evaluate(count_text(TEST))
    assert theirs.cross_entropy == pytest.approx(ours.cross_entropy, rel=1e-9)
    assert (theirs.tokens, theirs.unknown_tokens, theirs.events) == (
        ours.tokens,
        ours.unknown_tokens,
        ours.events,
    )
    assert [p.name for p in tmp_path.iterdir()] == [name]


@settings(max_examples=50)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=5),
    st.booleans(),
)
def test_any_words_survive(tmp_path_factory, documents, end_of_sentence):
    counts = count_text([*documents, "word"])
    path = tmp_path_factory.mktemp("arpa") / "m.arpa"
    model = fit_unigram(counts, end_of_sentence=end_of_sentence)
    if any("\0" in word or word in ("<s>", "</s>") for word in model.words):
        with pytest.raises(CorpusError, match=r"m\.arpa: ARPA cannot hold"):
            write_arpa(model, path)
        return
    write_arpa(model, path)
    again = read_arpa(path)
    assert sorted(again.words) == sorted(model.words)
    assert again.evaluate(counts).cross_entropy == pytest.approx(model.evaluate(counts).cross_entropy, rel=1e-8)


def test_the_file_itself(tmp_path):
    write_arpa(fit_unigram(count_text(["a b"]), smoothing="mle"), tmp_path / "m.arpa")
    assert (tmp_path / "m.arpa").read_text() == (
        "\\data\\\nngram 1=5\nngram 2=0\n\n\\1-grams:\n-99\t<s>\n-99\t<unk>\n-99\t</s>\n"
        "-0.3010299957\ta\n-0.3010299957\tb\n\n\\2-grams:\n\n\\end\\\n"
    )


@pytest.mark.parametrize("end_of_sentence", [True, False])
def test_kenlm_scores_the_same(tmp_path, end_of_sentence):
    kenlm = pytest.importorskip("kenlm")
    model = fit_unigram(count_text(TRAIN), end_of_sentence=end_of_sentence)
    write_arpa(model, tmp_path / "m.arpa")
    peer = kenlm.LanguageModel(str(tmp_path / "m.arpa"))
    for line in TRAIN + TEST:
        if line:
            ours = model.evaluate(count_text([line]), base=10).log_probability
            assert peer.score(line, bos=False, eos=end_of_sentence) == pytest.approx(ours, rel=1e-5)


# Habits of other tools.


def test_srilm_style(tmp_path):
    path = tmp_path / "m.arpa"
    path.write_text(
        "written by a tool\n\n\\data\\\nngram 1=4\n\n\\1-grams:\n"
        "-0.5\t</s>\t-99\n-99\t<s>\n-0.5 a -0.2\n-0.4\tb\n\n\\end\\\n"
    )
    model = read_arpa(path)
    assert model.words.to_list() == ["a", "b"]
    np.testing.assert_allclose(model.log_probs / math.log(10), [-0.5, -0.4])
    assert model.log_prob_eos == pytest.approx(-0.5 * math.log(10))
    evaluation = model.evaluate(count_text(["a d"]))
    assert evaluation.perplexity == math.inf
    assert evaluation.zero_probability_words == ("d",)
    skipped = model.evaluate(count_text(["a d"]), oov="skip", base=10)
    assert (skipped.cross_entropy, skipped.perplexity) == (pytest.approx(0.5), pytest.approx(10**0.5))


def test_windows_line_ends(tmp_path):
    path = tmp_path / "m.arpa"
    path.write_bytes(b"\\data\\\r\nngram 1=2\r\n\r\n\\1-grams:\r\n-0.5\ta\r\n-0.4\tb\t0\r\n\r\n\\end\\\r\n")
    assert read_arpa(path).words.to_list() == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not an ARPA file"),
        ("a b c\n", "not an ARPA file"),
        ("\\data\\\nngram 1=x\n", "line 2: expected 'ngram order=count', got 'ngram 1=x'"),
        ("\\data\\\nngram 1=1\nngram 2=3\n", "line 3: a model of order 2; only unigram models can be read"),
        ("\\data\\\nngram 1=1\n\\1-grams:\n-1\ta\n", "cut short"),
        ("\\data\\\nngram 1=2\n\\1-grams:\n-1\ta\n\\end\\\n", "the header counts 2 unigrams, there are 1"),
        (
            "\\data\\\nngram 1=1\n\\1-grams:\n-1\n\\end\\\n",
            "line 4: expected a log-probability, a word and perhaps a back-off, got '-1'",
        ),
        (
            "\\data\\\nngram 1=1\n\\1-grams:\n-1\t\n\\end\\\n",
            "line 4: expected a log-probability, a word and perhaps a back-off",
        ),
        ("\\data\\\nngram 1=1\n\\1-grams:\nx\ta\n\\end\\\n", "line 4: expected a log-probability"),
        (
            "\\data\\\nngram 1=1\n\\1-grams:\n1\ta\n\\end\\\n",
            "line 4: the log-probability of 'a' is 1, not a number up to zero",
        ),
        ("\\data\\\nngram 1=1\n\\1-grams:\nnan\ta\n\\end\\\n", "line 4: the log-probability of 'a' is nan"),
        ("\\data\\\nngram 1=2\n\\1-grams:\n-1\ta\n-1\ta\n\\end\\\n", "line 5: the word 'a' comes twice"),
    ],
)
def test_damaged_files(tmp_path, text, message):
    path = tmp_path / "m.arpa"
    path.write_text(text)
    with pytest.raises(CorpusError) as caught:
        read_arpa(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_unreadable_files(tmp_path):
    with pytest.raises(CorpusError, match=r"none\.arpa: No such file"):
        read_arpa(tmp_path / "none.arpa")
    (tmp_path / "m.gz").write_bytes(gzip.compress(b"\\data\\\n" * 1000)[:-9])
    with pytest.raises(CorpusError, match=r"m\.gz: cannot be read, it is damaged or cut short"):
        read_arpa(tmp_path / "m.gz")
    (tmp_path / "latin.arpa").write_bytes("\\data\\\nngram 1=1\n\\1-grams:\n-1\té\n\\end\\\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"latin\.arpa: line 4, byte .*\); convert the model to UTF-8$"):
        read_arpa(tmp_path / "latin.arpa")


@pytest.mark.parametrize("word", ["<s>", "</s>"])
def test_marks_of_sentences_are_no_words(tmp_path, word):
    model = fit_unigram(count_text([f"a {word}"]))
    with pytest.raises(CorpusError, match=f"ARPA cannot hold '{word}' as a word"):
        write_arpa(model, tmp_path / "m.arpa")


@pytest.mark.parametrize("word", ["", "a b", "a\tb", "a\nb"])
def test_words_with_blanks_are_refused_and_the_old_file_stays(tmp_path, word):
    path = tmp_path / "m.arpa"
    path.write_text("old")
    with pytest.raises(CorpusError, match="it is empty or has a blank or NUL in it"):
        write_arpa(fit_unigram(count_text([["a", word]])), path)
    assert path.read_text() == "old"


def test_nothing_half_written_stays(tmp_path, model, monkeypatch):
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_arpa(model, tmp_path / "m.arpa")
    assert list(tmp_path.iterdir()) == []


def test_links_and_pipes_are_written_through(tmp_path, model):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    link, pipe = tmp_path / "link.arpa", tmp_path / "pipe"
    link.symlink_to(tmp_path / "m.arpa")
    os.mkfifo(pipe)
    write_arpa(model, link)
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        write_arpa(model, pipe)
        assert reader.read() == (tmp_path / "m.arpa").read_bytes()
    assert (link.is_symlink(), pipe.is_fifo()) == (True, True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.arpa", "m.arpa", "pipe"]


def test_leave_one_out_scores_are_no_model_to_save(tmp_path, model):
    with pytest.raises(TypeError, match="only a FittedUnigram is a distribution that ARPA can hold, not <WordScores: "):
        write_arpa(model.leave_one_out_scores(), tmp_path / "m.arpa")
    assert not list(tmp_path.iterdir())


BODY = '-0.5\ta\n-0.25\t"b\n-99\tc#\n-inf\té\n-1e-3\t1\n-2\t<unk>\n'
FILE = f"\n\\data\\\nngram 1=6\nngram 2=0\n\n\\1-grams:\n{BODY}\n\\2-grams:\n\n\\end\\\n"


def in_chunks(text):
    """Cut a file behind its head, behind each entry, and behind the last one."""
    head, tail = text.index("1-grams:\n") + 9, text.index("<unk>\n") + 6
    return [text[:head].encode(), *text[head:tail].encode().splitlines(keepends=True), text[tail:].encode()]


@pytest.mark.parametrize(
    "text",
    [
        FILE,
        FILE.replace("a\n", "a\t-0.1\n"),
        FILE.replace("ngram 2=0\n", "").replace("\\2-grams:\n\n", ""),
        FILE.replace("é", "é" * 40),
    ],
)
@pytest.mark.parametrize("cut", [lambda text: [text.encode()], in_chunks])
def test_columns_are_read_as_fields_are(text, cut):
    """The fast way never reads anything else than the slow one, wherever the file is cut into chunks."""
    words, log_probs = _read_fields("x", text.encode())
    assert log_probs.tolist() == pytest.approx([-0.5 * L, -0.25 * L, -np.inf, -np.inf, -1e-3 * L, -2 * L], abs=0)
    found = _read_columns(cut(text))
    assert found is not None
    assert found[0].strings().to_list() == words.strings().to_list()
    assert found[1].tolist() == log_probs.tolist()


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["-1", "-0.30102999566", "-12.5", "-99", "-1e-4", "0", "-.5", "-inf"]),
            st.text(st.characters(exclude_characters=" \t\r\n\0", exclude_categories=["Cs"]), min_size=1, max_size=70),
        ),
        min_size=1,
        unique_by=lambda entry: entry[1],
    )
)
def test_any_entries_are_read_alike_both_ways(entries):
    body = "".join(f"{number}\t{word}\n" for number, word in entries)
    text = f"\\data\\\nngram 1={len(entries)}\n\n\\1-grams:\n{body}\n\\end\\\n".encode()
    found, other = _read_columns([text]), _read_fields("x", text)
    assert found is not None
    assert found[0].strings().to_list() == other[0].strings().to_list() == [word for _, word in entries]
    assert found[1].tolist() == other[1].tolist()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\ta\n", " a\n"),
        ("\ta\n", "\ta\r\n"),
        ("\ta\n", "\t\n"),
        ("\ta\n", "\ta\tb\n"),
        ("-0.5", "0.5"),
        ("-0.5", "x"),
        ("-0.5", "nan"),
        ("\ta\n", "\ta\0\n"),
        ("\ta\n", "\t1\n"),
        ("\ta\n", "\ta\t\n"),
        ("\ta\n", "\ta\t0\t0\n"),
        ("-0.5\ta\n", "\ta\n"),
        ("-0.5\ta\n", "-0.5\n"),
        ("-0.5\ta\n", "\n-0.5\ta\n"),
        ("-0.5", "-0_5"),
        ("-0.5", "-" + "5" * 70),
        ("\\1-grams", "note\n\\1-grams"),
        ("1=6", "1=5"),
        ("\\end\\", ""),
        ("\n\\2-grams:\n", "\n\\2-grams:\n-1\ta b\n"),
    ],
)
def test_whatever_is_odd_is_read_line_by_line(old, new):
    assert old in FILE
    assert _read_columns([FILE.replace(old, new, 1).encode()]) is None
