"""SQLite: the embedded default. WAL mode, writers in a queue, and the write lock taken at the start of a transaction.

A file is for the processes of one machine: neither WAL nor the queue works on a network drive.
Never open the same file with the standard library's sqlite3 in one process: its closing drops the locks that the ADBC
driver's own copy of SQLite holds, and both then overwrite each other (https://sqlite.org/howtocorrupt.html, 2.2).

Representation: dates and instants are ISO text (instants in UTC with microseconds); decimals are stored with NUMERIC
affinity, so whole numbers are exact 64-bit integers and fractions are the nearest double (about 15.9 significant digits).
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
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
from spine.storage import sqlite_results
from spine.storage.adbc import AdbcSession, AdbcStorage, utc_text, whole_or_float
from spine.storage.base import Dialect, Params
from spine.storage.sql import first_word
from spine.storage.sqlite_columns import load_schema
from spine.storage.writer_queue import writer_queue

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_manager.dbapi import Connection
    from sqlalchemy import Engine
    from sqlalchemy.pool import PoolProxiedConnection

    from spine.storage.arrow_results import Batches, Types

_READS = ("SELECT", "WITH", "VALUES", "EXPLAIN", "PRAGMA")
_COLUMNS = "SELECT name, type FROM pragma_table_info(:name) ORDER BY cid"
_MOST_WAL_BYTES = 64 * 2**20

_ERRORS: tuple[tuple[str, type[SpineError], str], ...] = (
    ("database is locked", TransientError, "another process held the write lock too long; try again"),
    ("database table is locked", TransientError, "try again"),
    ("constraint failed", LoadError, ""),
    ("database or disk is full", ResourceError, "free some disk space and run again"),
    ("disk i/o error", ResourceError, "check the disk and run again"),
    ("readonly database", PermissionDenied, "make the file and its folder writable"),
    ("unable to open", DependencyError, "check the path in the connection and that its folder may be written"),
    ("failed to open", DependencyError, "check the path in the connection and that its folder may be written"),
    ("not a database", ConfigurationError, "the connection's path names a file that is no SQLite database"),
    ("disk image is malformed", ResourceError, "restore the database from a backup"),
    ("no such table", ConfigurationError, "run `airflow spine db upgrade`"),
    ("no such column", ConfigurationError, "run `airflow spine db upgrade`"),
    ("no column named", ConfigurationError, "run `airflow spine db upgrade`"),
    ("datatype mismatch", LoadError, ""),
)


class SqliteStorage(AdbcStorage):
    """A SQLite file.

    :param path: the database file; its folder is created.
    :param busy_timeout: seconds that one other writer may keep us waiting.
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
    begin_reading = ("PRAGMA query_only = ON", "BEGIN")
    end_reading = ("ROLLBACK", "PRAGMA query_only = OFF")
    # The driver infers a column's type from its first batch of rows: let that be the whole result.
    statement_options: ClassVar = {sqlite_results.BATCH_ROWS_OPTION: "1000000000"}

    def __init__(self, path: str | Path, *, busy_timeout: float = 30.0, **pool: Any) -> None:
        self.path = Path(path)
        self.busy_timeout = busy_timeout
        self._queue = writer_queue(self.path)
        super().__init__(**pool)

    def _open(self) -> Any:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.translate(error) from error
        # Without a WAL file there is no other connection, or the file is new: of several that turn on WAL mode at the same
        # moment SQLite refuses some.
        with nullcontext() if self.wal_bytes() is not None else self._queue.turn(self.busy_timeout):
            return super()._open()

    def _connect(self) -> Connection:
        import adbc_driver_sqlite.dbapi

        if self.path.is_dir():
            raise ConfigurationError(f"{self.describe()} is a folder; name a file in it")
        if not (self.path.exists() or os.access(self.path.parent, os.W_OK)):  # the driver would say "out of memory"
            raise PermissionDenied(f"{self.describe()} cannot be made; make its folder writable")
        return adbc_driver_sqlite.dbapi.connect(str(self.path), autocommit=True)

    def _on_connect(self) -> Iterable[str]:
        return (
            f"PRAGMA busy_timeout = {int(self.busy_timeout * 1000)}",
            "PRAGMA journal_mode = WAL",
            f"PRAGMA journal_size_limit = {_MOST_WAL_BYTES}",
            "PRAGMA synchronous = NORMAL",
            "PRAGMA foreign_keys = ON",
        )

    def sqlalchemy_engine(self) -> AbstractContextManager[Engine]:
        from spine.storage.sqlite_dialect import engine

        return engine(self._open)

    def _session(self, connection: PoolProxiedConnection) -> AdbcSession:
        self._require_its_file(connection)
        return super()._session(connection)

    def _require_its_file(self, connection: PoolProxiedConnection) -> None:
        """A connection goes on with the file it opened when another has taken its name, and what it writes is lost.

        :raises DependencyError: that is so; the next connection opens what there is now.
        """
        try:
            found = self.path.stat()
            file = (found.st_dev, found.st_ino)
        except OSError:
            file = None
        if connection.info.setdefault("file", file) != file:
            raise DependencyError(
                f"{self.describe()}: the file was removed or replaced while it was in use; put it back while nothing uses it, "
                "and run again"
            )

    @contextmanager
    def transaction(self) -> Iterator[AdbcSession]:
        with self._queue.turn(self.busy_timeout):
            with super().transaction() as session:
                yield session
                self._require_its_file(session.connection)
            if (self.wal_bytes() or 0) > _MOST_WAL_BYTES:
                self._empty_wal()

    def execute(self, sql: str, params: Params | None = None) -> int:
        with nullcontext() if first_word(sql) in _READS else self._queue.turn(self.busy_timeout):
            return super().execute(sql, params)

    def vacuum(self) -> int:
        """Write the file anew without the room of deleted rows; the bytes given back. Others may read, not write, meanwhile.

        :raises ResourceError: the disk has no room for the copies that this takes.
        """
        before = self._bytes()
        if (free := shutil.disk_usage(self.path.parent).free) < 2 * before:
            raise ResourceError(f"{self.describe()}: {free:,} bytes are free, and a vacuum may take {2 * before:,}")
        with self._queue.turn(self.busy_timeout):
            super().execute("VACUUM")
            self._empty_wal()
        return before - self._bytes()

    def _bytes(self) -> int:
        return int(self.query("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").scalar)

    def wal_bytes(self) -> int | None:
        """Size of the write-ahead log, None where there is none."""
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size
        except OSError:
            return None

    def _empty_wal(self) -> None:
        """Give its space back, unless a reader is at it just now: then a later commit will. Its pages are in the database
        already, put there by SQLite at the end of the commit."""
        with suppress(SpineError), self.session() as session:
            session.query("PRAGMA busy_timeout = 0")
            session.query("PRAGMA wal_checkpoint(TRUNCATE)")
            session.query(f"PRAGMA busy_timeout = {int(self.busy_timeout * 1000)}")

    def _batches(self, session: AdbcSession, sql: str, params: Params | None, batch_rows: int, types: Types) -> Batches:
        return sqlite_results.read_batches(session, sql, params, batch_rows, types)

    _adapters: ClassVar[dict[type, Any]] = {dt.datetime: utc_text, dt.date: dt.date.isoformat, Decimal: whole_or_float}

    def adapt(self, value: Any) -> Any:
        value = super().adapt(value)
        adapter = self._adapters.get(type(value))
        return adapter(value) if adapter else value

    def translate(self, error: BaseException) -> SpineError:
        if isinstance(error, SpineError):
            return error
        if isinstance(error, OSError):  # making the folder
            refused = PermissionDenied if isinstance(error, PermissionError) else ConfigurationError
            return refused(f"{self.describe()}: its folder cannot be made: {error.strerror}")
        text = str(error).partition("\nquery")[0].strip()
        for pattern, kind, way_out in _ERRORS:
            if pattern in text.lower():
                return kind(f"{self.describe()}: {text}" + (f"; {way_out}" if way_out else ""))
        return TransformError(f"{self.describe()}: {text}")

    def load_schema(self, session: AdbcSession, table: str, given: pa.Schema) -> pa.Schema:
        return load_schema(dict(session.query(_COLUMNS, {"name": table}).rows), given)

    def convert(self, column: pa.Array, kind: pa.DataType) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_timestamp(column.type):  # as utc_text writes it
            return pc.strftime(column.cast(pa.timestamp("us", "UTC")), "%Y-%m-%dT%H:%M:%S+00:00")
        if pa.types.is_decimal(column.type):
            # By way of text: Arrow's direct cast is off by one in the last place for every third value.
            return column.cast(pa.string()).cast(kind)
        return column.cast(kind)

    def tables(self) -> list[str]:
        sql = (
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return [row[0] for row in self.query(sql).rows]

    def columns(self, table: str) -> dict[str, str]:
        return dict(self.query(_COLUMNS, {"name": table}).rows)

    def describe(self) -> str:
        return f"SQLite {self.path}"
