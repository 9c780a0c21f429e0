"""From a document to a workflow: keys and types. What the values mean together is for ``checks``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spine.core.errors import ValidationError
from spine.core.suggest import did_you_mean
from spine.core.tiers import Tier
from spine.workflows.document import Document
from spine.workflows.errors import Code
from spine.workflows.model import OnError, Retry, Schedule, Step, StepType, Workflow, WorkflowParam

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: what to call it, how to know it, and the words it is one of, where there are such."""

    label: str
    fits: Callable[[Any], bool]
    choices: tuple[str, ...] = ()

    @classmethod
    def one_of(cls, choices: Iterable[str]) -> Kind:
        known = tuple(choices)
        return cls(f"one of {', '.join(known)}", lambda value: value in known, known)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_tier(value: Any) -> bool:
    try:
        Tier.parse(value)
    except ValidationError:
        return False
    return True


TEXT = Kind("text", lambda value: isinstance(value, str))
NAME = Kind("a name (text)", lambda value: isinstance(value, str) and bool(value.strip()))
VERSION = Kind("a version (a number or text)", lambda value: isinstance(value, (str, int)) and value is not True)
MAPPING = Kind("a mapping", lambda value: isinstance(value, dict))
LIST = Kind("a list", lambda value: isinstance(value, list))
NAMES = Kind("a list of names", lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value))
COUNT = Kind("a whole number from 1", lambda value: isinstance(value, int) and value is not True and value > 0)
SECONDS = Kind("a number of seconds above 0", lambda value: _is_number(value) and value > 0)
FACTOR = Kind("a number from 1", lambda value: _is_number(value) and value >= 1)
SWITCH = Kind("true or false", lambda value: isinstance(value, bool))
STEP_TYPE = Kind.one_of(StepType)
ON_ERROR = Kind.one_of(OnError)
TIER = Kind("a tier", _is_tier, tuple(Tier))

WORKFLOW_KEYS = {
    "name": NAME,
    "domain": TEXT,
    "description": TEXT,
    "version": VERSION,
    "params": MAPPING,
    "defaults": MAPPING,
    "schedules": LIST,
    "tags": NAMES,
    "steps": LIST,
}
STEP_KEYS = {
    "name": NAME,
    "type": STEP_TYPE,
    "pipeline": NAME,
    "handler": NAME,
    "params": MAPPING,
    "config": MAPPING,
    "condition": NAME,
    "then_step": NAME,
    "else_step": NAME,
    "on_error": ON_ERROR,
    "depends_on": NAMES,
    "description": TEXT,
    "retry": MAPPING,
    "timeout": SECONDS,
    "pool": NAME,
}
SCHEDULE_KEYS = {
    "name": NAME,
    "publication": TIER,
    "at": NAME,
    "cron": NAME,
    "timezone": NAME,
    "params": MAPPING,
    "enabled": SWITCH,
    "description": TEXT,
}
RETRY_KEYS = {"max_attempts": COUNT, "initial_delay": SECONDS, "multiplier": FACTOR, "max_delay": SECONDS}
# JSON Schema's keywords for one value, and those by which Airflow's trigger form shows it.
PARAM_KEYS = frozenset(
    (
        *("type", "enum", "const", "format", "default", "title", "description", "description_md", "examples"),
        *("values_display", "section", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "items", "minItems", "maxItems", "uniqueItems"),
        *("properties", "required", "additionalProperties", "anyOf"),
    )
)


def read_workflow(document: Document) -> Workflow | None:
    """The workflow in a document, or None when there is too little of it to check further.

    Steps that cannot be read are left out; their problems are on the document.
    """
    if not isinstance(document.value, dict):
        document.add(Code.WRONG_TYPE, "a workflow is a mapping that starts with 'name: ...' and has 'steps'")
        return None
    values = _read_keys(document, document.value, (), WORKFLOW_KEYS, required=("name", "steps"))
    steps = tuple(_read_steps(document, values.get("steps", [])))
    if values.get("steps") == []:
        document.add(Code.NO_STEPS, "the workflow has no steps", "steps")
    return Workflow(
        name=values.get("name", ""),
        steps=steps,
        domain=values.get("domain", ""),
        description=values.get("description", "").strip(),
        version=str(values.get("version", "1")),
        params=_read_params(document, values.get("params", {}), values.get("defaults", {})),
        schedules=tuple(_read_schedules(document, values.get("schedules", []))),
        tags=tuple(values.get("tags", ())),
        path=document.path,
        source=document.text,
    )


def _read_steps(document: Document, items: list[Any]) -> Iterator[Step]:
    for index, item in enumerate(items):
        step = _read_step(document, item, ("steps", index))
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str) and name in document.steps:
            line = document.line("steps", document.steps[name], "name")
            document.add(Code.DUPLICATE_STEP, f"step '{name}' is already on line {line}", "steps", index, "name")
        elif step is not None:
            document.steps[step.name] = index
            yield step


def _read_step(document: Document, item: Any, where: Path) -> Step | None:
    if not isinstance(item, dict):
        document.add(Code.WRONG_TYPE, f"a step is a mapping, found {_shown(item)}", *where)
        return None
    values = _read_keys(document, item, where, STEP_KEYS, required=("name", "type"))
    if "retry" in values:
        values["retry"] = Retry(**_read_keys(document, values["retry"], (*where, "retry"), RETRY_KEYS))
    if "depends_on" in values:
        values["depends_on"] = tuple(values["depends_on"])
    if "name" not in values or "type" not in values:
        return None
    values["type"] = StepType(values["type"])
    values["on_error"] = OnError(values.get("on_error", OnError.STOP))
    return Step(**values)


def _read_schedules(document: Document, items: list[Any]) -> Iterator[Schedule]:
    for index, item in enumerate(items):
        where: Path = ("schedules", index)
        if not isinstance(item, dict):
            document.add(Code.WRONG_TYPE, f"a schedule is a mapping, found {_shown(item)}", *where)
            continue
        values = _read_keys(document, item, where, SCHEDULE_KEYS, required=("name",))
        if "publication" in values:
            values["publication"] = Tier.parse(values["publication"])
        name = values.get("name")
        if name in document.schedules:
            line = document.line("schedules", document.schedules[name], "name")
            document.add(Code.DUPLICATE_SCHEDULE, f"schedule '{name}' is already on line {line}", *where, "name")
        elif name is not None:
            document.schedules[name] = index
            yield Schedule(**{**values, "description": values.get("description", "").strip()})


def _read_params(
    document: Document, params: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, WorkflowParam]:
    read = {}
    for name, schema in params.items():
        where = ("params", name)
        if not isinstance(schema, dict):
            document.add(
                Code.WRONG_TYPE, f"param '{name}' is described by a mapping, found {_shown(schema)}", *where,
                suggestion=f"write '{name}: {{default: {schema}}}'",
            )  # fmt: skip
            continue
        for key in schema.keys() - PARAM_KEYS:
            _add_unknown(document, key, where, PARAM_KEYS)
        if name in defaults and "default" in schema:
            document.add(Code.BAD_PARAM, f"param '{name}' also has a default under 'params'", "defaults", name)
        read[name] = _param(name, schema, defaults)
    untyped = {name: WorkflowParam(name, {}, default) for name, default in defaults.items() if name not in params}
    return {**read, **untyped}


def _param(name: str, schema: Mapping[str, Any], defaults: Mapping[str, Any]) -> WorkflowParam:
    rules = {key: value for key, value in schema.items() if key != "default"}
    given = {**schema, "default": defaults[name]} if name in defaults else schema
    return WorkflowParam(name, rules, given.get("default"), required="default" not in given)


def _read_keys(
    document: Document, found: Mapping[str, Any], where: Path, keys: Mapping[str, Kind], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The values that are as they should be. A key with nothing behind it counts as not written."""
    values = {}
    for key, value in found.items():
        kind = keys.get(key)
        if kind is None:
            _add_unknown(document, key, where, keys)
        elif value is None and key not in required:
            continue
        elif kind.fits(value):
            values[key] = value
        else:
            _add_misfit(document, key, value, kind, where)
    for key in required:
        if key not in found:
            document.add(Code.MISSING_KEY, f"'{key}' is missing", *where)
    return values


def _add_unknown(document: Document, key: str, where: Path, keys: Mapping[str, Kind] | frozenset[str]) -> None:
    suggestion = did_you_mean(key, keys)
    document.add(Code.UNKNOWN_KEY, f"unknown key '{key}'", *where, key, suggestion=suggestion, of_key=True)


def _add_misfit(document: Document, key: str, value: Any, kind: Kind, where: Path) -> None:
    if kind.choices and isinstance(value, str):
        message, suggestion = f"unknown {key} '{value}'", did_you_mean(value, kind.choices)
        document.add(Code.VALUE_NOT_ALLOWED, message, *where, key, suggestion=suggestion)
    else:
        document.add(Code.WRONG_TYPE, f"'{key}' is {_shown(value)}, expected {kind.label}", *where, key)


def _shown(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "empty"}
    kind = names.get(type(value), "a number")
    return kind if isinstance(value, (dict, list)) or value is None else f"{kind} ({value!r:.40})"
