"""Databases that are not well: each broken on purpose, and what the doctor says of it."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from spine.core.errors import PermissionDenied, SpineError
from spine.quality import database_health
from spine.quality.database_health import health
from spine.quality.findings import Finding
from spine.quality.gaps import Severity
from spine.storage.base import Storage
from spine.storage.postgres import PostgresStorage
from spine.storage.sqlite import SqliteStorage
from tests.support.storage import open_storage, open_upgraded

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
PAGE = 4096
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteStorage]:
    """Two thousand rows with an index, all of it in the file itself."""
    with closing(SqliteStorage(tmp_path / "spine.db")) as storage:
        storage.execute("CREATE TABLE known (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        storage.execute("CREATE INDEX known_name ON known (name)")
        with storage.transaction() as session:
            for number in range(2000):
                session.execute("INSERT INTO known VALUES (:id, :name)", {"id": number, "name": f"name {number}" * 5})
        storage.query("PRAGMA wal_checkpoint(TRUNCATE)")
        yield storage


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Storage]:
    with open_upgraded(postgres_url) as storage:
        yield storage


def found(storage: Storage, *, thorough: bool = False) -> list[Finding]:
    return list(health(storage, NOW, thorough=thorough))


def only(storage: Storage) -> Finding:
    [finding] = found(storage)
    return finding


def overwrite(storage: SqliteStorage, page: int, content: bytes, offset: int = 0) -> None:
    storage.close()
    with storage.path.open("r+b") as file:
        file.seek((page - 1) * PAGE + offset)
        file.write(content)


def page_of(storage: SqliteStorage, name: str, *, leaf: bool = True) -> int:
    """A page of a table or index."""
    sql = "SELECT pageno FROM dbstat WHERE name = :name AND pagetype = :kind ORDER BY pageno"
    return int(storage.query(sql, {"name": name, "kind": "leaf" if leaf else "internal"}).scalar)


def test_a_database_as_it_should_be(upgraded_storage: Storage) -> None:
    assert found(upgraded_storage) == found(upgraded_storage, thorough=True) == []


def test_rows_that_are_not_where_their_page_says(sqlite: SqliteStorage) -> None:
    overwrite(sqlite, page_of(sqlite, "known"), b"\x00\x10" * 10, offset=8)  # ten pointers to its rows, into themselves
    findings = found(sqlite)
    assert {(finding.check, finding.severity) for finding in findings} == {("integrity", Severity.CRITICAL)}
    assert all("restore the file from a backup" in finding.message for finding in findings)
    assert 1 <= len(findings) <= 10


def test_pages_that_cannot_be_read_at_all(sqlite: SqliteStorage) -> None:
    overwrite(sqlite, page_of(sqlite, "known"), b"\xff" * PAGE)
    with pytest.raises(SpineError, match="malformed; restore the database from a backup"):
        found(sqlite)
    overwrite(sqlite, 1, b"\0" * PAGE)
    with pytest.raises(SpineError, match="no SQLite database"):
        found(sqlite)


def test_an_index_that_lacks_a_row_is_found_by_the_thorough_look(sqlite: SqliteStorage) -> None:
    with sqlite.session() as session:  # one connection: each reads the schema when it opens
        [index] = session.query("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE type = 'index'")
        session.execute("PRAGMA writable_schema = ON")
        session.execute("DELETE FROM sqlite_master WHERE type = 'index'")
    sqlite.close()
    sqlite.execute("UPDATE known SET name = 'behind the index' WHERE id = 1000")
    with sqlite.session() as session:
        session.execute("PRAGMA writable_schema = ON")
        session.execute("INSERT INTO sqlite_master VALUES (:type, :name, :tbl_name, :rootpage, :sql)", index)
    sqlite.close()
    assert found(sqlite) == []
    findings = found(sqlite, thorough=True)
    assert any("missing from index known_name" in finding.message for finding in findings), findings


def test_a_row_that_refers_to_none(sqlite: SqliteStorage) -> None:
    sqlite.execute("CREATE TABLE child (known_id INTEGER REFERENCES known (id))")
    with sqlite.session() as session:
        session.query("PRAGMA foreign_keys = OFF")
        session.execute("INSERT INTO child VALUES (-1)")
    sqlite.close()
    assert "rows of child refer to rows of known that are not there" in only(sqlite).message


@pytest.mark.parametrize(("free", "severity"), [(900, Severity.WARNING), (90, Severity.CRITICAL)])
def test_a_disk_that_is_nearly_full(
    sqlite: SqliteStorage, monkeypatch: pytest.MonkeyPatch, free: int, severity: Severity
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, free * 2**20))
    finding = only(sqlite)
    assert (finding.check, finding.severity) == ("space", severity)
    assert f"{free} MB are free in {sqlite.path.parent}" in finding.message


def test_a_log_that_a_reader_keeps_from_being_emptied(sqlite: SqliteStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_health, "_LARGE_LOG", 2**20)
    reading = sqlite.stream("SELECT id FROM known")
    next(reading)
    sqlite.execute("UPDATE known SET name = name || :more", {"more": "x" * 500})
    finding = only(sqlite)
    assert (finding.check, finding.severity, finding.command) == ("space", Severity.WARNING, f"fuser -v {sqlite.path}")
    assert "the write-ahead log spine.db-wal has grown to " in finding.message
    reading.close()  # type: ignore[attr-defined]


def test_an_index_that_could_not_be_built(postgres: Storage) -> None:
    postgres.execute("CREATE TABLE known (id INTEGER)")
    postgres.execute("INSERT INTO known VALUES (1), (1)")
    with pytest.raises(SpineError):
        postgres.execute("CREATE UNIQUE INDEX CONCURRENTLY known_id ON known (id)")
    finding = only(postgres)
    assert (finding.check, finding.severity) == ("integrity", Severity.WARNING)
    assert "index known_id of known is invalid" in finding.message
    postgres.execute("DELETE FROM known")
    assert finding.command == """psql -c 'REINDEX INDEX CONCURRENTLY "public"."known_id"'"""
    postgres.execute('REINDEX INDEX CONCURRENTLY "public"."known_id"')
    assert found(postgres) == []


def test_weeks_to_come_for_which_somebody_else_must_make_room(postgres: Storage, postgres_url: str) -> None:
    role = "spine_only_writes"
    postgres.execute(f"CREATE ROLE {role} LOGIN")
    try:
        postgres.execute(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {role}")
        with open_storage(postgres_url.replace("spine_root", role)) as writer:
            assert [finding.check for finding in found(writer)] == ["space", "space"]
            finding = found(writer)[1]
            assert "has no partition for weeks of 2027" in finding.message
            assert finding.command == "airflow spine db upgrade"
            with pytest.raises(PermissionDenied, match="db upgrade"):
                writer.room_for("finra_otc_transparency_lines", dt.date(2027, 1, 8))
            for year in (2026, 2027):
                postgres.room_for("finra_otc_transparency_lines", dt.date(year, 1, 1))
            assert found(writer) == []
    finally:
        postgres.execute(f"DROP OWNED BY {role}")
        postgres.execute(f"DROP ROLE {role}")


def test_a_server_that_runs_out_of_connections(postgres: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_health, "_BUSY", 0.0)
    finding = only(postgres)
    assert finding.check == "connections"
    assert "of the server's " in finding.message


def test_connections_are_counted(postgres: PostgresStorage, postgres_url: str) -> None:
    before = next(iter(postgres.query(database_health._CONNECTIONS)))
    with closing(PostgresStorage(postgres_url)) as other, other.transaction():
        after = next(iter(postgres.query(database_health._CONNECTIONS)))
    assert after["used"] >= before["used"] >= 1
    assert after["most"] == before["most"] > 1


def test_a_catalog_that_may_not_be_read(db2_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_storage(db2_url) as storage:
        assert found(storage) == []

        def refused(self: Storage) -> list[str]:
            raise PermissionDenied("SQL0551N")

        monkeypatch.setattr(type(storage), "tables", refused)
        finding = only(storage)
    assert (finding.check, finding.severity) == ("database", Severity.CRITICAL)
    assert "SQL0551N; grant SELECT on SYSCAT.TABLES" in finding.message
