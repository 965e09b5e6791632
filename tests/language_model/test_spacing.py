"""Words and punctuation apart, as regular expressions and NLTK have them."""

import re
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skxent.language_model import count_text
from skxent.language_model._spacing import SpacedTokenizer, space_words

TEXTS = [
    "",
    "Isn't it 3.5%?\n\n a_b--c",
    "naïve “quotes” e\u0301 日本語、テスト \u3000x²ªº½ 🙂🙂a",
    "a\x00c\x85d\u2028e\ufeff \u0915\u094d\u0937",
]


def tokens_of(text):
    return space_words(text.encode()).decode().split()


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_those_of_the_regular_expression(text):
    regex = pytest.importorskip("regex")  # NLTK brings it
    assert tokens_of(text) == regex.findall(r"\w+|[^\w\s]+", text)


def test_every_assigned_character_is_of_the_right_kind():
    regex = pytest.importorskip("regex")
    unlike = "\x1c\x1d\x1e\x1f"  # white space to str.split alone
    assigned = [c for c in map(chr, range(0x110000)) if category(c) not in ("Cn", "Cs") and c not in unlike]
    text = "".join(f"a{c}\n" for c in assigned)
    assert tokens_of(text) == regex.findall(r"\w+|[^\w\s]+", text)


@given(st.text(st.characters(exclude_categories=["M", "N", "So", "Cf", "Cn", "Cs"]), max_size=40))
def test_letters_and_punctuation_are_as_python_has_them(text):
    assert SpacedTokenizer(space_words)(text) == re.findall(r"\w+|[^\w\s]+", text)


@given(st.text("aä.,\n ", max_size=30))
def test_lines_stay_lines(text):
    assert space_words(text.encode()).count(b"\n") == text.count("\n")


@pytest.mark.parametrize("lowercase", [False, True])
def test_wordpunct_counts_what_nltk_counts(lowercase):
    nltk = pytest.importorskip("nltk.tokenize")
    if len(nltk.WordPunctTokenizer().tokenize("a\u0301")) > 1:
        pytest.skip("this version of NLTK splits letters from their marks")
    texts = [*TEXTS, "İstanbul's ẞ and ß."]
    ours = count_text(texts, tokenizer="wordpunct", lowercase=lowercase)
    theirs = count_text(texts, tokenizer=nltk.WordPunctTokenizer().tokenize, lowercase=lowercase)
    assert ours.table.equals(theirs.table)
    assert (ours.n_sentences, ours.n_bytes) == (theirs.n_sentences, theirs.n_bytes)
