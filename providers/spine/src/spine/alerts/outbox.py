"""The outbox: an alert is a row that commits with the outcome that caused it. Whoever delivers comes later."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spine.alerts.model import Alert, AlertState
from spine.core.redaction import redact

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage


def raise_alert(session: Session | Storage, alert: Alert, now: dt.datetime) -> str:
    """Write it, in the caller's transaction when given a session; its id.

    Nothing is routed, throttled or sent here, so raising costs one insert whatever is configured. Its texts are redacted
    (no secrets), for they go to people and may be other people's error messages.
    """
    alert_id, alert = uuid.uuid4().hex, clean(alert)
    session.execute(
        "INSERT INTO core_alerts (alert_id, fingerprint, severity, state, title, message, source, domain, tier, "
        "week_ending, summary_type, error_category, workflow, step, capture_id, execution_id, run_url, cause, metadata_json, "
        "occurred_at, raised_at) VALUES (:alert_id, :fingerprint, :severity, :state, :title, :message, :source, :domain, "
        ":tier, :week_ending, :summary_type, :error_category, :workflow, :step, :capture_id, :execution_id, :run_url, "
        ":cause, :metadata, :occurred_at, :raised_at)",
        {
            "alert_id": alert_id,
            "fingerprint": alert.fingerprint,
            "severity": str(alert.severity),
            "state": str(alert.state),
            "title": alert.title,
            "message": alert.message,
            "source": alert.source,
            "domain": alert.domain,
            "tier": alert.tier,
            "week_ending": dt.date.fromisoformat(alert.week_ending) if alert.week_ending else None,
            "summary_type": alert.summary_type,
            "error_category": None if alert.category is None else str(alert.category),
            "workflow": alert.workflow,
            "step": alert.step,
            "capture_id": alert.capture_id,
            "execution_id": alert.run_id,
            "run_url": alert.run_url,
            "cause": alert.cause,
            "metadata": {name: str(value) for name, value in alert.metadata.items()},
            "occurred_at": alert.occurred_at or now,
            "raised_at": now,
        },
    )
    return alert_id


def end_alerts(session: Session | Storage, alerts: Iterable[Alert], now: dt.datetime, **told: Any) -> int:
    """Raise each different one of these as RESOLVED; how many there were.

    :param told: fields that say how it ended, in place of the alert's own.
    """
    ended = {alert.fingerprint: alert for alert in alerts}
    for alert in ended.values():
        raise_alert(session, replace(alert, **{"state": AlertState.RESOLVED, "occurred_at": None, **told}), now)
    return len(ended)


def clean(alert: Alert) -> Alert:
    """The same without secrets in its texts."""
    metadata = {name: redact(str(value)) for name, value in alert.metadata.items()}
    return replace(alert, title=redact(alert.title), message=redact(alert.message), metadata=metadata)


def firing(
    reader: Session | Storage, source: str, domain: str, tier: str, week_ending: dt.date | None, summary_type: str
) -> set[str]:
    """Fingerprints of what a source last raised as FIRING about a week of a series, and nobody resolved since."""
    where = "week_ending IS NULL" if week_ending is None else "week_ending = :week_ending"
    rows = reader.query(
        "SELECT a.fingerprint, MAX(CASE WHEN a.state = 'FIRING' THEN a.raised_at END) AS fired, "
        "MAX(CASE WHEN a.state = 'RESOLVED' THEN a.raised_at END) AS resolved FROM core_alerts a "
        "WHERE a.source = :source AND a.domain = :domain AND a.tier = :tier "
        f"AND a.summary_type = :summary_type AND a.{where} GROUP BY a.fingerprint",
        {"source": source, "domain": domain, "tier": tier, "summary_type": summary_type}
        | ({} if week_ending is None else {"week_ending": week_ending}),
    )
    return {
        row["fingerprint"] for row in rows if row["fired"] and (not row["resolved"] or row["resolved"] < row["fired"])
    }
