"""Values as text in a statement, where no driver of H2's is there to bind them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal

_MARK = re.compile(r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | (?P<mark>\?)""", re.VERBOSE)


def with_values(sql: str, values: Sequence[object]) -> str:
    """A statement with each parameter marker replaced by a literal."""
    rest = iter(values)
    text = _MARK.sub(lambda found: _literal(next(rest)) if found["mark"] else found[0], sql)
    assert not list(rest), f"more values than markers in {sql}"
    return text


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value.isoformat(' ')}'"
    if isinstance(value, dt.date):
        return f"DATE '{value.isoformat()}'"
    assert isinstance(value, int | float | Decimal), value
    return f"{value:f}" if isinstance(value, Decimal) else f"{value!r}"
