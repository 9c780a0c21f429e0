"""From Airflow's processes into the outbox of the domain database. Imported when something is told, not when DAG files parse."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from spine.core.errors import as_spine_error

if TYPE_CHECKING:
    from spine.alerts.model import Alert
    from spine.storage.base import Storage

log = logging.getLogger(__name__)


def tell_from_airflow(alert: Alert, *, only_if_firing: bool = False) -> None:
    """Raise an alert and deliver what is due; never fails.

    :param only_if_firing: of the end of something: nothing is told unless the outbox knows of its beginning.
    """
    from spine.airflow_settings import load_settings
    from spine.alerts.telling import emergency, tell
    from spine.hooks.connections import AirflowConnections
    from spine.hooks.storage import StorageHook
    from spine.pipelines.context import utc_now

    try:
        settings, connections = load_settings(), AirflowConnections()
        try:
            with closing(StorageHook(settings.storage_conn_id).get_storage()) as storage:
                if not only_if_firing or is_firing(storage, alert):
                    tell(alert, storage, settings, connections, utc_now)
        except Exception as error:  # noqa: BLE001 - the database may be what is down
            log.warning("the alert '%s' could not be stored: %s", alert.title, as_spine_error(error).message)
            if not only_if_firing:
                emergency(alert, settings, connections, utc_now())
    except Exception as error:  # noqa: BLE001 - telling never fails what it tells of
        log.error("the alert '%s' reaches nobody: %s", alert.title, as_spine_error(error).message)


def is_firing(storage: Storage, alert: Alert) -> bool:
    """Whether the outbox has it as firing."""
    newest = storage.query(
        "SELECT state FROM core_alerts WHERE fingerprint = :fingerprint ORDER BY raised_at DESC, state DESC "
        + storage.dialect.limit(1),
        {"fingerprint": alert.fingerprint},
    ).scalar
    return str(newest) == "FIRING"


def with_run_page(alert: Alert, dag_id: str, run_id: str) -> Alert:
    """With the address of the run's page, as ``[api] base_url`` gives it."""
    from airflow.configuration import conf

    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    if not base:
        return alert
    return replace(alert, run_url=f"{base}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}")
