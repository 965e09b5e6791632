"""Rows of data and how to sum over them: the only package that knows containers.

An objective asks :class:`Rows` for sums and never sees where the data lie. :class:`MemoryRows` holds a NumPy array or
a CSR matrix. Another place, such as a file or a cluster, is another subclass with the same three verbs: ``sum``,
``each`` and ``take``.
"""

from skxent.rows._memory import BlockSizes, MemoryRows
from skxent.rows._part import Part, logits_in_blocks, logits_of
from skxent.rows._rows import Rows
from skxent.rows._subsets import batches, reweighted, subset

__all__ = [
    "BlockSizes",
    "MemoryRows",
    "Part",
    "Rows",
    "batches",
    "logits_in_blocks",
    "logits_of",
    "reweighted",
    "subset",
]
