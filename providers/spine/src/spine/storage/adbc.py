"""The ADBC leg shared by SQLite and PostgreSQL: SQL and Arrow bulk load on one connection, in one transaction.

Connections stay in the driver's autocommit mode and transactions are opened in SQL, because only so can a SQLite
transaction take its write lock at the start (BEGIN IMMEDIATE) instead of failing half-way.
"""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from spine.core.errors import SpineError
from spine.storage.arrow import conform, to_rows
from spine.storage.arrow_results import result_schema, with_types
from spine.storage.base import Params, QueryResult
from spine.storage.pooled import PooledStorage
from spine.storage.sql import bind_values, checked_identifier

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_manager.dbapi import Connection, Cursor
    from sqlalchemy.pool import PoolProxiedConnection

    from spine.storage.arrow_results import Batches, Types


class AdbcSession:
    """One checked-out connection. Every statement gets a cursor of its own: cursors keep bound values."""

    def __init__(self, storage: AdbcStorage, connection: PoolProxiedConnection) -> None:
        self.dialect = storage.dialect
        self.failed = False
        self._storage = storage
        self.connection = connection

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        cursor: Cursor = self.connection.cursor()  # type: ignore[assignment]
        try:
            yield cursor
        except Exception as error:
            self.failed = True
            raise self._storage.translate(error) from error
        finally:
            cursor.close()

    @contextmanager
    def run(self, sql: str, params: Params | None, options: Mapping[str, str] | None = None) -> Iterator[Cursor]:
        """A cursor that has executed a statement, with options of the driver."""
        text, values = self._bind(sql, params)
        with self._cursor() as cursor:
            cursor.adbc_statement.set_options(**{**self._storage.statement_options, **(options or {})})
            # PostgreSQL's driver puts a query into parentheses, and a comment at its end would hide the last one.
            cursor.execute(f"{text}\n", values or None)
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
        with self.run(sql, params) as cursor:
            table = cursor.fetch_arrow_table()
        return self._storage.plain(table)

    def query(self, sql: str, params: Params | None = None) -> QueryResult:
        with self.run(sql, params) as cursor:
            return self._storage.python_rows(cursor.fetch_arrow_table())

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


class AdbcStorage(PooledStorage[AdbcSession]):
    """A pool of ADBC connections to one database."""

    begin = "BEGIN"
    begin_reading: Sequence[str] = ("BEGIN READ ONLY",)
    end_reading: Sequence[str] = ("ROLLBACK",)
    statement_options: ClassVar[Mapping[str, str]] = {}  # of the driver, for every statement that may have a result

    @abstractmethod
    def _connect(self) -> Connection: ...

    @abstractmethod
    def load_schema(self, session: AdbcSession, table: str, given: pa.Schema) -> pa.Schema:
        """The Arrow types in which the driver accepts ``given`` for a table."""

    def convert(self, column: pa.Array, kind: pa.DataType) -> pa.Array:
        """A column of a bulk load in the type of ``load_schema``."""
        return column.cast(kind)

    def natural_type(self, field: pa.Field) -> pa.DataType:
        """The type of a result's column instead of the driver's own."""
        return field.type

    def python_rows(self, table: pa.Table) -> QueryResult:
        """The rows of a result of the driver."""
        return to_rows(table)

    @abstractmethod
    def _batches(self, session: AdbcSession, sql: str, params: Params | None, batch_rows: int, types: Types) -> Batches:
        """A result of the driver bit by bit: at least one batch, empty or not, and none of more than ``batch_rows``."""

    def plain(self, table: pa.Table) -> pa.Table:
        """A result without the driver's private types."""
        import pyarrow as pa

        schema = self._natural(table.schema)
        if schema.equals(table.schema):
            return table
        return pa.Table.from_batches([with_types(batch, schema) for batch in table.to_batches()], schema)

    def _natural(self, schema: pa.Schema) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([pa.field(field.name, self.natural_type(field)) for field in schema])

    def _session(self, connection: PoolProxiedConnection) -> AdbcSession:
        return AdbcSession(self, connection)

    def _begin(self, session: AdbcSession) -> None:
        session.execute(self.begin)

    def _commit(self, session: AdbcSession) -> None:
        session.execute("COMMIT")

    def _roll_back(self, session: AdbcSession) -> None:
        session.execute("ROLLBACK")

    def stream(self, sql: str, params: Params | None = None, *, batch_size: int = 1000) -> Iterator[dict[str, Any]]:
        import pyarrow as pa

        with self._reading() as session, closing(self._batches(session, sql, params, batch_size, {})) as batches:
            for batch in batches:
                yield from self.python_rows(pa.Table.from_batches([batch]))

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
            session.connection.invalidate()  # half ended: nobody else may get it

    def _arrow_batches(
        self, session: AdbcSession, sql: str, params: Params | None, batch_rows: int, types: Types
    ) -> Batches:
        with closing(self._batches(session, sql, params, batch_rows, types)) as batches:
            schema = None
            for batch in batches:
                schema = schema or result_schema(self._natural(batch.schema), types)
                yield with_types(batch, schema)


def utc_text(value: dt.datetime) -> str:
    """An instant as ISO text in UTC, microseconds always there so that text order is time order."""
    return value.astimezone(dt.UTC).isoformat(timespec="microseconds")


def whole_or_float(value: Decimal) -> int | float:
    """A decimal as SQLite stores it: exact when whole, the nearest double otherwise."""
    return int(value) if value == value.to_integral_value() else float(value)
