"""Everything two databases hold, compared row by row: text, dates and whole numbers exactly, fractions as near as documented.

What belongs to one run and not to what it found (its name, its instants) does not count. Captures are told by their
week and revision, loads by their order.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from spine.storage.base import Storage

# Doubles are sums and quotients of the same numbers, added up in another order.
ULPS = 8
# Where a database holds quantities as doubles, what is left of their difference is no nearer than they are.
_DIFFERENCES_IN_PER_CENT = ("trend_pct",)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_NOT_COMPARED = {"_migrations", "core_concurrency_locks"}
_JSON = {"metrics_json", "raw_json", "rows_json", "impact_summary", "details_json", "blocking_issues"}
_OWN = {"capture_no", "execution_id", "batch_id", "load_id", "anomaly_id", "issue_key"}
Row = dict[str, Any]


def rows_of(storage: Storage, tables: Iterable[str] | None = None) -> dict[str, list[Row]]:
    """Rows of tables and views in an order of their own, in comparable values."""
    labels = _labels(storage)
    names = set(tables or storage.tables()) - _NOT_COMPARED
    return {
        name: sorted((_plain_row(row, labels) for row in storage.query(f"SELECT * FROM {name}")), key=_place)
        for name in sorted(names)
    }


def differences_between(ours: Mapping[str, list[Row]], theirs: Mapping[str, list[Row]], *, exact: bool) -> list[str]:
    """What is otherwise, in words; [] for nothing.

    :param exact: both hold quantities exactly; otherwise one of them holds the nearest doubles.
    """
    found = [f"{name} is in one of them" for name in ours.keys() ^ theirs.keys()]
    for name in ours.keys() & theirs.keys():
        if len(ours[name]) != len(theirs[name]):
            found.append(f"{name}: {len(ours[name])} rows and {len(theirs[name])}")
            continue
        for one, other in zip(ours[name], theirs[name], strict=True):
            found += [
                f"{name}.{column}: {one.get(column)!r} and {other.get(column)!r} in {_place(one)}"
                for column in sorted(one.keys() | other.keys())
                if not _same(one.get(column), other.get(column), column, exact)
            ]
    return found


def _same(one: Any, other: Any, column: str, exact: bool) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name], name, exact) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*pair, column, exact) for pair in zip(one, other, strict=True))
    kinds = {type(one), type(other)}
    if kinds == {float}:
        return _is_same_double(one, other, not exact and column in _DIFFERENCES_IN_PER_CENT)
    if not exact and kinds <= {Decimal, float, int} and kinds != {int}:
        return abs(Fraction(one) - Fraction(other)) <= abs(Fraction(other)) / 2**52
    return bool(one == other)


def _is_same_double(one: float, other: float, is_what_is_left: bool) -> bool:
    allowed = ULPS * math.ulp(max(abs(one), abs(other)))
    return abs(one - other) <= allowed + (is_what_is_left and (200 + abs(one)) / 2**51)


def _labels(storage: Storage) -> dict[str, str]:
    captures = storage.query("SELECT capture_id, tier, week_ending, summary_type, revision FROM core_captures").rows
    labels = {row[0]: " ".join(map(str, row[1:])) for row in captures}
    loads = storage.query("SELECT load_id FROM core_loads ORDER BY loaded_at").rows
    return labels | {row[0]: f"load {number}" for number, row in enumerate(loads)}


def _plain_row(row: Mapping[str, Any], labels: Mapping[str, str]) -> Row:
    return {
        name: _comparable(name, value, labels)
        for name, value in row.items()
        if name not in _OWN and not name.endswith("_at")
    }


def _comparable(name: str, value: Any, labels: Mapping[str, str]) -> Any:
    if name == "page_gzip":
        return _of_page(value, labels)
    return _of_json(json.loads(value), labels) if name in _JSON else _plain(value, labels)


def _of_json(value: Any, labels: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _of_json(each, labels) for name, each in value.items()}
    if isinstance(value, list):
        return [_of_json(each, labels) for each in value]
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    return _plain(value, labels)


def _of_page(value: str, labels: Mapping[str, str]) -> str:
    page = gzip.decompress(base64.b64decode(value)).decode()
    for name, label in labels.items():
        page = page.replace(name, label)
    return page


def _plain(value: Any, labels: Mapping[str, str]) -> Any:
    if isinstance(value, dt.date):  # SQLite keeps text
        return value.isoformat()
    return labels.get(value, value) if isinstance(value, str) else value


def _place(row: Row) -> tuple[str, ...]:
    """What tells a row from the others, whatever database holds it: its text and its whole numbers."""
    return tuple(repr(value) for value in row.values() if isinstance(value, str | int | None))
