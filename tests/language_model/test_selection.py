"""Selection against the formula by brute force, DSIR's weights, and what became of the records."""

import gzip
import io
import json
import tracemalloc
from collections import Counter
from math import log, log2

import numpy as np
import polars as pl
import pytest
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import roc_auc_score

from skxent.language_model import CorpusError, _ranking, count_text, log_ratio, select_texts

WANTED = ["the ship sails the sea", "a storm at sea"]
CRAWL = ["buy a cheap ship model", "the sea was calm and the ship slow", "", "win a prize today", "calm sea", " \t"]


def records(texts=CRAWL):
    return [{"id": i, "text": text, "nested": {"ü": [i, None]}} for i, text in enumerate(texts)]


def written(selection, **options):
    file = io.BytesIO()
    selection.write(file, **options)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Write the texts in every format."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wanted.txt").write_text("\n".join(WANTED))
    (tmp_path / "crawl.txt").write_text("\n".join(CRAWL))
    lines = [json.dumps(record, ensure_ascii=False) for record in records()]
    (tmp_path / "crawl.jsonl").write_text("\n\n".join(lines) + "  \r\n", encoding="utf-8")
    (tmp_path / "crawl.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    pl.DataFrame(records()).write_parquet(tmp_path / "crawl.parquet", row_group_size=2)
    return tmp_path


def mixture(n=400, seed=0):
    """Documents of two kinds, one in ten of the wanted kind, and more text of that kind."""
    rng = np.random.default_rng(seed)
    words = np.array([f"w{i}" for i in range(3000)])
    common = 1 / np.arange(1, 3001)
    kinds = [common * rng.gamma(0.5, size=3000) for _ in range(2)]
    kinds = [kind / kind.sum() for kind in kinds]
    is_wanted = rng.random(n) < 0.1
    texts = [" ".join(rng.choice(words, rng.integers(20, 200), p=kinds[int(k)])) for k in is_wanted]
    return texts, is_wanted, [" ".join(rng.choice(words, 100, p=kinds[1])) for _ in range(60)]


def test_scores_are_mean_log_ratios_of_smoothed_models():
    selection = select_texts(WANTED, CRAWL, smoothing="laplace")
    target, raw = (Counter(word for text in texts for word in text.split()) for texts in (WANTED, CRAWL))
    vocabulary = target | raw

    def bits(counts, word):
        return log2((counts[word] + 1) / (counts.total() + len(vocabulary)))

    expected = [
        np.mean([bits(target, w) - bits(raw, w) for w in text.split()]) if text.split() else np.nan for text in CRAWL
    ]
    assert selection.scores == pytest.approx(expected, nan_ok=True)
    assert (selection.n_documents, selection.n_empty, selection.n_selected) == (6, 2, 6)
    assert selection.is_selected.all()


@pytest.mark.parametrize("background", ["uniform", "pooled"])
def test_log_ratio_is_that_of_two_distributions_over_one_vocabulary(background):
    target, raw = count_text(WANTED), count_text(CRAWL)
    ratio = log_ratio(target, raw, smoothing="lidstone", smoothing_parameter=0.3, background=background)
    forth = dict(zip(ratio.words, ratio.log_probs, strict=True))
    back = log_ratio(raw, target, smoothing="lidstone", smoothing_parameter=0.3, background=background)
    assert {word: -value for word, value in zip(back.words, back.log_probs, strict=True)} == pytest.approx(forth)
    assert set(forth) == set(target.words) | set(raw.words)
    assert ratio.log_prob_unk == 0


def test_top_takes_the_best_in_order():
    scores = select_texts(WANTED, CRAWL).scores
    for n in (1, 2, 4):
        selection = select_texts(WANTED, CRAWL, top=n)
        best = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")[:n]
        assert selection.indices.tolist() == sorted(best.tolist())
        assert selection.threshold == scores[best[-1]]
    assert select_texts(WANTED, CRAWL, top=0.5).n_selected == 2
    assert select_texts(WANTED, CRAWL, top=1e-9).n_selected == 1


def test_of_equal_documents_the_first_are_taken():
    selection = select_texts(["a b"], ["c", "a", "a", "c", "a", "a"], top=3)
    assert selection.indices.tolist() == [1, 2, 4]


def test_known_origin_is_found():
    texts, is_wanted, target = mixture()
    assert roc_auc_score(is_wanted, select_texts(target, texts).scores) > 0.97


def test_weights_rank_documents_as_those_of_dsir():
    texts, _, target = mixture()
    counts = [Counter(word for text in part for word in text.split()) for part in (target, texts)]
    p_target, p_raw = ({word: n / c.total() for word, n in c.items()} for c in counts)
    difference = {word: log(p_target.get(word, 0) + 1e-8) - log(p_raw[word] + 1e-8) for word in p_raw}
    weights = [sum(difference[word] for word in text.split()) for text in texts]
    totals = select_texts(target, texts).scores * [len(text.split()) for text in texts]
    assert spearmanr(weights, totals).statistic > 0.9


def test_a_sample_repeats_with_its_seed_and_follows_the_weights():
    texts, _, target = mixture(60)
    short = [" ".join(text.split()[:2]) for text in texts]
    first, again = (select_texts(target, short, sample=10, seed=3).indices for _ in range(2))
    assert first.tolist() == again.tolist()
    assert len(set(first)) == 10
    scores = select_texts(target, short).scores
    drawn = sum(select_texts(target, short, sample=10, seed=seed).is_selected.astype(int) for seed in range(60))
    assert kendalltau(drawn, scores).statistic > 0.3
    assert (drawn > 0).sum() > 30


def test_importance_resampling_draws_with_the_probabilities_of_the_weights():
    # With two kinds of documents, the chance of the first draw is its weight over the sum of the weights.
    raw = ["a"] * 3 + ["b"]
    ratio = log_ratio(count_text(["a b b"]), count_text(raw), smoothing="laplace")
    weight = dict(zip(ratio.words, np.exp(ratio.log_probs), strict=True))
    expected = weight["b"] / (3 * weight["a"] + weight["b"])
    options = {"sample": 1, "smoothing": "laplace"}
    drawn = [select_texts(["a b b"], raw, seed=seed, **options).indices[0] == 3 for seed in range(200)]
    assert np.mean(drawn) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 200))


def test_buckets_are_cut_at_percentages_of_the_documents():
    texts, _, target = mixture(101)
    selection = select_texts(target, [*texts, ""], buckets=(30, 60))
    buckets = Counter(selection.buckets.tolist())
    assert buckets == {"head": 31, "middle": 30, "tail": 40, "": 1}
    assert min(selection.scores[selection.buckets == "head"]) == selection.cuts[0]
    assert max(selection.scores[selection.buckets == "middle"]) < selection.cuts[0]
    with pytest.raises(ValueError, match="no buckets"):
        _ = select_texts(target, texts).buckets


def test_lines_are_as_they_were(folder):
    selection = select_texts(["wanted.txt"], ["crawl.txt"], top=2, input="filename")
    assert written(selection, with_score=False).decode().splitlines() == [CRAWL[1], CRAWL[4]]
    scored = select_texts(["wanted.txt"], ["crawl.txt"], input="filename", buckets=(30, 60))
    rows = [line.split("\t", 2) for line in written(scored).decode().splitlines()]
    assert [row[2] for row in rows] == CRAWL
    assert [float(row[0]) for row in rows[:2]] == scored.scores[:2].round(6).tolist()
    assert (rows[2][:2], rows[4][1]) == (["nan", ""], "head")


@pytest.mark.parametrize("name", ["crawl.jsonl", "crawl.jsonl.gz"])
def test_json_records_are_whole_and_have_their_score(folder, name):
    (folder / "wanted.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in WANTED))
    selection = select_texts(["wanted.jsonl"], [name], top=2, input="filename", field="text")
    found = [json.loads(line) for line in written(selection).decode().splitlines()]
    expected = select_texts(WANTED, CRAWL, top=2)
    assert selection.indices.tolist() == expected.indices.tolist() == [1, 4]
    scores = [record.pop("score") for record in found]
    assert found == [records()[i] for i in (1, 4)]
    assert scores == expected.scores[[1, 4]].round(6).tolist()
    assert '{"ü": [1, null]}' in written(selection, with_score=False).decode()


def test_files_without_any_score_are_written_with_the_others(folder):
    """Text without words has no score; the column is one of numbers all the same."""
    pl.DataFrame({"text": ["", " "], "id": [7, 8]}).write_parquet("empty.parquet")
    pl.DataFrame({"text": CRAWL, "id": range(len(CRAWL))}).write_parquet("full.parquet")
    pl.DataFrame({"text": WANTED}).write_parquet("wanted.parquet")
    for names in (["full.parquet", "empty.parquet"], ["empty.parquet", "full.parquet"]):
        selection = select_texts(["wanted.parquet"], names, input="filename", field="text", buckets=(30, 60))
        selection.write("chosen.parquet")
        found = pl.read_parquet("chosen.parquet")
        assert found["score"].dtype == pl.Float64
        assert found.filter(pl.col("id") >= 7)["score"].null_count() == 2


def test_rows_of_parquet_are_whole_and_have_their_score(folder):
    pl.DataFrame({"text": WANTED}).write_parquet("wanted.parquet")
    selection = select_texts(["wanted.parquet"], ["crawl.parquet"] * 2, top=4, input="filename", field="text", n_jobs=1)
    selection.write("chosen.parquet")
    found = pl.read_parquet("chosen.parquet")
    assert found["id"].to_list() == [1, 4, 1, 4]
    assert found.drop("score").rows() == pl.DataFrame([records()[i] for i in (1, 4, 1, 4)]).rows()
    assert found["score"].to_list() == selection.scores[[1, 4, 7, 10]].round(6).tolist()
    assert pl.read_parquet(io.BytesIO(written(selection)))["score"].to_list() == found["score"].to_list()


def test_all_records_with_scores_hold_null_where_there_is_none(folder):
    (folder / "wanted.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in WANTED))
    selection = select_texts(["wanted.jsonl"], ["crawl.jsonl"], input="filename", field="text", buckets=(30, 60))
    found = [json.loads(line) for line in written(selection, score_field="likeness").decode().splitlines()]
    assert [record["likeness"] is None for record in found] == [False, False, True, False, False, True]
    assert [record["bucket"] for record in found] == selection.buckets.tolist()


def test_bad_records_are_left_out_and_the_others_keep_their_scores(folder):
    (folder / "wanted.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in WANTED))
    lines = [json.dumps(record) for record in records()]
    bad = ['{"id": 7}', "no json", '{"text": 3}']
    (folder / "bad.jsonl").write_text("\n".join([bad[0], lines[0], lines[1], bad[1], *lines[2:], bad[2]]))
    options = {"input": "filename", "field": "text"}
    with pytest.raises(CorpusError, match=r"bad\.jsonl: line 1: no field 'text'"):
        select_texts(["wanted.jsonl"], ["bad.jsonl"], **options)
    selection = select_texts(["wanted.jsonl"], ["bad.jsonl"], top=2, skip_bad_records=True, **options)
    assert [json.loads(line)["id"] for line in written(selection).decode().splitlines()] == [1, 4]
    assert [problem.split(": ")[1] for problem in selection.problems] == ["line 1", "line 4", "line 9"]


def test_other_encodings_are_written_as_they_were_read(folder):
    lines = ["das Meer ist schön", "ein Schiff", "die Küche"]
    for encoding in ("latin-1", "utf-16"):
        (folder / "w.txt").write_bytes("das schöne Meer".encode(encoding))
        (folder / "c.txt").write_bytes("\n".join(lines).encode(encoding))
        selection = select_texts(["w.txt"], ["c.txt"], top=2, input="filename", encoding=encoding)
        assert written(selection, with_score=False) == (lines[0] + "\n" + lines[1] + "\n").encode(encoding)


def test_long_lines_and_many_blocks(folder):
    lines = ["sea " * 700_000, "prize " * 900_000, "the sea", *["win a prize"] * 300_000]
    (folder / "long.txt").write_text("\n".join(lines))
    selection = select_texts(["wanted.txt"], ["long.txt"], top=2, input="filename")
    assert selection.indices.tolist() == [0, 2]
    assert written(selection, with_score=False).decode() == lines[0] + "\n" + lines[2] + "\n"


def test_memory_does_not_grow_with_the_number_of_documents(folder, monkeypatch):
    monkeypatch.setattr(_ranking, "_MEMORY", 1 << 20)

    def peak(n):
        (folder / "many.txt").write_text("win a prize\nthe calm sea\n" * n)
        tracemalloc.start()
        selection = select_texts(["wanted.txt"], ["many.txt"], top=0.1, input="filename", n_jobs=1)
        with open("chosen.txt", "wb") as file:
            selection.write(file)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    small, large = peak(500_000), peak(800_000)  # several blocks each
    assert large < small + 4 * _ranking._MEMORY < small + 8 * 600_000


def test_a_file_appears_when_it_is_complete(folder):
    selection = select_texts(["wanted.txt"], ["crawl.txt"], top=2, input="filename")
    (folder / "crawl.txt").write_text("\n".join(CRAWL * 2))
    with pytest.raises(CorpusError, match="changed since it was scored"):
        selection.write("chosen.txt")
    (folder / "crawl.txt").write_text("one line")
    with pytest.raises(CorpusError, match="changed since it was scored"):
        selection.write("chosen.txt")
    assert not list(folder.glob("chosen*"))


BAD = [
    (ValueError, "give one of them", {"top": 1, "sample": 1}),
    (ValueError, "expected a share", {"top": 1.5}),
    (ValueError, "expected a share", {"top": -0.1}),
    (ValueError, "at least one document", {"sample": 0}),
    (ValueError, "4 documents with a word to select from, fewer than 5", {"top": 5}),
    (ValueError, "two increasing percentages", {"buckets": (60, 30)}),
    (ValueError, "two increasing percentages", {"buckets": (30,)}),
    (ValueError, "choose from content, filename", {"input": "files"}),
    (ValueError, "unknown smoothing 'none'", {"smoothing": "none"}),
]


@pytest.mark.parametrize(("error", "message", "options"), BAD)
def test_bad_parameters(error, message, options):
    with pytest.raises(error, match=message):
        select_texts(WANTED, CRAWL, **options)


def test_bad_input_is_named(folder):
    with pytest.raises(TypeError, match="put it in a list"):
        select_texts("wanted.txt", CRAWL)
    with pytest.raises(ValueError, match="no words in the target"):
        select_texts(["", " "], CRAWL)
    with pytest.raises(ValueError, match="no words in the raw text"):
        select_texts(WANTED, [""])
    with pytest.raises(ValueError, match="there are no records to write"):
        select_texts(WANTED, CRAWL).write("chosen.txt")
    (folder / "empty.txt").write_text("\n \n")
    with pytest.raises(CorpusError, match=r"^empty\.txt: there are no words in the raw text"):
        select_texts(["wanted.txt"], ["empty.txt"], input="filename")
    with pytest.raises(CorpusError, match="read twice"):
        select_texts(["wanted.txt"], ["-"], input="filename")
    with pytest.raises(CorpusError, match=r"nowhere\.txt: no such file"):
        select_texts(["wanted.txt"], ["nowhere.txt"], input="filename")
    with pytest.raises(CorpusError, match=r"crawl\.txt: no Parquet file"):
        select_texts(["wanted.txt"], ["crawl.parquet", "crawl.txt"], input="filename", field="text")
    (folder / "scored.jsonl").write_text('{"text": "a", "note": "\\"score\\""}\n\n{"text": "b", "score": 1}\n')
    (folder / "wanted.jsonl").write_text('{"text": "a b"}')
    selection = select_texts(["wanted.jsonl"], ["scored.jsonl"], input="filename", field="text")
    with pytest.raises(CorpusError, match=r"scored\.jsonl: line 3: there is a field 'score' already"):
        written(selection)
    assert len(written(selection, score_field="likeness").splitlines()) == 2


@pytest.mark.parametrize("options", [{"top": "50%"}, {"top": [1]}, {"buckets": True}, {"buckets": ["a", "b"]}])
def test_what_is_no_number_is_named(options):
    (name,) = options
    with pytest.raises(ValueError, match=rf"{name}=.*: expected"):
        select_texts(WANTED, CRAWL, **options)
