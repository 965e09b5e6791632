"""Choosing text from the command line."""

import gzip
import json
import subprocess
import sys

import polars as pl
import pytest

from skxent.cli import main
from skxent.language_model import select_texts

WANTED = ["the ship sails the sea", "a storm at sea"]
CRAWL = ["buy a cheap ship model", "the sea was calm and the ship slow", "", "win a prize today", "calm sea"]


@pytest.fixture
def run(tmp_path, monkeypatch, capfdbinary):
    """Run the command in a folder with the texts; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wanted.txt").write_text("\n".join(WANTED))
    (tmp_path / "crawl.txt").write_text("\n".join(CRAWL))
    records = [{"text": text, "id": i} for i, text in enumerate(CRAWL)]
    lines = [json.dumps(record) for record in records]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(lines[:2]).encode()))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress("\n".join(lines[2:]).encode()))
    (tmp_path / "wanted.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in WANTED))
    pl.DataFrame(records).write_parquet("crawl.parquet")

    def command(*arguments):
        try:
            code = main(["--target", *map(str, arguments)])
        except SystemExit as stop:
            code = stop.code
        out, err = capfdbinary.readouterr()
        return code, out, err.decode()

    return command


def test_best_lines(run):
    code, out, err = run("wanted.txt", "--raw", "crawl.txt", "--top", 2)
    assert (code, out.decode().splitlines()) == (0, [CRAWL[1], CRAWL[4]])
    assert err.startswith("skxent-perplexity: selected 2 of 5 documents (1 without a word), scores of ")


def test_best_records_of_compressed_files_with_a_glob(run):
    code, out, err = run("wanted.jsonl", "--raw", "*.jsonl.gz", "--field", "text", "--top", "50%", "--quiet")
    found = [json.loads(line) for line in out.splitlines()]
    assert (code, err, [record["id"] for record in found]) == (0, "", [1, 4])
    expected = select_texts(WANTED, CRAWL).scores
    assert [record["score"] for record in found] == expected[[1, 4]].round(6).tolist()


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_target_of_plain_text_and_raw_records(run, compress, tmp_path):
    """The field is that of the records; a target may be of both kinds."""
    arguments = ("--raw", "*.jsonl.gz", "--field", "text", "--score", "--quiet")
    (tmp_path / "wanted.text").write_bytes(compress(b"\xef\xbb\xbf\n" + "\n".join(WANTED).encode()))
    expected = run("wanted.jsonl", *arguments)
    assert run("wanted.text", *arguments) == expected
    assert expected[0] == 0
    (tmp_path / "one.jsonl").write_text(json.dumps({"text": WANTED[0]}))
    (tmp_path / "two").write_text(WANTED[1])
    assert run("one.jsonl", "two", *arguments) == expected
    (tmp_path / "broken.jsonl").write_text("not JSON")
    code, _, err = run("broken.jsonl", *arguments)
    assert (code, "broken.jsonl: line 1: not valid JSON" in err) == (1, True)


def test_scores_and_buckets(run):
    arguments = ("wanted.jsonl", "--raw", "a.jsonl.gz", "b.jsonl.gz", "--field", "text", "--score")
    code, out, _ = run(*arguments, "--buckets", "30", "60%", "--score-field", "likeness")
    found = [json.loads(line) for line in out.splitlines()]
    assert (code, [record["bucket"] for record in found]) == (0, ["middle", "head", "", "tail", "head"])
    assert found[2]["likeness"] is None
    code, out, _ = run("wanted.txt", "--raw", "crawl.txt", "--score")
    assert [line.split("\t")[1] for line in out.decode().splitlines()] == CRAWL


def test_a_sample_repeats(run):
    arguments = ("wanted.txt", "--raw", "crawl.txt", "--sample", 2, "--seed", 7, "--smoothing", "laplace")
    (code, first, _), (_, again, _) = run(*arguments), run(*arguments)
    assert (code, len(first.splitlines()), first) == (0, 2, again)


def test_rows_of_parquet_go_to_standard_output(run, tmp_path):
    pl.DataFrame({"text": WANTED}).write_parquet("wanted.parquet")
    command = ["--target", "wanted.parquet", "--raw", "crawl.parquet", "--field", "text", "--top", "2"]
    with open("chosen.parquet", "wb") as file:
        subprocess.run([sys.executable, "-m", "skxent.cli", *command], stdout=file, check=True)
    assert pl.read_parquet("chosen.parquet")["id"].to_list() == [1, 4]


def test_bad_records(run, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"text": "the sea"}\nno json\n{"text": "a prize"}\n')
    arguments = ("wanted.jsonl", "--raw", "bad.jsonl", "--field", "text", "--top", 1)
    code, out, err = run(*arguments)
    assert (code, out) == (1, b"")
    assert "bad.jsonl: line 2: not valid JSON" in err
    code, out, err = run(*arguments, "--skip-bad")
    assert (code, json.loads(out)["text"]) == (0, "the sea")
    assert "left out 1 record, such as bad.jsonl: line 2" in err


WRONG = [
    (("wanted.txt",), "--target and --raw need each other"),
    (("wanted.txt", "--raw", "crawl.txt"), "say what to choose"),
    (("wanted.txt", "--raw", "crawl.txt", "--top", "2", "--sample", "2"), "not allowed with"),
    (("wanted.txt", "--raw", "crawl.txt", "--top", "many"), "expected a whole number or a percentage"),
    (("wanted.txt", "--raw", "crawl.txt", "--top", "120%"), "percentage between 0 and 100"),
    (("wanted.txt", "--raw", "crawl.txt", "--top", "0"), "at least 1"),
    (("wanted.txt", "--raw", "crawl.txt", "--top", "1", "--seed", "1"), "--seed is for --sample"),
    (("wanted.txt", "--raw", "crawl.txt", "--top", "1", "--per", "line"), "--per is not for choosing text"),
    (("wanted.txt", "--raw", "crawl.txt", "--top", "1", "--eos"), "--eos is not for choosing text"),
    (("wanted.txt", "--raw", "-", "--top", "1"), "standard input can be read only once"),
    (("wanted.txt", "--raw", "crawl.txt", "--top", "9"), "fewer than 9"),
    (("wanted.txt", "--raw", "crawl.txt", "--score", "--buckets", "60", "30"), "two increasing percentages"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_usage(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, b"")
    assert message in err


def test_options_of_selection_need_it(capsys):
    with pytest.raises(SystemExit):
        main(["corpus.txt", "--top", "10%"])
    assert "--top is for choosing text: name --target and --raw" in capsys.readouterr().err


def test_long_records_are_chosen_without_polars(run, tmp_path):
    """To import it takes as long as to choose from 3 MB."""
    lines = [json.dumps({"text": f"{text} {'and so on ' * 200}"}) for text in CRAWL]
    (tmp_path / "long.jsonl").write_text("\n".join(lines))
    code = "import sys; from skxent.cli import main; main(sys.argv[1:]); print('polars' in sys.modules)"
    names = ["--target", "wanted.txt", "--raw", str(tmp_path / "long.jsonl"), "--field", "text"]
    command = [sys.executable, "-c", code, *names, "--top", "1", "--quiet"]
    record, has_polars = subprocess.check_output(command, text=True).splitlines()
    assert json.loads(record)["text"].startswith(CRAWL[1])
    assert has_polars == "False"


def test_a_folder_of_raw_text(run, tmp_path):
    code, _, err = run("wanted.txt", "--raw", tmp_path, "--top", 1)
    assert (code, f"{tmp_path}: is a directory; name its files, such as {tmp_path / '*'}" in err) == (1, True)


@pytest.mark.parametrize("quiet", [False, True])
def test_a_warning_of_the_smoothing_is_a_note(run, quiet):
    code, _, err = run(
        "wanted.txt", "--raw", "crawl.txt", "--top", 1, "--smoothing", "good_turing", *["--quiet"] * quiet
    )
    assert code == 0
    assert "Warning" not in err
    assert ("skxent-perplexity: note: good_turing: the counts of counts allow no estimate" in err) is not quiet


def test_the_command_loads_no_scikit_learn(run):
    code = "import sys; from skxent.cli import main; main(sys.argv[1:]); print('sklearn' in sys.modules)"
    arguments = ["--target", "wanted.txt", "--raw", "crawl.txt", "--top", "1", "--quiet"]
    out = subprocess.check_output([sys.executable, "-c", code, *arguments], text=True)
    assert out.splitlines() == [CRAWL[1], "False"]
