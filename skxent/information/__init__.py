"""Information measures: of arrays of probabilities, of distributions, from samples.

- `arrays`: the measures themselves, for probabilities in arrays; NumPy is all they import.
- `distributions`: the same measures for ``scipy.stats`` distributions, called through the same names.
- `samples`: estimates from samples, when the distribution is unknown.

Everything is in nats unless ``base`` says otherwise.
"""

from skxent.information.arrays import cross_entropy, entropy, jensen_shannon, kl_divergence, perplexity

__all__ = ["cross_entropy", "entropy", "jensen_shannon", "kl_divergence", "perplexity"]
