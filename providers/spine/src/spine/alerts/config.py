"""``include/alerts.yaml``: channels, routes, what mutes what, and silences. Read like workflows: every problem with its place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from spine.alerts.channel import CHANNEL_KINDS, ChannelSettings
from spine.alerts.model import Alert, AlertSeverity
from spine.core.errors import ErrorCategory
from spine.core.suggest import did_you_mean
from spine.documents.document import Document, read_document
from spine.documents.json_schema import object_schema
from spine.documents.keys import (
    COUNT,
    MAPPING,
    NAME,
    NAMES,
    NAMES_OR_NAME,
    SPAN,
    SWITCH,
    TEXT,
    Key,
    Kind,
    ListOf,
    Record,
)
from spine.documents.problems import Code
from spine.documents.records import Values, read_record
from spine.documents.spans import parse_duration

LABELS = (
    "severity", "domain", "tier", "week_ending", "summary_type", "category", "workflow", "step", "source", "cause", "title",
    "environment", "notify",
)  # fmt: skip
"""What alerts are matched and grouped by."""
NOTIFY = "notify"
"""Metadata of an alert: the channels that a workflow names for it, with commas between them."""
DEFAULT_GROUP = ("source", "cause", "domain", "tier", "week_ending", "summary_type")
DEFAULT_EQUAL = ("domain", "tier", "week_ending", "summary_type")
"""Where an inhibition says nothing else, it mutes what is about the same week."""
FILE_NAME = "alerts.yaml"


@dataclass(frozen=True, slots=True)
class Matcher:
    """Labels and the patterns of which one must fit each, with ``*`` for any text."""

    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fits(self, labels: Mapping[str, str]) -> bool:
        return all(
            any(fnmatchcase(labels.get(name, ""), pattern) for pattern in patterns)
            for name, patterns in self.patterns.items()
        )


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most ``most`` messages in ``seconds`` to one channel for alerts that agree in a label."""

    most: int = 10
    seconds: float = 300.0
    by: str = "source"


@dataclass(frozen=True, slots=True)
class Route:
    """Where alerts that fit go.

    :param goes_on: whether routes behind this one are looked at too.
    :param repeat_seconds: how long what still fires is not told again.
    """

    match: Matcher
    channels: tuple[str, ...]
    goes_on: bool = False
    group_by: tuple[str, ...] = DEFAULT_GROUP
    repeat_seconds: float = 4 * 3600.0
    wait_seconds: float = 0.0
    throttle: Throttle = field(default_factory=Throttle)
    send_resolved: bool = True


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While something that fits ``source`` fires, what fits ``target`` and agrees in ``equal`` is not told."""

    source: Matcher
    target: Matcher
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    match: Matcher
    owner: str
    reason: str
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """A channel and what it will not be bothered with."""

    settings: ChannelSettings
    min_severity: AlertSeverity = AlertSeverity.INFO


@dataclass(frozen=True, slots=True)
class AlertConfig:
    channels: Mapping[str, ChannelRule]
    routes: tuple[Route, ...]
    inhibitions: tuple[Inhibition, ...] = ()
    silences: tuple[Silence, ...] = ()
    environment: str = "development"


def labels_of(alert: Alert, environment: str) -> dict[str, str]:
    """What matchers see of an alert."""
    known = {name: str(getattr(alert, name, "") or "") for name in LABELS}
    return {**known, "environment": environment, "notify": str(alert.metadata.get(NOTIFY, ""))}


def _is_match(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) or NAMES.fits(each) for each in value.values())


_MATCH = Kind(
    "a mapping of labels to a pattern or a list of patterns",
    _is_match,
    {
        "type": "object",
        "properties": dict.fromkeys(LABELS, NAMES_OR_NAME.schema),
        "additionalProperties": False,
    },
)
_THROTTLE = Record(
    "a throttle",
    (
        Key("max", COUNT, "Messages in the window.", default="10"),
        Key("per", SPAN, "Its length.", default="5m"),
        Key("by", Kind.one_of(LABELS), "Alerts that agree in this share it.", default="source"),
    ),
)
_CHANNEL = Record(
    "a channel",
    (
        Key("name", NAME, "What routes call it.", required=True),
        Key("kind", Kind.one_of(CHANNEL_KINDS), "What it is.", required=True),
        Key("conn_id", NAME, "Airflow connection that leads to it."),
        Key("min_severity", Kind.one_of(AlertSeverity), "It hears of nothing milder.", default="INFO"),
        Key("options", MAPPING, "Of its kind: docs/alert-channels.md."),
    ),
)
_ROUTE = Record(
    "a route",
    (
        Key("match", _MATCH, "Which alerts; `*` stands for any text.", default="every alert"),
        Key("channels", NAMES_OR_NAME, "Where they go.", required=True),
        Key("continue", SWITCH, "Whether later routes are looked at too.", default="false"),
        Key(
            "group_by",
            NAMES_OR_NAME,
            "Alerts that agree in these become one message.",
            default=", ".join(DEFAULT_GROUP),
        ),
        Key("group_wait", SPAN, "How long a message waits for others of its group.", default="0"),
        Key("repeat_interval", SPAN, "How long what still fires is not told again.", default="4h"),
        Key("throttle", _THROTTLE, "The most messages."),
        Key("send_resolved", SWITCH, "Whether the end is told.", default="true"),
    ),
)
_INHIBIT = Record(
    "an inhibition",
    (
        Key("source", _MATCH, "While such an alert fires ...", required=True),
        Key("target", _MATCH, "... such alerts are not told ...", required=True),
        Key(
            "equal",
            NAMES_OR_NAME,
            "... where they agree in these labels.",
            default=", ".join(DEFAULT_EQUAL),
        ),
    ),
)
_SILENCE = Record(
    "a silence",
    (
        Key("match", _MATCH, "Which alerts.", required=True),
        Key("owner", NAME, "Who answers for it.", required=True),
        Key("until", NAME, "When it ends: an ISO date or instant.", required=True),
        Key("reason", TEXT, "Why."),
    ),
)
ALERTS_FILE = Record(
    "the alert routes",
    (
        Key("channels", ListOf(_CHANNEL), "Where people listen.", required=True),
        Key("routes", ListOf(_ROUTE), "Which alerts go where, the first that fits first.", required=True),
        Key("inhibit", ListOf(_INHIBIT), "What mutes what."),
        Key("silences", ListOf(_SILENCE), "What nobody wants to hear of for a while."),
    ),
)


def alerts_schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:spine:alerts:1",
        "title": "Spine alert routes",
        **object_schema(ALERTS_FILE.keys),
    }


def load_alert_config(include_dir: Path, environment: str) -> AlertConfig:
    """The routes of a deployment; without a file, everything to the log.

    :raises DocumentError: every problem of the file with its place.
    """
    path = include_dir / FILE_NAME
    if not path.is_file():
        return AlertConfig(
            {"log": ChannelRule(ChannelSettings("log", "console"))},
            (Route(Matcher(), ("log",)),),
            environment=environment,
        )
    return read_alert_config(read_document(path), environment)


def read_alert_config(document: Document, environment: str) -> AlertConfig:
    """:raises DocumentError: with every problem of the file."""
    if not isinstance(document.value, dict):
        document.add(Code.WRONG_TYPE, "alert routes are a mapping with 'channels' and 'routes'")
        document.raise_problems()
    values = read_record(document, document.value, (), ALERTS_FILE.keys)
    _check_labels(document)
    channels = {each["name"]: each for each in values.get("channels", []) if {"name", "kind"} <= each.keys()}
    _check_channels(document, channels)
    silences = _silences(document, values.get("silences", []))
    document.raise_problems()
    return AlertConfig(
        channels={name: _channel(each) for name, each in channels.items()},
        routes=tuple(_route(each) for each in values["routes"]),
        inhibitions=tuple(_inhibition(each) for each in values.get("inhibit", [])),
        silences=silences,
        environment=environment,
    )


def _check_labels(document: Document) -> None:
    """Every label that is matched, grouped or compared by is one that alerts have."""
    for part, keys in (
        ("routes", ("match", "group_by")),
        ("inhibit", ("source", "target", "equal")),
        ("silences", ("match",)),
    ):
        listed = document.value.get(part)
        for number, each in enumerate(listed if isinstance(listed, list) else []):
            for key in keys:
                given = each.get(key) if isinstance(each, dict) else None
                for name in _listed(given):
                    if name not in LABELS:
                        where = (part, number, key, name) if isinstance(given, dict) else (part, number, key)
                        suggestion = did_you_mean(str(name), LABELS)
                        document.add(
                            Code.UNKNOWN_KEY,
                            f"alerts have no label '{name}'",
                            *where,
                            suggestion=suggestion,
                            of_key=True,
                        )
                    elif name in _WORDS and isinstance(given, dict):
                        _check_words(document, name, given[name], (part, number, key, name))


_WORDS = {"severity": tuple(map(str, AlertSeverity)), "category": tuple(map(str, ErrorCategory))}


def _check_words(document: Document, label: str, given: Any, where: tuple[str | int, ...]) -> None:
    for word in _listed(given):
        if isinstance(word, str) and "*" not in word and word not in _WORDS[label]:
            message, suggestion = f"no {label} '{word}'", did_you_mean(word, _WORDS[label])
            document.add(Code.VALUE_NOT_ALLOWED, message, *where, suggestion=suggestion)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, (list, dict)) else []


def _check_channels(document: Document, channels: Mapping[str, Values]) -> None:
    written = document.value.get("channels")
    names = [each.get("name") for each in written if isinstance(each, dict)] if isinstance(written, list) else []
    for number, name in enumerate(names):
        if name in names[:number]:
            document.add(Code.DUPLICATE_KEY, f"channel '{name}' is there twice", "channels", number, "name")
    routes = document.value.get("routes")
    if routes == []:
        document.add(Code.MISSING_KEY, "'routes' is empty: nobody would hear of anything", "routes")
    for number, route in enumerate(routes if isinstance(routes, list) else []):
        for name in _listed(route.get("channels")) if isinstance(route, dict) else ():
            if name not in channels:
                suggestion = did_you_mean(str(name), channels)
                document.add(
                    Code.VALUE_NOT_ALLOWED, f"no channel '{name}'", "routes", number, "channels", suggestion=suggestion
                )


def _silences(document: Document, read: list[Values]) -> tuple[Silence, ...]:
    found = []
    for number, each in enumerate(read):
        if not {"match", "owner", "until"} <= each.keys():
            continue
        try:
            until = dt.datetime.fromisoformat(each["until"])
        except ValueError:
            document.add(
                Code.VALUE_NOT_ALLOWED, f"'{each['until']}' is no ISO date or instant", "silences", number, "until"
            )
            continue
        until = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
        found.append(Silence(matcher(each["match"]), each["owner"], each.get("reason", ""), until))
    return tuple(found)


def matcher(given: Mapping[str, Any]) -> Matcher:
    return Matcher({name: tuple(map(str, _listed(value))) for name, value in given.items()})


def _channel(values: Values) -> ChannelRule:
    settings = ChannelSettings(values["name"], values["kind"], values.get("conn_id", ""), values.get("options", {}))
    return ChannelRule(settings, AlertSeverity(values.get("min_severity", AlertSeverity.INFO)))


def _route(values: Values) -> Route:
    throttle = values.get("throttle", {})
    return Route(
        match=matcher(values.get("match", {})),
        channels=tuple(_listed(values["channels"])),
        goes_on=values.get("continue", False),
        group_by=tuple(_listed(values["group_by"])) if "group_by" in values else DEFAULT_GROUP,
        repeat_seconds=parse_duration(values.get("repeat_interval", "4h")) or 0.0,
        wait_seconds=parse_duration(values.get("group_wait")) or 0.0,
        throttle=Throttle(
            throttle.get("max", 10), parse_duration(throttle.get("per", "5m")) or 300.0, throttle.get("by", "source")
        ),
        send_resolved=values.get("send_resolved", True),
    )


def _inhibition(values: Values) -> Inhibition:
    equal = tuple(_listed(values["equal"])) if "equal" in values else DEFAULT_EQUAL
    return Inhibition(matcher(values["source"]), matcher(values["target"]), equal)
