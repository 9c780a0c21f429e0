"""Deliver what is due. A message is sent first and recorded then: whoever dies in between sends it twice, never not at all."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spine.alerts.channel import Channel, Delivered, open_channel
from spine.alerts.config import AlertConfig
from spine.alerts.messages import Message
from spine.alerts.model import Alert, AlertSeverity, AlertState
from spine.alerts.outbox import raise_alert
from spine.alerts.planning import Plan, plan_messages
from spine.alerts.stored import instant
from spine.core.errors import ConfigurationError, LeaseHeld, RateLimitError, SpineError, as_spine_error
from spine.storage.leases import lease

if TYPE_CHECKING:
    from spine.pipelines.connections import Connections
    from spine.storage.base import Storage

log = logging.getLogger(__name__)

LEASE = "alerts:dispatch"
FIRST_DELAY, LONGEST_DELAY = 15.0, 600.0
DOWN_AFTER = 3
"""Failed attempts in a row after which a channel counts as down, and others hear of it."""
GIVE_UP_AFTER = dt.timedelta(days=2)
_MOST_AT_ONCE = 200

Clock = Callable[[], dt.datetime]
OpenChannel = Callable[[str], Channel]


@dataclass(slots=True)
class Round:
    """What one call did."""

    busy: bool = False
    plan: Plan = field(default_factory=Plan)
    delivered: int = 0
    failed: int = 0
    given_up: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "busy": self.busy,
            "alerts": self.plan.alerts,
            "outcomes": dict(self.plan.outcomes),
            "messages": self.plan.messages,
            "delivered": self.delivered,
            "failed": self.failed,
            "given_up": self.given_up,
        }


def deliver(
    storage: Storage, config: AlertConfig, connections: Connections, *, clock: Clock, execution_id: str = "alerts"
) -> Round:
    """Handle what waits and send what is due. Of several processes that call it one works, and the others return at once.

    :raises SpineError: of the database; a channel's errors are recorded and do not leave.
    """
    opened: dict[str, Channel] = {}

    def channel(name: str) -> Channel:
        if name not in opened:
            opened[name] = open_channel(config.channels[name].settings, connections)
        return opened[name]

    try:
        with lease(storage, LEASE, execution_id, clock=clock, wait=0.0):
            return _one_round(storage, config, channel, clock)
    except LeaseHeld:
        return Round(busy=True)


def _one_round(storage: Storage, config: AlertConfig, channel: OpenChannel, clock: Clock) -> Round:
    done = Round()
    while True:
        with storage.transaction() as session:
            plan = plan_messages(session, config, clock())
        done.plan.alerts += plan.alerts
        done.plan.messages += plan.messages
        for name, count in plan.outcomes.items():
            done.plan.outcomes[name] = done.plan.outcomes.get(name, 0) + count
        if not plan.alerts:
            break
    _send_due(storage, config, channel, clock, done)
    return done


def _send_due(storage: Storage, config: AlertConfig, channel: OpenChannel, clock: Clock, done: Round) -> None:
    closed: set[str] = set()
    while True:
        due = _due(storage, clock(), closed)
        if not due:
            return
        for row in due:
            if row["channel"] not in closed and not _attempt(storage, config, channel, clock, row, done):
                closed.add(row["channel"])  # the others of this channel wait with it, and keep their order
        if len(due) < _MOST_AT_ONCE:
            return


def _due(storage: Storage, now: dt.datetime, closed: set[str]) -> list[dict[str, Any]]:
    rows = storage.query(
        "SELECT delivery_id, group_key, channel, alert_id, message_json, attempt, created_at FROM core_alert_deliveries "
        "WHERE status = 'PENDING' AND next_attempt_at <= :now ORDER BY created_at, delivery_id "
        + storage.dialect.limit(_MOST_AT_ONCE),
        {"now": now},
    )
    return [row for row in rows if row["channel"] not in closed]


def _attempt(
    storage: Storage, config: AlertConfig, channel: OpenChannel, clock: Clock, row: Mapping[str, Any], done: Round
) -> bool:
    """Send one; whether the channel takes more."""
    message = Message.from_dict(json.loads(row["message_json"]))
    try:
        if row["channel"] not in config.channels:
            raise ConfigurationError(f"there is no channel '{row['channel']}' any longer")
        delivered = channel(row["channel"]).send(message, _reference(storage, row))
    except Exception as caught:  # noqa: BLE001 - a channel is other people's code; whatever it raises is recorded
        error = as_spine_error(caught)
        log.warning("alert channel %s did not take a message: %s", row["channel"], error.message)
        _failed(storage, clock(), row, message, error, done)
        return not error.retryable
    _delivered(storage, clock(), row, message, delivered)
    done.delivered += 1
    return True


def _reference(storage: Storage, row: Mapping[str, Any]) -> str:
    found = storage.query(
        "SELECT external_ref FROM core_alert_notifications WHERE group_key = :group_key AND channel = :channel",
        {"group_key": row["group_key"], "channel": row["channel"]},
    ).scalar
    return str(found or "")


def _delivered(
    storage: Storage, now: dt.datetime, row: Mapping[str, Any], message: Message, delivered: Delivered
) -> None:
    with storage.transaction() as session:
        session.execute(
            "UPDATE core_alert_deliveries SET status = 'SENT', attempt = :attempt, delivered_at = :now, response = :response, "
            "error = NULL WHERE delivery_id = :delivery_id",
            {**_next(row), "now": now, "response": delivered.response[:1000]},
        )
        if delivered.reference:
            session.execute(
                "UPDATE core_alert_notifications SET external_ref = :reference "
                "WHERE group_key = :group_key AND channel = :channel",
                {"reference": delivered.reference, "group_key": row["group_key"], "channel": row["channel"]},
            )
        _record(session, now, row, message, None)
        if int(row["attempt"]) >= DOWN_AFTER:
            raise_alert(
                session,
                _about_channel(row["channel"], message.environment, AlertState.RESOLVED, "it takes messages again"),
                now,
            )


def _failed(
    storage: Storage, now: dt.datetime, row: Mapping[str, Any], message: Message, error: SpineError, done: Round
) -> None:
    give_up = not error.retryable or now - instant(row["created_at"]) > GIVE_UP_AFTER
    attempt = int(row["attempt"]) + 1
    with storage.transaction() as session:
        session.execute(
            "UPDATE core_alert_deliveries SET status = :status, attempt = :attempt, next_attempt_at = :next, error = :error "
            "WHERE delivery_id = :delivery_id",
            {
                **_next(row),
                "status": "FAILED" if give_up else "PENDING",
                "next": now + dt.timedelta(seconds=_delay(attempt, error)),
                "error": error.message[:1000],
            },
        )
        _record(session, now, row, message, error)
        if give_up or attempt == DOWN_AFTER:
            raise_alert(
                session, _about_channel(row["channel"], message.environment, AlertState.FIRING, error.message), now
            )
    done.failed += 1
    done.given_up += give_up


def _next(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"delivery_id": row["delivery_id"], "attempt": int(row["attempt"]) + 1}


def _delay(attempt: int, error: SpineError) -> float:
    """Seconds: what the other side asked for, else twice as long each time."""
    if isinstance(error, RateLimitError) and error.retry_after is not None:
        return min(error.retry_after, LONGEST_DELAY)
    return min(FIRST_DELAY * 2.0 ** (attempt - 1), LONGEST_DELAY)


def _about_channel(name: str, environment: str, state: AlertState, what: str) -> Alert:
    return Alert(
        severity=AlertSeverity.ERROR,
        title=f"Alert channel {name} does not take messages",
        message=f"{what}\n`airflow spine alerts history --channel {name}` shows what it was sent.",
        source="spine.alerts",
        cause=f"channel:{name}",
        state=state,
        metadata={"environment": environment},
    )


def _record(session: Any, now: dt.datetime, row: Mapping[str, Any], message: Message, error: SpineError | None) -> None:
    session.execute(
        "INSERT INTO alert_history (delivery_id, attempt, alert_id, severity, title, message, source, execution_id, channel, "
        "sent_at, success, error, metadata) VALUES (:delivery_id, :attempt, :alert_id, :severity, :title, :message, :source, "
        ":execution_id, :channel, :now, :success, :error, :metadata)",
        {
            **_next(row),
            "alert_id": row["alert_id"],
            "severity": str(message.severity),
            "title": message.title,
            "message": message.body,
            "source": message.source,
            "execution_id": message.fields.get("Run", ""),
            "channel": row["channel"],
            "now": now,
            "success": int(error is None),
            "error": None if error is None else error.message[:1000],
            "metadata": {"state": str(message.state), "count": message.count, "suppressed": message.suppressed},
        },
    )
