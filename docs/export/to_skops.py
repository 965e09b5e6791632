"""A model in a file that runs no code when it is read."""

import skops.io
from sklearn.datasets import load_digits

from skxent import SoftmaxRegressor

X, y = load_digits(return_X_y=True)
model = SoftmaxRegressor("quadratic", alpha=1e-3).fit(X / 16, y)

skops.io.dump(model, "model.skops")
types = skops.io.get_untrusted_types(file="model.skops")
print(types)  # read the list: these classes of skxent will be made
again = skops.io.load("model.skops", trusted=types)

assert all(name.startswith("skxent.") for name in types)
assert (again.predict_proba(X / 16) == model.predict_proba(X / 16)).all()
