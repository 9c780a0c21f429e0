"""What every database with a pool of connections has in common, whichever driver is behind it."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from spine.core.errors import DependencyError, SpineError, TransformError, TransientError
from spine.storage.arrow_results import BATCH_ROWS, one_reader
from spine.storage.base import Dialect, Params, QueryResult, Session
from spine.storage.storable import storable_value

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Engine
    from sqlalchemy.pool import PoolProxiedConnection, QueuePool

    from spine.storage.arrow_results import Batches, Types


class PooledSession(Session, Protocol):
    """One checked-out connection."""

    failed: bool
    """Whether a statement was refused: the transaction is then only good for a rollback."""


S = TypeVar("S", bound=PooledSession)


class PooledStorage(ABC, Generic[S]):
    """A pool of connections to one database. Connections are in autocommit mode outside ``transaction()``."""

    dialect: Dialect

    def __init__(self, *, pool_size: int = 5, max_overflow: int = 10, pool_timeout: float = 30.0) -> None:
        from sqlalchemy.pool import QueuePool

        self._pool: QueuePool = QueuePool(
            self._open,
            pool_size=pool_size,
            max_overflow=max_overflow,
            timeout=pool_timeout,
            reset_on_return=None,  # transactions are ended here
        )

    @abstractmethod
    def _connect(self) -> Any:
        """A new connection of the driver, in autocommit mode."""

    @abstractmethod
    def _on_connect(self) -> Iterable[str]:
        """Statements that every new connection starts with."""

    def _check(self, connection: Any) -> None:
        """Refuse a new connection that leads elsewhere than was meant."""
        return

    @abstractmethod
    def _session(self, connection: PoolProxiedConnection) -> S: ...

    @abstractmethod
    def translate(self, error: BaseException) -> SpineError:
        """A driver's error as a member of our tree."""

    @abstractmethod
    def _begin(self, session: S) -> None: ...

    @abstractmethod
    def _commit(self, session: S) -> None: ...

    @abstractmethod
    def _roll_back(self, session: S) -> None: ...

    @abstractmethod
    def tables(self) -> list[str]: ...

    @abstractmethod
    def columns(self, table: str) -> dict[str, str]: ...

    @abstractmethod
    def describe(self) -> str: ...

    def room_for(self, table: str, week_ending: dt.date) -> str:
        return table

    def refresh_statistics(self, table: str, rows: int) -> None:
        return

    def adapt(self, value: Any) -> Any:
        """A Python value as the driver takes it."""
        return storable_value(value)

    def _open(self) -> Any:
        try:
            connection = self._connect()
            try:
                for statement in self._on_connect():
                    cursor = connection.cursor()
                    cursor.execute(statement)
                    cursor.close()
                self._check(connection)
            except BaseException:
                connection.close()
                raise
            return connection
        except Exception as error:
            raise self.translate(error) from error

    @abstractmethod
    def sqlalchemy_engine(self) -> AbstractContextManager[Engine]:
        """An engine of SQLAlchemy's for those who read through it, disposed of at the block's end."""

    @contextmanager
    def session(self) -> Iterator[S]:
        """A connection in autocommit mode.

        One that saw an error does not go back to the pool: the driver may have left it inside a transaction or a COPY.
        """
        connection = self._check_out()
        try:
            yield self._session(connection)
        except BaseException as error:
            if connection.is_valid:
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
    def transaction(self) -> Iterator[S]:
        with self.session() as session:
            self._begin(session)
            try:
                yield session
                # PostgreSQL answers COMMIT with a silent rollback then, others would keep the other statements.
                if session.failed:
                    raise TransformError(
                        f"{self.describe()}: a statement of this transaction failed; nothing was committed"
                    )
                self._publish(session)
            except BaseException:
                # When this fails the server has ended the transaction itself, or the connection is gone with it.
                with suppress(SpineError):
                    self._roll_back(session)
                raise

    def _publish(self, session: S) -> None:
        try:
            self._commit(session)
        except DependencyError as error:
            raise DependencyError(
                f"{error.message}; the connection broke during COMMIT, so the transaction may or may not be there: run again, "
                "for what is there is recognised",
                context=error.context,
            ) from error

    def execute(self, sql: str, params: Params | None = None) -> int:
        with self.session() as session:
            return session.execute(sql, params)

    def query(self, sql: str, params: Params | None = None) -> QueryResult:
        with self.session() as session:
            return session.query(sql, params)

    def read_arrow(self, sql: str, params: Params | None = None, *, types: Types | None = None) -> pa.Table:
        if types:
            with self.stream_arrow(sql, params, types=types) as reader:
                return reader.read_all()
        with self.session() as session:
            return session.read_arrow(sql, params)

    @contextmanager
    def stream_arrow(
        self, sql: str, params: Params | None = None, *, batch_rows: int = BATCH_ROWS, types: Types | None = None
    ) -> Iterator[pa.RecordBatchReader]:
        with (
            self._reading() as session,
            one_reader(self._arrow_batches(session, sql, params, batch_rows, types or {}), self.describe()) as reader,
        ):
            yield reader

    @abstractmethod
    def _reading(self) -> AbstractContextManager[S]:
        """A transaction that cannot write."""

    @abstractmethod
    def _arrow_batches(self, session: S, sql: str, params: Params | None, batch_rows: int, types: Types) -> Batches:
        """A result bit by bit, in its types and those asked for: at least one batch, empty or not."""

    @abstractmethod
    def stream(self, sql: str, params: Params | None = None, *, batch_size: int = 1000) -> Iterator[dict[str, Any]]: ...

    def close(self) -> None:
        self._pool.dispose()
