"""Key words: shares against SciPy and by hand, occurrences against a loop, intervals against the truth."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import jensenshannon

from skxent.language_model import comparable, count_text, fit_unigram, keyness
from skxent.language_model._keyness import (
    Occurrences,
    model_shares,
    shares_of_models,
    shares_of_texts,
    text_shares,
    with_intervals,
)

SEA = ["the tide runs out", "the boat lies in the mud", "the boat and the tide"]
SKY = ["the moon is out", "the stars are bright", "a planet in the west", "the moon and the stars"]


def test_shares_add_up_to_the_divergence_of_scipy():
    shares = shares_of_texts(count_text(SEA), count_text(SKY))
    p, q = shares["count_1"] / shares["count_1"].sum(), shares["count_2"] / shares["count_2"].sum()
    assert shares["share"].abs().sum() == pytest.approx(jensenshannon(p, q, base=2) ** 2, rel=1e-12)
    assert shares["share"].abs().is_sorted(descending=True)
    assert keyness(SEA, SKY, n_words=2).divergence == pytest.approx(jensenshannon(p, q, base=2) ** 2, rel=1e-12)


def test_shares_by_hand():
    # 1/2 (1/2 log2(1/2 : 3/8) + 1/4 log2(1/4 : 3/8)), and half of a rate that the other text lacks.
    assert text_shares(np.array([0.5, 0.25, 0.3]), np.array([0.25, 0.5, 0.0])) == pytest.approx(
        [0.030639062, -0.030639062, 0.15], abs=1e-9
    )


def test_equal_rates_and_absent_words_have_no_share():
    assert np.array_equal(text_shares(np.array([0.25, 0.0]), np.array([0.25, 0.0])), [0.0, 0.0])


@pytest.mark.parametrize("oov", ["unk", "skip"])
def test_shares_of_models_on_a_text_add_up_to_the_difference_of_their_entropies(oov):
    models = comparable([fit_unigram(count_text(text), end_of_sentence=True) for text in (SEA, SKY)], oov=oov)
    counts = count_text(["the boat and the moon", "", "a new word"])
    shares = model_shares(models, counts, oov=oov)
    first, second = (model.evaluate(counts, oov=oov).cross_entropy for model in models)
    assert shares["share"].sum() == pytest.approx(first - second, rel=1e-12)


def test_shares_of_two_models_are_those_of_their_distributions():
    models = comparable([fit_unigram(count_text(text), smoothing="laplace") for text in (SEA, SKY)])
    shares = shares_of_models(models)
    p, q = shares["probability_1"].to_numpy(), shares["probability_2"].to_numpy()
    assert shares["share"].to_list() == text_shares(p, q).tolist()
    assert p.sum() < 1
    assert dict(zip(shares["word"], p, strict=True))["moon"] == pytest.approx(np.exp(models[0].log_prob_unk))


def brute_force(lines, words, ends):
    rows = []
    for line in lines:
        counts = Counter(line.split())
        n_ends = {"lines": 1, "sentences": bool(line.split()), None: 0}[ends]
        row = [counts[word] + n_ends * (word == "</s>") for word in words]
        rows.append([*row, sum(counts.values()) + n_ends])
    return [row for row in rows if row[-1]]


LINES = ["the boat </s> the", "", "a mud", "  ", "</s>", "boat boat", "été the"]


@pytest.mark.parametrize("ends", [None, "lines", "sentences"])
@pytest.mark.parametrize("words", [["the", "boat", "</s>"], ["été"], ["boat", "nothing"]])
@pytest.mark.parametrize("block_bytes", [None, 7])
def test_occurrences_in_lines_are_those_of_a_loop(tmp_path, ends, words, block_bytes):
    (tmp_path / "x.txt").write_text("\n".join(LINES) + "\n")
    found = Occurrences(pl.Series("word", words), ends=ends)
    units = found.in_files([tmp_path / "x.txt"], block_bytes=block_bytes)
    expected = brute_force(LINES, words, ends)
    assert units.sum(axis=0).tolist() == np.sum(expected, axis=0).tolist()
    if block_bytes is None:
        assert units.tolist() == expected


def test_occurrences_in_documents_and_their_tokens():
    found = Occurrences(pl.Series("word", ["the", "boat"]), lowercase=True)
    assert found.in_documents(["The boat\nthe mud", ["THE", "x"], "a"]).tolist() == [[2, 1, 4], [0, 0, 1], [1, 0, 2]]


def test_occurrences_in_records_of_json(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"t": "a b\\n\\na"}\n{"t": ""}\n{"t": "b"}\n')
    found = Occurrences(pl.Series("word", ["a", "</s>"]), ends="sentences")
    assert found.in_files([tmp_path / "x.jsonl"], field="t").tolist() == [[2, 2, 5], [0, 1, 2]]


def bursty_text(random, n_documents, rates):
    """Draw documents of about 200 words in which each word's rate varies as that of a gamma distribution does."""
    sizes = random.integers(50, 350, n_documents)
    local = rates * random.gamma(0.5, 2.0, size=(n_documents, len(rates)))
    return np.column_stack([random.poisson(local * sizes[:, None]), sizes]).astype(float)


def test_intervals_cover_the_truth_where_words_are_bursty():
    random = np.random.default_rng(0)
    first, second = np.array([0.02, 0.01, 0.004]), np.array([0.01, 0.02, 0.002])
    truth = text_shares(first, second)
    table = pl.DataFrame({"word": ["a", "b", "c"]})
    covered, naive = [], []
    for _ in range(70):
        units = [bursty_text(random, 60, rates) for rates in (first, second)]
        found = with_intervals(table, units, text_shares, 0.95)
        covered.append((found["low"].to_numpy() <= truth) & (truth <= found["high"].to_numpy()))
        # As if tokens were independent, which the usual tests of keyness assume.
        total = units[0].sum(axis=0)
        error = 1.96 * np.sqrt(total[:-1]) / total[-1]
        naive.append(np.abs(total[:-1] / total[-1] - first) <= error)
    assert 0.9 <= np.mean(covered) <= 0.98
    assert np.mean(naive) < 0.8


def test_a_word_that_fills_one_stretch_of_a_text_has_a_wide_interval():
    """A name in 40 neighbouring lines of 400 is one event, the same word in every tenth line is 40."""
    lines = np.zeros((400, 3))
    lines[:, 2] = 10
    lines[100:140, 0] = 1
    lines[::10, 1] = 1
    other = np.tile([0.0, 0.0, 10.0], (400, 1))
    table = pl.DataFrame({"word": ["stretch", "scattered"]})
    found = with_intervals(table, [lines, other], text_shares, 0.95)
    width = (found["high"] - found["low"]).to_list()
    assert width[0] > 2 * width[1]
    assert found["low"][0] <= 0 < found["low"][1]
    alone = with_intervals(table, [lines, other], text_shares, 0.95, in_blocks=False)
    assert alone["low"][0] > 0


def test_one_unit_has_no_interval():
    found = keyness(["a b c"], ["a d e", "d"], n_words=2)
    assert found.table["low"].null_count() == found.table["high"].null_count() == 2
    assert found.words == ["d", "b"]


@pytest.mark.parametrize("options", [{"n_words": 0}, {"level": 1.0}, {"level": 0.0}])
def test_parameters_out_of_range(options):
    with pytest.raises(ValueError, match="expected n_words"):
        keyness(SEA, SKY, **options)


def test_a_text_without_words():
    with pytest.raises(ValueError, match="no words in the second text"):
        keyness(SEA, ["", " "])
    with pytest.raises(TypeError, match="put one document in a list"):
        keyness("the sea", SKY)
