"""What a week may be used for, said by a person, as long as readers see the content that it was said of."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from spine.alerts.model import Alert, AlertSeverity
from spine.alerts.outbox import raise_alert
from spine.core.partitions import Partition
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.quality.decisions import Decision, DecisionKind, content_fingerprint, decisions_of, record_decision
from spine.storage.ledger import Capture, captures_of, find_capture

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

PURPOSES = ("trading", "compliance", "research")


def certified_for(reader: Session | Storage, capture_id: str) -> tuple[str, ...]:
    """Purposes of the certifications that stand and are about the capture as it is now."""
    standing = _standing(reader, capture_id)
    if not standing:
        return ()
    capture = find_capture(reader, capture_id)
    now = None if capture is None else content_fingerprint(reader, capture)
    return tuple(sorted(purpose for purpose, decision in standing.items() if decision.fingerprint == now))


def _standing(reader: Session | Storage, capture_id: str) -> dict[str, Decision]:
    """The newest certification for each purpose, unless it was ended since."""
    newest: dict[str, Decision] = {}
    for decision in decisions_of(reader, capture_id):
        if decision.kind in (DecisionKind.CERTIFY, DecisionKind.UNCERTIFY):
            newest.setdefault(decision.purpose, decision)
    return {purpose: decision for purpose, decision in newest.items() if decision.kind is DecisionKind.CERTIFY}


def end_certifications(session: Session, shown: Capture, now: dt.datetime, *, why: str, run_id: str = "") -> int:
    """End those of a week whose readers see other content now; who relies on them is told. How many ended.

    :param shown: the capture that changed: published in place of another, or held.
    """
    ended = 0
    for capture in captures_of(session, shown.partition, shown.summary_type):
        if (capture.capture_id == shown.capture_id) == (why == SUPERSEDED):
            continue
        for purpose, decision in _standing(session, capture.capture_id).items():
            record_decision(
                session,
                capture,
                DecisionKind.UNCERTIFY,
                by="spine",
                reason=why,
                now=now,
                run_id=run_id,
                purpose=purpose,
            )
            raise_alert(session, _lost(shown.partition, capture, decision, why, run_id), now)
            ended += 1
    return ended


SUPERSEDED = "readers see another capture of the week"
HELD = "the capture is held"


def _lost(partition: Partition, capture: Capture, decision: Decision, why: str, run_id: str) -> Alert:
    return Alert(
        AlertSeverity.ERROR,
        f"certification for {decision.purpose} has ended: {partition.tier}",
        f"{partition} was certified for {decision.purpose} by {decision.by} on {decision.at:%Y-%m-%d}: {why}. Look at what "
        f"changed, then `airflow spine quality certify` it again.",
        "spine.decisions",
        domain=OTC_TRANSPARENCY.name,
        tier=str(partition.tier),
        week_ending=partition.week_ending.isoformat(),
        summary_type=capture.summary_type,
        capture_id=capture.capture_id,
        run_id=run_id,
        cause=f"certification_lost:{decision.purpose}",
    )
