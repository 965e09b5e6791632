"""The command: every figure, every message, every exit code."""

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from math import e, exp, log, log2

import polars as pl
import pytest

from skxent.cli import main
from skxent.cli._formats import FORMATS, srilm_summary
from skxent.cli._progress import Progress
from skxent.language_model import SMOOTHINGS, Score, count_files, fit_unigram

TRAIN, TEST = "a b a\nb a c\n", "a b d\n"
COMMAND = [sys.executable, "-m", "skxent.cli"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Run in a folder that holds the hand-worked case."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.txt").write_text(TRAIN)
    (tmp_path / "test.txt").write_text(TEST)
    return tmp_path


@pytest.fixture
def run(folder, capsys):
    """Run the command in this process; gives exit code, standard output and standard error."""

    def command(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


@pytest.fixture
def written(folder, tmp_path_factory, monkeypatch):
    """Run the command in this process with standard output in a file; gives the bytes written."""

    def command(*arguments):
        path = tmp_path_factory.mktemp("out") / "stdout"
        with path.open("w", encoding="ascii") as file, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", file)
            assert main([*arguments]) == 0
        return path.read_bytes()

    return command


@pytest.fixture
def records(run):
    """Run the command with ``--format json``; gives its objects."""

    def command(*arguments):
        code, out, err = run("--format", "json", "--quiet", *arguments)
        assert (code, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return command


LAPLACE = ("--train", "train.txt", "--smoothing", "laplace")
HAND_CASE = ("--train", "train.txt", "--eos", "test.txt")


class TestFigures:
    """What the numbers are."""

    @pytest.mark.parametrize(
        ("method", "bits", "perplexity"),
        [
            (["laplace"], 2.407958, 5.307228),
            (["witten_bell"], 2.441231, 5.431050),
            (["absolute_discounting", "--smoothing-parameter", "0.5"], 2.483469, 5.592406),
            (["jelinek_mercer", "--smoothing-parameter", "0.5"], 2.356075, 5.119756),
        ],
    )
    def test_hand_worked_case(self, records, method, bits, perplexity):
        (record,) = records("--train", "train.txt", "--eos", "--smoothing", *method, "--", "test.txt")
        assert record["cross_entropy"] == pytest.approx(bits, abs=1e-6)
        assert record["perplexity"] == pytest.approx(perplexity, abs=1e-6)
        assert (record["unit"], record["smoothing"], record["evaluated"]) == ("bits", method[0], "held-out")

    def test_certainty_is_zero_without_a_minus(self, run, folder):
        (folder / "a.txt").write_text("a a\na\n")
        options = ("--smoothing", "mle", "--train", "a.txt", "--per", "file", "--confidence", "0.9", "--format", "csv")
        code, out, _ = run(*options, "--", "a.txt")
        assert code == 0
        assert "-0.0" not in out
        sheet = run("a.txt", "--smoothing", "mle")[1]
        assert "in-sample entropy" in sheet
        assert "-0.0" not in sheet

    def test_every_promised_key(self, records):
        (record,) = records(*HAND_CASE, "--smoothing", "laplace")
        assert list(record)[:14] == [
            *(
                "tokens",
                "types",
                "lines",
                "bytes",
                "unknown_tokens",
                "unknown_types",
                "cross_entropy",
                "unit",
            ),
            *("perplexity", "perplexity_known", "bits_per_byte", "bits_per_character", "smoothing"),
            "smoothing_parameter",
        ]
        total = -log2(4 / 13 * 3 / 13 * 1 / 13 * 3 / 13)
        expected = {"tokens": 3, "types": 3, "lines": 1, "bytes": 6, "unknown_tokens": 1, "unknown_types": 1}
        assert {key: record[key] for key in expected} == expected
        assert record["perplexity_known"] == pytest.approx((4 / 13 * 3 / 13 * 3 / 13) ** (-1 / 3))
        assert record["bits_per_byte"] == pytest.approx(total / 6)
        assert record["log_probability"] == pytest.approx(-total)

    @pytest.mark.parametrize(("base", "unit", "number"), [("2", "bits", 2), ("e", "nats", e), ("10", "hartleys", 10)])
    def test_base_changes_the_unit_and_not_the_perplexity(self, records, base, unit, number):
        (record,) = records(*HAND_CASE, "--base", base, "--smoothing", "laplace")
        assert record["unit"] == unit
        assert record["cross_entropy"] == pytest.approx(2.407958 * log(2) / log(number), abs=1e-6)
        assert record["perplexity"] == pytest.approx(5.307228, abs=1e-6)

    @pytest.mark.parametrize("oov", ["unk", "skip"])
    def test_same_figures_as_the_library(self, records, oov):
        counts = count_files(["train.txt"])
        model = fit_unigram(counts, smoothing="witten_bell", end_of_sentence=True)
        evaluation = asdict(model.evaluate(count_files(["test.txt"]), oov=oov, base=10))
        options = ("--smoothing", "witten_bell", "--eos", "--base", "10", "--oov", oov)
        (record,) = records("--train", "train.txt", *options, "--", "test.txt")
        shared = record.keys() & evaluation.keys()
        assert len(shared) == 18
        assert {key: record[key] for key in shared} == pytest.approx({key: evaluation[key] for key in shared})

    def test_characters_are_not_bytes(self, records, folder):
        (folder / "test.txt").write_text("é a\n", encoding="utf-8")
        (record,) = records(*HAND_CASE)
        assert (record["bytes"], record["characters"]) == (5, 4)
        assert record["bits_per_character"] == pytest.approx(record["bits_per_byte"] * 5 / 4)

    def test_corpus_on_itself_is_left_out(self, records):
        """Lidstone, δ = 1, V = 4 with the unknown word: (c − 1 + 1)/(6 − 1 + 4) for each token."""
        (record,) = records("--smoothing", "laplace", "train.txt")
        assert record["evaluated"] == "leave-one-out"
        assert record["perplexity"] == pytest.approx(((3 / 9) ** 3 * (2 / 9) ** 2 * (1 / 9)) ** (-1 / 6))
        entropy = -(3 / 6 * log2(3 / 6) + 2 / 6 * log2(2 / 6) + 1 / 6 * log2(1 / 6))
        assert record["in_sample_entropy"] == pytest.approx(entropy)

    def test_training_text_alone_is_the_corpus(self, records):
        assert records("--train", "train.txt") == records("train.txt")

    def test_mle_on_itself_is_said_to_be_in_sample(self, run):
        """Left out of the counts, a word that occurs once has probability zero."""
        code, out, _ = run("--smoothing", "mle", "train.txt")
        assert code == 0
        assert "IN SAMPLE" in out
        assert "no test figure" in out

    def test_skipping_unknown_words_scores_the_others(self, records):
        (record,) = records(*HAND_CASE, "--oov", "skip", "--smoothing", "laplace")
        assert record["perplexity"] == record["perplexity_known"]
        assert record["unknown_tokens"] == 1

    def test_options_of_training_reach_the_model(self, records, folder):
        (folder / "words").write_text("a\nc\n")
        (rare,) = records("--train", "train.txt", "--min-count", "2", "--", "train.txt")
        (closed,) = records("--train", "train.txt", "--vocab", "words", "--", "train.txt")
        assert (rare["unknown_tokens"], closed["unknown_tokens"]) == (1, 2)

    def test_background_model(self, records, folder):
        """A word that only the background has is known, and more probable the more the background says so."""
        (folder / "background.txt").write_text("d d d d d d d d a b c\n")
        records("--train", "background.txt", "--smoothing", "laplace", "--save", "background.arpa")
        options = ("--smoothing", "dirichlet", "--smoothing-parameter", "2", "--train", "train.txt")
        (uniform,) = records(*options, "--", "test.txt")
        (informed,) = records(*options, "--background", "background.arpa", "--", "test.txt")
        assert informed["perplexity"] < uniform["perplexity"]

    def test_lowercase_and_tokenizer(self, records, folder):
        pytest.importorskip("nltk")
        (folder / "mixed.txt").write_text("The cat, the CAT.\n")
        assert [r["types"] for r in records("mixed.txt", "--lowercase")] == [3]
        (record,) = records("mixed.txt", "--lowercase", "--tokenizer", "wordpunct")
        assert (record["tokens"], record["types"]) == (6, 4)


class TestInputs:
    """The same text in other clothes has the same figures."""

    @pytest.mark.parametrize(
        "data",
        [
            TRAIN.replace("\n", "\r\n").encode(),
            TRAIN.rstrip("\n").encode(),
            b"\xef\xbb\xbf" + TRAIN.encode(),
            TRAIN.replace(" ", " \u2003\t ").encode(),
        ],
        ids=["CRLF", "no final newline", "BOM", "blanks"],
    )
    def test_line_ends_and_blanks_do_not_matter(self, records, folder, data):
        (folder / "other.txt").write_bytes(data)
        for per in ("corpus", "line"):
            level = ("--train", "train.txt", "--per", per, "--eos", "--")
            plain, other = records(*level, "train.txt"), records(*level, "other.txt")
            for key in ("tokens", "lines", "cross_entropy", "perplexity"):
                assert [r[key] for r in plain] == pytest.approx([r[key] for r in other], rel=1e-12)

    @pytest.mark.parametrize(
        ("suffix", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
    )
    def test_compressed(self, records, folder, suffix, compress):
        (folder / f"train.txt.{suffix}").write_bytes(compress(TRAIN.encode()))
        assert records(f"train.txt.{suffix}") == records("train.txt")

    def test_zstd(self, records, folder):
        zstandard = pytest.importorskip("zstandard", reason="the test writes with zstandard")
        (folder / "train.txt.zst").write_bytes(zstandard.compress(TRAIN.encode()))
        assert records("train.txt.zst")[0]["perplexity"] == records("train.txt")[0]["perplexity"]

    def test_several_files_and_globs(self, records, folder):
        (folder / "parts").mkdir()
        for number, line in enumerate(TRAIN.splitlines(keepends=True)):
            (folder / "parts" / f"{number}.txt").write_text(line)
        assert records("parts/*.txt") == records("parts/0.txt", "parts/1.txt") == records("train.txt")

    def test_standard_input(self, run, records, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(TRAIN.encode()))))
        assert records("-") == records("train.txt")
        assert "standard input: the corpus is empty" in run("-")[2]

    def test_json_lines_and_parquet(self, records, folder):
        documents = TRAIN.splitlines()
        (folder / "t.jsonl").write_text("".join(json.dumps({"id": 1, "text": d}) + "\n" for d in documents))
        pl.DataFrame({"text": documents}).write_parquet("t.parquet")
        plain = records("train.txt")[0]["perplexity"]
        assert records("t.jsonl", "--field", "text")[0]["perplexity"] == plain
        assert records("t.parquet", "--field", "text")[0]["perplexity"] == plain

    def test_standard_input_beside_a_file_of_that_name(self, run, records, folder, monkeypatch):
        (folder / "-").write_text("something else")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(TRAIN.encode()))))
        assert records("-")[0]["perplexity"] == records("train.txt")[0]["perplexity"]
        assert "--raw is read twice" in run("--target", "train.txt", "--raw", "-", "--top", "1")[2]

    def test_a_model_is_not_saved_as_a_dash(self, run, folder):
        code, _, err = run("train.txt", "--save", "-")
        assert code == 1
        assert "-: is not the name of a file to write" in err
        assert not (folder / "-").exists()

    def test_encoding(self, records, folder):
        (folder / "latin.txt").write_bytes("è é è\n".encode("latin-1"))
        (record,) = records("latin.txt", "--encoding", "latin-1")
        assert (record["tokens"], record["types"]) == (3, 2)

    def test_a_line_longer_than_any_block(self, records, folder):
        (folder / "long.txt").write_text("a b " * 5_000_000)
        (record,) = records("--train", "train.txt", "--per", "line", "--", "long.txt")
        assert record["tokens"] == 10_000_000


class TestLevels:
    """Corpus, file, line and word tell the same story."""

    def test_one_line_is_the_same_at_every_level(self, records):
        corpus, file, line = (records(*HAND_CASE, "--per", per)[0] for per in ("corpus", "file", "line"))
        assert (file.pop("file"), line.pop("file"), line.pop("line")) == ("test.txt", "test.txt", 1)
        for record in (file, line):
            assert {key: corpus[key] for key in record} == pytest.approx(record)

    def test_lines_and_words_add_up(self, records):
        (corpus,) = records("--train", "train.txt", "--", "test.txt", "train.txt")
        lines = records("--train", "train.txt", "--per", "line", "--", "test.txt", "train.txt")
        words = records("--train", "train.txt", "--verbose", "word", "--", "test.txt", "train.txt")
        assert [(r["file"], r["line"]) for r in lines] == [
            ("test.txt", 1),
            ("train.txt", 1),
            ("train.txt", 2),
        ]
        assert " ".join(r["word"] for r in words) == "a b d a b a b a c"
        assert [r["unknown"] for r in words] == [False, False, True] + [False] * 6
        for records_of_parts in (lines, words):
            total = sum(r["log_probability"] for r in records_of_parts)
            assert total == pytest.approx(corpus["log_probability"])

    def test_words_of_documents_are_found_line_by_line(self, records, folder):
        pytest.importorskip("nltk")
        (folder / "t.jsonl").write_text(json.dumps({"text": "Hello world.\nBye now."}) + "\n")
        options = ("t.jsonl", "--field", "text", "--tokenizer", "treebank", "--lowercase")
        words = records(*options, "--verbose", "word")
        assert [r["word"] for r in words] == ["hello", "world", ".", "bye", "now", "."]
        (corpus,) = records(*options)
        assert sum(r["log_probability"] for r in words) == pytest.approx(corpus["log_probability"])

    def test_blank_lines_have_no_perplexity(self, records, folder):
        (folder / "blank.txt").write_text("a\n\n  \nb\n")
        lines = records("--train", "train.txt", "--per", "line", "--eos", "--", "blank.txt")
        assert [r["tokens"] for r in lines] == [1, 0, 0, 1]
        assert [r["perplexity"] is None for r in lines] == [False, True, True, False]

    def test_corpus_on_itself_by_line_adds_up_to_leave_one_out(self, records):
        (corpus,) = records("train.txt")
        lines = records("train.txt", "--per", "line")
        assert sum(r["log_probability"] for r in lines) == pytest.approx(corpus["log_probability"])
        assert {r["evaluated"] for r in lines} == {"leave-one-out"}


class TestFormats:
    """What is printed, and where."""

    def test_sheet_lines_up_and_names_units(self, run):
        code, out, err = run("train.txt")
        assert (code, err) == (0, "")
        lines = out.splitlines()
        numbers = [line for line in lines[2:] if (line and not line[21:24].isspace()) or line[20:36].strip()]
        figures = [line[:36] for line in lines if line[:36].rstrip()[-1:].isdigit() and line[20] == " "]
        assert len(figures) >= 10
        assert {len(line.rstrip()) for line in figures} == {36}, numbers
        assert "bits per token" in out
        assert "in-sample entropy" in out
        assert "not a test figure" in out
        assert "leave-one-out" in out
        assert "\033" not in out

    @pytest.mark.parametrize("per", ["file", "line"])
    def test_tables_line_up(self, run, folder, per):
        (folder / "blank.txt").write_text("\na b\n")
        _, out, _ = run("--train", "train.txt", "--per", per, "--", "blank.txt", "train.txt")
        head, *rows = out.splitlines()
        place = head.index(f"  {per}")
        assert all(row[place : place + 2] == "  " and row[place + 2] != " " for row in rows)
        assert len(rows) == {"file": 2 + 1, "line": 4}[per]
        assert "-0.0" not in out

    def test_files_have_a_total(self, run, records):
        """The last row is the figure of the corpus; an interval does not add up, and one file needs no total."""
        _, out, _ = run("--train", "train.txt", "--per", "file", "--", "test.txt", "train.txt", "test.txt")
        (corpus,) = records("--train", "train.txt", "--", "test.txt", "train.txt", "test.txt")
        tokens, unknown, bits, *_, place = out.splitlines()[-1].split()
        assert (int(tokens), int(unknown), place) == (corpus["tokens"], corpus["unknown_tokens"], "total")
        assert float(bits) == pytest.approx(corpus["cross_entropy"], abs=1e-4)
        _, out, _ = run("--train", "train.txt", "--per", "file", "--confidence", "0.9", "--", "train.txt", "train.txt")
        assert out.splitlines()[-1].split()[3:5] == ["-", "-"]
        assert "total" not in run("--train", "train.txt", "--per", "file", "--", "test.txt")[1]

    @pytest.mark.parametrize(
        "options", ["--oov skip", "--eos --tokenizer wordpunct", "--lowercase --tokenizer treebank"]
    )
    def test_files_together_have_the_figures_of_each_alone(self, run, folder, options):
        """To the last bit, whatever is in the files."""
        words = ["the", "cat", "isn't", "on", "THE", "mat", "of", "naïve", "cats", "z"]
        texts = {
            f"{n}.txt": "\n".join(" ".join(words[i % k] for i in range(n * k)) for k in range(1, 11)) for n in (1, 5, 7)
        }
        for name, text in {**texts, "empty.txt": "", "one.txt": "cat", "blank.txt": "\n\n"}.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "packed.gz").write_bytes(gzip.compress(texts["5.txt"].encode()))
        names = [*texts, "empty.txt", "one.txt", "packed.gz", "blank.txt"]
        command = ["--train", "7.txt", *options.split(), "--per", "file", "--jobs", "1", "--format", "json"]
        _, together, _ = run(*command, "--", *names)
        assert together == "".join(run(*command, "--", name)[1] for name in names)

    @pytest.mark.parametrize("per", ["file", "line"])
    def test_what_comes_before_a_file_that_cannot_be_read_is_printed(self, run, folder, per):
        (folder / "cut.gz").write_bytes(gzip.compress(TRAIN.encode())[:-9])
        for bad in ("cut.gz", "."):
            names = ["test.txt", bad, "train.txt"]
            code, out, err = run("--train", "train.txt", "--per", per, "--format", "csv", "--", *names)
            assert (code, [row.split(",")[0] for row in out.splitlines()]) == (1, ["file", "test.txt"])
            assert err.startswith(f"skxent-perplexity: {bad}: ")

    @pytest.mark.parametrize("level", [["--per", "file"], ["--per", "line"], ["--verbose", "word"]])
    @pytest.mark.parametrize(("bad", "options"), [("bytes", []), ("record", ["--field", "text"])])
    @pytest.mark.parametrize("jobs", ["1", "2"])
    def test_what_comes_before_a_damaged_file_is_printed(self, run, folder, level, bad, options, jobs):
        """Though small files are read and counted together."""
        (folder / "good").write_text('{"text": "a b"}\n')
        (folder / "bytes").write_bytes(b"a\xc3")
        (folder / "record").write_bytes(b"{}")
        command = ["--train", "good", *options, *level, "--jobs", jobs, "--format", "csv", "--"]
        _, expected, _ = run(*command, "good", "good")
        code, out, err = run(*command, "good", "good", bad, "good")
        assert (code, out) == (1, expected)
        assert err.splitlines()[-1].startswith(f"skxent-perplexity: {bad}: line 1")

    @pytest.mark.parametrize("form", ["text", "json", "csv"])
    def test_words_of_files_without_any(self, run, folder, form):
        (folder / "empty").write_bytes(b"")
        (folder / "records").write_text("\n{}\n")
        (folder / "train").write_text('{"text": "a b"}\n')
        command = ["--train", "train", "--verbose", "word", "--format", form]
        for options in (["--", "empty"], ["--field", "text", "--skip-bad", "--", "records"]):
            code, _, err = run(*command, *options)
            assert code == 1
            assert ": the corpus is empty: there are no words to score" in err

    def test_files_up_to_one_that_is_refused(self, run, folder):
        names = ["train.txt", "test.txt", "train.txt"]
        for options in (["--oov", "error"], ["--smoothing", "mle"]):
            code, out, err = run("--train", "train.txt", *options, "--per", "file", "--format", "csv", "--", *names)
            assert (code, [row.split(",")[0] for row in out.splitlines()]) == (1, ["file", "train.txt"])
            assert err.startswith("skxent-perplexity: test.txt: 1 tokens")
            assert "such as 'd'" in err

    def test_a_file_of_one_word_has_an_empty_efficiency_in_csv(self, run, folder):
        (folder / "one.txt").write_text("a\n")
        for names in (["one.txt"], ["one.txt", "test.txt"]):
            _, out, _ = run("--train", "train.txt", "--per", "file", "--format", "csv", "--", *names)
            assert pl.read_csv(io.StringIO(out))["renyi_efficiency"][0] is None
            assert "NaN" not in out

    def test_word_table(self, run):
        _, out, _ = run("--train", "train.txt", "--verbose", "word", "--", "test.txt")
        assert [line.split()[1] for line in out.splitlines()[1:]] == ["a", "b", "*d"]

    def test_csv_is_one_table(self, run, folder):
        _, out, _ = run("--train", "train.txt", "--per", "file", "--format", "csv", "--", "test.txt", "train.txt")
        table = pl.read_csv(io.StringIO(out))
        assert table["file"].to_list() == ["test.txt", "train.txt"]
        assert table["tokens"].to_list() == [3, 6]

    def test_srilm_arithmetic_of_its_faq(self):
        """Its log-probability is printed with six digits, which leaves the perplexities five."""
        counts, figures = srilm_summary(
            Score(tokens=1000015, unknown_tokens=34153, ends=61031, log_prob_known=-3.20177e6 * log(10))
        ).split("\n")
        assert counts == "61031 sentences, 1000015 words, 34153 OOVs"
        labels, values = figures.split()[::2], [float(value) for value in figures.split()[3::2]]
        assert labels == ["0", "logprob=", "ppl=", "ppl1="]
        assert values == pytest.approx([-3.20177e6, 1311.97, 2065.09], rel=2e-5)

    def test_srilm_format_drops_unknown_words(self, run):
        _, out, _ = run(*HAND_CASE, "--smoothing", "laplace", "--format", "srilm")
        known = log(4 / 13 * 3 / 13 * 3 / 13) / log(10)
        ppl, ppl1 = (10 ** (-known / n) for n in (3, 2))
        assert out == (
            "file test.txt: 1 sentences, 3 words, 1 OOVs\n"
            f"0 zeroprobs, logprob= {known:g} ppl= {ppl:g} ppl1= {ppl1:g}\n"
        )

    def test_kenlm_format(self, run):
        _, out, _ = run(*HAND_CASE, "--smoothing", "laplace", "--format", "kenlm")
        including = exp(-log(4 / 13 * 3 / 13 * 1 / 13 * 3 / 13) / 4)
        excluding = exp(-log(4 / 13 * 3 / 13 * 3 / 13) / 3)
        assert out.splitlines() == [
            f"Perplexity including OOVs:\t{including:g}",
            f"Perplexity excluding OOVs:\t{excluding:g}",
            "OOVs:\t1",
            "Tokens:\t4",
        ]

    def test_summaries_of_lines_that_cannot_be_scored(self, run, folder):
        (folder / "blank.txt").write_text("\nd\n")
        _, out, _ = run("--train", "train.txt", "--per", "line", "--format", "srilm", "--", "blank.txt")
        assert out.count("ppl= undefined ppl1= undefined") == 2

    def test_summaries_of_the_lines_of_several_small_files(self, run):
        command = ("--train", "train.txt", "--per", "line", "--quiet", "--format")
        _, out, _ = run(*command, "srilm", "--", "test.txt", "train.txt")
        places = [line.partition(":")[0] for line in out.splitlines()[::2]]
        assert places == ["file test.txt"] * 1 + ["file train.txt"] * 2
        _, together, _ = run(*command, "kenlm", "--", "test.txt", "train.txt")
        assert together == "".join(run(*command, "kenlm", "--", name)[1] for name in ("test.txt", "train.txt"))

    def test_formats_offered_are_formats_there_are(self, run):
        code, _, err = run("--format", "nonsense", "train.txt")
        assert code == 2
        assert f"unknown format 'nonsense'; known: {', '.join(FORMATS)}." in err

    def test_every_smoothing_is_listed(self, run):
        code, out, _ = run("--smoothing", "list")
        assert code == 0
        assert [line.split()[0] for line in out.splitlines()] == sorted(SMOOTHINGS)
        assert "(c + δ) / (N + δ V)" in out
        assert not {"`", "\\"} & set(out)

    def test_confidence(self, run, records, folder):
        (folder / "test.txt").write_text("a b d\nc a\nd d b\na\n")
        (record,) = records(*HAND_CASE, "--confidence", "0.9")
        assert record["cross_entropy_low"] < record["cross_entropy"] < record["cross_entropy_high"]
        assert record["confidence"] == 0.9
        assert "90 % interval" in run(*HAND_CASE, "--confidence", "0.9")[1]
        _, out, _ = run(*HAND_CASE, "--confidence", "0.9", "--per", "file")
        assert "low" in out.splitlines()[0]

    def test_confidence_over_files(self, records, folder):
        (folder / "other.txt").write_text("a a a a\na a a\n")
        by = {
            unit: records(
                "--train",
                "train.txt",
                "--confidence",
                ".9",
                "--resample",
                unit,
                "--",
                "test.txt",
                "other.txt",
            )
            for unit in ("line", "file")
        }
        widths = {unit: r["cross_entropy_high"] - r["cross_entropy_low"] for unit, (r,) in by.items()}
        assert widths["file"] > widths["line"] > 0

    def test_plot(self, run, folder):
        pytest.importorskip("matplotlib")
        assert run("train.txt", "--plot", "picture.png")[0] == 0
        assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
        assert sorted(os.listdir()) == ["picture.png", "test.txt", "train.txt"]

    def test_picture_names_the_text_without_its_folder(self, run, folder):
        pytest.importorskip("matplotlib")
        assert run(str(folder / "train.txt"), "--plot", "picture.svg")[0] == 0
        picture = (folder / "picture.svg").read_text()
        assert ">train.txt</text>" in picture
        assert "/train.txt</text>" not in picture

    def test_no_picture_of_unknown_words_alone(self, run, folder):
        pytest.importorskip("matplotlib")
        (folder / "test.txt").write_text("d d\ne\n")
        code, out, err = run(*LAPLACE, "--oov", "skip", "--plot", "picture.png", "--", "test.txt")
        assert (code, "unknown tokens" in out) == (1, True)
        assert "test.txt: no picture: all words are unknown" in err


class TestModels:
    """Saving, loading and comparing."""

    def test_saved_and_read_again(self, records):
        (trained,) = records(*HAND_CASE, "--save", "m.arpa")
        (read,) = records("--model", "m.arpa", "test.txt")
        assert read["perplexity"] == pytest.approx(trained["perplexity"], rel=1e-6)
        assert os.listdir().count("m.arpa") == 1
        assert not [name for name in os.listdir() if name.endswith(".part")]

    def test_comparison(self, run, records, folder):
        (folder / "test.txt").write_text("a b a\na a\nb a c\na\n" * 5)
        (folder / "bad.txt").write_text("c c c c c c a b\n")
        run("--train", "train.txt", "--save", "good.arpa")
        run("--train", "bad.txt", "--save", "bad.arpa")
        (record,) = records("--compare", "good.arpa", "bad.arpa", "--", "test.txt")
        alone = [records("--model", f"{name}.arpa", "test.txt")[0]["cross_entropy"] for name in ("good", "bad")]
        assert [record["cross_entropy_1"], record["cross_entropy_2"]] == pytest.approx(alone)
        assert record["difference"] == pytest.approx(alone[0] - alone[1])
        assert record["difference_low"] < record["difference"] < record["difference_high"] < 0
        assert record["p_value"] < 0.01
        code, out, _ = run("--compare", "bad.arpa", "good.arpa", "--", "test.txt")
        assert code == 0
        assert "good.arpa predicts this text better" in out
        code, out, _ = run("--compare", "good.arpa", "good.arpa", "--format", "csv", "--", "test.txt")
        assert pl.read_csv(io.StringIO(out))["p_value"].item() == 1
        assert "does not tell the models apart" in run("--compare", "bad.arpa", "bad.arpa", "--", "test.txt")[1]

    def test_models_of_different_events_do_not_compare(self, run):
        run("--train", "train.txt", "--save", "m1.arpa")
        run("--train", "train.txt", "--eos", "--save", "m2.arpa")
        code, _, err = run("--compare", "m1.arpa", "m2.arpa", "--", "test.txt")
        assert code == 1
        assert "only one of the models has end-of-sentence events" in err


class TestFilters:
    """Cleaning a corpus."""

    TEXT = "a a a\r\nd d d\n\na b\nd\u00e9j\u00e0 vu"

    def test_bounds_split_the_corpus(self, run, folder):
        (folder / "crawl.txt").write_text(self.TEXT, encoding="utf-8", newline="")
        low = run(*LAPLACE, "--max-perplexity", "6", "--", "crawl.txt")
        high = run(*LAPLACE, "--min-perplexity", "6", "--", "crawl.txt")
        assert low == (0, "a a a\r\na b\n", "skxent-perplexity: kept 2 of 5 lines (held-out)\n")
        assert high[1] == "d d d\nd\u00e9j\u00e0 vu\n"
        both = run(
            *LAPLACE,
            "--min-perplexity",
            "1",
            "--max-perplexity",
            "6",
            "--quiet",
            "--",
            "crawl.txt",
        )
        assert both == (0, low[1], "")

    @pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
    def test_kept_lines_keep_their_encoding(self, folder, written, encoding):
        data = "d\xe9j\xe0 a\n".encode(encoding)
        (folder / "other.txt").write_bytes(data)
        bound = ["--quiet", "--max-perplexity", "1e9"]
        written("--train", "train.txt", *bound, "--save", "m.arpa")
        assert written("--model", "m.arpa", *bound, "--encoding", encoding, "other.txt") == data

    def test_records_are_kept_whole(self, run, folder):
        rows = [{"id": 1, "body": "a b\na", "tags": ["x"]}, {"id": 2, "body": "d d d", "tags": []}]
        pl.DataFrame(rows).write_parquet("t.parquet")
        lines = [json.dumps(row) for row in rows]
        (folder / "t.jsonl").write_text("\n\n".join([lines[0], lines[0][:-1] + "   }", lines[1]]))
        run(*LAPLACE, "--save", "m.arpa")
        bounds = ("--model", "m.arpa", "--max-perplexity", "6", "--field", "body", "--quiet")
        assert run(*bounds, "t.jsonl")[1].splitlines() == [lines[0], lines[0][:-1] + "   }"]
        scored = [json.loads(line) for line in run(*bounds, "--add-score", "t.jsonl")[1].splitlines()]
        assert [record.pop("perplexity") for record in scored] == pytest.approx([0.048 ** (-1 / 3)] * 2)
        assert scored == [rows[0]] * 2
        code, out, err = run(*bounds, "t.jsonl", "t.parquet")
        assert (code, out) == (1, "")
        assert "t.jsonl: no Parquet file, as t.parquet is" in err

    @pytest.mark.parametrize("bound", ["6", "1e9", "1.01"])
    def test_rows_of_parquet_stay_parquet(self, run, folder, written, bound):
        table = pl.DataFrame({"id": [1, 2, 3], "body": ["a b a", "d d d", None], "tags": [["x"], [], None]})
        table.write_parquet("t.parquet")
        run(*LAPLACE, "--save", "m.arpa")
        arguments = ["--model", "m.arpa", "--max-perplexity", bound, "--field", "body", "--quiet", "t.parquet"]
        kept = pl.read_parquet(io.BytesIO(written(*arguments)))
        expected = {"6": [1], "1e9": [1, 2], "1.01": []}[bound]
        assert kept.schema == table.schema
        assert kept.equals(table.filter(pl.col("id").is_in(expected)))
        scored = pl.read_parquet(io.BytesIO(written(*arguments, "--add-score")))
        assert scored.drop("perplexity").equals(kept)
        assert scored.schema["perplexity"] == pl.Float64 or not expected
        assert (scored["perplexity"] <= float(bound)).all()

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ('{"t": "a"}', '{"t": "a", "perplexity": 3.25}'),
            ('{"t": "a" }  ', '{"t": "a", "perplexity": 3.25}'),
            ('{"t": "d", "x": {}}', None),
            ('{"t": "a", "perplexity": 1}', "there is a field 'perplexity' already"),
            ('{"t": "a", "x": {"perplexity": 1}}', '{"t": "a", "x": {"perplexity": 1}, "perplexity": 3.25}'),
        ],
    )
    def test_the_score_is_added_to_any_object(self, run, folder, line, expected):
        (folder / "t.jsonl").write_text(f"{line}\n")
        run("--train", "train.txt", "--smoothing", "mle", "--save", "m.arpa")
        (folder / "m.arpa").write_text("\\data\\\nngram 1=2\n\n\\1-grams:\n-0.51188336\ta\n-0.2\t<unk>\n\n\\end\\\n")
        options = ("--model", "m.arpa", "--field", "t", "--min-perplexity", "2", "--add-score", "--quiet", "t.jsonl")
        code, out, err = run(*options)
        if expected is None:
            assert (code, out) == (0, "")
        elif expected.startswith("{"):
            record, wanted = json.loads(out), json.loads(expected)
            assert record.pop("perplexity") == pytest.approx(wanted.pop("perplexity"))
            assert record == wanted
        else:
            assert (code, expected in err, "t.jsonl: line 1" in err) == (1, True, True)

    def test_bad_records_are_skipped_and_counted_if_asked_for(self, run, folder):
        (folder / "t.jsonl").write_text('{"body": "a b", "n": 1}\n{"n": 2}\n{"body": 3}\n{"body": "a"')
        run(*LAPLACE, "--save", "m.arpa")
        options = ("--model", "m.arpa", "--field", "body", "t.jsonl")
        assert "t.jsonl: line 2: no field 'body'" in run(*options)[2]
        code, out, err = run("--skip-bad", "--max-perplexity", "99", *options)
        assert (code, out) == (0, '{"body": "a b", "n": 1}\n')
        assert "note: left out 3 records, such as t.jsonl: line 2: no field 'body'" in err
        code, out, err = run("--skip-bad", "--per", "line", "--format", "csv", *options)
        assert (code, len(out.splitlines()), "left out 3 records" in err) == (0, 2, True)

    def test_training_text_cleans_itself(self, run):
        _, out, err = run("--train", "train.txt", "--max-perplexity", "1e9")
        assert out == TRAIN
        assert "(leave-one-out)" in err

    def test_impossible_lines_are_perplexing(self, run):
        code, out, _ = run(
            "--train", "train.txt", "--smoothing", "mle", "--max-perplexity", "1e30", "test.txt", "train.txt"
        )
        assert (code, out) == (0, TRAIN)


class TestErrors:
    """One clear line on standard error that says where, and exit code 1."""

    def failing(self, run, *arguments):
        code, out, err = run(*arguments)
        assert (code, out) == (1, "")
        assert err.startswith("skxent-perplexity: ")
        assert err.count("\n") == 1
        return err

    def test_missing_file(self, run):
        assert "nowhere.txt: no such file" in self.failing(run, "nowhere.txt")
        assert "no*.gz: no such file" in self.failing(run, "no*.gz")
        assert "nowhere.arpa" in self.failing(run, "--model", "nowhere.arpa", "test.txt")
        for option in ("--save", "--plot"):
            assert "nowhere/m: there is no folder" in self.failing(run, option, "nowhere/m", "train.txt")
            assert "..: a folder, not the name" in self.failing(run, option, "..", "train.txt")
        assert "nowhere.vocab" in self.failing(run, "--vocab", "nowhere.vocab", "train.txt")

    def test_folder_is_no_file(self, run, folder):
        (folder / "sub").mkdir()
        assert "sub" in self.failing(run, "sub")

    @pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
    def test_names_of_files_may_be_undecodable(self, folder, written):
        name = os.fsdecode(b"caf\xe9")
        (folder / name).write_text(TRAIN)
        out = partial(written, "--quiet")
        command = [*COMMAND, "--quiet", name]
        assert subprocess.check_output(command) == out(name)
        assert b"caf\xe9" in out(name)
        for per in ("file", "line"):
            assert json.loads(out(name, "--per", per, "--format", "json").splitlines()[0])["file"] == name
            assert out(name, "train.txt", "--per", per, "--format", "csv").splitlines()[1].startswith(b"caf\xe9,")
            assert out(name, "train.txt", "--per", per).splitlines()[1].split()[-1].startswith(b"caf\xe9")
        out("train.txt", "--save", f"{name}.arpa")
        record = json.loads(out("--compare", f"{name}.arpa", f"{name}.arpa", "--format", "json", "--", "train.txt"))
        assert record["model_1"] == f"{name}.arpa"

    @pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
    def test_tables_are_the_same_beside_an_undecodable_name(self, folder, written):
        (folder / "café.txt").write_text(
            f'{TRAIN}\n\n"quoted, with a comma" ünïcödé c\\\x01\x7f \U0010fe85\n' * 20, encoding="utf-8"
        )
        name = os.fsdecode(b"caf\xe9")
        (folder / name).write_text(TRAIN)
        for level in (("--per", "line"), ("--verbose", "word")):
            for form in ("csv", "json"):
                command = ("--quiet", "--train", "train.txt", *level, "--format", form, "--", "café.txt")
                out = written(*command)
                assert len(out.splitlines()) > 80
                if level == ("--per", "line"):
                    assert written(*command, name).startswith(out)
                else:
                    assert "\U0010fe85".encode() in out

    def test_mistakes_in_training_are_found_before_the_text_is_read(self, run, folder):
        (folder / "bad.txt").write_bytes(b"\xff")
        assert "nowhere.vocab" in self.failing(run, "bad.txt", "--vocab", "nowhere.vocab")
        assert "nowhere.arpa" in self.failing(run, "bad.txt", "--background", "nowhere.arpa")
        assert "unknown smoothing 'laplac'" in run("bad.txt", "--smoothing", "laplac")[2]

    def test_folders_that_cannot_be_written_to_are_found_before_the_work(self, run, folder, monkeypatch):
        monkeypatch.setattr(os, "access", lambda path, mode: path != folder)
        assert f"m.arpa: {folder} cannot be written to" in self.failing(run, "nowhere.txt", "--save", "m.arpa")

    def test_undecodable_byte(self, run, folder):
        (folder / "bad.txt").write_bytes(b"a b\nc \xff d\n")
        err = self.failing(run, "bad.txt")
        assert "bad.txt" in err
        assert "line 2" in err
        assert "byte 6" in err

    def test_truncated_gzip(self, run, folder):
        (folder / "cut.gz").write_bytes(gzip.compress(os.urandom(3000))[:1500])
        assert "cut.gz" in self.failing(run, "cut.gz", "--errors", "replace")

    @pytest.mark.parametrize("text", ["", "\n", " \n\t\n"])
    def test_empty_corpus(self, run, folder, text):
        (folder / "empty.txt").write_text(text)
        assert "empty.txt: the corpus is empty" in self.failing(run, "empty.txt")
        assert "empty.txt: the corpus is empty" in self.failing(run, "--train", "train.txt", "--", "empty.txt")
        assert "words to train on" in self.failing(run, "--train", "empty.txt", "--", "test.txt")

    def test_one_empty_file_among_others(self, records, run, folder):
        (folder / "empty.txt").write_text("")
        empty, full = records("--train", "train.txt", "--per", "file", "--", "empty.txt", "test.txt")
        assert (empty["tokens"], empty["perplexity"], full["tokens"]) == (0, None, 3)
        options = ("--train", "train.txt", "--per", "file", "--confidence", "0.9")
        code, out, _ = run(*options, "--", "empty.txt", "train.txt")
        assert code == 0
        assert out.splitlines()[1].split() == ["0", "0", "-", "-", "-", "-", "-", "-", "empty.txt"]

    def test_mle_and_unknown_words(self, run, folder):
        (folder / "test.txt").write_text("a d d e\n")
        err = self.failing(run, "--train", "train.txt", "--smoothing", "mle", "--", "test.txt")
        assert "3 tokens have probability 0 under mle, such as 'd', 'e'" in err
        assert "--oov skip" in err
        assert run("--train", "train.txt", "--smoothing", "mle", "--oov", "skip", "--", "test.txt")[0] == 0

    def test_unknown_words_of_a_model_without_any(self, run):
        run("--train", "train.txt", "--smoothing", "mle", "--save", "m.arpa")
        err = self.failing(run, "--model", "m.arpa", "test.txt")
        assert "probability 0 under the model, such as 'd'; use --oov skip, or a smoothed model" in err
        assert "use --oov skip, or a smoothed model" in run("--model", "m.arpa", "--per", "line", "test.txt")[2]

    def test_mle_by_line_prints_what_it_can(self, run):
        code, out, err = run(
            *("--train", "train.txt", "--smoothing", "mle", "--per", "line", "--format", "json"),
            *("--", "test.txt", "train.txt"),
        )
        assert code == 1
        assert [json.loads(line)["perplexity"] is None for line in out.splitlines()] == [True, False, False]
        assert "1 lines have probability 0" in err

    @pytest.mark.parametrize("per", ["corpus", "file"])
    def test_unknown_words_refused(self, run, per):
        err = self.failing(run, "--train", "train.txt", "--oov", "error", "--per", per, "--", "test.txt")
        assert "test.txt: 1 tokens are unknown words, such as 'd'" in err

    @pytest.mark.parametrize("level", [("--per", "line"), ("--verbose", "word")])
    def test_unknown_words_refused_by_line(self, run, level):
        err = self.failing(run, "--train", "train.txt", "--oov", "error", *level, "--", "test.txt")
        assert "test.txt: line 1: 1 unknown words" in err

    def test_too_few_lines_for_a_bootstrap(self, run):
        assert "at least 2 lines" in self.failing(run, *HAND_CASE, "--confidence", "0.9")

    def test_bootstrap_over_impossible_words(self, run, folder):
        run("--train", "train.txt", "--smoothing", "mle", "--save", "m.arpa")
        (folder / "test.txt").write_text("a b\nd a\n")
        assert "probability 0" in self.failing(run, "--compare", "m.arpa", "m.arpa", "--", "test.txt")

    def test_vocabulary_of_phrases(self, run, folder):
        (folder / "v.txt").write_text("a\nb c\n")
        assert "v.txt: line 2: expected one word a line, got 2" in self.failing(run, "--vocab", "v.txt", "train.txt")
        (folder / "v.txt").write_bytes(b"a\n\xff\n")
        assert "v.txt: byte 2: not valid utf-8" in self.failing(run, "--vocab", "v.txt", "train.txt")
        (folder / "v.txt").write_text("\n")
        assert "v.txt: no words" in self.failing(run, "--vocab", "v.txt", "train.txt")

    def test_picture_of_no_format(self, run):
        pytest.importorskip("matplotlib")
        assert "picture.xyz: no picture format 'xyz'" in self.failing(run, "train.txt", "--plot", "picture.xyz")

    def test_missing_extra(self, run, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        assert "pip install" in self.failing(run, "train.txt", "--plot", "picture.png")

    def test_note_when_a_method_does_not_fit(self, run, folder):
        (folder / "odd.txt").write_text("a a a a\n")
        code, _, err = run("odd.txt", "--smoothing", "kneser_ney")
        assert (code, err.count("\n"), err[:24]) == (0, 1, "skxent-perplexity: note:")
        assert run("odd.txt", "--smoothing", "kneser_ney", "--quiet")[2] == ""


USAGE_ERRORS = [
    ([], "nothing to score"),
    (["--model", "m.arpa"], "nothing to score"),
    (["--model", "m.arpa", "--train", "a", "--", "b"], "not allowed with"),
    (["--model", "m.arpa", "--eos", "b"], "--eos belongs to training"),
    (["--model", "m.arpa", "--min-count", "2", "b"], "--min-count belongs to training"),
    (["--compare", "m", "n", "--save", "o", "--", "b"], "--save belongs to training"),
    (["--compare", "m", "n", "--plot", "o", "--", "b"], "--plot is for one model"),
    (["--max-perplexity", "9", "--format", "csv", "b"], "--format is for a report"),
    (["--max-perplexity", "-9", "b"], "expected a number above 0, got '-9'"),
    (["--max-perplexity", "nan", "b"], "expected a number above 0, got 'nan'"),
    (["--confidence", "95", "b"], "between 0 and 1"),
    (["--confidence", "high", "b"], "between 0 and 1"),
    (["--confidence", "0.9", "--per", "line", "b"], "--confidence needs a sample"),
    (
        ["--confidence", "0.9", "--resample", "file", "--per", "file", "b"],
        "--resample file needs --per corpus",
    ),
    (["--resample", "file", "b"], "--resample needs --confidence"),
    (["--format", "srilm", "--verbose", "word", "b"], "--verbose word has no --format srilm"),
    (["--min-count", "2", "--vocab", "v", "b"], "--min-count and --vocab both choose"),
    (["--min-count", "0", "b"], "at least 1, got '0'"),
    (["--smoothing-parameter", "big", "b"], "expected a number or leave-one-out, got 'big'"),
    (["--per", "line", "-"], "standard input can be read only once"),
    (["--train", "-", "--", "-"], "standard input can be read only once"),
    (["--compare", "m", "n", "--", "-"], "standard input can be read only once"),
    (["--train", "-", "--per", "line"], "standard input can be read only once"),
    (["--model", "-", "-"], "standard input can be read only once"),
    (["--compare", "m", "m", "--format", "srilm", "--", "b"], "--compare has no --format srilm"),
    (["--confidence", "0.9", "--format", "kenlm", "b"], "--confidence has no --format kenlm"),
    (["--max-perplexity", "9", "--plot", "p.png", "b"], "--plot is for a report"),
    (["--min-perplexity", "9", "--max-perplexity", "2", "b"], "from --min-perplexity 9 to --max-perplexity 2"),
    (["--encoding", "klingon", "train.txt"], "klingon"),
    (["--smoothing", "nonsense", "train.txt"], "unknown smoothing 'nonsense'"),
    (["--smoothing", "lidstone", "--smoothing-parameter", "-1", "train.txt"], "-1"),
    (["--tokenizer", "nonsense", "train.txt"], "unknown tokenizer 'nonsense'"),
    (["--nonsense"], "unrecognized arguments"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE_ERRORS)
def test_usage_errors(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) <= 4


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_read_twice(run):
    os.mkfifo("pipe")
    code, out, err = run("--per", "line", "pipe")
    assert (code, out) == (2, "")
    assert "pipe can be read only once" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--eos", "--train", "train.txt", "--lowercase", "--", "test.txt"],
        ["test.txt", "--train", "train.txt", "--eos", "--lowercase"],
        ["--lowercase", "test.txt", "--eos", "--train", "train.txt"],
    ],
)
def test_arguments_in_any_order(run, arguments):
    code, out, _ = run(*arguments, "--format", "srilm")
    assert code == 0
    assert out.startswith("file test.txt: 1 sentences, 3 words, 1 OOVs")


class Terminal(io.StringIO):
    def isatty(self):
        return True


class TestTerminal:
    """What only a terminal sees."""

    def test_progress_is_drawn_late_and_wiped(self, folder):
        screen = Terminal()
        with Progress(True, stream=screen, delay=0.0, interval=0.0) as progress:
            advance = progress.start("counting", ["train.txt"])
            advance(6)
            advance(6)
        frames = screen.getvalue().split("\r\033[K")
        assert [frame[:45] for frame in frames[1:3]] == [
            "counting [############............]  50 %   0",
            "counting [########################] 100 %   0",
        ]
        assert frames[-1] == ""

    def test_progress_of_short_work_is_not_drawn(self, folder):
        screen = Terminal()
        with Progress(True, stream=screen) as progress:
            progress.start("counting", ["train.txt", "no such file, whose size nobody needs"])(12)
        assert screen.getvalue() == ""

    @pytest.mark.parametrize(("colour", "bold"), [({}, True), ({"NO_COLOR": "1"}, False)])
    def test_main_figures_are_bold_unless_told_not_to(self, folder, monkeypatch, colour, bold):
        monkeypatch.delenv("NO_COLOR", raising=False)
        for name, value in colour.items():
            monkeypatch.setenv(name, value)
        screen = Terminal()
        monkeypatch.setattr(sys, "stdout", screen)
        assert main(["train.txt"]) == 0
        assert ("\033[1mcross-entropy" in screen.getvalue()) is bold


class TestProcess:
    """What only a process of its own can show."""

    def test_nothing_heavy_is_imported_for_help_and_usage_errors(self):
        for arguments in (["--help"], [], ["x", "--confidence", "2"]):
            code = (
                "import sys\nfrom skxent.cli import main\n"
                f"try: main({arguments})\nexcept SystemExit: pass\n"
                "heavy = {'numpy', 'polars', 'scipy', 'sklearn', 'shutil', 'threading'}\n"
                "print(heavy & set(sys.modules), file=sys.stderr)"
            )
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            assert done.stderr.splitlines()[-1] == "set()"

    def test_scikit_learn_is_not_imported_for_a_report(self, folder):
        code = (
            "import sys\nfrom skxent.cli import main\nmain(['train.txt', '--quiet'])\n"
            "print({'scipy', 'sklearn', 'pandas', 'nltk', 'matplotlib', 'rich'} & set(sys.modules))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "set()"

    @pytest.mark.parametrize("format", ["text", "json"])
    @pytest.mark.parametrize(
        "model", [["--model", "m.arpa"], ["--train", "train.txt", "--eos", "--"], ["--min-count", "2"]]
    )
    def test_text_is_scored_without_polars(self, folder, format, model):
        """Polars takes longer to import than NumPy, and the words need never be strings."""
        assert main(["--train", "train.txt", "--save", "m.arpa", "--quiet"]) == 0
        arguments = [*model, "test.txt", "--quiet", "--format", format]
        code = (
            f"import sys\nfrom skxent.cli import main\nmain({arguments})\n"
            "print({'polars', 'numpy.ma', 'statistics', 'socket', 'skxent.cli._compare'} & set(sys.modules))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "set()"

    def test_words_in_a_locale_without_them(self, folder):
        (folder / "word.txt").write_text("déjà\n", encoding="utf-8")
        command = [*COMMAND, "--train", "train.txt", "--verbose", "word", "--jobs", "1", "--", "word.txt"]
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
        done = subprocess.run(command, capture_output=True, check=True, env=environment)
        assert "*déjà" in done.stdout.decode("utf-8")

    def test_pipes_in_and_out(self, folder):
        done = subprocess.run(
            [*COMMAND, "--format", "json", "-"], input=TRAIN, capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout)["tokens"] == 6
        assert done.stderr == ""

    @pytest.mark.parametrize("name", ["text", "csv", "json"])
    def test_closed_pipe_is_quiet(self, folder, name):
        (folder / "long.txt").write_text(TRAIN * 100_000)
        command = [*COMMAND, "--train", "train.txt", "--per", "line", "--format", name, "--", "long.txt"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 0


def test_too_little_text_to_tune_on_is_said(tmp_path, capsys):
    path = tmp_path / "short.txt"
    path.write_text("the cat sat\non the mat\nby the door\n", encoding="utf-8")
    assert main([str(path)]) == 0
    assert "at the edge: too little text to tell words apart" in capsys.readouterr().out
