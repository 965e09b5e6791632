"""A neuron that is sure and wrong: one weight, one bias, one example.

A sigmoid neuron with output ``a = sigma(w x + b)`` shall learn to answer y = 0 to the input x = 1, in 300
steps of gradient descent with learning rate 0.15. It starts out wrong, with a = 0.82, or badly wrong, with
a = 0.98.

With the quadratic cost ``1/2 (a - y)^2`` the slope in b is ``(a - y) a (1 - a)``. The factor ``a (1 - a)``
is the slope of the sigmoid, almost zero where the neuron is saturated, so the worse start learns *slower*:
it hardly moves for 150 steps. People learn fastest when they are badly wrong, and we would like the neuron
to do the same.

Ask for a cost whose slope in b is just the error ``a - y``. As the slope in b is ``dC/da * a (1 - a)``, it
must have ``dC/da = (a - y) / (a (1 - a))``, and integrating over a gives ``C = -[y ln a + (1 - y) ln(1 -
a)]``: cross-entropy.

The experiment and its figures for the quadratic cost are those of M. Nielsen, "Neural Networks and Deep
Learning", 2015, chapter 3, http://neuralnetworksanddeeplearning.com/chap3.html.

Run it: ``python plot_neuron_saturation.py [picture.png]``
"""

import argparse
import sys
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from _pictures import save
from scipy.special import expit
from sklearn.callback import ProgressBar, ScoringMonitor

from skxent import SigmoidRegressor
from skxent.losses import resolve_loss

STEPS = 300
LEARNING_RATE = 0.15


class Cost(NamedTuple):
    """A cost as the experiment has it, and how to get it from skxent.

    A sigmoid unit is a distribution over two outcomes there, so its quadratic loss counts the error twice:
    ``(a - y)^2``. Half of that is the experiment's cost, and half the learning rate takes the same steps.
    """

    name: str
    loss: str
    factor: float
    colour: str


class Start(NamedTuple):
    """Where the neuron starts, and the output that was published for the end of the quadratic run."""

    weight: float
    bias: float
    published: float
    line: str


COSTS = (
    Cost("quadratic", "quadratic", 0.5, "C0"),
    Cost("cross-entropy", "cross_entropy", 1.0, "C2"),
)
STARTS = (Start(0.6, 0.9, 0.09, "--"), Start(2.0, 2.0, 0.20, "-"))


def learn(cost, start, steps=STEPS):
    """Train the neuron; return its output and its cost before the first step and after each.

    A classifier wants to see two classes, so the neuron gets a second example, of no weight at all.
    """
    X, y, weight = [[1.0], [1.0]], [0, 1], [1.0, 0.0]
    monitor = ScoringMonitor(scoring=lambda neuron, X, y, sample_weight: {"output": neuron.predict_proba(X)[0, 1]})
    neuron = SigmoidRegressor(
        cost.loss,
        solver="sgd",
        alpha=0,
        batch_size=2,
        learning_rate=LEARNING_RATE * cost.factor,
        max_iter=steps,
        tol=0,
    )
    on_terminal = [ProgressBar()] if sys.stdout.isatty() else []
    neuron.set_callbacks(monitor, *on_terminal).fit(
        X, y, sample_weight=weight, coef_init=[[start.weight]], intercept_init=[start.bias]
    )
    outputs = [entry["output"] for entry in monitor.get_logs().data if entry["task_name"] == "iteration"]
    outputs = np.array([expit(start.weight + start.bias), *outputs])
    return outputs, cost_and_slope(cost, outputs)[0]


def cost_and_slope(cost, a):
    """Return the cost of output `a` and its slope in the bias, where 0 is wanted.

    A loss gives its slopes in ``ln a`` and ``ln(1 - a)``; in the bias these change by ``1 - a`` and ``-a``.
    """
    p = np.stack([np.ravel(a), 1 - np.ravel(a)], axis=1)
    y = np.broadcast_to([0.0, 1.0], p.shape)
    value, slopes = resolve_loss(cost.loss).pointwise(y, p, np.log(p))
    slope = slopes[:, 0] * p[:, 1] - slopes[:, 1] * p[:, 0]
    return cost.factor * value.squeeze(), cost.factor * slope.squeeze()


def table(paths):
    """Return the outputs on the way, the published ones beside ours."""
    rows = {}
    for (cost, start), (outputs, _) in paths.items():
        rows[f"{outputs[0]:.2f}", cost.name] = {
            "slope at start": f"{cost_and_slope(cost, outputs[0])[1]:.4f}",
            **{f"after {step}": f"{outputs[step]:.4f}" for step in (50, STEPS // 2, STEPS)},
            "published": f"{start.published:.2f}" if cost is COSTS[0] else "",
            "deviation": f"{outputs[-1] - start.published:+.4f}" if cost is COSTS[0] else "",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["start", "cost"])


def draw(paths, picture):
    """Draw outputs and costs against the steps, and slopes against the error."""
    plt.style.use("skxent.pictures")
    figure, (output_axes, cost_axes, slope_axes) = plt.subplots(1, 3, figsize=(14, 4.6))
    for (cost, start), (outputs, costs) in paths.items():
        output_axes.plot(outputs, start.line, color=cost.colour)
        cost_axes.plot(costs, start.line, color=cost.colour)
        slope_axes.plot(outputs[0], cost_and_slope(cost, outputs[0])[1], "o", color=cost.colour, ms=8)
    for cost in COSTS:
        a = np.linspace(0.001, 0.999, 500)
        slope_axes.plot(a, cost_and_slope(cost, a)[1], color=cost.colour)
    labels = (
        (output_axes, 195, 0.93, COSTS[0], "quadratic,\nfrom 0.98"),
        (output_axes, 72, 0.40, COSTS[0], "quadratic,\nfrom 0.82"),
        (output_axes, 130, -0.06, COSTS[1], "cross-entropy"),
        (cost_axes, 180, 0.55, COSTS[0], "quadratic"),
        (cost_axes, 30, 1.6, COSTS[1], "cross-entropy"),
        (slope_axes, 0.25, 0.22, COSTS[0], "quadratic: $(a - y)\\,a\\,(1 - a)$"),
        (slope_axes, 0.18, 0.65, COSTS[1], "cross-entropy:\n$a - y$"),
    )
    for axes, x, y, cost, text in labels:
        axes.text(x, y, text, color=cost.colour, va="center")
    output_axes.set_ylim(bottom=-0.12)
    output_axes.set_title("Output, where 0 is wanted")
    cost_axes.set_title("Cost (dashed: from 0.82)")
    slope_axes.set_title("Slope of the cost (dots: starts)")
    for axes in (output_axes, cost_axes):
        axes.set_xlabel("step")
    slope_axes.set_xlabel("output a, which is the error, as y = 0")
    output_axes.set_ylabel("output a")
    cost_axes.set_ylabel("cost C")
    slope_axes.set_ylabel("∂C/∂b, in size")
    save(figure, picture)


def main():
    """Train the neuron from each start with each cost, print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", default="neuron_saturation.png", help="where to save the picture")
    picture = parser.parse_args().picture

    paths = {(cost, start): learn(cost, start) for start in STARTS for cost in COSTS}
    print(f"Output of a neuron that shall answer 0, learning rate {LEARNING_RATE}\n")
    print(table(paths).to_string(), end="\n\n")
    for start in STARTS:
        a = paths[COSTS[0], start][0][0]
        quadratic, cross_entropy = (cost_and_slope(cost, a)[1] for cost in COSTS)
        print(f"At {a:.2f} cross-entropy is {cross_entropy / quadratic:4.1f} times as steep, 1 / (a (1 - a)).")
    draw(paths, picture)


if __name__ == "__main__":
    main()
