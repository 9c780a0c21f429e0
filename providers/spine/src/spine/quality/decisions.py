"""What people decide about captures: to hold one, to let a held one pass, to refuse it. Every decision stays, with who, when, why
and the fingerprint of what it was about; one about other content does not count."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spine.storage.base import Session, Storage
from spine.storage.ledger import Capture, Stage, as_instant, find_capture, stage_metrics


class DecisionKind(StrEnum):
    """The last two are answers to an approval step of a workflow: on record, and no gate heeds them."""

    HOLD = "hold"
    RELEASE = "release"
    APPROVE = "approve"
    REJECT = "reject"
    CERTIFY = "certify"
    UNCERTIFY = "uncertify"
    VOID = "void"
    APPROVE_STEP = "approve_step"
    REJECT_STEP = "reject_step"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    :param purpose: of a certification: trading, compliance or research.
    """

    decision_id: str
    kind: DecisionKind
    capture_id: str
    fingerprint: str
    by: str
    reason: str
    at: dt.datetime
    purpose: str = ""


def content_fingerprint(reader: Session | Storage, capture: Capture) -> str:
    """What of a capture a decision is about, as 32 hex digits of SHA-256: its content, what normalizing made of it, and
    how many lines were refused for which reason."""
    normalized = stage_metrics(reader, capture.capture_id, Stage.NORMALIZED) or {}
    refused = reader.query(
        "SELECT stage, reason_code, COUNT(*) AS row_count FROM core_rejects WHERE capture_id = :capture_id "
        "AND stage <> 'INGESTED' GROUP BY stage, reason_code ORDER BY stage, reason_code",
        {"capture_id": capture.capture_id},
    )
    about = {
        "content": capture.content_hash,
        "normalized": {name: normalized.get(name) for name in ("row_count", "shares", "trades")}
        if normalized
        else None,
        "refused": [[row["stage"], row["reason_code"], int(row["row_count"])] for row in refused],
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()[:32]


def record_decision(
    session: Session,
    capture: Capture,
    kind: DecisionKind,
    *,
    by: str,
    reason: str,
    now: dt.datetime,
    run_id: str = "",
    purpose: str = "",
) -> Decision:
    """Write one, in the caller's transaction."""
    decision = Decision(
        uuid.uuid4().hex, kind, capture.capture_id, content_fingerprint(session, capture), by, reason, now, purpose
    )
    session.execute(
        "INSERT INTO core_decisions (decision_id, decision, domain, tier, week_ending, capture_id, fingerprint, purpose, "
        "decided_by, reason, execution_id, decided_at) VALUES (:decision_id, :decision, :domain, :tier, :week_ending, "
        ":capture_id, :fingerprint, :purpose, :decided_by, :reason, :execution_id, :decided_at)",
        {
            "decision_id": decision.decision_id,
            "decision": str(kind),
            "domain": capture.partition.dataset,
            "tier": str(capture.partition.tier),
            "week_ending": capture.partition.week_ending,
            "capture_id": capture.capture_id,
            "fingerprint": decision.fingerprint,
            "purpose": purpose,
            "decided_by": by,
            "reason": reason,
            "execution_id": run_id,
            "decided_at": now,
        },
    )
    return decision


def record_answer(
    storage: Storage, capture_id: str, *, approved: bool, by: str, subject: str, run_id: str, now: dt.datetime
) -> None:
    """Put the answer to an approval step into the audit trail, once for a run; a capture that is gone has none."""
    kind = DecisionKind.APPROVE_STEP if approved else DecisionKind.REJECT_STEP
    with storage.transaction() as session:
        capture = find_capture(session, capture_id)
        same = {"capture_id": capture_id, "decision": str(kind), "execution_id": run_id, "reason": subject}
        where = " AND ".join(f"{name} = :{name}" for name in same)
        known = session.query(f"SELECT COUNT(*) FROM core_decisions WHERE {where}", same).scalar
        if capture is not None and not known:
            record_decision(session, capture, kind, by=by, reason=subject, now=now, run_id=run_id)


def decisions_of(reader: Session | Storage, capture_id: str) -> list[Decision]:
    """Every decision about a capture, the newest first."""
    rows = reader.query(
        "SELECT decision_id, decision, capture_id, fingerprint, decided_by, reason, decided_at, purpose FROM core_decisions "
        "WHERE capture_id = :capture_id ORDER BY decided_at DESC, decision_id",
        {"capture_id": capture_id},
    )
    return [_decision(row) for row in rows]


def valid_approval(reader: Session | Storage, capture: Capture) -> Decision | None:
    """The approval that counts for a capture as it is now: the newest decision to let it pass or not, about this content."""
    settled = (DecisionKind.APPROVE, DecisionKind.REJECT, DecisionKind.HOLD, DecisionKind.VOID)
    newest = next((each for each in decisions_of(reader, capture.capture_id) if each.kind in settled), None)
    if newest is None or newest.kind is not DecisionKind.APPROVE:
        return None
    return newest if newest.fingerprint == content_fingerprint(reader, capture) else None


def _decision(row: Mapping[str, Any]) -> Decision:
    at = as_instant(row["decided_at"])
    assert at is not None
    return Decision(
        row["decision_id"], DecisionKind(row["decision"]), row["capture_id"], row["fingerprint"], row["decided_by"],
        row["reason"], at, row["purpose"],
    )  # fmt: skip
