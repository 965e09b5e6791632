"""scikit-learn's callbacks, unmodified and of one's own, on both solvers."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skxent import SigmoidRegressor, SoftmaxRegressor, solvers

callback = pytest.importorskip("sklearn.callback", reason="this scikit-learn has no callbacks")

BOTH = [SoftmaxRegressor, SigmoidRegressor]
SOLVERS = list(solvers.SOLVERS)


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(autouse=True)
def no_convergence_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def make(estimator=SoftmaxRegressor, solver="lbfgs", **options):
    return estimator(**{"solver": solver, "max_iter": 6, "tol": 0, "random_state": 0, **options})


class Record:
    """Keeps each event, and asks to stop at one of the iterations."""

    def __init__(self, stop_after=None, fail_at=None):
        self.stop_after = stop_after
        self.fail_at = fail_at
        self.events = []
        self.models = []
        self.data = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, fitted_estimator=None):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.events.append(("end", context.task_name, context.task_id))
        if context.task_name == "iteration" and fitted_estimator is not None:
            self.models.append((fitted_estimator.coef_.copy(), fitted_estimator.intercept_.copy()))
            self.data.append((X, y, metadata))
            if len(self.models) == self.fail_at:
                raise KeyboardInterrupt
            return len(self.models) == self.stop_after
        return False


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("solver", SOLVERS)
def test_each_iteration_is_a_task(estimator, solver, iris):
    record = Record()
    model = make(estimator, solver).set_callbacks(record).fit(*iris)
    iterations = [(when, "iteration", k) for k in range(6) for when in ("begin", "end")]
    assert model.n_iter_ == 6
    assert record.events == ["setup", ("begin", "fit", 0), *iterations, ("end", "fit", 0), "teardown"]


@pytest.mark.parametrize("early_stopping", [False, True])
def test_every_task_that_begins_ends(early_stopping, iris):
    """Also the one of an iteration that did not take place, because there was nothing left to gain."""
    record = Record()
    model = make(tol=1e-3, max_iter=500, early_stopping=early_stopping).set_callbacks(record).fit(*iris)
    begun, ended = ([event[1:] for event in record.events if event[0] == when] for when in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    assert model.n_iter_ == len(record.models) < 500


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_estimator_that_a_callback_sees_has_come_as_far(estimator, solver, iris):
    record = Record()
    make(estimator, solver).set_callbacks(record).fit(*iris)
    for k, (coef, intercept) in enumerate(record.models, start=1):
        stopped = make(estimator, solver, max_iter=k).fit(*iris)
        np.testing.assert_array_equal(coef, stopped.coef_)
        np.testing.assert_array_equal(intercept, stopped.intercept_)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("stop_after", [1, 4])
def test_a_callback_stops_the_fit(solver, stop_after, iris):
    record = Record(stop_after)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(solver=solver).set_callbacks(record).fit(*iris)
    assert model.n_iter_ == len(model.loss_curve_) == len(record.models) == stop_after
    np.testing.assert_array_equal(model.coef_, record.models[-1][0])
    assert record.events[-2:] == [("end", "fit", 0), "teardown"]


def test_callbacks_change_no_bit(iris):
    for solver in SOLVERS:
        with_callback = make(solver=solver).set_callbacks(Record()).fit(*iris)
        without = make(solver=solver).fit(*iris)
        np.testing.assert_array_equal(with_callback.coef_, without.coef_)
        assert with_callback.loss_curve_ == without.loss_curve_


def test_callbacks_get_the_data_as_they_were_given(iris):
    X, y = pd.DataFrame(iris[0], columns=list("abcd")), np.array(["x", "y", "z"])[iris[1]]
    weight = np.arange(150.0)
    record = Record()
    make(class_weight="balanced").set_callbacks(record).fit(X, y, sample_weight=weight)
    for seen_X, seen_y, metadata in record.data:
        assert seen_X is X
        np.testing.assert_array_equal(seen_y, y)
        np.testing.assert_array_equal(metadata["sample_weight"], weight)
    without_weight = Record()
    make(class_weight="balanced").set_callbacks(without_weight).fit(X, y)
    assert {metadata for *_, metadata in without_weight.data} == {None}


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_interrupted_fit_leaves_the_earlier_one_and_tears_down(solver, iris):
    X, y = iris
    model = make(solver=solver).fit(X, y)
    before = {name: np.copy(value) for name, value in vars(model).items() if name.endswith("_")}
    record = Record(fail_at=2)
    model.set_callbacks(record)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:, :2], (y > 0).astype(int))
    assert record.events.count("teardown") == 1
    after = {name: value for name, value in vars(model).items() if name.endswith("_")}
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)
    assert model.set_callbacks().predict(X).shape == (150,)


# ------------------------------------------------------------------------------- scikit-learn's own callbacks


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("solver", SOLVERS)
def test_scoring_monitor_scores_each_iteration(estimator, solver, iris):
    X, y = iris
    monitor = callback.ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    make(estimator, solver).set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs().data_as_pandas
    log = log[log["task_name"] == "iteration"]
    assert log["task_id"].tolist() == list(range(6))
    for k, row in enumerate(log.itertuples(), start=1):
        stopped = make(estimator, solver, max_iter=k).fit(X, y)
        assert row.accuracy == accuracy_score(y, stopped.predict(X))
        assert row.neg_log_loss == pytest.approx(-log_loss(y, stopped.predict_proba(X)))


def test_scoring_monitor_weighs_and_knows_feature_names(iris):
    X, y = pd.DataFrame(iris[0], columns=list("abcd")), iris[1]
    weight = np.random.default_rng(0).random(150)
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = make().set_callbacks(monitor).fit(X, y, sample_weight=weight)
    scores = monitor.get_logs().data_as_pandas["accuracy"]
    assert scores.iloc[-1] == pytest.approx(model.score(X, y, weight))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_scoring_monitor_inside_a_grid_search(n_jobs, iris):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    grid = {"loss": ["cross_entropy", "quadratic"], "solver": SOLVERS}
    search = GridSearchCV(make().set_callbacks(monitor), grid, cv=2, n_jobs=n_jobs, refit=False)
    with warnings.catch_warnings():
        # Raised in the workers by the six iterations, which are too few.
        warnings.simplefilter("ignore")
        search.fit(*iris)
    log = pd.concat([run.data_as_pandas for run in monitor.get_logs(select="all")])
    assert (log["task_name"] == "iteration").sum() == 2 * len(SOLVERS) * 2 * 6
    assert log["accuracy"].dropna().between(0, 1).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_progress_bar(solver, iris, capsys):
    make(solver=solver).set_callbacks(callback.ProgressBar()).fit(*iris)
    shown = capsys.readouterr().out
    assert re.search(r"SoftmaxRegressor - fit.* 100%", shown)


def test_progress_bar_inside_a_grid_search(iris, capsys):
    search = GridSearchCV(make_pipeline(StandardScaler(), make()), {"softmaxregressor__alpha": [1e-3, 1]}, cv=2)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(*iris)
    assert re.search(r"GridSearchCV - fit.* 100%", capsys.readouterr().out)


def test_what_is_no_callback_is_refused(iris):
    with pytest.raises(TypeError, match="FitCallback protocol"):
        make().set_callbacks(print)
