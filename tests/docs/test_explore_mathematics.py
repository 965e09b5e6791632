"""The mathematics of the explorable page gives what skxent gives, on the same data from the same start."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from skxent import (
    SigmoidRegressor,
    SoftmaxRegressor,
    UnigramLanguageModel,
    cross_entropy,
    cross_entropy_classif,
    entropy,
    kl_divergence,
)
from skxent.losses import CrossEntropy, Quadratic

EXACT = {"rtol": 1e-9, "atol": 1e-9}
SMOOTHINGS = [
    ("mle", None),
    ("lidstone", 0.5),
    ("lidstone", 0.07),
    ("jelinek_mercer", 0.5),
    ("jelinek_mercer", 0.93),
    ("witten_bell", None),
    ("absolute_discounting", 0.5),
    ("absolute_discounting", 0.81),
]
LOSSES = ["quadratic", "cross_entropy", "double_softmax"]


@pytest.fixture(scope="module")
def loss_of(module):
    losses = {
        "quadratic": Quadratic(),
        "cross_entropy": CrossEntropy(),
        "double_softmax": module("plot_mnist_losses").DoubleSoftmax(),
    }
    return losses.__getitem__


@pytest.fixture(scope="module")
def found(node):
    """Return the figures of the texts, as the page computes them."""
    return node("return results(m, data, images)")


# ---------------------------------------------------------------------------------------------- measures


def test_measures(node):
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(5), (2, 40))
    p[0], q[0] = [0.5, 0.3, 0, 0.2, 0], [0.1, 0.2, 0, 0.3, 0.4]
    p[1] = np.eye(5)[3]
    q[2] = [0.25, 0, 0.25, 0.25, 0.25]
    ours = node(
        "return input.map(([p, q]) => [m.entropy(p, 2), m.crossEntropy(p, q, 2), m.divergence(p, q, 2), "
        "m.crossEntropy(p, q)])",
        np.stack([p, q], axis=1).tolist(),
    )
    theirs = [entropy(p, base=2), cross_entropy(p, q, base=2), kl_divergence(p, q, base=2), cross_entropy(p, q)]
    assert_allclose(ours, np.transpose(theirs), **EXACT)
    assert np.isinf(ours[2][1])


def test_dragging_keeps_a_distribution(node):
    cases = [([0.5, 0.25, 0.25], 0, 0.8), ([0.5, 0.25, 0.25], 1, 0.0), ([1.0, 0.0, 0.0], 0, 0.4), ([0.2, 0.8], 1, 1.0)]
    moved = node("return input.map(([p, i, value]) => m.withProbability(p, i, value))", cases)
    for (p, i, value), after in zip(cases, moved, strict=True):
        assert sum(after) == pytest.approx(1)
        assert after[i] == value
        others = np.delete(p, i)
        shares = others / others.sum() if others.any() else np.full(len(others), 1 / len(others))
        assert_allclose(np.delete(after, i), (1 - value) * shares, atol=1e-12)


# ---------------------------------------------------------------------------------------------- losses and outputs


@pytest.mark.parametrize("name", LOSSES)
def test_loss_behind_a_softmax(node, loss_of, name):
    """The gradient is read off one step of the estimator: with input 0 the intercept moves by −∂L/∂z."""
    rng = np.random.default_rng(1)
    z = np.concatenate([rng.normal(0, 3, (12, 4)), [[30.0, -30, 0, 0], [-700.0, 700, 0, 0]]])
    y = np.eye(4)[rng.integers(0, 4, len(z))]
    ours = node("return input.map(([y, z]) => m.throughSoftmax('" + name + "', y, z))", np.stack([y, z], 1).tolist())
    for target, scores, got in zip(y, z, ours, strict=True):
        model = SoftmaxRegressor(
            loss_of(name), solver="sgd", alpha=0, batch_size=1, learning_rate=1.0, max_iter=1, tol=0, shuffle=False
        )
        log_p = scores - np.logaddexp.reduce(scores)
        p = np.exp(log_p)
        assert_allclose(got["p"], p, **EXACT)
        value, _ = loss_of(name).pointwise(target[None], p[None], log_p[None])
        assert_allclose(got["value"], value[0], **EXACT)
        # Intercepts are known up to a constant, and the estimator keeps their sum at 0.
        scores = scores - scores.mean()
        model.fit([[0.0]], target[None], intercept_init=scores)
        assert_allclose(got["gradient"], scores - model.intercept_, rtol=1e-9, atol=1e-9 * max(1, abs(scores).max()))


def test_two_classes_are_the_sigmoid(node):
    z = np.random.default_rng(2).normal(0, 5, (20, 2))
    softmax, sigmoid = np.transpose(
        node("return input.map(([a, b]) => [m.softmax([a, b])[0], m.sigmoid(a - b)])", z.tolist())
    )
    assert_allclose(softmax, sigmoid, **EXACT)
    assert_allclose(softmax, expit(z[:, 0] - z[:, 1]), **EXACT)


# ---------------------------------------------------------------------------------------------- one neuron


@pytest.mark.parametrize("rate", [0.005, 0.15, 1.0])
@pytest.mark.parametrize("cost", [0, 1])
@pytest.mark.parametrize("start", [0, 1])
def test_neuron_path(node, module, monkeypatch, cost, start, rate):
    example = module("plot_neuron_saturation")
    monkeypatch.setattr(example, "LEARNING_RATE", rate)
    cost, start = example.COSTS[cost], example.STARTS[start]
    outputs, costs = example.learn(cost, start)
    given = [cost.name.replace("-", "_"), {"w": start.weight, "b": start.bias}, rate, example.STEPS]
    path = node("return m.neuronPath(...input)", given)
    assert_allclose([state["a"] for state in path], outputs, **EXACT)
    assert_allclose([state["cost"] for state in path], costs, **EXACT)
    slopes = [example.cost_and_slope(cost, a)[1] for a in outputs]
    assert_allclose([state["gradient"] for state in path], slopes, **EXACT)
    assert_allclose([state["slope"] for state in path], outputs * (1 - outputs), **EXACT)


def test_linear_neuron_keeps_a_share_of_its_error(node):
    path = node("return m.linearPath({ w: 0.3, b: 0.9 }, 0.05, 40, 0.2)")
    assert_allclose([state["a"] - 0.2 for state in path], 1.0 * (1 - 2 * 0.05) ** np.arange(41), **EXACT)


def test_derivation(node):
    cases = [(a, y) for a in (0.01, 0.3, 0.82, 0.99) for y in (0, 1)]
    steps = node("return input.map(([a, y]) => m.derivation(a, y))", cases)
    for (a, y), step in zip(cases, steps, strict=True):
        width = 1e-6
        cost, above, below = (cross_entropy([1 - y, y], [1 - b, b]) for b in (a, a + width, a - width))
        assert_allclose(step["cost"], cost, **EXACT)
        assert step["quotient"] == pytest.approx((above - below) / (2 * width), rel=1e-6)
        assert step["fractions"] == pytest.approx(step["quotient"], rel=1e-9)
        assert step["product"] == pytest.approx(step["wanted"], rel=1e-9)
        assert step["ratio"] * step["slope"] == pytest.approx(1)


# ---------------------------------------------------------------------------------------------- logistic regression


@pytest.fixture(scope="module")
def ink(images):
    (levels, labels), _ = images
    chosen = labels < 2
    return 100 * levels[chosen].mean(axis=1, keepdims=True) / 7, labels[chosen]


def test_points_are_ink_and_digit(node, ink):
    points = np.array(node("return m.inkOfZerosAndOnes(images.train, data.images.levels)"))
    assert_allclose(points[:, :1], ink[0], **EXACT)
    assert_array_equal(points[:, 1], ink[1])


def test_best_line_is_the_estimators(node, ink):
    line, cost = node(
        "const points = m.inkOfZerosAndOnes(images.train, data.images.levels), line = m.fitLogistic(points);"
        "return [line, m.logisticCost(line, points)]"
    )
    model = SigmoidRegressor(alpha=0, tol=1e-15).fit(*ink)
    at_line = cross_entropy(np.eye(2)[ink[1]], model.predict_proba(ink[0])).mean()
    assert_allclose(cost["value"], at_line, **EXACT)
    assert_allclose([cost["w"], cost["b"]], 0, atol=1e-9)
    assert_allclose([line["w"], line["b"]], [model.coef_[0, 0], model.intercept_[0]], rtol=1e-5)


def test_cost_and_gradient_of_a_line(node, ink):
    X, y = ink
    for w, b in [(0.0, 0.0), (-0.4, 3.0), (0.9, -5.0)]:
        given = {"w": w, "b": b}
        cost = node("return m.logisticCost(input, m.inkOfZerosAndOnes(images.train, data.images.levels))", given)
        model = SigmoidRegressor(
            solver="sgd", alpha=0, batch_size=len(X), learning_rate=1.0, max_iter=1, tol=0, shuffle=False
        ).fit(X / 100, y, coef_init=[[100 * w]], intercept_init=[b])
        log_p = -np.logaddexp(0, -np.hstack([-(w * X + b), w * X + b]))
        assert_allclose(cost["value"], cross_entropy(np.eye(2)[y], log_q=log_p).mean(), **EXACT)
        assert_allclose(cost["b"], b - model.intercept_[0], **EXACT)
        assert_allclose(cost["w"] / 100, 100 * w - model.coef_[0, 0], **EXACT)


# ---------------------------------------------------------------------------------------------- features


@pytest.mark.parametrize("target", ["digit", "pixel"])
def test_feature_gains(node, images, target):
    (levels, labels), _ = images
    y = labels if target == "digit" else (levels[:, 100] > 0).astype(int)
    n_classes = 10 if target == "digit" else 2
    gains = node("return m.featureGains(images.train.rows, input.y, input.n, 8)", {"y": y.tolist(), "n": n_classes})
    scores, _ = cross_entropy_classif(levels, y, categorical_features=[True] * levels.shape[1])
    assert_allclose(gains, scores, **EXACT)


def test_gains_with_a_rare_and_an_absent_class(node):
    rng = np.random.default_rng(3)
    X, y = rng.integers(0, 4, (30, 3)), rng.integers(0, 2, 30)
    y[0] = 2
    gains = node("return m.featureGains(input.X, input.y, 5, 4)", {"X": X.tolist(), "y": y.tolist()})
    assert_allclose(gains, cross_entropy_classif(X, y, categorical_features=[True] * 3)[0], **EXACT)


# ---------------------------------------------------------------------------------------------- language models


@pytest.mark.parametrize(("smoothing", "parameter"), SMOOTHINGS)
@pytest.mark.parametrize("training", ["sea", "chinese"])
def test_language_model(node, data, smoothing, parameter, training):
    text = data["texts"][training]
    unit = "characters" if training == "chinese" else "words"
    scored = "风从东边吹来, 我们 把船送进港口" if training == "chinese" else "The boat and the kraken came home ."
    score = node(
        "const cut = m.tokenizers[input.unit];"
        "return m.scoreText(m.unigramModel(cut(input.text), input.smoothing, input.parameter), cut(input.scored))",
        {"unit": unit, "text": text, "smoothing": smoothing, "parameter": parameter, "scored": scored},
    )

    def characters(line):
        return [character for character in line if not character.isspace()]

    model = UnigramLanguageModel(
        smoothing=smoothing,
        smoothing_parameter=parameter,
        tokenizer="whitespace" if unit == "words" else characters,
        n_jobs=1,
    ).fit([text])
    tokens = scored.split() if unit == "words" else characters(scored)
    assert_allclose(score["bits"], -model.score_samples([[token] for token in tokens]), **EXACT)
    assert_allclose(score["crossEntropy"], model.cross_entropy([scored]), **EXACT)
    assert_allclose(score["perplexity"], model.perplexity([scored]), **EXACT)
    assert score["known"] == [token in set(model.vocabulary_) for token in tokens]
    assert 0 < sum(score["known"]) < len(tokens)


# ---------------------------------------------------------------------------------------------- softmax regression


def train(loss, rate, passes, images, labels, data):
    """Train as the page does; yield the estimator after each pass."""
    race = data["settings"]["race"]
    model = SoftmaxRegressor(loss, alpha=0, batch_size=race["batchSize"], learning_rate=rate, shuffle=False)
    for _ in range(passes):
        yield model.partial_fit(images[0][0] / 7, labels, classes=np.arange(10))


@pytest.mark.parametrize(("share", "passes"), [(0, 21), (0.3, 3)])
@pytest.mark.parametrize("name", LOSSES)
def test_race(node, data, images, loss_of, name, share, passes):
    """All weights after the last pass, and the accuracy after each."""
    rate = data["settings"]["race"]["rates"][name]
    ours = node(
        "const labels = m.withWrongLabels(images.train.labels, input.share, 10), accuracies = [];"
        "const model = new m.SoftmaxRegression(input.name, input.rate, settings.race.batchSize, 196, 10);"
        "for (let pass = 0; pass < input.passes; pass++) {"
        "  model.pass(images.train.greys, labels);"
        "  accuracies.push(model.accuracy(images.test.greys, images.test.labels));"
        "}"
        "return { labels, accuracies, weights: model.weights, bias: model.bias }",
        {"name": name, "rate": rate, "share": share, "passes": passes},
    )
    assert data["settings"]["race"]["passes"] == 21
    labels = np.array(ours["labels"])
    assert np.sum(labels != images[0][1]) == round(share * len(labels))
    X_test, y_test = images[1][0] / 7, images[1][1]
    accuracies = []
    for model in train(loss_of(name), rate, passes, images, labels, data):
        accuracies.append(model.score(X_test, y_test))
    assert_allclose(np.reshape(ours["weights"], (10, 196)), model.coef_, **EXACT)
    assert_allclose(ours["bias"], model.intercept_, **EXACT)
    assert_allclose(ours["accuracies"], accuracies, **EXACT)


def test_wrong_labels_only_grow(node, images):
    few, many = (np.array(node("return m.withWrongLabels(images.train.labels, input, 10)", s)) for s in (0.1, 0.4))
    right = images[0][1]
    assert np.all((few == right) | (few == many))
    assert np.bincount(many, minlength=10).min() > 0


# ---------------------------------------------------------------------------------------------- data and results


def test_data_are_those_of_the_repository(node, data, images, module, page):
    unpacked = node("return images")
    for name, (levels, labels) in zip(("train", "test"), images, strict=True):
        assert_array_equal(unpacked[name]["rows"], levels)
        assert_array_equal(unpacked[name]["labels"], labels)
        assert_allclose(unpacked[name]["greys"], levels.ravel() / 7, rtol=0, atol=1e-15)
    assert data["texts"] == module("make_data").texts()


def test_published_table_is_the_examples(data, module):
    example = module("plot_mnist_losses")
    for run in example.RUNS:
        stored = data["mnist"]["runs"][run.name.replace(" ", "_").replace("-", "_")]
        assert stored["published"] == list(run.published)
        assert stored["rate"] == run.learning_rate
        assert len(stored["ours"]) == example.PASSES
        assert data["settings"]["race"]["rates"][run.name.replace(" ", "_").replace("-", "_")] == run.learning_rate


def test_our_table_is_what_the_example_measures(data, mnist, module):
    """The first pass of each loss; tests of the examples hold the whole table to the published one."""
    example = module("plot_mnist_losses")
    X_train, y_train, X_test, y_test = mnist
    for run in example.RUNS:
        stored = data["mnist"]["runs"][run.name.replace(" ", "_").replace("-", "_")]["ours"][0]
        left_out = example.LEFT_OUT
        (ours,) = example.accuracy_per_pass(run, X_train[left_out:], y_train[left_out:], X_test, y_test, passes=1)
        assert stored == pytest.approx(ours, abs=0.002)


def test_figures_of_the_texts(found, data, images, ink, module):
    """Each figure that a text names, computed anew with skxent."""
    neuron = module("plot_neuron_saturation")

    def outputs(cost, start, rate=neuron.LEARNING_RATE):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(neuron, "LEARNING_RATE", rate)
            return neuron.learn(neuron.COSTS[cost], neuron.STARTS[start])[0]

    def ratio(start):
        a = outputs(0, start)[0]
        quadratic, cross = (neuron.cost_and_slope(cost, a)[1] for cost in neuron.COSTS)
        return cross / quadratic

    def perplexity(topic):
        model = UnigramLanguageModel(smoothing="witten_bell").fit([data["texts"][topic]])
        return model.perplexity([data["texts"]["test"]])

    (levels, labels), (_, test_labels) = images
    runs, race = data["mnist"]["runs"], data["settings"]["race"]
    gains, _ = cross_entropy_classif(levels, labels, base=2, categorical_features=[True] * levels.shape[1])
    logistic = SigmoidRegressor(alpha=0, tol=1e-15).fit(*ink)
    first = module("plot_mnist_losses").first_pass_at_goal
    expected = {
        "nat": entropy([0.5, 0.5], base=2) / entropy([0.5, 0.5]),
        "images.train": len(labels),
        "images.test": len(test_labels),
        "images.pixels": levels.shape[1],
        "feature.entropy": entropy(np.bincount(labels), base=2, normalize=True),
        "feature.best": gains.max(),
        "language.sea": perplexity("sea"),
        "language.kitchen": perplexity("kitchen"),
        "logistic.n": len(ink[1]),
        "logistic.best": cross_entropy(np.eye(2)[ink[1]], logistic.predict_proba(ink[0])).mean(),
        "logistic.nothing": entropy(np.bincount(ink[1]), normalize=True),
        "neuron.steps": neuron.STEPS,
        "neuron.half": neuron.STEPS // 2,
        "neuron.rate": neuron.LEARNING_RATE,
        "neuron.slow.rate": data["settings"]["neuron"]["slowRate"],
        "neuron.mild.start": outputs(0, 0)[0],
        "neuron.bad.start": outputs(0, 1)[0],
        "neuron.mild.quadratic": outputs(0, 0)[-1],
        "neuron.bad.quadratic": outputs(0, 1)[-1],
        "neuron.bad.halfway": outputs(0, 1)[neuron.STEPS // 2],
        "neuron.mild.cross": outputs(1, 0)[-1],
        "neuron.bad.cross": outputs(1, 1)[-1],
        "neuron.slow.mild": outputs(1, 0, 0.005)[-1],
        "neuron.slow.bad": outputs(1, 1, 0.005)[-1],
        "neuron.mild.ratio": ratio(0),
        "neuron.bad.ratio": ratio(1),
        "twice.floor4": cross_entropy(np.eye(4)[0], log_q=np.eye(4)[0] - np.log(np.e + 3)),
        "twice.floor10": cross_entropy(np.eye(10)[0], log_q=np.eye(10)[0] - np.log(np.e + 9)),
        "race.goal": module("plot_mnist_losses").GOAL,
        "race.batch": race["batchSize"],
        "race.rate.quadratic": 0.2 * 2 / 10,
        "race.rate.cross": 0.2,
        "mnist.train": 55_000,
        "mnist.batch": 100,
        "mnist.passes": module("plot_mnist_losses").PASSES,
    }
    for key, name, origin in [
        ("quadratic.published", "quadratic", "published"),
        ("quadratic.ours", "quadratic", "ours"),
        ("double.published", "double_softmax", "published"),
        ("double.ours", "double_softmax", "ours"),
        ("cross.ours", "cross_entropy", "ours"),
    ]:
        expected[f"mnist.{key}.first"] = first(runs[name][origin])
        expected[f"mnist.{key}.last"] = runs[name][origin][-1]
    assert set(found) == set(expected)
    assert_allclose([found[key] for key in expected], list(expected.values()), **EXACT)


@pytest.mark.parametrize(
    ("key", "published"),
    [
        ("neuron.mild.quadratic", 0.0940),
        ("neuron.bad.quadratic", 0.2028),
        ("neuron.bad.halfway", 0.9334),
        ("neuron.mild.cross", 0.0116),
        ("neuron.bad.cross", 0.0120),
        ("neuron.slow.mild", 0.4177),
        ("neuron.slow.bad", 0.7796),
        ("twice.floor10", 1.4612),
    ],
)
def test_figures_are_the_known_ones(found, key, published):
    assert found[key] == pytest.approx(published, abs=5e-5)
