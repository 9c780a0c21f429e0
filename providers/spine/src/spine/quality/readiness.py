"""Which weeks may be relied on: all tiers in, all stages done, nothing held or critical, old enough; what people certified."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from spine.alerts.stored import NOT_RESOLVED
from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import newest_published, parse_date
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.quality.certifications import PURPOSES, certified_for
from spine.quality.coverage import tier_params
from spine.quality.decisions import Decision, DecisionKind, record_decision
from spine.storage.ledger import Stage, as_instant, find_capture

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

PRELIMINARY = dt.timedelta(hours=48)
"""FINRA restates most often right after it publishes: a week counts as settled when nothing changed for so long."""
_STAGES = (Stage.INGESTED, Stage.NORMALIZED, Stage.AGGREGATED)

_FOUND = """
SELECT c.tier, c.week_ending, c.capture_id, c.revision, c.captured_at, c.hold_reason, m.stage
FROM core_captures c
LEFT JOIN core_manifest m ON m.capture_id = c.capture_id
WHERE c.domain = :domain AND c.summary_type = :summary_type AND c.tier IN ({tiers})
  AND c.week_ending BETWEEN :first AND :last AND c.pruned_at IS NULL
ORDER BY c.week_ending, c.tier, c.revision DESC"""
_CRITICAL = f"""
SELECT a.tier, a.week_ending, a.title FROM core_alerts a
WHERE a.severity = 'CRITICAL' AND a.state = 'FIRING' AND a.week_ending BETWEEN :first AND :last
  AND a.source <> 'assessment' AND a.summary_type IN (:summary_type, '')
  AND {NOT_RESOLVED}"""
_WRONG = """
SELECT tier, week_ending, message AS title FROM core_anomalies
WHERE severity = 'CRITICAL' AND state <> 'resolved' AND week_ending BETWEEN :first AND :last
  AND summary_type = :summary_type"""


class ReadinessState(StrEnum):
    """What may be done with a week, best first."""

    CERTIFIED = "certified"
    READY = "ready"
    PRELIMINARY = "preliminary"
    BLOCKED = "blocked"
    NOT_AVAILABLE = "not available"


@dataclass(frozen=True, slots=True)
class Readiness:
    """One week of one tier.

    :param issues: why it is not ready, in words.
    :param certified_for: the purposes it is certified for, as its content is now.
    """

    week_ending: dt.date
    tier: Tier
    summary_type: str
    state: ReadinessState
    capture_id: str = ""
    issues: tuple[str, ...] = ()
    certified_for: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "week_ending": self.week_ending.isoformat(),
            "tier": str(self.tier),
            "summary_type": self.summary_type,
            "state": str(self.state),
            "capture_id": self.capture_id,
            "issues": list(self.issues),
            "certified_for": list(self.certified_for),
        }


def read_readiness(
    storage: Session | Storage,
    now: dt.datetime,
    weeks: int,
    tiers: Iterable[Tier] = tuple(Tier),
    summary_type: str | None = None,
) -> list[Readiness]:
    """The last weeks that FINRA has published of every tier asked for, the newest first.

    :param summary_type: by default the dataset's first. :raises ValidationError: there is no such one.
    """
    wanted, series = list(tiers), OTC_TRANSPARENCY.summary_type(summary_type)
    last = max(newest_published(tier, now) for tier in wanted)
    first = last - dt.timedelta(weeks=weeks - 1)
    marks, values = tier_params(wanted)
    params = {
        "domain": OTC_TRANSPARENCY.name,
        "summary_type": series,
        "first": first,
        "last": last,
    }
    captures: dict[tuple[dt.date, str], list[dict[str, Any]]] = {}
    for row in storage.query(_FOUND.format(tiers=marks), {**params, **values}):
        captures.setdefault((parse_date(row["week_ending"]), row["tier"]), []).append(row)
    critical = _critical(storage, first, last, series)
    fridays = [last - dt.timedelta(weeks=back) for back in range(weeks)]
    return [
        _judge(storage, friday, tier, series, captures, critical, now)
        for friday in fridays
        for tier in wanted
        if friday <= newest_published(tier, now)
    ]


def _critical(
    storage: Session | Storage, first: dt.date, last: dt.date, series: str
) -> dict[tuple[dt.date, str], list[str]]:
    found: dict[tuple[dt.date, str], list[str]] = {}
    for sql in (_CRITICAL, _WRONG):
        for row in storage.query(sql, {"first": first, "last": last, "summary_type": series}):
            found.setdefault((parse_date(row["week_ending"]), row["tier"]), []).append(row["title"])
    return found


def _judge(
    storage: Session | Storage,
    friday: dt.date,
    tier: Tier,
    series: str,
    captures: Mapping[tuple[dt.date, str], list[dict[str, Any]]],
    critical: Mapping[tuple[dt.date, str], list[str]],
    now: dt.datetime,
) -> Readiness:
    rows = captures.get((friday, str(tier)), [])
    if not rows:
        return Readiness(friday, tier, series, ReadinessState.NOT_AVAILABLE, issues=("nothing is captured",))
    newest = [row for row in rows if row["revision"] == rows[0]["revision"]]
    capture_id = str(newest[0]["capture_id"])
    there = {str(row["stage"]) for row in newest if row["stage"]}
    issues = [f"held: {newest[0]['hold_reason']}"] if newest[0]["hold_reason"] else []
    issues += [f"not {stage} yet" for stage in _STAGES if stage not in there]
    issues += [f"critical: {title}" for title in critical.get((friday, str(tier)), [])]
    issues += _missing_tiers(friday, captures)
    captured_at = as_instant(newest[0]["captured_at"])
    assert captured_at is not None
    captured_at = captured_at if captured_at.tzinfo else captured_at.replace(tzinfo=dt.UTC)
    young = now - captured_at < PRELIMINARY
    certified = certified_for(storage, capture_id)
    state = ReadinessState.BLOCKED if issues else ReadinessState.PRELIMINARY if young else ReadinessState.READY
    if not issues and certified:
        state = ReadinessState.CERTIFIED
    if young:
        issues.append(f"preliminary until {captured_at + PRELIMINARY:%Y-%m-%d %H:%M} UTC")
    return Readiness(friday, tier, series, state, capture_id, tuple(issues), certified)


def _missing_tiers(friday: dt.date, captures: Mapping[tuple[dt.date, str], list[dict[str, Any]]]) -> list[str]:
    """Tiers of the week that are not in, although another is that FINRA publishes no earlier."""
    there = {tier for week, tier in captures if week == friday}
    late = {str(Tier.T2), str(Tier.OTCE)}
    wanted = {str(Tier.T1)} | (late if there & late else set())
    return [f"tier {tier} of the week is missing" for tier in sorted(wanted - there)]


def certify(
    storage: Storage,
    tier: Tier,
    week_ending: dt.date,
    purpose: str,
    *,
    by: str,
    reason: str,
    now: dt.datetime,
    summary_type: str | None = None,
) -> Decision:
    """Put on record that a week may be used for a purpose. It ends when readers see other content.

    :raises ValidationError: no such purpose, or the week is not ready: its issues are named.
    """
    if purpose not in PURPOSES:
        raise ValidationError(f"no purpose {purpose!r}; expected {', '.join(PURPOSES)}")
    newest = max(newest_published(each, now) for each in Tier)
    weeks = max((newest - week_ending).days // 7 + 1, 1)
    known = read_readiness(storage, now, weeks, summary_type=summary_type)
    found = [each for each in known if (each.tier, each.week_ending) == (tier, week_ending)]
    if not found or found[0].state in (ReadinessState.BLOCKED, ReadinessState.NOT_AVAILABLE):
        why = "; ".join(found[0].issues) if found else "FINRA has not published it"
        raise ValidationError(f"{tier} of {week_ending} cannot be certified: {why}")
    capture = find_capture(storage, found[0].capture_id)
    assert capture is not None
    with storage.transaction() as session:
        return record_decision(session, capture, DecisionKind.CERTIFY, by=by, reason=reason, now=now, purpose=purpose)


def save_readiness(storage: Storage, found: Iterable[Readiness], now: dt.datetime) -> None:
    """Put it on record, for those who read tables."""
    with storage.transaction() as session:
        for each in found:
            key = {
                "domain": OTC_TRANSPARENCY.name,
                "summary_type": each.summary_type,
                "tier": str(each.tier),
                "week_ending": each.week_ending,
            }
            same = " AND ".join(f"{name} = :{name}" for name in key)
            session.execute(f"DELETE FROM core_data_readiness WHERE {same}", key)
            session.execute(
                "INSERT INTO core_data_readiness (domain, summary_type, tier, week_ending, state, is_ready, ready_for, "
                "capture_id, blocking_issues, checked_at) VALUES (:domain, :summary_type, :tier, :week_ending, :state, "
                ":is_ready, :ready_for, :capture_id, :issues, :now)",
                {
                    **key,
                    "state": str(each.state),
                    "is_ready": int(each.state in (ReadinessState.CERTIFIED, ReadinessState.READY)),
                    "ready_for": ", ".join(each.certified_for),
                    "capture_id": each.capture_id,
                    "issues": list(each.issues),
                    "now": now,
                },
            )
