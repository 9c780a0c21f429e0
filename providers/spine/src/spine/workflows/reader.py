"""From a document to a workflow: keys and types, by the tables of ``language``. What the values mean together is for
``checks``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from spine.core.errors import ErrorCategory
from spine.core.tiers import Tier
from spine.documents.document import Document, Place
from spine.documents.keys import Key
from spine.documents.problems import Code
from spine.documents.records import Values, add_unknown, read_record, shown
from spine.documents.spans import parse_duration
from spine.workflows.language import PARAM_KEYS, STEP_KINDS, WORKFLOW, step_keys
from spine.workflows.model import (
    Action,
    Alerts,
    Approval,
    Backoff,
    Case,
    Check,
    Choice,
    Decision,
    Gate,
    HandlerCall,
    Map,
    Notify,
    OnError,
    OnReject,
    PipelineCall,
    Retry,
    Schedule,
    Severity,
    Step,
    StepType,
    Wait,
    Workflow,
    WorkflowCall,
    WorkflowParam,
)


def read_workflow(document: Document) -> Workflow | None:
    """The workflow in a document, or None when there is too little of it to check further.

    Steps that cannot be read are left out; their problems are on the document.
    """
    if not isinstance(document.value, dict):
        document.add(Code.WRONG_TYPE, "a workflow is a mapping that starts with 'name: ...' and has 'steps'")
        return None
    values = read_record(document, document.value, (), WORKFLOW.keys)
    if values.get("steps") == []:
        document.add(Code.NO_STEPS, "the workflow has no steps", "steps")
    return Workflow(
        name=values.get("name", ""),
        steps=tuple(_read_steps(document, values.get("steps", []), ())),
        domain=values.get("domain", ""),
        description=values.get("description", "").strip(),
        version=str(values.get("version", "1")),
        owner=values.get("owner", ""),
        params=_read_params(document, values.get("params", {}), values.get("defaults", {})),
        schedules=tuple(_schedules(document, values.get("schedules", []))),
        alerts=Alerts(**{key: _names(value) for key, value in values.get("alerts", {}).items()}),
        timeout=parse_duration(values.get("timeout")),
        tags=tuple(values.get("tags", ())),
        path=document.path,
        source=document.text,
    )


def _read_steps(document: Document, items: list[Any], inside: tuple[str, ...], *where: str | int) -> Iterator[Step]:
    """:param inside: names of the maps around them; ``where`` leads to the innermost one."""
    for index, item in enumerate(items):
        place: Place = (*where, "steps", index)
        name = item.get("name") if isinstance(item, dict) else None
        step = _read_step(document, item, place, inside)
        if isinstance(name, str) and (*inside, name) in document.steps:
            line = document.line(*document.steps[*inside, name], "name")
            document.add(Code.DUPLICATE_STEP, f"step '{name}' is already on line {line}", *place, "name")
        elif step is not None:
            document.steps[*inside, step.name] = place
            yield step


def _read_step(document: Document, item: Any, where: Place, inside: tuple[str, ...]) -> Step | None:
    if not isinstance(item, dict):
        document.add(Code.WRONG_TYPE, f"a step is a mapping, found {shown(item)}", *where)
        return None
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in list(StepType):
        read_record(document, item, where, _UNTYPED, strict=False)
        return None
    owner = f"{kind} step '{item['name']}'" if isinstance(item.get("name"), str) else ""
    values = read_record(document, item, where, step_keys(StepType(kind)), owner=owner, foreign=_add_foreign)
    action = _ACTIONS[StepType(kind)](document, values, where, inside)
    if "name" not in values or action is None:
        return None
    retry = values.get("retry")
    return Step(
        name=values["name"],
        action=action,
        on_error=OnError(values.get("on_error", OnError.STOP)),
        depends_on=tuple(values["depends_on"]) if "depends_on" in values else None,
        description=values.get("description", "").strip(),
        retry=None if retry is None else _retry(retry),
        timeout=parse_duration(values.get("timeout")),
        pool=values.get("pool"),
        produces=tuple(values.get("produces", ())),
    )


# Enough to tell what is wrong with a step whose type is not known.
_UNTYPED = tuple(key for key in step_keys(StepType.PIPELINE) if key.name in ("name", "type"))


def _retry(values: Values) -> Retry:
    values = {**values, "backoff": Backoff(values.get("backoff", Backoff.EXPONENTIAL))}
    return Retry(**{**values, "on": tuple(map(ErrorCategory, values.get("on", ())))})


def _pipeline(document: Document, values: Values, where: Place, inside: tuple[str, ...]) -> Action | None:
    return PipelineCall(**_given(values, "pipeline", "params")) if "pipeline" in values else None


def _lambda(document: Document, values: Values, where: Place, inside: tuple[str, ...]) -> Action | None:
    return HandlerCall(**_given(values, "handler", "params", "config")) if "handler" in values else None


def _choice(document: Document, values: Values, where: Place, inside: tuple[str, ...]) -> Action | None:
    flat = values.keys() & {"condition", "then_step"}
    if "cases" in values:
        for key in sorted(flat):
            document.add(Code.KEY_DOES_NOT_FIT, f"'{key}' does not fit beside 'cases'", *where, key, of_key=True)
        cases = tuple(Case(**case) for case in values["cases"] if case.keys() == {"when", "then"})
        if not values["cases"]:
            document.add(Code.CHOICE_WITHOUT_CONDITION, "'cases' is empty", *where, "cases")
        return Choice(cases, values.get("else_step")) if cases else None
    if "condition" not in values:
        document.add(Code.CHOICE_WITHOUT_CONDITION, f"{_called(values)} needs 'condition', or 'cases'", *where)
    if "then_step" not in values:
        document.add(Code.MISSING_KEY, f"{_called(values)} needs 'then_step'", *where)
    if len(flat) < 2:
        return None
    return Choice((Case(values["condition"], values["then_step"]),), values.get("else_step"), flat=True)


def _called(values: Values) -> str:
    return f"{values['type']} step '{values.get('name', '')}'"


def _map(document: Document, values: Values, where: Place, inside: tuple[str, ...]) -> Action | None:
    name = values.get("name", "")
    steps = tuple(_read_steps(document, values.get("steps", []), (*inside, name), *where))
    if values.get("steps") == []:
        document.add(Code.NO_STEPS, "the map has no steps", *where, "steps")
    if "items" not in values or not steps:
        return None
    return Map(steps=steps, **_given(values, "items", "item", "max_concurrency"))


def _wait(document: Document, values: Values, where: Place, inside: tuple[str, ...]) -> Action | None:
    given = [key for key in ("duration", "until", "publication") if key in values]
    if len(given) != 1:
        found = f"found {' and '.join(given)}" if given else "found none"
        document.add(Code.MISSING_KEY, f"a wait takes one of 'duration', 'until' and 'publication', {found}", *where)
        return None
    spans = {"duration": values.get("duration"), "poll": values.get("poll")}
    seconds = {key: parse_duration(value) or value for key, value in spans.items() if value is not None}
    return Wait(**{**_given(values, "until", "timezone", "publication"), **seconds})


def _gate(document: Document, values: Values, where: Place, inside: tuple[str, ...]) -> Action | None:
    if not values.keys() & {"checks", "suite"}:
        document.add(Code.MISSING_KEY, f"{_called(values)} needs 'checks', or 'suite'", *where)
        return None
    if values.get("checks") == []:
        document.add(Code.MISSING_KEY, "'checks' is empty", *where, "checks")
    if "publish" in values and "suite" not in values:
        document.add(Code.KEY_DOES_NOT_FIT, "'publish' needs 'suite'", *where, "publish", of_key=True)
    checks = [check for check in values.get("checks", []) if "check" in check]
    read = tuple(Check(**{**check, "severity": Severity(check.get("severity", Severity.FAIL))}) for check in checks)
    return Gate(read, **_given(values, "suite", "publish")) if read or "suite" in values else None


def _approval(document: Document, values: Values, where: Place, inside: tuple[str, ...]) -> Action | None:
    if "subject" not in values:
        return None
    return Approval(
        values["subject"],
        values.get("body", "").strip(),
        default=Decision(values["default"]) if "default" in values else None,
        on_reject=OnReject(values.get("on_reject", OnReject.FAIL)),
        approvers=tuple(values.get("approvers", ())),
    )


def _workflow(document: Document, values: Values, where: Place, inside: tuple[str, ...]) -> Action | None:
    return WorkflowCall(**_given(values, "workflow", "params")) if "workflow" in values else None


def _notify(document: Document, values: Values, where: Place, inside: tuple[str, ...]) -> Action | None:
    return Notify(**_given(values, "channel", "message"))


_ACTIONS: dict[StepType, Callable[[Document, Values, Place, tuple[str, ...]], Action | None]] = {
    StepType.PIPELINE: _pipeline,
    StepType.LAMBDA: _lambda,
    StepType.CHOICE: _choice,
    StepType.MAP: _map,
    StepType.WAIT: _wait,
    StepType.GATE: _gate,
    StepType.APPROVAL: _approval,
    StepType.WORKFLOW: _workflow,
    StepType.NOTIFY: _notify,
}


def _given(values: Values, *keys: str) -> Values:
    return {key: values[key] for key in keys if key in values}


def _names(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _schedules(document: Document, items: list[Values]) -> Iterator[Schedule]:
    for index, values in enumerate(items):
        name = values.get("name")
        if name in document.schedules:
            line = document.line("schedules", document.schedules[name], "name")
            message = f"schedule '{name}' is already on line {line}"
            document.add(Code.DUPLICATE_SCHEDULE, message, "schedules", index, "name")
        elif name is not None:
            document.schedules[name] = index
            tier = {"publication": Tier.parse(values["publication"])} if "publication" in values else {}
            spans = {"deadline": parse_duration(values["deadline"])} if "deadline" in values else {}
            yield Schedule(**{**values, **tier, **spans, "description": values.get("description", "").strip()})


def _read_params(
    document: Document, params: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, WorkflowParam]:
    read = {}
    for name, schema in params.items():
        where = ("params", name)
        if not isinstance(schema, dict):
            document.add(
                Code.WRONG_TYPE, f"param '{name}' is described by a mapping, found {shown(schema)}", *where,
                suggestion=f"write '{name}: {{default: {schema}}}'",
            )  # fmt: skip
            continue
        for key in schema.keys() - PARAM_KEYS:
            add_unknown(document, key, where, PARAM_KEYS)
        if name in defaults and "default" in schema:
            document.add(Code.BAD_PARAM, f"param '{name}' also has a default under 'params'", "defaults", name)
        read[name] = _param(name, schema, defaults)
    untyped = {name: WorkflowParam(name, {}, default) for name, default in defaults.items() if name not in params}
    return {**read, **untyped}


def _param(name: str, schema: Mapping[str, Any], defaults: Mapping[str, Any]) -> WorkflowParam:
    rules = {key: value for key, value in schema.items() if key != "default"}
    given = {**schema, "default": defaults[name]} if name in defaults else schema
    return WorkflowParam(name, rules, given.get("default"), required="default" not in given)


def _add_foreign(document: Document, name: str, where: Place, known: Mapping[str, Key]) -> None:
    """A key that nothing knows, or that only steps of another type have."""
    fitting = [kind.type for kind in STEP_KINDS if name in {key.name for key in step_keys(kind.type)}]
    step_type = _type_at(document, where)
    if step_type and fitting:
        message = f"'{name}' does not fit a {step_type} step"
        document.add(Code.KEY_DOES_NOT_FIT, message, *where, name, of_key=True)
    else:
        add_unknown(document, name, where, known)


def _type_at(document: Document, where: Place) -> str | None:
    """The type of the step at a place, or None where no step is."""
    if len(where) < 2 or where[-2] != "steps":
        return None
    value = document.value
    for part in where:
        value = value[part]
    return str(value.get("type"))
