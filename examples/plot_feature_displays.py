"""Pictures of feature selection: scores, the bins of a feature, and drift that is watched.

The data describe tumours by 30 numbers. The selector chooses a set of features of which each adds something to the
others, the encoder shows how evidence grows along the bins of one of them, and a monitor watches new patients whose
"worst texture" is measured a little too large from the hundredth row on: one column raises an alarm.

    python examples/plot_feature_displays.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from _pictures import save
from sklearn.datasets import load_breast_cancer

from skxent import CrossEntropySelector
from skxent.feature_selection import BinEncoder, BinningDisplay, FeatureScoresDisplay, ShiftDisplay, ShiftMonitor


def watch(X, column, shift, first):
    """Watch half of the rows come in, ten at a time; from row `first` on a column is larger."""
    order = np.random.default_rng(0).permutation(len(X))
    reference, new = X.iloc[order[: len(X) // 2]], X.iloc[order[len(X) // 2 :]].copy()
    new.iloc[first:, new.columns.get_loc(column)] += shift
    monitor = ShiftMonitor().fit(reference)
    for start in range(0, len(new), 10):
        monitor.partial_fit(new.iloc[start : start + 10])
    return monitor


def main():
    """Select, encode, watch; print the tables and draw the pictures."""
    X, y = load_breast_cancer(as_frame=True, return_X_y=True)
    selector = CrossEntropySelector(redundancy="discriminant", base=2).fit(X, y)
    print("Chosen, each for what it adds to those before:")
    for feature, gain in zip(X.columns[selector.order_], selector.gains_, strict=True):
        print(f"  {feature:<25} {gain:.3f} bits")
    encoder = BinEncoder().fit(X, y == 0)
    print(encoder.table("worst concave points").round(2).to_string(index=False), end="\n\n")
    monitor = watch(X, "worst texture", shift=0.7 * X["worst texture"].std(), first=100)
    print(monitor.table().nlargest(3, "e_value").to_string())

    plt.style.use("skxent.pictures")
    figure = plt.figure(figsize=(14, 11))
    left, right = figure.subfigures(1, 2)
    FeatureScoresDisplay.from_estimator(selector, ax=left.subplots())
    upper, lower = right.subplots(2, 1)
    BinningDisplay.from_estimator(encoder, "worst concave points", ax=upper)
    ShiftDisplay.from_estimator(monitor, max_columns=3, ax=lower)
    save(figure, sys.argv[1] if len(sys.argv) > 1 else "feature_displays.png")


if __name__ == "__main__":
    main()
