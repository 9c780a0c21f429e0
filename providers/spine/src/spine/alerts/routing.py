"""Which channels an alert goes to, and why it does not: small stages in a row, each of which lets it pass or names a reason."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from spine.alerts.config import DEFAULT_GROUP, NOTIFY, AlertConfig, Matcher, Route, Silence
from spine.alerts.model import Alert, AlertState

Labels = Mapping[str, str]


class AlertOutcome(StrEnum):
    """How an alert ended, best first: an alert that went several ways has the best of them."""

    TOLD = "told"
    REPEATED = "repeated"
    THROTTLED = "throttled"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    UNROUTED = "unrouted"


@dataclass(frozen=True, slots=True)
class Way:
    """One channel that an alert goes to, by one route.

    :param group_key: equal for alerts that become one message there.
    :param throttle_key: equal for messages that share a throttle there.
    """

    channel: str
    route: Route
    group_key: str
    throttle_key: str


def muted(
    alert: Alert,
    labels: Labels,
    config: AlertConfig,
    firing: Iterable[Labels],
    silences: Iterable[Silence],
    now: dt.datetime,
) -> tuple[AlertOutcome, str] | None:
    """Why nobody is to hear of an alert, or None.

    :param firing: labels of what fires at present.
    """
    for silence in silences:
        if silence.expires_at > now and silence.match.fits(labels):
            return (
                AlertOutcome.SILENCED,
                f"by {silence.owner} until {silence.expires_at.isoformat(timespec='minutes')}: {silence.reason}",
            )
    if alert.state is AlertState.FIRING:
        for inhibition in config.inhibitions:
            if not inhibition.target.fits(labels):
                continue
            for other in firing:
                if (
                    other is not labels
                    and inhibition.source.fits(other)
                    and not inhibition.source.fits(labels)
                    and _equal(other, labels, inhibition.equal)
                ):
                    return AlertOutcome.INHIBITED, f"while {other.get('cause') or other.get('title')} fires"
    return None


def _equal(one: Labels, other: Labels, names: Iterable[str]) -> bool:
    return all(one.get(name, "") == other.get(name, "") for name in names)


_NAMED = Route(Matcher(), (), group_by=(*DEFAULT_GROUP, "step", "title"), repeat_seconds=0.0)
"""The route of what a workflow tells a channel by its name: every message of it is told."""


def ways(alert: Alert, labels: Labels, config: AlertConfig) -> Iterator[Way]:
    """Every channel that hears of it, each once: those that a workflow names, however mild it is, then the routes'."""
    seen: set[str] = set()
    for name in channels_named(alert, config):
        seen.add(name)
        yield _way(name, _NAMED, labels)
    yield from _ways_by_routes(alert, labels, config, seen)


def channels_named(alert: Alert, config: AlertConfig) -> list[str]:
    """The channels of alerts.yaml that the workflow names for it: ``#data-ops`` is the channel ``data-ops``."""
    names = [name.strip() for name in str(alert.metadata.get(NOTIFY, "")).split(",")]
    found = [name if name in config.channels else name.removeprefix("#") for name in names]
    return [name for name in dict.fromkeys(found) if name in config.channels]


def _way(channel: str, route: Route, labels: Labels) -> Way:
    by = route.throttle.by
    return Way(channel, route, group_key(route, labels), f"{channel}|{by}={labels.get(by, '')}")


def _ways_by_routes(alert: Alert, labels: Labels, config: AlertConfig, seen: set[str]) -> Iterator[Way]:
    """The routes in their order, until one does not go on."""
    for route in config.routes:
        if not route.match.fits(labels):
            continue
        for name in route.channels:
            rule = config.channels[name]
            wanted = alert.severity.rank >= rule.min_severity.rank
            about_itself = alert.cause == f"channel:{name}"  # it would not hear of its own silence
            if (
                name not in seen
                and wanted
                and not about_itself
                and (alert.state is AlertState.FIRING or route.send_resolved)
            ):
                seen.add(name)
                yield _way(name, route, labels)
        if not route.goes_on:
            return


def group_key(route: Route, labels: Labels) -> str:
    """32 hex digits."""
    about = "|".join(f"{name}={labels.get(name, '')}" for name in route.group_by)
    return hashlib.sha256(about.encode()).hexdigest()[:32]
