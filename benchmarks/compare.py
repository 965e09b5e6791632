"""Two versions of skxent against each other: this one, and one whose source is in another folder.

    python benchmarks/compare.py --against ../before [--problems mnist tall …] [--rounds 7]

Each version runs in a process of its own, which imports skxent from its folder and is asked for one figure at a time
while the other waits; who is first changes from round to round. Only public names of skxent are used. For each problem

- the optimum is the lowest objective of the two versions' fits with ``tol=1e-9``, and objectives are evaluated by the
  benchmark itself, not by skxent;
- untimed fits with ``tol=0`` and ``max_iter`` 1, 2, 3, … find how many iterations come within 1e-3 and 1e-4 of it;
- in each round the fits with just that many iterations and with one less are timed, from the call of ``fit`` to its
  return, without callbacks, and the time to the distance is interpolated between the two, log-linearly. Times shorter
  than half a second are medians of as many fits as half a second holds;
- a pass is a ``partial_fit`` over all rows in batches of 100.

The table has the medians of the rounds and the ratio after / before, its median and its range: less than 1 is faster. A
median within the range of a comparison of a version with itself (``--against .``) says nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from _report import machine, print_table, progress
from numpy.typing import NDArray
from problems import PROBLEMS, ROOT

DEFAULT = ["mnist", "mnist-strong", "tall", "classes", "brown"]

# The version in the other folder, and this one.
BEFORE, AFTER = "before", "after"


class Version:
    """A version of skxent, in a process that waits for questions.

    Parameters
    ----------
    folder : Path
        The folder that holds ``skxent/``.

    Raises
    ------
    SystemExit
        If there is no skxent in the folder.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "skxent" / "__init__.py").exists():
            raise SystemExit(f"{folder}: no folder skxent in it")
        worker = Path(__file__).with_name("_version.py")
        self._process = subprocess.Popen(
            [sys.executable, str(worker), str(folder.resolve())],
            env={**os.environ, "PYTHONPATH": str(folder.resolve())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: str, *arguments: Any) -> Any:
        """Return the answer to a question; ``_version.py`` has the list of them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([question, *arguments]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"the process of a version ended with exit code {self._process.wait()}; see above")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


Versions = dict[str, Version]


@contextmanager
def versions(before: Path, after: Path) -> Iterator[Versions]:
    """Start both versions, and end them."""
    both = {BEFORE: Version(before), AFTER: Version(after)}
    try:
        yield both
    finally:
        for version in both.values():
            version.close()


def in_turn(both: Versions, rounds: int, measure: Callable[[str, Version], float]) -> dict[str, NDArray[np.float64]]:
    """Return what is measured of each version in each round; who is first changes from round to round."""
    found: dict[str, list[float]] = {name: [] for name in both}
    for index in range(rounds):
        for name in list(both)[:: 1 if index % 2 else -1]:
            found[name].append(measure(name, both[name]))
    return {name: np.array(seconds) for name, seconds in found.items()}


def compare(both: Versions, problem: str, rounds: int, targets: list[float]) -> list[list[str]]:
    """Return the rows of a problem: time to each target, and time of a pass."""
    progress(f"{problem}: optimum")
    title, _ = (version.ask("load", problem) for version in both.values())
    best = min(version.ask("optimum") for version in both.values())
    rows = []
    for target in targets:
        progress(f"{problem}: {target:.0e}")
        n_iter = {name: version.ask("iterations_to", best, target) for name, version in both.items()}
        seconds = in_turn(
            both,
            rounds,
            lambda name, version, n=n_iter, at=target: version.ask("seconds_to", best, at, n[name]),  # type: ignore[misc]
        )
        label = f"to {target:.0e} ({n_iter[BEFORE]} and {n_iter[AFTER]} iterations)"
        rows.append(row(f"{title}: {label}", seconds))
    progress(f"{problem}: a pass")
    passes = in_turn(both, rounds, lambda _, version: version.ask("seconds_of_a_pass"))
    return [*rows, row(f"{title}: a pass", passes)]


def row(label: str, seconds: dict[str, NDArray[np.float64]]) -> list[str]:
    """Return the medians of the seconds and of their ratio, and the ratio's range."""
    before, after = seconds[BEFORE], seconds[AFTER]
    ratio = after / before
    medians = [f"{np.median(values):.4f}" for values in (before, after)]
    return [label, *medians, f"{np.median(ratio):.3f}", f"{ratio.min():.3f}-{ratio.max():.3f}"]


def main(arguments: list[str] | None = None) -> None:
    """Compare the versions on the problems asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, required=True, metavar="FOLDER", help="where the other skxent is")
    parser.add_argument("--problems", nargs="*", choices=list(PROBLEMS), default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--targets", nargs="*", type=float, default=[1e-3, 1e-4], help="distances from the optimum")
    options = parser.parse_args(arguments)
    rows = []
    with versions(options.against, ROOT) as both:
        for problem in options.problems:
            rows += compare(both, problem, options.rounds, options.targets)
    progress("")
    print(f"{machine()}\n\nbefore: {options.against.resolve()}\nafter: {ROOT}\n{options.rounds} rounds\n")
    print_table(["seconds", "before", "after", "ratio", "from - to"], rows)


if __name__ == "__main__":
    main()
