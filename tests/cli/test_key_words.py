"""``--compare A B --words N``: between texts, between models, and between models on a text."""

import csv
import io
import json

import pytest

from skxent.cli import main
from skxent.language_model import count_files, keyness

SEA = "the tide runs out\nthe boat lies in the mud\nthe boat and the tide\n"
SKY = "the moon is out\nthe stars are bright\na planet in the west\nthe moon and the stars\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sea.txt").write_text(SEA)
    (tmp_path / "sky.txt").write_text(SKY)
    for name in ("sea", "sky"):
        assert main(["--train", f"{name}.txt", "--eos", "--save", f"{name}.arpa"]) == 0
    capsys.readouterr()

    def command(*arguments):
        try:
            code = main(["--compare", *arguments])
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return command


def test_words_of_two_texts_are_those_of_python(run):
    code, out, err = run("sea.txt", "sky.txt", "--words", "3", "--format", "json")
    assert (code, err) == (0, "")
    records = [json.loads(line) for line in out.splitlines()]
    found = keyness(SEA.splitlines(), SKY.splitlines(), n_words=3).table
    assert [record["word"] for record in records] == found["word"].to_list()
    for name in ("share", "low", "high", "count_1", "count_2"):
        assert [record[name] for record in records] == pytest.approx(found[name].to_list(), rel=1e-12)
    assert {record["unit"] for record in records} == {"bits"}


def test_nats(run):
    bits, nats = (
        json.loads(run("sea.txt", "sky.txt", "--words", "1", "--format", "json", "--base", base)[1]) for base in "2e"
    )
    for name in ("share", "low", "high"):
        assert nats[name] == pytest.approx(bits[name] * 0.6931471805599453)
    assert nats["unit"] == "nats"


def test_the_table_lines_up_and_says_what_it_is(run):
    code, out, _ = run("sea.txt", "sky.txt", "--words", "6", "--confidence", "0.9")
    head, _, columns, *rows = out.splitlines()
    assert code == 0
    assert head.startswith("sea.txt and sky.txt: Jensen-Shannon divergence 0.")
    assert columns.split() == ["share", "low", "high", "count", "1", "count", "2", "word"]
    at = columns.index("word")
    assert all(row[at - 1] == " " != row[at] for row in rows[:6])
    assert "90 % intervals: bootstrap of 3 and 4 blocks of lines" in out
    assert "positive where sea.txt has the word more often" in out


def test_csv_has_a_row_a_word(run):
    rows = list(csv.DictReader(io.StringIO(run("sea.txt", "sky.txt", "--words", "4", "--format", "csv")[1])))
    assert [row["word"] for row in rows] == ["boat", "tide", "moon", "stars"]


def test_words_on_a_text_add_up_to_the_difference_of_the_models(run):
    _, out, _ = run("sea.arpa", "sky.arpa", "--format", "json", "--", "sea.txt")
    difference = json.loads(out)["difference"]
    n_words = count_files(["sea.txt"]).n_types + 1
    code, out, _ = run("sea.arpa", "sky.arpa", "--words", "99", "--format", "json", "--", "sea.txt")
    records = [json.loads(line) for line in out.splitlines()]
    assert (code, len(records)) == (0, n_words)
    assert sum(record["share"] for record in records) == pytest.approx(difference, rel=1e-9)
    assert "</s>" in {record["word"] for record in records}
    assert {record["word"] for record in records if record["unknown_2"]} == {"tide", "runs", "boat", "lies", "mud"}


def test_two_models_have_a_divergence_and_no_intervals(run):
    code, out, err = run("sea.arpa", "sky.arpa", "--words", "2", "--format", "json")
    assert code == 0
    assert all(json.loads(line)["low"] is None for line in out.splitlines())
    assert "no intervals" in err
    assert "intervals" not in run("sea.arpa", "sky.arpa", "--words", "2")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["sea.txt", "sea.arpa", "--words", "2"], 1, "sea.arpa is a model, and the other file is none"),
        (["sea.txt", "none.txt", "--words", "2"], 1, "none.txt: no such file"),
        (["sea.txt", "sky.txt"], 2, "nothing to score"),
        (["sea.txt", "sky.txt", "--words", "0"], 2, "at least 1"),
        (["-", "sky.txt", "--words", "2"], 2, "standard input can be read only once"),
        (["sea.arpa", "sky.arpa", "--words", "2", "--oov", "error", "--", "sea.txt"], 1, "tokens are unknown words"),
        (["sea.txt", "sky.txt", "--words", "2", "--format", "srilm"], 2, "has no --format srilm"),
    ],
)
def test_what_cannot_be_compared(run, arguments, code, message):
    got, out, err = run(*arguments)
    assert (got, out) == (code, "")
    assert message in err


def test_files_and_documents_as_units(run, tmp_path):
    (tmp_path / "more.txt").write_text("the tide\n")
    _, out, _ = run("[sm]*[ae].txt", "sky.txt", "--words", "1", "--resample", "file")
    assert "bootstrap of 2 and 1 files" in out
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"t": line}) + "\n" for line in SEA.splitlines()))
    _, out, _ = run("a.jsonl", "a.jsonl", "--words", "1", "--field", "t")
    assert "3 and 3 blocks of documents" in out
