"""What the parts of a workflow mean together: names, references, the graph. Notes problems, raises nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from spine.core.errors import ConfigurationError, PermissionDenied, ValidationError
from spine.core.suggest import did_you_mean
from spine.documents.document import Document, Place
from spine.documents.problems import Code
from spine.workflows.conditions import ExpressionError, parse_expression
from spine.workflows.expression_types import Names, Value, schema_value, type_problems
from spine.workflows.graph import Graph, build_graph
from spine.workflows.graph_warnings import warnings_of
from spine.workflows.handlers import load_handler
from spine.workflows.model import Choice, HandlerCall, Map, OnError, PipelineCall, Step, Wait, Workflow, WorkflowParam
from spine.workflows.outputs import outputs_of
from spine.workflows.params import require_valid_default, require_valid_schema
from spine.workflows.step_expressions import conditions_of, step_expressions

WORKFLOW_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,249}")  # Airflow's rule for a DAG id
_STEP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,199}")  # for a task id, without dots: they mean task groups there
_PARAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_MAP_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a list of steps can see.

    :param inside: names of the maps around it.
    :param params: the run's params, and the items of the maps around it.
    :param outer: the steps outside of it whose outputs it may read.
    """

    inside: tuple[str, ...]
    params: Mapping[str, Value]
    outer: Mapping[str, Mapping[str, Value] | None]

    def within(self, step: Step, action: Map, names: Names) -> Surroundings:
        item = schema_value({"enum": action.items}) if isinstance(action.items, list) else Value()
        return Surroundings((*self.inside, step.name), {**self.params, action.item: item}, names.outputs)


def check_workflow(document: Document, workflow: Workflow, packages: Iterable[str] = ()) -> None:
    """Check everything that needs no other file.

    :param packages: where handlers may lie, beside Spine's own.
    """
    if workflow.name and not WORKFLOW_NAME.fullmatch(workflow.name):
        document.add(Code.VALUE_NOT_ALLOWED, "a workflow's name has letters, digits, '_', '-' and '.' only", "name")
    for param in workflow.params.values():
        _check_param(document, param)
    top = Surroundings((), {name: schema_value(param.schema) for name, param in workflow.params.items()}, {})
    _check_steps(document, workflow.steps, document.value.get("steps"), top, tuple(packages))


def _check_steps(
    document: Document, steps: tuple[Step, ...], written: object, around: Surroundings, packages: tuple[str, ...]
) -> None:
    # With a step missing, every name of it would look unknown.
    complete = bool(steps) and isinstance(written, list) and len(steps) == len(written)
    graph = build_graph(steps)
    receipts = {step.name: outputs_of(step, packages) for step in steps}
    for step in steps:
        before = graph.ancestors(step.name)
        known = {**around.outer, **{name: receipts[name] for name in before}}
        names = Names(around.params, known, frozenset(receipts.keys() - set(before)))
        _StepChecks(document, step, tuple(receipts), around.inside).run(packages, names if complete else None)
        if isinstance(step.action, Map):
            value = _written(document, document.steps[*around.inside, step.name])["steps"]
            _check_steps(document, step.action.steps, value, around.within(step, step.action, names), packages)
    if complete:
        _check_graph(document, graph, around.inside)


def _written(document: Document, place: Place) -> dict[str, object]:
    value = document.value
    for part in place:
        value = value[part]
    assert isinstance(value, dict)
    return value


def _check_param(document: Document, param: WorkflowParam) -> None:
    params = document.value.get("params")
    written = params.get(param.name) if isinstance(params, dict) else None
    try:
        require_valid_schema(param)
    except ValidationError as error:
        document.add(Code.BAD_PARAM, error.message, "params", param.name)
        return
    try:
        require_valid_default(param)
    except ValidationError as error:
        by_param = isinstance(written, dict) and "default" in written
        where = ("params", param.name, "default") if by_param else ("defaults", param.name)
        document.add(Code.BAD_PARAM, f"the default of {error.message}", *where)


class _StepChecks:
    """The checks of one step.

    :param siblings: names of the steps beside it, its own among them.
    """

    def __init__(self, document: Document, step: Step, siblings: tuple[str, ...], inside: tuple[str, ...]) -> None:
        self.document, self.step, self.siblings, self.inside = document, step, siblings, inside
        self.where = document.steps[*inside, step.name]

    def run(self, packages: tuple[str, ...], names: Names | None) -> None:
        """:param names: what its expressions may name; None when that is not known in full."""
        if not _STEP_NAME.fullmatch(self.step.name):
            message = f"step name '{self.step.name}' is not usable; it has letters, digits, '_' and '-', no digit first"
            self._add(Code.VALUE_NOT_ALLOWED, message, "name")
        if self.step.retry and self.step.on_error is not OnError.RETRY:
            self._add(Code.KEY_DOES_NOT_FIT, "'retry' needs 'on_error: retry'", "retry")
        self._check_pipeline()
        self._check_handler(packages)
        self._check_map()
        self._check_wait()
        conditions = [where for where, _, _ in conditions_of(self.step)]
        for where, text, offset in step_expressions(self.step):
            self._check_expression(text, where, offset, names, condition=where in conditions)
        if names is not None:
            self._check_targets()
            self._check_depends_on()

    def _check_pipeline(self) -> None:
        if not isinstance(self.step.action, PipelineCall):
            return
        from spine.pipelines.registry import pipeline_names

        name, known = self.step.action.pipeline, pipeline_names()
        if name not in known:
            self._add(
                Code.UNKNOWN_PIPELINE, f"unknown pipeline '{name}'", "pipeline", suggestion=did_you_mean(name, known)
            )

    def _check_handler(self, packages: tuple[str, ...]) -> None:
        if not isinstance(self.step.action, HandlerCall):
            return
        try:
            load_handler(self.step.action.handler, packages)
        except PermissionDenied as error:
            self._add(Code.HANDLER_NOT_ALLOWED, error.message, "handler")
        except ConfigurationError as error:
            self._add(Code.HANDLER_NOT_FOUND, error.message, "handler")

    def _check_map(self) -> None:
        if not isinstance(self.step.action, Map):
            return
        if len(self.inside) + 1 > MAX_MAP_DEPTH:
            self._add(Code.NESTED_TOO_DEEP, f"more than {MAX_MAP_DEPTH} maps inside each other", "steps")
        if not _PARAM_NAME.fullmatch(self.step.action.item):
            self._add(Code.VALUE_NOT_ALLOWED, f"'{self.step.action.item}' cannot name a param", "item")

    def _check_wait(self) -> None:
        if not isinstance(self.step.action, Wait):
            return
        from spine.workflows.waiting import until_problem

        if problem := until_problem(self.step.action):
            self._add(Code.VALUE_NOT_ALLOWED, *problem)

    def _check_expression(self, text: str, where: Place, offset: int, names: Names | None, *, condition: bool) -> None:
        place = (*self.where, *where)
        try:
            expression = parse_expression(text)
        except ExpressionError as error:
            message = f"'{text}' {error.message}"
            self.document.add_inside(Code.BAD_EXPRESSION, message, *place, offset=offset + error.offset)
            return
        for found in type_problems(expression, names, condition=condition) if names else ():
            self.document.add_inside(
                Code.WRONG_EXPRESSION, found.message, *place, offset=offset + found.offset, suggestion=found.suggestion
            )

    def _check_targets(self) -> None:
        if not isinstance(self.step.action, Choice):
            return
        for where, target in choice_targets(self.step.action):
            if target not in self.siblings:
                self._add(
                    Code.UNKNOWN_STEP, f"no step '{target}'", *where, suggestion=did_you_mean(target, self.siblings)
                )
            elif self.siblings.index(target) <= self.siblings.index(self.step.name):
                message = f"step '{target}' stands before '{self.step.name}'; a choice only leads forward"
                self._add(Code.BACKWARD_JUMP, message, *where)

    def _check_depends_on(self) -> None:
        for position, name in enumerate(self.step.depends_on or ()):
            if name not in self.siblings:
                suggestion = did_you_mean(name, self.siblings)
                self._add(Code.UNKNOWN_STEP, f"no step '{name}'", "depends_on", position, suggestion=suggestion)

    def _add(self, code: Code, message: str, *where: str | int, suggestion: str = "") -> None:
        self.document.add(code, message, *self.where, *where, suggestion=suggestion)


def choice_targets(choice: Choice) -> Iterator[tuple[Place, str]]:
    """Every step a choice names, and where it names it."""
    for number, case in enumerate(choice.cases):
        yield ("then_step",) if choice.flat else ("cases", number, "then"), case.then
    if choice.else_step is not None:
        yield ("else_step",), choice.else_step


def _check_graph(document: Document, graph: Graph, inside: tuple[str, ...]) -> None:
    steps = graph.steps
    places = {step.name: document.steps[*inside, step.name] for step in steps}
    if cycle := graph.cycle():
        first = min(cycle, key=[step.name for step in steps].index)
        document.add(Code.CYCLE, f"steps wait for each other: {' -> '.join(cycle)}", *places[first], "depends_on")
        return
    for step in steps[1:]:
        if not graph.upstream[step.name] and step.depends_on is None:
            message = f"nothing leads to step '{step.name}': the choice before it does not name it"
            suggestion = "name it there, or give it depends_on"
            document.add(Code.UNREACHABLE_STEP, message, *places[step.name], suggestion=suggestion)
    for message, name in (*_strays(graph), *_tangles(graph)):
        document.add(Code.TANGLED_CHOICE, message, *places[name], "depends_on")
    for code, message, name, suggestion in warnings_of(graph):
        document.add(code, message, *places[name], suggestion=suggestion)


def _strays(graph: Graph) -> Iterator[tuple[str, str]]:
    """Steps that wait for a choice without being a way it may take: Airflow would skip them always."""
    for choice, targets in graph.targets.items():
        for name in graph.downstream(choice):
            if name not in targets:
                yield f"step '{name}' depends on choice '{choice}', which does not lead to it", name


def _tangles(graph: Graph) -> Iterator[tuple[str, str]]:
    """Targets that also wait for a step beside the choice.

    If that one failed while the choice went elsewhere, its failure would end in a skipped step, and a run whose last
    steps are skipped is green in Airflow.
    """
    for choice, targets in graph.targets.items():
        for target in targets:
            others = {way for other in targets if other != target for way in (other, *graph.descendants(other))}
            for name in graph.upstream[target]:
                if name != choice and name not in others and choice not in graph.descendants(name):
                    beside = (
                        f"step '{target}' of choice '{choice}' also waits for '{name}', which runs beside the choice"
                    )
                    yield f"{beside}; let '{choice}' depend on '{name}'", target
