"""A database of the first release, with weeks in it, keeps every number through the migrations since."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from spine.core.tiers import Tier
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.storage.base import Storage
from spine.storage.migrations import status, upgrade
from tests.support.include import INCLUDE
from tests.support.storage import open_upgraded
from tests.support.weekly import AGGREGATES, LATEST, LINES, PREFIX, ROLLING, Clock, Weekly, assert_same, content_of

pytestmark = pytest.mark.integration

FIRST_RELEASE = 5
# On both sides of New Year: PostgreSQL keeps the years apart.
WEEKS = (dt.date(2025, 12, 19), dt.date(2025, 12, 26), dt.date(2026, 1, 2))
MARKET = SyntheticMarket(symbols={Tier.T2: 30}, venues=12)
VIEWS = (f"{PREFIX}_raw", f"{PREFIX}_venue_volume")
_ORDER = ("capture_id", "tier", "symbol", "mpid", "window_weeks", "line_number")
LEDGER = ("core_manifest", "core_rejects", "core_quality", "core_data_revisions", *AGGREGATES, ROLLING)


@pytest.fixture
def lived(tmp_path: Path) -> Iterator[Weekly]:
    """Two weeks from file to rolling figures, one of them corrected; the third was only ingested."""
    with open_upgraded(f"sqlite:///{tmp_path / 'lived.db'}") as storage:
        weekly = Weekly(storage, tmp_path)
        for week_ending, revision in ((WEEKS[0], 0), (WEEKS[1], 0), (WEEKS[0], 1)):
            weekly.run(**refresh(weekly, week_ending, revision), window_weeks=2)
        weekly.ingest(**refresh(weekly, WEEKS[2]))
        yield weekly


def refresh(weekly: Weekly, week_ending: dt.date, revision: int = 0) -> dict[str, str]:
    """The params of a run of that week."""
    path = f"tier2_{week_ending}_{revision}.csv"
    write_week_file(MARKET.week(Tier.T2, week_ending, revision=revision), weekly.root / path)
    return {"tier": "T2", "week_ending": week_ending.isoformat(), "file_path": path}


def early_migrations(tmp_path: Path) -> Path:
    """The SQL folder of the first release."""
    folder = tmp_path / "early" / "migrations"
    folder.mkdir(parents=True)
    for path in (INCLUDE / "sql" / "migrations").glob("*.sql"):
        if int(path.name[:4]) <= FIRST_RELEASE:
            shutil.copy(path, folder)
    return folder.parent


@pytest.fixture
def first_release(storage: Storage, lived: Weekly, tmp_path: Path) -> Storage:
    """The same weeks in a database that has the migrations of the first release alone."""
    upgrade(storage, early_migrations(tmp_path))
    _copy_captures(lived.storage, storage)
    for table in (*LEDGER, LINES):
        _copy(lived.storage, storage, table)
    return storage


def _copy_captures(source: Storage, target: Storage) -> None:
    """In their order: the target numbers them as its first release did."""
    columns = [name for name in target.columns("core_captures") if name != "capture_no"]
    with target.transaction() as session:
        rows = source.read_arrow(f"SELECT {', '.join(columns)} FROM core_captures ORDER BY capture_no")
        session.bulk_load("core_captures", _with_instants(rows).to_batches())


def _copy(source: Storage, target: Storage, table: str) -> None:
    rows = source.read_arrow(f"SELECT {', '.join(target.columns(table))} FROM {table}")
    if rows.num_rows:
        with target.transaction() as session:
            session.bulk_load(table, _with_instants(rows).to_batches())


def _with_instants(rows: pa.Table) -> pa.Table:
    """SQLite's text as instants."""
    for number, name in enumerate(rows.column_names):
        if name.endswith("_at"):
            rows = rows.set_column(number, name, rows.column(name).cast(pa.timestamp("us", "UTC")))
    return rows


@pytest.fixture
def upgraded(first_release: Storage, tmp_path: Path) -> Weekly:
    """That database, brought up to date."""
    upgrade(first_release, INCLUDE / "sql")
    return Weekly(first_release, tmp_path, Clock(dt.datetime(2026, 8, 10, 12, tzinfo=dt.UTC)))


def pictures(weekly: Weekly) -> dict[str, list[dict[str, Any]]]:
    """Every row that can be read, of every capture, with its capture."""
    return {
        name: sorted(
            ({**content_of(row), "capture_id": row["capture_id"]} for row in weekly.rows(name)),
            key=lambda row: [str(row.get(column)) for column in _ORDER],
        )
        for name in (*VIEWS, *LATEST, *AGGREGATES, ROLLING)
    }


def test_every_number_is_kept(upgraded: Weekly, lived: Weekly) -> None:
    assert_same(pictures(upgraded), pictures(lived))
    assert upgraded.counts() == lived.counts()


def test_captures_keep_their_order(upgraded: Weekly, lived: Weekly) -> None:
    in_order = "SELECT capture_id FROM core_captures WHERE week_ending = :week ORDER BY capture_no"
    for week_ending in WEEKS:
        expected = lived.storage.query(in_order, {"week": week_ending}).rows
        assert upgraded.storage.query(in_order, {"week": week_ending}).rows == expected


def test_weeks_go_on_where_they_stood(upgraded: Weekly, lived: Weekly) -> None:
    for weekly in (upgraded, lived):
        week = refresh(weekly, WEEKS[2])
        weekly.run(**week, window_weeks=2)
        # A correction of a week from before the upgrade, and one of a week from after it.
        weekly.run(**refresh(weekly, WEEKS[1], 1), window_weeks=2)
        weekly.run(**refresh(weekly, WEEKS[2], 1), window_weeks=2)
    assert_same(upgraded.pictures(), lived.pictures())
    assert upgraded.counts() == lived.counts()


def test_new_captures_follow_the_old_ones(upgraded: Weekly) -> None:
    upgraded.ingest(**refresh(upgraded, WEEKS[1], 1))
    numbers = upgraded.storage.query(
        "SELECT capture_no FROM core_captures WHERE week_ending = :week ORDER BY revision", {"week": WEEKS[1]}
    )
    found = [row[0] for row in numbers.rows]
    assert len(found) == 2
    assert found == sorted(found)


def test_an_empty_database_of_the_first_release_comes_up_to_date(storage: Storage, tmp_path: Path) -> None:
    upgrade(storage, early_migrations(tmp_path))
    upgrade(storage, INCLUDE / "sql")
    assert status(storage, INCLUDE / "sql").pending == []
    assert storage.query(f"SELECT COUNT(*) AS n FROM {LINES}").scalar == 0
