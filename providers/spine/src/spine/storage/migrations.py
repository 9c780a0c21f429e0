"""Numbered SQL migrations: applied once, in order, in one transaction; a changed file is noticed by its checksum."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from spine.core.errors import ConfigurationError, SpineError
from spine.storage.base import Dialect, Session, Storage
from spine.storage.sql import read_sql, split_statements, variant_for

_TABLE = "_migrations"  # always quoted: Db2 knows no plain name that begins so
_NAME = re.compile(r"\d{4}_\w+\.sql")
_VARIANT = re.compile(r"\d{4}_\w+\.\w+\.sql")  # for one database: see read_sql


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``include/sql/migrations``; its id is the file name without ``.sql``."""

    migration_id: str
    path: Path

    def checksum(self, dialect: Dialect) -> str:
        return hashlib.sha256(variant_for(self.path, dialect).read_bytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """What the database has and what it lacks, in order."""

    applied: list[str]
    pending: list[str]
    unknown: list[str]
    """Applied by a newer version of Spine: this version has no such file."""
    changed: list[str]
    """Applied, and the file has been edited since."""


def find_migrations(sql_dir: Path) -> list[Migration]:
    """The migrations of an include folder, in order.

    :raises ConfigurationError: when there are none, one is misnamed, or two share a number.
    """
    files = sorted((sql_dir / "migrations").glob("*.sql"))
    paths = [path for path in files if _NAME.fullmatch(path.name)]
    if not paths:
        raise ConfigurationError(f"no migrations in {sql_dir / 'migrations'}; check [spine] include_dir")
    misnamed = [path.name for path in files if path not in paths and not _VARIANT.fullmatch(path.name)]
    if misnamed:
        raise ConfigurationError(
            f"migration {', '.join(misnamed)} is misnamed; expected a name like 0003_what_it_adds.sql"
        )
    numbers = [path.name[:4] for path in paths]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise ConfigurationError(f"two migrations share the number {', '.join(twice)} in {paths[0].parent}")
    return [Migration(path.stem, path) for path in paths]


def status(storage: Storage, sql_dir: Path) -> MigrationStatus:
    """Compare the database with the files."""
    applied = _applied(storage) if _TABLE in storage.tables() else {}
    return _compare(find_migrations(sql_dir), applied, storage.dialect)


def upgrade(storage: Storage, sql_dir: Path, now: dt.datetime | None = None) -> list[str]:
    """Apply what is pending, all of it or nothing; the ids applied. Two processes at once take turns.

    :raises ConfigurationError: an applied file was edited: write a new migration instead.
    """
    migrations = find_migrations(sql_dir)
    _make_table(storage)
    with storage.transaction() as session:
        if session.dialect.migration_lock:
            session.execute(session.dialect.migration_lock)
        found = _compare(migrations, _applied(session), session.dialect)
        if found.changed:
            raise ConfigurationError(
                f"migration {', '.join(found.changed)} was edited after it was applied; restore it and write a new one"
            )
        for migration in migrations:
            if migration.migration_id in found.pending:
                _apply(session, migration, now or dt.datetime.now(dt.UTC))
    return found.pending


def require_current(storage: Storage, sql_dir: Path) -> None:
    """Refuse a database that lacks migrations.

    :raises ConfigurationError: naming them and the command that applies them.
    """
    pending = status(storage, sql_dir).pending
    if pending:
        raise ConfigurationError(
            f"{storage.describe()} lacks migration {', '.join(pending)}; run `airflow spine db upgrade`"
        )


def _make_table(storage: Storage) -> None:
    """The table that migrations lock and are listed in; it stays when one of them fails."""
    dialect = storage.dialect
    try:
        storage.execute(
            f'{dialect.create_missing} "{_TABLE}" (migration_id VARCHAR(100) NOT NULL PRIMARY KEY, '
            f"checksum VARCHAR(64) NOT NULL, applied_at {dialect.types['instant']} NOT NULL)"
        )
    except SpineError:
        if _TABLE not in storage.tables():  # else it was there, or another process was faster
            raise


def _applied(session: Session | Storage) -> dict[str, str]:
    return dict(session.query(f'SELECT migration_id, checksum FROM "{_TABLE}" ORDER BY migration_id').rows)


def _compare(migrations: list[Migration], applied: dict[str, str], dialect: Dialect) -> MigrationStatus:
    known = {migration.migration_id: migration for migration in migrations}
    return MigrationStatus(
        applied=[name for name in applied if name in known],
        pending=[name for name in known if name not in applied],
        unknown=[name for name in applied if name not in known],
        changed=[
            name for name, checksum in applied.items() if name in known and known[name].checksum(dialect) != checksum
        ],
    )


def _apply(session: Session, migration: Migration, now: dt.datetime) -> None:
    for statement in split_statements(read_sql(migration.path, session.dialect)):
        session.execute(statement)
    session.execute(
        f'INSERT INTO "{_TABLE}" (migration_id, checksum, applied_at) VALUES (:migration_id, :checksum, :applied_at)',
        {"migration_id": migration.migration_id, "checksum": migration.checksum(session.dialect), "applied_at": now},
    )
