"""Scores, anomalies, outcomes of gates, rejects, readiness and decisions as JSON. Reading is for whoever sees the console;
deciding is for operators, and stands in the audit trail with their name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Body, Query
from pydantic import StringConstraints

from spine.console.permissions import may_operate
from spine.console.storage import domain_storage
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending
from spine.pipelines.context import utc_now
from spine.quality import anomalies, settling
from spine.quality.anomalies import read_anomalies
from spine.quality.assessment.stored import read_scores
from spine.quality.decisions import Decision, decisions_of
from spine.quality.gate_history import AskedResults, read_results
from spine.quality.readiness import certify, read_readiness
from spine.quality.rejects import AskedRejects, count_rejects, read_rejects

router = APIRouter()
_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Reason = Annotated[_Words, Body(embed=True, description="Why; it stands in the audit trail")]
Limit = Annotated[int, Query(ge=1, le=1000)]
TierName = Annotated[str | None, Query(description="T1, T2, OTCE or an alias")]
Week = Annotated[str | None, Query(description="A Friday, as YYYY-MM-DD")]


@router.get("/quality/scores")
def list_scores(tier: TierName = None, symbol: str = "", summary_type: str = "", limit: Limit = 100) -> dict[str, Any]:
    """Scores of weeks, or of a symbol, the newest week first, as they were assessed last."""
    with domain_storage() as storage:
        found = read_scores(storage, tier=_tier(tier), symbol=symbol, summary_type=summary_type, limit=limit)
    return {"scores": _plain(found)}


@router.get("/quality/anomalies")
def list_anomalies(
    tier: TierName = None, week_ending: Week = None, settled: bool = False, limit: Limit = 100
) -> dict[str, Any]:
    """What is not as it should be, the worst first; ``settled``: what was resolved too."""
    with domain_storage() as storage:
        found = read_anomalies(
            storage, unsettled=not settled, tier=_tier(tier), week_ending=_week(week_ending), limit=limit
        )
    return {"anomalies": _plain(found)}


@router.post("/quality/anomalies/{anomaly_id}/acknowledge", dependencies=[may_operate])
def acknowledge_anomaly(anomaly_id: str, reason: Reason, user: GetUserDep) -> dict[str, str]:
    """Say that somebody looks into it."""
    with domain_storage() as storage:
        anomalies.acknowledge(storage, anomaly_id, by=user.get_name(), note=reason, now=utc_now())
    return {"anomaly_id": anomaly_id, "state": "acknowledged"}


@router.post("/quality/anomalies/{anomaly_id}/resolve", dependencies=[may_operate])
def resolve_anomaly(anomaly_id: str, reason: Reason, user: GetUserDep) -> dict[str, str]:
    """Say that it is gone, or may stay as it is."""
    with domain_storage() as storage:
        anomalies.resolve(storage, anomaly_id, by=user.get_name(), note=reason, now=utc_now())
    return {"anomaly_id": anomaly_id, "state": "resolved"}


@router.get("/quality/results")
def list_results(
    run_id: str = "",
    capture_id: str = "",
    suite: str = "",
    tier: TierName = None,
    week_ending: Week = None,
    failed_only: bool = False,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Outcomes of rules with what was observed, expected and compared with, the newest first."""
    asked = AskedResults(run_id, suite, capture_id, _tier(tier), _week(week_ending), failed_only)
    with domain_storage() as storage:
        return {"results": _plain(read_results(storage, asked, limit))}


@router.get("/quality/readiness")
def list_readiness(
    tier: TierName = None, weeks: Annotated[int, Query(ge=1, le=260)] = 6, summary_type: str | None = None
) -> dict[str, Any]:
    """Which weeks may be relied on, as of now."""
    tiers = (Tier.parse(tier),) if tier else tuple(Tier)
    with domain_storage() as storage:
        found = read_readiness(storage, utc_now(), weeks, tiers, summary_type)
    return {"weeks": [each.to_dict() for each in found]}


@router.post("/quality/readiness/{tier}/{week}/certify", dependencies=[may_operate])
def certify_week(
    tier: str,
    week: str,
    purpose: Annotated[str, Body(description="trading, compliance or research")],
    reason: Annotated[_Words, Body()],
    user: GetUserDep,
    summary_type: Annotated[str | None, Body()] = None,
) -> dict[str, Any]:
    """Put on record that a week may be used for a purpose."""
    with domain_storage() as storage:
        made = certify(
            storage,
            Tier.parse(tier),
            parse_week_ending(week),
            purpose,
            by=user.get_name(),
            reason=reason,
            now=utc_now(),
            summary_type=summary_type,
        )
    return _decision(made)


@router.get("/quality/captures/{capture_id}/decisions")
def list_decisions(capture_id: str) -> dict[str, Any]:
    """What people decided about a capture, the newest first."""
    with domain_storage() as storage:
        return {"decisions": [_decision(each) for each in decisions_of(storage, capture_id)]}


@router.post("/quality/captures/{capture_id}/hold", dependencies=[may_operate])
def hold_capture(capture_id: str, reason: Reason, user: GetUserDep) -> dict[str, Any]:
    """Keep it from readers."""
    with domain_storage() as storage:
        return _decision(settling.hold(storage, capture_id, by=user.get_name(), reason=reason, clock=utc_now))


@router.post("/quality/captures/{capture_id}/approve", dependencies=[may_operate])
def approve_capture(capture_id: str, reason: Reason, user: GetUserDep) -> dict[str, Any]:
    """Let a held one pass."""
    with domain_storage() as storage:
        return _decision(settling.approve(storage, capture_id, by=user.get_name(), reason=reason, clock=utc_now))


@router.post("/quality/captures/{capture_id}/reject", dependencies=[may_operate])
def reject_capture(capture_id: str, reason: Reason, user: GetUserDep) -> dict[str, Any]:
    """Refuse it for good."""
    with domain_storage() as storage:
        return _decision(settling.reject(storage, capture_id, by=user.get_name(), reason=reason, clock=utc_now))


@router.get("/rejects")
def list_rejects(
    tier: TierName = None, week_ending: Week = None, reason: str = "", stage: str = "", limit: Limit = 100
) -> dict[str, Any]:
    """Refused lines, the newest first. Their content is for those who may read the database."""
    asked = AskedRejects(_tier(tier), _week(week_ending), reason, stage)
    with domain_storage() as storage:
        return {"rejects": _plain(read_rejects(storage, asked, limit))}


@router.get("/rejects/reasons")
def list_reasons(
    tier: TierName = None, week_ending: Week = None, reason: str = "", stage: str = "", limit: Limit = 100
) -> dict[str, Any]:
    """How many lines were refused for which reason, the most frequent first."""
    asked = AskedRejects(_tier(tier), _week(week_ending), reason, stage)
    with domain_storage() as storage:
        return {"reasons": _plain(count_rejects(storage, asked, limit))}


def _tier(name: str | None) -> str:
    return str(Tier.parse(name)) if name else ""


def _week(text: str | None) -> dt.date | None:
    return parse_week_ending(text) if text else None


def _decision(made: Decision) -> dict[str, Any]:
    return {
        "decision": str(made.kind),
        "capture_id": made.capture_id,
        "by": made.by,
        "reason": made.reason,
        "at": made.at.isoformat(),
        "purpose": made.purpose,
        "fingerprint": made.fingerprint,
    }


def _plain(rows: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """Dates and instants as ISO text, on every database alike."""
    return [
        {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in row.items()}
        for row in rows
    ]
