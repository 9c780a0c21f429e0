"""What goes to one channel at once: the alerts of a group, as one message."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from spine.alerts.config import NOTIFY
from spine.alerts.model import Alert, AlertSeverity, AlertState

MAX_LISTED = 10


@dataclass(frozen=True, slots=True)
class Message:
    """A message that no channel has shaped yet.

    :param count: how many alerts it stands for.
    :param suppressed: how many more there were since the last message of the group that nobody was told of.
    :param dedup_key: equal for all messages of a group: incidents are found again by it.
    :param lines: one for each different thing in the group, at most MAX_LISTED.
    """

    severity: AlertSeverity
    state: AlertState
    title: str
    body: str
    source: str
    environment: str
    dedup_key: str
    count: int = 1
    suppressed: int = 0
    first_at: str = ""
    last_at: str = ""
    run_url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "lines": list(self.lines), "fields": dict(self.fields)}

    @classmethod
    def from_dict(cls, known: Mapping[str, Any]) -> Message:
        values = {**known, "severity": AlertSeverity(known["severity"]), "state": AlertState(known["state"])}
        return cls(**{**values, "lines": tuple(known.get("lines", ()))})


def message_of(
    alerts: Sequence[tuple[Alert, int]],
    *,
    dedup_key: str,
    environment: str,
    first_at: dt.datetime,
    last_at: dt.datetime,
    suppressed: int = 0,
) -> Message:
    """The message of a group: its gravest alert speaks, the others are listed.

    :param alerts: each different one, with how often it was raised.
    """
    gravest, _ = max(alerts, key=lambda each: (each[0].state is AlertState.FIRING, each[0].severity.rank))
    count = sum(number for _, number in alerts)
    others = [_line(alert, number) for alert, number in alerts] if len(alerts) > 1 else []
    if len(others) > MAX_LISTED:
        others = [*others[:MAX_LISTED], f"and {len(others) - MAX_LISTED} more"]
    return Message(
        severity=gravest.severity,
        state=gravest.state,
        title=gravest.title,
        body=gravest.message,
        source=gravest.source,
        environment=environment,
        dedup_key=dedup_key,
        count=count,
        suppressed=suppressed,
        first_at=first_at.isoformat(timespec="seconds"),
        last_at=last_at.isoformat(timespec="seconds"),
        run_url=gravest.run_url,
        fields=_fields(gravest),
        lines=tuple(others),
    )


def merged(earlier: Message, later: Message) -> Message:
    """One that waits, and one of the same group that came meanwhile."""
    values = {**later.to_dict(), "count": earlier.count + later.count, "first_at": earlier.first_at}
    values["suppressed"] = earlier.suppressed + later.suppressed
    values["severity"] = max(earlier.severity, later.severity, key=lambda each: each.rank)
    values["lines"] = list(dict.fromkeys((*earlier.lines, *later.lines)))[: MAX_LISTED + 1]
    return Message.from_dict(values)


def _line(alert: Alert, number: int) -> str:
    often = f" ({number:,} times)" if number > 1 else ""
    state = "" if alert.state is AlertState.FIRING else "resolved: "
    return f"{state}[{alert.severity}] {alert.title}{often}"


def _fields(alert: Alert) -> dict[str, str]:
    """What people look for, in their order; what is empty is left out."""
    known = {
        "Domain": alert.domain,
        "Tier": alert.tier,
        "Week": alert.week_ending,
        "Summary type": alert.summary_type,
        "Workflow": alert.workflow,
        "Step": alert.step,
        "Run": alert.run_id,
        "Capture": alert.capture_id,
        "Category": "" if alert.category is None else str(alert.category),
        **{name.replace("_", " ").capitalize(): str(value) for name, value in alert.metadata.items() if name != NOTIFY},
    }
    return {name: value for name, value in known.items() if value}
