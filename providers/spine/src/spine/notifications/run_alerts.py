"""Tells channels how a run ended: the callbacks of a DAG."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from spine.core.errors import SpineError

if TYPE_CHECKING:
    from spine.alerts.model import Alert

log = logging.getLogger(__name__)


class Ending(StrEnum):
    SUCCESS = "succeeded"
    FAILURE = "failed"


@dataclass(frozen=True, slots=True)
class TellChannels:
    """A callback for ``on_failure_callback`` and ``on_success_callback`` of a DAG. It runs where DAG files are parsed, and
    reads nothing but what it is given: no task, no table of Airflow.

    :param channels: as the workflow names them.
    """

    channels: tuple[str, ...]
    ending: Ending

    def __call__(self, context: Mapping[str, Any]) -> None:
        from spine.notifications.slack import SlackMessages

        channels = ", ".join(self.channels)
        try:
            SlackMessages().send(self.text(context), channel=channels)  # once: the webhook decides where to
        except SpineError as error:  # nobody could act on it here; the run has ended already
            log.warning("%s: not told, %s", channels, error)

    def text(self, context: Mapping[str, Any]) -> str:
        """A line for the run and its end; for a failure what is known of it. Airflow leaves out what it does not know."""
        run = context.get("dag_run")
        lines = [f"{context['dag'].dag_id} {run.run_id if run else context['run_id']} {self.ending}"]
        if self.ending is Ending.FAILURE:
            lines += [f"- reason: {context['reason']}"] if context.get("reason") else []
            lines += [f"- last task: {context['ti'].task_id}"] if context.get("ti") else []
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class RaiseAlert:
    """A callback of every DAG: a failed run is an alert, and the next good run of the same tier and week ends it.

    It runs where DAG files are parsed, and reads nothing but what it is given.
    """

    ending: Ending

    def __call__(self, context: Mapping[str, Any]) -> None:
        from spine.notifications.outbox import tell_from_airflow, with_run_page

        run = context.get("dag_run")
        dag_id, run_id = context["dag"].dag_id, str(run.run_id if run else context.get("run_id", ""))
        alert = with_run_page(self.alert(context, dag_id, run_id), dag_id, run_id)
        tell_from_airflow(alert, only_if_firing=self.ending is Ending.SUCCESS)

    def alert(self, context: Mapping[str, Any], dag_id: str, run_id: str) -> Alert:
        from spine.alerts.model import Alert, AlertSeverity, AlertState

        params = context.get("params") or {}
        failed = self.ending is Ending.FAILURE
        reason = str(context.get("reason") or "")
        task = f"last task: {context['ti'].task_id}" if context.get("ti") else ""
        return Alert(
            AlertSeverity.ERROR if failed else AlertSeverity.INFO,
            f"{dag_id} {self.ending}",
            "; ".join(part for part in (reason, task) if part) or f"run {run_id} {self.ending}",
            dag_id,
            tier=str(params.get("tier") or ""),
            week_ending=str(params.get("week_ending") or "")[:10],
            workflow=dag_id,
            run_id=run_id,
            cause="run_failed",
            state=AlertState.FIRING if failed else AlertState.RESOLVED,
        )
