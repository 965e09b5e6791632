"""Unigram language models: counting, smoothing, the estimators, data selection and ARPA files.

Names load on first use, so that the command line does not import scikit-learn.
"""

from typing import TYPE_CHECKING

from skxent._lazy import load_on_first_use

if TYPE_CHECKING:  # what editors and type checkers cannot see in _HOME
    from skxent.language_model._arpa import read_arpa as read_arpa
    from skxent.language_model._arpa import write_arpa as write_arpa
    from skxent.language_model._classifier import UnigramClassifier as UnigramClassifier
    from skxent.language_model._comparison import comparable as comparable
    from skxent.language_model._comparison import compare as compare
    from skxent.language_model._corpus import CorpusCounts as CorpusCounts
    from skxent.language_model._corpus import count_files as count_files
    from skxent.language_model._corpus import count_text as count_text
    from skxent.language_model._efficiency import renyi_efficiency as renyi_efficiency
    from skxent.language_model._efficiency import renyi_entropy as renyi_entropy
    from skxent.language_model._errors import CorpusError as CorpusError
    from skxent.language_model._estimator import UnigramLanguageModel as UnigramLanguageModel
    from skxent.language_model._keyness import Keyness as Keyness
    from skxent.language_model._keyness import keyness as keyness
    from skxent.language_model._model import Evaluation as Evaluation
    from skxent.language_model._model import FittedUnigram as FittedUnigram
    from skxent.language_model._model import WordScores as WordScores
    from skxent.language_model._model import fit_unigram as fit_unigram
    from skxent.language_model._reader import expand_paths as expand_paths
    from skxent.language_model._score import Score as Score
    from skxent.language_model._selection import Selection as Selection
    from skxent.language_model._selection import log_ratio as log_ratio
    from skxent.language_model._selection import select_texts as select_texts
    from skxent.language_model._smoothing import SMOOTHINGS as SMOOTHINGS
    from skxent.language_model._smoothing import AbsoluteDiscounting as AbsoluteDiscounting
    from skxent.language_model._smoothing import CountsOfCounts as CountsOfCounts
    from skxent.language_model._smoothing import CountwiseSmoothing as CountwiseSmoothing
    from skxent.language_model._smoothing import Dirichlet as Dirichlet
    from skxent.language_model._smoothing import GoodTuring as GoodTuring
    from skxent.language_model._smoothing import JelinekMercer as JelinekMercer
    from skxent.language_model._smoothing import KneserNey as KneserNey
    from skxent.language_model._smoothing import Laplace as Laplace
    from skxent.language_model._smoothing import Lidstone as Lidstone
    from skxent.language_model._smoothing import MaximumLikelihood as MaximumLikelihood
    from skxent.language_model._smoothing import Smoothing as Smoothing
    from skxent.language_model._smoothing import SmoothingWarning as SmoothingWarning
    from skxent.language_model._smoothing import Split as Split
    from skxent.language_model._smoothing import WittenBell as WittenBell
    from skxent.language_model._tokenizers import TOKENIZERS as TOKENIZERS

_HOME = {
    "SMOOTHINGS": "_smoothing",
    "TOKENIZERS": "_tokenizers",
    "AbsoluteDiscounting": "_smoothing",
    "CorpusCounts": "_corpus",
    "CorpusError": "_errors",
    "CountsOfCounts": "_smoothing",
    "CountwiseSmoothing": "_smoothing",
    "Dirichlet": "_smoothing",
    "Evaluation": "_model",
    "FittedUnigram": "_model",
    "GoodTuring": "_smoothing",
    "JelinekMercer": "_smoothing",
    "Keyness": "_keyness",
    "KneserNey": "_smoothing",
    "Laplace": "_smoothing",
    "Lidstone": "_smoothing",
    "MaximumLikelihood": "_smoothing",
    "Score": "_score",
    "Selection": "_selection",
    "Smoothing": "_smoothing",
    "SmoothingWarning": "_smoothing",
    "Split": "_smoothing",
    "UnigramClassifier": "_classifier",
    "UnigramLanguageModel": "_estimator",
    "WittenBell": "_smoothing",
    "WordScores": "_model",
    "comparable": "_comparison",
    "compare": "_comparison",
    "count_files": "_corpus",
    "count_text": "_corpus",
    "expand_paths": "_reader",
    "fit_unigram": "_model",
    "keyness": "_keyness",
    "log_ratio": "_selection",
    "read_arpa": "_arpa",
    "renyi_efficiency": "_efficiency",
    "renyi_entropy": "_efficiency",
    "select_texts": "_selection",
    "write_arpa": "_arpa",
}

__all__ = sorted(_HOME)
__getattr__ = load_on_first_use(__name__, _HOME)


def __dir__() -> list[str]:
    return __all__
