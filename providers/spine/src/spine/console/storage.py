"""The domain database in the API server: one pool of connections for the process, made at the first request."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowNotFoundException

from spine.airflow_settings import load_settings
from spine.core.errors import ConfigurationError, DependencyError, PermissionDenied
from spine.hooks.storage import StorageHook

if TYPE_CHECKING:
    from spine.storage.base import Storage

_lock = Lock()
_open: list[Storage] = []  # none or one


@contextmanager
def domain_storage() -> Iterator[Storage]:
    """The storage behind ``[spine] storage_conn_id``. Blocks: only for routes that run in a thread.

    After an error that a changed connection would mend, the next request looks the connection up again.

    :raises ConfigurationError: there is no such connection.
    """
    storage = _shared()
    try:
        yield storage
    except (ConfigurationError, DependencyError, PermissionDenied):
        close_storage()
        raise


def close_storage() -> None:
    """Give the connections back; the next request opens new ones."""
    with _lock:
        while _open:
            _open.pop().close()


def _shared() -> Storage:
    with _lock:
        if not _open:
            conn_id = load_settings().storage_conn_id
            try:
                _open.append(StorageHook(conn_id).get_storage())
            except AirflowNotFoundException:
                raise ConfigurationError(
                    f"there is no connection {conn_id!r}; add it under Admin, Connections"
                ) from None
        return _open[0]


# Airflow runs the lifespan of mounted FastAPI objects only, and the console is mounted behind a LazyASGI.
atexit.register(close_storage)
