"""Stored alerts through other routes: how many messages they would have been. Nothing is written or sent."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

from spine.alerts.config import AlertConfig, labels_of
from spine.alerts.model import AlertSeverity, AlertState
from spine.alerts.routing import Way, ways
from spine.alerts.stored import alert_from, instant

if TYPE_CHECKING:
    from spine.alerts.model import Alert
    from spine.storage.base import Storage


def simulate(storage: Storage, config: AlertConfig, since: dt.datetime) -> list[dict[str, Any]]:
    """For each channel: alerts that reach it, messages, and what repetition and throttle held back.

    Silences and inhibitions of that time are not known any more and are left out.
    """
    state = _State()
    for row in storage.stream(
        "SELECT * FROM core_alerts WHERE raised_at >= :since ORDER BY raised_at, alert_id", {"since": since}
    ):
        alert = alert_from(row)
        for way in ways(alert, labels_of(alert, config.environment), config):
            state.see(way, alert, instant(row["raised_at"]))
    return [
        {
            "channel": name,
            "alerts": state.alerts[name],
            "messages": state.messages[name],
            "repeated": state.repeated[name],
            "throttled": state.throttled[name],
        }
        for name in sorted(config.channels)
    ]


class _State:
    """What each channel would have heard so far."""

    def __init__(self) -> None:
        self.alerts: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self.repeated: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self._told: dict[tuple[str, str], tuple[dt.datetime, AlertState, AlertSeverity]] = {}
        self._windows: dict[str, tuple[dt.datetime, int]] = {}

    def see(self, way: Way, alert: Alert, at: dt.datetime) -> None:
        self.alerts[way.channel] += 1
        key = (way.channel, way.group_key)
        known = self._told.get(key)
        if (known is None and alert.state is AlertState.RESOLVED) or (
            known and self._is_repetition(known, way, alert, at)
        ):
            self.repeated[way.channel] += 1
        elif self._admit(way, at):
            self.messages[way.channel] += 1
            self._told[key] = (at, alert.state, alert.severity)
        else:
            self.throttled[way.channel] += 1

    def _is_repetition(
        self, known: tuple[dt.datetime, AlertState, AlertSeverity], way: Way, alert: Alert, at: dt.datetime
    ) -> bool:
        told_at, state, severity = known
        lately = (at - told_at).total_seconds() < way.route.repeat_seconds
        return lately and state is alert.state and alert.severity.rank <= severity.rank

    def _admit(self, way: Way, at: dt.datetime) -> bool:
        started, sent = self._windows.get(way.throttle_key, (at, 0))
        if (at - started).total_seconds() >= way.route.throttle.seconds:
            started, sent = at, 0
        if sent >= way.route.throttle.most:
            return False
        self._windows[way.throttle_key] = (started, sent + 1)
        return True
