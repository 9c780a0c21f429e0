"""What a workflow is, once its file has been read and checked. Field names are the keys people write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from spine.core.errors import SpineError
from spine.core.tiers import Tier


class StepType(StrEnum):
    PIPELINE = "pipeline"
    LAMBDA = "lambda"
    CHOICE = "choice"


class OnError(StrEnum):
    """What a step's failure does: ends the run, is recorded and passed over, or is tried again first."""

    STOP = "stop"
    CONTINUE = "continue"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried, and how many seconds lie between: growing by ``multiplier`` up to ``max_delay``."""

    max_attempts: int = 3
    initial_delay: float = 1.0
    multiplier: float = 2.0
    max_delay: float = 60.0

    def delay(self, attempt: int, error: SpineError) -> float:
        """Seconds to wait after the failed ``attempt`` (from 1).

        What the other side asked for (``retry_after``) goes before the schedule.
        """
        if error.retry_after is not None:
            return error.retry_after
        return min(self.initial_delay * self.multiplier ** (attempt - 1), self.max_delay)

    def delay_after(self, attempt: int, error: SpineError) -> float | None:
        """The same, or None when there is no further attempt."""
        return self.delay(attempt, error) if error.retryable and attempt < self.max_attempts else None


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Which fields count depends on ``type``; the reader refuses those that do not fit.

    :param depends_on: the steps it waits for; None means the order of the file (see ``graph``).
    :param timeout: seconds an attempt may take.
    :param pool: Airflow pool whose slots bound how many such steps run at once.
    """

    name: str
    type: StepType
    pipeline: str | None = None
    handler: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    condition: str | None = None
    then_step: str | None = None
    else_step: str | None = None
    on_error: OnError = OnError.STOP
    depends_on: tuple[str, ...] | None = None
    description: str = ""
    retry: Retry | None = None
    timeout: float | None = None
    pool: str | None = None

    @property
    def retries(self) -> Retry:
        """The policy in force: one attempt unless the author asked for ``on_error: retry``."""
        if self.on_error is not OnError.RETRY:
            return Retry(max_attempts=1)
        return self.retry or Retry()


@dataclass(frozen=True, slots=True)
class WorkflowParam:
    """A parameter of a run: its JSON Schema (with title, description, examples ...) and its default, if it has one."""

    name: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    default: Any = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a workflow runs by itself, and with which params; its name is the DAG id.

    :param publication: runs once for each week of this tier, when FINRA publishes it.
    :param at: New York time of that, ``HH:MM``; None means as soon as FINRA publishes.
    :param cron: or five cron fields, read in ``timezone``.
    :param enabled: False leaves a DAG that only people start.
    """

    name: str
    publication: Tier | None = None
    at: str | None = None
    cron: str | None = None
    timezone: str = "UTC"
    params: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """A named list of steps. ``source`` is the text of its file, ``path`` where that was."""

    name: str
    steps: tuple[Step, ...]
    domain: str = ""
    description: str = ""
    version: str = "1"
    params: Mapping[str, WorkflowParam] = field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()
    tags: tuple[str, ...] = ()
    path: Path | None = None
    source: str = ""

    @property
    def dag_ids(self) -> tuple[str, ...]:
        """Its own, for runs that people start, and one for each schedule."""
        return (self.name, *(schedule.name for schedule in self.schedules))

    def step(self, name: str) -> Step:
        """The step of that name. :raises KeyError: when there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)
