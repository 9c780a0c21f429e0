"""Reads and pipelines find their rows by index, however long the history: no table of rows is ever scanned from end to end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from spine.core.tiers import Tier
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.storage.as_of import read_as_of
from spine.storage.postgres import PostgresStorage
from spine.storage.sql import first_word
from tests.support.include import holding_nothing
from tests.support.long_history import NEWEST, add_long_history
from tests.support.plans import Node, plan_of, plans_of_what_runs
from tests.support.postgres import PostgresServer
from tests.support.storage import open_storage, open_upgraded
from tests.support.weekly import AGGREGATES, LINES, PREFIX, ROLLING, Weekly

pytestmark = pytest.mark.integration

WEEKS = 80  # in three calendar years
ROWS = (LINES, *AGGREGATES, ROLLING)
WEEK_AGO, YEAR_AGO = NEWEST - dt.timedelta(weeks=1), NEWEST - dt.timedelta(weeks=52)
MONTH_AGO = NEWEST - dt.timedelta(weeks=4)
VALUES = {"symbol": "T17", "tier": "T1", "year_ago": YEAR_AGO, "month_ago": MONTH_AGO, "week": WEEK_AGO}
OF_SYMBOL = "WHERE symbol = :symbol AND week_ending > :year_ago"
OF_WEEK = "WHERE week_ending = :week"
READS = {
    f"{name} {what}": f"SELECT * FROM {PREFIX}_{name}_latest {where}"
    for name in ("venue_volume", "symbol_summary", "concentration", "liquidity_score", "symbol_rolling")
    for what, where in {
        "of a symbol's 52 weeks": f"{OF_SYMBOL} AND tier = :tier",
        "of a symbol's 52 weeks in all tiers": OF_SYMBOL,
        "of a week": f"{OF_WEEK} AND tier = :tier",
        "of a week in all tiers": OF_WEEK,
    }.items()
} | {
    "venue_volume of four weeks": f"SELECT * FROM {PREFIX}_venue_volume_latest WHERE week_ending > :month_ago AND tier = :tier",
    "tier share of a week": f"SELECT * FROM {PREFIX}_tier_share_latest {OF_WEEK}",
    "lines of a capture": f"SELECT * FROM {PREFIX}_raw WHERE week_ending = :week AND tier = :tier",
}


@pytest.fixture(scope="module")
def long_history(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a database with a long history, in which nobody but the pipelines has seen to statistics. For copies: what a
    test adds to one of them is not in the other, whichever comes first."""
    with postgres_server.database() as url:
        with open_upgraded(url) as storage:
            for table in ("core_captures", "core_manifest", *AGGREGATES, ROLLING):
                storage.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
            add_long_history(storage, WEEKS)
        yield urlsplit(url).path[1:]


@pytest.fixture(scope="module")
def after_a_backfill(postgres_server: PostgresServer, long_history: str) -> Iterator[str]:
    with postgres_server.database(template=long_history) as url:
        yield url


@pytest.fixture(scope="module")
def after_a_night(postgres_server: PostgresServer, long_history: str) -> Iterator[str]:
    """When autovacuum has been round."""
    with postgres_server.database(template=long_history) as url:
        with open_storage(url) as storage:
            storage.execute("ANALYZE")
        yield url


@pytest.fixture(params=["after_a_backfill", "after_a_night"])
def postgres(request: pytest.FixtureRequest) -> Iterator[PostgresStorage]:
    storage = PostgresStorage(request.getfixturevalue(request.param))
    yield storage
    storage.close()


def scanned(nodes: list[Node]) -> set[str]:
    """Tables of rows that are read from end to end."""
    ends = [node.relation for node in nodes if node.kind == "Seq Scan" and node.loops]
    return {relation for relation in ends if relation.startswith(ROWS)}


def touched(nodes: list[Node]) -> set[str]:
    """Partitions that are read at all."""
    return {node.relation for node in nodes if node.relation.startswith(LINES) and node.loops}


@pytest.mark.parametrize("read", READS)
def test_a_read_scans_no_table_of_rows(postgres: PostgresStorage, read: str) -> None:
    nodes = plan_of(postgres, READS[read], VALUES, run=True)
    assert nodes[0].rows > 0
    assert scanned(nodes) == set()


@pytest.mark.parametrize(
    ("read", "years"),
    [("venue_volume of a week in all tiers", {2026}), ("venue_volume of a symbol's 52 weeks", {2025, 2026})],
)
def test_a_read_of_weeks_touches_their_partitions_alone(postgres: PostgresStorage, read: str, years: set[int]) -> None:
    nodes = plan_of(postgres, READS[read], VALUES, run=True)
    assert touched(nodes) == {f"{LINES}_{year}" for year in years}


def test_a_scan_would_be_noticed(postgres: PostgresStorage) -> None:
    nodes = plan_of(postgres, f"SELECT * FROM {PREFIX}_symbol_summary WHERE venue_count = 4")
    assert scanned(nodes) == {f"{PREFIX}_symbol_summary"}
    assert scanned(plan_of(postgres, f"SELECT * FROM {LINES} WHERE mpid = 'MP1'")) == touched(
        plan_of(postgres, f"SELECT * FROM {LINES}")
    )


@pytest.mark.parametrize("table", ["symbol_summary", "venue_volume", "symbol_rolling"])
def test_a_read_of_what_was_known_scans_no_table_of_rows(postgres: PostgresStorage, table: str) -> None:
    known = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    with plans_of_what_runs() as plans:
        rows = read_as_of(postgres, f"{PREFIX}_{table}", known, tier=Tier.T1, week_ending=WEEK_AGO)
    assert rows.num_rows > 0
    assert [sql for sql, nodes in plans if scanned(nodes)] == []


def test_no_step_of_a_week_scans_a_table_of_rows(postgres: PostgresStorage, tmp_path: Path) -> None:
    market = SyntheticMarket(symbols={Tier.T2: 100}, venues=12)
    weekly = Weekly(postgres, tmp_path, include=holding_nothing(tmp_path / "include"))
    with plans_of_what_runs() as plans:
        # A new week, and another capture of the newest one, which is compared with the one before it.
        for week_ending in (NEWEST + dt.timedelta(weeks=1), NEWEST):
            path = f"{week_ending}.csv"
            write_week_file(market.week(Tier.T2, week_ending), tmp_path / path)
            weekly.run(tier="T2", week_ending=week_ending.isoformat(), file_path=path, window_weeks=6)
    assert {"INSERT", "SELECT", "DELETE", "UPDATE"} == {first_word(sql) for sql, _ in plans}
    assert [sql for sql, nodes in plans if scanned(nodes)] == []


@pytest.mark.parametrize("read", READS)
def test_sqlite_finds_its_rows_by_index_without_having_looked_at_them(tmp_path: Path, read: str) -> None:
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        plan = [row["detail"] for row in storage.query(f"EXPLAIN QUERY PLAN {READS[read]}", VALUES)]
    assert any(step.startswith("SEARCH") for step in plan)
    assert [step for step in plan if step.startswith("SCAN")] == []
