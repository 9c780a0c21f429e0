"""From the fields of a connection of type ``db2`` to what IBM's driver is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spine.hooks.extras import chosen, pool

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from spine.storage.base import Storage
    from spine.storage.db2_place import Db2Place


def place_of(connection: Connection) -> Db2Place:
    """
    :raises ConfigurationError: it names no database, or holds what the driver cannot be told.
    """
    from spine.storage.db2_place import DEFAULT_PORT, KEYWORDS, Db2Place

    extra = _extra(connection)
    return Db2Place(
        host=connection.host or "localhost",
        database=connection.schema or "",
        port=connection.port or DEFAULT_PORT,
        user=connection.login or "",
        password=connection.password or "",
        schema=extra.get("currentschema") or "",
        # The connection form leaves empty what was not filled in.
        keywords={name: str(value) for name, value in extra.items() if name in KEYWORDS and value not in (None, "")},
        **chosen(extra, lock_timeout=float),
    )


def storage_of(connection: Connection) -> Storage:
    """
    :raises ConfigurationError: as ``place_of``; an extra is no number, or no way to load.
    """
    from spine.storage.db2 import Db2Storage

    extra = _extra(connection)
    bulk = {"bulk_path": extra["bulk_path"]} if extra.get("bulk_path") else {}
    return Db2Storage(place_of(connection), **bulk, **pool(extra))


def _extra(connection: Connection) -> dict[str, Any]:
    return {name.lower(): value for name, value in connection.extra_dejson.items()}
