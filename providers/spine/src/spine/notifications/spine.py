"""A notifier for anybody's DAG: its alert goes through Spine's outbox, routes and channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from spine.notifications.telling import tell_people

if TYPE_CHECKING:
    from airflow.sdk import Context


class SpineNotifier(BaseNotifier):
    """Raise an alert from a callback of a DAG or a task. It never fails what calls it, except for a template that cannot be
    rendered, which is a mistake of the DAG.

    :param title: one line without numbers that change. (templated)
    :param message: what was seen and the way out. (templated)
    :param severity: INFO, WARNING, ERROR or CRITICAL. (templated)
    :param domain: the dataset, for routes. (templated)
    :param cause: what it is about, for a later ``resolved`` of the same cause. (templated)
    :param source: whose alert it is; the DAG's id. (templated)
    :param channels: channels of alerts.yaml that hear of it beside those it is routed to.
    :param resolved: tell that it is over instead.
    """

    template_fields: Sequence[str] = (
        "title",
        "message",
        "severity",
        "domain",
        "cause",
        "source",
        "tier",
        "week_ending",
    )

    def __init__(
        self,
        *,
        title: str = "{{ dag.dag_id }} wants to be looked at",
        message: str = "run {{ run_id }}",
        severity: str = "ERROR",
        domain: str = "",
        cause: str = "",
        source: str = "{{ dag.dag_id }}",
        tier: str = "",
        week_ending: str = "",
        channels: Sequence[str] = (),
        resolved: bool = False,
    ) -> None:
        super().__init__()
        self.title, self.message, self.severity = title, message, severity
        self.domain, self.cause, self.source = domain, cause, source
        self.tier, self.week_ending = tier, week_ending
        self.channels, self.resolved = tuple(channels), resolved

    def notify(self, context: Context) -> None:
        """Raise it; an unknown severity is an ERROR's."""
        tell_people(self._alert(context))

    async def async_notify(self, context: Context) -> None:
        """The same in a triggerer, in a thread."""
        import asyncio

        await asyncio.to_thread(self.notify, context)

    def _alert(self, context: Any) -> Any:
        from spine.alerts.config import NOTIFY
        from spine.alerts.model import Alert, AlertSeverity, AlertState
        from spine.notifications.about import about_run

        known = self.severity.strip().upper()
        place = about_run(self.source, self.domain, context, {"tier": self.tier, "week_ending": self.week_ending})
        return Alert(
            AlertSeverity(known) if known in list(AlertSeverity) else AlertSeverity.ERROR,
            " ".join(self.title.split()),
            self.message,
            cause=self.cause,
            state=AlertState.RESOLVED if self.resolved else AlertState.FIRING,
            metadata={NOTIFY: ", ".join(self.channels)} if self.channels else {},
            **place,
        )
