"""Keys that a YAML file may have, as tables: what each takes and what it means. The reader (``records``), the JSON Schema
(``json_schema``) and whatever explains a language to people come from such a table; nothing else lists its keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from spine.documents.problems import Code
from spine.documents.spans import DURATION, parse_duration

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: what to call it, how to know it, its JSON Schema, and the words it is one of, where there are such."""

    label: str
    fits: Callable[[Any], bool]
    schema: Schema = field(default_factory=dict)
    choices: tuple[str, ...] = ()

    @classmethod
    def one_of(cls, choices: Iterable[str]) -> Kind:
        known = tuple(str(choice) for choice in choices)
        return cls(f"one of {', '.join(known)}", lambda value: value in known, {"enum": list(known)}, known)


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with keys of its own.

    :param shorthand: the key that a plain value stands for.
    """

    label: str
    keys: tuple[Key, ...]
    shorthand: str = ""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of records."""

    record: Record


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    :param default: what counts where it is not written, in words; '' for nothing.
    :param missing: how its absence is told.
    """

    name: str
    kind: Kind | Record | ListOf
    doc: str
    required: bool = False
    default: str = ""
    missing: Code = Code.MISSING_KEY


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


TEXT = Kind("text", _is_text, {"type": "string"})
NAME = Kind(
    "a name (text)", lambda value: _is_text(value) and bool(value.strip()), {"type": "string", "pattern": r"\S"}
)
VERSION = Kind(
    "a version (a number or text)",
    lambda value: isinstance(value, (str, int)) and not isinstance(value, bool),
    {"type": ["string", "integer"]},
)
MAPPING = Kind("a mapping", lambda value: isinstance(value, dict), {"type": "object"})
NAMES = Kind(
    "a list of names",
    lambda value: isinstance(value, list) and all(map(_is_text, value)),
    {"type": "array", "items": {"type": "string"}},
)
NAMES_OR_NAME = Kind(
    "a name or a list of names",
    lambda value: _is_text(value) or NAMES.fits(value),
    {"anyOf": [{"type": "string"}, NAMES.schema]},
)
COUNT = Kind(
    "a whole number from 1",
    lambda value: isinstance(value, int) and value is not True and value > 0,
    {"type": "integer", "minimum": 1},
)
SECONDS = Kind(
    "a number of seconds above 0",
    lambda value: _is_number(value) and value > 0,
    {"type": "number", "exclusiveMinimum": 0},
)
FACTOR = Kind("a number from 1", lambda value: _is_number(value) and value >= 1, {"type": "number", "minimum": 1})
SWITCH = Kind("true or false", lambda value: isinstance(value, bool), {"type": "boolean"})
SPAN = Kind(
    "seconds, or text such as 90s, 10m, 2h or 1d",
    lambda value: parse_duration(value) is not None,
    {"anyOf": [SECONDS.schema, {"type": "string", "pattern": DURATION}]},
)
