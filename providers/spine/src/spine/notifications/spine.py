"""A notifier for any DAG: an alert by Spine's routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context


class SpineNotifier(BaseNotifier):
    """Raise an alert in the outbox of the domain database; ``include/alerts.yaml`` says who hears of it.

    It never fails what it tells of: what cannot be stored goes out at once, and what cannot be told is in the log.

    :param title: one line (templated).
    :param message: what was seen and the way out (templated).
    :param severity: INFO, WARNING, ERROR or CRITICAL.
    :param state: FIRING, or RESOLVED to end what was raised with the same source and cause.
    :param cause: what it is about, for grouping and for its end (templated); the title where it is empty.
    :param source: what raises it (templated); the DAG's id where it is empty.
    :param fields: more fields for people (templated).
    """

    template_fields: Sequence[str] = ("title", "message", "cause", "source", "fields")

    def __init__(
        self,
        title: str,
        message: str = "",
        *,
        severity: str = "ERROR",
        state: str = "FIRING",
        cause: str = "",
        source: str = "",
        fields: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.title = title
        self.message = message
        self.severity = severity
        self.state = state
        self.cause = cause
        self.source = source
        self.fields = dict(fields or {})

    def notify(self, context: Context) -> None:
        from spine.alerts.model import Alert, AlertSeverity, AlertState
        from spine.notifications.outbox import tell_from_airflow

        run = context.get("dag_run")
        dag = context.get("dag")
        tell_from_airflow(
            Alert(
                AlertSeverity(self.severity),
                self.title,
                self.message,
                self.source or (dag.dag_id if dag else "airflow"),
                run_id=run.run_id if run else "",
                cause=self.cause,
                state=AlertState(self.state),
                metadata=self.fields,
            )
        )
