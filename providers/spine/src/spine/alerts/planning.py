"""From alerts that wait to messages that are due: who hears of what, decided and written in one transaction."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spine.alerts.config import AlertConfig, Matcher, Silence, labels_of
from spine.alerts.messages import Message, merged, message_of
from spine.alerts.model import AlertSeverity, AlertState
from spine.alerts.routing import AlertOutcome, Way, muted, ways
from spine.alerts.stored import Waiting, firing_alerts, instant, waiting

if TYPE_CHECKING:
    from spine.storage.base import Session

_ORDER = list(AlertOutcome)


@dataclass(slots=True)
class Plan:
    """What one round decided, counted."""

    alerts: int = 0
    messages: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Group:
    """Alerts that become one message to one channel."""

    way: Way
    members: list[Waiting] = field(default_factory=list)


def plan_messages(session: Session, config: AlertConfig, now: dt.datetime) -> Plan:
    """Handle what waits: every alert gets its outcome, and what is to be told becomes a delivery that is due.

    The caller holds the lease of the dispatcher, so nobody else plans at the same time.
    """
    longest = max((route.wait_seconds for route in config.routes), default=0.0)
    found = waiting(session, now - dt.timedelta(seconds=longest) if longest else now)
    plan = Plan(alerts=sum(each.count for each in found))
    silences = [*config.silences, *stored_silences(session, now)]
    present = [labels_of(alert, config.environment) for alert in firing_alerts(session, _causes(config), now)]
    groups: dict[tuple[str, str], _Group] = {}
    ended: dict[str, tuple[AlertOutcome, str]] = {}
    for each in found:
        labels = labels_of(each.alert, config.environment)
        reason = muted(each.alert, labels, config, present, silences, now)
        if reason is not None:
            ended[each.alert_id] = reason
            continue
        ended[each.alert_id] = (AlertOutcome.UNROUTED, "no route fits")
        for way in ways(each.alert, labels, config):
            groups.setdefault((way.channel, way.group_key), _Group(way)).members.append(each)
    for group in groups.values():
        outcome, detail = _tell(session, group, config, now)
        plan.messages += outcome is AlertOutcome.TOLD
        for each in group.members:
            ended[each.alert_id] = min(
                ended[each.alert_id], (outcome, detail), key=lambda known: _ORDER.index(known[0])
            )
    for each in found:
        _handled(session, each, *ended[each.alert_id], now)
        name = str(ended[each.alert_id][0])
        plan.outcomes[name] = plan.outcomes.get(name, 0) + each.count
    return plan


def _causes(config: AlertConfig) -> list[str]:
    """The causes that mute others, as inhibitions name them."""
    return sorted({cause for each in config.inhibitions for cause in each.source.patterns.get("cause", ())})


def stored_silences(session: Session, now: dt.datetime) -> list[Silence]:
    """Those that people made, and that have not expired."""
    rows = session.query(
        "SELECT match_json, owner, reason, expires_at FROM core_alert_silences WHERE expires_at > :now", {"now": now}
    )
    found = []
    for row in rows:
        patterns = {name: tuple(values) for name, values in json.loads(row["match_json"]).items()}
        found.append(Silence(Matcher(patterns), row["owner"], row["reason"], instant(row["expires_at"])))
    return found


def _tell(session: Session, group: _Group, config: AlertConfig, now: dt.datetime) -> tuple[AlertOutcome, str]:
    """Make the group's message due, unless it was told lately or its throttle is full."""
    way, members = group.way, group.members
    known = _notification(session, way)
    message = _message(group, config, int(known["suppressed_count"]) if known else 0)
    if _was_never_told(known, members):
        return AlertOutcome.REPEATED, "its end, and nobody was told of it"
    if known is not None and _is_repetition(known, message, way.route.repeat_seconds, now):
        _count_suppressed(session, way, message.count)
        return AlertOutcome.REPEATED, "told lately; the next message counts it"
    if _waiting_delivery(session, way) is None and not _admit(session, way, now):
        _note(session, way, message, now, known, suppressed=message.suppressed + message.count, told=False)
        return (
            AlertOutcome.THROTTLED,
            f"more than {way.route.throttle.most} messages in {way.route.throttle.seconds:g} s",
        )
    _make_due(session, way, message, members[-1].alert_id, now)
    _note(session, way, message, now, known, suppressed=0, told=True)
    return AlertOutcome.TOLD, f"to {way.channel}"


def _message(group: _Group, config: AlertConfig, suppressed: int) -> Message:
    return message_of(
        [(each.alert, each.count) for each in group.members],
        dedup_key=group.way.group_key,
        environment=config.environment,
        first_at=min(each.first_at for each in group.members),
        last_at=max(each.last_at for each in group.members),
        suppressed=suppressed,
    )


def _notification(session: Session, way: Way) -> dict[str, Any] | None:
    return session.query(
        "SELECT state, severity, told_at, suppressed_count FROM core_alert_notifications "
        "WHERE group_key = :group_key AND channel = :channel",
        {"group_key": way.group_key, "channel": way.channel},
    ).first


def _was_never_told(known: Mapping[str, Any] | None, members: Iterable[Waiting]) -> bool:
    """The end of something of which nobody has heard, neither now nor before."""
    silent = known is None or known["state"] == AlertState.RESOLVED
    return silent and all(each.alert.state is AlertState.RESOLVED and each.fired == 0 for each in members)


def _is_repetition(known: Mapping[str, Any], message: Message, repeat_seconds: float, now: dt.datetime) -> bool:
    """The same state, no graver, told not long ago."""
    lately = (now - instant(known["told_at"])).total_seconds() < repeat_seconds
    graver = message.severity.rank > AlertSeverity(known["severity"]).rank
    return lately and not graver and known["state"] == message.state


def _count_suppressed(session: Session, way: Way, count: int) -> None:
    session.execute(
        "UPDATE core_alert_notifications SET suppressed_count = suppressed_count + :count "
        "WHERE group_key = :group_key AND channel = :channel",
        {"count": count, "group_key": way.group_key, "channel": way.channel},
    )


def _admit(session: Session, way: Way, now: dt.datetime) -> bool:
    """Take a place in the throttle's present window."""
    throttle, key = way.route.throttle, {"key": way.throttle_key}
    known = session.query(
        "SELECT window_started_at, sent_count FROM core_alert_throttle WHERE throttle_key = :key", key
    ).first
    started = instant(known["window_started_at"]) if known else None
    if started is None or (now - started).total_seconds() >= throttle.seconds:
        session.execute("DELETE FROM core_alert_throttle WHERE throttle_key = :key", key)
        session.execute(
            "INSERT INTO core_alert_throttle (throttle_key, window_started_at, sent_count) VALUES (:key, :now, 1)",
            {**key, "now": now},
        )
        return True
    assert known is not None
    if int(known["sent_count"]) >= throttle.most:
        return False
    session.execute("UPDATE core_alert_throttle SET sent_count = sent_count + 1 WHERE throttle_key = :key", key)
    return True


def _note(
    session: Session,
    way: Way,
    message: Message,
    now: dt.datetime,
    known: Mapping[str, Any] | None,
    *,
    suppressed: int,
    told: bool,
) -> None:
    """Keep what the channel now knows. What is only throttled leaves it knowing what it knew."""
    key = {"group_key": way.group_key, "channel": way.channel}
    if not told:
        if known is not None:
            session.execute(
                "UPDATE core_alert_notifications SET suppressed_count = :suppressed "
                "WHERE group_key = :group_key AND channel = :channel",
                {**key, "suppressed": suppressed},
            )
        return
    values = {
        **key,
        "state": str(message.state),
        "severity": str(message.severity),
        "now": now,
        "suppressed": suppressed,
    }
    changed = session.execute(
        "UPDATE core_alert_notifications SET state = :state, severity = :severity, told_at = :now, "
        "suppressed_count = :suppressed WHERE group_key = :group_key AND channel = :channel",
        values,
    ) if known is not None else 0  # fmt: skip
    if not changed:
        session.execute(
            "INSERT INTO core_alert_notifications (group_key, channel, state, severity, told_at, suppressed_count) "
            "VALUES (:group_key, :channel, :state, :severity, :now, :suppressed)",
            values,
        )


def _waiting_delivery(session: Session, way: Way) -> dict[str, Any] | None:
    """A message of the group that has not been delivered yet."""
    return session.query(
        "SELECT delivery_id, message_json FROM core_alert_deliveries WHERE group_key = :group_key AND channel = :channel "
        "AND status = 'PENDING'",
        {"group_key": way.group_key, "channel": way.channel},
    ).first


def _make_due(session: Session, way: Way, message: Message, alert_id: str, now: dt.datetime) -> None:
    """A new delivery, or one that waits says this too: a channel that was down hears of a group once."""
    waits = _waiting_delivery(session, way)
    if waits is not None:
        both = merged(Message.from_dict(json.loads(waits["message_json"])), message)
        session.execute(
            "UPDATE core_alert_deliveries SET message_json = :message WHERE delivery_id = :delivery_id",
            {"message": both.to_dict(), "delivery_id": waits["delivery_id"]},
        )
        return
    session.execute(
        "INSERT INTO core_alert_deliveries (delivery_id, group_key, channel, status, alert_id, message_json, attempt, "
        "created_at, next_attempt_at) VALUES (:delivery_id, :group_key, :channel, 'PENDING', :alert_id, :message, 0, :now, :now)",
        {
            "delivery_id": uuid.uuid4().hex,
            "group_key": way.group_key,
            "channel": way.channel,
            "alert_id": alert_id,
            "message": message.to_dict(),
            "now": now,
        },
    )


def _handled(session: Session, each: Waiting, outcome: AlertOutcome, detail: str, now: dt.datetime) -> None:
    """All of its kind that waited when it was read; what came since waits for the next round."""
    session.execute(
        "UPDATE core_alerts SET handled_at = :now, outcome = :outcome, outcome_detail = :detail "
        "WHERE fingerprint = :fingerprint AND handled_at IS NULL AND raised_at <= :last_at",
        {
            "now": now,
            "outcome": str(outcome),
            "detail": detail,
            "fingerprint": each.alert.fingerprint,
            "last_at": each.last_at,
        },
    )
