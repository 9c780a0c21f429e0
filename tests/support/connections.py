"""Connections for tests, without Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from spine.core.errors import ConfigurationError
from spine.pipelines.connections import ConnectionDetails
from spine.storage.base import Storage
from tests.support.storage import open_storage


class GivenConnections:
    """HTTP connections by id; databases by URL."""

    def __init__(self, *details: ConnectionDetails, databases: dict[str, str] | None = None) -> None:
        self._details = {each.conn_id: each for each in details}
        self._databases = databases or {}

    def details(self, conn_id: str) -> ConnectionDetails:
        if conn_id in self._databases:
            return ConnectionDetails(conn_id, "database")
        try:
            return self._details[conn_id]
        except KeyError:
            raise ConfigurationError(f"there is no connection {conn_id!r}") from None

    @contextmanager
    def storage(self, conn_id: str) -> Iterator[Storage]:
        with open_storage(self._databases[conn_id]) as storage:
            yield storage

    def finra(self, conn_id: str) -> Any:
        raise ConfigurationError("these tests have no way to FINRA's API")
