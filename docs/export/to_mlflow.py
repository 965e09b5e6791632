"""A model in the format of MLflow; ``log_model`` takes the same arguments within a run."""

import mlflow.sklearn
from sklearn.datasets import load_digits

from skxent import SoftmaxRegressor

X, y = load_digits(return_X_y=True)
model = SoftmaxRegressor("quadratic", alpha=1e-3).fit(X / 16, y)

types = ["skxent.linear_model._estimators.SoftmaxRegressor", "skxent.losses.Quadratic"]
mlflow.sklearn.save_model(model, "model", skops_trusted_types=types)
again = mlflow.sklearn.load_model("model")

assert (again.predict_proba(X / 16) == model.predict_proba(X / 16)).all()
