"""Readers of what lies on a disk: arrays in pieces, files of arrays, Parquet files and lazy frames."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp

from skxent._typing import Array
from skxent.rows._footers import Footer, import_parquet
from skxent.rows._rows import SAMPLE_BYTES
from skxent.rows._source import Source

__all__ = ["ArrayBlocks", "ArrayFiles", "FrameBlocks", "Parquet", "file_of_map"]

# Bytes of a block of an array: reading it costs much more than to begin to, and three of them are little memory.
_BLOCK_BYTES = 4_000_000
# Bytes of columns of a row group that are read together: what PyArrow needs to read them is several times as much.
_PIECE_BYTES = 4_000_000
# Rows of a lazy frame that are collected at a time.
_FRAME_ROWS = 65_536


class _Unchanged:
    """Files that must stay as they are while a source is used."""

    def __init__(self, paths: Sequence[Any], by_time: bool = True) -> None:
        self.by_time = by_time
        self.states = {Path(path): self._state(path) for path in paths}

    def check(self, path: Any) -> None:
        """Raise an error that names a file if it is not as it was."""
        before, now = self.states[Path(path)], self._state(path)
        if now != before:
            what = f"has {now[0]} bytes, and had {before[0]}" if now[0] != before[0] else "was written to"
            raise OSError(f"{path} has changed while it was read: it {what}. Fit again when it no longer changes.")

    def _state(self, path: Any) -> tuple[int, int]:
        found = os.stat(path)
        return found.st_size, found.st_mtime_ns if self.by_time else 0


def file_of_map(X: Any) -> str | None:
    """Return the file of an array that is a memory map, or None."""
    return getattr(X, "filename", None) if isinstance(X, np.memmap) else None


class ArrayBlocks(Source):
    """Rows of an array outside memory: a memory map, or one of Zarr or HDF5.

    Parameters
    ----------
    array : array of shape (n_rows, n_features)
        Anything with ``shape``, ``dtype`` and slices of rows that are NumPy arrays. If it has ``chunks``, blocks are
        made of whole chunks, unless a chunk in all columns has more bytes than `memory`: then it is read in pieces,
        several times in each pass. A fit takes such an array as it is; this class is for another number of bytes in
        `memory`.
    memory : float, default=256e6
        Bytes of features that may be held in memory as a sample of the rows. Data of fewer bytes are read once and
        held.
    block_bytes : float, default=4e6
        Bytes of a block, in whole chunks.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.rows import ArrayBlocks
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> with tempfile.NamedTemporaryFile(suffix=".npy") as file:
    ...     np.save(file.name, X)
    ...     on_disk = ArrayBlocks(np.load(file.name, mmap_mode="r"), memory=10_000, block_bytes=4_000)
    ...     model = SoftmaxRegressor().fit(on_disk, X[:, 0] > 0)
    >>> len(on_disk.sizes), model.score(X, X[:, 0] > 0) > 0.9
    (7, True)
    """

    def __init__(self, array: Any, *, memory: float = SAMPLE_BYTES, block_bytes: float = _BLOCK_BYTES) -> None:
        self.array = array
        self.path = file_of_map(array)
        # A map that may be written to can reach the file at any time.
        self.files = None if self.path is None else _Unchanged([self.path], by_time=array.mode in ("r", "c"))
        if len(array.shape) != 2 or 0 in array.shape:
            raise ValueError(f"{self} has shape {tuple(array.shape)}; features have two dimensions, neither of them 0.")
        n_rows, n_features = array.shape
        row_bytes = n_features * array.dtype.itemsize
        chunk = _rows_of_chunk(getattr(array, "chunks", None))
        # Chunks that do not fit in memory are read in pieces, each time as a whole by the array.
        size = max(1, min(chunk * max(1, int(block_bytes / (chunk * row_bytes))), int(memory / row_bytes)))
        self.starts = np.arange(0, n_rows, size)
        super().__init__(np.diff([*self.starts, n_rows]).tolist(), memory)

    def __str__(self) -> str:
        """Name the array in an error."""
        return f"the array in {self.path or getattr(self.array, 'store', type(self.array).__name__)}"

    def read(self, index: int) -> tuple[Any, Any]:
        """Return a block; see :meth:`Source.read`."""
        if self.files is not None:
            self.files.check(self.path)
        start = self.starts[index]
        return np.array(self.array[start : start + self.sizes[index]]), None


def _rows_of_chunk(chunks: Any) -> int:
    """Return the number of rows of the largest chunk, given as in Zarr, HDF5 or Dask; 1 where it is not known."""
    first = np.max(chunks[0]) if isinstance(chunks, tuple | list) and chunks else 1
    return int(first) if np.isfinite(first) and first >= 1 else 1


class ArrayFiles(Source):
    """Rows in files of NumPy, one block each.

    Parameters
    ----------
    paths : path or sequence of path
        Files with the ending ``.npy``, each an array of features; or ``.npz``, each with the arrays ``X`` and, if the
        targets come with the features, ``y``; or a CSR matrix written by :func:`scipy.sparse.save_npz`. A pattern with
        ``*`` and a folder stand for their files, in the order of their names.
    targets : path or sequence of path, optional
        Files ``.npy`` with the targets, one for each of `paths`.
    memory : float, default=256e6
        Bytes of features that may be held in memory as a sample of the rows. Data of fewer bytes are read once and
        held.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.rows import ArrayFiles
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = [Path(folder, f"part_{i}.npz") for i in range(4)]
    ...     for path, part in zip(paths, np.split(X, 4)):
    ...         np.savez(path, X=part, y=part[:, 0] > 0)
    ...     model = SoftmaxRegressor().fit(ArrayFiles(paths))
    >>> model.score(X, X[:, 0] > 0) > 0.9
    True
    """

    def __init__(self, paths: Any, targets: Any = None, *, memory: float = SAMPLE_BYTES) -> None:
        self.paths = _matching(paths, "*.np[yz]")
        self.targets = None if targets is None else _matching(targets, "*.npy")
        if self.targets is not None and len(self.targets) != len(self.paths):
            raise ValueError(f"there are {len(self.paths)} files of features but {len(self.targets)} of targets.")
        self.files = _Unchanged([*self.paths, *(self.targets or [])])
        super().__init__([_n_rows(path) for path in self.paths], memory)

    def name_of_block(self, index: int) -> str:
        """Name a file in an error."""
        return str(self.paths[index])

    def read(self, index: int) -> tuple[Any, Any]:
        """Return a block; see :meth:`Source.read`."""
        path = self.paths[index]
        self.files.check(path)
        with _Named(path):
            X, y = _arrays(path)
        return X, y if self.targets is None else self._targets(self.targets[index])

    def _targets(self, path: Path) -> Any:
        self.files.check(path)
        with _Named(path):
            return _array(path)


class _Named:
    """A context whose errors of reading name a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, ImportError):  # which no file is to blame for
            raise OSError(f"cannot read {self.path}: {error}") from error


def _arrays(path: Path) -> tuple[Any, Any]:
    """Return the features in a file, and the targets or None."""
    if path.suffix == ".npy":
        return _array(path), None
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        if "indptr" in archive:
            return sp.load_npz(path).tocsr(), archive.get("y")
        if "X" not in archive:
            raise ValueError(f"it has no array named X; it has {', '.join(archive)}")
        return archive["X"], archive.get("y")


def _array(path: Path) -> Array:
    with open(path, "rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _n_rows(path: Path) -> int:
    """Return the number of rows in a file, from its header where that is possible."""
    if path.suffix not in (".npy", ".npz"):
        raise ValueError(f"{path} has neither the ending .npy nor .npz.")
    with _Named(path):
        if path.suffix == ".npz":
            return int(_arrays(path)[0].shape[0])
        with open(path, "rb") as file:
            header = {(1, 0): np.lib.format.read_array_header_1_0}
            read = header.get(np.lib.format.read_magic(file), np.lib.format.read_array_header_2_0)
            return int(read(file)[0][0])


class _Columns(Source):
    """What files and frames with named columns share: the target is one of them, the others are features.

    Parameters
    ----------
    known : sequence of str
        Names of all columns.
    target, weight : str or None
        Columns of the targets and of the weights.
    columns : sequence of str or None
        Columns of the features; None: all but the target and the weights.
    sizes : sequence of int
        Rows of each block.
    memory : float
        See :class:`Source`.
    """

    feature_names: list[str]

    def __init__(
        self,
        known: Sequence[str],
        target: str | None,
        weight: str | None,
        columns: Sequence[str] | None,
        sizes: Sequence[int],
        memory: float,
    ) -> None:
        self.target, self.weight, self.given_columns = target, weight, columns
        names: list[str] = [name for name in (known if columns is None else columns) if name not in (target, weight)]
        self.feature_names = names
        self.columns = list(dict.fromkeys([*names, *(name for name in (target, weight) if name is not None)]))
        if not names or len(set(names)) < len(names):
            raise ValueError(f"features are columns of different names, at least one; they are {names} of {self}.")
        self._require_columns(known, str(self))
        super().__init__(sizes, memory)

    def _require_columns(self, found: Any, where: str) -> None:
        for name in self.columns:
            if name not in found:
                raise ValueError(f"{where} has no column {name!r}; its columns: {', '.join(found)}.")

    def with_columns(self, target: str | None = None, weight: str | None = None) -> Any:
        """Return the same source with other columns as the targets or the weights."""
        raise NotImplementedError

    def _others(self, index: int, read: Callable[[list[str]], pl.DataFrame]) -> list[Any]:
        """Return the targets of a block, None if there are not any; and the weights, if there are."""
        roles = [("y", self.target), *([] if self.weight is None else [("sample_weight", self.weight)])]
        return [None if name is None else self._values(index, read([name])[name], role) for role, name in roles]

    def _numbers_in(self, index: int, frame: pl.DataFrame) -> Array:
        """Return columns of features as an array of float32 if all are of that type, otherwise of float64."""
        for name, dtype in frame.schema.items():
            if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
                first = frame[name].drop_nulls().head(1).to_list()
                raise ValueError(
                    f"could not convert string to float: {str(*first)!r} (column {name!r} of "
                    f"{self.name_of_block(index)} holds {dtype}; encode it or leave it out with columns=[...])"
                )
        single = all(dtype == pl.Float32 for dtype in frame.dtypes)
        return frame.cast(pl.Float32 if single else pl.Float64).to_numpy(order="c")

    def _values(self, index: int, column: pl.Series, role: str) -> Array:
        where = f"column {column.name!r} of {self.name_of_block(index)}"
        if column.null_count() or (column.dtype.is_float() and column.is_nan().any()):
            raise ValueError(f"Input {role} contains NaN: {where} has empty entries.")
        if role == "sample_weight" and not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            raise ValueError(f"sample_weight: {where} holds {column.dtype}; weights are numbers.")
        return np.array(column.to_list()) if column.dtype == pl.List else column.to_numpy()


class Parquet(_Columns):
    """Rows of Parquet files, one block for each row group.

    Parameters
    ----------
    paths : path or sequence of path
        Files that all have the columns needed, or a folder of files ``*.parquet``. In a path ``*`` stands for any
        characters.
    target : str, optional
        Column of the targets; ``fit(source, y="label")`` says it as well.
    columns : sequence of str, optional
        Columns of the features; by default all but the target and the weights.
    weight : str, optional
        Column of the weights; ``fit(..., sample_weight="weight")`` says it as well.
    memory : float, default=256e6
        Bytes of features that may be held in memory as a sample of the rows. Data of fewer bytes are read once and
        held.

    Notes
    -----
    A row group is in memory as a whole, with the next one, and PyArrow needs some memory to read it: together two and a
    half times its bytes. Write row groups of 10 to 50 MB (``frame.write_parquet(path, row_group_size=...)``). Needs
    PyArrow (``pip install skxent[dask]``).

    Examples
    --------
    >>> import numpy as np, polars as pl, tempfile
    >>> from skxent import SoftmaxRegressor
    >>> from skxent.rows import Parquet
    >>> X = np.random.default_rng(0).normal(size=(1000, 2))
    >>> frame = pl.DataFrame(X, schema=["size", "age"]).with_columns(label=pl.col("size") > 0)
    >>> with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
    ...     frame.write_parquet(file.name, row_group_size=200)
    ...     model = SoftmaxRegressor().fit(Parquet(file.name), y="label")
    >>> model.feature_names_in_.tolist(), model.predict(frame.select("size", "age").head(1)) == [X[0, 0] > 0]
    (['size', 'age'], array([ True]))
    """

    def __init__(
        self,
        paths: Any,
        target: str | None = None,
        columns: Sequence[str] | None = None,
        *,
        weight: str | None = None,
        memory: float = SAMPLE_BYTES,
    ) -> None:
        self.given = paths
        self.paths = _matching(paths, "*.parquet")
        self.files = _Unchanged(self.paths)
        self.groups: list[tuple[Path, int]] = []
        self._footers: dict[Path, Footer] = {}
        schemas: dict[Path, Any] = {}
        sizes: list[int] = []
        for path in self.paths:
            with _Named(path):
                footer = self._footers[path] = Footer(path)
                schemas[path] = footer.metadata().schema.to_arrow_schema()
                found = [footer.metadata(group).row_group(0).num_rows for group in range(footer.n_groups)]
            self.groups += [(path, group) for group, n_rows in enumerate(found) if n_rows]
            sizes += [n_rows for n_rows in found if n_rows]
        super().__init__(schemas[self.paths[0]].names, target, weight, columns, sizes, memory)
        for path, schema in schemas.items():
            self._require_columns(schema.names, str(path))
        self.dtypes = {
            path: _dtype([schema.field(name) for name in self.feature_names]) for path, schema in schemas.items()
        }

    def __str__(self) -> str:
        """Name the files in an error."""
        return str(self.paths[0]) if len(self.paths) == 1 else f"{self.paths[0]} and {len(self.paths) - 1} more files"

    def name_of_block(self, index: int) -> str:
        """Name a row group in an error."""
        path, group = self.groups[index]
        return f"{path}, row group {group}"

    def with_columns(self, target: str | None = None, weight: str | None = None) -> Parquet:
        """Return the same files with other columns as the targets or the weights."""
        options: dict[str, Any] = {"weight": self.weight if weight is None else weight, "memory": self.memory}
        target = self.target if target is None else target
        return Parquet(self.given, target, self.given_columns, **options)

    def read(self, index: int) -> tuple[Any, ...]:
        """Return a block; see :meth:`Source.read`."""
        path, n_rows = self.groups[index][0], self.sizes[index]
        X = np.empty((n_rows, len(self.feature_names)), self.dtypes[path])
        width = max(1, _PIECE_BYTES // (X.itemsize * n_rows))
        with self._opened(index) as read:
            for start in range(0, X.shape[1], width):
                names = self.feature_names[start : start + width]
                X[:, start : start + width] = self._numbers_in(index, read(names))
            return X, *self._others(index, read)

    @contextmanager
    def _opened(self, index: int) -> Iterator[Callable[[list[str]], pl.DataFrame]]:
        """Open the file of a block, and give a function that reads some of the block's columns."""
        path, group = self.groups[index]
        self.files.check(path)
        with _Named(path):
            metadata = self._footers[path].metadata(group)
            file = import_parquet().ParquetFile(path, metadata=metadata, pre_buffer=False)

        def read(columns: list[str]) -> pl.DataFrame:
            with _Named(path):
                frame = pl.from_arrow(file.read_row_group(0, columns=columns, use_threads=False))
            assert isinstance(frame, pl.DataFrame)
            return frame

        with file:
            yield read


class FrameBlocks(_Columns):
    """Rows of a Polars lazy frame, collected some at a time.

    Parameters
    ----------
    frame : polars.LazyFrame
        The frame; it must have the same rows in the same order whenever it is collected. A fit takes it as it is.
    target : str, optional
        Column of the targets; ``fit(frame, y="label")`` says it as well.
    columns : sequence of str, optional
        Columns of the features; by default all but the target and the weights.
    weight : str, optional
        Column of the weights; ``fit(..., sample_weight="weight")`` says it as well.
    memory : float, default=256e6
        Bytes of features that may be held in memory as a sample of the rows. Data of fewer bytes are read once and
        held.
    block_rows : int, default=65536
        Rows collected at a time.

    Notes
    -----
    Each pass collects the frame again, slice by slice. That is quick for a frame that only scans a file and selects
    columns; write the result of filters, joins and sorts to Parquet first.
    """

    def __init__(
        self,
        frame: pl.LazyFrame,
        target: str | None = None,
        columns: Sequence[str] | None = None,
        *,
        weight: str | None = None,
        memory: float = SAMPLE_BYTES,
        block_rows: int = _FRAME_ROWS,
    ) -> None:
        self.frame = frame
        self.block_rows = block_rows
        self.files = _Unchanged(_files_of_plan(frame))
        n_rows = int(frame.select(pl.len()).collect().item())
        self.starts = list(range(0, n_rows, block_rows))
        super().__init__(
            frame.collect_schema().names(), target, weight, columns, np.diff([*self.starts, n_rows]).tolist(), memory
        )

    def __str__(self) -> str:
        """Name the frame in an error."""
        return " ".join(["the lazy frame", *(f"of {path}" for path in self.files.states)])

    def with_columns(self, target: str | None = None, weight: str | None = None) -> FrameBlocks:
        """Return the same frame with other columns as the targets or the weights."""
        options: dict[str, Any] = {"weight": self.weight if weight is None else weight, "memory": self.memory}
        target = self.target if target is None else target
        return FrameBlocks(self.frame, target, self.given_columns, block_rows=self.block_rows, **options)

    def read(self, index: int) -> tuple[Any, ...]:
        """Return a block; see :meth:`Source.read`."""
        frame = self._collected(index, self.columns)
        return self._numbers_in(index, frame.select(self.feature_names)), *self._others(index, frame.select)

    def _collected(self, index: int, columns: list[str]) -> pl.DataFrame:
        for path in self.files.states:
            self.files.check(path)
        rows = self.frame.select(columns).slice(self.starts[index], self.sizes[index])
        try:
            return rows.collect(engine="streaming")
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise OSError(f"cannot read {self.name_of_block(index)}: {error}") from error


def _files_of_plan(frame: pl.LazyFrame) -> list[Path]:
    """Return the files on this machine that the plan of a frame names; it abbreviates many."""
    named = re.findall(r"SCAN \[(.*?)\]", frame.explain())
    paths = {Path(path) for names in named for path in names.split(", ")}
    return sorted(path for path in paths if path.is_file())


def _matching(paths: Any, in_folder: str) -> list[Path]:
    """Return the files that paths, patterns and folders stand for, of which one says what is taken; sorted in each."""
    found: list[Path] = []
    for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
        path = Path(path)
        path = path / in_folder if path.is_dir() else path
        matches = sorted(path.parent.glob(path.name)) if "*" in path.name else [path]
        if not matches:
            raise FileNotFoundError(f"no file matches {path}.")
        found += matches
    if not found:
        raise ValueError("there are no paths.")
    return found


def _dtype(fields: list[Any]) -> Any:
    """Return float32 if all columns of a file are of that type, otherwise float64."""
    return np.float32 if all(str(field.type) == "float" for field in fields) else np.float64
