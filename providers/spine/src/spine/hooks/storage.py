"""From an Airflow connection to a Storage."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow.sdk import BaseHook

from spine.core.errors import ConfigurationError
from spine.core.redaction import learn_secrets_of
from spine.core.suggest import did_you_mean
from spine.hooks.db2_fields import storage_of
from spine.hooks.extras import chosen, pool

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from airflow.sdk import Connection

    from spine.storage.arrow_results import Types
    from spine.storage.base import Params, Storage

# libpq's parameters, by how they begin, that a connection's extras hand on to it.
_LIBPQ = ("ssl", "gss", "application_name", "connect_timeout", "keepalives", "options", "target_session_attrs", "tcp_")


class StorageHook(BaseHook):
    """The domain database behind a connection of type ``sqlite``, ``postgres`` or ``db2``.

    :param conn_id: the Airflow connection; its extras may hold ``schema`` (PostgreSQL search path), ``busy_timeout``
        (SQLite, seconds), ``pool_size``, ``max_overflow``, ``pool_timeout`` and libpq's own (``sslmode``, ``options``, ...).
        For Db2: ``currentschema``, ``lock_timeout`` (seconds), and keywords of IBM's CLI (``security``, ...).
    """

    conn_name_attr = "conn_id"
    default_conn_name = "spine_default"
    hook_name = "Spine storage"

    def __init__(self, conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id

    def get_storage(self) -> Storage:
        """A Storage; close it when done.

        :raises ConfigurationError: unknown connection type, or a SQLite connection without a path.
        """
        connection = self.get_connection(self.conn_id)
        learn_secrets_of(connection.password, connection.extra_dejson)
        makers = {"sqlite": _sqlite, "postgres": _postgres, "db2": storage_of}
        kind = connection.conn_type or ""
        if kind not in makers:
            raise ConfigurationError(
                f"connection {self.conn_id!r} has type {kind!r}, which is no Spine database; {did_you_mean(kind, makers)}"
            )
        return makers[kind](connection)

    def get_conn(self) -> Storage:
        return self.get_storage()

    def read_arrow(self, sql: str, params: Params | None = None, *, types: Types | None = None) -> pa.Table:
        """See :func:`spine.storage.frames.read_arrow`."""
        from spine.storage.frames import read_arrow

        with closing(self.get_storage()) as storage:
            return read_arrow(storage, sql, params, types=types)

    def read_pandas(self, sql: str, params: Params | None = None, *, types: Types | None = None) -> pd.DataFrame:
        """See :func:`spine.storage.frames.read_pandas`."""
        from spine.storage.frames import read_pandas

        with closing(self.get_storage()) as storage:
            return read_pandas(storage, sql, params, types=types)

    def test_connection(self) -> tuple[bool, str]:
        """For the button in Airflow's connection form."""
        try:
            with closing(self.get_storage()) as storage:
                storage.query(f"SELECT 1 AS answer {storage.dialect.no_table}")
                return True, f"Connected to {storage.describe()}"
        except Exception as error:  # noqa: BLE001 - the form wants every failure as text
            return False, str(error)


def _sqlite(connection: Connection) -> Storage:
    from spine.storage.sqlite import SqliteStorage

    # Airflow keeps the path in the host field; a URI such as sqlite:////data/spine.db leaves it in schema.
    path = connection.host or (f"/{connection.schema.lstrip('/')}" if connection.schema else "")
    if not path:
        raise ConfigurationError(f"connection {connection.conn_id!r} names no file; put the path in its host field")
    extra = connection.extra_dejson
    return SqliteStorage(path, **chosen(extra, busy_timeout=float), **pool(extra))


def _postgres(connection: Connection) -> Storage:
    from spine.storage.postgres import PostgresStorage

    extra = connection.extra_dejson
    login = (
        f"{quote(connection.login or '', safe='')}:{quote(connection.password or '', safe='')}@"
        if connection.login
        else ""
    )
    name = connection.host or "localhost"
    host = f"[{name}]" if ":" in name else name  # IPv6
    options = {key: value for key, value in extra.items() if key.startswith(_LIBPQ)}
    query = urlencode({"application_name": "spine", "connect_timeout": 10, **options}, quote_via=quote)
    uri = f"postgresql://{login}{host}:{connection.port or 5432}/{quote(connection.schema or 'postgres', safe='')}?{query}"
    return PostgresStorage(uri, schema=extra.get("schema"), **pool(extra))
