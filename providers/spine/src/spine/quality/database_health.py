"""Whether the database itself is well: its pages and indexes, its room, its connections.

What cannot be asked at all is an error: the database is then not to be reached, or not to be read.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator

from spine.core.errors import SpineError
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.quality.findings import Finding
from spine.quality.gaps import Severity
from spine.storage.base import Storage
from spine.storage.postgres_partitions import lacks_room
from spine.storage.sqlite import SqliteStorage

_MB = 2**20
_LITTLE_ROOM, _TOO_LITTLE_ROOM = 1024 * _MB, 128 * _MB  # a large load takes its size twice: in the log and in the file
_LARGE_LOG = 256 * _MB
_MOST_TOLD = 10
_BUSY = 0.8  # share of a server's connections
_AHEAD = dt.timedelta(days=60)
_RESTORE = "restore the file from a backup"

_INVALID_INDEXES = """
SELECT n.nspname AS schema_name, i.relname AS index_name, t.relname AS table_name
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE NOT x.indisvalid AND n.nspname = ANY (current_schemas(false)) ORDER BY 1, 2"""
_CONNECTIONS = """
SELECT (SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
       CAST(current_setting('max_connections') AS INTEGER)
       - CAST(current_setting('superuser_reserved_connections') AS INTEGER) AS most"""


def health(storage: Storage, now: dt.datetime, *, thorough: bool = False) -> Iterator[Finding]:
    """What is wrong with the database.

    :param thorough: hold every index of a SQLite file against its table, too: takes as long as reading all of it twice.
    :raises SpineError: it cannot be reached or read.
    """
    if isinstance(storage, SqliteStorage):
        yield from _sqlite_integrity(storage, thorough=thorough)
        yield from _sqlite_room(storage)
    elif storage.dialect.name == "postgres":
        yield from _postgres_indexes(storage)
        yield from _postgres_partitions(storage, now)
        yield from _postgres_connections(storage)
    else:
        yield from _catalog(storage)


def _sqlite_integrity(storage: SqliteStorage, *, thorough: bool) -> Iterator[Finding]:
    check = "integrity_check" if thorough else "quick_check"
    for (said,) in storage.query(f"SELECT {check} FROM pragma_{check} LIMIT {_MOST_TOLD}").rows:
        if said != "ok":
            yield Finding("integrity", Severity.CRITICAL, f"{said}; {_RESTORE}")
    broken = f'SELECT DISTINCT "table" AS child, parent FROM pragma_foreign_key_check LIMIT {_MOST_TOLD}'
    for row in storage.query(broken):
        message = f"rows of {row['child']} refer to rows of {row['parent']} that are not there; {_RESTORE}"
        yield Finding("integrity", Severity.CRITICAL, message)


def _sqlite_room(storage: SqliteStorage) -> Iterator[Finding]:
    free = shutil.disk_usage(storage.path.parent).free
    if free < _LITTLE_ROOM:
        severity = Severity.CRITICAL if free < _TOO_LITTLE_ROOM else Severity.WARNING
        message = f"{free // _MB:,} MB are free in {storage.path.parent}, and a load may take as much; make room there"
        yield Finding("space", severity, message)
    if (log := storage.wal_bytes() or 0) > _LARGE_LOG:
        message = (
            f"the write-ahead log {storage.path.name}-wal has grown to {log // _MB:,} MB: some process has been reading for a "
            "long time, and it cannot be emptied before that ends"
        )
        yield Finding("space", Severity.WARNING, message, f"fuser -v {storage.path}")


def _postgres_indexes(storage: Storage) -> Iterator[Finding]:
    for row in storage.query(_INVALID_INDEXES):
        name = f'"{row["schema_name"]}"."{row["index_name"]}"'
        message = f"index {row['index_name']} of {row['table_name']} is invalid: writers keep it, and no read uses it"
        yield Finding("integrity", Severity.WARNING, message, f"psql -c 'REINDEX INDEX CONCURRENTLY {name}'")


def _postgres_partitions(storage: Storage, now: dt.datetime) -> Iterator[Finding]:
    table = OTC_TRANSPARENCY.lines_table
    for day in sorted({now.date().replace(month=1, day=1), (now + _AHEAD).date().replace(month=1, day=1)}):
        if lacks_room(storage, table, day):
            message = (
                f"{table} has no partition for weeks of {day.year}, and this account may not make one; its owner may"
            )
            yield Finding("space", Severity.CRITICAL, message, "airflow spine db upgrade")


def _postgres_connections(storage: Storage) -> Iterator[Finding]:
    [row] = storage.query(_CONNECTIONS)
    if row["used"] >= _BUSY * row["most"]:
        message = (
            f"{row['used']} of the server's {row['most']} connections are in use; run fewer tasks at once, lower pool_size in "
            "the connection's extras, or raise max_connections"
        )
        yield Finding("connections", Severity.WARNING, message)


def _catalog(storage: Storage) -> Iterator[Finding]:
    storage.query(f"SELECT 1 AS answer {storage.dialect.no_table}")
    try:
        storage.tables()
    except SpineError as error:
        message = f"the catalog cannot be read: {error.message}; grant SELECT on SYSCAT.TABLES and SYSCAT.COLUMNS"
        yield Finding("database", Severity.CRITICAL, message)
