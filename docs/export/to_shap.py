"""Which pixels speak for which digit in an image: Shapley values of the logits."""

import numpy as np
import shap
from sklearn.datasets import load_digits

from skxent import SoftmaxRegressor

X, y = load_digits(return_X_y=True)
X = X / 16
model = SoftmaxRegressor("quadratic", alpha=1e-3).fit(X, y)

explainer = shap.LinearExplainer(model.to_logistic_regression(), X)
values = explainer.shap_values(X[:5])  # one for each image, pixel and digit

assert values.shape == (5, 64, 10)
logits = explainer.expected_value + values.sum(axis=1)
assert np.allclose(logits, model.decision_function(X[:5]))
