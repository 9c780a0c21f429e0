"""On every database an export is what readers of the database see, in the same types and to the last decimal."""

from __future__ import annotations

import datetime as dt
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from spine.exports.export import Request, export
from spine.exports.relations import find_relation
from spine.exports.selection import Selection
from spine.storage.base import Storage
from tests.support.exports import WEEKS, load_lines, load_market
from tests.support.processes import worker
from tests.support.storage import open_upgraded
from tests.support.weekly import PREFIX, REAL_FILE, Weekly

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 8, 4, tzinfo=dt.UTC)
DERIVED = ("symbol_summary", "venue_share", "concentration", "liquidity_score", "symbol_rolling", "tier_share")
RELATIONS = ("raw", "venue_volume", *DERIVED, "bond_trade_activity")


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Values as every database shows them."""
    return {name: as_text(value) for name, value in row.items()}


def as_text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)  # SQLite's own rows are doubles
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, dt.date) else value


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(map(plain, rows), key=str)


def test_a_file_holds_what_the_latest_view_shows(upgraded_storage: Storage, tmp_path: Path) -> None:
    market = load_market(upgraded_storage, tmp_path)
    for name in ("venue_volume", *DERIVED):
        receipt = export(market.storage, Request(name, tmp_path / f"{name}.parquet"), now=NOW)
        found = pq.read_table(tmp_path / f"{name}.parquet").to_pylist()
        shown = market.rows(f"{PREFIX}_{name}_latest")
        assert in_order(found) == in_order(shown), name
        assert (receipt.rows, receipt.counted_by) == (len(shown), "ledger")
        assert receipt.rows > 0
    week = Selection(symbols=(found[0]["symbol"],), first_week=WEEKS[1], last_week=WEEKS[2])
    receipt = export(market.storage, Request("venue_volume", tmp_path / "one.csv", selection=week), now=NOW)
    view = f"{PREFIX}_venue_volume_latest"
    sql = f"SELECT COUNT(*) FROM {view} WHERE symbol = :symbol AND week_ending >= :week"
    assert receipt.rows == market.scalar(sql, symbol=found[0]["symbol"], week=WEEKS[1]) > 0


def test_columns_have_the_same_types_everywhere(upgraded_storage: Storage, tmp_path: Path) -> None:
    with open_upgraded(f"sqlite:///{tmp_path / 'other.db'}") as sqlite:
        for name in RELATIONS:
            types = dict(find_relation(upgraded_storage, name).types)
            assert list(types.items()) == list(find_relation(sqlite, name).types.items()), name
    assert types["volume_total"] == pa.int64()
    volume = find_relation(upgraded_storage, "venue_volume").types
    assert [volume[name] for name in ("total_shares", "avg_trade_size", "week_ending", "captured_at")] == [
        pa.decimal128(24, 6),
        pa.float64(),
        pa.date32(),
        pa.timestamp("us", "UTC"),
    ]


def test_a_real_week_comes_back_with_the_same_sums(upgraded_storage: Storage, tmp_path: Path, finra_data: Path) -> None:
    shutil.copy(finra_data / REAL_FILE, tmp_path)
    weekly = Weekly(upgraded_storage, tmp_path)
    weekly.run(tier="OTCE", file_path=REAL_FILE)
    for name in ("week.parquet", "week.csv"):
        assert export(weekly.storage, Request("venue_volume", tmp_path / name), now=NOW).rows == 5328
    tables = [pq.read_table(tmp_path / "week.parquet"), read_csv(tmp_path / "week.csv")]
    for table in tables:
        assert table.num_rows == 5328
        assert pc.sum(table["total_shares"]).as_py() == Decimal(1_335_995_901)
        assert pc.sum(table["total_trades"]).as_py() == 472_776
        assert pc.count_distinct(table["symbol"]).as_py() == 3111
        shares = table.group_by("mpid").aggregate([("total_shares", "sum"), ("total_trades", "sum")])
        stored = weekly.storage.query(
            f"SELECT mpid, SUM(total_shares) AS s, SUM(total_trades) AS t FROM {PREFIX}_venue_volume_latest GROUP BY mpid"
        )
        found = {row["mpid"]: (row["total_shares_sum"], row["total_trades_sum"]) for row in shares.to_pylist()}
        assert found == {row["mpid"]: (row["s"], row["t"]) for row in stored}


def read_csv(path: Path) -> pa.Table:
    types = {"total_shares": pa.decimal128(24, 6), "symbol": pa.string()}
    return pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=types))


@pytest.mark.parametrize("name", ["large.parquet", "large.csv"])
def test_memory_does_not_grow_with_the_rows(storage_of_a_large_week: str, tmp_path: Path, name: str) -> None:
    """A capture of 700,000 rows, some 200 MB in memory. Not on Derby, for which that is an afternoon."""
    with worker("export", storage_of_a_large_week, str(tmp_path / name)) as exporting:
        assert exporting.says() == "ready"
        exporting.go()
        code, said = exporting.result()
    assert code == 0, said
    rows, grown = map(int, said.split())
    assert rows == 700_000
    assert grown < 150, f"{grown} MB"


@pytest.fixture(params=["sqlite", "postgres"])
def storage_of_a_large_week(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with a capture of one row and one of 700,000."""
    sqlite = f"sqlite:///{tmp_path / 'large.db'}"
    url: str = sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with open_upgraded(url) as storage:
        load_lines(storage, WEEKS[0], 1)
        load_lines(storage, WEEKS[1], 700_000)
    return url
