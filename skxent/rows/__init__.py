"""Rows of data and how to sum over them: the only package that knows containers.

What users hand over
--------------------
A ``fit`` takes arrays, CSR matrices and frames in memory. Of data that do not fit in memory it takes memory maps, Zarr
arrays and lazy frames as they are, and the sources of this package: :class:`Blocks` for a function that loads blocks,
:class:`Parquet`, :class:`ArrayFiles`, :class:`ArrayBlocks` and :class:`FrameBlocks`.

What an objective sees
----------------------
An objective asks :class:`Rows` for sums and never sees where the data lie. :class:`MemoryRows` holds a NumPy array or a
CSR matrix, :class:`DiskRows` reads the blocks of a source. Another place is another subclass with the same three verbs:
``sum``, ``each`` and ``take``.
"""

from typing import TYPE_CHECKING

from skxent._lazy import load_on_first_use
from skxent.rows._disk import DiskRows
from skxent.rows._given import label_counts, on_parts, opened, rows_of
from skxent.rows._memory import BlockSizes, MemoryRows
from skxent.rows._part import Part, logits_in_blocks, logits_of
from skxent.rows._rows import Rows
from skxent.rows._source import Blocks, Source, refuse_lazy
from skxent.rows._subsets import batches, reweighted, subset, with_features

if TYPE_CHECKING:  # they load Polars
    from skxent.rows._predictions import write_predictions
    from skxent.rows._readers import ArrayBlocks, ArrayFiles, FrameBlocks, Parquet

__all__ = [
    "ArrayBlocks",
    "ArrayFiles",
    "BlockSizes",
    "Blocks",
    "DiskRows",
    "FrameBlocks",
    "MemoryRows",
    "Parquet",
    "Part",
    "Rows",
    "Source",
    "batches",
    "label_counts",
    "logits_in_blocks",
    "logits_of",
    "on_parts",
    "opened",
    "refuse_lazy",
    "reweighted",
    "rows_of",
    "subset",
    "with_features",
    "write_predictions",
]

__getattr__ = load_on_first_use(
    __name__,
    dict.fromkeys(["ArrayBlocks", "ArrayFiles", "FrameBlocks", "Parquet"], "_readers")
    | {"write_predictions": "_predictions"},
)
