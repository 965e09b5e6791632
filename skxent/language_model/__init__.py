"""Unigram language models: counting, smoothing, the estimator and ARPA files.

Names load on first use, so that the command line does not import scikit-learn.
"""

import importlib
from typing import Any

_HOME = {
    "CorpusCounts": "corpus",
    "CorpusError": "corpus",
    "count_files": "corpus",
    "count_text": "corpus",
    "Evaluation": "model",
    "FittedUnigram": "model",
    "fit_unigram": "model",
    "Smoothing": "smoothing",
    "UnigramLanguageModel": "unigram",
    "read_arpa": "arpa",
    "write_arpa": "arpa",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
