"""Airflow's connections, as steps ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from spine.core.errors import ConfigurationError
from spine.core.redaction import learn_secrets_of
from spine.hooks.storage import StorageHook

if TYPE_CHECKING:
    from spine.finra.client import FinraClient
    from spine.pipelines.connections import ConnectionDetails
    from spine.storage.base import Storage


class AirflowConnections:
    """Secrets backends, environment variables and the metadata database, in Airflow's order."""

    def details(self, conn_id: str) -> ConnectionDetails:
        """:raises ConfigurationError: Airflow knows no such connection."""
        from spine.pipelines.connections import ConnectionDetails

        try:
            found = BaseHook.get_connection(conn_id)
        except AirflowNotFoundException:
            raise ConfigurationError(
                f"there is no connection {conn_id!r}; add it in Airflow, or set AIRFLOW_CONN_{conn_id.upper()}"
            ) from None
        learn_secrets_of(found.password, found.extra_dejson)
        return ConnectionDetails(
            conn_id=conn_id,
            conn_type=found.conn_type or "",
            host=found.host or "",
            port=found.port,
            schema=found.schema or "",
            login=found.login or "",
            password=found.password or "",
            extra=found.extra_dejson,
        )

    @contextmanager
    def storage(self, conn_id: str) -> Iterator[Storage]:
        """The database behind it, closed at the end of the block."""
        self.details(conn_id)
        with closing(StorageHook(conn_id).get_storage()) as storage:
            yield storage

    def finra(self, conn_id: str) -> FinraClient:
        from spine.hooks.finra import FinraHook

        return FinraHook(conn_id).get_client()
