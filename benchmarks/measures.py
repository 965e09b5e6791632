"""Entropy, cross-entropy and divergence of every family of scipy.stats, against another integration.

For each family, its example shapes and random ones near them: H(p), H(p, q) and KL(p‖q), where q is p moved and
widened, or a discrete one with other shapes. The outcome of each call is one of

- right: equal to the reference to 1e-8 of its size, or of 1;
- not compared: a finite value without a reference, because none was asked for or it did not converge;
- infinite: q rules out what p allows;
- differs: from the reference;
- ArithmeticError, TimeoutError: an error that says why;
- other: an infinity within the support of q, or another error.

The reference is the integral of SciPy's own log-densities, by Gauss-Legendre rules in pieces between quantiles that
are halved until two rules agree, and for a discrete family the plain sum over at most a million integers. There is none
where what it leaves out matters: beyond those integers, or between an end of the support and the next double.

Run it: ``python benchmarks/measures.py [--shapes=20] [--compared=20] > table.md``. It takes half an hour.
"""

import argparse
import math
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats

from skxent.information import cross_entropy, entropy, kl_divergence

# Difference from the reference, of its size or of 1, up to which a value is right.
RIGHT = 1e-8
# Mass, or sum, that a reference may leave out.
LEFT_OUT = 1e-10
# Calls that run out of time before a family is left.
ENOUGH = 6
COLUMNS = ["right", "not compared", "infinite", "differs", "ArithmeticError", "TimeoutError"]


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
    terms = contribution(np.arange(first, min(upper, first + 2**20) + 1.0))
    beyond = len(terms) * abs(terms[-1]) if math.isinf(upper) else 0  # at least, if terms fall like a power
    return math.nan if beyond > LEFT_OUT else float(np.sum(terms))


def _integrate(contribution: Any, p: Any) -> float:
    """Halve the pieces between quantiles until rules of 30 and 60 nodes agree; not a number if they never do."""
    levels = np.array([1e-16, 1e-13, 1e-10, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5])
    inner = np.concatenate([p.ppf(levels), p.isf(levels)])
    edges = np.unique(inner[np.isfinite(inner)])
    if max(p.cdf(np.nextafter(edges[0], math.inf)), p.sf(np.nextafter(edges[-1], -math.inf))) > LEFT_OUT:
        return math.nan
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


def judge(p: Any, q: Any, kind: str, compare: bool) -> tuple[str, float]:
    """Return the verdict on one measure, and its seconds."""
    call = {"H": (entropy, p), "CE": (cross_entropy, p, q), "KL": (kl_divergence, p, q)}[kind]
    what, value, seconds = outcome(*call)
    if what not in ("value", "infinite"):
        return what.split(":")[0], seconds
    if what == "infinite":
        (a, b), (c, d) = p.support(), q.support()
        return ("infinite" if a < c or b > d else "infinite within the support"), seconds
    expected = reference(p, p if kind == "H" else q, kind) if compare else math.nan
    if math.isnan(expected):
        return "not compared", seconds
    return ("right" if abs(value - expected) <= RIGHT * max(abs(expected), 1) else "differs"), seconds


def row(name: str, shapes: tuple[Any, ...], count: int, n_compared: int) -> str:
    """Return the row of a family; one that keeps running out of time is left."""
    verdicts, longest, n = Counter[str](), 0.0, 0
    for p in variants(name, shapes, count):
        if verdicts["TimeoutError"] >= ENOUGH:
            break
        for kind in ("H", "CE", "KL"):
            verdict, seconds = judge(p, moved(p), kind, n < n_compared)
            verdicts[verdict] += 1
            longest = max(longest, seconds)
        n += 1
    cells = [verdicts[column] for column in COLUMNS]
    other = sum(verdicts.values()) - sum(cells)
    return f"| {name} | {n} | " + " | ".join(str(cell or "") for cell in [*cells, other]) + f" | {longest:.2f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", type=int, default=20, help="random shapes a family")
    parser.add_argument("--compared", type=int, default=20, help="of these, how many to compare with the reference")
    parser.add_argument("--first", default="", help="first family")
    parser.add_argument("--last", default="~", help="last family")
    arguments = parser.parse_args()
    print("| family | distributions | " + " | ".join([*COLUMNS, "other", "longest, s"]) + " |")
    print("|---" * (len(COLUMNS) + 4) + "|")
    for name, shapes in families().items():
        if arguments.first <= name <= arguments.last:
            print(row(name, shapes, arguments.shapes, arguments.compared), flush=True)


if __name__ == "__main__":
    main()
