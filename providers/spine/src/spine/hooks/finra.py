"""From an Airflow connection to a FINRA client."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from spine.core.errors import ConfigurationError
from spine.core.guards import breaker_of
from spine.core.redaction import learn_secret
from spine.core.suggest import did_you_mean

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from spine.finra.client import Environment, FinraClient
    from spine.finra.tuning import Tuning

# Extras as the connection form writes them, and what each must be.
_EXTRAS: dict[str, type] = {
    "environment": str,
    "token_url": str,
    "rows_as": str,
    "page_size": int,
    "max_concurrency": int,
    "timeout": float,
    "requests_per_minute": int,
    "async_requests_per_minute": int,
    "rate_limit_dir": str,
}


class FinraHook(BaseHook):
    """FINRA's Query API behind a connection of type ``finra``.

    Host overrides the API's base URL, login and password are client id and secret; without them FINRA is asked keyless.
    Where ``finra_default`` is not defined, that is production without a key.

    :param conn_id: the Airflow connection.
    """

    conn_name_attr = "conn_id"
    default_conn_name = "finra_default"
    conn_type = "finra"
    hook_name = "FINRA"

    def __init__(self, conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id

    def get_client(self) -> FinraClient:
        """A client; close it when done.

        :raises ConfigurationError: the connection has an option that is unknown or out of bounds, or half a credential.
        """
        connection = self._connection()
        given = dict(connection.extra_dejson) if connection else {}
        breaker = breaker_of(given, self.conn_id)
        given.pop("breaker", None)
        return _client(connection, _checked_extras(given, self.conn_id), breaker)

    def get_conn(self) -> FinraClient:
        return self.get_client()

    def test_connection(self) -> tuple[bool, str]:
        """For the button in Airflow's connection form: asks for one row."""
        try:
            with self.get_client() as client:
                return True, client.ping()
        except Exception as error:  # noqa: BLE001 - the form wants every failure as text
            return False, str(error)

    def _connection(self) -> Connection | None:
        try:
            return self.get_connection(self.conn_id)
        except AirflowNotFoundException:
            if self.conn_id != self.default_conn_name:
                raise
            return None


def _client(connection: Connection | None, extra: Mapping[str, Any], breaker: Mapping[str, Any]) -> FinraClient:
    from spine.finra.auth import FinraCredentials
    from spine.finra.client import Environment, FinraClient
    from spine.finra.limits import machine_folder

    environment = _environment(extra.get("environment") or Environment.PRODUCTION)
    login, password = (connection.login or "", connection.password or "") if connection else ("", "")
    folder = extra.get("rate_limit_dir")
    learn_secret(password)
    return FinraClient(
        base_url=_base_url(connection) or environment.base_url,
        token_url=extra.get("token_url") or environment.token_url,
        credentials=FinraCredentials(login, password) if login or password else None,
        mock=environment is Environment.MOCK,
        tuning=_tuning(extra, breaker),
        limits_folder=Path(folder) if folder else machine_folder(),
        on_token=mask_secret,
    )


def _environment(name: str) -> Environment:
    from spine.finra.client import Environment

    try:
        return Environment(name)
    except ValueError:
        raise ConfigurationError(f"FINRA has no environment '{name}'; {did_you_mean(name, Environment)}") from None


def _base_url(connection: Connection | None) -> str | None:
    """The host as written, or with the scheme and port of their own fields, as a connection URI leaves them."""
    if connection is None or not connection.host:
        return None
    host = connection.host if "://" in connection.host else f"{connection.schema or 'https'}://{connection.host}"
    return f"{host}:{connection.port}" if connection.port else host


def _tuning(extra: Mapping[str, Any], breaker: Mapping[str, Any]) -> Tuning:
    from spine.finra.limits import ASYNC_LIMIT, SYNC_LIMIT
    from spine.finra.tuning import Tuning

    names = {"rows_as": "rows_as", "page_size": "page_rows", "max_concurrency": "concurrency", "timeout": "timeout"}
    return Tuning(
        breaker=breaker,
        sync_limit=SYNC_LIMIT.at(extra.get("requests_per_minute")),
        async_limit=ASYNC_LIMIT.at(extra.get("async_requests_per_minute")),
        **{name: extra[key] for key, name in names.items() if key in extra},
    )


def _checked_extras(extra: Mapping[str, Any], conn_id: str) -> dict[str, Any]:
    """Known options with a value, as what they must be; a form leaves empty ones behind."""
    checked = {}
    for key, value in extra.items():
        if key not in _EXTRAS:
            raise ConfigurationError(f"connection '{conn_id}' has no option '{key}'; {did_you_mean(key, _EXTRAS)}")
        if value in (None, ""):
            continue
        kind = _EXTRAS[key]
        try:
            checked[key] = kind(value)
        except (TypeError, ValueError):
            raise ConfigurationError(
                f"{key} of connection '{conn_id}' is {value!r}; expected {'text' if kind is str else 'a number'}"
            ) from None
    return checked
