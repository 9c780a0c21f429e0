"""The ADBC leg shared by SQLite and PostgreSQL: SQL and Arrow bulk load on one connection, in one transaction.

Connections stay in the driver's autocommit mode and transactions are opened in SQL, because only so can a SQLite
transaction take its write lock at the start (BEGIN IMMEDIATE) instead of failing half-way.
"""

from __future__ import annotations

import datetime as dt
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

from spine.core.errors import DependencyError, LoadError, SpineError, TransformError, TransientError
from spine.storage.base import Dialect, Params, QueryResult
from spine.storage.sql import bind_values, checked_identifier

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_manager.dbapi import Connection, Cursor
    from sqlalchemy.pool import PoolProxiedConnection, QueuePool


class AdbcSession:
    """One checked-out connection. Every statement gets a cursor of its own: cursors keep bound values."""

    def __init__(self, storage: AdbcStorage, connection: PoolProxiedConnection) -> None:
        self.dialect = storage.dialect
        self.failed = False
        self._storage = storage
        self._connection = connection

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        cursor: Cursor = self._connection.cursor()  # type: ignore[assignment]
        try:
            yield cursor
        except Exception as error:
            self.failed = True
            raise self._storage.translate(error) from error
        finally:
            cursor.close()

    @contextmanager
    def _run(self, sql: str, params: Params | None) -> Iterator[Cursor]:
        text, values = self._bind(sql, params)
        with self._cursor() as cursor:
            self._storage.prepare(cursor)
            cursor.execute(text, values or None)
            yield cursor

    def _bind(self, sql: str, params: Params | None) -> tuple[str, tuple[Any, ...]]:
        text, values = bind_values(sql, self.dialect, params)
        return text, tuple(self._storage.adapt(value) for value in values)

    def execute(self, sql: str, params: Params | None = None) -> int:
        text, values = self._bind(sql, params)
        with self._cursor() as cursor:
            # Of the driver's two ways to run a statement only this one reports how many rows it touched.
            cursor.executemany(text, [values] if values else None)
            return cursor.rowcount

    def read_arrow(self, sql: str, params: Params | None = None) -> pa.Table:
        with self._run(sql, params) as cursor:
            return self._storage.plain(cursor.fetch_arrow_table())

    def query(self, sql: str, params: Params | None = None) -> QueryResult:
        with self._run(sql, params) as cursor:
            return to_rows(self._storage.plain(cursor.fetch_arrow_table()))

    def bulk_load(self, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        import pyarrow as pa

        pending = iter(batches)
        first = next(pending, None)
        if first is None:
            return 0
        schema = self._storage.load_schema(self, checked_identifier(table), first.schema)

        maker_errors: list[BaseException] = []

        def cast() -> Iterator[pa.RecordBatch]:
            try:
                for batch in chain([first], pending):
                    yield conform(batch, schema, self._storage.convert)
            except BaseException as error:
                maker_errors.append(error)
                raise

        try:
            with self._cursor() as cursor:
                reader = pa.RecordBatchReader.from_batches(schema, cast())
                return int(cursor.adbc_ingest(table, reader, mode="append"))
        except SpineError:
            # The driver reports an error of whoever makes the batches as one of its own: raise the real one.
            if maker_errors:
                raise maker_errors[0] from None
            raise


class AdbcStorage(ABC):
    """A pool of ADBC connections to one database."""

    dialect: Dialect
    begin = "BEGIN"
    begin_reading: Sequence[str] = ("BEGIN READ ONLY",)
    end_reading: Sequence[str] = ("ROLLBACK",)

    def __init__(self, *, pool_size: int = 5, max_overflow: int = 10, pool_timeout: float = 30.0) -> None:
        from sqlalchemy.pool import QueuePool

        self._pool: QueuePool = QueuePool(
            self._open,  # type: ignore[arg-type]
            pool_size=pool_size,
            max_overflow=max_overflow,
            timeout=pool_timeout,
            reset_on_return=None,  # transactions are ended here, in SQL
        )

    @abstractmethod
    def _connect(self) -> Connection: ...

    @abstractmethod
    def _on_connect(self) -> Iterable[str]:
        """Statements that every new connection starts with."""

    @abstractmethod
    def translate(self, error: BaseException) -> SpineError:
        """A driver's error as a member of our tree."""

    @abstractmethod
    def load_schema(self, session: AdbcSession, table: str, given: pa.Schema) -> pa.Schema:
        """The Arrow types in which the driver accepts ``given`` for a table."""

    @abstractmethod
    def tables(self) -> list[str]: ...

    @abstractmethod
    def columns(self, table: str) -> dict[str, str]: ...

    @abstractmethod
    def describe(self) -> str: ...

    def adapt(self, value: Any) -> Any:
        """A Python value as the driver takes it."""
        if isinstance(value, dt.datetime) and value.tzinfo is None:
            raise SpineError(f"{value!r} has no time zone, and each database would guess another one")
        return json.dumps(value, default=str, sort_keys=True) if isinstance(value, Mapping | list) else value

    def convert(self, column: pa.Array, kind: pa.DataType) -> pa.Array:
        """A column of a bulk load in the type of ``load_schema``."""
        return column.cast(kind)

    def prepare(self, cursor: Cursor) -> None:
        """Driver options for a statement; none by default."""
        return

    def plain(self, table: pa.Table) -> pa.Table:
        """A result without the driver's private types."""
        return table

    def _open(self) -> Connection:
        try:
            connection = self._connect()
            try:
                for statement in self._on_connect():
                    with connection.cursor() as cursor:
                        cursor.execute(statement)
            except BaseException:
                connection.close()
                raise
            return connection
        except Exception as error:
            raise self.translate(error) from error

    @contextmanager
    def session(self) -> Iterator[AdbcSession]:
        """A connection in autocommit mode.

        One that saw an error does not go back to the pool: the driver may have left it inside a transaction or a COPY.
        """
        connection = self._check_out()
        try:
            yield AdbcSession(self, connection)
        except BaseException as error:
            connection.invalidate()
            if isinstance(error, DependencyError):
                self._forget_idle()
            raise
        finally:
            connection.close()

    def _check_out(self) -> PoolProxiedConnection:
        from sqlalchemy.exc import TimeoutError as PoolExhausted

        try:
            return self._pool.connect()
        except PoolExhausted:
            raise TransientError(
                f"{self.describe()}: all connections of this process are in use; raise pool_size in the connection's extras"
            ) from None

    def _forget_idle(self) -> None:
        """Drop every idle connection: the server that one of them lost is lost to all."""
        dead, self._pool = self._pool, self._pool.recreate()
        dead.dispose()

    @contextmanager
    def transaction(self) -> Iterator[AdbcSession]:
        with self.session() as session:
            session.execute(self.begin)
            try:
                yield session
                self._commit(session)
            except BaseException:
                # When this fails the server has ended the transaction itself, or the connection is gone with it.
                with suppress(SpineError):
                    session.execute("ROLLBACK")
                raise

    def _commit(self, session: AdbcSession) -> None:
        # PostgreSQL answers COMMIT with a silent rollback then, SQLite would keep the other statements.
        if session.failed:
            raise TransformError(f"{self.describe()}: a statement of this transaction failed; nothing was committed")
        session.execute("COMMIT")

    def execute(self, sql: str, params: Params | None = None) -> int:
        with self.session() as session:
            return session.execute(sql, params)

    def query(self, sql: str, params: Params | None = None) -> QueryResult:
        with self.session() as session:
            return session.query(sql, params)

    def read_arrow(self, sql: str, params: Params | None = None) -> pa.Table:
        with self.session() as session:
            return session.read_arrow(sql, params)

    def stream(self, sql: str, params: Params | None = None, *, batch_size: int = 1000) -> Iterator[dict[str, Any]]:
        with self._reading() as session:
            for batch in self._batches(session, sql, params, batch_size):
                for start in range(0, batch.num_rows, batch_size):
                    yield from self._plain_rows(batch.slice(start, batch_size))

    @contextmanager
    def _reading(self) -> Iterator[AdbcSession]:
        """A transaction in which the database itself refuses to write."""
        with self.session() as session:
            for statement in self.begin_reading:
                session.execute(statement)
            try:
                yield session
            finally:
                self._end_reading(session)

    def _end_reading(self, session: AdbcSession) -> None:
        try:
            for statement in self.end_reading:
                session.execute(statement)
        except SpineError:
            session._connection.invalidate()  # half ended: nobody else may get it

    def _batches(
        self, session: AdbcSession, sql: str, params: Params | None, batch_size: int
    ) -> Iterator[pa.RecordBatch]:
        with session._run(sql, params) as cursor:
            yield from cursor.fetch_record_batch()

    def _plain_rows(self, batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
        import pyarrow as pa

        return iter(to_rows(self.plain(pa.Table.from_batches([batch]))))

    def close(self) -> None:
        self._pool.dispose()


def to_rows(table: pa.Table) -> QueryResult:
    """Python rows of an Arrow result."""
    columns = [column.to_pylist() for column in table.columns]
    return QueryResult(tuple(table.column_names), list(zip(*columns, strict=True)) if columns else [])


def conform(
    batch: pa.RecordBatch, schema: pa.Schema, convert: Callable[[pa.Array, pa.DataType], pa.Array]
) -> pa.RecordBatch:
    """The batch with its columns in the types of ``schema``.

    :raises LoadError: other columns than those of the first batch, or values that the type cannot hold.
    """
    import pyarrow as pa

    if batch.schema.equals(schema):
        return batch
    if batch.schema.names != schema.names:
        raise LoadError(f"a batch has columns {', '.join(batch.schema.names)}; expected {', '.join(schema.names)}")
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        try:
            columns.append(column if column.type == field.type else convert(column, field.type))
        except pa.ArrowException as error:
            raise LoadError(f"column {field.name} ({column.type}) cannot be stored as {field.type}: {error}") from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def utc_text(value: dt.datetime) -> str:
    """An instant as ISO text in UTC, microseconds always there so that text order is time order."""
    return value.astimezone(dt.UTC).isoformat(timespec="microseconds")


def whole_or_float(value: Decimal) -> int | float:
    """A decimal as SQLite stores it: exact when whole, the nearest double otherwise."""
    return int(value) if value == value.to_integral_value() else float(value)
