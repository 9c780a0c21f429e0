"""A workflow as the one document that says what it says: no defaults, one order of keys, one spelling of each value.

Two files that mean the same give the same document, and reading the document gives the same workflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from spine.documents.spans import as_span
from spine.workflows.model import Check, Choice, Map, Step, Workflow, WorkflowParam
from spine.workflows.yaml_text import yaml_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SPANS = frozenset({"timeout", "duration", "poll"})
_ORDER = (
    *("name", "domain", "description", "version", "owner", "tags", "params", "schedules", "alerts", "timeout", "steps"),
)


def canonical_yaml(workflow: Workflow) -> str:
    """The document as YAML that people can read."""
    return yaml_text(canonical_document(workflow))


def canonical_document(workflow: Workflow) -> dict[str, Any]:
    values = {
        **_written(workflow),
        "tags": sorted(workflow.tags),
        "params": {name: _param(param) for name, param in workflow.params.items()},
        "steps": [_step(step) for step in workflow.steps],
    }
    return {key: values[key] for key in _ORDER if values.get(key)}


def sorted_keys(value: Any) -> Any:
    """The value with the keys of all its mappings sorted: where an author's order means nothing."""
    if isinstance(value, Mapping):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(item) for item in value] if isinstance(value, list) else value


def _step(step: Step) -> dict[str, Any]:
    common = _written(step)
    own = _choice(step.action) if isinstance(step.action, Choice) else _written(step.action)
    if isinstance(step.action, Map):
        own["steps"] = [_step(inner) for inner in step.action.steps]
    head = {"name": step.name, "type": str(step.type)}
    if step.description:
        head["description"] = step.description
    return {**head, **own, **{key: value for key, value in common.items() if key not in head}}


def _choice(choice: Choice) -> dict[str, Any]:
    """One case is written flat, however the author wrote it."""
    otherwise = {} if choice.else_step is None else {"else_step": choice.else_step}
    if len(choice.cases) == 1:
        return {"condition": choice.cases[0].when, "then_step": choice.cases[0].then, **otherwise}
    return {"cases": [_written(case) for case in choice.cases], **otherwise}


def _param(param: WorkflowParam) -> dict[str, Any]:
    schema: dict[str, Any] = sorted_keys(param.schema)
    return schema if param.required else {**schema, "default": sorted_keys(param.default)}


def _written(record: DataclassInstance) -> dict[str, Any]:
    """The fields that differ from what counts where nothing is written."""
    found = {}
    for name, default in _fields(type(record)):
        value = getattr(record, name)
        if value != default():
            found[name] = as_span(value) if name in _SPANS and isinstance(value, float) else _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Check) and _written(value).keys() == {"check"}:
        return value.check
    if is_dataclass(value) and not isinstance(value, type):
        return _written(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return sorted_keys(value)


@cache
def _fields(kind: type[DataclassInstance]) -> tuple[tuple[str, Callable[[], Any]], ...]:
    """The fields of a record that its file may hold, with their defaults."""
    elsewhere = {"action", "path", "source", "flat"} | ({"steps"} if kind in (Workflow, Map) else set())
    return tuple((each.name, _default_of(each)) for each in fields(kind) if each.name not in elsewhere)


def _default_of(each: Field[Any]) -> Callable[[], Any]:
    if each.default_factory is not MISSING:
        return each.default_factory
    return lambda: each.default
