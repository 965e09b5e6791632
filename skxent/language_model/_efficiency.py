r"""How evenly a tokenizer uses its vocabulary: entropy and Rényi efficiency of the frequencies of tokens.

The Rényi entropy of order α of the relative frequencies p, and its efficiency over a vocabulary V, are [1]_ [2]_

.. math:: H_\alpha(p) = \frac{1}{1-\alpha} \log_2 \sum_w p(w)^\alpha, \qquad
   \mathrm{eff}_\alpha(p) = \frac{H_\alpha(p)}{\log_2 |V|} .

Order 1 is Shannon's entropy. A higher order weighs the most frequent tokens more; 2.5 agreed best with the quality of
translation in [2]_.

References
----------
.. [1] Rényi, A. (1961). On measures of entropy and information. *Proceedings of the Fourth Berkeley Symposium* 1,
   547-561. https://projecteuclid.org/euclid.bsmsp/1200512181
.. [2] Zouhar, V., Meister, C., Gastaldi, J., Du, L., Sachan, M. & Cotterell, R. (2023). Tokenization and the noiseless
   channel. *ACL 2023*, 5184-5207. https://doi.org/10.18653/v1/2023.acl-long.284
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from skxent.language_model._corpus import CorpusCounts

__all__ = ["DEFAULT_ORDER", "efficiency_of_sums", "renyi_efficiency", "renyi_entropy"]

# The order that agrees best with the quality of translation in the article.
DEFAULT_ORDER = 2.5


def renyi_entropy(counts: CorpusCounts | ArrayLike, order: float = DEFAULT_ORDER, *, base: float = 2) -> float:
    """Return the Rényi entropy of the relative frequencies of tokens.

    Parameters
    ----------
    counts : CorpusCounts or array-like of shape (n_types,)
        How often each token occurs.
    order : float, default=2.5
        α, at least 0: 0 gives the logarithm of the number of types that occur, 1 Shannon's entropy, infinity minus the
        logarithm of the greatest frequency.
    base : float, default=2
        Base of the logarithm: 2 for bits.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there is no token, a count is negative, or the order is.

    Examples
    --------
    >>> from skxent.language_model import renyi_entropy
    >>> renyi_entropy([2, 1, 1], order=1), round(renyi_entropy([2, 1, 1], order=2), 6)
    (1.5, 1.415037)
    """
    values = np.asarray(counts.counts if isinstance(counts, CorpusCounts) else counts, dtype=np.float64).ravel()
    if not order >= 0:
        raise ValueError(f"order={order!r}: expected a number of at least 0")
    if not (values >= 0).all() or not values.any() or not np.isfinite(values).all():
        raise ValueError("expected counts that are not negative, and at least one token")
    p = values[values > 0] / values.sum()
    if order == 1:
        nats = -float(p @ np.log(p))
    elif math.isinf(order):
        nats = -math.log(p.max())
    else:
        nats = _nats_of_sums(order, p.max(), ((p / p.max()) ** order).sum())
    return nats / math.log(base) + 0.0


def _nats_of_sums(order: float, largest: float, powers: float) -> float:
    """Entropy from the greatest frequency and the sum of the powers of ratios to it, which do not underflow."""
    return (order * math.log(largest) + math.log(powers)) / (1 - order)


def efficiency_of_sums(order: float, largest: float, powers: float, n_types: int) -> float:
    """Efficiency over the types that occur, from the sums that :func:`_nats_of_sums` takes; NaN below two types."""
    return _nats_of_sums(order, largest, powers) / math.log(2) / math.log2(n_types) if n_types > 1 else math.nan


def renyi_efficiency(
    counts: CorpusCounts | ArrayLike, order: float = DEFAULT_ORDER, *, vocabulary_size: int | None = None
) -> float:
    """Return how evenly a tokenizer uses its vocabulary, between 0 and 1.

    Parameters
    ----------
    counts : CorpusCounts or array-like of shape (n_types,)
        How often each token occurs in a text, such as :func:`~skxent.language_model.count_text` returns.
    order : float, default=2.5
        α, see :func:`renyi_entropy`.
    vocabulary_size : int, optional
        How many tokens the tokenizer has; by default those that occur in the text.

    Returns
    -------
    float
        1 where all tokens of the vocabulary are equally frequent; NaN for a vocabulary of one token.

    Raises
    ------
    ValueError
        As :func:`renyi_entropy`, and if more types occur than the vocabulary has.

    References
    ----------
    Zouhar, V. et al. (2023). Tokenization and the noiseless channel. *ACL 2023*, 5184-5207.
    https://doi.org/10.18653/v1/2023.acl-long.284

    Examples
    --------
    >>> from skxent.language_model import count_text, renyi_efficiency
    >>> text = ["it's a tokenizer, isn't it? it is."]
    >>> for tokenizer in ("whitespace", "wordpunct"):
    ...     print(tokenizer, round(renyi_efficiency(count_text(text, tokenizer=tokenizer)), 4))
    whitespace 1.0
    wordpunct 0.8864
    """
    entropy = renyi_entropy(counts, order)
    values = np.asarray(counts.counts if isinstance(counts, CorpusCounts) else counts)
    n_types = int(np.count_nonzero(values))
    size = n_types if vocabulary_size is None else vocabulary_size
    if size < n_types:
        raise ValueError(f"vocabulary_size={size}, but {n_types} tokens occur")
    return entropy / math.log2(size) if size > 1 else math.nan
