"""``--tokenizer A,B``: tokenizers side by side."""

import json

import pytest

from skxent.cli import main
from skxent.language_model import count_text, fit_unigram, renyi_efficiency, renyi_entropy

TEXT = "It's a tokenizer, isn't it?\nIt is; it is.\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.txt").write_text("it is\n")

    def command(*arguments):
        try:
            code = main([*arguments])
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return command


def test_each_line_is_that_of_the_tokenizer_alone(run):
    code, out, err = run("a.txt", "--tokenizer", "whitespace,wordpunct", "--format", "json")
    assert (code, err) == (0, "")
    for record in map(json.loads, out.splitlines()):
        alone = json.loads(run("a.txt", "--tokenizer", record["tokenizer"], "--format", "json")[1])
        for name in ("tokens", "types", "cross_entropy", "bits_per_byte", "renyi_efficiency", "evaluated"):
            assert record[name] == alone[name]
        counts = count_text(TEXT.splitlines(), tokenizer=record["tokenizer"])
        assert record["entropy"] == pytest.approx(alone["in_sample_entropy"]) == renyi_entropy(counts, 1)
        assert record["renyi_efficiency"] == renyi_efficiency(counts)
        assert record["bytes_per_token"] == len(TEXT) / counts.n_tokens


def test_a_held_out_text(run):
    code, out, _ = run("--train", "a.txt", "--tokenizer", "wordpunct,whitespace", "--format", "json", "--", "b.txt")
    first = json.loads(out.splitlines()[0])
    model = fit_unigram(count_text(TEXT.splitlines(), tokenizer="wordpunct"))
    expected = model.evaluate(count_text(["it is"], tokenizer="wordpunct"))
    assert (code, first["evaluated"]) == (0, "held-out")
    assert first["cross_entropy"] == pytest.approx(expected.cross_entropy)


def test_the_table_lines_up(run):
    _, out, _ = run("a.txt", "--tokenizer", "whitespace,wordpunct")
    head, *rows = out.splitlines()[:3]
    at = head.index("tokenizer")
    assert [row[at:] for row in rows] == ["whitespace", "wordpunct"]
    assert "efficiency: Rényi's, of order 2.5" in out


def test_the_sheet_has_the_efficiency(run):
    _, out, _ = run("a.txt")
    assert f"Rényi efficiency     {renyi_efficiency(count_text(TEXT.splitlines())):>15.4f}" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--per", "line"], "--per needs a single --tokenizer"),
        (["--save", "x.arpa"], "--save needs a single --tokenizer"),
        (["--max-perplexity", "9"], "--max-perplexity needs a single --tokenizer"),
        (["--format", "kenlm"], "a comparison of tokenizers has no --format kenlm"),
    ],
)
def test_what_needs_one_tokenizer(run, arguments, message):
    code, _, err = run("a.txt", "--tokenizer", "whitespace,wordpunct", *arguments)
    assert code == 2
    assert message in err


def test_an_unknown_tokenizer_and_a_pipe(run):
    assert "unknown tokenizer 'nonsense'" in run("a.txt", "--tokenizer", "whitespace,nonsense")[2]
    assert "can be read only once" in run("-", "--tokenizer", "whitespace,wordpunct")[2]
