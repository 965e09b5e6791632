"""Wrong labels: which rows have them, and how often each class is taken for another.

- ``_transition``: the noise matrix, checked and estimated; :class:`skxent.losses.ForwardCorrection` uses it as well;
- ``_quality``: :func:`label_quality`, the probability that each label is right;
- ``_display``: :class:`LabelNoiseDisplay`, the picture of both.
"""

from typing import TYPE_CHECKING

from skxent._lazy import load_on_first_use

if TYPE_CHECKING:  # what editors and type checkers cannot see in _HOME
    from skxent.label_noise._display import LabelNoiseDisplay as LabelNoiseDisplay
    from skxent.label_noise._quality import LabelQuality as LabelQuality
    from skxent.label_noise._quality import label_quality as label_quality
    from skxent.label_noise._transition import estimate_transition as estimate_transition

# The losses need the matrix alone, not scikit-learn's model selection.
_HOME = {
    "LabelNoiseDisplay": "_display",
    "LabelQuality": "_quality",
    "estimate_transition": "_transition",
    "label_quality": "_quality",
}

__all__ = sorted(_HOME)
__getattr__ = load_on_first_use(__name__, _HOME)


def __dir__() -> list[str]:
    return __all__
