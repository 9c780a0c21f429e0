"""Input lines that were refused, one by one or by reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

_COLUMNS = (
    "r.domain, c.tier, c.week_ending, r.stage, r.line_number, r.reason_code, r.reason_detail, r.source_locator, "
    "r.capture_id"
)
_BY_REASON = (
    "r.reason_code, r.stage, c.tier, c.week_ending, COUNT(*) AS row_count, MIN(r.line_number) AS first_line, "
    "MIN(r.reason_detail) AS for_example, r.capture_id"
)
_PLACES = {"tier": "c.tier", "week_ending": "c.week_ending", "reason": "r.reason_code", "stage": "r.stage"}


@dataclass(frozen=True, slots=True)
class AskedRejects:
    """Which of them; empty values ask for any."""

    tier: str = ""
    week_ending: dt.date | None = None
    reason: str = ""
    stage: str = ""


def read_rejects(reader: Session | Storage, asked: AskedRejects, limit: int) -> list[dict[str, Any]]:
    """The newest first."""
    found, wanted = _found(asked)
    order = f"ORDER BY r.created_at DESC, r.line_number {reader.dialect.limit(limit)}"
    return list(reader.query(f"SELECT {_COLUMNS} {found} {order}", wanted))


def count_rejects(reader: Session | Storage, asked: AskedRejects, limit: int) -> list[dict[str, Any]]:
    """How many for which reason of which week, the most frequent first."""
    found, wanted = _found(asked)
    grouped = "GROUP BY r.reason_code, r.stage, c.tier, c.week_ending, r.capture_id"
    order = f"ORDER BY row_count DESC, r.reason_code, r.capture_id {reader.dialect.limit(limit)}"
    return list(reader.query(f"SELECT {_BY_REASON} {found} {grouped} {order}", wanted))


def _found(asked: AskedRejects) -> tuple[str, dict[str, Any]]:
    wanted = {name: value for name in _PLACES if (value := getattr(asked, name))}
    where = " AND ".join(f"{_PLACES[name]} = :{name}" for name in wanted) or "1 = 1"
    return f"FROM core_rejects r LEFT JOIN core_captures c ON c.capture_id = r.capture_id WHERE {where}", wanted
