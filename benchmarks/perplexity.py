"""How fast, how large and how quick to start ``skxent-perplexity`` is, against its peers in the same run.

    python benchmarks/perplexity.py natural    speed on natural text of 200 MB, one page again and again
    python benchmarks/perplexity.py growing    speed on 100 MB of text in which new words keep coming
    python benchmarks/perplexity.py files      small files of several sizes, and one long line, against one file
    python benchmarks/perplexity.py formats    reports by line and the filter against counting, in each format
    python benchmarks/perplexity.py synthetic  speed on text with a million types
    python benchmarks/perplexity.py memory     2 GB of text with a million types
    python benchmarks/perplexity.py startup    a file of 100 KB

Natural text is the Brown corpus over and over where NLTK has it, else the project's own corpus; ``--text``
names another file. Growing text is what this machine offers: documentation, sources and word lists of Python
and its packages and of the system, each file once; the title says how many words and types it has. Every peer
is a process of its own, file reading and start-up included, the peers take turns, and each figure is the
median of the rounds. Generated files go to ``--folder`` and are removed.
"""

import argparse
import gzip
import hashlib
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice, pairwise, product
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from _report import as_installed, machine, print_table

PYTHON = sys.executable
COMMAND = [PYTHON, "-m", "skxent.cli", "--quiet", "--format", "json"]
BUNDLED = Path(__file__).parents[1] / "data" / "corpus" / "train"

COUNTER_LOOP = """
import math, sys
from collections import Counter
counts = Counter()
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        counts.update(line.split())
n = sum(counts.values())
print(-sum(c * math.log2((c - 0.5) / n) for c in counts.values()) / n)
"""

NLTK_LM = """
import sys
from nltk.lm import Lidstone
from nltk.lm.preprocessing import padded_everygram_pipeline
def lines():
    with open(sys.argv[1], encoding="utf-8") as file:
        yield from (line.split() for line in file)
model = Lidstone(0.5, 1)
model.fit(*padded_everygram_pipeline(1, lines()))
print(model.entropy([(word,) for line in lines() for word in line]))
"""

KENLM_SCORE = """
import sys, kenlm
model, total = kenlm.Model(sys.argv[1]), 0.0
with open(sys.argv[2], encoding="utf-8") as file:
    for line in file:
        total += model.score(line)
print(total)
"""


# Bytes of the small files.
FILE_BYTES = (300, 1_000, 3_000, 10_000)


class Run(NamedTuple):
    """What a process took."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def run(command: list[str], **environment: str) -> Run:
    """Run a command to its end, its output thrown away."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**as_installed(), **environment}
    )
    with process.stderr or open(os.devnull, "rb") as errors:
        complaint = errors.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{complaint}")
    return Run(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def take_turns(peers: dict[str, list[str]], rounds: int) -> dict[str, Run]:
    """Medians of some rounds in which every peer runs once."""
    runs: dict[str, list[Run]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, command in peers.items():
            runs[name].append(run(command, LC_ALL="C.UTF-8"))
    return {name: Run(*(statistics.median(column) for column in zip(*of, strict=True))) for name, of in runs.items()}


def apart(function: Callable[..., str], *arguments: object) -> str:
    """Call a function in another process, for processes inherit the peak memory of their parent."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def natural_text() -> list[str]:
    """Lines of real text: the Brown corpus, or the project's own."""
    try:
        from nltk.corpus import brown

        return [" ".join(sentence) for sentence in brown.sents()]
    except (ImportError, LookupError):
        return [line for path in sorted(BUNDLED.glob("*.txt")) for line in path.read_text().splitlines()]


def write_natural(path: Path, megabytes: float, source: str | None = None) -> str:
    """Write real text over and over until the file is large enough; returns what it is."""
    text = Path(source).read_text(encoding="utf-8") if source else "\n".join(natural_text()) + "\n"
    data = text.encode()
    n_words, n_types = len(text.split()), len(set(text.split()))
    with open(path, "wb") as file:
        for _ in range(max(1, round(megabytes * 1e6 / len(data)))):
            file.write(data)
    size = path.stat().st_size / 1e6
    return f"natural text of {n_words:,} words and {n_types:,} types, repeated to {size:,.0f} MB"


def write_growing(path: Path, megabytes: float) -> str:
    """Write the texts that are on this machine, each once, until the file is large enough; returns what it is."""
    roots = [Path(sys.prefix), Path(sys.base_prefix) / "lib", Path("/usr/share"), Path("/usr/include")]
    endings = {".py", ".txt", ".md", ".rst", ".html", ".h", ".js", ".json", ".csv", ".xml", ".pm", ".c", ".css", ".po"}
    found = {p for root in roots for p in root.rglob("*") if p.suffix in endings and p.is_file() and not p.is_symlink()}
    seen, types = set(), set()
    n_words = size = 0
    with open(path, "wb") as file:
        # In the order of a hash, so that one package does not come in a row.
        for source in sorted(found, key=lambda p: hashlib.md5(str(p).encode()).digest()):
            data = source.read_bytes()
            digest = hashlib.md5(data).digest()
            if digest in seen or len(data) > 3e6 or not is_text(data):
                continue
            seen.add(digest)
            file.write(data + b"\n" * (not data.endswith(b"\n")))
            words = data.split()
            n_words, size = n_words + len(words), size + len(data)
            types.update(words)
            if size >= megabytes * 1e6:
                break
    return f"{size / 1e6:,.0f} MB of the texts on this machine, {n_words:,} words and {len(types):,} types"


def is_text(data: bytes) -> bool:
    """Whether data is UTF-8 without NUL."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def write_synthetic(path: Path, megabytes: float, n_types: int = 1_000_000, seed: int = 0) -> str:
    """Write words drawn by Zipf's law, 12 a line; frequent words are short, and every type occurs."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(seed)
    syllables = [consonant + vowel for consonant in "bcdfghjklmnpqrstvwxz" for vowel in "aeiou"]
    combinations = ("".join(word) for size in (1, 2, 3) for word in product(syllables, repeat=size))
    words = pl.Series(list(islice(combinations, n_types)))
    cumulative = np.cumsum(1 / np.arange(1, n_types + 1))
    with open(path, "wb") as file:
        draws = np.append(np.arange(n_types), np.zeros(-n_types % 12, dtype=np.intp))
        while file.tell() < megabytes * 1e6:
            lines = words.gather(draws).reshape((-1, 12)).arr.join(" ")
            lines.to_frame().write_csv(file, include_header=False, quote_style="never")
            draws = np.searchsorted(cumulative, random.random(3_000_000) * cumulative[-1])
    return f"synthetic text of {n_types:,} types, {path.stat().st_size / 1e6:,.0f} MB"


class Peer(NamedTuple):
    """A command that reads one file, and the module it needs."""

    command: list[str]
    path: Path
    needs: str = "skxent"


def natural(folder: Path, options: argparse.Namespace) -> None:
    """Measure the speed on natural text."""
    path = folder / "natural.txt"
    speed(path, apart(write_natural, path, options.megabytes, options.text), options)


def growing(folder: Path, options: argparse.Namespace) -> None:
    """Measure the speed on text in which new words keep coming."""
    path = folder / "growing.txt"
    speed(path, apart(write_growing, path, options.megabytes), options)


def files(folder: Path, options: argparse.Namespace) -> None:
    """Measure many small files and one long line against the same text in one file."""
    path, line = folder / "one.txt", folder / "line.txt"
    title = apart(write_natural, path, options.megabytes, options.text)
    data = path.read_bytes()
    line.write_bytes(data.replace(b"\n", b" ") + b"\n")
    small = {size: write_small(folder / str(size), data, size) for size in FILE_BYTES}
    model = folder / "m.arpa"
    run([*COMMAND, "--train", str(path), "--save", str(model)])
    scored = [*COMMAND, "--model", str(model)]
    peers = {
        "one file": Peer([*scored, str(path)], path),
        **{f"files of {size:,} bytes": Peer([*scored, pattern], path) for size, pattern in small.items()},
        "one long line": Peer([*scored, str(line)], path),
        "one file, --per line": Peer([*scored, "--per", "line", str(path)], path),
        **{
            f"files of {size:,} bytes, --per file": Peer([*scored, "--per", "file", pattern], path)
            for size, pattern in small.items()
        },
        "one file, filtered": Peer([*COMMAND[:3], "--quiet", *scored[-2:], "--max-perplexity", "1e9", str(path)], path),
        "one long line, filtered": Peer(
            [*COMMAND[:3], "--quiet", *scored[-2:], "--max-perplexity", "1e9", str(line)], path
        ),
    }
    compare(f"Many files and long lines, {title}", peers, options.rounds)


def write_small(folder: Path, data: bytes, size: int) -> str:
    """Write a text as files that end with a word, most of them without a newline; returns a pattern that finds them."""
    folder.mkdir()
    cuts = [0, *(data.find(b" ", place) + 1 for place in range(size, len(data) - size, size)), len(data) + 1]
    for number, (begin, end) in enumerate(pairwise(sorted(set(cuts)))):
        (folder / f"{number:06}.txt").write_bytes(data[begin : end - 1])
    return f"{folder}/*.txt"


def formats(folder: Path, options: argparse.Namespace) -> None:
    """Measure reports by line and the filter against counting, in each format."""
    path, model = folder / "growing.txt", folder / "growing.arpa"
    title = apart(write_growing, path, options.megabytes)
    run([*COMMAND, "--train", str(path), "--save", str(model)])
    took = {}
    for name, source, field in write_formats(path):
        scored = ["--model", str(model), *field, str(source)]
        commands = {
            "counting": [*COMMAND, *scored],
            "--per line --format csv": [*COMMAND[:4], "--per", "line", "--format", "csv", *scored],
            "--per line --format json": [*COMMAND, "--per", "line", *scored],
            "--per line": [*COMMAND[:4], "--per", "line", *scored],
            "--max-perplexity X": [*COMMAND[:4], "--max-perplexity", "1e9", *scored],
        }
        took[name] = take_turns(commands, options.rounds)
    for kind, measure in (("Processor seconds", "cpu_seconds"), ("Seconds by the clock", "seconds")):
        print(f"\n{kind} of reports and filters, and the speed of counting that they reach, {title}\n")
        rows = [ratios(name, [getattr(run, measure) for run in runs.values()]) for name, runs in took.items()]
        print_table(["format", *commands, "csv", "json", "table", "filter"], rows)


def ratios(name: str, seconds: list[float]) -> list[str]:
    """Make a row of seconds, and of the first over each of the others."""
    return [name, *(f"{value:.2f}" for value in seconds), *(f"{seconds[0] / s:.2f}" for s in seconds[1:])]


def write_formats(path: Path) -> list[tuple[str, Path, list[str]]]:
    """Write a text in several formats, documents of 40 lines; returns their names, files and options."""
    import polars as pl

    lines = path.read_text(encoding="utf-8").split("\n")
    documents = ["\n".join(lines[i : i + 40]) for i in range(0, len(lines), 40)]
    table = pl.DataFrame({"id": range(len(documents)), "text": documents})
    packed, records, rows = (path.with_suffix(suffix) for suffix in (".txt.gz", ".jsonl", ".parquet"))
    packed.write_bytes(gzip.compress(path.read_bytes(), 3))
    table.write_ndjson(records)
    table.write_parquet(rows)
    field = ["--field", "text"]
    return [("text", path, []), ("gz", packed, []), ("JSON lines", records, field), ("Parquet", rows, field)]


def synthetic(folder: Path, options: argparse.Namespace) -> None:
    """Measure the speed on text with a million types."""
    path = folder / "synthetic.txt"
    speed(path, apart(write_synthetic, path, options.megabytes), options)


def speed(path: Path, title: str, options: argparse.Namespace) -> None:
    """Measure counting and scoring against other tools."""
    rounds = options.rounds
    slow, model = head_of(path, 4e6), path.with_suffix(".arpa")
    run([*COMMAND, "--train", str(path), "--eos", "--smoothing-parameter", "0.5", "--save", str(model)])
    words = Peer(["wc", "-w", str(path)], path)
    compare(
        f"Count and score, {title}",
        {
            "skxent-perplexity FILE": Peer([*COMMAND, str(path)], path),
            "LC_ALL=C.UTF-8 wc -w FILE": words,
            "Counter, line by line": Peer([PYTHON, "-c", COUNTER_LOOP, str(path)], path),
            "nltk.lm (its first 4 MB)": Peer([PYTHON, "-c", NLTK_LM, str(slow)], slow, "nltk"),
        },
        rounds,
    )
    scored = [*COMMAND, "--model", str(model), str(path)]
    program = kenlm_query(options.kenlm, path.parent)
    query = ["sh", "-c", '"$0" -v summary "$1" < "$2"', str(program), str(model), str(path)]
    bounds = ["--model", str(model), "--max-perplexity", "1e9", str(path)]
    peers = {
        "skxent-perplexity --model M FILE": Peer(scored, path),
        "skxent-perplexity --model M FILE --per line": Peer([*scored, "--per", "line"], path),
        "the same --format text": Peer([*COMMAND[:4], *scored[len(COMMAND) :], "--per", "line"], path),
        "skxent-perplexity --model M FILE --max-perplexity X": Peer([*COMMAND[:4], *bounds], path),
        "the first, before": Peer(before(scored, options.before), path) if options.before else None,
        "KenLM's query M < FILE": Peer(query, path) if program else None,
        "KenLM's score(), line by line": Peer([PYTHON, "-c", KENLM_SCORE, str(model), str(path)], path, "kenlm"),
        "LC_ALL=C.UTF-8 wc -w FILE": words,
    }
    found = {name: peer for name, peer in peers.items() if peer is not None}
    compare(f"Score with a saved model, {title}", found, rounds)


def kenlm_query(source: str | None, folder: Path) -> Path | None:
    """Build KenLM's ``query`` from its sources, which takes a minute; say why there is none otherwise."""
    if source is None:
        print("KenLM's query: left out, for --kenlm names no folder with its sources", file=sys.stderr)
        return None
    program = folder / "query"
    if not program.exists():
        patterns = ("util/*.cc", "util/double-conversion/*.cc", "lm/*.cc")
        found = [path for pattern in patterns for path in Path(source).glob(pattern)]
        own = [path for path in found if not path.stem.endswith(("_main", "_test", "test_main"))]
        flags = ["-O3", "-DNDEBUG", "-DKENLM_MAX_ORDER=6", f"-I{source}", "-w"]
        files = [*map(str, own), str(Path(source) / "lm" / "query_main.cc")]
        subprocess.run(["g++", *flags, *files, "-o", str(program), "-lpthread", "-lrt"], check=True)
    return program


def head_of(path: Path, n_bytes: float) -> Path:
    """Write the first lines of a file to another one."""
    head = path.with_suffix(".head")
    with open(path, "rb") as file:
        data = file.read(int(n_bytes))
    head.write_bytes(data[: data.rfind(b"\n") + 1])
    return head


def compare(title: str, peers: dict[str, Peer], rounds: int) -> None:
    """Let peers take turns and print their speeds; the first is the one that the others are compared with."""
    medians = take_turns({name: peer.command for name, peer in peers.items() if is_there(peer)}, rounds)
    speeds = {name: peers[name].path.stat().st_size / 1e6 / run.seconds for name, run in medians.items()}
    own, own_cpu = next(iter(speeds.values())), next(iter(medians.values())).cpu_seconds
    rows = [
        [
            name,
            f"{run.seconds:.2f}",
            f"{run.cpu_seconds:.2f}",
            f"{speeds[name]:.1f}",
            f"{own / speeds[name]:.2f}",
            f"{run.cpu_seconds / own_cpu:.2f}",
            f"{run.peak_mb:,.0f}",
        ]
        for name, run in medians.items()
    ]
    print(f"\n{title}\n")
    columns = [
        "peer",
        "seconds",
        "processor seconds",
        "MB/s",
        "seconds, times ours",
        "processor, times ours",
        "peak MB",
    ]
    print_table(columns, rows)


def is_there(peer: Peer) -> bool:
    """Whether a peer is installed; says so when it is not."""
    found = importlib.util.find_spec(peer.needs) is not None
    if not found:
        print(f"{peer.needs} is not installed: left out", file=sys.stderr)
    return found


def memory(folder: Path, options: argparse.Namespace) -> None:
    """Measure the largest memory that 2 GB of text with a million types take."""
    path = folder / "large.txt"
    title = apart(write_synthetic, path, options.megabytes)
    model = folder / "large.arpa"
    rows = []
    for name, arguments in (
        ("FILE --save M", ["--save", str(model)]),
        ("--model M FILE --per line", ["--model", str(model), "--per", "line"]),
        ("FILE --per line", ["--per", "line"]),
    ):
        took = run([*COMMAND, *arguments, str(path)])
        rows.append([f"skxent-perplexity {name}", f"{took.seconds:.1f}", f"{took.peak_mb:,.0f}"])
    print(f"\nPeak memory, {title}\n")
    print_table(["command", "seconds", "peak MB"], rows)


def startup(folder: Path, options: argparse.Namespace) -> None:
    """Measure the whole command on 100 KB against an import of Polars."""
    path, model = folder / "short.txt", folder / "short.arpa"
    title = apart(write_natural, folder / "natural.txt", 0.2, options.text)
    head_of(folder / "natural.txt", 100e3).rename(path)
    run([*COMMAND, "--train", str(path), "--save", str(model)])
    peers = {
        "python -c 'import polars'": [PYTHON, "-c", "import polars"],
        "python -c 'import sklearn.base'": [PYTHON, "-c", "import sklearn.base"],
        "skxent-perplexity FILE": [*COMMAND, str(path)],
        "skxent-perplexity --model M FILE": [*COMMAND, "--model", str(model), str(path)],
        "skxent-perplexity --per line FILE": [*COMMAND, "--per", "line", str(path)],
        "skxent-perplexity --help": [*COMMAND, "--help"],
    }
    if options.before:
        peers |= {f"{name}, before": before(command, options.before) for name, command in [*peers.items()][2:]}
    medians = take_turns(peers, 5 * options.rounds)
    least = next(iter(medians.values())).seconds
    rows = [
        [name, f"{run.seconds:.3f}", f"{run.cpu_seconds:.3f}", f"{run.seconds / least:.2f}"]
        for name, run in medians.items()
    ]
    print(f"\nStart-up, 100 KB of {title}\n")
    print_table(["command", "seconds", "processor seconds", "times importing Polars"], rows)


def before(command: list[str], sources: str) -> list[str]:
    """Return the command as another version does it, whose compiled modules are kept as those of an installed one."""
    return ["env", f"PYTHONPATH={sources}", PYTHON, "-P", *command[1:]]


CLAIMS = {
    "natural": (natural, 200.0),
    "growing": (growing, 100.0),
    "files": (files, 30.0),
    "formats": (formats, 30.0),
    "synthetic": (synthetic, 200.0),
    "memory": (memory, 2000.0),
    "startup": (startup, 0.1),
}


def main() -> None:
    """Measure one claim, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claim", nargs="*", metavar="CLAIM", help=f"{', '.join(CLAIMS)} (default: all)")
    parser.add_argument("--megabytes", type=float, help="size of the text (default: 200, and 2000 for memory)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each peer runs (default 3)")
    parser.add_argument("--text", metavar="FILE", help="natural text to use")
    parser.add_argument("--kenlm", metavar="FOLDER", help="KenLM's sources, of which its query is built as a peer")
    parser.add_argument("--before", metavar="FOLDER", help="sources of an earlier version, which takes turns with this")
    parser.add_argument("--folder", help="where the generated files go (default: the system's temporary folder)")
    options = parser.parse_args()
    print(machine())
    size = options.megabytes
    for claim in options.claim or CLAIMS:
        measure, default = CLAIMS[claim]
        options.megabytes = size or default
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            measure(Path(folder), options)


if __name__ == "__main__":
    main()
