"""Information measures: of arrays of probabilities, of distributions, from samples.

- `arrays`: the measures and their public functions. NumPy is all they import.
- `distributions`: the same measures of ``scipy.stats`` distributions, reached through the same functions;
  with the formulas in `closed_forms` and the integrals and sums in `expectation`.
- `samples`: estimates from samples of unknown distributions.

Results are in nats unless ``base`` says otherwise.
"""

from skxent.information.arrays import cross_entropy, entropy, jensen_shannon, kl_divergence, perplexity
from skxent.information.samples import (
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
