"""The file and the statement of a load through an external table. No server has read them; here is what they say."""

from __future__ import annotations

import datetime as dt
import stat
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.core.errors import ConfigurationError
from spine.storage.db2_columns import Column
from spine.storage.db2_external import file_of, insert_statement, lines_of

COLUMNS = [
    Column("capture_no", "bigint", 20, 19, 0),
    Column("symbol", "text", 255, 255, 0),
    Column("total_shares", "decimal", 26, 24, 6),
    Column("source_last_update_date", "date", 10, 10, 0),
    Column("captured_at", "instant", 26, 26, 6),
]


def test_one_insert_reads_the_file() -> None:
    assert insert_statement("lines", COLUMNS, Path("/tmp/bob's/rows.dat")) == (
        "INSERT INTO lines (capture_no, symbol, total_shares, source_last_update_date, captured_at) "
        "SELECT capture_no, symbol, total_shares, source_last_update_date, captured_at "
        "FROM EXTERNAL '/tmp/bob''s/rows.dat' (capture_no BIGINT, symbol VARCHAR(255), total_shares DECIMAL(24, 6), "
        "source_last_update_date DATE, captured_at TIMESTAMP) USING (REMOTESOURCE 'YES' DELIMITER '|' ESCAPECHAR '\\' "
        "NULLVALUE 'NULL' CCSID 1208 CTRLCHARS TRUE DATESTYLE 'YMD' DATEDELIM '-' MAXERRORS 1 LOGDIR '/tmp/bob''s')"
    )


def test_names_are_plain() -> None:
    for table, column in (("lines; DROP", "symbol"), ("lines", "symbol, x")):
        with pytest.raises(ConfigurationError, match="is not a plain SQL identifier"):
            insert_statement(table, [Column(column, "text", 10, 0, 0)], Path("rows.dat"))


def test_values_are_written_as_db2_reads_them() -> None:
    batch = pa.RecordBatch.from_pylist(
        [
            {
                "n": 1,
                "s": "ü",
                "d": Decimal("-1.5"),
                "day": dt.date(2026, 1, 2),
                "at": dt.datetime(2026, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001 - the driver takes no zone
            },
            {"n": None, "s": None, "d": None, "day": None, "at": None},
        ],
        schema=pa.schema(
            {"n": pa.int64(), "s": pa.string(), "d": pa.decimal128(38, 6), "day": pa.date32(), "at": pa.timestamp("us")}
        ),
    )
    assert lines_of(batch).to_pylist() == [
        "1|ü|-1.500000|2026-01-02|2026-01-02 03:04:05.000006",
        "NULL|NULL|NULL|NULL|NULL",
    ]


TEXT = (
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["", "NULL", "null", "|", "\\", "\r\n"])
)


def parse(text: str) -> list[list[str | None]]:
    """The rows of a file by IBM's rules: whatever follows an escape stands for itself, also at the start of NULL."""
    rows: list[list[str | None]] = [[]]
    field, escaped, characters = "", False, iter(text)
    for character in characters:
        if character == "\\":
            field, escaped = field + next(characters), True
        elif character in "|\n":
            rows[-1].append(None if field.upper() == "NULL" and not escaped else field)
            field, escaped = "", False
            if character == "\n":
                rows.append([])
        else:
            field += character
    return rows[:-1]


@given(st.lists(st.tuples(TEXT, TEXT), max_size=4))
def test_text_comes_back_as_it_went(rows: list[tuple[str | None, str | None]]) -> None:
    schema = pa.schema({"a": pa.string(), "b": pa.string()})
    batch = pa.RecordBatch.from_pylist([{"a": a, "b": b} for a, b in rows], schema=schema)
    with file_of([batch]) as (path, count):
        assert count == len(rows)
        with path.open(encoding="utf-8", newline="") as file:
            assert parse(file.read()) == [list(row) for row in rows]


def test_the_file_is_nobody_elses_and_goes() -> None:
    with file_of([pa.RecordBatch.from_pydict({"a": [1, 2]})] * 2) as (path, count):
        assert count == 4
        assert path.read_text() == "1\n2\n1\n2\n"
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.parent.exists()
