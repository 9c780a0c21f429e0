"""What the rest of Spine may ask of a database, whichever it is.

SQL is written once, in the portable core of SQLite, PostgreSQL and Db2, with named parameters (``:tier``). A
``Session`` is one connection in one transaction; a ``Storage`` hands sessions out. Helpers take a session and never
commit: the transaction is opened, and ended, in one place per use case.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from spine.storage.arrow_results import BATCH_ROWS, Types

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Engine

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows of a small result, in order."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    @property
    def first(self) -> dict[str, Any] | None:
        return next(iter(self), None)

    @property
    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        return self.rows[0][0] if self.rows else None


@dataclass(frozen=True, slots=True)
class Dialect:
    """Facts of a database that SQL text cannot avoid.

    :param placeholder: form of the n-th (1-based) parameter, e.g. ``${n}``.
    :param types: what ``${decimal}``, ``${instant}``, ... in a migration become.
    :param migration_lock: statement that makes concurrent migrations take turns, or empty; the table ``_migrations`` is there.
    :param create_missing: how a statement begins that makes a table; where it cannot say IF NOT EXISTS, it may fail.
    :param limit_form: how to keep the first ``{n}`` rows.
    :param no_table: what follows the list of a SELECT that reads no table.
    :param type_of: the SQL type to which a bound value is cast, or None to leave it to the database. Where a parameter
        stands alone in a SELECT list, Db2 cannot tell its type.
    """

    name: str
    placeholder: str
    types: Mapping[str, str]
    migration_lock: str = ""
    create_missing: str = "CREATE TABLE IF NOT EXISTS"
    limit_form: str = "LIMIT {n}"
    no_table: str = ""
    type_of: Callable[[object], str | None] | None = None

    def mark(self, number: int, value: object) -> str:
        """The parameter marker, counted from 1, of a bound value."""
        placeholder = self.placeholder.format(n=number)
        kind = self.type_of(value) if self.type_of else None
        return f"CAST({placeholder} AS {kind})" if kind else placeholder

    def limit(self, rows: int) -> str:
        """The clause, at a statement's end, that keeps its first rows."""
        return self.limit_form.format(n=int(rows))


class Session(Protocol):
    """One transaction."""

    dialect: Dialect

    def execute(self, sql: str, params: Params | None = None) -> int:
        """Run one statement; the number of rows it touched (-1 where the database does not tell)."""

    def query(self, sql: str, params: Params | None = None) -> QueryResult:
        """Run one statement and fetch all of its (few) rows."""

    def read_arrow(self, sql: str, params: Params | None = None) -> pa.Table:
        """The result as one Arrow table."""

    def bulk_load(self, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Append Arrow batches (all of one schema, column names as in the table); the number of rows loaded.

        :raises LoadError: a constraint refused a row; the transaction is then only good for a rollback.
        """


class Storage(Protocol):
    """A database."""

    dialect: Dialect

    def transaction(self) -> AbstractContextManager[Session]:
        """One transaction: committed when the block ends, rolled back when it raises."""

    def execute(self, sql: str, params: Params | None = None) -> int: ...

    def query(self, sql: str, params: Params | None = None) -> QueryResult: ...

    def read_arrow(self, sql: str, params: Params | None = None, *, types: Types | None = None) -> pa.Table:
        """The whole result, in the same types as ``stream_arrow``."""

    def stream_arrow(
        self, sql: str, params: Params | None = None, *, batch_rows: int = BATCH_ROWS, types: Types | None = None
    ) -> AbstractContextManager[pa.RecordBatchReader]:
        """The result as batches of at most ``batch_rows`` rows, holding few of them, in a transaction that cannot write.

        A column has one type for the whole result: the query's, or on SQLite what the values of the whole result are.

        :param types: Arrow types for columns, by name, instead of those.
        :raises TransformError: a value that its type cannot hold.
        """

    def stream(self, sql: str, params: Params | None = None, *, batch_size: int = 1000) -> Iterator[dict[str, Any]]:
        """Rows one by one, holding few times ``batch_size`` of them, in a transaction that cannot write."""

    def tables(self) -> list[str]:
        """Names of tables and views, sorted."""

    def columns(self, table: str) -> dict[str, str]:
        """Column names and the database's own type names, in order; empty when there is no such table."""

    def room_for(self, table: str, week_ending: dt.date) -> str:
        """The table that a week's rows of ``table`` are loaded into: a partition of it, made when missing, or itself.

        Not to be called inside a transaction: it has one of its own.
        """

    def refresh_statistics(self, table: str, rows: int) -> None:
        """After a commit that added ``rows`` to a table (or to what ``room_for`` answered): let reads be planned for them."""

    def sqlalchemy_engine(self) -> AbstractContextManager[Engine]:
        """An engine of SQLAlchemy's for those who read through it; at the block's end all of its connections are closed."""

    def describe(self) -> str:
        """Where the data is, without a password."""

    def close(self) -> None: ...
