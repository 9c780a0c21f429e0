"""A deployment with one small workflow that fails as often as it is told to, and what becomes of its dead letters."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spine.pipelines.connections import NoConnections
from spine.resilience.dead_letters import DeadLetter, find_letter
from spine.storage.base import Storage
from spine.workflows.again import retry_due, retry_letter
from spine.workflows.runner import WorkflowRun, run_workflow
from tests.support.workflows import seen_contexts, settings_for, workflow_of, write

NOON = dt.datetime(2026, 5, 15, 12, tzinfo=dt.UTC)
FLOW = """
    name: flow
    domain: test.flow
    params:
      tier: {type: string, default: T1}
      week_ending: {type: [string, "null"], default: null}
      api_token: {type: [string, "null"], default: null}
    steps:
      - {name: before, type: pipeline, pipeline: test.ok}
      - {name: work, type: pipeline, pipeline: test.flaky, on_error: retry, retry: {max_attempts: 2, initial_delay: 0.001}}
      - {name: after, type: pipeline, pipeline: test.ok}
    """


@dataclass
class Place:
    """A deployment with one workflow, whose step ``work`` fails as often as it is told to."""

    storage: Storage
    folder: Path
    now: dt.datetime = NOON
    flow: str = field(default=FLOW)

    def __post_init__(self) -> None:
        write(self.folder / "workflows", self.flow)
        self.workflow = workflow_of(self.folder / "workflows", self.flow)
        self.settings = settings_for(self.folder)

    def run(self, failures: int = 0, **params: Any) -> WorkflowRun:
        with seen_contexts(failures):
            return run_workflow(
                self.workflow, params, storage=self.storage, settings=self.settings, clock=lambda: self.now,
                sleep=lambda seconds: None,
            )  # fmt: skip

    def retry_due(self, failures: int = 0) -> list[DeadLetter]:
        with seen_contexts(failures):
            return retry_due(self.storage, self.settings, NoConnections(), clock=lambda: self.now)

    def retry(self, dlq_id: str, failures: int = 0) -> DeadLetter:
        with seen_contexts(failures):
            return retry_letter(self.storage, self.settings, NoConnections(), dlq_id, clock=lambda: self.now)

    def wait(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)

    @property
    def only(self) -> DeadLetter:
        found = self.storage.query("SELECT dlq_id FROM dead_letter_queue").rows
        assert len(found) == 1
        letter = find_letter(self.storage, found[0][0])
        assert letter is not None
        return letter

    def alerts(self) -> list[tuple[str, ...]]:
        sql = "SELECT state, severity, cause, workflow, step, tier, domain FROM core_alerts ORDER BY raised_at, state"
        return [tuple(row) for row in self.storage.query(sql).rows]
