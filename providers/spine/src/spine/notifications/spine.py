"""A notifier for any DAG: an alert by Spine's routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context

    from spine.alerts.model import Alert


class SpineNotifier(BaseNotifier):
    """Raise an alert in the outbox of the domain database; ``include/alerts.yaml`` says who hears of it.

    It never fails what it tells of: what cannot be stored goes out at once, and what cannot be told is in the log.

    :param title: one line (templated).
    :param message: what was seen and the way out (templated).
    :param severity: INFO, WARNING, ERROR or CRITICAL (templated); an ERROR where it is none of them.
    :param state: FIRING, or RESOLVED to end what was raised with the same source and cause.
    :param cause: what it is about, for grouping and for its end (templated); the title where it is empty.
    :param source: what raises it (templated); the DAG's id where it is empty.
    :param domain: the dataset, for routes (templated), and ``tier``, ``week_ending`` and ``summary_type`` likewise.
    :param channels: channels of alerts.yaml that hear of it beside those it is routed to.
    :param fields: more fields for people (templated).
    """

    template_fields: Sequence[str] = (
        "title", "message", "severity", "cause", "source", "domain", "tier", "week_ending", "summary_type",
        "fields",
    )  # fmt: skip

    def __init__(
        self,
        title: str,
        message: str = "",
        *,
        severity: str = "ERROR",
        state: str = "FIRING",
        cause: str = "",
        source: str = "",
        domain: str = "",
        tier: str = "",
        week_ending: str = "",
        summary_type: str = "",
        channels: Sequence[str] = (),
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
        self.domain = domain
        self.tier = tier
        self.week_ending = week_ending
        self.summary_type = summary_type
        self.channels = tuple(channels)
        self.fields = dict(fields or {})

    def notify(self, context: Context) -> None:
        from spine.notifications.outbox import tell_from_airflow

        tell_from_airflow(self.alert(context))

    async def async_notify(self, context: Context) -> None:
        """In a triggerer: in a thread, for it waits for databases and services."""
        import asyncio

        await asyncio.to_thread(self.notify, context)

    def alert(self, context: Mapping[str, Any]) -> Alert:
        from spine.alerts.config import NOTIFY
        from spine.alerts.model import Alert, AlertSeverity, AlertState
        from spine.notifications.about import about_run

        severity, dag = self.severity.strip().upper(), context.get("dag")
        source = self.source or (dag.dag_id if dag else "airflow")
        given = {"tier": self.tier, "week_ending": self.week_ending, "summary_type": self.summary_type}
        place = about_run(source, self.domain, context, given)
        return Alert(
            AlertSeverity(severity) if severity in list(AlertSeverity) else AlertSeverity.ERROR,
            " ".join(self.title.split()),
            self.message,
            cause=self.cause,
            state=AlertState(self.state),
            metadata={**self.fields, **({NOTIFY: ", ".join(self.channels)} if self.channels else {})},
            **place,
        )
