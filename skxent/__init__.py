"""Cross-entropy for scikit-learn.

Public names load on first use, so that ``import skxent`` costs next to nothing and the command line
never pays for what it does not need.
"""

from skxent._lazy import load_on_first_use

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
__getattr__ = load_on_first_use(__name__, _HOME)


def __dir__() -> list[str]:
    return __all__
