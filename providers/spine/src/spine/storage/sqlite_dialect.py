"""SQLAlchemy on the SQLite that Spine itself uses. The standard library's would be a second SQLite on one file of one
process, and the two undo each other's locks (see spine.storage.sqlite)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any, ClassVar

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from spine.storage.engines import engine_for_a_while


class AdbcSqliteDialect(SQLiteDialect):
    """For reading: connections stay in autocommit mode, so there is no transaction to end."""

    driver = "adbc"
    supports_statement_cache = True
    default_paramstyle = "qmark"
    _facts: ClassVar = {"paramstyle": "qmark", "sqlite_version_info": (3, 45, 0)}  # older than any that ADBC brings

    @classmethod
    def import_dbapi(cls) -> Any:
        import adbc_driver_sqlite.dbapi as driver

        return SimpleNamespace(**{**vars(driver), **cls._facts})

    def do_begin(self, dbapi_connection: Any) -> None:
        return

    def do_commit(self, dbapi_connection: Any) -> None:
        return

    def do_rollback(self, dbapi_connection: Any) -> None:
        return


class _Connection:
    """The driver's connection, and what users of SQLite through SQLAlchemy expect of it besides."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def create_function(self, *_: Any, **__: Any) -> None:
        """ADBC has no functions of one's own; whoever called them would be told by SQLite."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


registry.register("sqlite.adbc", __name__, "AdbcSqliteDialect")


def engine(connect: Callable[[], Any]) -> AbstractContextManager[Engine]:
    """An engine for a while over connections that ``connect`` opens."""
    return engine_for_a_while("sqlite+adbc://", connect, _Connection)
