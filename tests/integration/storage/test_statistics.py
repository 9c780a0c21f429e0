"""After a large load the planner knows what is there; small ones leave that to autovacuum."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from spine.core.tiers import Tier
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.pipelines.load_table import load_table
from spine.pipelines.registry import get_pipeline
from spine.storage.base import Storage
from spine.storage.migrations import upgrade
from spine.storage.postgres import PostgresStorage
from tests.support.include import INCLUDE
from tests.support.storage import open_upgraded
from tests.support.weekly import LINES, PREFIX, ROLLING, Weekly

pytestmark = pytest.mark.integration

WEEK = dt.date(2026, 4, 10)
SUMMARY = f"{PREFIX}_symbol_summary"


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[PostgresStorage]:
    """A table that autovacuum leaves alone."""
    storage = PostgresStorage(postgres_url)
    storage.execute("CREATE TABLE grown (id BIGINT) WITH (autovacuum_enabled = false)")
    yield storage
    storage.close()


def grow(storage: Storage, rows: int) -> None:
    storage.execute("INSERT INTO grown SELECT generate_series(1, CAST(:rows AS INTEGER))", {"rows": rows})
    storage.refresh_statistics("grown", rows)


def counted(storage: Storage, table: str = "grown") -> int:
    """How many rows the planner thinks there are; -1 when it never looked."""
    return int(storage.query("SELECT reltuples FROM pg_class WHERE relname = :table", {"table": table}).scalar)


def test_a_first_large_load_is_looked_at(postgres: PostgresStorage) -> None:
    grow(postgres, 20_000)
    assert counted(postgres) == 20_000


def test_a_load_that_is_little_of_the_table_is_not(postgres: PostgresStorage) -> None:
    grow(postgres, 20_000)
    grow(postgres, 1_500)
    assert counted(postgres) == 20_000
    grow(postgres, 3_000)
    assert counted(postgres) == 24_500


def test_many_small_loads_are_looked_at_together(postgres: PostgresStorage) -> None:
    grow(postgres, 20_000)
    for _ in range(3):
        grow(postgres, 1_500)
        # What a session changed is told to others once it is idle, at most once a second; not so when it asks.
        postgres.execute("SELECT pg_stat_force_next_flush()")
    assert counted(postgres) > 20_000


def test_a_few_rows_are_not_worth_a_look(postgres: PostgresStorage) -> None:
    grow(postgres, 999)
    assert counted(postgres) == -1


def test_a_look_waits_for_nobody(postgres: PostgresStorage, postgres_url: str) -> None:
    other = PostgresStorage(postgres_url)
    try:
        with other.transaction() as session:
            session.execute("LOCK TABLE grown IN SHARE UPDATE EXCLUSIVE MODE")  # as another ANALYZE does
            grow(postgres, 20_000)
            assert counted(postgres) == -1
    finally:
        other.close()
    grow(postgres, 20_000)
    assert counted(postgres) == 40_000


def test_every_step_of_a_large_week_asks_for_a_look(postgres_url: str, tmp_path: Path) -> None:
    rows = SyntheticMarket(symbols={Tier.T2: 1100}, venues=12).week(Tier.T2, WEEK)
    write_week_file(rows, tmp_path / "week.csv")
    with open_upgraded(postgres_url) as storage:
        weekly = Weekly(storage, tmp_path)
        traded = len(set(rows.column("issueSymbolIdentifier").to_pylist()))
        tables = {storage.room_for(LINES, WEEK): rows.num_rows, SUMMARY: traded, ROLLING: traded}
        for table in tables:
            storage.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        week = {"tier": "T2", "week_ending": WEEK.isoformat()}
        weekly.load(**week, file_path="week.csv")
        get_pipeline("finra.otc_transparency.compute_rolling").run(weekly.context(**week, window_weeks=2))
        assert {table: counted(storage, table) for table in tables} == tables


def test_a_declared_load_asks_for_a_look(postgres: PostgresStorage, tmp_path: Path) -> None:
    (tmp_path / "ids.psv").write_text("\n".join(("id", *map(str, range(2_000)))))
    postgres.execute("ALTER TABLE grown ADD PRIMARY KEY (id)")
    upgrade(postgres, INCLUDE / "sql")
    load = {
        "source": {"type": "file", "path": "ids.psv"},
        "dataset": "test.grown",
        "table": "grown",
        "columns": {"id": "integer"},
        "key": ["id"],
    }
    load_table.run(Weekly(postgres, tmp_path).context(load=load))
    assert counted(postgres) == 2_000


def test_what_cannot_be_looked_at_is_no_error(upgraded_storage: Storage) -> None:
    upgraded_storage.refresh_statistics("nowhere", 20_000)
    upgraded_storage.refresh_statistics("core_latest", 20_000)
    upgraded_storage.refresh_statistics("core_captures", 20_000)
