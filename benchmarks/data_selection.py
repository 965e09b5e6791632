"""Choosing and classifying text: speed, memory and agreement with peers, all in one run.

    python benchmarks/data_selection.py select      documents of known origin, against DSIR's package data-selection
    python benchmarks/data_selection.py large       more documents, skxent-perplexity alone
    python benchmarks/data_selection.py classify    text files, against CountVectorizer and MultinomialNB

The documents are not repeated: pieces of the Brown corpus (NLTK), of the sources of Python's packages and of the
files in /usr/share/doc.  The target is a quarter of Brown; the raw text is all the rest, and each record says where
it is from.  In the hard mixture the target is a part of Brown's fiction, and the raw text the rest of Brown.

Every peer of a speed is a process of its own, start-up included, and the peers take turns; figures are medians.
Speeds are given by the clock and for a core: megabytes for each second of processor time.  ``--dsir-python`` names a
Python that has data-selection, if this one has not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _report import as_installed, machine, print_table
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from skxent import select_texts

COMMAND = [sys.executable, "-m", "skxent.cli", "--quiet"]
DOCUMENTATION = Path("/usr/share/doc")
FICTION = {"adventure", "fiction", "humor", "mystery", "romance", "science_fiction"}
DSIR_TOKENS = ["--tokenizer", "wordpunct", "--lowercase"]

DSIR = """
import sys, numpy as np
from data_selection import HashedNgramDSIR
raw, target, folder, n = sys.argv[1:]
dsir = HashedNgramDSIR([raw], [target], cache_dir=folder, ngrams=int(n), num_proc=1)
dsir.fit_importance_estimator(num_tokens_to_fit="all")
dsir.compute_importance_weights()
dsir.resample(folder + "/chosen", num_to_sample=1000, cache_dir=folder + "/resampled")
"""

CLASSIFY = """
import sys, json, os, time, numpy as np, sklearn.metrics
paths, labels, is_test = (np.array(column) for column in json.load(open(sys.argv[1])))
{make}
begin, before = time.perf_counter(), os.times()
accuracy = model.fit(paths[~is_test], labels[~is_test]).score(paths[is_test], labels[is_test])
seconds, after = time.perf_counter() - begin, os.times()
print(json.dumps([accuracy, seconds, after.user - before.user + after.system - before.system]))
"""

NAIVE_BAYES = """
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
model = make_pipeline(CountVectorizer(input="filename", decode_error="replace"{options}), MultinomialNB())
"""

UNIGRAMS = """
from skxent import UnigramClassifier
model = UnigramClassifier(input="filename", decode_error="replace"{options})
"""

Document = tuple[str, str]


class Run(NamedTuple):
    """What a process took, and the last line that it printed."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    said: str


# A small process of its own measures a command: a process begins with the peak memory of the one that starts it.
MEASURE = """
import json, os, subprocess, sys, tempfile, time
with tempfile.TemporaryFile() as out:
    begin = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=out)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    out.seek(max(out.tell() - 200, 0))
    said = out.read().decode("utf-8", "replace").strip().rpartition(chr(10))[2]
cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, cpu, peak, said]))
"""


def run(command: Sequence[str]) -> Run:
    """Run a command to its end."""
    measured = [sys.executable, "-c", MEASURE, *command]
    done = subprocess.run(measured, capture_output=True, text=True, check=True, env=as_installed())
    code, *took = json.loads(done.stdout)
    if code:
        raise SystemExit(f"{' '.join(command)}: exit code {code}\n{done.stderr}")
    return Run(*took)


def take_turns(peers: dict[str, list[str]], rounds: int) -> dict[str, Run]:
    """Medians of some rounds in which every peer runs once."""
    runs: dict[str, list[Run]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, command in peers.items():
            runs[name].append(run(command))
    return {name: median_run(of) for name, of in runs.items()}


def median_run(runs: list[Run]) -> Run:
    """Take the median of each figure, and what the last run said."""
    seconds, cpu_seconds, peak_mb = (statistics.median(column) for column in list(zip(*runs, strict=True))[:3])
    return Run(seconds, cpu_seconds, peak_mb, runs[-1].said)


def pieces(origin: str, text: str, size: int = 3000) -> Iterator[Document]:
    """Cut a text at blanks into documents of about so many characters."""
    words, begun = text.split(" "), 0
    length = 0
    for i, word in enumerate(words):
        length += len(word) + 1
        if length >= size:
            yield origin, " ".join(words[begun : i + 1])
            begun, length = i + 1, 0
    if length > size / 10:
        yield origin, " ".join(words[begun:])


def brown() -> Iterator[Document]:
    """Documents of the Brown corpus, by category."""
    from nltk.corpus import brown as corpus

    for category in corpus.categories():
        for name in corpus.fileids(category):
            yield from pieces(f"brown/{category}", " ".join(corpus.words(name)))


def files(origin: str, paths: Iterable[Path]) -> Iterator[Document]:
    """Documents of text files, plain or compressed, as far as they are UTF-8."""
    for path in sorted(paths):
        try:
            data = path.read_bytes()
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
        except (OSError, UnicodeDecodeError, EOFError):
            continue
        yield from pieces(origin, text)


def everything() -> list[Document]:
    """All documents that this machine has, each once."""
    packages = {Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")}
    documents = dict.fromkeys(brown())
    documents |= dict.fromkeys(files("code", (path for folder in packages for path in folder.rglob("*.py"))))
    documents |= dict.fromkeys(files("documentation", (p for p in DOCUMENTATION.rglob("*") if p.is_file())))
    return list(documents)


class Mixture(NamedTuple):
    """A target, and a raw text with the origin of each document."""

    title: str
    target: Path
    raw: Path
    is_wanted: np.ndarray

    @property
    def megabytes(self) -> float:
        """Size of the raw text."""
        return self.raw.stat().st_size / 1e6


def mixture(folder: Path, title: str, documents: list[Document], wanted: Callable[[str], bool], mb: float) -> Mixture:
    """Write a quarter of the wanted documents as the target, and the rest among the others up to a size."""
    random.Random(0).shuffle(documents)
    found = [document for document in documents if wanted(document[0])]
    target = found[: len(found) // 4]
    raw = found[len(found) // 4 :] + [document for document in documents if not wanted(document[0])]
    random.Random(1).shuffle(raw)
    sizes = np.cumsum([len(text.encode()) for _, text in raw])
    raw = raw[: int(np.searchsorted(sizes, mb * 1e6)) + 1]
    paths = folder / f"{title}-target.jsonl", folder / f"{title}-raw.jsonl"
    for path, chosen in zip(paths, (target, raw), strict=True):
        lines = (json.dumps({"id": i, "origin": origin, "text": text}) for i, (origin, text) in enumerate(chosen))
        path.write_text("\n".join(lines) + "\n")
    return Mixture(title, *paths, np.array([wanted(origin) for origin, _ in raw]))


def choose(mixed: Mixture, *options: str) -> list[str]:
    """Make the command that chooses a tenth."""
    files_of = ["--target", str(mixed.target), "--raw", str(mixed.raw), "--field", "text"]
    return [*COMMAND, *files_of, "--top", "10%", *options]


def select(folder: Path, options: argparse.Namespace) -> None:
    """Compare with DSIR's own package."""
    documents = everything()
    easy = mixture(folder, "easy", documents, lambda origin: origin.startswith("brown"), options.megabytes)
    only_brown = [document for document in documents if document[0].startswith("brown")]
    hard = mixture(folder, "hard", only_brown, lambda origin: origin.partition("/")[2] in FICTION, options.megabytes)
    weights = {mixed.title: folder / f"dsir-{mixed.title}" for mixed in (easy, hard)}
    dsir = [options.dsir_python, "-c", DSIR, str(easy.raw), str(easy.target)]
    peers = {
        "skxent-perplexity --target T --raw R --top 10%": choose(easy),
        "the same --tokenizer wordpunct --lowercase": choose(easy, *DSIR_TOKENS),
        "the same --jobs 1": choose(easy, *DSIR_TOKENS, "--jobs", "1"),
        "data-selection, words": [*dsir, str(weights["easy"]), "1"],
        "data-selection, words and pairs (its default)": [*dsir, str(folder / "pairs"), "2"],
    }
    report_speed(easy, take_turns(peers, options.rounds))
    run([options.dsir_python, "-c", DSIR, str(hard.raw), str(hard.target), str(weights["hard"]), "1"])
    report_agreement([(mixed, dsir_weights(weights[mixed.title])) for mixed in (easy, hard)])


def report_speed(mixed: Mixture, runs: dict[str, Run]) -> None:
    """Print the speeds; how much faster is by processor time, which other work on the machine changes least."""
    own = next(iter(runs.values())).cpu_seconds
    rows = [
        [
            name,
            f"{took.seconds:.2f}",
            f"{mixed.megabytes / took.seconds:.1f}",
            f"{mixed.megabytes / took.cpu_seconds:.1f}",
            f"{took.cpu_seconds / own:.1f}",
            f"{took.peak_mb:,.0f}",
        ]
        for name, took in runs.items()
    ]
    print(f"\nChoose from {len(mixed.is_wanted):,} documents, {mixed.megabytes:,.0f} MB of JSON lines\n")
    print_table(["peer", "seconds", "MB/s", "MB/s a core", "processor time, times the first", "peak MB"], rows)


def dsir_weights(folder: Path) -> np.ndarray:
    """Read the logarithms of DSIR's importance weights."""
    parts = sorted((folder / "log_importance_weights").glob("*.npy"), key=lambda path: int(path.stem))
    return np.concatenate([np.load(path) for path in parts])


def report_agreement(compared: list[tuple[Mixture, np.ndarray]]) -> None:
    """Print how well the origin is found, and how alike the ranks are."""
    rows = []
    for mixed, weights in compared:
        texts = [json.loads(line)["text"] for line in mixed.raw.read_text().splitlines()]
        sizes = np.array([len(re.findall(r"\w+|[^\w\s]+", text)) for text in texts])
        for name, tokenizer in {"white space": "whitespace", "as DSIR": "wordpunct"}.items():
            reading: dict[str, Any] = {"tokenizer": tokenizer, "lowercase": tokenizer == "wordpunct"}
            chosen = select_texts([mixed.target], [mixed.raw], input="filename", field="text", **reading)
            auc, total = roc_auc_score(mixed.is_wanted, chosen.scores), spearmanr(weights, chosen.scores * sizes)
            mean = spearmanr(weights / sizes, chosen.scores)
            own, theirs = f"{auc:.4f}", f"{roc_auc_score(mixed.is_wanted, weights / sizes):.4f}"
            rows.append([f"{mixed.title}, {name}", own, theirs, f"{total.statistic:.3f}", f"{mean.statistic:.3f}"])
    print("\nArea under the curve for the known origin, and rank correlation with DSIR's weights of words\n")
    print_table(["mixture, tokens", "AUC", "AUC of DSIR", "totals", "means"], rows)


def large(folder: Path, options: argparse.Namespace) -> None:
    """Measure the command on half and on all of the documents."""
    documents = everything()
    rows = []
    for megabytes in (options.megabytes / 4, options.megabytes / 2, options.megabytes):
        mixed = mixture(folder, "large", documents, lambda origin: origin.startswith("brown"), megabytes)
        took = run(choose(mixed))
        rates = f"{mixed.megabytes / took.seconds:.1f}", f"{mixed.megabytes / took.cpu_seconds:.1f}"
        rows.append([f"{mixed.megabytes:,.0f} MB", f"{len(mixed.is_wanted):,}", *rates, f"{took.peak_mb:,.0f}"])
    print("\nskxent-perplexity --target T --raw R --field text --top 10%\n")
    print_table(["raw text", "documents", "MB/s", "MB/s a core", "peak MB"], rows)


def classify(folder: Path, options: argparse.Namespace) -> None:
    """Compare with naive Bayes from raw files."""
    for title, documents in (
        ("Brown's 15 categories", list(brown())),
        ("the origin, 17 classes", everything()),
    ):
        index, megabytes = write_files(folder / title.split()[0], documents, options.megabytes)
        scripts = {
            "UnigramClassifier": UNIGRAMS.format(options=""),
            "UnigramClassifier, lower-case words and punctuation": UNIGRAMS.format(
                options=', tokenizer="wordpunct", lowercase=True'
            ),
            "CountVectorizer + MultinomialNB": NAIVE_BAYES.format(options=""),
            "the same, analyzer=str.split": NAIVE_BAYES.format(options=", analyzer=str.split"),
        }
        peers = {name: [sys.executable, "-c", CLASSIFY.format(make=make), str(index)] for name, make in scripts.items()}
        runs = take_turns(peers, options.rounds)
        said = {name: json.loads(took.said) for name, took in runs.items()}
        own = said["UnigramClassifier"]
        rows = [
            [
                name,
                f"{said[name][1]:.2f}",
                f"{said[name][2]:.2f}",
                f"{said[name][1] / own[1]:.1f}",
                f"{said[name][2] / own[2]:.1f}",
                f"{said[name][0]:.4f}",
                f"{took.peak_mb:,.0f}",
            ]
            for name, took in runs.items()
        ]
        print(f"\nFit and predict from files: {title}, {megabytes:,.0f} MB; imports are not counted\n")
        times = ["seconds", "processor seconds", "seconds, times ours", "processor seconds, times ours"]
        print_table(["peer", *times, "accuracy", "peak MB"], rows)


def write_files(folder: Path, documents: list[Document], megabytes: float) -> tuple[Path, float]:
    """Write a file a document; returns an index of paths, classes and which are for testing, and the size."""
    folder.mkdir()
    random.Random(0).shuffle(documents)
    paths, size = [], 0
    for i, (_, text) in enumerate(documents):
        if size > megabytes * 1e6:
            break
        paths.append(str(folder / f"{i}.txt"))
        size += Path(paths[-1]).write_bytes(text.encode())
    labels = [origin for origin, _ in documents[: len(paths)]]
    index = folder / "index.json"
    index.write_text(json.dumps([paths, labels, [i % 4 == 0 for i in range(len(paths))]]))
    return index, size / 1e6


CLAIMS = {"select": (select, 30.0), "large": (large, 400.0), "classify": (classify, 60.0)}


def main() -> None:
    """Measure one claim, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claim", nargs="*", metavar="CLAIM", help="select, large or classify (default: all)")
    parser.add_argument("--megabytes", type=float, help="largest size of the text (default: 30, 400 and 60)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each peer runs (default 3)")
    parser.add_argument("--dsir-python", default=sys.executable, metavar="PYTHON", help="one that has data-selection")
    options = parser.parse_args()
    print(machine())
    size = options.megabytes
    for claim in options.claim or CLAIMS:
        measure, default = CLAIMS[claim]
        options.megabytes = size or default
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), options)


if __name__ == "__main__":
    main()
