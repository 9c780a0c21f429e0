"""Alerts as the outbox has them: those that wait, each different one once, and what fires at present."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from spine.alerts.model import Alert, AlertSeverity, AlertState
from spine.core.errors import ErrorCategory
from spine.storage.base import Session, Storage
from spine.storage.ledger import as_instant

FIRING_FOR = dt.timedelta(days=7)
"""What was not resolved in this time is not taken to fire any longer."""

NOT_RESOLVED = """NOT EXISTS (SELECT 1 FROM core_alerts r WHERE r.fingerprint = a.fingerprint AND r.state = 'RESOLVED'
                  AND r.raised_at >= a.raised_at)"""
"""Of an alert ``a``, in SQL: nobody has resolved it since."""

_WAITING = """
SELECT fingerprint, COUNT(*) AS row_count, MIN(raised_at) AS first_at, MAX(raised_at) AS last_at,
       SUM(CASE WHEN state = 'FIRING' THEN 1 ELSE 0 END) AS fired
FROM core_alerts WHERE handled_at IS NULL AND raised_at <= :until
GROUP BY fingerprint ORDER BY MIN(raised_at) """
_NEWEST = """
SELECT * FROM core_alerts
WHERE fingerprint = :fingerprint AND raised_at = :raised_at AND handled_at IS NULL ORDER BY state DESC, alert_id """
_FIRING = f"""
SELECT a.* FROM core_alerts a
WHERE a.raised_at >= :since AND a.state = 'FIRING' AND ({{causes}}) AND {NOT_RESOLVED}"""
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Waiting:
    """One different alert that waits to be handled, however often it was raised.

    :param alert: as it was raised last.
    :param count: how often in all, and ``fired`` how often of that it was FIRING.
    """

    alert_id: str
    alert: Alert
    count: int
    fired: int
    first_at: dt.datetime
    last_at: dt.datetime


def waiting(reader: Session | Storage, until: dt.datetime) -> list[Waiting]:
    """The oldest MOST_AT_ONCE different ones."""
    found = []
    for row in list(reader.query(_WAITING + reader.dialect.limit(MOST_AT_ONCE), {"until": until})):
        same = {"fingerprint": row["fingerprint"], "raised_at": instant(row["last_at"])}
        newest = reader.query(_NEWEST + reader.dialect.limit(1), same).first
        assert newest is not None
        found.append(
            Waiting(
                newest["alert_id"], alert_from(newest), int(row["row_count"]), int(row["fired"] or 0),
                instant(row["first_at"]), instant(row["last_at"]),
            )
        )  # fmt: skip
    return found


def firing_alerts(reader: Session | Storage, causes: list[str], now: dt.datetime) -> list[Alert]:
    """What of these causes (with ``*`` for any text) was raised lately and not resolved since, and perhaps a few others."""
    if not causes:
        return []
    params = {f"cause_{number}": cause.replace("*", "%") for number, cause in enumerate(causes)}
    sql = _FIRING.format(causes=" OR ".join(f"a.cause LIKE :{name}" for name in params))
    return [alert_from(row) for row in reader.query(sql, {**params, "since": now - FIRING_FOR})]


def firing_of(reader: Session | Storage, known: Alert, causes: list[str], now: dt.datetime) -> list[Alert]:
    """What of these causes fires about the same thing as ``known``: its source, domain, tier, week and series."""
    place = attrgetter("source", "domain", "tier", "week_ending", "summary_type")
    return [each for each in firing_alerts(reader, causes, now) if place(each) == place(known)]


def alert_from(row: Mapping[str, Any]) -> Alert:
    """An alert from its row."""
    category = row["error_category"]
    return Alert(
        severity=AlertSeverity(row["severity"]),
        title=row["title"],
        message=row["message"],
        source=row["source"],
        domain=row["domain"],
        tier=row["tier"],
        week_ending="" if row["week_ending"] is None else str(row["week_ending"]),
        summary_type=row["summary_type"],
        category=None if category is None else ErrorCategory(category),
        workflow=row["workflow"],
        step=row["step"],
        capture_id=row["capture_id"],
        run_id=row["execution_id"],
        run_url=row["run_url"],
        cause=row["cause"],
        state=AlertState(row["state"]),
        metadata=json.loads(row["metadata_json"]),
        occurred_at=instant(row["occurred_at"]),
    )


def instant(value: Any) -> dt.datetime:
    """A column that holds an instant, aware on every database."""
    found = as_instant(value)
    assert found is not None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
