"""The JSON Schemas that most params have, judged without the jsonschema package: every parse and every task would import it.

Yes is certain here; no means: ask jsonschema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]


def is_surely_valid(schema: Schema) -> bool:
    """Whether it is a JSON Schema, of keywords that are known here."""
    return all(name in _KEYWORDS and _KEYWORDS[name](value) for name, value in schema.items())


def surely_fits(value: Any, schema: Schema) -> bool:
    """Whether a value keeps the rules of a schema."""
    return is_surely_valid(schema) and all(_RULES[name](value, rule) for name, rule in schema.items() if name in _RULES)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_length(value: Any) -> bool:
    return _is_integer(value) and bool(value >= 0)


def _names_types(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(map(_names_types, value)) and len(set(value)) == len(value)
    return isinstance(value, str) and value in _TYPES


def _anything(value: Any) -> bool:
    return True


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": _is_number,
    "string": _is_text,
    "array": _is_list,
    "object": lambda value: isinstance(value, dict),
}
_KEYWORDS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("title", "description", "format"), _is_text),
    **dict.fromkeys(("enum", "examples"), _is_list),
    **dict.fromkeys(("minimum", "maximum"), _is_number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_length),
    # What JSON Schema lets be anything, and the keywords that only Airflow's form knows.
    **dict.fromkeys(("const", "default", "description_md", "values_display", "section"), _anything),
    "type": _names_types,
    "items": lambda value: isinstance(value, dict) and is_surely_valid(value),
}


def _same(value: Any, other: Any) -> bool:
    """Equal scalars of one type: ``true`` is not 1."""
    return type(value) is type(other) and not isinstance(value, (list, dict)) and bool(value == other)


_RULES: Mapping[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, rule: any(_TYPES[each](value) for each in ([rule] if isinstance(rule, str) else rule)),
    "enum": lambda value, rule: any(_same(value, each) for each in rule),
    "const": _same,
    "format": lambda value, rule: not isinstance(value, str),
    "minimum": lambda value, rule: not _is_number(value) or value >= rule,
    "maximum": lambda value, rule: not _is_number(value) or value <= rule,
    "minLength": lambda value, rule: not isinstance(value, str) or len(value) >= rule,
    "maxLength": lambda value, rule: not isinstance(value, str) or len(value) <= rule,
    "items": lambda value, rule: not isinstance(value, list) or all(surely_fits(item, rule) for item in value),
    "minItems": lambda value, rule: not isinstance(value, list) or len(value) >= rule,
    "maxItems": lambda value, rule: not isinstance(value, list) or len(value) <= rule,
}
