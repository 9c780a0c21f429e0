"""What a workflow is, once its file has been read and checked. Field names are the keys people write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from spine.core.errors import ErrorCategory, SpineError
from spine.core.tiers import Tier


class StepType(StrEnum):
    PIPELINE = "pipeline"
    LAMBDA = "lambda"
    CHOICE = "choice"
    MAP = "map"
    WAIT = "wait"
    GATE = "gate"
    APPROVAL = "approval"
    WORKFLOW = "workflow"
    NOTIFY = "notify"


class OnError(StrEnum):
    """What a step's failure does: ends the run, is recorded and passed over, or is tried again first."""

    STOP = "stop"
    CONTINUE = "continue"
    RETRY = "retry"


class Backoff(StrEnum):
    """How the delay between attempts grows."""

    EXPONENTIAL = "exponential"
    LINEAR = "linear"
    CONSTANT = "constant"


class Severity(StrEnum):
    """What a gate's broken check does: the step fails, or the receipt says so and the run goes on."""

    FAIL = "fail"
    WARN = "warn"


class Decision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class OnReject(StrEnum):
    """What a rejection does: the step fails, or what follows is skipped."""

    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried, how many seconds lie between, and for which errors.

    :param multiplier: of an exponential backoff.
    :param on: categories that are tried again; empty: those that can get better by themselves (``SpineError.retryable``).
    """

    max_attempts: int = 3
    initial_delay: float = 1.0
    multiplier: float = 2.0
    max_delay: float = 60.0
    backoff: Backoff = Backoff.EXPONENTIAL
    on: tuple[ErrorCategory, ...] = ()

    def covers(self, error: SpineError) -> bool:
        """Whether this error is tried again at all."""
        return error.category in self.on if self.on else error.retryable

    def delay(self, attempt: int, error: SpineError) -> float:
        """Seconds to wait after the failed ``attempt`` (from 1).

        What the other side asked for (``retry_after``) goes before the schedule.
        """
        if error.retry_after is not None:
            return error.retry_after
        growth = {
            Backoff.EXPONENTIAL: self.multiplier ** (attempt - 1),
            Backoff.LINEAR: attempt,
            Backoff.CONSTANT: 1,
        }
        return min(self.initial_delay * growth[self.backoff], self.max_delay)

    def delay_after(self, attempt: int, error: SpineError) -> float | None:
        """The same, or None when there is no further attempt."""
        return self.delay(attempt, error) if self.covers(error) and attempt < self.max_attempts else None


@dataclass(frozen=True, slots=True)
class PipelineCall:
    """Run a registered pipeline; ``params`` are laid over the run's."""

    type: ClassVar[StepType] = StepType.PIPELINE
    pipeline: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HandlerCall:
    """Call a Python function, ``package.module.function``."""

    type: ClassVar[StepType] = StepType.LAMBDA
    handler: str
    params: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One way of a choice."""

    when: str
    then: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The first case whose condition holds leads on; ``else_step`` where none does (None: see ``graph``).

    :param flat: written as ``condition`` and ``then_step``.
    """

    type: ClassVar[StepType] = StepType.CHOICE
    cases: tuple[Case, ...]
    else_step: str | None = None
    flat: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Map:
    """Run ``steps`` once for each item, which they see as the param named ``item``.

    :param items: a list, or one ``${...}`` reference that a run resolves to a list.
    :param max_concurrency: items at work at once; None: all of them.
    """

    type: ClassVar[StepType] = StepType.MAP
    items: list[Any] | str
    steps: tuple[Step, ...]
    item: str = "item"
    max_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for one of: a time span, an instant, or a week at FINRA.

    :param duration: seconds, text such as ``90s``, ``10m``, ``2h``, ``1d``, or a reference to either.
    :param until: an ISO instant, ``HH:MM`` (today, in ``timezone``), or a reference to either. What is past is over.
    :param publication: a tier (or a reference to one) whose week of the run must be at FINRA.
    :param poll: seconds between two looks at FINRA.
    """

    type: ClassVar[StepType] = StepType.WAIT
    duration: float | str | None = None
    until: str | None = None
    timezone: str = "UTC"
    publication: str | None = None
    poll: float = 300.0


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that must hold."""

    check: str
    severity: Severity = Severity.FAIL
    message: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """Let the run pass only when every check holds, and the run's capture passes a suite of include/expectations.

    :param publish: a capture that passes the suite is shown to readers; False where another gate follows.
    """

    type: ClassVar[StepType] = StepType.GATE
    checks: tuple[Check, ...] = ()
    suite: str | None = None
    publish: bool = True


@dataclass(frozen=True, slots=True)
class Approval:
    """Ask a person, who sees ``subject`` and ``body``. Nobody answered within the step's timeout: ``default``, else failure."""

    type: ClassVar[StepType] = StepType.APPROVAL
    subject: str
    body: str = ""
    default: Decision | None = None
    on_reject: OnReject = OnReject.FAIL
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkflowCall:
    """Run another workflow to its end, within this step."""

    type: ClassVar[StepType] = StepType.WORKFLOW
    workflow: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notify:
    """Send a message; without one, a summary of the steps so far."""

    type: ClassVar[StepType] = StepType.NOTIFY
    channel: str | None = None
    message: str | None = None


Action = PipelineCall | HandlerCall | Choice | Map | Wait | Gate | Approval | WorkflowCall | Notify


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it does, and how the run treats it.

    :param depends_on: the steps it waits for; None means the order of the file (see ``graph``).
    :param timeout: seconds an attempt may take; of an approval, until its default counts.
    :param pool: Airflow pool whose slots bound how many such steps run at once.
    :param produces: names of the assets that its success updates.
    """

    name: str
    action: Action
    on_error: OnError = OnError.STOP
    depends_on: tuple[str, ...] | None = None
    description: str = ""
    retry: Retry | None = None
    timeout: float | None = None
    pool: str | None = None
    produces: tuple[str, ...] = ()

    @property
    def type(self) -> StepType:
        return self.action.type

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
    :param deadline: seconds after the publication in which the week is to be there.
    """

    name: str
    publication: Tier | None = None
    at: str | None = None
    cron: str | None = None
    timezone: str = "UTC"
    params: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    description: str = ""
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Alerts:
    """Channels that hear of a run's end beside those that alerts.yaml routes it to."""

    on_failure: tuple[str, ...] = ()
    on_success: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """A named list of steps. ``source`` is the text of its file, ``path`` where that was.

    :param timeout: seconds a whole run may take.
    """

    name: str
    steps: tuple[Step, ...]
    domain: str = ""
    description: str = ""
    version: str = "1"
    owner: str = ""
    params: Mapping[str, WorkflowParam] = field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()
    alerts: Alerts = field(default_factory=Alerts)
    timeout: float | None = None
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

    def every_step(self) -> Iterator[tuple[tuple[str, ...], Step]]:
        """All steps, those inside a map too, each with the names that lead to it."""
        yield from walk_steps(self.steps)


def walk_steps(steps: tuple[Step, ...], *inside: str) -> Iterator[tuple[tuple[str, ...], Step]]:
    """Steps and the steps in them, each with the names that lead to it."""
    for step in steps:
        yield (*inside, step.name), step
        if isinstance(step.action, Map):
            yield from walk_steps(step.action.steps, *inside, step.name)
