"""What a step may use while it runs."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spine.core.guards import Guards, NoGuards
from spine.pipelines.connections import Connections, NoConnections
from spine.storage.ledger import RunStamp

if TYPE_CHECKING:
    from spine.core.settings import Settings
    from spine.storage.base import Storage


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class StepContext:
    """The world of one step.

    :param params: the run's parameters, overlaid by the step's own.
    :param outputs: receipts of the steps before, by step name.
    :param run_id: identifies the run in the ledger and in logs; Airflow's run id where there is one.
    :param workflow: the workflow's name.
    :param clock: the present, timezone-aware, in UTC.
    :param notifier: sends alerts; None where nobody listens.
    :param connections: where other systems are.
    :param guards: keep steps from asking what is down.
    :param domain: the workflow's domain.
    :param callers: workflows that called this one, the outermost first.
    """

    storage: Storage
    settings: Settings
    params: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    run_id: str = "manual"
    workflow: str = ""
    clock: Callable[[], dt.datetime] = utc_now
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("spine"))
    notifier: Any = None
    connections: Connections = field(default_factory=NoConnections)
    callers: tuple[str, ...] = ()
    guards: Guards = field(default_factory=NoGuards)
    domain: str = ""

    def stamp(self) -> RunStamp:
        """This run and this instant, for the ledger."""
        batch_id = self.params.get("batch_id")
        return RunStamp(self.run_id, None if batch_id is None else str(batch_id), self.clock())
