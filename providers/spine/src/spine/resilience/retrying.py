"""Dead letters tried again. How their work is run is the caller's to know.

A letter is under a lease while it is retried, so that no two retries meet; one whose process was killed is still
``retrying`` and without a holder, and the next round takes it up.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from spine.core.errors import LeaseHeld, SpineError, TransientError, ValidationError, as_spine_error
from spine.resilience.dead_letters import (
    LONGEST_WAIT,
    DeadLetter,
    LetterStatus,
    find_letter,
    locked,
    record_failure,
    resolve_letter,
    unknown_letter,
    write,
)
from spine.storage.leases import lease

if TYPE_CHECKING:
    from spine.storage.base import Storage

Run = Callable[[DeadLetter], SpineError | None]
"""Does the work of a letter; its error, or None when it is done."""

_log = logging.getLogger(__name__)


def retry_due(
    storage: Storage, run: Run, *, clock: Callable[[], dt.datetime], by: str, limit: int = 100
) -> list[DeadLetter]:
    """Retry every letter whose time has come, the oldest first, each as it is afterwards. One that another process retries
    is passed over."""
    retried = []
    for dlq_id in due_letters(storage, clock(), limit):
        try:
            retried.append(retry(storage, dlq_id, run, clock=clock, by=by, only_due=True))
        except LeaseHeld:
            _log.info("dead letter %s is being retried elsewhere", dlq_id)
    return retried


def due_letters(storage: Storage, now: dt.datetime, limit: int = 100) -> list[str]:
    """Ids of those whose time has come, and of those that were being retried, perhaps by a process that was killed."""
    sql = (
        "SELECT dlq_id FROM dead_letter_queue WHERE (status = 'pending' AND next_retry_at <= :now) OR "
        "(status = 'retrying' AND (next_retry_at IS NULL OR next_retry_at <= :now)) "
        f"ORDER BY next_retry_at, dlq_id {storage.dialect.limit(limit)}"
    )
    return [str(dlq_id) for (dlq_id,) in storage.query(sql, {"now": now}).rows]


def retry(
    storage: Storage, dlq_id: str, run: Run, *, clock: Callable[[], dt.datetime], by: str, only_due: bool = False
) -> DeadLetter:
    """Do the work of one letter now; the letter as it is afterwards.

    :param only_due: leave it alone if its time has not come after all, or its retries are used up.
    :raises LeaseHeld: another process is at it.
    :raises ValidationError: there is no such letter.
    """
    with lease(storage, f"dead_letter:{dlq_id}", by, clock=clock, wait=0):
        letter = begin(storage, dlq_id, clock(), only_due=only_due)
        if letter.status is not LetterStatus.RETRYING:
            return letter
        try:
            error = run(letter)
        except Exception as failure:  # noqa: BLE001 - one letter; the others of a round still have their turn
            error = as_spine_error(failure)
        return _settle(storage, letter, error, clock(), by)


def begin(storage: Storage, dlq_id: str, now: dt.datetime, *, only_due: bool) -> DeadLetter:
    """Count a retry and mark the letter, unless there is nothing to retry."""
    with storage.transaction() as session:
        letter = locked(session, dlq_id)
        if letter is None:
            raise unknown_letter(dlq_id)
        if letter.status is LetterStatus.RESOLVED or (only_due and not _is_due(letter, now)):
            return letter
        killed = letter.status is LetterStatus.RETRYING
        if not (only_due and killed and letter.retry_count >= letter.max_retries):
            begun = replace(
                letter, status=LetterStatus.RETRYING, retry_count=letter.retry_count + 1, next_retry_at=None
            )
            write(session, begun)
            return begun
    lost = TransientError("its last retry was killed; see what that run did before it is retried by hand")
    return record_failure(storage, letter.work, lost.with_context(**_place(letter)), now=now, run_id=letter.run_id)


def required(storage: Storage, dlq_id: str) -> DeadLetter:
    """:raises ValidationError: there is no such letter, or it needs no retry."""
    letter = find_letter(storage, dlq_id)
    if letter is None:
        raise unknown_letter(dlq_id)
    if letter.status is LetterStatus.RESOLVED:
        raise ValidationError(
            f"dead letter {dlq_id} is resolved ({letter.resolution}); run its workflow if it is needed again"
        )
    return letter


def handed_over(storage: Storage, dlq_id: str, *, run_id: str, now: dt.datetime) -> DeadLetter:
    """A run elsewhere has the work: it counts as a retry, and nothing else begins before the longest wait is over."""
    with storage.transaction() as session:
        letter = locked(session, dlq_id)
        if letter is None or letter.status is LetterStatus.RESOLVED:  # the run was faster
            return letter or required(storage, dlq_id)
        waiting = replace(
            letter, status=LetterStatus.RETRYING, run_id=run_id, retry_count=letter.retry_count + 1,
            next_retry_at=now + dt.timedelta(seconds=LONGEST_WAIT),
        )  # fmt: skip
        write(session, waiting)
        return waiting


def _is_due(letter: DeadLetter, now: dt.datetime) -> bool:
    if letter.status is LetterStatus.PENDING:
        return letter.next_retry_at is not None and letter.next_retry_at <= now
    return letter.status is LetterStatus.RETRYING and (letter.next_retry_at is None or letter.next_retry_at <= now)


def _settle(storage: Storage, letter: DeadLetter, error: SpineError | None, now: dt.datetime, by: str) -> DeadLetter:
    """What the run did not write down itself: it knows its steps, and the letter may be of one that did not run."""
    if error is None:
        return resolve_letter(storage, letter.dlq_id, by=by, reason="the retry ended well", now=now)
    known = find_letter(storage, letter.dlq_id)
    if known is None or known.status is not LetterStatus.RETRYING:
        return known or letter
    return record_failure(storage, letter.work, error, now=now, run_id=letter.run_id)


def _place(letter: DeadLetter) -> dict[str, str]:
    context = letter.error.get("context") or {}
    return {name: context[name] for name in ("workflow", "step", "tier", "week_ending") if name in context}
