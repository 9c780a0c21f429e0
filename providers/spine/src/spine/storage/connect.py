"""From a URL to a Storage: one registry of databases."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean
from spine.storage.base import Storage


def _sqlite(url: str) -> Storage:
    from spine.storage.sqlite import SqliteStorage

    path = unquote(urlsplit(url).path)
    if not path.strip("/"):
        raise ConfigurationError(
            f"{url!r} names no file; expected sqlite:///relative.db or sqlite:////absolute/file.db"
        )
    return SqliteStorage(path[1:])


def _postgres(url: str) -> Storage:
    from spine.storage.postgres import PostgresStorage

    return PostgresStorage(url)


def _db2(url: str) -> Storage:
    from spine.storage.db2 import Db2Storage
    from spine.storage.db2_place import Db2Place

    return Db2Storage(Db2Place.from_url(url))


_DATABASES: dict[str, Callable[[str], Storage]] = {
    "sqlite": _sqlite,
    "postgres": _postgres,
    "postgresql": _postgres,
    "db2": _db2,
}


def connect_storage(url: str) -> Storage:
    """A Storage for ``sqlite:///relative``, ``sqlite:////absolute``, ``postgresql://user:password@host/database`` or
    ``db2://user:password@host:port/database?currentschema=...``.

    :raises ConfigurationError: for another scheme.
    """
    scheme = url.partition(":")[0]
    if scheme not in _DATABASES:
        raise ConfigurationError(
            f"no database is known by the URL scheme {scheme!r}; {did_you_mean(scheme, _DATABASES)}"
        )
    return _DATABASES[scheme](url)
