"""Cross-entropy for scikit-learn.

Public names load on first use, so that ``import skxent`` costs next to nothing and the command line
never pays for what it does not need.
"""

from typing import TYPE_CHECKING

from skxent._lazy import load_on_first_use

if TYPE_CHECKING:  # what editors and type checkers cannot see in _HOME
    from skxent.feature_selection import CrossEntropySelector as CrossEntropySelector
    from skxent.feature_selection import cross_entropy_classif as cross_entropy_classif
    from skxent.information import cross_entropy as cross_entropy
    from skxent.information import entropy as entropy
    from skxent.information import jensen_shannon as jensen_shannon
    from skxent.information import kl_divergence as kl_divergence
    from skxent.information import perplexity as perplexity
    from skxent.language_model import UnigramClassifier as UnigramClassifier
    from skxent.language_model import UnigramLanguageModel as UnigramLanguageModel
    from skxent.language_model import select_texts as select_texts
    from skxent.linear_model import SigmoidRegressor as SigmoidRegressor
    from skxent.linear_model import SigmoidRegressorCV as SigmoidRegressorCV
    from skxent.linear_model import SoftmaxRegressor as SoftmaxRegressor
    from skxent.linear_model import SoftmaxRegressorCV as SoftmaxRegressorCV

__version__ = "0.1.0"

_HOME = {
    "SoftmaxRegressor": "linear_model",
    "SigmoidRegressor": "linear_model",
    "SoftmaxRegressorCV": "linear_model",
    "SigmoidRegressorCV": "linear_model",
    "UnigramClassifier": "language_model",
    "UnigramLanguageModel": "language_model",
    "select_texts": "language_model",
    "CrossEntropySelector": "feature_selection",
    "cross_entropy_classif": "feature_selection",
    "cross_entropy": "information",
    "entropy": "information",
    "jensen_shannon": "information",
    "kl_divergence": "information",
    "perplexity": "information",
}

__all__ = sorted(["__version__", *_HOME])
_MODULES = [
    "feature_selection",
    "information",
    "inspection",
    "label_noise",
    "language_model",
    "linear_model",
    "losses",
    "rows",
    "solvers",
    "testing",
]
__getattr__ = load_on_first_use(__name__, _HOME, _MODULES)


def __dir__() -> list[str]:
    return __all__
