"""Reading and counting text: against str.split and Counter, on every kind of file."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from unittest import mock

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joblib.externals.loky.backend.reduction import dumps

from skxent.language_model import (
    TOKENIZERS,
    CorpusCounts,
    CorpusError,
    Score,
    WordScores,
    _corpus,
    count_files,
    count_text,
    expand_paths,
    fit_unigram,
)
from skxent.language_model._blocks import block_of_documents, count_newlines
from skxent.language_model._errors import UndecodableError
from skxent.language_model._json_lines import _half_pairs
from skxent.language_model._reader import read_pieces
from skxent.language_model._records import Choice, Choices, write_records
from skxent.language_model._scoring import LineScorer, score_lines, score_text
from skxent.language_model._vocabulary import Vocabulary
from skxent.language_model._word_counts import WordCounter, count_block
from skxent.language_model._word_keys import cut_at_spaces, find_tokens, pack

SPACES = "".join(c for c in map(chr, range(sys.maxunicode + 1)) if c.isspace())
TEXT = st.text(
    st.one_of(st.sampled_from("ab\nc é€😀\0" + SPACES), st.characters(exclude_categories=["Cs"])),
    max_size=300,
)
LONG_WORDS = st.lists(st.text(st.sampled_from("ab é€"), min_size=1, max_size=90), max_size=30).map("\n".join)


def as_dict(counts: CorpusCounts) -> dict[str, int]:
    return dict(zip(counts.words.to_list(), counts.counts.tolist(), strict=True))


def lines_of(text: str) -> list[str]:
    return (text if text.endswith("\n") else text + "\n").split("\n")[:-1] if text else []


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("space", SPACES)
def test_every_unicode_space_separates(space):
    assert as_dict(count_text([f"a{space}b{space}{space}a"])) == {"a": 2, "b": 1}


@pytest.mark.parametrize("code", [*range(9), *range(14, 28), 0x7F, 0x200B, 0xFEFF])
def test_other_control_characters_do_not_separate(code):
    word = f"a{chr(code)}b"
    assert as_dict(count_text([f"{word} {word}"])) == {word: 2}


@given(TEXT | LONG_WORDS)
@example("a\0 a\0\0 a")
@example("abcdefgh abcdefghi\n" + "x" * 33)
def test_counts_are_those_of_str_split(text):
    counts = count_text([text])
    assert as_dict(counts) == Counter(text.split())
    assert counts.n_lines == max(1, len(lines_of(text)))
    assert counts.n_sentences == sum(bool(line.split()) for line in lines_of(text))
    assert counts.n_characters == len(text)
    assert counts.n_bytes == len(text.encode())


@settings(max_examples=50)
@given(text=TEXT | LONG_WORDS, block_bytes=st.integers(1, 40), n_jobs=st.sampled_from([1, 2]))
def test_blocks_of_any_size_give_the_same_counts(tmp_path_factory, text, block_bytes, n_jobs):
    path = write(tmp_path_factory.mktemp("blocks") / "text", text)
    counts = count_files([path], n_jobs=n_jobs, block_bytes=block_bytes)
    assert as_dict(counts) == Counter(text.removeprefix("\ufeff").split())
    assert counts.n_lines == len(lines_of(text.removeprefix("\ufeff")))
    assert counts.n_sentences == sum(bool(line.split()) for line in lines_of(text.removeprefix("\ufeff")))
    assert counts.n_bytes == len(text.removeprefix("\ufeff").encode())


@settings(max_examples=50)
@given(TEXT | LONG_WORDS, st.integers(1, 40), st.sampled_from(["whitespace", "wordpunct"]))
@example("a" * 9, 1, "whitespace")
def test_a_long_document_is_counted_and_scored_in_parts(text, part_bytes, tokenizer):
    scorer = LineScorer.of(scores_of({"a": -1.0, "b": -2.0}, -9.0, -0.5), tokenizer)
    whole, score = count_text([text], tokenizer=tokenizer), score_text([text, "a b"], scorer)
    with mock.patch("skxent.language_model._word_keys._PART_BYTES", part_bytes):
        parts = list(cut_at_spaces(text.encode()))
        counts, of_parts = count_text([text], tokenizer=tokenizer), score_text([text, "a b"], scorer)
    assert b"".join(parts).decode() == text
    assert all(part.decode()[-1].isspace() for part in parts[:-1])
    assert as_dict(counts) == as_dict(whole)
    assert (counts.n_lines, counts.n_sentences) == (whole.n_lines, whole.n_sentences)
    np.testing.assert_array_equal(of_parts.matrix(), score.matrix())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@given(
    texts=st.lists(st.text("ab é\n\udcff", max_size=9), min_size=1, max_size=6),
    block_bytes=st.sampled_from([3, 40, 1 << 21]),
)
@settings(max_examples=40, deadline=None)
def test_lines_of_small_files_have_their_own_sizes(tmp_path_factory, encoding, texts, block_bytes):
    folder = tmp_path_factory.mktemp("files")
    expected = []
    for i, text in enumerate(texts):
        known = text.replace("\udcff", "" if encoding == "utf-16" else "\udcff")
        (folder / f"{i}").write_bytes(known.encode(encoding, "surrogateescape"))
        lines = known.splitlines(keepends=True)
        expected += [(f"{i}", len(line.encode("utf-8", "surrogateescape")), len(line)) for line in lines]
    scores = fit_unigram(count_text(["a b"]))
    found = []
    options = {"encoding": encoding, "errors": "replace", "block_bytes": block_bytes, "n_jobs": 1}
    for lines in score_lines([folder / f"{i}" for i in range(len(texts))], scores, **options):
        names = [lines.paths[i].rpartition("/")[2] for i in lines.path_of]
        found += zip(names, lines.score.bytes.tolist(), lines.score.characters.tolist(), strict=True)
    assert found == expected


@given(st.lists(TEXT | st.lists(st.text(max_size=5), max_size=5), max_size=5), st.booleans())
def test_lower_casing_words_is_lower_casing_text(documents, lowercase):
    tokens = [t for d in documents for t in (d.split() if isinstance(d, str) else d)]
    expected = Counter(t.lower() if lowercase else t for t in tokens)
    assert as_dict(count_text(documents, lowercase=lowercase)) == expected


@given(st.lists(TEXT, max_size=6), st.integers(0, 6))
def test_counts_of_parts_add_up_to_the_whole(documents, cut):
    whole = count_text(documents)
    merged = count_text(documents[:cut]) + count_text(documents[cut:])
    assert merged.table.equals(whole.table)
    assert (merged.n_lines, merged.n_bytes, merged.n_sentences) == (
        whole.n_lines,
        whole.n_bytes,
        whole.n_sentences,
    )


def test_many_types_merge_in_bounded_parts():
    counter = WordCounter(merge_rows=100)
    rng = np.random.default_rng(0)
    documents = [" ".join(f"{'w' * (i % 40)}{i}" for i in rng.zipf(1.3, 300) % 5000) for _ in range(100)]
    for document in documents:
        counter.add(count_block(document.encode() + b"\n"))
    table = counter.table().group_by("word").agg(pl.col("count").sum())
    assert dict(table.rows()) == Counter(" ".join(documents).split())


def test_words_with_one_hash_stay_apart(monkeypatch):
    for module in ("_word_keys", "_word_counts"):
        monkeypatch.setattr(f"skxent.language_model.{module}.hash_keys", lambda keys: np.zeros_like(keys[0]))
    text = " ".join(["longerword1", "longerword2", "a"] * 7)
    assert as_dict(count_text([text])) == {"longerword1": 7, "longerword2": 7, "a": 7}


@pytest.mark.parametrize("begin", ["w", "longer_word"])
@pytest.mark.parametrize("n_slots", [1, 3])
def test_words_that_share_a_slot_stay_apart(monkeypatch, n_slots, begin):
    """With one slot, one word gets it and all others are sorted."""
    slots = np.arange(n_slots, dtype=np.uint64) << np.uint64(62)
    monkeypatch.setattr(
        "skxent.language_model._word_counts.hash_keys", lambda keys: slots[keys[-1] % np.uint64(n_slots)]
    )
    words = [f"{begin}{i % 17}" for i in range(100)]
    assert as_dict(count_text([" ".join(words)])) == Counter(words)


def test_a_key_holds_the_bytes_of_its_word_alone():
    data = b"ab cdefghijk\n"
    (short,), longer, *_ = pack(data, find_tokens(data)).words.keys
    assert short.tobytes() == b"ab".ljust(8, b"\0")
    assert b"".join(key.tobytes() for key in longer) == b"cdefghijk".ljust(16, b"\0")


def test_table_is_sorted():
    table = count_text(["b a c a é c"]).table
    assert table.rows() == [("a", 2), ("c", 2), ("b", 1), ("é", 1)]


COMPRESSIONS = {
    "plain": lambda data: data,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_compressed_files_are_told_by_their_content(tmp_path, kind):
    text = "a b\n\nüber a\n" * 1000
    path = tmp_path / "no-suffix"
    path.write_bytes(COMPRESSIONS[kind](text.encode()))
    counts = count_files([path])
    assert as_dict(counts) == {"a": 2000, "b": 1000, "über": 1000}
    assert (counts.n_lines, counts.n_sentences, counts.n_bytes) == (3000, 2000, len(text.encode()))


# "a b\n\nc a\n" as the zstd tool compresses it.
ZSTD = bytes.fromhex("28b52ffd04584900006120620a0a6320610a19ba0f77")


@pytest.mark.parametrize("text", ["BZh9 is no archive\n", "BZ", "\x1f"])
def test_text_that_looks_compressed_is_text(tmp_path, text):
    assert as_dict(count_files([write(tmp_path / "t", text)])) == Counter(text.split())


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_empty_files(tmp_path, kind):
    path = tmp_path / "t"
    path.write_bytes(COMPRESSIONS[kind](b""))
    counts = count_files([path])
    assert (counts.n_tokens, counts.n_types, counts.n_lines, counts.n_bytes) == (0, 0, 0, 0)


def test_zstd(tmp_path):
    path = tmp_path / "t.zst"
    path.write_bytes(ZSTD)
    assert as_dict(count_files([path])) == {"a": 2, "b": 1, "c": 1}
    path.write_bytes(ZSTD[:-6])
    with pytest.raises(CorpusError, match=r"t\.zst: cannot be read"):
        count_files([path])


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_truncated_file_is_named(tmp_path, kind):
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(COMPRESSIONS[kind](np.random.default_rng(0).bytes(10000).hex().encode())[:-100])
    with pytest.raises(CorpusError, match=r"cut\.\w+: cannot be read, it is damaged or cut short"):
        count_files([path])


@pytest.mark.parametrize(
    "text",
    ["a b\r\nc a\r\n", "a b\nc a", "\ufeffa b\nc a\n", "a b\nc a\n"],
    ids=["crlf", "no-newline", "bom", "plain"],
)
def test_line_ends_and_marks_change_nothing(tmp_path, text):
    counts = count_files([write(tmp_path / "t", text)])
    assert as_dict(counts) == {"a": 2, "b": 1, "c": 1}
    assert (counts.n_lines, counts.n_sentences) == (2, 2)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "utf-32", "cp1252", "shift_jis"])
def test_other_encodings(tmp_path, encoding):
    word = "日本" if encoding == "shift_jis" else "über"
    text = f"a {word}\n" * 5000
    counts = count_files([write(tmp_path / "t", text, encoding)], encoding=encoding)
    assert as_dict(counts) == {"a": 5000, word: 5000}
    assert counts.n_lines == 5000
    assert counts.n_bytes == len(text.encode())


@pytest.mark.parametrize("before", ["", "x", "\n\na "], ids=repr)
@pytest.mark.parametrize("block_bytes", [1, 3, 1 << 20])
def test_undecodable_byte_is_named_with_its_place(tmp_path, before, block_bytes):
    path = tmp_path / "t"
    path.write_bytes(before.encode() + "€".encode()[:2] + b" b\n")
    place = f"t: line {before.count(chr(10)) + 1}, byte {len(before)}: not valid utf-8"
    with pytest.raises(CorpusError, match=f"{place}.*give the encoding.*errors='replace'"):
        count_files([path], block_bytes=block_bytes)
    assert count_files([path], errors="ignore").n_lines == before.count("\n") + 1
    assert "\ufffd" in "".join(as_dict(count_files([path], errors="replace")))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_missing_byte_order_mark_is_named_with_its_file(tmp_path, encoding):
    path = write(tmp_path / "t.txt", "a b\n", f"{encoding}-le")
    with pytest.raises(CorpusError, match=rf"t\.txt: .*not valid {encoding} .*: {encoding}-le or {encoding}-be"):
        count_files([path], encoding=encoding)


def test_unknown_encoding_and_handler(tmp_path):
    path = write(tmp_path / "t", "a")
    with pytest.raises(ValueError, match="encoding 'utf-9' is unknown"):
        count_files([path], encoding="utf-9")
    with pytest.raises(ValueError, match="errors='maybe'; choose from strict, replace, ignore"):
        count_files([path], errors="maybe")


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(CorpusError, match="nowhere: No such file or directory"):
        count_files(["nowhere"])
    with pytest.raises(CorpusError, match=r"Is a directory|Permission denied"):
        count_files([tmp_path])


def test_expand_paths(tmp_path):
    for name in ("b.txt", "a.txt", "[x].txt"):
        write(tmp_path / name, "a")
    assert expand_paths(["-", tmp_path / "[x].txt"]) == ["-", str(tmp_path / "[x].txt")]
    assert expand_paths([f"{tmp_path}/?.txt"]) == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    with pytest.raises(CorpusError, match=r"\*\.csv: no such file"):
        expand_paths([f"{tmp_path}/*.csv"])


def small_files(folder):
    """Write small files of every kind, and return them with their text."""
    mark = "\ufeff".encode()
    texts = {
        "ended": b"a b\nc\n",
        "open": b"a b\nc",
        "empty": b"",
        "newline": b"\n",
        "wide": "é 日本".encode(),
        "marked": mark + b"d",
        "mark": mark,
        "nul": b"a\0b \0",
        "almost": b"PK is a word, and PAR1",
        "packed": b"x y",
    }
    for name, data in texts.items():
        (folder / name).write_bytes(gzip.compress(data) if name == "packed" else data)
    return {folder / name: data.decode("utf-8-sig") for name, data in texts.items()}


@pytest.mark.parametrize("tokenizer", ["whitespace", "wordpunct", str.split])
@pytest.mark.parametrize("block_bytes", [16, 40, 1 << 20])
def test_small_files_count_as_each_does_alone(tmp_path, tokenizer, block_bytes):
    texts = small_files(tmp_path)
    together = count_files([*texts, *texts], tokenizer=tokenizer, block_bytes=block_bytes, n_jobs=1)
    alone = sum((count_files([path], tokenizer=tokenizer, n_jobs=1) for path in texts), count_text([]))
    for counts, times in ((together, 2), (alone, 1)):
        assert counts.n_lines == times * sum(len(lines_of(text)) for text in texts.values())
        assert counts.n_bytes == times * sum(len(text.encode()) for text in texts.values())
        assert counts.n_characters == times * sum(map(len, texts.values()))
        assert as_dict(counts) == {word: times * n for word, n in as_dict(alone).items()}


def test_blocks_of_small_files_know_the_files(tmp_path):
    texts = small_files(tmp_path)
    (piece,) = read_pieces(texts)
    assert piece.paths == list(map(str, texts))
    block = piece.make()
    assert block.lines_per_file().tolist() == [len(lines_of(text)) for text in texts.values()]
    assert block.data.decode() == "".join("".join(f"{line}\n" for line in lines_of(text)) for text in texts.values())


@pytest.mark.parametrize("position", [0, 3, 6])
def test_bad_bytes_among_small_files_are_placed_in_their_file(tmp_path, position):
    paths = [write(tmp_path / f"{number}", "a é\nb") for number in range(6)]
    bad = tmp_path / "bad"
    bad.write_bytes(b"x\ny \xc3")
    paths.insert(position, bad)
    with pytest.raises(CorpusError, match=rf"^{bad}: line 2, byte 4: not valid utf-8 \(unexpected end of data\)"):
        count_files(paths)
    counts = count_files(paths, errors="replace")
    assert as_dict(counts) == {"a": 6, "é": 6, "b": 6, "x": 1, "y": 1, "\ufffd": 1}
    assert counts.n_bytes == 6 * 6 + 5


def test_an_error_of_bad_bytes_is_the_same_from_another_process(tmp_path):
    (tmp_path / "bad").write_bytes(b"\xff")
    with pytest.raises(UndecodableError) as raised:
        count_files([tmp_path / "bad"])
    received = pickle.loads(pickle.dumps(raised.value))
    assert (str(received), received.problem) == (str(raised.value), raised.value.problem)


@pytest.mark.parametrize("content", [None, b"\x04\x22\x4d\x18", gzip.compress(b"a " * 99, mtime=0)[:-9]])
def test_what_cannot_be_read_among_small_files_is_named(tmp_path, content):
    paths = [write(tmp_path / f"{number}", "a") for number in range(3)]
    bad = tmp_path / "bad"
    bad.mkdir() if content is None else bad.write_bytes(content)
    with pytest.raises(CorpusError) as alone:
        count_files([bad])
    with pytest.raises(CorpusError) as among:
        count_files([*paths, bad, *paths])
    assert str(among.value) == str(alone.value)
    assert str(bad) in str(among.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_among_small_files(tmp_path):
    path, pipe = write(tmp_path / "a", "a b"), tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(pipe.write_bytes, b"c " * 100_000)
        counts = count_files([path, pipe, path])
        writing.result()
    assert as_dict(counts) == {"a": 2, "b": 2, "c": 100_000}


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files cannot be listed")
def test_small_files_are_closed(tmp_path):
    texts = small_files(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    count_files(texts)
    with pytest.raises(CorpusError, match="directory"):
        count_files([*texts, tmp_path])
    assert len(os.listdir("/proc/self/fd")) == before


def test_standard_input(monkeypatch):
    data = gzip.compress(b"a b\na\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
    assert as_dict(count_files(["-"])) == {"a": 2, "b": 1}


def test_very_long_lines_take_no_more_memory_than_blocks(tmp_path):
    path = write(tmp_path / "t", "word " * 10_000 + "end")
    blocks = [piece.make() for piece in read_pieces([path], block_bytes=1000)]
    assert max(len(block.data) for block in blocks) < 3000
    assert [block.ends_line for block in blocks] == [False] * (len(blocks) - 1) + [True]
    counts = count_files([path], block_bytes=1000)
    assert as_dict(counts) == {"word": 10_000, "end": 1}
    assert (counts.n_lines, counts.n_sentences) == (1, 1)


def test_progress_adds_up_to_the_size_of_the_file(tmp_path):
    path = tmp_path / "t.gz"
    path.write_bytes(gzip.compress(b"a b c\n" * 100_000))
    seen = []
    count_files([path], progress=seen.append)
    assert sum(seen) == path.stat().st_size


# Documents of JSON lines and Parquet.


@pytest.fixture
def documents():
    return ["a b", "c\na a\n", "", "ü " * 3]


def test_json_lines(tmp_path, documents):
    path = write(tmp_path / "t.jsonl", "\n".join(json.dumps({"text": d, "n": 1}) for d in documents))
    assert count_files([path], field="text").table.equals(count_text(documents).table)


def test_parquet(tmp_path, documents):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"text": documents, "n": [1, 2, 3, 4]}).write_parquet(path)
    counts = count_files([path], field="text")
    assert counts.table.equals(count_text(documents).table)
    assert counts.n_lines == count_text(documents).n_lines == 5
    with pytest.raises(CorpusError, match="no text column 'body'; its columns are text \\(String\\), n \\(Int64\\)"):
        count_files([path], field="body")
    with pytest.raises(CorpusError, match="no text column 'n'"):
        count_files([path], field="n")
    with pytest.raises(CorpusError, match=r"t\.parquet: name the column"):
        count_files([path])
    path.write_bytes(b"PAR1 not")
    with pytest.raises(CorpusError, match=r"t\.parquet: "):
        count_files([path], field="text")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 3: not valid JSON: .* at character 2$"),
        ('{"text": "a\tb"}', "line 3: not valid JSON: Invalid control character at character 12$"),
        ("the sea", "line 3: not valid JSON: .* at character 1; a file of plain text is read without a field$"),
        ("\ufeff{}", "line 3: it begins with a byte-order mark"),
        ("[1]", "line 3: no field 'text': it is an array; expected one object a line"),
        ('"a"', "line 3: no field 'text': it is a string;"),
        ("1.5", "line 3: no field 'text': it is a number;"),
        ("null", "line 3: no field 'text': it is null;"),
        ("{}", "line 3: no field 'text': it is empty"),
        ('{"a": 1, "Text": ""}', "line 3: no field 'text'; there is 'a', 'Text'$"),
        (json.dumps(dict.fromkeys("abcdefghi")), "line 3: no field 'text'; there is 'a', .*, 'h', [.]{3}$"),
        ('{"text": 3}', "line 3: field 'text' is a number, not text"),
        ('{"text": {}}', "line 3: field 'text' is an object, not text"),
        ('{"text": ' + "1" * 5000 + "}", "line 3: field 'text' is a number, not text"),
        ('{"text": ' + "[" * 100_000, "line 3: not valid JSON for this reader: nested too deeply"),
    ],
)
def test_bad_json_line_is_named(tmp_path, line, message):
    path = write(tmp_path / "t.jsonl", '{"text": "a"}\n\n' + line)
    with pytest.raises(CorpusError, match=message):
        count_files([path], field="text")


def test_json_null_is_an_empty_document_and_long_lines_stay_whole(tmp_path):
    path = write(tmp_path / "t.jsonl", '{"text": null}\n{"text": "' + "a " * 100 + '"}\n')
    assert as_dict(count_files([path], field="text", block_bytes=10)) == {"a": 100}


def test_half_a_surrogate_pair_in_json_is_a_question_mark(tmp_path):
    path = write(tmp_path / "t.jsonl", r'{"text": "a \ud83d b\ud83d\ude00"}')
    (lines,) = score_lines([path], scores_of({"?": -1.0}, -9.0), field="text", keep="text")
    assert lines.texts() == ["a ? b😀"]
    assert lines.score.unknown_tokens.tolist() == [2]


# Pieces of JSON strings: halves and wholes of surrogate pairs, backslashes, and what may begin a number or an object.
PIECES = st.sampled_from(
    [r"\ud83d", r"\ude00", r"\uD83D\uDE00", r"\\", "ud83d", "a", " ", "-1", "[", "{", "true", r"\n", "é"]
)


@given(
    st.lists(st.lists(PIECES, max_size=6).map("".join), min_size=1, max_size=6),
    st.booleans(),
    st.sampled_from(["", "x" * 2_000]),
)
def test_texts_of_json_are_those_of_the_json_module(tmp_path_factory, strings, has_number, padding):
    """Short lines are read by Polars, long ones by the json module."""
    path = tmp_path_factory.mktemp("json") / "t.jsonl"
    lines = [f'{{"text": "{string}", "n": "{padding}"}}' for string in strings] + ['{"text": 7}'] * has_number
    path.write_text("\n".join(lines))
    texts = [json.loads(line)["text"].encode("utf-8", "replace").decode() for line in lines[: len(strings)]]
    counts = count_files([path], field="text", skip_bad_records=True)
    assert as_dict(counts) == Counter(word for text in texts for word in text.split())
    assert counts.n_bytes == sum(len(text.encode()) for text in texts)
    parts = score_lines([path], scores_of({}, -1.0), field="text", skip_bad_records=True, keep="records")
    (scored,) = parts
    assert scored.records == lines[: len(strings)]
    assert len(scored.problems) == has_number


@given(st.lists(st.text("a é\n\U0001f600", max_size=5)))
def test_a_list_of_texts_makes_the_same_block_as_a_column(texts):
    numbers = np.arange(len(texts))
    of_list, of_column = (block_of_documents(given, numbers) for given in (texts, pl.Series(texts, dtype=pl.String)))
    assert of_list.data == of_column.data == "".join(text.removesuffix("\n") + "\n" for text in texts).encode()
    for size in ("n_bytes", "n_characters", "n_lines"):
        np.testing.assert_array_equal(getattr(of_list.documents, size), getattr(of_column.documents, size))


# Tokenizers.


class PicklingExecutor(Executor):
    """Works in this process, but like one of other processes: what goes in and out is pickled."""

    def submit(self, function, *args):
        function, args = pickle.loads(dumps((function, args)))
        future = Future()
        future.set_result(pickle.loads(dumps(function(*args))))
        return future


@pytest.fixture(params=[1, 2])
def n_jobs(request, monkeypatch):
    """One or two workers; those for tokenizers need no processes, which take seconds to start."""
    monkeypatch.setattr(_corpus, "_start_processes", lambda n: PicklingExecutor())
    return request.param


def test_nltk_tokenizer_by_name(tmp_path, n_jobs):
    nltk = pytest.importorskip("nltk.tokenize")
    text = "It's a good-bye, isn't it?\n\n$5.\n" * 5
    counts = count_files([write(tmp_path / "t", text)], tokenizer="treebank", n_jobs=n_jobs, block_bytes=40)
    tokenize = nltk.TreebankWordTokenizer().tokenize
    assert as_dict(counts) == Counter(t for line in text.split("\n") for t in tokenize(line))
    assert (counts.n_lines, counts.n_sentences) == (15, 10)


def test_processes_tokenize_as_well():
    """The only test that starts processes: two blocks, a tokenizer that only cloudpickle can send."""
    counts = count_text(["a|b", "b|c"], tokenizer=lambda line: line.split("|"), n_jobs=2, block_bytes=1)
    assert as_dict(counts) == {"b": 2, "a": 1, "c": 1}


@pytest.mark.parametrize("tokenizer", ["whitespace", "wordpunct"])
def test_many_blocks_of_documents(n_jobs, tokenizer):
    pytest.importorskip("nltk")
    texts = [f"a b{i % 7} c." for i in range(50)]
    counts = count_text(texts, tokenizer=tokenizer, n_jobs=n_jobs, block_bytes=50)
    assert counts.n_tokens == 50 * {"whitespace": 3, "wordpunct": 4}[tokenizer]
    scorer = LineScorer.of(scores_of({"a": -1.0, "b1": -2.0}, -9.0), tokenizer)
    together = score_text(texts, scorer, n_jobs, block_bytes=50)
    alone = [score_text([text], scorer, 1).log_prob.item() for text in texts]
    np.testing.assert_allclose(together.log_prob, alone)


def test_a_tokenizer_may_be_registered():
    TOKENIZERS.register("letters")(lambda: list)
    assert as_dict(count_text(["abba"], tokenizer="letters")) == {"a": 2, "b": 2}
    del TOKENIZERS._parts["letters"]


def test_callable_tokenizer_may_return_words_with_spaces():
    counts = count_text(["a b|c", "", "d"], tokenizer=lambda line: line.split("|"), lowercase=True)
    assert as_dict(counts) == {"a b": 1, "c": 1, "": 1, "d": 1}


def test_tokenizers_see_whole_lines_without_their_ends(tmp_path, n_jobs):
    path = write(tmp_path / "t", "a b " * 50 + "end\r\nc d\r\n\r\nlast")
    counts = count_files([path], tokenizer=lambda line: [line] if line else [], n_jobs=n_jobs, block_bytes=10)
    assert as_dict(counts) == {"a b " * 50 + "end": 1, "c d": 1, "last": 1}
    assert (counts.n_lines, counts.n_sentences) == (4, 3)


def test_bad_tokenizers():
    with pytest.raises(ValueError, match=r"unknown tokenizer 'mwe'; known: .*treebank.*whitespace"):
        count_text(["a"], tokenizer="mwe")
    with pytest.raises(TypeError, match="must return a list of strings, not 'a'"):
        count_text(["a"], tokenizer=lambda line: line)
    with pytest.raises(TypeError, match="must return a list of strings, not 5"):
        count_text(["a"], tokenizer=lambda line: 5)
    with pytest.raises(TypeError, match="must return a list of strings"):
        count_text(["a"], tokenizer=lambda line: [1])


def test_missing_nltk_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "nltk.tokenize", None)
    with pytest.raises(ImportError, match="tokenizer='klingon' needs NLTK: pip install nltk"):
        count_text(["a"], tokenizer="klingon")


# Input that would be counted letter by letter.


@pytest.mark.parametrize("documents", ["a b", b"a b", {"a": 1}])
def test_a_single_string_is_refused(documents):
    with pytest.raises(TypeError, match=r"put one document in a list: \[text\]"):
        count_text(documents)


@pytest.mark.parametrize("document", [1, None, b"ab", [1], [["a"]], {"a"}, {"a": 1}])
def test_a_document_is_text_or_tokens(document):
    with pytest.raises(TypeError, match=r"document 1 is .*expected a string or a list of tokens"):
        count_text(["a", document])


# Scores of lines.


@settings(max_examples=40)
@given(text=TEXT | LONG_WORDS, block_bytes=st.integers(1, 60), lowercase=st.booleans())
def test_score_lines_is_a_loop_over_lines(tmp_path_factory, text, block_bytes, lowercase):
    text = text.removeprefix("\ufeff")
    path = write(tmp_path_factory.mktemp("lines") / "text", text)
    known = {word: -float(i + 1) for i, word in enumerate(sorted(set(text.lower().split()))[::2])}
    options = dict(lowercase=lowercase, keep="text", block_bytes=block_bytes)
    parts = list(score_lines([path], scores_of(known, -100.0), **options))
    texts = [text for lines in parts for text in lines.texts()]
    assert texts == lines_of(text)
    assert [number for lines in parts for number in lines.numbers] == list(range(1, len(texts) + 1))
    score = Score.concatenate([lines.score for lines in parts]) if parts else Score()
    for i, line in enumerate(texts):
        tokens = (line.lower() if lowercase else line).split()
        unknown = sum(token not in known for token in tokens)
        assert (score.tokens[i], score.unknown_tokens[i], score.sentences[i]) == (len(tokens), unknown, bool(tokens))
        assert score.log_prob[i] == pytest.approx(sum(known.get(t, -100.0) for t in tokens))
        assert score.log_prob_unknown[i] == -100.0 * unknown
        n_newlines = int(i < text.count("\n"))
        assert score.bytes[i] == len(line.encode()) + n_newlines
        assert score.characters[i] == len(line) + n_newlines
    total = score.total()
    assert (total.lines, total.bytes, total.characters) == (len(texts), len(text.encode()), len(text))


@pytest.mark.parametrize("n_bytes", [0, 1, 4095, 4096, 100_000])
def test_newlines_are_counted_in_short_and_long_texts(n_bytes):
    data = (b"a\n\nbc\n" * (n_bytes // 6 + 1))[:n_bytes]
    assert count_newlines(data) == len(data.split(b"\n")) - 1


def scores_of(known, unknown, ends=None):
    words = Vocabulary.of_strings(pl.Series(list(known), dtype=pl.String))
    return WordScores(words, np.array(list(known.values()), float), unknown, ends)


@pytest.mark.parametrize(("words", "text"), [(["a"], "a b\0 b a"), (["a", "b\0"], "a b c"), (["b\0"], "b b\0\0 b\0")])
def test_a_word_with_nul_does_not_hide_the_others(tmp_path, words, text):
    (lines,) = score_lines([write(tmp_path / "text", text)], scores_of(dict.fromkeys(words, -1.0), -9.0))
    assert lines.score.unknown_tokens.tolist() == [sum(token not in words for token in text.split())]


def test_score_lines_by_document_and_tokenizer(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"text": ["a,b\nc", "", "a"]}).write_parquet(path)
    options = dict(field="text", tokenizer=lambda line: line.replace(",", " ").split(), keep="text")
    parts = list(score_lines([path], scores_of({"a": -1.0}, -np.inf, -2.0), **options))
    score = Score.concatenate(lines.score for lines in parts)
    assert score.tokens.tolist() == [3, 0, 1]
    assert score.unknown_tokens.tolist() == [2, 0, 0]
    assert score.log_prob.tolist() == [-np.inf, 0, -3]
    assert score.known.log_prob.tolist() == [-5, 0, -3]
    assert score.sentences.tolist() == score.ends.tolist() == [2, 0, 1]
    assert [text for lines in parts for text in lines.texts()] == ["a,b\nc", "", "a"]


def test_the_command_line_side_imports_nothing_heavy():
    code = (
        "import sys, skxent.language_model as lm; lm.count_text(['a b']); lm.fit_unigram; lm.read_arpa;"
        "print({'scipy', 'sklearn', 'pandas', 'nltk', 'joblib'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


# Bytes that another encoding than UTF-8 does not have.
BAD = [
    ("ascii", b"a caf\xe9 \xc3\xa9 b\nplain\n\x82", 3 + 1),
    ("shift_jis", b"a \x82 b\n\xff\n\x82\xa0", 2),
    ("utf-16-le", "a b\nc".encode("utf-16-le") + b"\x00\xd8 \x00", 2),
    ("cp1252", b"a \x81 \x90\nb\nc", 2),
]


@pytest.mark.parametrize(("encoding", "data", "n_bad"), BAD)
@pytest.mark.parametrize("errors", ["replace", "ignore"])
@pytest.mark.parametrize("block_bytes", [4, 1000])
def test_a_bad_byte_of_any_encoding_is_one_byte(tmp_path, encoding, data, n_bad, errors, block_bytes):
    path = tmp_path / "bad"
    path.write_bytes(data)
    options = {"encoding": encoding, "errors": errors, "block_bytes": block_bytes}
    good = data.decode(encoding, "ignore").encode()
    counts = count_files([path], **options)
    assert counts.n_bytes == len(good) + n_bad
    parts = list(score_lines([path], scores_of({"a": -1.0}, -9.0), **options))
    assert sum(part.score.bytes.sum() for part in parts) == len(good) + n_bad
    assert set(counts.words) == set(data.decode(encoding, errors).split())


@pytest.mark.parametrize("errors", ["replace", "ignore"])
@pytest.mark.parametrize("block_bytes", [4, 1000])
@pytest.mark.parametrize(
    ("encoding", "bad", "n_bytes"),
    [
        ("utf-8", b"\xe2\x82\xff", 3),
        ("ascii", b"\xc3\xa9", 2),
        ("shift_jis", b"\xff\xfe", 2),
        ("utf-16-le", b"\x00\xd8", 2),
    ],
)
def test_bad_bytes_in_json_are_one_byte_each(tmp_path, encoding, bad, n_bytes, errors, block_bytes):
    """The escape is a replacement character that is meant, of three bytes; the id's bad bytes are not in the text."""
    lines = [
        '{"id": "x@", "text": "a@ b\\ufffd"}',
        '{"id": "@", "text": "c"}',
        '{"text": "d \\ud800@@"}',
        '{"text": null}',
    ]
    parts = "\n".join([lines[0], "", *lines[1:]]).split("@")
    (tmp_path / "bad.jsonl").write_bytes(bad.join(part.encode(encoding) for part in parts))
    sizes = [len("a b") + n_bytes + 3, 1, len("d ?") + 2 * n_bytes, 0]
    options = {"encoding": encoding, "errors": errors, "field": "text", "block_bytes": block_bytes}
    assert count_files([tmp_path / "bad.jsonl"], **options).n_bytes == sum(sizes)
    parts = list(score_lines([tmp_path / "bad.jsonl"], scores_of({"a": -1.0}, -9.0), **options))
    assert np.concatenate([part.score.bytes for part in parts]).tolist() == sizes


@pytest.mark.parametrize(("encoding", "data", "n_bad"), BAD)
def test_bad_bytes_are_written_as_they_came(tmp_path, encoding, data, n_bad):
    path = tmp_path / "bad"
    path.write_bytes(data)
    with open(tmp_path / "out", "wb") as file:
        reading = {"encoding": encoding, "errors": "replace", "field": None, "skip_bad_records": False}
        write_records(
            [str(path)], reading, Choices([Choice(np.ones(2 if encoding == "utf-16-le" else 3, np.bool_), {})]), file
        )
    assert (tmp_path / "out").read_bytes().startswith(data)


def test_half_a_unit_is_written_as_a_question_mark(tmp_path):
    (tmp_path / "odd").write_bytes("a\n".encode("utf-16-le") + b"b")
    reading = {"encoding": "utf-16-le", "errors": "replace", "field": None, "skip_bad_records": False}
    with open(tmp_path / "out", "wb") as file:
        write_records([str(tmp_path / "odd")], reading, Choices([Choice(np.ones(2, np.bool_), {})]), file)
    assert (tmp_path / "out").read_bytes().decode("utf-16-le") == "a\n?\n"


_ESCAPES = ["\\ud83d", "\\uDE00", "\\udc0a", "\\uD7ff", "\\u00e9", "\\", "\\n", "u", "d8", "a", "é", "\n"]


@settings(max_examples=200)
@given(st.lists(st.sampled_from(_ESCAPES), max_size=12))
def test_halves_of_surrogate_pairs_are_found(parts):
    """An expression that says what half of a pair is finds the same places."""
    data = "".join(parts).encode()
    half = re.compile(
        rb"\\u[dD](?:[89abAB](?:(?<=\\\\u..)|..(?!\\u[dD][c-fC-F]))"
        rb"|[c-fC-F](?:(?<=\\\\u..)|(?<!\\u[dD][89abAB]..\\u..)))",
        re.DOTALL,
    )
    places = [at for at in range(len(data)) if half.match(data, at)]
    assert sorted(_half_pairs(data).tolist()) == places


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["a b", "c"])])
def test_parquet_with_a_column_of_categories(tmp_path, kind):
    pl.DataFrame({"text": pl.Series(["a b", None, "c", "c"], dtype=kind)}).write_parquet(tmp_path / "t.parquet")
    assert as_dict(count_files([tmp_path / "t.parquet"], field="text")) == {"a": 1, "b": 1, "c": 2}


@pytest.mark.parametrize("first", ["a b", "[a] b"])
def test_of_a_key_that_comes_twice_the_first_counts(tmp_path, first):
    """Whether Polars has read the line, or a text that may be an array was read again."""
    (tmp_path / "t.jsonl").write_text(f'{{"text": "{first}", "text": "c"}}\n')
    assert as_dict(count_files([tmp_path / "t.jsonl"], field="text")) == dict.fromkeys(first.split(), 1)


def test_an_array_of_objects_is_no_json_lines(tmp_path):
    (tmp_path / "t.json").write_text('[{"text": "a"},\n{"text": "b"}]\n')
    with pytest.raises(CorpusError, match="line 1: an array that goes on in other lines; expected one object a line"):
        count_files([tmp_path / "t.json"], field="text")
