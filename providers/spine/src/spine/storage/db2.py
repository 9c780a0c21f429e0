"""IBM Db2, through IBM's own driver (ibm_db_dbi) and SQL text of ours.

Representation: instants are TIMESTAMP(6) in UTC and come back as such; JSON is CLOB, which Db2 can neither compare nor
group. Names are upper case in Db2's catalog and lower case here. The database needs pages of 32 KB: the indexes over
codes and run ids are longer than those of smaller pages may be.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from spine.core.errors import PermissionDenied, SpineError
from spine.storage.arrow_results import result_schema, with_types
from spine.storage.base import Dialect, Params, QueryResult
from spine.storage.db2_driver import open_connection
from spine.storage.db2_errors import translate
from spine.storage.db2_load import ARRAY, bulk_load, checked_path
from spine.storage.db2_rows import arrow_batches, columns_of, pieces, query_result
from spine.storage.pooled import PooledStorage
from spine.storage.sql import bind_values, first_word

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Engine
    from sqlalchemy.pool import PoolProxiedConnection

    from spine.storage.arrow_results import Batches, Types
    from spine.storage.db2_place import Db2Place

_READS = ("SELECT", "WITH", "VALUES")
_VARCHARS = (255, 4000, 32_672)  # few lengths, so that the database knows the statement again
_MOST_DIGITS = 31
_TYPES = {int: "BIGINT", float: "DOUBLE", dt.datetime: "TIMESTAMP", dt.date: "DATE"}  # a datetime is a date as well


def type_of(value: object) -> str | None:
    """The type to which a bound value is cast, wide enough for it; None for what no type can be told of."""
    if isinstance(value, str):
        length = len(value.encode())
        return next((f"VARCHAR({most})" for most in _VARCHARS if length <= most), "CLOB(100M)")
    if isinstance(value, Decimal):
        return _decimal_type(value)
    return next((name for kind, name in _TYPES.items() if isinstance(value, kind)), None)


def _decimal_type(value: Decimal) -> str | None:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):  # not a number
        return None
    scale = max(6, -exponent)
    fits = scale <= _MOST_DIGITS and len(digits) + exponent <= _MOST_DIGITS - scale
    return f"DECIMAL({_MOST_DIGITS}, {scale})" if fits else None


class Db2Session:
    """One checked-out connection."""

    def __init__(self, storage: Db2Storage, connection: PoolProxiedConnection) -> None:
        self.dialect = storage.dialect
        self.failed = False
        self.connection = connection
        self._storage = storage

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        cursor: Any = self.connection.cursor()
        try:
            yield cursor
        except Exception as error:
            self.failed = True
            raise self._storage.translate(error) from error
        finally:
            with suppress(Exception):  # of a connection that is gone
                cursor.close()

    @contextmanager
    def run(self, sql: str, params: Params | None) -> Iterator[Any]:
        """A cursor that has executed a statement."""
        given = {name: self._storage.adapt(value) for name, value in (params or {}).items()}
        text, values = bind_values(sql, self.dialect, given)
        with self.cursor() as cursor:
            cursor.execute(text, values or None)
            yield cursor

    def execute(self, sql: str, params: Params | None = None) -> int:
        with self.run(sql, params) as cursor:
            return int(cursor.rowcount)

    def query(self, sql: str, params: Params | None = None) -> QueryResult:
        with self.run(sql, params) as cursor:
            return query_result(cursor)

    def read_arrow(self, sql: str, params: Params | None = None) -> pa.Table:
        import pyarrow as pa

        with self.run(sql, params) as cursor:
            return pa.Table.from_batches(arrow_batches(cursor))

    def bulk_load(self, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        return bulk_load(self, table, batches, self._storage.bulk_path)


class Db2Storage(PooledStorage[Db2Session]):
    """A Db2 database.

    :param place: server, database, credentials and what else the driver has to know.
    :param bulk_path: ``array``, or ``external`` (see db2_external; never run against a server).
    """

    dialect = Dialect(
        name="db2",
        placeholder="?",
        types={
            "identity": "BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            "integer": "INTEGER",
            "bigint": "BIGINT",
            "decimal": "DECIMAL(24, 6)",
            "double": "DOUBLE",
            "code": "VARCHAR(255)",
            "text": "VARCHAR(4000)",
            "json": "CLOB(1M)",
            "date": "DATE",
            "instant": "TIMESTAMP",
        },
        migration_lock='LOCK TABLE "_migrations" IN EXCLUSIVE MODE',
        create_missing="CREATE TABLE",
        limit_form="FETCH FIRST {n} ROWS ONLY",
        no_table="FROM SYSIBM.SYSDUMMY1",
        type_of=type_of,
    )

    def __init__(self, place: Db2Place, *, bulk_path: str = ARRAY, **pool: Any) -> None:
        self._place = place
        self.bulk_path = checked_path(bulk_path)
        super().__init__(**pool)

    def _connect(self) -> Any:
        connection = open_connection(self._place)
        connection.set_autocommit(True)
        connection.set_fix_return_type(False)  # it asks the driver for the type of every value; see db2_columns
        return connection

    def sqlalchemy_engine(self) -> AbstractContextManager[Engine]:
        from spine.storage.engines import engine_for_a_while

        # The dialect otherwise prints two tracebacks of its own for every statement that is refused.
        return engine_for_a_while("ibm_db_sa://?ibmdbsa_log=false", lambda: open_connection(self._place))

    def _on_connect(self) -> Iterable[str]:
        return ()  # see open_connection

    def _session(self, connection: PoolProxiedConnection) -> Db2Session:
        return Db2Session(self, connection)

    def _begin(self, session: Db2Session) -> None:
        self._driver(session).set_autocommit(False)

    def _commit(self, session: Db2Session) -> None:
        self._end(session, "commit")

    def _roll_back(self, session: Db2Session) -> None:
        self._end(session, "rollback")

    def _end(self, session: Db2Session, how: str) -> None:
        connection = self._driver(session)
        try:
            getattr(connection, how)()
            connection.set_autocommit(True)
        except Exception as error:
            raise self.translate(error) from error

    @staticmethod
    def _driver(session: Db2Session) -> Any:
        return session.connection.driver_connection

    def adapt(self, value: Any) -> Any:
        adapted = super().adapt(value)
        if isinstance(adapted, dt.datetime):
            return adapted.astimezone(dt.UTC).replace(tzinfo=None)
        return adapted

    def translate(self, error: BaseException) -> SpineError:
        return translate(error, self.describe())

    def stream(self, sql: str, params: Params | None = None, *, batch_size: int = 1000) -> Iterator[dict[str, Any]]:
        self._require_reading(sql)
        with self._reading() as session, session.run(sql, params) as cursor:
            columns = columns_of(cursor)
            names = [column.name for column in columns]
            for rows in pieces(cursor, columns, batch_size):
                yield from (dict(zip(names, row, strict=True)) for row in rows)

    @contextmanager
    def _reading(self) -> Iterator[Db2Session]:
        with self.session() as session:
            self._begin(session)
            try:
                yield session
            finally:
                # Also takes back what a data change inside a query did: SELECT ... FROM FINAL TABLE (INSERT ...).
                with suppress(SpineError):
                    self._roll_back(session)

    def _arrow_batches(
        self, session: Db2Session, sql: str, params: Params | None, batch_rows: int, types: Types
    ) -> Batches:
        self._require_reading(sql)
        with session.run(sql, params) as cursor:
            schema = None
            for batch in arrow_batches(cursor, batch_rows):
                schema = schema or result_schema(batch.schema, types)
                yield with_types(batch, schema)

    def _require_reading(self, sql: str) -> None:
        if first_word(sql) not in _READS:
            raise PermissionDenied(
                f"{self.describe()}: a stream only reads; expected {', '.join(_READS)}: {sql.strip()[:120]}"
            )

    def tables(self) -> list[str]:
        sql = "SELECT tabname FROM syscat.tables WHERE tabschema = CURRENT SCHEMA AND type IN ('T', 'V')"
        return sorted(row[0].lower() for row in self.query(sql).rows)

    def columns(self, table: str) -> dict[str, str]:
        sql = (
            "SELECT colname, typename FROM syscat.columns WHERE tabschema = CURRENT SCHEMA AND LOWER(tabname) = :name "
            "ORDER BY colno"
        )
        return {name.lower(): kind for name, kind in self.query(sql, {"name": table}).rows}

    def describe(self) -> str:
        return f"Db2 {self._place}"
