"""PostgreSQL: the production database. Pooled connections, COPY through ADBC, exact NUMERIC quantities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from spine.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    DependencyError,
    LoadError,
    PermissionDenied,
    ResourceError,
    SpineError,
    TransformError,
    TransientError,
)
from spine.storage import postgres_partitions, postgres_results, postgres_statistics
from spine.storage.adbc import AdbcSession, AdbcStorage
from spine.storage.base import Dialect, Params, QueryResult

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_manager.dbapi import Connection
    from sqlalchemy import Engine

    from spine.storage.arrow_results import Batches, Types

# SQLSTATE prefixes, the longest match wins (PostgreSQL documentation, appendix A).
_SQLSTATES: dict[str, type[SpineError]] = {
    "08": DependencyError,
    "22": LoadError,
    "23": LoadError,
    "25006": PermissionDenied,
    "28": PermissionDenied,
    "3D000": ConfigurationError,
    "40": TransientError,
    "42501": PermissionDenied,
    "42703": ConfigurationError,
    "42P01": ConfigurationError,
    "53": ResourceError,
    "55P03": TransientError,
    "57014": DeadlineExceeded,
    "57P": DependencyError,
}
_BEHIND = ("42703", "42P01")  # no such column or table: the database may lack a migration
# What libpq says without a SQLSTATE; the first match wins.
_WORDS: tuple[tuple[str, type[SpineError]], ...] = (
    ("password authentication failed", PermissionDenied),
    ("no password supplied", PermissionDenied),
    ("no pg_hba.conf entry", PermissionDenied),
    ('fatal:  role "', PermissionDenied),
    ('fatal:  database "', ConfigurationError),
    ("could not connect", DependencyError),
    ("could not translate host name", DependencyError),
    ("connection to server", DependencyError),
    ("server closed the connection", DependencyError),
    ("no connection to the server", DependencyError),
    ("terminating connection", DependencyError),
)
# libpq by itself waits for ever to connect, and two hours until it asks whether a silent server is still there.
_PATIENCE = {"connect_timeout": 10, "keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 6}
_MALFORMED = (
    "the PostgreSQL URL is malformed; expected postgresql://user:password@host:port/database, with special characters "
    "percent-encoded"
)


class PostgresStorage(AdbcStorage):
    """A PostgreSQL database.

    :param uri: libpq URI, ``postgresql://user:password@host:port/database``.
    :param schema: where our tables are and are sought, and nowhere else; without it, the server's search path.
    :raises ConfigurationError: the URI is malformed. It is not quoted: it may hold a password.
    """

    dialect = Dialect(
        name="postgres",
        placeholder="${n}",
        types={
            "identity": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            "integer": "INTEGER",
            "bigint": "BIGINT",
            "decimal": "NUMERIC(24, 6)",
            "double": "DOUBLE PRECISION",
            # Codes compare by bytes: the same order on every database, and no locale on the way to an index.
            "code": 'TEXT COLLATE "C"',
            "text": "TEXT",
            "json": "TEXT",
            "date": "DATE",
            "instant": "TIMESTAMPTZ",
        },
        migration_lock='LOCK TABLE "_migrations" IN EXCLUSIVE MODE',
    )

    def __init__(self, uri: str, *, schema: str | None = None, **pool: Any) -> None:
        self._uri = uri
        self._place = _place(uri)
        self._schema = schema
        super().__init__(**pool)

    def _connect(self) -> Connection:
        import adbc_driver_postgresql.dbapi

        try:
            connection: Connection = adbc_driver_postgresql.dbapi.connect(patient(self._uri), autocommit=True)
        except Exception as error:
            if any(words in str(error).lower() for words, _ in _WORDS):
                raise
            raise ConfigurationError(_MALFORMED) from None  # libpq's own message quotes pieces of the URI
        return connection

    def sqlalchemy_engine(self) -> AbstractContextManager[Engine]:
        import psycopg2

        from spine.storage.engines import engine_for_a_while

        schema = self._schema and f'"{self._schema.replace(chr(34), chr(34) * 2)}"'
        options = {"options": f"-c search_path={schema}"} if schema else {}
        return engine_for_a_while("postgresql+psycopg2://", lambda: psycopg2.connect(patient(self._uri), **options))

    def _on_connect(self) -> Iterable[str]:
        yield "SET TIME ZONE 'UTC'"
        # A plan over partitions costs, on paper, what all of them cost, and would be compiled for longer than it runs.
        yield "SET jit = off"
        if self._schema:
            yield f'SET search_path TO "{self._schema.replace(chr(34), chr(34) * 2)}"'

    def _check(self, connection: Connection) -> None:
        """A search path leaves out, without a word, what does not exist or may not be used."""
        if not self._schema:
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema() AS name")
            row = cursor.fetchone()
        if not row or row[0] != self._schema:
            raise ConfigurationError(
                f"{self.describe()}: there is no schema {self._schema!r}, or it may not be used; create it, grant USAGE on "
                "it, or correct the connection's extra schema"
            )

    # Results are read to their end, and not given up after a tenth of their rows, as PostgreSQL plans cursors for.
    begin_reading = ("BEGIN READ ONLY", "SET LOCAL cursor_tuple_fraction = 1")

    def adapt(self, value: Any) -> Any:
        adapted = super().adapt(value)
        if isinstance(adapted, dt.datetime):
            # The driver puts a BEGIN and a COMMIT of its own around a statement with a zoned value, and that COMMIT would
            # end our transaction. A value without a zone is read in the session's, which is UTC.
            return adapted.astimezone(dt.UTC).replace(tzinfo=None)
        return adapted

    def translate(self, error: BaseException) -> SpineError:
        if isinstance(error, SpineError):
            return error
        state = getattr(error, "sqlstate", None) or ""
        prefix = next((state[:length] for length in (5, 3, 2) if state[:length] in _SQLSTATES), "")
        kind = _SQLSTATES.get(prefix, TransformError)
        kind = next((ours for words, ours in _WORDS if words in str(error).lower()), kind)
        way_out = "; run `airflow spine db upgrade`" if state in _BEHIND else ""
        text = str(error).partition("\nQuery was:")[0].strip()
        return kind(f"{self.describe()}: {text}{way_out}", context={"sqlstate": state})

    def load_schema(self, session: AdbcSession, table: str, given: pa.Schema) -> pa.Schema:
        import pyarrow as pa

        # Binary COPY takes exactly the column's type: read it off an empty result.
        names = ", ".join(f'"{field.name}"' for field in given)
        with session.run(f"SELECT {names} FROM {table} WHERE 1 = 0", None) as cursor:  # names come from our schemas
            target = cursor.fetch_arrow_table().schema

        def accepted(field: pa.Field) -> pa.DataType:
            if not postgres_results.is_numeric(field.type):
                return field.type
            kind = given.field(field.name).type
            return kind if pa.types.is_decimal(kind) else pa.decimal128(38, 6)

        return pa.schema([pa.field(field.name, accepted(field)) for field in target])

    def natural_type(self, field: pa.Field) -> pa.DataType:
        return postgres_results.natural_type(field)

    def python_rows(self, table: pa.Table) -> QueryResult:
        return postgres_results.python_rows(table)

    def _batches(self, session: AdbcSession, sql: str, params: Params | None, batch_rows: int, types: Types) -> Batches:
        return postgres_results.read_batches(session, sql, params, batch_rows)

    def tables(self) -> list[str]:
        sql = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false)) "
            "AND NOT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relispartition AND n.nspname = table_schema AND c.relname = table_name) ORDER BY 1"
        )
        return [row[0] for row in self.query(sql).rows]

    def columns(self, table: str) -> dict[str, str]:
        sql = (
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = ANY (current_schemas(false)) AND table_name = :name ORDER BY ordinal_position"
        )
        return dict(self.query(sql, {"name": table}).rows)

    def room_for(self, table: str, week_ending: dt.date) -> str:
        return postgres_partitions.room_for(self, table, week_ending)

    def refresh_statistics(self, table: str, rows: int) -> None:
        postgres_statistics.refresh_statistics(self, table, rows)

    def describe(self) -> str:
        return f"PostgreSQL {self._place}"


def patient(uri: str) -> str:
    """The URI with an end to waiting for a server that is not there, in so far as it has none of its own."""
    given = urlsplit(uri).query
    added = urlencode({name: value for name, value in _PATIENCE.items() if f"{name}=" not in given})
    return f"{uri}{'&' if '?' in uri else '?'}{added}" if added else uri


def _place(uri: str) -> str:
    """Host, port and database of a URI."""
    try:
        parts = urlsplit(uri)
        place = f"{parts.hostname or 'local'}:{parts.port or 5432}{parts.path}"
    except ValueError:
        raise ConfigurationError(_MALFORMED) from None
    if "@" in place:  # a slash in the password
        raise ConfigurationError(_MALFORMED)
    return place
