"""The solvers: exact where theory says so, and against independent ones."""

import copy

import numpy as np
import pytest
from helpers import objective_of
from scipy.optimize import minimize
from scipy.sparse import csr_array

from skxent.linear_model._objective import Objective
from skxent.linear_model._outputs import Sigmoid, Softmax
from skxent.linear_model._surrogate import SubsampledSurrogate
from skxent.linear_model.solvers import SOLVERS
from skxent.linear_model.solvers._lbfgs import _Descent
from skxent.losses import LOSSES, CrossEntropy, Quadratic
from skxent.rows import MemoryRows
from skxent.solvers import LBFGS, SampledHessian, SampleStart

EVERY_LOSS = [LOSSES[name]() for name in LOSSES]
OUTPUTS = [Softmax(), Sigmoid()]
pytestmark = pytest.mark.usefixtures("one_blas_thread")


def lbfgs(objective, w0, *, solver=LBFGS(), **options):
    return solver.solve(objective, w0, **options)


def go_on(w, value):
    return False


class Record(list):
    """A callback that keeps what it is told, and stops after a number of calls."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after

    def __call__(self, w, value):
        self.append((w.copy(), value))
        return len(self) == self.stop_after

    @property
    def values(self):
        return np.array([value for _, value in self])


def make_objective(rng, n_rows=150, n_features=5, *, loss=EVERY_LOSS[0], output=OUTPUTS[0], alpha=1e-2):
    X = rng.normal(size=(n_rows, n_features))
    scores = X @ rng.normal(size=(n_features, 3)) + rng.gumbel(size=(n_rows, 3))
    return objective_of(X, scores.argmax(axis=1), loss=loss, output=output, alpha=alpha)


def with_data(objective, X):
    """Return the same objective on other features."""
    rows = MemoryRows(X, objective.rows.y, objective.rows.weight, n_outputs=objective.rows.n_outputs)
    return Objective(objective.problem, rows)


def zeros(objective):
    return np.zeros((objective.rows.n_features + 1, objective.rows.n_outputs))


def test_solvers_are_known_by_name():
    assert list(SOLVERS) == ["lbfgs", "sgd"]
    assert SOLVERS["lbfgs"] is LBFGS


@pytest.mark.parametrize("standardize", [True, False])
def test_lbfgs_undoes_what_all_outputs_of_a_start_share(standardize, rng):
    """Only the penalty feels it, and steps have no such part."""
    objective = make_objective(rng, output=Softmax())
    start = rng.normal(size=zeros(objective).shape) + 5
    solver = LBFGS(standardize=standardize)
    result = solver.solve(objective, start, max_iter=500, tol=1e-10, callback=Record())
    assert result.converged
    np.testing.assert_allclose(result.w[:-1].sum(axis=1), 0, atol=1e-6)
    path = list(solver.solve_path(objective, [1e-2], start, max_iter=500, tol=1e-10, callback=Record()))
    np.testing.assert_allclose(path[-1].w[:-1], result.w[:-1], atol=1e-5)


# ------------------------------------------------------------------------------------------- on quadratics


class QuadraticForm:
    """(w - b)ᵀ A (w - b) / 2 + c, which knows the inverse of its Hessian, or pretends that it is the identity."""

    eps = 2**-52

    def __init__(self, rng, n=12, condition=1e6, exact=True):
        rotation = np.linalg.qr(rng.normal(size=(n, n)))[0]
        eigenvalues = np.logspace(0, np.log10(condition), n)
        self.A = rotation * eigenvalues @ rotation.T
        self.inverse = rotation / eigenvalues @ rotation.T if exact else np.eye(n)
        self.b = rng.normal(size=(n, 1))
        self.n_evaluations = 0

    def __call__(self, w):
        self.n_evaluations += 1
        gradient = self.A @ (w - self.b)
        return 0.5 * float(np.vdot(w - self.b, gradient)) + 1, gradient

    def intercept_only(self):
        return np.zeros_like(self.b)

    def centred(self, w):
        return w


def known_inverse(objective, w, *, refine):
    """Return the product with the inverse that a quadratic form knows."""
    return lambda gradient: objective.inverse @ gradient


# Without what needs rows.
AS_GIVEN = {"proxy": None, "bound": None, "standardize": False, "first_rows": None}
ON_QUADRATICS = LBFGS(preconditioner=known_inverse, surrogate=None, start=None, **AS_GIVEN)


def test_lbfgs_needs_one_newton_step_on_a_quadratic(rng):
    objective = QuadraticForm(rng)
    record = Record()
    result = ON_QUADRATICS.solve(objective, np.zeros((12, 1)), max_iter=50, tol=1e-12, callback=record)
    assert result.converged
    assert result.n_iter <= 3
    assert objective.n_evaluations <= 4
    np.testing.assert_allclose(record[0][0], objective.b, rtol=1e-6)
    np.testing.assert_allclose(result.w, objective.b, rtol=1e-9)


class StartOn(SampleStart):
    """A start on a given sample, with given rows held out."""

    def __init__(self, *parts):
        super().__init__()
        object.__setattr__(self, "parts", parts)

    def split(self, objective):
        return self.parts


@pytest.mark.parametrize("misleading", [False, True])
def test_lbfgs_starts_where_a_sample_leads_unless_held_out_rows_object(misleading, rng):
    objective, sample, held_out = QuadraticForm(rng), QuadraticForm(rng), QuadraticForm(rng)
    if not misleading:
        held_out = sample
    start = StartOn(sample, held_out)
    at_zero = np.zeros((12, 1))
    held_out.value = lambda w: held_out(w)[0] if not misleading else -np.exp(-float(np.vdot(w, w)))
    record = Record()
    solver = LBFGS(preconditioner=known_inverse, surrogate=None, start=start, **AS_GIVEN)
    result = solver.solve(objective, at_zero, max_iter=1, tol=0, callback=record)
    ((at_start, value),) = record
    assert result.n_iter == 1
    assert value == objective(at_start)[0]
    if misleading:
        assert not at_start.any()
    else:
        assert sample(at_start)[0] < sample(at_zero)[0]


def test_a_start_that_fits_its_sample_much_better_than_other_rows_is_left(rng):
    objective, sample, held_out = QuadraticForm(rng), QuadraticForm(rng), QuadraticForm(rng)
    sample_value = sample(np.ones((12, 1)))[0]
    assert sample_value > 0
    held_out.value = lambda w: 1e3 * sample_value
    start = StartOn(sample, held_out)
    assert start(objective, np.ones((12, 1)), lambda *arguments: arguments[-1](arguments[1], sample_value)) is None
    held_out.value = lambda w: 2 * sample_value
    assert start(objective, np.ones((12, 1)), lambda *arguments: arguments[-1](arguments[1], sample_value)) is not None


def test_lbfgs_can_be_stopped_after_the_start_on_a_sample(rng):
    objective, sample = QuadraticForm(rng), QuadraticForm(rng)
    sample.value = lambda w: sample(w)[0]
    solver = LBFGS(preconditioner=known_inverse, surrogate=None, start=StartOn(sample, sample), **AS_GIVEN)
    record = Record(stop_after=1)
    result = solver.solve(objective, np.zeros((12, 1)), max_iter=50, tol=0, callback=record)
    assert (result.n_iter, result.converged) == (1, True)
    np.testing.assert_array_equal(result.w, record[0][0])
    assert objective.n_evaluations == 1


class Estimate:
    """An estimate near a point: another function with the gradient there put right."""

    def __init__(self, function, w, gradient, noisy_from):
        self.function, self.noisy_from = function, noisy_from
        self.eps = function.eps
        self.correction = gradient - function(w)[1]
        self.n_evaluations = 0

    def __call__(self, w):
        self.n_evaluations += 1
        value, gradient = self.function(w)
        return value + float(np.vdot(self.correction, w)), gradient + self.correction

    def noise_dominates(self, gradient, precondition):
        return self.n_evaluations >= self.noisy_from


class Estimates(SubsampledSurrogate):
    """Estimates from another function instead of a sample."""

    def __init__(self, function, noisy_from):
        super().__init__()
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "noisy_from", noisy_from)
        object.__setattr__(self, "made", [])

    def __call__(self, objective, w, value, gradient):
        self.made.append(Estimate(self.function, w, gradient, self.noisy_from))
        return self.made[-1]


def lbfgs_with_surrogate(objective, estimate_of, noisy_from=np.inf):
    """Return the result, the values on the way, and the estimates made."""
    surrogate, values = Estimates(estimate_of, noisy_from), []
    solver = LBFGS(preconditioner=known_inverse, surrogate=surrogate, start=None, **AS_GIVEN)
    start = np.zeros_like(objective.b)
    result = solver.solve(objective, start, max_iter=300, tol=1e-14, callback=lambda w, value: values.append(value))
    return result, values, surrogate.made


def test_lbfgs_takes_steps_on_a_surrogate_where_many_are_needed(rng):
    objective = QuadraticForm(rng, n=60, condition=1e5, exact=False)
    # The estimates are exact, and evaluated by another object.
    result, values, estimates = lbfgs_with_surrogate(objective, copy.copy(objective))
    assert result.converged
    np.testing.assert_allclose(result.w, objective.b, rtol=1e-4, atol=1e-3)
    assert objective.n_evaluations < 0.1 * sum(estimate.n_evaluations for estimate in estimates)
    assert np.all(np.diff(values) <= 0)
    steps = [estimate.n_evaluations for estimate in estimates]
    assert max(steps[1:]) > 1.5 * steps[0]


@pytest.mark.parametrize("noisy_from", [3, np.inf])
def test_lbfgs_undoes_bad_surrogate_steps(noisy_from, rng):
    objective = QuadraticForm(rng, n=60, condition=1e5, exact=False)
    misleading = QuadraticForm(rng, n=60, condition=1e5, exact=False)
    misleading.A *= 1e-3
    plain = ON_QUADRATICS.solve(objective, np.zeros_like(objective.b), max_iter=300, tol=1e-14, callback=go_on)
    result, values, estimates = lbfgs_with_surrogate(objective, misleading, noisy_from)
    assert result.n_iter == plain.n_iter
    np.testing.assert_array_equal(result.w, plain.w)
    assert np.all(np.diff(values) <= 0)
    # Tried after twice as many iterations each time.
    assert len(estimates) <= np.log2(result.n_iter)


def test_lbfgs_undoes_a_surrogate_step_along_which_the_curvature_is_negative():
    """Such a pair would make the quasi-Newton matrix indefinite."""

    def hill(w):
        return float((w**2 / (1 + w**2)).sum()), 2 * w / (1 + w**2) ** 2

    def bowl(w):
        return float(1e-4 * (w**2).sum()), 2e-4 * w

    hill.eps = bowl.eps = 2**-52
    start = np.full((3, 1), 10.0)
    descent = _Descent(LBFGS(), hill, start, *hill(start), lambda gradient: 100 * gradient)
    estimate = Estimate(bowl, start, descent.gradient, noisy_from=np.inf)
    assert descent.surrogate_step(SubsampledSurrogate(), estimate, 10, enough=0) is None
    np.testing.assert_array_equal(descent.w, start)
    assert not descent.pairs


def test_plain_lbfgs_solves_a_quadratic(rng):
    objective = QuadraticForm(rng, condition=100, exact=False)
    plain = LBFGS(preconditioner=None, surrogate=None, start=None, **AS_GIVEN)
    result = plain.solve(objective, objective.b + 1, max_iter=100, tol=0, callback=go_on)
    np.testing.assert_allclose(result.w, objective.b, rtol=1e-6)


def test_lbfgs_at_the_optimum_stays_there(rng):
    objective = QuadraticForm(rng)
    result = ON_QUADRATICS.solve(objective, objective.b, max_iter=10, tol=1e-5, callback=go_on)
    assert result.converged
    np.testing.assert_array_equal(result.w, objective.b)


# --------------------------------------------------------------------------------- against independent ones


def scipy_minimum(objective, method="L-BFGS-B", **options):
    shape = zeros(objective).shape

    def flat(w):
        value, gradient = objective(w.reshape(shape))
        return value, gradient.ravel()

    result = minimize(flat, np.zeros(np.prod(shape)), jac=True, method=method, options=options)
    return result.fun, result.x.reshape(shape)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("method", ["L-BFGS-B", "BFGS"])
def test_lbfgs_finds_the_minimum_that_scipy_finds(output, method, rng):
    objective = make_objective(rng, output=output)
    tight = {"L-BFGS-B": {"ftol": 0, "gtol": 1e-9, "maxiter": 5000}, "BFGS": {"gtol": 1e-9, "xrtol": 0}}[method]
    minimum, w = scipy_minimum(objective, method, **tight)
    result = lbfgs(objective, zeros(objective), max_iter=100, tol=1e-14, callback=go_on)
    assert result.converged
    assert objective.value(result.w) == pytest.approx(minimum, rel=1e-12)
    np.testing.assert_allclose(
        objective.problem.output.probabilities(result.w), objective.problem.output.probabilities(w)
    )
    np.testing.assert_allclose(result.w[:-1], w[:-1], atol=1e-6)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("make_data", [np.asarray, csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("n_rows", [10, 60])
def test_lbfgs_finds_the_minimum_of_wide_data(output, make_data, n_rows, rng):
    """Where a matrix of the columns would take too much memory."""
    objective = make_objective(rng, n_rows, 1000, output=output)
    wide = with_data(objective, make_data(objective.rows.X))
    minimum, _ = scipy_minimum(objective, ftol=0, gtol=1e-9, maxiter=5000)
    result = lbfgs(wide, zeros(objective), max_iter=500, tol=1e-13, callback=go_on)
    assert result.converged
    assert wide.value(result.w) == pytest.approx(minimum, rel=1e-10)
    gradient = rng.normal(size=result.w.shape)
    assert np.vdot(SampledHessian()(wide, result.w, refine=True)(gradient), gradient) > 0


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
def test_lbfgs_ends_where_the_gradient_vanishes(output, loss, rng):
    objective = make_objective(rng, loss=loss, output=output)
    result = lbfgs(objective, rng.normal(size=(6, 3)), max_iter=300, tol=1e-14, callback=go_on)
    assert result.converged
    assert np.abs(objective(result.w)[1]).max() < 1e-6


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lbfgs_never_goes_up(output, loss, dtype, rng):
    objective = make_objective(rng, loss=loss, output=output)
    objective = with_data(objective, objective.rows.X.astype(dtype))
    record = Record()
    lbfgs(objective, zeros(objective), max_iter=60, tol=0, callback=record)
    values = np.array([objective.value(zeros(objective)), *record.values])
    assert len(values) > 5
    assert (np.diff(values) <= 2 * np.finfo(dtype).eps * values[:-1]).all()
    assert values[-1] < 0.8 * values[0]


# -------------------------------------------------------------------------------------- stopping, callbacks


def solve(name, objective, *, max_iter=20, tol=0.0, callback=go_on, w0=None, **options):
    """Run either solver with the options that it takes."""
    if name == "sgd":
        defaults = {"batch_size": 10, "learning_rate": 0.2, "shuffle": True, "n_iter_no_change": 3}
        options = {**defaults, "random_state": np.random.RandomState(0), **options}
    w0 = zeros(objective) if w0 is None else w0
    return SOLVERS[name]().solve(objective, w0, max_iter=max_iter, tol=tol, callback=callback, **options)


@pytest.mark.parametrize("solver", list(SOLVERS))
def test_callback_sees_each_iteration(solver, rng):
    objective, record = make_objective(rng), Record()
    result = solve(solver, objective, max_iter=5, callback=record)
    assert len(record) == result.n_iter == 5
    for w, value in record:
        assert value == pytest.approx(objective.value(w), rel=1e-14 if SOLVERS[solver].exact_values else 0.5)
    np.testing.assert_array_equal(result.w, record[-1][0])


@pytest.mark.parametrize("solver", list(SOLVERS))
@pytest.mark.parametrize("stop_after", [1, 3])
def test_callback_stops(solver, stop_after, rng):
    objective, record = make_objective(rng), Record(stop_after)
    result = solve(solver, objective, callback=record)
    assert len(record) == result.n_iter == stop_after
    assert result.converged
    assert result.message == "stopped by a callback"
    np.testing.assert_array_equal(result.w, record[-1][0])


@pytest.mark.parametrize("solver", list(SOLVERS))
def test_start_is_left_alone_and_used(solver, rng):
    objective, start = make_objective(rng), rng.normal(size=(6, 3))
    start.flags.writeable = False
    again = solve(solver, objective, max_iter=3, w0=start)
    assert not np.array_equal(again.w, solve(solver, objective, max_iter=3).w)
    assert objective.value(again.w) < objective.value(start)


@pytest.mark.parametrize("solver", list(SOLVERS))
def test_runs_repeat_bit_for_bit(solver, rng):
    objective = make_objective(rng)
    np.testing.assert_array_equal(solve(solver, objective).w, solve(solver, objective).w)


def test_lbfgs_stops_at_its_tolerance(rng):
    objective = make_objective(rng)
    optimum = solve("lbfgs", objective, max_iter=200, tol=1e-15).w
    n_iter = []
    for tol in (1e-2, 1e-4, 1e-8):
        result = solve("lbfgs", objective, max_iter=200, tol=tol)
        assert result.converged
        assert result.message == "tolerance reached"
        assert objective.value(result.w) <= objective.value(optimum) * (1 + 10 * tol)
        n_iter.append(result.n_iter)
    assert n_iter == sorted(n_iter)
    assert n_iter[0] < n_iter[-1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lbfgs_without_tolerance_goes_down_to_rounding(dtype, rng):
    objective = make_objective(rng)
    optimum = objective.value(solve("lbfgs", objective, max_iter=200, tol=1e-15).w)
    objective = with_data(objective, objective.rows.X.astype(dtype))
    result = solve("lbfgs", objective, max_iter=500)
    assert result.n_iter > 8
    assert result.message.startswith(("rounding allows no further decrease", "max_iter=500 reached"))
    objective = with_data(objective, objective.rows.X.astype(float))
    assert objective.value(result.w) == pytest.approx(optimum, rel=4 * float(np.finfo(dtype).eps))


def test_lbfgs_says_when_it_has_not_converged(rng):
    result = solve("lbfgs", make_objective(rng), max_iter=2, tol=1e-10)
    assert (result.n_iter, result.converged) == (2, False)
    assert result.message == f"max_iter=2 reached; optimality_={result.optimality:.1e}. Raise max_iter or tol."


# ------------------------------------------------------------------------------------------------------ sgd


def plain_sgd(objective, n_passes, *, batch_size, learning_rate, seed=None):
    """Mini-batch softmax regression as a textbook has it."""
    X, Y, w = objective.rows.X, np.eye(3)[objective.rows.y], zeros(objective)
    draws = np.random.RandomState(seed)
    for _ in range(n_passes):
        order = np.arange(len(X)) if seed is None else draws.permutation(len(X))
        for start in range(0, len(X), batch_size):
            x, y = X[order[start : start + batch_size]], Y[order[start : start + batch_size]]
            error = Softmax().probabilities(x @ w[:-1] + w[-1]) - y
            w[:-1] -= learning_rate * (x.T @ error / len(x) + objective.problem.alpha * w[:-1])
            w[-1] -= learning_rate * error.mean(axis=0)
    return w


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize("batch_size", [1, 16, 1000])
def test_sgd_is_the_textbooks(seed, batch_size, rng):
    objective = make_objective(rng)
    result = solve(
        "sgd",
        objective,
        max_iter=3,
        batch_size=batch_size,
        learning_rate=0.3,
        shuffle=seed is not None,
        random_state=np.random.RandomState(seed),
    )
    expected = plain_sgd(objective, 3, batch_size=batch_size, learning_rate=0.3, seed=seed)
    np.testing.assert_allclose(result.w, expected, rtol=1e-10, atol=1e-12)


def test_sgd_without_tolerance_runs_all_passes(rng):
    result = solve("sgd", make_objective(rng), max_iter=60)
    assert (result.n_iter, result.converged) == (60, True)


def test_sgd_finds_the_optimum(rng):
    """Shorter and shorter steps bring it to rest, where a constant step would not."""
    objective = make_objective(rng)
    optimum = objective.value(solve("lbfgs", objective, max_iter=200, tol=1e-15).w)
    record = Record()
    result = solve("sgd", objective, max_iter=1000, tol=1e-5, n_iter_no_change=5, callback=record)
    assert result.converged
    assert result.n_iter < 1000
    assert objective.value(result.w) <= min(objective.value(w) for w, _ in record) * (1 + 1e-3)
    assert objective.value(result.w) == pytest.approx(optimum, rel=1e-3)
    assert np.abs(record.values[-10:-3] / optimum - 1).max() < 2e-3


def test_sgd_says_when_it_has_not_converged(rng):
    result = solve("sgd", make_objective(rng), max_iter=2, tol=1e-10)
    assert (result.n_iter, result.converged) == (2, False)
    assert result.message.startswith("max_iter=2 reached. Raise max_iter or tol, try another learning_rate")


@pytest.mark.parametrize("tol", [0, 1e-5])
def test_sgd_says_when_it_has_done_harm(tol, rng):
    objective = make_objective(rng)
    objective = with_data(objective, 1e6 * objective.rows.X)
    result = solve("sgd", objective, max_iter=100, tol=tol)
    assert not result.converged
    assert "have not lowered the objective, so learning_rate is too large" in result.message


def test_sgd_keeps_single_precision(rng):
    objective = make_objective(rng)
    objective = with_data(objective, objective.rows.X.astype(np.float32))
    assert solve("sgd", objective, w0=zeros(objective).astype(np.float32)).w.dtype == np.float32


def test_sgd_raises_where_it_diverges(rng):
    objective = make_objective(rng, alpha=1.0)
    with pytest.raises(
        ValueError, match=r"diverged: with learning_rate=1000.* Lower learning_rate, scale the features"
    ):
        solve("sgd", objective, max_iter=200, learning_rate=1000.0)


# ------------------------------------------------------------------------------------------- ill-conditioned


class Counted:
    """An objective that counts its evaluations; those of a part of the rows count by their share."""

    def __init__(self, objective, whole=None):
        self.objective = objective
        self.whole = whole or self
        self.n_evaluations = 0.0
        self.trace = []

    def __getattr__(self, name):
        return getattr(self.objective, name)

    def __call__(self, w):
        value, gradient = self.objective(w)
        self.count(1.0)
        if self.trace is self.whole.trace:
            self.trace.append((self.whole.n_evaluations, value))
        return value, gradient

    def value(self, w):
        if self.trace is not self.whole.trace:
            self.count(0.5)
        return self.objective.value(w)

    def count(self, times):
        self.whole.n_evaluations += times * self.objective.n_rows / self.whole.objective.n_rows

    def standardized(self):
        self.objective = self.objective.standardized()
        return self

    def hessian_product(self, w, direction):
        self.count(2.0)
        return self.objective.hessian_product(w, direction)

    def subset(self, positions):
        return Counted(self.objective.subset(positions), self.whole)

    def reweighted(self, *arguments):
        return Counted(self.objective.reweighted(*arguments), self.whole)

    def with_features(self, *arguments):
        """Return what takes this one's place: its evaluations are those of the whole."""
        inner = Counted(self.objective.with_features(*arguments), self.whole)
        inner.trace = self.trace
        return inner

    def evaluations(self, target):
        """Return how many evaluations it took to get down to the target."""
        return next((n for n, value in self.trace if value <= target), np.inf)


def scaled(X, rng):
    return X * np.logspace(-3, 4, X.shape[1])


def collinear(X, rng):
    return np.hstack([X, X[:, :3], X[:, :1] + X[:, 1:2] + 1e-7 * rng.normal(size=(len(X), 1))])


def constant(X, rng):
    return np.hstack([X, np.tile([0.0, 5.0, 1e3], (len(X), 1))])


def off_centre(X, rng):
    return X + 100


def indicators(X, rng):
    return np.eye(30)[np.minimum(rng.geometric(0.1, size=len(X)), 29)]


def rare_groups(X, rng):
    """Add columns that are on together in few rows, so that most samples find them collinear."""
    groups = [(rng.random((len(X), 1)) < 1e-3) * rng.normal(size=(len(X), 15)) for _ in range(3)]
    return np.hstack([X, *groups])


def rare_columns(X, rng):
    return np.hstack([X, 1e4 * (rng.random((len(X), 4)) < 2e-4)])


ILL_CONDITIONED = {
    "as they come": {},
    "scaled": {"columns": scaled},
    "scaled, penalised": {"columns": scaled, "alpha": 1e-2},
    "collinear": {"columns": collinear},
    "constant": {"columns": constant},
    "off centre": {"columns": off_centre},
    "indicators": {"columns": indicators},
    "separable": {"noise": 0.0, "alpha": 1e-10},
    "more columns than rows": {"shape": (60, 200)},
    "more columns than rows, no penalty": {"shape": (60, 200), "alpha": 1e-10},
    "rare classes": {"rare": 0.98},
    "heavy weights": {"weight": lambda rng, n: rng.pareto(1, n)},
    "weights of all sizes and zero": {"weight": lambda rng, n: (rng.random(n) < 0.2) * 10 ** rng.uniform(-3, 3, n)},
    # Enough rows for samples to stand for them.
    "many rows": {"shape": (21_000, 8)},
    "many rows, few of them heavy": {"shape": (21_000, 8), "weight": lambda rng, n: rng.pareto(0.5, n)},
    "many rows, few of them counting": {"shape": (21_000, 8), "weight": lambda rng, n: 1.0 * (rng.random(n) < 0.003)},
    "many rows, groups of rare columns": {"shape": (21_000, 8), "columns": rare_groups, "alpha": 1e-6},
    "many rows, rare columns": {"shape": (21_000, 8), "columns": rare_columns},
    "many rows, rare classes": {"shape": (21_000, 8), "rare": 0.999},
}


def ill_conditioned(rng, *, columns=None, noise=2.0, alpha=1e-4, shape=(400, 12), rare=0.0, weight=None, **model):
    X = rng.normal(size=shape)
    y = (X @ rng.normal(size=(shape[1], 4)) + noise * rng.gumbel(size=(shape[0], 4))).argmax(axis=1)
    y[rng.random(shape[0]) < rare] = 0
    return objective_of(
        X if columns is None else columns(X, rng),
        y,
        None if weight is None else weight(rng, shape[0]),
        n_outputs=4,
        alpha=alpha,
        **model,
    )


def run_lbfgs(counted, solver=LBFGS()):
    lbfgs(counted, zeros(counted), solver=solver, max_iter=60, tol=1e-9, callback=go_on)


def run_plain(counted):
    plain = LBFGS(
        preconditioner=lambda objective, w, *, refine: np.copy, surrogate=None, start=None, max_scaling=1.5, **AS_GIVEN
    )
    run_lbfgs(counted, plain)


def run_scipy(counted):
    scipy_minimum(counted, maxiter=60, ftol=1e-9)


@pytest.mark.parametrize("problem", ILL_CONDITIONED)
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(
    ("loss", "peers", "levels"),
    [
        (CrossEntropy(), (run_plain, run_scipy), (1e-1, 1e-2, 1e-3, 1e-4)),
        # Not convex: other paths may end in other minima, which differ a little.
        (Quadratic(), (run_plain,), (1e-1, 1e-2, 1e-3)),
    ],
)
def test_preconditioning_never_costs_evaluations(problem, output, loss, peers, levels, rng):
    """To each level that plain L-BFGS reaches, ours or SciPy's: at most 1.2 times its evaluations and three more."""
    objective = ill_conditioned(rng, loss=loss, output=output, **ILL_CONDITIONED[problem])
    preconditioned = Counted(objective)
    run_lbfgs(preconditioned)
    for run in peers:
        plain = Counted(objective)
        run(plain)
        start, end = objective.value(zeros(objective)), min(value for _, value in plain.trace)
        for level in levels:
            target = end + level * (start - end)
            assert preconditioned.evaluations(target) <= 3 + 1.2 * plain.evaluations(target), level
