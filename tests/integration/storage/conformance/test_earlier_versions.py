"""From every version there was: rows put in by its own tables are there after the upgrade, and every view still reads."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from spine.storage.base import Storage
from spine.storage.ledger import Stage
from spine.storage.migrations import find_migrations, require_current, status, upgrade
from tests.support.include import INCLUDE
from tests.support.weekly import LINES

pytestmark = pytest.mark.integration

SQL_DIR = INCLUDE / "sql"
MIGRATIONS = [migration.migration_id for migration in find_migrations(SQL_DIR)]
NOW = dt.datetime(2026, 8, 3, 12, 30, 15, 123456, tzinfo=dt.UTC)
# Of the first week two captures, and one on the other side of New Year: PostgreSQL keeps years apart.
WEEKS = {"first": dt.date(2025, 12, 26), "second": dt.date(2025, 12, 26), "third": dt.date(2026, 1, 2)}
STAGES = {"first": tuple(Stage), "second": (Stage.INGESTED,), "third": (Stage.INGESTED, Stage.NORMALIZED)}
FIRST = {"capture_id": "first", "tier": "T2", "summary_type": "s"}  # what its rows everywhere say
LATEST = 6  # four stages of the first capture, of which the second has done one anew, and two of the third
DATES = ("week_ending", "first_week", "source_last_update_date")
BY_TYPE = {"INT": 7, "NUMERIC": Decimal("12.500000"), "DECIMAL": Decimal("12.500000"), "DOUBLE": 0.1}


def version(number: int, folder: Path) -> Path:
    """The SQL folder as it was when there were so many migrations."""
    migrations = folder / f"version_{number}" / "migrations"
    migrations.mkdir(parents=True)
    for path in (SQL_DIR / "migrations").glob("*.sql"):
        if path.name.split(".")[0] in MIGRATIONS[:number]:
            shutil.copy(path, migrations)
    return migrations.parent


def tables_of(number: int) -> list[str]:
    texts = [(SQL_DIR / "migrations" / f"{name}.sql").read_text() for name in MIGRATIONS[:number]]
    return [table for text in texts for table in re.findall(r"CREATE TABLE (\w+)", text)]


def insert(storage: Storage, table: str, into: str = "", **given: Any) -> None:
    """A row with a value in every column: the given one, or one that its type takes."""
    kinds = storage.columns(table)
    row = {name: _value(name, kind) for name, kind in kinds.items() if name != "capture_no"} | given
    marks = ", ".join(f":{name}" for name in row)
    storage.execute(f"INSERT INTO {into or table} ({', '.join(row)}) VALUES ({marks})", row)


def _value(name: str, kind: str) -> Any:
    if name.endswith("_at"):
        return NOW
    if name in DATES:
        return WEEKS["first"]
    if name.endswith("_json") or name == "impact_summary":
        return {"name": name}
    return next((value for words, value in BY_TYPE.items() if words in kind.upper()), f"{name} ü")


def live_in(storage: Storage, number: int) -> None:
    """Rows in every table of a version."""
    tables = tables_of(number)
    for capture, week in WEEKS.items():
        _capture(storage, capture, week)
        if LINES in tables:
            _lines(storage, capture, week, number)
    for table in tables:
        if table not in ("core_captures", "core_manifest", LINES):
            columns = storage.columns(table)
            insert(storage, table, **{name: value for name, value in FIRST.items() if name in columns})


def _capture(storage: Storage, capture: str, week: dt.date) -> None:
    named = {"domain": "finra.otc_transparency", "capture_id": capture}
    revision = list(WEEKS).index(capture)
    free = {name: None for name in ("hold_reason", "pruned_at") if name in storage.columns("core_captures")}
    insert(storage, "core_captures", **FIRST | named, week_ending=week, revision=revision, **free)
    for stage in STAGES[capture]:
        insert(storage, "core_manifest", **named, stage=stage, stage_rank=stage.rank)


def _lines(storage: Storage, capture: str, week: dt.date, number: int) -> None:
    found = storage.query("SELECT capture_no FROM core_captures WHERE capture_id = :id", {"id": capture}).scalar
    room = storage.room_for(LINES, week) if number >= 6 else LINES
    for line, shares in enumerate((Decimal("0.000001"), Decimal(2**53), Decimal(100)), start=2):
        told = "ZERO_VOLUME" if line == 4 else None
        insert(storage, LINES, room, capture_no=found, line_number=line, total_shares=shares, reason_code=told)


def everything(storage: Storage, columns: dict[str, list[str]]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of tables and views, in these columns of theirs."""
    return {
        name: sorted(storage.query(f"SELECT {', '.join(names)} FROM {name}").rows, key=repr)
        for name, names in columns.items()
    }


@pytest.mark.parametrize("number", range(1, len(MIGRATIONS)), ids=MIGRATIONS[:-1])
def test_an_upgrade_keeps_every_row(storage: Storage, tmp_path: Path, number: int) -> None:
    upgrade(storage, version(number, tmp_path))
    live_in(storage, number)
    # A capture's number is our own affair: it is another one since 0006 on PostgreSQL.
    columns = {
        table: [name for name in storage.columns(table) if name != "capture_no"]
        for table in storage.tables()
        if table != "_migrations"
    }
    before = everything(storage, columns)
    assert all(before[table] for table in tables_of(number))
    assert len(before["core_latest"]) == LATEST
    assert upgrade(storage, SQL_DIR) == MIGRATIONS[number:]
    require_current(storage, SQL_DIR)
    assert everything(storage, columns) == before
    for table in storage.tables():
        storage.query(
            f"SELECT COUNT(*) FROM {table}" if table != "_migrations" else 'SELECT COUNT(*) FROM "_migrations"'
        )
    captures = [row[0] for row in storage.query("SELECT capture_id FROM core_captures ORDER BY capture_no").rows]
    assert captures == list(WEEKS)


def test_every_version_has_its_place_in_the_next_one(storage: Storage, tmp_path: Path) -> None:
    """One migration after the other, with rows from the first on."""
    upgrade(storage, version(1, tmp_path))
    live_in(storage, 1)
    for number in range(2, len(MIGRATIONS) + 1):
        assert upgrade(storage, version(number, tmp_path)) == [MIGRATIONS[number - 1]]
    assert status(storage, SQL_DIR).pending == status(storage, SQL_DIR).changed == []
    assert storage.query("SELECT COUNT(*) FROM core_captures").scalar == len(WEEKS)
