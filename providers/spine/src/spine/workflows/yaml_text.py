"""Plain values as YAML for people: block style, quotes only where they must be. Never the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# Text that needs no quotes: anywhere, and behind ``key:``. Words that mean something else and a space at the end do.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+*()' -]*|[0-9]+[smhd]")
_PLAIN_LINE = re.compile(r"[A-Za-z_$][^:#]*|[0-9]+[smhd]")
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
_WIDTH = 100


def yaml_text(value: Mapping[str, Any]) -> str:
    """A document of mappings, lists, text, numbers, booleans and None."""
    return "".join(f"{line}\n" for line in _mapping(value, ""))


def _mapping(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        yield from _entry(f"{indent}{_scalar(key)}:", item, indent)


def _entry(start: str, item: Any, indent: str) -> Iterator[str]:
    """What follows ``key:``: on its line where it fits, else below it."""
    if isinstance(item, str) and (lines := _block_lines(item)):
        yield f"{start} |-"
        yield from (f"{indent}  {line}" if line else "" for line in lines)
    elif isinstance(item, (Mapping, list)) and (flow := _flow(item)) and (not item or len(start + flow) < _WIDTH):
        yield f"{start} {flow}"
    elif isinstance(item, Mapping):
        yield start
        yield from _mapping(item, f"{indent}  ")
    elif isinstance(item, list):
        yield start
        yield from _items(item, f"{indent}  ")
    else:
        yield f"{start} {_scalar(item, _PLAIN_LINE)}"


def _items(items: list[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, Mapping) and item:
            first, *others = _mapping(item, f"{indent}  ")
            yield f"{indent}- {first.lstrip()}"
            yield from others
        elif isinstance(item, list) and _flow(item) is None:
            yield f"{indent}-"
            yield from _items(item, f"{indent}  ")
        else:
            yield f"{indent}- {_flow(item)}"


def _flow(item: Any) -> str | None:
    """The value in one line; None where a reader is better served by several."""
    if isinstance(item, Mapping):
        return None if item else "{}"
    if not isinstance(item, list):
        return _scalar(item)
    parts = [_flow(each) for each in item]
    return None if None in parts else f"[{', '.join(map(str, parts))}]"


def _block_lines(text: str) -> list[str] | None:
    """Lines for a literal block, or None where the text cannot stand in one as it is."""
    lines = text.split("\n")
    fits = all(line.isprintable() and line == line.rstrip() for line in lines)
    return lines if len(lines) > 1 and fits and lines[0] and lines[-1] and not lines[0].startswith(" ") else None


def _scalar(value: Any, plain: re.Pattern[str] = _PLAIN) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return repr(value)
    as_it_is = (
        plain.fullmatch(value) and not value.endswith(" ") and value.lower() not in _WORDS and value.isprintable()
    )
    return value if as_it_is else _quoted(value)


def _quoted(text: str) -> str:
    return (
        '"'
        + "".join(_ESCAPES.get(each) or (each if each.isprintable() else f"\\U{ord(each):08x}") for each in text)
        + '"'
    )
