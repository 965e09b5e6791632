"""Information measures: of arrays of probabilities, of distributions, from columns, from samples.

- Arrays of probabilities and ``scipy.stats`` distributions go through the same functions.
- Columns of categories, and samples of unknown continuous distributions, have functions of their own.

Results are in nats unless ``base`` says otherwise.
"""

from skxent.information._columns import conditional_entropy_from_columns, mutual_information_from_columns
from skxent.information._measures import (
    conditional_entropy,
    cross_entropy,
    entropy,
    jensen_shannon,
    kl_divergence,
    mutual_information,
    perplexity,
)
from skxent.information._samples import (
    conditional_entropy_from_samples,
    cross_entropy_from_samples,
    entropy_from_samples,
    kl_divergence_from_samples,
    mutual_information_from_samples,
)

__all__ = [
    "conditional_entropy",
    "conditional_entropy_from_columns",
    "conditional_entropy_from_samples",
    "cross_entropy",
    "cross_entropy_from_samples",
    "entropy",
    "entropy_from_samples",
    "jensen_shannon",
    "kl_divergence",
    "kl_divergence_from_samples",
    "mutual_information",
    "mutual_information_from_columns",
    "mutual_information_from_samples",
    "perplexity",
]
