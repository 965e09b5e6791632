"""The line search: its conditions on functions of every scale, and where there is no such step."""

import numpy as np
import pytest

from skxent.solvers import WolfeSearch


class Along:
    """A function of two weights, of the distance along one direction; it counts its evaluations."""

    eps = np.finfo(float).eps

    def __init__(self, function, derivative):
        self.function, self.derivative, self.n_calls = function, derivative, 0

    def __call__(self, w):
        self.n_calls += 1
        return self.function(w[0]), np.array([self.derivative(w[0]), 0.0])


# Least at 3, of several shapes.
SHAPES = {
    "square": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "fourth power": (lambda t: (t - 3) ** 4, lambda t: 4 * (t - 3) ** 3),
    "hyperbolic": (lambda t: np.logaddexp(t - 3, 3 - t), lambda t: np.tanh(t - 3)),
    "waves": (lambda t: (t - 3) ** 2 + np.cos(3 * t), lambda t: 2 * (t - 3) - 3 * np.sin(3 * t)),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("length", [1e-6, 1e-2, 1.0, 1e2, 1e6])
@pytest.mark.parametrize("search", [WolfeSearch(), WolfeSearch(curvature=0.1), WolfeSearch(sufficient_decrease=0.3)])
def test_conditions(shape, length, search):
    """However long the direction is, both conditions hold, after few evaluations."""
    objective = Along(*SHAPES[shape])
    w, direction = np.zeros(2), np.array([length, 0.0])
    value, gradient = objective(w)
    slope = gradient @ direction
    there, new_value, new_gradient = search(objective, w, value, direction, slope)
    step = (there[0] - w[0]) / length
    assert new_value <= value + search.sufficient_decrease * step * slope
    assert new_gradient @ direction >= search.curvature * slope
    assert objective(there)[0] == new_value
    assert objective.n_calls < 30


@pytest.mark.parametrize("max_trials", [1, 7])
def test_no_step(max_trials):
    """Upwards, whatever the gradient says, there is none."""
    objective = Along(lambda t: t, lambda t: -1.0)
    assert WolfeSearch(max_trials=max_trials)(objective, np.zeros(2), 0.0, np.array([1.0, 0.0]), -1.0) is None
    assert objective.n_calls == max_trials


def test_a_value_lost_in_rounding():
    """Where the value cannot fall by more than its rounding error, the slope decides."""
    large = 1e16
    objective = Along(lambda t: large + (t - 0.75) ** 2, lambda t: 2 * (t - 0.75))
    there, value, gradient = WolfeSearch()(objective, np.zeros(2), large, np.array([1.0, 0.0]), -1.5)
    assert value == large
    assert abs(gradient[0]) < 1.5
    assert there[0] == 1
