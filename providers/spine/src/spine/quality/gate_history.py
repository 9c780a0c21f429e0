"""What gates said, read again: outcomes of rules by run, capture or week."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

_COLUMNS = (
    "q.created_at, c.week_ending, c.tier, c.summary_type, q.capture_id, q.suite, q.rule_version, q.check_name, q.category, "
    "q.status, q.message, q.actual_value, q.expected_value, q.affected_rows, q.baseline_json, q.execution_id"
)
_PLACES = {
    "run_id": "q.execution_id",
    "suite": "q.suite",
    "capture_id": "q.capture_id",
    "tier": "c.tier",
    "week_ending": "c.week_ending",
}


@dataclass(frozen=True, slots=True)
class AskedResults:
    """Which outcomes; empty values ask for any.

    :param failed_only: those that did not simply pass.
    """

    run_id: str = ""
    suite: str = ""
    capture_id: str = ""
    tier: str = ""
    week_ending: dt.date | None = None
    failed_only: bool = False


def read_results(reader: Session | Storage, asked: AskedResults, limit: int) -> list[dict[str, Any]]:
    """Rows of core_quality with tier and week of their capture, the newest first; ``baseline`` is decoded."""
    wanted = {name: value for name in _PLACES if (value := getattr(asked, name))}
    where = [f"{_PLACES[name]} = :{name}" for name in wanted]
    where += ["q.status <> 'PASS'"] if asked.failed_only else []
    rows = reader.query(
        f"SELECT {_COLUMNS} FROM core_quality q JOIN core_captures c ON c.capture_id = q.capture_id "
        f"WHERE {' AND '.join(where) or '1 = 1'} ORDER BY q.created_at DESC, q.suite, q.check_name {reader.dialect.limit(limit)}",
        wanted,
    )
    return [{**row, "baseline": _decoded(row.pop("baseline_json"))} for row in rows]


def _decoded(text: str | None) -> Any:
    return None if text is None else json.loads(text)
