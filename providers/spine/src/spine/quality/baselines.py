"""The weeks before a capture, as its gates compare with them: read from the ledger and the small derived tables.

Only weeks that readers have count: what is staged, held, superseded or not aggregated is left out. So a bad week that was
held never becomes what is usual. The cost is that of the weeks asked for, however long the history is.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any

from spine.core.tiers import Tier
from spine.core.weeks import parse_date, sessions_of
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.storage.base import Session, Storage
from spine.storage.ledger import Capture

DEFAULT_WEEKS = 12
_FULL_WEEK = 5

_WEEKS = """
SELECT t.week_ending, t.capture_id, n.row_count, n.metrics_json AS normalized, a.row_count AS symbol_count
FROM core_latest t
JOIN core_manifest n ON n.capture_id = t.capture_id AND n.stage = 'NORMALIZED'
JOIN core_manifest a ON a.capture_id = t.capture_id AND a.stage = 'AGGREGATED'
WHERE t.domain = :domain AND t.tier = :tier AND t.summary_type = :summary_type AND t.stage = 'AGGREGATED'
  AND t.week_ending BETWEEN :first AND :last
ORDER BY t.week_ending DESC"""
_VENUES = "SELECT capture_id, mpid, total_volume FROM {prefix}_venue_share WHERE capture_id IN ({marks})"


def read_history(
    reader: Session | Storage, capture: Capture, weeks: int = DEFAULT_WEEKS, *, dataset: Dataset = OTC_TRANSPARENCY
) -> dict[str, Any]:
    """What ``spine.quality.robust`` takes: this week's days, and up to ``weeks`` weeks before it, the newest first.

    JSON-ready: a gate hands it to its expectations, which are configuration to Great Expectations.
    """
    week_ending = capture.partition.week_ending
    first, last = week_ending - dt.timedelta(weeks=weeks), week_ending - dt.timedelta(days=1)
    known = read_weeks(reader, capture.partition.tier, capture.summary_type, first, last, dataset=dataset)
    return {**_days(week_ending), "weeks": known}


def read_weeks(
    reader: Session | Storage,
    tier: Tier,
    summary_type: str,
    first: dt.date,
    last: dt.date,
    *,
    dataset: Dataset = OTC_TRANSPARENCY,
) -> list[dict[str, Any]]:
    """The published weeks from ``first`` to ``last``, the newest first, as ``spine.quality.robust`` takes them."""
    found = reader.query(
        _WEEKS,
        {"domain": dataset.name, "tier": str(tier), "summary_type": summary_type, "first": first, "last": last},
    )
    rows = [row for row in found if "shares" in json.loads(row["normalized"])]  # a ledger may come from elsewhere
    venues = _shares_by_venue(reader, [row["capture_id"] for row in rows], dataset)
    return [_week(row, venues.get(row["capture_id"], {})) for row in rows]


def history_of(week: Mapping[str, Any], known: Iterable[dict[str, Any]], weeks: int = DEFAULT_WEEKS) -> dict[str, Any]:
    """The history of one of ``read_weeks``, from those around it."""
    week_ending = parse_date(week["week_ending"])
    first = (week_ending - dt.timedelta(weeks=weeks)).isoformat()
    before = [each for each in known if first <= each["week_ending"] < week_ending.isoformat()]
    return {**_days(week_ending), "weeks": before}


def _shares_by_venue(
    reader: Session | Storage, capture_ids: Iterable[str], dataset: Dataset
) -> dict[str, dict[str, float]]:
    params = {f"capture_{number}": capture_id for number, capture_id in enumerate(capture_ids)}
    found: dict[str, dict[str, float]] = {}
    if params:
        marks = ", ".join(f":{name}" for name in params)
        for row in reader.query(_VENUES.format(prefix=dataset.sql_folder, marks=marks), params):
            found.setdefault(row["capture_id"], {})[row["mpid"]] = float(row["total_volume"])
    return found


def _week(row: Mapping[str, Any], venues: Mapping[str, float]) -> dict[str, Any]:
    normalized = json.loads(row["normalized"])
    return {
        "week_ending": str(row["week_ending"]),
        "capture_id": str(row["capture_id"]),
        **_days(parse_date(row["week_ending"])),
        "rows": int(row["row_count"]),
        "symbols": int(row["symbol_count"]),
        "shares": float(normalized["shares"]),
        "trades": int(normalized["trades"]),
        "venues": len(venues),
        "shares_by_venue": dict(venues),
    }


def _days(week_ending: dt.date) -> dict[str, Any]:
    days = len(sessions_of(week_ending))
    return {"trading_days": days, "is_thin": days < _FULL_WEEK}
