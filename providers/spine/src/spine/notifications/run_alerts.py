"""Tells channels how a run ended: the callbacks of a DAG."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spine.core.errors import SpineError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TellChannels:
    """A callback for ``on_failure_callback`` and ``on_success_callback`` of a DAG. It runs where DAG files are parsed, and
    reads nothing but what it is given: no task, no table of Airflow.

    :param channels: as the workflow names them.
    """

    channels: tuple[str, ...]

    def __call__(self, context: Mapping[str, Any]) -> None:
        from spine.notifications.slack import SlackMessages

        text = text_of(context)
        for channel in self.channels:
            try:
                SlackMessages().send(text, channel=channel)
            except SpineError as error:  # nobody could act on it here; the run has ended already
                log.warning("%s was not told: %s", channel, error)


def text_of(context: Mapping[str, Any]) -> str:
    """One line for the run and its end, one for the reason where Airflow gives one."""
    run = context["dag_run"]
    lines = [f"{run.dag_id} {run.run_id}: {run.state}"]
    if reason := context.get("reason"):
        lines.append(f"reason: {reason}")
    return "\n".join(lines)
