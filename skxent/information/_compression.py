"""Many normal kernels of one width as a few: a kernel density of 100,000 points in the time of one of a thousand.

The centres are put into boxes as wide as a kernel, and those of a box are replaced by the nodes of the Gauss
quadrature of their weights: eight positive weights that give the same as all of them for every polynomial of degree 15.
Seen from a distance of z widths, a kernel is such a polynomial of the place of its centre in the box, up to a part
:math:`(z / 4)^{16} / 16!` of itself. That is 1e-13 at z = 4, and further away the kernels of nearer boxes are far
larger. Beyond the outermost centres and in wide gaps there is no nearer box: so the centres up to two widths from these
stay as they are.
"""

from __future__ import annotations

import numpy as np

from skxent._typing import Array, Floats, Integers

__all__ = ["compressed"]

# Nodes of a box.
NODES = 8
# How wide a gap is beside which centres are kept, and how far from it, in widths of a kernel.
WIDE_GAP, KEPT = 8.0, 2.0


def compressed(centres: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return fewer centres and their weights.

    Parameters
    ----------
    centres : ndarray of shape (n,)
        Ascending, in units of the width of a kernel.
    weights : ndarray of shape (n,)
        Their weights, above 0.

    Returns
    -------
    centres : ndarray of shape (m,)
        At most as many, ascending.
    weights : ndarray of shape (m,)
        Their weights, with the same sum.
    """
    centres, which = np.unique(centres, return_inverse=True)
    weights = np.bincount(which, weights).astype(np.float64, copy=False)
    box = np.cumsum(np.diff(np.floor(centres), prepend=np.nan) != 0) - 1
    many = (np.bincount(box) > 2 * NODES)[box] & ~_beside_gaps(centres)
    if not many.any():
        return centres, weights
    of_box = np.unique(box[many], return_inverse=True)[1]
    middle = np.floor(centres[many]) + 0.5
    nodes, parts = _gauss(centres[many] - middle, weights[many], of_box)
    nodes += middle[np.searchsorted(of_box, np.arange(len(nodes)))][:, None]
    found = np.concatenate([centres[~many], nodes.ravel()]), np.concatenate([weights[~many], parts.ravel()])
    order = np.argsort(found[0], kind="stable")
    return found[0][order], found[1][order]


def _beside_gaps(centres: Floats) -> Array:
    """Tell which centres lie close to the outermost ones or to a wide gap."""
    gap = np.flatnonzero(np.diff(centres) > WIDE_GAP)
    first, last = centres[np.append(0, gap + 1)], centres[np.append(gap, len(centres) - 1)]
    group = np.searchsorted(first, centres, side="right") - 1
    return np.asarray((centres - first[group] < KEPT) | (last[group] - centres < KEPT))


def _gauss(x: Floats, weights: Floats, box: Integers) -> tuple[Floats, Floats]:
    """Return nodes and weights of the Gauss quadrature of each box, of shape (n_boxes, NODES).

    The polynomials that are orthogonal in a box follow from each other (Stieltjes), and the nodes are the eigenvalues
    of the matrix of their recurrence (G. H. Golub and J. H. Welsch, "Calculation of Gauss quadrature rules",
    Mathematics of Computation 23, 1969, doi:10.1090/S0025-5718-69-99647-1).
    """
    mass = np.bincount(box, weights)
    matrix = np.zeros((len(mass), NODES, NODES))
    before, here, size = np.zeros_like(x), 1 / np.sqrt(mass)[box], np.zeros(len(mass))
    for at in range(NODES):
        centre = np.bincount(box, weights * x * here**2)
        matrix[:, at, at] = centre
        after = (x - centre[box]) * here - size[box] * before
        size = np.sqrt(np.bincount(box, weights * after**2))
        before, here = here, after / size[box]
        if at + 1 < NODES:
            matrix[:, at, at + 1] = matrix[:, at + 1, at] = size
    nodes, vectors = np.linalg.eigh(matrix)
    return nodes, mass[:, None] * vectors[:, 0] ** 2
