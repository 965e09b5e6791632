"""A loss of your own: the squared Hellinger distance, which is bounded."""

import numpy as np

from skxent.losses import Loss
from skxent.testing import check_loss


class Hellinger(Loss, name="hellinger"):
    r"""Squared Hellinger distance :math:`1 - \sum_k \sqrt{y_k p_k}`."""

    def pointwise(self, y, p, log_p):
        """Return the loss of each row and its derivative in log p."""
        affinity = np.sqrt(y * p)
        return 1 - affinity.sum(axis=1), -affinity / 2


check_loss(Hellinger())
