"""A workflow in this process: no Airflow, one step after the other, the semantics of ``graph``."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from spine.core.errors import ConfigurationError, SpineError, as_spine_error, error_from_dict
from spine.core.guards import Guards
from spine.core.results import StepResult, StepStatus
from spine.pipelines.connections import Connections, NoConnections
from spine.pipelines.context import StepContext, utc_now
from spine.workflows.approvals import keep_answer, settle_approval
from spine.workflows.catalog import find_workflow
from spine.workflows.deadline import deadline
from spine.workflows.graph import Graph, StepState, build_graph, ready_state
from spine.workflows.map_items import ItemRun, items_of, map_receipt
from spine.workflows.model import Approval, Choice, Decision, Map, Step, Wait, Workflow, WorkflowCall
from spine.workflows.outcomes import ended_well, failed_for_good
from spine.workflows.params import validate_params
from spine.workflows.references import resolve
from spine.workflows.steps import CASE, place_of, run_step, scope_of, settle_failure
from spine.workflows.waiting import resolve_wait, wait_here

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
    """A run that is over: ``failed`` when any step failed and was not continued, else ``success``.

    :param steps: by name; a step inside a map as ``map.item.step``.
    """

    workflow: str
    run_id: str
    params: Mapping[str, Any]
    steps: Mapping[str, StepRun]

    @property
    def state(self) -> StepState:
        failed = any(step.state is StepState.FAILED for name, step in self.steps.items() if "." not in name)
        return StepState.FAILED if failed else StepState.SUCCESS

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the run, and of each step its state, its attempts and its receipt; ``error`` is the first failure's."""
        steps = {
            name: {
                "state": str(step.state),
                "attempts": step.attempts,
                **(step.result.to_dict() if step.result else {}),
            }
            for name, step in self.steps.items()
        }
        failed = (each["error"] for each in steps.values() if each["state"] == StepState.FAILED and "error" in each)
        return {
            "workflow": self.workflow,
            "run_id": self.run_id,
            "state": str(self.state),
            "params": dict(self.params),
            "steps": steps,
            "error": next(failed, None),
        }

    @property
    def results(self) -> dict[str, StepResult]:
        """The receipts of the steps that ran."""
        return {name: step.result for name, step in self.steps.items() if step.result is not None}


OnStep = Callable[[str, StepRun], None]
MAX_CALL_DEPTH = 8
Decide = Callable[[Step, Approval], Decision | None]
"""Answers an approval; None: nobody did in time."""


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
    decide: Decide | None = None,
    callers: tuple[str, ...] = (),
    guards: Guards | None = None,
) -> WorkflowRun:
    """Run it to its end.

    :param on_step: told about every step as soon as it ended, ran or not.
    :param sleep: waits: for ``wait`` steps, and between the attempts of a step with ``on_error: retry``.
    :param decide: answers approvals; without it nobody does, and their defaults count.
    :param callers: the workflows that led here, the outermost first.
    :param guards: by default circuit breakers in ``storage``.
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
        callers=callers,
        guards=guards or guards_for(storage, settings, clock),
        domain=workflow.domain,
    )
    world = _World(on_step or (lambda name, step: None), sleep, decide or (lambda step, approval: None))
    ended = run_steps(workflow.steps, context, world)
    return WorkflowRun(workflow.name, context.run_id, context.params, ended)


def guards_for(storage: Storage, settings: Settings, clock: Callable[[], dt.datetime]) -> Guards:
    """Circuit breakers that every worker on this storage shares."""
    from spine.resilience.breakers import Breakers

    return Breakers(storage, clock, settings.breaker)


@dataclass(frozen=True, slots=True)
class _World:
    """What a run needs of the outside, beside its context."""

    on_step: OnStep
    sleep: Callable[[float], None]
    decide: Decide


def run_steps(steps: tuple[Step, ...], context: StepContext, world: _World, prefix: str = "") -> dict[str, StepRun]:
    """Run a list of steps. :param prefix: leads to it, ``map.item.``."""
    run = _Run(build_graph(steps), context, world, prefix)
    by_name = {step.name: step for step in steps}
    for name in run.graph.order():
        run.advance(by_name[name])
    return {**run.inner, **{prefix + name: step for name, step in run.steps.items()}}


@dataclass(slots=True)
class _Run:
    """What has happened so far in one list of steps.

    :param inner: the steps inside its maps, by their full names.
    """

    graph: Graph
    context: StepContext
    world: _World
    prefix: str
    steps: dict[str, StepRun] = field(default_factory=dict)
    inner: dict[str, StepRun] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)

    def advance(self, step: Step) -> None:
        idle = StepState.SKIPPED if step.name in self.skipped else self._idle_state(step)
        ended = StepRun(idle) if idle else self._run(step)
        self.steps[step.name] = ended
        if ended.result is not None:
            self.outputs[step.name] = ended.result.to_dict()
            if ended.state is StepState.SUCCESS:
                self._skip_behind(step, ended.result)
        self.world.on_step(self.prefix + step.name, ended)

    def _skip_behind(self, step: Step, result: StepResult) -> None:
        if isinstance(step.action, Choice) and CASE in result.output:
            way = self.graph.way(step.name, result.output[CASE])
            self.skipped |= self.graph.skipped_by(step.name, way)
        elif isinstance(step.action, Approval) and result.status is StepStatus.SKIPPED:
            self.skipped |= set(self.graph.downstream(step.name))

    def _idle_state(self, step: Step) -> StepState | None:
        return ready_state(self.steps[name].state for name in self.graph.upstream[step.name])

    def _run(self, step: Step) -> StepRun:
        attempt = 1
        while True:
            try:
                result = self._attempt(step)
                ended_well(self.prefix + step.name, result, self.context)
                return StepRun(StepState.SUCCESS, result, attempt)
            except SpineError as error:
                delay = step.retries.delay_after(attempt, error)
                if delay is None:
                    failed_for_good(step, self.prefix + step.name, error, self.context)
                    self.context.log.error("step %s failed: %s", step.name, error)
                    return StepRun(StepState.FAILED, StepResult.failed(error), attempt)
                self.context.log.warning("step %s failed, again in %.1f s: %s", step.name, delay, error)
            self.world.sleep(delay)
            attempt += 1

    def _attempt(self, step: Step) -> StepResult:
        context = self._context(step)
        try:
            if isinstance(step.action, Map):
                return self._map(step, step.action, context)
            if isinstance(step.action, Wait):
                return wait_here(resolve_wait(step.action, scope_of(context)), context, self.world.sleep, step.timeout)
            if isinstance(step.action, Approval):
                return self._approval(step, step.action, context)
            with deadline(step.timeout, step.name):
                if isinstance(step.action, WorkflowCall):
                    return call_workflow(step.action, context)
                return run_step(step, context)
        except Exception as error:  # noqa: BLE001 - on_error decides, whatever it is
            place = place_of(context.params, context.outputs, context.run_id)
            return settle_failure(step, error, workflow=context.workflow, log=context.log, place=place)

    def _approval(self, step: Step, action: Approval, context: StepContext) -> StepResult:
        answer = self.world.decide(step, action)
        if answer is not None:
            keep_answer(context, action.subject, answer, "")
        return settle_approval(step, action, answer)

    def _map(self, step: Step, action: Map, context: StepContext) -> StepResult:
        """One item after the other; ``max_concurrency`` is for Airflow, where each is a task."""
        runs = [self._item(step, action, item, context) for item in items_of(action, scope_of(context))]
        return map_receipt(step, runs, workflow=context.workflow, log=context.log)

    def _item(self, step: Step, action: Map, item: Any, context: StepContext) -> ItemRun:
        prefix = f"{self.prefix}{step.name}.{item}."
        within = replace(context, params={**context.params, action.item: item})
        ended = run_steps(action.steps, within, self.world, prefix)
        self.inner |= ended
        return ItemRun(item, {name.removeprefix(prefix): run for name, run in ended.items()})

    def _context(self, step: Step) -> StepContext:
        known = [name for name in self.graph.ancestors(step.name) if name in self.outputs]
        return replace(self.context, outputs={**self.context.outputs, **{name: self.outputs[name] for name in known}})


def run_item(
    action: Map, item: Any, context: StepContext, sleep: Callable[[float], None] = time.sleep, *, within: str = ""
) -> ItemRun:
    """The steps of one item of a map, in this process. Nobody answers approvals here.

    :param within: leads to the map and its name, ``map.``.
    """
    prefix = f"{within}{item}."
    inside = replace(context, params={**context.params, action.item: item})
    world = _World(lambda name, step: None, sleep, lambda step, approval: None)
    ended = run_steps(action.steps, inside, world, prefix)
    return ItemRun(item, {name.removeprefix(prefix): run for name, run in ended.items()})


def call_workflow(call: WorkflowCall, context: StepContext) -> StepResult:
    """Run another workflow to its end; the receipt holds the receipts of its steps.

    The caller's params of the same names are handed on, the step's laid over them.

    :raises SpineError: the error of its first failed step.
    """
    name, params = call.workflow, resolve(call.params, scope_of(context))
    if name in (context.workflow, *context.callers) or len(context.callers) >= MAX_CALL_DEPTH:
        raise ConfigurationError(
            f"workflows call each other: {' -> '.join([*context.callers, context.workflow, name])}"
        )
    workflow = find_workflow(name, context.settings)
    handed_on = {key: value for key, value in context.params.items() if key in workflow.params}
    ended = run_workflow(
        workflow,
        {**handed_on, **params},
        storage=context.storage,
        settings=context.settings,
        run_id=f"{context.run_id}:{name}",
        clock=context.clock,
        log=context.log,
        notifier=context.notifier,
        connections=context.connections,
        callers=(*context.callers, context.workflow),
        guards=context.guards,
    )
    return _call_receipt(ended)


def _call_receipt(ended: WorkflowRun) -> StepResult:
    receipts = {name: result.to_dict() for name, result in ended.results.items()}
    for name, step in ended.steps.items():
        if step.state is StepState.FAILED and step.result is not None:
            error = error_from_dict(step.result.error or {"message": step.result.message})
            raise as_spine_error(error).with_context(called_workflow=ended.workflow, called_step=name)
    return StepResult.done(f"{ended.workflow}: {len(receipts)} steps", workflow=ended.workflow, steps=receipts)
