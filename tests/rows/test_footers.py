"""What Parquet files say about one row group is what PyArrow finds in the whole file."""

import datetime
import sys

import numpy as np
import polars as pl
import pytest

from skxent.rows import Parquet
from skxent.rows._footers import Footer

pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")
pq = pytest.importorskip("pyarrow.parquet")

N_ROWS = 200
RNG = np.random.default_rng(0)
TABLE = pa.table(
    {
        "single": RNG.normal(size=N_ROWS).astype(np.float32),
        "double": RNG.normal(size=N_ROWS),
        "whole": pa.array([None if i % 7 == 0 else i for i in range(N_ROWS)]),
        "yes": RNG.random(N_ROWS) < 0.5,
        "word": [f"word {'ä' * (i % 90)}" for i in range(N_ROWS)],
        "kind": pa.array([f"kind {i % 3}" for i in range(N_ROWS)]).dictionary_encode(),
        "list": [[1.0] * (i % 4) for i in range(N_ROWS)],
        "day": [datetime.date(2020, 1, 1)] * N_ROWS,
        "record": [{"a": i, "b": [str(i)]} for i in range(N_ROWS)],
        "map": pa.array([[("key", i)] for i in range(N_ROWS)], pa.map_(pa.string(), pa.int64())),
        **{f"x{i}": RNG.normal(size=N_ROWS) for i in range(130)},
    }
)
OPTIONS = [
    {},
    {"row_group_size": 100},
    {"row_group_size": 1, "compression": "zstd"},
    {"row_group_size": 14},  # 15 groups, the first number that is written otherwise
    {"row_group_size": 50, "write_statistics": False, "use_dictionary": False, "compression": "none"},
    {"row_group_size": 50, "write_page_index": True, "write_page_checksum": True, "store_schema": False},
    {"row_group_size": 50, "version": "1.0", "sorting_columns": [pq.SortingColumn(2, descending=True)]},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_each_row_group_is_what_pyarrow_finds(options, tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(TABLE.replace_schema_metadata({"note": "x" * 300}), path, **options)
    expected, footer = pq.read_metadata(path), Footer(path)
    assert footer.n_groups == expected.num_row_groups
    assert footer.metadata().schema.equals(expected.schema)
    assert footer.metadata().metadata == expected.metadata
    for group in range(0, footer.n_groups, max(1, footer.n_groups // 20)):
        found = footer.metadata(group)
        assert found.num_row_groups == 1
        assert found.row_group(0).equals(expected.row_group(group))
        rows = pq.ParquetFile(path, metadata=found).read_row_group(0)
        assert rows.equals(pq.ParquetFile(path).read_row_group(group))


def test_files_of_polars_and_files_without_rows(tmp_path):
    frame = pl.DataFrame({"a": np.arange(30.0), "b": ["x"] * 30})
    for name, rows, size in (("many", frame, 1), ("one", frame, 100), ("none", frame[:0], 10)):
        path = tmp_path / f"{name}.parquet"
        rows.write_parquet(path, row_group_size=size)
        expected, footer = pq.read_metadata(path), Footer(path)
        assert footer.n_groups == expected.num_row_groups
        for group in range(footer.n_groups):
            assert footer.metadata(group).row_group(0).equals(expected.row_group(group))


def message_of(function):
    """Return what an error says, or nothing."""
    try:
        function()
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def test_damaged_files_are_named(tmp_path):
    """Whatever byte of the end is another one, there is an error with the file's name, or none."""
    path = tmp_path / "a.parquet"
    pq.write_table(TABLE.select(["double", "whole", "word"]), path, row_group_size=20)
    whole = path.read_bytes()
    start = Footer(path).start
    for at in RNG.integers(start, len(whole), 300):
        path.write_bytes(whole[:at] + bytes([RNG.integers(256)]) + whole[at + 1 :])
        message = message_of(lambda: Parquet(path, columns=["double"]))
        assert not message or str(path) in message
    for size in (0, 3, 8, 100, start, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert message_of(lambda: Parquet(path)).startswith(f"cannot read {path}: ")


def test_what_is_missing_is_pyarrow_and_no_file(tmp_path, monkeypatch):
    pl.DataFrame({"a": [1.0, 2.0]}).write_parquet(tmp_path / "a.parquet")
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="Parquet files need PyArrow: pip install"):
        Parquet(tmp_path / "a.parquet")
