"""Tables of keys as JSON Schema, for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spine.documents.keys import Key, ListOf, Record

Special = Mapping[str, Mapping[str, Any]]


def object_schema(keys: tuple[Key, ...], special: Special = {}) -> dict[str, Any]:  # noqa: B006 - never changed
    """Of a mapping with these keys and no others.

    :param special: schemas of keys, by name, that their kinds do not tell.
    """
    return {
        "type": "object",
        "properties": {key.name: _property(key, special) for key in keys},
        "required": [key.name for key in keys if key.required],
        "additionalProperties": False,
    }


def _property(key: Key, special: Special) -> dict[str, Any]:
    default = f" Default: {key.default}." if key.default else ""
    return {**_value(key, special), "description": f"{key.doc}{default}"}


def _value(key: Key, special: Special) -> dict[str, Any]:
    if key.name in special:
        return dict(special[key.name])
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
    mapping = object_schema(record.keys)
    return {"anyOf": [{"type": "string"}, mapping]} if record.shorthand else mapping
