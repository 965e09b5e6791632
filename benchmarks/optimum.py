"""Random problems and an independent optimum, to see whether a fit that does not warn is always there.

Each problem is fitted at default settings, without a limit that it could meet. A Newton method of this file's own, in
double precision, with exact products by the Hessian, then goes on from where the fit ended. The losses are convex, so
that whatever it gains is what the fit left.

    python benchmarks/optimum.py [--problems N] [--first N] [--limit DISTANCE]
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from scipy.special import expit, log_expit, logsumexp, softmax
from sklearn.exceptions import ConvergenceWarning

from skxent import SigmoidRegressor, SoftmaxRegressor

# What a fit may be above the optimum without a warning: relative to the optimum, or to this share of the objective of
# the model without features where that is more (separable classes, whose optimum is zero).
LIMIT, NEGLIGIBLE = 1e-4, 0.01

# Entries of sparse data up to which the reference multiplies them as dense ones, which is faster.
_DENSE_ENTRIES = 1e6


@dataclass
class RandomProblem:
    """Data, targets, weights and the estimator that is to fit them."""

    name: str
    estimator: Any
    X: Any
    y: np.ndarray
    weight: np.ndarray | None


def random_problem(
    seed: int, max_entries: float = 2e6, max_logits: float = 2e6, max_work: float = 4e7
) -> RandomProblem:
    """Return a problem of random shape and of random difficulties.

    Parameters
    ----------
    seed : int
        Number of the problem.
    max_entries, max_logits, max_work : float
        Limits of rows × columns, rows × outputs, and rows × columns × outputs.

    Returns
    -------
    RandomProblem
        The same for the same arguments.
    """
    draw = _Draw(seed)
    rng, sometimes = draw.rng, draw.sometimes
    n, d, k = _shape(rng, max_entries, max_logits, max_work)
    sparse = sometimes(0.3, "sparse")
    X = _columns(draw, n, d, sparse)
    signal = rng.normal(size=(d, k)) * rng.choice([0.1, 1, 5]) / np.sqrt(d)
    separable = sometimes(0.1, "separable")
    logits = X @ signal + rng.normal(size=k) * rng.choice([0, 1, 3]) + (0 if separable else 1) * rng.gumbel(size=(n, k))
    y: np.ndarray = logits.argmax(axis=1)
    y[:k] = np.arange(k)  # each class at least once
    _make_difficult(draw, X)
    single = sometimes(0.4, "float32")
    _shift(draw, X, most=3 if single else 6)
    weight = _weights(rng, n) if sometimes(0.2, "weights") else None
    alpha = float(rng.choice([0, 1e-10, 1e-6, 1e-4, 1e-2, 1 / n]))
    if alpha == 0:
        draw.notes.append("alpha 0")
    sigmoid = sometimes(0.35, "sigmoid")
    if k <= 20 and sometimes(0.15, "soft targets"):
        y = softmax(2 * logits, axis=1)
    estimator = (SigmoidRegressor if sigmoid else SoftmaxRegressor)(alpha=alpha, fit_intercept=bool(rng.random() < 0.9))
    data: Any = X.astype(np.float32 if single else np.float64)
    name = f"{seed}: {n} x {d} x {k}, alpha {alpha:.1e}, {', '.join(draw.notes)}"
    return RandomProblem(name, estimator, csr_array(data) if sparse else data, y, weight)


class _Draw:
    """Random numbers, and notes of the difficulties that were drawn."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.notes: list[str] = []

    def sometimes(self, chance: float, note: str) -> bool:
        """Return true with a probability, and then keep the note."""
        hit = bool(self.rng.random() < chance)
        if hit:
            self.notes.append(note)
        return hit


def _shape(rng: np.random.Generator, max_entries: float, max_logits: float, max_work: float) -> tuple[int, int, int]:
    """Return numbers of rows, columns and outputs within the limits."""
    while True:
        n = int(10 ** rng.uniform(np.log10(30), np.log10(50_000)))
        d = int(10 ** rng.uniform(0, np.log10(2_000)))
        k = int(rng.choice([2, 2, 3, 4, 10, int(10 ** rng.uniform(1, 3))]))
        if n * d <= max_entries and n * k <= max_logits and n * d * k <= max_work and n >= 3 * k:
            return n, d, k


def _columns(draw: _Draw, n: int, d: int, sparse: bool) -> np.ndarray:
    """Return columns of about the same size."""
    rng = draw.rng
    X = rng.normal(size=(n, d)) if rng.random() < 0.7 else rng.standard_t(3, size=(n, d))
    if sparse:
        X[rng.random((n, d)) > rng.choice([0.02, 0.1, 0.5])] = 0
    if d > 2 and draw.sometimes(0.3, "correlated"):
        X = X @ (np.eye(d) + rng.normal(size=(d, 1)) * rng.normal(size=(1, d)) / rng.choice([0.1, 1, 10]))
    return X


def _make_difficult(draw: _Draw, X: np.ndarray) -> None:
    """Change the units of the columns, and make some of them equal, nearly equal or zero."""
    rng, (n, d) = draw.rng, X.shape
    if draw.sometimes(0.25, "scales"):
        X *= 10 ** rng.uniform(-6, 6, size=d)
    if d > 2 and draw.sometimes(0.15, "duplicate columns"):
        X[:, -1] = X[:, 0]
    if d > 2 and draw.sometimes(0.15, "nearly duplicate columns"):
        X[:, 1] = X[:, 0] * (1 + 1e-3 * rng.normal(size=n))
    if d > 2 and draw.sometimes(0.2, "zero column"):
        X[:, d // 2] = 0


def _shift(draw: _Draw, X: np.ndarray, most: float) -> None:
    """Give columns large means, up to ten to the power of `most` times their deviation, or make one constant."""
    rng, d = draw.rng, X.shape[1]
    if draw.sometimes(0.35, "offsets"):
        columns = rng.random(d) < rng.choice([0.05, 0.5, 1])
        X[:, columns] += 10 ** rng.uniform(0, most, size=columns.sum()) * X.std(axis=0)[columns]
    if d > 1 and draw.sometimes(0.2, "constant column"):
        X[:, 0] = 10 ** rng.uniform(-3, 6)


def _weights(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return weights of different sizes, a tenth of them 0."""
    low, high = rng.choice([(-1.0, 1.0), (-6.0, 6.0)])
    weight: np.ndarray = 10 ** rng.uniform(low, high, size=n)
    weight[rng.random(n) < 0.1] = 0
    return weight


class Reference:
    """The objective in double precision on centred, scaled columns, by itself: nothing here is skxent's."""

    def __init__(self, problem: RandomProblem, classes: np.ndarray) -> None:
        X = problem.X.astype(np.float64)
        self.n, self.d = X.shape
        if issparse(X) and self.n * self.d <= _DENSE_ENTRIES:
            X = X.toarray()
        weight = np.ones(self.n) if problem.weight is None else problem.weight.astype(np.float64)
        self.weight = weight / weight.sum()
        self.alpha = problem.estimator.alpha
        self.intercept = problem.estimator.fit_intercept
        self.sigmoid = isinstance(problem.estimator, SigmoidRegressor)
        y = problem.y
        if y.ndim == 1:
            y = (y[:, np.newaxis] == classes).astype(float)
            if self.sigmoid and len(classes) == 2:
                y = y[:, 1:]
        self.y = y
        self.centre = (self.weight @ X) if self.intercept else np.zeros(self.d)
        if issparse(X):
            squares = X.copy()
            squares.data **= 2
            variance = np.maximum(self.weight @ squares - self.centre**2, 0)
        else:
            variance = self.weight @ (X - self.centre) ** 2
        self.scale = np.sqrt(variance + self.alpha)
        self.scale[self.scale <= 1e-14 * np.abs(self.centre)] = np.inf
        self.scale[self.scale == 0] = np.inf
        self.penalty = self.alpha / self.scale**2
        self.sparse = issparse(X)
        self.X = X if self.sparse else (X - self.centre) / self.scale

    def logits(self, w: np.ndarray) -> np.ndarray:
        """Return the product with the columns, and the intercept."""
        if not self.sparse:
            return self.X @ w[:-1] + w[-1]
        coef = w[:-1] / self.scale[:, np.newaxis]
        return self.X @ coef + (w[-1] - self.centre @ coef)

    def back(self, g: np.ndarray) -> np.ndarray:
        """Return the transposed product with the columns and the intercept."""
        total = g.sum(axis=0)
        features = self.X.T @ g
        if self.sparse:
            features = (features - np.outer(self.centre, total)) / self.scale[:, np.newaxis]
        return np.vstack([features, total if self.intercept else 0 * total])

    def start(self, coef: np.ndarray, intercept: np.ndarray) -> np.ndarray:
        """Return the weights of centred, scaled columns that stand for a fit's."""
        coef = coef.astype(np.float64).T
        used = np.where(np.isfinite(self.scale), self.scale, 0)
        return np.vstack([coef * used[:, np.newaxis], intercept + self.centre @ coef])

    def value(self, w: np.ndarray, z: np.ndarray | None = None) -> float:
        """Return the objective, given the logits if they are known."""
        z = self.logits(w) if z is None else z
        losses = (
            -(self.y * log_expit(z) + (1 - self.y) * log_expit(-z)).sum(axis=1)
            if self.sigmoid
            else logsumexp(z, axis=1) - (self.y * z).sum(axis=1)
        )
        return float(self.weight @ losses + 0.5 * (self.penalty @ (w[:-1] ** 2)).sum())

    def featureless(self) -> float:
        """Return the objective of the best model without features: intercepts alone, if there are any."""
        w = np.zeros((self.d + 1, self.y.shape[1]))
        if self.intercept:
            shares = (self.weight @ self.y).clip(1e-300, 1 - 1e-16)
            w[-1] = np.log(shares) - (np.log1p(-shares) if self.sigmoid else 0)
        return self.value(w)

    def given(self, coef: np.ndarray, intercept: np.ndarray, X: Any) -> float:
        """Return the objective of a model as it stands, in double precision."""
        coef = coef.astype(np.float64)
        z = X.astype(np.float64) @ coef.T + intercept.astype(np.float64)
        w = np.zeros((self.d + 1, z.shape[1]))
        return self.value(w, z) + 0.5 * self.alpha * float((coef**2).sum())

    def improve(self, w: np.ndarray, max_iter: int = 60, max_cg: int = 200, seconds: float = 20) -> float:
        """Return the objective after truncated Newton steps from `w`, each by conjugate gradients."""
        w = w.copy()
        z = self.logits(w)
        value = self.value(w, z)
        deadline = time.perf_counter() + seconds
        for _ in range(max_iter):
            p = expit(z) if self.sigmoid else softmax(z, axis=1)
            error = self.weight[:, np.newaxis] * (p - self.y)
            gradient = self.back(error)
            gradient[:-1] += self.penalty[:, np.newaxis] * w[:-1]
            step = self._newton(gradient, p, max_cg, deadline)
            slope = float(np.vdot(gradient, step))
            if -slope <= 1e-9 * abs(value) + 1e-13 or time.perf_counter() > deadline:
                break
            dz, length = self.logits(step), 1.0
            while (new := self.value(w + length * step, z + length * dz)) > value + 1e-4 * length * slope:
                length /= 2
                if length < 1e-10:
                    return value
            w, z, value = w + length * step, z + length * dz, new
        return value

    def _newton(self, gradient: np.ndarray, p: np.ndarray, max_cg: int, deadline: float) -> np.ndarray:
        def product(v: np.ndarray) -> np.ndarray:
            u = self.logits(v)
            u = p * (1 - p) * u if self.sigmoid else p * (u - (p * u).sum(axis=1, keepdims=True))
            result = self.back(self.weight[:, np.newaxis] * u)
            result[:-1] += self.penalty[:, np.newaxis] * v[:-1]
            return result

        spread = (self.weight[:, np.newaxis] * p * (1 - p)).sum(axis=0)
        diagonal = np.maximum(spread, 1e-12)[np.newaxis] + np.append(self.penalty, 0)[:, np.newaxis]
        x, r = np.zeros_like(gradient), -gradient
        s = r / diagonal
        v, rs = s, float(np.vdot(r, s))
        first = rs
        for _ in range(max_cg):
            if rs <= 1e-4 * first or time.perf_counter() > deadline:
                break
            hv = product(v)
            curvature = float(np.vdot(v, hv))
            if curvature <= 0:
                break
            a = rs / curvature
            x, r = x + a * v, r - a * hv
            s = r / diagonal
            rs, old = float(np.vdot(r, s)), rs
            v = s + rs / old * v
        return x if x.any() else s


@dataclass
class Outcome:
    """What became of a problem."""

    name: str
    distance: float
    warned: str
    n_iter: int
    seconds: float
    optimality: float


def try_problem(problem: RandomProblem) -> Outcome:
    """Fit a problem and say how far from the optimum the fit is, relatively, and whether it warned."""
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = problem.estimator.fit(problem.X, problem.y, problem.weight)
        except ValueError as error:
            return Outcome(problem.name, np.inf, f"ERROR {error}", 0, time.perf_counter() - start, np.nan)
    seconds = time.perf_counter() - start
    reference = Reference(problem, model.classes_)
    value = reference.given(model.coef_, model.intercept_, problem.X)
    best = min(value, reference.improve(reference.start(model.coef_, model.intercept_)))
    distance = (value - best) / max(best, NEGLIGIBLE * reference.featureless())
    relevant = [w for w in caught if issubclass(w.category, (ConvergenceWarning, RuntimeWarning, UserWarning))]
    texts = "; ".join(f"{w.category.__name__}: {w.message}"[:160] for w in relevant[:2])
    return Outcome(problem.name, distance, texts, model.n_iter_, seconds, getattr(model, "optimality_", np.nan))


def main() -> None:
    """Try the problems and print those that went wrong, and a summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--limit", type=float, default=LIMIT)
    options = parser.parse_args()
    outcomes = []
    for seed in range(options.first, options.first + options.problems):
        outcome = try_problem(random_problem(seed))
        outcomes.append(outcome)
        silent = outcome.distance > options.limit and "ConvergenceWarning" not in outcome.warned
        missed = outcome.optimality < outcome.distance - 1e-7
        mark = "WRONG" if silent else "warned" if outcome.warned else "bound" if missed else ""
        if mark:
            print(
                f"{mark:7}{outcome.distance:9.1e} optimality {outcome.optimality:8.1e} n_iter {outcome.n_iter:4} "
                f"{outcome.seconds:6.2f} s  {outcome.name}  {outcome.warned[:200]}",
                flush=True,
            )
    distances = np.array([o.distance for o in outcomes])
    warned = np.array(["ConvergenceWarning" in o.warned for o in outcomes])
    errors = sum("ERROR" in o.warned for o in outcomes)
    print(
        f"{len(outcomes)} problems: {(~warned & (distances > options.limit)).sum()} above {options.limit:.0e} without "
        f"a warning (errors {errors}), {warned.sum()} warnings, of which "
        f"{(warned & (distances <= options.limit)).sum()} within it; "
        f"distance median {np.median(distances):.1e}, 99th percentile {np.quantile(distances, 0.99):.1e}; "
        f"iterations {sum(o.n_iter for o in outcomes)}, seconds {sum(o.seconds for o in outcomes):.1f}"
    )


if __name__ == "__main__":
    main()
