"""Predictions written to a Parquet file block by block, so that neither data nor predictions need to fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from skxent._files import atomic_write
from skxent._typing import Array
from skxent.rows._footers import import_parquet
from skxent.rows._given import opened

__all__ = ["write_predictions"]


def write_predictions(model: Any, X: Any, path: Any, *, method: str = "predict_proba") -> None:
    """Write the predictions of a model to a Parquet file, a row group for each block of the data.

    The file is written beside its place and renamed at the end: after an error there is none, or the old one. At most
    two blocks and their predictions are in memory.

    Parameters
    ----------
    model : SoftmaxRegressor, SigmoidRegressor or another one with that method
        A fitted model.
    X : source, lazy frame, array on disk, Dask collection or array
        Features: whatever the model predicts. Partitions of Dask are brought here one after the other; to have the
        workers write files of their own, use the ``to_parquet`` of Dask.
    path : path
        The file.
    method : str, default="predict_proba"
        Method of the model: ``"predict"``, ``"predict_proba"``, ``"predict_log_proba"`` or ``"decision_function"``.

    Raises
    ------
    ImportError
        If PyArrow is not installed.
    AttributeError
        If the model has no such method.

    Notes
    -----
    The columns are called as the classes are, or as the method if it returns one value a row. Rows have the order of
    `X`.

    Examples
    --------
    >>> import numpy as np, polars as pl, tempfile
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.rows import Blocks, write_predictions
    >>> rows = Blocks(lambda i: np.random.default_rng(i).normal(size=(100, 2)), [100] * 3)
    >>> y = np.where(np.concatenate([rows.load(i)[:, 0] for i in range(3)]) > 0, "yes", "no")
    >>> model = SoftmaxRegressor().fit(rows, y)
    >>> with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
    ...     write_predictions(model, rows, file.name)
    ...     frame = pl.read_parquet(file.name)
    >>> frame.columns, frame.height
    (['no', 'yes'], 300)
    """
    parquet = import_parquet()
    blocks = _blocks(getattr(model, method), X)
    first = next(blocks)
    names = [method] if first.ndim == 1 else [str(name) for name in model.classes_]
    schema = _table(first, names).schema
    with atomic_write(path) as place, parquet.ParquetWriter(place, schema) as writer:
        writer.write_table(_table(first, names))
        for block in blocks:
            writer.write_table(_table(block, names).cast(schema))


def _blocks(predict: Any, X: Any) -> Iterator[Array]:
    source = opened(X)
    predicted = predict(X if source is None or hasattr(X, "__dask_graph__") else source)
    if isinstance(predicted, np.ndarray):
        yield predicted
    elif hasattr(predicted, "to_delayed"):
        yield from (part.compute() for part in predicted.to_delayed().ravel())
    else:
        yield from predicted


def _table(block: Array, names: list[str]) -> Any:
    import pyarrow

    columns = [block] if block.ndim == 1 else np.asfortranarray(block).T
    return pyarrow.table([pyarrow.array(column) for column in columns], names=names)
