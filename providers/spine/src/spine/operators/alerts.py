"""Delivery of alerts as an Airflow task."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class DeliverAlertsOperator(BaseOperator):
    """One round of delivery; its receipt counts what was told. Another process that delivers just now is left to it."""

    def execute(self, context: Context) -> dict[str, Any]:
        from spine.airflow_settings import load_settings
        from spine.alerts.config import load_alert_config
        from spine.alerts.delivery import deliver
        from spine.alerts.telling import with_connections
        from spine.hooks.connections import AirflowConnections
        from spine.hooks.storage import StorageHook
        from spine.pipelines.context import utc_now

        settings, connections = load_settings(), AirflowConnections()
        config = with_connections(load_alert_config(settings.include_dir, settings.environment), connections)
        with closing(StorageHook(settings.storage_conn_id).get_storage()) as storage:
            done = deliver(storage, config, connections, clock=utc_now, execution_id=str(context["run_id"]))
        return done.to_dict()


class RetryDeadLettersOperator(BaseOperator):
    """Run the work of every dead letter whose time has come, here; its receipt counts how they ended."""

    def execute(self, context: Context) -> dict[str, Any]:
        from collections import Counter

        from spine.airflow_settings import load_settings
        from spine.hooks.connections import AirflowConnections
        from spine.hooks.storage import StorageHook
        from spine.workflows.again import retry_due

        settings = load_settings()
        with closing(StorageHook(settings.storage_conn_id).get_storage()) as storage:
            letters = retry_due(storage, settings, AirflowConnections(), by=str(context["run_id"]))
        return dict(Counter(str(letter.status) for letter in letters))
