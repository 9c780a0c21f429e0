"""Parquet values as exact text."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spine.core.errors import SourceError
from tests.support.sources import read_file, write


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (2**63 - 1, pa.int64(), "9223372036854775807"),
        (Decimal("12345678901234567890.12"), pa.decimal128(22, 2), "12345678901234567890.12"),
        (Decimal("0.000000010"), pa.decimal128(10, 9), "0.000000010"),
        (0.1, pa.float64(), "0.1"),
        (True, pa.bool_(), "true"),
        (None, pa.string(), ""),
        (None, pa.null(), ""),
        ("é|x", pa.large_string(), "é|x"),
        ("x", pa.dictionary(pa.int32(), pa.string()), "x"),
        (b"x", pa.binary(), "x"),
        (dt.date(2025, 12, 15), pa.date32(), "2025-12-15"),
        (dt.time(9, 30), pa.time32("ms"), "09:30:00.000"),
        (dt.datetime(2025, 12, 15, 9, 30, tzinfo=dt.UTC), pa.timestamp("ms", "UTC"), "2025-12-15T09:30:00.000Z"),
        ([1, 2], pa.list_(pa.int64()), "[1,2]"),
        ({"a": "é"}, pa.struct([("a", pa.string())]), '{"a":"é"}'),
    ],
)
def test_a_value_is_written_out_exactly(tmp_path: Path, value: Any, kind: pa.DataType, text: str) -> None:
    pq.write_table(pa.table({"v": pa.array([value], kind)}), tmp_path / "x.parquet")
    assert read_file(tmp_path / "x.parquet").rows == {1: (text,)}


def test_a_nul_character_costs_its_row(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": ["x", "\0", "z"], "b": ["1", "2", "3"]}), tmp_path / "x.pq")
    read = read_file(tmp_path / "x.pq")
    assert (read.rows, read.reasons) == ({1: ("x", "1"), 3: ("z", "3")}, {2: "NUL_BYTE"})


def test_no_rows_are_no_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), tmp_path / "x.pq")
    read = read_file(tmp_path / "x.pq")
    assert (read.columns, read.rows) == (("a",), {})


def test_rows_are_numbered_across_batches(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": range(150_000)}), tmp_path / "x.parquet")
    read = read_file(tmp_path / "x.parquet")
    assert all(row == (str(number - 1),) for number, row in read.rows.items())
    assert len(read.rows) == 150_000


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a|b\n1|2\n", b"PAR1" + b"x" * 100 + b"PAR1"])
def test_what_is_not_parquet_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match=r"'x\.parquet' is not readable as Parquet"):
        read_file(write(tmp_path / "x.parquet", content))


def test_damage_inside_the_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [f"row {n}" for n in range(5000)]}), path, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[2000:2100] = b"\xff" * 100
    with pytest.raises(SourceError, match="not readable as Parquet"):
        read_file(write(path, bytes(content)))


def test_columns_of_one_name_are_an_error(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(SourceError, match="both named 'a'"):
        read_file(tmp_path / "x.parquet")


def test_gzipped_parquet_too_large_for_memory_goes_through_a_temporary_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": range(2_000_000)}), tmp_path / "x.parquet", compression="none", use_dictionary=False)
    path = tmp_path / "x.parquet.gz"
    path.write_bytes(gzip.compress((tmp_path / "x.parquet").read_bytes(), 1))
    assert (tmp_path / "x.parquet").stat().st_size > 8 * 1024 * 1024
    read = read_file(path)
    assert len(read.rows) == 2_000_000
    assert read.bytes_read == path.stat().st_size
