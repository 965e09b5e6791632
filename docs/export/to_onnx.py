"""The predictions of a model, computed by ONNX Runtime."""

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_digits

from skxent import SoftmaxRegressor

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
model = SoftmaxRegressor("quadratic", alpha=1e-3).fit(X, y)

onnx = to_onnx(model.to_logistic_regression(), X[:1], options={"zipmap": False})
session = onnxruntime.InferenceSession(onnx.SerializeToString(), providers=["CPUExecutionProvider"])
labels, probabilities = session.run(None, {"X": X})

assert (labels == model.predict(X)).all()
assert np.abs(probabilities - model.predict_proba(X)).max() < 1e-6
