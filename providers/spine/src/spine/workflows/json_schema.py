"""The language as a JSON Schema: for editors, which complete and check by it while people write.

It says less than the loader, which also knows what values mean together; what it refuses, the loader refuses too.
"""

from __future__ import annotations

from typing import Any

from spine.documents.json_schema import object_schema
from spine.workflows.language import (
    STEP_KINDS,
    WORKFLOW,
    StepKind,
    step_keys,
)

SCHEMA_ID = "urn:spine:workflow:1"
_SPECIAL = {"steps": {"$ref": "#/$defs/steps"}}
# Which of these a step has is more than a list of required keys can say.
_ALTERNATIVES: dict[str, list[dict[str, Any]]] = {
    "choice": [{"required": ["condition", "then_step"]}, {"required": ["cases"]}],
    "gate": [{"required": ["checks"]}, {"required": ["suite"]}],
    "wait": [{"required": [key]} for key in ("duration", "until", "publication")],
}
_HOW_MANY = {"gate": "anyOf"}


def workflow_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    kinds = {f"{kind.type}_step": _step_schema(kind) for kind in STEP_KINDS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Spine workflow",
        **object_schema(WORKFLOW.keys, _SPECIAL),
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
    schema = object_schema(step_keys(kind.type), _SPECIAL)
    schema["properties"]["type"] = {"const": str(kind.type), "description": kind.doc}
    alternatives = {_HOW_MANY.get(kind.type, "oneOf"): _ALTERNATIVES[kind.type]} if kind.type in _ALTERNATIVES else {}
    return {"title": f"{kind.type} step", "description": kind.doc, **schema, **alternatives, "examples": [kind.example]}
