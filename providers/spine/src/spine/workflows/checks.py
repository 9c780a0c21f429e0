"""What the parts of a workflow mean together: names, references, the graph. Notes problems, raises nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from spine.core.errors import ConfigurationError, PermissionDenied, ValidationError
from spine.core.suggest import did_you_mean
from spine.workflows.conditions import Expression, ExpressionError, parse_expression
from spine.workflows.document import Document
from spine.workflows.errors import Code
from spine.workflows.graph import Graph, build_graph
from spine.workflows.handlers import load_handler
from spine.workflows.model import OnError, Step, StepType, Workflow, WorkflowParam
from spine.workflows.params import require_valid_default, require_valid_schema
from spine.workflows.references import OPENING, references

WORKFLOW_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,249}")  # Airflow's rule for a DAG id
_STEP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,199}")  # for a task id, without dots: they mean task groups there
_FITTING = {
    StepType.PIPELINE: {"pipeline", "params", "on_error", "retry", "timeout"},
    StepType.LAMBDA: {"handler", "params", "config", "on_error", "retry", "timeout"},
    StepType.CHOICE: {"condition", "then_step", "else_step"},
}
_NEEDED = {
    StepType.PIPELINE: ("pipeline", Code.PIPELINE_STEP_WITHOUT_PIPELINE),
    StepType.LAMBDA: ("handler", Code.LAMBDA_WITHOUT_HANDLER),
    StepType.CHOICE: ("condition", Code.CHOICE_WITHOUT_CONDITION),
}


def check_workflow(document: Document, workflow: Workflow, packages: Iterable[str] = ()) -> None:
    """Check everything that needs no other file.

    :param packages: where handlers may lie, beside Spine's own.
    """
    if workflow.name and not WORKFLOW_NAME.fullmatch(workflow.name):
        document.add(Code.VALUE_NOT_ALLOWED, "a workflow's name has letters, digits, '_', '-' and '.' only", "name")
    for param in workflow.params.values():
        _check_param(document, param)
    # With a step missing, every name of it would look unknown.
    complete = bool(workflow.steps) and len(workflow.steps) == len(document.value["steps"])
    for step in workflow.steps:
        _StepChecks(document, workflow, step).run(tuple(packages), with_targets=complete)
    if complete:
        _check_graph(document, workflow)


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
    """The checks of one step."""

    def __init__(self, document: Document, workflow: Workflow, step: Step) -> None:
        self.document, self.workflow, self.step = document, workflow, step
        self.where = ("steps", document.steps[step.name])
        self.written = document.value["steps"][document.steps[step.name]]

    def run(self, packages: tuple[str, ...], *, with_targets: bool) -> None:
        if not _STEP_NAME.fullmatch(self.step.name):
            message = f"step name '{self.step.name}' is not usable; it has letters, digits, '_' and '-', no digit first"
            self._add(Code.VALUE_NOT_ALLOWED, message, "name")
        self._check_keys()
        self._check_pipeline()
        self._check_handler(packages)
        self._check_condition()
        self._check_references()
        if with_targets:
            self._check_targets()

    def _check_keys(self) -> None:
        key, code = _NEEDED[self.step.type]
        if not self.written.get(key):
            self._add(code, f"{self.step.type} step '{self.step.name}' needs '{key}'")
        if self.step.type is StepType.CHOICE and not self.written.get("then_step"):
            self._add(Code.MISSING_KEY, f"choice step '{self.step.name}' needs 'then_step'")
        everywhere = set().union(*_FITTING.values())
        for key in (everywhere - _FITTING[self.step.type]) & self.written.keys():
            message = f"'{key}' does not fit a {self.step.type} step"
            self.document.add(Code.KEY_DOES_NOT_FIT, message, *self.where, key, of_key=True)
        if self.step.retry and self.step.on_error is not OnError.RETRY:
            self._add(Code.KEY_DOES_NOT_FIT, "'retry' needs 'on_error: retry'", "retry")

    def _check_pipeline(self) -> None:
        if self.step.pipeline is None:
            return
        from spine.pipelines.registry import pipeline_names

        known = pipeline_names()
        if self.step.pipeline not in known:
            suggestion = did_you_mean(self.step.pipeline, known)
            self._add(Code.UNKNOWN_PIPELINE, f"unknown pipeline '{self.step.pipeline}'", "pipeline", suggestion)

    def _check_handler(self, packages: tuple[str, ...]) -> None:
        if self.step.handler is None:
            return
        try:
            load_handler(self.step.handler, packages)
        except PermissionDenied as error:
            self._add(Code.HANDLER_NOT_ALLOWED, error.message, "handler")
        except ConfigurationError as error:
            self._add(Code.HANDLER_NOT_FOUND, error.message, "handler")

    def _check_condition(self) -> None:
        if self.step.condition is not None:
            self._check_expression(self.step.condition, ("condition",), 0)

    def _check_references(self) -> None:
        for key in ("params", "config"):
            for where, text in references(getattr(self.step, key), key):
                self._check_expression(text, where, len(OPENING))

    def _check_expression(self, text: str, where: tuple[str | int, ...], offset: int) -> None:
        try:
            expression = parse_expression(text)
        except ExpressionError as error:
            message = f"'{text}' {error.message}"
            self.document.add_inside(Code.BAD_EXPRESSION, message, *self.where, *where, offset=offset + error.offset)
            return
        for message, suggestion in self._unknown_names(expression):
            self.document.add(Code.BAD_EXPRESSION, message, *self.where, *where, suggestion=suggestion)

    def _unknown_names(self, expression: Expression) -> Iterator[tuple[str, str]]:
        steps = {step.name for step in self.workflow.steps}
        for name in expression.param_names():
            if name not in self.workflow.params:
                yield f"'{expression.text}': no param '{name}'", did_you_mean(name, self.workflow.params)
        for name in expression.step_names():
            if name not in steps:
                yield f"'{expression.text}': no step '{name}'", did_you_mean(name, steps)

    def _check_targets(self) -> None:
        order = [step.name for step in self.workflow.steps]
        for key in ("then_step", "else_step"):
            target = getattr(self.step, key)
            if target is None:
                continue
            if target not in order:
                self._add(Code.UNKNOWN_STEP, f"no step '{target}'", key, did_you_mean(target, order))
            elif order.index(target) <= order.index(self.step.name):
                message = f"step '{target}' stands before '{self.step.name}'; a choice only leads forward"
                self._add(Code.BACKWARD_JUMP, message, key)
        for position, name in enumerate(self.step.depends_on or ()):
            if name not in order:
                suggestion = did_you_mean(name, order)
                where = (*self.where, "depends_on", position)
                self.document.add(Code.UNKNOWN_STEP, f"no step '{name}'", *where, suggestion=suggestion)

    def _add(self, code: Code, message: str, key: str | None = None, suggestion: str = "") -> None:
        where = (*self.where, key) if key else self.where
        self.document.add(code, message, *where, suggestion=suggestion)


def _check_graph(document: Document, workflow: Workflow) -> None:
    graph = build_graph(workflow.steps)
    if cycle := graph.cycle():
        first = min(cycle, key=document.steps.__getitem__)
        message = f"steps wait for each other: {' -> '.join(cycle)}"
        document.add(Code.CYCLE, message, "steps", document.steps[first], "depends_on")
        return
    for step in workflow.steps[1:]:
        if not graph.upstream[step.name] and step.depends_on is None:
            message = f"nothing leads to step '{step.name}': the choice before it does not name it"
            suggestion = "name it there, or give it depends_on"
            document.add(Code.UNREACHABLE_STEP, message, "steps", document.steps[step.name], suggestion=suggestion)
    for message, name in (*_strays(graph), *_tangles(graph)):
        document.add(Code.TANGLED_CHOICE, message, "steps", document.steps[name], "depends_on")


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
