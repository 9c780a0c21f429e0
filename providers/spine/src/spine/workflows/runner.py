"""A workflow in this process: no Airflow, one step after the other, the semantics of ``graph``.

A step's ``timeout`` is not enforced here; Airflow does that.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from spine.core.errors import SpineError
from spine.core.results import StepResult
from spine.pipelines.connections import Connections, NoConnections
from spine.pipelines.context import StepContext, utc_now
from spine.workflows.graph import Graph, StepState, build_graph, ready_state
from spine.workflows.model import Step, StepType, Workflow
from spine.workflows.params import validate_params
from spine.workflows.steps import CONDITION, run_step

if TYPE_CHECKING:
    import datetime as dt

    from spine.core.settings import Settings
    from spine.storage.base import Storage


@dataclass(frozen=True, slots=True)
class StepRun:
    """How one step ended. ``result`` is None and ``attempts`` 0 for a step that did not run."""

    state: StepState
    result: StepResult | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """A run that is over: ``failed`` when any step failed and was not continued, else ``success``."""

    workflow: str
    run_id: str
    params: Mapping[str, Any]
    steps: Mapping[str, StepRun]

    @property
    def state(self) -> StepState:
        failed = any(step.state is StepState.FAILED for step in self.steps.values())
        return StepState.FAILED if failed else StepState.SUCCESS

    @property
    def results(self) -> dict[str, StepResult]:
        """The receipts of the steps that ran."""
        return {name: step.result for name, step in self.steps.items() if step.result is not None}


OnStep = Callable[[str, StepRun], None]


def run_workflow(
    workflow: Workflow,
    params: Mapping[str, Any],
    *,
    storage: Storage,
    settings: Settings,
    run_id: str | None = None,
    clock: Callable[[], dt.datetime] = utc_now,
    log: logging.Logger | None = None,
    notifier: Any = None,
    connections: Connections | None = None,
    on_step: OnStep | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> WorkflowRun:
    """Run it to its end.

    :param on_step: told about every step as soon as it ended, ran or not.
    :param sleep: waits between the attempts of a step with ``on_error: retry``.
    :raises ValidationError: when the parameters are refused; a failing step is in the result instead.
    """
    context = StepContext(
        storage=storage,
        settings=settings,
        params=validate_params(workflow, params),
        run_id=run_id or f"local__{clock():%Y-%m-%dT%H:%M:%S}__{uuid.uuid4().hex[:6]}",
        workflow=workflow.name,
        clock=clock,
        log=log or logging.getLogger(__name__),
        notifier=notifier,
        connections=connections or NoConnections(),
    )
    run = _Run(build_graph(workflow.steps), context, on_step or (lambda name, step: None), sleep)
    for name in run.graph.order():
        run.advance(workflow.step(name))
    return WorkflowRun(workflow.name, context.run_id, context.params, run.steps)


@dataclass(slots=True)
class _Run:
    """What has happened so far."""

    graph: Graph
    context: StepContext
    on_step: OnStep
    sleep: Callable[[float], None]
    steps: dict[str, StepRun] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)

    def advance(self, step: Step) -> None:
        idle = StepState.SKIPPED if step.name in self.skipped else self._idle_state(step)
        ended = StepRun(idle) if idle else self._run(step)
        self.steps[step.name] = ended
        if ended.result is not None:
            self.outputs[step.name] = ended.result.to_dict()
            if step.type is StepType.CHOICE and ended.state is StepState.SUCCESS:
                way = self.graph.way(step.name, ended.result.output[CONDITION])
                self.skipped |= self.graph.skipped_by(step.name, way)
        self.on_step(step.name, ended)

    def _idle_state(self, step: Step) -> StepState | None:
        return ready_state(self.steps[name].state for name in self.graph.upstream[step.name])

    def _run(self, step: Step) -> StepRun:
        attempt = 1
        while True:
            try:
                result = run_step(step, self._context(step))
                return StepRun(StepState.SUCCESS, result, attempt)
            except SpineError as error:
                delay = step.retries.delay_after(attempt, error)
                if delay is None:
                    self.context.log.error("step %s failed: %s", step.name, error)
                    return StepRun(StepState.FAILED, StepResult.failed(error), attempt)
                self.context.log.warning("step %s failed, again in %.1f s: %s", step.name, delay, error)
            self.sleep(delay)
            attempt += 1

    def _context(self, step: Step) -> StepContext:
        known = [name for name in self.graph.ancestors(step.name) if name in self.outputs]
        return replace(self.context, outputs={name: self.outputs[name] for name in known})
