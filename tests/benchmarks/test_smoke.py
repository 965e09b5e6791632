"""Every script of the benchmarks runs on tiny data and prints its tables; peers that are not installed are left out."""

import importlib
import importlib.util
import math
import re
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import joblib
import peers
import problems
import pytest
from _peak import CASES

from .conftest import tiny_mnist

BENCHMARKS = problems.ROOT / "benchmarks"
PARTS = {"problems"}
SCRIPTS = sorted({path.stem for path in BENCHMARKS.glob("[a-z]*.py")} - PARTS)

# Whether there can be workers: the extra dask is installed.
CLUSTERS = importlib.util.find_spec("distributed") is not None

# Options that make a script fast, and what it must print.
RUNS = {
    "softmax": (
        ["--problems", "tiny", "--limit", "0.02", "--plot", "times.png"],
        ["### tiny problem", "objective at the optimum 0.", "**skxent**", "**fastest peer**"],
    ),
    "sgd": (
        ["--rounds", "1", "--rows", "250", "--batch-size", "50"],
        ["### One pass over 250 x 64 float32, batches of 50", "SoftmaxRegressor, quadratic", "floor"],
    ),
    "scaling": (
        ["--largest", "2000", "--plot", "scaling.png"],
        ["20,000 x 300 float32, 3 classes", "### Threads", "2,000 x 784 float32", "| 3,000 |", "exponent"],
    ),
    "penalties": (
        ["--rows", "200", "--penalties", "2", "--folds", "2", "--most", "5"],
        ["2 penalties, 2 folds", "GridSearchCV(SoftmaxRegressor)", "LogisticRegressionCV", "test log-loss"],
    ),
    "compare": (
        ["--against", str(problems.ROOT), "--problems", "digits", "--rounds", "1", "--targets", "0.1"],
        ["digits, 1,797 x 64: to 1e-01", "digits, 1,797 x 64: a pass", "| ratio |"],
    ),
    "optimum": (["--problems", "1"], ["1 problems: ", "distance median"]),
    "label_noise": (
        ["--data", "wine", "--noise", "pairs 40 %", "--seeds", "0"],
        ["## Which loss when", "generalized_cross_entropy", "area under the ROC curve", "### wine: 178 wines"],
    ),
    # It needs a corpus that is not here, so only its options are read.
    "data_selection": (["--help"], ["select, large or classify"]),
    "intervals": (["lines", "--repetitions", "2"], ["intervals that cover", "500"]),
    "cluster": (["rounds", "--megabytes", "0.01"], ["round, CPU", "| 0.01 "]) if CLUSTERS else (["--help"], ["rounds"]),
    "large_data": (["file", "--gigabytes", "0.001", "--kind", "map"], ["'kind': 'map'", "'reads': 1.0"]),
    "measures": (["--shapes", "1", "--compared", "1", "--first", "norm", "--last", "norm"], ["norm"]),
    "perplexity": (["natural", "--megabytes", "0.1", "--rounds", "1"], ["skxent-perplexity FILE", "MB/s"]),
    "feature_selection": (["strength"], ["true information, nats"]),
}


pytestmark = pytest.mark.filterwarnings("ignore:.*line search", "ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def run(tiny, tmp_path, monkeypatch, capsys):
    """Run a script in a folder of its own; return what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(problems.PROBLEMS, "tiny", lambda: tiny)

    def run_script(name):
        assert name in RUNS, f"say in RUNS how {name}.py is tried on tiny data"
        module = importlib.import_module(name)
        assert Path(module.__file__).parent == BENCHMARKS
        options, expected = RUNS[name]
        monkeypatch.setattr("sys.argv", [f"{name}.py", *options])
        for attribute, value in {
            "mnist": tiny_mnist,
            "mnist_split": lambda n_rows=200: 2 * tiny_mnist(n_rows),
            "mnist_weak": lambda: tiny,
        }.items():
            if hasattr(module, attribute):
                monkeypatch.setattr(module, attribute, value)
        with suppress(SystemExit) if "--help" in options else nullcontext():
            module.main()
        return capsys.readouterr(), expected

    return run_script


@contextmanager
def workers_in_this_process(n_workers):
    from distributed import Client, LocalCluster

    options = {"threads_per_worker": 1, "processes": False, "protocol": "inproc", "dashboard_address": ":0"}
    with LocalCluster(n_workers=n_workers, **options) as local, Client(local):
        yield


@pytest.fixture(autouse=True)
def few_cases(monkeypatch):
    """Leave few cases: one dense and one sparse whose memory is measured, few columns to grow over, one penalty."""
    monkeypatch.setattr(importlib.import_module("label_noise"), "ALPHAS", (1e-2,))
    scaling = importlib.import_module("scaling")
    kept = {name: CASES[name] for name in CASES if name.startswith(("20,000 x 300", "400,000"))}
    assert len(kept) == 2
    monkeypatch.setattr(scaling, "CASES", kept)
    monkeypatch.setattr(scaling, "COLUMNS", (10, 30))
    # Processes would import scikit-learn for little work: one for a text, two for a cluster, joblib's for four naps.
    monkeypatch.setattr(importlib.import_module("perplexity"), "apart", lambda function, *given: function(*given))
    if CLUSTERS:
        monkeypatch.setattr(importlib.import_module("cluster"), "workers", workers_in_this_process)
    with joblib.parallel_config("threading"):
        yield


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name, run, tmp_path):
    printed, expected = run(name)
    for text in expected:
        assert text in printed.out
    assert "Traceback" not in printed.err
    pictures = [option for option in RUNS[name][0] if option.endswith(".png")]
    assert [path.name for path in tmp_path.glob("*.png")] == pictures
    for picture in pictures:
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_softmax_has_a_row_for_each_peer(tiny, capsys, monkeypatch):
    softmax = importlib.import_module("softmax")
    monkeypatch.setattr(softmax, "_WARM_UP_LIMIT", 0)
    curves = softmax.compare(tiny, limit=60, among="newton")
    names = [name for name in peers.FULL_BATCH if "newton" in name]
    assert list(curves) == ["skxent", *names]
    table = capsys.readouterr().out
    for name in names:
        row = re.search(rf"\| {name} (.*)", table)[1]
        assert len(re.findall(r"\| +(> )?\d", row)) == 6
    assert all(math.isfinite(value) for curve in curves.values() for point in curve for value in point)


def test_missing_peers_are_named(monkeypatch, run):
    monkeypatch.setitem(peers.MISSING, "torch_lbfgs", "No module named 'torch'")
    printed, _ = run("sgd")
    assert "left out: torch_lbfgs (No module named 'torch')" in printed.err


def test_extras_of_softmax(tiny, capsys, monkeypatch):
    softmax = importlib.import_module("softmax")
    monkeypatch.delitem(softmax.SMALL, "digits")
    softmax.small_data(repeats=1)
    softmax.parts_of_the_solver(tiny)
    softmax.quadratic_loss(tiny, n_starts=2)
    printed = capsys.readouterr().out
    assert re.search(r"\| iris 150 x 4 \| +[\d.]+ \| +[\d.]+ \| +[\d.]+ \|", printed)
    assert "### Quadratic loss, tiny problem, 2 random starts" in printed


def test_every_peer_is_found():
    files = {path.stem for path in (BENCHMARKS / "peers").glob("[a-z]*.py")}
    assert set(peers.MISSING) <= files
    assert {peer.run.__module__.removeprefix("peers.") for peer in peers.FULL_BATCH.values()} <= files
    assert "LogisticRegression saga float32" in peers.FULL_BATCH
    assert "SGDClassifier(loss='log_loss')" in peers.ONE_PASS


def test_only_those_that_take_sparse_data_get_it():
    assert all(name.startswith("LogisticRegression") for name in peers.solvers_for(sparse=True))
    assert list(peers.solvers_for(sparse=True, among="saga")) == [
        "LogisticRegression saga float32",
        "LogisticRegression saga float64",
    ]


def test_compare_says_where_there_is_no_skxent(tmp_path, monkeypatch):
    compare = importlib.import_module("compare")
    monkeypatch.setattr("sys.argv", ["compare.py", "--against", str(tmp_path)])
    with pytest.raises(SystemExit, match="no folder skxent in it"):
        compare.main()


@pytest.fixture
def redrawn(tmp_path, monkeypatch, capsys):
    """Run a script, then let it draw what it has printed; return what is drawn both times."""

    def run_twice(name, draw, *options):
        script, drawn = importlib.import_module(name), []
        monkeypatch.setattr(script, draw, lambda found, path: drawn.append(found))
        script.main([*options, "--plot", "picture.png"])
        printed = tmp_path / "RESULTS.md"
        printed.write_text(capsys.readouterr().out, encoding="utf-8")
        script.main([*options, "--plot", "picture.png", "--redraw", str(printed)])
        return drawn

    return run_twice


def test_times_are_redrawn(redrawn):
    measured, read = redrawn("softmax", "plot", "--problems", "digits", "--limit", "0.02")
    assert list(read) == ["digits, 1,797 x 64"]
    for problem, solvers in read.items():
        assert list(solvers) == list(measured[problem])
        assert all(len(cells) == 3 for cells in solvers.values())
        peers_of = [
            {name: row for name, row in each.items() if name != "skxent"} for each in (solvers, measured[problem])
        ]
        assert peers_of[0] == peers_of[1]


def test_growth_is_redrawn(redrawn):
    measured, read = redrawn("scaling", "draw", "growth", "--largest", "3000")
    assert list(read) == list(measured)
    for ours, theirs in zip(measured.values(), read.values(), strict=True):
        assert theirs.sizes.tolist() == ours.sizes.tolist()
        assert theirs.seconds.tolist() == pytest.approx(ours.seconds.tolist(), abs=1e-3)
        assert theirs.iterations == ours.iterations
