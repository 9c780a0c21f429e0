"""``dead_letter_queue``: work that failed for good, one row each however often it fails.

pending    tried again by itself from ``next_retry_at`` on
retrying   a retry is under way (under a lease, so that a killed one is known to be)
exhausted  a person has to look: its retries are used up, or its error cannot get better by itself
resolved   done since, or given up by a person
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from spine.alerts.model import AlertState, alert_of
from spine.alerts.outbox import raise_alert
from spine.core.errors import LoadError, SpineError, ValidationError, error_from_dict
from spine.resilience.work import SourceType, Work
from spine.storage.ledger import as_instant

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

MAX_RETRIES = 3
FIRST_WAIT, LONGEST_WAIT = 30.0, 3600.0  # seconds, doubling; the original platform's
_TEXT = 1000  # characters that any database's text column takes
_log = logging.getLogger(__name__)


class LetterStatus(StrEnum):
    PENDING = "pending"
    RETRYING = "retrying"
    EXHAUSTED = "exhausted"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row.

    :param error: the picture of the last failure (``SpineError.to_dict``).
    :param told: people were told that they have to look.
    """

    dlq_id: str
    work: Work
    error: Mapping[str, Any]
    status: LetterStatus
    retry_count: int
    max_retries: int
    first_failed_at: dt.datetime
    last_failed_at: dt.datetime
    next_retry_at: dt.datetime | None
    run_id: str = ""
    told: bool = False
    resolved_at: dt.datetime | None = None
    resolved_by: str | None = None
    resolution: str | None = None

    def failed_again(self, error: SpineError, now: dt.datetime, run_id: str) -> DeadLetter:
        """After one more failure of the same work."""
        if self.status is LetterStatus.RESOLVED:
            fresh = replace(
                self, retry_count=0, first_failed_at=now, resolved_at=None, resolved_by=None, resolution=None
            )
            return fresh._waiting(error, now, run_id)
        # A retry counted when it began, so that one that was killed counts too.
        count = self.retry_count + (self.status is LetterStatus.PENDING)
        return replace(self, retry_count=count)._waiting(error, now, run_id)

    def _waiting(self, error: SpineError, now: dt.datetime, run_id: str) -> DeadLetter:
        known = replace(self, error=error.to_dict(), last_failed_at=now, run_id=run_id)
        if self.status is LetterStatus.EXHAUSTED or not error.retryable or self.retry_count >= self.max_retries:
            return replace(known, status=LetterStatus.EXHAUSTED, next_retry_at=None, told=True)
        wait = max(backoff(self.retry_count), error.retry_after or 0.0)
        return replace(known, status=LetterStatus.PENDING, next_retry_at=now + dt.timedelta(seconds=wait))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "dlq_id": self.dlq_id,
            "source_type": str(self.work.source_type),
            "source_id": self.work.source_id,
            "partition_key": self.work.partition,
            "domain": self.work.domain,
            "status": str(self.status),
            "error_category": self.error["category"],
            "error": dict(self.error),
            "retry_count": self.retry_count,
            "max_retries": self.max_retries,
            **{name: each.isoformat() if (each := getattr(self, name)) else None for name in _INSTANTS},
            "resolved_by": self.resolved_by,
            "resolution": self.resolution,
            "run_id": self.run_id,
            "payload": dict(self.work.payload),
        }


_INSTANTS = ("first_failed_at", "last_failed_at", "next_retry_at", "resolved_at")
_WRITTEN = (
    "error", "error_category", "retry_count", "max_retries", *_INSTANTS, "status", "resolved_by", "resolution", "payload",
    "metadata",
)  # fmt: skip
_COLUMNS = ("dlq_id", "source_type", "source_id", "partition_key", "domain", *_WRITTEN)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM dead_letter_queue"


def backoff(retries: int) -> float:
    """Seconds to wait after so many retries."""
    return min(FIRST_WAIT * 2.0 ** min(retries, 30), LONGEST_WAIT)


def record_failure(
    storage: Storage, work: Work, error: SpineError, *, now: dt.datetime, run_id: str, max_retries: int = MAX_RETRIES
) -> DeadLetter:
    """Write down that it failed, once for the same work; the alert that a person must look commits with it."""
    for _ in range(3):  # another process may write the same letter at the same moment
        try:
            with storage.transaction() as session:
                return _failed(session, work, error, now, run_id, max_retries)
        except LoadError as conflict:
            lost = conflict
    raise lost


def _failed(
    session: Session, work: Work, error: SpineError, now: dt.datetime, run_id: str, max_retries: int
) -> DeadLetter:
    before = locked(session, work.letter_id)
    fresh = DeadLetter(
        work.letter_id, work, error.to_dict(), LetterStatus.RESOLVED, 0, max_retries, now, now, None, run_id
    )  # fmt: skip
    after = replace(before or fresh, work=work).failed_again(error, now, run_id)
    if before is None:
        _insert(session, after)
    else:
        write(session, after)
    if after.status is LetterStatus.EXHAUSTED and (before is None or before.status is not LetterStatus.EXHAUSTED):
        _alert(session, after, AlertState.FIRING, now)
    return after


def resolve(session: Session, letter: DeadLetter, *, by: str, reason: str, now: dt.datetime) -> DeadLetter:
    """It is done, or given up."""
    after = replace(
        letter, status=LetterStatus.RESOLVED, next_retry_at=None, resolved_at=now, resolved_by=by[:_TEXT],
        resolution=reason[:_TEXT], told=False,
    )  # fmt: skip
    write(session, after)
    if letter.told:
        _alert(session, after, AlertState.RESOLVED, now)
    return after


def resolve_all(storage: Storage, ids: Sequence[str], *, by: str, reason: str, now: dt.datetime) -> int:
    """Resolve those of them that are open; how many. Costs one read where none is."""
    marks = ", ".join(f":id{number}" for number in range(len(ids)))
    sql = f"SELECT dlq_id FROM dead_letter_queue WHERE dlq_id IN ({marks}) AND status <> 'resolved'"
    found = storage.query(sql, {f"id{number}": each for number, each in enumerate(ids)}).rows
    done = [resolve_letter(storage, str(each), by=by, reason=reason, now=now) for (each,) in found]
    return len(done)


def resolve_letter(storage: Storage, dlq_id: str, *, by: str, reason: str, now: dt.datetime) -> DeadLetter:
    """:raises ValidationError: there is no such letter."""
    with storage.transaction() as session:
        letter = locked(session, dlq_id)
        if letter is None:
            raise unknown_letter(dlq_id)
        return (
            letter
            if letter.status is LetterStatus.RESOLVED
            else resolve(session, letter, by=by, reason=reason, now=now)
        )


def find_letter(reader: Session | Storage, dlq_id: str) -> DeadLetter | None:
    row = reader.query(f"{_SELECT} WHERE dlq_id = :dlq_id", {"dlq_id": dlq_id}).first
    return _letter(row) if row else None


def letters(reader: Storage, *, status: LetterStatus | None = None, limit: int = 100) -> list[DeadLetter]:
    """The newest failures first: of one status, or all that are open."""
    where, values = ("status = :status", {"status": str(status)}) if status else ("status <> 'resolved'", {})
    sql = f"{_SELECT} WHERE {where} ORDER BY last_failed_at DESC, dlq_id {reader.dialect.limit(limit)}"
    return [_letter(row) for row in reader.query(sql, values)]


def letter_by_prefix(reader: Storage, start: str) -> DeadLetter:
    """The one whose id begins so.

    :raises ValidationError: none does, or several do.
    """
    sql = f"{_SELECT} WHERE dlq_id >= :start AND dlq_id < :end ORDER BY dlq_id {reader.dialect.limit(2)}"
    found = [_letter(row) for row in reader.query(sql, {"start": start, "end": start + "~"})] if start else []
    if len(found) == 2:
        raise ValidationError(f"several dead letters begin with {start!r}; give more of the id")
    if not found:
        raise unknown_letter(start)
    return found[0]


def unknown_letter(dlq_id: str) -> ValidationError:
    return ValidationError(f"there is no dead letter {dlq_id!r}; `airflow spine dlq list` shows those that are open")


def locked(session: Session, dlq_id: str) -> DeadLetter | None:
    """The row, which no other transaction changes before this one ends."""
    session.execute("UPDATE dead_letter_queue SET status = status WHERE dlq_id = :dlq_id", {"dlq_id": dlq_id})
    return find_letter(session, dlq_id)


def write(session: Session, letter: DeadLetter) -> None:
    assignments = ", ".join(f"{name} = :{name}" for name in _WRITTEN)
    session.execute(f"UPDATE dead_letter_queue SET {assignments} WHERE dlq_id = :dlq_id", _values(letter))


def _insert(session: Session, letter: DeadLetter) -> None:
    marks = ", ".join(f":{name}" for name in _COLUMNS)
    session.execute(f"INSERT INTO dead_letter_queue ({', '.join(_COLUMNS)}) VALUES ({marks})", _values(letter))


def _values(letter: DeadLetter) -> dict[str, Any]:
    work = letter.work
    return {
        "dlq_id": letter.dlq_id,
        "source_type": str(work.source_type),
        "source_id": work.source_id,
        "partition_key": work.partition,
        "domain": work.domain,
        "payload": dict(work.payload),
        "error": str(letter.error["message"])[:_TEXT].replace("\0", " "),
        "error_category": letter.error["category"],
        "retry_count": letter.retry_count,
        "max_retries": letter.max_retries,
        **{name: getattr(letter, name) for name in _INSTANTS},
        "status": str(letter.status),
        "resolved_by": letter.resolved_by,
        "resolution": letter.resolution,
        "metadata": {"error": dict(letter.error), "run_id": letter.run_id, "told": letter.told},
    }


def _letter(row: Mapping[str, Any]) -> DeadLetter:
    metadata = json.loads(row["metadata"])
    payload = json.loads(row["payload"])
    work = Work(SourceType(row["source_type"]), row["source_id"], row["partition_key"], payload, row["domain"])
    instants: dict[str, Any] = {name: as_instant(row[name]) for name in _INSTANTS}
    same = {name: row[name] for name in ("dlq_id", "retry_count", "max_retries", "resolved_by", "resolution")}
    return DeadLetter(
        work=work, error=metadata["error"], status=LetterStatus(row["status"]), run_id=metadata["run_id"],
        told=metadata["told"], **same, **instants,
    )  # fmt: skip


def _alert(session: Session, letter: DeadLetter, state: AlertState, now: dt.datetime) -> None:
    error, source = error_from_dict(letter.error), letter.work.source_id
    fires = state is AlertState.FIRING
    alert = alert_of(
        error,
        title=f"{source} failed for good" if fires else f"{source} is done",
        source=source,
        state=state,
        domain=letter.work.domain,
        cause="dead_letter",
        message=f"{error.message}\nairflow spine dlq show {letter.dlq_id}" if fires else letter.resolution or "",
        summary_type=str(letter.work.payload.get("params", {}).get("summary_type") or ""),
        **_week_of(error),
    )
    raise_alert(session, alert, now)


def _week_of(error: SpineError) -> dict[str, str]:
    """The week that an alert is about, where the error names one."""
    try:
        return {"week_ending": dt.date.fromisoformat(str(error.context.get("week_ending"))[:10]).isoformat()}
    except ValueError:
        return {}
