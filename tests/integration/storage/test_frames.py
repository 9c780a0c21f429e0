"""Results for analysts have the same types on every database, and decimals and dates survive pandas."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from spine.hooks.storage import StorageHook
from spine.storage.base import Storage
from spine.storage.column_types import column_types, known_types
from spine.storage.frames import read_arrow, read_pandas
from tests.support.paths import ROOT

pytestmark = pytest.mark.integration

INSTANT = pa.timestamp("us", "UTC")
KINDS = {
    "integer": pa.int64(),
    "bigint": pa.int64(),
    "identity": pa.int64(),
    "decimal": pa.decimal128(24, 6),
    "double": pa.float64(),
    "code": pa.string(),
    "text": pa.string(),
    "json": pa.string(),
    "date": pa.date32(),
    "instant": INSTANT,
}
BONDS = "fact_bond_trade_activity"
ROW: dict[str, Any] = {
    "week_ending": dt.date(2026, 4, 10), "tier": "T1", "cusip": "912828ZT0", "symbol": None, "volume_total": 2**60,
    "trade_count": 3, "avg_price": 99.5, "source": "test", "loaded_at": dt.datetime(2026, 4, 13, 1, 2, 3, 4, tzinfo=dt.UTC),
}  # fmt: skip


def declared() -> Iterator[tuple[str, str, pa.DataType]]:
    """Table, column and type of every column that a migration declares."""
    for path in sorted((ROOT / "include" / "sql" / "migrations").glob("????_*[a-z].sql")):
        if path.suffixes != [".sql"]:
            continue
        text = path.read_text()
        for table, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", text, re.DOTALL):
            for name, kind in re.findall(r"^    (\w+) \$\{(\w+)\}", body, re.MULTILINE):
                yield table, name, KINDS[kind]
        for table, name, kind in re.findall(r"ALTER TABLE (\w+) ADD COLUMN (\w+) \$\{(\w+)\}", text):
            yield table, name, KINDS[kind]


def test_columns_have_the_types_that_the_migrations_declare(upgraded_storage: Storage) -> None:
    """SQLite's catalog does not tell dates from text: there their names do."""
    expected: dict[str, dict[str, pa.DataType]] = {}
    for table, name, kind in declared():
        expected.setdefault(table, {})[name] = kind
    assert len(expected) > 12
    for table, columns in expected.items():
        assert column_types(upgraded_storage, table) == columns, table


def test_a_name_with_several_meanings_has_none(storage: Storage) -> None:
    types = storage.dialect.types
    storage.execute(f"CREATE TABLE one (week_ending {types['date']}, size {types['bigint']}, total {types['decimal']})")
    storage.execute(f"CREATE TABLE other (size {types['double']}, total {types['decimal']})")
    found = known_types(storage)
    assert found == {"week_ending": pa.date32(), "total": pa.decimal128(24, 6)}
    assert column_types(storage, "nowhere") == {}


@pytest.fixture
def bonds(upgraded_storage: Storage) -> Storage:
    for changes in ({}, {"cusip": "912828ZT1", "volume_customer": 7, "week_ending": dt.date(2026, 4, 17)}):
        row = {**ROW, **changes}
        marks = ", ".join(f":{name}" for name in row)
        upgraded_storage.execute(f"INSERT INTO {BONDS} ({', '.join(row)}) VALUES ({marks})", row)
    return upgraded_storage


def test_a_frame_keeps_whole_numbers_dates_and_gaps(bonds: Storage) -> None:
    frame = read_pandas(bonds, f"SELECT * FROM {BONDS} WHERE tier = :tier ORDER BY cusip", {"tier": "T1"})
    assert [str(kind) for kind in frame.dtypes[["week_ending", "volume_customer", "avg_price", "loaded_at"]]] == [
        "date32[day][pyarrow]", "int64[pyarrow]", "double[pyarrow]", "timestamp[us, tz=UTC][pyarrow]",
    ]  # fmt: skip
    assert frame["volume_total"].sum() == 2**61
    assert frame["volume_customer"].isna().tolist() == [True, False]
    assert frame["week_ending"].tolist() == [dt.date(2026, 4, 10), dt.date(2026, 4, 17)]
    assert frame["loaded_at"][0] == pd.Timestamp(ROW["loaded_at"])


def test_a_column_of_the_query_s_own_may_be_given_a_type(bonds: Storage) -> None:
    sql = f"SELECT MAX(week_ending) AS newest, SUM(volume_customer) AS total FROM {BONDS} -- the newest week"
    types = {"newest": pa.date32(), "total": pa.decimal128(38, 6)}
    [row] = read_arrow(bonds, sql, types=types).to_pylist()
    assert row == {"newest": dt.date(2026, 4, 17), "total": Decimal(7)}


def test_an_empty_result_has_the_same_types(bonds: Storage) -> None:
    sql = f"SELECT week_ending, loaded_at, volume_total FROM {BONDS}"
    kinds = read_arrow(bonds, sql).schema.types
    assert kinds == read_arrow(bonds, f"{sql} WHERE 1 = 0").schema.types == [pa.date32(), INSTANT, pa.int64()]


def test_the_hook_reads_what_its_connection_leads_to(
    database_url: str, bonds: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bonds.dialect.name != "sqlite":
        pytest.skip("tests of the hook try its other connections")
    monkeypatch.setenv("AIRFLOW_CONN_ANALYSTS", json.dumps({"conn_type": "sqlite", "host": str(bonds.path)}))  # type: ignore[attr-defined]
    hook = StorageHook("analysts")
    sql = f"SELECT week_ending, cusip FROM {BONDS} WHERE cusip = :cusip"
    rows = [{"week_ending": ROW["week_ending"], "cusip": ROW["cusip"]}]
    assert hook.read_arrow(sql, {"cusip": ROW["cusip"]}).to_pylist() == rows
    assert hook.read_pandas(sql, {"cusip": ROW["cusip"]}).to_dict("records") == rows
