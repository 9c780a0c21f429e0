"""Mappings of a document, read by their tables: every key that does not belong, every value that is not of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from spine.core.suggest import did_you_mean
from spine.documents.document import Document, Place
from spine.documents.keys import Key, Kind, ListOf, Record
from spine.documents.problems import Code

Values = dict[str, Any]
Foreign = Callable[[Document, str, Place, Mapping[str, Key]], None]


def read_record(
    document: Document,
    found: Mapping[str, Any],
    where: Place,
    keys: Iterable[Key],
    *,
    strict: bool = True,
    owner: str = "",
    foreign: Foreign | None = None,
) -> Values:
    """The values that are as they should be. A key with nothing behind it counts as not written.

    :param strict: whether other keys are problems.
    :param owner: what to call the mapping when a key is missing.
    :param foreign: notes the problem with a key that does not belong; by default that it is unknown.
    """
    known = {key.name: key for key in keys}
    values = {}
    for name, value in found.items():
        key = known.get(name)
        if key is None:
            if strict:
                (foreign or add_unknown)(document, name, where, known)
        elif value is None and not key.required:
            continue
        elif (read := _read_value(document, key, value, (*where, name))) is not None:
            values[name] = read
    for key in known.values():
        if key.required and key.name not in found:
            missing = f"{owner} needs '{key.name}'" if owner else f"'{key.name}' is missing"
            document.add(key.missing, missing, *where)
    return values


def _read_value(document: Document, key: Key, value: Any, where: Place) -> Any:
    """The value, or None when it is not of the key's kind."""
    kind = key.kind
    if isinstance(kind, Record):
        return _read_item(document, kind, value, where)
    if isinstance(kind, ListOf):
        if not isinstance(value, list):
            document.add(Code.WRONG_TYPE, f"'{key.name}' is {shown(value)}, expected a list", *where)
            return None
        items = (_read_item(document, kind.record, item, (*where, number)) for number, item in enumerate(value))
        return [item for item in items if item is not None]
    if kind.fits(value):
        return value
    _add_misfit(document, key.name, value, kind, where)
    return None


def _read_item(document: Document, record: Record, value: Any, where: Place) -> Values | None:
    if record.shorthand and isinstance(value, str):
        value = {record.shorthand: value}
    if not isinstance(value, dict):
        document.add(Code.WRONG_TYPE, f"{record.label} is a mapping, found {shown(value)}", *where)
        return None
    return read_record(document, value, where, record.keys)


def add_unknown(document: Document, key: str, where: Place, keys: Iterable[str]) -> None:
    suggestion = did_you_mean(key, keys)
    document.add(Code.UNKNOWN_KEY, f"unknown key '{key}'", *where, key, suggestion=suggestion, of_key=True)


def _add_misfit(document: Document, key: str, value: Any, kind: Kind, where: Place) -> None:
    if kind.choices and isinstance(value, str):
        message, suggestion = f"unknown {key} '{value}'", did_you_mean(value, kind.choices)
        document.add(Code.VALUE_NOT_ALLOWED, message, *where, suggestion=suggestion)
    else:
        document.add(Code.WRONG_TYPE, f"'{key}' is {shown(value)}, expected {kind.label}", *where)


def shown(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "empty"}
    kind = names.get(type(value), "a number")
    return kind if isinstance(value, (dict, list)) or value is None else f"{kind} ({value!r:.40})"
