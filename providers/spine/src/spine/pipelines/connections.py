"""Where other systems are and how to log in: what a step may ask for by connection id, without knowing Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from spine.core.errors import ConfigurationError

if TYPE_CHECKING:
    from spine.finra.client import FinraClient
    from spine.storage.base import Storage


@dataclass(frozen=True, slots=True)
class ConnectionDetails:
    """A connection as a person set it up; fields as in Airflow's form. Secrets do not show in its ``repr``."""

    conn_id: str
    conn_type: str
    host: str = ""
    port: int | None = None
    schema: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Connections(Protocol):
    """Looks connections up."""

    def details(self, conn_id: str) -> ConnectionDetails:
        """:raises ConfigurationError: there is no such connection."""

    def storage(self, conn_id: str) -> AbstractContextManager[Storage]:
        """The database of a connection, closed at the end of the block.

        :raises ConfigurationError: there is no such connection, or it is no database that Spine knows.
        """

    def finra(self, conn_id: str) -> FinraClient:
        """A client of FINRA's API; without such a connection a keyless one of the production API."""


class NoConnections:
    """For runs that need none."""

    def details(self, conn_id: str) -> ConnectionDetails:
        raise ConfigurationError(f"connection {conn_id!r} is needed, and this run was given no connections")

    def storage(self, conn_id: str) -> AbstractContextManager[Storage]:
        raise ConfigurationError(f"connection {conn_id!r} is needed, and this run was given no connections")

    def finra(self, conn_id: str) -> FinraClient:
        raise ConfigurationError("this run was given no connections, and so no way to FINRA's API")
