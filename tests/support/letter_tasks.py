"""Retries of dead letters in processes of their own (``storage_worker``)."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from pathlib import Path

from spine.pipelines.connections import NoConnections
from spine.pipelines.context import StepContext
from spine.resilience.dead_letters import DeadLetter
from spine.resilience.retrying import retry_due
from spine.storage.base import Storage
from spine.workflows import again
from tests.support.storage_worker import say
from tests.support.workflows import seen_contexts, settings_for

logging.disable()


def retry_and_stay(storage: Storage, now: str) -> None:
    """Begin to retry what is due, and never come to an end."""

    def stay(letter: DeadLetter) -> None:
        say("at work on", letter.dlq_id)
        threading.Event().wait()

    retry_due(storage, stay, clock=lambda: dt.datetime.fromisoformat(now), by="a process that is killed")


def retry_all(storage: Storage, now: str, folder: str) -> None:
    """Retry what is due; how many letters this process had."""
    runs: list[StepContext]
    with seen_contexts() as runs:
        done = again.retry_due(
            storage, settings_for(Path(folder)), NoConnections(), clock=lambda: dt.datetime.fromisoformat(now)
        )
    say(
        sum(each.status == "resolved" and (each.resolved_by or "").startswith("dead_letter") for each in done),
        len(runs),
    )
