"""``${...}`` in ``params`` and ``config``: a text that is nothing but one reference becomes the value it names.

The value keeps its type. Text around a reference is left as it is: this is not a template language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from spine.workflows.conditions import Scope, parse_expression

OPENING = "${"
_REFERENCE = re.compile(r"\$\{(.*)\}", re.DOTALL)


def resolve(value: Any, scope: Scope) -> Any:
    """A copy of ``value`` with every reference replaced.

    :raises ConfigurationError: a reference that cannot be read or names nothing.
    """
    if isinstance(value, Mapping):
        return {key: resolve(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    expression = reference(value)
    return value if expression is None else parse_expression(expression).value(scope)


def reference(value: Any) -> str | None:
    """The expression inside ``${...}``, or None when the value is not a reference."""
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else None


def references(value: Any, *where: str | int) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every reference in ``value`` with the path that leads to it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from references(item, *where, key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, *where, index)
    elif (expression := reference(value)) is not None:
        yield where, expression
