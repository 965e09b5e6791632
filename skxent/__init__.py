"""Cross-entropy for scikit-learn.

Public names load on first use, so that ``import skxent`` costs next to nothing and the command line
never pays for what it does not need.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "SoftmaxRegressor": "linear_model",
    "SigmoidRegressor": "linear_model",
    "UnigramLanguageModel": "language_model",
    "CrossEntropySelector": "feature_selection",
    "cross_entropy_classif": "feature_selection",
    "cross_entropy": "information",
    "entropy": "information",
    "jensen_shannon": "information",
    "kl_divergence": "information",
    "perplexity": "information",
}

__all__ = sorted(["__version__", *_HOME])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
