"""Information measures: of arrays of probabilities, of distributions, from samples.

- Arrays of probabilities and ``scipy.stats`` distributions go through the same functions.
- Estimates from samples of unknown distributions have functions of their own.

Results are in nats unless ``base`` says otherwise.
"""

from skxent.information._measures import cross_entropy, entropy, jensen_shannon, kl_divergence, perplexity
from skxent.information._samples import (
    cross_entropy_from_samples,
    entropy_from_samples,
    kl_divergence_from_samples,
)

__all__ = [
    "cross_entropy",
    "cross_entropy_from_samples",
    "entropy",
    "entropy_from_samples",
    "jensen_shannon",
    "kl_divergence",
    "kl_divergence_from_samples",
    "perplexity",
]
