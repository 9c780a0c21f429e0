"""Tells channels how a run ended: the callbacks of a DAG."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spine.core.errors import SpineError

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
