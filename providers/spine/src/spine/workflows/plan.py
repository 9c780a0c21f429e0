"""What a run with certain params would do: which steps can run, with which values, and what only the run can decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spine.core.errors import ConfigurationError
from spine.workflows.conditions import Scope, parse_expression
from spine.workflows.graph import Graph, build_graph
from spine.workflows.model import (
    Action,
    Approval,
    Choice,
    Gate,
    HandlerCall,
    Map,
    Notify,
    OnError,
    PipelineCall,
    Step,
    Wait,
    Workflow,
    WorkflowCall,
)
from spine.workflows.params import validate_params
from spine.workflows.references import resolve

_UNKNOWN = "(known when it runs)"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One line of a plan.

    :param path: names that lead to it, items of maps among them.
    :param runs: True, False, or None where only the run can tell.
    :param does: what it would do, its values filled in as far as they are known.
    """

    path: str
    type: str
    runs: bool | None
    does: str


def plan(workflow: Workflow, given: Mapping[str, Any]) -> list[PlannedStep]:
    """The steps in the order they run; nothing is touched.

    :raises ValidationError: the params are refused.
    """
    return list(_plan(workflow.steps, validate_params(workflow, given), "", True))


def _plan(steps: tuple[Step, ...], params: Mapping[str, Any], prefix: str, runs: bool | None) -> Iterator[PlannedStep]:
    graph = build_graph(steps)
    by_name = {step.name: step for step in steps}
    ways = _Ways(graph, params)
    for name in graph.order():
        step = by_name[name]
        certain = _both(runs, ways.runs(step))
        does = f"{_does(step, params)}{_manner(step)}"
        yield PlannedStep(prefix + name, str(step.type), certain, does)
        if isinstance(step.action, Map):
            for label, within in _items(step.action, params):
                yield from _plan(step.action.steps, within, f"{prefix}{name}.{label}.", certain)


class _Ways:
    """Which steps the choices let run, as far as params alone decide them."""

    def __init__(self, graph: Graph, params: Mapping[str, Any]) -> None:
        self.graph, self.params = graph, params
        self.known: dict[str, bool | None] = {}
        self.skipped: dict[str, bool | None] = {}

    def runs(self, step: Step) -> bool | None:
        before = [self.known[name] for name in self.graph.upstream[step.name]]
        if self.skipped.get(step.name, False) is True or (before and all(state is False for state in before)):
            found: bool | None = False
        elif step.name in self.skipped or (before and True not in before):
            found = None
        else:
            found = True
        self.known[step.name] = found
        if isinstance(step.action, Choice) and found is not False:
            self._choose(step, step.action)
        return found

    def _choose(self, step: Step, choice: Choice) -> None:
        case = _case(choice, Scope(self.params))
        if case is None:
            perhaps = {name for way in self.graph.ways[step.name] for name in self.graph.skipped_by(step.name, way)}
            self.skipped |= {name: self.skipped.get(name) for name in perhaps}
        else:
            way = self.graph.way(step.name, case)
            self.skipped |= dict.fromkeys(self.graph.skipped_by(step.name, way), True)


def _both(outer: bool | None, own: bool | None) -> bool | None:
    if False in (outer, own):
        return False
    return None if None in (outer, own) else True


def _case(choice: Choice, scope: Scope) -> int | None:
    """The case that holds whatever the steps give, or None."""
    for number, case in enumerate(choice.cases):
        try:
            if parse_expression(case.when).truth(scope):
                return number
        except ConfigurationError:  # it asks for an output
            return None
    return len(choice.cases)


def _items(action: Map, params: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    items = _known(action.items, params)
    if isinstance(items, list):
        yield from ((str(item), {**params, action.item: item}) for item in items)
    else:
        yield "*", {**params, action.item: _UNKNOWN}


def _known(value: Any, params: Mapping[str, Any]) -> Any:
    """The value with what its references name, where that is known already."""
    if isinstance(value, Mapping):
        return {key: _known(item, params) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item, params) for item in value]
    try:
        return resolve(value, Scope(params))
    except ConfigurationError:
        return _UNKNOWN


def _does(step: Step, params: Mapping[str, Any]) -> str:
    action = step.action
    if isinstance(action, PipelineCall | HandlerCall | WorkflowCall):
        what = next(getattr(action, key) for key in ("pipeline", "handler", "workflow") if hasattr(action, key))
        return f"{what}{_shown(_known(action.params, params))}{_shown(_known(getattr(action, 'config', {}), params))}"
    if isinstance(action, Choice):
        ways = [f"{case.when} -> {case.then}" for case in action.cases]
        return ", ".join([*ways, f"else -> {action.else_step}"] if action.else_step else ways)
    return _does_otherwise(action, params)


def _does_otherwise(action: Action, params: Mapping[str, Any]) -> str:
    if isinstance(action, Map):
        items = _known(action.items, params)
        return f"for each {action.item} of {items}"
    if isinstance(action, Wait):
        kinds = {"for": action.duration, "until": action.until, "until FINRA has the week of": action.publication}
        return ", ".join(f"{kind} {_known(value, params)}" for kind, value in kinds.items() if value is not None)
    if isinstance(action, Gate):
        return " and ".join(
            [*(check.check for check in action.checks), *([f"suite {action.suite}"] if action.suite else [])]
        )
    if isinstance(action, Approval):
        return f"asks: {_known(action.subject, params)}" + (f" (default: {action.default})" if action.default else "")
    assert isinstance(action, Notify)
    return f"tells {action.channel or 'the default channel'}"


def _manner(step: Step) -> str:
    notes = []
    if step.on_error is OnError.RETRY:
        notes.append(f"up to {step.retries.max_attempts} attempts")
    if step.on_error is OnError.CONTINUE:
        notes.append("its failure is passed over")
    if step.timeout:
        notes.append(f"at most {step.timeout:g} s")
    return f" ({', '.join(notes)})" if notes else ""


def _shown(values: Mapping[str, Any]) -> str:
    return "".join(f" {key}={value!r}" for key, value in values.items())
