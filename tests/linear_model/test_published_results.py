"""Published figures, reproduced on the real data by the code of the examples."""

import gzip
import hashlib
import importlib
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from skxent import SoftmaxRegressor

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def imported(name):
    if "sklearn.callback" in (EXAMPLES / f"{name}.py").read_text(encoding="utf-8"):
        pytest.importorskip("sklearn.callback", reason="the example needs scikit-learn 1.9, for callbacks")
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def example():
    """Import an example by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        yield imported


@pytest.fixture(scope="module")
def curves(example, mnist):
    """Test accuracy after each pass, by the name of the loss, at the published settings."""
    main_job = example("plot_mnist_losses")
    return {run.name: (run, accuracy_per_pass(main_job, run, mnist)) for run in main_job.RUNS}


def accuracy_per_pass(main_job, run, mnist):
    X_train, y_train, X_test, y_test = mnist
    left_out = main_job.LEFT_OUT
    return main_job.accuracy_per_pass(run, X_train[left_out:], y_train[left_out:], X_test, y_test)


def test_mnist_is_the_original(mnist):
    """Written as the IDX files that MNIST was published in, the arrays have the checksums of those files."""
    X_train, y_train, X_test, y_test = mnist
    assert X_train.dtype == X_test.dtype == np.float32

    def md5(values, *shape):
        header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        return hashlib.md5(header + np.rint(values).astype(np.uint8).tobytes()).hexdigest()

    assert md5(255 * X_train, 60_000, 28, 28) == "6bbc9ace898e44ae57da46a324031adb"
    assert md5(y_train, 60_000) == "a25bea736e30d166cdddb491f175f624"
    assert md5(255 * X_test, 10_000, 28, 28) == "2646ac647ad5339dbf082846283269ea"
    assert md5(y_test, 10_000) == "27ae3e4e09519cfbb04c329615203637"


def test_a_failed_parse_does_not_eat_the_data(example, monkeypatch, tmp_path):
    """scikit-learn deletes a cache file that it cannot read; it must be a copy."""
    pytest.importorskip("sklearn", minversion="1.9", reason="older versions refuse the file by its checksum")
    module = example("_mnist")
    shutil.copytree(module.DATA_HOME, tmp_path, dirs_exist_ok=True)
    (arff,) = tmp_path.rglob("mnist_784.arff.gz")
    arff.write_bytes(gzip.compress(b"not an ARFF file"))
    monkeypatch.setattr(module, "DATA_HOME", tmp_path)

    def no_network(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", no_network)
    with pytest.warns(RuntimeWarning, match="Invalid cache"), pytest.raises(OSError, match="no network"):
        module.load_mnist()
    assert arff.exists()


@pytest.mark.parametrize("name", ["quadratic", "double softmax"])
def test_each_pass_is_as_published(curves, name):
    run, ours = curves[name]
    np.testing.assert_allclose(ours, run.published, rtol=0, atol=0.005)


def test_passes_needed_are_as_published(example, curves):
    first_pass = example("plot_mnist_losses").first_pass_at_goal
    assert {name: first_pass(ours) for name, (_, ours) in curves.items()} == {
        "quadratic": 7,
        "double softmax": 2,
        "cross-entropy": 0,
    }


def test_true_cross_entropy_beats_what_was_published_for_it(curves):
    _, ours = curves["cross-entropy"]
    double_softmax, _ = curves["double softmax"]
    assert ours[0] == pytest.approx(0.909, abs=0.004)
    assert ours[-1] == pytest.approx(0.924, abs=0.004)
    assert np.all(np.array(ours[:15]) > double_softmax.published[:15])


def test_quadratic_loss_with_longer_steps_catches_up(example, mnist, curves):
    run, _ = curves["quadratic"]
    ours = accuracy_per_pass(example("plot_mnist_losses"), run._replace(learning_rate=1.0), mnist)
    assert ours[0] > 0.9
    assert ours[-1] == pytest.approx(0.930, abs=0.002)
    assert ours[-1] > curves["cross-entropy"][1][-1]


def test_double_softmax_keeps_the_promises_of_a_loss(example):
    testing = pytest.importorskip("skxent.testing")
    testing.check_loss(example("plot_mnist_losses").DoubleSoftmax())


def test_double_softmax_cannot_fall_below_its_floor(example):
    y = np.eye(10)
    value, _ = example("plot_mnist_losses").DoubleSoftmax().pointwise(y, y, np.log(y.clip(1e-300)))
    np.testing.assert_allclose(value, np.log(1 + 9 / np.e), rtol=1e-12)


@pytest.mark.parametrize(
    ("alpha", "objective", "accuracy"), [(1 / 60_000, 0.2321170, 0.9256), (1 / 600, 0.36417888, 0.9187)]
)
def test_optimum_on_all_of_mnist(mnist, alpha, objective, accuracy):
    X_train, y_train, X_test, y_test = mnist
    model = SoftmaxRegressor(alpha=alpha, tol=1e-6).fit(X_train, y_train)
    assert model.loss_curve_[-1] == pytest.approx(objective, rel=1e-4)
    assert model.score(X_test, y_test) == pytest.approx(accuracy, abs=3e-4)


@pytest.mark.parametrize(
    ("cost", "start", "halfway", "end"),
    [(0, 0, 0.1527, 0.0940), (0, 1, 0.9334, 0.2028), (1, 0, 0.0241, 0.0116), (1, 1, 0.0257, 0.0120)],
)
def test_single_neuron(example, cost, start, halfway, end):
    saturation = example("plot_neuron_saturation")
    outputs, _ = saturation.learn(saturation.COSTS[cost], saturation.STARTS[start])
    np.testing.assert_allclose(outputs[[150, 300]], [halfway, end], rtol=0, atol=5e-5)


@pytest.mark.parametrize("cost", [0, 1])
def test_single_neuron_is_plain_gradient_descent(example, cost):
    """The same path, written out by hand from the textbook's own equations."""
    saturation = example("plot_neuron_saturation")
    outputs, costs = saturation.learn(saturation.COSTS[cost], saturation.STARTS[1], steps=20)
    w = b = 2.0
    for a, c in zip(outputs, costs, strict=True):
        expected = 1 / (1 + np.exp(-(w + b)))
        assert a == pytest.approx(expected, rel=1e-10)
        assert c == pytest.approx([expected**2 / 2, -np.log(1 - expected)][cost], rel=1e-10)
        slope = expected * [expected * (1 - expected), 1][cost]
        w, b = w - 0.15 * slope, b - 0.15 * slope


@pytest.mark.parametrize(("start", "ratio"), [(0, 6.7), (1, 56.6)])
def test_single_neuron_first_slopes(example, start, ratio):
    saturation = example("plot_neuron_saturation")
    weight, bias, *_ = saturation.STARTS[start]
    a = 1 / (1 + np.exp(-(weight + bias)))
    quadratic, cross_entropy = (saturation.cost_and_slope(cost, a)[1] for cost in saturation.COSTS)
    assert cross_entropy / quadratic == pytest.approx(1 / (a * (1 - a)), rel=1e-9)
    assert cross_entropy / quadratic == pytest.approx(ratio, abs=0.05)
