"""Unigram language models: counting, smoothing, the estimator and ARPA files.

Names load on first use, so that the command line does not import scikit-learn.
"""

from skxent._lazy import load_on_first_use

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
__getattr__ = load_on_first_use(__name__, _HOME)


def __dir__() -> list[str]:
    return __all__
