"""Migrations are applied once, in order, wholly or not at all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from spine.core.errors import ConfigurationError, SpineError
from spine.storage.base import Storage
from spine.storage.migrations import find_migrations, require_current, status, upgrade
from tests.support.paths import ROOT
from tests.support.processes import run_together
from tests.support.storage import open_storage, open_upgraded

pytestmark = pytest.mark.integration

SQL_DIR = ROOT / "include" / "sql"


@pytest.fixture
def sql_dir(tmp_path: Path) -> Path:
    """An include folder's ``sql`` with two migrations."""
    folder = tmp_path / "sql"
    write(
        folder, "0001_first.sql", "CREATE TABLE first_table (id ${bigint} NOT NULL, seen_at ${instant}, q ${decimal});"
    )
    write(folder, "0002_second.sql", "CREATE TABLE second_table (id ${integer});\nINSERT INTO second_table VALUES (1);")
    return folder


def write(sql_dir: Path, name: str, text: str) -> None:
    (sql_dir / "migrations").mkdir(parents=True, exist_ok=True)
    (sql_dir / "migrations" / name).write_text(text)


def test_an_upgrade_brings_an_empty_database_up_to_date(storage: Storage, sql_dir: Path) -> None:
    before = status(storage, sql_dir)
    assert (before.applied, before.pending) == ([], ["0001_first", "0002_second"])
    assert storage.tables() == []
    assert upgrade(storage, sql_dir) == ["0001_first", "0002_second"]
    after = status(storage, sql_dir)
    assert (after.applied, after.pending, after.unknown, after.changed) == (["0001_first", "0002_second"], [], [], [])
    assert storage.tables() == ["_migrations", "first_table", "second_table"]


def test_a_second_upgrade_does_nothing(storage: Storage, sql_dir: Path) -> None:
    upgrade(storage, sql_dir)
    assert upgrade(storage, sql_dir) == []
    assert storage.query("SELECT COUNT(*) AS n FROM second_table").scalar == 1


def test_when_it_was_applied_is_on_record(storage: Storage, sql_dir: Path) -> None:
    now = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    upgrade(storage, sql_dir, now)
    recorded = {
        str(row[0])[:19].replace(" ", "T") for row in storage.query('SELECT applied_at FROM "_migrations"').rows
    }
    assert recorded == {"2026-01-02T03:04:05"}


def test_only_what_is_new_is_applied(storage: Storage, sql_dir: Path) -> None:
    upgrade(storage, sql_dir)
    write(sql_dir, "0003_third.sql", "CREATE TABLE third_table (id INTEGER)")
    assert status(storage, sql_dir).pending == ["0003_third"]
    assert upgrade(storage, sql_dir) == ["0003_third"]


def test_a_database_that_lacks_migrations_is_refused_with_the_command(storage: Storage, sql_dir: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="lacks migration 0001_first, 0002_second; run `airflow spine db upgrade`"
    ):
        require_current(storage, sql_dir)
    upgrade(storage, sql_dir)
    require_current(storage, sql_dir)


def test_an_edited_migration_is_refused(storage: Storage, sql_dir: Path) -> None:
    upgrade(storage, sql_dir)
    write(sql_dir, "0001_first.sql", "CREATE TABLE first_table (id ${bigint});")
    write(sql_dir, "0003_third.sql", "CREATE TABLE third_table (id INTEGER)")
    assert status(storage, sql_dir).changed == ["0001_first"]
    with pytest.raises(ConfigurationError, match="0001_first was edited after it was applied"):
        upgrade(storage, sql_dir)
    assert "third_table" not in storage.tables()


def test_a_variant_for_this_database_runs_instead_and_is_signed(storage: Storage, sql_dir: Path) -> None:
    write(sql_dir, f"0002_second.{storage.dialect.name}.sql", "CREATE TABLE variant (id INTEGER)")
    write(sql_dir, "0002_second.other.sql", "NO SQL")
    assert upgrade(storage, sql_dir) == ["0001_first", "0002_second"]
    assert storage.tables() == ["_migrations", "first_table", "variant"]
    write(sql_dir, "0002_second.sql", "-- the text that did not run")
    assert status(storage, sql_dir).changed == []
    write(sql_dir, f"0002_second.{storage.dialect.name}.sql", "CREATE TABLE other (id INTEGER)")
    assert status(storage, sql_dir).changed == ["0002_second"]


def test_a_failing_statement_leaves_nothing(storage: Storage, sql_dir: Path) -> None:
    write(
        sql_dir,
        "0003_third.sql",
        "CREATE TABLE third_table (id INTEGER); INSERT INTO third_table VALUES (1); INSERT INTO nowhere VALUES (1);",
    )
    with pytest.raises(SpineError, match=r"(?i)nowhere"):
        upgrade(storage, sql_dir)
    assert storage.tables() == ["_migrations"]
    assert status(storage, sql_dir).applied == []
    write(sql_dir, "0003_third.sql", "CREATE TABLE third_table (id INTEGER)")
    assert len(upgrade(storage, sql_dir)) == 3


def test_a_failure_keeps_what_earlier_upgrades_did(storage: Storage, sql_dir: Path) -> None:
    upgrade(storage, sql_dir)
    write(sql_dir, "0003_third.sql", "CREATE TABLE third_table (id INTEGER)")
    write(sql_dir, "0004_fourth.sql", "CREATE TABLE first_table (id INTEGER)")
    with pytest.raises(SpineError, match=r"(?i)first_table"):
        upgrade(storage, sql_dir)
    found = status(storage, sql_dir)
    assert (found.applied, found.pending) == (["0001_first", "0002_second"], ["0003_third", "0004_fourth"])
    assert "third_table" not in storage.tables()


def test_what_a_newer_version_applied_is_reported(storage: Storage, sql_dir: Path) -> None:
    write(sql_dir, "0003_third.sql", "CREATE TABLE third_table (id INTEGER)")
    upgrade(storage, sql_dir)
    (sql_dir / "migrations" / "0003_third.sql").unlink()
    assert status(storage, sql_dir).unknown == ["0003_third"]
    assert upgrade(storage, sql_dir) == []
    require_current(storage, sql_dir)


def test_statements_end_where_code_says_so(storage: Storage, sql_dir: Path) -> None:
    text = """
        -- a comment; with an end
        CREATE TABLE third_table (id INTEGER, name VARCHAR(80)); /* another; one */
        INSERT INTO third_table VALUES (1, 'semi;colon'), (2, 'it''s; :fine -- not a comment');
        ;
        -- nothing but a comment;
    """
    write(sql_dir, "0003_third.sql", text)
    upgrade(storage, sql_dir)
    names = [row[0] for row in storage.query("SELECT name FROM third_table ORDER BY id").rows]
    assert names == ["semi;colon", "it's; :fine -- not a comment"]


@pytest.mark.chaos
def test_processes_that_upgrade_at_once_take_turns(storage: Storage, database_url: str) -> None:
    results = run_together("migrate", database_url, [str(SQL_DIR)] * 3)
    everything = ",".join(migration.migration_id for migration in find_migrations(SQL_DIR))
    assert sorted(results) == [(0, ""), (0, ""), (0, everything)]
    with open_storage(database_url) as fresh:
        assert status(fresh, SQL_DIR).pending == []
        assert fresh.query('SELECT COUNT(*) AS n FROM "_migrations"').scalar == len(everything.split(","))


def test_every_database_gets_the_same_tables_and_columns(upgraded_storage: Storage, tmp_path: Path) -> None:
    with open_upgraded(f"sqlite:///{tmp_path / 'another.db'}") as other:
        expected = {table: list(other.columns(table)) for table in other.tables()}
    assert {table: list(upgraded_storage.columns(table)) for table in upgraded_storage.tables()} == expected
    assert {"core_latest", "core_captures"} <= expected.keys()
