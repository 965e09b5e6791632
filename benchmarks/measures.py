"""Entropy, cross-entropy and divergence of every family of scipy.stats, against another integration.

For each family, its example shapes and random ones near them: H(p), H(p, q) and KL(p‖q), where q is p moved and
widened (a discrete q has its shapes changed instead, where that is possible). The outcome of each is one of

- right: equal to the reference to 1e-8 of its size;
- infinite: and the reference is infinite, or q rules out what p allows;
- error: an ArithmeticError or TimeoutError, whose message says why;
- unchecked: a value for which the reference did not converge;
- differs: from the reference; each is looked at in the notes of the table.

The reference is the integral of SciPy's own log-densities, by Gauss-Legendre rules in pieces between quantiles that
are halved until two rules agree, and for a discrete family the plain sum over at most a million integers. It leaves
out the tails beyond quantiles of 1e-16, so that for heavy tails it disagrees where the tails matter: "differs".

Run it: ``python benchmarks/measures.py [--shapes=20] [--table=docs/measures_table.md]``. It takes half an hour.
"""

import argparse
import math
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from skxent.information import cross_entropy, entropy, kl_divergence

RIGHT = 1e-8


def families() -> dict[str, tuple[Any, ...]]:
    """Return every family of SciPy by name, with the shapes that SciPy's own tests use."""
    from scipy.stats._distr_params import distcont, distdiscrete

    found: dict[str, tuple[Any, ...]] = {}
    for name, shapes in [*distcont, *distdiscrete]:
        if isinstance(name, str) and hasattr(stats, name):
            found.setdefault(name, tuple(shapes))
    return dict(sorted(found.items()))


def variants(name: str, shapes: tuple[Any, ...], count: int) -> Iterator[Any]:
    """Yield the example and random distributions: each shape times a factor from 1/3 to 3, where SciPy accepts it."""
    family = getattr(stats, name)
    yield family(*shapes)
    rng = np.random.default_rng(sum(map(ord, name)))
    made = 0
    for _ in range(50 * count):
        if made == count or not shapes:
            return
        factors = 3 ** rng.uniform(-1, 1, size=len(shapes))
        new = [_scaled(shape, factor) for shape, factor in zip(shapes, factors, strict=True)]
        candidate = family(*new)
        with np.errstate(all="ignore"):
            if not np.isnan(candidate.support()).any():
                made += 1
                yield candidate


def _scaled(shape: Any, factor: float) -> Any:
    if isinstance(shape, list):
        return [min(p * factor**0.1, 1.0) for p in shape]
    scaled = shape * factor
    return max(round(scaled), 1) if isinstance(shape, int) and shape > 1 else scaled


def moved(p: Any) -> Any:
    """Return a belief beside p: twice as wide and moved by a fifth; a discrete one has other shapes if possible."""
    if hasattr(p.dist, "pdf"):
        return p.dist(*p.args, loc=-0.2, scale=2)
    with np.errstate(all="ignore"):
        for factor in (1.1, 0.9):
            q = p.dist(*(_scaled(shape, factor) for shape in p.args))
            (a, b), (c, d) = p.support(), q.support()
            if c <= a and b <= d:
                return q
    return p.dist(*p.args, loc=-1)


def outcome(measure: Any, *given: Any) -> tuple[str, float, float]:
    """Return what a call did: "value", "infinite" or the error's name; the value; the seconds of processor time."""
    start = time.thread_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = measure(*given)
        what = "infinite" if math.isinf(value) else "value"
    except (ArithmeticError, TimeoutError, ValueError) as error:
        what, value = f"{type(error).__name__}: {error}", math.nan
    return what, value, time.thread_time() - start


def reference(p: Any, q: Any, kind: str) -> float:
    """Integrate or add up -log p, -log q or log p - log q under p, without any part of skxent."""

    def contribution(x: Any) -> Any:
        log_p, log_q = (_log(rv, x) for rv in (p, q))
        value = {"H": -log_p, "CE": -log_q, "KL": log_p - log_q}[kind]
        return np.where(log_p > -690, np.exp(log_p) * value, 0)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _add_up(contribution, p) if not hasattr(p.dist, "pdf") else _integrate(contribution, p)


def _log(rv: Any, x: Any) -> Any:
    return rv.logpdf(x) if hasattr(rv.dist, "pdf") else rv.logpmf(x)


def _add_up(contribution: Any, p: Any) -> float:
    lower, upper = p.support()
    first = lower if math.isfinite(lower) else -(2**16)
    return float(np.sum(contribution(np.arange(first, min(upper, first + 2**20) + 1.0))))


def _integrate(contribution: Any, p: Any) -> float:
    """Halve the pieces between quantiles until rules of 30 and 60 nodes agree; not a number if they never do."""
    levels = np.array([1e-16, 1e-13, 1e-10, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5])
    inner = np.concatenate([p.ppf(levels), p.isf(levels)])
    edges = np.unique(inner[np.isfinite(inner)])
    lower, upper, total = edges[:-1], edges[1:], 0.0
    for _ in range(60):
        coarse, fine = (_rule(contribution, lower, upper, nodes) for nodes in (30, 60))
        rough = ~(np.abs(fine - coarse) <= 1e-12 * max(abs(total) + np.nansum(np.abs(fine)), 1e-3))
        total += float(fine[~rough].sum())
        if not rough.any():
            return total
        if rough.sum() > 300:
            return math.nan
        middle = (lower[rough] + upper[rough]) / 2
        lower, upper = np.concatenate([lower[rough], middle]), np.concatenate([middle, upper[rough]])
    return math.nan


def _rule(contribution: Any, lower: Any, upper: Any, count: int) -> Any:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    half = (upper - lower)[:, None] / 2
    x = lower[:, None] + half * (1 + nodes)
    return np.sum(contribution(x.ravel()).reshape(x.shape) * half * weights, axis=1)


def judge(p: Any, q: Any, kind: str) -> tuple[str, float]:
    """Return the verdict on one measure, and its seconds."""
    call = {"H": (entropy, p), "CE": (cross_entropy, p, q), "KL": (kl_divergence, p, q)}[kind]
    what, value, seconds = outcome(*call)
    if what not in ("value", "infinite"):
        return "error", seconds
    if what == "infinite":
        (a, b), (c, d) = p.support(), q.support()
        return ("infinite" if a < c or b > d else "infinite?"), seconds
    expected = reference(p, p if kind == "H" else q, kind)
    if math.isnan(expected):
        return "unchecked", seconds
    return ("right" if abs(value - expected) <= RIGHT * max(abs(expected), 1) else "differs"), seconds


def table(count: int) -> Iterator[str]:
    """Yield the rows of the table, a family each."""
    yield "| family | distributions | right | infinite | error | unchecked | other | longest, s |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, shapes in families().items():
        verdicts, longest, n = Counter[str](), 0.0, 0
        for p in variants(name, shapes, count):
            n += 1
            for kind in ("H", "CE", "KL"):
                verdict, seconds = judge(p, moved(p), kind)
                verdicts[verdict] += 1
                longest = max(longest, seconds)
        known = [verdicts.pop(kind, 0) for kind in ("right", "infinite", "error", "unchecked")]
        other = ", ".join(f"{number} {kind}" for kind, number in verdicts.items()) or "0"
        yield f"| {name} | {n} | " + " | ".join(map(str, known)) + f" | {other} | {longest:.2f} |"


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", type=int, default=20, help="random shapes a family")
    parser.add_argument("--table", type=Path, help="where to write the table")
    arguments = parser.parse_args()
    lines = []
    for line in table(arguments.shapes):
        print(line, flush=True)
        lines.append(line)
    if arguments.table:
        arguments.table.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
