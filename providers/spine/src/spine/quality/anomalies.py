"""What is not as it should be, on record until it is gone or a person settles it: open, acknowledged, resolved."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from spine.core.errors import ValidationError
from spine.core.redaction import redact

if TYPE_CHECKING:
    from spine.core.tiers import Tier
    from spine.quality.assessment.issues import Issue
    from spine.storage.base import Session, Storage

SPINE = "spine"
"""Who resolves what is no longer found."""


class AnomalyState(StrEnum):
    """ACKNOWLEDGED: somebody looks into it. RESOLVED: it is gone, or a person says that it may stay as it is."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Observed:
    """What a look changed: issues that nobody knew of, and the rows of anomalies that are gone."""

    opened: tuple[Issue, ...]
    gone: tuple[Mapping[str, Any], ...]


# The newest of each issue, and whatever is open: two looks at once may both have opened one.
_KNOWN = """
SELECT a.* FROM core_anomalies a
WHERE a.domain = :domain{of_week} AND (a.state <> 'resolved' OR a.detected_at = (
    SELECT MAX(n.detected_at) FROM core_anomalies n WHERE n.issue_key = a.issue_key))
ORDER BY a.detected_at, a.anomaly_id"""
_OF_WEEK = " AND a.tier = :tier AND a.week_ending = :week_ending AND a.summary_type = :summary_type"
_INSERT = """
INSERT INTO core_anomalies (anomaly_id, issue_key, domain, check_name, about, severity, tier, week_ending, summary_type,
    capture_id, message, remedy, details_json, affected_records, state, detected_at, last_seen_at, seen_count, execution_id)
VALUES (:anomaly_id, :issue_key, :domain, :check_name, :about, :severity, :tier, :week_ending, :summary_type, :capture_id,
    :message, :remedy, :details, :affected, 'open', :now, :now, 1, :execution_id)"""
_SEEN = """
UPDATE core_anomalies SET last_seen_at = :now, seen_count = seen_count + 1, severity = :severity, message = :message,
    capture_id = :capture_id, affected_records = :affected WHERE anomaly_id = :anomaly_id"""
_SETTLE = """
UPDATE core_anomalies SET state = :state, settled_at = :now, settled_by = :by, settled_note = :note
WHERE anomaly_id = :anomaly_id"""


def observe(
    session: Session,
    domain: str,
    issues: Iterable[Issue],
    covers: Callable[[Mapping[str, Any]], bool],
    *,
    now: dt.datetime,
    run_id: str,
    of_week: tuple[Tier, dt.date, str] | None = None,
) -> Observed:
    """Put what a look found on record, in the caller's transaction.

    Known ones are counted again, new ones opened; those that the look ``covers`` and did not find are resolved. What a
    person resolved stays so until the week is captured anew.

    :param covers: whether the look would have found an anomaly, given its row.
    :param of_week: the one tier, week and summary type that it was about.
    """
    week = {} if of_week is None else {"tier": str(of_week[0]), "week_ending": of_week[1], "summary_type": of_week[2]}
    known = _known(session, domain, week, now)
    opened: list[Issue] = []
    found: set[str] = set()
    for issue in issues:
        if issue.key in found:
            continue
        found.add(issue.key)
        row = known.get(issue.key)
        if row is not None and _stands(row, issue):
            session.execute(_SEEN, {"anomaly_id": row["anomaly_id"], "now": now, **_now(issue)})
        else:
            session.execute(_INSERT, _opening(domain, issue, now, run_id))
            opened.append(issue)
    gone = [
        row for key, row in known.items() if row["state"] != AnomalyState.RESOLVED and key not in found and covers(row)
    ]
    for row in gone:
        _settle(session, str(row["anomaly_id"]), AnomalyState.RESOLVED, SPINE, "no longer found", now)
    return Observed(tuple(opened), tuple(gone))


def _known(session: Session, domain: str, week: Mapping[str, Any], now: dt.datetime) -> dict[str, Mapping[str, Any]]:
    """What is on record, by issue key; of what was opened twice the newest, which the others are then resolved as."""
    rows = session.query(_KNOWN.format(of_week=_OF_WEEK if week else ""), {"domain": domain, **week})
    known: dict[str, Mapping[str, Any]] = {}
    for row in list(rows):
        older = known.get(str(row["issue_key"]))
        if older is not None and older["state"] != AnomalyState.RESOLVED:
            _settle(session, str(older["anomaly_id"]), AnomalyState.RESOLVED, SPINE, f"as {row['anomaly_id']}", now)
        known[str(row["issue_key"])] = row
    return known


def _stands(row: Mapping[str, Any], issue: Issue) -> bool:
    """Whether an issue is the anomaly that is on record, and not a new one."""
    if row["state"] != AnomalyState.RESOLVED:
        return True
    return bool(row["settled_by"] != SPINE and row["capture_id"] == issue.capture_id)


def _now(issue: Issue) -> dict[str, Any]:
    return {
        "severity": str(issue.severity),
        "message": redact(issue.message),
        "capture_id": issue.capture_id,
        "affected": issue.affected,
    }


def _opening(domain: str, issue: Issue, now: dt.datetime, run_id: str) -> dict[str, Any]:
    return {
        "anomaly_id": uuid.uuid4().hex[:12],
        "issue_key": issue.key,
        "domain": domain,
        "check_name": str(issue.check),
        "about": issue.about,
        "tier": "" if issue.tier is None else str(issue.tier),
        "week_ending": issue.week_ending,
        "summary_type": issue.summary_type,
        "remedy": issue.remedy,
        "details": dict(issue.details),
        "now": now,
        "execution_id": run_id,
        **_now(issue),
    }


def acknowledge(storage: Storage, anomaly_id: str, *, by: str, note: str, now: dt.datetime) -> None:
    """Say that somebody looks into it. :raises ValidationError: there is no such open anomaly."""
    _settle_known(storage, anomaly_id, AnomalyState.ACKNOWLEDGED, by, note, now)


def resolve(storage: Storage, anomaly_id: str, *, by: str, note: str, now: dt.datetime) -> None:
    """Say that it is gone or may stay as it is. :raises ValidationError: there is no such open anomaly."""
    _settle_known(storage, anomaly_id, AnomalyState.RESOLVED, by, note, now)


def settle_of_capture(session: Session, capture_id: str, *, by: str, note: str, now: dt.datetime) -> None:
    """A person has looked at all that is open about a capture."""
    rows = session.query(
        "SELECT anomaly_id FROM core_anomalies WHERE capture_id = :capture_id AND state <> 'resolved'",
        {"capture_id": capture_id},
    )
    for row in rows:
        _settle(session, str(row["anomaly_id"]), AnomalyState.RESOLVED, by, note, now)


def _settle_known(storage: Storage, anomaly_id: str, state: AnomalyState, by: str, note: str, now: dt.datetime) -> None:
    if not note.strip():
        raise ValidationError("say why: whoever looks at it later has nothing else")
    with storage.transaction() as session:
        known = session.query(
            "SELECT state FROM core_anomalies WHERE anomaly_id = :anomaly_id", {"anomaly_id": anomaly_id}
        ).scalar
        if known is None or known == AnomalyState.RESOLVED:
            why = "is resolved already" if known else "is not known"
            raise ValidationError(
                f"anomaly {anomaly_id!r} {why}; `airflow spine quality anomalies` lists the open ones"
            )
        _settle(session, anomaly_id, state, by, note, now)


def _settle(session: Session, anomaly_id: str, state: AnomalyState, by: str, note: str, now: dt.datetime) -> None:
    values = {"anomaly_id": anomaly_id, "state": str(state), "by": by, "note": redact(note), "now": now}
    session.execute(_SETTLE, values)


def read_anomalies(
    reader: Session | Storage,
    *,
    unsettled: bool = True,
    tier: str = "",
    week_ending: dt.date | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Rows of core_anomalies, the worst and newest first."""
    wanted = {name: value for name, value in (("tier", tier), ("week_ending", week_ending)) if value}
    where = ["state <> 'resolved'"] if unsettled else []
    where += [f"{name} = :{name}" for name in wanted]
    rank = "CASE severity WHEN 'CRITICAL' THEN 0 WHEN 'ERROR' THEN 1 WHEN 'WARNING' THEN 2 ELSE 3 END"
    return list(
        reader.query(
            "SELECT anomaly_id, severity, state, check_name, tier, week_ending, summary_type, message, remedy, "
            "affected_records, detected_at, last_seen_at, seen_count, settled_by, settled_note, capture_id FROM core_anomalies "
            f"WHERE {' AND '.join(where) or '1 = 1'} ORDER BY {rank}, detected_at DESC, anomaly_id {reader.dialect.limit(limit)}",
            wanted,
        )
    )
