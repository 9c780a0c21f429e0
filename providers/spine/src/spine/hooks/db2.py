"""The connection type ``db2``: Airflow's SQL operators and sensors on IBM Db2."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow.providers.common.sql.hooks.sql import DbApiHook

from spine.hooks.db2_fields import place_of
from spine.hooks.storage import StorageHook

if TYPE_CHECKING:
    from pandas import DataFrame
    from sqlalchemy.engine import URL, Engine


class Db2Hook(DbApiHook):
    """IBM Db2, through IBM's own driver; Spine itself reaches it with :class:`StorageHook`.

    :param db2_conn_id: connection of type ``db2``.
    """

    conn_name_attr = "db2_conn_id"
    default_conn_name = "db2_default"
    conn_type = "db2"
    hook_name = "IBM Db2"
    supports_autocommit = True
    supports_executemany = True
    _placeholder = "?"

    def get_conn(self) -> Any:
        from spine.storage.db2_driver import open_connection

        return open_connection(place_of(self.connection))

    @property
    def sqlalchemy_url(self) -> URL:
        from sqlalchemy.engine import URL

        place = place_of(self.connection)
        # The dialect otherwise prints two tracebacks of its own for every statement that is refused.
        query = {"ibmdbsa_log": "false"}
        return URL.create("ibm_db_sa", place.user, place.password, place.host, place.port, place.database, query)

    def get_uri(self) -> str:
        return self.sqlalchemy_url.render_as_string(hide_password=False)

    def get_sqlalchemy_engine(self, engine_kwargs: dict[str, Any] | None = None) -> Engine:
        """Its connections are those of ``get_conn``: of a URL the dialect heeds but five options."""
        return super().get_sqlalchemy_engine({"creator": self.get_conn, **(engine_kwargs or {})})

    def test_connection(self) -> tuple[bool, str]:  # type: ignore[override]  # the base forgot to annotate it
        """For the button in Airflow's connection form."""
        return StorageHook(self.get_conn_id()).test_connection()

    def set_autocommit(self, conn: Any, autocommit: bool) -> None:
        conn.set_autocommit(autocommit)

    def get_autocommit(self, conn: Any) -> bool:
        import ibm_db

        return bool(ibm_db.autocommit(conn.conn_handler))

    @staticmethod
    def _serialize_cell(cell: Any, conn: Any = None) -> Any:
        """A value as the driver binds it: by its type, not as text."""
        if isinstance(cell, dt.datetime) and cell.tzinfo is not None:
            return cell.astimezone(dt.UTC).replace(tzinfo=None)
        return cell

    def _get_pandas_df(self, sql: Any, parameters: Any = None, **kwargs: Any) -> DataFrame:
        from pandas.io.sql import read_sql

        engine = self.get_sqlalchemy_engine()  # pandas warns of connections that are not SQLAlchemy's
        try:
            with engine.connect() as connection:
                return read_sql(sql, con=connection, params=parameters, **kwargs)
        finally:
            engine.dispose()
