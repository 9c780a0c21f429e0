"""A person's decision about a capture, done: hold it, let a held one pass, or refuse it. Each in one transaction, on record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from spine.alerts.model import Alert, AlertSeverity
from spine.alerts.outbox import end_alerts, raise_alert
from spine.alerts.stored import alert_from
from spine.core.errors import ValidationError
from spine.pipelines.base import lease_key
from spine.quality.anomalies import settle_of_capture
from spine.quality.certifications import HELD, SUPERSEDED, end_certifications
from spine.quality.decisions import Decision, DecisionKind, decisions_of, record_decision, valid_approval
from spine.storage.leases import lease
from spine.storage.ledger import Capture, HoldKind, Stage, captures_of, find_capture, finished_stages, set_hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spine.storage.base import Session, Storage

Clock = Callable[[], dt.datetime]


def hold(storage: Storage, capture_id: str, *, by: str, reason: str, clock: Clock) -> Decision:
    """Keep a capture from readers until a person lets it pass.

    :raises ValidationError: no such capture.
    """
    with _deciding(storage, capture_id, by, clock) as (session, capture):
        decision = record_decision(session, capture, DecisionKind.HOLD, by=by, reason=reason, now=clock())
        set_hold(session, capture_id, f"{reason} ({by})", HoldKind.PERSON)
        end_certifications(session, capture, clock(), why=HELD)
    return decision


def approve(storage: Storage, capture_id: str, *, by: str, reason: str, clock: Clock) -> Decision:
    """Let a held capture pass: what is computed of it is shown to readers at once, the rest by the next run of its week.

    :raises ValidationError: no such capture, not held, refused by a rule that nobody may pass over, or no longer the newest.
    """
    with _deciding(storage, capture_id, by, clock) as (session, capture):
        _require_approvable(session, capture)
        decision = record_decision(session, capture, DecisionKind.APPROVE, by=by, reason=reason, now=clock())
        if Stage.AGGREGATED in finished_stages(session, capture_id):
            set_hold(session, capture_id, None)
            end_certifications(session, capture, clock(), why=SUPERSEDED)
        else:  # its later gates have not seen it yet
            set_hold(
                session,
                capture_id,
                f"staged: approved by {by}, its run goes on when it is started again",
                HoldKind.STAGED,
            )
        _end_alerts(session, capture, clock())
        settle_of_capture(session, capture_id, by=by, note=f"approved: {reason}", now=clock())
    return decision


def reject(storage: Storage, capture_id: str, *, by: str, reason: str, clock: Clock) -> Decision:
    """Refuse a capture for good: it stays held, and an earlier approval of it does not count any more."""
    with _deciding(storage, capture_id, by, clock) as (session, capture):
        decision = record_decision(session, capture, DecisionKind.REJECT, by=by, reason=reason, now=clock())
        set_hold(session, capture_id, f"rejected: {reason} ({by})", HoldKind.PERSON)
        end_certifications(session, capture, clock(), why=HELD)
    return decision


def void_stale_approvals(session: Session, capture: Capture, now: dt.datetime) -> bool:
    """Record that an approval does not count any more because what it was about changed; whether there was one."""
    newest = next(iter(decisions_of(session, capture.capture_id)), None)
    if newest is None or newest.kind is not DecisionKind.APPROVE or valid_approval(session, capture) is not None:
        return False
    record_decision(session, capture, DecisionKind.VOID, by="spine", reason="its content changed", now=now)
    raise_alert(session, _approval_void(capture, newest), now)
    return True


@contextmanager
def _deciding(storage: Storage, capture_id: str, by: str, clock: Clock) -> Iterator[tuple[Session, Capture]]:
    """The capture, while nobody else works on its week."""
    if not by.strip():
        raise ValidationError("who decides? Give --by")
    capture = find_capture(storage, capture_id)
    if capture is None:
        raise ValidationError(f"no capture {capture_id!r}; `airflow spine doctor` names those that are held")
    with (
        lease(storage, lease_key(capture.partition), f"decision of {by}", clock=clock) as held,
        storage.transaction() as session,
    ):
        known = find_capture(session, capture_id)
        assert known is not None
        yield session, known
        held.confirm(session)


def _require_approvable(session: Session, capture: Capture) -> None:
    newest = captures_of(session, capture.partition, capture.summary_type)[0]
    if newest.capture_id != capture.capture_id:
        raise ValidationError(f"{capture.capture_id} is superseded by {newest.capture_id}; decide about that one")
    if capture.hold_kind is None:
        raise ValidationError(f"{capture.capture_id} is not held: readers see it")
    if capture.hold_kind == HoldKind.FAILED:
        raise ValidationError(
            f"{capture.capture_id} was refused by a rule that nobody may pass over ({capture.hold_reason}); "
            "load other content, or change the rule's outcome to hold and run again"
        )
    if capture.hold_kind == HoldKind.STAGED:
        raise ValidationError(f"{capture.capture_id} waits for its gates, not for a person; run its workflow again")


def _end_alerts(session: Session, capture: Capture, now: dt.datetime) -> None:
    """What gates raised about it is over: a person has looked."""
    rows = session.query(
        "SELECT * FROM core_alerts WHERE capture_id = :capture_id AND state = 'FIRING' ORDER BY raised_at",
        {"capture_id": capture.capture_id},
    )
    end_alerts(session, (alert for alert in map(alert_from, rows) if alert.cause.startswith("gate:")), now)


def _approval_void(capture: Capture, approval: Decision) -> Alert:
    return Alert(
        AlertSeverity.WARNING,
        f"an approval of {capture.partition.tier} is void",
        f"{capture.capture_id} was approved by {approval.by} on {approval.at:%Y-%m-%d %H:%M}, and its content changed since.",
        "spine.decisions",
        domain=capture.partition.dataset,
        tier=str(capture.partition.tier),
        week_ending=capture.partition.week_ending.isoformat(),
        summary_type=capture.summary_type,
        capture_id=capture.capture_id,
        cause="approval_void",
    )
