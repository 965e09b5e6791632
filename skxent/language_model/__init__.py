"""Unigram language models: counting, smoothing, the estimator and ARPA files.

Names load on first use, so that the command line does not import scikit-learn.
"""

from typing import TYPE_CHECKING

from skxent._lazy import load_on_first_use

if TYPE_CHECKING:  # what editors and type checkers cannot see in _HOME
    from skxent.language_model.arpa import read_arpa as read_arpa
    from skxent.language_model.arpa import write_arpa as write_arpa
    from skxent.language_model.corpus import CorpusCounts as CorpusCounts
    from skxent.language_model.corpus import CorpusError as CorpusError
    from skxent.language_model.corpus import count_files as count_files
    from skxent.language_model.corpus import count_text as count_text
    from skxent.language_model.model import Evaluation as Evaluation
    from skxent.language_model.model import FittedUnigram as FittedUnigram
    from skxent.language_model.model import fit_unigram as fit_unigram
    from skxent.language_model.smoothing import Smoothing as Smoothing
    from skxent.language_model.unigram import UnigramLanguageModel as UnigramLanguageModel

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
