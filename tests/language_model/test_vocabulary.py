"""Words as keys: numbered and found as a dictionary would."""

import pickle
from collections import Counter

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from skxent.language_model._vocabulary import Vocabulary, WordIndex, WordValues, number_words
from skxent.language_model._word_counts import count_words
from skxent.language_model._word_keys import as_strings, find_tokens, join_packed, pack_words

# Words of all lengths of keys, without a byte, with white space, NUL or letters outside ASCII, and without a key.
WORDS = st.lists(st.text("ab\0 \né", max_size=45) | st.sampled_from(["", "x" * 8, "x" * 32, "x" * 33]), max_size=30)


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_each_distinct_word_has_one_number(lists):
    packed = [pack_words(as_strings(words)) for words in lists]
    distinct, numbers = number_words([p.words for p in packed])
    strings = distinct.strings().to_list()
    assert sorted(strings) == sorted({word for words in lists for word in words})
    assert len(distinct) == len(strings)
    for words, p, numbered in zip(lists, packed, numbers, strict=True):
        assert [strings[i] for i in numbered] == [words[i] for i in p.positions]


@given(WORDS, WORDS)
def test_values_are_found_as_in_a_dictionary(known, asked):
    known = list(dict.fromkeys(known))
    vocabulary = Vocabulary.of_strings(as_strings(known))
    assert vocabulary.strings().to_list() == known
    found = WordValues(vocabulary, np.arange(len(known)), -1).of_packed(pack_words(as_strings(asked)))
    assert found.tolist() == [known.index(word) if word in known else -1 for word in asked]


@given(WORDS, st.booleans())
def test_tokens_of_a_text_are_found(known, is_blank_last):
    known = list(dict.fromkeys(known))
    data = " ".join(known).encode() + (b" " if is_blank_last else b"\n")
    found = WordValues(Vocabulary.of_strings(as_strings(known)), np.arange(len(known)), -1)
    tokens = find_tokens(data)
    assert found.look_up(data, tokens).tolist() == [
        known.index(word) if word in known else -1 for word in data.decode().split()
    ]


@given(WORDS)
def test_counts_of_strings(words):
    counted = count_words(words)
    rows = [(key, n) for keys, counts in counted.keys for key, n in zip(zip(*keys, strict=True), counts, strict=True)]
    decoded = {b"".join(part.tobytes() for part in key).rstrip(b"\0").decode(): n for key, n in rows}
    assert decoded | {word.decode(): n for word, n in counted.long.items()} == Counter(words)


def test_half_a_surrogate_pair_is_a_question_mark():
    assert as_strings(["a", "\ud800b"]).to_list() == ["a", "?b"]
    assert count_words(["\ud800", "?", "?"]).keys[0][1].sum() == 3


def test_vocabularies_are_equal_if_words_and_columns_are():
    one, same, other = (Vocabulary.of_strings(pl.Series(words)) for words in (["a", "b"], ["a", "b"], ["b", "a"]))
    assert one.equals(same)
    assert not one.equals(other)
    assert len(one) == 2


@given(WORDS)
def test_words_come_and_go(words):
    words = list(dict.fromkeys(words))
    before = Vocabulary(pack_words(as_strings(words)))
    after = before.with_word(b"</s>")
    assert len(after) == len(words) + 1
    assert after.strings().to_list() == [*words, "</s>"]
    assert (after.find(b"</s>"), before.find(b"</s>")) == (len(words), None)
    assert after.without([len(words)]).equals(before)
    assert before.without(range(0, len(words), 2)).strings().to_list() == words[1::2]
    for form in (before, Vocabulary.of_strings(as_strings(words))):
        assert pickle.loads(pickle.dumps(form)).strings().to_list() == words


@given(WORDS, st.lists(st.sampled_from(["a", "", "</s>", "x" * 8, "x" * 9, "\0", "é"])), st.integers(0, 2**30 - 1))
def test_words_are_chosen_in_either_form(words, asked, bits):
    words = list(dict.fromkeys(words))
    is_chosen = np.array([bits >> i & 1 for i in range(len(words))], dtype=np.bool_)
    for form in (Vocabulary(pack_words(as_strings(words))), Vocabulary.of_strings(as_strings(words))):
        assert form.are_among(asked).tolist() == [word in asked for word in words]
        for mask in (is_chosen, is_chosen | True, is_chosen & False):
            chosen = form.where(mask)
            assert chosen.strings().to_list() == [word for word, kept in zip(words, mask, strict=True) if kept]
            assert len(chosen) == np.count_nonzero(mask)


@given(WORDS)
def test_repeated_words_are_seen(words):
    index = WordIndex(pack_words(as_strings(words)).words)
    assert index.has_repeats == (len(set(words)) < len(words))


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_texts_that_are_put_together(lists):
    joined = join_packed([pack_words(as_strings(words)) for words in lists])
    assert Vocabulary(joined).strings().to_list() == [word for words in lists for word in words]
