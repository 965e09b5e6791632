"""What goes wrong around the command: files that would be lost, closed streams, signals, odd names, odd models."""

import bz2
import gzip
import io
import json
import lzma
import os
import resource
import signal
import subprocess
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

from skxent.cli import main
from skxent.cli._options import build_parser
from skxent.language_model import read_arpa

TRAIN = "a b a\nb a c\n"
COMMAND = [sys.executable, "-m", "skxent.cli"]
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return the model of a text, as the command saves it."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "train.txt").write_text(TRAIN)
    main(["--train", str(folder / "train.txt"), "--save", str(folder / "m.arpa")])
    return (folder / "m.arpa").read_bytes()


@pytest.fixture
def folder(tmp_path, monkeypatch, model):
    monkeypatch.chdir(tmp_path)
    for name in ("train.txt", "test.txt", "vocab.txt"):
        (tmp_path / name).write_text("a\nb\n" if name == "vocab.txt" else TRAIN)
    for name in ("m.arpa", "n.arpa"):
        (tmp_path / name).write_bytes(model)
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# No command destroys an input.


DESTRUCTIVE = [
    ["train.txt", "--save", "train.txt"],
    ["--train", "test.txt", "--save", "train.txt", "--", "train.txt"],
    ["--train", "train.txt", "--save", "test.txt"],
    ["--train", "train.txt", "--save", "train.txt", "--force"],
    ["train.txt", "--save", "./sub/../train.txt"],
    ["train.txt", "--save", "link"],
    ["train.txt", "--save", "hard"],
    ["*.txt", "--save", "test.txt"],
    ["train.txt", "--vocab", "vocab.txt", "--save", "vocab.txt"],
    ["train.txt", "--background", "m.arpa", "--save", "m.arpa"],
    ["train.txt", "--plot", "train.txt"],
    ["train.txt", "--plot", "test.txt"],
    ["train.txt", "--plot", "m.arpa"],
    ["--model", "m.arpa", "train.txt", "--plot", "m.arpa"],
    ["train.txt", "--save", "x.arpa", "--plot", "x.arpa"],
    ["train.txt", "--save", "new.zst"],
    ["train.txt", "--save", "readonly.arpa"],
]


@posix
@pytest.mark.parametrize("arguments", DESTRUCTIVE, ids=" ".join)
def test_no_command_destroys_an_input(folder, capsys, arguments):
    (folder / "link").symlink_to("train.txt")
    os.link(folder / "train.txt", folder / "hard")
    (folder / "sub").mkdir()
    (folder / "readonly.arpa").write_bytes((folder / "m.arpa").read_bytes())
    (folder / "readonly.arpa").chmod(0o444)
    (folder / "sub").rmdir() if "sub" not in " ".join(arguments) else None
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert main(arguments) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_model_and_a_picture_may_be_replaced(folder):
    pytest.importorskip("matplotlib")
    for _ in range(2):
        assert main(["train.txt", "--smoothing", "laplace", "--save", "m.arpa", "--plot", "p.png"]) == 0
    assert main(["train.txt", "--save", "test.txt", "--force"]) == 0
    assert read_arpa("test.txt").words.to_list() == ["a", "b", "c"]


@posix
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--model", "m.arpa", "--max-perplexity", "99", "train.txt"], "train.txt"),
        (["--model", "m.arpa", "--max-perplexity", "99", "-"], "standard input"),
        (["--target", "test.txt", "--raw", "train.txt", "--top", "1"], "train.txt"),
        (["--target", "train.txt", "--raw", "test.txt", "--top", "1"], "train.txt"),
        (["--compare", "m.arpa", "n.arpa", "--", "train.txt"], "train.txt"),
    ],
)
def test_appending_to_an_input_is_refused(folder, arguments, name):
    with open("train.txt", "ab") as out, open("train.txt", "rb") as given:
        done = subprocess.run([*COMMAND, *arguments], stdin=given, stdout=out, stderr=subprocess.PIPE)
    assert (done.returncode, (folder / "train.txt").read_text()) == (1, TRAIN)
    assert f"{name}: is an input and the output at once".encode() in done.stderr


@posix
def test_a_replaced_file_keeps_its_mode(folder):
    os.chmod("m.arpa", 0o600)
    assert main(["train.txt", "--save", "m.arpa"]) == 0
    assert os.stat("m.arpa").st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("suffix", "unpack"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_a_model_is_compressed_as_its_name_says(folder, suffix, unpack):
    assert main(["train.txt", "--save", f"x.arpa.{suffix}"]) == 0
    assert unpack.open(f"x.arpa.{suffix}").read() == (folder / "m.arpa").read_bytes()
    assert main(["--model", f"x.arpa.{suffix}", "test.txt"]) == 0


@pytest.mark.parametrize("word", ["<s>", "</s>", "x\0y"])
def test_words_that_arpa_cannot_hold_are_unknown_in_a_saved_model(folder, capsys, word):
    (folder / "odd.txt").write_text(f"a b {word}\na {word} c\n")
    assert main(["odd.txt", "--save", "odd.arpa"]) == 0
    captured = capsys.readouterr()
    assert "note: an ARPA file cannot hold 1 words" in captured.err
    assert "unknown tokens                     2" in captured.out
    assert sorted(read_arpa("odd.arpa").words) == ["a", "b", "c"]


# Streams and signals.


def shell(command, **options):
    text = f"{sys.executable} -m skxent.cli {command}"
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, **options)


@posix
def test_closed_streams(folder):
    assert shell("train.txt >&-").stderr == "skxent-perplexity: standard output is closed\n"
    assert shell("train.txt >&-").returncode == 1
    done = shell("--help >&-")
    assert (done.returncode, done.stderr) == (1, "skxent-perplexity: standard output is closed\n")
    assert shell("--nonsense >&-").returncode == 2
    done = shell("--help | head -1; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr, done.stdout[:6]) == (0, "", "usage:")
    done = shell("- <&-")
    assert (done.returncode, done.stderr) == (1, "skxent-perplexity: -: standard input is closed\n")
    done = shell("train.txt 2>&-")
    assert (done.returncode, "cross-entropy" in done.stdout) == (0, True)
    assert shell("train.txt --save x.arpa <&- 2>&-").returncode == 0
    assert (folder / "x.arpa").read_bytes() == (folder / "m.arpa").read_bytes()


def test_a_report_in_another_thread(folder, capsys):
    """Only the main thread can be told of signals."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(main, ["train.txt", "--quiet"]).result() == 0
    assert "cross-entropy" in capsys.readouterr().out


@pytest.mark.parametrize(("columns", "width"), [("60", 58), ("0", 78), ("many", 78)])
def test_help_is_as_wide_as_the_screen(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    help_lines = (
        build_parser().format_help().partition("positional arguments:")[2].partition("examples:")[0].splitlines()
    )
    assert width - 12 < max(map(len, help_lines)) <= width


@posix
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("is_unbuffered", [False, True])
def test_a_full_disk_names_what_is_written(folder, is_unbuffered):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1" if is_unbuffered else ""}
    reports = [f"train.txt --per line --format {name}" for name in ("text", "csv", "json")]
    for command in ("train.txt", *reports, "--help", "--version"):
        done = shell(f"{command} > /dev/full", env=environment)
        assert (done.returncode, done.stderr) == (1, "skxent-perplexity: standard output: No space left on device\n")


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_leave_nothing_half_written(folder, number):
    before = sorted(os.listdir())
    command = [*COMMAND, "-", "--save", "x.arpa"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdin.write(TRAIN.encode() * 100_000)  # more than a pipe holds, so it is reading now
        process.stdin.flush()
        process.send_signal(number)
        time.sleep(0.1)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (128 + number, b"", b"")
    assert sorted(os.listdir()) == before


@posix
def test_a_pipe_that_gives_one_byte_at_first(folder):
    os.mkfifo("pipe.gz")
    data = gzip.compress(TRAIN.encode())

    def write():
        with open("pipe.gz", "wb", buffering=0) as pipe:
            for byte in data[:20]:
                pipe.write(bytes([byte]))
                time.sleep(0.002)
            pipe.write(data[20:])

    writer = threading.Thread(target=write)
    writer.start()
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        assert main(["pipe.gz", "--format", "json"]) == 0
    writer.join()
    assert json.loads(out.getvalue())["tokens"] == 6


# Long lines, with bounded memory.


def with_peak(*arguments):
    """Score in a process with one thread; return the record, and the most memory that the process had, in MB.

    What ``getrusage`` says may be the peak of the process that started it.
    """
    code = (
        "import sys; from skxent.cli import main\n"
        f"code = main(['--model', 'm.arpa', '--format', 'json', '--jobs', '1', *{arguments!r}])\n"
        "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM:')), file=sys.stderr)\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout), int(done.stderr.rpartition("VmHWM:")[2].split()[0]) / 1024


linux = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the peak memory is read as on Linux")


@linux
@pytest.mark.parametrize("piece", ["word ", " ", "x" * 50 + "\u3000"], ids=["words", "blanks", "ideographic space"])
def test_memory_for_one_long_line_is_that_of_a_few_blocks(folder, piece):
    """A block of 2 MiB takes about 40 MB in each thread; the whole line would take twenty times its 30 MB."""
    size = 30_000_000 // len(piece.encode())
    (folder / "long.txt").write_text("a " + piece * size + "b\n", encoding="utf-8")
    for level in ("corpus", "line"):
        record, peak_mb = with_peak("long.txt", "--per", level)
        assert record["lines"] == 1
        assert record["tokens"] == 2 + (0 if piece == " " else size)
        assert peak_mb < 300


@linux
@pytest.mark.parametrize("piece", ["a ", "x" * 10 + "\u3000"], ids=["words", "ideographic space"])
def test_memory_for_one_long_record_is_a_few_times_its_size(folder, piece):
    """A record is decoded as a whole; the arrays of all its words would take thirty times its 30 MB."""
    size = 30_000_000 // len(piece.encode())
    (folder / "long.jsonl").write_text(json.dumps({"text": piece * size}, ensure_ascii=False), encoding="utf-8")
    for level in ("corpus", "line"):
        record, peak_mb = with_peak("long.jsonl", "--field", "text", "--per", level)
        assert (record["lines"], record["tokens"]) == (1, size)
        assert peak_mb < 150 + 7 * 30


@posix
def test_a_long_line_is_filtered_in_time_linear_in_its_length(folder):
    """Four times the line takes about four times as long; a quadratic filter takes sixteen times."""
    seconds = []
    for n in (4, 16):
        (folder / "long.txt").write_text("a b " * (n * 250_000) + "\n")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [*COMMAND, "--model", "m.arpa", "--max-perplexity", "99", "long.txt", "--quiet"]
        done = subprocess.run(command, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert len(done.stdout) == n * 1_000_000 + 1
    assert seconds[1] < 8 * seconds[0]


# What is not comparable is said.


def test_a_tiny_vocabulary_does_not_win_a_comparison(folder, capsys):
    """The model that knows next to nothing gives most of its probability to one unknown-word event."""
    (folder / "tiny.txt").write_text("qq\nrr\nss tt the\n")
    words = [f"w{i}" for i in range(300)]
    real = "\n".join(" ".join(["the", *words[i : i + 9]]) for i in range(0, 300, 3))
    (folder / "real.txt").write_text(real + "\n")
    for name in ("tiny", "real"):
        main([f"{name}.txt", "--save", f"{name}.arpa", "--quiet"])
    main(["--compare", "tiny.arpa", "real.arpa", "--", "real.txt"])
    captured = capsys.readouterr()
    assert "real.arpa predicts this text better" in captured.out
    assert "of the tokens are unknown words under tiny.arpa" in captured.err


def test_many_unknown_words_are_noted(folder, capsys):
    (folder / "other.txt").write_text("x y z\n")
    main(["--model", "m.arpa", "other.txt"])
    assert "note: 100 % of the tokens are unknown words" in capsys.readouterr().err
    main(["--model", "m.arpa", "train.txt"])
    assert capsys.readouterr().err == ""


def test_vocab_pad_shares_the_unknown_probability(folder, capsys):
    records = []
    for pad in ([], ["--vocab-pad", "1003"]):
        (folder / "other.txt").write_text("x\n")
        main(["--model", "m.arpa", *pad, "other.txt", "--format", "json"])
        records.append(json.loads(capsys.readouterr().out))
    assert records[1]["perplexity"] == pytest.approx(1000 * records[0]["perplexity"])


@pytest.mark.parametrize(
    "what", [["--model", "m.arpa"], ["--train", "train.txt", "--"], ["--compare", "m.arpa", "m.arpa", "--"]]
)
def test_a_vocabulary_without_room_for_unknown_words_is_refused(folder, capsys, what):
    assert main([*what, "train.txt", "--vocab-pad", "1", "--quiet"]) != 0
    assert "words; give more than these" in capsys.readouterr().err


def test_a_comparison_on_an_empty_text_names_the_file(folder, capsys):
    (folder / "empty.txt").write_text("\n")
    assert main(["--compare", "m.arpa", "m.arpa", "--", "empty.txt"]) == 1
    assert "empty.txt: a bootstrap over lines needs at least 2" in capsys.readouterr().err


# Conventions of other tools.


def test_blank_lines_end_sentences_as_in_kenlm(folder, capsys):
    (folder / "blank.txt").write_text("a b\n\n\nc\n")
    for options, ends in (([], 2), (["--blank-lines"], 4)):
        main(["blank.txt", "--eos", "--smoothing", "mle", *options, "--save", "e.arpa", "--quiet"])
        probability = 10 ** (read_arpa("e.arpa").log_prob_eos / 2.302585092994046)
        assert probability == pytest.approx(ends / (3 + ends))
        main(["--model", "e.arpa", *options, "blank.txt", "--format", "srilm"])
        assert f"{ends} sentences, 3 words" in capsys.readouterr().out.splitlines()[-2]
    main(["--model", "e.arpa", "blank.txt", "--format", "kenlm"])
    assert "Tokens:\t7" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--blank-lines"]])
def test_words_add_up_to_the_corpus_with_ends_of_sentences(folder, capsys, options):
    (folder / "blank.txt").write_text("a b\n\nc d\n")
    common = ["--train", "train.txt", "--eos", *options, "--quiet", "--format", "json", "--", "blank.txt"]
    main(["--verbose", "word", *common])
    words = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    main(common)
    total = json.loads(capsys.readouterr().out)["log_probability"]
    assert sum(word["log_probability"] for word in words) == pytest.approx(total)
    blank = [["</s>", 2]] if options else []
    expected = [["a", 1], ["b", 1], ["</s>", 1], *blank, ["c", 3], ["d", 3], ["</s>", 3]]
    assert [[word["word"], word["line"]] for word in words] == expected


def test_a_closed_vocabulary_has_an_srilm_summary(folder, capsys):
    (folder / "closed.arpa").write_text("\\data\\\nngram 1=2\n\n\\1-grams:\n-0.3\ta\n-0.3\tb\n\n\\end\\\n")
    assert main(["--model", "closed.arpa", "--format", "srilm", "train.txt"]) == 0
    assert "6 words, 1 OOVs" in capsys.readouterr().out


def test_bytes_are_those_of_the_file(folder, capsys):
    (folder / "latin.txt").write_bytes("\xe9\xe8 \xe9\xe8 abc \xe9\n".encode("latin-1"))
    for errors in ("replace", "ignore"):
        main(["latin.txt", "--errors", errors, "--format", "json", "--quiet"])
        assert json.loads(capsys.readouterr().out)["bytes"] == os.path.getsize("latin.txt")


def test_more_training_files_than_meant_are_noted(folder, capsys):
    main(["--train", "train.txt", "test.txt"])
    assert "note: all files are training text, and scored by leave-one-out" in capsys.readouterr().err


def test_lines_of_json_have_their_line_numbers(folder, capsys):
    (folder / "t.jsonl").write_text('{"t": "a"}\n\n{"t": "b\\nb"}\n')
    main(["t.jsonl", "--field", "t", "--per", "line", "--format", "json"])
    assert [json.loads(line)["line"] for line in capsys.readouterr().out.splitlines()] == [1, 3]


@pytest.mark.parametrize("encoding", ["rot13", "base64", "hex", "klingon", "idna", "punycode", "undefined"])
def test_what_is_no_encoding_of_text(folder, capsys, encoding):
    for errors in ("strict", "replace"):
        assert main(["train.txt", "--encoding", encoding, "--errors", errors]) == 2
        assert f"encoding '{encoding}' is" in capsys.readouterr().err


def test_a_parameter_too_large_for_arithmetic(folder, capsys):
    for value in ("1e308", "inf", "nan"):
        assert main(["train.txt", "--smoothing-parameter", value]) == 2
        assert "smoothing 'lidstone'" in capsys.readouterr().err


def test_json_that_is_read_as_text_is_noted(folder, capsys):
    (folder / "t.jsonl").write_text('{"text": "a b"}\n')
    main(["--model", "m.arpa", "t.jsonl"])
    assert (
        "t.jsonl looks like JSON lines, and is read as plain text: name the text's --field" in capsys.readouterr().err
    )
    for text in ('[{"text": "a b"}]\n', '[\n{"text": "a b"}\n]\n', '{\n"text": "a b"\n}\n'):
        (folder / "t.json").write_text(text)
        main(["--model", "m.arpa", "t.json"])
        assert "t.json looks like JSON" in capsys.readouterr().err
    for text in ("{braces in a text}\n", "[1]\n", "5\n", "[]\n", "\n"):
        (folder / "plain.txt").write_text(text)
        main(["--model", "m.arpa", "plain.txt"])
        assert "JSON" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("body", "words", "unknown"),
    [
        ("-0.7\tYES \n-0.7\tNO -0.3\n-0.5 <UNK>\t-0.2\n  -0.4  </S>\n", ["YES", "NO"], -0.5),
        ("-0.5\t<unk>\n-0.6\t<UNK>\n-0.5\ta\n", ["<UNK>", "a"], -0.5),
        ("-0.5 <UNK>\t0.0000\r\n-0.5 a\t0.0000\r\n\r\n\\2-grams:\r\n\r\n\\3-grams:\r\n", ["a"], -0.5),
        ("-0.5\t\\end\\\n-0.5\t\\2-grams:\n-99\t<s>\n-1\t<unk>\n", ["\\end\\", "\\2-grams:"], -1),
    ],
    ids=["blanks and capitals", "both spellings", "CMU with empty sections and CRLF", "words like marks"],
)
def test_models_of_other_tools(folder, body, words, unknown):
    n = sum(bool(line.strip()) and not line.strip().endswith("-grams:") for line in body.splitlines())
    n += body.count("\t\\2-grams:")
    (folder / "other.arpa").write_bytes(f"\\data\\\nngram 1={n}\nngram 2=0\n\n\\1-grams:\n{body}\\end\\\n".encode())
    model = read_arpa("other.arpa")
    assert model.words.to_list() == words
    assert model.log_prob_unk == pytest.approx(unknown * 2.302585092994046)


def test_an_ngram_in_an_empty_section_is_refused_with_its_line(folder, capsys):
    text = "\\data\\\nngram 1=1\nngram 2=0\n\n\\1-grams:\n-0.5\ta\n\n\\2-grams:\n-0.5\ta a\n\\end\\\n"
    (folder / "other.arpa").write_text(text)
    assert main(["--model", "other.arpa", "train.txt"]) == 1
    assert "other.arpa: line 9: a model of higher order" in capsys.readouterr().err


def test_utf_16_is_named(folder, capsys):
    (folder / "marked.txt").write_text(TRAIN, encoding="utf-16")
    assert main(["marked.txt"]) == 1
    assert "line 1, byte 0: not valid utf-8 (it begins as utf-16 does); give its --encoding" in capsys.readouterr().err
    (folder / "bare.txt").write_text(TRAIN, encoding="utf-16-le")
    assert main(["--model", "m.arpa", "bare.txt"]) == 0
    assert "note: bare.txt has NUL bytes as UTF-16 has them: name its --encoding" in capsys.readouterr().err

    assert main(["--model", "m.arpa", "bare.txt", "--encoding", "utf-16-le"]) == 0
    assert "NUL" not in capsys.readouterr().err


def test_what_is_compressed_twice_is_named(folder, capsys):
    (folder / "x.gz").write_bytes(gzip.compress(bz2.compress(TRAIN.encode())))
    assert main(["x.gz"]) == 1
    assert capsys.readouterr().err == "skxent-perplexity: x.gz: is compressed twice; unpack it once\n"


def test_parquet_is_known_by_more_than_its_name(folder, capsys):
    pl.DataFrame({"text": ["a b"]}).write_parquet("x.parquet")
    (folder / "x.gz").write_bytes(gzip.compress((folder / "x.parquet").read_bytes()))
    assert main(["x.gz", "--field", "text"]) == 1
    assert "x.gz: a compressed Parquet file cannot be read; unpack it" in capsys.readouterr().err
    (folder / "about.txt").write_text("PAR1 is how it begins\na b\n")
    assert main(["--model", "m.arpa", "about.txt", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"] == 7
    assert main(["--target", "about.txt", "--raw", "about.txt", "--top", "1"]) == 0


def test_a_number_of_many_digits_in_a_record_does_not_matter(folder, capsys):
    (folder / "x.jsonl").write_text('{"text": "a b", "n": %s}\n' % ("9" * 5_000))
    assert main(["--model", "m.arpa", "x.jsonl", "--field", "text", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"] == 2


def test_a_vocabulary_may_be_compressed(folder, capsys):
    (folder / "vocab.gz").write_bytes(gzip.compress(b"\xef\xbb\xbfa\r\n\r\nb"))
    assert main(["train.txt", "--vocab", "vocab.gz", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["unknown_tokens"] == 1
    (folder / "vocab.gz").write_bytes(gzip.compress(b"a\n\xff"))
    assert main(["train.txt", "--vocab", "vocab.gz"]) == 1
    assert "vocab.gz: byte 2: not valid utf-8" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["-", "--vocab", "-"])
    assert "standard input can be read only once" in capsys.readouterr().err


def test_numbers_too_large_for_the_machine(folder, capsys):
    with pytest.raises(SystemExit):
        main(["train.txt", "--min-count", "9" * 30])
    assert "expected a whole number below 2**63" in capsys.readouterr().err
    assert main(["train.txt", "--jobs", "1000000"]) == 0


def test_two_models_in_one_file_are_refused(folder, capsys):
    text = (folder / "m.arpa").read_text()
    (folder / "two.arpa").write_text(text * 2)
    assert main(["--model", "two.arpa", "train.txt"]) == 1
    line = text.count("\n") + 1
    assert f"two.arpa: line {line}: \\data\\ comes twice; a file holds one model" in capsys.readouterr().err
    (folder / "tabs.arpa").write_text(text.replace("ngram ", "ngram\t"))
    assert read_arpa("tabs.arpa").words.to_list() == read_arpa("m.arpa").words.to_list()


@pytest.mark.parametrize(
    ("head", "word"), [(b"\x04\x22\x4d\x18", "lz4"), (b"PK\x03\x04", "zip"), (b"7z\xbc\xaf\x27\x1c", "7z")]
)
def test_archives_are_called_by_their_name(folder, capsys, head, word):
    (folder / "x.txt").write_bytes(head + b"rest of the archive")
    assert main(["x.txt"]) == 1
    assert word in capsys.readouterr().err


def test_frames_of_zstd(folder, capsys):
    zstandard = pytest.importorskip("zstandard")
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    long = zstandard.ZstdCompressor(compression_params=parameters).compress(TRAIN.encode() * 1000)
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstandard.compress(b"a b\n") + zstandard.compress(b"c\n")
    for data, n_tokens in ((long, 6000), (skippable, 3)):
        (folder / "x").write_bytes(data)
        assert main(["x", "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["tokens"] == n_tokens
    (folder / "x").write_bytes(long[:-10])
    assert main(["x"]) == 1
    assert "x: cannot be read, it is damaged or cut short" in capsys.readouterr().err


# What follows -- is a file, whatever its name.


@pytest.mark.parametrize("name", ["-x.txt", "--y", "-1", "--model.txt"])
def test_files_whose_names_begin_with_a_dash(folder, capsys, name):
    (folder / name).write_text("a b d\n")
    assert main(["--model", "m.arpa", "--format", "srilm", "--", name]) == 0
    assert capsys.readouterr().out.startswith(f"file {name}: 0 sentences, 3 words, 1 OOVs")
    assert main(["--train", "train.txt", "--", name, "test.txt", "--format", "srilm"]) == 0
    assert "9 words, 1 OOVs" in capsys.readouterr().out


# Compressed files that are not whole, or more than whole.


def lzma_alone(data):
    return lzma.compress(data, format=lzma.FORMAT_ALONE)


COMPRESSED = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "lzma": lzma_alone}


@pytest.mark.parametrize("form", COMPRESSED)
def test_compressed_files_cut_short_or_with_something_behind(folder, capsys, form):
    whole = COMPRESSED[form](TRAIN.encode() * 1000)
    command = ["--model", "m.arpa", "--format", "srilm", "x"]
    cut = "the compressed data do not end"
    for data, problem in [
        (whole[:-1], cut),
        (whole[: len(whole) // 2], cut),
        (whole[:20], cut),
        (whole + b"garbage", "something else follows"),
    ]:
        (folder / "x").write_bytes(data)
        assert main(command) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert f"x: cannot be read, it is damaged or cut short: {problem}" in captured.err


@pytest.mark.parametrize("form", COMPRESSED)
def test_members_add_up_and_zeros_behind_them_are_padding(folder, capsys, form):
    member = COMPRESSED[form](TRAIN.encode())
    (folder / "x").write_bytes(member + member + bytes(512))
    assert main(["--model", "m.arpa", "--format", "srilm", "x"]) == 0
    assert "12 words" in capsys.readouterr().out


@linux
def test_much_text_in_few_compressed_bytes_takes_little_memory(folder):
    (folder / "x.xz").write_bytes(lzma.compress(b"a b c\n" * 7_000_000, preset=0))  # 42 MB
    record, peak_mb = with_peak("x.xz")
    assert record["tokens"] == 21_000_000
    assert peak_mb < 400


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_tar_archive_is_no_text(folder, capsys, compress):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add("train.txt")
    (folder / "x.tar").write_bytes(compress(archive.getvalue()))
    assert main(["x.tar"]) == 1
    assert "x.tar: a tar archive cannot be read; unpack it" in capsys.readouterr().err


def test_parquet_from_a_stream_is_refused(folder):
    pl.DataFrame({"t": ["a"]}).write_parquet("x.parquet")
    done = shell("--model m.arpa --field t - < x.parquet")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "-: Parquet cannot be read from a stream: save it to a file first" in done.stderr


# Bytes that are no text, in any encoding: one line with the file, the line and the byte.


UNDECODABLE = [
    ("utf-8", b"a b\n\xff", 2, 4),
    ("shift_jis", b"a b\na \x81\xff b\n", 2, 6),
    ("shift_jis", b"a b\na \x81", 2, 6),
    ("cp1252", b"a\nb \x81\n", 2, 4),
    ("gb18030", b"a\nb \x81\x30\x81\n", 2, 4),
    ("euc_jp", b"a b\n\n\xa4", 3, 5),
    ("ascii", b"a b\xc3\n", 1, 3),
    ("utf-16", b"\xff\xfea\0\n\0b", 2, 6),
    ("utf-16-le", b"a\0\n\0\x00\xd8b\0", 2, 4),
    ("utf-32", b"\xff\xfe\0\0a\0\0\0\n\0\0\0\xff\xff\xff\xff", 2, 12),
]


@pytest.mark.parametrize(("encoding", "data", "line", "byte"), UNDECODABLE)
@pytest.mark.parametrize(
    "options", [[], ["--per", "line"], ["--max-perplexity", "99"]], ids=["count", "line", "filter"]
)
def test_undecodable_bytes_have_their_place(folder, capsys, encoding, data, line, byte, options):
    (folder / "x.txt").write_bytes(data)
    assert main(["--model", "m.arpa", "--encoding", encoding, *options, "--quiet", "x.txt"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"skxent-perplexity: x.txt: line {line}, byte {byte}: not valid {encoding} (")
    assert "--errors replace" in err
    assert err.count("\n") == 1
    assert main(["--model", "m.arpa", "--encoding", encoding, "--errors", "replace", "--quiet", "x.txt"]) == 0


def test_carriage_returns_alone_end_no_line_and_are_noted(folder, capsys):
    (folder / "old.txt").write_bytes(b"a b\ra\rc\r")
    (folder / "both.txt").write_bytes(b"a b\r\na\r\nc")
    (folder / "one.txt").write_bytes(b"a b\r")
    assert main(["--train", "train.txt", "--", "old.txt"]) == 0
    assert "note: old.txt has carriage returns and no line feeds" in capsys.readouterr().err
    assert main(["--train", "train.txt", "--", "both.txt", "one.txt"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("option", ["CORPUS", "--train", "--model", "--save", "--plot", "--vocab"])
def test_empty_names_are_refused(option, folder, capsys):
    """As from a variable of a shell that is not set."""
    words = [""] if option == "CORPUS" else ["test.txt", option, ""]
    assert main([*words, *(["--train", "train.txt"] if option not in ("--train", "--model") else [])]) == 1
    assert capsys.readouterr().err == f"skxent-perplexity: {option}: the name of the file is empty\n"
