"""From Airflow's processes into the outbox of the domain database. Telling never fails, and never stops, what it tells of."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from spine.core.errors import as_spine_error

if TYPE_CHECKING:
    from spine.alerts.model import Alert

log = logging.getLogger(__name__)


def tell_from_airflow(alert: Alert) -> None:
    """Into the outbox, and on its way; at once and unrecorded where the domain database is not there."""
    try:
        _tell(_masked(alert))
    except Exception as error:  # noqa: BLE001 - see above; nobody could act on it here
        log.error("the alert '%s' was not told: %s", alert.title, as_spine_error(error).message)


def tell_ended(alert: Alert, causes: list[str], *, not_of_run: frozenset[str] = frozenset()) -> None:
    """Resolve what fires of these causes about the same source, tier and week.

    :param not_of_run: causes of which what the alert's own run raised stays.
    """
    try:
        _resolve(alert, causes, not_of_run)
    except Exception as error:  # noqa: BLE001 - see above
        log.error("what %s ended was not told: %s", alert.source, as_spine_error(error).message)


def _tell(alert: Alert) -> None:
    from spine.airflow_settings import load_settings
    from spine.alerts.telling import emergency, tell
    from spine.hooks.connections import AirflowConnections
    from spine.hooks.storage import StorageHook
    from spine.pipelines.context import utc_now

    settings, connections = load_settings(), AirflowConnections()
    try:
        storage = StorageHook(settings.storage_conn_id).get_storage()
    except Exception as error:  # noqa: BLE001 - whatever keeps the database away, people hear of the alert
        log.warning("the domain database is not there: %s", as_spine_error(error).message)
        emergency(alert, settings, connections, utc_now())
        return
    with closing(storage):
        tell(alert, storage, settings, connections, utc_now)


def _resolve(alert: Alert, causes: list[str], not_of_run: frozenset[str]) -> None:
    from spine.airflow_settings import load_settings
    from spine.alerts.outbox import end_alerts
    from spine.alerts.stored import firing_of
    from spine.alerts.telling import deliver_soon
    from spine.hooks.connections import AirflowConnections
    from spine.hooks.storage import StorageHook
    from spine.pipelines.context import utc_now

    settings = load_settings()
    with closing(StorageHook(settings.storage_conn_id).get_storage()) as storage:
        fires = {each.fingerprint: each for each in firing_of(storage, alert, causes, utc_now())}
        ended = [each for each in fires.values() if each.cause not in not_of_run or each.run_id != alert.run_id]
        told = {"message": alert.message, "run_id": alert.run_id, "run_url": alert.run_url}
        if end_alerts(storage, ended, utc_now(), **told):
            deliver_soon(storage, settings, AirflowConnections(), utc_now)


def _masked(alert: Alert) -> Alert:
    """Without the secrets that this process has read from connections."""
    from airflow.sdk.log import redact  # type: ignore[attr-defined]  # it is there, and in nobody's __all__

    def masked(text: str) -> str:
        return str(redact(text))

    metadata = {name: masked(str(value)) for name, value in alert.metadata.items()}
    return replace(alert, title=masked(alert.title), message=masked(alert.message), metadata=metadata)
