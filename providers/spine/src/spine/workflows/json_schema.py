"""The language as a JSON Schema: for editors, which complete and check by it while people write.

It says less than the loader, which also knows what values mean together; what it refuses, the loader refuses too.
"""

from __future__ import annotations

from typing import Any

from spine.workflows.language import (
    STEP_KINDS,
    WORKFLOW,
    Key,
    ListOf,
    Record,
    StepKind,
    step_keys,
)

SCHEMA_ID = "urn:spine:workflow:1"
_STEPS = {"$ref": "#/$defs/steps"}
# Which of these a step has is more than a list of required keys can say.
_ALTERNATIVES: dict[str, list[dict[str, Any]]] = {
    "choice": [{"required": ["condition", "then_step"]}, {"required": ["cases"]}],
    "wait": [{"required": [key]} for key in ("duration", "until", "publication")],
}


def workflow_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    kinds = {f"{kind.type}_step": _step_schema(kind) for kind in STEP_KINDS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Spine workflow",
        **_object(WORKFLOW.keys),
        "$defs": {
            "steps": {
                "type": "array",
                "minItems": 1,
                "items": {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in kinds]},
            },
            **kinds,
        },
    }


def _step_schema(kind: StepKind) -> dict[str, Any]:
    schema = _object(step_keys(kind.type))
    schema["properties"]["type"] = {"const": str(kind.type), "description": kind.doc}
    alternatives = {"oneOf": _ALTERNATIVES[kind.type]} if kind.type in _ALTERNATIVES else {}
    return {"title": f"{kind.type} step", "description": kind.doc, **schema, **alternatives, "examples": [kind.example]}


def _object(keys: tuple[Key, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key.name: _property(key) for key in keys},
        "required": [key.name for key in keys if key.required],
        "additionalProperties": False,
    }


def _property(key: Key) -> dict[str, Any]:
    default = f" Default: {key.default}." if key.default else ""
    return {**_value(key), "description": f"{key.doc}{default}"}


def _value(key: Key) -> dict[str, Any]:
    if key.name == "steps":
        return dict(_STEPS)
    if isinstance(key.kind, ListOf):
        return {"type": "array", "items": _record(key.kind.record)}
    if isinstance(key.kind, Record):
        return _record(key.kind)
    schema = dict(key.kind.schema)
    return schema if key.required else _or_empty(schema)


def _or_empty(schema: dict[str, Any]) -> dict[str, Any]:
    """A key with nothing behind it counts as not written."""
    if not schema:
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


def _record(record: Record) -> dict[str, Any]:
    mapping = _object(record.keys)
    return {"anyOf": [{"type": "string"}, mapping]} if record.shorthand else mapping
