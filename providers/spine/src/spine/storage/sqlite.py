"""SQLite: the embedded default. WAL mode, a busy timeout, and the write lock taken at the start of a transaction.

Representation: dates and instants are ISO text (instants in UTC with microseconds); decimals are stored with NUMERIC
affinity, so whole numbers are exact 64-bit integers and fractions are the nearest double (about 15.9 significant digits).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from spine.core.errors import (
    ConfigurationError,
    DependencyError,
    LoadError,
    PermissionDenied,
    ResourceError,
    SpineError,
    TransformError,
    TransientError,
)
from spine.storage.adbc import AdbcSession, AdbcStorage, utc_text, whole_or_float
from spine.storage.base import Dialect, Params

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_manager.dbapi import Connection, Cursor

_ERRORS: tuple[tuple[str, type[SpineError], str], ...] = (
    ("database is locked", TransientError, "another process held the write lock too long; try again"),
    ("database table is locked", TransientError, "try again"),
    ("constraint failed", LoadError, ""),
    ("database or disk is full", ResourceError, "free some disk space and run again"),
    ("disk i/o error", ResourceError, "check the disk and run again"),
    ("readonly database", PermissionDenied, "make the file and its folder writable"),
    ("unable to open", DependencyError, "check the path in the connection and that its folder exists"),
    ("not a database", ConfigurationError, "the connection's path names a file that is no SQLite database"),
    ("malformed", ResourceError, "restore the database from a backup"),
    ("no such table", ConfigurationError, "run `airflow spine db upgrade`"),
)


class SqliteStorage(AdbcStorage):
    """A SQLite file.

    :param path: the database file; its folder is created.
    :param busy_timeout: seconds to wait for another writer.
    """

    dialect = Dialect(
        name="sqlite",
        placeholder="?{n}",
        types={
            "identity": "INTEGER PRIMARY KEY AUTOINCREMENT",
            "integer": "INTEGER",
            "bigint": "INTEGER",
            "decimal": "NUMERIC",
            "double": "DOUBLE PRECISION",
            "code": "TEXT",
            "text": "TEXT",
            "json": "TEXT",
            "date": "TEXT",
            "instant": "TEXT",
        },
    )
    begin = "BEGIN IMMEDIATE"

    def __init__(self, path: str | Path, *, busy_timeout: float = 30.0, **pool: Any) -> None:
        self.path = Path(path)
        self.busy_timeout = busy_timeout
        super().__init__(**pool)

    def _connect(self) -> Connection:
        import adbc_driver_sqlite.dbapi

        self.path.parent.mkdir(parents=True, exist_ok=True)
        return adbc_driver_sqlite.dbapi.connect(str(self.path), autocommit=True)

    def _on_connect(self) -> Iterable[str]:
        return (
            f"PRAGMA busy_timeout = {int(self.busy_timeout * 1000)}",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = NORMAL",
            "PRAGMA foreign_keys = ON",
        )

    def prepare(self, cursor: Cursor) -> None:
        # The driver infers a column's type from its first batch of rows: let that be the whole result.
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": "1000000000"})

    _adapters: ClassVar[dict[type, Any]] = {dt.datetime: utc_text, dt.date: dt.date.isoformat, Decimal: whole_or_float}

    def adapt(self, value: Any) -> Any:
        adapter = self._adapters.get(type(value))
        return adapter(value) if adapter else super().adapt(value)

    def translate(self, error: BaseException) -> SpineError:
        if isinstance(error, SpineError):
            return error
        text = str(error).partition("\nquery")[0].strip()
        for pattern, kind, way_out in _ERRORS:
            if pattern in text.lower():
                return kind(f"{self.describe()}: {text}" + (f"; {way_out}" if way_out else ""))
        return TransformError(f"{self.describe()}: {text}")

    def load_schema(self, session: AdbcSession, table: str, given: pa.Schema) -> pa.Schema:
        import pyarrow as pa

        def stored(kind: pa.DataType) -> pa.DataType:
            if pa.types.is_decimal(kind):
                return pa.float64()
            return pa.string() if pa.types.is_temporal(kind) or pa.types.is_dictionary(kind) else kind

        return pa.schema([pa.field(field.name, stored(field.type)) for field in given])

    def stream(self, sql: str, params: Params | None = None, *, batch_size: int = 1000) -> Iterator[dict[str, Any]]:
        # The standard library's cursor types each value by itself, so a long result needs no whole-result inference.
        import sqlite3
        from contextlib import closing

        try:
            with closing(sqlite3.connect(self.path, timeout=self.busy_timeout)) as connection:
                connection.row_factory = sqlite3.Row
                cursor = connection.execute(sql, {key: self.adapt(value) for key, value in (params or {}).items()})
                while rows := cursor.fetchmany(batch_size):
                    yield from (dict(row) for row in rows)
        except sqlite3.Error as error:
            raise self.translate(error) from error

    def tables(self) -> list[str]:
        sql = (
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return [row[0] for row in self.query(sql).rows]

    def columns(self, table: str) -> dict[str, str]:
        sql = "SELECT name, type FROM pragma_table_info(:name) ORDER BY cid"
        return dict(self.query(sql, {"name": table}).rows)

    def describe(self) -> str:
        return f"SQLite {self.path}"
