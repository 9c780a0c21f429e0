"""Lines are kept by year where a database has partitions; elsewhere one table holds them all."""

from __future__ import annotations

import datetime as dt
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from spine.cli.db import upgrade as upgrade_command
from spine.core.errors import LoadError, PermissionDenied
from spine.core.tiers import Tier
from spine.storage.base import Storage
from spine.storage.postgres import PostgresStorage
from spine.storage.rooms import make_rooms
from tests.support.ledger import add_capture
from tests.support.plans import plan_of
from tests.support.storage import open_storage, open_upgraded
from tests.support.weekly import AGGREGATES, LINES

pytestmark = pytest.mark.integration

OLD_YEAR, NEW_YEAR = dt.date(2025, 12, 26), dt.date(2026, 1, 2)
# What a partition is bounded by in PostgreSQL: a capture's number leads with its week.
SERIALS = 10**10


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Storage]:
    with open_upgraded(postgres_url) as storage:
        yield storage


def partitions(storage: Storage) -> dict[str, str]:
    found = storage.query(
        "SELECT c.relname::text AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds FROM pg_inherits i "
        f"JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '{LINES}'::regclass ORDER BY c.relname"
    )
    return dict(found.rows)


def add_line(storage: Storage, table: str, capture_no: int) -> None:
    storage.execute(
        f"INSERT INTO {table} (capture_no, line_number, symbol, mpid, issue_name, venue_name, total_shares, total_trades) "
        "VALUES (:capture_no, 1, 'AAAA', 'OTCN', 'A', 'V', 1, 1)",
        {"capture_no": capture_no},
    )


def number_of(storage: Storage, capture_id: str) -> int:
    found = storage.query("SELECT capture_no FROM core_captures WHERE capture_id = :id", {"id": capture_id})
    return int(found.scalar)


def test_a_week_is_loaded_where_room_is_and_read_from_the_whole(upgraded_storage: Storage) -> None:
    numbers = {}
    for week_ending in (OLD_YEAR, NEW_YEAR):
        numbers[week_ending] = number_of(upgraded_storage, add_capture(upgraded_storage, Tier.T1, week_ending))
        add_line(upgraded_storage, upgraded_storage.room_for(LINES, week_ending), numbers[week_ending])
    stored = upgraded_storage.query(f"SELECT capture_no FROM {LINES} ORDER BY capture_no")
    assert sorted(numbers.values()) == [row[0] for row in stored.rows]
    assert len(set(numbers.values())) == 2


def test_a_table_is_its_own_room(upgraded_storage: Storage) -> None:
    assert upgraded_storage.room_for("core_captures", NEW_YEAR) == "core_captures"
    expected = f"{LINES}_2026" if upgraded_storage.dialect.name == "postgres" else LINES
    assert upgraded_storage.room_for(LINES, NEW_YEAR) == expected


def test_partitions_are_no_tables_of_their_own(postgres: Storage) -> None:
    before = postgres.tables()
    postgres.room_for(LINES, NEW_YEAR)
    assert postgres.tables() == before
    assert LINES in before


def test_there_is_a_partition_for_each_year_and_none_for_the_rest(postgres: Storage) -> None:
    assert partitions(postgres) == {}
    rooms = [postgres.room_for(LINES, week) for week in (NEW_YEAR, OLD_YEAR, dt.date(2026, 12, 25), NEW_YEAR)]
    assert rooms == [f"{LINES}_{year}" for year in (2026, 2025, 2026, 2026)]
    assert partitions(postgres) == {
        f"{LINES}_2025": f"FOR VALUES FROM ('{20250101 * SERIALS}') TO ('{20260101 * SERIALS}')",
        f"{LINES}_2026": f"FOR VALUES FROM ('{20260101 * SERIALS}') TO ('{20270101 * SERIALS}')",
    }


def test_an_upgrade_makes_room_from_the_oldest_week_through_next_year(postgres: Storage) -> None:
    today = dt.date(2026, 8, 3)
    make_rooms(postgres, LINES, today)
    assert list(partitions(postgres)) == [f"{LINES}_2026", f"{LINES}_2027"]
    add_capture(postgres, Tier.T1, dt.date(2023, 12, 29))
    make_rooms(postgres, LINES, today)
    assert list(partitions(postgres)) == [f"{LINES}_{year}" for year in range(2023, 2028)]


def test_the_command_makes_room(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", postgres_url.replace("postgresql", "postgres"))
    upgrade_command(Namespace())
    this_year = dt.datetime.now(dt.UTC).year
    with open_storage(postgres_url) as storage:
        assert {f"{LINES}_{this_year}", f"{LINES}_{this_year + 1}"} <= partitions(storage).keys()


def test_room_made_ahead_may_be_used_by_who_may_not_make_it(postgres_url: str, postgres: Storage) -> None:
    number = number_of(postgres, add_capture(postgres, Tier.T1, NEW_YEAR))
    postgres.execute("CREATE ROLE spine_loader LOGIN")
    try:
        postgres.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO spine_loader")
        make_rooms(postgres, LINES, NEW_YEAR)
        with open_storage(postgres_url.replace("spine_root", "spine_loader")) as loader:
            add_line(loader, loader.room_for(LINES, NEW_YEAR), number)
            with pytest.raises(
                PermissionDenied, match=r"no partition for 2025-12-26; its owner .*airflow spine db upgrade"
            ):
                loader.room_for(LINES, OLD_YEAR)
    finally:
        postgres.execute("DROP OWNED BY spine_loader")
        postgres.execute("DROP ROLE spine_loader")


def test_a_partition_refuses_the_weeks_of_another(postgres: Storage) -> None:
    old = number_of(postgres, add_capture(postgres, Tier.T1, OLD_YEAR))
    with pytest.raises(LoadError, match="partition constraint"):
        add_line(postgres, postgres.room_for(LINES, NEW_YEAR), old)


def test_a_partition_keeps_the_key(postgres: Storage) -> None:
    number = number_of(postgres, add_capture(postgres, Tier.T1, NEW_YEAR))
    room = postgres.room_for(LINES, NEW_YEAR)
    add_line(postgres, room, number)
    with pytest.raises(LoadError, match="duplicate key"):
        add_line(postgres, room, number)


def test_a_partition_that_someone_else_made_is_found_by_its_bounds(postgres: Storage) -> None:
    bounds = f"FROM ({20200101 * SERIALS}) TO ({20260101 * SERIALS})"
    postgres.execute(f"CREATE TABLE before_2026 PARTITION OF {LINES} FOR VALUES {bounds}")
    assert postgres.room_for(LINES, OLD_YEAR) == "before_2026"
    assert postgres.room_for(LINES, NEW_YEAR) == f"{LINES}_2026"


def test_a_table_that_is_partitioned_otherwise_routes_its_rows_itself(postgres: Storage) -> None:
    postgres.execute("CREATE TABLE other (tier TEXT, capture_no BIGINT) PARTITION BY LIST (tier)")
    assert postgres.room_for("other", NEW_YEAR) == "other"


def test_a_partition_lies_in_the_schema_of_its_table(postgres_url: str) -> None:
    with open_storage(postgres_url) as root:
        root.execute('CREATE SCHEMA "A b"')
    storage = PostgresStorage(postgres_url, schema="A b")
    try:
        storage.execute("CREATE TABLE lines (capture_no BIGINT) PARTITION BY RANGE (capture_no)")
        assert storage.room_for("lines", NEW_YEAR) == "lines_2026"
        storage.execute("INSERT INTO lines_2026 VALUES (20260102 * 10000000000 + 1)")
        assert storage.query("SELECT COUNT(*) AS n FROM lines").scalar == 1
    finally:
        storage.close()


@pytest.mark.chaos
def test_many_at_once_make_one_partition(postgres_url: str, postgres: Storage) -> None:
    together = Barrier(8)

    def make(_: int) -> str:
        with open_storage(postgres_url) as storage:
            storage.query("SELECT 1 AS one")
            together.wait()
            return storage.room_for(LINES, NEW_YEAR)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(make, range(8))) == {f"{LINES}_2026"}
    assert list(partitions(postgres)) == [f"{LINES}_2026"]


def test_a_partition_is_made_while_others_read_and_write(postgres_url: str, postgres: Storage) -> None:
    number = number_of(postgres, add_capture(postgres, Tier.T1, OLD_YEAR))
    room = postgres.room_for(LINES, OLD_YEAR)
    with open_storage(postgres_url) as others, others.transaction() as reader, others.transaction() as writer:
        reader.query(f"SELECT COUNT(*) AS n FROM {LINES}")
        writer.execute(
            f"INSERT INTO {LINES} (capture_no, line_number, symbol, mpid, issue_name, venue_name, total_shares, total_trades) "
            f"VALUES ({number}, 1, 'AAAA', 'OTCN', 'A', 'V', 1, 1)"
        )
        impatient = PostgresStorage(f"{postgres_url}?options=-c%20statement_timeout%3D5000")
        try:
            assert impatient.room_for(LINES, NEW_YEAR) == f"{LINES}_2026"
        finally:
            impatient.close()
    assert list(partitions(postgres)) == [room, f"{LINES}_2026"]


def test_a_capture_that_came_after_the_statistics_is_not_taken_for_one_row(postgres: PostgresStorage) -> None:
    """A plan for one row compares a capture's rows each with each."""
    leaf = postgres.room_for(LINES, NEW_YEAR)
    numbers = [20260102 * SERIALS + serial for serial in range(3)]
    for number in numbers:
        if number == numbers[-1]:
            postgres.execute(f"ANALYZE {leaf}")
        postgres.execute(
            f"INSERT INTO {leaf} (capture_no, line_number, symbol, mpid, issue_name, venue_name, total_shares, total_trades) "
            "SELECT CAST(:number AS BIGINT), n, 'S' || n, 'OTCN', 'A', 'V', 1, 1 FROM generate_series(1, 4000) n",
            {"number": number},
        )
    for number in numbers:
        plan = plan_of(postgres, f"SELECT * FROM {LINES} WHERE capture_no = :number", {"number": number})
        assert min(node.rows for node in plan) > 10, number


def test_nor_is_one_in_a_derived_table(postgres: PostgresStorage) -> None:
    table, captures = AGGREGATES[0], ("first", "second", "third")
    for name in captures:
        if name == captures[-1]:
            postgres.execute(f"ANALYZE {table}")
        postgres.execute(
            f"INSERT INTO {table} (week_ending, tier, summary_type, symbol, total_volume, total_trades, venue_count, "
            "avg_trade_size, capture_id, captured_at, execution_id, calculated_at) SELECT DATE '2026-01-02', 'T1', '', 'S' || n, "
            "1, 1, 1, 1, :name, now(), '', now() FROM generate_series(1, 4000) n",
            {"name": name},
        )
    for name in captures:
        plan = plan_of(postgres, f"SELECT * FROM {table} WHERE capture_id = :name", {"name": name})
        assert min(node.rows for node in plan) > 10, name
